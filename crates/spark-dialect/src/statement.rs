//! What a script's statements say, as plain data.
//!
//! Nothing here has been looked up: tables are names or paths, columns are as they were written. The
//! engine resolves the tables and hands their schemas back to [`Query::resolve`], [`Insert::bind`]
//! and their like.

use std::fmt;

use messages::commit::{CreateMode, Operation, TableOptions};
use sqlparser::ast;

/// One statement of a script.
#[derive(Debug, Clone)]
pub struct ParsedStatement {
    /// Its source, without the `;` and without blank space or comments around it.
    pub text: String,
    /// Where `text` starts in the script, in bytes.
    pub offset: usize,
    pub kind: StatementKind,
}

/// What a statement asks for.
#[derive(Debug, Clone)]
pub enum StatementKind {
    Query(Query),
    Explain {
        mode: ExplainMode,
        query: Query,
    },
    DescribeHistory {
        table: TableName,
        limit: Option<u64>,
    },
    DescribeDetail {
        table: TableName,
    },
    DescribeTable {
        table: TableName,
        extended: bool,
    },
    ShowTables,
    /// `key`: only this property.
    ShowTableProperties {
        table: TableName,
        key: Option<String>,
    },
    /// `CREATE [OR REPLACE] TEMPORARY VIEW name [(columns)] AS query`.
    CreateView {
        name: String,
        or_replace: bool,
        columns: Vec<String>,
        query: Query,
    },
    /// `DROP VIEW [IF EXISTS] name`.
    DropView {
        name: String,
        if_exists: bool,
    },
    /// `SET key = value`. Spark answers one row: key, value.
    SetOption {
        key: String,
        value: String,
    },
    /// `SET key`: asks for the value. Spark answers one row: key, value.
    ShowOption {
        key: String,
    },
    Write(Write),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainMode {
    Plan,
    /// `EXPLAIN EXTENDED` or `EXPLAIN VERBOSE`.
    Verbose,
    Analyze,
}

impl StatementKind {
    /// A write to a table that is there already.
    pub(crate) fn write(table: TableName, operation: WriteOperation) -> Self {
        Self::Write(Write {
            table,
            location: None,
            must_exist: false,
            operation,
        })
    }
}

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TableName {
    /// `` delta.`s3a://bucket/path` `` or `` parquet.`…` ``.
    Path { format: TableFormat, url: String },
    /// `table`, `bucket.table`; at least one part, as written (names compare without case).
    Name { parts: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    Delta,
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

/// A point in time that a statement names.
#[derive(Debug, Clone, PartialEq)]
pub enum TimestampExpr {
    /// Milliseconds since the epoch.
    Millis(i64),
    /// To be evaluated by the engine: plan [`TimestampExpr::to_statement`], take the one value.
    Expression(Box<ast::Expr>),
}

/// `VERSION AS OF` or `TIMESTAMP AS OF`.
#[derive(Debug, Clone, PartialEq)]
pub enum VersionSpec {
    Version(u64),
    Timestamp(TimestampExpr),
}

/// One relation that a query reads.
#[derive(Debug, Clone, PartialEq)]
pub struct TableReference {
    /// The table name that stands for it in [`Query::statement`]: `__lakeglass_0`, unique in the
    /// statement. Register the provider under this name.
    pub placeholder: String,
    pub relation: Relation,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// `at`: `None` for the latest version. A one-part name may also be a temporary view.
    Table {
        table: TableName,
        at: Option<VersionSpec>,
    },
    /// `table_changes('t', start [, end])`, both inclusive.
    Changes {
        table: TableName,
        start: VersionSpec,
        end: Option<VersionSpec>,
    },
    /// `table_diff('t', from, to [, 'key' …])`: as of these versions or times, in any order.
    Diff {
        table: TableName,
        from: VersionSpec,
        to: VersionSpec,
        keys: Vec<String>,
    },
}

/// A SELECT, VALUES or set operation, in DataFusion's SQL, with every table replaced by a
/// placeholder. Call [`Query::resolve`] before planning.
#[derive(Debug, Clone)]
pub struct Query {
    pub(crate) body: Box<ast::Query>,
    /// In the order of their placeholders' numbers.
    pub references: Vec<TableReference>,
    pub(crate) written_names: Vec<Vec<String>>,
}

/// A statement that changes a table.
#[derive(Debug, Clone)]
pub struct Write {
    pub table: TableName,
    /// `CREATE TABLE … LOCATION 'url'`: where the table lives, whatever its name is.
    pub location: Option<String>,
    /// `REPLACE TABLE`: to be refused where there is no table yet.
    pub must_exist: bool,
    pub operation: WriteOperation,
}

#[derive(Debug, Clone)]
pub enum WriteOperation {
    /// Needs no schema: CREATE TABLE, SET TBLPROPERTIES.
    Bound(Operation),
    CreateTableAsSelect {
        mode: CreateMode,
        options: TableOptions,
        source: Query,
    },
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge(Box<Merge>),
    Restore(VersionSpec),
    AddColumns(AddColumns),
}

/// `INSERT`; [`Insert::bind`] makes the operation.
#[derive(Debug, Clone)]
pub struct Insert {
    pub source: Query,
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
    ReplaceWhere(ast::Expr),
}

/// What [`Insert::bind`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundInsert {
    pub operation: Operation,
    /// The names to send the source's columns under, one for each, in the source's order.
    pub column_names: Vec<String>,
}

/// `UPDATE`; [`Update::bind`] makes the operation.
#[derive(Debug, Clone)]
pub struct Update {
    pub(crate) qualifier: Qualifier,
    pub(crate) assignments: Vec<RawAssignment>,
    pub(crate) predicate: Option<ast::Expr>,
}

/// `DELETE`; [`Delete::bind`] makes the operation.
#[derive(Debug, Clone)]
pub struct Delete {
    pub(crate) qualifier: Qualifier,
    pub(crate) predicate: Option<ast::Expr>,
}

/// `ALTER TABLE … ADD COLUMNS`; [`AddColumns::bind`] makes the operation.
#[derive(Debug, Clone)]
pub struct AddColumns {
    pub(crate) columns: Vec<messages::commit::ColumnDefinition>,
}

/// `MERGE`; [`Merge::bind`] makes the operation.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The rows to send; where the source was a table, a query of all its columns.
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

#[derive(Debug, Clone)]
pub(crate) struct RawMergeClause {
    pub when: messages::commit::MergeWhen,
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
