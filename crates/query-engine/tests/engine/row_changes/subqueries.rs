//! Subqueries in the conditions of DELETE and UPDATE.

use std::collections::BTreeSet;
use std::fmt;

use proptest::prelude::*;

use crate::row_changes::model::{Condition, Int, ModelRow, Scope, Side, conditions, ints};
use crate::row_changes::tables::{ModelTable, block_on, changes, model_row, tables};

const BOTH: &[Side] = &[Side::Target, Side::Source];
const TARGET: &[Side] = &[Side::Target];
const SOURCE: &[Side] = &[Side::Source];

/// A condition with subqueries over a table `u`, whose rows are the source of their scope.
#[derive(Debug, Clone)]
enum Asking {
    Plain(Condition),
    /// `value [NOT] IN (SELECT value FROM u WHERE condition)`.
    In(Int, Int, Condition, bool),
    /// `[NOT] EXISTS (SELECT * FROM u WHERE condition)`.
    Exists(Condition, bool),
    /// `value > (SELECT max(value) FROM u WHERE condition)`.
    AboveMax(Int, Int, Condition),
    Not(Box<Asking>),
    And(Box<Asking>, Box<Asking>),
    Or(Box<Asking>, Box<Asking>),
}

impl Asking {
    fn eval(&self, target: &ModelRow, u: &[ModelRow]) -> Option<bool> {
        let nothing = ModelRow::default();
        let of_row = Scope {
            target,
            source: &nothing,
        };
        let scopes = || u.iter().map(move |source| Scope { target, source });
        match self {
            Self::Plain(condition) => condition.eval(of_row),
            Self::In(value, select, condition, negated) => {
                let found: Vec<_> = scopes()
                    .filter(|scope| condition.is_true(*scope))
                    .map(|scope| select.eval(scope))
                    .collect();
                let answer = match value.eval(of_row) {
                    None if found.is_empty() => Some(false),
                    None => None,
                    Some(value) if found.contains(&Some(value)) => Some(true),
                    Some(_) if found.contains(&None) => None,
                    Some(_) => Some(false),
                };
                answer.map(|answer| answer != *negated)
            }
            Self::Exists(condition, negated) => {
                Some(scopes().any(|scope| condition.is_true(scope)) != *negated)
            }
            Self::AboveMax(value, select, condition) => {
                let found = scopes().filter(|scope| condition.is_true(*scope));
                let max = found.filter_map(|scope| select.eval(scope)).max();
                Some(value.eval(of_row)? > max?)
            }
            Self::Not(inner) => inner.eval(target, u).map(|answer| !answer),
            Self::And(left, right) => match (left.eval(target, u), right.eval(target, u)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.eval(target, u), right.eval(target, u)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match self {
            Self::Plain(condition) => write!(f, "({condition})"),
            Self::In(value, select, condition, negated) => write!(
                f,
                "{value} {}IN (SELECT {select} FROM u AS s WHERE {condition})",
                not(*negated)
            ),
            Self::Exists(condition, negated) => write!(
                f,
                "{}EXISTS (SELECT * FROM u AS s WHERE {condition})",
                not(*negated)
            ),
            Self::AboveMax(value, select, condition) => write!(
                f,
                "{value} > (SELECT max({select}) FROM u AS s WHERE {condition})"
            ),
            Self::Not(inner) => write!(f, "NOT ({inner})"),
            Self::And(left, right) => write!(f, "({left} AND {right})"),
            Self::Or(left, right) => write!(f, "({left} OR {right})"),
        }
    }
}

/// What a subquery selects: by its own columns, or compared with the outer row's.
fn within() -> BoxedStrategy<Condition> {
    let key = proptest::sample::select(&['a', 'b', 'y', 'i'][..]).prop_map(|name| {
        let side = |side| Int::Column(side, name);
        Condition::CompareInts(side(Side::Source), "=", side(Side::Target))
    });
    let more = (key.clone(), conditions(SOURCE));
    prop_oneof![
        3 => conditions(SOURCE),
        2 => key,
        2 => more.prop_map(|(key, more)| Condition::And(key.into(), more.into())),
        1 => conditions(BOTH),
    ]
    .boxed()
}

fn asking() -> impl Strategy<Value = Asking> {
    let column = proptest::sample::select(&['a', 'b', 'i'][..]);
    let column = column.prop_map(|name| Int::Column(Side::Source, name));
    let leaf = prop_oneof![
        1 => conditions(TARGET).prop_map(Asking::Plain),
        4 => (ints(TARGET), ints(SOURCE), within(), any::<bool>())
            .prop_map(|(value, select, condition, n)| Asking::In(value, select, condition, n)),
        2 => (within(), any::<bool>()).prop_map(|(condition, n)| Asking::Exists(condition, n)),
        2 => (ints(TARGET), column, within())
            .prop_map(|(value, select, condition)| Asking::AboveMax(value, select, condition)),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Asking::Not(inner.into())),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| Asking::And(l.into(), r.into())),
            (inner.clone(), inner).prop_map(|(l, r)| Asking::Or(l.into(), r.into())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn delete_with_subqueries_takes_the_rows_for_which_they_are_true(
        table in tables(),
        u in proptest::collection::vec(model_row(), 0..6),
        condition in asking(),
    ) {
        block_on(deletes_what_is_true(&table, u, &condition))?;
    }
}

async fn deletes_what_is_true(
    table: &ModelTable,
    mut u: Vec<ModelRow>,
    condition: &Asking,
) -> Result<(), TestCaseError> {
    let lake = table.write().await;
    for (row, id) in u.iter_mut().zip(0..) {
        row.id = id;
    }
    ModelTable::of_rows(&u).write_as(&lake, "u").await;
    let sql = format!("DELETE FROM t WHERE {condition}");
    let done = changes(&lake, &sql).await;
    let done = match done {
        Ok(done) => done,
        // Of a correlated scalar subquery DataFusion knows those that compare for equality.
        Err(error) if error.code == "UNSUPPORTED_FEATURE" => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(format!("{sql}\n{error}"))),
    };
    let expected: BTreeSet<_> = table
        .rows()
        .filter(|(_, _, row)| condition.eval(row, &u) == Some(true))
        .map(|(file, n, _)| (file, n))
        .collect();
    prop_assert_eq!(&done.deleted, &expected, "{}", sql);
    Ok(())
}
