"""Layers and merges on the current tensor."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Span
from cnndsl.layers import LAYERS, Layer, LayerError
from cnndsl.layers.base import Input, Shape
from cnndsl.layers.merge import Merge
from cnndsl.network import field
from cnndsl.network.bind import Bound, bind, called
from cnndsl.network.expansion import Expansion
from cnndsl.network.expressions import ExpressionError, Unknown
from cnndsl.network.network import (
    Body,
    Item,
    Merged,
    Skipped,
    Step,
)
from cnndsl.network.scope import Scope
from cnndsl.syntax import nodes as ast


class Layering(Expansion):
    """Applies layers and merges."""

    def arguments(self, statement: ast.Apply, kind: type[Layer] | None = None) -> list[Any]:
        """The values of a statement's arguments; None where one is not known.

        Where the layer, of a `kind`, does not take a keyword, nothing is said of its value.
        """
        values: list[Any] = []
        for argument in statement.args:
            node = argument.value
            if type(node) is ast.Number:
                values.append(node.value)
                continue
            if type(node) is ast.Name and type(argument) is ast.Positional:
                values.append(self.word(node))
                continue
            if type(node) is ast.Name and kind and not _takes(kind, argument):
                values.append(self.word(node))
                continue
            try:
                values.append(self.value(node))
            except ExpressionError as error:
                self.report(error.code, error.span, error.message, error.help)
                values.append(None)
            except Unknown:
                values.append(None)
        return values

    def layer(self, kind: type[Layer], statement: ast.Apply) -> Item | None:
        if problem := called(kind, statement, self.source.text):
            self.report_problem(problem)
            self.shape = None
            return None
        values = self.arguments(statement, kind)
        bound = bind(kind, statement, values, self.scope.names(), self.no_value)
        for problem in bound.problems:
            self.report_problem(problem)
        if not self.started:
            self.no_input(statement.name.span)
        if bound.problems or self.shape is None or None in bound.spans.values():
            self.unknown_output(bound)
            return None
        if len(bound.values) != len(bound.spans):  # a value that an earlier error hides
            self.unknown_output(bound)
            return None
        layer = self.make(kind, bound, statement)
        if layer is None:
            self.unknown_output(bound)
            return None
        seen = self.nodes[self.current].field
        if layer.reach is not None or layer.output != layer.input:
            seen = field.after(layer, (seen,))
        node = self.add(layer, (self.current,), seen, statement.span, statement.alias)
        return Step(statement, node, bound.spans)

    def unknown_output(self, bound: Bound) -> None:
        """After an error: the shape is lost, unless the layer alone decides it."""
        units = bound.values.get("units")
        self.shape = (units,) if isinstance(units, int) else None
        if self.shape is not None:
            layer = Input({}, self.shape, self.context)
            self.add(layer, (), field.of_input(self.shape), Span(0, 0), None)

    def make(self, kind: type[Layer], bound: Bound, statement: ast.Apply) -> Layer | None:
        """The layer on the current shape; None, once reported, where it does not fit.

        After a size that does not come out, checking goes on as if it were rounded down.
        """
        assert self.shape is not None
        key = (kind, tuple(bound.values.items()), self.shape)
        layer = self.cache.get(key)
        if layer is not None:
            return layer
        values, context = dict(bound.values), self.context
        activation = values.pop("activation", None)
        for _ in range(2):
            try:
                layer = kind(values, self.shape, context)
                break
            except LayerError as error:
                span = bound.spans.get(error.slot, statement.span if error.slot else None)
                span = span or statement.name.span
                self.misfit(error, statement, span, (self.current,))
                if error.code not in ("E201", "E202"):
                    return None
                context = context._replace(rounding="floor")
        assert layer is not None
        if activation is not None:
            layer.activation = LAYERS[activation]({}, layer.output, self.context)
        if context is self.context:
            self.cache[key] = layer
        return layer

    def misfit(
        self, error: LayerError, statement: ast.Apply, span: Span, inputs: tuple[int, ...]
    ) -> None:
        """Report a layer that does not fit on what it reads, which are the nodes `inputs`."""
        self.report(error.code, span, error.message, error.help)

    def skip(self, statement: ast.Apply) -> Item | None:
        if statement.args or statement.paths is not None:
            self.report("E104", statement.span, "`skip` takes no arguments", "write `skip` alone")
        if statement.alias is not None and self.shape is not None:
            self.name_tensor(statement.alias, self.current)
        return Skipped(statement)

    def merge(self, kind: type[Merge], statement: ast.Apply) -> Item | None:
        assert statement.paths is not None
        if not self.started:
            self.no_input(statement.name.span)
        for argument in statement.args:
            message = f"{kind.op} takes paths only"
            self.report("E104", argument.span, message, "remove the argument")
        if len(statement.paths) == 1:
            self.report(
                "E103",
                statement.name.span,
                f"`{kind.op}` has one path, and nothing to merge it with",
                f"a bar before the first path says nothing: write `{kind.op} {{ skip | … }}` "
                "where the other path is the tensor itself",
            )
        before, shape = self.current, self.shape
        bodies: list[Body] = []
        shapes: list[Shape | None] = []
        for path in statement.paths:
            self.current, self.shape = before, shape
            bodies.append(self.body(path.statements, self.path_scope()))
            shapes.append(self.shape)
        known = tuple(shape for shape in shapes if shape is not None)
        if len(known) != len(shapes) or not shapes:
            if not shapes:
                message = f"`{kind.op}` needs paths"
                help_ = f"write `{kind.op} {{ … | … }}`"
                self.report("E103", statement.name.span, message, help_)
            self.shape = None
            return None
        inputs = tuple(body.output for body in bodies)
        try:
            layer = kind({}, known, self.context)
        except LayerError as error:
            span = statement.name.span
            if error.slot.startswith("path "):
                path = statement.paths[int(error.slot[5:])]
                if path.statements:
                    span = Span(path.statements[0].span.start, path.statements[-1].span.end)
            self.misfit(error, statement, span, inputs)
            self.shape = None
            return None
        seen = field.after(layer, tuple(self.nodes[index].field for index in inputs))
        node = self.add(layer, inputs, seen, statement.span, statement.alias)
        return Merged(statement, node, tuple(bodies))

    def path_scope(self) -> Scope:
        """Constants of its own; tensors named inside are in sight outside."""
        scope = Scope(self.scope.frame, self.scope)
        scope.tensors, scope.named = self.scope.tensors, self.scope.named
        return scope


def _takes(kind: type[Layer], argument: ast.Argument) -> bool:
    """Whether a layer has the keyword of an argument; what has none counts as taken."""
    if not isinstance(argument, ast.Keyword):
        return True
    key = argument.key.id
    # `pad=same` stands for a flag.
    word = argument.value.id if isinstance(argument.value, ast.Name) else ""
    flags = [slot.name for slot in kind.slots if slot.form == "flag"]
    keys = [slot.name for slot in kind.slots if slot.form == "key"]
    return key in keys and word not in (*flags, "valid")
