"""What other tools write, and what it is here: the habits of Keras and PyTorch.

Only a text that has such words imports this module.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.layers import ACTIVATIONS, Layer, Slot
from cnndsl.layers.values import Word, show_value
from cnndsl.syntax import nodes as ast

_WORDS = {
    "conv": "convolution 합성곱 컨볼루션",
    "dwconv": "depthwise depthwiseconv",
    "sepconv": "separable separableconv",
    "deconv": "convtranspose transposedconv 전치합성곱",
    "pool": "maxpool maxpooling 풀링 최대풀링 맥스풀링",
    "avgpool": "averagepool averagepooling avgpooling 평균풀링",
    "gap": "globalavgpool globalaveragepool globalaveragepooling adaptiveavgpool 전역평균풀링",
    "gmp": "globalmaxpool globalmaxpooling adaptivemaxpool 전역최대풀링",
    "dense": "linear fc fullyconnected 완전연결 전결합 밀집",
    "bn": "batchnorm batchnormalization 배치정규화",
    "ln": "layernorm layernormalization 층정규화",
    "gn": "groupnorm groupnormalization 그룹정규화",
    "lrn": "localresponsenorm",
    "dropout": "드롭아웃",
    "droppath": "stochasticdepth",
    "flatten": "평탄화 플래튼",
    "up": "upsample upsampling",
    "zeropad": "zeropadding",
    "crop": "cropping",
    "shuffle": "channelshuffle",
    "relu": "렐루",
    "silu": "swish",
    "hard_swish": "hardswish",
    "hard_sigmoid": "hardsigmoid",
    "leaky_relu": "leakyrelu",
    "sigmoid": "시그모이드",
    "softmax": "소프트맥스",
    "pad": "padding",
    "stride": "strides",
    "eps": "epsilon",
    "mul": "multiply",
    "concat": "concatenate cat",
    "skip": "identity",
    "input": "inputlayer 입력",
    "repeat": "for loop 반복",
    "block": "def function",
    "let": "const",
    "net": "model sequential",
}
"""The words of the language, and what else their things are called: without `_` and `2D`."""

_WORD_OF = {other: word for word, others in _WORDS.items() for other in others.split()}

_ARGUMENTS = {
    "filters": "filters out_channels",
    "units": "units out_features",
    "kernel": "kernel kernel_size pool_size",
    "stride": "stride strides",
    "pad": "pad padding",
    "dilation": "dilation dilation_rate",
    "groups": "groups num_groups",
    "mult": "mult depth_multiplier",
    "activation": "activation act",
    "nobias": "use_bias bias",
    "rate": "rate p",
    "eps": "eps epsilon",
}
"""The arguments of layers, and what other tools call them."""

_ARGUMENT_OF = {other: name for name, others in _ARGUMENTS.items() for other in others.split()}

_TRUTH = {"True": True, "true": True, "False": False, "false": False}


class Habit(NamedTuple):
    """What to say of words from elsewhere: how it is written here, and the fix where that is
    certain."""

    help: str
    fixes: tuple[Fix, ...] = ()


def word_for(word: str) -> str:
    """What a layer or statement of another tool is called here, if it has one: `conv` for
    `Conv2D`."""
    plain = re.sub("_|[123]d", "", word.lower())
    return _WORD_OF.get(plain, plain)


def argument_for(layer: type[Layer], key: str) -> Slot | None:
    """The argument of a layer that goes by a name elsewhere."""
    name = _ARGUMENT_OF.get(key)
    return next((slot for slot in layer.slots if slot.name == name), None)


def spaced(layer: type[Layer], word: str) -> bool:
    """Whether a bare word names an argument whose value follows, as in `stride 2`.

    A word for what stands by its place may as well be a constant without a `let`.
    """
    slot = argument_for(layer, word)
    return slot is not None and slot.form != "value"


def habit(
    layer: type[Layer], key: str, value: Any, node: ast.Expr, span: Span, *, in_place: bool
) -> Habit | None:
    """How an argument is written that another tool names `key`; None for one that is unknown.

    `span` is all of the argument. What is given by its place is only certain where it stands
    there already, `in_place`.
    """
    slot = argument_for(layer, key)
    if slot is None:
        return None
    text = _text(value, node)
    here = _here(layer, slot, value, text)
    if here == "":
        return Habit("leave it out: it is so without", (Fix("leave it out", (Edit(span, ""),)),))
    if slot.form == "value":
        if here is None or not in_place:
            return Habit(f"it is given by its place: `{layer.usage()}`")
        help_ = f"it is given by its place: write `{here}` alone"
    elif here is None:
        return {
            "/": Habit("a stride is written `/2`"),
            "act": Habit("an activation is written as its name alone, as in `relu`"),
        }.get(slot.form)
    else:
        help_ = f"write `{here}`"
    return Habit(help_, (Fix(f"write `{here}`", (Edit(span, here),)),))


def _here(layer: type[Layer], slot: Slot, value: Any, text: str | None) -> str | None:
    """An argument as it is written here; "" where it need not be, None where that is open."""
    word = value.id if isinstance(value, Word) else None
    if slot.name == "pad" and word == "same":
        return "same"
    if slot.name == "pad" and word == "valid":
        return ""
    if slot.name == "nobias":
        wanted = _TRUTH.get(word or "", value)
        return None if wanted not in (0, 1) else "" if wanted else "nobias"
    if text is None:
        return None
    if slot.form == "act":
        return text if word in ACTIVATIONS else None
    return {"/": f"/{text}", "key": f"{slot.name}={text}", "value": text}.get(slot.form)


def _text(value: Any, node: ast.Expr) -> str | None:
    """A value as it is written in the text; None for what is not known or has to be worked out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.Number, ast.Size, ast.Tuple)) and value is not None:
        return show_value(value)
    return None
