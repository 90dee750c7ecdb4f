//! `ALTER TABLE`: properties, constraints and columns, over rows that are there before and after.

mod columns;
mod mapped_columns;
mod rules;

use std::sync::Arc;

use delta_log::{Snapshot, TimeTravel};
use query_engine::Engine;

use crate::support::{Lake, Row, rows_of};

fn writing() -> (Lake, Engine) {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    let engine = lake.engine();
    (lake, engine)
}

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

async fn all_ok(engine: &Engine, statements: &[&str]) {
    for sql in statements {
        ok(engine, sql).await;
    }
}

/// Statements that end in these errors, and leave the version.
async fn refused(lake: &Lake, engine: &Engine, statements: &[(&str, &str)]) {
    let version = latest(lake).await.version();
    for (sql, code) in statements {
        match rows_of(engine, sql).await {
            Ok(rows) => panic!("{sql} is not refused: {rows:?}"),
            Err(error) => assert_eq!(error.code, *code, "{sql}: {error}"),
        }
    }
    assert_eq!(latest(lake).await.version(), version);
}

async fn latest(lake: &Lake) -> Arc<Snapshot> {
    lake.table("t").snapshot(TimeTravel::Latest).await.unwrap()
}

/// Operation and parameters of the latest version.
async fn last(engine: &Engine) -> String {
    let row = ok(engine, "DESCRIBE HISTORY t LIMIT 1").await.remove(0);
    format!("{} {}", row[4], row[5])
}
