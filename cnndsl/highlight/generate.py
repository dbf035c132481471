"""The colours of editors and pages: `python -m cnndsl.highlight.generate` writes their files.

They lie in a checkout beside the package. With `--check` it writes nothing and exits 1 where
one is out of date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cnndsl.highlight.words import KINDS, RULES, elsewhere, javascript

ROOT = Path(__file__).resolve().parents[2]


def render() -> dict[str, str]:
    """The text of each file, by its path in the checkout."""
    made = {
        "editors/vscode/syntaxes/cnn.tmLanguage.json": textmate(),
        "playground/src/words.json": page(),
    }
    return {path: json.dumps(data, indent=2) + "\n" for path, data in made.items()}


def textmate() -> dict[str, Any]:
    """The TextMate grammar, as VS Code and others read it."""
    patterns = []
    for rule in RULES:
        named = {number: kind for number, kind in enumerate(rule.kinds, 1) if kind}
        captures = {str(number): {"name": KINDS[kind].scope} for number, kind in named.items()}
        patterns.append({"match": elsewhere(rule.pattern), "captures": captures})
    return {
        "name": "cnndsl",
        "scopeName": "source.cnn",
        "fileTypes": ["cnn"],
        "patterns": patterns,
    }


def page() -> dict[str, Any]:
    """The rules for JavaScript, each a pattern and the kinds of its groups.

    A pattern is a RegExp with the flags `u` and `y`, for one line at a time.
    """
    return {"rules": [[javascript(rule.pattern), *rule.kinds] for rule in RULES]}


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` compare them."""
    code = 0
    for name, text in render().items():
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{name} is out of date: run `python -m cnndsl.highlight.generate`")
            code = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
