"""What each word and sign of a net is, as regular expressions: the one table for all colours.

The kinds are those of `cnndsl.analysis.tokens` where a line alone can tell them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.syntax.nodes import FUNCTIONS, SIZES
from cnndsl.syntax.tables import KEYWORDS, PATTERN, SIGNS


class Rule(NamedTuple):
    """A pattern whose groups cover what it matches, and the kind of each; empty for no colour.

    The first rule that matches at a place has it. No pattern looks behind or beyond its line.
    """

    pattern: str
    kinds: tuple[str, ...]


class Kind(NamedTuple):
    """How a kind of word is called by those who colour it: in TextMate and in Pygments."""

    scope: str
    token: str


KINDS = {
    "": Kind("", "Text"),
    "comment": Kind("comment.line.number-sign.cnn", "Comment.Single"),
    "number": Kind("constant.numeric.cnn", "Number"),
    "size": Kind("constant.numeric.size.cnn", "Number"),
    "keyword": Kind("keyword.control.cnn", "Keyword"),
    "layer": Kind("support.function.cnn", "Name.Builtin"),
    "merge": Kind("support.function.merge.cnn", "Name.Builtin"),
    "activation": Kind("variable.other.enummember.activation.cnn", "Name.Builtin"),
    "function": Kind("support.function.math.cnn", "Name.Builtin"),
    "block": Kind("entity.name.function.cnn", "Name.Function"),
    "flag": Kind("constant.language.cnn", "Keyword.Constant"),
    "key": Kind("variable.parameter.cnn", "Name.Attribute"),
    "parameter": Kind("variable.parameter.cnn", "Name.Attribute"),
    "constant": Kind("variable.other.constant.cnn", "Name.Constant"),
    "tensor": Kind("variable.other.tensor.cnn", "Name.Variable"),
    "name": Kind("variable.other.cnn", "Name"),
    "operator": Kind("keyword.operator.cnn", "Operator"),
    "punctuation": Kind("punctuation.separator.cnn", "Punctuation"),
}
"""The kinds of words and signs, and how themes know them."""

_SLOTS = [slot for layer in (*LAYERS.values(), *MERGES.values()) for slot in layer.slots]

WORDS: dict[str, list[str]] = {
    "layer": sorted(set(LAYERS) - set(ACTIVATIONS)),
    "merge": sorted(MERGES),
    "activation": sorted(ACTIVATIONS),
    "keyword": sorted((*KEYWORDS, "freeze", "shared", "skip")),
    "flag": sorted({slot.name for slot in _SLOTS if slot.form == "flag"}),
    "key": sorted({slot.name for slot in _SLOTS if slot.form == "key"}),
    "constant": sorted(SIZES),
    "function": sorted(FUNCTIONS),
}
"""All words with a meaning, by their kind. `key` is one before a `=`, `function` before a `(`."""

NAMING = {
    "tensor": ("as", "from", "head", "net"),
    "constant": ("let", "param"),
    "flag": ("defaults", "rounding"),
    "block": ("block",),
    "name": ("expect",),
}
"""The keywords that a name follows, by what it is: a layer's word is none there."""

VALUES = {slot.name: slot.kind.words for slot in _SLOTS if slot.kind and slot.kind.words}
"""The words that are values of an argument, and may be names elsewhere."""


def _terminals() -> dict[str, str]:
    """The patterns of the lexer by their terminals, without groups."""
    _, *parts = re.split(r"\|?\(\?P<([A-Z_]+)>", PATTERN)
    plain = (re.sub(r"(?<!\\)\((?!\?)", "(?:", part)[:-1] for part in parts[1::2])
    return dict(zip(parts[::2], plain))


def _any(words: Iterable[str]) -> str:
    return rf"(?:{'|'.join(words)})(?!\w)"


_TERMINALS = _terminals()
NAME = _TERMINALS["NAME"]
_SPACE = r"[ \t]+"
_KNOWN = _any(sorted({word for kind in WORDS if kind != "key" for word in WORDS[kind]}))
_OPERATORS = sorted(set("".join(SIGNS)) - set("(){},|"))

RULES: tuple[Rule, ...] = (
    Rule(f"({_TERMINALS['COMMENT']})", ("comment",)),
    Rule(f"({_TERMINALS['SIZE']})", ("size",)),
    Rule(f"({_TERMINALS['NUMBER']})", ("number",)),
    Rule(r"(\.?[0-9]\w*)", ("",)),  # no number, and no word begins inside of it
    Rule(f"(head)({_SPACE})({NAME})({_SPACE})({NAME})", ("keyword", "", "tensor", "", "keyword")),
    *(
        Rule(f"({'|'.join(words)})({_SPACE})({NAME})", ("keyword", "", kind))
        for kind, words in NAMING.items()
    ),
    # What begins a statement and is no word is a block.
    Rule(rf"(^|[;{{|])([ \t]*)(?!{_KNOWN})({NAME})", ("punctuation", "", "block")),
    *(
        Rule(rf"({key})([ \t]*=[ \t]*)({_any(words)})", ("key", "operator", "flag"))
        for key, words in VALUES.items()
    ),
    Rule(rf"({_any(WORDS['key'])})(?=[ \t]*=(?!=))", ("key",)),
    Rule(rf"({NAME})(?=[ \t]*=(?!=))", ("parameter",)),
    Rule(rf"({_any(WORDS['function'])})(?=[ \t]*\()", ("function",)),
    *(
        Rule(f"({_any(WORDS[kind])})", (kind,))
        for kind in ("keyword", "layer", "merge", "activation", "flag", "constant")
    ),
    Rule(f"({NAME})", ("name",)),
    Rule(f"([{re.escape(''.join(_OPERATORS))}]+)", ("operator",)),
    Rule(r"([(){},;|])", ("punctuation",)),
)


def elsewhere(pattern: str) -> str:
    """A pattern where `\\w` takes the marks of letters along, as it does outside of Python."""
    return pattern.replace(NAME, r"[^\W\d]\w*")


def javascript(pattern: str) -> str:
    r"""A pattern for a RegExp with the flag `u`, to which `\w` knows ASCII only."""
    letters = elsewhere(pattern).replace(r"[^\W\d]", r"[\p{L}_]")
    return letters.replace(r"\w", r"[\p{L}\p{M}\p{N}_]")
