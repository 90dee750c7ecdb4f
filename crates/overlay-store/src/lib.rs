//! An object store that keeps puts and deletes in memory, above another one or above nothing.
//!
//! Reads go through to the store below where the overlay holds nothing of its own; writes never do.
//! So a page without a server, or with one that only reads, is a whole lakehouse for whoever has it
//! open; and over a real table a [`fork`](OverlayStore::fork) is a preview: write, look at the
//! difference, keep or forget it.
//!
//! - [`OverlayStore`] is the [`object_store::ObjectStore`].
//! - [`Snapshot`] is what it holds at one moment, an immutable value that costs nothing to take, to
//!   keep and to go back to. It tells what differs from the store below ([`Change`]).
//! - [`journal`] makes bytes of snapshots, for a host that keeps them over a reload, and snapshots of
//!   such bytes, cut or damaged ones too.
//! - [`OverlayStore::export`] makes a zip of a folder, a table for instance.
//!
//! Nothing here knows a runtime, a clock or a browser: times come from a [`Clock`] that the host
//! gives, so that tests and lessons are exact.
//!
//! ```
//! use std::sync::Arc;
//! use chrono::DateTime;
//! use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
//! use overlay_store::OverlayStore;
//!
//! # futures::executor::block_on(async {
//! let below = Arc::new(InMemory::new());
//! let overlay = OverlayStore::above(below.clone(), Arc::new(|| DateTime::UNIX_EPOCH));
//! let path = Path::from("orders/part-0.parquet");
//! let before = overlay.snapshot();
//! overlay.put(&path, "rows".into()).await?;
//! assert_eq!(overlay.changes().len(), 1);
//! assert!(below.get(&path).await.is_err());
//! overlay.restore(&before);
//! assert!(overlay.get(&path).await.is_err());
//! # Ok::<(), object_store::Error>(())
//! # }).unwrap();
//! ```
#![warn(missing_docs)]

mod change;
mod entry;
mod error;
mod export;
pub mod journal;
mod overlay;
mod snapshot;
mod store;

pub use change::Change;
pub use entry::is_in_memory;
pub use error::LimitExceeded;
pub use overlay::{Clock, DEFAULT_LIMIT, Hidden, OverlayStore};
pub use snapshot::Snapshot;
