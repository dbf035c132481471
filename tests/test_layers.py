"""The pages in tests/layers: what each layer is, worked out by hand, and what it refuses.

A page is named for its layer. It holds nets; below each stands a table of all its layers, or
a list of what is wrong with it, as ``- CODE `the text it points at`: the message``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import cnndsl
from cnndsl.layers import LAYERS, MERGES

PAGES = {path.stem: path for path in sorted((Path(__file__).parent / "layers").glob("*.md"))}

_FENCE = re.compile(r"^```cnn\n(.*?)^```\n(.*?)(?=^```cnn$|\Z)", re.M | re.S)
_ERROR = re.compile(r"^- (E\d{3}) `(.*?)`: (.*)$", re.M)


class Case(NamedTuple):
    """A net, and what is said below it."""

    name: str
    net: str
    table: list[dict[str, str]]
    errors: list[tuple[str, str, str]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read(path: Path) -> list[Case]:
    """The nets of a page."""
    found = []
    for number, (net, below) in enumerate(_FENCE.findall(path.read_text(encoding="utf-8")), 1):
        lines = [line for line in below.split("\n") if line.startswith("|")]
        titles, rows = (cells(lines[0]), lines[2:]) if lines else ([], [])
        table = [dict(zip(titles, cells(row), strict=True)) for row in rows]
        found.append(Case(f"{path.stem}-{number}", net, table, _ERROR.findall(below)))
    return found


CASES = [case for path in PAGES.values() for case in read(path)]


def test_every_layer_has_its_page() -> None:
    assert set(PAGES) == {*LAYERS, *MERGES}, "tests/layers has a page OP.md for each layer"


@pytest.mark.parametrize("name", PAGES)
def test_pages_say_enough(name: str) -> None:
    """Each begins with a sentence, has the layer come out, and has it refused."""
    text = PAGES[name].read_text(encoding="utf-8")
    assert re.match(rf"# {name}\n\n[A-Z0-9`(]", text)
    cases = read(PAGES[name])
    assert all(bool(case.table) != bool(case.errors) for case in cases), "a table or errors"
    assert any(case.errors for case in cases)
    assert any(re.search(rf"\b{name}\b", case.net) for case in cases if case.table)
    assert max(len(line) for line in text.split("\n") if line[:1] not in "|-") <= 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_as_the_page_says(case: Case) -> None:
    # Advice is another matter: a page may show what one had better not write.
    problems = [each for each in cnndsl.diagnose(case.net) if each.severity == "error"]
    found = [
        (each.code, each.source.text[each.span.start : each.span.end], each.message)
        for each in problems
    ]
    assert found == case.errors
    if problems:
        return
    rows = json.loads(cnndsl.build(case.net, "json"))["layers"]
    told = [
        {
            "layer": row["name"],
            "output": "x".join(map(str, row["output"])),
            "field": "x".join(map(str, row["field"])),
            **{key: f"{row[key]:,}" for key in ("params", "weights", "trainable", "macs")},
        }
        for row in rows
    ]
    assert [{key: row[key] for key in case.table[0]} for row in told] == case.table


@pytest.mark.parametrize(
    ("layer", "value", "keras", "torch"),
    [
        ("bn", "eps", 1e-3, 1e-5),
        ("bn", "momentum", 0.99, 0.9),
        ("ln", "eps", 1e-3, 1e-5),
        ("gn 2", "eps", 1e-3, 1e-5),
        ("leaky_relu", "slope", 0.3, 0.01),
        ("prelu", "initial", 0, 0.25),
    ],
)
def test_defaults_are_those_of_a_framework(
    layer: str, value: str, keras: float, torch: float
) -> None:
    for defaults, expected in (("", keras), ("defaults keras", keras), ("defaults torch", torch)):
        network = cnndsl.check(f"{defaults}\ninput 4x4x2\n{layer}")
        assert getattr(network.layers[0].layer, value) == expected
