"""Calls of a block that come out alike: what the first made is copied, and not worked out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnndsl.network import network as tree
from cnndsl.network.network import Body


class Recording(NamedTuple):
    """What a call made: the nodes from `start` to `end`, of which those that read from outside
    read node `before`.

    * `body`: its items
    * `prefix`, `instance`: what all its nodes have in common of their names and calls
    * `results`: the tensors that can be read from outside, by their names
    * `calls`: how many calls led to it, itself among them
    * `steps`: what it took, and `called` the blocks that it called
    """

    start: int
    end: int
    before: int
    body: Body
    prefix: int
    instance: int
    results: Mapping[str, int]
    calls: int
    steps: int
    called: frozenset[str]


def moved(body: Body, place: Callable[[int], int]) -> Body:
    """A body whose nodes have other indices."""
    items = tuple([_item(each, place) for each in body.items])
    return Body(items, place(body.input), place(body.output))


def moved_names(names: Mapping[str, int], place: Callable[[int], int]) -> dict[str, int]:
    """The nodes that names stand for, with other indices."""
    return {name: place(index) for name, index in names.items()}


def _item(item: tree.Item, place: Callable[[int], int]) -> tree.Item:
    kind: Any = type(item)
    if kind is tree.Step:
        return tree.Step(item.statement, place(item.node), item.written)  # type: ignore
    if isinstance(item, tree.Merged):
        paths = tuple([moved(each, place) for each in item.paths])
        return item._replace(node=place(item.node), paths=paths)
    if isinstance(item, tree.Instance):
        first = item.first if item.first is None else place(item.first)
        return item._replace(
            tensors=moved_names(item.tensors, place),
            body=moved(item.body, place),
            results=moved_names(item.results, place),
            first=first,
        )
    if isinstance(item, tree.Frozen):
        return item._replace(body=moved(item.body, place))
    if isinstance(item, tree.Loop):
        return tree.Loop(item.statement, tuple([moved(each, place) for each in item.bodies]))
    if isinstance(item, tree.Choice) and item.body is not None:
        return item._replace(body=moved(item.body, place))
    if isinstance(item, tree.Jump):
        return tree.Jump(item.statement, place(item.node))
    return item  # of no node: a constant, `skip`; heads do not stand in blocks
