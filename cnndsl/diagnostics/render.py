"""Diagnostics as text for people: what is wrong, the line, and carets under the place.

    error[E201] size-not-whole: (39 - 4)/2 + 1 = 18.5 is not a whole number
     --> article.cnn:4:17
      |
    4 | conv 20 4x4 relu /2
      |                  ^^
      = help: use a stride of 1, or write `rounding floor`

What a terminal would not print as it stands (control characters, invisible and
right-to-left marks) is shown escaped, wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.diagnostic import Diagnostic, label
from cnndsl.diagnostics.message import Message, said
from cnndsl.diagnostics.source import Source, Span

WIDTH = 100
"""Columns of a source line that are shown; longer lines are cut around the span."""

MOST = 100
"""How many diagnostics of a code are written out."""

TAB = 4
"""Columns between tab stops."""

_RED, _YELLOW, _BLUE, _CYAN, _BOLD = "1;31", "1;33", "1;34", "1;36", "1"


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """Orders diagnostics by file, position and code."""
    return (diagnostic.source.name, *diagnostic.span, diagnostic.code)


def render_all(diagnostics: Iterable[Diagnostic], *, color: bool = False, lang: str = "en") -> str:
    """The diagnostics in order, with a blank line after each.

    Those of a code beyond the first `MOST` are counted, at the end: nobody reads so many, and
    programs have the formats that are data.
    """
    counts: dict[str, int] = {}
    out = []
    for each in sorted(diagnostics, key=sort_key):
        counts[each.code] = number = counts.get(each.code, 0) + 1
        if number <= MOST:
            out.append(render(each, color=color, lang=lang) + "\n")
    for code, count in sorted(counts.items()):
        if count > MOST:
            more = Message(
                "… and {count:,} more of {code} {name}",
                count=count - MOST,
                code=code,
                name=CODES[code].name,
            )
            out.append(f"{said(more, lang)}\n\n")
    return "".join(out)


def render(diagnostic: Diagnostic, *, color: bool = False, lang: str = "en") -> str:
    """One diagnostic, ending in a newline. `color` puts in escape sequences for a terminal."""
    diagnostic = diagnostic.in_language(lang)

    def paint(style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if color and text else text

    source, span = diagnostic.source, diagnostic.span
    style = _RED if diagnostic.severity == "error" else _YELLOW
    placed = [note.span for note in diagnostic.notes if note.span is not None]
    lines = [source.position(where.start).line for where in (span, *placed)]
    indent = " " * len(str(max(lines)))

    def snippet(where: Span, mark: str, mark_style: str) -> list[str]:
        if source.dark:
            return [f"{indent}{paint(_BLUE, '-->')} {printable(source.name)}"]
        line = source.position(where.start).line
        shown, before, marks = excerpt(source, where)
        gutter = paint(_BLUE, f"{indent} |")
        number = paint(_BLUE, f"{line:>{len(indent)}} |")
        return [
            f"{indent}{paint(_BLUE, '-->')} {place(source, where.start, lang)}",
            gutter,
            f"{number} {shown}".rstrip(),
            f"{gutter} {' ' * before}{paint(mark_style, mark * marks)}",
        ]

    title = f"{label(diagnostic.severity, lang)}[{diagnostic.code}] {diagnostic.name}"
    out = [f"{paint(style, title)}{paint(_BOLD, f': {printable(diagnostic.message)}')}"]
    out += snippet(span, "^", style)
    note_, help_label = label("note", lang), label("help", lang)
    remarks: list[tuple[str, str]] = [
        (note_, note.message) for note in diagnostic.notes if note.span is None
    ]
    help_ = diagnostic.help or (diagnostic.fixes[0].title if diagnostic.fixes else "")
    if help_:
        remarks.append((help_label, help_))
    for kind, text in remarks:
        first, *rest = text.split("\n")
        before = f"{indent} {paint(_BLUE, '=')} {paint(_BOLD, kind)}: "
        out.append(before + printable(first))
        out += [f"{indent}   {' ' * columns(kind)}  {printable(line)}" for line in rest]
    for note in diagnostic.notes:
        if note.span is not None:
            out.append(f"{paint(_CYAN, note_)}: {printable(note.message)}")
            out += snippet(note.span, "-", _CYAN)
    return "\n".join(out) + "\n"


def place(source: Source, offset: int, lang: str = "en") -> str:
    """Where an offset of a text lies, for people."""
    line, column = source.position(offset)
    if source.piece:
        where = Message("line {line}, column {column}", line=line, column=column)
        return said(where, lang)
    return f"{printable(source.name)}:{line}:{column}"


def excerpt(source: Source, span: Span) -> tuple[str, int, int]:
    """The first line of a span as it is shown, the columns before the marks, and the marks."""
    text = source.text
    first, last = source.line_start(span.start), source.line_end(span.start, 2 * WIDTH)
    start = min(span.start, last)
    end = min(max(span.end, start + 1), max(last, start + 1))
    if span.end > end:
        # It goes on in further lines; spaces at the end of this one are not worth a mark.
        while end > start + 1 and text[end - 1].isspace():
            end -= 1
    if last - first <= WIDTH:
        shown = text[first:last]
        if shown.isascii() and shown.isprintable():
            return shown, start - first, end - start
    return _cut(text, first, last, start, end)


def _cut(text: str, first: int, last: int, start: int, end: int) -> tuple[str, int, int]:
    """What `excerpt` says of a line that is long or holds more than plain characters.

    All four are offsets into the text: of the line, and of what is to be marked.
    """
    # No need to look at more characters than there are columns on either side.
    offset = max(first, start - WIDTH)
    stop = min(last, start + WIDTH)
    cells = _cells(text[offset:stop])
    start, end = start - offset, min(end - offset, len(cells) + 1)
    widths = [width for _, width in cells]
    begin, after = 0, len(cells)
    more_before, more_after = offset > first, stop < last
    if sum(widths) > WIDTH or more_before or more_after:
        # The marks, as much as fits; then a third of what is left before them.
        room = WIDTH - 2 - min(sum(widths[start:end]), WIDTH // 2)
        right = _fit(widths[start:], WIDTH - 2 - room // 3)
        left = _fit(widths[:start][::-1], WIDTH - 2 - sum(widths[start : start + right]))
        begin = start - left
        after = begin + _fit(widths[begin:], WIDTH - 2)
        more_before, more_after = more_before or begin > 0, more_after or after < len(cells)
    shown = "".join(cell for cell, _ in cells[begin:after])
    lead = sum(widths[begin:start]) + more_before
    marks = sum(widths[start : min(end, after)])
    if not marks:
        # The end of the line; or an accent alone, which stands on the character before it.
        lead -= lead > 0 and start < min(end, after)
        marks = 1
    return "…" * more_before + shown + "…" * more_after, lead, marks


def _fit(widths: list[int], room: int) -> int:
    """How many of the first characters fit in so many columns."""
    for count, width in enumerate(widths):
        room -= width
        if room < 0:
            return count
    return len(widths)


def _cells(text: str) -> list[tuple[str, int]]:
    """Each character as it is shown, and how many columns it takes."""
    if text.isascii() and text.isprintable():
        return [(character, 1) for character in text]
    cells: list[tuple[str, int]] = []
    column = 0
    for character in text:
        shown = " " * (TAB - column % TAB) if character == "\t" else printable(character)
        width = columns(shown)
        cells.append((shown, width))
        column += width
    return cells


# What Python calls printable, though it shows nothing or changes how its neighbour looks: fillers
# and joiners, selectors of a variant (one of them makes a sign an emoji), the colours of skin.
# Terminals do not agree on how many columns such a pair takes, so that each is escaped.
_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0").union(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400))),
    map(chr, range(0xE0100, 0xE01F0)),
)


def _escape(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def printable(text: str, escape: Callable[[int], str] = _escape) -> str:
    r"""The text with what is no character to look at escaped, as `\x1b` or `\u202e`."""
    if text.isprintable() and (text.isascii() or _HIDDEN.isdisjoint(text)):
        return text
    return "".join(c if c.isprintable() and c not in _HIDDEN else escape(ord(c)) for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes; a Korean or Chinese character takes two."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    total = 0
    for character in text:
        kind, wide = category(character), east_asian_width(character) in "WF"
        if kind in ("Mn", "Me") or (kind == "Mc" and wide):
            continue  # accents, and the tone marks of old Korean
        if "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":
            continue  # the vowels and finals of Korean written in pieces
        total += 2 if wide else 1
    return total
