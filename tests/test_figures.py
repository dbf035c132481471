"""The target svg: what a browser makes of the figures, and that nothing breaks out of them."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import nets
import pytest
from conftest import few, need
from hypothesis import given
from hypothesis import strategies as st
from steps import at_most

import cnndsl
from cnndsl import Network
from cnndsl.contract import OptionError
from cnndsl.figures import layered
from cnndsl.figures.collapse import collapse
from cnndsl.lang import words
from cnndsl.targets import svg
from cnndsl.targets.svg import picture, text, volumes

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted(
    path.stem for path in (ROOT / "samples").glob("*.cnn") if path.stem != "article_keras_listing"
)
SVG = "{http://www.w3.org/2000/svg}"
WHOLE = [view for view in svg.VIEWS if view != "sliding"]
"""The views of a whole net."""


def sample(name: str) -> Network:
    source = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8")
    return cnndsl.check(source, file=f"{name}.cnn")


def texts(figure: str) -> list[str]:
    """What is written in a figure, without what is only told."""
    root = ElementTree.fromstring(figure)
    return [element.text or "" for element in root.iter(f"{SVG}text")]


# In a browser

CHECK = """
const found = [];
const letters = document.head.appendChild(document.createElement('style'));
// As a reader sees it here, and as one whose system has only a wide font.
for (const font of ['', 'DejaVu Sans']) {
letters.textContent = font && `svg, svg text { font-family: '${font}' !important }`;
for (const svg of document.querySelectorAll('svg')) {
  const complain = what => found.push(`${svg.dataset.name} ${font}: ${what}`);
  const sheet = svg.getBoundingClientRect();
  // From the browser's boxes, but without the room that some fonts keep between lines.
  const texts = [...svg.querySelectorAll('text')].map(e => {
    const {left, right, width} = e.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(e).fontSize);
    const base = sheet.top + parseFloat(e.getAttribute('y'));
    return [e.textContent, {left, right, width, top: base - size, bottom: base + size / 4}];
  });
  const inside = (a, b, slack) => a.left >= b.left - slack && a.right <= b.right + slack
    && a.top >= b.top - slack && a.bottom <= b.bottom + slack;
  texts.forEach(([text, a], i) => {
    if (!a.width && text.trim()) complain('nothing to see of ' + text);
    if (!inside(a, sheet, 0.5)) complain('beyond the sheet: ' + text);
    for (const [other, b] of texts.slice(i + 1))
      if (a.left < b.right - 0.5 && b.left < a.right - 0.5
          && a.top < b.bottom && b.top < a.bottom)
        complain('overlap: ' + text + ' / ' + other);
  });
  if (svg.dataset.view !== 'graph') continue;
  const boxes = [...svg.querySelectorAll('rect')].filter(
    e => !/-(sheet|hull)$/.test(e.getAttribute('class'))).map(e => e.getBoundingClientRect());
  for (const [text, a] of texts) {
    const [x, y] = [(a.left + a.right) / 2, (a.top + a.bottom) / 2];
    for (const box of boxes)
      if (x > box.left && x < box.right && y > box.top && y < box.bottom && !inside(a, box, 0))
        complain('beyond its box: ' + text);
  }
  for (const path of svg.querySelectorAll('path[class$="-edge"]')) {
    const length = path.getTotalLength();
    for (let at = 0; at <= length; at += 3) {
      const point = path.getPointAtLength(at);
      const [x, y] = [point.x + sheet.left, point.y + sheet.top];
      if (boxes.some(b => x > b.left + 1.5 && x < b.right - 1.5
          && y > b.top + 1.5 && y < b.bottom - 1.5))
        { complain('an edge goes through a box at ' + point.x + ', ' + point.y); break; }
      if (texts.some(([_, a]) => x > a.left && x < a.right && y > a.top + 2 && y < a.bottom - 2))
        { complain('an edge goes through a text at ' + point.x + ', ' + point.y); break; }
    }
  }
}
}
const count = document.querySelectorAll('svg text').length;
document.body.textContent = JSON.stringify({count, found});
"""


@pytest.mark.tools
def test_texts_stand_clear_of_each_other(tmp_path: Path) -> None:
    """Every sample in every view, language and width, measured in a browser."""
    chromium = need("chromium")
    figures = []
    for name in SAMPLES:
        network = sample(name)
        for view in WHOLE:
            for width, lang in ((720, "en"), (720, "ko"), (380, "en")):
                figure = svg.generate(network, view=view, lang=lang, width=width)
                label = f'<svg data-name="{name} {view} {lang} {width}" data-view="{view}"'
                figures.append(figure.replace("<svg", label, 1))
        for width in (240, 720):
            figure = svg.generate(network, width=width, labels="edges", fold=True)
            label = f'<svg data-name="{name} edges {width}"'
            figures.append(figure.replace("<svg", label, 1))
    deep = svg.generate(sample("resnet50"), view="graph", depth=2)
    figures.append(deep.replace("<svg", '<svg data-name="resnet50 opened" data-view="graph"', 1))
    page = tmp_path / "page.html"
    body = "\n".join(figures)
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><style>svg {{ display: block; max-width: none '
        f"!important }}</style><body>{body}<script>{CHECK}</script></body>",
        encoding="utf-8",
    )
    run = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=60000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    match = re.search(r'\{"count".*\}', run.stdout)
    assert match, run.stderr
    result = json.loads(html.unescape(match[0]))
    assert result["count"] == sum(figure.count("<text") for figure in figures)
    assert not result["found"], "\n".join(result["found"])


# What is in a figure

VIEWS_OF = [(name, view) for name in SAMPLES for view in WHOLE]


@pytest.mark.parametrize(("name", "view"), few(VIEWS_OF, VIEWS_OF[::8]))
def test_figures_are_told_to_those_who_do_not_see_them(name: str, view: str) -> None:
    figure = svg.generate(sample(name), view=view)
    assert figure == svg.generate(sample(name), view=view)
    root = ElementTree.fromstring(figure)
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert (title.text or "").startswith(f"{name}: ")
    shape = "×".join(map(str, sample(name).nodes[0].output))
    assert f"input gives {shape}" in (description.text or "")
    assert len(figure) < 80_000


def test_the_article_net_as_volumes() -> None:
    shown = texts(svg.generate(sample("article")))
    shapes = ["39×31×1", "36×28×20", "18×14×20", "16×12×40", "8×6×40", "6×4×60", "3×2×60"]
    shapes += ["2×1×80", "160", "100"]
    assert [each for each in shown if each in shapes] == shapes
    assert "conv 20 4x4 · relu" in shown and "dense 100" in shown


def test_a_box_grows_with_its_map() -> None:
    """Each size of a box grows with what it stands for, and with nothing else."""
    network = sample("resnet50")
    steps = volumes.maps_of(collapse(network), 1)
    drawn = volumes._Volumes(network, steps, 720, words("en"), False)

    def solid(*shape: int) -> volumes.Solid:
        return drawn.solid(shape)

    for less, more in ((1, 7), (7, 14), (56, 112), (112, 224)):
        assert solid(less, 9, 9).high < solid(more, 9, 9).high
        assert solid(9, less, 9).deep < solid(9, more, 9).deep
        assert solid(less, 9).high < solid(more, 9).high
    for less, more in ((1, 3), (3, 64), (1024, 2048)):
        assert solid(9, 9, less).thick < solid(9, 9, more).thick
        assert solid(9, less).thick < solid(9, more).thick
        assert solid(9, 9, 9, less).strip < solid(9, 9, 9, more).strip
    for less, more in ((1, 3), (10, 600), (600, 1000), (1000, 2048)):
        assert solid(less).high < solid(more).high
    one, four = solid(28, 28, 64), solid(112, 28, 64)
    assert four == one._replace(high=2 * one.high)


def test_a_map_that_joins_others_is_named_where_it_is_drawn() -> None:
    net = "input 8x8x1; conv 2 3 same as e1; conv 4 3 same; concat {{ {} }}; conv 1 1"
    for paths, said in [
        ("skip | from e1", "concat + e1"),
        ("from e1 | skip", "concat + e1"),
        ("conv 2 1 | conv 3 1 | from e1", "2 paths + e1"),
        ("conv 2 1 | conv 3 1", "2 paths"),
        ("conv 2 1 | from e1; conv 3 1", "2 paths (e1)"),
    ]:
        shown = texts(svg.generate(cnndsl.check(net.format(paths))))
        assert said in shown or f"concat · {said}" in shown, shown
        assert shown.count("e1") == ("e1" in paths)


def test_side_outputs_are_rows_of_their_own() -> None:
    shown = texts(svg.generate(sample("two_outputs")))
    assert shown.count("gap1") == 2 and "output age" in shown and "output main" in shown


def test_blocks_that_repeat_are_one_box() -> None:
    shown = texts(svg.generate(sample("resnet50"), view="graph", depth=1))
    at = shown.index("×5")
    assert "bottleneck 256" in shown[at - 1 : at + 2]
    assert len([each for each in shown if each.startswith("bottleneck")]) == 8


def test_fields_of_the_article_net() -> None:
    shown = texts(svg.generate(sample("article"), view="receptive"))
    rows = [each for each in shown if re.fullmatch(r"\d+×\d+", each)]
    assert rows == ["4×4", "5×5", "9×9", "11×11", "19×19", "23×23", "31×31", "39×31"]
    assert [each for each in shown if re.fullmatch(r"\d+|–", each)] == [*"1224488", "–"]
    assert shown[shown.index("31×31") + 2 :][:2] == [f"{31 / 39:.0%}", "100%"]


def test_windows_lie_where_they_see() -> None:
    """The bar of the article's second convolution: 9 pixels of the field's middle position."""
    network = sample("article")
    (node,) = [each for each in network.nodes if each.name == "conv2"]
    figure = svg.generate(network, view="receptive")
    bars = [
        [float(element.get(key, "0")) for key in ("x", "width")]
        for element in ElementTree.fromstring(figure).iter(f"{SVG}rect")
        if re.search(r"-(track|conv-solid)$", element.get("class", ""))
        and element.get("height") == "8"
    ]
    # Per line two tracks, each with its bar; conv2 is the second convolution.
    lines = [pair for pair in pairwise(bars) if pair[0][1] > pair[1][1]]
    height, width = lines[2:4]
    for (track, bar), size, out in zip((height, width), (39, 31), node.output):
        first = (out - 1) // 2 * 2  # the position in the middle, at a step of 2
        scale = track[1] / size
        assert bar[0] - track[0] == pytest.approx(first * scale, abs=0.15)
        assert bar[1] == pytest.approx(9 * scale, abs=0.15)


def test_windows_beyond_the_input_are_to_scale() -> None:
    network = cnndsl.check("input 16x1; " + "; ".join(f"conv {n} 7 same" for n in range(2, 7)))
    figure = svg.generate(network, view="receptive")
    shares = [float(each[:-1]) for each in texts(figure) if re.fullmatch(r"\d+%", each)]
    wide: dict[str, list[float]] = {"track": [], "faint": []}
    for element in ElementTree.fromstring(figure).iter(f"{SVG}rect"):
        kind = element.get("class", "").rpartition("-")[2]
        if kind in wide and element.get("height") == "8":
            wide[kind].append(float(element.get("width", "0")))
    beyond = [share for share in shares if share > 100]
    assert len(set(beyond)) == 3 and len(set(wide["track"])) == 1
    for share, bar in zip(beyond, wide["faint"][-len(beyond) :], strict=True):
        assert bar / wide["track"][0] == pytest.approx(share / 100, abs=0.02)


def test_where_nothing_slides_there_is_no_field() -> None:
    for net in (sample("fully_connected"), cnndsl.check("input 8x8x1; relu")):
        (said,) = texts(svg.generate(net, view="receptive"))
        assert said.startswith("Nothing here slides over space")


def test_korean_words() -> None:
    figure = svg.generate(sample("two_outputs"), view="graph", lang="ko")
    assert "입력" in texts(figure) and "출력 age" in texts(figure)
    assert "데이터 흐름" in (ElementTree.fromstring(figure)[0].text or "")


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "film"}, "view knows no `film`; it knows volumes, graph, receptive"),
        ({"lang": "tlh"}, "lang knows no `tlh`; it knows en, ko"),
        ({"width": 20}, "width must be from 240 to 4,000, not 20"),
        ({"view": "graph", "labels": "edges"}, "labels is an option of the view volumes"),
        ({"depth": 0}, "depth must be at least 1, not 0"),
        ({"view": "graph", "depth": 9}, "the figure would have 479 boxes, over 200; a depth of 3"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        svg.generate(sample("nasnet_mobile"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("view", WHOLE)
def test_large_nets_end_soon(view: str) -> None:
    network = cnndsl.check(
        "block unit() { add { skip | conv 4 3x3 same; bn; relu } }\n"
        "input 8x8x4; repeat 1000 { unit }; conv 8 3x3"
    )
    many = cnndsl.check("input 8x8x4; repeat 1000 as i { conv (i%9 + 1) 3x3 same }")
    with at_most(1_000_000):
        assert "unit ×1000" in " ".join(texts(svg.generate(network, view=view)))
    with at_most(1_000_000), pytest.raises(OptionError, match=r"1,00\d boxes"):
        svg.generate(many, view=view)


# What cannot break out

NAMES = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["</svg><script>alert(1)</script>", "]]>", "&lt;", "--><b>", "a\0b", "\r\n", "\ufffe", "\"'`|$"]
)


def named(name: str) -> Network:
    """A net that bears a name wherever one shows, also such as no file can give."""
    network = cnndsl.check(
        "block unit(n) { conv n 3x3 same; relu; pool 2 }\n"
        "input 8x8x1 as image; input 3 as more; unit 4; unit 8; gap as seen\n"
        "head side { dense 2 }; concat { skip | from more; dense 4 }; dense 3"
    )
    network.name = name
    for node in network.nodes:
        node.name = node.alias = name
    network.outputs = {
        f"{name}{place}": each for place, each in enumerate(network.outputs.values())
    }
    return network


@pytest.mark.parametrize("view", WHOLE)
@given(name=NAMES)
def test_names_are_nothing_but_text(view: str, name: str) -> None:
    figure = svg.generate(named(name), view=view)
    root = ElementTree.fromstring(figure.encode("utf-8"))
    reader = Tags()
    reader.feed(f"<div>{figure}</div>")
    assert reader.found == {"div", *(element.tag.removeprefix(SVG) for element in root.iter())}
    allowed = {"svg", "title", "desc", "style", "rect", "text", "path", "polygon"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    for element in root.iter():
        assert not [key for key in element.attrib if key.startswith("on") or "href" in key]
    shown = root[0].text or ""
    assert shown == f"{picture_text(name)}: {words('en')[f'figure.{view}'][7:]}"
    plain = svg.generate(named("plain"), view=view)
    assert re.sub(r"c\w{8}", "", style_of(figure)) == re.sub(r"c\w{8}", "", style_of(plain))


class Tags(HTMLParser):
    """The elements of a page, as a reader of HTML finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.add(tag)


def picture_text(name: str) -> str:
    """A name as XML can hold it."""
    return "".join(
        (
            c
            if c in "\t\n\r"
            or (0x20 <= ord(c) <= 0xD7FF and not 0x7F <= ord(c) <= 0x9F)
            or (ord(c) >= 0xE000 and ord(c) & 0xFFFE != 0xFFFE)
            else "\ufffd"
        )
        for c in name
    )


def style_of(figure: str) -> str:
    (style,) = re.findall(r"<style>(.*?)</style>", figure)
    return style


@given(st.text())
def test_text_is_kept(name: str) -> None:
    """Whatever XML can hold comes back as it was, as content and as an attribute."""
    written = picture.escaped(name)
    element = ElementTree.fromstring(f'<a b="{written}">{written}</a>'.encode())
    assert (element.text or "") == picture_text(name)
    assert element.get("b") == picture_text(name)


def test_figures_in_one_page_keep_apart() -> None:
    figures = [svg.generate(sample(name)) for name in SAMPLES[:6]]
    names = [set(re.findall(r'(?:class|id)="([^"]+)"', figure)) for figure in figures]
    for place, each in enumerate(names):
        assert all(each.isdisjoint(other) for other in names[place + 1 :])
        (own,) = {word for word in each if "-" not in word}
        assert all(word.startswith(own) for word in each)


# Colours


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("day", [True, False])
def test_texts_stand_out(day: bool) -> None:
    """WCAG 2.2: 4.5 to 1 for text, and 3 to 1 for what has to be seen."""

    def colour(style: str, what: str = "fill") -> str:
        return picture.look(style, day)[what]

    grounds = [colour("sheet"), *(colour(family) for family in picture.FAMILIES)]
    for style in ("label", "title", "name", "small", "note"):
        for ground in grounds:
            assert contrast(colour(style), ground) >= 4.5, (style, ground)
    for family in picture.FAMILIES:
        assert contrast(colour(family, "stroke"), colour("sheet")) >= 3, family
        assert contrast(colour(f"{family}-solid"), colour("sheet")) >= 3, family
    assert contrast(colour("edge", "stroke"), colour("sheet")) >= 3


@pytest.mark.parametrize("view", WHOLE)
@pytest.mark.parametrize(
    "source",
    [
        "input 4",
        "input 4x4x1",
        "input 5x5x1; head x { }; relu",
        "input 4x4x1; reshape 2x2x4; flatten; reshape 4x4x1",
        "input 7; reshape 7x1; conv 3 3; gap",
        "input 8x8x1; skip as a; head s { from a; gap }; conv 2 3",
        "input 9x9x2 as a; input 5x5x2 as b; conv 3 3; gap; concat { skip | from b; gmp }",
        "input 100000x1; conv 4 50000 same",
        "input 8x8x1; up 2 bilinear; conv 4 3 same; up 3; conv 2 3",
        "input 6x6x6x2; conv 4 3; gap keep; flatten; dense 2",
    ],
)
def test_odd_nets_are_drawn(source: str, view: str) -> None:
    network = cnndsl.check(source)
    shown = "".join(texts(svg.generate(network, view=view)))
    shape = "×".join(map(str, network.nodes[-1].output))
    assert shape in shown or view == "receptive"


@pytest.mark.parametrize(("name", "view"), VIEWS_OF[:9])
def test_every_style_has_its_colours_by_day_and_by_night(name: str, view: str) -> None:
    figure = svg.generate(sample(name), view=view)
    used = dict(re.findall(r'class="c\w{8}-([\w-]+)"([^>]*)', figure))
    night = dict(re.findall(r"\.c\w{8}-([\w-]+)\{(.*?)\}", style_of(figure)))
    assert night.keys() == used.keys()
    for style, rules in night.items():
        for rule in rules.split(";"):
            assert f' {rule.partition(":")[0]}="' in used[style]


# The layout


@given(nets.branching_nets())
def test_random_nets_are_drawn(source: str) -> None:
    network = cnndsl.check(source)
    for view in WHOLE:
        for depth in (1, 2):
            ElementTree.fromstring(svg.generate(network, view=view, depth=depth))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[layered.Vertex], list[layered.Edge]]:
    count = draw(st.integers(1, 14))
    sizes = st.integers(10, 90)
    nodes = [layered.Vertex(draw(sizes), draw(sizes)) for _ in range(count)]
    edges = []
    for target in range(1, count):
        for source in sorted(draw(st.sets(st.integers(0, target - 1), max_size=3))):
            edges.append(layered.Edge(source, target))
    return nodes, edges


@given(graphs())
def test_boxes_keep_apart_and_edges_go_round_them(
    graph: tuple[list[layered.Vertex], list[layered.Edge]],
) -> None:
    nodes, edges = graph
    placed = layered.place(nodes, edges)
    boxes = [
        (x - node.width / 2, y, x + node.width / 2, y + node.height)
        for node, (x, y) in zip(nodes, placed.places, strict=True)
    ]
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert left >= -0.01 and right <= placed.width + 0.01 and bottom <= placed.height + 0.01
        for other in boxes[place + 1 :]:
            apart = left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]
            assert apart
    for edge, route in zip(edges, placed.routes, strict=True):
        x, y = placed.places[edge.source]
        assert route[0] == pytest.approx((x, y + nodes[edge.source].height))
        assert route[-1] == pytest.approx(placed.places[edge.target])
        for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(route)):
            assert to_y >= y - 0.01
            for left, top, right, bottom in boxes:
                if number % 2 == 0:  # straight down
                    assert abs(x - to_x) < 0.01
                    inside = left + 0.01 < x < right - 0.01
                else:  # a bend, which covers what lies between its ends
                    inside = left + 0.01 < max(x, to_x) and min(x, to_x) < right - 0.01
                assert not (inside and y < bottom - 0.01 and top + 0.01 < to_y)


@given(st.text(), st.floats(20, 300))
def test_texts_are_cut_to_fit(name: str, room: float) -> None:
    shown = text.cut(name, 12, room)
    assert text.width(shown, 12) <= room
    assert shown == name or (shown.endswith("…") and name.startswith(shown[:-1]))
    for line in text.wrap([name, "relu"], 12, room):
        assert text.width(line, 12) <= room


def test_what_is_cut_is_told_in_full() -> None:
    name = "a_very_long_name_that_no_box_has_room_for_in_any_figure"
    figure = svg.generate(cnndsl.check(f"input 8x8x1 as {name}; conv 2 3x3"))
    assert f"<title>{name}</title>" in figure and f">{name}<title>" not in figure


@pytest.mark.parametrize(
    ("name", "view"), [("article", "volumes"), ("ecg1d", "graph"), ("tutorial", "receptive")]
)
def test_golden_figures(name: str, view: str) -> None:
    """Byte for byte; `CNNDSL_UPDATE_GOLDEN=1` writes what comes of it today."""
    path = ROOT / "tests" / "golden" / "figures" / f"{name}-{view}.svg"
    figure = svg.generate(sample(name), view=view)
    if os.environ.get("CNNDSL_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(figure, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == figure


def test_checking_a_net_loads_no_figures() -> None:
    code = (
        "import sys, cnndsl\n"
        "net = cnndsl.check('input 8x8x1; conv 8 3')\n"
        "print([name for name in sys.modules if 'svg' in name or 'collapse' in name])\n"
        "cnndsl.build(net, 'svg'); cnndsl.build(net, 'mermaid')\n"
        "print(sorted({'jinja2', 'black', 'lark', 'inspect', 'xml'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n[]\n"


def test_a_reader_that_knows_no_media_sees_all() -> None:
    """CairoSVG takes a height of `auto` for none, in an attribute as in a rule."""
    drawn = svg.generate(cnndsl.check("input 8x8x1; conv 2 3x3; gap"))
    assert "style=" not in drawn.split(">", 1)[0]
    before, _, rule = drawn.partition("@media all")
    assert "auto" not in before and "max-width:100%;height:auto" in rule
