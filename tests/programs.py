"""Random programs: texts put together from what fits, and a share of what does not."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES


class Programs:
    """Random programs: fragments that fit, and a share of fragments that do not."""

    NAMES = ("a", "b", "n", "k", "s", "twice", "res", "합성곱", "main")
    WORDS = ("C", "H", "W", "L", "D", "relu", "softmax", "conv", "add", "skip", "same", "min")
    VALUES = (
        "0 1 2 3 4 5 8 16 64 -1 1000 0.5 2.5 1e-3 5M 1e17 64_620 3x3 2x2 1x3 4x4x8 0:1 0:1x1:0 "
        "7×7 2x2x2x2x2 0x3 32x32x3 100x8 (1:2,0:1) (a:b,1) 1:n"
    ).split()
    SOUND = (
        "conv 8 3x3 same relu; conv 4 3 same; conv n 1; pool 2; pool 2 same; bn; relu; gap keep; "
        "up 2; zeropad 1; crop 1; shuffle 2; slice 0:2; dropout 0.5; ln; gn 2; deconv 4 2 /2; "
        "dwconv 3 same; sepconv 8 3 same mult=2; reshape (H*W*C); prelu; leaky_relu 0.1; "
        "conv C 3 same /2 groups=2; conv (2*n) 3 same; conv (C//2) 1; twice 8; twice n k=1; "
        "res; res 2; res s=2; with relu 4; with twice 8; both a; gap; flatten; dense 10 softmax; "
        "word relu; word gap; word gap; word flatten; given dropout 0; given shuffle 3; "
        "given reshape (H*W*C); given up 1; given dense 8"
    ).split("; ")
    HEADER = (
        "block twice(n, k=3) { conv n k same relu; conv n k same }\n"
        "block res(s=1) { add { | conv C 3 same /s | if s != 1 { conv C 1 same /s } }; relu }\n"
        "block with(f, x) { conv 8 3 same; f x }\n"
        "block both(t) { concat { skip | from t } }\n"
        "block word(f) { f }\nblock given(f, a) { f a }\n"
        "param n = 4\n"
    )

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.wrong = rng.choice([0.0, 0.02, 0.2, 0.7])
        self.many = rng.choice([2, 4])

    def odds(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *words: str) -> str:
        return self.rng.choice(words)

    def atom(self, depth: int) -> str:
        kind = self.rng.random()
        if kind < 0.5 or depth > 3:
            return self.pick(*self.VALUES)
        if kind < 0.6:
            return self.pick(*self.WORDS)
        if kind < 0.75:
            return self.pick(*self.NAMES)
        if kind < 0.92:
            return f"({self.expression(depth + 1)})"
        return f"({self.expression(depth + 1)}, {self.expression(depth + 1)})"

    def expression(self, depth: int = 0) -> str:
        kind = self.rng.random()
        if depth > 3 or kind < 0.45:
            return self.atom(depth)
        if kind < 0.85:
            op = self.pick(*"+ - * / // % ** == < and or != >=".split())
            return f"{self.expression(depth + 1)} {op} {self.expression(depth + 1)}"
        if kind < 0.9:
            return f"{self.pick('-', 'not ')}{self.expression(depth + 1)}"
        function = self.pick("min", "max", "round", "ceil", "floor", "divisible", "foo")
        count = self.rng.randint(0, 3)
        return f"{function}({', '.join(self.expression(depth + 1) for _ in range(count))})"

    def argument(self) -> str:
        kind = self.rng.random()
        if kind < 0.5:
            return self.atom(0)
        if kind < 0.6:
            return self.pick(*ACTIVATIONS)
        if kind < 0.72:
            return f"/{self.atom(2)}"
        if kind < 0.85:
            keys = "pad dilation groups mult eps momentum size alpha n k s stride init same filters"
            return f"{self.pick(*keys.split())}={self.atom(2)}"
        return self.pick("same", "floor", "ceil", "nobias", "keep", "noscale", "bilinear")

    def nonsense(self) -> str:
        """A statement with no regard for what fits."""
        arguments = " ".join(self.argument() for _ in range(self.rng.randint(0, 3)))
        kind = self.rng.random()
        if kind < 0.6:
            return f"{self.pick(*LAYERS, *MERGES, *self.NAMES, 'foo', 'convv')} {arguments}"
        if kind < 0.7:
            return (
                f"{self.pick('let', 'param')} {self.pick(*self.NAMES, 'C')} = {self.expression()}"
            )
        if kind < 0.8:
            metric = self.pick("params", "shape", "field", "macs", "foo")
            return f"expect {metric} {self.pick('==', '<=', '!=')} {self.atom(2)}"
        if kind < 0.85:
            parameters = ", ".join(
                self.pick("n", "k = 3", "a", "s = n", "conv", f"k = {self.expression()}")
                for _ in range(self.rng.randint(0, 3))
            )
            return f"block {self.pick('twice', 'new', 'conv')}({parameters}) {{ {self.body(2)} }}"
        if kind < 0.95:
            word = self.pick("rounding", "defaults", "net", "from", "input")
            return f"{word} {self.pick('floor', 'torch', 'foo', 'a', '32x32x3', self.atom(1))}"
        return self.pick("}", "{", "(", "conv 4x", "!", "conv 8,3", "input", "as a", "|", "else {")

    def statement(self, depth: int = 0) -> str:
        if self.odds(self.wrong):
            return self.nonsense()
        name = f" as {self.pick('a', 'b', f'c{self.rng.randint(0, 99)}')}" if self.odds(0.1) else ""
        kind = self.rng.random()
        if kind < 0.6 or depth > 3:
            return self.pick(*self.SOUND) + name
        if kind < 0.65:
            value = self.pick("n", "C//2", "2*n + 1", "max(n, 3)")
            return f"let q{self.rng.randint(0, 9)} = {value}"
        if kind < 0.7:
            return f"from {self.pick('a', 'b')}"
        if kind < 0.8:
            paths = " | ".join(self.body(depth + 1) for _ in range(self.rng.randint(1, 3)))
            return f"{self.pick(*MERGES)} {{ {paths} }}{name}"
        if kind < 0.88:
            count = self.pick("2", "3", "0", "n", "2 as i")
            return f"repeat {count} {{ {self.body(depth + 1)} }}{name}"
        if kind < 0.96:
            test = self.pick("C == 4", "n > 3", "C % 2 == 0", "not C == 8", "H > 8 and W > 8")
            other = f" else {{ {self.body(depth + 1)} }}" if self.odds(0.5) else ""
            return f"if {test} {{ {self.body(depth + 1)} }}{other}{name}"
        return f"head h{self.rng.randint(0, 99)} {{ {self.body(depth + 1)} }}"

    def body(self, depth: int) -> str:
        count = self.rng.randint(0, self.many)
        return self.pick("; ", "\n").join(self.statement(depth) for _ in range(count))

    def program(self) -> str:
        size = self.pick("32x32x3", "16x16x4", "16x4", "8x8x8x2", "20")
        lines = [f"input {size}{self.pick('', ' as a', ' as b')}"]
        lines += [self.pick("rounding floor", "input 32x32x3 as b", "", "", "")]
        lines += [self.statement() for _ in range(self.rng.randint(1, 6))]
        return self.HEADER + "\n".join(lines)


def programs() -> st.SearchStrategy[str]:
    return st.randoms(use_true_random=False).map(lambda rng: Programs(rng).program())
