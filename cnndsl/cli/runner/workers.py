"""Work for several processes: chunks go out, answers come back in the order of the chunks."""

from __future__ import annotations

import os
import sys
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future, ProcessPoolExecutor
    from typing import Any

AHEAD = 4
"""How many chunks for each process are given away before the first answer is waited for."""


def cores() -> int:
    """How many processes can run at a time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answers(
    work: Callable[[Any, Any], Any], context: Any, chunks: Iterable[Any], count: int
) -> Iterator[tuple[Any, Any]]:
    """Each chunk and `work(context, chunk)` of it, in order, from so many processes.

    Where no process can be started, or one dies, the work is done here: `work` has to be a
    function of a module, and to give the same wherever it runs. What it raises in another
    process it is made to raise here.
    """
    pool = _pool(count) if count > 1 else None
    sent: deque[tuple[Any, Future[Any] | None]] = deque()

    def first() -> tuple[Any, Any]:
        chunk, future = sent.popleft()
        try:
            if future is not None:
                return chunk, future.result()
        except Exception:  # of the work, or as a process has died
            pass
        return chunk, work(context, chunk)

    try:
        for chunk in chunks:
            sent.append((chunk, _submitted(pool, work, context, chunk)))
            if len(sent) > AHEAD * count:
                yield first()
        while sent:
            yield first()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _pool(count: int) -> ProcessPoolExecutor | None:
    """Processes to be, or None where the system has none to give."""
    try:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        # To fork is quick, but not safe where the system's own libraries have threads.
        forks = sys.platform not in ("win32", "darwin")
        context = multiprocessing.get_context("fork" if forks else "spawn")
        return ProcessPoolExecutor(count, context, _begin)
    except (ImportError, NotImplementedError, OSError):
        return None


def _submitted(
    pool: ProcessPoolExecutor | None, work: Callable[[Any, Any], Any], context: Any, chunk: Any
) -> Future[Any] | None:
    """What will be the answer of a process, or None where there is no process."""
    if pool is None:
        return None
    import signal

    # A process that starts here is not to see Ctrl-C: not before it has said so, either.
    held = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if held else set()
    try:
        return pool.submit(work, context, chunk)
    except (OSError, RuntimeError):  # no process can be started, or one has died
        return None
    finally:
        if held:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin() -> None:
    """What a process does first."""
    import gc
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    # Ctrl-C reaches every process of the terminal; the one that started us ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    """End this process when the one that started it is gone, however that died."""
    parent.join()
    os._exit(1)
