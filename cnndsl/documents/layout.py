"""Where a Markdown text has its nets and its regions.

The text is read by a parser of CommonMark, so that a fence in a list in a quotation is one,
and a comment in a block of code is none.
"""

from __future__ import annotations

import re
from collections.abc import Container
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.contract import Unavailable
from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.diagnostics.message import Message

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_LINES = 500_000
"""The longest document that is read: the parser of Markdown takes its time for each line."""

LINE_END = re.compile(r"\r\n|\n|\r")
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

    def place(self, line: int, column: int) -> int:
        """Where a line and a column of the net, both from 1, lie in the document."""
        return self.starts[min(line, len(self.starts)) - 1] + column - 1


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


class _Comment(NamedTuple):
    """A comment that begins a region or ends one.

    * `line`: the line that it stands in, from 0, and `level` how deep
    * `span`: all of it
    * `words`: the span of what it asks for; None where it ends a region
    """

    line: int
    level: int
    span: Span
    words: Span | None


def survey(source: Source) -> DocumentParts:
    """Find the nets and regions of a document; raises Unavailable without markdown-it-py."""
    text = source.text
    found = DocumentParts([], [], [])
    ends = (match.end() for match in LINE_END.finditer(text))
    starts = [0, *islice(ends, MOST_LINES)]
    if len(starts) > MOST_LINES:
        message = Message("this document has more than {most:,} lines", most=MOST_LINES)
        read = Source(source.name, text[: starts[-1]])  # nor are the others counted
        span = Span(starts[-1], starts[-1])
        help_ = Message("write several")
        found.problems.append(Diagnostic("E501", read, span, message, help_))
        return found
    starts.append(len(text))
    opened: _Comment | None = None
    for token in blocks(text, _WANTED):
        if token.type == "fence":
            info = token.info.split()
            if opened is None and info[:1] == ["cnn"] and "fragment" not in info:
                found.fences.append(fence_of(token, "fails" in info, text, starts))
            continue
        comment = _comment(token, text, starts)
        if comment is None:
            continue
        if comment.words is not None:
            if opened is not None:
                _complain(found, source, opened, Message("this region has no end"))
            opened = comment
        else:
            if opened is None or opened.level != comment.level:
                message = Message("this ends a region that has not begun")
                _complain(found, source, comment, message)
            else:
                body = Span(starts[opened.line + 1], starts[comment.line])
                found.regions.append(_region(text, starts, opened, body, len(found.fences)))
            opened = None
    if opened is not None:
        _complain(found, source, opened, Message("this region has no end"))
    return found


_WANTED = ("fence", "html_block")


def blocks(text: str, wanted: Container[str]) -> list[Token]:
    """The tokens of a document's blocks in their order, those of the types that are `wanted`.

    What stands in a line is not looked at. Raises Unavailable without markdown-it-py.
    """
    try:
        from markdown_it import MarkdownIt
        from markdown_it.token import Token
    except ModuleNotFoundError:
        raise Unavailable("markdown-it-py", "docs") from None

    other = Token("", "", 0)

    class Blocks(list[Token]):
        """The parser's list of what it finds; the many that are of no use here are one."""

        def append(self, token: Token) -> None:
            super().append(token if token.type in wanted else other)

    found = Blocks()
    parser = MarkdownIt("commonmark")
    if "tr_open" in wanted:
        parser.enable("table")
    # Not `parser.parse`: what stands in a line is of no use either.
    plain = LINE_END.sub("\n", _without_front_matter(text)).replace("\0", "\ufffd")
    parser.block.parse(plain, parser, {}, found)
    return [token for token in found if token is not other]


def _comment(token: Token, text: str, starts: list[int]) -> _Comment | None:
    """What begins or ends a region: a comment with a line for itself, but for what indents it."""
    first, last = token.map or (0, 0)
    end = starts[last]
    begin = text.find("<!--", starts[first], end)
    stop = text.find("-->", begin + 4, end)
    if last - first != 1 or begin < 0 or stop < 0 or text[stop + 3 : end].strip(" \t\r\n"):
        return None
    before = text[starts[first] : begin].strip(" \t>")
    if before.rstrip("0123456789").strip("-+*.) \t"):
        return None
    inside, span = text[begin + 4 : stop].lstrip(" \t"), Span(begin, stop + 3)
    if inside.startswith("cnndsl:"):
        words = Span(stop - len(inside) + len("cnndsl:"), stop)
        return _Comment(first, token.level, span, words)
    return _Comment(first, token.level, span, None) if inside.rstrip(" \t") == "/cnndsl" else None


def _complain(found: DocumentParts, source: Source, comment: _Comment, message: Message) -> None:
    help_ = Message(
        "put `<!-- /cnndsl -->` on a line of its own where the region ends, as deep in lists "
        "as its beginning"
    )
    found.problems.append(Diagnostic("E501", source, comment.span, message, help_))


def _region(text: str, starts: list[int], opening: _Comment, body: Span, fence: int) -> Region:
    before = text[starts[opening.line] : opening.span.start]
    indent = "".join(c if c in " \t>" else " " for c in before)
    newline = text[opening.span.end : body.start].strip(" \t")
    return Region(opening.words or opening.span, body, indent, newline, fence)


def fence_of(token: Token, fails: bool, text: str, starts: list[int]) -> Fence:
    """A block of code with its places; `starts` is where each line of the text begins."""
    first = (token.map or [0])[0] + 1
    places = []
    for number, line in enumerate(token.content.split("\n"), first):
        begin, end = (starts[min(at, len(starts) - 1)] for at in (number, number + 1))
        # What indents the block is not part of the net's line; a tab in it may be spaces now.
        places.append(begin + max(0, len(text[begin:end].rstrip("\r\n")) - len(line)))
    return Fence(token.content, tuple(places), fails)


def _without_front_matter(text: str) -> str:
    """The text with its front matter blanked out, line by line."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text
    return "".join(LINE_END.findall(match[0])) + text[match.end() :]


def moved(diagnostic: Diagnostic, source: Source, fence: Fence) -> Diagnostic:
    """What is said about a net, said about the document that it stands in."""

    def there(span: Span) -> Span:
        start, end = (fence.place(*diagnostic.source.position(offset)) for offset in span)
        return Span(start, end)

    return diagnostic._replace(
        source=source,
        span=there(diagnostic.span),
        notes=tuple(
            Note(note.message, there(note.span) if note.span else None) for note in diagnostic.notes
        ),
        fixes=tuple(
            Fix(fix.title, tuple(Edit(there(e.span), e.text) for e in fix.edits), fix.safe)
            for fix in diagnostic.fixes
        ),
    )
