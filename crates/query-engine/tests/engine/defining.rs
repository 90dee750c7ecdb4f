//! What a table's definition says beyond names and types: features of its protocol, defaults, generated
//! columns.

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

async fn latest(lake: &Lake) -> Arc<Snapshot> {
    lake.table("t").snapshot(TimeTravel::Latest).await.unwrap()
}

/// Statements that end in these errors; there is no table `u` afterwards, and no new version of `t`.
async fn refused(lake: &Lake, engine: &Engine, statements: &[(&str, &str)]) {
    let version = latest(lake).await.version();
    for (sql, code) in statements {
        match rows_of(engine, sql).await {
            Ok(rows) => panic!("{sql} is not refused: {rows:?}"),
            Err(error) => assert_eq!(error.code, *code, "{sql}: {error}"),
        }
    }
    assert_eq!(latest(lake).await.version(), version);
    assert!(rows_of(engine, "SELECT * FROM lake.u").await.is_err());
}

#[tokio::test]
async fn features_that_properties_name_are_in_the_protocol_and_no_properties() {
    let (lake, engine) = writing();
    let create = "CREATE TABLE lake.t (id INT) TBLPROPERTIES \
                  ('delta.feature.deletionvectors' = 'supported', 'a' = 'b')";
    ok(&engine, create).await;
    let snapshot = latest(&lake).await;
    let protocol = snapshot.protocol();
    assert_eq!(
        (protocol.min_reader_version, protocol.min_writer_version),
        (3, 7)
    );
    assert_eq!(
        protocol.reader_features.as_deref(),
        Some(&["deletionVectors".to_owned()][..])
    );
    let configuration = &snapshot.metadata().configuration;
    assert_eq!(configuration.keys().collect::<Vec<_>>(), ["a"]);
    let set = "ALTER TABLE t SET TBLPROPERTIES (delta.feature.allowColumnDefaults = 'supported')";
    ok(&engine, set).await;
    let shown = ok(&engine, "SHOW TBLPROPERTIES t").await;
    let names: Vec<&str> = shown.iter().map(|row| row[0].as_str()).collect();
    for feature in ["allowColumnDefaults", "deletionVectors", "appendOnly"] {
        assert!(
            names.contains(&format!("delta.feature.{feature}").as_str()),
            "{names:?}"
        );
    }
    refused(
        &lake,
        &engine,
        &[
            (
                "CREATE TABLE lake.u (id INT) TBLPROPERTIES (delta.feature.rowTracking = 'supported')",
                "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES (delta.feature.clustering = 'supported')",
                "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES (delta.feature.v2Checkpoint = 'enabled')",
                "DELTA_UNSUPPORTED_FEATURE_STATUS",
            ),
            (
                "ALTER TABLE t UNSET TBLPROPERTIES (delta.feature.allowColumnDefaults)",
                "DELTA_CANNOT_MODIFY_TABLE_PROPERTY",
            ),
        ],
    )
    .await;
    all_ok(
        &engine,
        &[
            "INSERT INTO t VALUES (1), (2)",
            "DELETE FROM t WHERE id = 1",
        ],
    )
    .await;
    assert_eq!(ok(&lake.engine(), "SELECT * FROM t").await, [["2"]]);
}
