"""The language server in this process: what it computes, what it refuses, what it sends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from cnndsl import api
from cnndsl.diagnostics import Fix
from cnndsl.lsp import answers
from cnndsl.lsp.documents import Document, Settings
from cnndsl.lsp.server import Server, make

GOOD = "input 16x16x3\nconv 8 3x3 relu\nflatten; dense 10\n"
BAD = GOOD.replace("relu", "relu /2")
URI = "untitled:net.cnn"


class Watched:
    """A server, the texts that it worked out, and what it sent to its client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server: Server = make()
        self.worked_out: list[str] = []
        self.sent: list[types.PublishDiagnosticsParams] = []
        self.asked: list[str] = []
        real = api.analyse

        def analyse(text: str, **more: Any) -> Any:
            self.worked_out.append(text)
            return real(text, **more)

        monkeypatch.setattr(api, "analyse", analyse)
        monkeypatch.setattr(self.server, "text_document_publish_diagnostics", self.sent.append)

        def request(method: str, params: Any, callback: Any = None) -> None:
            self.asked.append(method)

        monkeypatch.setattr(self.server.protocol, "send_request", request)

    def open(self, text: str) -> Document:
        self.server.open(types.TextDocumentItem(URI, "cnn", 1, text))
        return self.server.documents[URI]

    def call(self, method: str, params: Any) -> Any:
        return self.server.protocol.fm.features[method](params)  # type: ignore[operator]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def type_(watched: Watched, text: str) -> None:
    document = watched.server.documents[URI]
    whole = types.TextDocumentContentChangeWholeDocument(text)
    identifier = types.VersionedTextDocumentIdentifier(document.version + 1, URI)
    changed = types.DidChangeTextDocumentParams(identifier, [whole])
    watched.call(types.TEXT_DOCUMENT_DID_CHANGE, changed)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_only_the_newest_version_is_worked_out_and_sent(watched: Watched) -> None:
    async def test() -> None:
        document = watched.open(GOOD)
        for filters in range(9, 50):
            type_(watched, GOOD.replace("8", str(filters)))
        assert document.telling
        await document.telling
        newest = GOOD.replace("8", "49")
        assert watched.worked_out == ["", newest]
        assert [each.version for each in watched.sent] == [42]

    run(test)


def test_what_was_asked_of_an_older_text_is_refused(watched: Watched) -> None:
    async def test() -> None:
        watched.open(GOOD)
        hold = threading.Event()
        busy = asyncio.ensure_future(watched.server.compute(hold.wait))
        asked = asyncio.ensure_future(watched.server.ask(URI, lambda *_: "an answer"))
        await asyncio.sleep(0)
        type_(watched, BAD)
        hold.set()
        with pytest.raises(answers.Refused) as refused:
            await asked
        assert refused.value.code == types.LSPErrorCodes.ContentModified
        assert await watched.server.ask(URI, lambda document, _: document.seen) == BAD
        await busy

    run(test)


@pytest.mark.parametrize("ends", ["the text changes", "it is taken back", "the text is closed"])
def test_a_search_for_fixes_ends(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def fixes(self: Document, problem: Any, cancelled: Callable[[], bool]) -> list[Fix]:
        begun.set()
        while not cancelled():
            threading.Event().wait(0.001)
        ended.set()
        return []

    monkeypatch.setattr(Document, "fixes", fixes)

    async def test() -> None:
        watched.open(BAD)
        everything = types.Range(types.Position(0, 0), types.Position(9, 0))
        identifier = types.TextDocumentIdentifier(URI)
        params = types.CodeActionParams(identifier, everything, types.CodeActionContext([]))
        asked = asyncio.ensure_future(watched.call(types.TEXT_DOCUMENT_CODE_ACTION, params))
        while not begun.is_set():
            await asyncio.sleep(0)
        if ends == "the text changes":
            type_(watched, GOOD)
        elif ends == "it is taken back":
            asked.cancel()
        else:
            closed = types.DidCloseTextDocumentParams(identifier)
            watched.call(types.TEXT_DOCUMENT_DID_CLOSE, closed)
        while not ended.is_set():
            await asyncio.sleep(0)
        await asyncio.gather(asked, return_exceptions=True)

    run(test)


def test_all_safe_fixes_are_given_up_as_well() -> None:
    document = Document(URI, 1, "input 8x8x1\nlet a = 1\nbn\n")
    document.update()
    context = types.CodeActionContext([], only=[answers.FIX_ALL])
    everything = types.Range(types.Position(0, 0), types.Position(9, 0))
    params = types.CodeActionParams(types.TextDocumentIdentifier(URI), everything, context)
    assert len(answers.actions(document, params, "en", lambda: False)) == 1
    with pytest.raises(answers.Refused):
        answers.actions(document, params, "en", lambda: True)


def test_settings_go_back_to_what_they_were(watched: Watched) -> None:
    async def test() -> None:
        initialize = types.InitializeParams(
            capabilities=types.ClientCapabilities(), initialization_options={"lens": False}
        )
        watched.call(types.INITIALIZE, initialize)
        for given, hints in (({"hints": False}, False), ({}, True), (None, True)):
            changed = types.DidChangeConfigurationParams({"cnndsl": given})
            watched.call(types.WORKSPACE_DID_CHANGE_CONFIGURATION, changed)
            assert watched.server.settings == Settings(lens=False, hints=hints)

    run(test)


def test_what_an_editor_can_do_is_asked_of_it(watched: Watched) -> None:
    refresh = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    files = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    workspace = types.WorkspaceClientCapabilities(
        inlay_hint=refresh, did_change_watched_files=files, configuration=True
    )
    plain, able = types.ClientCapabilities(), types.ClientCapabilities(workspace=workspace)
    for capabilities, asked in (
        (plain, []),
        (able, ["workspace/configuration", "client/registerCapability"]),
    ):
        watched.asked.clear()
        watched.server.protocol.client_capabilities = capabilities
        watched.call(types.INITIALIZED, types.InitializedParams())
        assert watched.asked == asked
    watched.asked.clear()
    watched.call(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.DidChangeWatchedFilesParams([]))
    assert watched.asked == ["workspace/inlayHint/refresh"]


def test_a_configuration_that_changes_is_read_again(watched: Watched, tmp_path: Path) -> None:
    async def test() -> None:
        uri = (tmp_path / "net.cnn").as_uri()
        watched.server.open(types.TextDocumentItem(uri, "cnn", 1, "input 8x8x1\nlet a = 1\nbn\n"))
        document = watched.server.documents[uri]
        assert document.telling
        await document.telling
        (tmp_path / "cnndsl.toml").write_text('ignore = ["unused-let"]\n', encoding="utf-8")
        watched.call(
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.DidChangeWatchedFilesParams([])
        )
        await document.telling
        assert [len(each.diagnostics) for each in watched.sent] == [1, 0]

    run(test)
