"""Summaries of models: those of Keras 2 and 3, of torchsummary and of torchinfo.

A summary says sizes and counts, and little more. What layers are is worked out from these, row
by row; a row that nothing fits cannot be read, and what is left open is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise, permutations
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.foreign.table import ACTIVATIONS, CLASSES, KERAS, TORCH
from cnndsl.importers import deduce as deduced
from cnndsl.importers.deduce import Known, Values, deduce
from cnndsl.importers.graph import Graph, Output, Scope
from cnndsl.importers.summary_table import Row, Table, read_table
from cnndsl.importers.texts import Draft, channels_last
from cnndsl.layers import ACTIVATIONS as FUNCTIONS
from cnndsl.layers import MERGES
from cnndsl.layers.base import Shape, product
from cnndsl.layers.source import call_of
from cnndsl.layers.values import Pair, Word

_LARGEST = 10**7
_WEIGHING = ("conv", "dense", "dwconv", "sepconv", "deconv")
_NORMS = ("bn", "ln", "gn", "inorm")
_BORDERS = ("zeropad", "reflectpad", "replicatepad", "crop")
_MODELS = frozenset(("Sequential", "Functional", "Model", "ModuleList", "ModuleDict"))
_IN_ORDER = frozenset(
    "Sequential Conv2dNormActivation ConvNormActivation ConvBNReLU ConvBNActivation".split()
)
"""Modules of PyTorch that do one after the other what is in them."""


class _Reader(Draft):
    def __init__(self, text: str, name: str, table: Table, shape: Shape | None) -> None:
        super().__init__(text, name, table.framework)
        self.table, self.given = table, shape
        self.torch = table.framework == TORCH
        self.named: list[tuple[Row, int]] = []  # the rows so far, with the operation of each
        self.current: int | None = None
        self.unsayable: set[str] = set()

    def shape_of(self, row: Row) -> Shape | None:
        """The sizes that a row gives, channels last; None where they are not known."""
        sizes = tuple(size for size in row.shape if size is not None and 0 < size <= _LARGEST)
        if len(sizes) != len(row.shape) or not 0 < len(sizes) <= 4:
            return None
        return channels_last(sizes) if self.torch else sizes

    # Rows

    def read(self) -> None:
        """Read all rows."""
        rows = self.table.rows
        scopes: list[tuple[int, Scope, Row]] = []
        for place, row in enumerate(rows):
            while scopes and scopes[-1][0] >= row.depth:
                self.leave(*scopes.pop()[1:])
            inside = place + 1 < len(rows) and rows[place + 1].depth > row.depth
            if inside and row.kind not in CLASSES[self.table.framework]:
                scopes.append((row.depth, Scope(row.kind, row.name), row))
                self.go_into(row)
                continue
            if self.unsized:
                return
            op = self.row(row, tuple(scope for _, scope, _ in scopes if scope.name))
            if op is not None:
                self.current = op
                self.named.append((row, op))
        for _, scope, row in reversed(scopes):
            self.leave(scope, row)

    def go_into(self, row: Row) -> None:
        """Begin with what is inside of a model, which reads what that does."""
        if not self.torch:
            inputs = self.inputs(row)
            self.current = inputs[0] if inputs else self.current
        elif row.depth and row.kind not in _IN_ORDER and row.kind not in self.unsayable:
            self.unsayable.add(row.kind)
            message = Message("a summary does not say what `{kind}` computes", kind=row.kind)
            help_ = Message("import the model itself, or its source")
            self.problem("E606", message, row.span, help_)

    def leave(self, scope: Scope, row: Row) -> None:
        """End a model: it gives what its last row does."""
        if self.current is None or self.graph.problems:
            return
        if self.graph.shape(self.current) != self.shape_of(row) and row.shape:
            self.unreadable(row.span)
        self.named.append((row, self.current))

    def row(self, row: Row, scope: tuple[Scope, ...]) -> int | None:
        """The operation of a row; one that is not known gives what the row says."""
        shape = self.shape_of(row)
        if shape is None:
            message = Message("the sizes of `{name}` are not said", name=row.name or row.kind)
            help_ = Message("print the summary with the size of the input")
            self.problem("E604", message, row.span, help_)
            self.unsized = True
            return self.current
        if row.kind == "InputLayer":
            if scope and self.current is not None:
                return self.current
            if self.given and not self.graph.ops and self.given != shape:
                self.unreadable(row.span, Message("the input is another one than `--input` says"))
            return self.input(shape, row.span, row.name, scope)
        kind = CLASSES[self.table.framework].get(row.kind)
        if not self.graph.ops:
            self.begin(row, shape)
        if self.unsized:
            return None
        before = len(self.graph.problems)
        inputs = self.inputs(row)
        if len(self.graph.problems) > before:
            return self.input(shape, row.span)
        word = "activation" if row.kind == "Activation" else kind.word if kind else ""
        if row.kind in _MODELS:
            help_ = Message("print what is in it, by `model.summary(expand_nested=True)`")
            self.unreadable(row.span, help_)
        elif not word:
            self.unknown(row.kind, row.span)
        elif (op := self.made(row, word, shape, inputs, scope)) is not None:
            return op
        else:
            self.unreadable(row.span)
        return self.input(shape, row.span)

    def inputs(self, row: Row) -> list[int]:
        """The operations that a row reads: those that it names, or else the one before it."""
        if not row.inputs or not self.named:  # the first may name an input that has no row
            return [self.current] if self.current is not None else []
        found = []
        for name, cut in row.inputs:
            exact = [op for other, op in self.named if other.name == name and not other.cut]
            alike = {
                op
                for other, op in self.named
                if (cut and other.name.startswith(name))
                or (other.cut and (name.startswith(other.name) or other.name.startswith(name)))
            }
            fits = exact[-1:] if exact and not cut else sorted(alike)
            if len(fits) > 1 and all(
                self.graph.ops[op].inputs == (before,) for before, op in pairwise(fits)
            ):
                self.ask(
                    Message("names are cut off: where one fits layers in a row, the last is taken")
                )
                fits = fits[-1:]
            if len(fits) == 1:
                found.append(fits[0])
                continue
            if fits:
                message = Message("`{name}…` is the beginning of several names", name=name)
                help_ = Message(
                    "print it wider, by `model.summary(line_length=200)` in a terminal as wide"
                )
                self.problem("E605", message, row.span, help_)
            else:
                message = Message("there is no layer `{name}` before this", name=name)
                self.problem("E605", message, row.span)
        return found

    # The input

    def begin(self, row: Row, shape: Shape) -> None:
        """The input of a summary that has no row for it."""
        found = self.given
        if found is None and row.source:
            found = self.shape_of(row._replace(shape=row.source))
        found = found or self.input_of(row, shape)
        if found is None:
            message = Message("the summary does not say the size of the input")
            self.problem("E604", message, row.span, Message("write it, as `--input 28x28x1`"))
            found, self.unsized = shape, True
        self.current = self.input(found, row.span)

    def input_of(self, row: Row, shape: Shape) -> Shape | None:
        """The input that a first row leaves no doubt of: that of a dense layer, or one of so many
        values as the text has for a convolution."""
        kind = CLASSES[self.table.framework].get(row.kind)
        word = kind.word if kind else ""
        weights = row.params - shape[-1]
        if word == "dense" and len(shape) == 1 and weights > 0 and weights % shape[0] == 0:
            return (weights // shape[0],)
        size = re.search(r"Input size \(MB\): ?(\d{1,9}\.\d\d)", self.text)
        if word != "conv" or size is None or len(shape) != 3:
            return None
        # torchsummary counts in powers of 2, torchinfo in those of 10.
        unit = 10**6 if self.table.tree else 2**20
        fits = set()
        for channels in (1, 3):
            for side in range(1, 1025):
                if f"{side * side * channels * 4 / unit:.2f}" == size[1]:
                    source = (side, side, channels)
                    known = Known("conv", TORCH, source, shape, row.params, row.kernel)
                    if deduce(known, [next(deduced.convolutions(known))]):
                        fits.add(source)
        return fits.pop() if len(fits) == 1 else None

    # What rows become

    def made(
        self, row: Row, word: str, shape: Shape, inputs: list[int], scope: tuple[Scope, ...]
    ) -> int | None:
        """The operation of a row of a layer; None where none fits its numbers."""

        def put(word: str, values: Values, inputs: Iterable[int]) -> int:
            return self.add(word, values, inputs, row.span, row.name, scope, row.frozen)

        if word in MERGES:
            return self.merge(row, word, shape, inputs, put)
        if not inputs:
            return None
        if len(inputs) > 1 or (row.again and word in (*_WEIGHING, *_NORMS, "prelu")):
            message = Message("`{name}` is called more than once", name=row.name or row.kind)
            self.problem("E602", message, row.span)
            return self.input(shape, row.span)
        op, source = inputs[0], self.graph.shape(inputs[0])
        if word == "skip":
            return op if source == shape and not row.params else None
        if word == "activation":
            word = self.function(row)
            if not word:
                return op
        if self.torch and len(source) > len(shape) == 1 and word != "flatten":
            # PyTorch's functions have no rows, `torch.flatten` among them.
            flat = product(source)
            weighs = row.params in (flat * shape[0], (flat + 1) * shape[0])
            if weighs if word == "dense" else shape == (flat,):
                op = put("flatten", {}, [op])
                source = self.graph.shape(op)
        if word == "dense" and len(source) > 1:
            word = "conv"
        if word in ("gap", "gmp") and len(shape) == len(source) and max(shape[:-1], default=1) > 1:
            word = "avgpool" if word == "gap" else "pool"
            return put(word, {"to": shape[:-1]}, [op])
        known = Known(word, self.table.framework, source, shape, row.params, row.kernel)
        if word in _TIERS and len(source) != len(shape):
            return None
        found = deduce(known, _TIERS[word](known) if word in _TIERS else [_simple(known)])
        if found is None:
            return None
        place = put(word, found.values, [op])
        self.asks(row, word, place, found.others)
        return place

    def merge(
        self,
        row: Row,
        word: str,
        shape: Shape,
        inputs: list[int],
        put: Callable[[str, Values, Iterable[int]], int],
    ) -> int | None:
        if len(inputs) < 2 or row.params:
            return None
        for axis in ("channels", "height", "width", "length") if word == "concat" else ("",):
            values = {"axis": Word(axis)} if axis and axis != "channels" else {}
            before = len(self.graph.problems)
            op = put(word, values, inputs)
            if len(self.graph.problems) == before and self.graph.shape(op) == shape:
                return op
            del self.graph.problems[before:]
            if op == len(self.graph.ops) - 1:
                self.graph.ops.pop()
        return None

    def function(self, row: Row) -> str:
        """The function of an `Activation`: what its name says, or else relu."""
        parts = row.name.lower().split("_")
        said = [name for name in ACTIVATIONS if name in parts or name == row.name.lower()]
        if said:
            return ACTIVATIONS[said[-1]]
        self.ask(Message("which functions the rows `Activation` are is not said: relu is taken"))
        return "relu"

    def asks(self, row: Row, word: str, op: int, others: tuple[Any, ...]) -> None:
        """Take down what a row leaves open."""
        layer = self.graph.ops[op].layer
        if others:
            message = Message(
                "`{call}` is taken, and {others} would fit as well",
                call=call_of(layer),
                others=", ".join(f"`{call_of(each)}`" for each in others),
            )
            self.ask(message, op)
        if word in _WEIGHING and self.torch:
            self.ask(Message("functions such as `F.relu`, and what `forward` does, are not said"))
        elif word in _WEIGHING:
            self.ask(Message("the activations of convolutions and dense layers are not said"))
        elif word in ("pool", "avgpool") and not row.kernel and not others:
            self.ask(
                Message("the windows of pools are not said: they lie side by side where so fits")
            )
        elif word == "dropout":
            self.ask(Message("the rate of dropout is not said: 0.5 is taken"))
        elif word in _NORMS:
            self.ask(Message("eps and momentum are not said: the defaults are taken"))
            if layer.noscale != layer.noshift:  # type: ignore[attr-defined]
                self.ask(Message("whether `bn` has no factor or no summand is not said"), op)
            if word == "gn":
                self.ask(Message("the number of groups is not said"), op)
        elif word in _BORDERS:
            message = Message(
                "how much of `{word}` is at the begin and how much at the end is not said",
                word=word,
            )
            self.ask(message, op)
        elif word in ("up", "permute", "rescale", "leaky_relu", "elu", "gelu"):
            self.ask(Message("the arguments of `{word}` are not said", word=word), op)
        elif word == "relu" and not self.torch:
            self.ask(Message("whether a relu has a bound, as relu6, is not said: it has none"))
        if word in _WEIGHING and any(each.kernel > 1 for each in getattr(layer, "windows", ())):
            self.ask(Message("whether kernels are dilated is not said: they are not"))

    # The end

    def totals(self) -> None:
        """Take the totals down; a row that is missing shows there."""
        graph, totals = self.graph, self.table.totals
        counts = {key: count for key, (count, _) in totals.items()}
        if "trainable" in counts and "non-trainable" in counts:
            graph.trainable = counts["trainable"]
            graph.params = counts["trainable"] + counts["non-trainable"]
        elif "total" in counts:
            graph.params = counts["total"]
        if graph.problems or graph.params is None:
            return
        found = sum(op.layer.params for op in graph.ops)
        statistics = sum(
            weight.size for op in graph.ops for weight in op.layer.weights if not weight.trainable
        )
        if self.torch:
            found -= statistics  # which PyTorch counts as no parameters
        if found != graph.params:
            message = Message(
                "the rows have {found:,} parameters, and the total is {total:,}",
                found=found,
                total=graph.params,
            )
            self.problem("E605", message, next(iter(totals.values()))[1])
        elif self.torch and statistics:
            graph.params += statistics
        learned = sum(op.layer.trainable for op in graph.ops if not op.frozen)
        if graph.trainable not in (None, learned):
            graph.trainable = None
            self.ask(Message("which layers do not learn is not said: all of them do"))

    def outputs(self) -> None:
        """What nothing reads is an output; the last one is the main one."""
        ends = self.ends()
        named = {op: row.name for row, op in self.named}
        self.graph.outputs = [Output(named.get(op, ""), op) for op in reversed(ends)]
        if len(ends) > 1:
            self.note(Message("which output is the main one is not said: the last row is taken"))


def _simple(known: Known) -> Iterable[Values]:
    """Arguments of a layer without windows, the likely first."""
    source, shape, word = known.source, known.output, known.word
    if word == "dense":
        return [{"units": shape[-1], "nobias": nobias} for nobias in (False, True)]
    if word in _NORMS and word != "gn":
        return [{}, {"noscale": True}, {"noshift": True}, {"noscale": True, "noshift": True}]
    if word == "gn":
        return [{"groups": g} for g in (32, 16, 8, 4, 2, 1) if source[-1] % g == 0]
    if word == "dropout":
        return [{"rate": 0.5}]
    if word == "reshape":
        return [{"shape": shape}]
    if word in ("gap", "gmp"):
        return [{}, {"keep": True}]
    if len(source) != len(shape):
        return [{}] if word == "flatten" else []
    if word in _BORDERS:
        less = [y - x if word != "crop" else x - y for x, y in known.spatial]
        if min(less, default=-1) < 0:
            return []
        pads = tuple(Pair(each // 2, each - each // 2) for each in less)
        return [{"crop" if word == "crop" else "pad": pads}]
    if word == "up":
        return [{"factor": tuple(y // x for x, y in known.spatial)}, {"to": shape[:-1]}]
    if word == "permute":
        orders = permutations(range(1, len(source) + 1))
        return [{"order": order} for order in orders if order != tuple(sorted(order))]
    if word == "rescale":
        return [{"scale": 1 / 255}]
    if word in ("pixelshuffle", "pixelunshuffle"):
        return [{"factor": max(source[0], shape[0]) // max(min(source[0], shape[0]), 1)}]
    return [{}] if word in FUNCTIONS else []


_TIERS: dict[str, Callable[[Known], Iterable[Iterable[Values]]]] = {
    "conv": deduced.convolutions,
    "dwconv": deduced.depthwise,
    "sepconv": deduced.separable,
    "deconv": deduced.transposed,
    "pool": deduced.pools,
    "avgpool": deduced.pools,
}


def read_summary(text: str, name: str = "", shape: Shape | None = None) -> Graph:
    """Read a pasted summary; `shape` is the input's, where the summary does not say it."""
    draft = Draft(text, name, KERAS)
    table = read_table(draft)
    if table is None or not table.rows:
        if not draft.graph.problems:
            message = Message("the text has no table of layers")
            draft.problem("E605", message, (0, min(len(text), 1)))
        return draft.done()
    reader = _Reader(draft.text, name, table, shape)
    reader.graph.problems += draft.graph.problems
    reader.read()
    if reader.graph.ops:
        reader.totals()
        reader.outputs()
    return reader.done()
