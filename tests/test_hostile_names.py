"""What a file holds, or is called, is shown by every command and obeyed by nothing.

A terminal obeys control characters, and marks that turn what is written around; GitHub a line
that begins with `::` behind blanks, and `##[` anywhere.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import run

from cnndsl.diagnostics.harmless import harmless, to_json

EVIL = "\x1b]0;t\x07\x1b[31m \r::error::e \x9b2J \u202e\u2066 \x08\x7f ##[add-mask]relu ##vso[x]"
NAME = f"{EVIL}\n::stop-commands::n\n \t::debug::d\u2028"
PATH = f"{NAME}.cnn"
REMARK = EVIL.replace("\r", "")  # which has to end a line
VALID = f"""\
# {REMARK}
param n = 4  # {REMARK}
input  8x8x1 # {REMARK}
conv  n  3 # {REMARK}
relu as a
bn
"""
WRONG = f"input 8x8x1\nconv 8 3x3 /2  # {EVIL}\nconvv{EVIL}\n`{EVIL}`\npool 3 \t# {EVIL}\n"
POST = f"""\
{EVIL}
::stop-commands::x
\t ::stop-commands::x

```cnn
{VALID}```

<!-- cnndsl: table -->
::stop-commands::x
{EVIL}
<!-- /cnndsl -->
::stop-commands::x
{EVIL}
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    if sys.platform in ("win32", "darwin"):
        pytest.skip("names of files hold fewer characters here")
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "CNNDSL_DEBUG", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    for where in ("valid", "wrong", "posts"):
        Path(where).mkdir()
    Path("valid", PATH).write_text(VALID, newline="")
    Path("wrong", PATH).write_text(WRONG, newline="")
    Path("posts", f"{NAME}.md").write_text(POST, newline="")
    Path("b.json").write_text(json.dumps({"version": 1, "findings": []}))
    return tmp_path


def obeyed(text: str) -> list[str]:
    """What a terminal or a log would obey in a text."""
    return [
        line
        for line in text.split("\n")
        if not line.replace("\t", "").isprintable()
        or re.match(r"\s*::", line)
        or re.search(r"##\w*\[", line)
    ]


V, W, P = f"valid/{PATH}", f"wrong/{PATH}", f"posts/{NAME}.md"
FORMATS = ("text", "json", "sarif", "junit", "gitlab")
COMMANDS = [
    *(("check", path, "--format", form) for path in (V, W) for form in FORMATS),
    *(("check", path, "--diff", "--unsafe") for path in (V, W)),
    ("check", W, "--fix", "--unsafe"),
    ("check", W, "--statistics"),
    ("check", W, "--write-baseline", f"{NAME}.json"),
    ("check", W, "--baseline", "b.json"),
    ("check", W, "--baseline", NAME),
    ("check", W, V, "valid", "--jobs", "1", "--no-cache"),
    ("fmt", V, "--diff"),
    ("fmt", V, "--check"),
    ("fmt", V),
    ("fmt", W),
    ("show", V),
    ("show", W),
    ("solve", V),
    ("solve", W),
    ("solve", V, "--format", "json"),
    *(("diff", V, W, "--format", form) for form in ("text", "json")),
    *(("diff", W, V, "--format", form) for form in ("text", "json")),
    ("diff", NAME, V, "0", "0", W, "0", "0"),
    *(("compare", V, V, "--format", form) for form in ("text", "json")),
    ("compare", V, "valid"),
    *(("audit", P, "--format", form) for form in ("text", "json")),
    ("docs", P, "--check"),
    ("docs", P),
    ("build", V, "-t", "json"),
    ("build", V, W, "-t", "json", "-o", NAME),
    ("build", W, "-t", "markdown", "-o", NAME),
    ("build", V, "-t", "json", "-o", NAME, "--check"),
    ("build", V, "-t", NAME),
    ("build", V, "-t", "keras", f"--{NAME}", "1"),
    ("build", V, W, "-t", "json"),
    ("weights", V, "--from", f"{NAME}.pt", "--to", "b.pt"),
    ("weights", V, "--from", NAME, "--to", "b.pt"),
    ("rule", NAME),
    ("check", NAME),
    ("check", V, f"--{NAME}"),
    ("check", V, "--select", NAME),
    ("check", V, "--set", f"{NAME}=1"),
    ("check", V, "--set", f"n={NAME}"),
    ("check", V, "--input", NAME),
    ("check", V, "--format", NAME),
    (NAME,),
]


def test_the_nets_are_what_they_should_be() -> None:
    assert run("check", V)[0] == 0 and run("check", W)[0] == 1
    for words in (("fmt", V, "--diff"), ("docs", P, "--check"), ("check", W, "--diff", "--unsafe")):
        assert "@@" in run(*words)[1]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:1]))
def test_nothing_is_obeyed(words: tuple[str, ...]) -> None:
    _, out, err = run(*words)
    assert out + err
    assert not obeyed(out)
    assert not obeyed(err)


def test_github_obeys_annotations_alone() -> None:
    _, out, err = run("check", V, W, NAME, "--format", "github")
    assert "::error " in out
    assert not obeyed(re.sub(r"(?m)^::(error|warning) ", "", out) + err)


def test_the_summary_of_a_step_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    run("check", V, W, NAME, "--format", "github")
    assert not obeyed(Path("summary.md").read_text())


def test_colours_are_the_commands_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    _, out, _ = run("check", V, W)
    assert "\x1b[1;31m" in out
    assert not obeyed(re.sub(r"\x1b\[[0-9;]*m", "", out))
    assert "\x1b[31m" not in out


def test_a_configuration_and_what_is_passed_over() -> None:
    for name, text in (("a", f"{json.dumps(NAME)} = 1"), ("b", f"select = [{json.dumps(NAME)}]")):
        Path(name).mkdir()
        Path(name, "a.cnn").write_text("input 8\n")
        Path(name, "cnndsl.toml").write_text(text)
        code, _, err = run("check", name)
        assert code == 2 and err and not obeyed(err)
    os.mkfifo(f"valid/x{PATH}")
    _, _, err = run("check", "valid")
    assert "passed over" in err and not obeyed(err)


def test_on_a_terminal_the_data_are_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A net or a document that goes to standard output goes there as it is, if nobody looks."""
    text = VALID.encode()
    assert REMARK in run("fmt", "-", stdin=text)[1]
    assert EVIL in run("docs", "-", stdin=POST.encode())[1]
    monkeypatch.setattr("running.Output.isatty", lambda self: True)
    for words in (("fmt", "-"), ("check", "-", "--fix"), ("build", V, "-t", "mermaid")):
        _, out, err = run(*words, stdin=text)
        assert out
        assert all(line.replace("\t", "").isprintable() for line in (out + err).split("\n"))


@given(
    st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from(":#[ \t\r\n\x1b\u202ea"),
        max_size=40,
    )
)
def test_property_whatever_is_said_is_obeyed_by_nobody(text: str) -> None:
    shown = harmless(text)
    assert not obeyed(shown.replace("\r\n", "\n"))
    assert harmless(shown) == shown
    assert not obeyed(to_json([text])) and json.loads(to_json([text])) == [text]


def test_a_difference_of_plain_texts_is_a_patch(tmp_path: Path) -> None:
    """Tabs, the ends of lines of Windows and letters of all scripts stay as they are."""
    before = "# 한글 × é\t1\r\ninput  8\r\nrelu\r\n"
    Path("a.cnn").write_text(before, newline="")
    _, out, _ = run("fmt", "a.cnn", "--diff")
    assert " # 한글 × é\t1\r\n-input  8\r\n+input 8\r\n relu\r\n" in out
