"""What the comment at the beginning of a region asks for.

    <!-- cnndsl: table style=article lang=ko -->

The first word is the kind, the others are options: those of the kind's target, and
`file=PATH` for a net in a file, `to=PATH` for a picture in a file of its own, `alt="…"` for
the words in its place.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from cnndsl import targets
from cnndsl.diagnostics.render import render_all

if TYPE_CHECKING:
    from typing import Any

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network

KINDS = {
    "table": "markdown",
    "walkthrough": "walkthrough",
    "figure": "svg",
    "mermaid": "mermaid",
    "code": "",
    "check": "",
}
"""The kinds of region, each with its target; for `code` the comment names it."""

_LANGUAGES = {".py": "python", ".json": "json", ".tex": "latex", ".csv": "csv", ".mmd": "mermaid"}
"""The language of a block of code, by the suffix of a target's files."""


class DirectiveError(Exception):
    """A comment that asks for what there is not; `help` says what there is."""

    def __init__(self, message: str, help_: str) -> None:
        super().__init__(message)
        self.help = help_


class Filled(NamedTuple):
    """What stands in a region, and in files beside the document."""

    text: str
    files: dict[str, str | bytes]


class Directive(NamedTuple):
    """A region's kind, its target with its options, and the options of its own."""

    kind: str
    target: str
    options: dict[str, Any]
    file: str
    to: str
    alt: str

    @property
    def takes_errors(self) -> bool:
        """Whether it has something to say of a net that fails."""
        return self.kind == "check"

    def fill(self, network: Network | None, diagnostics: list[Diagnostic]) -> Filled:
        """The Markdown of the region; raises TargetError, OptionError and Unavailable."""
        if self.kind == "check":
            return Filled(fenced("text", render_all(diagnostics).strip("\n") or "clean"), {})
        assert network is not None  # asked for before
        target = targets.load(self.target)
        made = target.generate(network, **self.options)
        if self.to:
            alt = self.alt or network.name
            return Filled(f"![{_plain(alt)}](<{self.to}>)", {self.to: made})
        if isinstance(made, bytes):
            raise DirectiveError(f"{self.target} is no text", "put it in a file: `to=PATH`")
        language = _LANGUAGES.get(target.SUFFIX)
        if language is not None:
            return Filled(fenced(language, made), {})
        if target.SUFFIX in (".svg", ".html"):
            # A blank line would end the HTML for a reader of Markdown.
            made = "\n".join(line for line in made.split("\n") if line.strip())
            return Filled(f"<div>\n{made}\n</div>", {})
        return Filled(made, {})


def read_directive(words: str) -> Directive:
    """What a comment asks for; raises DirectiveError."""
    try:
        kind, *rest = shlex.split(words) or [""]
    except ValueError:
        raise DirectiveError("a quotation mark has no partner", 'write `alt="…"`') from None
    if kind not in KINDS:
        known = ", ".join(f"`{each}`" for each in KINDS)
        raise DirectiveError(f"there is no region of the kind `{kind}`", f"the kinds are {known}")
    given: dict[str, str] = {}
    for word in rest:
        key, _, value = word.partition("=")
        if key in given:
            raise DirectiveError(f"`{key}` is given twice", "leave one of them out")
        given[key] = value
    file, to, alt = given.pop("file", ""), given.pop("to", ""), given.pop("alt", "")
    target = KINDS[kind] or given.pop("target", "")
    if kind != "check" and not target:
        raise DirectiveError("this names no target", "write `code target=keras`")
    if to and ("<" in to or ">" in to or "\n" in to or kind == "check"):
        raise DirectiveError(f"`to={to}` is no place for it", "leave it out")
    return Directive(kind, target, _options(kind, target, given), file, to, alt)


def _options(kind: str, target: str, given: dict[str, str]) -> dict[str, Any]:
    """The options of a target, as its `generate` takes them."""
    if kind == "check":
        known: dict[str, targets.Option] = {}
    else:
        try:
            known = {option.name: option for option in targets.load(target).OPTIONS}
        except KeyError:
            help_ = f"the targets are {', '.join(targets.names())}"
            raise DirectiveError(f"there is no target `{target}`", help_) from None
    options = {}
    for key, value in given.items():
        if key not in known:
            there = ", ".join(f"`{name}`" for name in known) or "none"
            raise DirectiveError(f"`{kind}` takes no `{key}`", f"its options are {there}")
        try:
            options[key.replace("-", "_")] = targets.read_option(known[key], value)
        except targets.OptionError as error:
            raise DirectiveError(f"`{key}` {error}", "") from None
    return options


def fenced(language: str, text: str) -> str:
    """A block of code, its fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    ending = "" if text.endswith("\n") else "\n"
    return f"{fence}{language}\n{text}{ending}{fence}"


def _plain(text: str) -> str:
    """A text as what stands for a picture: nothing that Markdown would take for its own."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|~!&$" else c for c in " ".join(text.split()))
