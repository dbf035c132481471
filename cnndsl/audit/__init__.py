"""Posts judged by the nets that they speak of: which cells are false, and what is right.

`post` finds tables, summaries and lists; `align` lines their rows up with the layers of a net;
`judge` compares values. No text is compared that can be read as a value.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cnndsl.audit.judge import Auditor
from cnndsl.audit.post import read_post
from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.documents.layout import MOST_LINES, moved
from cnndsl.importers.graph import ImportProblems
from cnndsl.importers.read import checked
from cnndsl.importers.source import MOST_TEXT, Program
from cnndsl.importers.told import told
from cnndsl.importers.write import to_text
from cnndsl.layers.base import Shape
from cnndsl.network import Network

Examine: TypeAlias = Callable[[Source], "tuple[Network | None, list[Diagnostic]]"]
"""What checks a net: `cnndsl.api.examine`."""


class Audited(NamedTuple):
    """What an audit found: what is false, what was left, with its place, and why a post could
    not be judged."""

    findings: list[Diagnostic]
    notes: list[tuple[Span, Message]]
    problems: list[Diagnostic]


def audit(
    source: Source, examine: Examine, network: Network | None = None, size: Shape | None = None
) -> Audited:
    """Judge the tables, summaries and lists of a post by a net, or else by the post's own nets.

    Those are its blocks `cnn`, or where it has none its code for Keras or PyTorch, of which
    `size` is the input's where it does not say it. Raises Unavailable without markdown-it-py.
    """
    if source.text.count("\n") >= MOST_LINES:
        message = Message("this document has more than {most:,} lines", most=MOST_LINES)
        own = Source(source.name, source.text[:1])  # whose other lines are not counted
        return Audited(
            [], [], [Diagnostic("E302", own, Span(0, 0), message, Message("write several"))]
        )
    post = read_post(source)
    found = Audited([], [*post.unknown], [])
    nets = [(0, network)] if network is not None else []
    if not post.tables:
        return found
    places = [fence.starts[0] for fence in post.fences] if not nets else []
    tables = []
    for table in post.tables:
        if (at := bisect(places, table.place.start)) and post.fences[at - 1].fails:
            message = Message("this follows a net that fails, and is left")
            found.notes.append((table.place, message))
        else:
            tables.append(table)
    good = [fence for fence in post.fences if not fence.fails]
    for fence in good if not nets else ():
        net, problems = examine(Source(source.name, fence.text, piece=True))
        found.problems.extend(moved(each, source, fence) for each in problems)
        nets += [(fence.starts[0], net)] if net is not None else []
    if not nets and not good and post.code and len(source.text) <= MOST_TEXT:
        nets, problems = _listed(source, [size] if size else [])
        found.problems.extend(problems)
    about = [t for t in tables if any(r.label.kinds or r.label.number for r in t.records)]
    if about and not nets and not found.problems:
        message = Message("there is no net to judge this by")
        help_ = Message(
            "name its net with `--net`, or put a block `cnn` or the code of the model into the post"
        )
        found.problems.append(Diagnostic("E503", source, about[0].place, message, help_))
    auditor = Auditor(source, nets)
    for table in tables if nets else ():
        for each in auditor.judge(table):
            if isinstance(each, Diagnostic):
                found.findings.append(each)
            else:
                found.notes.append(each)
    found.notes.sort(key=lambda note: note[0])
    return found


def _listed(
    source: Source, sizes: list[Shape]
) -> tuple[list[tuple[int, Network]], list[Diagnostic]]:
    """The nets of a post's code, which is read and never run, each with its place; else what
    keeps them from being read."""
    found: list[tuple[int, Network]] = []
    problems: list[Diagnostic] = []
    try:
        program = Program(source.text)
        candidates = program.candidates()
    except ImportProblems as error:
        return [], told(error.problems, source)
    for each in candidates:
        try:
            graph = checked(program.graph(each, each.names[0], sizes))
            place = program.line_span(each.spans[0][0])[0]
            found.append((place, to_text(graph, flat=True).network))
        except ImportProblems as error:
            problems += told(error.problems, source)
    return found, problems if not found else []
