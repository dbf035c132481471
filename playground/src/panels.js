/** What is made of the net, on the right: tabs, the options of each, and what is taken along. */

import { byId, fromHtml, make, on, words } from "./dom.js";
import { language, say } from "./text.js";

const PNG_SCALE = 2;
const LARGEST_CANVAS = 8192;
/** How wide a figure is, where the panel has the room, and what is left free beside it. */
const FIGURE_WIDTH = 720;
const BESIDE = 32;

/** A figure with one of its two palettes, whatever the system is set to. */
const inTheme = (svg, dark) =>
  svg.replace(/@media\s*\(prefers-color-scheme:\s*dark\)/g, dark ? "@media all" : "@media not all");

/** A figure in a shadow root, where its styles are sheets of their own and none is inline. */
function drawing(svg) {
  const host = make("div", { className: "figure" });
  const root = host.attachShadow({ mode: "open" });
  const bare = svg.replace(/<style>([^<]*)<\/style>/g, (_, css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets.push(sheet);
    return "";
  });
  root.append(new DOMParser().parseFromString(bare, "image/svg+xml").documentElement);
  return host;
}

async function toPng(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  URL.revokeObjectURL(image.src);
  const { width, height } = image;
  const scale = Math.min(PNG_SCALE, LARGEST_CANVAS / Math.max(width, height));
  const canvas = make("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // The download has its own hold on the blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function choice(name, title, choices, chosen, onChoose) {
  const options = choices.map(({ value, title }) =>
    make("option", { value, selected: value === chosen }, title));
  const select = make("select", { ariaLabel: title, id: `choice-${name}` }, ...options);
  select.addEventListener("change", () => onChoose(select.value));
  return make("label", {}, title, select);
}

/**
 * @param first the id of the panel that is open first, @param firstCode of that for code
 * @param ask asks the engine; @param isDark whether figures are dark
 * @param onCode called with the code that is open, @param onLine with a line whose row was chosen
 */
export function createPanels({ first, firstCode, ask, isDark, notify, onCode, onLine }) {
  const panel = byId("panel");
  const chosen = {}; // the options of each panel
  let known = [];
  let open = first;
  let lastCode = firstCode; // the target that the tab of code goes back to
  let shown = null; // the answer in view, which is one for the open panel
  let line = 0;
  let text = "";

  const isCode = ({ kind }) => kind === "code";
  const current = () => known.find(({ id }) => id === open) ?? known[0];
  const rows = () => [...panel.querySelectorAll("tbody tr")];

  function drawTab({ id, title }) {
    const tab = make("button", { type: "button", role: "tab", id: `tab-${id}` }, title);
    const selected = id === open;
    Object.assign(tab, { ariaSelected: selected, tabIndex: selected ? 0 : -1 });
    tab.setAttribute("aria-controls", "panel");
    if (selected) panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => panels.open(id));
    return tab;
  }

  /** Draws a tab for each panel, but one for all code, with its targets as an option. */
  function drawBar() {
    const focused = document.activeElement.id;
    const code = known.filter(isCode);
    const now = current();
    if (isCode(now)) onCode(lastCode = open);
    const tabs = known.filter((each) => !isCode(each));
    const last = code.find(({ id }) => id === lastCode) ?? code[0];
    if (last) tabs.push({ id: last.id, title: say("code") });
    byId("tabs").replaceChildren(...tabs.map(drawTab));
    const targets = code.map(({ id, title }) => ({ value: id, title }));
    const selects = now.options.map(({ name, title, choices }) =>
      choice(name, title, choices, chosen[open]?.[name] ?? choices[0].value, (value) => {
        chosen[open] = { ...chosen[open], [name]: value };
        panels.show(text);
      }));
    if (isCode(now)) selects.unshift(choice("", say("target"), targets, open, panels.open));
    byId("options").replaceChildren(...selects);
    byId(focused)?.focus();
  }

  function remark(message) {
    byId("remark").replaceChildren(words(message));
    byId("remark").hidden = !message;
  }

  function markRows() {
    for (const [index, row] of rows().entries()) {
      const of = shown?.rows[index] ?? [];
      row.tabIndex = of.length ? 0 : -1;
      row.classList.toggle("here", of.includes(line));
      row.classList.toggle("assumed", Boolean(shown?.assumed?.[index]));
    }
  }

  function draw() {
    const { kind, content } = shown;
    const drawn = {
      html: () => fromHtml(content),
      svg: () => drawing(inTheme(content, isDark())),
      code: () => make("pre", {}, make("code", {}, content)),
    }[kind]();
    panel.replaceChildren(drawn);
    panel.className = `${kind} prose`;
  }

  /** Takes an answer into view; null for none. What stays the same is not drawn again. */
  function take(answer) {
    const isNew = answer?.content !== shown?.content;
    shown = answer;
    byId("copy").hidden = byId("download").hidden = !shown;
    byId("png").hidden = shown?.kind !== "svg";
    remark(shown?.partial ? say("partial") : "");
    if (!shown) panel.replaceChildren();
    else if (isNew) draw();
    markRows();
  }

  /** Goes to the line of a row: of the lines that it comes of, the innermost. */
  function go({ target }) {
    const of = shown?.rows[rows().indexOf(target.closest("tr"))]?.at(-1);
    if (of) onLine(of);
  }

  const panels = {
    /** Asks which panels there are, in the language of the page. */
    async load() {
      known = (await ask("panels", { lang: language() })) ?? known;
      if (!known.length) return;
      open = current().id;
      drawBar();
    },

    open(id) {
      if (id !== open) take(null);
      open = id;
      drawBar();
      panels.show(text);
    },

    /** Shows the open panel of a text; what was there stays, dimmed, where none can be made. */
    async show(news) {
      text = news;
      const width = Math.min(FIGURE_WIDTH, panel.clientWidth - BESIDE);
      const options = { ...(current()?.kind === "svg" && { width }), ...chosen[open] };
      const asked = { text, lang: language(), panel: open, options };
      const answer = await ask("panel", asked);
      if (!answer || asked.panel !== open) return;
      panel.classList.toggle("stale", Boolean(answer.errors));
      if (!answer.errors) return take(answer);
      if (!shown) take(null); // nor what stood there before the engine did
      remark([...answer.errors, ...(shown ? [say("stale")] : [])].join("\n"));
    },

    redraw: () => shown?.kind === "svg" && draw(),

    markLine(number) {
      line = number;
      markRows();
      // Where the page scrolls as a whole, it stays with the editor.
      if (panel.scrollHeight === panel.clientHeight) return;
      panel.querySelector(".here > *")?.scrollIntoView({ block: "nearest" });
    },
  };

  on("tabs", "keydown", (event) => {
    const all = [...byId("tabs").children];
    const at = all.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const { id } = all.at(to % all.length);
    byId(id).click();
    byId(id).focus();
  });
  on("panel", "click", (event) => getSelection().isCollapsed && go(event));
  on("panel", "keydown", (event) => event.key === "Enter" && go(event));
  on("copy", "click", async () => {
    const taken = shown.kind === "html" ? panel.innerText : shown.content;
    const copied = await navigator.clipboard.writeText(taken)
      .then(() => "copied", () => "copy.refused");
    notify(say(copied));
  });
  on("download", "click", () =>
    save(new Blob([shown.content], { type: "text/plain" }), shown.filename));
  on("png", "click", async () => save(await toPng(inTheme(shown.content, isDark())),
    shown.filename.replace(/svg$/, "png")));

  return panels;
}
