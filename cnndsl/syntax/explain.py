"""What to say of a token that cannot stand where it stands.

First the slips that are known well (`slips.py`); for the rest, what the parser's tables
would have taken.
"""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.source import Source, Span
from cnndsl.syntax.bad_words import Words
from cnndsl.syntax.layout import BOUNDARIES, Token
from cnndsl.syntax.slips import KNOWN, Slip

_USAGE = {
    "NET": "a net is named once: `net vgg16`",
    "INPUT": "an input has a size and can have a name: `input 224x224x3 as image`",
    "ROUNDING": "write `rounding exact`, `rounding floor` or `rounding ceil`",
    "DEFAULTS": "write `defaults keras` or `defaults torch`",
    "FROM": "a tensor is taken up again by its name: `from stem`",
    "LET": "a constant is defined by `let width = 64`",
    "PARAM": "a parameter is defined by `param width = 64`",
    "EXPECT": "a promise compares: `expect params <= 5M`",
    "REPEAT": "a repetition has a count and a body: `repeat 3 { conv 64 3x3 }`",
    "IF": "a choice has a test and a body: `if C != 64 { conv 64 1 }`",
    "BLOCK": "a block has parameters and a body: `block unit(n) { conv n 3x3; bn }`",
    "HEAD": "a head has a name and a body: `head scores { dense 10 }`",
}


def unexpected(source: Source, tokens: list[Token], position: int, states: list[int]) -> Diagnostic:
    """The diagnostic for a token that cannot stand where it stands."""
    first = position
    while first > 0 and tokens[first - 1][0] not in BOUNDARIES:
        first -= 1
    slip = Slip(source, tokens, position, first, states)
    words = next(filter(None, (rule(slip) for rule in KNOWN)), None) or _generic(slip)
    span = words.span or slip.span
    if slip.kind in BOUNDARIES and position > 0 and words.span is None:
        if slip.at_end() or "\n" in slip.text():
            _, start, end = tokens[position - 1]  # what the missing thing should follow
            span = Span(start, end)
        else:
            span = Span(span.start, span.start + 1)
    fixes = (words.fix,) if words.fix else ()
    return Diagnostic("E002", source, span, words.message, words.help, fixes=fixes)


def _generic(slip: Slip) -> Words:
    help_ = _USAGE.get(slip.first_kind(), "")
    if slip.kind == "COLON" and slip.expects("LBRACE"):
        help_ = "a body stands in braces"
    elif slip.kind == "NAME" and slip.first_kind() in ("INPUT", "LET", "PARAM", "EXPECT"):
        if slip.expects("_SEP"):
            help_ = "separate two statements by a new line or `;`"
    elif slip.kind in ("AND", "OR") and slip.first_kind() == "EXPECT":
        help_ = "a promise makes one comparison; write an `expect` for each"
    elif slip.text() == "in" and slip.first_kind() == "REPEAT":
        help_ = "a count comes first, and then the name of the index: `repeat 3 as i { … }`"
    elif slip.expects("NET"):
        help_ = "a statement begins with a keyword or a layer's name"
    elif slip.kind == "AS" and slip.expects("_SEP"):
        help_ = "only inputs, layers, `repeat` and `if` can be named with `as`"
    elif not help_ and slip.expects("RPAR", "COMMA"):
        help_ = "values in parentheses are joined by an operator, or separated by `,`"
        if slip.kind == "EQUAL":
            help_ = "arguments stand without parentheses: `conv 20 4x4 pad=1`"
    elif not help_ and slip.in_arguments():
        help_ = "arguments are values, words, `key=value` and `/stride`, side by side"
    return Words(f"expected {slip.expected()}, found {slip.found()}", help_)
