"""Networks of darknet: the sections of a `.cfg`, YOLO's among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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
    """Goes through the sections: `places` has the operation that each of those before gives."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name, "torch")
        self.section = Section("", {}, (0, 0))
        self.places: list[int] = []
        self.heads: list[Output] = []

    def sections(self) -> list[Section]:
        """The sections of the text; each line that is none of one is a problem."""
        found: list[Section] = []
        for line in re.finditer(r"[^\r\n]+", self.text):
            text = re.split(r"[#;]", line[0], maxsplit=1)[0].strip()
            if head := re.fullmatch(r"\[\s*(\w+)\s*\]", text):
                found.append(Section(head[1].lower(), {}, line.span()))
            elif found and (pair := re.fullmatch(r"([\w.]+)\s*=\s*(.*)", text)):
                found[-1].keys[pair[1]] = pair[2]
            elif text:
                self.unreadable(line.span())
        return found

    def number(self, key: str, default: float) -> float:
        """A number of the section; a problem where it is none."""
        text = self.section.keys.get(key)
        if text is None:
            return default
        if re.fullmatch(r"[-+]?(\d{1,15}\.?\d{0,15}|\.\d{1,15})(e[-+]?\d\d?)?", text):
            return float(text)
        message = Message("`{key}={value}` is no number", key=key, value=text[:40])
        self.problem("E605", message, self.section.span)
        return default

    def whole(self, key: str, default: int) -> int:
        """A whole number of the section."""
        return int(self.number(key, default))

    def strides(self) -> tuple[int, int]:
        """The steps of windows, down and across."""
        step = self.whole("stride", 1)
        return self.whole("stride_y", step), self.whole("stride_x", step)

    def sources(self, key: str) -> list[int]:
        """The operations of other sections, told by their numbers or from here backwards."""
        parts = self.section.keys.get(key, "").rstrip(", ").split(",")
        numbers = [int(part) for part in parts if re.fullmatch(r"\s*[-+]?\d{1,9}\s*", part)]
        if len(numbers) != len(parts):
            message = Message("`{key}` has no list of numbers", key=key)
            self.problem("E605", message, self.section.span)
        found = []
        for number in numbers:
            place = number + len(self.places) if number < 0 else number
            if 0 <= place < len(self.places):
                found.append(self.places[place])
            else:
                message = Message("there is no layer {number} before this", number=number)
                self.problem("E605", message, self.section.span)
        return found

    def put(self, word: str, inputs: int | Iterable[int], **values: Any) -> int:
        """Add an operation of the section."""
        inputs = [inputs] if isinstance(inputs, int) else inputs
        return self.add(word, values, inputs, self.section.span)

    # What sections become

    def activated(self, op: int, default: str = "linear") -> int:
        """The activation of the section, behind it."""
        name = self.section.keys.get("activation", default).lower()
        if name not in ACTIVATIONS:
            self.unknown(f"activation={name}", self.section.span)
            return op
        word, values = ACTIVATIONS[name]
        return self.put(word, op, **values) if word else op

    def weighing(self, op: int, word: str, **values: Any) -> int:
        """A layer with weights, its normalisation and its activation."""
        normalised = bool(self.whole("batch_normalize", 0))
        op = self.put(word, op, **values, nobias=normalised)
        return self.activated(self.batchnorm(op) if normalised else op, "logistic")

    def batchnorm(self, op: int) -> int:
        """Batch normalisation: darknet keeps 0.99 of the old statistics."""
        return self.put("bn", op, momentum=0.99)

    def convolutional(self, op: int) -> int:
        size, dilation = self.whole("size", 1), self.whole("dilation", 1)
        pad = size // 2 if self.whole("pad", 0) else self.whole("padding", 0)
        return self.weighing(
            op,
            "conv",
            filters=self.whole("filters", 1),
            kernel=(size, size),
            stride=self.strides(),
            pad=pad * dilation,
            dilation=dilation,
            groups=self.whole("groups", 1),
        )

    def connected(self, op: int) -> int:
        return self.weighing(self.flat(op), "dense", units=self.whole("output", 1))

    def flat(self, op: int) -> int:
        return self.put("flatten", op) if len(self.graph.shape(op)) > 1 else op

    def maxpool(self, op: int) -> int:
        """The padding is what both ends get together, size - 1 unless said."""
        strides = self.strides()
        size = self.whole("size", strides[1])
        padding = self.whole("padding", size - 1)
        pads = []
        for length, stride in zip(self.graph.shape(op), strides):
            begin = padding // 2
            output = (length + padding - size) // max(stride, 1) + 1
            # Of the end's padding, what no window reaches says nothing.
            end = max(0, (output - 1) * stride + size - length - begin)
            pads.append(Pair(begin, min(end, padding - begin)))
        return self.put("pool", op, kernel=(size, size), stride=strides, pad=tuple(pads))

    def avgpool(self, op: int) -> int:
        return self.put("gap", op, keep=True)

    def route(self, op: int) -> int:
        sources = self.sources("layers")
        groups, part = self.whole("groups", 1), self.whole("group_id", 0)
        if groups > 1:
            counts = [self.graph.shape(each)[-1] // groups for each in sources]
            spans = [Pair(part * count, (part + 1) * count) for count in counts]
            sources = [self.put("slice", each, range=span) for each, span in zip(sources, spans)]
        if len(sources) > 1:
            return self.put("concat", sources)
        return sources[0] if sources else op

    def shortcut(self, op: int) -> int:
        sources = [op, *self.sources("from")]
        shapes = {self.graph.shape(each) for each in sources}
        if len(shapes) > 1 or self.section.keys.get("weights_type", "none") != "none":
            help_ = Message("it adds maps of other sizes, or weighs them")
            self.unknown(self.section.kind, self.section.span, help_)
        elif len(sources) > 1:
            op = self.put("add", sources)
        return self.activated(op)

    def product(self, op: int) -> int:
        """`scale_channels` and `sam`: the map of another layer times this one."""
        return self.activated(self.put("mul", [*self.sources("from"), op]))

    def upsample(self, op: int) -> int:
        op = self.put("up", op, factor=self.whole("stride", 2))
        scale = self.number("scale", 1)
        return op if scale == 1 else self.put("rescale", op, scale=scale)

    def reorg(self, op: int) -> int:
        """It takes the map for one of fewer channels and more pixels, makes channels of those,
        and gives what comes out as yet smaller a map; all in the order of the memory."""
        height, width, channels = self.graph.shape(op)
        step = self.whole("stride", 1)
        area = step**2
        if step < 1 or channels % area or height % step or width % step:
            self.unknown(self.section.kind, self.section.span)
            return op
        op = self.in_memory(op, (channels // area, height * step, width * step))
        op = self.put("pixelunshuffle", op, factor=step, dcr=True)
        return self.in_memory(op, (channels * area, height // step, width // step))

    def in_memory(self, op: int, shape: Shape) -> int:
        """A map in another shape, both channels first as they lie in the memory."""
        op = self.put("reshape", self.put("permute", op, order=(3, 1, 2)), shape=shape)
        return self.put("permute", op, order=(2, 3, 1))

    def softmax(self, op: int) -> int:
        if self.whole("groups", 1) != 1 or self.number("temperature", 1) != 1:
            help_ = Message("it has groups or a temperature")
            self.unknown(self.section.kind, self.section.span, help_)
        if any(size > 1 for size in self.graph.shape(op)[:-1]):
            op = self.flat(op)
        return self.put("softmax", op)

    def crop(self, op: int) -> int:
        """The middle of the image, and values of 0 to 1 made values of -1 to 1."""
        wanted = [self.whole(f"crop_{name}", 1) for name in ("height", "width")]
        over = [size - want for size, want in zip(self.graph.shape(op), wanted)]
        op = self.put("crop", op, crop=tuple(Pair(each // 2, each - each // 2) for each in over))
        return op if self.whole("noadjust", 0) else self.put("rescale", op, scale=2, offset=-1)

    def normalization(self, op: int) -> int:
        size = self.whole("size", 5)
        return self.put(
            "lrn",
            op,
            size=size,
            alpha=self.number("alpha", 1e-4) * size,  # darknet's is not divided by it
            beta=self.number("beta", 0.75),
            k=self.number("kappa", 1),
        )

    def dropout(self, op: int) -> int:
        return self.put("dropout", op, rate=self.number("probability", 0.5))

    def head(self, op: int) -> int:
        """What reads boxes off a map: the map is an output."""
        self.heads.append(Output(f"{self.section.kind}{len(self.heads) + 1}", op))
        return op

    def cost(self, op: int) -> int:
        return op

    def read(self, op: int, section: Section) -> int:
        """What a section of the network becomes."""
        self.section, kind = section, section.kind
        made = _MADE.get(kind)
        odd = [key for key in REFUSED if section.keys.get(key, "0") not in ("0", "")]
        if made is None or (odd and kind not in HEADS):
            self.unknown(kind if made is None else f"{kind}: {odd[0]}", section.span)
            return op
        if made in _ON_IMAGES and len(self.graph.shape(op)) != 3:
            message = Message("`{section}` wants an image", section=kind)
            self.problem("E605", message, section.span)
            return op
        return made(self, op)


_MADE: dict[str, Callable[[_Reader, int], int]] = {
    **dict.fromkeys(("convolutional", "conv"), _Reader.convolutional),
    **dict.fromkeys(("connected", "conn"), _Reader.connected),
    **dict.fromkeys(("maxpool", "max"), _Reader.maxpool),
    **dict.fromkeys(("avgpool", "avg"), _Reader.avgpool),
    **dict.fromkeys(("scale_channels", "sam"), _Reader.product),
    **dict.fromkeys(("softmax", "soft"), _Reader.softmax),
    **dict.fromkeys(("normalization", "lrn"), _Reader.normalization),
    "route": _Reader.route,
    "shortcut": _Reader.shortcut,
    "upsample": _Reader.upsample,
    "reorg": _Reader.reorg,
    "crop": _Reader.crop,
    "dropout": _Reader.dropout,
    "activation": _Reader.activated,
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
    reader.section, *rest = sections
    if shape is None:
        shape = tuple(reader.whole(key, 0) for key in ("height", "width", "channels"))
    if min(shape) < 1:
        message = Message("`[net]` does not say the size of the input")
        help_ = Message("write it, as `--input 416x416x3`")
        reader.problem("E604", message, reader.section.span, help_)
        return reader.done()
    op = reader.input(shape, reader.section.span)
    if reader.unsized:
        return reader.done()
    for section in rest:
        op = reader.read(op, section)
        reader.places.append(op)
    outputs = reader.heads
    if not outputs or outputs[-1].op != op:
        outputs = [*outputs, Output("", op)]
    # What stands last in the text is the main output.
    reader.graph.outputs = [outputs[-1], *outputs[:-1]]
    if reader.heads:
        heads = ", ".join(f"`[{each.kind}]`" for each in rest if each.kind in HEADS)
        reader.note(Message("what reads boxes off the maps is left out: {heads}", heads=heads))
    return reader.done()
