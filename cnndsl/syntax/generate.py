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

TABLES = Path(__file__).with_name("tables.py")

HEADER = '''"""LALR(1) tables of grammar/cnn.lark. Generated; run `python -m cnndsl.syntax.generate`."""

# fmt: off
# ruff: noqa
from __future__ import annotations

'''


def render() -> str:
    """The text of `tables.py` for the grammar as it stands."""
    from lark import Lark
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    lark: Any = Lark(
        grammar_text(), start="module", parser="lalr", lexer="basic", maybe_placeholders=False
    )
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

    keywords, patterns, punctuation = {}, [], []
    for terminal in lark.terminals:
        pattern = terminal.pattern
        if isinstance(pattern, PatternStr) and pattern.value.isalpha():
            keywords[pattern.value] = terminal.name
        elif isinstance(pattern, PatternStr):
            punctuation.append((terminal.name, re.escape(pattern.value)))
        elif terminal.priority or terminal.name in ("NAME", "_SEP", "COMMENT", "SPACE"):
            patterns.append((-terminal.priority, terminal.name, pattern.to_regexp()))
        else:
            punctuation.append((terminal.name, pattern.to_regexp()))
    # The commonest first, but for what priorities decide; the longest punctuation first.
    order = ["SPACE", "SIZE", "NUMBER", "NAME", "_SEP", "COMMENT"]
    patterns.sort(key=lambda row: order.index(row[1]))
    punctuation.sort(key=lambda row: (row[0] != "COMPARE", -len(row[1]), row[0]))
    pieces = [(name, regexp) for _, name, regexp in patterns] + punctuation
    pieces += [("BAD_NUMBER", r"\.?[0-9](?:\w|[.](?=\w))*"), ("BAD", r"[\s\S]")]
    pattern = "|".join(f"(?P<{name}>{regexp})" for name, regexp in pieces)

    lines = [HEADER, f"PATTERN = {pattern!r}\n\nKEYWORDS = {{\n"]
    lines += [f"    {word!r}: {keywords[word]!r},\n" for word in sorted(keywords)]
    lines.append("}\n\n# (nonterminal, symbols, builder or '', kept symbols, the child stands for it)\n")
    lines.append("RULES = (\n")
    for rule in rules:
        name = str(rule.origin.name)
        kept = tuple(
            index
            for index, symbol in enumerate(rule.expansion)
            if not (symbol.is_term and symbol.filter_out)
        )
        single = rule.options.expand1 and not rule.alias
        assert not single or len(kept) == 1, rule
        builder = "" if single or name.startswith("_") else str(rule.alias or name)
        row = (name, len(rule.expansion), builder, kept, single)
        lines.append(f"    {row!r},\n")
    lines.append(")\n\n# A state's actions, the first state's first: shift to a state n as n, reduce by rule n as -n - 1.\n")
    lines.append("ACTIONS = (\n")
    gotos = []
    for state in states:
        actions, goto = {}, {}
        for symbol, (action, target) in table.states[state].items():
            if action is not Shift:
                actions[symbol] = -number[target] - 1
            elif symbol.isupper():
                actions[symbol] = renumber[target]
            else:
                goto[symbol] = renumber[target]
        lines.append(f"    {dict(sorted(actions.items()))!r},\n")
        gotos.append(goto)
    lines.append(")\n\nGOTOS = (\n")
    lines += [f"    {dict(sorted(goto.items()))!r},\n" for goto in gotos]
    lines.append(")\n")
    return "".join(lines)


def main() -> int:
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
