"""What an analysis costs, as ratios to a loop on the same machine: `python benchmarks/analysis.py`.

The loop is plain Python and does nothing with cnndsl; each figure is the best of some turns that
take turns with it, in processor time, with the milliseconds beside it. `--quick` takes one turn.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cnndsl

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = (ROOT / "samples" / "article.cnn").read_text(encoding="utf-8")
RESNET = (ROOT / "samples" / "resnet152.cnn").read_text(encoding="utf-8")
LINES = 10_000
CHAIN = "input 20000x12x3\n" + "conv 8 3x3 same relu\n" * LINES


def loop() -> None:
    """What the rest is compared with: some 20 ms of dictionaries and tuples."""
    kept: dict[int, Any] = {}
    for number in range(100_000):
        kept[number & 255] = (number, kept.get(number & 127))


def seconds(run: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def line(text: str, number: int, new: str) -> str:
    """A text with another line."""
    lines = text.split("\n")
    lines[number] = new
    return "\n".join(lines)


def keystroke(before: str, after: str) -> Callable[[], Callable[[], object]]:
    """From an edit to its errors and the hints of all lines, the text before being known."""

    def ready() -> Callable[[], object]:
        previous = cnndsl.analyse(before)

        def run() -> object:
            analysis = cnndsl.analyse(after, previous=previous)
            return analysis.problems, analysis.hints()

        return run

    return ready


def plainly(text: str) -> Callable[[], Callable[[], object]]:
    return lambda: lambda: cnndsl.analyse(text).problems


def fixed(text: str) -> Callable[[], Callable[[], object]]:
    """All fixes of the first error."""

    def ready() -> Callable[[], object]:
        analysis = cnndsl.analyse(text)
        return lambda: analysis.fixes(analysis.problems[0])

    return ready


def cases() -> dict[str, Callable[[], Callable[[], object]]]:
    broken = RESNET.replace("bottleneck 256 s=2", "conv 8 99x99; bottleneck 256 s=2")
    found = {
        "article: analysis": plainly(ARTICLE),
        "article with an error: analysis": plainly(ARTICLE.replace("60 3x3", "60 2x2")),
        "article with an error: all its fixes": fixed(ARTICLE.replace("60 3x3", "60 2x2")),
        "ResNet-152: analysis": plainly(RESNET),
        "ResNet-152 with an error: analysis": plainly(broken),
        "ResNet-152 with an error: all its fixes": fixed(broken),
        "ResNet-152: a keystroke at the top": keystroke(
            RESNET, RESNET.replace("conv 64 7x7", "conv 65 7x7")
        ),
        "ResNet-152: a keystroke in the block": keystroke(
            RESNET, RESNET.replace("cb n 3", "cb n 5")
        ),
        "ResNet-152: a keystroke at the end": keystroke(RESNET, RESNET.replace("1000", "1001")),
        f"{LINES:,} lines: analysis": plainly(CHAIN),
    }
    for place, number in {"first": 1, "middle": LINES // 2, "last": LINES}.items():
        other = line(CHAIN, number, "conv 8 5x5 same relu")
        wrong = line(CHAIN, number, "conv 8 13x13 relu")
        found[f"{LINES:,} lines: a keystroke in the {place} line"] = keystroke(CHAIN, other)
        found[f"{LINES:,} lines, the {place} wrong: analysis"] = plainly(wrong)
        found[f"{LINES:,} lines, the {place} wrong: all fixes"] = fixed(wrong)
    return found


def process(text: str) -> float:
    """Processor time of `cnndsl check` of a text, as a process of its own."""
    import resource

    code = "import sys; from cnndsl.cli import main; sys.exit(main())"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.cnn"
        path.write_text(text, encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", code, "check", str(path), "--no-cache"], capture_output=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def session(keys: int) -> float:
    """Processor time of `cnndsl lsp` for so many keys typed in ResNet-152, each followed by what
    an editor asks and by the diagnostics."""
    import resource

    uri = "untitled:resnet152.cnn"
    text = {"uri": uri, "languageId": "cnn", "version": 0, "text": RESNET}
    place = next(at for at, each in enumerate(RESNET.split("\n")) if each.startswith("repeat 3"))
    area = {"start": {"line": place, "character": 7}, "end": {"line": place, "character": 8}}
    all_ = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}
    asked = "inlayHint semanticTokens/full codeLens documentSymbol foldingRange".split()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "cnndsl", "lsp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin and server.stdout
        inlet, outlet = server.stdin, server.stdout

        def send(method: str, params: object, **id_: int) -> None:
            message = {"jsonrpc": "2.0", "method": method, "params": params, **id_}
            data = json.dumps(message).encode()
            inlet.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
            inlet.flush()

        def wait(count: int) -> None:
            """Read so many messages."""
            for _ in range(count):
                length = 0
                while header := outlet.readline().strip():
                    name, value = header.split(b":")
                    length = int(value) if name == b"Content-Length" else length
                outlet.read(length)

        send("initialize", {"capabilities": {}, "processId": None}, id=0)
        send("textDocument/didOpen", {"textDocument": text})
        wait(2)
        for key in range(1, keys + 1):
            typed = {"range": area, "text": "34"[key % 2]}
            version = {"uri": uri, "version": key}
            send("textDocument/didChange", {"textDocument": version, "contentChanges": [typed]})
            for number, feature in enumerate(asked):
                params = {"textDocument": version, "range": all_}
                send(f"textDocument/{feature}", params, id=10 * key + number)
            wait(len(asked) + 1)
        inlet.close()
        server.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    turns = 1 if parser.parse_args().quick else 5
    print(f"{'':54} ratio      ms")
    for name, ready in cases().items():
        ratios, times = [], []
        if "lines" not in name:
            ready()()  # what is imported late is there
        for _ in range(turns):
            run = ready()
            yard = min(seconds(loop) for _ in range(3))
            times.append(seconds(run))
            ratios.append(times[-1] / yard)
        print(f"{name:54} {min(ratios):6.2f} {min(times) * 1e3:7.1f}", flush=True)
    yard, keys = min(seconds(loop) for _ in range(5)), 200
    key = min((session(keys) - session(0)) / keys for _ in range(turns))
    print(
        f"{'ResNet-152: a keystroke in the language server':54} {key / yard:6.2f} {key * 1e3:7.1f}"
    )
    wrong = ARTICLE.replace("60 3x3", "60 2x2")
    pairs = [(process(wrong), process(ARTICLE)) for _ in range(max(3, 2 * turns))]
    ratio = min(one for one, _ in pairs) / min(two for _, two in pairs)
    print(f"{'`check` of the article with an error, to that without':54} {ratio:6.2f}")


if __name__ == "__main__":
    main()
