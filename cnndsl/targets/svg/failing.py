"""The figure of a net with errors: which boxes are marked, and what stands below them.

A layer that does not fit has a thick outline and a word that says so. What comes after it has a
dashed one: its shape is what it would be if the layer did fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import said
from cnndsl.figures.boxes import Box
from cnndsl.figures.collapse import Doubt, collapse, inserted
from cnndsl.lang import Words
from cnndsl.network.attempt import Attempt
from cnndsl.targets.svg.picture import SIZES, Mark, Picture, Rect, Text, moved, polyline
from cnndsl.targets.svg.text import wrap

MOST = 8
"""How many errors are told below a figure."""

_LONGEST = 200
"""How many characters of a statement are written in its box, at most."""

_MARGIN = 16.0
_LINE = 15.0
_HANG = 20.0
"""The room for a sign in front of a line."""


def boxes_of(attempt: Attempt, words: Words) -> tuple[Box, ...]:
    """The boxes of all that was reached, with those that are at fault or assumed marked."""
    network = attempt.reached
    if network is None:
        return ()
    doubts = {index: Doubt("assumed") for index in attempt.assumed}
    nodes, unmade = network.nodes, []
    # What a layer that could not be made would give stands there as one more input.
    given = {node.index for node in nodes if not node.inputs}.difference(network.inputs)
    doubts |= dict.fromkeys(given, Doubt("assumed", "…"))
    for place, problem, span, _, inputs in attempt.faults:
        text = " ".join(problem.source.text[span.start : span.end][:_LONGEST].split())
        if place < len(nodes) and (nodes[place].span == span or place in given):
            doubts[place] = Doubt("misfit", text, inputs)
        else:
            box = Box("", "misfit", "", (text,), inputs, place, 0, max(place - 1, 0))
            unmade.append(box._replace(marks=frozenset(("misfit",))))
    boxes = collapse(network, words, doubts)
    for box in unmade:
        boxes = inserted(boxes, box)
    return boxes


def lines_of(diagnostics: Sequence[Diagnostic], words: Words) -> list[str]:
    """What is wrong, each with its line: `Line 3: …`."""
    found = []
    for each in diagnostics[:MOST]:
        line = each.source.position(each.span.start).line
        message = said(each.message, words.lang)
        found.append(words.say("fails.line", line=f"{line:,}", code=message))
    if len(diagnostics) > MOST:
        found.append(words["figure.more"].format(number=f"{len(diagnostics) - MOST:,}"))
    return found


def reported(
    picture: Picture, lines: Sequence[str], assumed: bool, room: int, words: Words
) -> Picture:
    """A picture with lines below it, each behind a cross, and with what dashes mean where
    something is `assumed`; no wider than `room` or than the picture."""
    wide = max(picture.width, float(room))
    shift = (wide - picture.width) / 2
    marks: list[Mark] = moved(picture.marks, shift, 0)
    y = max(picture.height, _MARGIN)
    legend = [words["figure.assumed"]] if assumed else []
    for number, line in enumerate([*lines, *legend]):
        middle = y + _LINE / 2
        if number < len(lines):
            for slope in (-4, 4):
                ends = ((_MARGIN, middle - slope), (_MARGIN + 8, middle + slope))
                marks.append(polyline(*ends, style="cross"))
        else:
            marks.append(Rect(_MARGIN - 1, middle - 5, 12, 10, "assumed", 2))
        for part in wrap([line], SIZES["label"] * picture.letters, wide - 2 * _MARGIN - _HANG):
            marks.append(Text(_MARGIN + _HANG, y + 11, part, "label", "start"))
            y += _LINE
        y += 4
    return picture._replace(width=wide, height=y + _MARGIN - 4, marks=marks)
