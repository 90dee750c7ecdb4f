//! Statistics of a data file, taken from its rows as they are written.
//!
//! Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

mod bounds;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Fields};

use crate::files::error::{FileError, Result};
use crate::files::statistics::bounds::Bounds;
use crate::files::statistics_columns::Selection;

/// Counts and bounds of the rows of a file so far.
#[derive(Debug)]
pub(crate) struct Statistics {
    num_records: u64,
    columns: Vec<(usize, Column)>,
}

/// What is known of a column, or of a field of a struct.
#[derive(Debug)]
struct Column {
    /// The physical name as a JSON string.
    key: String,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Leaf {
        null_count: u64,
        bounds: Option<Bounds>,
    },
    Fields(Vec<(usize, Column)>),
}

/// A part of the statistics that has an entry for each column.
#[derive(Debug, Clone, Copy)]
enum Group {
    Min,
    Max,
    NullCount,
}

impl Statistics {
    /// Statistics without rows, of the selected ones among a file's fields.
    pub(crate) fn new(fields: &Fields, selection: &Selection) -> Self {
        Self {
            num_records: 0,
            columns: columns(fields, selection),
        }
    }

    /// Takes in rows of the file.
    ///
    /// # Errors
    /// [`FileError::OutOfRange`].
    pub(crate) fn update(&mut self, rows: &RecordBatch) -> Result<()> {
        add(&mut self.num_records, rows.num_rows())?;
        for (index, column) in &mut self.columns {
            column.update(rows.column(*index), None)?;
        }
        Ok(())
    }

    /// `add.stats`. Bounds are tight: no row of a new file is deleted.
    pub(crate) fn to_json(&self) -> String {
        let group = |group| group_json(&self.columns, group).unwrap_or_else(|| "{}".to_owned());
        format!(
            "{{\"numRecords\":{},\"minValues\":{},\"maxValues\":{},\"nullCount\":{},\"tightBounds\":true}}",
            self.num_records,
            group(Group::Min),
            group(Group::Max),
            group(Group::NullCount),
        )
    }
}

fn columns(fields: &Fields, selection: &Selection) -> Vec<(usize, Column)> {
    let Selection::Fields(selected) = selection else {
        return Vec::new();
    };
    let selected = selected.iter().filter_map(|(index, selection)| {
        let field = fields.get(*index)?;
        Some((*index, Column::new(field, selection)))
    });
    selected.collect()
}

impl Column {
    fn new(field: &Field, selection: &Selection) -> Self {
        use arrow::datatypes::DataType as ArrowType;
        let values = match (selection, field.data_type()) {
            (Selection::Fields(_), ArrowType::Struct(fields)) => {
                Values::Fields(columns(fields, selection))
            }
            (Selection::Leaf | Selection::Fields(_), data_type) => Values::Leaf {
                null_count: 0,
                bounds: Bounds::new(data_type),
            },
        };
        Self {
            key: serde_json::Value::from(field.name().as_str()).to_string(),
            values,
        }
    }

    /// Takes in values, which are null where `parents`, the structs around, are null.
    fn update(&mut self, array: &ArrayRef, parents: Option<&NullBuffer>) -> Result<()> {
        let nulls = NullBuffer::union(parents, array.nulls());
        match &mut self.values {
            Values::Fields(fields) => {
                let Some(array) = array.as_struct_opt() else {
                    return Ok(());
                };
                fields.iter_mut().try_for_each(|(index, field)| {
                    field.update(array.column(*index), nulls.as_ref())
                })
            }
            Values::Leaf { null_count, bounds } => {
                add(null_count, nulls.as_ref().map_or(0, NullBuffer::null_count))?;
                if let Some(bounds) = bounds {
                    bounds.update(array, parents.and(nulls.as_ref()));
                }
                Ok(())
            }
        }
    }

    fn json(&self, group: Group) -> Option<String> {
        match &self.values {
            Values::Fields(fields) => group_json(fields, group),
            Values::Leaf { null_count, bounds } => match group {
                Group::NullCount => Some(null_count.to_string()),
                Group::Min => bounds.as_ref()?.to_json().0,
                Group::Max => bounds.as_ref()?.to_json().1,
            },
        }
    }
}

/// An object with the entries of the columns that have one.
fn group_json(columns: &[(usize, Column)], group: Group) -> Option<String> {
    let entries: Vec<String> = columns
        .iter()
        .filter_map(|(_, column)| Some(format!("{}:{}", column.key, column.json(group)?)))
        .collect();
    (!entries.is_empty()).then(|| format!("{{{}}}", entries.join(",")))
}

fn add(count: &mut u64, rows: usize) -> Result<()> {
    let rows = u64::try_from(rows).ok();
    *count = rows
        .and_then(|rows| count.checked_add(rows))
        .ok_or(FileError::OutOfRange("the number of rows of a file"))?;
    Ok(())
}
