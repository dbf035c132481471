"""Whether a net that was imported is the network of its source.

Three things are asked. Each array of the source is one weight of the net, and no other: a layer
that is called twice and comes out as two has equal outputs, and fails here. The totals agree.
And layer by layer, from the same values and with the same random weights, the code that the net
becomes computes what the source does, in double precision; at the end the whole models do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnndsl import contract
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.align import Parted
from cnndsl.codegen.weights import Array, Weights
from cnndsl.importers.graph import Graph, Taken
from cnndsl.layers.base import product, show
from cnndsl.network import Network
from cnndsl.proof import frameworks
from cnndsl.proof.verify import TOLERANCE, WHOLE, Mismatch, Verification, compare


class Ran(NamedTuple):
    """What a source computed: the values of its operations, channels last, by their places in the
    graph, and the arrays that it had, by its own keys. Both are in double precision.

    `outputs` has what the source as a whole gave, by the names of its outputs, where that is
    computed apart from the operations."""

    ops: Mapping[int, Array]
    arrays: Mapping[str, Array]
    outputs: Mapping[str, Array] | None = None


def mapped(network: Network, graph: Graph, weights: Mapping[str, Taken]) -> list[str]:
    """What keeps the arrays of a source from being the weights of the net, one for one."""
    problems = []
    used = Counter(taken.key for taken in weights.values())
    for key in graph.arrays:
        if used[key] != 1:
            times = f"{used[key]} weights" if used[key] else "no weight"
            problems.append(f"`{key}` is {times} of the net")
    for kept in canonical.slots(network):
        taken = weights.get(kept.key)
        array = None if taken is None else graph.arrays.get(taken.key)
        if taken is None or array is None:
            problems.append(f"{kept.key} is no array of the source")
            continue
        if product(array.shape) != product(kept.weight.shape):
            sizes = f"{show(array.shape)}, and not {show(kept.weight.shape)}"
            problems.append(f"{kept.key}: `{taken.key}` is {sizes}")
        if array.trainable != kept.weight.trainable:
            does = "learns" if array.trainable else "does not learn"
            problems.append(f"{kept.key}: `{taken.key}` {does}, and the net has it otherwise")
    return problems


def counted(network: Network, graph: Graph) -> list[str]:
    """In what the totals of a net are not those of its source."""
    totals = network.training_totals
    pairs = {
        "parameters": (graph.params, totals.params),
        "parameters that learn": (graph.trainable, totals.trainable),
    }
    return [
        f"the source has {theirs:,} {what}, and the net {ours:,}"
        for what, (theirs, ours) in pairs.items()
        if theirs is not None and theirs != ours
    ]


def verify(
    network: Network,
    graph: Graph,
    ops: Mapping[int, int],
    weights: Mapping[str, Taken],
    ran: Ran,
    *,
    target: str,
    source: str = "the source",
    progress: Callable[[int], object] = lambda done: None,
) -> Verification:
    """Compare what a source computed with the model that the net becomes in a target.

    `ops` has the operation of the graph whose value each node gives. Layers of which the source
    says nothing read what ours gave, and are part of those behind them. `progress` is called after
    each layer. Raises Unavailable and TargetError as `frameworks.build` does.
    """
    problems = [Mismatch(None, text) for text in mapped(network, graph, weights)]
    problems += [Mismatch(None, text) for text in counted(network, graph)]
    report = Verification(network, (source, ""), {}, {}, problems, {})
    if problems:
        return report
    arrays: Weights = {}
    for kept in canonical.slots(network):
        taken = weights[kept.key]
        arrays[kept.key] = taken.restore(ran.arrays[taken.key], kept.weight.shape)
    with frameworks.quiet():
        try:
            live, module = frameworks.build(network, target, precise=True)
            module.put(live, arrays)
        except contract.TargetError:
            raise
        except Parted as parted:
            return report._replace(problems=[Mismatch(parted.node, parted.message)])
        except Exception as error:  # whatever a framework raises
            why = frameworks.first_line(error)
            return report._replace(problems=[Mismatch(None, f"the code fails: {why}")])
        report = report._replace(names=(source, live.name), weights=arrays)
        theirs = {node: ran.ops.get(op) for node, op in ops.items()}
        layers(report, live, theirs, ran.outputs, progress)
    return report


def layers(
    report: Verification,
    live: Any,
    theirs: Mapping[int, Array | None],
    outputs: Mapping[str, Array] | None,
    progress: Callable[[int], object],
) -> None:
    """Compare each layer, and then what the whole models give; write both into a report."""
    network = report.network
    values: dict[int, Array] = {}
    for index in network.inputs:
        value = theirs.get(index)
        if value is None:
            text = "nothing is known of this input"
            report.problems.append(Mismatch(network.nodes[index], text))
            return
        values[index] = value
    inputs = [*values.values()]
    users = [max(found, default=-1) for found in network.users()]
    for done, node in enumerate(network.layers):
        if any(index not in values for index in node.inputs):
            continue  # what failed before is told
        try:
            ours = live.apply(node, {index: values[index] for index in node.inputs})
        except Exception as error:  # whatever a framework raises
            why = frameworks.first_line(error)
            report.problems.append(Mismatch(node, f"{live.name} fails here: {why}"))
            continue
        value = theirs.get(node.index)
        if value is not None:
            value = alike(value, ours)
            if value.shape != ours.shape:
                text = unlike(value, "", live.name, ours)
                report.problems.append(Mismatch(node, text))
                continue
            largest = max(float(abs(values[index]).max()) for index in node.inputs)
            apart = report.layers[node.index] = compare(value, ours, largest)
            if not apart.share <= TOLERANCE:
                report.problems.append(Mismatch(node, "the values differ", apart))
        values[node.index] = ours if value is None else value
        for index in [index for index in values if users[index] <= node.index]:
            del values[index]
        progress(done + 1)
    if report.problems:
        return
    try:
        results = live.run(inputs)
    except Exception as error:  # whatever a framework raises
        why = frameworks.first_line(error)
        report.problems.append(Mismatch(None, f"{live.name} fails: {why}"))
        return
    for name, index in network.outputs.items():
        if name in network.training_outputs:
            continue  # its layers have been compared
        value = theirs.get(index) if outputs is None else outputs.get(name)
        if value is None:
            report.problems.append(Mismatch(None, f"nothing is known of the output {name}"))
            continue
        ours = results[name]
        value = alike(value, ours)
        if value.shape != ours.shape:
            text = unlike(value, f" as the output {name}", live.name, ours)
            report.problems.append(Mismatch(None, text))
            continue
        apart = report.outputs[name] = compare(value, ours)
        if apart.share > TOLERANCE * WHOLE and apart.share > unrest(live, inputs, name, ours):
            report.problems.append(Mismatch(None, f"the values of the output {name} differ", apart))


def alike(value: Array, ours: Array) -> Array:
    """A value in the shape of ours, where one is a map of one position and the other its vector."""
    shapes = value.shape, ours.shape
    one_position = all(product(shape[1:-1]) == 1 for shape in shapes)
    if one_position and 2 in map(len, shapes) and value.size == ours.size:
        return value.reshape(ours.shape)
    return value


def unlike(value: Array, what: str, name: str, ours: Array) -> str:
    """That a value is of another shape than ours; `what` says of it what it is."""
    return f"the source gives {show(value.shape[1:])}{what}, and {name} {show(ours.shape[1:])}"


def unrest(live: Any, inputs: list[Array], name: str, ours: Array) -> float:
    """How far an output, `ours`, may be apart for what the network makes of rounding alone."""
    others = [value * (1 + 2e-16) for value in inputs]
    return WHOLE * compare(ours, live.run(others)[name]).share


def told(report: Verification, arrays: int) -> str:
    """What a report comes to, in two lines; `arrays` is how many the source has."""
    from cnndsl.proof.show import problem_text, share

    network = report.network
    if not report:
        return "\n".join(problem_text(report, problem) for problem in report.problems)
    error = max([report.error, *(apart.share for apart in report.outputs.values())])
    count, numbers = len(report.layers), f"{network.training_totals.params:,}"
    compute = "layer computes" if count == 1 else "layers compute"
    each = "array" if arrays == 1 else "arrays"
    return (
        f"{network.name}: {count:,} {compute} what {report.names[0]} does; "
        f"largest difference {share(error)} of the largest value\n"
        f"{network.name}: {arrays:,} {each} of {numbers} numbers, each one weight of the net\n"
    )
