"""Files that nobody would write: nets, posts, configurations, baselines, caches and weights.

`case` makes one, the same each time for its seed, kind and number: a text that is there, that
the grammar gives, or words in a row, and what `MUTATIONS` make of it. `promises.py` says what
must hold of it; `test_fuzz.py` tries a few, and `fuzz_long.py` many.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeAlias
from unittest import mock

import nets
from running import ROOT, run
from strategies import Chance, grown, statement

from cnndsl import targets
from cnndsl.diagnostics import CODES
from cnndsl.documents.kinds import KINDS as REGIONS
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.syntax import grammar_text
from cnndsl.syntax.tables import KEYWORDS, SIGNS

SAMPLES = [
    path.read_text(encoding="utf-8")
    for folder in ("samples", "tests/golden")
    for path in sorted((ROOT / folder).rglob("*.cnn"))
    if "encoding" not in str(path) and path.stat().st_size < 1_000
]
MOST = 30_000
"""The longest text, in characters."""
SLOTS = [slot for layer in LAYERS.values() for slot in layer.slots]
KEYS = [slot.name for slot in SLOTS if slot.form == "key"]
FLAGS = [slot.name for slot in SLOTS if slot.form == "flag"]
CALLS = ("min", "max", "round", "ceil", "floor", "divisible")
NAMES = "a b c n C H W L D i main skip params macs shape field exact torch keras".split()
FEW = ("0", "1", "2", "3", "4", "7", "16", "0.5", "3x3", "2x1", "(C//2)", "C", "(n + 1)")
NUMBERS = (
    *FEW, "-1", "1e-9", "1e999", "28x28x1", "0:1x0:1", "4:2", "5M", "10**19", "2**63", "64_620",
    *(str(number) for number in (2**31, 2**63, 10**18, 10**19, 10**400)), "9" * 5_000,
)  # fmt: skip
WORDS = (
    *KEYWORDS, *SIGNS, *LAYERS, *MERGES, *ACTIVATIONS, *NAMES, *CALLS, *FLAGS, ";", "\n", "{}",
    *(f"{key}=" for key in KEYS), "# x", "# cnndsl: ignore[E201]", "합성곱", "٣",
)  # fmt: skip
FAMILIES: tuple[Sequence[str], ...] = (
    [*LAYERS, "skip"], list(MERGES), list(ACTIVATIONS), "0123456789", ["1", "2", "3", "8", "32"],
    ["same", *FLAGS], "CHWabn", "*-+/", ["==", "!=", "<"],
)  # fmt: skip
"""What may stand for one another."""
ODD = (
    "\0", "\x1b[31m", "\x07", "\r", "\r\n", "\n", "\t", "\ufeff", "\u202e", "\u2028", "\x85", "é",
    "💥", "\udcff", "\udcc3", "\u0301", '"', "'", "`", "\\", "\n::error::x\n", "<!--", "-->", "|",
)  # fmt: skip
"""Pieces of text; half a surrogate pair becomes a byte that is not UTF-8."""
BRACKETS = (
    ("(", ")"), ("[", "]"), ("{", "}"), ("repeat 9 {", "}"), ("if C > 1 {", "}"), ("> ", ""),
    ("add {", "| skip }"), ("concat {skip |", "}"), ("- ", ""), ("block a(n) {", "}"),
)  # fmt: skip
TIMES = (*[1, 2, 2, 3, 5] * 9, *[9, 20] * 5, 50, 100, 300, 1_000, 3_000)
"""How often something is repeated."""

Files: TypeAlias = "dict[str, bytes | str | None]"
"""Contents by paths; a text in their place is what a link points to, None is a pipe."""
Made: TypeAlias = tuple[Files, str, list[str]]


class Case(NamedTuple):
    """The files of a trial, of which one is `damaged`; `labels` say what was done to it.

    `draw` settles what is done with them.
    """

    kind: str
    files: Files
    damaged: str
    labels: tuple[str, ...]
    draw: float


def case(seed: int, kind: str, number: int) -> Case:
    """One trial of a kind."""
    random = Random(f"{seed} {kind} {number}")
    files, damaged, labels = MAKERS[kind](random)
    return Case(kind, files, damaged, tuple(labels) or ("none",), random.random())


# Mutations: each changes a list of tokens in place.


class Stock(NamedTuple):
    """What mutations draw from: words of the language at hand, and other texts of it."""

    random: Random
    words: Sequence[str]
    other: Callable[[], str]

    def span(self, tokens: list[str], most: int = 1) -> slice:
        at = self.random.randrange(len(tokens) + 1)
        return slice(at, at + self.random.randint(1, most))

    def put(self, tokens: list[str], fits: Callable[[str], object], values: Sequence[str]) -> None:
        spots = [index for index, token in enumerate(tokens) if fits(token)]
        if spots:
            tokens[self.random.choice(spots)] = self.random.choice(values)


def numbers(stock: Stock, tokens: list[str]) -> None:
    stock.put(tokens, lambda token: token[:1].isdigit(), stock.random.choice((FEW, NUMBERS)))


def words(stock: Stock, tokens: list[str]) -> None:
    stock.put(tokens, lambda token: token[:1].isalpha(), stock.random.choice((stock.words, tokens)))


def swap(stock: Stock, tokens: list[str]) -> None:
    family = stock.random.choice(FAMILIES)
    stock.put(tokens, lambda token: token in family, family)


def insert(stock: Stock, tokens: list[str]) -> None:
    tokens.insert(stock.span(tokens).start, f" {stock.random.choice(stock.words)} ")


def delete(stock: Stock, tokens: list[str]) -> None:
    del tokens[stock.span(tokens, 4)]


def double(stock: Stock, tokens: list[str]) -> None:
    tokens[stock.span(tokens)] = tokens[stock.span(tokens, 9)]


def shuffle(stock: Stock, tokens: list[str]) -> None:
    span = stock.span(tokens, 40)
    tokens[span] = stock.random.sample(tokens[span], len(tokens[span]))


def graft(stock: Stock, tokens: list[str]) -> None:
    line = stock.random.choice(stock.other().splitlines())
    tokens.insert(stock.span(tokens).start, f"{line}\n")


def lines(stock: Stock, tokens: list[str]) -> None:
    """Lines, or statements, in the place of words."""
    tokens[:] = re.split(r"(?<=[\n;])", "".join(tokens))
    stock.random.choice((delete, double, shuffle, graft))(stock, tokens)


def splice(stock: Stock, tokens: list[str]) -> None:
    other = re.split(r"\b", stock.other())
    tokens[stock.span(tokens).start :] = other[stock.span(other).start :]


def many(stock: Stock, tokens: list[str]) -> None:
    span = stock.span(tokens, 6)
    tokens[span] = tokens[span] * stock.random.choice(TIMES)


def nest(stock: Stock, tokens: list[str]) -> None:
    span, count = stock.span(tokens, 12), stock.random.choice(TIMES)
    before, after = stock.random.choice(BRACKETS)
    tokens[span] = [before] * count + tokens[span] + [after] * count


def characters(stock: Stock, tokens: list[str]) -> None:
    tokens[:] = "".join(tokens)
    tokens[stock.span(tokens)] = stock.random.choice((*ODD, *ODD, "", " ", "#", ";"))


MUTATIONS = {
    each.__name__: each
    for each in (numbers, words, swap, insert, delete, double, shuffle, lines, splice, many, nest,
                 characters)
}  # fmt: skip
OFTEN = [*MUTATIONS, *["swap", "numbers", "lines"] * 3]


def mutated(
    random: Random, text: str, words: Sequence[str], other: Callable[[], str], times: Sequence[int]
) -> tuple[str, list[str]]:
    """A text after some mutations, and which they were."""
    labels = random.choices(OFTEN, k=random.choice(times))
    for label in labels:
        tokens = re.findall(r"\w+|\s+|[^\w\s]", text)
        for _ in range(random.choice((1, 1, 2, 5))):
            MUTATIONS[label](Stock(random, words, other), tokens)
        text = "".join(tokens)[:MOST]
    return text, labels


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# Nets

Rules: TypeAlias = dict[str, list[tuple[list[str], str]]]


@cache
def grammar() -> tuple[Rules, Rules, dict[str, list[str]]]:
    """The choices of each rule, those of them that soon end, and the texts of each terminal."""
    from lark import Lark

    lark: Any = Lark(grammar_text(), start="module", parser="lalr", maybe_placeholders=False)
    rules: Rules = {}
    for rule in lark.rules:
        symbols = [symbol.name for symbol in rule.expansion]
        rules.setdefault(str(rule.origin.name), []).append((symbols, rule.alias or ""))
    texts = {
        "NUMBER": list(FEW[:8]),
        "SIZE": ["3x3", "2x1", "8x8x4", "0:1x0:1"],
        "_SEP": ["\n", ";"],
    }
    for text, terminal in {**KEYWORDS, **SIGNS}.items():
        texts.setdefault(terminal, []).append(text)
    for choices in rules.values():  # a sum is a single product more often than not
        choices += [each for each in choices if len(each[0]) == 1 and each[0][0] in rules] * 3
    depth = dict.fromkeys(rules, 999)

    def deep(choice: tuple[list[str], str]) -> int:
        return 1 + max((depth.get(symbol, 0) for symbol in choice[0]), default=0)

    for _ in rules:
        depth |= {name: min(map(deep, choices)) for name, choices in rules.items()}
    short = {name: [each for each in rules[name] if deep(each) == depth[name]] for name in rules}
    return rules, short, texts


ROLES: dict[tuple[str, int], Sequence[str]] = {
    ("apply", 0): (*LAYERS, *MERGES, "n"), ("keyword", 0): KEYS, ("call", 0): CALLS,
    ("rounding", 1): ("exact", "floor", "ceil"), ("defaults", 1): ("keras", "torch"),
    ("name", 0): (*NAMES, *ACTIVATIONS, *FLAGS),
}  # fmt: skip
"""The names that mean something, by the rule that they stand in and their place there."""
DEFINED = "let a = 0\nparam b = 3\nlet c = 2x1\nblock n(a=1, b=C) { relu }\n"


def phrase(random: Random, symbol: str, left: int, names: Sequence[str] = "abcn") -> str:
    """A random text that the grammar derives from a symbol, about so deep."""
    rules, short, texts = grammar()
    if symbol not in rules:
        return random.choice(texts.get(symbol, names) if random.random() < 0.99 else NUMBERS)
    symbols, alias = random.choice((rules if left > 0 else short)[symbol])
    if alias == "apply" and "paths" not in symbols and random.random() < 0.6:
        return statement(Chance(random.random()), (8, 8, 4))  # its arguments are right, too
    return " ".join(
        phrase(random, each, left - (len(symbols) > 1), ROLES.get((alias, index), "abcn"))
        for index, each in enumerate(symbols)
    )


@cache
def pool() -> list[str]:
    """Nets without errors."""
    made = [make(Random(seed)) for make in (nets.straight, nets.branching) for seed in range(12)]
    return made + [grown(Chance(seed)) for seed in range(16)]


def net(random: Random) -> tuple[str, list[str]]:
    """A text for a net, and what was done to it."""
    source = random.choices(("sample", "random", "new", "grammar", "words"), (5, 8, 1, 5, 1))[0]
    if source == "grammar":
        size = random.choice(("8x8x4", "8x8x4", "28x28x1", "12", "16x3", "6x6x6x2"))
        parts = [random.choice(("", DEFINED)), random.choice((f"input {size}\n", ""))]
        count = random.choice((1, 1, 2, 2, 3, 6))
        text = "".join(parts) + "\n".join(phrase(random, "statement", 6) for _ in range(count))
    elif source == "words":
        text = " ".join(random.choices((*WORDS, *NUMBERS[:-2]), k=random.randint(0, 40)))
    else:
        fresh = source == "new"
        text = grown(Chance(random.random())) if fresh else random.choice(BASES[source]())
    times = (1, 1, 1, 2, 3) if source in BASES else (0, 0, 1)
    text, labels = mutated(random, text, WORDS, lambda: random.choice((*SAMPLES, *pool())), times)
    return text, [source, *labels]


BASES = {"sample": lambda: SAMPLES, "random": pool}
STRANGE = ("a\x1b[31m.cnn", "::error::x.cnn", "a\n::error::b.cnn", "\u202enn.cnn", "a\udcff.cnn",
           "-- 'a.cnn", "`$(id)`.cnn", "a%0A|b.cnn", "0.cnn", "import.cnn")  # fmt: skip


def make_nets(random: Random) -> Made:
    text, labels = net(random)
    name = random.choice(STRANGE) if random.random() < 0.1 else "net.cnn"
    return {name: encoded(text), "other.cnn.old": encoded(random.choice(pool()))}, name, labels


# Posts

BESIDE: Files = {
    "package.json": b'{"name": "mine"}\n', "plain.txt": b"mine\n", "plain.svg": b"<svg/>\n",
    "mine.py": b"print('mine')\n", "mine.md": b"mine\n", "nets/a.cnn": b"input 8x8x1\nconv 4 3x3\n",
    "nets/wrong.cnn": b"input 4x4x1; conv 4 5x5\n", "pipe.cnn": None, "pipe.json": None,
    "link.cnn": "../outside/secret.env", "link.json": "../outside/package.json",
    "dangling.json": "../outside/new.json", "links": "../outside", ".git/HEAD": b"x",
}  # fmt: skip
"""What lies beside a post."""
PATHS = (
    "nets/a.cnn", "nets/a.cnn,nets/wrong.cnn", "plain.txt", "package.json", "../outside/secret.env",
    "@ROOT@/../outside/secret.env", "nets/../../outside/secret.env", "/proc/self/environ",
    "link.cnn", "links/secret.env", "pipe.cnn", "/dev/stdin", "/dev/zero", ".", "nets", "~/x",
    "nets/a.cnn,../outside/secret.env", "post.md", ".\\a.cnn", "a\x1b[2J\x07.cnn", "x\u202e.cnn",
)  # fmt: skip
PLACES = ("x", "../outside/x", "@ROOT@/../outside/package", "links/x", "plain", "package", "mine",
          "new/deep/x", "nets/../../outside/new/x", "link", "dangling", ".git/x", "x\x1b[2J",
          "nets/a.cnn/x", "nets", "::error::x", "x y", "<x>", "pipe")  # fmt: skip
PROSE = (
    "# A title\n",
    "::error::x\n",
    "---\nx: 1\n---\n",
    "> a\n",
    "- b\n",
    "text\n",
    "\x1b[31m\n",
)


def fence(random: Random) -> str:
    text = "input 6x6x2\nconv 3 3; flatten\ndense 2" if random.random() < 0.9 else net(random)[0]
    return f"```cnn{random.choice((*[''] * 20, ' fails', ' fragment', ' x=1'))}\n{text}\n```\n"


def region(random: Random) -> str:
    kind = random.choice(list(REGIONS))
    target = REGIONS[kind].target
    words = [kind]
    if target is None:
        target = random.choice(targets.names())
        words.append(f"target={target}")
    module = targets.load(target or "json")
    options = [*REGIONS[kind].options, *(module.OPTIONS if target else ())]
    for option in random.sample(options, min(len(options), random.choice((0, 0, 1, 2)))):
        value = random.choice(
            random.choice((option.choices or "12", option.choices or "12", NUMBERS))
        )
        words.append(f"{option.name}={value}")
    suffix = random.choice((*[module.SUFFIX] * 5, ".json", ""))
    likely = {
        f"'to={random.choice(PLACES)}{suffix}'": 0.3, f"file={random.choice(PATHS)}": 0.2,
        f"with={random.choice(PATHS)}": 0.1 + (kind == "compare"),
        f'alt="{random.choice(("x]( y", "<b>", *ODD))}"': 0.1,
    }  # fmt: skip
    words += [word for word, share in likely.items() if random.random() < share]
    old = random.choice((*["", "old\n"] * 9, "<!-- cnndsl: table -->\n", "```\n"))
    return f"<!-- cnndsl: {' '.join(words)} -->\n{old}<!-- /cnndsl -->\n"


def post(random: Random) -> str:
    makers = (fence, region, region, lambda random: random.choice(PROSE))
    rest = [random.choice(makers)(random) for _ in range(random.choice((0, 0, 1, 1, 2, 5)))]
    return "\n".join([fence(random), region(random), *rest])


def make_posts(random: Random) -> Made:
    words = (*PATHS, *PLACES, "<!-- cnndsl:", "-->", "<!-- /cnndsl -->", "```cnn", "```", "to=",
             "file=", "with=", "alt=", *REGIONS, *targets.names(), *ODD, *WORDS)  # fmt: skip
    text, labels = mutated(random, post(random), words, lambda: post(random), (0, 0, 1, 2))
    return {**BESIDE, "post.md": encoded(text)}, "post.md", labels


# Configurations, baselines and caches

WARNS = b"let unused = 3\ninput 8x8x1\nconv 4 3; bn\nlet k = 2\nbn\nbn\nrelu; relu\n"
PATTERNS = (
    "*", "**", "*.cnn", "sub/**", "**/*.cnn", "[", "[!a]*", "[z-a]", "{a,b}", "!x", "", "../*", "/",
    "*a" * 30 + "b", "**/" * 60 + "b", "[a-" * 50, "?" * 999, "a\0b", "(a+)+$", "\\",
)  # fmt: skip
RULES = (*CODES, "ALL", "W", "W1", "E", "unused-let", "", "w101", "X999", "\x1b[31m", "W" * 9_999)


def special(random: Random, content: str) -> bytes | str | None:
    """A content, or now and then what is no regular file."""
    odd: tuple[str | None, ...] = (None, "/dev/zero", "missing", ".")
    return encoded(content) if random.random() < 0.97 else random.choice(odd)


def configuration(random: Random, header: str) -> str:
    def some(values: Sequence[str]) -> str:
        return json.dumps(random.choices(values, k=random.randint(0, 3)))

    keys = random.sample(("select", "extend-select", "ignore"), random.randint(0, 3))
    rows = [f"[{header}]"] * bool(header) + [f"{key} = {some(RULES)}" for key in keys]
    rows += [f"error-on-warning = {random.choice(('true', 'false', '1'))}"] * random.randint(0, 1)
    rows.append(f"[{header + '.' * bool(header)}per-file-ignores]")
    patterns = random.choices(PATTERNS, k=random.randint(0, 4))
    return "\n".join([*rows, *(f"{json.dumps(each)} = {some(RULES)}" for each in patterns), ""])


def make_configurations(random: Random) -> Made:
    name, header = random.choice((("cnndsl.toml", ""), ("pyproject.toml", "tool.cnndsl")))
    words = (
        *RULES,
        *PATTERNS,
        "select",
        "[tool]",
        "[tool.cnndsl]",
        "=",
        '"""',
        "[[x]]",
        *ODD,
        *NUMBERS,
    )
    made = configuration(random, header)
    text, labels = mutated(random, made, words, lambda: made, (0, 1, 1, 2))
    return {name: special(random, text), "a" * 60 + ".cnn": WARNS, "sub/a.cnn": WARNS}, name, labels


JUNK = (
    "null", "true", "0", "1", "-1", "1" + "0" * 400, "1e308", "Infinity", "NaN", '""', '"E201"',
    '"net.cnn"', '"../x"', r'"\u001b[31m"', r'"\ud800"', '"::error::x"', "[]", "{}", "[[[[]]]]",
    '["x"]', '"' + "a" * 9_999 + '"',
)  # fmt: skip
"""Values of JSON."""


def damaged_json(random: Random, value: Any) -> tuple[str, list[str]]:
    """JSON of a value of which some parts are others, gone, or there many times."""
    value = json.loads(json.dumps([value]))
    for _ in range(random.choice((1, 1, 2, 4))):
        spots: list[tuple[Any, Any]] = [(value, 0)]
        for holder, key in spots:
            inner = holder[key]
            if isinstance(inner, (dict, list)):
                keys = inner if isinstance(inner, dict) else range(len(inner))
                spots += [(inner, each) for each in list(keys)[:50]]
        holder, key = random.choice(spots)
        change = random.random()
        if change < 0.2 and holder is not value:
            del holder[key]
        elif change < 0.4:
            holder[key] = [holder[key]] * random.choice((1, 2, 99))
        else:
            holder[key] = json.loads(random.choice(JUNK))
    text = json.dumps(value[0])[:MOST]
    words = (*JUNK, "[" * 5_000, '{"a":' * 5_000, *ODD, *NUMBERS)
    text, labels = mutated(random, text, words, lambda: text, (0, 0, 1, 2))
    return text, ["structure", *labels]


def make_baselines(random: Random) -> Made:
    row = {"file": "net.cnn", "code": "W101", "line": "let unused = 3", "count": 1}
    rows = [row, {**row, "line": "bn"}, row]
    text, labels = damaged_json(random, {"version": 1, "findings": rows})
    return {"base.json": special(random, text), "net.cnn": WARNS}, "base.json", labels


CHECKED: Files = {"large.cnn": b"#" * 45_000, "net.cnn": WARNS}


@cache
def kept() -> tuple[str, list[str]]:
    """The name of a cache, and its rows once `CHECKED` were checked."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in CHECKED.items():
            Path(folder, name).write_bytes(bytes(content or b""))
        with mock.patch.dict(os.environ, CNNDSL_CACHE_DIR=folder):
            run("check", folder, "--jobs", "1")
        (found,) = Path(folder).glob("check-*")
        return found.name, found.read_text(encoding="ascii").splitlines(keepends=True)[1:]


def make_caches(random: Random) -> Made:
    """The head of a cache, a digest, is made where it is written down."""
    name, rows = kept()
    key, _, value = max(rows, key=len).partition(" ")
    text, labels = damaged_json(random, json.loads(value))
    rows = [f"{key} {text}\n" if row.startswith(key) else row for row in rows]
    return {**CHECKED, f"cache/{name}": encoded("".join(rows))}, f"cache/{name}", labels


# Weights

LEARNT = b"input 6x6x2\nconv 3 3\nbn\nflatten\ndense 4\n"
PICKLES = (
    b"cos\nsystem\n(S'touch owned'\ntR.", b"cbuiltins\neval\n(S'1/0'\ntR.", b"(" * 9_999 + b".",
    b"\x80\x04N.", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", b"\x80\x04}.", b"\x80\x04](K\x01e.",
)  # fmt: skip


@cache
def stored() -> dict[str, bytes]:
    """Files of weights as they should be by their endings, and two that unpack to 400 MB."""
    import h5py

    import cnndsl
    from cnndsl.codegen import weights
    from cnndsl.proof.checkpoints import SUFFIXES, write

    net = cnndsl.check(LEARNT.decode())
    found = {suffix: write(net, suffix, weights.random(net)) for suffix in SUFFIXES}
    packed, chunked = io.BytesIO(), io.BytesIO(found[".weights.h5"])
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("model.weights.h5", "w") as member,
    ):
        for _ in range(400):
            member.write(bytes(1_000_000))
        member.write(Random(0).randbytes(1_000_000))
    with h5py.File(chunked, "r+") as file:  # a small array may be a piece of a large one
        places: list[str] = []
        file.visit(lambda name: places.append(name) if name.endswith("dense/vars/1") else None)
        del file[places[0]]
        file.create_dataset(places[0], (4,), "f4", chunks=(10**8,), maxshape=(None,),
                            compression=1)[...] = 1  # fmt: skip
    return {**found, "bomb.keras": packed.getvalue(), "bomb.weights.h5": chunked.getvalue()}


def damaged(random: Random, data: bytes) -> bytes:
    """Bytes with some others among them."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 50))):
        at, count = random.randrange(len(found) + 1), random.choice((1, 2, 4, 8, 100))
        number = struct.pack("<q", random.choice((1, 2**31, 2**62, -1)))
        piece = random.choice((b"", bytes(count), b"\xff" * count, random.randbytes(count), number))
        found[at : at + random.choice((0, len(piece), len(piece), 5_000))] = piece
    return bytes(found)


def members(random: Random, data: bytes, pickled: bytes = b"") -> bytes:
    """An archive with members that are others, gone, new or there twice."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        rows = [(name, old.read(name)) for name in old.namelist()]
    at = random.randrange(len(rows))
    name, content = rows[at]
    news = [(name, damaged(random, content)), (random.choice(PATHS), content), (f"{name}x", b"")]
    rows[at : at + random.randint(0, 1)] = random.sample(news, random.randint(0, 2))
    with warnings.catch_warnings(), zipfile.ZipFile(result, "w", random.choice((0, 8))) as new:
        warnings.simplefilter("ignore")
        for name, content in rows:
            new.writestr(name, pickled if pickled and name.endswith("data.pkl") else content)
    return result.getvalue()


def make_weights(random: Random) -> Made:
    suffix = random.choice([name for name in stored() if not name.startswith("bomb")])
    data, bomb = stored()[suffix], stored().get(f"bomb{suffix}")
    label = random.choice(("bytes", "members", "header" if "safe" in suffix else "pickle"))
    if bomb and random.random() < 0.03:
        label, data = "bomb", bomb
    elif label == "members" and data[:2] == b"PK":
        data = members(random, data)
    elif label == "pickle" and suffix in (".pt", ".pth"):
        data = members(random, data, random.choice(PICKLES))
    elif label == "header":
        size = int.from_bytes(data[:8], "little")
        head = encoded(damaged_json(random, json.loads(data[8 : 8 + size]))[0])
        length = random.choice((len(head), len(head), len(head), 0, 2**31, 2**63, 2**64 - 1))
        data = struct.pack("<Q", length) + head + data[8 + size :]
    else:
        label, data = "bytes", damaged(random, data)
    return {f"w{suffix}": data, "net.cnn": LEARNT}, f"w{suffix}", [suffix, label]


MAKERS: dict[str, Callable[[Random], Made]] = {
    "nets": make_nets, "posts": make_posts, "configurations": make_configurations,
    "baselines": make_baselines, "caches": make_caches, "weights": make_weights,
}  # fmt: skip
"""The kinds of trials."""
