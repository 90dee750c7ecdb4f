//! MERGE, once the schemas of its two sides are known.

use arrow_schema::Schema;
use messages::Error;
use messages::commit::{Assignment, MergeAction, MergeClause, MergeWhen, Operation};
use sqlparser::ast::{Expr, Ident};

use crate::type_names::type_name;

use crate::bind::expression::{ExpressionScope, names_columns};
use crate::bind::scope::{ScopeRelation, columns};
use crate::bind::writes::{
    assigned_column, check_assigned_once, check_characters, check_unique_columns, dotted,
    scope_relation,
};
use crate::identifiers::same_identifier;
use crate::statement::{Merge, RawAssignment, RawMergeAction, RawMergeClause};

impl Merge {
    /// The operation, its expressions bound to the columns of both sides.
    ///
    /// `schema_evolution`: the session evolves schemas
    /// (`spark.databricks.delta.schema.autoMerge.enabled`).
    ///
    /// `*` is expanded: without schema evolution to the table's columns, all of which the source must
    /// have; with it to the source's columns.
    ///
    /// # Errors
    /// `DELTA_MERGE_UNRESOLVED_EXPRESSION` for a name that neither side has, with ways out.
    pub fn bind(
        &self,
        target: &Schema,
        source: &Schema,
        schema_evolution: bool,
    ) -> Result<Operation, Error> {
        check_unique_columns(source)?;
        let mut sides = [
            scope_relation(&self.target, columns(target)),
            scope_relation(&self.source_qualifier, columns(source)),
        ];
        let clash = same_identifier(&self.target.alias, &self.source_qualifier.alias);
        let aliases = match clash {
            true => ["__target".to_owned(), "__source".to_owned()],
            false => [
                self.target.alias.clone(),
                self.source_qualifier.alias.clone(),
            ],
        };
        if clash {
            // Both go by one name, which then tells nothing; their full names still do.
            for (side, alias) in sides.iter_mut().zip(&aliases) {
                side.alias = Some(alias.clone());
            }
        }
        let binder = MergeBinder {
            merge: self,
            sides,
            evolve: self.schema_evolution || schema_evolution,
        };
        let on = binder.expression(&self.on, MergeWhen::Matched)?;
        let clauses = self
            .clauses
            .iter()
            .map(|clause| binder.clause(clause))
            .collect::<Result<_, _>>()?;
        let [target_alias, source_alias] = aliases;
        Ok(Operation::Merge {
            target_alias,
            source_alias,
            on,
            schema_evolution: binder.evolve,
            clauses,
        })
    }
}

struct MergeBinder<'a> {
    merge: &'a Merge,
    /// Target, source.
    sides: [ScopeRelation; 2],
    evolve: bool,
}

impl MergeBinder<'_> {
    fn clause(&self, clause: &RawMergeClause) -> Result<MergeClause, Error> {
        let when = clause.when;
        let condition = clause
            .condition
            .as_ref()
            .map(|c| self.expression(c, when))
            .transpose()?;
        let action = match &clause.action {
            RawMergeAction::Delete => MergeAction::Delete,
            RawMergeAction::UpdateAll => MergeAction::Update {
                assignments: self.all("UPDATE SET *")?,
            },
            RawMergeAction::InsertAll => MergeAction::Insert {
                assignments: self.all("INSERT *")?,
            },
            RawMergeAction::Update(assignments) => MergeAction::Update {
                assignments: self.assignments(assignments, when)?,
            },
            RawMergeAction::Insert { columns, values } => {
                let assignments: Vec<_> = columns
                    .iter()
                    .zip(values)
                    .map(|(column, value)| RawAssignment {
                        column: column.clone(),
                        expression: value.clone(),
                    })
                    .collect();
                MergeAction::Insert {
                    assignments: self.assignments(&assignments, when)?,
                }
            }
        };
        Ok(MergeClause {
            when,
            condition,
            action,
        })
    }

    fn assignments(
        &self,
        raw: &[RawAssignment],
        when: MergeWhen,
    ) -> Result<Vec<Assignment>, Error> {
        let mut assignments = Vec::new();
        for RawAssignment { column, expression } in raw {
            let name = self.assigned(column, expression)?;
            check_assigned_once(&assignments, &name)?;
            let expression = self.expression(expression, when)?;
            assignments.push(Assignment {
                column: name,
                expression,
            });
        }
        Ok(assignments)
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
            Some(new) if self.evolve => {
                check_characters(&new.name)?;
                Ok(new.name.clone())
            }
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
    fn all(&self, what: &str) -> Result<Vec<Assignment>, Error> {
        let [target, source] = &self.sides;
        let mut assignments: Vec<Assignment> = Vec::new();
        let from = |column: &str| {
            let ident = vec![
                Ident::new(source.alias.clone().unwrap_or_default()),
                Ident::new(column.to_owned()),
            ];
            self.expression(&Expr::CompoundIdentifier(ident), MergeWhen::Matched)
        };
        if self.evolve {
            for column in source.columns.iter().flatten() {
                let name = target.find(&column.name).unwrap_or(column).name.clone();
                check_characters(&name)?;
                check_assigned_once(&assignments, &name)?;
                assignments.push(Assignment {
                    column: name,
                    expression: from(&column.name)?,
                });
            }
            return Ok(assignments);
        }
        let mut missing = Vec::new();
        for column in target.columns.iter().flatten() {
            match source.find(&column.name) {
                Some(found) => assignments.push(Assignment {
                    column: column.name.clone(),
                    expression: from(&found.name)?,
                }),
                None => missing.push(format!("`{}`", column.name)),
            }
        }
        if missing.is_empty() {
            return Ok(assignments);
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

    fn expression(&self, expr: &Expr, when: MergeWhen) -> Result<String, Error> {
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
            qualify: true,
            unresolved: &unresolved,
        }
        .bind(expr)
    }

    fn unresolved(&self, message: String, hint: String) -> Error {
        Error::new("DELTA_MERGE_UNRESOLVED_EXPRESSION", message).with_hint(hint)
    }
}
