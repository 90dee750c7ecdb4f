//! From a parsed query to a physical plan that runs: tables and views are opened, points in time
//! evaluated, and the whole planned by DataFusion.

mod in_subqueries;
pub(crate) mod open_tables;
pub(crate) mod physical;
pub(crate) mod planning;
pub(crate) mod time_travel;
