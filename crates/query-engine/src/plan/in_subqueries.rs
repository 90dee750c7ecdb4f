//! `x IN (SELECT …)` in three values.
//!
//! DataFusion joins with the subquery, which tells whether a row is found and not whether the answer is
//! NULL: so `NOT IN`, and `IN` within NOT or CASE, would take rows for which the condition is NULL. Here
//! they are put together from EXISTS, which is never NULL:
//!
//! ```text
//! found:   EXISTS (SELECT … y = x)
//! unknown: EXISTS (SELECT … y IS NULL) OR (x IS NULL AND EXISTS (SELECT …))
//! x IN (SELECT y …)  =  CASE WHEN found THEN true WHEN unknown THEN NULL ELSE false END
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, not_impl_err};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit,
};

use crate::scan::pruning::has_subquery;

/// The same plan, whose filters, those of subqueries too, answer NULL where SQL does.
///
/// # Errors
/// `NotImplemented` where the subquery's operand has a subquery itself.
pub(crate) fn with_exact_in(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Filter(filter) if has_subquery(&filter.predicate) => {
            let predicate = where_true(filter.predicate, filter.input.schema())?;
            let filter = Filter::try_new(predicate, filter.input)?;
            Ok(Transformed::yes(LogicalPlan::Filter(filter)))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}

/// A condition that is true of the same rows, and may be false where `condition` is NULL.
fn where_true(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    if !has_subquery(&condition) {
        return Ok(condition);
    }
    match condition {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::And | Operator::Or),
            right,
        }) => {
            let left = where_true(*left, schema)?;
            let right = where_true(*right, schema)?;
            Ok(Expr::BinaryExpr(BinaryExpr::new(
                left.into(),
                op,
                right.into(),
            )))
        }
        Expr::Not(inner) => where_true_of_not(*inner, schema),
        // Without NOT, to be found is to be true.
        Expr::InSubquery(asked) if !asked.negated => Ok(Expr::InSubquery(asked)),
        Expr::InSubquery(asked) => {
            let Parts { found, unknown } = Parts::of(&asked, schema)?;
            Ok(not(found).and(not(unknown)))
        }
        other => exact(other, schema),
    }
}

/// [`where_true`] of `NOT inner`.
fn where_true_of_not(inner: Expr, schema: &DFSchema) -> Result<Expr> {
    match inner {
        Expr::Not(inner) => where_true(*inner, schema),
        Expr::InSubquery(asked) => {
            let negated = !asked.negated;
            where_true(Expr::InSubquery(InSubquery { negated, ..asked }), schema)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::And | Operator::Or) =>
        {
            let op = match op {
                Operator::And => Operator::Or,
                _ => Operator::And,
            };
            let left = where_true_of_not(*left, schema)?;
            let right = where_true_of_not(*right, schema)?;
            Ok(Expr::BinaryExpr(BinaryExpr::new(
                left.into(),
                op,
                right.into(),
            )))
        }
        other => Ok(Expr::Not(Box::new(exact(other, schema)?))),
    }
}

/// An expression of the same value, NULL included.
fn exact(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.transform_up(|node| match node {
        Expr::InSubquery(asked) => {
            let Parts { found, unknown } = Parts::of(&asked, schema)?;
            let branches = [
                (found, lit(!asked.negated)),
                (unknown, Expr::Literal(ScalarValue::Boolean(None), None)),
            ];
            let branches = branches.map(|(when, then)| (Box::new(when), Box::new(then)));
            Ok(Transformed::yes(Expr::Case(Case {
                expr: None,
                when_then_expr: branches.into(),
                else_expr: Some(Box::new(lit(asked.negated))),
            })))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}

/// The two conditions, neither of them ever NULL, that `IN` is made of.
struct Parts {
    found: Expr,
    unknown: Expr,
}

impl Parts {
    /// `schema`: the columns that the operand is over.
    fn of(asked: &InSubquery, schema: &DFSchema) -> Result<Self> {
        if has_subquery(&asked.expr) && !only_outer(&asked.expr) {
            return not_impl_err!("A subquery on both sides of IN is not supported");
        }
        // Under a name of its own: a query within another may call its table as that one does.
        let selected = asked.subquery.subquery.as_ref().clone();
        let value = Expr::Column(Column::from(selected.schema().qualified_field(0)));
        let name = unique_name();
        let selected = LogicalPlanBuilder::from(selected)
            .project([value.alias(&name)])?
            .build()?;
        let value = Expr::Column(Column::new_unqualified(name));
        let operand = from_within(asked.expr.as_ref().clone(), schema)?;
        let where_is = |condition: Expr| {
            let plan = LogicalPlanBuilder::from(selected.clone());
            exists(plan.filter(condition)?.build()?, &asked.subquery)
        };
        let is_null = asked.expr.as_ref().clone().is_null();
        let any = exists(selected.clone(), &asked.subquery)?;
        Ok(Self {
            found: where_is(value.clone().eq(operand))?,
            unknown: where_is(value.is_null())?.or(is_null.and(any)),
        })
    }
}

/// Whether what looks like a subquery is only a column of a query further out.
fn only_outer(expr: &Expr) -> bool {
    let mut found = false;
    let walked = expr.apply(|node| {
        found |= matches!(
            node,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
        );
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && !found
}

/// An expression over the columns of a query, as a subquery of it sees it.
fn from_within(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.transform_up(|node| match node {
        Expr::Column(column) => {
            let position = schema.index_of_column(&column)?;
            let field = Arc::clone(schema.field(position));
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}

fn exists(plan: LogicalPlan, like: &Subquery) -> Result<Expr> {
    let outer_ref_columns = plan.all_out_ref_exprs();
    let subquery = Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns,
        spans: like.spans.clone(),
    };
    Ok(Expr::Exists(Exists {
        subquery,
        negated: false,
    }))
}

fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("\u{1e}in{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Exists(Exists { subquery, negated }) => Expr::Exists(Exists {
            subquery,
            negated: !negated,
        }),
        other => Expr::Not(Box::new(other)),
    }
}
