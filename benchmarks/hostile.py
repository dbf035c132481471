"""What noise and what large nets cost: `python benchmarks/hostile.py`.

Whole processes, `cnndsl check` with all rules: seconds of processor time and the most memory at a
size and at four times of it. What grows with the text takes four times as long, whatever else is
in it; what grows with its square takes sixteen times.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from kinds import NETS, NOISE
from run import CNNDSL


class Cost(NamedTuple):
    """Seconds of processor time, and mebibytes."""

    seconds: float
    memory: float


def cost(command: list[str]) -> Cost:
    """What a process takes, whatever it ends with."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, default=10_000_000, help="of noise, at most")
    parser.add_argument("--count", type=int, default=20_000, help="of statements, at most")
    parser.add_argument("only", nargs="*", help="the kinds to look at")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.cnn"
        command = [*CNNDSL, "check", str(path), "--no-cache", "--select", "ALL"]

        def checked(text: str) -> Cost:
            path.write_bytes(text.encode())
            return cost(command)

        base = min(checked("input 8\nrelu\n").seconds for _ in range(5))

        def row(kind: str, small: Cost, large: Cost) -> None:
            times = (large.seconds - base) / max(small.seconds - base, 0.01)
            memory = max(small.memory, large.memory)
            numbers = f"{small.seconds:.2f} | {large.seconds:.2f} | {times:.1f} | {memory:.0f}"
            print(f"| {kind} | {numbers} |", flush=True)

        print("| what | a quarter, seconds | seconds | times | MiB |\n|---|---|---|---|---|")
        for kind, piece in NOISE.items():
            if not arguments.only or kind in arguments.only:
                whole = piece * (arguments.bytes // len(piece.encode()))
                row(kind, checked(whole[: len(whole) // 4]), checked(whole))
        for kind, net in NETS.items():
            if not arguments.only or kind in arguments.only:
                row(kind, checked(net(arguments.count // 4)), checked(net(arguments.count)))


if __name__ == "__main__":
    main()
