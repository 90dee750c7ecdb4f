//! A condition on the partitions of a table, as OPTIMIZE has one.

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable};
use messages::Error;
use spark_dialect::Query;

use arrow::datatypes::DataType;

use crate::dml::constraints::strip_qualifiers;
use crate::dml::row_expressions::{expressions_of, row_schema};
use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::scan::pruning::{has_subquery, select};

/// The positions of the files whose partitions meet a condition, ascending.
///
/// # Errors
/// Those of planning; `DELTA_NON_PARTITION_COLUMN_REFERENCE` for a condition that partition values alone
/// do not decide.
pub(crate) async fn files_of_partitions(
    core: &EngineCore,
    target: &Target,
    condition: &Query,
) -> Result<Vec<usize>, Error> {
    let mut expressions = expressions_of(core, &target.columns, condition).await?;
    let condition = expressions
        .pop()
        .ok_or_else(|| Error::new("INTERNAL_ERROR", "An expression is missing."))?;
    let condition = strip_qualifiers(condition).map_err(|error| from_datafusion(&error))?;
    check(target, &condition)?;
    let state = core.session.statement_state();
    let selection = select(&target.snapshot, &[condition], &state);
    Ok(selection.map_err(|error| from_datafusion(&error))?.files)
}

fn check(target: &Target, condition: &Expr) -> Result<(), Error> {
    if has_subquery(condition) || condition.is_volatile() {
        return Err(Error::new(
            "DELTA_UNSUPPORTED_SUBQUERY_IN_PARTITION_PREDICATES",
            "The condition on partitions has a subquery, or a function that answers differently each time.",
        )
        .with_hint("Write the partition's values into the condition."));
    }
    let partitions = target.snapshot.partition_columns();
    let columns = condition.column_refs();
    let mut others = columns.iter().filter(|c| !partitions.contains(&c.name));
    if let Some(other) = others.next() {
        let known = match partitions.is_empty() {
            true => "The table is not partitioned; leave out WHERE.".to_owned(),
            false => format!("It is partitioned by {}.", partitions.join(", ")),
        };
        return Err(Error::new(
            "DELTA_NON_PARTITION_COLUMN_REFERENCE",
            format!(
                "The condition names {}, which is not a partition column: files are chosen by whole partitions.",
                other.name
            ),
        )
        .with_hint(known));
    }
    let schema = DFSchema::try_from(row_schema(&target.columns));
    let data_type = schema.and_then(|schema| condition.get_type(&schema));
    match data_type.map_err(|error| from_datafusion(&error))? {
        DataType::Boolean | DataType::Null => Ok(()),
        other => Err(Error::new(
            "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
            format!("The condition on partitions is a {other}, not a boolean."),
        )),
    }
}
