"""The known word that a misspelt one is likely to mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What other tools call the things that have another name here.
_FOREIGN = {
    "conv1d": "conv",
    "conv2d": "conv",
    "conv3d": "conv",
    "convolution": "conv",
    "maxpool": "pool",
    "maxpooling": "pool",
    "max_pool": "pool",
    "maxpool2d": "pool",
    "avg_pool": "avgpool",
    "averagepool": "avgpool",
    "linear": "dense",
    "fc": "dense",
    "batchnorm": "bn",
    "batch_norm": "bn",
    "layernorm": "ln",
    "groupnorm": "gn",
    "depthwise": "dwconv",
    "depthwise_conv": "dwconv",
    "separable": "sepconv",
    "conv_transpose": "deconv",
    "upsample": "up",
    "upsampling": "up",
    "swish": "silu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "leakyrelu": "leaky_relu",
    "globalavgpool": "gap",
    "global_average_pooling": "gap",
    "stochastic_depth": "droppath",
    "padding": "pad",
    "strides": "stride",
    "epsilon": "eps",
    "multiply": "mul",
    "concatenate": "concat",
    "cat": "concat",
    "identity": "skip",
    "for": "repeat",
    "loop": "repeat",
    "def": "block",
    "function": "block",
    "const": "let",
    "model": "net",
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a misspelt one, or None."""
    known = sorted(set(known))
    foreign = _FOREIGN.get(word.lower())
    if foreign in known:
        return foreign
    if word.lower() in known:
        return word.lower()
    if len(word) > 40:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.65)
    return found[0] if found else None


def did_you_mean(near: str | None) -> str:
    """The help that suggests a word; empty for None."""
    return f"did you mean `{near}`?" if near else ""
