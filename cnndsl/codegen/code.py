"""Calls of a framework, before they become text: what a layer lowers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnndsl.codegen.expressions import collapsed, same
from cnndsl.diagnostics.message import Message


class Arg(NamedTuple):
    """A value in a call, and where it comes from.

    * `slot` names the argument of the layer whose source expression has exactly this value,
      so that a block can write the expression in its place; `in` stands for the channels of
      the layer's input; empty for what is computed
    * `default` is the framework's own: a keyword that has it in every instance is left out
    * `each`: the value has an item for each dimension, and is one number where all are equal
    * `path`: the part of the source expression that is meant: the place of a dimension, or
      None, and 0 or 1 for the begin or the end of a range
    * `parts`: a tuple like the value, of `Arg`s for numbers that the source says one by one
    """

    value: Any
    slot: str = ""
    default: Any = ...
    each: bool = False
    path: tuple[int | None, ...] = ()
    parts: tuple[Any, ...] | None = None

    @property
    def written(self) -> Any:
        """The value as it is written: equal sizes as one."""
        return collapsed(self.value) if self.each else self.value

    @property
    def usual(self) -> bool:
        """Whether it is the framework's own default."""
        return self.default is not ... and same(self.written, self.default)


def argument(value: Any) -> Arg:
    """A value, an `Arg`, or a tuple of `Arg`s, as an `Arg`."""
    if isinstance(value, Arg):
        return value
    plain = _stripped(value)
    return Arg(plain, parts=None if plain is value else value)


def _stripped(value: Any) -> Any:
    """A tuple with the values of the arguments in it; itself where there are none."""
    if isinstance(value, Arg):
        return value.value
    if type(value) is not tuple:
        return value
    items = tuple(map(_stripped, value))
    return value if all(one is other for one, other in zip(items, value)) else items


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

    def normal(self) -> Call:
        """The same, with nothing but `Arg`s for arguments."""
        kwargs = {key: argument(value) for key, value in self.kwargs.items()}
        return self._replace(args=tuple(map(argument, self.args)), kwargs=kwargs)


class NotExpressible(Exception):
    """A layer that a framework cannot express; becomes diagnostic E401."""

    def __init__(self, message: Message, help_: Message) -> None:
        super().__init__(message)
        self.message, self.help = message, help_
