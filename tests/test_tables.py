"""Tables as Markdown, HTML, LaTeX and CSV: the same rows, and texts that stay texts."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import unicodedata
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import nets
import pytest
from conftest import few, need
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from running import run

import cnndsl
from cnndsl import Network
from cnndsl.contract import OptionError
from cnndsl.diagnostics.render import printable
from cnndsl.lang import LANGUAGES
from cnndsl.layers.source import call_of
from cnndsl.tables.cells import Verbatim, plain_value, readable
from cnndsl.tables.columns import COLUMNS
from cnndsl.tables.styles import STYLES, make
from cnndsl.targets import class_name, load

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ["article", "tutorial", "padding", "fully_connected", "resnet18", "two_outputs", "unet3d"]


def sample(name: str) -> Network:
    path = ROOT / "samples" / f"{name}.cnn"
    return cnndsl.check(path.read_text(encoding="utf-8"), file=f"{name}.cnn")


def generate(target: str, network: Network, **options: Any) -> str:
    made = load(target).generate(network, **options)
    assert isinstance(made, str)
    return made


# What a reader of each format sees: lists of cells, the first line being the titles.


class Reader(HTMLParser):
    """The cells of the tables in a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.lines.append([])
        elif tag in ("th", "td"):
            self.lines[-1].append("")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "th" in self.open or "td" in self.open:
            self.lines[-1][-1] += data


def seen_in_html(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in line] for line in Reader(page).lines]


def seen_in_markdown(text: str) -> list[list[str]]:
    """As CommonMark with tables, rendered."""
    return seen_in_html(MarkdownIt("commonmark").enable("table").render(text))


def seen_in_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def cells_of(network: Network, **options: Any) -> list[list[str]]:
    """What should be seen."""
    table = make(network, class_name, **options)
    lines = [[heading.title for heading in table.headings]]
    lines += [[readable(cell) for cell in row] for row in table.rows]
    if table.sums:
        lines.append(["" if cell is None else readable(cell) for cell in table.sums])
    return [[" ".join(cell.split()) for cell in line] for line in lines]


def test_a_wide_page_keeps_its_first_column() -> None:
    """And shows that there is more; so does the table alone."""
    network = cnndsl.check("input 9x9x1; conv 4 3; pool 7; flatten; dense 2")
    for fragment in (False, True):
        tags = Reader(generate("html", network, fragment=fragment)).tags
        (around,) = [str(given["style"]) for tag, given in tags if tag == "div"]
        assert "overflow-x:auto" in around and "no-repeat local" in around
        first = [cell for (tag, _), cell in pairwise(tags) if tag == "tr"]
        assert len(first) == 6 and all("sticky" in str(given["style"]) for _, given in first)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_all_formats_show_the_same_rows(name: str, lang: str, style: str) -> None:
    network = sample(name)
    options = {"style": style, "lang": lang}
    expected = cells_of(network, **options)
    assert seen_in_markdown(generate("markdown", network, **options)) == expected
    assert seen_in_html(generate("html", network, **options)) == expected
    table = make(network, class_name, **options)
    assert seen_in_csv(generate("csv", network, **options)) == [
        [heading.title for heading in table.headings],
        *([plain_value(cell) for cell in row] for row in table.rows),
    ]
    latex = generate("latex", network, **options)
    assert latex.count(" \\\\\n") == len(expected) + (len(table.rows) > 30)


# Columns and options


def test_columns_are_picked_by_their_keys() -> None:
    table = make(sample("article"), columns=["name", "multiply-adds", "weights", "biases"])
    assert [heading.title for heading in table.headings] == [
        "Name", "Multiply-adds", "Weights", "Biases"
    ]  # fmt: skip
    assert table.rows[0] == [Verbatim("conv1"), 322_560, 320, 20]
    assert table.sums == ["Total", 2_277_760, 64_320, 300]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_of_every_layer(lang: str) -> None:
    """No column fails on any layer; numbers are numbers; sums are sums."""
    for name in ("nasnet_mobile", "efficientnetb0", "unet3d", "ecg1d", "fully_connected"):
        for depth in (None, 1):
            table = make(sample(name), class_name, columns=list(COLUMNS), lang=lang, depth=depth)
            for index, key in enumerate(COLUMNS):
                found = [row[index] for row in table.rows]
                assert all(readable(cell) for cell in found)
                if COLUMNS[key].summed and key != "share":
                    assert table.sums[index] == sum(found)  # type: ignore[arg-type]


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"columns knows no `filtr`; did you mean `filter`\?"):
        make(sample("article"), columns=["layer", "filtr"])
    with pytest.raises(OptionError, match="knows no `qqq`; it knows layer, name, "):
        make(sample("article"), columns=["qqq"])
    with pytest.raises(OptionError, match="knows no `fr`; it knows en, ko"):
        make(sample("article"), lang="fr")
    with pytest.raises(OptionError, match="Keras counts biases"):
        make(sample("article"), style="keras", params="weights")


def test_weights_alone() -> None:
    """As the article counts: 64,320, in the table, the shares and the line above."""
    network = sample("article")
    text = generate("markdown", network, params="weights", style="full")
    assert "64,320 weights (biases not counted)" in text and "64,620" not in text
    assert "Share of weights" in text and "Share of parameters" not in text
    assert re.search(r"Fully connected .* 16,000 \| +24\.9% ", text)  # 16,000 / 64,320
    assert "가중치 64,320개(편향 제외)" in generate(
        "markdown", network, params="weights", lang="ko"
    )


def test_full_tells_the_memory_of_what_comes_out() -> None:
    table = make(sample("article"), columns=["output-shape", "memory"])
    assert table.rows[0][1] == 36 * 28 * 20 * 4
    folded = make(sample("resnet18"), columns=["name", "memory"], depth=1)
    whole = make(sample("resnet18"), columns=["name", "memory"])
    assert folded.sums == whole.sums


def test_names_are_shown_where_they_say_something() -> None:
    def titles(net: str) -> list[str]:
        return [heading.title for heading in make(cnndsl.check(net)).headings]

    assert "Name" not in titles("input 8x8x1; conv 2 3; pool 2")
    assert "Name" in titles("input 8x8x1; conv 2 3 as stem; pool 2")
    assert "Name" in titles("block b() { conv 2 3 }\ninput 8x8x1; b")


def test_the_document_lists_every_style_and_column() -> None:
    text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(STYLES)
    listed = re.search(r"whatever the style: (.*?)\.\n", text, re.DOTALL)
    assert listed is not None and re.findall(r"`(.*?)`", listed[1]) == list(COLUMNS)


KERAS_NETS = ["article", "tutorial", "padding", "vgg16", "resnet18", "unet", "mobilenet"]


@pytest.mark.parametrize("name", few(KERAS_NETS, KERAS_NETS[:3]))
def test_the_keras_style_has_the_numbers_of_keras(name: str) -> None:
    """Compared with `model.summary()` of the model that cnndsl writes for Keras."""
    network = sample(name)
    space: dict[str, Any] = {}
    exec(generate("keras", network), space)
    lines: list[str] = []
    model = space["build_model"]()
    model.summary(print_fn=lines.append, line_length=240)
    summary = "\n".join(lines)
    text = generate("markdown", network, style="keras")
    for line in ("Total params", "Trainable params", "Non-trainable params"):
        (found,) = re.findall(rf"{line}: (.*?)$", text, re.MULTILINE)
        assert re.search(rf"{line}: {re.escape(found)}", summary), (line, found)
    rows = make(network, class_name, style="keras").rows
    layers = [layer for layer in model.layers if layer.count_params()]
    ours = [row for row in rows if row[2]]
    kinds = [re.sub(r".*\((.*)\)", r"\1", str(row[0])) for row in ours]
    told = [(kind, row[1], row[2]) for kind, row in zip(kinds, ours, strict=True)]
    real = [(type(each).__name__, str(each.output.shape), each.count_params()) for each in layers]
    # Where paths part, Keras has an order of its own.
    assert told == real if network.is_straight else sorted(told) == sorted(real)


# Texts that stay texts


def renamed(network: Network, name: str) -> Network:
    """A network as a caller may make it, with whatever names."""
    network.name = name
    network.outputs = {"main": network.outputs["main"], name: network.nodes[-1].index}
    for node in network.layers:
        node.name = node.alias = name
    return network


NET = "block b() { conv 2 3 relu }\ninput 9x9x1; b; conv 2 3 same; pool 2 floor; bn"
HOSTILE = [
    "a|b", "|", "a`b`", "``", "`", "<script>alert(1)</script>", "</td>", "a\nb", "| - |", "\\|",
    "[x](javascript:1)", "![](x)", "*x*", "_x_", "&lt;", "a\r\n|b|", "$x$", "$$", "~~x~~", '"',
    "\\", "'",
    "\" onload=\"x", "\\input{x}", "}\\end{table}", "%", "#", "^^41", "&", "=1+1", "+1", "-1",
    "@x", "\t=1", "a,b", "\x00", "\x1b[31m", "\u202ex", "\ud800", "{net}", "<!-- cnndsl: x -->",
    "-->", "]]>", "합성곱", "слой", "שכבה", "層", "\u2028x",
]  # fmt: skip


def told(name: str) -> str:
    """A name as it can be seen: one line, what cannot be seen escaped as on a terminal."""
    return printable(" ".join(name.split()))


def check_safe(name: str) -> None:
    options: dict[str, Any] = {"columns": ["layer", "name", "type", "input-shape", "parameters"]}
    plain, network = cnndsl.check(NET), renamed(cnndsl.check(NET), name)
    assert len(plain.layers) == len(network.layers)
    for target, seen in (("markdown", seen_in_markdown), ("html", seen_in_html)):
        calm, text = generate(target, plain, **options), generate(target, network, **options)
        text.encode("utf-8")
        lines = seen(text)
        assert [len(line) for line in lines] == [len(line) for line in seen(calm)]
        for line in lines[1:-1]:
            assert " ".join(line[1].split()) == told(name)
            assert " ".join(line[2].split()).startswith(told(name))
    page = generate("html", network, **options)
    tags = [tag for tag, _ in Reader(page).tags]
    calm_tags = [tag for tag, _ in Reader(generate("html", plain, **options)).tags]
    assert [tag for tag in tags if tag != "code"] == [t for t in calm_tags if t != "code"]
    # Rendered, Markdown has the elements of a table and of code, and no others.
    html = MarkdownIt("commonmark").enable("table").render(generate("markdown", network, **options))
    assert {tag for tag, _ in Reader(html).tags} <= set("p table thead tbody tr th td code".split())
    lines = seen_in_csv(generate("csv", network, **options))
    assert {len(line) for line in lines} == {5}
    for line in lines:
        for cell in line:
            assert not cell.strip().startswith(("=", "+", "-", "@")), cell
    latex = generate("latex", network, fragment=True, **options)
    assert latex.count("\n") == generate("latex", plain, fragment=True, **options).count("\n")
    commands = set(re.findall(r"\\([a-zA-Z]+)", latex))
    assert commands <= set(
        "begin end centering caption smallskip toprule midrule bottomrule texttt textbackslash par "
        "textasciicircum textasciitilde textless textgreater textbar".split()
    )
    assert not re.search(r"(?<!\\)[$#%^~_]", latex)
    bare = latex.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    check_safe(name)


@given(
    st.text(max_size=30)
    | st.text(st.sampled_from("|`<>$\\\"'*_[](){}&#%^~=+-@,;:! \n\t\rab"), max_size=20)
)
def test_any_names(name: str) -> None:
    check_safe(name)


@given(st.text(min_size=1, max_size=12).map(lambda t: unicodedata.normalize("NFKC", t)))
def test_names_of_files(stem: str) -> None:
    """A file's name becomes the net's, where the net has none."""
    network = cnndsl.check("input 8x8x1; conv 2 3", file=f"{stem}.cnn")
    calm = cnndsl.check("input 8x8x1; conv 2 3")
    for target in ("markdown", "html", "latex", "csv"):
        options = {"fragment": True} if target == "latex" else {}
        text = generate(target, network, **options)
        assert text.count("\n") == generate(target, calm, **options).count("\n")


@settings(max_examples=settings.default.max_examples // 2)
@given(nets.branching_nets())
def test_any_net_in_any_style(text: str) -> None:
    network = cnndsl.check(text)
    for style in STYLES:
        for depth in (None, 1):
            options = {"style": style, "depth": depth}
            expected = cells_of(network, **options)
            assert seen_in_markdown(generate("markdown", network, **options)) == expected


# HTML


def test_the_page_stands_alone_and_is_accessible() -> None:
    page = generate("html", sample("article"), lang="ko")
    assert not re.search(r"""(src|href|url|@import|<script|<link)\b""", page)
    tags = Reader(page).tags
    by_tag: dict[str, list[dict[str, str | None]]] = {}
    for tag, attributes in tags:
        by_tag.setdefault(tag, []).append(attributes)
    assert by_tag["html"] == [{"lang": "ko"}]
    assert {"charset": "utf-8"} in by_tag["meta"]
    assert len(by_tag["caption"]) == len(by_tag["main"]) == len(by_tag["title"]) == 1
    assert all(th.get("scope") in ("col", "row") for th in by_tag["th"])
    rows = len(sample("article").layers) + 1
    assert sum(th.get("scope") == "row" for th in by_tag["th"]) == rows
    (region,) = by_tag["div"]
    assert region["role"] == "region" and region["tabindex"] == "0" and region["aria-label"]
    assert "color-scheme: light dark" in page


@pytest.mark.tools
def test_a_narrow_screen_scrolls_the_table_and_not_the_page(tmp_path: Path) -> None:
    chromium = need("chromium")
    page = generate("html", sample("resnet18"), style="full", depth=1)
    measure = (
        "<script>document.body.dataset.widths = [document.documentElement.scrollWidth, "
        "innerWidth, document.querySelector('table').offsetWidth].join(' ')</script>"
    )
    path = tmp_path / "table.html"
    path.write_text(page.replace("</body>", f"{measure}</body>"), encoding="utf-8")
    run = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=500,800",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    found = re.search(r'data-widths="(\d+) (\d+) (\d+)"', run.stdout)
    assert found is not None, run.stderr[-1000:]
    document, window, table = map(int, found.groups())
    assert document <= window < table


def test_a_fragment_is_the_table_alone() -> None:
    page = generate("html", sample("article"), fragment=True)
    assert page.startswith("<div") and page.endswith("</div>\n") and "<style" not in page


# CSV


def test_csv_is_for_programs() -> None:
    lines = generate("csv", sample("article"), style="full").split("\r\n")
    assert lines[0].startswith("layer,input-channels,kernel,")
    assert lines[-1] == "" and len(lines) == 2 + len(sample("article").layers)
    (row,) = (dict(zip(lines[0].split(","), line.split(","))) for line in lines[9:10])
    assert row["parameters"] == "16100" and row["input-shape"] == "160" and row["kernel"] == ""


# LaTeX, compiled


def compiled(folder: Path, text: str, times: int = 1) -> str:
    """Typeset a document with pdflatex; gives its log."""
    path = folder / "table.tex"
    path.write_text(text, encoding="utf-8")
    for _ in range(times):
        run = subprocess.run(
            [
                need("pdflatex"),
                "-interaction=nonstopmode",
                "-halt-on-error",
                "-no-shell-escape",
                path,
            ],
            cwd=folder,
            capture_output=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    return (folder / "table.log").read_text(encoding="utf-8", errors="replace")


@pytest.mark.tools
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("article", {}),
        ("article", {"lang": "ko", "style": "formulas"}),
        ("resnet18", {"lang": "ko", "style": "full"}),
        ("ecg1d", {}),
        ("inception_block", {}),
    ],
)
def test_latex_compiles_and_fits(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    log = compiled(tmp_path, generate("latex", sample(name), **options), times=2)
    assert "Overfull" not in log
    assert "Missing character" not in log
    assert (tmp_path / "table.pdf").stat().st_size > 1000


@pytest.mark.tools
def test_latex_compiles_with_any_name(tmp_path: Path) -> None:
    """All at once, as a document takes its time: a row for each name."""
    network = cnndsl.check("input 8x8x1\n" + "relu\n" * len(HOSTILE))
    for node, name in zip(network.layers, HOSTILE, strict=True):
        node.name = node.alias = name
    network.name = "|".join(HOSTILE)
    compiled(tmp_path, generate("latex", network, columns=["name", "type", "parameters"]))


@pytest.mark.tools
def test_a_fragment_compiles_in_a_document_of_ones_own(tmp_path: Path) -> None:
    fragment = generate("latex", sample("two_outputs"), fragment=True, style="formulas")
    assert "documentclass" not in fragment
    document = (
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}\n"
    )
    compiled(tmp_path, document % fragment)


def test_a_table_of_some_layers_says_what_it_leaves_out() -> None:
    net = "input 8x8x1; conv 4 3x3 relu; bn; flatten; dense 20; dense 10"
    network = cnndsl.check(net)
    shown = sum(node.layer.params for node in network.nodes if node.layer.op == "dense")
    dense = cnndsl.build(network, "markdown", style="dense")
    assert f"The table shows {shown:,} of the net's {network.totals.params:,} parameters." in dense
    assert "rainable" not in dense
    full = cnndsl.build(network, "markdown", style="full")
    assert "The table shows" not in full and "non-trainable" in full


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lrn size=3 alpha=5e-5", "lrn size=3 alpha=5e-5"),
        ("lrn alpha=1e-4 size=5 beta=0.75", "lrn"),
        ("bn eps=1e-5 momentum=0.99 noscale", "bn eps=1e-5 noscale"),
        ("scale init=1e-6", "scale init=1e-6"),
        ("leaky_relu 0.2", "leaky_relu 0.2"),
        ("leaky_relu 0.3", "leaky_relu"),
        ("elu 1; elu 0.5", "elu elu 0.5"),
        ("conv 4 3 /2x2 pad=1x1 dilation=2x2 floor", "conv 4 3x3 /2 pad=1 dilation=2 floor"),
        ("conv 4 2x3 /2x1 pad=1x0", "conv 4 2x3 /2x1 pad=1x0"),
        ("conv 4 3 pad=0 dilation=1 groups=1 /1", "conv 4 3x3"),
        ("pool 2 /2; avgpool 2 /1 countpad", "pool 2x2 avgpool 2x2 /1 countpad"),
        ("up 2x2 nearest; up 2x1; zeropad 1", "up 2 up 2x1 zeropad 1"),
        ("zeropad 0:1x0:1; crop 0:1; crop 1:2x2:1", "zeropad 0:1 crop 0:1 crop 1:2x2:1"),
        ("reshape 9x9x8; slice 0:2", "reshape 9x9x8 slice 0:2"),
        ("lrn alpha=0.00012345678 k=1234567.5", "lrn alpha=0.00012345678 k=1234567.5"),
        ("dropout (0.1*3/4); droppath (1.0/3)", "dropout 0.075 droppath (1/3)"),
        ("dropout (0.1*3/4); droppath 0", "dropout 0.075 droppath 0"),
        ("dropout (0.5**128); droppath 0", "dropout 2.93874e-39 droppath 0"),
    ],
)
def test_all_arguments_that_are_not_the_default_are_shown(line: str, shown: str) -> None:
    network = cnndsl.check(f"input 18x12x3; {line}")
    assert " ".join(call_of(node.layer) for node in network.layers) == shown


def test_what_defaults_chooses_is_the_default() -> None:
    text = "defaults torch\nrounding floor\ninput 9x9x2\n"
    network = cnndsl.check(text + "bn eps=1e-5; bn momentum=0.99; leaky_relu 0.3; pool 2 floor")
    shown = [call_of(node.layer) for node in network.layers]
    assert shown == ["bn", "bn momentum=0.99", "leaky_relu 0.3", "pool 2x2"]


def test_an_activation_of_its_own_has_its_arguments() -> None:
    network = cnndsl.check("input 4; dense 3 leaky_relu; leaky_relu 0.2")
    cells = [row[0] for row in make(network, columns=["activation"]).rows]
    assert cells == ["leaky_relu", "leaky_relu 0.2"]


def test_flops_are_twice_the_multiply_adds_and_say_so() -> None:
    network = sample("article")
    assert network.totals.flops == 2 * network.totals.macs == 4_555_520
    for lang, said in (("en", "twice"), ("ko", "두 배")):
        table = make(network, columns=["multiply-adds", "flops"], lang=lang)
        assert all(2 * row[0] == row[1] for row in table.rows) and table.sums[1] == 4_555_520
        assert [said in note for (note,) in table.notes] == [True]
    for target in ("markdown", "html", "latex"):
        assert "twice" in cnndsl.build(network, target, columns=["name", "flops"])
    assert cnndsl.build(network, "csv", columns=["flops"]).startswith("flops\r\n645120\r\n")
    assert "flops" not in cnndsl.build(network, "json")


def test_columns_on_a_terminal() -> None:
    code, out, err = run("show", str(ROOT / "samples" / "vgg16.cnn"), "--columns", "code,flops")
    lines = out.splitlines()
    assert (code, err) == (0, "") and lines[0].split() == ["Written", "FLOPs"]
    assert "30,940,528,640" in lines[-3] and "twice" in lines[-1]
    code, out, err = run("show", str(ROOT / "samples" / "vgg16.cnn"), "--columns", "flop")
    assert (code, out) == (2, "") and "did you mean `flops`?" in err
