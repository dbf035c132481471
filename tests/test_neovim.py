"""The settings of docs/editors.md in Neovim itself: an error is told, explained and mended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import need

NET = "input 39x31x1\nconv 20 4x4 relu; pool 2\nconv 40 3x3 relu; pool 3\n"

# What a user does, without a screen: waits for a diagnostic, hovers, takes the first fix.
SESSION = """
local said = {}
local function told(count)
  return vim.wait(60000, function() return (#vim.diagnostic.get(0) > 0) == (count > 0) end)
end
vim.ui.select = function(actions, options, choose)
  said.title = options.format_item(actions[1])
  choose(actions[1])
end
local function run()
  told(1)
  local found = vim.diagnostic.get(0)[1]
  said.found = { found.lnum, found.col, found.code, found.message }
  vim.api.nvim_win_set_cursor(0, { 2, 0 })
  local params = vim.lsp.util.make_position_params(0, "utf-16")
  local answers = vim.lsp.buf_request_sync(0, "textDocument/hover", params, 60000)
  said.hover = select(2, next(answers)).result.contents.value
  vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
  vim.lsp.buf.code_action()
  said.mended = told(0)
  said.lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
end
local ok, problem = pcall(run)
said.problem = not ok and tostring(problem) or nil
vim.fn.writefile({ vim.fn.json_encode(said) }, "said.json")
vim.cmd("qall!")
"""


@pytest.mark.tools
def test_neovim(root: Path, tmp_path: Path) -> None:
    nvim = need("nvim")
    version = subprocess.run([nvim, "--version"], capture_output=True, text=True, check=True)
    found = re.match(r"NVIM v(\d+)\.(\d+)", version.stdout)
    assert found, version.stdout
    guide = (root / "docs/editors.md").read_text(encoding="utf-8")
    new, old = re.findall(r"^```lua\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    modern = tuple(map(int, found.groups())) >= (0, 11)
    (tmp_path / "init.lua").write_text(new if modern else old)
    (tmp_path / "session.lua").write_text(SESSION)
    (tmp_path / "net.cnn").write_text(NET)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    homes = {f"XDG_{each}_HOME": str(tmp_path) for each in ("CONFIG", "DATA", "STATE", "CACHE")}
    outcome = subprocess.run(
        [nvim, "--headless", "-n", "-u", "init.lua", "net.cnn", "-S", "session.lua"],
        cwd=tmp_path,
        env={**os.environ, **homes, "HOME": str(tmp_path), "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (tmp_path / "said.json").is_file(), outcome.stderr
    said = json.loads((tmp_path / "said.json").read_text())
    assert "problem" not in said, said["problem"]
    line, column, code, message = said["found"]
    assert (line, column, code) == (2, 23, "E202")
    assert message.startswith("pool: height 16 is not a multiple of 3")
    assert "36x28x20" in said["hover"] and "340" in said["hover"]
    assert said["title"].startswith("write `pool ")
    assert said["mended"]
    assert said["lines"][:2] == NET.splitlines()[:2] and said["lines"][2] != NET.splitlines()[2]
