//! Whether rows of one version of a table fit the schema of another.

use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::{DataType, StructField, StructType};

/// Whether rows that were written under one schema can be read under another. A column may not have
/// been dropped in between, not even if another took its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SchemaCompatibility {
    pub before: ColumnMapping,
    pub after: ColumnMapping,
    /// Whether columns may have been renamed, and types widened: Spark's change feed permits neither.
    pub evolution: bool,
}

impl SchemaCompatibility {
    /// Description of the first column that does not fit; `None` if all columns fit.
    pub(crate) fn incompatibility(self, before: &StructType, after: &StructType) -> Option<String> {
        before.fields().iter().find_map(|old| {
            let of_its_name = after.field(&old.name);
            let new = match self.evolution {
                true => self.successor(old, after),
                false => of_its_name.filter(|new| self.is_same(old, new)),
            };
            let Some(new) = new else {
                let what = of_its_name.map_or("gone", |_| "another one now");
                return Some(format!("column {} is {what}", old.name));
            };
            (!self.is_compatible(&old.data_type, &new.data_type)).then(|| {
                let (old_type, new_type) = (&old.data_type, &new.data_type);
                format!("column {} was {old_type}, and is {new_type}", old.name)
            })
        })
    }

    /// The column of `after` with the same physical name, however it is called there.
    pub(crate) fn successor<'a>(
        self,
        old: &StructField,
        after: &'a StructType,
    ) -> Option<&'a StructField> {
        after.fields().iter().find(|new| self.is_same(old, new))
    }

    fn is_same(self, old: &StructField, new: &StructField) -> bool {
        self.before.physical_name(old) == self.after.physical_name(new)
    }

    fn is_compatible(self, before: &DataType, after: &DataType) -> bool {
        use DataType::{Array, Map, Struct, Void};
        match (before, after) {
            (Void, _) => true,
            (Struct(before), Struct(after)) => self.incompatibility(before, after).is_none(),
            (Array { element: old, .. }, Array { element: new, .. }) => {
                self.is_compatible(old, new)
            }
            (
                Map {
                    key: old_key,
                    value: old_value,
                    ..
                },
                Map {
                    key: new_key,
                    value: new_value,
                    ..
                },
            ) => self.is_compatible(old_key, new_key) && self.is_compatible(old_value, new_value),
            _ => before == after || (self.evolution && widens(before, after)),
        }
    }
}

/// Whether a column may change from one type to the other, and keep its files.
///
/// Protocol: [Type Widening](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#type-widening)
pub fn widens(before: &DataType, after: &DataType) -> bool {
    use DataType::{Byte, Date, Decimal, Double, Float, Integer, Long, Short, TimestampNtz};
    match (before, after) {
        (Byte, Short | Integer | Long | Double)
        | (Short, Integer | Long | Double)
        | (Integer, Long | Double)
        | (Float, Double)
        | (Date, TimestampNtz) => true,
        (_, Decimal { precision, scale }) => {
            let (old_precision, old_scale) = match before {
                Byte | Short | Integer => (10, 0),
                Long => (20, 0),
                Decimal { precision, scale } => (*precision, *scale),
                _ => return false,
            };
            let more_digits = i16::from(*precision).saturating_sub(i16::from(old_precision));
            let more_scale = i16::from(*scale).saturating_sub(i16::from(old_scale));
            more_digits >= more_scale && more_scale >= 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_widen_as_the_protocol_lists_them() {
        let decimal = |precision, scale| DataType::Decimal { precision, scale };
        for (before, after, expected) in [
            (DataType::Byte, DataType::Double, true),
            (DataType::Long, DataType::Double, false),
            (DataType::Long, DataType::Integer, false),
            (DataType::Date, DataType::TimestampNtz, true),
            (DataType::Date, DataType::Timestamp, false),
            (decimal(5, 2), decimal(7, 4), true),
            (decimal(5, 2), decimal(6, 4), false),
            (decimal(5, 2), decimal(5, 1), false),
            (DataType::Integer, decimal(10, 0), true),
            (DataType::Long, decimal(19, 0), false),
            (DataType::String, decimal(38, 0), false),
        ] {
            assert_eq!(widens(&before, &after), expected, "{before} to {after}");
        }
    }
}
