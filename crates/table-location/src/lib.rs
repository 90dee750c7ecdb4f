//! The address of a table or a file: `s3a://bucket/path`, `https://host/path`, `file:///path`.
//!
//! The one place that knows how addresses are written: that `s3`, `s3a` and `s3n` are the same
//! store, what is percent-encoded, and that a bucket's root has no slash behind it.
//!
//! ```
//! use table_location::TableLocation;
//!
//! let table: TableLocation = "s3://sales/2024/orders%20of%20May/".parse()?;
//! assert_eq!(table.bucket(), Some("sales"));
//! assert_eq!(table.path(), "2024/orders of May");
//! assert_eq!(table.to_string(), "s3a://sales/2024/orders of May");
//! # Ok::<(), table_location::ParseError>(())
//! ```
#![warn(missing_docs)]

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Scheme under which object stores with the S3 API are printed, as Spark's connector has it.
const S3A: &str = "s3a";

/// Escaped in the path of an address that is not of S3: all that a URL's path may not hold.
const URL_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Address of a table, or of a file, in a store.
///
/// Two that are equal name the same place, whatever the spelling they were read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableLocation {
    scheme: Scheme,
    authority: String,
    path: String,
}

/// Kind of store that an address names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// `s3`, `s3a`, `s3n`: an object store with the S3 API. The authority is a bucket.
    S3,
    /// `http`: a web server. The authority is a host, with a port where it is not the usual one.
    Http,
    /// `https`: a web server.
    Https,
    /// `file`, or a bare absolute path: this machine's files. The authority is empty.
    File,
    /// Any other one, in lower case.
    Other(String),
}

/// Reason why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Neither `scheme:/…` nor `/…`, but for instance a relative path.
    #[error("it is not an absolute URL")]
    Relative,
    /// An address of S3 without a bucket: `s3a:///path`.
    #[error("it names no bucket")]
    NoBucket,
    /// A part behind `?` or `#`. In an object's key these two are written `%3F` and `%23`.
    #[error(
        "a table's location has no query and no fragment; in its path, write %3F for a question mark and %23 for a hash"
    )]
    Query,
    /// Two slashes in a row.
    #[error("a part of its path is empty")]
    EmptySegment,
    /// A part `.` or `..`.
    #[error("its path may not contain '.' or '..'")]
    DotSegment,
    /// Escaped bytes that are not UTF-8.
    #[error("its path is not UTF-8")]
    NotUtf8,
}

impl TableLocation {
    /// The address of `path` in a bucket of the S3 API. The path is taken literally, without
    /// escapes; slashes at its ends don't matter. An empty one is the bucket's root.
    pub fn s3(bucket: impl Into<String>, path: &str) -> Self {
        Self {
            scheme: Scheme::S3,
            authority: bucket.into(),
            path: path.trim_matches('/').to_owned(),
        }
    }

    /// Reads an address. Escapes in the path are decoded; slashes at its end don't matter.
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (scheme, authority, path) = split(text).ok_or(ParseError::Relative)?;
        if text.contains(['?', '#']) {
            return Err(ParseError::Query);
        }
        let path = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| ParseError::NotUtf8)?;
        Self::from_parts(scheme, authority, &path)
    }

    /// Reads an address whose escapes have been decoded already: all of its path is literal.
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn parse_decoded(text: &str) -> Result<Self, ParseError> {
        let (scheme, authority, path) = split(text).ok_or(ParseError::Relative)?;
        Self::from_parts(scheme, authority, path)
    }

    fn from_parts(scheme: &str, authority: &str, path: &str) -> Result<Self, ParseError> {
        let scheme = Scheme::of(scheme);
        if scheme == Scheme::S3 && authority.is_empty() {
            return Err(ParseError::NoBucket);
        }
        let path = path.strip_prefix('/').unwrap_or(path).trim_end_matches('/');
        for segment in path.split('/') {
            match segment {
                "" if path.is_empty() => {}
                "" => return Err(ParseError::EmptySegment),
                "." | ".." => return Err(ParseError::DotSegment),
                _ => {}
            }
        }
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Kind of store.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The part between `//` and the path: a bucket, or a host and port. Empty for files.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The bucket, of an address of S3.
    pub fn bucket(&self) -> Option<&str> {
        (self.scheme == Scheme::S3).then_some(self.authority.as_str())
    }

    /// The path in the store: decoded, without slashes at either end. Empty at the store's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address of the store itself: `s3a://bucket`, `https://host`, `file:///`.
    pub fn store(&self) -> Self {
        Self {
            path: String::new(),
            ..self.clone()
        }
    }

    /// True if both are in the same store. The case of a bucket's or host's name is ignored.
    pub fn is_in_same_store(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.authority.eq_ignore_ascii_case(&other.authority)
    }
}

impl Scheme {
    fn of(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "s3" | S3A | "s3n" => Self::S3,
            "http" => Self::Http,
            "https" => Self::Https,
            "file" => Self::File,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name under which it is printed.
    fn name(&self) -> &str {
        match self {
            Self::S3 => S3A,
            Self::Http => "http",
            Self::Https => "https",
            Self::File => "file",
            Self::Other(name) => name,
        }
    }
}

/// Scheme, authority and path of `scheme://authority/path`, `scheme:/path` or `/path`; `None` for
/// a relative path.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    if text.starts_with('/') {
        return Some(("file", "", text));
    }
    let (scheme, rest) = text.split_once(':')?;
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    // A colon alone does not make a URL: it may be part of a folder's name.
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        || !scheme.chars().all(is_legal)
        || !rest.starts_with('/')
    {
        return None;
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Some((scheme, "", rest));
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((scheme, authority, path))
}

/// Prints the address so that it reads back as the same one, and so that a parser of URLs reads it
/// alike: `s3a://bucket/path`; `s3a://bucket` for a bucket's root. An address of S3 is meant for
/// eyes and, as Spark prints it, has escapes only where they are needed; any other is a proper URL.
impl fmt::Display for TableLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            authority,
            path,
        } = self;
        write!(f, "{}://{authority}", scheme.name())?;
        if path.is_empty() && !authority.is_empty() {
            return Ok(());
        }
        f.write_str("/")?;
        if *scheme != Scheme::S3 {
            return write!(f, "{}", utf8_percent_encode(path, URL_PATH));
        }
        // `utf8_percent_encode` would escape all that is not ASCII; and parsers of URLs drop spaces
        // from the end.
        let plain = path.trim_end_matches(' ');
        for character in plain.chars() {
            if character.is_control() || matches!(character, '%' | '?' | '#') {
                let mut utf8 = [0; 4];
                let text = character.encode_utf8(&mut utf8);
                write!(f, "{}", utf8_percent_encode(text, NON_ALPHANUMERIC))?;
            } else {
                write!(f, "{character}")?;
            }
        }
        (plain.len()..path.len()).try_for_each(|_| f.write_str("%20"))
    }
}

impl FromStr for TableLocation {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
