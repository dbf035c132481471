"""One run over a text, and all that an editor, `check`, a notebook or a page asks of it."""

from __future__ import annotations

from cnndsl.analysis.analysis import Analysis, Reached, analyse

__all__ = ["Analysis", "Reached", "analyse"]
