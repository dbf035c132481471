"""What weights hold before training, as data that no framework is needed for.

`defaults keras` and `defaults torch` say whose distributions a net begins with. Both are
uniform around 0; in what follows K is the product of a kernel's sizes.
"""

from __future__ import annotations

from typing import NamedTuple


class Constant(NamedTuple):
    """One value everywhere."""

    value: float


class Uniform(NamedTuple):
    """Drawn evenly from -limit to limit, so that the variance is limit ** 2 / 3."""

    limit: float


Initial = Constant | Uniform

ZEROS, ONES = Constant(0), Constant(1)


def of_kernel(defaults: str, fan_in: int, fans: int) -> Uniform:
    """What a kernel is drawn from.

    Keras's limit is sqrt(6 / fans), `fans` being the inputs and outputs that Keras counts
    together (Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010). PyTorch's is 1 / sqrt(fan_in), `fan_in` being the inputs that
    PyTorch counts (He et al., "Delving deep into rectifiers", 2015, with a = sqrt(5)).
    """
    return Uniform((6 / fans) ** 0.5 if defaults == "keras" else fan_in**-0.5)


def of_bias(defaults: str, fan_in: int) -> Initial:
    """What a bias is drawn from: zeros in Keras, in PyTorch the same as its kernel."""
    return ZEROS if defaults == "keras" else Uniform(fan_in**-0.5)
