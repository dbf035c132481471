/** The engine by itself, in headless Chromium: `make playground`, then `npm test`. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import { dist, launch, playground, serve } from "./served.mjs";

const MEGABYTE = 1_000_000;
const read = (name) => readFileSync(join(playground, "..", "samples", `${name}.cnn`), "utf8");
const article = read("article");
const table = (text, options = {}) => ({ text, lang: "en", panel: "table", options });

let browser;
let bundled;

before(async () => {
  browser = await launch();
  const { outputFiles } = await build({
    entryPoints: [join(playground, "src", "engine.js")], bundle: true, format: "esm", write: false,
  });
  bundled = outputFiles[0].text;
});
after(() => browser.close());

/** An engine on a page of its own; `ask` gives the answer, or the name of the error. */
async function started(context, { more = {}, patience } = {}) {
  const site = await serve({ "bare.html": "<!doctype html>", "engine.js": bundled, ...more });
  const page = await browser.newPage();
  context.after(async () => { await page.close(); site.close(); });
  await page.goto(`${site.url}bare.html`);
  await page.evaluate(async (patience) => {
    const { Engine } = await import("./engine.js");
    const base = new URL("./", location).href;
    self.states = [];
    self.engine = new Engine({ base, patience, onState: (state) => self.states.push(state) });
    self.ask = (question, args) => self.engine.ask(question, args).catch((error) => error.name);
  }, patience);
  const ask = (question, args) =>
    page.evaluate(([question, args]) => self.ask(question, args), [question, args]);
  const states = () => page.evaluate(() => self.states);
  return { page, site, ask, states };
}

const archives = ({ served }) =>
  served.map(({ name }) => name).filter((name) => name.endsWith(".zip.gz"));

test("what the first view loads, and the whole folder, are as small as promised", async (t) => {
  const { site, ask } = await started(t);
  await ask("update", { text: article, lang: "en" });
  const { rows } = await ask("panel", table(article));
  assert.equal(rows.length, 9);
  assert.deepEqual(archives(site), []);
  const sum = (sizes) => sizes.reduce((all, each) => all + each, 0);
  const first = ["index.html", "main.js", "style.css"];
  const page = first.map((name) => statSync(join(dist, name)).size);
  const loaded = sum(site.served.map(({ bytes }) => bytes)) + sum(page);
  assert.ok(loaded <= 10 * MEGABYTE, `${loaded} bytes`);
  const files = readdirSync(dist, { recursive: true }).map((name) => statSync(join(dist, name)));
  const whole = sum(files.filter((file) => file.isFile()).map(({ size }) => size));
  assert.ok(whole <= 20 * MEGABYTE, `${whole} bytes`);
});

test("the memory holds all that is asked first", async (t) => {
  const { site, ask } = await started(t);
  for (const { name, text } of await ask("samples")) {
    for (const [question, args] of [
      ["update", { text, lang: "ko" }],
      ["update", { text: text.replace("conv", "Conv2D("), lang: "en" }],
      ["panel", table(text)],
      ["panel", { ...table(text), panel: "figure" }],
    ]) {
      const answer = await ask(question, args);
      assert.ok(answer.diagnostics || answer.content, `${name}: ${JSON.stringify(answer)}`);
      const faults = answer.diagnostics?.filter(({ code }) => code === "W903") ?? [];
      assert.deepEqual(faults, [], `${name}: ${question}`);
    }
  }
  assert.deepEqual(archives(site), []);
});

test("without the memory, and from a server that unpacks, the answers are the same", async (t) => {
  const stdlib = gunzipSync(readFileSync(join(dist, "engine", "stdlib.zip.gz")));
  const more = { "engine/memory.bin.gz": null, "engine/stdlib.zip.gz": stdlib };
  const engines = [await started(t), await started(t, { more })];
  const [one, other] = await Promise.all(engines.map(async ({ ask }) => [
    await ask("update", { text: article, lang: "ko" }),
    await ask("panel", table(article)),
    await ask("panels", { lang: "ko" }),
  ]));
  assert.deepEqual(one, other);
  assert.deepEqual(archives(engines[1].site), ["engine/stdlib.zip.gz", "engine/library.zip.gz"]);
});

test("code brings black along, once", async (t) => {
  const { site, ask } = await started(t);
  for (const panel of ["keras", "pytorch", "flax"]) {
    const { content, filename } = await ask("panel", { ...table(article), panel });
    assert.match(content, /def build_model\(/);
    assert.equal(filename, "article.py");
  }
  const names = ["stdlib", "library", "code"].map((name) => `engine/${name}.zip.gz`);
  assert.deepEqual(archives(site), names);
});

test("only the newest question of a kind is answered", async (t) => {
  const { page } = await started(t);
  const answers = await page.evaluate(() => Promise.all([1, 2, 3].map((n) =>
    self.ask("update", { text: `input ${n}; dense 1`, lang: "en" }))));
  assert.deepEqual(answers.slice(0, 2), ["Superseded", "Superseded"]);
  assert.equal(answers[2].totals.params, 4);
});

const SLOW = "input 64x64x3\nrepeat 10000 { conv 8 3x3 same relu }\n";

test("a net that takes too long is given up, and the next one is answered", async (t) => {
  const { ask, states } = await started(t, { patience: 300 });
  assert.equal(await ask("update", { text: SLOW, lang: "en" }), "Stopped");
  assert.deepEqual(await states(), ["loading", "busy", "stopped"]);
  assert.equal((await ask("update", { text: "input 8; dense 2", lang: "en" })).totals.params, 18);
});

test("stop ends all at once", async (t) => {
  const { page, ask, states } = await started(t);
  await ask("update", { text: "input 8; dense 2", lang: "en" });
  const answers = await page.evaluate(([text, args]) => {
    const asked = [self.ask("update", { text, lang: "en" }), self.ask("panel", args)];
    self.engine.stop();
    return Promise.all(asked);
  }, [SLOW, table(article)]);
  assert.deepEqual(answers, ["Stopped", "Stopped"]);
  assert.equal((await states()).at(-1), "stopped");
  assert.equal((await ask("panel", table(article))).rows.length, 9);
});

test("without its files the engine says so", async (t) => {
  const { ask, states } = await started(t, { more: { "engine/pyodide.asm.wasm.gz": null } });
  assert.equal(await ask("update", { text: article, lang: "en" }), "Failed");
  assert.equal((await states()).at(-1), "failed");
  const other = await started(t, { more: { "engine/code.zip.gz": null } });
  assert.equal(await other.ask("panel", { ...table(article), panel: "keras" }), "Failed");
  assert.equal((await other.ask("panel", table(article))).rows.length, 9);
  assert.deepEqual(await other.states(), ["loading", "busy", "ready", "busy", "ready"]);
});

test("hostile texts are answered, or given up", async (t) => {
  const { ask } = await started(t, { patience: 5000 });
  const long = await ask("update", { text: "conv 8 3x3\n".repeat(950_000), lang: "en" });
  assert.deepEqual(long.hints, []);
  assert.deepEqual(long.diagnostics.map(({ severity }) => severity), ["info"]);
  for (const text of [
    `input 8x8x3\n${"repeat 2 { ".repeat(20_000)}`,
    `input 8x8x3\n${"add { ".repeat(5_000)}skip | conv 3 1x1${" }".repeat(5_000)}`,
    `input 8; dense ${"(".repeat(50_000)}1`,
    "input 999999999999x999999999999x999999999999\nconv 999999999999 3x3",
    "input 8x8x3\nrepeat 1000000 { conv 3 3x3 same }",
    "\ud800 input \udfff 8\0",
    "input 8\n".repeat(20_000),
  ]) {
    const answer = await ask("update", { text, lang: "ko" });
    const isGood = answer === "Stopped" || answer.diagnostics?.length;
    assert.ok(isGood, `${text.slice(0, 40)}: ${JSON.stringify(answer)}`);
    if (answer !== "Stopped") assert.ok(await ask("panel", table(text)) !== "Failed", text);
  }
  const text = "# 🎨 그림\ninput 8x8x3\nconv 4 9x9";
  const [{ from, to }] = (await ask("update", { text, lang: "en" })).diagnostics;
  assert.equal(text.slice(from, to), "9x9");
  assert.equal((await ask("hover", { text, lang: "en", pos: from - 4 })).from, from - 7);
});
