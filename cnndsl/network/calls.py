"""What the first word of a statement means, and calls of blocks."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Edit, Fix, Note
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.values import Word, show_value
from cnndsl.network.expressions import Unknown
from cnndsl.network.layering import Layering
from cnndsl.network.nearest import did_you_mean, nearest
from cnndsl.network.network import (
    Instance,
    Item,
)
from cnndsl.network.scope import Frame, Scope
from cnndsl.network.words import STATEMENTS, is_word
from cnndsl.syntax import nodes as ast


class Calls(Layering):
    """Applies what statements name: layers, merges, blocks."""

    def apply(self, statement: ast.Apply) -> Item | None:
        word = statement.name.id
        layer = LAYERS.get(word)
        if layer is not None and statement.paths is None:
            return self.layer(layer, statement)
        if word not in MERGES and word not in self.blocks and layer is None:
            word = self.resolve(statement)
            layer = LAYERS.get(word)
        if word == "skip":
            return self.skip(statement)
        if statement.paths is not None:
            if word in MERGES:
                return self.merge(MERGES[word], statement)
            self.report(
                "E111",
                statement.name.span,
                f"`{word}` takes no paths",
                f"merges do: {', '.join(MERGES)}",
            )
            self.shape = None
            return None
        if word in self.blocks:
            return self.call(self.blocks[word], statement)
        if word in MERGES:
            message = f"`{word}` needs paths"
            help_ = f"write `{word} {{ … | … }}`"
            self.report("E103", statement.name.span, message, help_)
            self.shape = None
            return None
        assert layer is not None
        return self.layer(layer, statement)

    def resolve(self, statement: ast.Apply) -> str:
        """The layer, merge or block that a statement's first word means."""
        name = statement.name
        if name.id == "skip":
            return "skip"
        known = [*LAYERS, *MERGES, *self.blocks, "skip"]
        try:
            value = self.scope.constant(name.id)
        except KeyError:
            pass
        else:
            if isinstance(value, Word) and value.id in known:
                return value.id
            if value is not None:
                self.report(
                    "E101",
                    name.span,
                    f"`{name.id}` is {show_value(value)}, which is no layer",
                    "pass the name of a layer or block",
                )
            raise Unknown
        near = nearest(name.id, [*known, *STATEMENTS])
        fixes = (Fix(f"write `{near}`", (Edit(name.span, near),)),) if near else ()
        self.report(
            "E101",
            name.span,
            f"there is no layer or block `{name.id}`",
            did_you_mean(near) or "the layers are listed by `cnndsl rule E101`",
            fixes,
        )
        if near == "input":
            self.started = True  # but nobody knows with what
        elif near == "rounding":
            self.context = self.context._replace(rounding="floor")
        if near is None or near == "skip" or near in STATEMENTS:
            raise Unknown
        return near

    def call(self, block: ast.Block, statement: ast.Apply) -> Item | None:
        outer = self.scope.frame
        if not self.started:
            self.no_input(statement.name.span)
        if block.name.id in outer.calls:
            chain = [*outer.calls[outer.calls.index(block.name.id) :], block.name.id]
            self.report(
                "E109",
                statement.name.span,
                f"the block `{block.name.id}` calls itself: {' → '.join(chain)}",
                "blocks cannot be recursive; use `repeat`",
            )
            raise Unknown
        self.turn(statement.name.span)
        alias = statement.alias
        word = block.name.id
        name = outer.unique(alias.id) if alias else outer.number(word)
        text = self.source.text[statement.span.start : statement.span.end]
        note = Note(
            f"in `{text if len(text) <= 60 else text[:57] + '…'}`, called here", statement.span
        )
        frame = Frame(
            (*outer.instance, name), (*outer.notes, note), (*outer.calls, word), outer.given
        )
        scope = Scope(frame, self.file_scope)
        if not self.pass_arguments(block, statement, scope):
            self.shape = None
            return None
        self.called.add(word)
        body = self.body(block.body.statements, scope)
        if alias is not None and self.shape is not None:
            self.name_tensor(alias, self.current)
        return Instance(statement, block, name, dict(scope.constants), scope.arguments, body)

    def pass_arguments(self, block: ast.Block, statement: ast.Apply, scope: Scope) -> bool:
        """Give a block's parameters their values; False where one is missing or wrong."""
        word = block.name.id
        usage = " ".join(
            [word, *(p.name.id + ("=…" if p.default else "") for p in block.parameters)]
        )
        help_ = f"it is written `{usage}`"
        waiting = list(block.parameters)
        known = {parameter.name.id: parameter for parameter in block.parameters}
        fine = True
        for argument, value in zip(statement.args, self.arguments(statement)):
            if isinstance(argument, ast.Stride):
                self.report("E102", argument.span, f"the block `{word}` takes no `/`", help_)
                fine = False
                continue
            if isinstance(argument, ast.Keyword):
                parameter = known.get(argument.key.id)
                if parameter is None:
                    near = nearest(argument.key.id, known)
                    message = f"the block `{word}` has no parameter `{argument.key.id}`"
                    fixes = (
                        (Fix(f"write `{near}`", (Edit(argument.key.span, near),)),) if near else ()
                    )
                    self.report(
                        "E102", argument.key.span, message, did_you_mean(near) or help_, fixes
                    )
                    fine = False
                    continue
                if parameter in waiting:
                    waiting.remove(parameter)
            elif waiting:
                parameter = waiting.pop(0)
            else:
                parameter = None
            if parameter is None or parameter.name.id in scope.defined:
                count = len(block.parameters)
                message = f"the block `{word}` takes {count} argument{'s' * (count != 1)}"
                if parameter is not None:
                    message = f"the block `{word}`: `{parameter.name.id}` is given twice"
                self.report("E104", argument.span, message, help_)
                fine = False
                if parameter is None:
                    break  # what follows is one too many as well
                continue
            self.pass_argument(parameter, argument, value, scope)
        for parameter in waiting:
            if parameter.default is None:
                message = f"the block `{word}` needs `{parameter.name.id}`"
                self.report("E103", statement.name.span, message, help_)
                fine = False
        if fine:
            outer, self.scope = self.scope, scope
            try:
                for parameter in waiting:
                    assert parameter.default is not None
                    name = parameter.name.id
                    scope.defined[name] = parameter.name
                    scope.constants[name] = self.default(parameter.default)
            finally:
                self.scope = outer
        # The order of the parameters, whatever the order of the arguments.
        scope.constants = {
            parameter.name.id: scope.constants.get(parameter.name.id)
            for parameter in block.parameters
        }
        return fine

    def default(self, node: ast.Expr) -> Any:
        if not isinstance(node, ast.Name):
            return self.value(node)
        value = self.word(node)
        if isinstance(value, Word) and not is_word(value.id) and value.id not in self.blocks:
            self.unknown_name(node.span, value.id, tuple(LAYERS))
            return None
        return value

    def pass_argument(
        self, parameter: ast.Parameter, argument: ast.Argument, value: Any, scope: Scope
    ) -> None:
        name = parameter.name.id
        scope.defined[name] = parameter.name
        scope.constants[name] = value
        if not isinstance(value, Word):
            return
        node = argument.value
        try:
            # A tensor of the caller, by its own name or handed on under a parameter's.
            word = node.id if isinstance(node, ast.Name) else value.id
            scope.arguments[name] = self.scope.tensor(word)
        except KeyError:
            if not is_word(value.id) and value.id not in self.blocks:
                scope.constants[name] = None
                self.unknown_name(node.span, value.id, tuple(LAYERS))
