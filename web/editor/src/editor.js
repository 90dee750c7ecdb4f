// The whole of what the page knows of its editor: create one, and these few methods.
import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { columnSource, namespace, pathSource } from "./completion.js";
import { sparkSql } from "./dialect.js";
import { theme } from "./theme.js";

/**
 * @param {HTMLElement} parent is filled with the editor
 * @param {string} text to start with
 * @param {(text: string) => void} onChange after each edit
 * @param {(selected: boolean) => void} onSelect when the selection becomes empty or not
 * @param {() => void} onRun on Ctrl+Enter or Cmd+Enter
 */
export function createEditor(parent, text, onChange, onSelect, onRun) {
  let tables = [];
  let selected = false;
  const language = new Compartment();
  // On a narrow screen long lines wrap; on a wide one they scroll.
  const wrapping = new Compartment();
  const narrow = matchMedia("(max-width: 760px)");
  const wrapped = () => (narrow.matches ? EditorView.lineWrapping : []);
  const rewrap = () => view.dispatch({ effects: wrapping.reconfigure(wrapped()) });
  const dialect = () =>
    sql({ dialect: sparkSql, schema: namespace(tables), upperCaseKeywords: true });
  const run = (view) => {
    closeCompletion(view);
    onRun();
    return true;
  };

  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        // Before the default keymap, which breaks the line on Mod-Enter.
        Prec.highest(keymap.of([{ key: "Mod-Enter", run }, { key: "Ctrl-Enter", run }])),
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        // Nothing is chosen until an arrow key chooses it, so that Enter ends the line.
        autocompletion({ icons: false, selectOnOpen: false }),
        highlightSelectionMatches(),
        // Tab leaves the editor after Escape, as CodeMirror's guide to accessibility asks for.
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          indentWithTab,
        ]),
        language.of(dialect()),
        wrapping.of(wrapped()),
        sparkSql.language.data.of({ autocomplete: pathSource(() => tables) }),
        sparkSql.language.data.of({ autocomplete: columnSource(() => tables) }),
        placeholder("SELECT … Ctrl+Enter runs it"),
        EditorView.contentAttributes.of({ "aria-label": "SQL editor", "data-testid": "editor-input" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
          const now = !update.state.selection.main.empty;
          if (now !== selected) onSelect((selected = now));
        }),
        theme,
      ],
    }),
  });

  narrow.addEventListener("change", rewrap);

  return {
    getText: () => view.state.doc.toString(),
    /** Replaces the text as one step that Undo takes back. */
    setText(text) {
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        selection: { anchor: text.length },
      });
    },
    /** The selected text; empty where nothing is selected. */
    getSelection() {
      const { from, to } = view.state.selection.main;
      return view.state.sliceDoc(from, to);
    },
    focus: () => view.focus(),
    /** Tables to complete, as JSON: [{ name, location, columns }]. */
    setTables(json) {
      tables = JSON.parse(json);
      view.dispatch({ effects: language.reconfigure(dialect()) });
    },
    destroy() {
      narrow.removeEventListener("change", rewrap);
      view.destroy();
    },
  };
}
