//! Per-file statistics: counts, and bounds of columns.
//!
//! The log has them as JSON, or as typed columns of a checkpoint.
//!
//! Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, StringArray, StructArray, UInt64Array, make_array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_not_null};
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;

use crate::files::bounds::{self, Bound};
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::{DataType, StructType};

/// Statistics of some files, one row each, in the layout of `stats_parsed` but with every value as
/// text, so that one value that is not of its column's type spoils nothing else.
#[derive(Debug)]
pub(crate) struct ParsedJson(StructArray);

impl ParsedJson {
    /// Parses `stats`, for the columns of `schema` that can have bounds, under their physical names.
    pub(crate) fn new(stats: &StringArray, schema: &StructType, mapping: ColumnMapping) -> Self {
        let columns: Fields = schema
            .fields()
            .iter()
            .filter(|field| field.data_type.is_primitive())
            .map(|field| Field::new(mapping.physical_name(field), ArrowType::Utf8, true))
            .collect();
        let mut fields = vec![
            Field::new("numRecords", ArrowType::Utf8, true),
            Field::new("tightBounds", ArrowType::Utf8, true),
        ];
        if !columns.is_empty() {
            for name in ["minValues", "maxValues", "nullCount"] {
                fields.push(Field::new(name, ArrowType::Struct(columns.clone()), true));
            }
        }
        Self(decode_statistics(&Arc::new(Schema::new(fields)), stats))
    }

    fn texts(&self, group: Option<&str>, name: &str) -> Option<StringArray> {
        child(&self.0, group, name)?.as_string_opt().cloned()
    }
}

/// Statistics in JSON as columns, one row for each text. Of `schema`, whose fields are texts or
/// structs of them, a row has what its text has; nothing where that is null, or no JSON.
pub fn decode_statistics(schema: &Arc<Schema>, stats: &StringArray) -> StructArray {
    decode(schema, stats).unwrap_or_else(|_| decode_one_by_one(schema, stats))
}

/// All texts at once; an error if any of them is not one JSON object.
fn decode(schema: &Arc<Schema>, stats: &StringArray) -> Result<StructArray, ArrowError> {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .with_batch_size(stats.len().max(1))
        .with_coerce_primitive(true)
        .with_ignore_type_conflicts(true)
        .build_decoder()?;
    for (row, text) in stats.iter().enumerate() {
        let text = text.unwrap_or("{}").as_bytes();
        let read = decoder.decode(text)?;
        let is_whole = read == text.len() && !decoder.has_partial_record();
        if !is_whole || row.checked_add(1) != Some(decoder.len()) {
            return Err(ArrowError::JsonError("not one object".to_owned()));
        }
    }
    match decoder.flush()? {
        Some(batch) => Ok(batch.into()),
        None => Ok(StructArray::new_null(schema.fields().clone(), 0)),
    }
}

/// Where some text is broken: it says nothing, the others count.
fn decode_one_by_one(schema: &Arc<Schema>, stats: &StringArray) -> StructArray {
    let intact = stats.iter().map(|text| {
        let text = text?;
        decode(schema, &StringArray::from(vec![text]))
            .ok()
            .map(|_| text)
    });
    let intact: StringArray = intact.collect();
    decode(schema, &intact)
        .unwrap_or_else(|_| StructArray::new_null(schema.fields().clone(), stats.len()))
}

/// Statistics of some files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statistics<'a> {
    pub(crate) json: Option<&'a ParsedJson>,
    /// A checkpoint's `stats_parsed`.
    pub(crate) parsed: Option<&'a StructArray>,
    pub(crate) len: usize,
}

impl Statistics<'_> {
    /// Rows of each file.
    pub(crate) fn num_records(&self) -> UInt64Array {
        self.counts(None, "numRecords")
    }

    /// Nulls of a column in each file.
    pub(crate) fn null_counts(&self, column: &str) -> UInt64Array {
        let counts = self.counts(Some("nullCount"), column);
        // With wide bounds the count is of rows that may be deleted: of no use.
        counts
            .iter()
            .zip(self.tight_bounds())
            .map(|(count, tight)| count.filter(|_| tight))
            .collect()
    }

    /// Whether bounds of each file are those of the rows that are still there.
    pub(crate) fn tight_bounds(&self) -> Vec<bool> {
        let texts = self.json.and_then(|json| json.texts(None, "tightBounds"));
        let parsed = self
            .parsed
            .and_then(|parsed| child(parsed, None, "tightBounds"));
        let parsed = parsed.as_ref().and_then(|array| array.as_boolean_opt());
        (0..self.len)
            .map(|row| {
                let text = texts
                    .as_ref()
                    .is_some_and(|texts| texts.is_valid(row) && texts.value(row) == "false");
                let flag = parsed.is_some_and(|flags| flags.is_valid(row) && !flags.value(row));
                !text && !flag
            })
            .collect()
    }

    /// A bound of a column in each file, widened where it may have been cut.
    pub(crate) fn bounds(&self, column: &str, data_type: &DataType, bound: Bound) -> ArrayRef {
        let group = match bound {
            Bound::Min => "minValues",
            Bound::Max => "maxValues",
        };
        let from_json = self
            .json
            .and_then(|json| json.texts(Some(group), column))
            .and_then(|texts| bounds::of_texts(&texts, data_type, bound));
        let from_struct = self
            .parsed
            .and_then(|parsed| child(parsed, Some(group), column))
            .and_then(|array| cast(&array, &data_type.to_arrow()).ok())
            .map(|values| bounds::of_values(values, data_type, bound));
        coalesce(from_json, from_struct)
            .unwrap_or_else(|| new_null_array(&data_type.to_arrow(), self.len))
    }

    fn counts(&self, group: Option<&str>, name: &str) -> UInt64Array {
        let texts = self.json.and_then(|json| json.texts(group, name));
        let parsed = self.parsed.and_then(|parsed| child(parsed, group, name));
        let parsed = parsed.and_then(|array| cast(&array, &ArrowType::UInt64).ok());
        let parsed: Option<&UInt64Array> =
            parsed.as_ref().and_then(|counts| counts.as_primitive_opt());
        (0..self.len)
            .map(|row| {
                let text = texts.as_ref().filter(|texts| texts.is_valid(row));
                let count = parsed.filter(|counts| counts.is_valid(row));
                text.and_then(|texts| texts.value(row).parse().ok())
                    .or_else(|| Some(count?.value(row)))
            })
            .collect()
    }
}

fn child(array: &StructArray, group: Option<&str>, name: &str) -> Option<ArrayRef> {
    let Some(group) = group else {
        return array.column_by_name(name).cloned();
    };
    let group = array.column_by_name(group)?.as_struct_opt()?;
    let child = group.column_by_name(name)?;
    // A null group has null children, whatever their own buffers say.
    let nulls = NullBuffer::union(group.nulls(), child.nulls());
    let data = child.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(make_array(data))
}

fn coalesce(first: Option<ArrayRef>, second: Option<ArrayRef>) -> Option<ArrayRef> {
    match (first, second) {
        (Some(first), Some(second)) => {
            let mask = is_not_null(&first).ok()?;
            zip(&mask, &first, &second).ok()
        }
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests;
