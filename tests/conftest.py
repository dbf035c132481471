"""What all tests share: Keras on PyTorch, few threads, and Hypothesis's profiles."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Keras and PyTorch read these when they are first imported.
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
# Many more examples, for `make fuzz`.
settings.register_profile("fuzz", deadline=None, max_examples=int(os.environ.get("N", "5000")))
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)


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


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT
