//! MERGE.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;
use query_engine::RowKind;

use crate::row_changes::model::{
    Condition, Int, ModelRow, Scope, Side, Text, conditions, int, ints, text, texts,
};
use crate::row_changes::tables::{Changes, ModelTable, block_on, changes, model_row, tables};

const BOTH: &[Side] = &[Side::Target, Side::Source];
const TARGET: &[Side] = &[Side::Target];
const SOURCE: &[Side] = &[Side::Source];

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Matched,
    NotMatched,
    NotMatchedBySource,
}

#[derive(Debug, Clone)]
enum Action {
    Delete,
    /// `a` and `s`.
    Update(Int, Text),
    UpdateAll,
    /// `id`, `b` and `p`.
    Insert(Int, Text),
    InsertAll,
}

#[derive(Debug, Clone)]
struct Clause {
    when: When,
    condition: Option<Condition>,
    action: Action,
}

#[derive(Debug, Clone)]
struct Merge {
    source: Vec<ModelRow>,
    on: Condition,
    clauses: Vec<Clause>,
}

fn clause() -> impl Strategy<Value = Clause> {
    let conditions = |sides| proptest::option::weighted(0.7, conditions(sides));
    let set = |sides| (ints(sides), texts(sides)).prop_map(|(a, s)| Action::Update(a, s));
    let insert = (ints(SOURCE), texts(SOURCE)).prop_map(|(b, p)| Action::Insert(b, p));
    let matched = prop_oneof![Just(Action::Delete), Just(Action::UpdateAll), set(BOTH)];
    let not_matched = prop_oneof![Just(Action::InsertAll), insert];
    let by_source = prop_oneof![Just(Action::Delete), set(TARGET)];
    let clause = |when| {
        move |(condition, action)| Clause {
            when,
            condition,
            action,
        }
    };
    prop_oneof![
        2 => (conditions(BOTH), matched).prop_map(clause(When::Matched)),
        1 => (conditions(SOURCE), not_matched).prop_map(clause(When::NotMatched)),
        1 => (conditions(TARGET), by_source).prop_map(clause(When::NotMatchedBySource)),
    ]
}

fn merges() -> impl Strategy<Value = Merge> {
    let key = proptest::sample::select(&['a', 'b', 'y', 'i'][..]).prop_map(|name| {
        let side = |side| Int::Column(side, name);
        Condition::CompareInts(side(Side::Target), "=", side(Side::Source))
    });
    let both = (key.clone(), conditions(BOTH));
    let on = prop_oneof![
        4 => key,
        2 => both.prop_map(|(key, more)| Condition::And(key.into(), more.into())),
        1 => conditions(BOTH),
    ];
    // Ids that the target may have, each once.
    let source = proptest::collection::vec((model_row(), 0..40_i64), 0..8);
    let clauses = proptest::collection::vec(clause(), 1..4);
    (source, on, clauses).prop_map(|(rows, on, mut clauses)| {
        let mut source: Vec<ModelRow> = Vec::new();
        for (row, id) in rows {
            if source.iter().all(|other| other.id != id) {
                source.push(ModelRow { id, ..row });
            }
        }
        // Only the last clause of a kind may go without a condition.
        for i in 0..clauses.len() {
            let when = clauses[i].when;
            if clauses[i].condition.is_none() && clauses[i + 1..].iter().any(|c| c.when == when) {
                clauses[i].condition = Some(Condition::Literal(Some(true)));
            }
        }
        Merge {
            source,
            on,
            clauses,
        }
    })
}

impl Merge {
    fn sql(&self) -> String {
        let rows: Vec<String> = self
            .source
            .iter()
            .map(|row| {
                format!(
                    "(CAST({} AS BIGINT), CAST({} AS BIGINT), CAST({} AS BIGINT), CAST({} AS STRING), \
                     CAST({} AS STRING), CAST({} AS BIGINT))",
                    row.id,
                    int(row.a),
                    int(row.b),
                    text(&row.s),
                    text(&row.p),
                    int(row.y),
                )
            })
            .collect();
        let source = match rows.is_empty() {
            true => "SELECT * FROM t WHERE false".to_owned(),
            false => format!(
                "SELECT * FROM VALUES {} AS v(id, a, b, s, p, y)",
                rows.join(", ")
            ),
        };
        let mut sql = format!("MERGE INTO t USING ({source}) AS s ON {}", self.on);
        for clause in &self.clauses {
            sql.push_str(match clause.when {
                When::Matched => " WHEN MATCHED",
                When::NotMatched => " WHEN NOT MATCHED",
                When::NotMatchedBySource => " WHEN NOT MATCHED BY SOURCE",
            });
            if let Some(condition) = &clause.condition {
                write!(sql, " AND {condition}").unwrap();
            }
            match &clause.action {
                Action::Delete => sql.push_str(" THEN DELETE"),
                Action::UpdateAll => sql.push_str(" THEN UPDATE SET *"),
                Action::InsertAll => sql.push_str(" THEN INSERT *"),
                Action::Update(a, s) => write!(sql, " THEN UPDATE SET a = {a}, t.s = {s}").unwrap(),
                Action::Insert(b, p) => {
                    write!(sql, " THEN INSERT (id, b, p) VALUES (s.id, {b}, {p})").unwrap();
                }
            }
        }
        sql
    }

    /// What becomes of a row, by the first clause for it.
    fn clause(&self, when: When, scope: Scope<'_>) -> Option<&Clause> {
        let mut of_kind = self.clauses.iter().filter(|clause| clause.when == when);
        of_kind.find(|clause| clause.condition.as_ref().is_none_or(|c| c.is_true(scope)))
    }

    /// The changes to `table`; `None` where two rows of the source would change one of its rows.
    fn model(&self, table: &ModelTable) -> Option<Changes> {
        let mut done = Changes::default();
        let mut add = |kind, row: ModelRow| done.rows.entry(kind).or_default().push(row);
        let nothing = ModelRow::default();
        let mut found = BTreeSet::new();
        let mut matched = self.clauses.iter().filter(|c| c.when == When::Matched);
        let only = (matched.next(), matched.next());
        let only_deletes = matches!(
            only,
            (
                Some(Clause {
                    condition: None,
                    action: Action::Delete,
                    ..
                }),
                None
            )
        );
        let mut changed: BTreeMap<(usize, u64), bool> = BTreeMap::new();
        for (file, number, target) in table.rows() {
            let mut clauses = Vec::new();
            let mut is_matched = false;
            for (i, source) in self.source.iter().enumerate() {
                let scope = Scope { target, source };
                if self.on.is_true(scope) {
                    is_matched = true;
                    found.insert(i);
                    let clause = self.clause(When::Matched, scope);
                    clauses.extend(clause.map(|clause| (clause, scope)));
                }
            }
            if !is_matched {
                let scope = Scope {
                    target,
                    source: &nothing,
                };
                let clause = self.clause(When::NotMatchedBySource, scope);
                clauses.extend(clause.map(|clause| (clause, scope)));
            }
            if clauses.len() > 1 && !only_deletes {
                return None;
            }
            let Some((clause, scope)) = clauses.first() else {
                continue;
            };
            let new = match &clause.action {
                Action::Update(a, s) => ModelRow {
                    a: a.eval(*scope),
                    s: s.eval(*scope),
                    ..target.clone()
                },
                Action::UpdateAll => scope.source.clone(),
                _ => {
                    changed.insert((file, number), true);
                    if table.change_feed {
                        add(RowKind::Delete, target.clone());
                    }
                    continue;
                }
            };
            changed.insert((file, number), false);
            add(RowKind::UpdatePostimage, new);
            if table.change_feed {
                add(RowKind::UpdatePreimage, target.clone());
            }
        }
        for (i, source) in self.source.iter().enumerate() {
            let scope = Scope {
                target: &nothing,
                source,
            };
            if found.contains(&i) {
                continue;
            }
            match self
                .clause(When::NotMatched, scope)
                .map(|clause| &clause.action)
            {
                Some(Action::InsertAll) => add(RowKind::Insert, source.clone()),
                Some(Action::Insert(b, p)) => add(
                    RowKind::Insert,
                    ModelRow {
                        id: source.id,
                        b: b.eval(scope),
                        p: p.eval(scope),
                        ..ModelRow::default()
                    },
                ),
                _ => {}
            }
        }
        for rows in done.rows.values_mut() {
            rows.sort();
        }
        let places = |deleted| {
            let places = changed.iter().filter(move |(_, d)| **d == deleted);
            places.map(|(place, _)| *place).collect()
        };
        done.deleted = places(true);
        done.updated = places(false);
        Some(done)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn merge_does_with_each_row_what_its_first_clause_says(table in tables(), merge in merges()) {
        block_on(merges_as_the_model(&table, &merge))?;
    }
}

async fn merges_as_the_model(table: &ModelTable, merge: &Merge) -> Result<(), TestCaseError> {
    let lake = table.write().await;
    let sql = merge.sql();
    let done = changes(&lake, &sql).await;
    let Some(expected) = merge.model(table) else {
        let code = done.err().map(|error| error.code);
        let refusal = "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE";
        prop_assert_eq!(code.as_deref(), Some(refusal), "{}", sql);
        return Ok(());
    };
    let done = done.map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))?;
    prop_assert_eq!(&done.deleted, &expected.deleted, "{}", sql);
    prop_assert_eq!(&done.updated, &expected.updated, "{}", sql);
    prop_assert_eq!(&done.rows, &expected.rows, "{}", sql);
    let counts = done.touched.counts;
    prop_assert_eq!(counts.deleted, expected.deleted.len() as u64);
    prop_assert_eq!(counts.updated, expected.updated.len() as u64);
    prop_assert_eq!(
        counts.matched_deleted + counts.not_matched_by_source_deleted,
        counts.deleted
    );
    prop_assert_eq!(
        counts.matched_updated + counts.not_matched_by_source_updated,
        counts.updated
    );
    let inserted = expected.rows.get(&RowKind::Insert).map_or(0, Vec::len);
    prop_assert_eq!(counts.inserted, inserted as u64);
    // Of an inner join with nothing, the other side is not read.
    let read = counts.source as usize;
    let reads_all = merge
        .clauses
        .iter()
        .any(|clause| clause.when == When::NotMatched);
    prop_assert!(
        read == merge.source.len() || read == 0 && !reads_all,
        "{read}: {sql}"
    );
    Ok(())
}
