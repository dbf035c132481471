"""Convolutions: plain, depthwise, separable and transposed."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import base
from cnndsl.layers import window as windowed
from cnndsl.layers.activation import ACT, NOBIAS
from cnndsl.layers.base import Layer, LayerError, Shape, Slot, Spatial, Spread, Weight, product
from cnndsl.layers.derivation import Derivation, area, indexed, letters, padding
from cnndsl.layers.initial import of_bias, of_kernel
from cnndsl.layers.values import NATURAL, Pair
from cnndsl.layers.window import DILATION, KERNEL, PADDING, ROUNDING, STRIDE, Window

_FILTERS = Slot("filters", "value", NATURAL, "N", Message("how many filters"), required=True)
_GROUPS = Slot("groups", "key", NATURAL, "[groups=G]", "groups of channels", default=1)
_MULT = Slot("mult", "key", NATURAL, "[mult=M]", "outputs for each channel", default=1)


class Convolution(Spatial):
    """What all convolutions have: a kernel that slides over space."""

    family, slides = "conv", True

    kernel: tuple[int, ...]
    windows: tuple[Window, ...]
    nobias: bool | None
    same: bool | None
    filters: int
    groups: int

    def rank_help(self, shape: Shape) -> Message:
        return Message("put it before `flatten` or `gap`, or use `dense`")

    def slide(self) -> Shape:
        """Lay the windows out, and give the spatial output sizes."""
        self.windows = windowed.slide(self)
        self.kernel = tuple(window.kernel for window in self.windows)
        self.reach = windowed.reach_of(self.windows)
        return tuple(window.output for window in self.windows)

    def drawn(self, role: str, shape: Shape, fan_in: int, fans: int) -> Weight:
        """A kernel; `fan_in` and `fans` are counted over one pixel of it."""
        over = product(shape[:-2])
        return Weight(
            role, shape, initial=of_kernel(self.context.defaults, over * fan_in, over * fans)
        )

    def bias(self, count: int, fan_in: int) -> tuple[Weight, ...]:
        if self.nobias:
            return ()
        return (Weight("bias", (count,), initial=of_bias(self.context.defaults, fan_in)),)

    def sizes(self) -> tuple[Derivation, ...]:
        spatial = windowed.sliding(self.windows, self.input, same=bool(self.same))
        return (*spatial, Derivation("C_out", *self.outputs(), self.output[-1]))

    def outputs(self) -> tuple[str, dict[str, int]]:
        """How many channels it gives: a formula, and the values of its names."""
        return "N", {"N": self.filters}

    def count(self, role: str, formula: str, **values: int) -> Derivation:
        """A step for a kernel, whose formula goes on from the kernel's size over space."""
        size = next(each.size for each in self.weights if each.role == role)
        kernel, sides = area(self.kernel, self.input)
        return Derivation(role, f"{kernel}*{formula}", sides | values, size)

    def counts(self) -> tuple[Derivation, ...]:
        values, formula = {"C": self.channels, "N": self.filters}, "C*N"
        if self.groups > 1:
            values["G"], formula = self.groups, "(C/G)*N"
        return self.count("kernel", formula, **values), *self.bias_count()

    def bias_count(self, formula: str = "N", **values: int) -> tuple[Derivation, ...]:
        count = self.output[-1]
        return () if self.nobias else (Derivation("bias", formula, values or {"N": count}, count),)


class Conv(Convolution):
    """N filters, each over all channels of its group."""

    op, title = "conv", "convolution"
    slots = (
        _FILTERS,
        KERNEL,
        ACT,
        STRIDE,
        *PADDING,
        DILATION,
        _GROUPS,
        NOBIAS,
        *ROUNDING,
    )
    groups: int

    def setup(self) -> None:
        base.divide(self, self.groups, self.channels)
        base.divide(self, self.groups, self.filters, Message("filters"))
        spatial = self.slide()
        self.output = (*spatial, self.filters)
        inputs = self.channels // self.groups
        shape = (*self.kernel, inputs, self.filters)
        self.weights = (
            self.drawn("kernel", shape, inputs, inputs + self.filters),
            *self.bias(self.filters, product(shape[:-1])),
        )
        self.macs = product(spatial) * product(shape)


class Depthwise(Convolution):
    """What works on each channel by itself."""

    mult: int

    def depthwise(self, shape: Shape) -> Weight:
        """Keras counts all channels as inputs of each filter, PyTorch the one there is."""
        return self.drawn("depthwise", shape, 1, self.channels + self.mult)


class DepthwiseConv(Depthwise):
    """M filters for each channel, which sees nothing of the others."""

    op, title = "dwconv", "depthwise convolution"
    slots = (KERNEL, ACT, STRIDE, *PADDING, DILATION, _MULT, NOBIAS, *ROUNDING)

    def setup(self) -> None:
        spatial = self.slide()
        self.output = (*spatial, self.channels * self.mult)
        shape = (*self.kernel, self.channels, self.mult)
        self.weights = (
            self.depthwise(shape),
            *self.bias(self.channels * self.mult, product(self.kernel)),
        )
        self.macs = product(spatial) * product(shape)

    def counts(self) -> tuple[Derivation, ...]:
        formula, values = self.outputs()
        return self.count("depthwise", formula, **values), *self.bias_count(formula, **values)

    def outputs(self) -> tuple[str, dict[str, int]]:
        if self.mult == 1:
            return "C", {"C": self.channels}
        return "C*M", {"C": self.channels, "M": self.mult}


class SeparableConv(Depthwise):
    """A depthwise convolution without bias, then 1x1 to N filters."""

    op, title = "sepconv", "separable convolution"
    slots = (_FILTERS, KERNEL, ACT, STRIDE, *PADDING, DILATION, _MULT, NOBIAS, *ROUNDING)

    def setup(self) -> None:
        spatial = self.slide()
        self.output = (*spatial, self.filters)
        depthwise = (*self.kernel, self.channels, self.mult)
        between = self.channels * self.mult
        pointwise = (*(1 for _ in spatial), between, self.filters)
        self.weights = (
            self.depthwise(depthwise),
            self.drawn("pointwise", pointwise, between, between + self.filters),
            *self.bias(self.filters, between),
        )
        self.macs = product(spatial) * (product(depthwise) + product(pointwise))

    def counts(self) -> tuple[Derivation, ...]:
        inner, values = "C", {"C": self.channels}
        if self.mult > 1:
            inner, values["M"] = "C*M", self.mult
        size = self.weights[1].size
        pointwise = Derivation("pointwise", f"{inner}*N", values | {"N": self.filters}, size)
        return self.count("depthwise", inner, **values), pointwise, *self.bias_count()


class TransposedConv(Convolution):
    """A convolution run backwards: every input pixel paints a kernel, S pixels apart.

    `same` makes the output X * S. `crop` is what each end loses of the painted
    (X - 1) * S + K' pixels, K' = D(K - 1) + 1 being what a kernel spans, and `grow` the pixels
    of mere bias added at the end where that is smaller than the stride.
    """

    op, title, slides = "deconv", "transposed convolution", False
    slots = (_FILTERS, KERNEL, ACT, STRIDE, *PADDING, DILATION, _GROUPS, NOBIAS)
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    extent: tuple[int, ...]
    crop: tuple[Pair, ...]
    grow: tuple[int, ...]

    def setup(self) -> None:
        rank = len(self.spatial)
        base.divide(self, self.groups, self.channels)
        base.divide(self, self.groups, self.filters, Message("filters"))
        self.kernel = windowed.per_dimension(self.kernel, rank, "kernel")
        self.stride = windowed.per_dimension(self.stride, rank, "stride")
        self.dilation = windowed.per_dimension(self.dilation, rank, "dilation")
        self.extent = tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))
        pads = windowed.paddings(self, rank)
        crop, grow, spatial = [], [], []
        for axis, (size, extent, stride) in enumerate(zip(self.spatial, self.extent, self.stride)):
            if pads is None:
                over = max(0, extent - stride)
                crop.append(Pair(over // 2, over - over // 2))
                grow.append(max(0, stride - extent))
                spatial.append(size * stride)
                continue
            crop.append(pads[axis])
            grow.append(0)
            spatial.append((size - 1) * stride + extent - sum(pads[axis]))
        self.crop, self.grow = tuple(crop), tuple(grow)
        self.output = (*spatial, self.filters)
        for axis, size in enumerate(spatial if pads is not None else ()):
            if size < 1:
                assert pads is not None
                message = Message(
                    "deconv: ({size} - 1)*{stride} + {kernel} - {begin} - {end} is below 1",
                    size=self.spatial[axis],
                    stride=self.stride[axis],
                    kernel=self.extent[axis],
                    begin=pads[axis].begin,
                    end=pads[axis].end,
                )
                raise LayerError("E203", message, Message("take a smaller `pad`"), "pad", (axis,))
        inputs, outputs = self.channels // self.groups, self.filters // self.groups
        shape = (*self.kernel, inputs, self.filters)
        # PyTorch keeps the kernel with the filters where others have their inputs.
        self.weights = (
            self.drawn("kernel", shape, outputs, self.channels + outputs),
            *self.bias(self.filters, product(self.kernel) * outputs),
        )
        self.macs = product(self.spatial) * product(shape)
        self.reach = tuple(
            Spread(extent, stride, crop.begin)
            for extent, stride, crop in zip(self.extent, self.stride, self.crop)
        )

    def sizes(self) -> tuple[Derivation, ...]:
        spatial = letters(self.input)[:-1]
        kernels = indexed("K", self.kernel, spatial)
        strides = indexed("S", self.stride, spatial)
        spacings = indexed("d", self.dilation, spatial)
        steps = []
        for axis, (letter, kernel, stride) in enumerate(zip(spatial, kernels, strides)):
            values = {letter: self.spatial[axis], stride: self.stride[axis]}
            if self.same:
                formula = f"{letter}*{stride}"
            else:
                painted = f"({letter} - 1)*{stride} + {kernel}"
                if self.dilation[axis] > 1:
                    painted = f"({letter} - 1)*{stride} + {spacings[axis]}*({kernel} - 1) + 1"
                    values[spacings[axis]] = self.dilation[axis]
                cut, pads = padding(letter, *self.crop[axis], "-", self.crop)
                formula = painted + cut.removeprefix(letter)
                values |= {kernel: self.kernel[axis]} | pads
            steps.append(Derivation(f"{letter}_out", formula, values, self.output[axis]))
        return (*steps, Derivation("C_out", *self.outputs(), self.filters))


LAYERS: tuple[type[Layer], ...] = (Conv, DepthwiseConv, SeparableConv, TransposedConv)
