"""`cnndsl check` for pipelines: rules, formats, configuration, baselines, exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from running import run

CLEAN = "input 28x28x1\nconv 8 3x3 relu\n"
BROKEN = "input 28x28x1\nconv 8 3x3 /2\npool 3\n"
UNUSED = "let n = 3\ninput 8x8x1\nconv 4 3x3 relu\n"
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own, and nothing in the environment that means anything."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def check(*words: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and file and code of each finding."""
    code, out, _ = run("check", *words, "--format", "json")
    return code, [(row["file"], row["code"]) for row in json.loads(out)]


# Rules and exit codes


def test_warnings_are_no_failure_unless_one_says_so() -> None:
    write("a.cnn", UNUSED)
    assert check("a.cnn") == (0, [("a.cnn", "W101")])
    assert check("a.cnn", "--error-on-warning")[0] == 1
    assert check("a.cnn", "--error-on-warning", "--exit-zero")[0] == 0
    write("b.cnn", BROKEN)
    assert check("b.cnn")[0] == 1
    assert check("b.cnn", "--exit-zero")[0] == 0
    assert check("b.cnn", "missing.cnn", "--exit-zero")[0] == 2


def test_select_and_ignore() -> None:
    write("a.cnn", UNUSED)
    for words, found in (
        (["--select", "W101"], True),
        (["--select=W9,unused-let"], True),
        (["--select=W9", "--select=W1"], True),
        (["--select", "W9"], False),
        (["--ignore", "W1"], False),
        (["--ignore", "unused-let,W9"], False),
        (["--select", "W1", "--ignore", "W101"], False),
        (["--select", "W101", "--ignore", "W1"], True),
    ):
        assert check("a.cnn", *words) == (0, [("a.cnn", "W101")] * found), words
    write("b.cnn", BROKEN)
    assert [code for _, code in check("b.cnn", "--select", "W1", "--ignore", "ALL")[1]] == [
        "E201",
        "E202",
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--select", "W1O1"], "--select: there is no rule `W1O1`; did you mean"),
        (["--ignore", "E2"], "--ignore: `E2` means errors"),
        (["--select", ","], "--select wants rules"),
        (["--statistics", "--format", "sarif"], "--statistics is text or json, not sarif"),
        (["--baseline", "b", "--write-baseline", "b"], "give one of them"),
        (["--write-baseline", ""], "`` is no path"),
        (["--baseline", ""], "`` is no path"),
    ],
)
def test_wrong_usage(words: list[str], says: str) -> None:
    write("a.cnn", CLEAN)
    code, out, err = run("check", "a.cnn", *words)
    assert (code, out) == (2, "")
    assert says in err


def test_statistics() -> None:
    write("a.cnn", BROKEN)
    write("b.cnn", BROKEN)
    write("c.cnn", UNUSED)
    assert run("check", ".", "--statistics") == (
        1,
        "2  E201  size-not-whole\n2  E202  pool-not-multiple\n1  W101  unused-let\n"
        "4 errors and 1 warning in 3 files\n",
        "",
    )
    rows = json.loads(run("check", ".", "--statistics", "--format", "json")[1])
    assert [(row["code"], row["count"]) for row in rows] == [("E201", 2), ("E202", 2), ("W101", 1)]


# Formats


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit", "gitlab"])
def test_formats_are_whole_whatever_is_found(form: str) -> None:
    write("a.cnn", BROKEN)
    write("b.cnn", CLEAN)
    code, out, err = run("check", "a.cnn", "b.cnn", "missing.cnn", "--format", form)
    assert (code, err) == (2, "cnndsl: missing.cnn: no such file or directory\n")
    assert "a.cnn" in out and out.endswith("\n")
    assert run("check", "b.cnn", "--format", form)[0] == 0


def test_paths_begin_where_the_sources_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("nets/a.cnn", BROKEN)
    monkeypatch.chdir("nets")
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", ""):
        with monkeypatch.context() as patch:
            if name:
                patch.setenv(name, str(folder))
            rows = json.loads(run("check", "../nets/a.cnn", "--format", "gitlab")[1])
            path = "nets/a.cnn" if name else "a.cnn"
            assert {row["location"]["path"] for row in rows} == {path}


def test_the_summary_of_a_step_holds_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(12):
        write(f"{index:02}.cnn", BROKEN)
    write("summary.md", "before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    code, out, err = run("check", ".", "--format", "github")
    assert (code, err) == (1, "")
    assert out.count("::error ") == 24 and out.endswith("\n24 errors in 12 files\n")
    text = Path("summary.md").read_text()
    assert text.startswith("before\n### cnndsl: 24 findings\n")
    assert text.count("\n| 0") + text.count("\n| 1") == 24
    run("check", ".", "--format", "sarif")
    assert Path("summary.md").read_text() == text
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))
    code, out, err = run("check", ".", "--format", "github")
    assert code == 2 and "is a directory" in err


# Configuration


def test_the_nearest_configuration_counts() -> None:
    for path in ("a.cnn", "x/a.cnn", "x/y/a.cnn"):
        write(path, UNUSED)
    assert len(check(".")[1]) == 3
    write("x/cnndsl.toml", 'ignore = ["W1"]\n')
    assert check(".")[1] == [("a.cnn", "W101")]
    write("x/y/pyproject.toml", "[project]\nname = 'cnndsl'\n[tool.other]\n")
    assert check(".")[1] == [("a.cnn", "W101")]
    write("x/y/pyproject.toml", "[tool.cnndsl]\n")
    assert check(".")[1] == [("a.cnn", "W101"), ("x/y/a.cnn", "W101")]
    write("x/pyproject.toml", "[tool.cnndsl]\nselect = []\n")  # cnndsl.toml is there too
    write("pyproject.toml", "[tool.cnndsl]\nselect = []\n")
    assert check(".")[1] == [("x/y/a.cnn", "W101")]
    assert check(".", "--select", "W1")[1] == [
        ("a.cnn", "W101"),
        ("x/a.cnn", "W101"),
        ("x/y/a.cnn", "W101"),
    ]


def test_configuration_of_standard_input_is_that_of_the_folder() -> None:
    write("cnndsl.toml", 'ignore = ["W1"]\n')
    assert run("check", "-", stdin=UNUSED.encode())[1] == "1 file is clean\n"


def test_per_file_ignores_and_strictness() -> None:
    for path in ("old/a.cnn", "new/a.cnn"):
        write(path, UNUSED)
    write(
        "pyproject.toml",
        "[tool.cnndsl]\nerror-on-warning = true\n[tool.cnndsl.per-file-ignores]\n"
        '"old/" = ["unused-let"]\n',
    )
    assert check("old", "new") == (1, [("new/a.cnn", "W101")])
    assert check("old") == (0, [])
    assert check("old", "new", "--select", "W1") == (1, [("new/a.cnn", "W101")])
    write("new/cnndsl.toml", "")
    assert check("new") == (0, [("new/a.cnn", "W101")])


def test_a_wrong_configuration_is_refused() -> None:
    write("a.cnn", CLEAN)
    write("x/b.cnn", CLEAN)
    for text, says in (
        ('[tool.cnndsl]\nslect = ["W1"]\nignore = ["E1"]\n', "2: unknown key `slect`; did you"),
        ("[tool.cnndsl\n", " this is not TOML: "),
        ("[tool]\ncnndsl = 3\n", " `tool.cnndsl` is no table"),
    ):
        write("pyproject.toml", text)
        code, out, err = run("check", "x/b.cnn", "a.cnn")
        assert (code, out) == (2, "")
        assert err.startswith(f"cnndsl: pyproject.toml:{says}"), err
    write("pyproject.toml", "[tool.cnndsl]\na = 1\nb = 2\n")
    assert run("check", "a.cnn")[2].count("unknown key") == 2
    Path("pyproject.toml").write_bytes(b"[tool.cnndsl]\n# \xff\n")
    assert run("check", "a.cnn")[2].startswith("cnndsl: pyproject.toml: this is not TOML")


def test_a_pyproject_for_others_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.cnn", CLEAN)
    write("pyproject.toml", "[project]\nname = 'cnndsl'\n[tool.black]\nthis is no TOML\n")
    assert run("check", "a.cnn")[0] == 0


@pytest.mark.skipif(AS_ROOT, reason="root may read everything")
def test_a_configuration_that_cannot_be_read() -> None:
    write("a.cnn", CLEAN)
    write("cnndsl.toml", "")
    os.chmod("cnndsl.toml", 0)
    assert run("check", "a.cnn")[0] == 2


# Baselines


def test_a_repository_can_start_clean() -> None:
    write("nets/a.cnn", BROKEN)
    write("nets/b.cnn", UNUSED)
    assert run("check", "nets", "--write-baseline", "base.json") == (
        0,
        "",
        "3 findings in 2 files written to base.json\n",
    )
    assert run("check", "nets", "--baseline", "base.json") == (
        0,
        "2 files are without new findings (3 known)\n",
        "",
    )
    write("nets/a.cnn", "# moved\n" + BROKEN + "pool 9\n")
    code, out, err = run("check", "nets", "--baseline", "base.json", "--format", "json")
    assert (code, err) == (1, "")
    (row,) = json.loads(out)
    assert (row["line"], row["code"]) == (5, "E203")


def test_a_baseline_says_what_it_holds_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        write(f"nets/{name}.cnn", BROKEN)
    run("check", "nets", "--write-baseline", "base.json")
    os.unlink("nets/b.cnn")
    said = "{}: {} of this baseline no longer there; write it anew with --write-baseline\n"
    code, _, err = run("check", "nets", "--baseline", "base.json")
    assert (code, err) == (0, "cnndsl: " + said.format("base.json", "2 findings"))
    write("nets/a.cnn", BROKEN.replace("/2", ""))
    monkeypatch.chdir("nets")
    code, _, err = run("check", "a.cnn", "--baseline", "../base.json")
    assert (code, err) == (0, "cnndsl: " + said.format("../base.json", "3 findings"))


def test_baselines_that_cannot_be_read_or_written() -> None:
    write("a.cnn", BROKEN)
    assert run("check", "a.cnn", "--baseline", "none.json") == (
        2,
        "",
        "cnndsl: none.json: no such file or directory\n",
    )
    write("bad.json", "{}")
    assert run("check", "a.cnn", "--baseline", "bad.json")[2].startswith("cnndsl: bad.json: this")
    assert run("check", "a.cnn", "--write-baseline", "no/base.json")[0] == 2
    code, _, err = run("check", "a.cnn", "missing.cnn", "--write-baseline", "bad.json")
    assert (code, err) == (2, "cnndsl: missing.cnn: no such file or directory\n")
    assert Path("bad.json").read_text() == "{}"


# With fixes


def test_fixes_know_the_rules_of_each_file() -> None:
    useless = "input 8\ndense 4  # cnndsl: ignore[W101]\n"
    write("a.cnn", useless)
    write("x/a.cnn", useless)
    write("x/cnndsl.toml", 'ignore = ["W901"]\n')
    assert run("check", ".", "--fix")[0] == 0
    assert Path("a.cnn").read_text() == "input 8\ndense 4\n"
    assert Path("x/a.cnn").read_text() == useless
    code, out, err = run("check", "-", "--fix", "--format", "github", stdin=useless.encode())
    assert (code, out) == (0, "input 8\ndense 4\n")
    assert "1 file is clean" in err
