/** The table and the figure of a net, beside its text. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { messageLanguage } from './commands.js';

const { l10n, Uri, window, workspace } = vscode;

/** How long nothing has to be typed before the server is asked, in milliseconds. */
const IDLE = 200;

export class Preview {
  /** `client` gives the client of the server, if it runs. */
  constructor(extension, client) {
    this.media = Uri.joinPath(extension, 'media');
    this.client = client;
    this.listeners = [
      workspace.onDidChangeTextDocument((event) => {
        if (event.document === this.document) this.later();
      }),
      workspace.onDidChangeConfiguration(() => this.later()),
      window.onDidChangeActiveTextEditor((editor) => this.follow(editor)),
      window.onDidChangeTextEditorSelection((event) => this.point(event.textEditor)),
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
    const panel = window.createWebviewPanel('cnndsl.preview', 'cnndsl', where, options);
    panel.webview.onDidReceiveMessage((line) => (line ? this.go(line) : this.later(0)));
    panel.onDidDispose(() => {
      this.panel = this.document = undefined;
    });
    const words = {
      lang: messageLanguage(),
      nonce: randomBytes(16).toString('base64'),
      media: panel.webview.asWebviewUri(this.media),
    };
    const page = readFileSync(Uri.joinPath(this.media, 'preview.html').fsPath, 'utf8');
    panel.webview.html = page.replace(/\{\{(\w+)\}\}/g, (_, word) => words[word]);
    this.panel = panel;
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
    if (this.asking) {
      this.again = true;
      return;
    }
    const { document, panel } = this;
    if (!document || !panel.visible || !this.client()) return;
    this.asking = true;
    const question = { uri: document.uri.toString(), lang: messageLanguage() };
    const net = await this.client().sendRequest('cnndsl/preview', question).catch(() => undefined);
    this.asking = false;
    if (this.again) this.later();
    this.again = false;
    if (!net || document !== this.document) return;
    const note = net.partial ? l10n.t('Shapes behind an error are assumed.') : '';
    panel.webview.postMessage({ ...net, note });
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
