"""Grammar to tables: `python -m cnndsl.syntax.generate` writes `tables.py`.

Lark proves the grammar LALR(1) and makes the tables; cnndsl ships them and drives them
itself (`parser.py`), since importing Lark takes longer than checking a net. Needs the
`dev` extra. With `--check` it writes nothing and exits 1 where the tables are out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from cnndsl.syntax import grammar_text
from cnndsl.syntax.bad_words import MEANT

TABLES = Path(__file__).with_name("tables.py")

HEADER = '''"""LALR(1) tables of grammar/cnn.lark, by `python -m cnndsl.syntax.generate`."""

# fmt: off
# ruff: noqa
from __future__ import annotations

'''

# What the lexer wants besides the grammar's terminals, so that any text is tokens: words in
# quotes, what begins like a number, and any other character: a row of it is one token, unless
# each must have been meant for a sign.
SIGNS = "".join(sign for sign, kind in MEANT.items() if kind not in ("", "_SEP"))
EXTRA = (
    ("BAD_STRING", "[\"“”„][^\"“”„\\r\\n]*[\"“”]|['‘’][^'‘’\\r\\n]*['‘’]"),
    ("BAD_NUMBER", r"\.?[0-9]\w*(?:\.\w+){0,100}"),
    ("BAD", rf"(?P<one>[\s\S])(?:(?<![{SIGNS}])(?P=one){{1,1000}})?"),
)

# Signs that are none unless something follows: a dot between names.
AHEAD = {".": r"\.(?=[^\W\d])"}

# The commonest first, but for SIZE, which begins like a NUMBER.
ORDER = ("NAME", "_SEP", "SIZE", "NUMBER", "COMMENT", "SPACE")


def render() -> str:
    """The text of `tables.py` for the grammar as it stands."""
    from lark import Lark

    lark: Any = Lark(
        grammar_text(), start="module", parser="lalr", lexer="basic", maybe_placeholders=False
    )
    return HEADER + _terminals(lark) + _rules_and_states(lark)


def _terminals(lark: Any) -> str:
    """The lexer's pattern, and the words and signs that are terminals of their own."""
    keywords: dict[str, str] = {}
    signs: dict[str, str] = {}
    patterns: dict[str, str] = {}
    for terminal in lark.terminals:
        text = terminal.pattern.to_regexp()
        if terminal.name in ORDER:
            patterns[terminal.name] = text
            continue
        for sign in re.split(r"(?<!\\)\|", re.sub(r"^\(\?:(.*)\)$", r"\1", text)):
            plain = re.sub(r"\\(.)", r"\1", sign)
            (keywords if plain.isalpha() else signs)[plain] = terminal.name
    longest_first = sorted(signs, key=lambda sign: (-len(sign), sign))
    patterns["SIGN"] = "|".join(AHEAD.get(sign, re.escape(sign)) for sign in longest_first)
    pieces = [(name, patterns[name]) for name in (*ORDER[:4], "SIGN", *ORDER[4:])]
    alternatives = "|".join(f"(?P<{name}>{regexp})" for name, regexp in [*pieces, *EXTRA])
    pattern = f"(?:{alternatives})(?:{patterns['SPACE']})?"
    keywords, signs = dict(sorted(keywords.items())), dict(sorted(signs.items()))
    return f"PATTERN = {pattern!a}\n\nKEYWORDS = {keywords}\n\nSIGNS = {signs}\n\n"


def _rules_and_states(lark: Any) -> str:
    """The rules with what becomes of them, and the actions and gotos of each state."""
    from lark.parsers.lalr_analysis import Shift

    table = lark.parser.parser._parse_table
    # Lark numbers states by way of sets; a walk from the start in the order of the symbols
    # makes the same grammar the same bytes.
    rules = sorted(lark.rules, key=lambda rule: (rule.origin.name, rule.order, str(rule)))
    number = {rule: index for index, rule in enumerate(rules)}
    states = [table.start_states["module"]]
    for state in states:
        row = table.states[state]
        targets = [row[symbol][1] for symbol in sorted(row) if row[symbol][0] is Shift]
        states += [target for target in dict.fromkeys(targets) if target not in states]
    renumber = {state: index for index, state in enumerate(states)}

    lines = ["# (nonterminal, symbols, builder or '', kept symbols, the child stands for it)\n"]
    lines.append("RULES: tuple[tuple[str, int, str, tuple[int, ...], bool], ...] = (\n")
    lines += [f"    {_rule(rule)!r},\n" for rule in rules]
    lines.append(")\n\n# A state's actions: shift to a state n as n, reduce by rule n as -n - 1.\n")
    lines.append("ACTIONS: tuple[dict[str, int], ...] = (\n")
    gotos: dict[str, dict[int, int]] = {}
    for state in states:
        actions = {}
        for symbol, (action, target) in table.states[state].items():
            if action is not Shift:
                actions[symbol] = -number[target] - 1
            elif symbol.isupper():
                actions[symbol] = renumber[target]
            else:
                gotos.setdefault(symbol, {})[renumber[state]] = renumber[target]
        lines.append(f"    {dict(sorted(actions.items()))!r},\n")
    lines.append(")\n\n# By the nonterminal: the state after it, for each before it.\n")
    lines.append("GOTOS: dict[str, dict[int, int]] = {\n")
    lines += [f"    {symbol!r}: {goto!r},\n" for symbol, goto in sorted(gotos.items())]
    lines.append("}\n")
    return "".join(lines)


def _rule(rule: Any) -> tuple[str, int, str, tuple[int, ...], bool]:
    name = str(rule.origin.name)
    kept = tuple(
        index
        for index, symbol in enumerate(rule.expansion)
        if not (symbol.is_term and symbol.filter_out)
    )
    single = rule.options.expand1 and not rule.alias
    assert not single or len(kept) == 1, rule
    builder = "" if single or name.startswith("_") else str(rule.alias or name)
    return (name, len(rule.expansion), builder, kept, single)


def main() -> int:
    """Write the tables, or with `--check` compare them."""
    text = render()
    if "--check" in sys.argv[1:]:
        if TABLES.read_text(encoding="utf-8") == text:
            return 0
        print(f"{TABLES} is out of date: run `python -m cnndsl.syntax.generate`")
        return 1
    TABLES.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
