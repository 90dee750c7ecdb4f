//! Folders of partitions, and the way from an object's key to `add.path`.
//!
//! An object's key has folders like Spark's, `col=value`, in which some characters are escaped as
//! `%XX`. `add.path` is the URI of the key, in which these `%` are escaped once more.

use std::fmt::Write;

use object_store::path::Path;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::files::error::{FileError, Result};

/// What Hive and Spark call the folder of the rows whose value is null.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Bytes that the name of a folder may have: the limit of common file systems.
const LONGEST_NAME: usize = 255;

/// Bytes that all folders of a file may have: stores have 1024 for root, folders and name.
const LONGEST_FOLDERS: usize = 640;

/// Characters that Java's and Rust's writers of URIs both escape, besides all beyond ASCII, which
/// Java leaves. So delta-rs, which spells a path anew when it removes a file, spells ours as we do.
const ESCAPED_IN_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'*')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `key` as a URI: `add.path`, or the part of an absolute one after the bucket.
pub fn to_uri(key: &str) -> String {
    utf8_percent_encode(key, ESCAPED_IN_URI).to_string()
}

/// Where the object of a key is.
pub(crate) fn object_path(root: &Path, key: &str) -> Result<Path> {
    let path = match root.as_ref() {
        "" => key.to_owned(),
        root => format!("{root}/{key}"),
    };
    Path::parse(&path).map_err(|error| FileError::Storage {
        path: root.clone(),
        source: error.into(),
    })
}

/// The folders of a partition: `a=1/b=x%3Ay`; `None` if there are no partition columns, or where
/// a name is longer than stores take.
pub(crate) fn partition_folders<'a>(
    values: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Option<String> {
    let mut folders = String::new();
    for (column, value) in values {
        let start = folders.len();
        escape_into(&mut folders, column);
        folders.push('=');
        match value {
            Some(value) => escape_into(&mut folders, value),
            None => folders.push_str(NULL_FOLDER),
        }
        if folders.len().saturating_sub(start) > LONGEST_NAME {
            return None;
        }
        folders.push('/');
    }
    folders.pop();
    (!folders.is_empty() && folders.len() <= LONGEST_FOLDERS).then_some(folders)
}

/// Escapes what Hive and Spark escape in names of folders, and beyond ASCII what can't be in the XML
/// in which S3 lists keys.
fn escape_into(folder: &mut String, text: &str) {
    for c in text.chars() {
        let is_escaped = match c {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '[' | ']' | '^' => {
                true
            }
            '\u{FFFE}' | '\u{FFFF}' => true,
            c => c.is_control(),
        };
        if is_escaped {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(folder, "%{byte:02X}");
            }
        } else {
            folder.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_paths_are_spelt_as_spark_spells_them() {
        for (value, folder, path) in [
            ("B B", "p=B B", "p=B%20B"),
            ("100%", "p=100%25", "p=100%2525"),
            ("12:30", "p=12%3A30", "p=12%253A30"),
            ("A/A", "p=A%2FA", "p=A%252FA"),
            ("a+b", "p=a+b", "p=a+b"),
            ("a=b", "p=a%3Db", "p=a%253Db"),
            ("beta (x)", "p=beta (x)", "p=beta%20(x)"),
            ("c\\d", "p=c%5Cd", "p=c%255Cd"),
            ("h#h", "p=h%23h", "p=h%2523h"),
            ("it's", "p=it%27s", "p=it%2527s"),
            ("q?", "p=q%3F", "p=q%253F"),
            ("t\tb", "p=t%09b", "p=t%2509b"),
            ("{j}", "p=%7Bj}", "p=%257Bj%7D"),
            ("ID$", "p=ID$", "p=ID$"),
            ("R&D", "p=R&D", "p=R&D"),
            // Spark leaves these as they are in paths, to the same effect.
            ("é😈", "p=é😈", "p=%C3%A9%F0%9F%98%88"),
            (
                "\u{85}\u{FFFF}",
                "p=%C2%85%EF%BF%BF",
                "p=%25C2%2585%25EF%25BF%25BF",
            ),
        ] {
            let key = partition_folders([("p", Some(value))].into_iter()).unwrap();
            assert_eq!(key, folder);
            assert_eq!(to_uri(&key), path);
        }
        let null = partition_folders([("a:b", None), ("c", Some("1"))].into_iter());
        assert_eq!(null.unwrap(), "a%3Ab=__HIVE_DEFAULT_PARTITION__/c=1");
    }

    #[test]
    fn what_a_uri_gives_a_meaning_to_is_escaped() {
        let key = "a b/\"#%*<>?[\\]^`{|}~+é";
        let path = "a%20b/%22%23%25%2A%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D~+%C3%A9";
        assert_eq!(to_uri(key), path);
    }

    #[test]
    fn names_that_are_too_long_for_stores_are_left_out() {
        let long = "x".repeat(300);
        assert_eq!(
            partition_folders([("p", Some(long.as_str()))].into_iter()),
            None
        );
        let half = "x".repeat(200);
        let four = ["a", "b", "c", "d"].map(|column| (column, Some(half.as_str())));
        assert_eq!(partition_folders(four.into_iter()), None);
    }
}
