"""Sphinx and MkDocs draw nets: built by both, with what is wrong in a net where it stands."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ROOT, need
from mkdocs.commands.build import build as build_site
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

NET = "input 8x8x1\nconv 4 3x3 relu\nflatten; dense 3\n"
WRONG = "input 8x8x1\nconv 4 3x3 relu /2\n"
HOSTILE = "input 8x8x1  # </pre><script>alert(1)</script>\nconv 4 3x3\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"'
FENCES, DEFAULT = re.findall(
    r"^```yaml\n(.*?)^```$", (ROOT / "docs/highlighting.md").read_text("utf-8"), re.M | re.S
)


def indented(text: str) -> str:
    return "".join(f"   {line}\n" for line in text.splitlines())


def sphinx(folder: Path, text: str, builder: str = "html") -> tuple[str, str]:
    """What Sphinx makes of a text, and what it warns of."""
    (folder / "conf.py").write_text('extensions = ["cnndsl.sphinx"]\nproject = "nets"\n')
    (folder / "index.rst").write_text(f"Nets\n====\n\n{text}", encoding="utf-8")
    out, warnings = folder / "_build" / builder, io.StringIO()
    places = [str(each) for each in (folder, folder, out, folder / "_build" / "doctrees")]
    with docutils_namespace():
        Sphinx(*places, builder, status=None, warning=warnings).build()
    made = {"html": "index.html", "latex": "nets.tex", "text": "index.txt"}[builder]
    told = re.sub(r"\x1b\[[0-9;]*m", "", warnings.getvalue()).replace(str(folder), "")
    return (out / made).read_text(encoding="utf-8"), told


def mkdocs(folder: Path, text: str, settings: str = FENCES, *, strict: bool = True) -> str:
    """The page that MkDocs makes of a text, by the settings of the documentation."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "index.md").write_text(text, encoding="utf-8")
    theme = "site_name: nets\ntheme: { name: mkdocs, highlightjs: false }\n"
    (folder / "mkdocs.yml").write_text(theme + settings)
    build_site(load_config(str(folder / "mkdocs.yml"), strict=strict))
    page = (folder / "site" / "index.html").read_text(encoding="utf-8")
    return page[page.index('role="main"') : page.index("<footer")]


def test_sphinx_draws_each_kind(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.cnn").write_text(NET)
    text = f"""\
.. cnn:: table
   :style: keras
   :source:
   :caption: A *table*.

{indented(NET)}
.. cnn:: figure
   :view: graph
   :file: nets/a.cnn

.. cnn:: code
   :target: pytorch
   :file: nets/a.cnn

.. cnn:: walkthrough
   :lang: ko
   :file: nets/a.cnn

.. cnn:: check
   :fails:

{indented(WRONG)}"""
    page, told = sphinx(tmp_path, text)
    assert told == ""
    assert '<span class="nb">conv</span>' in page
    assert "Conv2D" in page and '<td class="n">40</td>' in page
    assert '<p class="caption">A <em>table</em>.</p>' in page
    assert page.count(SVG) == 1
    assert '<span class="n">nn</span><span class="o">.</span><span class="n">Conv2d</span>' in page
    assert "합성곱" in page
    assert "size-not-whole" in page

    tex, told = sphinx(tmp_path, text, "latex")
    assert told == ""
    assert tex.count(r"\toprule") == 2 and "<svg" not in tex and "{booktabs}" in tex
    plain, told = sphinx(tmp_path, text, "text")
    assert told == ""
    assert "| Convolution " in plain and "<svg" not in plain and r"\toprule" not in plain


def test_sphinx_warns_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text(f"\n{WRONG}")
    text = f"""\
.. cnn:: table

{indented(WRONG)}
.. cnn::

{indented("input 8x8x1" + chr(10) + "konv 3 3")}
.. cnn:: figure
   :file: a.cnn

.. cnn:: tabel
   :lang: ko

{indented(NET)}
.. cnn:: figure
   :view: side

{indented(NET)}
.. cnn:: table
   :fails:

{indented(NET)}"""
    page, told = sphinx(tmp_path, text)
    lines = f"Nets\n====\n\n{text}".splitlines()
    found = re.findall(r"^/(\S+):(\d+): WARNING: (\w\d+) ", told, re.MULTILINE)
    assert found == [
        ("index.rst", str(lines.index("   conv 4 3x3 relu /2") + 1), "E201"),
        ("index.rst", str(lines.index("   konv 3 3") + 1), "E101"),
        ("a.cnn", "3", "E201"),
        ("index.rst", str(lines.index(".. cnn:: tabel") + 1), "E501"),
        ("index.rst", str(lines.index("   :view: side")), "E501"),
        ("index.rst", str(len(lines) - 5), "E501"),
    ]
    assert "<svg" not in page and "<table" not in page
    assert '<span class="nb">conv</span>' in page  # the nets stand there all the same


@pytest.mark.tools
def test_sphinx_reads_in_parallel_and_fails_on_warnings(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / f"{name}.rst").write_text(f"{name}\n=\n\n.. cnn:: table\n\n{indented(NET)}")
    (tmp_path / "index.rst").write_text("Nets\n====\n\n.. toctree::\n   :glob:\n\n   *\n")
    (tmp_path / "conf.py").write_text('extensions = ["cnndsl.sphinx"]\n')
    (tmp_path / "c.rst").write_text(f"c\n=\n\n.. cnn:: table\n\n{indented(WRONG)}")
    command = [sys.executable, "-m", "sphinx", "-qWj2", str(tmp_path), str(tmp_path / "_build")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "c.rst:7: WARNING: E201" in run.stderr
    assert run.stderr.count("WARNING") == 1  # nor that something is not safe


def test_sphinx_builds_anew_when_a_net_changes(tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text(NET)
    text = ".. cnn:: table\n   :file: a.cnn\n"
    assert "475 parameters" in sphinx(tmp_path, text)[0]
    before = (tmp_path / "index.rst").stat()
    (tmp_path / "a.cnn").write_text(NET.replace("dense 3", "dense 4"))
    os.utime(tmp_path / "a.cnn", ns=(before.st_atime_ns + 10**10,) * 2)
    assert "620 parameters" in sphinx(tmp_path, text)[0]


OUTSIDE = ["../a.cnn", "/a.cnn", ".a.cnn", "link.cnn", "a.txt", "sub/../../a.cnn", "none.cnn"]


def lay_out(folder: Path, sources: Path) -> None:
    """Nets that no document in the folder of the sources may name."""
    sources.mkdir(exist_ok=True)
    for path in (folder / "a.cnn", sources / ".a.cnn", sources / "a.txt"):
        path.write_text("input 4x4x1; conv 77 3x3")
    (sources / "link.cnn").symlink_to(folder / "a.cnn")


def test_sphinx_reads_no_other_files(tmp_path: Path) -> None:
    lay_out(tmp_path, tmp_path / "docs")
    asked = "".join(f".. cnn:: table\n   :file: {file}\n\n" for file in OUTSIDE)
    page, told = sphinx(tmp_path / "docs", asked)
    assert re.findall(r"index.rst:(\d+): WARNING: E501 ", told) == [
        str(4 + 3 * each) for each in range(len(OUTSIDE))
    ]
    assert "77" not in page


def test_mkdocs_reads_no_other_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lay_out(tmp_path, tmp_path / "docs")
    asked = "".join(f'```cnn table file="{file}"\n```\n' for file in OUTSIDE)
    page = mkdocs(tmp_path, asked, strict=False)
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [re.sub(r" E501 .*", "", each, flags=re.DOTALL) for each in told] == [
        f"{tmp_path}/docs/index.md:{1 + 2 * each}:" for each in range(len(OUTSIDE))
    ]
    assert "77" not in page


def test_mkdocs_draws_each_kind(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.cnn").write_text(NET)
    page = mkdocs(
        tmp_path,
        f"""\
---
title: Nets
---
# Nets

```cnn source table style="keras"
{NET}```

- In a list:

    ```cnn figure view="graph" file="a.cnn"
    ```

```cnn code target="pytorch" file="a.cnn"
```

```cnn walkthrough lang="ko" file="a.cnn"
```

```cnn check fails
{WRONG}```

```cnn fragment
dwconv 3 3
```

```cnn
{WRONG}```
""",
    )
    assert '<span class="nb">conv</span>' in page and '<span class="nb">dwconv</span>' in page
    assert "Conv2D" in page and '<td class="n">40</td>' in page
    assert page.count(SVG) == 1
    assert '<span class="n">Conv2d</span>' in page
    assert "합성곱" in page
    assert page.count("size-not-whole") == 1
    assert "```" not in page


def test_a_fence_without_a_word_is_drawn_by_default(tmp_path: Path) -> None:
    (line,) = (each for each in FENCES.splitlines(keepends=True) if "format:" in each)
    page = mkdocs(tmp_path, f"```cnn\n{NET}```\n", FENCES.replace(line, DEFAULT))
    assert "<table" in page and "475 parameters" in page
    assert '<span class="nb">conv</span>' not in page


def test_mkdocs_warns_where_it_stands(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.cnn").write_text(f"\n{WRONG}")
    text = f"""\
---
title: Nets
---
# Nets

```cnn table
{WRONG}```

1. In a list:

    ```cnn figure
    input 8x8x1
    konv 3 3
    ```

```cnn table file="b.cnn"
```

```cnn tabel
{NET}```

```cnn figure view="side"
{NET}```

```cnn table fails
{NET}```
"""
    with pytest.raises(Abort):
        mkdocs(tmp_path, text)
    lines = text.splitlines()
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    found = [re.match(r"(\S+):(\d+): (\w\d+) ", each.replace(str(tmp_path), "")) for each in told]
    assert [each and each.groups() for each in found] == [
        ("/docs/index.md", str(lines.index("conv 4 3x3 relu /2") + 1), "E201"),
        ("/docs/index.md", str(lines.index("    konv 3 3") + 1), "E101"),
        ("/docs/b.cnn", "3", "E201"),
        ("/docs/index.md", str(lines.index("```cnn tabel") + 1), "E501"),
        ("/docs/index.md", str(lines.index('```cnn figure view="side"') + 1), "E501"),
        ("/docs/index.md", str(lines.index("```cnn table fails") + 1), "E501"),
    ]
    page = mkdocs(tmp_path, text, strict=False)
    assert "<svg" not in page and "<table" not in page
    assert '<span class="nb">conv</span>' in page  # the nets stand there all the same


def test_what_stands_in_a_net_is_text(tmp_path: Path) -> None:
    kinds = ("table", "figure", "walkthrough", "check", "mermaid")
    nets = [f".. cnn:: {kind}\n   :source:\n\n{indented(HOSTILE)}" for kind in kinds]
    page, told = sphinx(tmp_path, "\n".join(nets))
    assert told == "" and "<script>alert" not in page and "&lt;script&gt;alert" in page
    page = mkdocs(tmp_path, "\n".join(f"```cnn source {kind}\n{HOSTILE}```\n" for kind in kinds))
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


class Loaded(HTMLParser):
    """What a page loads by itself: all but where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        keys = ("src", "srcset", "data", "poster", *(() if tag == "a" else ("href",)))
        self.places += [value for key, value in attrs if key in keys and value]
        self.places += re.findall(r"url\(\s*['\"]?([^'\")]+)", dict(attrs).get("style") or "")


@pytest.mark.tools
def test_make_site(tmp_path: Path) -> None:
    """The documentation as pages: with live fences, and nothing from other hosts."""
    need("make")
    command = ["make", "site", f"PYTHON={sys.executable}", f"SITE={tmp_path}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= {path.stem for path in pages}
    styles = [each.read_text(encoding="utf-8") for each in tmp_path.rglob("*.css")]
    places = [
        place
        for text in styles
        for place in re.findall(r"(?:url\(|@import )\s*['\"]?([^'\")]+)", text)
    ]
    for page in pages:
        reader = Loaded()
        reader.feed(page.read_text(encoding="utf-8"))
        places += reader.places
    assert len(places) > len(pages) > 20
    assert [each for each in places if re.match(r"(?!data:)([a-z]+:)?//|https?:", each)] == []
    post = (tmp_path / "samples" / "blog" / "counting-a-cnn.en.html").read_text(encoding="utf-8")
    assert "<mfrac>" in post and "arithmatex" not in post
    samples = (tmp_path / "samples" / "index.html").read_text(encoding="utf-8")
    names = {path.stem for path in (ROOT / "samples").glob("*.cnn")}
    assert set(re.findall(r'<a href="(\w+)\.cnn">', samples)) == names
    live = (tmp_path / "docs" / "highlighting.html").read_text(encoding="utf-8")
    assert SVG in live and 'class="cnndsl-table"' in live
