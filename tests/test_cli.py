"""The command line: exit codes, what goes where, which files are read and written."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import cnndsl
from cnndsl import __version__, targets
from cnndsl.cli import COMMANDS, main

CLEAN = "input 28x28x1\nconv 8 3x3 relu\n"
WIDE = "param width = 8\ninput 28x28x1\nconv width 3x3\n"
BROKEN = "input 28x28x1\nconv 8 3x3 /2\npool 3\n"
UNREADABLE = "input 28x28x1\nconv 8,\n"
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Run:
    """Calls the command in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.capsys, self.patch = capsys, patch

    def __call__(self, *words: str, stdin: str | bytes = "") -> Ran:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        self.capsys.readouterr()
        code = main(list(words))
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(code, out, err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CNNDSL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return Run(capsys, monkeypatch)


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.cnn").write_text(text, encoding="utf-8")


# Without a command


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"cnndsl {__version__}\n", "")
    assert run("-V").out == f"cnndsl {__version__}\n"


def test_help(run: Run) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: cnndsl")
    examples = out[out.index("examples:") :].splitlines()[1:]
    assert [line.split("cnndsl ")[1].split()[0] for line in examples] == list(COMMANDS)
    assert max(map(len, out.splitlines())) <= 100
    assert run("-h").out == out and run("help").out == out


def test_no_command_is_wrong_usage(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err == run("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(run: Run, command: str) -> None:
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: cnndsl {command} ")
    assert "example" in out.splitlines()[-len(out.splitlines()) // 2] or "example" in out
    assert f"  cnndsl {command} " in out
    assert max(map(len, out.splitlines())) <= 100
    assert run(command, "whatever", "-h").out == out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["chek"], "unknown command `chek`; did you mean `check`?"),
        (["frobnicate"], "unknown command `frobnicate`\n"),
        (["--verison"], "unknown option `--verison`; did you mean `--version`?"),
        (["check"], "no file given"),
        (["check", ""], "`` is no path"),
        (["check", "a", "--frmat", "json"], "unknown option `--frmat`; did you mean `--format`?"),
        (["check", "a", "-z"], "unknown option `-z`"),
        (["check", "a", "--format", "xml"], "--format is one of text, json, github, "),
        (["check", "a", "--format"], "--format needs a value: --format FORMAT"),
        (["check", "a", "--format=json", "--format=text"], "--format is given twice"),
        (["check", "a", "--set", "width"], "--set wants NAME=VALUE"),
        (["check", "a", "--set", "=3"], "--set wants NAME=VALUE"),
        (["check", "a", "--set", "w="], "--set wants NAME=VALUE"),
        (["check", "a", "--set", "w=1", "--set=w=2"], "--set w is given twice"),
        (["check", "a", "--limit", "0"], "--limit wants a natural number"),
        (["check", "a", "--limit=-3"], "--limit wants a natural number"),
        (["check", "a", "--limit=²"], "--limit wants a natural number"),
        (["fmt", "a", "--check=yes"], "--check takes no value"),
        (["show", "a", "b"], "one file at a time"),
        (["rule", "E201", "E202"], "one code at a time"),
        (["rule", "E99"], "unknown code `E99`"),
        (["rule", "size-not-hole"], "did you mean `size-not-whole`?"),
        (["build", "a"], "no target given"),
        (["build", "a", "-t", "keras", "--check"], "--check compares with a file: give -o PATH"),
        (["build", "a", "-t", "kears"], "unknown target `kears`; did you mean `keras`?"),
        (["build", "a", "-t", "fortran"], "unknown target `fortran`; the targets are "),
        (["check", "a\0b"], "`a\\x00b` is no path"),
        (["build", "a", "-t", "json", "-o", "a\0b"], "-o `a\\x00b` is no path"),
        (["build", "a", "-t", "keras", "-o", ""], "-o `` is no path"),
    ],
)
def test_wrong_usage(run: Run, words: list[str], says: str) -> None:
    write(a=CLEAN)
    Path("a").write_text(CLEAN)
    Path("b").write_text(CLEAN)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.startswith("cnndsl: ") and "--help`" in err.splitlines()[-1]


# check


def test_check_clean(run: Run) -> None:
    write(a=CLEAN)
    assert run("check", "a.cnn") == (0, "1 file is clean\n", "")


def test_check_reports_everything_at_once(run: Run) -> None:
    write(a=BROKEN, b=CLEAN, c=BROKEN)
    code, out, err = run("check", "c.cnn", "b.cnn", "a.cnn")
    assert (code, err) == (1, "")
    assert [line for line in out.splitlines() if "-->" in line] == [
        " --> a.cnn:2:8",
        " --> a.cnn:3:6",
        " --> c.cnn:2:8",
        " --> c.cnn:3:6",
    ]
    assert out.endswith("\n\n4 errors in 2 files, 1 file is clean\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("input 9x9x1\nlet w = 3x\nconv w 3x3\nconvv 8 3\n", [(2, "E004"), (4, "E101")]),
        ("input 9x9x1\nconv 8 3x3 as x y\nfrom x\nfrom y\n", [(2, "E002"), (4, "E106")]),
        ("input 9x9x1\nconv 8 (3\nfrom z\n", [(2, "E003"), (3, "E106")]),
        ("input 9x9x1\nrepeat 2 {\nconv 8 (3\nfrom z\n", [(2, "E003"), (3, "E003")]),
        ("input 9x9 x1\nconv 1 5\nfrom z\n", [(1, "E002"), (3, "E106")]),
        ("block b(1) { relu }\ninput 9\nb 2\nconv 1 1\n", [(1, "E002")]),
    ],
)
def test_check_goes_on_after_a_statement_that_cannot_be_read(
    run: Run, text: str, found: list[tuple[int, str]]
) -> None:
    """What else is wrong is told, but not what a statement that was not read may explain."""
    rows = json.loads(run("check", "-", "--format", "json", stdin=text).out)
    assert [(row["line"], row["code"]) for row in rows] == found


def test_check_json_is_pure(run: Run) -> None:
    write(a=BROKEN, b=CLEAN)
    code, out, err = run("check", "a.cnn", "b.cnn", "missing.cnn", "--format=json")
    assert code == 2
    assert err == "cnndsl: missing.cnn: no such file or directory\n"
    rows = json.loads(out)
    assert [(row["file"], row["line"], row["code"]) for row in rows] == [
        ("a.cnn", 2, "E201"),
        ("a.cnn", 3, "E202"),
    ]
    assert run("check", "b.cnn", "--format", "json") == (0, "[]\n", "")


def test_check_stdin(run: Run) -> None:
    assert run("check", "-", stdin=CLEAN) == (0, "1 file is clean\n", "")
    assert " --> <stdin>:2:8\n" in run("check", "-", "-", stdin=BROKEN).out


def test_check_set_and_input(run: Run) -> None:
    assert run("check", "-", "--set", "width=16", stdin=WIDE).code == 0
    assert "E113" in run("check", "-", "--set", "wide=16", stdin=WIDE).out
    assert run("check", "-", "--input", "39x31x1", stdin="conv 20 4x4 relu; pool 2").code == 0
    assert "E112" in run("check", "-", stdin="conv 20 4x4 relu; pool 2").out


def test_check_limit(run: Run) -> None:
    text = "input 8\nrepeat 50 { relu }\n"
    assert run("check", "-", "--limit", "1_000", stdin=text).code == 0
    assert "E302" in run("check", "-", "--limit=10", stdin=text).out


def test_a_file_by_name_needs_no_suffix(run: Run) -> None:
    Path("net.txt").write_text(CLEAN)
    Path("-odd").write_text(CLEAN)
    assert run("check", "net.txt").code == 0
    assert run("check", "--", "-odd").code == 0
    assert run("check", "--", "-h").code == 2


def test_a_file_counts_once(run: Run) -> None:
    write(a=CLEAN)
    Path("nets").mkdir()
    Path("nets/link.cnn").symlink_to("../a.cnn")
    code, out, _ = run(
        "check", "a.cnn", "./a.cnn", "nets", "nets/../a.cnn", str(Path("a.cnn").absolute())
    )
    assert (code, out) == (0, "1 file is clean\n")


def test_a_folder_means_the_nets_below_it(run: Run) -> None:
    for path in ("nets/b.cnn", "nets/a/z.cnn", "nets/a.cnn", "nets/.git/x.cnn", "nets/.x.cnn"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(BROKEN)
    Path("nets/notes.txt").write_text(BROKEN)
    Path("nets/folder.cnn").mkdir()
    rows = json.loads(run("check", "nets", "--format", "json").out)
    files = list(dict.fromkeys(row["file"] for row in rows))
    assert [Path(file).as_posix() for file in files] == ["nets/a.cnn", "nets/a/z.cnn", "nets/b.cnn"]


def test_a_folder_without_nets(run: Run) -> None:
    Path("empty/sub").mkdir(parents=True)
    for words in (["check", "empty"], ["fmt", "empty"], ["build", "empty", "-t", "json"]):
        code, out, err = run(*words)
        assert (code, out, err) == (2, "", "cnndsl: empty: no .cnn file in this folder\n")


def test_missing_files(run: Run) -> None:
    write(a=BROKEN)
    for command in (["check"], ["fmt"], ["fmt", "--check"], ["build", "-t", "json"], ["show"]):
        code, out, err = run(*command, "missing.cnn")
        assert (code, out) == (2, "")
        assert "cnndsl: missing.cnn: no such file or directory\n" in err
    code, out, err = run("check", "missing.cnn", "a.cnn")
    assert code == 2 and "E201" in out


@pytest.mark.skipif(AS_ROOT, reason="root may read everything")
def test_unreadable_files(run: Run) -> None:
    write(a=CLEAN)
    Path("a.cnn").chmod(0)
    code, out, err = run("check", "a.cnn")
    assert (code, out, err) == (2, "", "cnndsl: a.cnn: permission denied\n")


def test_not_utf8(run: Run) -> None:
    Path("a.cnn").write_bytes(b"input 28x28x1\n# \xc7\xd1\nconv 8 3x3\n")
    code, out, err = run("check", "a.cnn")
    assert (code, err) == (1, "")
    assert "error[E006] not-text: the byte 0xc7 is not UTF-8 text\n --> a.cnn:2:3\n" in out
    assert run("fmt", "a.cnn").code == 1
    assert run("build", "a.cnn", "-t", "json").code == 1
    code, out, _ = run("check", "-", stdin="input 4".encode("utf-16"))
    assert code == 1 and "it looks like UTF-16" in out


def test_a_byte_order_mark_moves_no_columns(run: Run) -> None:
    code, out, _ = run("check", "-", stdin=b"\xef\xbb\xbfconvv 8 3\n")
    assert code == 1 and "<stdin>:1:1\n" in out and "ufeff" not in out


# Colours and encodings


def test_color_on_demand_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(a=BROKEN)
    assert "\x1b" not in run("check", "a.cnn").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31m" in run("check", "a.cnn").out
    assert "\x1b" not in run("check", "a.cnn", "--format", "json").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("check", "a.cnn").out
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1;31m" in run("check", "a.cnn").out
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in run("check", "a.cnn").out


def process(
    *words: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    root = Path(__file__).resolve().parent.parent
    env = {**os.environ, "PYTHONPATH": str(root), **environment}
    return subprocess.run(
        [sys.executable, "-m", "cnndsl", *words],
        input=stdin,
        capture_output=True,
        env=env,
        timeout=60,
        check=False,
    )


def test_a_locale_without_the_letters_is_no_reason_to_fail(run: Run) -> None:
    text = "input 4x4x1\n# 한글 ×\n합성곱 8 9x9  # “\n".encode()
    for encoding in ("ascii", "latin-1", "cp949", "utf-16"):
        for words in (["check", "-"], ["check", "-", "--format=json"], ["check", "--help"]):
            ran = process(*words, stdin=text, PYTHONIOENCODING=encoding)
            assert ran.returncode == (0 if "--help" in words else 1), ran.stderr
            assert b"Traceback" not in ran.stderr
    ran = process("check", "-", "--format=json", stdin=text, PYTHONIOENCODING="ascii")
    assert json.loads(ran.stdout)[0]["message"] == "there is no layer or block `합성곱`"


def test_names_that_are_not_utf8(run: Run, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.cnn"
    try:
        with open(name, "w") as file:
            file.write(BROKEN)
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    code, out, _err = run("check", os.fsdecode(name))
    assert code == 1 and "\\udcff.cnn:2:8" in out
    code, out, _err = run("check", os.fsdecode(name), "--format", "json")
    assert json.loads(out)[0]["file"] == os.fsdecode(name)


# fmt

UGLY = "input  28x28x1\nconv 8 (3,3)   relu # a layer\n"
PRETTY = "input 28x28x1\nconv 8 3x3 relu  # a layer\n"


def test_fmt_in_place(run: Run) -> None:
    write(a=UGLY)
    pretty = run("fmt", "-", stdin=UGLY).out
    assert pretty != UGLY
    assert run("fmt", "a.cnn") == (0, "", "1 file formatted\n")
    assert Path("a.cnn").read_text() == pretty
    before = Path("a.cnn").stat().st_mtime_ns
    assert run("fmt", "a.cnn") == (0, "", "1 file already in canonical form\n")
    assert Path("a.cnn").stat().st_mtime_ns == before


def test_fmt_keeps_byte_order_mark_and_line_ends(run: Run) -> None:
    Path("a.cnn").write_bytes(b"\xef\xbb\xbfinput  9\r\nrelu \r\n")
    assert run("fmt", "a.cnn").code == 0
    assert Path("a.cnn").read_bytes() == b"\xef\xbb\xbfinput 9\r\nrelu\r\n"
    assert run("fmt", "--check", "a.cnn").code == 0
    assert run("fmt", "-", stdin=b"\xef\xbb\xbfrelu ").out == "\ufeffrelu\n"


def test_fmt_check_writes_nothing(run: Run) -> None:
    write(a=UGLY, b=run("fmt", "-", stdin=UGLY).out)
    code, out, err = run("fmt", "--check", "a.cnn", "b.cnn")
    assert (code, out) == (1, "")
    assert err == (
        "cnndsl: a.cnn is not in canonical form\n"
        "1 file would be formatted, 1 file already in canonical form\n"
    )
    assert Path("a.cnn").read_text() == UGLY
    assert run("fmt", "--check", "b.cnn").code == 0
    assert run("fmt", "--check", "-", stdin=UGLY)[:2] == (1, "")


def test_fmt_diff(run: Run) -> None:
    write(a="input 4\nrelu   # last")
    code, out, _err = run("fmt", "--diff", "a.cnn")
    assert code == 1
    assert out.startswith("--- a.cnn\n+++ a.cnn\n@@ ")
    assert "-relu   # last\n\\ No newline at end of file\n+relu" in out
    assert Path("a.cnn").read_text() == "input 4\nrelu   # last"
    run("fmt", "a.cnn")
    assert run("fmt", "--diff", "a.cnn")[:2] == (0, "")


def test_fmt_leaves_alone_what_it_cannot_read(run: Run) -> None:
    write(a=UGLY, b=UNREADABLE)
    code, out, err = run("fmt", "a.cnn", "b.cnn")
    assert (code, out) == (1, "")
    assert "b.cnn:2:7" in err and err.endswith("1 file formatted\n")
    assert Path("b.cnn").read_text() == UNREADABLE
    assert Path("a.cnn").read_text() != UGLY
    code, out, err = run("fmt", "-", stdin=UNREADABLE)
    assert (code, out) == (1, "") and "<stdin>:2:7" in err


def test_fmt_keeps_mode_and_links(run: Run) -> None:
    write(a=UGLY)
    Path("a.cnn").chmod(0o640)
    Path("link.cnn").symlink_to("a.cnn")
    assert run("fmt", "link.cnn").code == 0
    assert Path("link.cnn").is_symlink()
    assert Path("a.cnn").read_text() != UGLY
    assert stat.S_IMODE(Path("a.cnn").stat().st_mode) == 0o640
    assert sorted(os.listdir()) == ["a.cnn", "link.cnn"]


@pytest.mark.skipif(AS_ROOT, reason="root may write everything")
def test_fmt_respects_a_read_only_file(run: Run) -> None:
    write(a=UGLY)
    Path("a.cnn").chmod(0o444)
    code, _, err = run("fmt", "a.cnn")
    assert code == 2 and err == "cnndsl: a.cnn: cannot write: permission denied\n"
    assert Path("a.cnn").read_text() == UGLY


# build


class Fake:
    """A target that needs no templates."""

    SUFFIX = ".txt"
    OPTIONS = (
        targets.Option("depth", "how deep", "natural", "N"),
        targets.Option("parts", "what to show", "words", "A,B", ("a", "b")),
    )

    @staticmethod
    def generate(
        network: object, *, depth: int | None = None, parts: tuple[str, ...] = ()
    ) -> str | bytes:
        if parts == ("b",):
            return bytes([0x80, 0])
        if getattr(network, "name", "") == "impossible":
            from cnndsl.diagnostics import Diagnostic, Span

            source = network.source  # type: ignore[attr-defined]
            raise targets.TargetError([Diagnostic("E401", source, Span(0, 3), "no way")])
        totals = network.totals  # type: ignore[attr-defined]
        deep = f" {depth}" if depth else "".join(parts)
        return f"{network.name}×{totals.params}{deep}\n"  # type: ignore[attr-defined]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def load(name: str) -> type[Fake]:
        return {"fake": Fake}[name]

    monkeypatch.setattr(targets, "names", lambda: ("fake",))
    monkeypatch.setattr(targets, "load", load)
    yield


pytestmark = pytest.mark.filterwarnings("error")
with_fake = pytest.mark.usefixtures("fake")


@with_fake
def test_build_to_stdout(run: Run) -> None:
    write(a=CLEAN)
    assert run("build", "a.cnn", "--target", "fake") == (0, "a×80\n", "")
    assert run("build", "-", "-tfake", stdin="net b\n" + CLEAN) == (0, "b×80\n", "")
    ran = run("build", "-", "-t", "fake", "--set", "width=16", "--limit=9", stdin=WIDE)
    assert ran.out.endswith("×160\n")
    ran = run("build", "-", "-t", "fake", "--input", "28x28x1", stdin="conv 8 3x3")
    assert ran.out.endswith("×80\n")


@with_fake
def test_options_of_a_target(run: Run) -> None:
    write(a=CLEAN)
    assert run("build", "a.cnn", "-t", "fake", "--depth", "2").out == "a×80 2\n"
    code, _, err = run("build", "a.cnn", "-t", "fake", "--depth", "none")
    assert code == 2 and "--depth wants a natural number" in err
    assert run("build", "a.cnn", "-t=fake", "--parts", "b,a").out == "a×80ba\n"
    code, _, err = run("build", "a.cnn", "--target=fake", "--parts", "a,c")
    assert code == 2 and "--parts knows no `c`" in err
    assert "how deep" in run("build", "--target", "fake", "--help").out
    assert "how deep" not in run("build", "--help").out


@with_fake
def test_bytes_are_written_as_they_are(run: Run) -> None:
    write(a=CLEAN)
    assert run("build", "a.cnn", "-t", "fake", "--parts", "b", "-o", "a.bin").code == 0
    assert Path("a.bin").read_bytes() == bytes([0x80, 0])
    assert run("build", "a.cnn", "-t", "fake", "--parts", "b", "-o", "a.bin", "--check").code == 0


def test_an_option_that_a_target_does_not_take(run: Run) -> None:
    write(a=CLEAN)
    code, _, err = run("build", "a.cnn", "-t", "json", "--depth", "1")
    assert code == 2 and "--target json takes no --depth" in err
    assert run("build", "a.cnn", "-t", "markdown", "--depth", "1").code == 0
    code, _, err = run("build", "a.cnn", "-t", "markdown", "--logits")
    assert code == 2 and "--target markdown takes no --logits" in err


def test_logits(run: Run) -> None:
    text = CLEAN + "flatten; dense 10 softmax\n"
    words = ("build", "-", "-t", "pytorch")
    assert "Softmax" in run(*words, stdin=text).out
    assert "Softmax" not in run(*words, "--logits", stdin=text).out


@with_fake
def test_build_to_a_file(run: Run) -> None:
    write(a=CLEAN)
    assert run("build", "a.cnn", "--target=fake", "-o", "b.txt") == (0, "", "")
    assert Path("b.txt").read_bytes() == "a×80\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(Path("b.txt").stat().st_mode) == 0o666 & ~umask
    Path("b.txt").write_text("old")
    Path("b.txt").chmod(0o755)
    assert run("build", "a.cnn", "-t", "fake", "-ob.txt").code == 0
    assert Path("b.txt").read_bytes() == "a×80\n".encode()
    assert stat.S_IMODE(Path("b.txt").stat().st_mode) == 0o755
    assert sorted(os.listdir()) == ["a.cnn", "b.txt"]


@with_fake
def test_build_into_a_folder(run: Run) -> None:
    write(a=CLEAN, b=WIDE)
    Path("here").mkdir()
    assert run("build", "a.cnn", "-t", "fake", "-o", "here").code == 0
    assert run("build", "a.cnn", "-t", "fake", "-o", "new/").code == 0
    assert run("build", "a.cnn", "b.cnn", "-t", "fake", "-o", "more/of/it").code == 0
    assert run("build", "-", "-t", "fake", "-o", "here/", stdin=CLEAN).code == 0
    assert os.listdir("new") == ["a.txt"]
    assert sorted(os.listdir("here")) == ["a.txt", "stdin.txt"]
    assert sorted(os.listdir("more/of/it")) == ["a.txt", "b.txt"]


@with_fake
def test_a_folder_of_one_net_goes_into_a_folder(run: Run) -> None:
    Path("nets").mkdir()
    Path("nets/a.cnn").write_text(CLEAN)
    assert run("build", "nets", "-t", "fake", "-o", "out").code == 0
    assert os.listdir("out") == ["a.txt"]


@with_fake
def test_build_of_several_files_needs_a_folder(run: Run) -> None:
    write(a=CLEAN, b=CLEAN)
    code, out, err = run("build", "a.cnn", "b.cnn", "-t", "fake")
    assert (code, out) == (2, "") and "2 files need -o FOLDER" in err
    Path("file").write_text("")
    code, _, err = run("build", "a.cnn", "b.cnn", "-t", "fake", "-o", "file")
    assert code == 2 and "is no folder" in err


@with_fake
def test_build_refuses_two_files_of_one_name(run: Run) -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "a.cnn").write_text(CLEAN)
    code, _, err = run("build", "x", "y", "-t", "fake", "-o", "out")
    assert code == 2 and "would both become" in err
    assert not Path("out").exists()


@with_fake
def test_build_never_writes_over_a_net(run: Run) -> None:
    write(a=CLEAN, b=CLEAN)
    Path("link").symlink_to("a.cnn")
    os.link("a.cnn", "hard")
    for output in ("a.cnn", "./a.cnn", "link", "hard"):
        code, _, err = run("build", "a.cnn", "-t", "fake", "-o", output)
        assert code == 2 and "would overwrite the net a.cnn" in err
    assert Path("a.cnn").read_text() == CLEAN
    Path("c.txt").write_text(CLEAN)
    code, _, err = run("build", "c.txt", "a.cnn", "-t", "fake", "-o", ".")
    assert code == 2 and "would overwrite the net c.txt" in err


@with_fake
def test_a_failed_build_writes_nothing(run: Run) -> None:
    write(a=CLEAN, b=BROKEN, impossible=CLEAN)
    Path("out").mkdir()
    Path("out/a.txt").write_text("old")
    code, out, err = run("build", "a.cnn", "b.cnn", "-t", "fake", "-o", "out")
    assert (code, out) == (1, "") and "b.cnn:2:8" in err
    assert err.endswith("2 errors in 1 file, 1 file is clean; nothing is written\n")
    code, out, err = run("build", "a.cnn", "missing.cnn", "-t", "fake", "-o", "out")
    assert (code, out) == (2, "")
    code, out, err = run("build", "a.cnn", "impossible.cnn", "-t", "fake", "-o", "new")
    assert (code, out) == (1, "") and "E401" in err
    assert os.listdir("out") == ["a.txt"] and Path("out/a.txt").read_text() == "old"
    assert not Path("new").exists()


@with_fake
def test_build_check(run: Run) -> None:
    write(a=CLEAN, b=WIDE)
    words = ("build", "a.cnn", "b.cnn", "-t", "fake", "-o", "out")
    code, out, err = run(*words, "--check")
    assert (code, out) == (1, "")
    assert err == "cnndsl: out/a.txt does not exist\ncnndsl: out/b.txt does not exist\n"
    assert not Path("out").exists()
    assert run(*words).code == 0
    assert run(*words, "--check") == (0, "", "")
    Path("out/b.txt").write_text("by hand")
    assert run(*words, "--check") == (1, "", "cnndsl: out/b.txt is out of date\n")
    assert Path("out/b.txt").read_text() == "by hand"


@with_fake
def test_build_follows_links_and_devices(run: Run) -> None:
    write(a=CLEAN)
    Path("deep").mkdir()
    Path("deep/real.txt").write_text("old")
    Path("link.txt").symlink_to("deep/real.txt")
    assert run("build", "a.cnn", "-t", "fake", "-o", "link.txt").code == 0
    assert Path("link.txt").is_symlink()
    assert Path("deep/real.txt").read_text(encoding="utf-8") == "a×80\n"
    assert os.listdir("deep") == ["real.txt"]
    assert run("build", "a.cnn", "-t", "fake", "-o", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


@with_fake
def test_build_where_it_cannot_write(run: Run) -> None:
    write(a=CLEAN, b=CLEAN)
    Path("file").write_text("")
    for output, why in (
        ("missing/a.txt", "cnndsl: missing/a.txt: cannot write: no such file or directory\n"),
        ("file/a.txt", "cnndsl: file/a.txt: cannot write: not a directory\n"),
        ("file/new/", "cnndsl: file/new: cannot make this folder: not a directory\n"),
        ("x" * 300, f"cnndsl: {'x' * 300}: cannot write: file name too long\n"),
    ):
        assert run("build", "a.cnn", "-t", "fake", "-o", output) == (2, "", why)
    Path("out/b.txt").mkdir(parents=True)
    code, _, err = run("build", "a.cnn", "b.cnn", "-t", "fake", "-o", "out")
    assert (code, err) == (2, "cnndsl: out/b.txt: cannot write: is a folder\n")
    assert os.listdir("out") == ["b.txt"]


# show, rule


def test_show(run: Run) -> None:
    code, out, err = run("show", "-", stdin="input 8x8x3\nconv 8 3x3 as 합성곱\nbn as 정규화\n")
    assert (code, err) == (0, "")
    assert out == (
        "name    layer       output  params  multiply-adds  field\n"
        "------  ----------  ------  ------  -------------  -----\n"
        "합성곱  conv 8 3x3  6x6x8      224          7,776  3x3\n"
        "정규화  bn          6x6x8       32              0  3x3\n"
        "------  ----------  ------  ------  -------------  -----\n"
        "total                          256          7,776\n"
        "\n"
        "Trainable parameters: 240; non-trainable parameters: 16\n"
    )


def test_show_with_settings_and_depth(run: Run) -> None:
    text = "param n = 8\nblock b(k) { conv n k; relu }\nb 3x3\n"
    words = ("show", "-", "--set", "n=4", "--input", "8x8x1")
    full = run(*words, stdin=text).out
    assert "b1.conv1" in full and "40" in full
    folded = run(*words, "--depth", "1", stdin=text).out
    assert "b1.conv1" not in folded and "b1 " in folded and "40" in folded
    assert run(*words, "--depth", "0", stdin=text).code == 2


def test_show_of_a_broken_net(run: Run) -> None:
    code, out, err = run("show", "-", stdin=BROKEN)
    assert code == 1 and "E201" in err and "E202" in err
    assert out == (
        "name     layer          output   params  multiply-adds  field\n"
        "-------  -------------  -------  ------  -------------  -----\n"
        "✗ E201  conv 8 3x3 /2: (28 - 3)/2 + 1 = 13.5\n"
        "~ conv1  conv 8 3x3 /2  13x13x8      80         12,168  3x3\n"
        "✗ E202  pool 3: 13/3 ≈ 4.33\n"
        "~ pool1  pool 3x3       4x4x8         0              0  7x7\n"
        "-------  -------------  -------  ------  -------------  -----\n"
        "known                                 0              0\n"
        "\n"
        "What begins with ~ is assumed: an error before it, or in it, keeps its sizes from being "
        "known.\n"
        "The sums leave it out.\n"
    )


def test_rule(run: Run) -> None:
    code, out, err = run("rule", "E201")
    assert (code, err) == (0, "")
    assert out.startswith("# E201 size-not-whole\n\nAn error.\n\n## What\n")
    assert "\n\nA warning, on by default.\n\n## What\n" in run("rule", "unused-let").out
    assert "A warning, off by default: `--select W402` asks for it." in run("rule", "W402").out
    assert run("rule", "e201").out == run("rule", "Size-Not-Whole").out == out
    from cnndsl.diagnostics import CODES

    code, out, err = run("rule")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        [each.code, each.name, each.severity if each.default else "off"] for each in CODES.values()
    ]


# The end of a run


def test_an_internal_error_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (RecursionError("deep"), AssertionError(), KeyError("x"), SystemError("a\nb")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("cnndsl.api.examine", fail)
        code, out, err = run("check", "-", stdin=CLEAN)
        assert (code, out) == (2, "")
        assert err == (
            f"cnndsl: internal error ({type(error).__name__}); please report it with the file"
            " (CNNDSL_DEBUG=1 shows where)\n"
        )


def test_memory_and_interrupts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("cnndsl.api.examine", fail)
    error: BaseException = MemoryError()
    assert run("check", "-", stdin=CLEAN) == (2, "", "cnndsl: not enough memory\n")
    error = KeyboardInterrupt()
    assert run("check", "-", stdin=CLEAN) == (130, "", "")


def test_debug_shows_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = process("check", "-", stdin=CLEAN.encode(), CNNDSL_DEBUG="1")
    assert ran.returncode == 0

    def fail(*_: object) -> None:
        raise ZeroDivisionError("here")

    monkeypatch.setattr("cnndsl.api.examine", fail)
    monkeypatch.setenv("CNNDSL_DEBUG", "1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CLEAN.encode())))
    assert main(["check", "-"]) == 2
    assert "ZeroDivisionError: here" in run.capsys.readouterr().err


def test_the_collector_is_left_as_it_was(run: Run) -> None:
    import gc

    assert gc.isenabled()
    run("rule")
    assert gc.isenabled()
    gc.disable()
    try:
        run("rule")
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves(run: Run) -> None:
    root = Path(__file__).resolve().parent.parent
    write(a="input 8\n" + "relux\n" * 5000)
    reader, writer = os.pipe()
    os.close(reader)
    for words in (["check", "a.cnn"], ["check", "a.cnn", "--format=json"], ["--help"]):
        ran = subprocess.run(
            [sys.executable, "-m", "cnndsl", *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (141, b"")
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk(run: Run) -> None:
    root = Path(__file__).resolve().parent.parent
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "cnndsl", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            timeout=60,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (2, b"cnndsl: no space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="closes file descriptors")
def test_closed_streams(run: Run) -> None:
    root = Path(__file__).resolve().parent.parent
    command = f"PYTHONPATH='{root}' '{sys.executable}' -m cnndsl"
    for line, code, said in (
        (f"{command} --help >&-", 2, b"cnndsl: standard output is closed\n"),
        (f"{command} check - <&-", 2, b"cnndsl: <stdin>: standard input is closed\n"),
        (f"{command} check missing 2>&-", 2, b""),
    ):
        ran = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False)
        assert (ran.returncode, ran.stdout + ran.stderr) == (code, said)


def test_files_of_this_folder_have_no_dot_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("a.cnn", "inner/b.cnn"):
        (tmp_path / name).write_text("input 3; wibble\n")
    monkeypatch.chdir(tmp_path)
    for folder in (".", "./"):
        assert main(["check", "--no-cache", folder]) == 1
        text = "".join(capsys.readouterr())
        assert " --> a.cnn:1:10" in text and os.path.join("> inner", "b.cnn:1:10") in text


def test_help_lists_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    from cnndsl.documents.kinds import KINDS

    assert main(["docs", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    kinds = text.partition("The kinds of region are ")[2].partition(".")[0]
    assert kinds.replace(" and ", ", ").split(", ") == [*KINDS]
    assert main(["weights", "x.cnn", "--from", "x.pt", "--to", "x.foo"]) == 2
    assert ".onnx" in capsys.readouterr().err


def test_one_layer_is_one() -> None:
    assert repr(cnndsl.check("input 3; relu")) == "<Network text: 1 layer>"


def test_a_name_does_not_run_into_its_number() -> None:
    text = "block stage1() { relu6 }\ninput 3; relu6; relu6; relu; stage1"
    names = [node.name for node in cnndsl.check(text).layers]
    assert names == ["relu6_1", "relu6_2", "relu1", "stage1_1.relu6_1"]
