"""What people call the columns of a table and the layers of a net: `synonyms.json`, read."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from cnndsl.foreign.table import CLASSES
from cnndsl.lang import TERMS, Words, words
from cnndsl.layers import LAYERS, MERGES, family
from cnndsl.tables.columns import COLUMNS
from cnndsl.tables.styles import STYLES

LONGEST = 200
"""How much of the name of a row or a column is read, in characters."""


class Label(NamedTuple):
    """What a row is called: the words of layers that this may mean, a number or 0, and a name.

    `several` says that it stands for several layers, as `conv3-256 x3` does.
    """

    kinds: frozenset[str] = frozenset()
    number: int = 0
    name: str = ""
    several: bool = False


@cache
def synonyms() -> dict[str, Any]:
    """The table of synonyms, English and Korean."""
    return json.loads((files("cnndsl.audit") / "synonyms.json").read_text("utf-8"))  # type: ignore[no-any-return]


@cache
def pattern(key: str) -> re.Pattern[str]:
    """An entry of the table that is an expression."""
    return re.compile(_with_parts(synonyms()[key]))


def _with_parts(text: str) -> str:
    return re.sub("<([A-Z]+)>", lambda match: synonyms()["parts"][match[1]], text)


@cache
def languages() -> list[Words]:
    """The words of all languages, in all terms; English first."""
    return [words(lang, terms) for terms, each in TERMS.items() for lang in each]


def compact(text: str) -> str:
    """The letters of a text, as names are compared: `Output Shape` is `outputshape`."""
    return re.sub(r"data|데이터|의(?=\s|$|[a-z])|[^a-z가-힣#]", "", text.lower())


@cache
def _columns() -> tuple[dict[str, str], list[tuple[str, re.Pattern[str]]]]:
    """The titles that cnndsl itself writes, and what others do; the first that fits counts."""
    own: dict[str, str] = {}
    for said in languages():
        named = [(f"{style}.{key}", key) for style in STYLES for key in COLUMNS]
        for word, key in (*named, *((key, key) for key in COLUMNS), ("weight-share", "share")):
            if word in said:
                own.setdefault(compact(said[word]), key)
    return own, [(key, re.compile(_with_parts(each))) for key, each in synonyms()["columns"]]


@lru_cache(4096)
def column(title: str) -> str:
    """The key of the column that a title names: of `COLUMNS`, `height` or `width`, or empty."""
    own, others = _columns()
    title = title[:LONGEST].replace("%", " share ")
    for plain in (compact(title), compact(re.sub(r"\([^()]*\)", "", title))):
        if plain in own:
            return own[plain]
        for key, known in others:
            if known.fullmatch(plain):
                return key
    return ""


@cache
def _kinds() -> tuple[dict[str, frozenset[str]], re.Pattern[str]]:
    """The words of layers that a compact name may mean, and what finds the longer names."""
    named = [(op, op) for op in (*LAYERS, *MERGES)]
    for op, layer in {**LAYERS, **MERGES}.items():
        titles = [said.layer(op, layer.title) for said in languages()]
        named += [(each, op) for each in titles]
        named += [(re.sub(r" (?:층|레이어|layer)$", "", each), op) for each in titles]
    for classes in CLASSES.values():
        named += [(re.sub(r"(?i)\dd", "", name), each.word) for name, each in classes.items()]
    named += [(name, op) for op, names in synonyms()["kinds"].items() for name in names.split()]
    found: dict[str, set[str]] = {}
    for name, op in named:
        many = family("pool") if op == "anypool" else family("activation")
        found.setdefault(compact(name), set()).update(many if op.startswith("any") else [op])
    names = sorted(found, key=len, reverse=True)
    finder = re.compile("|".join(name for name in names if len(name) > 3 or name > "가"))
    return {name: frozenset(ops - {""}) for name, ops in found.items() if name}, finder


@lru_cache(4096)
def kinds_of(text: str) -> frozenset[str]:
    """The words of layers that a text names, by its longest name; empty for none."""
    known, finder = _kinds()
    text = re.sub(r"(?<=[a-z])[123]d\b|(?<=[a-z])[123]d(?=transpose)", "", text.lower())
    if (plain := compact(text)) in known:
        return known[plain]
    plain = compact(re.sub(synonyms()["layer"], " ", text))
    parts = [each for each in re.findall("[a-z]+|[가-힣]+", text) if len(each) > 1]
    found = [each for each in (plain, *finder.findall(plain), *parts) if each in known]
    return known[max(found, key=len)] if found else frozenset()


def activations(text: str) -> frozenset[str]:
    """The words of the activations that a text may mean, where it names nothing else."""
    plain = compact(pattern("function").sub("", text))
    return _kinds()[0].get(plain, frozenset()) & {*family("activation")}


def label(text: str) -> Label:
    """What a row's first cell says: `Max Pooling Layer 2`, `conv2d_1 (Conv2D)`, `합성곱 층 3`."""
    text = text[:LONGEST]
    named = re.fullmatch(r"\s*`?([\w.]+?)(?::\s*[\d-]+)?`?\s*(?:\(\s*(\w+).*)?", text)
    name, inside = (named[1], named[2] or "") if named else ("", "")
    kinds = kinds_of(inside) or kinds_of(text)
    several = bool(pattern("several").search(text))
    plain = re.sub(r"\([^()]*(?:\)|$)|:\s*[\d-]+$|(?<=[a-zA-Z])[123][dD](?![a-zA-Z])", "", text)
    # The 3 of `C3` counts all layers, and the 64 of `conv3-64` is a size.
    number = re.search(
        r"(?<![\d.x×])(?<!\d-)(?<!\b[A-Za-z])(\d{1,6})(?![\d.x×])[^\dx×]{0,12}$", plain
    )
    if number:
        return Label(kinds, int(number[1]), name, several)
    told = [
        re.search(rf"(?i)\b(?:{each})(?:\b| ?번 ?째)", plain) for each in synonyms()["ordinals"]
    ]
    ordinal = next((at for at, each in enumerate(told, 1) if each), 0)
    return Label(kinds, ordinal, name, several)
