//! DELETE and UPDATE.

use std::collections::BTreeSet;

use proptest::prelude::*;
use query_engine::RowKind;

use crate::row_changes::model::{
    Condition, Int, ModelRow, Scope, Side, Text, conditions, ints, texts,
};
use crate::row_changes::tables::{ModelTable, block_on, changes, tables};

const ROW: &[Side] = &[Side::None];

fn sorted(rows: impl Iterator<Item = ModelRow>) -> Option<Vec<ModelRow>> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    (!rows.is_empty()).then_some(rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Three values: a row for which the condition is NULL stays.
    #[test]
    fn delete_takes_the_rows_for_which_its_condition_is_true(
        table in tables(),
        condition in conditions(ROW),
    ) {
        block_on(deletes_what_is_true(&table, &condition))?;
    }

    #[test]
    fn update_takes_the_rows_for_which_its_condition_is_true(
        table in tables(),
        condition in proptest::option::of(conditions(ROW)),
        a in ints(ROW),
        s in texts(ROW),
        y in ints(ROW),
    ) {
        block_on(updates_what_is_true(&table, condition.as_ref(), (&a, &s, &y)))?;
    }
}

async fn deletes_what_is_true(
    table: &ModelTable,
    condition: &Condition,
) -> Result<(), TestCaseError> {
    let lake = table.write().await;
    let sql = format!("DELETE FROM t WHERE {condition}");
    let done = changes(&lake, &sql).await;
    let done = done.map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))?;
    let hit = |row: &ModelRow| condition.is_true(Scope::of(row));
    let expected: BTreeSet<_> = table
        .rows()
        .filter(|(_, _, row)| hit(row))
        .map(|(file, n, _)| (file, n))
        .collect();
    prop_assert_eq!(done.touched.counts.deleted, expected.len() as u64);
    prop_assert_eq!(&done.deleted, &expected, "{}", sql);
    prop_assert!(done.updated.is_empty());
    let touched: BTreeSet<usize> = expected.iter().map(|(file, _)| *file).collect();
    let stay = table
        .rows()
        .filter(|(file, n, _)| touched.contains(file) && !expected.contains(&(*file, *n)));
    let stay: BTreeSet<_> = stay.map(|(file, _, row)| (file, row.clone())).collect();
    prop_assert_eq!(done.unchanged.len(), stay.len());
    prop_assert_eq!(done.unchanged.into_iter().collect::<BTreeSet<_>>(), stay);
    let gone = table.rows().map(|(_, _, row)| row.clone()).filter(hit);
    let gone = sorted(gone).filter(|_| table.change_feed);
    prop_assert_eq!(done.rows.get(&RowKind::Delete), gone.as_ref());
    prop_assert_eq!(done.rows.len(), usize::from(gone.is_some()));
    Ok(())
}

async fn updates_what_is_true(
    table: &ModelTable,
    condition: Option<&Condition>,
    (a, s, y): (&Int, &Text, &Int),
) -> Result<(), TestCaseError> {
    let lake = table.write().await;
    let filter = condition.map_or(String::new(), |condition| format!(" WHERE {condition}"));
    let sql = format!("UPDATE t SET a = {a}, S = {s}, t.y = {y}{filter}");
    let done = changes(&lake, &sql).await;
    let done = done.map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))?;
    let hit = |row: &ModelRow| condition.is_none_or(|c| c.is_true(Scope::of(row)));
    let rows: Vec<_> = table.rows().filter(|(_, _, row)| hit(row)).collect();
    let expected: BTreeSet<_> = rows.iter().map(|(file, n, _)| (*file, *n)).collect();
    prop_assert_eq!(&done.updated, &expected, "{}", sql);
    prop_assert!(done.deleted.is_empty());
    prop_assert_eq!(done.touched.counts.updated, expected.len() as u64);
    let before = sorted(rows.iter().map(|(_, _, row)| (*row).clone()));
    let before = before.filter(|_| table.change_feed);
    prop_assert_eq!(done.rows.get(&RowKind::UpdatePreimage), before.as_ref());
    let after = sorted(rows.iter().map(|(_, _, row)| {
        let scope = Scope::of(row);
        ModelRow {
            a: a.eval(scope),
            s: s.eval(scope),
            y: y.eval(scope),
            ..(*row).clone()
        }
    }));
    prop_assert_eq!(
        done.rows.get(&RowKind::UpdatePostimage),
        after.as_ref(),
        "{}",
        sql
    );
    Ok(())
}
