"""The stacks of one parse, which the parser drives and recovery mends."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.syntax.layout import Token


class GivenUp(Exception):
    """There are too many errors to go on."""


class Stacks:
    """States, values, and where each value begins."""

    def __init__(self, source: Source, tokens: list[Token], known: list[Diagnostic]) -> None:
        self.source = source
        self.tokens = tokens
        self.known = known  # the lexer's problems: what they spoil is not reported again
        self.problems: list[Diagnostic] = []
        self.states = [0]
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.reported = -1  # the end of the stretch of tokens that was reported last
        self.stuck = -1  # where an error was that left its token to be read
        self.errors = 0  # how many there were, told or not
