"""Arguments to slots: what was written, sorted by what the layer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.diagnostics import Edit, Fix
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.layers.values import Word, show_value
from cnndsl.network.nearest import did_you_mean, nearest
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cnndsl.diagnostics import Span
    from cnndsl.layers import Layer, Slot


class Problem(NamedTuple):
    """What is wrong with an argument."""

    code: str
    span: Span
    message: str
    help: str = ""
    fixes: tuple[Fix, ...] = ()


class Bound(NamedTuple):
    """The values of a layer's slots, and where each was written."""

    values: dict[str, Any]
    spans: dict[str, Span]
    problems: list[Problem]


def bind(
    layer: type[Layer],
    statement: ast.Apply,
    values: list[Any],
    names: Iterable[str],
    no_value: Callable[[ast.Name], Problem | None],
) -> Bound:
    """Give each argument of a statement, with its value, to a slot of the layer.

    A value of None stands for one that an earlier error hides. `names` are the constants in
    sight, and `no_value` gives what to say of a name that is meant for one and is none.
    """
    bound = Bound({}, {}, [])
    waiting = [slot for slot in layer.slots if slot.form == "value"]
    slots = {slot.name: slot for slot in layer.slots}
    for index, (argument, value) in enumerate(zip(statement.args, values)):
        if waiting and _is_value(layer, statement, values, index, len(waiting), names):
            bound.spans[waiting.pop(0).name] = argument.span
            problem = no_value(argument.value)  # type: ignore[arg-type]
            if problem is not None:
                bound.problems.append(problem)
            continue
        slot = _slot_of(layer, slots, waiting, argument, value, bound.problems)
        if slot is None:
            continue
        if slot.name in bound.spans:
            twice = "an activation" if slot.form == "act" else f"`{_shown(slot)}`"
            message = f"{layer.op}: {twice} is given twice"
            bound.problems.append(Problem("E104", argument.span, message, "keep one of them"))
            continue
        bound.spans[slot.name] = argument.span
        if value is None:
            continue
        if slot.form in ("flag", "act"):
            bound.values[slot.name] = value.id if slot.form == "act" else True
            continue
        assert slot.kind is not None
        try:
            bound.values[slot.name] = slot.kind.read(value)
        except ValueError as error:
            message, help_ = f"{layer.op}: `{_shown(slot)}` {error}", ""
            if hasattr(value, "denominator") and value.denominator != 1:
                help_ = "write `//` to round down"
            elif slot.form == "value" and isinstance(value, tuple):
                help_ = _usage_help(layer)
            bound.problems.append(Problem("E105", argument.value.span, message, help_))
    for slot in waiting:
        if slot.required and not bound.problems:
            message = f"{layer.op} needs `{slot.shown}`: {slot.doc}"
            span = statement.name.span
            bound.problems.append(
                Problem("E103", span, message, f"it is written `{layer.usage()}`")
            )
    return bound


def _shown(slot: Slot) -> str:
    return {"/": "/", "key": f"{slot.name}="}.get(slot.form, slot.name)


def _is_value(
    layer: type[Layer],
    statement: ast.Apply,
    values: list[Any],
    index: int,
    waiting: int,
    names: Iterable[str],
) -> bool:
    """Whether an unknown word is meant for a value, as the `n` of `conv n 3x3`.

    It is where a value is wanting without it, unless it resembles a word that the layer takes.
    """
    argument, value = statement.args[index], values[index]
    if not isinstance(value, Word) or not isinstance(argument.value, ast.Name):
        return False
    word = value.id
    if not isinstance(argument, ast.Positional) or word in LAYERS or word in MERGES:
        return False
    given = sum(
        isinstance(other, ast.Positional) and not isinstance(each, Word)
        for other, each in zip(statement.args[index:], values[index:])
    )
    if given >= waiting:
        return False
    words = _words(layer)
    return word not in words and nearest(word, [*words, *names]) not in words


def _words(layer: type[Layer]) -> list[str]:
    """The words that a layer takes: its flags, and activations."""
    words = [slot.name for slot in layer.slots if slot.form == "flag"]
    return [*words, *ACTIVATIONS] if any(slot.form == "act" for slot in layer.slots) else words


def _slot_of(
    layer: type[Layer],
    slots: dict[str, Slot],
    waiting: list[Slot],
    argument: ast.Argument,
    value: Any,
    problems: list[Problem],
) -> Slot | None:
    """The slot that an argument fills; None where it fills none."""
    op = layer.op
    if isinstance(argument, ast.Stride):
        slot = next((slot for slot in layer.slots if slot.form == "/"), None)
        if slot is None:
            problems.append(
                Problem("E102", argument.span, f"{op} takes no stride", _usage_help(layer))
            )
        return slot
    if isinstance(argument, ast.Keyword):
        slot = slots.get(argument.key.id)
        if slot is not None and slot.form == "key":
            return slot
        problems.append(_unknown_key(layer, slots, argument))
        if slot in waiting:
            waiting.remove(slot)  # it is given, though not as it should be
        return None
    if not isinstance(value, Word):
        if waiting:
            return waiting.pop(0)
        if not problems and (value is not None or not isinstance(argument.value, ast.Name)):
            takes = sum(slot.form == "value" for slot in layer.slots)
            count = {0: "no values", 1: "one value"}.get(takes, f"{takes} values")
            shown = "this" if value is None else f"`{show_value(value)}`"
            message = f"{op} takes {count}, and {shown} is one more"
            problems.append(Problem("E104", argument.span, message, _usage_help(layer)))
        return None
    word = value.id
    slot = slots.get(word)
    if slot is not None and slot.form == "flag":
        return slot
    if word in ACTIVATIONS and "activation" in slots:
        return slots["activation"]
    problems.append(_unknown_word(layer, slots, argument, word))
    return None


def _usage_help(layer: type[Layer]) -> str:
    return f"it is written `{layer.usage()}`"


def _unknown_key(layer: type[Layer], slots: dict[str, Slot], argument: ast.Keyword) -> Problem:
    key = argument.key.id
    keys = [slot.name for slot in layer.slots if slot.form == "key"]
    message = f"{layer.op} has no `{key}=`"
    slot = slots.get(key)
    if key == "stride" and any(slot.form == "/" for slot in layer.slots):
        return Problem("E102", argument.key.span, message, "a stride is written `/2`")
    if slot is not None and slot.form == "flag":
        help_ = f"write `{key}` alone"
    elif slot is not None:
        help_ = f"it is given by its place: `{layer.usage()}`"
    else:
        near = nearest(key, keys)
        if near:
            fix = Fix(f"write `{near}`", (Edit(argument.key.span, near),))
            return Problem("E102", argument.key.span, message, f"did you mean `{near}=`?", (fix,))
        help_ = _usage_help(layer)
    return Problem("E102", argument.key.span, message, help_)


def _unknown_word(
    layer: type[Layer], slots: dict[str, Slot], argument: ast.Positional, word: str
) -> Problem:
    message = f"{layer.op} takes no `{word}`"
    if word[0] == "x" and (word == "x" or word[1:].isdigit()):
        help_ = "a size of more than numbers is written (h, w)"
        return Problem("E102", argument.span, message, help_)
    if word in ACTIVATIONS:
        help_ = f"write `{word}` as a statement of its own: `{layer.op} …; {word}`"
    elif word in LAYERS:
        help_ = f"`{word}` is a layer: put it on a line of its own, or after `;`"
    else:
        near = nearest(word, _words(layer))
        if near:
            fix = Fix(f"write `{near}`", (Edit(argument.span, near),))
            return Problem("E102", argument.span, message, did_you_mean(near), (fix,))
        help_ = _usage_help(layer)
    return Problem("E102", argument.span, message, help_)
