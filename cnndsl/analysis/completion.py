"""What can stand at a place while it is being typed, and how the statement there is written.

The tokens before the place tell what is asked for, since the statement does not parse yet; the
syntax tree tells the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnndsl.analysis.names import Names, line, resolve
from cnndsl.analysis.tokens import NAMED
from cnndsl.diagnostics import Source, Span
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES, Layer, Shape, Slot
from cnndsl.layers.base import axes_of
from cnndsl.network.expect import TOTALS
from cnndsl.network.words import STATEMENTS
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.layout import BOUNDARIES, Token
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.tables import SIGNS


class Item(NamedTuple):
    """A word that can stand at a place.

    * `kind`: as of tokens: `layer`, `merge`, `block`, `keyword`, `flag`, `activation`,
      `parameter`, `constant`, `tensor`
    * `detail`: how it is written, or what it is for
    * `insert`: the text in the place of `span`, which holds what was typed of the word
    """

    label: str
    kind: str
    detail: str
    insert: str
    span: Span


class Argument(NamedTuple):
    """An argument of a layer or a block: as the usage line shows it, and what it is for."""

    label: str
    doc: str


class Signature(NamedTuple):
    """How a layer or a block is written; `active` is the argument at hand, if it is one."""

    usage: str
    arguments: tuple[Argument, ...]
    active: int | None


class _Typed(NamedTuple):
    """What stands before a place: the tokens of its statement but the word at hand.

    `top` says that the statement stands in no braces, `closed` that a `}` comes right before.
    """

    tokens: Sequence[Token]
    span: Span
    top: bool
    closed: bool


_HEADERS = ("net", "input", "rounding", "defaults", "param", "block", "head")
_CHOICES = {"ROUNDING": ("exact", "floor", "ceil"), "DEFAULTS": ("keras", "torch")}
_VALUED = ("INPUT", "REPEAT", "IF", "EXPECT", "BLOCK", "LET", "PARAM")
_OPEN = frozenset((*SIGNS.values(), "AND", "NOT", "OR")) - {"RPAR"}
_DOTTED = re.compile(r"(?:[^\W\d]\w*\.)+\Z")
_FUNCTIONS = ("min", "max", "round", "ceil", "floor", "divisible")


def complete(
    source: Source, module: ast.Module, offset: int, shape: Shape | None = None
) -> list[Item]:
    """The words that can stand at an offset, the likeliest first.

    `shape` is that of the current tensor: layers that take none like it are left out.
    """
    offset = min(max(offset, 0), len(source.text))
    typed = _typed(source, offset)
    if typed is None:
        return []
    names = resolve(module, source.text)
    text = source.text
    start = text[typed.span.start : offset].casefold()
    found: dict[str, Item] = {}
    for label, kind, detail in _words(text, names, typed, offset, shape):
        if label.casefold().startswith(start) and label not in found:
            found[label] = Item(label, kind, detail, label, typed.span)
    return list(found.values())


def signature(source: Source, module: ast.Module, offset: int) -> Signature | None:
    """How the statement at an offset is written, where it is a layer or the call of a block."""
    offset = min(max(offset, 0), len(source.text))
    typed = _typed(source, offset, any_word=True)
    if typed is None or not typed.tokens or typed.tokens[0][0] != "NAME":
        return None
    text = source.text
    word, tokens = text[slice(*typed.tokens[0][1:])], list(typed.tokens[1:])
    if typed.span.start < typed.span.end:
        tokens.append(("NAME", *typed.span))
    if any(kind == "AS" for kind, _, _ in tokens):
        return None
    blocks = resolve(module, text).blocks
    layer = None if word in blocks else LAYERS.get(word) or MERGES.get(word)
    if layer is not None and (layer.slots or word in LAYERS):
        usage, groups = layer.usage(), _groups(layer)
        arguments = [
            Argument(shown, "; ".join(dict.fromkeys(each.doc for each in slots)))
            for shown, slots in groups.items()
        ]
        given = _given(text, layer, tokens)
    else:
        block = blocks.get(word)
        if block is None:
            return None
        groups = {line(text, p.span): [Slot(p.name.id, "value")] for p in block.parameters}
        usage, arguments = " ".join([word, *groups]), [Argument(each, "") for each in groups]
        given = _passed(text, block, tokens)
    return Signature(usage, tuple(arguments), _active([*groups.values()], given, text, offset))


def _typed(source: Source, offset: int, *, any_word: bool = False) -> _Typed | None:
    """What is before an offset; None in a comment, and (unless for `any_word`) in a number."""
    text = source.text
    tokens, comments, _, complete = tokenize(Source(source.name, text[:offset]))
    if not complete or any(each.span.end == offset for each in comments[-1:]):
        return None
    if comments and "\n" not in text[comments[-1].span.start : offset]:
        return None
    tokens = [each for each in tokens if each[1] < each[2]]  # none that close what is open
    span = Span(offset, offset)
    if tokens and tokens[-1][2] == offset and text[offset - 1 : offset].isidentifier():
        end = offset
        while end < len(text) and ("_" + text[end]).isidentifier():
            end += 1
        span = Span(tokens.pop()[1], end)
    elif text[offset - 1 : offset].isalnum() and not any_word:
        return None
    first, depth = len(tokens), 0
    while first and tokens[first - 1][0] not in BOUNDARIES:
        first -= 1
    for kind, _, _ in tokens[:first]:
        depth += (kind == "LBRACE") - (kind == "RBRACE")
    closed = bool(first) and tokens[first - 1][0] == "RBRACE"
    return _Typed(tokens[first:], span, depth <= 0, closed)


def _words(
    text: str, names: Names, typed: _Typed, offset: int, shape: Shape | None
) -> Iterable[tuple[str, str, str]]:
    """Words with their kinds and details, the likeliest first."""
    tokens = typed.tokens
    dotted = _DOTTED.search(text, max(0, typed.span.start - 1000), typed.span.start)
    if dotted:
        inside = names.inside(dotted[0].split(".")[:-1], offset)
        return [(each.name, "tensor", line(text, each.statement.span)) for each in inside]
    first, last = (tokens[0][0], tokens[-1][0]) if tokens else ("", "")
    if typed.closed:
        return [("as", "keyword", ""), ("else", "keyword", "")]
    if not tokens:
        return _beginnings(text, names, typed.top, shape)
    word = text[slice(*tokens[0][1:])]
    if first == "HEAD" and len(tokens) == 2:
        return [("training", "keyword", "")]
    if last == "AS" or first in ("NET", "HEAD"):
        return []
    if last in _CHOICES:
        return [(each, "flag", "") for each in _CHOICES[last]]
    if first == "FROM":
        return _seen(text, names, offset, tensors=True) if len(tokens) == 1 else []
    if last == "EXPECT":
        return [(each, "keyword", "") for each in (*TOTALS, "shape", "field")]
    constants = _seen(text, names, offset, tensors=False)
    layer = None if word in names.blocks else LAYERS.get(word) or MERGES.get(word)
    if layer is not None and last == "EQUAL":
        key = text[slice(*tokens[-2][1:])]
        kinds = [each.kind for each in layer.slots if each.name == key and each.kind]
        if words := [each for kind in kinds for each in kind.words]:
            axes = words if shape is None else axes_of(len(shape) - 1)
            return [(each, "flag", "") for each in words if each in axes]
    if first in _VALUED:
        wanted = first in ("INPUT", "REPEAT", "IF") or any(
            kind in ("EQUAL", "COMPARE") for kind, _, _ in tokens
        )
        functions = [(each, "keyword", f"{each}(…)") for each in _FUNCTIONS]
        ending = [("as", "keyword", "")] if first in ("INPUT", "REPEAT") and tokens[1:] else []
        return [*constants, *ending, *functions] if wanted else []
    if [each[0] for each in tokens] == ["NAME"] and text[slice(*tokens[0][1:])] == "shared":
        return [("block", "keyword", "")]
    if first != "NAME" or last in _OPEN:
        return constants
    ending = [("as", "keyword", "")]
    if layer is not None:
        return [*_arguments(text, layer, tokens[1:], constants), *ending[word in MERGES :]]
    block = names.blocks.get(word)
    if block is None:
        return ending
    given = {slot.name for slot, _ in _passed(text, block, tokens[1:])}
    parameters = [each for each in block.parameters if each.name.id not in given]
    return [
        *((f"{each.name.id}=", "parameter", line(text, each.span)) for each in parameters),
        *constants,
        *_seen(text, names, offset, tensors=True),
        *ending,
    ]


def _beginnings(
    text: str, names: Names, top: bool, shape: Shape | None
) -> Iterable[tuple[str, str, str]]:
    for word, layer in LAYERS.items():
        if shape is None or len(shape) - 1 in layer.ranks:
            kind = "activation" if word in ACTIVATIONS else "layer"
            yield word, kind, layer.usage()
    for word, block in names.blocks.items():
        yield word, "block", " ".join([word, *(line(text, p.span) for p in block.parameters)])
    for word in MERGES:
        yield word, "merge", MERGES[word].usage()
    for word in (*STATEMENTS, "skip", "freeze", "shared"):
        if top or word not in (*_HEADERS, "shared"):
            yield word, "keyword", {"freeze": "freeze { … }", "shared": "shared block …"}.get(
                word, ""
            )


def _arguments(
    text: str,
    layer: type[Layer],
    tokens: Sequence[Token],
    constants: Iterable[tuple[str, str, str]],
) -> Iterable[tuple[str, str, str]]:
    """What a layer can take beside what it has been given."""
    given = {slot.name for slot, _ in _given(text, layer, tokens)}
    groups = _groups(layer).values()
    free = [each for group in groups if not given & {each.name for each in group} for each in group]
    if any(slot.form == "value" for slot in free):
        yield from constants
    for slot in free:
        if slot.form == "act":
            yield from ((word, "activation", each.formula) for word, each in ACTIVATIONS.items())
        elif slot.form in ("flag", "key"):
            yield slot.name + "=" * (slot.form == "key"), "flag", slot.doc


def _groups(layer: type[Layer]) -> dict[str, list[Slot]]:
    """A layer's slots by their part of the usage line: one of `same` and `pad=` is written."""
    groups: dict[str, list[Slot]] = {}
    for slot in layer.slots:
        groups.setdefault(slot.shown or [*groups][-1], []).append(slot)
    return groups


def _given(text: str, layer: type[Layer], tokens: Sequence[Token]) -> list[tuple[Slot, Span]]:
    """The slots that tokens after a layer's word fill, and where."""
    words = {slot.name: slot for slot in layer.slots if slot.form in ("flag", "key")}
    for slot in layer.slots:
        if slot.form == "act":
            words |= dict.fromkeys(ACTIVATIONS, slot)
        elif slot.form == "/":
            words["/"] = slot
    return _in_order(text, [each for each in layer.slots if each.form == "value"], tokens, words)


def _passed(text: str, block: ast.Block, tokens: Sequence[Token]) -> list[tuple[Slot, Span]]:
    """The parameters of a block that tokens after its name fill, and where."""
    slots = [Slot(each.name.id, "value") for each in block.parameters]
    return _in_order(text, slots, tokens, {each.name: each for each in slots})


def _in_order(
    text: str, values: Sequence[Slot], tokens: Sequence[Token], words: dict[str, Slot]
) -> list[tuple[Slot, Span]]:
    """Slots by their words, and what is no word in the order of the `values`."""
    found: list[tuple[Slot, Span]] = []
    taken: set[str] = set()
    waiting = (each for each in values if each.name not in taken)
    depth, open_ = 0, False  # parentheses; whether the value of a `key=` or of `/` is to come
    for index, (kind, start, end) in enumerate(tokens):
        depth += (kind == "LPAR") - (kind == "RPAR")
        word = text[start:end]
        is_key = [each[0] for each in tokens[index + 1 : index + 2]] == ["EQUAL"]
        slot = words.get(word)
        joined = kind in ("RPAR", "EQUAL", "COLON") or depth > (kind == "LPAR") or open_
        if joined and found:
            found[-1] = (found[-1][0], Span(found[-1][1].start, end))
            slot = None
        elif slot is None or (slot.form == "value" and not is_key):
            is_value = kind in ("NUMBER", "SIZE", "NAME", "LPAR") and not is_key
            slot = next(waiting, None) if is_value else None
        if slot is not None:
            taken.add(slot.name)
            found.append((slot, Span(start, end)))
        open_ = kind in ("EQUAL", "SLASH", "COLON", "MINUS") or (open_ and depth > 0)
    return found


def _active(
    groups: Sequence[Sequence[Slot]], given: Sequence[tuple[Slot, Span]], text: str, offset: int
) -> int | None:
    """The argument that an offset is at, or else the next that goes by its place."""
    if given and (given[-1][1].end == offset or text[given[-1][1].end - 1] in "=/:"):
        return next(i for i, group in enumerate(groups) if given[-1][0] in group)
    taken = {slot.name for slot, _ in given}
    firsts = [(i, group[0]) for i, group in enumerate(groups)]
    free = (i for i, slot in firsts if slot.form == "value" and slot.name not in taken)
    return next(free, None)


def _seen(text: str, names: Names, offset: int, *, tensors: bool) -> list[tuple[str, str, str]]:
    """The tensors, or the constants, in sight, each with the line that defines it."""
    return [
        (symbol.name, NAMED[symbol.kind], line(text, symbol.statement.span))
        for symbol in names.visible(offset)
        if symbol.kind == "parameter" or (symbol.kind == "tensor") == tensors
    ]
