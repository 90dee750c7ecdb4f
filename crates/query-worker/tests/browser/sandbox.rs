//! Writes that stay in the tab: on the overlay, undone, previewed, and kept by the browser.

use messages::Error;
use messages::engine::{FromWorker, RequestId, ToWorker};
use messages::sandbox::{Preview, SandboxOptions, SandboxState};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake;
use crate::page::Page;
use crate::tables::put_table;

const SUM: &str = "SELECT sum(a) FROM delta.`s3a://bucket/t`";
const IN_MEMORY: SandboxOptions = SandboxOptions {
    limit: 64 << 20,
    mirror: false,
};

impl Page {
    /// A page with a sandbox above a store that has a table: of the rows 1, 2 and 3.
    fn sandboxed(options: SandboxOptions) -> Self {
        fake::fresh();
        put_table("bucket/t");
        let page = Self::unconnected();
        page.connect(Some(options));
        page
    }

    /// Runs a script that must not fail; the sandbox's last state during it.
    async fn write(&mut self, id: RequestId, sql: &str) -> Option<SandboxState> {
        self.run(id, sql, 9);
        let (messages, _) = self.finish(id).await;
        assert!(
            matches!(messages.last(), Some(FromWorker::Done { .. })),
            "{messages:?}"
        );
        let states = messages.into_iter().rev().filter_map(|message| {
            let FromWorker::Sandbox { state } = message else {
                return None;
            };
            Some(state)
        });
        states.take(1).next()
    }

    /// Runs a script as a preview, to its end; its effects.
    async fn preview(&mut self, id: RequestId, sql: &str) -> (Vec<Preview>, Vec<FromWorker>) {
        self.service.handle(ToWorker::Run {
            id,
            sql: sql.to_owned(),
            credit: 9,
            preview: true,
            resume: None,
        });
        let (messages, _) = self.finish(id).await;
        let effects = messages.iter().filter_map(|message| {
            let FromWorker::Previewed { preview, .. } = message else {
                return None;
            };
            Some((**preview).clone())
        });
        (effects.collect(), messages)
    }

    /// The table's version.
    async fn version(&mut self, id: RequestId) -> u64 {
        let location = "s3a://bucket/t".to_owned();
        match self.answer(ToWorker::Describe { id, location }).await {
            Ok(FromWorker::Described { table, .. }) => table.version,
            other => panic!("{other:?}"),
        }
    }

    /// The answer to a request beside the scripts.
    async fn answer(&mut self, request: ToWorker) -> Result<FromWorker, Error> {
        self.service.handle(request);
        loop {
            match self.step().await.0 {
                FromWorker::Failed { error, .. } => return Err(error),
                FromWorker::Sandbox { .. } => {}
                other => return Ok(other),
            }
        }
    }
}

/// A commit of others.
fn append(path: &str) {
    let commit = r#"{"commitInfo":{"timestamp":1767225602000,"operation":"WRITE","operationParameters":{}}}"#;
    fake::put_object(path, commit.as_bytes());
}

fn nothing_was_sent() {
    assert!(fake::puts().is_empty() && fake::commits().is_empty());
    assert!(fake::log().iter().all(|request| request.method == "GET"));
}

#[wasm_bindgen_test]
async fn what_is_written_is_read_back_and_never_sent() {
    let mut page = Page::sandboxed(IN_MEMORY);
    let state = page
        .write(1, "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1")
        .await;
    let state = state.expect("a write tells what the sandbox holds");
    assert_eq!(state.tables, ["s3a://bucket/t"]);
    assert!(state.bytes > 0 && !state.mirrored, "{state:?}");
    assert_eq!(page.bigint(2, SUM).await, 5);
    page.write(3, "CREATE TABLE made AS SELECT 40 + 2 AS a")
        .await;
    assert_eq!(
        page.bigint(4, "SELECT CAST(a AS BIGINT) FROM made").await,
        42
    );
    let listed = ToWorker::ListFolder {
        id: 5,
        bucket: "bucket".to_owned(),
        path: String::new(),
    };
    let Ok(FromWorker::Folder { listing, .. }) = page.answer(listed).await else {
        panic!("no listing")
    };
    assert_eq!(listing.folders, ["made", "t"]);
    nothing_was_sent();
}

#[wasm_bindgen_test]
async fn what_a_query_costs_is_what_went_over_the_wire() {
    let mut page = Page::sandboxed(IN_MEMORY);
    page.write(1, "INSERT INTO delta.`s3a://bucket/t` VALUES (7, 'seven')")
        .await;
    let before = fake::log().len();
    page.run(2, SUM, 9);
    let (messages, _) = page.finish(2).await;
    let requests = messages.iter().find_map(|message| match message {
        FromWorker::StatementDone { summary, .. } => Some(summary.metrics.requests),
        _ => None,
    });
    assert_eq!(requests, Some((fake::log().len() - before) as u64));
}

#[wasm_bindgen_test]
async fn what_others_commit_later_is_not_mixed_into_a_table_of_the_sandbox() {
    let mut page = Page::sandboxed(IN_MEMORY);
    page.write(1, "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1")
        .await;
    for version in [2, 3, 4] {
        append(&format!("bucket/t/_delta_log/{version:020}.json"));
    }
    assert_eq!(page.bigint(2, SUM).await, 5);
    assert_eq!(page.version(3).await, 2);
    page.write(4, "INSERT INTO delta.`s3a://bucket/t` VALUES (7, 'seven')")
        .await;
    assert_eq!(page.bigint(5, SUM).await, 12);
    assert_eq!(page.version(6).await, 3);
    let reset = page.answer(ToWorker::ResetSandbox { id: 7 }).await;
    assert!(reset.is_ok(), "{reset:?}");
    assert_eq!(page.version(8).await, 4);
}

#[wasm_bindgen_test]
async fn statement_that_does_not_fit_is_refused_and_takes_no_room() {
    let delete = "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1";
    let insert = "INSERT INTO delta.`s3a://bucket/t` VALUES (7, 'seven')";
    let nothing = "DELETE FROM delta.`s3a://bucket/t` WHERE a = 99";
    let mut page = Page::sandboxed(IN_MEMORY);
    page.write(1, delete).await;
    let needed = page.write(2, insert).await.unwrap().bytes;
    // There is room for the data file, but not for its commit.
    let mut page = Page::sandboxed(SandboxOptions {
        limit: needed - 300,
        ..IN_MEMORY
    });
    let before = page.write(1, delete).await.unwrap();
    page.run(2, insert, 9);
    let (messages, _) = page.finish(2).await;
    let Some(FromWorker::Failed { error, .. }) = messages.last() else {
        panic!("{messages:?}")
    };
    assert_eq!(error.code, "SANDBOX_FULL", "{error}");
    assert_eq!(page.bigint(3, SUM).await, 5);
    let after = page.write(4, nothing).await.unwrap();
    assert_eq!(after, before);
}

#[wasm_bindgen_test]
async fn preview_shows_rows_and_files_and_changes_nothing_until_it_is_kept() {
    let mut page = Page::sandboxed(IN_MEMORY);
    let delete = "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1";
    let (effects, messages) = page.preview(1, delete).await;
    let [effect] = &effects[..] else {
        panic!("{messages:?}")
    };
    let commit = effect.commit.as_ref().unwrap();
    assert_eq!(effect.table, "s3a://bucket/t");
    assert_eq!(
        (commit.version, commit.operation.as_deref()),
        (2, Some("DELETE"))
    );
    let added: Vec<bool> = effect.files.iter().map(|file| file.added).collect();
    assert!(
        added.contains(&true) && added.contains(&false),
        "{effect:?}"
    );
    // The statement, and the difference behind it.
    let started: Vec<(u32, u32, bool)> = messages
        .iter()
        .filter_map(|message| match message {
            FromWorker::StatementStarted {
                index,
                count,
                is_write,
                ..
            } => Some((*index, *count, *is_write)),
            _ => None,
        })
        .collect();
    assert_eq!(started, [(0, 1, true), (1, 2, false)]);
    assert_eq!(page.bigint(2, SUM).await, 6);

    let keep = |id, run| ToWorker::KeepPreview { id, run };
    let kept = page.answer(keep(3, 1)).await;
    assert!(
        matches!(kept, Ok(FromWorker::PreviewKept { id: 3 })),
        "{kept:?}"
    );
    assert_eq!(page.bigint(4, SUM).await, 5);
    let error = page.answer(keep(5, 1)).await.unwrap_err();
    assert_eq!(error.code, "PREVIEW_OUTDATED", "it is kept once");
    nothing_was_sent();
}

#[wasm_bindgen_test]
async fn preview_of_a_sandbox_that_has_changed_since_is_not_kept() {
    let mut page = Page::sandboxed(IN_MEMORY);
    page.preview(1, "DELETE FROM delta.`s3a://bucket/t`").await;
    page.write(2, "INSERT INTO delta.`s3a://bucket/t` VALUES (7, 'seven')")
        .await;
    let error = page
        .answer(ToWorker::KeepPreview { id: 3, run: 1 })
        .await
        .unwrap_err();
    assert_eq!(error.code, "PREVIEW_OUTDATED");
    assert_eq!(page.bigint(4, SUM).await, 13);
}

#[wasm_bindgen_test]
async fn what_a_preview_sets_in_its_session_stays_in_it_until_it_is_kept() {
    let mut page = Page::sandboxed(IN_MEMORY);
    let script = "CREATE TEMPORARY VIEW seven AS SELECT CAST(7 AS BIGINT) AS a;
        INSERT INTO delta.`s3a://bucket/t` SELECT a, 'seven' FROM seven";
    let view = "SELECT a FROM seven";
    page.preview(1, script).await;
    page.run(2, view, 9);
    let (messages, _) = page.finish(2).await;
    assert!(
        matches!(messages.last(), Some(FromWorker::Failed { .. })),
        "{messages:?}"
    );
    page.preview(3, script).await;
    let kept = page.answer(ToWorker::KeepPreview { id: 4, run: 3 }).await;
    assert!(kept.is_ok(), "{kept:?}");
    assert_eq!(page.bigint(5, view).await, 7);
}

#[wasm_bindgen_test]
async fn table_that_is_dropped_is_gone_from_the_sandbox_alone() {
    let mut page = Page::sandboxed(IN_MEMORY);
    let drop = "DROP TABLE delta.`s3a://bucket/t`";
    let (effects, messages) = page.preview(1, drop).await;
    let said = effects.first().and_then(|effect| effect.no_rows.as_deref());
    assert!(
        said.is_some_and(|said| said.contains("gone")),
        "{messages:?}"
    );
    assert_eq!(page.bigint(2, SUM).await, 6);
    page.write(3, drop).await;
    // What others go on with is not seen: it is the dropped table's.
    append("bucket/t/_delta_log/00000000000000000002.json");
    page.run(4, SUM, 9);
    let (messages, _) = page.finish(4).await;
    let Some(FromWorker::Failed { error, .. }) = messages.last() else {
        panic!("{messages:?}")
    };
    assert_eq!(error.code, "PATH_NOT_FOUND", "{error}");
    nothing_was_sent();
    page.service.handle(ToWorker::ResetSandbox { id: 5 });
    assert_eq!(page.bigint(6, SUM).await, 6);
}

#[wasm_bindgen_test]
async fn preview_beside_a_proxy_sends_it_nothing() {
    let mut page = Page::connected();
    put_table("bucket/t");
    let (effects, _) = page.preview(1, "DELETE FROM delta.`s3a://bucket/t`").await;
    assert_eq!(effects.len(), 1);
    nothing_was_sent();
    assert_eq!(page.bigint(2, SUM).await, 6);
}

#[wasm_bindgen_test]
async fn reset_stops_what_runs_and_forgets_everything() {
    let mut page = Page::sandboxed(IN_MEMORY);
    page.write(1, "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1")
        .await;
    page.run(2, "SELECT unnest(range(0, 100000))", 0);
    while !matches!(page.step().await.0, FromWorker::ResultColumns { .. }) {}
    page.service.handle(ToWorker::ResetSandbox { id: 3 });
    let mut seen = Vec::new();
    while !matches!(seen.last(), Some(FromWorker::SandboxReset { id: 3 })) {
        seen.push(page.step().await.0);
    }
    assert!(
        matches!(seen[0], FromWorker::Cancelled { id: 2 }),
        "{seen:?}"
    );
    let FromWorker::Sandbox { state } = &seen[1] else {
        panic!("{seen:?}")
    };
    assert_eq!((state.changes, state.bytes), (0, 0));
    assert_eq!(page.bigint(4, SUM).await, 6);
}

#[wasm_bindgen_test]
async fn browser_keeps_a_copy_that_the_next_engine_finds() {
    let mirrored = SandboxOptions {
        mirror: true,
        ..IN_MEMORY
    };
    // What an earlier run of this test has left.
    let mut page = Page::sandboxed(mirrored);
    let reset = page.answer(ToWorker::ResetSandbox { id: 1 }).await;
    assert!(reset.is_ok(), "{reset:?}");
    let state = page
        .write(2, "DELETE FROM delta.`s3a://bucket/t` WHERE a = 1")
        .await
        .unwrap();
    assert!(state.mirrored && state.problem.is_none(), "{state:?}");
    drop(page);
    let mut page = Page::sandboxed(mirrored);
    assert_eq!(page.bigint(1, SUM).await, 5);
    page.service.handle(ToWorker::ResetSandbox { id: 2 });
    drop(page);
    let mut page = Page::sandboxed(mirrored);
    assert_eq!(page.bigint(1, SUM).await, 6);
}
