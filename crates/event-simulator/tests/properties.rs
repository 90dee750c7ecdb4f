//! What holds for every seed.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float64Type, TimestampMicrosecondType};
use event_simulator::{Dataset, Defect, Simulator, spoil};
use proptest::prelude::*;

const START: i64 = 1_714_521_600_000_000;
const DATASETS: [Dataset; 3] = [
    Dataset::Transactions { flagged: false },
    Dataset::Transactions { flagged: true },
    Dataset::Claims,
];

fn datasets() -> impl Strategy<Value = Dataset> {
    prop::sample::select(DATASETS.to_vec())
}

fn ids(batch: &RecordBatch) -> Vec<Option<&str>> {
    batch.column(0).as_string::<i32>().iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn same_seed_gives_the_same_rows_however_they_are_cut(
        dataset in datasets(), seed: u64, cut in 0_usize..60,
    ) {
        let whole = Simulator::new(dataset, seed, START).batch(60);
        let mut again = Simulator::new(dataset, seed, START);
        let parts = [again.batch(cut), again.batch(60 - cut)];
        prop_assert_eq!(concat_batches(&dataset.schema(), &parts).unwrap(), whole);
    }

    #[test]
    fn other_seed_gives_other_rows(dataset in datasets(), seed: u64) {
        let one = Simulator::new(dataset, seed, START).batch(20);
        let other = Simulator::new(dataset, seed.wrapping_add(1), START).batch(20);
        prop_assert!(ids(&one).iter().all(|id| !ids(&other).contains(id)));
    }

    #[test]
    fn ids_are_unique_times_rise_and_amounts_are_positive_cents(dataset in datasets(), seed: u64) {
        let batch = Simulator::new(dataset, seed, START).batch(500);
        prop_assert_eq!(batch.schema(), dataset.schema());
        prop_assert_eq!(ids(&batch).into_iter().flatten().collect::<HashSet<_>>().len(), 500);
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        prop_assert!(times[0] > START && times.windows(2).all(|pair| pair[0] < pair[1]));
        for amount in batch.column(3).as_primitive::<Float64Type>().values() {
            prop_assert!(*amount > 0.0);
            prop_assert_eq!((amount * 100.0).round() / 100.0, *amount);
        }
    }

    #[test]
    fn flag_changes_no_other_column(seed: u64) {
        let plain = Simulator::new(Dataset::Transactions { flagged: false }, seed, START);
        let flagged = plain.clone().with_flag().batch(100);
        let plain = plain.clone().batch(100);
        prop_assert_eq!(flagged.num_columns(), 9);
        prop_assert_eq!(flagged.project(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap(), plain);
    }

    #[test]
    fn defect_does_what_it_says_and_nothing_else(dataset in datasets(), seed: u64, rows in 1_usize..30) {
        let good = Simulator::new(dataset, seed, START).batch(rows);
        for defect in Defect::ALL {
            let bad = spoil(&good, defect);
            let first_differs = |column: usize| {
                bad.column(column).slice(0, 1).as_ref() != good.column(column).slice(0, 1).as_ref()
            };
            let others_equal = |column: usize| {
                (0..good.num_columns()).filter(|i| *i != column)
                    .all(|i| bad.column(i) == good.column(i))
            };
            match defect {
                Defect::NegativeAmount => {
                    prop_assert!(bad.column(3).as_primitive::<Float64Type>().value(0) < 0.0);
                    prop_assert!(others_equal(3));
                }
                Defect::NullId => {
                    prop_assert!(bad.column(0).is_null(0) && bad.column(0).null_count() == 1);
                    prop_assert!(others_equal(0));
                }
                Defect::LateTimestamp => prop_assert!(first_differs(1) && others_equal(1)),
                Defect::DuplicateId => {
                    prop_assert_eq!(bad.num_rows(), rows + 1);
                    prop_assert_eq!(ids(&bad)[rows], ids(&good)[rows - 1]);
                }
                Defect::WrongType => {
                    prop_assert_eq!(bad.column(3).data_type(), &DataType::Utf8);
                    prop_assert_eq!(bad.column(3).as_string::<i32>().value(0), "FIVE HUNDRED");
                    prop_assert!(others_equal(3));
                }
                Defect::MissingColumn => {
                    prop_assert!(bad.column_by_name("currency").is_none());
                    prop_assert_eq!(bad.num_columns(), good.num_columns() - 1);
                }
            }
        }
    }
}

#[test]
fn empty_batch_can_be_spoilt() {
    for dataset in DATASETS {
        let empty = Simulator::new(dataset, 1, START).batch(0);
        for defect in Defect::ALL {
            assert_eq!(spoil(&empty, defect).num_rows(), 0);
        }
    }
}

#[test]
fn defects_are_found_by_their_names() {
    for defect in Defect::ALL {
        assert_eq!(defect.name().parse(), Ok(defect));
    }
    assert!("rust".parse::<Defect>().unwrap_err().contains("wrong-type"));
}

/// Pictures and lessons show these rows: a change here changes them.
#[test]
fn first_transaction_of_seed_7_stays_what_it_is() {
    let batch = Simulator::new(Dataset::Transactions { flagged: false }, 7, START).batch(1);
    let texts: Vec<_> = [0, 2, 4, 5, 6, 7]
        .map(|column| batch.column(column).as_string::<i32>().value(0).to_owned())
        .into();
    assert_eq!(
        texts,
        [
            "TXN-08549a3b29596cb4",
            "ACC-1000",
            "USD",
            "debit",
            "MER-0080",
            "transport"
        ]
    );
}
