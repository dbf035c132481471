"""`cnndsl verify`: whether Keras and PyTorch compute the same network."""

from __future__ import annotations

from typing import Any

from cnndsl.cli.commands.nets import (
    NET,
    examine_files,
    format_option,
    has_errors,
    named_files,
    tell,
)
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.network import Network
    from cnndsl.proof.verify import Verification

COMMAND = Command(
    "verify",
    "FILE…",
    "hold the Keras and PyTorch models against each other",
    "Build the models that a net becomes in Keras and in PyTorch, give them the same random\n"
    "weights and inputs, and say how far each layer's outputs are apart. Exit 1 where they\n"
    "differ, with the first layer that does, its line and both values.",
    (
        format_option("text for people, json for programs", "text", "json"),
        Option(
            "tolerance",
            "how far a layer's outputs may be apart, as a share of the largest\n"
            "value; 1e-9, as both compute in double precision",
            "word",
            "X",
        ),
        Option("seed", "what the random weights and inputs follow from; 0", "word", "N"),
        Option("batch", "how many samples the inputs have; 2", "natural", "N"),
        *NET,
    ),
    ("cnndsl verify resnet50.cnn", "cnndsl verify nets/ --format json"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, out, say
    from cnndsl.contract import TargetError, Unavailable

    options: dict[str, Any] = {
        "tolerance": share(arguments),
        "seed": seed(arguments),
        "batch": arguments.natural("batch") or 2,
    }
    done, unreadable = examine_files(arguments, named_files(arguments))
    reports = []
    for file in done:
        if file.network is None or has_errors(file.diagnostics):
            continue
        try:
            reports.append(verified(file.network, options))
        except TargetError as error:
            file.diagnostics.extend(error.diagnostics)
        except Unavailable as error:
            say(str(error))
            return 2
    diagnostics = [each for file in done for each in file.diagnostics]
    tell(diagnostics)
    if arguments.get("format") == "json":
        from cnndsl.diagnostics.harmless import to_json
        from cnndsl.proof.show import as_json

        data(to_json([as_json(report) for report in reports]))
    else:
        out("\n".join(drawn(report, len(done) > 1) for report in reports))
    tell([], unreadable)
    if unreadable:
        return 2
    return int(not all(reports) or has_errors(diagnostics))


def verified(network: Network, options: dict[str, Any]) -> Verification:
    """The report on a network, with a word on how far it is; raises as `verify` does."""
    from cnndsl.cli.terminal.progress import Progress
    from cnndsl.proof import frameworks

    frameworks.ready()  # before NumPy is imported, which comes with them
    from cnndsl.proof.verify import verify

    progress = Progress(len(network.layers), f"layers of {network.name}")
    try:
        return verify(network, progress=lambda done: progress.add(1), **options)
    finally:
        progress.clear()


def drawn(report: Verification, heading: bool) -> str:
    """The table of a report and what is said below it."""
    from cnndsl.diagnostics.render import printable
    from cnndsl.proof.show import as_text
    from cnndsl.tables.plain_table import text_table

    lines, text = as_text(report)
    table = text_table(lines, [False, False, False, True], sums=True)
    return (f"{printable(report.network.source.name)}\n\n" if heading else "") + f"{table}\n{text}"


def share(arguments: Arguments) -> float | None:
    """The value of `--tolerance`."""
    text = arguments.get("tolerance")
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError("--tolerance wants a number from 0, as in `--tolerance 1e-6`")
    return value


def seed(arguments: Arguments) -> int:
    """The value of `--seed`."""
    return 0 if arguments.get("seed") in (None, "0") else arguments.natural("seed") or 0
