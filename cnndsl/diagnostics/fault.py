"""What to do where a part of cnndsl fails: say so, and go on without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cnndsl.diagnostics.diagnostic import Diagnostic, Note
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.source import Source, Span


def guarded(
    source: Source,
    what: Message,
    find: Callable[[], Iterable[Diagnostic]],
    otherwise: Sequence[Diagnostic] = (),
) -> list[Diagnostic]:
    """What a part finds; where it fails, what there is `otherwise`, and that it failed.

    `what` names the part, as `the rule W111 constant-condition`.
    """
    try:
        return list(find())
    except MemoryError:
        raise  # which the next part would not have either
    except Exception as error:
        return [*otherwise, fault(source, what, error)]


def fault(source: Source, what: Message, error: Exception) -> Diagnostic:
    """That a part failed, and where in the code of cnndsl. The tests raise the error instead."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    notes: tuple[Note, ...] = ()
    if place is not None:
        module = place.tb_frame.f_globals.get("__name__", "")
        notes = (
            Note(Message("it failed at {module}:{line}", module=module, line=place.tb_lineno)),
        )
    message = Message("{part} failed on this net ({error})", part=what, error=type(error).__name__)
    help_ = Message(
        "this is a fault of cnndsl, and all else was done: please report it with the file"
    )
    return Diagnostic("W903", source, Span(0, 0), message, help_, notes)
