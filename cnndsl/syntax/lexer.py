"""Text to tokens, with the terminals of the grammar.

What happens between Lark's terminals and the parser: a newline inside ( ) is dropped,
separators fold, and brackets are matched, so that the parser only meets balanced ones.
What cannot be read becomes a BAD token, which ends its statement without a second message.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix
from cnndsl.diagnostics.source import Source, Span
from cnndsl.syntax.nodes import Comment
from cnndsl.syntax.tables import KEYWORDS, PATTERN

MAX_NESTING = 100
"""How deep brackets and braces may nest; E005 beyond it."""

MAX_ERRORS = 100
"""How many problems of a text are reported before reading stops."""

_scan = re.compile(PATTERN).match

# What other notations, keyboards and word processors put where cnndsl wants something else.
_LOOKALIKES = {
    "\u00a0": " ",
    "\u3000": " ",
    "\u200b": "",
    "，": ",",
    "；": ";",
    "：": ":",
    "（": "(",
    "）": ")",
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "＃": "#",
    "–": "-",
    "−": "-",
    "✕": "×",
    "✖": "×",
}


class Token(NamedTuple):
    """A terminal's name and where it stands."""

    kind: str
    start: int
    end: int


class _Open(NamedTuple):
    """A bracket not closed yet, and how far we had come at the first newline inside it."""

    token: Token
    newline: list[int]


class Lexed(NamedTuple):
    """What `tokenize` found."""

    tokens: list[Token]
    comments: list[Comment]
    problems: list[Diagnostic]


def tokenize(source: Source) -> Lexed:
    """The tokens of a text, its comments, and what no token could be made of."""
    text = source.text
    out = Lexed([], [], [])
    tokens, comments, problems = out
    opened: list[_Open] = []
    in_parentheses = False
    position, length = 0, len(text)
    new = Token._make
    while True:
        if position >= length:
            if not in_parentheses:
                break
            # A parenthesis that the text never closes: its statement ends with its line.
            position = _give_up(source, opened.pop(), out, length)
            in_parentheses = bool(opened) and opened[-1].token.kind == "LPAR"
            continue
        match = _scan(text, position)
        assert match is not None  # the last alternative takes any character
        kind = match.lastgroup
        assert kind is not None
        start, position = position, match.end()
        if kind == "SPACE":
            continue
        if kind == "NAME":
            word = text[start:position]
            keyword = KEYWORDS.get(word, "NAME")
            if keyword == "ELSE":
                _join_else(tokens)
            tokens.append(new((keyword, start, position)))
        elif kind == "_SEP":
            if in_parentheses and text[start] == "\n":
                if not opened[-1].newline:
                    opened[-1].newline.extend((start, len(tokens), len(comments)))
                position = start + 1
            elif in_parentheses:
                position = _give_up(source, opened.pop(), out, start)
                in_parentheses = bool(opened) and opened[-1].token.kind == "LPAR"
            elif not tokens or tokens[-1].kind != "_SEP":
                tokens.append(new((kind, start, position)))
        elif kind == "COMMENT":
            comments.append(Comment(Span(start, position), text[start:position].rstrip()))
        elif kind in ("LPAR", "LBRACE"):
            token = new((kind, start, position))
            if in_parentheses and kind == "LBRACE":
                position = _give_up(source, opened.pop(), out, start)
            elif len(opened) == MAX_NESTING:
                problems.append(
                    Diagnostic(
                        "E005",
                        source,
                        Span(start, position),
                        f"brackets are nested deeper than {MAX_NESTING}",
                        "give the inner part a name with `block` or `let`",
                    )
                )
                break
            else:
                opened.append(_Open(token, []))
                tokens.append(token)
            in_parentheses = bool(opened) and opened[-1].token.kind == "LPAR"
        elif kind in ("RPAR", "RBRACE"):
            if in_parentheses and kind == "RBRACE":
                position = _give_up(source, opened.pop(), out, start)
            elif opened and in_parentheses == (kind == "RPAR"):
                opened.pop()
                tokens.append(new((kind, start, position)))
            else:
                span = Span(start, position)
                problems.append(
                    Diagnostic(
                        "E003",
                        source,
                        span,
                        f"this `{text[start]}` closes nothing",
                        "remove it",
                        fixes=(Fix("remove it", (Edit(span, ""),)),),
                    )
                )
            in_parentheses = bool(opened) and opened[-1].token.kind == "LPAR"
        elif kind in ("BAD_NUMBER", "BAD"):
            bad = _bad_number if kind == "BAD_NUMBER" else _bad_character
            if not tokens or tokens[-1].kind != "BAD":
                problems.append(bad(source, Span(start, position)))
                tokens.append(new(("BAD", start, position)))
        else:
            tokens.append(new((kind, start, position)))
        if len(problems) >= MAX_ERRORS:
            break
    for left in reversed(opened):
        if len(problems) < MAX_ERRORS and position >= length:
            problems.append(_unclosed(source, left.token))
        tokens.append(Token("RPAR" if left.token.kind == "LPAR" else "RBRACE", length, length))
    return out


def _join_else(tokens: list[Token]) -> None:
    """Let `else` stand on the line after the brace."""
    if len(tokens) > 1 and tokens[-1].kind == "_SEP" and tokens[-2].kind == "RBRACE":
        tokens.pop()


def _unclosed(source: Source, token: Token) -> Diagnostic:
    bracket = source.text[token.start]
    closer = ")" if bracket == "(" else "}"
    return Diagnostic(
        "E003",
        source,
        Span(token.start, token.end),
        f"this `{bracket}` is never closed",
        f"add the `{closer}`",
    )


def _give_up(source: Source, left: _Open, out: Lexed, position: int) -> int:
    """Report a parenthesis that is never closed, and go back to the end of its line."""
    out.problems.append(_unclosed(source, left.token))
    if left.newline:
        position, tokens, comments = left.newline
        del out.tokens[tokens:]
        del out.comments[comments:]
    out.tokens.append(Token("BAD", position, position))
    out.tokens.append(Token("RPAR", position, position))
    return position


def _bad_number(source: Source, span: Span) -> Diagnostic:
    text = source.text[span.start : span.end]
    shown = text if len(text) <= 20 else text[:17] + "…"
    digits = text.rstrip("xX×")
    if digits != text and digits.isdigit():
        help_ = f"write a size as `{digits}x{digits}`, without spaces"
    elif "X" in text:
        help_ = f"write a small x: `{text.lower()}`" if len(text) <= 20 else "write a small x"
    else:
        help_ = "a number is written 12, 0.5, 1e-3, 64_620 or 5M; a name begins with a letter"
    return Diagnostic("E004", source, span, f"`{shown}` is neither a number nor a name", help_)


def _bad_character(source: Source, span: Span) -> Diagnostic:
    character = source.text[span.start]
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    message = f"{shown} does not belong to the language"
    if character in _LOOKALIKES:
        plain = _LOOKALIKES[character]
        shown = f"U+{ord(character):04X}"
        title = f"write `{plain}` in its place" if plain.strip() else "write a plain space"
        return Diagnostic(
            "E001",
            source,
            span,
            message if character.strip() else f"{shown} is not a plain space",
            title,
            fixes=(Fix(title, (Edit(span, plain),), safe=True),),
        )
    if character in "\"'":
        return Diagnostic("E001", source, span, message, "words stand without quotes")
    if character in "[]":
        return Diagnostic("E001", source, span, message, "a size is written 4x4 or (4, 4)")
    return Diagnostic("E001", source, span, message, "remove it")
