"""Networks in letters: each size a formula in the sizes of the input, and when that holds."""

from __future__ import annotations

from collections.abc import Iterator

from cnndsl.contract import Option
from cnndsl.lang import Words
from cnndsl.network import Network
from cnndsl.symbolic.residues import Residues, runs
from cnndsl.symbolic.trace import Symbols, symbols
from cnndsl.tables.formulas import symbol, written

SIZES = Option(
    "sizes",
    "numbers (unless said), or symbolic: formulas in the sizes of\nthe input, with the sizes that "
    "fit",
    "word",
    "S",
    ("numbers", "symbolic"),
)


def lettered(network: Network, index: str = "") -> Symbols:
    """A network with formulas for sizes, in letters with an index. Raises TargetError where there
    are none."""
    return symbols(network, show=written, index=index)


def condition(found: Symbols, words: Words) -> list[str]:
    """For which sizes the formulas hold, in a sentence; none where there are no letters."""
    told = [
        each
        for letter, sizes in found.conditions.items()
        for each in conditions(symbol(letter.formula), sizes)
    ]
    return [words.say("symbolic.sizes", conditions=", ".join(told))] if told else []


def conditions(name: str, sizes: Residues) -> Iterator[str]:
    """What a size has to fulfil: `H ≡ 7 (mod 8)`, `H ≥ 31`."""
    first, most = sizes.firsts[0], sizes.most
    if sizes.modulus > 1 and first != most:
        yield f"{name} ≡ {', '.join(runs(sizes.remainders))} (mod {sizes.modulus:,})"
    yield f"{name} = {first:,}" if first == most else f"{name} ≥ {first:,}"
    if most is not None and most > first:
        yield f"{name} ≤ {most:,}"
