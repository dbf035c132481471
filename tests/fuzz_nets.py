"""Many random nets through the generators of code: `python tests/fuzz_nets.py --count 10000`.

Of every net the code for Keras, PyTorch and Flax is generated, compiled, and read by pyflakes;
PyTorch's model is built without values, and has to have the net's parameters and the shapes of
its outputs. `--build keras,flax,pytorch` builds more models so. For a share of the nets,
`--values 0.05`, models of Keras and PyTorch are built with values and compared layer by layer;
`--values-flax 0.01` compares Flax's with Keras's too. All are counted apart. Code is not laid
out by black unless `--black` says so. `--again SEED` shows one net and what is wrong with it;
nets that fail are kept in `.fuzz/`.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
KEPT = ROOT / ".fuzz"
PATIENCE = 120
"""After how many seconds a net counts as never ending."""
LARGE = 80
"""How many layers a net may have: larger ones are left out, and counted."""

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def quicker(laid_out: bool) -> None:
    """Leave out what makes code pretty, and compile each template once."""
    import black
    import jinja2

    if not laid_out:
        black.format_str = lambda code, *, mode: code
    compiled: dict[Any, Any] = {}
    compile_ = jinja2.Environment.compile

    def once(self: Any, source: Any, name: Any = None, *rest: Any, **more: Any) -> Any:
        key = (source, name, rest, self.trim_blocks, self.lstrip_blocks)
        if not isinstance(source, str) or more:
            return compile_(self, source, name, *rest, **more)
        if key not in compiled:
            compiled[key] = compile_(self, source, name, *rest)
        return compiled[key]

    jinja2.Environment.compile = once  # type: ignore[method-assign]


# Models without values


def build_pytorch(net: Any, scope: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    import torch

    with torch.device("meta"):
        model = scope["build_model"]().eval()
        shapes = [net.nodes[index].output for index in net.inputs]
        # One alone is too few for a group normalisation of single values.
        found = model(*(torch.zeros(2, shape[-1], *shape[:-1]) for shape in shapes))
    found = found if isinstance(found, dict) else {"main": found}
    sizes = {name: tuple(each.shape[1:]) for name, each in found.items()}
    return sum(each.numel() for each in model.parameters() if each.requires_grad), {
        name: (*size[1:], size[0]) for name, size in sizes.items()
    }


def build_keras(net: Any, scope: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    import keras

    with keras.device("meta"):
        model = scope["build_model"]()
    sequential = isinstance(model, keras.Sequential)  # which has no `output`
    found = model.outputs[0] if sequential else model.output
    found = found if isinstance(found, dict) else {"main": found}
    trained = sum(each.value.numel() for each in model.trainable_variables)
    return trained, {name: tuple(each.shape[1:]) for name, each in found.items()}


def build_flax(net: Any, scope: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    import jax
    from flax import nnx

    def both(*images: Any) -> Any:
        model = scope["build_model"]()
        model.eval()
        return nnx.state(model, nnx.Param), model(*images)

    shapes = [net.nodes[index].output for index in net.inputs]
    images = [jax.ShapeDtypeStruct((1, *shape), "float32") for shape in shapes]
    state, found = jax.eval_shape(both, *images)
    found = found if isinstance(found, dict) else {"main": found}
    trained = sum(each.size for each in jax.tree.leaves(state))
    return trained, {name: tuple(each.shape[1:]) for name, each in found.items()}


BUILD: dict[str, Callable[[Any, dict[str, Any]], tuple[int, dict[str, Any]]]] = {
    "flax": build_flax,
    "keras": build_keras,
    "pytorch": build_pytorch,
}


# One net


class Tries:
    """What was tried of each net, and what came of it."""

    def __init__(self, build: list[str], values: float, flax: float) -> None:
        self.build, self.values, self.flax = build, values, flax
        self.counts: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.failures: dict[str, list[int]] = {}

    def text(self, seed: int) -> str:
        """The net of a seed: three of any statements, then one of blocks in loops and paths."""
        import nets
        from strategies import Chance, grown

        return grown(Chance(seed)) if seed % 4 else nets.branching(Chance(seed))

    def net(self, seed: int) -> bool:
        """Try the net of a seed; gives whether all of it held."""
        from nets import network

        start = time.monotonic()
        text = self.text(seed)
        net = network(text)
        assert net is not None
        self.seconds["drawn"] += time.monotonic() - start
        self.counts["drawn"] += 1
        if len(net.nodes) > LARGE:
            self.counts["too large"] += 1
            return True
        chosen = Random(f"values {seed}").random()
        held = self.code(seed, text, net)
        if chosen < self.values:
            held &= self.step(seed, text, "values, keras = pytorch", lambda: self.agree(text))
        if chosen < self.flax:
            held &= self.step(seed, text, "values, flax = keras", lambda: self.agree_flax(net))
        self.counts["held"] += held
        return held

    def code(self, seed: int, text: str, net: Any) -> bool:
        """Generate, compile, read and build."""
        from reading import FRAMEWORKS, flaws

        from cnndsl.proof import frameworks
        from cnndsl.targets import load

        held = True
        for target in FRAMEWORKS:
            found: dict[str, str] = {}

            def clean(target: str = target, found: dict[str, str] = found) -> None:
                found["code"] = str(load(target).generate(net))
                wrong = flaws(found["code"])
                assert not wrong, "; ".join(wrong)

            fine = self.step(seed, text, f"clean, {target}", clean)
            if fine and "code" in found and target in self.build:

                def built(target: str = target, found: dict[str, str] = found) -> None:
                    trained, shapes = BUILD[target](net, frameworks.run(found["code"]))
                    totals = net.totals if target == "keras" else net.training_totals
                    assert trained == totals.trainable, "another number of parameters"
                    wanted = {name: net.nodes[at].output for name, at in net.outputs.items()}
                    for name in net.training_outputs:
                        del wanted[name]
                    assert shapes == wanted, "other shapes"

                fine &= self.step(seed, text, f"built, {target}", built)
            held &= fine
        return held

    def agree(self, text: str) -> None:
        from test_agreement import agree

        agree(text)

    def agree_flax(self, net: Any) -> None:
        from test_flax import agree

        agree(net)

    def step(self, seed: int, text: str, what: str, run: Callable[[], None]) -> bool:
        """Run a part, count it, and keep what fails; a net that a target refuses is no failure."""
        from hypothesis.errors import UnsatisfiedAssumption

        from cnndsl.contract import TargetError

        start = time.monotonic()
        try:
            run()
        except (TargetError, UnsatisfiedAssumption):
            self.counts[f"{what}: refused"] += 1
            return True
        except TimeoutError:
            raise
        except Exception as error:
            self.counts[f"{what}: failed"] += 1
            self.failed(seed, text, what, error)
            return False
        finally:
            self.seconds[what] += time.monotonic() - start
        self.counts[f"{what}: held"] += 1
        return True

    def failed(self, seed: int, text: str, what: str, error: Exception) -> None:
        said = str(error).removeprefix(text).strip() or "nothing said"
        told = re.sub(r"\d+", "N", re.sub(r"'\w+'", "'…'", said.splitlines()[0]))
        told = "; ".join(dict.fromkeys(told.split("; ")))[:110]
        kind = f"{what}: {type(error).__name__}: {told}"
        if kind not in self.failures:
            KEPT.mkdir(exist_ok=True)
            (KEPT / f"net{seed}.cnn").write_text(text, encoding="utf-8")
        self.failures.setdefault(kind, []).append(seed)

    def report(self, seconds: float) -> str:
        """How many nets were tried, and how many of them held, part by part."""
        drawn = self.counts["drawn"]
        lines = [
            f"{drawn:,} nets in {seconds / 60:.1f} minutes, {drawn / seconds:.1f} a second, "
            f"{drawn / time.process_time():.1f} a second of the processor; "
            f"{self.counts['too large']:,} left out as too large; "
            f"{self.counts['held']:,} held in all that was tried of them"
        ]
        for what, spent in self.seconds.items():
            if what == "drawn":
                lines.append(f"  drawn: {drawn:,}, {1000 * spent / drawn:.0f} ms each")
                continue
            held, failed, refused = (
                self.counts[f"{what}: {each}"] for each in ("held", "failed", "refused")
            )
            each = 1000 * spent / max(1, held + failed + refused)
            lines.append(
                f"  {what}: {held:,} of {held + failed:,} held; "
                f"{refused:,} refused by a target; {each:.0f} ms each"
            )
        lines.append(f"{len(self.failures)} kinds of failure")
        rows = sorted(self.failures.items(), key=lambda row: -len(row[1]))
        lines += [f"  {len(seeds):,} times, first seed {seeds[0]}: {kind}" for kind, seeds in rows]
        return "\n".join(lines)


def give_up(*_: object) -> None:
    raise TimeoutError(f"no end after {PATIENCE} seconds")


def again(tries: Tries, seed: int) -> int:
    """Show the net of one seed, and all that is said of it."""
    print(tries.text(seed))
    held = tries.net(seed)
    for kind in tries.failures:
        print(kind)
    return int(not held)


def run(tries: Tries, count: int, seed: int) -> int:
    signal.signal(signal.SIGALRM, give_up)
    start = time.monotonic()
    for number in range(seed, seed + count):
        signal.alarm(PATIENCE)
        try:
            tries.net(number)
        except Exception as error:
            tries.failed(number, tries.text(number), "drawn", error)
            traceback.print_exc()
        finally:
            signal.alarm(0)
        done = number - seed + 1
        if done % 500 == 0 and done < count:
            spent = time.monotonic() - start
            print(
                f"{done:,} nets, {spent:.0f} s, {len(tries.failures)} kinds of failure", flush=True
            )
    print(tries.report(time.monotonic() - start))
    return int(bool(tries.failures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", type=float, default=0.05, metavar="SHARE")
    parser.add_argument("--values-flax", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--build", default="pytorch", help="pytorch unless said; none for none")
    parser.add_argument("--black", action="store_true", help="lay the code out, as `build` does")
    parser.add_argument("--again", type=int, metavar="SEED", help="try one seed alone")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    quicker(given.black)
    build = [name for name in given.build.split(",") if name in BUILD]
    tries = Tries(build, given.values, given.values_flax)
    if given.again is not None:
        tries.values = 1.0
        sys.exit(again(tries, given.again))
    sys.exit(run(tries, given.count, given.seed))
