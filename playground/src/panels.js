/** What is made of the net, on the right: tabs, the options of each, and what can be taken along. */

import { byId, fromHtml, make } from "./dom.js";
import { language, say } from "./text.js";

const PNG_SCALE = 2;
const LARGEST_CANVAS = 8192;

/** A figure with one of its two palettes, whatever the system is set to. */
const inTheme = (svg, dark) =>
  svg.replace(/@media\s*\(prefers-color-scheme:\s*dark\)/g, dark ? "@media all" : "@media not all");

/** A figure in a shadow root, so that its styles can be sheets of their own. */
function drawing(svg) {
  const host = make("div", { className: "figure" });
  const root = host.attachShadow({ mode: "open" });
  const picture = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  root.adoptedStyleSheets = [...picture.querySelectorAll("style")].map((style) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style.textContent);
    style.remove();
    return sheet;
  });
  root.append(picture);
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

/**
 * @param ask asks the engine; @param isDark whether figures are dark
 * @param onLine called with a line whose row was chosen; @param notify says something in passing
 * @param onOpen called with the id of a panel that was opened
 */
export function createPanels({ first, ask, isDark, onLine, onOpen, notify }) {
  const elements = Object.fromEntries(["tabs", "options", "panel", "remark", "copy", "download",
    "png"].map((id) => [id, byId(id)]));
  const chosen = {};
  let known = [];
  let open = first;
  let shown = null; // the answer in view, with the id of its panel
  let line = 0;
  let text = "";

  const isCode = (panel) => panel?.kind === "code";
  const current = () => known.find((panel) => panel.id === open);

  /** The tabs: a panel each, but one for all code, with its targets as an option. */
  function tabs() {
    const code = known.filter(isCode);
    const plain = known.filter((panel) => !isCode(panel));
    const lastCode = isCode(current()) ? open : code[0]?.id;
    return [...plain, ...(code.length ? [{ id: lastCode, title: say("code") }] : [])];
  }

  function drawTabs() {
    elements.tabs.replaceChildren(...tabs().map(({ id, title }) => {
      const tab = make("button", { type: "button", role: "tab", id: `tab-${id}` }, title);
      const selected = id === open;
      tab.setAttribute("aria-selected", selected);
      tab.setAttribute("aria-controls", "panel");
      tab.tabIndex = selected ? 0 : -1;
      tab.addEventListener("click", () => panels.open(id));
      if (selected) elements.panel.setAttribute("aria-labelledby", tab.id);
      return tab;
    }));
  }

  function choice(title, choices, value, onChoose) {
    const select = make("select", {}, ...choices.map((each) =>
      make("option", { value: each.value, selected: each.value === value }, each.title)));
    select.addEventListener("change", () => onChoose(select.value));
    return make("label", {}, make("span", {}, title), select);
  }

  function drawOptions() {
    const targets = known.filter(isCode).map(({ id, title }) => ({ value: id, title }));
    elements.options.replaceChildren(
      ...(isCode(current()) ? [choice(say("target"), targets, open, panels.open)] : []),
      ...(current()?.options ?? []).map(({ name, title, choices }) =>
        choice(title, choices, chosen[open]?.[name] ?? choices[0].value, (value) => {
          chosen[open] = { ...chosen[open], [name]: value };
          panels.show(text);
        })));
  }

  function remark(words) {
    elements.remark.textContent = words;
    elements.remark.hidden = !words;
  }

  function markRow() {
    for (const [index, row] of elements.panel.querySelectorAll("tbody tr").entries()) {
      const of = shown?.rows?.[index];
      row.classList.toggle("here", Boolean(of) && of === line);
    }
  }

  function draw() {
    const { kind, content, partial } = shown;
    const drawn = { html: fromHtml, svg: (svg) => drawing(inTheme(svg, isDark())),
      code: (code) => make("pre", {}, make("code", {}, code)) };
    elements.panel.replaceChildren(drawn[kind](content));
    elements.panel.className = kind;
    remark(partial ? say("partial") : "");
    markRow();
    for (const name of ["copy", "download", "png"]) {
      elements[name].hidden = name === "png" && kind !== "svg";
    }
  }

  const panels = {
    /** Asks which panels there are, in the language of the page. */
    async load() {
      known = (await ask("panels", {})) ?? known;
      if (known.length && !current()) open = known[0].id;
      drawTabs();
      drawOptions();
    },

    open(id) {
      open = id;
      drawTabs();
      drawOptions();
      onOpen(id);
      panels.show(text);
    },

    /** Shows the open panel of a text; what was there stays, dimmed, where none can be made. */
    async show(news) {
      text = news;
      const id = open;
      const answer = await ask("panel", { text, panel: id, options: chosen[id] ?? {} });
      if (!answer || id !== open) return;
      elements.panel.classList.toggle("stale", Boolean(answer.errors));
      if (!answer.errors) {
        shown = { ...answer, id };
        draw();
      } else if (shown?.id === id) {
        remark(`${answer.errors.join("\n")}\n${say("stale")}`);
      } else {
        elements.panel.replaceChildren();
        remark(answer.errors.join("\n"));
      }
    },

    redraw: () => shown && draw(),

    markLine(number) {
      line = number;
      markRow();
    },
  };

  elements.tabs.addEventListener("keydown", (event) => {
    const all = [...elements.tabs.children];
    const at = all.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + all.length, Home: 0,
      End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const { id } = all[to % all.length];
    byId(id).click();
    byId(id).focus();
  });

  elements.panel.addEventListener("click", (event) => {
    const rows = [...elements.panel.querySelectorAll("tbody tr")];
    const of = shown?.rows?.[rows.indexOf(event.target.closest("tr"))];
    if (of && getSelection().isCollapsed) onLine(of);
  });

  elements.copy.addEventListener("click", async () => {
    const asText = (what, type) => new Blob([what], { type });
    const types = shown.kind === "html"
      ? { "text/html": asText(shown.content, "text/html"),
        "text/plain": asText(elements.panel.innerText, "text/plain") }
      : { "text/plain": asText(shown.content, "text/plain") };
    try {
      await navigator.clipboard.write([new ClipboardItem(types)]);
      notify(say("copied"));
    } catch {
      notify(say("copy.refused"));
    }
  });
  elements.download.addEventListener("click", () =>
    save(new Blob([shown.content], { type: "text/plain" }), shown.filename));
  elements.png.addEventListener("click", async () =>
    save(await toPng(inTheme(shown.content, isDark())),
      shown.filename.replace(/\.svg$/, ".png")));

  return panels;
}
