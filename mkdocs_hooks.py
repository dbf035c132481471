"""What the site has beside the documentation: a page of the samples, and formulas that are set."""

from __future__ import annotations

import html
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

import cnndsl
from cnndsl.diagnostics.markdown import escaped

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
"""What pymdownx.arithmatex makes of a formula between dollars."""


def on_files(files: Files, config: Any) -> Files:
    """The pages, with one for the folder of samples, to which others lead."""
    rows = ["# Samples", "", "| net | is | parameters |", "|---|---|---:|"]
    for path in sorted(Path(config.docs_dir, "samples").glob("*.cnn")):
        text = path.read_text(encoding="utf-8")
        remarks = takewhile(lambda line: line.startswith("# "), text.splitlines())
        network = cnndsl.analyse(text).network
        params = f"{network.totals.params:,}" if network else "an error"
        is_ = escaped(" ".join(line[2:] for line in remarks)).replace("\\`", "`")
        rows.append(f"| [{path.stem}]({path.name}) | {is_} | {params} |")
    files.append(File.generated(config, "samples/index.md", content="\n".join(rows)))
    return files


def on_page_content(content: str, **_: Any) -> str:
    """A page with its formulas as MathML, which browsers set without a script."""
    return _FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    display = "inline" if found["tag"] == "span" else "block"
    return convert(html.unescape(found["tex"]).strip(), display=display)
