"""The walk through an ONNX file: constants are worked out, and tensors become operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from cnndsl.diagnostics.message import Message
from cnndsl.importers.channels_first import Group, Tensor, Unsayable, arranged, fresh, laid
from cnndsl.importers.graph import (
    Graph,
    ImportProblems,
    Op,
    Output,
    Problem,
    SourceArray,
    without_word,
)
from cnndsl.importers.onnx_fold import MOST, fold
from cnndsl.importers.onnx_model import Constant, Model, Node, Outside, Unknown, refused, worked_out
from cnndsl.importers.onnx_patterns import Rewriter
from cnndsl.layers.base import Shape

Value: TypeAlias = "Tensor | Constant"
Operator: TypeAlias = Callable[["Reader", Node], "Value | list[Value]"]
"""What adds the layers that a node is, and gives what comes out."""

MOST_FOLDED = 2**24
"""How many numbers are worked out in all."""


class Reader:
    """Reads a file, node by node; takes `arrays` in the place of those of the file. `operators`
    are what its operations are in the language.

    * `values`: what the names of values stand for
    * `seen`: for each operation of the graph, the value that it gives, and how that lies
    * `sources`: the same for the inputs, as they come in
    * `makers`: the nodes that values come from
    * `raw`: whether operations give an input as it is, but for constant factors and summands
    * `moved`: the layers that arrange tensors, by word, arguments and what they read
    * `copies`: for an array that is kept once for several layers, or for several weights of one,
      its keys by where they stand, in the order in which they are read there
    * `batch`: how many images the model takes at once, where it says that; else 1
    * `alone`: operations of which nothing but the next node reads the output
    """

    def __init__(
        self,
        data: bytes,
        name: str,
        outside: Outside | None,
        shapes: Sequence[Shape] | None,
        operators: Mapping[str, Operator],
        arrays: Mapping[str, Any] = {},
    ) -> None:
        self.operators = operators
        self.graph = Graph(name)
        self.values: dict[str, Value] = {}
        self.seen: dict[int, tuple[str, Tensor]] = {}
        self.alone: set[int] = set()
        self.sources: dict[int, tuple[str, Tensor]] = {}
        self.makers: dict[str, Node] = {}
        self.copies: dict[str, dict[str, list[str]]] = {}
        self.moved: dict[tuple[str, str, int], int] = {}
        self.raw: dict[int, bool] = {}
        self.tainted: set[str] = set()
        self.folded, self.batch = 0, 1
        try:
            self.model = Model(data, outside, arrays)
            self.graph.problems += self.model.problems
            self.read(shapes)
        except ImportProblems as error:
            self.graph.problems += error.problems

    def read(self, shapes: Sequence[Shape] | None) -> None:
        """Read the whole model."""
        model, graph = self.model, self.graph
        graph.name = graph.name or model.proto.graph.name
        graph.defaults = "torch" if model.producer in ("pytorch", "cnndsl") else "keras"
        self.values.update(model.constants)
        for node in model.nodes:
            if node.inputs and all(not each or each in self.values for each in node.inputs):
                self.folds(node)
        model.constants.update(
            {name: value for name, value in self.values.items() if isinstance(value, Constant)}
        )
        Rewriter(model).run()
        needed(model)
        self.readers = model.readers()
        self.inputs(shapes)
        if graph.problems:
            return
        for node in model.nodes:
            self.node(node)
        self.outputs()
        if not graph.problems:
            self.prune()
            self.notes()
        self.take_apart()

    def folds(self, node: Node) -> bool:
        """Work a node out whose inputs are constants; gives whether that is possible."""
        given = [self.values.get(each) for each in node.inputs]
        if given and isinstance(given[0], Constant) and (moved := moves(node, given[0])):
            self.values[node.outputs[0]] = moved
            return True
        constants = [each for each in given if isinstance(each, Constant)]
        count = sum(each.size for each in constants)
        if any(isinstance(each, Tensor) for each in given) or count > MOST:
            return False
        self.folded += count
        if self.folded > MOST_FOLDED:
            return False
        arrays = [each.numbers() if isinstance(each, Constant) else None for each in given]
        results = fold(node, arrays, self.model.opset)
        if results is None or len(results) < len(node.outputs):
            return False
        learned = any(each.learned for each in constants)
        for name, array in zip(node.outputs, results):
            self.folded += int(array.size)
            self.values[name] = worked_out(name, array, learned)
        return True

    # Inputs and outputs

    def inputs(self, shapes: Sequence[Shape] | None) -> None:
        """Add the inputs of the graph."""
        inputs = self.model.inputs
        if shapes and len(shapes) != len(inputs):
            message = Message(
                "{count} sizes are given for {inputs} inputs", count=len(shapes), inputs=len(inputs)
            )
            self.graph.problems.append(Problem("E604", message))
            return
        given: Sequence[Shape | None] = shapes or [None] * len(inputs)
        for (name, sizes), ours in zip(inputs.items(), given):
            if sizes and sizes[0]:
                self.batch = sizes[0]
            rank = len(ours) + 1 if ours else len(sizes or ())
            last = self.channels_last(name, rank)
            if ours is None:
                first = [size for size in (sizes or [])[1:] if size]
                if len(first) != rank - 1 or not 2 <= rank <= 5:
                    self.unsized(name, sizes)
                    continue
                ours = tuple(first) if last else (*first[1:], first[0])
            try:
                op = self.graph.input(tuple(ours), name)
            except ImportProblems as error:
                self.graph.problems += error.problems
                continue
            tensor = laid(op, tuple(ours), range(rank - 1)) if last else fresh(op, tuple(ours))
            self.values[name] = tensor
            self.seen[op] = self.sources[op] = name, tensor

    def unsized(self, name: str, sizes: Sequence[int | None] | None) -> None:
        """Note an input of which the file does not say how large it is."""
        told = "x".join("?" if size is None else str(size) for size in (sizes or [])[1:]) or "?"
        message = Message("the input `{name}` is of {shape}", name=name, shape=told)
        help_ = Message("say its size, channels last: `--input 224x224x3`")
        self.graph.problems.append(Problem("E604", message, name, help_))

    def channels_last(self, name: str, rank: int) -> bool:
        """Whether an input has its channels last: whether they are when they are first needed."""
        axes = {name: tuple(range(rank))}
        for node in self.model.nodes if rank > 2 else ():
            order = next((axes[each] for each in node.inputs if each in axes), None)
            if order is None:
                continue
            if node.op == "Transpose" and sorted(node.get("perm", ())) == [*range(rank)]:
                axes[node.outputs[0]] = tuple(order[axis] for axis in node.get("perm"))
            elif node.op in _FIRST:
                return order[1] == rank - 1
            elif node.op in ("MatMul", "LayerNormalization"):
                return order[-1] == rank - 1
            elif node.op in _FREE:
                axes[node.outputs[0]] = order
        return self.model.producer in ("tf2onnx", "keras")

    def outputs(self) -> None:
        """Take the outputs of the model, each in the order of its values there."""
        for name in self.model.outputs:
            value, message = self.values.get(name), None
            if isinstance(value, Constant):
                message = Message("the output `{name}` is a constant", name=name)
            elif isinstance(value, Tensor):
                try:
                    value, _ = self.standard(value)
                except (Unsayable, ImportProblems, IndexError):  # the last for one number alone
                    message = Message("there is no word for the order of its values")
                else:
                    self.seen[value.op] = (name, value)
                    self.graph.outputs.append(Output(name, value.op))
            if message:
                self.graph.problems.append(Problem("E601", message, name))

    # Nodes

    def node(self, node: Node) -> None:
        """Read a node; what follows of one that has no word is not told again."""
        tainted = any(each in self.tainted for each in node.inputs)
        problems: Sequence[Problem] = ()
        try:
            if all(not each or each in self.values for each in node.inputs):
                if not self.folds(node):
                    self.layer(node)
                self.tainted.update(node.outputs if tainted else ())
                return
        except Unknown as error:
            tainted = tainted and not error.certain
            problems = [Problem("E601", error.message)]
        except Unsayable:
            message = Message(
                "there is no word for `{operation}` in this order of dimensions", operation=node.op
            )
            problems = [Problem("E601", message)]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # An input or an attribute is missing, or of another kind than its operator has.
            message = Message("`{operation}` is not as its operator is", operation=node.op)
            problems = [Problem("E607", message)]
        except ImportProblems as error:
            problems = error.problems
        if not tainted:
            self.graph.problems += [
                each if each.where else each._replace(where=node.where) for each in problems
            ]
        self.guess(node)

    def layer(self, node: Node) -> None:
        """Add the layers that a node is."""
        if node.op not in self.operators:
            raise Unknown(without_word(node.op), certain=True)
        self.at = node
        found = self.operators[node.op](self, node)
        results = found if isinstance(found, list) else [found]
        for name, value in zip(node.outputs, results):
            self.values[name], self.makers[name] = value, node
            if isinstance(value, Tensor):
                self.seen[value.op] = (name, value)
                if self.readers[name] != 1:
                    self.alone.discard(value.op)
        for name in node.outputs[len(results) :]:
            if self.readers[name]:
                raise Unknown(
                    Message(
                        "there is no word for the output `{name}` of `{operation}`",
                        name=name,
                        operation=node.op,
                    )
                )

    def guess(self, node: Node) -> None:
        """Take a node to give what it reads."""
        given = [self.values.get(each) for each in node.inputs]
        tensors = [each for each in given if isinstance(each, Tensor)]
        self.tainted.update(node.outputs)
        for name in node.outputs if tensors else ():
            self.values.setdefault(name, tensors[0])

    # What operators do

    def tensor(self, node: Node, index: int = 0) -> Tensor:
        """An input that is no constant."""
        value = self.values.get(node.inputs[index]) if index < len(node.inputs) else None
        if not isinstance(value, Tensor):
            raise Unknown(
                Message("there is no word for `{operation}` of a constant", operation=node.op)
            )
        return value

    def constant(self, node: Node, index: int) -> Constant | None:
        """An input that is a constant, None where it is left out."""
        value = self.values.get(node.inputs[index]) if index < len(node.inputs) else None
        if isinstance(value, Tensor):
            message = Message(
                "there is no word for `{operation}` by what is worked out", operation=node.op
            )
            raise Unknown(message)
        return value

    def numbers(self, node: Node, name: str, index: int) -> list[Any] | None:
        """Numbers that an attribute says, or in later versions an input."""
        found: list[Any] | None = node.get(name)
        if found is None and (constant := self.constant(node, index)) is not None:
            found = constant.values()
        return found

    def arranged(self, tensor: Tensor, groups: Sequence[Group]) -> Tensor:
        """The same tensor with the axes of ours as said, which may take layers."""
        value = self.seen[tensor.op][0]
        # What a change of shape takes in layers stands where that is.
        at, self.at = self.at, self.makers.get(value, self.at)
        try:
            found = arranged(tensor, groups, self)
        finally:
            self.at = at
        if found.op != tensor.op:
            self.seen[found.op] = (value, found)
        return found

    def map(self, node: Node) -> Tensor:
        """An input as a map with the channels first; a vector in any order of its values."""
        tensor = self.tensor(node)
        if len(tensor.axes) == 1:
            return self.arranged(tensor, [tuple(sorted(tensor.axes[0]))])
        return self.arranged(tensor, [tensor.axes[axis] for axis in tensor.first()])

    def standard(self, tensor: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """A tensor each of whose axes is one of ours, and which axis each of ours is."""
        order = tensor.order()
        if order is None:
            order = tensor.first()
            tensor = self.arranged(tensor, [tensor.axes[axis] for axis in order])
        return tensor, order

    def emit(self, word: str, values: Mapping[str, Any], op: int) -> int:
        """Add a layer that arranges values, once for all that read it, and give its place."""
        key = word, str(values), op
        if key not in self.moved:
            self.moved[key] = self.add(word, values, [op])
        return self.moved[key]

    def reshaped(self, op: int) -> tuple[int, Shape] | None:
        """What an operation reads, where all that it does is to reshape it."""
        made = self.graph.ops[op]
        plain = made.word in ("reshape", "flatten")
        return (made.inputs[0], self.graph.shape(made.inputs[0])) if plain else None

    def add(
        self,
        word: str,
        values: Mapping[str, Any],
        inputs: Iterable[int],
        weights: Mapping[str, Constant] = {},
    ) -> int:
        """Add a layer, or a merge, with weights by role, and give its place."""
        node, graph = self.at, self.graph
        for argument, value in values.items():
            numbers = value if isinstance(value, tuple) else (value,)
            if any(isinstance(each, float) and not isfinite(each) for each in numbers):
                what = f"{argument}={value}"[:100]
                raise Unknown(
                    Message(
                        "there is no word for `{operation}` with {what}",
                        operation=node.op,
                        what=what,
                    )
                )
        taken = {role: constant.taken() for role, constant in weights.items()}
        name = node.scope[-1].name if node.scope and self.model.producer != "pytorch" else ""
        place = graph.add(word, values, inputs, taken, node.scope, name, node.where)
        for weight in graph.ops[place].layer.weights:
            if (constant := weights.get(weight.role)) is None:
                continue
            if constant.size != weight.size:
                graph.ops.pop()
                raise refused(
                    Message(
                        "the array `{name}` is of another size than {word} has it",
                        name=constant.key,
                        word=word,
                    )
                )
            graph.arrays[constant.key] = constant.array(weight.trainable)
        return place

    def again(
        self,
        op: int,
        values: Mapping[str, Any],
        weights: Mapping[str, Constant] = {},
    ) -> None:
        """Put a layer with other arguments, and more weights, into the place of an operation."""
        old = self.graph.ops[op]
        self.add(old.word, values, old.inputs, weights)
        new = self.graph.ops.pop()
        kept = {**old.weights, **new.weights}
        place = old.scope, old.name, old.where
        self.graph.ops[op] = Op(new.layer, new.values, old.inputs, kept, *place)

    # The end

    def prune(self) -> None:
        """Leave out what no output depends on."""
        graph = self.graph
        wanted = graph.behind(output.op for output in graph.outputs)
        for index, (name, _) in self.sources.items():
            if index not in wanted:
                graph.notes.append(
                    Message("no output depends on the input `{name}`: left out", name=name)
                )
        places = graph.prune(wanted)
        self.seen = {places[op]: seen for op, seen in self.seen.items() if op in places}
        self.sources = {places[op]: seen for op, seen in self.sources.items() if op in places}

    def take_apart(self) -> None:
        """Give layers arrays of their own that share some of theirs and not all.

        Exporters keep arrays of the same numbers once, such as the zeros of fresh biases: layers
        that share nothing but arrays of one number have them by chance. What is kept once for
        several is called `key#2` for the second of them.
        """
        graph = self.graph
        users = Counter(taken.key for op in graph.ops for taken in op.weights.values())
        given = self.model.arrays
        fresh = {
            key
            for key, count in users.items()
            # Where arrays are given, their keys say what has been taken apart before.
            if count > 1 and (f"{key}#2" in given if given else is_fresh(graph.arrays[key]))
        }
        owners: dict[str, list[tuple[object, ...]]] = {}
        for op in graph.ops:
            keys = tuple(taken.key for taken in op.weights.values())
            own: tuple[object, ...] = (op,) if fresh.issuperset(keys) else keys
            for role, taken in op.weights.items():
                sharing = owners.setdefault(taken.key, [])
                # Ones may be a factor and a variance at once.
                several = keys.count(taken.key) > 1 and taken.key in fresh
                owner = (op, role) if several else own
                if owner not in sharing:
                    sharing.append(owner)
                turn = sharing.index(owner)
                key = f"{taken.key}#{turn + 1}" if turn else taken.key
                learns = role not in ("mean", "variance")
                graph.arrays[key] = graph.arrays[taken.key]._replace(trainable=learns)
                op.weights = {**op.weights, role: taken._replace(key=key)}
                if turn or several:
                    self.copies.setdefault(taken.key, {}).setdefault(op.where, []).append(key)

    def notes(self) -> None:
        """Say what a reader of the text may miss."""
        words = Counter(op.word for op in self.graph.ops)
        convolutions = words["conv"] + words["dwconv"]
        biases = sum("bias" in op.weights for op in self.graph.ops)
        normalised = {"bn", "ln", "gn", "inorm"} & {*words}
        many = convolutions > 10 and biases > convolutions // 2
        if many and not normalised and self.model.producer in _FOLDING:
            self.graph.notes.append(
                Message("batch normalisation may be folded into the convolutions of this file")
            )


def is_fresh(array: SourceArray) -> bool:
    """Whether all numbers of an array are the same, as those of many are before training."""
    try:
        numbers = array.read() if array.read else None
    except ImportProblems:
        return False
    return numbers is not None and numbers.size > 0 and bool((numbers == numbers.flat[0]).all())


def moves(node: Node, constant: Constant) -> Constant | None:
    """What a node gives of a constant whose numbers it leaves as they are."""
    if node.op == "Identity":
        return constant
    order = node.get("perm") or range(len(constant.shape))[::-1]
    if node.op == "Transpose" and sorted(order) == [*range(len(constant.shape))]:
        return constant.transposed(*order)
    return None


def needed(model: Model) -> None:
    """Leave out the nodes that no output depends on, and those that only state constants."""
    wanted, kept = {*model.outputs}, []
    for node in reversed(model.nodes):
        if node.op != "Constant" and wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    model.nodes = kept[::-1]


_FIRST = {
    *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
    *("BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN"),
    *("DepthToSpace", "SpaceToDepth", "PRelu"),
}
"""Operations that want the channels first."""
_FREE = {
    *("Identity", "Cast", "Add", "Sub", "Mul", "Div", "Pad", "Clip", "Relu", "Relu6", "LeakyRelu"),
    *("Sigmoid", "Tanh", "Elu", "Slice", "Concat", "Resize", "Neg", "Silu", "Gelu", "Dropout"),
}
"""Operations that give a tensor whose dimensions are those of what they read."""
_FOLDING = ("pytorch", "tf2onnx", "onnxoptimizer", "onnxsim")
"""The producers of files from which batch normalisation may be folded away."""
