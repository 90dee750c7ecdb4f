//! Prefetches the footers of a scan's data files while the scan runs, and names the file in its
//! errors.
//!
//! DataFusion opens one file after the other, which costs a round trip each. While a scan runs, the
//! footers of its next files are fetched concurrently; the scan then finds them in the cache.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileScanConfig, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties,
};
use delta_log::Error as LogError;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use messages::Error;
use parquet::errors::ParquetError;

use crate::errors::Unreadable;
use crate::scan::data_files::CurrentFile;
use crate::scan::decode_panics::catch;
use crate::unary_plan::unary_plan;

/// Footers fetched at the same time. A browser opens six connections to a host.
const CONCURRENT: usize = 6;

/// Files of a scan whose footers are fetched ahead; a longer scan has time enough.
const MAX_FILES: usize = 256;

/// Wraps the scans of a plan that is about to run.
pub(crate) fn prefetch_footers(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| match PrefetchFootersExec::of(&node) {
        Some(scan) => Ok(Transformed::yes(Arc::new(scan) as Arc<dyn ExecutionPlan>)),
        None => Ok(Transformed::no(node)),
    })
    .data()
}

#[derive(Debug, Clone)]
struct PrefetchFootersExec {
    input: Arc<dyn ExecutionPlan>,
    /// Files whose footers are prefetched.
    files: Vec<PartitionedFile>,
    readers: Arc<dyn ParquetFileReaderFactory>,
    current: CurrentFile,
}

impl PrefetchFootersExec {
    /// Around `node`, if it is a scan.
    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let scan = node.downcast_ref::<DataSourceExec>()?;
        let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
        let source = config.file_source().downcast_ref::<ParquetSource>()?;
        let files = config.file_groups.iter().flat_map(|group| group.files());
        let current = files.clone().next()?.extension::<CurrentFile>()?.clone();
        // With a limit, or one file, there may be no next one.
        let ahead = match config.limit.is_none() && files.clone().nth(1).is_some() {
            true => MAX_FILES,
            false => 0,
        };
        Some(Self {
            input: Arc::clone(node),
            files: files.take(ahead).cloned().collect(),
            readers: Arc::clone(source.parquet_file_reader_factory()?),
            current,
        })
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            input,
            ..self.clone()
        }
    }
}

impl DisplayAs for PrefetchFootersExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrefetchFootersExec")
    }
}

impl ExecutionPlan for PrefetchFootersExec {
    unary_plan!();

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let readers = Arc::clone(&self.readers);
        let ahead = futures::stream::iter(self.files.clone())
            .map(move |file| {
                let reader = readers.create_reader(0, file, None, &ExecutionPlanMetricsSet::new());
                // A footer that cannot be read is an error of the scan, when it comes to the file.
                async move {
                    if let Ok(mut reader) = reader {
                        let _ = reader.get_metadata(None).await;
                    }
                }
            })
            .buffer_unordered(CONCURRENT)
            .boxed();
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(PrefetchFooters {
            input,
            ahead: Some(ahead),
            current: self.current.clone(),
        }))
    }
}

struct PrefetchFooters {
    input: SendableRecordBatchStream,
    /// `None` when all footers are here.
    ahead: Option<BoxStream<'static, ()>>,
    current: CurrentFile,
}

impl Stream for PrefetchFooters {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let current = self.current.clone();
        let batch = match catch(&current, || self.poll_input(cx)) {
            Ok(batch) => ready!(batch),
            Err(panic) => {
                self.ahead = None;
                self.input = Box::pin(EmptyRecordBatchStream::new(self.input.schema()));
                Some(Err(ParquetError::General(panic).into()))
            }
        };
        Poll::Ready(batch.map(|batch| batch.map_err(|error| self.name_file(error))))
    }
}

impl PrefetchFooters {
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        while let Some(ahead) = &mut self.ahead {
            match ahead.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => self.ahead = None,
                Poll::Pending => break,
            }
        }
        self.input.as_mut().poll_next(cx)
    }

    /// Names the file in an error of decoding, which does not name it itself.
    fn name_file(&self, error: DataFusionError) -> DataFusionError {
        match (undecodable(&error), self.current.path()) {
            (Some(reason), Some(path)) => {
                let source = Arc::new(ParquetError::General(reason));
                DataFusionError::External(Box::new(Unreadable { path, source }))
            }
            _ => error,
        }
    }
}

/// The reason why a file cannot be decoded, if the error is Parquet's or a codec's.
fn undecodable(error: &DataFusionError) -> Option<String> {
    let by_codec = |source: &(dyn StdError + Send + Sync + 'static)| {
        let explained = source.is::<Unreadable>()
            || source.is::<Error>()
            || source.is::<LogError>()
            || source.is::<DataFusionError>();
        (!explained).then(|| source.to_string())
    };
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::ParquetError(reason) => Some(reason.clone()),
            ArrowError::ExternalError(source) => by_codec(source.as_ref()),
            _ => None,
        },
        DataFusionError::ParquetError(error) => match error.as_ref() {
            ParquetError::External(source) => by_codec(source.as_ref()),
            ParquetError::General(reason) => Some(reason.clone()),
            other => Some(other.to_string()),
        },
        _ => None,
    }
}

impl RecordBatchStream for PrefetchFooters {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
