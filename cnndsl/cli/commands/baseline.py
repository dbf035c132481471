"""Reading and writing the baseline of `check`."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import Examined, counted
from cnndsl.cli.runner.plan import Outcome
from cnndsl.cli.terminal.files import FileError, read_regular, refuse_irregular, write_files
from cnndsl.cli.terminal.formats import report_of
from cnndsl.cli.terminal.options import UsageError, quoted
from cnndsl.cli.terminal.output import err, say
from cnndsl.diagnostics.render import printable
from cnndsl.diagnostics.report import Report
from cnndsl.lint import baseline

MOST_BYTES = 20_000_000
"""The largest baseline that is read: one of 200,000 findings."""


def write_baseline(path: str, outcome: Outcome) -> None:
    """Write down what was found, and say how much it is."""
    report = _report(path, outcome)
    refuse_irregular(path)
    write_files({path: baseline.write(report)})
    count, files = len(report.diagnostics), sum(bool(file.diagnostics) for file in outcome.files)
    found = f"{counted(count, 'finding')} in {counted(files, 'file')}"
    err(f"{found} written to {printable(path)}\n")


def compare(path: str, outcome: Outcome) -> Outcome:
    """What is new beside a baseline; says what the baseline holds in vain."""
    report = _report(path, outcome)
    try:
        accepted = baseline.read(read_regular(path, MOST_BYTES).decode("utf-8"))
    except (UnicodeDecodeError, baseline.BaselineError) as error:
        raise FileError(f"{path}: {error}") from None
    compared = baseline.compare(report, accepted, outcome.codes)
    new = {id(each) for each in compared.new}
    files = [
        Examined(file.path, None, [each for each in file.diagnostics if id(each) in new])
        for file in outcome.files
    ]
    lost = {file for file, _, _ in compared.elsewhere}
    lost = {file for file in lost if not os.path.exists(os.path.join(report.root, file))}
    gone = len(compared.gone) + sum(file in lost for file, _, _ in compared.elsewhere)
    if gone:
        say(
            f"{path}: {counted(gone, 'finding')} of this baseline no longer there;"
            " write it anew with --write-baseline"
        )
    return outcome._replace(files=files, known=len(report.diagnostics) - len(new))


def _report(path: str, outcome: Outcome) -> Report:
    """What was found, with paths relative to the folder of the baseline."""
    if not path or "\0" in path:
        raise UsageError(f"{quoted(path)} is no path")
    return report_of(outcome)._replace(root=os.path.dirname(os.path.realpath(path)))
