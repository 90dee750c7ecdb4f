//! What a random table is made of, as proptest draws and shrinks it. Values come from the seed.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use proptest::prelude::*;

/// A table, and what is done to it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of all values.
    pub seed: u64,
    pub columns: Vec<DataType>,
    pub partition_by: Vec<DataType>,
    pub change_feed: bool,
    pub steps: Vec<Step>,
}

/// What delta-rs is asked to do, once the table is there. Rows are chosen by `id % by == rest`.
#[derive(Debug, Clone)]
pub enum Step {
    Append {
        rows: usize,
    },
    Delete {
        by: i64,
        rest: i64,
    },
    /// Of the rows of the first partition value, or of those without one.
    DeletePartition {
        null: bool,
    },
    Update {
        by: i64,
        rest: i64,
        column: usize,
    },
    Merge {
        rows: usize,
        deletes: bool,
    },
    AddColumn {
        of: DataType,
        rows: usize,
    },
    Overwrite {
        rows: usize,
    },
    Optimize,
    Checkpoint,
}

/// The name of the `n`th column: what delta-rs writes without column mapping.
pub fn column_name(n: usize) -> String {
    match n {
        0 => "Größe".to_owned(),
        1 => "UPPER".to_owned(),
        2 => "order".to_owned(),
        _ => format!("c{n}"),
    }
}

/// The name of the `n`th partition column.
pub fn partition_name(n: usize) -> String {
    ["p", "Teil-ü"][n].to_owned()
}

pub fn plan() -> impl Strategy<Value = Plan> {
    (
        any::<u64>(),
        prop::collection::vec(column_type(), 1..7),
        prop::collection::vec(partition_type(), 0..3),
        any::<bool>(),
        prop::collection::vec(step(), 2..8),
    )
        .prop_map(|(seed, columns, partition_by, change_feed, steps)| Plan {
            seed,
            columns,
            partition_by,
            change_feed,
            steps,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let rows = || prop_oneof![Just(0usize), 1usize..40];
    prop_oneof![
        3 => rows().prop_map(|rows| Step::Append { rows }),
        2 => (2i64..5, 0i64..2).prop_map(|(by, rest)| Step::Delete { by, rest }),
        1 => any::<bool>().prop_map(|null| Step::DeletePartition { null }),
        2 => (2i64..5, 0i64..2, any::<prop::sample::Index>())
            .prop_map(|(by, rest, column)| Step::Update { by, rest, column: column.index(64) }),
        2 => (1usize..30, any::<bool>()).prop_map(|(rows, deletes)| Step::Merge { rows, deletes }),
        1 => (column_type(), rows()).prop_map(|(of, rows)| Step::AddColumn { of, rows }),
        1 => rows().prop_map(|rows| Step::Overwrite { rows }),
        1 => Just(Step::Optimize),
        2 => Just(Step::Checkpoint),
    ]
}

fn decimal() -> impl Strategy<Value = DataType> {
    (1u8..=38).prop_flat_map(|precision| {
        (0..=precision).prop_map(move |scale| DataType::Decimal128(precision, scale as i8))
    })
}

fn primitive() -> impl Strategy<Value = DataType> {
    prop_oneof![
        1 => Just(DataType::Int8),
        1 => Just(DataType::Int16),
        1 => Just(DataType::Int32),
        1 => Just(DataType::Int64),
        1 => Just(DataType::Float32),
        1 => Just(DataType::Float64),
        1 => Just(DataType::Boolean),
        2 => Just(DataType::Utf8),
        1 => Just(DataType::Binary),
        1 => Just(DataType::Date32),
        1 => Just(timestamp(Some("UTC"))),
        1 => Just(timestamp(None)),
        2 => decimal(),
    ]
}

fn column_type() -> impl Strategy<Value = DataType> {
    let nested = primitive().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(struct_of),
            inner.clone().prop_map(list_of),
            inner.prop_map(map_to),
        ]
    });
    prop_oneof![3 => primitive(), 1 => nested]
}

fn partition_type() -> impl Strategy<Value = DataType> {
    prop_oneof![
        3 => Just(DataType::Utf8),
        1 => Just(DataType::Int8),
        1 => Just(DataType::Int64),
        1 => Just(DataType::Boolean),
        1 => Just(DataType::Date32),
        1 => Just(timestamp(Some("UTC"))),
        1 => Just(timestamp(None)),
        1 => Just(DataType::Decimal128(12, 3)),
        1 => Just(DataType::Float64),
    ]
}

fn timestamp(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Arc::from))
}

fn struct_of(types: Vec<DataType>) -> DataType {
    let fields = types
        .into_iter()
        .enumerate()
        .map(|(n, data_type)| Field::new(format!("f{n}"), data_type, true));
    DataType::Struct(fields.collect())
}

fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

fn map_to(value: DataType) -> DataType {
    let entries = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", value, true),
    ]);
    let entries: FieldRef = Arc::new(Field::new("key_value", DataType::Struct(entries), false));
    DataType::Map(entries, false)
}
