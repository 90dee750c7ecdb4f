//! The SQL of the walkthrough in `docs/guide.md`, for tests: the guide is its one source.
//!
//! ```
//! let count = guide::statement("count");
//! assert!(count.starts_with("SELECT COUNT(*)"));
//! ```
#![warn(missing_docs)]

/// The text of `docs/guide.md`.
pub const GUIDE: &str = include_str!("../../../docs/guide.md");

/// A fenced SQL block of a Markdown file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// First word behind `sql` in the opening fence; empty if there is none.
    pub name: &'a str,
    /// Code of the error in which the statement ends: second word behind `sql`. `None` if it runs.
    pub refused: Option<&'a str>,
    /// The block's text, with its semicolon and without the last line break.
    pub sql: &'a str,
    /// Text of the `csv` block that follows before the next SQL block: header and rows.
    pub answer: Option<&'a str>,
}

/// The statements of the guide, from top to bottom.
pub fn statements() -> Vec<Statement<'static>> {
    read(GUIDE)
}

/// The SQL of the guide's statement with this name.
///
/// # Panics
/// If the guide has no statement, or several, of that name.
pub fn statement(name: &str) -> &'static str {
    let named: Vec<_> = statements()
        .into_iter()
        .filter(|statement| statement.name == name)
        .collect();
    match named.as_slice() {
        [statement] => statement.sql,
        found => panic!(
            "docs/guide.md has {} statements named `{name}`",
            found.len()
        ),
    }
}

/// The SQL blocks of a Markdown text. Fences are three backquotes at a line's start.
pub fn read(markdown: &str) -> Vec<Statement<'_>> {
    let mut statements: Vec<Statement<'_>> = Vec::new();
    // Where a line starts, and the opening fence's words and the start of the block's text.
    let mut offset = 0;
    let mut open: Option<(&str, usize)> = None;
    for line in markdown.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let Some((words, text)) = open.take() else {
            open = Some((fence, offset));
            continue;
        };
        let text = markdown[text..start].trim_end_matches('\n');
        let mut words = words.split_whitespace();
        match words.next() {
            Some("sql") => statements.push(Statement {
                name: words.next().unwrap_or_default(),
                refused: words.next(),
                sql: text,
                answer: None,
            }),
            Some("csv") => {
                if let Some(statement) = statements.last_mut() {
                    statement.answer = Some(text);
                }
            }
            _ => {}
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn blocks_are_read_with_their_name_refusal_and_answer() {
        let text = "a\n```sql one\nSELECT\n  1;\n```\nb\n```csv\nx\n1\n```\n```text\nno\n```\n```sql two CODE\nSELECT 2;\n```\n";
        let one = Statement {
            name: "one",
            refused: None,
            sql: "SELECT\n  1;",
            answer: Some("x\n1"),
        };
        let two = Statement {
            name: "two",
            refused: Some("CODE"),
            sql: "SELECT 2;",
            answer: None,
        };
        assert_eq!(read(text), [one, two]);
    }

    #[test]
    fn each_statement_of_the_guide_has_a_name_of_its_own() {
        let statements = statements();
        let names: HashSet<_> = statements.iter().map(|s| s.name).collect();
        assert!(names.len() == statements.len() && !names.contains(""));
        assert!(statements.iter().all(|s| s.sql.ends_with(';')));
        // A fence that is not closed would swallow those behind it.
        assert_eq!(GUIDE.matches("```sql").count(), statements.len());
    }
}
