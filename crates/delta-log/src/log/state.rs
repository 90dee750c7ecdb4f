//! The state of a table as of a version: what replaying its log leads to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array;

use crate::actions::{Metadata, Protocol};
use crate::files::data_path::DataPaths;
use crate::files::deletion_vector::DeletionVector;
use crate::files::file_segment::SegmentColumns;

/// Protocol, metadata and data files as of a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) files: Files,
    /// `inCommitTimestamp` of the version's own commit, where that was read and has one.
    pub(crate) in_commit_timestamp: Option<i64>,
}

/// Active files: rows of segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub(crate) segments: Vec<Arc<SegmentColumns>>,
    pub(crate) rows: Vec<(usize, usize)>,
}

impl Files {
    pub(crate) fn from_segments(segments: Vec<SegmentColumns>) -> Self {
        let mut files = Self::default();
        for segment in segments {
            files.push(segment);
        }
        files
    }

    pub(crate) fn push(&mut self, segment: SegmentColumns) {
        let index = self.segments.len();
        self.rows
            .extend((0..segment.path.len()).map(|row| (index, row)));
        self.segments.push(Arc::new(segment));
    }

    /// `None` where the sum is out of range.
    pub(crate) fn size_in_bytes(&self) -> Option<i64> {
        self.rows.iter().try_fold(0, |sum: i64, (segment, row)| {
            sum.checked_add(self.segments[*segment].size.value(*row))
        })
    }

    pub(crate) fn retain(&mut self, paths: &DataPaths, superseded: &LogicalFiles) {
        if superseded.0.is_empty() {
            return;
        }
        let segments = &self.segments;
        self.rows.retain(|(segment, row)| {
            let columns = &segments[*segment];
            let path = paths.identity(columns.path.value(*row));
            !superseded.contains(&path, columns.deletion_vector[*row].as_deref())
        });
    }
}

/// Logical files: by path, the deletion vectors that they were seen with.
#[derive(Debug, Default)]
pub(crate) struct LogicalFiles(HashMap<String, Vec<Option<String>>>);

impl LogicalFiles {
    /// Whether it was not there yet.
    pub(crate) fn insert(&mut self, path: Cow<'_, str>, vector: Option<&DeletionVector>) -> bool {
        let vector = vector.map(DeletionVector::unique_id);
        match self.0.get_mut(path.as_ref()) {
            Some(vectors) if vectors.contains(&vector) => return false,
            Some(vectors) => vectors.push(vector),
            None => {
                self.0.insert(path.into_owned(), vec![vector]);
            }
        }
        true
    }

    pub(crate) fn contains(&self, path: &str, vector: Option<&DeletionVector>) -> bool {
        self.0
            .get(path)
            .is_some_and(|vectors| vectors.contains(&vector.map(DeletionVector::unique_id)))
    }
}
