"""Expressions and arguments in canonical form, as pieces that know where they stood."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

from cnndsl.syntax import nodes
from cnndsl.syntax.format_lines import Lines, Places
from cnndsl.syntax.nodes import Argument, Comment, Expr

Piece: TypeAlias = tuple[int, str]
"""A piece of text and the offset that it had; a space has none."""

SPACE: Piece = (-1, " ")

# What can stand somewhere without parentheses: one atom, a sum, anything; and OPERAND,
# where they stay if they are there, since they may help the reader.
ATOM, OPERAND, SUM, TEST = range(4)

_LOOSE = ("==", "!=", "<", "<=", ">", ">=", "and", "or")


class Expressions:
    """Writes expressions as pieces."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def argument(self, out: list[Piece], argument: Argument) -> None:
        """Write an argument of a layer."""
        start = argument.span.start
        if isinstance(argument, nodes.Stride):
            out.append((start, "/"))
            start += 1
        elif isinstance(argument, nodes.Keyword):
            out.append((start, self.text(argument.key) + "="))
            start = argument.key.span.end
        self.add(out, argument.value, ATOM, start)

    def parameters(self, parameters: Sequence[nodes.Parameter], at: int) -> list[Piece]:
        """The parameters of a block, in parentheses; `at` is the end of its name."""
        places = self.places
        out = [(places.find("LPAR", at), "(")]
        for index, parameter in enumerate(parameters):
            if index:
                out += [(places.find("COMMA", at), ","), SPACE]
            out.append((parameter.span.start, self.text(parameter.name)))
            if parameter.default is not None:
                at = parameter.name.span.end
                out.append((places.find("EQUAL", at), "="))
                self.add(out, parameter.default, TEST, at)
            at = parameter.span.end
        out.append((places.find("RPAR", at), ")"))
        return out

    def text(self, node: nodes.Name | nodes.Number | nodes.Size) -> str:
        """A name, number or size as it is written."""
        return self.places.text[node.span.start : node.span.end]

    def add(self, out: list[Piece], node: Expr, level: int, start: int) -> None:
        """Write an expression that stands after an offset, in parentheses if need be."""
        places = self.places
        opened: list[int] = []
        if "(" in places.text[start : node.span.start]:
            opened = places.parentheses_before(node.span.start, start)
        if opened:
            closing = places.closing(node.span.end, len(opened))
            if _needs_parentheses(node, level) or places.has_comment(opened[0], closing):
                out.append((opened[0], "("))
                self._add(out, node, TEST)
                out.append((closing, ")"))
                return
        self._add(out, node, level)

    def _add(self, out: list[Piece], node: Expr, level: int) -> None:
        start, end = node.span
        match node:
            case nodes.Number():
                out.append((start, "".join(self.text(node).split())))
            case nodes.Size():
                out.append((start, self.text(node).replace("×", "x")))
            case nodes.Name():
                out.append((start, self.text(node)))
            case nodes.Tuple(_, items):
                size = self._as_size(node)
                if size:
                    out.append((start, size))
                else:
                    out.append((start, "("))
                    self._items(out, items, start + 1)
                    out.append((end - 1, ")"))
            case nodes.Range(_, first, last):
                self._range(out, first, last, start, ATOM if level == ATOM else TEST)
            case nodes.Unary(_, op, operand, _):
                out.append((start, op))
                if op == "not":
                    out.append(SPACE)
                self.add(out, operand, OPERAND, start + len(op))
            case nodes.Binary():
                spaced = _is_mixed(node) if _is_sum(node) else node.op in _LOOSE
                self._binary(out, node, spaced)
            case nodes.Call(_, function, arguments, _):
                out.append((start, self.text(function)))
                opening = self.places.find("LPAR", function.span.end)
                out.append((opening, "("))
                self._items(out, arguments, opening + 1)
                out.append((end - 1, ")"))

    def _items(self, out: list[Piece], items: Sequence[Expr], at: int) -> None:
        for index, item in enumerate(items):
            if index:
                comma = self.places.find("COMMA", at)
                out += [(comma, ","), SPACE]
                at = comma + 1
            self.add(out, item, TEST, at)
            at = item.span.end

    def _range(self, out: list[Piece], first: Expr, last: Expr, start: int, level: int) -> None:
        begin: list[Piece] = []
        end: list[Piece] = []
        self.add(begin, first, level, start)
        colon = self.places.find("COLON", first.span.end)
        self.add(end, last, level, colon + 1)
        # 1:2x3 would be one word, a size.
        words = begin[-1][1].lstrip("-"), end[0][1]
        is_size = all(word[0].isdigit() for word in words) and "x" in "".join(words)
        spaces = [SPACE] if is_size else []
        out += [*begin, *spaces, (colon, ":"), *spaces, *end]

    def _binary(self, out: list[Piece], node: nodes.Binary, spaced: bool) -> None:
        left = node.left
        joined = _is_sum(node) and left.span.start == node.span.start
        if joined and isinstance(left, nodes.Binary) and _is_sum(left):
            self._binary(out, left, spaced)  # a + b + c is spaced as one
        else:
            self.add(out, left, OPERAND, node.span.start)
        at = self.places.end_of_parentheses(left.span.end)
        operator = self.places.next_start(at)
        out += [SPACE, (operator, node.op), SPACE] if spaced else [(operator, node.op)]
        self.add(out, node.right, OPERAND, operator + len(node.op))

    def _as_size(self, node: nodes.Tuple) -> str:
        """`4x4` for `(4, 4)`; "" where the items are not plain numbers."""
        if self.places.has_comment(*node.span):
            return ""
        words = []
        for item in node.items:
            first, last = (item.begin, item.end) if isinstance(item, nodes.Range) else (item, None)
            if not isinstance(first, nodes.Number) or not _is_plain(self.text(first)):
                return ""
            words.append(self.text(first))
            if last is not None:
                if not isinstance(last, nodes.Number) or not self.text(last).isdigit():
                    return ""
                words[-1] += ":" + self.text(last)
        return "x".join(words)

    def flow(self, pieces: list[Piece], start: int, end: int, lines: Lines, indent: int) -> None:
        """Write pieces with the comments among them, all of which stand in parentheses.

        A line ends after a comment, and wherever one ended inside those parentheses.
        """
        places = self.places
        offsets = sorted(offset for offset, _ in pieces if offset >= 0)
        comments: dict[int, list[Comment]] = {}
        for comment in places.comments_in(start, end):
            owner = offsets[bisect_left(offsets, comment.span.start) - 1]
            comments.setdefault(owner, []).append(comment)
        depth, space, break_ = 0, False, False
        for offset, text in pieces:
            if offset < 0:
                space = True
                continue
            if break_:
                lines.break_line(indent + (text != ")"))
            elif space:
                lines.write(" ")
            lines.write(text)
            space = break_ = False
            depth += (text == "(") - (text == ")")
            for comment in comments.get(offset, ()):
                if break_ or places.is_alone(comment):
                    lines.break_line(indent + 1)
                lines.comment(comment.text, places.place(comment))
                break_ = True
            following = bisect_left(offsets, offset) + 1
            if depth and following < len(offsets):
                break_ = break_ or places.newlines(offset, offsets[following]) > 0


def _needs_parentheses(node: Expr, level: int) -> bool:
    if isinstance(node, nodes.Call):
        return level == ATOM
    if not isinstance(node, (nodes.Binary, nodes.Unary)) or level == TEST:
        return False
    return level != SUM or node.op in _LOOSE or node.op == "not"


def _is_sum(node: Expr) -> bool:
    return isinstance(node, nodes.Binary) and node.op in ("+", "-")


def _is_mixed(node: nodes.Binary) -> bool:
    """Whether a sum has a part with an operator of its own, outside of parentheses."""
    while True:
        if node.right.span.end == node.span.end and _has_operator(node.right):
            return True
        left = node.left
        if left.span.start != node.span.start:
            return False
        if not isinstance(left, nodes.Binary) or left.op not in ("+", "-"):
            return _has_operator(left)
        node = left


def _has_operator(node: Expr) -> bool:
    return isinstance(node, (nodes.Binary, nodes.Unary))


def _is_plain(number: str) -> bool:
    return number.replace("_", "").isdigit()
