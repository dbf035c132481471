"""What is said of a layer: what goes in, how sizes and counts come about, what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.lang import Words
from cnndsl.layers import Layer
from cnndsl.layers.base import DIMENSIONS
from cnndsl.layers.derivation import Derivation
from cnndsl.layers.source import arguments_of, call_of
from cnndsl.layers.values import show_value
from cnndsl.layers.window import same_padding
from cnndsl.network import Network, Node
from cnndsl.symbolic.trace import Symbols
from cnndsl.tables.cells import gap, tuple_text
from cnndsl.tables.columns import COLUMNS, TableView
from cnndsl.tables.formulas import decimal, is_trivial, number, symbol, written
from cnndsl.tables.markdown_table import cell_text
from cnndsl.tables.quiz import Quiz
from cnndsl.tables.rows import Row, layer_row, rows
from cnndsl.tables.symbols import condition

_FACTS = (
    "filter", "pooling", "output-channels", "stride", "dilation", "groups", "padding", "activation"
)  # fmt: skip
"""The columns that tell how a layer is set, in the order in which they are told."""

_NUMBERS = ("input-shape", "output-shape", "weights", "biases", "parameters")
"""The columns of other numbers that are told."""

_TOLD = """kernel stride pad same dilation groups activation nobias floor ceil keep""".split()
"""The arguments that these tell, or a formula does."""

_IN_SENTENCES = ("rate", "scale", "offset")
"""The arguments that stand in a sentence on what a layer does."""


class Prose:
    """Says what there is to say of a network, in a language and a notation.

    What an operation does is told where it is first met. `weights` leaves the biases out of the
    counts. `sizes` is a network in letters; `holding` says for which of them it holds.
    """

    def __init__(
        self,
        network: Network,
        words: Words,
        notation: str,
        weights: bool,
        sizes: Symbols | None = None,
    ) -> None:
        self.network = network
        self.sizes = sizes
        self.holding = condition(sizes, words) if sizes else []
        self.rows: dict[int, Row] = {
            node.index: row
            for node, row in zip(network.layers, rows(network, None, words), strict=True)
        }
        self.letters: set[str] = set()  # those of the formulas so far
        self.words = words
        self.notation = notation
        self.weights = weights
        self.view = TableView(words, weights, 0)
        self.quiz = Quiz(network)
        self._explained: set[str] = set()

    def ask(self, blank: Sequence[str], seed: int | None) -> None:
        """Leave numbers open, as `cnndsl.tables.quiz` has it; none that is not told."""
        keys = (*_NUMBERS, *_FACTS)
        self.quiz.ask(blank, seed or 1, keys, [*self.rows.values()], self.view, told_only=True)

    def shape(self, index: int) -> str:
        """The output shape of a node."""
        asked = self.quiz.lacks_output(index)
        return gap() if asked else tuple_text(self.network.nodes[index].output)

    def count(self, number: int, key: str, nodes: Sequence[Node]) -> str:
        """How many parameters, weights or biases some nodes have, in words."""
        if any(self.quiz.hides(key, self.rows[node.index]) for node in nodes):
            return self.words.say(f"{key}.many", number=gap())
        return self.words.count(number, key)

    def title(self, node: Node, *, named: bool = False) -> str:
        """What a layer is called, with its name where that says more, or where `named`."""
        row = self.rows[node.index]
        title = escaped(row.title)
        if not (row.named or named):
            return title
        return self.words.say("named", title=title, name=code(row.name))

    def layer(self, node: Node, *, previous: int) -> list[str]:
        """The paragraphs on a layer; `previous` is the node that a reader takes for its input."""
        layer, row = node.layer, self.rows[node.index]
        lines = [self._does(layer)]
        if node.inputs != (previous,):
            lines.append(self._from(node))
        lines.append("\n".join(self.facts(node)))
        equations = self.worked([s for s in layer.sizes() if not is_trivial(s)], row=row)
        if equations:
            lines += [self.words["walk.size"], *equations]
        lines += self._notes(layer, row)
        if layer.activation is not None and not self.quiz.lacks("activation", row):
            lines.append(self._applied("walk.activation", layer.activation))
        lines.append(self.words.say("walk.output", shape=self.shape(node.index)))
        asked = self.quiz.hides("parameters", row)
        left = f"{self.words['weights' if self.weights else 'parameters']}: {gap()}"
        lines += self._kept(node) or [left if asked else self.words["walk.no-parameters"]]
        return [line for line in lines if line]

    def brief(self, node: Node, title: str = "", *, previous: int) -> list[str]:
        """A paragraph on a layer that changes no shape; with its title where that is no heading."""
        layer = node.layer
        title = f"**{title}.**" if title else ""
        source = ""
        if node.inputs != (previous,):
            source = self._from(node)
        stays = self.words.say("walk.stays", shape=self.shape(node.index))
        written = self._written(layer, self.rows[node.index])
        written = f"{written}." if written else ""
        text = " ".join(filter(None, (title, self._does(layer), written, source, stays)))
        return [text, *self._kept(node)]

    def _kept(self, node: Node) -> list[str]:
        """What a layer keeps, and what becomes of it; nothing for no parameters."""
        if node.shared_with is not None:
            return [self.shared(self.title(self.network.nodes[node.shared_with], named=True))]
        counts = self.counts(node.layer, self.rows[node.index])
        lines = "\n".join(f"- {label}: {self.inline(formula)}" for label, formula in counts)
        found = [self.words["walk.parameters"], lines] if lines else []
        return [*found, self.words["walk.frozen"]] if found and node.frozen else found

    def shared(self, names: str) -> str:
        """Whose weights something has."""
        return self.words.say("walk.shared", names=names)

    def _does(self, layer: Layer) -> str:
        """What a layer does, in a sentence; nothing where that has been said."""
        if layer.family == "activation":
            return self._applied("does.activation", layer)
        key = f"does.{layer.op}"
        variant = "groups" if getattr(layer, "groups", 1) > 1 else layer.variant
        if f"{key}.{variant}" in self.words:
            key += f".{variant}"
        key, axis = self.along(key, layer)
        values = {name: show_value(getattr(layer, name, 0)) for name in _IN_SENTENCES}
        text = self.words.say(key, axis=axis, **values)
        learned = ".".join(w.role for w in layer.weights if w.role in ("gamma", "beta"))
        if learned:
            text += " " + self.words[f"learned.{learned}"]
        if text in self._explained:
            return ""
        self._explained.add(text)
        return text

    def along(self, key: str, layer: Any) -> tuple[str, str]:
        """The key of a sentence about a layer of an axis, and what the axis is called."""
        axis = getattr(layer, "axis", "channels")
        if axis == "channels":
            return key, ""
        return f"{key}.axis", self.words[f"symbol.{axis[0].upper()}"]

    def _written(self, layer: Layer, row: Row) -> str:
        """How a layer is written, where it has an argument of which nothing else tells, or in a
        quiz, which is about what follows from that."""
        arguments = (slot for slot, _ in arguments_of(layer) if not slot.required)
        told = all(slot.name in (*_TOLD, *_IN_SENTENCES) for slot in arguments)
        if self.quiz.hides("code", row) or (told and not self.quiz.open):
            return ""
        return f"{self.words['code']}: {code(call_of(layer))}"

    def _applied(self, key: str, activation: Any) -> str:
        if activation.formula in self._explained:
            return ""
        self._explained.add(activation.formula)
        name = self.words.layer(activation.op, activation.title)
        for variant in (activation.op, "" if activation.spatial else "vector"):
            key += f".{variant}" if f"{key}.{variant}" in self.words else ""
        key, axis = self.along(key, activation)
        formula = code(activation.formula)
        return self.words.say(key, activation=escaped(name), formula=formula, axis=axis)

    def _from(self, node: Node) -> str:
        """Which layers a layer reads, in a sentence."""
        words, nodes = self.words, [self.network.nodes[index] for index in node.inputs]
        layers = [self.title(each, named=True) for each in nodes if each.op != "input"]
        if len(layers) == len(nodes):
            return words.say_of(len(layers), "walk.from", names=words.listed(layers))
        read = []
        for each in nodes:
            if each.op != "input":
                read.append(words.say("walk.output-of", name=self.title(each, named=True)))
            else:
                read.append(self._input(each))
        return words.say("walk.reads" if layers else "walk.reads.inputs", names=words.listed(read))

    def _input(self, node: Node) -> str:
        """What an input of the network is called in a sentence."""
        if node.alias:
            return self.words.say("walk.input.named", name=code(node.alias))
        return self.words["walk.input"]

    def facts(self, node: Node) -> list[str]:
        """How a layer is set, as a list."""
        row = layer_row(self.network, node, self.words)  # of one that fails, too
        lines = [f"- {self.words['input-shape']}: {', '.join(map(self.shape, row.reads))}"]
        for key in _FACTS:
            cell = COLUMNS[key].value(row, self.view)
            if cell is None or (key in ("dilation", "groups") and cell == 1):
                continue
            if key == "output-channels" and not getattr(row.layer, "kernel", None):
                continue
            lines.append(f"- {self.words[key]}: {cell_text(self.quiz.cell(key, row, self.view))}")
        if written := self._written(node.layer, row):
            lines.append(f"- {written}")
        return lines

    def worked(
        self, steps: Sequence[Derivation], values: Sequence[Fraction] = (), row: Row | None = None
    ) -> list[str]:
        """Formulas, each with its letters, its numbers and what it comes to.

        Dimensions that have the same numbers are worked out once. `values` are what the formulas
        come to where that is not whole. `row` is the layer's, of which a quiz may ask.
        """
        first, alike = list(steps), []
        if len(steps) > 1 and len({_numbers(step) for step in steps}) == 1:
            first, alike = [steps[0]], list(steps[1:])
        told = zip_longest(first, values[: len(first)])
        lines = self.displayed([self.size(step, exact, row) for step, exact in told])
        if alike:
            names = self._dimensions(len(steps))[1:]
            if values:  # of some dimensions
                names = [self.words[f"symbol.{step.symbol[0]}"] for step in alike]
            dimensions = self.words.listed(names)
            lines.append(self.words.say_of(len(names), "walk.alike", dimensions=dimensions))
        return lines

    def size(self, step: Derivation, exact: Fraction | None, row: Row | None) -> str:
        """How a size comes about; `exact` is what comes out where that is not whole."""
        parts = self._equation(step, row, _kind_of(step.symbol))
        sign, value = "=", parts.pop()
        if exact is not None:
            sign, value = decimal(exact, self.notation)
        return f"{' = '.join([symbol(step.symbol, self.notation), *parts])} {sign} {value}"

    def _equation(self, step: Derivation, row: Row | None, kind: str) -> list[str]:
        """A formula with its letters, its numbers and what it comes to; each of it once.

        A quiz that asks for what it comes to, a fact of the `kind`, has a gap for it; where it
        asks for a number in it, all of them are missing.
        """
        self.letters |= {name.partition("_")[0] for name in step.values}
        parts = [written(step.formula, values, self.notation) for values in (None, step.values)]
        value = number(step.value, self.notation)
        if row is not None and self.quiz.lacks(kind, row):
            parts, value = [part for part in parts if part != value], gap(self.notation)
        if row is not None and self.quiz.lacks(" ".join(map(_kind_of, step.values)), row):
            del parts[1:]
        return [*dict.fromkeys([*parts, value])]

    def displayed(self, texts: Sequence[str]) -> list[str]:
        """Formulas, each on its own."""
        if self.notation == "plain":
            return ["\n".join(f"- `{text}`" for text in texts)] if texts else []
        return [f"$$\n{text}\n$$" for text in texts]

    def _dimensions(self, rank: int) -> list[str]:
        return [self.words[name] for name in DIMENSIONS[rank]]

    def _notes(self, layer: Layer, row: Row) -> list[str]:
        """On rounding, and on what `same` pads."""
        windows = getattr(layer, "windows", ())
        lines = []
        if windows and getattr(layer, "same", None) and not self.quiz.hides("padding", row):
            steps = same_padding(windows, layer.input)
            if any(step.value for step in steps):
                told = "walk.same" in self._explained
                self._explained.add("walk.same")
                intro = f"{self.words['padding']}:" if told else self.words["walk.same"]
                lines += [intro, *self.worked(steps, row=row)]
        for key, rests in (
            ("walk.floor", [window.dropped for window in windows]),
            ("walk.ceil", [window.extra for window in windows]),
        ):
            if any(rests):
                padded = key == "walk.floor" and any(window.end for window in windows)
                said = self._rests(key, rests)
                key = f"{key}.padded" if padded else key
                lines.append(self.words.say(key, rests=said))
        return lines

    def _rests(self, key: str, rests: Sequence[int]) -> str:
        """So many pixels of each dimension: those left out, or those that windows lack."""
        words, names = self.words, DIMENSIONS[len(rests)]
        left = [(name, rest) for name, rest in zip(names, rests) if rest]
        if key == "walk.floor":
            return words.listed([words.count(rest, f"rest.{name}") for name, rest in left])
        return ", ".join(
            words.say("walk.rest", number=f"{rest:,}", dimension=words[name]) for name, rest in left
        )

    def counts(self, layer: Layer, row: Row) -> list[tuple[str, str]]:
        """The parameters, each array apart, and their sum: what each is, and its formula."""
        steps = layer.all_counts()
        if self.weights:
            steps = tuple(step for step in steps if step.symbol != "bias")
        found, terms = [], []
        for step in steps:
            parts = self._equation(step, row, _COUNTED.get(step.symbol, "weights"))
            terms.append(parts[-1])
            found.append((self.words[f"role.{step.symbol}"], " = ".join(parts)))
        if len(steps) > 1:
            total = number(sum(step.value for step in steps), self.notation)
            if gap(self.notation) in terms:
                total = gap(self.notation)
            found.append((self.words["walk.together"], f"{' + '.join(terms)} = {total}"))
        return found

    def legend(self) -> list[tuple[str, str]]:
        """The letters of the formulas so far, and what they stand for."""
        found = [letter for letter in "HWDLCNKSPdGMFAB" if letter in self.letters]
        told = [(letter, self.words[f"symbol.{letter}"]) for letter in found]
        if self.sizes is not None:
            for size in self.sizes.conditions:
                inputs = self.words.listed([self._input(each) for each in self.sizes.inputs(size)])
                places = {"size": self.words[f"symbol.{size.name}"], "inputs": inputs}
                said = self.words.say("symbolic.letter", **places)
                told.append((symbol(size.formula, self.notation), said))
        return told

    def inline(self, formula: str) -> str:
        """A formula within a line."""
        return inline(formula, self.notation)


def inline(formula: str, notation: str) -> str:
    """A formula in a notation within a line."""
    return f"`{formula}`" if notation == "plain" else f"${formula}$"


def _numbers(step: Derivation) -> tuple[str, int]:
    """A step with its numbers, whatever its letters."""
    return written(step.formula, step.values), step.value


_KINDS = {**dict.fromkeys("HWDL", "shape"), "C": "channels", "N": "channels", "K": "kernel",
          "S": "stride", "P": "padding", "d": "dilation", "G": "groups"}  # fmt: skip

_COUNTED = {"bias": "biases filters channels"}


def _kind_of(name: str) -> str:
    """The kind of fact that a name in a formula stands for; nothing for others."""
    letter, _, index = name.partition("_")
    of_input = index == "in" or (letter in "HWDLC" and index != "out")
    return f"{'input.' * of_input}{_KINDS[letter]}" if letter in _KINDS else ""
