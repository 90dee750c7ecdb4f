use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array};
use messages::engine::QueryMetrics;
use serde_json::{Value, json};

use super::*;
use crate::arrow::tests::stream;

fn collected() -> Collected<Value> {
    Collected::new(|json| {
        serde_json::from_str(json).map_err(|error| Error::new("JSON", error.to_string()))
    })
}

fn message(collected: &mut Collected<Value>, message: FromWorker) -> Step {
    collected.take(RunEvent::Message(message, None))
}

fn start(collected: &mut Collected<Value>, index: u32, count: u32) {
    let started = FromWorker::StatementStarted {
        id: 1,
        index,
        count,
        text: String::new(),
        is_write: false,
    };
    assert_eq!(message(collected, started), Step::Wait);
    let columns = vec![Column {
        name: format!("c{index}"),
        data_type: "int".into(),
        nullable: true,
    }];
    let columns = FromWorker::ResultColumns {
        id: 1,
        index,
        columns,
    };
    assert_eq!(message(collected, columns), Step::Wait);
}

/// A batch of numbers that says it has `rows` rows.
fn batch(collected: &mut Collected<Value>, index: u32, values: Vec<i32>, rows: u64) -> Step {
    let bytes = stream(vec![Arc::new(Int32Array::from(values)) as ArrayRef]);
    let batch = FromWorker::Batch { id: 1, index, rows };
    collected.take(RunEvent::Message(batch, Some(bytes)))
}

fn done(collected: &mut Collected<Value>, index: u32, written: Option<(&str, u64)>) {
    let summary = StatementSummary {
        row_count: 0,
        version: written.map(|(_, version)| version),
        table: written.map(|(table, _)| table.to_owned()),
        is_write: written.is_some(),
        warnings: Vec::new(),
        metrics: QueryMetrics::default(),
    };
    let done = FromWorker::StatementDone {
        id: 1,
        index,
        summary,
    };
    assert_eq!(message(collected, done), Step::Wait);
}

#[test]
fn rows_of_the_last_statement_are_collected() {
    let mut collected = collected();
    start(&mut collected, 0, 2);
    assert_eq!(batch(&mut collected, 0, vec![1], 1), Step::Grant);
    done(&mut collected, 0, Some(("s3a://b/t", 7)));
    assert!(collected.rows.is_empty());
    start(&mut collected, 1, 2);
    assert_eq!(batch(&mut collected, 1, vec![2, 3], 2), Step::Grant);
    assert_eq!(batch(&mut collected, 1, vec![4], 1), Step::Grant);
    done(&mut collected, 1, None);
    assert_eq!(
        message(&mut collected, FromWorker::Done { id: 1 }),
        Step::Resolve
    );
    assert_eq!(collected.columns[0].name, "c1");
    assert_eq!(collected.rows, [json!([[2], [3]]), json!([[4]])]);
    assert_eq!(collected.summary.unwrap().version, None);
    let tables = vec![("s3a://b/t".to_owned(), Some(7))];
    let writes = Writes {
        tables,
        unknown: false,
    };
    assert_eq!(collected.writes, writes);
}

#[test]
fn result_of_too_many_rows_is_stopped_and_says_why() {
    let mut collected = collected();
    start(&mut collected, 0, 1);
    assert_eq!(batch(&mut collected, 0, vec![1], MAX_ROWS), Step::Grant);
    assert_eq!(batch(&mut collected, 0, vec![1], 1), Step::Stop);
    let Step::Reject(error) = message(&mut collected, FromWorker::Cancelled { id: 1 }) else {
        panic!("a result")
    };
    assert_eq!(error.code, "RESULT_TOO_LARGE");
}

#[test]
fn statements_before_the_last_may_have_any_number_of_rows() {
    let mut collected = collected();
    start(&mut collected, 0, 2);
    assert_eq!(batch(&mut collected, 0, vec![1], MAX_ROWS), Step::Grant);
    assert_eq!(batch(&mut collected, 0, vec![1], MAX_ROWS), Step::Grant);
    start(&mut collected, 1, 2);
    assert_eq!(batch(&mut collected, 1, vec![1], 1), Step::Grant);
}

#[test]
fn failed_statement_rejects_with_its_error_and_what_was_written_before() {
    let mut collected = collected();
    start(&mut collected, 0, 2);
    done(&mut collected, 0, Some(("s3a://b/t", 7)));
    let error = Error::new("X", "no");
    let failed = FromWorker::Failed {
        id: 1,
        index: Some(1),
        error: error.clone(),
        attempt: None,
    };
    assert_eq!(message(&mut collected, failed), Step::Reject(error));
    assert_eq!(collected.writes.tables.len(), 1);
    assert!(!collected.writes.unknown);
}

#[test]
fn unreadable_rows_reject() {
    let mut collected = collected();
    start(&mut collected, 0, 1);
    let batch = FromWorker::Batch {
        id: 1,
        index: 0,
        rows: 1,
    };
    let step = collected.take(RunEvent::Message(batch, Some(b"no".to_vec())));
    assert!(matches!(step, Step::Reject(_)), "{step:?}");
}

#[test]
fn lost_engine_leaves_open_what_was_written() {
    let error = Error::new("ENGINE_CRASHED", "gone");
    let mut lost = collected();
    assert_eq!(
        lost.take(RunEvent::Lost(error.clone())),
        Step::Reject(error)
    );
    assert!(lost.writes.unknown);

    let mut replaced = collected();
    let Step::Reject(error) = replaced.take(RunEvent::Replaced) else {
        panic!("a result")
    };
    assert_eq!(error.code, "CANCELLED");
    assert!(replaced.writes.unknown);

    let mut unknown = collected();
    let failed = FromWorker::Failed {
        id: 1,
        index: Some(0),
        error: Error::new("COMMIT_OUTCOME_UNKNOWN", "the connection was lost"),
        attempt: None,
    };
    message(&mut unknown, failed);
    assert!(unknown.writes.unknown);

    let mut cancelled = collected();
    message(&mut cancelled, FromWorker::Cancelled { id: 1 });
    assert!(
        !cancelled.writes.unknown,
        "the engine says it where a commit was under way"
    );
}
