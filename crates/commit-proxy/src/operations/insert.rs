//! `INSERT INTO`, `INSERT OVERWRITE`, `INSERT INTO … REPLACE WHERE`.

use arrow::array::RecordBatch;
use deltalake::datafusion::common::ToDFSchema;
use deltalake::datafusion::logical_expr::Expr;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use messages::Error;
use messages::commit::InsertMode;
use serde_json::{Map, Value, json};

use super::table::{self, Table};
use super::{Context, Failure, constraints, evolve};
use crate::commit_info::{Metrics, Provenance, json_string};
use crate::expression::Scope;
use crate::schema::{Conform, conform};
use crate::source::Source;

pub(super) async fn insert(
    context: &Context,
    mode: InsertMode,
    merge_schema: bool,
    source: Source,
) -> Result<(), Failure> {
    let table = table::load(context).await?;
    let overwrite_schema = matches!(
        mode,
        InsertMode::Overwrite {
            overwrite_schema: true
        }
    );
    let computed = table.generated_columns();
    // With generated columns the rows lack columns on purpose, and the schema stays as it is.
    let evolves = merge_schema && !overwrite_schema && computed.is_empty();
    let how = Conform {
        table: (!overwrite_schema).then_some(table.schema.as_ref()),
        merge_schema: evolves,
        computed: &computed,
    };
    let (schema, mut batches) = conform(&source.schema, &source.batches, &how)?;
    batches.retain(|batch| batch.num_rows() > 0);
    let (table, evolved) = if evolves {
        evolve::evolve(context, table, &schema).await?
    } else {
        (table, None)
    };

    let state = table::session();
    if !overwrite_schema && computed.is_empty() {
        constraints::check(context, &state, &table, &batches)?;
    }
    let replaced = match &mode {
        InsertMode::ReplaceWhere { predicate } => {
            Some(replace_where(context, &table, predicate, &batches)?)
        }
        InsertMode::Append | InsertMode::Overwrite { .. } => None,
    };

    let append = mode == InsertMode::Append;
    let mut before = table
        .before(matches!(mode, InsertMode::ReplaceWhere { .. }) && rewrites(&table, &replaced))?;
    before.evolved = evolved;
    context.log.describe(
        Provenance {
            operation: "WRITE",
            parameters: parameters(&mode, &table, merge_schema),
            metrics: Metrics::Write { removes: !append },
            read_version: Some(table.version()),
            is_blind_append: append,
        },
        before,
    );

    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    let mut write = table
        .write(context)
        .with_input_batches(batches)
        .with_save_mode(if append {
            SaveMode::Append
        } else {
            SaveMode::Overwrite
        });
    if overwrite_schema {
        write = write.with_schema_mode(SchemaMode::Overwrite);
    }
    if let Some(predicate) = replaced {
        write = write.with_replace_where(predicate);
    }
    write.await?;
    Ok(())
}

/// Whether rows of files that stay in part are replaced: the change feed can't tell from the files.
/// Where only partition columns decide, whole files go.
fn rewrites(table: &Table, predicate: &Option<Expr>) -> bool {
    predicate.as_ref().is_some_and(|predicate| {
        predicate
            .column_refs()
            .iter()
            .any(|c| !table.partition_columns().contains(&c.name))
    })
}

/// The condition, once every row of the source is known to meet it.
fn replace_where(
    context: &Context,
    table: &Table,
    text: &str,
    batches: &[RecordBatch],
) -> Result<Expr, Failure> {
    let state = table::session();
    let scope = Scope::new(
        &state,
        table.schema.as_ref().clone().to_dfschema()?,
        context.now,
    );
    let predicate = scope.predicate(text)?;
    if let Some(violation) = constraints::first_violation(&state, &predicate, batches)? {
        let values: Vec<String> = violation
            .values
            .iter()
            .map(|(column, value)| format!("{column} = {value}"))
            .collect();
        return Err(Error::new(
            "DELTA_REPLACE_WHERE_MISMATCH",
            format!(
                "Nothing was written: row {} does not meet the REPLACE WHERE condition ({text}), with {}.",
                violation.row,
                values.join(", ")
            ),
        )
        .with_hint("Every new row must meet the condition; filter the query with the same WHERE.")
        .with_columns(constraints::problems(text, &violation))
        .into());
    }
    Ok(predicate)
}

fn parameters(mode: &InsertMode, table: &Table, merge_schema: bool) -> Map<String, Value> {
    let mut parameters = Map::new();
    let name = if *mode == InsertMode::Append {
        "Append"
    } else {
        "Overwrite"
    };
    parameters.insert("mode".into(), json!(name));
    if let InsertMode::ReplaceWhere { predicate } = mode {
        parameters.insert("predicate".into(), json!(predicate));
    }
    parameters.insert(
        "partitionBy".into(),
        json_string(&json!(table.partition_columns())),
    );
    if merge_schema {
        parameters.insert("canMergeSchema".into(), json!("true"));
    }
    if matches!(
        mode,
        InsertMode::Overwrite {
            overwrite_schema: true
        }
    ) {
        parameters.insert("canOverwriteSchema".into(), json!("true"));
    }
    parameters
}
