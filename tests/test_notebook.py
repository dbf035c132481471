"""Cells of a real notebook: what they show, and what they leave behind."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from cnndsl import targets

NET = "input 12x12x1\nconv 8 5x5 relu; pool 2\nconv 16 4x4 relu; flatten\ndense 10 softmax"
PARAMS = 208 + 2064 + 170


@pytest.fixture(scope="module")
def run() -> Any:
    """Runs cells, one after another, in a kernel; gives the outputs of the last.

    What comes out of a stream in pieces is put together, as notebooks do when they show it.
    """
    book = nbformat.v4.new_notebook()
    client = NotebookClient(
        book, kernel_name="python3", allow_errors=True, timeout=300, coalesce_streams=True
    )

    def cells(*sources: str) -> list[Any]:
        outputs: list[Any] = []
        for source in sources:
            cell = nbformat.v4.new_code_cell(source)
            book.cells.append(cell)
            client.execute_cell(cell, len(book.cells) - 1)
            outputs = cell.outputs
        return outputs

    with client.setup_kernel():
        cells("%load_ext cnndsl")
        yield cells


def said(outputs: list[Any]) -> str:
    return "".join(each.get("text", "") for each in outputs)


def value(outputs: list[Any]) -> str:
    (output,) = outputs
    assert output.output_type == "execute_result", output
    return str(output.data["text/plain"])


def test_what_a_slow_kernel_writes_in_pieces_is_one_output(run: Any) -> None:
    """`print` writes its text, and then a newline; a busy kernel may send them one by one."""
    (output,) = run(
        "import sys; sys.stderr.write('text'); sys.stderr.flush(); print(file=sys.stderr)"
    )
    assert output.text == "text\n"


def test_a_cell_shows_the_figure_and_the_table(run: Any) -> None:
    figure, table = run(f"%%cnn\n{NET}")
    assert figure.data["image/svg+xml"].startswith("<svg")
    assert "<table>" in table.data["text/html"] and f"{PARAMS:,}" in table.data["text/html"]
    assert table.data["text/markdown"].count("\n|") >= 4
    assert "<!DOCTYPE" not in table.data["text/html"]


def test_the_network_is_left_in_a_variable(run: Any) -> None:
    assert value(run(f"%%cnn small\n{NET}", "small.totals.params")) == str(PARAMS)
    assert value(run(f"%%cnn\n{NET}", "type(net)")) == "cnndsl.api.Network"


def test_views_styles_and_languages(run: Any) -> None:
    figure, table = run(f"%%cnn --view graph --style full --lang ko --depth 1\n{NET}")
    assert "합성곱" in table.data["text/html"] and "입력" in figure.data["image/svg+xml"]
    (table,) = run(f"%%cnn --view none --params weights --lang ko --terms loan\n{NET}")
    assert "맥스 풀링 레이어" in table.data["text/html"] and "편향" not in table.data["text/html"]
    (figure,) = run(f"%%cnn --view sliding --layer pool1 --style none\n{NET}")
    assert "pool1" in figure.data["image/svg+xml"]
    (text,) = run(f"%%cnn --walkthrough --view none --style none --params weights\n{NET}")
    assert text.data["text/markdown"].startswith("# `cell`, step by step\n")
    assert "biases" in text.data["text/markdown"].lower() and "$$" in text.data["text/markdown"]


def test_the_magic_takes_what_the_targets_take(run: Any) -> None:
    help_ = value(run("get_ipython().find_cell_magic('cnn').__doc__"))
    for target in ("svg", "markdown", "walkthrough"):
        for option in targets.load(target).OPTIONS:
            # Slides are a file of their own, and a page of them would restyle the notebook.
            assert (f"--{option.name}" in help_) == (option.name != "form")


def test_params_and_inputs(run: Any) -> None:
    net = "param n = 4\nconv n 3x3; gap; dense 2"
    shape = value(run(f"%%cnn --set n=6 --input 9x9x3 --view none\n{net}", "net.layers[0].output"))
    assert shape == "(7, 7, 6)"


@pytest.mark.frameworks
def test_the_built_models_are_left_on_request(run: Any) -> None:
    run(f"%%cnn --keras here --pytorch there --view none\n{NET}")
    counts = value(run("here.count_params(), sum(p.numel() for p in there.parameters())"))
    assert counts == str((PARAMS, PARAMS))


def test_a_net_without_a_name_goes_by_its_variable(run: Any) -> None:
    run(f"%%cnn small --view none\n{NET}", f"%%cnn other --view none\nnet own\n{NET}")
    assert value(run("small.name, other.name")) == "('small', 'own')"
    figure, table = run(f"%%cnn small\n{NET}")
    assert ">small: " in figure.data["image/svg+xml"] and "`small`: " in table.data["text/plain"]


def test_tracebacks_show_the_lines_of_a_generated_model(run: Any) -> None:
    net = "input 8x8x3\nadd { conv 3 3x3 same | skip }\ngap; dense 2"
    run(f"%%cnn --pytorch wrong --view none\n{net}")
    (error,) = run("import torch; wrong(torch.zeros(1, 5, 8, 8))")
    assert error.output_type == "error"
    assert any("<cell for pytorch>" in line for line in error.traceback)
    assert any("def forward" in line or "return" in line for line in error.traceback)


def test_errors_are_shown_and_no_variable_changes(run: Any) -> None:
    outputs = run(f"%%cnn kept --view none\n{NET}", "%%cnn kept\ninput 5x5x1\npool 2")
    assert "error[E202]" in said(outputs) and "<kept>:2:6" in said(outputs)
    (figure,) = (each.data for each in outputs if "data" in each)
    assert "pool 2" in figure["image/svg+xml"]
    outputs = run("%%cnn kept --walkthrough --view none\ninput 5x5x1\npool 2")
    (text,) = (each.data["text/markdown"] for each in outputs if "data" in each)
    assert "`kept` does not come out" in text
    assert not any("data" in each for each in run("%%cnn kept\ninput"))
    assert value(run("kept.totals.params")) == str(PARAMS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--style densse", "style knows no `densse`; did you mean `dense`?"),
        ("--view nonsense", "view knows no `nonsense`; did you mean `none`?"),
        ("--view foo", "view knows no `foo`; it knows volumes, graph, receptive, sliding, none"),
        ("--view none --lang fr", "lang knows no `fr`"),
        ("--depth 0", "depth wants a natural number"),
        ("--view sliding --layer nope", "there is no layer `nope`"),
        ("--terms loan", "the terms `loan` go with lang ko, not en"),
        ("a-b", "a-b"),
        ("class", "`class` cannot name a variable"),
        ("x --keras None", "`None` cannot name a variable"),
        ("--veiw graph", "there is no --veiw; did you mean `--view`?"),
        ("x --keras x", "`x`"),
        ("--set width", "NAME=VALUE"),
        ("x 'y", "No closing quotation"),
    ],
)
def test_wrong_usage_is_said_in_a_line(run: Any, line: str, words: str) -> None:
    (output,) = run(f"%%cnn {line}\n{NET}")
    assert output.output_type == "stream" and output.name == "stderr"
    assert output.text.startswith("UsageError: ") and words in output.text


def test_a_framework_that_is_missing_is_said_in_a_line(run: Any) -> None:
    run("import sys; kept = sys.modules.get('torch'); sys.modules['torch'] = None")
    (output,) = run(f"%%cnn --pytorch there --view none\n{NET}")
    run("if kept: sys.modules['torch'] = kept", "if not kept: del sys.modules['torch']")
    assert output.output_type == "stream" and output.name == "stderr"
    assert output.text.startswith("UsageError: torch is not installed")


def test_warnings_are_shown_above_the_table(run: Any) -> None:
    net = "input 9x9x1\nconv 4 3x3\nbn\nconv 2 3x3\ngap"
    warning, table = run(f"%%cnn --view none\n{net}")
    assert "warning[W301]" in warning.text and "text/html" in table.data


def test_a_network_shows_itself(run: Any) -> None:
    (output,) = run("import cnndsl", f'cnndsl.check("""{NET}""")')
    assert {"text/html", "text/markdown", "image/svg+xml", "text/plain"} <= set(output.data)
