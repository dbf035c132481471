"""How PyTorch writes a program of modules."""

from __future__ import annotations

import ast as python
from typing import ClassVar

from cnndsl.codegen.expressions import calling, name
from cnndsl.codegen.lowering import axis_channels_first
from cnndsl.codegen.program import CodeCall, If, Item
from cnndsl.codegen.source import Assign, Branch, Chain, Do, Statement, Value
from cnndsl.codegen.style import Style, listed, stateless
from cnndsl.layers.base import Shape
from cnndsl.layers.merge import Merge
from cnndsl.targets.pytorch.layout import first

# Activations that a `forward` writes as a function rather than keeps as a module.
_FUNCTIONS = {"nn.ReLU": "torch.relu", "nn.Sigmoid": "torch.sigmoid", "nn.Tanh": "torch.tanh"}

# What nn.Module itself is made of; a layer cannot be called so.
_MODULE = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda "
    "double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter "
    "get_submodule half ipu load_state_dict modules mtia named_buffers named_children "
    "named_modules named_parameters parameters register_backward_hook register_buffer "
    "register_forward_hook register_forward_pre_hook register_full_backward_hook "
    "register_full_backward_pre_hook register_load_state_dict_post_hook "
    "register_load_state_dict_pre_hook register_module register_parameter "
    "register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state "
    "set_submodule share_memory state_dict to to_empty train training type xpu zero_grad".split()
)


class Torch(Style):
    """Every layer is a module, and only activations are written as functions too."""

    sequential, identity, module = "nn.Sequential", calling("nn.Identity"), "nn.Module"
    listing, part = "nn.ModuleList", "nn.Module"
    tensor, forward, maximum = "torch.Tensor", "forward", "torch.maximum"
    start = (Do(calling(python.Attribute(calling("super"), "__init__"))),)
    kinds: ClassVar = {
        "Symbol": "type[nn.Module]",
        "Function": "type[nn.Module]",
        "Made": "Callable[[], nn.Module]",
    }
    attributes = _MODULE
    reducers: ClassVar = {
        "add": "torch.add",
        "subtract": "torch.sub",
        "mul": "torch.mul",
        "maximum": "torch.maximum",
    }
    training = name("self.training")

    def order(self, shape: Shape) -> Shape:
        return first(shape)

    def together(self, parts: list[python.expr]) -> python.expr:
        return calling("ChannelsLast", *parts)

    def frozen(self, parts: tuple[tuple[python.expr, str], ...], *, alone: bool = True) -> Value:
        if len(parts) > 1:
            return Chain("Frozen", parts)
        return calling("Frozen" if alone else "FrozenJoin", parts[0][0])

    def call(self, call: CodeCall, x: python.expr, *, kept: bool) -> python.expr | None:
        function = None if kept else _FUNCTIONS.get(call.bare)
        return None if function is None else calling(function, x)

    def around(self, item: Item, x: python.expr) -> python.expr | None:
        call = stateless(item)
        return None if call is None else self.call(call, x, kept=False)

    def choice(self, item: If, target: str) -> list[Statement]:
        [branch] = super().choice(item, target)
        if item.otherwise and len(item.bodies) == 1:
            return [branch]
        first = Assign(target, self.one(item.otherwise))
        assert isinstance(branch, Branch)
        return [first, branch._replace(otherwise=[])]

    def concat(self, parts: list[python.expr], layer: Merge) -> python.expr:
        dim = python.Constant(axis_channels_first(layer))
        return calling("torch.cat", listed(parts), dim=dim)

    def stretched(self, part: python.expr, rank: int) -> python.expr:
        new: list[python.expr] = [python.Constant(None)] * (rank - 1)
        return python.Subscript(part, python.Tuple([python.Slice(), python.Slice(), *new]))
