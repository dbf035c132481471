"""Statistics for a batch normalisation of random weights."""

from __future__ import annotations

from typing import Any


def near(rng: Any, value: Any, role: str, axis: int = -1) -> Any:
    """A `mean` or a `variance` near that of what reaches a normalisation, for each of the channels
    along an axis. With any others, what a deep network of sums computes would explode.
    """
    over = tuple(each for each in range(value.ndim) if each != axis % value.ndim)
    spread = value.var(over) + 0.01
    if role == "variance":
        return spread * rng.uniform(0.7, 1.4, spread.shape)
    return value.mean(over) + rng.normal(0, 0.2, spread.shape) * spread**0.5
