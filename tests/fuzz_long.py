"""The fuzzer for long runs: `python tests/fuzz_long.py --minutes 20 [--seed N]`.

Prints how many texts it tried, of which kinds, and every failure with its seed; a failing text
is kept in `.fuzz/`. `--again SEED` tries one seed. With `--atheris` it is Atheris that makes the
texts, guided by coverage (`pip install atheris`; CI does not need it).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
KEPT = ROOT / ".fuzz"
PATIENCE = 120
"""After how many seconds a text counts as never ending."""


def attempt(seed: int, folder: Path) -> tuple[str, str]:
    """Try the text of a seed; gives its kind and what it was."""
    from fuzzing import Texts, hold

    random = Random(seed)
    texts = Texts(random)
    before = texts.net() if random.random() < 0.5 else texts.sample()
    text = texts.text()
    (folder.parent / "current").write_text(text, encoding="utf-8", errors="surrogatepass")
    return texts.kind, hold(text, folder, before)


def give_up(*_: object) -> None:
    raise TimeoutError(f"no end after {PATIENCE} seconds")


def run(minutes: float, seed: int, once: bool) -> int:
    kinds: Counter[str] = Counter()
    failures: dict[str, tuple[int, str]] = {}
    start, number = time.monotonic(), seed
    signal.signal(signal.SIGALRM, give_up)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "files")
        folder.mkdir()
        while (once and number == seed) or (not once and time.monotonic() < start + 60 * minutes):
            signal.alarm(PATIENCE)
            try:
                kind, what = attempt(number, folder)
                kinds[kind] += 1
                kinds[what] += 1
            except Exception as error:
                kinds["failed"] += 1
                frames = traceback.extract_tb(error.__traceback__)
                ours = [frame for frame in frames if str(ROOT) in frame.filename]
                last = ours[-1]
                where = f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"
                if where not in failures:
                    KEPT.mkdir(exist_ok=True)
                    text = Path(scratch, "current").read_bytes()
                    (KEPT / f"{number}.cnn").write_bytes(text)
                    said = "".join(traceback.format_exception(error))
                    print(f"--- seed {number}: {where}\n{said[-3000:]}", flush=True)
                failures.setdefault(where, (number, str(error)[:200]))
                for name in os.listdir(folder):
                    (folder / name).unlink()
            finally:
                signal.alarm(0)
            number += 1
    spent = time.monotonic() - start
    tried = number - seed
    print(f"{tried:,} texts in {spent / 60:.1f} minutes: {dict(sorted(kinds.items()))}")
    print(f"{len(failures)} kinds of failure")
    for where, (first, said) in failures.items():
        print(f"  {where}: seed {first}: {said}")
    return int(bool(failures))


def run_atheris(words: list[str]) -> None:
    """Coverage-guided: bytes to a text as they are; the samples are the corpus."""
    import atheris

    with atheris.instrument_imports(include=["cnndsl"]):
        import cnndsl.api
        import cnndsl.quickfix.apply
        import cnndsl.syntax.format  # noqa: F401
    from fuzzing import SAMPLES, hold

    corpus = KEPT / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(SAMPLES):
        (corpus / f"sample{number}").write_text(text, encoding="utf-8")
    scratch = tempfile.TemporaryDirectory()

    def one(data: bytes) -> None:
        hold(data.decode("utf-8", "replace"), Path(scratch.name))

    atheris.Setup(
        [sys.argv[0], str(corpus), f"-artifact_prefix={KEPT}/", "-max_len=4000", *words], one
    )
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=int, metavar="SEED", help="try one seed alone")
    parser.add_argument("--atheris", action="store_true", help="further words go to libFuzzer")
    given, rest = parser.parse_known_args()
    if given.atheris:
        run_atheris(rest)
    elif given.again is not None:
        sys.exit(run(0, given.again, True))
    else:
        sys.exit(run(given.minutes, given.seed, False))
