"""Figures of nets with errors: what is marked, what is told, and that nothing breaks out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from steps import at_most

from cnndsl.analysis import analyse
from cnndsl.targets import svg

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"


def drawn(source: str, **options: object) -> ElementTree.Element:
    found = analyse(source, file="net.cnn")
    assert found.problems
    return ElementTree.fromstring(svg.explain(found.attempt, found.problems, **options))


def of(figure: ElementTree.Element, style: str) -> int:
    """How many rectangles there are of a style; the legend has one of those that are assumed."""
    return sum(each.get("class", "").endswith(f"-{style}") for each in figure.iter(f"{SVG}rect"))


def texts(figure: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in figure.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("source", "written", "misfits", "assumed"),
    [
        ("input 8x8x1\nconv 4 9x9 relu\npool 2\nflatten", "conv 4 9x9 relu", 1, 3),
        ("input 8x8x1\npool 3\nconv 4 1", "pool 3", 1, 2),
        ("input 8x8x1\nconb 4 3x3\npool 2", "conb 4 3x3", 1, 0),
        ("input 8x8x1\nconv 4 3\ndense 10\ndense 2", "dense 10", 1, 2),
        ("input 8x8x1\nconv 4 3\nwhatever 7\npool 2", "whatever 7", 1, 2),
        ("input 8x8x1\nconv 4 3\nexpect params == 3", "expect params == 3", 1, 0),
        ("input 8x8x1\nadd { conv 4 3 | conv 5 3 }\nrelu", "add", 1, 2),
        ("input 8x8x1\nconv 4 3\nadd { dense 3 | flatten; dense 3 }\nrelu", "dense 3", 1, 2),
        ("block b() { conv 4 3; dense 5; dense 6 }\ninput 8x8x1\nb; b", "dense 5", 2, 3),
        ("input 8x8x1\nconv 4 3\nconv 4 ((", "conv 4 ((", 1, 0),
    ],
)
def test_what_does_not_fit_is_marked(source: str, written: str, misfits: int, assumed: int) -> None:
    figure = drawn(source, view="graph", depth=2)
    shown = texts(figure)
    assert of(figure, "misfit") == misfits and shown.count("error") >= misfits
    assert written in shown
    assert bool(of(figure, "assumed")) == bool(assumed) and of(figure, "assumed") >= assumed
    assert any(text.startswith("Line ") for text in shown)
    assert "error" in figure.findtext(f"{SVG}desc", "")
    for view in ("volumes", "receptive"):
        drawn(source, view=view)


def test_an_assumed_field_is_dashed() -> None:
    figure = drawn("input 9x9x1\npool 2\nconv 9 2x2", view="receptive")
    assert of(figure, "misfit-solid") and not of(figure, "assumed-solid")
    assert of(figure, "assumed") > 1  # beside that of the legend


def test_no_numbers_slide_over_what_is_in_doubt() -> None:
    """A layer before the errors is drawn; for any other the graph, where they are marked."""
    sound = "input 8x8x1\nconv 4 3\n"
    first = drawn(f"{sound}conv 2 9x9\nconv 4 1", view="sliding")
    assert of(first, "aim") and not of(first, "misfit") and not of(first, "assumed")
    for source, layer in (
        (f"{sound}conv 2 9x9\nconv 4 1", "conv3"),
        ("input 4x4x1\nconv 2 9", None),
    ):
        figure = drawn(source, view="sliding", layer=layer)
        assert of(figure, "misfit") and not of(figure, "aim")


@pytest.mark.parametrize("source", ["", "conv 3", "((", "input 4x4x1 as a;; }", "net"])
def test_a_net_that_has_not_begun_is_a_small_picture(source: str) -> None:
    for lang, line in (("en", "Line 1: "), ("ko", "1번째 줄: ")):
        figure = drawn(source, lang=lang)
        assert float(figure.get("height", "")) < 250
        assert any(text.startswith(line) for text in texts(figure))


@pytest.mark.parametrize("view", ["graph", "volumes"])
def test_statements_are_nothing_but_text(view: str) -> None:
    odd = "</text><script>alert(1)</script>&\"'"
    figure = drawn(f'input 8x8x1\nconv 4 3\nfrom "{odd}"\n{odd}\nconv 9 99 {odd}', view=view)
    assert not list(figure.iter(f"{SVG}script"))


def test_the_command_draws_and_fails(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text("input 8x8x1\nconv 4 9x9\n")
    run = subprocess.run(
        [sys.executable, "-m", "cnndsl", "build", "net.cnn", "--target", "svg", "--lang", "ko"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 1 and "E203" in run.stderr
    assert "오류" in texts(ElementTree.fromstring(run.stdout))


@pytest.mark.parametrize("name", ["siamese", "two_inputs", "resnet18"])
def test_whatever_is_wrong_is_drawn(name: str) -> None:
    """A line too much, or one that is missing, anywhere in a net with blocks and merges."""
    lines = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8").split("\n")
    for place in range(len(lines)):
        broken = [*lines[:place], ("dense 3", "} pool 99", "conv 9 {")[place % 3], *lines[place:]]
        for source in ("\n".join(broken), "\n".join(lines[:place] + lines[place + 1 :])):
            found = analyse(source, file="net.cnn")
            for view in ("graph", "volumes") if found.problems else ():
                ElementTree.fromstring(svg.explain(found.attempt, found.problems, view=view))


def test_many_errors_end_soon() -> None:
    found = analyse("input 8x8x1\n" + "conv 9 99\nwhatever\n" * 400, file="net.cnn")
    with at_most(500_000):
        written = svg.explain(found.attempt, found.problems, view="receptive")
    assert f"and {len(found.problems) - 8} more" in texts(ElementTree.fromstring(written))
