/** The client: starts the server, and has the commands. */
import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/node';
import { buildFor, importModel, showTable } from './commands.js';
import { Preview } from './preview.js';
import { findProgram, INSTALL } from './program.js';

const { l10n, window, workspace } = vscode;

/** The setting that says which program it is. */
const PATH = 'cnndsl.path';

/** A client that leaves it to the extension to say why a server does not start. */
class Client extends LanguageClient {
  showNotificationMessage(...message) {
    if (this.isRunning()) super.showNotificationMessage(...message);
  }
}

let client, output, preview, program;
let begun = Promise.resolve();

export function activate(context) {
  output = window.createOutputChannel('cnndsl', { log: true });
  preview = new Preview(context.extensionUri, () => client);
  const command = (name, does) => vscode.commands.registerCommand(`cnndsl.${name}`, does);
  const withProgram = (does) => async () => {
    await begun;
    if (!program) await restart();
    if (program) await does(program);
  };
  context.subscriptions.push(
    output,
    preview,
    command('build', withProgram(buildFor)),
    command('table', withProgram(showTable)),
    command('import', withProgram(importModel)),
    command('preview', () => preview.open()),
    command('restart', restart),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(PATH) && restart()),
  );
  return restart();
}

export const deactivate = () => client?.dispose();

/** End the server if it runs, and start it; one after the other, however often asked. */
const restart = () => (begun = begun.then(start, start));

async function start() {
  await client?.dispose().catch((error) => output.error(error));
  client = undefined;
  const folders = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  program = await findProgram({
    setting: workspace.getConfiguration().get(PATH),
    folders: folders.map(({ uri }) => uri.fsPath),
    trusted: workspace.isTrusted,
    paths: process.env.PATH ?? '',
  });
  if (!program) return void missing();
  const started = new Client('cnndsl', { command: program, args: ['lsp'] }, {
    documentSelector: [{ language: 'cnn' }],
    outputChannel: output,
    initializationFailedHandler: () => false,
    initializationOptions: workspace.getConfiguration('cnndsl'),
    synchronize: { configurationSection: 'cnndsl' },
  });
  try {
    await started.start();
    client = started;
    preview.later();
  } catch {
    missing();
  }
}

/** Say what is missing and how it is installed; the caller does not wait for an answer. */
async function missing() {
  const text = program
    ? l10n.t('{0} has no language server. This installs it: {1}', program, INSTALL)
    : l10n.t('cnndsl was not found. This installs it: {0}', INSTALL);
  const [copy, settings] = [l10n.t('Copy Command'), l10n.t('Settings')];
  const answer = await window.showWarningMessage(text, copy, settings);
  if (answer === copy) await vscode.env.clipboard.writeText(INSTALL);
  if (answer !== settings) return;
  await vscode.commands.executeCommand('workbench.action.openSettings', PATH);
}
