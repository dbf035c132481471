export const byId = (id) => document.getElementById(id);

export const on = (id, event, does) => byId(id).addEventListener(event, does);

/** Makes an element with properties and children; text is text, never HTML. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** What stands between backticks in a message of cnndsl as code, the rest as text. */
export const words = (message) => make("span", {}, ...message.split("`").map((part, index) =>
  index % 2 ? make("code", {}, part) : part));

/** What cnndsl's own HTML becomes. It is parsed apart, where nothing in it runs or loads. */
export function fromHtml(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  fragment.append(...body.childNodes);
  return fragment;
}
