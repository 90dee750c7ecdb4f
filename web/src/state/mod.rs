//! The page's state in signals, and what its user can do.
//!
//! [`Workbench`] holds the signals. What can be done is in `impl Workbench` blocks by subject:
//! `connecting`, `tables`, `running`, `sandbox`.

mod connecting;
pub mod connection_state;
pub mod description;
mod pane;
mod run_clock;
mod running;
mod sandbox;
pub mod tab_sandbox;
pub mod table_tree;
mod tables;
mod workbench;

pub use pane::{PANES, Pane};
pub use workbench::{Workbench, workbench};
