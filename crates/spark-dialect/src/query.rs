//! Queries, and how they name the tables that they read.

use std::fmt;

use sqlparser::ast;

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
