use super::*;

fn entry(version: u64, operation: &str, parameters: &[(&str, &str)]) -> HistoryEntry {
    HistoryEntry {
        version,
        timestamp: 0,
        operation: Some(operation.to_owned()),
        parameters: parameters
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect(),
        metrics: Default::default(),
        engine: None,
        rows_added: None,
        rows_removed: None,
        files_added: 1,
        files_removed: 0,
        num_rows: Some(100),
        num_files: Some(1),
        schema_change: None,
    }
}

#[test]
fn append_is_said_in_a_word_and_new_columns_in_a_tag() {
    let mut entry = entry(5, "WRITE", &[("mode", "Append"), ("partitionBy", "[]")]);
    entry.schema_change = Some(SchemaChange::Added(vec!["is_flagged".into()]));
    assert_eq!(summary(&entry), "append");
    assert_eq!(
        tags(&entry),
        [Tag {
            text: "schema + is_flagged".into(),
            grave: false
        }]
    );
}

#[test]
fn overwrite_of_rows_is_grave_but_a_first_write_or_replace_where_is_not() {
    let mut accident = entry(6, "WRITE", &[("mode", "Overwrite")]);
    assert!(tags(&accident).is_empty(), "nothing was thrown away");
    accident.files_removed = 6;
    accident.schema_change = Some(SchemaChange::Replaced);
    assert_eq!(
        tags(&accident),
        [Tag {
            text: "overwrite".into(),
            grave: true
        }]
    );
    assert_eq!(summary(&accident), "schema replaced");
    accident
        .parameters
        .insert("predicate".into(), "\"day = 1\"".into());
    assert!(tags(&accident).is_empty());
}

#[test]
fn operations_are_summed_up_by_what_they_did() {
    let mut merge = entry(3, "MERGE", &[]);
    for (name, value) in [
        ("numTargetRowsUpdated", "1"),
        ("numTargetRowsInserted", "2000"),
    ] {
        merge.metrics.insert(name.into(), value.into());
    }
    assert_eq!(summary(&merge), "1 updated · 2,000 inserted");
    assert_eq!(
        summary(&entry(
            7,
            "RESTORE",
            &[("version", "5"), ("timestamp", "null")]
        )),
        "to version 5"
    );
    let properties = r#"{"delta.enableChangeDataFeed":"true"}"#;
    let set = entry(2, "SET TBLPROPERTIES", &[("properties", properties)]);
    assert_eq!(summary(&set), "enableChangeDataFeed = true");
}

#[test]
fn rows_that_changed_are_told_apart_from_rows_that_were_rewritten() {
    let told = |entry: &HistoryEntry| {
        let RowDelta {
            inserted,
            updated,
            deleted,
        } = row_delta(entry);
        let parts: Vec<String> = [inserted, updated, deleted].into_iter().flatten().collect();
        parts.join(" ")
    };
    let commit = |operation: &str, metrics: &[(&str, &str)]| HistoryEntry {
        metrics: metrics
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        rows_added: Some(400),
        rows_removed: Some(400),
        ..entry(4, operation, &[])
    };
    let update = commit(
        "UPDATE",
        &[("numUpdatedRows", "1"), ("numCopiedRows", "399")],
    );
    assert_eq!(told(&update), "~1");
    assert_eq!(summary(&update), "1 updated · 399 rewritten");
    let merge = [
        ("numTargetRowsInserted", "2000"),
        ("numTargetRowsUpdated", "3"),
        ("numTargetRowsDeleted", "0"),
        ("numTargetRowsCopied", "0"),
    ];
    assert_eq!(told(&commit("MERGE", &merge)), "+2,000 ~3");
    assert_eq!(told(&commit("DELETE", &[("numDeletedRows", "7")])), "−7");
    assert_eq!(told(&commit("OPTIMIZE", &[])), "");
    // Who does not say leaves us the files.
    assert_eq!(told(&commit("UPDATE", &[])), "+400 −400");
    assert_eq!(told(&commit("WRITE", &[])), "+400 −400");
}

#[test]
fn bars_run_from_old_to_new_and_stay_visible() {
    let mut history = vec![
        entry(2, "WRITE", &[]),
        entry(1, "WRITE", &[]),
        entry(0, "WRITE", &[]),
    ];
    history[1].num_rows = Some(0);
    history[2].num_rows = Some(50);
    let bars = bars(&history);
    assert_eq!(
        bars.iter().map(|bar| bar.height).collect::<Vec<_>>(),
        [50, 4, 100]
    );
    assert_eq!(bars[2].version, 2);
}

#[test]
fn headline_tells_the_chosen_version() {
    let table = TableDescription {
        location: "s3a://b/t".into(),
        version: 2,
        columns: vec![],
        partition_columns: vec![],
        num_files: 3,
        size_in_bytes: 1,
        num_rows: Some(2410),
        history: vec![entry(1, "WRITE", &[])],
        has_older_history: true,
    };
    assert_eq!(headline(&table, 2), "of 2 · 2,410 rows · 3 files");
    assert_eq!(headline(&table, 1), "of 2 · 100 rows · 1 file");
    assert_eq!(headline(&table, 0), "of 2", "cleaned from the log");
}

#[test]
fn changes_of_columns_and_of_files_are_named() {
    let vacuumed = |operation: &str, metric: &str| {
        let mut entry = entry(4, operation, &[]);
        entry.metrics.insert(metric.into(), "3".into());
        summary(&entry)
    };
    assert_eq!(
        vacuumed("VACUUM START", "numFilesToDelete"),
        "3 files to delete"
    );
    assert_eq!(vacuumed("VACUUM END", "numDeletedFiles"), "3 files deleted");
    for (operation, parameters, expected) in [
        (
            "RENAME COLUMN",
            &[("oldColumnPath", "s.a"), ("newColumnPath", "s.b")][..],
            "s.a → s.b",
        ),
        ("DROP COLUMNS", &[("columns", r#"["a","b.c"]"#)], "a, b.c"),
        (
            "CHANGE COLUMN",
            &[("column", r#"{"name":"amount","type":"double"}"#)],
            "amount",
        ),
        ("CLONE", &[("source", "s3a://lake/t")], "of s3a://lake/t"),
    ] {
        assert_eq!(summary(&entry(5, operation, parameters)), expected);
    }
}
