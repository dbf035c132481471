/** Makes the one file of the client, and beside it the licenses of the packages that are in it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { metafile } = await build({
  entryPoints: ['src/extension.js'],
  outfile: 'dist/extension.cjs',
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  metafile: true,
});
const files = Object.keys(metafile.inputs);
const inside = files.flatMap((file) => file.match(/.*node_modules\/(@.*?\/)?.*?\//)?.[0] ?? []);
const folders = [...new Set(inside)].sort();
const texts = folders.map((folder) => {
  const license = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return `${folder.replace(/.*node_modules\//, '')}\n\n${readFileSync(folder + license, 'utf8')}`;
});
writeFileSync('dist/licenses.txt', texts.join('\n\n'));
