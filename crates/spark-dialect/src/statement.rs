//! The statements of a script, as plain data.
//!
//! Nothing here has been looked up: tables are names or paths, columns are as they were written. The
//! engine opens the tables and hands their schemas back to [`Query::resolve`], [`Merge::rows`] and
//! their like.

use std::collections::BTreeMap;
use std::fmt;

use sqlparser::ast;

use crate::alter::{Alter, ColumnPosition};
use crate::definitions::{ColumnDefinition, CreateMode, TableOptions};
use crate::maintenance::{DropTable, Maintenance};

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

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TableName {
    /// `` delta.`s3a://bucket/path` `` or `` parquet.`…` ``.
    Path {
        /// The format that the statement says.
        format: TableFormat,
        /// The path, as written.
        url: String,
    },
    /// `table`, `bucket.table`.
    Name {
        /// At least one part, as written; names compare without case.
        parts: Vec<String>,
    },
}

/// The format of the table at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    /// A Delta table.
    Delta,
    /// A folder of Parquet files.
    Parquet,
}

/// Spark's spelling: `` delta.`s3a://bucket/path` ``.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { format, url } => {
                let format = match format {
                    TableFormat::Delta => "delta",
                    TableFormat::Parquet => "parquet",
                };
                write!(f, "{format}.`{}`", url.replace('`', "``"))
            }
            Self::Name { parts } => {
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    let plain = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    if plain {
                        f.write_str(part)?;
                    } else {
                        write!(f, "`{}`", part.replace('`', "``"))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// A point in time, as a statement gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum TimestampExpr {
    /// Milliseconds since the epoch.
    Millis(i64),
    /// An expression without columns: plan [`TimestampExpr::to_statement`], take the one value.
    Expression(Box<ast::Expr>),
}

/// `VERSION AS OF` or `TIMESTAMP AS OF`.
#[derive(Debug, Clone, PartialEq)]
pub enum VersionSpec {
    /// A version of the table, from 0.
    Version(u64),
    /// The version that was the latest at this time.
    Timestamp(TimestampExpr),
}

/// One relation that a query reads.
#[derive(Debug, Clone, PartialEq)]
pub struct TableReference {
    /// The table name that stands for it in the resolved query: `__lakeglass_0`, unique in the
    /// statement. Register the table's provider under this name.
    pub placeholder: String,
    /// The table, and what of it is read.
    pub relation: Relation,
}

/// Rows of a table that a query reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// The rows of one version. A name of one part may also be a temporary view.
    Table {
        /// The table.
        table: TableName,
        /// The version; `None` for the latest.
        at: Option<VersionSpec>,
    },
    /// `table_changes('t', start [, end])`: the change data feed.
    Changes {
        /// The table.
        table: TableName,
        /// The first version, inclusive.
        start: VersionSpec,
        /// The last version, inclusive; `None` for the latest.
        end: Option<VersionSpec>,
    },
    /// `table_diff('t', from, to [, 'key' …])`: the rows that only one of two versions has.
    Diff {
        /// The table.
        table: TableName,
        /// The version to compare from. It may be later than `to`.
        from: VersionSpec,
        /// The version to compare to.
        to: VersionSpec,
        /// Names of the key columns, as written; empty where no rows are paired as updates.
        keys: Vec<String>,
    },
}

/// A SELECT, VALUES or set operation, in DataFusion's SQL, with every table replaced by a
/// placeholder. Call [`Query::resolve`] before planning.
#[derive(Debug, Clone)]
pub struct Query {
    pub(crate) body: Box<ast::Query>,
    /// The tables that it reads, in the order of their placeholders' numbers.
    pub references: Vec<TableReference>,
    /// For each reference without an alias: the name it was written with.
    pub(crate) written_names: Vec<Vec<String>>,
    /// Relations that nobody looks up by a name, because the engine has them at hand.
    pub(crate) given: Vec<GivenRelation>,
}

/// A relation of a query that the engine registers itself: the table that a statement changes, or the
/// rows that it takes.
#[derive(Debug, Clone)]
pub(crate) struct GivenRelation {
    /// The table name that stands for it in the resolved query.
    pub placeholder: &'static str,
    /// The name that the statement gave it, where it may qualify columns.
    pub written_name: Vec<String>,
}

/// A statement that changes a table.
#[derive(Debug, Clone)]
pub struct Write {
    /// The table to change, or to create.
    pub table: TableName,
    /// `CREATE TABLE … LOCATION 'url'`: where the table lives, whatever its name is.
    pub location: Option<String>,
    /// `REPLACE TABLE`: to be refused where there is no table yet.
    pub must_exist: bool,
    /// What is done to the table.
    pub operation: WriteOperation,
}

impl Write {
    /// Whether the statement makes a table where there may be none.
    pub fn creates_table(&self) -> bool {
        match &self.operation {
            WriteOperation::CreateTable { .. }
            | WriteOperation::CreateTableAsSelect { .. }
            | WriteOperation::Clone(_) => true,
            WriteOperation::Insert(_)
            | WriteOperation::Update(_)
            | WriteOperation::Delete(_)
            | WriteOperation::Merge(_)
            | WriteOperation::Restore(_)
            | WriteOperation::SetTableProperties(_)
            | WriteOperation::AddColumns(_)
            | WriteOperation::Alter(_)
            | WriteOperation::Maintain(_) => false,
        }
    }

    /// Whether the statement has done all that it does once it has made its commit.
    pub fn is_done_by_a_commit(&self) -> bool {
        !matches!(
            self.operation,
            WriteOperation::Maintain(Maintenance::Vacuum(_) | Maintenance::Drop(_))
        )
    }

    /// Whether the statement only tells what it would do.
    pub fn is_dry_run(&self) -> bool {
        match &self.operation {
            WriteOperation::Maintain(Maintenance::Vacuum(vacuum)) => vacuum.dry_run,
            WriteOperation::Maintain(Maintenance::Optimize(_) | Maintenance::Drop(_))
            | WriteOperation::CreateTable { .. }
            | WriteOperation::CreateTableAsSelect { .. }
            | WriteOperation::Insert(_)
            | WriteOperation::Update(_)
            | WriteOperation::Delete(_)
            | WriteOperation::Merge(_)
            | WriteOperation::Restore(_)
            | WriteOperation::SetTableProperties(_)
            | WriteOperation::AddColumns(_)
            | WriteOperation::Clone(_)
            | WriteOperation::Alter(_) => false,
        }
    }

    /// What a `DROP TABLE` says; `None` for other statements.
    pub fn dropped_table(&self) -> Option<DropTable> {
        match &self.operation {
            WriteOperation::Maintain(Maintenance::Drop(dropped)) => Some(*dropped),
            WriteOperation::Maintain(Maintenance::Optimize(_) | Maintenance::Vacuum(_))
            | WriteOperation::CreateTable { .. }
            | WriteOperation::SetTableProperties(_)
            | WriteOperation::CreateTableAsSelect { .. }
            | WriteOperation::Insert(_)
            | WriteOperation::Update(_)
            | WriteOperation::Delete(_)
            | WriteOperation::Merge(_)
            | WriteOperation::Restore(_)
            | WriteOperation::AddColumns(_)
            | WriteOperation::Clone(_)
            | WriteOperation::Alter(_) => None,
        }
    }
}

/// A change of a table, as far as it is known before the table's schema is.
#[derive(Debug, Clone)]
pub enum WriteOperation {
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t (columns)`.
    CreateTable {
        /// What happens if there is a table already.
        mode: CreateMode,
        /// The table's columns, in order; at least one, of names that differ.
        columns: Vec<ColumnDefinition>,
        /// Partitioning, properties and comment of the new table. It is partitioned by some of its
        /// columns, not by all.
        options: TableOptions,
    },
    /// `CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t AS SELECT …`.
    CreateTableAsSelect {
        /// What happens if there is a table already.
        mode: CreateMode,
        /// Partitioning, properties and comment of the new table. Whether the query has the columns
        /// that it is partitioned by is not known yet.
        options: TableOptions,
        /// The query whose rows and columns the table gets.
        source: Query,
    },
    /// `INSERT`.
    Insert(Insert),
    /// `UPDATE`.
    Update(Update),
    /// `DELETE`.
    Delete(Delete),
    /// `MERGE`.
    Merge(Box<Merge>),
    /// `RESTORE` to a version.
    Restore(VersionSpec),
    /// `ALTER TABLE … SET TBLPROPERTIES`: at least one, names as the protocol spells them.
    SetTableProperties(BTreeMap<String, String>),
    /// `ALTER TABLE … ADD COLUMNS`.
    AddColumns(AddColumns),
    /// `CREATE TABLE … SHALLOW CLONE`.
    Clone(CloneTable),
    /// Another `ALTER TABLE`.
    Alter(Alter),
    /// A statement that tends to the table's files.
    Maintain(Maintenance),
}

/// `CREATE TABLE table SHALLOW CLONE source [VERSION AS OF n]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CloneTable {
    /// What happens if there is a table already.
    pub mode: CreateMode,
    /// The table whose files the new one gets.
    pub source: TableName,
    /// The version of it; `None` for the latest.
    pub at: Option<VersionSpec>,
    /// Properties that the new table has beside those of the source, or in their place.
    pub properties: BTreeMap<String, String>,
}

/// `INSERT`; [`Insert::column_names`] says which columns its rows are for.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The rows to insert.
    pub source: Query,
    /// The source as it was written, where some of its values are DEFAULT: `source` has NULL there.
    pub(crate) defaulted: Option<Box<ast::Query>>,
    pub(crate) columns: InsertColumns,
    pub(crate) target: InsertTarget,
    /// `INSERT WITH SCHEMA EVOLUTION`. The session's autoMerge is the engine's to add.
    pub schema_evolution: bool,
    pub(crate) table: TableName,
}

#[derive(Debug, Clone)]
pub(crate) enum InsertColumns {
    ByPosition,
    List(Vec<String>),
    ByName,
}

#[derive(Debug, Clone)]
pub(crate) enum InsertTarget {
    Append,
    Overwrite,
    ReplaceWhere(Box<ast::Expr>),
}

/// `UPDATE`; [`Update::rows`] says what it does to which rows.
#[derive(Debug, Clone)]
pub struct Update {
    pub(crate) qualifier: Qualifier,
    pub(crate) assignments: Vec<RawAssignment>,
    pub(crate) predicate: Option<ast::Expr>,
}

/// `DELETE`; [`Delete::rows`] says which rows.
#[derive(Debug, Clone)]
pub struct Delete {
    pub(crate) qualifier: Qualifier,
    pub(crate) predicate: Option<ast::Expr>,
}

/// `ALTER TABLE … ADD COLUMNS`; [`AddColumns::columns`] checks them against the table's.
#[derive(Debug, Clone)]
pub struct AddColumns {
    pub(crate) columns: Vec<ColumnDefinition>,
    /// Where each goes; `None`: behind those that the table has.
    pub positions: Vec<Option<ColumnPosition>>,
}

/// `MERGE`; [`Merge::rows`] says what it does to which rows.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The rows to merge; where the source was a table, a query of all its columns.
    pub source: Query,
    /// `MERGE WITH SCHEMA EVOLUTION`. The session's autoMerge is the engine's to add.
    pub schema_evolution: bool,
    pub(crate) table: TableName,
    pub(crate) target: Qualifier,
    pub(crate) source_qualifier: Qualifier,
    pub(crate) on: ast::Expr,
    pub(crate) clauses: Vec<RawMergeClause>,
}

/// The names under which an expression may qualify a relation's columns.
#[derive(Debug, Clone)]
pub(crate) struct Qualifier {
    /// The alias, or the last part of the table's name.
    pub alias: String,
    /// The table's own name, where no alias hides it.
    pub parts: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct RawAssignment {
    pub column: Vec<ast::Ident>,
    pub expression: ast::Expr,
}

/// Kind of rows that a clause of a MERGE is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeWhen {
    /// Rows of the table that match a row of the source.
    Matched,
    /// Rows of the source that match none of the table.
    NotMatched,
    /// Rows of the table that match none of the source.
    NotMatchedBySource,
}

#[derive(Debug, Clone)]
pub(crate) struct RawMergeClause {
    pub when: MergeWhen,
    pub condition: Option<ast::Expr>,
    pub action: RawMergeAction,
}

#[derive(Debug, Clone)]
pub(crate) enum RawMergeAction {
    Update(Vec<RawAssignment>),
    UpdateAll,
    Insert {
        columns: Vec<Vec<ast::Ident>>,
        values: Vec<ast::Expr>,
    },
    InsertAll,
    Delete,
}
