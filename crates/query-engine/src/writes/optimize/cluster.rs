//! Rows laid out along a curve, for ZORDER BY: read once for a sample of the columns' values, and once
//! more to be written.

use std::sync::Arc;

use arrow::array::UInt64Array;
use arrow::compute::{concat_batches, interleave_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use delta_log::Snapshot;
use delta_log::actions::Add;
use delta_transaction::{TableLayout, Transaction};
use messages::Error;

use crate::dml::{Target, UnchangedRows};
use crate::engine_core::EngineCore;
use crate::errors::{from_datafusion, unresolved_column};
use crate::writes::errors::WriteError;
use crate::writes::optimize::bins::Bin;
use crate::writes::optimize::z_order::{Curve, Place, before_others};
use crate::writes::rewrite::in_columns;
use crate::writes::round::Round;
use crate::writes::staged_rows::StagedRows;

/// Rows of a sample, at most.
const SAMPLE: usize = 1 << 16;

/// Part of the engine's memory that rows may take while they wait to be put in order.
const SHARE: usize = 8;

/// Rows that are written at once.
const SLICE: usize = 8192;

/// Bytes that a row's place takes.
const PLACE: usize = size_of::<(Place, usize, usize)>();

/// The columns of ZORDER BY in the table's spelling.
///
/// # Errors
/// `DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST`, `DELTA_ZORDERING_ON_PARTITION_COLUMN`,
/// `DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS`.
pub(crate) fn check_columns(
    snapshot: &Snapshot,
    layout: &TableLayout,
    paths: &[Vec<String>],
) -> Result<Vec<String>, Error> {
    let columns = paths.iter().map(|path| {
        let (name, nested) = match path.as_slice() {
            [name] => (name.as_str(), false),
            [name, ..] => (name.as_str(), true),
            [] => ("", false),
        };
        let fields = snapshot.schema().fields();
        let lower = name.to_lowercase();
        let field = fields.iter().find(|f| f.name.to_lowercase() == lower);
        let Some(field) = field else {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let message = format!("There is no column {} to order by.", path.join("."));
            let hint = format!("The columns are {}.", names.join(", "));
            return Err(Error::new("DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST", message)
                .with_hint(hint));
        };
        let name = &field.name;
        if snapshot.partition_columns().contains(name) {
            return Err(Error::new(
                "DELTA_ZORDERING_ON_PARTITION_COLUMN",
                format!("{name} is a partition column, which has one value in all rows of a file."),
            )
            .with_hint("Order by other columns; OPTIMIZE … WHERE chooses partitions."));
        }
        if nested {
            return Err(Error::new(
                "UNSUPPORTED_FEATURE",
                format!("Z-ordering by {}, a field of a nested column, is not supported yet.", path.join(".")),
            )
            .with_hint("Order by a column of its own."));
        }
        if !field.data_type.is_primitive() || !layout.has_statistics(name) {
            return Err(Error::new(
                "DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS",
                format!("Z-ordering by {name} would be of no use: files have no statistics of it, so none could be skipped."),
            )
            .with_hint("Which columns have statistics is up to delta.dataSkippingStatsColumns and delta.dataSkippingNumIndexedCols; columns of nested types have none."));
        }
        Ok(name.clone())
    });
    columns.collect()
}

/// Writes the rows of the bin's files to new ones of about `size` bytes, along the curve.
pub(crate) async fn cluster(
    round: &Round<'_>,
    target: &Target,
    transaction: &Transaction,
    bin: &Bin,
    columns: &[String],
    size: u64,
) -> Result<Vec<Add>, WriteError> {
    let total = bin
        .files
        .iter()
        .map(|file| target.snapshot.files().size(*file));
    let total = total.fold(0, u64::saturating_add);
    let files = total.checked_div(size).unwrap_or(1).max(1);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let Plan { curve, cuts, rows } = plan(round.core, target, bin, columns, files).await?;
    let mut layout = Layout {
        columns,
        schema: target.schema(),
        curve,
        cuts,
        rows,
        read: 0,
        waiting: Waiting::new(round.core),
        files: Vec::new(),
    };
    for _ in 0..=layout.cuts.len() {
        let files = layout.cuts.len().saturating_add(1);
        let staged = StagedRows::of_size(round.core, transaction, u64::MAX, files)?;
        layout.files.push(staged);
    }
    match layout.write_all(round.core, target, bin).await {
        Ok(()) => layout.finish().await,
        Err(error) => {
            for file in layout.files {
                file.abort().await;
            }
            Err(error)
        }
    }
}

/// How the bin's rows are to be laid out.
struct Plan {
    curve: Curve,
    /// The least place in each file but the first, ascending.
    cuts: Vec<Place>,
    /// Rows of the bin.
    rows: u64,
}

/// Looks at the bin's rows, which are to come to so many files.
async fn plan(
    core: &EngineCore,
    target: &Target,
    bin: &Bin,
    columns: &[String],
    files: usize,
) -> Result<Plan, WriteError> {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut rows = UnchangedRows::of_files(core, target, &bin.files, &names).await?;
    let mut sample = Sample::new(core, target, columns)?;
    while let Some(next) = rows.next().await {
        let (_, rows) = next?;
        sample.add(rows)?;
    }
    let failed = |error: ArrowError| from_datafusion(&error.into());
    let (rows, stride) = (sample.seen, sample.stride);
    let sample = sample.rows().map_err(failed)?;
    let curve = Curve::through(sample.columns()).map_err(failed)?;
    let places = curve.places(sample.columns()).map_err(failed)?;
    let places = (0_u64..).step_by(stride).zip(places);
    let mut places: Vec<Place> = places
        .map(|(row, place)| before_others(place, row, rows))
        .collect();
    places.sort_unstable();
    let cut = |i: usize| {
        places
            .get(i.saturating_mul(places.len()) / files.max(1))
            .copied()
    };
    let mut cuts: Vec<Place> = (1..files.min(SAMPLE)).filter_map(cut).collect();
    cuts.dedup();
    Ok(Plan { curve, cuts, rows })
}

/// Every so many rows of some columns.
struct Sample {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
    /// Rows from one that is taken to the next.
    stride: usize,
    /// Rows until the next that is taken.
    skip: usize,
    /// Rows that were taken or not.
    seen: u64,
    memory: MemoryReservation,
}

impl Sample {
    fn new(core: &EngineCore, target: &Target, columns: &[String]) -> Result<Self, Error> {
        let schema = target.schema();
        let positions = columns.iter().map(|column| schema.index_of(column));
        let schema = positions
            .collect::<Result<Vec<_>, _>>()
            .and_then(|positions| schema.project(&positions));
        Ok(Self {
            schema: Arc::new(schema.map_err(|error| from_datafusion(&error.into()))?),
            batches: Vec::new(),
            rows: 0,
            stride: 1,
            skip: 0,
            seen: 0,
            memory: MemoryConsumer::new("sample of rows").register(&core.session.memory_pool()),
        })
    }

    fn add(&mut self, rows: RecordBatch) -> Result<(), Error> {
        let failed = |error: ArrowError| from_datafusion(&error.into());
        let rows = in_columns(&rows, &self.schema).map_err(failed)?;
        let count = rows.num_rows();
        self.seen = self.seen.saturating_add(count as u64);
        let taken: Vec<u64> = (self.skip..count)
            .step_by(self.stride)
            .map(|row| row as u64)
            .collect();
        let next = self
            .skip
            .saturating_add(taken.len().saturating_mul(self.stride));
        self.skip = next.saturating_sub(count);
        if taken.is_empty() {
            return Ok(());
        }
        self.rows = self.rows.saturating_add(taken.len());
        let taken = take_record_batch(&rows, &UInt64Array::from(taken)).map_err(failed)?;
        self.batches.push(taken);
        if self.rows > SAMPLE {
            self.halve().map_err(failed)?;
        }
        let size = self.batches.iter().map(RecordBatch::get_array_memory_size);
        let accounted = self.memory.try_resize(size.fold(0, usize::saturating_add));
        accounted.map_err(|error| from_datafusion(&error))
    }

    fn halve(&mut self) -> Result<(), ArrowError> {
        let all = concat_batches(&self.schema, &self.batches)?;
        let even: UInt64Array = (0..all.num_rows() as u64).step_by(2).collect();
        let half = take_record_batch(&all, &even)?;
        // The next row to take is a multiple of the new stride.
        if all.num_rows() % 2 == 1 {
            self.skip = self.skip.saturating_add(self.stride);
        }
        self.rows = half.num_rows();
        self.batches = vec![half];
        self.stride = self.stride.saturating_mul(2);
        Ok(())
    }

    fn rows(self) -> Result<RecordBatch, ArrowError> {
        concat_batches(&self.schema, &self.batches)
    }
}

/// Files in the making, each with a part of the curve.
struct Layout<'a> {
    columns: &'a [String],
    schema: SchemaRef,
    curve: Curve,
    /// The least place in each file but the first, ascending.
    cuts: Vec<Place>,
    /// Rows of the bin.
    rows: u64,
    /// Those that were read.
    read: u64,
    waiting: Waiting,
    files: Vec<StagedRows>,
}

impl Layout<'_> {
    async fn write_all(
        &mut self,
        core: &EngineCore,
        target: &Target,
        bin: &Bin,
    ) -> Result<(), WriteError> {
        let names: Vec<&str> = target.columns.iter().map(|c| c.name.as_str()).collect();
        let mut rows = UnchangedRows::of_files(core, target, &bin.files, &names).await?;
        while let Some(next) = rows.next().await {
            let (_, rows) = next?;
            self.add(&rows)?;
            if self.waiting.is_full() {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let failed = |error: ArrowError| from_datafusion(&error.into());
        let rows = in_columns(rows, &self.schema).map_err(failed)?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let values = rows.column_by_name(column);
            let unknown = || unresolved_column(&column.as_str().into(), &[]);
            columns.push(Arc::clone(values.ok_or_else(unknown)?));
        }
        let places = self.curve.places(&columns).map_err(failed)?;
        let places = (self.read..).zip(places);
        let places = places.map(|(row, place)| before_others(place, row, self.rows));
        let places: Vec<Place> = places.collect();
        self.read = self.read.saturating_add(places.len() as u64);
        self.waiting.add(rows, places)
    }

    /// Writes the rows that wait, in their order.
    async fn flush(&mut self) -> Result<(), WriteError> {
        let Waiting { batches, rows, .. } = &mut self.waiting;
        // Rows of one place stay in their order.
        rows.sort_unstable();
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let file_of = |place: Place| self.cuts.partition_point(|cut| *cut <= place);
        for part in rows.chunk_by(|a, b| file_of(a.0) == file_of(b.0)) {
            let file = part.first().map_or(0, |row| file_of(row.0));
            let Some(file) = self.files.get_mut(file) else {
                return Err(Error::new("INTERNAL_ERROR", "A row without a file.").into());
            };
            for slice in part.chunks(SLICE) {
                let places: Vec<_> = slice.iter().map(|(_, batch, row)| (*batch, *row)).collect();
                let rows = interleave_record_batch(&batches, &places)
                    .map_err(|error| from_datafusion(&error.into()))?;
                file.write(&rows).await?;
            }
        }
        self.waiting.clear();
        Ok(())
    }

    async fn finish(self) -> Result<Vec<Add>, WriteError> {
        let mut adds = Vec::new();
        for file in self.files {
            adds.extend(file.finish(false).await?.moved());
        }
        Ok(adds)
    }
}

/// Rows that wait to be put in order.
struct Waiting {
    batches: Vec<RecordBatch>,
    /// Place, batch and number of each row.
    rows: Vec<(Place, usize, usize)>,
    memory: MemoryReservation,
    limit: usize,
}

impl Waiting {
    fn new(core: &EngineCore) -> Self {
        Self {
            batches: Vec::new(),
            rows: Vec::new(),
            memory: MemoryConsumer::new("rows to order").register(&core.session.memory_pool()),
            limit: core.session.memory_limit() / SHARE,
        }
    }

    fn add(&mut self, rows: RecordBatch, places: Vec<Place>) -> Result<(), Error> {
        let size = places.len().saturating_mul(PLACE);
        let size = size.saturating_add(rows.get_array_memory_size());
        let accounted = self.memory.try_grow(size);
        accounted.map_err(|error| from_datafusion(&error))?;
        let batch = self.batches.len();
        let places = places.into_iter().enumerate();
        self.rows
            .extend(places.map(|(row, place)| (place, batch, row)));
        self.batches.push(rows);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.memory.size() > self.limit
    }

    fn clear(&mut self) {
        self.batches.clear();
        self.rows.clear();
        self.memory.free();
    }
}
