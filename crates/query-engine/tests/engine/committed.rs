//! Statements that write, whole: what is in the table after their commit.

use delta_log::TimeTravel;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use query_engine::Engine;

use crate::row_changes::model::{Condition, Int, ModelRow, Scope, Side, conditions, ints};
use crate::row_changes::tables::{ModelTable, block_on, model_row, tables};
use crate::support::{Lake, Row, rows_of};

const ROW: &[Side] = &[Side::None];

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

#[tokio::test]
async fn a_table_lives_from_its_creation_to_its_restoration() {
    let (_, engine) = writing();
    ok(
        &engine,
        "CREATE TABLE lake.t (id BIGINT, name STRING) PARTITIONED BY (name)",
    )
    .await;
    ok(
        &engine,
        "INSERT INTO t VALUES (1, 'a b'), (2, 'ä/%'), (3, NULL)",
    )
    .await;
    assert_eq!(
        ok(&engine, "UPDATE t SET id = id + 10 WHERE name = 'ä/%'").await,
        [["1"]]
    );
    assert_eq!(
        ok(&engine, "DELETE FROM t WHERE name IS NULL").await,
        [["1"]]
    );
    assert_eq!(ok(&engine, "DELETE FROM t WHERE id = NULL").await, [["0"]]);
    let merge = "MERGE INTO t USING (SELECT 1L AS id, 'x' AS name UNION ALL SELECT 5, 'y') s \
        ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT *";
    assert_eq!(ok(&engine, merge).await, [["2", "1", "0", "1"]]);
    let all = "SELECT id, name FROM t ORDER BY id";
    assert_eq!(
        ok(&engine, all).await,
        [["1", "x"], ["5", "y"], ["12", "ä/%"]]
    );
    ok(&engine, "CREATE OR REPLACE TABLE lake.t AS SELECT 7 AS n").await;
    assert_eq!(ok(&engine, "SELECT * FROM t").await, [["7"]]);
    ok(&engine, "RESTORE TABLE t TO VERSION AS OF 4").await;
    assert_eq!(
        ok(&engine, all).await,
        [["1", "x"], ["5", "y"], ["12", "ä/%"]]
    );
    ok(&engine, "ALTER TABLE t ADD COLUMNS (more INT)").await;
    ok(
        &engine,
        "ALTER TABLE t SET TBLPROPERTIES (delta.enableChangeDataFeed = true)",
    )
    .await;
    ok(&engine, "INSERT OVERWRITE t VALUES (9, 'z', 1)").await;
    assert_eq!(ok(&engine, "SELECT * FROM t").await, [["9", "z", "1"]]);
}

/// One statement that writes.
#[derive(Debug, Clone)]
enum Dml {
    Delete(Condition),
    Update(Option<Condition>, Int),
    Insert(Vec<ModelRow>),
    /// Rows of a source, by id: those that are there get another `a`, the others come.
    Upsert(Vec<ModelRow>),
    /// Rows that the source does not have go.
    DeleteOthers(Vec<ModelRow>),
    /// The same rows in other files.
    Optimize(&'static str),
}

fn statements() -> impl Strategy<Value = Dml> {
    let row = || (model_row(), 0..20_i64).prop_map(|(row, id)| ModelRow { id, ..row });
    let rows = || proptest::collection::vec(row(), 0..4);
    prop_oneof![
        conditions(ROW).prop_map(Dml::Delete),
        (proptest::option::of(conditions(ROW)), ints(ROW)).prop_map(|(c, a)| Dml::Update(c, a)),
        rows().prop_map(Dml::Insert),
        rows().prop_map(|rows| Dml::Upsert(by_id(rows))),
        rows().prop_map(|rows| Dml::DeleteOthers(by_id(rows))),
        Just(Dml::Optimize("")),
        Just(Dml::Optimize("ZORDER BY (a, s, b)")),
    ]
}

fn by_id(mut rows: Vec<ModelRow>) -> Vec<ModelRow> {
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    rows
}

fn values(rows: &[ModelRow]) -> String {
    use crate::row_changes::model::{int, text};
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let ModelRow { id, a, b, s, p, y } = row;
            let (a, b, y) = (int(*a), int(*b), int(*y));
            let (s, p) = (text(s), text(p));
            format!(
                "SELECT CAST({id} AS BIGINT) AS id, CAST({a} AS BIGINT) AS a, CAST({b} AS BIGINT) AS b, \
                 CAST({s} AS STRING) AS s, CAST({p} AS STRING) AS p, CAST({y} AS BIGINT) AS y"
            )
        })
        .collect();
    match rows.is_empty() {
        true => "SELECT id, a, b, s, p, y FROM t WHERE false".to_owned(),
        false => rows.join(" UNION ALL "),
    }
}

impl Dml {
    fn sql(&self) -> String {
        match self {
            Self::Delete(condition) => format!("DELETE FROM t WHERE {condition}"),
            Self::Update(None, a) => format!("UPDATE t SET a = {a}"),
            Self::Update(Some(condition), a) => format!("UPDATE t SET a = {a} WHERE {condition}"),
            Self::Insert(rows) => format!("INSERT INTO t BY NAME {}", values(rows)),
            Self::Upsert(rows) => format!(
                "MERGE INTO t USING ({}) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = s.a \
                 WHEN NOT MATCHED THEN INSERT *",
                values(rows)
            ),
            Self::Optimize(how) => format!("OPTIMIZE t {how}"),
            Self::DeleteOthers(rows) => format!(
                "MERGE INTO t USING ({}) s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE",
                values(rows)
            ),
        }
    }

    /// The same in plain Rust.
    fn apply(&self, table: &mut Vec<ModelRow>) {
        match self {
            Self::Delete(condition) => table.retain(|row| !condition.is_true(Scope::of(row))),
            Self::Update(condition, a) => {
                for row in table {
                    if condition.as_ref().is_none_or(|c| c.is_true(Scope::of(row))) {
                        row.a = a.eval(Scope::of(row));
                    }
                }
            }
            Self::Insert(rows) => table.extend(rows.iter().cloned()),
            Self::Optimize(_) => {}
            Self::Upsert(rows) => {
                let new: Vec<ModelRow> = rows
                    .iter()
                    .filter(|row| table.iter().all(|other| other.id != row.id))
                    .cloned()
                    .collect();
                for row in table.iter_mut() {
                    if let Some(source) = rows.iter().find(|source| source.id == row.id) {
                        row.a = source.a;
                    }
                }
                table.extend(new);
            }
            Self::DeleteOthers(rows) => {
                table.retain(|row| rows.iter().any(|source| source.id == row.id));
            }
        }
    }
}

/// The table's rows as text, in order.
fn texts(rows: &[ModelRow]) -> Vec<Row> {
    let null = || "NULL".to_owned();
    let number = |n: Option<i64>| n.map_or_else(null, |n| n.to_string());
    let text = |s: &Option<String>| s.clone().unwrap_or_else(null);
    let mut rows: Vec<Row> = rows
        .iter()
        .map(|row| {
            vec![
                row.id.to_string(),
                number(row.a),
                number(row.b),
                text(&row.s),
                text(&row.p),
                number(row.y),
            ]
        })
        .collect();
    rows.sort_unstable();
    rows
}

async fn read(engine: &Engine, sql: &str) -> Vec<Row> {
    let mut rows = ok(engine, sql).await;
    rows.sort_unstable();
    rows
}

/// `PROPTEST_CASES` and `PROPTEST_RNG_SEED` in the environment ask for more, and for others.
fn cases() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 2000;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(11);
    }
    config
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn table_after_statements_is_what_plain_rust_makes_of_its_rows(
        table in tables(),
        vectors in any::<bool>(),
        statements in proptest::collection::vec(statements(), 1..5),
    ) {
        block_on(writes_as_the_model(&table, vectors, &statements))?;
    }
}

/// `vectors`: rows go by deletion vectors.
async fn writes_as_the_model(
    table: &ModelTable,
    vectors: bool,
    statements: &[Dml],
) -> Result<(), TestCaseError> {
    let lake = Lake {
        can_write: true,
        ..table.write().await
    };
    let engine = lake.engine();
    if vectors {
        let property = "ALTER TABLE t SET TBLPROPERTIES (delta.enableDeletionVectors = true)";
        ok(&engine, property).await;
    }
    let mut model: Vec<ModelRow> = table.rows().map(|(_, _, row)| row.clone()).collect();
    let all = "SELECT id, a, b, s, p, y FROM t";
    for statement in statements {
        let sql = statement.sql();
        let before = lake
            .table("t")
            .snapshot(TimeTravel::Latest)
            .await
            .unwrap()
            .version();
        let old = texts(&model);
        rows_of(&engine, &sql)
            .await
            .map_err(|error| TestCaseError::fail(format!("{sql}: {error}")))?;
        statement.apply(&mut model);
        // A partition has no empty text: it is null.
        for row in &mut model {
            if table.partition_by.contains(&"p") && row.p.as_deref() == Some("") {
                row.p = None;
            }
        }
        let new = texts(&model);
        prop_assert_eq!(&read(&engine, all).await, &new, "{}", sql);
        // From the log alone, as another reader sees it.
        let fresh = lake.engine();
        prop_assert_eq!(&read(&fresh, all).await, &new, "{}, read afresh", sql);
        let after = lake
            .table("t")
            .snapshot(TimeTravel::Latest)
            .await
            .unwrap()
            .version();
        if table.change_feed && after > before {
            let feed = format!(
                "SELECT id, a, b, s, p, y, _change_type FROM table_changes('t', {after}, {after})"
            );
            let mut added_up = old;
            for mut row in ok(&fresh, &feed).await {
                match row.pop().as_deref() {
                    Some("insert" | "update_postimage") => added_up.push(row),
                    _ => {
                        let at = added_up.iter().position(|other| *other == row);
                        prop_assert!(at.is_some(), "{sql}: {row:?} was not there");
                        added_up.swap_remove(at.unwrap());
                    }
                }
            }
            added_up.sort_unstable();
            prop_assert_eq!(&added_up, &new, "{}, by its change feed", sql);
        }
    }
    Ok(())
}
