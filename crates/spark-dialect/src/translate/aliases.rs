//! Names of relations, and of columns that a relation does not name itself.

use sqlparser::ast::{Ident, TableAlias, TableAliasColumnDef, TableFactor};

pub(crate) fn alias(name: &str, columns: usize) -> TableAlias {
    TableAlias {
        explicit: true,
        name: Ident::with_quote('`', name),
        columns: (1..=columns)
            .map(|i| TableAliasColumnDef::from_name(format!("col{i}")))
            .collect(),
        at: None,
    }
}

/// An inline table's columns are `col1`, `col2` where nothing names them.
pub(crate) fn name_value_columns(existing: &mut Option<TableAlias>, width: usize) {
    match existing {
        Some(existing) if existing.columns.is_empty() => {
            existing.columns = alias("", width).columns;
        }
        Some(_) => {}
        None => *existing = Some(alias("inline_table", width)),
    }
}

/// The column of Spark's `range(10)` is `id`.
pub(crate) fn name_range_column(existing: &mut Option<TableAlias>) {
    let named = existing.get_or_insert_with(|| alias("range", 0));
    if named.columns.is_empty() {
        named.columns = vec![TableAliasColumnDef::from_name("id")];
    }
}

pub(crate) fn alias_of(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
        _ => None,
    }
}
