"""`cnndsl check --fix` and `--diff`: what is wrong with nets, mended."""

from __future__ import annotations

from cnndsl.cli.commands.nets import Examined, counted
from cnndsl.cli.runner.plan import Outcome, Plan
from cnndsl.cli.terminal.files import STDIN, FileError, display_name, read_marked, write_files
from cnndsl.cli.terminal.options import Arguments, UsageError
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.diagnostics.source import Source

OPTIONS = (
    Option(
        "fix",
        "mend what can be mended without a change of the net, in place;\n"
        "`-` goes from standard input to standard output",
    ),
    Option("unsafe", "with --fix or --diff: also what changes the net, the least change first"),
    Option(
        "promises",
        "with --fix or --diff: also what has a promise say what the net is",
    ),
    Option("diff", "write nothing; show what --fix would change, and what it would leave"),
)


class Fixed:
    """What became of the files.

    `outcome` is what is to be said of them after the fixes; `texts` goes to standard output:
    the differences, or the net that came from standard input (`piped`).
    """

    def __init__(self, plan: Plan) -> None:
        self.outcome = Outcome(plan, [], [])
        self.texts: list[str] = []
        self.piped = False
        self.fixes = 0
        self.summary = ""


def wanted(arguments: Arguments) -> bool:
    """Whether the files are to be mended, or it is to be shown how they would be."""
    if arguments.has("fix") and arguments.has("diff"):
        raise UsageError("--fix writes and --diff does not: give one of them")
    if arguments.has("fix") or arguments.has("diff"):
        return True
    for option in ("unsafe", "promises"):
        if arguments.has(option):
            raise UsageError(f"--{option} goes with --fix or --diff")
    return False


def fix_files(arguments: Arguments, plan: Plan) -> Fixed:
    """Mend files, or with `--diff` only say how.

    All changed files are written at the end, and none where `write_files` cannot write one. A
    file that would check worse than before stays as it is, and so does every byte that no fix
    speaks of.
    """
    from functools import partial

    from cnndsl.cli.terminal.output import difference
    from cnndsl.quickfix.apply import mend

    fixed = Fixed(plan)
    done, unreadable = fixed.outcome.files, fixed.outcome.unreadable
    unsafe, promises = arguments.has("unsafe"), arguments.has("promises")
    lint = plan.question.lint
    show, changed, count = arguments.has("diff"), {}, 0
    for task in plan.tasks:
        path, codes = task.path, task.codes
        name = display_name(path)
        try:
            mark, source, problems = read_marked(path)
        except FileError as error:
            unreadable.append((name, str(error)))
            continue
        if problems:
            done.append(Examined(name, None, problems))
            continue
        examine = partial(_examined, plan, codes) if promises else partial(lint, codes=codes)
        mended = mend(source, examine, unsafe=unsafe, promises=promises)
        text = mended.source.text
        done.append(Examined(name, None, mended.left))
        fixed.fixes += len(mended.applied)
        count += text != source.text
        if show:
            fixed.texts.append(difference(source.name, source.text, text))
        elif path == STDIN:
            fixed.texts.append(mark + text)
            fixed.piped = True
        elif text != source.text:
            changed[path] = mark + text
    write_files(changed)
    if fixed.fixes:
        plural = "es" * (fixed.fixes != 1)
        verb = "would be made" if show else "made"
        fixed.summary = f"{fixed.fixes:,} fix{plural} {verb} in {counted(count, 'file')}\n"
    return fixed


def _examined(plan: Plan, codes: frozenset[str], source: Source) -> list[Diagnostic]:
    """What there is to say about a text, and what would promise what is."""
    from cnndsl.quickfix.promises import with_other_promises

    question = plan.question
    found = question.lint(source, codes)
    return with_other_promises(source, found, question.values, question.size, question.limit)
