//! Places of columns among those beside them.

use std::fmt;

use delta_log::schema::StructField;
use messages::Error;
use spark_dialect::ColumnPosition;

/// A column's new place, beside columns that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    First,
    After(String),
}

impl Position {
    /// The place of a column among its `siblings`, which it is none of.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    pub fn among(
        siblings: &[StructField],
        column: &str,
        to: &ColumnPosition,
    ) -> Result<Self, Error> {
        let other = match to {
            ColumnPosition::First => return Ok(Self::First),
            ColumnPosition::After(other) => other,
        };
        let lower = other.to_lowercase();
        match siblings
            .iter()
            .find(|field| field.name.to_lowercase() == lower)
        {
            Some(field) => Ok(Self::After(field.name.clone())),
            None => {
                let names: Vec<&str> = siblings.iter().map(|field| field.name.as_str()).collect();
                let message = format!("There is no other column {other} beside {column}.");
                Err(Error::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", message)
                    .with_hint(format!("There are {}.", names.join(", "))))
            }
        }
    }

    /// Moves the column at `at` to its place.
    pub fn apply(&self, fields: &mut Vec<StructField>, at: usize) {
        if at >= fields.len() {
            return;
        }
        let field = fields.remove(at);
        let to = match self {
            Self::First => 0,
            Self::After(other) => {
                let found = fields.iter().position(|field| field.name == *other);
                found.map_or(at, |found| found.saturating_add(1))
            }
        };
        fields.insert(to.min(fields.len()), field);
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("FIRST"),
            Self::After(other) => write!(f, "AFTER {other}"),
        }
    }
}
