//! Snapshots as bytes, for a host that keeps an overlay over a reload.
//!
//! A journal is a file: [`HEADER`], then records, each of which leads from one snapshot to a later
//! one. A host appends a record whenever it wants to keep what there is, after each statement for
//! instance:
//!
//! ```
//! # use std::sync::Arc;
//! # use chrono::DateTime;
//! # use object_store::{ObjectStoreExt, path::Path};
//! use overlay_store::{OverlayStore, Snapshot, journal};
//!
//! # futures::executor::block_on(async {
//! # let clock: overlay_store::Clock = Arc::new(|| DateTime::UNIX_EPOCH);
//! let overlay = OverlayStore::new(clock.clone());
//! let mut file = journal::HEADER.to_vec();
//! let mut kept = Snapshot::default();
//! overlay.put(&Path::from("a"), "1".into()).await?;
//! let now = overlay.snapshot();
//! for bytes in journal::record(&kept, &now) {
//!     file.extend_from_slice(&bytes);
//! }
//! kept = now;
//! // After a reload:
//! let replay = journal::replay(&*file)?;
//! assert_eq!(replay.length, file.len() as u64);
//! let overlay = OverlayStore::new(clock);
//! overlay.restore(&replay.snapshot);
//! assert_eq!(overlay.changes().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! A record is taken as a whole or not at all, so that a statement's commit is never there without its
//! data files. If a host cannot write one to its end (the disk is full), it cuts the file to what it
//! was and tries again, from the same snapshot, later. After [`replay`] it cuts the file to
//! [`Replay::length`] and goes on from [`Replay::snapshot`]. To shrink a journal it writes a new one
//! with a single record, from the default snapshot to the present one.
//!
//! # Format, version 1
//!
//! Numbers are little-endian. The header is `LGOVERL` and a byte for the version. A record:
//!
//! | bytes | |
//! | --- | --- |
//! | 8 | length of the body |
//! | 4 | CRC-32 (IEEE) of the 8 bytes before and the body |
//! | … | body: changes, one behind the other |
//!
//! A change is a byte for its kind, then the key: its length (4 bytes), its UTF-8. Kinds: 1, an object
//! was put; 2, the key was deleted; 3, neither any more, so that the store below is seen again. Behind
//! the key of an object that was put: the time of its last modification (seconds since 1970 in 8 bytes,
//! signed, and nanoseconds in 4), its length (8), its bytes. E-tags are given anew, and attributes
//! (content type and the like) are not kept.

mod read;
mod write;

pub use read::{JournalError, Loss, LossKind, Replay, replay};
pub use write::record;

/// The first bytes of a journal.
pub const HEADER: [u8; 8] = *b"LGOVERL\x01";

const PUT: u8 = 1;
const DELETED: u8 = 2;
const FORGOTTEN: u8 = 3;
