//! Small doors to the browser: what it remembers, and what time it is.

use leptos::prelude::window;

/// Keys of what is remembered between visits. Keys to stores are not: they stay in memory.
pub const EDITOR_TEXT: &str = "lakeglass.editor";
pub const THEME: &str = "lakeglass.theme";

/// What was remembered. Browsers may refuse storage altogether; then nothing was.
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
