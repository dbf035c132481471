"""What each word and sign of a text is, for the colours of an editor."""

from __future__ import annotations

from cnndsl.analysis.names import Names, resolve
from cnndsl.diagnostics import Source, Span
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.network.words import is_word, reserved
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.layout import BOUNDARIES
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.tables import KEYWORDS

KINDS = (
    "layer", "merge", "block", "keyword", "flag", "activation", "number", "size", "parameter",
    "constant", "tensor", "operator", "comment",
)  # fmt: skip

_PUNCTUATION = BOUNDARIES | {"LPAR", "RPAR", "COMMA"}
_KEYWORDS = frozenset(KEYWORDS.values())
_NAMED = {
    **dict.fromkeys(("parameter", "counter"), "parameter"),
    **dict.fromkeys(("constant", "param"), "constant"),
    **dict.fromkeys(("tensor", "head", "net"), "tensor"),
    "block": "block",
}
"""The colours of names by the kinds of their symbols."""


def tokens(
    source: Source, module: ast.Module, names: Names | None = None
) -> list[tuple[Span, str]]:
    """The spans of words, signs and comments with their kinds, one of `KINDS`, in order.

    None overlaps another. What means nothing, and what only separates, is left out.
    """
    names = names or resolve(module, source.text)
    lexed = tokenize(source)
    found = [(comment.span, "comment") for comment in lexed.comments]
    known = {each.span: _NAMED[each.symbol.kind] for each in names.occurrences}
    first, second = "", ""  # the statement's first token, and whether one has come
    for index, (kind, start, end) in enumerate(lexed.tokens):
        if start == end or kind[:3] == "BAD":
            continue
        if kind in BOUNDARIES:
            first = ""
            continue
        second, first = first, first or kind
        span = Span(start, end)
        if kind in _KEYWORDS:
            found.append((span, "keyword"))
        elif kind in ("NUMBER", "SIZE"):
            found.append((span, kind.lower()))
        elif kind == "NAME":
            is_key = lexed.tokens[index + 1 : index + 2] and lexed.tokens[index + 1][0] == "EQUAL"
            word = source.text[start:end]
            colour = known.get(span) or _word(names, word, begins=not second, is_key=bool(is_key))
            found += [(span, colour)] if colour else []
        elif kind not in _PUNCTUATION:
            found.append((span, "operator"))
    found.sort()
    return [each for each, before in zip(found, [None, *found]) if _apart(before, each)]


def _apart(before: tuple[Span, str] | None, each: tuple[Span, str]) -> bool:
    return before is None or before[0].end <= each[0].start


def _word(names: Names, word: str, *, begins: bool, is_key: bool) -> str:
    """What a word is that is no name; empty for nothing."""
    if is_key and not begins:
        return "flag"
    if word in ACTIVATIONS:
        return "activation"
    if word in LAYERS:
        return "layer"
    if word in MERGES:
        return "merge"
    if word == "skip":
        return "keyword"
    if word in names.blocks:
        return "block"
    if begins:
        return ""
    return "flag" if is_word(word) else "constant" if reserved(word) else ""
