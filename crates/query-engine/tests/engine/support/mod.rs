//! A lake to test with.

mod lake;
mod noting_store;

pub use lake::{
    FIRST_COMMIT, Lake, Row, as_text, first_batch, metadata, metadata_with, rows_of, run,
};
pub use noting_store::{NotingStore, Request};
