//! Spark's names, which compare without case.

use messages::Error;

/// Whether two names mean the same column.
pub(crate) fn same_identifier(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// The partition columns as the table spells them.
pub(crate) fn exact_partition_columns(
    partition_by: &[String],
    columns: &[&str],
) -> Result<Vec<String>, Error> {
    let mut exact: Vec<String> = Vec::new();
    for name in partition_by {
        let Some(column) = columns.iter().find(|column| same_identifier(column, name)) else {
            return Err(Error::new(
                "DELTA_INVALID_PARTITION_COLUMN",
                format!("The partition column `{name}` is not among the table's columns."),
            )
            .with_hint(format!("Its columns are {}.", columns.join(", "))));
        };
        if exact.iter().any(|other| same_identifier(other, name)) {
            return Err(Error::new(
                "COLUMN_ALREADY_EXISTS",
                format!("PARTITIONED BY names `{name}` twice."),
            ));
        }
        exact.push((*column).to_owned());
    }
    if !exact.is_empty() && exact.len() == columns.len() {
        return Err(Error::new(
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            "A table can't be partitioned by all of its columns.",
        )
        .with_hint("Leave one out of PARTITIONED BY."));
    }
    Ok(exact)
}
