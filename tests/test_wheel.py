"""The package as its users get it: built, installed in a fresh environment, run elsewhere.

    pytest -m wheel tests/test_wheel.py

These tests want a package registry, and so they only run when asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import cnndsl

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = (ROOT / "samples" / "article.cnn").read_text(encoding="utf-8")
TARGETS = sorted(path.parent.name for path in (ROOT / "cnndsl/targets").glob("*/__init__.py"))

pytestmark = pytest.mark.wheel


def run(command: list[str | Path], cwd: Path, code: int = 0) -> str:
    """What a command prints; it has to end with the given code."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--outdir", folder, ROOT], folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module", params=["wheel", "editable"])
def bin_(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The programs of a fresh environment with cnndsl and what it needs to run."""
    folder = tmp_path_factory.mktemp(request.param)
    run([sys.executable, "-m", "venv", folder / "venv"], folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    what = [wheel] if request.param == "wheel" else ["--editable", ROOT]
    run([programs / "python", "-m", "pip", "install", "--quiet", *what], folder)
    return programs


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A folder far from the checkout, with a net in it."""
    (tmp_path / "article.cnn").write_text(ARTICLE, encoding="utf-8")
    return tmp_path


def test_the_wheel_holds_what_runs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.md", "*.j2", "py.typed")
        for path in (ROOT / "cnndsl").rglob(pattern)
    }
    assert data | {"cnndsl/grammar/cnn.lark"} <= names
    outside = {name for name in names if not name.startswith(("cnndsl/", "cnndsl-"))}
    assert not outside
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_source_distribution_holds_everything(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for file in (
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        ".ci/run",
        "grammar/cnn.lark",
        "samples/article.cnn",
        "benchmarks/run.py",
        "tests/test_wheel.py",
        "cnndsl/py.typed",
    ):
        assert file in names


def test_nothing_that_only_tests_need_came_along(bin_: Path, away: Path) -> None:
    code = (
        "import importlib.util as u;"
        "print([n for n in ('lark', 'pytest', 'keras', 'torch', 'numpy') if u.find_spec(n)])"
    )
    assert run([bin_ / "python", "-c", code], away) == "[]\n"


def test_the_grammar_is_found(bin_: Path, away: Path) -> None:
    code = "from cnndsl.syntax import grammar_text; print(grammar_text(), end='')"
    grammar = (ROOT / "grammar" / "cnn.lark").read_text(encoding="utf-8")
    assert run([bin_ / "python", "-c", code], away) == grammar


def test_version(bin_: Path, away: Path) -> None:
    code = "from importlib.metadata import version; print(f'cnndsl {version(\"cnndsl\")}')"
    assert run([bin_ / "cnndsl", "--version"], away) == run([bin_ / "python", "-c", code], away)


def test_check(bin_: Path, away: Path) -> None:
    run([bin_ / "cnndsl", "check", "article.cnn"], away)
    (away / "bad.cnn").write_text("input 9x9x1\npool 2\n", encoding="utf-8")
    assert "E202" in run([bin_ / "cnndsl", "check", "bad.cnn"], away, code=1)


@pytest.mark.parametrize("target", TARGETS)
def test_build(bin_: Path, away: Path, target: str) -> None:
    command = [bin_ / "cnndsl", "build", "article.cnn", "--target", target]
    if target in ("onnx", "pdf", "png"):  # whose libraries nothing but these needs
        run(command, away, code=2)
        return
    made = cnndsl.build(ARTICLE, target, file="article.cnn")
    assert isinstance(made, str)
    assert run(command, away) == made.replace("\r\n", "\n")  # as `run` reads a CSV


def test_fmt(bin_: Path, away: Path) -> None:
    run([bin_ / "cnndsl", "fmt", "--check", "article.cnn"], away)
    (away / "loose.cnn").write_text("input  39×31x1\nconv 20   (4,4)", encoding="utf-8")
    run([bin_ / "cnndsl", "fmt", "loose.cnn"], away)
    assert (away / "loose.cnn").read_text() == "input 39x31x1\nconv 20 4x4\n"


def test_rule(bin_: Path, away: Path) -> None:
    assert "E202" in run([bin_ / "cnndsl", "rule"], away)
    for page in sorted((ROOT / "cnndsl/diagnostics/pages").glob("*.md")):
        assert page.stem in run([bin_ / "cnndsl", "rule", page.stem], away)
    assert "## 설명" in run([bin_ / "cnndsl", "rule", "E202", "--lang", "ko"], away)
