//! Variants as text.
//!
//! Protocol: [Variant Data Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-data-type)

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::Result;
use parquet_variant::{Variant, VariantMetadata};
use parquet_variant_compute::{VariantArray, unshred_variant};
use parquet_variant_json::VariantToJson;

/// The JSON of each variant of a data file, shredded or not; null where there is none.
///
/// # Errors
/// Bytes that are no variant.
pub(crate) fn variant_to_json(array: &ArrayRef) -> Result<ArrayRef> {
    let variants = unshred_variant(&VariantArray::try_new(array)?)?;
    let metadata = binary(variants.metadata_column())?;
    let values = binary(variants.value_column())?;
    let texts = (0..array.len()).map(|row| {
        if array.is_null(row) {
            return Ok(None);
        }
        let metadata = VariantMetadata::try_new(metadata.value(row))?;
        let variant = Variant::try_new_with_metadata(metadata, values.value(row))?;
        variant.to_json_string().map(Some)
    });
    let texts = texts.collect::<Result<StringArray, ArrowError>>()?;
    Ok(Arc::new(texts))
}

fn binary(array: &ArrayRef) -> Result<BinaryArray> {
    Ok(cast(array, &DataType::Binary)?.as_binary().clone())
}
