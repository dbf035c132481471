"""The pages of the codes: one each and in each language, and what they say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faults import failing
from running import run

import cnndsl.diagnostics
from cnndsl import targets
from cnndsl.api import examine, lint
from cnndsl.audit import audit
from cnndsl.cli.commands.rule import page, standing
from cnndsl.cli.terminal.files import decode
from cnndsl.diagnostics import CODES, Diagnostic, Source
from cnndsl.diagnostics.codes import on_by_default
from cnndsl.documents import renew
from cnndsl.importers.graph import ImportProblems
from cnndsl.importers.keras_file import read_json
from cnndsl.importers.read import read_text
from cnndsl.importers.told import told
from cnndsl.importers.write import to_text
from cnndsl.lang import LANGUAGES
from cnndsl.lang.messages import catalogue, translated

PAGES = Path(cnndsl.diagnostics.__file__).parent / "pages"
SECTIONS = ["What", "Why", "Bad", "Good", "How to mend"]
KOREAN = ["설명", "이유", "나쁜 예", "좋은 예", "고치는 법"]
FENCED = re.compile(r"^```\w+\n.*?^```$", re.S | re.M)


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
    if code.startswith("E6"):
        return imported(source, {"E605": "notation", "E607": "keras"}.get(code, "python"))
    if code == "E501":
        return renew(source, examine, lambda name: decode(name, b"")).diagnostics
    if code in ("E502", "E503"):
        audited = audit(source, examine)
        return [*audited.findings, *audited.problems]
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


def imported(source: Source, kind: str) -> list[Diagnostic]:
    """What is said about a text that is no net, where it is imported."""
    try:
        if kind == "keras":  # what stands in a file of Keras
            to_text(read_json(source.text))
        else:
            to_text(read_text(kind, source.text, "page", None, None, None))
    except ImportProblems as error:
        return told(error.problems, source)
    return []


def apply(diagnostic: Diagnostic, fix: int) -> str:
    """The text after a fix."""
    text = diagnostic.source.text
    for edit in sorted(diagnostic.fixes[fix].edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def sections(text: str) -> dict[str, str]:
    """What stands below each heading of a page."""
    parts = re.split(r"^## (.*)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    names = sorted(f"{code}.md" for code in CODES)
    assert sorted(path.name for path in PAGES.iterdir() if path.name != "ko") == names
    assert sorted(path.name for path in (PAGES / "ko").iterdir()) == names


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_pages_have_the_same_parts(code: str, lang: str) -> None:
    text = page(code, lang)
    assert text.startswith(f"# {code} {CODES[code].name}\n")
    assert re.findall(r"^## (.*)$", text, re.M) == (KOREAN if lang == "ko" else SECTIONS)
    assert text.endswith("\n") and "\n\n\n" not in text
    assert max(map(len, FENCED.sub("", text).split("\n"))) <= 100


@pytest.mark.parametrize("code", CODES)
def test_pages_say_the_same_in_korean(code: str) -> None:
    """As far as that can be seen: programs, words in backquotes, numbers, parts and lists."""
    english, korean = page(code), page(code, "ko")
    assert FENCED.findall(korean) == FENCED.findall(english)
    for one, other in zip(sections(english).values(), sections(korean).values(), strict=True):
        one, other = FENCED.sub("", one), FENCED.sub("", other)
        assert bool(one.strip()) == bool(re.search("[가-힣]", other))
        assert one.count("\n\n") == other.count("\n\n")
        assert one.count("\n- ") == other.count("\n- ")
    said, korean_said = (FENCED.sub("", text).replace("\n", " ") for text in (english, korean))
    assert coded(korean_said) == coded(said)
    assert set(re.findall(r"([가-힣]{2})[.]", korean_said)) <= {"니다", "세요"}


def coded(text: str) -> set[str]:
    """The code words of a text, and the rules that it names."""
    found = re.findall(r"`([^`]+)`", text) + re.findall(r"\b[EW]\d{3}\b", text, re.A)
    return {re.sub(r"\s+", " ", word) for word in found}


def test_everything_around_the_pages_is_in_korean_too() -> None:
    for code, row in CODES.items():
        assert re.search("[가-힣]", translated(standing(row), "ko")), code
        assert re.search("[가-힣]", catalogue("ko").get(row.summary, "")), code
    code, out, err = run("rule", "--lang", "ko")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line[:4] for line in lines] == list(CODES)
    assert all(re.search(" (오류|경고|꺼짐) +.*[가-힣]", line) for line in lines)
    code, out, err = run("rule", "skipped-pixels", "--lang=ko")
    assert (code, err) == (0, "")
    assert out.startswith("# W201 skipped-pixels\n\n기본으로 켜져 있는 경고입니다.\n\n## 설명\n")
    assert "`--select W403`으로" in run("rule", "W403", "--lang", "ko")[1]
    code, out, err = run("rule", "W403", "--lang", "fr")
    assert (code, out) == (2, "") and "en, ko" in err


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
