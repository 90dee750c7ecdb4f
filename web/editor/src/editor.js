// The whole of what the page knows of its editor: create one, and these few methods.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
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
  // The module of that name, once it is there.
  let later;
  const features = new Compartment();
  const language = new Compartment();
  // On a narrow screen long lines wrap; on a wide one they scroll.
  const wrapping = new Compartment();
  const narrow = matchMedia("(max-width: 760px)");
  const wrapped = () => (narrow.matches ? EditorView.lineWrapping : []);
  const rewrap = () => view.dispatch({ effects: wrapping.reconfigure(wrapped()) });
  const run = (view) => {
    later?.closeCompletion(view);
    onRun();
    return true;
  };

  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        // Before the default keymap, which breaks the line on Mod-Enter.
        Prec.highest(
          keymap.of([
            { key: "Mod-Enter", run },
            { key: "Ctrl-Enter", run },
          ]),
        ),
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        bracketMatching(),
        features.of([]),
        // Tab leaves the editor after Escape, as CodeMirror's guide to accessibility asks for.
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        language.of([]),
        wrapping.of(wrapped()),
        placeholder("SELECT … Ctrl+Enter runs it"),
        EditorView.contentAttributes.of({ "aria-label": "SQL editor", "data-testid": "editor-input" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
          const now = !update.state.selection.main.empty;
          if (now !== selected) {
            selected = now;
            onSelect(selected);
          }
        }),
        theme,
      ],
    }),
  });

  narrow.addEventListener("change", rewrap);
  import("./features.js").then(
    (module) => {
      later = module;
      view.dispatch({
        effects: [features.reconfigure(later.features), language.reconfigure(later.language(tables))],
      });
    },
    // Text can be edited and run all the same.
    (error) => console.warn("The editor stays without highlighting and completion:", error),
  );

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
      if (later) view.dispatch({ effects: language.reconfigure(later.language(tables)) });
    },
    destroy() {
      narrow.removeEventListener("change", rewrap);
      view.destroy();
    },
  };
}
