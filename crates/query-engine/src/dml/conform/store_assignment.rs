//! A value into a column: the cast that names the column when it fails.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use messages::{ColumnProblem, Error};
use spark_dialect::type_name;

use crate::dml::conform::cast::{CastError, checked_cast, is_castable};
use crate::dml::display::display_value;
use crate::dml::table_columns::{TableColumn, TextLength};
use crate::errors::from_datafusion;

/// The expression, over columns of `schema`, in the type of `column`.
///
/// # Errors
/// `DELTA_FAILED_TO_MERGE_FIELDS` if no value of its type can be stored there.
pub(crate) fn store(expr: Expr, schema: &DFSchema, column: &TableColumn) -> Result<Expr, Error> {
    let from = expr
        .get_type(schema)
        .map_err(|error| from_datafusion(&error))?;
    if from == column.data_type && column.length.is_none() {
        return Ok(expr);
    }
    if !is_castable(&from, &column.data_type) {
        let expected = type_name(&column.data_type);
        let given = type_name(&from);
        return Err(Error::new(
            "DELTA_FAILED_TO_MERGE_FIELDS",
            format!(
                "Nothing was written: a {given} can't be stored in the column {}, which is a \
                 {expected}.",
                column.name
            ),
        )
        .with_hint("Convert the value with CAST.")
        .with_columns(vec![problem(column, given)]));
    }
    let store = StoreAssignment {
        column: column.clone(),
        signature: Signature::any(1, Volatility::Immutable),
    };
    Ok(ScalarUDF::from(store).call(vec![expr]))
}

fn problem(column: &TableColumn, actual: String) -> ColumnProblem {
    ColumnProblem {
        column: column.name.clone(),
        expected: column.type_name(),
        actual,
    }
}

/// A cast that knows its column.
#[derive(Debug)]
struct StoreAssignment {
    column: TableColumn,
    signature: Signature,
}

impl PartialEq for StoreAssignment {
    fn eq(&self, other: &Self) -> bool {
        self.column == other.column
    }
}

impl Eq for StoreAssignment {}

impl Hash for StoreAssignment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.name.hash(state);
        self.column.data_type.hash(state);
    }
}

impl StoreAssignment {
    fn store(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let column = &self.column;
        let stored = checked_cast(array, &column.data_type).map_err(|error| match error {
            CastError::Arrow(error) => error.into(),
            CastError::Misfit(misfit) => {
                let value = display_value(array, misfit.row);
                let (code, why, hint) = match misfit.overflow {
                    true => (
                        "CAST_OVERFLOW_IN_TABLE_INSERT",
                        "is beyond its range",
                        "Correct the value, or write to a column of a wider type.",
                    ),
                    false => (
                        "CAST_INVALID_INPUT",
                        "is not written as that type asks",
                        "Correct the value, or use try_cast to write NULL instead of malformed values.",
                    ),
                };
                let message = format!(
                    "Nothing was written: the column {} is a {}, and {value} {why}.",
                    column.name,
                    column.type_name()
                );
                let actual = format!("{} {value}", type_name(array.data_type()));
                let error = Error::new(code, message)
                    .with_hint(hint)
                    .with_columns(vec![problem(column, actual)]);
                DataFusionError::External(Box::new(error))
            }
        })?;
        match column.length {
            Some(length) => self.with_length(&stored, length),
            None => Ok(stored),
        }
    }

    /// Text of a `char` or `varchar` column: blanks beyond the length go, a `char` is filled up.
    fn with_length(&self, text: &ArrayRef, length: TextLength) -> Result<ArrayRef> {
        let Some(values) = text.as_string_opt::<i32>() else {
            return Ok(Arc::clone(text));
        };
        let mut fitted: Vec<Option<String>> = Vec::with_capacity(values.len());
        for (row, value) in values.iter().enumerate() {
            let value = value.map(|value| fit(value, length));
            if value.as_ref().is_some_and(Option::is_none) {
                let column = &self.column;
                let value = display_value(values, row);
                let error = Error::new(
                    "EXCEEDS_LIMIT_LENGTH",
                    format!(
                        "Nothing was written: the column {} is a {}, and {value} is longer.",
                        column.name,
                        column.type_name()
                    ),
                )
                .with_columns(vec![problem(column, format!("string {value}"))]);
                return Err(DataFusionError::External(Box::new(error)));
            }
            fitted.push(value.flatten());
        }
        Ok(Arc::new(StringArray::from(fitted)))
    }
}

/// `None`: the value is too long.
fn fit(value: &str, length: TextLength) -> Option<String> {
    let (limit, fills) = match length {
        TextLength::Char(limit) => (limit, true),
        TextLength::Varchar(limit) => (limit, false),
    };
    let count = value.chars().count();
    if count > limit {
        let kept: String = value.chars().take(limit).collect();
        let beyond = &value[kept.len()..];
        return beyond.chars().all(|c| c == ' ').then_some(kept);
    }
    let blanks = match fills {
        true => limit.saturating_sub(count),
        false => 0,
    };
    Some(format!("{value}{}", " ".repeat(blanks)))
}

impl ScalarUDFImpl for StoreAssignment {
    fn name(&self) -> &'static str {
        "store_assignment"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.column.data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let mut values = args.args;
        match values.pop() {
            Some(ColumnarValue::Scalar(value)) => {
                let stored = self.store(&value.to_array()?)?;
                let value = ScalarValue::try_from_array(&stored, 0)?;
                Ok(ColumnarValue::Scalar(value))
            }
            Some(array) => Ok(ColumnarValue::Array(self.store(&array.into_array(rows)?)?)),
            None => internal_err!("no value to store"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_filled_or_cut_where_only_blanks_go() {
        let varchar = |value| fit(value, TextLength::Varchar(3));
        assert_eq!(varchar("äöü").as_deref(), Some("äöü"));
        assert_eq!(varchar("ab  ").as_deref(), Some("ab "));
        assert_eq!(varchar("abcd"), None);
        let char = |value| fit(value, TextLength::Char(3));
        assert_eq!(char("a").as_deref(), Some("a  "));
        assert_eq!(char("abc   ").as_deref(), Some("abc"));
    }
}
