"""Where and why a size does not come out: the layer at fault, its arithmetic, what would help."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.markdown import code, fenced
from cnndsl.diagnostics.render import render_all
from cnndsl.layers.base import DIMENSIONS
from cnndsl.network import Node
from cnndsl.tables.formulas import decimal, evaluated
from cnndsl.targets.walkthrough.prose import Prose


def failure(node: Node, problem: Diagnostic, prose: Prose) -> list[str]:
    """The paragraphs on a layer whose windows leave a rest."""
    words, source = prose.words, problem.source
    line = source.position(problem.span.start).line
    statement = source.text[node.span.start : node.span.end]
    lines = [words.say("fails.line", line=f"{line:,}", code=code(statement))]
    lines.append("\n".join(prose.facts(node)))
    layer: Any = node.layer
    steps = [
        (step._replace(formula=step.formula.replace("floor(", "(")), window, dimension)
        for step, window, dimension in zip(
            layer.sizes(), layer.windows, DIMENSIONS[len(layer.windows)]
        )
        if window.dropped
    ]
    worked = [step for step, _, _ in steps]
    values = [evaluated(step.formula, step.values) for step in worked]
    lines += [words["walk.size"], *prose.worked(worked, values)]
    shown = dict.fromkeys(prose.inline(decimal(value, prose.notation)[1]) for value in values)
    lines += [words.say("fails.whole", values=", ".join(shown)), words["fails.cures"]]
    down = [
        words.say("fails.size", dimension=words[dimension], size=f"{step.value:,}")
        for step, _, dimension in steps
    ]
    # Every size that leaves a rest has to change: one without the others helps nothing.
    sizes = []
    for _, window, dimension in steps:
        lower = window.size - window.dropped
        while lower < 1:  # all of the rest and more is padding
            lower += window.stride
        upper = lower + window.stride
        pair = {"lower": f"{lower:,}", "upper": f"{upper:,}"}
        sizes.append(words.say("fails.other", dimension=words[dimension], **pair))
    cures = [
        words.say("fails.floor", sizes=", ".join(down)),
        words.say("fails.sizes", sizes=words["fails.together"].join(sizes)),
    ]
    lines.append("\n".join(f"- {cure}" for cure in cures))
    return lines


def report(diagnostics: list[Diagnostic]) -> str:
    """What the checker says, as a block of text that nothing in it can close."""
    return fenced(render_all(diagnostics), "text")
