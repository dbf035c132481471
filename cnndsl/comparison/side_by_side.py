"""Several networks side by side, and how many times as large the first is as each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl.comparison.measure import Measure, measure
from cnndsl.layers.base import Shape, show
from cnndsl.network import Network

COUNTED = ("all", "weights")
"""What counts as a parameter: `all`, or `weights`, which leaves biases out."""

SHOWN = (
    *("inputs", "layers", "depth", "params", "trainable", "weights", "macs"),
    *("param_bytes", "activation_bytes", "peak_bytes", "field", "outputs"),
)
"""The fields of a `Measure` that a comparison shows, in order."""

BYTES = ("param_bytes", "activation_bytes", "peak_bytes")


class MeasureLine(NamedTuple):
    """One thing that is measured.

    * `key`: the field of `Measure`
    * `values`: for each network
    * `ratios`: the first network's value through that of each other; None for what is no
      number, and for a division by 0
    """

    key: str
    values: tuple[object, ...]
    ratios: tuple[float | None, ...]


class Comparison(NamedTuple):
    """Networks by name, and a line for each thing that is measured.

    `others` says whether layers count weights that are not those of convolutions and dense layers.
    """

    names: tuple[str, ...]
    measures: tuple[Measure, ...]
    lines: tuple[MeasureLine, ...]
    counted: str
    others: bool


def compare(networks: Sequence[Network], counted: str = "all") -> Comparison:
    """Set networks side by side. `counted` is one of `COUNTED`.

    With `weights` the lines that count biases (parameters, trainable ones, their memory) are
    left out.
    """
    if counted not in COUNTED:
        raise ValueError(f"counted is {' or '.join(COUNTED)}, not {counted!r}")
    measures = tuple(measure(network) for network in networks)
    left_out = ("params", "trainable", "param_bytes") if counted == "weights" else ()
    lines = []
    for key in SHOWN:
        if key not in left_out:
            first, *rest = values = tuple(getattr(each, key) for each in measures)
            ratios = (first / each if isinstance(each, int) and each else None for each in rest)
            lines.append(MeasureLine(key, values, tuple(ratios)))
    others = any(node.layer.others for network in networks for node in network.nodes)
    names = [network.name for network in networks]
    if len(set(names)) < len(names):
        names = [f"{network.name} ({network.source.name})" for network in networks]
    return Comparison(tuple(names), measures, tuple(lines), counted, others)


def figure(key: str, value: Any) -> str:
    """The value of a field of a `Measure` as people write it."""
    if key in BYTES:
        return memory(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return shapes(value)
    if key == "inputs":
        return ", ".join(map(show, value))
    return show(value) if value else "-"


def shapes(outputs: dict[str, Shape]) -> str:
    """`100`, or with side outputs `main 10, side 3`."""
    if len(outputs) == 1:
        return "".join(map(show, outputs.values()))
    return ", ".join(f"{name} {show(shape)}" for name, shape in outputs.items())


def memory(count: int) -> str:
    """Bytes as people write them, exact below a kibibyte: `252.4 KiB`."""
    size, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1023.95 or unit == "PiB":
            break
        size /= 1024
    return f"{count:,} B" if unit == "B" else f"{size:,.1f} {unit}"


def ratio(value: float | None) -> str:
    """A ratio in percent; empty where there is none."""
    return "" if value is None else f"{plain(100 * value)}%"


def plain(value: float) -> str:
    """A number with at least two figures, at most one of them behind the point above 10."""
    if value >= 1e15:
        return f"{value:.1e}"
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 0.995:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2g}"
