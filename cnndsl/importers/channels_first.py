"""Tensors of a framework that has its channels first, as tensors of the language.

A tensor of theirs is a view of one of ours: of the same numbers, whose axes lie otherwise.
Views, transposes and permutations change the view alone. An operation that wants its axes in
certain places has our tensor arranged for it, which takes layers: `flatten`, `reshape`,
`permute`, `shuffle`, `pixelshuffle`, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, pairwise
from math import prod
from typing import Any, NamedTuple, Protocol

from cnndsl.importers.graph import Graph
from cnndsl.layers.base import Shape

Group = tuple[int, ...]
"""Atoms that an axis runs through, the last fastest."""
MOST_AXES = 4
"""How many axes a tensor of the language has at most: DxHxWxC."""


class Layers(Protocol):
    """Where operations are added."""

    def emit(self, word: str, values: Mapping[str, Any], op: int) -> int:
        """Add a layer with arguments behind an operation, and give its place."""

    def reshaped(self, op: int) -> tuple[int, Shape] | None:
        """What an operation reads, and its shape, where all that it does is to reshape it."""


class Unsayable(Exception):
    """An order of axes that no layers of the language give."""


class Tensor(NamedTuple):
    """A tensor of the framework, as a view of one of the language.

    The axes of the latter fall into atoms, `sizes` in their order, none of them 1. `axes` says
    for each axis of the framework's tensor but the batch which atoms it runs through. An image
    of 28x28x3 has the sizes (28, 28, 3), and the axes ((2,), (0,), (1,)): what is flattened of
    it has the axes ((2, 0, 1),) for the framework, while `op` is our `flatten`, of 0, 1, 2.

    * `op`: the operation of the graph
    * `ours`: the shape of that, channels last
    """

    op: int
    ours: Shape
    sizes: tuple[int, ...]
    axes: tuple[Group, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the framework, with a batch of 1."""
        return (1, *map(self.size, self.axes))

    def size(self, group: Group) -> int:
        """How many values atoms run through."""
        return prod(self.sizes[atom] for atom in group)

    def owners(self) -> list[int]:
        """For each atom, the axis of our tensor that it belongs to."""
        owners: list[int] = []
        axis, rest = -1, 1
        for size in self.sizes:
            while rest == 1:
                axis += 1
                rest = self.ours[axis]
            owners.append(axis)
            rest //= size
        return owners

    def channels(self) -> Group:
        """The atoms of the last axis of our tensor."""
        last = len(self.ours) - 1
        return tuple(atom for atom, owner in enumerate(self.owners()) if owner == last)

    def plain(self) -> Tensor:
        """The same view with as few atoms as can be."""
        owners = self.owners()
        follows = {(one, other) for axis in self.axes for one, other in pairwise(axis)}
        into: list[int] = []
        sizes: list[int] = []
        for atom, size in enumerate(self.sizes):
            if (atom - 1, atom) in follows and owners[atom - 1] == owners[atom]:
                sizes[-1] *= size
            else:
                sizes.append(size)
            into.append(len(sizes) - 1)
        axes = tuple(tuple(dict.fromkeys(into[atom] for atom in axis)) for axis in self.axes)
        return self._replace(sizes=tuple(sizes), axes=axes)

    def split(self, parts: Sequence[Sequence[int]]) -> tuple[Tensor, list[Group]]:
        """The view with each atom in parts, and what has become of each atom."""
        became: list[Group] = []
        for sizes in parts:
            start = became[-1][-1] + 1 if became else 0
            became.append(tuple(range(start, start + len(sizes))))
        axes = tuple(tuple(new for atom in axis for new in became[atom]) for axis in self.axes)
        sizes = tuple(size for part in parts for size in part)
        return self._replace(sizes=sizes, axes=axes), became

    def vector(self) -> Tensor:
        """The view with all axes in one."""
        return self._replace(axes=(tuple(atom for axis in self.axes for atom in axis),)).plain()

    def view(self, shape: Sequence[int]) -> Tensor | None:
        """The view in another shape, given without the batch; None where its axes do not lie so."""
        vector = self.vector()
        (walk,) = vector.axes
        cut = _cuts([vector.sizes[atom] for atom in walk], shape)
        if cut is None:
            return None
        parts, counts = cut
        of_atoms = dict(zip(walk, parts))
        whole, _ = vector.split([of_atoms[atom] for atom in range(len(walk))])
        atoms = iter(whole.axes[0])
        axes = tuple(tuple(islice(atoms, count)) for count in counts)
        return whole._replace(axes=axes).plain()

    def over(self, op: int, ours: Shape) -> tuple[Tensor, list[Group]] | None:
        """The view of another operation with the same values in the same order, and what has
        become of each atom; None where its axes do not lie so."""
        cut = _cuts(self.sizes, ours)
        if cut is None:
            return None
        whole, became = self.split(cut[0])
        return whole._replace(op=op, ours=ours), became

    def permuted(self, order: Iterable[int]) -> Tensor:
        """The axes in another order, each by its place behind the batch."""
        return self._replace(axes=tuple(self.axes[axis] for axis in order))

    def first(self) -> tuple[int, ...]:
        """The order of the axes of a map: space, then the channels, the first axis."""
        return (*range(1, len(self.axes)), 0)

    def order(self) -> tuple[int, ...] | None:
        """Which axis each of our axes is: None where they are no such axes one by one."""
        if not self.axes:
            return None  # a number alone
        for order in (self.first(), tuple(range(len(self.axes)))):
            if self.is_arranged([self.axes[axis] for axis in order]):
                return order
        return None

    def is_arranged(self, groups: Sequence[Group]) -> bool:
        """Whether our axes are the atoms of groups, in their order."""
        atoms = [atom for group in groups for atom in group]
        return atoms == sorted(atoms) and self.ours == tuple(map(self.size, groups))

    def order_within(self, axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """How an array that follows an axis is put into the order of our atoms: the shape to see
        it in, and the order of the axes of that. Both are empty where it is in that order."""
        group = self.axes[axis]
        if list(group) == sorted(group):
            return (), ()
        places = sorted(range(len(group)), key=lambda place: group[place])
        return tuple(self.sizes[atom] for atom in group), tuple(places)

    def with_channels(self, op: int, ours: Shape, axis: int) -> Tensor:
        """The same view of an output that has other channels, which are an axis, in its order."""
        sizes = self.sizes[: len(self.sizes) - len(self.axes[axis])]
        channels = (len(sizes),) if ours[-1] > 1 else ()
        axes = (*self.axes[:axis], channels, *self.axes[axis + 1 :])
        return Tensor(op, ours, sizes + ours[-1:] * len(channels), axes)


def _cuts(sizes: Sequence[int], shape: Sequence[int]) -> tuple[list[list[int]], list[int]] | None:
    """Sizes that follow one another cut into parts, so that each size of a shape is some of
    these, and how many: None where they do not fall together."""
    parts: list[list[int]] = [[] for _ in sizes]
    counts: list[int] = []
    place, left = -1, 1
    for size in shape:
        counts.append(0)
        while size > 1:
            if left == 1:
                place += 1
                if place == len(sizes):
                    return None
                left = sizes[place]
            taken = min(size, left)
            if max(size, left) % taken:
                return None
            parts[place].append(taken)
            counts[-1] += 1
            size, left = size // taken, left // taken
    return (parts, counts) if left == 1 and place == len(sizes) - 1 else None


def laid(op: int, ours: Shape, order: Sequence[int]) -> Tensor:
    """The view of a tensor of ours of which axis `order[i]` is the framework's axis i."""
    atoms = iter(range(len(ours)))
    groups = [(next(atoms),) if size > 1 else () for size in ours]
    sizes = tuple(size for size in ours if size > 1)
    return Tensor(op, ours, sizes, tuple(groups[i] for i in order))


def fresh(op: int, ours: Shape) -> Tensor:
    """The view that has the channels first."""
    return laid(op, ours, (len(ours) - 1, *range(len(ours) - 1)))


def arranged(tensor: Tensor, groups: Sequence[Group], layers: Layers) -> Tensor:
    """The same tensor as a view of one of ours whose axes are the atoms of groups.

    Raises Unsayable where no layers give that.
    """
    if tensor.is_arranged(groups):
        return tensor
    order = [atom for group in groups for atom in group]
    wanted = tuple(map(tensor.size, groups))
    if order == sorted(order):
        op = _reshaped(tensor.op, tensor.ours, wanted, layers)
    else:
        op = _reordered(tensor, groups, wanted, layers)
    axes = tuple(tuple(order.index(atom) for atom in axis) for axis in tensor.axes)
    return Tensor(op, wanted, tuple(tensor.sizes[atom] for atom in order), axes).plain()


def unstretched(tensor: Tensor, graph: Graph, layers: Layers) -> Tensor:
    """What was made as large as another map of one pixel, for a product, which does that."""
    op = graph.ops[tensor.op]
    channels = op.layer.input[-1]
    if op.word != "up" or prod(op.layer.input) != channels or tensor.order() != tensor.first():
        return tensor
    source = op.inputs[0]
    before = layers.reshaped(source)
    if before and before[1] == (channels,):
        vector = fresh(*before)
        return vector._replace(axes=vector.axes + ((),) * (len(tensor.axes) - 1))
    return fresh(source, op.layer.input)


def _reshaped(op: int, ours: Shape, wanted: Shape, layers: Layers) -> int:
    if ours == wanted:
        return op
    if len(wanted) == 1:
        return layers.emit("flatten", {}, op)
    if len(wanted) > MOST_AXES:
        raise Unsayable
    return layers.emit("reshape", {"shape": wanted}, op)


def _reordered(tensor: Tensor, groups: Sequence[Group], wanted: Shape, layers: Layers) -> int:
    """The operation that has the atoms of groups in their order, which is not ours."""
    if len(tensor.ours) > 1 or layers.reshaped(tensor.op) is None:  # a map had better be permuted
        word, values = shuffling(tensor, groups)
        if word:
            return layers.emit(word, values, tensor.op)
    while (before := layers.reshaped(tensor.op)) and (found := tensor.over(*before)):
        tensor, became = found
        groups = [tuple(new for atom in group for new in became[atom]) for group in groups]
    order, owners = [atom for group in groups for atom in group], tensor.owners()
    axes = list(dict.fromkeys(owners[atom] for atom in order))
    op, ours = tensor.op, tensor.ours
    if order != sorted(order, key=lambda atom: (axes.index(owners[atom]), atom)):
        # Our axes have to be cut: into what stays together.
        starts = sorted([order[0], *(new for old, new in pairwise(order) if new != old + 1)])
        if len(starts) > MOST_AXES:
            raise Unsayable
        ends = [*starts[1:], len(order)]
        ours = tuple(tensor.size(tuple(range(*span))) for span in zip(starts, ends))
        op = _reshaped(op, tensor.ours, ours, layers)
        axes = sorted(range(len(starts)), key=lambda block: order.index(starts[block]))
    # Axes of one value go where one is wanted, those over to the front.
    ones = [axis for axis, size in enumerate(ours) if size == 1]
    rest = iter(axes)
    places: list[int] = []
    for size in wanted:
        if size == 1 and ones:
            places.append(ones.pop(0))
        elif size > 1 and (axis := next(rest, None)) is not None:
            places.append(axis)
    places = [*ones, *places, *rest]
    if places != sorted(places):
        values = {"order": tuple(axis + 1 for axis in places)}
        word = "permute" if len(places) > 2 else "transpose"
        op = layers.emit(word, values if word == "permute" else {}, op)
        ours = tuple(ours[axis] for axis in places)
    return _reshaped(op, ours, wanted, layers)


def shuffling(tensor: Tensor, groups: Sequence[Group]) -> tuple[str, dict[str, Any]]:
    """The word that moves values between channels and pixels as groups say, or none."""
    sizes, rank = tensor.sizes, len(tensor.ours) - 1
    if len(groups) != rank + 1:
        return "", {}
    parts = [
        tuple(i for i, owner in enumerate(tensor.owners()) if owner == axis)
        for axis in range(rank + 1)
    ]
    *space, channels = parts
    *wanted, last = groups
    if wanted == space:
        for cut in range(1, len(channels)):
            if last == channels[cut:] + channels[:cut]:
                return "shuffle", {"groups": tensor.size(channels[:cut])}
        return "", {}
    # Each dimension of the image takes the atom of a factor in, or gives it off.
    taken = tuple(group[-1] for group in wanted if group)
    given = tuple(part[-1] for part in space if part)
    ways = (
        ("pixelshuffle", taken, channels, last, wanted, space),
        ("pixelunshuffle", given, last, channels, space, wanted),
    )
    for word, atoms, deep, shallow, large, small in ways:
        factors = {sizes[atom] for atom in atoms}
        shrinks = all(part and part[:-1] == group for part, group in zip(large, small))
        if rank and all(wanted) and shrinks and len(factors) == 1:
            values: dict[str, Any] = {"factor": factors.pop()}
            if deep == shallow + atoms:
                return word, values
            if deep == atoms + shallow:
                return word, {**values, "dcr": True}
    return "", {}
