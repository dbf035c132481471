"""Arguments to slots: what was written, sorted by what the layer takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES, Layer, Slot
from cnndsl.layers.values import SHARE, Word, show_value
from cnndsl.network.words import Problem as Problem
from cnndsl.network.words import did_you_mean, nearest, rewrite
from cnndsl.syntax import nodes as ast

MAX_PROBLEMS = 100
"""How many problems of a statement's arguments are told."""

MAX_NAMES = 250
"""How many constants a word is held against that may be one of them, misspelt."""


class BoundArguments(NamedTuple):
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
) -> BoundArguments:
    """Give each argument of a statement, with its value, to a slot of the layer.

    A value of None stands for one that an earlier error hides. `names` are the constants in
    sight, and `no_value` gives what to say of a name that is meant for one and is none.
    """
    bound = BoundArguments({}, {}, [])
    waiting = [slot for slot in layer.slots if slot.form == "value"]
    slots = {slot.name: slot for slot in layer.slots}
    taken = 0  # how many arguments more belong to the one before them
    if problem := _swapped(layer, statement, values):
        bound.problems.append(problem)
        return bound
    given = sum(map(_is_plain, statement.args, values))  # values, from here on
    for index, (argument, value) in enumerate(zip(statement.args, values)):
        if len(bound.problems) > MAX_PROBLEMS:
            break
        given -= _is_plain(argument, value)
        if taken:
            taken -= 1
            continue
        if problem := _spaced(layer, statement, values, index):
            bound.problems.append(problem)
            taken = 1
            continue
        if type(value) is Word and value.id[:1] in ("x", "X", "×"):
            problem, taken = _in_pieces(layer, statement, values, index)
            if problem is not None:
                bound.problems.append(problem)
                continue
        holds = _holds_word(argument, value)
        if given < len(waiting) and not holds and _is_value(layer, argument, value, names):
            bound.spans[waiting.pop(0).name] = argument.span
            problem = no_value(argument.value)  # type: ignore[arg-type]
            if problem is not None:
                bound.problems.append(problem)
            continue
        if holds and given < sum(map(_is_wanting, waiting)):
            slot = waiting.pop(0)  # which has no word for a value
        else:
            found = _slot_of(layer, statement, slots, waiting, argument, value, bound.problems)
            if found is None:
                continue
            slot = found
        if slot.name in bound.spans:
            message = Message(
                "{layer}: `{argument}` is given twice", layer=layer.op, argument=_shown(slot)
            )
            if slot.form == "act":
                message = Message("{layer}: an activation is given twice", layer=layer.op)
            bound.problems.append(
                Problem("E104", argument.span, message, Message("keep one of them"))
            )
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
            message = Message(
                "{layer}: `{argument}` {problem}",
                layer=layer.op,
                argument=_shown(slot),
                problem=error.args[0],
            )
            help_, fixes = _other_value(layer, statement, slot, argument, value)
            bound.problems.append(Problem("E105", argument.value.span, message, help_, fixes))
    for slot in waiting:
        if slot.required and slot.instead not in bound.spans and not bound.problems:
            message = Message(
                "{layer} needs `{argument}`: {doc}",
                layer=layer.op,
                argument=slot.shown.partition("|")[0],
                doc=slot.doc,
            )
            span = statement.name.span
            bound.problems.append(Problem("E103", span, message, _usage_help(layer)))
    return bound


def assigned(
    block: ast.Block, call: ast.Apply
) -> Iterator[tuple[ast.Argument, ast.Parameter | None]]:
    """Each argument of a call with the parameter of the block that it is for; None for none.

    A keyword is for the parameter of its name, and any other argument, but a stride, for the
    first that no argument before it was for.
    """
    known = {parameter.name.id: parameter for parameter in block.parameters}
    taken: set[str] = set()
    waiting = (name for name in known if name not in taken)
    for argument in call.args:
        name = ""
        if isinstance(argument, ast.Keyword):
            name = argument.key.id
        elif isinstance(argument, ast.Positional):
            name = next(waiting, "")
        taken.add(name)
        yield argument, known.get(name)


def words_of(kind: type[Layer], argument: ast.Argument) -> tuple[str, ...]:
    """The words that are values of an argument where it is a keyword and its value a name."""
    if type(argument) is not ast.Keyword or not isinstance(argument.value, ast.Name):
        return ()
    key = argument.key.id
    return next((each.kind.words for each in kind.slots if each.name == key and each.kind), ())


def bound_arguments(block: ast.Block, call: ast.Apply) -> dict[str, ast.Argument]:
    """The arguments of a call by the names of the parameters; those with defaults may lack."""
    found: dict[str, ast.Argument] = {}
    for argument, parameter in assigned(block, call):
        if parameter is not None:
            found.setdefault(parameter.name.id, argument)
    return found


def called(layer: type[Layer], statement: ast.Apply, text: str) -> Problem | None:
    """What to say of `conv(8, 3x3)`: parentheses that make one size of all arguments."""
    first = statement.args[0] if statement.args else None
    if not isinstance(first, ast.Positional) or not isinstance(first.value, ast.Tuple):
        return None
    slot = next((slot for slot in layer.slots if slot.form == "value"), None)
    if slot is None or slot.kind is None or slot.kind.name != "number":
        return None
    items = " ".join(text[slice(*item.span)] for item in first.value.items)
    whole = text[slice(*first.span)]
    message = Message(
        "{layer}: the parentheses make one size of `{whole}`", layer=layer.op, whole=_short(whole)
    )
    gap = " " * (not text[first.span.start - 1].isspace())
    fix = Fix(Message("remove the parentheses"), (Edit(first.span, gap + items),))
    return Problem(
        "E105",
        first.span,
        message,
        Message("write `{text}`", text=_short(f"{layer.op} {items}")),
        (fix,),
    )


def _swapped(layer: type[Layer], statement: ast.Apply, values: list[Any]) -> Problem | None:
    """What to say of `conv 3x3 16`, where a count comes before a size."""
    kinds = [slot.kind.name for slot in layer.slots if slot.form == "value" and slot.kind]
    if kinds[:2] != ["number", "size"]:
        return None
    given = [
        (argument, value)
        for argument, value in zip(statement.args, values)
        if isinstance(argument, ast.Positional) and type(value) is not Word
    ][:2]
    if len(given) < 2 or type(given[0][1]) is not tuple or type(given[1][1]) is not int:
        return None
    (first, size), (second, count) = given
    plain = isinstance(first.value, (ast.Size, ast.Tuple))
    shown, number = show_value(size), show_value(count)
    if isinstance(second.value, ast.Name):
        number = second.value.id
    elif not isinstance(second.value, ast.Number):
        plain = False
    fixes: tuple[Fix, ...] = ()
    if plain and all(type(each) is int for each in size):
        edits = (Edit(first.span, number), Edit(second.span, shown))
        fixes = (Fix(Message("write `{text}`", text=f"{number} {shown}"), edits),)
    message = Message("{layer}: the size stands before the count", layer=layer.op)
    help_ = Message("the count comes first: `{usage}`", usage=f"{layer.op} {number} {shown}")
    return Problem("E105", Span(first.span.start, second.span.end), message, help_, fixes)


def _in_pieces(
    layer: type[Layer], statement: ast.Apply, values: list[Any], index: int
) -> tuple[Problem | None, int]:
    """What to say of `3 x 3`, a size with blanks in it, and how many arguments follow of it."""
    arguments = statement.args
    before = values[index - 1] if index else None
    if type(before) is not int or not isinstance(arguments[index - 1].value, ast.Number):
        return None, 0
    pieces, at = [str(before)], index
    while at < len(arguments) and len(pieces) < 4 and type(values[at]) is Word:
        word = values[at].id.lower().replace("×", "x")
        if word == "x" and at + 1 < len(arguments) and type(values[at + 1]) is int:
            pieces.append(str(values[at + 1]))
            at += 2
        elif re.fullmatch("(x[0-9]{1,9}){1,3}", word):
            pieces += word[1:].split("x")
            at += 1
        else:
            break
    if len(pieces) < 2:
        return None, 0
    size = "x".join(pieces)
    span = Span(arguments[index - 1].span.start, arguments[at - 1].span.end)
    message = Message("a size is one word, without blanks in it")
    fix = Fix(Message("write `{text}`", text=size), (Edit(span, size),), safe=True)
    return (
        Problem("E102", span, message, Message("write `{text}`", text=size), (fix,)),
        at - index - 1,
    )


def _spaced(
    layer: type[Layer], statement: ast.Apply, values: list[Any], index: int
) -> Problem | None:
    """What to say of `stride 2`: the name of an argument that other tools have, and its value."""
    argument, value = statement.args[index], values[index]
    if not isinstance(value, Word) or not isinstance(argument.value, ast.Name):
        return None
    following = statement.args[index + 1 : index + 2]
    if not following or not isinstance(following[0], ast.Positional):
        return None
    if value.id in _words(layer) or argument.value.id != value.id:
        return None
    from cnndsl.network.habits import habit, spaced

    if not spaced(layer, value.id):
        return None
    (other,) = following
    span = Span(argument.span.start, other.span.end)
    found = habit(layer, value.id, values[index + 1], other.value, span, in_place=False)
    if found is None:
        return None
    message = Message("{layer} takes no `{word}`", layer=layer.op, word=value.id)
    return Problem("E102", argument.span, message, found.help, found.fixes)


def _other_value(
    layer: type[Layer], statement: ast.Apply, slot: Slot, argument: ast.Argument, value: Any
) -> tuple[Message, tuple[Fix, ...]]:
    """What may have been meant by a value that an argument does not take."""
    if slot.kind is not None and slot.kind.words and isinstance(value, Word):
        near = nearest(value.id, slot.kind.words)
        return did_you_mean(near), rewrite(argument.value.span, near)
    if hasattr(value, "denominator") and value.denominator != 1:
        return Message("write `//` to round down"), ()
    if slot.kind is SHARE and isinstance(value, int) and 1 < value < 100:
        share = f"{value / 100:g}"
        return Message("{value}% is written `{share}`", value=value, share=share), rewrite(
            argument.value.span, share
        )
    if isinstance(argument, ast.Keyword) and isinstance(value, Word):
        from cnndsl.network.habits import causal, habit, padding_by

        key, node = argument.key.id, argument.value
        found = habit(layer, key, value, node, argument.span, in_place=False)
        if found is not None and value.id in ("same", "valid"):
            return found
        if slot.name == "pad" and value.id == "causal":
            return causal(layer, statement, argument.span)
        if slot.name == "pad" and (other := padding_by(value)):
            return other, ()
    if slot.form == "value" and isinstance(value, tuple):
        return _usage_help(layer), ()
    return NOTHING, ()


def _short(text: str) -> str:
    """A piece of the text in one line."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "…"


def _shown(slot: Slot) -> str:
    return {"/": "/", "key": f"{slot.name}="}.get(slot.form, slot.name)


def _is_plain(argument: ast.Argument, value: Any) -> bool:
    """Whether an argument is a value by its place, and no word."""
    return isinstance(argument, ast.Positional) and not isinstance(value, Word)


def _is_wanting(slot: Slot) -> bool:
    """Whether nothing can stand for a value that is not given."""
    return slot.required and not slot.instead


def _holds_word(argument: ast.Argument, value: Any) -> bool:
    """Whether an argument is the name of a param or constant that holds a word, as `relu`."""
    name = argument.value if isinstance(argument, ast.Positional) else None
    return type(value) is Word and isinstance(name, ast.Name) and name.id != value.id


def _is_value(layer: type[Layer], argument: ast.Argument, value: Any, names: Iterable[str]) -> bool:
    """Whether an unknown word is meant for a value, as the `n` of `conv n 3x3`.

    It is where a value is wanting without it, unless it resembles a word that the layer takes.
    """
    if not isinstance(value, Word) or not isinstance(argument.value, ast.Name):
        return False
    word = value.id
    if not isinstance(argument, ast.Positional) or word in LAYERS or word in MERGES:
        return False
    words = _words(layer)
    near = None if word in words else nearest(word, words)
    return word not in words and (
        near is None or nearest(word, [near, *islice(names, MAX_NAMES)]) != near
    )


def _words(layer: type[Layer]) -> list[str]:
    """The words that a layer takes: its flags, and activations."""
    words = [slot.name for slot in layer.slots if slot.form == "flag"]
    return [*words, *ACTIVATIONS] if any(slot.form == "act" for slot in layer.slots) else words


def _slot_of(
    layer: type[Layer],
    statement: ast.Apply,
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
            message = Message("{layer} takes no stride", layer=op)
            help_, fixes = _division(statement, argument) or (_usage_help(layer), ())
            problems.append(Problem("E102", argument.span, message, help_, fixes))
        return slot
    if isinstance(argument, ast.Keyword):
        slot = slots.get(argument.key.id)
        if slot is not None and slot.form == "key":
            return slot
        if argument.key.id in ("output_padding", "outpad", "output_pad"):
            from cnndsl.network.habits import output_padding

            if told := output_padding(layer, statement, argument, value):
                problems.append(told)
                return None
        if argument.key.id in ("padding", "padding_mode") and "pad" in slots:
            from cnndsl.network.habits import causal, padding_by

            message = Message("{layer} has no `{key}=`", layer=op, key=argument.key.id)
            meant: tuple[Message, tuple[Fix, ...]] = (padding_by(value), ())
            if value == Word("causal"):
                meant = causal(layer, statement, argument.span)
            if meant[0]:
                problems.append(Problem("E102", argument.key.span, message, *meant))
                return None
        problem, stands = _unknown_key(layer, slots, waiting, argument, value)
        problems.append(problem)
        if stands in waiting:
            waiting.remove(stands)  # it is given, though not as it should be
        return None
    if not isinstance(value, Word):
        if waiting:
            return waiting.pop(0)
        if not problems and (value is not None or not isinstance(argument.value, ast.Name)):
            takes = sum(slot.form == "value" for slot in layer.slots)
            shown = show_value(value)
            message = Message(
                "{layer} takes {count} values, and `{value}` is one more",
                layer=op,
                count=takes,
                value=shown,
            )
            if value is None:
                message = Message("{layer} takes no more values than stand before this", layer=op)
            elif takes == 1:
                message = Message(
                    "{layer} takes one value, and `{value}` is one more", layer=op, value=shown
                )
            elif takes == 0:
                message = Message(
                    "{layer} takes no values, and `{value}` is one more", layer=op, value=shown
                )
            more = _one_more(layer, statement, value)
            problems.append(Problem("E104", argument.span, message, *more))
        return None
    word = value.id
    slot = slots.get(word)
    if slot is not None and slot.form == "flag":
        return slot
    if word in ACTIVATIONS and "activation" in slots:
        return slots["activation"]
    problem = _unknown_word(layer, slots, argument, word)
    if word == "causal" and "pad" in slots:
        from cnndsl.network.habits import causal

        help_, fixes = causal(layer, statement, argument.span)
        problem = problem._replace(help=help_, fixes=fixes)
    elif word == "valid" and "pad" in slots:
        fix = Fix(Message("leave it out"), (Edit(argument.span, ""),))
        problem = problem._replace(help=Message("leave it out: it is so without"), fixes=(fix,))
    problems.append(problem)
    return None


def _division(statement: ast.Apply, argument: ast.Stride) -> tuple[Message, tuple[Fix, ...]] | None:
    """What to do about `1/255`, two numbers where a stride has no place; None for another."""
    before = next((each for each in statement.args if each.span.end == argument.span.start), None)
    if before is None or not isinstance(before, ast.Positional):
        return None
    if not all(isinstance(each.value, (ast.Number, ast.Name)) for each in (before, argument)):
        return None
    names = (
        getattr(each.value, "id", getattr(each.value, "value", "")) for each in (before, argument)
    )
    text = "({}/{})".format(*names)
    span = Span(before.span.start, argument.span.end)
    return Message("a division stands in parentheses: `{text}`", text=text), rewrite(span, text)


def _usage_help(layer: type[Layer]) -> Message:
    return Message("it is written `{usage}`", usage=layer.usage())


def _forms(statement: ast.Apply) -> list[str]:
    return ["/" if isinstance(each, ast.Stride) else "" for each in statement.args]


def _one_more(
    layer: type[Layer], statement: ast.Apply, value: Any
) -> tuple[Message, tuple[Fix, ...]]:
    """What to do about a value too many: `softmax 10` lacks the layer with 10 outputs."""
    strides = any(slot.form == "/" for slot in layer.slots)
    if strides and type(value) is int and 0 < value < 10 and "/" not in _forms(statement):
        last = statement.args[-1]
        if isinstance(last, ast.Positional) and isinstance(last.value, ast.Number):
            text = f"/{value}"
            return Message("a stride is written `{text}`", text=text), rewrite(last.span, text)
    if layer.op not in ACTIVATIONS or type(value) is not int or len(statement.args) != 1:
        return _usage_help(layer), ()
    dense = f"dense {value} {layer.op}"
    span = Span(statement.name.span.start, statement.args[0].span.end)
    return Message("an activation has no outputs of its own: `{dense}`", dense=dense), rewrite(
        span, dense
    )


def _unknown_key(
    layer: type[Layer],
    slots: dict[str, Slot],
    waiting: list[Slot],
    argument: ast.Keyword,
    value: Any,
) -> tuple[Problem, Slot | None]:
    """What to say of a keyword that the layer has not, and the argument that it stands for."""
    from cnndsl.network.habits import argument_for, habit

    key, span = argument.key.id, argument.key.span
    message = Message("{layer} has no `{key}=`", layer=layer.op, key=key)
    slot = argument_for(layer, key) or slots.get(key)
    in_place = bool(waiting) and waiting[0] is slot
    found = habit(layer, key, value, argument.value, argument.span, in_place=in_place)
    if found is not None:
        return Problem("E102", span, message, *found), slot
    if slot is not None and slot.form == "flag":
        help_ = Message("write `{name}` alone", name=slot.name)
    elif slot is not None:
        help_ = Message("it is given by its place: `{usage}`", usage=layer.usage())
    else:
        near = nearest(key, [slot.name for slot in layer.slots if slot.form == "key"])
        if near:
            help_ = Message("did you mean `{near}=`?", near=near)
            return Problem("E102", span, message, help_, rewrite(span, near)), None
        help_ = _by_itself(layer, slots, key, f"{key}=…") or _usage_help(layer)
    return Problem("E102", span, message, help_), slot


def _by_itself(layer: type[Layer], slots: dict[str, Slot], name: str, shown: str) -> Message:
    """What to do about an argument of an activation that is written after a layer, or about the
    name of a thing that is written otherwise."""
    from cnndsl.foreign.idioms import idiom

    for op, kind in ACTIVATIONS.items() if "activation" in slots else ():
        if name in {each.name for each in kind.slots if each.form in ("flag", "key")}:
            return Message(
                "write `{word}` as a statement of its own: `{layer} …; {word}`",
                word=f"{op} {shown}",
                layer=layer.op,
            )
    return idiom(name)


def _unknown_word(
    layer: type[Layer], slots: dict[str, Slot], argument: ast.Positional, word: str
) -> Problem:
    message = Message("{layer} takes no `{word}`", layer=layer.op, word=word)
    if short := re.fullmatch("([spdg])([0-9]{1,3})", word):  # `s2`, `p1`
        from cnndsl.network.habits import habit

        number = ast.Number(argument.span, int(short[2]))
        found = habit(layer, short[1], number.value, number, argument.span, in_place=False)
        if found is not None:
            return Problem("E102", argument.span, message, *found)
    if word[0] == "x" and (word == "x" or word[1:].isdigit()):
        help_ = Message("a size of more than numbers is written (h, w)")
        return Problem("E102", argument.span, message, help_)
    if word in ACTIVATIONS:
        help_ = Message(
            "write `{word}` as a statement of its own: `{layer} …; {word}`",
            word=word,
            layer=layer.op,
        )
    elif key := next((s.name for s in layer.slots if s.kind and word in s.kind.words), ""):
        text = f"{key}={word}"
        help_ = Message("write `{text}`", text=text)
        return Problem("E102", argument.span, message, help_, rewrite(argument.span, text))
    elif word in LAYERS:
        help_ = Message("`{word}` is a layer: put it on a line of its own, or after `;`", word=word)
    else:
        near = nearest(word, _words(layer))
        if near:
            fixes = rewrite(argument.span, near)
            return Problem("E102", argument.span, message, did_you_mean(near), fixes)
        help_ = _by_itself(layer, slots, word, word) or _usage_help(layer)
    return Problem("E102", argument.span, message, help_)
