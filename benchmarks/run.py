"""How fast cnndsl is, as ratios of whole processes: `python benchmarks/run.py`.

Ratios travel from machine to machine better than seconds do. Each is a median over runs
that take turns, so that a busy moment falls on both sides. Needs an environment where
cnndsl is installed; without Keras and PyTorch their comparison is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "samples" / "article.cnn"

BARE = [sys.executable, "-c", "pass"]
# What the installed script does.
CNNDSL = [sys.executable, "-c", "import sys; from cnndsl.cli import main; sys.exit(main())"]
KERAS = """
from keras import Input, Sequential, layers
Sequential([
    Input((39, 31, 1)),
    layers.Conv2D(20, 4, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(40, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(60, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(80, 2, activation="relu"),
    layers.Flatten(),
    layers.Dense(100, activation="softmax"),
]).summary()
"""
DEEP = "import keras; keras.applications.ResNet152(weights=None).summary()"
# Eight layers that keep the shape, each with its own line.
CYCLE = (
    "conv 16 3x3 relu same",
    "conv 16 3x3 same nobias",
    "bn",
    "relu",
    "dwconv 3x3 same",
    "pool 3x3 /1 same",
    "conv 16 1x1",
    "dropout 0.1",
)


# Compiled modules are kept, as they are where pip has installed cnndsl.
SETTINGS = {"KERAS_BACKEND": "torch", "PYTHONPYCACHEPREFIX": ""}


class Run(NamedTuple):
    """A process that has ended: seconds from start to end, and the most memory it held.

    `processor` are the seconds that cores worked for it and the processes it started.
    """

    seconds: float
    memory: int
    processor: float = 0.0


def run(command: list[str]) -> Run:
    """Run a process to its end; raise where it fails."""
    environment = {**os.environ, **SETTINGS}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit, usage.ru_utime + usage.ru_stime)


def ratio(command: list[str], base: list[str], times: int) -> tuple[float, float, float]:
    """The median of how many times as long a command takes as another, and both medians."""
    run(command), run(base)  # once for the caches
    pairs = [(run(command).seconds, run(base).seconds) for _ in range(times)]
    ours = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    return statistics.median(a / b for a, b in pairs), ours, theirs


def net(layers: int) -> str:
    """A net of so many layers, each written out."""
    lines = ["net long", "input 16x16x16"]
    lines += [CYCLE[index % len(CYCLE)] for index in range(layers)]
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        SETTINGS["PYTHONPYCACHEPREFIX"] = cache
        measure()


def measure() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=31, help="runs of each short command")
    parser.add_argument("--long", type=int, default=5, help="runs of each long command")
    arguments = parser.parse_args()

    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    print()
    print("| what | against | times as long | seconds | against |")
    print("|---|---|---|---|---|")

    def row(what: str, command: list[str], against: str, base: list[str], times: int) -> None:
        factor, ours, theirs = ratio(command, base, times)
        print(f"| {what} | {against} | {factor:.3g} | {ours:.3f} | {theirs:.3f} |", flush=True)

    article = str(ARTICLE)
    check = [*CNNDSL, "check", article]
    table = [*CNNDSL, "build", article, "--target", "markdown"]
    row("`check article.cnn`", check, "bare Python", BARE, arguments.times)
    row("`build --target markdown`", table, "bare Python", BARE, arguments.times)
    if find_spec("keras") and find_spec("torch"):
        summary = [sys.executable, "-c", KERAS]
        row("`build --target markdown`", table, "Keras summary", summary, arguments.long)
        deep = str(ROOT / "samples" / "resnet152.cnn")
        table = [*CNNDSL, "build", deep, "--target", "markdown"]
        summary = [sys.executable, "-c", DEEP]
        row("the same of ResNet-152", table, "Keras summary", summary, arguments.long)

    print()
    print("| layers | seconds | layers a second | MiB |")
    print("|---|---|---|---|")
    medians: dict[int, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layers in (1_000, 10_000, 100_000):
            path = Path(folder) / f"{layers}.cnn"
            path.write_text(net(layers), encoding="utf-8")
            runs = [run([*CNNDSL, "check", str(path)]) for _ in range(arguments.long)]
            seconds = statistics.median(one.seconds for one in runs)
            memory = int(statistics.median(one.memory for one in runs))
            medians[layers] = Run(seconds, memory)
            rate, mebibytes = layers / seconds, memory / 2**20
            print(f"| {layers:,} | {seconds:.2f} | {rate:,.0f} | {mebibytes:.0f} |", flush=True)
    small, large = medians[10_000], medians[100_000]
    growth = (large.seconds / 100_000) / (small.seconds / 10_000)
    slope = (large.memory - small.memory) / 90_000
    print()
    print(f"A layer of 100,000 costs {growth:.2f} times what a layer of 10,000 costs in time,")
    print(f"and a further layer takes {slope / 1024:.2f} KiB of memory.")


if __name__ == "__main__":
    main()
