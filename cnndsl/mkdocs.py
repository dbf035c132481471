"""The custom fence of superfences for MkDocs: ```` ```cnn table ```` draws the net in it.

The kinds and their options are those of `cnndsl docs`; docs/highlighting.md shows the settings.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from cnndsl.api import examine
from cnndsl.cli.runner.root import Surroundings
from cnndsl.cli.terminal.files import decode
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.documents.layout import survey
from cnndsl.documents.live import draw, told, words_of

if TYPE_CHECKING:
    from markdown import Markdown

logger = logging.getLogger("mkdocs.plugins.cnndsl")  # `--strict` counts what these warn of


def accepts(
    language: str, inputs: dict[str, str], options: dict[str, Any], attrs: Any, md: Markdown
) -> bool:
    """Takes all that stands behind `cnn`; what is wrong with it is said by `fence`."""
    options |= inputs
    return True


def fence(
    source: str,
    language: str,
    css_class: str,
    options: dict[str, str],
    md: Markdown,
    *,
    default: str = "",
    **kwargs: Any,
) -> str:
    """The HTML for a fence: its drawing, or the net itself where it asks for none.

    `default` is what a fence asks for that has no word of its own, as `table style=article`.
    """
    fences: Any = md.preprocessors["fenced_code_block"]

    def code(text: str, language: str, **options: str) -> str:
        return str(fences.highlight(text, language, options, md, **kwargs))

    flags = {key for key in ("fails", "fragment", "source") if options.get(key) == key}
    asked = {key: value for key, value in options.items() if key not in flags}
    kind = next((key for key, value in asked.items() if key == value), "")
    if "fragment" in flags or not (kind or default):
        return code(source, language, **asked)
    asked.pop(kind, None)
    page: Any = md.treeprocessors["relpath"]  # MkDocs's own, which knows the page
    net, path = Source(page.file.src_uri, source, piece=True), page.file.abs_src_path or ""
    root = Surroundings(os.path.dirname(path), os.path.realpath(page.config.docs_dir), given=True)
    words = words_of(kind, asked) if kind else default
    drawing = draw(
        words, net, examine, lambda name: decode(*root.read(name)), fails="fails" in flags
    )
    for problem in drawing.problems:
        place = _place(problem, net, Source(path, page.file.content_string), options, md.tab_length)
        logger.warning("%s: %s", place, told(problem))
    if drawing.problems:
        return code(source, language)
    shown = code(source, language) if "source" in flags else ""
    if drawing.language:
        return shown + code(drawing.text, drawing.language)
    return f'{shown}<div class="{css_class}" style="margin: 1em 0">\n{drawing.html}</div>'


def _place(
    problem: Diagnostic, net: Source, page: Source, options: dict[str, str], tab: int
) -> str:
    """Where something is wrong, as FILE:LINE: in the net or above it, or in a file of its own."""
    source, line = problem.source, problem.source.position(problem.span.start).line
    if source.name != net.name:
        return f"{source.name}:{line}"
    asked = [key if key == value else f'{key}="{value}"' for key, value in options.items()]
    lines = page.text.replace("'", '"').split("\n")
    for each in survey(page).fences:
        begin = page.position(each.starts[0]).line - 1
        same = each.text.expandtabs(tab).rstrip() == net.text.rstrip()
        if same and all(word in lines[begin - 1] for word in asked):
            return f"{page.name}:{begin + line if source is net else begin}"
    return page.name
