//! Statements that are not queries: DESCRIBE and SHOW, EXPLAIN, writes, and the description of a
//! table for the page.

pub(crate) mod describe;
pub(crate) mod explain;
pub(crate) mod show_create;
pub(crate) mod table_description;
