//! A zip archive that is handed on in parts while it is written.

use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Datelike, Timelike, Utc};
use object_store::Result;
use object_store::path::Path;
use zip::result::{ZipError, ZipResult};
use zip::write::FullFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::Reason;

/// Size in bytes from which on an entry needs the fields of Zip64.
const LARGE: u64 = u32::MAX as u64;

/// Id of the extra field that has times of whole seconds.
const EXTENDED_TIMESTAMP: u16 = 0x5455;

/// Flag in this field: the modification time is there, and no other.
const HAS_MODIFICATION_TIME: u8 = 1;

/// A zip archive of stored files.
///
/// Entries have their sizes and checksums in front, not behind: readers that take an archive as it
/// comes cannot tell otherwise where an entry ends that is not compressed. `ZipWriter` goes back for
/// that, so an entry is handed on once the next one has begun.
pub(super) struct Archive {
    writer: ZipWriter<Tail>,
    tail: Tail,
}

impl Archive {
    pub(super) fn new() -> Self {
        let tail = Tail::default();
        Self {
            writer: ZipWriter::new(tail.clone()),
            tail,
        }
    }

    /// Adds a file. Returns the bytes of the archive that are ready by then; they may be none.
    pub(super) fn add(
        &mut self,
        name: &str,
        data: &[u8],
        last_modified: DateTime<Utc>,
    ) -> Result<Bytes> {
        let begin = self.tail.end();
        let written = file_options(data.len(), last_modified)
            .and_then(|options| self.writer.start_file(name, options))
            .and_then(|()| Ok(self.writer.write_all(data)?));
        written.map_err(|source| failed(name, source))?;
        Ok(self.tail.take_until(begin))
    }

    /// Ends the archive with its directory. Returns the rest of its bytes.
    pub(super) fn finish(self) -> Result<Bytes> {
        let Self { writer, tail } = self;
        let written = writer.finish();
        written.map_err(|source| failed("its directory", source))?;
        Ok(tail.take_until(tail.end()))
    }
}

fn failed(name: &str, source: ZipError) -> object_store::Error {
    let path = Path::from(name);
    Reason::Archive {
        path: path.clone(),
        source,
    }
    .at(&path)
}

fn file_options(size: usize, last_modified: DateTime<Utc>) -> ZipResult<FullFileOptions<'static>> {
    let mut options = FullFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o644)
        .large_file(size as u64 >= LARGE)
        .last_modified_time(dos_time(last_modified));
    // A signed number of 32 bits: none after January 2038.
    if let Ok(seconds) = i32::try_from(last_modified.timestamp()) {
        let mut field = vec![HAS_MODIFICATION_TIME];
        field.extend_from_slice(&seconds.to_le_bytes());
        options.add_extra_data(EXTENDED_TIMESTAMP, field.into_boxed_slice(), false)?;
    }
    Ok(options)
}

/// The time as zip has it; 1980-01-01 if it lies outside of 1980 to 2107.
fn dos_time(time: DateTime<Utc>) -> zip::DateTime {
    // What does not fit is refused like a month 255.
    let short = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    zip::DateTime::from_date_and_time(
        u16::try_from(time.year()).unwrap_or_default(),
        short(time.month()),
        short(time.day()),
        short(time.hour()),
        short(time.minute()),
        short(time.second()),
    )
    .unwrap_or_default()
}

/// The end of an archive: what may still be written over. A clone is another handle to the same.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Bounds>>);

#[derive(Default)]
struct Bounds {
    /// Place in the archive of the first byte in `bytes`.
    start: u64,
    bytes: Vec<u8>,
    /// Place in the archive where the next byte is written, never before `start`.
    position: u64,
}

impl Tail {
    /// The archive's length until now.
    fn end(&self) -> u64 {
        self.bounds().end()
    }

    /// Removes the bytes before `end`, a place in the archive.
    fn take_until(&self, end: u64) -> Bytes {
        let mut bounds = self.bounds();
        let ready = (end - bounds.start) as usize;
        let rest = bounds.bytes.split_off(ready);
        bounds.start = end;
        mem::replace(&mut bounds.bytes, rest).into()
    }

    fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bounds {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl Write for Tail {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut bounds = self.bounds();
        let at = (bounds.position - bounds.start) as usize;
        let (over, behind) = data.split_at(data.len().min(bounds.bytes.len() - at));
        bounds.bytes[at..at + over.len()].copy_from_slice(over);
        bounds.bytes.extend_from_slice(behind);
        bounds.position += data.len() as u64;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Tail {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut bounds = self.bounds();
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => bounds.end().checked_add_signed(offset),
            SeekFrom::Current(offset) => bounds.position.checked_add_signed(offset),
        };
        let position = position.filter(|at| (bounds.start..=bounds.end()).contains(at));
        let position = position.ok_or_else(|| {
            io::Error::new(
                ErrorKind::InvalidInput,
                "that part of the archive is written",
            )
        })?;
        bounds.position = position;
        Ok(position)
    }
}
