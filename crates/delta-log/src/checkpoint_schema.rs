//! The Arrow schema of a checkpoint: for each kind of action a struct, of which every row has one. As
//! Spark writes it: every field is nullable, and names and order are its.
//!
//! Protocol: [Checkpoint Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema)

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

/// `add` and `remove`, without what an `add` has only in some checkpoints: see [`add`].
pub fn file_actions() -> SchemaRef {
    let mut fields = add();
    fields.push(text("stats"));
    Arc::new(Schema::new(vec![
        group("add", fields),
        group("remove", remove()),
    ]))
}

/// Fields of an `add`, up to where a checkpoint may have `stats`, `partitionValues_parsed` and
/// `stats_parsed`.
pub fn add() -> Vec<Field> {
    vec![
        text("path"),
        texts_by_text("partitionValues"),
        long("size"),
        long("modificationTime"),
        boolean("dataChange"),
        texts_by_text("tags"),
        deletion_vector(),
        long("baseRowId"),
        long("defaultRowCommitVersion"),
        text("clusteringProvider"),
    ]
}

/// Fields of a `remove`: a tombstone has no statistics and no tags.
pub fn remove() -> Vec<Field> {
    vec![
        text("path"),
        long("deletionTimestamp"),
        boolean("dataChange"),
        boolean("extendedFileMetadata"),
        texts_by_text("partitionValues"),
        long("size"),
        deletion_vector(),
        long("baseRowId"),
        long("defaultRowCommitVersion"),
    ]
}

/// `txn`.
pub fn transaction() -> Field {
    let fields = vec![text("appId"), long("version"), long("lastUpdated")];
    group("txn", fields)
}

/// `metaData`.
pub fn metadata() -> Field {
    let format = group("format", vec![text("provider"), texts_by_text("options")]);
    let fields = vec![
        text("id"),
        text("name"),
        text("description"),
        format,
        text("schemaString"),
        texts("partitionColumns"),
        texts_by_text("configuration"),
        long("createdTime"),
    ];
    group("metaData", fields)
}

/// `protocol`.
pub fn protocol() -> Field {
    let fields = vec![
        integer("minReaderVersion"),
        integer("minWriterVersion"),
        texts("readerFeatures"),
        texts("writerFeatures"),
    ];
    group("protocol", fields)
}

/// `domainMetadata`.
pub fn domain_metadata() -> Field {
    let fields = vec![text("domain"), text("configuration"), boolean("removed")];
    group("domainMetadata", fields)
}

/// `checkpointMetadata`, in checkpoints of the V2 spec.
pub fn checkpoint_metadata() -> Field {
    let fields = vec![long("version"), texts_by_text("tags")];
    group("checkpointMetadata", fields)
}

/// `sidecar`, in checkpoints of the V2 spec.
pub fn sidecar() -> Field {
    let fields = vec![
        text("path"),
        long("sizeInBytes"),
        long("modificationTime"),
        texts_by_text("tags"),
    ];
    group("sidecar", fields)
}

fn deletion_vector() -> Field {
    let fields = vec![
        text("storageType"),
        text("pathOrInlineDv"),
        integer("offset"),
        integer("sizeInBytes"),
        long("cardinality"),
        long("maxRowIndex"),
    ];
    group("deletionVector", fields)
}

/// A struct that may be null.
pub fn group(name: &str, fields: Vec<Field>) -> Field {
    Field::new(name, DataType::Struct(Fields::from(fields)), true)
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn boolean(name: &str) -> Field {
    Field::new(name, DataType::Boolean, true)
}

fn integer(name: &str) -> Field {
    Field::new(name, DataType::Int32, true)
}

fn long(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn texts(name: &str) -> Field {
    let element = Arc::new(text("element"));
    Field::new(name, DataType::List(element), true)
}

fn texts_by_text(name: &str) -> Field {
    let entry = vec![Field::new("key", DataType::Utf8, false), text("value")];
    let entry = Field::new("key_value", DataType::Struct(Fields::from(entry)), false);
    Field::new(name, DataType::Map(Arc::new(entry), false), true)
}
