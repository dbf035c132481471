"""Comments that ignore what is found: `# cnndsl: ignore[NAME, NAME]`.

One that follows a statement speaks of its line; one in a line of its own of the next line
that holds more than a comment. Other words in the comment, such as a reason, are not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.lint.selection import ERRORS, SelectionError, ignorable
from cnndsl.syntax.nodes import Comment

MARK = "cnndsl:"
"""What every such comment holds: a text without it has none."""

UNUSED, BAD = "W901", "W902"

MAX_GUESSES = 100
"""Of how many words that name no rule it is looked up what may have been meant."""

_IGNORE = re.compile(r"(#[ \t]*)?((?<!\w)cnndsl:\s*ignore\b[ \t]*(?:\[([^\]]*)\]?)?)")

_INK = re.compile(r"\S")


class NamedRule(NamedTuple):
    """A word between the brackets, and the code that it names; or why it names none.

    `help` is what may have been meant.
    """

    span: Span
    text: str
    code: str
    problem: Message = NOTHING
    help: Message = NOTHING


class Ignore(NamedTuple):
    """A comment that ignores: its place, the line it speaks of, its words.

    `span` is what goes where the whole of it goes, with the blanks before it, or with its
    line if there is nothing else.
    """

    mark: Span
    span: Span
    line: int
    words: tuple[NamedRule, ...]


def suppress(source: Source, found: list[Diagnostic], codes: Collection[str]) -> list[Diagnostic]:
    """What is left to say where comments have their way, and what is to be said of them.

    `codes` are those that were asked for. Errors cannot be ignored; and where there are any,
    nothing else was asked, so that no comment is called useless.
    """
    if any(each.code in ERRORS for each in found):
        return found
    ignores = list(comments(source))
    by_line: dict[int, set[str]] = {}
    for ignore in ignores:
        names = {word.code for word in ignore.words if word.code}
        by_line.setdefault(ignore.line, set()).update(names)
    left, used = [], set()
    for each in found:
        line = source.position(each.span.start).line
        if each.code in by_line.get(line, ()):
            used.add((line, each.code))
        else:
            left.append(each)
    for ignore in ignores:
        left += (each for each in _remarks(source, ignore, used, codes) if each.code in codes)
    return left


def comments(source: Source) -> Iterator[Ignore]:
    """The comments of a text that ignore something, in its order."""
    from cnndsl.syntax.lexer import tokenize

    written = tokenize(source).comments
    about: dict[int, int] = {}  # the line that a comment in a line of its own is about
    for comment in reversed(written):
        start = comment.span.start
        if not source.text[source.line_start(start) : start].strip():
            line = source.position(start).line
            about[line] = about.get(line + 1, line + 1)
    reader = _CommentReader(source)
    for comment in written:
        line = source.position(comment.span.start).line
        yield from reader.read(comment, about.get(line, line), alone=line in about)


class _CommentReader:
    """Reads what ignores in the comments of a text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.guesses = 0  # how many words there were that name no rule

    def read(self, comment: Comment, line: int, *, alone: bool) -> Iterator[Ignore]:
        """What ignores in a comment that is about a line."""
        text, offset = comment.text, comment.span.start
        begin = len(text) - len(text.lstrip(" \t#"))
        for match in _IGNORE.finditer(text):
            mark = Span(offset + match.start(), offset + match.end())
            start, end = mark
            after = _INK.search(text, match.end())
            if after is not None:
                # What follows stays, and needs the `#` if this was the comment's first.
                start = offset + match.start(2)
                end = offset + after.start()
            else:
                if match.start() <= begin:
                    start = offset
                while start and self.source.text[start - 1] in " \t":
                    start -= 1
                if alone and start <= offset:
                    rest = self.source.text[end : end + 2]
                    end += 2 if rest == "\r\n" else rest.startswith("\n")
            yield Ignore(mark, Span(start, end), line, tuple(self.words(match, offset)))

    def words(self, match: re.Match[str], offset: int) -> Iterator[NamedRule]:
        """The words between the brackets."""
        for piece in re.finditer(r"[^\s,][^,]*", match[3] or ""):
            word = piece[0].rstrip()
            start = offset + match.start(3) + piece.start()
            yield self.word(Span(start, start + len(word)), word)

    def word(self, span: Span, text: str) -> NamedRule:
        """A word, with the code that it names."""
        try:
            codes, _ = ignorable(text)
        except SelectionError as error:
            self.guesses += 1
            help_ = error.help if self.guesses <= MAX_GUESSES else NOTHING
            return NamedRule(span, text, "", error.message, help_)
        if len(codes) > 1 or text.lower() not in (
            next(iter(codes)).lower(),
            CODES[min(codes)].name,
        ):
            message = Message(
                "`{word}` is more than one rule: name those that are meant", word=text
            )
            return NamedRule(span, text, "", message)
        (code,) = codes
        return NamedRule(span, text, code)


def _remarks(
    source: Source, ignore: Ignore, used: set[tuple[int, str]], codes: Collection[str]
) -> Iterator[Diagnostic]:
    """What is to be said of a comment: what it does not say, and what it says in vain."""
    if not ignore.words:
        message = Message("this does not say what it ignores")
        help_ = Message("name the rules, as in `ignore[bias-before-norm]`")
        yield Diagnostic(BAD, source, ignore.mark, message, help_)
    for word in ignore.words:
        if word.problem:
            yield Diagnostic(BAD, source, word.span, word.problem, word.help)
    # The same rule may be named twice: the second time in vain.
    seen: set[str] = set()
    idle = []
    for index, word in enumerate(ignore.words):
        if word.code in codes and ((ignore.line, word.code) not in used or word.code in seen):
            idle.append(index)
        seen.add(word.code)
    if not idle:
        return
    if len(idle) == len(ignore.words):
        fix = Fix(Message("remove the comment"), (Edit(ignore.span, ""),), safe=True)
        message = Message("this comment ignores nothing: the line has no such finding")
        yield Diagnostic(UNUSED, source, ignore.mark, message, Message("remove it"), fixes=(fix,))
        return
    for index in idle:
        word = ignore.words[index]
        title = Message("remove `{word}`", word=word.text)
        fix = Fix(title, (Edit(_with_comma(ignore, index), ""),), safe=True)
        message = Message("`{word}` ignores nothing: the line has no such finding", word=word.text)
        yield Diagnostic(UNUSED, source, word.span, message, Message("remove it"), fixes=(fix,))


def _with_comma(ignore: Ignore, index: int) -> Span:
    """A word with the comma that goes with it: the one before it, or for the first, after."""
    words = ignore.words
    if index:
        return Span(words[index - 1].span.end, words[index].span.end)
    return Span(words[0].span.start, words[1].span.start)
