"""What `--help` prints."""

from __future__ import annotations

from collections.abc import Sequence

from cnndsl.cli.terminal.options import HELP, Command


def overview(commands: Sequence[Command]) -> str:
    """What `cnndsl --help` prints: every command with an example."""
    width = max(len(command.name) for command in commands)
    lines = [
        "usage: cnndsl COMMAND [options]",
        "",
        "Convolutional networks in a small language: checked, and turned into code.",
        "",
        "commands:",
        *(f"  {command.name:<{width}}  {command.summary}" for command in commands),
        "",
        "options:",
        "  -h, --help     show this help, or after a command the command's",
        "  -V, --version  show the version",
        "",
        "A FILE is a .cnn file or `-` for standard input; a PATH can also be a folder.",
        "Exit code: 0 clean, 1 a net or its format has errors, 2 wrong usage or a file that",
        "cannot be read or written.",
        "",
        "examples:",
        *(f"  {command.examples[0]}" for command in commands),
    ]
    return "\n".join(lines) + "\n"


def usage(command: Command) -> str:
    """The first line of a command's help."""
    words = "usage: cnndsl", command.name, command.operands, "[options]"
    return " ".join(filter(None, words))


def help_text(command: Command) -> str:
    """What `cnndsl COMMAND --help` prints."""
    rows = []
    for option in (*command.options, HELP):
        left = ", ".join(option.names) + (f" {option.value}" if option.value else "")
        rows.append((left if len(option.names) > 1 else "    " + left, option.help))
    width = max(len(left) for left, _ in rows) + 2
    lines = [usage(command), "", command.about, "", "options:"]
    for left, help_ in rows:
        first, *more = help_.split("\n")
        lines.append(f"  {left:<{width}}{first}")
        lines += [f"  {'':<{width}}{line}" for line in more]
    lines += ["", "examples:" if len(command.examples) > 1 else "example:"]
    lines += [f"  {example}" for example in command.examples]
    return "\n".join(lines) + "\n"
