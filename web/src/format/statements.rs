//! The statements that the page writes for its user.

use table_location::TableLocation;

/// The table's name by path, for SQL: `` delta.`s3a://bucket/path` ``.
pub fn by_path(location: &str) -> String {
    format!("delta.`{}`", location.replace('`', "``"))
}

/// The statement that shows a table.
pub fn preview(location: &str) -> String {
    format!("SELECT *\nFROM {}\nLIMIT 100", by_path(location))
}

/// The statement that shows a table at a version; `None` is the latest.
pub fn at_version(location: &str, version: Option<u64>) -> String {
    let travel = version
        .map(|version| format!(" VERSION AS OF {version}"))
        .unwrap_or_default();
    format!("SELECT *\nFROM {}{travel}", by_path(location))
}

pub fn history(location: &str) -> String {
    format!("DESCRIBE HISTORY {}", by_path(location))
}

pub fn count(location: &str) -> String {
    format!("SELECT COUNT(*)\nFROM {}", by_path(location))
}

/// Whether two locations are the same table: `s3` and `s3a` are, with or without a slash behind.
pub fn same_table(left: &str, right: &str) -> bool {
    match (TableLocation::parse(left), TableLocation::parse(right)) {
        (Ok(left), Ok(right)) => left == right,
        (Err(_), _) | (_, Err(_)) => left == right,
    }
}

/// A statement in one line, for a tab or a caption.
pub fn in_one_line(statement: &str) -> String {
    statement
        .lines()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_a_backquote_stays_one_identifier() {
        assert_eq!(by_path("s3a://b/a`b"), "delta.`s3a://b/a``b`");
    }

    #[test]
    fn version_is_only_named_when_one_is_chosen() {
        assert!(at_version("s3a://b/t", Some(3)).ends_with("delta.`s3a://b/t` VERSION AS OF 3"));
        assert!(at_version("s3a://b/t", None).ends_with("delta.`s3a://b/t`"));
    }

    #[test]
    fn s3_and_s3a_are_the_same_place() {
        assert!(same_table("s3://b/t/", "s3a://b/t"));
        assert!(!same_table("s3://b/t", "s3://b/t2"));
        assert!(!same_table("http://b/t", "s3://b/t"));
    }

    #[test]
    fn caption_is_one_line_without_comments() {
        assert_eq!(in_one_line("-- x\nSELECT *\n  FROM t"), "SELECT * FROM t");
    }
}
