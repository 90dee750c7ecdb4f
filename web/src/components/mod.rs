//! What is seen.

pub mod connection;
pub mod cost;
pub mod error;
pub mod grid;
pub mod header;
pub mod history;
pub mod results;
pub mod tables;
pub mod theme;
pub mod work;
