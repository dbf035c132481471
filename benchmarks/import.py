"""How short the texts of well-known nets are: `python benchmarks/import.py [--verify] [NET…]`.

Nets of torchvision and of keras.applications are imported, and the table says how many lines each
takes, how many it may, and how long it took to read it and to write it. With `--verify` the text
is held against the source, layer by layer, and the table says how far they are apart at most.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
os.environ.setdefault("KERAS_BACKEND", "torch")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="compare layer by layer, too")
    parser.add_argument("nets", nargs="*", metavar="NET", help="those with a mark, unless said")
    options = parser.parse_args()
    import zoo

    from cnndsl.importers.write import to_text
    from cnndsl.proof.imported import verify
    from cnndsl.proof.sources import runner

    head = ["net", "lines", "of at most", "columns", "read, s", "write, s"]
    head += ["largest difference"] * options.verify
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    failed = 0
    for name in options.nets or zoo.MARKS:
        live = zoo.model(name)
        began = time.perf_counter()
        graph = zoo.graph(name, live)
        read = time.perf_counter()
        written = to_text(graph)
        done = time.perf_counter()
        count, most = zoo.lines(written.text), zoo.MARKS.get(name)
        width = max(map(len, written.text.splitlines()))
        cells = [name, count, most or "", width, f"{read - began:.1f}", f"{done - read:.1f}"]
        failed += most is not None and count > most
        if options.verify:
            run = runner(live, "")
            assert run is not None
            report = verify(
                written.network,
                graph,
                written.ops,
                written.weights,
                run.run(graph),
                target=run.target,
                source=name,
            )
            failed += not report
            cells.append(f"{report.error:.0e}" if report else "differs")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
