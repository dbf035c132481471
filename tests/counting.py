"""A second opinion on straight nets: sizes, weights and fields counted the slow way.

Nothing here is shared with cnndsl, not even the parser. Windows are laid out and looked at
one by one; weights are counted from the shapes that papers give; the receptive field is the
range of input pixels that the positions of a layer go back to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

Shape = tuple[int, ...]
# The first and the last input pixel that a position sees, in one dimension. Positions go on
# beyond the border, as padding does.
Sight = Callable[[int], tuple[int, int]]

ACTIVATIONS = set(
    "relu relu6 leaky_relu prelu elu selu gelu silu mish softplus sigmoid tanh softmax "
    "hard_swish hard_sigmoid".split()
)
FLAGS = set(
    "same floor ceil nobias countpad keep noscale noshift nearest bilinear "
    "bicubic aligned".split()
)


class Refused(Exception):
    """The net does not come out."""


class Counted(NamedTuple):
    """What is known of a layer."""

    op: str
    output: Shape
    params: int
    weights: int
    trainable: int
    macs: int
    field: tuple[int, ...]


class Words:
    """A statement, cut into its words."""

    def __init__(self, text: str) -> None:
        self.op, *words = text.split()
        self.values: list[str] = []
        self.keys: dict[str, str] = {}
        self.flags: set[str] = set()
        self.act = ""
        for word in words:
            if word in ACTIVATIONS:
                self.act = word
            elif word in FLAGS:
                self.flags.add(word)
            elif word.startswith("/"):
                self.keys["/"] = word[1:]
            elif "=" in word:
                key, _, value = word.partition("=")
                self.keys[key] = value
            else:
                self.values.append(word)

    def each(self, text: str, rank: int) -> list[int]:
        """A number for each spatial dimension."""
        numbers = [int(part) for part in text.split("x")]
        return numbers * rank if len(numbers) == 1 else numbers

    def pads(self, text: str, rank: int) -> list[tuple[int, int]]:
        """Begin and end for each spatial dimension."""
        pairs = []
        for part in text.split("x"):
            begin, _, end = part.partition(":")
            pairs.append((int(begin), int(end or begin)))
        return pairs * rank if len(pairs) == 1 else pairs


def windows(
    size: int, kernel: int, stride: int, dilation: int, pad: tuple[int, int] | None, rounding: str
) -> list[int]:
    """Where each window begins, in pixels of the input (so that padding is below 0)."""
    taps = [tap * dilation for tap in range(kernel)]
    if pad is None:
        # `same`: one window for each stride-th pixel; the padding is what they lack in all.
        count = len(range(0, size, stride))
        lacking = max(0, (count - 1) * stride + taps[-1] + 1 - size)
        return [index * stride - lacking // 2 for index in range(count)]
    first, last = -pad[0], size + pad[1] - 1
    starts = []
    start = first
    while start + taps[-1] <= last:
        starts.append(start)
        start += stride
    if not starts:
        raise Refused("a window larger than its input")
    covered = starts[-1] + taps[-1]
    if covered < last:
        if rounding == "exact":
            raise Refused("pixels are left over")
        if rounding == "ceil" and start < size:  # not a window of padding alone
            starts.append(start)
    return starts


def count(text: str) -> list[Counted]:
    """The layers of a straight net in canonical words; raises Refused."""
    rounding = "exact"
    shape: Shape = ()
    sights: list[Sight] = []
    rows: list[Counted] = []
    for line in text.replace(";", "\n").split("\n"):
        words = Words(line) if line.strip() else None
        if words is None or words.op in ("net", "defaults"):
            continue
        if words.op == "rounding":
            rounding = line.split()[1]
        elif words.op == "input":
            shape = tuple(int(part) for part in words.values[0].split("x"))
            sights = [lambda position: (position, position)] * (len(shape) - 1)
            mapped = shape[:-1]
        else:
            row, sights = layer(words, shape, sights, mapped, rounding)
            if len(row.output) > 1:
                mapped = row.output[:-1]
            elif row.op in ("gap", "gmp", "dense"):
                mapped = (1,) * len(sights)
            shape = row.output
            rows.append(row)
    return rows


def layer(
    words: Words, shape: Shape, sights: list[Sight], mapped: Shape, rounding: str
) -> tuple[Counted, list[Sight]]:
    """One layer, and what its positions see."""
    op, spatial, channels = words.op, shape[:-1], shape[-1]
    rank = len(spatial)
    kernel_weights: list[Shape] = []
    others: list[Shape] = []
    frozen: list[Shape] = []
    bias = 0
    macs = 0
    output = shape
    rounding = next((word for word in ("floor", "ceil") if word in words.flags), rounding)

    if op in ("conv", "dwconv", "sepconv", "pool", "avgpool", "minpool"):
        pool = op.endswith("pool")
        if "to" in words.keys:
            given = words.each(words.keys["to"], rank)
            sights = [
                sharing(sight, *each) for sight, *each in zip(sights, spatial, given, strict=True)
            ]
            return Counted(op, (*given, channels), 0, 0, 0, 0, most(sights, given)), sights
        kernels = words.each(words.values[-1], rank)
        strides = words.each(words.keys.get("/", words.values[-1] if pool else "1"), rank)
        dilations = words.each(words.keys.get("dilation", "1"), rank)
        pads: list[tuple[int, int] | None] = [None] * rank
        if "same" not in words.flags:
            pads = [*words.pads(words.keys.get("pad", "0"), rank)]
        starts = [
            windows(*each, rounding)
            for each in zip(spatial, kernels, strides, dilations, pads, strict=True)
        ]
        positions = math.prod(map(len, starts))
        filters = int(words.values[0]) if op in ("conv", "sepconv") else channels
        if op == "conv":
            groups = int(words.keys.get("groups", "1"))
            if channels % groups or filters % groups:
                raise Refused("groups")
            # Each filter sees the channels of its own group.
            kernel_weights = [(*kernels, channels // groups) for _ in range(filters)]
            macs = positions * sum(map(math.prod, kernel_weights))
        elif op in ("dwconv", "sepconv"):
            multiplier = int(words.keys.get("mult", "1"))
            kernel_weights = [tuple(kernels) for _ in range(channels) for _ in range(multiplier)]
            if op == "dwconv":
                filters = len(kernel_weights)
            else:
                kernel_weights += [(len(kernel_weights),) for _ in range(filters)]
            macs = positions * sum(map(math.prod, kernel_weights))
        if not pool and "nobias" not in words.flags:
            bias = filters
        if pool:
            for size, start, kernel, dilation in zip(
                spatial, starts, kernels, dilations, strict=True
            ):
                for first in start:
                    taps = range(first, first + kernel * dilation, dilation)
                    if not any(0 <= tap < size for tap in taps):
                        raise Refused("a window of padding")
        output = (*map(len, starts), filters)
        sights = [
            slid(sight, start[0], stride, (kernel - 1) * dilation)
            for sight, start, stride, kernel, dilation in zip(
                sights, starts, strides, kernels, dilations, strict=True
            )
        ]
    elif op == "deconv":
        filters, kernels = int(words.values[0]), words.each(words.values[1], rank)
        strides = words.each(words.keys.get("/", "1"), rank)
        dilations = words.each(words.keys.get("dilation", "1"), rank)
        groups = int(words.keys.get("groups", "1"))
        if channels % groups or filters % groups:
            raise Refused("groups")
        spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernels, strict=True)]
        sizes, cuts = [], []
        for axis in range(rank):
            painted = [
                position * strides[axis] + tap * dilations[axis]
                for position in range(spatial[axis])
                for tap in range(kernels[axis])
            ]
            if "same" in words.flags:
                over = max(0, spans[axis] - strides[axis])
                cut = (over // 2, over - over // 2)
                size = spatial[axis] * strides[axis]
            else:
                cut = words.pads(words.keys.get("pad", "0"), rank)[axis]
                size = max(painted) + 1 - cut[0] - cut[1]
            if size < 1:
                raise Refused("nothing left")
            sizes.append(size)
            cuts.append(cut[0])
        output = (*sizes, filters)
        kernel_weights = [(*kernels, channels // groups) for _ in range(filters)]
        macs = math.prod(spatial) * sum(map(math.prod, kernel_weights))
        bias = 0 if "nobias" in words.flags else filters
        sights = [
            unpainted(sight, stride, span, cut)
            for sight, stride, span, cut in zip(sights, strides, spans, cuts, strict=True)
        ]
    elif op in ("gap", "gmp", "dense", "flatten"):
        if op == "dense":
            if rank:
                raise Refused("not a vector")
            units = int(words.values[0])
            output = (units,)
            kernel_weights = [(channels,) for _ in range(units)]
            macs = units * channels
            bias = 0 if "nobias" in words.flags else units
        elif op == "flatten":
            output = (math.prod(shape),)
        else:
            output = (*(1 for _ in spatial), channels) if "keep" in words.flags else (channels,)
        if op != "flatten":
            sights = [seeing_all(sight, size) for sight, size in zip(sights, mapped, strict=True)]
    elif op in ("bn", "ln", "gn"):
        learned = 2 - len(words.flags & {"noscale", "noshift"})
        others = [(channels,)] * learned
        frozen = [(channels,)] * (2 if op == "bn" else 0)
        if op == "gn" and channels % int(words.values[0]):
            raise Refused("groups")
    elif op in ("prelu", "scale"):
        others = [(channels,)]
    elif op == "up":
        if "to" in words.keys:
            sizes = words.each(words.keys["to"], rank)
        else:
            exact = [x * f for x, f in zip(spatial, multiples(words.values[0], rank), strict=True)]
            if rounding == "exact" and any(each.denominator > 1 for each in exact):
                raise Refused("not whole")
            sizes = [*map(math.ceil if rounding == "ceil" else math.floor, exact)]
            if min(sizes) < 1:
                raise Refused("nothing left")
        output = (*sizes, channels)
        sights = [
            resized(sight, x, n, words.flags)
            for sight, x, n in zip(sights, spatial, sizes, strict=True)
        ]
    elif op in ("zeropad", "reflectpad", "replicatepad", "crop"):
        sign = -1 if op == "crop" else 1
        each = words.pads(words.values[0], rank)
        sizes = [x + sign * sum(pair) for x, pair in zip(spatial, each, strict=True)]
        if min(sizes) < 1:
            raise Refused("nothing left")
        if op == "reflectpad" and any(max(p) >= x for p, x in zip(each, spatial, strict=True)):
            raise Refused("a mirror")
        output = (*sizes, channels)
        sights = [shifted(sight, -sign * pair[0]) for sight, pair in zip(sights, each, strict=True)]
    elif op == "slice":
        begin, end = map(int, words.values[0].split(":"))
        output = (*spatial, len(range(channels)[begin:end]))
    elif op == "pixelshuffle":
        factor, rest = int(words.values[0]), channels
        for _ in spatial:
            if rest % factor:
                raise Refused("channels are left over")
            rest //= factor
        output = (*(x * factor for x in spatial), rest)
        sights = [
            resized(sight, x, x * factor, set()) for sight, x in zip(sights, spatial, strict=True)
        ]
    elif op == "pixelunshuffle":
        factor = int(words.values[0])
        if any(x % factor for x in spatial):
            raise Refused("pixels are left over")
        output = (*(len(range(0, x, factor)) for x in spatial), channels * factor**rank)
        sights = [slid(sight, 0, factor, factor - 1) for sight in sights]
    elif op == "permute":
        order = [int(part) for part in words.values[0].split("x")]
        if sorted(order) != [*range(1, rank + 2)]:
            raise Refused("no permutation")
        output = tuple(shape[place - 1] for place in order)
        if order[-1] != rank + 1 or order != sorted(order):
            sights = [seeing_all(sight, size) for sight, size in zip(sights, mapped, strict=True)]
    elif op in ("channelmean", "channelmax"):
        output = (*spatial, 1)
    elif op == "shuffle":
        if channels % int(words.values[0]):
            raise Refused("groups")
    elif op not in ACTIVATIONS | {"dropout", "droppath", "lrn", "rescale"}:
        raise AssertionError(f"nobody told me of {op}")
    if words.act == "prelu":
        others = [*others, (output[-1],)]

    learned_count = sum(map(math.prod, [*kernel_weights, *others])) + bias
    params = learned_count + sum(map(math.prod, frozen))
    seen = most(sights, output[:-1] or mapped)
    return Counted(op, output, params, params - bias, learned_count, macs, seen), sights


def most(sights: list[Sight], sizes: Sequence[int]) -> Shape:
    """How much of the input the position sees, of so many, that sees the most of it."""
    return tuple(
        max(last - first + 1 for first, last in map(sight, range(size)))
        for sight, size in zip(sights, sizes, strict=True)
    )


def slid(sight: Sight, first: int, stride: int, extent: int) -> Sight:
    """What windows see: from their first tap to their last."""

    def see(position: int) -> tuple[int, int]:
        start = first + position * stride
        return sight(start)[0], sight(start + extent)[1]

    return see


def unpainted(sight: Sight, stride: int, kernel: int, cut: int) -> Sight:
    """What a position of a transposed convolution sees: all that paint on it."""

    def see(position: int) -> tuple[int, int]:
        place = position + cut
        last = place // stride
        painting = [x for x in range(last - kernel, last + 1) if place < x * stride + kernel]
        if not painting:  # between kernels that are smaller than the stride
            painting = [last]
        return sight(painting[0])[0], sight(painting[-1])[1]

    return see


def sharing(sight: Sight, size: int, output: int) -> Sight:
    """What windows see that share the pixels of a dimension."""

    def see(position: int) -> tuple[int, int]:
        first = math.floor(Fraction(position * size, output))
        last = math.ceil(Fraction((position + 1) * size, output)) - 1
        return sight(first)[0], sight(last)[1]

    return see


def multiples(text: str, rank: int) -> list[Fraction]:
    """Factors: `2`, `2x3`, `1.5` or `(1.5, 2)`."""
    parts = text.strip("()").replace(",", " ").replace("x", " ").split()
    return [Fraction(part) for part in (parts if len(parts) > 1 else parts * rank)]


def resized(sight: Sight, size: int, output: int, flags: set[str]) -> Sight:
    """What a position of a larger or smaller image sees: the pixel that it takes; the two around
    it, or the four, where it is interpolated. One that falls on a pixel sees that alone, though
    beside cubics of four it counts as seeing three."""

    def place(position: int) -> Fraction:
        if "aligned" in flags:
            return Fraction(position * (size - 1), max(output - 1, 1))
        return Fraction((2 * position + 1) * size, 2 * output) - Fraction(1, 2)

    between = any(place(position).denominator > 1 for position in range(output))
    more = 1 if "bicubic" in flags and between else 0

    def see(position: int) -> tuple[int, int]:
        if not flags & {"bilinear", "bicubic"}:
            return sight(position * size // output)
        at = place(position)
        return sight(math.floor(at) - more)[0], sight(math.ceil(at) + more)[1]

    return see


def shifted(sight: Sight, offset: int) -> Sight:
    """What positions see where some were put before them."""
    return lambda position: sight(position + offset)


def seeing_all(sight: Sight, size: int) -> Sight:
    """What a position sees that sees all positions."""
    return lambda position: (sight(0)[0], sight(size - 1)[1])
