/**
 * How long the engine takes in headless Chromium, and what it loads: `npm run measure [RUNS]`.
 *
 * The first run finds an empty cache, the others a warm one. Times are in milliseconds.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { launchWithCache, playground, serve } from "./tests/served.mjs";

const RUNS = Number(process.argv[2] ?? 5);
const KEYS = 12; // of which the median counts
const text = readFileSync(join(playground, "..", "samples", "article.cnn"), "utf8");
const { outputFiles } = await build({
  entryPoints: [join(playground, "src", "engine.js")], bundle: true, format: "esm", write: false,
});
const site = await serve({ "bare.html": "<!doctype html>", "engine.js": outputFiles[0].text });
const profile = mkdtempSync(join(tmpdir(), "playground-"));
const browser = await launchWithCache(profile);

/** In the page: from nothing to the table, then a few keys in each panel. */
async function run({ text, keys }) {
  const began = performance.now();
  const since = (start) => Math.round(performance.now() - start);
  const { Engine } = await import("./engine.js");
  const engine = new Engine({ base: new URL("./", location).href });
  const panel = (id, net = text) =>
    engine.ask("panel", { text: net, lang: "en", panel: id, options: {} });
  await engine.ask("update", { text, lang: "en" });
  await panel("table");
  const times = { "first view": since(began) };
  for (const { id } of await engine.ask("panels", { lang: "en" })) {
    const taken = [];
    for (let key = 0; key < keys; key++) {
      const net = text.replace("article", `article${key}`);
      const start = performance.now();
      await Promise.all([engine.ask("update", { text: net, lang: "en" }), panel(id, net)]);
      taken.push(since(start));
    }
    const [first, ...rest] = taken;
    times[id] = `${first}, then ${rest.sort((a, b) => a - b)[rest.length >> 1]}`;
  }
  engine.stop();
  return times;
}

const found = {};
for (let count = 0; count < RUNS; count++) {
  const page = await browser.newPage();
  await page.goto(`${site.url}bare.html`);
  for (const [name, time] of Object.entries(await page.evaluate(run, { text, keys: KEYS }))) {
    (found[name] ??= []).push(time);
  }
  await page.close();
}
await browser.close();
site.close();
rmSync(profile, { recursive: true });
console.table(found);
