"""What to say of characters and words that cannot be read, with the fix where it is plain.

Only a text that holds such words imports this module.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.syntax.nodes import MAX_NAME

# Characters of other keyboards and of word processors, with the kind of token that must
# have been meant; "" for none.
MEANT = {
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000\u00ad\u200b\u200c\u200d\u2060", ""),
    **dict.fromkeys("\r\u0085\u2028\u2029；", "_SEP"),
    "，": "COMMA",
    "：": "COLON",
    "（": "LPAR",
    "）": "RPAR",
    "｛": "LBRACE",
    "｝": "RBRACE",
    "｜": "VBAR",
    "＝": "EQUAL",
}

# Others, which are replaced but not read on with.
_TWINS = {
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060", ""),
    **dict.fromkeys("\r\u0085\u2028\u2029", "\n"),
    **dict.fromkeys("‐‑‒–—−－", "-"),
    **dict.fromkeys("✕✖⨯", "x"),
    **dict.fromkeys("∗＊", "*"),
    **dict.fromkeys("∕÷", "/"),
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
}

_HELP = {
    "[": Message("a size is written `4x4` or `(4, 4)`"),
    "]": Message("a size is written `4x4` or `(4, 4)`"),
    "!": Message("write `not`"),
    "&": Message("write `and`"),
    "^": Message("a power is written `**`"),
    "\\": Message("a statement goes on over the next line only inside parentheses"),
    "@": Message("remove it; a comment begins with `#`"),
    ".": Message(
        "names are made of letters, digits and `_`, and a number needs digits after its point"
    ),
    '"': Message("words are written without quotes"),
    "'": Message("words are written without quotes"),
}


# Where other tools keep their layers.
_MODULE = re.compile(r"\b(nn|F|layers|keras|tf|torch)\Z")
_PATH = re.compile(r"\.(\w+\.){0,100}(?=[^\W\d])")


class Words(NamedTuple):
    """A message, its help, and a fix; `span` is what it is about, unless that is the token."""

    message: Message
    help: Message = NOTHING
    fix: Fix | None = None
    span: Span | None = None
    code: str = "E001"


def shorten(text: str) -> str:
    """A text in backticks, fit for a message."""
    text = text if len(text) <= 20 else text[:17] + "…"
    return f"`{text}`" if text.isprintable() else "`" + ascii(text)[1:-1] + "`"


_LOOP = re.compile(
    r"for[ \t]+(?P<index>[^\W\d]\w{0,100})[ \t]+in[ \t]+"
    r"(?:range[ \t]*\([ \t]*(?:0[ \t]*,[ \t]*)?(?P<count>\w{1,100})[ \t]*\)|0[ \t]*\.\.<?[ \t]*"
    r"(?P<until>\w{1,100})|(?P<plain>(?!range\b)\w{1,100}))[ \t]*(?P<end>:|\{)?"
)


def loop(text: str, start: int) -> Words | None:
    """What to say of `for i in range(3):` with what is indented below it, or with braces."""
    found = _LOOP.match(text, start)
    if found is None:
        if text.startswith("for ", start) and " in " in text[start : start + 100]:
            message = Message("there is no `for` here")
            help_ = Message("a repetition has a count and a body: `repeat 3 as i {{ … }}`")
            return Words(message, help_, span=Span(start, start + 3))
        return None
    count, index = found["count"] or found["until"] or found["plain"], found["index"]
    header = f"repeat {count}" + (f" as {index}" if index != "_" else "")
    message = Message("there is no `for` here")
    help_ = Message("a repetition is written `{header} {{ … }}`", header=header)
    span = Span(start, found.end())
    edits = [Edit(span, header + " {")]
    if found["end"] != "{":
        last = end_of_indented(text, start, found.end())
        if last is None:
            return Words(message, help_, span=span)
        begin = text.rfind("\n", 0, start) + 1
        edits.append(Edit(Span(last, last), "\n" + text[begin:start] + "}"))
    fix = Fix(Message("write `{header} {{ … }}`", header=header), tuple(edits), safe=True)
    return Words(message, help_, fix, span)


def end_of_indented(text: str, start: int, end: int) -> int | None:
    """Where the lines end that are indented below the line at `start`; None for none."""
    begin = text.rfind("\n", 0, start) + 1
    indent = text[begin:start]
    if indent.strip() or len(indent) > 200:
        return None
    line_end = text.find("\n", end)
    if line_end < 0 or text[end:line_end].partition("#")[0].strip():
        return None
    last = None
    below = re.compile(r"[ \t]{0,250}(?=\S)|[ \t\r]*(?=\n)|")
    at = line_end + 1
    while at < len(text):
        stop = text.find("\n", at)
        stop = stop if stop >= 0 else len(text)
        blanks = below.match(text, at)
        width = len(blanks[0]) if blanks else 0
        if text[at:stop].strip():
            if width <= len(indent):
                break
            last = at + len(text[at:stop].rstrip())
        at = stop + 1
    return last


_ARROWS = re.compile(r"[ \t]*(?:[-=]{1,3}>|>>|\|>|[\u2190-\u21ff\u2794\u27f0-\u27ff])[ \t]*")


def arrows(text: str, offset: int) -> Fix:
    """The fix that writes `;` for each arrow in a line; the first begins at an offset."""
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = min(end if end >= 0 else len(text), offset + 2000)
    stop = text.find("#", offset, end)
    edits = []
    for found in _ARROWS.finditer(text, max(begin, offset - 100), stop if stop >= 0 else end):
        span = Span(*found.span())
        if span.end <= offset:
            continue
        inside = text[begin : span.start].strip() and text[span.end : end].strip()
        edits.append(Edit(span, "; " if inside else ""))
    title = Message("write `;` between the layers")
    if all(not edit.text for edit in edits):
        title = Message("remove it")
    return Fix(title, tuple(edits[:100]), safe=True)


def describe(text: str, kind: str, span: Span) -> Words:
    """What to say of a token whose kind begins with BAD, which stands in a text at `span`.

    It is a character, or several of the same, unless its kind says more.

    The fix of a twin, and of a word in quotes, is the one edit that writes what was meant.
    """
    rules = {
        "BAD_TWIN": _twin,
        "BAD_QUOTED": _quoted,
        "BAD_STRING": _string,
        "BAD_NAME": _bad_name,
        "BAD_NUMBER": _bad_number,
    }
    return rules.get(kind, _bad_character)(text, span)


def _quoted(source: str, span: Span) -> Words:
    plain = source[span.start + 1 : span.end - 1]
    return _meant(
        span,
        plain,
        Message("words are written without quotes"),
        Message("write {text}", text=shorten(plain)),
    )


def _string(source: str, span: Span) -> Words:
    return Words(
        Message("text in quotes means nothing here"), Message("words are written without quotes")
    )


def _twin(source: str, span: Span) -> Words:
    text, count = source[span.start], span.end - span.start
    plain = plain_twin(text) or ""
    message = Message(
        "{text} looks like {plain} but is not", text=_name(text), plain=shorten(plain)
    )
    title = Message("write {text}", text=shorten(plain))
    if plain == "\n":
        message, title = Message("{text} does not end a line", text=_name(text)), Message(
            "end the line with a newline"
        )
    elif plain == " ":
        message, title = Message("{text} is not a plain space", text=_name(text)), Message(
            "write a plain space"
        )
    elif not plain:
        message, title = Message(
            "{text} is invisible and means nothing", text=_name(text)
        ), Message("remove it")
    return _meant(span, plain if plain == "\n" else plain * count, message, title)


def _meant(span: Span, plain: str, message: Message, title: Message) -> Words:
    return Words(message, title, Fix(title, (Edit(span, plain),), safe=True))


def plain_twin(character: str) -> str | None:
    """The plain text that a character looks like or stands for."""
    if character in _TWINS:
        return _TWINS[character]
    from unicodedata import normalize

    plain = normalize("NFKC", character)
    return plain if plain != character and plain.isascii() else None


def _name(character: str) -> str:
    """A character as a message shows it."""
    if character.isprintable() and not character.isspace() and character != "`":
        return f"`{character}`"
    return f"U+{ord(character):04X}"


def _bad_name(source: str, span: Span) -> Words:
    text = source[slice(*span)]
    if len(text) > MAX_NAME:
        message = Message("{text} has {count:,} characters", text=shorten(text), count=len(text))
        return Words(message, Message("a name has {most} at most", most=MAX_NAME), code="E302")
    from unicodedata import normalize

    plain = normalize("NFKC", text)
    if plain.isidentifier():
        message = Message("{text} reads as the keyword `{plain}`", text=shorten(text), plain=plain)
        fix = Fix(Message("write `{text}`", text=plain), (Edit(span, plain),))
        return Words(message, Message("write `{plain}`, or choose another name", plain=plain), fix)
    help_ = Message("names are made of letters, digits and `_`, and begin with a letter or `_`")
    return Words(Message("{text} is not a name", text=shorten(text)), help_)


def _bad_number(source: str, span: Span) -> Words:
    text = source[slice(*span)]
    message = Message("{text} is neither a number nor a name", text=shorten(text))
    help_ = Message(
        "a number is written 12, 0.5, 1e-3, 64_620 or 5M, and a name begins with a letter"
    )
    if len(text) > 100 and re.fullmatch(r"[0-9_]*", text):
        message = Message("{text} is too large a number", text=shorten(text))
        return Words(message, Message("no number of a network is beyond 1e18"), code="E004")
    if len(text) > MAX_NAME:
        return Words(message, help_, code="E004")
    fixed = ""
    fix: Fix | None
    size = re.fullmatch(r"([0-9]+(?:[xX×][0-9]+)*)([xX×]?)", text)
    product = re.fullmatch(r"([0-9][0-9.]*)([^\W\d]\w*)", text)
    if size and size[2]:
        dims = re.sub("[X×]", "x", size[1])
        repeated = dims if "x" in dims else f"{dims}x{dims}"
        help_ = Message("a size is written without spaces, as in `{size}`", size=repeated)
        following = re.compile(r"[ \t]{1,9}([0-9]{1,9})(?=[ \t\r\n;#]|$)").match(source, span.end)
        if following:
            whole = f"{dims}x{following[1]}"
            help_ = Message("a size is written without spaces, as in `{size}`", size=whole)
            edit = Edit(Span(span.start, following.end()), whole)
            fix = Fix(Message("write {text}", text=shorten(whole)), (edit,), safe=True)
            return Words(message, help_, fix, code="E004")
    elif size:
        fixed = text.replace("X", "x")
        help_ = Message("write a small x: {fixed}", fixed=shorten(fixed))
    elif re.fullmatch(r"[0-9][0-9_]*(\.[0-9]+)?[kmg]", text):
        fixed = text[:-1] + text[-1].upper()
        help_ = Message("the units are capital letters: {fixed}", fixed=shorten(fixed))
    elif re.fullmatch(r"\w+", text) and re.search(r"[0-9]x[^\W\d]", text):
        pieces = text.split("x")
        help_ = Message("a size with names in it is written in parentheses, as in `(3, n)`")
        if len(text) < 40 and all(re.fullmatch(r"[0-9]+|[^\W\d]\w*", each) for each in pieces):
            fixed = f"({', '.join(pieces)})"
            help_ = Message(
                "a size with names in it is written in parentheses: {size}", size=shorten(fixed)
            )
    elif product and len(text) < 20:
        help_ = Message(
            "a product is written `({factor}*{name})`, and a name begins with a letter",
            factor=product[1],
            name=product[2],
        )
    fix = (
        Fix(Message("write {text}", text=shorten(fixed)), (Edit(span, fixed),), safe=True)
        if fixed
        else None
    )
    return Words(message, help_, fix, code="E004")


def _bad_character(source: str, span: Span) -> Words:
    text, count = source[span.start], span.end - span.start
    fix = None
    help_ = _HELP.get(text, Message("remove it"))
    message = Message("unknown character {text}", text=_name(text))
    plain = plain_twin(text)
    if plain is not None:
        help_ = Message("write {text}", text=shorten(plain))
        # What looks like `*` may be meant for the `x` of a size.
        fix = Fix(help_, (Edit(span, plain * count),), safe=plain != "*")
    if text == "×":
        found = re.compile(r"([0-9]{1,9})[ \t]*×[ \t]*([0-9]{1,9})\b").search(
            source, max(0, span.start - 12), span.end + 12
        )
        if found and found.start() < span.start < found.end():
            whole = f"{found[1]}x{found[2]}"
            help_ = Message("a size is written without spaces, as in `{size}`", size=whole)
            fix = Fix(
                Message("write {text}", text=shorten(whole)),
                (Edit(Span(*found.span()), whole),),
                safe=True,
            )
    if text == "@" and fix is None:
        around = source[span.start - 1 : span.start] + source[span.end : span.end + 1]
        apart = len(around) == 2 and around.isalnum()
        help_ = Message("arguments stand side by side: write a space for the `@`")
        fix = Fix(help_, (Edit(span, " " if apart else ""),), safe=True)
    if "\u2190" <= text <= "\u21ff" or "\u27f0" <= text <= "\u27ff" or text == "\u2794":
        help_ = Message("layers follow one another on lines of their own, or with `;` between")
        return Words(message, help_, arrows(source, span.start))
    before = _MODULE.search(source[max(0, span.start - 80) : span.start]) if text == "." else None
    if before:
        path = _PATH.match(source, span.start)
        module = Span(span.start - len(before[0]), path.end() if path else span.end)
        shown = shorten(source[slice(*module)])
        help_ = Message("layers have no module before them: leave {text} out", text=shown)
        fix = Fix(Message("leave {text} out", text=shown), (Edit(module, ""),))
    if text == "." and source[max(span.start - 1, 0)].isdigit():
        help_ = Message("a number needs digits after its point")
    return Words(message, help_, fix)
