"""A comparison as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable

from cnndsl.comparison.side_by_side import Comparison, figure, plain, ratio
from cnndsl.diagnostics.harmless import to_json
from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.diagnostics.render import printable
from cnndsl.lang import Words
from cnndsl.lang import words as words_of
from cnndsl.tables.plain_table import markdown_table, text_table


def as_text(comparison: Comparison, words: Words | None = None) -> str:
    """The table for a terminal, and what is to be said about it in sentences."""
    words = words or words_of()
    sentences = "".join(f"{printable(sentence)}\n" for sentence in verdicts(comparison, words))
    table = text_table(*_lines(comparison, str, words))
    return table + (f"\n{sentences}" if sentences else "")


def as_markdown(comparison: Comparison, words: Words | None = None) -> str:
    """The table for a document, and what is to be said about it in sentences."""
    words = words or words_of()
    sentences = [f"\n{escaped(sentence)}.\n" for sentence in verdicts(comparison, words)]
    return markdown_table(*_lines(comparison, code, words)) + "".join(sentences)


def verdicts(comparison: Comparison, words: Words) -> list[str]:
    """How the first network's parameters compare with those of each other, a sentence each.

    Where layers of other kinds keep weights, one more says that they are counted.
    """
    key = "params" if comparison.counted == "all" else "weights"
    first, *others = (getattr(each, key) for each in comparison.measures)
    sentences = []
    for name, count in zip(comparison.names[1:], others, strict=True):
        names = {"first": comparison.names[0], "second": name}
        said = words.say(f"compare.{key}", **names, one=f"{first:,}", other=f"{count:,}")
        if first and count:
            times = plain(max(first, count) / min(first, count))
            fewer = "fewer" if count % first else "part"
            way = "share" if times == "1" else fewer if first < count else "more"
            share = plain(100 * first / count)
            said = words.say(f"compare.{way}", said=said, share=share, times=times)
        sentences.append(said)
    return sentences + [words["weights.counted"]] * comparison.others


def _lines(
    comparison: Comparison, name: Callable[[str], str], words: Words
) -> tuple[list[list[str]], list[bool]]:
    """The lines of the table, and which columns stand flush right."""
    first, *others = map(name, comparison.names)
    lines = [["", first, *others, *(words.say("compare.of", name=other) for other in others)]]
    for line in comparison.lines:
        cells = (figure(line.key, value) for value in line.values)
        lines.append([words[f"measure.{line.key}"], *cells, *map(ratio, line.ratios)])
    return lines, [False, *(True for _ in lines[0][1:])]


def as_json(comparison: Comparison) -> str:
    """The measures of every net by name, all of them, and the first's ratios to the others.

    Memory is in bytes, a ratio a fraction (0.061 is 6.1%) or null.
    """
    nets = [
        {"name": name, **measure._asdict()}
        for name, measure in zip(comparison.names, comparison.measures, strict=True)
    ]
    ratios = {
        line.key: line.ratios
        for line in comparison.lines
        if all(isinstance(value, int) for value in line.values)
    }
    return to_json({"nets": nets, "ratios": ratios})
