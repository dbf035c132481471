"""A call of Keras or PyTorch as the line that it is here, which means the same net."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.foreign.table import (
    ACTIVATIONS,
    KERAS,
    ORDINARY,
    ROLES,
    SILENT,
    TORCH,
    TRAINING,
    Class,
)


class CannotTell(Exception):
    """A call that is no line here; `reason` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class OtherTensor(CannotTell):
    """A call that reads another tensor than the one before it."""


class Line(NamedTuple):
    """A layer as it is written here.

    * `text`: its statement, or several with `; ` between
    * `rounds`: whether it rounds sizes down that do not come out whole
    * `left_out`: arguments that are about training
    """

    text: str
    rounds: bool = False
    left_out: tuple[str, ...] = ()


class Call(NamedTuple):
    """A call of a layer of theirs: its class, and its arguments by their names."""

    framework: str
    name: str
    kind: Class
    arguments: Mapping[str, Any]


class Symbol(str):
    """A value that is no number: a name, or an expression in parentheses."""

    __slots__ = ()


def line(call: Call, defaults: str) -> Line:
    """A call as it is written in a file of some `defaults`; raises CannotTell."""
    return _Writer(call, defaults).line()


def value_of(node: ast.expr) -> Any:
    """What an argument of theirs is; raises CannotTell for what is no value here."""
    if isinstance(node, ast.Constant) and isinstance(
        node.value, (int, float, str, bool, type(None))
    ):
        return node.value
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(value_of(item) for item in node.elts[:20])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = value_of(node.operand)
        if isinstance(inner, (int, float)) and not isinstance(inner, bool):
            return -inner
    if isinstance(node, ast.Name):
        return Symbol(node.id)
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
        return Symbol(node.attr)
    if isinstance(node, ast.BinOp) and all(
        isinstance(part, (ast.BinOp, ast.Name, ast.Constant, ast.operator, ast.expr_context))
        for part in ast.walk(node)
    ):
        return Symbol(f"({ast.unparse(node)})")
    raise CannotTell(Message("`{value}` is no value here", value=_short(ast.unparse(node))))


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


class _Writer:
    """One call, its arguments taken one by one."""

    def __init__(self, call: Call, defaults: str) -> None:
        self.call = call
        self.defaults = defaults
        self.rank = call.kind.rank
        self.left_out: list[str] = []
        self.values = dict(call.kind.defaults)
        self.values.update(
            (name, value) for name, value in call.arguments.items() if name not in SILENT
        )

    def line(self) -> Line:
        word = self.call.kind.word
        if self.call.name == "Activation":
            text = self.activation(self.values.pop("activation", None))
            return self.done(text or "skip")
        if not word:
            reason = Message("the language has no `{layer}`", layer=self.call.name)
            raise CannotTell(reason)
        for name in [name for name in self.values if name in TRAINING]:
            self.left_out.append(name)
            del self.values[name]
        writer = getattr(self, f"_{word}", None)
        if writer is None and word in ("conv", "dwconv", "sepconv", "deconv", "pool", "avgpool"):
            return self.window(word)
        return self.done(writer() if writer else word)

    def done(self, text: str, rounds: bool = False) -> Line:
        for name, value in self.values.items():
            if value not in ORDINARY.get(name, ()):
                shown = Message("`{name}=` has no counterpart here", name=name)
                raise CannotTell(shown)
        return Line(text, rounds, tuple(self.left_out))

    def take(self, role: str, otherwise: Any = None) -> Any:
        """The value of the argument of a role, which is then told."""
        roles = ROLES[self.call.framework]
        for name in self.values:
            if roles.get(name) == role:
                return self.values.pop(name)
        return otherwise

    # Values as they are written

    def needed(self, role: str) -> str:
        value = self.take(role)
        if value is None:
            raise CannotTell(Message("an argument of the call is missing"))
        return self.number(value)

    def number(self, value: Any) -> str:
        if isinstance(value, Symbol) and value not in ACTIVATIONS:
            return str(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18:
            return repr(value).replace("e-0", "e-").replace("e+", "e")
        raise CannotTell(Message("`{value}` is no number", value=_short(str(value))))

    def truth(self, role: str, otherwise: bool) -> bool:
        value = self.take(role, otherwise)
        if value is None:
            return otherwise
        if value not in (True, False):
            raise CannotTell(Message("`{value}` is no number", value=_short(str(value))))
        return bool(value)

    def dims(self, value: Any) -> list[str]:
        """A size, dimension by dimension."""
        items = value if isinstance(value, tuple) else (value,) * self.rank
        if len(items) == 1:
            items *= self.rank
        if len(items) != self.rank:
            raise CannotTell(Message("`{value}` is no size", value=_short(str(value))))
        return [self.number(item) for item in items]

    def size(self, dims: list[str], *, full: bool = False) -> str:
        plain = all(dim.isdigit() for dim in dims)
        if len(set(dims)) == 1 and not (full and plain):
            return dims[0]
        return "x".join(dims) if plain else f"({', '.join(dims)})"

    def pads(self, pairs: list[tuple[str, str]]) -> str:
        """Padding, begin and end for each dimension."""
        if all(begin == end for begin, end in pairs):
            return self.size([begin for begin, _ in pairs])
        return "x".join(f"{begin}:{end}" for begin, end in pairs)

    def activation(self, value: Any) -> str:
        """An activation as a word, or as a statement with its value."""
        if value is None:
            return ""
        if isinstance(value, Line):
            return value.text
        if isinstance(value, str) and value in ACTIVATIONS:
            return ACTIVATIONS[value]
        if value == "leaky_relu" and self.call.framework == KERAS:
            return "leaky_relu 0.2"
        reason = Message("`{name}` is no activation of the language", name=_short(str(value)))
        raise CannotTell(reason)

    # Layers with windows

    def window(self, word: str) -> Line:
        pooling = word in ("pool", "avgpool")
        kernel = self.dims(self._required("kernel"))
        stride = self.take("stride")
        strides = self.dims(1 if stride is None else stride)
        if pooling and stride is None:
            strides = kernel
        dilation = self.dims(self.take("dilation", 1))
        parts = [word]
        if word in ("conv", "sepconv", "deconv"):
            parts.append(self.needed("filters"))
        parts.append(self.size(kernel, full=not pooling))
        act = self.activation(self.take("activation"))
        after = f"; {act}" if " " in act else ""
        if act and not after:
            parts.append(act)
        if strides != (kernel if pooling else ["1"] * self.rank):
            parts.append(f"/{self.size(strides)}")
        padding = self.padding(kernel, strides, dilation, word)
        if padding:
            parts.append(padding)
        if set(dilation) != {"1"}:
            if word == "deconv" and self.call.framework == KERAS:
                raise CannotTell(Message("`{name}=` has no counterpart here", name="dilation"))
            parts.append(f"dilation={self.size(dilation)}")
        groups = self.number(self.take("groups", 1))
        if groups != "1":
            if word not in ("conv", "deconv"):
                raise CannotTell(Message("`{name}=` has no counterpart here", name="groups"))
            parts.append(f"groups={groups}")
        mult = self.number(self.take("mult", 1))
        if mult != "1":
            parts.append(f"mult={mult}")
        if not self.truth("bias", True):
            parts.append("nobias")
        ceil = self.truth("ceil", False)
        if ceil:
            parts.append("ceil")
        # PyTorch's average counts what is padded, unless told otherwise.
        average = word == "avgpool" and self.call.framework == TORCH
        if average and self.truth("countpad", True) and padding:
            parts.append("countpad")
        rounds = word != "deconv" and padding != "same" and not ceil
        return self.done(" ".join(parts) + after, rounds)

    def _required(self, role: str) -> Any:
        value = self.take(role)
        if value is None:
            raise CannotTell(Message("an argument of the call is missing"))
        return value

    def padding(self, kernel: list[str], strides: list[str], dilation: list[str], word: str) -> str:
        value = self.take("pad", 0)
        if value == 0 and self.call.framework == KERAS:
            value = "valid"
        extra = self.take("output_pad")
        more = self.dims(0 if extra is None else extra)
        if self.call.framework == KERAS and extra is not None:
            raise CannotTell(Message("`{name}=` has no counterpart here", name="output_padding"))
        if isinstance(value, str) and not isinstance(value, Symbol):
            value = value.lower()
            if value == "same" and set(more) == {"0"}:
                return "same"
            if value == "valid" and word == "deconv":
                pairs = [*zip(kernel, strides)]
                if not all(a.isdigit() and b.isdigit() and int(a) >= int(b) for a, b in pairs):
                    raise CannotTell(
                        Message("Keras makes the output larger where the stride exceeds the kernel")
                    )
            if value == "valid":
                return ""
            if value == "causal" and self.rank == 1:
                numbers = [*kernel, *dilation]
                if all(each.isdigit() for each in numbers):
                    return f"pad={(int(kernel[0]) - 1) * int(dilation[0])}:0"
                return f"pad=(({kernel[0]}-1)*{dilation[0]}):0"
            raise CannotTell(Message("`{value}` is no padding here", value=_short(value)))
        pairs = []
        for begin, less in zip(self.dims(value), more):
            end = begin
            if less != "0":
                if not (begin.isdigit() and less.isdigit() and int(begin) >= int(less)):
                    raise CannotTell(
                        Message("an output padding larger than the padding has no counterpart")
                    )
                end = str(int(begin) - int(less))
            pairs.append((begin, end))
        if all(pair == ("0", "0") for pair in pairs):
            return ""
        return f"pad={self.pads(pairs)}"

    # Other layers, by their words

    def _dense(self) -> str:
        text = f"dense {self.needed('units')}"
        act = self.activation(self.take("activation"))
        after = f"; {act}" if " " in act else ""
        text += f" {act}" if act and not after else ""
        return text + ("" if self.truth("bias", True) else " nobias") + after

    def _gap(self) -> str:
        word = self.call.kind.word
        if self.call.framework == KERAS and "Adaptive" not in self.call.name:
            return word + (" keep" if self.truth("keep", False) else "")
        value = self._required("output")
        if value not in (1, (1,) * self.rank):
            word = {"gap": "avgpool", "gmp": "pool"}[word]
            return f"{word} to={self.size(self.dims(value))}"
        return f"{word} keep"

    _gmp = _gap

    def _dropout(self) -> str:
        rate = self.needed("rate")
        if rate == "1":
            raise CannotTell(Message("`{value}` drops everything", value="dropout 1"))
        return f"dropout {rate}"

    def _bn(self) -> str:
        eps, momentum = self.take("eps"), self.take("momentum")
        text = "bn" + self.eps(eps)
        if isinstance(momentum, (int, float)) and self.call.framework == TORCH:
            momentum = round(1 - momentum, 12)
        if momentum != (0.99 if self.defaults == KERAS else 0.9):
            text += f" momentum={self.number(momentum)}"
        return text + self.affine()

    def eps(self, value: Any) -> str:
        usual = 1e-3 if self.defaults == KERAS else 1e-5
        return "" if value == usual else f" eps={self.number(value)}"

    def _ln(self) -> str:
        if self.call.framework == TORCH:
            shape = self.take("normalized")
            if shape is None or (isinstance(shape, tuple) and len(shape) != 1):
                raise CannotTell(Message("only the channels are normalised by `ln`"))
        return "ln" + self.eps(self.take("eps")) + self.affine()

    def _gn(self) -> str:
        eps, groups = self.take("eps"), self.needed("groups")
        word = "inorm" if groups == "-1" and self.call.framework == KERAS else f"gn {groups}"
        return word + self.eps(eps) + self.affine()

    def _inorm(self) -> str:
        self.take("momentum")  # of statistics that it does not keep
        if self.values.pop("track_running_stats", False) is not False:
            raise CannotTell(Message("`inorm` keeps no statistics"))
        return "inorm" + self.eps(self.take("eps")) + self.affine()

    def affine(self) -> str:
        """What of factor and summand a normalisation does not learn."""
        affine = self.truth("affine", True)
        scale = self.truth("scale", affine)
        shift = self.truth("shift", self.truth("bias", True) and affine)
        return ("" if scale else " noscale") + ("" if shift else " noshift")

    def _relu(self) -> str:
        most = self.values.get("max_value")
        if most is None:
            return "relu"
        del self.values["max_value"]
        return "relu6" if most == 6 else f"clamp 0 {self.number(most)}"

    def _clamp(self) -> str:
        return f"clamp {self.needed('low')} {self.needed('high')}"

    def _gelu(self) -> str:
        how = self.take("approximate", "none")
        if how not in ("none", "tanh"):
            raise CannotTell(Message("`{value}` is no value here", value=_short(str(how))))
        return "gelu approx" if how == "tanh" else "gelu"

    def _leaky_relu(self) -> str:
        slope = self.take("slope")
        usual = 0.3 if self.defaults == KERAS else 0.01
        return "leaky_relu" + ("" if slope == usual else f" {self.number(slope)}")

    def _prelu(self) -> str:
        shared = self.values.pop("num_parameters", 1)
        axes = self.values.pop("shared_axes", None)
        if self.call.framework == TORCH and shared == 1:
            raise CannotTell(Message("`prelu` learns a slope for each channel"))
        if self.call.framework == KERAS and axes not in ((1, 2), (1, 2, 3)):
            raise CannotTell(Message("`prelu` learns a slope for each channel"))
        return "prelu"

    def _elu(self) -> str:
        alpha = self.values.pop("alpha", 1)
        return "elu" + ("" if alpha == 1 else f" {self.number(alpha)}")

    def _lrn(self) -> str:
        text = "lrn"
        for name, usual in (("size", 5), ("alpha", 1e-4), ("beta", 0.75), ("k", 1)):
            value = self.values.pop(name, None)
            if value is None:
                raise CannotTell(Message("an argument of the call is missing"))
            text += "" if value == usual else f" {name}={self.number(value)}"
        return text

    def _up(self) -> str:
        mode = self.take("mode", "nearest")
        factor, size = self.take("factor"), None
        if self.call.framework == TORCH:
            size = self.values.pop("size", None)
        fits = mode in ("nearest", "bilinear") or (
            mode == "bicubic" and self.call.name == "Upsample"
        )
        if (factor is None) == (size is None) or not fits:
            message = Message("only a factor or a size, by a rule that is PyTorch's, is said here")
            raise CannotTell(message)
        how = "" if mode == "nearest" else f" {mode}"
        if self.values.get("align_corners") is True and how:
            del self.values["align_corners"]
            how += " aligned"
        if size is not None:
            self.rank = len(size) if isinstance(size, tuple) else self.rank or 1
            return f"up to={self.size(self.dims(size))}{how}"
        if isinstance(factor, tuple):
            self.rank = self.rank or len(factor)
            factor = self.size(self.dims(factor))
        else:
            factor = self.number(factor)
        if "." in factor:
            raise CannotTell(Message("by a fraction it is said as a size: `up to=SIZE`"))
        return f"up {factor}{how}"

    def _zeropad(self) -> str:
        value = self.take("pad")
        if value is None:
            value = self.take("crop")
        rank = self.rank
        if value is None:
            raise CannotTell(Message("an argument of the call is missing"))
        items = value if isinstance(value, tuple) else (value,) * rank
        if isinstance(value, tuple) and self.call.framework == TORCH:
            # From the last dimension to the first, begin and end of each.
            ends = [*zip(items[::2], items[1::2])]
            items = tuple(reversed(ends)) if len(items) == 2 * rank else ()
        elif rank == 1 and len(items) == 2:
            items = (items,)
        if len(items) != rank:
            raise CannotTell(Message("`{value}` is no padding here", value=_short(str(value))))
        pairs = []
        for item in items:
            both = item if isinstance(item, tuple) else (item, item)
            if len(both) != 2:
                raise CannotTell(Message("`{value}` is no padding here", value=_short(str(value))))
            pairs.append((self.number(both[0]), self.number(both[1])))
        return f"{self.call.kind.word} {self.pads(pairs)}"

    _crop = _reflectpad = _replicatepad = _zeropad

    def _pixelshuffle(self) -> str:
        return f"{self.call.kind.word} {self.needed('factor')}"

    _pixelunshuffle = _pixelshuffle

    def _permute(self) -> str:
        return f"permute {self.shape(self._required('order'))}"

    def _rescale(self) -> str:
        scale, offset = self.constant(self._required("scale")), self.take("offset", 0)
        return f"rescale {scale}" + (f" offset={self.constant(offset)}" if offset != 0 else "")

    def constant(self, value: Any) -> str:
        """A number, or one for each channel."""
        if isinstance(value, tuple):
            return f"({', '.join(map(self.number, value))})"
        return self.number(value)

    def _shuffle(self) -> str:
        return f"shuffle {self.needed('groups')}"

    def _reshape(self) -> str:
        return f"reshape {self.shape(self._required('shape'))}"

    def _input(self) -> str:
        for other in ("batch_shape", "batch_input_shape"):
            batch = self.call.arguments.get(other)
            if isinstance(batch, tuple):
                return f"input {self.shape(batch[1:])}"
        for name in ("shape", "input_shape", "input_dim"):
            shape = self.values.pop(name, None) or self.call.arguments.get(name)
            if shape is not None:
                return f"input {self.shape(shape)}"
        raise CannotTell(Message("an argument of the call is missing"))

    def shape(self, value: Any) -> str:
        """A shape, the channels last."""
        items = value if isinstance(value, tuple) else (value,)
        if not 0 < len(items) < 5 or any(item is None for item in items):
            raise CannotTell(Message("all sizes of a shape are numbers here"))
        numbers = [self.number(item) for item in items]
        if any(number.startswith("-") for number in numbers):
            raise CannotTell(Message("all sizes of a shape are numbers here"))
        return self.size(numbers, full=True)

    def _merge(self) -> str:
        raise CannotTell(
            Message(
                "a merge has its paths in braces: `{word} {{ … | skip }}`",
                word=self.call.kind.word,
            )
        )

    _add = _mul = _average = _maximum = _concat = _merge
