//! What a statement declares of a table: its columns, its options, what becomes of one that is there.

use std::collections::BTreeMap;

/// Behaviour of a CREATE where the table exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateMode {
    /// Refused where the table exists.
    Create,
    /// Does nothing where the table exists.
    CreateIfNotExists,
    /// `CREATE OR REPLACE TABLE`: a new version with the new schema; the history stays.
    CreateOrReplace,
}

/// Clauses of a CREATE beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Partition columns, in order.
    pub partition_by: Vec<String>,
    /// Table properties, as the statement spells them.
    pub properties: BTreeMap<String, String>,
    /// Description of the table.
    pub comment: Option<String>,
}

/// A column as DDL declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// The type as the Delta log writes it (`"string"`, `"decimal(10,2)"`, or an object for
    /// nested types; PROTOCOL.md, "Schema Serialization Format").
    pub data_type: serde_json::Value,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// Description of the column.
    pub comment: Option<String>,
    /// Its value in a new row of which the statement says nothing.
    pub unsaid: UnsaidValue,
}

/// Value of a column that a statement which adds rows says nothing of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsaidValue {
    /// NULL.
    Null,
    /// `DEFAULT expression`: Spark SQL, as it was written.
    Default(String),
    /// `GENERATED ALWAYS AS (expression)`: Spark SQL, as it was written.
    Generated(String),
    /// `GENERATED … AS IDENTITY`.
    Identity(IdentityDefinition),
}

/// Numbers that writers give the rows of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityDefinition {
    /// The first one.
    pub start: i64,
    /// From one to the next, not 0.
    pub step: i64,
    /// `BY DEFAULT`: statements may give others.
    pub allow_explicit_insert: bool,
}
