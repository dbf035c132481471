"""What the editors are told agrees with what there is: settings, targets, versions, languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cnndsl import __version__, targets
from cnndsl.lang import LANGUAGES


@pytest.fixture
def extension(root: Path) -> Path:
    return root / "editors/vscode"


@pytest.fixture
def manifest(extension: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((extension / "package.json").read_text())
    return loaded


def test_the_extension_has_the_settings_of_the_server(root: Path, manifest: dict[str, Any]) -> None:
    documents = pytest.importorskip("cnndsl.lsp.documents")
    properties = manifest["contributes"]["configuration"]["properties"]
    given = {name.partition(".")[2]: each["default"] for name, each in properties.items()}
    assert given.pop("path") == "" and given.pop("trace.server") == "off"
    assert given == documents.Settings()._asdict()
    assert properties["cnndsl.lang"]["enum"] == ["auto", *LANGUAGES]
    guide = (root / "docs/editors.md").read_text(encoding="utf-8")
    assert {*re.findall(r"\| `(\w+)` \|$", guide, re.MULTILINE), "lang"} == set(given)


def test_the_extension_builds_for_every_target(extension: Path) -> None:
    source = (extension / "src/commands.js").read_text()
    (table,) = re.findall(r"export const TARGETS = \{(.*?)\};", source, re.DOTALL)
    languages = dict(re.findall(r"(\w+): (undefined|'\w+')", table))
    assert sorted(languages) == sorted(targets.names())
    python = [name for name in languages if targets.load(name).SUFFIX == ".py"]
    assert [name for name, word in languages.items() if word == "'python'"] == python
    assert [name for name, word in languages.items() if word == "undefined"] == [
        "onnx",
        "png",
        "pdf",
    ]


def test_the_extension_is_of_this_version(extension: Path, manifest: dict[str, Any]) -> None:
    assert manifest["version"] == __version__
    assert f"## {__version__}" in (extension / "CHANGELOG.md").read_text()


def test_the_extension_has_the_license(root: Path, extension: Path) -> None:
    assert (extension / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()


def test_what_a_workspace_may_not_decide(manifest: dict[str, Any]) -> None:
    trust = manifest["capabilities"]["untrustedWorkspaces"]
    assert trust["restrictedConfigurations"] == ["cnndsl.path"]
    properties = manifest["contributes"]["configuration"]["properties"]
    assert properties["cnndsl.path"]["scope"] == "machine-overridable"


def test_the_lock_file_names_no_registry(root: Path) -> None:
    lock = json.loads((root / "package-lock.json").read_text())
    fetched = [each["resolved"] for each in lock["packages"].values() if "resolved" in each]
    assert [each for each in fetched if not (root / each).is_dir()] == []


def test_the_settings_of_helix(root: Path) -> None:
    guide = (root / "docs/editors.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    read = pytest.importorskip("tomllib").loads(text)
    (language,) = read["language"]
    assert language["language-servers"] == list(read["language-server"])
