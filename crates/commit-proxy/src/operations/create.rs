//! `CREATE [OR REPLACE] TABLE`, empty or from rows.

use std::collections::BTreeMap;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{Action, Add, DataType, StructField, StructType};
use deltalake::logstore::LogStore as _;
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::SaveMode;
use messages::Error;
use messages::commit::{ColumnDefinition, CreateMode, TableOptions};
use serde_json::{Map, Value, json};

use super::table::{self, commit_properties};
use super::{Context, Failure, files};
use crate::commit_info::{Metrics, Provenance, json_string};
use crate::commit_log::Before;
use crate::schema::{Conform, conform};
use crate::source::Source;

/// `CREATE TABLE t (columns)`.
pub(super) async fn table(
    context: &Context,
    mode: CreateMode,
    columns: &[ColumnDefinition],
    options: TableOptions,
) -> Result<(), Failure> {
    let Some(replaced) = check_mode(context, mode).await? else {
        return Ok(());
    };
    let fields = fields(columns)?;
    let operation = match mode {
        CreateMode::CreateOrReplace => "CREATE OR REPLACE TABLE",
        CreateMode::Create | CreateMode::CreateIfNotExists => "CREATE TABLE",
    };
    let new = New {
        operation,
        fields,
        options,
        metrics: Metrics::None,
    };
    new.commit(context, replaced, |_, _| async { Ok(Vec::new()) })
        .await
}

/// `CREATE TABLE t AS SELECT`: the rows' columns become the table's, all nullable.
pub(super) async fn table_as_select(
    context: &Context,
    mode: CreateMode,
    options: TableOptions,
    source: Source,
) -> Result<(), Failure> {
    let Some(replaced) = check_mode(context, mode).await? else {
        return Ok(());
    };
    let how = Conform {
        table: None,
        merge_schema: false,
        computed: &[],
    };
    let (schema, batches) = conform(&source.schema, &source.batches, &how)?;
    let fields = kernel_fields(&schema)?;
    let operation = match mode {
        CreateMode::CreateOrReplace => "CREATE OR REPLACE TABLE AS SELECT",
        CreateMode::Create | CreateMode::CreateIfNotExists => "CREATE TABLE AS SELECT",
    };
    let removes = matches!(replaced, Existing::Replaced(_));
    let new = New {
        operation,
        fields,
        options,
        metrics: Metrics::Write { removes },
    };
    new.commit(context, replaced, |partition_by, properties| async move {
        files::write(context, schema, &batches, partition_by, &properties).await
    })
    .await
}

/// What is there before.
enum Existing {
    Nothing,
    Replaced(Box<table::Table>),
}

/// `None` where there is nothing to do.
async fn check_mode(context: &Context, mode: CreateMode) -> Result<Option<Existing>, Failure> {
    if !context.log.is_delta_table_location().await? {
        return Ok(Some(Existing::Nothing));
    }
    match mode {
        CreateMode::Create => Err(Error::new(
            "TABLE_OR_VIEW_ALREADY_EXISTS",
            format!("There is a table at {} already.", context.location),
        )
        .with_hint("Write CREATE TABLE IF NOT EXISTS to leave it, CREATE OR REPLACE TABLE to put a new one in its place (its history stays), or choose another path.")
        .into()),
        CreateMode::CreateIfNotExists => Ok(None),
        CreateMode::CreateOrReplace => {
            Ok(Some(Existing::Replaced(Box::new(table::load(context).await?))))
        }
    }
}

struct New {
    operation: &'static str,
    fields: Vec<StructField>,
    options: TableOptions,
    metrics: Metrics,
}

impl New {
    /// Everything in one commit: protocol, metadata, the new files, and the removal of the old.
    async fn commit<F, Fut>(
        self,
        context: &Context,
        existing: Existing,
        write: F,
    ) -> Result<(), Failure>
    where
        F: FnOnce(Vec<String>, BTreeMap<String, String>) -> Fut,
        Fut: Future<Output = Result<Vec<Add>, Failure>>,
    {
        let Self {
            operation,
            fields,
            options,
            metrics,
        } = self;
        let properties = table_properties::check(&options.properties)?;
        let partition_by = partition_columns(&fields, &options.partition_by)?;
        let mut builder = CreateBuilder::new()
            .with_log_store(context.log_store())
            .with_columns(fields)
            .with_partition_columns(partition_by.clone())
            .with_configuration(properties.iter().map(|(k, v)| (k.clone(), Some(v.clone()))))
            .with_raise_if_key_not_exists(false)
            .with_commit_properties(commit_properties());
        if let Some(comment) = &options.comment {
            builder = builder.with_comment(comment);
        }
        let read_version = match &existing {
            Existing::Nothing => None,
            Existing::Replaced(table) => {
                // A table's protocol never goes back: old readers of the log rely on it.
                builder = builder
                    .with_save_mode(SaveMode::Overwrite)
                    .with_actions([Action::Protocol(table.snapshot.protocol().clone())]);
                Some(table.version())
            }
        };
        let mut before = Before::default();
        if let Existing::Replaced(table) = &existing {
            before.protocol = table.before(false)?.protocol;
        }
        context.log.describe(
            Provenance {
                operation,
                parameters: parameters(&partition_by, &options.comment, &properties),
                metrics,
                read_version,
                is_blind_append: read_version.is_none(),
            },
            before,
        );
        let adds = write(partition_by, properties).await?;
        builder
            .with_actions(adds.into_iter().map(Action::Add))
            .await?;
        Ok(())
    }
}

fn parameters(
    partition_by: &[String],
    comment: &Option<String>,
    properties: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let mut parameters = Map::new();
    parameters.insert("partitionBy".into(), json_string(&json!(partition_by)));
    parameters.insert("description".into(), json!(comment));
    parameters.insert("properties".into(), json_string(&json!(properties)));
    parameters.insert("clusterBy".into(), json!("[]"));
    parameters.insert("isManaged".into(), json!("false"));
    parameters
}

fn kernel_fields(schema: &SchemaRef) -> Result<Vec<StructField>, Error> {
    if schema.fields().is_empty() {
        return Err(no_columns());
    }
    let schema: &Schema = schema;
    let schema: StructType = schema
        .try_into_kernel()
        .map_err(|e| Error::new("DELTA_WRITE_FAILED", format!("The rows' schema: {e}")))?;
    Ok(schema.fields().cloned().collect())
}

fn no_columns() -> Error {
    Error::new("DELTA_EMPTY_DATA", "A table needs at least one column.")
}

/// The columns of a DDL statement as the log writes them.
pub(super) fn fields(columns: &[ColumnDefinition]) -> Result<Vec<StructField>, Error> {
    if columns.is_empty() {
        return Err(no_columns());
    }
    for (index, column) in columns.iter().enumerate() {
        let lower = column.name.to_lowercase();
        if columns[..index]
            .iter()
            .any(|other| other.name.to_lowercase() == lower)
        {
            return Err(Error::new(
                "COLUMN_ALREADY_EXISTS",
                format!("The column {} is named twice.", column.name),
            ));
        }
        if column.name.is_empty() || column.name.chars().any(|c| " ,;{}()\n\t=".contains(c)) {
            return Err(Error::new(
                "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
                format!(
                    "'{}' can't be a column's name: it must not be empty, nor hold any of ' ,;{{}}()=', tab and newline.",
                    column.name
                ),
            ));
        }
    }
    columns.iter().map(field).collect()
}

fn field(column: &ColumnDefinition) -> Result<StructField, Error> {
    let metadata = match &column.comment {
        Some(comment) => json!({ "comment": comment }),
        None => json!({}),
    };
    let invalid = |why: String| {
        Error::new(
            "UNSUPPORTED_DATATYPE",
            format!(
                "The column {} can't have the type {}: {why}.",
                column.name, column.data_type
            ),
        )
    };
    let field: StructField = serde_json::from_value(json!({
        "name": column.name,
        "type": column.data_type,
        "nullable": column.nullable,
        "metadata": metadata,
    }))
    .map_err(|e| invalid(e.to_string()))?;
    if has_variant(field.data_type()) {
        return Err(invalid("variant is not supported here yet".into()));
    }
    Ok(field)
}

fn has_variant(data_type: &DataType) -> bool {
    match data_type {
        DataType::Variant(_) => true,
        DataType::Struct(fields) => fields.fields().any(|field| has_variant(field.data_type())),
        DataType::Array(array) => has_variant(array.element_type()),
        DataType::Map(map) => has_variant(map.key_type()) || has_variant(map.value_type()),
        DataType::Primitive(_) => false,
    }
}

/// The partition columns in the spelling of the table's.
fn partition_columns(fields: &[StructField], names: &[String]) -> Result<Vec<String>, Error> {
    let mut columns: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let lower = name.to_lowercase();
        let Some(field) = fields
            .iter()
            .find(|field| field.name().to_lowercase() == lower)
        else {
            return Err(Error::new(
                "DELTA_PARTITION_COLUMN_NOT_FOUND",
                format!("The table can't be partitioned by {name}: it has no such column."),
            ));
        };
        if !matches!(field.data_type(), DataType::Primitive(_)) {
            return Err(Error::new(
                "DELTA_INVALID_PARTITION_COLUMN_TYPE",
                format!("The table can't be partitioned by {name}: it is not of a simple type."),
            ));
        }
        if columns.contains(field.name()) {
            return Err(Error::new(
                "COLUMN_ALREADY_EXISTS",
                format!("The partition column {name} is named twice."),
            ));
        }
        columns.push(field.name().clone());
    }
    if !columns.is_empty() && columns.len() == fields.len() {
        return Err(Error::new(
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            "At least one column must not be a partition column.",
        ));
    }
    Ok(columns)
}
