//! The server that the page came from, if it is one of ours: `lakeglass serve`.

use messages::server::ServerConfig;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// The server's answer to who it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Config(Box<ServerConfig>),
    /// A static host: there is a server, but no proxy behind it.
    NoProxy,
    Unreachable,
}

/// Asks the server for its set-up.
pub async fn config() -> Answer {
    let Some(body) = get("api/v1/config").await else {
        return Answer::Unreachable;
    };
    match body.map(|body| serde_json::from_str(&body)) {
        Some(Ok(config)) => Answer::Config(Box::new(config)),
        _ => Answer::NoProxy,
    }
}

/// The absolute address of a path beside the page.
pub fn beside_page(path: &str) -> String {
    let base = leptos::prelude::document()
        .base_uri()
        .ok()
        .flatten()
        .unwrap_or_default();
    web_sys::Url::new_with_base(path, &base).map_or_else(|_| path.to_owned(), |url| url.href())
}

/// `None`: no answer at all; `Some(None)`: an answer that is not what was asked for.
async fn get(path: &str) -> Option<Option<String>> {
    let promise = leptos::prelude::window().fetch_with_str(&beside_page(path));
    let response: Response = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return Some(None);
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    Some(text.as_string())
}
