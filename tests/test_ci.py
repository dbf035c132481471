"""What CI plugs in: the action, the hooks of pre-commit, the files that docs/ci.md shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import need
from jsonschema.validators import validator_for
from running import ROOT, run

CLEAN = "input 28x28x1\nconv 8 3x3 relu\n"
BROKEN = "input 28x28x1\nconv 8 3x3 /2\npool 3\n"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def documents() -> dict[str, str]:
    """The YAML files of docs/ci.md, by the path that their first line gives."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", text, re.M | re.S)
    assert len(found) == text.count("```yaml")
    return dict(found)


def problems(value: Any, schema: str) -> list[str]:
    """What a published schema, as check-jsonschema carries it, has against a value."""
    path = files("check_jsonschema").joinpath("builtin_schemas", "vendor", f"{schema}.json")
    loaded = json.loads(path.read_text(encoding="utf-8"))
    validator = validator_for(loaded)(loaded)
    return [f"{list(each.path)}: {each.message}" for each in validator.iter_errors(value)]


def plain(text: str) -> Any:
    """YAML as JSON: `on` is no truth value there."""
    value = yaml.safe_load(text)
    if True in value:
        value["on"] = value.pop(True)
    return value


# Schemas


def test_the_action_is_one() -> None:
    assert problems(ACTION, "github-actions") == []
    spoilt = {**ACTION, "runs": {"using": "composite", "steps": [{"run": "x"}]}}
    assert problems(spoilt, "github-actions")  # the schema sees something


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (".github/workflows/nets.yml", "github-workflows"),
        (".github/workflows/code-scanning.yml", "github-workflows"),
        (".gitlab-ci.yml", "gitlab-ci"),
    ],
)
def test_the_files_of_the_docs_are_valid(path: str, schema: str) -> None:
    value = plain(documents()[path])
    assert problems(value, schema) == []


def test_the_workflow_of_this_repository_runs_what_the_readme_says() -> None:
    value = plain((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert problems(value, "github-workflows") == []
    spoilt = {**value, "jobs": {"tests": {"runs-on": "ubuntu-latest", "steps": [{"us": "x"}]}}}
    assert problems(spoilt, "github-workflows")
    assert {"push", "pull_request"} <= set(value["on"])
    jobs = value["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert matrix["python"] == promised and f'requires-python = ">={promised[0]}"' in project
    (readme,) = re.findall(
        r"^python3 -m venv .*pytest.*", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
    script = jobs["tests"]["steps"][-1]["run"].splitlines()
    commands = [line for line in script if line.startswith(("python ", "$bin/"))]
    assert " && ".join(commands).replace("$bin", ".venv/bin").replace(
        "/python -m pip", "/pip"
    ) == readme.replace("python3 ", "python ")
    assert jobs["all"]["steps"][-1]["run"] == ".ci/run"


def test_the_docs_use_the_action_as_it_is() -> None:
    steps = plain(documents()[".github/workflows/nets.yml"])["jobs"]["check"]["steps"]
    (step,) = (step for step in steps if "cnndsl" in step["uses"])
    assert set(step["with"]) <= set(ACTION["inputs"])


def test_pre_commit_takes_the_hooks_and_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(documents()[".pre-commit-config.yaml"])
    for command in (
        ["validate-manifest", ROOT / ".pre-commit-hooks.yaml"],
        ["validate-config", tmp_path / "config.yaml"],
    ):
        subprocess.run([sys.executable, "-m", "pre_commit", *command], check=True)
    used = plain(documents()[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    assert {hook["id"] for hook in used} == {hook["id"] for hook in HOOKS}


def test_commands_of_the_docs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.cnn").write_text(BROKEN)
    job = plain(documents()[".gitlab-ci.yml"])["nets"]
    scan = plain(documents()[".github/workflows/code-scanning.yml"])["jobs"]["scan"]
    lines = [*job["script"], *(step["run"] for step in scan["steps"] if "run" in step)]
    codes = {}
    for line in lines:
        command, _, output = line.partition(" > ")
        words = shlex.split(command)
        if words[0] == "cnndsl":
            code, out, _ = run(*words[1:])
            codes[line] = code
            if output:
                (tmp_path / output).write_text(out)
    assert list(codes.values()) == [0, 0, 1, 0]
    for report in job["artifacts"]["reports"].values():
        assert "nets/a.cnn" in (tmp_path / report).read_text()
    (rows,) = json.loads((tmp_path / scan["steps"][-1]["with"]["sarif_file"]).read_text())["runs"]
    assert len(rows["results"]) == 2


# The action


def step(name: str) -> dict[str, Any]:
    (found,) = (step for step in ACTION["runs"]["steps"] if step["name"] == name)
    return found  # type: ignore[no-any-return]


def shell(name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """A step of the action as the runner runs it: its script, and its environment filled in."""
    given = {key: str(value["default"]) for key, value in ACTION["inputs"].items()}
    given |= {key.replace("_", "-"): value for key, value in inputs.items()}
    known = {f"inputs.{key}": value for key, value in given.items()}
    known["steps.python.outputs.python-path"] = sys.executable
    known["github.action_path"] = str(ROOT)
    one = step(name)
    environment = {
        key: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: known[match[1]], value)
        for key, value in one["env"].items()
    }
    script = folder.parent / "step.sh"
    script.write_text(one["run"])
    bash = need("bash")
    return subprocess.run(
        [bash, "--noprofile", "--norc", "-e", "-o", "pipefail", script],
        cwd=folder,
        env={**os.environ, "RUNNER_TEMP": str(folder.parent), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on a runner where cnndsl is installed as the action does it."""
    if os.name == "nt":
        pytest.skip("the program is a script")
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    bin_ = tmp_path / "cnndsl" / "bin"
    bin_.mkdir(parents=True)
    program = bin_ / "cnndsl"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from cnndsl.cli import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_nothing_from_outside_is_in_a_script() -> None:
    for each in ACTION["runs"]["steps"]:
        assert "${{" not in each.get("run", "")
        assert ("run" in each) == ("shell" in each)


def test_the_action_checks(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "a.cnn").write_text(BROKEN)
    summary = workspace.parent / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = shell("Check", workspace)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("::error title=E201 size-not-whole,file=a.cnn,line=2,")
    assert "2 findings" in summary.read_text()
    (workspace / "a.cnn").write_text(CLEAN)
    assert shell("Check", workspace).returncode == 0


def test_the_action_takes_paths_and_arguments(workspace: Path) -> None:
    for name in ("a b.cnn", "c.cnn", "d/e.cnn"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text("let n = 3\n" + CLEAN)
    done = shell("Check", workspace, paths="a b.cnn\r\n\n  \nd\n".replace("  \n", ""))
    assert (done.returncode, done.stdout.count("::warning ")) == (0, 2)
    done = shell("Check", workspace, paths="c.cnn", arguments=" --error-on-warning\n --select W1 ")
    assert (done.returncode, done.stdout.count("::warning ")) == (1, 1)
    done = shell("Check", workspace, paths="c.cnn", arguments="--ignore W1")
    assert (done.returncode, done.stdout) == (0, "1 file is clean\n")


@pytest.mark.parametrize(
    "text",
    [
        "$(touch pwned)",
        "`touch pwned`",
        '"; touch pwned; "',
        "'; touch pwned; '",
        "a.cnn; touch pwned",
        "--fix",
        "*",
        "${PATH}",
    ],
)
def test_inputs_are_no_commands(workspace: Path, text: str) -> None:
    (workspace / "a.cnn").write_text(CLEAN)
    before = (workspace / "a.cnn").read_bytes()
    done = shell("Check", workspace, paths=text)
    assert done.returncode == 2
    assert done.stderr.endswith(": no such file or directory\n")
    shell("Check", workspace, paths="a.cnn", arguments=text)
    assert [path.name for path in workspace.iterdir()] == ["a.cnn"]
    assert (workspace / "a.cnn").read_bytes() == before


@pytest.mark.wheel
def test_the_action_installs(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.cnn").write_text(BROKEN)
    done = shell("Install cnndsl", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    done = shell("Check", folder)
    assert (done.returncode, done.stdout.count("::error ")) == (1, 2)


# pre-commit


@pytest.mark.wheel
def test_the_hooks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = need("git")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.com")

    def commit(folder: Path) -> None:
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
            subprocess.run([git, *words], cwd=folder, check=True)

    # The hooks come from a repository: one of this checkout as it is.
    hooks = tmp_path / "hooks"
    for name in ("cnndsl", "grammar"):
        shutil.copytree(ROOT / name, hooks / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".pre-commit-hooks.yaml", "LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, hooks / name)
    commit(hooks)
    nets = tmp_path / "nets"
    nets.mkdir()
    (nets / "a.cnn").write_text("input 28x28x1\nconv   8 (3,3)\n")
    (nets / "b.cnn").write_text(BROKEN)
    (nets / "c.txt").write_text("no net\n")
    commit(nets)

    def hook(name: str, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "try-repo", hooks, name, "--all-files", *words],
            cwd=nets,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = hook("cnndsl-check")
    assert code == 1 and "b.cnn:2:8" in said and "c.txt" not in said, said
    code, said = hook("cnndsl-fmt")
    assert code == 1 and "files were modified by this hook" in said, said
    assert (nets / "a.cnn").read_text() == "input 28x28x1\nconv 8 3x3\n"
    assert hook("cnndsl-fmt")[0] == 0
    (nets / "b.cnn").write_text(CLEAN)
    assert hook("cnndsl-check")[0] == 0
