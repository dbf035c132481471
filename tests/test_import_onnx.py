"""ONNX files read: the words of their graphs, and that they compute the same, layer by layer."""

from __future__ import annotations

import copy
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import pytest
from nets import network
from onnx import TensorProto, helper, numpy_helper
from reference import CASES, MERGE, reference

from cnndsl import import_model
from cnndsl.importers.graph import Graph
from cnndsl.importers.onnx_file import read_onnx
from cnndsl.importers.onnx_values import values
from cnndsl.importers.read import checked
from cnndsl.layers.merge import Merge
from cnndsl.targets.onnx import generate

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
Array = Any


def words(graph: Graph) -> str:
    """The words of a graph's operations behind the inputs."""
    return " ".join(op.word for op in graph.ops if op.word != "input")


def agree(data: bytes, **how: Any) -> Graph:
    """The graph of a file, each operation of which computes what the file does."""
    graph = read_onnx(data, **how)
    assert not graph.problems, graph.problems
    inputs = [op.shape for op in graph.ops if op.word == "input"]
    rng = np.random.default_rng(1)
    given = [rng.normal(size=(2 if how.get("batch") else 1, *shape)) * 3 for shape in inputs]
    found, arrays = values(data, graph, given)
    assert {*arrays} == {*graph.arrays}
    for index, op in enumerate(graph.ops):
        if op.word == "input":
            continue
        reads = [found[each] for each in op.inputs]
        sizes = {weight.role: weight.shape for weight in op.layer.weights}
        own = {role: taken.restore(arrays[taken.key], sizes[role])
               for role, taken in op.weights.items()}  # fmt: skip
        assert {*own} == {*sizes}, op
        merged = isinstance(op.layer, Merge)
        ours = MERGE[op.word](op.layer, *reads) if merged else reference(op.layer, *reads, own)
        theirs = found.setdefault(index, ours)
        assert ours.shape == theirs.shape, op
        np.testing.assert_allclose(
            ours, theirs, atol=1e-9 * max(1, abs(theirs).max()), err_msg=f"{op} {op.values}"
        )
    return graph


def model(
    nodes: Sequence[Any],
    arrays: Mapping[str, Array] = MappingProxyType({}),
    shape: Sequence[Any] = ("N", 3, 8, 8),
    producer: str = "test",
    opset: int = 17,
) -> bytes:
    """A model of nodes from `x` to `y`; numbers are arrays of single precision."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], producer_name=producer, ir_version=8
    )
    return bytes(made.SerializeToString())


def op(kind: str, inputs: str, output: str = "y", **attributes: Any) -> Any:
    """A node, of the names of its inputs with spaces between."""
    return helper.make_node(kind, inputs.split(), output.split(), **attributes)


def some(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def single(*numbers: float) -> Array:
    return np.array(numbers if len(numbers) > 1 else numbers[0], np.float32)


# What our own target writes

QUICK = ("article", "lenet5", "padding", "espcn", "two_inputs", "two_outputs", "ecg1d",
         "squeezenet1_0", "mobilenetv2", "inception_block")  # fmt: skip


def comes_back(name: str) -> None:
    """See that what is written for a sample has its layers, and its arrays."""
    net = network((SAMPLES / f"{name}.cnn").read_text(), name)
    if net is None:
        pytest.skip("a sample with errors")
    graph = read_onnx(generate(net), name)
    assert not graph.problems
    wanted: Counter[str] = Counter()
    for node in net.nodes:
        parts = [node.op, *([node.layer.activation.op] if node.layer.activation else [])]
        wanted.update([] if node.training_only else parts)
    for word in ("dropout", "droppath"):
        del wanted[word]
    wanted["dwconv"] += wanted["sepconv"]
    wanted["conv"] += wanted.pop("sepconv", 0)
    found = Counter(op.word for op in graph.ops)
    # A vector pooled of a map is a map of one pixel, flattened.
    flat = sum(op.word == "flatten" and graph.ops[op.inputs[0]].word in ("gap", "gmp", "avgpool")
               for op in graph.ops)  # fmt: skip
    found["flatten"] -= flat - sum(
        node.op == "flatten" and net.nodes[node.inputs[0]].op in ("gap", "gmp", "avgpool")
        for node in net.nodes
    )  # fmt: skip
    assert +found == +wanted
    assert sum(np.prod(array.shape) for array in graph.arrays.values()) == net.totals.params


@pytest.mark.parametrize("name", QUICK)
def test_a_sample_comes_back(name: str) -> None:
    comes_back(name)


def is_uneven(shape: str, text: str) -> bool:
    """Whether a pool has windows of different sizes, which ONNX has no operator for."""
    found = re.match(r"\w*pool to=([\dx]+)", text)
    sizes = [int(size) for size in shape.split("x")[:-1]]
    to = [int(count) for count in found[1].split("x")] if found else [1]
    return any(size % count for size, count in zip(sizes, to * len(sizes)))


def cases() -> list[Any]:
    """Layers with what they read: the first of each word, the others where all are asked for."""
    found = []
    for word, groups in CASES.items():
        texts = [(shape, text) for shape, *texts in groups for text in texts]
        # An axis of one value has no part that the factor could be.
        texts = [each for each in texts if each != ("4x2x6x2", "pixelunshuffle 2")]
        texts = [each for each in texts if not is_uneven(*each)]
        for index, (shape, text) in enumerate(texts):
            marks = [pytest.mark.frameworks] if index % 5 else []
            found.append(pytest.param(shape, text, marks=marks, id=f"{word}-{shape}-{text}"))
    return found


ALIKE = {("conv", "dwconv"), ("reshape", "flatten"), ("scale", "rescale"),
         ("pixelshuffle", "reshape"), ("pixelunshuffle", "reshape")}  # fmt: skip
"""Words that are the same for some numbers."""


@pytest.mark.parametrize(("shape", "text"), cases())
def test_a_layer_comes_back(shape: str, text: str) -> None:
    net = network(f"rounding floor\ninput {shape}\n{text}")
    assert net is not None
    layer = net.nodes[-1].layer
    graph = agree(generate(net))
    word = text.split()[0]
    if word in ("dropout", "droppath"):
        assert words(graph) == ""
    elif len(graph.ops) == 2 and (word, words(graph)) not in ALIKE:
        read = graph.ops[1].layer
        params = layer.params - getattr(layer.activation, "params", 0)
        assert (read.op, read.output, read.params) == (layer.op, layer.output, params)


# Graphs of other exporters

KERNEL, BIAS = some(4, 3, 3, 3), some(4)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"same": True}),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, {"pad": ((1, 0), (1, 0))}),
        ({"auto_pad": "VALID"}, {}),
        ({"pads": [1, 0, 2, 1], "dilations": [2, 1]}, {"pad": ((1, 2), (0, 1))}),
    ],
)
def test_paddings(attributes: dict[str, Any], told: dict[str, Any]) -> None:
    data = model([op("Conv", "x k b", **attributes)], {"k": KERNEL, "b": BIAS})
    graph = agree(data) if "SAME" not in str(attributes) else read_onnx(data)
    made = graph.ops[1]
    assert {name: made.values[name] for name in ("same", "pad") if name in made.values} == told
    # The whole of it, as the reference has it.
    session = onnx.reference.ReferenceEvaluator(onnx.ModelProto.FromString(data))
    x = some(1, 3, 8, 8)
    (theirs,) = session.run(None, {"x": x})
    sizes = {weight.role: weight.shape for weight in made.layer.weights}
    own = {role: taken.restore({"k": KERNEL, "b": BIAS}[taken.key], sizes[role])
           for role, taken in made.weights.items()}  # fmt: skip
    ours = reference(made.layer, np.moveaxis(x, 1, -1), own)
    np.testing.assert_allclose(np.moveaxis(ours, -1, 1), theirs, rtol=1e-3, atol=1e-4)


NHWC = [op("Transpose", "x", "t", perm=[0, 3, 1, 2]), op("Conv", "t k", "c", pads=[1] * 4)]
ONE, FOUR = np.ones(4, np.float32), whole(1, 4, 8, 8)


@pytest.mark.parametrize(
    ("nodes", "arrays", "wanted", "shape"),
    [
        # Images with the channels last, as TensorFlow has them, between transposes.
        ([*NHWC, op("Transpose", "c", "u", perm=[0, 2, 3, 1]), op("Add", "u b", "a"),
          op("Relu", "a", "r"), op("Transpose", "r", "v", perm=[0, 3, 1, 2]),
          op("GlobalAveragePool", "v", "g"), op("Squeeze", "g", axes=[2, 3])],
         {"k": KERNEL, "b": BIAS}, "conv relu gap flatten", ("N", 8, 8, 3)),
        ([*NHWC, op("Transpose", "c", "u", perm=[0, 2, 3, 1]), op("Softmax", "u", axis=3)],
         {"k": KERNEL}, "conv softmax", ("N", 8, 8, 3)),
        ([*NHWC, op("Transpose", "c", "u", perm=[0, 2, 3, 1]), op("Reshape", "u s", "f"),
          op("MatMul", "f w", "m"), op("Add", "m b")],
         {"k": KERNEL, "s": whole(-1, 256), "w": some(256, 5), "b": some(5)},
         "conv flatten dense", ("N", 8, 8, 3)),
        # A flattened map of PyTorch's: the rows of the kernel are the channels' first.
        ([op("Flatten", "x", "f"), op("Gemm", "f w b", transB=1)],
         {"w": some(5, 192), "b": some(5)}, "flatten dense", ("N", 3, 8, 8)),
        # A shape that is worked out.
        ([op("Shape", "x", "s"), op("Gather", "s zero", "n"), op("Unsqueeze", "n", "u", axes=[0]),
          op("Concat", "u rest", "to", axis=0), op("Reshape", "x to", "f"), op("Gemm", "f w")],
         {"zero": np.array(0), "rest": whole(-1), "w": some(192, 5)}, "flatten dense",
         ("N", 3, 8, 8)),
        # A shuffle, and what a depthwise convolution reads of it.
        ([op("Reshape", "x a", "p"), op("Transpose", "p", "q", perm=[0, 2, 1, 3, 4]),
          op("Reshape", "q b", "r"), op("Conv", "r k", group=4)],
         {"a": whole(-1, 2, 2, 8, 8), "b": whole(-1, 4, 8, 8), "k": some(8, 1, 3, 3)},
         "shuffle dwconv", ("N", 4, 8, 8)),
        # A product with a matrix along the channels, which come first.
        ([op("Transpose", "x", "t", perm=[0, 2, 3, 1]), op("MatMul", "t w", "m"), op("Add", "b m")],
         {"w": some(3, 5), "b": some(5)}, "conv", ("N", 3, 8, 8)),
        # Of what lies at the positions.
        ([op("Relu", "x", "r"), op("MatMul", "r w", "m"), op("Conv", "m k")],
         {"w": some(7, 5), "k": some(4, 6, 1)}, "relu conv transpose conv", ("N", 6, 7)),
        ([op("ReduceMean", "x", "m", axes=[2, 3], keepdims=0), op("Gemm", "m w")],
         {"w": some(3, 5)}, "gap flatten dense", ("N", 3, 8, 8)),
        ([op("ReduceMean", "x", "m", axes=[1]), op("ReduceMax", "x", "n", axes=[1]),
          op("Concat", "m n", axis=1)], {}, "channelmean channelmax concat", ("N", 3, 8, 8)),
        ([op("ReduceMax", "x", axes=[2])], {}, "pool", ("N", 3, 8, 6)),
        ([op("Slice", "x a b c", "s"), op("Slice", "x d e f", "t"), op("Concat", "s t", axis=1)],
         {"a": whole(0), "b": whole(2), "c": whole(1), "d": whole(2), "e": whole(9), "f": whole(1)},
         "slice slice concat", ("N", 3, 8, 8)),
        ([op("Slice", "x a b c")], {"a": whole(1, -3), "b": whole(99, -1), "c": whole(2, 3)},
         "crop", ("N", 3, 8, 8)),
        ([op("Split", "x s", "a b", axis=1), op("Mul", "a b")], {"s": whole(2, 2)},
         "slice slice mul", ("N", 4, 8, 8)),
        ([op("Pad", "x p", mode="reflect")], {"p": whole(0, 0, 1, 2, 0, 0, 3, 0)}, "reflectpad",
         ("N", 3, 8, 8)),
        # A squeeze and an excitation.
        ([op("GlobalAveragePool", "x", "g"), op("Conv", "g k", "c"), op("Sigmoid", "c", "s"),
          op("Mul", "x s")], {"k": some(3, 3, 1, 1)}, "gap conv sigmoid mul", ("N", 3, 8, 8)),
        # The same, which is made as large as the map first.
        ([op("GlobalAveragePool", "x", "g"), op("Flatten", "g", "f"), op("Gemm", "f k", "c"),
          op("Reshape", "c pixel", "s"), op("Shape", "x", "to"), op("Expand", "s to", "e"),
          op("Mul", "x e")], {"k": some(3, 3), "pixel": whole(-1, 3, 1, 1)},
         "gap flatten dense mul", ("N", 3, 8, 8)),
        ([op("GlobalAveragePool", "x", "g"), op("Expand", "g to", "e"),
          op("Concat", "x e", axis=1)], {"to": whole(1, 3, 8, 8)}, "gap up concat",
         ("N", 3, 8, 8)),
        # A norm of weights, which is worked out.
        ([op("ReduceL2", "v", "n", axes=[1, 2, 3]), op("Div", "v n", "d"), op("Mul", "g d", "k"),
          op("Conv", "x k")], {"v": KERNEL, "g": some(4, 1, 1, 1)}, "conv", ("N", 3, 8, 8)),
        ([op("BatchNormalization", "x g b m v", epsilon=1e-3)],
         {"g": some(3), "b": some(3), "m": some(3), "v": abs(some(3))}, "bn", ("N", 3, 8, 8)),
        # Of a flattened map, in its order.
        ([op("Flatten", "x", "f"), op("BatchNormalization", "f g b m v", "n"), op("Gemm", "n w")],
         {"g": some(48), "b": some(48), "m": some(48), "v": abs(some(48)), "w": some(48, 3)},
         "flatten bn dense", ("N", 3, 4, 4)),
        ([op("Sub", "x m", "a"), op("Div", "a s", "b"), op("Conv", "b k")],
         {"m": some(1, 3, 1, 1), "s": abs(some(1, 3, 1, 1)), "k": KERNEL}, "rescale conv",
         ("N", 3, 8, 8)),
        ([op("Mul", "x a", "m"), op("Add", "m b")], {"a": single(2), "b": single(-1)}, "rescale",
         ("N", 3, 8, 8)),
        ([op("Conv", "x k", "c"), op("Mul", "c g")], {"k": KERNEL, "g": some(4, 1, 1)},
         "conv scale", ("N", 3, 8, 8)),
        ([op("ConvTranspose", "x k", strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])],
         {"k": some(3, 4, 3, 3)}, "deconv", ("N", 3, 8, 8)),
        ([op("ConvTranspose", "x k b", strides=[3, 2], group=2)],
         {"k": some(4, 3, 3, 3), "b": some(6)}, "deconv", ("N", 4, 8, 8)),
        ([op("PRelu", "x a")], {"a": some(3, 1, 1)}, "prelu", ("N", 3, 8, 8)),
        ([op("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4,
             count_include_pad=1)], {}, "avgpool", ("N", 3, 9, 9)),
        ([op("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)], {}, "pool",
         ("N", 3, 8, 8)),
        ([op("Resize", "x  s", mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor")], {"s": single(1, 1, 2, 3)}, "up", ("N", 3, 4, 4)),
        ([op("LayerNormalization", "x g b", axis=-1)], {"g": some(6), "b": some(6)}, "ln",
         ("N", 5, 7, 6)),
        ([op("DepthToSpace", "x", "d", blocksize=2, mode="CRD"),
          op("SpaceToDepth", "d", blocksize=2)], {}, "pixelshuffle pixelunshuffle", ("N", 8, 4, 4)),
        # A pixel shuffle of a signal, written out.
        ([op("Reshape", "x a", "p"), op("Transpose", "p", "q", perm=[0, 1, 3, 2]),
          op("Reshape", "q b")], {"a": whole(-1, 2, 3, 5), "b": whole(-1, 2, 15)},
         "pixelshuffle", ("N", 6, 5)),
        ([op("Cast", "x", "c", to=TensorProto.DOUBLE), op("Dropout", "c", "d"),
          op("Identity", "d")], {}, "dropout", ("N", 3, 8, 8)),
        ([op("Neg", "x", "n"), op("MaxPool", "n", "m", kernel_shape=[2, 2]), op("Neg", "m")], {},
         "minpool", ("N", 3, 8, 8)),
    ],
)  # fmt: skip
def test_graphs(
    nodes: Sequence[Any], arrays: dict[str, Array], wanted: str, shape: Sequence[Any]
) -> None:
    later = {"LayerNormalization", "Split", "Pad"}.intersection(node.op_type for node in nodes)
    for node in nodes:
        if node.op_type == "Resize":
            node.input.insert(1, "")
    assert words(agree(model(nodes, arrays, shape, opset=17 if later else 12))) == wanted


def activations() -> list[Any]:
    half, two, three = single(0.5), single(2), single(3)
    one, six, root = single(1), single(6), single(2**0.5)
    slope, bend = single((2 / np.pi) ** 0.5), single(0.044715)
    gate = [op("Add", "x three", "a"), op("Clip", "a zero six", "c")]
    zero = single(0)
    constants = {"half": half, "two": two, "three": three, "one": one, "six": six, "root": root,
                 "slope": slope, "bend": bend, "zero": zero, "sixth": single(1 / 6),
                 "inv": single(0.5**0.5), "twenty": single(20)}  # fmt: skip
    erf = [op("Div", "x root", "d"), op("Erf", "d", "e"), op("Add", "e one", "a")]
    centred = [op("ReduceMean", "x", "m", axes=[-1]), op("Sub", "x m", "d"),
               op("Pow", "d two", "p"), op("ReduceMean", "p", "v", axes=[-1]),
               op("Add", "v bend", "s"), op("Sqrt", "s", "q"), op("Div", "d q", "n")]  # fmt: skip
    groups = [op("Reshape", "x groups", "r"), op("InstanceNormalization", "r ones zeros", "i"),
              op("Shape", "x", "s"), op("Reshape", "i s", "b")]  # fmt: skip
    graphs = {
        "gelu torch": [*erf, op("Mul", "x a", "m"), op("Mul", "m half")],
        "gelu tf": [op("Mul", "x inv", "d"), op("Erf", "d", "e"), op("Add", "one e", "a"),
                    op("Mul", "half a", "h"), op("Mul", "x h")],
        "gelu keras": [*erf, op("Mul", "half x", "h"), op("Mul", "h a")],
        "gelu tanh": [op("Mul", "x x", "s"), op("Mul", "s x", "c"), op("Mul", "bend c", "b"),
                      op("Add", "x b", "i"), op("Mul", "i slope", "t"), op("Tanh", "t", "u"),
                      op("Add", "u one", "v"), op("Mul", "x v", "w"), op("Mul", "w half")],
        "gelu tanh power": [op("Pow", "x three", "c"), op("Mul", "c bend", "b"),
                            op("Add", "x b", "i"), op("Mul", "slope i", "t"), op("Tanh", "t", "u"),
                            op("Add", "one u", "v"), op("Mul", "half x", "h"), op("Mul", "h v")],
        "silu": [op("Sigmoid", "x", "s"), op("Mul", "x s")],
        "mish": [op("Exp", "x", "e"), op("Add", "e one", "a"), op("Log", "a", "l"),
                 op("Tanh", "l", "t"), op("Mul", "x t")],
        "hard_swish": [*gate, op("Mul", "x c", "m"), op("Div", "m six")],
        "hard_swish keras": [*gate, op("Mul", "c sixth", "m"), op("Mul", "m x")],
        "hard_swish onnx": [op("HardSigmoid", "x", "h", alpha=1 / 6), op("Mul", "h x")],
        "hard_sigmoid": [*gate, op("Div", "c six")],
        "relu6": [op("Relu", "x", "r"), op("Min", "r six")],
        "clamp": [op("Clip", "x half two")],
        "softplus": [op("Softplus", "x")],
        "softplus torch": [op("Softplus", "x", "s"), op("Greater", "x twenty", "g"),
                           op("Where", "g x s")],
        "elu": [op("Elu", "x", alpha=0.7)],
        "leaky_relu": [op("LeakyRelu", "x", alpha=0.2)],
        "ln": [*centred, op("Mul", "n gamma", "w"), op("Add", "w beta")],
        "ln bare": [*centred[:-1], op("Div", "d q")],
        "gn": [*groups, op("Mul", "b gain", "c"), op("Add", "c shift")],
        "gn bare": [*groups[:-1], op("Reshape", "i s")],
    }  # fmt: skip
    constants |= {"gamma": some(6), "beta": some(6), "groups": whole(0, 2, -1),
                  "ones": np.ones(2, np.float32), "zeros": np.zeros(2, np.float32),
                  "gain": some(4, 1, 1), "shift": some(4, 1, 1)}  # fmt: skip
    found = []
    for name, nodes in graphs.items():
        used = {value for node in nodes for value in node.input}
        own = {key: value for key, value in constants.items() if key in used}
        found.append(pytest.param(name.split()[0], nodes, own, id=name))
    return found


@pytest.mark.parametrize(("word", "nodes", "arrays"), activations())
def test_what_is_written_out_is_put_together(
    word: str, nodes: Sequence[Any], arrays: dict[str, Array]
) -> None:
    graph = agree(model(nodes, arrays, ("N", 4, 5, 6), opset=13 if "Gelu" not in word else 20))
    assert words(graph).endswith(word) and len(graph.ops) <= 4
    assert sum(op.word not in ("input", "reshape", "permute") for op in graph.ops) == 1


def near_miss(name: str) -> tuple[list[Any], dict[str, Array]]:
    """The nodes and arrays of an operation that is written out, changed in one place."""
    case = next(case for case in activations() if case.id == name.split(":")[0])
    _, nodes, arrays = copy.deepcopy(case.values)
    change = name.split(":")[1]
    if change == "axes":
        nodes[3].attribute[0].ints[0] = 1
    elif change == "kept":
        nodes[0].attribute.add(name="keepdims", i=0, type=2)
    elif change in ("ones", "zeros"):
        arrays[change] = arrays[change] + 1
    elif change == "groups":
        arrays["groups"] = whole(0, 2, 2, -1)
    elif change == "gamma":
        arrays["gamma"] = some(5, 1)
    else:
        arrays[change] = arrays[change] * np.float32(1.01)
    return nodes, arrays


@pytest.mark.parametrize(
    "name",
    ["ln:axes", "ln:kept", "ln:gamma", "gn:ones", "gn:zeros", "gelu torch:half", "gelu torch:one",
     "gelu torch:root", "gelu tanh:bend", "hard_swish:six", "hard_swish:three",
     "hard_sigmoid:six"],
)  # fmt: skip
def test_what_is_nearly_that_is_not(name: str) -> None:
    nodes, arrays = near_miss(name)
    graph = read_onnx(model(nodes, arrays, ("N", 4, 5, 6), opset=13))
    word = name.partition(":")[0].split()[0]
    assert graph.problems or word not in words(graph).split()


def test_layers_that_share_all_arrays_do_and_others_do_not() -> None:
    nodes = [op("Conv", "x k b", "c"), op("Conv", "c k b", "d"), op("Conv", "d l b")]
    arrays = {"k": some(3, 3, 1, 1), "l": some(3, 3, 1, 1) + 1, "b": some(3)}
    graph = agree(model(nodes, arrays))
    keys = [{role: taken.key for role, taken in op.weights.items()} for op in graph.ops[1:]]
    assert keys[0] == keys[1] == {"kernel": "k", "bias": "b"}
    assert keys[2] == {"kernel": "l", "bias": "b#2"}


def test_layers_with_the_same_fresh_numbers_share_nothing() -> None:
    nodes = [op("Conv", "x k", "c"), op("Mul", "c one", "d"), op("Conv", "d l", "e"),
             op("Mul", "e one")]  # fmt: skip
    arrays = {"k": some(4, 3, 1, 1), "l": some(4, 4, 1, 1), "one": np.ones((4, 1, 1), np.float32)}
    graph = agree(model(nodes, arrays))
    keys = [op.weights["scale"].key for op in graph.ops if op.word == "scale"]
    assert keys == ["one", "one#2"]


def test_scopes_and_names() -> None:
    nodes = [op("Relu", "x", "a", name="/layer1/layer1.0/relu/Relu"), op("Sigmoid", "a", "b")]
    nodes.append(op("Tanh", "b"))
    nodes[1].metadata_props.add(
        key="pkg.torch.onnx.name_scopes", value="['', 'layer1', 'layer1.1', 'sigmoid']"
    )
    nodes[1].metadata_props.add(
        key="pkg.torch.onnx.class_hierarchy",
        value="['net.Net', 'torch.nn.Sequential', 'net.Block', 'aten.sigmoid.default']",
    )
    graph = read_onnx(model(nodes, producer="pytorch"))
    scopes = [[(scope.kind, scope.name) for scope in op.scope] for op in graph.ops]
    assert scopes[1] == [("", "layer1"), ("", "0"), ("", "relu")]
    assert scopes[2] == [("Sequential", "layer1"), ("Block", "1")]
    assert graph.ops[1].where == "/layer1/layer1.0/relu/Relu" and graph.defaults == "torch"


# What has no word

NO = "there is no word for"

BATCH = whole(-1, 3)


@pytest.mark.parametrize(
    ("nodes", "arrays", "told"),
    [
        ([op("Sin", "x", "a"), op("Sin", "a", "b"), op("LSTM", "b b b")], {},
         [f"{NO} `Sin`", f"{NO} `Sin`", f"{NO} `LSTM`"]),
        ([op("If", "x")], {}, [f"{NO} `If`"]),
        ([op("QLinearConv", "x x x x x x x x")], {}, [f"{NO} `QLinearConv`"]),
        ([op("MatMul", "x x")], {}, [f"{NO} `MatMul` of two tensors"]),
        ([op("Div", "x x")], {}, [f"{NO} `Div` of two tensors"]),
        ([op("Reshape", "x s")], {"s": BATCH}, [f"{NO} `Reshape` that moves the batch"]),
        ([op("Gemm", "f w", alpha=0.5)], {"w": some(192, 2)},
         [f"{NO} `Gemm` with alpha=0.5"]),
        ([op("Conv", "x x")], {}, [f"{NO} `Conv` by what is worked out"]),
        ([op("Resize", "x e s", mode="linear", coordinate_transformation_mode="asymmetric")],
         {"e": np.zeros(0, np.float32), "s": single(1, 1, 2, 2)},
         [f"{NO} `Resize` with mode=linear coordinate_transformation_mode=asymmetric"]),
        ([op("Resize", "x e s", mode="cubic", cubic_coeff_a=-0.5)],
         {"e": np.zeros(0, np.float32), "s": single(1, 1, 2, 2)},
         [f"{NO} `Resize` with mode=cubic cubic_coeff_a=-0.5"]),
        ([op("LRN", "x", size=4)], {}, [f"{NO} `LRN` with size=4"]),
        ([op("Slice", "x a b c d")],
         {"a": whole(0), "b": whole(8), "c": whole(2), "d": whole(2)},
         [f"{NO} `Slice` with steps=[2]"]),
        ([op("Pad", "x p")], {"p": whole(0, 0, 0, 0, 0, 3, 0, 0)},
         [f"{NO} `Pad` with pads=[0, 0, 0, 0, 0, 3, 0, 0]"]),
        ([op("Conv", "x k", "c"), op("Relu", "c", "r"), op("Add", "r b")],
         {"k": KERNEL, "b": some(4, 1, 1)}, [f"{NO} `Add` with 4 numbers of its own"]),
        ([op("Clip", "x", min=1.0)], {}, [f"{NO} `Clip` with one bound"]),
        ([op("HardSigmoid", "x")], {}, [f"{NO} `HardSigmoid`"]),
        ([op("Add", "x p", "a"), op("Sin", "a")], {"p": some(3, 8, 8)},
         [f"{NO} `Add` with an array of 3x8x8", f"{NO} `Sin`"]),
        # What follows of one is not told again.
        ([op("Einsum", "x", "a", equation="nchw->nhwc"), op("Conv", "a k")], {"k": KERNEL},
         [f"{NO} `Einsum`"]),
        # Fresh numbers that are kept once are not called shared either.
        ([op("Conv", "x k b", "c"), op("Sin", "c", "s"), op("Conv", "s l b")],
         {"k": KERNEL, "l": some(4, 4, 3, 3), "b": np.zeros(4, np.float32)}, [f"{NO} `Sin`"]),
    ],
)  # fmt: skip
def test_what_has_no_word(nodes: Any, arrays: dict[str, Array], told: list[str]) -> None:
    if nodes[0].input[0] == "f":
        nodes = [op("Flatten", "x", "f"), *nodes]
    graph = checked(read_onnx(model(nodes, arrays)))
    assert [str(each.message) for each in graph.problems] == told
    assert {each.code for each in graph.problems} == {"E601"}
    assert all(each.where for each in graph.problems)


def test_what_trains_is_proved_as_it_infers() -> None:
    statistics = {"g": some(3), "b": some(3), "m": some(3), "v": abs(some(3))}
    nodes = [op("BatchNormalization", "x g b m v", "n p q", training_mode=1),
             op("Dropout", "n rate train", "y mask")]  # fmt: skip
    arrays = statistics | {"rate": single(0.5), "train": np.array(True)}
    assert words(agree(model(nodes, arrays))) == "bn dropout"


def test_more_samples_than_one() -> None:
    nodes = [op("Reshape", "x s", "f"), op("Gemm", "f w")]
    arrays = {"s": whole(2, -1), "w": some(192, 5)}
    assert words(agree(model(nodes, arrays, (2, 3, 8, 8)))) == "flatten dense"


def test_an_early_upsample() -> None:
    for how in ({"scales": [1.0, 1.0, 2.0, 3.0]}, {}):
        nodes = [op("Upsample", "x" if how else "x s", mode="nearest", **how)]
        scales = {} if how else {"s": single(1, 1, 2, 3)}
        assert words(agree(model(nodes, scales, opset=7 if how else 9))) == "up"


def test_outputs_are_called_what_a_text_can_say() -> None:
    made = onnx.ModelProto.FromString(model([op("Relu", "x")]))
    for name in ("29", "input", "class/scores:0"):
        made.graph.node.append(op("Sigmoid", "x", name))
        made.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    text = import_model(made)
    assert re.findall(r"head (\w+)", text) == ["out2", "input2", "class_scores"]


def test_factors_of_a_fresh_normalisation_that_is_written_out_are_weights() -> None:
    nodes = [op("ReduceMean", "x", "m", axes=[1]), op("Sub", "x m", "d"), op("Mul", "d d", "p"),
             op("ReduceMean", "p", "v", axes=[1]), op("Add", "v eps", "s"), op("Sqrt", "s", "q"),
             op("Div", "d q", "n"), op("Mul", "onnx::Mul_7 n", "w"), op("Add", "w 8")]  # fmt: skip
    arrays = {"eps": single(1e-6), "onnx::Mul_7": np.ones((3, 1, 1), np.float32),
              "8": np.zeros((3, 1, 1), np.float32)}  # fmt: skip
    assert {*agree(model(nodes, arrays)).ops[-1].weights} == {"gamma", "beta"}


def test_sizes_that_a_file_does_not_say() -> None:
    data = model([op("Relu", "x")], shape=("N", 3, "H", "W"))
    (problem,) = read_onnx(data).problems
    assert problem.code == "E604" and "--input" in problem.help and "3x?x?" in problem.message
    assert agree(data, shapes=[(6, 7, 3)]).ops[1].shape == (6, 7, 3)
    assert read_onnx(data, shapes=[(6, 7, 3), (1,)]).problems[0].code == "E604"


# Files that are damaged, or mean no good


def changed(change: Callable[[Any], None]) -> bytes:
    """A sound file, changed."""
    made = onnx.ModelProto.FromString(model([op("Conv", "x k b")], {"k": KERNEL, "b": BIAS}))
    change(made)
    return bytes(made.SerializeToString())


def external(location: str) -> Callable[[Any], None]:
    def change(made: Any) -> None:
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def lie(made: Any) -> None:
    made.graph.initializer[0].dims[0] = 10**6


def turn(made: Any) -> None:
    made.graph.node[0].input[0] = "y"


def twice(made: Any) -> None:
    made.graph.node.add().CopyFrom(made.graph.node[0])


def nameless(made: Any) -> None:
    made.graph.initializer[1].name = "k"


def negative(made: Any) -> None:
    made.graph.initializer[0].dims[0] = -4


def rank(made: Any) -> None:
    made.graph.initializer[0].dims[:] = [108]


def groups(made: Any) -> None:
    made.graph.node[0].attribute.add(name="group", i=-3, type=2)


def lost(made: Any) -> None:
    made.graph.output[0].name = "z"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"PK\x03\x04", b"net lenet", bytes(range(256)) * 9,
        *map(changed, (lie, turn, twice, nameless, negative, rank, groups, lost)),
        *(changed(external(place)) for place in ("/etc/passwd", "../k", "a/k", "", "..", "C:\\k")),
        model([op("Conv", "x k")], {"k": KERNEL})[:150],
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes) -> None:
    problems = read_onnx(data, outside=lambda name: b"").problems
    assert [problem.code for problem in problems] == ["E607"]


def test_data_beside_the_model() -> None:
    data = changed(external("weights.bin"))
    names = []

    def outside(name: str) -> bytes:
        names.append(name)
        return bytes(KERNEL.tobytes())

    graph = read_onnx(data, outside=outside)
    assert not graph.problems and not names
    read = graph.arrays["k"].read
    assert read is not None and (read() == KERNEL).all() and names == ["weights.bin"]


def test_constants_do_not_grow() -> None:
    nodes = [op("ConstantOfShape", "s", "c"), op("Expand", "c t", "e"), op("Tile", "e u", "f"),
             op("Add", "x f")]  # fmt: skip
    arrays = {"s": whole(10**6, 10**6), "t": whole(10**9, 10**6, 10**6), "u": whole(9, 10**9)}
    assert {each.code for each in read_onnx(model(nodes, arrays)).problems} == {"E601"}


def test_a_long_chain_is_read() -> None:
    names = ["x", *(f"v{i}" for i in range(500)), "y"]
    nodes = [op("Mul", f"{a} two", b) for a, b in pairwise(names)]
    graph = read_onnx(model(nodes, {"two": single(2)}))
    assert not graph.problems


# PyTorch's own exporter


def exported(module: Any, *shape: int) -> bytes:
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.zeros(1, *shape),), file, dynamo=False)
    return file.getvalue()


def test_what_pytorch_writes() -> None:
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(8, affine=False)
            self.gn = nn.GroupNorm(2, 8)

        def forward(self, x: Any) -> Any:
            return torch.relu(x + self.gn(torch.nn.functional.gelu(self.norm(self.conv(x)))))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish(), nn.MaxPool2d(2))
            self.body = nn.Sequential(Block(), Block())
            self.up = nn.Upsample(scale_factor=2, mode="bilinear")
            self.head = nn.Linear(8 * 8 * 8, 5)

        def forward(self, x: Any) -> Any:
            x = self.up(self.body(self.stem(x)))
            a, b = x.chunk(2, 1)
            x = torch.cat([b, a], 1)
            return self.head(torch.flatten(x, 1)).softmax(1)

    graph = agree(exported(Net(), 3, 16, 16))
    assert all(array.trainable for array in graph.arrays.values())
    block = "conv gelu gn add relu"
    assert words(graph) == (
        f"conv hard_swish pool {block} {block} up slice slice concat flatten dense softmax"
    )
    scopes = [[scope.name for scope in op.scope] for op in graph.ops]
    assert scopes[4][:2] == ["body", "0"]


def test_ones_and_zeros_that_pytorch_keeps_once_are_told_apart() -> None:
    """Before training a factor is what a variance is, and a summand what a mean is."""
    from torch import nn

    from cnndsl.importers.write import to_text
    from cnndsl.proof.imported import verify
    from cnndsl.proof.sources import runner

    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
    data = exported(module, 3, 8, 8)
    graph = read_onnx(data)
    written = to_text(graph)
    run = runner(data, "onnx")
    assert run is not None
    report = verify(
        written.network, graph, written.ops, written.weights, run.run(graph), target=run.target
    )
    assert report, report.problems
