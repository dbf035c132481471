/** Where the program is looked for, and what it may do to the editor. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { candidates, findProgram, run } from '../src/program.js';

const root = mkdtempSync(path.join(tmpdir(), 'cnndsl-'));
after(() => rmSync(root, { recursive: true }));

/** A program that does what a script of Node says. */
function program(file, script) {
  const whole = path.join(root, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, `#!${process.execPath}\n${script}\n`);
  chmodSync(whole, 0o755);
  return whole;
}

const TALKS = 'console.log("cnndsl", "1.2.3");';
const own = program('folder/.venv/bin/cnndsl', TALKS);
const global = program('path/cnndsl', TALKS);
program('other/cnndsl', 'console.log("another program of that name");');
program('broken/cnndsl', 'console.log("cnndsl 1"); process.exit(1);');
const plain = path.join(root, 'plain');
const where = {
  setting: '',
  folders: [plain, path.join(root, 'folder')],
  trusted: true,
  paths: ['nowhere', 'other', 'broken', 'path']
    .map((each) => path.join(root, each))
    .join(path.delimiter),
};

test('that of a folder comes before that of PATH', async () => {
  assert.equal(await findProgram(where), own);
});

test('of a folder that is not trusted none is run', async () => {
  assert.equal(await findProgram({ ...where, trusted: false }), global);
  const setting = '${workspaceFolder}/.venv/bin/cnndsl';
  assert.deepEqual(candidates({ ...where, setting, trusted: false }), []);
});

test('other programs of that name are passed over, and relative folders', async () => {
  assert.equal(await findProgram({ ...where, folders: [plain] }), global);
  assert.deepEqual(candidates({ ...where, folders: [], paths: '.:bin:' }), []);
});

test('a setting is the only one', async () => {
  assert.equal(await findProgram({ ...where, setting: global }), global);
  const nowhere = path.join(root, 'nowhere/cnndsl');
  assert.equal(await findProgram({ ...where, setting: nowhere }), undefined);
  assert.deepEqual(candidates({ ...where, setting: '~/bin/cnndsl' }), [`${homedir()}/bin/cnndsl`]);
  const setting = '${workspaceFolder}/tools/cnndsl';
  assert.deepEqual(candidates({ ...where, setting }), [path.join(plain, 'tools/cnndsl')]);
  assert.deepEqual(candidates({ ...where, setting: 'tools/cnndsl' }), []);
});

test('with none there is none', async () => {
  assert.equal(await findProgram({ ...where, folders: [], paths: '' }), undefined);
});

test('Windows has its own folder', () => {
  assert.ok(candidates(where).includes(path.join(plain, '.venv/Scripts/cnndsl.exe')));
});

test('it gets the text and the language, and its output comes back', async () => {
  const said = 'console.log(process.env.CNNDSL_LANG); process.stdin.pipe(process.stdout);';
  const echo = program('echo', said);
  const answer = await run(echo, [], { cwd: root, input: '합성곱', lang: 'ko' });
  assert.deepEqual(answer, { ok: true, stdout: 'ko\n합성곱', problem: '' });
});

test('of what is wrong the first line is told; a text that is not read is no problem', async () => {
  const fails = program('fails', 'console.error("error[E202] a\\n  more"); process.exit(1);');
  const answer = await run(fails, [], { cwd: root, input: 'x'.repeat(1e7) });
  assert.deepEqual(answer, { ok: false, stdout: '', problem: 'error[E202] a' });
  const missing = await run(path.join(root, 'nowhere'), [], { cwd: root });
  assert.match(missing.problem, /ENOENT/);
});

test('one that is cancelled ends, without a problem', async () => {
  const waits = program('waits', 'setInterval(() => {}, 1000);');
  const token = { onCancellationRequested: (stop) => (token.stop = stop) };
  const answer = run(waits, [], { cwd: root, token });
  token.isCancellationRequested = true;
  token.stop();
  assert.deepEqual(await answer, { ok: false, stdout: '', problem: '' });
});
