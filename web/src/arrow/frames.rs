//! Encapsulated messages, one behind the other.
//!
//! Format: [Encapsulated message format](https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format)

use std::sync::Arc;

/// A range of the stream's bytes, shared with all others.
#[derive(Debug, Clone)]
pub struct Bytes {
    all: Arc<[u8]>,
    start: usize,
    end: usize,
}

impl Bytes {
    pub fn as_slice(&self) -> &[u8] {
        self.all.get(self.start..self.end).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// A part of this part; `None` where it reaches beyond.
    pub fn part(&self, offset: usize, length: usize) -> Option<Self> {
        let start = self.start.checked_add(offset)?;
        let end = start.checked_add(length).filter(|end| *end <= self.end)?;
        Some(Self {
            all: self.all.clone(),
            start,
            end,
        })
    }

    /// The `index`th group of `N` bytes; zeros beyond the end, which the reader of columns rules out.
    pub fn group<const N: usize>(&self, index: usize) -> [u8; N] {
        let group = self
            .as_slice()
            .get(index * N..)
            .and_then(<[u8]>::first_chunk);
        group.copied().unwrap_or([0; N])
    }

    pub fn bit(&self, index: usize) -> bool {
        self.as_slice()
            .get(index / 8)
            .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }
}

/// Reads messages from the front.
pub struct Frames<'a> {
    bytes: &'a Arc<[u8]>,
    at: usize,
}

impl<'a> Frames<'a> {
    pub fn new(bytes: &'a Arc<[u8]>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Metadata of the next message; `None` at the stream's end. Its body is to be taken next.
    pub fn metadata(&mut self) -> Result<Option<&'a [u8]>, String> {
        const CONTINUATION: u32 = u32::MAX;
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        if self.word()? != CONTINUATION {
            return Err("no message where one should start".to_owned());
        }
        let length = self.word()? as usize;
        if length == 0 {
            return Ok(None);
        }
        let range = self.advance(length)?;
        Ok(self.bytes.get(range))
    }

    /// Where the next message starts, in bytes from the stream's start.
    #[cfg(test)]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The body of the message whose metadata came last.
    pub fn body(&mut self, length: i64) -> Result<Bytes, String> {
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let range = self.advance(length)?;
        Ok(Bytes {
            all: self.bytes.clone(),
            start: range.start,
            end: range.end,
        })
    }

    fn word(&mut self) -> Result<u32, String> {
        let range = self.advance(4)?;
        let word = self.bytes.get(range).and_then(<[u8]>::first_chunk);
        Ok(word.map_or(0, |word| u32::from_le_bytes(*word)))
    }

    fn advance(&mut self, length: usize) -> Result<std::ops::Range<usize>, String> {
        let start = self.at;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len());
        self.at = end.ok_or("they are cut short")?;
        Ok(start..self.at)
    }
}
