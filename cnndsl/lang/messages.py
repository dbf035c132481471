"""Messages in another language than English.

A catalogue, `messages.LANG.json`, has for each English template the one of the language, with
the same places. Korean templates may choose a particle by what stands before it, as in
`{name}(을/를)`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from cnndsl.lang import LANGUAGES


@cache
def catalogue(lang: str) -> dict[str, str]:
    """The templates of a language by the English ones; raises ValueError where there are none."""
    if lang not in LANGUAGES:
        raise ValueError(f"no messages in {lang!r}: the languages are {', '.join(LANGUAGES)}")
    if lang == "en":
        return {}
    text = (files("cnndsl.lang") / f"messages.{lang}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def translated(message: str, lang: str) -> str:
    """A message in a language; what is no `Message`, or has no translation, stays as it is.

    That is a text with a `template` and its `values`, by which a message is known here.
    """
    english = getattr(message, "template", None)
    template = None if english is None else catalogue(lang).get(english)
    if template is None:
        return str(message)
    values = message.values  # type: ignore[attr-defined]
    from cnndsl.lang.particles import with_particles

    # The particles of the template alone: a text of the net that looks like one is a text.
    done = ""
    for text, field, spec, conversion in Formatter().parse(template):
        done = with_particles(done, text)
        if field is not None:
            done += _shown(values[field], spec or "", conversion, lang)
    return done


def _shown(value: Any, spec: str, conversion: str | None, lang: str) -> str:
    if hasattr(value, "template"):
        return translated(value, lang)
    if conversion:
        value = Formatter().convert_field(value, conversion)
    return format(value, spec)
