// The editor while CodeMirror is on its way: a text field with the same methods.

/** What the empty editor says. */
export const PLACEHOLDER = "SELECT … Ctrl+Enter runs it";

/** Attributes of the element that is typed into, whichever it is. */
export const INPUT = { "aria-label": "SQL editor", "data-testid": "editor-input" };

/** As `createEditor` of editor.js, which says what the parameters are. */
export function createTextField(parent, text, onChange, onSelect, onRun) {
  const field = document.createElement("textarea");
  for (const [name, value] of Object.entries(INPUT)) field.setAttribute(name, value);
  Object.assign(field, { value: text, placeholder: PLACEHOLDER, spellcheck: false, autocapitalize: "off" });
  field.autocomplete = "off";
  const isSelected = () => field.selectionStart !== field.selectionEnd;
  let selected = false;
  let composing = false;
  let whenComposed;

  const noteSelection = () => {
    if (isSelected() === selected) return;
    selected = !selected;
    onSelect(selected);
  };
  field.addEventListener("input", () => onChange(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    onRun();
  });
  field.addEventListener("compositionstart", () => (composing = true));
  field.addEventListener("compositionend", () => {
    composing = false;
    // After the edit that the end brings.
    if (whenComposed) setTimeout(whenComposed);
  });
  document.addEventListener("selectionchange", noteSelection);
  parent.append(field);

  return {
    getText: () => field.value,
    setText(text) {
      field.value = text;
      onChange(text);
    },
    getSelection: () => field.value.slice(field.selectionStart, field.selectionEnd),
    focus: () => field.focus(),
    setTables() {},
    /** @returns {import("./editor.js").Place} */
    getPlace() {
      const { selectionStart, selectionEnd, selectionDirection, scrollTop } = field;
      const ends = [selectionStart, selectionEnd];
      const [anchor, head] = selectionDirection === "backward" ? ends.reverse() : ends;
      return { anchor, head, scrollTop, focused: document.activeElement === field };
    },
    /** Calls `then` once nothing is being composed. */
    whenIdle(then) {
      if (composing) whenComposed = () => this.whenIdle(then);
      else then();
    },
    destroy() {
      document.removeEventListener("selectionchange", noteSelection);
      if (selected) onSelect(false);
      field.remove();
    },
  };
}
