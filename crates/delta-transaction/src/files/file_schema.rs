//! The columns of data files: those of the table without partition columns and without void, under
//! their physical names, and the way from the table's rows to them.
//!
//! Protocol: [Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping),
//! [Void Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#void-type),
//! [Delta Data Type to Parquet Type Mappings](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-data-type-to-parquet-type-mappings)

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Field, FieldRef, Fields};
use delta_log::ColumnMapping;
use delta_log::schema::{DataType, StructField};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde_json::Value;

use crate::files::error::{FileError, Result};

const ID: &str = "delta.columnMapping.id";
const NESTED_IDS: &str = "delta.columnMapping.nested.ids";

/// The field of data files that stores a column, or a field of a struct; `None` for a void one.
///
/// Every field is nullable, as Spark writes them, whatever the table says: `nullable` binds the rows,
/// not the files. Fields have ids where columns are mapped.
///
/// # Errors
/// [`FileError::Unsupported`] for variants; [`FileError::UnwritableSchema`] for a void where the
/// protocol forbids to write one.
pub(crate) fn file_field(field: &StructField, mapping: ColumnMapping) -> Result<Option<Field>> {
    if field.data_type == DataType::Void {
        return Ok(None);
    }
    let name = mapping.physical_name(field);
    let ids = Ids {
        of_parts: match mapping {
            ColumnMapping::None => None,
            ColumnMapping::Name | ColumnMapping::Id => field.metadata.get(NESTED_IDS),
        },
        column: &field.name,
        mapping,
    };
    let data_type = file_type(&field.data_type, &ids, name)?;
    let id = match mapping {
        ColumnMapping::None => None,
        ColumnMapping::Name | ColumnMapping::Id => field.metadata.get(ID),
    };
    Ok(Some(with_id(Field::new(name, data_type, true), id)))
}

/// Where the ids of a column's parts are found that are no fields of a struct.
struct Ids<'a> {
    of_parts: Option<&'a Value>,
    column: &'a str,
    mapping: ColumnMapping,
}

fn file_type(data_type: &DataType, ids: &Ids<'_>, path: &str) -> Result<ArrowType> {
    let part = |name: &str, data_type: &DataType, nullable: bool| {
        let path = format!("{path}.{name}");
        let field = Field::new(name, file_type(data_type, ids, &path)?, nullable);
        let id = ids.of_parts.and_then(|ids| ids.get(&path));
        Ok::<_, FileError>(with_id(field, id))
    };
    Ok(match data_type {
        DataType::Variant => return Err(FileError::Unsupported("variantType".to_owned())),
        DataType::Void => {
            let column = ids.column;
            let reason = format!("column {column} has the type void in an array or a map");
            return Err(FileError::UnwritableSchema(reason));
        }
        DataType::Struct(fields) => {
            let fields = fields.fields().iter();
            let fields: Vec<Field> = fields
                .filter_map(|field| file_field(field, ids.mapping).transpose())
                .collect::<Result<_>>()?;
            if fields.is_empty() {
                let column = ids.column;
                let reason = format!("a struct in column {column} has no fields but void ones");
                return Err(FileError::UnwritableSchema(reason));
            }
            ArrowType::Struct(fields.into())
        }
        DataType::Array { element, .. } => {
            ArrowType::List(Arc::new(part("element", element, true)?))
        }
        DataType::Map { key, value, .. } => {
            let entries = Fields::from(vec![part("key", key, false)?, part("value", value, true)?]);
            let entries = Field::new("key_value", ArrowType::Struct(entries), false);
            ArrowType::Map(Arc::new(entries), false)
        }
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz => data_type.to_arrow(),
    })
}

fn with_id(field: Field, id: Option<&Value>) -> Field {
    match id.and_then(Value::as_i64) {
        Some(id) => {
            let key = PARQUET_FIELD_ID_META_KEY.to_owned();
            field.with_metadata(HashMap::from([(key, id.to_string())]))
        }
        None => field,
    }
}

/// How strictly rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// Only where the table's schema allows them.
    AsDeclared,
    /// Anywhere: rows that were in the table before may break its schema.
    Anywhere,
}

/// A column of rows, of the table's Arrow type, as the data file's field stores it. The names of the
/// elements of lists and maps don't matter.
///
/// # Errors
/// [`FileError::InvalidRows`] for an array of another type, or a decimal with more digits than its
/// type; [`FileError::NullValue`].
pub(crate) fn to_file_column(
    array: &ArrayRef,
    column: &StructField,
    field: &Field,
    nulls: Nulls,
) -> Result<ArrayRef> {
    let checks = Checks {
        column: &column.name,
        nulls,
    };
    checks.nulls(column, array, None)?;
    checks.convert(array, &column.data_type, field.data_type())
}

/// What is checked on the way, and what a fault is told of.
struct Checks<'a> {
    column: &'a str,
    nulls: Nulls,
}

impl Checks<'_> {
    fn convert(
        &self,
        array: &ArrayRef,
        data_type: &DataType,
        target: &ArrowType,
    ) -> Result<ArrayRef> {
        match (data_type, target) {
            (DataType::Struct(columns), ArrowType::Struct(fields)) => {
                let source = array.as_struct_opt().ok_or_else(|| self.mismatch(array))?;
                let names = source.column_names();
                let expected = columns.fields().iter().map(|column| &column.name);
                if !names.iter().copied().eq(expected) {
                    return Err(self.mismatch(array));
                }
                let mut fields_left = fields.iter();
                let mut children = Vec::with_capacity(fields.len());
                for (column, child) in columns.fields().iter().zip(source.columns()) {
                    if column.data_type == DataType::Void {
                        continue;
                    }
                    let field = fields_left.next().ok_or_else(|| self.mismatch(array))?;
                    self.nulls(column, child, source.nulls())?;
                    children.push(self.convert(child, &column.data_type, field.data_type())?);
                }
                let converted =
                    StructArray::try_new(fields.clone(), children, source.nulls().cloned());
                Ok(Arc::new(converted?))
            }
            (DataType::Array { element, .. }, ArrowType::List(field)) => {
                let source = array
                    .as_list_opt::<i32>()
                    .ok_or_else(|| self.mismatch(array))?;
                let values = self.convert(source.values(), element, field.data_type())?;
                let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
                Ok(Arc::new(ListArray::try_new(
                    field.clone(),
                    offsets,
                    values,
                    nulls,
                )?))
            }
            (DataType::Map { key, value, .. }, ArrowType::Map(entries, ordered)) => {
                let source = array.as_map_opt().ok_or_else(|| self.mismatch(array))?;
                let ArrowType::Struct(fields) = entries.data_type() else {
                    return Err(self.mismatch(array));
                };
                let parts: [&FieldRef; 2] = [&fields[0], &fields[1]];
                let keys = self.convert(source.keys(), key, parts[0].data_type())?;
                let values = self.convert(source.values(), value, parts[1].data_type())?;
                let both = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
                let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
                let map = MapArray::try_new(entries.clone(), offsets, both, nulls, *ordered)?;
                Ok(Arc::new(map))
            }
            _ if array.data_type() == target => {
                if let DataType::Decimal { precision, .. } = data_type {
                    // A file's bytes would have no room for more digits.
                    let values = array.as_primitive::<Decimal128Type>();
                    let checked = values.validate_decimal_precision(*precision);
                    checked.map_err(|error| self.invalid(error.to_string()))?;
                }
                Ok(array.clone())
            }
            _ => Err(self.mismatch(array)),
        }
    }

    /// Refuses nulls of a field where the schema does. A null struct has null fields.
    fn nulls(
        &self,
        field: &StructField,
        array: &ArrayRef,
        parents: Option<&NullBuffer>,
    ) -> Result<()> {
        let is_checked = self.nulls == Nulls::AsDeclared && !field.nullable;
        if !is_checked || field.data_type == DataType::Void {
            return Ok(());
        }
        let both = NullBuffer::union(parents, array.logical_nulls().as_ref());
        let count = |nulls: Option<&NullBuffer>| nulls.map_or(0, NullBuffer::null_count);
        if count(both.as_ref()) == count(parents) {
            return Ok(());
        }
        let name = match self.column == field.name {
            true => field.name.clone(),
            false => format!("{} ({})", self.column, field.name),
        };
        Err(FileError::NullValue(name))
    }

    fn mismatch(&self, array: &ArrayRef) -> FileError {
        self.invalid(format!("they have {} there", array.data_type()))
    }

    fn invalid(&self, reason: String) -> FileError {
        FileError::InvalidRows {
            column: self.column.to_owned(),
            reason,
        }
    }
}
