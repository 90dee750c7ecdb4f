use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::actions::{Add, Commit, Metadata, Protocol};
use crate::error::{Error, Result};
use crate::features::{check_metadata, check_protocol, has_in_commit_timestamps};
use crate::files::data_path::DataPaths;
use crate::files::file_table::FileTable;
use crate::log::log_path::LogFile;
use crate::log::log_path::log_folder;
use crate::log::replay::replay;
use crate::log::state::{Files, State};
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::StructType;
use crate::table::Table;
use crate::warning::Warning;

/// A table as of one version. Never changes.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
    timestamp: i64,
    protocol: Protocol,
    metadata: Metadata,
    schema: Arc<StructType>,
    column_mapping: ColumnMapping,
    arrow_schema: SchemaRef,
    files: FileTable,
    commit_file: Option<LogFile>,
    warnings: Vec<Warning>,
}

impl Snapshot {
    /// # Errors
    /// [`Error::CorruptLog`] without protocol or metadata; [`Error::UnsupportedFeature`].
    pub(crate) fn new(
        table: &Table,
        version: u64,
        timestamp: i64,
        commit_file: Option<LogFile>,
        state: State,
        warnings: Vec<Warning>,
    ) -> Result<Self> {
        let (protocol, metadata) = check_readable(table, version, state.protocol, state.metadata)?;
        let schema = Arc::new(StructType::from_json(&metadata.schema_string)?);
        let column_mapping = ColumnMapping::of(&protocol, &metadata, &schema)?;
        let Files { segments, rows } = state.files;
        let files = FileTable::new(
            DataPaths::new(table),
            schema.clone(),
            column_mapping,
            metadata.partition_columns.clone(),
            segments,
            rows,
        );
        let arrow_schema = schema.to_arrow();
        Ok(Self {
            version,
            timestamp,
            protocol,
            metadata,
            schema,
            column_mapping,
            arrow_schema,
            files,
            commit_file,
            warnings,
        })
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the version was committed, in milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// Versions and features that a client must support to read or write this version.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The table's identity and properties.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The columns, partition columns included.
    pub fn schema(&self) -> &Arc<StructType> {
        &self.schema
    }

    /// Column mapping mode: how the columns are found in data files.
    pub fn column_mapping(&self) -> ColumnMapping {
        self.column_mapping
    }

    /// The columns as rows are read into them: see [`StructType::to_arrow`].
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema.clone()
    }

    /// The columns whose values are in the log and not in the data files.
    pub fn partition_columns(&self) -> &[String] {
        &self.metadata.partition_columns
    }

    /// The data files.
    pub fn files(&self) -> &FileTable {
        &self.files
    }

    /// Faults of the log that did not keep this version from being read, in the order in which they
    /// were met; empty for a log that is whole. Worth showing with what is read from the version.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether commits carry their own time, which then counts instead of their file's.
    ///
    /// Protocol: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps)
    pub fn has_in_commit_timestamps(&self) -> bool {
        has_in_commit_timestamps(&self.protocol, &self.metadata)
    }

    /// The commit that made the version, where it is still there.
    pub(crate) fn commit_file(&self) -> Option<&LogFile> {
        self.commit_file.as_ref()
    }

    /// The version after this one, out of its commit alone: no request.
    ///
    /// `timestamp`: the time of the commit file, in milliseconds since the epoch; where the table has
    /// in-commit timestamps, the commit's own counts.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] if the commit asks of readers what this crate does not read;
    /// [`Error::CorruptLog`].
    pub fn apply(&self, table: &Table, timestamp: i64, commit: Commit) -> Result<Self> {
        let version = self.version.saturating_add(1);
        let own = commit.in_commit_timestamp();
        let state = replay(&DataPaths::new(table), self.state(), vec![commit]);
        let has_own = state.protocol.as_ref().zip(state.metadata.as_ref());
        let has_own = has_own
            .is_some_and(|(protocol, metadata)| has_in_commit_timestamps(protocol, metadata));
        let timestamp = own.filter(|_| has_own).unwrap_or(timestamp);
        Self::new(
            table,
            version,
            timestamp,
            None,
            state,
            self.warnings.clone(),
        )
    }

    /// This version with other files: to look at their partition values and statistics.
    #[must_use]
    pub fn with_files(&self, adds: Vec<Add>) -> Self {
        Self {
            version: self.version,
            timestamp: self.timestamp,
            protocol: self.protocol.clone(),
            metadata: self.metadata.clone(),
            schema: Arc::clone(&self.schema),
            column_mapping: self.column_mapping,
            arrow_schema: self.arrow_schema.clone(),
            files: self.files.of_adds(adds),
            commit_file: None,
            warnings: Vec::new(),
        }
    }

    /// Version 0 of a table, out of its commit alone.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn first(table: &Table, timestamp: i64, commit: Commit) -> Result<Self> {
        let own = commit.in_commit_timestamp();
        let state = replay(&DataPaths::new(table), State::default(), vec![commit]);
        Self::new(table, 0, own.unwrap_or(timestamp), None, state, Vec::new())
    }

    /// The state to which later commits can be applied.
    pub(crate) fn state(&self) -> State {
        let (segments, rows) = self.files.parts();
        State {
            protocol: Some(self.protocol.clone()),
            metadata: Some(self.metadata.clone()),
            files: Files {
                segments,
                rows: rows.to_vec(),
            },
            in_commit_timestamp: None,
        }
    }
}

/// Checks that protocol and metadata are both there, and that this crate supports what they ask for.
pub(crate) fn check_readable(
    table: &Table,
    version: u64,
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
) -> Result<(Protocol, Metadata)> {
    let missing = |action: &str| Error::CorruptLog {
        path: log_folder(&table.root).to_string(),
        reason: format!("up to version {version} there is no {action}"),
    };
    let protocol = protocol.ok_or_else(|| missing("protocol"))?;
    check_protocol(&protocol)?;
    let metadata = metadata.ok_or_else(|| missing("metaData"))?;
    check_metadata(&metadata)?;
    Ok((protocol, metadata))
}
