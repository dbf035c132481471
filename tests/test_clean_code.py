"""Generated code as pyflakes reads it: no name is undefined, unused or defined twice."""

from __future__ import annotations

from pathlib import Path

import fuzz_nets
import pytest
import reading
from conftest import few
from hypothesis import HealthCheck, given, settings
from nets import network
from reading import FRAMEWORKS, flaws
from strategies import Chance, grown, valid_nets

from cnndsl.contract import TargetError
from cnndsl.targets import load

TESTS = Path(__file__).resolve().parent
FOLDERS = (TESTS.parent / "samples", TESTS / "golden", TESTS / "nets_marks")


def read(path: Path) -> str:
    """The text of a file; an empty one where it is no text."""
    return path.read_bytes().decode("utf-8", "ignore")


FILES = [path for folder in FOLDERS for path in sorted(folder.rglob("*.cnn"))]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def clean(text: str, name: str = "net.cnn") -> None:
    """Fail where the code of a net has flaws in any framework that can express it."""
    net = network(text, name)
    assert net is not None
    for target in FRAMEWORKS:
        try:
            code = str(load(target).generate(net))
        except TargetError:
            continue
        assert not flaws(code), f"{target}: {flaws(code)}\n{text}\n{code}"


# The large ones take a second each, most of it for their layout.
LIGHT = [path for path in FILES if path.stat().st_size < 500]


@pytest.mark.parametrize(
    "path", few(FILES, LIGHT[::4], turn=0), ids=lambda path: "/".join(path.parts[-2:])
)
def test_of_every_file(path: Path) -> None:
    if network(read(path), path.name) is not None:  # else it is there for its mistakes
        clean(read(path), path.name)


@given(valid_nets())
@settings(suppress_health_check=SLOW)
def test_property_of_random_nets(text: str) -> None:
    clean(text)


@pytest.mark.long
def test_of_the_first_random_nets() -> None:
    """The same nets each time, as Hypothesis looks at small ones above all."""
    for seed in range(12):
        clean(grown(Chance(seed)))


def test_the_fuzzer_counts_part_by_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz_nets, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(fuzz_nets.Tries, "text", lambda self, seed: f"input {seed}; dense 3")
    assert fuzz_nets.run(fuzz_nets.Tries(["pytorch"], 1.0, 0.0), 3, 1) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 nets in ") and "; 3 held in all that was tried of them\n" in said
    for what in ("clean, keras", "built, pytorch", "values, keras = pytorch"):
        assert f"  {what}: 3 of 3 held; 0 refused by a target;" in said
    assert "built, keras" not in said and "0 kinds of failure" in said

    wrong = ["line 1: wrong"]
    monkeypatch.setattr(reading, "flaws", lambda code: wrong if "(N, 2) in" in code else [])
    assert fuzz_nets.run(fuzz_nets.Tries([], 0.0, 0.0), 3, 1) == 1
    said = capsys.readouterr().out
    assert said.startswith("3 nets in ") and "; 2 held in all that was tried of them\n" in said
    for target in FRAMEWORKS:
        assert f"  clean, {target}: 2 of 3 held; 0 refused by a target;" in said
        kind = f"clean, {target}: AssertionError: line N: wrong"
        assert f"  1 times, first seed 2: {kind}\n" in said
    assert (tmp_path / "kept" / "net2.cnn").read_text() == "input 2; dense 3"


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ("def f():\n    return n\n", "line 2: undefined name 'n'"),
        ("import math\n", "line 1: 'math' imported but unused"),
        ("def f(x):\n    y = x\n    return x\n", "line 2: local variable 'y' is assigned to but"),
        ("class A:\n    pass\n\n\nclass A:\n    pass\n", "`A` is defined twice"),
        ("class A:\n    def f(self): ...\n    def f(self): ...\n", "`f` is defined twice"),
        ("self.as = 1\n", "does not compile"),
        ("def f(x, x):\n    return x\n", "does not compile"),
    ],
)
def test_a_flaw_is_found(code: str, flaw: str) -> None:
    assert any(each.startswith(flaw) for each in flaws(code)), flaws(code)
    assert not flaws("import math\n\n\ndef f(x):\n    return math.sqrt(x)\n")
