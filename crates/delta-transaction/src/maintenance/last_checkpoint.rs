//! `_last_checkpoint`: where readers begin to look.
//!
//! Protocol: [Last Checkpoint File Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#last-checkpoint-file-schema)

use delta_log::{Table, log_folder};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::error::Result;
use super::put::put;

/// What is not encoded in a canonical form, besides letters and digits.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A checkpoint that was written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastCheckpoint {
    pub(super) version: u64,
    /// Actions in the checkpoint, sidecars included.
    pub(super) size: u64,
    /// Bytes, sidecars included; `None` where someone else's file is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size_in_bytes: Option<u64>,
    pub(super) num_of_add_files: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) v2_checkpoint: Option<V2Checkpoint>,
}

/// The top level of a checkpoint that is named with a UUID: where the store cannot list, there is no
/// other way to find it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct V2Checkpoint {
    /// Its name in `_delta_log`.
    pub(super) path: String,
    pub(super) size_in_bytes: u64,
    /// Milliseconds since the epoch.
    pub(super) modification_time: i64,
}

/// Writes `_last_checkpoint`, unless it names a later one by now. It is a hint: two writers at the same
/// time may still leave the earlier of theirs, which costs readers some commits and no more.
pub(super) async fn write(table: &Table, checkpoint: &LastCheckpoint) -> Result<()> {
    let current = table.last_checkpoint_version().await?;
    if current.is_some_and(|version| version > checkpoint.version) {
        return Ok(());
    }
    let mut content = serde_json::to_value(checkpoint)?;
    let checksum = checksum(&content);
    if let Some(fields) = content.as_object_mut() {
        fields.insert("checksum".to_owned(), checksum.into());
    }
    let path = log_folder(&table.root).join("_last_checkpoint");
    put(table, &path, serde_json::to_vec(&content)?.into()).await
}

/// MD5 of the canonical form, in hexadecimal digits.
///
/// Protocol: [JSON checksum](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#json-checksum)
fn checksum(content: &Value) -> String {
    hex::encode(Md5::digest(canonical(content)))
}

fn canonical(content: &Value) -> String {
    let mut pairs = Vec::new();
    match content {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "checksum") {
                collect(quoted(key), value, &mut pairs);
            }
        }
        other => collect(String::new(), other, &mut pairs),
    }
    pairs.sort();
    let pairs = pairs
        .into_iter()
        .map(|(path, value)| format!("{path}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

fn collect(path: String, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect(format!("{path}+{}", quoted(key)), value, pairs);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                collect(format!("{path}+{index}"), value, pairs);
            }
        }
        Value::String(text) => pairs.push((path, quoted(text))),
        Value::Null | Value::Bool(_) | Value::Number(_) => pairs.push((path, value.to_string())),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", utf8_percent_encode(text, RESERVED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_that_of_the_protocols_example() {
        let content = r#"{"k0":"'v 0'", "checksum": "adsaskfljadfkjadfkj",
            "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}"#;
        let content = serde_json::from_str(content).unwrap();
        assert_eq!(
            canonical(&content),
            r#""k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4","k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7""#
        );
        assert_eq!(checksum(&content), "6a92d155a59bf2eecbd4b4ec7fd1f875");
    }
}
