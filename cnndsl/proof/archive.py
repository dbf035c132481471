"""Archives of weights, of which no more is unpacked than the weights of a net can take."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from cnndsl.codegen.weights import Array


class NoCheckpoint(Exception):
    """A file that is not what its name says. Its text says why in a line."""


class Stored(NamedTuple):
    """An array in a file: `read` gives it."""

    shape: tuple[int, ...]
    type: str
    read: Callable[[], Array]


RAW = {"float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": "u2"}
"""How numpy reads the numbers of each type; it has no word for those of the last."""


def single(raw: Array, kind: str) -> Array:
    """An array of a type of `RAW` as float32: what is beyond that becomes infinite."""
    import numpy

    if kind == "bfloat16":  # the upper half of a float32
        return (raw.astype(numpy.uint32) << 16).view(numpy.float32)
    with numpy.errstate(over="ignore"):
        return raw.astype(numpy.float32, copy=False)


class Bounds(NamedTuple):
    """What the weights of a net can take: bytes at most and at `least`, `items` of what is counted.

    An optimizer keeps some numbers for each weight, and a format some bytes for each array.
    """

    least: int
    bytes: int
    items: int

    @classmethod
    def of(cls, numbers: int, arrays: int) -> Bounds:
        """The bounds for so many numbers in so many arrays."""
        most = 2**21 + 2**14 * arrays + 32 * numbers
        return cls(4 * numbers, most, 10_000 + 100 * arrays)


class Archive:
    """A zip archive, of which the parts that are asked for are unpacked."""

    def __init__(self, data: bytes, bounds: Bounds) -> None:
        if data.count(b"PK\x01\x02") > bounds.items:  # each of its parts begins so in the list
            raise NoCheckpoint("an archive of too many parts")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._left = bounds.bytes
        self.names = self._zip.namelist()

    def read(self, name: str) -> bytes:
        """A part. However much it would really unpack to, it gives what the archive says."""
        part = self._zip.getinfo(name)
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NoCheckpoint(f"{name} is compressed in a way that no framework uses")
        if part.file_size > self._left:
            size = f"{part.file_size:,} bytes"
            raise NoCheckpoint(f"{name} unpacks to {size}, which is suspicious for this net")
        self._left -= part.file_size
        with self._zip.open(part) as file:
            return file.read(part.file_size)
