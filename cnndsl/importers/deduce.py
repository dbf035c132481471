"""What a layer's arguments are, worked out from the sizes around it and its parameters.

All that the numbers allow is tried, the likely first, by making the layer: what is taken gives
exactly these sizes and this number of parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd, isqrt
from typing import Any, NamedTuple

from cnndsl.foreign.table import TORCH
from cnndsl.importers.graph import make
from cnndsl.layers import Layer
from cnndsl.layers.base import LayerError, Shape, product
from cnndsl.layers.values import Pair

Values = dict[str, Any]

_STEPS = range(1, 65)
_LARGEST = 10**6
"""How large the window of a kernel may be."""


class Known(NamedTuple):
    """What is known of a layer: its sizes, its parameters, and its kernel, where that is said."""

    word: str
    framework: str
    source: Shape
    output: Shape
    params: int
    kernel: tuple[int, ...] = ()

    @property
    def spatial(self) -> list[tuple[int, int]]:
        """The size of each spatial dimension, before and after."""
        return [*zip(self.source[:-1], self.output[:-1])]


class Found(NamedTuple):
    """Arguments that fit, with others that fit as well and are as likely."""

    values: Values
    others: tuple[Layer, ...] = ()


def deduce(known: Known, tiers: Iterable[Iterable[Values]]) -> Found | None:
    """The first arguments of some that fit, with those of the same tier that do too."""
    for tier in tiers:
        fits: list[tuple[Values, Layer]] = []
        for values in tier:
            try:
                layer = make(known.word, values, [known.source], known.framework)
            except (LayerError, ValueError):
                continue
            # PyTorch counts no statistics of batch normalisation.
            params = layer.trainable if known.framework == TORCH else layer.params
            if layer.output == known.output and params == known.params:
                fits.append((values, layer))
                if len(fits) == 3:
                    break
        if fits:
            return Found(fits[0][0], tuple(layer for _, layer in fits[1:]))
    return None


def convolutions(known: Known) -> Iterator[Iterator[Values]]:
    """Arguments of a plain convolution: a square kernel, then one for each channel, then others."""
    channels, filters = known.source[-1], known.output[-1]

    def arguments(square: bool, groups: Iterable[int]) -> Iterator[Values]:
        for group in groups:
            for nobias in (False, True):
                weights = _quotient(known, nobias, filters) * group
                common = {"filters": filters, "groups": group, "nobias": nobias}
                if weights % channels == 0:
                    yield from _kernels(known, weights // channels, square, common, known.kernel)

    yield arguments(True, [1])
    yield arguments(True, [channels])
    yield arguments(False, [1])
    yield arguments(False, [channels])
    yield arguments(True, _divisors(gcd(channels, filters)))


def _kernels(
    known: Known, area: int, square: bool, common: Values, said: tuple[int, ...] = ()
) -> Iterator[Values]:
    """Arguments with the kernels of so many pixels, square or not, and the windows of each."""
    for kernel in kernels(area, len(known.spatial), said):
        if (len({*kernel}) == 1) == square:
            for window in windows(known, kernel):
                yield {**common, "kernel": kernel, **window}


def depthwise(known: Known) -> Iterator[Iterator[Values]]:
    """Arguments of a depthwise convolution."""
    channels, filters = known.source[-1], known.output[-1]
    if filters % channels:
        return
    for square in (True, False):
        yield (
            values
            for nobias in (False, True)
            for values in _kernels(
                known,
                _quotient(known, nobias, filters),
                square,
                {"mult": filters // channels, "nobias": nobias},
            )
        )


def separable(known: Known) -> Iterator[Iterator[Values]]:
    """Arguments of a separable convolution: one filter for each channel, or more."""
    channels, filters = known.source[-1], known.output[-1]
    for mult in range(1, 9):
        depth = channels * mult
        yield (
            values
            for nobias in (False, True)
            for values in _kernels(
                known,
                _quotient(known, nobias, depth, depth * filters),
                True,
                {"filters": filters, "mult": mult, "nobias": nobias},
            )
        )


def transposed(known: Known) -> Iterator[Iterator[Values]]:
    """Arguments of a transposed convolution."""
    channels, filters = known.source[-1], known.output[-1]

    def arguments() -> Iterator[Values]:
        for nobias in (False, True):
            area = _quotient(known, nobias, channels * filters)
            for kernel in kernels(area, len(known.spatial), known.kernel):
                for step in _STEPS[:8]:
                    common = {"filters": filters, "kernel": kernel, "stride": step}
                    common["nobias"] = nobias
                    if known.framework != TORCH:
                        yield common
                        yield {**common, "same": True}
                        continue
                    over = [
                        (x - 1) * step + k - y for k, (x, y) in zip(kernel, known.spatial)
                    ]  # one pixel less is cut off where output_padding puts one there
                    if min(over) >= 0:
                        yield {**common, "pad": tuple(Pair(-(-o // 2), o // 2) for o in over)}

    yield arguments()


def pools(known: Known) -> Iterator[Iterator[Values]]:
    """Arguments of a pool: windows side by side, then of any size."""
    rank = len(known.spatial)
    torch = known.framework == TORCH
    tile = tuple(x // y if x % y == 0 else x // (y + 1) + 1 for x, y in known.spatial)
    yield ({"kernel": each} for each in [tile] if not known.kernel and min(tile) > 1)

    def arguments(sizes: Iterable[int]) -> Iterator[Values]:
        for size in sizes:
            kernel = known.kernel if len(known.kernel) == rank else (size,) * rank
            for window in windows(known, kernel):
                pads = window.get("pad", ())
                if window["dilation"] == 1 and all(
                    2 * pad.begin <= k for pad, k in zip(pads, kernel)
                ):
                    # PyTorch's mean counts its padding unless told otherwise.
                    counts = known.word == "avgpool" and any(map(max, pads))
                    yield {"kernel": kernel, **window, "countpad": counts}
            if torch:
                yield from (
                    {"kernel": kernel, "stride": step, "ceil": True} for step in range(1, 5)
                )

    yield arguments(known.kernel[:1] or (3, 2, 5))
    yield arguments(() if known.kernel else range(4, 33))


def kernels(area: int, rank: int, said: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The kernels of so many pixels: that which is said, or a square one and then the others."""
    if not 0 < area <= _LARGEST:
        return
    if said:
        kernel = said[-rank:] if len(said) >= rank else said * rank
        if product(kernel) == area and len(kernel) == rank:
            yield kernel
        return
    side = round(area ** (1 / rank))
    if side**rank == area:
        yield (side,) * rank
    if rank == 2:
        pairs = [(one, area // one) for one in _divisors(area) if one * one != area]
        yield from sorted(pairs, key=lambda pair: abs(pair[0] - pair[1]))


def windows(known: Known, kernel: tuple[int, ...]) -> Iterator[Values]:
    """The steps, paddings and spacings by which windows give the sizes, the likely first."""
    for dilation in (1, 2, 3, 4):
        extents = [(x, y, dilation * (k - 1) + 1) for k, (x, y) in zip(kernel, known.spatial)]
        any_fits = False
        for step in _STEPS if dilation == 1 else (1,):
            common: Values = {"stride": step, "dilation": dilation}
            if known.framework == TORCH:
                fits = [{**common, "pad": pad} for pad in _paddings(extents, step, dilation)]
            elif all((x - k) // step + 1 == y for x, y, k in extents):
                fits = [common]
            elif all(-(-x // step) == y for x, y, _ in extents):
                fits = [{**common, "same": True}]
            else:
                fits = []
            yield from fits
            any_fits |= bool(fits)
            if fits and all(y == 1 for _, y, _ in extents):
                break  # where there is one window, all steps are the same
        if any_fits or max(kernel) == 1:
            return  # a spacing is the last thing to think of


def _paddings(
    extents: list[tuple[int, int, int]], step: int, dilation: int
) -> Iterator[tuple[Pair, ...]]:
    """The paddings, alike at both ends, of windows: half of each, none, and others.

    Nobody pads spaced windows by more than half of them. Where more than one would do in all
    dimensions, they are as much each in all of them.
    """
    choices: list[range] = []
    for x, y, k in extents:
        low = max(0, -(-((y - 1) * step + k - x) // 2))
        high = min(k if dilation == 1 else k // 2, (y * step + k - x - 1) // 2)
        choices.append(range(low, min(high, low + 64) + 1))
    half = [k // 2 for _, _, k in extents]
    fits = all(pad in choice for pad, choice in zip(half, choices))
    if fits:
        yield tuple(Pair(pad, pad) for pad in half)
    for place in range(max(map(len, choices)) if all(choices) else 0):
        chosen = [choice[min(place, len(choice) - 1)] for choice in choices]
        if not fits or chosen != half:
            yield tuple(Pair(pad, pad) for pad in chosen)


def _quotient(known: Known, nobias: bool, by: int, less: int = 0) -> int:
    """How many pixels a kernel has that has `by` weights for each; 0 if it does not come out."""
    weights = known.params - less - (0 if nobias else known.output[-1])
    return weights // by if weights > 0 and by and weights % by == 0 else 0


def _divisors(number: int) -> Iterator[int]:
    small = [each for each in range(1, isqrt(number) + 1) if number % each == 0]
    yield from small
    yield from (number // each for each in reversed(small) if each * each != number)
