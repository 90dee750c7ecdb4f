//! The relations that a name can refer to. Names compare without case, and keep theirs.

use arrow_schema::{DataType, Schema};
use messages::Error;
use sqlparser::ast::{Ident, ObjectName};

use crate::identifiers::same_identifier;

/// The parts of `name.*`, as of a column's name.
pub(crate) fn parts_of_wildcard(name: &ObjectName) -> Vec<Ident> {
    let idents = name.0.iter().filter_map(|part| part.as_ident());
    idents.cloned().chain([Ident::new("*")]).collect()
}

/// A relation in FROM, or the target or source of a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScopeRelation {
    pub alias: Option<String>,
    /// The name it was written with, which may qualify columns too.
    pub written_name: Vec<String>,
    /// `None`: not known before planning.
    pub columns: Option<Vec<Column>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub name: String,
    pub data_type: Option<DataType>,
    /// A query shows several columns of this name: it can be shown, but not referred to.
    pub repeated: bool,
}

impl Column {
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_type: None,
            repeated: false,
        }
    }
}

/// The columns of a schema.
pub(crate) fn columns(schema: &Schema) -> Vec<Column> {
    let column = |field: &arrow_schema::FieldRef| Column {
        name: field.name().clone(),
        data_type: Some(field.data_type().clone()),
        repeated: false,
    };
    schema.fields().iter().map(column).collect()
}

impl ScopeRelation {
    /// How many parts of a compound name are this relation's name; 0 where it is not meant.
    pub fn qualifies(&self, parts: &[Ident]) -> usize {
        if let (Some(alias), Some(first)) = (&self.alias, parts.first())
            && parts.len() > 1
            && same_identifier(alias, &first.value)
        {
            return 1;
        }
        let n = self.written_name.len();
        if n > 0
            && parts.len() > n
            && self
                .written_name
                .iter()
                .zip(parts)
                .all(|(name, part)| same_identifier(name, &part.value))
        {
            return n;
        }
        0
    }

    pub fn find(&self, name: &str) -> Option<&Column> {
        let columns = self.columns.as_ref()?;
        columns
            .iter()
            .find(|column| column.name == name)
            .or_else(|| {
                columns
                    .iter()
                    .find(|column| same_identifier(&column.name, name))
            })
    }
}

/// Finds an unqualified column among relations. `Ok(None)`: none has it, or their columns are not
/// known.
pub(crate) fn find_unqualified<'a>(
    relations: &'a [ScopeRelation],
    name: &str,
) -> Result<Option<&'a Column>, Error> {
    let found: Vec<_> = relations
        .iter()
        .filter_map(|relation| relation.find(name).map(|column| (relation, column)))
        .collect();
    let Some((_, first)) = found.first() else {
        return Ok(None);
    };
    if found.iter().any(|(_, column)| column.repeated) {
        return Err(ambiguous(
            name,
            "one of several columns of that name in a subquery",
        ));
    }
    // Where all spell it alike, DataFusion decides: in a JOIN … USING it is one column.
    if found.iter().any(|(_, column)| column.name != first.name) {
        let candidates: Vec<_> = found
            .iter()
            .map(|(relation, column)| match &relation.alias {
                Some(alias) => format!("`{alias}`.`{}`", column.name),
                None => format!("`{}`", column.name),
            })
            .collect();
        return Err(ambiguous(name, &candidates.join(", ")));
    }
    Ok(Some(first))
}

pub(crate) fn ambiguous(name: &str, candidates: &str) -> Error {
    Error::new(
        "AMBIGUOUS_REFERENCE",
        format!("`{name}` is ambiguous: it could be {candidates}."),
    )
    .with_hint("Say which one by its table's name or alias.")
}

/// Spells the fields of a nested column as its type does.
pub(crate) fn fix_fields(mut data_type: Option<&DataType>, fields: &mut [Ident]) {
    for field in fields {
        let Some(DataType::Struct(known)) = data_type else {
            return;
        };
        let found = known
            .iter()
            .find(|known| *known.name() == field.value)
            .or_else(|| {
                known
                    .iter()
                    .find(|known| same_identifier(known.name(), &field.value))
            });
        let Some(found) = found else { return };
        field.value.clone_from(found.name());
        data_type = Some(found.data_type());
    }
}

/// A name of one part.
pub(crate) fn single_ident(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
}
