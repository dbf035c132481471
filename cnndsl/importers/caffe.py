"""Networks of Caffe: prototxt, of the old form with `layers` too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.graph import Graph, Output
from cnndsl.importers.texts import Draft, Span, channels_last
from cnndsl.layers.base import Shape
from cnndsl.layers.values import Pair, Word

_DEEPEST = 100
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[-+]?[\w.][\w.+-]*)|(?P<sign>[{}:\[\],;<>])"""
)


class Node:
    """A message of the text format: the values of each field, in order, and where it stands."""

    def __init__(self, span: Span) -> None:
        self.fields: dict[str, list[str | Node]] = {}
        self.span = span

    def texts(self, key: str) -> list[str]:
        """The plain values of a field."""
        return [each for each in self.fields.get(key, ()) if isinstance(each, str)]

    def text(self, key: str, default: str = "") -> str:
        """The last plain value of a field, which is the one that counts."""
        return (self.texts(key) or [default])[-1]

    def nodes(self, key: str) -> list[Node]:
        """The messages of a field."""
        return [each for each in self.fields.get(key, ()) if isinstance(each, Node)]

    def node(self, key: str) -> Node:
        """The last message of a field; an empty one where there is none."""
        return (self.nodes(key) or [Node(self.span)])[-1]

    def flag(self, key: str, default: bool) -> bool:
        return self.text(key, str(default)).lower() in ("true", "1", "t")


class _Problem(Exception):
    """A layer that cannot be said: why, and the code."""

    def __init__(self, code: str, message: Message, help_: Message = NOTHING) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help_


class _Layer(NamedTuple):
    """A layer with its parameters, the operations that it reads, and what it gives."""

    kind: str
    node: Node
    params: Node
    inputs: list[int]
    tops: list[str]

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number of its parameters."""
        numbers = self.integers(key)
        if numbers:
            return numbers[-1]
        if default is None:
            raise _Problem("E605", Message("`{key}` is missing", key=key))
        return default

    def integers(self, key: str) -> list[int]:
        texts = self.params.texts(key)
        wrong = [text for text in texts if not re.fullmatch(r"[-+]?\d{1,18}", text)]
        if wrong:
            message = Message("`{key}: {value}` is no whole number", key=key, value=wrong[0][:40])
            raise _Problem("E605", message)
        return [int(text) for text in texts]

    def real(self, key: str, default: float) -> float:
        text = self.params.text(key, str(default))
        try:
            return float(text.rstrip("fF"))
        except ValueError:
            message = Message("`{key}: {value}` is no number", key=key, value=text[:40])
            raise _Problem("E605", message) from None

    def along(self, key: str, default: int, rank: int) -> tuple[int, ...]:
        """A number for each spatial dimension: `pad`, or `pad_h` and `pad_w`."""
        stem = key.removesuffix("_size")
        if f"{stem}_h" in self.params.fields or f"{stem}_w" in self.params.fields:
            return self.integer(f"{stem}_h", default), self.integer(f"{stem}_w", default)
        numbers = self.integers(key) or [default]
        return (numbers[0],) * rank if len(numbers) == 1 else tuple(numbers)


_DATA = frozenset("data imagedata hdf5data memorydata windowdata dummydata annotateddata".split())
_SKIPPED = frozenset("accuracy silence hdf5output".split())


class _Reader(Draft):
    def __init__(self, text: str, name: str, shape: Shape | None) -> None:
        super().__init__(text, name, "torch")
        self.given = shape
        self.blobs: dict[str, int] = {}
        self.hidden: set[str] = set()
        """Blobs that are no part of the network: labels, losses, numbers right."""
        self.gone: set[str] = set()
        """Blobs that are no tensor of their own here: they are one with their `Scale`."""
        self.unsized = False
        """Whether the size of an input is missing, so that nothing more can be said."""
        self.training: set[int] = set()
        self.shared: set[str] = set()

    # The text format

    def parse(self) -> Node:
        """The text as a message; what cannot be read of it is a problem."""
        top = Node((0, 0))
        stack, key, colon, in_list = [top], "", False, False
        for start, end, kind in self.tokens():
            token = self.text[start:end]
            if kind == "sign" and token in "{<":
                node = Node((start, start))
                if key:
                    node.span = (start - len(key), start)
                    stack[-1].fields.setdefault(key, []).append(node)
                else:
                    self.unreadable((start, end))
                stack.append(node)
                if len(stack) > _DEEPEST:
                    message = Message("there are more than {most} braces in braces", most=_DEEPEST)
                    self.problem("E605", message, (start, end))
                    return top
                key, colon = "", False
            elif kind == "sign" and token in "}>":
                if len(stack) > 1 and not key:
                    stack.pop()
                else:
                    self.unreadable((start, end))
                key = ""
            elif token == ":" and key and not colon:
                colon = True
            elif token in ("[", "]") and colon:
                in_list = token == "["
                if not in_list:
                    key, colon = "", False
            elif kind == "sign" and token in ",;":
                continue
            elif colon and kind in ("word", "string"):
                value = token[1:-1] if kind == "string" else token
                stack[-1].fields.setdefault(key, []).append(value)
                if not in_list:
                    key, colon = "", False
            elif not key and kind == "word":
                key = token
            else:
                self.unreadable((start, end))
                key, colon = "", False
            if len(self.graph.problems) > 100:
                break
        if len(stack) > 1 or key:
            self.problem("E605", Message("the text ends in the middle"), (end, end))
        return top

    def tokens(self) -> Iterator[tuple[int, int, str]]:
        """The tokens with their kinds."""
        at = 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if found is None:
                yield at, at + 1, "other"
                at += 1
                continue
            if found.lastgroup:
                yield *found.span(), found.lastgroup
            at = found.end()

    # Layers

    def network(self, top: Node) -> None:
        """The layers of a network, one after the other."""
        sizes = [_sizes(each) for each in top.nodes("input_shape")]
        dims = top.texts("input_dim")
        sizes += [dims[at : at + 4] for at in range(0, len(dims), 4)]
        for place, blob in enumerate(top.texts("input")):
            self.enter(blob, sizes[place] if place < len(sizes) else [], top.span)
        for node in [*top.nodes("layer"), *top.nodes("layers")]:
            if len(self.graph.problems) > 100 or self.unsized:
                return
            if _is_used(node):
                try:
                    self.layer(node)
                except _Problem as error:
                    self.problem(error.code, error.message, node.span, error.help)
                    self.go_on(node)

    def go_on(self, node: Node) -> None:
        """Let what a layer that cannot be said would give be what it gets."""
        inputs = [self.blobs[blob] for blob in node.texts("bottom") if blob in self.blobs]
        for blob in node.texts("top"):
            if inputs:
                self.blobs[blob] = inputs[0]
            else:
                self.hidden.add(blob)

    def enter(self, blob: str, sizes: Sequence[str], span: Span) -> None:
        """An input, with its sizes as Caffe has them, the batch and the channels first."""
        numbers = [int(text) for text in sizes if re.fullmatch(r"\d{1,9}", text)]
        first = not self.graph.ops
        shape = channels_last(tuple(numbers[1:])) if len(numbers) > 1 else ()
        if first and self.given:
            shape = self.given
        if len(numbers) != len(sizes) or not shape or min(shape) < 1 or len(shape) > 4:
            message = Message("the size of the input `{name}` is not said", name=blob)
            help_ = Message("write it, as `--input 227x227x3`")
            self.problem("E604", message, span, help_)
            shape, self.unsized = (1, 1, 1), True
        self.blobs[blob] = self.graph.input(shape, blob)

    def layer(self, node: Node) -> None:
        """Add a layer."""
        kind = re.sub(r"[\s_]", "", node.text("type")).lower()
        params = _params(node, kind)
        tops, bottoms = node.texts("top"), node.texts("bottom")
        if kind in _DATA:
            self.data(node, tops)
            return
        if kind == "input":
            shapes = params.nodes("shape")
            for place, blob in enumerate(tops):
                sizes = _sizes(shapes[min(place, len(shapes) - 1)]) if shapes else []
                self.enter(blob, sizes, node.span)
            return
        if kind.endswith("loss") or kind in _SKIPPED:
            self.end(node, kind, bottoms, tops)
            return
        if bottoms and all(blob in self.hidden for blob in bottoms):
            self.hidden.update(tops)
            return
        missing = [blob for blob in bottoms if blob not in self.blobs]
        if missing or not bottoms:
            name = missing[0] if missing else ""
            raise _Problem("E605", Message("there is no blob `{name}` before this", name=name))
        for blob in bottoms:
            if blob in self.gone:
                message = Message("`{name}` is read without its `Scale`, too", name=blob)
                raise _Problem("E601", message)
        self.share(node)
        layer = _Layer(kind, node, params, [self.blobs[blob] for blob in bottoms], tops)
        make = _MADE.get(kind)
        if make is None:
            message = Message("there is no word for `{operation}`", operation=node.text("type"))
            raise _Problem("E601", message)
        before, problems = len(self.graph.ops), len(self.graph.problems)
        outputs = make(self, layer)
        if len(self.graph.problems) == problems and before < len(self.graph.ops):
            self.graph.ops[-1].name = node.text("name")
        for blob, op in zip(tops, outputs if isinstance(outputs, list) else [outputs] * len(tops)):
            self.blobs[blob] = op
            self.gone.discard(blob)
        merged = kind == "scale" and outputs == layer.inputs[0]
        if merged and tops[:1] != bottoms[:1]:
            # It is one layer with the normalisation, which has no output of its own any more.
            self.gone.add(bottoms[0])

    def share(self, node: Node) -> None:
        """See that the layer has weights of its own."""
        for param in node.nodes("param"):
            name = param.text("name")
            if name and name in self.shared:
                message = Message("the weights `{name}` are shared", name=name)
                raise _Problem("E602", message)
            self.shared.add(name)

    def data(self, node: Node, tops: list[str]) -> None:
        """Where images come from: the first blob is the input, the others are labels."""
        self.hidden.update(tops[1:])
        if not tops or tops[0] in self.blobs:
            return
        size = node.node("transform_param").text("crop_size")
        sizes = ["1", "3", size, size] if size else []
        if size and not self.given:
            message = Message("how many channels the images have is not said: 3 are taken")
            self.ask(message, len(self.graph.ops))
        self.enter(tops[0], sizes, node.span)

    def end(self, node: Node, kind: str, bottoms: list[str], tops: list[str]) -> None:
        """A loss or a measure, which is no part of the network; with a small weight it belongs
        to a head that is there while training only."""
        self.hidden.update(tops)
        weight = node.text("loss_weight")
        if bottoms and bottoms[0] in self.blobs and weight and not weight.startswith("1"):
            self.training.add(self.blobs[bottoms[0]])
        if kind == "softmaxloss" or kind == "softmaxwithloss":
            message = Message("the softmax of a loss is no part of the network")
            if message not in self.graph.notes:
                self.graph.notes.append(message)

    def put(self, layer: _Layer, word: str, inputs: list[int] | None = None, **values: Any) -> int:
        """Add an operation for a layer."""
        rates = [
            each.text("lr_mult") for each in layer.node.nodes("param") if "lr_mult" in each.fields
        ] + layer.node.texts("blobs_lr")
        weighs = word in ("conv", "deconv", "dense", "prelu", "scale")
        frozen = weighs and bool(rates) and all(_is_zero(rate) for rate in rates)
        given = layer.inputs if inputs is None else inputs
        return self.add(word, values, given, layer.node.span, frozen=frozen)

    def sizes(self, layer: _Layer) -> Shape:
        """The sizes that a layer reads."""
        return self.graph.shape(layer.inputs[0])

    def image(self, layer: _Layer) -> Shape:
        """The sizes of the image that a layer reads."""
        shape = self.sizes(layer)
        if len(shape) < 2:
            message = Message("`{layer}` wants an image", layer=layer.node.text("type"))
            raise _Problem("E605", message)
        return shape

    # What they become

    def convolution(self, layer: _Layer) -> int:
        shape = self.image(layer)
        rank = len(shape) - 1
        group = shape[-1] if "depthwise" in layer.kind else layer.integer("group", 1)
        values: dict[str, Any] = {
            "filters": layer.integer("num_output"),
            "kernel": layer.along("kernel_size", 0, rank),
            "stride": layer.along("stride", 1, rank),
            "pad": layer.along("pad", 0, rank),
            "dilation": layer.along("dilation", 1, rank),
            "groups": group,
            "nobias": not layer.params.flag("bias_term", True),
        }
        return self.put(layer, "deconv" if layer.kind == "deconvolution" else "conv", **values)

    def pooling(self, layer: _Layer) -> int:
        """Sizes are rounded up, and a mean counts the padding, though not what rounding adds."""
        shape = self.image(layer)
        method = layer.params.text("pool", "MAX").upper()
        words = {"MAX": ("pool", "gmp"), "0": ("pool", "gmp")}
        words |= {"AVE": ("avgpool", "gap"), "1": ("avgpool", "gap")}
        if method not in words:
            message = Message("there is no word for `{operation}`", operation=f"pool: {method}")
            raise _Problem("E601", message)
        word, over_all = words[method]
        if layer.params.flag("global_pooling", False):
            return self.put(layer, over_all, keep=True)
        rank = len(shape) - 1
        kernel, stride = layer.along("kernel_size", 0, rank), layer.along("stride", 1, rank)
        pad = layer.along("pad", 0, rank)
        ceil = layer.params.text("round_mode", "CEIL").upper() in ("CEIL", "0")
        for size, k, s, p in zip(shape, kernel, stride, pad):
            if ceil and not p and s > 0 and -(-(size - k) // s) * s >= size:
                raise _Problem("E601", Message("a window of the pool lies outside of the image"))
        counts = word == "avgpool" and any(pad)
        return self.put(
            layer, word, kernel=kernel, stride=stride, pad=pad, ceil=ceil, countpad=counts
        )

    def flat(self, layer: _Layer) -> int:
        op = layer.inputs[0]
        if layer.integer("axis", 1) != 1:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        return self.put(layer, "flatten") if len(self.graph.shape(op)) > 1 else op

    def inner_product(self, layer: _Layer) -> int:
        units, bias = layer.integer("num_output"), layer.params.flag("bias_term", True)
        return self.put(layer, "dense", [self.flat(layer)], units=units, nobias=not bias)

    def relu(self, layer: _Layer) -> int:
        if slope := layer.real("negative_slope", 0):
            return self.put(layer, "leaky_relu", slope=slope)
        return self.put(layer, "relu")

    def prelu(self, layer: _Layer) -> int:
        if layer.params.flag("channel_shared", False):
            raise _Problem("E601", Message("there is no word for a slope that channels share"))
        return self.put(layer, "prelu")

    def elu(self, layer: _Layer) -> int:
        return self.put(layer, "elu", alpha=layer.real("alpha", 1))

    def clip(self, layer: _Layer) -> int:
        return self.put(layer, "clamp", low=layer.real("min", 0), high=layer.real("max", 6))

    def power(self, layer: _Layer) -> int:
        """(shift + scale * x) ** power."""
        if layer.real("power", 1) != 1:
            raise _Problem("E601", Message("there is no word for a power"))
        scale, shift = layer.real("scale", 1), layer.real("shift", 0)
        return self.put(layer, "rescale", scale=scale, offset=shift)

    def lrn(self, layer: _Layer) -> int:
        if layer.params.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
            raise _Problem("E601", Message("there is no word for an LRN within a channel"))
        return self.put(
            layer,
            "lrn",
            size=layer.integer("local_size", 5),
            alpha=layer.real("alpha", 1),
            beta=layer.real("beta", 0.75),
            k=layer.real("k", 1),
        )

    def batch_norm(self, layer: _Layer) -> int:
        values: dict[str, Any] = {
            "eps": layer.real("eps", 1e-5),
            "momentum": layer.real("moving_average_fraction", 0.999),
            "noscale": True,
            "noshift": True,
        }
        return self.put(layer, "bn", **values)

    def scale(self, layer: _Layer) -> int:
        """A factor for each channel: behind a normalisation it is that one's."""
        bias = layer.params.flag("bias_term", False)
        if len(layer.inputs) == 2:
            if bias or layer.integer("axis", 1) not in (0, 1):
                raise _Problem("E601", Message("there is no word for another `axis`"))
            return self.put(layer, "mul")
        if layer.integer("axis", 1) not in (1, -3) or layer.integer("num_axes", 1) != 1:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        op = self.graph.ops[layer.inputs[0]]
        bare = op.word == "bn" and op.values.get("noscale") and op.values.get("noshift")
        if bare and not any(layer.inputs[0] in each.inputs for each in self.graph.ops):
            values = {key: op.values[key] for key in ("eps", "momentum") if key in op.values}
            self.put(layer, "bn", list(op.inputs), **values, noshift=not bias)
            # It takes the place of the normalisation that it completes.
            self.graph.ops[layer.inputs[0]] = self.graph.ops.pop()
            return layer.inputs[0]
        if not bias:
            return self.put(layer, "scale")
        kernel = (1,) * (len(self.image(layer)) - 1)
        return self.put(layer, "dwconv", kernel=kernel)

    def concat(self, layer: _Layer) -> int:
        shape = self.sizes(layer)
        axis = layer.integer("axis", layer.integer("concat_dim", 1))
        axis = axis + len(shape) + 1 if axis < 0 else axis
        names = {1: "channels", 2: "height", 3: "width"}
        if axis not in names or axis > len(shape):
            raise _Problem("E601", Message("there is no word for another `axis`"))
        if len(layer.inputs) == 1:
            return layer.inputs[0]
        along: dict[str, Any] = {} if axis == 1 else {"axis": Word(names[axis])}
        return self.put(layer, "concat", **along)

    def eltwise(self, layer: _Layer) -> int:
        words = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul", "MAX": "maximum"}
        words |= {"2": "maximum"}
        word = words.get(layer.params.text("operation", "SUM").upper())
        if word is None:
            raise _Problem("E601", Message("there is no word for this `operation`"))
        factors = [float(text) for text in layer.params.texts("coeff") if _is_number(text)]
        inputs = list(layer.inputs)
        if word == "add" and factors and len(factors) == len(inputs):
            if factors == [1, -1]:
                return self.put(layer, "subtract")
            inputs = [
                op if factor == 1 else self.put(layer, "rescale", [op], scale=factor)
                for op, factor in zip(inputs, factors)
            ]
        elif factors:
            raise _Problem("E605", Message("`coeff` has not a number for each blob"))
        return self.put(layer, word, inputs) if len(inputs) > 1 else inputs[0]

    def dropout(self, layer: _Layer) -> int:
        return self.put(layer, "dropout", rate=layer.real("dropout_ratio", 0.5))

    def softmax(self, layer: _Layer) -> int:
        if layer.integer("axis", 1) not in (1, -len(self.sizes(layer))):
            raise _Problem("E601", Message("there is no word for another `axis`"))
        return self.put(layer, "softmax")

    def reshape(self, layer: _Layer) -> int:
        """Sizes are channels first behind the batch; 0 keeps one, and -1 is what is left."""
        op, shape = layer.inputs[0], self.sizes(layer)
        first = (shape[-1], *shape[:-1])
        node = layer.params.node("shape")
        dims = _Layer(layer.kind, layer.node, node, [], []).integers("dim")
        if layer.integer("axis", 0) or layer.integer("num_axes", -1) != -1 or len(dims) < 2:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        if dims[0] not in (0, -1) or len(dims) > 5 or dims[1:].count(-1) > 1:
            raise _Problem("E601", Message("the batch is reshaped too"))
        sizes = [
            first[at] if size == 0 and at < len(first) else size for at, size in enumerate(dims[1:])
        ]
        total, known = 1, 1
        for size in first:
            total *= size
        for size in sizes:
            known *= size if size > 0 else 1
        if min(sizes) < -1 or 0 in sizes or total % known:
            raise _Problem("E605", Message("the sizes of `reshape` do not fit"))
        whole = tuple(total // known if size == -1 else size for size in sizes)
        if len(whole) == 1:
            return self.flat(layer)
        return self.reshape_channels_first(op, channels_last(whole), layer.node.span)

    def slice(self, layer: _Layer) -> list[int]:
        channels = self.sizes(layer)[-1]
        if layer.integer("axis", layer.integer("slice_dim", 1)) != 1:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        count = len(layer.tops)
        points = layer.integers("slice_point")
        if not points and count and channels % count == 0:
            points = [channels // count * at for at in range(1, count)]
        if len(points) != count - 1:
            raise _Problem("E605", Message("`slice_point` does not fit the number of tops"))
        edges = [0, *points, channels]
        return [self.put(layer, "slice", range=Pair(begin, end)) for begin, end in pairwise(edges)]

    def split(self, layer: _Layer) -> int:
        return layer.inputs[0]

    def crop(self, layer: _Layer) -> int:
        """The size of the second blob, cut out of the first."""
        if len(layer.inputs) != 2:
            raise _Problem("E605", Message("`Crop` wants two blobs"))
        shape, other = (self.graph.shape(each) for each in layer.inputs)
        axis, offsets = layer.integer("axis", 2), layer.integers("offset") or [0]
        if axis != 2 or len(shape) != len(other) or len(shape) < 2:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        if len(offsets) == 1:
            offsets *= len(shape) - 1
        pads = tuple(Pair(o, x - y - o) for o, x, y in zip(offsets, shape[:-1], other[:-1]))
        return self.put(layer, "crop", layer.inputs[:1], crop=pads)

    def shuffle(self, layer: _Layer) -> int:
        return self.put(layer, "shuffle", groups=layer.integer("group", 1))


def _named(word: str) -> Callable[[_Reader, _Layer], int]:
    """A layer without arguments."""
    return lambda reader, layer: reader.put(layer, word)


_MADE: dict[str, Callable[[_Reader, _Layer], int | list[int]]] = {
    "convolution": _Reader.convolution,
    "deconvolution": _Reader.convolution,
    "convolutiondepthwise": _Reader.convolution,
    "depthwiseconvolution": _Reader.convolution,
    "pooling": _Reader.pooling,
    "innerproduct": _Reader.inner_product,
    "relu": _Reader.relu,
    "prelu": _Reader.prelu,
    "elu": _Reader.elu,
    "clip": _Reader.clip,
    "power": _Reader.power,
    "lrn": _Reader.lrn,
    "batchnorm": _Reader.batch_norm,
    "scale": _Reader.scale,
    "concat": _Reader.concat,
    "eltwise": _Reader.eltwise,
    "dropout": _Reader.dropout,
    "softmax": _Reader.softmax,
    "flatten": _Reader.flat,
    "reshape": _Reader.reshape,
    "slice": _Reader.slice,
    "split": _Reader.split,
    "crop": _Reader.crop,
    "shufflechannel": _Reader.shuffle,
    "sigmoid": _named("sigmoid"),
    "tanh": _named("tanh"),
    "bnll": _named("softplus"),
    "relu6": _named("relu6"),
    "swish": _named("silu"),
    "mish": _named("mish"),
}


def _sizes(node: Node) -> list[str]:
    return node.texts("dim")


def _is_number(text: str) -> bool:
    return bool(
        re.fullmatch(r"[-+]?(\d{1,18}\.?\d{0,18}|\.\d{1,18})(e[-+]?\d\d?)?f?", text.lower())
    )


def _is_zero(text: str) -> bool:
    return _is_number(text) and float(text.rstrip("fF")) == 0


def _is_used(node: Node) -> bool:
    """Whether a layer is there when the network is tested."""
    included, excluded = node.nodes("include"), node.nodes("exclude")
    phases = {each.text("phase").upper() for each in included} - {""}
    barred = {each.text("phase").upper() for each in excluded}
    return not (phases and not phases & {"TEST", "1"}) and not barred & {"TEST", "1"}


def _params(node: Node, kind: str) -> Node:
    """The parameters of a layer, whatever their field is called: `pooling_param`."""
    alike = {"depthwiseconvolution": "convolution", "convolutiondepthwise": "convolution"}
    wanted = {alike.get(kind, kind), {"deconvolution": "convolution"}.get(kind, kind)}
    for key in node.fields:
        stem = key.removesuffix("_param").replace("_", "")
        if key.endswith("_param") and stem in wanted and node.nodes(key):
            return node.node(key)
    return Node(node.span)


def read_caffe(text: str, name: str = "", shape: Shape | None = None) -> Graph:
    """Read a prototxt as it is when testing; `shape` is the first input's, if it says another
    one or none."""
    reader = _Reader(text, name, shape)
    top = reader.parse()
    if not reader.graph.problems and not (top.nodes("layer") or top.nodes("layers")):
        reader.problem("E605", Message("the text has no `layer`"), (0, 0))
    if not reader.graph.problems:
        reader.network(top)
    graph = reader.graph
    if not graph.ops or graph.problems:
        return reader.done()
    named = {op: re.sub(r"\W+", "_", blob) for blob, op in reader.blobs.items()}
    read = {op for each in graph.ops for op in each.inputs}
    ends = [at for at in range(len(graph.ops)) if at not in read]
    ends += sorted(reader.training - {*ends})
    outputs = [Output(named.get(op, f"output{op}"), op, op in reader.training) for op in ends]
    # The last one is the main output, those of training alone come behind.
    outputs.sort(key=lambda each: (each.training, -each.op))
    graph.outputs = outputs
    return reader.done()
