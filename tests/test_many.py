"""Many files: from the cache, from several processes or one after the other, it is the same."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import teams
from conftest import few
from hypothesis import given
from hypothesis import strategies as st
from running import ROOT, run

from cnndsl.api import lint
from cnndsl.cli.runner import cache, many, outcome, plan, workers
from cnndsl.cli.runner.cache import Cache, FileKeys
from cnndsl.cli.terminal.progress import Progress
from cnndsl.diagnostics import CODES, Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.diagnostics.packed import pack, unpack

NETS = sorted((ROOT / "tests" / "golden").rglob("*.cnn"))
SOME = NETS[1::9]
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a cache of its own, where a few files count as many.

    All is done in this process: what is to start others begins in one of its own, `processes`.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNDSL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(outcome, "MUCH", -1)
    monkeypatch.setattr(many, "SHARED", -1)
    monkeypatch.setattr(many, "CHUNK", 3_000)
    monkeypatch.setattr(many, "cores", lambda: 1)
    return tmp_path


@pytest.fixture
def nets(folder: Path) -> Path:
    """Nets of all sorts, right and wrong, and one that is no text."""
    for index, path in enumerate(SOME):
        to = folder / "nets" / f"{index:03}" / path.name
        to.parent.mkdir(parents=True)
        to.write_bytes(path.read_bytes())
    (folder / "nets" / "latin.cnn").write_bytes(b"\xef\xbb\xbf# caf\xe9\ninput 8\n")
    (folder / "nets" / "unused.cnn").write_text("let n = 3\ninput 8\ndense 4\n")
    return folder / "nets"


def cached(folder: Path) -> list[Path]:
    return sorted((folder / "cache").glob("check-*"))


@pytest.mark.parametrize("form", few(["text", "json", "sarif"], ["json"], "long"))
def test_however_it_is_done_it_is_the_same(
    nets: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("check", "nets", "nets/missing.cnn", "--format", form)
    cold = apart(*words, "--jobs", "2")
    asked: list[str] = []
    answer = plan.Question.answer

    def note(self: plan.Question, name: str, content: bytes, codes: frozenset[str]) -> Any:
        asked.append(name)
        return answer(self, name, content, codes)

    monkeypatch.setattr(plan.Question, "answer", note)
    assert run(*words) == cold
    assert asked == []  # everything was known
    assert run(*words, "--no-cache", "--jobs", "1") == cold
    assert len(asked) == len(SOME) + 2
    assert apart(*words, "--no-cache", "--jobs", "3") == cold
    with monkeypatch.context() as patch:
        patch.setattr(outcome, "MUCH", 10**12)
        assert run(*words) == cold
    assert cold[0] == 2 and "E006" in cold[1]


def test_a_start_with_little_to_do_loads_none_of_it() -> None:
    script = (
        "import sys; from cnndsl.cli import main; main(sys.argv[1:]);"
        "print(*[name for name in sys.modules if 'many' in name or 'multiproc' in name])"
    )
    sample = str(ROOT / "samples" / "article.cnn")
    done = subprocess.run(
        [sys.executable, "-c", script, "check", sample, sample],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == "1 file is clean\n\n"


# What passes between processes and runs


def test_a_file_alone_is_checked_each_time(folder: Path) -> None:
    Path("a.cnn").write_text("input 8\ndense 4\n")
    assert run("check", "a.cnn")[0] == 0
    assert cached(folder) == []


def test_findings_come_back_as_they_were(nets: Path) -> None:
    seen = set()
    for path in (*NETS, nets / "unused.cnn"):
        source = Source(path.name, path.read_text(encoding="utf-8", errors="replace"))
        found = lint(source, frozenset(CODES))
        assert unpack(json.loads(json.dumps(pack(found))), source) == found
        seen |= {each.code for each in found}
        # A file's folder means nothing, so that its key can leave it out.
        moved = lint(Source(f"else/where/{path.name}", source.text), frozenset(CODES))
        assert pack(moved) == pack(found)
    assert len(seen) > 25


@given(st.text(), st.text(), st.lists(st.integers(0, 9), min_size=2, max_size=2), st.booleans())
def test_property_any_finding_comes_back(
    message: str, text: str, span: list[int], safe: bool
) -> None:
    source, where = Source("a", "0123456789"), Span(*sorted(span))
    found = [
        Diagnostic(
            "E201",
            source,
            where,
            message,
            text,
            (Note(message), Note(text, where)),
            (Fix(text, (Edit(where, message), Edit(where, "")), safe), Fix("", ())),
        )
    ]
    assert unpack(json.loads(json.dumps(pack(found))), source) == found


# The cache


def test_the_key_holds_whatever_the_answer_follows_from() -> None:
    codes = [frozenset({"W101"}), frozenset({"W102"}), frozenset({"W101", "W102"})]
    keys, other = FileKeys("about"), FileKeys("something else")
    found = [
        keys.key("a.cnn", b"x", codes[0]),
        keys.key("a.cnn", b"x", codes[1]),
        keys.key("a.cnn", b"x", codes[2]),
        keys.key("b.cnn", b"x", codes[0]),
        keys.key("a.cnn", b"y", codes[0]),
        keys.key("a.cn", b"nx", codes[0]),
        other.key("a.cnn", b"x", codes[0]),
    ]
    assert len(set(found)) == len(found)
    assert keys.key("x/a.cnn", b"x", codes[0]) == keys.key("y\\a.cnn", b"x", codes[0]) == found[0]


def test_settings_and_rules_are_not_mixed_up(folder: Path) -> None:
    Path("a.cnn").write_text("param n = 3\ninput 8\ndense n; relu\n")
    Path("b.cnn").write_text("let n = 3\ninput 8\ndense 4\n")
    Path("c.cnn").write_text("param n = 1; input 8; dense n\n")
    for _ in range(2):
        assert "W101" in run("check", ".")[1]
        assert "W101" not in run("check", ".", "--select", "W9")[1]
        assert "E113" not in run("check", "a.cnn", "c.cnn", "--set", "n=4")[1]
        assert "E113" in run("check", "a.cnn", "c.cnn", "--set", "m=4")[1]
        assert "E302" in run("check", "a.cnn", "c.cnn", "--limit", "1")[1]
    assert len(cached(folder)) == 1


def test_another_version_finds_nothing(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("check", "nets")
    before = cached(nets.parent)
    monkeypatch.setattr("cnndsl.__version__", "9.9")
    run("check", "nets")
    assert len(cached(nets.parent)) == 2 and before[0] in cached(nets.parent)


def test_the_version_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache.version()
    assert cache.version() == first
    for name in ("__init__.py", "rules/a.py", "targets/b.py"):
        path = tmp_path / "cnndsl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    monkeypatch.setattr("cnndsl.__file__", str(tmp_path / "cnndsl" / "__init__.py"))
    found = [cache.version()]
    for name in ("rules/a.py", "targets/b.py"):
        (tmp_path / "cnndsl" / name).write_text("2")
        found.append(cache.version())
    assert found[0] != first and found[1] != found[0] and found[2] == found[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-3],
        lambda content: content[:40],
        lambda content: content.replace(b"[]", b"[1"),
        lambda content: content + b"\xff",
        lambda content: b"\x00" * 100,
        lambda content: content.replace(b"cache 1", b"cache 2"),
    ],
)
def test_a_spoilt_cache_is_an_empty_one(nets: Path, spoil: Any) -> None:
    expected = run("check", "nets")
    (path,) = cached(nets.parent)
    content = path.read_bytes()
    path.write_bytes(spoil(content))
    assert run("check", "nets") == expected
    assert sorted(path.read_bytes().split()) == sorted(content.split())


def test_entries_that_are_none_are_found_again(nets: Path) -> None:
    """A cache that is whole and says nonsense: as if its makers had another idea of it."""
    expected = run("check", "nets")
    (path,) = cached(nets.parent)
    for nonsense in (
        "3",
        "[3]",
        "[[",
        "{}",
        '[["E201"]]',
        '{"a": 1}',
        "[[1,2,3,4,5,6,7]]",
        '[["E999",0,1,"","",[],[]]]',
        '[["E201",1,0,"","",[],[]]]',
        '[["E201","a","b","","",[],[]]]',
    ):
        lines = path.read_bytes().decode().split("\n")[1:]
        body = "".join(f"{line[:32]} {nonsense}\n" for line in lines if line).encode()
        path.write_bytes(b"cnndsl cache 1 " + cache._digest(body) + b"\n" + body)
        assert run("check", "nets") == expected


@pytest.mark.parametrize(
    "row",
    [
        '["E201",0,1,2,"",[],[]]',
        '["E201",0,1,"",null,[],[]]',
        '["E201",0,true,"","",[],[]]',
        '["E201",0,1.5,"","",[],[]]',
        '["E201",0,9999999,"","",[],[]]',
        '["E201",0,1,"","",[["a",-1,1]],[]]',
        '["E201",0,1,"","",[["a",1]],[]]',
        '["E201",0,1,"","",[["a",0,9999999]],[]]',
        '["E201",0,1,"","",[[3]],[]]',
        '["E201",0,1,"","",{},[]]',
        '["E201",0,1,"","",[],[["a",1,false,"",[]]]]',
        '["E201",0,1,"","",[],[["a",true,false,"",[[0,9999999,"b"]]]]]',
        '["E201",0,1,"","",[],[["a",true,false,"",[[0,1,2]]]]]',
        '["E201",0,1,"","",[],[["a",true,false,"",{}]]]',
        '[["E201"],0,1,"","",[],[]]',
    ],
)
def test_what_is_no_finding_is_not_taken_for_one(row: str) -> None:
    source = Source("a", "0123456789")
    assert unpack(
        [json.loads('["E201",0,1,"","",[["a",0,1]],[["a",true,false,"",[[0,1,"b"]]]]]')], source
    )
    with pytest.raises((TypeError, ValueError)):
        unpack([json.loads(row)], source)


@pytest.mark.parametrize("text", ["{" * 100_000, "[" * 100_000, f"[{'9' * 5000}]", "[]]", ""])
def test_what_is_no_json_is_not_known(text: str, folder: Path) -> None:
    known = Cache(str(folder / "cache"), "v")
    known._known["a"] = text
    assert known.get("a") is None


def test_a_cache_that_cannot_be_written_is_none(
    nets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run("check", "nets", "--no-cache")
    (nets.parent / "file").write_text("")
    monkeypatch.setenv("CNNDSL_CACHE_DIR", str(nets.parent / "file"))
    assert run("check", "nets") == expected
    monkeypatch.setenv("CNNDSL_CACHE_DIR", str(nets.parent / "file" / "below"))
    assert run("check", "nets") == expected


def test_the_folder_is_known_as_a_cache(nets: Path) -> None:
    run("check", "nets")
    tag = (nets.parent / "cache" / "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    assert (nets.parent / "cache" / ".gitignore").read_text() == "*\n"
    assert not list((nets.parent / "cache").glob("*.tmp"))


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.folder() == str(tmp_path / "cache")
    monkeypatch.delenv("CNNDSL_CACHE_DIR")
    monkeypatch.setenv("HOME", "/home/me")
    for platform, variables, path in (
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/cnndsl"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/me/.cache/cnndsl"),
        ("linux", {}, "/home/me/.cache/cnndsl"),
        ("darwin", {}, "/home/me/Library/Caches/cnndsl"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/cnndsl/Cache"),
    ):
        with monkeypatch.context() as patch:
            patch.delenv("XDG_CACHE_HOME", raising=False)
            patch.setattr(sys, "platform", platform)
            for name, value in variables.items():
                patch.setenv(name, value)
            assert Path(cache.folder()) == Path(path)


def test_two_runs_keep_what_each_other_found(tmp_path: Path) -> None:
    where = str(tmp_path / "both")
    keys = [f"{number:032x}" for number in range(4)]
    first, second = Cache(where, "v"), Cache(where, "v")
    first.put(keys[0], [])
    second.put(keys[1], [["a"]])
    first.save()
    second.save()
    third = Cache(where, "v")
    assert (third.get(keys[0]), third.get(keys[1]), third.get(keys[2])) == ([], [["a"]], None)


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = str(tmp_path / "bounded")
    keys = [f"{number:032x}" for number in range(9)]
    monkeypatch.setattr(cache, "MAX_ENTRIES", 4)

    def fill(*numbers: int, value: Any = ()) -> list[int]:
        one = Cache(where, "v")
        for number in numbers:
            if one.get(keys[number]) is None:
                one.put(keys[number], list(value))
        one.save()
        return [number for number in range(9) if Cache(where, "v").get(keys[number]) is not None]

    assert fill(0, 1, 2, 3) == [0, 1, 2, 3]
    assert fill(0, 4) == [0, 2, 3, 4]  # 1 was not asked for longest
    assert fill(5, 6, 7, 8) == [5, 6, 7, 8]
    monkeypatch.setattr(cache, "MAX_BYTES", 500)
    assert fill(0, 1, value=["x" * 180]) == [0, 1, 8]
    assert fill(2, value=["x" * 900]) == []


def test_what_nobody_uses_is_deleted(nets: Path) -> None:
    where = nets.parent / "cache"
    where.mkdir()
    long_ago = time.time() - cache.MAX_AGE - 10
    old, new, left = f"check-{'0' * 20}", f"check-{'1' * 20}", f".cnndsl-{'2' * 12}.tmp"
    for name in (old, new, left, "x.tmp", "check-list"):
        (where / name).write_text("")
        if name != new:
            os.utime(where / name, (long_ago, long_ago))
    run("check", "nets")
    (own,) = (path for path in cached(nets.parent) if path.name not in (new, "check-list"))
    assert {path.name for path in where.iterdir()} == {
        ".gitignore",
        "CACHEDIR.TAG",
        new,
        "x.tmp",
        "check-list",
        own.name,
    }
    # One in use is not old, even if nothing is ever added to it.
    os.utime(own, (long_ago, long_ago))
    run("check", "nets")
    assert own.stat().st_mtime > long_ago + cache.MAX_AGE / 2


# Ctrl-C is to stop it also where the tests run in the background, which ignore that.
SCRIPT = """
import signal, sys
from cnndsl.cli import main
from cnndsl.cli.runner import many, outcome
signal.signal(signal.SIGINT, signal.default_int_handler)
outcome.MUCH = many.SHARED = -1
many.CHUNK = 3000
sys.exit(main())
"""


def processes(count: int, *words: str) -> list[subprocess.Popen[bytes]]:
    """Runs in processes of their own, where a few files count as many."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        for _ in range(count)
    ]


def apart(*words: str) -> tuple[int, str, str]:
    """A run in a process of its own."""
    (process,) = processes(1, *words)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()


def test_runs_at_the_same_time(nets: Path) -> None:
    code, out, _ = run("check", "nets", "--no-cache")
    for process in processes(4, "check", "nets", "--jobs", "2"):
        said, err = process.communicate(timeout=120)
        assert (process.returncode, said.decode(), err) == (code, out, b"")
    (path,) = cached(nets.parent)
    assert (
        path.read_bytes().count(b"\n") == len({(path.name, path.read_bytes()) for path in SOME}) + 3
    )


# The workers


@pytest.mark.parametrize("what", teams.ALL)
def test_work_is_shared(what: str) -> None:
    done = subprocess.run(
        [sys.executable, teams.__file__, what],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "well\n", "")


@POSIX
def test_processes_that_are_not_forked(nets: Path) -> None:
    """As under macOS and Windows, where they begin anew and are told what to do."""
    script = (
        "import sys; from cnndsl.cli import main;"
        "from cnndsl.cli.runner import many, outcome, workers;"
        "outcome.MUCH = many.SHARED = -1; many.CHUNK = 3000;"
        "workers.sys = type('', (), {'platform': 'darwin'}); sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "check", "nets", "--no-cache", "--jobs", "2"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    code, out, _ = run("check", "nets", "--no-cache", "--jobs", "1")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (code, out, b"")


def test_without_processes_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("multiprocessing.get_context", refuse)
    got = list(workers.answers(teams.double, 0, iter(range(5)), 2))
    assert [answer for _, answer in got] == [0, 2, 4, 6, 8]


def children(of: int) -> list[int]:
    """The processes that another has started, as Linux knows them."""
    text = Path(f"/proc/{of}/task/{of}/children").read_text()
    return [int(word) for word in text.split()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_run_that_is_stopped_leaves_no_process_behind(nets: Path, name: str) -> None:
    which = signal.Signals[name]
    # So large that it is still at it when it is stopped.
    for number in range(40):
        (nets / f"large{number}.cnn").write_text("input 8x8x1\n" + "relu\n" * 30_000)
    # What runs in the background does not hear of Ctrl-C, nor does what it starts.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    (process,) = processes(1, "check", "nets", "--jobs", "2")
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 300
    try:
        while len(workers_ := children(process.pid)) < 2:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        if which is signal.SIGINT:
            os.killpg(process.pid, which)  # as Ctrl-C does
        else:
            process.send_signal(which)
        out, err = process.communicate(timeout=300)
        assert (out, err) == (b"", b"")
        assert process.returncode == (130 if which is signal.SIGINT else -which)
        while any(map(alive, workers_)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(text: str) -> str:
    """What a line looks like after everything that was written to it."""
    line: list[str] = []
    at = 0
    for character in text:
        if character == "\r":
            at = 0
        else:
            line[at : at + 1] = character
            at += 1
    return "".join(line)


def test_progress_is_shown_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.1, 0.5, 0.55, 0.7, 9.0])
    monkeypatch.setattr("cnndsl.cli.terminal.progress.monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress(12_345)
    progress.add(1)
    assert terminal.getvalue() == ""  # what is soon done needs no such thing
    progress.add(9_999)
    assert shown(terminal.getvalue()) == "10,000 of 12,345 files"
    progress.add(1)
    assert shown(terminal.getvalue()) == "10,000 of 12,345 files"
    progress.add(1)
    assert shown(terminal.getvalue()) == "10,002 of 12,345 files"
    progress.clear()
    assert shown(terminal.getvalue()).strip() == "" and terminal.getvalue().endswith("\r")
    progress.clear()
    assert "\n" not in terminal.getvalue()


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnndsl.cli.terminal.progress.PATIENCE", -1)
    for stream, term in ((io.StringIO(), "xterm"), (Terminal(), "dumb"), (None, "xterm")):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", term)
        progress = Progress(10)
        progress.add(5)
        progress.clear()
        assert stream is None or stream.getvalue() == ""


@POSIX
def test_on_a_terminal_the_line_is_gone_before_the_findings(nets: Path) -> None:
    pty = pytest.importorskip("pty")
    script = (
        "import sys; from cnndsl.cli import main; from cnndsl.cli.runner import many, outcome;"
        "from cnndsl.cli.terminal import progress;"
        "outcome.MUCH = many.SHARED = -1; many.CHUNK = 300;"
        "progress.PATIENCE = progress.PERIOD = -1; sys.exit(main())"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script, "check", "nets", "--jobs", "2"],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"},
    ):
        os.close(theirs)
        content = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:
                break  # Linux says so where others give nothing
            if not piece:
                break
            content += piece
    os.close(ours)
    lines = [shown(line) for line in content.decode().replace("\r\n", "\n").split("\n")]
    assert " files\r" in content.decode() or " files \r" in content.decode()
    expected = run("check", "nets", "--no-cache")[1].split("\n")
    assert [line.rstrip() for line in lines] == [line.rstrip() for line in expected]
