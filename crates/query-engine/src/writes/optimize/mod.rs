//! `OPTIMIZE`: the same rows in fewer files, or, with ZORDER BY, in files that each have values which
//! are near to each other.
//!
//! Sizes, bins and metrics are Spark's. Rows are read and written file by file, so what is in memory
//! does not grow with the table.

mod bins;
mod cluster;
mod metrics;
mod z_order;

use std::sync::Arc;

use delta_log::Snapshot;
use delta_log::actions::Add;
use delta_transaction::{Feature, TableLayout, Transaction};
use messages::Error;
use spark_dialect::Optimize;

use crate::dml::{Target, UnchangedRows, files_of_partitions};
use crate::errors::from_datafusion;
use crate::writes::errors::WriteError;
use crate::writes::optimize::bins::{Bin, Sizes, bins};
use crate::writes::optimize::cluster::{check_columns, cluster};
use crate::writes::optimize::metrics::Optimized;
use crate::writes::rewrite::in_columns;
use crate::writes::round::{Outcome, Round};
use crate::writes::staged_rows::StagedRows;

/// Rewrites the files that are worth it, and commits where there are any.
pub(crate) async fn optimize(
    round: &Round<'_>,
    statement: &Optimize,
) -> Result<Outcome, WriteError> {
    let started = round.environment().now();
    let snapshot = round.snapshot().await?;
    let mut transaction = round.begin(&snapshot)?;
    refuse_clustered(&snapshot, &round.table.location)?;
    let context = Arc::clone(&round.context);
    let target = Target::new(round.table.clone(), Arc::clone(&snapshot), context)?;
    let layout = TableLayout::new(snapshot.protocol(), snapshot.metadata())?;
    let columns = check_columns(&snapshot, &layout, &statement.zorder_by)?;
    let considered = match statement.partition_condition(&target.schema())? {
        Some(condition) => files_of_partitions(round.core, &target, &condition).await?,
        None => (0..snapshot.files().len()).collect(),
    };
    let sizes = Sizes::of(&round.core.session, &snapshot, &layout)?;
    let bins = bins(&snapshot, &considered, &sizes, !columns.is_empty())?;
    let mut adds = Vec::new();
    for bin in &bins {
        let written = match columns.is_empty() {
            true => compact(round, &target, &transaction, bin).await?,
            false => cluster(round, &target, &transaction, bin, &columns, sizes.max).await?,
        };
        adds.extend(written);
    }
    let files: Vec<usize> = bins.iter().flat_map(|bin| bin.files.clone()).collect();
    let removes = snapshot.files().adds(&files)?;
    let done = Optimized {
        adds: &adds,
        removes: &removes,
        bins: &bins,
        considered: considered.len(),
        is_z_ordered: !columns.is_empty(),
        snapshot: &snapshot,
        started,
        ended: round.environment().now(),
    };
    let answer = done
        .answer(&round.table.location)
        .map_err(|error| from_datafusion(&error.into()))?;
    let mut outcome = Outcome {
        rows: Some(answer),
        ..Outcome::default()
    };
    if removes.is_empty() {
        return Ok(outcome);
    }
    *transaction.operation() = done.operation(statement.condition(), &columns);
    for &file in &files {
        transaction
            .reads()
            .read_file(snapshot.files().raw_path(file));
    }
    transaction.remove(removes, false);
    transaction.add(adds);
    outcome.committed = Some(transaction.commit().await?);
    Ok(outcome)
}

/// Writes the rows of the bin's files, in their order, to one file.
async fn compact(
    round: &Round<'_>,
    target: &Target,
    transaction: &Transaction,
    bin: &Bin,
) -> Result<Vec<Add>, WriteError> {
    let columns: Vec<&str> = target.columns.iter().map(|c| c.name.as_str()).collect();
    let schema = target.schema();
    let mut rows = UnchangedRows::of_files(round.core, target, &bin.files, &columns).await?;
    let mut staged = StagedRows::of_size(round.core, transaction, u64::MAX, 1)?;
    while let Some(next) = rows.next().await {
        let written = match next {
            Ok((_, rows)) => match in_columns(&rows, &schema) {
                Ok(rows) => staged.write(&rows).await,
                Err(error) => Err(from_datafusion(&error.into()).into()),
            },
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            staged.abort().await;
            return Err(error);
        }
    }
    Ok(staged.finish(false).await?.moved())
}

fn refuse_clustered(snapshot: &Snapshot, location: &str) -> Result<(), Error> {
    if !Feature::Clustering.is_in(snapshot.protocol()) {
        return Ok(());
    }
    let message = format!(
        "{location} has liquid clustering, by which OPTIMIZE would have to lay out its rows; that is not supported yet."
    );
    Err(Error::new("UNSUPPORTED_FEATURE", message).with_hint("Run OPTIMIZE in Spark."))
}
