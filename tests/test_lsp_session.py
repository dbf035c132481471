"""The language server as a client meets it: a process, messages, and a client that may err."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

SERVER = [sys.executable, "-m", "cnndsl", "lsp", "--stdio"]
SAMPLES = Path(__file__).parent.parent / "samples"
GOOD = "input 16x16x3\nconv 8 3x3 relu\nflatten; dense 10\n"
BAD = GOOD.replace("relu", "relu /2")
ALL = types.Range(types.Position(0, 0), types.Position(9999, 0))

CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(configuration=True),
    general=types.GeneralClientCapabilities(position_encodings=["utf-8", "utf-32", "utf-16"]),
)

session = pytest.mark.asyncio(loop_scope="module")


@pytest_lsp.fixture(config=ClientServerConfig(server_command=SERVER), scope="module")
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    await lsp_client.initialize_session(
        types.InitializeParams(capabilities=CAPABILITIES, locale="en")
    )
    yield
    await lsp_client.shutdown_session()


def open_(client: LanguageClient, uri: str, text: str) -> types.TextDocumentIdentifier:
    item = types.TextDocumentItem(uri, "cnn", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    return types.TextDocumentIdentifier(uri)


def change(client: LanguageClient, uri: str, version: int, text: str, at: Any = None) -> None:
    whole = types.TextDocumentContentChangeWholeDocument(text)
    part = at and types.TextDocumentContentChangePartial(text=text, range=at)
    document = types.VersionedTextDocumentIdentifier(version, uri)
    changed = types.DidChangeTextDocumentParams(document, [part or whole])
    client.text_document_did_change(changed)


async def told(client: LanguageClient, uri: str, *codes: str) -> list[types.Diagnostic]:
    """The diagnostics of a text once they have these codes."""
    for _ in range(3000):
        found = client.diagnostics.get(uri)
        if found is not None and [each.code for each in found] == list(codes):
            return list(found)
        await asyncio.sleep(0.01)
    raise AssertionError(f"{codes} are not told, but {client.diagnostics.get(uri)}")


@session
async def test_diagnostics_come_and_go(client: LanguageClient) -> None:
    uri = "untitled:come.cnn"
    open_(client, uri, BAD)
    (found,) = await told(client, uri, "E201")
    assert found.range.start == types.Position(1, 7)
    at = types.Range(types.Position(1, 15), types.Position(1, 18))
    change(client, uri, 2, "", at)
    await told(client, uri)
    change(client, uri, 3, " @", types.Range(at.start, at.start))
    await told(client, uri, "E001")
    closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
    client.text_document_did_close(closed)
    await told(client, uri)


@session
async def test_features_answer(client: LanguageClient) -> None:
    document = open_(client, "untitled:ask.cnn", BAD)
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, ALL))
    assert hints and [each.label for each in hints][1] == "(10, 3,930 params)"
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(document, ALL, types.CodeActionContext([]))
    )
    assert actions and "floor" in actions[0].title
    place = types.Position(1, 1)
    hover = await client.text_document_hover_async(types.HoverParams(document, place))
    assert hover and "7x7x8" in str(hover.contents)
    with pytest.raises(Exception, match="there is no name here"):
        await client.text_document_rename_async(types.RenameParams(document, place, "x"))
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
    assert lenses and lenses[0].command and "parameters" in lenses[0].command.title
    shown = await client.protocol.send_request_async("cnndsl/preview", {"uri": document.uri})
    assert shown.partial and "<table>" in shown.html
    gone = types.TextDocumentIdentifier("untitled:gone.cnn")
    assert await client.text_document_hover_async(types.HoverParams(gone, place)) is None


@session
async def test_features_can_be_switched_off(client: LanguageClient) -> None:
    document = open_(client, "untitled:off.cnn", BAD)
    await told(client, document.uri, "E201")
    ask = types.InlayHintParams(document, ALL)
    for on, codes in ((False, []), (True, ["E201"])):
        settings = {"hints": on, "diagnostics": on}
        client.set_configuration({"cnndsl": settings})
        changed = types.DidChangeConfigurationParams({"cnndsl": settings})
        client.workspace_did_change_configuration(changed)
        await told(client, document.uri, *codes)
        assert bool(await client.text_document_inlay_hint_async(ask)) == on


def message(**content: Any) -> bytes:
    data = json.dumps({"jsonrpc": "2.0", **content}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


def served(*messages: bytes) -> subprocess.CompletedProcess[bytes]:
    """What the server does with messages, after which the client dies."""
    return subprocess.run(SERVER, input=b"".join(messages), capture_output=True, timeout=60)


INIT = message(id=1, method="initialize", params={"capabilities": {}, "processId": None})


def test_it_ends_with_its_client() -> None:
    end = message(id=2, method="shutdown") + message(method="exit")
    assert served(INIT, end).returncode == 0
    died = served(INIT)
    assert died.returncode == 1 and b"Traceback" not in died.stderr
    assert served().returncode == 1


def test_a_request_that_is_none_is_refused() -> None:
    nonsense = message(id=7, method="textDocument/hover", params={"textDocument": 3})
    answer = served(INIT, nonsense).stdout
    assert b'"id":7' in answer.replace(b": ", b":") and b"-32602" in answer


METHODS = (
    "inlayHint hover completion signatureHelp codeAction codeLens definition references "
    "prepareRename rename documentSymbol foldingRange semanticTokens/full formatting"
).split()
URIS = ("file:///nowhere/a.cnn", "untitled:b", "bogus", "http://host/c.cnn", "file:///%00/%EA")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_messages_may_come_in_any_order(seed: int) -> None:
    rnd = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLES.glob("*.cnn"))]
    texts += ["", "\ufeffinput 8x8x1\n", "\r\r\n\u2028conv 3 3\x0c", "\ud800😀", "{" * 500]

    def place() -> Any:
        return {
            "line": rnd.choice([0, 1, 9, 2**31 - 1]),
            "character": rnd.choice([0, 5, 2**31 - 1]),
        }

    def one(number: int) -> bytes:
        document = {"uri": rnd.choice(URIS), "version": rnd.randint(-9, 9)}
        area = {"start": place(), "end": place()}
        kind = rnd.random()
        if kind < 0.2:
            item = {**document, "languageId": "cnn", "text": rnd.choice(texts)}
            return message(method="textDocument/didOpen", params={"textDocument": item})
        if kind < 0.5:
            new = rnd.choice(["x", "\n", "{", "😀", "\r"])
            some = rnd.choice([{"text": rnd.choice(texts)}, {"range": area, "text": new}])
            params = {"textDocument": document, "contentChanges": [some]}
            return message(method="textDocument/didChange", params=params)
        if kind < 0.6:
            method = rnd.choice(["textDocument/didClose", "textDocument/didSave", "$/cancelRequest",
                                 "workspace/didChangeConfiguration", "initialized"])  # fmt: skip
            params = {"textDocument": document, "id": number - 1, "settings": None}
            return message(method=method, params=params)
        if kind < 0.65:
            broken = [
                b"no header\r\n\r\n",
                b"Content-Length: 2\r\n\r\n[]",
                message(id=1, method="?"),
            ]
            return rnd.choice([*broken, message(method="textDocument/didOpen", params=[])])
        params = {
            "textDocument": document,
            "position": place(),
            "range": area,
            "context": {"diagnostics": [], "includeDeclaration": True},
            "newName": rnd.choice(["a", "conv", "😀", ""]),
            "options": {"tabSize": 2, "insertSpaces": True},
        }
        return message(id=number, method=f"textDocument/{rnd.choice(METHODS)}", params=params)

    many = [one(number) for number in range(2, 300)]
    item = {"uri": "untitled:end", "languageId": "cnn", "version": 1, "text": GOOD}
    last = [
        message(method="textDocument/didOpen", params={"textDocument": item}),
        message(id=999, method="textDocument/codeLens", params={"textDocument": item}),
    ]
    first = [] if rnd.random() < 0.3 else [INIT]
    with (
        TemporaryFile() as log,
        subprocess.Popen(
            SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        assert process.stdin and process.stdout
        # Who writes everything before reading anything would wait for a server that waits.
        inlet = process.stdin

        def write() -> None:
            inlet.write(b"".join([*first, *many, *last]))
            inlet.flush()

        writer = threading.Thread(target=write)
        writer.start()
        found = b""
        while b'"id":999' not in found.replace(b": ", b":"):
            chunk = process.stdout.read1(65536)
            assert chunk, "the server has ended"
            found = found[-40:] + chunk
        writer.join()
        inlet.close()
        assert process.wait(timeout=60) == 1
        log.seek(0)
        assert b"Traceback" not in log.read()
