"""A net that is drawn while a document is built: what Sphinx and MkDocs show in its place.

What they ask for are the words of a region, as `figure view=graph`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from markdown_it import MarkdownIt

from cnndsl import contract, targets
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.diagnostics.render import printable
from cnndsl.documents.directive import Directive, read_directive, span_of
from cnndsl.documents.files import DirectiveError
from cnndsl.documents.kinds import DocumentNet, Request, made, said
from cnndsl.documents.renew import Examine, Read

WANTED = {"fragment": True, "level": 2, "math": "plain"}
"""How targets write for a page, where nothing else is said: each takes what it knows."""

STYLE = """\
<style>
.cnndsl-net { overflow-x: auto; }
.cnndsl-net table { border-collapse: collapse; }
.cnndsl-net :is(th, td) { padding: .3em .6em; border-bottom: 1px solid #8886; text-align: start; }
.cnndsl-net .cnndsl-table :is(th, td) { white-space: nowrap; }
.cnndsl-net .n { text-align: end; font-variant-numeric: tabular-nums; }
</style>
"""
"""How tables look in a page that knows nothing of them."""


class Drawing(NamedTuple):
    """What is shown of a net, in as many forms as there are, and what is wrong with it.

    `text` is a block of code where it has a `language`, and Markdown where not.
    """

    text: str = ""
    language: str = ""
    html: str = ""
    latex: str = ""
    problems: tuple[Diagnostic, ...] = ()


def words_of(kind: str, options: Mapping[str, str]) -> str:
    """The words of a region, from what a document gives by name."""
    return shlex.join([kind, *(f"{key}={value}" for key, value in options.items())])


def told(problem: Diagnostic) -> str:
    """What is wrong, for a log that names the place."""
    return "\n".join(map(printable, f"{problem.code} {problem.told()}".split("\n")))


def draw(
    words: str, source: Source, examine: Examine, read: Read, *, fails: bool = False
) -> Drawing:
    """What a region of such words has to say of a net, or of those in the files that it names.

    `fails` says that the net is wrong on purpose. What is wrong with the words has these for its
    source.
    """
    try:
        directive = read_directive(words)
        if directive.wanted.to:
            message = Message("`{kind}` takes no `{option}`", kind=directive.name, option="to")
            raise DirectiveError(message, Message("leave it out"), "to")
        nets = []
        for file in (directive.file, *directive.others):
            own, problems = read(file) if file else (source, [])
            network, found = (None, problems) if problems else examine(own)
            if network is None and not (fails and directive.kind.of_failing):
                return Drawing(problems=tuple(found))
            nets.append(DocumentNet(own, network, found))
        if fails and nets[0].network is not None:
            message = Message("this net is said to fail, and is clean")
            raise DirectiveError(message, Message("remove `fails`"))
        return _forms(directive, nets)
    except (DirectiveError, contract.OptionError, contract.Unavailable) as error:
        message = getattr(error, "message", Message("{reason}", reason=str(error)))
        asked, help_ = Source(source.name, words), getattr(error, "help", NOTHING)
        span = span_of(words, getattr(error, "about", ""))
        return Drawing(problems=(Diagnostic("E501", asked, span, message, help_),))
    except contract.TargetError as error:
        return Drawing(problems=tuple(error.diagnostics))


def _forms(directive: Directive, nets: list[DocumentNet]) -> Drawing:
    def of(target: str) -> str:
        takes = {contract.keyword(option) for option in targets.load(target).OPTIONS}
        known = {key: given[key] for key in given if key in takes}
        return made(nets, Request(target, known, "", "")).text

    kind, given = directive.kind, {**WANTED, **directive.wanted.options}
    text = of(kind.target) if kind.target else directive.fill(nets).text
    markdown = MarkdownIt("commonmark").enable("table")
    blocks = markdown.parse(text)
    if [block.type for block in blocks] == ["fence"]:
        return Drawing(blocks[0].content, blocks[0].info)
    html = markdown.render(of("html") if kind.target == "markdown" else text)
    if kind.target != "svg":
        html = f'<div class="cnndsl-net">\n{STYLE}{html}</div>\n'
    if kind.target not in ("markdown", "svg"):
        return Drawing(text, html=html)
    if nets[0].network is None:
        return Drawing(said(nets, directive.wanted).text, html=html)
    return Drawing(of("markdown"), html=html, latex=markdown.parse(of("latex"))[0].content)
