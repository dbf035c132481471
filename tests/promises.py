"""What must hold of every file, however it was damaged, and the world in which that is tried.

`attempt` runs commands on the files of a `Case`. It raises Fault, AssertionError, or whatever
comes out of the product, where a promise is broken.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import running
from fuzzing import BESIDE, Case, encoded

import cnndsl
from cnndsl import targets
from cnndsl.cli.commands.check import FORMATS
from cnndsl.cli.runner import cache
from cnndsl.comparison import difference
from cnndsl.comparison.difference import _alike
from cnndsl.diagnostics import CODES

LIMIT = "3000"
"""The most layers: what is larger must be refused, and at once."""
SECONDS = {"build": 3.0, "docs": 3.0, "weights": 6.0, "api": 2.0}
"""How much time of the processor a command may take for a small file, else `SECOND`: half a
second, and 50 µs for each of `LIMIT` layers. For a larger one it is 10 µs a byte more."""
SECOND = 0.65
SLACK = float(os.environ.get("FUZZ_SLACK", "1"))
"""How many times as slow as the machine that the bounds are for this one may be."""

PATIENCE = SLACK * 10.0
"""How many seconds a command may wait, for whatever that is."""
SECRET = "c4n4ry-0f-th3-0uts1de"
ENVIRONMENT = {"CNNDSL_CACHE_DIR": "cache", "CNNDSL_DEBUG": "1", "SOMETHING": SECRET}
"""What commands want to find in their environment; it is for the process to bring."""


class Fault(AssertionError):
    """A promise that was broken: which kind, where, and all that there is to say."""

    def __init__(self, what: str, where: str, said: str = "") -> None:
        super().__init__(what, where, said)
        self.what, self.where, self.said = what, where, said


class TooLong(BaseException):
    """A command goes on, or waits, for longer than it may."""


class Outside(BaseException):
    """A command is about to do what it must not."""


# What a command does with files is seen by a hook of Python's; one that is there once stays.

READING = ("open", "os.scandir")
CHANGING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod",
            "os.chown", "os.utime", "os.truncate", "shutil.rmtree")  # fmt: skip
NEVER = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen",
         "socket.connect")  # fmt: skip
KNOWN = (sys.prefix, sys.base_prefix, str(running.ROOT), "/usr/lib/python3", "/dev/urandom")
watching: list[World] = []
"""The world that the process is held to, if any."""


def watch(event: str, words: tuple[Any, ...]) -> None:
    if not watching or event not in (*READING, *CHANGING, *NEVER):
        return
    writes = event in CHANGING
    if event == "open":
        flags = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        writes = bool(set(words[1] or "") & set("wax+") or words[2] & flags)
    paths = words[: 2 if event in ("os.rename", "os.link") else 1]
    named = [path for path in paths if isinstance(path, (str, bytes))]
    if event in NEVER or not all(watching[0].lets(path, writes) for path in named):
        raise Outside(f"{event} {'writes' if writes else 'reads'} {paths!r}")


sys.addaudithook(watch)


class World:
    """A folder that commands may work in, and beside it one that they may not touch.

    With `budgets` they are held to their time. `around` is entered for each.
    """

    def __init__(
        self, folder: Path, budgets: bool = False, around: Callable[[], Any] = nullcontext
    ) -> None:
        names = ("root", "outside", "scratch")
        self.root, self.outside, self.scratch = (folder.resolve() / name for name in names)
        self.budgets, self.around = budgets, around
        self.last: tuple[str, ...] = ()
        self.size = 0
        for path in (self.root, self.outside, self.scratch):
            path.mkdir(parents=True, exist_ok=True)
        for name in ("secret.env", "package.json", "x.json", "x.svg"):
            (self.outside / name).write_text(f'"{SECRET}"\n', encoding="utf-8")
        self.before = contents(self.outside)

    def lets(self, path: str | bytes, writes: bool) -> bool:
        """Whether a command may read or write a path."""
        real = os.path.realpath(os.fsdecode(path))
        if real.startswith((str(self.root), str(self.scratch))) or real == os.devnull:
            return True
        if writes:
            return "__pycache__" in real
        configures = os.path.basename(real) in ("cnndsl.toml", "pyproject.toml")
        return real.startswith(KNOWN) or configures

    def lay(self, case: Case) -> None:
        """Write down the files of a case, and nothing else."""
        with os.scandir(self.root) as entries:
            for entry in entries:
                folder = entry.is_dir(follow_symlinks=False)
                (shutil.rmtree if folder else os.unlink)(entry.path)
        self.size = len(case.files[case.damaged] or "")
        for name, content in case.files.items():
            path = os.path.join(self.root, name)
            if "/" in name:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            if content is None:
                os.mkfifo(path)
            elif isinstance(content, str):
                os.symlink(content, path)
            else:
                if name.startswith("cache/"):
                    content = cache._HEAD + cache._digest(content) + b"\n" + content
                with open(path, "wb") as file:
                    file.write(content.replace(b"@ROOT@", encoded(str(self.root))))

    @contextmanager
    def held(self, command: str) -> Iterator[None]:
        """Hold what runs inside to its time and its folder."""

        def give_up(*_: object) -> None:
            watching.clear()
            raise TooLong(f"{command}: {seconds:.2f} s of the processor, or {PATIENCE:.0f} s")

        seconds = SLACK * (SECONDS.get(command, SECOND) + max(0, self.size - 1_000) * 1e-5)
        here = os.getcwd()
        os.chdir(self.root)
        signal.signal(signal.SIGALRM, give_up)
        signal.signal(signal.SIGPROF, give_up)
        try:
            with self.around():
                watching[:] = [self]
                signal.setitimer(signal.ITIMER_REAL, PATIENCE)
                signal.setitimer(signal.ITIMER_PROF, seconds if self.budgets else 0)
                yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            watching.clear()
            os.chdir(here)

    def run(self, *words: str, stdin: bytes = b"", data: bool = False) -> tuple[int, str, str]:
        """Run a command, and see what holds for any; `data` is for what is not to be read."""
        self.last = words
        with self.held(words[0]):
            code, out, err = running.run(*words, stdin=stdin)
        options = " ".join(word for word in words if word == words[0] or word.startswith("-"))
        if "internal error" in err or "Traceback (most recent" in err:
            raise fault_of(err)
        if "not enough memory" in err:
            raise Fault("memory", words[0], err)
        if code not in (0, 1, 2) or (code == 2 and not err):
            raise Fault(f"exit code {code}", options, out + err)
        if SECRET in out + err:
            raise Fault("secret told", options, out + err)
        for text in (err, "" if data else out):
            for line in text.split("\n"):
                plain = line.removesuffix("\r").replace("\t", " ")  # which differences keep
                if not plain.isprintable() or plain.lstrip().startswith("::"):
                    raise Fault("raw output", options, repr(line))
        return code, out, err


def fault_of(text: str) -> Fault:
    """What a traceback tells: the exception, and the last place in this project."""
    pattern = r'/(cnndsl|tests)/(?:\w+/)*(\w+\.py)", line (\d+), in (\S+)'
    places = sorted(re.findall(pattern, text), key=lambda place: place[0] == "cnndsl")
    whats = re.findall(r"(?m)^[\w.]*?(\w+)(?::| *$)", text.rpartition('  File "')[2])
    _, name, line, function = places[-1] if places else ("", "?", "?", "?")
    what = whats[0] if whats else "?"
    return Fault(what, name if what == TooLong.__name__ else f"{name}:{line} {function}", text)


def contents(folder: Path) -> dict[str, bytes]:
    """What the files below a folder hold, links left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def attempt(case: Case, world: World) -> str:
    """Try a case; gives `clean` or `wrong`."""
    world.lay(case)
    code = TRIALS[case.kind](world, case, Random(case.draw))
    if contents(world.outside) != world.before:
        raise Fault("outside changed", case.kind)
    return "wrong" if code else "clean"


class Net:
    """A text for a net; its methods see that commands keep their promises of it."""

    def __init__(self, world: World, case: Case, random: Random) -> None:
        self.world, self.run, self.random = world, world.run, random
        self.path = case.damaged if case.damaged[0] != "-" else f"./{case.damaged}"
        self.content, self.old = (bytes(each or b"") for each in case.files.values())  # type: ignore[arg-type]
        self.text = self.content.decode("utf-8", "replace")
        self.code = 0

    def check(self, forms: tuple[str, ...] = ("json", "json", "text", "text", *FORMATS)) -> None:
        """What is found is located, and the same in every format."""
        form = self.random.choice(forms)
        words = ("check", self.path, "--no-cache", "--select", "ALL", "--limit", LIMIT)
        self.code, out, err = self.run(*words, "--format", form, data=form != "text")
        assert err == ""
        if form == "json":
            self.locate(json.loads(out))
        elif form == "junit":
            ElementTree.fromstring(out)
        elif form == "github":
            assert re.fullmatch("(::(error|warning) [^:\n]*::.+\n)*[^:].*\n", out)
            assert out.replace("\n", "").isprintable()
        elif form != "text":
            json.loads(out)

    def locate(self, rows: list[dict[str, Any]]) -> None:
        lines = self.text.removeprefix("\ufeff").split("\n")
        assert self.code == int(any(row["severity"] == "error" for row in rows))
        for row in rows:
            assert row["code"] in CODES and row["message"]
            for place in (row, *(edit for fix in row["fixes"] for edit in fix["edits"])):
                start = place["line"], place["column"]
                end = place["end_line"], place["end_column"]
                assert (1, 1) <= start <= end, place
                for line, column in (start, end):
                    assert line <= len(lines) and column <= len(lines[line - 1]) + 2, place

    def functions(self) -> None:
        """Nothing but CnndslError comes out of the functions for programs."""
        with self.world.held("api"):
            found = cnndsl.diagnose(self.text, limit=int(LIMIT))
            checks = partial(cnndsl.check, limit=int(LIMIT))
            try:
                self.random.choice((cnndsl.format, cnndsl.parse, checks))(self.text)
            except cnndsl.CnndslError as error:
                assert error.diagnostics and str(error) and found

    def form(self) -> None:
        """The canonical form stays as it is, and means what the text means."""
        code, out, err = self.run("fmt", "-", stdin=self.content, data=True)
        if code:
            assert out == "" and "error" in err and self.code
            return
        assert self.run("fmt", "-", "--check", stdin=out.encode()) == (0, "", "")
        if not self.code:
            with self.world.held("api"):
                old, new = (cnndsl.check(each, limit=int(LIMIT)) for each in (self.text, out))
                found = difference(old, new)
                assert found.none and not found.renamed and found.constants == ()
                same = len(old.nodes) == len(new.nodes)
                assert same and (self.text != out or _alike(old.module, new.module))

    def build(self) -> None:
        """A build writes what it says, which compiles, or fails and writes nothing."""
        target = self.random.choice(
            [name for name in targets.names() if name not in ("onnx", "pdf", "png")]
        )
        goal = self.world.root / "goal"
        goal.write_bytes(b"old")
        words = ("build", self.path, "--target", target, "--limit", LIMIT)
        code, _, err = self.run(*words, "-o", "goal")
        if code:
            assert goal.read_bytes() == b"old" and err and (self.code or "E4" in err)
            return
        made = goal.read_bytes().decode()
        assert not self.code and self.run(*words, "-o", "goal", "--check")[0] == 0
        if targets.load(target).SUFFIX == ".py":
            compile(made, "made", "exec", dont_inherit=True)
        elif target == "json":
            json.loads(made)

    def fix(self) -> None:
        """A file that was fixed checks no worse, and is as it was where nothing could be done."""
        words = ("check", self.path, "--limit", LIMIT, "--no-cache")
        path = self.world.root / self.path
        rows = json.loads(self.run(*words, "--format", "json", data=True)[1])
        more = self.random.choice(([], ["--unsafe"]))
        self.run(*words, *more, "--diff")
        assert path.read_bytes() == self.content
        _, out, _ = self.run(*words, *more, "--fix", "--format", "json", data=True)
        again = json.loads(self.run(*words, "--format", "json", data=True)[1])
        assert again == json.loads(out) and badness(again) <= badness(rows)
        assert rows or path.read_bytes() == self.content
        path.write_bytes(self.content)

    def compare(self) -> None:
        """A comparison ends well, and says of nothing that it changed."""
        old = self.random.choice(("other.cnn.old", self.path))
        form = self.random.choice(("text", "markdown", "json"))
        words = ("diff", old, self.path, "--limit", LIMIT, "--format", form)
        code, out, _ = self.run(*words, data=form == "json")
        if form == "json":
            found = json.loads(out)
            assert code == int(bool(found["old"]["errors"] or found["new"]["errors"]))
            assert code or found["same_meaning"] or old != self.path
        self.run("compare", old, self.path, "--limit", LIMIT)

    def views(self) -> None:
        more = self.random.choice((("show",), ("solve", "--range", "1:30"), ("solve", "--square")))
        self.run(*more, self.path, "--limit", LIMIT)

    def differences(self) -> None:
        self.run("fmt", "--diff", self.path)
        self.run("check", self.path, "--unsafe", "--diff", "--limit", LIMIT)
        assert (self.world.root / self.path).read_bytes() == self.content

    def accept(self) -> None:
        """What was accepted once is not new."""
        words = ("check", self.path, "--no-cache", "--limit", LIMIT)
        self.run(*words, "--statistics")
        self.run(*words, "--write-baseline", "base.json")
        assert self.run(*words, "--baseline", "base.json")[0] == 0


def badness(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """What keeps a text from being read, then errors, then warnings."""
    unread = sum(str(row["code"]).startswith("E0") for row in rows)
    errors = sum(row["severity"] == "error" for row in rows)
    return unread, errors, len(rows) - errors


PROBES = (Net.functions, Net.form, Net.build, Net.fix, Net.compare, Net.views, Net.differences,
          Net.accept)  # fmt: skip


def try_net(world: World, case: Case, random: Random) -> int:
    net = Net(world, case, random)
    net.check()
    for probe in random.choices(PROBES, (9, 9, 2, 1, 2, 2, 2, 2), k=random.choice((0, 1, 1))):
        probe(net)
    return net.code


def try_post(world: World, case: Case, random: Random) -> int:
    operand = random.choice(("post.md", "post.md", "."))
    world.run("audit", operand, "--format", random.choice(("text", "json", "github")))
    world.run("docs", "--check", operand)
    before = contents(world.root)
    code, _, _ = world.run("docs", operand)
    after = contents(world.root)
    mine = [name for name, content in BESIDE.items() if isinstance(content, bytes)]
    changed = [name for name in mine if after.get(name) != before[name]]
    if changed or (code and after != before):
        raise Fault("file changed", f"docs exits with {code}", f"{changed} {[*after]}")
    if any(SECRET.encode() in content for content in after.values()):
        raise Fault("secret copied", "docs")
    assert code or world.run("docs", "--check", operand)[0] == 0
    return code


def try_configuration(world: World, case: Case, random: Random) -> int:
    form = random.choice(FORMATS)
    world.run("fmt", "--check", ".")
    return world.run("check", ".", "--jobs", "1", "--format", form, data=form != "text")[0]


def try_baseline(world: World, case: Case, random: Random) -> int:
    code, _, _ = world.run("check", "net.cnn", "--no-cache", "--baseline", "base.json")
    world.run("check", "net.cnn", "--no-cache", "--write-baseline", "base.json")
    return code


def try_cache(world: World, case: Case, random: Random) -> int:
    """Whatever a cache holds, another run finds what the first found."""
    first = world.run("check", ".", "--jobs", "1")
    assert first == world.run("check", ".", "--jobs", "1")
    return first[0]


def try_weights(world: World, case: Case, random: Random) -> int:
    goal = random.choice(("out.safetensors", "out.weights.h5", "out.keras", "out.pt"))
    code, _, _ = world.run("weights", "net.cnn", "--from", case.damaged, "--to", goal)
    assert (world.root / goal).exists() is (code == 0)
    return code


TRIALS: dict[str, Callable[[World, Case, Random], int]] = {
    "nets": try_net,
    "posts": try_post,
    "configurations": try_configuration,
    "baselines": try_baseline,
    "caches": try_cache,
    "weights": try_weights,
}
