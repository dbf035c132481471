"""Korean particles, which depend on the sound before them: `{title}(은/는)` in a text."""

from __future__ import annotations

import re

_CHOICE = re.compile(r"\((은/는|이/가|을/를|과/와|으로/로|이나/나)\)")

_DIGITS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
"""The last sounds of the digits that end in a consonant: 영, 일, 삼, 육, 칠, 팔.

Tens, hundreds, thousands and ten thousands do so too: 십, 백, 천, 만.
"""

_LETTERS = {"l": "ㄹ", "m": "ㅁ", "n": "ㄴ", "r": "ㄹ"}
"""The letters whose names end in a consonant: 엘, 엠, 엔, 알."""

_SOUNDS = {
    "l": "ㄹ",
    "m": "ㅁ",
    "n": "ㄴ",
    "b": "ㅂ",
    "c": "ㄱ",
    "k": "ㄱ",
    "p": "ㅂ",
    "t": "ㅅ",
    "g": "ㅇ",
}
"""The letters that end a word in a consonant: 블록, 맵, 넷; but 플로어."""


def with_particles(done: str, text: str) -> str:
    """A text followed by another one, with the particles of the latter that fit.

    A closing parenthesis or a mark counts for nothing: `(36, 28, 20)` ends in 20.
    """
    pieces = _CHOICE.split(text)
    done += pieces[0]
    for choice, rest in zip(pieces[1::2], pieces[2::2]):
        closed, open_ = choice.split("/")
        sound = last_sound(done)
        # With ㄹ it is 로, as after a vowel.
        after_vowel = not sound or (closed == "으로" and sound == "ㄹ")
        done += (open_ if after_vowel else closed) + rest
    return done


def last_sound(text: str) -> str:
    """The consonant that the last word of a text ends in; empty for a vowel."""
    word = next(iter(re.findall(r"\w+", text)[-1:]), "").rstrip("_")
    last = word[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return "ㄹ" if final == 8 else "ㄱ" if final else ""
    if last.isdigit():
        return _DIGITS.get(last, "")
    letter = last.lower()
    if re.search("(?:[^aeiou]|ea|ei|oa|ou)t$|[aeiou]ght$", word) and len(word) > 1:
        return ""  # 액트, 하이트, 리피트
    if re.search("[aeiou][lmn]e$", word):
        return _LETTERS[word[-2]]  # 세임, 라인, 스케일
    if word.isupper() or len(word) == 1:  # said letter by letter
        return _LETTERS.get(letter, "")
    return _SOUNDS.get(letter, "")
