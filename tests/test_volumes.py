"""The view `volumes`: windows to scale, neurons, sizes along edges, and what joins."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from test_figures import ROOT, SVG, sample, texts

import cnndsl
from cnndsl.figures.collapse import collapse
from cnndsl.lang import words
from cnndsl.targets import svg
from cnndsl.targets.svg import picture, volumes


def shapes_of(figure: str, style: str) -> list[list[tuple[float, float]]]:
    """The points of the polygons, or of the lines, of a style."""
    found = []
    for element in ElementTree.fromstring(figure).iter():
        if (element.get("class") or "").endswith(f"-{style}"):
            runs = (element.get("points") or element.get("d") or "").split("M")
            numbers = [re.findall(r"-?[\d.]+", run) for run in runs if run]
            found += [[(float(x), float(y)) for x, y in zip(n[::2], n[1::2])] for n in numbers]
    return found


def test_further_inputs_are_drawn_up_to_where_they_join() -> None:
    figure = svg.generate(sample("two_inputs"))
    shown = texts(figure)
    assert {"facts", "10", "dense 16 · relu", "photo", "concat + dense1"} <= set(shown)
    (line,) = [points for points in shapes_of(figure, "edge") if len(points) == 5]
    heads = [head[0] for head in shapes_of(figure, "head")]
    # It ends on the arrow to where the two meet.
    assert any(y == line[-1][1] and x > line[-1][0] for x, y in heads)
    many = "; ".join(f"input {size} as i{size}" for size in range(2, 9))
    joined = " | ".join(f"from i{size}; dense 3" for size in range(2, 9))
    figure = svg.generate(cnndsl.check(f"{many}; concat {{ {joined} }}; dense 1"))
    lines = [points for points in shapes_of(figure, "edge") if len(points) == 5]
    assert len(lines) == 6 and len({points[-1] for points in lines}) == 1


ODD_WINDOWS = """
input 40x20x3; conv 4 1x1; conv 4 3x9 same; conv 4 7x5 same dilation=3; pool 4; conv 8 30x30 same
conv 8 10x5; conv 2 1; deconv 2 4x6
"""


@pytest.mark.parametrize(
    "source",
    [
        ODD_WINDOWS,
        (ROOT / "samples" / "unet3d.cnn").read_text(encoding="utf-8"),
        "input 9x2; conv 3 9 same",
    ],
)
def test_windows_are_to_the_scale_of_their_map_and_inside(source: str) -> None:
    network = cnndsl.check(source)
    steps = volumes.maps_of(collapse(network), 9)
    drawn = volumes._Volumes(network, steps, 720, words("en"), False)
    tried = 0
    for step in steps:
        layer = drawn.layer(step)
        if not drawn.kernel(step):
            continue
        tried += 1
        solid = drawn.solid(layer.input)
        high, deep = [*layer.windows[-2:], None][:2]
        corners = drawn.window(layer, solid.thick, 0, solid)
        for x, y in corners:
            right = x - solid.thick if solid.deep else 0.0
            assert -1e-6 <= right <= solid.deep + 1e-6 and x <= solid.thick + solid.deep + 1e-6
            assert -solid.high - 1e-6 <= y + right <= 1e-6
        share = min(1, high.extent / high.size)
        assert corners[3][1] - corners[0][1] == pytest.approx(max(2, share * solid.high))
        if deep:
            share = min(1, deep.extent / deep.size)
            wide = corners[1][0] - corners[0][0]
            assert wide == pytest.approx(max(2 * 0.42, share * solid.deep))
    assert tried


def test_nothing_is_folded_unless_asked() -> None:
    network = sample("vgg16")
    shown = texts(svg.generate(network))
    assert not [each for each in shown if "×" in each and not re.fullmatch(r"[\d×]+", each)]
    maps = volumes.maps_of(collapse(network), 1, fold=False)
    assert len(maps) == 1 + 13 + 5 + 1 + 3
    assert [step.source for step in maps] == [-1, *(step.gives for step in maps[:-1])]
    folded = " ".join(texts(svg.generate(network, fold=True)))
    assert folded.count(") ×3") == 3 and "drawn once" not in folded
    fields = texts(svg.generate(network, view="receptive"))
    assert fields.count("conv 512 3x3 same") == 6
    fields = texts(svg.generate(network, view="receptive", fold=True))
    assert fields.count("conv 512 3x3 same ×3") == 2
    inner = cnndsl.check("input 8x8x2; repeat 2 { repeat 3 { conv 2 3 same }; pool 2 }")
    maps = volumes.maps_of(collapse(inner), 1, fold=False)
    assert [step.gives for step in maps] == list(range(9))


def test_what_cannot_be_drawn_one_by_one_is_folded_and_says_so() -> None:
    network = cnndsl.check("input 8x8x2; repeat 200 { conv 2 3 same }; gap")
    shown = texts(svg.generate(network))
    assert "conv 2 3x3 same ×200" in " ".join(shown)
    assert shown[-1] == "What repeats is drawn once, with ×N: there are 202 in all."


def test_sizes_stand_along_edges_by_choice() -> None:
    shown = texts(svg.generate(sample("article"), labels="edges"))
    assert {"39", "31", "20", "36", "28", "160", "100"} <= set(shown)
    assert "39×31×1" not in shown
    volume = texts(svg.generate(cnndsl.check("input 5x6x7x8; conv 9 1"), labels="edges"))
    assert sorted(each for each in volume if each.isdigit()) == sorted("567856" + "79")


@pytest.mark.parametrize("name", ["article", "vgg16", "unet3d", "two_inputs", "ecg1d", "siamese"])
def test_a_figure_is_laid_out_for_its_width(name: str) -> None:
    for width in (320, 380, 720):
        figure = svg.generate(sample(name), width=width)
        drawn = float(re.search(r'width="([\d.]+)"', figure)[1])  # type: ignore[index]
        assert drawn <= width
        if figure.count("<text") > 20:
            assert drawn > 0.97 * width
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)px"', figure)]
        assert min(sizes) >= (11 if width == 720 else 13)


@pytest.mark.parametrize("name", ["article", "unet3d", "siamese", "two_outputs"])
def test_arrows_are_level(name: str) -> None:
    """Each leads straight to the right, and all ways within a row end on one height."""
    network = sample(name)
    steps = volumes.maps_of(collapse(network), 1)
    drawn = volumes._Volumes(network, steps, 720, words("en"), False)
    for row in drawn.rows():
        marks, _, _ = drawn.draw_row(row, 0)
        strokes = [mark for mark in marks if isinstance(mark, picture.Stroke)]
        arrows = [[points[0] for _, points in each.steps] for each in strokes if each[1] == "edge"]
        heads = {mark.y for mark in marks if isinstance(mark, picture.ArrowHead)}
        aims = {each.steps[1][1][0][1] for each in strokes if each.style == "ray"}
        levels = {y for points in arrows for _, y in points} | heads
        if not row.columns[-1].solid.neurons:
            levels |= aims
        assert len(levels) <= 1
        assert levels == {drawn.ends[column.step.gives][1] for column in row.columns} or not levels


def test_vectors_are_neurons() -> None:
    figure = svg.generate(cnndsl.check("input 5; dense 1000; dense 3"))
    circles = []
    for element in list(ElementTree.fromstring(figure).iter(f"{SVG}rect"))[1:]:
        assert float(element.get("rx", "0")) * 2 == pytest.approx(
            float(element.get("width", "0")), abs=0.11
        )
        circles.append(element.get("class", "").partition("-")[2])
    # Ten of a thousand and three dots.
    assert circles.count("dense-side") == 13 and circles.count("dense-solid") == 3
    assert circles.count("input-side") == 2 and {"5", "1000", "3"} <= set(texts(figure))
