"""Tokens to syntax tree: an LALR(1) machine over the tables that Lark made."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Diagnostic, Note, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.syntax import nodes
from cnndsl.syntax.build import BUILDERS, BuildError
from cnndsl.syntax.layout import MAX_ERRORS, Token
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.stacks import GivenUp, Stacks
from cnndsl.syntax.tables import ACTIONS, GOTOS, RULES

# A rule with the states that it leads to, and its builder in place of the builder's name. The
# last first: an action of -n - 1 finds rule n from the end.
_RULES = tuple(
    (GOTOS.get(origin, {}), size, BUILDERS[builder] if builder else None, kept, single)
    for origin, size, builder, kept, single in reversed(RULES)
)
_ACCEPT = GOTOS["module"][0]
_new: Any = tuple.__new__  # as Span(), in half the time


def parse(source: Source) -> tuple[nodes.Module, list[Diagnostic]]:
    """The syntax tree of a text, and what could not be read, in the order of the text.

    A statement with an error stands in the tree as `Bad`; reading goes on after it, unless there
    are too many: then the tree is not `complete`.
    """
    module, problems, _ = parse_tokens(source)
    return module, problems


def parse_tokens(
    source: Source, *, foreign: bool | None = None
) -> tuple[nodes.Module, list[Diagnostic], list[Token]]:
    """As `parse`, with the tokens that the tree was made of.

    `foreign` says whether statements of Keras and PyTorch are looked for: else they are where
    something cannot be read.
    """
    tokens, comments, problems, complete = tokenize(source, foreign=foreign)
    machine = Machine(source, tokens, problems)
    span = Span(0, len(source.text))
    try:
        module = machine.run()._replace(span=span, comments=tuple(comments), complete=complete)
    except GivenUp:
        module = nodes.Module(span, (), (), complete=False)
    is_wrong = foreign is None and (machine.problems or problems)
    if is_wrong and all(kind != "BAD" for kind, _, _ in tokens):  # else they were looked for
        from cnndsl.foreign.listing import may_be

        if any(may_be(source, problem.span) for problem in (*problems, *machine.problems)):
            return parse_tokens(source, foreign=True)
    problems = problems + machine.problems
    if problems:
        problems.sort(key=lambda problem: problem.span)
        if not module.complete:
            del problems[MAX_ERRORS:]
            note = Note(Message("there may be more; reading ends with this"))
            problems[-1] = problems[-1]._replace(notes=(*problems[-1].notes, note))
    return module, problems, tokens


class Machine(Stacks):
    """One parse: what drives the stacks by the tables."""

    def run(self) -> nodes.Module:
        """Parse. Each turn shifts a token, reduces by a rule, or recovers from an error."""
        text, tokens = self.source.text, self.tokens
        states, values, starts = self.states, self.values, self.starts
        tokens.append(("$END", len(text), len(text)))
        position, end = 0, 0
        token = tokens[0]
        kind, begin, _ = token
        state = 0
        while True:
            action = ACTIONS[state].get(kind)
            if action is None:
                if state == _ACCEPT:
                    module: nodes.Module = values[0]
                    return module
                position, token = self.recover(position, token, end)
                kind, begin, _ = token
                state = states[-1]
            elif action >= 0:
                states.append(action)
                values.append(token)
                starts.append(begin)
                end = token[2]
                position += 1
                token = tokens[position]
                kind, begin, _ = token
                state = action
            else:
                gotos, size, builder, kept, single = _RULES[action]
                if size == 1 and single:
                    state = states[-1] = gotos[states[-2]]
                    continue
                value: Any
                if single:
                    value = values[kept[0] - size]
                else:
                    value = []
                    for index in kept:
                        child = values[index - size]
                        if type(child) is not list:
                            value.append(child)
                        elif value:
                            value.extend(child)
                        else:
                            value = child  # ours alone: a helper rule's list has one reader
                    if builder:
                        start = starts[-size] if size else end
                        try:
                            value = builder(text, _new(Span, (start, end)), value)
                        except BuildError as error:
                            position, token = self.recover(position, token, end, error)
                            kind, begin, _ = token
                            state = states[-1]
                            continue
                if size:
                    start = starts[-size]
                    del states[-size:], values[-size:], starts[-size:]
                else:
                    start = end
                state = gotos[states[-1]]
                states.append(state)
                values.append(value)
                starts.append(start)

    def recover(
        self, position: int, token: Token, end: int, error: BuildError | None = None
    ) -> tuple[int, Token]:
        """Report what cannot be read, and find where reading goes on: the next token.

        A stretch of tokens between separators, braces and bars is reported once. What it
        spoils becomes a `Bad` statement; the bodies that follow it in braces are read.
        """
        from cnndsl.syntax.recovery import recover

        return recover(self, position, token, end, error)
