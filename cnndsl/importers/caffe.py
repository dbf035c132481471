"""Networks of Caffe: prototxt, of the old form with `layers` too."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, Output, without_word
from cnndsl.importers.texts import Draft, Span, channels_last
from cnndsl.layers.base import Shape
from cnndsl.layers.values import Pair, Word

_DEEPEST = 100
_VALUE = r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|[-+]?[\w.][\w.+-]*+"""
_ITEM = re.compile(
    rf"""\s+|\#[^\n]*|[,;]|(?P<node>\w++)\s*+:?+\s*+[{{<]|(?P<end>[}}>])"""
    rf"""|(?P<key>\w++)\s*+:\s*+(?P<value>{_VALUE}|\[[^\[\]{{}}]*+\])"""
    r"""|(?P<other>[^\s{}<>,;#]++|.)""",
    re.DOTALL,
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

    def flag(self, key: str, default: bool) -> bool:
        """A truth value."""
        return self.text(key, str(default)).lower() in ("true", "1", "t")


class _Problem(Exception):
    """A layer that cannot be said: the code, and why."""

    def __init__(self, code: str, message: Message) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class _Layer(NamedTuple):
    """A layer with its parameters, the operations that it reads, and what it gives."""

    kind: str
    node: Node
    params: Node
    inputs: list[int]
    tops: list[str]

    def integers(self, key: str) -> list[int]:
        texts = self.params.texts(key)
        wrong = [text for text in texts if not re.fullmatch(r"[-+]?\d{1,18}", text)]
        if wrong:
            message = Message("`{key}: {value}` is no whole number", key=key, value=wrong[0][:40])
            raise _Problem("E605", message)
        return [int(text) for text in texts]

    def integer(self, key: str, default: int | None = None) -> int:
        numbers = self.integers(key) or ([] if default is None else [default])
        if not numbers:
            raise _Problem("E605", Message("`{key}` is missing", key=key))
        return numbers[-1]

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

    def only(self, key: str, *values: int) -> None:
        """Refuse an axis that is none of some, of which the first is the default."""
        if self.integer(key, values[0]) not in values:
            raise _Problem("E601", Message("there is no word for another `axis`"))


_DATA = frozenset("data imagedata hdf5data memorydata windowdata dummydata annotateddata".split())
_SKIPPED = frozenset("accuracy silence hdf5output".split())
_WEIGHING = ("conv", "deconv", "dense", "prelu", "scale")


class _Reader(Draft):
    """Goes through the layers.

    * `blobs`: the operation that each blob is
    * `hidden`: blobs that are no part of the network: labels, losses, numbers right
    * `gone`: blobs that are no tensor of their own here: they are one with their `Scale`
    * `training`: what is read while training only
    * `shared`: the names of weights
    """

    def __init__(self, text: str, name: str, shape: Shape | None) -> None:
        super().__init__(text, name, "torch")
        self.given = shape
        self.blobs: dict[str, int] = {}
        self.hidden: set[str] = set()
        self.gone: set[str] = set()
        self.training: set[int] = set()
        self.shared: set[str] = set()

    def parse(self) -> Node:
        """The text as a message; what cannot be read of it is a problem."""
        stack = [Node((0, 0))]
        at = 0
        while (found := _ITEM.match(self.text, at)) and len(self.graph.problems) <= 100:
            at, fields = found.end(), stack[-1].fields
            if found["node"]:
                stack.append(Node(found.span("node")))
                fields.setdefault(found["node"], []).append(stack[-1])
                if len(stack) > _DEEPEST:
                    message = Message("there are more than {most} braces in braces", most=_DEEPEST)
                    self.problem("E605", message, found.span())
                    return stack[0]
            elif found["key"]:
                texts = re.findall(_VALUE, found["value"])
                values = [each[1:-1] if each[0] in "\"'" else each for each in texts]
                fields.setdefault(found["key"], []).extend(values)
            elif found["end"] and len(stack) > 1:
                stack.pop()
            elif found["end"] or found["other"]:
                self.unreadable(found.span())
        if len(stack) > 1:
            self.problem("E605", Message("the text ends in the middle"), (at, at))
        return stack[0]

    # Layers

    def network(self, top: Node) -> None:
        """The layers of a network, one after the other."""
        sizes = [each.texts("dim") for each in top.nodes("input_shape")]
        dims = top.texts("input_dim")
        sizes += [dims[at : at + 4] for at in range(0, len(dims), 4)]
        for place, blob in enumerate(top.texts("input")):
            self.enter(blob, sizes[place] if place < len(sizes) else [], top.span)
        for node in [*top.nodes("layer"), *top.nodes("layers")]:
            if len(self.graph.problems) > 100 or self.unsized:
                return
            if not _is_used(node):
                continue
            try:
                self.layer(node)
            except _Problem as error:
                self.problem(error.code, error.message, node.span)
                # What cannot be said gives what it gets, to go on.
                inputs = [self.blobs[blob] for blob in node.texts("bottom") if blob in self.blobs]
                if inputs:
                    self.blobs |= dict.fromkeys(node.texts("top"), inputs[0])
                else:
                    self.hidden.update(node.texts("top"))

    def enter(self, blob: str, sizes: Sequence[str], span: Span) -> None:
        """An input, with its sizes as Caffe has them, the batch and the channels first."""
        numbers = [int(text) for text in sizes if re.fullmatch(r"\d{1,9}", text)]
        shape = channels_last(tuple(numbers[1:])) if len(numbers) > 1 else ()
        if not self.graph.ops and self.given:
            shape = self.given
        if len(numbers) != len(sizes) or not shape or min(shape) < 1 or len(shape) > 4:
            message = Message("the size of the input `{name}` is not said", name=blob)
            self.problem("E604", message, span, Message("write it, as `--input 227x227x3`"))
            shape, self.unsized = (1, 1, 1), True
        self.blobs[blob] = self.input(shape, span, blob)

    def layer(self, node: Node) -> None:
        """Add a layer."""
        kind = re.sub(r"[\s_]", "", node.text("type")).lower()
        params = _params(node, kind)
        tops, bottoms = node.texts("top"), node.texts("bottom")
        if kind in _DATA:
            self.data(node, tops)
            return
        if kind == "input":
            shapes = params.nodes("shape") or [params]
            for place, blob in enumerate(tops):
                self.enter(blob, shapes[min(place, len(shapes) - 1)].texts("dim"), node.span)
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
        for name in filter(None, (each.text("name") for each in node.nodes("param"))):
            if name in self.shared:
                raise _Problem("E602", Message("the weights `{name}` are shared", name=name))
            self.shared.add(name)
        if kind not in _MADE and kind not in _PLAIN:
            message = without_word(node.text("type"))
            raise _Problem("E601", message)
        layer = _Layer(kind, node, params, [self.blobs[blob] for blob in bottoms], tops)
        before, problems = len(self.graph.ops), len(self.graph.problems)
        outputs = _MADE.get(kind, _Reader.plain)(self, layer)
        if len(self.graph.problems) == problems and before < len(self.graph.ops):
            self.graph.ops[-1].name = node.text("name")
        for blob, op in zip(tops, outputs if isinstance(outputs, list) else [outputs] * len(tops)):
            self.blobs[blob] = op
            self.gone.discard(blob)
        if kind == "scale" and outputs == layer.inputs[0] and tops[:1] != bottoms[:1]:
            # It is one layer with the normalisation, which has no output of its own any more.
            self.gone.add(bottoms[0])

    def data(self, node: Node, tops: list[str]) -> None:
        """Where images come from: the first blob is the input, the others are labels."""
        self.hidden.update(tops[1:])
        if not tops or tops[0] in self.blobs:
            return
        size = "".join(each.text("crop_size") for each in node.nodes("transform_param")[-1:])
        if size and not self.given:
            message = Message("how many channels the images have is not said: 3 are taken")
            self.ask(message, len(self.graph.ops))
        self.enter(tops[0], ["1", "3", size, size] if size else [], node.span)

    def end(self, node: Node, kind: str, bottoms: list[str], tops: list[str]) -> None:
        """A loss or a measure, which is no part of the network; with a small weight it belongs
        to a head that is there while training only."""
        self.hidden.update(tops)
        weight = node.text("loss_weight")
        if bottoms and bottoms[0] in self.blobs and weight and not weight.startswith("1"):
            self.training.add(self.blobs[bottoms[0]])
        if kind in ("softmaxloss", "softmaxwithloss"):
            self.note(Message("the softmax of a loss is no part of the network"))

    def put(self, layer: _Layer, word: str, inputs: list[int] | None = None, **values: Any) -> int:
        """Add an operation for a layer."""
        rates = [
            each.text("lr_mult") for each in layer.node.nodes("param") if "lr_mult" in each.fields
        ] + layer.node.texts("blobs_lr")
        frozen = word in _WEIGHING and bool(rates) and all(map(_is_zero, rates))
        given = layer.inputs if inputs is None else inputs
        return self.add(word, values, given, layer.node.span, frozen=frozen)

    def image(self, layer: _Layer) -> Shape:
        """The sizes of the image that a layer reads."""
        shape = self.graph.shape(layer.inputs[0])
        if len(shape) < 2:
            message = Message("`{layer}` wants an image", layer=layer.node.text("type"))
            raise _Problem("E605", message)
        return shape

    # What they become

    def plain(self, layer: _Layer) -> int:
        word, given = _PLAIN[layer.kind]
        values: dict[str, Any] = {
            slot: (
                layer.integer(key, default)
                if isinstance(default, int)
                else layer.real(key, default)
            )
            for slot, (key, default) in given.items()
        }
        return self.put(layer, word, **values)

    def convolution(self, layer: _Layer) -> int:
        shape = self.image(layer)
        rank = len(shape) - 1
        values: dict[str, Any] = {
            "filters": layer.integer("num_output"),
            "kernel": layer.along("kernel_size", 0, rank),
            "stride": layer.along("stride", 1, rank),
            "pad": layer.along("pad", 0, rank),
            "dilation": layer.along("dilation", 1, rank),
            "groups": shape[-1] if "depthwise" in layer.kind else layer.integer("group", 1),
            "nobias": not layer.params.flag("bias_term", True),
        }
        return self.put(layer, "deconv" if layer.kind == "deconvolution" else "conv", **values)

    def pooling(self, layer: _Layer) -> int:
        """Sizes are rounded up, and a mean counts the padding, though not what rounding adds."""
        shape = self.image(layer)
        method = layer.params.text("pool", "MAX").upper()
        if method not in ("MAX", "0", "AVE", "1"):
            message = without_word(f"pool: {method}")
            raise _Problem("E601", message)
        is_mean = method in ("AVE", "1")
        if layer.params.flag("global_pooling", False):
            return self.put(layer, "gap" if is_mean else "gmp", keep=True)
        rank = len(shape) - 1
        kernel, stride = layer.along("kernel_size", 0, rank), layer.along("stride", 1, rank)
        pad = layer.along("pad", 0, rank)
        ceil = layer.params.text("round_mode", "CEIL").upper() in ("CEIL", "0")
        for size, k, s, p in zip(shape, kernel, stride, pad):
            if ceil and not p and s > 0 and -(-(size - k) // s) * s >= size:
                raise _Problem("E601", Message("a window of the pool lies outside of the image"))
        values: dict[str, Any] = {"kernel": kernel, "stride": stride, "pad": pad, "ceil": ceil}
        if is_mean:
            return self.put(layer, "avgpool", **values, countpad=any(pad))
        return self.put(layer, "pool", **values)

    def flat(self, layer: _Layer) -> int:
        op = layer.inputs[0]
        layer.only("axis", 1)
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

    def lrn(self, layer: _Layer) -> int:
        if layer.params.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
            raise _Problem("E601", Message("there is no word for an LRN within a channel"))
        return self.plain(layer)

    def batch_norm(self, layer: _Layer) -> int:
        eps, momentum = layer.real("eps", 1e-5), layer.real("moving_average_fraction", 0.999)
        return self.put(layer, "bn", eps=eps, momentum=momentum, noscale=True, noshift=True)

    def scale(self, layer: _Layer) -> int:
        """A factor for each channel: behind a normalisation it is that one's."""
        bias = layer.params.flag("bias_term", False)
        if len(layer.inputs) == 2 and not bias:
            layer.only("axis", 1, 0)
            return self.put(layer, "mul")
        layer.only("axis", 1, -3)
        layer.only("num_axes", 1)
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
        count = len(self.graph.shape(layer.inputs[0])) + 1
        axis = layer.integer("axis", layer.integer("concat_dim", 1))
        names = dict(zip(range(1, count), ("channels", "height", "width")))
        name = names.get(axis + count if axis < 0 else axis)
        if name is None:
            raise _Problem("E601", Message("there is no word for another `axis`"))
        if len(layer.inputs) == 1:
            return layer.inputs[0]
        along: dict[str, Any] = {} if name == "channels" else {"axis": Word(name)}
        return self.put(layer, "concat", **along)

    def eltwise(self, layer: _Layer) -> int:
        factors = [text.removesuffix(".0") for text in layer.params.texts("coeff")]
        word = _ELTWISE.get(layer.params.text("operation", "SUM").upper())
        if word == "add" and factors == ["1", "-1"]:
            word = "subtract"
        elif factors and {*factors} != {"1"}:
            word = None
        if word is None:
            raise _Problem("E601", Message("there is no word for this `operation`"))
        return self.put(layer, word) if len(layer.inputs) > 1 else layer.inputs[0]

    def softmax(self, layer: _Layer) -> int:
        layer.only("axis", 1, -len(self.graph.shape(layer.inputs[0])))
        return self.put(layer, "softmax")

    def slice(self, layer: _Layer) -> list[int]:
        layer.only("axis", 1)
        layer.only("slice_dim", 1)
        channels, count = self.graph.shape(layer.inputs[0])[-1], len(layer.tops)
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
        layer.only("axis", 2)
        if len(shape) != len(other):
            raise _Problem("E601", Message("there is no word for another `axis`"))
        offsets = layer.along("offset", 0, len(shape) - 1)
        pads = tuple(Pair(o, x - y - o) for o, x, y in zip(offsets, shape[:-1], other[:-1]))
        return self.put(layer, "crop", layer.inputs[:1], crop=pads)


_ELTWISE = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul", "MAX": "maximum", "2": "maximum"}

_PLAIN: dict[str, tuple[str, dict[str, tuple[str, float]]]] = {
    **{name: (name, {}) for name in ("sigmoid", "tanh", "relu6", "mish")},
    "swish": ("silu", {}),
    "elu": ("elu", {"alpha": ("alpha", 1.0)}),
    "clip": ("clamp", {"low": ("min", 0.0), "high": ("max", 6.0)}),
    "lrn": (
        "lrn",
        {
            "size": ("local_size", 5),
            "alpha": ("alpha", 1.0),
            "beta": ("beta", 0.75),
            "k": ("k", 1.0),
        },
    ),
    "dropout": ("dropout", {"rate": ("dropout_ratio", 0.5)}),
    "shufflechannel": ("shuffle", {"groups": ("group", 1)}),
}
"""Layers that are one word: its arguments, with their names in Caffe and their defaults there."""

_MADE: dict[str, Callable[[_Reader, _Layer], int | list[int]]] = {
    "convolution": _Reader.convolution,
    "deconvolution": _Reader.convolution,
    "convolutiondepthwise": _Reader.convolution,
    "depthwiseconvolution": _Reader.convolution,
    "pooling": _Reader.pooling,
    "innerproduct": _Reader.inner_product,
    "relu": _Reader.relu,
    "prelu": _Reader.prelu,
    "lrn": _Reader.lrn,
    "batchnorm": _Reader.batch_norm,
    "scale": _Reader.scale,
    "concat": _Reader.concat,
    "eltwise": _Reader.eltwise,
    "softmax": _Reader.softmax,
    "flatten": _Reader.flat,
    "slice": _Reader.slice,
    "split": _Reader.split,
    "crop": _Reader.crop,
}


def _is_zero(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(0{1,18}\.?0{0,18}|\.0{1,18})(e[-+]?\d\d?)?f?", text.lower()))


def _is_used(node: Node) -> bool:
    """Whether a layer is there when the network is tested."""
    phases = {each.text("phase").upper() for each in node.nodes("include")} - {""}
    barred = {each.text("phase").upper() for each in node.nodes("exclude")}
    return not (phases and not phases & {"TEST", "1"}) and not barred & {"TEST", "1"}


def _params(node: Node, kind: str) -> Node:
    """The parameters of a layer, whatever their field is called: `pooling_param`."""
    wanted = {kind, "convolution"} if "convolution" in kind else {kind}
    for key in node.fields:
        stem = key.removesuffix("_param").replace("_", "")
        if key.endswith("_param") and stem in wanted and node.nodes(key):
            return node.nodes(key)[-1]
    return Node(node.span)


def read_caffe(text: str, name: str = "", shape: Shape | None = None) -> Graph:
    """Read a prototxt as it is when testing; `shape` is the first input's, if it says another
    one or none."""
    reader = _Reader(text, name, shape)
    graph = reader.graph
    top = reader.parse()
    if not graph.problems and not (top.nodes("layer") or top.nodes("layers")):
        reader.problem("E605", Message("the text has no `layer`"), (0, 0))
    if not graph.problems:
        reader.network(top)
    if not graph.ops or graph.problems:
        return reader.done()
    named = {op: re.sub(r"\W+", "_", blob) for blob, op in reader.blobs.items()}
    ends = [*{*reader.ends(), *reader.training}]
    outputs = [Output(named.get(op, f"output{op}"), op, op in reader.training) for op in ends]
    # The last one is the main output, those of training alone come behind.
    graph.outputs = sorted(outputs, key=lambda each: (each.training, -each.op))
    return reader.done()
