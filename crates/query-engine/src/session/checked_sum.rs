//! `sum` of whole numbers and decimals that overflows with an error, as in Spark. DataFusion's own
//! wraps around.
//!
//! It is DataFusion's, over a type in which no sum of real rows overflows; only the result is
//! brought back to the type that it must have.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};
use messages::Error;

use crate::scan::nested_columns::cast_exactly;

/// Digits of an input from which a sum of fewer than 10¹⁰ rows has room in 38 digits.
const ROOMY: u8 = 28;

/// `sum`, to be registered in place of DataFusion's.
pub(crate) fn checked_sum() -> Arc<AggregateUDF> {
    let inner = sum_udaf();
    Arc::new(AggregateUDF::new_from_impl(CheckedSum { inner }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    inner: Arc<AggregateUDF>,
}

/// Type in which values of this type are summed; `None`: their own.
fn wide(input: &DataType) -> Option<DataType> {
    match input {
        DataType::Int64 => Some(DataType::Decimal128(38, 0)),
        DataType::Decimal128(precision, scale) if *precision > ROOMY => {
            Some(DataType::Decimal256(*precision, *scale))
        }
        _ => None,
    }
}

/// The fields of an input and of its sum, in the wide type.
struct Wide {
    input: FieldRef,
    sum: FieldRef,
}

impl CheckedSum {
    fn wide(&self, inputs: &[FieldRef]) -> Result<Option<Wide>> {
        let [input] = inputs else {
            return Ok(None);
        };
        let Some(input_type) = wide(input.data_type()) else {
            return Ok(None);
        };
        let sum_type = self.inner.return_type(std::slice::from_ref(&input_type))?;
        Ok(Some(Wide {
            input: Arc::new(Field::new(input.name(), input_type, true)),
            sum: Arc::new(Field::new("sum", sum_type, true)),
        }))
    }

    /// Accumulator that `make` makes: for values as they are, or for wide ones, which `checked` narrows
    /// again.
    fn accumulate<T>(
        &self,
        args: AccumulatorArgs<'_>,
        make: impl FnOnce(AccumulatorArgs<'_>) -> Result<T>,
        checked: impl FnOnce(Checked<T>) -> T,
    ) -> Result<T> {
        let Some(wide) = self.wide(args.expr_fields)? else {
            return make(args);
        };
        let of = Conversion {
            wide: wide.input.data_type().clone(),
            sum: args.return_type().clone(),
        };
        let inner = make(AccumulatorArgs {
            return_field: wide.sum,
            expr_fields: &[wide.input],
            ..args
        })?;
        Ok(checked(Checked { inner, of }))
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let Some(wide) = self.wide(args.input_fields)? else {
            return self.inner.state_fields(args);
        };
        self.inner.state_fields(StateFieldsArgs {
            input_fields: &[wide.input],
            return_field: wide.sum,
            ..args
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let make = |args: AccumulatorArgs<'_>| self.inner.accumulator(args);
        self.accumulate(args, make, |checked| Box::new(checked))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        // DataFusion has no sliding sum of distinct values but of bigints.
        if args.is_distinct {
            return self.inner.create_sliding_accumulator(args);
        }
        let make = |args: AccumulatorArgs<'_>| self.inner.create_sliding_accumulator(args);
        self.accumulate(args, make, |checked| Box::new(checked))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let make = |args: AccumulatorArgs<'_>| self.inner.create_groups_accumulator(args);
        self.accumulate(args, make, |checked| Box::new(checked))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// An accumulator of wide values.
#[derive(Debug)]
struct Checked<T> {
    inner: T,
    of: Conversion,
}

#[derive(Debug)]
struct Conversion {
    wide: DataType,
    sum: DataType,
}

impl Conversion {
    fn widen(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let wide = values.iter().map(|values| cast(values, &self.wide));
        Ok(wide.collect::<Result<_, _>>()?)
    }

    fn narrow(&self, sums: &ArrayRef) -> Result<ArrayRef> {
        cast_exactly(sums, &self.sum).map_err(|_| overflow(&self.sum))
    }
}

fn overflow(data_type: &DataType) -> DataFusionError {
    let error = match data_type {
        DataType::Int64 => Error::new("ARITHMETIC_OVERFLOW", "A sum has no room in a bigint.")
            .with_hint("sum(CAST(… AS DECIMAL(28, 0))) has."),
        _ => Error::new("ARITHMETIC_OVERFLOW", "A sum has more than 38 digits.")
            .with_hint("sum(CAST(… AS DOUBLE)) has room for it, but is not exact."),
    };
    DataFusionError::External(Box::new(error))
}

impl Accumulator for Checked<Box<dyn Accumulator>> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&self.of.widen(values)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.of.narrow(&self.inner.evaluate()?.to_array()?)?;
        ScalarValue::try_from_array(&sum, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&self.of.widen(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

impl GroupsAccumulator for Checked<Box<dyn GroupsAccumulator>> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let values = self.of.widen(values)?;
        self.inner.update_batch(&values, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.of.narrow(&self.inner.evaluate(emit_to)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit_to)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.inner.merge_batch(states, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&self.of.widen(values)?, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
