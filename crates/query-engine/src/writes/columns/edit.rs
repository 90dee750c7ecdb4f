//! Columns, and fields of struct columns, found by the path that a statement gives, and changed.

use delta_log::Snapshot;
use delta_log::schema::{DataType, StructField, StructType};
use messages::Error;

/// A column, or a field within one.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Its path in the table's spelling.
    pub path: Vec<String>,
    positions: Vec<usize>,
    pub field: StructField,
}

impl Place {
    /// The field at a path; names compare without case. `None` where there is none.
    pub fn find(schema: &StructType, path: &[String]) -> Option<Self> {
        let mut fields = schema.fields();
        let mut place: Option<Self> = None;
        for name in path {
            let lower = name.to_lowercase();
            let position = fields.iter().position(|f| f.name.to_lowercase() == lower)?;
            let field = fields.get(position)?;
            let (mut names, mut positions) =
                place.map_or_else(Default::default, |place| (place.path, place.positions));
            names.push(field.name.clone());
            positions.push(position);
            fields = match &field.data_type {
                DataType::Struct(inner) => inner.fields(),
                _ => &[],
            };
            place = Some(Self {
                path: names,
                positions,
                field: field.clone(),
            });
        }
        place
    }

    /// The same, of a table.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    pub fn of(snapshot: &Snapshot, path: &[String]) -> Result<Self, Error> {
        Self::find(snapshot.schema(), path).ok_or_else(|| {
            let names = snapshot.schema().fields().iter();
            let names: Vec<String> = names.map(|field| format!("`{}`", field.name)).collect();
            let message = format!("There is no column {}.", path.join("."));
            Error::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", message)
                .with_hint(format!("The columns are {}.", names.join(", ")))
        })
    }

    /// Whether it is a column of its own.
    pub fn is_column(&self) -> bool {
        self.positions.len() == 1
    }

    /// The column that it is, or is in.
    pub fn column(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// Its path, as Spark SQL names it: `` a.`b c` ``.
    pub fn name(&self) -> String {
        let quoted = self.path.iter().map(|part| {
            let is_plain = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match is_plain && !part.is_empty() {
                true => part.clone(),
                false => format!("`{}`", part.replace('`', "``")),
            }
        });
        quoted.collect::<Vec<_>>().join(".")
    }

    /// The fields beside it, itself included.
    pub fn siblings(&self, schema: &StructType) -> Vec<StructField> {
        let mut siblings = Vec::new();
        edited(schema.fields(), &self.positions, &mut |fields, _| {
            siblings = fields.clone();
        });
        siblings
    }

    /// The schema after a change of the fields beside it; the change is told its position among them.
    pub fn edit(
        &self,
        schema: &StructType,
        mut change: impl FnMut(&mut Vec<StructField>, usize),
    ) -> StructType {
        StructType::new(edited(schema.fields(), &self.positions, &mut change))
    }
}

fn edited(
    fields: &[StructField],
    positions: &[usize],
    change: &mut dyn FnMut(&mut Vec<StructField>, usize),
) -> Vec<StructField> {
    let mut fields = fields.to_vec();
    match positions {
        [] => {}
        [last] => change(&mut fields, *last),
        [first, rest @ ..] => {
            if let Some(field) = fields.get_mut(*first)
                && let DataType::Struct(inner) = &field.data_type
            {
                let inner = edited(inner.fields(), rest, change);
                field.data_type = DataType::Struct(StructType::new(inner));
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, data_type: DataType) -> StructField {
        StructField::new(name, data_type, true)
    }

    fn names(schema: &StructType) -> String {
        let names = schema.fields().iter().map(|field| match &field.data_type {
            DataType::Struct(inner) => format!("{}({})", field.name, names(inner)),
            _ => field.name.clone(),
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fields_are_found_at_any_depth_and_changed_where_they_are() {
        let inner = StructType::new(vec![
            field("B c", DataType::Long),
            field("d", DataType::Long),
        ]);
        let schema = StructType::new(vec![
            field("x", DataType::Long),
            field("a", DataType::Struct(inner)),
        ]);
        let path = ["A", "b C"].map(str::to_owned);
        let place = Place::find(&schema, &path).unwrap();
        assert_eq!(
            (place.name().as_str(), place.column(), place.is_column()),
            ("a.`B c`", "a", false)
        );
        let renamed = place.edit(&schema, |fields, at| fields[at].name = "e".to_owned());
        assert_eq!(names(&renamed), "x a(e d)");
        let dropped = place.edit(&schema, |fields, at| drop(fields.remove(at)));
        assert_eq!(names(&dropped), "x a(d)");
        assert_eq!(place.siblings(&schema).len(), 2);
        for path in [&["y"][..], &["a", "y"], &["x", "y"], &[]] {
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            assert!(Place::find(&schema, &path).is_none(), "{path:?}");
        }
    }
}
