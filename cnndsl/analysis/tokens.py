"""What each word and sign of a text is, for the colours of an editor."""

from __future__ import annotations

from cnndsl.analysis.names import Names, resolve
from cnndsl.diagnostics import Source, Span
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.network.words import VALUES, is_word, reserved
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.layout import BOUNDARIES
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.tables import KEYWORDS
from cnndsl.syntax.walk import statements

KINDS = (
    "layer", "merge", "block", "keyword", "flag", "activation", "number", "size", "parameter",
    "constant", "tensor", "operator", "comment",
)  # fmt: skip

_SILENT = frozenset(("BAD", "BAD_NAME", "BAD_NUMBER", "BAD_QUOTED", "BAD_STRING", "BAD_TWIN")) | {
    "LPAR",
    "RPAR",
    "COMMA",
}
_COLOURS = {**dict.fromkeys(KEYWORDS.values(), "keyword"), "NUMBER": "number", "SIZE": "size"}
NAMED = {
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
    text, lexed = source.text, tokenize(source)
    found = [(comment.span, "comment") for comment in lexed.comments]
    known = {each.span.start: NAMED[each.symbol.kind] for each in names.occurrences}
    for statement in statements(module.statements):
        own = statement if isinstance(statement, ast.Freeze) else None
        own = own or getattr(statement, "mark", None) or getattr(statement, "when", None)
        if own is not None:
            known[own.span.start] = "keyword"
    meanings: dict[tuple[str, bool], str] = {}
    begins, last = True, 0
    for index, (kind, start, end) in enumerate(lexed.tokens):
        if kind in BOUNDARIES:
            begins = True
            continue
        if kind in _SILENT or start < last or start == end:
            continue
        colour = _COLOURS.get(kind, "operator")
        if kind == "NAME":
            word = text[start:end]
            is_key = [each[0] for each in lexed.tokens[index + 1 : index + 2]] == ["EQUAL"]
            colour = known.get(start, "flag" if is_key and not begins else "")
            if not colour:
                if (word, begins) not in meanings:
                    meanings[word, begins] = _word(names, word, begins=begins)
                colour = meanings[word, begins]
        begins, last = False, end
        if colour:
            found.append((Span(start, end), colour))
    return sorted(found)


def _word(names: Names, word: str, *, begins: bool) -> str:
    """What a word is that is no name; empty for nothing."""
    if word in names.blocks:
        return "block"
    if word in ACTIVATIONS:
        return "activation"
    if word in LAYERS:
        return "layer"
    if word in MERGES:
        return "merge"
    if word == "skip":
        return "keyword"
    if begins:
        return ""
    return "flag" if is_word(word) or word in VALUES else "constant" if reserved(word) else ""
