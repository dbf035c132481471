"""A token that cannot stand where it stands: what is around it, and what could have stood."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnndsl.diagnostics.diagnostic import Edit, Fix
from cnndsl.diagnostics.source import Source, Span
from cnndsl.syntax.bad_words import shorten
from cnndsl.syntax.layout import BOUNDARIES, Token
from cnndsl.syntax.tables import ACTIONS, GOTOS, KEYWORDS, RULES

STATEMENTS = frozenset(KEYWORDS.values()) - {"AND", "AS", "ELSE", "NOT", "OR"}
"""The keywords that begin a statement."""

OPERATORS = ("PLUS", "MINUS", "STAR", "SLASH", "SLASHES", "PERCENT", "POWER")
VALUES = ("NUMBER", "SIZE", "NAME")

_EXPECTED = (
    ("RPAR", "`)`"),
    ("LBRACE", "`{`"),
    ("LPAR", "`(`"),
    ("EQUAL", "`=`"),
    ("_SEP", "the end of the statement"),
    ("COMPARE", "a comparison"),
    ("COMMA", "`,`"),
)


def viable(states: list[int], kind: str) -> bool:
    """Whether a token could stand here, which only a trial tells: LALR reduces first."""
    stack = list(states)
    while True:
        action = ACTIONS[stack[-1]].get(kind)
        if action is None or action >= 0:
            return action is not None
        origin, size = RULES[-action - 1][:2]
        if size:
            del stack[-size:]
        stack.append(GOTOS[stack[-1]][origin])


def reads(states: list[int], kinds: Iterable[str]) -> bool:
    """Whether tokens could stand here one after another."""
    stack = list(states)
    for kind in kinds:
        if not viable(stack, kind):
            return False
        while (action := ACTIONS[stack[-1]][kind]) < 0:
            origin, size = RULES[-action - 1][:2]
            if size:
                del stack[-size:]
            stack.append(GOTOS[stack[-1]][origin])
        stack.append(action)
    return True


def brace_on_next_line(tokens: list[Token], position: int, states: list[int]) -> bool:
    """Whether a separator keeps a `{` from the statement that it belongs to."""
    return tokens[position + 1][0] == "LBRACE" and viable(states, "LBRACE")


class Slip(NamedTuple):
    """A token that cannot stand where it stands, and what is around it."""

    source: Source
    tokens: list[Token]
    position: int
    first: int  # where its stretch of tokens begins
    states: list[int]

    @property
    def kind(self) -> str:
        return self.tokens[self.position][0]

    @property
    def span(self) -> Span:
        return Span(*self.tokens[self.position][1:])

    def kind_at(self, distance: int) -> str:
        """The kind of a token near this one, "" beyond its stretch."""
        at = self.position + distance
        return self.tokens[at][0] if self.first <= at < len(self.tokens) else ""

    def text(self, distance: int = 0) -> str:
        _, start, end = self.tokens[self.position + distance]
        return self.source.text[start:end]

    def expects(self, *kinds: str) -> bool:
        return all(viable(self.states, kind) for kind in kinds)

    def rest(self) -> list[str]:
        """The kinds of the tokens from here on, to the end of the stretch."""
        stop = self.position
        while self.tokens[stop][0] not in BOUNDARIES:
            stop += 1
        last = self.tokens[stop][0]
        kinds = [kind for kind, _, _ in self.tokens[self.position : stop]]
        return [*kinds, "_SEP" if last == "$END" else last]

    def reads(self, *kinds: str) -> bool:
        """Whether tokens could stand here one after another."""
        return reads(self.states, kinds)

    def in_arguments(self) -> bool:
        """Whether a layer's arguments stand here."""
        return self.expects("NUMBER", "_SEP")

    def first_kind(self) -> str:
        """The kind of the token that the stretch begins with: a statement's keyword."""
        return self.tokens[self.first][0]

    def expected(self) -> str:
        """What could have stood there, in words."""
        if self.expects("NET"):
            return "a statement"
        if self.in_arguments():
            return "the end of the statement" if self.kind in BOUNDARIES else "an argument"
        if self.expects("NUMBER"):
            return "a size" if self.kind_at(-1) == "INPUT" else "a value"
        if self.expects("NAME"):
            return "`)` or a parameter" if self.expects("RPAR") else "a name"
        if self.expects("RPAR", "COMMA"):
            return "`,` or `)`"
        return next((words for kind, words in _EXPECTED if self.expects(kind)), "something else")

    def at_end(self) -> bool:
        """Whether the text ends here, with or without braces that are still open."""
        return self.span.start == len(self.source.text)

    def found(self) -> str:
        """What stands there, in words."""
        if self.at_end():
            return "the end of the file"
        if self.kind == "_SEP":
            return "the end of the line" if "\n" in self.text() else "`;`"
        return shorten(self.text())

    def replace(self, text: str, span: Span | None = None) -> Fix:
        span = span or self.span
        title = f"write {shorten(text)}" if text else "remove it"
        return Fix(title, (Edit(span, text),), safe=True)

    def insert(self, text: str, offset: int) -> Fix:
        return Fix(
            f"insert {shorten(text.strip())}", (Edit(Span(offset, offset), text),), safe=True
        )
