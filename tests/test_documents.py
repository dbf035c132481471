"""Nets in Markdown, and the regions that `cnndsl docs` writes beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnndsl import targets
from cnndsl.api import examine
from cnndsl.cli import main
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.documents import Renewed, renew

NET = "```cnn\ninput 8x8x1\nconv 4 3x3 relu\n```\n"
REGION = "<!-- cnndsl: {} -->\n<!-- /cnndsl -->\n"


def read(name: str) -> tuple[Source, list[Diagnostic]]:
    return Source(name, "input 9x9x1; conv 2 3x3"), []


def renewed(text: str) -> Renewed:
    return renew(Source("post.md", text), examine, read)


def clean(text: str) -> str:
    found = renewed(text)
    assert not found.diagnostics, [each.message for each in found.diagnostics]
    return found.text


def messages(text: str) -> list[str]:
    return [each.message for each in renewed(text).diagnostics]


def markdown(net: str) -> str:
    made = targets.load("markdown").generate(examine(Source("post.cnn", net))[0])
    assert isinstance(made, str)
    return made


def test_a_table_stands_between_its_comments() -> None:
    table = markdown("input 8x8x1\nconv 4 3x3 relu")
    start, end = REGION.format("table").splitlines(keepends=True)
    assert clean(f"# A\n\n{NET}\n{start}{end}B") == f"# A\n\n{NET}\n{start}\n{table}\n{end}B"


def test_renewing_twice_changes_nothing() -> None:
    kinds = ("table", "code target=keras", "code target=pytorch", "check", "code target=json")
    text = NET + "".join(map(REGION.format, kinds))
    once = clean(text)
    assert clean(once) == once


def test_a_region_speaks_of_the_net_before_it() -> None:
    other = NET.replace("conv 4", "conv 7")
    text = clean(NET + REGION.format("table") + other + REGION.format("table"))
    assert text.count("(6, 6, 4)") == 2 and text.count("(6, 6, 7)") == 2
    assert text.index("(6, 6, 4)") < text.index("conv 7") < text.index("(6, 6, 7)")


def test_a_region_may_name_a_file() -> None:
    assert "(7, 7, 2)" in clean(REGION.format("table file=nets/a.cnn"))


def test_line_endings_stay() -> None:
    text = ("a\n\n" + NET + REGION.format("table") + "b\n").replace("\n", "\r\n")
    made = clean(text)
    assert made.count("\r\n") == made.count("\n") > text.count("\n")


def test_lists_and_quotations() -> None:
    inner = NET + "\n" + REGION.format("table")
    listed = "- one\n  - two\n\n" + "".join(f"    {line}\n" for line in inner.splitlines())
    made = clean(listed)
    assert made != listed and clean(made) == made
    assert all(line.startswith("    ") for line in made.splitlines()[3:] if line)
    quoted = "".join(f"> {line}\n" for line in inner.splitlines())
    made = clean(quoted)
    assert made != quoted and clean(made) == made
    assert all(line.startswith(">") for line in made.splitlines())


def test_front_matter_is_no_markdown() -> None:
    front = "---\ntitle: |\n  <!-- cnndsl: table -->\n---\n"
    assert clean(front + NET + REGION.format("check")).startswith(front + NET)


def test_comments_in_code_are_code() -> None:
    text = "````markdown\n" + NET + REGION.format("table") + "````\n\n    <!-- cnndsl: x -->\n"
    assert clean(text) == text


def test_errors_point_into_the_document() -> None:
    text = "# A\r\n\r\n- x\r\n\r\n  ```cnn\r\n  input 4x4x1\r\n    conv 4 5x5\r\n  ```\r\n"
    (found,) = renewed(text).diagnostics
    assert found.code == "E203"
    assert found.source.text[found.span.start : found.span.end] == "5x5"
    assert found.source.position(found.span.start) == (7, 12)


def test_a_net_may_fail_on_purpose() -> None:
    wrong = "```cnn fails\ninput 4x4x1\nconv 4 5x5\n```\n"
    made = clean(wrong + REGION.format("check"))
    assert "error[E203]" in made and "--> post.cnn:2:8" in made
    assert messages(NET.replace("cnn", "cnn fails")) == ["this net is said to fail, and is clean"]
    assert messages(wrong + REGION.format("table")) == ["there is no table of a net that fails"]
    fragment = "```cnn fragment\nconv 4 5x5\n```\n"
    assert clean(fragment) == fragment


def test_a_wrong_net_is_said_once() -> None:
    wrong = "```cnn\ninput 4x4x1\nconv 4 5x5\n```\n"
    assert len(messages(wrong + REGION.format("table") * 3)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NET + "<!-- cnndsl: table -->\n", "this region has no end"),
        ("<!-- /cnndsl -->\n", "this ends a region that has not begun"),
        (NET + "<!-- cnndsl: table -->\n" + REGION.format("table"), "this region has no end"),
        (REGION.format("table"), "there is no net before this"),
        (NET + REGION.format("tables"), "there is no region of the kind `tables`"),
        (NET + REGION.format(""), "there is no region of the kind ``"),
        (NET + REGION.format("table deep=1"), "`table` takes no `deep`"),
        (NET + REGION.format("table depth=x"), "`depth` wants a natural number"),
        (NET + REGION.format("code"), "this names no target"),
        (NET + REGION.format("code target=cobol"), "there is no target `cobol`"),
        (NET + REGION.format('table alt="x'), "a quotation mark has no partner"),
        (NET + REGION.format("check file=a file=b"), "`file` is given twice"),
        (NET + REGION.format("figure to=post.md"), "`to=post.md` is no file of svg"),
        (
            NET + REGION.format("figure to=a.svg") + REGION.format("figure view=graph to=a.svg"),
            "another region puts something else into a.svg",
        ),
    ],
)
def test_what_is_wrong_with_a_region(text: str, message: str) -> None:
    assert messages(text) == [message]


_PIECES = st.sampled_from(
    [
        *NET.splitlines(keepends=True), *REGION.format("table").splitlines(keepends=True),
        NET, NET + REGION.format("table"), "- a\n", "  b\n", "> ", "    ", "\r\n", "\n", "```\n",
        "<!--", "-->", "---\n", "\t", "1. ", "| a | b |\n", "한글\n", "<div>\n", "~~~\n", "x",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_whatever_the_document_the_rest_stays(text: str) -> None:
    found = renewed(text)
    if found.diagnostics:
        assert all(each.source.name in ("post.md", "post.cnn") for each in found.diagnostics)
        return
    assert found.regions or found.text == text
    assert renewed(found.text).text == found.text

    def outside(document: str) -> list[str]:
        """The lines that stand in no region."""
        depth, lines = 0, []
        for line in document.splitlines(keepends=True):
            depth -= "/cnndsl -->" in line and depth > 0
            lines += [] if depth else [line]
            depth += "<!-- cnndsl:" in line and found.regions > 0
        return lines

    if found.regions == text.count("<!-- cnndsl:"):
        assert outside(text) == outside(found.text)


# The command


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_and_then_agrees(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post = folder / "post.md"
    before = b"\xef\xbb\xbf" + (NET + REGION.format("table")).encode()
    post.write_bytes(before)
    assert main(["docs", "--check", "post.md"]) == 1
    shown = capsys.readouterr()
    assert "+| Convolution | " in shown.out and "post.md is stale" in shown.err
    assert post.read_bytes() == before
    assert main(["docs", "."]) == 0
    assert post.read_bytes().startswith(before[: before.index(b"<!-- /")])
    assert main(["docs", "--check", "post.md"]) == 0
    assert "1 region of 1 net: all true" in capsys.readouterr().err


def test_one_wrong_net_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = NET + REGION.format("table")
    (folder / "a.md").write_text(good)
    (folder / "b.md").write_text(NET.replace("3x3", "9x9"))
    assert main(["docs", "a.md", "b.md"]) == 1
    assert "b.md:3:8" in capsys.readouterr().err
    assert (folder / "a.md").read_text() == good
    assert main(["docs", "none.md"]) == 2
    assert main(["docs"]) == 2


def test_files_are_read_beside_the_document(folder: Path) -> None:
    (folder / "posts").mkdir()
    (folder / "posts" / "net.cnn").write_text("input 8x8x1; conv 4 3x3")
    (folder / "posts" / "post.md").write_text(REGION.format("table file=net.cnn"))
    assert main(["docs", "posts"]) == 0
    assert "(6, 6, 4)" in (folder / "posts" / "post.md").read_text()


def test_no_document_writes_over_what_another_wrote(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = NET + REGION.format("figure to=a.svg")
    (folder / "a.md").write_text(figure)
    (folder / "b.md").write_text(figure.replace("conv 4", "conv 5"))
    (folder / "sub").mkdir()
    (folder / "sub" / "c.md").write_text(NET + REGION.format("code target=markdown to=../b.md"))
    assert main(["docs", "a.md", "b.md"]) == 2
    assert "b.md would put something else into a.svg" in capsys.readouterr().err
    assert main(["docs", "b.md", "sub/c.md"]) == 2
    assert "sub/c.md would put something else into b.md" in capsys.readouterr().err
    assert (folder / "a.md").read_text() == figure and not (folder / "a.svg").exists()


def test_what_a_target_refuses_is_said_of_the_file_or_of_the_fence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = "input 6x6x3; gap; dense 3 softmax\nhead a { dense 2 }; head b { skip }\n"
    (folder / "net.cnn").write_text(net)
    (folder / "a.md").write_text(REGION.format("code target=keras logits file=net.cnn"))
    (folder / "b.md").write_text(
        f"# B\n\n```cnn\n{net}```\n" + REGION.format("code target=keras logits")
    )
    assert main(["docs", "a.md"]) == 1
    assert "--> net.cnn:1:19" in capsys.readouterr().err
    assert main(["docs", "b.md"]) == 1
    assert "--> b.md:4:19" in capsys.readouterr().err


def test_only_pictures_are_shown_as_pictures() -> None:
    made = clean(NET + "".join(map(REGION.format, ("figure to=a.svg", "code target=csv to=a.csv"))))
    assert "![post](a.svg)" in made and "\n[post](a.csv)" in made


def test_nets_of_files_are_compared_with_the_one_before() -> None:
    made = clean(NET + REGION.format("compare with=nets/a.cnn params=weights"))
    lines = [line for line in made.splitlines() if line.startswith("|")]
    assert "`post`" in lines[0] and "`a`" in lines[0]
    assert any("36" in line and "18" in line for line in lines)  # 3*3*4 and 3*3*2 weights


def test_a_comparison_wants_another_net() -> None:
    assert messages(NET + REGION.format("compare")) == ["this compares the net with none"]


def test_a_block_of_csv_has_the_line_endings_of_the_document() -> None:
    for newline in ("\n", "\r\n"):
        text = (NET + REGION.format("code target=csv")).replace("\n", newline)
        done = clean(text)
        assert done.count("\r\r\n") == 0
        assert done.count("\r\n") == (done.count("\n") if newline == "\r\n" else 0)


def test_a_walkthrough_of_a_net_that_fails_tells_why() -> None:
    fails = NET.replace("```cnn", "```cnn fails").replace("conv 4 3x3", "conv 4 3x3 /2")
    text = clean(fails + REGION.format("walkthrough math=plain"))
    assert "(8 - 3)/2 + 1 = 3.5" in text
    assert clean(text) == text


def test_html_in_a_document_is_no_page_of_its_own() -> None:
    text = clean(NET + REGION.format("code target=html"))
    assert "<table>" in text and "<html" not in text and "<style" not in text
    assert "\n\n" not in text[text.index("<div>") : text.rindex("</div>")]
