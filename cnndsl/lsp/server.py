"""The server itself: it reads messages on one thread, and computes on another.

A request is answered from the newest text, and with `ContentModified` where the text has changed
since it was asked; a search for fixes ends where the text changes. So however fast somebody types,
only the newest version of a text is worked out.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, NoReturn, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from cnndsl import __version__
from cnndsl.lang import LANGUAGES
from cnndsl.lsp import answers
from cnndsl.lsp.documents import Document, Settings, configured
from cnndsl.lsp.preview import preview

T = TypeVar("T")

log = logging.getLogger("cnndsl.lsp")

PAUSES = 0.03, 0.5
"""For how many seconds diagnostics wait for more to be typed, at least and at most: as long as the
text took the last time."""

WATCHED = "**/{cnndsl,pyproject}.toml"


class Protocol(LanguageServerProtocol):
    """The protocol with columns in UTF-16, which every client knows, and with documents that the
    server keeps itself: those of pygls end lines where the protocol ends none."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message from its JSON; a request that is none is refused, or a client would wait."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = None
        return (yield from super().lsp_initialize(params))

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Any:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Any:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Any:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class Server(LanguageServer):
    """The documents that are open, and what the user has switched on."""

    def __init__(self) -> None:
        super().__init__("cnndsl", __version__, protocol_cls=Protocol)
        self.protocol.client_capabilities = types.ClientCapabilities()
        self.documents: dict[str, Document] = {}
        self.given = self.settings = Settings()  # at the start, and now
        self.locale = ""
        self.ended = False  # whether the client has said that it is the end
        self._worker = ThreadPoolExecutor(1, "cnndsl")
        self._told: set[str] = set()  # what is wrong with configurations, told once

    def report_server_error(self, error: Exception, source: Any) -> None:
        """What went wrong goes to the log, in a line; an editor shows nothing of it."""
        if not isinstance(error, answers.Refused):
            log.error("%s: %s", type(error).__name__, error)

    def lang(self, document: Document | None = None) -> str:
        """The language: of the settings, of `CNNDSL_LANG`, of the configuration, of the editor."""
        of_editor = self.locale.partition("-")[0].lower()
        of_file = document and document.configured.lang
        asked = self.settings.lang, os.environ.get("CNNDSL_LANG"), of_file
        return next((each for each in (*asked, of_editor) if each in LANGUAGES), "en")

    async def compute(self, work: Callable[[], T]) -> T:
        """What takes long, after what was asked for before it."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def ask(self, uri: str, answer: Callable[[Document, str], T]) -> T | None:
        """An answer from a document, unless its text changes before it is its turn."""
        document = self.documents.get(uri)
        if document is None:
            return None
        text, lang = document.text, self.lang(document)

        def current() -> T:
            if document.update() is not text:
                raise answers.Refused("the text has changed", types.LSPErrorCodes.ContentModified)
            return answer(document, lang)

        return await self.compute(current)

    def open(self, item: types.TextDocumentItem) -> None:
        document = self.documents[item.uri] = Document(item.uri, item.version, item.text)
        self._warn(document)
        self.tell_soon(document)

    def close(self, uri: str) -> None:
        document = self.documents.pop(uri, None)
        if document is not None:
            document.stop.set()
            self._publish(uri, [])

    def tell_soon(self, document: Document) -> None:
        """Send the diagnostics of the newest text, once for all that is typed meanwhile."""
        if document.telling is None or document.telling.done():
            document.telling = asyncio.ensure_future(self._tell(document))

    async def _tell(self, document: Document) -> None:
        def current() -> tuple[str, list[types.Diagnostic]]:
            text = document.update()
            is_on = self.settings.diagnostics
            return text, answers.diagnostics(document, self.lang(document)) if is_on else []

        told = None
        while document.text is not told and self.documents.get(document.uri) is document:
            await asyncio.sleep(sorted((*PAUSES, document.took))[1])
            version = document.version
            told, found = await self.compute(current)
            if self.documents.get(document.uri) is document and document.text is told:
                self._publish(document.uri, found, version)

    def _publish(self, uri: str, found: list[types.Diagnostic], version: int | None = None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def _warn(self, document: Document) -> None:
        problem = document.configured.problem
        if problem and problem not in self._told:
            self._told.add(problem)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, problem))

    def look_again(self) -> None:
        """Say everything anew: settings or configurations have changed."""
        for document in self.documents.values():
            document.configured = configured(document.path)
            self._warn(document)
            document.telling = None
            self.tell_soon(document)
        workspace = self.client_capabilities.workspace or types.WorkspaceClientCapabilities()
        for asked, refresh in (
            (workspace.inlay_hint, self.workspace_inlay_hint_refresh),
            (workspace.code_lens, self.workspace_code_lens_refresh),
            (workspace.semantic_tokens, self.workspace_semantic_tokens_refresh),
        ):
            if asked is not None and asked.refresh_support:
                refresh(None)

    def watch(self) -> None:
        """Ask the editor to tell of configurations that change, where it can."""
        workspace = self.client_capabilities.workspace
        watched = workspace and workspace.did_change_watched_files
        if not watched or not watched.dynamic_registration:
            return
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(WATCHED)])
        registration = types.Registration("configurations", method, options)
        self.client_register_capability(types.RegistrationParams([registration]))

    def pull_settings(self) -> None:
        """Ask the editor for the settings, where it can be asked."""
        workspace = self.client_capabilities.workspace
        if workspace is None or not workspace.configuration:
            return

        def take(answer: Any) -> None:
            self.settings = self.given.changed(answer[0] if answer else None)
            self.look_again()

        item = types.ConfigurationItem(section="cnndsl")
        self.workspace_configuration(types.ConfigurationParams([item]), take)


class Feature(NamedTuple):
    """A request about a document: its method, the setting that switches it off, its answer."""

    method: str
    switch: str
    answer: Callable[[Document, Any, str], Any]
    options: Any = None


FEATURES = (
    Feature(types.TEXT_DOCUMENT_INLAY_HINT, "hints", answers.hints),
    Feature(types.TEXT_DOCUMENT_CODE_LENS, "lens", answers.lens),
    Feature(types.TEXT_DOCUMENT_HOVER, "hover", answers.hover),
    Feature(
        types.TEXT_DOCUMENT_COMPLETION,
        "completion",
        answers.completion,
        types.CompletionOptions(trigger_characters=["=", "."], resolve_provider=True),
    ),
    Feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        "completion",
        answers.signature,
        types.SignatureHelpOptions([" "], ["=", "/"]),
    ),
    Feature(
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        "semanticTokens",
        answers.tokens,
        types.SemanticTokensLegend(answers.TYPES, answers.MODIFIERS),
    ),
    Feature(types.TEXT_DOCUMENT_FORMATTING, "format", answers.formatting),
    Feature(types.TEXT_DOCUMENT_DEFINITION, "", answers.definition),
    Feature(types.TEXT_DOCUMENT_REFERENCES, "", answers.references),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, "", answers.highlights),
    Feature(types.TEXT_DOCUMENT_PREPARE_RENAME, "", answers.named),
    Feature(
        types.TEXT_DOCUMENT_RENAME, "", answers.rename, types.RenameOptions(prepare_provider=True)
    ),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, "", answers.symbols),
    Feature(types.TEXT_DOCUMENT_FOLDING_RANGE, "", answers.folding),
)


def _asked(server: Server, feature: Feature) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """What answers a request for a feature."""

    async def answer(params: Any) -> Any:
        if feature.switch and not getattr(server.settings, feature.switch):
            return None
        return await server.ask(
            params.text_document.uri,
            lambda document, lang: feature.answer(document, params, lang),
        )

    return answer


def make() -> Server:
    """A server with all that it answers."""
    server = Server()
    for each in FEATURES:
        server.feature(each.method, each.options)(_asked(server, each))

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, answers.FIX_ALL]),
    )
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        document = server.documents.get(params.text_document.uri)
        if document is None or not server.settings.fixes:
            return None
        stop, unwanted = document.stop, threading.Event()

        def cancelled() -> bool:
            return stop.is_set() or unwanted.is_set()

        try:
            return await server.ask(
                document.uri,
                lambda document, lang: answers.actions(document, params, lang, cancelled),
            )
        finally:
            unwanted.set()  # where the client takes its question back

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    def resolve(item: types.CompletionItem) -> types.CompletionItem:
        return answers.resolved(item, server.lang())

    @server.feature("cnndsl/preview")
    async def show(params: Any) -> dict[str, Any] | None:
        return await server.ask(str(getattr(params, "uri", "")), preview)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.open(params.text_document)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        document = server.documents.get(params.text_document.uri)
        if document is not None:
            document.change(params.text_document.version, params.content_changes)
            server.tell_soon(document)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.close(params.text_document.uri)

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.locale = params.locale or ""
        server.given = server.settings = Settings().changed(params.initialization_options)

    @server.feature(types.SHUTDOWN)
    def shutdown(params: None) -> None:
        server.ended = True

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        server.pull_settings()
        server.watch()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured_anew(params: types.DidChangeConfigurationParams) -> None:
        given = params.settings.get("cnndsl") if isinstance(params.settings, dict) else None
        server.settings = server.given.changed(given)
        server.look_again()
        server.pull_settings()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        server.look_again()

    return server


def serve() -> NoReturn:
    """Serve the editor at the other end of standard input and output, until it ends."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs every refusal, with a traceback
    server = make()
    gc.enable()  # commands go without, but they end
    gc.freeze()
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")  # which `exit` closes
    sys.stdout = sys.stderr  # what else is printed is no message
    server.start_io(sys.stdin.buffer, channel)
    # Nobody waits for what is still being computed, and a thread cannot be ended otherwise.
    os._exit(0 if server.ended else 1)
