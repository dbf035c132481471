"""Syntax tree to Network: expands, looks up, works out shapes, collects every problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain, islice
from typing import Any, NoReturn, TypeVar

from cnndsl.diagnostics import Diagnostic, Fix, Note, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.layers import LAYERS, MERGES, Context, Layer, LayerError
from cnndsl.layers.base import Input, Shape, beyond, show
from cnndsl.layers.merge import Merge
from cnndsl.layers.values import LARGEST, SHAPE, Word, show_value, whole
from cnndsl.network import dead_code, field
from cnndsl.network import network as tree
from cnndsl.network.bind import BoundArguments, Problem, assigned, bind, called, words_of
from cnndsl.network.cost import Counter, steps
from cnndsl.network.expect import TOTALS, broken, flaw
from cnndsl.network.expressions import ExpressionError, Unknown, evaluate, truth
from cnndsl.network.network import Assertion, Body, Item, Network, Node
from cnndsl.network.replay import Recording, moved, moved_names
from cnndsl.network.scope import Frame, Scope, Sharing, containers, given_names
from cnndsl.network.values import given_shape, given_value, shown
from cnndsl.network.words import (
    KEEPING,
    LATER,
    STATEMENTS,
    VALUES,
    did_you_mean,
    is_word,
    nearest,
    reserved,
    rewrite,
)
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk

DEFAULT_LIMIT = 1_000_000
"""How many layers a net may come to unless the caller says otherwise."""

MAX_PROBLEMS = 1_000
"""How many problems of a net are reported before checking stops."""

MAX_COMPARED = 200_000
"""How many words the unknown ones of a net are held against before there are no more guesses."""

MAX_STEPS = 50_000
"""How much may be run in loops and calls without a layer: a step is a short statement."""

STEPS_PER_LAYER = 20
"""How many steps more may be run for each layer that comes of them."""

MAX_FAULTY = 100
"""How many turns of loops are run in which something is wrong, for the shapes after them."""

MAX_DEPTH = 120
"""How deep blocks, loops and paths may nest once blocks are expanded."""

SIZES = {"C": -1, "W": -2, "H": -3, "D": -4, "L": -2}

_NAMING = ("let", "param", "block", "head")
"""The words of statements that give a name at their beginning."""

_BRACED = ("repeat", "if", "block", "head", "freeze")
"""The words of statements, beside merges, that have statements in their braces."""

_RANKS = {"C": (0, 1, 2, 3), "W": (2, 3), "H": (2, 3), "D": (3,), "L": (1,)}


MAX_KEPT = 10_000
"""How many layers, and what belongs to them, are kept from run to run beside eight a node."""

_SHARED = ("cache", "bindings", "fields", "supposes")
"""What elaborations of one context can have in common: layers are made once."""

E = TypeVar("E", bound="Elaborator")

ABSENT = object()
"""In the place of a constant that there is none of."""


class Paths:
    """The paths of a merge, as they are run: what each came to, its shape, and its text.

    They begin from `current`, of `shape`. It has `failed` where how many there are is not known.
    """

    def __init__(self, current: int, shape: Shape | None) -> None:
        self.current, self.shape = current, shape
        self.bodies: list[Body] = []
        self.shapes: list[Shape | None] = []
        self.written: list[ast.Body] = []
        self.failed = False


class Stop(Exception):
    """Expansion is given up; the diagnostics say why."""


def elaborate(
    source: Source,
    module: ast.Module,
    *,
    settings: Mapping[str, Any] | None = None,
    input_size: str | None = None,
    limit: int = DEFAULT_LIMIT,
    stem: str = "",
    kind: type[Network] = Network,
    unkept: bool = False,
) -> tuple[Network | None, list[Diagnostic]]:
    """Check a syntax tree and expand it into a network.

    `settings` overrides `param` constants (texts are read as the language's values);
    `input_size` serves a text without `input`; `limit` bounds the layers; `kind` is the class
    of the network. Gives the network, or None where anything is wrong, and all diagnostics in
    the order of the text. With `unkept` a network that breaks nothing but assertions is given
    too.
    """
    elaborator = Elaborator(source, module, settings or {}, input_size, limit)
    network = elaborator.run(stem or stem_of(source.name), kind, unkept=unkept)
    problems = sorted(elaborator.problems, key=lambda problem: (problem.span, problem.code))
    return network, problems


def stem_of(name: str) -> str:
    """The name of a net that gives itself none, from the name of its file."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    word = "".join(character if character.isalnum() else "_" for character in stem).strip("_")
    return word if word.isidentifier() else f"net_{word}".rstrip("_")


class Elaborator:
    """The state of one expansion.

    `current` is the node that the next layer reads: an index, or None where an earlier
    error hides it. `shape` is its shape, which may be known even then.
    """

    def __init__(
        self,
        source: Source,
        module: ast.Module,
        settings: Mapping[str, Any],
        input_size: str | None,
        limit: int,
    ) -> None:
        self.source = source
        self.module = module
        self.settings = dict(settings)
        self.input_size = input_size
        self.limit = limit
        self.problems: list[Diagnostic] = []
        self.reported: set[tuple[str, Span]] = set()
        self.nodes: list[Node] = []
        self.main_nodes = self.nodes  # `nodes` is another list while unused blocks are looked at
        self.inputs: list[int] = []
        self.outputs: dict[str, int] = {}
        self.heads: dict[str, ast.Name] = {}
        self.assertions: list[Assertion] = []
        self.context = Context()
        self.declared: dict[str, ast.Statement] = {}
        self.current = -1
        self.shape: Shape | None = None
        self.started = False  # whether an `input` stood here, be it readable or not
        self.excused = False  # whether one may have, or it has been said that none did
        self.unread = False  # whether a statement could not be read
        self.rounds = False  # whether that was one about rounding
        self.nameless = False  # whether it gives a name that is not known, and so may be any
        self.guesses: dict[str, str] = {}
        self.depth = self.steps = self.compared = self.faulty = 0
        self.latest = Span(0, 0)  # the loop or call that was run last
        self.costs: dict[int, int] = {}
        self.aliases: dict[int, list[str]] = {}
        self.called: set[str] = set()
        given = frozenset(given_names(module.statements))
        self.scope = Scope(Frame((), (), (), given))
        self.file_scope = self.scope
        self.frozen = self.training = 0  # how many frozen parts, and heads for training, are around
        self.holders: list[int] | None = None  # whose weights the layers from here on have
        self.held = 0  # and how many of them have been taken
        self.calls: tuple[ast.Apply, ...] = ()  # of blocks, that led here
        self.led: list[tuple[ast.Apply, ...]] = []  # and to each node
        self.recordings: dict[Any, Recording] = {}
        self.items: list[Item] = []  # what came of the statements at the top
        self.done = 0  # how many of them have been run
        self.cache: dict[Any, Layer] = {}
        self.taken: tuple[Context, dict[str, Any]] | None = None  # layers made elsewhere
        self.sound = 0  # how many nodes there were before anything was wrong
        self.places: dict[Span, int] = {}  # and before what is wrong at each place of the text
        self.supposes: dict[Any, Layer | None] = {}
        self.bindings: dict[Any, tuple[tuple[tuple[str, int], ...], dict[str, Any]]] = {}
        self.fields: dict[tuple[Layer, tuple[tree.Field, ...]], tree.Field] = {}
        self.assumed: set[int] = set()  # nodes that are not what they would be without errors
        self.unknown: set[int] = set()  # those of them whose shape is a guess, and proves nothing
        self.supposing = True  # whether to go on with what is assumed where nothing is known
        self.supposed = False  # whether the next node is one that is assumed
        self.failures = 0  # how often something was wrong, told or not
        self.muted = 0  # loops around in which an earlier turn has failed
        self.blocks: dict[str, ast.Block] = {}

    # The whole file

    def run(
        self, stem: str, kind: type[Network] = Network, *, unkept: bool = False
    ) -> Network | None:
        """The network, or None where there is anything to report.

        With `unkept` a network that breaks nothing but assertions is given too.
        """
        try:
            self.prepare()
            self.done = len(self.module.statements)
            body = self.body(self.module.statements, top=True)
            return self.finish(body, stem, kind, unkept=unkept)
        except Stop:
            return None

    def prepare(self) -> None:
        """Take up what holds for the whole file, wherever it stands."""
        statements = self.module.statements
        for statement in statements:
            if isinstance(statement, ast.Block):
                self.define_block(statement)
        for statement in statements:
            if isinstance(statement, (ast.Rounding, ast.Defaults)):
                self.declare(statement)
            elif isinstance(statement, ast.Bad):
                self.foresee(statement)
            elif isinstance(statement, ast.Block):
                self.name_parameters(statement)
        if self.taken is not None and self.taken[0] == self.context:
            vars(self).update(self.taken[1])
        self.given_input()
        self.count(statements)

    def finish(
        self, body: Body, stem: str, kind: type[Network] = Network, *, unkept: bool = False
    ) -> Network | None:
        """The network, once all statements have been run; None where anything is wrong."""
        statements = self.module.statements
        first = statements[0] if statements else None
        if not self.started and not self.excused:
            end = Span(0, min(1, len(self.source.text)))
            message = Message("a net needs an `input`")
            self.report("E112", end, message, Message("begin with, say, `input 28x28x1`"))
        self.unused_settings()
        self.unused_blocks()
        self.bound_totals()
        if self.problems:
            return None
        self.outputs = {"main": self.current, **self.outputs}
        self.mark_training()
        network = kind(
            first.name.id if isinstance(first, ast.Net) else stem,
            self.source,
            self.module,
            self.nodes,
            tuple(self.inputs),
            self.outputs,
            body,
            self.context.rounding,
            self.context.defaults,
            tuple(self.assertions),
        )
        if self.unread:  # of the shapes that are known all the same
            shapes = [each for each in self.assertions if each.statement.metric.id == "shape"]
            network.assertions = () if self.rounds else tuple(shapes)
        else:
            for found in dead_code.find(network):
                self.report(found.code, found.span, found.message, found.help)
        wrong = self.unread or bool(self.problems)
        for problem, notes in broken(network.assertions, network):
            self.report(*problem, notes)
        return None if wrong or (self.problems and not unkept) else network

    def mark_training(self) -> None:
        """Have what leads to nothing but heads for training exist while training only too."""
        if not any(node.training_only for node in self.nodes):
            return
        heads = [each for each in self.items if isinstance(each, tree.Side)]
        training = {each.statement.name.id for each in heads if each.statement.when is not None}
        used = {index for name, index in self.outputs.items() if name not in training}
        nodes = self.nodes = list(self.nodes)
        for node in reversed(nodes):
            if node.index in used:
                used.update(node.inputs)
            elif not node.training_only:
                place = (node.index, node.name, node.layer, node.inputs, node.alias, node.span)
                more = (node.instance, node.field, node.shared_with, node.frozen, True)
                nodes[node.index] = Node(*place, *more)

    def bound_totals(self) -> None:
        """Report the layer with which the net has more parameters, or work, than numbers go."""
        layers = {node.layer for node in self.nodes}
        most = max((max(each.params, each.macs) for each in layers), default=0)
        if most * len(self.nodes) <= LARGEST:
            return
        for name in ("params", "macs"):
            total = 0
            for node in self.nodes:
                if node.index in self.assumed:
                    continue
                total += getattr(node.layer, name)
                if total > LARGEST:
                    what = {"params": Message("parameters"), "macs": Message("multiply-adds")}[name]
                    error = beyond(Message("with this layer the net"), total, what)
                    self.report(error.code, node.span, error.message, error.help)
                    break

    def given_input(self) -> None:
        """Take up the caller's input size where the file has no `input` of its own."""
        if self.input_size is None:
            return
        first = next((s for s in self.module.statements if isinstance(s, ast.Input)), None)
        if first is not None:
            message = Message("the input is given twice: here and by `--input`")
            self.report("E111", first.span, message, Message("leave one of them out"))
            return
        try:
            shape = given_shape(self.input_size)
        except ValueError as error:
            self.started = True
            given, flaw_ = shown(self.input_size), error.args[0]
            message = Message("`--input {given}` {flaw}", given=given, flaw=flaw_)
            self.report("E105", Span(0, 0), message)
            return
        self.add_input(shape, Span(0, 0), None)

    def count(self, statements: Sequence[ast.Statement]) -> None:
        """Refuse at once what would come to more layers than the limit."""
        if len(statements) <= self.limit and all(map(_is_one_layer, statements)):
            return
        constants = {name: given_value(value) for name, value in self.settings.items()}
        counter = Counter(self.blocks, constants, len(statements))
        total = 0
        for statement in statements:
            total += counter.statement(statement, counter.constants)
            if total > self.limit:
                self.too_large(statement.span, total)

    def unused_settings(self) -> None:
        statements = self.module.statements
        params = [s.name.id for s in statements if isinstance(s, ast.Param)]
        if any(isinstance(s, ast.Bad) and self.meant(s.word) in ("param", "") for s in statements):
            return  # it may be the one that is set
        unused = {shown(name) for name in self.settings if not (name in params or self.lost(name))}
        for name in sorted(unused):
            near = self.near(name, params)
            known = Message("it has no `param`")
            if params:
                known = Message("its params are {names}", names=", ".join(params[:8]))
            message = Message("`--set {name}`: the file has no param `{name}`", name=name)
            self.report("E113", Span(0, 0), message, did_you_mean(near) or known)
            self.reported.discard(("E113", Span(0, 0)))

    def unused_blocks(self) -> None:
        """Look for mistakes in the blocks that nothing calls, as far as they go without values."""
        kept = self.nodes, self.inputs, self.assertions, self.current
        marked = self.assumed, self.unknown, self.led
        try:
            for word, block in self.blocks.items():
                if word in self.called:
                    continue
                self.nodes, self.inputs, self.assertions = [], [], []
                self.assumed, self.unknown, self.led, self.current = set(), set(), [], -1
                self.started, self.shape = True, None
                scope = Scope(Frame((word,), (), (word,)), self.file_scope)
                for parameter in block.parameters:
                    scope.defined[parameter.name.id] = parameter.name
                    scope.constants[parameter.name.id] = None
                self.body(block.body.statements, scope)
        finally:
            self.nodes, self.inputs, self.assertions, self.current = kept
            self.assumed, self.unknown, self.led = marked

    def define_block(self, statement: ast.Block) -> None:
        name = statement.name
        if statement.mark is not None and statement.mark.id != "shared":
            self.report_mark(statement.mark, "shared", "shared block")
        if reserved(name.id):
            self.report_reserved(name, Message("a block"))
        elif name.id in self.blocks:
            self.report_taken(name, self.blocks[name.id].name, Message("block"))
        self.blocks.setdefault(name.id, statement)

    def name_parameters(self, statement: ast.Block) -> None:
        """See that a block's parameters can have their names; all blocks must be known."""
        seen: dict[str, ast.Name] = {}
        for parameter in statement.parameters:
            is_free = self.is_free(parameter.name, Message("a parameter"))
            if is_free and parameter.name.id in seen:
                self.report_taken(parameter.name, seen[parameter.name.id], Message("parameter"))
            seen[parameter.name.id] = parameter.name

    def declare(self, statement: ast.Rounding | ast.Defaults) -> None:
        """`rounding` and `defaults`: once each, for the whole file."""
        kind, word = "defaults", statement[1]
        choices: tuple[str, ...] = ("keras", "torch")
        if isinstance(statement, ast.Rounding):
            kind, choices = "rounding", ("exact", "floor", "ceil")
        if kind in self.declared:
            notes = (Note(Message("it is first said here"), self.declared[kind].span),)
            message = Message("`{word}` is said twice", word=kind)
            help_ = Message("say it once, for the whole file")
            self.report("E111", statement.span, message, help_, notes=notes)
            return
        self.declared[kind] = statement
        if word.id not in choices:
            meant = {"pytorch": "torch", "tensorflow": "keras"}.get(word.id, word.id)
            near = nearest(meant, choices)
            if kind == "rounding":
                message = Message(
                    "`rounding` is exact or floor or ceil, not `{word}`", word=word.id
                )
            else:
                message = Message("`defaults` is keras or torch, not `{word}`", word=word.id)
            self.report("E105", word.span, message, did_you_mean(near), rewrite(word.span, near))
            if kind == "rounding":
                # Whatever was meant: sizes that do not come out whole are no further news.
                self.context = self.context._replace(rounding="floor")
            return
        self.context = self.context._replace(**{kind: word.id})

    def fork(self: E) -> E:
        """Another elaboration that has come as far as this one, between two of its statements."""
        copy = type(self).__new__(type(self))
        for name, value in vars(self).items():
            kept = type(value) not in (list, dict, set) or name in _SHARED
            setattr(copy, name, value if kept else value.copy())
        copy.scope = copy.file_scope = self.scope.fork()
        copy.main_nodes = copy.nodes
        copy.costs, copy.aliases = {}, {}  # they go by the tree's nodes, and it may have others
        vars(copy).pop("containers", None)
        return copy

    def take_layers(self, other: Elaborator) -> None:
        """Have the layers in common that another elaboration has made.

        All are made in one context, which the caller sees to by `fork`, or `prepare` does.
        """
        if not other.overfull:
            self.taken = other.context, {name: getattr(other, name) for name in _SHARED}

    @property
    def overfull(self) -> bool:
        """Whether it keeps far more layers, and what belongs to them, than it has."""
        kept = sum(len(getattr(self, name)) for name in _SHARED)
        return kept > MAX_KEPT + 8 * len(self.nodes)

    def as_far(
        self, stem: str, kind: type[Network] = Network, until: int | None = None
    ) -> Network | None:
        """What was reached as a network, errors or not, or its first nodes alone; None without
        an input among them."""
        nodes = self.nodes[:until]
        inputs = tuple(index for index in self.inputs if index < len(nodes))
        if not inputs:
            return None
        first = self.module.statements[0]
        name = first.name.id if isinstance(first, ast.Net) else stem
        last = len(nodes) - 1 if until is not None else self.current
        items = () if until is not None else tuple(self.items)
        body, outputs = Body(items, -1, last), {"main": last}
        if until is None:
            outputs |= self.outputs
        return kind(name, self.source, self.module, nodes, inputs, outputs, body, *self.context)

    def read(self, source: Source, module: ast.Module) -> None:
        """Take up another text, which has all that has been run in common."""
        self.source, self.module = source, module
        self.problems = [each._replace(source=source) for each in self.problems]

    def go_on(self, kind: type[Network] = Network) -> Network | None:
        """The network of a text whose statements are the ones that have been run, and others."""
        try:
            if self.done < len(self.module.statements):
                self.count(self.module.statements)
            rest = self.module.statements[self.done :]
            body = self.body(rest, top=True)
            return self.finish(body, stem_of(self.source.name), kind)
        except Stop:
            return None

    # Statements that cannot be read

    def meant(self, word: str) -> str:
        """The word that a statement begins with, or was meant to; empty where that is open."""
        if word in KEEPING or word in STATEMENTS or self.makes_layers(word):
            return word
        if word not in self.guesses:
            known = (LAYERS, MERGES, ("skip",), STATEMENTS, self.blocks)
            near = self.near(word, *known) or (self.blocks and self.near(word, self.blocks))
            self.guesses[word] = near or ""
        return self.guesses[word]

    @cached_property
    def containers(self) -> dict[str, ast.Repeat | ast.Block | ast.Head]:
        """For names given with `as` in loops, blocks and heads, where that is."""
        return containers(self.module.statements)

    def makes_layers(self, word: str) -> bool:
        """Whether a word is a layer, a merge, a block, or `skip`."""
        return word in LAYERS or word in MERGES or word in self.blocks or word == "skip"

    def near(self, word: str, *known: Iterable[str]) -> str | None:
        """The known word closest to a misspelt one; None for none, and once too much was held
        against one another."""
        words = [*islice(chain(*known), max(0, MAX_COMPARED - self.compared))]
        self.compared += len(words)
        return nearest(word, words)

    def foresee(self, statement: ast.Bad) -> None:
        """Take up what a statement that cannot be read may say of the whole file."""
        word = self.meant(statement.word)
        if word == "block":
            self.lose(statement.names)
        elif word == "rounding" and word not in self.declared:
            # Whatever was meant: sizes that do not come out whole are no further news.
            self.context = self.context._replace(rounding="floor")
            self.rounds = True

    def unreadable(
        self, word: str, names: Sequence[str] = (), bodies: Sequence[ast.Body] = ()
    ) -> None:
        """Go on after a statement that cannot be read, without what it may have changed.

        It begins with a word, and may give some names.
        """
        self.unread = True
        first, word = word[:1], self.meant(word)
        before = self.current, self.shape, self.started, self.nameless
        is_read = word in _BRACED or word in MERGES
        for body in bodies if is_read else ():
            self.shape, self.started = None, True
            self.lose(names)
            # Its parameters, or its counter, may be any name.
            self.nameless = self.nameless or word == "block" or (word == "repeat" and not names)
            self.body(body.statements, Scope(self.scope.frame, self.scope))
        self.current, self.shape, self.started, self.nameless = before
        self.lose(names)
        if word == "rounding" and self.context.rounding != "floor":
            self.context = self.context._replace(rounding="floor")
            self.cache = {}  # others may have the one before, of layers in another context
        self.excused = self.excused or not word or (bool(bodies) and not is_read)
        known = (*LAYERS, *MERGES, *self.blocks)
        is_layer = any(name in known for name in names) and word != "block"  # `let conv 8 3x3`
        if (word in KEEPING and not is_layer) or (word == "input" and self.started):
            return
        self.shape = None
        self.started = self.started or word == "input" or first.isdecimal()

    def lose(self, names: Iterable[str]) -> None:
        """Have nothing said of names that a statement which cannot be read may give."""
        for name in names:
            if not name:
                self.nameless = True
            elif not reserved(name):
                self.scope.constants[name] = None
                self.scope.frame.lost[name] = None

    def lose_aliases(self, statement: ast.Statement) -> None:
        """Have nothing said of the tensors that a statement which failed was to name."""
        if isinstance(statement, ast.Apply) and statement.paths is None:
            if statement.alias is not None:
                self.scope.frame.lost[statement.alias.id] = None
            return
        names = self.aliases.get(id(statement))
        if names is None:
            names = self.aliases[id(statement)] = [*given_names([statement])]
        self.scope.frame.lost.update(dict.fromkeys(names))

    # Bodies of statements

    def body(
        self, statements: Sequence[ast.Statement], scope: Scope | None = None, top: bool = False
    ) -> Body:
        """Run statements from the current tensor on."""
        before, outer = self.current, self.scope
        if scope is not None:
            self.scope = scope
        self.depth += 1
        if self.depth > MAX_DEPTH:
            span = statements[0].span if statements else Span(0, 0)
            message = Message(
                "blocks, loops and paths nest deeper than {most} levels here", most=MAX_DEPTH
            )
            help_ = Message("call the blocks one after the other instead of within each other")
            self.report("E005", span, message, help_)
            raise Stop
        if not top:
            cost = self.costs.get(id(statements))
            if cost is None:
                cost = self.costs[id(statements)] = sum(map(steps, statements))
            self.take_steps(cost)
        items = self.items if top else []
        for statement in statements:
            kind = type(statement)
            failures = self.failures
            try:
                item = self.statement(statement, top)
                if item is not None:
                    items.append(item)
            except (ExpressionError, Unknown) as error:
                self.report_error(error)
                self.started = self.started or kind is ast.Input
                if kind not in (ast.Let, ast.Param, ast.Expect):
                    self.shape = None  # which the statement would have changed
            if self.shape is None or self.failures > failures:
                # Of names that it may have given with `as` nothing more is said.
                self.lose_aliases(statement)
        self.depth -= 1
        self.scope = outer
        return Body(tuple(items), -1 if top else before, self.current)

    def statement(self, statement: ast.Statement, top: bool) -> Item | None:
        """Run one statement; `top` says that it stands in no braces."""
        if isinstance(statement, ast.Apply):
            return self.apply(statement)
        if isinstance(statement, ast.Repeat):
            return self.repeat(statement)
        if isinstance(statement, ast.If):
            return self.choose(statement)
        if isinstance(statement, (ast.Let, ast.Param)):
            return self.let(statement, top)
        if isinstance(statement, ast.From):
            return self.jump(statement)
        if isinstance(statement, ast.Expect):
            self.expect(statement)
        elif isinstance(statement, ast.Head):
            return self.head(statement)
        elif isinstance(statement, ast.Freeze):
            return self.freeze(statement)
        elif isinstance(statement, ast.Paths):
            self.report_paths(statement)
        elif isinstance(statement, ast.Bad):
            self.places.setdefault(statement.span, len(self.main_nodes))
            self.unreadable(statement.word, statement.names, statement.bodies)
        elif not top:
            self.report_inside(statement)
        elif isinstance(statement, ast.Input):
            self.input(statement)
        elif isinstance(statement, ast.Net) and statement is not self.module.statements[0]:
            message = Message("`net` is not the first statement")
            self.report("E111", statement.span, message, Message("move it to the top"))
        return None

    def input(self, statement: ast.Input) -> None:
        value, help_ = self.value(statement.size), NOTHING
        try:
            shape: Shape = SHAPE.read(value)
        except ValueError as error:
            message = Message("input: the size {flaw}", flaw=error.args[0])
        else:
            if len(shape) <= 4:
                return self.add_input(shape, statement.span, statement.alias)
            message = Message(
                "input: {shape} has {count} dimensions", shape=show(shape), count=len(shape)
            )
            help_ = Message("an input is N, LxC, HxWxC or DxHxWxC")
            if (fixes := without_batch(statement, shape)) and len(shape) == 5:
                self.started = True
                help_ = Message("shapes leave the batch out: {fix}", fix=fixes[0].title)
                self.report("E105", statement.size.span, message, help_, fixes)
                return None
        self.started = True
        self.report("E105", statement.size.span, message, help_)

    def let(self, statement: ast.Let | ast.Param, top: bool) -> Item | None:
        name = statement.name
        scope = self.scope
        if isinstance(statement, ast.Param) and not top:
            self.report_inside(statement, Message("write `let` here"))
        if not self.is_free(name, Message("a constant"), scope.defined, scope.named):
            return None
        scope.defined[name.id] = name
        value: Any = None  # unknown, should the value fail
        if isinstance(statement, ast.Param) and name.id in self.settings:
            given = self.settings[name.id]
            value = given_value(given)
            if isinstance(value, Word) and not self.known(value.id):
                value = None
            if value is None:
                message = Message(
                    "`--set {name}={given}` is no value of the language",
                    name=name.id,
                    given=shown(given),
                )
                help_ = Message("give a number up to 1e18, a size or a word")
                self.report("E105", statement.value.span, message, help_)
        else:
            try:
                value = self.value(statement.value)  # in which the name may be that of outside
            finally:
                scope.constants[name.id] = value
        scope.constants[name.id] = value
        return tree.Bound(statement, value)

    def times(self, statement: ast.Repeat) -> int:
        """How many turns a `repeat` has."""
        value = self.value(statement.count)
        count = whole(value)
        if count is None or count < 0:
            message = Message(
                "repeat: the count must be a whole number from 0, not {value}",
                value=show_value(value),
            )
            is_fraction = getattr(value, "denominator", 1) != 1
            help_ = Message("write `//` to round down") if is_fraction else NOTHING
            raise ExpressionError("E105", statement.count.span, message, help_)
        if statement.index is not None and reserved(statement.index.id):
            self.report_reserved(statement.index, Message("a counter"))
        return count

    def repeat(self, statement: ast.Repeat) -> Item:
        count = self.times(statement)
        bodies: list[Body] = []
        first, failed = len(self.problems), 0
        frame = self.scope.frame
        notes, header = frame.notes, Span(statement.span.start, statement.count.span.end)
        for turn in range(count if statement.body.statements else 0):
            self.latest = statement.count.span
            self.steps += 1
            scope = Scope(frame, self.scope)
            if turn:  # what is wrong now was not in the first turn
                turns = Message("in turn {turn} of {count:,}", turn=turn + 1, count=count)
                frame.notes = (*notes, Note(turns, header))
            if statement.index is not None:
                scope.constants[statement.index.id] = turn
                scope.defined[statement.index.id] = statement.index
            failures = self.failures
            bodies.append(self.body(statement.body.statements, scope))
            if self.failures > failures:
                self.faulty += 1
                if self.faulty > MAX_FAULTY:
                    self.shape = None
                    break
                if not failed:
                    # The next turns go on from what is assumed: their errors are no news.
                    self.muted += 1
                failed += 1
            if self.shape is None and not self.supposing and (self.problems or self.unread):
                break
        if failed:
            self.muted -= 1
            if len(self.problems) > first:
                self.tell_turns(first, failed - 1)
        frame.notes = notes
        self.name_result(statement.alias)
        return tree.Loop(statement, tuple(bodies))

    def tell_turns(self, first: int, count: int) -> None:
        """Say of the first size at fault in a loop in how many turns more something is wrong."""
        problem = self.problems[first]
        if count and problem.code.startswith("E2"):
            told = Message("and in {count} more turns", count=count)
            note = Note(told if count > 1 else Message("and in one more turn"))
            self.problems[first] = problem._replace(notes=(*problem.notes, note))

    def taken_of(self, statement: ast.If) -> tuple[int, ast.Body | None]:
        """Which body of an `if` is taken, and that body."""
        for index, test in enumerate(statement.tests):
            if truth(test, self.look_up):
                return index, statement.bodies[index]
        return len(statement.tests), statement.otherwise

    def choose(self, statement: ast.If) -> Item:
        taken, chosen = self.taken_of(statement)
        body = self.body(chosen.statements, self.path_scope()) if chosen is not None else None
        self.name_result(statement.alias)
        return tree.Choice(statement, taken, body)

    def jump(self, statement: ast.From) -> Item | None:
        name = statement.name
        index = self.scope.tensor(name.id)
        if index is None:
            self.shape = None
            if self.lost(name.id):
                return None
            near = self.near(name.id, self.scope.tensor_names(), self.scope.frame.lost)
            known = dict.fromkeys(islice(self.scope.tensor_names(), 8))
            help_ = Message("name a tensor with `as`")
            if known:
                help_ = Message("named so far: {names}", names=", ".join(known))
            help_ = did_you_mean(near) or help_
            inside = self.containers.get(name.id)
            if isinstance(inside, ast.Repeat):
                help_ = Message(
                    "the name `{name}` ends with the `repeat` in which it is given: to name "
                    "what the `repeat` gives, write `as {name}` after its `}}`",
                    name=name.id,
                )
            elif isinstance(inside, ast.Block):
                help_ = Message(
                    "the name `{name}` ends with the block in which it is given: to name what "
                    "the block gives, write `as {name}` after a call of `{block}`",
                    name=name.id,
                    block=inside.name.id,
                )
            elif isinstance(inside, ast.Head) and inside.when is not None:
                help_ = Message(
                    "the name `{name}` ends with `head {head}`, which exists while training only",
                    name=name.id,
                    head=inside.name.id,
                )
            called, _, rest = name.id.partition(".")
            if rest and called in self.blocks:
                help_ = Message(
                    "give the call a name: `{block} … as k`, then `from k.{name}`",
                    block=called,
                    name=rest,
                )
            if name.id in self.file_scope.tensors:
                help_ = Message(
                    "a block sees no tensors but its own: pass `{name}` as an argument",
                    name=name.id,
                )
            message = Message("no tensor is called `{name}` here", name=name.id)
            self.report("E106", name.span, message, help_, rewrite(name.span, near))
            return None
        self.current = index
        self.shape = None if index in self.unknown else self.nodes[index].output
        return tree.Jump(statement, index)

    def head(self, statement: ast.Head) -> Item | None:
        name = statement.name
        if self.scope.frame.instance or self.depth > 1:
            self.report_inside(statement)
            return None
        self.no_input(statement.name.span)
        if name.id == "main":
            message = Message("`main` is the name of the main output")
            self.report("E107", name.span, message, Message("choose another name"))
        elif name.id in self.heads:
            self.report_taken(name, self.heads[name.id], Message("head"))
        self.heads[name.id] = name
        if statement.when is not None and statement.when.id != "training":
            self.report_mark(statement.when, "training", "head NAME training")
        before, shape = self.current, self.shape
        if statement.when is None:
            body = self.body(statement.body.statements, self.path_scope())
        else:
            # What is named in it is not there while the net infers.
            frame, self.training = self.scope.frame, self.training + 1
            results, frame.results = frame.results, dict(frame.results)
            body = self.body(statement.body.statements, Scope(frame, self.scope))
            self.training, frame.results = self.training - 1, results
        self.outputs[name.id] = body.output
        self.current, self.shape = before, shape
        return tree.Side(statement, body)

    def freeze(self, statement: ast.Freeze) -> Item:
        self.no_input(Span(statement.span.start, statement.body.span.start))
        self.frozen += 1
        body = self.body(statement.body.statements, self.path_scope())
        self.frozen -= 1
        self.name_result(statement.alias)
        return tree.Frozen(statement, body)

    def report_mark(self, word: ast.Name, meant: str, usage: str) -> None:
        """Report a word where but one can stand."""
        message = Message("`{word}` means nothing here", word=word.id)
        help_ = Message("one word can stand here: `{usage}`", usage=usage)
        self.report(
            "E105", word.span, message, help_, rewrite(word.span, self.near(word.id, [meant]))
        )

    def report_paths(self, statement: ast.Paths) -> None:
        """Report paths that stand in no merge, or beside something else in a path of one."""
        message = Message("these paths are no path of a merge")
        help_ = Message(
            "an `if` or `repeat` that holds paths is a path by itself: "
            "`add {{ … | if s == 1 {{ | skip }} }}`"
        )
        self.report("E111", Span(statement.span.start, statement.span.start + 1), message, help_)
        self.shape = None

    def expect(self, statement: ast.Expect) -> None:
        value = self.value(statement.value)
        problem = flaw(statement, value)
        if problem is not None:
            self.report_problem(problem)
        elif statement.metric.id in TOTALS:
            self.assertions.append(Assertion(statement, value, None))
        else:
            self.no_input(statement.metric.span)
            if self.shape is not None:
                notes = tuple(reversed(self.scope.frame.notes))
                node = self.nodes[self.current]
                self.assertions.append(Assertion(statement, value, node, notes))

    # What the first word of a statement means, and calls of blocks

    def apply(self, statement: ast.Apply) -> Item | None:
        word = statement.name.id
        is_own = word in LATER and self.defines(word)
        layer = None if is_own else LAYERS.get(word)
        if layer is not None and statement.paths is None:
            return self.layer(layer, statement)
        is_known = layer is not None or (word in MERGES and not is_own)
        if not is_known and word not in self.blocks:
            meant = self.resolve(statement)
            if meant is None:
                return None
            word = meant
            layer = LAYERS.get(word)
        if word == "skip":
            return self.skip(statement)
        if word == "freeze" and word not in self.blocks:
            self.not_frozen(statement)
            return None
        if statement.paths is not None:
            if word in MERGES and not is_own:
                return self.merge(MERGES[word], statement)
            help_ = Message("merges do: {words}", words=", ".join(MERGES))
            message = Message("`{word}` takes no paths", word=word)
            self.report("E111", statement.name.span, message, help_)
            self.shape = None
            return None
        if word in self.blocks:
            return self.call(self.blocks[word], statement)
        if word in MERGES:
            self.without_paths(word, statement)
            return None
        assert layer is not None
        return self.layer(layer, statement)

    def defines(self, word: str) -> bool:
        """Whether the file gives a word another meaning than that of the language here."""
        return word in self.blocks or self.scope.constant(word, ABSENT) is not ABSENT

    def resolve(self, statement: ast.Apply) -> str | None:
        """The layer, merge or block that a statement's first word means.

        None where another kind of statement was meant, which cannot be read as such.
        """
        name = statement.name
        if name.id == "skip":
            return "skip"
        if name.id == "freeze" and not self.defines("freeze"):
            return "freeze"
        value = self.scope.constant(name.id, ABSENT)
        if isinstance(value, Word) and self.makes_layers(value.id):
            return value.id
        if value is None:
            raise Unknown
        if value is not ABSENT:
            message = Message(
                "`{name}` is {value}, which is no layer", name=name.id, value=show_value(value)
            )
            self.report("E101", name.span, message, Message("pass the name of a layer or block"))
            raise Unknown
        near = self.meant(name.id) or None
        if near is None and self.nameless:
            raise Unknown
        from cnndsl.network.habits import call_of

        call = call_of(self.source, statement)
        if call is not None:
            self.report(call.code, call.span, call.message, call.help, call.fixes, call.notes)
            raise Unknown
        message = Message("there is no layer or block `{word}`", word=name.id)
        help_ = did_you_mean(near)
        if not near:
            from cnndsl.foreign.idioms import idiom

            help_ = idiom(name.id) or Message("the layers are listed by `cnndsl rule E101`")
        self.report("E101", name.span, message, help_, rewrite(name.span, near))
        if near is None:
            raise Unknown
        if near == "skip" or near in STATEMENTS:
            names = [*filter(None, map(_named, statement.args))] if near in _NAMING else []
            self.unreadable(near, names[:1], statement.paths or ())
            return None
        return near

    def not_frozen(self, statement: ast.Apply) -> None:
        """Report `freeze` where it is not written as what it is."""
        message = Message("`freeze` needs braces around what is frozen")
        span = statement.name.span
        if statement.args:
            message, span = Message("`freeze` takes no arguments"), statement.args[0].span
        elif statement.paths is not None:
            message = Message("`freeze` holds statements, and no paths")
        self.report("E103", span, message, Message("it is written `freeze {{ … }}`"))
        self.unreadable("freeze", (), statement.paths or ())

    def call(self, block: ast.Block, statement: ast.Apply) -> Item | None:
        outer = self.scope.frame
        self.no_input(statement.name.span)
        if block.name.id in outer.calls:
            chain = [*outer.calls[outer.calls.index(block.name.id) :], block.name.id]
            message = Message(
                "the block `{word}` calls itself: {calls}",
                word=block.name.id,
                calls=" → ".join(chain),
            )
            help_ = Message("blocks cannot be recursive; use `repeat`")
            self.report("E109", statement.name.span, message, help_)
            raise Unknown
        self.latest = statement.name.span
        self.take_steps(4 + len(block.parameters))
        alias = statement.alias
        word = block.name.id
        name = outer.unique(alias.id) if alias else outer.number(word)
        start, end = statement.span
        text = self.source.text[start : min(end, start + 61)]
        text = text if len(text) <= 60 else text[:57] + "…"
        note = Note(Message("in `{call}`, called here", call=text), statement.span)
        frame = Frame(
            (*outer.instance, name), (*outer.notes, note), (*outer.calls, word), outer.given
        )
        scope = Scope(frame, self.file_scope)
        if not self.pass_arguments(block, statement, scope):
            self.shape = None
            return None
        self.called.add(word)
        calls = self.calls
        self.calls = (*calls, statement)
        first = None
        try:
            if block.mark is None:
                body = self.run_block(block, scope)
            else:
                body, first = self.run_shared(block, scope, statement, outer)
        finally:
            self.calls = calls
        self.name_result(alias)
        results = {**scope.tensors, **frame.results}
        if alias is not None:
            outer.results.update({f"{alias.id}.{each}": results[each] for each in results})
        arguments = dict(scope.constants)
        return tree.Instance(
            statement, block, name, arguments, scope.arguments, body, results, first
        )

    def run_shared(
        self, block: ast.Block, scope: Scope, statement: ast.Apply, outer: Frame
    ) -> tuple[Body, int]:
        """Run a shared block, with the weights of the first call that has the same arguments."""
        values = [value for name, value in scope.constants.items() if name not in scope.arguments]
        key = (block.name.id, *values, *map(type, values))
        known = outer.shared.get(key)
        start, before, failures = len(self.nodes), (self.holders, self.held), self.failures
        is_known = self.shape is not None
        if known is not None:
            self.holders, self.held = list(known.holders), 0
        body = self.body(block.body.statements, scope)
        made = [node for node in self.nodes[start:] if node.layer.all_weights]
        if known is None:
            holders = tuple(node.index for node in made)
            is_sure = is_known and self.shape is not None and self.failures == failures
            known = outer.shared[key] = Sharing(statement, start, holders, is_sure)
        elif known.is_sure and self.failures == failures and self.shape is not None:
            self.same_weights(block, statement, known, made)
        holders_, held = before
        self.holders, self.held = holders_, held + len(made) * (holders_ is not None)
        return body, known.first

    def same_weights(
        self, block: ast.Block, statement: ast.Apply, known: Sharing, made: list[Node]
    ) -> None:
        """Report a call of a shared block that cannot have the weights of the first."""
        word, notes = block.name.id, (Note(Message("the first call"), known.call.span),)
        firsts = [self.nodes[index] for index in known.holders]
        help_ = Message("give both calls tensors of as many channels, or leave `shared` out")
        for one, other in zip(firsts, made):
            if _kept(one) != _kept(other):
                message = Message(
                    "`{word}` shares its weights, and {layer} would have {other} here and {one} in "
                    "the first call",
                    word=word,
                    layer=one.name.rpartition(".")[2],
                    other=_shapes(other),
                    one=_shapes(one),
                )
                help_ = self.flattened(one, other) or help_
                break
            if one.frozen != other.frozen:
                message = Message(
                    "`{word}` shares its weights: frozen in one call, they learn in another",
                    word=word,
                )
                help_ = Message("freeze both calls, or none")
                break
        else:
            if len(firsts) == len(made):
                return
            message = Message(
                "`{word}` shares its weights, and comes to {other} layers with weights here and to "
                "{one} in the first call",
                word=word,
                other=len(made),
                one=len(firsts),
            )
        self.report("E209", statement.span, message, help_, notes=notes)

    def flattened(self, *nodes: Node) -> Message:
        """What to do where two layers get as many channels, flattened from other sizes; else
        nothing."""
        before = [self.nodes[node.inputs[0]] for node in nodes]
        shapes = [self.nodes[each.inputs[0]].output for each in before if each.op == "flatten"]
        if len(shapes) < 2 or shapes[0][-1] != shapes[1][-1]:
            return NOTHING
        return Message(
            "`flatten` gets {one} in the first call and {other} here: give both calls "
            "tensors of one size, or take `gap` in the place of `flatten`",
            one=show(shapes[0]),
            other=show(shapes[1]),
        )

    def run_block(self, block: ast.Block, scope: Scope) -> Body:
        """Run a block's statements, or copy what they came to where all that they see is alike."""
        constants, frame = scope.constants, scope.frame
        is_own = self.holders is None and self.nodes is self.main_nodes
        if scope.arguments or self.shape is None or not is_own:
            return self.body(block.body.statements, scope)
        values = [*constants.values()]
        key = (
            block.name.id,
            self.shape,
            self.depth,
            self.frozen > 0,
            self.training > 0,
            len(self.file_scope.constants),
            *values,
            *map(type, values),
        )
        known = self.recordings.get(key)
        copied = self.replayed(known, scope) if known and not self.unread else None
        if copied is not None:
            return copied
        before, start, steps, outer = self.current, len(self.nodes), self.steps, self.called
        failures, asserted = self.failures, len(self.assertions)
        self.called = set()
        body = self.body(block.body.statements, scope)
        inner, self.called = frozenset(self.called), outer | self.called
        made = range(start, len(self.nodes))
        sure = self.shape is not None and self.assumed.isdisjoint(made) and not self.unread
        if sure and self.failures == failures and len(self.assertions) == asserted:
            self.recordings[key] = Recording(
                start,
                len(self.nodes),
                before,
                body,
                len(frame.prefix),
                len(frame.instance),
                {**scope.tensors, **frame.results},
                len(self.calls),
                self.steps - steps,
                inner,
            )
        return body

    def replayed(self, known: Recording, scope: Scope) -> Body | None:
        """What a call made, as another makes it from here; None where that is too much."""
        frame = scope.frame
        if not known.called.isdisjoint(frame.calls):
            return None  # one of them calls itself from here
        nodes, index, current = self.nodes, len(self.nodes), self.current
        by, start = index - known.start, known.start
        if index + known.end - start - len(self.inputs) > self.limit:
            return None

        def place(old: int) -> int:
            return old + by if old >= start else current

        made: list[Node] = []
        for node in nodes[start : known.end]:
            layer, inputs = node.layer, tuple([place(each) for each in node.inputs])
            fields = tuple([(nodes[at] if at < index else made[at - index]).field for at in inputs])
            seen = fields[0]
            if layer.reach is not None or len(fields) > 1 or layer.output != layer.input:
                try:
                    seen = self.field_after(layer, *fields)
                except LayerError:
                    return None
            name = frame.prefix + node.name[known.prefix :]
            instance = frame.instance + node.instance[known.instance :]
            span, alias, shared = node.span, node.alias, node.shared_with
            if shared is not None:
                shared = place(shared)
            flags = shared, node.frozen, node.training_only
            made.append(
                Node(node.index + by, name, layer, inputs, alias, span, instance, seen, *flags)
            )
        self.take_steps(known.steps)
        self.called |= known.called
        nodes += made
        led = self.led[start : known.end]
        self.led += [self.calls + each[known.calls :] for each in led]
        if self.assumed:
            for node in made:
                if any(each in self.assumed for each in node.inputs):
                    self.assumed.add(node.index)
        if made:
            self.current = place(known.body.output)
            self.shape = nodes[self.current].output
        frame.results = moved_names(known.results, place)
        return moved(known.body, place)

    def pass_arguments(self, block: ast.Block, statement: ast.Apply, scope: Scope) -> bool:
        """Give a block's parameters their values; False where one is missing or wrong."""
        word = block.name.id
        shown = [p.name.id + ("=…" if p.default else "") for p in block.parameters[:8]]
        more = ["…"] * (len(block.parameters) > len(shown))
        usage = " ".join([word, *shown, *more])
        help_ = Message("it is written `{usage}`", usage=usage)
        given: set[str] = set()
        fine = True
        values = self.arguments(statement)
        for (argument, parameter), value in zip(assigned(block, statement), values):
            if isinstance(argument, ast.Stride):
                message = Message("the block `{word}` takes no `/`", word=word)
                self.report("E102", argument.span, message, help_)
                fine = False
                continue
            if parameter is None and isinstance(argument, ast.Keyword):
                key = argument.key
                near = self.near(key.id, (each.name.id for each in block.parameters))
                message = Message(
                    "the block `{word}` has no parameter `{name}`", word=word, name=key.id
                )
                fixes = rewrite(key.span, near)
                self.report("E102", key.span, message, did_you_mean(near) or help_, fixes)
                fine = False
            elif parameter is None:
                count = len(block.parameters)
                message = Message("the block `{word}` takes 1 argument", word=word)
                if count != 1:
                    message = Message(
                        "the block `{word}` takes {count} arguments", word=word, count=count
                    )
                self.report("E104", argument.span, message, help_)
                fine = False
                break  # what follows is one too many as well
            elif parameter.name.id in scope.defined:
                message = Message(
                    "the block `{word}`: `{name}` is given twice",
                    word=word,
                    name=parameter.name.id,
                )
                self.report("E104", argument.span, message, help_)
                fine = False
                given.add(parameter.name.id)
            else:
                self.pass_argument(parameter, argument, value, scope)
                given.add(parameter.name.id)
        waiting = [each for each in block.parameters if each.name.id not in given]
        for parameter in waiting:
            if parameter.default is None:
                message = Message(
                    "the block `{word}` needs `{name}`", word=word, name=parameter.name.id
                )
                self.report("E103", statement.name.span, message, help_)
                fine = False
                break  # of those that lack, too, the first is enough
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
        if isinstance(value, Word) and not self.passes(value.id):
            self.unknown_name(node.span, value.id, tuple(LAYERS))
            return None
        return value

    def passes(self, word: str) -> bool:
        """Whether a word can be an argument of a block."""
        return is_word(word) or word in VALUES or word in self.blocks

    def pass_argument(
        self, parameter: ast.Parameter, argument: ast.Argument, value: Any, scope: Scope
    ) -> None:
        name = parameter.name.id
        scope.defined[name] = parameter.name
        scope.constants[name] = value
        if not isinstance(value, Word):
            return
        node = argument.value
        # A tensor of the caller, by its own name or handed on under a parameter's.
        tensor = self.scope.tensor(node.id if isinstance(node, ast.Name) else value.id)
        if tensor is not None:
            scope.arguments[name] = tensor
        elif not self.passes(value.id):
            scope.constants[name] = None
            self.unknown_name(node.span, value.id, tuple(LAYERS))

    # Layers and merges

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
            words = words_of(kind, argument) if type(node) is ast.Name and kind is not None else ()
            if words:
                assert isinstance(node, ast.Name)
                own = self.word(node)
                is_word = node.id in words and not isinstance(own, Word)
                values.append(Word(node.id) if is_word else own)
                continue
            if type(node) is ast.Name and (
                type(argument) is ast.Positional or (kind and not _takes(kind, argument))
            ):
                values.append(self.word(node))
                continue
            try:
                values.append(self.value(node))
            except (ExpressionError, Unknown) as error:
                self.report_error(error)
                values.append(None)
        return values

    def layer(self, kind: type[Layer], statement: ast.Apply) -> Item | None:
        if problem := called(kind, statement, self.source.text):
            self.report_problem(problem)
            self.shape = None
            return None
        bound = self.bound(kind, statement)
        self.no_input(statement.name.span)
        # A value may be missing that an earlier error hides.
        is_known = self.shape is not None and len(bound.values) == len(bound.spans)
        layer = None
        if is_known and not bound.problems:
            layer = self.make(kind, bound, statement)
        if layer is None:
            return self.suppose(kind, bound, statement)
        seen = self.nodes[self.current].field
        if layer.reach is not None or layer.output != layer.input:
            try:
                seen = self.field_after(layer, seen)
            except LayerError as error:
                self.shape_error(error, statement, statement.name.span, (self.current,))
                return self.suppose(kind, bound, statement)
        node = self.add(layer, (self.current,), seen, statement.span, statement.alias)
        if self.supposed:
            self.assumed.add(node)
            self.supposed = False
        return tree.Step(statement, node, bound.spans)

    def bound(self, kind: type[Layer], statement: ast.Apply) -> BoundArguments:
        """A layer's arguments by its slots, what is wrong with them reported."""
        values = self.arguments(statement, kind)
        args = statement.args
        key = (kind, *values, *map(type, values), *map(_kind_of, args))
        known = self.bindings.get(key)
        if known is not None:
            slots, given = known
            return BoundArguments(given, {slot: args[at].span for slot, at in slots}, [])
        bound = bind(kind, statement, values, self.scope.names(), self.no_value)
        for problem in bound.problems:
            self.report_problem(problem)
        if not bound.problems and len(bound.values) == len(bound.spans):
            # No name decided anything.
            places = {argument.span: index for index, argument in enumerate(args)}
            slots = tuple((slot, places[span]) for slot, span in bound.spans.items())
            self.bindings[key] = slots, bound.values
        return bound

    def field_after(self, layer: Layer, *before: tree.Field) -> tree.Field:
        """The receptive field behind a layer, from those of what it reads. Raises LayerError."""
        key = (layer, before)
        found = self.fields.get(key)
        if found is None:
            found = self.fields[key] = field.after(layer, before)
        return found

    # After an error: layers that are assumed

    def suppose(
        self, kind: type[Layer], bound: BoundArguments, statement: ast.Apply
    ) -> Item | None:
        """Go on after an error with what a layer may give, for those who want to see the rest.

        Its shape proves nothing, unless the layer keeps the one before, or alone decides it.
        """
        self.supposed = False  # the layer that was rounded is not made after all
        units = bound.values.get("units")
        shape: Shape | None = (units,) if isinstance(units, int) else None
        if kind.op in KEEPING:
            shape = self.shape
        is_wanted = self.supposing and bool(self.nodes) and self.current >= 0
        before = self.nodes[self.current].output if is_wanted else None
        layer = self.guess(kind, bound, before) if before is not None else None
        item: Item | None = None
        if layer is not None and before is not None:
            node = self.add_assumed(layer, (self.current,), statement)
            item = tree.Step(statement, node, bound.spans)
        elif shape is not None and kind.op not in KEEPING:
            node = self.add(
                Input({}, shape, self.context), (), field.of_input(shape), Span(0, 0), None
            )
            self.assumed.add(node)
        self.shape = shape
        if shape is None and item is not None:
            self.unknown.add(self.current)
        return item

    def guess(self, kind: type[Layer], bound: BoundArguments, shape: Shape) -> Layer | None:
        """A layer on a shape that is assumed: as it is written, or else so that it fits."""
        key = (kind, tuple(bound.values.items()), shape)
        if key in self.supposes:
            return self.supposes[key]
        values = dict(bound.values)
        activation = values.pop("activation", None)
        layer = None
        if all({slot.name, slot.instead} & {*values} for slot in kind.slots if slot.required):
            needed = {slot.name for slot in kind.slots if slot.required}
            whole = {name: values[name] for name in values if name != "groups" or name in needed}
            fitting = {name: whole[name] for name in whole if name != "pad" or name in needed}
            if any(slot.name == "same" for slot in kind.slots):
                fitting["same"] = True
            for tried in (values, whole, fitting):
                try:
                    layer = kind(tried, shape, self.context._replace(rounding="floor"))
                    if activation is not None:
                        layer.activation = LAYERS[activation]({}, layer.output, self.context)
                    break
                except LayerError:
                    layer = None
        self.supposes[key] = layer
        return layer

    def suppose_merge(
        self,
        kind: type[Merge],
        statement: ast.Apply,
        bodies: Sequence[Body],
        ways: tuple[tree.Way, ...],
        values: Mapping[str, Any],
    ) -> Item | None:
        """Go on after a merge that does not fit as if all paths had the size of the one with
        the most layers."""
        self.shape = None
        inputs = tuple(body.output for body in bodies)
        if not self.supposing or not inputs or min(inputs) < 0:
            return None
        shapes = [self.nodes[index].output for index in inputs]
        longest = max(range(len(bodies)), key=lambda index: len(bodies[index].items))
        fitting = [shapes[longest]] * len(shapes)
        for tried in (shapes, [(*fitting[0][:-1], shape[-1]) for shape in shapes], fitting):
            try:
                layer = kind(values, tuple(tried), self.context)
            except LayerError:
                continue
            node = self.add_assumed(layer, inputs, statement)
            self.shape = None
            self.unknown.add(node)
            return tree.Merged(statement, node, tuple(bodies), ways)
        return None

    def add_assumed(self, layer: Layer, inputs: tuple[int, ...], statement: ast.Apply) -> int:
        """Append a node that an error keeps from being known."""
        seen = self.nodes[inputs[0]].field
        with suppress(LayerError):  # it has been said that something is wrong here
            seen = field.after(layer, tuple(self.nodes[index].field for index in inputs))
        node = self.add(layer, inputs, seen, statement.span, statement.alias)
        self.assumed.add(node)
        return node

    def make(self, kind: type[Layer], bound: BoundArguments, statement: ast.Apply) -> Layer | None:
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
                self.shape_error(error, statement, span, (self.current,))
                if error.code not in ("E201", "E202"):
                    return None
                context = context._replace(rounding="floor")
                self.supposed = True
        assert layer is not None
        if activation is not None:
            layer.activation = LAYERS[activation]({}, layer.output, self.context)
        if context is self.context:
            self.cache[key] = layer
        return layer

    def shape_error(
        self,
        error: LayerError,
        statement: ast.Apply,
        span: Span,
        inputs: tuple[int, ...],
        paths: tuple[ast.Body, ...] = (),
    ) -> None:
        """Report a layer that does not fit on what it reads, which are the nodes `inputs`.

        Those of a merge come of the `paths` that it has.
        """
        first = next((s for s in self.module.statements if isinstance(s, ast.Input)), None)
        fits = error.code == "E105" and first and len(self.nodes[0].output) == 4
        if fits and first and (fixes := without_batch(first, self.nodes[0].output)):
            help_ = Message("shapes leave the batch out: {fix}", fix=fixes[0].title)
            self.report(error.code, span, error.message, help_, fixes)
            return
        self.report(error.code, span, error.message, error.help)

    def skip(self, statement: ast.Apply) -> Item | None:
        if statement.args or statement.paths is not None:
            message = Message("`skip` takes no arguments")
            help_ = Message("write `skip` alone")
            if any("connection" in each.lower() for each in map(_named, statement.args) if each):
                help_ = Message("here it is `{line}`", line="add { skip | … }")
            self.report("E104", statement.span, message, help_)
        self.name_result(statement.alias)
        return tree.Skipped(statement)

    def merge(self, kind: type[Merge], statement: ast.Apply) -> Item | None:
        assert statement.paths is not None
        self.no_input(statement.name.span)
        bound = self.bound(kind, statement) if kind.slots else BoundArguments({}, {}, [])
        for argument in () if kind.slots else statement.args:
            message = Message("{word} takes paths only", word=kind.op)
            self.report("E104", argument.span, message, Message("remove the argument"))
        only = len(statement.paths) == 1 and _held_by(statement.paths[0]) is None
        if only:
            message = Message("`{word}` has one path, and nothing to merge it with", word=kind.op)
            help_ = Message(
                "a bar before the first path says nothing: write `{word} {{ skip | … }}` "
                "where the other path is the tensor itself",
                word=kind.op,
            )
            self.report("E103", statement.name.span, message, help_)
        paths = Paths(self.current, self.shape)
        ways = tuple([self.path(path, paths) for path in statement.paths])
        bodies, shapes = paths.bodies, paths.shapes
        if len(bodies) == 1 and not only:
            self.current, self.shape = bodies[0].output, shapes[0]
            self.name_result(statement.alias)
            return tree.Merged(statement, self.current, tuple(bodies), ways)
        if not bodies and statement.paths and not paths.failed:
            message = Message("`{word}` is left without any path here", word=kind.op)
            help_ = Message("no `if` or `repeat` in it gives a path: add one that is always there")
            self.report("E103", statement.name.span, message, help_)
            self.shape = None
            return None
        known = tuple(shape for shape in shapes if shape is not None)
        if len(known) != len(shapes) or not shapes or paths.failed:
            if not statement.paths:
                self.without_paths(kind.op, statement)
            return self.suppose_merge(kind, statement, bodies, ways, bound.values)
        inputs = tuple(body.output for body in bodies)
        is_known = len(bound.values) == len(bound.spans) and not bound.problems
        if kind.most is not None and len(bodies) > kind.most:
            message = Message(
                "`{word}` has {count} paths, and takes {most}",
                word=kind.op,
                count=len(bodies),
                most=kind.most,
            )
            help_ = Message("join some of them first, as with `add`")
            self.report("E103", statement.name.span, message, help_)
            is_known = False
        if not is_known:
            return self.suppose_merge(kind, statement, bodies, ways, bound.values)
        try:
            layer = kind(bound.values, known, self.context)
            seen = field.after(layer, tuple(self.nodes[index].field for index in inputs))
        except LayerError as error:
            span = bound.spans.get(error.slot, statement.name.span)
            if error.slot.startswith("path "):
                path = paths.written[int(error.slot[5:])]
                if path.statements:
                    span = Span(path.statements[0].span.start, path.statements[-1].span.end)
            self.shape_error(error, statement, span, inputs, tuple(paths.written))
            return self.suppose_merge(kind, statement, bodies, ways, bound.values)
        node = self.add(layer, inputs, seen, statement.span, statement.alias)
        return tree.Merged(statement, node, tuple(bodies), ways)

    def path(self, path: ast.Body, paths: Paths) -> tree.Way:
        """Run a path of a merge, or those that an `if` or a `repeat` in its place holds."""
        self.current, self.shape = paths.current, paths.shape
        held = _held_by(path)
        if held is None:
            paths.bodies.append(self.body(path.statements, self.path_scope()))
            paths.shapes.append(self.shape)
            paths.written.append(path)
            return len(paths.bodies) - 1
        outer = self.scope
        if held.alias is not None:
            message = Message("what comes of several paths has no name")
            help_ = Message("name the merge: write `as {name}` after its `}}`", name=held.alias.id)
            self.report("E111", held.alias.span, message, help_)
        try:
            if isinstance(held, ast.If):
                taken, chosen = self.taken_of(held)
                self.scope = self.path_scope()
                return tree.PathChoice(held, taken, self.paths_in(chosen, paths))
            turns: list[tuple[tree.Way, ...]] = []
            for turn in range(self.times(held)):
                self.latest = held.count.span
                self.steps += 1
                self.scope = Scope(outer.frame, outer)
                if held.index is not None:
                    self.scope.constants[held.index.id] = turn
                    self.scope.defined[held.index.id] = held.index
                turns.append(self.paths_in(held.body, paths))
            return tree.PathLoop(held, tuple(turns))
        except (ExpressionError, Unknown) as error:
            self.report_error(error)
            paths.failed = True
            return (
                tree.PathChoice(held, 0, ())
                if isinstance(held, ast.If)
                else tree.PathLoop(held, ())
            )
        finally:
            self.scope = outer

    def paths_in(self, body: ast.Body | None, paths: Paths) -> tuple[tree.Way, ...]:
        """Run the paths in the braces of an `if` or `repeat`; without bars it is one, if any."""
        if body is None or not body.statements:
            return ()
        first = body.statements[0]
        inner = first.paths if isinstance(first, ast.Paths) else (body,)
        self.depth += 1
        ways = tuple([self.path(path, paths) for path in inner])
        self.depth -= 1
        return ways

    def without_paths(self, word: str, statement: ast.Apply) -> None:
        """Report a merge that has none; what comes out of it is unknown."""
        help_ = Message("write `{word} {{ … | … }}`", word=word)
        self.report("E103", statement.name.span, Message("`{word}` needs paths", word=word), help_)
        self.shape = None

    def path_scope(self) -> Scope:
        """Constants of its own; tensors named inside are in sight outside."""
        scope = Scope(self.scope.frame, self.scope)
        scope.tensors, scope.named = self.scope.tensors, self.scope.named
        return scope

    # Nodes, names and values

    def add_input(self, shape: Shape, span: Span, alias: ast.Name | None) -> None:
        before = (self.current, self.shape)
        try:
            layer = Input({}, shape, self.context)
        except LayerError as error:
            self.report(error.code, span, error.message, error.help)
            self.started = True
            return
        self.add(layer, (), field.of_input(shape), span, alias)
        self.inputs.append(self.current)
        if self.started:
            self.current, self.shape = before
        self.started = True

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        seen: tree.Field,
        span: Span,
        alias: ast.Name | None,
    ) -> int:
        """Append a node and make it the current tensor."""
        index = len(self.nodes)
        if index - len(self.inputs) >= self.limit:
            self.too_large(span, index)
        frame = self.scope.frame
        if alias is None:
            name, given = frame.number(layer.op), None
        else:
            self.name_tensor(alias, index)
            name, given = frame.unique(alias.id), alias.id
        name = frame.prefix + name
        shared = None
        if self.holders is not None and layer.all_weights:
            shared = self.holders[self.held] if self.held < len(self.holders) else None
            if shared is not None and self.nodes[shared].shared_with is not None:
                shared = self.nodes[shared].shared_with
            self.held += 1
        flags = shared, self.frozen > 0, self.training > 0
        self.nodes.append(
            Node(index, name, layer, inputs, given, span, frame.instance, seen, *flags)
        )
        if self.assumed and any(each in self.assumed for each in inputs):
            self.assumed.add(index)
        self.led.append(self.calls)
        self.current = index
        self.shape = layer.output
        return index

    def name_tensor(self, alias: ast.Name, index: int) -> None:
        scope = self.scope
        if self.is_free(alias, Message("a tensor"), scope.named, scope.defined):
            scope.named[alias.id] = alias
            scope.tensors[alias.id] = index

    def name_result(self, alias: ast.Name | None) -> None:
        """Give the current tensor the name that a statement ends in, if it has one."""
        if alias is not None and (self.shape is not None or self.current in self.unknown):
            self.name_tensor(alias, self.current)

    def is_free(self, name: ast.Name, what: Message, *taken: Mapping[str, ast.Name]) -> bool:
        """Whether a name can be given to something; reports where it cannot.

        `taken` are the names that the scope has given already.
        """
        if reserved(name.id):
            self.report_reserved(name, what)
            return False
        block = self.blocks.get(name.id)
        first = block.name if block is not None else None
        first = first or next((names[name.id] for names in taken if name.id in names), None)
        if first is not None:
            self.report_taken(name, first, Message("name"))
        return first is None

    def value(self, node: ast.Expr) -> Any:
        return evaluate(node, self.look_up)

    def look_up(self, name: ast.Name) -> Any:
        word = name.id
        if word in SIZES:
            return self.own_size(name)
        value = self.scope.constant(word, ABSENT)
        if value is ABSENT:
            if self.known(word):
                return Word(word)
            self.unknown_name(name.span, word)
        if value is ABSENT or value is None:
            raise Unknown
        return value

    def known(self, word: str) -> bool:
        """Whether a word means something here: a layer, a flag, a block, a tensor."""
        return is_word(word) or word in self.blocks or self.scope.tensor(word) is not None

    def unknown_name(self, span: Span, word: str, others: Sequence[str] = ()) -> None:
        """Report a name that nothing in sight defines, unless an earlier error took it away."""
        if ("E106", span) not in self.reported and not self.lost(word):
            seen = self.scope.names(), self.scope.tensor_names(), self.blocks
            self.report_problem(unknown(span, word, self.near(word, *seen, others)))

    def no_value(self, name: ast.Name) -> Problem | None:
        """What to say of a name that stands in the place of a value and has none."""
        if self.lost(name.id):
            return None
        is_block = name.id in self.blocks
        if not is_block and self.scope.tensor(name.id) is None:
            if ("E106", name.span) in self.reported:
                return Problem("E106", name.span, NOTHING)  # it has been said
            return unknown(name.span, name.id, self.near(name.id, self.scope.names()))
        message = Message("`{name}` is a tensor, and no value", name=name.id)
        if is_block:
            message = Message("`{name}` is a block, and no value", name=name.id)
        help_ = Message("write a number, or the name of a constant")
        return Problem("E105", name.span, message, help_)

    def own_size(self, name: ast.Name) -> int:
        self.no_input(name.span)
        if self.shape is None:
            raise Unknown
        if len(self.shape) - 1 not in _RANKS[name.id]:
            message = Message(
                "the current tensor, {shape}, has no `{size}`", shape=show(self.shape), size=name.id
            )
            help_ = (
                Message("it has C"),
                Message("it has L and C"),
                Message("it has H, W and C"),
                Message("it has D, H, W and C"),
            )[len(self.shape) - 1]
            raise ExpressionError("E106", name.span, message, help_)
        return self.shape[SIZES[name.id]]

    def no_input(self, span: Span) -> None:
        """Report, once, that something stands before any input."""
        if not self.started and not self.excused:
            message = Message("there is no `input` before this")
            self.report("E112", span, message, Message("begin with, say, `input 28x28x1`"))
        self.excused = True

    def word(self, name: ast.Name) -> Any:
        """A bare name as an argument: a constant's value, or the word itself."""
        if name.id in SIZES:
            try:
                return self.own_size(name)
            except Unknown:
                return None
        return self.scope.constant(name.id, Word(name.id))

    def lost(self, name: str) -> bool:
        """Whether a name is unknown because of an error in what should define it."""
        first = name.partition(".")[0] if isinstance(name, str) else name  # `u` of `u.low`
        is_lost = self.scope.constant(first, ABSENT) is None or first in self.scope.frame.lost
        return is_lost or self.nameless

    # Problems

    def report(
        self,
        code: str,
        span: Span,
        message: Message,
        help_: Message = NOTHING,
        fixes: tuple[Fix, ...] = (),
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Note a problem, once for each place."""
        self.steps += 10
        self.failures += 1
        if self.muted:
            return
        if (code, span) in self.reported:
            return
        self.reported.add((code, span))
        if not self.problems:
            self.sound = len(self.main_nodes)
        self.places.setdefault(span, len(self.main_nodes))
        calls = tuple(reversed(self.scope.frame.notes))
        if len(calls) > 6:
            left_out = Message("and {count} calls further out", count=len(calls) - 5)
            calls = (*calls[:4], Note(left_out), calls[-1])
        notes += calls
        self.problems.append(Diagnostic(code, self.source, span, message, help_, notes, fixes))
        if len(self.problems) >= MAX_PROBLEMS:
            self.give_up(Message("these are {count:,}", count=MAX_PROBLEMS))

    def report_problem(self, problem: Problem) -> None:
        self.report(problem.code, problem.span, problem.message, problem.help, problem.fixes)

    def report_error(self, error: ExpressionError | Unknown) -> None:
        """Report why an expression has no value, unless that has been said."""
        if isinstance(error, ExpressionError):
            self.report(error.code, error.span, error.message, error.help)

    def report_inside(
        self, statement: ast.Statement, help_: Message = Message("move it out")  # noqa: B008
    ) -> None:
        """Report a statement inside braces that has its place at the top of a file."""
        word = type(statement).__name__.lower()
        message = Message("`{word}` stands at the top of a file, not inside braces", word=word)
        self.report("E111", statement.span, message, help_)

    def report_reserved(self, name: ast.Name, what: Message) -> None:
        message = Message(
            "`{name}` is a word of the language and cannot name {what}", name=name.id, what=what
        )
        self.report("E107", name.span, message, Message("choose another name"))

    def report_taken(self, name: ast.Name, first: ast.Name, what: Message) -> None:
        message = Message("the {what} `{name}` is defined twice", what=what, name=name.id)
        notes = (Note(Message("it is first defined here"), first.span),)
        self.report("E107", name.span, message, Message("choose another name"), notes=notes)

    def too_large(self, span: Span, total: int) -> None:
        message = Message(
            "the net comes to at least {count:,} layers, beyond the limit of {limit:,}",
            count=min(total, 10**15),
            limit=self.limit,
        )
        help_ = Message("repeat less, or raise the limit with `--limit`")
        self.report("E302", span, message, help_)
        raise Stop

    def take_steps(self, count: int) -> None:
        """Count what is run in loops and calls; refuse what goes round and round for nothing."""
        self.steps += count
        times = max(1, self.limit // DEFAULT_LIMIT)
        if self.steps <= times * (MAX_STEPS + STEPS_PER_LAYER * len(self.nodes)):
            return
        if self.problems:
            self.give_up(Message("it takes long"))
        made = len(self.nodes) - len(self.inputs)
        message = Message(
            "loops and calls run {steps:,} steps, and come to {layers:,} layers",
            steps=self.steps,
            layers=made,
        )
        limit = f"{times + 1}_000_000"
        help_ = Message("repeat less, or allow more with `--limit {limit}`", limit=limit)
        self.report("E302", self.latest, message, help_)
        raise Stop

    def give_up(self, why: Message) -> NoReturn:
        """Stop, and say at the last problem that there may be more."""
        note = Note(Message("there may be more; checking ends here, as {why}", why=why))
        self.problems[-1] = self.problems[-1]._replace(notes=(*self.problems[-1].notes, note))
        raise Stop


def unknown(span: Span, word: str, near: str | None) -> Problem:
    from cnndsl.network.habits import size_of_names

    if near is None and (problem := size_of_names(span, word)):
        return problem
    help_ = did_you_mean(near) or Message("a constant is defined by `let {word} = …`", word=word)
    message = Message("nothing here is called `{word}`", word=word)
    return Problem("E106", span, message, help_, rewrite(span, near))


def without_batch(statement: ast.Input, shape: Shape) -> tuple[Fix, ...]:
    """The fix of an input whose size begins with a batch; none where it does not seem so."""
    from cnndsl.network.habits import batch

    size = batch(shape)
    return rewrite(statement.size.span, size) if size else ()


def _held_by(path: ast.Body) -> ast.If | ast.Repeat | None:
    """The `if` or `repeat` that is all of a path, and holds paths; None for none."""
    if len(path.statements) != 1:
        return None
    (held,) = path.statements
    if not isinstance(held, (ast.If, ast.Repeat)):
        return None
    inner = walk.bodies(held)
    return (
        held
        if any(isinstance(each, ast.Paths) for body in inner for each in body.statements)
        else None
    )


def _is_one_layer(statement: ast.Statement) -> bool:
    """Whether a statement comes to one layer at most, whatever the constants are."""
    if isinstance(statement, ast.Apply):
        word = statement.name.id
        return statement.paths is None and word in LAYERS and word not in LATER
    return not isinstance(statement, (ast.Repeat, ast.If, ast.Head, ast.Freeze, ast.Bad))


def _kind_of(argument: ast.Argument) -> type | str:
    """How an argument is given: its keyword, or the kind of its node."""
    return argument.key.id if type(argument) is ast.Keyword else type(argument)


def _named(argument: ast.Argument) -> str:
    """The name that an argument is, or is given under; empty for none."""
    if isinstance(argument, ast.Keyword):
        return argument.key.id
    return argument.value.id if isinstance(argument.value, ast.Name) else ""


def _kept(node: Node) -> list[tuple[str, Shape]]:
    """The roles and shapes of what a layer keeps."""
    return [(each.role, each.shape) for each in node.layer.all_weights]


def _shapes(node: Node) -> str:
    """The shape of the largest of the arrays that a layer keeps."""
    return show(max((each.shape for each in node.layer.all_weights), key=len))


def _takes(kind: type[Layer], argument: ast.Argument) -> bool:
    """Whether a layer has the keyword of an argument; what has none counts as taken."""
    if not isinstance(argument, ast.Keyword):
        return True
    key = argument.key.id
    # `pad=same` stands for a flag.
    word = argument.value.id if isinstance(argument.value, ast.Name) else ""
    flags = [slot.name for slot in kind.slots if slot.form == "flag"]
    keys = [slot.name for slot in kind.slots if slot.form == "key"]
    return key in keys and word not in (*flags, "valid", "causal", "reflect", "replicate")
