"""What other tools write, and what it is here: the habits of Keras and PyTorch.

Only a text that has such words imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import ACTIVATIONS, Layer, Slot
from cnndsl.layers.values import Word, show_value
from cnndsl.network.words import Problem, rewrite
from cnndsl.syntax import nodes as ast

_WORDS = {
    "conv": "convolution convolutional conv2 cnn 합성곱 합성곱층 컨볼루션 컨벌루션 콘볼루션 컨브",
    "dwconv": "depthwise depthwiseconv depthwiseconvolution 깊이별합성곱 뎁스와이즈",
    "sepconv": "separable separableconv depthwiseseparableconv 분리합성곱 분리가능합성곱",
    "deconv": "convtranspose transposedconv transposeconv transposedconvolution deconvolution "
    "upconv tconv convt 전치합성곱 전치컨볼루션 역합성곱 디컨볼루션",
    "pool": "maxpool maxpooling pooling 풀링 풀링층 최대풀링 맥스풀링 최댓값풀링 풀",
    "avgpool": "averagepool averagepooling avgpooling meanpool 평균풀링 평균값풀링",
    "minpool": "minpooling 최소풀링",
    "gap": "globalavgpool globalaveragepool globalaveragepooling globalpool adaptiveavgpool "
    "전역평균풀링 글로벌평균풀링 전역풀링",
    "gmp": "globalmaxpool globalmaxpooling adaptivemaxpool 전역최대풀링 글로벌최대풀링",
    "dense": "linear fc fullyconnected innerproduct output affine 덴스 덴스층 완전연결 완전연결층 "
    "전결합 전결합층 밀집 밀집층 선형 출력 출력층 리니어",
    "bn": "batchnorm batchnormalization batchnormalisation norm 배치정규화 배치노름 배치놈",
    "ln": "layernorm layernormalization layernormalisation 층정규화 레이어정규화 계층정규화",
    "gn": "groupnorm groupnormalization groupnormalisation 그룹정규화",
    "lrn": "localresponsenorm localresponsenormalization 국소반응정규화",
    "dropout": "드롭아웃 드랍아웃",
    "droppath": "stochasticdepth 드롭패스",
    "flatten": "평탄화 플래튼 플래턴 펼치기",
    "up": "upsample upsampling 업샘플링 업샘플",
    "zeropad": "zeropadding 제로패딩",
    "crop": "cropping 크롭 자르기",
    "shuffle": "channelshuffle 채널셔플",
    "reshape": "view 리셰이프 형상변환",
    "relu": "rectifier rectified 렐루",
    "silu": "swish 스위시 실루",
    "gelu": "겔루",
    "elu": "엘루",
    "mish": "미쉬",
    "hard_swish": "hardswish hardsilu hswish 하드스위시",
    "hard_sigmoid": "hardsigmoid hsigmoid 하드시그모이드",
    "leaky_relu": "leakyrelu lrelu leaky 리키렐루 리키relu",
    "prelu": "parametricrelu 프렐루",
    "sigmoid": "logistic 시그모이드",
    "tanh": "하이퍼볼릭탄젠트 쌍곡탄젠트 탄에이치",
    "softmax": "소프트맥스",
    "softplus": "소프트플러스",
    "pad": "padding 패딩",
    "stride": "strides 스트라이드 보폭",
    "eps": "epsilon 엡실론",
    "add": "plus sum residual shortcut 더하기 덧셈",
    "mul": "multiply 곱하기 곱셈",
    "average": "mean 평균",
    "concat": "concatenate cat merge 연결 결합 이어붙이기",
    "skip": "identity 항등 건너뛰기",
    "input": "inputlayer 입력 입력층",
    "repeat": "for loop 반복",
    "block": "def function 블록",
    "head": "머리 헤드",
    "net": "model sequential 모델 신경망",
    "let": "const 상수",
    "same": "동일",
}
"""The words of the language, and what else their things are called: without `_` and `2D`."""

_WORD_OF = {other: word for word, others in _WORDS.items() for other in others.split()}

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
    "factor": "factor scale_factor size scale 배율",
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


def word_for(word: str) -> str:
    """What a layer or statement of another tool is called here, if it has one: `conv` for
    `Conv2D`."""
    plain = re.sub("_|[123]d", "", word.lower())
    short = re.sub("(?<=..)(layer|op|계층|층)$", "", plain)
    return _WORD_OF.get(plain) or _WORD_OF.get(short, short)


def is_another(word: str, near: str) -> bool:
    """Whether an unknown word is no misspelling of a known one, but the name of something else.

    It is where another tool has a layer of that name, and where it is a longer word that holds
    the known one: a pixel shuffle is no shuffle, and what unpools is no pool.
    """
    plain = re.sub("_|[123]d$", "", word.lower())
    known = near.replace("_", "")
    if plain != known and len(plain) > 2 and _of_others(plain):
        return True
    added = len(plain) - len(known)
    if known not in plain or not re.search("[a-z]", plain) or added < 2:
        return False
    return not re.fullmatch(r"[0-9]*", plain.replace(known, "", 1))


def _of_others(plain: str) -> bool:
    """Whether another tool has a layer of a name of which the language has nothing."""
    from cnndsl.foreign.table import CLASSES

    return plain in {
        re.sub("[123]d$", "", name.lower())
        for classes in CLASSES.values()
        for name, each in classes.items()
        if not each.word and name != "Activation"
    }


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
    slot = argument_for(layer, key)
    if slot is None:
        return None
    text = _text(value, node)
    here = _here(layer, slot, value, text)
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
    if slot.name == "nobias":
        wanted = _TRUTH.get(word or "", value)
        return None if wanted not in (0, 1) else "" if wanted else "nobias"
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
