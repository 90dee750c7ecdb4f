//! File actions in the columns that a table's checkpoint has for them.
//!
//! Protocol: [Checkpoint Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema)

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, MapArray, StringArray, StructArray,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Int64Type};
use arrow::error::ArrowError;
use delta_log::schema::DataType;
use delta_log::{Snapshot, checkpoint_schema, parse_partition_values, statistics_to_json};

use super::conform::{Values, conform_struct, field_of};
use super::error::{MaintenanceError, Result};
use super::properties::is_enabled;
use super::statistics_columns::StatisticsColumns;

/// A partition column.
#[derive(Debug)]
struct Partition {
    name: String,
    physical_name: String,
    data_type: DataType,
}

/// The columns of `add` and `remove` in a table's checkpoint.
#[derive(Debug)]
pub(super) struct FileColumns {
    version: u64,
    statistics: StatisticsColumns,
    partitions: Vec<Partition>,
    writes_json: bool,
    writes_struct: bool,
}

impl FileColumns {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let partitions = snapshot.partition_columns().iter().filter_map(|name| {
            let field = snapshot.schema().field(name)?;
            Some(Partition {
                name: name.clone(),
                physical_name: snapshot.column_mapping().physical_name(field).to_owned(),
                data_type: field.data_type.clone(),
            })
        });
        let is_on = |property, default| is_enabled(snapshot.metadata(), property, default);
        Self {
            version: snapshot.version(),
            statistics: StatisticsColumns::of(snapshot),
            partitions: partitions.collect(),
            writes_json: is_on("delta.checkpoint.writeStatsAsJson", true),
            writes_struct: is_on("delta.checkpoint.writeStatsAsStruct", false),
        }
    }

    /// `add`.
    pub(super) fn add(&self) -> Field {
        let mut fields = checkpoint_schema::add();
        if self.writes_json {
            fields.push(Field::new("stats", ArrowType::Utf8, true));
        }
        if self.writes_struct {
            if !self.partitions.is_empty() {
                let partitions = ArrowType::Struct(self.partition_fields());
                fields.push(Field::new("partitionValues_parsed", partitions, true));
            }
            let statistics = ArrowType::Struct(self.statistics.fields());
            fields.push(Field::new("stats_parsed", statistics, true));
        }
        checkpoint_schema::group("add", fields)
    }

    /// `remove`.
    pub(super) fn remove(&self) -> Field {
        checkpoint_schema::group("remove", checkpoint_schema::remove())
    }

    /// The tombstones among `removes` that were made after `since`, in milliseconds since the epoch;
    /// all with `None`.
    pub(super) fn tombstones(
        &self,
        removes: &StructArray,
        since: Option<i64>,
    ) -> Result<StructArray> {
        let fields = Fields::from(checkpoint_schema::remove());
        let removes = conform_struct(removes, &fields, Values::AllFit)?;
        let Some(since) = since else {
            return Ok(removes);
        };
        let times = field_of(
            &removes,
            "deletionTimestamp",
            &ArrowType::Int64,
            Values::AllFit,
        )?;
        let times: &Int64Array = times.as_primitive::<Int64Type>();
        let is_kept: BooleanArray = times
            .iter()
            .map(|time| Some(time.unwrap_or(0) > since))
            .collect();
        let removes: ArrayRef = Arc::new(removes);
        Ok(filter(&removes, &is_kept)?.as_struct().clone())
    }

    /// `adds` as this checkpoint has them.
    ///
    /// # Errors
    /// For a value that its column can't have: nothing may be lost.
    pub(super) fn adds(&self, adds: &StructArray) -> Result<StructArray> {
        let fields = Fields::from(checkpoint_schema::add());
        let columns = conform_struct(adds, &fields, Values::AllFit)?;
        let (fields, mut columns, _) = columns.into_parts();
        for required in ["path", "size"] {
            let column = fields.find(required).map(|(at, _)| &columns[at]);
            if column.is_none_or(|column| column.null_count() > 0) {
                return Err(self.doubt(format!("an add has no {required}")));
            }
        }
        let mut fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
        let at = fields
            .iter()
            .position(|field| field.name() == "partitionValues");
        let at = at.ok_or_else(|| self.doubt("no partition values".to_owned()))?;
        columns[at] = Arc::new(self.partition_values(adds, columns[at].as_map())?);
        let (json, parsed) = self.statistics(adds)?;
        if let Some(json) = json {
            fields.push(Field::new("stats", ArrowType::Utf8, true));
            columns.push(json);
        }
        if let Some(parsed) = parsed {
            if !self.partitions.is_empty() {
                let values = self.parsed_partition_values(columns[at].as_map())?;
                fields.push(Field::new(
                    "partitionValues_parsed",
                    values.data_type().clone(),
                    true,
                ));
                columns.push(Arc::new(values));
            }
            fields.push(Field::new("stats_parsed", parsed.data_type().clone(), true));
            columns.push(parsed);
        }
        Ok(StructArray::try_new_with_length(
            fields.into(),
            columns,
            None,
            adds.len(),
        )?)
    }

    /// `stats` and `stats_parsed`, as far as the table wants them.
    fn statistics(&self, adds: &StructArray) -> Result<(Option<ArrayRef>, Option<ArrayRef>)> {
        let json = field_of(adds, "stats", &ArrowType::Utf8, Values::AllFit)?;
        let fields = ArrowType::Struct(self.statistics.fields());
        // An older checkpoint may have statistics in columns alone.
        let stored = field_of(adds, "stats_parsed", &fields, Values::MayBeLost)?;
        let has_json = is_not_null(&json)?;
        let complete = stored.null_count() == stored.len();
        let wanted_json = match (self.writes_json, complete) {
            (false, _) => None,
            (true, true) => Some(json.clone()),
            (true, false) => {
                let texts: ArrayRef = Arc::new(statistics_to_json(stored.as_struct())?);
                Some(zip(&has_json, &json, &texts)?)
            }
        };
        let wanted_struct = match (self.writes_struct, complete) {
            (false, _) => None,
            (true, complete) => {
                let texts: &StringArray = json.as_string();
                let parsed: ArrayRef = Arc::new(self.statistics.parse(texts)?);
                Some(if complete {
                    parsed
                } else {
                    zip(&has_json, &parsed, &stored)?
                })
            }
        };
        Ok((wanted_json, wanted_struct))
    }

    /// Partition values, of which no row is null.
    fn partition_values(&self, adds: &StructArray, values: &MapArray) -> Result<MapArray> {
        if values.null_count() == 0 {
            return Ok(values.clone());
        }
        let parsed = adds.column_by_name("partitionValues_parsed");
        let is_in_columns = |row| parsed.is_some_and(|parsed| parsed.is_valid(row));
        let mut missing = (0..values.len()).filter(|row| values.is_null(*row));
        if !self.partitions.is_empty() && missing.any(is_in_columns) {
            return Err(self.doubt("an add has partition values in columns alone".to_owned()));
        }
        let (field, offsets, entries, _, ordered) = values.clone().into_parts();
        Ok(MapArray::try_new(field, offsets, entries, None, ordered)?)
    }

    fn partition_fields(&self) -> Fields {
        let partitions = self.partitions.iter();
        let partitions = partitions.map(|partition| {
            Field::new(
                &partition.physical_name,
                partition.data_type.to_arrow(),
                true,
            )
        });
        partitions.collect()
    }

    fn parsed_partition_values(&self, values: &MapArray) -> Result<StructArray> {
        let columns = self.partitions.iter().map(|partition| {
            let texts = texts(values, &partition.physical_name)?;
            Ok(parse_partition_values(
                &partition.name,
                &partition.data_type,
                &texts,
            )?)
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        Ok(StructArray::try_new(
            self.partition_fields(),
            columns,
            None,
        )?)
    }

    fn doubt(&self, reason: String) -> MaintenanceError {
        MaintenanceError::Doubt {
            version: self.version,
            reason,
        }
    }
}

/// The values that maps from text to text have for one key.
fn texts<'a>(maps: &'a MapArray, key: &str) -> Result<Vec<Option<&'a str>>> {
    let keys: &StringArray = maps.keys().as_string();
    let values: &StringArray = maps.values().as_string();
    let out_of_range = |_| ArrowError::ComputeError("an offset is negative".to_owned());
    let rows = maps.value_offsets().windows(2).map(|ends| {
        let start = usize::try_from(ends[0]).map_err(out_of_range)?;
        let end = usize::try_from(ends[1]).map_err(out_of_range)?;
        let entry = (start..end).find(|entry| keys.value(*entry) == key);
        Ok(entry.and_then(|entry| values.is_valid(entry).then(|| values.value(entry))))
    });
    rows.collect()
}
