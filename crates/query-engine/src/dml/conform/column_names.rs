//! Names that columns may have.

use messages::Error;

/// Refuses a name that a column can't have. `any_name`: files have columns under names of their own, by
/// column mapping; else Parquet, and writers of Spark's, have to bear the name.
///
/// # Errors
/// `DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES`.
pub(crate) fn check_column_name(name: &str, any_name: bool) -> Result<(), Error> {
    const CODE: &str = "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES";
    const FORBIDDEN: [char; 10] = [' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];
    // Statements name their own columns with them.
    let is_control = |c: char| c < ' ' && !FORBIDDEN.contains(&c);
    if name.is_empty() || name.contains(is_control) {
        let message = format!(
            "`{}` can't be the name of a column: it is empty or has a control character.",
            name.escape_debug()
        );
        return Err(Error::new(CODE, message));
    }
    if any_name || !name.contains(FORBIDDEN) {
        return Ok(());
    }
    Err(Error::new(
        CODE,
        format!(
            "`{}` can't be the name of a column: it has one of ` ,;{{}}()=`, a tab or a line break.",
            name.escape_debug()
        ),
    )
    .with_hint(
        "Give it another name with AS, or allow such names: column mapping, with the table property \
         delta.columnMapping.mode = 'name', does.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_free_where_files_have_others() {
        for (name, plain, mapped) in [
            ("a", true, true),
            ("größe.€", true, true),
            ("a b", false, true),
            ("count(1)", false, true),
            ("a\tb\n,;{}=", false, true),
            ("", false, false),
            ("\u{1e}0", false, false),
        ] {
            assert_eq!(check_column_name(name, false).is_ok(), plain, "{name:?}");
            assert_eq!(check_column_name(name, true).is_ok(), mapped, "{name:?}");
        }
        let hint = check_column_name("a b", false).unwrap_err().hint;
        assert!(hint.unwrap().contains("delta.columnMapping.mode = 'name'"));
    }
}
