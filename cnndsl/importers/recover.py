"""Blocks and loops of a net that has been written out: what its author would have written.

Runs of statements that come again, but for their arguments, become blocks: those first that make
the text shortest, and parts of the source before others. A run that differs from the others in a
stretch that it lacks is one of them. Loops are found last, among the calls.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import isclose
from typing import Any, NamedTuple

from cnndsl.importers.graph import Graph
from cnndsl.importers.nest import Nested
from cnndsl.importers.statements import (
    Const,
    Doubled,
    Expr,
    Shifted,
    Statement,
    Text,
    bulk,
    call_text,
    concrete,
    folded,
    free_name,
    is_taken,
)
from cnndsl.importers.unify import (
    Block,
    Facts,
    Rates,
    Solver,
    Unalike,
    call_of_block,
    columns,
    shrinking,
)
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.layers.base import Layer

Run = list[Statement]


class Recovered(NamedTuple):
    """A net in statements: its blocks, and its body with its heads."""

    blocks: list[Block]
    body: tuple[Text, ...]

    @property
    def length(self) -> int:
        """How many characters it takes."""
        return sum(len(each.flat()) for each in (*(b.text() for b in self.blocks), *self.body))


class Place(NamedTuple):
    """A run of statements that may become a call.

    Where others have a merge, `wrapped`, it may have but the one path of it: the first `body`
    statements.
    """

    run: Run
    begin: int
    length: int
    wrapped: Statement | None = None
    body: int = 0


def recover(
    graph: Graph,
    nested: Nested,
    names: Mapping[int, str],
    flat: bool,
    banned: frozenset[Any] = frozenset(),
    direct: bool = False,
) -> Recovered:
    """A nested graph with its blocks and loops; if `flat`, without.

    `names` are those of the operations that have one, and `banned` what shall be no block.
    Blocks take rates that grow with the depth by their order, or, if `direct`, as they are.
    """
    return _Recovery(graph, nested, names, banned, direct).run(flat)


MOST_STATEMENTS = 24
"""How many statements of a run may be one block."""

MOST_SHARED = 80
"""How many statements of a run may have weights that others have, too."""

LEAST_GAIN = 24
"""How many characters a block must save."""

MOST_PARAMETERS = 12
"""How many parameters a block may have."""

NAME = 8
"""How many characters count for the name of a block."""

COSTLY = 20
"""How many characters a flag of a block must save: whoever reads it has two blocks to see."""

WIDTH = 100
"""How many characters a line may have."""

LEAST_SAVED = 60
"""How many characters a block without parameters and paths must save in the end."""

MOST_INSTANCES = 40
"""Of how many instances each is tried to be left out."""

MOST_TRIED = 16
"""How many candidates are worked out in each round."""


def underused(found: Recovered, kept: Collection[Any]) -> Any:
    """The key of a block that saves too little, and is none of those that are kept; None where
    there is none."""
    sites: defaultdict[str, list[int]] = defaultdict(list)
    stack = [(1, each) for each in found.body]
    stack += [(1, text) for block in found.blocks for text in block.body]
    while stack:
        times, text = stack.pop()
        words = text.head.split(" ")
        sites[words[0]] += [len(text.head)] * times
        if words[0] == "repeat" and len(words) > 2:  # without its block it would be no loop
            times *= int(words[1])
        stack += [(times, each) for body in text.bodies or () for each in body]
    names = {block.name for block in found.blocks}
    for block in found.blocks:
        if block.shared or block.key in kept:
            continue
        whole = len(block.text().flat())
        inner = whole - len(block.head()) - len(" {  }")
        name, calls = beyond(block.name), sites[block.name]
        saved = sum(inner - length + name for length in calls) - whole + name
        plain = not block.params and not any(text.bodies for text in block.body)
        least = LEAST_SAVED if plain else 0
        calls_one = {text.head.split(" ")[0] for text in block.body} & names
        if calls_one and len(block.body) == 2 and not any(text.bodies for text in block.body):
            least = WIDTH  # a block and one more layer are said as well without it
        if saved < least:
            return block.key
    return None


def beyond(name: str) -> int:
    """By how much a name is too long to count: a class with a long name is no worse."""
    return max(0, len(name) - NAME)


def with_heads(graph: Graph, nested: Nested, names: Mapping[int, str]) -> Run:
    """The statements of a nested graph, its heads among them."""
    first = next(index for index, op in enumerate(graph.ops) if op.word == "input")
    main = concrete(graph, nested.body, graph.ops[first].shape, names)
    for side in nested.sides:
        shape = graph.ops[side.start].shape
        body = concrete(graph, side.body, shape, names)
        word = side.output.name + " training" * side.output.training
        if side.start in names:
            body.insert(0, Statement("jump", names[side.start], {}, shape, shape, side.start))
        head = Statement("head", word, {}, shape, shape, side.start, (body,))
        places = [number + 1 for number, each in enumerate(main) if each.op == side.start]
        at = len(main) if side.start in names else max(places, default=0)
        main.insert(at, head)
    return main


class Growth(NamedTuple):
    """A loop over so many statements: the `value`, by its slot, of the one at a `place`."""

    period: int
    turns: int
    place: int
    value: dict[str, Expr]


class Found(NamedTuple):
    """A candidate for a block."""

    places: list[Place]
    block: Block
    gain: float
    key: Any


class _Recovery:
    def __init__(
        self,
        graph: Graph,
        nested: Nested,
        names: Mapping[int, str],
        banned: frozenset[Any],
        direct: bool,
    ) -> None:
        self.graph, self.banned = graph, banned
        self.names = names
        self.main = with_heads(graph, nested, names)
        self.blocks: dict[str, Block] = {}
        self.jumps = _jumps(self.main)
        self.rates = rates_of(graph)._replace(direct=direct)
        self.partners = shared_groups(graph)
        # In most nets nothing is named, shared or frozen.
        frozen = {op.frozen for op in graph.ops if op.layer.all_weights}
        self.is_simple = not (self.jumps or self.partners or names or len(frozen) > 1)
        self.scopes = scopes(graph)
        self.parts = Counter(self.scopes.values())

    def run(self, flat: bool) -> Recovered:
        self.share()
        if not flat:
            for only_layers in (True, False):
                while (found := self.best(only_layers)) is not None:
                    self.replace(found)
        return Recovered([*self.blocks.values()], self.texts(self.main))

    # Statements

    def runs(self) -> Iterator[Run]:
        """All runs of statements: bodies, and the paths in them."""
        stack = [self.main]
        while stack:
            run = stack.pop()
            yield run
            for each in run:
                stack.extend(path for path in each.paths if isinstance(path, list))

    def layer_of(self, statement: Statement) -> Layer | None:
        """The layer of a statement that has arguments; None for a call, or a merge of one path."""
        layer = self.graph.ops[statement.op].layer
        return layer if statement.kind != "call" and layer.op == statement.word else None

    def cuts(self, place: Place) -> bool:
        """Whether a run begins or ends between a convolution and its norm, a norm and its
        activation, or two turns of a loop.
        """
        run, begin, end = place.run, place.begin, place.begin + place.length
        for period in range(1, min(place.length, 4)):
            if self.repeats(run, begin, period) or self.repeats(run, end - period, -period):
                return True
        first, last = self.graph.ops[run[begin].ops[0]].word, self.last_word(run[end - 1])
        before = self.last_word(run[begin - 1]) if begin else ""
        after = run[end].word if end < len(run) else ""
        if first in NORMS and run[begin].kind == "layer" and before in _WEIGHTY:
            return True
        if run[begin].word in ACTIVATIONS and (
            before in NORMS or before in _WEIGHTY or before == "add"
        ):
            return True
        return (last in _WEIGHTY and after in NORMS) or (last == "add" and after in ACTIVATIONS)

    def repeats(self, run: Run, at: int, period: int) -> bool:
        """Whether some statements are those before them, or those behind for a period below 0."""
        other = at - period
        count = abs(period)
        return 0 <= other <= len(run) - count and all(
            self.form(run[at + step]) == self.form(run[other + step]) for step in range(count)
        )

    def last_word(self, statement: Statement) -> str:
        """The layer that gives what a statement gives."""
        return self.graph.ops[statement.op].word

    def has(self, statement: Statement, words: Collection[str]) -> bool:
        """Whether one of some layers stands in a statement, or in what it calls."""
        return any(self.graph.ops[op].word in words for op in statement.ops)

    def text(self, statement: Statement, grown: Mapping[str, Expr] = {}) -> Text:
        """A statement as it is written; `grown` are arguments that vary with a loop."""
        name = statement.name
        if statement.kind == "jump":
            return Text(f"from {statement.word}")
        if statement.kind == "head":
            return Text(f"head {statement.word}", (self.texts(statement.paths[0]),))
        values: dict[str, Any] = {slot: Const(value) for slot, value in statement.slots.items()}
        for slot in self.rate_slots(statement):
            if order := self.rates.orders.get(statement.slots[slot]):
                values[slot] = self.rates.said(Const(order))
        values.update(grown)
        if statement.kind == "call":
            head = call_of_block(self.blocks[statement.word], values)
            pools = "pool" in self.last_word(statement)
            return Text(head, None, False, name, shrinking(statement, pools))
        head = call_text(statement.word, values, self.layer_of(statement))
        if statement.kind == "merge":
            bodies = tuple(self.texts(path) for path in statement.paths)
            return Text(head, bodies, True, name)
        return Text(head, None, False, name, shrinking(statement))

    def rate_slots(self, statement: Statement) -> list[str]:
        """The arguments of a statement that are rates which grow with the depth."""
        if statement.kind == "call":
            params = self.blocks[statement.word].params
            return [each.name for each in params if each.slot == "rate"]
        return ["rate"] if statement.word == "droppath" else []

    def texts(self, run: Sequence[Statement]) -> tuple[Text, ...]:
        """The statements of a run, with its loops and what is frozen."""
        result: list[Text] = []
        at = 0
        while at < len(run):
            state = self.frozen(run[at])
            end = at + 1
            while end < len(run) and self.frozen(run[end]) in (state, None) and state is not None:
                end += 1
            while end > at + 1 and self.frozen(run[end - 1]) is None:
                end -= 1
            part = self.unfrozen(run[at:end])
            result += [Text("freeze", (part,))] if state else part
            at = end
        return folded(result)

    def frozen(self, statement: Statement) -> bool | None:
        """Whether nothing in a statement learns; None where nothing could, and for a mixture."""
        ops = map(self.graph.ops.__getitem__, statement.ops)
        found = {op.frozen for op in ops if op.layer.all_weights}
        return found.pop() if len(found) == 1 else None

    def unfrozen(self, run: Sequence[Statement]) -> tuple[Text, ...]:
        """The statements of a run, with loops in which one argument grows."""
        result = []
        at = 0
        while at < len(run):
            growth = self.growth(run, at)
            if growth is None:
                result.append(self.text(run[at]))
                at += 1
                continue
            turn = run[at : at + growth.period]
            body = [
                self.text(each, growth.value if place == growth.place else {})
                for place, each in enumerate(turn)
            ]
            shrinks = max(each.shrinks for each in body)
            head = f"repeat {growth.turns} as i"
            result.append(Text(head, (tuple(body),), False, "", shrinks))
            at += growth.period * growth.turns
        return folded(result)

    def growth(self, run: Sequence[Statement], at: int) -> Growth | None:
        """The loop that begins at a statement in which one argument grows with each turn."""
        for period in range(1, 4):
            turn, other = run[at : at + period], run[at + period : at + 2 * period]
            grown = [
                (place, slot)
                for place, (one, two) in enumerate(zip(turn, other))
                for slot in one.slots
                if one.slots[slot] != two.slots.get(slot)
            ]
            if len(other) < period or len(grown) != 1:
                continue
            place, slot = grown[0]
            steps = self.steps(turn[place], slot)
            count = 1
            while steps is not None and self.goes_on(
                run[at + count * period :][:period], turn, place, slot, steps(count)
            ):
                count += 1
            if steps is not None and count > (1 if steps(1) == steps(0) + 1 else 2):
                value = self.grown(turn[place], slot)
                return Growth(period, count, place, {slot: value})
        return None

    def steps(self, statement: Statement, slot: str) -> Callable[[int], int] | None:
        """How an argument may grow: an order by one with each turn, a width to the double."""
        kind, begin = self.kind(statement, slot), self.order(statement, slot)
        if type(begin) is not int:
            return None
        if kind in ("order", "rate"):
            return lambda turn: begin + turn
        return (lambda turn: begin * 2**turn) if kind in ("filters", "units") else None

    def grown(self, statement: Statement, slot: str) -> Expr:
        """The argument that grows, in terms of the turn `i`."""
        kind, begin = self.kind(statement, slot), self.order(statement, slot)
        assert begin is not None
        if kind in ("filters", "units"):
            return Doubled(begin, "i")
        line = Shifted(begin, "i")
        return line if kind == "order" else self.rates.said(line)

    def goes_on(
        self,
        turn: Sequence[Statement],
        first: Sequence[Statement],
        place: int,
        slot: str,
        step: int,
    ) -> bool:
        """Whether a turn of a loop is the first but for one argument, which has gone a step on."""
        if len(turn) < len(first):
            return False
        for number, (one, two) in enumerate(zip(first, turn)):
            if one.key != two.key or one.word != two.word or one.name or two.name:
                return False
            if one.paths or one.kind in ("jump", "head") or one.targets != two.targets:
                return False
            slots = two.slots
            if number == place:
                if self.order(two, slot) != step:
                    return False
                slots = {**slots, slot: one.slots[slot]}
            if slots != one.slots:
                return False
        return True

    def kind(self, statement: Statement, slot: str) -> str:
        """What an argument is: a slot of a layer, or that of a block's parameter."""
        if statement.kind == "call":
            params = self.blocks[statement.word].params
            return next(each.slot for each in params if each.name == slot)
        return "rate" if statement.word == "droppath" else slot

    def order(self, statement: Statement, slot: str) -> int | None:
        """The number that may grow: of a rate, which step of the growing rates it is."""
        value = statement.slots.get(slot)
        if self.kind(statement, slot) != "rate" or value == 0:
            return value
        return self.rates.orders.get(value) if value is not None else None

    # Shared weights

    def share(self) -> None:
        """Make shared blocks of what is called several times with the same weights.

        Those that look alike are one block, whose calls have other weights where they stand in
        other calls, or have other arguments.
        """
        while self.partners:
            found: dict[Any, list[Place]] = defaultdict(list)
            for run in self.runs():
                for begin in range(len(run)):
                    signature: tuple[Any, ...] = ()
                    if not self.keeps(run[begin]):
                        continue  # what keeps nothing is shared anyway
                    for end in range(begin, min(len(run), begin + MOST_SHARED)):
                        each = run[end]
                        if each.kind in ("jump", "head") or not self.is_shared(each):
                            break
                        signature += (self.signature(each),)
                        found[signature].append(Place(run, begin, end - begin + 1))
                        if each.name:
                            break
            candidates = []
            for signature, places in found.items():
                places = apart(places)
                run = self.statements(places[0])
                weight = sum(self.weighty(each) for each in run)
                calls = any(each.kind == "call" for each in run)
                if len(places) > 1 and weight and not (calls and self.reaches_out(places)):
                    candidates.append((len(places), weight, -len(signature), places))
            if not candidates:
                return
            # Those first that are shared most often, as others may have them in them.
            best = max(candidates, key=lambda each: each[:3])
            key = tuple(each.key for each in self.statements(best[3][0]))
            groups = [best[3]]
            if "shared" not in self.banned:
                for *_, places in sorted(candidates, key=lambda each: each[:2], reverse=True):
                    run = self.statements(places[0])
                    taken = {
                        id(each) for group in groups for p in group for each in self.statements(p)
                    }
                    if tuple(each.key for each in run) == key and not any(
                        id(each) in taken for p in places for each in self.statements(p)
                    ):
                        groups.append(places)
            instances = [self.statements(group[0]) for group in groups]
            block = Block(self.name_of(instances), instances)
            block.shared, block.key = True, "shared" if len(groups) > 1 else None
            try:
                self.solve(block)
            except Unalike:
                groups = groups[:1]
                block = Block(block.name, instances[:1])
                block.shared = True
                self.solve(block)
            self.blocks[block.name] = block
            self.calls(block, [(n, place) for n, group in enumerate(groups) for place in group])

    def reaches_out(self, places: Sequence[Place]) -> bool:
        """Whether something outside has weights that some runs have, too."""
        ops = {op for place in places for op in self.ops_of(place)}
        return any(not self.partners[op] <= ops for op in ops if op in self.partners)

    def solve(self, block: Block) -> None:
        """Work out what stands in a block. Raises Unalike."""
        facts = Facts(self.blocks, self.layer_of, self.has, self.rates)
        Solver(block, columns(block.instances), facts)

    def is_shared(self, statement: Statement) -> bool:
        """Whether all weights in a statement are those of others, too; true for none."""
        return all(op in self.partners for op in statement.ops if self.graph.ops[op].weights)

    def keeps(self, statement: Statement) -> bool:
        """Whether there are weights in a statement."""
        return any(self.graph.ops[op].layer.all_weights for op in statement.ops)

    def signature(self, statement: Statement) -> Any:
        keys = tuple(
            tuple(taken.key for taken in self.graph.ops[op].weights.values())
            for op in statement.ops
        )
        return self.text(statement)._replace(alias="").same, keys

    def weighty(self, statement: Statement) -> int:
        """How many operations with weights stand in a statement that is no call."""
        if statement.kind == "call":
            return 0
        return sum(bool(self.graph.ops[op].weights) for op in statement.ops)

    # Candidates

    def best(self, only_layers: bool) -> Found | None:
        """The block that saves most; None where none saves enough."""
        found: dict[Any, list[Place]] = defaultdict(list)
        for run in self.runs():
            for begin in range(len(run)):
                key: tuple[Any, ...] = ()
                for end in range(begin, min(len(run), begin + MOST_STATEMENTS)):
                    each = run[end]
                    if each.kind == "head" or (
                        only_layers and (each.kind != "layer" or end - begin >= 6)
                    ):
                        break
                    key += (each.key,)
                    found[key].append(Place(run, begin, end - begin + 1))
        self.index = found
        rough = []
        for key, places in found.items():
            if key in self.banned or not self.is_substantial(key, places[0]):
                continue
            if only_layers and not _is_unit(places[0]) and not _is_separable(places[0]):
                continue
            if 5 * sum(map(self.cuts, places)) >= 4 * len(places):
                continue
            places = [place for place in apart(places) if self.is_closed(place)]
            if len(places) < 2:
                continue
            several = len(self.once(places))
            if several > 1:
                run = self.statements(places[0])
                weight = 2 if self.scope_of(run) else 1  # as `unified` has it
                rough.append((weight * sum(map(self.length, run)) * (several - 0.5), key, places))
        rough.sort(key=lambda each: -each[0])
        results = []
        for _, key, places in rough[:MOST_TRIED]:
            result = self.tried(key, places, only_layers)
            if result is not None and result.gain >= LEAST_GAIN:
                results.append(result)
        found_best = max(results, key=lambda each: each.gain, default=None)
        return found_best and self.without_outliers(found_best)

    def without_outliers(self, found: Found) -> Found:
        """The same block without an instance that alone is why it has some of its parameters."""
        count = len(found.block.params)
        if count < 3 or not 3 < len(found.places) <= MOST_INSTANCES:
            return found
        for place in found.places:
            rest = [each for each in found.places if each is not place]
            fewer = self.unified(found.key, rest)
            if fewer is not None and len(fewer.block.params) <= count - 2:
                return self.without_outliers(fewer)
        return found

    def statements(self, place: Place) -> Run:
        """The statements of a place, in the form that its block has."""
        run = place.run[place.begin : place.begin + place.length]
        merge = place.wrapped
        if merge is None:
            return run
        body, tail = run[: place.body], run[place.body :]
        one = Statement(
            "merge",
            merge.word,
            merge.slots,
            body[0].before,
            body[-1].after,
            body[-1].op,
            (body,),
            "",
            merge.key,
        )
        return [one, *tail]

    def length(self, statement: Statement) -> int:
        """How many characters a statement takes, and what goes before the next."""
        return len(self.form(statement)) + 2

    def form(self, statement: Statement) -> str:
        """A statement on one line."""
        if statement.form is None:
            statement.form = self.text(statement).flat()
        return statement.form

    def once(self, places: Sequence[Place]) -> list[Place]:
        """Runs without those that are the same as the run right before them: a loop says them."""
        found = []
        before: Place | None = None
        for place in places:
            run, at, length = place.run, place.begin, place.length
            follows = before is not None and before.run is run and before.begin + length == at
            if not follows or any(
                self.form(run[at + step]) != self.form(run[at + step - length])
                for step in range(length)
            ):
                found.append(place)
            before = place
        return found

    def is_substantial(self, key: tuple[Any, ...], place: Place) -> bool:
        """Whether a run is more than one layer, or than a call with an activation behind it, and
        no repetition of a shorter one.
        """
        run = place.run[place.begin : place.begin + place.length]
        if len(key) == 1 and run[0].kind != "merge":
            return False
        if not any(each.kind == "merge" for each in run):
            words = {each.word for each in run}
            if all(each.kind == "layer" for each in run) and not words & NORMS:
                return False  # a person writes convolutions out
            if sum(each.kind == "call" or len(each.slots) > 0 for each in run) < 2:
                return False
        if sum(self.has(each, MERGES) for each in run) > 1 and not self.scope_of(run):
            return False  # blocks in a row are a loop, or calls
        for each in run:
            if each.kind == "merge" and _holds(key, tuple(one.key for one in longest(each))):
                return False  # it is followed by, or follows, the same without the merge
        for period in range(1, len(key) // 2 + 1):
            if len(key) % period == 0 and key[:period] * (len(key) // period) == key:
                return False
        return run[0].kind != "jump" and run[-1].kind != "jump"

    def is_closed(self, place: Place) -> bool:
        """Whether nothing in a run is named for others, nor names what is outside."""
        if self.is_simple:
            return True
        run = place.run[place.begin : place.begin + place.length]
        named, jumps = _names(run[:-1]), _jumps(run)
        last = run[-1]
        inner = _names([path for way in last.paths for path in way])
        inside = {**named, **inner}
        if any(each.name and each.kind == "jump" for each in run):
            return False
        if any(self.jumps[op] != jumps[op] for op in inside):
            return False
        ops = {op for each in run for op in each.ops}
        shared = {op for op in ops if op in self.partners}
        if any(not self.partners[op] <= ops for op in shared):
            return False
        states = {self.frozen(each) for each in run if self.keeps(each)}
        return len(states) <= 1 and None not in states

    def tried(self, key: tuple[Any, ...], places: list[Place], strict: bool) -> Found | None:
        """The block of some runs and, unless `strict`, of those that lack a stretch of them."""
        best = self.unified(key, places)
        if best is None or strict:
            return best
        for others in self.families(key, places):
            taken = {op for p in best.places for each in self.statements(p) for op in each.ops}
            more = [place for place in others if not taken & self.ops_of(place)]
            result = self.unified(key, apart([*best.places, *more])) if more else None
            if result is not None and result.gain > best.gain:
                best = result
        return best

    def ops_of(self, place: Place) -> set[int]:
        return {op for each in self.statements(place) for op in each.ops}

    def families(self, key: tuple[Any, ...], places: list[Place]) -> Iterator[list[Place]]:
        """Runs that could be calls of the same block, each family of one form."""
        run = self.statements(places[0])
        taken = {op for place in places for each in self.statements(place) for op in each.ops}
        first = run[0]
        if first.kind == "merge" and first.word in ("add", "mul") and len(first.paths) == 2:
            body = tuple(each.key for each in longest(first))
            for form in _shorter(body):
                if form != body:
                    yield self.like(((*first.key[:3], form, *first.key[4:]), *key[1:]), taken)
                yield [
                    place._replace(wrapped=first, body=len(form))
                    for place in self.like((*form, *key[1:]), taken)
                ]
        if len(key) > 2:
            for form in _shorter(key):
                if form != key:
                    yield self.like(form, taken)

    def like(self, key: tuple[Any, ...], taken: set[int]) -> list[Place]:
        """The runs of some keys whose operations are not taken."""
        found = []
        for place in self.index.get(key, ()):
            run = place.run[place.begin : place.begin + place.length]
            if "jump" in (run[0].kind, run[-1].kind):
                continue
            if not any(op in taken for each in run for op in each.ops) and self.is_closed(place):
                found.append(place)
        return found

    def unified(self, key: tuple[Any, ...], places: list[Place]) -> Found | None:
        """The block of some runs, with what it saves; None where they have no common form."""
        written = {*map(id, self.once(places))}
        if len(written) < 2:
            return None
        instances = [self.statements(place) for place in places]
        block = Block(self.name_of(instances), instances)
        try:
            self.solve(block)
        except Unalike:
            return None
        if len(block.params) > MOST_PARAMETERS:
            return None
        name = beyond(block.name)
        gain: float = name - len(block.text().flat())
        for number, place in enumerate(places):
            if id(place) in written:
                gain += sum(map(self.length, instances[number]))
                gain -= len(self.call(block, number)) - name + 2
        flags = sum(param.slot == "flag" for param in block.params)
        gain -= COSTLY * (flags + max(len(block.params) - 3, 0))
        own = [*map(self.scope_of, instances)]
        if None not in own and not any(self.parts):  # parts of a source that has no classes
            gain *= 1.5
        kinds = Counter(filter(None, own))
        if kinds.total() * 5 >= len(instances) * 4:
            kind, matched = kinds.most_common(1)[0]
            gain *= 2.5 if matched * 5 >= self.parts[kind] * 4 else 1.5
        return Found(places, block, gain, key)

    def call(self, block: Block, place: int) -> str:
        return call_of_block(
            block, {param.name: Const(param.vector[place]) for param in block.params}
        )

    # Blocks

    def replace(self, found: Found) -> None:
        block = found.block
        block.key = found.key
        self.blocks[block.name] = block
        self.calls(block, [*enumerate(found.places)])

    def calls(self, block: Block, places: Sequence[tuple[int, Place]]) -> None:
        """Put calls of a block in some places, each that of one of its instances."""
        made = []
        for number, place in places:
            run = place.run[place.begin : place.begin + place.length]
            slots = {param.name: param.vector[number] for param in block.params}
            call = Statement(
                "call",
                block.name,
                slots,
                run[0].before,
                run[-1].after,
                run[-1].op,
                (),
                run[-1].name,
            )
            call.ops = tuple(op for each in run for op in each.ops)
            call.targets = {
                param.name: param.targets[number]
                for param in block.params
                if param.slot == "tensor"
            }
            made.append((place, call))
        for place, call in sorted(made, key=lambda each: -each[0].begin):
            place.run[place.begin : place.begin + place.length] = [call]
        self.rekey()

    def rekey(self) -> None:
        """Work out the keys of merges anew, the inner ones first."""
        for run in reversed([*self.runs()]):
            for each in run:
                if each.kind == "merge":
                    each.key, each.form = each.find_key(), None

    # Names

    def scope_of(self, run: Sequence[Statement]) -> str | None:
        """The class of the part of the source that a run is, if it is one."""
        return self.scopes.get(frozenset(op for each in run for op in each.ops))

    def name_of(self, instances: Sequence[Run]) -> str:
        """A name for a block: its class in the source, or what it is made of."""
        kinds = Counter(kind for run in instances if (kind := self.scope_of(run)))
        simple = all(each.kind == "layer" for each in instances[0])
        if simple and _is_unit(Place(instances[0], 0, len(instances[0]))):
            base = "".join(_initial(each.word) for each in instances[0])
        elif kinds and (own := snake(kinds.most_common(1)[0][0])) != "block":
            base = f"{own}_block" if is_taken(own) else own
        else:
            words = {self.graph.ops[op].word for each in instances[0] for op in each.ops}
            base = structural(instances[0], words)
        return free_name(base, {*self.blocks, *self.names.values()})


NORMS = frozenset(op for op, layer in LAYERS.items() if layer.family == "norm")
_WEIGHTY = frozenset(op for op, layer in LAYERS.items() if layer.family in ("conv", "dense"))


def _in_unit(statement: Statement) -> bool:
    """Whether a statement can be part of a unit: a convolution with what normalises it."""
    family = LAYERS[statement.word].family if statement.kind == "layer" else ""
    return family in ("conv", "dense", "norm", "activation") or statement.word == "zeropad"


def _is_unit(place: Place) -> bool:
    """Whether a run is one convolution, its norm and its activation."""
    run = place.run[place.begin : place.begin + place.length]
    words = [each.word for each in run]
    if not all(map(_in_unit, run)):
        return False
    counts = [sum(word in kind for word in words) for kind in (_WEIGHTY, NORMS, ACTIVATIONS)]
    return counts[0] == counts[1] == 1 and counts[2] <= 1


def _is_separable(place: Place) -> bool:
    """Whether a run is MobileNet's: a depthwise unit and a plain one, both with an activation."""
    run, begin = place.run[place.begin : place.begin + place.length], place.begin
    words = [each.word for each in run]
    return (
        (words[0], *words[3:4], len(words)) == ("dwconv", "conv", 6)
        and {words[2], words[5]} <= ACTIVATIONS.keys()
        and all(_is_unit(place._replace(begin=at, length=3)) for at in (begin, begin + 3))
    )


def apart(places: Sequence[Place]) -> list[Place]:
    """Those of some runs that do not overlap, from the first on."""
    ends: dict[int, int] = {}
    found = []
    for place in sorted(places, key=lambda each: (id(each.run), each.begin)):
        if place.begin >= ends.get(id(place.run), 0):
            ends[id(place.run)] = place.begin + place.length
            found.append(place)
    order = {id(place): number for number, place in enumerate(places)}
    return sorted(found, key=lambda each: order[id(each)])


def longest(merge: Statement) -> Sequence[Statement]:
    """The longest path of a merge."""
    return max(merge.paths, key=bulk)


def _holds(keys: tuple[Any, ...], part: tuple[Any, ...]) -> bool:
    """Whether a run of keys stands among others."""
    count = len(part)
    return count > 1 and any(keys[at : at + count] == part for at in range(len(keys) - count + 1))


def _shorter(keys: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Some keys, and what is left where one stretch of at most half of them is missing."""
    yield keys
    for length in range(1, len(keys) // 2 + 1):
        for begin in range(len(keys) - length + 1):
            rest = keys[:begin] + keys[begin + length :]
            if len(rest) >= 2:
                yield rest


def _names(run: Sequence[Statement]) -> Counter[int]:
    found: Counter[int] = Counter()
    for each in run:
        if each.name and each.kind != "jump":
            found[each.op] += 1
        for path in each.paths:
            found += _names(path)
    return found


def _jumps(run: Sequence[Statement]) -> Counter[int]:
    found: Counter[int] = Counter()
    for each in run:
        found.update(each.targets.values())
        for path in each.paths:
            found += _jumps(path)
    return found


def shared_groups(graph: Graph) -> dict[int, set[int]]:
    """For each operation that has weights of others, all that have them."""
    groups: dict[Any, set[int]] = defaultdict(set)
    for index, op in enumerate(graph.ops):
        if op.weights:
            groups[tuple(sorted(taken.key for taken in op.weights.values()))].add(index)
    return {op: group for group in groups.values() if len(group) > 1 for op in group}


def scopes(graph: Graph) -> dict[frozenset[int], str]:
    """The parts of the source by the operations in them: the class of each."""
    parts: dict[Any, set[int]] = defaultdict(set)
    for index, op in enumerate(graph.ops):
        for depth in range(1, len(op.scope) + 1):
            parts[op.scope[:depth]].add(index)
    found: dict[frozenset[int], str] = {}
    for path, ops in sorted(parts.items(), key=lambda each: len(each[0])):
        kind = path[-1].kind
        key = frozenset(ops)
        if kind not in ("Sequential", "ModuleList", "") or key not in found:
            found[key] = "" if kind in ("Sequential", "ModuleList") else kind
    return found


def snake(name: str) -> str:
    """A class's name as that of a block."""
    name = re.sub(r"\W", "", name).strip("_")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    name = re.sub(r"^([a-z]{1,2})_(?=conv|block|net)", r"\1", name)
    return name if name and not name[0].isdigit() else f"block_{name}"


_INITIALS = {"dwconv": "dw", "sepconv": "sep", "deconv": "up", "dropout": "d", "leaky_relu": "r"}


def _initial(word: str) -> str:
    return _INITIALS.get(word, word[0])


def structural(run: Sequence[Statement], words: set[str]) -> str:
    """A name for what a run does; `words` are those of all layers in it."""
    merges = [each for each in run if each.kind == "merge"]
    if not merges:
        if words <= ACTIVATIONS.keys():
            return "activation"
        if words <= {"dense", "dropout", "flatten"} | ACTIVATIONS.keys():
            return "mlp"
        if len(run) == 2 and run[0].kind == "call" and run[1].kind == "layer":
            return run[0].word + _initial(run[1].word)
        if "dwconv" in words:
            return "inverted" if sum(each.word == "conv" for each in run) > 1 else "separable"
        if "pool" in run[-1].word:
            return "transition" if run[0].word in NORMS else "down"
        return "stage"
    merge = merges[0]
    skips = any(not path for path in merge.paths)
    if merge.word == "concat":
        if len(merge.paths) == 2:
            return "dense_layer" if skips else "parallel"
        return "inception"
    if merge.word != "add":
        return "excite" if merge.word == "mul" else merge.word
    if "dwconv" in words:
        return "inverted"
    path = [each for each in longest(merge) if len(each.slots) > 1]
    first = path[0].slots if path else {}
    narrow = len(path) >= 3 and first.get("kernel", first.get("k")) == 1
    return "bottleneck" if narrow else "residual"


def rates_of(graph: Graph) -> Rates:
    """The rates of the `droppath`s of a graph as steps of one line, where there are three."""
    found = {op.layer.rate for op in graph.ops if op.word == "droppath"}  # type: ignore[attr-defined]
    if len(found) < 3:
        return Rates()
    least = min(b - a for a, b in zip((0, *sorted(found)), sorted(found)))
    for over in range(1, MOST_STEPS):
        factor = float(f"{least * over:.2g}")
        orders = {rate: round(rate / factor * over) for rate in found if factor}
        if max(orders.values(), default=over + 1) <= over and all(
            isclose(factor * order / over, rate, rel_tol=1e-12) for rate, order in orders.items()
        ):
            return Rates(factor, over, orders)
    return Rates()


MOST_STEPS = 512
"""How many steps a line of rates may have."""
