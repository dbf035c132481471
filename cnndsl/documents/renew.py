"""Write the regions of a document anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from cnndsl.contract import OptionError, TargetError
from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.documents.directive import Directive, read_directive
from cnndsl.documents.kinds import DirectiveError, DocumentNet
from cnndsl.documents.layout import Fence, Region, survey
from cnndsl.network import Network

Examine: TypeAlias = Callable[[Source], tuple[Network | None, list[Diagnostic]]]
"""What checks a net: `cnndsl.api.examine`."""

Read: TypeAlias = Callable[[str], tuple[Source, list[Diagnostic]]]
"""What reads the file that a region names, relative to the document."""


class Renewed(NamedTuple):
    """A document as it should be.

    * `text`: the document with its regions written anew
    * `files`: what stands in files of its own, such as pictures; by path as in the document
    * `regions`: how many regions it has, and `nets` how many nets
    * `diagnostics`: what is wrong with its nets and regions; the text is of no use with errors
    """

    text: str
    files: Mapping[str, str | bytes]
    regions: int
    nets: int
    diagnostics: list[Diagnostic]


def renew(source: Source, examine: Examine, read: Read) -> Renewed:
    """A document with its regions written anew; raises `targets.Unavailable`."""
    layout = survey(source)
    problems = layout.problems
    nets = []
    for number, fence in enumerate(layout.fences):
        # The net is a text of its own, with lines of its own: what is said about it must not
        # change when the lines above it do.
        own = Source(_base(source.name), fence.text, piece=True)
        network, found = examine(own)
        nets.append(DocumentNet(own, network, found, fence.fails))
        clean = network is not None
        if fence.fails and clean:
            span = Span(fence.starts[0], fence.starts[0])
            message = "this net is said to fail, and is clean"
            problems.append(Diagnostic("E501", source, span, message, "remove `fails`"))
        elif not fence.fails:
            problems += [_moved(each, source, layout.fences[number]) for each in found]

    pieces: list[str] = []
    files: dict[str, str | bytes] = {}
    last = 0
    for region in layout.regions:
        pieces += [source.text[last : region.body.start]]
        last = region.body.end
        try:
            directive = read_directive(source.text[region.words.start : region.words.end])
            asked = _asked(directive, region, nets, examine, read)
            filled = directive.fill(asked)
            _keep_apart(files, filled.files)
        except (DirectiveError, OptionError) as error:
            help_ = error.help if isinstance(error, DirectiveError) else ""
            words = _trimmed(source.text, region.words)
            problems.append(Diagnostic("E501", source, words, str(error), help_))
        except TargetError as error:
            for each in error.diagnostics:
                of = [fence for net, fence in zip(nets, layout.fences) if net.source is each.source]
                problems += [_moved(each, source, fence) for fence in of] or [each]
        except _Broken as error:
            problems += error.diagnostics
        else:
            files |= filled.files
            pieces.append(_set_in(filled.text, region))
    pieces.append(source.text[last:])
    return Renewed("".join(pieces), files, len(layout.regions), len(nets), problems)


def _keep_apart(files: Mapping[str, str | bytes], others: Mapping[str, str | bytes]) -> None:
    """Raises DirectiveError where a file would have to hold two things."""
    for path, made in others.items():
        if files.get(path, made) != made:
            help_ = "give each region a file of its own"
            raise DirectiveError(f"another region puts something else into {path}", help_)


class _Broken(Exception):
    """A net with errors that are said elsewhere, or that `diagnostics` hold."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = diagnostics


def _asked(
    directive: Directive, region: Region, nets: list[DocumentNet], examine: Examine, read: Read
) -> list[DocumentNet]:
    """The nets that a region speaks of, its own first."""
    files = [directive.file, *directive.others] if directive.file else list(directive.others)
    asked = [_of_file(file, directive, examine, read) for file in files]
    if not directive.file:
        if not region.fence:
            help_ = "put it after a block, or `file=…`"
            raise DirectiveError("there is no net before this", help_)
        net = nets[region.fence - 1]
        if net.network is None and not net.fails:
            raise _Broken([])  # said at the net
        asked.insert(0, net)
    if not directive.kind.of_failing and any(net.network is None for net in asked):
        raise DirectiveError(
            f"there is no {directive.name} of a net that fails",
            "the regions `check` and `walkthrough` tell why it does",
        )
    return asked


def _of_file(file: str, directive: Directive, examine: Examine, read: Read) -> DocumentNet:
    source, problems = read(file)
    network, found = (None, problems) if problems else examine(source)
    if network is None and not directive.kind.of_failing:
        raise _Broken(found)
    return DocumentNet(source, network, found, network is None)


def _set_in(text: str, region: Region) -> str:
    """A region's text as it stands in the document: indented, with its line endings."""
    lines = ["", *text.rstrip("\n").split("\n"), ""] if text else [""]
    blank = region.indent.rstrip(" \t")
    return "".join((region.indent + line if line else blank) + region.newline for line in lines)


def _moved(diagnostic: Diagnostic, source: Source, fence: Fence) -> Diagnostic:
    """What is said about a net, said about the document that it stands in."""

    def moved(span: Span) -> Span:
        return Span(fence.place(span.start), fence.place(span.end))

    return diagnostic._replace(
        source=source,
        span=moved(diagnostic.span),
        notes=tuple(
            Note(note.message, moved(note.span) if note.span else None) for note in diagnostic.notes
        ),
        fixes=tuple(
            Fix(fix.title, tuple(Edit(moved(e.span), e.text) for e in fix.edits), fix.safe)
            for fix in diagnostic.fixes
        ),
    )


def _trimmed(text: str, span: Span) -> Span:
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip())
    return Span(start, max(start + 1, span.end - (len(words) - len(words.rstrip()))))


def _base(name: str) -> str:
    """The name of a document without its folder, which depends on where one stands."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]
