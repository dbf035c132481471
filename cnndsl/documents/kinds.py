"""The kinds of region: what each takes, and what it writes.

Most write what a target makes of one net. `check` writes what is said about a net, and
`compare` sets the net beside those that `with=` names.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cnndsl import contract, targets
from cnndsl.analysis import analyse
from cnndsl.contract import LANG, TERMS, words_asked
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.diagnostics.markdown import escaped, fenced, one_line
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.message import said as in_language
from cnndsl.diagnostics.render import render_all
from cnndsl.documents.files import DirectiveError, marked, vouched
from cnndsl.network import Network, stem_of

_LANGUAGES = {".py": "python", ".json": "json", ".tex": "latex", ".csv": "csv", ".mmd": "mermaid"}
"""The language of a block of code, by the suffix of a target's files."""


MOST_BYTES = 100_000_000
"""The most that is made for one document: as much as is read of a file."""

_PICTURES = (".svg", ".png")
"""The files that a document can show."""

_NO_LINK = re.compile(r"[^\w./~-]")
"""What does not stand for itself in the path of a link."""


class DocumentNet(NamedTuple):
    """A net that a region can ask for, and what is wrong with it.

    `fails` says that the document knows of it, or that the net has a file of its own.
    """

    source: Source
    network: Network | None
    diagnostics: list[Diagnostic]
    fails: bool = False


class Request(NamedTuple):
    """What a comment asks for besides its kind and its net.

    * `target`: the name of the target, or empty
    * `options`: as the kind takes them
    * `to`: a file for what is made, `alt` the words in the place of the picture
    """

    target: str
    options: Mapping[str, Any]
    to: str
    alt: str


class Filled(NamedTuple):
    """What stands in a region, and in files beside the document."""

    text: str
    files: Mapping[str, bytes]


class RegionKind(NamedTuple):
    """A kind of region.

    * `write`: makes its text from the region's nets; raises TargetError, OptionError,
      DirectiveError and Unavailable
    * `target`: whose options it takes; None for one that the comment names, empty for none
    * `options`: what it takes besides
    * `of_failing`: whether it has something to say of a net with errors
    * `of_several`: whether it wants further nets, by `with=`
    """

    write: Callable[[Sequence[DocumentNet], Request], Filled]
    target: str | None = ""
    options: tuple[contract.Option, ...] = ()
    of_failing: bool = False
    of_several: bool = False


def made(nets: Sequence[DocumentNet], wanted: Request) -> Filled:
    """What a target makes of a net."""
    source, network, problems, _ = nets[0]
    target: Any = targets.load(wanted.target)
    options = dict(wanted.options)
    narrow = options.pop(NARROW.name, 0)
    if narrow and not wanted.to:
        message = Message("`{option}` is for a picture in a file", option=NARROW.name)
        raise DirectiveError(message, Message("put it in a file: `to=PATH`"), NARROW.name)
    if network is None:  # only targets that explain are asked of nets with errors
        reached = analyse(source.text, file=source.name).attempt
        make = partial(target.explain, reached, problems)
    elif target.SUFFIX == ".onnx" and 4 * network.totals.params > MOST_BYTES:
        # The only file that holds weights.
        message = Message("{net} has too many weights", net=network.name)
        raise DirectiveError(message, Message("write it by `cnndsl build`"))
    else:
        make = partial(target.generate, network)
    suffix = targets.suffix(target, options)
    if suffix != target.SUFFIX and not wanted.to:
        message = Message("{target} is a document of its own", target=wanted.target)
        raise DirectiveError(message, Message("put it in a file: `to=PATH`"))
    if target.SUFFIX == ".html" and not wanted.to:
        # A page cannot stand in a page.
        options |= {each.name: True for each in target.OPTIONS if each.name == "fragment"}
    result = make(**options)
    if wanted.to:
        alt = wanted.alt or (network.name if network else stem_of(source.name))
        content = marked(result, suffix)
        files, place = {wanted.to: content}, _link(wanted.to)
        if narrow:
            wide = target.settings_of(options).width
            if narrow >= wide:
                message = Message("`{option}` has to be below {width}", option="narrow", width=wide)
                raise DirectiveError(message, Message("write `narrow=380`, for phones"), "narrow")
            other = wanted.to.removesuffix(target.SUFFIX) + f"-narrow{target.SUFFIX}"
            files[other] = marked(make(**{**options, "width": narrow}), target.SUFFIX)
            # The reader's page is narrower than the figure would be.
            media = f"(max-width: {wide - 1}px)"
            picture = (
                f'<picture><source media="{media}" srcset="{_link(other)}">'
                f'<img src="{place}" alt="{html.escape(one_line(alt))}"></picture>'
            )
            return Filled(picture, files)
        sign = "!" if target.SUFFIX in _PICTURES else ""
        link = f"{sign}[{escaped(alt)}]({place}){vouched(content, suffix)}"
        return Filled(link, files)
    if isinstance(result, bytes):
        message = Message("{target} is no text", target=wanted.target)
        raise DirectiveError(message, Message("put it in a file: `to=PATH`"))
    language = _LANGUAGES.get(target.SUFFIX)
    if language is not None:
        return Filled(fenced(result, language), {})
    if target.SUFFIX in (".svg", ".html"):
        # A blank line would end the HTML for a reader of Markdown.
        result = "\n".join(line for line in result.split("\n") if line.strip())
        return Filled(f"<div>\n{result}\n</div>", {})
    return Filled(result, {})


def _link(path: str) -> str:
    """A path as it stands in a link."""
    return _NO_LINK.sub(lambda found: urllib.parse.quote(found[0]), path)


def said(nets: Sequence[DocumentNet], wanted: Request) -> Filled:
    """What the checker says."""
    lang = wanted.options.get("lang", "en")
    found = render_all(nets[0].diagnostics, lang=lang) or in_language(Message("clean"), lang)
    return Filled(fenced(found, "text"), {})


def compared(nets: Sequence[DocumentNet], wanted: Request) -> Filled:
    """The nets side by side."""
    from cnndsl.comparison import compare
    from cnndsl.comparison.show_side_by_side import as_markdown

    networks = [net.network for net in nets if net.network is not None]
    if len(networks) < 2:
        message = Message("this compares the net with none")
        raise DirectiveError(message, Message("name others: `with=PATH,PATH`"))
    comparison = compare(networks, wanted.options.get("params", "all"))
    words = words_asked(wanted.options.get("lang", "en"), wanted.options.get("terms", "native"))
    return Filled(as_markdown(comparison, words), {})


COUNTED = contract.Option(
    "params", "all parameters, or weights without the biases", "word", "P", ("all", "weights")
)

NARROW = contract.Option(
    "narrow", "with `to=`, a second figure so wide, for pages too narrow for it", "natural", "W"
)

KINDS: dict[str, RegionKind] = {
    "table": RegionKind(made, "markdown"),
    "walkthrough": RegionKind(made, "walkthrough", of_failing=True),
    "figure": RegionKind(made, "svg", (NARROW,), of_failing=True),
    "mermaid": RegionKind(made, "mermaid"),
    "code": RegionKind(made, None),
    "check": RegionKind(said, options=(LANG,), of_failing=True),
    "compare": RegionKind(compared, options=(COUNTED, LANG, TERMS), of_several=True),
}
