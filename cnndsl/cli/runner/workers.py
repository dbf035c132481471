"""Work for several processes: chunks go out, answers come back in the order of the chunks.

Each worker has a pipe of its own and at most one chunk, so that no end ever waits to write
to one that does not read. A worker whose other end is gone sees the end of its pipe and
ends too, however this process died.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

PATIENCE = 2.0
"""Seconds that a worker has to end before it is made to."""


def cores() -> int:
    """How many processes can run at a time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answers(
    work: Callable[[Any, Any], Any], context: Any, chunks: Iterable[Any], count: int
) -> Iterator[Any]:
    """`work(context, chunk)` of each chunk, in order, from so many processes.

    Where no process can be started, or one dies, the work is done here: `work` has to be a
    function of a module, and to give the same wherever it runs. What it raises in another
    process it is made to raise here.
    """
    team = _Team(work, context, count)
    try:
        yield from team.answers(iter(chunks))
    finally:
        team.end()


class _Team:
    def __init__(self, work: Callable[[Any, Any], Any], context: Any, count: int) -> None:
        self.work = work
        self.context = context
        self.idle: list[Any] = []
        self.busy: dict[Any, tuple[int, Any]] = {}
        self.processes: list[Any] = []
        import signal

        # A worker is not to see Ctrl-C: not before it has said so, either.
        held = hasattr(signal, "pthread_sigmask")
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if held else set()
        try:
            with suppress(ImportError, OSError):  # else with those that there are, or alone
                self._start(count)
        finally:
            if held:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _start(self, count: int) -> None:
        import multiprocessing

        # To fork is quick, but not safe where the system's own libraries have threads.
        forks = sys.platform not in ("win32", "darwin")
        start: Any = multiprocessing.get_context("fork" if forks else "spawn")
        for _ in range(count):
            mine, theirs = start.Pipe()
            # A forked process has the ends of all before it, and would keep them open.
            others = [mine, *self.idle] if forks else []
            process = start.Process(
                target=_serve, args=(theirs, others, self.work, self.context), daemon=True
            )
            process.start()
            theirs.close()
            self.processes.append(process)
            self.idle.append(mine)

    def answers(self, chunks: Iterator[Any]) -> Iterator[Any]:
        done: dict[int, Any] = {}
        sent = wanted = 0
        more = True
        while more or wanted < sent:
            while more and (self.idle or not self.busy):
                chunk = next(chunks, None)
                if chunk is None:
                    more = False
                elif self.idle and self._send(sent, chunk):
                    sent += 1
                else:
                    done[sent] = self.work(self.context, chunk)
                    sent += 1
                    break
            if self.busy and wanted not in done:
                self._receive(done)
            while wanted in done:
                yield done.pop(wanted)
                wanted += 1

    def _send(self, number: int, chunk: Any) -> bool:
        connection = self.idle.pop()
        try:
            connection.send(chunk)
        except OSError:
            connection.close()
            return False
        self.busy[connection] = (number, chunk)
        return True

    def _receive(self, done: dict[int, Any]) -> None:
        from multiprocessing.connection import wait

        ready: list[Any] = wait(list(self.busy))
        for connection in ready:
            number, chunk = self.busy.pop(connection)
            try:
                good, answer = connection.recv()
                self.idle.append(connection)
            except (EOFError, OSError):
                good, answer = False, None
                connection.close()
            done[number] = answer if good else self.work(self.context, chunk)

    def end(self) -> None:
        for connection in (*self.idle, *self.busy):
            connection.close()
        for process in self.processes:
            process.join(PATIENCE)
            if process.is_alive():
                process.terminate()
                process.join()


def _serve(
    connection: Any,
    others: list[Any],
    work: Callable[[Any, Any], Any],
    context: Any,
) -> None:
    """What a worker does until its pipe ends."""
    import gc
    import signal

    # Ctrl-C reaches every process of the terminal; the one that started us ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    for other in others:
        other.close()
    while True:
        try:
            chunk = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (True, work(context, chunk))
        except Exception:
            answer = (False, None)
        try:
            connection.send(answer)
        except OSError:
            return
