"""Reports of `cnndsl verify` as text for people and as values for JSON."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.render import excerpt, place, printable
from cnndsl.layers.base import DIMENSIONS, show
from cnndsl.layers.source import call_of
from cnndsl.proof.verify import Apart, Mismatch, Verification

LEAST = 1e-12
"""Differences below this are shown as such: what rounding leaves differs between machines."""


def as_text(report: Verification) -> tuple[list[list[str]], str]:
    """The table of a report, titles first and the outputs last, and what is said below it."""
    network = report.network
    lines = [["name", "layer", "output", "difference"]]
    for node in network.layers:
        apart = report.layers.get(node.index)
        shown = "" if apart is None else share(apart.share)
        lines.append([node.name, call_of(node.layer), show(node.output), shown])
    whole = [apart.share for apart in report.outputs.values()]
    what = "outputs" if len(network.outputs) > 1 else "output"
    lines.append([f"{what} of the whole", "", "", share(max(whole)) if whole else ""])
    if report:
        text = f"{' and '.join(report.names)} compute the same network\n"
    else:
        text = "\n".join(problem_text(report, problem) for problem in report.problems)
    return lines, text


def share(value: float) -> str:
    """A difference in the table."""
    return f"< {LEAST:.0e}" if value < LEAST else f"{value:.1e}"


def problem_text(report: Verification, problem: Mismatch) -> str:
    """A problem, with the line of the file that the layer came from."""
    if problem.node is None:
        text = f"error: {problem.message}\n"
        return text + (f"  = {values(report, problem.apart)}\n" if problem.apart else "")
    source, span = report.network.source, problem.node.span
    line = source.position(span.start).line
    shown, before, marks = excerpt(source, span)
    space = " " * len(str(line))
    message = f"{problem.node.name}: {problem.message}"
    if problem.apart is not None:
        message += f" by {problem.apart.share:.2g} of the largest"
    lines = [
        f"error: {printable(message)}",
        f"{space}--> {place(source, span.start)}",
        f"{space} |",
        f"{line} | {shown}",
        f"{space} | {' ' * before}{'^' * marks}",
    ]
    if problem.apart is not None:
        lines.append(f"{space} = {values(report, problem.apart)}")
    return "\n".join(lines) + "\n"


def values(report: Verification, apart: Apart) -> str:
    """Where two arrays are furthest apart, and both values."""
    sample, *place = apart.place
    names = (*DIMENSIONS[len(place) - 1], "channel") if len(place) > 1 else ("value",)
    where = [f"sample {sample}", *(f"{name} {index}" for name, index in zip(names, place))]
    digits = 6 if len({f"{value:.6g}" for value in apart.values}) > 1 else 17
    found = [f"{name} has {value:.{digits}g}" for name, value in zip(report.names, apart.values)]
    return f"at {', '.join(where)} (from 0) {' and '.join(found)}"


def as_json(report: Verification) -> dict[str, Any]:
    """A report as a value that JSON can hold."""
    network = report.network
    return {
        "file": network.source.name,
        "net": network.name,
        "agree": bool(report),
        "frameworks": list(report.names),
        "layers": [
            {
                "name": node.name,
                "line": network.line(node),
                "layer": call_of(node.layer),
                "output": list(node.output),
                **apart_json(report.layers.get(node.index)),
            }
            for node in network.layers
        ],
        "outputs": [
            {"name": name, **apart_json(report.outputs.get(name))} for name in network.outputs
        ],
        "problems": [
            {
                "layer": problem.node.name if problem.node else None,
                "line": network.line(problem.node) if problem.node else None,
                "message": problem.message,
                **apart_json(problem.apart),
            }
            for problem in report.problems
        ],
    }


def apart_json(apart: Apart | None) -> dict[str, Any]:
    """A difference; nulls where nothing was compared. What is not finite is a word."""
    if apart is None:
        return {"difference": None, "at": None, "values": None}
    return {
        "difference": finite(apart.share),
        "at": list(apart.place),
        "values": [finite(value) for value in apart.values],
    }


def finite(value: float) -> float | str:
    """A number that JSON knows; it has no word for those that are none."""
    return value if abs(value) < float("inf") else str(value)
