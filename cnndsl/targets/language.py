"""The language that a target writes in, for every target that writes for people."""

from cnndsl.lang import LANGUAGES
from cnndsl.targets import Option

LANG = Option("lang", "the language of the words: en (unless said) or ko", "word", "L", LANGUAGES)
