/** The table and the figure of a net, beside its text. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';

const { l10n, Uri, window, workspace } = vscode;

/** How long nothing has to be typed before the server is asked, in milliseconds. */
const IDLE = 200;

export class Preview {
  /** `client` gives the client of the server, if it runs. */
  constructor(extension, client) {
    this.media = Uri.joinPath(extension, 'media');
    this.client = client;
    this.listeners = [
      workspace.onDidChangeTextDocument((edit) => edit.document === this.document && this.later()),
      workspace.onDidChangeConfiguration(() => this.later()),
      window.onDidChangeActiveTextEditor((editor) => this.follow(editor)),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.point(textEditor)),
    ];
  }

  dispose() {
    this.panel?.dispose();
    this.listeners.forEach((listener) => listener.dispose());
  }

  open() {
    if (this.panel) this.panel.reveal(undefined, true);
    else this.create();
    this.follow(window.activeTextEditor);
  }

  create() {
    const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const options = { enableScripts: true, localResourceRoots: [this.media] };
    this.panel = window.createWebviewPanel('cnndsl.preview', 'cnndsl', where, options);
    this.panel.onDidDispose(() => (this.panel = this.document = undefined));
    const { webview } = this.panel;
    webview.onDidReceiveMessage((line) => (line ? this.go(line) : this.later(0)));
    const nonce = randomBytes(16).toString('base64');
    const words = { nonce, lang: vscode.env.language, media: webview.asWebviewUri(this.media) };
    const page = readFileSync(Uri.joinPath(this.media, 'preview.html').fsPath, 'utf8');
    webview.html = page.replace(/\{\{(\w+)\}\}/g, (_, word) => words[word]);
  }

  /** Show the net of another editor, if it has one. */
  follow(editor) {
    if (!this.panel || editor?.document.languageId !== 'cnn') return;
    this.document = editor.document;
    this.panel.title = l10n.t('Preview {0}', this.document.fileName.replace(/.*[/\\]/, ''));
    this.later(0);
  }

  later(wait = IDLE) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), wait);
  }

  /** Ask the server; one request at a time, and again where something has changed since. */
  async update() {
    const { document, panel } = this;
    if (this.asking) return void (this.again = true);
    if (!document || !panel.visible || !this.client()) return;
    this.asking = true;
    const question = { uri: document.uri.toString() };
    const net = await this.client().sendRequest('cnndsl/preview', question).catch(() => undefined);
    this.asking = false;
    if (this.again) this.later();
    this.again = false;
    if (!net || document !== this.document) return;
    panel.webview.postMessage(net);
    window.visibleTextEditors.forEach((editor) => this.point(editor));
  }

  /** Mark the rows of the line on which the cursor is. */
  point({ document, selection }) {
    if (document !== this.document) return;
    this.panel?.webview.postMessage({ line: selection.active.line + 1 });
  }

  /** Put the cursor on a line. */
  go(line) {
    const selection = new vscode.Range(line - 1, 0, line - 1, 0);
    const shown = window.visibleTextEditors.find(({ document }) => document === this.document);
    const viewColumn = shown?.viewColumn ?? vscode.ViewColumn.One;
    return window.showTextDocument(this.document, { selection, viewColumn });
  }
}
