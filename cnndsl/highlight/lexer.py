"""Nets in colours for Pygments, and so for Sphinx, MkDocs and notebooks: `pygmentize -l cnn`."""

from __future__ import annotations

import re

from pygments.lexer import RegexLexer, bygroups
from pygments.token import string_to_tokentype

from cnndsl.highlight.words import KINDS, RULES, WORDS

_INPUT = re.compile(r"^[ \t]*input[ \t]+[0-9]+x[0-9]", re.MULTILINE)
_LAYER = re.compile(rf"(?:^|[;{{|])[ \t]*(?:{'|'.join(WORDS['layer'])})(?!\w)", re.MULTILINE)


class CnnLexer(RegexLexer):
    """Lexes the nets of cnndsl."""

    name = "cnndsl"
    aliases = ("cnn", "cnndsl")
    filenames = ("*.cnn",)
    tokens = {  # noqa: RUF012  # as Pygments declares it
        "root": [
            *(
                (
                    rule.pattern,
                    bygroups(*(string_to_tokentype(KINDS[kind].token) for kind in rule.kinds)),
                )
                for rule in RULES
            ),
            (r"\n|[^\S\n]+", string_to_tokentype("Text.Whitespace")),
        ]
    }

    def analyse_text(text: str) -> float:  # Pygments makes it a static method
        """How likely a text is a net: one with an input's size and a layer is rather one."""
        return 0.4 if _INPUT.search(text) and _LAYER.search(text) else 0.0
