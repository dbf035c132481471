"""What a preview beside the text shows: the table and a figure, as far as the net goes."""

from __future__ import annotations

from typing import Any

from cnndsl import api, targets
from cnndsl.diagnostics.message import Message, said
from cnndsl.lsp.answers import too_long
from cnndsl.lsp.documents import Document

OPEN, MOST = 400, 4_000
"""Of a net with more layers the calls of blocks are a row each; a table with more rows than the
second number is not drawn."""

COLUMNS = ["code", "output-shape", "parameters", "multiply-adds", "field"]
"""What is worth a column beside a text."""


def preview(document: Document, lang: str) -> dict[str, Any]:
    """The answer to `cnndsl/preview`.

    * `version`: of the text
    * `html`, `svg`: the table and the figure; empty where there is nothing to draw
    * `rows`: for each row of the table the lines that it comes of, from 1
    * `partial`: whether there are errors, so that some of it is assumed
    * `errors`: what is wrong, a line each
    """
    analysis = document.analysis
    network = analysis.as_far()
    problems = [too_long()] if document.too_long else [p.message for p in analysis.problems]
    answer: dict[str, Any] = {
        "version": document.version,
        "html": "",
        "svg": "",
        "rows": [],
        "partial": analysis.network is None,
        "errors": [said(each, lang) for each in problems],
    }
    if network is None:
        return answer
    assert isinstance(network, api.Network)
    depth = None if len(network.layers) <= OPEN else 1
    rows = analysis.lines(depth)
    if len(rows) > MOST:
        message = Message("its table would have {count:,} rows", count=len(rows))
        return {**answer, "errors": [*answer["errors"], said(message, lang)]}
    options: dict[str, Any] = {"lang": lang, "depth": depth}
    try:
        answer["html"] = api.build(network, "html", fragment=True, columns=COLUMNS, **options)
        drawn: Any = targets.load("svg")
        answer["svg"] = (
            drawn.explain(analysis.attempt, analysis.problems, **options)
            if analysis.problems
            else api.build(network, "svg", **options)
        )
        answer["rows"] = rows
    except api.CnndslError as error:
        answer["errors"] += [said(each.message, lang) for each in error.diagnostics]
    return answer
