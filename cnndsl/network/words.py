"""The words that mean something, and so cannot be names."""

from __future__ import annotations

from cnndsl.layers import LAYERS, MERGES
from cnndsl.syntax.tables import KEYWORDS

STATEMENTS = tuple(word for word in KEYWORDS if word not in ("and", "or", "not", "as", "else"))
"""The words that begin statements other than layers."""

_FLAGS = frozenset(
    slot.name for layer in LAYERS.values() for slot in layer.slots if slot.form == "flag"
)
_SIZES = frozenset("CHWLD")
_FUNCTIONS = frozenset(("min", "max", "round", "ceil", "floor", "divisible"))
_OTHERS = frozenset(("skip", "exact", "keras", "torch"))


def is_word(name: str) -> bool:
    """Whether a name is a layer, a merge, a flag or another word with a meaning."""
    return name in LAYERS or name in MERGES or name in _FLAGS or name in _OTHERS


def reserved(name: str) -> bool:
    """Whether a name cannot be given to anything else."""
    return is_word(name) or name in _SIZES or name in _FUNCTIONS
