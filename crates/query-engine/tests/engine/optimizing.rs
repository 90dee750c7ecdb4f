//! `OPTIMIZE`: which files become which, and what is left as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_log::{Snapshot, TimeTravel};
use query_engine::Engine;

use crate::support::{Lake, Row, rows_of};

fn writing() -> Lake {
    Lake {
        can_write: true,
        ..Lake::default()
    }
}

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

async fn latest(lake: &Lake) -> Arc<Snapshot> {
    lake.table("t").snapshot(TimeTravel::Latest).await.unwrap()
}

/// Paths of the files by the value of `p`.
fn files_by_partition(snapshot: &Snapshot) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let all: Vec<usize> = (0..snapshot.files().len()).collect();
    for add in snapshot.files().adds(&all).unwrap() {
        let p = add.partition_values["p"].clone().unwrap_or_default();
        files.entry(p).or_default().push(add.path);
    }
    files
}

/// Partition `x`: three files; `y`: one; NULL: two.
async fn partitioned(engine: &Engine, properties: &str) {
    ok(
        engine,
        &format!("CREATE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p) {properties}"),
    )
    .await;
    for values in [
        "(1, 'x'), (2, NULL)",
        "(3, 'x'), (4, NULL)",
        "(5, 'x'), (6, 'y')",
    ] {
        ok(engine, &format!("INSERT INTO t VALUES {values}")).await;
    }
}

#[tokio::test]
async fn small_files_of_a_partition_become_one_and_single_ones_stay() {
    let lake = writing();
    let engine = lake.engine();
    partitioned(&engine, "TBLPROPERTIES (delta.enableChangeDataFeed = true)").await;
    let before = files_by_partition(&*latest(&lake).await);
    let optimized = "SELECT id, p FROM t ORDER BY id";
    let rows = ok(&engine, optimized).await;
    let answer = ok(&engine, "OPTIMIZE t").await;
    assert_eq!(answer[0][0], "s3a://lake/t");
    for metric in [
        "numFilesAdded: 2, numFilesRemoved: 5",
        "partitionsOptimized: 2, zOrderStats: NULL",
        "numBins: 2, numBatches: 1, totalConsideredFiles: 6, totalFilesSkipped: 1",
        "deletionVectorStats: NULL, numTableColumns: 2, numTableColumnsWithStats: 2",
    ] {
        let metrics = answer[0][1].replace("null", "NULL");
        assert!(metrics.contains(metric), "{metric} in {metrics}");
    }
    let after = latest(&lake).await;
    let files = files_by_partition(&after);
    assert_eq!(files["y"], before["y"]);
    assert_eq!((files["x"].len(), files[""].len()), (1, 1));
    assert_eq!(ok(&engine, optimized).await, rows);
    let commit = lake
        .table("t")
        .commit(after.version())
        .await
        .unwrap()
        .unwrap();
    assert!(
        commit
            .adds
            .iter()
            .all(|add| !add.data_change && add.stats.is_some())
    );
    assert!(commit.removes.iter().all(|remove| !remove.data_change));
    assert_eq!(commit.info("isolationLevel"), Some("SnapshotIsolation"));
    let feed = format!("SELECT * FROM table_changes('t', {}, {0})", after.version());
    assert_eq!(ok(&engine, &feed).await, Vec::<Row>::new());
    let history = "DESCRIBE HISTORY t LIMIT 1";
    let row = ok(&engine, history).await.remove(0).join(" ");
    for said in [
        "OPTIMIZE",
        "{predicate: [], auto: false, zOrderBy: [], clusterBy: []}",
        "numRemovedFiles: 5, numAddedFiles: 2",
    ] {
        assert!(row.contains(said), "{said} in {row}");
    }
    // There is nothing left to do, and so nothing to commit.
    ok(&engine, "OPTIMIZE t").await;
    assert_eq!(latest(&lake).await.version(), after.version());
}

#[tokio::test]
async fn condition_chooses_whole_partitions_and_nothing_less() {
    let lake = writing();
    let engine = lake.engine();
    partitioned(&engine, "").await;
    let before = files_by_partition(&*latest(&lake).await);
    ok(&engine, "OPTIMIZE t WHERE t.P = 'x' OR p > 'zz'").await;
    let files = files_by_partition(&*latest(&lake).await);
    assert_eq!((files["x"].len(), &files[""]), (1, &before[""]));
    let history = ok(&engine, "DESCRIBE HISTORY t LIMIT 1")
        .await
        .remove(0)
        .join(" ");
    assert!(
        history.contains(r#"predicate: ["(t.P = 'x' OR p > 'zz')"]"#),
        "{history}"
    );
    let version = latest(&lake).await.version();
    for (sql, code) in [
        (
            "OPTIMIZE t WHERE id = 1",
            "DELTA_NON_PARTITION_COLUMN_REFERENCE",
        ),
        (
            "OPTIMIZE t WHERE p = 'x' AND id = 1",
            "DELTA_NON_PARTITION_COLUMN_REFERENCE",
        ),
        (
            "OPTIMIZE t WHERE q = 1",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        ),
        (
            "OPTIMIZE t WHERE length(p)",
            "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
        ),
        (
            "OPTIMIZE t WHERE p IN (SELECT p FROM t)",
            "DELTA_UNSUPPORTED_SUBQUERY_IN_PARTITION_PREDICATES",
        ),
        (
            "OPTIMIZE t ZORDER BY (p)",
            "DELTA_ZORDERING_ON_PARTITION_COLUMN",
        ),
        (
            "OPTIMIZE t ZORDER BY (nope)",
            "DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST",
        ),
        ("OPTIMIZE nope", "TABLE_OR_VIEW_NOT_FOUND"),
    ] {
        let error = rows_of(&engine, sql).await.unwrap_err();
        assert_eq!(error.code, code, "{sql}: {error}");
    }
    ok(
        &engine,
        "ALTER TABLE t SET TBLPROPERTIES (delta.dataSkippingNumIndexedCols = 0)",
    )
    .await;
    let error = rows_of(&engine, "OPTIMIZE t ZORDER BY (id)")
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS");
    assert_eq!(latest(&lake).await.version(), version + 1);
}

#[tokio::test]
async fn file_with_deleted_rows_is_written_again_without_them() {
    let lake = writing();
    let engine = lake.engine();
    let vectors = "TBLPROPERTIES (delta.enableDeletionVectors = true)";
    ok(
        &engine,
        &format!("CREATE TABLE lake.t (id BIGINT) {vectors}"),
    )
    .await;
    ok(
        &engine,
        "INSERT INTO t SELECT id FROM VALUES (1), (2), (3) AS v(id)",
    )
    .await;
    ok(&engine, "DELETE FROM t WHERE id = 2").await;
    assert_eq!(latest(&lake).await.files().num_with_deletion_vector(), 1);
    let answer = ok(&engine, "OPTIMIZE t").await.remove(0).remove(1);
    let vectors =
        "deletionVectorStats: {numDeletionVectorsRemoved: 1, numDeletionVectorRowsRemoved: 1}";
    assert!(answer.contains(vectors), "{answer}");
    let after = latest(&lake).await;
    assert_eq!(after.files().num_with_deletion_vector(), 0);
    assert_eq!(after.files().num_stored_records(0), Some(2));
    assert_eq!(
        ok(&engine, "SELECT id FROM t ORDER BY id").await,
        [["1"], ["3"]]
    );
}

#[tokio::test]
async fn bins_are_filled_up_to_the_size_that_the_table_asks_for() {
    let lake = writing();
    let engine = lake.engine();
    ok(&engine, "CREATE TABLE lake.t (id BIGINT)").await;
    for _ in 0..7 {
        ok(&engine, "INSERT INTO t VALUES (1), (2)").await;
    }
    let size = latest(&lake).await.files().size(0);
    // Three fit into one; the seventh is left alone.
    let property = format!("delta.targetFileSize = {}", size * 3 + size / 2);
    ok(
        &engine,
        &format!("ALTER TABLE t SET TBLPROPERTIES ({property})"),
    )
    .await;
    ok(&engine, "OPTIMIZE t").await;
    let after = latest(&lake).await;
    let mut rows: Vec<_> = (0..after.files().len())
        .map(|i| after.files().num_records(i))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [Some(2), Some(6), Some(6)]);
}

/// Files' greatest distances between two values of a column.
fn spans(snapshot: &Snapshot, column: &str) -> Vec<i64> {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let (files, ints) = (
        snapshot.files(),
        |values: Option<arrow::array::ArrayRef>| {
            values
                .unwrap()
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        },
    );
    let min = ints(files.min_values(column).unwrap());
    let max = ints(files.max_values(column).unwrap());
    max.iter().zip(min).map(|(max, min)| max - min).collect()
}

/// 64 × 64 points, so that any file has all values of one column.
async fn points(engine: &Engine) {
    ok(
        engine,
        "CREATE TABLE lake.t (x BIGINT, y BIGINT, text STRING)",
    )
    .await;
    for part in 0..4 {
        let rows: Vec<String> = (0..1024)
            .map(|id| id * 4 + part)
            .map(|n| format!("({}, {}, '{}{n}')", n % 64, n / 64, "x".repeat(100)))
            .collect();
        ok(engine, &format!("INSERT INTO t VALUES {}", rows.join(", "))).await;
    }
}

#[tokio::test]
async fn z_ordered_files_have_values_near_to_each_other_in_all_of_the_columns() {
    // In little memory, rows are put in order a few at a time, and files end early.
    for (memory, files) in [(256 << 20, 4), (4 << 20, 8)] {
        let lake = writing();
        let engine = lake.engine_with(memory);
        points(&engine).await;
        let sum = "SELECT count(*), sum(x), sum(y), count(DISTINCT text) FROM t";
        let rows = ok(&engine, sum).await;
        let before = latest(&lake).await;
        let size = before.files().size_in_bytes() / 4 - 1000;
        let option = "spark.databricks.delta.optimize.maxFileSize";
        ok(&engine, &format!("SET {option} = {size}")).await;
        let answer = ok(&engine, "OPTIMIZE t ZORDER BY (x, Y)")
            .await
            .remove(0)
            .remove(1);
        assert!(answer.contains("strategyName: all"), "{answer}");
        let after = latest(&lake).await;
        assert_eq!(after.files().len(), files);
        for column in ["x", "y"] {
            let (spans, before) = (spans(&after, column), spans(&before, column));
            assert!(spans.iter().all(|span| *span < 40), "{column}: {spans:?}");
            assert!(before.iter().all(|span| *span > 50), "{column}: {before:?}");
        }
        assert_eq!(ok(&engine, sum).await, rows);
        let history = ok(&engine, "DESCRIBE HISTORY t LIMIT 1")
            .await
            .remove(0)
            .join(" ");
        assert!(history.contains(r#"zOrderBy: ["x","y"]"#), "{history}");
    }
}

/// Runs a statement of another engine just before the engine puts something.
fn meanwhile(lake: &Lake, sql: &'static str) {
    let other = Lake {
        store: Arc::clone(&lake.store),
        ..writing()
    };
    lake.store.before_put(move || {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(async { ok(&other.engine(), sql).await });
        };
        std::thread::spawn(run).join().unwrap();
    });
}

#[tokio::test]
async fn rows_that_come_meanwhile_stay_and_those_that_go_meanwhile_do_not_come_back() {
    let lake = writing();
    let engine = lake.engine();
    partitioned(&engine, "").await;
    meanwhile(&lake, "INSERT INTO t VALUES (7, 'x')");
    ok(&engine, "OPTIMIZE t").await;
    let after = latest(&lake).await;
    assert_eq!(files_by_partition(&after)["x"].len(), 2);
    let count = "SELECT count(*), sum(id) FROM t";
    assert_eq!(ok(&engine, count).await, [["7", "28"]]);
    // Row 1 is in a file that is about to be compacted.
    meanwhile(&lake, "DELETE FROM t WHERE id = 1");
    ok(&engine, "OPTIMIZE t").await;
    assert_eq!(ok(&engine, count).await, [["6", "27"]]);
    let after = latest(&lake).await;
    assert_eq!(files_by_partition(&after)["x"].len(), 1);
}
