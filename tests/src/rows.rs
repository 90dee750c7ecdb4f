//! Rows as the engine gives them, in a form that two readers can compare.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use lakeglass::environment::SystemEnvironment;
use lakeglass::fingerprint::render::RowRenderer;
use lakeglass::scheduler::TokioScheduler;
use lakeglass::stores::{Buckets, NativeStores};
use query_engine::{Engine, EngineOptions};

/// An engine that reads tables of this machine by their `file://` URL.
pub fn local_engine() -> Engine {
    let buckets = Buckets::Folder(std::env::temp_dir());
    Engine::new(EngineOptions {
        memory_limit: 512 * 1024 * 1024,
        stores: Arc::new(NativeStores::new(buckets, Vec::new())),
        environment: Arc::new(SystemEnvironment),
        scheduler: Arc::new(TokioScheduler),
    })
}

/// The same, which may write them too.
pub fn writing_engine() -> Engine {
    let buckets = Buckets::Folder(std::env::temp_dir());
    Engine::new(EngineOptions {
        memory_limit: 512 * 1024 * 1024,
        stores: Arc::new(NativeStores::new(buckets, Vec::new()).writable()),
        environment: Arc::new(SystemEnvironment),
        scheduler: Arc::new(TokioScheduler),
    })
}

/// All rows as canonical text, in the order of their bytes.
pub fn canonical_rows(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        let renderer = RowRenderer::new(batch.columns())?;
        for row in 0..batch.num_rows() {
            let mut text = Vec::new();
            renderer.render(row, &mut text);
            rows.push(String::from_utf8(text)?);
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

/// What tells two sorted lists of rows apart; `None` where nothing does.
pub fn difference(ours: &[String], theirs: &[String]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let only = |rows: &[String], others: &[String]| {
        let mut others = others.iter().peekable();
        let mut only = Vec::new();
        for row in rows {
            while others.next_if(|other| *other < row).is_some() {}
            if others.next_if_eq(&row).is_none() {
                only.push(row.as_str());
            }
        }
        only.truncate(3);
        only.join("\n    ")
    };
    Some(format!(
        "{} rows and {}\n  only on the left:\n    {}\n  only on the right:\n    {}",
        ours.len(),
        theirs.len(),
        only(ours, theirs),
        only(theirs, ours)
    ))
}
