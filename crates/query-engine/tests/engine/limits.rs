//! Memory, turns of the event loop, and stopping.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::json;

use crate::support::{Lake, first_batch, metadata, rows_of};

async fn lake() -> Lake {
    let lake = Lake::default();
    let mut actions = metadata(&[("id", json!("long"))], &[]);
    for file in 0..4 {
        let ids = Int64Array::from_iter_values(file * 50_000..(file + 1) * 50_000);
        let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
        actions.push(lake.add("t", &format!("{file}.parquet"), &batch).await);
    }
    lake.commit("t", 0, "WRITE", actions).await;
    lake.store.take();
    lake
}

#[tokio::test]
async fn a_query_that_needs_too_much_memory_says_so_and_the_engine_goes_on() {
    let lake = lake().await;
    let engine = lake.engine_with(1024 * 1024);
    for sql in [
        "SELECT id, COUNT(*) AS n FROM delta.`s3a://lake/t` GROUP BY id ORDER BY n DESC LIMIT 3",
        "SELECT * FROM delta.`s3a://lake/t` ORDER BY id % 1000",
    ] {
        let error = rows_of(&engine, sql).await.unwrap_err();
        assert_eq!(error.code, "QUERY_MEMORY_EXCEEDED", "{error}");
        assert!(error.hint.is_some());
    }
    let sql = "SELECT COUNT(*) FROM delta.`s3a://lake/t` WHERE id % 2 = 0";
    assert_eq!(rows_of(&engine, sql).await.unwrap(), [["100000"]]);
}

#[tokio::test]
async fn a_limit_reads_no_more_files_than_it_needs() {
    let lake = lake().await;
    let rows = rows_of(
        &lake.engine(),
        "SELECT id FROM delta.`s3a://lake/t` LIMIT 20",
    )
    .await;
    assert_eq!(rows.unwrap().len(), 20);
    let files = lake.store.take();
    assert!(
        files.iter().filter(|request| request.is_data()).count() <= 2,
        "{files:?}"
    );
}

#[tokio::test]
async fn rows_leave_before_the_last_file_is_read_and_dropping_stops_the_rest() {
    let lake = lake().await;
    let sql = "SELECT id FROM delta.`s3a://lake/t` WHERE id % 3 = 0";
    let (batch, execution) = first_batch(&lake.engine(), sql).await;
    assert!(batch.unwrap().num_rows() > 0);
    assert!(execution.metrics().first_row_ms.is_some());
    assert!(execution.metrics().files_read < 4);
    drop(execution);
    lake.store.take();
    // Time enough for a task in the background, if there were one, to ask for the next file.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(lake.store.take(), [], "nothing goes on in the background");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test that runs natively")]
async fn computing_lets_the_event_loop_turn() {
    // As long as it takes on this machine to compute for several turns.
    for rows in (0..6).map(|doubled| 1_000_000 << doubled) {
        let lake = lake().await;
        // No I/O in it, and no row before the end.
        let sql =
            format!("SELECT COUNT(*) FROM range({rows}) a JOIN range(3) b ON a.id % 7 < b.id");
        let started = Instant::now();
        let (batch, _execution) = first_batch(&lake.engine(), &sql).await;
        assert_eq!(batch.unwrap().num_rows(), 1);
        if started.elapsed() < Duration::from_millis(200) {
            continue;
        }
        // One of them may come when the row is asked for: the others are the operators'.
        let turns = lake.turns.load(Ordering::Relaxed);
        assert!(
            turns >= 3,
            "{turns} turns of the event loop before the first row"
        );
        return;
    }
    panic!("too quick to tell");
}
