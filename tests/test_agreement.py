"""Random nets: the table, the Keras code and the PyTorch code say the same."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import few
from hypothesis import HealthCheck, assume, given, settings
from nets import network
from strategies import AWKWARD, Chance, grown, valid_nets

from cnndsl.contract import TargetError
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.network import Network
from cnndsl.network import network as tree
from cnndsl.network.walk import walk
from cnndsl.proof.verify import ModelComparison, verify
from cnndsl.syntax import nodes as syntax
from cnndsl.syntax.parser import parse
from cnndsl.targets import load

FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
MOST = (1e12, 1e12) if FUZZ else (50e6, 10e9)
"""How many weights and multiply-adds a sample may have to be run: others take a minute each.
They are run by `make fuzz K=samples`."""


def small(path: Path) -> bool:
    """Whether a sample is a net, and no larger than `MOST`."""
    net = network(path.read_text(encoding="utf-8"), path.name)
    return net is not None and net.totals.params < MOST[0] and net.totals.macs < MOST[1]


SAMPLES = sorted(filter(small, (Path(__file__).resolve().parent.parent / "samples").glob("*.cnn")))
MANY = settings.default.max_examples if FUZZ else 2 * settings.default.max_examples
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def agree(text: str) -> None:
    """Fail where the data, Keras or PyTorch differ in shapes, in counts or in values."""
    net = network(text)
    assert net is not None
    comparison = ModelComparison(net)
    try:
        report = comparison.run()
    except TargetError:
        assume(False)
    assert not report.problems, f"{text}\n{report.problems}"

    data = json.loads(str(load("json").generate(net)))
    keras, torch = (live for live, _ in comparison.models)
    kept = {"keras": 0, "pytorch": 0}
    for row, node in zip(data["layers"], net.layers, strict=True):
        assert row["name"] == node.name
        assert row["output"] == list(keras.symbols[node.index].shape[1:])
        # PyTorch's outputs are held against the network's by `verify`.
        assert row["output"] == list(node.output)
        for name, (live, weights) in zip(kept, comparison.models):
            places = list(weights.places(live, node))
            sizes = [place.kept.weight.size for place in places]
            assert row["params"] == sum(sizes)
            kept[name] += sum(sizes)
    totals = data["totals"]
    assert totals["params"] == net.totals.params and totals["trainable"] == net.totals.trainable
    whole = net.training_totals
    assert kept["keras"] == kept["pytorch"] == whole.params == keras.model.count_params()
    assert whole.trainable == keras.trainable == torch.trainable


ALWAYS = {"article", "ecg1d", "inception_block", "squeezenet1_0", "two_outputs"}


@pytest.mark.parametrize(
    "path",
    few(SAMPLES, [path for path in SAMPLES if path.stem in ALWAYS]),
    ids=lambda path: path.stem,
)
def test_samples(path: Path) -> None:
    net = network(path.read_text(encoding="utf-8"), path.name)
    assert net is not None
    report = verify(net, batch=1)
    assert not report.problems
    # What rounding leaves is far from what is let pass.
    assert report.error < 1e-12


@given(valid_nets())
@settings(max_examples=MANY, suppress_health_check=SLOW)
def test_property_all_targets_agree(text: str) -> None:
    agree(text)


# What the nets are made of


def features(net: Network) -> set[Any]:
    """What of the language a net uses."""
    found: set[Any] = {("rounding", net.rounding), ("defaults", net.defaults)}
    found |= {("inputs", len(net.inputs) > 1), ("head", len(net.outputs) > 1)}
    for item in walk(net.body):
        found.add(type(item).__name__)
        if isinstance(item, tree.Merged):
            found |= set(of_ways(item))
            if item.is_path:
                continue
            layer: Any = net.nodes[item.node].layer
            ranks = len({len(shape) for shape in layer.inputs}) > 1
            found |= {(layer.op, min(len(layer.inputs), 3)), (layer.op, "ranks", ranks)}
            if len({shape[:-1] for shape in layer.inputs if len(shape) > 1}) > 1:
                found.add((layer.op, "stretched"))
            found.add((layer.op, "gate", len({shape[-1] for shape in layer.inputs}) > 1))
            found.add((layer.op, "axis", getattr(layer, "axis", "")))
        if not isinstance(item, tree.Step):
            continue
        node = net.nodes[item.node]
        layer = node.layer
        found.add((layer.op, "rank", len(layer.input) - 1))
        found |= {(layer.op, "slot", slot) for slot in item.written}
        if layer.activation is not None:
            found.add(("after a layer", layer.activation.op))
        if "pad" in item.written and layer.op != "zeropad":
            span = item.written["pad"]
            text = net.source.text[span.start : span.end]
            found.add((layer.op, "pad", ":" in text, "x" in text))
        for place, window in enumerate(getattr(layer, "windows", ())):
            found.add((layer.op, "extra", window.extra > 0))
            found.add((layer.op, "dropped", window.dropped > 0))
            found.add((layer.op, "uneven", window.begin != window.end, place))
    return found | words(net) | set(of_weights(net))


def of_ways(item: tree.Merged) -> Iterator[Any]:
    """How the paths of a merge come to be there."""
    yield "ways", "one path left", item.is_path
    for way in item.ways:
        if isinstance(way, tree.PathLoop):
            yield "ways", "turns", min(len(way.turns), 2)
        elif isinstance(way, tree.PathChoice):
            yield "ways", "taken", bool(way.paths)


def of_weights(net: Network) -> Iterator[Any]:
    """Who shares weights with whom, which of them learn, and what exists while training only."""
    calls = Counter(node.shared_with for node in net.nodes if node.shared_with is not None)
    yield from (("shared", "calls", min(calls[index] + 1, 3)) for index in calls)
    for node in net.nodes:
        if node.layer.all_weights:
            yield "frozen", node.frozen, node.op == "bn"
        if node.shared_with is not None:
            first = net.nodes[node.shared_with]
            yield "shared", "other sizes", first.output != node.output
            yield "shared", "frozen", node.frozen
            yield "shared", "depth", min(len(node.instance), 2)
    yield "training", bool(net.training_outputs)


def inside(value: Any) -> Iterator[Any]:
    """A part of the syntax tree and all that is in it."""
    if hasattr(value, "_fields"):
        yield value
    if isinstance(value, tuple):
        for part in value:
            yield from inside(part)


def read(value: Any) -> list[str]:
    """The names that an expression, or a list of statements, holds."""
    return [each.id for each in inside(value) if isinstance(each, syntax.Name)]


def words(net: Network) -> set[Any]:
    """What the text of a net does with names, and with the parameters of blocks."""
    module, _ = parse(net.source)
    found: set[Any] = set()
    defined: list[tuple[str, Any]] = []
    for each in inside(module):
        if isinstance(each, (syntax.Net, syntax.Block, syntax.Parameter, syntax.Let, syntax.Head)):
            defined.append((type(each).__name__, each.name))
        if isinstance(each, syntax.Repeat):
            defined.append(("index", each.index))
        defined.append(("alias", getattr(each, "alias", None)))
        if isinstance(each, syntax.From) and "." in each.name.id:
            found.add(("result", each.name.id.count(".")))
        if isinstance(each, syntax.Block):
            found |= set(of_parameters(each))
    for what, name in defined:
        found |= {(what, kind) for kind, names in AWKWARD.items() if name and name.id in names}
    calls: dict[str, dict[str, set[Any]]] = {}
    for item in walk(net.body):
        if isinstance(item, tree.Instance):
            for name, given in item.arguments.items():
                called = calls.setdefault(item.block.name.id, {}).setdefault(name, set())
                called.add(str(getattr(given, "id", given)))
        elif isinstance(item, tree.Loop) and isinstance(item.statement.count, syntax.Name):
            found.add(("turns", len(item.bodies)))
    for block in calls.values():
        for values in block.values():
            known = {"activation": set(ACTIVATIONS), "layer": set(LAYERS) - set(ACTIVATIONS)}
            found |= {("differs", what) for what, names in known.items() if len(values & names) > 1}
            if len(values & set(calls)) > 1:
                found.add(("differs", "block"))
    return found


def of_parameters(block: syntax.Block) -> Iterator[Any]:
    """What a block does with its parameters: the ways of reading that one is read in alone."""
    parameters = {parameter.name.id for parameter in block.parameters}
    ways: dict[str, set[str]] = {name: set() for name in parameters}
    for each in inside(block):
        how: list[tuple[str, Any]] = []
        if isinstance(each, syntax.Let):
            how = [("let", each.value)]
        elif isinstance(each, syntax.If):
            bare = [test for test in each.tests if isinstance(test, syntax.Name)]
            how = [("flag", bare), ("condition", each.tests)]
        elif isinstance(each, syntax.Repeat):
            how = [("turns", each.count)]
        elif isinstance(each, syntax.Parameter):
            how = [("default", each.default)]
        elif isinstance(each, syntax.Apply):
            how = [("statement", each.name), ("argument", each.args)]
        for way, where in how:
            for name in parameters.intersection(read(where if way != "flag" else tuple(where))):
                ways[name].add(way)
        if isinstance(each, syntax.Range) and not all(
            isinstance(end, syntax.Number) for end in (each.begin, each.end)
        ):
            yield "range", bool(parameters.intersection(read(each)))
        if isinstance(each, syntax.Tuple) and parameters.intersection(read(each)):
            yield "tuple", len(each.items)
    for name in parameters:
        if len(ways[name] - {"flag"}) == 1:
            yield from (("alone", way) for way in ways[name])


def wanted() -> set[Any]:
    """All that there is to be used."""
    found: set[Any] = {("rounding", word) for word in ("exact", "floor", "ceil")}
    found |= {("defaults", word) for word in ("keras", "torch")}
    found |= {(what, yes) for what in ("inputs", "head") for yes in (True, False)}
    found |= {"Step", "Merged", "Skipped", "Instance", "Loop", "Choice", "Jump", "Side", "Bound"}
    for op, layer in LAYERS.items():
        found |= {(op, "rank", rank) for rank in layer.ranks}
        found |= {(op, "slot", slot.name) for slot in layer.slots}
        names = {slot.name for slot in layer.slots}
        if {"same", "pad"} <= names:
            found |= {(op, "pad", colon, x) for colon in (True, False) for x in (True, False)}
        if {"stride", "floor"} <= names:  # has windows
            found |= {(op, what, yes) for what in ("extra", "dropped") for yes in (True, False)}
            found |= {(op, "uneven", True, place) for place in range(2)}
    found |= {(op, n) for op, kind in MERGES.items() for n in (2, 3) if n <= (kind.most or n)}
    found |= {("mul", "ranks", True), ("mul", "stretched"), ("mul", "gate", True)}
    axes = ("channels", "height", "width", "depth", "length")
    found |= {("concat", "axis", axis) for axis in axes}
    found |= {("after a layer", op) for op in ACTIVATIONS}
    named = ("Net", "Block", "Parameter", "Let", "Head", "index", "alias")
    found |= {(what, kind) for what in named for kind in AWKWARD}
    ways = ("let", "flag", "condition", "turns", "default", "statement", "argument")
    found |= {("alone", way) for way in ways}
    found |= {("turns", times) for times in range(4)}
    found |= {("differs", what) for what in ("activation", "layer", "block")}
    found |= {("range", True), ("range", False), ("tuple", 2), ("tuple", 3)}
    found |= {"Frozen", ("result", 1), ("result", 2)}
    found |= {("frozen", yes, bn) for yes in (True, False) for bn in (True, False)}
    found |= {("training", True), ("training", False)}
    found |= {("shared", what, yes) for what in ("other sizes", "frozen") for yes in (True, False)}
    found |= {("shared", "calls", 2), ("shared", "calls", 3)}
    found |= {("shared", "depth", 1), ("shared", "depth", 2)}
    found |= {("ways", "one path left", yes) for yes in (True, False)}
    found |= {("ways", "turns", times) for times in range(3)}
    return found | {("ways", "taken", True), ("ways", "taken", False)}


@pytest.mark.long
def test_the_nets_are_of_all_that_there_is() -> None:
    missing = wanted()
    for seed in count():
        net = network(grown(Chance(seed)))
        assert net is not None
        missing -= features(net)
        if not missing:
            break
        assert seed < 6000, missing
