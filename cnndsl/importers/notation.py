"""A network in a line, as papers write it: `32C3-MP2-64C3-MP2-512FC-10`, or a column of VGG."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, Output
from cnndsl.importers.texts import LONGEST, MOST_LAYERS, Draft, Span
from cnndsl.layers import base
from cnndsl.layers.base import Shape

_DEEPEST = 20
_N = r"(?P<size>\d{1,9})"
_K = r"(?P<kernel>\d{1,4}(?:[x×]\d{1,4}){0,2})"
_S = r"(?:(?:/|s|st|,?\s?stride\s?)(?P<stride>\d{1,3}))?"
_SIDES = r"(?P<kernel>\d{1,4}[x×]\d{1,4})"
_P = r"(?P<rate>0?\.\d{1,6}|\d{1,2}%)"
_ONE, _OTHER = (rf"(?P<{name}>\d{{1,4}}(?:[x×]\d{{1,4}}){{0,2}})" for name in ("one", "other"))
_TWO = rf"{_ONE}\s*,\s*{_OTHER}"
_DASH = r"[-‐-―−,]"


class Item(NamedTuple):
    """A layer as it is written: `size` is its channels or units, or a number of its."""

    word: str
    size: int | float | None = None
    kernel: tuple[int, ...] = ()
    stride: int | None = None
    span: Span = (0, 0)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.split("[x×]", text)))


_GAP = r"global[\s_-]?(?:average|avg)[\s_-]?pool(?:ing)?|global[\s_-]?pool(?:ing)?"
_FORMS = [
    ("softmax", rf"{_N}[-\s]?softmax"),
    ("sigmoid", rf"{_N}[-\s]?sigmoid"),
    ("linear", rf"{_N}[-\s]?svm"),
    ("dense", rf"{_N}[-\s]?o(?:ut)?"),
    ("conv", rf"conv(?:2d)?\(\s*{_TWO}\s*(?:,\s*(?:s\s?=?\s?)?(?P<stride>\d{{1,3}})\s*)?\)"),
    ("conv", rf"(?:C|conv(?:2d)?[-\s]?){_ONE}\s?\(\s*{_OTHER}\s*\){_S}"),
    ("conv", rf"conv\s?{_K}\s?{_DASH}\s?{_N}{_S}"),
    ("conv", rf"conv(?:2d)?\s{_SIDES}[x×]{_N}{_S}"),
    ("conv", rf"conv(?:2d)?\s{_N}[\s,]\s?{_SIDES}{_S}"),
    ("conv", rf"{_K}\s?conv(?:olution)?\.?\s?{_DASH}?\s?{_N}{_S}"),
    ("conv", rf"{_N}C(?:onv)?{_K}{_S}"),
    ("conv", rf"{_N}C(?:onv)?\(?{_K}\)?{_S}"),
    ("conv", rf"{_N}@{_K}{_S}"),
    ("conv", rf"C\(\s*{_TWO}\s*\)"),
    ("conv", rf"C{_N}k{_K}{_S}"),
    ("conv", rf"C(?:onv)?\s?{_N}{_S}"),
    ("conv", rf"{_N}C(?:onv)?{_S}"),
    ("gap", rf"(?:GAP|{_GAP})"),
    ("gmp", r"(?:GMP|global[\s_-]?max[\s_-]?pool(?:ing)?)"),
    ("avgpool", rf"(?:AP|(?:avg|average)[\s_-]?pool(?:ing)?)\s?\(?{_K}?\)?{_S}"),
    ("pool", rf"(?:M|P|(?:M|max[\s_-]?)?(?:P|pool(?:ing)?))\s?\(?{_K}?\)?{_S}"),
    ("pool", r"(?P<kernel>\d{1,9})(?:MP|P)"),
    ("pool", rf"{_K}\s?max[\s_-]?pool(?:ing)?{_S}"),
    ("subsample", r"(?P<kernel>\d{1,9})S"),
    ("subsample", r"S(?P<kernel>\d{1,9})"),
    ("dense", rf"{_N}[-\s]?(?:FC|F|N|D|dense|units?|hidden)"),
    ("dense", rf"(?:FC|F|dense|linear)[-‐-―−\s]?\(?{_N}\)?"),
    ("dropout", rf"(?:DO|D|drop(?:out)?)\s?\(?{_P}\)?"),
    ("dropout", r"(?:DO|dropout)"),
    ("bn", r"(?:BN|batch[\s_-]?norm(?:ali[sz]ation)?)"),
    ("lrn", r"LRN"),
    ("flatten", r"flatten"),
    ("relu", r"R"),
    ("softmax", r"soft-?max"),
    *((word, word) for word in "relu6 relu elu selu gelu silu mish sigmoid tanh".split()),
    ("dense", _N),
]
"""How the layers are written, the first that fits counts."""
_END = r"(?=$|[\s\-‐-―−→>,;|+()\[\]{}×*&.]|[/=](?!\d))"
_READERS = [(word, re.compile(form + _END, re.IGNORECASE)) for word, form in _FORMS]
_BETWEEN = re.compile(r"(?:[\s\-‐-―−→>,;|+&⇒]|/(?!\d)|=>|\\(?:right)?arrow|\.(?=\s|$)|→)+")
_INPUT = re.compile(
    rf"\s{{0,99}}(?:input)?[\s:(=-]{{0,9}}(\d{{1,9}})((?:\s?[x×*]\s?(\d{{1,9}}))*)(?:\s?(RGB|gr[ae]y)?(?:\s\w+)?\s?image)?\)?"
    rf"{_END}(?!\s?[x×*])",
    re.IGNORECASE,
)
_OPENED = re.compile(r"\s{0,99}(?:input)?\s?\((\d{1,9}(?:\s?,\s?\d{1,9}){1,3})\)", re.IGNORECASE)
_TIMES = re.compile(
    r"(\d{1,9})\s?[x×*]\s?(?=[(\[])|(\d{1,9})\s?[x×*]\s?(?=\d+(?:C(?!onv)|F))", re.I
)
_AFTER = re.compile(r"\s?[x×*]\s?(\d{1,9})")
_PIECE = re.compile(r"[^\s\-‐-―−→,;|()\[\]]+|.", re.DOTALL)
_LOOSE = re.compile(r"\w\(\s*\d+\s*\)")  # `32C3(2)`: of the layer before it, and no layer
_WEIGHS = ("conv", "dense")
_SILENT = ("softmax", "bn", "lrn", "dropout", "flatten", "linear")


class _Reader(Draft):
    """The items of a text, with their repeats written out."""

    def items(self, at: int = 0) -> list[Item]:
        """The layers from a place on, in order."""
        stack: list[tuple[int, list[Item], Span]] = []
        found: list[Item] = []
        while at < len(self.text) and len(self.graph.problems) < 100:
            if between := _BETWEEN.match(self.text, at):
                at = between.end()
                continue
            opening = _TIMES.match(self.text, at)
            start = opening.end() if opening else at
            count = int(opening[1] or opening[2]) if opening else 1
            sign = self.text[start : start + 1]
            if start and (loose := _LOOSE.match(self.text, start - 1)):
                self.unreadable((start, loose.end()))
                at = loose.end()
            elif sign and sign in "([":
                stack.append((count, found, (at, start + 1)))
                found = []
                if len(stack) > _DEEPEST:
                    message = Message("there are more than {most} braces in braces", most=_DEEPEST)
                    self.problem("E605", message, (at, start + 1))
                    return []
                # The repeat of what stands in parentheses is as good inside: `(2x128C3)`.
                at = start + 1
            elif sign and sign in ")]" and stack:
                count, before, span = stack.pop()
                at = start + 1
                if after := _AFTER.match(self.text, at):
                    count, at = count * int(after[1]), after.end()
                found = before + self.repeated(found, count, span)
            elif item := self.item(start):
                found += self.repeated([item], count, item.span)
                at = item.span[1]
                if len(found) > MOST_LAYERS:
                    self.too_many(item.span)
                    break
            else:
                piece = _PIECE.match(self.text, start)
                end = piece.end() if piece else start + 1
                self.unreadable((at, end))
                at = end
        for _, before, span in reversed(stack):
            self.unreadable(span)
            found = before + found
        return found

    def item(self, at: int) -> Item | None:
        """The layer that is written at a place."""
        for word, form in _READERS:
            if match := form.match(self.text, at):
                given = match.groupdict()
                size, kernel, stride = (given.get(key) for key in ("size", "kernel", "stride"))
                if "one" in given:
                    # The kernel is what has two sides, or else the smaller of two numbers.
                    kernel, size = sorted(
                        (match["one"], match["other"]),
                        key=lambda each: (each.isdecimal(), _sizes(each)[0]),
                    )
                    if not size.isdecimal():
                        continue
                item = Item(
                    word,
                    int(size) if size else None,
                    _sizes(kernel) if kernel else (),
                    int(stride) if stride else None,
                    match.span(),
                )
                if word == "conv" and item.size and item.size <= 11 < min(item.kernel or (0,)):
                    # No kernel is as large: `3C64` has its channels behind.
                    item = item._replace(size=item.kernel[0], kernel=(int(item.size),))
                if 0 in (item.size, *item.kernel, item.stride):
                    return None
                if rate := given.get("rate"):
                    item = item._replace(size=float(rate.rstrip("%")) / (100 if "%" in rate else 1))
                return item
        return None

    def too_many(self, span: Span) -> None:
        message = Message("there are more than {most:,} layers", most=MOST_LAYERS)
        self.problem("E605", message, span)

    def repeated(self, items: list[Item], count: int, span: Span) -> list[Item]:
        if len(items) * count > MOST_LAYERS:
            self.too_many(span)
            return items
        return items * count


def _first(text: str, shape: Shape | None) -> tuple[Shape | None, int]:
    """The size of the input, and where the layers begin."""
    if opened := _OPENED.match(text):
        sizes = tuple(map(int, opened[1].split(",")))
        return shape or base.channels_last(sizes) or sizes, opened.end()
    match = _INPUT.match(text)
    if match is None:
        return shape, 0
    if match[0][-1] != ")" and text[match.end() :][:5].lower().lstrip().startswith("conv"):
        return shape, 0  # a kernel, as in `3x3 conv`
    sizes = (int(match[1]), *map(int, re.findall(r"\d+", match[2])))
    is_bare = not match[2] and "input" not in match[0].lower()
    if len(sizes) > 4 or (shape and is_bare and sizes != (base.product(shape),)):
        return shape, 0  # a layer of so many units
    if len(sizes) == 2:
        sizes = (*sizes, 3 if (match[4] or "").upper() == "RGB" else 1)
    return shape or base.channels_last(sizes) or sizes, match.end()


def _tensors(reader: _Reader, items: list[Item], shape: Shape, same: bool, says: bool) -> bool:
    """Build the graph, with convolutions that keep the size or do not pad; say whether every
    size comes out whole."""
    graph, whole = reader.graph, True
    op = reader.input(shape, (0, 0))
    if reader.unsized:
        return False
    weighing = [at for at, item in enumerate(items) if item.word in _WEIGHS or _is_ending(item)]
    last = max(weighing, default=-1)
    pending = False

    def add(word: str, span: Span, **values: Any) -> None:
        nonlocal op
        op = reader.add(word, values, [op], span)

    for at, item in enumerate(items):
        word, size, kernel, stride, span = item
        current = graph.shape(op)
        if pending and word != "bn":
            add("relu", span)
            pending = False
        if word == "conv":
            kernel, step = kernel or (3,), stride or 1
            kernel = kernel * (len(current) - 1) if len(kernel) == 1 else kernel
            for length, k in zip(current, kernel):
                over = length if same else length - k
                whole &= over >= 0 and over % step == 0
            pads = same and any(each > 1 for each in kernel)
            add("conv", span, filters=size, kernel=kernel, stride=step, same=pads)
        elif word in ("pool", "avgpool", "subsample"):
            kernel = kernel or (2,)
            kernel = kernel * max(len(current) - 1, 1) if len(kernel) == 1 else kernel
            for length, k in zip(current[:-1], kernel):
                whole &= length >= k and (length - k) % (stride or k) == 0
            name = "avgpool" if word == "subsample" else word
            add(name, span, kernel=kernel, stride=stride)
        elif word == "dense" or _is_ending(item):
            if len(current) > 1:
                add("flatten", span)
            add("dense", span, units=size)
            if word in ("softmax", "sigmoid"):
                add(word, span)
        elif word == "dropout":
            add("dropout", span, rate=0.5 if size is None else size)
        elif word != "flatten" or len(current) > 1:
            add(word, span)
        if says and word in _WEIGHS and (word == "conv" or at != last):
            pending = True
    if pending:
        add("relu", items[-1].span)
    ended = any(item.word == "softmax" or _is_ending(item) for item in items[last:])
    if says and last >= 0 and not ended and len(graph.shape(op)) == 1:
        add("sigmoid" if graph.shape(op) == (1,) else "softmax", items[-1].span)
    graph.outputs = [Output("", op)]
    return whole


def _is_ending(item: Item) -> bool:
    """Whether it is a fully connected layer with what comes behind the last one: `10softmax`."""
    return item.size is not None and item.word in ("softmax", "sigmoid", "linear")


def _asks(reader: _Reader, items: list[Item], same: bool, says: bool) -> None:
    """What the text does not say, and what was taken."""
    words = {item.word for item in items}
    sizeless = {item.word for item in items if not item.kernel}
    asks = [
        (
            says and words & {*_WEIGHS},
            Message("the activations are not said: relu is taken, and softmax at the end"),
        ),
        (
            any(item.word == "conv" and max(item.kernel or (3,)) > 1 for item in items),
            (
                Message(
                    "the padding is not said: `same` is taken, by which the sizes come out whole"
                )
                if same
                else Message("the padding is not said: none is taken")
            ),
        ),
        ("conv" in sizeless, Message("the size of kernels is not said: 3x3 is taken")),
        (sizeless & {"pool", "avgpool"}, Message("the size of pools is not said: 2 is taken")),
        ("subsample" in words, Message("how a map is subsampled is not said: by the mean")),
        (
            any(item.word == "dropout" and item.size is None for item in items),
            Message("the rate of dropout is not said: 0.5 is taken"),
        ),
    ]
    for is_open, message in asks:
        if is_open:
            reader.ask(message)


def read_notation(text: str, name: str = "", shape: Shape | None = None) -> Graph:
    """Read a network in a line; `shape` is the input's, where the line does not begin with it."""
    reader = _Reader(text, name, "keras")
    shape, at = _first(reader.text, shape)
    items = reader.items(at)
    if reader.graph.problems:
        return reader.done()
    if not items:
        reader.problem("E605", Message("the text has no layer"), (0, min(len(text), 1)))
        return reader.done()
    if shape is None:
        help_ = Message("write it, as `--input 28x28x1`")
        reader.problem("E604", Message("the size of the input is not said"), (0, 1), help_)
        return reader.done()
    if min(shape) < 1:
        reader.unreadable((0, at))
        return reader.done()
    # Once an activation is said, those that are not said are none.
    said = {item.word for item in items if not item.size} - {"conv", "dense", "pool", "avgpool"}
    says = not said - {*_SILENT, "gap", "gmp", "subsample", "softmax"}
    tries = []
    for same in (False, True):
        draft = _Reader(text, name, "keras")
        whole = _tensors(draft, items, shape, same, says)
        fits = not draft.graph.problems
        tries.append((not (whole and fits), not fits, same, draft))
    # No padding where all comes out whole by that, else `same`; what fits at all if neither does.
    *_, same, draft = min(tries, key=lambda each: each[:3])
    _asks(draft, items, same, says)
    return draft.done()


def is_notation(text: str) -> bool:
    """Whether a text is a network in a line, of two layers or more, the input among them."""
    if len(text) > min(LONGEST, 20_000):
        return False
    reader = _Reader(text, "", "keras")
    _, at = _first(text, None)
    items = reader.items(at)
    return not reader.graph.problems and len(items) + (at > 0) > 1
