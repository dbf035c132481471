"""What the paths of a merge do, by which their results are called."""

from __future__ import annotations

from cnndsl.codegen.expressions import Variable
from cnndsl.codegen.program import (
    FromTensor,
    Function,
    FunctionCall,
    If,
    Item,
    LayerCall,
    Loop,
    Merge,
    NameTensor,
    certain,
    inner,
)


def path_names(item: Merge) -> list[str]:
    """What the results of a merge's paths are called, of those that are always there."""
    paths = certain(item.paths)
    if len(paths) == len(item.paths) == 2 and item.layer.op in ("add", "mul"):
        first, second = paths
        if item.layer.op == "mul":
            return ["main", "gate"] if weight(first) <= weight(second) else ["gate", "main"]
        if bypasses(second, first):
            return ["main", "skip"]
        if bypasses(first, second):
            return ["skip", "main"]
    names = [only(path) for path in paths]
    if item.layer.op != "concat" and all(names):
        return names
    busy = [name for name, path in zip(names, paths) if not may_idle(path)]
    branches = [f"branch{index + 1}" for index in range(len(paths))]
    if len(busy) == 1:
        return [name or branch for name, branch in zip(names, branches)]
    return branches


def only(path: list[Item]) -> str:
    """What the only layer or block of a path is called; empty where there is more."""
    rest = [item for item in path if not isinstance(item, FromTensor)]
    if len(rest) != 1:
        return ""
    if isinstance(rest[0], LayerCall):
        label = rest[0].label if rest[0].alias is None else None
        return label or rest[0].layer.op
    return called(rest[0]) if isinstance(rest[0], FunctionCall) else ""


def called(item: FunctionCall) -> str:
    """What a part is called that a block makes: by the block, or by the parameter for one."""
    if isinstance(item.called, Variable):
        return item.called.hint
    return item.function.block.lower()


def weight(items: list[Item]) -> int:
    """How much a path does: a condition that may do nothing counts less than a layer."""
    return sum(1 if isinstance(item, (If, FromTensor, NameTensor)) else 2 for item in items)


def bypasses(items: list[Item], other: list[Item]) -> bool:
    """Whether a path goes past the other: it may do nothing, or is one projection past a chain."""
    if weight(items) > weight(other):
        return False
    return may_idle(items) or projections(items, {}) == 1 < projections(other, {})


def may_idle(items: list[Item]) -> bool:
    """Whether there is a way through items that does nothing."""
    return all(
        isinstance(item, (FromTensor, NameTensor))
        or (isinstance(item, If) and any(map(may_idle, (*item.bodies, item.otherwise))))
        for item in items
    )


def projections(items: list[Item], known: dict[Function, int]) -> int:
    """How many convolutions and dense layers a path has at most, where 2 stands for more."""
    count = 0
    for item in items:
        if isinstance(item, LayerCall):
            count += item.layer.family in ("conv", "dense")
        elif isinstance(item, FunctionCall):
            if item.function not in known:
                known[item.function] = projections(item.function.body, known)
            count += known[item.function]
        elif isinstance(item, Merge):
            count += max(projections(path, known) for path in inner(item))
        elif isinstance(item, Loop):
            count += 2 * projections(item.body, known)
        elif isinstance(item, If):
            count += max(projections(body, known) for body in (*item.bodies, item.otherwise))
    return min(count, 2)
