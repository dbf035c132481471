"""Windows that slide: the numbers that are drawn are those that PyTorch makes of them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import need
from reference import reference
from running import run
from steps import at_most

import cnndsl
from cnndsl.contract import OptionError
from cnndsl.figures.sliding import Sliding, has_windows
from cnndsl.lang import words
from cnndsl.layers import LAYERS
from cnndsl.layers.pool import Pool
from cnndsl.targets import svg
from cnndsl.targets.svg.sliding import Frames

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"
OPS = ("conv", "dwconv", "sepconv", "deconv", "pool", "avgpool", "minpool")
ROOM = 22
"""As many places as a figure for a phone has room for."""

Array = Any


def layer_of(size: str, line: str) -> Any:
    network = cnndsl.check(f"rounding floor\ninput {size}\n{line}")
    return network.nodes[-1].layer


def random_layer(rng: Random) -> Any:
    """A layer with windows that fits, of all kinds."""
    while True:
        rank = rng.choice((1, 2, 2, 3))
        op = rng.choice(OPS)

        def sizes(least: int, most: int, rank: int = rank) -> str:
            count = rank if rng.random() < 0.6 else 1
            return "x".join(str(rng.randint(least, most)) for _ in range(count))

        channels = rng.choice((1, 2, 3, 4, 6))
        shape = "x".join(str(rng.randint(1, rng.choice((6, 40)))) for _ in range(rank))
        pool = op in ("pool", "avgpool", "minpool")
        if pool and rng.random() < 0.15:
            line = f"{op} to={sizes(1, 7)}"
        else:
            pad = "x".join(f"{rng.randint(0, 3)}:{rng.randint(0, 3)}" for _ in range(rank))
            groups = rng.choice((1, 1, channels, 2))
            filters = groups * rng.randint(1, 4) if op in ("conv", "deconv") else 5
            parts = [
                op,
                "" if pool or op == "dwconv" else str(filters),
                sizes(1, 4),
                rng.choice(("", f"/{sizes(1, 4)}")),
                rng.choice(("", "same", f"pad={sizes(0, 2)}", f"pad={pad}")),
                rng.choice(("", f"dilation={sizes(1, 3)}")) if op != "avgpool" else "",
                f"groups={groups}" if op in ("conv", "deconv") and groups > 1 else "",
                rng.choice(("", "mult=2", "mult=3")) if op in ("dwconv", "sepconv") else "",
                rng.choice(("", "countpad")) if op == "avgpool" else "",
                rng.choice(("floor", "ceil")) if op != "deconv" else "",
            ]
            line = " ".join(filter(None, parts))
        try:
            return layer_of(f"{shape}x{channels}", line)
        except cnndsl.CnndslError:
            continue


def kinds(layer: Any, slides: Sliding) -> set[Any]:
    """What there is about a layer that could be drawn wrong."""
    found: set[Any] = {(layer.op, len(layer.spatial))}
    windows = getattr(layer, "windows", ())
    size = tuple((axis.size - 1) // axis.spread + 1 for axis in slides.axes[-len(layer.spatial) :])
    facts = {
        "cut": size != layer.spatial,
        "same": layer.same,
        "stride": any(window.stride > 1 for window in windows),
        "sides": len({window.kernel for window in windows}) > 1,
        "dilation": any(window.dilation > 1 for window in windows),
        "uneven": any(window.begin != window.end for window in windows),
        "hangs over": any(window.extra for window in windows),
        "left over": any(window.dropped for window in windows),
        "countpad": getattr(layer, "countpad", False),
        "to": getattr(layer, "to", None),
        "mult": getattr(layer, "mult", 1) > 1,
        "groups": getattr(layer, "groups", 1) > 1,
        "spread": any(axis.spread > 1 for axis in slides.axes),
        "cropped": any(sum(crop) for crop in getattr(layer, "crop", ())),
        "grown": any(getattr(layer, "grow", ())),
        "not all channels": len({grid.channel for grid in slides.grids}) < layer.channels,
    }
    return found | {(layer.op, name) for name, holds in facts.items() if holds}


def wanted() -> set[Any]:
    convs, pools = ("conv", "dwconv", "sepconv"), ("pool", "avgpool", "minpool")
    slid = ("cut", "same", "stride", "sides", "uneven", "hangs over", "left over")
    found = {(op, rank) for op in OPS for rank in (1, 2, 3)}
    found |= {(op, name) for op in (*convs, *pools) for name in slid}
    found |= {(op, "dilation") for op in (*convs, "pool", "minpool")}
    found |= {(op, "to") for op in pools} | {(op, "not all channels") for op in OPS}
    found |= {("avgpool", "countpad"), ("dwconv", "mult"), ("sepconv", "mult")}
    found |= {("conv", "groups"), ("deconv", "groups")}
    return found | {("deconv", name) for name in ("cut", "same", "spread", "cropped", "grown")}


def drawn(seed: int, count: int) -> Iterator[tuple[Any, Sliding]]:
    rng = Random(seed)
    while count:
        layer = random_layer(rng)
        try:
            slides = Sliding(layer, ROOM)
        except ValueError:
            continue
        count -= 1
        yield layer, slides


def small(layer: Any, slides: Sliding) -> Any:
    """The layer as it is drawn: on fewer pixels, with the same ends."""
    if getattr(layer, "to", None) is not None:
        return layer
    axes = slides.axes[3 - len(layer.spatial) :]
    size = tuple((axis.size - 1) // axis.spread + 1 for axis in axes)
    values = {slot.name: getattr(layer, slot.name) for slot in layer.slots if slot.form != "act"}
    found = type(layer)(values, (*size, layer.channels), layer.context)
    assert found.output[:-1] == tuple(len(axis.windows) for axis in axes)
    for one, other in zip(getattr(layer, "windows", ()), getattr(found, "windows", ())):
        assert one == other._replace(size=one.size, output=one.output)
    return found


def arrays(layer: Any, slides: Sliding) -> tuple[Array, dict[str, Array]]:
    """The numbers that are drawn as an image and as weights; all others are 0."""
    rank = len(layer.spatial)
    x = np.zeros((*(1 for _ in range(3 - rank)), *layer.input))
    for grid in slides.grids:
        for row in slides.axes[1].places:
            for column in slides.axes[2].places:
                places = (grid.depth, row, column)
                if slides.is_pixel(*places):
                    at = tuple(p // axis.spread for p, axis in zip(places, slides.axes))
                    x[(*at, grid.channel)] = slides.value(grid, row, column)
    shape = x.shape[3 - rank :] if rank < 3 else x.shape
    weights = {weight.role: np.zeros(weight.shape) for weight in layer.weights}
    ins = layer.channels // getattr(layer, "groups", 1)
    for made in slides.made:
        for part in made.parts:
            windows = slides.axes[1].windows[made.row], slides.axes[2].windows[made.column]
            for tap in part.taps:
                at = (part.grid.tap, windows[0].index(tap.row), windows[1].index(tap.column))
                at = at[3 - rank :]
                channel = part.grid.channel
                if layer.op == "deconv":
                    at = tuple(size - 1 - index for size, index in zip(layer.kernel, at))
                if layer.op in ("conv", "deconv"):
                    weights["kernel"][(*at, channel % ins, made.channel)] = tap.weight
                elif layer.op in ("dwconv", "sepconv"):
                    which = made.channel % layer.mult if layer.op == "dwconv" else 0
                    weights["depthwise"][(*at, channel, which)] = tap.weight
                if layer.op == "sepconv":
                    weights["pointwise"][..., channel * layer.mult, made.channel] = part.weight
    return x.reshape(shape)[None], weights


def held(layer: Any, slides: Sliding, output: Array) -> None:
    """Hold what is drawn of the output against the output of the first slice along the depth."""
    rank = len(layer.spatial)
    found = output[0].reshape(*(1 for _ in range(3 - rank)), *output.shape[1:])
    for made in slides.made:
        assert found[0, made.row, made.column, made.channel] == pytest.approx(float(made.value))


def test_every_kind_is_tried() -> None:
    reached = set().union(*(kinds(*each) for each in drawn(0, 900)))
    assert not wanted() - reached


def test_everything_with_windows_is_drawn() -> None:
    shown = {op for op, layer in LAYERS.items() if layer.slides or op == "deconv"}
    assert shown == set(OPS), "a layer with windows is missing in tests/test_sliding.py"


def test_drawn_numbers_are_those_of_numpy() -> None:
    for layer, slides in drawn(1, 60):
        same = small(layer, slides)
        x, weights = arrays(same, slides)
        held(layer, slides, reference(same, x, weights))


@pytest.mark.frameworks
@pytest.mark.parametrize("seed", range(2, 8))
def test_drawn_numbers_are_those_of_pytorch(seed: int) -> None:
    import oracle
    import torch

    from cnndsl.targets.pytorch import forms

    for layer, slides in drawn(seed, 150):
        same = small(layer, slides)
        x, weights = arrays(same, slides)
        model = oracle.torch_layer(forms.lower(same, order="last"))
        network = cnndsl.check("input 1; relu")
        network.nodes[-1].layer = same
        oracle.put_torch(model, network, {f"relu1.{role}": w for role, w in weights.items()})
        image = torch.from_numpy(oracle.channels_first(x).astype("float32"))
        with torch.no_grad():
            held(layer, slides, oracle.channels_last(model(image).numpy()))
