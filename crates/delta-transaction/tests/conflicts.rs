//! Which commits may come between what a transaction reads and what it writes: Delta's matrix, cell
//! by cell.

mod support;

use std::sync::Arc;

use delta_log::Snapshot;
use delta_transaction::{ConflictKind, Error, Feature, FilePredicate, Result, Transaction};
use support::*;

/// `x < limit`, as statistics tell.
#[derive(Debug)]
struct LessThan(i64);

impl FilePredicate for LessThan {
    fn may_match(&self, files: &Snapshot) -> Result<Vec<bool>> {
        use arrow::array::{Array, AsArray};
        use arrow::datatypes::Int64Type;
        let mins = files.files().min_values("x")?.unwrap();
        let mins = mins.as_primitive::<Int64Type>();
        let may = |i| mins.is_null(i) || mins.value(i) < self.0;
        Ok((0..mins.len()).map(may).collect())
    }
}

/// The commits of the matrix. The table has the files `low` (x from 0 to 9) and `high` (100 to 109).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// INSERT of rows below 10.
    AppendLow,
    /// INSERT of rows above 100.
    AppendHigh,
    /// INSERT of a query over the table.
    AppendFromItself,
    /// UPDATE … WHERE x < 10, which rewrites `low`.
    RewriteLow,
    /// UPDATE … WHERE x >= 100, which rewrites `high`.
    RewriteHigh,
    /// OPTIMIZE of `low`.
    CompactLow,
    /// ALTER TABLE … SET TBLPROPERTIES.
    SetProperty,
    /// A property that asks for a feature.
    Upgrade,
    /// INSERT of a producer with its own count.
    AppendWithTxn,
}

use Does::*;

const ALL: [Does; 9] = [
    AppendLow,
    AppendHigh,
    AppendFromItself,
    RewriteLow,
    RewriteHigh,
    CompactLow,
    SetProperty,
    Upgrade,
    AppendWithTxn,
];

fn stage(does: Does, mut transaction: Transaction, name: &str) -> Transaction {
    let snapshot = transaction.snapshot().unwrap().clone();
    let position = |path: &str| {
        let files = snapshot.files();
        (0..files.len())
            .find(|i| files.raw_path(*i) == path)
            .unwrap()
    };
    let file = |path: &str| snapshot.files().adds(&[position(path)]).unwrap();
    let rewrite = |transaction: &mut Transaction, path: &str, min: i64, data_change: bool| {
        transaction.reads().read_file(path);
        transaction.remove(file(path), data_change);
        let mut new = add(name, min, min + 9);
        new.data_change = data_change;
        transaction.add([new]);
    };
    match does {
        AppendLow => transaction.add([add(name, 5, 5)]),
        AppendHigh => transaction.add([add(name, 105, 105)]),
        AppendFromItself => {
            transaction.reads().read_whole_table();
            transaction.add([add(name, 105, 105)]);
        }
        RewriteLow => {
            transaction.reads().read_where(Arc::new(LessThan(10)));
            rewrite(&mut transaction, "low", 0, true);
        }
        RewriteHigh => rewrite(&mut transaction, "high", 100, true),
        CompactLow => rewrite(&mut transaction, "low", 0, false),
        SetProperty => transaction.set_metadata(metadata(&[("a", "b")])),
        Upgrade => transaction.enable(Feature::DeletionVectors),
        AppendWithTxn => {
            transaction.set_transaction("producer".to_owned(), 7);
            transaction.add([add(name, 105, 105)]);
        }
    }
    transaction
}

/// What comes of a transaction that `second` began before `first` was committed.
fn expected(first: Does, second: Does, serializable: bool) -> Option<ConflictKind> {
    use ConflictKind::*;
    match (first, second) {
        (SetProperty, _) => Some(MetadataChanged),
        (Upgrade, _) => Some(ProtocolChanged),
        // What it read as a whole has changed.
        (AppendLow | AppendHigh | AppendWithTxn, AppendFromItself) if serializable => {
            Some(ConcurrentAppend)
        }
        // Under WriteSerializable a blind append may come between.
        (AppendLow | AppendHigh | AppendWithTxn, AppendFromItself) => None,
        (AppendFromItself | RewriteLow | RewriteHigh, AppendFromItself) => Some(ConcurrentAppend),
        (CompactLow, AppendFromItself) => Some(ConcurrentDeleteRead),
        (AppendLow, RewriteLow) if serializable => Some(ConcurrentAppend),
        // The rewritten file may hold rows that the condition selects.
        (RewriteLow, RewriteLow) => Some(ConcurrentAppend),
        (CompactLow, RewriteLow) => Some(ConcurrentDeleteRead),
        (RewriteHigh, RewriteHigh) => Some(ConcurrentDeleteRead),
        (RewriteLow | CompactLow, CompactLow) => Some(ConcurrentDeleteRead),
        (AppendWithTxn, AppendWithTxn) => Some(ConcurrentTransaction),
        _ => None,
    }
}

#[tokio::test]
async fn every_operation_held_while_every_other_commits() {
    for serializable in [true, false] {
        let level = match serializable {
            true => "Serializable",
            false => "WriteSerializable",
        };
        for first in ALL {
            for second in ALL {
                let cell = format!("{first:?}, then {second:?}, {level}");
                let t = TestTable::with_properties(&[("delta.isolationLevel", level)]).await;
                let mut start = t.begin(2).await;
                start.add([add("low", 0, 9), add("high", 100, 109)]);
                start.commit().await.unwrap();
                let held = stage(second, t.begin(3).await, "second");
                stage(first, t.begin(4).await, "first")
                    .commit()
                    .await
                    .unwrap();
                let before = t.files().await;
                match (held.commit().await, expected(first, second, serializable)) {
                    (Ok(committed), None) => assert_eq!(committed.version, 3, "{cell}"),
                    (Err(Error::Conflict(conflict)), Some(kind)) => {
                        assert_eq!(conflict.kind, kind, "{cell}");
                        assert_eq!(conflict.version, 2, "{cell}");
                        assert_eq!(conflict.operation.as_deref(), Some("WRITE"), "{cell}");
                        assert_eq!(t.files().await, before, "{cell}");
                    }
                    (outcome, expected) => panic!("{cell}: {outcome:?}, not {expected:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn winner_that_spells_a_path_otherwise_is_in_conflict_all_the_same() {
    let t = TestTable::with_properties(&[]).await;
    t.append(2, "caf%C3%A9").await;
    let remove = |t: &TestTable, snapshot: &Snapshot, id: u128, path: &str| {
        let mut files = snapshot.files().adds(&[0]).unwrap();
        files[0].path = path.to_owned();
        let mut transaction = t.begin_on(Arc::new(snapshot.with_files(files.clone())), id);
        transaction.remove(files, true);
        transaction
    };
    let snapshot = t.latest().await;
    let held = remove(&t, &snapshot, 3, "caf%C3%A9");
    remove(&t, &snapshot, 4, "café").commit().await.unwrap();
    let Err(Error::Conflict(conflict)) = held.commit().await else {
        panic!("the file was removed twice");
    };
    assert_eq!(conflict.kind, ConflictKind::ConcurrentDeleteDelete);
}
