//! The rows that stay in files which lose some of theirs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{LogicalPlanBuilder, ident};
use futures::StreamExt;
use messages::Error;
use roaring::RoaringTreemap;
use spark_dialect::TARGET;

use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::{Planned, start};
use crate::tables::target_table::FILE;

/// Rows of a table, file by file, in the columns and types that the statement read.
pub struct UnchangedRows {
    rows: Option<SendableRecordBatchStream>,
    ready: VecDeque<(usize, RecordBatch)>,
}

impl UnchangedRows {
    pub(crate) fn none() -> Self {
        Self {
            rows: None,
            ready: VecDeque::new(),
        }
    }

    /// The rows of the files in `touched` that are in none of the sets.
    pub(crate) async fn start(
        core: &EngineCore,
        target: &Target,
        touched: [&BTreeMap<usize, RoaringTreemap>; 2],
    ) -> Result<Self, Error> {
        let files = target.snapshot.files();
        let mut rest: BTreeMap<usize, RoaringTreemap> = BTreeMap::new();
        for (file, rows) in touched.into_iter().flatten() {
            let gone = rest.entry(*file).or_default();
            gone.extend(rows);
        }
        rest.retain(|file, gone| files.num_records(*file) != Some(gone.len()));
        let columns: Vec<&str> = target.columns.iter().map(|c| c.name.as_str()).collect();
        Self::start_with(core, target, rest, &columns).await
    }

    /// All rows of some files, by their positions, in these columns.
    pub(crate) async fn of_files(
        core: &EngineCore,
        target: &Target,
        files: &[usize],
        columns: &[&str],
    ) -> Result<Self, Error> {
        let files = files.iter().map(|file| (*file, RoaringTreemap::new()));
        Self::start_with(core, target, files.collect(), columns).await
    }

    /// The rows of the files in `rest` that are not in its sets.
    async fn start_with(
        core: &EngineCore,
        target: &Target,
        rest: BTreeMap<usize, RoaringTreemap>,
        columns: &[&str],
    ) -> Result<Self, Error> {
        if rest.is_empty() {
            return Ok(Self::none());
        }
        let rows = target.rows()?.rest_of(rest);
        let columns = columns.iter().copied().map(ident);
        let columns: Vec<_> = [ident(FILE)].into_iter().chain(columns).collect();
        let plan = LogicalPlanBuilder::scan(TARGET, provider_as_source(Arc::new(rows)), None)
            .and_then(|plan| plan.project(columns))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| from_datafusion(&error))?;
        let state = core.session.statement_state();
        let planned = Planned { state, plan };
        let physical = planned.physical().await?;
        Ok(Self {
            rows: Some(start(&physical, &planned.state, &core.yield_timer)?),
            ready: VecDeque::new(),
        })
    }

    /// The position of a file in [`Snapshot::files`](delta_log::Snapshot::files), and some of the rows
    /// that it keeps, in the table's columns; `None` at the end. Rows of a file come together, and in
    /// their order.
    ///
    /// # Errors
    /// Whatever keeps the files from being read.
    pub async fn next(&mut self) -> Option<Result<(usize, RecordBatch), Error>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Some(Ok(rows));
            }
            let batch = self.rows.as_mut()?.next().await?;
            let taken = batch.and_then(|batch| self.take(&batch));
            if let Err(error) = taken {
                *self = Self::none();
                return Some(Err(from_datafusion(&error)));
            }
        }
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let (file, columns) = (
            batch.column(0),
            (1..batch.num_columns()).collect::<Vec<_>>(),
        );
        let files = file.as_primitive_opt::<Int64Type>();
        let files = files.filter(|files| files.null_count() == 0);
        let files = files.ok_or_else(|| internal_datafusion_err!("a row without a place"))?;
        let rows = batch.project(&columns)?;
        let mut start = 0;
        while let Some(&file) = files.values().get(start) {
            let run = files.values()[start..].iter().take_while(|f| **f == file);
            let count = run.count();
            let position = usize::try_from(file);
            let position = position.map_err(|_| internal_datafusion_err!("a file of {file}"))?;
            self.ready.push_back((position, rows.slice(start, count)));
            start = start.saturating_add(count);
        }
        Ok(())
    }
}

impl fmt::Debug for UnchangedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnchangedRows").finish_non_exhaustive()
    }
}
