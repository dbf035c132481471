/** The words of the page itself; what cnndsl says comes from cnndsl in the language asked for. */

import languages from "./text.json";

let current = "en";

export const language = () => current;

/** The words of `key`, with `{name}` replaced; a number is written as the language does. */
export function say(key, values = {}, lang = current) {
  return languages[lang][key].replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? values[name].toLocaleString(lang) : values[name]);
}

/** So many of something in words; nothing for none. */
export const count = (n, what) => n && say(`${what}.${n === 1 ? "one" : "many"}`, { n });

/** The English of what stands in index.html stands there alone. */
function sayHere(key, english) {
  languages.en[key] ??= english;
  return say(key);
}

/** Takes a language for `say`, and for all elements that name their words. */
export function speak(lang) {
  current = lang;
  document.documentElement.lang = lang;
  for (const each of document.querySelectorAll("[data-text], [data-label]")) {
    const { text, label } = each.dataset;
    if (text) each.textContent = sayHere(text, each.textContent);
    if (label) each.ariaLabel = sayHere(label, each.ariaLabel);
    if (label && each.matches("button")) each.title = each.ariaLabel;
  }
}
