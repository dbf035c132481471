/** The editor: CodeMirror with what cnndsl knows of the text. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap }
  from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap,
  lineNumbers } from "@codemirror/view";
import { cnn } from "./language.js";
import { fromHtml, make, words } from "./dom.js";
import { language, say } from "./text.js";

const setHints = StateEffect.define();

/** Hints are attributes of their lines, which the style sheet writes behind them. */
const hints = StateField.define({
  create: () => Decoration.none,
  update(shown, { changes, effects, newDoc }) {
    const news = effects.find((each) => each.is(setHints));
    if (!news) return shown.map(changes);
    return Decoration.set(news.value.map(({ pos, text, assumed }) =>
      Decoration.line({ class: assumed ? "assumed" : "", attributes: { "data-hint": text } })
        .range(newDoc.lineAt(pos).from)));
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * @param host the element that the editor is put into, in a shadow root: there CodeMirror's styles
 *   are sheets of their own, which a strict Content-Security-Policy lets in
 * @param ask asks the engine; undefined where no answer came
 * @param onChange called where the text changed; @param onLine with the line of the cursor
 */
export function createEditor({ host, text, ask, onChange, onLine }) {
  const root = host.attachShadow({ mode: "open" });
  root.append(document.querySelector("link[rel=stylesheet]").cloneNode());

  const hover = hoverTooltip(async (_, pos) => {
    const answer = await ask("hover", { text: editor.text(), lang: language(), pos });
    if (!answer) return null;
    const dom = make("div", { className: "prose hover" }, fromHtml(answer.html));
    return { pos: answer.from, end: answer.to, above: true, create: () => ({ dom }) };
  });

  const complete = async (context) => {
    if (!context.explicit && !context.matchBefore(/[\w=]/)) return null;
    const { pos } = context;
    const answer = await ask("complete", { text: editor.text(), lang: language(), pos });
    if (!answer) return null;
    const options = answer.items.map((item) => ({ ...item, info: item.info && (() =>
      make("div", { className: "prose" }, fromHtml(item.info))) }));
    return { from: answer.from, options, validFor: /^\w*$/ };
  };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), closeBrackets(),
        EditorView.lineWrapping, cnn, hints, hover, autocompletion({ override: [complete] }),
        EditorView.contentAttributes.of(() => ({ "aria-label": say("net") })),
        // Tab is left to the browser, so that the keyboard gets out.
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap,
          ...defaultKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange();
          const { head } = update.state.selection.main;
          if (update.docChanged || update.selectionSet) onLine(editor.lineAt(head));
        }),
      ],
    }),
  });

  const editor = {
    text: () => view.state.doc.toString(),
    lineAt: (pos) => view.state.doc.lineAt(Math.min(pos, view.state.doc.length)).number,
    focus: () => view.focus(),

    /** Puts another text in, as one step that can be undone. */
    replace(insert) {
      const changes = { from: 0, to: view.state.doc.length, insert };
      view.dispatch({ changes, selection: { anchor: 0 }, scrollIntoView: true });
    },

    edit(edits) {
      view.dispatch({ changes: edits, userEvent: "input.fix" });
      view.focus();
    },

    select(from, to = from) {
      view.dispatch({ selection: { anchor: from, head: to },
        effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },

    goTo: (number) =>
      editor.select(view.state.doc.line(Math.min(number, view.state.doc.lines)).from),

    /** Underlines problems; `fixes[i]` are those of the i-th that are known so far. */
    underline(problems, fixes) {
      const diagnostics = problems.map(({ from, to, severity, message }, index) => ({
        from, to, severity, message, renderMessage: () => words(message),
        actions: (fixes[index] ?? []).map((fix) =>
          ({ name: fix.title, apply: () => editor.edit(fix.edits) })),
      }));
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },

    hint: (news) => view.dispatch({ effects: setHints.of(news) }),
  };
  return editor;
}
