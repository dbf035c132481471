"""The pages of the codes: one each, and what they say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faults import failing

import cnndsl.diagnostics
from cnndsl import targets
from cnndsl.api import examine, lint
from cnndsl.cli.commands.rule import page
from cnndsl.cli.terminal.files import decode
from cnndsl.diagnostics import CODES, Diagnostic
from cnndsl.diagnostics.codes import on_by_default
from cnndsl.documents import renew

PAGES = Path(cnndsl.diagnostics.__file__).parent / "pages"
SECTIONS = ["What", "Why", "Bad", "Good", "How to mend"]


def block(code: str, title: str) -> str:
    """The program of a page's Bad or Good."""
    found = re.search(rf"^## {title}\n\n```\w+\n(.*?)^```$", page(code), re.S | re.M)
    assert found, f"{code} has no {title}"
    return found[1]


def diagnose(code: str, title: str, text: str) -> list[Diagnostic]:
    """What is said about a program, with the command line that its first line may give."""
    # The page about encodings shows a text that was saved in another one.
    encoding = "euc-kr" if (code, title) == ("E006", "Bad") else "utf-8"
    source, problems = decode("page.cnn", text.encode(encoding))
    if problems:
        return problems
    if code == "E501":
        return renew(source, examine, lambda name: decode(name, b"")).diagnostics
    first = text.split("\n", 1)[0]
    settings = dict(re.findall(r"--set (\w+)=(\S+)", first))
    if code == "W903":
        with failing(ZeroDivisionError()):
            return lint(source, on_by_default(), settings)
    if code.startswith("W9"):
        return lint(source, on_by_default(), settings)
    network, problems = examine(source, settings, advice={*on_by_default(), code})
    asked = re.match(r"# with --target (\w+) --logits", first)
    if asked and network is not None:
        try:
            targets.load(asked[1]).generate(network, logits=True)
        except targets.TargetError as error:
            return error.diagnostics
    return problems


def apply(diagnostic: Diagnostic, fix: int) -> str:
    """The text after a fix."""
    text = diagnostic.source.text
    for edit in sorted(diagnostic.fixes[fix].edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(path.stem for path in PAGES.iterdir()) == sorted(CODES)
    assert all(path.suffix == ".md" for path in PAGES.iterdir())


@pytest.mark.parametrize("code", CODES)
def test_pages_have_the_same_parts(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code} {CODES[code].name}\n")
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS
    assert text.endswith("\n") and "\n\n\n" not in text
    assert max(map(len, re.sub(r"```.*?```", "", text, flags=re.S).split("\n"))) <= 100


@pytest.mark.parametrize("code", CODES)
def test_bad_yields_the_code_and_no_other(code: str) -> None:
    found = diagnose(code, "Bad", block(code, "Bad"))
    assert [each.code for each in found] == [code], [each.message for each in found]


@pytest.mark.parametrize("code", CODES)
def test_good_is_clean(code: str) -> None:
    assert diagnose(code, "Good", block(code, "Good")) == []


@pytest.mark.parametrize("code", CODES)
def test_fixes_mend_the_bad(code: str) -> None:
    for each in diagnose(code, "Bad", block(code, "Bad")):
        for number, fix in enumerate(each.fixes):
            left = diagnose(code, "Good", apply(each, number))
            if CODES[code].severity == "error":  # a net that is one need not be above advice
                left = [one for one in left if one.severity == "error"]
            assert not left, fix.title


@pytest.mark.parametrize("code", CODES)
def test_messages_keep_to_the_style(code: str) -> None:
    for each in diagnose(code, "Bad", block(code, "Bad")):
        for said in (each.message, each.help, *(note.message for note in each.notes)):
            assert not said.endswith("."), said
            assert not re.search(r"\bin line \d", said), said
            word = said.split(" ")[0]
            assert word in ("Keras", "PyTorch") or not word.istitle(), said
        assert each.message
        assert 0 <= each.span.start <= each.span.end <= len(each.source.text)


def test_no_codes_are_made_up() -> None:
    """Each code that the source names is in the table, and each of the table is named."""
    root = Path(cnndsl.diagnostics.__file__).parent.parent
    named = set()
    for path in root.rglob("*.py"):
        if path.name != "codes.py":
            named |= set(re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8")))
    assert named == set(CODES)
