"""What there is in a network before it becomes a program: its blocks, and the calls of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnndsl.codegen.code import Call
from cnndsl.network import Network, Node
from cnndsl.network import network as tree
from cnndsl.network.walk import children, walk
from cnndsl.syntax import nodes as ast

Lower = Callable[[Node, bool], list[Call]]


class Survey(NamedTuple):
    """A network, with the calls that each of its layers becomes.

    * `blocks`: the calls of each block in the source; a block comes after those that it calls
    * `calls`: for each node but inputs and merges, the calls of its layer
    * `wanted`: the names of the tensors that something goes back to
    * `kept`: the blocks that are shared, and those that they call
    * `results`: for each block, the names of the tensors in it that are read from outside
    * `runs`: the nodes of neighbouring layers that are to be made one part, by each of them
    """

    network: Network
    blocks: list[list[tree.Instance]]
    calls: dict[int, list[Call]]
    wanted: frozenset[str]
    kept: frozenset[str]
    results: Mapping[str, tuple[str, ...]]
    runs: Mapping[int, tuple[int, ...]]


def survey(
    network: Network,
    lower: Lower,
    *,
    optional: bool,
    runs: Mapping[int, tuple[int, ...]] | None = None,
) -> Survey:
    """Look a network over. `lower` gives the calls of a node, in its plain or its general form.

    The layers of one statement are lowered alike where they can be: in their plain form; with
    calls that some of them leave out, where `optional` says so; or in their general form.
    """
    nodes: dict[int, list[Node]] = {}
    wanted: set[str] = set()
    named: list[tree.Instance] = []
    for item in walk(network.body):
        if isinstance(item, tree.Step):
            nodes.setdefault(id(item.statement), []).append(network.nodes[item.node])
        elif isinstance(item, tree.Jump):
            wanted.add(item.statement.name.id)
        elif isinstance(item, tree.Instance) and item.statement.alias is not None:
            named.append(item)
        if isinstance(item, tree.Instance) and item.tensors:
            for argument in item.statement.args:
                if isinstance(argument.value, ast.Name):
                    wanted.add(argument.value.id)
    calls: dict[int, list[Call]] = {}
    for found in nodes.values():
        plain = {node.index: lower(node, False) for node in found}
        kinds = {structure(each) for each in plain.values()}
        if len(kinds) > 1 and not (optional and longest(list(plain.values())) is not None):
            general = {node.index: lower(node, True) for node in found}
            if len({structure(each) for each in general.values()}) == 1:
                plain = general
        calls |= {index: [one.normal() for one in each] for index, each in plain.items()}
    results = results_of(named, wanted)
    kept = kept_blocks(network)
    return Survey(network, blocks(network), calls, frozenset(wanted), kept, results, runs or {})


def kept_blocks(network: Network) -> frozenset[str]:
    """The blocks that are shared, and those that they call."""
    instances = [item for item in walk(network.body) if isinstance(item, tree.Instance)]
    shared = [item for item in instances if item.first is not None]
    inner = [each for item in shared for each in walk(item.body)]
    called = [item for item in inner if isinstance(item, tree.Instance)]
    return frozenset(item.block.name.id for item in (*shared, *called))


def results_of(named: list[tree.Instance], wanted: set[str]) -> dict[str, tuple[str, ...]]:
    """For each block the names in it that are read from outside, which become `wanted` too."""
    known: dict[str, dict[str, set[str]]] = {}
    for item in named:
        assert item.statement.alias is not None
        blocks_of = known.setdefault(item.statement.alias.id, {})
        blocks_of.setdefault(item.block.name.id, set()).update(item.results)
    found: dict[str, dict[str, None]] = {}
    waiting = sorted(name for name in wanted if "." in name)
    while waiting:
        first, _, rest = waiting.pop(0).partition(".")
        for block, names in known.get(first, {}).items():
            if rest in names and rest not in found.setdefault(block, {}):
                found[block][rest] = None
                wanted.add(rest)
                waiting += [rest] if "." in rest else []
    order: dict[str, dict[str, None]] = {}
    for item in named:
        order.setdefault(item.block.name.id, {}).update(dict.fromkeys(item.results))
    # As they are named.
    return {block: tuple(n for n in order[block] if n in names) for block, names in found.items()}


def blocks(network: Network) -> list[list[tree.Instance]]:
    """The calls of each block; a block comes after those that it calls."""
    found: dict[str, list[tree.Instance]] = {}
    depth: dict[str, int] = {}

    def visit(body: tree.Body) -> int:
        deepest = 0
        for item, bodies in children(body):
            below = max([0, *(visit(inner) for inner in bodies)])
            if isinstance(item, tree.Instance):
                name = item.block.name.id
                found.setdefault(name, []).append(item)
                below += 1
                depth[name] = max(depth.get(name, 0), below)
            deepest = max(deepest, below)
        return deepest

    visit(network.body)
    return [found[name] for name in sorted(found, key=lambda name: depth[name])]


def structure(calls: list[Call]) -> tuple[Any, ...]:
    """What must be equal for calls to be written alike: all but values."""
    return tuple(
        (call.function, call.style, len(call.args), tuple(call.kwargs), call.main) for call in calls
    )


def longest(lists: list[list[Call]]) -> list[Call] | None:
    """The calls of which all others are a part, with some left out; None where there are none.

    What is left out comes before all that never is, or behind it, and keeps no weights.
    """
    full = max(lists, key=len)
    rows = [side_by_side(calls, full) for calls in lists]
    for calls, row in zip(lists, rows):
        # Each call has a place, with a call of its own kind there.
        if structure([one for one, call in zip(full, row) if call]) != structure(calls):
            return None
    always = [all(column) for column in zip(*rows)]
    inner = always[always.index(True) : -always[::-1].index(True) or None] if any(always) else []
    apart = any(call.main and not kept for call, kept in zip(full, always))
    return None if apart or not all(inner) else full


def side_by_side(calls: list[Call], full: list[Call]) -> list[Call | None]:
    """Calls in the places of the full list, None for each that is left out."""
    if len(calls) == len(full):
        return list(calls)
    rest = list(calls)
    return [
        rest.pop(0) if rest and structure([rest[0]]) == structure([one]) else None for one in full
    ]
