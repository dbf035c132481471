"""How fast generated PyTorch code trains and infers, beside torchvision's own nets.

    python benchmarks/speed.py [--device cuda] [--batch 256] [--steps 15] [NAME ...]

NAME is a net of `tests/nets_marks` or `samples` that torchvision has under the same name; without
any, all of them. Each is measured in turn with torchvision's, several times, and the best of each
counts: what else a machine does only ever makes a run slower. On a GPU nets compute in bfloat16
with the memory format channels last, as one trains them. Small nets wait for the host: judge those
that take less than 5 ms a step by larger batches. Wants torch and torchvision.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torchvision import models

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cnndsl  # noqa: E402

FOLDERS = (ROOT / "tests" / "nets_marks", ROOT / "samples")
NAMES = {"mobilenetv3_large": "mobilenet_v3_large", "mobilenetv3_small": "mobilenet_v3_small",
         "regnety_400mf": "regnet_y_400mf"}  # fmt: skip
"""What torchvision calls nets that have another name here."""


def sources() -> dict[str, Path]:
    """The nets of torchvision that are written out here, by torchvision's names."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.cnn")):
            name = NAMES.get(path.stem, path.stem)
            if name in models.list_models():
                found.setdefault(name, path)
    return found


def generated(path: Path) -> torch.nn.Module:
    """The model of the code that a net becomes, without the softmax at its end."""
    text = path.read_text(encoding="utf-8")
    if path.stem in ("googlenet", "inception_v3"):  # as torchvision runs them: one output
        lines = text.splitlines()
        text = "\n".join(line for line in lines if not line.startswith(("head ", "expect ")))
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(cnndsl.build(cnndsl.check(text), "pytorch", logits=True), scope)
    model: torch.nn.Module = scope["build_model"]()
    return model


def reference(name: str) -> torch.nn.Module:
    """Torchvision's model, without weights and without outputs that only training has."""
    more = {"aux_logits": False, "init_weights": False}
    model: torch.nn.Module = models.get_model(
        name, weights=None, **(more if name in ("googlenet", "inception_v3") else {})
    )
    return model


def rate(step: Callable[[], Any], device: str, steps: int) -> float:
    """How many steps run in a second, after a few to warm up."""

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return steps / (time.perf_counter() - begun)


def measure(model: torch.nn.Module, device: str, batch: int, steps: int) -> tuple[float, float]:
    """Images a second while training, and while inferring."""
    size = 299 if type(model).__name__.lower().startswith("inception") else 224
    layout, kind = torch.channels_last, torch.bfloat16
    model = model.to(device).to(memory_format=layout)  # type: ignore[call-overload]
    x = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=layout)
    y = torch.randint(0, 1000, (batch,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def train() -> None:
        with torch.autocast(device, kind, enabled=device != "cpu"):
            loss = torch.nn.functional.cross_entropy(model(x).float(), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def infer() -> None:
        with torch.inference_mode(), torch.autocast(device, kind, enabled=device != "cpu"):
            model(x)

    trained = batch * rate(train, device, steps)
    model.eval()
    return trained, batch * rate(infer, device, steps)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args()
    cpu = given.device == "cpu"
    batch, steps = given.batch or (4 if cpu else 256), given.steps or (3 if cpu else 15)
    torch.backends.cudnn.benchmark = True
    known = sources()
    print("| net | training, images/s | torchvision | ratio | inference | torchvision | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in given.names or known:
        ours, theirs = [], []
        for _ in range(given.turns):
            theirs.append(measure(reference(name), given.device, batch, steps))
            ours.append(measure(generated(known[name]), given.device, batch, steps))
        row = [name]
        for place in (0, 1):
            one, other = (max(each[place] for each in found) for found in (ours, theirs))
            row += [f"{one:.0f}", f"{other:.0f}", f"{one / other:.3f}"]
        print(f"| {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
