//! A write, from the tab to the commit proxy: `POST /api/v1/commit`.
//!
//! The request is `multipart/form-data` with a part `request` (this module's [`CommitRequest`] as
//! JSON) and, where the operation takes rows ([`OperationFacts::takes_rows`]), a part `source`: an Arrow
//! IPC stream. The answer is [`CommitOutcome`], or [`crate::Error`] with a 4xx or 5xx status.
//!
//! Expressions travel as strings in DataFusion's SQL dialect, over the columns of the table (and,
//! in a MERGE, qualified by the two aliases). They are never whole statements.
//!
//! A request is sent once: what a lost answer means is in [`crate::commit_http`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One operation on one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRequest {
    /// The table's address: `s3a://bucket/path`.
    pub table: String,
    /// The operation on it.
    pub operation: Operation,
}

/// An operation. The names follow the statements of Spark SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Operation {
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t (columns)`.
    CreateTable {
        /// What to do where the table exists.
        mode: CreateMode,
        /// The table's columns, in order.
        columns: Vec<ColumnDefinition>,
        /// Partitioning, properties and comment.
        #[serde(flatten)]
        options: TableOptions,
    },
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t AS SELECT`; the source's schema becomes the
    /// table's. Takes rows.
    CreateTableAsSelect {
        /// What to do where the table exists.
        mode: CreateMode,
        /// Partitioning, properties and comment.
        #[serde(flatten)]
        options: TableOptions,
    },
    /// `INSERT INTO`, `INSERT OVERWRITE`, `INSERT INTO … REPLACE WHERE`. Takes rows, whose column
    /// names are the table's: the sender has resolved positions and column lists. Table columns
    /// that the source lacks become null.
    Insert {
        /// Rows that the new ones replace.
        mode: InsertMode,
        /// Schema evolution: columns that only the source has are added to the table.
        merge_schema: bool,
    },
    /// `UPDATE t SET … WHERE …`.
    Update {
        /// New values.
        assignments: Vec<Assignment>,
        /// Rows to update; `None`: all.
        predicate: Option<String>,
    },
    /// `DELETE FROM t WHERE …`.
    Delete {
        /// Rows to delete; `None`: all.
        predicate: Option<String>,
    },
    /// `MERGE [WITH SCHEMA EVOLUTION] INTO t AS target USING source ON …`. Takes rows.
    Merge {
        /// Name of the table in the expressions.
        target_alias: String,
        /// Name of the rows in the expressions.
        source_alias: String,
        /// Condition that matches a row of the table with a row of the source.
        on: String,
        /// Whether columns that only the source has are added to the table.
        schema_evolution: bool,
        /// `WHEN` clauses, in order.
        clauses: Vec<MergeClause>,
    },
    /// `RESTORE TABLE t TO …`.
    Restore {
        /// Version whose files and schema the table gets.
        to: RestoreTarget,
    },
    /// `ALTER TABLE t SET TBLPROPERTIES (…)`.
    SetTableProperties {
        /// Properties to add or change, as the statement spells them.
        properties: BTreeMap<String, String>,
    },
    /// `ALTER TABLE t ADD COLUMNS (…)`.
    AddColumns {
        /// Columns to add behind those that the table has.
        columns: Vec<ColumnDefinition>,
    },
}

/// Fixed properties of an operation, in one place, so that a new operation needs one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationFacts {
    /// Name under which Spark's history shows it: `MERGE`, `CREATE TABLE AS SELECT`.
    pub spark_name: &'static str,
    /// Whether the request must have rows: a part `source`. Without it, it must have none.
    pub takes_rows: bool,
    /// Columns of the row that Spark answers, in order, all bigint; empty where it answers none.
    pub result_columns: &'static [ResultColumn],
}

/// A column of an operation's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultColumn {
    /// Spark's name: `num_affected_rows`.
    pub name: &'static str,
    /// Operation metrics of the commit whose sum it is.
    pub metrics: &'static [&'static str],
}

impl Operation {
    /// The operation's fixed properties.
    pub fn facts(&self) -> OperationFacts {
        let (spark_name, takes_rows, result_columns): (_, _, &[ResultColumn]) = match self {
            Self::CreateTable { mode, .. } => match mode {
                CreateMode::Create | CreateMode::CreateIfNotExists => ("CREATE TABLE", false, &[]),
                CreateMode::CreateOrReplace => ("CREATE OR REPLACE TABLE", false, &[]),
            },
            Self::CreateTableAsSelect { mode, .. } => match mode {
                CreateMode::Create | CreateMode::CreateIfNotExists => {
                    ("CREATE TABLE AS SELECT", true, &[])
                }
                CreateMode::CreateOrReplace => ("CREATE OR REPLACE TABLE AS SELECT", true, &[]),
            },
            Self::Insert { .. } => ("WRITE", true, &[]),
            Self::Update { .. } => ("UPDATE", false, UPDATE_COLUMNS),
            Self::Delete { .. } => ("DELETE", false, DELETE_COLUMNS),
            Self::Merge { .. } => ("MERGE", true, MERGE_COLUMNS),
            Self::Restore { .. } => ("RESTORE", false, RESTORE_COLUMNS),
            Self::SetTableProperties { .. } => ("SET TBLPROPERTIES", false, &[]),
            Self::AddColumns { .. } => ("ADD COLUMNS", false, &[]),
        };
        OperationFacts {
            spark_name,
            takes_rows,
            result_columns,
        }
    }
}

const fn sum(name: &'static str, metrics: &'static [&'static str]) -> ResultColumn {
    ResultColumn { name, metrics }
}

const UPDATE_COLUMNS: &[ResultColumn] = &[sum("num_affected_rows", &["numUpdatedRows"])];

const DELETE_COLUMNS: &[ResultColumn] = &[sum("num_affected_rows", &["numDeletedRows"])];

const MERGE_COLUMNS: &[ResultColumn] = &[
    sum(
        "num_affected_rows",
        &[
            "numTargetRowsUpdated",
            "numTargetRowsDeleted",
            "numTargetRowsInserted",
        ],
    ),
    sum("num_updated_rows", &["numTargetRowsUpdated"]),
    sum("num_deleted_rows", &["numTargetRowsDeleted"]),
    sum("num_inserted_rows", &["numTargetRowsInserted"]),
];

const RESTORE_COLUMNS: &[ResultColumn] = &[
    sum("table_size_after_restore", &["tableSizeAfterRestore"]),
    sum("num_of_files_after_restore", &["numOfFilesAfterRestore"]),
    sum("num_removed_files", &["numRemovedFiles"]),
    sum("num_restored_files", &["numRestoredFiles"]),
    sum("removed_files_size", &["removedFilesSize"]),
    sum("restored_files_size", &["restoredFilesSize"]),
];

/// Behaviour of a CREATE where the table exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateMode {
    /// Refused where the table exists.
    Create,
    /// Does nothing where the table exists.
    CreateIfNotExists,
    /// `CREATE OR REPLACE TABLE`: a new version with the new schema; the history stays.
    CreateOrReplace,
}

/// Clauses of a CREATE beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOptions {
    /// Partition columns, in order.
    #[serde(default)]
    pub partition_by: Vec<String>,
    /// Table properties, as the statement spells them.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Description of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Rows that an INSERT replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum InsertMode {
    /// None.
    Append,
    /// All.
    Overwrite {
        /// Whether the source's schema replaces the table's.
        overwrite_schema: bool,
    },
    /// Those that match a condition.
    ReplaceWhere {
        /// The condition; every source row must match it too.
        predicate: String,
    },
}

/// A column as DDL declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// The type as the Delta log writes it (`"string"`, `"decimal(10,2)"`, or an object for
    /// nested types; PROTOCOL.md, "Schema Serialization Format").
    pub data_type: serde_json::Value,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// Description of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// `column = expression`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The target's column, unqualified.
    pub column: String,
    /// The new value.
    pub expression: String,
}

/// One `WHEN` clause; their order matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeClause {
    /// Kind of rows that it is for.
    pub when: MergeWhen,
    /// `AND condition`.
    pub condition: Option<String>,
    /// What becomes of these rows.
    pub action: MergeAction,
}

/// Kind of rows that a clause of a MERGE is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeWhen {
    /// Rows of the table that match a row of the source.
    Matched,
    /// Rows of the source that match none of the table.
    NotMatched,
    /// Rows of the table that match none of the source.
    NotMatchedBySource,
}

/// Action of a clause of a MERGE. The sender has expanded `*`: assignments name each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum MergeAction {
    /// `UPDATE SET`.
    Update {
        /// New values.
        assignments: Vec<Assignment>,
    },
    /// `INSERT`; columns without an assignment become null.
    Insert {
        /// Values.
        assignments: Vec<Assignment>,
    },
    /// `DELETE`.
    Delete,
}

/// Version that a table is restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreTarget {
    /// The version of this number.
    Version(u64),
    /// The newest version at this time, in milliseconds since the epoch.
    Timestamp(i64),
}

/// Answer to a commit: the version that was made, and the row that Spark answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitOutcome {
    /// The version that was made; `None` where there was nothing to do (`IF NOT EXISTS` on a table
    /// that exists, a DELETE that matched no row).
    pub version: Option<u64>,
    /// [`OperationFacts::spark_name`].
    pub operation: String,
    /// Names and values of [`OperationFacts::result_columns`]; -1 where a value is not known.
    pub result: Vec<(String, i64)>,
    /// The commit's operation metrics, under Spark's names.
    pub metrics: BTreeMap<String, String>,
}
