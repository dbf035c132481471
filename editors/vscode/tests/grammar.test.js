/** The grammar over all samples: every word and sign of them has a meaning. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm');
await oniguruma.loadWASM(readFileSync(wasm).buffer);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => JSON.parse(read('../syntaxes/cnn.tmLanguage.json')),
});
const grammar = await registry.loadGrammar('source.cnn');

/** The words and signs of a text that have no colour, or that of a mistake. */
function dull(text) {
  let stack = textmate.INITIAL;
  return text.split('\n').flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    return tokens
      .filter(({ scopes }) => scopes.length === 1 || /invalid/.test(scopes.join(' ')))
      .map(({ startIndex, endIndex }) => line.slice(startIndex, endIndex).trim())
      .filter((word) => word);
  });
}

const samples = readdirSync(new URL('../../../samples/', import.meta.url));
for (const name of samples.filter((each) => each.endsWith('.cnn'))) {
  test(`each word of ${name} has a colour`, () => {
    assert.deepEqual(dull(read(`../../../samples/${name}`)), []);
  });
}

test('what is no word has none', () => {
  assert.deepEqual(dull('conv 20 4y4 relu; pool 2 @ 3'), ['4y4', '@']);
});
