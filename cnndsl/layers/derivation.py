"""How a size or a count is worked out: formulas as data, in no language and no notation.

A formula is arithmetic as Python writes it, over names for which there are values:
`(H + 2*P - K)/S + 1`. The names are those of textbooks, an underscore before an index: H, W,
L and D are what comes in, C its channels, K the kernel, S the stride, P the padding, d the
dilation, G the groups, N the filters, M the outputs for each channel. Functions are `floor`,
`ceil` and `max`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

Shape: TypeAlias = tuple[int, ...]


class Derivation(NamedTuple):
    """How one number is worked out: `symbol = formula = formula with numbers = value`.

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


def unchanged(shape: Shape) -> tuple[Derivation, ...]:
    """The derivations of sizes that stay as they are."""
    return tuple(
        Derivation(f"{letter}_out", letter, {letter: size}, size)
        for letter, size in zip(letters(shape), shape)
    )


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


def area(kernel: Shape, shape: Shape) -> tuple[str, dict[str, int]]:
    """The size of a kernel as a product, and the values of its names."""
    names = indexed("K", kernel, letters(shape)[:-1])
    return "*".join(names), dict(zip(names, kernel))
