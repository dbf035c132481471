/**
 * The built page in a real Chromium: `make playground`, then `npm test` in the folder above.
 *
 * No request may leave the server, and no page may report an error. No test looks at a clock: each
 * waits for what is to be seen.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { launch, serve } from "./served.mjs";

const TINY = "net tiny\ninput 28x28x1\nconv 8 5x5 relu; pool 2\nflatten; dense 10 softmax\n";
const WRONG = "input 39x31x1\nconv 20 4x4 relu; pool 5\nflatten; dense 10\n";

const post = (script) => `<!doctype html><html lang="ko"><title>A post</title>
<link rel="icon" href="data:,">
<pre><code class="language-cnn">${TINY}</code></pre>
<pre><code class="language-python">x = 1</code></pre>
<div style="height: 4000px"></div>
<pre><code class="language-cnn">${TINY.replace("tiny", "far")}</code></pre>
<script src="${script}" data-theme="dark" defer></script></html>`;

const link = (text) => `#1.${deflateRawSync(text).toString("base64url")}`;

let browser;
let site;
let blog; // of another origin
const wrong = []; // what no page may do

before(async () => {
  site = await serve();
  blog = await serve({ "post.html": post(`${site.url}embed.js`) });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.close();
  blog?.close();
  assert.deepEqual(wrong, []);
});

/** A fresh page, as of a new visitor. */
async function visit(address = "", { width = 1280, height = 800, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: "en-GB",
    permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("request", (request) => {
    const here = [site.url, blog.url, "blob:", "data:"];
    if (!here.some((each) => request.url().startsWith(each))) wrong.push(request.url());
  });
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  await page.goto(new URL(address, site.url).href);
  return page;
}

const lines = (page) => page.locator(".cm-line");
const tab = (page, name) => page.getByRole("tab", { name });
const state = (page, words) => page.locator("#state", { hasText: words }).waitFor();

const textOf = async (page) => (await lines(page).allTextContents()).join("\n");

async function write(page, text) {
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}

const follow = (page, hash) => page.evaluate((hash) => { location.hash = hash; }, hash);

const scrollsSideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

test("there is something to read before any script runs", async () => {
  const page = await visit("", { javaScriptEnabled: false });
  assert.match(await page.locator("#editor").innerText(), /input 39x31x1\nconv 20 4x4 relu; pool/);
  assert.match(await page.locator("#panel").innerText(), /Convolution 1\b[^]*64,620/);
  await page.context().close();
});

test("what is typed is seen: hints, table, errors, fixes", async () => {
  const page = await visit();
  await state(page, "64,620 parameters");
  await page.locator('[data-hint="18x14x20, 340 params"]').waitFor();
  await lines(page).filter({ hasText: "conv 60 3x3" }).click();
  await page.keyboard.press("End");
  await page.locator("tr.here", { hasText: "Convolution 3" }).waitFor();
  await page.keyboard.type("; pool 2");
  await page.locator("#problems li.error", { hasText: "not a multiple of 2" }).waitFor();
  await page.locator(".cm-lintRange-error").first().waitFor();
  await page.locator("tr.assumed").first().waitFor();
  await page.locator(".assumed[data-hint]").first().waitFor();
  await page.getByRole("status").filter({ hasText: /\d errors?/ }).waitFor();
  await page.getByRole("button", { name: /E202/ }).click();
  await page.getByRole("dialog").getByText("pool-not-multiple").waitFor();
  await page.keyboard.press("Escape");
  // Words of a mouse: over what is underlined stand the message and its fixes.
  await page.locator(".cm-lintRange-error").first().hover();
  await page.locator(".cm-tooltip .cm-diagnosticAction").first().waitFor();
  await page.locator("#problems .fixes button", { hasText: "out" }).first().click();
  await state(page, "64,620 parameters");
  assert.equal(await page.locator("#problems li").count(), 0);
  await page.keyboard.press("Control+z");
  await page.locator("#problems li.error").first().waitFor();
  await page.keyboard.press("Control+y");
  await state(page, "64,620 parameters");
  await page.getByRole("row", { name: /^Convolution 2/ }).click();
  assert.equal(await page.locator(".cm-activeLine").innerText().then((line) => line.slice(0, 11)),
    "conv 40 3x3");
  // Hints stay while a word is typed that is none yet.
  await page.keyboard.type("con");
  await page.locator("#problems li.error").first().waitFor();
  await page.locator('[data-hint$="19,280 params"]').waitFor();
  await page.context().close();
});

test("of blocks and of many problems", async () => {
  const page = await visit(link("input 8x8x3\nblock b() {\n  relu\n}\nb; b\n"));
  await state(page, "2 layers");
  await lines(page).filter({ hasText: "b; b" }).click();
  await page.locator("tr.here").nth(1).waitFor();
  await page.locator("tr.here").first().focus();
  await page.keyboard.press("Enter");
  await page.locator(".cm-activeLine", { hasText: "relu" }).waitFor();
  await write(page, `input 8x8x3\n${"relux\n".repeat(200)}`);
  const fixes = page.locator("#problems .fixes:not(:empty)");
  await fixes.nth(19).waitFor();
  assert.equal(await fixes.count(), 20);
  await page.getByRole("button", { name: "line 150" }).click();
  await page.locator("#problems li").nth(148).locator(".fixes button").first().waitFor();
  assert.equal(await fixes.count(), 21);
  await page.context().close();
});

test("hover, completion, format and samples", async () => {
  const page = await visit();
  await state(page, "64,620 parameters");
  await page.locator(".tok-layer", { hasText: "conv" }).first().hover();
  await page.locator(".cm-tooltip-hover", { hasText: "(39 - 4)/1 + 1 = 36" }).waitFor();
  await write(page, "input 8x8x3\n");
  await page.keyboard.type("dw");
  await page.locator(".cm-tooltip-autocomplete", { hasText: "dwconv" }).waitFor();
  await page.keyboard.press("Escape");
  await write(page, "input 8x8x3;conv (\n");
  await page.getByRole("button", { name: "Format" }).click();
  await page.locator("#notice", { hasText: "cannot be read" }).waitFor();
  await write(page, "input 8x8x3;conv   8  3x3\n");
  await page.getByRole("button", { name: "Format" }).click();
  await lines(page).filter({ hasText: "conv 8 3x3" }).waitFor();
  assert.equal(await page.locator("#samples optgroup").count(), 2);
  await page.getByLabel("Samples").selectOption({ label: await page.locator("#samples option")
    .filter({ hasText: /U-Net/ }).first().textContent() });
  await lines(page).filter({ hasText: "net unet" }).waitFor();
  const here = page.locator("tr.here", { hasText: "Convolution" }).first();
  await page.locator("caption", { hasText: "unet" }).waitFor();
  await lines(page).filter({ hasText: "conv 2 1x1" }).click();
  await here.waitFor();
  assert.ok(await here.evaluate((row) => row.getBoundingClientRect().top < innerHeight));
  await page.context().close();
});

test("a link holds the net, and opens on a phone", async () => {
  const page = await visit();
  await write(page, TINY);
  await state(page, "4 layers");
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.locator("#notice", { hasText: "copied" }).waitFor();
  const address = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(address, page.url());
  await page.reload();
  await state(page, "4 layers");
  await page.context().close();

  const phone = await visit(address, { width: 380, height: 700, hasTouch: true });
  await state(phone, "4 layers");
  assert.equal(await textOf(phone), TINY);
  const shown = { Table: ".html table", Figure: ".svg", Walkthrough: ".html h2", Code: ".code" };
  for (const [name, content] of Object.entries(shown)) {
    await tab(phone, name).click();
    await phone.locator(`#panel${content}`).first().waitFor();
    assert.equal(await scrollsSideways(phone), false);
  }
  const [above, below] = [await phone.locator("#editor").boundingBox(),
    await phone.locator("#panel").boundingBox()];
  assert.ok(above.y + above.height <= below.y);
  // Another link in the same tab; one that is broken leaves what is there.
  await follow(phone, link(WRONG));
  await phone.locator("#problems li").first().waitFor();
  await follow(phone, "#1.broken");
  await phone.locator("#notice", { hasText: "damaged" }).waitFor();
  assert.equal(await textOf(phone), WRONG);
  await phone.context().close();
});

test("a broken link is told of, and the page works on", async () => {
  const page = await visit(link("x".repeat(3_000_000))); // which would unpack without end
  const notice = page.locator("#notice", { hasText: "damaged" });
  await notice.waitFor();
  assert.match(await textOf(page), /net article/);
  for (const hash of ["#1.AAAA", "#1.%00", "#2.abc", "#__proto__.a", "#constructor.a", "#x"]) {
    await write(page, TINY);
    await notice.waitFor({ state: "hidden" });
    await follow(page, hash);
    await notice.waitFor();
    assert.equal(await textOf(page), TINY);
    await page.keyboard.press("Control+z");
  }
  await page.context().close();
});

test("Keras and PyTorch source is imported", async () => {
  const page = await visit();
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByLabel("Source", { exact: true }).fill("model = keras.Sequential([");
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("alert").getByText(/\w/).first().waitFor();
  await page.getByLabel("Source", { exact: true }).fill(`import keras
from keras import layers
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(8, 5, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])`);
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await state(page, "11,738 parameters");
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByLabel("Source", { exact: true }).fill(`from torch import nn
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2704, 10))`);
  await page.getByLabel("Input size").fill("28x28x1");
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await state(page, "27,090 parameters");
  await page.context().close();
});

test("code, figures and tables can be taken along", async () => {
  const page = await visit();
  const loaded = [];
  page.on("request", (request) => loaded.push(request.url()));
  const save = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"),
      page.getByRole("button", { name, exact: true }).click()]);
    return [download.suggestedFilename(), await readFile(await download.path())];
  };
  await state(page, "64,620 parameters");
  await tab(page, "Figure").click();
  await page.locator(".figure svg").waitFor();
  const [name, svg] = await save("Download");
  assert.equal(name, "article.svg");
  assert.match(String(svg), /^<svg[^]*prefers-color-scheme/);
  const [picture, png] = await save("PNG");
  assert.equal(picture, "article.png");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.ok(png.readUInt32BE(16) > 400, "its width in pixels");
  assert.ok(!loaded.some((each) => each.includes("code.zip")), "black comes with the first code");
  await tab(page, "Code").click();
  await page.getByLabel("For", { exact: true }).selectOption("pytorch");
  await page.locator("#panel", { hasText: "nn.Conv2d(1, 20, kernel_size=4)" }).waitFor();
  assert.ok(loaded.some((each) => each.includes("code.zip")));
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.locator("#notice", { hasText: "Copied" }).waitFor();
  const [file, code] = await save("Download");
  assert.equal(file, "article.py");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), String(code));
  // What was chosen is kept when one comes back, and goes with what is typed.
  await tab(page, "Table").click();
  await page.locator("#panel table").waitFor();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await tab(page, "Code").click();
  await page.locator("#panel", { hasText: "nn.Conv2d" }).waitFor();
  await write(page, TINY);
  await page.locator("#panel", { hasText: "nn.Conv2d(1, 8, kernel_size=5)" }).waitFor();
  await write(page, WRONG);
  await page.locator("#panel.stale", { hasText: "nn.Conv2d(1, 8, kernel_size=5)" }).waitFor();
  await page.locator("#remark", { hasText: "from before the error" }).waitFor();
  await page.context().close();
});

test("Korean and English, light and dark", async () => {
  const page = await visit("", { locale: "ko-KR", colorScheme: "dark" });
  await state(page, "파라미터 64,620개");
  assert.equal(await page.locator("html").getAttribute("lang"), "ko");
  assert.equal(await page.title(), "cnndsl 플레이그라운드");
  await page.locator("#panel", { hasText: "합성곱" }).waitFor();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await write(page, WRONG);
  await page.locator("#problems", { hasText: "배수가 아닙니다" }).waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.locator("#problems", { hasText: "multiple" }).waitFor();
  await page.locator("#panel", { hasText: "Convolution" }).waitFor();
  await tab(page, "Figure").click();
  const sheet = page.locator(".figure rect").first();
  await sheet.waitFor();
  const fill = () => sheet.evaluate((each) => getComputedStyle(each).fill);
  const darkSheet = await fill();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).waitFor();
  assert.notEqual(await ground(), dark);
  assert.notEqual(await fill(), darkSheet);
  await page.reload();
  await page.getByRole("button", { name: "Theme: light" }).waitFor();
  await tab(page, "Table").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.notEqual(await ground(), dark);
  await page.context().close();
});

test("where the engine does not start the page says so, and tries again", async () => {
  const page = await visit("about:blank");
  await page.route("**/pyodide.asm.js.gz*", (route) => route.abort());
  await page.goto(site.url);
  await state(page, "did not start");
  await page.locator("#panel", { hasText: "64,620" }).waitFor();
  assert.deepEqual(wrong.splice(0).filter((each) => !each.includes("ERR_FAILED")), []);
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await state(page, "64,620 parameters");
  await tab(page, "Code").waitFor();
  await page.locator("#samples option").nth(9).waitFor({ state: "attached" });
  await page.context().close();
});

test("a net that takes too long can be stopped, and stops itself", async () => {
  const page = await visit("about:blank");
  await page.clock.install();
  await page.goto(site.url);
  await state(page, "64,620 parameters");
  await tab(page, "Code").click();
  await page.locator("#panel", { hasText: "nn.Conv2d" }).waitFor();
  const slow = (n) => link(`input 8x8x8\n${"conv 8 3x3 same relu\n".repeat(n)}`);
  await follow(page, slow(8000));
  await page.locator("#working").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await state(page, "Stopped.");
  await follow(page, link(TINY));
  await state(page, "4 layers");
  await follow(page, slow(8001));
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await page.clock.fastForward(11_000);
  await state(page, "longer than 10 seconds");
  // The result of one tab stands under no other, nor can it be taken along.
  await tab(page, "Figure").click();
  assert.equal(await page.locator("#panel").innerText(), "");
  await page.getByRole("button", { name: "Download" }).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Try again" }).waitFor();
  await follow(page, link(TINY));
  await state(page, "4 layers");
  await tab(page, "Table").click();
  await page.locator("#panel", { hasText: "tiny" }).waitFor();
  await page.context().close();
});

test("in a post a fence becomes a live net, as one comes near it", async () => {
  const page = await visit(`${blog.url}post.html`);
  const frame = page.frameLocator("iframe");
  await frame.locator("#state", { hasText: "층 4개" }).waitFor();
  await page.locator("pre").nth(1).waitFor();
  assert.equal(await page.locator("iframe").count(), 1);
  assert.equal(await page.locator("pre").count(), 2);
  await frame.locator("#panel table").waitFor();
  const height = () => page.locator("iframe").evaluate((each) => each.offsetHeight);
  assert.ok(await height() > 200);
  assert.equal(await frame.getByRole("tab").count(), 0);
  assert.equal(await frame.locator("html").getAttribute("data-theme"), "dark");
  // Whoever else says how high it is, is not believed: the next message has been heard by then.
  await page.evaluate(() => new Promise((resolve) => {
    postMessage({ type: "cnndsl.height", height: 9 }, "*");
    addEventListener("message", ({ data }) => data === "next" && resolve());
    postMessage("next", "*");
  }));
  assert.notEqual(await height(), 9);
  const [whole] = await Promise.all([page.context().waitForEvent("page"),
    frame.getByRole("link").click()]);
  await whole.locator("#state", { hasText: "11,738" }).waitFor();
  assert.equal(await textOf(whole), TINY);
  await tab(whole, "Walkthrough").waitFor();
  await page.locator("pre").nth(1).scrollIntoViewIfNeeded();
  await page.locator("iframe").nth(1).waitFor();
  await page.context().close();
});

test("all can be done with the keyboard", async () => {
  const page = await visit(link(WRONG));
  await page.locator("#problems .fixes button").first().waitFor();
  await tab(page, "Table").waitFor();
  const focused = () => page.evaluate(() => {
    let { activeElement: at } = document;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.id || at.getAttribute("role") || at.textContent.trim();
  });
  const seen = [];
  for (let n = 0; n < 30 && !seen.includes("panel"); n++) {
    await page.keyboard.press("Tab");
    seen.push(await focused());
    if (seen.at(-1) === "textbox") await page.keyboard.press("Escape");
  }
  const order = ["samples", "import", "format", "share", "language", "theme", "textbox", "E202",
    "tab-table", "copy", "download", "panel"];
  assert.deepEqual(seen.filter((each) => order.includes(each)), order);
  await tab(page, "Table").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "tab-figure");
  await page.locator(".figure svg").waitFor();
  await page.keyboard.press("End");
  await page.getByLabel("For", { exact: true }).focus();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("button", { name: "Download" }).waitFor({ state: "hidden" });
  assert.match(await focused(), /^choice-/);
  await page.locator("#tabs [aria-selected=true]").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "tab-table");
  await page.locator("#problems .fixes button").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#problems li").first().waitFor({ state: "hidden" });
  assert.equal(await focused(), "textbox");
  await page.context().close();
});

test("each control has a name, and each text enough contrast", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await visit(link(WRONG), { colorScheme });
    await page.locator("#problems .fixes button").first().waitFor();
    await tab(page, "Table").waitFor();
    await page.locator("tr.assumed").first().waitFor();
    const { unnamed, faint, ids } = await page.evaluate(() => {
      const roots = [document, document.querySelector("#editor").shadowRoot];
      const all = roots.flatMap((root) => [...root.querySelectorAll("body *, .cm-editor *")])
        .filter((each) => each.checkVisibility({ visibilityProperty: true }));
      const label = (each) => each.ariaLabel || each.labels?.[0]?.textContent
        || each.textContent.trim();
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const light = (...colours) => { // painted one over the other
        canvas.clearRect(0, 0, 1, 1);
        for (const each of colours) {
          canvas.fillStyle = each;
          canvas.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((each) =>
          (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const grounds = (each) => {
        const above = each.parentElement ?? each.getRootNode().host;
        return [...(above ? grounds(above) : []), getComputedStyle(each).backgroundColor];
      };
      const contrast = (each) => {
        const [ink, ground] = [[...grounds(each), getComputedStyle(each).color], grounds(each)]
          .map((colours) => light(...colours));
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
      };
      const written = all.filter((each) =>
        [...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
      const named = [...document.querySelectorAll("[id]")].map((each) => each.id);
      return {
        unnamed: all.filter((each) => each.matches("button, select, input, textarea, a, "
          + "[role=tab], [role=tabpanel], [role=textbox], dialog") && !label(each))
          .map((each) => each.outerHTML),
        faint: written.filter((each) => contrast(each) < 4.5).map((each) =>
          `${each.className} ${each.textContent} ${contrast(each)}`),
        ids: named.filter((id, index) => named.indexOf(id) !== index),
      };
    });
    assert.deepEqual({ unnamed, faint, ids }, { unnamed: [], faint: [], ids: [] });
    const colour = (which) => page.locator(which).first().evaluate((each) =>
      getComputedStyle(each).color);
    for (const kind of ["layer", "keyword", "size", "number", "activation"]) {
      assert.notEqual(await colour(`.tok-${kind}`), await colour(".cm-content"), kind);
    }
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
    assert.equal(await page.getByRole("tabpanel", { name: "Table" }).count(), 1);
    assert.equal(await page.getByRole("textbox", { name: "The net" }).count(), 1);
    await page.context().close();
  }
});

test("what a net holds stays text", async () => {
  const evil = "<img src=x onerror=window.broken=1></style></pre>";
  const page = await visit(link(`# ${evil}\ninput 8x8x1 as "${evil}"\nconv 4 3x3\n${evil}\n`));
  await page.locator("#problems li").first().waitFor();
  for (const text of ["", `# ${evil}\nnet a # ${evil}\ninput 8x8x1\nconv 4 3x3 # ${evil}\n`]) {
    if (text) await write(page, text);
    if (text) await state(page, /^1 layer /);
    for (const each of await page.getByRole("tab").all()) {
      await each.click();
      await page.locator("#panel:not(:empty), #remark:not([hidden])").first().waitFor();
      assert.equal(await page.locator("img").count(), 0);
    }
  }
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByLabel("Source", { exact: true }).fill(`model = keras.Sequential("${evil}")`);
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("alert").getByText(/\w/).first().waitFor();
  assert.equal(await page.locator("img").count(), 0);
  // And if a script came in all the same, it would not run.
  const [refusal] = await Promise.all([page.waitForEvent("console"), page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.broken = 1";
    document.body.append(script);
  })]);
  assert.match(refusal.text(), /Content Security Policy/);
  assert.equal(wrong.pop(), refusal.text());
  assert.equal(await page.evaluate(() => window.broken), undefined);
  await page.context().close();
});
