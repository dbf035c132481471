"""`cnndsl audit`: the tables of posts, judged by the nets that they speak of."""

from __future__ import annotations

from cnndsl.cli.commands import nets
from cnndsl.cli.terminal.files import STDIN, FileError, display_name, read_marked, write_files
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network

COMMAND = Command(
    "audit",
    "POST.md…",
    "say which cells of a post's tables are false",
    "Judge the tables, summaries and lists of posts in Markdown: what each cell says of a layer,\n"
    "against what the net is. The net is that of --net, or the nearest block `cnn` before the\n"
    "table, or else the post's own code for Keras or PyTorch, which is read and never run.\n"
    "Columns and layers may be called as posts call them, in English and Korean. What cannot\n"
    "be lined up with the net is named and left, and so is running text.\n"
    "Exit 1 where something is false, or where there is no net to judge a table by.",
    (
        Option("net", "judge by the net of this file, not by the post's own", "word", "NET.cnn"),
        nets.format_option(
            "text for people (the default), json for programs: a list of what\n"
            "is false; github for annotations",
            *("text", "json", "github"),
        ),
        Option(
            "fix",
            "write what is right into the cells, in their form, and leave every\n"
            "other byte; `-` goes from standard input to standard output",
        ),
        LANG,
        *nets.NET,
    ),
    ("cnndsl audit post.md", "cnndsl audit posts/ --net article.cnn --format json"),
)


def run(arguments: Arguments) -> int:
    return nets.answered(lambda: _run(arguments))


def _run(arguments: Arguments) -> int:
    from cnndsl.api import examine
    from cnndsl.audit import audit
    from cnndsl.cli.commands.import_ import size as input_size
    from cnndsl.cli.terminal.output import data, err, out
    from cnndsl.diagnostics.diagnostic import label
    from cnndsl.diagnostics.message import Message, said
    from cnndsl.diagnostics.render import place, printable, sort_key
    from cnndsl.quickfix.apply import apply_edits

    posts, form = nets.named_files(arguments, ".md"), arguments.get("format") or "text"
    (_, size, limit), lang = nets.asked(arguments), language(arguments, posts)
    fix = arguments.has("fix")
    if fix and form != "text":
        raise UsageError("--fix writes what is right: it goes with no --format")
    shape = input_size(size) if size is not None else None
    net, code = _net(arguments)
    if code:
        return code
    found: list[Diagnostic] = []
    left: list[str] = []
    unreadable: list[tuple[str, str]] = []
    written: dict[str, str | bytes] = {}
    for path in posts:
        try:
            mark, source, problems = read_marked(path)
        except FileError as error:
            unreadable.append((display_name(path), str(error)))
            continue
        found += problems
        if problems:
            continue
        audited = audit(source, lambda text: examine(text, limit=limit), net, shape)
        found += [*audited.problems, *audited.findings]
        edits = [edit for each in audited.findings for edit in each.fixes[0].edits]
        if fix and (edits or path == STDIN):
            written[path] = mark + apply_edits(source.text, edits)
        for span, message in audited.notes:
            where = place(source, span.start, lang)
            left.append(printable(f"{where}: {label('note', lang)}: {said(message, lang)}") + "\n")
    if (mended := written.pop(STDIN, None)) is not None:
        data(mended)
    write_files(written)
    false = [each for each in found if each.code == "E502"]
    shown = sorted((each for each in found if each.code != "E502" or not fix), key=sort_key)
    _show(form, shown, unreadable, lang, err if fix else out)
    (err if fix or form != "text" else out)("".join(left))
    if form == "text":
        counts = {"cells": len(false), "posts": len(posts) - len(unreadable)}
        summary = Message("false cells: {cells:,}, posts: {posts:,}", **counts)
        if fix:
            summary = Message("cells written: {cells:,}, posts: {posts:,}", **counts)
        (err if fix else out)(f"{said(summary, lang)}\n")
    return 2 if unreadable else int(nets.has_errors(shown))


def _net(arguments: Arguments) -> tuple[Network | None, int]:
    """The net of `--net`, or None without it; and the exit code where it cannot be had."""
    path = arguments.get("net")
    if path is None and arguments.has("set"):
        raise UsageError("--set goes with --net")
    if path == STDIN and STDIN in arguments.operands:
        raise UsageError("only one of the net and the posts can be standard input")
    networks, code = nets.networks_of(arguments, [path]) if path is not None else ([], 0)
    return (networks[0] if networks else None), code


def _show(
    form: str,
    found: list[Diagnostic],
    unreadable: list[tuple[str, str]],
    lang: str,
    write: Callable[..., None],
) -> None:
    """Print what is false, and what keeps posts from being judged, in a format."""
    import sys

    from cnndsl.cli.terminal.output import data
    from cnndsl.diagnostics.message import said

    if form == "text":
        write(nets.show_diagnostics(found, sys.stdout, lang), painted=True)
    elif form == "github":
        from cnndsl.cli.terminal.formats import bare_report
        from cnndsl.diagnostics.render_github import render_report

        data(render_report(bare_report(found, unreadable, lang)))
    else:
        from cnndsl.diagnostics.harmless import to_json

        rows = []
        for each in (each for each in found if each.code == "E502"):
            place = dict(zip(("line", "column"), each.source.position(each.span.start)))
            values = {key: each.message.values.get(key, "") for key in ("says", "should")}
            why = said(each.notes[0].message, lang)
            rows.append({"file": each.source.name, **place, **values, "why": why})
        data(to_json(rows))
        nets.tell([each for each in found if each.code != "E502"], lang=lang)
    nets.tell([], [message for _, message in unreadable])
