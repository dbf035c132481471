"""ONNX files of any exporter: a graph of their operations, in the words of the language.

Exporters write shapes out as arithmetic, activations and normalisations in small operations, and
keep channels first or last with transposes in between. Shapes are worked out for a batch of 1,
operations are put together, and transposes are ways to look at a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.importers.graph import Graph
from cnndsl.importers.onnx_model import Outside
from cnndsl.importers.onnx_operators import OPERATORS
from cnndsl.importers.onnx_reader import Reader
from cnndsl.layers.base import Shape


def read_onnx(
    data: bytes,
    name: str = "",
    outside: Outside | None = None,
    shapes: Sequence[Shape] | None = None,
) -> Graph:
    """The network of an ONNX file; what stands in the way is in its `problems`.

    `outside` gives the bytes of a file beside the model by its plain name. `shapes` are those of
    the inputs, channels last and without a batch, for a file that does not say them.
    """
    return reader_of(data, name, outside, shapes).graph


def reader_of(
    data: bytes,
    name: str,
    outside: Outside | None,
    shapes: Sequence[Shape] | None,
    arrays: Mapping[str, Any] = {},
) -> Reader:
    """What has read a file, with `arrays` in the place of those of the file."""
    return Reader(data, name, outside, shapes, OPERATORS, arrays)
