"""Which reader a source is for, and what it makes of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, ImportProblems, Op, Problem, title
from cnndsl.layers.base import Shape
from cnndsl.syntax.tables import KEYWORDS

KINDS = ("keras", "onnx", "python", "summary", "notation", "darknet", "caffe")
"""What a source can be."""

BYTES = ("keras", "onnx")
"""The kinds that are no text."""

SUFFIXES = {
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".onnx": "onnx",
    ".py": "python",
    ".md": "python",
    ".markdown": "python",
    ".cfg": "darknet",
    ".prototxt": "caffe",
}
"""What the ending of a file says."""

WEIGHTS = (".weights.h5", ".pt", ".pth", ".safetensors", ".ckpt", ".npz")
"""The endings of files that hold weights and no graph."""


def by_name(name: str) -> str | None:
    """What the name of a file says that it is: one of `KINDS`, or `weights`; None for nothing."""
    lower = name.lower()
    if lower.endswith(WEIGHTS):
        return "weights"
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def refuse_weights() -> Graph:
    """Say of a file of weights that it has no graph."""
    message = Message("this holds weights, and not the graph that they belong to")
    help_ = Message(
        "import the code that makes the model, as `cnndsl import package.module:function`, and "
        "bring the weights after it with `cnndsl weights`"
    )
    raise ImportProblems([Problem("E607", message, "", help_)])


def named(graph: Graph) -> None:
    """Give the outputs, but for the main one, names that heads can have."""
    taken = {"main", *KEYWORDS}
    for place, output in enumerate(graph.outputs[1:], 2):
        base = re.sub(r"\W+", "_", output.name.removesuffix(":0"))
        name = base = base if base.isidentifier() else f"out{place}"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}{number}"
        taken.add(name)
        graph.outputs[place - 1] = output._replace(name=name)


def checked(graph: Graph) -> Graph:
    """A graph whose outputs have names for a text, with a problem for all that no file can say: an
    operation that has an array in common with another and is not like it, or that reads a
    logarithm of softmax."""
    named(graph)
    first: dict[str, Op] = {}
    for op in graph.ops:
        for taken in op.weights.values():
            other = first.setdefault(taken.key, op)
            twice = [each.key for each in op.weights.values()].count(taken.key) > 1
            if twice or (op.word, op.values, op.weights) != (
                other.word,
                other.values,
                other.weights,
            ):
                message = Message("`{key}` is shared by layers that are not alike", key=taken.key)
                graph.problems.append(Problem("E602", message, op.where or op.name))
                break
    logarithms = {index: op.logarithm for index, op in enumerate(graph.ops) if op.logarithm}
    read = logarithms.keys() & {index for op in graph.ops for index in op.inputs}
    graph.problems += [logarithms[index] for index in sorted(read)]
    if logarithms and not read:
        graph.asks.append((None, LOGARITHM))
    return graph


LOGARITHM = Message(
    "the source gives the logarithm of softmax, which is the loss's: softmax is taken"
)


def read_text(
    kind: str | None,
    text: str,
    name: str,
    shapes: Sequence[Shape],
    pick: str | None,
    line: int | None,
) -> Graph:
    """The graph of a text, of a kind that it looks like if none is given; only source code has
    several inputs.

    `pick` and `line` say which of several nets in source code is meant.
    """
    if kind is None:
        from cnndsl.importers.kinds import kind_of

        kind = kind_of(text)
    if kind == "python":
        from cnndsl.importers.source import read_source

        return checked(read_source(text, name, shapes, pick, line))
    shape = shapes[0] if shapes else None
    if kind == "summary":
        from cnndsl.importers.summary import read_summary

        return checked(read_summary(text, name, shape))
    if kind == "notation":
        from cnndsl.importers.notation import read_notation

        return checked(read_notation(text, name, shape))
    if kind == "darknet":
        from cnndsl.importers.darknet import read_darknet

        return checked(read_darknet(text, name, shape))
    if kind == "caffe":
        from cnndsl.importers.caffe import read_caffe

        return checked(read_caffe(text, name, shape))
    message = Message("this is no source that is known")
    raise ImportProblems([Problem("E607", message, "", Message("say with `--from` what it is"))])


def read_bytes(
    kind: str, data: bytes, name: str, outside: Callable[[str], bytes], shapes: Sequence[Shape]
) -> Graph:
    """The graph of a file; `outside` gives the bytes of a file that lies beside it."""
    if kind == "keras":
        from cnndsl.importers.keras_file import read_keras

        return checked(read_keras(data, name, shapes))
    from cnndsl.importers.onnx_file import read_onnx

    return checked(read_onnx(data, name, outside, shapes or None))


def read_object(model: Any, name: str, shapes: Sequence[Shape]) -> Graph:
    """The graph of a live model; raises ImportProblems where it is none."""
    kind, own = framework_of(model), getattr(model, "name", None)
    name = title(name, own if isinstance(own, str) else "", type(model).__name__)
    if kind == "keras":
        from cnndsl.importers.keras_file import read_model

        return checked(read_model(model, name, shapes))
    if kind == "torch":
        if not shapes:
            message = Message("a module of PyTorch does not say the size of its input")
            help_ = Message("give it: `--input 224x224x3`, or `input=` in Python")
            raise ImportProblems([Problem("E604", message, "", help_)])
        from cnndsl.importers.torch_model import read_module

        return checked(read_module(model, shapes, name))
    if kind == "onnx":
        from cnndsl.importers.onnx_file import read_onnx

        return checked(read_onnx(model.SerializeToString(), name, None, shapes or None))
    message = Message("a `{type}` is no model of Keras, PyTorch or ONNX", type=type(model).__name__)
    raise ImportProblems([Problem("E607", message)])


def framework_of(model: Any) -> str | None:
    """The framework of a live model, of those that are loaded; None for anything else."""
    # On the backend `torch` a model of Keras is a module of PyTorch, too.
    for module, *path in (("keras", "Model"), ("torch", "nn", "Module"), ("onnx", "ModelProto")):
        found: Any = sys.modules.get(module)
        for part in path:
            found = getattr(found, part, None)
        if isinstance(found, type) and isinstance(model, found):
            return module
    return None
