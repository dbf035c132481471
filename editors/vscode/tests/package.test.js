/** The package that is installed: its files, and that it needs no others. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';

const cwd = path.dirname(import.meta.dirname);
const read = (name) => readFileSync(path.join(cwd, name), 'utf8');

test('it is packed, with what belongs to it alone', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cnndsl-'));
  const packagePath = path.join(folder, 'cnndsl.vsix');
  const loose = { allowMissingRepository: true, rewriteRelativeLinks: false };
  try {
    await createVSIX({ cwd, packagePath, dependencies: false, ...loose });
    assert.ok(statSync(packagePath).size < 400_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const files = await listFiles({ cwd, packageManager: PackageManager.None });
  assert.deepEqual(files.sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist/extension.cjs',
    'dist/licenses.txt',
    'l10n/bundle.l10n.ko.json',
    'language-configuration.json',
    'media/file.svg',
    'media/icon.png',
    'media/preview.css',
    'media/preview.html',
    'media/preview.js',
    'media/screenshot.png',
    'package.json',
    'package.nls.json',
    'package.nls.ko.json',
    'syntaxes/cnn.tmLanguage.json',
    'syntaxes/markdown.tmLanguage.json',
  ]);
  const needed = [...read('dist/extension.cjs').matchAll(/\brequire\("([^"]+)"\)/g)];
  const names = new Set(needed.map(([, name]) => name.replace(/^node:/, '')));
  assert.ok(names.has('vscode'));
  assert.deepEqual([...names].filter((name) => !['vscode', ...builtinModules].includes(name)), []);
});

test('each word of the manifest and of the client is there in both languages', () => {
  const english = JSON.parse(read('package.nls.json'));
  const korean = JSON.parse(read('package.nls.ko.json'));
  const used = [...read('package.json').matchAll(/"%(\w+)%"/g)].map(([, key]) => key);
  assert.deepEqual(Object.keys(english).sort(), used.sort());
  assert.deepEqual(Object.keys(korean), Object.keys(english));
  const source = readdirSync(path.join(cwd, 'src')).map((each) => read(`src/${each}`)).join('');
  const said = [...source.matchAll(/l10n\.t\('([^']+)'/g)].map(([, text]) => text);
  const told = JSON.parse(read('l10n/bundle.l10n.ko.json'));
  assert.deepEqual(Object.keys(told).sort(), said.sort());
  for (const [text, other] of Object.entries(told)) {
    assert.deepEqual(other.match(/\{\d\}/g), text.match(/\{\d\}/g), text);
    assert.match(other, /[가-힣]/);
  }
});

test('the page of the preview runs nothing but its own script', () => {
  const page = read('media/preview.html');
  assert.match(page, /default-src 'none'; script-src 'nonce-\{\{nonce\}\}'; style-src 'nonce-/);
  assert.doesNotMatch(page, /unsafe|\son\w+=|https?:/);
  assert.doesNotMatch(read('media/preview.js'), /innerHTML|outerHTML|insertAdjacentHTML|eval\(/);
});
