"""What a diagnostic says: a sentence in English that keeps what it was made of.

A message is data, a template and what stands in its places, and at the same time the English
text. Whoever shows it in another language looks its template up there (`cnndsl.lang.messages`).
Text that was put together in any other way is a plain `str`, which the type checker refuses
where a message is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Message(str):
    """A sentence, or a part of one: `Message("no tensor is called `{name}` here", name="x")`.

    * `template`: the English sentence with its places in braces, as for `str.format`; a brace
      by itself is written twice, in a template without places too
    * `values`: what stands in the places: numbers, texts of the net as they are, and messages,
      which are translated with it
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = str(template), values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.template, dict(self.values))


def said(message: str, lang: str = "en") -> str:
    """A message in a language. For English no catalogue is looked at, nor imported."""
    if lang == "en":
        return str(message)
    from cnndsl.lang.messages import translated

    return translated(message, lang)


NOTHING = Message("")
"""No message."""


def _made(template: str, values: Mapping[str, Any]) -> Message:
    return Message(template, **values)


def listed(parts: Sequence[Message], word: str = "and") -> Message:
    """Messages in a row, as `height, width and depth`; `word` is `and` or `or`."""
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    template = {"and": "{others} and {last}", "or": "{others} or {last}"}[word]
    return Message(template, others=joined(parts[:-1], "{first}, {rest}"), last=parts[-1])


def joined(parts: Sequence[Message], template: str = "{first}\n{rest}") -> Message:
    """Messages one after the other, put together two by two by a template of `first`, `rest`."""
    if not parts:
        return NOTHING
    result = parts[-1]
    for part in reversed(parts[:-1]):
        result = Message(template, first=part, rest=result)
    return result
