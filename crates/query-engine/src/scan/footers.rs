//! Parquet footers, read once for each data file while the engine lives.
//!
//! Delta's data files never change, so what a footer says stays true. The first request for a file
//! takes its last [`TAIL`] bytes: that holds the footer, nearly always the page index, and for a
//! small file all of it, which is then kept too.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use delta_log::check_parquet_footer;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::DecodeResult;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{
    FooterTail, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder,
};
use parquet::file::statistics::Statistics;

use crate::single_flight::SingleFlight;

/// Bytes of a file's end that the first request takes.
pub(crate) const TAIL: u64 = 64 * 1024;

/// Capacity of the cache in bytes, as far as sizes are known.
const CAPACITY: usize = 48 * 1024 * 1024;

/// Uses after which the cache looks at its size again.
const EVICTION_INTERVAL: u64 = 64;

/// A data file, in any store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DataFile {
    /// Scheme and host of its URL: `s3a://bucket`.
    pub origin: Arc<str>,
    pub path: Path,
    pub size: u64,
}

/// The footer of a data file, and all of the file if it is small.
#[derive(Debug)]
pub(crate) struct Footer {
    pub metadata: Arc<ParquetMetaData>,
    /// The whole file, where it is small.
    pub contents: Option<Bytes>,
}

impl Footer {
    fn weight(&self) -> usize {
        let contents = self.contents.as_ref().map_or(0, Bytes::len);
        self.metadata.memory_size().saturating_add(contents)
    }
}

/// `ParquetError` cannot be cloned; its waiters share it.
type Loaded = Result<Arc<Footer>, Arc<ParquetError>>;

/// Footers by data file. The first to ask for one reads it; those that ask while it is read await
/// the same read.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    kept: Mutex<Kept>,
    reads: SingleFlight<DataFile, Loaded>,
}

#[derive(Debug, Default)]
struct Kept {
    by_file: HashMap<DataFile, Slot>,
    /// Grows with each use.
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    footer: Arc<Footer>,
    /// The clock at its last use.
    used: u64,
}

impl Footers {
    /// The footer of `file`; read through `store` if nobody has yet.
    ///
    /// Requests: one ranged GET, a second one where the footer is larger than [`TAIL`].
    pub async fn get(&self, file: &DataFile, store: &Arc<dyn ObjectStore>) -> Loaded {
        if let Some(footer) = self.find(file) {
            return Ok(footer);
        }
        let read = self.reads.join(file, || {
            read_footer(file.clone(), Arc::clone(store)).boxed()
        });
        let footer = read.clone().await?;
        self.keep(file, &footer);
        Ok(footer)
    }

    fn find(&self, file: &DataFile) -> Option<Arc<Footer>> {
        let mut kept = self.lock();
        kept.clock = kept.clock.saturating_add(1);
        let used = kept.clock;
        if used.is_multiple_of(EVICTION_INTERVAL) {
            kept.evict();
        }
        let slot = kept.by_file.get_mut(file)?;
        slot.used = used;
        Some(Arc::clone(&slot.footer))
    }

    fn keep(&self, file: &DataFile, footer: &Arc<Footer>) {
        let mut kept = self.lock();
        let slot = Slot {
            footer: Arc::clone(footer),
            used: kept.clock,
        };
        kept.by_file.insert(file.clone(), slot);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Makes room: drops what was used longest ago until the rest fits.
    fn evict(&mut self) {
        let weight = |slot: &Slot| slot.footer.weight();
        let weights = self.by_file.values().map(weight);
        let mut total = weights.fold(0, usize::saturating_add);
        let mut by_age: Vec<_> = self
            .by_file
            .iter()
            .map(|(file, slot)| (slot.used, file.clone()))
            .collect();
        by_age.sort_unstable_by_key(|(used, _)| *used);
        for (_, file) in by_age {
            if total <= CAPACITY {
                return;
            }
            let freed = self.by_file.remove(&file).as_ref().map_or(0, weight);
            total = total.saturating_sub(freed);
        }
    }
}

async fn read_footer(
    file: DataFile,
    store: Arc<dyn ObjectStore>,
) -> Result<Arc<Footer>, Arc<ParquetError>> {
    let fetch = |range: Range<u64>| {
        let store = Arc::clone(&store);
        let path = file.path.clone();
        async move { store.get_range(&path, range).await.map_err(from_store) }
    };
    let tail = file.size.saturating_sub(TAIL)..file.size;
    let bytes = fetch(tail.clone()).await?;
    let contents = (tail.start == 0).then(|| bytes.clone());
    check_length(&bytes, file.size)?;

    let mut decoder = ParquetMetaDataPushDecoder::try_new(file.size)?
        .with_page_index_policy(PageIndexPolicy::Skip);
    decoder.push_range(tail.clone(), bytes.clone())?;
    let metadata = loop {
        match decoder.try_decode()? {
            DecodeResult::Data(metadata) => break metadata,
            DecodeResult::NeedsData(ranges) => {
                for range in ranges {
                    let bytes = fetch(range.clone()).await?;
                    decoder.push_range(range, bytes)?;
                }
            }
            DecodeResult::Finished => return Err(Arc::new(no_footer(&file))),
        }
    };
    let metadata = without_max_of_floats(numbered_in_order(metadata)?)?;
    let metadata = match page_index_range(&metadata) {
        Some(range) if tail.start <= range.start && range.end <= tail.end => {
            with_page_index(metadata, &file, tail, bytes)?
        }
        _ => metadata,
    };
    check_parquet_footer(&metadata, file.size).map_err(ParquetError::General)?;
    Ok(Arc::new(Footer {
        metadata: Arc::new(metadata),
        contents,
    }))
}

/// Checks that the footer lies within the file, which the decoder takes for granted, up to a panic.
/// `end`: the last bytes of the file.
fn check_length(end: &[u8], size: u64) -> Result<(), ParquetError> {
    let Some(last) = end.last_chunk::<FOOTER_SIZE>() else {
        return Ok(());
    };
    // In 64 bits: on wasm32 a length of nearly 4 GiB and the tail would overflow `usize`.
    let length =
        (FooterTail::try_new(last)?.metadata_length() as u64).saturating_add(FOOTER_SIZE as u64);
    match length <= size {
        true => Ok(()),
        false => Err(ParquetError::EOF(format!(
            "its footer should have {length} bytes, and the file has {size}"
        ))),
    }
}

/// The reader finds a row group's rows by its ordinal, which writers that join files may repeat: here
/// it is the place that the row group has in the footer, whatever is written there.
fn numbered_in_order(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let mut in_order = metadata.row_groups().iter().zip(0..);
    if in_order.all(|(group, i)| group.ordinal() == Some(i)) {
        return Ok(metadata);
    }
    let mut builder = metadata.into_builder();
    let groups = builder.take_row_groups().into_iter().enumerate();
    let groups = groups.map(|(i, group)| {
        let ordinal = i16::try_from(i).map_err(|_| {
            ParquetError::General(format!("it has more than {} row groups", i16::MAX))
        })?;
        group.into_builder().set_ordinal(ordinal).build()
    });
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    Ok(builder.set_row_groups(groups).build())
}

/// Parquet's statistics leave out NaN, which in SQL is above all numbers: so the greatest value that
/// they know of bounds nothing. The smallest one does.
fn without_max_of_floats(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let is_float = |data_type: Type| matches!(data_type, Type::FLOAT | Type::DOUBLE);
    let columns = metadata.file_metadata().schema_descr().columns();
    let has_floats = columns
        .iter()
        .any(|column| is_float(column.physical_type()));
    if !has_floats {
        return Ok(metadata);
    }
    let mut builder = metadata.into_builder();
    let groups = builder.take_row_groups().into_iter().map(|group| {
        let columns = group.columns().iter().cloned().map(|column| {
            if !is_float(column.column_type()) {
                return Ok(column);
            }
            let statistics = column.statistics().map(without_max);
            let column = column
                .into_builder()
                .set_column_index_offset(None)
                .set_column_index_length(None);
            match statistics {
                Some(statistics) => column.set_statistics(statistics).build(),
                None => column.build(),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        group.into_builder().set_column_metadata(columns).build()
    });
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    Ok(builder.set_row_groups(groups).build())
}

fn without_max(statistics: &Statistics) -> Statistics {
    let (distinct, nulls) = (statistics.distinct_count_opt(), statistics.null_count_opt());
    let deprecated = statistics.is_min_max_deprecated();
    match statistics {
        Statistics::Float(values) => {
            let min = values.min_opt().copied();
            Statistics::float(min, None, distinct, nulls, deprecated)
        }
        Statistics::Double(values) => {
            let min = values.min_opt().copied();
            Statistics::double(min, None, distinct, nulls, deprecated)
        }
        other => other.clone(),
    }
}

/// Decodes the page index from `bytes`, which hold it.
fn with_page_index(
    metadata: ParquetMetaData,
    file: &DataFile,
    tail: Range<u64>,
    bytes: Bytes,
) -> Result<ParquetMetaData, ParquetError> {
    let mut decoder = ParquetMetaDataPushDecoder::try_new_with_metadata(file.size, metadata)?
        .with_page_index_policy(PageIndexPolicy::Optional);
    decoder.push_range(tail, bytes)?;
    match decoder.try_decode()? {
        DecodeResult::Data(metadata) => Ok(metadata),
        _ => Err(no_footer(file)),
    }
}

/// Byte range of the file's column and offset indexes, if it has any.
fn page_index_range(metadata: &ParquetMetaData) -> Option<Range<u64>> {
    let columns = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns());
    let ranges = columns.flat_map(|column| {
        [
            (column.column_index_offset(), column.column_index_length()),
            (column.offset_index_offset(), column.offset_index_length()),
        ]
    });
    ranges
        .filter_map(|(offset, length)| {
            let start = u64::try_from(offset?).ok()?;
            Some(start..start.checked_add(u64::try_from(length?).ok()?)?)
        })
        .reduce(|all, range| all.start.min(range.start)..all.end.max(range.end))
}

pub(crate) fn from_store(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

fn no_footer(file: &DataFile) -> ParquetError {
    ParquetError::General(format!("{} has no complete Parquet footer", file.path))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaData;
    use parquet::file::properties::WriterProperties;

    use super::*;

    fn three_row_groups() -> ParquetMetaData {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(1))
            .build();
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_from_iter([("a", values)]).unwrap();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn row_groups_are_numbered_by_their_place_whatever_their_writer_says() {
        let mut builder = three_row_groups().into_builder();
        let groups = builder.take_row_groups().into_iter();
        let groups = groups.map(|group| group.into_builder().set_ordinal(1).build().unwrap());
        let odd = builder.set_row_groups(groups.collect()).build();
        let metadata = numbered_in_order(odd).unwrap();
        let ordinals: Vec<_> = metadata.row_groups().iter().map(|g| g.ordinal()).collect();
        assert_eq!(ordinals, [Some(0), Some(1), Some(2)]);
    }
}
