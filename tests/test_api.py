"""cnndsl for programs: what the functions give and raise."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import cnndsl
from cnndsl import CnndslError, api
from cnndsl.syntax import nodes

TEXT = "input 28x28x1; conv 8 3x3 relu; flatten; dense 10 softmax"


def test_names() -> None:
    assert set(cnndsl.__all__) <= set(dir(cnndsl))
    assert set(api.__all__) == set(cnndsl.__all__) - {"__version__"}
    for name in api.__all__:
        assert getattr(cnndsl, name) is getattr(api, name)
    assert cnndsl.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cnndsl.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; old = set(sys.modules); import cnndsl; print(*set(sys.modules) - old)"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["cnndsl"]


def test_parse() -> None:
    module = cnndsl.parse(TEXT)
    assert [type(each) for each in module.statements] == [nodes.Input] + [nodes.Apply] * 3
    with pytest.raises(CnndslError) as caught:
        cnndsl.parse("conv 8,", "a.cnn")
    assert [each.code for each in caught.value.diagnostics] == ["E002"]
    assert "--> a.cnn:1:7" in str(caught.value)


def test_check() -> None:
    net = cnndsl.check(TEXT)
    assert isinstance(net, cnndsl.Network)
    assert net.totals.params == 54_170
    assert [node.output for node in net.layers] == [(26, 26, 8), (5408,), (10,)]
    assert cnndsl.check(TEXT, file="nets/small.cnn").name == "small"
    assert cnndsl.check("\ufeff" + TEXT).totals == net.totals


@pytest.mark.parametrize("value", [16, "16", "1_6", 16.0])
def test_check_with_settings(value: object) -> None:
    text = "param width = 8; conv width 3x3"
    net = cnndsl.check(text, set={"width": value}, input="28x28x1")  # type: ignore[dict-item]
    assert net.totals.params == 160


def test_check_with_a_size_as_setting() -> None:
    text = "param k = 3x3; input 28x28x1; conv 8 k"
    assert cnndsl.check(text, set={"k": (5, 5)}).totals.params == 208
    assert cnndsl.check(text, set={"k": "5x5"}).totals.params == 208


def test_check_raises_everything_at_once() -> None:
    text = "input 28x28x1\npool 3\nconv 8 3x3 /2 nobia\n"
    with pytest.raises(CnndslError) as caught:
        cnndsl.check(text)
    error = caught.value
    assert isinstance(error, ValueError)
    assert [each.code for each in error.diagnostics] == ["E202", "E102"]
    assert str(error).count(" --> <text>:") == 2
    assert "\x1b" not in str(error) and not str(error).endswith("\n")


def test_limit() -> None:
    text = "input 8; repeat 100 { relu }"
    assert len(cnndsl.check(text).layers) == 100
    with pytest.raises(CnndslError, match="E302"):
        cnndsl.check(text, limit=99)


def test_diagnose() -> None:
    assert cnndsl.diagnose(TEXT) == []
    found = cnndsl.diagnose("input 28x28x1; pool 3; convv 8 3")
    assert [each.code for each in found] == ["E202", "E101"]
    assert [each.code for each in cnndsl.diagnose("relu")] == ["E112"]


def test_build() -> None:
    net = cnndsl.check(TEXT, file="small.cnn")
    text = cnndsl.build(net, "json")
    assert text == cnndsl.build(TEXT, "json", file="small.cnn")
    assert '"net": "small"' in text
    with pytest.raises(CnndslError, match="E201"):
        cnndsl.build("input 4x4x1; conv 8 3x3 /2", "json")
    with pytest.raises(ValueError, match=r"unknown target 'fortran': the targets are .*json"):
        cnndsl.build(net, "fortran")


def test_build_takes_what_check_takes() -> None:
    text = cnndsl.build("param n = 8; conv n 3x3", "json", set={"n": 4}, input="9x9x1", limit=1)
    assert '"params": 40' in text


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("markdown", {"styel": "full"}, "markdown takes no `styel`; did you mean `style`?"),
        ("keras", {"colour": 1}, "keras takes no `colour`; its options are logits"),
        ("json", {"depth": 1}, "json takes no `depth`; it has no options"),
        ("html", {"style": "nonsense"}, "style knows no `nonsense`; did you mean `dense`?"),
        ("csv", {"columns": ["filtr"]}, "columns knows no `filtr`; did you mean `filter`?"),
        ("csv", {"columns": "layer,name"}, "columns wants a list of words, not 'layer,name'"),
        ("csv", {"columns": 5}, "columns wants a list of words, not 5"),
        ("svg", {"view": 3}, "view wants a word, not 3"),
        ("mermaid", {"depth": 0}, "depth must be at least 1, not 0"),
        ("walkthrough", {"level": True}, "level must be at least 1, not True"),
        ("keras", {"logits": "no"}, "logits wants True or False, not 'no'"),
    ],
)
def test_build_says_which_option_is_wrong(
    target: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as raised:
        cnndsl.build(TEXT, target, **options)
    assert str(raised.value) == message


def test_build_takes_what_is_said_unless_said() -> None:
    assert cnndsl.build(TEXT, "markdown", depth=None, columns=None) == cnndsl.build(
        TEXT, "markdown"
    )
    assert cnndsl.build(TEXT, "csv", columns=["layer", "parameters"], lang="ko")


def test_format() -> None:
    text = cnndsl.format("input  28x28x1;conv 8 (3,3) relu # a layer")
    assert cnndsl.format(text) == text
    assert "conv 8 3x3 relu" in text and text.endswith("# a layer\n")
    with pytest.raises(CnndslError, match="E002"):
        cnndsl.format("conv 8,")
