"""What the readers of texts share: operations that know their lines, and collected problems."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.graph import Graph, ImportProblems, Problem, Scope, without_word
from cnndsl.layers.base import Shape

LONGEST = 4_000_000
"""How many characters a text may have."""
MOST_LAYERS = 10_000
"""How many layers a text may stand for."""
MOST_PROBLEMS = 100
"""How many problems of a text are told."""

Span = tuple[int, int]


class Draft:
    """A graph in the making, from a text: what does not fit becomes a problem with its place.

    `unsized` says that a size is missing or beyond all bounds: nothing more can be said.
    """

    def __init__(self, text: str, name: str, defaults: str) -> None:
        self.graph = Graph(name, defaults)
        self.text = text
        self.unsized = False
        self._lines = [at for at, sign in enumerate(text[:LONGEST]) if sign == "\n"]
        self._asked: set[Message] = set()
        if len(text) > LONGEST:
            self.text = ""
            message = Message("the text has {count:,} characters", count=len(text))
            help_ = Message("it may have {most:,}", most=LONGEST)
            self.problem("E607", message, (0, 0), help_)

    def where(self, span: Span) -> str:
        """The line that a place of the text is in, in words."""
        return f"line {bisect_right(self._lines, span[0] - 1) + 1}"

    def problem(self, code: str, message: Message, span: Span, help_: Message = NOTHING) -> None:
        """Take a problem down."""
        self.graph.problems.append(Problem(code, message, self.where(span), help_, span))

    def unreadable(self, span: Span, help_: Message = NOTHING) -> None:
        """Take down that a piece of the text cannot be read."""
        piece = short(" ".join(self.text[slice(*span)].split()))
        self.problem("E605", Message("cannot read `{text}`", text=piece), span, help_)

    def unknown(self, what: str, span: Span, help_: Message = NOTHING) -> None:
        """Take down an operation that the language has no word for."""
        message = without_word(short(what))
        self.problem("E601", message, span, help_)

    def ask(self, message: Message, op: int | None = None) -> None:
        """Take down what the text does not say, the same thing once."""
        if message not in self._asked:
            self._asked.add(message)
            self.graph.asks.append((op, message))

    def note(self, message: Message) -> None:
        """Take down what is to be said beside the text, the same thing once."""
        if message not in self.graph.notes:
            self.graph.notes.append(message)

    def ends(self) -> list[int]:
        """The operations that nothing reads."""
        return [op for op, users in enumerate(self.graph.users()) if not users]

    def input(self, shape: Shape, span: Span, name: str = "", scope: tuple[Scope, ...] = ()) -> int:
        """Add an input; one of a shape that no network has is a problem, and the draft unsized."""
        try:
            return self.graph.input(shape, name, scope)
        except ImportProblems as error:
            self.graph.problems += [each._replace(span=span) for each in error.problems]
            self.unsized = True
            return self.graph.input((1,))

    def add(
        self,
        word: str,
        values: Mapping[str, Any],
        inputs: Iterable[int],
        span: Span,
        name: str = "",
        scope: tuple[Scope, ...] = (),
        frozen: bool = False,
    ) -> int:
        """Add an operation; one that does not fit is a problem, and gives its first input."""
        inputs = tuple(inputs)
        if len(self.graph.ops) == MOST_LAYERS:
            message = Message("there are more than {most:,} layers", most=MOST_LAYERS)
            self.problem("E605", message, span)
        if len(self.graph.ops) >= MOST_LAYERS:
            return inputs[0]
        try:
            return self.graph.add(word, values, inputs, {}, scope, name, self.where(span), frozen)
        except ImportProblems as error:
            for each in error.problems:
                self.graph.problems.append(each._replace(span=span))
            return inputs[0]

    def done(self) -> Graph:
        """The graph, with its problems in the order of the text, and no more than are told."""
        problems = sorted(self.graph.problems, key=lambda each: each.span or (0, 0))
        self.graph.problems = problems[:MOST_PROBLEMS]
        return self.graph


def short(text: str) -> str:
    """A text of at most 60 signs."""
    return text if len(text) <= 60 else text[:59] + "…"


def channels_last(sizes: tuple[int, ...]) -> Shape:
    """A shape whose channels come first, with them last."""
    return (*sizes[1:], sizes[0])
