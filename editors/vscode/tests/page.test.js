/** The page of the preview in Chromium, as the editor shows it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = !existsSync(PROGRAM) && process.env.CNNDSL_TOOLS !== '1';
const media = path.join(path.dirname(import.meta.dirname), 'media');
const TYPES = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript' };
const words = { nonce: 'once', lang: 'en', media: '' };

const NET = {
  version: 1,
  html: `<div><table><caption>a net</caption><tbody>
    <tr><th>conv</th></tr><tr><th>pool</th></tr><tr><th><img src=x onerror="hacked=1">bn</th></tr>
    </tbody></table><script>hacked = 2</script></div>`,
  svg: `<svg class="c"><style>.c-conv { fill: rgb(1, 1, 1) }
    @media (prefers-color-scheme: dark) { .c-conv { fill: rgb(2, 2, 2) } }
    @media all { .c { height: 7px } }</style><rect class="c-conv"/><rect class="c-sheet"/></svg>`,
  rows: [[4], [4, 5], []],
  errors: ['<b>no</b> markup', 'another'],
  partial: true,
};

test('the page of the preview', { skip: absent && 'needs Chromium' }, async (t) => {
  const server = createServer(({ url }, response) => {
    const file = path.join(media, path.basename(url));
    if (!existsSync(file)) return response.writeHead(404).end();
    const text = readFileSync(file, 'utf8');
    response.setHeader('Content-Type', TYPES[path.extname(file)]);
    return response.end(text.replace(/\{\{(\w+)\}\}/g, (_, word) => words[word]));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  const browser = await chromium.launch({
    executablePath: PROGRAM,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.addInitScript(() => {
    window.told = [];
    window.acquireVsCodeApi = () => ({ postMessage: (data) => window.told.push(data) });
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/preview.html`);
  const send = (data) => page.evaluate((sent) => {
    dispatchEvent(new MessageEvent('message', { data: sent }));
  }, data);
  const theme = (kind) => page.evaluate((said) => {
    document.body.dataset.vscodeThemeKind = said;
  }, kind);
  const fill = () => page.$eval('.c-conv', (box) => getComputedStyle(box).fill);
  const here = () => page.$$eval('tr.here', (rows) => rows.map((row) => row.textContent));

  assert.deepEqual(await page.evaluate('told'), [0], 'it says that it is there');
  await theme('vscode-light');
  await send(NET);
  await send({ line: 4 });
  assert.deepEqual(await here(), ['conv', 'pool']);
  await send({ line: 5 });
  assert.deepEqual(await here(), ['pool']);
  await send({ line: 9 });
  assert.deepEqual(await here(), []);

  await page.click('text=pool');
  await page.focus('tr:first-child');
  await page.keyboard.press('Enter');
  await page.click('text=bn');
  assert.deepEqual(await page.evaluate('told'), [0, 4, 4], 'a row without a line says nothing');

  assert.equal(await page.$eval('#errors', (box) => box.innerText), '<b>no</b> markup\nanother');
  assert.equal(await page.$eval('.c', (figure) => getComputedStyle(figure).height), '7px');
  const sheet = await page.$eval('.c-sheet', (box) => getComputedStyle(box).fill);
  assert.equal(sheet, 'rgba(0, 0, 0, 0)', 'the page of the editor shines through');
  for (const [kind, colour] of [
    ['vscode-light', 1],
    ['vscode-dark', 2],
    ['vscode-high-contrast-light', 1],
    ['vscode-high-contrast', 2],
  ]) {
    await theme(kind);
    assert.equal(await fill(), `rgb(${colour}, ${colour}, ${colour})`, kind);
  }
  assert.equal(await page.evaluate('window.hacked'), undefined);

  await send({ ...NET, html: '', svg: '', rows: [], errors: [] });
  assert.equal(await page.innerText('body'), '');
  assert.deepEqual(problems, []);
});
