"""Texts that ask for much, by what they have much of: each is made for a size.

`NOISE` holds pieces that repeat, and `NETS` functions from a number to a net, or to what is not
quite one.
"""

from __future__ import annotations

from collections.abc import Callable

NOISE: dict[str, str] = {
    "newlines": "\n",
    "newlines of Windows": "\r\n",
    "carriage returns": "\r",
    "separators": ";",
    "NUL": "\0",
    "`@`": "@",
    "`@` and blanks": "@ ",
    "lines of `@`": "@\n",
    "one name": "a",
    "names": "a ",
    "lines of names": "a\n",
    "one number": "7",
    "one size": "1x",
    "blanks": " ",
    "one comment": "#",
    "lines of comments": "#\n",
    "braces": "{",
    "pairs of braces": "{}",
    "parentheses": "(",
    "bars": "|",
    "quotes": '"',
    "words in quotes": '"a"',
    "dots": ".",
    "marks of order": "\ufeff",
    "accents": "\u0301",
    "letters with accents": "a\u0301",
    "wide commas": "，",
    "broken lines": "let k = 3 3\n",
}


def _lines(line: str, head: str = "input 8x8x4\n", tail: str = "") -> Callable[[int], str]:
    """A text of one line again and again, with its number in the place of `@`."""

    def text(count: int) -> str:
        return head + "".join(line.replace("@", str(at)) + "\n" for at in range(count)) + tail

    return text


def _listed(before: str, piece: str, between: str, after: str) -> Callable[[int], str]:
    """A text in which something stands so many times in a row, with its number for `@`."""

    def text(count: int) -> str:
        return before + between.join(piece.replace("@", str(at)) for at in range(count)) + after

    return text


def _both(first: Callable[[int], str], second: Callable[[int], str]) -> Callable[[int], str]:
    return lambda count: first(count) + second(count)


_NAMED = _lines("relu as t@")

NETS: dict[str, Callable[[int], str]] = {
    "layers": _lines("conv 4 3x3 same relu"),
    "blocks called once": _both(_lines("block b@(k) { conv k 1 }"), _lines("b@ 4", "")),
    "blocks that none calls": _lines("block b@(k) { conv k 1 }", tail="relu\n"),
    "calls of a block": _lines("b 4", "block b(k) { conv k 1; bn }\ninput 8x8x4\n"),
    "constants": _lines("let k@ = 4\nconv k@ 1"),
    "a chain of constants": _lines("let k@ = 4", tail="relu\n"),
    "params": _lines("param k@ = 4\nconv k@ 1"),
    "names": _NAMED,
    "names read again": _lines("relu as t@\nfrom t@\nelu"),
    "heads": _lines("head h@ { gap; dense 2 }"),
    "inputs": _both(
        _lines("input 8x8x1 as i@", ""), _listed("concat { ", "from i@", " | ", " }\n")
    ),
    "paths": _listed("input 8x8x4\nconcat { ", "conv 4 1", " | ", " }\n"),
    "merges": _lines("add { conv 4 3x3 same | skip }"),
    "arguments": _listed("input 8x8x4\nconv 4 3x3 ", "same", " ", "\n"),
    "words as arguments": _listed("input 8x8x4\nconv 4 3x3 ", "w@", " ", "\n"),
    "parameters": _both(
        _listed("block b(", "p@", ", ", ") { relu }\n"), _listed("input 8\nb ", "1", " ", "\n")
    ),
    "turns": lambda count: f"input 8x8x4\nrepeat {count} as i {{ conv (i + 1) 1 as t }}\n",
    "conditions": _lines("if C == 4 { relu } else { elu }"),
    "one condition": _listed("input 8\nif ", "C == @ { relu }", " else if ", "\n"),
    "promises": _lines("relu\nexpect params <= 5M\nexpect shape == 8x8x4"),
    "promises that are not kept": _lines("relu\nexpect params == 5M\nexpect shape == 8x8x3"),
    "a promise in a loop": lambda count: (
        f"input 8x8x4\nrepeat {count} {{ relu; expect shape == 8x8x3 }}\n"
    ),
    "comments": _lines("# comment\nrelu # @"),
    "comments that ignore": _lines("# cnndsl: ignore[W101]", tail="relu\n"),
    "rules that are ignored": _listed("input 8\nrelu # cnndsl: ignore[", "x@", ",", "]\n"),
    "warnings": _lines("conv 4 3x3 same; bn; dropout 0.9"),
    "warnings in blocks": _both(
        _lines("block b@(k, m) { let z = 1; relu as q }"), _lines("b@ 1 2", "")
    ),
    "unknown layers": _lines("nothing@"),
    "unknown constants": _both(_lines("let k@ = 4"), _lines("conv u@ 1", "")),
    "unknown tensors": _both(_NAMED, _lines("from u@", "")),
    "unknown keywords": _lines("conv 4 1 foo@=2"),
    "names given twice": _lines("relu as t"),
    "blocks that are wrong": _lines("b", "block b() { conv 4 9x9 }\ninput 8x8x4\n"),
    "sizes that do not come out": _lines("conv 4 9x9"),
    "one at the end": _lines("conv 4 3x3 same", tail="conv 4 9x9\n"),
    "merges that do not fit": _lines("add { conv 3 1 | skip }"),
    "paths that do not fit": _listed("input 8x8x4\nadd { ", "conv (@ + 1) 1", " | ", " }\n"),
    "results that nothing uses": _lines("from t; elu", "input 8x8x4\nrelu as t\n"),
    "blocks in a circle": lambda count: (
        "input 8\nb0\n"
        + "".join(f"block b{at}() {{ b{(at + 1) % count} }}\n" for at in range(count))
    ),
    "calls of a shared block": lambda n: (
        f"input 8x8x8\nshared block t() {{ conv 8 3 same relu }}\nrepeat {n} {{ t }}\n"
    ),
    "calls that cannot share": lambda n: (
        "input 64x64x8\nshared block t() { conv C 3 same; conv (C+1) 1 }\n" + "t\n" * n
    ),
    "frozen": lambda n: f"input 8x8x8\nfreeze {{ repeat {n} {{ conv 8 3 same relu }} }}\n",
    "results of calls": lambda n: (
        "input 8x8x8\nblock t() { conv 8 1 as a; conv 8 1 relu as b }\nt as u\n"
        f"repeat {n} {{ from u.a; t as u }}\n"
    ),
    "paths of a repeat": lambda n: f"input 8x8x8\nadd {{ skip | repeat {n} {{ | conv 8 1 }} }}\n",
    "heads for training": lambda n: (
        "input 8x8x8\n" + "".join(f"head h{i} training {{ conv 8 1 }}\n" for i in range(n))
    ),
}
