//! A lake to test with.

mod faulty_store;
mod lake;
mod noting_store;

pub use faulty_store::{Calls, Fault, FaultyStore};
pub use lake::{
    FIRST_COMMIT, Lake, Row, Steady, as_text, first_batch, metadata, metadata_with, rows_of, run,
};
pub use noting_store::{NotingStore, Request};
