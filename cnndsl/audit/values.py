"""What a cell says, as a value: read, compared, and written anew in the form in which it stood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

from cnndsl.audit.words import activations, pattern, synonyms

Value: TypeAlias = "int | Fraction | str | tuple[tuple[int, ...], ...] | None"
"""What can be right: a count, a share, a word, sizes of one tensor or several; None for none."""

_SIZE = r"(?:None|-1|[?BN]|\d+)"
_SIGN = r"\s*(?:,|[xX×*@]|\\times)\s*"
_TUPLE = re.compile(
    rf"[\[(]+\s*{_SIZE}(?:{_SIGN}{_SIZE})*\s*,?\s*[\])]+|(?<![\w.])\d+(?:{_SIGN}\d+)+(?!\w)"
)
_WORKING = r"\s{0,3}(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s{0,3}"
_MARKS = "*_`$~ \t"


class Given(NamedTuple):
    """What a text says, and where in it: sizes, a number, a word, or nothing.

    * `shapes`: sizes, None for one that is left open
    * `low`, `high`: the numbers that it may stand for, rounded or cut; the high one is without
    * `binary`: what else they may be multiplied by, where K may be 1,024
    """

    at: int
    text: str
    shapes: tuple[tuple[int | None, ...], ...] = ()
    low: int | Fraction | None = None
    high: int | Fraction = 0
    binary: int | Fraction = 1
    word: str = ""

    @property
    def kind(self) -> str:
        """`sizes`, `number`, `word`, or empty for nothing."""
        number = "number" if self.low is not None else "word" if self.word else ""
        return "sizes" if self.shapes else number


@cache
def _forms() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A number with its unit, and what may follow a value: how it was worked out."""
    about, unit, copula = (synonyms()[key] for key in ("about", "unit", "copula"))
    number = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}|\d+(?:\.\d+)?"
    scale = r"[KMGBT](?=[\sB]|$)|[천만억]"
    one = rf"(?P<about>{about})?\s*(?P<number>{number})\s*(?P<scale>{scale})?\s*(?P<unit>{unit})?"
    return re.compile(one), re.compile(rf"{_WORKING}(?:{copula})?\s{{0,3}}[.,;/]*{_WORKING}")


def read(text: str, start: int = 0) -> Given | None:
    """What a text says from a place on; None where it is no value, or more than one."""
    begin = start + len(text[start:]) - len(text[start:].lstrip(_MARKS))
    plain = text[begin:].rstrip(_MARKS)
    if pattern("nothing").fullmatch(plain):
        return Given(begin, plain)
    if "=" in plain:
        sign = plain.rindex("=")
        return read(text, begin + sign + len(re.match("=>?", plain[sign:])[0]))  # type: ignore[index]
    number, tail = _forms()
    one, found = number.match(plain), [*_TUPLE.finditer(plain)][:20]
    if one and tail.fullmatch(plain, one.end()) and len(one["number"]) < 30:
        return Given(begin, one[0].rstrip(), (), *_bounds(one))
    if found and not found[0].start():
        stop = 0
        many: list[str] = []
        for each in found:
            if many and plain[stop : each.start()].strip() != ",":
                break
            many.append(each[0])
            stop = each.end()
        shapes = tuple(
            tuple(int(size) if size.isdecimal() else None for size in re.findall(_SIZE, each[:200]))
            for each in many
        )
        if "@" in many[0]:  # 20@36x28, as LeNet's paper has it
            shapes = tuple((*sizes[1:], sizes[0]) for sizes in shapes)
        return Given(begin, plain[:stop], shapes) if tail.fullmatch(plain, stop) else None
    is_word = len(plain) < 60 and re.fullmatch(r"[^\W\d][\w() .-]*|\d+:\d+", plain)
    return Given(begin, plain, word=plain) if is_word else None


def _scale(one: re.Match[str]) -> tuple[Fraction, Fraction]:
    """What a number is multiplied by, and by what more it may be: a power of two, or 10^9 where
    B are bytes or billions."""
    unit = one["unit"] or ""
    letter = one["scale"] or (unit[:1] if len(unit) > 1 and unit[-1] == "B" else "")
    power = synonyms()["scales"].get(letter, 0)
    if letter == "B":
        return Fraction(1), Fraction(10**power)
    scale = Fraction(10**power) if unit != "%" else Fraction(1, 100)
    return scale, Fraction(1024, 1000) ** (power // 3)


def _bounds(one: re.Match[str]) -> tuple[int | Fraction, int | Fraction, Fraction]:
    """The numbers that are written so: `7.2K` is from 7,150 to 7,300, as people round and cut.

    Zeros before a unit may be what is rounded: `800K` is from 750,000 to 850,000.
    """
    digits, (scale, binary) = one["number"].replace(",", ""), _scale(one)
    digits = digits.replace(".", "") if digits.count(".") > 1 else digits
    places = len(digits.partition(".")[2])
    zeros = len(digits) - len(digits.rstrip("0")) if one["about"] or scale > 1 else 0
    if scale == binary == 1 and not places and not zeros:
        return int(digits), int(digits) + 1, binary
    last = Fraction(1, 10**places)
    half = last if places else Fraction(10**zeros)
    most = Fraction(digits) + max(half / 2, last)
    return (Fraction(digits) - half / 2) * scale, most * scale, binary


def same(given: Given, value: Value) -> bool:
    """Whether a text says a value; a text that says nothing says none."""
    if value is None or isinstance(value, str):
        text = given.word or given.text
        return value is not None and (
            _letters(text) == _letters(value) != "" or value in activations(text)
        )
    if isinstance(value, (int, Fraction)):
        if given.low is not None:
            if _dotted(given, value) and int(re.sub(r"\D", "", given.text)) == value:
                return True
            ways = (value, value / given.binary) if given.binary != 1 else (value,)
            return any(given.low <= each < given.high for each in ways)
        return len(given.shapes) == 1 and {*given.shapes[0]} == {value}
    if given.low is not None:
        return all({*shape} == {given.low} for shape in value)
    batch = given.text.startswith("[")  # as PyTorch prints it, of any size
    pairs = zip(given.shapes, value)
    return len(given.shapes) == len(value) and all(_fits(*pair, batch) for pair in pairs)


def _dotted(form: Given, value: Value) -> bool:
    """Whether a count may be written with a dot between thousands: `18.496`."""
    return isinstance(value, int) and bool(re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", form.text))


def _letters(text: str) -> str:
    return re.sub(r"[^\w:]|_", "", text.lower())


def _fits(sizes: Sequence[int | None], shape: tuple[int, ...], batch: bool) -> bool:
    """Whether sizes are a shape's: with a batch before them, or ones beside a vector or alone."""
    if len(shape) == 1 < len(sizes):
        ways = [sizes, sizes[1:]] if batch or sizes[0] is None else [sizes]
        ones = [[size for size in way if size != 1] for way in ways]
        return [size for size in shape if size != 1] in ones or [] in ones
    return tuple(sizes[len(sizes) == len(shape) + 1 :]) == shape


def written(value: Value, form: Given, nothing: str, grouped: bool) -> str:
    """A value in the form of what stood there; `nothing` is the word for none.

    `grouped` says whether thousands stand apart where the old text does not show it.
    """
    if value is None or isinstance(value, str):
        return nothing if value is None else value
    if isinstance(value, (int, Fraction)):
        share = isinstance(value, Fraction) and "%" not in form.text
        one = _forms()[0].match("0.0%" if share else form.text)
        if (form.shapes and not share) or one is None:
            return re.sub(r"\d+", str(value), form.text) if form.shapes else f"{value}"
        if _dotted(form, value):
            return f"{value:,}".replace(",", ".")
        digits = one["number"]
        places = len(digits.partition(".")[2])
        scale, more = _scale(one)
        scale *= more if "iB" in one[0] or value >= more > 1000 else 1
        whole, rest = divmod(round(value / scale * 10**places), 10**places)
        comma = "," if "," in digits or (len(digits) < 4 and grouped) else ""
        text = f"{whole:{comma}}" + (f".{rest:0{places}}" if places else "")
        return one[0][: one.start("number")] + text + one[0][one.end("number") :].rstrip()
    if form.low is not None and len({*value[0]}) == 1:
        return str(value[0][0])
    old = [*_TUPLE.finditer(form.text)]
    texts = [each[0] for each in old] or ["(0, 0)"]
    between = form.text[old[0].end() : old[1].start()] if len(old) > 1 else ", "
    return between.join(
        _tuple(each, texts[min(at, len(texts) - 1)]) for at, each in enumerate(value)
    )


def _tuple(shape: tuple[int, ...], old: str) -> str:
    """Sizes with the brackets, signs, batch and ones of others."""
    sizes = [*re.finditer(_SIZE, old)]
    numbers = [*map(str, (shape[-1], *shape[:-1]) if "@" in old else shape)]
    free = [at for at, size in enumerate(sizes) if size[0] not in ("1", "None")] or [0]
    if len(numbers) == 1 == len(free) < len(sizes):
        numbers = ["None" if size[0] == "None" else "1" for size in sizes]
        numbers[free[0]] = str(shape[0])
    elif not sizes[0][0].isdecimal() or (old[0] == "[" and len(sizes) == len(numbers) + 1):
        numbers.insert(0, sizes[0][0])
    if len(sizes) == len(numbers):
        pairs = dict(zip((size.start() for size in sizes), numbers))
        return re.sub(_SIZE, lambda match: pairs[match.start()], old)
    sign = old[sizes[0].end() : sizes[1].start()] if len(sizes) > 1 else ", "
    return old[: sizes[0].start()] + sign.join(numbers) + old[sizes[-1].end() :]
