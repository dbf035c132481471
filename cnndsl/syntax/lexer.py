"""Text to tokens, with the terminals of the grammar.

The lexer takes any text. What it cannot read becomes a token whose kind begins with BAD;
`layout.py` says what is wrong with those, and sees to brackets, newlines and separators.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.syntax.layout import MAX_ERRORS, Token, arrange
from cnndsl.syntax.nodes import MAX_NAME, Comment
from cnndsl.syntax.tables import KEYWORDS, PATTERN, SIGNS

MAX_TOKENS = 2_000_000
"""How many words, signs and comments a text may have; each takes some 300 bytes."""

_TOKEN = re.compile(PATTERN)
_KINDS = {index: kind for kind, index in _TOKEN.groupindex.items()}


class Lexed(NamedTuple):
    """What `tokenize` found. Braces match, and newlines inside ( ) are gone."""

    tokens: list[Token]
    comments: list[Comment]
    problems: list[Diagnostic]
    complete: bool = True  # whether they are of all of the text


def tokenize(source: Source, *, foreign: bool | None = False) -> Lexed:
    """The tokens of a text, its comments, and what no token could be made of.

    Statements of Keras and PyTorch become one token each, where `foreign` says that they are
    looked for; with None they are where there is a character that no word begins with.
    """
    text = source.text
    if len(text) > MAX_TOKENS:  # counted before any is kept
        beyond = next(islice(_TOKEN.finditer(text), MAX_TOKENS, None), None)
        if beyond is not None:
            span = Span(*beyond.span(beyond.lastindex or 0))
            return Lexed([], [], [_too_long(source, span)], complete=False)
    tokens, comments, broken = scan(text)
    tokens, problems = arrange(source, tokens, foreign=broken if foreign is None else foreign)
    return Lexed(tokens, comments, problems, len(problems) <= MAX_ERRORS)


def scan(text: str) -> tuple[list[Token], list[Comment], bool]:
    """The words and signs of a text as they stand there, its comments, and whether it has
    characters that no word begins with."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    add, keyword, only_ascii = tokens.append, KEYWORDS.get, text.isascii()
    broken = False  # whether something cannot be read
    for match in _TOKEN.finditer(text):
        group = match.lastindex or 0
        start, end = match.span(group)
        kind = _KINDS[group]
        if kind == "NAME":
            word = match[group]
            kind = keyword(word, kind)
            if end - start > MAX_NAME or (not only_ascii and not _is_name(word)):
                kind = "BAD_NAME"
                broken = True
            add((kind, start, end))
        elif kind == "_SEP":
            if not tokens or tokens[-1][0] != kind:
                add((kind, start, end))
            elif ";" in match[group]:
                tokens[-1] = (kind, start, end)
        elif kind == "SIGN":
            kind = SIGNS[match[group]]
            if kind == "DOT":
                is_name = tokens and tokens[-1][0] == "NAME" and tokens[-1][2] == start
                if not is_name or _begins(tokens):
                    kind = "BAD"  # as between a module and a layer
                broken = broken or kind == "BAD" or _is_foreign(tokens)
            add((kind, start, end))
        elif kind == "COMMENT":
            word = match[group].rstrip()
            comments.append(Comment(Span(start, start + len(word)), word))
        elif kind[:3] == "BAD":
            _read_bad(tokens, kind, match[group], start)
            broken = True
        elif kind != "SPACE":
            add((kind, start, end))
    return tokens, comments, broken


def _begins(tokens: list[Token]) -> bool:
    """Whether the last token begins a statement, in which no tensor stands first."""
    return len(tokens) < 2 or tokens[-2][0] in ("_SEP", "LBRACE", "RBRACE", "VBAR")


def _is_foreign(tokens: list[Token]) -> bool:
    """Whether a dot behind some tokens is where other languages have one, and this has none."""
    at = len(tokens) - 1
    while at > 1 and tokens[at - 1][0] == "DOT":
        at -= 2
    return at < 1 or tokens[at - 1][0] in (
        "_SEP",
        "LBRACE",
        "RBRACE",
        "VBAR",
        "EQUAL",
        "LPAR",
        "COMPARE",
    )


def _too_long(source: Source, span: Span) -> Diagnostic:
    message = Message("the text has more than {most:,} words and signs", most=MAX_TOKENS)
    return Diagnostic(
        "E302", source, span, message, Message("write what comes again with `repeat`")
    )


def _is_name(word: str) -> bool:
    """Whether a word that holds letters beyond ASCII is a name, and no keyword in disguise."""
    if word.isascii():
        return True
    from unicodedata import normalize

    plain = normalize("NFKC", word)
    return plain.isidentifier() and plain not in KEYWORDS


def _read_bad(tokens: list[Token], kind: str, word: str, start: int) -> None:
    """Add what cannot be read and, where that is plain, what must have been meant."""
    from cnndsl.syntax.bad_words import MEANT

    end = start + len(word)
    if kind == "BAD_STRING":
        inner = _TOKEN.fullmatch(word[1:-1])
        inner_kind = _KINDS[inner.lastindex or 0] if inner else ""
        is_plain = inner_kind in ("NAME", "NUMBER", "SIZE")
        if inner and is_plain and inner.end(inner_kind) == end - start - 2:
            tokens.append(("BAD_QUOTED", start, end))
            meant = KEYWORDS.get(word[1:-1], inner_kind)
            tokens.append((meant, start + 1, end - 1))
            return
    elif kind == "BAD" and word[0] in MEANT:
        meant = MEANT[word[0]]
        if meant == "_SEP" and [each[0] for each in tokens[-2:]] == ["BAD_TWIN", "_SEP"]:
            return  # one more of the same
        tokens.append(("BAD_TWIN", start, end))
        if meant:
            tokens.append((meant, start, end))
        return
    tokens.append((kind, start, end))
