// The whole of what the page knows of its editor: create one, and these few methods. Text can be typed
// and run at once, in a plain text field; CodeMirror takes its place as soon as it has been fetched.
import { createTextField } from "./text-field.js";

/**
 * @typedef {object} Place of the cursor and of the view
 * @property {number} anchor where the selection starts, in UTF-16 units
 * @property {number} head where it ends, and the cursor stands
 * @property {number} scrollTop in pixels
 * @property {boolean} focused
 */

/**
 * @param {HTMLElement} parent is filled with the editor
 * @param {string} text to start with
 * @param {(text: string) => void} onChange after each edit
 * @param {(selected: boolean) => void} onSelect when the selection becomes empty or not
 * @param {() => void} onRun on Ctrl+Enter or Cmd+Enter
 */
export function createEditor(parent, text, onChange, onSelect, onRun) {
  const field = createTextField(parent, text, onChange, onSelect, onRun);
  let editor = field;
  let tables = "[]";

  import("./codemirror.js").then(
    // Not while an input method composes a character: it would lose it.
    ({ createCodeMirror }) =>
      field.whenIdle(() => {
        const [typed, place] = [field.getText(), field.getPlace()];
        field.destroy();
        editor = createCodeMirror(parent, text, onChange, onSelect, onRun);
        // What was typed is an edit: Undo takes it back.
        if (typed !== text) editor.setText(typed);
        editor.setPlace(place);
        editor.setTables(tables);
      }),
    (error) => console.warn("The editor stays a plain text field:", error),
  );

  return {
    getText: () => editor.getText(),
    /** Replaces the text as one step that Undo takes back. */
    setText: (text) => editor.setText(text),
    /** The selected text; empty where nothing is selected. */
    getSelection: () => editor.getSelection(),
    focus: () => editor.focus(),
    /** Tables to complete, as JSON: [{ name, location, columns }]. */
    setTables(json) {
      tables = json;
      editor.setTables(json);
    },
  };
}
