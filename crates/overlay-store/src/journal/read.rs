//! From journals to snapshots.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use chrono::DateTime;
use object_store::Attributes;
use object_store::path::Path;

use super::{DELETED, FORGOTTEN, HEADER, PUT};
use crate::entry::{Entry, Object};
use crate::snapshot::Snapshot;

/// Reason why nothing of a journal was taken, and why it should be left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It could not be read.
    #[error("cannot read the journal: {0}")]
    Read(#[from] io::Error),
    /// It begins otherwise than a journal does.
    #[error("this is no journal of an overlay")]
    NotAJournal,
    /// It is of another version of the format, so of another version of the program.
    #[error("the journal has version {found} of the format; version 1 is known")]
    Version {
        /// The version in its header.
        found: u8,
    },
}

/// What a journal held.
#[derive(Debug)]
pub struct Replay {
    /// The state to which its whole records lead.
    pub snapshot: Snapshot,
    /// Number of whole records.
    pub records: u64,
    /// Bytes up to the end of the last whole record: the length to cut the journal to before anything
    /// is appended. 0 means that not even the header is whole, and is to be written.
    pub length: u64,
    /// What comes behind, and was not taken.
    pub loss: Option<Loss>,
}

/// The end of a journal that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// What is wrong there.
    pub kind: LossKind,
    /// How many bytes it has.
    pub bytes: u64,
}

/// What is wrong with the end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// The last record was not written to its end.
    Cut,
    /// A record is not what was written, and how many follow it is not known.
    Damaged,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            LossKind::Cut => "what was kept last had not been written to its end",
            LossKind::Damaged => {
                "a part of the journal is damaged, and what follows it is not known"
            }
        };
        write!(
            f,
            "the last {} bytes of the journal are lost: {reason}",
            self.bytes
        )
    }
}

/// Reads a journal up to its last whole record.
///
/// Memory: what the journal's snapshots hold, and one record.
///
/// # Errors
/// See [`JournalError`]. A journal that is cut or damaged is none: [`Replay::loss`] tells it.
pub fn replay(journal: impl Read) -> Result<Replay, JournalError> {
    let mut journal = Counted {
        inner: journal,
        bytes: 0,
    };
    let mut replay = Replay {
        snapshot: Snapshot::default(),
        records: 0,
        length: 0,
        loss: None,
    };
    let kind = read_records(&mut journal, &mut replay)?;
    if let Some(kind) = kind {
        // To its end, to know how much is lost.
        io::copy(&mut journal, &mut io::sink())?;
        replay.loss = Some(Loss {
            kind,
            bytes: journal.bytes - replay.length,
        });
    }
    Ok(replay)
}

/// Takes whole records. Returns what is wrong with the first one that is not whole.
fn read_records<R: Read>(
    journal: &mut Counted<R>,
    replay: &mut Replay,
) -> Result<Option<LossKind>, JournalError> {
    let mut header = [0; HEADER.len()];
    let read = read_up_to(journal, &mut header)?;
    if header[..read] != HEADER[..read] {
        let magic = HEADER.len() - 1;
        return Err(if header[..magic] == HEADER[..magic] {
            JournalError::Version {
                found: header[magic],
            }
        } else {
            JournalError::NotAJournal
        });
    }
    if read < HEADER.len() {
        return Ok((read > 0).then_some(LossKind::Cut));
    }
    loop {
        replay.length = journal.bytes;
        let mut head = [0; 12];
        match read_up_to(journal, &mut head)? {
            0 => return Ok(None),
            12 => {}
            _ => return Ok(Some(LossKind::Cut)),
        }
        let (length, mut checksum) = head.split_at(8);
        let length: &[u8; 8] = length.try_into().expect("8 of 12 bytes");
        // Grows with what is there, since a damaged length may be any number.
        let mut body = Vec::new();
        let expected = u64::from_le_bytes(*length);
        if journal.by_ref().take(expected).read_to_end(&mut body)? as u64 != expected {
            return Ok(Some(LossKind::Cut));
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(length);
        hasher.update(&body);
        let mut next = replay.snapshot.clone();
        if hasher.finalize() != checksum.get_u32_le() || apply(&body, &mut next).is_none() {
            return Ok(Some(LossKind::Damaged));
        }
        replay.snapshot = next;
        replay.records += 1;
    }
}

/// Makes the changes of a record; `None` if they are not what [`super::record`] writes.
fn apply(mut body: &[u8], state: &mut Snapshot) -> Option<()> {
    while !body.is_empty() {
        let kind = body.try_get_u8().ok()?;
        let length = body.try_get_u32_le().ok()?;
        let path = str::from_utf8(body.split_off(..usize::try_from(length).ok()?)?).ok()?;
        let path = Path::parse(path).ok()?;
        match kind {
            PUT => {
                let seconds = body.try_get_i64_le().ok()?;
                let nanoseconds = body.try_get_u32_le().ok()?;
                let last_modified = DateTime::from_timestamp(seconds, nanoseconds)?;
                let size = usize::try_from(body.try_get_u64_le().ok()?).ok()?;
                // A copy: a slice would keep all of the record in memory as long as one object of it.
                let data = Bytes::copy_from_slice(body.split_off(..size)?);
                let object = Object::new(data, last_modified, Attributes::default());
                state.insert(path, Entry::Object(object));
            }
            DELETED => state.insert(path, Entry::deleted()),
            FORGOTTEN => state.remove(&path),
            _ => return None,
        }
    }
    Some(())
}

/// Fills `buffer`, or as much of it as there is; returns how much.
fn read_up_to(journal: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match journal.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A reader that counts what was read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
