//! What `ALTER TABLE` changes, beside adding columns and setting properties, as plain data. Names are as
//! they were written.

use serde_json::Value;

/// A change of a table's columns, constraints or properties.
#[derive(Debug, Clone, PartialEq)]
pub enum Alter {
    /// `UNSET TBLPROPERTIES [IF EXISTS] (keys)`.
    UnsetProperties {
        /// Names of the properties.
        keys: Vec<String>,
        /// Whether it is no error if one is not set.
        if_exists: bool,
    },
    /// `ADD CONSTRAINT name CHECK (condition)`.
    AddConstraint {
        /// The constraint's name.
        name: String,
        /// The condition: Spark SQL, as it was written.
        condition: String,
    },
    /// `DROP CONSTRAINT [IF EXISTS] name`.
    DropConstraint {
        /// The constraint's name.
        name: String,
        /// Whether it is no error if there is no such constraint.
        if_exists: bool,
    },
    /// `RENAME COLUMN column TO name`.
    RenameColumn {
        /// The path to the column, or to a field of a struct.
        column: Vec<String>,
        /// The new name, of one part.
        to: String,
    },
    /// `DROP COLUMNS [IF EXISTS] (columns)`.
    DropColumns {
        /// The paths to the columns, or to fields of structs.
        columns: Vec<Vec<String>>,
        /// Whether it is no error if there is no such column.
        if_exists: bool,
    },
    /// `ALTER COLUMN column …`.
    ChangeColumn {
        /// The path to the column, or to a field of a struct.
        column: Vec<String>,
        /// What becomes of it.
        change: ColumnChange,
    },
}

/// A change of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnChange {
    /// `SET NOT NULL`.
    SetNotNull,
    /// `DROP NOT NULL`.
    DropNotNull,
    /// `COMMENT 'text'`.
    Comment(String),
    /// `FIRST`, `AFTER column`.
    Move(ColumnPosition),
    /// `TYPE type`: as the Delta log writes it.
    Type(Value),
    /// `SET DEFAULT expression`: Spark SQL, as it was written.
    SetDefault(String),
    /// `DROP DEFAULT`.
    DropDefault,
}

/// A column's place among those beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnPosition {
    /// `FIRST`.
    First,
    /// `AFTER column`.
    After(String),
}
