//! Contents of a table in a form that two readers can compare: version, protocol, schema, files,
//! rows, and a checksum over all rows that does not depend on their order.
//!
//! The checksum: each row as canonical text ([`render`]), the texts sorted by their bytes, each
//! ended by a line feed, SHA-256 over the lot. No rows give the SHA-256 of nothing.

pub mod render;

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use delta_log::schema::{DataType, StructType};
use delta_log::{Table, TimeTravel};
use messages::Error;
use query_engine::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::errors::chain;
use crate::run::rows_of;
use render::RowRenderer;

/// Table and parts of it to take the fingerprint of.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which version of the table.
    pub at: TimeTravel,
    /// Also the change feed between two versions, both included; to the latest without an end.
    pub changes: Option<(u64, Option<u64>)>,
    /// Read the log only: neither rows nor a checksum.
    pub log_only: bool,
}

/// The fingerprint of a table at a version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Newest version of the table.
    pub latest_version: u64,
    /// The version that the rest is about.
    pub version: u64,
    /// The protocol action.
    pub protocol: Protocol,
    /// The top-level columns: `name`, `type` as in the log without field metadata, `nullable`.
    pub schema: Vec<Value>,
    /// Active data files.
    pub num_files: u64,
    /// Number of active files with a deletion vector.
    pub num_files_with_deletion_vector: u64,
    /// The checksum over the table's rows; `None` where only the log was read.
    #[serde(flatten)]
    pub rows: Option<Checksum>,
    /// The columns that the checksum is over, where some column has no rendering: a variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_columns: Option<Vec<String>>,
    /// The change feed, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cdf: Option<Changes>,
}

/// The table's protocol action.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// Reader version.
    pub min_reader_version: u32,
    /// Writer version.
    pub min_writer_version: u32,
    /// Only with reader version 3; sorted, as their order in the log means nothing.
    pub reader_features: Option<Vec<String>>,
    /// Only with writer version 7; sorted.
    pub writer_features: Option<Vec<String>>,
}

/// Number of rows, and their checksum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checksum {
    /// Rows.
    pub num_rows: u64,
    /// SHA-256 of the canonical rows, lowercase hex.
    pub checksum: String,
}

/// The change feed's rows: the table's columns, `_change_type`, `_commit_version`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// Rows by version, then by change type; versions without changes are left out.
    pub counts: BTreeMap<u64, BTreeMap<String, u64>>,
    /// Their checksum.
    #[serde(flatten)]
    pub rows: Checksum,
}

/// Takes the fingerprint of `table`, which `engine` knows under `url` and whose rows it reads.
///
/// # Errors
/// If the table, or the version, can't be read.
pub async fn fingerprint(
    engine: &Engine,
    table: &Table,
    url: &str,
    subject: &Subject,
) -> Result<Fingerprint, Error> {
    let latest = table
        .snapshot(TimeTravel::Latest)
        .await
        .map_err(unreadable)?;
    let snapshot = match subject.at {
        TimeTravel::Latest => latest.clone(),
        at => table.snapshot(at).await.map_err(unreadable)?,
    };
    let name = sql_name(url);
    let fields = snapshot.schema().fields();
    let rendered = rendered(snapshot.schema());
    let checksum_columns = (rendered.len() < fields.len())
        .then(|| rendered.iter().map(|&i| fields[i].name.clone()).collect());
    let rows = if subject.log_only {
        None
    } else {
        let sql = format!("SELECT * FROM {name} VERSION AS OF {}", snapshot.version());
        let mut rows = CanonicalRows::default();
        for batch in rows_of(engine, &sql).await? {
            rows.add(&batch.project(&rendered).map_err(internal)?)?;
        }
        Some(rows.checksum())
    };
    let cdf = match subject.changes {
        None => None,
        Some((start, end)) => {
            let end = end.unwrap_or(latest.version());
            rows_of(
                engine,
                "SET lakeglass.changeDataFeed.schemaMode = endVersion",
            )
            .await?;
            let argument = name.replace('\'', "''");
            let sql = format!("SELECT * FROM table_changes('{argument}', {start}, {end})");
            Some(changes(&rows_of(engine, &sql).await?)?)
        }
    };
    let protocol = snapshot.protocol();
    Ok(Fingerprint {
        latest_version: latest.version(),
        version: snapshot.version(),
        protocol: Protocol {
            min_reader_version: protocol.min_reader_version,
            min_writer_version: protocol.min_writer_version,
            reader_features: sorted(protocol.reader_features.as_deref()),
            writer_features: sorted(protocol.writer_features.as_deref()),
        },
        schema: columns(snapshot.schema()),
        num_files: snapshot.files().len() as u64,
        num_files_with_deletion_vector: snapshot.files().num_with_deletion_vector() as u64,
        rows,
        checksum_columns,
        cdf,
    })
}

/// Rows as canonical text, in any order.
#[derive(Debug, Default)]
pub struct CanonicalRows {
    rows: Vec<Vec<u8>>,
}

impl CanonicalRows {
    /// Adds the rows of `batch`.
    ///
    /// # Errors
    /// If a column is of a type that has no rendering.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let renderer = RowRenderer::new(batch.columns())
            .map_err(|error| Error::new("UNSUPPORTED_FEATURE", error.to_string()))?;
        for row in 0..batch.num_rows() {
            let mut text = Vec::new();
            renderer.render(row, &mut text);
            text.push(b'\n');
            self.rows.push(text);
        }
        Ok(())
    }

    /// The checksum over all rows that were added.
    pub fn checksum(mut self) -> Checksum {
        self.rows.sort_unstable();
        let mut hash = Sha256::new();
        for row in &self.rows {
            hash.update(row);
        }
        Checksum {
            num_rows: self.rows.len() as u64,
            checksum: hex::encode(hash.finalize()),
        }
    }
}

/// The feed's rows end in `_change_type`, `_commit_version` and `_commit_timestamp`; the last one
/// is not part of the checksum, because it depends on how the table was copied.
fn changes(batches: &[RecordBatch]) -> Result<Changes, Error> {
    let mut rows = CanonicalRows::default();
    let mut counts: BTreeMap<u64, BTreeMap<String, u64>> = BTreeMap::new();
    for batch in batches {
        let Some(timestamp) = batch
            .num_columns()
            .checked_sub(1)
            .filter(|columns| *columns >= 2)
        else {
            return Err(internal("the change feed lacks its own columns"));
        };
        let kept: Vec<usize> = (0..timestamp).collect();
        let batch = batch.project(&kept).map_err(internal)?;
        rows.add(&batch)?;
        let kinds = cast(batch.column(timestamp - 2), &ArrowType::Utf8).map_err(internal)?;
        let versions = cast(batch.column(timestamp - 1), &ArrowType::Int64).map_err(internal)?;
        let versions = versions.as_primitive::<Int64Type>();
        for (kind, version) in kinds.as_string::<i32>().iter().zip(versions) {
            let (Some(kind), Some(version)) = (kind, version) else {
                return Err(internal(
                    "a row of the change feed has no type or no version",
                ));
            };
            let version = u64::try_from(version).map_err(internal)?;
            *counts
                .entry(version)
                .or_default()
                .entry(kind.to_owned())
                .or_default() += 1;
        }
    }
    Ok(Changes {
        counts,
        rows: rows.checksum(),
    })
}

fn sorted(features: Option<&[String]>) -> Option<Vec<String>> {
    let mut features = features?.to_vec();
    features.sort_unstable();
    Some(features)
}

fn columns(schema: &StructType) -> Vec<Value> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = without_metadata(&field.data_type);
            json!({ "name": field.name, "type": data_type, "nullable": field.nullable })
        })
        .collect()
}

/// The type as the log writes it, with the metadata of nested fields left out.
fn without_metadata(data_type: &DataType) -> Value {
    match data_type {
        DataType::Struct(fields) => json!({ "type": "struct", "fields": columns(fields) }),
        DataType::Array {
            element,
            contains_null,
        } => json!({
            "type": "array",
            "elementType": without_metadata(element),
            "containsNull": contains_null,
        }),
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => json!({
            "type": "map",
            "keyType": without_metadata(key),
            "valueType": without_metadata(value),
            "valueContainsNull": value_contains_null,
        }),
        primitive => primitive.to_json(),
    }
}

/// The positions of the columns that have a rendering.
fn rendered(schema: &StructType) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    fields
        .filter(|(_, field)| !has_variant(&field.data_type))
        .map(|(i, _)| i)
        .collect()
}

fn has_variant(data_type: &DataType) -> bool {
    match data_type {
        DataType::Variant => true,
        DataType::Struct(fields) => fields
            .fields()
            .iter()
            .any(|field| has_variant(&field.data_type)),
        DataType::Array { element, .. } => has_variant(element),
        DataType::Map { key, value, .. } => has_variant(key) || has_variant(value),
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz
        | DataType::Void => false,
    }
}

fn unreadable(error: delta_log::Error) -> Error {
    let code = match &error {
        delta_log::Error::UnsupportedFeature(_) => "DELTA_UNSUPPORTED_FEATURE",
        _ => "DELTA_TABLE_UNREADABLE",
    };
    Error::new(code, chain(&error))
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::new("INTERNAL_ERROR", error.to_string())
}

fn sql_name(url: &str) -> String {
    format!("delta.`{}`", url.replace('`', "``"))
}
