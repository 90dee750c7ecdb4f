//! Sums, differences and products of whole numbers, which overflow with an error, as in Spark.
//! DataFusion's own operators wrap around.

use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr_common::datum::apply;

/// `left op right` for operands of whole numbers; `None` for other types and operators.
pub(crate) fn checked(
    op: Operator,
    (left, left_type): (&Expr, &DataType),
    (right, right_type): (&Expr, &DataType),
) -> Option<Expr> {
    if !matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply) {
        return None;
    }
    let wider = wider(left_type, right_type)?;
    let operand = |expr: &Expr, own: &DataType| {
        if *own == wider {
            return expr.clone();
        }
        Expr::Cast(Cast::new(Box::new(expr.clone()), wider.clone()))
    };
    let arguments = vec![operand(left, left_type), operand(right, right_type)];
    let function = ScalarUDF::new_from_impl(Checked::new(op));
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(
        function.into(),
        arguments,
    )))
}

/// The type of the result: the wider of the two.
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
            _ => "multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [left, right] if left == right => Ok(left.clone()),
            _ => internal_err!("{} of {arguments:?}", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{}: {} arguments", self.name(), args.args.len());
        };
        match self.op {
            Operator::Plus => apply(left, right, numeric::add),
            Operator::Minus => apply(left, right, numeric::sub),
            _ => apply(left, right, numeric::mul),
        }
    }
}
