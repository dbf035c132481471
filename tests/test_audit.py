"""Posts held against nets: every false cell is found, and no true one called false."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from conftest import few
from running import run

from cnndsl import targets
from cnndsl.api import examine
from cnndsl.audit import Audited, audit
from cnndsl.audit.values import read, same, written
from cnndsl.audit.words import column, label
from cnndsl.diagnostics import Source
from cnndsl.lang import TERMS
from cnndsl.network import Network
from cnndsl.quickfix.apply import apply_edits
from cnndsl.tables.styles import STYLES

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "samples" / "article.cnn"
SAMPLES = sorted(ROOT.glob("samples/*.cnn"))
OFTEN = [path for path in SAMPLES if path.stem in ("article", "ecg1d", "two_inputs")]


def net_of(text: str) -> Network:
    network, problems = examine(Source("net.cnn", text))
    assert network is not None, problems
    return network


def said(audited: Audited) -> list[tuple[int, str, str]]:
    """The line of each false cell, what it says and should say."""
    assert not audited.problems, audited.problems
    return [
        (
            each.source.position(each.span.start).line,
            each.message.values["says"],
            each.message.values.get("should", ""),
        )
        for each in audited.findings
    ]


def judged(post: str, net: Network | None = None) -> list[tuple[int, str, str]]:
    return said(audit(Source("post.md", post), examine, net))


# The article: what its table gets wrong, and nothing else

ROWS = [
    "| Convolution Layer 1 | 1 | (4, 4) | 20 | 1 | X | relu | (39, 31, 1) | (36, 28, 20) | 320 |",
    "| Max Pooling Lyaer 1 | 20 | X | 20 | 2 | (2, 2) | X | (36, 28, 20) | (18, 14, 20) | 0 |",
    "| Convolution Layer 2 | 20 | (3, 3) | 40 | 1 | X | relu | (18, 14, 20) | (16,12,40) | 7,200 |",
    "| Max Pooling Lyaer 2 | 40 | X | 40 | 2 | (2,2) | X | (16, 12, 40) | (8, 6, 40) | 0 |",
    "| Convolution Layer 3 | 40 | (2, 2) | 60 | 1 | 1 | relu | (8, 6, 40) | (6, 4, 60) | 21,600 |",
    "| Max Pooling Lyaer 3 | 60 | X | 60 | (2, 2) | 60 | X | (6, 4, 60) | (3, 2, 60) | 0 |",
    "| Convolution Layer 4 | 60 | (2, 2) | 80 | 1 | 1 | relu | (3, 2, 60) | (2, 1, 80) | 19,200 |",
    "| Flatten | X | X | X | X | X | X | (2, 1, 80) | (160, 1) | 0 |",
    "| fully connected | X | X | X | X | X | softmax | (160, 1) | (100, 1) | 160,000 |",
    "| 합계 | X | X | X | X | X | softmax | (160, 1) | (100, 1) | 208,320 |",
]
TITLES = (
    "layer|입력 채널|Filter|output channel|Stride|Pooling|활성함수|Input Shape|출력 형상|Param #"
)
TABLE = "\n".join([f"|{TITLES}|", "|-" * 10 + "|", *ROWS]) + "\n"
FALSE = [
    (7, "(2, 2)", "(3, 3)"),
    (7, "1", "X"),
    (8, "(2, 2)", "2"),
    (8, "60", "(2, 2)"),
    (9, "1", "X"),
    (11, "160,000", "16,000"),
    (12, "softmax", "X"),
    (12, "(160, 1)", "X"),
    (12, "(100, 1)", "X"),
    (12, "208,320", "64,320"),
]


@pytest.mark.parametrize("prefix", ["", "> ", "> - "])
def test_the_table_of_the_article(prefix: str) -> None:
    lines = TABLE.splitlines()
    rest = prefix.replace("-", " ")
    post = "".join(f"{rest if at else prefix}{line}\n" for at, line in enumerate(lines))
    net = net_of(ARTICLE.read_text())
    assert judged(post, net) == FALSE
    audited = audit(Source("post.md", post), examine, net)
    edits = [edit for each in audited.findings for edit in each.fixes[0].edits]
    mended = apply_edits(post, edits)
    assert judged(mended, net) == []
    changed = [(was, now) for was, now in zip(post.split("|"), mended.split("|")) if was != now]
    assert [(was.strip(), now.strip()) for was, now in changed] == [pair[1:] for pair in FALSE]
    assert all(was[0] == now[0] == was[-1] == now[-1] == " " for was, now in changed)
    assert len(mended) - len(post) == sum(len(now) - len(was) for _, was, now in FALSE)


def test_a_stride_in_brackets_is_true_where_nothing_is_displaced() -> None:
    right = TABLE.replace("| 60 | (2, 2) | 60 |", "| 60 | (2, 2) | (2, 2) |")
    assert not [each for each in judged(right, net_of(ARTICLE.read_text())) if each[0] == 8]


def test_why_has_the_arithmetic() -> None:
    found = audit(Source("post.md", TABLE), examine, net_of(ARTICLE.read_text())).findings
    notes = [each.notes[0].message for each in found]
    assert "160×100 = 16,000" in notes
    assert "the layer is `conv 60 3x3 relu`: (8 - 3)/1 + 1 = 6, (6 - 3)/1 + 1 = 4" in notes
    assert "320 + 7,200 + 21,600 + 19,200 + 16,000 = 64,320" in notes


def test_why_of_biases_memory_and_flops() -> None:
    post = (
        "|layer|output|params|biases|memory|flops|\n|-|-|-|-|-|-|\n"
        "|conv 1|26x26x32|320|33|85KB|389,377|\n|conv 2|11x11x64|18496|64|30.2KB|4,460,544|\n"
        "|dense|10|16010|10|41B|32,000|\n"
    )
    found = audit(Source("post.md", post), examine, net_of(CNN)).findings
    assert [each.notes[0].message for each in found] == [
        "320 - 288 = 32",
        "194,688 × 2 = 389,376",
        "10 × 4 = 40",
    ]


# Tables that cnndsl writes: clean, and a changed cell is found


def cells_of(line: str) -> list[str]:
    return line.split("|")


@pytest.mark.parametrize("path", few(SAMPLES, OFTEN, "long"), ids=lambda path: path.stem)
def test_tables_of_cnndsl_are_clean_and_a_changed_cell_is_found(path: Path) -> None:
    network, _ = examine(Source(path.name, path.read_text(encoding="utf-8")))
    if network is None:
        pytest.skip("a net that is wrong on purpose")
    choice = random.Random(path.name)
    for style in STYLES:
        lang = choice.choice(["en", "ko"])
        terms = choice.choice([terms for terms in TERMS if lang in TERMS[terms]])
        text = targets.load("markdown").generate(network, style=style, lang=lang, terms=terms)
        clean = audit(Source("post.md", text), examine, network)
        assert not clean.findings and not clean.notes, (style, lang, terms)
        lines = text.split("\n")
        rows = [at for at, line in enumerate(lines) if line.startswith("|")]
        keys = [column(cell) for cell in cells_of(lines[rows[0]])] if rows else []
        places = [
            (at, place)
            for at in rows[2:]
            for place, cell in enumerate(cells_of(lines[at]))
            if keys[place] not in ("", "layer", "name", "type", "note", "share")
            and re.fullmatch(r"\(?\d[\d, ]*\)?", cell.strip())
        ]
        if places and len(rows) > 3:
            at, place = choice.choice(places)
            cells = cells_of(lines[at])
            was = cells[place].strip()
            now = re.sub(r"\d+", lambda match: f"{int(match[0]) + 1}", was, count=1)
            cells[place] = cells[place].replace(was, now, 1)
            lines[at] = "|".join(cells)
            assert judged("\n".join(lines), network) == [(at + 1, now, was)], (style, lang)


def test_every_fourth_cell_may_be_wrong() -> None:
    network = net_of(ARTICLE.read_text())
    lines = targets.load("markdown").generate(network, params="weights").split("\n")
    wrong = {}
    count = 0
    for at, line in enumerate(lines):
        cells = cells_of(line)
        for place, cell in enumerate(cells):
            if not line.startswith("|") or not re.search(r"\d", cell) or place < 2:
                continue
            count += 1
            if count % 4 == 0:
                was = cell.strip()
                now = re.sub(r"\d(?=\D*$)", lambda match: f"{(int(match[0]) + 3) % 10}", was)
                cells[place] = cell.replace(was, now)
                wrong[at + 1, now] = was
        lines[at] = "|".join(cells)
    assert {
        (line, says): should for line, says, should in judged("\n".join(lines), network)
    } == wrong


# Lists, summaries, code

SMALL = "input 8x8x1; conv 4 3x3 relu; pool 2; flatten; dense 10 softmax"
LISTS = """
#### 1.1 Convolution Layer
- Convolution Layer1 기본정보
    - 입력 데이터의 shape = (8, 8, 1)
    - RowSize = N-F / stride + 1 => 8-3/1 + 1 => 6
    - 이 레이어의 출력 데이터 Shape은 (6, 7, 4)
    - 입력 이미지에 shape이 (9,9)인 필터 40를 적용할 경우 아래와 같다.

1.2 Max Pooling Layer2

- output: 3x3x4
따라서 이 레이어의 학습 파라미터는 5개(1+4)입니다.

__Softmax Layer__

* weight shape (10, 36)
* 파라미터 3,600개 (36x10)
* Total parameters: 370
* 전체 파라미터: 420
"""


def test_items_of_lists_and_their_lazy_lines() -> None:
    assert judged(LISTS, net_of(SMALL)) == [
        (6, "(6, 7, 4)", "(6, 6, 4)"),
        (12, "5개", "0개"),
        (17, "3,600개", "370개"),
        (19, "420", "410"),
    ]


KERAS = """
> ```python
> model = Sequential()
> model.add(Conv2D(4, 3, activation='relu', input_shape=(9, 9, 1)))
> model.add(MaxPooling2D(2))
> model.add(Flatten())
> model.add(Dense(10))
> ```

```
┃ Layer (type)                 ┃ Output Shape       ┃    Param # ┃
│ conv2d (Conv2D)              │ (None, 7, 7, 4)    │         40 │
│ max_pooling2d (MaxPooling2D) │ (None, 4, 3, 4)    │          0 │
│ flatten (Flatten)            │ (None, 36)         │          0 │
│ dense (Dense)                │ (None, 10)         │        370 │
 Total params: 4,100 (1.60 KB)
```
"""


def test_a_summary_by_the_code_of_the_post() -> None:
    assert judged(KERAS) == [(13, "(None, 4, 3, 4)", "(None, 3, 3, 4)"), (16, "4,100", "410")]


TORCHINFO = """
```
Layer (type:depth-idx)                   Output Shape              Param #
Net                                      [1, 10]                   --
├─Sequential: 1-1                        [1, 4, 3, 3]              --
│    └─Conv2d: 2-1                       [1, 4, 6, 6]              40
│    └─ReLU: 2-2                         [1, 4, 6, 6]              --
│    └─MaxPool2d: 2-3                    [1, 4, 3, 3]              --
├─Linear: 1-2                            [1, 10]                   730
Total params: 410
```
"""


def test_channels_first_and_rows_that_the_net_has_within_others() -> None:
    assert judged(TORCHINFO, net_of(SMALL)) == [(9, "730", "370")]


def test_what_is_mixed_is_said() -> None:
    post = "|layer|params|\n|-|-|\n|conv|36|\n|dense|360|\n|total|396|\n"
    assert judged(post, net_of(SMALL)) == []
    net = net_of("input 8x8x1; conv 4 3x3; conv 4 3x3; conv 2 1x1")
    mixed = "|layer|params|\n|-|-|\n|conv 1|40|\n|conv 2|144|\n|conv 3|10|\n"
    found = audit(Source("post.md", mixed), examine, net).findings
    assert [each.message.values.get("should", "") for each in found] == ["148"]
    assert found[0].notes[0].message.startswith("the others are counted with biases: ")


def test_a_table_of_another_net_and_a_row_of_none_are_left() -> None:
    post = "|레이어|입력 노드|출력 노드|\n|-|-|-|\n|Layer 1|1209|600|\n|Layer 2|600|300|\n"
    audited = audit(Source("post.md", post), examine, net_of(SMALL))
    assert not audited.findings and "fits no layers" in audited.notes[0][1]
    row = "|layer|params|\n|-|-|\n|conv|40|\n|LSTM|7|\n|dense|370|\n"
    audited = audit(Source("post.md", row), examine, net_of(SMALL))
    assert not audited.findings and len(audited.notes) == 1


def test_of_several_nets_a_table_is_held_against_the_one_that_it_fits() -> None:
    table = "|layer|params|\n|-|-|\n|conv|{}|\n|dense|{}|\n"
    first = "```cnn\ninput 8x8x1; conv 4 3x3; flatten; dense 10\n```\n"
    second = "```cnn\ninput 8x8x1; conv 2 5x5; flatten; dense 3\n```\n"
    post = f"{first}\n{table.format(40, 1450)}\n{second}\n{table.format(52, 99)}"
    assert judged(post) == []
    assert judged(post.replace("|99|", "|98|")) == [(17, "98", "99")]


def test_what_follows_a_net_that_fails_and_what_docs_keeps_true_is_left() -> None:
    table = "\n|layer|params|\n|-|-|\n|conv|{}|\n|dense|370|\n\n"
    good, bad = f"```cnn\n{SMALL}\n```\n", "```cnn fails\ninput 8x8x1; conv 4 9x9\n```\n"
    wrong = table.format(41)
    audited = audit(Source("post.md", good + bad + wrong + good + wrong), examine)
    assert [each[0] for each in said(audited)] == [19]
    assert [note[1] for note in audited.notes] == ["this follows a net that fails, and is left"]
    assert not audit(Source("post.md", bad + wrong), examine).problems
    region = f"<!-- cnndsl: walkthrough -->\n{wrong}### Dense\n\n- output: 9\n<!-- /cnndsl -->\n"
    assert judged(good + region) == []
    listed = f"- {region}\n".replace("\n", "\n  ")
    assert [each[1] for each in judged(f"{good}{listed}\n{wrong}")] == ["41"]


# Posts as people write them: nothing true is called false

TRUE = {
    "an activation by what it means": (
        SMALL,
        "|층|출력|활성화|\n|-|-|-|\n|합성곱|6×6×4|렐루|\n"
        "|풀링|3×3×4||\n|출력층|10|소프트맥스 함수|\n",
    ),
    "cut, rounded, and with K as 1,024": (
        "input 8x8x96; conv 127 3x3; conv 100 3x3",  # 109,855 and 114,400
        "|layer|params|\n|-|-|\n|conv|109.8K|\n|conv|114K|\n\n"
        "|layer|params|\n|-|-|\n|conv|109.9K|\n|conv|111.7K|\n",
    ),
    "a row of several layers": (
        "input 9x9x1; conv 4 3x3; conv 4 3x3; conv 4 3x3; flatten; dense 3",
        "|layer|output|params|\n|-|-|-|\n|conv3-4 x3|3x3x4|336|\n|dense|3|111|\n|total||447|\n\n"
        "|layer|output|params|\n|-|-|-|\n|conv ×3|3x3x4|999|\n|dense|3|111|\n|total||1,110|\n",
    ),
    "a row and what follows it": (
        SMALL,
        "|layer|params|\n|-|-|\n|conv|40|\n|flatten|370|\n|total|410|\n",
    ),
    "the stages of a paper, and names without kinds": (
        (ROOT / "samples/lenet5.cnn").read_text(),
        "|layer|filters|trainable parameters|\n|-|-|-|\n|C1|6|156|\n|S2||12|\n|C3|16|1,516|\n",
    ),
    "a last row of which all is far away": (
        (ROOT / "samples/unet.cnn").read_text(),
        "|op|output size|channels|\n|-|-|-|\n|Conv 3x3|568×568|64|\n|Max pool|284×284|64|\n"
        "|Conv 3x3|280×280|128|\n|Conv 1×1|388×388|2|\n",
    ),
    "items of layers that are not understood": (
        SMALL,
        "- Conv 1: 3x3 kernel, output 6x6x4\n- Layer 7 (LSTM): kernel 4x4, output 5x5\n"
        "- Dense 1: 36 → 10\n- Conv2 kernel: 9x9\n- Batch size: 32\n",
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_nothing_true_is_called_false(name: str) -> None:
    net, post = TRUE[name]
    assert judged(post, net_of(net)) == []


def test_several_statements_of_an_item() -> None:
    post = (
        "1. **Conv 1**: output size: 6×6×4, parameters: 41\n"
        "2. Pool 1 - output (3, 3, 4), parameters 0; stride 3\n"
        "3. 완전연결층: 출력 노드 10개, 활성화 함수: 시그모이드, 파라미터 수 = 370\n"
    )
    assert judged(post, net_of(SMALL)) == [
        (1, "41", "40"),
        (2, "3", "2"),
        (3, "시그모이드", "softmax"),
    ]


CNN = (
    "net mine; input 28x28x1; conv 32 3x3 relu; pool 2; conv 64 3x3 relu; pool 2 floor; "
    "flatten; dense 10 softmax"
)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("The second conv layer gives:", "11x11x64"),
        ("두 번째 합성곱 층:", "11x11x64"),
        ("합성곱 층 2는 다음과 같다.", "11x11x64"),
        ("The pool behind the conv layer:", None),
        ("What pools make:", None),
        ("It gives:", "26x26x32"),
        ("This conv layer with its relu gives:", "26x26x32"),
    ],
)
def test_a_line_before_a_list_may_name_another_layer(line: str, size: str | None) -> None:
    post = f"### Conv 1\n\n- parameters: 320\n\n{line}\n- output: 9x9x9\n"
    audited = audit(Source("post.md", post), examine, net_of(CNN))
    assert said(audited) == ([(6, "9x9x9", size)] if size else [])
    assert len(audited.notes) == (not size)
    true = post.replace("Conv 1", "Dense").replace("320", "16010").replace("9x9x9", "11x11x64")
    assert not size or size != "11x11x64" or judged(true, net_of(CNN)) == []


def test_a_single_layer_that_is_named_in_full_is_judged() -> None:
    post = "**Conv 2**\n\n* Filters: 32\n* Output size: (11, 11, 64)\n* Padding: same\n* {}: tanh\n"
    net = net_of(CNN)
    assert [each[1] for each in judged(post.format("Activation"), net)] == ["32", "tanh"]
    post = "### Conv {}\n\n1) Output shape: (11,11,60)\n2) Number of parameters = 18,400\n"
    assert [each[2] for each in judged(post.format(2), net)] == ["(11,11,64)", "18,496"]
    assert judged(post.format(3), net) == []


@pytest.mark.parametrize("title", ["Share", "% of params", "params (%)", "비율"])
def test_shares_are_percent_and_counts_are_not(title: str) -> None:
    net = net_of(ARTICLE.read_text(encoding="utf-8"))
    rows = "| Conv 1 | 340 | {} |\n| Conv 2 | 7,240 | 11.2% |\n| Conv 3 | 21,660 | 33.5% |\n"
    head = f"| Layer | Params | {title} |\n|---|---|---|\n"
    assert judged(head + rows.format("9%"), net) == [(3, "9%", "1%")]
    assert judged(head + rows.format("1%"), net) == []
    assert judged(head + rows.format("0.5"), net) == []  # of what is not said
    assert (
        judged(head.replace("Params", "파라미터 수 (%)") + rows.replace("340", "0.5%"), net) == []
    )


def test_a_table_of_which_layers_are_the_columns() -> None:
    post = (
        "| 항목 | Conv1 | Pool1 | Conv2 | 합계 |\n|-|-|-|-|-|\n"
        "| 출력 크기 | 26x26x32 | 13x13x31 | 11x11x64 | |\n"
        "| 파라미터 수 | 320 | 0 | 18497 | 34826 |\n| 비고 | 1 | 2 | 3 | |\n"
    )
    found = [(3, "13x13x31", "13x13x32"), (4, "18497", "18496")]
    assert judged(post, net_of(CNN)) == found
    own = "|layer|pooling|activation|\n|-|-|-|\n"
    own += "|Input|||\n|Pool 1|2||\n|Pool 2|3||\n|Dense||softmax|\n"
    assert judged(own, net_of(CNN)) == [(5, "3", "2")]


HTML = """
<table class="a">
<tr><th>layer</th><th>output<br>shape</th><th>params</th></tr>

<tr><td>conv</td><td style="x">6&times;6&times;5</td><td> <b>41</b>
</td></tr><tr><td>dense</td><td>10</td><td>370</td></tr>
</table>

<table><tr><td>a<table></td><tr><td>b<tr></td></table>

<table><tr><td colspan="2">layer</td><td>params</td></tr><tr><td>conv</td></tr></table>

<![x <table><tr><td colspan=2>
"""


def test_tables_of_html() -> None:
    audited = audit(Source("post.md", HTML), examine, net_of(SMALL))
    assert said(audited) == [(5, "6&times;6&times;5", "6&times;6&times;4"), (5, "41", "40")]
    assert "a cell of this table spans several: it is left" in [note[1] for note in audited.notes]
    edits = [edit for each in audited.findings for edit in each.fixes[0].edits]
    assert apply_edits(HTML, edits) == HTML.replace("times;5", "times;4").replace("41", "40")


# Values

SAME = [
    *(("7,200", 7200), ("7200개", 7200), ("7.2K", 7201), ("0.32M", 324_999), ("**320**", 320)),
    *(
        ("(36, 28, 20)", ((36, 28, 20),)),
        ("36x28x20", ((36, 28, 20),)),
        ("20@36x28", ((36, 28, 20),)),
    ),
    *(("(None, 36, 28, 20)", ((36, 28, 20),)), ("[1, 20, 36, 28]", ((20, 36, 28),))),
    *(("(160)", ((160,),)), ("(1,160)", ((160,),)), ("(160, 1)", ((160,),)), ("160", ((160,),))),
    *(("(2, 2)", 2), ("2", ((2, 2),)), ("4×4×1×20 + 20 = 340", 340), ("1.5 MB", 1_500_000)),
    *(("18.496", 18496), ("1.234.567", 1_234_567), ("18.496M", 18_496_000)),
    *(("40 B", 40), ("40B", 40), ("1.5B", 1_480_000_000), ("30.2KB", 30976), ("4B", 3_800_000_000)),
]


@pytest.mark.parametrize(("text", "value"), SAME)
def test_one_value_in_many_forms(text: str, value: object) -> None:
    given = read(text)
    assert given is not None and same(given, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        *(("7,200", 16000, "16,000"), ("7200개", 16000, "16000개"), ("7.2K", 16000, "16.0K")),
        *(
            ("(None, 36,28,20)", ((1, 2, 3),), "(None, 1,2,3)"),
            ("[1, 4, 3, 3]", ((5, 6, 7),), "[1, 5, 6, 7]"),
        ),
        *(("18.497", 18496, "18.496"), ("1.234.567", 320, "320")),
        *(("9 B", 40, "40 B"), ("9.5B", 2 * 10**9, "2.0B"), ("9 KiB", 30976, "30 KiB")),
        *(
            ("(160, 1)", ((99,),), "(99, 1)"),
            ("(9, 9, 9)", ((10,),), "(10)"),
            ("2", ((3, 4),), "(3, 4)"),
            ("(2, 2)", None, "X"),
        ),
    ],
)
def test_a_value_is_written_as_the_old_one(old: str, value: object, new: str) -> None:
    given = read(old)
    assert given is not None
    assert written(value, given, "X", True) == new  # type: ignore[arg-type]


def test_labels() -> None:
    for text in (
        "Max Pooling Lyaer 2",
        "최대 풀링 층 2",
        "max_pooling2d_2 (MaxPooling2",
        "2nd maxpool",
    ):
        found = label(text)
        assert "pool" in found.kinds and found.number == 2, text


# The command


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = str(ARTICLE)
    post = tmp_path / "post.md"
    text = f"\ufeff{TABLE}\nend".replace("\n", "\r\n")
    post.write_bytes(text.encode())
    code, out, err = run("audit", "post.md", "--net", net, "--format", "json")
    assert code == 1 and not err
    rows = json.loads(out)
    assert [(row["line"], row["says"], row["should"]) for row in rows] == FALSE
    assert [*rows[0]] == ["file", "line", "column", "says", "should", "why"]
    code, out, _ = run("audit", ".", "--net", net, "--lang", "ko")
    assert code == 1 and "`160,000`이 아니라 `16,000`이 맞습니다" in out
    code, out, _ = run("audit", "post.md", "--net", net, "--format", "github")
    assert code == 1 and out.count("::error title=E502 false-cell,file=post.md,line=") == len(FALSE)
    assert run("audit", "--fix", "post.md", "--net", net)[0] == 0
    mended = post.read_bytes().decode()
    assert mended.startswith("\ufeff") and mended.endswith("\r\n\r\nend")
    differing = [
        at
        for at, pair in enumerate(zip(text.split("\n"), mended.split("\n")), 1)
        if pair[0] != pair[1]
    ]
    assert differing == sorted({line for line, _, _ in FALSE})
    assert run("audit", "post.md", "--net", net)[0] == 0


def test_a_post_without_a_net_and_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("post.md").write_text(TABLE)
    Path("plain.md").write_text("# nothing of nets\n\n| a | b |\n|-|-|\n| 1 | 2 |\n")
    code, out, _ = run("audit", "post.md")
    assert code == 1 and "error[E503]" in out and "`--net`" in out
    assert run("audit", "plain.md")[0] == 0
    for words in ([], ["none.md"], ["post.md", "--net", "none.cnn"], ["post.md", "--set", "a=1"]):
        code, out, err = run("audit", *words)
        assert code == 2 and err and not out.count("error")


def test_long_tables_take_time_as_they_are_long() -> None:
    """A search that is held to a few ways looks at each row about as often."""
    from cnndsl.audit.align import Layers, lined_up
    from cnndsl.audit.post import read_post

    calls = []
    for times in (20, 80):
        network = net_of(f"input 8x8x4\nrepeat {times} {{ conv 4 3x3 same; bn; relu }}")
        text = targets.load("markdown").generate(network, style="keras")
        layers, count = Layers(network, None), 0

        def fit(record: object, at: int, layers: Layers = layers) -> float | None:
            nonlocal count
            count += 1
            return Layers.fit(layers, record, at)  # type: ignore[arg-type]

        layers.fit = fit  # type: ignore[method-assign]
        places = lined_up(read_post(Source("p.md", text)).tables[0].records, layers)[1]
        assert None not in places
        calls.append(count)
    assert calls[1] < 5 * calls[0]
