"""Valid nets over the whole language, drawn through Hypothesis so that they shrink.

A net grows statement by statement; what the checker refuses is left out again. Every choice
is drawn with the simplest first.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

import nets
from hypothesis import strategies as st
from reference import CASES

from cnndsl import targets
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.layers.base import product
from cnndsl.network import Network
from cnndsl.network.words import reserved
from cnndsl.syntax.tables import KEYWORDS

T = TypeVar("T")
Shape = tuple[int, ...]

INPUTS = (
    "6x6x2", "9x8x3", "7x11x4", "12x12x6", "8x3", "13x6", "16x4", "6x5x7x2", "4x4x4x3", "10", "6",
)  # fmt: skip
LARGEST = 3_000
"""How many values an output may have."""


# Names


def _brought() -> tuple[str, ...]:
    """What generated code defines, imports and calls its own things."""
    found = {
        "DropPath", "drop_path", "init_weights", "build_model", "divisible", "Net", "net", "math",
        "nn", "nnx", "jax", "jnp", "ops", "layers", "F", "partial", "x", "y", "self", "rngs",
        "forward", "training", "in_channels", "image", "signal", "model", "module", "main",
        "branch1", "gate", "left", "i", "a", "pas", "clas", "parameters", "name",
    }  # fmt: skip
    for target in ("flax", "keras", "pytorch"):
        found |= getattr(targets.load(target), "helpers", frozenset)()
    return tuple(sorted(found))


AWKWARD = {
    kind: tuple(each for each in names if each not in KEYWORDS and not reserved(each))
    for kind, names in {
        "keyword": (*keyword.kwlist, *keyword.softkwlist),
        "builtin": [name for name in dir(builtins) if name.islower() and name[0] != "_"],
        "brought": _brought(),
    }.items()
}  # fmt: skip
"""Names that Python, a framework or generated code has a use for, by what has it."""


class Draws:
    """What is drawn; it can stand for a `random.Random` where only these are asked of it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def choice(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(values))

    def randint(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def random(self) -> float:
        """A number below 1 in steps of a hundredth, the largest the simplest."""
        return (99 - self.draw(st.integers(0, 99))) / 100

    def maybe(self, text: str) -> str:
        """A text or nothing."""
        return text if self.draw(st.booleans()) else ""


# Arguments


def sizes(d: Draws, rank: int, most: int, least: int = 1) -> str:
    """A size for all dimensions, or one for each."""
    if rank > 1 and d.random() < 0.4:
        return "x".join(str(d.randint(least, most)) for _ in range(rank))
    return str(d.randint(least, most))


def pads(d: Draws, rank: int, most: int) -> str:
    """A padding for all, for each dimension, or for each end of each dimension."""
    if d.random() < 0.4:
        return "x".join(f"{d.randint(0, most)}:{d.randint(0, most)}" for _ in range(rank))
    return sizes(d, rank, most, 0)


def kernel(d: Draws, s: Shape) -> str:
    """The size of a window that fits in an image."""
    return sizes(d, len(s) - 1, min(4, *s[:-1]))


def window(d: Draws, rank: int, *, most: int, dilates: bool = False, rounds: bool = True) -> str:
    """What comes after a kernel."""
    words = [d.maybe(f"/{sizes(d, rank, 3)}")]
    words.append(d.choice(["", "same", f"pad={pads(d, rank, most)}"]))
    if dilates:
        words.append(d.maybe(f"dilation={sizes(d, rank, 3)}"))
    if rounds:
        words.append(d.choice(["", "floor", "ceil"]))
    return " ".join(words)


def act(d: Draws) -> str:
    return d.choice(["", "relu", *ACTIVATIONS, "leaky_relu"])


def factors(number: int) -> list[int]:
    return [each for each in range(1, number + 1) if number % each == 0]


def reshaped(d: Draws, shape: Shape) -> str:
    """Another shape for as many values."""
    rest, parts = product(shape), []
    for _ in range(d.randint(0, 3)):
        parts.append(d.choice(factors(rest)))
        rest //= parts[-1]
    return "x".join(map(str, [*parts, rest]))


def conv(d: Draws, s: Shape) -> str:
    rank = len(s) - 1
    groups = d.choice([1, *factors(s[-1])])
    filters = groups * d.randint(1, 4 if groups == 1 else 2)
    rest = f"{window(d, rank, most=3, dilates=True)} {d.maybe(f'groups={groups}')}"
    return f"conv {filters} {kernel(d, s)} {act(d)} {rest} {d.maybe('nobias')}"


def separate(op: str) -> Callable[[Draws, Shape], str]:
    def text(d: Draws, s: Shape) -> str:
        rank, filters = len(s) - 1, f"{d.randint(1, 6)} " if op == "sepconv" else ""
        rest = f"{window(d, rank, most=3, dilates=True)} {d.maybe(f'mult={d.randint(1, 3)}')}"
        return f"{op} {filters}{kernel(d, s)} {act(d)} {rest} {d.maybe('nobias')}"

    return text


def deconv(d: Draws, s: Shape) -> str:
    rank = len(s) - 1
    groups = d.choice([1, 1, *factors(s[-1])])
    size, filters = kernel(d, s), groups * d.randint(1, 2 if groups > 1 else 4)
    words = window(d, rank, most=2, rounds=False)
    if "/" not in words:  # Keras has no more than one of the two
        words += f" {d.maybe(f'dilation={sizes(d, rank, 2)}')}"
    rest = f"{d.maybe(f'groups={groups}')} {d.maybe('nobias')}"
    return f"deconv {filters} {size} {act(d)} {words} {rest}"


def up(d: Draws, s: Shape) -> str:
    rank = len(s) - 1
    modes = ["", "nearest", "bilinear", "bicubic", "bilinear aligned", "bicubic aligned"]
    mode = d.choice(modes[: 2 if rank != 2 else None])
    size = d.choice(
        [sizes(d, rank, 2), sizes(d, rank, 2), f"to={sizes(d, rank, 9)}", "1.5", "0.75"]
    )
    return (
        f"up {size} {mode} {d.choice(['', 'floor', 'ceil'])}"
        if "." in size
        else f"up {size} {mode}"
    )


def pool(op: str) -> Callable[[Draws, Shape], str]:
    def text(d: Draws, s: Shape) -> str:
        rank = len(s) - 1
        if d.randint(0, 4) == 0:
            return f"{op} to={sizes(d, rank, 4)}"
        counts = d.maybe(" countpad") if op == "avgpool" else ""
        return f"{op} {kernel(d, s)} {window(d, rank, most=2, dilates=op != 'avgpool')}{counts}"

    return text


def lrn(d: Draws, s: Shape) -> str:
    words = (f"size={d.randint(1, 6)}", "alpha=0.5", "beta=0.5", "k=2")
    return " ".join(["lrn", *map(d.maybe, words)])


def ends(d: Draws, s: Shape) -> str:
    begin = d.randint(0, s[-1] - 1)
    end = d.randint(begin + 1, s[-1])
    return f"slice {d.choice([f'{begin}:{end}', f'{begin}:', f':{end}', f'{begin - s[-1]}:'])}"


def roots(s: Shape) -> list[int]:
    """What a pixel shuffle can enlarge a tensor by."""
    return [each for each in (2, 3, 1) if s[-1] % each ** (len(s) - 1) == 0]


def parts(s: Shape) -> list[int]:
    """What the sizes of a tensor can be divided by."""
    return [each for each in (2, 3, 1) if all(size % each == 0 for size in s[:-1])]


def permuted(d: Draws, s: Shape) -> list[str]:
    rest = [str(axis) for axis in range(1, len(s) + 1)]
    return [rest.pop(d.randint(0, len(rest) - 1)) for _ in s]


def rescale(d: Draws, s: Shape) -> str:
    scale = d.choice(["0.5", "(1/127.5)", "2"])
    if s[-1] in (2, 3) and d.random() < 0.4:
        scale = f"({', '.join(d.choice(['0.5', '1/3', '2']) for _ in range(s[-1]))})"
    return f"rescale {scale} {d.maybe('offset=-1')}"


def affine(d: Draws) -> str:
    return " ".join(map(d.maybe, ("eps=0.01", "noscale", "noshift")))


def bn(d: Draws, s: Shape) -> str:
    return f"bn {d.maybe('momentum=0.9')} {affine(d)}"


AXES = (
    ("channels",),
    ("length", "channels"),
    ("height", "width", "channels"),
    ("depth", "height", "width", "channels"),
)
"""The names of the dimensions, by how many of them are spatial."""


# What a layer without a row is drawn from are its cases.
STATEMENTS: dict[str, Callable[[Draws, Shape], str]] = {
    "conv": conv,
    "dwconv": separate("dwconv"),
    "sepconv": separate("sepconv"),
    "deconv": deconv,
    **{op: pool(op) for op in ("pool", "avgpool", "minpool")},
    **{op: lambda d, s, op=op: f"{op} {d.maybe('keep')}" for op in ("gap", "gmp")},
    "dense": lambda d, s: f"dense {d.randint(1, 9)} {act(d)} {d.maybe('nobias')}",
    "bn": bn,
    "ln": lambda d, s: f"ln {affine(d)}",
    "gn": lambda d, s: f"gn {d.choice(factors(s[-1]))} {affine(d)}",
    # PyTorch normalises no map of one value.
    "inorm": lambda d, s: f"inorm {affine(d)}" if product(s[:-1]) > 1 else "relu",
    "gelu": lambda d, s: f"gelu {d.maybe('approx')}",
    "softmax": lambda d, s: f"softmax {d.maybe(f'axis={d.choice(AXES[len(s) - 1])}')}",
    "lrn": lrn,
    "scale": lambda d, s: f"scale {d.maybe('init=0.5')}",
    "up": up,
    "zeropad": lambda d, s: f"zeropad {pads(d, len(s) - 1, 2)}",
    "reflectpad": lambda d, s: f"reflectpad {pads(d, len(s) - 1, min(2, min(s[:-1]) - 1))}",
    "replicatepad": lambda d, s: f"replicatepad {pads(d, len(s) - 1, 3)}",
    "crop": lambda d, s: f"crop {pads(d, len(s) - 1, 1)}",
    "reshape": lambda d, s: f"reshape {reshaped(d, s)}",
    "shuffle": lambda d, s: f"shuffle {d.choice(factors(s[-1]))}",
    "pixelshuffle": lambda d, s: f"pixelshuffle {d.choice(roots(s))} {d.maybe('dcr')}",
    "pixelunshuffle": lambda d, s: f"pixelunshuffle {d.choice(parts(s))} {d.maybe('dcr')}",
    "permute": lambda d, s: f"permute {'x'.join(permuted(d, s))}",
    "rescale": rescale,
    "slice": ends,
}


def statement(d: Draws, shape: Shape) -> str:
    """A layer for a tensor; it need not fit."""
    rank = len(shape) - 1
    op = d.choice([op for op, layer in LAYERS.items() if rank in layer.ranks])
    if op in STATEMENTS:
        return " ".join(STATEMENTS[op](d, shape).split())
    lines = [line for size, *lines in CASES[op] if size.count("x") == rank for line in lines]
    return d.choice(lines or [op])


# Parts of blocks with parameters


class Names:
    """Names that are still free in a body."""

    def __init__(self, d: Draws, taken: Sequence[str] = ()) -> None:
        self.d, self.taken = d, set(taken)

    def new(self, plain: str) -> str:
        """A name: mostly the plain one, if it is free."""
        name = plain
        while self.d.random() < 0.3 or name in self.taken:
            name = self.d.choice(AWKWARD[self.d.choice(sorted(AWKWARD))])
            if name not in self.taken:
                break
        self.taken.add(name)
        return name


class Parameter(NamedTuple):
    """A parameter of a block, its default or nothing, and what calls may give."""

    name: str
    default: str
    values: Sequence[str]


class Making:
    """A block as far as it is: its parameters, and the blocks that it needs."""

    def __init__(self, d: Draws, names: Names, rank: int) -> None:
        self.d, self.names, self.rank = d, Names(d), rank
        self.outside = names
        self.parameters: list[Parameter] = []
        self.before = ""
        self.layer = "dense" if rank == 0 else "conv"
        self.window = "" if rank == 0 else " 1"

    def parameter(self, plain: str, *values: str) -> str:
        """A further parameter that calls give one of these values; its name."""
        default = self.d.choice(["", values[0]])
        self.parameters.append(Parameter(self.names.new(plain), default, values))
        return self.parameters[-1].name

    def number(self, plain: str = "n") -> str:
        return self.parameter(plain, "1", "2", "3", "4")

    def wide(self, channels: str, act: str = "") -> str:
        """A layer of so many channels; `channels` is one word, or stands in parentheses."""
        return f"{self.layer} {channels}{self.window} {act}".rstrip()

    def each(self, *parts: str) -> str:
        """A tuple of expressions, one for each dimension, drawn from these."""
        found = [self.d.choice(parts) for _ in range(self.rank)]
        return f"({', '.join(found)})" if self.rank > 1 else f"({found[0]})"


def let(m: Making) -> str:
    """What only a `let` reads; perhaps another `let` reads that."""
    read = m.number("e")
    first = m.names.new("m")
    text = f"let {first} = {m.d.choice(['{}', 'C*{}', 'C + {}', '2*{} - 1']).format(read)}; "
    if m.d.random() < 0.3:
        second = m.names.new("o")
        text, first = f"{text}let {second} = {first} + 1; ", second
    return text + m.wide(first)


def flag(m: Making) -> str:
    """What only a condition reads."""
    read = m.parameter("first", "1", "0")
    test = m.d.choice(["{}", "not {}", "{} == 1", "{} and C > 2"]).format(read)
    return f"if {test} {{ relu }}{m.d.choice(['', ' else { bn }', ' else { scale }'])}"


def activation(m: Making) -> str:
    act = m.parameter("act", "relu", *sorted(ACTIVATIONS))
    return m.d.choice([act, m.wide("C", act), f"bn; {act}"])


def a_layer(m: Making) -> str:
    """A layer, or several of a kind, as a parameter."""
    kinds = [("{}", ("bn", "ln", "scale", "relu"))]
    if m.rank:
        kinds += [
            ("{} 2 /1 same", ("pool", "avgpool", "minpool")),
            ("{} C 2 same", ("conv", "sepconv", "deconv")),
        ]
    text, values = m.d.choice(kinds)
    return text.format(m.parameter("layer", *values))


def times(m: Making) -> str:
    """How often, as a parameter."""
    count = m.parameter("times", "1", "0", "2", "3")
    if m.d.random() < 0.4:
        turn = m.names.new("j")
        wide = f"(C + {turn})"
        return f"repeat {count} as {turn} {{ {m.wide(wide)}; relu }}"
    body = m.d.choice([m.wide("C", "relu"), f"add {{ skip | {m.wide('C')} }}", "relu"])
    return f"repeat {count} {{ {body} }}"


def some_channels(m: Making) -> str:
    """A slice by expressions."""
    k = m.parameter("k", "2", "1", "3")
    return m.d.choice(
        [
            f"slice 0:(max(1, C//{k}))",
            f"slice (C - min({k}, C)):C",
            f"concat {{ slice 0:(C//{k} + 1) | skip }}",
            f"concat {{ slice 0:(C//2) | slice (C//2):C; {m.wide(k)} }}",
        ]
    )


def sized(m: Making) -> str:
    """A window whose sizes are tuples of expressions; on a vector, a reshape of one."""
    if m.rank == 0:
        k = m.parameter("k", "1", "2")
        return f"dense (4*{k}); reshape ({k}, 4); flatten"
    k, s = m.parameter("k", "1", "2", "3"), m.parameter("s", "1", "2")
    stride = m.d.choice(["", f" /{s}", f" /{m.each('1', s)}"])
    pad = m.d.choice([f"pad={m.each(f'{k}//2', '0', f'0:{k} - 1')}", "same"])
    if m.rank == 1 and ":" in pad:
        pad = f"pad=0:({k} - 1)"
    size = m.each(k, "1")
    if m.d.random() < 0.3:
        return f"{m.d.choice(['pool', 'avgpool'])} {size}{stride} same"
    return f"conv {m.d.choice(['C', k])} {size}{stride} {pad} floor"


def a_block(m: Making) -> str:
    """A block as a parameter, or one that is given an expression of a parameter."""
    units = [m.outside.new("unit"), m.outside.new("other")]
    names = [Names(m.d).new("n") for _ in units]
    bodies = [m.wide(names[0]), f"{m.wide(names[1], 'relu')}; add {{ skip | bn }}"]
    for unit, name, body in zip(units, names, bodies):
        m.before += f"block {unit}({name}) {{ {body} }}\n"
    n = m.number()
    if m.d.random() < 0.5:
        return f"{units[0]} ({n} + 1); {units[1]} {n}"
    return f"{m.parameter('u', *units)} {n}"


def value(m: Making) -> str:
    """Numbers that are equal and written otherwise, and those that are no sizes."""
    text, values = m.d.choice(
        [
            ("scale init={}", ("1", "1.0", "0.5")),
            ("dropout {}", ("0.5", "0.25")),
            ("add {{ skip | droppath {} }}", ("0.1", "0.2")),
            ("leaky_relu {}", ("0.5", "1", "0")),
            ("bn eps={}", ("1e-3", "1e-5")),
        ]
    )
    return text.format(m.parameter("p", *values))


def default(m: Making) -> str:
    """A parameter that only the default of another reads."""
    first = m.parameter("n", "2", "1", "3")
    second = m.names.new("w")
    m.parameters.append(Parameter(second, f"({first} + 1)", ("1", "2")))
    return m.wide(second)


PARTS: tuple[Callable[[Making], str], ...] = (
    let, flag, activation, a_layer, times, some_channels, sized, a_block, value, default,
)  # fmt: skip


def blocks(d: Draws, names: Names, plain: str, rank: int) -> tuple[str, list[str]]:
    """The definition of a block with parameters, and calls of it."""
    m = Making(d, names, rank)
    parts = [d.choice(PARTS)(m) for _ in range(d.randint(1, 3))]
    if m.d.random() < 0.2:
        parts[-1] = f"concat {{ skip | {parts[-1]} }}"
    ordered = sorted(m.parameters, key=lambda each: bool(each.default))
    listed = [f"{p.name}={p.default.strip('()')}" if p.default else p.name for p in ordered]
    name = names.new(plain)
    text = f"{m.before}block {name}({', '.join(listed)}) {{ {'; '.join(parts)} }}\n"
    calls = []
    for _ in range(d.randint(1, 3)):
        words = [name]
        for each in ordered:
            if not each.default:
                words.append(d.choice(each.values))
            elif d.random() < 0.6:
                words.append(f"{each.name}={d.choice(each.values)}")
        calls.append(" ".join(words))
    if d.random() < 0.2:
        calls[-1] = f"repeat 2 {{ {calls[-1]} }}"
    return text, calls


# Nets


class Growing:
    """A net as far as it is, and its named tensors.

    `end` makes it whole: a second input is read there, lest it be refused as in vain.
    `taken` are the names of all that the file defines.
    """

    def __init__(self, d: Draws, text: str, names: dict[str, Shape], taken: Names) -> None:
        self.d, self.text, self.names, self.taken = d, text, names, taken
        self.alias = ""
        self.end = "".join(f"concat {{ flatten | from {name}; flatten }}\n" for name in names)
        self.known: dict[str, Network | None] = {}

    def net(self, more: str) -> Network | None:
        """The net with more at its end, where it is valid."""
        text = f"{self.text}{more}".rstrip("; \n")
        if text not in self.known:
            self.known[text] = nets.network(f"{text}\n{self.end}")
        return self.known[text]

    def fits(self, more: str) -> bool:
        """Whether the net with more at its end is valid and small."""
        found = self.net(more)
        return found is not None and max(product(node.output) for node in found.nodes) <= LARGEST

    def shape(self, more: str = "") -> Shape:
        """The shape after more; what begins with a `from` is tried as a path of a merge."""
        probing = more.startswith("from ")
        found = self.net(f"concat {{ flatten | {more}flatten }}" if probing else more)
        assert found is not None, self.text + more
        node = found.nodes[found.outputs["main"]]
        if self.end:
            node = found.nodes[found.nodes[node.inputs[0]].inputs[0]]
        return found.nodes[node.inputs[1]].layer.input if probing else node.output

    def layers(self, before: str, count: int) -> str:
        """Up to so many layers that fit after what stands there."""
        written = ""
        for _ in range(count):
            for _ in range(3):
                more = statement(self.d, self.shape(before + written))
                if self.fits(f"{before}{written}{more}; "):
                    written += f"{more}; "
                    break
        return written

    def towards(self, before: str, shape: Shape) -> str:
        """Layers that make a tensor of a shape."""
        now = self.shape(before)
        size = shape[-1]
        if now == shape:
            return self.d.choice(["", "relu; ", "bn; "])
        if len(shape) == 1:
            ways = (
                ["dense {n}; "] if len(now) == 1 else ["gap; dense {n}; ", "flatten; dense {n}; "]
            )
        elif now[:-1] == shape[:-1]:
            ways = ["conv {n} 1; ", "conv {n} 3 same nobias; "]
        else:
            ways = [f"dense {product(shape)}; reshape {'x'.join(map(str, shape))}; "]
            ways = ways if len(now) == 1 else [f"flatten; {ways[0]}"]
        return self.d.choice(ways).format(n=size)

    def merge(self) -> str:
        """A merge whose paths fit one another."""
        d, op = self.d, self.d.choice(list(MERGES))
        paths, words = [self.layers("", d.randint(0, 2))], ""
        goal = self.shape(paths[0])
        grows = len(goal) - 1
        if op == "concat" and d.random() < 0.4:
            grows = d.randint(0, grows)
            words = f"axis={AXES[len(goal) - 1][grows]} "
        for _ in range(1 if op == "subtract" else d.randint(0, 2)):
            start = d.choice(["", *(f"from {name}; " for name in self.names)])
            aim = goal
            if op == "concat":
                aim = (*goal[:grows], d.randint(1, 4), *goal[grows + 1 :])
            elif op == "mul" and len(goal) > 1:
                pixel, gate = (*(1 for _ in goal[1:]), goal[-1]), (*goal[:-1], 1)
                aim = d.choice([goal, goal[-1:], pixel, gate])
                if aim == pixel != goal:
                    start += "" if len(self.shape(start)) == 1 else "gap keep; "
            paths.append(start + self.towards(start, aim))
        return f"{op} {words}{{ {' | '.join(path.rstrip('; ') for path in paths)} }}"

    def item(self, index: int) -> str:
        """A statement of any kind."""
        d, new = self.d, self.taken.new
        self.alias = ""
        kind = d.choice(
            ["layer"] * 4
            + ["merge", "named", "repeat", "if", "block", "block", "head", "let"]
            + ["shared", "freeze", "results", "ways"]
        )
        if kind == "merge":
            return self.merge()
        if kind == "shared":
            return self.shared(index)
        if kind == "results":
            return self.results(index)
        if kind == "ways":
            return self.ways(index)
        if kind == "freeze":
            body = d.choice([self.layers("", 2), self.merge(), self.shared(index)])
            before, _, body = body.rpartition("\n")
            frozen = f"{before}\nfreeze {{ {body.rstrip('; ') or 'skip'} }}".lstrip()
            if d.random() < 0.3:
                self.alias = new(f"t{index}")
                frozen += f" as {self.alias}"
            return frozen
        if kind == "head":
            size = d.randint(1, 4)
            when = d.choice(["", "training "])
            body = self.towards("", (size,)) or "relu"
            return f"head {new(f'side{index}')} {when}{{ {body.rstrip('; ')} }}"
        if kind == "let":
            name = new(f"n{index}")
            wide = "dense {}" if len(self.shape()) == 1 else "conv {} 1"
            more = d.choice([self.layers("", 1), wide.format(name)])
            return f"let {name} = {d.randint(1, 4)}; {more}"
        if kind == "block" and d.random() < 0.75:
            return self.parametric(index)
        first = self.layers("", 1).rstrip("; ")
        if not first or kind == "layer":
            return first
        if kind == "named":
            self.alias = new(f"t{index}")
            return f"{d.choice([first, 'skip'])} as {self.alias}"
        if kind == "repeat":
            turn = f" as {new(f'i{index}')}" if d.random() < 0.5 else ""
            return f"repeat {d.randint(1, 3)}{turn} {{ {first} }}"
        if kind == "block":
            name = new(f"b{index}")
            return f"block {name}() {{ {first} }}; " + "; ".join([name] * d.randint(1, 2))
        other = self.layers("", 1).rstrip("; ") or "skip"
        return f"if C > {d.randint(0, 6)} {{ {first} }} else {{ {other} }}"

    def shared(self, index: int) -> str:
        """A block whose calls share their weights, and as many of its calls as fit."""
        d, new = self.d, self.taken.new
        rank = len(self.shape()) - 1
        wide = ["dense C"] if rank == 0 else ["conv C 3 same", "conv C 1", "dwconv 3 same"]
        bodies = [f"{d.choice(wide)} {d.choice(['relu', 'prelu', 'nobias; bn'])}"]
        bodies += ["bn", "ln", "scale; relu", "dropout 0.5", f"add {{ skip | {wide[0]}; scale }}"]
        written, names = "", []
        for _ in range(d.randint(1, 2)):
            body = [d.choice(bodies) for _ in range(d.randint(1, 2))]
            if names:
                body.append(d.choice([names[0], f"{names[0]}; relu; {names[0]}"]))
            names.append(new(f"s{index}"))
            mark = d.choice(["shared ", "shared ", "shared ", ""]) if len(names) > 1 else "shared "
            written += f"{mark}block {names[-1]}() {{ {'; '.join(body)} }}\n"
        name = names[-1]
        calls = [name, name, f"add {{ {name} | {name}; relu }}", f"repeat 2 {{ {name} }}"]
        calls += [names[0], f"if C > 2 {{ {name} }}"]
        if rank:
            calls += [f"pool 2 floor; {name}", f"concat {{ pool 2 /1 same; {name} | skip }}"]
        last = ""
        for call in [name, *(d.choice(calls) for _ in range(d.randint(1, 3)))]:
            if self.fits(f"{written}{last}{call}; "):
                last += f"{call}; "
        return f"{written}{last}"

    def results(self, index: int) -> str:
        """A block that gives several tensors, and what reads them."""
        d, new = self.d, self.taken.new
        first, last = self.layers("", 1) or "relu; ", d.choice(["relu", "bn", "skip", "scale"])
        name, inner, result = new(f"r{index}"), new(f"q{index}"), new(f"low{index}")
        text = f"block {inner}() {{ {first.rstrip('; ')} as {result}; {last} }}\n"
        call, path = inner, result
        if d.random() < 0.4:
            call, level = name, new(f"v{index}")
            path = f"{level}.{result}"
            text += f"block {name}() {{ {inner} as {level}; {d.choice(['relu', 'bn'])} }}\n"
        alias = new(f"u{index}")
        text += (
            f"{call} as {alias}; " if d.random() < 0.7 else f"repeat 2 {{ {call} as {alias} }}; "
        )
        read = f"from {alias}.{path}; "
        if not self.fits(text):
            return ""
        goal = self.shape(text)
        try:
            way = self.towards(f"{text}{read}", goal)
        except AssertionError:  # of a vector beside an image
            way = ""
        self.alias = f"{alias}.{path}"
        return f"{text}{d.choice(['add', 'concat'])} {{ skip | {read}{way}".rstrip("; ") + " }"

    def ways(self, index: int) -> str:
        """A merge of which some paths are there by a condition, or as often as a number says."""
        d, new = self.d, self.taken.new
        flag, times, name = new("f"), new("times"), new(f"w{index}")
        wide = ["relu", "bn", "dense C", "scale"]
        if len(self.shape()) > 1:
            wide = ["relu", "bn", "conv C 1 nobias; bn", "conv C 3 same"]
        some = [d.choice(wide) for _ in range(5)]
        ways = [
            d.choice([some[0], "skip"]),
            f"if {flag} {{ | {some[1]} }}{d.choice(['', f' else {{ | {some[2]} }}'])}",
            f"repeat {times} {{ | {some[3]}{d.choice(['', f' | {some[4]}'])} }}",
        ]
        ways = ways[: d.randint(2, 3)]
        if d.random() < 0.5:
            ways = [*ways[1:], ways[0]]
        op = d.choice(["add", "concat", "maximum"])
        text = f"block {name}({flag}, {times}=1) {{ {op} {{ | {' | '.join(ways)} }} }}\n"
        for call in (f"{name} {d.randint(0, 1)} {d.randint(0, 3)}" for _ in range(d.randint(1, 2))):
            if self.fits(f"{text}{call}; "):
                text += f"{call}; "
        return text

    def parametric(self, index: int) -> str:
        """A block with parameters, and as many of its calls as fit."""
        written, calls = blocks(self.d, self.taken, f"b{index}", len(self.shape()) - 1)
        for call in calls:
            if self.fits(f"{written}{call}; "):
                written += f"{call}; "
        return written

    def grow(self, count: int) -> None:
        """Append statements, at most so many: to end early is the simplest."""
        for index in range(count):
            if index and self.d.random() > 0.8:
                break
            more = self.item(index).rstrip("; ")
            if more and self.fits(more):
                self.text += f"{more}\n"
                if self.alias:
                    self.names[self.alias] = self.shape()


def grown(d: Draws) -> str:
    """A net of any statements of the language."""
    taken = Names(d)
    text = f"net {Names(d).new('sample')}\n" if d.random() < 0.3 else ""
    text += d.maybe(d.choice(["defaults torch\n", "defaults keras\n"]))
    text += d.choice(["", "rounding floor\n", "rounding ceil\n"])
    first, second = d.choice(INPUTS), d.choice(INPUTS) if d.random() < 0.2 else ""
    names: dict[str, Shape] = {}
    if second:
        one, other = taken.new("first"), taken.new("second")
        text += f"input {first} as {one}\ninput {second} as {other}\nfrom {one}\n"
        names[other] = tuple(map(int, second.split("x")))
    else:
        text += f"input {first}\n"
    growing = Growing(d, text, names, taken)
    growing.grow(8)
    return growing.text + growing.end


@st.composite
def grown_nets(draw: st.DrawFn) -> str:
    """Nets of any statements of the language."""
    return grown(Draws(draw))


@st.composite
def block_nets(draw: st.DrawFn) -> str:
    """Nets of blocks with parameters, in loops and in paths."""
    stand_in: Any = Draws(draw)
    return nets.branching(stand_in)


def valid_nets() -> st.SearchStrategy[str]:
    """Texts of valid nets over all of the language."""
    return grown_nets() | block_nets()


class Chance(Random):
    """Draws without Hypothesis: quick, and not to be shrunk."""

    def maybe(self, text: str) -> str:
        return self.choice((text, ""))
