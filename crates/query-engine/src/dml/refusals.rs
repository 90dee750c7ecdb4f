//! Conditions that Spark refuses.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use messages::Error;

use crate::errors::from_datafusion;
use crate::scan::pruning::has_subquery;

/// Refuses a condition that may answer differently each time it is asked for the same row.
///
/// # Errors
/// `DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED`.
pub(crate) fn refuse_volatile(condition: &Expr, statement: &str) -> Result<(), Error> {
    if !condition.is_volatile() {
        return Ok(());
    }
    Err(Error::new(
        "DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED",
        format!(
            "A condition of this {statement} calls a function, such as rand(), that answers \
             differently each time it is called."
        ),
    )
    .with_hint("Compute the value first, in a column of a table or of the source of a MERGE."))
}

/// Refuses a table's own rule (a constraint, a generated column) whose answer depends on more than the
/// row, such as the time of the day.
///
/// # Errors
/// `UNSUPPORTED_FEATURE`.
pub(crate) fn refuse_changing_rule(rule: &Expr) -> Result<(), Error> {
    let mut function = None;
    let walked = rule.apply(|node| {
        if let Expr::ScalarFunction(call) = node
            && call.func.signature().volatility != Volatility::Immutable
        {
            function = Some(call.func.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|error| from_datafusion(&error))?;
    match function {
        None => Ok(()),
        Some(function) => Err(Error::new(
            "UNSUPPORTED_FEATURE",
            format!(
                "The table has a constraint or a generated column that calls {function}(): a rule \
                 whose answer changes with time is not supported for writing."
            ),
        )),
    }
}

/// Refuses what needs more than the row at hand: aggregates and window functions.
///
/// # Errors
/// `UNSUPPORTED_EXPR_FOR_OPERATOR`.
pub(crate) fn refuse_aggregates(plan: &LogicalPlan) -> Result<(), Error> {
    let LogicalPlan::Projection(projection) = plan else {
        return Ok(());
    };
    match projection.input.as_ref() {
        LogicalPlan::Window(_) | LogicalPlan::Aggregate(_) => Err(Error::new(
            "UNSUPPORTED_EXPR_FOR_OPERATOR",
            "An aggregate or a window function has no place here: there is one row at a time.",
        )
        .with_hint("Compute it in the source of a MERGE.")),
        _ => Ok(()),
    }
}

/// Refuses volatile conditions among the filters of a plan.
///
/// # Errors
/// Those of [`refuse_volatile`].
pub(crate) fn refuse_volatile_filters(plan: &LogicalPlan, statement: &str) -> Result<(), Error> {
    let mut refusal = Ok(());
    plan.apply(|node| {
        if let LogicalPlan::Filter(filter) = node {
            refusal = refuse_volatile(&filter.predicate, statement);
        }
        Ok(match refusal {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(_) => TreeNodeRecursion::Stop,
        })
    })
    .map_err(|error| from_datafusion(&error))?;
    refusal
}

/// Refuses a subquery in an expression that is not a filter.
///
/// # Errors
/// `UNSUPPORTED_FEATURE`.
pub(crate) fn refuse_subquery(expr: &Expr, statement: &str) -> Result<(), Error> {
    if !has_subquery(expr) {
        return Ok(());
    }
    Err(Error::new(
        "UNSUPPORTED_FEATURE",
        format!("A subquery in the clauses of a {statement} is not supported."),
    )
    .with_hint("Put what it looks for into the source, with a join."))
}
