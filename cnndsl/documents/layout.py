"""Where a Markdown text has its nets and its regions.

The text is read by a parser of CommonMark, so that a fence in a list in a quotation is one,
and a comment in a block of code is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.contract import Unavailable
from cnndsl.diagnostics import Diagnostic, Source, Span

if TYPE_CHECKING:
    from markdown_it.token import Token

_OPENING = re.compile(r"<!--[ \t]*cnndsl:(.*?)-->[ \t]*")
_CLOSING = re.compile(r"<!--[ \t]*/cnndsl[ \t]*-->[ \t]*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_FRONT_MATTER = re.compile(r"---[ \t]*(?:\r?\n).*?\n---[ \t]*(?=\r?\n|\Z)", re.DOTALL)


class Fence(NamedTuple):
    """A net in a document.

    * `text`: the net, each line without what indents the block
    * `starts`: where each of its lines begins in the document
    * `fails`: whether the document says that the net is wrong on purpose
    """

    text: str
    starts: tuple[int, ...]
    fails: bool

    def place(self, offset: int) -> int:
        """Where an offset of the net lies in the document."""
        line = self.text.count("\n", 0, offset)
        begin = self.text.rfind("\n", 0, offset) + 1
        return self.starts[min(line, len(self.starts) - 1)] + offset - begin


class Region(NamedTuple):
    """A stretch of a document that cnndsl writes.

    * `words`: the span of what the opening comment asks for
    * `body`: the span between the two comments' lines
    * `indent`: what its lines begin with, inside lists and quotations
    * `newline`: the document's own line ending
    * `fence`: how many nets stand before it
    """

    words: Span
    body: Span
    indent: str
    newline: str
    fence: int


class DocumentParts(NamedTuple):
    """The nets and regions of a document in their order, and what is wrong with the latter."""

    fences: list[Fence]
    regions: list[Region]
    problems: list[Diagnostic]


def survey(source: Source) -> DocumentParts:
    """Find the nets and regions of a document; raises Unavailable without markdown-it-py."""
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError:
        raise Unavailable("markdown-it-py", "docs") from None

    text = source.text
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    found = DocumentParts([], [], [])
    opened: tuple[Token, re.Match[str], int] | None = None
    for token in MarkdownIt("commonmark").parse(_without_front_matter(text)):
        if token.map is None:
            continue
        first, last = token.map
        at = starts[first]
        if token.type == "fence" and token.info.split()[:1] == ["cnn"] and opened is None:
            fence = _fence(token, text, starts)
            if "fragment" not in token.info.split()[1:]:
                found.fences.append(fence)
        if token.type != "html_block":
            continue
        end = starts[last] if last < len(starts) else len(text)
        line = text[at:end]
        opening, closing = _search(_OPENING, line), _search(_CLOSING, line)
        if opening is not None:
            if opened is not None:
                _complain(found, source, opened[1], opened[2], "this region has no end")
            opened = token, opening, at
        elif closing is not None:
            if opened is None or opened[0].level != token.level:
                _complain(found, source, closing, at, "this ends a region that has not begun")
            else:
                begun = starts[(opened[0].map or [0, 0])[1]]
                found.regions.append(
                    _region(text, opened[1], opened[2], Span(begun, at), len(found.fences))
                )
            opened = None
    if opened is not None:
        _complain(found, source, opened[1], opened[2], "this region has no end")
    return found


def _search(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """A comment that has its line for itself, but for what indents it."""
    match = pattern.search(line)
    if match is None or line[match.end() :].strip("\r\n"):
        return None
    before = line[: match.start()].strip(" \t>")
    return match if not before.rstrip("0123456789").strip("-+*.) \t") else None


def _complain(
    found: DocumentParts, source: Source, match: re.Match[str], at: int, message: str
) -> None:
    span = Span(at + match.start(), at + len(match[0].rstrip()) + match.start())
    help_ = (
        "put `<!-- /cnndsl -->` on a line of its own where the region ends, as deep in lists "
        "as its beginning"
    )
    found.problems.append(Diagnostic("E501", source, span, message, help_))


def _region(text: str, opening: re.Match[str], at: int, body: Span, fence: int) -> Region:
    before = opening.string[: opening.start()]
    indent = "".join(c if c in " \t>" else " " for c in before)
    ending = _LINE_END.search(opening.string)
    words = Span(at + opening.start(1), at + opening.end(1))
    return Region(words, body, indent, ending[0] if ending else "\n", fence)


def _fence(token: Token, text: str, starts: list[int]) -> Fence:
    first = (token.map or [0, 0])[0] + 1
    places = []
    for number, line in enumerate(token.content.split("\n")):
        start = starts[min(first + number, len(starts) - 1)]
        whole = _LINE_END.split(text[start : start + len(line) + 1000], maxsplit=1)[0]
        # What indents the block is not part of the net's line; a tab in it may be spaces now.
        places.append(start + max(0, len(whole) - len(line)))
    return Fence(token.content, tuple(places), "fails" in token.info.split()[1:])


def _without_front_matter(text: str) -> str:
    """The text with its front matter blanked out, line by line."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text
    return "".join(_LINE_END.findall(match[0])) + text[match.end() :]
