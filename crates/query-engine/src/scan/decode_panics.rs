//! Parquet's decoders trust the header of a page, which no checksum covers, up to a panic where it
//! is damaged. What panics while a file is decoded is made an error of that file.
//!
//! wasm32 has no unwinding: there the panic ends the engine, and [`decoding`] lets its panic hook
//! say why.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scan::data_files::CurrentFile;

thread_local! {
    static DECODING: RefCell<Option<CurrentFile>> = const { RefCell::new(None) };
}

/// The data file that this thread is decoding, for a panic hook. Natively such a panic becomes an
/// error of the query, and needs no other report.
pub fn decoding() -> Option<String> {
    let current = DECODING.with(|decoding| decoding.try_borrow().ok()?.clone());
    Some(current?.path()?.to_string())
}

/// Runs `decode`, for a scan that is at `current`.
///
/// # Errors
/// What `decode` said when it panicked. It must not be called again.
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
