/** The colours of a net, from the rules that cnndsl makes for all highlighters (words.json). */

import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { Tag } from "@lezer/highlight";
import { rules } from "./words.json";

const sticky = rules.map(([pattern, ...kinds]) => [new RegExp(pattern, "uy"), kinds]);
const kinds = new Set(rules.flatMap(([, ...each]) => each).filter(Boolean));
const tags = Object.fromEntries([...kinds].map((kind) => [kind, Tag.define()]));

const language = StreamLanguage.define({
  name: "cnn",
  tokenTable: tags,
  // What the groups of the last match cover and is not yet told: lengths with kinds.
  startState: () => [],
  copyState: (rest) => [...rest],
  token(stream, rest) {
    for (const [pattern, kinds] of rest.length ? [] : sticky) {
      pattern.lastIndex = stream.pos;
      const match = pattern.exec(stream.string);
      if (!match?.[0]) continue;
      rest.push(...kinds.map((kind, index) => [match[index + 1].length, kind]));
      break;
    }
    const [length, kind] = rest.shift() ?? [1, ""];
    stream.pos += length;
    return kind || null;
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["{", "("] } },
});

const colours = HighlightStyle.define(
  Object.entries(tags).map(([kind, tag]) => ({ tag, class: `tok-${kind}` })));

export const cnn = [language, syntaxHighlighting(colours)];
