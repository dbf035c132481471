/** The page of the playground: what is written on the left, what becomes of it on the right. */

import { byId, fromHtml, make, on, words } from "./dom.js";
import { createEditor } from "./editor.js";
import { Engine } from "./engine.js";
import { fromFragment, toFragment } from "./link.js";
import { createPanels } from "./panels.js";
import { createProblems } from "./problems.js";
import { count, language, say, speak } from "./text.js";

/** How long nobody has to type for fixes to be searched and the link made, in milliseconds. */
const PAUSE = 300;
/** For how many problems fixes are searched, before one goes to them. */
const SEARCHED = 20;
/** What is asked in passing: nobody waits for it. */
const IN_PASSING = new Set(["fixes", "hover", "complete"]);
const THEMES = { auto: "◐", light: "○", dark: "●" };

// Choices are in the address, or remembered from the last time, or the system's.

const asked = new URLSearchParams(location.search);
const isEmbedded = asked.has("embed");
document.documentElement.classList.toggle("embed", isEmbedded);

let stored = {};
try {
  stored = localStorage;
} catch {
  // Some browsers refuse it to a page in an iframe: choices hold until it is left.
}

const remember = (name, value) => { stored[`cnndsl.${name}`] = value; };
const choices = (name) => [asked.get(name), stored[`cnndsl.${name}`]];

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let theme = [...choices("theme"), "auto"].find((each) => Object.hasOwn(THEMES, each));
const isDark = () => (theme === "auto" ? systemDark.matches : theme === "dark");

const tongues = [...choices("lang"), ...navigator.languages].map((each) => each?.slice(0, 2));
speak(tongues.find((each) => each === "en" || each === "ko") ?? "en");

// What the engine does, and what is said in passing.

let state = "loading";
let awaited = 0; // how many answers the reader waits for
let answer = null; // the last to `update`, with its text and the fixes found so far

function notify(message) {
  byId("notice").textContent = message;
  byId("notice").hidden = !message;
}

function summary() {
  const parts = ["error", "warning", "info"].map((severity) =>
    count(answer.diagnostics.filter((each) => each.severity === severity).length, severity));
  const { layers, params, macs } = answer.totals ?? {};
  parts.push(count(layers, "layer"), count(params, "parameter"), count(macs, "multiply-add"));
  return parts.filter(Boolean).join(" · ");
}

const hasEnded = () => state === "stopped" || state === "failed";

/** @param detail of what has stopped by itself: after how many milliseconds */
function onState(news, detail) {
  // An end of what was asked in passing is no matter.
  state = news === "stopped" && !awaited ? "ready" : news;
  document.body.dataset.state = state;
  byId("stop").textContent = say(hasEnded() ? "retry" : "stop");
  if (state === "ready" && answer) byId("state").textContent = summary();
  if (state === "loading") byId("state").textContent = say(state);
  if (!hasEnded()) return;
  const key = state === "stopped" && detail ? "late" : state;
  byId("state").textContent = byId("live").textContent = say(key, { seconds: detail / 1000 });
}

const engine = new Engine({ base: import.meta.url, onState });

function wait(more) {
  awaited += more;
  document.body.classList.toggle("waiting", awaited > 0);
}

/** The answer to a question; undefined where none came, of which the page has told. */
async function ask(question, args) {
  const counts = IN_PASSING.has(question) ? 0 : 1;
  wait(counts);
  try {
    return await engine.ask(question, args);
  } catch (error) {
    if (!["Superseded", "Stopped", "Failed"].includes(error.name)) throw error;
    if (error.name === "Failed") notify(error.message);
    return undefined;
  } finally {
    wait(-counts);
  }
}

// The text, and all that follows from it.

let line = 1; // of the cursor
let pause;

/** Puts the text into the address; whether it fits in there. */
async function keepLink() {
  const fragment = await toFragment(editor.text());
  const bare = location.pathname + location.search;
  history.replaceState(null, "", fragment ?? bare);
  byId("whole").hash = fragment ?? "";
  return fragment !== null;
}

/** Searches fixes of the problems at the cursor, and of the first ones. */
async function findFixes() {
  const { text, diagnostics, fixes } = answer;
  const open = [...diagnostics.keys()].filter((each) => diagnostics[each].fixable && !fixes[each]);
  const near = open.filter((each) => editor.lineAt(diagnostics[each].from) === line);
  const wanted = [...near.slice(0, SEARCHED), ...open.filter((each) => each < SEARCHED)];
  for (const index of new Set(wanted)) {
    const found = await ask("fixes", { text, lang: language(), index });
    if (!found || fixes !== answer.fixes || text !== editor.text()) return;
    fixes[index] = found;
    problems.showFixes(index, found);
  }
  if (wanted.length) editor.underline(diagnostics, fixes);
}

/** Where nobody types or moves any more, says how it stands, and searches fixes. */
function settle() {
  clearTimeout(pause);
  pause = setTimeout(() => {
    if (answer?.text !== editor.text()) return;
    if (byId("live").textContent !== summary()) byId("live").textContent = summary();
    findFixes();
  }, PAUSE);
}

async function refresh() {
  const text = editor.text();
  panels.show(text);
  const news = await ask("update", { text, lang: language() });
  if (!news || text !== editor.text()) return;
  answer = { ...news, text, fixes: [] };
  editor.underline(answer.diagnostics, []);
  editor.hint(answer.hints);
  problems.show(answer.diagnostics);
  byId("state").textContent = summary();
  settle();
}

const example = document.querySelector("#editor .first").textContent;

/** The text of the link that the page was opened with; null where it holds none. */
async function linked() {
  try {
    return await fromFragment(location.hash);
  } catch {
    notify(say("link.broken"));
    return null;
  }
}

const start = (await linked()) ?? example;
const first = asked.get("panel") ?? "table";
if (start !== example || first !== "table") byId("panel").replaceChildren();
byId("whole").hash = location.hash;

let linking;
const editor = createEditor({
  host: byId("editor"),
  text: start,
  ask,
  onChange() {
    notify("");
    refresh();
    clearTimeout(linking);
    linking = setTimeout(keepLink, PAUSE);
  },
  onLine(number) {
    line = number;
    panels.markLine(line);
    settle();
  },
});

const problems = createProblems({
  editor,
  async onExplain(code) {
    const page = await ask("explain", { code, lang: language() });
    if (!page) return;
    byId("explanation").replaceChildren(fromHtml(page.html));
    byId("explaining").showModal();
  },
});

const panels = createPanels({
  first, firstCode: choices("code").find(Boolean) ?? "pytorch", ask, isDark, notify,
  onCode: (id) => remember("code", id), onLine: editor.goTo,
});

function setTheme(news) {
  theme = news;
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = THEMES[theme];
  byId("theme").dataset.label = `theme.${theme}`;
  speak(language());
  panels.redraw();
}

async function offerSamples() {
  const samples = await ask("samples", {});
  if (!samples) return;
  const group = (label, isOf) => make("optgroup", { label: say(label) }, ...samples.filter(isOf)
    .map(({ title, text }) => make("option", { value: text }, title)));
  byId("samples").replaceChildren(byId("samples").firstElementChild,
    group("samples.plain", ({ year }) => !year), group("samples.papers", ({ year }) => year));
}

/** Asks all that is to be seen, in a language. */
async function setLanguage(lang) {
  speak(lang);
  const other = lang === "en" ? "ko" : "en";
  Object.assign(byId("language"), { textContent: say("name", {}, other), lang: other });
  onState(state);
  await panels.load();
  await refresh();
  await offerSamples();
}

on("stop", "click", () => (hasEnded() ? setLanguage(language()) : engine.stop()));
on("theme", "click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(theme) + 1) % names.length]);
  remember("theme", theme);
});
on("language", "click", ({ target }) => {
  remember("lang", target.lang);
  setLanguage(target.lang);
});
on("format", "click", async () => {
  const text = editor.text();
  const made = await ask("format", { text, lang: language() });
  if (made?.errors) notify(made.errors.join("\n"));
  if (made?.text && text === editor.text()) editor.replace(made.text);
});
on("share", "click", async () => {
  const fits = await keepLink();
  const copied = fits && await navigator.clipboard.writeText(location.href).then(
    () => "copied", () => "there");
  notify(say(`link.${copied || "long"}`));
});
on("import", "click", () => byId("importing").showModal());
on("import-now", "click", async ({ target }) => {
  const [source, kind, input] = ["source", "kind", "input"].map((id) => byId(id).value.trim());
  target.disabled = true;
  const made = await ask("import", { source, kind, input, lang: language() });
  target.disabled = false;
  if (!made) return byId("importing").close();
  const errors = made.errors ?? [];
  byId("import-errors").replaceChildren(...errors.map((each) => make("p", {}, words(each))));
  if (errors.length) return;
  byId("importing").close();
  editor.replace(made.text);
  editor.focus();
  notify([say("import.done"), ...made.notes].join("\n"));
});
on("samples", "change", ({ target }) => {
  editor.replace(target.value);
  target.selectedIndex = 0;
});
addEventListener("hashchange", async () => {
  const text = await linked();
  if (text !== null) editor.replace(text);
});
addEventListener("pointerdown", () => notify("")); // what was said has been read
systemDark.addEventListener("change", panels.redraw);

if (isEmbedded && parent !== window) {
  // The height is no secret, and a post may stand on any host; embed.js checks whom it is from.
  const { documentElement } = document;
  const tell = () =>
    parent.postMessage({ type: "cnndsl.height", height: documentElement.offsetHeight }, "*");
  new ResizeObserver(tell).observe(documentElement);
}

setTheme(theme);
await setLanguage(language());
