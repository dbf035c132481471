"""The targets png and pdf, and figures for those who read no CSS."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from running import run

import cnndsl
from cnndsl.contract import OptionError
from cnndsl.targets import Unavailable, svg

ROOT = Path(__file__).resolve().parent.parent
NET = "input 8x8x1\nconv 4 3x3 relu\nflatten\ndense 2 softmax"


def built(target: str, **options: Any) -> bytes:
    pytest.importorskip("typst")
    made = cnndsl.build(NET, target, **options)
    assert isinstance(made, bytes)
    return made


@pytest.mark.parametrize("view", ["graph", "sliding"])
def test_a_png_is_as_large_as_its_figure(view: str) -> None:
    root = ElementTree.fromstring(svg.generate(cnndsl.check(NET), view=view))
    made = built("png", view=view, scale=3)
    assert made.startswith(b"\x89PNG\r\n")
    for size, of in zip(struct.unpack(">II", made[16:24]), ("width", "height")):
        assert abs(size - 3 * float(root.get(of, ""))) <= 1


def test_the_same_figure_is_the_same_bytes_without_a_date() -> None:
    for target in ("png", "pdf"):
        first, night = built(target, lang="ko"), built(target, theme="dark", lang="ko")
        assert first == built(target, theme="light", lang="ko")
        assert first != night
    assert first.startswith(b"%PDF-") and not re.search(b"CreationDate|ModDate", first)


def test_frames_are_printed_too(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    (tmp_path / "a.cnn").write_text("input 3x3x1; conv 1 2x2")
    words = ["build", str(tmp_path / "a.cnn"), "--view", "sliding", "--frames", str(tmp_path)]
    for target in ("png", "pdf"):
        assert run(*words, "--target", target) == (0, "", "")
        assert sorted(file.name for file in tmp_path.glob(f"*.{target}")) == [
            f"a-{number}.{target}" for number in range(1, 5)
        ]


def test_what_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="over 50,000,000; give a smaller scale"):
        cnndsl.build(NET, "png", scale=100)
    with pytest.raises(OptionError, match="scale must be at least 1"):
        cnndsl.build(NET, "png", scale=0)
    with pytest.raises(OptionError, match="theme knows no `night`"):
        cnndsl.build(NET, "pdf", theme="night")
    for target in ("png", "pdf"):
        with pytest.raises(OptionError, match=f"a {target.upper()} stands still"):
            cnndsl.build(NET, target, view="sliding", animate=True)
    monkeypatch.setitem(sys.modules, "typst", None)
    for target in ("png", "pdf"):
        with pytest.raises(Unavailable, match=re.escape("cnndsl[figures]")):
            cnndsl.build(NET, target)


SHAPES = ("rect", "path", "polygon", "circle", "line", "text")


@pytest.mark.parametrize("view", svg.VIEWS)
@pytest.mark.parametrize("name", ["article", "unet", "ecg1d"])
def test_each_shape_has_its_looks_without_css(name: str, view: str) -> None:
    text = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8")
    figure = svg.generate(cnndsl.check(text, file=f"{name}.cnn"), view=view)
    count = 0
    for element in ElementTree.fromstring(figure).iter():
        if element.tag.rpartition("}")[2] in SHAPES:
            count += 1
            looks = {element.get("fill", "black"), element.get("stroke", "none")} - {"none"}
            assert looks and all(
                re.fullmatch("#[0-9a-f]{6}", look) for look in looks
            ), element.attrib
    assert count > 10 and "var(" not in figure


def test_a_theme_holds_whatever_the_reader_has() -> None:
    network = cnndsl.check(NET)
    light, dark, both = (svg.generate(network, theme=theme) for theme in ("light", "dark", None))
    assert "prefers-color-scheme" in both and "prefers-color-scheme" not in light + dark
    for figure, sheet in ((light, "#ffffff"), (dark, "#12171e"), (both, "#ffffff")):
        (rect,) = re.findall(r'<rect class="[^"]*-sheet" fill="(.*?)"', figure)
        assert rect == sheet


def test_korean_is_asked_of_a_korean_font() -> None:
    """Many readers look into the first font of a list alone, and then into any."""
    figure = ElementTree.fromstring(svg.generate(cnndsl.check(NET), view="graph", lang="ko"))
    for element in figure.iter("{http://www.w3.org/2000/svg}text"):
        korean = bool(re.search("[가-힣]", element.text or ""))
        assert ("KR" in (element.get("font-family") or "").split(",")[0]) == korean
