"""`cnndsl diff` and `show` called by git, in a scratch repository, as docs/diff.md says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import need

ROOT = Path(__file__).resolve().parent.parent
OLD = "input 12x12x3\nconv 8 3x3 relu\nflatten\ndense 4\n"
NEW = OLD.replace("conv 8", "conv 6")
MOVED = "input 20x20x2\nconv 3 3 relu; conv 5 3 relu\npool 2\nflatten\ndense 40\n"
FRESH = "input 5\ndense 3 relu; dense 2 tanh\ndense 7 sigmoid\n"
CNNDSL = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m cnndsl"


class Repository:
    """A repository in a folder, with git's settings of the machine left out."""

    def __init__(self, folder: Path) -> None:
        self.git_path = need("git")
        self.folder = folder
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
            "GIT_PAGER": "cat", "PYTHONUTF8": "1",
        }  # fmt: skip
        self.git("init", "-q")

    def git(self, *words: str, code: int = 0, **environment: str) -> str:
        ran = subprocess.run(
            [self.git_path, *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        assert "external diff died" not in ran.stderr
        return ran.stdout

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / f"{name}.cnn").write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.write(net=OLD, gone=OLD, broken=OLD, moved=MOVED)
    (tmp_path / "readme.txt").write_text("old\n", encoding="utf-8")
    made.git("add", "-A")
    made.git("commit", "-qm", "first")
    made.write(net=NEW, fresh=FRESH, broken="input 8\nconv 8 3\n")
    (tmp_path / "gone.cnn").unlink()
    (tmp_path / "moved.cnn").rename(tmp_path / "there.cnn")
    (tmp_path / "readme.txt").write_text("new\n", encoding="utf-8")
    made.git("add", "-A")
    return made


def settings_of(page: str) -> list[str]:
    """The `git config` commands that a page shows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^git config (.*)$", text, re.MULTILINE)


def configure(repository: Repository, prefix: str) -> None:
    """Say what the page says, with this checkout's cnndsl in the place of the installed one."""
    lines = [line for line in settings_of("diff.md") if shlex.split(line)[0].startswith(prefix)]
    assert lines
    for line in lines:
        key, value = shlex.split(line)
        repository.git("config", key, value.replace("cnndsl ", f"{CNNDSL} "))
    (repository.folder / ".git/info/attributes").write_text("*.cnn diff=cnn\n", encoding="utf-8")


CHANGED = "net.cnn: 1 layer changed; 2 follow\n"


def test_external_diff(repository: Repository) -> None:
    configure(repository, "diff.cnn.command")
    out = repository.git("diff", "--cached", "--ext-diff")
    assert CHANGED in out and "filters 8 → 6" in out
    assert re.search(r"^fresh\.cnn: added, 3 layers", out, re.MULTILINE)
    assert re.search(r"^gone\.cnn: removed, 3 layers", out, re.MULTILINE)
    assert "broken.cnn: 1 error in the new net" in out and "+conv 8 3\n" in out
    assert not out.startswith("\n") and out.count("\n\nfresh.cnn: added") == 1
    assert out.count("\n\ngone.cnn: removed") == 1 and out.count("\n\nnet.cnn: ") == 1
    assert "-old\n+new\n" in out  # other files go git's own way
    repository.git("commit", "-qm", "second")
    assert CHANGED in repository.git("log", "-p", "--ext-diff", "-1", "--", "net.cnn")


def test_external_diff_of_a_renamed_file(repository: Repository) -> None:
    configure(repository, "diff.cnn.command")
    repository.write(there=MOVED.replace("dense 40", "dense 41"))
    out = repository.git("diff", "--ext-diff", "-M30%", "HEAD")
    assert re.search(r"^moved\.cnn → there\.cnn: 1 layer changed", out, re.MULTILINE)


def test_external_diff_of_the_environment(repository: Repository) -> None:
    out = repository.git("diff", "--cached", "--", "net.cnn", GIT_EXTERNAL_DIFF=f"{CNNDSL} diff")
    assert out.startswith(CHANGED)


def test_difftool(repository: Repository) -> None:
    configure(repository, "difftool.cnndsl")
    out = repository.git(
        "difftool", "--cached", "--no-prompt", "--tool=cnndsl", "--", "net.cnn", "fresh.cnn"
    )
    assert ": 1 layer changed; 2 follow\n" in out and "added, 3 layers" in out


def test_textconv(repository: Repository) -> None:
    configure(repository, "diff.cnn.textconv")
    out = repository.git("diff", "--cached", "--", "net.cnn", "broken.cnn", "readme.txt")
    assert re.search(r"^-conv1 +conv 8 3x3 relu +10x10x8 ", out, re.MULTILINE)
    assert re.search(r"^\+conv1 +conv 6 3x3 relu +10x10x6 ", out, re.MULTILINE)
    assert "+conv 8 3\n" in out  # a file that is no net is shown as it is
    assert "-old\n+new\n" in out


def test_standard_input(repository: Repository) -> None:
    old = repository.git("show", "HEAD:net.cnn")
    ran = subprocess.run(
        [sys.executable, "-m", "cnndsl", "diff", "-", "net.cnn", "--exit-code"],
        input=old.encode(),
        cwd=repository.folder,
        env={**repository.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1 and b"1 layer changed" in ran.stdout
