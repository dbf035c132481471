"""How the parser goes on after an error. Only a broken text imports this module.

A stretch of tokens between separators, braces and bars is reported once, by the lexer or
here. The statement that it spoils becomes `Bad`, and what stands in braces after it is
read all the same, so that one slip hides no other.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from cnndsl.diagnostics import Diagnostic, Span
from cnndsl.syntax import nodes
from cnndsl.syntax.build import BuildError, Part, identifier, more_of
from cnndsl.syntax.layout import BOUNDARIES, MAX_ERRORS, Token
from cnndsl.syntax.slips import (
    STATEMENTS,
    VALUES,
    brace_on_next_line,
    reads,
    stretch_of,
    unexpected,
)
from cnndsl.syntax.stacks import GivenUp, Stacks
from cnndsl.syntax.tables import ACTIONS, GOTOS

MOST = 10 * MAX_ERRORS
"""How many errors the parser goes on after, be they told or not: then reading ends."""

_DEFINING = ("AS", "BLOCK", "LET", "PARAM", "HEAD")

_OF_CONSTANTS = ("NUMBER", "SIZE", "LPAR", "MINUS")
"""What a constant's value begins with, and a layer does not."""


def recover(
    stacks: Stacks, position: int, token: Token, end: int, error: BuildError | None
) -> tuple[int, Token]:
    """Make the stacks fit to go on; returns where, and with which token. Raises GivenUp."""
    tokens, states, values = stacks.tokens, stacks.states, stacks.values
    kind = token[0]
    stop = max(position, stacks.reported)  # where the broken stretch ends
    while tokens[stop][0] not in BOUNDARIES:
        stop += 1
    base = _statement_base(stacks)
    if not any(type(value) is nodes.Bad for value in values[base:]):
        _report(stacks, position, stop, error)
    stacks.errors += 1
    if len(stacks.problems) > MAX_ERRORS or stacks.errors > MOST:
        raise GivenUp
    stacks.reported = max(stacks.reported, stop)
    if position == stacks.stuck:
        if kind != "$END":
            return position + 1, tokens[position + 1]
        base = 0  # only tokens that no lexer makes lead here: braces that do not match
    if error is None:
        between = base == len(values)  # nothing of a statement has been read
        if kind == "_SEP" and (between or brace_on_next_line(tokens, position, states)):
            return position + 1, tokens[position + 1]
        follows_body = position > 0 and tokens[position - 1][0] == "RBRACE"
        begins = kind in STATEMENTS or (follows_body and kind == "NAME")
        if begins and not between and reads(states, "_SEP"):
            # A statement that is whole, and another on the same line.
            return position - 1, ("_SEP", end, end)
    if [each[0] for each in tokens[stop : stop + 2]] == ["_SEP", "LBRACE"]:
        stop += 1  # a brace begins no statement; it belongs to this one
        stacks.reported = stop
    start = stacks.starts[base] if base < len(values) else token[1]
    span = Span(start, max(start, tokens[stop - 1][2]))
    bad = _bad(stacks.source.text, span, values[base:], tokens[position:stop])
    del states[base + 1 :], values[base:], stacks.starts[base:]
    stacks.starts.append(start)
    values.append(bad)
    if tokens[stop][0] == "LBRACE":
        # Read on as if the statement were a layer with paths; its builder makes it `Bad`.
        states.append(ACTIONS[states[-1]]["NAME"])
    else:
        states.append(GOTOS["statement"][states[-1]])
    stacks.stuck = stop
    return stop, tokens[stop]


def _statement_base(stacks: Stacks) -> int:
    """Where the statement at hand begins on the stacks: outside of braces that are closed."""
    base = len(stacks.values)
    closed = 0
    while closed or stacks.states[base] not in GOTOS["statement"]:
        base -= 1
        value = stacks.values[base]
        if type(value) is tuple:
            closed += (value[0] == "RBRACE") - (value[0] == "LBRACE")
    return base


def _bad(text: str, span: Span, values: list[Any], rest: list[Token]) -> nodes.Bad:
    """A broken statement, of which some values have been read and the rest has not."""
    words = [value for value in values if type(value) is tuple]
    words += [word for word in rest if word[0] != "BAD"]
    kinds = [kind for kind, _, _ in words]
    names = [
        value.value.id
        for value in values
        if type(value) is Part and value.kind in ("alias", "index")
    ]
    for keyword in _DEFINING:
        if keyword in kinds:
            names += _named(text, words[kinds.index(keyword) + 1 :], last=keyword == "AS")
    if values and type(values[0]) is nodes.Bad:
        return more_of(values[0], span, names, _bodies(values[1:]))
    first = next((word for word in words if word[0] in STATEMENTS or word[0] in VALUES), None)
    word = identifier(text, first).id if first else ""
    if kinds[:1] == ["SLASHES"]:
        word = "#"  # `// …`, a comment elsewhere
    elif word == "for":
        names += re.findall(r"^for[ \t]+(\w+)", text[span.start : span.start + 200])
    elif kinds[:3] == ["NAME", "COLON", "NAME"]:
        names.append(word)
        word = identifier(text, words[2]).id  # `conv1: conv 8 3x3`
    elif kinds[:2] == ["NAME", "EQUAL"]:
        names.append(word)
        if kinds[2:] and kinds[2] in _OF_CONSTANTS:
            word = "let"  # `k = 3`
        elif kinds[2:3] == ["NAME"]:
            word = identifier(text, words[2]).id  # `x = conv 8 3x3`
    return more_of(nodes.Bad(span, word), span, names, _bodies(values))


def _named(text: str, words: list[Token], *, last: bool) -> Iterator[str]:
    """The names after a keyword that wants one; where that comes last, after whatever else."""
    found = [*takewhile(_is_name, words)] or [word for word in words if last and _is_name(word)]
    names = [identifier(text, word).id for word in found]
    yield from names[:1] if last else names
    if not names:
        yield ""


def _is_name(token: Token) -> bool:
    return token[0] == "NAME"


def _bodies(values: list[Any]) -> Iterator[nodes.Body]:
    """What stands in braces among some values; the innermost may not be bodies yet."""
    loose: list[nodes.Statement] = []
    for value in [*_parts(values), ("RBRACE",)]:
        if isinstance(value, nodes.Statement):
            loose.append(value)
        elif type(value) is nodes.Body:
            yield value
        elif loose and value[0] == "RBRACE":
            yield nodes.Body(Span(loose[0].span.start, loose[-1].span.end), tuple(loose))
            loose = []


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    """Some values, with what lists and parts of a statement hold in their place."""
    for value in values:
        if type(value) is Part:
            yield from value.value if value.kind in ("paths", "plain") else [value.value]
        elif type(value) is list:
            yield from value
        else:
            yield value


def _report(stacks: Stacks, position: int, stop: int, error: BuildError | None) -> None:
    """Add the problem, unless its stretch of tokens has one already."""
    source, tokens = stacks.source, stacks.tokens
    if position <= stacks.reported:
        return
    if tokens[position][0] == "BAD":
        return
    first = stretch_of(tokens, position)
    begin = tokens[first - 1][2] if first else 0
    at = bisect_left(stacks.known, begin, key=lambda problem: problem.span.start)
    if at < len(stacks.known) and stacks.known[at].span.start < tokens[stop][1]:
        return
    if error is not None:
        problem = Diagnostic(error.code, source, error.span, error.message, error.help)
    else:
        problem = unexpected(source, tokens, position, stacks.states)
    stacks.problems.append(problem)
