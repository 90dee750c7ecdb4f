// What the editor can do beyond editing text: Spark's SQL, completion, search. A chunk of its own,
// fetched when the editor is on the screen, so that the page is there sooner.
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { sql } from "@codemirror/lang-sql";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { keymap } from "@codemirror/view";
import { columnSource, namespace, pathSource } from "./completion.js";
import { sparkSql } from "./dialect.js";

export { closeCompletion };

/** Highlighting, and completion of keywords and of what `tables` has. */
export const language = (/** @type {import("./completion.js").Table[]} */ tables) => [
  sql({ dialect: sparkSql, schema: namespace(tables), upperCaseKeywords: true }),
  sparkSql.language.data.of({ autocomplete: pathSource(() => tables) }),
  sparkSql.language.data.of({ autocomplete: columnSource(() => tables) }),
];

/** The rest, which does not depend on the tables. */
export const features = [
  closeBrackets(),
  // Nothing is chosen until an arrow key chooses it, so that Enter ends the line.
  autocompletion({ icons: false, selectOnOpen: false }),
  highlightSelectionMatches(),
  keymap.of([...closeBracketsKeymap, ...searchKeymap, ...completionKeymap]),
];
