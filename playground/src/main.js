/** The page of the playground: what is written on the left, what becomes of it on the right. */

import { byId, fromHtml, make, recall, remember } from "./dom.js";
import { createEditor } from "./editor.js";
import { Engine } from "./engine.js";
import { fromFragment, toFragment } from "./link.js";
import { createPanels } from "./panels.js";
import { createProblems } from "./problems.js";
import { count, language, say, speak } from "./text.js";

/** How long nobody has to type for fixes to be searched, in milliseconds. */
const PAUSE = 300;
/** How long work goes on before a button to stop it comes up. */
const PATIENCE = 500;
const THEMES = ["auto", "light", "dark"];

const asked = new URLSearchParams(location.search);
const embedded = asked.has("embed");
document.documentElement.classList.toggle("embed", embedded);

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let theme = [asked.get("theme"), recall("theme"), "auto"].find((each) => THEMES.includes(each));
const isDark = () => (theme === "auto" ? systemDark.matches : theme === "dark");

const preferred = [asked.get("lang"), recall("lang"), ...navigator.languages]
  .map((each) => each?.slice(0, 2)).find((each) => ["en", "ko"].includes(each));
speak(preferred ?? "en");

// What the engine says, and what is said in passing.

let answer = null; // the last to `update`
let state = "loading";
let waiting;

function notify(words) {
  byId("state").textContent = words;
  byId("live").textContent = words;
}

function summary() {
  const kinds = ["error", "warning", "info"].map((severity) =>
    [severity, answer.diagnostics.filter((each) => each.severity === severity).length]);
  const parts = kinds.filter(([, n]) => n).map(([severity, n]) => count(n, severity));
  if (answer.totals) parts.push(say("totals", answer.totals));
  return parts.join(" · ");
}

function onState(news, detail) {
  state = news;
  clearTimeout(waiting);
  const ended = state === "stopped" || state === "failed";
  byId("stop").textContent = say(ended ? "retry" : "stop");
  byId("stop").hidden = !ended;
  document.body.setAttribute("aria-busy", state === "loading");
  if (ended) notify(say(state) + (state === "failed" && detail ? ` ${detail}` : ""));
  else if (state === "loading") byId("state").textContent = say("loading");
  else if (state === "ready" && answer) byId("state").textContent = summary();
  else if (state === "busy") {
    waiting = setTimeout(() => {
      byId("stop").hidden = false;
      byId("state").textContent = say("busy");
    }, PATIENCE);
  }
}

const engine = new Engine({ base: new URL("./", document.baseURI).href, onState });

/** The answer to a question; undefined where there is none, of which `onState` has told. */
async function ask(question, args) {
  try {
    return await engine.ask(question, { lang: language(), ...args });
  } catch (error) {
    if (["Superseded", "Stopped", "Failed"].includes(error.name)) return undefined;
    throw error;
  }
}

// The text and all that follows from it.

let link = "";
let pause;

async function keepLink(text) {
  link = (await toFragment(text)) ?? "";
  if (text !== editor.text()) return;
  history.replaceState(null, "", link || location.pathname + location.search);
  const here = new URL("./", location);
  here.hash = link;
  byId("whole").href = here;
}

async function findFixes(text) {
  const found = [];
  for (const [index, problem] of answer.diagnostics.entries()) {
    if (!problem.fixable) continue;
    const fixes = await ask("fixes", { text, index });
    if (!fixes || text !== editor.text()) return;
    found[index] = fixes;
    problems.showFixes(index, fixes);
    editor.underline(answer.diagnostics, found);
  }
}

async function refresh() {
  const text = editor.text();
  clearTimeout(pause);
  panels.show(text);
  const news = await ask("update", { text });
  if (!news || text !== editor.text()) return;
  answer = news;
  editor.underline(answer.diagnostics, []);
  editor.hint(answer.hints);
  problems.show(answer.diagnostics);
  byId("state").textContent = summary();
  pause = setTimeout(() => {
    byId("live").textContent = summary();
    findFixes(text);
  }, PAUSE);
}

const example = document.querySelector("#editor .first").textContent;

async function open() {
  try {
    return (await fromFragment(location.hash)) ?? example;
  } catch {
    notify(say("link.broken"));
    return example;
  }
}

const text = await open();
if (text !== example) byId("panel").replaceChildren();

let linking;
const editor = createEditor({
  host: byId("editor"),
  text,
  label: say("net"),
  ask,
  onChange() {
    refresh();
    clearTimeout(linking);
    linking = setTimeout(() => keepLink(editor.text()), PAUSE);
  },
  onLine: (line) => panels.markLine(line),
});

const problems = createProblems({
  lineAt: editor.lineAt,
  onSelect: ({ from, to }) => editor.select(from, to),
  onFix: ({ edits }) => editor.edit(edits),
  async onExplain(code) {
    const page = await ask("explain", { code });
    if (!page) return;
    byId("explaining-title").textContent = code;
    byId("explanation").replaceChildren(fromHtml(page.html));
    byId("explaining").showModal();
  },
});

const panels = createPanels({
  first: asked.get("panel") ?? "table",
  ask,
  isDark,
  notify,
  onLine: (line) => editor.goTo(line),
  onOpen: () => {},
});

function setTheme(news) {
  theme = news;
  document.documentElement.dataset.theme = theme;
  byId("theme").dataset.text = `theme.${theme}`;
  byId("theme").textContent = say(`theme.${theme}`);
  panels.redraw();
}

async function setLanguage(lang) {
  speak(lang);
  byId("language").textContent = lang === "en" ? "한국어" : "English";
  byId("language").lang = lang === "en" ? "ko" : "en";
  editor.setLabel(say("net"));
  onState(state);
  await refresh();
  await panels.load();
}

// What the buttons do.

const on = (id, does) => byId(id).addEventListener("click", does);

on("stop", () => (state === "stopped" || state === "failed" ? refresh() : engine.stop()));
on("theme", () => {
  setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  remember("theme", theme);
});
on("language", () => {
  remember("lang", byId("language").lang);
  setLanguage(byId("language").lang);
});
on("format", async () => {
  const text = editor.text();
  const formatted = await ask("format", { text });
  if (formatted && text === editor.text()) editor.replace(formatted.text);
});
on("share", async () => {
  await keepLink(editor.text());
  if (!link) return notify(say("link.long"));
  try {
    await navigator.clipboard.writeText(location.href);
    notify(say("link.copied"));
  } catch {
    notify(say("link.there"));
  }
});
on("import", () => {
  byId("import-errors").replaceChildren();
  byId("importing").showModal();
});
on("import-now", async () => {
  const args = { source: byId("source").value, kind: byId("kind").value };
  const made = await ask("import", args);
  if (!made) return;
  byId("import-errors").replaceChildren(
    ...(made.errors ?? []).map((each) => make("p", {}, each)));
  if (made.errors) return;
  byId("importing").close();
  editor.replace(made.text);
  editor.focus();
  notify([say("import.done"), ...made.notes].join(" "));
});

byId("samples").addEventListener("change", ({ target }) => {
  editor.replace(samples.get(target.value));
  target.value = "";
});
addEventListener("hashchange", async () => editor.replace(await open()));
systemDark.addEventListener("change", () => panels.redraw());

if (embedded && parent !== window) {
  // The height is no secret, and a post may stand on any host; embed.js checks whom it is from.
  const tell = () => parent.postMessage(
    { type: "cnndsl.height", height: document.documentElement.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.documentElement);
}

setTheme(theme);
await setLanguage(language());
const samples = new Map();
for (const { name, title, text } of (await ask("samples", {})) ?? []) {
  samples.set(name, text);
  byId("samples").append(make("option", { value: name }, title));
}
