"""Random valid nets: statements are drawn, and kept where the checker takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from cnndsl.diagnostics import Source
from cnndsl.network import elaborate
from cnndsl.syntax.parser import parse

if TYPE_CHECKING:
    from random import Random

    from cnndsl.network import Network

_INPUTS = ["9x8x3", "12x12x4", "7x11x2", "16x4", "13x6", "6x5x7x2", "4x4x4x3", "10"]
_ACTIVATIONS = [
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus",
    "sigmoid", "tanh", "softmax", "hard_swish", "hard_sigmoid",
]  # fmt: skip


def network(text: str, name: str = "net.cnn") -> Network | None:
    """The network of a text; None where it has errors."""
    source = Source(name, text)
    module, problems = parse(source)
    return None if problems else elaborate(source, module)[0]


def _size(rng: Random, rank: int, most: int) -> str:
    if rank > 1 and rng.random() < 0.3:
        return "x".join(str(rng.randint(1, most)) for _ in range(rank))
    return str(rng.randint(1, most))


def _pads(rng: Random, rank: int, most: int) -> str:
    if rng.random() < 0.3:
        return "x".join(f"{rng.randint(0, most)}:{rng.randint(0, most)}" for _ in range(rank))
    return _size(rng, rank, most) if most else "0"


def _window(rng: Random, rank: int) -> str:
    """Stride, padding and rounding of a convolution or a pool."""
    words = []
    if rng.random() < 0.5:
        words.append("/" + _size(rng, rank, 3))
    draw = rng.random()
    if draw < 0.35:
        words.append("same")
    elif draw < 0.6:
        words.append(f"pad={_pads(rng, rank, 2)}")
    return " ".join(words)


def _rounding(rng: Random) -> str:
    return rng.choice(["", "", " floor", " ceil"])


def statement(rng: Random, rank: int, channels: int, *, plain: bool = False) -> str:
    """One random layer for a tensor; it need not fit. `plain` leaves odd layers out."""
    act = rng.choice(["", "", " relu", f" {rng.choice(_ACTIVATIONS)}"])
    bias = rng.choice(["", "", " nobias"])
    same = [
        "bn", "bn eps=1e-4 momentum=0.9 noscale", "bn noshift", "bn noscale noshift", "ln",
        f"gn {rng.choice([1, channels])}", "dropout 0.3", "scale init=0.5", "droppath 0.2",
        rng.choice(_ACTIVATIONS), f"leaky_relu {rng.choice([0.1, 0.2])}", "elu 0.7",
        f"shuffle {rng.choice([1, 2, channels])}", f"slice 0:{rng.randint(1, channels)}",
        f"slice {rng.randint(0, channels - 1)}:{channels}", "rescale (3/8) offset=-1",
        rng.choice(["channelmean", "channelmax"]),
    ]  # fmt: skip
    if rank == 0:
        return rng.choice([f"dense {rng.randint(1, 9)}{act}{bias}"] * 4 + same)
    kernel, window, rounding = _size(rng, rank, 4), _window(rng, rank), _rounding(rng)
    filters = rng.randint(1, 8)
    dilation = rng.choice(["", "", f" dilation={rng.randint(1, 3)}"])
    pools = [f"{op} {kernel} {window}{rounding}" for op in ("pool", "avgpool", "minpool")]
    convs = [
        f"conv {filters} {kernel}{act} {window}{dilation}{bias}{rounding}",
        f"conv {channels * rng.randint(1, 2)} {kernel} {window} groups={channels}{bias}{rounding}",
        f"dwconv {kernel}{act} {window}{dilation} mult={rng.randint(1, 2)}{bias}{rounding}",
        f"sepconv {filters} {kernel}{act} {window}{dilation}{bias}{rounding}",
        f"deconv {filters} {kernel}{act} {window}{bias}",
    ]
    moves = [
        f"up {_size(rng, rank, 2)}", "up 2 bilinear", f"zeropad {_pads(rng, rank, 2)}",
        f"crop {_pads(rng, rank, 1)}", "flatten", "gap", "gmp", "gap keep", "gmp keep",
        f"reflectpad {_pads(rng, rank, 1)}", f"replicatepad {_pads(rng, rank, 2)}",
        f"pixelshuffle {rng.randint(1, 2)}", f"pixelunshuffle {rng.randint(2, 3)} dcr",
        f"permute {rng.choice(['2x1', '2x1x3', '3x1x2', '2x3x1', '4x1x2x3', '3x2x1x4'])}",
        "lrn", "lrn size=3 alpha=0.1 k=2", f"avgpool {kernel} {window} countpad{rounding}",
    ]  # fmt: skip
    if plain:
        return rng.choice(convs * 2 + pools + ["bn", "relu"])
    return rng.choice(convs * 3 + pools * 2 + moves + same)


def _grow(rng: Random, text: str, count: int, *, plain: bool = False) -> str:
    """Append statements that fit."""
    for _ in range(count * 3):
        net = network(text)
        assert net is not None, text
        shape = net.nodes[net.outputs["main"]].output
        more = text + statement(rng, len(shape) - 1, shape[-1], plain=plain) + "\n"
        grown = network(more)
        if grown is not None and max(map(max, (n.output for n in grown.nodes))) < 400:
            text = more
            count -= 1
        if count == 0:
            break
    return text


def _header(rng: Random) -> str:
    text = rng.choice(["", "", "defaults torch\n"])
    return text + rng.choice(["", "rounding floor\n", "rounding ceil\n"])


def straight(rng: Random) -> str:
    """A net without branches."""
    text = f"{_header(rng)}input {rng.choice(_INPUTS)}\n"
    text = _grow(rng, text, rng.randint(1, 6))
    if rng.random() < 0.4:
        end = network(text)
        assert end is not None
        rank = len(end.nodes[-1].output) - 1
        text += ("flatten\n" if rank else "") + f"dense {rng.randint(1, 5)}\n"
    return text


_BLOCKS = [
    "block cb(n, k, s=1) { conv n k /s same nobias; bn; relu }",
    "block cb(n, k, s=1) { conv n k /s pad=(k//2) floor; relu }",
    "block cb(n, k, s=1) { if s == 1 { conv n k same relu } else { pool s floor; conv n 1 } }",
    "block cb(n, k, s=1) { let c = C; conv (c + n) k same /s; relu; conv n 1 as tail }",
    "block cb(n, k, s=1) { dwconv k /s same; conv (2*n) 1 relu6; conv n 1; bn }",
]
_UNITS = [
    "block unit(n, s=1) { add { cb n 3 s=s; conv n 1 | if C != n or s != 1 { cb n 1 s=s } }; relu }",  # noqa: E501
    "block unit(n, s=1) { let c = C; concat { cb n 3 s=s | pool s floor; conv (c//2 + 1) 1 } }",
    "block unit(n, s=1) { cb n 3 s=s as a; cb n 3; add { skip | from a } }",
    "block unit(n, s=1) { cb n 1 s=s; mul { skip | gap keep; conv (max(1, n//2)) 1 relu; "
    "conv n 1 sigmoid } }",
    "block unit(n, s=1) { maximum { cb n 1 s=s | cb n 3 s=s }; repeat 2 { add { skip | cb n 3 } } }",  # noqa: E501
    "block unit(n, s=1) { average { cb n 1 s=s | cb n 3 s=s | cb n 3 s=s } }",
    "block unit(n, s=1) { cb n 3 s=s; repeat 2 as j { dwconv 3 same relu; conv (n + j) 1 }; cb n 1 }",  # noqa: E501
    "block unit(n, s=1) { cb n 3 s=s; mul { skip | gap; dense n sigmoid } }",
]
_CALLS = [
    "cb {n} {k}", "cb {n} {k} s=2", "unit {n}", "unit {n} s=2", "unit {n}; unit {n}",
    "repeat 3 {{ unit {n} }}", "repeat 2 as i {{ unit ({n} + i) }}", "repeat 2 {{ cb {n} {k} }}",
    "repeat 3 as i {{ concat {{ skip | conv (i + 1) 3 same }} }}",
    "add {{ unit {n} | cb {n} 1 }}", "concat {{ skip | unit {n} | unit {n} }} as t{i}",
    "conv {n} 3 same relu as t{i}; cb {n} 1; add {{ skip | from t{i} }}",
    "if C > 4 {{ unit {n} }} else {{ cb {n} {k} }}", "unit {n} as t{i}; unit {n}; from t{i}",
    "repeat 2 {{ unit {n}; pool 2 floor }}",
    "concat {{ cb 2 1 | add {{ cb 3 1 | cb 3 3 }} | skip }}",
]  # fmt: skip


def branching(rng: Random) -> str:
    """A net with blocks, loops and merges."""
    text = f"{_header(rng)}{rng.choice(_BLOCKS)}\n{rng.choice(_UNITS)}\n"
    text += f"input {rng.choice(['16x16x3', '12x20x4', '24x2', '8x8x8x2'])}\n"
    count = rng.randint(1, 4)
    for index in range(count * 3):
        call = rng.choice(_CALLS).format(n=rng.choice([2, 3, 4, 6]), k=rng.choice([1, 3]), i=index)
        grown = network(f"{text}{call}\n")
        if grown is not None and max(map(max, (n.output for n in grown.nodes))) < 400:
            text += f"{call}\n"
            count -= 1
        if rng.random() < 0.2:
            text = _grow(rng, text, 1, plain=True)
        if rng.random() < 0.1 and "head" not in text:
            text += "head side { gap; dense 3 }\n"
        if count == 0:
            break
    if rng.random() < 0.5:
        text += rng.choice(["gap; dense 3 softmax\n", "flatten; dense 2\n", "flatten\n"])
    return text


def exact_or_not(rng: Random) -> str:
    """Either of these, half of the time with nothing that says how sizes round."""
    text = straight(rng) if rng.random() < 0.4 else branching(rng)
    if rng.random() < 0.5:
        text = re.sub(r" (floor|ceil)\b", "", text)
        text = re.sub(r"^rounding.*\n", "", text, flags=re.M)
    return text


def straight_nets() -> st.SearchStrategy[str]:
    """Texts of straight nets over all layers, in one to three dimensions."""
    return st.randoms(use_true_random=False).map(straight)


def branching_nets() -> st.SearchStrategy[str]:
    """Texts of nets with blocks, loops, conditions and merges."""
    return st.randoms(use_true_random=False).map(branching)
