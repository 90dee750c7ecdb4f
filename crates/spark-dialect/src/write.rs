//! Statements that write.

use std::collections::BTreeMap;

use sqlparser::ast;

use crate::alter::{Alter, ColumnPosition};
use crate::definitions::{ColumnDefinition, CreateMode, TableOptions};
use crate::maintenance::{DropTable, Maintenance};
use crate::query::{Query, TableName, VersionSpec};

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
