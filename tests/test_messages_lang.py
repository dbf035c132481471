"""Messages in other languages: the catalogue, and where a language is chosen.

All messages are made by `Message`, imported by this name from where it is defined, so that their
templates can be found in the code.
"""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from running import run

import cnndsl
from cnndsl.api import lint
from cnndsl.cli.commands.rule import page
from cnndsl.diagnostics import CODES, Diagnostic, Fix, Note, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message, joined, listed
from cnndsl.diagnostics.packed import pack, unpack
from cnndsl.diagnostics.render import render
from cnndsl.lang.ko import WORDS
from cnndsl.lang.messages import catalogue, translated
from cnndsl.lang.particles import with_particles

PACKAGE = Path(cnndsl.__file__).parent
CATALOGUE = PACKAGE / "lang" / "messages.ko.json"
KO = catalogue("ko")

# What puts messages together of templates that it is given; the last of them of `CODES`.
GIVEN = ("diagnostics/message.py", "diagnostics/packed.py", "cli/commands/rule.py")

TWO_WIDE = "input 11x11x3\npool 2\n"
HANGUL = re.compile("[가-힣]")
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@cache
def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def calls() -> list[tuple[str, ast.Call, str]]:
    """Each call of `Message`, and of `joined`, with its place and its name."""
    found: list[tuple[str, ast.Call, str]] = []
    for place, module in modules().items():
        nodes = [*ast.walk(module)]
        names = {
            alias.asname or alias.name: alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module == "cnndsl.diagnostics.message"
            for alias in node.names
            if alias.name in ("Message", "joined")
        }
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = names.get(node.func.id)
                found += [(f"{place}:{node.lineno}", node, name)] if name else []
    return found


def templates() -> Iterator[tuple[str, ast.expr, ast.Call]]:
    for place, call, name in calls():
        if name == "Message" and not place.startswith(GIVEN):
            assert call.args, place
            yield place, call.args[0], call
        elif name == "joined" and len(call.args) > 1:
            yield place, call.args[1], call


# The catalogue


def test_every_template_is_literal_and_gets_its_values() -> None:
    wrong = []
    for place, node, call in templates():
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            wrong.append(f"{place}: {ast.unparse(node)} is no literal template")
            continue
        given = {keyword.arg for keyword in call.keywords}
        is_message = node is call.args[0]
        if is_message and None not in given and given != fields(node.value):
            wrong.append(f"{place}: {node.value!r} gets {sorted(map(str, given))}")
    assert not wrong, "\n".join(wrong)


def test_every_template_has_a_translation() -> None:
    missing = [
        f"{place}: {node.value!r}"
        for place, node, _ in templates()
        if isinstance(node, ast.Constant) and node.value not in KO
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    "english", ("{first}\n{rest}", "{others} and {last}", "{others} or {last}")
)
def test_what_puts_messages_together_has_a_translation(english: str) -> None:
    assert english in KO


def test_the_catalogue_has_nothing_that_is_not_said() -> None:
    said = {
        node.value
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not [english for english in KO if english not in said]


def test_translations_have_the_same_places() -> None:
    assert not [english for english, korean in KO.items() if fields(english) != fields(korean)]


def test_translations_are_korean() -> None:
    plain = re.compile(r"\{[^}]*\}|`[^`]*`")
    left = [
        english
        for english, korean in KO.items()
        if re.search("[a-z]{3}", plain.sub("", english)) and not HANGUL.search(korean)
    ]
    # A word of the language, and what Korean sets side by side.
    assert set(left) <= {"head", "the {axes} of {size}"}


def test_particles_are_written_as_choices() -> None:
    # After a value a particle depends on what stands there; `{value}만큼` and such do not.
    wrong = re.compile(r"\{[^}]*\}`?(?:[은는이가을를과와]|으?로)(?:[\s.,]|$)")
    assert not [korean for korean in KO.values() if wrong.search(korean)]
    texts = [*KO.values(), *WORDS.values()]
    choices = {each for text in texts for each in re.findall(r"\([가-힣]+/[가-힣]+\)", text)}
    assert "(은/는)" in choices
    assert not [each for each in choices if "/" in with_particles("", each)]


def test_the_catalogue_is_sorted_one_entry_a_line() -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    assert text == json.dumps(KO, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


# What is said


def texts(diagnostic: Diagnostic) -> list[str]:
    found = [diagnostic.message, diagnostic.help, *(each.message for each in diagnostic.notes)]
    return [text for text in (*found, *(each.title for each in diagnostic.fixes)) if text]


def parts(message: Message) -> Iterator[Message]:
    yield message
    for value in message.values.values():
        if isinstance(value, Message):
            yield from parts(value)


@pytest.mark.parametrize("code", CODES)
def test_nothing_of_a_bad_example_stays_english(code: str) -> None:
    for text in re.findall(r"(?s)```cnn\n(.*?)```", page(code)):
        for each in lint(Source("net.cnn", text), frozenset(CODES)):
            for said in texts(each):
                assert isinstance(said, Message), said
                assert not [part.template for part in parts(said) if part.template not in KO]
                korean = translated(said, "ko")
                assert HANGUL.search(korean), korean
                assert not ENGLISH.search(re.sub("`[^`]*`", "", korean)), korean


def test_height_and_width_are_one_clause() -> None:
    def says(text: str) -> str:
        return cnndsl.diagnose(text)[0].message

    assert says(TWO_WIDE) == "pool: height and width are 11, not a multiple of 2"
    assert says("input 7x5x3\npool 2") == "pool: height 7 and width 5 are not multiples of 2"
    assert (
        says("input 7x5x3\npool 2x3")
        == "pool: height 7 is not a multiple of 2 and width 5 is not a multiple of 3"
    )
    assert says("input 8x8x3\nconv 4 5 /2") == "conv: height and width (8 - 5) / 2 are not whole"
    assert (
        says("input 4x3x3\nconv 2 5")
        == "conv: the kernel of 5 is larger than the height of 4 and the width of 3"
    )
    assert (
        says("input 9x9x9x1\npool 2") == "pool: depth, height and width are 9, not a multiple of 2"
    )


def test_texts_of_a_net_are_shown_as_they_are() -> None:
    message = Message("no tensor is called `{name}` here", name="{x}(을/를) {0} {{")
    assert message == "no tensor is called `{x}(을/를) {0} {{` here"
    assert translated(message, "ko") == "여기에는 이름이 `{x}(을/를) {0} {{`인 텐서가 없습니다"
    diagnostic = Diagnostic("E106", Source("a", "x"), Span(0, 1), message, message)
    told = diagnostic.in_language("ko")
    assert told.message == translated(message, "ko") == told.in_language("ko").message
    # Names of nets are such texts.
    (found,) = cnndsl.diagnose("input 8\nfrom 을를\n")
    assert "`을를`인" in found.told("ko")


def test_told() -> None:
    (found,) = cnndsl.diagnose("input 8\nadd\n")
    assert found.told() == found.told("en") == f"{found.message}\nhelp: {found.help}"
    message, help_ = found.told("ko").split("\n")
    assert message == "`add`에는 경로가 필요합니다"
    assert help_ == "도움말: `add { … | … }`로 쓰세요"
    with pytest.raises(ValueError, match="no messages in 'fr'"):
        found.told("fr")


def test_labels_and_columns() -> None:
    note = Note(Message("name a tensor with `as`"))
    lines = joined([Message("move it out"), Message("round it")])
    found = Diagnostic("E106", Source("a", "x"), Span(0, 1), Message("compare it"), lines, (note,))
    assert render(found, lang="ko").split("\n") == [
        "오류[E106] unknown-name: 비교하는 식으로 쓰세요",
        " --> a:1:1",
        "  |",
        "1 | x",
        "  | ^",
        "  = 참고: `as`로 텐서에 이름을 붙이세요",
        "  = 도움말: 밖으로 옮기세요",
        "            반올림하세요",
        "",
    ]


# Between processes and runs


def test_packed_messages_come_back_for_every_language() -> None:
    message = Message(
        "{layer}: {problem}",
        layer="{pool}",
        problem=Message(
            "{axes} are {size}, not a multiple of {kernel}",
            axes=listed([Message("height"), Message("width")]),
            size=11,
            kernel=2.5,
        ),
    )
    source = Source("a", "0123456789")
    fix = Fix(Message("write `{word} {{ … | … }}`", word="add"), ())
    found = [Diagnostic("E202", source, Span(0, 1), message, NOTHING, (Note(message),), (fix,))]
    (back,) = unpack(json.loads(json.dumps(pack(found))), source)
    assert [back] == found
    for one, other in zip(texts(found[0]), texts(back), strict=True):
        assert isinstance(one, Message) and isinstance(other, Message)
        assert [(each.template, each.values) for each in parts(one)] == [
            (each.template, each.values) for each in parts(other)
        ]
        assert translated(one, "ko") == translated(other, "ko")


@pytest.mark.parametrize(
    "message",
    (
        None,
        7,
        "{",
        "{0}",
        "{name}",
        ["{name}", []],
        ["{name}", {"name": None}],
        ["{name}", {"name": True}],
        ["{name}", {"name": ["{", {}]}],
        ["{name}", {"other": 1}],
        ["{0}", {"0": 1}],
        ["{a.b}", {"a": 1, "a.b": 1}],
        ["{a!r}", {"a": 1}],
        ["{a:999999999}", {"a": 1}],
        ["{a:{b}}", {"a": 1, "b": 1}],
        ["{a:,}", {"a": "text"}],
        ["{a}", {"a": 1}, 1],
        [7, {}],
    ),
)
def test_damaged_messages_are_refused(message: Any) -> None:
    source = Source("a", "0123456789")
    (row,) = pack([Diagnostic("E202", source, Span(0, 1), NOTHING)])
    for index in (3, 4):
        damaged = [*row]
        damaged[index] = message
        with pytest.raises((ValueError, TypeError)):
            unpack([damaged], source)


def test_messages_in_one_another_without_end_are_refused() -> None:
    source = Source("a", "0123456789")
    (row,) = pack([Diagnostic("E202", source, Span(0, 1), NOTHING)])
    for _ in range(1000):
        row[3] = ["{text}", {"text": row[3]}]
    with pytest.raises(ValueError, match="too deep"):
        unpack([row], source)


# The command line


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNDSL_LANG", raising=False)
    path = tmp_path / "net.cnn"
    path.write_text(TWO_WIDE, encoding="utf-8")
    return path


ENGLISH_LINE = "error[E202] pool-not-multiple: pool: height and width are 11"
KOREAN_LINE = "오류[E202] pool-not-multiple: pool: 높이와 너비가 11인데, 2의 배수가 아닙니다"


def test_option_beats_environment_beats_configuration(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_korean(*words: str) -> bool:
        code, out, err = run("check", "net.cnn", *words)
        assert (code, err) == (1, "")
        assert out.startswith((KOREAN_LINE, ENGLISH_LINE))
        assert out.endswith("\n파일 1개에서 오류 1개\n") == out.startswith(KOREAN_LINE)
        return out.startswith(KOREAN_LINE)

    assert not is_korean()
    assert is_korean("--lang", "ko")
    Path("cnndsl.toml").write_text('lang = "ko"\n', encoding="utf-8")
    assert is_korean()
    assert not is_korean("--lang", "en")
    monkeypatch.setenv("CNNDSL_LANG", "en")
    assert not is_korean()
    assert is_korean("--lang=ko")
    Path("cnndsl.toml").unlink()
    monkeypatch.setenv("CNNDSL_LANG", "ko")
    assert is_korean()
    monkeypatch.setenv("CNNDSL_LANG", "")
    assert not is_korean()


def test_unknown_languages(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("check", "show", "docs"):
        code, out, err = run(command, "net.cnn", "--lang", "fr")
        assert (code, out) == (2, "")
        assert err.startswith("cnndsl: --lang is one of en, ko, not `fr`\n")
    monkeypatch.setenv("CNNDSL_LANG", "fr\x1b")
    code, out, err = run("check", "net.cnn")
    assert code == 1 and out.startswith(ENGLISH_LINE)
    assert err == "cnndsl: CNNDSL_LANG is one of en, ko, not `fr\\x1b`: this is English\n"
    monkeypatch.delenv("CNNDSL_LANG")
    Path("cnndsl.toml").write_text("\nlang = 3\n", encoding="utf-8")
    assert run("check", "net.cnn") == (2, "", "cnndsl: cnndsl.toml:2: `lang` is one of en, ko\n")


@pytest.mark.parametrize("form", ("json", "github", "sarif", "junit", "gitlab"))
def test_every_format_translates_and_keeps_its_keys(net: Path, form: str) -> None:
    code, english, _ = run("check", "net.cnn", "--format", form)
    korean = run("check", "net.cnn", "--format", form, "--lang", "ko")
    assert korean[0] == code == 1
    assert "높이와 너비가 11인데" in korean[1] and "height and width are" not in korean[1]
    if form in ("json", "gitlab", "sarif"):

        def plain(value: Any) -> Any:
            """The value without its texts for people."""
            people = ("message", "help", "title", "description", "text", "markdown")
            if isinstance(value, dict):
                return {k: k if k in people else plain(v) for k, v in value.items()}
            return [plain(each) for each in value] if isinstance(value, list) else value

        assert plain(json.loads(korean[1])) == plain(json.loads(english))


def test_a_baseline_is_of_no_language(net: Path) -> None:
    assert run("check", "net.cnn", "--write-baseline", "known", "--lang", "ko")[0] == 0
    korean = Path("known").read_bytes()
    assert run("check", "net.cnn", "--write-baseline", "known")[0] == 0
    assert Path("known").read_bytes() == korean
    code, out, _ = run("check", "net.cnn", "--baseline", "known", "--lang", "ko")
    assert (code, out) == (0, "파일 1개는 새로 찾은 것 없음(알려진 것 1개)\n")


def test_the_cache_serves_both_languages(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNDSL_CACHE_DIR", str(tmp_path / "cache"))
    Path("nets").mkdir()
    for number in range(60):
        text = TWO_WIDE + f"# {number}\n" * 200
        Path(f"nets/{number}.cnn").write_text(text, encoding="utf-8")
    first = run("check", "nets", "--jobs", "1")
    assert first[1].count(ENGLISH_LINE) == 60
    assert run("check", "nets", "--jobs", "1", "--lang", "ko")[1].count(KOREAN_LINE) == 60
    assert run("check", "nets", "--jobs", "1") == first


def test_other_commands(net: Path) -> None:
    code, _, err = run("show", "net.cnn", "--lang", "ko")
    assert code == 1 and err.startswith(KOREAN_LINE)
    fence = "```cnn fails\n" + TWO_WIDE + "```\n\n"
    text = f"{fence}<!-- cnndsl: check lang=ko -->\n<!-- /cnndsl -->\n"
    Path("post.md").write_text(text, encoding="utf-8")
    run("docs", "post.md")
    assert "오류[E202]" in Path("post.md").read_text(encoding="utf-8")
    clean = "```cnn\ninput 8\ndense 2\n```\n\n"
    Path("post.md").write_text(
        f"{clean}<!-- cnndsl: check lang=ko -->\n<!-- /cnndsl -->\n", encoding="utf-8"
    )
    run("docs", "post.md")
    assert "```text\n이상 없음\n```" in Path("post.md").read_text(encoding="utf-8")
    Path("post.md").write_text(text.replace("```cnn fails", "```cnn"), encoding="utf-8")
    code, _, err = run("docs", "post.md", "--lang", "ko")
    assert code == 1 and err.startswith("오류[E202]")


def test_english_loads_no_catalogue(net: Path) -> None:
    loads = (
        "import sys\nfrom cnndsl.cli import main\nmain(['check', 'net.cnn'])\n"
        "print([each for each in ('json', 'cnndsl.lang.messages') if each in sys.modules])"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", loads],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": ""},
    )
    assert done.stdout.endswith("\n[]\n")


def test_solve_and_rule(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run("solve", "net.cnn", "--lang", "ko")
    first, axis, *_ = out.split("\n")
    assert (code, first) == (1, "net.cnn: 입력 11x11x3은 나누어떨어지지 않습니다")
    assert axis == "높이: 5부터 22까지 크기 18개 가운데 9개: 6, 8, … 22 (6 + 2k)"
    assert "\n모든 높이와 모든 너비는 서로 자유롭게 짝지을 수 있습니다\n" in out
    monkeypatch.setenv("CNNDSL_LANG", "ko")
    assert run("solve", "net.cnn")[:2] == (1, out)
    assert "오류입니다." in run("rule", "E201")[1]
    sarif = json.loads(run("check", "net.cnn", "--format", "sarif")[1])
    assert sarif["runs"][0]["tool"]["driver"]["rules"][0]["help"]["text"] == page("E202", "ko")
