"""It never breaks: texts that nobody would write, and runs that are killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random

import pytest
from fuzz_long import shrunk
from fuzzing import Case, case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promises import ENVIRONMENT, PROBES, Fault, Net, World, attempt
from running import ROOT
from steps import at_most

from cnndsl.cli.terminal.files import find_files
from cnndsl.diagnostics import Source

MOST = 30_000_000
"""How many calls one command may make; a tenth of it is already very much."""
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and links of POSIX")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("fuzz"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(world.scratch))
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield world


@POSIX
@settings(max_examples=settings.default.max_examples, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**32))
def test_fuzz_any_text(world: World, number: int) -> None:
    world.around = partial(at_most, MOST)
    try:
        attempt(case(0, "nets", number), world)
    finally:
        world.around = nullcontext


FIRST = {"nets": 60, "posts": 8, "configurations": 25, "baselines": 25, "caches": 6}


@POSIX
@pytest.mark.parametrize("kind", FIRST)
def test_fuzz_the_first_of_each_kind(world: World, kind: str) -> None:
    for number in range(FIRST[kind]):
        attempt(case(8, kind, number), world)


@POSIX
@pytest.mark.long
def test_fuzz_more_of_each_kind(tmp_path: Path) -> None:
    """With bounds of memory, weights too, and a table; `make fuzz-texts` goes on."""
    words = ("--most", "20", "--jobs", "2", "--seed", "2", "--slack", "20")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "fuzz_long.py"), *words, "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "120 cases, 0 failed in 0 ways" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


NET = b"input 8x8x1\nconv 2 3 floor\nlet unused = 3\n"


@POSIX
def test_the_fuzzer_can_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asserted of a text is not true of just any program."""
    from cnndsl import api
    from cnndsl.cli.commands import show
    from cnndsl.quickfix import apply

    made = Case("nets", {"net.cnn": NET, "other.cnn.old": NET}, "net.cnn", (), 0.5)
    net = Net(world, made, Random(0))
    world.lay(made)
    for probe in (Net.check, *PROBES):
        probe(net)
    real, mend = api.format_source, apply.mend

    def spoil(source: Source, *words: object, **more: object) -> object:
        mended = mend(source, *words, **more)  # type: ignore[arg-type]
        return mended._replace(source=Source(source.name, mended.source.text + "x 1\n"))

    with monkeypatch.context() as patch:
        patch.setattr(api, "format_source", lambda source: (real(source)[0] + "relu\n", []))
        patch.setattr(apply, "mend", spoil)
        for probe in (Net.form, Net.fix):
            with pytest.raises(AssertionError):
                probe(net)
    deeds: list[tuple[str, Callable[[], object]]] = [
        ("ZeroDivisionError", lambda: 1 // 0),
        ("Outside", (world.outside / "x.json").read_bytes),
        ("Outside", (world.outside / "new").mkdir),
        ("Outside", lambda: os.system("true")),
        ("raw output", lambda: print(" ::error::x")),
        ("raw output", lambda: print("\x1b[31m")),
        ("secret told", lambda: print(os.environ["SOMETHING"])),
    ]
    for what, deed in deeds:
        monkeypatch.setattr(show, "run", lambda arguments, deed=deed: (deed(), 0)[1])
        with pytest.raises(Fault) as caught:
            world.run("show", "net.cnn")
        assert caught.value.what == what


def test_a_failure_is_made_smaller() -> None:
    text = b"input 3\nrelu; pool 2\nflatten\n" * 9
    assert shrunk(text, lambda fewer: b"pool" in fewer) == b"pool"
    assert shrunk(text, lambda fewer: fewer.count(b"\n") > 3) == b"\n" * 4


# Runs that are killed

MESSY = "input   28x28x1\nconv 8   3x3 relu;pool 2\n{}flatten ; dense 10\n"
FIXABLE = "input 28x28x1\nconv 8 3x3\nconf 8 3x3 rleu\n# {}\nflatten\ndense 10\n"
POST = (
    "```cnn\ninput 8x8x1\nconv {} 3x3 relu\n```\n\n<!-- cnndsl: table -->\nold\n<!-- /cnndsl -->\n"
)
FILES = 12


def prepare(folder: Path, command: str) -> tuple[list[str], dict[Path, bytes]]:
    """A command on many files, and what they hold before it."""
    text = {"fmt": MESSY, "check": FIXABLE, "docs": POST, "build": MESSY}[command]
    suffix = ".md" if command == "docs" else ".cnn"
    for number in range(FILES):
        padding = "# a comment that takes some room\n" * 200 if command in ("fmt", "build") else "9"
        (folder / f"n{number}{suffix}").write_text(text.format(padding), encoding="utf-8")
    words = [command, str(folder)]
    if command == "check":
        words += ["--fix", "--unsafe", "--no-cache", "--jobs", "1"]
    if command == "build":
        out = folder / "out"
        out.mkdir()
        for number in range(FILES):
            (out / f"n{number}.json").write_text("old", encoding="utf-8")
        words += ["--target", "json", "-o", str(out)]
    return words, whole(folder)


def whole(folder: Path) -> dict[Path, bytes]:
    """What all files below a folder hold, but for hidden ones."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def compare(folder: Path, before: dict[Path, bytes], after: dict[Path, bytes]) -> int:
    """See that every file is whole, and give how many are new."""
    now = whole(folder)
    assert set(now) <= set(after)
    assert set(before) <= set(now)
    for path, content in now.items():
        assert content in (before.get(path), after[path]), path
    for left in folder.rglob(".*"):
        assert left.name.startswith(".cnndsl-") and left.name.endswith(".tmp")
    suffix = next(iter(before)).suffix
    hidden = [path for path in find_files([str(folder)], suffix) if Path(path).name.startswith(".")]
    assert not hidden
    return sum(content != before.get(path) for path, content in now.items())


def start(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cnndsl", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )


def outcome(folder: Path, command: str) -> tuple[dict[Path, bytes], dict[Path, bytes], float]:
    """The files before and after a run that nobody kills, and how long that took."""
    words, before = prepare(folder, command)
    begin = time.monotonic()
    start(words).wait(timeout=300)
    spent = time.monotonic() - begin
    after = whole(folder)
    assert after != before
    return before, after, spent


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("command", ["fmt", "check", "build", "docs"])
def test_fuzz_a_run_killed_at_any_moment(tmp_path: Path, command: str) -> None:
    kills = max(3, settings.default.max_examples // 100)
    random = Random(command)
    (tmp_path / "whole").mkdir()
    before, after, spent = outcome(tmp_path / "whole", command)
    for number in range(kills):
        folder = tmp_path / str(number)
        folder.mkdir()
        words, found = prepare(folder, command)
        assert found == before
        ran = start(words)
        time.sleep(spent * random.uniform(0.3, 1.0))
        ran.send_signal(signal.SIGKILL)
        ran.wait(timeout=60)
        compare(folder, before, after)


STEPS = """
import os, sys
most = int(sys.argv[1])
count = 0
def guard(name):
    real = getattr(os, name)
    def guarded(*words, **more):
        global count
        if any(".cnndsl-" in str(word) for word in words):
            count += 1
            if count > most:
                os._exit(9)
        return real(*words, **more)
    setattr(os, name, guarded)
for name in ("open", "replace", "chmod", "unlink"):
    guard(name)
from cnndsl.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("command", ["fmt", "check", "build", "docs"])
def test_a_run_that_ends_at_any_step(tmp_path: Path, command: str) -> None:
    """The run ends right before one of the calls by which files are written."""
    (tmp_path / "whole").mkdir()
    before, after, _ = outcome(tmp_path / "whole", command)
    news = []
    for step in (0, 1, 2 * FILES + 1, 3 * FILES):
        folder = tmp_path / str(step)
        folder.mkdir()
        words, _ = prepare(folder, command)
        ran = subprocess.run(
            [sys.executable, "-c", STEPS, str(step), *words],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            timeout=120,
            check=False,
        )
        assert ran.returncode in (0, 1, 9), ran.stderr
        news.append(compare(folder, before, after))
    assert news == sorted(news) and news[0] == 0 and news[-1] > 0
