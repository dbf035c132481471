"""Where values become code: inside a function, inside a loop.

A context lays copies of the same statements over each other. Each copy has an environment,
the values of the names that code can use there; code fits where it gives the right value in
every copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.python import literal, names_in, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class NoCode(Exception):
    """There is no one code for the values of a loop's turns."""


class Context:
    """Copies of a function's body.

    * `envs`: for each copy, the values of the names that code can use
    * `names`: what a name of the source is in code
    * `aliases`: the code of the channels of named tensors, where there is one
    * `extra`: parameters found necessary, with the value for each copy
    * `used`: the names that code uses
    """

    def __init__(self, envs: list[dict[str, Any]], names: dict[str, str]) -> None:
        self.envs = envs
        self.names = names
        self.aliases: dict[str, str | None] = {}
        self.extra: dict[str, list[Any]] = {}
        self.used: set[str] = set()

    def fits(self, code: str, values: Sequence[Any]) -> bool:
        """Whether code gives each copy's value."""
        for env, value in zip(self.envs, values):
            result = value_of(code, env)
            if type(result) is not type(value) or result != value:
                return False
        return True

    def expression(self, values: Sequence[Any], codes: Sequence[str | None]) -> str | None:
        """The first of the codes that says something and fits, made whole if need be."""
        for code in codes:
            if code is None or not names_in(code):
                continue
            forms = [code, f"int({code})"]
            if isinstance(values[0], tuple):  # one size, for each dimension
                count = len(values[0])
                forms.append(f"({', '.join([code] * count)}{',' * (count == 1)})")
            for form in forms:
                if self.fits(form, values):
                    return form
            # 32 / 2 is 16 in the language and 16.0 in Python
            halves = code.replace(" / ", " // ")
            if halves != code and self.fits(halves, values):
                return halves
        return None

    def code(self, values: Sequence[Any], codes: Sequence[str | None], hint: str) -> str:
        """Code for values: an expression, a literal, or as a last resort a parameter."""
        found = self.expression(values, codes)
        if found is None and all(same(value, values[0]) for value in values):
            return literal(values[0])
        if found is None:
            found = self.parameter(list(values), hint)
        self.use(found)
        return found

    def use(self, code: str) -> None:
        """Note the names that code reads."""
        self.used |= names_in(code)

    def parameter(self, values: list[Any], hint: str) -> str:
        """A parameter that has these values; one that has them already, or a new one."""
        for name, others in self.extra.items():
            if others == values:
                return name
        name, count = hint, 1
        while name in self.extra or any(name in env for env in self.envs):
            count += 1
            name = f"{hint}{count}"
        self.extra[name] = values
        for env, value in zip(self.envs, values):
            env[name] = value
        return name

    def snapshot(self) -> tuple[dict[str, list[Any]], set[str]]:
        """What `restore` needs."""
        return dict(self.extra), set(self.used)

    def restore(self, state: tuple[dict[str, list[Any]], set[str]]) -> None:
        """Forget what was found since the snapshot."""
        for name in self.extra.keys() - state[0].keys():
            for env in self.envs:
                env.pop(name, None)
        self.extra, self.used = state


class InnerContext(Context):
    """Copies of a part of a body: what they use, the context around it uses.

    It has no parameters of its own to give; where values need one there is no code.
    """

    def __init__(self, outer: Context, envs: list[dict[str, Any]], names: dict[str, str]) -> None:
        super().__init__(envs, names)
        self.outer = outer
        self.aliases = dict(outer.aliases)

    def use(self, code: str) -> None:
        super().use(code)
        self.outer.use(code)

    def parameter(self, values: list[Any], hint: str) -> str:
        raise NoCode

    def snapshot(self) -> Any:
        return super().snapshot(), self.outer.snapshot()

    def restore(self, state: Any) -> None:
        super().restore(state[0])
        self.outer.restore(state[1])


class LoopContext(InnerContext):
    """Copies of a loop's body: every turn of every copy of what is around it.

    `owner` and `turn` tell, for each copy here, the copy there and the turn from 0.
    """

    def __init__(
        self, outer: Context, owner: list[int], turn: list[int], index: str, source: str | None
    ) -> None:
        envs = [{**outer.envs[o], index: t} for o, t in zip(owner, turn)]
        names = {**outer.names, source: index} if source else dict(outer.names)
        super().__init__(outer, envs, names)
        self.owner = owner
        self.turn = turn
        self.index = index

    def code(self, values: Sequence[Any], codes: Sequence[str | None], hint: str) -> str:
        """As outside, but a value may grow evenly with the turns; NoCode where it does not."""
        found = self.expression(values, codes)
        if found is None and all(same(value, values[0]) for value in values):
            return literal(values[0])
        if found is None:
            found = self.by_turn(values, codes, hint)
        self.use(found)
        return found

    def by_turn(self, values: Sequence[Any], codes: Sequence[str | None], hint: str) -> str:
        first: dict[int, Any] = {}
        steps: set[Any] = set()
        for owner, turn, value in zip(self.owner, self.turn, values):
            if type(value) is not int:
                break
            base = first.setdefault(owner, value)
            if turn and (value - base) % turn:
                break
            if turn:
                steps.add((value - base) // turn)
        else:
            # Two turns lie on a line whatever they are: that alone is no reason for one.
            if len(steps) == 1 and (max(self.turn) > 1 + min(self.turn) or steps == {0}):
                step = steps.pop()
                base = self.outer_code(first, codes, hint)
                if step == 0:
                    return base
                if base == "0":
                    return f"{step} * {self.index}"
                return f"{base} + {step} * {self.index}"
        constant: dict[int, Any] = {}
        for owner, value in zip(self.owner, values):
            if not same(constant.setdefault(owner, value), value):
                raise NoCode
        return self.outer_code(constant, codes, hint)

    def outer_code(self, values: dict[int, Any], codes: Sequence[str | None], hint: str) -> str:
        count = len(self.outer.envs)
        if len(values) != count:
            raise NoCode
        return self.outer.code([values[index] for index in range(count)], codes, hint)


class PartContext(InnerContext):
    """Some of the copies: those that took one way of a condition."""

    def __init__(self, outer: Context, copies: list[int]) -> None:
        super().__init__(outer, [outer.envs[index] for index in copies], dict(outer.names))


def same(one: Any, other: Any) -> bool:
    """Whether two values are one literal: 1 and 1.0, or 1 and True, are not."""
    return type(one) is type(other) and literal(one) == literal(other)
