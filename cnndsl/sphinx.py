"""The extension `cnndsl.sphinx` of Sphinx: `.. cnn:: table` draws a net in the place of it.

The kinds and their options are those of `cnndsl docs`; docs/highlighting.md shows the rest.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from pygments.lexers import get_all_lexers
from sphinx.addnodes import only
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from cnndsl import __version__
from cnndsl.api import examine
from cnndsl.cli.runner.root import Surroundings
from cnndsl.cli.terminal.files import decode
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.documents.live import Drawing, draw, told, words_of
from cnndsl.highlight.lexer import CnnLexer

logger = logging.getLogger(__name__)


class CnnDirective(SphinxDirective):
    """A net, or what is drawn of it."""

    optional_arguments = 1
    has_content = True
    # What the kinds take besides is theirs to check.
    option_spec: ClassVar[Any] = defaultdict(
        lambda: directives.unchanged,
        caption=directives.unchanged_required,
        fails=directives.flag,
        source=directives.flag,
    )

    def run(self) -> list[nodes.Node]:
        """The nodes for the net: those of its drawing, each for the builders that show it."""
        options = dict(self.options)
        caption = options.pop("caption", "")
        fails, shown = (options.pop(flag, "") is None for flag in ("fails", "source"))
        source = Source(self.env.docname, "\n".join(self.content), piece=True)
        # Without a kind it is checked all the same.
        words = words_of(self.arguments[0] if self.arguments else "check", options)
        drawing = draw(words, source, examine, self._read, fails=fails)
        for problem in drawing.problems:
            self._warn(problem, source)
        net = nodes.literal_block(source.text, source.text, language="cnn")
        if drawing.problems or not self.arguments:
            return [net]
        return [*([net] if shown else []), *self._forms(drawing, caption)]

    def _read(self, name: str) -> tuple[Source, list[Diagnostic]]:
        """A net in a file, as seen from the document, which lies in the folder of the sources."""
        folder = os.path.dirname(self.env.doc2path(self.env.docname))
        root = os.path.realpath(self.env.srcdir)
        self.env.note_dependency(os.path.join(folder, name))  # which may only come to be there
        found, content = Surroundings(folder, root, given=True).read(name)
        self.env.note_dependency(found)
        return decode(found, content)

    def _warn(self, problem: Diagnostic, source: Source) -> None:
        """Tell what is wrong: where it stands in the document, in a file, or in the directive."""
        where, line = self.get_location(), problem.source.position(problem.span.start).line
        if problem.source is source and self.content:
            document, above = self.content.items[min(line, len(self.content)) - 1]
            where = f"{document}:{above + 1}"
        elif problem.source.name != source.name:
            where = f"{problem.source.name}:{line}"
        logger.warning("%s", told(problem), location=where, type="cnndsl")

    def _forms(self, drawing: Drawing, caption: str) -> list[nodes.Node]:
        """The nodes of a drawing: one for all builders, or one for each that shows another."""
        # Sphinx warns of a language that Pygments does not know.
        known = drawing.language in {name for each in get_all_lexers() for name in each[1]}
        language = drawing.language if known else "none"
        text = nodes.literal_block(drawing.text, drawing.text, language=language)
        inline, problems = self.parse_inline(caption)
        below = [nodes.paragraph(caption, "", *inline, classes=["caption"])] if caption else []
        forms: list[nodes.Node] = [text]
        if drawing.html:
            others = "not (html or latex)" if drawing.latex else "not html"
            forms = [only("", text, expr=others)]
            for name, made in (("html", drawing.html), ("latex", drawing.latex)):
                if made:
                    forms.append(only("", nodes.raw("", made, format=name), expr=name))
        return [*forms, *below, *problems]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directive and the colours of nets."""
    app.add_lexer("cnn", CnnLexer)
    app.add_directive("cnn", CnnDirective)
    app.add_latex_package("booktabs")
    app.add_latex_package("longtable")
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
