/** What the commands do: run the program on a text, and open what it writes beside it. */
import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { run } from './program.js';

const { l10n, window, workspace } = vscode;

/** The targets, and the languages of what they make; bytes, as those of ONNX, go to a file. */
export const TARGETS = {
  keras: 'python', pytorch: 'python', flax: 'python', onnx: undefined,
  markdown: 'markdown', html: 'html', latex: 'latex', csv: 'csv', walkthrough: 'markdown',
  svg: 'xml', mermaid: 'mermaid', json: 'json', png: undefined, pdf: undefined,
};

/** The codes of problems that go away where the size of the input is given. */
const SIZELESS = /\[(E112|E604)\]/;

/** The language that the setting asks for; else the program has its own ways to tell. */
function language() {
  const setting = workspace.getConfiguration('cnndsl').get('lang');
  return setting === 'auto' ? undefined : setting;
}

export async function buildFor(program) {
  const document = window.activeTextEditor?.document;
  const target = document && (await window.showQuickPick(Object.keys(TARGETS)));
  if (!target) return;
  const args = ['build', '-', '--target', target];
  if (!TARGETS[target]) {
    const filters = { [target]: [target] };
    const file = await window.showSaveDialog({ defaultUri: vscode.Uri.file(folder()), filters });
    if (!file) return;
    args.push('--output', file.fsPath);
  }
  await open(program, args, document.getText(), TARGETS[target]);
}

export async function showTable(program) {
  const document = window.activeTextEditor?.document;
  if (document) await open(program, ['show', '-'], document.getText(), 'plaintext');
}

export async function importModel(program) {
  const file = l10n.t('From a file…');
  const text = l10n.t('From the selection, or else the clipboard');
  const source = await window.showQuickPick([file, text]);
  if (source === file) {
    const [chosen] = (await window.showOpenDialog()) ?? [];
    if (chosen) await open(program, ['import', chosen.fsPath], '', 'cnn');
  } else if (source === text) {
    const editor = window.activeTextEditor;
    const selected = editor?.document.getText(editor.selection);
    const copied = selected || (await vscode.env.clipboard.readText());
    await open(program, ['import', '-'], copied, 'cnn');
  }
}

/** Open what the program writes, if its language is given; where it fails, show the problem. */
async function open(program, args, input, languageId) {
  const options = { cwd: folder(), input, lang: language() };
  const shown = { location: vscode.ProgressLocation.Notification, cancellable: true };
  const once = (more) =>
    window.withProgress({ ...shown, title: `cnndsl ${args[0]}` }, (_, token) =>
      run(program, [...args, ...more], { ...options, token }),
    );
  let answer = await once([]);
  if (SIZELESS.test(answer.problem)) {
    const prompt = l10n.t('The size of the input');
    const size = await window.showInputBox({ prompt, placeHolder: '224x224x3' });
    if (!size) return;
    answer = await once(['--input', size]);
  }
  if (answer.problem) window.showErrorMessage(answer.problem);
  if (!answer.ok || !languageId) return;
  const made = { content: answer.stdout, language: languageId };
  await window.showTextDocument(await workspace.openTextDocument(made), vscode.ViewColumn.Beside);
}

/** The folder of the text in the editor, else the user's own. */
function folder() {
  const { scheme, fsPath } = window.activeTextEditor?.document.uri ?? {};
  return scheme === 'file' ? path.dirname(fsPath) : homedir();
}
