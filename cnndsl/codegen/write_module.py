"""A generated Python module: what Keras and PyTorch code have in common around the net."""

from __future__ import annotations

import ast as python
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from cnndsl.codegen.code import Call, NotExpressible
from cnndsl.codegen.expressions import Symbol, literal, names_in
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import CodeCall, LayerCall, Program, all_items
from cnndsl.contract import TargetError
from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Layer, Shape
from cnndsl.layers.merge import Merge
from cnndsl.network import Network, Node

_NO_FILES = {"<text>": "a text", "<stdin>": "standard input", "<cell>": "a notebook cell"}
"""The names of texts that are no files, and what they are."""


def lowering(
    network: Network, lower: Callable[[Node, bool], list[Call]]
) -> Callable[[Node, bool], list[Call]]:
    """A lowering that reports every layer of a network that has none.

    Raises TargetError with a diagnostic for each statement, before anything is woven.
    """
    problems: dict[Any, Diagnostic] = {}
    for node in network.layers:
        if isinstance(node.layer, Merge):
            continue  # a merge is written by the renderer
        try:
            lower(node, False)
        except NotExpressible as error:
            problems.setdefault(node.span, refusal(network, node, error))
    if problems:
        raise TargetError([problems[span] for span in sorted(problems)])
    return lower


def refusal(network: Network, node: Node, error: NotExpressible) -> Diagnostic:
    """What to say of a layer that a target cannot express."""
    return Diagnostic("E401", network.source, node.span, error.message, error.help)


def _shares_channels(layer: Layer) -> bool:
    """Whether a layer is the softmax that a loss can do: that of the channels."""
    return layer.op == "softmax" and layer.axis == "channels"  # type: ignore[attr-defined]


def before_softmax(network: Network) -> dict[int, Layer | None]:
    """The outputs that end in a softmax, and what is left without it; None for nothing.

    Raises TargetError where another layer reads what such a softmax gives.
    """
    found: dict[int, Layer | None] = {}
    read = {index for node in network.nodes for index in node.inputs}
    problems = []
    for index in dict.fromkeys(network.outputs.values()):
        node = network.nodes[index]
        layer = node.layer
        function = layer if layer.activation is None else layer.activation
        if not _shares_channels(function):
            continue
        if index in read:
            error = NotExpressible(
                Message(
                    "`logits` cannot leave out the softmax of {name}, which other layers read",
                    name=node.name,
                ),
                Message("let them read what comes before the softmax"),
            )
            problems.append(refusal(network, node, error))
        elif layer.activation is None:
            found[index] = None
        else:
            found[index] = copy(layer)
            found[index].activation = None  # type: ignore[union-attr]
    if problems:
        raise TargetError(problems)
    return found


def logits_note(network: Network, train: str) -> str:
    """What a docstring says of outputs whose softmax is left out; empty where none is."""
    ends = before_softmax(network)
    names = [name for name, index in network.outputs.items() if index in ends]
    if not names:
        return ""
    if len(network.outputs) == 1:
        what = "The output is"
    elif len(names) == len(network.outputs):
        what = "The outputs are"
    else:
        what = " and ".join(names) + (" are" if len(names) > 1 else " is")
    return f"{what} logits: {train}."


class Snippet(NamedTuple):
    """A helper that a module may define: its template, and the dimensions it is filled in for."""

    template: str
    rank: str


def snippets(folder: Path) -> dict[str, Snippet]:
    """The helpers of a target by their names; `PoolNd` stands for three, Pool1d to Pool3d."""
    found = {"divisible": Snippet("divisible.py.j2", "")}
    for path in sorted((folder / "helpers").iterdir()):
        name = path.name.split(".")[0]
        if name.endswith("Nd"):
            for rank in "123":
                found[f"{name[:-2]}{rank}d"] = Snippet(f"helpers/{path.name}", rank)
        else:
            found[name] = Snippet(f"helpers/{path.name}", "")
    return found


def snippet(folder: Path, name: str) -> str:
    """The text of a helper."""
    wanted = snippets(folder)[name]
    return str(templates(folder).get_template(wanted.template).render(rank=wanted.rank))


def docstring(network: Network, order: Callable[[Shape], Shape]) -> str:
    """What `build_model` says of itself: shapes in, shapes out, parameters."""
    space = "\0"  # where no line ends

    def show(index: int) -> str:
        sizes = ["N", *map(str, order(network.nodes[index].output))]
        return f"({f',{space}'.join(sizes)})"

    inputs = ", ".join(show(index) for index in network.inputs)
    training = network.training_outputs
    always = [name for name in network.outputs if name not in training]
    outputs = f"{show(network.outputs['main'])} out"
    if len(always) > 1:
        named = [f"{name}{space}{show(network.outputs[name])}" for name in always]
        outputs = ", ".join(named) + " out"
    for name in sorted(training, key=list(network.outputs).index):
        outputs += f", {name}{space}{show(network.outputs[name])}{space}while training"
    totals = network.totals
    kind = "trainable " if totals.non_trainable else ""
    count = f"{totals.trainable:,} {kind}parameters"
    if training:
        count += f", {network.training_totals.trainable:,} while training"
    text = f"{network.name}: {inputs} in, {outputs}, {count}."
    if len(text) <= 88 - 4 - 6:
        return text.replace(space, " ")
    line = "\n".join(wrap(f"{network.name}: {inputs} in, {outputs}.", 78)).replace(space, " ")
    return f"{line}\n\n{count}.\n"


INPUTS = {1: "vector", 2: "signal", 3: "image", 4: "volume"}
"""What an input without a name is called, by the length of its shape."""


def input_names(network: Network, program: Program, scope: Names, single: str = "") -> list[str]:
    """What the inputs are called: by the file, or by what they are; `single` the only one."""
    found = []
    for index, variable in zip(network.inputs, program.inputs):
        node = network.nodes[index]
        name = node.alias or INPUTS[len(node.output)]
        alone = len(network.inputs) == 1 and not node.alias
        found.append(single if single and alone else scope.take(name))
        if variable is not None:
            variable.name = found[-1]
    return found


def shape_note(
    item: Any, call: CodeCall | None = None, order: Callable[[Shape], Shape] = tuple
) -> str:
    """The comment that tells a new shape, in a framework's order; empty for none."""
    before, after = item.shapes
    if before == after or (call is not None and call is not item.calls[item.shaper]):
        return ""
    if isinstance(item, LayerCall) and item.layer.op == "dense":
        return ""  # its units stand in the call
    return "  # " + "×".join(map(str, order(after)))


def used_snippets(known: Mapping[str, Snippet], program: Program, names: set[str]) -> list[str]:
    """The helpers that a module reads by their names, in the order in which it comes to them."""
    found: dict[str, None] = {"divisible": None}
    for items in (*(function.body for function in program.functions), program.body):
        for item in all_items(items):
            for call in item.calls if isinstance(item, LayerCall) else ():
                if isinstance(call.function, Symbol):
                    found[call.function.target] = None
    return [name for name in (*found, *sorted(known.keys() - found)) if name in names & set(known)]


def write_module(
    folder: Path,
    network: Network,
    program: Program,
    imports: Mapping[str, str],
    functions: Sequence[str],
    **parts: Any,
) -> str:
    """Fill a target's `module.py.j2`, import what is read, and leave it as black would.

    `imports` tells how each name is imported; an empty line parts what is of Python from what
    is not. Which names a module reads, and so which helpers and imports it needs, its own
    syntax tree says: nobody else hands those names out.
    """
    environment, known = templates(folder), snippets(folder)

    def rendered(helpers: Sequence[str]) -> str:
        template = environment.get_template("module.py.j2")
        return str(template.render(**parts, functions=functions, helpers=helpers))

    names = names_in(python.parse(rendered(())))
    helpers = [snippet(folder, name) for name in used_snippets(known, program, names)]
    names |= names_in(*map(python.parse, helpers))
    lines: list[str] = []
    for name, line in imports.items():
        if (name and name not in names) or not (line or lines):
            continue
        start, _, what = line.partition(" import ")
        if lines and what and lines[-1].startswith(f"{start} import "):
            lines[-1] += f", {what}"
        else:
            lines.append(line)
    head_ = head(network.source.name) + "\n".join(lines)
    return black(f"{head_}\n\n\n{rendered(helpers)}")


@cache
def templates(folder: Path) -> Any:
    """The templates of a target, as Jinja finds them by their names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def black(code: str) -> str:
    """Code as black leaves it."""
    from black import Mode, format_str

    return format_str(code, mode=Mode(line_length=88))


def head(source: str) -> str:
    """The first line of a module: what it is made from."""
    if source in _NO_FILES:
        return f"# Generated by cnndsl from {_NO_FILES[source]}.\n"
    base = source.replace("\\", "/").rsplit("/", 1)[-1]
    # One line of the file's name, whatever is in it.
    name = "".join(c if c.isprintable() else "?" for c in base).replace("##", "#?")
    return f"# Generated by cnndsl from {name}; edit that file instead.\n"


def documented(text: str, more: str = "") -> str:
    """Text as a docstring; the names in it are identifiers and need no escape."""
    if more:
        text = f"{text.rstrip()}\n\n{more}\n"
    return '"""' + text.replace("\n", "\n    ").replace("\n    \n", "\n\n") + '"""'


def quoted(text: str) -> str:
    """Text as a Python string."""
    return python.unparse(literal(text))
