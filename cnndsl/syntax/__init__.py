"""Text to syntax tree, and back in canonical form. Knows no layer by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def grammar_path() -> Path:
    """Where `cnn.lark` lies: inside an installed package, or beside it in a checkout."""
    from pathlib import Path

    package = Path(__file__).resolve().parent.parent
    installed = package / "grammar" / "cnn.lark"
    return installed if installed.exists() else package.parent / "grammar" / "cnn.lark"


def grammar_text() -> str:
    """The Lark grammar of the language."""
    return grammar_path().read_text(encoding="utf-8")
