"""What all tests share: Keras on PyTorch, few threads, no forks, and Hypothesis's profiles."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

# Keras and PyTorch read these when they are first imported.
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
from hypothesis import HealthCheck, settings

from cnndsl.diagnostics import fault

ROOT = Path(__file__).resolve().parent.parent

# What a machine that is busy could change is left out: deadlines, and complaints that something
# is slow.
STEADY: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
    "print_blob": True,
}


def _fail(source: object, what: str, error: Exception) -> NoReturn:
    raise error


# A rule that fails brings down no run of cnndsl, but the test in which it does; `faults.py` has
# what lets it.
FAULT = fault.fault
fault.fault = _fail

# The same examples each time, on every machine.
settings.register_profile("default", derandomize=True, max_examples=10, **STEADY)
# More, and others: for `.ci/run`, which says with `--hypothesis-seed` which.
settings.register_profile("ci", database=None, max_examples=12, **STEADY)
# Many, and others each time: for `make fuzz`.
settings.register_profile("fuzz", max_examples=int(os.environ.get("N", "5000")), **STEADY)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _refuse() -> int:
    raise AssertionError("a test forks; what it tries has to begin in a process of its own")


# To fork a process in which JAX or PyTorch has threads may end in a deadlock.
if hasattr(os, "fork"):
    os.fork = _refuse


PARTS = 3
"""Into how many parts a sweep falls whose values are much alike."""
SEED = int(os.environ.get("SEED", "1"))


def few(
    values: Iterable[Any], keep: Iterable[Any], mark: str = "frameworks", turn: int | None = None
) -> list[Any]:
    """Values for `parametrize`: some run always, the others where a run asks for `mark`.

    With a turn only one part of the others does, each in its place modulo PARTS, and `sweep` has
    the rest. SEED says which part, and sweeps over the same values with other turns take others.
    """
    kept, all_ = list(keep), list(values)
    assert all(value in all_ for value in kept), kept

    def marked(place: int, value: Any) -> Any:
        here = turn is None or (place + turn + SEED) % PARTS == 0
        rest = getattr(pytest.mark, mark if here else "sweep")
        if isinstance(value, type(pytest.param())):
            return value._replace(marks=(*value.marks, rest))
        words = value if isinstance(value, tuple) else (value,)
        return pytest.param(*words, marks=rest)

    return [value if value in kept else marked(place, value) for place, value in enumerate(all_)]


def crossed(values: Iterable[Any], others: Iterable[Any], keep: Iterable[Any]) -> list[Any]:
    """Pairs for `parametrize`: those to keep with each of the others always, and of the rest each
    value with those whose turn it is."""
    all_, kept = list(values), list(keep)
    return [
        pair
        for turn, other in enumerate(others)
        for pair in few([(value, other) for value in all_], [(k, other) for k in kept], turn=turn)
    ]


def need(tool: str) -> str:
    """The path of a program from outside of pip; skips the test where it is absent.

    With CNNDSL_TOOLS=1 in the environment, as in CI, its absence is a failure.
    """
    path = shutil.which(tool)
    if path is None:
        if os.environ.get("CNNDSL_TOOLS") == "1":
            pytest.fail(f"{tool} is not installed, and CNNDSL_TOOLS=1 demands it")
        pytest.skip(f"needs {tool}")
    return path


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What `check` keeps lies in a folder of the tests, not of the user."""
    os.environ["CNNDSL_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def seeds() -> None:
    """What is drawn at random in a test is the same each time, whichever tests ran before."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT
