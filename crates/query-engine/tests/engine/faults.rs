//! A fault at every call to the store, one after the other, for every statement that writes: the table
//! is left as it was or as the statement leaves it, the outcome is told as it is, and the statement
//! executed once more commits nothing twice.

use std::sync::Arc;

use futures::future::{Either, select};
use messages::Error;
use object_store::memory::InMemory;
use query_engine::{Engine, Statement};

use crate::support::{Calls, Fault, FaultyStore, Row, Steady, rows_of};

/// What is there before each of the statements: a table with three versions, of which the next but one
/// is due for a checkpoint.
const BEFORE: &[&str] = &[
    "CREATE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p) \
     TBLPROPERTIES (delta.checkpointInterval = 4)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)",
    "INSERT INTO t VALUES (4, 'a'), (5, 'b')",
];

const STATEMENTS: &[&str] = &[
    "CREATE TABLE lake.other (id BIGINT)",
    "CREATE TABLE lake.other AS SELECT * FROM t",
    "CREATE OR REPLACE TABLE lake.t AS SELECT id FROM t",
    "INSERT INTO t VALUES (6, 'c'), (7, 'a')",
    "INSERT OVERWRITE t VALUES (6, 'c')",
    "INSERT INTO t SELECT id + 10, p FROM t",
    "UPDATE t SET id = id + 10 WHERE id < 4",
    "DELETE FROM t WHERE id IN (1, 2, 4)",
    "DELETE FROM t WHERE p = 'a'",
    "MERGE INTO t USING (SELECT 1L AS id, 'z' AS p UNION ALL SELECT 9, 'y') s ON t.id = s.id \
     WHEN MATCHED THEN UPDATE SET p = s.p WHEN NOT MATCHED THEN INSERT *",
    "ALTER TABLE t ADD COLUMNS (more INT)",
    "ALTER TABLE t SET TBLPROPERTIES (delta.appendOnly = true)",
    "RESTORE TABLE t TO VERSION AS OF 1",
    "OPTIMIZE t",
    "OPTIMIZE t WHERE p = 'a' ZORDER BY (id)",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
    "ALTER TABLE t ALTER COLUMN id FIRST",
    "ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
    "CREATE TABLE lake.other SHALLOW CLONE t",
];

const FAULTS: &[(Calls, Fault)] = &[
    (Calls::One, Fault::Refused),
    (Calls::One, Fault::AnswerLost),
    (Calls::One, Fault::Cut),
    (Calls::One, Fault::Hangs),
    (Calls::One, Fault::HangsAfter),
    (Calls::AllFromHere, Fault::Refused),
    (Calls::AllFromHere, Fault::AnswerLost),
];

/// Most calls that one of the statements makes.
const MOST_CALLS: usize = 100;

/// The tables of a store, as somebody sees them who comes new to it: for each its rows, its columns
/// and its number of versions.
#[derive(Debug, PartialEq, Eq)]
struct Seen(Vec<Option<[Vec<Row>; 3]>>);

async fn see(inner: &Arc<InMemory>, environment: &Arc<Steady>) -> Seen {
    let engine = FaultyStore::new(Arc::clone(inner), None).engine(environment);
    let mut tables = Vec::new();
    for table in ["t", "other"] {
        let path = format!("delta.`s3a://lake/{table}`");
        let mut rows = match rows_of(&engine, &format!("SELECT * FROM {path}")).await {
            Ok(rows) => rows,
            Err(error) if error.code == "PATH_NOT_FOUND" => {
                tables.push(None);
                continue;
            }
            Err(error) => panic!("{table} can't be read: {error}"),
        };
        rows.sort_unstable();
        let ask = async |sql: String| rows_of(&engine, &sql).await.unwrap();
        let columns = ask(format!("DESCRIBE {path}")).await;
        let versions = ask(format!("DESCRIBE HISTORY {path}")).await;
        let versions = versions.into_iter().map(|row| vec![row[0].clone()]);
        tables.push(Some([rows, columns, versions.collect()]));
    }
    Seen(tables)
}

/// How a statement ended: `None` where it hung, and was dropped.
type End = Option<Result<(), Error>>;

async fn execute(engine: &Engine, store: &FaultyStore, statement: &Statement) -> End {
    let execution = std::pin::pin!(engine.execute(statement));
    let hanging = std::pin::pin!(store.hanging());
    match select(execution, hanging).await {
        Either::Left((ended, _)) => Some(ended.map(|_| ())),
        Either::Right(_) => None,
    }
}

async fn lake(property: Option<&str>, environment: &Arc<Steady>) -> InMemory {
    let inner = Arc::new(InMemory::new());
    let engine = FaultyStore::new(Arc::clone(&inner), None).engine(environment);
    for sql in BEFORE {
        rows_of(&engine, sql).await.unwrap();
    }
    if let Some(property) = property {
        let set = format!("ALTER TABLE t SET TBLPROPERTIES ({property} = true)");
        rows_of(&engine, &set).await.unwrap();
    }
    inner.fork()
}

#[derive(Debug, Default)]
struct Tally {
    made: usize,
    not_made: usize,
    unknown: usize,
    dropped: usize,
    made_and_lost: usize,
}

#[tokio::test]
async fn table_is_whole_and_the_outcome_true_whatever_call_fails() {
    check(None, STATEMENTS).await;
}

/// Those whose rows go another way on some tables.
fn changing_rows() -> Vec<&'static str> {
    let words = ["UPDATE", "DELETE", "MERGE"];
    let changes_rows = |sql: &&str| words.iter().any(|word| sql.starts_with(word));
    STATEMENTS.iter().copied().filter(changes_rows).collect()
}

#[tokio::test]
async fn table_with_a_change_feed_is_whole_and_the_outcome_true_whatever_call_fails() {
    check(Some("delta.enableChangeDataFeed"), &changing_rows()).await;
}

#[tokio::test]
async fn table_with_deletion_vectors_is_whole_and_the_outcome_true_whatever_call_fails() {
    check(Some("delta.enableDeletionVectors"), &changing_rows()).await;
}

async fn check(property: Option<&str>, statements: &[&str]) {
    let mut tally = Tally::default();
    let environment = Arc::new(Steady::default());
    let lake = lake(property, &environment).await;
    for &sql in statements {
        let before = see(&Arc::new(lake.fork()), &environment).await;
        let healthy = Arc::new(lake.fork());
        let store = FaultyStore::new(Arc::clone(&healthy), None);
        rows_of(&store.engine(&environment), sql).await.unwrap();
        let after = see(&healthy, &environment).await;
        assert_ne!(before, after, "{sql}");
        let calls = store.calls();
        assert!((1..MOST_CALLS).contains(&calls), "{sql}: {calls} calls");
        let faults = (0..calls).flat_map(|call| FAULTS.iter().map(move |fault| (call, fault)));
        for (call, (many, fault)) in faults {
            let at = format!("{sql}; {property:?}; {fault:?} at call {call}, {many:?}");
            let inner = Arc::new(lake.fork());
            let store = FaultyStore::new(Arc::clone(&inner), Some((call, *many, *fault)));
            let faulty = store.engine(&environment);
            let statement = faulty.parse(sql).unwrap().remove(0);
            let end = execute(&faulty, &store, &statement).await;
            let seen = see(&inner, &environment).await;
            tally.count(&at, &end, &seen, [&before, &after]);

            // Who does it again may be another engine, which knows only what it is told.
            let again = FaultyStore::new(Arc::clone(&inner), None).engine(&environment);
            let mut repeated = again.parse(sql).unwrap().remove(0);
            if let Some(attempt) = statement.attempt() {
                repeated = repeated.attempted(attempt);
            }
            match again.execute(&repeated).await {
                Ok(execution) => assert!(execution.is_write(), "{at}"),
                Err(error) => panic!("{at}: again: {error}"),
            }
            assert_eq!(see(&inner, &environment).await, after, "{at}: again");
        }
    }
    println!("{tally:?}");
    let Tally {
        made,
        not_made,
        unknown,
        dropped,
        made_and_lost,
    } = tally;
    // Or the faults met nothing.
    let counts = [made, not_made, unknown, dropped, made_and_lost];
    assert!(counts.into_iter().all(|count| count > 5), "{tally:?}");
}

impl Tally {
    /// Counts an end, which must be a true one.
    fn count(&mut self, at: &str, end: &End, seen: &Seen, [before, after]: [&Seen; 2]) {
        let is_made = seen == after;
        assert!(
            is_made || seen == before,
            "{at}: half a statement: {seen:?}"
        );
        match end {
            Some(Ok(())) => {
                assert!(is_made, "{at}: it is said to be done");
                self.made += 1;
            }
            Some(Err(error)) if error.code == "COMMIT_OUTCOME_UNKNOWN" => {
                self.unknown += 1;
                self.made_and_lost += usize::from(is_made);
            }
            Some(Err(error)) => {
                assert!(!is_made, "{at}: it is said to have failed: {error}");
                self.not_made += 1;
            }
            None => {
                self.dropped += 1;
                self.made_and_lost += usize::from(is_made);
            }
        }
    }
}
