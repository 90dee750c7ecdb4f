use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use arrow::compute::{cast, filter, is_not_null};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;

/// Columns of a `stats_parsed` as JSON, one text a row; null where a row is, or has nothing to say.
///
/// # Errors
/// For a type that JSON has no form for.
///
/// Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)
pub fn statistics_to_json(stats: &StructArray) -> Result<StringArray, ArrowError> {
    let array: ArrayRef = Arc::new(stats.clone());
    let present = filter(&array, &is_not_null(&array)?)?;
    let present = cast(&present, &without_zone_names(present.data_type()))?;
    let (fields, columns, _) = present.as_struct().clone().into_parts();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    let mut writer = WriterBuilder::new()
        .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.6fZ".to_owned())
        .with_timestamp_format("%Y-%m-%dT%H:%M:%S%.6f".to_owned())
        .build::<_, LineDelimited>(Vec::new());
    writer.write(&batch)?;
    writer.finish()?;
    let lines = String::from_utf8(writer.into_inner());
    let lines = lines.map_err(|error| ArrowError::JsonError(error.to_string()))?;
    let mut lines = lines.lines();
    let texts: StringArray = (0..stats.len())
        .map(|row| match stats.is_valid(row) {
            true => lines.next().filter(|line| *line != "{}"),
            false => None,
        })
        .collect();
    Ok(texts)
}

/// The same type with UTC as an offset: without a list of time zones Arrow formats no other.
fn without_zone_names(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let data_type = without_zone_names(field.data_type());
                field.as_ref().clone().with_data_type(data_type)
            });
            DataType::Struct(fields.collect())
        }
        other => other.clone(),
    }
}
