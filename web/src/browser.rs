//! Small doors to the browser: what it remembers, and what time it is.

use std::cmp::Ordering;

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

/// Keys of what is remembered between visits. Keys to stores are not: they stay in memory.
pub const EDITOR_TEXT: &str = "lakeglass.editor";
pub const THEME: &str = "lakeglass.theme";
/// The endpoint whose writes stay in the tab though a proxy would make them.
pub const SANDBOX: &str = "lakeglass.sandbox";

/// The remembered text of a key. Browsers may refuse storage altogether; then there is none.
pub fn recall(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Remembers, or forgets (`None`).
pub fn remember(key: &str, value: Option<&str>) {
    let Ok(Some(storage)) = window().local_storage() else {
        return;
    };
    // A full or forbidden storage costs the memory of it, no more.
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}

/// Has the browser save what is at `url` under a name.
pub fn save(url: &str, name: &str) {
    let Ok(link) = document().create_element("a") else {
        return;
    };
    // Attributes of fixed names can always be set.
    let _ = link.set_attribute("href", url);
    let _ = link.set_attribute("download", name);
    link.unchecked_ref::<HtmlElement>().click();
}

/// Milliseconds since the page was opened; it never goes back.
pub fn now() -> f64 {
    window()
        .performance()
        .map_or(0.0, |performance| performance.now())
}

/// Milliseconds since the epoch.
pub fn wall_clock() -> i64 {
    js_sys::Date::now() as i64
}

/// Whether this keyboard says ⌘ where others say Ctrl.
pub fn is_mac() -> bool {
    window()
        .navigator()
        .platform()
        .is_ok_and(|platform| platform.starts_with("Mac"))
}

/// The pairs of the address's query.
pub fn query_pairs() -> Vec<(String, String)> {
    let search = window().location().search().unwrap_or_default();
    let Ok(params) = web_sys::UrlSearchParams::new_with_str(&search) else {
        return Vec::new();
    };
    js_sys::Array::from(&params)
        .iter()
        .filter_map(|pair| {
            let pair = js_sys::Array::from(&pair);
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        })
        .collect()
}

/// Sorts names as people do: `many2` before `many10`, `Äpfel` beside `Apfel`, small letters and
/// capitals together.
pub fn sort_naturally(names: &mut [String]) {
    let options = js_sys::Object::new();
    // Setting a property of a plain object cannot fail.
    let _ = js_sys::Reflect::set(&options, &"numeric".into(), &true.into());
    let collator = js_sys::Intl::Collator::new(&js_sys::Array::new(), &options);
    let compare = collator.compare();
    names.sort_by(|left, right| {
        let order = compare.call2(&JsValue::UNDEFINED, &left.into(), &right.into());
        let order = order.ok().and_then(|order| order.as_f64()).unwrap_or(0.0);
        order.partial_cmp(&0.0).unwrap_or(Ordering::Equal)
    });
}

/// A text in small letters, of any language.
pub fn lowercase(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}
