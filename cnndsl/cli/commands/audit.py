"""`cnndsl audit`: the tables of posts, judged by the nets that they speak of."""

from __future__ import annotations

from cnndsl.cli.commands.nets import NET, answered, asked, format_option, has_errors, named_files
from cnndsl.cli.terminal.files import STDIN, FileError, display_name, read_marked, write_files
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
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
        format_option(
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
        *NET,
    ),
    ("cnndsl audit post.md", "cnndsl audit posts/ --net article.cnn --format json"),
)


def run(arguments: Arguments) -> int:
    return answered(lambda: _run(arguments))


def _run(arguments: Arguments) -> int:
    from cnndsl.api import examine
    from cnndsl.audit import audit
    from cnndsl.cli.commands.import_ import size as input_size
    from cnndsl.cli.terminal.output import data
    from cnndsl.diagnostics.diagnostic import label
    from cnndsl.diagnostics.message import said
    from cnndsl.diagnostics.render import place
    from cnndsl.quickfix.apply import apply_edits

    posts = named_files(arguments, ".md")
    (_, size, limit), lang, fix = asked(arguments), language(arguments, posts), arguments.has("fix")
    shape = input_size(size) if size is not None else None
    net, code = _net(arguments)
    if code:
        return code
    found: list[Diagnostic] = []
    notes: list[str] = []
    unreadable: list[tuple[str, str]] = []
    written: dict[str, str | bytes] = {}
    fixed = read = 0
    for path in posts:
        try:
            mark, source, problems = read_marked(path)
        except FileError as error:
            unreadable.append((display_name(path), str(error)))
            continue
        read += 1
        found += problems
        if problems:
            continue
        audited = audit(source, lambda text: examine(text, size=size, limit=limit), net, shape)
        found += audited.problems
        found += audited.findings if not fix else ()
        if fix and (audited.findings or path == STDIN):
            fixed += len(audited.findings)
            edits = [edit for each in audited.findings for edit in each.fixes[0].edits]
            written[path] = mark + apply_edits(source.text, edits)
        for span, message in audited.notes:
            where = place(source, span.start, lang)
            notes.append(f"{where}: {label('note', lang)}: {said(message, lang)}")
    piped = written.pop(STDIN, None)
    write_files(written)
    if piped is not None:
        data(piped)
    _show(arguments, found, notes, lang, piped is not None, unreadable, (fixed, read))
    return 2 if unreadable else int(has_errors(found))


def _net(arguments: Arguments) -> tuple[Network | None, int]:
    """The net of `--net`, or None without it; and the exit code where it cannot be had."""
    from cnndsl.cli.commands.nets import networks_of

    path = arguments.get("net")
    if path is None and arguments.has("set"):
        raise UsageError("--set goes with --net")
    if path == STDIN and STDIN in arguments.operands:
        raise UsageError("only one of the net and the posts can be standard input")
    networks, code = networks_of(arguments, [path]) if path is not None else ([], 0)
    return (networks[0] if networks else None), code


def _show(
    arguments: Arguments,
    found: list[Diagnostic],
    notes: list[str],
    lang: str,
    piped: bool,
    unreadable: list[tuple[str, str]],
    counts: tuple[int, int],
) -> None:
    """Print what is false in the format that is asked for, and what was left."""
    import sys

    from cnndsl.cli.commands.nets import show_diagnostics, tell
    from cnndsl.cli.terminal.output import data, data_aside, err, out
    from cnndsl.diagnostics.message import Message, said
    from cnndsl.diagnostics.render import printable, sort_key

    found.sort(key=sort_key)
    form, left = arguments.get("format") or "text", "".join(f"{printable(n)}\n" for n in notes)
    false = [each for each in found if each.code == "E502"]
    if form == "text":
        write, stream = (err, sys.stderr) if piped else (out, sys.stdout)
        write(show_diagnostics(found, stream, lang), painted=True)
        cells, posts = counts
        summary = Message("false cells: {cells:,}, posts: {posts:,}", cells=len(false), posts=posts)
        if arguments.has("fix"):
            summary = Message(
                "cells written: {cells:,}, posts: {posts:,}", cells=cells, posts=posts
            )
        write(f"{left}{said(summary, lang)}\n")
    elif form == "json":
        from cnndsl.diagnostics.harmless import to_json

        rows = []
        for each in false:
            line, column = each.source.position(each.span.start)
            says = {key: each.message.values[key] for key in ("says", "should")}
            why = said(each.notes[0].message, lang)
            place = {"file": each.source.name, "line": line, "column": column}
            rows.append({**place, **says, "why": why})
        (data_aside if piped else data)(to_json(rows))
        tell([each for each in found if each.code != "E502"], lang=lang)
        err(left)
    else:
        from cnndsl.cli.terminal.formats import bare_report
        from cnndsl.diagnostics.render_github import render_report

        (data_aside if piped else data)(render_report(bare_report(found, unreadable, lang)))
        err(left)
    tell([], [message for _, message in unreadable])
