//! Points in time that a statement names, evaluated.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use datafusion::sql::parser::Statement as SqlStatement;
use delta_log::{ChangeBound, TimeTravel};
use messages::Error;
use spark_dialect::{TimestampExpr, VersionSpec};

use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::collect_statement;

/// The version that a table reference asks for.
pub(crate) async fn time_travel(core: &EngineCore, at: &VersionSpec) -> Result<TimeTravel, Error> {
    Ok(match at {
        VersionSpec::Version(version) => TimeTravel::Version(*version),
        VersionSpec::Timestamp(moment) => TimeTravel::Timestamp(millis(core, moment).await?),
    })
}

/// A bound of a change feed.
pub(crate) async fn change_bound(
    core: &EngineCore,
    at: &VersionSpec,
) -> Result<ChangeBound, Error> {
    Ok(match at {
        VersionSpec::Version(version) => ChangeBound::Version(*version),
        VersionSpec::Timestamp(moment) => ChangeBound::Timestamp(millis(core, moment).await?),
    })
}

/// Milliseconds since the epoch.
pub(crate) async fn millis(core: &EngineCore, moment: &TimestampExpr) -> Result<i64, Error> {
    if let TimestampExpr::Millis(millis) = moment {
        return Ok(*millis);
    }
    let statement = SqlStatement::Statement(Box::new(moment.to_statement()));
    let batches = collect_statement(core, statement).await?;
    let wanted = DataType::Timestamp(TimeUnit::Millisecond, None);
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let value =
            cast(batch.column(0), &wanted).map_err(|error| from_datafusion(&error.into()))?;
        let value = value.as_primitive::<TimestampMillisecondType>();
        if let Some(Some(millis)) = value.iter().next() {
            return Ok(millis);
        }
    }
    Err(Error::new(
        "INVALID_TIMESTAMP_EXPRESSION",
        "The timestamp to travel to is NULL.",
    )
    .with_hint("Write it like TIMESTAMP AS OF '2026-11-23 10:00:00' (UTC)."))
}
