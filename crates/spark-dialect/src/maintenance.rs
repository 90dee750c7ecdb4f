//! Statements that tend to a table's files and leave its rows as they are, as plain data.

use sqlparser::ast::Expr;

/// A statement that tends to a table's files.
#[derive(Debug, Clone)]
pub enum Maintenance {
    /// `OPTIMIZE`.
    Optimize(Box<Optimize>),
    /// `DROP TABLE`.
    Drop(DropTable),
    /// `VACUUM`.
    Vacuum(Vacuum),
}

/// `OPTIMIZE table [WHERE partitions] [ZORDER BY (columns)]`.
#[derive(Debug, Clone)]
pub struct Optimize {
    /// The last part of the table's name, which may qualify columns.
    pub(crate) table: String,
    pub(crate) partitions: Option<Expr>,
    /// The columns of ZORDER BY, as written, each as the path to it; empty without it.
    pub zorder_by: Vec<Vec<String>>,
}

/// `DROP TABLE [IF EXISTS] table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropTable {
    /// Whether it is no error if there is no such table.
    pub if_exists: bool,
}

/// `VACUUM table [RETAIN n HOURS] [DRY RUN]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacuum {
    /// Time for which files stay that the table no longer has, in milliseconds; `None`: as long as the
    /// table says.
    pub retain: Option<i64>,
    /// Only tell which files would go.
    pub dry_run: bool,
}
