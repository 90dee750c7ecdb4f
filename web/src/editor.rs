//! The editor, as `web/editor` exports it.

use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    /// The loader's object: the parts of the page that are JavaScript.
    pub type Host;

    /// Address of the worker's script.
    #[wasm_bindgen(method, getter, js_name = engineUrl)]
    pub fn engine_url(this: &Host) -> String;

    /// Bytes that loading the engine moves, for display.
    #[wasm_bindgen(method, getter, js_name = engineBytes)]
    pub fn engine_bytes(this: &Host) -> f64;

    /// A promise of whether this tab is the one that owns `name`, from now until it is closed.
    #[wasm_bindgen(method)]
    pub fn own(this: &Host, name: &str) -> js_sys::Promise;

    #[wasm_bindgen(method, js_name = createEditor)]
    pub fn create_editor(
        this: &Host,
        parent: &HtmlElement,
        text: &str,
        on_change: &Closure<dyn FnMut(String)>,
        on_select: &Closure<dyn FnMut(bool)>,
        on_run: &Closure<dyn FnMut()>,
    ) -> Editor;

    #[derive(Clone)]
    pub type Editor;

    #[wasm_bindgen(method, js_name = getText)]
    pub fn text(this: &Editor) -> String;

    #[wasm_bindgen(method, js_name = setText)]
    pub fn set_text(this: &Editor, text: &str);

    /// The selected text, empty where nothing is selected.
    #[wasm_bindgen(method, js_name = getSelection)]
    pub fn selection(this: &Editor) -> String;

    #[wasm_bindgen(method)]
    pub fn focus(this: &Editor);

    /// Tables to complete: JSON of `[{ name, location, columns }]`.
    #[wasm_bindgen(method, js_name = setTables)]
    pub fn set_tables(this: &Editor, json: &str);
}
