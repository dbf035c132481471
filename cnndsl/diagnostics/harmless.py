"""Texts of which a terminal, or what reads a log, obeys nothing.

What comes from a file, or is the name of one, may hold control characters, and commands of a
service that runs tests: GitHub obeys a line that begins with `::` behind blanks, and `##[` at
any place of a line; `##vso[` and `##teamcity[` are words of others. All of that is escaped, in
the way of the text that it stands in, so that it can be read and does nothing.
"""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.render import printable


def harmless(text: str) -> str:
    """A text of lines for people, wherever it is shown."""
    return without_commands(visible(text))


def visible(text: str) -> str:
    """A text of lines for a terminal; tabs stay, and a carriage return at the end of a line."""
    *lines, last = text.split("\n")
    shown = [_line(line[:-1]) + "\r" if line.endswith("\r") else _line(line) for line in lines]
    return "\n".join([*shown, _line(last)])


def _line(line: str) -> str:
    return "\t".join(map(printable, line.split("\t")))


def without_commands(text: str, colon: str = "\\x3a", mark: str = "\\x23") -> str:
    """A text of lines in which nothing is a command; `colon` and `mark` escape a `:` and a `#`."""
    if "##" in text or "::" in text:
        import re

        text = re.sub(r"(?m)^([ \t]*):(?=:)", lambda found: found[1] + colon, text)
        text = re.sub(r"##(?=\w*\[)", lambda found: "#" + mark, text)
    return text


def to_json(value: Any) -> str:
    """The text of a JSON file that holds a value; the same to whom reads it as JSON."""
    import json

    return json_escaped(json.dumps(value, ensure_ascii=False, indent=2)) + "\n"


def json_escaped(text: str) -> str:
    """A text of JSON with what stands in its strings escaped."""
    shown = "\n".join(printable(line, _in_json) for line in text.split("\n"))
    return without_commands(shown, mark="\\u0023")


def _in_json(point: int) -> str:
    if point < 0x10000:
        return f"\\u{point:04x}"
    high, low = divmod(point - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def xml_escaped(text: str) -> str:
    """A text of XML with what is not to be seen as references; all of it has to be legal."""
    shown = "\n".join(printable(line, "&#{};".format) for line in text.split("\n"))
    return without_commands(shown, "&#58;", "&#35;")
