//! A table for the page: its latest version and its history.

use std::collections::BTreeMap;

use delta_log::{CommitRecord, Table};
use messages::Error;
use messages::table::{Column, HistoryEntry, SchemaChange, TableDescription};

use crate::errors::from_log;
use crate::run::statement_context::StatementContext;

/// Reads the log, with its newest `commits`, each of which costs a request; of the data files, nothing.
pub(crate) async fn describe(
    context: &StatementContext,
    table: &Table,
    commits: usize,
) -> Result<TableDescription, Error> {
    let described = context.latest_with_history(table, commits).await;
    let (snapshot, history) = described.map_err(|error| from_log(&error))?;
    let columns = snapshot.schema().fields().iter().map(|field| Column {
        name: field.name.clone(),
        data_type: field.data_type.to_string(),
        nullable: field.nullable,
    });
    let files = snapshot.files();
    Ok(TableDescription {
        location: table.location.clone(),
        version: snapshot.version(),
        columns: columns.collect(),
        partition_columns: snapshot.partition_columns().to_vec(),
        num_files: files.len() as u64,
        size_in_bytes: files.size_in_bytes(),
        num_rows: files.num_records_total(),
        history: history.iter().map(entry).collect(),
        has_older_history: history.len() == commits
            && history.last().is_some_and(|oldest| oldest.version > 0),
    })
}

fn entry(commit: &CommitRecord) -> HistoryEntry {
    HistoryEntry {
        version: commit.version,
        timestamp: commit.timestamp_ms,
        operation: commit.operation().map(str::to_owned),
        parameters: known(commit.operation_parameters()),
        metrics: known(commit.operation_metrics()),
        engine: commit.engine_info().map(str::to_owned),
        rows_added: commit.rows_added,
        rows_removed: commit.rows_removed,
        files_added: commit.files_added,
        files_removed: commit.files_removed,
        num_rows: commit.num_rows,
        num_files: commit.num_files,
        schema_change: commit.schema_change.as_ref().map(schema_change),
    }
}

fn known(entries: Vec<(String, Option<String>)>) -> BTreeMap<String, String> {
    entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn schema_change(change: &delta_log::SchemaChange) -> SchemaChange {
    match change {
        delta_log::SchemaChange::Created => SchemaChange::Created,
        delta_log::SchemaChange::Added(columns) => SchemaChange::Added(columns.clone()),
        delta_log::SchemaChange::Replaced => SchemaChange::Replaced,
    }
}
