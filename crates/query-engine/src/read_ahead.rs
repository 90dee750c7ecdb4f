//! The footers of a scan's files, asked for before the scan comes to them.
//!
//! DataFusion opens one file after the other, which costs a round trip each. While a scan runs, the
//! footers of its next files are fetched side by side; the scan then finds them in the cache.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileScanConfig, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

/// Footers fetched at the same time. A browser opens six connections to a host.
const CONCURRENT: usize = 6;

/// Files of a scan whose footers are fetched ahead; a longer scan has time enough.
const MAX_FILES: usize = 256;

/// Wraps the scans of a plan that is about to run.
pub(crate) fn read_ahead(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| match files_ahead(&node) {
        Some((files, readers)) => {
            let wrapped = ReadAheadExec {
                input: node,
                files,
                readers,
            };
            Ok(Transformed::yes(Arc::new(wrapped) as Arc<dyn ExecutionPlan>))
        }
        None => Ok(Transformed::no(node)),
    })
    .data()
}

type Readers = Arc<dyn ParquetFileReaderFactory>;

/// The files of a scan, if it is one of several files that will all be read.
fn files_ahead(node: &Arc<dyn ExecutionPlan>) -> Option<(Vec<PartitionedFile>, Readers)> {
    let scan = node.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let source = config.file_source().downcast_ref::<ParquetSource>()?;
    let readers = source.parquet_file_reader_factory()?;
    let files: Vec<_> = config
        .file_groups
        .iter()
        .flat_map(|group| group.files())
        .take(MAX_FILES)
        .cloned()
        .collect();
    (config.limit.is_none() && files.len() > 1).then(|| (files, Arc::clone(readers)))
}

#[derive(Debug)]
struct ReadAheadExec {
    input: Arc<dyn ExecutionPlan>,
    files: Vec<PartitionedFile>,
    readers: Readers,
}

impl ReadAheadExec {
    fn around(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            input: children.swap_remove(0),
            files: self.files.clone(),
            readers: Arc::clone(&self.readers),
        })
    }
}

impl DisplayAs for ReadAheadExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAheadExec")
    }
}

impl ExecutionPlan for ReadAheadExec {
    fn name(&self) -> &str {
        "ReadAheadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(children))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(children))
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
        Ok(Box::pin(ReadAheadStream {
            input,
            ahead: Some(ahead),
        }))
    }
}

struct ReadAheadStream {
    input: SendableRecordBatchStream,
    /// `None` when all footers are here.
    ahead: Option<BoxStream<'static, ()>>,
}

impl Stream for ReadAheadStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Some(ahead) = &mut self.ahead {
            match ahead.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => self.ahead = None,
                Poll::Pending => break,
            }
        }
        self.input.as_mut().poll_next(cx)
    }
}

impl RecordBatchStream for ReadAheadStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
