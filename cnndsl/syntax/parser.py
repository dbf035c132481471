"""Tokens to syntax tree: an LALR(1) machine over the tables that Lark made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.source import Source, Span
from cnndsl.syntax import nodes
from cnndsl.syntax.build import BUILDERS, BuildError
from cnndsl.syntax.lexer import MAX_ERRORS, Token, tokenize
from cnndsl.syntax.tables import ACTIONS, GOTOS, KEYWORDS, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

# A rule with its builder in place of the builder's name.
_RULES = tuple(
    (origin, size, BUILDERS[builder] if builder else None, kept, single)
    for origin, size, builder, kept, single in RULES
)
_WORDS = {kind: word for word, kind in KEYWORDS.items()}
_ENDS = ("_SEP", "RBRACE", "VBAR", "$END")


def parse(source: Source) -> tuple[nodes.Module, list[Diagnostic]]:
    """The syntax tree of a text, and what could not be read.

    A statement with an error stands in the tree as `Bad`; reading goes on after it.
    """
    tokens, comments, problems = tokenize(source)
    module = _Machine(source, tokens, problems).run()
    problems.sort(key=lambda problem: problem.span)
    return module._replace(comments=tuple(comments)), problems


class _Machine:
    """The stacks of one parse."""

    def __init__(
        self, source: Source, tokens: list[Token], problems: list[Diagnostic]
    ) -> None:
        self.source = source
        self.tokens = tokens
        self.problems = problems
        self.states = [0]
        self.values: list[Any] = []
        self.spans: list[tuple[int, int]] = []

    def run(self) -> nodes.Module:
        text = self.source.text
        tokens, states, values, spans = self.tokens, self.states, self.values, self.spans
        tokens.append(Token("$END", len(text), len(text)))
        position, token = 0, tokens[0]
        while True:
            action = ACTIONS[states[-1]].get(token[0])
            if action is None:
                position = self.recover(position, None)
                token = tokens[position]
            elif action >= 0:
                states.append(action)
                values.append(token)
                spans.append((token[1], token[2]))
                position += 1
                token = tokens[position]
            else:
                try:
                    self.reduce(-action - 1, token, text)
                except BuildError as error:
                    position = self.recover(position, error)
                    token = tokens[position]
                if len(values) == 1 and type(values[0]) is nodes.Module:
                    module: nodes.Module = values[0]
                    return module

    def reduce(self, rule: int, token: Token, text: str) -> None:
        """Replace what a rule's right side left on the stacks by the rule's node."""
        origin, size, builder, kept, single = _RULES[rule]
        states, values, spans = self.states, self.values, self.spans
        value: Any
        if size == 0:
            span = (spans[-1][1], spans[-1][1]) if spans else (token[1], token[1])
            value = builder(text, Span(*span), []) if builder else []
        else:
            span = (spans[-size][0], spans[-1][1])
            base = len(values) - size
            if single:
                value = values[base + kept[0]]
            else:
                children: list[Any] = []
                for index in kept:
                    child = values[base + index]
                    if type(child) is not list:
                        children.append(child)
                    elif children:
                        children.extend(child)
                    else:
                        children = child  # ours alone: a helper rule's list has one reader
                value = builder(text, Span(*span), children) if builder else children
            del states[-size:], values[-size:], spans[-size:]
        states.append(GOTOS[states[-1]][origin])
        values.append(value)
        spans.append(span)

    def recover(self, position: int, error: BuildError | None) -> int:
        """Report, put a `Bad` statement in the broken one's place, and skip to its end."""
        source, states = self.source, self.states
        token = self.tokens[position]
        if error is not None:
            problem = Diagnostic(error.code, source, error.span, error.message, error.help)
            self.problems.append(problem)
        elif token.kind != "BAD":
            self.problems.append(self.unexpected(position))
        depth = 0  # of the brackets that the broken statement has opened
        while "statement" not in GOTOS[states[-1]] and len(states) > 1:
            opened = type(self.values[-1]) is Token and self.values[-1].kind
            depth += opened in ("LBRACE", "LPAR")
            del states[-1], self.values[-1], self.spans[-1]
        start = self.spans[-1][1] if self.spans else 0
        if "statement" in GOTOS[states[-1]]:
            states.append(GOTOS[states[-1]]["statement"])
            self.values.append(nodes.Bad(Span(token.start, token.end)))
            self.spans.append((start, token.end))
        stopped = len(self.problems) >= MAX_ERRORS
        while True:
            kind = self.tokens[position].kind
            if kind == "$END" or (depth == 0 and kind in ACTIONS[states[-1]] and not stopped):
                if kind in _ENDS:
                    break
            depth += (kind in ("LBRACE", "LPAR")) - (kind in ("RBRACE", "RPAR"))
            position += 1
        if stopped:
            # Too many problems: what has been read must do, so the rest reads as ended.
            del states[1:], self.values[:], self.spans[:]
        return position

    def unexpected(self, position: int) -> Diagnostic:
        """What to say of a token that cannot stand where it stands."""
        text = self.source.text
        token = self.tokens[position]
        expected = ACTIONS[self.states[-1]]
        span = Span(token.start, token.end)
        word = text[token.start : token.end]
        previous = self.tokens[position - 1] if position else None
        if token.kind == "_SEP":
            span = Span(token.start, token.start + 1)
            found = "the end of the line" if word.startswith("\n") else "`;`"
        elif token.kind == "$END":
            found = "the end of the file"
        else:
            found = f"`{word}`" if len(word) <= 20 else f"`{word[:17]}…`"
        if token.kind in _ENDS and previous is not None:
            # Point at what the missing thing should have followed.
            span = Span(previous.start, previous.end) if previous.end > previous.start else span
            before = text[span.start : span.end]
            message = f"{_expected(expected)} expected after `{before}`, not {found}"
        else:
            message = f"{_expected(expected)} expected, not {found}"
        return Diagnostic("E002", self.source, span, message, self.help(token, word, expected))

    def help(self, token: Token, word: str, expected: Mapping[str, int]) -> str:
        if token.kind in _WORDS and "NAME" in expected and "_SEP" not in expected:
            return f"`{word}` is a word of the language; choose another name"
        if token.kind == "COMMA":
            return "arguments stand side by side: `conv 20 4x4`, not `conv 20, 4x4`"
        if token.kind in ("STAR", "PLUS", "PERCENT", "SLASHES", "POWER", "COMPARE", "MINUS"):
            return "an expression of more than one part stands in parentheses: `conv (2*n) 3x3`"
        if "_SEP" in expected:
            return "end the statement with a new line or `;`"
        return ""


_NAMES = (
    # In the order of what says most; the first two that fit are told.
    (("NUMBER", "SIZE"), "a value"),
    (("NAME",), "a name"),
    (("LBRACE",), "`{`"),
    (("EQUAL",), "`=`"),
    (("COMPARE",), "a comparison"),
    (("RPAR",), "`)`"),
    (("COLON",), "`:`"),
    (("_SEP", "$END"), "a new line or `;`"),
    (("RBRACE",), "`}`"),
)


def _expected(actions: Mapping[str, int]) -> str:
    if "NET" in actions:
        return "a statement"
    found = [name for kinds, name in _NAMES if any(kind in actions for kind in kinds)]
    if found[:2] == ["a value", "a name"]:
        del found[1]
    return " or ".join(found[:2]) or "something else"
