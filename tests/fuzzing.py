"""Texts that nobody would write, and what must hold of every one of them.

`Texts` makes them: samples with characters, tokens or lines changed, pieces of two samples put
together, random nets, and words in a row. `hold` runs check, fmt, build, fix and diff on a text
and asserts all that they promise. `test_fuzz.py` tries a few in CI, `fuzz_long.py` many.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import nets
from running import ROOT, run
from steps import at_most

import cnndsl
from cnndsl.comparison import difference
from cnndsl.comparison.difference import _alike
from cnndsl.diagnostics import CODES

SAMPLES = [
    path.read_text(encoding="utf-8")
    for folder in ("samples", "tests/golden")
    for path in sorted((ROOT / folder).rglob("*.cnn"))
    if "encoding" not in str(path)
]
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
WORDS = (
    "net input rounding defaults from let param expect repeat if else block head as and or not "
    "conv dwconv sepconv deconv pool avgpool gap dense flatten add concat mul skip relu softmax "
    "bn ln gn dropout up crop zeropad reshape slice shuffle scale same pad=1 dilation=2 groups=2 "
    "nobias floor ceil exact torch C H W L D params macs shape field 0 1 2 3 7 3x3 1x1 28x28x1 "
    "0:1x0:1 5M 0.5 -1 1e9 64_620 999999999999 a b main conv1 합성곱 , ; : = == <= != { } ( ) | / "
    "// * ** + - % # # cnndsl: ignore[E201] \n \n \t \r\n \x00 \ufeff × “ é ٣ 💥 \u202e"
).split(" ")
NUMBERS = ("0", "1", "2", "3", "5", "7", "16", "64", "1000", "65536", "10**9", "1e18", "0.5", "-1",
           "99999999999999999999", "4x4", "(C//2)", "(2**63)", "C", "64.0")  # fmt: skip
LIMIT = "3000"
"""The most layers: what is larger must be refused, and at once."""

MOST = 30_000_000
"""How many calls one command may make; a tenth of it is already very much."""


class Texts:
    """Random texts, the same for the same `random`; `kinds` counts what was made."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.kind = ""

    def text(self) -> str:
        makers: list[tuple[int, Callable[[], str]]] = [
            (3, self.characters),
            (5, self.tokens),
            (3, self.lines),
            (3, self.splice),
            (2, self.words),
            (2, self.net),
            (2, self.changed_net),
        ]
        maker = self.random.choices(*zip(*((make, weight) for weight, make in makers)))[0]
        self.kind = maker.__name__
        made: str = maker()
        return made

    def sample(self) -> str:
        return self.random.choice(SAMPLES)

    def characters(self) -> str:
        """A sample with some characters gone, doubled, swapped or others."""
        text = list(self.sample())
        for _ in range(self.random.choice((1, 1, 2, 3, 8))):
            at = self.random.randrange(len(text) + 1)
            other = self.random.choice("".join(WORDS) + "\n\n  {}()|;#")
            text[at : at + self.random.choice((0, 1, 1, 2, 9))] = self.random.choice(
                (other, "", other * 2)
            )
        return "".join(text)

    def tokens(self) -> str:
        """A sample with some tokens replaced by others, gone, or moved."""
        return self._tokens(self.sample())

    def _tokens(self, text: str) -> str:
        tokens = TOKEN.findall(text) or [""]
        for _ in range(self.random.choice((1, 1, 1, 2, 4))):
            at = self.random.randrange(len(tokens))
            draw = self.random.random()
            if draw < 0.35 and any(token[0].isdigit() for token in tokens if token):
                spots = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
                tokens[self.random.choice(spots)] = self.random.choice(NUMBERS)
            elif draw < 0.6:
                tokens[at] = self.random.choice(WORDS)
            elif draw < 0.7:
                del tokens[at : at + self.random.randint(1, 4)]
            elif draw < 0.85:
                tokens[at] = self.random.choice(tokens) if tokens else ""
            else:
                tokens.insert(at, self.random.choice(WORDS) + " ")
            tokens = tokens or [""]
        return "".join(tokens)

    def lines(self) -> str:
        """A sample with lines gone, doubled or in another order."""
        lines = self.sample().splitlines(keepends=True)
        for _ in range(self.random.randint(1, 4)):
            at, other = (self.random.randrange(len(lines)) for _ in range(2))
            draw = self.random.random()
            if draw < 0.4 and len(lines) > 1:
                del lines[at]
            elif draw < 0.7:
                lines.insert(at, lines[other])
            else:
                lines[at], lines[other] = lines[other], lines[at]
        return "".join(lines)

    def splice(self) -> str:
        """The beginning of one sample and the end of another."""
        one, two = TOKEN.findall(self.sample()), TOKEN.findall(self.sample())
        at, on = self.random.randrange(len(one)), self.random.randrange(len(two))
        return "".join(one[:at] + two[on:])

    def words(self) -> str:
        """Words of the language in a row."""
        return " ".join(self.random.choices(WORDS, k=self.random.randint(0, 40)))

    def net(self) -> str:
        """A net without errors."""
        return self.random.choice((nets.straight, nets.branching))(self.random)

    def changed_net(self) -> str:
        """A net that had no errors before a token or two changed."""
        return self._tokens(self.net())


def bounded(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Run a command; see that it ends well, and without too much work."""
    with at_most(MOST):
        code, out, err = run(*words, stdin=stdin)
    assert code in (0, 1, 2), (words, code)
    assert "internal error" not in err and "Traceback" not in out + err, (words, err)
    return code, out, err


def hold(text: str, folder: Path, before: str | None = None) -> str:
    """Assert all that must hold of a text; `folder` is scratch. Gives `clean` or `wrong`.

    With `before` the two are compared as well.
    """
    content = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
    text = content.decode()
    rows = hold_check(text, content)
    clean = not any(row["severity"] == "error" for row in rows)
    hold_api(text, clean)
    hold_format(text, content, clean)
    hold_build(content, clean, folder)
    hold_fix(content, rows, folder)
    if before is not None:
        hold_diff(before, text, folder)
    return "clean" if clean else "wrong"


def hold_check(text: str, content: bytes) -> list[dict[str, object]]:
    """The diagnostics: located in the text, known, the same again, in every format."""
    words = ("check", "-", "--limit", LIMIT)
    code, out, err = bounded(*words, "--format", "json", stdin=content)
    rows: list[dict[str, object]] = json.loads(out)
    assert err == "" and code == int(any(row["severity"] == "error" for row in rows)), (code, rows)
    lines = text.removeprefix("\ufeff").split("\n")
    for row in rows:
        assert row["code"] in CODES and row["message"]
        places = [row, *(edit for fix in row["fixes"] for edit in fix["edits"])]  # type: ignore[attr-defined]
        for place in places:
            start, end = (place["line"], place["column"]), (place["end_line"], place["end_column"])
            assert (1, 1) <= start <= end, place
            for line, column in (start, end):
                assert line <= len(lines) and column <= len(lines[line - 1]) + 2, place
    assert bounded(*words, "--format", "json", stdin=content)[1] == out
    code, out, err = bounded(*words, stdin=content)
    assert code == int(any(row["severity"] == "error" for row in rows)) and err == ""
    assert all(line.isprintable() for line in out.split("\n")), out
    return rows


def hold_api(text: str, clean: bool) -> None:
    """Nothing but CnndslError comes out of the functions for programs."""
    for function in (cnndsl.check, cnndsl.diagnose, cnndsl.format, cnndsl.parse):
        words = {"limit": int(LIMIT)} if function in (cnndsl.check, cnndsl.diagnose) else {}
        try:
            function(text, **words)  # type: ignore[operator]
        except cnndsl.CnndslError as error:
            assert error.diagnostics and str(error)
            assert not clean or function is not cnndsl.check


def hold_format(text: str, content: bytes, clean: bool) -> None:
    """The canonical form: stays as it is, and means what the text means."""
    code, out, err = bounded("fmt", "-", stdin=content)
    if code:
        assert out == "" and "error" in err
        assert not clean
        return
    assert bounded("fmt", "-", stdin=out.encode())[1] == out
    assert bounded("fmt", "-", "--check", stdin=out.encode())[0] == 0
    if clean:
        old, new = (cnndsl.check(each, limit=int(LIMIT)) for each in (text, out))
        found = difference(old, new)
        assert found.none and not found.renamed and found.constants == ()
        assert len(old.nodes) == len(new.nodes) and (text != out or _alike(old.module, new.module))


def hold_build(content: bytes, clean: bool, folder: Path) -> None:
    """A build writes what it prints, and nothing where it fails."""
    source, goal = folder / "net.cnn", folder / "out"
    source.write_bytes(content)
    for target in ("json", "markdown", "keras", "pytorch")[: 4 if len(content) < 1500 else 1]:
        goal.write_bytes(b"old")
        words = ("build", str(source), "--target", target, "--limit", LIMIT)
        code, out, err = bounded(*words, "-o", str(goal))
        assert out == "" and source.read_bytes() == content
        if code:
            assert goal.read_bytes() == b"old" and err
            assert not clean or "E4" in err or target != "json", err
        else:
            assert clean and goal.read_bytes() == bounded(*words)[1].encode()
            assert bounded(*words, "-o", str(goal), "--check")[0] == 0
    assert sorted(os.listdir(folder)) == ["net.cnn", "out"]


def badness(rows: list[dict[str, object]]) -> tuple[int, int, int]:
    """What keeps a text from being read, then errors, then warnings."""
    unread = sum(str(row["code"]).startswith("E0") for row in rows)
    errors = sum(row["severity"] == "error" for row in rows)
    return unread, errors, len(rows) - errors


def hold_fix(content: bytes, rows: list[dict[str, object]], folder: Path) -> None:
    """A file that was fixed checks no worse, and is as it was where nothing could be done."""
    path = folder / "net.cnn"
    for more in ([], ["--unsafe"]):
        path.write_bytes(content)
        words = ["check", str(path), *more, "--limit", LIMIT, "--no-cache"]
        bounded(*words, "--diff")
        assert path.read_bytes() == content
        code, out, _ = bounded(*words, "--fix", "--format", "json")
        left = json.loads(out)
        after = path.read_bytes()
        again = json.loads(bounded("check", str(path), "--limit", LIMIT, "--no-cache",
                                 "--format", "json")[1])  # fmt: skip
        assert again == left and badness(again) <= badness(rows), (rows, again)
        assert code == int(any(row["severity"] == "error" for row in again))
        if not rows:
            assert after == content


def hold_diff(old: str, new: str, folder: Path) -> None:
    """A comparison ends well, and says of nothing that it changed."""
    one, two = folder / "net.cnn", folder / "out"
    one.write_text(old, encoding="utf-8", newline="")
    two.write_text(new, encoding="utf-8", newline="")
    words = ("diff", str(one), str(two), "--limit", LIMIT)
    code, out, err = bounded(*words, "--format", "json")
    found = json.loads(out)
    assert err == "" and code in (0, 1)
    code, out, _ = bounded(*words, "--exit-code")
    assert all(line.isprintable() for line in out.split("\n")), out
    wrong = bool(found["old"]["errors"] or found["new"]["errors"])
    assert bool(code) == (wrong or not found["same_meaning"])
    code, out, _ = bounded("diff", str(one), str(one), "--exit-code", "--limit", LIMIT)
    assert code == int("\nerror[E" in out)
