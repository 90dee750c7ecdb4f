//! docs/guide.md and the README's SQL, run from top to bottom.

use std::path::Path;

use crate::{query, run, seeded, stdout};

fn error(sql: &str, data: &Path) -> String {
    let output = run(&["sql", sql], data);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{sql}\n{error}");
    error
}

#[test]
fn guide_runs_from_top_to_bottom_and_answers_what_it_says() {
    let data = seeded();
    let data = data.path();
    let statements = guide::statements();
    assert!(statements.len() > 10);
    for statement in statements {
        let mut sql = statement.sql.to_owned();
        if statement.name == "count-at-time" {
            // The guide asks for a time of the reader's own history.
            let history = query(guide::statement("history"), data);
            let time = history["rows"][3][1].as_str().unwrap();
            let time = time.replace('T', " ").replace('Z', "");
            let (before, _) = sql.split_once('\'').unwrap();
            sql = format!("{before}'{time}'");
        }
        if let Some(code) = statement.refused {
            let error = error(&sql, data);
            assert!(error.contains(code), "{}: {error}", statement.name);
            continue;
        }
        let printed = stdout(&["sql", &sql, "--format", "csv"], data);
        if let Some(answer) = statement.answer {
            assert_eq!(
                printed.replace("\r\n", "\n").trim_end(),
                answer,
                "{}",
                statement.name
            );
        }
    }
    // What its last statements lead to.
    let changes = query(
        "SELECT transaction_id, _change_type FROM table_changes('financial_transactions_dim', 2) ORDER BY ALL",
        data,
    );
    assert_eq!(
        changes["rows"],
        serde_json::json!([
            ["T002", "update_postimage"],
            ["T002", "update_preimage"],
            ["T004", "insert"],
            ["T005", "insert"],
        ])
    );
}

#[test]
fn sql_of_the_readme_runs() {
    let data = seeded();
    let readme = include_str!("../../../../README.md");
    let blocks = guide::read(readme);
    assert!(!blocks.is_empty());
    for block in blocks {
        stdout(&["sql", block.sql], data.path());
    }
}
