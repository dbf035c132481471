/** The colours of a net, from the rules that cnndsl makes for all highlighters (words.json). */

import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { rules } from "./words.json";

const sticky = rules.map(([pattern, ...kinds]) => ({ regexp: new RegExp(pattern, "uy"), kinds }));

/** The tag of each kind of word; kinds without one have the colour of the text. */
const TAGS = {
  comment: tags.comment,
  keyword: tags.keyword,
  layer: tags.standard(tags.function(tags.name)),
  merge: tags.standard(tags.function(tags.name)),
  activation: tags.typeName,
  block: tags.function(tags.definition(tags.name)),
  function: tags.function(tags.name),
  flag: tags.attributeValue,
  key: tags.attributeName,
  parameter: tags.local(tags.name),
  constant: tags.constant(tags.name),
  tensor: tags.labelName,
  number: tags.number,
  size: tags.number,
  operator: tags.operator,
};

const language = StreamLanguage.define({
  name: "cnn",
  tokenTable: TAGS,
  // What the groups of the last match cover, and is not yet told.
  startState: () => ({ rest: [] }),
  copyState: ({ rest }) => ({ rest: [...rest] }),
  token(stream, state) {
    if (!state.rest.length) {
      for (const { regexp, kinds } of sticky) {
        regexp.lastIndex = stream.pos;
        const match = regexp.exec(stream.string);
        if (match?.[0]) {
          state.rest = kinds.map((kind, index) => [match[index + 1].length, kind]);
          break;
        }
      }
    }
    const [length, kind] = state.rest.shift() ?? [1, ""];
    stream.pos = Math.min(stream.pos + length, stream.string.length);
    return kind in TAGS ? kind : null;
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["{", "("] } },
});

const colours = HighlightStyle.define(
  Object.entries(TAGS).map(([kind, tag]) => ({ tag, class: `tok-${kind}` })));

export const cnn = [language, syntaxHighlighting(colours)];
