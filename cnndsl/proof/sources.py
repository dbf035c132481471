"""What a source computes: a live model, or the bytes of a file, run with random weights."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

from cnndsl.contract import TargetError, Unavailable
from cnndsl.importers.graph import Graph, ImportProblems
from cnndsl.importers.read import framework_of
from cnndsl.proof import frameworks
from cnndsl.proof.imported import Ran

EXTRA = "keras,torch"


class Failed(Exception):
    """A source that fails when it runs, with what it says, in a line."""


class Runner(NamedTuple):
    """Runs a source: `target` is the framework that its net is held against, which is there.

    `model` is live, or the bytes of a file, and `outside` gives those of files beside it.
    """

    target: str
    kind: str
    model: Any
    outside: Callable[[str], bytes] | None = None

    def run(self, graph: Graph, seed: int = 0) -> Ran:
        """What the source computes of one random sample, in double precision.

        Raises ImportProblems, or Failed with whatever else goes wrong.
        """
        try:
            return without_logarithms(graph, self.computed(graph, seed))
        except (ImportProblems, TargetError, Unavailable):
            raise
        except Exception as error:  # whatever a framework or somebody's module raises
            raise Failed(frameworks.first_line(error)) from error

    def computed(self, graph: Graph, seed: int) -> Ran:
        import numpy

        rng = numpy.random.default_rng(seed)
        shapes = [op.shape for op in graph.ops if op.word == "input"]
        inputs = [rng.normal(size=(1, *shape)) for shape in shapes]
        with frameworks.quiet():
            if self.kind == "torch":
                from cnndsl.importers.torch_model import values as torch_values

                return Ran(*torch_values(self.model, graph, inputs, seed=seed))
            if self.kind == "onnx":
                from cnndsl.importers.onnx_values import values as onnx_values

                return Ran(*onnx_values(self.model, graph, inputs, seed, self.outside))
            from cnndsl.proof.keras_values import values as keras_values

            return Ran(*keras_values(self.model, graph, inputs, seed=seed))


def without_logarithms(graph: Graph, ran: Ran) -> Ran:
    """What a source computed, with the softmax that it gives the logarithm of."""
    from numpy import exp

    logs = {index for index, op in enumerate(graph.ops) if op.logarithm}
    names = {output.name for output in graph.outputs if output.op in logs}
    ops = {index: exp(value) if index in logs else value for index, value in ran.ops.items()}
    outputs = ran.outputs and {
        name: exp(value) if name in names else value for name, value in ran.outputs.items()
    }
    return ran._replace(ops=ops, outputs=outputs)


def runner(model: Any, kind: str, outside: Callable[[str], bytes] | None = None) -> Runner | None:
    """What runs a source, a live model or a file's bytes of some kind; None for a text.

    Raises Unavailable where a framework is missing.
    """
    if model is None:
        return None
    kind = framework_of(model) or kind
    if kind == "onnx" and not isinstance(model, bytes):
        model = model.SerializeToString()
    if kind == "keras" or find_spec("torch") is None:
        if find_spec("keras") is None:
            raise Unavailable("Keras" if kind == "keras" else "PyTorch", EXTRA)
        frameworks.backend(EXTRA)
        return Runner("keras", kind, model, outside)
    return Runner("pytorch", kind, model, outside)
