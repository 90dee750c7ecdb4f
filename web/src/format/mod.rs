//! Words and figures for what the page shows, without a browser.

pub mod cost;
pub mod numbers;
pub mod statements;
pub mod timeline;
pub mod times;
