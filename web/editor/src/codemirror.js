// The editor proper: a chunk of its own, fetched once the page is up.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { INPUT, PLACEHOLDER } from "./text-field.js";
import { theme } from "./theme.js";

/** As `createEditor` of editor.js, which says what the parameters and the methods are. */
export function createCodeMirror(parent, text, onChange, onSelect, onRun) {
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
        placeholder(PLACEHOLDER),
        EditorView.contentAttributes.of(INPUT),
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
    setText(text) {
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        selection: { anchor: text.length },
      });
    },
    getSelection() {
      const { from, to } = view.state.selection.main;
      return view.state.sliceDoc(from, to);
    },
    focus: () => view.focus(),
    setPlace({ anchor, head, scrollTop, focused }) {
      view.dispatch({ selection: { anchor, head } });
      if (focused) view.focus();
      view.scrollDOM.scrollTop = scrollTop;
    },
    setTables(json) {
      tables = JSON.parse(json);
      if (later) view.dispatch({ effects: language.reconfigure(later.language(tables)) });
    },
  };
}
