"""Variants as points in a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import Any

from cnndsl.lang import Words
from cnndsl.targets.svg.picture import SIZES, Mark, Picture, Rect, Text, polyline, render
from cnndsl.targets.svg.text import cut, wrap

LEFT, TOP, RIGHT, BOTTOM = 64.0, 56.0, 700.0, 444.0
"""Where the points lie, in pixels."""

TICKS = 7
"""How many numbers an axis has at most."""

FAR = 32
"""How many times as much as the least is so far away that an axis shows powers of ten evenly."""


def scatter(
    net: str,
    axes: Sequence[str],
    points: Sequence[Sequence[Sequence[Any]]],
    best: Sequence[str],
    word: Words,
) -> str:
    """The figure of a net's variants, by two numbers of each: a sample, and the best of all by
    some measures."""
    xs, ys = zip(*points[0], *points[1]) if any(points) else ((1,), (1,))
    at_x, ticks_x = _axis(min(xs), max(xs), LEFT + 8, RIGHT - 8)
    at_y, ticks_y = _axis(min(ys), max(ys), BOTTOM - 8, TOP + 8)
    marks: list[Mark] = []
    for tick in ticks_x:
        x = at_x(tick)
        marks.append(polyline((x, TOP), (x, BOTTOM), style="rule"))
        marks.append(Text(x, BOTTOM + 16, _short(tick), "small"))
    for tick in ticks_y:
        y = at_y(tick)
        marks.append(polyline((LEFT, y), (RIGHT, y), style="rule"))
        marks.append(Text(LEFT - 6, y + 4, _short(tick), "small", "end"))
    marks.append(Text(RIGHT, BOTTOM + 36, axes[0], "label", "end"))
    marks.append(Text(LEFT - 6, TOP - 12, axes[1], "label", "start"))
    told = [word.say("sweep.drawn", points=f"{len(points[0]):,}")]
    if points[1]:
        by = word.listed(best)
        told.append(word.say("sweep.best", best=f"{len(points[1]):,}", measures=by))
    bottom = BOTTOM + 44
    for some, style, size, said in zip(points, ("conv-line", "dense-solid"), (4.0, 7.0), told):
        places = {(round(at_x(x), 1), round(at_y(y), 1)): None for x, y in some}  # each once
        half = size / 2
        places[LEFT, bottom + 10] = None
        marks += [Rect(x - half, y - half, size, size, style, half) for x, y in places]
        for line in wrap([said], SIZES["label"], RIGHT - LEFT - 12):
            bottom += 16
            marks.append(Text(LEFT + 12, bottom - 2, line, "label", "start"))
    title = word.say("sweep.title", net=net, x=axes[0], y=axes[1])
    shown = cut(title, SIZES["title"], RIGHT - LEFT, bold=True)
    marks.append(Text(LEFT - 6, 20, shown, "title", "start", title if shown != title else ""))
    return render(Picture(RIGHT + 20, bottom + 12, marks), title, " ".join(told))


def _axis(
    least: Any, most: Any, begin: float, end: float
) -> tuple[Callable[[Any], float], list[float]]:
    """Where on an axis a value lies, and the values that are written at it."""
    scale: Callable[[Any], float] = log10 if least > 0 and most > FAR * least else float
    low, wide = scale(least), scale(most) - scale(least) or 1.0

    def place(value: Any) -> float:
        return begin + (end - begin) * (scale(value) - low) / wide

    if least == most:
        return place, [least]
    if scale is log10:
        zeros = range(floor(log10(least)), floor(log10(most)) + 1)
        steps = [many * 10.0**each for each in zeros for many in (1, 2, 5)]
        ticks = [each for each in steps if least <= each <= most]
        powers = [each for each in steps[::3] if each >= least]
        return place, ticks if len(ticks) <= TICKS else powers[:: len(powers) // TICKS + 1]
    power = 10.0 ** floor(log10((most - least) / TICKS))
    step = next(many * power for many in (1, 2, 5, 10) if most - least < TICKS * many * power)
    return place, [turn * step for turn in range(ceil(least / step), floor(most / step) + 1)]


def _short(value: float) -> str:
    """A number as the language reads it: `2.5M`."""
    units = ((1e9, "G"), (1e6, "M"), (1e3, "K"))
    size, unit = next((each for each in units if abs(value) >= each[0]), (1, ""))
    return f"{value / size:.15g}{unit}"
