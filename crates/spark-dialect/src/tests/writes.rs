//! INSERT, UPDATE, DELETE, CREATE and ALTER.

use super::*;

fn insert(sql: &str) -> Insert {
    match write(sql).operation {
        WriteOperation::Insert(insert) => insert,
        other => panic!("{other:?}"),
    }
}

fn inserted(columns: &[&str]) -> SchemaRef {
    let columns: Vec<_> = columns.iter().map(|name| (*name, DataType::Utf8)).collect();
    schema(&columns)
}

fn target() -> SchemaRef {
    schema(&[
        ("Transaction_ID", DataType::Utf8),
        ("amount", DataType::Float64),
    ])
}

#[test]
fn insert_maps_columns_by_position_list_or_name() {
    let names =
        |sql: &str, source: &[&str]| insert(sql).column_names(&target(), &inserted(source), false);
    let exact = ["Transaction_ID".to_owned(), "amount".to_owned()];
    assert_eq!(
        names("INSERT INTO t VALUES ('a', 1)", &["col1", "col2"]).unwrap(),
        exact
    );
    assert_eq!(
        names(
            "INSERT INTO TABLE t (AMOUNT, transaction_id) SELECT 1, 'a'",
            &["1", "a"]
        )
        .unwrap(),
        ["amount", "Transaction_ID"]
    );
    assert_eq!(
        names("INSERT INTO t BY NAME SELECT 1.0D AS AMOUNT", &["AMOUNT"]).unwrap(),
        ["amount"]
    );
    let code = |sql, source| names(sql, source).unwrap_err().code;
    let message = |sql, source| names(sql, source).unwrap_err().message;
    assert!(message("INSERT INTO t VALUES ('a')", &["a"]).contains("not enough"));
    let three = message("INSERT INTO t VALUES ('a', 1, 2)", &["a", "b", "c"]);
    assert!(three.contains("too many"), "{three}");
    assert_eq!(
        code("INSERT INTO t VALUES ('a')", &["col1"]),
        "DELTA_INSERT_COLUMN_ARITY_MISMATCH"
    );
    assert_eq!(
        code("INSERT INTO t VALUES ('a', 1, 2)", &["a", "b", "c"]),
        "DELTA_INSERT_COLUMN_ARITY_MISMATCH"
    );
    assert_eq!(
        code("INSERT INTO t (amount) VALUES ('a', 1)", &["a", "b"]),
        "DELTA_INSERT_COLUMN_ARITY_MISMATCH"
    );
    assert_eq!(
        code(
            "INSERT INTO t (amount, Amount) VALUES ('a', 1)",
            &["a", "b"]
        ),
        "COLUMN_ALREADY_EXISTS"
    );
    assert_eq!(
        code("INSERT INTO t (nope) VALUES (1)", &["a"]),
        "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    );
}

#[test]
fn insert_by_name_names_each_unknown_column_unless_the_schema_evolves() {
    let sql = "INSERT INTO t BY NAME SELECT 'TXN-Y' AS transaction_id, true AS is_flagged, 1 AS x";
    let source = schema(&[
        ("transaction_id", DataType::Utf8),
        ("is_flagged", DataType::Boolean),
        ("x", DataType::Int32),
    ]);
    let names = |sql: &str, evolve| insert(sql).column_names(&target(), &source, evolve);
    let error = names(sql, false).unwrap_err();
    assert_eq!(error.code, "DELTA_METADATA_MISMATCH");
    let columns: Vec<_> = error.columns.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(columns, ["is_flagged", "x"]);
    assert_eq!(error.columns[0].actual, "boolean");
    let evolving = sql.replace("INSERT INTO", "INSERT WITH SCHEMA EVOLUTION INTO");
    for done in [names(sql, true), names(&evolving, false)] {
        assert_eq!(done.unwrap(), ["Transaction_ID", "is_flagged", "x"]);
    }
}

#[test]
fn insert_modes_are_told_apart() {
    let mode = |sql: &str| {
        let insert = insert(sql);
        (insert.appends(), insert.replaces_rows())
    };
    assert_eq!(mode("INSERT INTO t TABLE s"), (true, false));
    for overwrite in [
        "INSERT OVERWRITE t SELECT * FROM s",
        "INSERT OVERWRITE TABLE t BY NAME SELECT * FROM s",
    ] {
        assert_eq!(mode(overwrite), (false, false), "{overwrite}");
    }
    let replace = "INSERT INTO t REPLACE WHERE AMOUNT = 1 SELECT 'T101', 1.0D";
    assert_eq!(mode(replace), (false, true));
}

#[test]
fn create_table_declares_delta_types() {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {RAW} (transaction_id STRING NOT NULL COMMENT 'key', `timestamp` TIMESTAMP, n INT, m BIGINT,
           d DECIMAL(10, 2), tags MAP<STRING, ARRAY<STRUCT<a: INT, b: DOUBLE>>>, day DATE)
         USING DELTA PARTITIONED BY (DAY) COMMENT 'raw' LOCATION 's3a://b/t' TBLPROPERTIES ('delta.enablechangedatafeed' = 'true', 'x.y' 3)"
    );
    let write = write(&sql);
    assert_eq!(write.location.as_deref(), Some("s3a://b/t"));
    let WriteOperation::CreateTable {
        mode,
        columns,
        options,
    } = write.operation
    else {
        panic!()
    };
    assert_eq!(mode, CreateMode::CreateIfNotExists);
    let types: Vec<_> = columns.iter().map(|c| c.data_type.clone()).collect();
    assert_eq!(
        types,
        [
            json!("string"),
            json!("timestamp"),
            json!("integer"),
            json!("long"),
            json!("decimal(10,2)"),
            json!({"type": "map", "keyType": "string", "valueType": {
                "type": "array", "containsNull": true, "elementType": {"type": "struct", "fields": [
                    {"name": "a", "type": "integer", "nullable": true, "metadata": {}},
                    {"name": "b", "type": "double", "nullable": true, "metadata": {}},
                ]}}, "valueContainsNull": true}),
            json!("date"),
        ]
    );
    assert!(!columns[0].nullable);
    assert_eq!(columns[0].comment.as_deref(), Some("key"));
    assert_eq!(options.partition_by, ["day"]);
    assert_eq!(options.comment.as_deref(), Some("raw"));
    assert_eq!(options.properties["delta.enableChangeDataFeed"], "true");
    assert_eq!(options.properties["x.y"], "3");
}

#[test]
fn create_table_as_select_takes_its_columns_from_the_query() {
    let write = write(&format!(
        "CREATE OR REPLACE TABLE {RAW} USING DELTA PARTITIONED BY (REMARK) AS SELECT 'OVERWRITE-001' AS transaction_id, 'oops' AS remark"
    ));
    let WriteOperation::CreateTableAsSelect { mode, options, .. } = write.operation else {
        panic!()
    };
    assert_eq!(mode, CreateMode::CreateOrReplace);
    assert_eq!(options.partition_by, ["REMARK"]);
    let write = super::write("REPLACE TABLE t AS SELECT 1 AS a");
    assert!(write.must_exist);
}

#[test]
fn add_columns_takes_types_and_comments() {
    let add = |sql: &str| match write(sql).operation {
        WriteOperation::AddColumns(add) => add,
        other => panic!("{other:?}"),
    };
    let sql = format!(
        "ALTER TABLE {RAW} ADD COLUMNS (is_flagged BOOLEAN COMMENT 'odd', extra STRUCT<a: INT>)"
    );
    let add_to_dimension = add(&sql);
    let columns = add_to_dimension.columns(&dimension()).unwrap();
    assert_eq!(columns[0].data_type, json!("boolean"));
    assert_eq!(columns[0].comment.as_deref(), Some("odd"));
    assert_eq!(columns[1].data_type["type"], "struct");
    let there = add("ALTER TABLE t ADD COLUMN Amount INT");
    let error = there.columns(&dimension()).unwrap_err();
    assert_eq!(error.code, "FIELD_ALREADY_EXISTS");
}

#[test]
fn restore_takes_versions_and_times() {
    let to = |sql: &str| match write(sql).operation {
        WriteOperation::Restore(to) => to,
        other => panic!("{other:?}"),
    };
    assert_eq!(to("RESTORE t TO VERSION AS OF 3"), VersionSpec::Version(3));
    assert_eq!(
        to("RESTORE TABLE t TO TIMESTAMP AS OF '2024-05-01'"),
        VersionSpec::Timestamp(TimestampExpr::Millis(1_714_521_600_000))
    );
}

#[test]
fn all_types_of_columns_have_their_name_in_the_log() {
    let declared =
        |data_type: &str| match write(&format!("CREATE TABLE t (a {data_type})")).operation {
            WriteOperation::CreateTable { columns, .. } => columns[0].data_type.clone(),
            other => panic!("{other:?}"),
        };
    for (names, stored) in [
        ("STRING TEXT", "string"),
        ("BOOLEAN BOOL", "boolean"),
        ("TINYINT BYTE", "byte"),
        ("SMALLINT SHORT", "short"),
        ("INT INTEGER", "integer"),
        ("BIGINT LONG", "long"),
        ("FLOAT REAL", "float"),
        ("DOUBLE", "double"),
        ("DATE", "date"),
        ("TIMESTAMP TIMESTAMP_LTZ", "timestamp"),
        ("TIMESTAMP_NTZ", "timestamp_ntz"),
        ("BINARY", "binary"),
        ("DECIMAL DEC NUMERIC DECIMAL(10)", "decimal(10,0)"),
        ("DECIMAL(38,38)", "decimal(38,38)"),
    ] {
        for name in names.split(' ') {
            assert_eq!(declared(name), json!(stored), "{name}");
        }
    }
    for (wrong, code) in [
        ("ARRAY<INT>>", "PARSE_SYNTAX_ERROR"),
        ("ARRAY<ARRAY<INT>", "PARSE_SYNTAX_ERROR"),
        ("DECIMAL(0)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
        ("DECIMAL(2, 3)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
        ("VARCHAR(3)", "UNSUPPORTED_DATATYPE"),
        ("frob", "UNSUPPORTED_DATATYPE"),
    ] {
        let error = refusal(&format!("CREATE TABLE t (a {wrong})"));
        assert_eq!(error.code, code, "{wrong}");
    }
}
