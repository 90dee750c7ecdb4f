//! A copy of a sandbox in the browser's own file system (OPFS), so that it outlives a reload, and a
//! worker that had to be replaced.

use std::io::{self, Read};

use overlay_store::{Snapshot, journal};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::fetch::describe;
use crate::sandbox::opfs::{Directory, FileHandle, SyncFile, at, creating, storage};
use crate::timer::sleep;

/// The beginning of the file's name.
const PREFIX: &str = "lakeglass-sandbox";

/// Tries to get hold of the file, with a pause between them: a worker that was just ended may have it
/// for two seconds more.
const TRIES: u32 = 40;
/// Milliseconds.
const PAUSE: u32 = 75;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// Why a sandbox has no copy: a sentence.
type Problem = String;

/// The copy: a journal, in a file that is open as long as this lives.
#[derive(Debug)]
pub(crate) struct Mirror {
    file: SyncFile,
    /// Bytes of whole records.
    length: u64,
    /// What they lead to.
    kept: Snapshot,
}

impl Mirror {
    /// Opens the copy of this name, or makes an empty one. The second value is what was lost of it.
    ///
    /// # Errors
    /// The browser has no such file system, or another tab has the file; the journal is of another
    /// version, and left as it is.
    pub async fn open(name: &str) -> Result<(Self, Option<Problem>), Problem> {
        let file = open_file(name).await?;
        let reader = Reader {
            file: &file,
            position: 0,
            buffer: Vec::new(),
            used: 0,
        };
        let replay = match journal::replay(reader) {
            Ok(replay) => replay,
            Err(error) => {
                file.close();
                return Err(format!(
                    "What the browser kept of this sandbox can't be read: {error}."
                ));
            }
        };
        let mut mirror = Self {
            file,
            length: replay.length,
            kept: replay.snapshot,
        };
        mirror.cut()?;
        let loss = replay.loss.map(|loss| format!("Of this sandbox {loss}."));
        Ok((mirror, loss))
    }

    /// What the copy holds.
    pub fn kept(&self) -> &Snapshot {
        &self.kept
    }

    /// Makes the copy hold `now`.
    ///
    /// # Errors
    /// The browser gives no more room, for instance. The copy is then as it was, and the next call tries
    /// again.
    pub fn keep(&mut self, now: &Snapshot) -> Result<(), Problem> {
        if now.is_empty() {
            // All of it at once, however long it had grown.
            self.length = 0;
            self.cut()?;
        } else {
            let record = journal::record(&self.kept, now);
            if let Err(problem) = self.append(&record) {
                self.cut()?;
                return Err(problem);
            }
        }
        self.kept = now.clone();
        Ok(())
    }

    fn append(&mut self, record: &[bytes::Bytes]) -> Result<(), Problem> {
        let mut position = self.length;
        for part in record {
            position = self.write(part, position)?;
        }
        self.file.flush().map_err(|error| no_room(&error))?;
        self.length = position;
        Ok(())
    }

    /// Makes the file as long as its whole records are; a new one gets its header.
    fn cut(&mut self) -> Result<(), Problem> {
        self.file
            .truncate(self.length as f64)
            .map_err(|error| no_room(&error))?;
        if self.length == 0 {
            self.length = self.write(&journal::HEADER, 0)?;
            self.file.flush().map_err(|error| no_room(&error))?;
        }
        Ok(())
    }

    /// Writes bytes at a position; the one behind them.
    fn write(&self, bytes: &[u8], mut position: u64) -> Result<u64, Problem> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self
                .file
                .write(rest, &at(position))
                .map_err(|error| no_room(&error))? as usize;
            if written == 0 || written > rest.len() {
                return Err(no_room(&"nothing was written".into()));
            }
            rest = &rest[written..];
            position += written as u64;
        }
        Ok(position)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.file.close();
    }
}

/// The file, for this worker alone.
async fn open_file(name: &str) -> Result<SyncFile, Problem> {
    let failed = |error: JsValue| unavailable(&describe(&error));
    let storage = storage().ok_or_else(|| unavailable("it has no file system for pages"))?;
    let root = JsFuture::from(storage.get_directory()).await;
    let root: Directory = root.map_err(failed)?.unchecked_into();
    // Bytes other than letters and digits as `%2F`, so that any endpoint is a name.
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let name = format!("{PREFIX}.{name}.journal");
    let file = JsFuture::from(root.get_file_handle(&name, &creating())).await;
    let file: FileHandle = file.map_err(failed)?.unchecked_into();
    if !file.is_writable() {
        return Err(unavailable("pages can't write its files"));
    }
    let mut tries = TRIES;
    loop {
        match JsFuture::from(file.create_sync_access_handle()).await {
            Ok(handle) => return Ok(handle.unchecked_into()),
            Err(error) if tries == 0 => return Err(failed(error)),
            Err(_) => tries -= 1,
        }
        sleep(PAUSE).await;
    }
}

fn unavailable(why: &str) -> Problem {
    format!("The browser keeps no copy of this sandbox: {why}.")
}

fn no_room(error: &JsValue) -> Problem {
    format!(
        "The browser could not keep a copy of the last change ({}): a reload would lose it.",
        describe(error)
    )
}

/// The file's bytes, from its start on.
struct Reader<'a> {
    file: &'a SyncFile,
    position: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were handed out.
    used: usize,
}

impl Reader<'_> {
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(CHUNK, 0);
        let read = self
            .file
            .read(&mut self.buffer, &at(self.position))
            .map_err(|error| io::Error::other(describe(&error)))? as usize;
        self.buffer.truncate(read);
        self.position += self.buffer.len() as u64;
        self.used = 0;
        Ok(())
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() {
            self.fill()?;
        }
        let rest = &self.buffer[self.used..];
        let taken = rest.len().min(into.len());
        into[..taken].copy_from_slice(&rest[..taken]);
        self.used += taken;
        Ok(taken)
    }
}
