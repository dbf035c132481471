"""Windows that slide: the numbers that are drawn are those that PyTorch makes of them."""

from __future__ import annotations

import html
import json
import os
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
from cnndsl.figures.sliding import Sliding
from cnndsl.layers import LAYERS
from cnndsl.targets import svg

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"
OPS = ("conv", "dwconv", "sepconv", "deconv", "pool", "avgpool", "minpool")
ROOM = 22
"""As many places as a figure for a phone has room for."""

SEEDS = range(2, 8)

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


@pytest.mark.frameworks
def test_every_kind_is_tried() -> None:
    reached = set().union(*(kinds(*each) for seed in SEEDS for each in drawn(seed, 150)))
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
@pytest.mark.parametrize("seed", SEEDS)
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


# The pictures


def net(text: str) -> cnndsl.Network:
    return cnndsl.check(text, file="net.cnn")


def texts(figure: str) -> list[str]:
    root = ElementTree.fromstring(figure)
    return [element.text or "" for element in root.iter() if element.tag == f"{SVG}text"]


ARTICLE = net((ROOT / "samples" / "article.cnn").read_text(encoding="utf-8"))


def test_what_is_written_can_be_checked_by_hand() -> None:
    """Every sum below a frame comes to what stands behind it."""
    said = 0
    for text in (
        "input 9x9x3; conv 4 3x2 /2x1 same relu",
        "input 9x9x2; sepconv 3 3 nobias",
        "input 5x5x1; deconv 2 3 /2",
        "input 9x9x1; avgpool 3 /2 same",
        "input 6x9x9x2; pool 2x3x3 floor",
        "input 9x9x2; minpool 2 ceil",
    ):
        for line in texts(svg.generate(net(text), view="sliding", width=4000)):
            sum_, equals, value = line.partition(" = ")
            if equals:
                found = eval(
                    sum_.replace("·", "*"), {"max": lambda *of: max(of), "min": lambda *of: min(of)}
                )
                assert found == pytest.approx(eval(value)), line
                said += 1
    assert said > 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "conv9"}, "there is no layer `conv9`; did you mean `conv4`?"),
        ({"layer": "dense1"}, "conv1, pool1, conv2, pool2, conv3, pool3, conv4 have"),
        ({"layer": "nope"}, "there is no layer `nope`; conv1, pool1, conv2"),
        ({"frame": 33}, "frame must be from 1 to 32, not 33"),
        ({"frame": 1, "animate": True}, "`frame` and `animate` contradict each other"),
        ({"view": "graph", "frame": 1}, "frame is an option of the view sliding"),
    ],
)
def test_what_there_is_not_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        svg.generate(ARTICLE, **{"view": "sliding", **options})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input 4; dense 2", "no layer of net has a window that slides: take another view"),
        ("input 100000x1; conv 4 50000 same", "are too large for a figure 720 pixels wide"),
        (f"input 8x8x2; deconv 1 1 /{10**7}", "are too large for a figure"),
        (f"input 64x64x1; conv 1 3 pad={10**8} /{10**12} floor", "are too large for a figure"),
        (f"input 8x{10**17}x1; pool to=1", "are too large for a figure"),
    ],
)
def test_what_cannot_be_drawn_is_said_soon(text: str, message: str) -> None:
    with at_most(100_000), pytest.raises(OptionError, match=message):
        svg.generate(net(text), view="sliding")


def test_what_is_large_is_drawn_soon() -> None:
    text = f"input {10**7}x{10**7}x1; conv 30 3 /2 same; pool 2 ceil; conv 99 1; gap"
    for layer in ("conv1", "pool1", "conv2"):
        with at_most(100_000):
            svg.generate(net(text), view="sliding", layer=layer)


def test_frames_go_into_a_folder(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.cnn", tmp_path / "frames"
    path.write_text("input 5x5x1; conv 1 3x3; pool 3 as p", encoding="utf-8")
    words = ["build", str(path), "--target", "svg", "--view", "sliding", "--frames", str(folder)]
    assert run(*words) == (0, "", "") and run(*words, "--check") == (0, "", "")
    made = sorted(file.name for file in folder.iterdir())
    assert made == [f"a-{number}.svg" for number in range(1, 10)]
    second = (folder / "a-2.svg").read_text(encoding="utf-8")
    assert second == svg.generate(
        cnndsl.check(path.read_text(encoding="utf-8"), file="a.cnn"), view="sliding", frame=2
    )
    (folder / "a-2.svg").write_text("other", encoding="utf-8")
    code, _, err = run(*words, "--check")
    assert code == 1 and "a-2.svg is out of date" in err
    for more, said in (
        (["-o", "x"], "--frames and --output contradict each other"),
        (["--frame", "2"], "`frames` and `frame` contradict each other"),
    ):
        code, _, err = run(*words, *more)
        assert code == 2 and said in err
    for target, said in (
        ("svg", "the view volumes has no"),
        ("keras", "keras has no frames; pdf, png, svg have"),
    ):
        code, _, err = run("build", str(path), "--target", target, "--frames", str(folder))
        assert code == 2 and said in err


def test_a_document_shows_a_layer_by_its_name() -> None:
    text = "```cnn\ninput 8x8x1\nconv 2 3x3\npool 2 as half\n```\n<!-- cnndsl: figure view=sliding "
    for more, said in (
        ("layer=half", "max("),
        ("layer=hlaf", "layer=hlaf: there is no layer `hlaf`"),
        ("fold", "\nfold: fold is an option of the view volumes, receptive"),
    ):
        renewed = cnndsl_documents(f"{text}{more} -->\n<!-- /cnndsl -->\n")
        assert said in f"\n{renewed}"


def cnndsl_documents(text: str) -> str:
    """A document written anew, or what is wrong with it."""
    from cnndsl.api import examine
    from cnndsl.diagnostics import Source
    from cnndsl.documents import renew

    found = renew(Source("post.md", text), examine, lambda name: (Source(name, ""), []))
    problems = [
        f"{each.source.text[slice(*each.span)]}: {each.message}" for each in found.diagnostics
    ]
    return "".join(problems) or found.text


# In a browser

CHECK = """
const found = [];
for (const svg of document.querySelectorAll('svg')) {
  const sheet = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text:not(:has(tspan)), tspan')].map(e => {
    const {left, right} = e.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(e).fontSize);
    const base = sheet.top + parseFloat(e.getAttribute('y'));
    return [e.textContent, {left, right, top: base - size * 0.75, bottom: base}];
  });
  texts.forEach(([text, a], i) => {
    if (a.left < sheet.left || a.right > sheet.right || a.bottom > sheet.bottom)
      found.push(svg.dataset.name + ' beyond the sheet: ' + text);
    for (const [other, b] of texts.slice(i + 1))
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        found.push(svg.dataset.name + ' overlap: ' + text + ' / ' + other);
  });
}
"""
MOVING = """
const shown = [];
for (const time of [0, 500, 3500, 8500, 9500]) {
  for (const animation of document.getAnimations()) animation.currentTime = time;
  shown.push([...document.querySelectorAll('svg g')].flatMap(
    (g, i) => getComputedStyle(g).visibility == 'visible' ? [i] : []));
}
"""


def in_browser(folder: Path, figures: list[str], script: str, result: str, *flags: str) -> Any:
    page = folder / "page.html"
    body = "\n".join(figures)
    page.write_text(
        '<!doctype html><meta charset="utf-8"><style>svg { display: block; max-width: none '
        "!important } svg text { font-family: 'DejaVu Sans' !important }</style>"
        f"<body>{body}<script>{script}\ndocument.body.textContent = JSON.stringify({result});"
        "</script></body>",
        encoding="utf-8",
    )
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", *flags]
    words.append(f"--user-data-dir={folder / 'profile'}")
    ran = subprocess.run(
        [need("chromium"), *words, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=True,
    )
    (text,) = re.findall(r"<body>(.*?)</body>", ran.stdout, re.DOTALL)
    return json.loads(html.unescape(text))


@pytest.mark.tools
def test_numbers_stand_clear_of_each_other(tmp_path: Path) -> None:
    figures = []
    for layer, _ in drawn(3, 60):
        network = net("input 1; relu as x")
        network.nodes[-1].layer = layer
        for width, lang in ((720, "en"), (380, "ko"), (380, "en")):
            try:
                figure = svg.generate(network, view="sliding", width=width, lang=lang)
            except OptionError:
                continue
            name = f'<svg data-name="{layer.op} {layer.input} {width} {lang}"'
            figures.append(figure.replace("<svg", name, 1))
    assert len(figures) > 150
    assert in_browser(tmp_path, figures, CHECK, "found") == []


@pytest.mark.tools
def test_windows_take_turns_where_motion_is_wanted(tmp_path: Path) -> None:
    figure = svg.generate(net("input 5x5x1; conv 1 3x3"), view="sliding", animate=True)
    turns = in_browser(tmp_path, [figure], MOVING, "shown")
    assert turns == [[0], [0], [3], [8], [0]]
    still = in_browser(tmp_path, [figure], MOVING, "shown", "--force-prefers-reduced-motion")
    assert still == [[0]] * 5


@pytest.mark.parametrize("name", ["conv2", "pool1"])
def test_golden(name: str) -> None:
    """Byte for byte; `CNNDSL_UPDATE_GOLDEN=1` writes what comes of it today."""
    path = ROOT / "tests" / "golden" / "figures" / f"article-{name}-sliding.svg"
    figure = svg.generate(ARTICLE, view="sliding", layer=name)
    if os.environ.get("CNNDSL_UPDATE_GOLDEN") == "1":
        path.write_text(figure, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == figure
