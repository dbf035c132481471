"""What a place of a text comes to: shapes, counts, and how they are worked out.

A statement in a loop or a block can have made several layers. `led` tells, parallel to the
nodes, the calls of blocks that led to each, outermost first; `assumed` are the indices of the
nodes whose shapes are not known for certain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from cnndsl.analysis.names import Names, Occurrence, line, resolve
from cnndsl.diagnostics import Source, Span
from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.diagnostics.message import Message
from cnndsl.lang import Words, words
from cnndsl.lang.messages import translated
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES, Layer, Shape
from cnndsl.layers.activation import Activation
from cnndsl.layers.base import show
from cnndsl.layers.derivation import Derivation
from cnndsl.network.incremental import alike
from cnndsl.network.network import Node
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk
from cnndsl.tables.formulas import is_trivial, written
from cnndsl.tables.rows import notes_of, shared_with

MOST = 4
"""How many different results of a statement are told."""

Calls = Sequence[Sequence[ast.Apply]]

_WITH_BODY = (ast.Block, ast.Repeat, ast.If, ast.Freeze, ast.Head)
"""The statements that come to what their bodies come to."""


class Hover(NamedTuple):
    """Markdown on the text of a span."""

    markdown: str
    span: Span


class Hint(NamedTuple):
    """A remark behind a line, which counts from 1: `36x28x20, 340 params`.

    `offset` is the end of the line's last statement.
    """

    line: int
    offset: int
    text: str
    assumed: bool


class _Result(NamedTuple):
    """What a statement made once: its layer, or for a call those of the block."""

    nodes: list[Node]
    inputs: tuple[Shape, ...]

    @property
    def params(self) -> int:
        return sum(node.params for node in self.nodes)

    def shapes(self) -> str:
        output = show(self.nodes[-1].output)
        return f"{', '.join(map(show, self.inputs))} → {output}" if self.inputs else output


def hover(
    source: Source,
    module: ast.Module,
    nodes: Sequence[Node],
    offset: int,
    assumed: Container[int] = frozenset(),
    led: Calls = (),
    lang: str = "en",
    constants: Mapping[str, object] = MappingProxyType({}),
) -> Hover | None:
    """What there is to say of the word at an offset; None for nothing.

    `constants` are the values of the file's own.
    """
    names = resolve(module, source.text)
    found = names.at(offset)
    span = found.span if found else _word(source.text, offset)
    statement = _statement(module.statements, span)
    if span.start == span.end or any(_around(each.span, offset) for each in module.comments):
        return None
    view = _View(source, names, nodes, assumed, led, words(lang), constants)
    text: list[str] = []
    if found is not None:
        text = view.name(found)
        if isinstance(statement, ast.Apply) and span == statement.name.span:
            text += view.results(statement)
    elif isinstance(statement, ast.Apply):
        text = view.apply(statement, span)
        values = (each.value.span for each in statement.args)
        span = next((each for each in values if _around(each, offset)), span)
    elif statement is not None and span.start == statement.span.start:
        text = view.results(statement)
    return Hover("\n".join(text).strip(), span) if text else None


_KNOWN: dict[str, type[Layer]] = {**LAYERS, **MERGES}
DESCRIBED = ("layer", "merge", "activation")
"""The kinds of words, as of tokens, of which `about` has something to say."""


def about(word: str, lang: str = "en") -> str:
    """What a layer, a merge or an activation does, in Markdown; empty for another word."""
    layer = ACTIVATIONS.get(word) or _KNOWN.get(word)
    return _what(layer, words(lang)) if layer else ""


def _what(layer: type[Layer], said: Words) -> str:
    title = f"**{escaped(said.layer(layer.op, layer.title))}**"
    if issubclass(layer, Activation):
        key = f"does.activation.{layer.op}"
        key = key if key in said else "does.activation"
        return said.say(key, activation=title, formula=code(layer.formula))
    does = f"does.{layer.op}"
    return ": ".join([title, *([said[does]] if does in said and "{" not in said[does] else [])])


def _around(span: Span, offset: int) -> bool:
    return span.start <= offset <= span.end


def _word(text: str, offset: int) -> Span:
    """The word around an offset, empty for none."""
    start = end = min(max(offset, 0), len(text))
    while start and ("_" + text[start - 1]).isidentifier():
        start -= 1
    while end < len(text) and ("_" + text[end]).isidentifier():
        end += 1
    return Span(start, end)


def _statement(statements: Sequence[ast.Statement], span: Span) -> ast.Statement | None:
    """The innermost statement around a span."""
    found = None
    while statements:
        around = [each for each in statements if each.span.start <= span.start < each.span.end]
        found = around[0] if around else found
        bodies = walk.bodies(around[0]) if around else []
        statements = [each for body in bodies for each in body.statements]
    return found


class _View:
    """Says what statements and names came to, in a language."""

    def __init__(
        self,
        source: Source,
        names: Names,
        nodes: Sequence[Node],
        assumed: Container[int],
        led: Calls,
        words: Words,
        constants: Mapping[str, object],
    ) -> None:
        self.source, self.names, self.words = source, names, words
        self.constants = constants
        self.nodes, self.assumed, self.led = nodes, assumed, led

    def apply(self, statement: ast.Apply, span: Span) -> list[str]:
        """On a layer, a merge or a call of a block, or on an argument."""
        word, op = self.source.text[slice(*span)], statement.name.id
        layer = ACTIVATIONS.get(word) or _KNOWN.get(op)
        if layer is None or op in self.names.blocks:
            return self.results(statement)
        results = self.results(statement) if layer.op == op else []
        slots = {slot.name: slot.doc for slot in layer.slots if slot.form in ("flag", "key")}
        slots |= {each: s.doc for s in layer.slots if s.kind for each in s.kind.words}
        if span != statement.name.span and word in slots:
            return [f"{code(word)}: {escaped(slots[word])}"]
        return [_what(layer, self.words), *results]

    def name(self, found: Occurrence) -> list[str]:
        """On a name: what defines it, as far as its braces, and the shapes of a tensor."""
        symbol = found.symbol
        statement = symbol.statement
        if symbol.kind == "parameter":
            blocks = self.names.blocks.values()
            around = (each for each in blocks if _around(each.span, symbol.span.start))
            statement = next(around, statement)
        start, end = statement.span
        for part in walk.children(statement):
            if isinstance(part, ast.Body):
                end = min(end, part.span.start)
        shown = line(self.source.text, Span(start, end), 80).rstrip(" {|")
        text = [f"{code(symbol.name)}: {code(shown)}"]
        value = self.constants.get(symbol.name) if symbol.kind in ("constant", "param") else None
        if value is not None and isinstance(statement, (ast.Let, ast.Param)):
            told = show(value) if isinstance(value, tuple) else str(value)
            text[0] += "" if shown.endswith(f" {told}") else f" = {code(told)}"
        if symbol.kind in ("tensor", "head") or (symbol.kind == "block" and found.defines):
            assert not isinstance(statement, ast.Parameter)
            text += self.results(statement)
        return text

    def results(self, statement: ast.Statement) -> list[str]:
        """The different results of a statement; the one there is with how it is worked out."""
        different: dict[object, _Result] = {}
        for each in self.made(statement):
            # With shared weights or its own, it is the same that is worked out.
            count = sum(node.layer.params for node in each.nodes)
            different.setdefault((each.inputs, each.nodes[-1].output, count), each)
        results = list(different.values())
        lines = [f"- {self.brief(each)}" for each in results[:MOST]]
        if len(results) == 1:
            lines = self.worked(results[0])
        elif len(results) > MOST:
            more = self.words.say("figure.more", number=f"{len(results) - MOST:,}")
            lines.append(f"- {more}")
        return ["", *lines] if lines else []

    def made(self, statement: ast.Statement) -> list[_Result]:
        """What a statement made, each time that it was run: a layer, all layers of a call, or of
        a body; what a block's own statement made are its calls."""
        (start, end), found = statement.span, list[list[Node]]()
        has_body = isinstance(statement, _WITH_BODY)
        last: tuple[object, int] = None, -1
        for index, node in enumerate(self.nodes):
            calls = self.led[index] if index < len(self.led) else ()
            for depth, span in enumerate((*(call.span for call in calls), node.span)):
                key: object
                if has_body and start <= span.start and span.end <= end:
                    key = node.instance[:depth]  # of a block: the call that led into it
                elif span == statement.span:
                    key = node.instance[: depth + 1] if depth < len(calls) else index
                else:
                    continue
                if (key, index - 1) != last:
                    found.append([])
                found[-1].append(node)
                last = key, index
                break
        return [
            _Result(each, tuple(self.nodes[index].output for index in each[0].inputs))
            for each in found
        ]

    def brief(self, result: _Result) -> str:
        """The shapes and the parameters of a result, in a line."""
        count = self.words.count(result.params, "parameters")
        text = f"{code(result.shapes())}, {count}" if result.params else code(result.shapes())
        return text + self.doubt(result)

    def doubt(self, result: _Result) -> str:
        if not any(node.index in self.assumed for node in result.nodes):
            return ""
        return f" *({translated(Message('assumed'), self.words.lang)})*"

    def notes(self, result: _Result) -> str:
        """Whose weights it shares, and whether it is frozen or there while training only."""
        depth = len(result.nodes[0].instance) + (len(result.nodes) == 1)
        if len(result.nodes) > 1:  # a call: as deep as what its layers have in common
            instances = [node.instance for node in result.nodes]
            depth = sum(len(set(each)) == 1 for each in zip(*instances))
        names = shared_with(self.nodes, result.nodes, depth)
        kept = [node.frozen for node in result.nodes if node.layer.all_weights]
        return notes_of(
            [*map(code, names)],
            bool(kept) and all(kept),
            result.nodes[0].training_only,
            self.words,
        )

    def worked(self, result: _Result) -> list[str]:
        """A result with its formulas and their numbers, a list in Markdown."""
        node, said = result.nodes[-1], self.words
        layer = node.layer
        if node.op == "input":
            return [f"- {said['output-shape']}: {code(show(node.output))}"]
        lines = [f"- {said['output-shape']}: {code(result.shapes())}{self.doubt(result)}"]
        single = len(result.nodes) == 1  # a block has no formula of its own
        for step in layer.sizes() if single else ():
            if not is_trivial(step):
                lines.append(f"  - {code(f'{step.symbol} = {_equation(step)}')}")
        if result.params:
            lines.append(f"- {said['parameters']}: {result.params:,}")
        for step in layer.all_counts() if single and result.params else ():
            lines.append(f"  - {said[f'role.{step.symbol}']}: {code(_equation(step))}")
        notes = self.notes(result)
        lines += [f"- {notes}"] if notes else []
        macs = sum(each.layer.macs for each in result.nodes)
        if macs:
            lines.append(f"- {said['multiply-adds']}: {macs:,}")
        if node.receptive_field:
            lines.append(f"- {said['field']}: {code(show(node.receptive_field))}")
        return lines


def _equation(step: Derivation) -> str:
    """A formula, the same with its numbers, and what it comes to."""
    texts = written(step.formula), written(step.formula, step.values), f"{step.value:,}"
    return " = ".join(dict.fromkeys(texts))


# Hints


class _Pass:
    """What a line made, one time that it was run: `last` is where its last statement ends."""

    __slots__ = ("assumed", "kept", "key", "last", "output", "params")

    def __init__(self) -> None:
        self.last, self.params, self.assumed = -1, 0, False
        self.kept: bool | None = None  # whether it keeps weights itself; None for none to keep
        self.key: object = None
        self.output: Shape = ()


def hints(
    source: Source,
    module: ast.Module,
    nodes: Sequence[Node],
    assumed: Container[int] = frozenset(),
    led: Calls = (),
    lang: str = "en",
) -> list[Hint]:
    """For each line with layers its output shape and its parameters, in the order of the text.

    A line in a loop or a block has those of each time that it was run: the first and the last
    where they differ. A line that calls blocks, or holds a whole loop, has all that came of it.
    """
    passes: dict[int, list[_Pass]] = {}
    ends: dict[int, int] = {}
    current: dict[tuple[int, tuple[str, ...]], _Pass] = {}
    lines: dict[int, tuple[int, bool]] = {}  # by the end of a statement: its line, if in a loop
    loops = _long_loops(source, module)
    counts: dict[Layer, int] = {}
    for index, node in enumerate(nodes):
        if node.op == "input":
            continue
        calls = led[index] if index < len(led) else ()
        params = counts.get(node.layer)
        if params is None:
            params = counts[node.layer] = node.layer.params
        kept = node.shared_with is None
        params *= kept
        is_assumed = node.index in assumed
        for depth, span in enumerate((*(call.span for call in calls), node.span)):
            end = span.end
            if end not in lines:
                at = bisect_right(loops, (end, end)) - 1
                is_looped = at >= 0 and end <= loops[at][1]
                lines[end] = source.position(max(end - 1, 0)).line, is_looped
            number, is_looped = lines[end]
            place = number, node.instance[:depth]
            key = node.instance[: depth + 1] if depth < len(calls) else index
            one = current.get(place)
            if one is None or (is_looped and (end, key) != (one.last, one.key) and end <= one.last):
                one = current[place] = _Pass()
                passes.setdefault(number, []).append(one)
            one.last, one.key, one.output = end, key, node.output
            one.params += params
            if node.layer.all_weights:
                one.kept = one.kept or kept
            one.assumed = one.assumed or is_assumed
            ends[number] = max(ends.get(number, 0), end)
    texts: dict[tuple[tuple[Shape, int | None], ...], str] = {}
    found = []
    for number, here in sorted(passes.items()):
        came = tuple([(each.output, None if each.kept is False else each.params) for each in here])
        if came not in texts:
            texts[came] = _hint(came, lang)
        is_assumed = any(each.assumed for each in here)
        found.append(Hint(number, ends[number], texts[came], is_assumed))
    return found


def moved(hints: Sequence[Hint], before: Source, source: Source) -> list[Hint]:
    """Hints of a text as they stand in another version of it: behind an edit they are assumed,
    and those of what was edited are left out."""
    old, new = before.text, source.text
    start, rest = alike(old, new)
    behind = len(old) - rest
    by = len(new) - len(old)
    grown = "\n" not in new[start : behind + by]  # what is typed at a line's end belongs to it
    found = []
    for each in hints:
        offset = each.offset
        if offset >= behind and (offset > start or grown):
            offset += by
        elif offset > start:
            continue
        line = source.position(max(offset - 1, 0)).line
        is_assumed = each.assumed or offset > start
        found.append(each._replace(line=line, offset=offset, assumed=is_assumed))
    return found


def _long_loops(source: Source, module: ast.Module) -> list[tuple[int, int]]:
    """The outermost bodies of loops that go over several lines."""
    found: list[tuple[int, int]] = []
    for statement in walk.statements(module.statements):
        if isinstance(statement, ast.Repeat) and (not found or statement.span.end > found[-1][1]):
            start, end = statement.body.span
            if source.text.find("\n", start, end) >= 0:
                found.append((start, end))
    return found


def _hint(came: Sequence[tuple[Shape, int | None]], lang: str) -> str:
    """What a line came to; where weights are shared the count is that of those that keep them."""
    shapes = " … ".join(_ends([show(output) for output, _ in came]))
    params = [params for _, params in came if params is not None]
    if not any(params):
        return shapes
    count = " … ".join(_ends([f"{each:,}" for each in params]))
    told = (
        Message("{count} params", count=count)
        if count != "1"
        else Message("{count} param", count=count)
    )
    return f"{shapes}, {translated(told, lang)}"


def _ends(texts: Sequence[str]) -> list[str]:
    """The first and the last; one where all are the same."""
    return [texts[0]] if len(set(texts)) == 1 else [texts[0], texts[-1]]
