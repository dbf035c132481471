"""Valid nets over the whole language, drawn through Hypothesis so that they shrink.

A net grows statement by statement; what the checker refuses is left out again. Every choice
is drawn with the simplest first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import nets
from hypothesis import strategies as st

from cnndsl.layers import ACTIVATIONS, LAYERS
from cnndsl.layers.base import product
from cnndsl.network import Network

T = TypeVar("T")
Shape = tuple[int, ...]

INPUTS = (
    "6x6x2", "9x8x3", "7x11x4", "12x12x6", "8x3", "13x6", "16x4", "6x5x7x2", "4x4x4x3", "10", "6",
)  # fmt: skip
LARGEST = 3_000
"""How many values an output may have."""


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
    if rank > 1 and d.random() < 0.3:
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
    rest = f"{window(d, rank, most=2, rounds=False)} {d.maybe('nobias')}"
    return f"deconv {d.randint(1, 4)} {kernel(d, s)} {act(d)} {rest}"


def pool(op: str) -> Callable[[Draws, Shape], str]:
    def text(d: Draws, s: Shape) -> str:
        rank = len(s) - 1
        counts = d.maybe(" countpad") if op == "avgpool" else ""
        return f"{op} {kernel(d, s)} {window(d, rank, most=2)}{counts}"

    return text


def lrn(d: Draws, s: Shape) -> str:
    words = (f"size={d.randint(1, 6)}", "alpha=0.5", "beta=0.5", "k=2")
    return " ".join(["lrn", *map(d.maybe, words)])


def ends(d: Draws, s: Shape) -> str:
    begin = d.randint(0, s[-1] - 1)
    end = d.randint(begin + 1, s[-1])
    return f"slice {d.choice([f'{begin}:{end}', f'{begin}:', f':{end}', f'{begin - s[-1]}:'])}"


def bn(d: Draws, s: Shape) -> str:
    return " ".join(["bn", *map(d.maybe, ("eps=1e-4", "momentum=0.9", "noscale", "noshift"))])


STATEMENTS: dict[str, Callable[[Draws, Shape], str]] = {
    "conv": conv,
    "dwconv": separate("dwconv"),
    "sepconv": separate("sepconv"),
    "deconv": deconv,
    **{op: pool(op) for op in ("pool", "avgpool", "minpool")},
    **{op: lambda d, s, op=op: f"{op} {d.maybe('keep')}" for op in ("gap", "gmp")},
    "dense": lambda d, s: f"dense {d.randint(1, 9)} {act(d)} {d.maybe('nobias')}",
    "bn": bn,
    "ln": lambda d, s: f"ln {d.maybe('eps=0.01')}",
    "gn": lambda d, s: f"gn {d.choice(factors(s[-1]))} {d.maybe('eps=0.01')}",
    "lrn": lrn,
    "scale": lambda d, s: f"scale {d.maybe('init=0.5')}",
    "dropout": lambda d, s: "dropout 0.3",
    "droppath": lambda d, s: "droppath 0.2",
    "up": lambda d, s: f"up {sizes(d, len(s) - 1, 2)} {d.choice(['', 'nearest', 'bilinear'])}",
    "zeropad": lambda d, s: f"zeropad {pads(d, len(s) - 1, 2)}",
    "crop": lambda d, s: f"crop {pads(d, len(s) - 1, 1)}",
    "reshape": lambda d, s: f"reshape {reshaped(d, s)}",
    "shuffle": lambda d, s: f"shuffle {d.choice(factors(s[-1]))}",
    "slice": ends,
    "leaky_relu": lambda d, s: f"leaky_relu {d.maybe('0.2')}",
    "elu": lambda d, s: f"elu {d.maybe('0.7')}",
}


def statement(d: Draws, shape: Shape) -> str:
    """A layer for a tensor; it need not fit."""
    rank = len(shape) - 1
    op = d.choice([op for op, layer in LAYERS.items() if rank in layer.ranks])
    words = STATEMENTS[op](d, shape) if op in STATEMENTS else op
    return " ".join(words.split())


# Nets


class Growing:
    """A net as far as it is, and its named tensors.

    `end` makes it whole: a second input is read there, lest it be refused as in vain.
    """

    def __init__(self, d: Draws, text: str, names: dict[str, Shape]) -> None:
        self.d, self.text, self.names = d, text, names
        self.end = "concat { flatten | from second; flatten }\n" if names else ""

    def net(self, more: str) -> Network | None:
        """The net with more at its end, where it is valid."""
        return nets.network(f"{self.text}{more}\n{self.end}")

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
        d, op = self.d, self.d.choice(["add", "concat", "mul", "maximum", "average"])
        paths = [self.layers("", d.randint(0, 2))]
        goal = self.shape(paths[0])
        for _ in range(d.randint(0, 2)):
            start = d.choice(["", *(f"from {name}; " for name in self.names)])
            aim = goal
            if op == "concat":
                aim = (*goal[:-1], d.randint(1, 4))
            elif op == "mul" and len(goal) > 1:
                aim = d.choice([goal, goal[-1:], (*(1 for _ in goal[1:]), goal[-1])])
            if aim != goal and op == "mul" and len(aim) > 1:
                start += "" if len(self.shape(start)) == 1 else "gap keep; "
            paths.append(start + self.towards(start, aim))
        return f"{op} {{ {' | '.join(path.rstrip('; ') for path in paths)} }}"

    def item(self, index: int) -> str:
        """A statement of any kind."""
        d = self.d
        kind = d.choice(["layer"] * 5 + ["merge", "named", "repeat", "if", "block", "head", "let"])
        if kind == "merge":
            return self.merge()
        if kind == "head":
            size = d.randint(1, 4)
            return f"head side{index} {{ {self.towards('', (size,)) or 'relu'} }}"
        if kind == "let":
            return f"let n{index} = {d.randint(1, 4)}; {self.layers('', 1)}"
        first = self.layers("", 1).rstrip("; ")
        if not first or kind == "layer":
            return first
        if kind == "named":
            return f"{d.choice([first, 'skip'])} as t{index}"
        if kind == "repeat":
            return f"repeat {d.randint(1, 3)}{d.choice(['', f' as i{index}'])} {{ {first} }}"
        if kind == "block":
            times = d.randint(1, 2)
            return f"block b{index}() {{ {first} }}; " + "; ".join([f"b{index}"] * times)
        other = self.layers("", 1).rstrip("; ") or "skip"
        return f"if C > {d.randint(0, 6)} {{ {first} }} else {{ {other} }}"

    def grow(self, count: int) -> None:
        for index in range(count):
            more = self.item(index)
            if more and self.fits(more):
                self.text += f"{more}\n"
                if more.endswith(f" as t{index}"):
                    self.names[f"t{index}"] = self.shape()


def grown(d: Draws) -> str:
    """A net of any statements of the language."""
    text = d.maybe(d.choice(["defaults torch\n", "defaults keras\n"]))
    text += d.choice(["", "rounding floor\n", "rounding ceil\n"])
    first, second = d.choice(INPUTS), d.choice(INPUTS) if d.random() < 0.2 else ""
    names: dict[str, Shape] = {}
    text += f"input {first}{' as first' if second else ''}\n"
    if second:
        text += f"input {second} as second\nfrom first\n"
        names["second"] = tuple(map(int, second.split("x")))
    growing = Growing(d, text, names)
    growing.grow(d.randint(1, 7))
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
