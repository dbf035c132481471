"""What `cnndsl.analysis` knows of a document, in the words of the protocol.

Places of the protocol count lines and UTF-16 units from 0, those of an analysis characters. An
answer is made of a document, of what was asked, and in a language.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from cnndsl import api
from cnndsl.analysis import Analysis
from cnndsl.analysis.hover import DESCRIBED, about
from cnndsl.analysis.symbols import Symbol
from cnndsl.analysis.tokens import KINDS
from cnndsl.analysis.utf16 import from_utf16, to_utf16
from cnndsl.diagnostics import Diagnostic, Edit, Source, Span
from cnndsl.diagnostics.message import Message, said
from cnndsl.lang import words
from cnndsl.lsp.documents import LONGEST, MOST_LAYERS, Document

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.cnndsl"

_TYPES = types.SemanticTokenTypes
LEGEND = {
    **dict.fromkeys(("layer", "merge"), (_TYPES.Function, 1)),
    "activation": (_TYPES.EnumMember, 1),
    "block": (_TYPES.Function, 0),
    "keyword": (_TYPES.Keyword, 0),
    "flag": (_TYPES.Property, 0),
    **dict.fromkeys(("number", "size"), (_TYPES.Number, 0)),
    "parameter": (_TYPES.Parameter, 0),
    "constant": (_TYPES.Variable, 2),
    "tensor": (_TYPES.Variable, 0),
    "operator": (_TYPES.Operator, 0),
    "comment": (_TYPES.Comment, 0),
}
"""For each kind of token its type in the protocol, and the bits of its modifiers."""
MODIFIERS = [types.SemanticTokenModifiers.DefaultLibrary, types.SemanticTokenModifiers.Readonly]
TYPES = list(dict.fromkeys(LEGEND[kind][0] for kind in KINDS))

START = types.Range(types.Position(0, 0), types.Position(0, 0))

_COMPLETIONS = {
    **dict.fromkeys(("layer", "merge", "block"), types.CompletionItemKind.Function),
    "activation": types.CompletionItemKind.EnumMember,
    "keyword": types.CompletionItemKind.Keyword,
    "flag": types.CompletionItemKind.Property,
    "parameter": types.CompletionItemKind.Variable,
    "constant": types.CompletionItemKind.Constant,
    "tensor": types.CompletionItemKind.Variable,
}
_SYMBOLS = {
    "net": types.SymbolKind.Module,
    "input": types.SymbolKind.Interface,
    "param": types.SymbolKind.Constant,
    "constant": types.SymbolKind.Constant,
    "block": types.SymbolKind.Function,
    "parameter": types.SymbolKind.TypeParameter,
    "tensor": types.SymbolKind.Variable,
    "head": types.SymbolKind.Field,
}


def position(source: Source, offset: int) -> types.Position:
    return types.Position(*to_utf16(source, offset))


def range_of(source: Source, span: Span) -> types.Range:
    return types.Range(position(source, span.start), position(source, span.end))


def offset_of(source: Source, place: types.Position) -> int:
    return from_utf16(source, place.line, place.character)


class _Placed(Protocol):
    position: types.Position


def _place(document: Document, asked: _Placed) -> tuple[Analysis, int]:
    """What is known of a document, and the offset that is asked about."""
    analysis = document.analysis
    return analysis, offset_of(analysis.source, asked.position)


class Refused(JsonRpcException):
    """A request that has no answer, for a reason that the client is told."""


def diagnostics(document: Document, lang: str) -> list[types.Diagnostic]:
    """What `check` says, without fixes; of what is too large that it is not looked at."""
    if document.too_long:
        return [_unseen(too_long(), lang)]
    return [_diagnostic(document, each, lang) for each in document.diagnostics()]


def too_long() -> Message:
    """Why nothing is said of a text."""
    return _only_checked(Message("this text is longer than {most:,} characters", most=LONGEST))


def _only_checked(why: Message) -> Message:
    return Message("{why}: it is not worked out while it is typed, only by `cnndsl check`", why=why)


def _unseen(why: Message, lang: str) -> types.Diagnostic:
    return types.Diagnostic(START, said(why, lang), types.DiagnosticSeverity.Information)


def _diagnostic(document: Document, found: Diagnostic, lang: str) -> types.Diagnostic:
    if found.message.values.get("limit") == MOST_LAYERS:  # it is ours, and not that of `check`
        why = Message("this net has more than {most:,} layers", most=MOST_LAYERS)
        return _unseen(_only_checked(why), lang)
    source = found.source
    elsewhere = [
        types.DiagnosticRelatedInformation(
            types.Location(document.uri, range_of(source, note.span)), said(note.message, lang)
        )
        for note in found.notes
        if note.span is not None
    ]
    here = tuple(note for note in found.notes if note.span is None)
    is_error = found.severity == "error"
    return types.Diagnostic(
        range_of(source, found.span),
        found._replace(notes=here).told(lang),
        types.DiagnosticSeverity.Error if is_error else types.DiagnosticSeverity.Warning,
        code=found.code,
        source="cnndsl",
        tags=[types.DiagnosticTag.Unnecessary] if found.name.startswith("unused-") else None,
        related_information=elsewhere or None,
    )


def actions(
    document: Document,
    params: types.CodeActionParams,
    lang: str,
    cancelled: Callable[[], bool],
) -> list[types.CodeAction]:
    """Fixes of what is said of a range; all safe ones at once where they are asked for."""
    only = params.context.only
    wanted = [each.value if isinstance(each, types.CodeActionKind) else each for each in only or ()]
    found: list[types.CodeAction] = []
    if only is None or any(_covers(each, types.CodeActionKind.QuickFix.value) for each in wanted):
        found += _fixes(document, params.range, lang, cancelled)
    if any(_covers(each, FIX_ALL) for each in wanted):
        found += _fix_all(document, lang, cancelled)
    return found


def _fix_all(
    document: Document, lang: str, cancelled: Callable[[], bool]
) -> Iterator[types.CodeAction]:
    """All safe fixes at once; none of them has to be searched."""
    from cnndsl.quickfix.apply import mend

    analysis = document.analysis

    def examine(source: Source) -> list[Diagnostic]:
        nonlocal analysis
        if cancelled():
            raise Refused("nobody waits for it", types.LSPErrorCodes.RequestCancelled)
        if source.text != analysis.source.text:
            analysis = api.analyse(
                source.text, file=source.name, limit=MOST_LAYERS, previous=analysis
            )
        return analysis.said(document.configured.codes)

    source = analysis.source
    mended = mend(source, examine).source.text
    if mended != source.text:
        edit = _workspace_edit(document, source, changes(source.text, mended))
        yield types.CodeAction(said(Message("make all safe fixes"), lang), FIX_ALL, edit=edit)


def _covers(asked: str, kind: str) -> bool:
    """Whether a kind of action is among those that are asked for."""
    return asked == "" or kind == asked or kind.startswith(f"{asked}.")


def _fixes(
    document: Document, where: types.Range, lang: str, cancelled: Callable[[], bool]
) -> Iterator[types.CodeAction]:
    source = document.analysis.source
    start, end = offset_of(source, where.start), offset_of(source, where.end)
    for each in document.diagnostics():
        if each.span.start > end or each.span.end < start:
            continue
        about_it = [_diagnostic(document, each, lang)]
        for index, fix in enumerate(document.fixes(each, cancelled)):
            yield types.CodeAction(
                said(fix.title, lang),
                types.CodeActionKind.QuickFix,
                about_it,
                is_preferred=index == 0 and not fix.intent,
                edit=_workspace_edit(document, source, fix.edits),
            )


def _workspace_edit(
    document: Document, source: Source, edits: Iterable[Edit]
) -> types.WorkspaceEdit:
    return types.WorkspaceEdit({document.uri: text_edits(source, edits)})


def text_edits(source: Source, edits: Iterable[Edit]) -> list[types.TextEdit]:
    return [types.TextEdit(range_of(source, each.span), each.text) for each in edits]


def changes(before: str, after: str) -> list[Edit]:
    """Edits of whole lines that make one text of another, and leave alone what is the same."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    if len(old) == len(new):  # as a rule a line becomes a line
        pairs = zip(itertools.pairwise(starts), old, new)
        return [Edit(Span(*span), line) for span, former, line in pairs if former != line]
    # Of a long text the lines that are everywhere are no landmarks, or it would take too long.
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) > 500)
    return [
        Edit(Span(starts[i], starts[j]), "".join(new[k:m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    ]


def formatting(
    document: Document, asked: types.DocumentFormattingParams, lang: str
) -> list[types.TextEdit]:
    """What makes the text canonical; nothing where it cannot be read."""
    source = document.analysis.source
    formatted, problems = api.format_source(source)
    return [] if problems else text_edits(source, changes(source.text, formatted))


def hints(document: Document, asked: types.InlayHintParams, lang: str) -> list[types.InlayHint]:
    """Shapes and parameters of the lines of a range; what is assumed stands in parentheses."""
    analysis = document.analysis
    source, where = analysis.source, asked.range
    tooltip = said(Message("assumed: an error keeps it from being known"), lang)
    found = []
    for each in analysis.steady_hints(lang):
        place = position(source, each.offset)
        if where.start.line <= place.line <= where.end.line:
            text = f"({each.text})" if each.assumed else each.text
            doubt = tooltip if each.assumed else None
            found.append(types.InlayHint(place, text, padding_left=True, tooltip=doubt))
    return found


def hover(document: Document, asked: types.HoverParams, lang: str) -> types.Hover | None:
    analysis, offset = _place(document, asked)
    found = analysis.hover(offset, lang=lang)
    if found is None:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
    return types.Hover(content, range_of(analysis.source, found.span))


def completion(
    document: Document, asked: types.CompletionParams, lang: str
) -> list[types.CompletionItem]:
    """What may stand there, in the order of the analysis; `resolved` adds what it is."""
    analysis, offset = _place(document, asked)
    found = analysis.complete(offset)
    width = len(str(len(found)))
    return [
        types.CompletionItem(
            each.label,
            kind=_COMPLETIONS[each.kind],
            detail=each.detail or None,
            sort_text=f"{index:0{width}}",
            text_edit=types.TextEdit(range_of(analysis.source, each.span), each.insert),
            data=each.kind,
        )
        for index, each in enumerate(found)
    ]


def resolved(item: types.CompletionItem, lang: str) -> types.CompletionItem:
    """An item with its documentation."""
    text = about(item.label, lang) if item.data in DESCRIBED else ""
    if text:
        item.documentation = types.MarkupContent(types.MarkupKind.Markdown, text)
    return item


def signature(
    document: Document, asked: types.SignatureHelpParams, lang: str
) -> types.SignatureHelp | None:
    analysis, offset = _place(document, asked)
    found = analysis.signature(offset)
    if found is None:
        return None
    parameters = [
        types.ParameterInformation(each.label, each.doc or None) for each in found.arguments
    ]
    word = found.usage.partition(" ")[0]
    text = about(word, lang) if word not in analysis.names.blocks else ""
    does = types.MarkupContent(types.MarkupKind.Markdown, text) if text else None
    # An argument beyond the last is none that is marked.
    active = len(parameters) if found.active is None else found.active
    info = types.SignatureInformation(found.usage, does, parameters, active)
    return types.SignatureHelp([info], 0, active)


def definition(
    document: Document, asked: types.DefinitionParams, lang: str
) -> types.Location | None:
    analysis, offset = _place(document, asked)
    span = analysis.definition(offset)
    return span and types.Location(document.uri, range_of(analysis.source, span))


def references(document: Document, asked: types.ReferenceParams, lang: str) -> list[types.Location]:
    """Every place of a name, that where it is given among them unless it is not wanted."""
    analysis, offset = _place(document, asked)
    given = None if asked.context.include_declaration else analysis.definition(offset)
    return [
        types.Location(document.uri, range_of(analysis.source, span))
        for span in analysis.references(offset)
        if span != given
    ]


def highlights(
    document: Document, asked: types.DocumentHighlightParams, lang: str
) -> list[types.DocumentHighlight]:
    analysis, offset = _place(document, asked)
    spans = analysis.references(offset)
    return [types.DocumentHighlight(range_of(analysis.source, span)) for span in spans]


def named(document: Document, asked: types.PrepareRenameParams, lang: str) -> types.Range | None:
    """The name at a place, for a rename to begin with."""
    analysis, offset = _place(document, asked)
    found = analysis.names.at(offset)
    return found and range_of(analysis.source, found.span)


def rename(document: Document, asked: types.RenameParams, lang: str) -> types.WorkspaceEdit:
    """The edits of a new name. Raises Refused where it would mean something else."""
    analysis, offset = _place(document, asked)
    edits = analysis.rename(offset, asked.new_name)
    if isinstance(edits, Message):
        raise Refused(said(edits, lang), types.LSPErrorCodes.RequestFailed)
    return _workspace_edit(document, analysis.source, edits)


def symbols(
    document: Document, asked: types.DocumentSymbolParams, lang: str
) -> list[types.DocumentSymbol]:
    analysis = document.analysis

    def shown(found: Sequence[Symbol]) -> list[types.DocumentSymbol]:
        return [
            types.DocumentSymbol(
                each.name,
                _SYMBOLS[each.kind],
                range_of(analysis.source, each.span),
                range_of(analysis.source, each.selection),
                children=shown(each.children),
            )
            for each in found
        ]

    return shown(analysis.symbols())


def folding(
    document: Document, asked: types.FoldingRangeParams, lang: str
) -> list[types.FoldingRange]:
    """Braces as far as the line before the last, which shows the `}`; comments as a whole."""
    analysis = document.analysis
    text, found = analysis.source.text, []
    for span in analysis.folding():
        is_comment = text.startswith("#", span.start)
        first, last = (to_utf16(analysis.source, offset).line for offset in span)
        last -= not is_comment
        if last > first:
            kind = types.FoldingRangeKind.Comment if is_comment else None
            found.append(types.FoldingRange(first, last, kind=kind))
    return found


def tokens(
    document: Document, asked: types.SemanticTokensParams, lang: str
) -> types.SemanticTokens:
    """Each token as five numbers, its line and column counted from the one before."""
    analysis = document.analysis
    data, line, column = [], 0, 0
    for span, kind in analysis.tokens():
        start, end = to_utf16(analysis.source, span.start), to_utf16(analysis.source, span.end)
        if start.line != end.line:
            continue
        since = start.column - column if start.line == line else start.column
        name, modifiers = LEGEND[kind]
        length = end.column - start.column
        data += [start.line - line, since, length, TYPES.index(name), modifiers]
        line, column = start
    return types.SemanticTokens(data)


def lens(document: Document, asked: types.CodeLensParams, lang: str) -> list[types.CodeLens]:
    """On the first line what the net comes to; in parentheses where an error leaves it open."""
    analysis = document.analysis
    network = analysis.readable.as_far()
    if network is None:
        return []
    totals, say = network.totals, words(lang)
    text = f"{say.count(totals.params, 'parameters')} · {say.count(totals.macs, 'macs')}"
    shown = text if analysis.network else f"({text})"
    return [types.CodeLens(START, types.Command(shown, ""))]
