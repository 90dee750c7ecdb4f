//! A write, from the tab to the commit proxy: `POST /api/v1/commit`.
//!
//! The request is `multipart/form-data` with a part `request` (this module's [`CommitRequest`] as
//! JSON) and, where the operation takes rows ([`Operation::takes_rows`]), a part `source`: an Arrow
//! IPC stream. The answer is [`CommitOutcome`], or [`crate::Error`] with a 4xx or 5xx status.
//!
//! Expressions travel as strings in DataFusion's SQL dialect, over the columns of the table (and,
//! in a MERGE, qualified by the two aliases). They are never whole statements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One operation on one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRequest {
    /// The table's location: `s3a://bucket/path`.
    pub table: String,
    pub operation: Operation,
}

/// What to do. The names follow the statements of Spark SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Operation {
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t (columns)`.
    CreateTable {
        mode: CreateMode,
        columns: Vec<ColumnDefinition>,
        #[serde(flatten)]
        options: TableOptions,
    },
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t AS SELECT`; the source's schema becomes the
    /// table's. Takes rows.
    CreateTableAsSelect {
        mode: CreateMode,
        #[serde(flatten)]
        options: TableOptions,
    },
    /// `INSERT INTO`, `INSERT OVERWRITE`, `INSERT INTO … REPLACE WHERE`. Takes rows, whose column
    /// names are the table's: who sends them has resolved positions and column lists. Table columns
    /// that the source lacks become null.
    Insert {
        mode: InsertMode,
        /// Schema evolution: columns that only the source has are added to the table.
        merge_schema: bool,
    },
    /// `UPDATE t SET … WHERE …`.
    Update {
        assignments: Vec<Assignment>,
        predicate: Option<String>,
    },
    /// `DELETE FROM t WHERE …`.
    Delete { predicate: Option<String> },
    /// `MERGE [WITH SCHEMA EVOLUTION] INTO t AS target USING source ON …`. Takes rows.
    Merge {
        target_alias: String,
        source_alias: String,
        on: String,
        schema_evolution: bool,
        clauses: Vec<MergeClause>,
    },
    /// `RESTORE TABLE t TO …`.
    Restore { to: RestoreTarget },
    /// `ALTER TABLE t SET TBLPROPERTIES (…)`.
    SetTableProperties {
        properties: BTreeMap<String, String>,
    },
    /// `ALTER TABLE t ADD COLUMNS (…)`.
    AddColumns { columns: Vec<ColumnDefinition> },
}

impl Operation {
    /// Whether the request must have a part `source`.
    pub fn takes_rows(&self) -> bool {
        matches!(
            self,
            Self::CreateTableAsSelect { .. } | Self::Insert { .. } | Self::Merge { .. }
        )
    }
}

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

/// What a CREATE may say beside the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOptions {
    #[serde(default)]
    pub partition_by: Vec<String>,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum InsertMode {
    Append,
    /// Replaces all rows. `overwrite_schema`: the source's schema replaces the table's.
    Overwrite {
        overwrite_schema: bool,
    },
    /// Replaces the rows that match `predicate`; every source row must match it too.
    ReplaceWhere {
        predicate: String,
    },
}

/// A column as DDL declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDefinition {
    pub name: String,
    /// The type as the Delta log writes it (`"string"`, `"decimal(10,2)"`, or an object for
    /// nested types; PROTOCOL.md, "Schema Serialization Format").
    pub data_type: serde_json::Value,
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// `column = expression`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The target's column, unqualified.
    pub column: String,
    pub expression: String,
}

/// One `WHEN` clause; their order matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeClause {
    pub when: MergeWhen,
    /// `AND condition`.
    pub condition: Option<String>,
    pub action: MergeAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeWhen {
    Matched,
    NotMatched,
    NotMatchedBySource,
}

/// `*` has been expanded by who sends it: assignments name each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum MergeAction {
    Update { assignments: Vec<Assignment> },
    Insert { assignments: Vec<Assignment> },
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreTarget {
    Version(u64),
    /// Milliseconds since the epoch.
    Timestamp(i64),
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitOutcome {
    /// The version that was made; `None` where there was nothing to do (`IF NOT EXISTS` on a table
    /// that exists, a DELETE that matched no row).
    pub version: Option<u64>,
    /// As in the history: `MERGE`, `CREATE OR REPLACE TABLE AS SELECT`.
    pub operation: String,
    /// The row that Spark answers, in its order, all bigint: `num_affected_rows` of a DELETE, the
    /// six columns of RESTORE. Empty where Spark answers no row.
    pub result: Vec<(String, i64)>,
    /// The commit's operation metrics, under Spark's names.
    pub metrics: BTreeMap<String, String>,
}
