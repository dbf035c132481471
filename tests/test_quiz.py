"""Quizzes, whose answers stand nowhere in them, and slides, which no text breaks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import few, need
from markdown_it import MarkdownIt
from test_tables import HOSTILE, Reader, renamed

import cnndsl
from cnndsl import Network
from cnndsl.cli import main
from cnndsl.contract import OptionError
from cnndsl.lang import LANGUAGES
from cnndsl.tables.cells import Blank, readable
from cnndsl.tables.columns import COLUMNS
from cnndsl.tables.quiz import WORDS
from cnndsl.tables.styles import STYLES, make
from cnndsl.targets import walkthrough

ROOT = Path(__file__).resolve().parent.parent

ANSWERS = """36 28 18 14 16 12 8 6 160 340 320 7,240 7,200 21,660 21,600 19,280 19,200 16,100 16,000
64,620 64,320 300"""
"""The numbers of the article's net that follow from its text, but for those that are in it."""

ASKED = ["output", "params"]

OPEN = [
    "..._...._.",
    "._._...__.",
    "._....._..",
    "..........",
    "..._...._.",
    "._._...__.",
    "._....._..",
    "..........",
    "..........",
]
"""What `--blank 0.3 --seed 7` leaves open of the article's table."""

BREAKING = ["\n---\n", "---", "\n\nNote: x", "<script>alert(1)</script>", "-->", "$$", "``"]
"""Names that would end a slide, or begin something else, were they not written as text."""

FAILING = "input 14x13x1; conv 3 4; pool 2"


def sample(name: str) -> Network:
    path = ROOT / "samples" / f"{name}.cnn"
    return cnndsl.check(path.read_text(encoding="utf-8"), file=f"{name}.cnn")


def numbers(text: str) -> set[str]:
    """The numbers that a reader sees, or hears."""
    for markup in (r"<(style|script).*?</\1>", r"<meta.*?>", r'style=".*?"', r"</?h[12]>", "^#.*$"):
        text = re.sub(markup, "", text, flags=re.DOTALL if "style|" in markup else re.MULTILINE)
    return set(re.findall(r"\d+(?:,\d{3})*", text.replace("{,}", ",")))


def failing(**options: Any) -> str:
    analysis = cnndsl.analyse(FAILING)
    return walkthrough.explain(analysis.attempt, analysis.mended(), **options)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "options", [{}, {"math": "plain"}, {"form": "slides"}, {"form": "html"}], ids=str
)
def test_no_answer_stands_in_a_walkthrough(options: dict[str, Any], lang: str) -> None:
    answered = walkthrough.generate(sample("article"), lang=lang, **options)
    quiz = walkthrough.generate(sample("article"), lang=lang, **options, blank=ASKED)
    assert numbers(ANSWERS) <= numbers(answered) and not numbers(ANSWERS) & numbers(quiz)
    assert {"39", "31", "20", "100"} <= numbers(quiz)  # what is given is there
    if options.get("form") != "html":  # no gap is taken for emphasis
        assert MarkdownIt().render(quiz).count("____") == quiz.count("____") > 20


@pytest.mark.parametrize(
    ("style", "target"),
    [
        *((style, "markdown") for style in STYLES),
        *(("every", target) for target in ("markdown", "html", "latex", "csv")),
    ],
)
def test_no_answer_stands_in_a_table(style: str, target: str) -> None:
    """Not counting what is another question: sums and products of answers."""
    keys = STYLES[style].columns if style in STYLES else COLUMNS
    apart = ("memory", "flops", "field")
    options: Any = {"columns": [key for key in keys if key not in apart]}
    if style == "keras":
        options = {"style": "keras"}
    if target in ("html", "latex"):
        options["fragment"] = True
    quiz = str(cnndsl.build(sample("article"), target, blank=ASKED, **options))
    assert not numbers(ANSWERS) & numbers(quiz), quiz
    assert quiz == str(cnndsl.build(sample("article"), target, blank=ASKED, seed=9, **options))
    plain = cnndsl.build(sample("article"), target, **options)
    assert plain == cnndsl.build(sample("article"), target, seed=7, **options)
    assert plain != quiz


@pytest.mark.parametrize("word", WORDS)
def test_what_is_asked_for_is_open_and_nothing_else_changes(word: str) -> None:
    """The net's inputs are given, and so are the cells that say nothing."""
    network = cnndsl.check(
        "input 16x16x4\nconv 8 3 same groups=2 dilation=2 relu as a\n"
        "concat { skip | conv 4 1 }\npool 2\nflatten\ndense 5 nobias"
    )
    full, quiz = (make(network, columns=[*COLUMNS], blank=b) for b in (None, [word]))
    place, opened = [*COLUMNS].index(WORDS[word]), 0
    for told, asked in zip(full.rows, quiz.rows, strict=True):
        for before, after in zip(told, asked, strict=True):
            assert after == before or (isinstance(after, Blank) and before is not None)
        given = word.startswith("input") and told is full.rows[0]
        opened += isinstance(asked[place], Blank)
        assert isinstance(asked[place], Blank) == (told[place] is not None and not given)
    assert opened


@pytest.mark.parametrize("word", ["output", "channels"])
def test_no_answer_stands_in_the_biases(word: str) -> None:
    """There is one for each value of a vector, and one for each channel."""
    network = cnndsl.check("input 9x9x3; conv 11 3; flatten; dense 17; dense 23")
    columns = ["weights", "biases", "output-shape", "output-channels"]
    table = str(cnndsl.build(network, "markdown", columns=columns, blank=[word]))
    made = [walkthrough.generate(network, form=f, blank=[word]) for f in ("slides", "html", "post")]
    answers = {"output": {"17", "23"}, "channels": {"11"}}[word]
    for text in (table, *made):  # but for what is given, how layers are written
        text = re.sub(r"`.*?`|<code>.*?</code>", "", text)
        assert "____" in text or "<span" in text or "underline" in text
        assert not numbers(text) & answers, text


def test_a_walkthrough_asks_for_what_it_tells() -> None:
    for form in ("post", "slides", "html"):
        with pytest.raises(OptionError, match=r"knows no `macs`; it knows output, .*weights"):
            walkthrough.generate(sample("article"), form=form, blank=["macs"])
    for word in ("input-nodes", "size-formula", "trainable"):
        assert "____" in walkthrough.generate(sample("article"), math="plain", blank=[word])


def test_no_answer_stands_in_how_a_layer_is_written() -> None:
    """Whichever of the layers that say the same is drawn first."""
    network = cnndsl.check("input 9x9x3; conv 8 3 same; dropout 0.5; bn")
    for seed in range(1, 9):
        table = make(network, columns=["code", "biases"], blank=["channels"], seed=seed)
        assert all(isinstance(cell, Blank) for cell in table.rows[0])
    text = walkthrough.generate(network, blank=["padding"])
    assert "`same`" not in text and "P_" not in text


def test_a_share_is_the_same_each_time() -> None:
    table = make(sample("article"), blank=["0.3"], seed=7)
    open_ = ["".join("_" if isinstance(cell, Blank) else "." for cell in row) for row in table.rows]
    assert open_ == OPEN
    cells = [cell for row in make(sample("vgg16")).rows for cell in row[1:]]
    shown = sum(cell is not None and any(map(str.isdigit, readable(cell))) for cell in cells)
    drawn = []
    for seed in (1, 2):
        rows = make(sample("vgg16"), blank=["0.3"], seed=seed).rows
        drawn.append([isinstance(cell, Blank) for row in rows for cell in row])
        assert abs(sum(drawn[-1]) / shown - 0.3) < 0.01
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("net", ["article", "resnet18"])
def test_one_gap_is_not_filled_by_another_place(net: str) -> None:
    """An output is open where it goes in, and its sum where one count is."""
    for seed in range(1, 6):
        keys = ["input-shape", "output-shape", "parameters"]
        table = make(sample(net), columns=keys, blank=["0.2"], seed=seed)
        full = make(sample(net), columns=keys)
        gaps = {row[1] for row, quiz in zip(full.rows, table.rows) if isinstance(quiz[1], Blank)}
        for row, quiz, after in zip(full.rows, table.rows, table.rows[1:]):
            if net == "article":
                assert isinstance(quiz[1], Blank) == isinstance(after[0], Blank)
            if isinstance(quiz[0], Blank) and row[0] == row[1]:  # which it keeps
                assert isinstance(quiz[1], Blank)
        counts = any(isinstance(row[2], Blank) for row in table.rows)
        assert isinstance(table.sums[2], Blank) == counts
        assert gaps or counts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("outptu", "did you mean `output`?"),
        ("output,0.3", "knows no `0.3`"),
        ("", "knows no ``"),
        *((share, "above 0 and at most 1") for share in ("0", "1.5", "nan", "-0.1", "inf")),
    ],
)
def test_what_cannot_be_asked(
    given: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    net = tmp_path / "net.cnn"
    net.write_text("input 8x8x1; conv 2 3")
    for target in ("markdown", "walkthrough"):
        assert main(["build", str(net), "--target", target, "--blank", given]) == 2
        out, err = capsys.readouterr()
        assert said in err and not out
    with pytest.raises(OptionError):
        make(cnndsl.check(net.read_text()), blank=given)  # type: ignore[arg-type]


def test_slides_fit_and_begin_with_front_matter() -> None:
    text = walkthrough.generate(sample("article"), form="slides")
    _, front, *slides = re.split(r"(?:^|\n)---\n", text)
    assert "\nmarp: true\nlang: en" in front
    # reveal.js parts slides by `---`, and many of its decks by one between empty lines.
    assert len(re.split(r"(?m)^\n---\n$", text)) == 1 + len(slides)
    titles = [slide.strip().split("\n")[0] for slide in slides]
    assert titles[:3] == ["# `article`", "## Convolution 1", "## Max pooling 1"]
    assert titles[-2:] == ["## Letters in the formulas", "## Totals"] and len(titles) == 12
    deep = "input 9x9x9x4; sepconv 8 3x2x3 prelu; bn; bn; repeat 9 { conv 8 1 }"
    for form, item in (("slides", "\n- "), ("html", "<li>")):
        page = walkthrough.generate(cnndsl.check(deep), form=form)
        for slide in re.split("\n---\n|<section", page):
            assert slide.count(item) <= 8
        assert "9 times" in page
    weights = walkthrough.generate(sample("article"), form="slides", params="weights")
    assert "Parameters" not in weights and "Weights: 0" in weights
    # Markdown has six levels of headings.
    low = walkthrough.generate(sample("article"), form="slides", level=10**12)
    assert "\n###### `article`\n" in low and "\n###### Convolution 1\n" in low


@pytest.mark.parametrize("name", few(list(dict.fromkeys([*BREAKING, *HOSTILE])), BREAKING))
def test_no_text_breaks_a_slide(name: str) -> None:
    net = "block b() { conv 2 3 relu }\ninput 9x9x1; b; conv 2 3 same; pool 2 floor; bn"
    calm = cnndsl.check(net)
    for form in ("slides", "html"):
        texts = [
            walkthrough.generate(network, form=form)
            for network in (renamed(calm, "calm"), renamed(cnndsl.check(net), name))
        ]
        if form == "html":
            one, other = ([tag for tag, _ in Reader(text).tags] for text in texts)
        else:
            one, other = ([token.type for token in MarkdownIt().parse(text)] for text in texts)
            assert texts[0].count("\n---\n") == texts[1].count("\n---\n")
        assert one == other
        texts[1].encode("utf-8")


def test_a_net_that_fails() -> None:
    """Slides as far as it goes; a quiz says where it fails, and not by which numbers."""
    post, slides, page = (failing(form=form) for form in ("post", "slides", "html"))
    for text in (post, slides, page):
        assert "11" in numbers(text) and "Line 1: " in text
    assert slides.count("\n## ") == 3 and page.count("<section") == 4
    for form in ("post", "slides", "html"):
        quiz = failing(form=form, blank=["output"])
        assert not {"11", "10", "12,"} & numbers(quiz) and "Line 1: " in quiz
    nowhere = cnndsl.analyse("conv 3 4")
    text = walkthrough.explain(nowhere.attempt, nowhere.mended(), form="slides")
    assert text.startswith("---\n") and "input" in text


def test_files_of_each_form(tmp_path: Path) -> None:
    net = tmp_path / "net.cnn"
    net.write_text("input 8x8x1; conv 2 3")
    for form in ("post", "slides", "html"):
        words = ["build", str(net), "--target", "walkthrough", "--form", form]
        assert main([*words, "-o", f"{tmp_path}/out/"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "net.md", "net.slides.md", "net.html"
    }  # fmt: skip


def test_slides_of_several_errors() -> None:
    """Code as code, each error with its line, each way out by itself, and how many are left."""
    text = "input 28x28x1\nconv 20 4x4\npool 2\nfoo\ncon 5\ndnse 5\nstride\n"
    analysis = cnndsl.analyse(text)
    slides = walkthrough.explain(analysis.attempt, analysis.mended(), form="slides")
    assert "\nLine 3: `pool 2`\n" in slides and "\\`" not in slides
    assert "\n- Line 4: there is no layer or block `foo`\n" in slides
    assert "\n- write `pool 2 floor`" in slides and "\n- or write `conv 20 3x3` on line 2" in slides
    errors = sum(each.severity == "error" for each in analysis.mended())
    assert errors > 3 and slides.endswith(f"\n- Not shown here: {errors - 3} errors.\n")
    assert "<code>foo</code>" in walkthrough.explain(
        analysis.attempt, analysis.mended(), form="html"
    )
    assert "Not shown" not in failing(form="slides")


def test_slides_of_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "post.md"
    region = "<!-- cnndsl: walkthrough form=slides{} -->\n<!-- /cnndsl -->\n"
    net = "```cnn\ninput 8x8x1\nconv {} 3\n```\n\n"
    document.write_text(net.format(2) + region.format(""))
    assert main(["docs", str(document)]) == 1
    assert "a document of its own" in capsys.readouterr().err
    for filters in (2, 4):  # the second time it replaces its own
        document.write_text(net.format(filters) + region.format(" to=net.slides.md"))
        assert main(["docs", str(document)]) == 0
        slides = (tmp_path / "net.slides.md").read_text()
        assert slides.startswith("---\n") and f"conv {filters} 3x3" in slides


@pytest.mark.tools
def test_keys_turn_the_pages_of_slides(tmp_path: Path) -> None:
    chromium, deck = need("chromium"), tmp_path / "deck.html"
    text = walkthrough.generate(sample("article"), form="html")
    keys = ["ArrowRight", " ", "PageUp", "End", "ArrowRight", "Home", "ArrowLeft"]
    pressing = f"""<script>
    document.title = {keys}.map((key) => {{
      dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
      return Math.round(scrollY / innerHeight);
    }}).join();
    </script></body>"""
    deck.write_text(text.replace("</body>", pressing), encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,720"]
    run = subprocess.run(
        [chromium, *words, "--dump-dom", deck.as_uri()], capture_output=True, timeout=120
    )
    assert "<title>1,2,1,11,11,0,0</title>" in run.stdout.decode()
