//! Files of one checkpoint's row group, or of commits, as columns: what tables of several versions
//! share.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, MapArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::DataType as ArrowType;

use crate::actions::{Add, PartitionTexts, Tags};
use crate::files::deletion_vector::DeletionVector;
use crate::files::statistics::{ParsedJson, Statistics};
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::StructType;

/// Files that were read together, from a checkpoint's row group or from commits.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) columns: Arc<SegmentColumns>,
    /// `columns.stats`, parsed for the table's schema when first asked for.
    json: OnceLock<Arc<ParsedJson>>,
}

/// One row for each file.
#[derive(Debug)]
pub(crate) struct SegmentColumns {
    pub(crate) path: StringArray,
    pub(crate) deletion_vector: Vec<Option<Box<DeletionVector>>>,
    /// Empty where no file has any.
    pub(crate) details: Vec<Option<Box<FileDetails>>>,
    pub(crate) partition_values: PartitionValues,
    pub(crate) size: Int64Array,
    pub(crate) modification_time: Int64Array,
    pub(crate) stats: Option<StringArray>,
    pub(crate) stats_parsed: Option<StructArray>,
    /// `stats` as some version's table parsed it: most others have the same schema.
    pub(crate) json: OnceLock<JsonFor>,
}

/// What a file's `add` says that readers do not ask for, and writers have to repeat.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileDetails {
    pub(crate) tags: Option<Tags>,
    pub(crate) base_row_id: Option<i64>,
    pub(crate) default_row_commit_version: Option<i64>,
    pub(crate) clustering_provider: Option<String>,
}

/// Statistics, and the schema that they were parsed for.
#[derive(Debug)]
pub(crate) struct JsonFor {
    schema: StructType,
    column_mapping: ColumnMapping,
    json: Arc<ParsedJson>,
}

/// Partition values as the log has them.
#[derive(Debug)]
pub(crate) enum PartitionValues {
    Rows(Vec<PartitionTexts>),
    /// A checkpoint's `partitionValues` and `partitionValues_parsed`.
    Checkpoint {
        map: Option<ArrayRef>,
        parsed: Option<ArrayRef>,
    },
}

impl Segment {
    pub(crate) fn new(columns: Arc<SegmentColumns>) -> Self {
        Self {
            columns,
            json: OnceLock::new(),
        }
    }

    /// For a table of this schema.
    pub(crate) fn statistics(&self, schema: &StructType, mapping: ColumnMapping) -> Statistics<'_> {
        let columns = &self.columns;
        let json = columns
            .stats
            .as_ref()
            .filter(|stats| stats.null_count() < stats.len())
            .map(|stats| {
                self.json
                    .get_or_init(|| columns.parse(stats, schema, mapping))
            });
        Statistics {
            json: json.map(AsRef::as_ref),
            parsed: columns.stats_parsed.as_ref(),
            len: columns.path.len(),
        }
    }
}

impl FileDetails {
    fn of(add: &Add) -> Self {
        Self {
            tags: add.tags.clone(),
            base_row_id: add.base_row_id,
            default_row_commit_version: add.default_row_commit_version,
            clustering_provider: add.clustering_provider.clone(),
        }
    }

    /// As [`SegmentColumns::details`] has them.
    pub(crate) fn of_all(files: impl Iterator<Item = Self>) -> Vec<Option<Box<Self>>> {
        let boxed = |details: Self| (details != Self::default()).then(|| Box::new(details));
        let details: Vec<_> = files.map(boxed).collect();
        match details.iter().any(Option::is_some) {
            true => details,
            false => Vec::new(),
        }
    }
}

impl SegmentColumns {
    pub(crate) fn from_adds(adds: Vec<Add>) -> Self {
        Self {
            path: adds.iter().map(|add| Some(add.path.as_str())).collect(),
            size: adds.iter().map(|add| Some(add.size)).collect(),
            modification_time: adds.iter().map(|add| Some(add.modification_time)).collect(),
            stats: Some(adds.iter().map(|add| add.stats.as_deref()).collect()),
            stats_parsed: None,
            json: OnceLock::new(),
            deletion_vector: adds.iter().map(|add| add.deletion_vector.clone()).collect(),
            details: FileDetails::of_all(adds.iter().map(FileDetails::of)),
            partition_values: PartitionValues::Rows(
                adds.into_iter().map(|add| add.partition_values).collect(),
            ),
        }
    }

    fn parse(
        &self,
        stats: &StringArray,
        schema: &StructType,
        column_mapping: ColumnMapping,
    ) -> Arc<ParsedJson> {
        let parse = || Arc::new(ParsedJson::new(stats, schema, column_mapping));
        let kept = self.json.get_or_init(|| JsonFor {
            schema: schema.clone(),
            column_mapping,
            json: parse(),
        });
        match kept.column_mapping == column_mapping && kept.schema == *schema {
            true => kept.json.clone(),
            false => parse(),
        }
    }

    /// By physical name, as the log writes them.
    pub(crate) fn partition_texts(&self, column: &str) -> StringArray {
        match &self.partition_values {
            PartitionValues::Rows(rows) => rows
                .iter()
                .map(|values| values.get(column)?.as_deref())
                .collect(),
            PartitionValues::Checkpoint { map, parsed } => {
                let map = map.as_ref().and_then(|map| map.as_map_opt());
                let parsed = parsed.as_ref().and_then(|parsed| {
                    let values = parsed.as_struct_opt()?.column_by_name(column)?;
                    cast(values, &ArrowType::Utf8).ok()
                });
                let parsed = parsed.as_ref().map(|texts| texts.as_string::<i32>());
                let map = map.and_then(|map| MapTexts::of(map, column));
                (0..self.path.len())
                    .map(
                        |row| match map.as_ref().filter(|map| map.map.is_valid(row)) {
                            Some(map) => map.get(row),
                            None => {
                                let parsed = parsed.filter(|texts| texts.is_valid(row))?;
                                Some(parsed.value(row))
                            }
                        },
                    )
                    .collect()
            }
        }
    }
}

/// A map from text to text, whole.
pub(crate) fn map_texts(map: &MapArray, row: usize) -> Option<Tags> {
    let keys: &StringArray = map.keys().as_string_opt()?;
    let values: &StringArray = map.values().as_string_opt()?;
    let offsets = map.value_offsets();
    let start = usize::try_from(*offsets.get(row)?).ok()?;
    let end = usize::try_from(*offsets.get(row.checked_add(1)?)?).ok()?;
    let value = |at: usize| values.is_valid(at).then(|| values.value(at).to_owned());
    let entries = (start..end).map(|at| (keys.value(at).to_owned(), value(at)));
    map.is_valid(row).then(|| entries.collect())
}

/// The values that maps from text to text have for one key.
struct MapTexts<'a> {
    map: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
    key: &'a str,
}

impl<'a> MapTexts<'a> {
    fn of(map: &'a MapArray, key: &'a str) -> Option<Self> {
        Some(Self {
            map,
            keys: map.keys().as_string_opt()?,
            values: map.values().as_string_opt()?,
            key,
        })
    }

    fn get(&self, row: usize) -> Option<&'a str> {
        let offsets = self.map.value_offsets();
        let mut entries = usize::try_from(offsets[row]).ok()?
            ..usize::try_from(*offsets.get(row.checked_add(1)?)?).ok()?;
        let at = entries.find(|entry| self.keys.value(*entry) == self.key)?;
        self.values.is_valid(at).then(|| self.values.value(at))
    }
}
