//! Results of DESCRIBE and SHOW, with Spark's columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    StringArray, StringBuilder, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use delta_log::{CommitRecord, Snapshot, Table};
use spark_dialect::TableName;

use crate::spark_types;

type Result<T> = std::result::Result<T, ArrowError>;

/// `DESCRIBE HISTORY`: fifteen columns, newest version first.
pub(crate) fn history(commits: &[CommitRecord]) -> Result<RecordBatch> {
    let texts = |field: &str| -> ArrayRef {
        Arc::new(
            commits
                .iter()
                .map(|commit| commit.text(field))
                .collect::<StringArray>(),
        )
    };
    let rows = commits.len();
    let job = strings_struct(&[
        "jobId",
        "jobName",
        "jobRunId",
        "runId",
        "jobOwnerId",
        "triggerType",
    ]);
    let versions = commits
        .iter()
        .map(|commit| i64::try_from(commit.version).ok());
    let times = commits.iter().map(|commit| Some(commit.timestamp_ms));
    let read_versions = commits.iter().map(CommitRecord::read_version);
    let blind = commits.iter().map(CommitRecord::is_blind_append);
    batch(vec![
        ("version", Arc::new(versions.collect::<Int64Array>())),
        ("timestamp", timestamps(times)),
        ("userId", texts("userId")),
        ("userName", texts("userName")),
        ("operation", texts("operation")),
        (
            "operationParameters",
            maps(commits.iter().map(CommitRecord::operation_parameters))?,
        ),
        ("job", new_null_array(&job, rows)),
        (
            "notebook",
            new_null_array(&strings_struct(&["notebookId"]), rows),
        ),
        ("clusterId", texts("clusterId")),
        (
            "readVersion",
            Arc::new(read_versions.collect::<Int64Array>()),
        ),
        ("isolationLevel", texts("isolationLevel")),
        ("isBlindAppend", Arc::new(blind.collect::<BooleanArray>())),
        (
            "operationMetrics",
            maps(commits.iter().map(CommitRecord::operation_metrics))?,
        ),
        ("userMetadata", texts("userMetadata")),
        ("engineInfo", texts("engineInfo")),
    ])
}

/// `DESCRIBE DETAIL`: one row of fifteen columns.
pub(crate) fn detail(table: &Table, snapshot: &Snapshot) -> Result<RecordBatch> {
    let metadata = snapshot.metadata();
    let protocol = snapshot.protocol();
    let text = |text: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let long =
        |value: u64| -> ArrayRef { Arc::new(Int64Array::from(vec![i64::try_from(value).ok()])) };
    let int =
        |value: u32| -> ArrayRef { Arc::new(Int32Array::from(vec![i32::try_from(value).ok()])) };
    let files = snapshot.files();
    batch(vec![
        ("format", text(Some("delta"))),
        ("id", text(Some(&metadata.id))),
        ("name", text(metadata.name.as_deref())),
        ("description", text(metadata.description.as_deref())),
        ("location", text(Some(&table.location))),
        ("createdAt", timestamps([metadata.created_time])),
        ("lastModified", timestamps([Some(snapshot.timestamp())])),
        (
            "partitionColumns",
            list(metadata.partition_columns.iter().map(String::as_str)),
        ),
        ("clusteringColumns", list([])),
        ("numFiles", long(files.len() as u64)),
        ("sizeInBytes", long(files.size_in_bytes())),
        ("properties", maps([properties(snapshot)])?),
        ("minReaderVersion", int(protocol.min_reader_version)),
        ("minWriterVersion", int(protocol.min_writer_version)),
        (
            "tableFeatures",
            list(table_features(snapshot).iter().map(String::as_str)),
        ),
    ])
}

/// `DESCRIBE [EXTENDED]`: the columns, then what the table is partitioned by.
pub(crate) fn columns(
    table: &Table,
    name: &TableName,
    snapshot: &Snapshot,
    extended: bool,
) -> Result<RecordBatch> {
    let mut rows: Vec<[Option<String>; 3]> = Vec::new();
    let mut row = |name: &str, value: &str, comment: Option<&str>| {
        rows.push([
            Some(name.to_owned()),
            Some(value.to_owned()),
            comment.map(str::to_owned),
        ]);
    };
    for field in snapshot.schema().fields() {
        row(&field.name, &field.data_type.to_string(), field.comment());
    }
    if !snapshot.partition_columns().is_empty() {
        row("# Partition Information", "", Some(""));
        row("# col_name", "data_type", Some("comment"));
        for column in snapshot.partition_columns() {
            if let Some(field) = snapshot.schema().field(column) {
                row(column, &field.data_type.to_string(), field.comment());
            }
        }
    }
    if extended {
        let properties: Vec<String> = table_properties(snapshot)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        row("", "", Some(""));
        row("# Detailed Table Information", "", Some(""));
        row("Name", &name.to_string(), Some(""));
        row("Type", "MANAGED", Some(""));
        if let Some(comment) = &snapshot.metadata().description {
            row("Comment", comment, Some(""));
        }
        row("Location", &table.location, Some(""));
        row("Provider", "delta", Some(""));
        row(
            "Table Properties",
            &format!("[{}]", properties.join(",")),
            Some(""),
        );
        for (title, key) in [
            ("# Column Default Values", "CURRENT_DEFAULT"),
            ("# Generated Columns", "delta.generationExpression"),
        ] {
            let fields = snapshot.schema().fields().iter();
            let mut expressions = fields
                .filter_map(|field| Some((field, field.metadata.get(key)?.as_str()?)))
                .peekable();
            if expressions.peek().is_some() {
                row("", "", Some(""));
                row(title, "", Some(""));
            }
            for (field, text) in expressions {
                row(&field.name, &field.data_type.to_string(), Some(text));
            }
        }
    }
    let column = |i: usize| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| row[i].as_deref())
                .collect::<StringArray>(),
        )
    };
    batch(vec![
        ("col_name", column(0)),
        ("data_type", column(1)),
        ("comment", column(2)),
    ])
}

/// `DESCRIBE` of a temporary view.
pub(crate) fn view_columns(schema: &Schema) -> Result<RecordBatch> {
    let columns = spark_types::columns(schema);
    let names: StringArray = columns
        .iter()
        .map(|column| Some(column.name.as_str()))
        .collect();
    let types: StringArray = columns
        .iter()
        .map(|column| Some(column.data_type.as_str()))
        .collect();
    let comments = new_null_array(&DataType::Utf8, columns.len());
    batch(vec![
        ("col_name", Arc::new(names)),
        ("data_type", Arc::new(types)),
        ("comment", comments),
    ])
}

/// `SHOW TBLPROPERTIES`: of one key, or all.
pub(crate) fn show_properties(
    name: &TableName,
    snapshot: &Snapshot,
    key: Option<&str>,
) -> Result<RecordBatch> {
    let all = table_properties(snapshot);
    let rows = match key {
        None => all,
        Some(key) => {
            let found = all
                .into_iter()
                .find(|(other, _)| other == key)
                .map(|(_, value)| value);
            let value =
                found.unwrap_or_else(|| format!("Table {name} does not have property: {key}"));
            vec![(key.to_owned(), value)]
        }
    };
    key_values(rows)
}

/// `SET`, `SHOW TBLPROPERTIES`.
pub(crate) fn key_values(rows: Vec<(String, String)>) -> Result<RecordBatch> {
    let (keys, values): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    batch(vec![
        ("key", Arc::new(StringArray::from(keys))),
        ("value", Arc::new(StringArray::from(values))),
    ])
}

/// `SHOW TABLES`: namespace (the bucket), name, whether it is a temporary view.
pub(crate) fn show_tables(tables: &[(String, String, bool)]) -> Result<RecordBatch> {
    let column = |of: fn(&(String, String, bool)) -> &str| -> ArrayRef {
        Arc::new(StringArray::from(tables.iter().map(of).collect::<Vec<_>>()))
    };
    batch(vec![
        ("namespace", column(|(namespace, _, _)| namespace)),
        ("tableName", column(|(_, name, _)| name)),
        (
            "isTemporary",
            Arc::new(BooleanArray::from(
                tables
                    .iter()
                    .map(|(_, _, temporary)| *temporary)
                    .collect::<Vec<_>>(),
            )),
        ),
    ])
}

/// One column of lines, as EXPLAIN answers.
pub(crate) fn lines(column: &str, text: String) -> Result<RecordBatch> {
    batch(vec![(column, Arc::new(StringArray::from(vec![text])))])
}

/// One row of bigints, as writes answer.
pub(crate) fn counts(row: &[(String, i64)]) -> Result<RecordBatch> {
    let columns = row.iter().map(|(name, value)| {
        (
            name.as_str(),
            Arc::new(Int64Array::from(vec![*value])) as ArrayRef,
        )
    });
    batch(columns.collect())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
        .collect();
    let values = columns.into_iter().map(|(_, values)| values).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values)
}

fn strings_struct(names: &[&str]) -> DataType {
    DataType::Struct(
        names
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8, true))
            .collect::<Fields>(),
    )
}

fn timestamps(millis: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    let micros = millis
        .into_iter()
        .map(|millis| millis.and_then(|millis| millis.checked_mul(1000)));
    Arc::new(
        micros
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

fn maps(rows: impl IntoIterator<Item = Vec<(String, Option<String>)>>) -> Result<ArrayRef> {
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row {
            builder.keys().append_value(key);
            builder.values().append_option(value);
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    let element = Field::new("element", DataType::Utf8, true);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element);
    for value in values {
        builder.values().append_value(value);
    }
    builder.append(true);
    Arc::new(builder.finish())
}

fn properties(snapshot: &Snapshot) -> Vec<(String, Option<String>)> {
    let configuration = &snapshot.metadata().configuration;
    configuration
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect()
}

/// The table's properties, and the protocol's versions and features as Spark shows them.
fn table_properties(snapshot: &Snapshot) -> Vec<(String, String)> {
    let protocol = snapshot.protocol();
    let configuration = &snapshot.metadata().configuration;
    let mut rows: Vec<(String, String)> = configuration
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let named = protocol
        .reader_features
        .iter()
        .chain(&protocol.writer_features)
        .flatten();
    for feature in named {
        let row = (format!("delta.feature.{feature}"), "supported".to_owned());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows.push((
        "delta.minReaderVersion".to_owned(),
        protocol.min_reader_version.to_string(),
    ));
    rows.push((
        "delta.minWriterVersion".to_owned(),
        protocol.min_writer_version.to_string(),
    ));
    rows.sort_unstable();
    rows
}

/// The features that the protocol names, or those that its versions imply.
fn table_features(snapshot: &Snapshot) -> Vec<String> {
    let protocol = snapshot.protocol();
    let implied = [
        (2, "appendOnly"),
        (2, "invariants"),
        (3, "checkConstraints"),
        (4, "changeDataFeed"),
        (4, "generatedColumns"),
        (5, "columnMapping"),
        (6, "identityColumns"),
    ];
    let mut features: Vec<String> = match &protocol.writer_features {
        Some(named) => named.clone(),
        None => {
            let implied = implied
                .iter()
                .filter(|(from, _)| protocol.min_writer_version >= *from);
            implied.map(|(_, feature)| (*feature).to_owned()).collect()
        }
    };
    features.extend(protocol.reader_features.iter().flatten().cloned());
    features.sort_unstable();
    features.dedup();
    features
}
