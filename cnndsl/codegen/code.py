"""Calls of a framework, before they become text: what a layer lowers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Arg(NamedTuple):
    """A value in a call, and where it comes from.

    * `slot` names the argument of the layer whose source expression has exactly this value,
      so that a block can write the expression in its place; `in` stands for the channels of
      the layer's input; empty for what is computed
    * `default` is the framework's own: a keyword that has it in every instance is left out
    * `each`: the value has an item for each dimension, and is one number where all are equal
    * `path`: the part of the source expression that is meant: the place of a dimension, or
      None, and 0 or 1 for the begin or the end of a range
    """

    value: Any
    slot: str = ""
    default: Any = ...
    each: bool = False
    path: tuple[int | None, ...] = ()


class Call(NamedTuple):
    """A call that makes, or applies, a piece of a layer.

    * `function`: `layers.Conv2D`, `nn.Conv2d`, `ops.pad`
    * `args`, `kwargs`: values, `Arg`s, or tuples of `Arg`s, in the order they are written
    * `style`: `layer` is made and then applied, `layers.ReLU()(x)`; `function` takes the
      tensor first, `ops.pad(x, …)`; `negative` is -x; `index` takes a part of the tensor,
      `x[args]`, in which a tuple of two is a slice
    * `main`: the call that keeps the layer's weights and carries its name
    * `helpers`: snippets of the target's folder that the module must define first
    """

    function: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    style: str = "layer"
    main: bool = False
    helpers: tuple[str, ...] = ()


class NotExpressible(Exception):
    """A layer that a framework cannot express; becomes diagnostic E401."""

    def __init__(self, message: str, help_: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help_


def same_or_tuple(values: tuple[Any, ...]) -> Any:
    """(2, 2) as 2, and (2, 3) as it is."""
    return values[0] if all(value == values[0] for value in values) else tuple(values)
