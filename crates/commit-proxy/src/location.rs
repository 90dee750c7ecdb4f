//! Places of tables and objects: what a URL names, checked before it touches a store.

use std::fmt;

use messages::Error;
use object_store::path::Path;
use percent_encoding::percent_decode_str;

/// Place of a table in one of the proxy's buckets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TablePlace {
    pub bucket: String,
    /// Its folder, above `_delta_log`.
    pub root: Path,
}

/// Place of an object in one of the proxy's buckets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ObjectPlace {
    pub bucket: String,
    pub key: Path,
}

impl TablePlace {
    /// Reads `bucket/path`, percent-encoded. Refuses whatever could lead into another table's own
    /// folders, folders that readers hide, and any character that stores, local files and URLs would
    /// not all write alike.
    pub fn parse(encoded: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            Error::new(
                "INVALID_TABLE_LOCATION",
                format!("'{encoded}' is not a place for a table: {why}."),
            )
            .with_hint("Write bucket/path, for instance raw-data-bucket/my_table.")
        };
        let (bucket, root) = split(encoded).map_err(|why| refused(&why))?;
        for segment in root.as_ref().split('/') {
            if segment.starts_with(['_', '.']) || segment.contains('=') {
                return Err(refused("it leads into a table's folder, or a hidden one"));
            }
            let is_odd = |c: &char| c.is_control() || "\\%?#*\"<>|{}[]^~`".contains(*c);
            if let Some(c) = segment.chars().find(is_odd) {
                return Err(refused(&format!("its path may not contain {c:?}")));
            }
        }
        Ok(Self { bucket, root })
    }

    /// The table's `_delta_log`.
    pub fn log(&self) -> Path {
        self.root.clone().join("_delta_log")
    }

    /// The commit file of a version.
    pub fn commit(&self, version: u64) -> Path {
        self.log().join(format!("{version:020}.json"))
    }

    /// The table's address, as `s3a://bucket/path`.
    pub fn address(&self) -> table_location::TableLocation {
        table_location::TableLocation::s3(&self.bucket, self.root.as_ref())
    }
}

impl fmt::Display for TablePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}

impl ObjectPlace {
    /// Reads `bucket/key`, percent-encoded once. A key may hold any character that is not a control
    /// character.
    pub fn parse(encoded: &str) -> Result<Self, Error> {
        let (bucket, key) = split(encoded).map_err(|why| invalid_key(encoded, &why))?;
        Ok(Self { bucket, key })
    }
}

fn invalid_key(key: &str, why: &str) -> Error {
    let message = format!("'{key}' is not the key of an object: {why}.");
    Error::new("INVALID_OBJECT_KEY", message)
}

fn split(encoded: &str) -> Result<(String, Path), String> {
    let (bucket, key) = encoded.split_once('/').ok_or("it names no bucket")?;
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.is_empty() || bucket.starts_with('.') || !bucket.chars().all(is_legal) {
        return Err("its bucket's name is not valid".to_owned());
    }
    Ok((bucket.to_owned(), parse_key(&decode(key)?)?))
}

/// Decodes escapes. A percent sign that begins none is refused: it might be meant literally.
fn decode(encoded: &str) -> Result<String, String> {
    let mut escapes = encoded.split('%').skip(1);
    let is_escape = |rest: &str| {
        rest.bytes()
            .take_while(u8::is_ascii_hexdigit)
            .take(2)
            .count()
            == 2
    };
    if !escapes.all(is_escape) {
        return Err("it has a percent sign that begins no escape".to_owned());
    }
    let decoded = percent_decode_str(encoded).decode_utf8();
    Ok(decoded.map_err(|_| "it is not UTF-8")?.into_owned())
}

/// The key `text`, which is not encoded.
pub(crate) fn parse_key(text: &str) -> Result<Path, String> {
    // S3's limit for keys, and the usual one of file systems for names.
    if text.len() > 1024 || text.split('/').any(|segment| segment.len() > 255) {
        return Err("it is too long".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character".to_owned());
    }
    for segment in text.split('/') {
        if segment.is_empty() {
            return Err("a part of it is empty".to_owned());
        }
        // Local stores stage uploads under such names.
        let is_staged = segment.rsplit_once('#').is_some_and(|(_, digits)| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_staged {
            return Err("a part of it ends in # and digits".to_owned());
        }
    }
    Path::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_once_and_kept_to_the_letter() {
        for (encoded, key) in [
            ("raw/t/x.parquet", "t/x.parquet"),
            ("raw/t/p%3D50%2525%20off/x", "t/p=50%25 off/x"),
            ("raw/t/%C3%BC+%F0%9F%98%88:%22%23/x", "t/ü+😈:\"#/x"),
            ("raw/t/a%2Fb", "t/a/b"),
        ] {
            let place = ObjectPlace::parse(encoded).unwrap();
            assert_eq!((place.bucket.as_str(), place.key.as_ref()), ("raw", key));
        }
    }

    #[test]
    fn keys_that_lead_elsewhere_are_refused() {
        for encoded in [
            "raw",
            "raw/",
            "/t",
            "../t",
            ".hidden/t",
            "r%61w/t",
            "raw//t",
            "raw/t/",
            "raw/t//x",
            "raw/t/../x",
            "raw/t/%2E%2e/x",
            "raw/t/.%2F..%2Fx",
            "raw/./x",
            "raw/t/%00",
            "raw/t/a%0Ab",
            "raw/t/%",
            "raw/t/%4",
            "raw/t/%zz",
            "raw/t/%FF",
            "raw/t/x.parquet%2312",
            &format!("raw/{}", "a/".repeat(600) + "a"),
            &format!("raw/{}", "a".repeat(256)),
        ] {
            let error = ObjectPlace::parse(encoded).unwrap_err();
            assert_eq!(error.code, "INVALID_OBJECT_KEY", "{encoded}");
        }
    }

    #[test]
    fn tables_are_not_in_tables_folders_nor_under_odd_names() {
        let place = TablePlace::parse("raw/a%20b/t").unwrap();
        assert_eq!(place.to_string(), "s3a://raw/a b/t");
        for encoded in [
            "raw",
            "raw/",
            "raw/a/_delta_log/b",
            "raw/a/_change_data",
            "raw/a/y=2024/t",
            "raw/.hidden/t",
            "raw/a/../t",
            "raw/a%2F..%2Ft",
            "raw/a%5Cb",
            "raw/50%25",
            "raw/a%3Fb",
            "raw/a%0Ab",
        ] {
            let error = TablePlace::parse(encoded).unwrap_err();
            assert_eq!(error.code, "INVALID_TABLE_LOCATION", "{encoded}");
        }
    }
}
