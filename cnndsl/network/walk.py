"""How to visit the body of a network: the items in it, and those inside them."""

from __future__ import annotations

from cnndsl.network import network as tree


def children(body: tree.Body) -> list[tuple[tree.Item, tuple[tree.Body, ...]]]:
    """The items of a body, each with the bodies inside it."""
    found: list[tuple[tree.Item, tuple[tree.Body, ...]]] = []
    for item in body.items:
        if isinstance(item, (tree.Instance, tree.Side, tree.Frozen)):
            found.append((item, (item.body,)))
        elif isinstance(item, tree.Merged):
            found.append((item, item.paths))
        elif isinstance(item, tree.Loop):
            found.append((item, item.bodies))
        elif isinstance(item, tree.Choice) and item.body is not None:
            found.append((item, (item.body,)))
        else:
            found.append((item, ()))
    return found


def walk(body: tree.Body) -> list[tree.Item]:
    """All items of a body, at any depth."""
    found: list[tree.Item] = []
    stack = [body]
    while stack:
        for item, inner in children(stack.pop()):
            found.append(item)
            stack.extend(inner)
    return found
