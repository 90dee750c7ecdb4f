//! The page's components: one file for each pane and its parts.

pub mod connection;
pub mod cost;
pub mod error;
pub mod grid;
pub mod header;
pub mod history;
pub mod part;
pub mod preview;
pub mod results;
pub mod sandbox;
pub mod table_filter;
pub mod table_list;
pub mod tables;
pub mod theme;
pub mod work;
