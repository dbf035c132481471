"""The command run by the tests: within this process, or as one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from cnndsl.cli import main

ROOT = Path(__file__).resolve().parent.parent

Run = Callable[..., tuple[int, str, str]]


class Output(io.TextIOWrapper):
    """A stream in the place of standard output, and what was written to it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n")

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """The command within this process: its exit code, standard output and error."""
    out, err = Output(), Output()
    with (
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(list(words))
    return code, out.text(), err.text()


# A process may not take the machine down.
RESTRAINED = """
import sys
try:
    import resource
except ImportError:  # Windows
    pass
else:
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
from cnndsl.cli import main
sys.exit(main())
"""


def process(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """The command as a process of its own, which may not take the machine down."""
    ran = subprocess.run(
        [sys.executable, "-c", RESTRAINED, *words],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        timeout=300,
        check=False,
    )
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()
