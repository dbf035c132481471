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
from cnndsl.lint.selection import ERRORS, SelectionError, ignorable
from cnndsl.syntax.nodes import Comment

MARK = "cnndsl:"
"""What every such comment holds: a text without it has none."""

UNUSED, BAD = "W901", "W902"

_IGNORE = re.compile(r"(#[ \t]*)?((?<!\w)cnndsl:\s*ignore\b[ \t]*(?:\[([^\]]*)\]?)?)")


class NamedRule(NamedTuple):
    """A word between the brackets, and the code that it names; or why it names none."""

    span: Span
    text: str
    code: str
    problem: str


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
    alone = {}
    for comment in written:
        start = comment.span.start
        before = source.text[source.line_start(start) : start]
        alone[source.position(start).line] = not before.strip()
    for comment in written:
        for match in _IGNORE.finditer(comment.text):
            line = source.position(comment.span.start).line
            about = line
            if alone[line]:
                while alone.get(about):
                    about += 1
            yield _read(source, comment, match, about, alone[line])


def _read(source: Source, comment: Comment, match: re.Match[str], line: int, alone: bool) -> Ignore:
    offset = comment.span.start
    mark = Span(offset + match.start(), offset + match.end())
    words = []
    for piece in re.finditer(r"[^\s,][^,]*", match[3] or ""):
        text = piece[0].rstrip()
        start = offset + match.start(3) + piece.start()
        words.append(_word(Span(start, start + len(text)), text))
    start, end = mark
    after = comment.text[match.end() :]
    if after.strip():
        # What follows stays, and needs the `#` if this was the comment's first.
        start = offset + match.start(2)
        end = offset + len(comment.text) - len(after.lstrip())
    else:
        if not comment.text[: match.start()].strip(" \t#"):
            start = comment.span.start
        while start and source.text[start - 1] in " \t":
            start -= 1
        if alone and start <= comment.span.start:
            rest = source.text[end : end + 2]
            end += 2 if rest == "\r\n" else rest.startswith("\n")
    return Ignore(mark, Span(start, end), line, tuple(words))


def _word(span: Span, text: str) -> NamedRule:
    try:
        codes, _ = ignorable(text)
    except SelectionError as error:
        return NamedRule(span, text, "", str(error))
    if len(codes) > 1 or text.lower() not in (next(iter(codes)).lower(), CODES[min(codes)].name):
        return NamedRule(
            span, text, "", f"`{text}` is more than one rule: name those that are meant"
        )
    (code,) = codes
    return NamedRule(span, text, code, "")


def _remarks(
    source: Source, ignore: Ignore, used: set[tuple[int, str]], codes: Collection[str]
) -> Iterator[Diagnostic]:
    """What is to be said of a comment: what it does not say, and what it says in vain."""
    if not ignore.words:
        message = "this does not say what it ignores"
        help_ = "name the rules, as in `ignore[bias-before-norm]`"
        yield Diagnostic(BAD, source, ignore.mark, message, help_)
    for word in ignore.words:
        if word.problem:
            message, _, help_ = word.problem.partition("; ")
            yield Diagnostic(BAD, source, word.span, message, help_)
    # The same rule may be named twice: the second time in vain.
    seen: set[str] = set()
    idle = []
    for word in ignore.words:
        if word.code in codes and ((ignore.line, word.code) not in used or word.code in seen):
            idle.append(word)
        seen.add(word.code)
    if not idle:
        return
    if len(idle) == len(ignore.words):
        fix = Fix("remove the comment", (Edit(ignore.span, ""),), safe=True)
        message = "this comment ignores nothing: the line has no such finding"
        yield Diagnostic(UNUSED, source, ignore.mark, message, "remove it", fixes=(fix,))
        return
    for word in idle:
        fix = Fix(f"remove `{word.text}`", (Edit(_with_comma(ignore, word), ""),), safe=True)
        message = f"`{word.text}` ignores nothing: the line has no such finding"
        yield Diagnostic(UNUSED, source, word.span, message, "remove it", fixes=(fix,))


def _with_comma(ignore: Ignore, word: NamedRule) -> Span:
    """A word with the comma that goes with it: the one before it, or for the first, after."""
    index = ignore.words.index(word)
    if index:
        return Span(ignore.words[index - 1].span.end, word.span.end)
    return Span(word.span.start, ignore.words[1].span.start)
