"""A configuration: what `cnndsl.toml`, or `[tool.cnndsl]` in `pyproject.toml`, says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from cnndsl.lang import LANGUAGES
from cnndsl.lint.selection import (
    ERRORS,
    Selection,
    SelectionError,
    chosen,
    ignorable,
    matching,
    shown,
)

KEYS = ("error-on-warning", "extend-select", "ignore", "lang", "per-file-ignores", "select")

MOST_PROBLEMS = 20
"""How many problems of a configuration are looked for, each of which takes a look at all of it."""


class ConfigurationError(ValueError):
    """What is wrong with a configuration: pairs of a line (from 1; 0 is unknown) and why."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


class Configuration(NamedTuple):
    """What is reported of the files below a folder.

    `per_file` holds the words that are ignored in the files that a pattern matches; `lang` is
    the language of messages, or None.
    """

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    error_on_warning: bool = False
    lang: str | None = None

    def ignored_in(self, path: str) -> tuple[str, ...]:
        """The words that are ignored in a file; `path` has `/` and begins at the folder."""
        return tuple(
            word for pattern, words in self.per_file if matches(pattern, path) for word in words
        )


def codes_for(
    configuration: Configuration,
    ignored: Iterable[str],
    select: list[str] | None,
    ignore: list[str],
) -> frozenset[str]:
    """The codes that are reported of a file in which the configuration ignores some words.

    `select` and `ignore` are words of the command line: a `select` sets aside what the
    configuration selects and ignores, save for single files; an `ignore` adds to it.
    Raises SelectionError.
    """
    if select is None:
        selection = Selection(
            configuration.select, configuration.extend_select, (*configuration.ignore, *ignore)
        )
    else:
        selection = Selection(select, (), ignore)
    found = chosen(selection)
    for word in ignored:
        found -= ignorable(word)[0] - ERRORS
    return found


def read_configuration(table: Mapping[str, Any], text: str, header: str = "") -> Configuration:
    """The configuration that a TOML table is. Raises ConfigurationError.

    `text` is the file, and `header` the name of the table in it: they tell the lines.
    """
    return _Reader(table, text, header).read()


class _Reader:
    def __init__(self, table: Mapping[str, Any], text: str, header: str) -> None:
        self.table = table
        self.text = text
        self.header = header
        self.problems: list[tuple[int, str]] = []

    def read(self) -> Configuration:
        for key in self.table:
            if key not in KEYS:
                self.problem(key, f"unknown key `{shown(key)}`{_nearest(key)}")
        select = self.words("select") if "select" in self.table else None
        strict = self.table.get("error-on-warning", False)
        if not isinstance(strict, bool):
            self.problem("error-on-warning", "`error-on-warning` is true or false")
        lang = self.table.get("lang")
        if lang is not None and lang not in LANGUAGES:
            self.problem("lang", f"`lang` is one of {', '.join(LANGUAGES)}")
        configuration = Configuration(
            select,
            self.words("extend-select"),
            self.words("ignore", ignoring=True),
            self.per_file(),
            strict is True,
            lang,
        )
        if self.problems:
            raise ConfigurationError(sorted(self.problems))
        return configuration

    def per_file(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        table = self.table.get("per-file-ignores", {})
        if not isinstance(table, dict):
            self.problem(
                "per-file-ignores",
                "`per-file-ignores` is a table: patterns of paths, and the rules that are ignored",
            )
            return ()
        for pattern in table:
            try:
                matches(pattern, "")
            except re.error:
                self.problem(pattern, f"`{shown(pattern)}` is no pattern of paths")
        return tuple(
            (pattern, self.listed(pattern, value, ignoring=True))
            for pattern, value in table.items()
        )

    def words(self, key: str, *, ignoring: bool = False) -> tuple[str, ...]:
        return self.listed(key, self.table.get(key, []), ignoring=ignoring)

    def listed(self, key: str, value: Any, *, ignoring: bool) -> tuple[str, ...]:
        """A list of rules that exist."""
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.problem(key, f'`{key}` is a list of rules, as in ["W101", "W2"]')
            return ()
        for word in value:
            try:
                ignorable(word) if ignoring else matching(word)
            except SelectionError as error:
                self.problem(key, str(error), word)
        return tuple(value)

    def problem(self, key: str, message: str, word: str = "") -> None:
        """Add a problem. Raises ConfigurationError where there are enough."""
        self.problems.append((self.line_of(key, word), message))
        if len(self.problems) == MOST_PROBLEMS:
            raise ConfigurationError(sorted(self.problems))

    def line_of(self, key: str, word: str) -> int:
        """The line of a key, or of a word in its value; 0 where it is not plain."""
        start = 0
        if self.header:
            table = re.search(rf"^[ \t]*\[[ \t]*{re.escape(self.header)}\b", self.text, re.M)
            start = table.start() if table else 0
        place = re.compile(rf"^[ \t]*([\w.-]*\.)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]", re.M)
        found = place.search(self.text, start) or re.compile(
            rf"\[[^\[\]\n]*\b{re.escape(key)}[\"']?\s*\]"
        ).search(self.text, start)
        if not found:
            return 0
        at = found.end() - 1
        if word:
            inside = re.compile(f"[\"']{re.escape(word)}[\"']").search(self.text, at)
            at = inside.start() if inside else at
        return self.text.count("\n", 0, at) + 1


def _nearest(key: str) -> str:
    from cnndsl.diagnostics.spelling import nearest

    return nearest(key.replace("_", "-"), KEYS) or f"; the keys are {', '.join(KEYS)}"


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern means a path, both with `/`.

    `*` and `?` stay within a name, `**` crosses folders, `[ab]` is one of them. A pattern
    without `/` means the name of a file in any folder, one that ends in `/` all below it.
    """
    pattern = pattern.removeprefix("./")
    if pattern.endswith("/"):
        pattern += "**"
    if "/" not in pattern:
        path = path.rsplit("/", 1)[-1]
    # Which of the places in the path, as bits, the pattern may have come to: none is tried twice.
    places = 1
    ends = {"/": 0}
    for index, character in enumerate(path):
        ends[character] = ends.get(character, 0) | 1 << index
    every = (1 << len(path)) - 1
    plain = every ^ ends["/"]
    for piece, within in _pieces(pattern):
        if not places:
            return False
        first = places & -places
        if piece == "**":
            places = 2 * every + 2 - first
        elif piece == "**/":
            places |= (ends["/"] & -first) << 1
        elif piece == "*":  # a sum carries on to where the name ends
            places |= ((places & plain) + plain) ^ plain
        elif piece == "?":
            places = (places & plain) << 1
        elif within is not None:
            places = (places & sum(ends[each] for each in ends if within(each))) << 1
        else:
            places = (places & ends.get(piece, 0)) << 1
    return bool(places >> len(path))


@lru_cache(maxsize=100)
def _pieces(pattern: str) -> list[tuple[str, Callable[[str], object] | None]]:
    """The characters of a pattern, its stars, and its `[ab]`, each with what takes one of them."""
    pieces: list[tuple[str, Callable[[str], object] | None]] = []
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", pattern, re.S):
        if piece[0] != "[" or len(piece) < 3:
            pieces += [(piece, None)] if piece[0] == "*" else [(each, None) for each in piece]
            continue
        inner = piece[1:-1]
        sign = "^" if inner.startswith("!") else ""
        # What `re` takes, or may take one day, for more than a character.
        inner = re.sub(r"([\\\[\]^&~|]|-(?=-))", r"\\\1", inner[len(sign) :])
        pieces.append((piece, re.compile(f"[{sign}{inner}]").fullmatch))
    return pieces
