//! Sums, differences, products of whole numbers and of decimals, and quotients of decimals, which
//! overflow with an error, as in Spark. DataFusion's own operators wrap around, or give decimals of
//! more digits than their type has.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use messages::Error;

/// `left op right` for operands of whole numbers and decimals; `None` for other types and
/// operators.
pub(crate) fn checked(
    op: Operator,
    (left, left_type): (&Expr, &DataType),
    (right, right_type): (&Expr, &DataType),
) -> Option<Expr> {
    let whole = wider(left_type, right_type).map(|wider| (wider.clone(), wider));
    let (left_as, right_as) = match op {
        Operator::Plus | Operator::Minus | Operator::Multiply => {
            whole.or_else(|| decimals(left_type, op, right_type))?
        }
        Operator::Divide => decimals(left_type, op, right_type)?,
        _ => return None,
    };
    let operand = |expr: &Expr, own: &DataType, wanted: DataType| {
        if *own == wanted {
            return expr.clone();
        }
        Expr::Cast(Cast::new(Box::new(expr.clone()), wanted))
    };
    let arguments = vec![
        operand(left, left_type, left_as),
        operand(right, right_type, right_as),
    ];
    let function = ScalarUDF::new_from_impl(Checked::new(op));
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(
        function.into(),
        arguments,
    )))
}

/// The types of the operands, where at least one of them is a decimal and the other one a decimal or
/// a whole number.
fn decimals(left: &DataType, op: Operator, right: &DataType) -> Option<(DataType, DataType)> {
    let is_decimal = |data_type: &DataType| matches!(data_type, DataType::Decimal128(..));
    let fits = |data_type: &DataType| is_decimal(data_type) || data_type.is_signed_integer();
    if !(is_decimal(left) || is_decimal(right)) || !(fits(left) && fits(right)) {
        return None;
    }
    let (left, right) = BinaryTypeCoercer::new(left, &op, right)
        .get_input_types()
        .ok()?;
    (is_decimal(&left) && is_decimal(&right)).then_some((left, right))
}

/// The type of two whole numbers together: the wider of the two.
fn wider(left: &DataType, right: &DataType) -> Option<DataType> {
    const BY_WIDTH: [DataType; 4] = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
    ];
    let width = |data_type| BY_WIDTH.iter().position(|known| known == data_type);
    BY_WIDTH.get(width(left)?.max(width(right)?)).cloned()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Operator,
    signature: Signature,
}

impl Checked {
    fn new(op: Operator) -> Self {
        let signature = Signature::any(2, Volatility::Immutable);
        Self { op, signature }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.op {
            Operator::Plus => "add",
            Operator::Minus => "subtract",
            Operator::Multiply => "multiply",
            _ => "divide",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [
                left @ DataType::Decimal128(..),
                right @ DataType::Decimal128(..),
            ] => BinaryTypeCoercer::new(left, &self.op, right).get_result_type(),
            [left, right] if left == right => Ok(left.clone()),
            _ => internal_err!("{} of {arguments:?}", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{}: {} arguments", self.name(), args.args.len());
        };
        let result = match self.op {
            Operator::Plus => apply(left, right, numeric::add),
            Operator::Minus => apply(left, right, numeric::sub),
            Operator::Multiply => apply(left, right, numeric::mul),
            _ => apply(left, right, numeric::div),
        }?;
        check_digits(&result)?;
        Ok(result)
    }
}

/// Arrow's arithmetic gives decimals whatever 128 bits hold, and that is more than 38 digits.
fn check_digits(result: &ColumnarValue) -> Result<()> {
    let DataType::Decimal128(DECIMAL128_MAX_PRECISION, _) = result.data_type() else {
        return Ok(());
    };
    let values = result.to_array(1)?;
    values
        .as_primitive::<Decimal128Type>()
        .validate_decimal_precision(DECIMAL128_MAX_PRECISION)
        .map_err(|_| {
            let message = "The result has more than 38 digits, and no decimal has more.";
            let error = Error::new("ARITHMETIC_OVERFLOW", message)
                .with_hint("CAST(… AS DOUBLE) has room for it, but is not exact.");
            DataFusionError::External(Box::new(error))
        })
}
