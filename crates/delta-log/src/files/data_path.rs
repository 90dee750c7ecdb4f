//! Where a data file is, from the path that the log gives.

use std::borrow::Cow;

use object_store::ObjectStoreExt;
use object_store::path::Path;
use percent_encoding::percent_decode_str;
use roaring::RoaringTreemap;
use table_location::{ParseError, TableLocation};

use crate::error::{Error, Result};
use crate::files::deletion_vector::{DeletionVector, Location};
use crate::table::Table;

/// Turns the paths of file actions into paths of the table's store.
#[derive(Debug, Clone)]
pub(crate) struct DataPaths {
    root: Path,
    /// The root's address; `None` if the table was given none that can be read.
    location: Option<TableLocation>,
}

impl DataPaths {
    pub(crate) fn new(table: &Table) -> Self {
        Self {
            root: table.root.clone(),
            location: TableLocation::parse(&table.location).ok(),
        }
    }

    /// `raw` is a URI reference: relative to the table, or absolute; percent-encoded in any case.
    ///
    /// # Errors
    /// [`Error::ForeignPath`] for a file in another store.
    ///
    /// Protocol: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)
    pub(crate) fn resolve(&self, raw: &str) -> Result<Path> {
        let invalid = |reason: String| Error::CorruptLog {
            path: format!("path {raw}"),
            reason,
        };
        let decoded = percent_decode_str(raw)
            .decode_utf8()
            .map_err(|e| invalid(e.to_string()))?;
        let absolute = match TableLocation::parse_decoded(&decoded) {
            Ok(absolute) => absolute,
            Err(ParseError::Relative) => {
                let path = if self.root.is_root() {
                    decoded.into_owned()
                } else {
                    format!("{}/{decoded}", self.root)
                };
                return Path::parse(path).map_err(|error| invalid(error.to_string()));
            }
            Err(error) => return Err(invalid(error.to_string())),
        };
        let foreign = || Error::ForeignPath {
            path: raw.to_owned(),
        };
        let location = self.location.as_ref().ok_or_else(foreign)?;
        if !absolute.is_in_same_store(location) {
            return Err(foreign());
        }
        // The part of the location before the root is the address of the store's own root.
        let base = location
            .path()
            .strip_suffix(self.root.as_ref())
            .ok_or_else(foreign)?
            .trim_matches('/');
        let path = absolute.path().strip_prefix(base).ok_or_else(foreign)?;
        if !base.is_empty() && !path.starts_with('/') {
            return Err(foreign());
        }
        Path::parse(path).map_err(|error| invalid(error.to_string()))
    }

    /// What identifies a logical file: its path, however it is spelled, and its deletion vector.
    ///
    /// Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)
    pub(crate) fn key(&self, raw: &str, deletion_vector: Option<String>) -> FileKey {
        FileKey {
            path: self.identity(raw).into_owned(),
            deletion_vector,
        }
    }

    /// What identifies a data file, however its path is spelled: its decoded path, relative to the
    /// table, or from the store's root where it is elsewhere. Most paths are spelled just like that.
    pub(crate) fn identity<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        let is_plain = !raw.contains(['%', ':']) && !raw.starts_with('/') && !raw.ends_with('/');
        if is_plain {
            return Cow::Borrowed(raw);
        }
        let Ok(path) = self.resolve(raw) else {
            return Cow::Borrowed(raw);
        };
        let relative = match self.root.as_ref() {
            "" => Some(path.as_ref()),
            root => path
                .as_ref()
                .strip_prefix(root)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        Cow::Owned(relative.map_or_else(|| format!("/{path}"), str::to_owned))
    }
}

impl Table {
    /// What identifies a data file however the log spells its path: see
    /// [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation).
    pub fn file_identity(&self, raw: &str) -> String {
        DataPaths::new(self).identity(raw).into_owned()
    }

    /// The place in the table's store of a file that an action names. `raw` is the action's path:
    /// relative to the table, or absolute; percent-encoded in any case.
    ///
    /// # Errors
    /// [`Error::ForeignPath`] for a file in another store; [`Error::CorruptLog`] for what is no path.
    ///
    /// Protocol: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)
    pub fn data_path(&self, raw: &str) -> Result<Path> {
        DataPaths::new(self).resolve(raw)
    }

    /// The rows that a deletion vector deletes: their positions in their data file, from 0 on.
    ///
    /// Requests: none for a vector that is in the log, else one ranged GET.
    ///
    /// # Errors
    /// [`Error::InvalidDeletionVector`]; [`Error::ForeignPath`]; [`Error::Storage`].
    pub async fn deleted_rows(&self, vector: &DeletionVector) -> Result<RoaringTreemap> {
        match vector.location()? {
            Location::Inline(bytes) => vector.decode(&bytes),
            Location::File { path, start, end } => {
                let path = DataPaths::new(self).resolve(&path)?;
                let bytes = self.store.get_range(&path, start..end).await;
                let bytes = bytes.map_err(|source| Error::Storage { path, source })?;
                vector.decode_stored(&bytes)
            }
        }
    }
}

/// See [`DataPaths::key`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileKey {
    path: String,
    deletion_vector: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(root: &str, location: &str) -> DataPaths {
        DataPaths {
            root: Path::parse(root).unwrap(),
            location: TableLocation::parse(location).ok(),
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        let paths = paths("a/t", "s3a://bucket/a/t");
        for (raw, expected) in [
            ("part-0.parquet", "a/t/part-0.parquet"),
            ("p=a%20b/x", "a/t/p=a b/x"),
            (
                "ts=2021-01-01%2000%253A00%253A00/x",
                "a/t/ts=2021-01-01 00%3A00%3A00/x",
            ),
            ("p=%C3%A9/x", "a/t/p=é/x"),
            ("p=12:30/x", "a/t/p=12:30/x"),
            ("s3://bucket/a/t/x%20y", "a/t/x y"),
            ("s3a://BUCKET/elsewhere/x", "elsewhere/x"),
        ] {
            assert_eq!(paths.resolve(raw).unwrap().as_ref(), expected, "{raw}");
        }
    }

    #[test]
    fn absolute_path_below_a_key_with_escapes_is_found() {
        let paths = paths("50%20off/t", "s3a://bucket/50%2520off/t");
        for raw in ["x%3F", "s3://bucket/50%2520off/t/x%3F"] {
            assert_eq!(
                paths.resolve(raw).unwrap().as_ref(),
                "50%20off/t/x?",
                "{raw}"
            );
        }
    }

    #[test]
    fn file_has_one_identity_however_it_is_spelled() {
        for (root, location) in [("a/t", "s3a://bucket/a/t"), ("", "s3a://bucket")] {
            let paths = paths(root, location);
            let absolute = format!("{location}/p=a%20b/x");
            for raw in ["p=a%20b/x", "p%3Da b/x", "p=a b/x", &absolute] {
                assert_eq!(paths.identity(raw), "p=a b/x", "{raw}");
            }
        }
        let paths = paths("a/t", "s3a://bucket/a/t");
        let elsewhere = ["s3a://bucket/a/t2/x", "s3://bucket/a/t2/%78"];
        assert_eq!(paths.identity(elsewhere[0]), paths.identity(elsewhere[1]));
        assert_ne!(paths.identity(elsewhere[0]), paths.identity("a/t2/x"));
    }

    #[test]
    fn absolute_paths_of_other_stores_are_refused() {
        let s3 = paths("a/t", "s3a://bucket/a/t");
        for raw in [
            "s3://other/a/t/x",
            "abfss://bucket/a/t/x",
            "/a/t/x",
            "file:///a/t/x",
        ] {
            assert!(
                matches!(s3.resolve(raw), Err(Error::ForeignPath { .. })),
                "{raw}"
            );
        }
        let local = paths("t", "file:///data/t");
        assert_eq!(
            local.resolve("file:/data/other/x").unwrap().as_ref(),
            "other/x"
        );
        assert_eq!(local.resolve("/data/t/x").unwrap().as_ref(), "t/x");
        for raw in ["/etc/x", "/data2/t/x"] {
            assert!(
                matches!(local.resolve(raw), Err(Error::ForeignPath { .. })),
                "{raw}"
            );
        }
    }

    #[test]
    fn path_that_leaves_the_store_is_refused() {
        assert!(
            paths("t", "s3a://bucket/t")
                .resolve("../../secret")
                .is_err()
        );
    }
}
