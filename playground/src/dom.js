/** Makes an element with properties and children; text is text, never HTML. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((each) => each !== null));
  return element;
}

/** What cnndsl's own HTML becomes. It is parsed apart, where nothing in it runs or loads. */
export function fromHtml(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  fragment.append(...body.childNodes);
  return fragment;
}

export const byId = (id) => document.getElementById(id);

/** Remembers a choice, where the browser lets a page do so: not in every iframe. */
export function remember(name, value) {
  try {
    localStorage.setItem(`cnndsl.${name}`, value);
  } catch {
    // The choice holds until the page is left.
  }
}

export function recall(name) {
  try {
    return localStorage.getItem(`cnndsl.${name}`);
  } catch {
    return null;
  }
}
