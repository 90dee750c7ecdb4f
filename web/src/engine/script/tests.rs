use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array};

use super::*;
use crate::arrow::tests::stream;

fn started(script: &mut Script, index: u32, count: u32) {
    let text = format!("statement {index}");
    script.apply(
        FromWorker::StatementStarted {
            id: 1,
            index,
            count,
            text,
            is_write: false,
        },
        None,
    );
    let columns = vec![Column {
        name: "n".into(),
        data_type: "int".into(),
        nullable: true,
    }];
    script.apply(
        FromWorker::ResultColumns {
            id: 1,
            index,
            columns,
        },
        None,
    );
}

fn batch(script: &mut Script, index: u32, rows: usize) -> Effects {
    let bytes = stream(vec![Arc::new(Int32Array::from(vec![0; rows])) as ArrayRef]);
    script.apply(
        FromWorker::Batch {
            id: 1,
            index,
            rows: rows as u64,
        },
        Some(bytes),
    )
}

fn done(script: &mut Script, index: u32, is_write: bool) -> Effects {
    let metrics = QueryMetrics::default();
    let summary = StatementSummary {
        row_count: 0,
        version: None,
        table: None,
        is_write,
        warnings: Vec::new(),
        metrics,
    };
    script.apply(
        FromWorker::StatementDone {
            id: 1,
            index,
            summary,
        },
        None,
    )
}

#[test]
fn result_that_nobody_scrolls_is_not_fetched_further() {
    let mut script = Script::new(1, "SELECT".into());
    started(&mut script, 0, 1);
    assert!(!script.is_parked(), "two batches are under way");
    batch(&mut script, 0, 1_024);
    assert_eq!(script.want(40), 0, "one is still under way");
    batch(&mut script, 0, 8_192);
    assert!(script.is_parked());
    assert_eq!(script.want(40), 0, "plenty of rows below");
    assert_eq!(script.want(9_000), 1);
    assert!(!script.is_parked());
    assert_eq!(script.want(9_000), 0, "asked for already");
}

#[test]
fn statement_before_the_last_flows_to_its_end_and_keeps_its_first_rows() {
    let mut script = Script::new(1, "SELECT; SELECT".into());
    started(&mut script, 0, 2);
    for _ in 0..5 {
        assert_eq!(batch(&mut script, 0, 8_192).credit, 1);
    }
    done(&mut script, 0, false);
    assert!(script.statements[0].truncated);
    assert_eq!(script.statements[0].rows.len(), 16_384);
    started(&mut script, 1, 2);
    assert_eq!(batch(&mut script, 1, 1).credit, 0);
}

#[test]
fn full_result_asks_for_no_more() {
    let mut script = Script::new(1, "SELECT".into());
    started(&mut script, 0, 1);
    batch(&mut script, 0, MAX_ROWS);
    batch(&mut script, 0, 1);
    assert!(script.is_parked() && script.is_full());
    assert_eq!(script.want(MAX_ROWS), 0);
}

#[test]
fn finished_statement_is_not_parked() {
    let mut script = Script::new(1, "SELECT".into());
    started(&mut script, 0, 1);
    batch(&mut script, 0, 1);
    batch(&mut script, 0, 1);
    assert!(script.is_parked());
    done(&mut script, 0, false);
    assert!(!script.is_parked());
    assert!(script.apply(FromWorker::Done { id: 1 }, None).ended);
    assert_eq!(script.phase, Phase::Done);
}

#[test]
fn last_result_with_rows_is_shown() {
    let mut script = Script::new(1, "SELECT; CREATE".into());
    started(&mut script, 0, 2);
    done(&mut script, 0, false);
    let text = "CREATE".to_owned();
    script.apply(
        FromWorker::StatementStarted {
            id: 1,
            index: 1,
            count: 2,
            text,
            is_write: true,
        },
        None,
    );
    done(&mut script, 1, true);
    assert_eq!(script.shown_by_default(), 0);
}

#[test]
fn replaced_engine_is_told_with_what_may_have_been_written() {
    let mut script = Script::new(1, "SELECT; CREATE".into());
    let mut start = |index, is_write| {
        let text = String::new();
        let started = FromWorker::StatementStarted {
            id: 1,
            index,
            count: 2,
            text,
            is_write,
        };
        script.apply(started, None);
        let mut replaced = script.clone();
        let effects = replaced.on_event(RunEvent::Replaced);
        assert!(effects.ended && effects.lost);
        let Phase::Cancelled { note: Some(note) } = replaced.phase else {
            panic!("{:?}", replaced.phase)
        };
        note
    };
    assert!(!start(0, false).contains("commit"));
    assert!(start(1, true).contains("A commit that was already sent may have been made"));
}

#[test]
fn unreadable_rows_end_the_script_with_an_error() {
    let mut script = Script::new(1, "SELECT".into());
    started(&mut script, 0, 1);
    let effects = script.apply(
        FromWorker::Batch {
            id: 1,
            index: 0,
            rows: 1,
        },
        Some(b"no".to_vec()),
    );
    assert!(effects.ended);
    assert!(matches!(script.phase, Phase::Failed { index: Some(0), .. }));
}

#[test]
fn preview_can_be_kept_once_its_effects_are_known_and_nobody_has_decided() {
    let mut script = Script::new(1, "a".into()).into_preview();
    started(&mut script, 0, 1);
    done(&mut script, 0, true);
    let preview = Box::new(Preview {
        table: "s3a://b/t".into(),
        commit: None,
        files: Vec::new(),
        no_rows: None,
    });
    script.apply(
        FromWorker::Previewed {
            id: 7,
            index: 0,
            preview,
        },
        None,
    );
    assert!(!script.can_be_kept(), "its rows are on their way");
    started(&mut script, 1, 2);
    assert!(script.statements[1].is_difference && !script.statements[0].is_difference);
    batch(&mut script, 1, 10);
    batch(&mut script, 1, 10);
    assert!(script.can_be_kept(), "more rows wait for a reader");
    assert_eq!(script.shown_by_default(), 1);
    let run = script.preview.as_mut().unwrap();
    assert_eq!(run.id, 7);
    run.fate = Fate::Forgotten;
    assert!(!script.can_be_kept());
}

#[test]
fn preview_of_a_script_that_failed_can_not_be_kept() {
    let mut script = Script::new(1, "a".into()).into_preview();
    started(&mut script, 0, 1);
    script.apply(
        FromWorker::Failed {
            id: 1,
            index: Some(0),
            error: Error::new("X", "no"),
            attempt: None,
        },
        None,
    );
    assert!(!script.can_be_kept());
}

fn failed(index: Option<u32>, code: &str, attempt: Option<Attempt>) -> FromWorker {
    FromWorker::Failed {
        id: 1,
        index,
        error: Error::new(code, "no"),
        attempt,
    }
}

fn write(script: &mut Script, index: u32, count: u32) {
    script.apply(
        FromWorker::StatementStarted {
            id: 1,
            index,
            count,
            text: format!("write {index}"),
            is_write: true,
        },
        None,
    );
}

#[test]
fn script_that_failed_goes_on_where_it_failed() {
    let mut script = Script::new(1, "a; b; c".into());
    assert_eq!(script.repeat(), None);
    started(&mut script, 0, 3);
    started(&mut script, 1, 3);
    script.apply(failed(Some(1), "X", None), None);
    let resume = Resume {
        from: 1,
        attempt: None,
    };
    assert_eq!(script.repeat(), Some(Repeat::From(resume.clone())));
    let mut rest = script.resumed(2, &resume);
    assert_eq!(rest.repeat(), None);
    started(&mut rest, 1, 3);
    let texts: Vec<&str> = rest.statements.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["statement 0", "statement 1"]);
    assert!(!rest.statements[0].columns.is_empty(), "its result stays");

    let mut first = Script::new(1, "a; b".into());
    started(&mut first, 0, 2);
    first.apply(failed(Some(0), "X", None), None);
    assert_eq!(first.repeat(), Some(Repeat::All));
}

#[test]
fn write_of_unknown_outcome_is_looked_for_or_asked_about_and_never_just_run_again() {
    let attempt = Attempt {
        id: "5c2a3f9e-0000-4000-8000-000000000000".into(),
        after: Some(3),
    };
    let mut script = Script::new(1, "a".into());
    write(&mut script, 0, 1);
    let unknown = failed(Some(0), COMMIT_OUTCOME_UNKNOWN, Some(attempt.clone()));
    script.apply(unknown, None);
    let found = Resume {
        from: 0,
        attempt: Some(attempt),
    };
    assert_eq!(script.repeat(), Some(Repeat::Find(found)));

    let blind = Resume {
        from: 0,
        attempt: None,
    };
    let mut script = Script::new(1, "a".into());
    write(&mut script, 0, 1);
    script.apply(failed(Some(0), COMMIT_OUTCOME_UNKNOWN, None), None);
    assert_eq!(script.repeat(), Some(Repeat::Ask(blind.clone())));

    // The engine went away while it wrote.
    let mut script = Script::new(1, "a".into());
    write(&mut script, 0, 1);
    script.on_event(RunEvent::Lost(Error::new("ENGINE_CRASHED", "gone")));
    assert_eq!(script.repeat(), Some(Repeat::Ask(blind)));
    // While it read, there is nothing to be afraid of.
    let mut script = Script::new(1, "a".into());
    started(&mut script, 0, 1);
    script.on_event(RunEvent::Lost(Error::new("ENGINE_CRASHED", "gone")));
    assert_eq!(script.repeat(), Some(Repeat::All));
}
