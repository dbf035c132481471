"""Every code that a diagnostic can have. Each has a page, `pages/CODE.md`.

E0 is about the text, E1 about names and arguments, E2 about shapes, E3 about promises and
bounds, E4 about targets, E5 about documents, E6 about what is imported. W is what a rule
advises: the net is one, and perhaps not the one that was meant. W1 is about words that change
nothing, W2 about shapes and what is seen, W3 about training, W4 about style, W9 about the
checking itself: comments that ignore such advice, and what of cnndsl failed.
Whether a rule is on by default stands here, in its row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Severity: TypeAlias = Literal["error", "warning"]
else:
    Severity = str


class Code(NamedTuple):
    """A kind of diagnostic: its code, its name in words, what it says in a line.

    What is not on by `default` is said only where somebody selects it.
    """

    code: str
    name: str
    summary: str
    severity: Severity = "error"
    default: bool = True


def _advice(code: str, name: str, summary: str, *, default: bool = True) -> Code:
    return Code(code, name, summary, "warning", default)


CODES: dict[str, Code] = {
    row.code: row
    for row in (
        Code("E001", "bad-character", "a character that no word of the language begins with"),
        Code("E002", "syntax", "a word where another kind of word belongs"),
        Code("E003", "unbalanced", "a bracket or brace without its partner"),
        Code("E004", "bad-number", "a number that cannot be read, such as `4x` or `1e999`"),
        Code("E005", "too-deep", "brackets, blocks or operators nested deeper than the limit"),
        Code("E006", "not-text", "a file that is not UTF-8 text"),
        Code("E101", "unknown-layer", "a layer or block that nothing defines"),
        Code("E102", "unknown-argument", "an argument that the layer does not take"),
        Code("E103", "missing-argument", "an argument that the layer needs"),
        Code("E104", "repeated-argument", "an argument given twice, or once too often"),
        Code("E105", "bad-value", "a value of the wrong kind or out of range"),
        Code("E106", "unknown-name", "a name that nothing in sight defines"),
        Code("E107", "name-taken", "a name defined twice, or a word of the language redefined"),
        Code("E108", "conflict", "arguments that contradict each other"),
        Code("E109", "recursion", "a block that calls itself"),
        Code("E110", "bad-expression", "an expression that has no value"),
        Code("E111", "misplaced", "a statement where it cannot stand"),
        Code("E112", "no-input", "a net without `input` before its first layer"),
        Code("E113", "unused-set", "a `--set` that names no `param` of the file"),
        Code("E114", "dead-code", "a layer or input whose result nothing uses"),
        Code("E201", "size-not-whole", "an output size that is not a natural number"),
        Code("E202", "pool-not-multiple", "a pooled size that is not a multiple of the pool"),
        Code("E203", "size-below-one", "a window larger than what it looks at"),
        Code("E204", "wrong-rank", "a layer on a tensor of a rank it does not take"),
        Code("E205", "indivisible", "channels or sizes that do not divide as a layer divides them"),
        Code("E206", "merge-shapes", "paths whose shapes do not merge"),
        Code("E207", "reshape-size", "a reshape to another number of values"),
        Code(
            "E208",
            "out-of-range",
            "a slice outside the channels, a crop of everything, or a mirror that is too wide",
        ),
        Code(
            "E209", "unlike-weights", "a call of a shared block that cannot have the same weights"
        ),
        Code("E301", "expect-failed", "a promise of the file that the net does not keep"),
        Code("E302", "too-large", "a net, a number or a name beyond the limits"),
        Code("E401", "not-expressible", "a layer that the target cannot express"),
        Code("E501", "bad-region", "a region of a document that cannot be written"),
        Code("E502", "false-cell", "a cell of a post that is not what the net is"),
        Code("E503", "no-net", "a post whose tables have no net to be judged by"),
        Code("E601", "unknown-operation", "an operation that the language has no word for"),
        Code("E602", "unsayable-sharing", "shared weights that a file cannot say"),
        Code("E603", "branch-on-data", "a branch that depends on the data"),
        Code("E604", "unknown-size", "a size that the source does not say"),
        Code("E605", "unreadable-row", "a row of a summary or of a list of layers, not to be read"),
        Code("E606", "cannot-follow", "source code that cannot be followed without running it"),
        Code("E607", "refused", "a file or a part of it that is not safe, not known or damaged"),
        _advice("W101", "unused-let", "a constant that nothing reads"),
        _advice("W102", "unused-param", "a param that nothing reads"),
        _advice("W103", "unused-block", "a block that nothing calls"),
        _advice("W104", "unused-name", "a counter or a tensor's name that nothing reads"),
        _advice("W105", "unused-parameter", "a parameter that its block does not read"),
        _advice("W106", "shadowed-name", "a name that hides one from further out"),
        _advice("W107", "idle-rounding", "a rounding where every size comes out whole"),
        _advice("W108", "equal-paths", "a merge of a tensor with itself"),
        _advice("W109", "idle-layer", "a layer that gives what it gets"),
        _advice("W110", "repeat-once", "a loop that runs once, or never"),
        _advice("W111", "constant-condition", "a condition that the text alone decides"),
        _advice("W201", "skipped-pixels", "a stride larger than the kernel"),
        _advice("W202", "subsampling", "a kernel of 1 with a stride", default=False),
        _advice("W203", "gridding", "a stride and a dilation that have a factor in common"),
        _advice("W204", "lopsided-same", "an even kernel with `same`"),
        _advice("W205", "floor-drops", "pixels that `rounding floor` leaves out"),
        _advice("W206", "mostly-padding", "a kernel that sees more padding than image"),
        _advice("W207", "wide-padding", "a padding as wide as the kernel"),
        _advice("W208", "small-field", "a global pool over what sees little of the image"),
        _advice("W209", "global-pool", "a pool as large as its map"),
        _advice("W210", "uneven-overlap", "a `deconv` whose kernel is no multiple of the stride"),
        _advice("W211", "unpainted", "a `deconv` whose kernel is smaller than the stride"),
        _advice("W212", "heavy-dense", "a dense layer with over 80% of all parameters"),
        _advice("W213", "channels-first", "an image whose channels seem to come first"),
        _advice("W301", "bias-before-norm", "a bias that batch normalisation takes away again"),
        _advice("W302", "linear-pair", "two weighted layers without a non-linearity between"),
        _advice("W303", "softmax-inside", "a softmax before a layer with weights"),
        _advice("W304", "softmax-twice", "a softmax of a softmax"),
        _advice("W305", "activation-after-softmax", "another activation after softmax"),
        _advice("W306", "idle-activation", "an activation that changes nothing"),
        _advice("W307", "softmax-of-one", "a softmax over one channel"),
        _advice("W308", "dropout-last", "dropout after the last layer with weights"),
        _advice("W309", "dropout-before-norm", "dropout right before batch normalisation"),
        _advice("W310", "norm-twice", "a normalisation of what is normalised"),
        _advice("W311", "high-dropout", "dropout of 0.8 or more"),
        _advice("W401", "stride-or-division", "a stride that reads like a division"),
        _advice("W402", "block-used-once", "a block that the net has one of", default=False),
        _advice("W403", "uneven-channels", "channels that are no multiple of 8", default=False),
        _advice(
            "W404", "shared-tower", "a block for each input, with weights of its own", default=False
        ),
        _advice("W901", "unused-ignore", "a comment that ignores what is not found"),
        _advice("W902", "bad-ignore", "a comment that ignores no rule there is"),
        _advice("W903", "internal-error", "a rule that failed, which is a fault of cnndsl"),
    )
}


def on_by_default() -> frozenset[str]:
    """The codes that are said unless one asks for others."""
    return frozenset(row.code for row in CODES.values() if row.default)
