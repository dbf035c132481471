"""The fuzzer that goes on: `make fuzz-texts MINUTES=60 KIND=nets`.

Tries cases of `fuzzing.py` against what `promises.py` says, in processes that are held to time
and memory, and goes on after a failure. Each kind of failure is tried again in a fresh process,
made smaller, told, and kept in a folder with its files. At the end stands a table of what was
tried. A case follows from `--seed`, its kind and its number alone: `--case nets:4711` shows one.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
KINDS = ("nets", "posts", "configurations", "baselines", "caches", "weights")
GROUPS = {"all": KINDS, "nets": KINDS[:1], "rest": KINDS[1:]}
SHARES = {"nets": 5, "weights": 2, "posts": 2}
"""What share of the time a kind gets, beside 1."""
MEMORY = 300 * 2**20
"""How many bytes a case may take beside what the process holds anyway."""
HUNG = 60
"""After how many seconds a process that gives no answer is ended."""
TRIES, SHRINKING = 300, 40
"""How often, and for how many seconds, a case is made smaller."""


class Result(NamedTuple):
    """What became of a case; `fault` says what, where and more, and is empty where it held."""

    labels: tuple[str, ...]
    outcome: str
    fault: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    seconds: float = 0.0


def ready() -> None:
    """Import what any case may want, so that none is charged for it."""
    import fuzz_nets

    import cnndsl
    from cnndsl import targets

    fuzz_nets.quicker(False)
    for name in targets.names():
        cnndsl.build("input 8x8x1; conv 2 3; flatten; dense 2", name)


def peak() -> int:
    """How many bytes this process has held at most since it was last asked."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    Path("/proc/self/clear_refs").write_text("5")
    return int(found[1]) * 1024 if found else 0


def work(link: Connection, seed: int, kinds: tuple[str, ...], folder: str) -> None:
    """A process that tries the cases it is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")
    from fuzzing import case
    from promises import ENVIRONMENT, Fault, World, attempt, fault_of

    ready()
    world = World(Path(folder), budgets=True)
    os.environ.update(ENVIRONMENT)
    tempfile.tempdir = str(world.scratch)

    def tried(kind: str, number: int, content: bytes | None) -> Result:
        labels: tuple[str, ...] = ("making",)
        try:
            made = case(seed, kind, number)
            labels = made.labels
            if content is not None:
                made = made._replace(files={**made.files, made.damaged: content})
            outcome = attempt(made, world)
            if peak() > usual + MEMORY:
                raise Fault("memory", world.last[0])
            return Result(labels, outcome)
        except BaseException as error:
            fault = error if isinstance(error, Fault) else fault_of(traceback.format_exc())
            return Result(labels, "failed", (fault.what, fault.where, fault.said), world.last)

    usual = sys.maxsize - MEMORY
    for kind, number in itertools.product(kinds, range(-3, 0)):
        tried(kind, number, None)
    peak()
    usual = peak()
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 4 * MEMORY, resource.RLIM_INFINITY))
    while True:
        asked, start = link.recv(), time.monotonic()
        link.send(tried(*asked)._replace(seconds=time.monotonic() - start))


class Worker:
    """Another process, begun anew whenever it has died."""

    def __init__(self, seed: int, kinds: tuple[str, ...]) -> None:
        self.about, self.asked = (seed, kinds), ("", 0)
        self.process: Any = None

    def ask(self, kind: str, number: int, content: bytes | None = None) -> None:
        if self.process is None:
            self.folder = tempfile.TemporaryDirectory(prefix="cnndsl-fuzz-")
            spawn = multiprocessing.get_context("spawn")
            self.link, theirs = spawn.Pipe()
            self.process = spawn.Process(
                target=work, args=(theirs, *self.about, self.folder.name), daemon=True
            )
            self.process.start()
            theirs.close()
        self.asked, self.since = (kind, number), time.monotonic()
        self.link.send((kind, number, content))

    def answer(self) -> Result | None:
        """What became of the case, if that is known by now."""
        result = Result((), "failed", ("hung", "?", ""))
        if self.link.poll():
            try:
                result = self.link.recv()
            except (EOFError, ConnectionError):
                self.process.join()
                result = Result((), "failed", ("died", f"exit code {self.process.exitcode}", ""))
        elif time.monotonic() < self.since + HUNG * float(os.environ["FUZZ_SLACK"]):
            return None
        if result.fault[:1] in (("hung",), ("died",), ("memory",)):
            self.stop()
        return result

    def do(self, kind: str, number: int, content: bytes | None = None) -> Result:
        self.ask(kind, number, content)
        while (result := self.answer()) is None:
            wait([self.link], 1)
        return result

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.folder.cleanup()
            self.process = None


def shrunk(content: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """A smaller content that fails as well: lines, then words, then bytes are left out."""
    left, end = TRIES, time.monotonic() + SHRINKING
    for pattern in (rb"[^\n]*\n|[^\n]+", rb"\w+|\s+|[^\w\s]", rb"(?s)."):
        pieces = re.findall(pattern, content)
        size = (len(pieces) + 1) // 2
        while size:
            at = 0
            while at < len(pieces) and left > 0 and time.monotonic() < end:
                left -= 1
                fewer = pieces[:at] + pieces[at + size :]
                if fails(b"".join(fewer)):
                    pieces = fewer
                else:
                    at += size
            size //= 2
        content = b"".join(pieces)
    return content


class Fuzzer:
    """Counts what was tried, and keeps what failed."""

    def __init__(self, seed: int, kinds: tuple[str, ...], keep: Path) -> None:
        self.seed, self.kinds, self.keep = seed, kinds, keep
        self.spare = Worker(seed, kinds)
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.found: dict[tuple[str, ...], list[str]] = {}
        self.once: list[str] = []

    def run(self, jobs: int, minutes: float, most: int) -> int:
        """Try until the time is up, or so many of each kind were tried; the exit code."""
        numbers: dict[str, Iterator[int]] = {kind: itertools.count() for kind in self.kinds}
        spent = dict.fromkeys(self.kinds, 0.0)
        workers = [Worker(self.seed, self.kinds) for _ in range(jobs)]
        start = told = time.monotonic()
        busy: list[Worker] = []
        try:
            while True:
                for worker in workers:
                    if worker in busy or time.monotonic() > start + 60 * minutes or not numbers:
                        continue
                    kind = min(numbers, key=lambda kind: spent[kind] / SHARES.get(kind, 1))
                    number = next(numbers[kind])
                    if number + 1 == most:
                        del numbers[kind]
                    worker.ask(kind, number)
                    busy.append(worker)
                if not busy:
                    break
                wait([worker.link for worker in busy], 1)
                for worker in list(busy):
                    if (result := worker.answer()) is not None:
                        busy.remove(worker)
                        spent[worker.asked[0]] += result.seconds
                        self.take(*worker.asked, result)
                if time.monotonic() > told + 60:
                    told = time.monotonic()
                    print(f"{(told - start) / 60:.0f} minutes: {self.said()}", flush=True)
        except KeyboardInterrupt:
            print("stopped")
        finally:
            for worker in (*workers, self.spare):
                worker.stop()
        print(self.table(time.monotonic() - start), end="")
        return int(bool(self.found))

    def take(self, kind: str, number: int, result: Result) -> None:
        """Count a case; look closer where it is the first to fail so."""
        key, name = result.fault[:2], f"{kind}:{number}"
        new = bool(key) and key not in self.found
        # On a busy machine, time is not what it seems.
        if (new or key[:1] == ("TooLong",)) and self.spare.do(kind, number).fault[:2] != key:
            self.once.append(name)
            result, key, new = result._replace(outcome="wrong"), (), False
        for label in ("", *dict.fromkeys(result.labels)):
            self.counts[kind, label, result.outcome] += 1
        if key:
            self.found.setdefault(key, []).append(name)
        if new:
            self.tell(kind, number, result)

    def tell(self, kind: str, number: int, result: Result) -> None:
        from fuzzing import case

        made = case(self.seed, kind, number)
        content = made.files[made.damaged]

        def fails(fewer: bytes) -> bool:
            return self.spare.do(kind, number, fewer).fault[:2] == result.fault[:2]

        if isinstance(content, bytes) and kind != "weights":
            content = shrunk(content, fails)
        what, where, said = result.fault
        folder = self.keep / f"{kind}-{number}"
        told = (
            f"{kind}:{number} ({', '.join(result.labels)}): {what}, {where}\n"
            f"  cnndsl {' '.join(map(ascii, result.command))}\n  {ascii(content)[:400]}\n"
        )
        for name, each in {**made.files, made.damaged: content}.items():
            if isinstance(each, bytes):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(each)
        again = f"python tests/fuzz_long.py --seed {self.seed} --case {kind}:{number}"
        other = {name: each for name, each in made.files.items() if not isinstance(each, bytes)}
        note = f"{told}\n{again}\n\nlinks and pipes: {other}\n\n{said}\n"
        (folder / "failure.txt").write_text(note, encoding="utf-8", errors="backslashreplace")
        print(f"--- {told}  kept in {folder}", flush=True)

    def said(self) -> str:
        tried = sum(count for (_, label, _), count in self.counts.items() if not label)
        failed = sum(map(len, self.found.values()))
        return f"{tried:,} cases, {failed:,} failed in {len(self.found)} ways"

    def table(self, seconds: float) -> str:
        rows = [f"{'':32}   tried   clean   wrong  failed"]
        for kind, label in sorted({key[:2] for key in self.counts}):
            counts = [self.counts[kind, label, what] for what in ("clean", "wrong", "failed")]
            cells = "".join(f"{count:8,}" for count in (sum(counts), *counts))
            rows.append(f"{kind if not label else f'  {label}':32}{cells}")
        rows.append(f"{self.said()}, in {seconds / 60:.1f} minutes, seed {self.seed}")
        for (what, where), cases in self.found.items():
            rows.append(f"  {len(cases):,} times, first {cases[0]}: {what}, {where}")
        if self.once:
            rows.append(f"  {len(self.once):,} failed once and not again, first {self.once[0]}")
        return "".join(f"{row}\n" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--most", type=int, default=0, help="stop after so many of each kind")
    parser.add_argument("--kind", choices=(*GROUPS, *KINDS[1:]), default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="where failures are kept")
    parser.add_argument("--slack", type=float, default=1, help="take so many times as long")
    parser.add_argument("--case", metavar="KIND:NUMBER", help="try one case alone, and tell all")
    given = parser.parse_args()
    os.environ |= {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ["FUZZ_SLACK"] = str(given.slack)
    if given.case:
        kind, _, number = given.case.partition(":")
        worker = Worker(given.seed, (kind,))
        result = worker.do(kind, int(number))
        worker.stop()
        print(*result.labels, result.outcome, *result.command, *result.fault, sep="\n")
        return int(bool(result.fault))
    keep = given.keep or Path(tempfile.mkdtemp(prefix="cnndsl-fuzz-kept-"))
    print(f"failures are kept in {keep}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as of `timeout`: the table comes
    fuzzer = Fuzzer(given.seed, GROUPS.get(given.kind, (given.kind,)), keep)
    return fuzzer.run(given.jobs, given.minutes, given.most)


if __name__ == "__main__":
    sys.exit(main())
