"""How a size or a count is worked out: formulas as data, in no language and no notation.

A formula is arithmetic as Python writes it, over names for which there are values:
`(H + 2*P - K)/S + 1`. The names are those of textbooks, an underscore before an index: H, W,
L and D are what comes in, C its channels, K the kernel, S the stride, P the padding, d the
dilation, G the groups, N the filters, M the outputs for each channel. Functions are `floor`,
`ceil` and `max`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnndsl.layers.base import Shape
    from cnndsl.layers.window import Window


class Step(NamedTuple):
    """One line of a working: `symbol = formula = formula with numbers = value`.

    `symbol` is the output size that it gives, such as `H_out`, or the role of a weight.
    """

    symbol: str
    formula: str
    values: Mapping[str, int]
    value: int


_LETTERS = ("N", "LC", "HWC", "DHWC")


def letters(shape: Shape) -> str:
    """The names of the sizes of a tensor: `HWC` for an image, `N` for a vector."""
    return _LETTERS[len(shape) - 1]


def sizes_of(shape: Shape) -> dict[str, int]:
    """The sizes of a tensor by their names."""
    return dict(zip(letters(shape), shape))


def indexed(letter: str, values: Sequence[object], spatial: str) -> list[str]:
    """A name for each dimension: the letter alone where the values are all the same."""
    if all(value == values[0] for value in values):
        return [letter] * len(values)
    return [f"{letter}_{dimension}" for dimension in spatial]


def unchanged(shape: Shape) -> tuple[Step, ...]:
    """The steps of sizes that stay as they are."""
    return tuple(
        Step(f"{letter}_out", letter, {letter: size}, size)
        for letter, size in zip(letters(shape), shape)
    )


def sliding(
    windows: Sequence[Window], shape: Shape, *, same: bool, pool: bool = False
) -> tuple[Step, ...]:
    """The spatial output sizes of windows over a tensor; those of a `pool` may lie side by side.

    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
    relationship 6, with a begin and an end of the padding and the dilation of relationship 15.
    """
    spatial = letters(shape)[:-1]
    kernels = indexed("K", [w.kernel for w in windows], spatial)
    strides = indexed("S", [w.stride for w in windows], spatial)
    spacings = indexed("d", [w.dilation for w in windows], spatial)
    steps = []
    for axis, (letter, window) in enumerate(zip(spatial, windows)):
        kernel, stride, spacing = kernels[axis], strides[axis], spacings[axis]
        values = {letter: window.size, kernel: window.kernel}
        rounded = "ceil" if window.extra else "floor" if window.dropped else ""
        if same:
            values = {letter: window.size, stride: window.stride}
            formula = f"ceil({letter}/{stride})"
        elif pool and window.kernel == window.stride and not window.begin and not window.end:
            formula = f"{rounded}({letter}/{kernel})" if rounded else f"{letter}/{kernel}"
        else:
            padded, pads = padding(letter, window.begin, window.end, "+", windows)
            extent = kernel
            if window.dilation > 1:
                extent = f"({spacing}*({kernel} - 1) + 1)"
                values[spacing] = window.dilation
            values |= pads | {stride: window.stride}
            quotient = f"({padded} - {extent})/{stride}"
            formula = f"{rounded}({quotient}) + 1" if rounded else f"{quotient} + 1"
        steps.append(Step(f"{letter}_out", formula, values, window.output))
    return tuple(steps)


def padding(
    letter: str, begin: int, end: int, sign: str, others: Sequence[object] = ()
) -> tuple[str, dict[str, int]]:
    """A size with a padding (or a crop), and the values of its names.

    The padding is P where all dimensions have the same at both ends.
    """
    if not begin and not end:
        return letter, {}
    pads = {tuple(getattr(each, key) for key in ("begin", "end")) for each in others}
    name = "P" if len(pads) < 2 else f"P_{letter}"
    if begin == end:
        return f"{letter} {sign} 2*{name}", {name: begin}
    first, last = ("P_0", "P_1") if name == "P" else (f"{name}0", f"{name}1")
    return f"{letter} {sign} {first} {sign} {last}", {first: begin, last: end}


def same_padding(windows: Sequence[Window], shape: Shape) -> tuple[Step, ...]:
    """How many pixels `same` puts around in each dimension, begin and end together.

    They are what the last window lacks; the odd one goes to the end, as in Keras.
    """
    spatial = letters(shape)[:-1]
    kernels = indexed("K", [w.kernel for w in windows], spatial)
    strides = indexed("S", [w.stride for w in windows], spatial)
    spacings = indexed("d", [w.dilation for w in windows], spatial)
    steps = []
    for axis, (letter, window) in enumerate(zip(spatial, windows)):
        kernel, stride, spacing = kernels[axis], strides[axis], spacings[axis]
        output = f"{letter}_out"
        values = {
            output: window.output,
            stride: window.stride,
            kernel: window.kernel,
            letter: window.size,
        }
        extent = kernel
        if window.dilation > 1:
            extent, values[spacing] = f"{spacing}*({kernel} - 1) + 1", window.dilation
        lacking = f"({output} - 1)*{stride} + {extent} - {letter}"
        reach = (window.output - 1) * window.stride + window.extent
        formula = lacking if reach >= window.size else f"max(0, {lacking})"
        steps.append(Step(f"P_{letter}", formula, values, window.begin + window.end))
    return tuple(steps)


def area(kernel: Shape, shape: Shape) -> tuple[str, dict[str, int]]:
    """The size of a kernel as a product, and the values of its names."""
    names = indexed("K", kernel, letters(shape)[:-1])
    return "*".join(names), dict(zip(names, kernel))
