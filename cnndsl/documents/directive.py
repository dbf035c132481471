"""What the comment at the beginning of a region asks for.

    <!-- cnndsl: table style=article lang=ko -->

The first word is the kind, the others are options: those of the kind's target, and
`file=PATH` for a net in a file, `with=PATH,PATH` for nets to compare it with, `to=PATH` for a
picture in a file of its own, `alt="…"` for the words in its place.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cnndsl import contract, targets
from cnndsl.diagnostics import Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.documents.files import DirectiveError, check_name
from cnndsl.documents.kinds import KINDS, DocumentNet, Filled, RegionKind, Request

MOST_CHARACTERS = 10_000
"""The longest comment that is read: `shlex` takes the square of what a word has."""

_WORD = re.compile(r"""(?:[^ \t\r\n"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
"""A word as `shlex.split` finds it."""


class Directive(NamedTuple):
    """A region's kind, the files of its nets, and what it wants of them."""

    name: str
    kind: RegionKind
    file: str
    others: tuple[str, ...]
    wanted: Request

    def fill(self, nets: Sequence[DocumentNet]) -> Filled:
        """The Markdown of the region, as `RegionKind.write` makes it."""
        return self.kind.write(nets, self.wanted)


def read_directive(words: str) -> Directive:
    """What a comment asks for; raises DirectiveError."""
    if len(words) > MOST_CHARACTERS:
        message = Message("this is longer than {most:,} characters", most=MOST_CHARACTERS)
        raise DirectiveError(message, Message("say less"))
    try:
        name, *rest = shlex.split(words) or [""]
    except ValueError:
        help_ = Message('write `alt="…"`')
        raise DirectiveError(Message("a quotation mark has no partner"), help_) from None
    kind = KINDS.get(name)
    if kind is None:
        message = Message("there is no region of the kind `{kind}`", kind=name[:60])
        raise DirectiveError(message, Message("the kinds are {kinds}", kinds=_quoted(KINDS)), name)
    given: dict[str, str] = {}
    for word in rest:
        key, _, value = word.partition("=")
        if key in given:
            message = Message("`{option}` is given twice", option=key[:60])
            raise DirectiveError(message, Message("leave one of them out"), key)
        given[key] = value
    file, to, alt = given.pop("file", ""), given.pop("to", ""), given.pop("alt", "")
    others = tuple(filter(None, given.pop("with", "").split(","))) if kind.of_several else ()
    target = given.pop("target", "") if kind.target is None else kind.target
    if kind.target is None and not target:
        message = Message("this names no target")
        raise DirectiveError(message, Message("write `code target=keras`"))
    options = _options(name, target, kind.options, given)
    for key, path in (("file", file), *(("with", other) for other in others)):
        if path:
            check_name(key, path, ".cnn", Message("a net"))
    if to and not target:
        raise DirectiveError(_takes_no(name, "to"), Message("leave it out"), "to")
    if to:
        check_name("to", to, targets.suffix(targets.load(target), options), target)
    return Directive(name, kind, file, others, Request(target, options, to, alt))


def span_of(words: str, about: str) -> Span:
    """Where a comment says what is wrong: the word, or its key or value; else all of its words."""
    for match in _WORD.finditer(words) if about else ():
        word = shlex.split(match[0])[0]
        key, _, value = word.partition("=")
        if about in (word, key, value, *value.split(",")):
            return Span(*match.span())
    start = len(words) - len(words.lstrip())
    return Span(start, max(start + 1, len(words.rstrip())))


def _options(
    name: str, target: str, own: tuple[contract.Option, ...], given: dict[str, str]
) -> dict[str, Any]:
    """The options of a kind and its target, as they take them."""
    known = {option.name: option for option in own}
    if target:
        try:
            known |= {option.name: option for option in targets.load(target).OPTIONS}
        except KeyError:
            help_ = Message("the targets are {targets}", targets=", ".join(targets.names()))
            message = Message("there is no target `{target}`", target=target[:60])
            raise DirectiveError(message, help_, target) from None
    options = {}
    for key, value in given.items():
        if key not in known:
            help_ = Message("its options are none")
            if known:
                help_ = Message("its options are {options}", options=_quoted(known))
            raise DirectiveError(_takes_no(name, key), help_, key)
        try:
            options[contract.keyword(known[key])] = contract.read_option(known[key], value)
        except contract.OptionError as error:
            message = Message("`{option}` {problem}", option=key, problem=error.message)
            raise DirectiveError(message, NOTHING, key) from None
    return options


def _takes_no(name: str, key: str) -> Message:
    return Message("`{kind}` takes no `{option}`", kind=name, option=key[:60])


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
