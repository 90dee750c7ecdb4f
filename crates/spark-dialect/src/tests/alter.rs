//! What `ALTER TABLE` is read as.

use super::*;

fn alter(sql: &str) -> Alter {
    match write(sql).operation {
        WriteOperation::Alter(alter) => alter,
        other => panic!("{sql}\n{other:?}"),
    }
}

fn path(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn condition_of_a_constraint_is_kept_as_it_is_written() {
    for condition in [
        "amount > 0",
        "type RLIKE '^(a|b)\\\\)$'",
        "`a b` <=> \"ü)\" AND\n  -- why\n  amount DIV 2 IN (1, 2)",
        "((amount))",
    ] {
        let sql = format!(
            "SELECT 'ü';\n ALTER TABLE t ADD\n CONSTRAINT Positive CHECK ( {condition}\n )"
        );
        let kind = parse(&sql).remove(1).kind;
        let StatementKind::Write(write) = kind else {
            panic!("{sql}");
        };
        let WriteOperation::Alter(Alter::AddConstraint {
            name,
            condition: read,
        }) = write.operation
        else {
            panic!("{sql}");
        };
        assert_eq!((name.as_str(), read.as_str()), ("Positive", condition));
    }
}

#[test]
fn columns_are_paths_and_changes_come_one_at_a_time() {
    assert_eq!(
        alter("ALTER TABLE t DROP COLUMNS IF EXISTS (a, `b c`.d)"),
        Alter::DropColumns {
            columns: vec![path(&["a"]), path(&["b c", "d"])],
            if_exists: true
        }
    );
    assert_eq!(
        alter("ALTER TABLE t DROP COLUMN a"),
        Alter::DropColumns {
            columns: vec![path(&["a"])],
            if_exists: false
        }
    );
    assert_eq!(
        alter("ALTER TABLE t RENAME COLUMN a.b TO `c d`"),
        Alter::RenameColumn {
            column: path(&["a", "b"]),
            to: "c d".to_owned()
        }
    );
    assert_eq!(
        alter("ALTER TABLE t DROP CONSTRAINT IF EXISTS c"),
        Alter::DropConstraint {
            name: "c".to_owned(),
            if_exists: true
        }
    );
    assert_eq!(
        alter("ALTER TABLE t UNSET TBLPROPERTIES (DELTA.appendonly, 'a.b')"),
        Alter::UnsetProperties {
            keys: path(&["delta.appendOnly", "a.b"]),
            if_exists: false
        }
    );
    for (text, change) in [
        (
            "TYPE DECIMAL(10, 2)",
            ColumnChange::Type(json!("decimal(10,2)")),
        ),
        ("COMMENT 'x'", ColumnChange::Comment("x".to_owned())),
        ("SET NOT NULL", ColumnChange::SetNotNull),
        ("DROP NOT NULL", ColumnChange::DropNotNull),
        ("FIRST", ColumnChange::Move(ColumnPosition::First)),
        (
            "AFTER b",
            ColumnChange::Move(ColumnPosition::After("b".to_owned())),
        ),
    ] {
        for words in ["ALTER COLUMN", "ALTER", "CHANGE COLUMN"] {
            let sql = format!("ALTER TABLE t {words} a {text}");
            let column = path(&["a"]);
            let change = change.clone();
            assert_eq!(alter(&sql), Alter::ChangeColumn { column, change });
        }
    }
}
