//! The rows that a statement changes, as they are computed.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::Int32Array;
use arrow::array::{AsArray, BooleanArray, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::{Int32Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::DataFusionError;
use delta_log::schema::StructType;
use futures::StreamExt;
use messages::Error;
use spark_dialect::MergeWhen;

use crate::dml::conform::cast::checked_cast;
use crate::dml::constraints::Constraints;
use crate::dml::identity::IdentityNumbers;
use crate::dml::overwritten::{OverwriteRead, Overwritten};
use crate::dml::positions::Positions;
use crate::dml::stage::{Action, ActionKind, Layout, Stage};
use crate::dml::table_columns::table_columns;
use crate::dml::target::Target;
use crate::dml::touched_rows::{ChangedRows, RowCounts, RowKind, TouchedRows};
use crate::dml::unchanged_rows::UnchangedRows;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::run::yielding::YieldTimer;
use crate::tables::target_table::TargetRead;

/// A statement that changes rows, while it computes them.
///
/// Take [`Self::next`] until it answers `None`; then [`Self::finish`] tells what has to go. Rows are
/// computed as they are taken, and none is kept: what grows with the table is the set of places, which
/// counts against the engine's memory limit.
pub struct RowChange {
    schema: Arc<StructType>,
    arrow_schema: SchemaRef,
    stages: VecDeque<Stage>,
    constraints: Constraints,
    identities: IdentityNumbers,
    deleted: Positions,
    updated: Positions,
    overwritten: Overwritten,
    counts: RowCounts,
    source: Arc<AtomicU64>,
    target: Option<Target>,
    ready: VecDeque<ChangedRows>,
    yield_timer: Arc<YieldTimer>,
}

impl RowChange {
    /// The rows of `stages`, one after the other, of a table that has the columns of `schema` after the
    /// statement. Those that are to be written must meet `constraints`.
    pub(crate) fn new(
        core: &EngineCore,
        schema: Arc<StructType>,
        stages: Vec<Stage>,
        constraints: Constraints,
    ) -> Self {
        let pool = core.session.memory_pool();
        Self {
            arrow_schema: schema.to_arrow(),
            schema,
            stages: stages.into(),
            constraints,
            identities: IdentityNumbers::default(),
            deleted: Positions::new(&pool),
            updated: Positions::new(&pool),
            overwritten: Overwritten::Nothing,
            counts: RowCounts::default(),
            source: Arc::default(),
            target: None,
            ready: VecDeque::new(),
            yield_timer: Arc::clone(&core.yield_timer),
        }
    }

    /// The same, where the new rows replace whole files.
    pub(crate) fn overwriting(self, overwritten: Overwritten) -> Self {
        Self {
            overwritten,
            ..self
        }
    }

    /// The same, with a count of the source's rows, complete when its rows are.
    pub(crate) fn counting(self, source: Arc<AtomicU64>) -> Self {
        Self { source, ..self }
    }

    /// The same, of a table that is there.
    ///
    /// # Errors
    /// Those of [`table_columns`].
    pub(crate) fn of(self, target: Target) -> Result<Self, Error> {
        Ok(Self {
            identities: IdentityNumbers::of(&table_columns(&self.schema)?),
            target: Some(target),
            ..self
        })
    }

    /// The last number of each identity column that new rows have got some in, by its name. Complete
    /// once [`Self::next`] has answered `None`.
    pub(crate) fn high_water_marks(&self) -> BTreeMap<String, i64> {
        self.identities.high_water_marks()
    }

    /// What of the table was read; `None` where nothing was.
    #[allow(
        dead_code,
        reason = "for the transaction, which looks for conflicts with others"
    )]
    pub(crate) fn target_read(&self) -> Option<&TargetRead> {
        self.target.as_ref()?.read.get()
    }

    /// What INSERT OVERWRITE takes the place of. Complete once [`Self::next`] has answered `None`.
    pub(crate) fn overwrite_read(&self) -> Option<OverwriteRead> {
        self.overwritten.read()
    }

    /// The rows that stay in the files that lose some: what a file that takes the place of another has
    /// to have beside the new rows. Files that lose all their rows are not read. Complete once
    /// [`Self::next`] has answered `None`.
    ///
    /// # Errors
    /// Those of planning.
    pub(crate) async fn unchanged(&mut self, core: &EngineCore) -> Result<UnchangedRows, Error> {
        let Some(target) = &self.target else {
            return Ok(UnchangedRows::none());
        };
        let sets = [&self.deleted, &self.updated].map(Positions::by_file);
        UnchangedRows::start(core, target, sets).await
    }

    /// The table's columns after the statement.
    pub fn schema(&self) -> &Arc<StructType> {
        &self.schema
    }

    /// The next rows; `None` at the end. Nothing follows an error.
    ///
    /// # Errors
    /// Whatever keeps rows from being computed or written: values that do not fit their columns,
    /// constraints, a MERGE that changes one row twice.
    pub async fn next(&mut self) -> Option<Result<ChangedRows, Error>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Some(Ok(rows));
            }
            self.yield_timer.yield_if_due().await;
            let stage = self.stages.front_mut()?;
            let taken = match stage.rows.next().await {
                Some(Ok(rows)) => {
                    let (layout, actions) = (stage.layout.clone(), Arc::clone(&stage.actions));
                    self.take(&rows, &layout, &actions)
                }
                Some(Err(error)) => Err(from_datafusion(&error)),
                None => {
                    self.stages.pop_front();
                    continue;
                }
            };
            if let Err(error) = taken {
                self.stages.clear();
                self.ready.clear();
                return Some(Err(error));
            }
        }
    }

    /// What the statement touches of the version that it read. Complete once [`Self::next`] has
    /// answered `None`.
    pub fn finish(self) -> TouchedRows {
        TouchedRows {
            deleted: self.deleted.into_map(),
            updated: self.updated.into_map(),
            removed_files: self.overwritten.files(),
            counts: RowCounts {
                source: self.source.load(Ordering::Relaxed),
                ..self.counts
            },
        }
    }

    fn take(
        &mut self,
        rows: &RecordBatch,
        layout: &Layout,
        actions: &[Action],
    ) -> Result<(), Error> {
        let Some(column) = layout.action else {
            return match actions {
                [action] => self.act(rows, layout, action),
                _ => Err(Error::new("INTERNAL_ERROR", "A row without an action.")),
            };
        };
        let numbers = rows.column(column).as_primitive::<Int32Type>();
        for (number, action) in (0_i32..).zip(actions) {
            let chosen = eq(numbers, &Int32Array::new_scalar(number));
            let chosen = chosen.map_err(|error| from_datafusion(&error.into()))?;
            if chosen.true_count() > 0 {
                self.act(&filtered(rows, &chosen)?, layout, action)?;
            }
        }
        Ok(())
    }

    /// `rows`: all of one action.
    fn act(&mut self, rows: &RecordBatch, layout: &Layout, action: &Action) -> Result<(), Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let failed = |error: DataFusionError| from_datafusion(&error);
        match (action.kind, layout.place) {
            (ActionKind::Insert, _) => {
                add(&mut self.counts.inserted, rows.num_rows());
                self.written(rows, layout, RowKind::Insert, &action.numbered)
            }
            (ActionKind::Delete, Some(place)) => {
                let new = self.deleted.add(rows, place).map_err(failed)?;
                self.once(&new, rows, place, action)?;
                let rows = filtered(rows, &new)?;
                add(&mut self.counts.deleted, rows.num_rows());
                match action.when {
                    Some(MergeWhen::Matched) => {
                        add(&mut self.counts.matched_deleted, rows.num_rows());
                    }
                    Some(MergeWhen::NotMatchedBySource) => {
                        add(
                            &mut self.counts.not_matched_by_source_deleted,
                            rows.num_rows(),
                        );
                    }
                    Some(MergeWhen::NotMatched) | None => {}
                }
                self.kept(&rows, layout, RowKind::Delete)
            }
            (ActionKind::Update, Some(place)) => {
                let new = self.updated.add(rows, place).map_err(failed)?;
                self.once(&new, rows, place, action)?;
                add(&mut self.counts.updated, rows.num_rows());
                match action.when {
                    Some(MergeWhen::Matched) => {
                        add(&mut self.counts.matched_updated, rows.num_rows());
                    }
                    Some(MergeWhen::NotMatchedBySource) => {
                        add(
                            &mut self.counts.not_matched_by_source_updated,
                            rows.num_rows(),
                        );
                    }
                    Some(MergeWhen::NotMatched) | None => {}
                }
                self.kept(rows, layout, RowKind::UpdatePreimage)?;
                self.written(rows, layout, RowKind::UpdatePostimage, &[])
            }
            (ActionKind::Delete | ActionKind::Update, None) => {
                Err(Error::new("INTERNAL_ERROR", "A row without a place."))
            }
        }
    }

    /// Makes sure that no row of the table is changed twice.
    fn once(
        &self,
        new: &BooleanArray,
        rows: &RecordBatch,
        [file, row]: [usize; 2],
        action: &Action,
    ) -> Result<(), Error> {
        use arrow::datatypes::Int64Type;
        if action.repeats {
            return Ok(());
        }
        let other = match action.kind {
            ActionKind::Delete => &self.updated,
            ActionKind::Insert | ActionKind::Update => &self.deleted,
        };
        let files = rows.column(file).as_primitive::<Int64Type>().values();
        let numbers = rows.column(row).as_primitive::<Int64Type>().values();
        let mut places = files.iter().zip(numbers);
        if new.true_count() == new.len() && !places.any(|(f, r)| other.contains(*f, *r)) {
            return Ok(());
        }
        match action.when {
            Some(_) => Err(Error::new(
                "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
                "Nothing was written: several rows of the source match one row of the table, and \
                 would update or delete it in different ways.",
            )
            .with_hint(
                "Leave one row for each key in the source, with GROUP BY, or with ROW_NUMBER() \
                 OVER (PARTITION BY key ORDER BY …) = 1.",
            )),
            None => Err(Error::new("INTERNAL_ERROR", "A row came twice.")),
        }
    }

    /// Rows as they were, where they are wanted.
    fn kept(&mut self, rows: &RecordBatch, layout: &Layout, kind: RowKind) -> Result<(), Error> {
        if layout.old.is_empty() {
            return Ok(());
        }
        // Columns that the statement adds to the table come last, and were not there.
        let rows = self.in_table(rows, &layout.old)?;
        self.push(kind, rows);
        Ok(())
    }

    /// Rows to write, with numbers in the columns at these positions.
    fn written(
        &mut self,
        rows: &RecordBatch,
        layout: &Layout,
        kind: RowKind,
        numbered: &[usize],
    ) -> Result<(), Error> {
        let mut rows = self.in_table(rows, &layout.new)?;
        if !numbered.is_empty() {
            rows = self.identities.number(rows, numbered)?;
        }
        self.constraints.check(&rows)?;
        self.overwritten.note(&rows)?;
        self.push(kind, rows);
        Ok(())
    }

    fn push(&mut self, kind: RowKind, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.ready.push_back(ChangedRows { kind, rows });
        }
    }

    /// Columns of a plan's rows as columns of the table.
    fn in_table(&self, rows: &RecordBatch, columns: &Range<usize>) -> Result<RecordBatch, Error> {
        let fields = self.arrow_schema.fields().iter().enumerate();
        let columns = fields.map(|(i, field)| {
            let position = columns.start.saturating_add(i);
            match columns.contains(&position) {
                // A struct as it was lacks the fields that the statement adds.
                true => checked_cast(rows.column(position), field.data_type()),
                false => Ok(new_null_array(field.data_type(), rows.num_rows())),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|error| from_datafusion(&error.into()))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let schema = Arc::clone(&self.arrow_schema);
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|error| from_datafusion(&error.into()))
    }
}

fn filtered(rows: &RecordBatch, chosen: &BooleanArray) -> Result<RecordBatch, Error> {
    if chosen.true_count() == rows.num_rows() {
        return Ok(rows.clone());
    }
    filter_record_batch(rows, chosen).map_err(|error| from_datafusion(&error.into()))
}

fn add(count: &mut u64, rows: usize) {
    *count = count.saturating_add(rows as u64);
}

impl std::fmt::Debug for RowChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowChange")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
