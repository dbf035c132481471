"""A network in a line, as papers write it: `32C3-MP2-64C3-MP2-512FC-10`, or a column of VGG."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, Output
from cnndsl.importers.texts import LONGEST, MOST_LAYERS, Draft, Span
from cnndsl.layers import base
from cnndsl.layers.base import Shape

_DEEPEST = 20
_N = r"(\d{1,9})"
_K = r"(\d{1,4}(?:[x×]\d{1,4}){0,2})"
_S = r"(?:(?:/|s|st|stride\s?)(\d{1,3}))?"
_P = r"(0?\.\d{1,6}|\d{1,2}%)"


class Item(NamedTuple):
    """A layer as it is written: `size` is its channels or units, or a number of its."""

    word: str
    size: int | float | None = None
    kernel: tuple[int, ...] = ()
    stride: int | None = None
    span: Span = (0, 0)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.split("[x×]", text)))


def _conv(size: str, kernel: str | None, stride: str | None = None) -> Item:
    sizes = _sizes(kernel) if kernel else ()
    return Item("conv", int(size), sizes, int(stride) if stride else None)


def _by_size(one: str, other: str, stride: str | None = None) -> Item | None:
    """Of two numbers in parentheses, the kernel is the smaller one."""
    small, large = sorted((one, other), key=lambda each: _sizes(each)[0])
    return _conv(large, small, stride) if large.isdecimal() else None


def _pool(word: str) -> Callable[..., Item]:
    def make(kernel: str | None = None, stride: str | None = None) -> Item:
        sizes = _sizes(kernel) if kernel else ()
        return Item(word, None, sizes, int(stride) if stride else None)

    return make


def _sized(word: str) -> Callable[..., Item]:
    return lambda *sizes: Item(word, int(next(filter(None, sizes))))


def _rate(*texts: str | None) -> Item:
    text = next(filter(None, texts), "")
    return Item("dropout", float(text.rstrip("%")) / (100 if "%" in text else 1) if text else None)


def _plain(word: str) -> Callable[[], Item]:
    return lambda: Item(word)


def _ending(size: str, word: str) -> Item:
    return Item(word.lower().replace("svm", "linear").replace("out", "dense"), int(size))


_GAP = r"(?:GAP|global[\s_-]?(?:average|avg)[\s_-]?pool(?:ing)?|global[\s_-]?pool(?:ing)?)"
_FORMS: list[tuple[str, Callable[..., Item | None]]] = [
    (rf"{_N}[-\s]?(softmax|sigmoid|svm|out)", _ending),
    # Convolutions
    (rf"conv(?:2d)?\(\s*{_K}\s*,\s*{_K}\s*(?:,\s*(?:s\s?=?\s?)?(\d{{1,3}})\s*)?\)", _by_size),
    (rf"conv\s?{_K}\s?[-‐-―−,]\s?{_N}{_S}", lambda k, n, s: _conv(n, k, s)),
    (rf"{_K}\s?conv(?:olution)?\s?[-‐-―−,]?\s?{_N}{_S}", lambda k, n, s: _conv(n, k, s)),
    (rf"{_N}C(?:onv)?{_K}{_S}", _conv),
    (rf"{_N}C(?:onv)?\(?{_K}\)?{_S}", _conv),
    (rf"{_N}@{_K}{_S}", _conv),
    (rf"C\(\s*{_K}\s*,\s*{_K}\s*\)", _by_size),
    (rf"C{_N}k{_K}{_S}", _conv),
    (rf"C(?:onv)?\s?{_N}{_S}", lambda n, s: _conv(n, None, s)),
    (rf"{_N}C(?:onv)?{_S}", lambda n, s: _conv(n, None, s)),
    # Pools
    (_GAP, _plain("gap")),
    (r"(?:GMP|global[\s_-]?max[\s_-]?pool(?:ing)?)", _plain("gmp")),
    (rf"(?:AP|(?:avg|average)[\s_-]?pool(?:ing)?)\s?\(?{_K}?\)?{_S}", _pool("avgpool")),
    (rf"(?:M|P|(?:M|max[\s_-]?)?(?:P|pool(?:ing)?))\s?\(?{_K}?\)?{_S}", _pool("pool")),
    (rf"{_N}(?:MP|P)", _pool("pool")),
    (rf"(?:{_N}S|S{_N})", lambda one, other: _pool("subsample")(one or other)),
    # Fully connected
    (rf"{_N}[-\s]?(?:FC|F|N|D|dense|units?|hidden)", _sized("dense")),
    (rf"(?:FC|F|dense|linear)[-‐-―−\s]?\(?{_N}\)?", _sized("dense")),
    # The rest
    (rf"(?:DO|D|drop(?:out)?)\s?\(?{_P}\)?", _rate),
    (r"(?:DO|dropout)", _rate),
    (r"(?:BN|batch[\s_-]?norm(?:ali[sz]ation)?)", _plain("bn")),
    (r"LRN", _plain("lrn")),
    (r"flatten", _plain("flatten")),
    (r"soft-?max", _plain("softmax")),
    *((word, _plain(word)) for word in "relu6 relu elu selu gelu silu mish sigmoid tanh".split()),
    (_N, _sized("dense")),
]  # fmt: skip
_END = r"(?=$|[\s\-‐-―−→>,;|+()\[\]{}×*&.])"
_READERS = [(re.compile(form + _END, re.IGNORECASE), make) for form, make in _FORMS]
_BETWEEN = re.compile(r"(?:[\s\-‐-―−→>,;|+&⇒]|\\(?:right)?arrow|\.(?=\s|$)|→)+")
_INPUT = re.compile(
    rf"\s{{0,99}}(?:input)?[\s:(=-]{{0,9}}{_N}((?:\s?[x×*]\s?{_N})*)(?:\s?(RGB|gr[ae]y)?(?:\s\w+)?\s?image)?\)?"
    rf"{_END}(?!\s?[x×*])",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"(\d{1,9})\s?[x×*]\s?(?=[(\[])|(\d{1,9})\s?[x×*]\s?(?=\d+(?:C(?!onv)|F))", re.I
)
_AFTER = re.compile(r"\s?[x×*]\s?(\d{1,9})")
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
            if sign and sign in "([":
                stack.append((count, found, (at, start + 1)))
                found = []
                if len(stack) > _DEEPEST:
                    message = Message("there are more than {most} braces in braces", most=_DEEPEST)
                    self.problem("E605", message, (at, start + 1))
                    return []
                # The repeat of what stands in parentheses is as good inside: `(2x128C3)`.
                at = start + 1
            elif sign and sign in ")]":
                if not stack:
                    self.unreadable((at, start + 1))
                else:
                    count, before, span = stack.pop()
                    at = start + 1
                    if after := _AFTER.match(self.text, at):
                        count, at = count * int(after[1]), after.end()
                    found = before + self.repeated(found, count, span)
                    continue
                at = start + 1
            elif item := self.item(start):
                found += self.repeated([item], count, item.span)
                at = item.span[1]
                if len(found) > MOST_LAYERS:
                    self.too_many(item.span)
                    break
            else:
                stop = re.compile(r"[^\s\-‐-―−→,;|()\[\]]*").match(self.text, start)
                end = max(stop.end() if stop else 0, start + 1)
                self.unreadable((at, end))
                at = end
        for _, before, span in reversed(stack):
            self.unreadable(span)
            found = before + found
        return found

    def item(self, at: int) -> Item | None:
        """The layer that is written at a place."""
        for form, make in _READERS:
            match = form.match(self.text, at)
            item = make(*match.groups()) if match else None
            if match and item:
                sizes = (*item.kernel, item.stride, item.size if item.word != "dropout" else None)
                return None if 0 in sizes else item._replace(span=match.span())
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
    match = _INPUT.match(text)
    if match is None:
        return shape, 0
    if match[0][-1] != ")" and text[match.end() :][:5].lower().lstrip().startswith("conv"):
        return shape, 0  # a kernel, as in `3x3 conv`
    sizes = (int(match[1]), *map(int, re.findall(r"\d+", match[2])))
    if (
        shape
        and sizes != (base.product(shape),)
        and not match[2]
        and "input" not in match[0].lower()
    ):
        return shape, 0  # a layer of so many units
    if len(sizes) > 4:
        return shape, 0
    if len(sizes) == 2:
        sizes = (*sizes, 3 if (match[4] or "").upper() == "RGB" else 1)
    return shape or base.channels_last(sizes) or sizes, match.end()


def _tensors(reader: _Reader, items: list[Item], shape: Shape, same: bool, says: bool) -> bool:
    """Build the graph, with convolutions that keep the size or do not pad; say whether every
    size comes out whole."""
    graph, whole = reader.graph, True
    op = graph.input(shape)
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
                whole &= (
                    (length % step == 0) if same else (length >= k and (length - k) % step == 0)
                )
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
    is_open = (
        last >= 0 and not _is_ending(items[last]) and "softmax" not in map(_word, items[last:])
    )
    if says and is_open and len(graph.shape(op)) == 1:
        add("sigmoid" if graph.shape(op) == (1,) else "softmax", items[-1].span)
    graph.outputs = [Output("", op)]
    return whole


def _word(item: Item) -> str:
    return item.word


def _is_ending(item: Item) -> bool:
    """Whether it is a fully connected layer with what comes behind the last one: `10softmax`."""
    return item.size is not None and item.word in ("softmax", "sigmoid", "linear")


def _asks(reader: _Reader, items: list[Item], same: bool, says: bool) -> None:
    """What the text does not say, and what was taken."""
    words = {item.word for item in items}
    if says and words & {*_WEIGHS}:
        reader.ask(Message("the activations are not said: relu is taken, and softmax at the end"))
    if any(item.word == "conv" and any(k > 1 for k in item.kernel or (3,)) for item in items):
        reader.ask(
            Message("the padding is not said: `same` is taken, by which the sizes come out whole")
            if same
            else Message("the padding is not said: none is taken")
        )
    if any(item.word == "conv" and not item.kernel for item in items):
        reader.ask(Message("the size of kernels is not said: 3x3 is taken"))
    if any(item.word in ("pool", "avgpool") and not item.kernel for item in items):
        reader.ask(Message("the size of pools is not said: 2 is taken"))
    if "subsample" in words:
        reader.ask(Message("how a map is subsampled is not said: by the mean"))
    if any(item.word == "dropout" and item.size is None for item in items):
        reader.ask(Message("the rate of dropout is not said: 0.5 is taken"))


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
        tries.append((not whole or bool(draft.graph.problems), same, draft))
    # No padding where all comes out whole by that, else `same`; what fits at all if neither does.
    tries.sort(key=lambda each: (each[0], bool(each[2].graph.problems), each[1]))
    _, same, draft = tries[0]
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
