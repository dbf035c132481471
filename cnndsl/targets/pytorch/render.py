"""How PyTorch writes a program of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.codegen.module_classes import Style, stateless
from cnndsl.targets.pytorch.layout import first

if TYPE_CHECKING:
    from cnndsl.codegen.program import CodeCall, Item, When
    from cnndsl.layers.base import Shape

# Activations that a `forward` writes as a function rather than keeps as a module.
_FUNCTIONS = {"nn.ReLU()": "torch.relu", "nn.Sigmoid()": "torch.sigmoid", "nn.Tanh()": "torch.tanh"}

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

    sequential, identity, module = "nn.Sequential", "nn.Identity()", "nn.Module"
    tensor, forward, maximum = "torch.Tensor", "forward", "torch.maximum"
    start = ("super().__init__()",)
    attributes = _MODULE

    def order(self, shape: Shape) -> Shape:
        return first(shape)

    def call(self, call: CodeCall, x: str, *, kept: bool) -> str | None:
        function = None if kept else _FUNCTIONS.get(call.text())
        return None if function is None else f"{function}({x})"

    def around(self, item: Item, x: str) -> str | None:
        call = stateless(item)
        return None if call is None else self.call(call, x, kept=False)

    def choice(self, item: When, name: str) -> list[str]:
        lines = [f"{name} = {self.one(item.otherwise)}"]
        for place, (test, body) in enumerate(zip(item.tests, item.bodies)):
            lines += [f"{'elif' if place else 'if'} {test}:", f"    {name} = {self.one(body)}"]
        return lines

    def concat(self, parts: list[str]) -> str:
        return f"torch.cat([{', '.join(parts)}], dim=1)"

    def stretched(self, part: str, rank: int) -> str:
        return f"{part}[:, :{', None' * (rank - 1)}]"
