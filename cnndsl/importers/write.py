"""A graph to the text of a net, and the proof that the text is that graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple

from cnndsl.comparison.arguments import effect
from cnndsl.diagnostics import Source
from cnndsl.diagnostics.message import Message, said
from cnndsl.foreign.table import CLASSES, KERAS
from cnndsl.importers.graph import Graph, ImportProblems, Problem, SourceArray, Taken
from cnndsl.importers.nest import Nested, nest
from cnndsl.importers.normal import Normal, normal
from cnndsl.importers.recover import LEAST_SAVED, WIDTH, Recovered, rates_of, recover, underused
from cnndsl.importers.statements import Text, free_name, is_taken
from cnndsl.layers import ACTIVATIONS, argument_order
from cnndsl.layers.base import show
from cnndsl.network import Network, elaborate
from cnndsl.syntax.format import format_text
from cnndsl.syntax.parser import parse


class Written(NamedTuple):
    """The text of an imported net.

    * `text`: in canonical form
    * `network`: the checked network that it is
    * `ops`: for each node of the network, by its index, the operation of the graph whose value
      it gives
    * `weights`: the array of the source that each weight is, by its key, `conv1.kernel`
    """

    text: str
    network: Network
    ops: dict[int, int]
    weights: dict[str, Taken]


NAMED = 2
"""How many lines more are fine where blocks have the names that the source has for them."""
GLANCE = 92
"""How long a block with paths may be to stand on one line."""

MOST_TRIES = 12
"""How many blocks may turn out to be wrong before all of them are left out."""


def to_text(graph: Graph, flat: bool = False, name: str | None = None) -> Written:
    """The text of a graph, with its blocks and loops, or `flat`; `name` is the net's.

    The text is read back, and is the graph node for node: a block that would make it another
    network is left out. Raises ImportProblems where there is no such text.
    """
    if graph.problems:
        raise ImportProblems(graph.problems)
    simple = normal(graph)
    net = simple.graph
    try:
        nested = nest(net)
    except RecursionError:
        raise ImportProblems([Problem("E602", TOO_DEEP)]) from None
    found = shortest(simple, nested, flat, name)
    if not flat and any(scope.function for op in net.ops for scope in op.scope):
        for op in net.ops:  # the functions of a source may be far from the shortest blocks
            op.scope = tuple(each for each in op.scope if not each.function)
        other = shortest(simple, nested, flat, name)
        found = other if lines(other.text) < lines(found.text) - NAMED else found
    return found


def shortest(simple: Normal, nested: Nested, flat: bool, name: str | None) -> Written:
    """The text of fewest lines; raises ImportProblems if no text says the net."""
    styles = _styles(simple.graph, flat)
    found = [_written(simple, nested, flat, name, direct) for direct in styles]
    return min(found, key=lambda each: lines(each.text))


def _styles(graph: Graph, flat: bool) -> tuple[bool, ...]:
    """Whether blocks may take rates that grow as they are: see `recover`."""
    return (False, True) if rates_of(graph).orders and not flat else (False,)


def _written(simple: Normal, nested: Nested, flat: bool, name: str | None, direct: bool) -> Written:
    net = simple.graph
    names = names_of(net, nested)
    banned: frozenset[Any] = frozenset()
    problem = None
    for attempt in range(MOST_TRIES + 1):
        plain = flat or attempt == MOST_TRIES

        @cache
        def recovered(banned: frozenset[Any], plain: bool = plain) -> Recovered:
            return recover(net, nested, names, plain, banned, direct)

        ways = [trimmed(recovered, banned, False)]
        if ways[0][1] != banned:
            ways.append(trimmed(recovered, banned, True))
        texts = [laid_out(net, found.blocks, found.body, names, name) for found, _ in ways]
        text = min(texts, key=lines)
        found, banned = ways[texts.index(text)]
        network = checked(text)
        pairs = paired(net, network) if isinstance(network, Network) else None
        if isinstance(network, Network) and pairs is not None:
            ops = {node: simple.source[op] for node, op in pairs.items()}
            return Written(text, network, ops, weights_of(net, network, pairs))
        problem = network if isinstance(network, Problem) else None
        keys = [block.key for block in found.blocks if block.key is not None]
        if "shared" in keys:
            banned |= {"shared"}
        elif plain or not keys:
            break
        else:
            banned |= {keys[-1]}
    raise ImportProblems([problem or Problem("E602", NOT_SAID)])


def lines(text: str) -> int:
    """How many lines a text has."""
    return text.count("\n")


def trimmed(
    recovered: Callable[[frozenset[Any]], Recovered], banned: frozenset[Any], sparing: bool
) -> tuple[Recovered, frozenset[Any]]:
    """What is recovered without blocks that are called too little, and what is banned for that;
    if sparing, those stay without which all is longer, as where they make a loop."""
    found, kept = recovered(banned), set[Any]()
    while (key := underused(found, kept)) is not None:
        without = recovered(banned | {key})
        slack = LEAST_SAVED if len(without.blocks) < len(found.blocks) else 0
        if sparing and without.length > found.length + slack:
            kept.add(key)
        else:
            banned, found = banned | {key}, without
    return found, banned


TOO_DEEP = Message("merges stand too deep in each other")
NOT_SAID = Message("a file cannot say how this net shares its weights")


# The text


def names_of(graph: Graph, nested: Nested) -> dict[int, str]:
    """Names for the tensors that are read by name, and for all inputs but one alone."""
    inputs = [index for index, op in enumerate(graph.ops) if op.word == "input"]
    wanted = sorted({*nested.named, *(inputs if len(inputs) > 1 else ())})
    taken = {output.name for output in graph.outputs}
    found = {}
    for index in wanted:
        op = graph.ops[index]
        scope = next((each.name for each in reversed(op.scope) if not each.name.isdigit()), "")
        given = re.sub(r"_\d+$|_", "", op.name).lower() in _GIVEN
        own = "" if given else op.name
        for base in (own, scope, op.word):
            base = re.sub(r"\W+", "_", base).strip("_").lower()[:40]
            if base.isascii() and base.isidentifier():
                break
        else:
            base = "x"
        found[index] = free_name(base, taken)
        taken.add(found[index])
    return found


# What Keras calls a layer that nobody has named tells nothing.
_GIVEN = frozenset(map(str.lower, CLASSES[KERAS]))


def laid_out(
    graph: Graph,
    blocks: Sequence[Any],
    body: Sequence[Text],
    names: Mapping[int, str],
    name: str | None,
) -> str:
    """The whole text in canonical form."""
    lines = [f"net {net_name(name or graph.name)}"]
    for asked, ask in graph.asks:
        about = f"{graph.ops[asked].word}: " if asked is not None else ""
        lines.append(f"# ask: {about}{_comment(said(ask, 'en'))}")
    if graph.defaults == "torch":
        lines.append("defaults torch")
    if any(op.layer.is_rounded and not op.values.get("ceil") for op in graph.ops):
        lines.append("rounding floor")
    for block in blocks:
        lines += packed([block.text()], 0)
    for index, op in enumerate(graph.ops):
        if op.word == "input":
            alias = f" as {names[index]}" if index in names else ""
            lines.append(f"input {show(op.shape)}{alias}")
    lines += packed(body, 0)
    params, trainable = graph.params, graph.trainable
    for array in spared(graph):  # totals are without those
        params = None if params is None else params - prod(array.shape)
        trainable = None if trainable is None else trainable - prod(array.shape) * array.trainable
    if params is not None:
        lines.append(f"expect params == {params:_}")
    if trainable is not None and trainable != params:
        lines.append(f"expect trainable == {trainable:_}")
    source = Source("imported.cnn", "\n".join(lines) + "\n")
    return format_text(source, argument_order)[0]


def spared(graph: Graph) -> list[SourceArray]:
    """The arrays that are read while training only."""
    alive = graph.behind(output.op for output in graph.outputs if not output.training)
    kept = {taken.key for index in alive for taken in graph.ops[index].weights.values()}
    return [array for key, array in graph.arrays.items() if key not in kept]


def net_name(name: str) -> str:
    """A name that a net can have."""
    name = re.sub(r"\W+", "_", name.strip()).strip("_")[:80] or "net1"
    name = f"net_{name}" if name[0].isdigit() else name
    return f"{name}_net" if is_taken(name) else name


def _comment(text: str) -> str:
    return " ".join(text.split())


def packed(texts: Iterable[Text], indent: int, first: int = 0) -> list[str]:
    """Statements in lines: those of one size of the map together, as far as they fit.

    `first` is how much of the first line is taken, by the bar of a path.
    """
    lines: list[str] = []
    open_ = False
    before = 0
    for text, flat in _with_activations(texts):
        room = WIDTH - indent
        joins = open_ and before >= 0 and text.shrinks <= 0 and not _stands_alone(text)
        if joins and len(lines[-1]) + 2 + len(flat) <= room:
            lines[-1] += f"; {flat}"
            before = text.shrinks
            continue
        taken = first if not lines else 0
        if len(flat) <= room - taken and not _is_long(text):
            lines.append(flat)
            open_, before = not _stands_alone(text), text.shrinks
            continue
        lines += spread(text, indent)
        open_, before = False, 0
    return lines


def _with_activations(texts: Iterable[Text]) -> list[tuple[Text, str]]:
    """Statements as they stand on a line, with an activation beside what it follows."""
    found: list[tuple[Text, str]] = []
    for text in texts:
        flat = text.flat()
        if text.head in ACTIVATIONS and not text.alias and found:
            last, before = found[-1]
            if not _stands_alone(last) and len(before) + len(flat) + 2 <= WIDTH // 2:
                found[-1] = last, f"{before}; {flat}"
                continue
        found.append((text, flat))
    return found


def _stands_alone(text: Text) -> bool:
    """Whether a statement is a line of its own."""
    return text.head.startswith(("block ", "head ", "let ", "shared ")) or (
        text.bodies is not None and not text.head.startswith(("repeat", "if"))
    )


def _is_long(text: Text) -> bool:
    """Whether a block is no longer seen at a glance: it has paths in paths, or fills a line."""
    inner = [each for body in text.bodies or () for each in body if each.bars]
    deep = any(each.bodies for way in inner for body in way.bodies or () for each in body)
    return text.head.startswith("block ") and bool(inner) and (deep or len(text.flat()) > GLANCE)


def spread(text: Text, indent: int) -> list[str]:
    """A statement with braces over several lines."""
    if text.bodies is None:
        return [text.flat()]
    lines = [f"{text.head} {{"]
    for body in text.bodies:
        if text.bars:
            one = "; ".join(each.flat() for each in body)
            fits = len(one) <= WIDTH - indent - 4 and not any(each.bodies for each in body)
            inner = [one] if body and fits else packed(body, indent + 4, 2) or ["skip"]
            lines.append(f"  | {inner[0]}")
            lines += [f"    {each}" for each in inner[1:]]
        else:
            lines += [f"  {each}" for each in packed(body, indent + 2)]
    lines.append(f"}} as {text.alias}" if text.alias else "}")
    return lines


# The proof


def checked(text: str) -> Network | Problem:
    """The network of a text, or what is wrong with it."""
    source = Source("imported.cnn", text)
    module, problems = parse(source)
    if not problems:
        network, problems = elaborate(source, module)
        errors = [each for each in problems if each.severity == "error"]
        if network is not None and not errors:
            return network
        problems = errors
    first = problems[0]
    if first.code == "E301":  # a promise of ours, which sharing that cannot be said breaks
        return Problem("E602", NOT_SAID)
    where = text.splitlines()[source.position(first.span.start).line - 1]
    return Problem(first.code, first.message, where.strip(), first.help)


def paired(graph: Graph, network: Network) -> dict[int, int] | None:
    """For each node of a network the operation of a graph that it is; None where it is not it.

    Both are walked from the outputs to the inputs.
    """
    outputs = {"main": graph.outputs[0].op, **{each.name: each.op for each in graph.outputs[1:]}}
    if outputs.keys() != network.outputs.keys():
        return None
    pairs: dict[int, int] = {}
    back: dict[int, int] = {}
    stack = [(network.outputs[name], op) for name, op in outputs.items()]
    inputs = [index for index, op in enumerate(graph.ops) if op.word == "input"]
    stack += zip(network.inputs, inputs)
    while stack:
        index, at = stack.pop()
        if pairs.get(index, at) != at or back.get(at, index) != index:
            return None
        if index in pairs:
            continue
        pairs[index], back[at] = at, index
        node, op = network.nodes[index], graph.ops[at]
        if len(node.inputs) != len(op.inputs) or effect(node.layer) != effect(op.layer):
            return None
        if op.layer.all_weights and node.frozen != op.frozen:
            return None
        stack += zip(node.inputs, op.inputs)
    if len(pairs) != len(network.nodes) or len(pairs) != len(graph.ops):
        return None
    training = {output.name for output in graph.outputs if output.training}
    if network.training_outputs != training or not _shares(graph, network, pairs):
        return None
    return pairs


def _shares(graph: Graph, network: Network, pairs: Mapping[int, int]) -> bool:
    """Whether the nodes that share weights are those that do so in the source."""
    slots: dict[str, tuple[int, str]] = {}
    for node in network.nodes:
        holder = node.index if node.shared_with is None else node.shared_with
        for role, taken in graph.ops[pairs[node.index]].weights.items():
            if slots.setdefault(taken.key, (holder, role)) != (holder, role):
                return False  # one array in two places
    return len(set(slots.values())) == len(slots)


def weights_of(graph: Graph, network: Network, pairs: Mapping[int, int]) -> dict[str, Taken]:
    """The arrays of the source, by the keys that the weights have."""
    found = {}
    for node in network.nodes:
        if node.shared_with is None:
            for role, taken in graph.ops[pairs[node.index]].weights.items():
                found[f"{node.name}.{role}"] = taken
    return found
