"""The command line: `cnndsl build`, `check`, `fmt` and the rest.

One small file a command. Whatever is imported here is waited for at every start, so that
each command imports what it needs, when it needs it.

Exit codes: 0 clean; 1 a net, or its format, has errors; 2 wrong usage, or a file that
cannot be read or written.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnndsl.cli.terminal.options import Arguments, Command

COMMANDS = (
    "build",
    "check",
    "fmt",
    "show",
    "solve",
    "sweep",
    "diff",
    "compare",
    "docs",
    "audit",
    "import",
    "verify",
    "weights",
    "rule",
    "lsp",
)


def main(words: list[str] | None = None) -> int:
    """Run a command and return its exit code; no exception comes out of it.

    `words` are the arguments without the program's name, else those of the process.
    """
    import gc

    collecting = gc.isenabled()
    # Trees of small tuples make the collector look at everything again and again, and find
    # nothing: a large net takes twice as long with it.
    gc.disable()
    try:
        try:
            code = run(sys.argv[1:] if words is None else words)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
        except BaseException as error:
            return _report(error)
    finally:
        if words is None:
            # The process ends here: its last collections would look at everything once more.
            gc.freeze()
        elif collecting:
            gc.enable()


def run(words: list[str]) -> int:
    """Find the command and run it. Raises what `main` reports."""
    if not words:
        from cnndsl.cli.terminal.help import overview
        from cnndsl.cli.terminal.output import err

        err(overview(every()))
        return 2
    name, *rest = words
    if name in COMMANDS:
        command, action = load(name, rest)
        options = rest[: rest.index("--")] if "--" in rest else rest
        if "-h" in options or "--help" in options:
            from cnndsl.cli.terminal.help import help_text
            from cnndsl.cli.terminal.output import out

            out(help_text(command))
            return 0
        from cnndsl.cli.terminal.options import UsageError, read_arguments

        try:
            return action(read_arguments(command, rest))
        except UsageError as error:
            error.command = name
            raise
    from cnndsl.cli.terminal.output import out

    if name in ("-h", "--help", "help"):
        from cnndsl.cli.terminal.help import overview

        out(overview(every()))
        return 0
    if name in ("-V", "--version"):
        from cnndsl import __version__

        out(f"cnndsl {__version__}\n")
        return 0
    from cnndsl.cli.terminal.options import UsageError, quoted
    from cnndsl.diagnostics.spelling import nearest

    kind = "option" if name.startswith("-") else "command"
    known = COMMANDS if kind == "command" else ("--help", "--version")
    raise UsageError(f"unknown {kind} {quoted(name)}{nearest(name, known)}")


def every() -> list[Command]:
    """All commands, in the order in which help lists them."""
    return [load(name)[0] for name in COMMANDS]


def load(name: str, words: Sequence[str] = ()) -> tuple[Command, Callable[[Arguments], int]]:
    """What a command takes, and the function that runs it.

    What `build` takes depends on the target that `words` name: it has a function for that.
    """
    stem = "import_" if name == "import" else name  # which is a word of Python
    module = __import__(f"cnndsl.cli.commands.{stem}", fromlist=["COMMAND"])
    command = module.command(words) if hasattr(module, "command") else module.COMMAND
    return command, module.run


def _report(error: BaseException) -> int:
    """Say why the run ended, in one line, and return the exit code."""
    from cnndsl.cli.terminal.files import FileError, reason
    from cnndsl.cli.terminal.options import UsageError
    from cnndsl.cli.terminal.output import say

    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, BrokenPipeError):
        _drop_output()  # the reader, such as `head`, has had enough
        return 141
    try:
        if isinstance(error, UsageError):
            say(str(error))
            hint = f"cnndsl {error.command}".rstrip()
            say(f"see `{hint} --help`")
        elif isinstance(error, FileError):
            for message in error.args:
                say(message)
        elif isinstance(error, OSError):
            _drop_output()
            say(reason(error))
        elif isinstance(error, MemoryError):
            say("not enough memory")
        else:
            _report_internal(error)
    except OSError:
        _drop_output()
    return 2


def _report_internal(error: BaseException) -> None:
    """What nobody foresaw: one line, or all of it for who looks for the cause."""
    import os

    from cnndsl.cli.terminal.output import err, say

    if os.environ.get("CNNDSL_DEBUG"):
        import traceback

        err("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    say(
        f"internal error ({type(error).__name__}); please report it with the file"
        " (CNNDSL_DEBUG=1 shows where)"
    )


def _drop_output() -> None:
    """Let nothing more come out, not even what the stream still holds at exit."""
    import os

    try:
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            if sys.stdout is not None:
                os.dup2(null, sys.stdout.fileno())
        finally:
            os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # a stream that is no file
