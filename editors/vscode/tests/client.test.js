/** The client as it is packed, in an editor that is made of stubs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const cwd = path.dirname(import.meta.dirname);
execFileSync('npm', ['run', '--silent', 'vscode:prepublish'], { cwd, stdio: 'pipe' });
const root = mkdtempSync(path.join(tmpdir(), 'cnndsl-'));
after(() => rmSync(root, { recursive: true }));

/** Whatever is asked of an editor: it can be called, made, and asked for more. */
function anything() {
  const known = new Map();
  const made = new Proxy(function () {}, {
    get: (_, key) => {
      if (key === 'then' || typeof key === 'symbol') return undefined;
      if (key === 'prototype') return Object.prototype;
      if (!known.has(key)) known.set(key, anything());
      return known.get(key);
    },
    apply: () => anything(),
    construct: (_, __, kind) => (kind === made ? anything() : Object.create(kind.prototype)),
  });
  return made;
}

/** An editor with settings, over whatever else there may be; its commands, and what was said. */
function editor(setting, answer) {
  const seen = { commands: {}, said: [], clipboard: '' };
  const say = async (text) => {
    seen.said.push(text);
    return answer;
  };
  const over = (more) => Object.assign(Object.create(anything()), more);
  const vscode = over({
    version: '1.91.0',
    l10n: { t: (text, ...words) => text.replace(/\{(\d)\}/g, (_, index) => words[index]) },
    commands: over({ registerCommand: (name, does) => (seen.commands[name] = does) }),
    env: over({
      language: 'en',
      clipboard: { writeText: async (text) => (seen.clipboard = text) },
    }),
    window: over({ showWarningMessage: say, showErrorMessage: say }),
    workspace: over({
      isTrusted: true,
      workspaceFolders: undefined,
      getConfiguration: () => ({ get: (name) => (/path$/.test(name) ? setting : undefined) }),
    }),
  });
  return { vscode, seen };
}

async function activated(setting, answer) {
  const { vscode, seen } = editor(setting, answer);
  const load = Module._load;
  Module._load = (name, ...rest) => (name === 'vscode' ? vscode : load(name, ...rest));
  try {
    const require = createRequire(import.meta.url);
    const file = require.resolve('../dist/extension.cjs');
    delete require.cache[file];
    await require(file).activate({ subscriptions: [], extensionUri: {} });
  } finally {
    Module._load = load;
  }
  return seen;
}

test('without the program it says what installs it, and copies that', async () => {
  const seen = await activated(path.join(root, 'nowhere'), 'Copy Command');
  assert.match(seen.said.join(), /^cnndsl was not found\. .*pip install 'cnndsl\[lsp\]'$/);
  assert.equal(seen.clipboard, "pip install 'cnndsl[lsp]'");
  await seen.commands['cnndsl.build'](); // looks again, and says it again
  assert.equal(seen.said.length, 2);
});

test('without the server it says so', async () => {
  const file = path.join(root, 'cnndsl');
  const script = `process.argv[2] === 'lsp' ? process.exit(2) : console.log('cnndsl 1')`;
  writeFileSync(file, `#!${process.execPath}\n${script}\n`);
  chmodSync(file, 0o755);
  const seen = await activated(file);
  assert.equal(seen.said.length, 1);
  assert.match(seen.said[0], /has no language server\. .*pip install/);
});

test('every command of the manifest is there', async () => {
  const { contributes } = createRequire(import.meta.url)('../package.json');
  const { commands } = await activated(path.join(root, 'nowhere'));
  const said = contributes.commands.map((each) => each.command);
  assert.deepEqual(Object.keys(commands).sort(), said.sort());
});
