//! The expressions of a MERGE, as queries over its two sides.

use arrow_schema::Schema;
use messages::Error;
use sqlparser::ast::Expr;

use crate::bind::merge::{ActionOf, MergeBinder};
use crate::bind::rows::{SOURCE, TARGET, expressions};
use crate::query::Query;
use crate::translate::ast::contains_query;
use crate::write::{Merge, MergeWhen, Qualifier};

/// A MERGE whose columns are known, from [`Merge::rows`].
///
/// Its expressions are in three queries, by what they may name. Each query computes one column for
/// each expression, under the names that [`expression_name`](crate::expression_name) gives; the
/// clauses say which.
#[derive(Debug, Clone)]
pub struct MergedRows {
    /// Name of the table in the expressions.
    pub target_alias: String,
    /// Name of the source in the expressions; another one.
    pub source_alias: String,
    /// Of the rows of [`TARGET`] and [`SOURCE`], unjoined: first the condition that joins them, then
    /// the expressions of WHEN MATCHED.
    pub matched: Query,
    /// Of the rows of [`SOURCE`]: the expressions of WHEN NOT MATCHED. `None` without such clauses.
    pub not_matched: Option<Query>,
    /// Of the rows of [`TARGET`]: the expressions of WHEN NOT MATCHED BY SOURCE. `None` without such
    /// clauses.
    pub not_matched_by_source: Option<Query>,
    /// The clauses, in the statement's order.
    pub clauses: Vec<MergedClause>,
    /// Whether columns that only the source has may be added to the table.
    pub schema_evolution: bool,
}

/// A `WHEN` clause. Numbers are those of expressions in the query of its kind, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedClause {
    /// Kind of rows that it is for.
    pub when: MergeWhen,
    /// `AND condition`.
    pub condition: Option<usize>,
    /// What becomes of these rows.
    pub action: MergedAction,
}

/// Action of a clause of a MERGE: columns of the table, or new ones, and the numbers of their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergedAction {
    /// `UPDATE SET`.
    Update(Vec<(String, usize)>),
    /// `INSERT`.
    Insert(Vec<(String, usize)>),
    /// `DELETE`.
    Delete,
}

impl Merge {
    /// The MERGE's expressions over the columns of both sides.
    ///
    /// `schema_evolution`: the session evolves schemas
    /// (`spark.databricks.delta.schema.autoMerge.enabled`).
    ///
    /// `*` is expanded: without schema evolution to the table's columns, all of which the source must
    /// have; with it to the source's columns.
    ///
    /// # Errors
    /// `DELTA_MERGE_UNRESOLVED_EXPRESSION` for a name that neither side has, with ways out;
    /// `AMBIGUOUS_REFERENCE` for one that both have; `DUPLICATE_ASSIGNMENT` where a clause sets a
    /// column twice; `COLUMN_ALREADY_EXISTS` where the source has two columns of one name.
    pub fn rows(
        &self,
        target: &Schema,
        source: &Schema,
        schema_evolution: bool,
    ) -> Result<MergedRows, Error> {
        let binder = MergeBinder::new(self, target, source, schema_evolution)?;
        let mut matched = Expressions::of(&binder, MergeWhen::Matched);
        let mut not_matched = Expressions::of(&binder, MergeWhen::NotMatched);
        let mut not_matched_by_source = Expressions::of(&binder, MergeWhen::NotMatchedBySource);
        matched.add(self.on.clone())?;
        let mut clauses = Vec::new();
        for clause in binder.clauses()? {
            let kind = match clause.when {
                MergeWhen::Matched => &mut matched,
                MergeWhen::NotMatched => &mut not_matched,
                MergeWhen::NotMatchedBySource => &mut not_matched_by_source,
            };
            let condition = clause.condition.map(|c| kind.add(c)).transpose()?;
            let action = match clause.action {
                ActionOf::Update(set) => MergedAction::Update(kind.add_all(set)?),
                ActionOf::Insert(set) => MergedAction::Insert(kind.add_all(set)?),
                ActionOf::Delete => MergedAction::Delete,
            };
            clauses.push(MergedClause {
                when: clause.when,
                condition,
                action,
            });
        }
        let has = |when| self.clauses.iter().any(|clause| clause.when == when);
        let named = |own: &Qualifier, alias: &String| Qualifier {
            alias: alias.clone(),
            parts: own.parts.clone(),
        };
        let target = named(&self.target, &binder.aliases[0]);
        let source = named(&self.source_qualifier, &binder.aliases[1]);
        let both = [(TARGET, &target), (SOURCE, &source)];
        let not_matched = has(MergeWhen::NotMatched)
            .then(|| expressions(&both[1..], not_matched.all))
            .transpose()?;
        let not_matched_by_source = has(MergeWhen::NotMatchedBySource)
            .then(|| expressions(&both[..1], not_matched_by_source.all))
            .transpose()?;
        Ok(MergedRows {
            matched: expressions(&both, matched.all)?,
            not_matched,
            not_matched_by_source,
            clauses,
            schema_evolution: binder.evolve,
            target_alias: target.alias,
            source_alias: source.alias,
        })
    }
}

/// The expressions of the clauses of one kind.
struct Expressions<'a> {
    binder: &'a MergeBinder<'a>,
    when: MergeWhen,
    all: Vec<Expr>,
}

impl<'a> Expressions<'a> {
    fn of(binder: &'a MergeBinder<'a>, when: MergeWhen) -> Self {
        Self {
            binder,
            when,
            all: Vec::new(),
        }
    }

    /// Adds an expression and gives its number.
    fn add(&mut self, expr: Expr) -> Result<usize, Error> {
        if !contains_query(&expr) {
            self.binder.check(&expr, self.when)?;
        }
        self.all.push(expr);
        Ok(self.all.len() - 1)
    }

    fn add_all(&mut self, set: Vec<(String, Expr)>) -> Result<Vec<(String, usize)>, Error> {
        let added = set
            .into_iter()
            .map(|(column, expr)| Ok((column, self.add(expr)?)));
        added.collect()
    }
}
