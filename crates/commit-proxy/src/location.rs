//! Location of a table: `s3a://bucket/path`, checked before it touches a store.

use messages::Error;

/// Location of a table in one of the proxy's buckets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableLocation {
    pub bucket: String,
    /// Path below the bucket, without slashes at either end.
    pub path: String,
}

impl TableLocation {
    /// Reads `s3a://bucket/path`. Refuses whatever could lead out of the bucket or into a table's own
    /// folders, and any character that stores, local files and URLs would not all write alike.
    pub fn parse(location: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            Error::new(
                "INVALID_TABLE_LOCATION",
                format!("'{location}' is not a place for a table: {why}."),
            )
            .with_hint("Write s3a://bucket/path, for instance s3a://raw-data-bucket/my_table.")
        };
        let address = table_location::TableLocation::parse(location)
            .map_err(|why| refused(&why.to_string()))?;
        let bucket = address
            .bucket()
            .ok_or_else(|| refused("it does not start with s3a:// or s3://"))?;
        let path = address.path();
        if !bucket
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
            || bucket.starts_with('.')
        {
            return Err(refused("its bucket name is not valid"));
        }
        if path.is_empty() {
            return Err(refused("it names a bucket without a path"));
        }
        for segment in path.split('/') {
            match segment {
                "_delta_log" | "_change_data" => {
                    return Err(refused("it leads into a table's own folders"));
                }
                _ => {}
            }
            // What S3 keys, local file names and URLs write alike: nothing to escape, so that the
            // same table is never found under two names.
            if let Some(c) = segment
                .chars()
                .find(|c| c.is_control() || "\\%?#*\"<>|{}[]^~`".contains(*c))
            {
                return Err(refused(&format!("its path may not contain {c:?}")));
            }
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        })
    }
}

impl std::fmt::Display for TableLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        table_location::TableLocation::s3(&self.bucket, &self.path).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_and_s3a_name_the_same_table() {
        let a = TableLocation::parse("s3a://raw/a/b/").unwrap();
        assert_eq!(a, TableLocation::parse("s3://raw/a/b").unwrap());
        assert_eq!(a.to_string(), "s3a://raw/a/b");
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for location in [
            "raw/a",
            "file:///etc/passwd",
            "s3a://raw",
            "s3a://raw/",
            "s3a:///a",
            "s3a://../a",
            "s3a://raw/../other/a",
            "s3a://raw/a//b",
            "s3a://raw/a/./b",
            "s3a://raw/a/_delta_log/b",
            "s3a://raw/a/_change_data",
            "s3a://raw/a%2F..%2Fb",
            "s3a://raw/a\\..\\b",
            "s3a://raw/a\nb",
        ] {
            let error = TableLocation::parse(location).unwrap_err();
            assert_eq!(error.code, "INVALID_TABLE_LOCATION", "{location}");
        }
    }
}
