"""What the comment at the beginning of a region asks for.

    <!-- cnndsl: table style=article lang=ko -->

The first word is the kind, the others are options: those of the kind's target, and
`file=PATH` for a net in a file, `with=PATH,PATH` for nets to compare it with, `to=PATH` for a
picture in a file of its own, `alt="…"` for the words in its place.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl import contract, targets
from cnndsl.documents.kinds import KINDS, DirectiveError, DocumentNet, Filled, RegionKind, Request


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
    try:
        name, *rest = shlex.split(words) or [""]
    except ValueError:
        raise DirectiveError("a quotation mark has no partner", 'write `alt="…"`') from None
    kind = KINDS.get(name)
    if kind is None:
        known = ", ".join(f"`{each}`" for each in KINDS)
        raise DirectiveError(f"there is no region of the kind `{name}`", f"the kinds are {known}")
    given: dict[str, str] = {}
    for word in rest:
        key, _, value = word.partition("=")
        if key in given:
            raise DirectiveError(f"`{key}` is given twice", "leave one of them out")
        given[key] = value
    file, to, alt = given.pop("file", ""), given.pop("to", ""), given.pop("alt", "")
    others = tuple(filter(None, given.pop("with", "").split(","))) if kind.of_several else ()
    target = given.pop("target", "") if kind.target is None else kind.target
    if kind.target is None and not target:
        raise DirectiveError("this names no target", "write `code target=keras`")
    if to and ("<" in to or ">" in to or "\n" in to or not target):
        raise DirectiveError(f"`to={to}` is no place for it", "leave it out")
    options = _options(name, target, kind.options, given)
    if to and not to.endswith(targets.load(target).SUFFIX):
        # So that no slip of the pen writes a figure over a text.
        suffix = targets.load(target).SUFFIX
        raise DirectiveError(f"`to={to}` is no file of {target}", f"let it end in `{suffix}`")
    return Directive(name, kind, file, others, Request(target, options, to, alt))


def _options(
    name: str, target: str, own: tuple[contract.Option, ...], given: dict[str, str]
) -> dict[str, Any]:
    """The options of a kind and its target, as they take them."""
    known = {option.name: option for option in own}
    if target:
        try:
            known |= {option.name: option for option in targets.load(target).OPTIONS}
        except KeyError:
            help_ = f"the targets are {', '.join(targets.names())}"
            raise DirectiveError(f"there is no target `{target}`", help_) from None
    options = {}
    for key, value in given.items():
        if key not in known:
            there = ", ".join(f"`{each}`" for each in known) or "none"
            raise DirectiveError(f"`{name}` takes no `{key}`", f"its options are {there}")
        try:
            options[contract.keyword(known[key])] = contract.read_option(known[key], value)
        except contract.OptionError as error:
            raise DirectiveError(f"`{key}` {error}", "") from None
    return options
