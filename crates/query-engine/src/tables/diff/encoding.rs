//! Values in a form in which those that are the same are equal, whoever compares them.
//!
//! GROUP BY takes 0.0 and -0.0 for one value, which would let a changed sign go unseen and give back
//! whichever came first, and tells NaNs of different bits apart, and maps whose entries come in
//! another order. So floats are compared by their bits, all NaNs having the same, and the entries of
//! maps are put in order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `column`, whose field is `field`, encoded.
pub(super) fn encoded(column: Expr, field: &Field) -> Expr {
    if is_encoded(field.data_type()) {
        ScalarUDF::new_from_impl(Encode::default()).call(vec![column])
    } else {
        column
    }
}

/// Whether values of this type have another form for comparing them.
pub(super) fn is_encoded(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 | DataType::Map(..) => true,
        DataType::Struct(fields) => fields.iter().any(|field| is_encoded(field.data_type())),
        DataType::List(field) => is_encoded(field.data_type()),
        _ => false,
    }
}

/// The type of encoded values.
fn encoded_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Float32 => DataType::Int32,
        DataType::Float64 => DataType::Int64,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(encoded_field).collect()),
        DataType::List(field) => DataType::List(encoded_field(field)),
        DataType::Map(entries, sorted) => DataType::Map(encoded_field(entries), *sorted),
        other => other.clone(),
    }
}

fn encoded_field(field: &FieldRef) -> FieldRef {
    let data_type = encoded_type(field.data_type());
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn encode(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !is_encoded(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    Ok(match array.data_type() {
        DataType::Float32 => Arc::new(array.as_primitive::<Float32Type>().unary::<_, Int32Type>(
            |value| match value.is_nan() {
                true => f32::NAN.to_bits().cast_signed(),
                false => value.to_bits().cast_signed(),
            },
        )),
        DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Int64Type>(
            |value| match value.is_nan() {
                true => f64::NAN.to_bits().cast_signed(),
                false => value.to_bits().cast_signed(),
            },
        )),
        DataType::Map(..) => {
            let map = in_order(array.as_map())?;
            rebuilt(
                &(Arc::new(map) as _),
                &encoded_type(array.data_type()),
                &|part, _| encode(part),
            )?
        }
        other => rebuilt(array, &encoded_type(other), &|part, _| encode(part))?,
    })
}

/// Decodes an array to the type that it had before [`encode`]; maps keep the order of their entries
/// that encoding gave them.
pub(super) fn decode(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    Ok(match (array.data_type(), wanted) {
        (DataType::Int32, DataType::Float32) => {
            let bits = array.as_primitive::<Int32Type>();
            Arc::new(bits.unary::<_, Float32Type>(|bits| f32::from_bits(bits.cast_unsigned())))
        }
        (DataType::Int64, DataType::Float64) => {
            let bits = array.as_primitive::<Int64Type>();
            Arc::new(bits.unary::<_, Float64Type>(|bits| f64::from_bits(bits.cast_unsigned())))
        }
        _ => rebuilt(array, wanted, &decode)?,
    })
}

/// A part of a nested value as another type.
type Convert<'a> = &'a dyn Fn(&ArrayRef, &DataType) -> Result<ArrayRef, ArrowError>;

/// A nested array as another type, whose parts `convert` makes.
fn rebuilt(
    array: &ArrayRef,
    wanted: &DataType,
    convert: Convert<'_>,
) -> Result<ArrayRef, ArrowError> {
    let nulls = array.nulls().cloned();
    Ok(match (array.data_type(), wanted) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let parts = array.as_struct().columns().iter().zip(fields);
            let parts = parts.map(|(part, field)| convert(part, field.data_type()));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                parts,
                nulls,
                array.len(),
            )?)
        }
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let values = convert(list.values(), field.data_type())?;
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                values,
                nulls,
            )?)
        }
        (DataType::Map(..), DataType::Map(field, sorted)) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = rebuilt(&entries, field.data_type(), convert)?;
            Arc::new(MapArray::try_new(
                Arc::clone(field),
                map.offsets().clone(),
                entries.as_struct().clone(),
                nulls,
                *sorted,
            )?)
        }
        (own, wanted) => {
            let reason = format!("{own} is not comparable as {wanted}");
            return Err(ArrowError::InvalidArgumentError(reason));
        }
    })
}

/// The maps with their entries in an order that is always the same.
fn in_order(map: &MapArray) -> Result<MapArray, ArrowError> {
    let parts = map.entries().columns();
    // Parts of the same value must compare as the same too.
    let parts = parts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    let fields = parts
        .iter()
        .map(|part| SortField::new(part.data_type().clone()));
    let rows = RowConverter::new(fields.collect())?.convert_columns(&parts)?;
    let mut order: Vec<u32> = Vec::with_capacity(rows.num_rows());
    let mut lengths = Vec::with_capacity(map.len());
    for (i, ends) in map.offsets().windows(2).enumerate() {
        let start = order.len();
        if let (true, [from, to]) = (map.is_valid(i), ends) {
            order.extend(from.cast_unsigned()..to.cast_unsigned());
        }
        order[start..].sort_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
        lengths.push(order.len().saturating_sub(start));
    }
    let entries = take(map.entries(), &UInt32Array::from(order), None)?;
    let DataType::Map(field, sorted) = map.data_type() else {
        return Ok(map.clone());
    };
    MapArray::try_new(
        Arc::clone(field),
        OffsetBuffer::from_lengths(lengths),
        entries.as_struct().clone(),
        map.nulls().cloned(),
        *sorted,
    )
}

/// [`encode`] as a function of a plan.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Encode {
    signature: Signature,
}

impl Default for Encode {
    fn default() -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { signature }
    }
}

impl ScalarUDFImpl for Encode {
    fn name(&self) -> &str {
        "comparable"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [argument] = take_function_args(self.name(), arguments)?;
        Ok(encoded_type(argument))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [argument] = take_function_args(self.name(), args.args)?;
        Ok(ColumnarValue::Array(encode(&argument.into_array(rows)?)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Float64Builder, MapBuilder, StringBuilder};

    use super::*;

    fn maps(maps: &[Option<&[(&str, f64)]>]) -> ArrayRef {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
        for map in maps {
            for (key, value) in map.unwrap_or_default() {
                builder.keys().append_value(key);
                builder.values().append_value(*value);
            }
            builder.append(map.is_some()).unwrap();
        }
        Arc::new(builder.finish())
    }

    #[test]
    fn the_same_values_are_equal_and_others_are_not() {
        let other_nan = f64::from_bits(0xfff8_0000_0000_0001);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, other_nan, 0.0, -0.0]));
        let bits = encode(&floats).unwrap();
        let bits = bits.as_primitive::<Int64Type>();
        assert_eq!(bits.value(0), bits.value(1));
        assert_ne!(bits.value(2), bits.value(3));

        let maps = maps(&[
            Some(&[("b", f64::NAN), ("a", 1.0)]),
            None,
            Some(&[("a", 1.0), ("b", other_nan)]),
            Some(&[]),
        ]);
        let same = encode(&maps).unwrap();
        assert_eq!(same.slice(0, 1).to_data(), same.slice(2, 1).to_data());
        assert!(same.is_null(1));
        assert_eq!(same.as_map().value_length(3), 0);
    }

    #[test]
    fn decoding_gives_the_values_back() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(1.5)]));
        let back = decode(&encode(&floats).unwrap(), floats.data_type()).unwrap();
        assert_eq!(back.to_data(), floats.to_data());
        let ordered = maps(&[Some(&[("a", -0.0), ("b", 2.0)]), None]);
        let back = decode(&encode(&ordered).unwrap(), ordered.data_type()).unwrap();
        assert_eq!(back.to_data(), ordered.to_data());
    }
}
