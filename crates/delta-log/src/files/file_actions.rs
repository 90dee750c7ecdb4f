//! Data files of a version as the actions that added them, for writers, who have to repeat them.

use std::sync::Arc;

use arrow::array::Array;

use crate::actions::Add;
use crate::error::Result;
use crate::files::file_segment::{FileDetails, SegmentColumns};
use crate::files::file_table::FileTable;
use crate::files::statistics_json::statistics_to_json;

impl FileTable {
    /// The `add` actions of some files, by their positions, as the log has them: paths, partition
    /// values and deletion vectors to the letter; statistics to the letter, or as JSON from a
    /// checkpoint that has them as columns. `dataChange` is true.
    ///
    /// # Errors
    /// [`crate::Error::Arrow`] for statistics that JSON has no form for.
    pub fn adds(&self, files: &[usize]) -> Result<Vec<Add>> {
        let partition_values = self.partition_texts();
        let of_file = |&i: &usize| {
            let (columns, row) = self.columns(i);
            let details = columns.details.get(row).and_then(Option::as_deref);
            let details = details.cloned().unwrap_or_else(FileDetails::default);
            Ok(Add {
                path: columns.path.value(row).to_owned(),
                partition_values: partition_values[i].clone(),
                size: columns.size.value(row),
                modification_time: columns.modification_time.value(row),
                data_change: true,
                stats: statistics_json(columns, row)?,
                tags: details.tags,
                deletion_vector: columns.deletion_vector[row].clone(),
                base_row_id: details.base_row_id,
                default_row_commit_version: details.default_row_commit_version,
                clustering_provider: details.clustering_provider,
            })
        };
        files.iter().map(of_file).collect()
    }

    /// Files that other actions add, in a table of the same columns: to look at their partition
    /// values and statistics.
    pub(crate) fn of_adds(&self, adds: Vec<Add>) -> Self {
        let rows = (0..adds.len()).map(|row| (0, row)).collect();
        self.with_segments(vec![Arc::new(SegmentColumns::from_adds(adds))], rows)
    }
}

fn statistics_json(columns: &SegmentColumns, row: usize) -> Result<Option<String>> {
    if let Some(stats) = columns.stats.as_ref().filter(|stats| stats.is_valid(row)) {
        return Ok(Some(stats.value(row).to_owned()));
    }
    let parsed = columns.stats_parsed.as_ref();
    let Some(parsed) = parsed.filter(|parsed| parsed.is_valid(row)) else {
        return Ok(None);
    };
    let texts = statistics_to_json(&parsed.slice(row, 1))?;
    Ok(texts.iter().flatten().next().map(str::to_owned))
}
