"""Parts of cnndsl that fail as no part should, to see what becomes of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from conftest import FAULT

from cnndsl import quickfix, rules
from cnndsl.diagnostics import fault


@contextmanager
def failing(error: BaseException, rule: str = "constant_condition") -> Iterator[None]:
    """A rule, and the search for quick fixes, that raise an error; it is said, as for users."""
    load = rules._rule

    def fail(*arguments: Any) -> NoReturn:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fault, "fault", FAULT)
        patch.setattr(rules, "_rule", lambda module: fail if module == rule else load(module))
        patch.setattr(quickfix, "with_quickfixes", fail)
        yield
