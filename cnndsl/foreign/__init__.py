"""What Keras and PyTorch call things, and what they are here.

* `table`: their layers and arguments, as data
* `words`: what else the words of the language are called
* `calls`: one of their calls, as the line that it is here
* `listing`: the statements of theirs that stand in a text

Only a text that has such words or statements imports any of these.
"""

from __future__ import annotations

from cnndsl.diagnostics import Diagnostic


def is_foreign(problem: Diagnostic) -> bool:
    """Whether a problem is a statement of Keras or PyTorch."""
    return problem.code == "E101" and "framework" in getattr(problem.message, "values", ())
