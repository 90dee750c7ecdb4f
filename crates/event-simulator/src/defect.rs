//! Batches that are wrong on purpose.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Float64Type, Schema, TimestampMicrosecondType};

use crate::batch;

/// What is wrong with a batch. The first three concern its first row, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The amount is below zero.
    NegativeAmount,
    /// The id is null.
    NullId,
    /// The timestamp is 30 days earlier than it should be.
    LateTimestamp,
    /// The last row is there twice, as after a delivery that was repeated.
    DuplicateId,
    /// The amounts are strings, the first of them `FIVE HUNDRED`.
    WrongType,
    /// There is no column `currency`.
    MissingColumn,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NegativeAmount,
        Self::NullId,
        Self::LateTimestamp,
        Self::DuplicateId,
        Self::WrongType,
        Self::MissingColumn,
    ];

    /// Its name on a command line: `negative-amount`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NegativeAmount => "negative-amount",
            Self::NullId => "null-id",
            Self::LateTimestamp => "late-timestamp",
            Self::DuplicateId => "duplicate-id",
            Self::WrongType => "wrong-type",
            Self::MissingColumn => "missing-column",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Defect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|defect| defect.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("no such defect; there are {names}")
            })
    }
}

const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// `events`, a batch of a [`Simulator`](crate::Simulator), with `defect`.
pub fn spoil(events: &RecordBatch, defect: Defect) -> RecordBatch {
    let id = 0;
    let timestamp = 1;
    let amount = 3;
    match defect {
        Defect::NegativeAmount => {
            let values = events.column(amount).as_primitive::<Float64Type>();
            let spoilt: Float64Array = first(values.iter(), |value| value.map(|value| -value));
            with_column(events, amount, Arc::new(spoilt))
        }
        Defect::NullId => {
            let ids = events.column(id).as_string::<i32>();
            let spoilt: StringArray = first(ids.iter(), |_| None);
            with_column(events, id, Arc::new(spoilt))
        }
        Defect::LateTimestamp => {
            let times = events
                .column(timestamp)
                .as_primitive::<TimestampMicrosecondType>();
            let spoilt: TimestampMicrosecondArray =
                first(times.iter(), |time| time.map(|time| time - THIRTY_DAYS));
            with_column(events, timestamp, Arc::new(spoilt.with_timezone("UTC")))
        }
        Defect::DuplicateId => {
            let Some(last) = events.num_rows().checked_sub(1) else {
                return events.clone();
            };
            let again = events.slice(last, 1);
            concat_batches(&events.schema(), [events, &again]).expect("both have this schema")
        }
        Defect::WrongType => {
            let values = events.column(amount).as_primitive::<Float64Type>();
            let texts = values
                .iter()
                .map(|value| value.map(|value| value.to_string()));
            let spoilt: StringArray = first(texts, |_| Some("FIVE HUNDRED".to_owned()));
            with_column(events, amount, Arc::new(spoilt))
        }
        Defect::MissingColumn => {
            let schema = events.schema();
            let kept: Vec<usize> = (0..schema.fields().len())
                .filter(|&i| schema.field(i).name() != "currency")
                .collect();
            events
                .project(&kept)
                .expect("the columns are the batch's own")
        }
    }
}

/// `values` with the first one changed.
fn first<T, A: FromIterator<Option<T>>>(
    values: impl Iterator<Item = Option<T>>,
    change: impl Fn(Option<T>) -> Option<T>,
) -> A {
    values
        .enumerate()
        .map(|(i, value)| if i == 0 { change(value) } else { value })
        .collect()
}

fn with_column(events: &RecordBatch, index: usize, column: ArrayRef) -> RecordBatch {
    let mut fields: Vec<_> = events.schema().fields().iter().cloned().collect();
    let field: &Field = &fields[index];
    fields[index] = Arc::new(field.clone().with_data_type(column.data_type().clone()));
    let mut columns = events.columns().to_vec();
    columns[index] = column;
    batch(Arc::new(Schema::new(fields)), columns)
}
