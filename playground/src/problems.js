/** The list of problems below the editor, with the fixes of each. */

import { byId, make, words } from "./dom.js";
import { say } from "./text.js";

function button(label, onClick, className = "") {
  const made = make("button", { type: "button", className }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** @param onExplain called with a code that is asked about */
export function createProblems({ editor, onExplain }) {
  const list = byId("problems");

  function item({ code, severity, message, note, from, to }) {
    const place = say("line", { line: editor.lineAt(from) });
    return make("li", { className: severity },
      make("p", {},
        make("span", { className: "severity" }, say(`severity.${severity}`)), " ",
        code && button(code, () => onExplain(code), "plain"), " ",
        button(place, () => editor.select(from, to), "plain")),
      make("p", {}, words(message)),
      make("p", { className: "note" }, words(note)),
      make("p", { className: "fixes" }));
  }

  return {
    show(problems) {
      list.hidden = !problems.length;
      list.replaceChildren(...problems.map(item));
    },

    showFixes(index, fixes) {
      const buttons = fixes.map((fix) => button(words(fix.title), () => editor.edit(fix.edits)));
      list.children[index]?.querySelector(".fixes").replaceChildren(...buttons);
    },
  };
}
