"""What the documents show is what happens: commands, Python, nets, the table of layers.

`python tests/test_docs.py` writes into the README and `docs/` what the commands print today, and
into the README and the pages of unknown layers which layers there are.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from textwrap import fill
from typing import Any

import pytest
from conftest import few
from running import run

import cnndsl

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
REPLAYED = [README, *sorted((ROOT / "docs").glob("*.md"))]
PAGES = ROOT / "cnndsl" / "diagnostics" / "pages"
UNKNOWN = {"en": PAGES / "E101.md", "ko": PAGES / "ko" / "E101.md"}
DOCUMENTS = sorted(
    path
    for pattern in (
        "*.md",
        "docs/*.md",
        "samples/blog/*.md",
        "benchmarks/*.md",
        "grammar/*.md",
        "cnndsl/diagnostics/pages/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAYERS = re.compile(r"(?<=<!-- layers -->\n).*?(?=<!-- end -->)", re.DOTALL)
LISTED = re.compile(
    r"(?:(?<=These are the layers:\n\n)|(?<=층은 다음과 같습니다.\n\n)).*\Z", re.DOTALL
)
RULES = re.compile(r"(?<=<!-- rules )((?:\w\d ?)+)-->\n.*?(?=<!-- end -->)", re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    """The code of a document in a language; `` for code that says none."""
    text = path.read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == language]


def perform(command: str) -> str:
    """What `cnndsl …` prints, typed in the checkout."""
    words = shlex.split(command)
    assert words[0] == "cnndsl"
    quiet = words[-1] == "2>/dev/null"
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        code, out, err = run(*words[1 : len(words) - quiet])
    finally:
        os.chdir(before)
    err = "" if quiet else err
    assert code < 2 and not (out and err), out + err
    return "\n".join(line.rstrip() for line in (out + err).splitlines()).strip("\n") + "\n"


def replay(block: str) -> str:
    """A console block with what its commands print today."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{command}\n{perform(command[2:])}" for command in commands)


def layer_table() -> str:
    """Every layer with its arguments, from the layers themselves."""
    from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES

    rows = ["\n| layer | is |", "|---|---|"]
    for op, layer in LAYERS.items():
        if op not in ACTIVATIONS:
            usage = layer.usage().replace("|", "\\|")
            rows.append(f"| `{usage}` | {layer.title} |")
    activations = ", ".join(f"`{op}`" for op in ACTIVATIONS)
    rows.append(f"| {activations} | activations, after a layer or alone |")
    merges = ", ".join(f"`{op}`" for op in MERGES)
    rows.append(f"| {merges}, each `{{ path \\| path }}` | merges |")
    return "\n".join(rows) + "\n\n"


def layer_list(lang: str = "en") -> str:
    """The words of all layers, by their families."""
    from cnndsl.layers import LAYERS, MERGES

    families = FAMILIES if lang == "en" else FAMILIES_KO
    found: dict[str, list[str]] = {what: [] for what in families.values()}
    for op, layer in {**LAYERS, **MERGES}.items():
        found[families[layer.family]].append(f"`{op}`")
    lines = [f"- {what}: {', '.join(words)}" for what, words in found.items()]
    return "".join(f"{fill(line, 100, subsequent_indent='  ')}\n" for line in lines)


FAMILIES = {
    "conv": "convolutions",
    "pool": "pools",
    "dense": "vectors",
    "norm": "normalisation",
    "scaling": "normalisation",
    "dropout": "at random, while training",
    "activation": "activations",
    "move": "sizes and channels",
    "merge": "merges, with paths in braces",
}
"""What the page of unknown layers calls each family."""

FAMILIES_KO = {
    "conv": "합성곱",
    "pool": "풀링",
    "dense": "벡터",
    "norm": "정규화",
    "scaling": "정규화",
    "dropout": "학습할 때 무작위로 버리는 층",
    "activation": "활성화 함수",
    "move": "크기와 채널",
    "merge": "병합(경로는 중괄호 안에 씁니다)",
}
"""The same on the Korean page."""

RULE_WORDS = {
    "en": ("\n| code | name | severity | default | finds |", "on", "off"),
    "ko": ("\n| 코드 | 이름 | 종류 | 기본 | 찾는 것 |", "켜짐", "꺼짐"),
}


def rule_table(groups: list[str], lang: str = "en") -> str:
    """The codes that begin so, each with a link to its page."""
    from cnndsl.diagnostics import CODES
    from cnndsl.diagnostics.message import Message
    from cnndsl.lang.messages import translated

    head, on, off = RULE_WORDS[lang]
    rows = [head, "|---|---|---|---|---|"]
    folder = "../cnndsl/diagnostics/pages" + ("" if lang == "en" else f"/{lang}")
    for each in CODES.values():
        if each.code[:2] in groups:
            link = f"[{each.code}]({folder}/{each.code}.md)"
            kind, finds = (translated(Message(x), lang) for x in (each.severity, each.summary))
            default = on if each.default else off
            rows.append(f"| {link} | `{each.name}` | {kind} | {default} | {finds} |")
    return "\n".join(rows) + "\n\n"


def spoken(path: Path) -> str:
    """The language of a document, which its name says."""
    return "ko" if path.name.endswith(".ko.md") or path.parent.name == "ko" else "en"


def renewed(text: str, lang: str = "en") -> str:
    """A document with what its commands print today, and today's layers and rules."""

    def renew(match: re.Match[str]) -> str:
        language, code = match.groups()
        return f"```console\n{replay(code)}```" if language == "console" else match[0]

    text = LAYERS.sub(lambda _: layer_table(), BLOCK.sub(renew, text))
    text = LISTED.sub(lambda _: layer_list(lang), text)
    return RULES.sub(lambda match: f"{match[1]}-->\n{rule_table(match[1].split(), lang)}", text)


def named(language: str) -> list[Any]:
    """All code of the documents in a language, each with a name for its test."""
    return [
        pytest.param(code, id=f"{path.name}: {code.splitlines()[0]}")
        for path in REPLAYED
        for code in blocks(path, language)
    ]


@pytest.mark.parametrize("block", named("console"))
def test_commands_print_what_is_shown(block: str) -> None:
    assert replay(block) == block


@pytest.mark.parametrize("code", named("python"))
def test_python_runs(code: str) -> None:
    if not code.startswith("# Generated"):
        exec(compile(code, "<a document>", "exec"), {})


def test_nets_of_the_readme_are_clean() -> None:
    nets = blocks(README, "cnn")
    assert nets
    for net in nets:
        assert cnndsl.diagnose(net) == []
        assert cnndsl.format(net) == net


IDIOMS = re.compile(r"^### ([^\n]+)\n.*?^```cnn\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def idioms() -> list[Any]:
    """The nets of the chapter "How do I write …", each with its heading."""
    text = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")
    chapter = text[text.index("<!-- idioms -->") : text.index("<!-- end -->")]
    return [pytest.param(code, id=title) for title, code in IDIOMS.findall(chapter)]


@pytest.mark.parametrize("net", idioms())
def test_idioms_are_clean(net: str) -> None:
    assert cnndsl.diagnose(net) == []
    assert cnndsl.format(net) == net


@pytest.mark.parametrize("net", few(idioms(), idioms()[::4]))
def test_idioms_are_written_for_every_framework(net: str) -> None:
    network = cnndsl.check(net)
    for target in ("keras", "pytorch", "flax", "json"):
        assert cnndsl.build(network, target)


def test_there_are_forty_idioms() -> None:
    assert len(idioms()) >= 40


def test_the_first_net_is_the_sample() -> None:
    first = blocks(README, "cnn")[0]
    sample = (ROOT / "samples" / "article.cnn").read_text(encoding="utf-8")
    statements = [line for line in sample.splitlines() if not line.startswith(("#", "expect"))]
    assert first.splitlines()[1:] == statements


def test_the_readme_lists_every_layer() -> None:
    (table,) = LAYERS.findall(README.read_text(encoding="utf-8"))
    assert table == layer_table(), "run `python tests/test_docs.py`"


@pytest.mark.parametrize("lang", UNKNOWN)
def test_the_page_of_unknown_layers_lists_them_all(lang: str) -> None:
    (listed,) = LISTED.findall(UNKNOWN[lang].read_text(encoding="utf-8"))
    assert listed == layer_list(lang), "run `python tests/test_docs.py`"


@pytest.mark.parametrize("name", ["rules.md", "rules.ko.md"])
def test_the_rules_are_all_listed(name: str) -> None:
    from cnndsl.diagnostics import CODES

    path = ROOT / "docs" / name
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]", text, re.MULTILINE) == list(CODES)
    assert renewed(text, spoken(path)) == text


def test_two_commands_set_everything_up() -> None:
    commands = "".join(blocks(README, "sh")).splitlines()
    assert [command.startswith("python3 -m venv ") for command in commands] == [True, True]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"grep -E '([^']+)' README.md", script)
    text = README.read_text(encoding="utf-8")
    assert re.findall(pattern + ".*", text, re.MULTILINE) == [commands[1]]


def test_posts_and_their_nets_agree() -> None:
    """Regions of documents and of the sample post are what `cnndsl docs` writes."""
    assert perform("cnndsl docs --check --root . docs samples/blog").endswith("all true\n")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(<?([^)#\s>]+)>?(?:#[^)]*)?\)", text):
        if not target.startswith(("https:", "mailto:")):
            assert (path.parent / target).exists(), target


if __name__ == "__main__":
    for document in (*REPLAYED, *UNKNOWN.values()):
        text = document.read_text(encoding="utf-8")
        document.write_text(renewed(text, spoken(document)), encoding="utf-8")
