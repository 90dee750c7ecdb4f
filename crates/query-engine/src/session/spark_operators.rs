//! Operators whose meaning in Spark depends on their operands' types.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, Operator, binary_expr, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use messages::Error;

use crate::session::checked_arithmetic::checked;

/// Gives Spark's meaning to `/` and `DIV` of integers and to `array[0]`, lets whole numbers and
/// decimals overflow with an error, and refuses what Spark refuses.
///
/// Must be asked before DataFusion's own planners: put it first in
/// `SessionStateBuilder::with_expr_planners`, followed by
/// `SessionStateDefaults::default_expr_planners()`.
#[derive(Debug, Default)]
pub struct SparkExprPlanner;

impl ExprPlanner for SparkExprPlanner {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        match op {
            // 7 / 2 is 3.5.
            BinaryOperator::Divide => {
                let whole = |expr: &Expr| {
                    expr.get_type(schema)
                        .is_ok_and(|t| t.is_integer() || t.is_null())
                };
                if whole(&left) && whole(&right) {
                    return Ok(PlannerResult::Planned(binary_expr(
                        cast(left, DataType::Float64),
                        Operator::Divide,
                        cast(right, DataType::Float64),
                    )));
                }
            }
            // A whole number, whatever the operands are.
            BinaryOperator::MyIntegerDivide => {
                let quotient = binary_expr(left, Operator::Divide, right);
                return Ok(PlannerResult::Planned(cast(quotient, DataType::Int64)));
            }
            BinaryOperator::Plus | BinaryOperator::Minus => {
                let (l, r) = (left.get_type(schema), right.get_type(schema));
                if let (Ok(l), Ok(r)) = (l, r)
                    && (is_string(&l) && is_interval(&r) || is_string(&r) && is_interval(&l))
                {
                    let error = Error::new(
                        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
                        format!("A string and an interval can't be combined with {op}."),
                    )
                    .with_hint("Write TIMESTAMP or DATE before the string: TIMESTAMP'2026-01-01'.");
                    return Err(DataFusionError::External(Box::new(error)));
                }
            }
            _ => {}
        }
        let operator = match op {
            BinaryOperator::Plus => Some(Operator::Plus),
            BinaryOperator::Minus => Some(Operator::Minus),
            BinaryOperator::Multiply => Some(Operator::Multiply),
            BinaryOperator::Divide => Some(Operator::Divide),
            _ => None,
        };
        if let Some(operator) = operator
            && let (Ok(l), Ok(r)) = (left.get_type(schema), right.get_type(schema))
            && let Some(checked) = checked(operator, (&left, &l), (&right, &r))
        {
            return Ok(PlannerResult::Planned(checked));
        }
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }

    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = expr;
        let field_access = match field_access {
            // Spark counts from 0, DataFusion from 1.
            GetFieldAccess::ListIndex { key }
                if matches!(
                    expr.get_type(schema),
                    Ok(DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
                ) =>
            {
                let key = binary_expr(*key, Operator::Plus, lit(1_i64));
                GetFieldAccess::ListIndex { key: Box::new(key) }
            }
            other => other,
        };
        Ok(PlannerResult::Original(RawFieldAccessExpr {
            field_access,
            expr,
        }))
    }
}

fn is_string(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_))
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), data_type))
}
