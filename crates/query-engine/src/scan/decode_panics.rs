//! Turns a decoder's panic into an error of the data file that it decoded.
//!
//! Parquet's decoders trust the header of a page, which no checksum covers, and panic where it is
//! damaged. wasm32 has no unwinding: there the panic ends the engine, and
//! [`file_being_decoded`] lets the host's panic hook name the file.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scan::data_files::CurrentFile;

thread_local! {
    static DECODING: RefCell<Option<CurrentFile>> = const { RefCell::new(None) };
}

/// Path of the data file that this thread is decoding, for a panic hook. Natively such a panic
/// becomes an error of the query, and needs no other report.
pub fn file_being_decoded() -> Option<String> {
    let current = DECODING.with(|decoding| decoding.try_borrow().ok()?.clone());
    Some(current?.path()?.to_string())
}

/// Runs `decode`, for a scan that is at `current`.
///
/// # Errors
/// The message of the panic, if `decode` panics. It must not be called again then.
pub(crate) fn catch<T>(current: &CurrentFile, decode: impl FnOnce() -> T) -> Result<T, String> {
    let before = DECODING.replace(Some(current.clone()));
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(before);
    result.map_err(|panic| message(panic.as_ref()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the reader gave up").to_owned()
}
