//! Every statement that writes, held between its read and its commit while another one commits: what
//! becomes of it, and that the table is as if the two had come one after the other.

use std::sync::Arc;

use futures::future::join;
use messages::Error;
use object_store::memory::InMemory;

use crate::support::{FaultyStore, Row, Steady, rows_of};

const BEFORE: &[&str] = &[
    "CREATE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)",
    "INSERT INTO t VALUES (4, 'a'), (5, 'b')",
];

/// Statements, by the name of their row and column in the matrix.
const STATEMENTS: &[(&str, &str)] = &[
    ("append", "INSERT INTO t (id, p) VALUES (6, 'a')"),
    (
        "append own rows",
        "INSERT INTO t (id, p) SELECT id + 10, p FROM t WHERE p = 'a'",
    ),
    ("update a", "UPDATE t SET id = id + 20 WHERE p = 'a'"),
    ("delete a", "DELETE FROM t WHERE p = 'a' AND id = 1"),
    ("delete b", "DELETE FROM t WHERE p = 'b'"),
    (
        "merge",
        "MERGE INTO t USING (SELECT 1L AS id, 'a' AS p UNION ALL SELECT 9, 'y') s ON t.id = s.id \
         WHEN MATCHED THEN UPDATE SET id = t.id + 100 \
         WHEN NOT MATCHED THEN INSERT (id, p) VALUES (s.id, s.p)",
    ),
    ("overwrite", "INSERT OVERWRITE t (id, p) VALUES (7, 'c')"),
    ("add column", "ALTER TABLE t ADD COLUMNS (more INT)"),
    (
        "property",
        "ALTER TABLE t SET TBLPROPERTIES (note = 'seen')",
    ),
    ("restore", "RESTORE TABLE t TO VERSION AS OF 1"),
    (
        "replace",
        "CREATE OR REPLACE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p)",
    ),
    ("optimize", "OPTIMIZE t"),
    (
        "constraint",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
    ),
];

/// For each statement that is held (a line), what becomes of it when another one (a column, in the
/// same order) commits first: `-` its commit comes after the other's as it is; `r` it is computed
/// again from the other's version; `0` it is, and has nothing left to do; `!` it is, and fails.
///
/// The table is `Serializable`, as Spark's are. So a statement that reads rows meets those of an append
/// that it would have read; one that only adds files meets nothing but another schema; and one that
/// reads or replaces the whole table, anything. One that only moves rows meets those who move or remove
/// the same, and another schema.
const OUTCOMES: &[&str] = &[
    "-------rr-r-r", // append
    "rrrrrrrrrrrrr", // append own rows
    "rrrr-r0rrr0rr", // update a
    "--00-00rr-0rr", // delete a
    "----0-0rrr0rr", // delete b
    "rrrrrrrrrrrrr", // merge
    "rrrrrrrrrrrrr", // overwrite
    "-------!r-r-r", // add column
    "-------rr-r-r", // property
    "rrrrrrrrrrrrr", // restore
    "rrrrrrrrrrrrr", // replace
    "--rrrr0rr000r", // optimize
    "rrrrrrrrrrrr!", // constraint
];

async fn run(store: &FaultyStore, environment: &Arc<Steady>, sql: &str) -> Result<(), Error> {
    rows_of(&store.engine(environment), sql).await.map(|_| ())
}

/// Rows and columns of the table.
type Content = (Vec<Row>, Vec<Row>);

async fn content(inner: &Arc<InMemory>, environment: &Arc<Steady>) -> Content {
    let engine = FaultyStore::new(Arc::clone(inner), None).engine(environment);
    let ask = async |sql: &str| rows_of(&engine, sql).await.unwrap();
    let mut rows = ask("SELECT * FROM t").await;
    rows.sort_unstable();
    (rows, ask("DESCRIBE t").await)
}

/// What the table holds if one statement follows the other; `None` if one of them fails.
async fn in_turn(lake: &InMemory, environment: &Arc<Steady>, sqls: [&str; 2]) -> Option<Content> {
    let inner = Arc::new(lake.fork());
    for sql in sqls {
        let store = FaultyStore::new(Arc::clone(&inner), None);
        run(&store, environment, sql).await.ok()?;
    }
    Some(content(&inner, environment).await)
}

#[tokio::test]
async fn statement_that_is_overtaken_comes_to_what_one_after_the_other_would() {
    let environment = Arc::new(Steady::default());
    let lake = Arc::new(InMemory::new());
    let store = FaultyStore::new(Arc::clone(&lake), None);
    for sql in BEFORE {
        run(&store, &environment, sql).await.unwrap();
    }
    let read = BEFORE.len() as u64 - 1;
    let mut outcomes = Vec::new();
    for (held_name, held) in STATEMENTS {
        let mut line = String::new();
        for (other_name, other) in STATEMENTS {
            let at = format!("{held_name}, overtaken by {other_name}");
            let inner = Arc::new(lake.fork());
            let store = FaultyStore::holding_commit(Arc::clone(&inner));
            let overtake = async {
                store.holding().await;
                let free = FaultyStore::new(Arc::clone(&inner), None);
                run(&free, &environment, other).await.unwrap();
                store.release();
            };
            let (ended, ()) = join(run(&store, &environment, held), overtake).await;
            let found = content(&inner, &environment).await;
            let engine = FaultyStore::new(Arc::clone(&inner), None).engine(&environment);
            let history = rows_of(&engine, "DESCRIBE HISTORY t").await.unwrap();
            let held_first = in_turn(&lake, &environment, [held, other]).await;
            let other_first = in_turn(&lake, &environment, [other, held]).await;
            if let Err(error) = ended {
                assert_eq!(other_first, None, "{at}: {error}");
                assert_eq!(history.len(), BEFORE.len() + 1, "{at}");
                line.push('!');
                continue;
            }
            if history.len() == BEFORE.len() + 1 {
                assert_eq!(Some(found), other_first, "{at}");
                line.push('0');
                continue;
            }
            assert_eq!(history.len(), BEFORE.len() + 2, "{at}");
            assert!(
                [&held_first, &other_first].contains(&&Some(found.clone())),
                "{at}: {found:?} is neither {held_first:?} nor {other_first:?}"
            );
            // `readVersion`
            let is_rebased = history[0][9] == read.to_string();
            if !is_rebased {
                assert_eq!(Some(found), other_first, "{at}");
            }
            line.push(if is_rebased { '-' } else { 'r' });
        }
        outcomes.push(line);
    }
    assert_eq!(outcomes, OUTCOMES, "\n{}", outcomes.join("\n"));
}
