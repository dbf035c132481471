"""Write the regions of a document anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

from cnndsl.contract import OptionError, TargetError
from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.documents.directive import Directive, read_directive, span_of
from cnndsl.documents.files import DirectiveError, may_replace
from cnndsl.documents.kinds import KINDS, MOST_BYTES, DocumentNet
from cnndsl.documents.layout import Region, moved, survey
from cnndsl.network import Network

Examine: TypeAlias = Callable[[Source], tuple[Network | None, list[Diagnostic]]]
"""What checks a net: `cnndsl.api.examine`."""

Read: TypeAlias = Callable[[str], tuple[Source, list[Diagnostic]]]
"""What reads the file that a region names, relative to the document; raises DirectiveError."""

There: TypeAlias = Callable[[str], bytes | None]
"""What is there already of a file that a region is to write, None for no file.

Raises DirectiveError for a name that leads to no place for it.
"""


class Renewed(NamedTuple):
    """A document as it should be.

    * `text`: the document with its regions written anew
    * `files`: what stands in files of its own, such as pictures; by path as in the document
    * `regions`: how many regions it has, and `nets` how many nets
    * `diagnostics`: what is wrong with its nets and regions; the text is of no use with errors
    """

    text: str
    files: Mapping[str, bytes]
    regions: int
    nets: int
    diagnostics: list[Diagnostic]


def renew(
    source: Source, examine: Examine, read: Read, there: There = lambda name: None
) -> Renewed:
    """A document with its regions written anew; raises `targets.Unavailable`.

    Whoever writes its files has to say what is `there`, so that only what is ours is replaced.
    """
    layout = survey(source)
    problems = layout.problems
    nets = []
    fences = {}  # by the net's own source
    for fence in layout.fences:
        # The net is a text of its own, with lines of its own: what is said about it must not
        # change when the lines above it do.
        own = Source(_base(source.name), fence.text, piece=True)
        fences[own] = fence
        network, found = examine(own)
        nets.append(DocumentNet(own, network, found, fence.fails))
        clean = network is not None
        if fence.fails and clean:
            span = Span(fence.starts[0], fence.starts[0])
            message = Message("this net is said to fail, and is clean")
            help_ = Message("remove `fails`")
            problems.append(Diagnostic("E501", source, span, message, help_))
        elif not fence.fails:
            problems += [moved(each, source, fence) for each in found]

    @cache
    def of_file(file: str) -> DocumentNet:
        source, problems = read(file)
        network, found = (None, problems) if problems else examine(source)
        return DocumentNet(source, network, found, network is None)

    pieces: list[str] = []
    files: dict[str, bytes] = {}
    told = set(fences)  # the nets whose errors are said
    last = size = 0
    for region in layout.regions:
        pieces += [source.text[last : region.body.start]]
        last = region.body.end
        words = source.text[region.words.start : region.words.end]
        try:
            directive = read_directive(words)
            filled = directive.fill(_asked(directive, region, nets, of_file))
            _keep_apart(files, filled.files)
            for path, made in filled.files.items():
                _spare(path, there(path), made, source.text[region.body.start : region.body.end])
            size += sum(map(len, (filled.text, *filled.files.values())))
            if size > MOST_BYTES:
                message = Message(
                    "what the document asks for is larger than {most:,} bytes", most=MOST_BYTES
                )
                raise DirectiveError(message, Message("write several"))
        except (DirectiveError, OptionError) as error:
            at = span_of(words, getattr(error, "about", ""))
            span = Span(region.words.start + at.start, region.words.start + at.end)
            help_ = getattr(error, "help", NOTHING)
            problems.append(Diagnostic("E501", source, span, error.message, help_))
        except TargetError as error:
            problems += [
                moved(each, source, fences[each.source]) if each.source in fences else each
                for each in error.diagnostics
            ]
        except _Broken as error:
            problems += [] if error.net.source in told else error.net.diagnostics
            told.add(error.net.source)
        else:
            files |= filled.files
            pieces.append(_set_in(filled.text, region))
    pieces.append(source.text[last:])
    return Renewed("".join(pieces), files, len(layout.regions), len(nets), problems)


def _keep_apart(files: Mapping[str, bytes], others: Mapping[str, bytes]) -> None:
    """Raises DirectiveError where a file would have to hold two things."""
    for path, made in others.items():
        if files.get(path, made) != made:
            message = Message("another region puts something else into {file}", file=path)
            raise DirectiveError(message, Message("give each region a file of its own"), path)


def _spare(path: str, old: bytes | None, made: bytes, body: str) -> None:
    """Raises DirectiveError where a file that is not ours would be replaced."""
    if old is not None and not may_replace(old, made, "." + path.rpartition(".")[2], body):
        help_ = Message("name another file, or remove this one if nobody needs it")
        message = Message("{file} is there already, and is not what cnndsl wrote here", file=path)
        raise DirectiveError(message, help_, path)


class _Broken(Exception):
    """A net with errors, of which a region can say nothing."""

    def __init__(self, net: DocumentNet) -> None:
        super().__init__()
        self.net = net


def _asked(
    directive: Directive,
    region: Region,
    nets: list[DocumentNet],
    of_file: Callable[[str], DocumentNet],
) -> list[DocumentNet]:
    """The nets that a region speaks of, its own first."""
    asked = []
    for file in filter(None, (directive.file, *directive.others)):
        net = of_file(file)
        if net.network is None and not directive.kind.of_failing:
            raise _Broken(net)
        asked.append(net)
    if not directive.file:
        if not region.fence:
            help_ = Message("put it after a block, or `file=…`")
            raise DirectiveError(Message("there is no net before this"), help_)
        net = nets[region.fence - 1]
        if net.network is None and not net.fails:
            raise _Broken(net)
        asked.insert(0, net)
    if not directive.kind.of_failing and any(net.network is None for net in asked):
        raise DirectiveError(
            Message("there is no {kind} of a net that fails", kind=directive.name),
            Message(
                "the regions {kinds} tell why it does",
                kinds=", ".join(f"`{name}`" for name, kind in KINDS.items() if kind.of_failing),
            ),
        )
    return asked


def _set_in(text: str, region: Region) -> str:
    """A region's text as it stands in the document: indented, with its line endings."""
    lines = ["", *text.rstrip("\n").split("\n"), ""] if text else [""]
    blank = region.indent.rstrip(" \t")
    return "".join((region.indent + line if line else blank) + region.newline for line in lines)


def _base(name: str) -> str:
    """The name of a document without its folder, which depends on where one stands."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]
