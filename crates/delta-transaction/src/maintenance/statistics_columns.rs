//! Statistics of files from their JSON to the columns of `stats_parsed`.
//!
//! Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema};
use arrow::error::ArrowError;
use delta_log::schema::{DataType, StructType};
use delta_log::{ColumnMapping, Snapshot, decode_statistics, parse_lenient};

/// Digits of a second's fraction that a writer of statistics has to give for its time to be one that
/// was cut to milliseconds, and no further.
const DIGITS_OF_MILLISECONDS: usize = 3;

/// A column of `stats_parsed`.
#[derive(Debug)]
enum Column {
    Group(Vec<(String, Column)>),
    Leaf(DataType),
}

/// The columns of a table's `stats_parsed`: counts, and bounds of the columns that can have any,
/// under their physical names.
#[derive(Debug)]
pub(super) struct StatisticsColumns {
    root: Column,
}

impl StatisticsColumns {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let is_stored = |name: &str| {
            !snapshot
                .partition_columns()
                .iter()
                .any(|other| other == name)
        };
        let columns = |leaf: fn(&DataType) -> Option<DataType>| {
            group(
                snapshot.schema(),
                snapshot.column_mapping(),
                &is_stored,
                leaf,
            )
        };
        let groups = [
            ("minValues", columns(with_bounds)),
            ("maxValues", columns(with_bounds)),
            ("nullCount", columns(with_nulls)),
        ];
        let mut root = vec![("numRecords".to_owned(), Column::Leaf(DataType::Long))];
        // Parquet has no groups without columns.
        let groups = groups
            .into_iter()
            .filter(|(_, columns)| !columns.is_empty());
        root.extend(groups.map(|(name, columns)| (name.to_owned(), Column::Group(columns))));
        root.push(("tightBounds".to_owned(), Column::Leaf(DataType::Boolean)));
        Self {
            root: Column::Group(root),
        }
    }

    /// Fields of `stats_parsed`.
    pub(super) fn fields(&self) -> Fields {
        match self.root.arrow_type(&DataType::to_arrow) {
            ArrowType::Struct(fields) => fields,
            _ => Fields::empty(),
        }
    }

    /// `stats` as columns; null where it is. A value that is not of its column's type is null too.
    pub(super) fn parse(&self, stats: &StringArray) -> Result<StructArray, ArrowError> {
        let ArrowType::Struct(texts) = self.root.arrow_type(&|_| ArrowType::Utf8) else {
            return Err(ArrowError::SchemaError("no statistics".to_owned()));
        };
        let texts: ArrayRef = Arc::new(decode_statistics(&Arc::new(Schema::new(texts)), stats));
        let values = self.root.parse(&texts)?;
        let (fields, columns, _) = values.as_struct().clone().into_parts();
        let nulls = stats.nulls().cloned();
        StructArray::try_new_with_length(fields, columns, nulls, stats.len())
    }
}

fn group(
    schema: &StructType,
    mapping: ColumnMapping,
    is_kept: &dyn Fn(&str) -> bool,
    leaf: fn(&DataType) -> Option<DataType>,
) -> Vec<(String, Column)> {
    let fields = schema.fields().iter().filter(|field| is_kept(&field.name));
    let columns = fields.filter_map(|field| {
        let column = match &field.data_type {
            DataType::Struct(nested) => {
                let columns = group(nested, mapping, &|_| true, leaf);
                (!columns.is_empty()).then_some(Column::Group(columns))
            }
            data_type => leaf(data_type).map(Column::Leaf),
        };
        Some((mapping.physical_name(field).to_owned(), column?))
    });
    columns.collect()
}

fn with_bounds(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz => Some(data_type.clone()),
        DataType::Boolean
        | DataType::Binary
        | DataType::Void
        | DataType::Variant
        | DataType::Struct(_)
        | DataType::Array { .. }
        | DataType::Map { .. } => None,
    }
}

fn with_nulls(data_type: &DataType) -> Option<DataType> {
    (*data_type != DataType::Void).then_some(DataType::Long)
}

impl Column {
    fn arrow_type(&self, leaf: &dyn Fn(&DataType) -> ArrowType) -> ArrowType {
        match self {
            Self::Leaf(data_type) => leaf(data_type),
            Self::Group(columns) => {
                let fields = columns.iter();
                let fields =
                    fields.map(|(name, column)| Field::new(name, column.arrow_type(leaf), true));
                ArrowType::Struct(fields.collect())
            }
        }
    }

    /// Columns of texts as columns of values.
    fn parse(&self, texts: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Leaf(data_type) => {
                let Some(texts) = texts.as_string_opt::<i32>() else {
                    return Ok(new_null_array(&data_type.to_arrow(), texts.len()));
                };
                let texts: Vec<Option<&str>> = match data_type {
                    // How far a text may be off, a reader of columns can't see, and allows for
                    // less: for an offset without its seconds, or a fraction that was cut short.
                    DataType::Timestamp => texts
                        .iter()
                        .map(|text| text.filter(|text| has_milliseconds(text) && is_in_utc(text)))
                        .collect(),
                    DataType::TimestampNtz => texts
                        .iter()
                        .map(|text| text.filter(|text| has_milliseconds(text)))
                        .collect(),
                    _ => texts.iter().collect(),
                };
                Ok(parse_lenient(data_type, &texts))
            }
            Self::Group(columns) => {
                let group = texts.as_struct();
                let names = columns.iter().map(|(name, _)| name.as_str());
                let values = columns.iter().map(|(name, column)| {
                    let texts = group.column_by_name(name).ok_or_else(|| {
                        ArrowError::SchemaError(format!("there is no column {name}"))
                    })?;
                    column.parse(texts)
                });
                let values = values.collect::<Result<Vec<_>, ArrowError>>()?;
                let fields = names.zip(&values);
                let fields: Fields = fields
                    .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
                    .collect();
                let nulls: Option<NullBuffer> = group.nulls().cloned();
                let group = StructArray::try_new_with_length(fields, values, nulls, texts.len())?;
                Ok(Arc::new(group))
            }
        }
    }
}

fn has_milliseconds(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    digits.count() >= DIGITS_OF_MILLISECONDS
}

fn is_in_utc(text: &str) -> bool {
    text.ends_with(['Z', 'z'])
}
