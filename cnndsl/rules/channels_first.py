"""W213: inputs that seem to be written channels first."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import channels_last
from cnndsl.layers.values import show_value
from cnndsl.network.words import rewrite
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Images of 1, 3 or 4 rows with as many channels as an image has columns."""
    sizes = {each.span: each.size for each in view.written(ast.Input)}
    for group in view.groups("input"):
        shape = group.nodes[0].output
        meant = channels_last(shape)
        if meant is None:
            continue
        size = sizes.get(group.span)
        text = view.source.text[slice(*size.span)] if size is not None else ""
        plain = size is not None and "".join(text.split()) in _written(shape)
        fixes = rewrite(size.span, show_value(meant)) if size and plain else ()
        rows, columns, channels = shape
        written = show_value(shape)
        message = Message(
            "input: {shape} has {rows} rows, {columns} columns and {channels} channels",
            shape=written,
            rows=rows,
            columns=columns,
            channels=channels,
        )
        if rows == 1:
            message = Message(
                "input: {shape} has 1 row, {columns} columns and {channels} channels",
                shape=written,
                columns=columns,
                channels=channels,
            )
        help_ = Message(
            "sizes are written channels last: if it is an image of {channels} channels, "
            "write `{shape}`",
            channels=meant[-1],
            shape=show_value(meant),
        )
        if meant[-1] == 1:
            help_ = Message(
                "sizes are written channels last: if it is an image of 1 channel, write `{shape}`",
                shape=show_value(meant),
            )
        yield view.warning(group, message, help_, fixes)


def _written(shape: tuple[int, ...]) -> tuple[str, ...]:
    return show_value(shape), f"({','.join(map(str, shape))})"
