/**
 * Turns the ```cnn fences of a page into live nets. `<script src="…/embed.js" defer></script>`
 * is all it takes; `data-panel`, `data-lang` and `data-theme` say how they are shown.
 */

import { toFragment } from "./link.js";

/** How far below the window a net may be for its frame to be loaded, and how high it may grow. */
const NEAR = "400px";
const HIGHEST = 1200;

const script = document.currentScript;
const page = new URL("./", script.src);

async function enliven(pre) {
  const { lang } = document.documentElement;
  const url = new URL(page);
  url.search = new URLSearchParams({ embed: "", ...(lang && { lang }), ...script.dataset });
  const fragment = await toFragment(pre.textContent);
  if (fragment === null) return;
  url.hash = fragment;
  const frame = document.createElement("iframe");
  Object.assign(frame, { src: url.href, title: "cnndsl", allow: "clipboard-write" });
  Object.assign(frame.style, { display: "block", width: "100%", height: "0", border: "0" });
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== page.origin || source !== frame.contentWindow) return;
    if (data?.type !== "cnndsl.height" || !(data.height > 0)) return;
    frame.style.height = `${Math.min(data.height, HIGHEST)}px`;
    pre.remove(); // it stands until the live net does, and stays where that never comes
  });
  pre.after(frame);
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    enliven(target);
  }
}, { rootMargin: NEAR });

for (const code of document.querySelectorAll("pre > code.language-cnn")) {
  observer.observe(code.parentElement);
}
