//! The statements of a script, as plain data.
//!
//! Nothing here has been looked up: tables are names or paths, columns are as they were written. The
//! engine opens the tables and hands their schemas back to [`Query::resolve`],
//! [`Merge::rows`](crate::Merge::rows) and their like.

use crate::query::{Query, TableName};
use crate::write::{Write, WriteOperation};

/// One statement of a script.
#[derive(Debug, Clone)]
pub struct ParsedStatement {
    /// Its source, without the `;` and without blank space or comments around it.
    pub text: String,
    /// Where `text` starts in the script, in bytes.
    pub offset: usize,
    /// The statement itself.
    pub kind: StatementKind,
}

/// A statement, by its kind.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// SELECT, VALUES, TABLE, or a set operation, with or without WITH.
    Query(Query),
    /// `EXPLAIN [mode] query`.
    Explain {
        /// The form of the plan.
        mode: ExplainMode,
        /// The query to plan.
        query: Query,
    },
    /// `DESCRIBE HISTORY table [LIMIT n]`.
    DescribeHistory {
        /// The table.
        table: TableName,
        /// At most this many versions, the newest first; `None` for all.
        limit: Option<u64>,
    },
    /// `DESCRIBE DETAIL table`.
    DescribeDetail {
        /// The table.
        table: TableName,
    },
    /// `DESCRIBE [EXTENDED] table`.
    DescribeTable {
        /// The table.
        table: TableName,
        /// EXTENDED or FORMATTED: rows about the table follow those of its columns.
        extended: bool,
    },
    /// `SHOW TABLES`.
    ShowTables,
    /// `SHOW CREATE TABLE table`.
    ShowCreateTable {
        /// The table.
        table: TableName,
    },
    /// `SHOW TBLPROPERTIES table [(key)]`.
    ShowTableProperties {
        /// The table.
        table: TableName,
        /// The one property to show; `None` for all.
        key: Option<String>,
    },
    /// `CREATE [OR REPLACE] TEMPORARY VIEW name [(columns)] AS query`.
    CreateView {
        /// The view's name, of one part.
        name: String,
        /// Whether a view of this name is replaced.
        or_replace: bool,
        /// Names for the query's columns; empty where the view declares none.
        columns: Vec<String>,
        /// The query that the view stands for.
        query: Query,
    },
    /// `DROP VIEW [IF EXISTS] name`.
    DropView {
        /// The view's name, of one part.
        name: String,
        /// Whether it is no error if there is no such view.
        if_exists: bool,
    },
    /// `SET key = value`. Spark answers one row: key, value.
    SetOption {
        /// The option's name, in the case it was written in.
        key: String,
        /// The value, without quotes around it.
        value: String,
    },
    /// `SET key`: asks for the value. Spark answers one row: key, value.
    ShowOption {
        /// The option's name, in the case it was written in.
        key: String,
    },
    /// A statement that changes a table.
    Write(Box<Write>),
}

/// The form in which EXPLAIN shows a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainMode {
    /// The physical plan. `FORMATTED`, `COST` and `CODEGEN` are read as this.
    Plan,
    /// `EXPLAIN EXTENDED` or `EXPLAIN VERBOSE`.
    Verbose,
    /// `EXPLAIN ANALYZE`: the query runs, and the plan comes with what each operator took.
    Analyze,
}

impl StatementKind {
    /// A write to a table that is there already.
    pub(crate) fn write(table: TableName, operation: WriteOperation) -> Self {
        Self::Write(Box::new(Write {
            table,
            location: None,
            must_exist: false,
            operation,
        }))
    }
}
