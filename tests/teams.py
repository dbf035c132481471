"""What processes that share work have to do, tried in a process of its own: it forks.

python tests/teams.py NAME
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from cnndsl.cli.runner import workers


def double(context: int, chunk: int) -> int:
    """Work; in another process than the first it may go wrong."""
    away = os.getpid() != context
    if away and chunk == 13:
        os._exit(1)
    if chunk == 17:
        raise ZeroDivisionError
    return 2 * chunk


def repeated(context: int, chunk: bytes) -> bytes:
    return chunk * context


def numbers(*count: int) -> Iterator[int]:
    yield from range(*count)


def order() -> None:
    """Answers come in order."""
    for count in (1, 2, 5):
        got = list(workers.answers(double, os.getpid(), numbers(10), count))
        assert got == [(number, 2 * number) for number in range(10)], got
    assert list(workers.answers(double, 0, numbers(0), 2)) == []


def death() -> None:
    """A worker that dies takes no answer along."""
    for count in (1, 2):
        got = list(workers.answers(double, os.getpid(), numbers(10, 17), count))
        assert got == [(number, 2 * number) for number in range(10, 17)], got


def failure() -> None:
    """What goes wrong in a worker goes wrong here."""
    try:
        list(workers.answers(double, os.getpid(), numbers(14, 20), 2))
    except ZeroDivisionError:
        return
    raise AssertionError("nothing went wrong")


def large() -> None:
    """Large chunks and answers do not wait for each other."""
    got = workers.answers(repeated, 3, iter([b"x" * 1_000_000] * 5), 2)
    assert [len(each) for _, each in got] == [3_000_000] * 5


ALL = {function.__name__: function for function in (order, death, failure, large)}

if __name__ == "__main__":
    ALL[sys.argv[1]]()
    print("well")
