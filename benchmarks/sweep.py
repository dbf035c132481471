"""Variants of a net: how many `cnndsl sweep` works out, and in how much memory.

    python benchmarks/sweep.py

The net of the article with a param for each width, as a whole process with one job and with two,
for few variants and for many; and a run that is killed and goes on, against one that is not.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from re import sub

from run import ARTICLE, CNNDSL, run

import cnndsl


def net() -> str:
    """The article's net, its widths params `a` to `e`, and promises left out."""
    text = "".join(line for line in ARTICLE.open() if not line.startswith("expect"))
    names = iter("abcde")
    values: dict[str, str] = {}

    def named(number: str) -> str:
        name = next(names)
        values[name] = number
        return name

    text = sub(r"(?<=conv |ense )[0-9]+", lambda found: named(found[0]), text)
    head, _, rest = text.partition("input")
    return head + "".join(f"param {each} = {values[each]}\n" for each in values) + "input" + rest


def command(folder: str, count: int, jobs: int, *more: str) -> list[str]:
    """A sweep of so many variants, in all five widths."""
    grid = {
        "a": "16:25",
        "b": "32:41",
        "c": "48:57",
        "d": "64:73",
        "e": f"10:{9 + count // 10_000}",
    }
    sets = [word for name, values in grid.items() for word in ("--set", f"{name}={values}")]
    return [*CNNDSL, "sweep", f"{folder}/net.cnn", *sets, "--jobs", str(jobs), *more]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = net()
        Path(folder, "net.cnn").write_text(text)
        begin = time.process_time()
        for width in range(100):
            cnndsl.check(text, set={"a": 16 + width})
        alone = (time.process_time() - begin) / 100
        print(f"check: {1_000 * alone:.2f} ms of a core")
        for count in (given.few, given.many):
            for jobs in (1, 2):
                path = Path(folder, f"{jobs}.csv")
                took = run(command(folder, count, jobs, "-o", str(path)))
                each = took.processor / count
                print(
                    f"{count:,} variants, {jobs} jobs: {count / took.seconds:,.0f} a second, "
                    f"{1_000 * each:.2f} ms of a core each, {alone / each:.1f} times as quick as "
                    f"check, {took.memory >> 20} MiB"
                )
            assert path.read_bytes() == Path(folder, "1.csv").read_bytes()
        path = Path(folder, "killed.csv")
        again = command(folder, given.few, 2, "-o", str(path), "--resume")
        kills = 0
        while not path.exists() or Path(f"{path}.sweep").exists():
            process = subprocess.Popen(again, stderr=subprocess.DEVNULL)
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
        whole = Path(folder, "whole.csv")
        run(command(folder, given.few, 2, "-o", str(whole)))
        same = "the same bytes" if path.read_bytes() == whole.read_bytes() else "OTHER BYTES"
        print(f"killed {kills} times: {same}")


if __name__ == "__main__":
    main()
