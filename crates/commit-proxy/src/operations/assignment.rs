//! `column = expression`, with the cast into the column's type that names the column when it fails.

use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use deltalake::datafusion::common::{DFSchema, DataFusionError};
use deltalake::datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use messages::{ColumnProblem, Error};

use super::Refusal;
use crate::schema::{CastError, checked_cast, display_value, is_castable, spark_type};

/// The expression in the column's type.
pub(super) fn into_column(
    expr: Expr,
    scope: &DFSchema,
    column: &str,
    data_type: &DataType,
    refusal: &Refusal,
) -> Result<Expr, Error> {
    let from = expr
        .get_type(scope)
        .map_err(|e| Error::new("INVALID_EXPRESSION", e.strip_backtrace()))?;
    if from == *data_type {
        return Ok(expr);
    }
    if !is_castable(&from, data_type) {
        return Err(Error::new(
            "DATATYPE_MISMATCH",
            format!(
                "Nothing was written: a {} can't be stored in the column {column}, which is a {}.",
                spark_type(&from),
                spark_type(data_type)
            ),
        )
        .with_hint("Convert the value with CAST.")
        .with_columns(vec![problem(column, data_type, spark_type(&from))]));
    }
    let store = StoreAssignment {
        column: column.to_owned(),
        data_type: data_type.clone(),
        refusal: refusal.clone(),
        signature: Signature::any(1, Volatility::Immutable),
    };
    Ok(ScalarUDF::from(store).call(vec![expr]))
}

fn problem(column: &str, data_type: &DataType, actual: String) -> ColumnProblem {
    ColumnProblem {
        column: column.to_owned(),
        expected: spark_type(data_type),
        actual,
    }
}

/// A cast that knows its column.
#[derive(Debug)]
struct StoreAssignment {
    column: String,
    data_type: DataType,
    refusal: Refusal,
    signature: Signature,
}

impl PartialEq for StoreAssignment {
    fn eq(&self, other: &Self) -> bool {
        self.column == other.column && self.data_type == other.data_type
    }
}

impl Eq for StoreAssignment {}

impl Hash for StoreAssignment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.data_type.hash(state);
    }
}

impl StoreAssignment {
    fn cast(&self, array: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
        checked_cast(array, &self.data_type).map_err(|error| match error {
            CastError::Arrow(error) => error.into(),
            CastError::Misfit(misfit) => {
                let value = display_value(array, misfit.row);
                let actual = format!("{} {value}", spark_type(array.data_type()));
                let (code, why) = if misfit.overflow {
                    ("CAST_OVERFLOW_IN_TABLE_INSERT", "is beyond its range")
                } else {
                    ("CAST_INVALID_INPUT", "is not written as that type asks")
                };
                let error = Error::new(
                    code,
                    format!(
                        "Nothing was written: the column {} is a {}, and {value} {why}.",
                        self.column,
                        spark_type(&self.data_type)
                    ),
                )
                .with_columns(vec![problem(&self.column, &self.data_type, actual)]);
                self.refusal.put(error.clone());
                DataFusionError::External(Box::new(error))
            }
        })
    }
}

impl ScalarUDFImpl for StoreAssignment {
    fn name(&self) -> &'static str {
        "store_assignment"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let rows = args.number_rows;
        let mut arrays = args.args;
        match arrays.pop() {
            Some(ColumnarValue::Scalar(value)) => {
                let array = self.cast(&value.to_array()?)?;
                let value = deltalake::datafusion::common::ScalarValue::try_from_array(&array, 0)?;
                Ok(ColumnarValue::Scalar(value))
            }
            Some(array) => Ok(ColumnarValue::Array(self.cast(&array.into_array(rows)?)?)),
            None => Err(DataFusionError::Internal("no value to store".into())),
        }
    }
}
