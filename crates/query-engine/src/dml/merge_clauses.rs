//! The clauses of a MERGE over its joined rows.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit};
use delta_log::schema::StructType;
use messages::Error;
use spark_dialect::{MergeWhen, MergedAction, MergedRows};

use crate::dml::conform::evolution::evolved;
use crate::dml::conform::store_assignment::store;
use crate::dml::new_rows::{NewValue, defaults, identity_is_set, null_of, unsaid, with_new_rows};
use crate::dml::stage::{Action, ActionKind, Layout};
use crate::dml::table_columns::{TableColumn, table_columns};
use crate::dml::target::{Target, column, own_column};
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::tables::source_rows::IN_SOURCE;
use crate::tables::target_table::FILE;

/// Name of the column for the number of a row's clause, from 0.
const CLAUSE: &str = "\u{1e}clause";

/// The expressions of a MERGE, by the clauses that they are of.
pub(crate) struct Expressions {
    /// The first one is the condition that joins the sides.
    pub matched: Vec<Expr>,
    pub not_matched: Vec<Expr>,
    pub not_matched_by_source: Vec<Expr>,
}

impl Expressions {
    pub fn all(&self) -> impl Iterator<Item = &Expr> {
        let Self {
            matched,
            not_matched,
            not_matched_by_source,
        } = self;
        matched
            .iter()
            .chain(not_matched)
            .chain(not_matched_by_source)
    }

    /// The expression of that number.
    pub fn of(&self, when: MergeWhen, number: usize) -> Result<&Expr, Error> {
        let of_kind = match when {
            MergeWhen::Matched => &self.matched,
            MergeWhen::NotMatched => &self.not_matched,
            MergeWhen::NotMatchedBySource => &self.not_matched_by_source,
        };
        let missing = || Error::new("INTERNAL_ERROR", "An expression of the MERGE is missing.");
        of_kind.get(number).ok_or_else(missing)
    }
}

/// The clauses, and the table's columns as they make them.
pub(crate) struct Clauses {
    pub schema: Arc<StructType>,
    columns: Vec<TableColumn>,
    clauses: Vec<Clause>,
}

struct Clause {
    when: MergeWhen,
    condition: Option<Expr>,
    kind: ActionKind,
    /// Columns, and their values.
    set: Vec<(String, Expr)>,
}

impl Clauses {
    /// `joined`: the plan over whose columns the expressions are.
    pub fn new(
        target: &Target,
        merged: &MergedRows,
        expressions: &Expressions,
        joined: &LogicalPlan,
    ) -> Result<Self, Error> {
        let clauses = merged.clauses.iter().map(|clause| {
            let (kind, set): (_, &[(String, usize)]) = match &clause.action {
                MergedAction::Update(set) => (ActionKind::Update, set),
                MergedAction::Insert(set) => (ActionKind::Insert, set),
                MergedAction::Delete => (ActionKind::Delete, &[]),
            };
            let of = |number: usize| expressions.of(clause.when, number).cloned();
            let set = set
                .iter()
                .map(|(name, number)| Ok((name.clone(), of(*number)?)));
            Ok(Clause {
                when: clause.when,
                condition: clause.condition.map(of).transpose()?,
                kind,
                set: set.collect::<Result<_, Error>>()?,
            })
        });
        let clauses: Vec<Clause> = clauses.collect::<Result<_, Error>>()?;
        let schema = match merged.schema_evolution {
            false => Arc::clone(target.snapshot.schema()),
            true => {
                let set = clauses.iter().flat_map(|clause| &clause.set);
                let given = set.map(|(name, expr)| {
                    let data_type = expr.get_type(joined.schema());
                    Ok((name.as_str(), data_type.map_err(|e| from_datafusion(&e))?))
                });
                let given: Vec<(&str, DataType)> = given.collect::<Result<_, Error>>()?;
                let given = given.iter().map(|(name, data_type)| (*name, data_type));
                Arc::new(evolved(&target.snapshot, given)?)
            }
        };
        Ok(Self {
            columns: table_columns(&schema)?,
            schema,
            clauses,
        })
    }

    /// The identity columns of which a clause that inserts says nothing.
    fn unsaid_identities(&self, clause: &Clause) -> Vec<usize> {
        if clause.kind != ActionKind::Insert {
            return Vec::new();
        }
        let is_set = |own: &TableColumn| clause.set.iter().any(|(name, _)| *name == own.name);
        let columns = self.columns.iter().enumerate();
        columns
            .filter(|(_, own)| own.identity.is_some() && !is_set(own))
            .map(|(i, _)| i)
            .collect()
    }

    /// What becomes of the rows of each clause.
    pub fn actions(&self) -> Arc<[Action]> {
        let mut matched = self.clauses.iter().filter(|c| c.when == MergeWhen::Matched);
        // Then it is the same to which row of the source a row is lost.
        let only_deletes = match (matched.next(), matched.next()) {
            (Some(clause), None) => clause.kind == ActionKind::Delete && clause.condition.is_none(),
            _ => false,
        };
        let actions = self.clauses.iter().map(|clause| Action {
            kind: clause.kind,
            when: Some(clause.when),
            repeats: only_deletes && clause.when == MergeWhen::Matched,
            numbered: self.unsaid_identities(clause),
        });
        actions.collect()
    }

    /// The joined rows that a clause is for: number of the clause, place and old values of the target's
    /// row, new values.
    pub async fn rows(
        self,
        core: &EngineCore,
        target: &Target,
        joined: LogicalPlan,
    ) -> Result<(LogicalPlan, Layout), Error> {
        let defaults = defaults(core, &self.columns).await?;
        let numbered = self.numbered(joined)?;
        let clause = || column_of(&numbered, CLAUSE);
        let mut values = Vec::with_capacity(self.columns.len());
        for (own, default) in self.columns.iter().zip(defaults) {
            values.push(self.value(own, default.as_ref(), &numbered, &clause()?)?);
        }
        let mut kept = vec![clause()?.alias(CLAUSE)];
        kept.extend(target.kept(&numbered));
        let old = 3..kept.len();
        let layout = Layout {
            action: Some(0),
            place: Some([1, 2]),
            new: old.end..old.end.saturating_add(self.columns.len()),
            old,
        };
        let plan = with_new_rows(core, &self.columns, numbered, kept, values).await?;
        Ok((plan, layout))
    }

    /// The joined rows that a clause is for, with its number. Conditions are asked in their order, and
    /// each only of the rows that it is about: an error that another row would give is none.
    fn numbered(&self, joined: LogicalPlan) -> Result<LogicalPlan, Error> {
        let in_target = column_of(&joined, FILE)?.is_not_null();
        let in_source = column_of(&joined, IN_SOURCE)?.is_not_null();
        let of_kind = |when| {
            let clauses = self.clauses.iter().zip(0_i32..);
            let clauses = clauses.filter(|(clause, _)| clause.when == when);
            let branches = clauses.map(|(clause, number)| {
                let condition = clause.condition.clone().unwrap_or_else(|| lit(true));
                (condition, lit(number))
            });
            case(
                None,
                branches.collect(),
                Expr::Literal(ScalarValue::Int32(None), None),
            )
        };
        let branches = vec![
            (
                in_target.clone().and(in_source),
                of_kind(MergeWhen::Matched),
            ),
            (in_target, of_kind(MergeWhen::NotMatchedBySource)),
        ];
        let number = case(None, branches, of_kind(MergeWhen::NotMatched));
        let columns = joined.schema().columns().into_iter().map(Expr::Column);
        let columns: Vec<Expr> = columns.chain([number.alias(CLAUSE)]).collect();
        let number = Expr::Column(Column::new_unqualified(CLAUSE));
        LogicalPlanBuilder::from(joined)
            .project(columns)
            .and_then(|plan| plan.filter(number.is_not_null()))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| from_datafusion(&error))
    }

    /// The value of a column, by the clause of the row.
    fn value(
        &self,
        own: &TableColumn,
        default: Option<&Expr>,
        plan: &LogicalPlan,
        number: &Expr,
    ) -> Result<NewValue, Error> {
        let schema = plan.schema();
        let mut branches = Vec::new();
        let mut given_by = Vec::new();
        for (clause, i) in self.clauses.iter().zip(0_i32..) {
            let set = clause.set.iter().find(|(name, _)| *name == own.name);
            let value = match (set, clause.kind) {
                (_, ActionKind::Delete) => continue,
                (Some(_), ActionKind::Update) if own.identity.is_some() => {
                    return Err(identity_is_set(&own.name));
                }
                (Some((_, expr)), _) => {
                    given_by.push(lit(i));
                    NewValue::assigned(expr.clone(), schema, own)?
                }
                (None, ActionKind::Insert) => unsaid(own, default.cloned(), schema)?,
                (None, ActionKind::Update) if own.generation.is_some() => continue,
                (None, ActionKind::Update) => match own_column(plan, &own.name) {
                    Some(old) => NewValue::Given(as_it_was(old, schema, own)?),
                    None => NewValue::Given(null_of(own)?),
                },
            };
            if let NewValue::Given(expr) = value {
                branches.push((lit(i), expr));
            }
        }
        let is_given = number.clone().in_list(given_by.clone(), false);
        let value = match branches.is_empty() {
            true => null_of(own)?,
            false => case(Some(number.clone()), branches, null_of(own)?),
        };
        Ok(match (&own.generation, given_by.is_empty()) {
            (None, _) => NewValue::Given(value),
            (Some(_), true) => NewValue::Generated { given: None },
            (Some(_), false) => NewValue::Generated {
                given: Some((value, is_given)),
            },
        })
    }
}

/// The value that the table has, in a column that the statement may have widened.
fn as_it_was(old: Expr, schema: &DFSchema, own: &TableColumn) -> Result<Expr, Error> {
    match old.get_type(schema) {
        Ok(data_type) if data_type == own.data_type => Ok(old),
        _ => store(old, schema, own),
    }
}

fn column_of(plan: &LogicalPlan, name: &str) -> Result<Expr, Error> {
    column(plan, name)
        .ok_or_else(|| Error::new("INTERNAL_ERROR", "A column of the MERGE is missing."))
}

fn case(of: Option<Expr>, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    if branches.is_empty() {
        return otherwise;
    }
    let boxed = |(when, then): (Expr, Expr)| (Box::new(when), Box::new(then));
    Expr::Case(Case {
        expr: of.map(Box::new),
        when_then_expr: branches.into_iter().map(boxed).collect(),
        else_expr: Some(Box::new(otherwise)),
    })
}
