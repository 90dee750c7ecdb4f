//! The columns that a write is for, once the schemas of the table and of the source are known.

use arrow_schema::Schema;
use messages::{ColumnProblem, Error};
use sqlparser::ast::Ident;

use crate::type_names::type_name;

use crate::bind::scope::{Column, ScopeRelation};
use crate::definitions::ColumnDefinition;
use crate::errors::not_supported;
use crate::identifiers::same_identifier;
use crate::write::{AddColumns, Insert, InsertColumns, InsertTarget, Qualifier};

impl Insert {
    /// The table's name, or a new one, for each of the source's columns, in the source's order.
    ///
    /// `merge_schema`: the session evolves schemas
    /// (`spark.databricks.delta.schema.autoMerge.enabled`).
    ///
    /// # Errors
    /// `DELTA_INSERT_COLUMN_ARITY_MISMATCH`, `UNRESOLVED_COLUMN.WITH_SUGGESTION` or
    /// `DELTA_METADATA_MISMATCH` if the source's columns do not fit the table's,
    /// `COLUMN_ALREADY_EXISTS` if two go to one.
    pub fn column_names(
        &self,
        target: &Schema,
        source: &Schema,
        merge_schema: bool,
    ) -> Result<Vec<String>, Error> {
        let evolve = self.schema_evolution || merge_schema;
        let names = match &self.columns {
            InsertColumns::ByPosition => self.by_position(target, source, evolve)?,
            InsertColumns::List(names) => self.by_list(names, target, source, evolve)?,
            InsertColumns::ByName => by_name(target, source, evolve)?,
        };
        for (i, name) in names.iter().enumerate() {
            if names[..i].iter().any(|other| same_identifier(other, name)) {
                return Err(duplicate(name));
            }
        }
        Ok(names)
    }

    /// Whether the new rows replace all others: `INSERT OVERWRITE`.
    pub fn overwrites(&self) -> bool {
        match self.target {
            InsertTarget::Overwrite => true,
            InsertTarget::Append | InsertTarget::ReplaceWhere(_) => false,
        }
    }

    fn by_position(
        &self,
        target: &Schema,
        source: &Schema,
        evolve: bool,
    ) -> Result<Vec<String>, Error> {
        let (expected, given) = (target.fields().len(), source.fields().len());
        if given < expected || given > expected && !evolve {
            let much = if given < expected {
                "not enough"
            } else {
                "too many"
            };
            let names: Vec<_> = target.fields().iter().map(|f| f.name().as_str()).collect();
            return Err(Error::new(
                "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
                format!(
                    "Cannot write to '{}': {much} data columns. The table has {expected} column(s), \
                     the inserted data has {given}.",
                    self.table
                ),
            )
            .with_hint(format!(
                "The table's columns are {}. Name the ones you give, as in INSERT INTO t (a, b) …, \
                 or use INSERT INTO t BY NAME SELECT ….",
                names.join(", ")
            )));
        }
        let own = target.fields().iter().map(|field| field.name().clone());
        let new = source
            .fields()
            .iter()
            .skip(expected)
            .map(|field| field.name().clone());
        Ok(own.chain(new).collect())
    }

    fn by_list(
        &self,
        names: &[String],
        target: &Schema,
        source: &Schema,
        evolve: bool,
    ) -> Result<Vec<String>, Error> {
        if names.len() != source.fields().len() {
            return Err(Error::new(
                "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
                format!(
                    "Cannot write to '{}': the column list names {} column(s), the inserted data \
                     has {}.",
                    self.table,
                    names.len(),
                    source.fields().len()
                ),
            ));
        }
        names
            .iter()
            .map(|name| match column_spelling(target, name) {
                Some(exact) => Ok(exact),
                None if evolve => Ok(name.clone()),
                None => Err(unresolved_column_of(target, name)),
            })
            .collect()
    }
}

fn by_name(target: &Schema, source: &Schema, evolve: bool) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut problems = Vec::new();
    for field in source.fields() {
        match column_spelling(target, field.name()) {
            Some(exact) => names.push(exact),
            None if evolve => names.push(field.name().clone()),
            None => problems.push(ColumnProblem {
                column: field.name().clone(),
                expected: "not in the table".to_owned(),
                actual: type_name(field.data_type()),
            }),
        }
    }
    if problems.is_empty() {
        return Ok(names);
    }
    Err(Error::new(
        "DELTA_METADATA_MISMATCH",
        "The data has columns that the table does not have, and schema evolution is off.",
    )
    .with_hint(
        "To add them to the table write INSERT WITH SCHEMA EVOLUTION INTO …, run \
         SET spark.databricks.delta.schema.autoMerge.enabled = true first, or use \
         ALTER TABLE … ADD COLUMNS.",
    )
    .with_columns(problems))
}

impl AddColumns {
    /// The columns to add to a table that has those of `target`.
    ///
    /// # Errors
    /// `FIELD_ALREADY_EXISTS` if the table has a column of that name.
    pub fn columns(&self, target: &Schema) -> Result<&[ColumnDefinition], Error> {
        for column in &self.columns {
            if let Some(exact) = column_spelling(target, &column.name) {
                return Err(Error::new(
                    "FIELD_ALREADY_EXISTS",
                    format!(
                        "Cannot add the column `{}`: the table has `{exact}` already.",
                        column.name
                    ),
                )
                .with_hint("DESCRIBE shows the table's columns."));
            }
        }
        Ok(&self.columns)
    }
}

/// # Errors
/// Where two columns share a name.
pub(crate) fn check_unique_columns(schema: &Schema) -> Result<(), Error> {
    for (i, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        if schema.fields()[..i]
            .iter()
            .any(|other| same_identifier(other.name(), name))
        {
            return Err(duplicate(name));
        }
    }
    Ok(())
}

pub(crate) fn scope_relation(qualifier: &Qualifier, columns: Vec<Column>) -> ScopeRelation {
    ScopeRelation {
        alias: Some(qualifier.alias.clone()),
        written_name: qualifier.parts.clone(),
        columns: Some(columns),
    }
}

/// The column of `relation` that an assignment sets; `None` where there is none of that name.
pub(crate) fn assigned_column(
    relation: &ScopeRelation,
    column: &[Ident],
) -> Result<Option<String>, Error> {
    let rest = column.get(relation.qualifies(column)..).unwrap_or_default();
    let found = rest.first().and_then(|name| relation.find(&name.value));
    match rest {
        [_] => Ok(found.map(|column| column.name.clone())),
        _ if found.is_some() => Err(not_supported(
            &format!("Setting a field of a nested column, {},", dotted(column)),
            "Set the whole column: SET column = named_struct(…).",
        )),
        _ => Ok(None),
    }
}

/// # Errors
/// `DUPLICATE_ASSIGNMENT` if `column` is among those that are set already.
pub(crate) fn check_set_once(columns: &[String], column: &str) -> Result<(), Error> {
    if columns.iter().any(|other| same_identifier(other, column)) {
        return Err(Error::new(
            "DUPLICATE_ASSIGNMENT",
            format!("The column `{column}` is set twice."),
        ));
    }
    Ok(())
}

pub(crate) fn column_spelling(schema: &Schema, name: &str) -> Option<String> {
    let fields = schema.fields();
    fields
        .iter()
        .find(|field| field.name() == name)
        .or_else(|| {
            fields
                .iter()
                .find(|field| same_identifier(field.name(), name))
        })
        .map(|field| field.name().clone())
}

pub(crate) fn dotted(parts: &[Ident]) -> String {
    parts
        .iter()
        .map(|part| part.value.as_str())
        .collect::<Vec<_>>()
        .join(".")
}

fn duplicate(name: &str) -> Error {
    Error::new(
        "COLUMN_ALREADY_EXISTS",
        format!("The column `{name}` comes twice."),
    )
    .with_hint("Names compare without case. Give each column a name of its own with AS.")
}

pub(crate) fn unresolved_column_of(target: &Schema, name: &str) -> Error {
    unresolved(
        name,
        target.fields().iter().map(|field| field.name().as_str()),
    )
}

pub(crate) fn unresolved<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    Error::new(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        format!("There is no column `{name}`."),
    )
    .with_hint(format!("The columns are {}.", known.join(", ")))
}
