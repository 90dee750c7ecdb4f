//! Statements that tend to a table's files and leave its rows as they are, as plain data.

use sqlparser::ast::Expr;

/// A statement that tends to a table's files.
#[derive(Debug, Clone)]
pub enum Maintenance {
    /// `OPTIMIZE`.
    Optimize(Optimize),
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
