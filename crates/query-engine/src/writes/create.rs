//! `CREATE [OR REPLACE] TABLE`, empty or from a query's rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_log::actions::Add;
use delta_log::schema::{StructField, StructType};
use delta_log::{Format, Metadata, Snapshot};
use delta_transaction::{ConflictKind, Operation, Transaction};
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::{ColumnDefinition, CreateMode, Query, TableOptions};
use table_properties::Properties;

use crate::dml::{ChangedRows, RowChange, check_defined_values, rows_of_new_table, table_columns};
use crate::writes::column_mapping::{MODE, is_mapped as is_mapping, keep_max_id, set_schema};
use crate::writes::definitions::{
    DEFAULT, check_defaults_allowed, check_names, fields, no_columns, partition_columns,
};
use crate::writes::errors::WriteError;
use crate::writes::protocol::{least, needed, with_features};
use crate::writes::round::{Outcome, Round};
use crate::writes::staged_rows::{StagedFiles, StagedRows};

/// `CREATE TABLE t (columns)`.
pub(crate) async fn table(
    round: &Round<'_>,
    mode: CreateMode,
    columns: &[ColumnDefinition],
    options: &TableOptions,
) -> Result<Outcome, WriteError> {
    let Some(existing) = existing(round, mode).await? else {
        return Ok(Outcome::default());
    };
    let name = match mode {
        CreateMode::CreateOrReplace => "CREATE OR REPLACE TABLE",
        CreateMode::Create | CreateMode::CreateIfNotExists => "CREATE TABLE",
    };
    let schema = StructType::new(fields(columns, is_mapped(options))?);
    check_defined_values(round.core, &table_columns(&schema)?).await?;
    let new = New::define(round, existing, schema, options)?;
    new.commit(round, mode, Operation::new(name), Vec::new())
        .await
}

/// `CREATE TABLE t AS SELECT`: the rows' columns become the table's, all nullable.
pub(crate) async fn table_as_select(
    round: &Round<'_>,
    mode: CreateMode,
    options: &TableOptions,
    source: &Query,
) -> Result<Outcome, WriteError> {
    let Some(existing) = existing(round, mode).await? else {
        return Ok(Outcome::default());
    };
    let rows = rows_of_new_table(round.core, &round.context, source, is_mapped(options)).await?;
    let name = match mode {
        CreateMode::CreateOrReplace => "CREATE OR REPLACE TABLE AS SELECT",
        CreateMode::Create | CreateMode::CreateIfNotExists => "CREATE TABLE AS SELECT",
    };
    let columns = rows.schema().as_ref().clone();
    let mut new = New::define(round, existing, columns, options)?;
    let mut operation = Operation::new(name);
    if round.context.reads_table(&round.table.location) {
        new.transaction.reads().read_whole_table();
    }
    let staged = StagedRows::new(round.core, &new.transaction, false)?;
    let StagedFiles { adds, rows, .. } = write(rows, staged).await?;
    let sizes = adds.iter().filter_map(|add| u64::try_from(add.size).ok());
    operation.metric("numFiles", adds.len() as u64);
    operation.metric("numOutputRows", rows);
    operation.metric("numOutputBytes", sizes.fold(0, u64::saturating_add));
    new.commit(round, mode, operation, adds).await
}

/// Writes the query's rows.
async fn write(mut change: RowChange, mut staged: StagedRows) -> Result<StagedFiles, WriteError> {
    while let Some(rows) = change.next().await {
        let written = match rows {
            Ok(ChangedRows { rows, .. }) => staged.write(&rows).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            staged.abort().await;
            return Err(error);
        }
    }
    staged.finish(false).await
}

fn is_mapped(options: &TableOptions) -> bool {
    let mut properties = options.properties.iter();
    let mode = properties.find(|(name, _)| name.eq_ignore_ascii_case(MODE));
    mode.is_some_and(|(_, mode)| is_mapping(mode))
}

/// What is there before.
enum Existing {
    Nothing,
    Replaced(Arc<Snapshot>),
}

/// `None` where there is nothing to do.
async fn existing(round: &Round<'_>, mode: CreateMode) -> Result<Option<Existing>, Error> {
    let Some(snapshot) = round.snapshot_if_any().await? else {
        return Ok(Some(Existing::Nothing));
    };
    match mode {
        CreateMode::Create => Err(exists(&round.table.location)),
        CreateMode::CreateIfNotExists => Ok(None),
        CreateMode::CreateOrReplace => Ok(Some(Existing::Replaced(snapshot))),
    }
}

pub(crate) fn exists(location: &str) -> Error {
    Error::new(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        format!("There is a table at {location} already."),
    )
    .with_hint("Write CREATE TABLE IF NOT EXISTS to leave it, CREATE OR REPLACE TABLE to put a new one in its place (its history stays), or choose another path.")
}

/// A table in the making.
struct New {
    transaction: Transaction,
    partition_by: Vec<String>,
    properties: BTreeMap<String, String>,
    comment: Option<String>,
    replaced: Option<Arc<Snapshot>>,
}

impl New {
    fn define(
        round: &Round<'_>,
        existing: Existing,
        schema: StructType,
        options: &TableOptions,
    ) -> Result<Self, WriteError> {
        let columns: &[StructField] = schema.fields();
        if columns.is_empty() {
            return Err(no_columns().into());
        }
        check_names(columns, is_mapped(options))?;
        let partition_by = partition_columns(columns, &options.partition_by)?;
        let Properties {
            stored: properties,
            features,
        } = table_properties::check(&options.properties)?;
        let environment = round.environment();
        let mut metadata = Metadata {
            id: environment.uuid().to_string(),
            name: None,
            description: options.comment.clone(),
            format: Format::default(),
            schema_string: schema.to_json().to_string(),
            partition_columns: partition_by.clone(),
            configuration: properties.clone(),
            created_time: Some(environment.now()),
        };
        let (mut transaction, replaced) = match existing {
            Existing::Nothing => {
                let table = round.table.clone();
                (Transaction::create(table, environment, round.id), None)
            }
            Existing::Replaced(snapshot) => (round.begin(&snapshot)?, Some(snapshot)),
        };
        let before = replaced
            .as_ref()
            .map(|snapshot| snapshot.protocol().clone());
        if let Some(snapshot) = &replaced {
            keep_max_id(&mut metadata, snapshot.metadata());
        }
        set_schema(&mut metadata, &schema, &*transaction.environment().clone());
        let protocol = with_features(&before.clone().unwrap_or_else(least), &features)?;
        let mut fields = schema.fields().iter();
        if fields.any(|field| field.metadata.contains_key(DEFAULT)) {
            check_defaults_allowed(&protocol, "CREATE TABLE")?;
        }
        let protocol = needed(&protocol, &metadata, &schema);
        if before.as_ref() != Some(&protocol) {
            transaction.set_protocol(protocol);
        }
        let metadata = match &replaced {
            // It stays the same table.
            Some(snapshot) => Metadata {
                id: snapshot.metadata().id.clone(),
                ..metadata
            },
            None => metadata,
        };
        transaction.set_metadata(metadata);
        Ok(Self {
            transaction,
            partition_by,
            properties,
            comment: options.comment.clone(),
            replaced,
        })
    }

    /// Everything in one commit: protocol, metadata, the new files, and the removal of the old.
    async fn commit(
        self,
        round: &Round<'_>,
        mode: CreateMode,
        operation: Operation,
        adds: Vec<Add>,
    ) -> Result<Outcome, WriteError> {
        let Self {
            mut transaction,
            partition_by,
            properties,
            comment,
            replaced,
            ..
        } = self;
        let mut operation = operation
            .parameter("partitionBy", json!(partition_by).to_string())
            .parameter("description", comment.map_or(Value::Null, Value::String))
            .parameter("properties", json!(properties).to_string())
            .parameter("clusterBy", "[]")
            .parameter("isManaged", "false");
        if let Some(snapshot) = &replaced {
            let all: Vec<usize> = (0..snapshot.files().len()).collect();
            let gone = snapshot.files().adds(&all)?;
            if !operation.metrics.is_empty() {
                let sizes = gone.iter().filter_map(|add| u64::try_from(add.size).ok());
                operation.metric("numRemovedFiles", gone.len() as u64);
                operation.metric("numRemovedBytes", sizes.fold(0, u64::saturating_add));
            }
            // Rows that come meanwhile would be replaced without having been seen.
            transaction.reads().read_whole_table();
            transaction.remove(gone, true);
        }
        transaction.add(adds);
        *transaction.operation() = operation;
        match transaction.commit().await.map_err(WriteError::from) {
            Ok(committed) => Ok(Outcome {
                committed: Some(committed),
                ..Outcome::default()
            }),
            Err(WriteError::Conflict(conflict)) if conflict.kind == ConflictKind::TableCreated => {
                match mode {
                    // Another creator came first, as if it had been there already.
                    CreateMode::CreateIfNotExists => Ok(Outcome::default()),
                    CreateMode::Create => Err(exists(&round.table.location).into()),
                    CreateMode::CreateOrReplace => Err(WriteError::Conflict(conflict)),
                }
            }
            Err(error) => Err(error),
        }
    }
}
