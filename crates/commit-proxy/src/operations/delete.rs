//! `DELETE FROM`.

use std::sync::Arc;

use deltalake::datafusion::common::ToDFSchema;
use serde_json::{Map, Value, json};

use super::table::{self, commit_properties};
use super::{Context, Failure};
use crate::commit_info::{Metrics, Provenance, json_string, predicates};
use crate::expression::Scope;

pub(super) async fn delete(context: &Context, predicate: Option<&str>) -> Result<(), Failure> {
    let table = table::load(context).await?;
    let state = table::session();
    let condition = match predicate {
        None => None,
        Some(text) => {
            let schema = table.schema.as_ref().clone().to_dfschema()?;
            Some(Scope::new(&state, schema, context.now).predicate(text)?)
        }
    };
    let mut parameters: Map<String, Value> = Map::new();
    let logged = match predicate {
        Some(_) => predicates(predicate),
        None => json_string(&json!(["true"])),
    };
    parameters.insert("predicate".into(), logged);
    context.log.describe(
        Provenance {
            operation: "DELETE",
            parameters,
            metrics: Metrics::Delete,
            read_version: Some(table.version()),
            is_blind_append: false,
        },
        table.before(condition.is_some())?,
    );
    let mut delete = table
        .table
        .delete()
        .with_session_state(Arc::new(state))
        .with_commit_properties(commit_properties());
    if let Some(condition) = condition {
        delete = delete.with_predicate(condition);
    }
    delete.await?;
    Ok(())
}
