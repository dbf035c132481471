/** The list of problems below the editor, with the fixes of each. */

import { byId, make } from "./dom.js";
import { say } from "./text.js";

/**
 * @param lineAt the line of an offset; @param onSelect called with a problem to go to
 * @param onFix called with a fix to make; @param onExplain called with a code
 */
export function createProblems({ lineAt, onSelect, onFix, onExplain }) {
  const list = byId("problems");
  const button = (words, onClick, className = "") => {
    const made = make("button", { type: "button", className }, words);
    made.addEventListener("click", onClick);
    return made;
  };

  return {
    show(problems) {
      list.hidden = !problems.length;
      list.replaceChildren(...problems.map((problem) => {
        const { code, severity, message, note, page } = problem;
        const explain = button(code, () => onExplain(code), "plain");
        explain.title = say("explain", { code });
        return make("li", { className: severity },
          make("p", {},
            make("span", { className: "severity" }, say(`severity.${severity}`)), " ",
            page ? explain : code, " ",
            button(say("line", { line: lineAt(problem.from) }), () => onSelect(problem), "plain"),
          ),
          make("p", {}, message),
          note ? make("p", { className: "note" }, note) : null,
          make("p", { className: "fixes" }));
      }));
    },

    showFixes(index, fixes) {
      const place = list.children[index]?.querySelector(".fixes");
      place?.replaceChildren(...fixes.map((fix) => button(fix.title, () => onFix(fix))));
    },
  };
}
