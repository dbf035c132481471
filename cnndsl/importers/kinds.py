"""Which reader a text is for, by what it looks like."""

from __future__ import annotations

import re

from cnndsl.importers.notation import is_notation

_LOOKED_AT = 200_000
"""How many characters of a text are looked at."""

_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("python", re.compile(r"^(```|~~~) ?(python|py)\b", re.MULTILINE | re.IGNORECASE)),
    ("summary", re.compile(r"Layer \(type[^\n]{0,400}(Shape|Param)")),
    ("darknet", re.compile(r"^[ \t]*\[(net|network|convolutional)\][ \t]*\r?$", re.MULTILINE)),
    ("caffe", re.compile(r"^[ \t]*(layers? *:? *\{|input_dim *:)", re.MULTILINE)),
    (
        "python",
        re.compile(
            r"^[ \t]*(import \w|from [\w.]+ import |def \w+\(|class \w+|@\w)|\bnn\.[A-Z]\w*\("
            r"|\b(keras|layers|tf)\.\w+|\b(Sequential|Conv[123][dD]|Dense|Linear)\(",
            re.MULTILINE,
        ),
    ),
)


def kind_of(text: str) -> str | None:
    """What a text is: `summary`, `notation`, `darknet`, `caffe` or `python`, which may stand in
    a fence of Markdown; None for none of these."""
    head = text[:_LOOKED_AT]
    for kind, mark in _MARKS:
        if mark.search(head):
            return kind
    return "notation" if is_notation(text) else None
