"""Calls of a block that come out alike: what the first made is copied, and not worked out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnndsl.network import network as tree
from cnndsl.network.network import Body


class Recording(NamedTuple):
    """What a call made: the nodes from `start` to `end`, of which those that read from outside
    read node `before`.

    * `body`: its items
    * `prefix`, `instance`: what all its nodes have in common of their names and calls
    * `calls`: how many calls led to it, itself among them
    * `steps`: what it took, and `called` the blocks that it called
    """

    start: int
    end: int
    before: int
    body: Body
    prefix: int
    instance: int
    calls: int
    steps: int
    called: frozenset[str]


def moved(body: Body, place: Callable[[int], int]) -> Body:
    """A body whose nodes have other indices."""
    items = tuple([_item(each, place) for each in body.items])
    return Body(items, place(body.input), place(body.output))


def _item(item: tree.Item, place: Callable[[int], int]) -> tree.Item:
    kind: Any = type(item)
    if kind is tree.Step:
        return tree.Step(item.statement, place(item.node), item.written)  # type: ignore
    if isinstance(item, tree.Merged):
        paths = tuple([moved(each, place) for each in item.paths])
        return tree.Merged(item.statement, place(item.node), paths)
    if isinstance(item, tree.Instance):
        tensors = {name: place(index) for name, index in item.tensors.items()}
        return item._replace(tensors=tensors, body=moved(item.body, place))
    if isinstance(item, tree.Loop):
        return tree.Loop(item.statement, tuple([moved(each, place) for each in item.bodies]))
    if isinstance(item, tree.Choice) and item.body is not None:
        return item._replace(body=moved(item.body, place))
    if isinstance(item, tree.Jump):
        return tree.Jump(item.statement, place(item.node))
    return item  # of no node: a constant, `skip`; heads do not stand in blocks
