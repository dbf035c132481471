"""Whether the dimensions of a net can be looked at one by one.

They can where a size works out from sizes of its own dimension alone, and where what fits in
one dimension fits whatever the others are. Windows, paddings and merges of equal shapes are
such; a test on `H`, a `reshape`, or a merge of flattened maps ties the dimensions together.
"""

from __future__ import annotations

from cnndsl.layers.merge import Mul
from cnndsl.layers.pool import GlobalPool
from cnndsl.quickfix.evaluation import Evaluation
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names, walk

_SIZES = {"H", "W", "D", "L"}


def text_ties(module: ast.Module) -> bool:
    """Whether words of a text can tie its dimensions together."""
    words = {name.id for name in names(module)}
    words |= {each.name.id for each in walk(module) if isinstance(each, ast.Apply)}
    if words & _SIZES or "reshape" in words:
        return True
    return "C" in words and "flatten" in words  # the channels of a flattened map


def net_ties(outcome: Evaluation) -> bool:
    """Whether merges of a whole net tie its dimensions together.

    Its layers are the same for every size of the input where its text ties nothing.
    """
    nodes = outcome.nodes
    flat: set[int] = set()  # vectors that hold more than one value a channel
    ones: set[int] = set()  # maps that are 1x1 whatever the input is
    for node in nodes:
        flattened = node.op == "flatten" or flat.intersection(node.inputs)
        if flattened and len(node.output) == 1 and node.op != "dense":
            flat.add(node.index)
        if isinstance(node.layer, GlobalPool):
            ones.add(node.index)
        elif node.inputs and ones.issuperset(node.inputs) and set(node.output[:-1]) <= {1}:
            # A layer on a map of 1x1 does what it does for any input.
            ones.add(node.index)
        if len(node.inputs) < 2:
            continue
        if flat.intersection(node.inputs):
            return True
        if isinstance(node.layer, Mul):
            maps = [index for index in set(node.inputs) - ones if len(nodes[index].output) > 1]
            if len(maps) > 1:
                return True  # one of them may become 1x1, and stretch
    return False
