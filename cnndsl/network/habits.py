"""What other tools write, and what it is here: the habits of Keras and PyTorch.

Only a text that has such words imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.foreign.words import word_for
from cnndsl.layers import ACTIVATIONS, Layer, Slot
from cnndsl.layers.values import Word, show_value
from cnndsl.network.words import Problem, rewrite
from cnndsl.syntax import nodes as ast

_ARGUMENTS = {
    "filters": "filters filter out_channels channels out 필터 필터수 채널 채널수 출력채널",
    "units": "units out_features neurons nodes 유닛 뉴런 뉴런수 노드 출력",
    "kernel": "kernel kernel_size pool_size size ksize k 커널 커널크기 크기 창 윈도우",
    "stride": "stride strides s 스트라이드 보폭",
    "pad": "pad padding p 패딩",
    "dilation": "dilation d dilation_rate rate dilations 팽창 확장",
    "groups": "groups num_groups group g 그룹",
    "mult": "mult depth_multiplier",
    "activation": "activation act nonlinearity 활성화 활성화함수 활성함수",
    "nobias": "use_bias bias 편향 바이어스",
    "rate": "rate p prob probability 비율 확률",
    "eps": "eps epsilon 엡실론",
    "momentum": "momentum 모멘텀",
    "factor": "factor scale_factor size scale upscale_factor downscale_factor block_size r 배율",
    "scale": "scale factor",
    "offset": "offset shift beta",
    "order": "order dims axes perm",
    "to": "to output_size",
    "aligned": "align_corners",
}
"""The arguments of layers, and what other tools call them."""

_ARGUMENTS_OF: dict[str, list[str]] = {}
for _name, _others in _ARGUMENTS.items():
    for _other in _others.split():
        _ARGUMENTS_OF.setdefault(_other, []).append(_name)

_TRUTH = {"True": True, "true": True, "False": False, "false": False}


class Habit(NamedTuple):
    """What to say of words from elsewhere: how it is written here, and the fix where that is
    certain."""

    help: Message
    fixes: tuple[Fix, ...] = ()


def argument_for(layer: type[Layer], key: str) -> Slot | None:
    """The argument of a layer that goes by a name elsewhere."""
    names = _ARGUMENTS_OF.get(key, ())
    return next((slot for slot in layer.slots if slot.name in names), None)


def spaced(layer: type[Layer], word: str) -> bool:
    """Whether a bare word names an argument whose value follows, as in `stride 2`.

    A word for what stands by its place may as well be a constant without a `let`.
    """
    slot = argument_for(layer, word)
    return slot is not None and slot.form != "value"


def call_of(source: Source, statement: ast.Apply) -> Diagnostic | None:
    """What to say of a statement that is one of Keras or PyTorch: `Dense(10)`."""
    name = statement.name
    if source.text[name.span.end : name.span.end + 1] not in ("(", " "):
        return None
    if not name.id.isascii() or not (
        name.id[:1].isupper() or name.id == "import" or name.id[-2:] in ("1d", "2d", "3d")
    ):
        return None
    from cnndsl.foreign.listing import one, problem

    found = one(source, statement.span)
    return problem(source, found) if found else None


def size_of_names(span: Span, word: str) -> Problem | None:
    """What to say of `HxWx1`, where a size is wanted: sizes of names stand in parentheses."""
    if word == "None":
        message = Message("`{word}` is no size: sizes are numbers here", word=word)
        return Problem("E106", span, message, Message("shapes leave the batch out"))
    pieces = word.split("x")
    short = r"[0-9]{1,9}|[^\W\d][^\Wx]{0,2}|height|width|depth|channels"
    fits = all(re.fullmatch(short, piece) for piece in pieces)
    if not 1 < len(pieces) < 5 or not fits:
        return None
    size = f"({', '.join(pieces)})"
    message = Message("`{word}` is no size: sizes are numbers here", word=word)
    help_ = Message(
        "a size with names in it stands in parentheses, as `{size}`, and each name has its value "
        "by `let` or `param`, as `param {name} = 28`",
        size=size.lower(),
        name=next((piece.lower() for piece in pieces if not piece.isdigit()), "h"),
    )
    return Problem("E106", span, message, help_, rewrite(span, size) if word.islower() else ())


def habit(
    layer: type[Layer], key: str, value: Any, node: ast.Expr, span: Span, *, in_place: bool
) -> Habit | None:
    """How an argument is written that another tool names `key`; None for one that is unknown.

    `span` is all of the argument. What is given by its place is only certain where it stands
    there already, `in_place`.
    """
    named = value.id if isinstance(value, Word) else None  # as `mode=bilinear` names a flag
    flag = next((each for each in layer.slots if each.form == "flag" and each.name == named), None)
    slot = flag or argument_for(layer, key)
    if slot is None:
        return None
    text = _text(value, node)
    here = named if flag else _here(layer, slot, value, text)
    if here == "":
        return Habit(
            Message("leave it out: it is so without"),
            (Fix(Message("leave it out"), (Edit(span, ""),)),),
        )
    if slot.form == "value":
        if here is None or not in_place:
            return Habit(Message("it is given by its place: `{usage}`", usage=layer.usage()))
        help_ = Message("it is given by its place: write `{here}` alone", here=here)
    elif here is None:
        return {
            "/": Habit(Message("a stride is written `/2`")),
            "act": Habit(Message("an activation is written as its name alone, as in `relu`")),
        }.get(slot.form)
    else:
        help_ = Message("write `{text}`", text=here)
    return Habit(help_, (Fix(Message("write `{text}`", text=here), (Edit(span, here),)),))


def _here(layer: type[Layer], slot: Slot, value: Any, text: str | None) -> str | None:
    """An argument as it is written here; "" where it need not be, None where that is open."""
    word = value.id if isinstance(value, Word) else None
    if slot.name == "pad" and word == "same":
        return "same"
    if slot.name == "pad" and word == "valid":
        return ""
    if slot.form == "flag":
        wanted = _TRUTH.get(word or "", value)
        if wanted not in (0, 1):
            return None
        return slot.name if wanted != (slot.name == "nobias") else ""
    if text is None:
        return None
    if slot.form == "act":
        return text if word in ACTIVATIONS else _activation(word)
    return {"/": f"/{text}", "key": f"{slot.name}={text}", "value": text}.get(slot.form)


def _activation(word: str | None) -> str | None:
    """An activation by the name that it has elsewhere."""
    meant = word_for(word) if word else None
    return meant if meant in ACTIVATIONS else None


def _text(value: Any, node: ast.Expr) -> str | None:
    """A value as it is written in the text; None for what is not known or has to be worked out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.Number, ast.Size, ast.Tuple)) and value is not None:
        return show_value(value)
    return None


def causal(layer: type[Layer], statement: ast.Apply, span: Span) -> tuple[Message, tuple[Fix, ...]]:
    """How `pad=causal` is written: all padding before the signal."""
    values = [each.value for each in statement.args if isinstance(each, ast.Positional)]
    values = [each for each in values if not isinstance(each, ast.Name)]
    place = sum(slot.form == "value" for slot in layer.slots) - 1
    kernel = values[place] if 0 <= place < len(values) else None
    dilation = next(
        (e.value for e in statement.args if isinstance(e, ast.Keyword) and e.key.id == "dilation"),
        None,
    )
    if isinstance(kernel, ast.Number) and isinstance(dilation, (ast.Number, type(None))):
        pad = (kernel.value - 1) * (dilation.value if dilation else 1)
        help_ = Message("all padding stands before the signal: write `pad={pad}:0`", pad=f"{pad:g}")
        title = Message("write `{text}`", text=f"pad={pad:g}:0")
        return help_, (Fix(title, (Edit(span, f"pad={pad:g}:0"),), safe=True),)
    return Message("all padding stands before the signal: `pad=((k-1)*d):0` for d the dilation"), ()


PADDINGS = {
    **dict.fromkeys(("reflect", "reflection", "mirror"), "reflectpad"),
    **dict.fromkeys(("replicate", "edge", "nearest"), "replicatepad"),
    **dict.fromkeys(("zeros", "constant"), ""),
    **dict.fromkeys(("circular", "wrap"), None),
}
"""How other tools pad, and the layer that does so here; None for none."""


def padding_by(value: Any) -> Message:
    """How a padding by other values than zeros is written; empty for what is no such thing."""
    word = PADDINGS.get(value.id, "no") if isinstance(value, Word) else "no"
    if word is None:
        return Message("the language has no {what}", what=Message("padding from the other side"))
    if word == "no":
        return NOTHING
    if not word:
        return Message("leave it out: it is so without")
    return Message("it is a layer of its own, before this one: `{line}`", line=f"{word} P")


def output_padding(
    layer: type[Layer], statement: ast.Apply, argument: ast.Keyword, value: Any
) -> Problem | None:
    """What to say of a transposed convolution's `output_padding=1`: less padding at the end."""
    if layer.op != "deconv":
        return None
    message = Message("{layer} has no `{key}=`", layer=layer.op, key=argument.key.id)
    help_ = Message("an output larger by 1 is one with 1 less padding at the end, as `pad=1:0x1:0`")
    pad = next(
        (
            e
            for e in statement.args
            if isinstance(e, ast.Keyword) and e.key.id in ("pad", "padding")
        ),
        None,
    )
    number = pad.value if pad is not None else None
    fixes: tuple[Fix, ...] = ()
    values = [each.value for each in statement.args if isinstance(each, ast.Positional)]
    values = [each for each in values if not isinstance(each, ast.Name)]
    kernel = values[1] if len(values) > 1 else None
    rank = len(kernel.value) if isinstance(kernel, ast.Size) else 1
    fits = isinstance(number, (ast.Number, ast.Size)) and type(value) in (int, tuple)
    if pad is not None and fits:
        begins: Any = (getattr(number, "value", 0),) * rank
        if isinstance(number, ast.Size):
            begins = number.value
        less = value if isinstance(value, tuple) else (value,) * len(begins)
        plain = all(type(each) is int for each in (*begins, *less))
        if plain and len(less) == len(begins) and all(a >= b >= 0 for a, b in zip(begins, less)):
            text = "pad=" + "x".join(f"{a}:{a - b}" for a, b in zip(begins, less))
            edits = (Edit(pad.span, text), Edit(argument.span, ""))
            if argument.span.start < pad.span.start:
                edits = (edits[1], edits[0])
            help_ = Message(
                "with less padding at the end it is the same: write `{text}`", text=text
            )
            fixes = (Fix(Message("write `{text}`", text=text), edits, safe=True),)
    return Problem("E102", argument.key.span, message, help_, fixes)


def batch(shape: Sequence[int]) -> str | None:
    """The size of an input without the batch that it seems to begin with: `28x28x1`."""
    usual = shape[0] in (1, 2, 4, 8, 10, 16, 20, 32, 50, 64, 100, 128, 256, 512, 1024)
    if len(shape) < 4 or not (usual or shape[-1] in (1, 3)):
        return None
    return "x".join(map(str, shape[1:]))
