/** The preview: it asks when nothing is typed, once at a time, and shows the newest text. */
import assert from 'node:assert/strict';
import { register } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

const posted = [];
const listeners = {};
const listen = (name) => (does) => (listeners[name] = does);
const panel = {
  visible: true,
  webview: {
    onDidReceiveMessage: listen('message'),
    asWebviewUri: (uri) => `webview:${uri.fsPath}`,
    postMessage: (data) => posted.push(data),
  },
  onDidDispose: listen('close'),
  reveal: () => {},
};
const document = { languageId: 'cnn', uri: 'file:///a.cnn', fileName: '/some/where/a.cnn' };
const editor = { document, viewColumn: 2, selection: { active: { line: 3 } } };
const shown = [];
globalThis.vscode = {
  env: { language: 'en' },
  l10n: { t: (text, word) => text.replace('{0}', word) },
  Range: class Range {
    constructor(...numbers) {
      this.numbers = numbers;
    }
  },
  Uri: { joinPath: ({ fsPath }, name) => ({ fsPath: path.join(fsPath, name) }) },
  ViewColumn: { Beside: -2, One: 1 },
  window: {
    activeTextEditor: editor,
    visibleTextEditors: [editor],
    createWebviewPanel: () => panel,
    onDidChangeActiveTextEditor: listen('editor'),
    onDidChangeTextEditorSelection: listen('selection'),
    showTextDocument: (...args) => shown.push(args),
  },
  workspace: {
    onDidChangeConfiguration: listen('settings'),
    onDidChangeTextDocument: listen('text'),
  },
};
const stub = `export const { ${Object.keys(globalThis.vscode)} } = globalThis.vscode;`;
const hook = `export const resolve = (name, context, next) => name === 'vscode'
  ? { url: 'data:text/javascript,${encodeURIComponent(stub)}', shortCircuit: true }
  : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { Preview } = await import('../src/preview.js');

/** Let promises that are settled go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('it asks once at a time, when nothing is typed, and follows the cursor', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = [];
  const client = {
    sendRequest: (method, question) => {
      assert.deepEqual([method, question], ['cnndsl/preview', { uri: 'file:///a.cnn' }]);
      return new Promise((resolve) => asked.push(resolve));
    },
  };
  const preview = new Preview({ fsPath: path.dirname(import.meta.dirname) }, () => client);
  preview.open();
  assert.equal(panel.title, 'Preview a.cnn');
  assert.doesNotMatch(panel.webview.html, /\{\{|undefined/);
  assert.equal(new Set(panel.webview.html.match(/nonce(-|=")[^'"]+/g)).size, 2);
  t.mock.timers.tick(0);
  assert.equal(asked.length, 1);

  posted.length = 0;
  for (let key = 0; key < 10; key += 1) listeners.text({ document });
  t.mock.timers.tick(1000);
  assert.equal(asked.length, 1, 'the first answer is not there yet');
  asked[0]({ version: 1 });
  await settle();
  assert.deepEqual(posted, [{ version: 1 }, { line: 4 }]);
  t.mock.timers.tick(1000);
  assert.equal(asked.length, 2, 'the ten keys ask once');
  asked[1]({ version: 2 });
  await settle();
  t.mock.timers.tick(1000);
  assert.equal(asked.length, 2, 'and then it is quiet');

  listeners.text({ document: { ...document } });
  panel.visible = false;
  listeners.text({ document });
  t.mock.timers.tick(1000);
  assert.equal(asked.length, 2, 'neither another text nor a panel behind others asks');
  panel.visible = true;

  listeners.message(7);
  assert.deepEqual(shown[0][1].selection.numbers, [6, 0, 6, 0]);
  assert.equal(shown[0][1].viewColumn, 2);
  listeners.message(0);
  t.mock.timers.tick(0);
  assert.equal(asked.length, 3, 'a page that is loaded anew asks');
  listeners.close();
  asked[2]({ version: 3 });
  await settle();
  assert.ok(!posted.some(({ version }) => version === 3), 'nobody is there to see it');
});
