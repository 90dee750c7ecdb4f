//! The table that an operation works on, as of its latest version.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake::DeltaTable;
use deltalake::datafusion::common::DFSchema;
use deltalake::datafusion::execution::SessionState;
use deltalake::delta_datafusion::DeltaSessionContext;
use deltalake::kernel::EagerSnapshot;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::transaction::PROTOCOL;
use deltalake::operations::write::WriteBuilder;
use messages::Error;
use serde_json::Value;

use super::{Context, Failure};
use crate::commit_log::Before;
use crate::error::{not_found, unsupported};

/// A loaded table.
pub(super) struct Table {
    pub table: DeltaTable,
    pub snapshot: EagerSnapshot,
    /// All columns, in the table's order.
    pub schema: SchemaRef,
}

/// Loads the latest version, and refuses tables with features that can't be written.
pub(super) async fn load(context: &Context) -> Result<Table, Failure> {
    let mut table = DeltaTable::new(context.log_store());
    if !context.log_store().is_delta_table_location().await? {
        return Err(not_found(&context.location).into());
    }
    table.load().await?;
    let snapshot = table.snapshot()?.snapshot().clone();
    PROTOCOL
        .can_write_to(&snapshot)
        .map_err(deltalake::DeltaTableError::from)?;
    let mode = snapshot
        .metadata()
        .configuration()
        .get("delta.columnMapping.mode");
    if mode.is_some_and(|mode| mode != "none") {
        return Err(unsupported(&context.location, "columnMapping").into());
    }
    let schema = arrow_schema(&snapshot)?;
    Ok(Table {
        table,
        snapshot,
        schema,
    })
}

fn arrow_schema(snapshot: &EagerSnapshot) -> Result<SchemaRef, Error> {
    let schema: Schema = snapshot
        .schema()
        .as_ref()
        .try_into_arrow()
        .map_err(|e| Error::new("DELTA_WRITE_FAILED", format!("The table's schema: {e}")))?;
    Ok(Arc::new(schema))
}

impl Table {
    /// The same version of the table, seen through another snapshot.
    pub fn with_snapshot(self, snapshot: EagerSnapshot) -> Result<Self, Error> {
        let schema = arrow_schema(&snapshot)?;
        Ok(Self {
            snapshot,
            schema,
            ..self
        })
    }

    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    pub fn records_changes(&self) -> bool {
        self.snapshot
            .metadata()
            .configuration()
            .get("delta.enableChangeDataFeed")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The state that a commit starts from. `rewrites_rows` where it changes rows in place.
    pub fn before(&self, rewrites_rows: bool) -> Result<Before, Error> {
        let json = |value: Result<Value, serde_json::Error>| {
            value.map_err(|e| Error::new("INTERNAL_ERROR", e.to_string()))
        };
        Ok(Before {
            metadata: Some(json(serde_json::to_value(self.snapshot.metadata()))?),
            protocol: Some(json(serde_json::to_value(self.snapshot.protocol()))?),
            evolved: None,
            needs_change_data: rewrites_rows && self.records_changes(),
        })
    }

    pub fn partition_columns(&self) -> &[String] {
        self.snapshot.metadata().partition_columns()
    }

    /// Columns whose values the writer computes.
    pub fn generated_columns(&self) -> Vec<String> {
        self.snapshot
            .schema()
            .fields()
            .filter(|field| field.metadata().contains_key("delta.generationExpression"))
            .map(|field| field.name().clone())
            .collect()
    }

    /// The columns under an alias.
    pub fn qualified(&self, alias: &str) -> Result<DFSchema, Failure> {
        Ok(DFSchema::try_from_qualified_schema(
            deltalake::datafusion::common::TableReference::bare(alias),
            &self.schema,
        )?)
    }

    pub fn write(&self, context: &Context) -> WriteBuilder {
        WriteBuilder::new(context.log_store(), Some(self.snapshot.clone()))
            .with_session_state(Arc::new(session()))
            .with_commit_properties(commit_properties())
    }
}

/// A DataFusion session as delta-rs wants it, with text in the plain layout (views would end up in
/// the schema that Parquet files carry) and literals as in Spark: `2.5` is a decimal.
pub(super) fn session() -> SessionState {
    let overrides = [
        (
            "datafusion.execution.parquet.schema_force_view_types",
            "false",
        ),
        ("datafusion.execution.time_zone", "UTC"),
        (
            "datafusion.sql_parser.map_string_types_to_utf8view",
            "false",
        ),
        ("datafusion.sql_parser.parse_float_as_decimal", "true"),
    ];
    let overrides = overrides.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match DeltaSessionContext::new_with_session_overrides(&overrides.into()) {
        Ok(context) => context.state(),
        Err(error) => {
            tracing::error!(%error, "the session's options are not as expected");
            DeltaSessionContext::new().state()
        }
    }
}

/// Checkpoints are written as the table asks; old log entries stay, as the history is what people
/// come to look at.
pub(super) fn commit_properties() -> deltalake::kernel::transaction::CommitProperties {
    deltalake::kernel::transaction::CommitProperties::default()
        .with_cleanup_expired_logs(Some(false))
}
