"""The instances of a block side by side, and the code that is right for all of them.

An instance has an environment, the values of the variables that code can read there. An
expression is right where it comes to the value that is wanted, in every instance.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from typing import Any

from cnndsl.codegen.expressions import (
    ANY,
    FAILED,
    SHAPE,
    Expr,
    Literal,
    Variable,
    binary,
    call,
    collapsed,
    evaluate,
    same,
    says_something,
    tuple_of,
    whole_division,
)

Env = MutableMapping[Variable, Any]


class NoCode(Exception):
    """There is no one expression for the values of a loop's turns."""


class Context:
    """The instances of a function's body.

    * `envs`: for each instance, the values of the variables that code can read
    * `names`: what a constant of the source is in code
    * `tensors`: the variables of the tensors that the source names
    * `widths`: the channels of those, as far as an expression gives them
    * `extra`: parameters found necessary, with the value for each instance
    """

    def __init__(self, envs: list[Env], names: dict[str, Expr]) -> None:
        self.envs = envs
        self.names = names
        self.tensors: ChainMap[str, Variable] = ChainMap()
        self.widths: dict[Variable, Expr | None] = {}
        self.extra: dict[Variable, list[Any]] = {}

    def fits(self, expr: Expr, values: Sequence[Any], each: bool = False) -> bool:
        """Whether an expression has each instance's value.

        With `each`, one number stands for a tuple of equal ones.
        """
        for env, value in zip(self.envs, values):
            result = evaluate(expr, env) if value is not ANY else ANY
            if result is FAILED:
                return False
            if not same(result, value) and not (each and same(result, collapsed(value))):
                return False
        return True

    def express(
        self, values: Sequence[Any], candidates: Sequence[Expr | None], each: bool = False
    ) -> Expr | None:
        """The first candidate that reads something and fits, made whole if need be."""
        for expr in candidates:
            if expr is None or not says_something(expr):
                continue
            forms = [expr, call("int", expr)]
            known = next((value for value in values if value is not ANY), None)
            if isinstance(known, tuple):  # one size, for each dimension
                forms.append(tuple_of([expr] * len(known)))
            for form in forms:
                if self.fits(form, values, each):
                    return form
            halves = whole_division(expr)
            if halves != expr and self.fits(halves, values, each):
                return halves
        return None

    def code(
        self,
        values: Sequence[Any],
        candidates: Sequence[Expr | None],
        hint: str,
        each: bool = False,
    ) -> Expr:
        """An expression for values, a literal, or as a last resort a parameter."""
        found = self.express(values, candidates, each)
        if found is None:
            found = constant(values, each)
        if found is None:
            if each:
                values = [collapsed(value) for value in values]
            found = self.settle(values, candidates, hint)
        return found

    def test(self, values: Sequence[Any], candidate: Expr | None, hint: str) -> Expr:
        """A condition that is true where the values are; a parameter as a last resort."""
        if candidate is not None and self.agrees(candidate, values):
            return candidate
        return self.settle(values, [], hint)

    def agrees(self, test: Expr, values: Sequence[Any]) -> bool:
        """Whether a condition reads something, and is true where the values are."""
        return says_something(test) and all(
            value is ANY or ((found := evaluate(test, env)) is not FAILED and bool(found) == value)
            for env, value in zip(self.envs, values)
        )

    def settle(self, values: Sequence[Any], candidates: Sequence[Expr | None], hint: str) -> Expr:
        """Code for values that no candidate gives."""
        return self.parameter(values, hint)

    def parameter(self, values: Sequence[Any], hint: str) -> Variable:
        """A parameter that has these values; one that has them already, or a new one."""
        for known, others in self.extra.items():
            alike = all(map(same, others, values))
            if alike and (known.hint == hint or (settled(others) and settled(values))):
                for place, value in enumerate(values):
                    if others[place] is ANY:
                        others[place] = self.envs[place][known] = value
                return known
        found = Variable(hint, "extra")
        self.extra[found] = list(values)
        for env, value in zip(self.envs, values):
            env[found] = value
        return found

    def tensor(self, name: str) -> Variable:
        """The variable of a tensor that is given a name here; one in a call that has a name,
        as `u.low`, is known outside of a loop too."""
        place = -1 if "." in name else 0
        hint = name.replace(".", "_")
        return self.tensors.maps[place].setdefault(name, Variable(hint, "tensor"))


def settled(values: Sequence[Any]) -> bool:
    """Whether every value matters."""
    return all(value is not ANY for value in values)


def constant(values: Sequence[Any], each: bool = False) -> Literal | None:
    """The literal of values that are all the same."""
    known = [value for value in values if value is not ANY]
    if not known or not all(same(value, known[0]) for value in known):
        return None
    return Literal(collapsed(known[0]) if each else known[0])


class Part(Context):
    """Some of the instances: those that take one way of a condition, or one turn of a loop.

    With `scoped`, what is named inside is not known outside.
    """

    def __init__(self, outer: Context, places: list[int], *, scoped: bool = False) -> None:
        super().__init__([outer.envs[place] for place in places], dict(outer.names))
        self.outer, self.places = outer, places
        self.tensors = outer.tensors.new_child() if scoped else outer.tensors
        self.widths = outer.widths

    def settle(self, values: Sequence[Any], candidates: Sequence[Expr | None], hint: str) -> Expr:
        spread: list[Any] = [ANY] * len(self.outer.envs)
        for place, value in zip(self.places, values):
            spread[place] = value
        return self.outer.settle(spread, candidates, hint)


class Turns(Context):
    """The turns of a loop, of every instance of what is around it.

    `owner` and `turn` tell, for each turn, the instance outside and the value of the counter.
    """

    def __init__(
        self, outer: Context, owner: list[int], turn: list[int], counter: Variable, source: str
    ) -> None:
        envs: list[Env] = []
        for each, value in zip(owner, turn):
            around = outer.envs[each]
            maps = around.maps if isinstance(around, ChainMap) else [around]
            envs.append(ChainMap({counter: value}, *maps))
        super().__init__(envs, {**outer.names, source: counter} if source else dict(outer.names))
        self.tensors = outer.tensors.new_child()
        self.widths = outer.widths
        self.outer, self.owner, self.turn, self.counter = outer, owner, turn, counter

    def settle(self, values: Sequence[Any], candidates: Sequence[Expr | None], hint: str) -> Expr:
        """A value that grows evenly with the turns, or is the same in all; else NoCode."""
        first: dict[int, tuple[int, int]] = {}
        steps: set[int] = set()
        for owner, turn, value in zip(self.owner, self.turn, values):
            if type(value) is not int:
                break
            start, base = first.setdefault(owner, (turn, value))
            if turn > start:
                step, rest = divmod(value - base, turn - start)
                if rest:
                    break
                steps.add(step)
        else:
            # Two turns lie on a line whatever they are: that alone is no reason for one.
            if len(steps) == 1 and (max(self.turn) > 1 + min(self.turn) or steps == {0}):
                step = steps.pop()
                at_zero = {owner: base - step * start for owner, (start, base) in first.items()}
                base_code = self.around(at_zero, candidates, hint)
                if step == 0:
                    return base_code
                grown = binary("*", Literal(step), self.counter)
                return grown if base_code == Literal(0) else binary("+", base_code, grown)
        kept: dict[int, Any] = {}
        for owner, value in zip(self.owner, values):
            if kept.get(owner, ANY) is ANY:
                kept[owner] = value
            elif not same(kept[owner], value):
                raise NoCode
        return self.around(kept, candidates, hint)

    def around(self, values: dict[int, Any], candidates: Sequence[Expr | None], hint: str) -> Expr:
        """Code outside the loop for a value of each instance there."""
        spread = [values.get(place, ANY) for place in range(len(self.outer.envs))]
        return self.outer.code(spread, candidates, hint)


def set_shapes(context: Context, shapes: Sequence[tuple[int, ...]]) -> None:
    """Note the shape of the current tensor in every instance."""
    for env, shape in zip(context.envs, shapes):
        env[SHAPE] = shape
