"""Frameworks made ready: imported late, quietly, with a backend that is there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from cnndsl import contract, targets
from cnndsl.network import Network

EXTRA = "keras,torch"
_BACKENDS = ("torch", "jax", "tensorflow")
_KNOWN = (*_BACKENDS, "numpy", "openvino")


def ready() -> None:
    """Raise Unavailable unless Keras, a backend of it, and PyTorch are installed."""
    for library, name in {"keras": "Keras", "torch": "PyTorch"}.items():
        if find_spec(library) is None:
            raise contract.Unavailable(name, EXTRA)
    backend(EXTRA)


def backend(extra: str) -> None:
    """Settle what Keras computes on; raises Unavailable, with an extra, where that is missing.

    It is the backend that KERAS_BACKEND names, else the first that is installed of PyTorch,
    JAX and TensorFlow.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        name = next((name for name in _BACKENDS if find_spec(name)), _BACKENDS[0])
        os.environ["KERAS_BACKEND"] = name
    if name not in _KNOWN or find_spec(name) is None:
        raise contract.Unavailable(f"the backend `{name}` of Keras", extra)
    # TensorFlow and XLA tell their life stories on standard error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if name in ("jax", "numpy"):  # NumPy's convolutions are JAX's
        os.environ.setdefault("JAX_ENABLE_X64", "1")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of frameworks off the terminal: they are about their own insides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def build(
    network: Network, target: str, code: str | None = None, **options: Any
) -> tuple[Any, ModuleType]:
    """The live model of a network in a target's framework, and the target's `weights`.

    `code` is the module to run, the one that the target generates unless given. Raises
    Parted where that is not the model of the network, and TargetError where there is none.
    """
    from importlib import import_module

    if code is None:
        code = str(targets.load(target).generate(network))
    live = import_module(f"cnndsl.targets.{target}.live")
    weights = import_module(f"cnndsl.targets.{target}.weights")
    return live.Live(network, run(code), **options), weights


def run(code: str) -> dict[str, Any]:
    """The names that a generated module defines."""
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(code, "<generated>", "exec", dont_inherit=True), scope)
    return scope


def first_line(error: BaseException) -> str:
    """What an exception says, in a line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"
