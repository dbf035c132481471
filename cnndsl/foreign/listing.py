"""The statements of Keras and PyTorch that stand in a text, each with the line that it is here.

Python's own parser reads them, one statement at a time and none that is very long, so that no
text raises anything or takes long.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.diagnostics.diagnostic import Note
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.foreign import table
from cnndsl.foreign.calls import Call, CannotTell, Line, OtherTensor, line, value_of
from cnndsl.foreign.table import CHORES, CLASSES, FUNCTIONS, KERAS, MODULES, TITLES, TORCH

Token: TypeAlias = tuple[str, int, int]
"""A terminal's name and where it stands, as the lexer has it."""

MAX_LENGTH = 10_000
"""How many characters a statement of theirs may have."""

MAX_WASTED = 200_000
"""How many characters may be looked through for the ends of statements that are none."""

_HEAD = re.compile(
    r"(?:(?P<target>[A-Za-z_][\w.]{0,200})[ \t]*=[ \t]*)?(?P<path>[A-Za-z_][\w.]{0,200})[ \t]*\("
)
_CHORE = re.compile(
    r"import[ \t]+[A-Za-z_][\w.]*(?:[ \t]+as[ \t]+\w+)?(?=[ \t]*(?:[#\r\n;]|\Z))"
    r"|from[ \t]+[A-Za-z_][\w.]*[ \t]+import[ \t]+(?:\([^()]{0,2000}\)|[\w.,* \t]+)"
    r"|class[ \t]+\w+[ \t]*(?:\([\w., \t]*\))?[ \t]*:"
    r"|def[ \t]+(?:__init__|forward|call)[ \t]*\([^()\n]{0,500}\)[^:\n]{0,200}:"
    r"|super\([\w, \t]*\)\.__init__\([^()\n]{0,200}\)"
    r"|return[ \t]+\w+(?=[ \t]*(?:[#\r\n]|\Z))"
    r"|print[ \t]*\([\w.]*\)"
)
_OPENER = re.compile(
    r"(?:[A-Za-z_][\w.]*[ \t]*=[ \t]*)?(?:[A-Za-z_]\w*\.){0,5}Sequential[ \t]*\([ \t]*"
    r"(?:(?:\w+\.)?OrderedDict[ \t]*\([ \t]*)?\[?"
    r"(?=[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z))"
)
_CLOSER = re.compile(r"[)\]][)\], \t]*(?:name[ \t]*=[ \t]*(?:\"\w*\"|'\w*')[ \t]*[)\], \t]*)?")
_PIECE = re.compile(
    r"->|=>|→|'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*|[()\[\]{};|\n]|[^'\"#()\[\]{};|\n=→-]+|."
)
_READS = ("in_channels", "in_features", "num_features")
_GIVES = ("out_channels", "out_features")
_NAMED = re.compile(r"\([ \t]*(?:\"[\w.]*\"|'[\w.]*')[ \t]*,\s*")
ARROW = re.compile(r"[ \t]*(?:->|=>|→)[ \t]*\Z")
"""What may stand before a statement of theirs; here it is a `;`."""
_STARTS = frozenset(("_SEP", "LBRACE", "RBRACE", "VBAR"))
_VARIABLES = frozenset(("NET", "INPUT", "HEAD", "BLOCK", "PARAM"))


class Found(NamedTuple):
    """A statement of theirs.

    * `name`: the layer, empty for what is none
    * `lines`: what it is here; None where that is open, and then there is a `reason`
    * `functional`: whether it says which tensor it reads
    """

    start: int
    end: int
    name: str = ""
    framework: str = KERAS
    lines: tuple[Line, ...] | None = None
    reason: Message = NOTHING
    functional: bool = False


def find(source: Source, raw: Sequence[Token], most: int) -> list[Found]:
    """The statements of theirs in a text, in order; reading ends behind one more than `most`.

    `raw` are the tokens of the text, as the lexer has them.
    """
    return _Reader(source, raw).run(most)


def one(source: Source, span: Span) -> Found | None:
    """The statement of theirs that reads as one of the language, if it is one."""
    reader = _Reader(source, ())
    reader.has_input = True
    return reader.statement(span.start)


class _Reader:
    """One walk over the statements of a text."""

    def __init__(self, source: Source, raw: Sequence[Token]) -> None:
        self.text = source.text
        self.raw = raw
        self.found: list[Found] = []
        self.wasted = 0
        self.open = 0  # how many lists of layers have been opened and not closed
        self.latest: str | None = None  # the variable that holds what was made last
        self.branches = False  # whether something reads another
        self.last = ""  # the layer before, here, and its channels where they are known
        self.channels: int | None = None
        self.uses_torch = re.search(r"\b(torch|nn)\.", source.text) is not None
        has_torch = re.search(r"^[ \t]*defaults[ \t]+torch\b", source.text, re.MULTILINE)
        self.defaults = TORCH if has_torch else KERAS
        self.own = self._own_names()
        self.has_input = any(
            kind == "INPUT" and following[0] != "EQUAL" for (kind, _, _), following in _pairs(raw)
        )

    def run(self, most: int) -> list[Found]:
        end, before = 0, "_SEP"
        for token, following in _pairs(self.raw):
            kind, start, _ = token
            begins, before = before in _STARTS, kind
            if start < end or not (begins or self.behind_arrow(start)):
                continue
            if kind in _VARIABLES and following[0] != "EQUAL":
                continue
            found = self.statement(start)
            if found is None:
                self.last, self.channels = "", None  # a line of the language
            else:
                self.found.append(found)
                end = found.end
                if len(self.found) > most:
                    break
            if self.wasted > MAX_WASTED:
                break
        if self.branches:
            # Without its branches the rest would be another net, and check.
            return [
                each._replace(lines=None, reason=_BRANCHES) if each.functional else each
                for each in self.found
            ]
        return self.found

    def behind_arrow(self, start: int) -> bool:
        """Whether an arrow stands before an offset."""
        return self.text[max(0, start - 10) : start].rstrip().endswith(("->", "=>", "→"))

    def _own_names(self) -> frozenset[str]:
        """The names that the text itself gives to blocks, constants and parameters."""
        names: set[str] = set()
        inside = False
        before = ""
        for kind, start, end in self.raw:
            if kind == "NAME" and (inside or before in ("BLOCK", "LET", "PARAM")):
                names.add(self.text[start:end])
            inside = kind == "BLOCK" or (inside and kind not in ("LBRACE", "_SEP"))
            before = kind
        return frozenset(names)

    def statement(self, start: int) -> Found | None:
        """The statement of theirs that begins at an offset, if one does."""
        text = self.text
        if found := _OPENER.match(text, start):
            self.open += 1
            return Found(start, found.end(), lines=())
        if self.open and (found := _CLOSER.match(text, start)):
            self.open -= 1
            return Found(start, start + len(found[0].rstrip()), lines=())
        if found := _CHORE.match(text, start):
            return Found(start, start + len(found[0].rstrip()), lines=())
        named = _NAMED.match(text, start) if self.open else None  # in a list with names
        head = _HEAD.match(text, named.end() if named else start)
        if head is None or not self.is_theirs(head["path"], head["target"]):
            return None
        end, closers = self.end(start)
        if end is None:
            self.wasted += MAX_LENGTH
            return None
        code = text[start:closers].rstrip().rstrip(",")
        tree = _parsed(code)
        found_ = self.read(tree, start, end, head) if tree is not None else None
        if found_ is None:
            self.wasted += end - start
        elif closers < end:
            self.open = max(0, self.open - 1)
        return found_

    def is_theirs(self, path: str, target: str | None) -> bool:
        """Whether a call of a name looks like theirs."""
        *modules, name = path.split(".")
        if not modules:
            known = name in ("Sequential", "Model", *_MERGES) and target is not None
            return (known or _class(name, None) is not None) and name not in self.own
        if MODULES.intersection(modules):
            return True
        if name in CHORES or name in ("add", "add_module") or _class(name, None) is not None:
            return True
        return target is not None and (modules == ["self"] or name in ("view", "flatten"))

    def end(self, start: int) -> tuple[int | None, int]:
        """Where a statement ends, and before that where brackets close that it did not open."""
        depth, at = 0, start
        for piece in _PIECE.finditer(self.text, start, start + MAX_LENGTH):
            shown = piece[0]
            at = piece.end()
            if shown in ("(", "[", "{") and (depth or shown != "{"):
                depth += 1
            elif shown in (")", "]", "}") and depth:
                depth -= 1
            elif depth == 0:
                if shown in (")", "]"):
                    closers = _CLOSER.match(self.text, piece.start()) if self.open else None
                    ends = closers.end() if closers else piece.start()
                    return ends, piece.start()
                if shown in (";", "|", "\n", "{", "}", "->", "=>", "→") or shown[0] == "#":
                    return self._trimmed(start, piece.start())
        if depth or at < len(self.text):
            return None, at
        return self._trimmed(start, at)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        end = start + len(self.text[start:end].rstrip())
        return end, end

    def read(self, tree: ast.stmt, start: int, end: int, head: re.Match[str]) -> Found | None:
        """A statement that Python has read."""
        target = head["target"]
        value = tree.value if isinstance(tree, (ast.Assign, ast.Expr)) else None
        if isinstance(value, ast.Tuple) and isinstance([*value.elts, None][0], ast.Constant):
            value = value.elts[-1]  # its name and the layer
        elif isinstance(value, ast.Tuple) and target is None:  # some of a list
            value = ast.Call(ast.Name("Sequential"), value.elts, [])
        if not isinstance(value, ast.Call):
            return None
        path = head["path"].split(".")
        name = path[-1]
        try:
            lines, layer, framework = self.lines(value, target)
        except CannotTell as problem:
            self.branches = self.branches or isinstance(problem, OtherTensor)
            self.last, self.channels = "", None
            self.latest = target if target and "." not in target else self.latest
            framework = self.framework(path)
            call = self.layer_of(value)
            shown = call[1] if call else name
            known = any(shown in classes for classes in CLASSES.values())
            return Found(start, end, shown if known else "", framework, None, problem.reason)
        if lines is None:
            return None
        names_tensor = isinstance(value.func, ast.Call) or name in FUNCTIONS
        return Found(start, end, layer, framework, tuple(lines), NOTHING, names_tensor)

    def layer_of(self, value: ast.Call) -> tuple[list[str], str] | None:
        """The path and the name of the layer that a call is of, or of that it adds."""
        path = _path(value.func if not isinstance(value.func, ast.Call) else value.func.func)
        if path and path[-1] in ("add", "add_module") and value.args:
            inner = value.args[-1]
            path = _path(inner.func) if isinstance(inner, ast.Call) else None
        return (path, path[-1]) if path else None

    def lines(self, value: ast.Call, target: str | None) -> tuple[list[Line] | None, str, str]:
        """What a call is here, the name of its layer, and whose it is."""
        if isinstance(value.func, ast.Call):  # layer(…)(x)
            path = _path(value.func.func) or []
            self.follow(value.args, target)
            return self.layer(value.func, path), path[-1] if path else "", self.framework(path)
        path = _path(value.func) or [""]
        *modules, name = path
        framework = self.framework(path)
        if name in ("add", "add_module") and modules and value.args:
            inner = value.args[-1]
            if not isinstance(inner, ast.Call):
                if name == "add" and modules[-1] not in ("layers",):
                    raise CannotTell(_NO_LAYER)
            else:
                return self.lines(inner, None)
        if name in ("Sequential", "Model") or (name in CHORES and modules):
            made = self.model(value, name)
            return made, name if name == "Sequential" else "", framework
        if modules == ["self"] or (
            modules[:1] == ["self"] and not MODULES.intersection(modules[1:])
        ):
            raise CannotTell(_CALLED)
        if name in ("view", "flatten") and target is not None and modules[0] not in MODULES:
            self.follow([ast.Name(modules[0])], target)
            return [Line("flatten")], name, TORCH
        if name in FUNCTIONS and modules and MODULES.intersection(modules):
            if not value.args and not value.keywords:
                raise CannotTell(_NO_LAYER)
            return self.function(value, name, target), name, framework
        return self.layer(value, path), name, framework

    def follow(self, arguments: Sequence[ast.expr], target: str | None) -> None:
        """See that a layer reads what was made last."""
        first = arguments[0] if arguments else None
        before = self.latest
        if target is not None:
            self.latest = target
        if isinstance(first, (ast.List, ast.Tuple)):
            raise OtherTensor(_MERGED)
        if isinstance(first, ast.Name) and (before is None or first.id == before):
            return
        if isinstance(first, ast.Name):
            raise OtherTensor(
                Message(
                    "it reads `{name}`: end the line of that tensor in `as {name}`, and write "
                    "`from {name}` before the layer",
                    name=first.id,
                )
            )
        raise CannotTell(_CALLED)

    def framework(self, path: Sequence[str]) -> str:
        modules, name = path[:-1], path[-1] if path else ""
        if ("nn" in modules and "tf" not in modules) or {"torch", "F"} & {*modules}:
            return TORCH
        if {"layers", "keras", "tf"} & {*modules}:
            return KERAS
        first = TORCH if self.uses_torch else KERAS
        other = KERAS if first == TORCH else TORCH
        return first if name in CLASSES[first] or name not in CLASSES[other] else other

    def layer(self, value: ast.Call, path: Sequence[str]) -> list[Line]:
        """A call of a class."""
        name = path[-1] if path else ""
        framework = self.framework(path)
        kind = CLASSES[framework].get(name)
        if name == "Sequential":
            return self.model(value, name) or []
        if name in _MERGES:
            raise OtherTensor(_MERGED)
        if kind is None or not (kind.word or kind.arguments):
            raise CannotTell(Message("the language has no `{layer}`", layer=name))
        call = Call(framework, name, kind, self.arguments(value, kind.arguments))
        if framework == TORCH:
            self.fit(value, kind)
        lines = []
        if kind.word == "input":
            self.has_input = True
        elif not self.has_input and {"input_shape", "batch_input_shape", "input_dim"}.intersection(
            call.arguments
        ):
            shape = {
                key: value for key, value in call.arguments.items() if key in table.INPUT_SHAPES
            }
            own = Call(framework, "Input", CLASSES[KERAS]["Input"], shape)
            lines.append(line(own, self.defaults))
            self.has_input = True
        return [*lines, line(call, self.defaults)]

    def fit(self, value: ast.Call, kind: table.Class) -> None:
        """See that a layer of PyTorch can follow the one before it, by the numbers that it says."""
        said: dict[str, Any] = dict(zip(kind.arguments, value.args))
        said |= {each.arg: each.value for each in value.keywords if each.arg}
        plain = {
            name: node.value
            for name, node in said.items()
            if isinstance(node, ast.Constant) and type(node.value) is int
        }
        reads = next((plain[name] for name in _READS if name in plain), None)
        word, last, channels = kind.word, self.last, self.channels
        if reads is not None and channels:
            flat = word == "dense" and last != "dense"  # what is flattened without a word
            if reads != channels and not (flat and reads % channels == 0):
                raise CannotTell(_CALLED)
        dim = ast.unparse(said["dim"]) if word == "softmax" and "dim" in said else ""
        if dim == "-1" and last not in ("dense", "flatten"):
            raise CannotTell(Message("`{value}` is the width of an image", value="dim=-1"))
        gives = next((plain[name] for name in _GIVES if name in plain), None)
        if gives is not None or word in ("conv", "deconv", "dense"):
            self.channels = gives
        elif word in ("up", "shuffle", "pixelshuffle", "pixelunshuffle", "input"):
            self.channels = None
        self.last = word

    def function(self, value: ast.Call, name: str, target: str | None) -> list[Line]:
        """A call of a function of a tensor."""
        class_name, names = FUNCTIONS[name]
        self.follow(value.args[:1], target)
        kind = CLASSES[TORCH][class_name]
        arguments = tuple(names.split()) or kind.arguments
        rest = ast.Call(value.func, value.args[1:], value.keywords)
        call = Call(TORCH, class_name, kind, self.arguments(rest, arguments))
        self.fit(rest, kind._replace(arguments=arguments))
        return [line(call, self.defaults)]

    def arguments(self, value: ast.Call, names: Sequence[str]) -> dict[str, Any]:
        """The arguments of a call by their names."""
        if len(value.args) > len(names):
            raise CannotTell(Message("the call has more arguments than are known"))
        found: dict[str, Any] = {}
        for name, node in zip(names, value.args):
            found[name] = self.argument(name, node)
        for keyword in value.keywords:
            if keyword.arg is None:
                raise CannotTell(Message("`{value}` is no value here", value="**"))
            found[keyword.arg] = self.argument(keyword.arg, keyword.value)
        return found

    def argument(self, name: str, node: ast.expr) -> Any:
        if name in table.SILENT - table.INPUT_SHAPES or name in table.TRAINING:
            return None
        if name == "activation":
            if isinstance(node, ast.Call) and (path := _path(node.func)):
                return self.layer(node, path)[-1]
            if isinstance(node, ast.Attribute):
                return node.attr
        return value_of(node)

    def model(self, value: ast.Call, name: str) -> list[Line] | None:
        """`Sequential` with all its layers; nothing remains of what is done with a model."""
        if name != "Sequential":
            return []
        items = value.args
        if len(items) == 1 and isinstance(items[0], (ast.List, ast.Tuple)):
            items = items[0].elts
        lines: list[Line] = []
        for item in items:
            path = _path(item.func) if isinstance(item, ast.Call) else None
            if not isinstance(item, ast.Call) or not path:
                raise CannotTell(_NO_LAYER)
            lines += self.layer(item, path)
        return lines


_MERGES = ("add", "subtract", "concatenate", "multiply", "average", "maximum")
_BRANCHES = Message(
    "tensors are read again in this net: name each with `as`, and go back to it with `from`"
)
_NO_LAYER = Message("which layer is meant is not said here")
_CALLED = Message("layers apply in the order of their lines, each to what the one before it gives")
_MERGED = Message("a merge has its paths in braces, as in `add {{ conv 8 3x3 same | skip }}`")


def _pairs(raw: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Each token with the one after it."""
    yield from zip(raw, [*raw[1:], ("$END", 0, 0)])


def _path(node: ast.expr) -> list[str] | None:
    """`tf.keras.layers.Dense`, part by part."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < 20:
        parts.append(node.attr)
        node = node.value
    return [*reversed([*parts, node.id])] if isinstance(node, ast.Name) else None


def _class(name: str, framework: str | None) -> table.Class | None:
    for each in (framework,) if framework else (KERAS, TORCH):
        if name in CLASSES[each]:
            return CLASSES[each][name]
    return None


def _parsed(code: str) -> ast.stmt | None:
    """The one statement that a text is in Python; None for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if len(body) == 1 else None


def problem(source: Source, found: Found, others: Mapping[int, str] = {}) -> Diagnostic:
    """What to say of a statement; `others` are its lines, by number, that the net before them makes
    other lines."""
    text = source.text
    span = Span(found.start, found.end)
    if found.lines is None:
        name = found.name[:60]
        framework = TITLES[found.framework]
        message = Message("`{layer}` is a layer of {framework}", layer=name, framework=framework)
        if not found.name:
            message = Message("this is a line of {framework}", framework=framework)
        return Diagnostic("E101", source, span, message, found.reason)
    if not found.lines:
        message = Message("this is Python, and no part of a net")
        help_ = Message("leave it out")
        fix = Fix(help_, (Edit(_whole(text, span), ""),), safe=True)
        return Diagnostic("E002", source, span, message, help_, fixes=(fix,))
    texts = [others.get(number, each.text) for number, each in enumerate(found.lines)]
    begin = text.rfind("\n", 0, span.start) + 1
    indent = text[begin : span.start]
    own_line = not indent.strip() and len(indent) < 200
    new = (f"\n{indent}" if own_line else "; ").join(texts)
    place = span
    if arrow := ARROW.search(text, max(begin, span.start - 20), span.start):
        place, new = Span(arrow.start(), span.end), f"; {new}"
    framework = TITLES[found.framework]
    message = Message("this is a line of {framework}", framework=framework)
    shown = "; ".join(texts)
    if len(shown) <= 80 and shown.isprintable():
        help_ = Message("here it is `{line}`", line=shown)
        title = Message("write `{text}`", text=shown)
    else:
        help_ = Message("a line of its own for each layer says the same here")
        title = Message("write it as {count} layers", count=len(texts))
    left_out = [name for each in found.lines for name in each.left_out]
    notes = tuple(
        Note(Message("`{name}` is about training, which no net says", name=name))
        for name in dict.fromkeys(left_out)
    )
    fix = Fix(title, (Edit(place, new),), safe=True)
    return Diagnostic("E101", source, span, message, help_, notes, (fix,))


def _whole(text: str, span: Span) -> Span:
    """All of a statement's line, where nothing else stands on it."""
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    alone = not text[begin : span.start].strip() and not text[span.end : end].strip()
    return Span(begin, end) if alone else span


def may_be(source: Source, span: Span) -> bool:
    """Whether the line of a span, or the statement in it, looks like a statement of theirs."""
    text = source.text
    line = text.rfind("\n", 0, span.start) + 1
    inner = max(text.rfind(sign, line, span.start) + 1 for sign in ";{|")
    reader = _Reader(source, ())
    reader.open = 1
    for begin in {line, inner or line}:
        while text[begin : begin + 1] in (" ", "\t"):
            begin += 1
        if reader.statement(begin) is not None:
            return True
    return False
