"""Brackets, newlines and separators: raw tokens to what the grammar describes.

- Braces come out matched, so that a slip in one body does not reach the next.
- A newline inside ( ) is dropped. Where the `)` never comes, the statement ends at the
  newline after which another seems to begin.
- Separators that follow one another fold, and those before `else`.

Each stretch between separators, braces and bars has one message at most.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TypeAlias

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message

Token: TypeAlias = tuple[str, int, int]
"""A terminal's name and where it stands: a plain tuple, since a text has so many."""

MAX_NESTING = 100
"""How deep brackets and braces may nest; E005 beyond it."""

MAX_ERRORS = 100
"""How many problems of words and signs are reported, and how many of statements; with one more
of either, reading ends."""

BOUNDARIES = frozenset(("_SEP", "LBRACE", "RBRACE", "VBAR", "$END"))
"""What stretches of a text end at."""

_VALUES = ("NUMBER", "SIZE", "NAME")
BAD = frozenset(("BAD", "BAD_NAME", "BAD_NUMBER", "BAD_QUOTED", "BAD_STRING", "BAD_TWIN"))
"""What cannot be read."""

_SPECIAL = BAD | {"FOREIGN"} | {"LPAR", "RPAR", "LBRACE", "RBRACE", "VBAR", "ELSE"}
# What can stand after a newline in parentheses without beginning a statement.
_INSIDE = BAD.union(
    ("COMMA", "COLON", "COMPARE", "EQUAL", "MINUS", "PERCENT", "PLUS", "POWER", "SLASH"),
    ("SLASHES", "STAR", "LPAR", "RPAR", "AND", "OR", "NOT", "AS", *_VALUES),
)


def arrange(
    source: Source, raw: list[Token], *, foreign: bool = False
) -> tuple[list[Token], list[Diagnostic]]:
    """The tokens for the parser, and what is wrong with brackets and words.

    With `foreign` statements of Keras and PyTorch are looked for.
    """
    layout = Layout(source, raw)
    if foreign:
        layout.set_apart()
    layout.run()
    layout.problems.sort(key=lambda problem: problem.span)
    return layout.tokens, layout.problems


class Layout:
    """One walk over the raw tokens of a text."""

    def __init__(self, source: Source, raw: list[Token]) -> None:
        self.source = source
        self.raw = raw
        self.tokens: list[Token] = []
        self.problems: list[Diagnostic] = []
        self.broken = False  # the stretch at hand has its message
        self.mergeable = False  # and that message can take further edits
        self.unclosed = False  # the stretch has a `(` without its `)`
        self.first = 0  # where in `tokens` the stretch begins
        self.braces: list[Token] = []  # the open ones
        self.merges: list[bool] = []  # whether paths can stand in them
        self.foreign: dict[int, Diagnostic] = {}  # of other languages, by where they begin
        self.skip = 0  # raw tokens before this one are nested too deep to be read
        self.partners = self._match_parentheses()

    def set_apart(self) -> None:
        """Make one token of each statement of Keras or PyTorch, which has its own message."""
        from cnndsl.foreign.listing import find, problem

        found = find(self.source, self.raw, MAX_ERRORS)
        if not found:
            return
        self.foreign = {each.start: problem(self.source, each) for each in found}
        kept: list[Token] = []
        spans = iter([Span(each.start, each.end) for each in found])
        span = next(spans, None)
        for token in self.raw:
            while span is not None and token[1] >= span.end:
                span = next(spans, None)
            if span is None or token[1] < span.start:
                kept.append(token)
            elif token[1] == span.start:
                kept.append(("FOREIGN", span.start, span.end))
        self.raw = kept
        self.partners = self._match_parentheses()

    def run(self) -> None:
        tokens, partners = self.tokens, self.partners
        add = tokens.append
        last = -1  # the end of the outermost parenthesis
        parentheses = 0
        for index, token in enumerate(self.raw):
            kind = token[0]
            if index < self.skip:
                continue
            if len(self.problems) > MAX_ERRORS:
                break
            if kind == "_SEP":
                if index > last and (not self.unclosed or self._ends_statement(index)):
                    self._separate(token[1], token[2])
            elif kind not in _SPECIAL:
                add(token)
            elif kind in BAD:
                self._bad(token)
            elif kind == "FOREIGN":
                tokens.append(("BAD", token[1], token[2]))
                if not self.quiet():
                    self.problems.append(self.foreign[token[1]])
                self.broken, self.mergeable = True, False
            elif kind == "ELSE":
                self._else(token)
            elif kind == "LPAR":
                if index not in partners:
                    self._unclosed(token)
                elif len(self.braces) + parentheses >= MAX_NESTING:
                    self._too_deep(token, partners[index] + 1)
                else:
                    if parentheses == 0 and tokens and tokens[-1][2] == token[1]:
                        self._called(token, partners[index])
                    parentheses += 1
                    last = max(last, partners[index])
                    add(token)
            elif kind == "RPAR":
                if index in partners:
                    parentheses -= 1
                    add(token)
                else:
                    self._stray(token)
            elif kind == "LBRACE" and len(self.braces) >= MAX_NESTING:
                self._too_deep(token, self._partner_of_brace(index) + 1)
            elif kind == "RBRACE" and not self.braces:
                self._stray(token)
            elif kind == "VBAR" and not (self.merges and self.merges[-1]):
                self._stray_bar(index, token)
            else:
                self._boundary(token)
        self._finish()

    def quiet(self) -> bool:
        """Whether nothing more is to be said of the stretch at hand."""
        return self.broken or len(self.problems) > MAX_ERRORS

    def report(
        self,
        code: str,
        span: Span,
        message: Message,
        help_: Message = NOTHING,
        fix: Fix | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Add a problem, unless the stretch has one already or there are enough."""
        if not self.quiet():
            fixes = (fix,) if fix else ()
            self.problems.append(Diagnostic(code, self.source, span, message, help_, notes, fixes))
            self.mergeable = False
        self.broken = True

    def _bad(self, token: Token) -> None:
        """Report a token whose kind begins with BAD, and pass on what ends its statement."""
        kind, start, end = token
        meant = kind in ("BAD_QUOTED", "BAD_TWIN")  # and what was meant follows
        again = self.broken and self.tokens and self.tokens[-1][0] == "BAD"
        if not meant and not again:
            self.tokens.append(("BAD", start, end))
        if self.quiet() and not (meant and self.broken and self.mergeable):
            self.broken = True
            return
        from cnndsl.syntax.bad_words import describe

        words = describe(self.source.text, kind, _span(token))
        if meant and self.broken and words.fix:
            self._merge(words.fix)
        else:
            self.report(words.code, _span(token), words.message, words.help, words.fix)
            self.mergeable = meant

    def _merge(self, fix: Fix) -> None:
        """Let the last problem's fix make further edits: one message has those of a statement."""
        last = self.problems[-1]
        before = last.fixes[0]
        alike = before.edits[-1].text == fix.edits[0].text
        title = before.title if alike else Message("write the plain words")
        edits = (*before.edits, *fix.edits)
        self.problems[-1] = last._replace(fixes=(before._replace(title=title, edits=edits),))
        self.mergeable = len(edits) < 100

    def _boundary(self, token: Token) -> None:
        """Add a brace or a bar."""
        kind, tokens = token[0], self.tokens
        if kind == "LBRACE":
            self.braces.append(token)
            self.merges.append(self._begins_merge())
        elif kind == "RBRACE":
            self.braces.pop()
            self.merges.pop()
        tokens.append(token)
        self.first = len(tokens)
        self.broken = self.unclosed = False

    def _else(self, token: Token) -> None:
        """Let `else` stand on the line after the brace."""
        if [kind for kind, _, _ in self.tokens[-2:]] == ["RBRACE", "_SEP"]:
            self.tokens.pop()
            self.first = len(self.tokens)
        self.tokens.append(token)

    def _match_parentheses(self) -> dict[int, int]:
        """The parentheses that have a partner, each with the other's index in `raw`.

        Only what may stand between parentheses can lie between the two; but a newline may,
        unless a statement begins after it with a word of the language.
        """
        text, partners, opened = self.source.text, {}, []
        if "(" not in text and "（" not in text:
            return {}
        for index, (kind, start, end) in enumerate(self.raw):
            if kind == "LPAR":
                opened.append(index)
            elif not opened:
                continue
            elif kind == "RPAR":
                partner = opened.pop()
                partners[partner], partners[index] = index, partner
            elif kind == "_SEP":
                if ";" in text[start:end] or self._keyword_follows(index):
                    opened.clear()
            elif kind in BOUNDARIES:
                opened.clear()
        return partners

    def _keyword_follows(self, index: int) -> bool:
        after = self.raw[index + 1][0] if index + 1 < len(self.raw) else "$END"
        return after not in _INSIDE

    def _ends_statement(self, index: int) -> bool:
        """Whether a separator after an unclosed `(` ends the statement all the same."""
        raw = self.raw
        _, start, end = raw[index]
        if ";" in self.source.text[start:end] or self._keyword_follows(index):
            return True
        after = [kind for kind, _, _ in raw[index + 1 : index + 3]]
        if after[0] != "NAME":
            return False
        return raw[index - 1][0] in (*_VALUES, "RPAR") or after[1:] in (["NUMBER"], ["SIZE"])

    def _unclosed(self, token: Token) -> None:
        self.tokens.append(token)
        self.report("E003", _span(token), Message("this `(` is never closed"), Message("add a `)`"))
        self.unclosed = True

    def _called(self, token: Token, partner: int) -> None:
        """Report `conv max(a, b) 3x3`, which would read as four arguments."""
        kind, start, _ = self.tokens[-1]
        if kind != "NAME" or self.first == len(self.tokens) - 1:
            return
        stretch = [each[0] for each in self.tokens[self.first : self.first + 2]]
        if stretch[0] != "NAME" or stretch[1:] == ["BLOCK"]:
            return
        begin = self.tokens[self.first][1]
        if not self.quiet() and self.source.text.startswith("for ", begin):
            from cnndsl.syntax.bad_words import loop

            if found := loop(self.source.text, begin):
                self.report("E002", found.span or _span(token), *found[:3])
                return
        if not self.quiet():
            end = self.raw[partner][2]
            call = self.source.text[start:end]
            title = (
                Message("write `({call})`", call=call)
                if call.isprintable() and len(call) < 40
                else Message("wrap it")
            )
            edits = (Edit(Span(start, start), "("), Edit(Span(end, end), ")"))
            message = Message("a call among arguments needs parentheses around it")
            self.report("E002", Span(start, token[2]), message, title, Fix(title, edits, True))

    def _stray(self, token: Token) -> None:
        """Report a closer without an opener. A brace still ends the statement before it."""
        kind, start, end = token
        if kind == "RPAR":
            self.tokens.append(("BAD", start, end))
        else:
            replaced = self._is_replaced(token)
            self._separate(start, end)
            self.broken = replaced
        if not self.quiet():
            fix = Fix(Message("remove it"), (Edit(_span(token), ""),))
            closer = self.source.text[start:end]
            self.report(
                "E003",
                _span(token),
                Message("this `{closer}` closes nothing", closer=closer),
                Message("remove it"),
                fix,
            )
        self.broken = kind == "RPAR"

    def _is_replaced(self, token: Token) -> bool:
        """Whether the last message already has another character put in a token's place."""
        fixes = self.problems[-1].fixes if self.problems else ()
        return any(edit.span == _span(token) for fix in fixes for edit in fix.edits)

    def _begins_merge(self) -> bool:
        """Whether the statement before a `{` is a layer, or is broken and may be one; or among
        the paths of a merge one that can hold some."""
        first = self.tokens[self.first : self.first + 1]
        if not first or first[0][0] in ("NAME", "BAD"):
            return True
        return first[0][0] in ("IF", "ELSE", "REPEAT") and self.merges[-1:] == [True]

    def _stray_bar(self, index: int, token: Token) -> None:
        """Report a bar outside of a merge, and read it as a separator."""
        start = token[1]
        if self.source.text[start : start + 2] == "||":
            self.report(
                "E002",
                Span(start, start + 2),
                Message("unknown operator `||`"),
                Message("write `or`"),
            )
            self.tokens.append(("BAD", start, start + 2))
            self.skip = index + 2
            return
        help_ = Message("`|` separates the paths of a merge, as in `add {{ conv 8 1 | skip }}`")
        self.report("E002", _span(token), Message("this `|` stands in no merge"), help_)
        self._separate(start, token[2])

    def _separate(self, start: int, end: int) -> None:
        """Read what stands there as a separator."""
        if self.tokens and self.tokens[-1][0] == "_SEP":
            start = self.tokens.pop()[1]
        self.tokens.append(("_SEP", start, end))
        self.first = len(self.tokens)
        self.broken = self.unclosed = False

    def _too_deep(self, token: Token, skip: int) -> None:
        """Leave out a bracket that is nested too deep, with all that is in it."""
        self.skip = skip
        self.tokens.append(("BAD", token[1], token[2]))
        message = Message("brackets are nested more than {most} deep", most=MAX_NESTING)
        help_ = Message("give the inner part a name with `block` or `let`")
        self.report("E005", _span(token), message, help_)

    def _partner_of_brace(self, index: int) -> int:
        depth = 0
        for at in range(index, len(self.raw)):
            kind = self.raw[at][0]
            depth += (kind == "LBRACE") - (kind == "RBRACE")
            if depth == 0:
                return at
        return len(self.raw)

    def _finish(self) -> None:
        """Close the braces that are still open."""
        length = len(self.source.text)
        slips = _indentation_slips(self.source, self.tokens) if self.braces else []
        for brace in reversed(self.braces):
            self.broken = False
            after = bisect_right(slips, brace[1], key=lambda slip: slip[0])
            notes = slips[after][1] if after < len(slips) else ()
            self.report(
                "E003",
                _span(brace),
                Message("this `{{` is never closed"),
                Message("add a `}}`"),
                notes=notes,
            )
        self.tokens += [("RBRACE", length, length)] * len(self.braces)


def _span(token: Token) -> Span:
    return Span(token[1], token[2])


def _indentation_slips(source: Source, tokens: list[Token]) -> list[tuple[int, tuple[Note, ...]]]:
    """The pairs of braces that do not look like pairs, going by the indentation: where the first
    brace stands, and what to say of it where a brace before it is open.

    The first that stands after an open brace tells where the `}` of that may be missing. A pair
    whose first brace stands before that of one before it is not among them, as it is never such.
    """
    opened: list[Token] = []
    found: list[tuple[int, tuple[Note, ...]]] = []
    for index, token in enumerate(tokens):
        kind, start, _ = token
        if kind == "LBRACE":
            opened.append(token)
        elif kind == "RBRACE" and opened:
            _, first, end = opened.pop()
            if tokens[index - 1][0] != "_SEP" or (found and first < found[-1][0]):
                continue
            if _indentation(source, start) < _indentation(source, first):
                one = Note(Message("this `{{` may be the one that lacks it"), Span(first, end))
                other = Note(
                    Message("because its `}}` is indented for another"), Span(start, start + 1)
                )
                found.append((first, (one, other)))
    return found


def _indentation(source: Source, offset: int) -> int:
    start = source.line_start(offset)
    blanks = re.compile(r"[^\S\n]{0,1000}").match(source.text, start)
    return blanks.end() - start if blanks else 0
