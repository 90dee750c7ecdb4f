//! MERGE, once the schemas of its two sides are known.

use arrow_schema::Schema;
use messages::Error;
use sqlparser::ast::{Expr, Ident};

use crate::type_names::type_name;

use crate::bind::expression::{ExpressionScope, names_columns};
use crate::bind::scope::{ScopeRelation, columns};
use crate::bind::writes::{
    assigned_column, check_set_once, check_unique_columns, dotted, scope_relation,
};
use crate::identifiers::same_identifier;
use crate::write::{Merge, MergeWhen, RawMergeAction, RawMergeClause};

/// A MERGE beside the schemas of its two sides.
pub(crate) struct MergeBinder<'a> {
    merge: &'a Merge,
    /// Target, source.
    sides: [ScopeRelation; 2],
    /// Their names, which differ.
    pub aliases: [String; 2],
    pub evolve: bool,
}

/// A `WHEN` clause whose columns are known and whose `*` is expanded.
pub(crate) struct ClauseOf {
    pub when: MergeWhen,
    pub condition: Option<Expr>,
    pub action: ActionOf,
}

/// What becomes of a clause's rows: columns of the table, and their values.
pub(crate) enum ActionOf {
    Update(Vec<(String, Expr)>),
    Insert(Vec<(String, Expr)>),
    Delete,
}

impl<'a> MergeBinder<'a> {
    pub fn new(
        merge: &'a Merge,
        target: &Schema,
        source: &Schema,
        schema_evolution: bool,
    ) -> Result<Self, Error> {
        check_unique_columns(source)?;
        let mut sides = [
            scope_relation(&merge.target, columns(target)),
            scope_relation(&merge.source_qualifier, columns(source)),
        ];
        let clash = same_identifier(&merge.target.alias, &merge.source_qualifier.alias);
        let aliases = match clash {
            true => ["__target".to_owned(), "__source".to_owned()],
            false => [
                merge.target.alias.clone(),
                merge.source_qualifier.alias.clone(),
            ],
        };
        if clash {
            // Both go by one name, which then tells nothing; their full names still do.
            for (side, alias) in sides.iter_mut().zip(&aliases) {
                side.alias = Some(alias.clone());
            }
        }
        Ok(Self {
            merge,
            sides,
            aliases,
            evolve: merge.schema_evolution || schema_evolution,
        })
    }

    /// The clauses, in order.
    pub fn clauses(&self) -> Result<Vec<ClauseOf>, Error> {
        self.merge
            .clauses
            .iter()
            .map(|clause| self.clause(clause))
            .collect()
    }

    fn clause(&self, clause: &RawMergeClause) -> Result<ClauseOf, Error> {
        let action = match &clause.action {
            RawMergeAction::Delete => ActionOf::Delete,
            RawMergeAction::UpdateAll => ActionOf::Update(self.all("UPDATE SET *")?),
            RawMergeAction::InsertAll => ActionOf::Insert(self.all("INSERT *")?),
            RawMergeAction::Update(assignments) => {
                let set = assignments.iter().map(|a| (&a.column, &a.expression));
                ActionOf::Update(self.assignments(set)?)
            }
            RawMergeAction::Insert { columns, values } => {
                ActionOf::Insert(self.assignments(columns.iter().zip(values))?)
            }
        };
        Ok(ClauseOf {
            when: clause.when,
            condition: clause.condition.clone(),
            action,
        })
    }

    fn assignments<'b>(
        &self,
        raw: impl Iterator<Item = (&'b Vec<Ident>, &'b Expr)>,
    ) -> Result<Vec<(String, Expr)>, Error> {
        let mut names = Vec::new();
        let mut set = Vec::new();
        for (column, expression) in raw {
            let name = self.assigned(column, expression)?;
            check_set_once(&names, &name)?;
            names.push(name.clone());
            set.push((name, expression.clone()));
        }
        Ok(set)
    }

    /// The column that an assignment sets: one of the table's, or under schema evolution one that
    /// the source brings.
    fn assigned(&self, column: &[Ident], expression: &Expr) -> Result<String, Error> {
        let [target, source] = &self.sides;
        if let Some(name) = assigned_column(target, column)? {
            return Ok(name);
        }
        let new = match column.get(target.qualifies(column)..) {
            Some([name]) => source.find(&name.value),
            _ => None,
        };
        let table = &self.merge.table;
        let name = column.last().map_or("", |part| part.value.as_str());
        match new {
            Some(new) if self.evolve => Ok(new.name.clone()),
            Some(new) => {
                let data_type = new
                    .data_type
                    .as_ref()
                    .map_or_else(|| "STRING".to_owned(), type_name)
                    .to_uppercase();
                Err(self.unresolved(
                    format!("This MERGE sets `{}`, which the table does not have.", dotted(column)),
                    format!(
                        "The source has it: write MERGE WITH SCHEMA EVOLUTION INTO {table} … to add it \
                         to the table, or first run ALTER TABLE {table} ADD COLUMNS ({name} {data_type})."
                    ),
                ))
            }
            None => {
                let value = match names_columns(expression) {
                    true => "…".to_owned(),
                    false => expression.to_string(),
                };
                let data_type = match value.to_lowercase().as_str() {
                    "current_timestamp()" | "now()" | "current_timestamp" => "TIMESTAMP",
                    "current_date()" | "current_date" => "DATE",
                    _ => "type",
                };
                Err(self.unresolved(
                    format!(
                        "This MERGE sets `{}`, which neither the table nor the source has.",
                        dotted(column)
                    ),
                    format!(
                        "There are two ways out. Let the source bring the column, and the schema \
                         evolve: MERGE WITH SCHEMA EVOLUTION INTO {table} … USING (SELECT *, {value} AS \
                         {name} FROM …) AS source … SET {name} = source.{name}. Or add the column \
                         first: ALTER TABLE {table} ADD COLUMNS ({name} {data_type});"
                    ),
                ))
            }
        }
    }

    /// `*`: source columns to the target's of the same name.
    fn all(&self, what: &str) -> Result<Vec<(String, Expr)>, Error> {
        let [target, source] = &self.sides;
        let mut set: Vec<(String, Expr)> = Vec::new();
        let from = |column: &str| {
            Expr::CompoundIdentifier(vec![
                Ident::with_quote('`', source.alias.clone().unwrap_or_default()),
                Ident::with_quote('`', column),
            ])
        };
        if self.evolve {
            let mut names = Vec::new();
            for column in source.columns.iter().flatten() {
                let name = target.find(&column.name).unwrap_or(column).name.clone();
                check_set_once(&names, &name)?;
                names.push(name.clone());
                set.push((name, from(&column.name)));
            }
            return Ok(set);
        }
        let mut missing = Vec::new();
        for column in target.columns.iter().flatten() {
            match source.find(&column.name) {
                Some(found) => set.push((column.name.clone(), from(&found.name))),
                None => missing.push(format!("`{}`", column.name)),
            }
        }
        if missing.is_empty() {
            return Ok(set);
        }
        Err(self.unresolved(
            format!(
                "{what} sets every column of the table, and the source lacks {}.",
                missing.join(", ")
            ),
            "Name the columns to set, or write MERGE WITH SCHEMA EVOLUTION, under which * sets only \
             the columns that the source has."
                .to_owned(),
        ))
    }

    /// Refuses names that a clause of this kind does not see.
    pub fn check(&self, expr: &Expr, when: MergeWhen) -> Result<(), Error> {
        let [target, source] = &self.sides;
        let (relations, only) = match when {
            MergeWhen::Matched => (self.sides.as_slice(), ""),
            MergeWhen::NotMatched => (
                std::slice::from_ref(source),
                " (WHEN NOT MATCHED sees the source only)",
            ),
            MergeWhen::NotMatchedBySource => (
                std::slice::from_ref(target),
                " (WHEN NOT MATCHED BY SOURCE sees the table only)",
            ),
        };
        let unresolved = |name: &str| {
            let known: Vec<_> = relations
                .iter()
                .flat_map(|side| {
                    let alias = side.alias.clone().unwrap_or_default();
                    side.columns
                        .iter()
                        .flatten()
                        .map(move |c| format!("{alias}.{}", c.name))
                })
                .collect();
            self.unresolved(
                format!("There is no column `{name}` for this MERGE{only}."),
                format!("The columns are {}.", known.join(", ")),
            )
        };
        ExpressionScope {
            relations,
            unresolved: &unresolved,
        }
        .check(expr)
    }

    fn unresolved(&self, message: String, hint: String) -> Error {
        Error::new("DELTA_MERGE_UNRESOLVED_EXPRESSION", message).with_hint(hint)
    }
}
