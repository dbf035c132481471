"""Checking the files of a command line, one after the other or side by side."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import Examined
from cnndsl.cli.runner.plan import EACH, Outcome, Plan
from cnndsl.cli.terminal.files import STDIN, FileError, display_name, read_bytes

MUCH = 40_000
"""Bytes: from here on it pays to open the cache and to start other processes."""


def examine(plan: Plan) -> Outcome:
    """Check every file."""
    if is_much(plan):
        from cnndsl.cli.runner.many import examine_many

        return examine_many(plan)
    files, unreadable = [], []
    for task in plan.tasks:
        name = display_name(task.path)
        try:
            content = read_bytes(task.path)
        except FileError as error:
            unreadable.append((name, str(error)))
            continue
        files.append(Examined(name, None, plan.question.answer(name, content, task.codes)))
    return Outcome(plan, files, unreadable)


def is_much(plan: Plan) -> bool:
    """Whether the files take longer to check than it takes to look whether they are known.

    A file alone does not count as such: it is being written, and has just changed.
    """
    if len(plan.tasks) < 2:
        return False
    total = 0
    for task in plan.tasks:
        try:
            total += EACH + (0 if task.path == STDIN else os.stat(task.path).st_size)
        except (OSError, ValueError):
            continue  # to be said when it is read
        if total > MUCH:
            return True
    return False
