"""Many files: `cnndsl check` against `ruff check` on as many Python files of like size.

    python benchmarks/many.py

Whole processes that take turns, as in run.py. The files are clean, so that nothing is
printed but a line; no two of them are alike.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path
from statistics import median

from run import CNNDSL, SETTINGS, run

RUFF = [sys.executable, "-m", "ruff"]
PER_FOLDER = 100


def net(number: int) -> str:
    """A net of some thirty layers, as no other has it."""
    some = random.Random(number)
    lines = [
        f"# Net {number} of a large repository, and one of many like it.",
        f"net net{number}",
        f"input {some.choice((128, 160, 192))}x128x3",
    ]
    for _ in range(some.randint(3, 5)):
        first, second = some.choices((16, 24, 32, 48, 64), k=2)
        lines.append(f"conv {first} 3x3 same nobias; bn; relu")
        lines.append(f"conv {second} 3x3 same nobias; bn; relu; pool 2")
    lines += [
        "add {",
        "  | conv 32 3x3 same nobias; bn",
        "  | conv 32 1x1 nobias; bn",
        "}",
        f"relu; gap; dense {some.randint(2, 1000)} softmax",
    ]
    return "\n".join(lines) + "\n"


def module(number: int, size: int) -> str:
    """A Python module of about so many bytes that has as many names as the nets have."""
    some = random.Random(number)
    lines = [
        f'"""Module {number} of a large repository, and one of many like it."""',
        "",
        "from pathlib import Path",
        "",
        f"WIDTHS = {{{', '.join(f'{chr(97 + i)!r}: {some.randint(8, 64)}' for i in range(4))}}}",
        "",
        "",
    ]
    index = 0
    while sum(map(len, lines)) + len(lines) < size - 60:
        name = f"layer{index}"
        lines += [
            f"def {name}(path: Path, width: int = {some.randint(8, 64)}) -> int:",
            f"    total = width * {some.randint(2, 9)} + len(path.name)",
            f"    return max(total, WIDTHS[{chr(97 + index % 4)!r}])",
            "",
            "",
        ]
        index += 1
    return "\n".join(lines[:-2]) + "\n"


def write(folder: Path, files: int) -> tuple[int, int]:
    """Write so many nets and modules, and return the bytes of each."""
    sizes = [0, 0]
    for number in range(files):
        text = net(number)
        for index, (kind, content) in enumerate((("cnn", text), ("py", module(number, len(text))))):
            path = folder / kind / f"part{number // PER_FOLDER:03}" / f"file{number:05}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            sizes[index] += len(content)
    return sizes[0], sizes[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5, help="pairs of runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as compiled:
        folder = Path(place)
        nets, modules = write(folder, arguments.files)
        SETTINGS["PYTHONPYCACHEPREFIX"] = compiled
        SETTINGS["CNNDSL_CACHE_DIR"] = str(folder / "cnndsl_cache")
        SETTINGS["RUFF_CACHE_DIR"] = str(folder / "ruff_cache")
        each = nets / arguments.files, modules / arguments.files
        print(f"{arguments.files:,} nets of {each[0]:.0f} bytes, modules of {each[1]:.0f} bytes,")
        print(f"{os.cpu_count()} cores")
        print()
        print("| what | times as long as ruff | processor | files a second | ruff |")
        print("|---|---|---|---|---|")
        ours = [*CNNDSL, "check", str(folder / "cnn")]
        theirs = [*RUFF, "check", "--isolated", str(folder / "py")]
        for what, mine, other in (
            ("cold, all cores", ["--no-cache"], ["--no-cache"]),
            ("cold, one process", ["--no-cache", "--jobs", "1"], ["--no-cache"]),
            ("warm", [], []),
        ):
            run([*ours, *mine]), run([*theirs, *other])  # once for the caches
            pairs = [(run([*ours, *mine]), run([*theirs, *other])) for _ in range(arguments.times)]
            factor = median(a.seconds / b.seconds for a, b in pairs)
            work = median(a.processor / b.processor for a, b in pairs)
            rates = [
                arguments.files / median(pair[side].seconds for pair in pairs) for side in (0, 1)
            ]
            print(
                f"| {what} | {factor:.2f} | {work:.2f} | {rates[0]:,.0f} | {rates[1]:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
