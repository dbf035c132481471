"""The slips that are known well: each with its own words, and often a fix.

A slip is a token that cannot stand where it stands; the parser's tables tell what could have.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.syntax.bad_words import Words, arrows, end_of_indented, loop, shorten
from cnndsl.syntax.layout import BOUNDARIES, Token
from cnndsl.syntax.nodes import FUNCTIONS, SIZES
from cnndsl.syntax.tables import ACTIONS, GOTOS, KEYWORDS, RULES

_WORDS = frozenset(KEYWORDS.values())

STATEMENTS = frozenset(KEYWORDS.values()) - {"AND", "AS", "ELSE", "NOT", "OR"}
"""The keywords that begin a statement."""

OPERATORS = ("PLUS", "MINUS", "STAR", "SLASH", "SLASHES", "PERCENT", "POWER")
VALUES = ("NUMBER", "SIZE", "NAME")

_EXPECTED = (
    ("RPAR", Message("`)`")),
    ("LBRACE", Message("`{{`")),
    ("LPAR", Message("`(`")),
    ("EQUAL", Message("`=`")),
    ("_SEP", Message("the end of the statement")),
    ("COMPARE", Message("a comparison")),
    ("COMMA", Message("`,`")),
)


def reads(states: list[int], *kinds: str) -> bool:
    """Whether tokens could stand here one after another. A trial tells: LALR reduces first."""
    stack = list(states)
    for kind in kinds:
        while (action := ACTIONS[stack[-1]].get(kind, 0)) < 0:
            origin, size = RULES[-action - 1][:2]
            if size:
                del stack[-size:]
            stack.append(GOTOS[origin][stack[-1]])
        if not action:  # nothing leads to the first state
            return False
        stack.append(action)
    return True


def stretch_of(tokens: list[Token], position: int) -> int:
    """Where the stretch of tokens begins that one is in."""
    while position > 0 and tokens[position - 1][0] not in BOUNDARIES:
        position -= 1
    return position


def brace_on_next_line(tokens: list[Token], position: int, states: list[int]) -> bool:
    """Whether a separator keeps a `{` from the statement that it belongs to."""
    return tokens[position + 1][0] == "LBRACE" and reads(states, "LBRACE")


class Slip(NamedTuple):
    """A token that cannot stand where it stands, and what is around it."""

    source: Source
    tokens: list[Token]
    position: int
    first: int  # where its stretch of tokens begins
    states: list[int]

    @property
    def kind(self) -> str:
        return self.tokens[self.position][0]

    @property
    def span(self) -> Span:
        return self.span_at(0)

    def span_at(self, distance: int) -> Span:
        """Where a token near this one stands."""
        return Span(*self.tokens[self.position + distance][1:])

    def kind_at(self, distance: int) -> str:
        """The kind of a token near this one, "" beyond its stretch."""
        at = self.position + distance
        return self.tokens[at][0] if self.first <= at < len(self.tokens) else ""

    def text(self, distance: int = 0) -> str:
        return self.source.text[slice(*self.span_at(distance))]

    def expects(self, *kinds: str) -> bool:
        """Whether each of some tokens could stand here."""
        return all(reads(self.states, kind) for kind in kinds)

    def rest(self) -> list[str]:
        """The kinds of the tokens from here on, to the end of the stretch."""
        stop = self.position
        while self.tokens[stop][0] not in BOUNDARIES:
            stop += 1
        last = self.tokens[stop][0]
        kinds = [kind for kind, _, _ in self.tokens[self.position : stop]]
        return [*kinds, "_SEP" if last == "$END" else last]

    def reads(self, *kinds: str) -> bool:
        """Whether tokens could stand here one after another."""
        return reads(self.states, *kinds)

    def in_arguments(self) -> bool:
        """Whether a layer's arguments stand here."""
        return self.expects("NUMBER", "_SEP")

    def first_kind(self) -> str:
        """The kind of the token that the stretch begins with: a statement's keyword."""
        return self.tokens[self.first][0]

    def expected(self) -> Message:
        """What could have stood there, in words."""
        if self.expects("NET"):
            return Message("a statement")
        if self.in_arguments():
            return (
                Message("the end of the statement")
                if self.kind in BOUNDARIES
                else Message("an argument")
            )
        if self.expects("NUMBER"):
            return Message("a size") if self.kind_at(-1) == "INPUT" else Message("a value")
        if self.expects("NAME"):
            return Message("`)` or a parameter") if self.expects("RPAR") else Message("a name")
        if self.expects("RPAR", "COMMA"):
            return Message("`,` or `)`")
        return next(
            (words for kind, words in _EXPECTED if self.expects(kind)), Message("something else")
        )

    def at_end(self) -> bool:
        """Whether the text ends here, with or without braces that are still open."""
        return self.span.start == len(self.source.text)

    def found(self) -> Message:
        """What stands there, in words."""
        if self.at_end():
            return Message("the end of the file")
        if self.kind == "_SEP":
            return Message("the end of the line") if "\n" in self.text() else Message("`;`")
        return Message("{text}", text=shorten(self.text()))

    def message(self) -> Message:
        """What could have stood there, and what does."""
        return Message(
            "expected {expected}, found {found}", expected=self.expected(), found=self.found()
        )

    def replace(self, text: str, span: Span | None = None) -> Fix:
        span = span or self.span
        title = Message("write {text}", text=shorten(text)) if text else Message("remove it")
        return Fix(title, (Edit(span, text),), safe=True)

    def insert(self, text: str, offset: int) -> Fix:
        edit = Edit(Span(offset, offset), text)
        return Fix(Message("insert {text}", text=shorten(text.strip())), (edit,), safe=True)


_BY_SPACES = Message("separate the arguments by spaces, as in `conv 20 4x4 relu`")

# Each returns None for what is another slip.


def _called(slip: Slip) -> Words | None:
    """`flatten()` and `conv(filters=8, kernel=3)`: arguments in parentheses."""
    tokens, first = slip.tokens, slip.first
    empty = slip.kind == "RPAR" and slip.kind_at(-1) == "LPAR"
    if not (empty or slip.kind == "EQUAL") or slip.position < first + 2:
        return None
    if slip.first_kind() != "NAME" or tokens[first + 1][0] != "LPAR":
        return None
    edits, depth, at = [], 0, first + 1
    while tokens[at][0] not in BOUNDARIES:
        kind, start, end = tokens[at]
        depth += (kind == "LPAR") - (kind == "RPAR")
        if at == slip.position and depth > 1:
            return None  # a call further in
        if kind == "LPAR" and depth == 1:
            edits.append(Edit(Span(tokens[first][2], end), "" if empty else " "))
        elif depth == (kind == "COMMA") and kind in ("COMMA", "RPAR"):
            spaced = kind == "RPAR" or slip.source.text[end].isspace()
            edits.append(Edit(Span(start, end), "" if spaced else " "))
        if depth == 0:
            break
        at += 1
    whole = slip.source.text[tokens[first][1] : tokens[at][2]]
    fix = (
        Fix(Message("remove the parentheses"), tuple(edits))
        if depth == 0 and "\n" not in whole
        else None
    )
    name = slip.source.text[slice(*tokens[first][1:])]
    what = Message("write {text}", text=shorten(name)) if empty else _BY_SPACES
    span = Span(tokens[first + 1][1], tokens[at][2]) if depth == 0 else slip.span
    return Words(Message("arguments stand without parentheses"), what, fix, span)


def _comma(slip: Slip) -> Words | None:
    """Commas between arguments."""
    if slip.kind != "COMMA" or slip.expects("COMMA"):
        return None
    if slip.first_kind() == "INPUT" or not slip.in_arguments():
        return _size_in_pieces(slip) or _grouped_digits(slip)
    text, at, depth = slip.source.text, slip.position, 0
    edits: list[Edit] = []
    while slip.tokens[at][0] not in BOUNDARIES and len(edits) < 1000:
        kind, start, end = slip.tokens[at]
        depth += (kind == "LPAR") - (kind == "RPAR")
        if kind == "COMMA" and depth == 0:
            spaced = text[start - 1 : start].isspace() or text[end : end + 1].isspace()
            edits.append(Edit(Span(start, end), "" if spaced else " "))
        at += 1
    title = Message("remove the comma") if len(edits) == 1 else Message("remove the commas")
    help_ = _BY_SPACES
    return Words(
        Message("arguments stand without commas"), help_, Fix(title, tuple(edits), safe=True)
    )


def _grouped_digits(slip: Slip) -> Words | None:
    """`64,620`."""
    if slip.kind_at(-1) != "NUMBER" or slip.kind_at(1) != "NUMBER":
        return None
    before, after = slip.text(-1), slip.text(1)
    span = Span(slip.span_at(-1).start, slip.span_at(1).end)
    if slip.source.text[slice(*span)] != f"{before},{after}" or not re.fullmatch("[0-9]{3}", after):
        return None
    number = f"{before}_{after}"
    help_ = Message("group the digits by `_`: {number}", number=shorten(number))
    return Words(Message("numbers have no commas"), help_, slip.replace(number, span))


def _size_in_pieces(slip: Slip) -> Words | None:
    """`input 39 31 1`, or with commas."""
    if slip.first_kind() != "INPUT":
        return None
    pieces = []
    at = slip.first + 1
    while True:
        kind, start, end = slip.tokens[at]
        if kind not in ("NUMBER", "COMMA") and slip.source.text[start:end].lower() != "x":
            break
        if slip.tokens[at][0] == "NUMBER":
            pieces.append(slip.source.text[start:end])
        at += 1
    if len(pieces) < 2 or not all(piece.isdigit() for piece in pieces):
        return None
    size = "x".join(pieces)
    fix = slip.replace(size, Span(slip.tokens[slip.first + 1][1], slip.tokens[at - 1][2]))
    return Words(Message("a size is one word"), Message("write {text}", text=shorten(size)), fix)


def _piece(slip: Slip) -> Words | None:
    is_piece = slip.kind == "NUMBER" or slip.text().lower() == "x"
    return _size_in_pieces(slip) if is_piece else None


def _trailing_comma(slip: Slip) -> Words | None:
    if slip.kind == "RPAR" and slip.kind_at(-1) == "COMMA":
        span = Span(*slip.tokens[slip.position - 1][1:])
        fix = slip.replace("", span)
        return Words(Message("nothing follows this comma"), Message("remove the comma"), fix, span)
    return None


def _equal(slip: Slip) -> Words | None:
    """`=` for `==`, and the other way round."""
    if slip.kind == "EQUAL":
        if slip.expects("COMPARE"):
            after = slip.kind_at(1) == "COMPARE" and slip.text(1)
            _, start, end = slip.tokens[slip.position]
            sign, span = "==", slip.span
            if after in ("<", ">") and slip.tokens[slip.position + 1][1] == end:
                sign, span = f"{after}=", Span(start, end + 1)
            found = slip.source.text[slice(*span)]
            message = Message("expected a comparison, found `{found}`", found=found)
            help_ = Message("write `{text}`", text=sign)
            if found == "=":
                help_ = Message("write `==`; a single `=` gives a name its value")
            return Words(message, help_, slip.replace(sign, span), span)
        if slip.in_arguments() and slip.position == slip.first + 1:
            name = slip.text(-1)
            if _names_layer(slip):
                help_ = Message(
                    "a layer gets a name at its end: write `as {name}` behind it", name=name
                )
                message = Message("expected an argument of {name}, found `=`", name=shorten(name))
                return Words(message, help_, _named_behind(slip, name))
            return Words(
                Message("expected an argument of {name}, found `=`", name=shorten(name)),
                Message("a constant is defined by `let {name} = …`", name=name),
                slip.insert("let ", slip.tokens[slip.first][1]),
            )
    elif slip.kind == "COMPARE" and slip.text() == "==" and slip.expects("EQUAL"):
        help_ = Message("write `=`; `==` compares")
        return Words(Message("expected `=`, found `==`"), help_, slip.replace("="))
    return None


def _chained(slip: Slip) -> Words | None:
    if slip.kind != "COMPARE" or slip.expects("COMPARE"):
        return None
    at = slip.position - 1
    while at > slip.first and slip.tokens[at][0] in (*VALUES, *OPERATORS):
        at -= 1
    if slip.tokens[at][0] != "COMPARE" or slip.first_kind() == "EXPECT":
        return None
    return Words(
        Message("comparisons do not chain"), Message("join two of them: `a < b and b < c`")
    )


def _expression(slip: Slip) -> Words | None:
    """An operator among arguments: the expression wants parentheses."""
    if slip.kind not in (*OPERATORS, "COMPARE", "AND", "OR") or not slip.in_arguments():
        return None
    found = Message("expected an argument, found `{text}`", text=slip.text())
    if slip.position == slip.first:
        return None
    begin, end = _operand_before(slip), _operands_after(slip)
    start, stop = slip.tokens[begin][1], slip.tokens[end][2]
    whole = slip.source.text[start:stop]
    if begin < 0 or end < 0 or "\n" in whole:
        return Words(found, Message("put the expression in parentheses, as in `(2*n)`"))
    help_ = Message("put the expression in parentheses: {whole}", whole=shorten(f"({whole})"))
    if slip.kind == "STAR" and slip.kind_at(-1) == "NUMBER" and slip.kind_at(1) == "NUMBER":
        size = re.sub(r"[ \t]*\*[ \t]*", "x", whole)
        help_ = Message(
            "write `{size}` for a size, or `({product})` for a product", size=size, product=whole
        )
        # The first value is a count; only behind it a size is what is likely meant.
        is_size = begin > slip.first + 1 and re.fullmatch(r"[0-9]{1,2}(x[0-9]{1,2}){1,2}", size)
        fix = slip.replace(size, Span(start, stop))._replace(safe=False) if is_size else None
        return Words(found, help_, fix)
    edits = (Edit(Span(start, start), "("), Edit(Span(stop, stop), ")"))
    return Words(
        found, help_, Fix(Message("write {text}", text=shorten(f"({whole})")), edits, safe=True)
    )


def _percent(slip: Slip) -> Words | None:
    """`dropout 50%`."""
    if slip.kind != "PERCENT" or slip.kind_at(-1) != "NUMBER" or not slip.in_arguments():
        return None
    span = Span(slip.tokens[slip.position - 1][1], slip.span.end)
    number = slip.source.text[span.start : span.end - 1]
    goes_on = slip.tokens[slip.position + 1][0] in (*VALUES, "LPAR", "MINUS")
    if goes_on or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", number):
        return None
    share = f"{float(number) / 100:g}"
    fix = slip.replace(share, span)
    return Words(
        Message("a share is written without `%`"),
        Message("write `{text}`", text=share),
        fix,
        span,
    )


def _operand_before(slip: Slip) -> int:
    """Where the operand before the token begins; -1 where that is not clear."""
    at = slip.position - 1
    kind = slip.tokens[at][0]
    if at == slip.first or kind not in (*VALUES, "RPAR"):
        return -1
    if kind != "RPAR":
        return at
    depth = 0
    while at > slip.first:
        kind, start, _ = slip.tokens[at]
        depth += (kind == "RPAR") - (kind == "LPAR")
        if depth == 0:
            called, _, end = slip.tokens[at - 1]
            return at - (at - 1 > slip.first and called == "NAME" and end == start)
        at -= 1
    return -1


def _operands_after(slip: Slip) -> int:
    """Where the operands end that operators join to the token; -1 where that is not clear."""
    tokens, at = slip.tokens, slip.position
    while tokens[at][0] in (*OPERATORS, "COMPARE", "AND", "OR"):
        at += 1
        if tokens[at][0] in ("MINUS", "NOT"):
            at += 1
        if tokens[at][0] == "NAME" and tokens[at + 1][0] == "LPAR":
            at += tokens[at][2] == tokens[at + 1][1]
        if tokens[at][0] == "LPAR":
            depth = 1
            while depth:
                at += 1
                if tokens[at][0] in BOUNDARIES:
                    return -1
                depth += (tokens[at][0] == "LPAR") - (tokens[at][0] == "RPAR")
        elif tokens[at][0] not in VALUES:
            return -1
        at += 1
    return at - 1


def _keyword(slip: Slip) -> Words | None:
    """A keyword where a name or value belongs."""
    word = slip.text()
    what = Message("a value") if slip.expects("NUMBER") else Message("a name")
    if slip.kind not in STATEMENTS or word not in KEYWORDS or slip.expects("_SEP"):
        return None
    if not slip.expects("NUMBER") and not slip.expects("NAME"):
        return None
    help_ = Message("`{word}` is a word of the language; choose another name", word=word)
    return Words(
        Message("expected {what}, found the keyword `{word}`", what=what, word=word), help_
    )


def _else(slip: Slip) -> Words | None:
    if slip.kind == "ELSE":
        return Words(
            Message("this `else` has no `if`"), Message("`else` follows the `}}` of an `if`")
        )
    span = slip.span_at(slip.first - slip.position)
    word = slip.source.text[slice(*span)]
    if word in ("elif", "elseif", "elsif"):
        fix = slip.replace("else if", span)
        return Words(
            Message("unknown word `{word}`", word=word), Message("write `else if`"), fix, span
        )
    return None


def _next_statement(slip: Slip) -> Words | None:
    """A second statement on a line, without a `;`."""
    if slip.position == 0 or not slip.expects("_SEP"):
        return None
    before, _, end = slip.tokens[slip.position - 1]
    if slip.kind in STATEMENTS or (before == "RBRACE" and slip.kind == "NAME"):
        # Only what reads as a statement is separated from the one before it.
        fix = slip.insert("; " if slip.span.start == end else ";", end)
        message = Message("expected a new line or `;`, found {text}", text=shorten(slip.text()))
        help_ = Message("separate the two statements")
        return Words(message, help_, fix if slip.reads("_SEP", *slip.rest()) else None)
    return None


def _spaced_name(slip: Slip) -> Words | None:
    """`net my net`: a name of several words, of which the second is no statement."""
    before = slip.kind_at(-2)
    if slip.kind_at(-1) != "NAME" or before not in ("NET", "BLOCK", "AS", "HEAD"):
        return None
    rest = slip.rest()
    words = next((i for i, kind in enumerate(rest) if kind != "NAME" and kind not in _WORDS), 0)
    # After `as`, a name may begin the next statement: `as x relu`.
    if not words or (before == "AS" and slip.kind == "NAME") or slip.reads("_SEP", *rest):
        return None
    end = slip.tokens[slip.position + words - 1][2]
    span = Span(slip.tokens[slip.position - 1][1], end)
    name = "_".join(slip.source.text[slice(*span)].split())
    fix = slip.replace(name, span)._replace(safe=False)
    return Words(slip.message(), Message("a name is one word: {name}", name=shorten(name)), fix)


def _parameters(slip: Slip) -> Words | None:
    """A block without parentheses."""
    if slip.first_kind() != "BLOCK" and slip.kind != "LBRACE":
        return None
    if not slip.expects("LPAR") or slip.expects("NUMBER"):
        return None
    end = slip.tokens[slip.position - 1][2]
    name = slip.text(-1)
    help_ = Message(
        "a block without parameters has empty parentheses: {name}",
        name=shorten(f"block {name}() {{"),
    )
    fix = slip.insert("()", end) if slip.kind == "LBRACE" else None
    return Words(Message("expected `(`, found {found}", found=slip.found()), help_, fix)


def _hyphen(slip: Slip) -> Words | None:
    """`net my-net`."""
    named = slip.kind_at(-1) == "NAME" and slip.kind_at(-2) in ("NET", "AS", "FROM", "HEAD", "LET")
    if slip.kind == "MINUS" and named and not slip.expects("NUMBER"):
        help_ = Message("names are made of letters, digits and `_`")
        return Words(Message("expected {expected}, found `-`", expected=slip.expected()), help_)
    return None


def _after_alias(slip: Slip) -> Words | None:
    goes_on = slip.kind in (*VALUES, "SLASH", "LPAR")
    if goes_on and slip.kind_at(-2) == "AS" and slip.expects("_SEP"):
        return Words(slip.message(), Message("`as` and the name come last in a statement"))
    return None


def _comment(slip: Slip) -> Words | None:
    """`// …` at the beginning of a line."""
    if slip.kind == "SLASHES" and slip.position == slip.first and slip.expects("NET"):
        message = Message("expected a statement, found `//`")
        return Words(message, Message("a comment begins with `#`"), slip.replace("#"))
    return None


def _range(slip: Slip) -> Words | None:
    """`(0:1)`, where `0:1` is meant."""
    if slip.kind != "RPAR" or not slip.expects("COMMA"):
        return None
    tokens, depth, at = slip.tokens, 1, slip.position
    colon = 0
    while depth and at > slip.first:
        at -= 1
        kind = tokens[at][0]
        depth += (kind == "RPAR") - (kind == "LPAR")
        if kind == "COLON" and depth == 1:
            colon = at
    help_ = Message("a single range stands without parentheses: `0:1`")
    message = Message("expected `,`, found `)`")
    if depth or not colon:
        return Words(message, help_)
    text = slip.source.text
    parts = []
    for first, last in ((at + 1, colon - 1), (colon + 1, slip.position - 1)):
        part = text[tokens[first][1] : tokens[last][2]]
        whole = first == last or _is_wrapped(tokens, first, last)
        parts.append(part if whole else f"({part})")
    span = Span(tokens[at][1], slip.span.end)
    written = ":".join(parts)
    if len(written) > 200 or "\n" in written:
        return Words(message, help_)
    help_ = Message("a single range stands without parentheses: {text}", text=shorten(written))
    return Words(message, help_, slip.replace(written, span))


def _is_wrapped(tokens: list[Token], first: int, last: int) -> bool:
    """Whether some tokens are one expression in parentheses."""
    depth = 0
    for at in range(first, last + 1):
        depth += (tokens[at][0] == "LPAR") - (tokens[at][0] == "RPAR")
        if depth == 0:
            return at == last
    return False


def _names_layer(slip: Slip) -> bool:
    """Whether a layer follows a sign after the first word of a statement: `x = conv 8 3x3`."""
    if slip.kind_at(1) != "NAME":
        return False
    return slip.kind_at(2) in (*VALUES, "SLASH") or _is_layer(slip.text(1))


def _is_layer(word: str) -> bool:
    """Whether a word is one of the layers that other tools have as well: no more is known here."""
    from cnndsl.foreign.table import WORDS

    return word in WORDS


def _named_behind(slip: Slip, name: str) -> Fix | None:
    """The fix that puts a name from before a statement behind it, with `as`."""
    tokens, at, depth = slip.tokens, slip.position + 1, 0
    first = tokens[at][1]
    while tokens[at][0] != "$END":
        kind = tokens[at][0]
        if kind in ("BAD", "AS") and not depth:
            return None
        if depth == 0 and (kind in ("_SEP", "VBAR", "RBRACE")):
            break
        depth += (kind == "LBRACE") - (kind == "RBRACE")
        at += 1
    end = tokens[at - 1][2]
    label = Edit(Span(slip.tokens[slip.first][1], first), "")
    if _is_layer(name) or name in SIZES or name in FUNCTIONS:  # names nothing else
        return Fix(Message("leave {text} out", text=shorten(name)), (label,), safe=True)
    edits = (label, Edit(Span(end, end), f" as {name}"))
    return Fix(Message("name it by `as {name}`", name=name), edits, safe=True)


def _let_layer(slip: Slip) -> Words | None:
    """`let x = conv 8 3x3`."""
    if slip.first_kind() != "LET" or slip.position != slip.first + 4 or slip.kind_at(-2) != "EQUAL":
        return None
    if slip.kind not in (*VALUES, "SLASH", "LBRACE") or not _is_layer(slip.text(-1)):
        return None
    name = slip.text(-3)
    help_ = Message("a layer gets a name at its end: write `as {name}` behind it", name=name)
    fix = _named_behind(slip._replace(position=slip.position - 2), name)
    return Words(slip.message(), help_, fix)


def _bullet(slip: Slip) -> Words | None:
    """`- conv 8 3x3`."""
    if slip.position != slip.first or slip.kind not in ("MINUS", "STAR", "PLUS"):
        return None
    if slip.kind_at(1) != "NAME" or not slip.source.text[slip.span.end].isspace():
        return None
    help_ = Message("a statement begins with a keyword or a layer's name")
    end = slip.span_at(1).start
    return Words(slip.message(), help_, slip.replace("", Span(slip.span.start, end)))


def _label(slip: Slip) -> Words | None:
    """`conv1: conv 32 3x3`, and `conv: 32 3x3`."""
    if slip.kind != "COLON" or slip.position != slip.first + 1 or slip.kind_at(-1) != "NAME":
        return None
    name = slip.text(-1)
    message = Message("expected an argument, found `:`")
    if _names_layer(slip):
        help_ = Message("a layer gets a name at its end: write `as {name}` behind it", name=name)
        return Words(message, help_, _named_behind(slip, name))
    if slip.kind_at(1) in (*VALUES, "SLASH", "LPAR"):
        spaced = slip.source.text[slip.span.end : slip.span.end + 1].isspace()
        help_ = Message("arguments follow the word of the layer: leave the `:` out")
        return Words(message, help_, slip.replace("" if spaced else " "))
    return None


def _arrow(slip: Slip) -> Words | None:
    """`conv 8 3x3 -> pool 2`."""
    text = slip.source.text
    for start in (slip.span.start, slip.span_at(-1).start if slip.position else 0):
        found = re.compile(r"[-=]{1,3}>|>>").match(text, start)
        if found and found.end() > slip.span.start:
            message = Message("expected a new line or `;`, found {text}", text=shorten(found[0]))
            help_ = Message("layers follow one another on lines of their own, or with `;` between")
            return Words(message, help_, arrows(text, start), Span(*found.span()))
    return None


def _loop(slip: Slip) -> Words | None:
    """`for i in range(3):`."""
    start = slip.tokens[slip.first][1]
    found = loop(slip.source.text, start)
    return found if found and found.span and found.span.end >= slip.span.start else None


def _brace(slip: Slip) -> Words | None:
    """A `{` on the line after its statement, or after a `;`."""
    help_ = Message("a `{{` stands on the line of its statement")
    if slip.kind == "_SEP" and brace_on_next_line(slip.tokens, slip.position, slip.states):
        before, brace = slip.tokens[slip.position - 1], slip.tokens[slip.position + 1]
        between = Span(before[2], brace[1])
        fix = Fix(Message("join the two"), (Edit(between, " "),), safe=True)
        has_comment = "#" in slip.source.text[between.start : between.end]
        message = Message("expected `{{`, found {found}", found=slip.found())
        return Words(message, help_, None if has_comment else fix)
    if slip.kind == "LBRACE" and slip.expects("NET"):
        return Words(Message("expected a statement, found `{{`"), help_)
    return None


KNOWN: tuple[Callable[[Slip], Words | None], ...] = (
    _loop,
    _arrow,
    _label,
    _let_layer,
    _bullet,
    _else,
    _brace,
    _called,
    _comma,
    _piece,
    _trailing_comma,
    _equal,
    _chained,
    _percent,
    _expression,
    _spaced_name,
    _next_statement,
    _keyword,
    _parameters,
    _hyphen,
    _after_alias,
    _comment,
    _range,
)


_USAGE = {
    "NET": Message("a net is named once: `net vgg16`"),
    "INPUT": Message("an input has a size and can have a name: `input 224x224x3 as image`"),
    "ROUNDING": Message("write `rounding exact`, `rounding floor` or `rounding ceil`"),
    "DEFAULTS": Message("write `defaults keras` or `defaults torch`"),
    "FROM": Message("a tensor is taken up again by its name: `from stem`"),
    "LET": Message("a constant is defined by `let width = 64`"),
    "PARAM": Message("a parameter is defined by `param width = 64`"),
    "EXPECT": Message("a promise compares: `expect params <= 5M`"),
    "REPEAT": Message("a repetition has a count and a body: `repeat 3 {{ conv 64 3x3 }}`"),
    "IF": Message("a choice has a test and a body: `if C != 64 {{ conv 64 1 }}`"),
    "BLOCK": Message("a block has parameters and a body: `block unit(n) {{ conv n 3x3; bn }}`"),
    "HEAD": Message("a head has a name and a body: `head scores {{ dense 10 }}`"),
}


def unexpected(source: Source, tokens: list[Token], position: int, states: list[int]) -> Diagnostic:
    """The diagnostic for a token that cannot stand where it stands."""
    slip = Slip(source, tokens, position, stretch_of(tokens, position), states)
    words = next(filter(None, (rule(slip) for rule in KNOWN)), None) or _generic(slip)
    span = words.span or slip.span
    if slip.kind in BOUNDARIES and position > 0 and words.span is None:
        if slip.at_end() or "\n" in slip.text():
            span = slip.span_at(-1)  # what the missing thing should follow
        else:
            span = Span(span.start, span.start + 1)
    fixes = (words.fix,) if words.fix else ()
    return Diagnostic("E002", source, span, words.message, words.help, fixes=fixes)


def _generic(slip: Slip) -> Words:
    help_ = _USAGE.get(slip.first_kind(), NOTHING)
    if slip.kind == "COLON" and slip.expects("LBRACE"):
        help_ = Message("a body stands in braces")
        start, end = slip.tokens[slip.first][1], slip.span.end
        last = end_of_indented(slip.source.text, start, end)
        if last is not None:
            indent = slip.source.text[slip.source.line_start(start) : start]
            edits = (Edit(slip.span, " {"), Edit(Span(last, last), f"\n{indent}}}"))
            fix = Fix(Message("write braces around the body"), edits, safe=True)
            return Words(slip.message(), help_, fix)
    elif slip.kind == "NAME" and slip.first_kind() in ("INPUT", "LET", "PARAM", "EXPECT"):
        if slip.expects("_SEP"):
            help_ = Message("separate two statements by a new line or `;`")
    elif slip.kind in ("AND", "OR") and slip.first_kind() == "EXPECT":
        help_ = Message("a promise makes one comparison; write an `expect` for each")
    elif slip.text() == "in" and slip.first_kind() == "REPEAT":
        help_ = Message(
            "a count comes first, and then the name of the index: `repeat 3 as i {{ … }}`"
        )
    elif slip.expects("NET"):
        help_ = Message("a statement begins with a keyword or a layer's name")
    elif slip.kind == "AS" and slip.expects("_SEP"):
        help_ = Message("only inputs, layers, `repeat` and `if` can be named with `as`")
    elif not help_ and slip.expects("RPAR", "COMMA"):
        help_ = Message("values in parentheses are joined by an operator, or separated by `,`")
        if slip.kind == "EQUAL":
            help_ = Message("arguments stand without parentheses: `conv 20 4x4 pad=1`")
    elif not help_ and slip.in_arguments():
        help_ = Message("arguments are values, words, `key=value` and `/stride`, side by side")
    return Words(slip.message(), help_)
