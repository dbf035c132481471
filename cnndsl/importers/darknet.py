"""Networks of darknet: the sections of a `.cfg`, YOLO's among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, Output
from cnndsl.importers.texts import Draft, Span
from cnndsl.layers.base import Shape
from cnndsl.layers.values import Pair

ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
    "linear": ("", {}),
    "logistic": ("sigmoid", {}),
    "leaky": ("leaky_relu", {"slope": 0.1}),
    "relie": ("leaky_relu", {"slope": 0.01}),
    "hardtan": ("clamp", {"low": -1, "high": 1}),
    "swish": ("silu", {}),
    **{name: (name, {}) for name in "relu relu6 mish tanh elu selu".split()},
}
HEADS = ("yolo", "gaussian_yolo", "region", "detection")
REFUSED = (
    "xnor binary antialiasing share_index deform rotate sway stretch stretch_sway maxpool_depth "
    "reverse tree time_steps avgpool shortcut_weights"
).split()
"""Keys that make a section something else, unless they are 0."""


class Section(NamedTuple):
    """A section: its kind, its keys with their texts, and where it stands."""

    kind: str
    keys: dict[str, str]
    span: Span


class _Reader(Draft):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name, "torch")
        self.places: list[int] = []
        """The operation that each section gives."""
        self.heads: list[Output] = []

    # Sections

    def sections(self) -> list[Section]:
        """The sections of the text; each line that is none of one is a problem."""
        found: list[Section] = []
        for line in re.finditer(r"[^\r\n]+", self.text):
            text = re.split(r"[#;]", line[0], maxsplit=1)[0].strip()
            if not text:
                continue
            if head := re.fullmatch(r"\[\s*(\w+)\s*\]", text):
                found.append(Section(head[1].lower(), {}, line.span()))
            elif found and (pair := re.fullmatch(r"([\w.]+)\s*=\s*(.*)", text)):
                found[-1].keys[pair[1]] = pair[2]
            else:
                self.unreadable(line.span())
        return found

    def number(self, section: Section, key: str, default: float) -> float:
        """A number of a section; a problem where it is none."""
        text = section.keys.get(key)
        if text is None:
            return default
        if re.fullmatch(r"[-+]?(\d{1,15}\.?\d{0,15}|\.\d{1,15})(e[-+]?\d\d?)?", text):
            return float(text)
        message = Message("`{key}={value}` is no number", key=key, value=text[:40])
        self.problem("E605", message, section.span)
        return default

    def whole(self, section: Section, key: str, default: int) -> int:
        """A whole number of a section."""
        return int(self.number(section, key, default))

    def wholes(self, section: Section, key: str) -> list[int]:
        """The whole numbers of a list, `-1, 61`."""
        parts = section.keys.get(key, "").rstrip(", ").split(",")
        numbers = [int(part) for part in parts if re.fullmatch(r"\s*[-+]?\d{1,9}\s*", part)]
        if len(numbers) != len(parts):
            message = Message("`{key}` has no list of numbers", key=key)
            self.problem("E605", message, section.span)
        return numbers

    def strides(self, section: Section, default: int = 1) -> tuple[int, int]:
        """The steps of windows, down and across."""
        step = self.whole(section, "stride", default)
        return self.whole(section, "stride_y", step), self.whole(section, "stride_x", step)

    # What sections become

    def activated(self, op: int, section: Section, default: str) -> int:
        """The activation of a section, behind it."""
        name = section.keys.get("activation", default).lower()
        if name not in ACTIVATIONS:
            self.unknown(f"activation={name}", section.span)
            return op
        word, values = ACTIVATIONS[name]
        return self.add(word, values, [op], section.span) if word else op

    def normalised(self, op: int, section: Section) -> int:
        """Batch normalisation: darknet keeps 0.99 of the old statistics."""
        if not self.whole(section, "batch_normalize", 0):
            return op
        return self.add("bn", {"momentum": 0.99}, [op], section.span)

    def convolutional(self, op: int, section: Section) -> int:
        size = self.whole(section, "size", 1)
        pad = self.whole(section, "padding", 0)
        if self.whole(section, "pad", 0):
            pad = size // 2
        dilation = self.whole(section, "dilation", 1)
        values: dict[str, Any] = {
            "filters": self.whole(section, "filters", 1),
            "kernel": (size, size),
            "stride": self.strides(section),
            "pad": pad * dilation,
            "dilation": dilation,
            "groups": self.whole(section, "groups", 1),
            "nobias": bool(self.whole(section, "batch_normalize", 0)),
        }
        word = "conv"
        if section.kind == "deconvolutional":
            word = "deconv"
            del values["groups"], values["dilation"]
        op = self.add(word, values, [op], section.span)
        return self.activated(self.normalised(op, section), section, "logistic")

    def connected(self, op: int, section: Section) -> int:
        bias = not self.whole(section, "batch_normalize", 0)
        values = {"units": self.whole(section, "output", 1), "nobias": not bias}
        op = self.add("dense", values, [self.flat(op, section)], section.span)
        return self.activated(self.normalised(op, section), section, "logistic")

    def flat(self, op: int, section: Section) -> int:
        shape = self.graph.shape(op)
        return self.add("flatten", {}, [op], section.span) if len(shape) > 1 else op

    def maxpool(self, op: int, section: Section) -> int:
        """The padding is what both ends get together, size - 1 unless said."""
        strides = self.strides(section)
        size = self.whole(section, "size", strides[1])
        padding = self.whole(section, "padding", size - 1)
        pads = []
        for length, stride in zip(self.graph.shape(op), strides):
            begin = padding // 2
            output = (length + padding - size) // max(stride, 1) + 1
            # Of the end's padding, what no window reaches says nothing.
            end = max(0, (output - 1) * stride + size - length - begin)
            pads.append(Pair(begin, min(end, padding - begin)))
        values = {"kernel": (size, size), "stride": strides, "pad": tuple(pads)}
        return self.add("pool", values, [op], section.span)

    def route(self, op: int, section: Section) -> int:
        sources = self.sources(section, "layers")
        groups, part = self.whole(section, "groups", 1), self.whole(section, "group_id", 0)
        if groups > 1:
            sources = [self.share(each, groups, part, section) for each in sources]
        if len(sources) > 1:
            return self.add("concat", {}, sources, section.span)
        return sources[0] if sources else op

    def share(self, op: int, groups: int, part: int, section: Section) -> int:
        """One of as many equal parts of the channels."""
        count = self.graph.shape(op)[-1] // groups
        values = {"range": Pair(part * count, (part + 1) * count)}
        return self.add("slice", values, [op], section.span)

    def sources(self, section: Section, key: str) -> list[int]:
        """The operations of sections, told by their numbers or from here backwards."""
        found = []
        for number in self.wholes(section, key):
            place = number + len(self.places) if number < 0 else number
            if 0 <= place < len(self.places):
                found.append(self.places[place])
            else:
                message = Message("there is no layer {number} before this", number=number)
                self.problem("E605", message, section.span)
        return found

    def shortcut(self, op: int, section: Section) -> int:
        sources = [op, *self.sources(section, "from")]
        shapes = {self.graph.shape(each) for each in sources}
        if len(shapes) > 1 or section.keys.get("weights_type", "none") != "none":
            help_ = Message("it adds maps of other sizes, or weighs them")
            self.unknown(section.kind, section.span, help_)
        elif len(sources) > 1:
            op = self.add("add", {}, sources, section.span)
        return self.activated(op, section, "linear")

    def product(self, op: int, section: Section) -> int:
        """`scale_channels` and `sam`: the map of another layer times this one."""
        op = self.add("mul", {}, [*self.sources(section, "from"), op], section.span)
        return self.activated(op, section, "linear")

    def upsample(self, op: int, section: Section) -> int:
        factor, scale = self.whole(section, "stride", 2), self.number(section, "scale", 1)
        op = self.add("up", {"factor": factor}, [op], section.span)
        return op if scale == 1 else self.add("rescale", {"scale": scale}, [op], section.span)

    def reorg(self, op: int, section: Section) -> int:
        """It takes the map for one of fewer channels and more pixels, makes channels of those,
        and gives what comes out as yet smaller a map; all in the order of the memory."""
        height, width, channels = self.graph.shape(op)
        step = self.whole(section, "stride", 1)
        area = step**2
        if step < 1 or channels % area or height % step or width % step:
            self.unknown(section.kind, section.span)
            return op
        large = (height * step, width * step, channels // area)
        small = (height // step, width // step, channels * area)
        op = self.reshape_channels_first(op, large, section.span)
        op = self.add("pixelunshuffle", {"factor": step, "dcr": True}, [op], section.span)
        return self.reshape_channels_first(op, small, section.span)

    def softmax(self, op: int, section: Section) -> int:
        if self.whole(section, "groups", 1) != 1 or self.number(section, "temperature", 1) != 1:
            self.unknown(section.kind, section.span, Message("it has groups or a temperature"))
        if any(size > 1 for size in self.graph.shape(op)[:-1]):
            op = self.flat(op, section)
        return self.add("softmax", {}, [op], section.span)

    def crop(self, op: int, section: Section) -> int:
        """The middle of the image, and values of 0 to 1 made values of -1 to 1."""
        wanted = [self.whole(section, f"crop_{name}", 1) for name in ("height", "width")]
        over = [size - want for size, want in zip(self.graph.shape(op), wanted)]
        if min(over) < 0:
            self.unknown(section.kind, section.span, Message("it is larger than its image"))
            return op
        pads = tuple(Pair(each // 2, each - each // 2) for each in over)
        op = self.add("crop", {"crop": pads}, [op], section.span)
        if self.whole(section, "noadjust", 0):
            return op
        return self.add("rescale", {"scale": 2, "offset": -1}, [op], section.span)

    def normalization(self, op: int, section: Section) -> int:
        size = self.whole(section, "size", 5)
        values = {
            "size": size,
            "alpha": self.number(section, "alpha", 1e-4) * size,  # darknet's is not divided by it
            "beta": self.number(section, "beta", 0.75),
            "k": self.number(section, "kappa", 1),
        }
        return self.add("lrn", values, [op], section.span)

    def dropout(self, op: int, section: Section) -> int:
        if self.whole(section, "dropblock", 0):
            message = Message("dropblock, which acts while training only, is left out")
            if message not in self.graph.notes:
                self.graph.notes.append(message)
            return op
        values = {"rate": self.number(section, "probability", 0.5)}
        return self.add("dropout", values, [op], section.span)

    def avgpool(self, op: int, section: Section) -> int:
        return self.add("gap", {"keep": True}, [op], section.span)

    def activation(self, op: int, section: Section) -> int:
        return self.activated(op, section, "linear")

    def batchnorm(self, op: int, section: Section) -> int:
        return self.add("bn", {"momentum": 0.99}, [op], section.span)

    def head(self, op: int, section: Section) -> int:
        """What reads boxes off a map: the map is an output."""
        self.heads.append(Output(f"{section.kind}{len(self.heads) + 1}", op))
        return op

    def cost(self, op: int, section: Section) -> int:
        return op

    def section(self, op: int, section: Section) -> int:
        """What a section of the network becomes."""
        kind = section.kind
        made = _MADE.get(kind)
        odd = [key for key in REFUSED if section.keys.get(key, "0") not in ("0", "")]
        if made is None or (odd and kind not in HEADS):
            self.unknown(kind if made is None else f"{kind}: {odd[0]}", section.span)
            return op
        if made in _ON_IMAGES and len(self.graph.shape(op)) != 3:
            message = Message("`{section}` wants an image", section=kind)
            self.problem("E605", message, section.span)
            return op
        return made(self, op, section)


_MADE: dict[str, Callable[[_Reader, int, Section], int]] = {
    "convolutional": _Reader.convolutional,
    "conv": _Reader.convolutional,
    "deconvolutional": _Reader.convolutional,
    "connected": _Reader.connected,
    "conn": _Reader.connected,
    "maxpool": _Reader.maxpool,
    "max": _Reader.maxpool,
    "avgpool": _Reader.avgpool,
    "avg": _Reader.avgpool,
    "route": _Reader.route,
    "shortcut": _Reader.shortcut,
    "scale_channels": _Reader.product,
    "sam": _Reader.product,
    "upsample": _Reader.upsample,
    "reorg": _Reader.reorg,
    "softmax": _Reader.softmax,
    "soft": _Reader.softmax,
    "crop": _Reader.crop,
    "normalization": _Reader.normalization,
    "lrn": _Reader.normalization,
    "dropout": _Reader.dropout,
    "activation": _Reader.activation,
    "batchnorm": _Reader.batchnorm,
    "cost": _Reader.cost,
    **dict.fromkeys(HEADS, _Reader.head),
}
_ON_IMAGES = (_Reader.maxpool, _Reader.reorg, _Reader.crop)


def read_darknet(text: str, name: str = "", shape: Shape | None = None) -> Graph:
    """Read a `.cfg`; `shape` is the input's, where it is to be another than that of `[net]`."""
    reader = _Reader(text, name)
    sections = reader.sections()
    if not sections or sections[0].kind not in ("net", "network"):
        if not reader.graph.problems:
            message = Message("the text begins with no section `[net]`")
            reader.problem("E605", message, sections[0].span if sections else (0, 0))
        return reader.done()
    net, *rest = sections
    if shape is None:
        shape = tuple(reader.whole(net, key, 0) for key in ("height", "width", "channels"))
    if min(shape) < 1:
        message = Message("`[net]` does not say the size of the input")
        reader.problem("E604", message, net.span, Message("write it, as `--input 416x416x3`"))
        return reader.done()
    op = reader.graph.input(shape)
    for section in rest:
        op = reader.section(op, section)
        reader.places.append(op)
    outputs = reader.heads
    if not outputs or outputs[-1].op != op:
        outputs = [*outputs, Output("", op)]
    # What stands last in the text is the main output.
    reader.graph.outputs = [outputs[-1], *outputs[:-1]]
    if reader.heads:
        reader.graph.notes.append(
            Message(
                "what reads boxes off the maps is left out: {heads}",
                heads=", ".join(f"`[{each.kind}]`" for each in rest if each.kind in HEADS),
            )
        )
    return reader.done()
