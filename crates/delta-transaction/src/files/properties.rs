//! Table properties that say how data files are written.
//!
//! Protocol: [Table Properties](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-properties)

use delta_log::Metadata;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterVersion;

use crate::files::error::{FileError, Result};

/// Size of a data file at which the next one begins, where the table does not say, in bytes.
const TARGET_FILE_SIZE: u64 = 128 << 20;

/// Leaf columns with statistics, where the table does not say.
const INDEXED_COLUMNS: usize = 32;

/// Characters of a random prefix, where the table does not say.
const RANDOM_PREFIX_LENGTH: usize = 2;

/// More characters than a random prefix can be of use with.
const LONGEST_RANDOM_PREFIX: usize = 64;

/// Compression of the pages, and the part of a file's name that tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Codec {
    pub(crate) compression: Compression,
    /// `.snappy`; empty for none.
    pub(crate) extension: &'static str,
}

/// `delta.parquet.compression.codec`, by Spark's names; Snappy, as Spark writes, if it is not set.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn codec(metadata: &Metadata) -> Result<Codec> {
    const NAME: &str = "delta.parquet.compression.codec";
    let Some(value) = metadata.configuration.get(NAME) else {
        return Ok(Codec {
            compression: Compression::SNAPPY,
            extension: ".snappy",
        });
    };
    let (compression, extension) = match value.to_ascii_lowercase().as_str() {
        "uncompressed" | "none" => (Compression::UNCOMPRESSED, ""),
        "snappy" => (Compression::SNAPPY, ".snappy"),
        "gzip" => (Compression::GZIP(GzipLevel::default()), ".gz"),
        "lz4" => (Compression::LZ4, ".lz4hadoop"),
        "lz4_raw" => (Compression::LZ4_RAW, ".lz4raw"),
        "zstd" => (Compression::ZSTD(ZstdLevel::default()), ".zstd"),
        _ => {
            return Err(FileError::InvalidProperty {
                name: NAME,
                value: value.clone(),
                expected: "uncompressed, none, snappy, gzip, lz4, lz4_raw or zstd",
            });
        }
    };
    Ok(Codec {
        compression,
        extension,
    })
}

/// `delta.parquet.format.version`: the format of data pages.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn page_format(metadata: &Metadata) -> Result<WriterVersion> {
    const NAME: &str = "delta.parquet.format.version";
    let is_second = |value: &str| {
        let numbers = value
            .strip_prefix("2.")
            .and_then(|rest| rest.split_once('.'));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        numbers.is_some_and(|(minor, patch)| is_number(minor) && is_number(patch))
    };
    match metadata.configuration.get(NAME).map(String::as_str) {
        None | Some("1.0.0") => Ok(WriterVersion::PARQUET_1_0),
        Some(value) if is_second(value) => Ok(WriterVersion::PARQUET_2_0),
        Some(value) => Err(FileError::InvalidProperty {
            name: NAME,
            value: value.to_owned(),
            expected: "1.0.0 or 2.MINOR.PATCH",
        }),
    }
}

/// `delta.targetFileSize` in bytes.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn target_file_size(metadata: &Metadata) -> Result<u64> {
    const NAME: &str = "delta.targetFileSize";
    let Some(value) = metadata.configuration.get(NAME) else {
        return Ok(TARGET_FILE_SIZE);
    };
    parse_bytes(value)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| FileError::InvalidProperty {
            name: NAME,
            value: value.clone(),
            expected: "a number of bytes, such as 134217728 or 128mb",
        })
}

/// A number of bytes as Spark reads it: `134217728`, `128m`, `128mb`.
fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor: u64 = match unit {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1 << 40,
        "p" | "pb" => 1 << 50,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// `delta.dataSkippingNumIndexedCols`: how many leaf columns have statistics; `None` for all.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn num_indexed_columns(metadata: &Metadata) -> Result<Option<usize>> {
    const NAME: &str = "delta.dataSkippingNumIndexedCols";
    let Some(value) = metadata.configuration.get(NAME) else {
        return Ok(Some(INDEXED_COLUMNS));
    };
    match value.trim().parse::<i64>() {
        Ok(-1) => Ok(None),
        // More than fits are all.
        Ok(count @ 0..) => Ok(usize::try_from(count).ok()),
        _ => Err(FileError::InvalidProperty {
            name: NAME,
            value: value.clone(),
            expected: "a whole number of -1 or more",
        }),
    }
}

/// `delta.dataSkippingStatsColumns`: the columns that have statistics, each as the path to it.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn statistics_columns(metadata: &Metadata) -> Result<Option<Vec<Vec<String>>>> {
    const NAME: &str = "delta.dataSkippingStatsColumns";
    let Some(value) = metadata.configuration.get(NAME) else {
        return Ok(None);
    };
    let paths = parse_columns(value).ok_or_else(|| FileError::InvalidProperty {
        name: NAME,
        value: value.clone(),
        expected: "a list of columns, such as a, b.c, `d.e`",
    })?;
    Ok(Some(paths))
}

/// ``a, b.c, `d.e` ``: names in backticks may have dots and commas, and a backtick twice.
fn parse_columns(text: &str) -> Option<Vec<Vec<String>>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut paths = vec![Vec::new()];
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut name = String::new();
        if chars.next_if_eq(&'`').is_some() {
            loop {
                match chars.next()? {
                    '`' if chars.next_if_eq(&'`').is_some() => name.push('`'),
                    '`' => break,
                    c => name.push(c),
                }
            }
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, '.' | ',' | '`')) {
                name.push(c);
            }
            name.truncate(name.trim_end().len());
        }
        if name.is_empty() {
            return None;
        }
        paths.last_mut()?.push(name);
        match chars.next() {
            None => return Some(paths),
            Some('.') => {}
            Some(',') => paths.push(Vec::new()),
            Some(_) => return None,
        }
    }
}

/// Whether `delta.randomizeFilePrefixes` asks for folders with random names instead of the
/// partitions'.
pub(crate) fn randomizes_prefixes(metadata: &Metadata) -> bool {
    metadata
        .configuration
        .get("delta.randomizeFilePrefixes")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// `delta.randomPrefixLength`, in characters.
///
/// # Errors
/// [`FileError::InvalidProperty`].
pub(crate) fn random_prefix_length(metadata: &Metadata) -> Result<usize> {
    const NAME: &str = "delta.randomPrefixLength";
    let Some(value) = metadata.configuration.get(NAME) else {
        return Ok(RANDOM_PREFIX_LENGTH);
    };
    let length = value.trim().parse().ok();
    length
        .filter(|length| (1..=LONGEST_RANDOM_PREFIX).contains(length))
        .ok_or_else(|| FileError::InvalidProperty {
            name: NAME,
            value: value.clone(),
            expected: "a number from 1 to 64",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_spark_reads_them() {
        for (text, expected) in [
            ("134217728", Some(134_217_728)),
            ("100mb", Some(100 << 20)),
            (" 1G ", Some(1 << 30)),
            ("12k", Some(12 << 10)),
            ("", None),
            ("mb", None),
            ("-1", None),
            ("1.5g", None),
            ("99999999999p", None),
        ] {
            assert_eq!(parse_bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn column_lists_have_quotes_and_paths() {
        let columns = |text: &str| {
            let paths = parse_columns(text)?;
            Some(paths.iter().map(|path| path.join("|")).collect::<Vec<_>>())
        };
        assert_eq!(
            columns("a, b.c ,`d.e`.`f``,`, g h").unwrap(),
            ["a", "b|c", "d.e|f`,", "g h"]
        );
        assert_eq!(columns(" ").unwrap(), Vec::<String>::new());
        for text in ["a,", ",a", "a..b", "`a", "`a`b", "a`b`", "``"] {
            assert_eq!(columns(text), None, "{text}");
        }
    }
}
