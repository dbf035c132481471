"""Which files are opened and which are not; what is written stays what it was but for its text."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from running import run

from cnndsl.cli.runner import cache, many, outcome
from cnndsl.cli.terminal import files
from cnndsl.cli.terminal.files import Below, FileError, find_files, read_regular, write_files

CLEAN = "input 8\ndense 4\n"
UGLY = "input  8\ndense 4\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNDSL_CACHE_DIR", str(tmp_path / "cache"))
    Path("nets").mkdir()
    Path("nets/a.cnn").write_text(CLEAN)
    return tmp_path


def leftovers() -> list[Path]:
    return [*Path().rglob(".cnndsl-*")]


def give_away(path: str) -> None:
    """Make a file one of another user and group."""
    try:
        os.chown(path, 1234, 4321)
    except PermissionError:
        pytest.skip("root alone gives files away")


# What is opened


def test_a_folder_means_its_regular_files() -> None:
    os.mkfifo("nets/fifo.cnn")
    Path("nets/device.cnn").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("nets/socket.cnn")
    Path("nets/folder.cnn").symlink_to(".")
    Path("nets/link.cnn").symlink_to("a.cnn")
    Path("nets/.hidden.cnn").symlink_to("/dev/zero")
    for words in (("check", "nets"), ("fmt", "nets"), ("build", "nets", "-t", "json", "-o", "o/")):
        code, _, err = run(*words)
        assert code == 0
        passed = [line for line in err.splitlines() if "passed over" in line]
        assert len(passed) == 1
        assert all(f"nets/{name}.cnn" in passed[0] for name in ("fifo", "device", "socket"))
        assert passed[0].endswith(": passed over, as they are no regular files")
    os.mkfifo("nets/another.cnn")
    assert " and 1 more: passed over" in run("check", "nets")[2]


def test_a_folder_without_regular_files() -> None:
    Path("none").mkdir()
    os.mkfifo("none/a.cnn")
    assert run("check", "none") == (
        2,
        "",
        "cnndsl: none/a.cnn: passed over, as it is no regular file\n"
        "cnndsl: none: no .cnn file in this folder\n",
    )


def test_links_that_lead_nowhere_are_told_and_the_rest_is_checked() -> None:
    Path("nets/loop.cnn").symlink_to("loop.cnn")
    Path("nets/gone.cnn").symlink_to("nothing")
    assert run("check", "nets") == (
        2,
        "1 file is clean\n",
        "cnndsl: nets/gone.cnn: no such file or directory\n"
        "cnndsl: nets/loop.cnn: too many levels of symbolic links\n",
    )


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc")
def test_the_environment_is_no_file_of_a_folder() -> None:
    Path("nets/b.cnn").symlink_to("/proc/self/environ")
    assert run("check", "nets") == (
        2,
        "1 file is clean\n",
        "cnndsl: nets/b.cnn: this is no regular file\n",
    )


def test_a_file_that_became_a_pipe_is_not_waited_for() -> None:
    (found,) = find_files(["nets"])
    os.unlink("nets/a.cnn")
    os.mkfifo("nets/a.cnn")
    with pytest.raises(FileError, match=r"nets/a\.cnn: this is no regular file"):
        files.read_bytes(found)


def test_what_is_named_may_be_a_pipe() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, CLEAN.encode())
    os.close(theirs)
    try:
        assert run("check", f"/dev/fd/{ours}") == (0, "1 file is clean\n", "")
    finally:
        os.close(ours)


@pytest.mark.parametrize("name", ["cnndsl.toml", "pyproject.toml"])
def test_configurations_are_regular_files(name: str) -> None:
    os.mkfifo(f"nets/{name}")
    Path("cnndsl.toml").symlink_to("/dev/zero")
    assert run("check", "nets") == (
        0,
        "1 file is clean\n",
        f"cnndsl: nets/{name}, cnndsl.toml: passed over, as they are no regular files\n",
    )


def test_a_configuration_has_a_size() -> None:
    Path("nets/cnndsl.toml").write_text("#" * 1_000_001)
    code, _, err = run("check", "nets")
    assert code == 2 and err == "cnndsl: nets/cnndsl.toml: this is larger than 1,000,000 bytes\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"a{'.a' * 200} = 1", ":1: this is no key of a configuration: it has too many parts"),
        ("\n['a'" + '."a"' * 200 + "]", ":2: this is no key of a configuration"),
        (f"a = {'9' * 5000}", ": this is not TOML: "),
        ("".join(f"a{number} = 1\n" for number in range(500)), ":1: unknown key `a0`"),
    ],
)
def test_configurations_cost_what_they_say(text: str, why: str) -> None:
    Path("nets/cnndsl.toml").write_text(text)
    code, _, err = run("check", "nets")
    assert code == 2 and err.startswith(f"cnndsl: nets/cnndsl.toml{why}")
    assert err.count("\n") <= 20


def test_baselines_are_regular_files() -> None:
    os.mkfifo("b.json")
    why = "this is no regular file\n"
    assert run("check", "nets", "--baseline", "b.json") == (2, "", f"cnndsl: b.json: {why}")
    told = run("check", "nets", "--write-baseline", "b.json")
    assert told == (2, "", f"cnndsl: b.json: cannot write: {why}")


def test_the_summary_of_a_step_is_a_regular_file(monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo("summary")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary")
    code, _, err = run("check", "nets", "--format", "github")
    assert (code, err) == (2, "cnndsl: summary: cannot write: this is no regular file\n")


def test_what_grows_is_read_as_far_as_its_bound() -> None:
    Path("sparse").touch()
    os.truncate("sparse", 10**12)
    with pytest.raises(FileError, match="sparse: this is larger than 1,000 bytes"):
        read_regular("sparse", 1000)
    with pytest.raises(FileError, match="/dev/zero: this is larger than 1,000 bytes"):
        files.read_bytes("/dev/zero", 1000)


# What is written


def test_what_is_as_it_should_be_is_not_touched() -> None:
    Path("post.md").write_text("nothing\n")
    build = ("build", "nets/a.cnn", "-t", "json", "-o", "a.json")
    assert run(*build)[0] == 0
    for path in ("nets/a.cnn", "post.md", "a.json"):
        os.utime(path, (1, 1))
        os.chmod(path, 0o444)
    for words in (("fmt", "nets"), ("check", "nets", "--fix"), ("docs", "post.md"), build):
        assert run(*words)[0] == 0
    assert {os.stat(path).st_mtime for path in ("nets/a.cnn", "post.md", "a.json")} == {1}


def test_a_file_with_two_names_keeps_them() -> None:
    Path("nets/a.cnn").write_text(UGLY)
    os.link("nets/a.cnn", "other")
    before = os.stat("other")
    assert run("fmt", "nets") == (
        0,
        "",
        "cnndsl: nets/a.cnn: written in place, as it has 2 names\n1 file formatted\n",
    )
    after = os.stat("other")
    assert (after.st_ino, after.st_nlink) == (before.st_ino, 2)
    assert Path("other").read_text() == CLEAN
    write_files({"other": CLEAN * 2})
    assert Path("nets/a.cnn").read_text() == CLEAN * 2


@pytest.mark.parametrize("mode", [0o640, 0o2775, 0o4755])
def test_owner_group_and_mode_are_kept(mode: int) -> None:
    Path("nets/a.cnn").write_text(UGLY)
    give_away("nets/a.cnn")
    os.chmod("nets/a.cnn", mode)
    assert run("fmt", "nets") == (0, "", "1 file formatted\n")
    status = os.stat("nets/a.cnn")
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 4321, mode)


@pytest.mark.parametrize("act", ["chown", "chmod", "open"])
def test_where_no_new_file_can_be_like_it_it_is_written_in_place(
    act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("nets/a.cnn").write_text(UGLY)
    give_away("nets/a.cnn")
    before = os.stat("nets/a.cnn")

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if ".tmp" in str(path):
            raise PermissionError(1, "not permitted")
        return real(path, *rest, **more)

    real = getattr(os, act)
    monkeypatch.setattr(os, act, refuse)
    why = "no new file can be made like it"
    told = f"cnndsl: nets/a.cnn: written in place, as {why}\n1 file formatted\n"
    assert run("fmt", "nets") == (0, "", told)
    after = os.stat("nets/a.cnn")
    assert (after.st_ino, after.st_uid, after.st_gid) == (before.st_ino, 1234, 4321)
    assert Path("nets/a.cnn").read_text() == CLEAN
    assert not leftovers()


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="needs extended attributes")
def test_attributes_are_kept() -> None:
    Path("nets/a.cnn").write_text(UGLY)
    try:
        os.setxattr("nets/a.cnn", "user.from", b"elsewhere")
    except OSError:
        pytest.skip("this file system has no attributes")
    assert run("fmt", "nets") == (0, "", "1 file formatted\n")
    assert os.getxattr("nets/a.cnn", "user.from") == b"elsewhere"


def test_what_cannot_be_written_in_place_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a").write_text("old")
    os.link("a", "b")
    real, calls = files._write_over, []

    def fail(file: Any, content: bytes) -> None:
        real(file, content[:2] if not calls else content)
        calls.append(content)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_over", fail)
    with pytest.raises(FileError, match="a: cannot write: no space left on device"):
        write_files({"c": "new", "a": "newer"})
    assert Path("b").read_text() == "old"
    assert not Path("c").exists() and not leftovers()


def test_a_batch_that_is_stopped_leaves_whole_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        Path(name).write_text(f"old {name}")
    real = os.replace

    def stop(source: str, target: str) -> None:
        real(source, target)
        if target.endswith("b"):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_files({name: f"new {name}" for name in "abc"})
    assert [Path(name).read_text() for name in "abc"] == ["new a", "new b", "old c"]
    assert not leftovers()


def test_what_cannot_be_written_leaves_every_file_as_it_was() -> None:
    Path("a").write_text("old")
    os.mkdir("b")
    with pytest.raises(FileError, match="b: cannot write: is a folder"):
        write_files({"a": "new", "b": "new"})
    assert Path("a").read_text() == "old" and not leftovers()


@pytest.mark.parametrize("there", [True, False])
def test_links_in_a_folder_do_not_lead_out_of_it(there: bool) -> None:
    """Not where the folder alone is named; who names the link means what it leads to."""
    if there:
        Path("outside.cnn").write_text(UGLY)
    else:
        Path("outside.json").unlink(missing_ok=True)
    Path("nets/link.cnn").symlink_to("../outside.cnn")
    Path("out").mkdir()
    Path("out/a.json").symlink_to("../outside.json")
    code, _, err = run("build", "nets/a.cnn", "-t", "json", "-o", "out")
    assert code == 2 and "out/a.json: cannot write: this is a link that leads out of " in err
    assert not Path("outside.json").exists()
    if there:
        code, _, err = run("fmt", "nets")
        assert code == 2 and "nets/link.cnn: cannot write: this is a link that leads out" in err
        assert Path("outside.cnn").read_text() == UGLY
        assert run("fmt", "nets/link.cnn")[0] == 0
        assert Path("outside.cnn").read_text() == CLEAN
        assert Path("nets/link.cnn").is_symlink()


def test_a_folder_for_what_is_built_may_hold_a_pipe() -> None:
    Path("out").mkdir()
    os.mkfifo("out/a.json")
    words = ("build", "nets/a.cnn", "-t", "json", "-o", "out")
    told = "cnndsl: out/a.json: cannot write: this is no regular file\n"
    assert run(*words) == (2, "", told)
    assert run(*words, "--check") == (2, "", "cnndsl: out/a.json: this is no regular file\n")


def test_a_path_below_a_folder_is_a_path() -> None:
    path = Below("nets/a.cnn", os.path.realpath("nets"))
    assert path == "nets/a.cnn" and hash(path) == hash("nets/a.cnn")
    assert type(files.display_name(path)) is str


# The cache


@pytest.fixture
def kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that says that nothing is wrong with a net of which something is."""
    monkeypatch.setattr(outcome, "MUCH", -1)
    monkeypatch.setattr(many, "cores", lambda: 1)
    Path("nets/a.cnn").write_text("input 8\ndense 4 /2\n")
    Path("nets/b.cnn").write_text("input 8\ndense 4 /3\n")
    assert run("check", "nets")[0] == 1
    (path,) = (folder / "cache").glob("check-*")
    lines = path.read_bytes().decode().split("\n")[1:-1]
    body = "".join(f"{line[:32]} []\n" for line in lines).encode()
    path.write_bytes(b"cnndsl cache 1 " + cache._digest(body) + b"\n" + body)
    return path


def test_the_cache_of_the_user_is_believed(kept: Path) -> None:
    assert run("check", "nets")[0] == 0


def test_what_another_user_owns_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert run("check", "nets")[0] == 1


def test_what_all_may_write_is_not_read(kept: Path) -> None:
    kept.chmod(0o666)
    before = os.umask(0)
    try:
        assert run("check", "nets")[0] == 1
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_link_in_the_place_of_the_cache_is_not_followed(kept: Path, folder: Path) -> None:
    kept.unlink()
    (folder / "mine").write_text("mine")
    kept.symlink_to(folder / "mine")
    assert run("check", "nets")[0] == 1
    assert (folder / "mine").read_text() == "mine" and not kept.is_symlink()


@pytest.mark.parametrize("what", ["fifo", "folder", "zero"])
def test_what_is_no_file_is_no_cache(what: str, kept: Path) -> None:
    kept.unlink()
    if what == "fifo":
        os.mkfifo(kept)
    elif what == "folder":
        kept.mkdir()
    else:
        kept.symlink_to("/dev/zero")
    assert run("check", "nets")[0] == 1
    assert not [*kept.parent.glob("*.tmp")]


@pytest.mark.parametrize("body", [b"\xff\xfe\n", "한글\n".encode(), b"\n\n", b"x", b"\0" * 99])
def test_a_damaged_cache_with_the_right_digest_is_empty(body: bytes, kept: Path) -> None:
    kept.write_bytes(b"cnndsl cache 1 " + cache._digest(body) + b"\n" + body)
    assert run("check", "nets")[0] == 1
    assert run("check", "nets")[0] == 1


def test_files_that_are_not_of_the_cache_stay(kept: Path) -> None:
    names = ("check-list", "notes.tmp", f"check-{'0' * 20}.bak")
    for name in names:
        (kept.parent / name).touch()
        os.utime(kept.parent / name, (1, 1))
    run("check", "nets", "--set", "n=1")
    assert all((kept.parent / name).exists() for name in names)
