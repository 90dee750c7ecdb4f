//! Tables with defaults, generated and identity columns, and names that files can't have, defined and written by us,
//! as delta-rs and delta_kernel read them.

#[path = "random_tables/oracles.rs"]
#[allow(dead_code)]
mod oracles;

use lakeglass::run::{rows_of, run};
use lakeglass_tests::open_local;
use lakeglass_tests::rows::{canonical_rows, writing_engine};
use url::Url;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_readers_have_the_rows_of_tables_that_we_define() {
    let folder = tempfile::tempdir().unwrap();
    let defaults = "TBLPROPERTIES (delta.feature.allowColumnDefaults = 'supported')";
    let mapping = "TBLPROPERTIES (delta.columnMapping.mode = 'name')";
    // The definition, the rows, and whether delta-rs reads such tables: it reads no mapped ones.
    let tables = [
        (
            format!("(id INT, name STRING DEFAULT 'it''s', day DATE DEFAULT DATE'2024-01-02') {defaults}"),
            "(id) VALUES (1), (2)",
            "VALUES (3, DEFAULT, DEFAULT), (4, 'x', NULL)",
            true,
        ),
        (
            "(id INT, day DATE, year INT GENERATED ALWAYS AS (year(day)), up INT GENERATED ALWAYS AS (id + 1)) PARTITIONED BY (year)".to_owned(),
            "(id, day) VALUES (1, DATE'2023-05-05'), (2, NULL)",
            "VALUES (3, DATE'2024-01-01', DEFAULT, 4)",
            true,
        ),
        (
            "(id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3), v STRING)".to_owned(),
            "(v) VALUES ('a'), ('b')",
            "VALUES (DEFAULT, 'c')",
            true,
        ),
        (
            format!("(`a b` INT, `s,` STRUCT<`x;y`: INT>, `p = q` STRING) PARTITIONED BY (`p = q`) {mapping}"),
            "VALUES (1, named_struct('x;y', 2), 'a=b c')",
            "VALUES (2, NULL, NULL)",
            false,
        ),
    ];
    for (i, (definition, first, second, by_delta_rs)) in tables.into_iter().enumerate() {
        let path = folder.path().join(format!("t{i}"));
        std::fs::create_dir(&path).unwrap();
        let table = format!("delta.`{}`", path.display());
        let engine = writing_engine();
        for sql in [
            format!("CREATE TABLE {table} {definition}"),
            format!("INSERT INTO {table} {first}"),
            format!("INSERT INTO {table} {second}"),
            format!("OPTIMIZE {table}"),
        ] {
            let statement = engine.parse(&sql).unwrap().remove(0);
            if let Err(error) = run(&engine, &statement).await {
                panic!("{sql}: {error:#}");
            }
        }
        let rows = rows_of(&engine, &format!("SELECT * FROM {table}"))
            .await
            .unwrap();
        let ours = canonical_rows(&rows).unwrap();
        assert!(ours.len() >= 2, "{definition}");
        let latest = open_local(&path).unwrap();
        let latest = latest
            .snapshot(delta_log::TimeTravel::Latest)
            .await
            .unwrap();
        let fields = latest.schema().fields().iter();
        let columns: Vec<String> = fields.map(|field| field.name.clone()).collect();
        let version = latest.version();
        let url = Url::from_directory_path(&path).unwrap();
        if by_delta_rs {
            let theirs = oracles::delta_rs_rows(&url, version, &columns)
                .await
                .unwrap();
            assert_eq!(theirs, ours, "delta-rs: {definition}");
        }
        let kernel = tokio::task::spawn_blocking(move || oracles::kernel(&url, version));
        let (_, theirs) = kernel.await.unwrap().unwrap();
        assert_eq!(theirs, ours, "delta_kernel: {definition}");
    }
}
