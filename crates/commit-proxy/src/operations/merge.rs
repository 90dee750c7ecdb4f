//! `MERGE INTO`.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use deltalake::datafusion::common::{Column, DFSchema, TableReference};
use deltalake::datafusion::datasource::MemTable;
use deltalake::datafusion::logical_expr::Expr;
use deltalake::datafusion::prelude::SessionContext;
use deltalake::operations::merge::MergeBuilder;
use messages::commit::{Assignment, MergeAction, MergeClause, MergeWhen};
use messages::{ColumnProblem, Error};
use serde_json::{Map, Value, json};

use super::table::{self, Table, commit_properties};
use super::{Context, Failure, assignment, evolve};
use crate::commit_info::{MergeShape, Metrics, Provenance, json_string, predicates};
use crate::expression::Scope;
use crate::schema::{CastError, checked_cast, find_field, spark_type, storable, widen};
use crate::source::Source;

/// The statement, as it was sent.
pub(super) struct Merge {
    pub target_alias: String,
    pub source_alias: String,
    pub on: String,
    pub schema_evolution: bool,
    pub clauses: Vec<MergeClause>,
}

impl Merge {
    pub async fn run(self, context: &Context, source: Source) -> Result<(), Failure> {
        self.check()?;
        let table = table::load(context).await?;
        let source = normalize(source, &table)?;
        let evolved_schema = self.evolved_schema(&table, &source.schema)?;
        let (table, evolved) = evolve::evolve(context, table, &evolved_schema).await?;

        let state = table::session();
        let target = table.qualified(&self.target_alias)?;
        let source_alias = TableReference::bare(self.source_alias.as_str());
        let rows = DFSchema::try_from_qualified_schema(source_alias, &source.schema)?;
        let scope = |schema: &DFSchema| Scope::new(&state, schema.clone(), context.now);
        let both = target.join(&rows)?;
        let on = scope(&both).predicate(&self.on)?;
        let mut clauses = Vec::with_capacity(self.clauses.len());
        for clause in &self.clauses {
            // What a clause may look at: the rows that it is about.
            let schema = match clause.when {
                MergeWhen::Matched => &both,
                MergeWhen::NotMatched => &rows,
                MergeWhen::NotMatchedBySource => &target,
            };
            let scope = scope(schema);
            let condition = clause
                .condition
                .as_deref()
                .map(|text| scope.predicate(text))
                .transpose()?;
            let values = assignments(clause)
                .iter()
                .map(|assignment| self.value(assignment, &scope, schema, &table, context))
                .collect::<Result<Vec<_>, Failure>>()?;
            clauses.push((clause, condition, values));
        }

        let mut before = table.before(true)?;
        before.evolved = evolved;
        // Inserts alone can be told from the files.
        before.needs_change_data &= self
            .clauses
            .iter()
            .any(|clause| clause.when != MergeWhen::NotMatched);
        context.log.describe(
            Provenance {
                operation: "MERGE",
                parameters: self.parameters(),
                metrics: Metrics::Merge(self.shape()),
                read_version: Some(table.version()),
                is_blind_append: false,
            },
            before,
        );

        let source = MemTable::try_new(source.schema, vec![source.batches])?;
        let source = SessionContext::new_with_state(state.clone()).read_table(Arc::new(source))?;
        let mut merge = MergeBuilder::new(
            context.log_store(),
            Some(table.snapshot.clone()),
            on,
            source,
        )
        .with_source_alias(&self.source_alias)
        .with_target_alias(&self.target_alias)
        .with_session_state(Arc::new(state))
        .with_commit_properties(commit_properties());
        for (clause, condition, values) in clauses {
            merge = add_clause(merge, clause, condition, values)?;
        }
        merge.await?;
        Ok(())
    }

    /// What no table is needed to see.
    fn check(&self) -> Result<(), Error> {
        let invalid = |why: String| Error::new("INVALID_REQUEST", format!("MERGE: {why}."));
        if self.clauses.is_empty() {
            return Err(invalid("there is no WHEN clause".into()));
        }
        if self.target_alias.to_lowercase() == self.source_alias.to_lowercase() {
            return Err(invalid(format!(
                "target and source are both called {}; give one of them another alias",
                self.target_alias
            )));
        }
        for (when, code, text) in [
            (MergeWhen::Matched, "MATCHED", "WHEN MATCHED"),
            (
                MergeWhen::NotMatched,
                "NOT_MATCHED_BY_TARGET",
                "WHEN NOT MATCHED",
            ),
            (
                MergeWhen::NotMatchedBySource,
                "NOT_MATCHED_BY_SOURCE",
                "WHEN NOT MATCHED BY SOURCE",
            ),
        ] {
            let clauses: Vec<&MergeClause> = self
                .clauses
                .iter()
                .filter(|clause| clause.when == when)
                .collect();
            let last = clauses.len().saturating_sub(1);
            if clauses
                .iter()
                .take(last)
                .any(|clause| clause.condition.is_none())
            {
                return Err(Error::new(
                    format!("NON_LAST_{code}_CLAUSE_OMIT_CONDITION"),
                    format!(
                        "Of several {text} clauses only the last may do without AND: those after it would never apply."
                    ),
                ));
            }
            let insert = |c: &&MergeClause| matches!(c.action, MergeAction::Insert { .. });
            if clauses
                .iter()
                .any(|c| insert(c) != (when == MergeWhen::NotMatched))
            {
                return Err(invalid(format!("{text} can't be followed by this action")));
            }
        }
        Ok(())
    }

    /// The table's schema with the columns that the clauses set and only the source has; refuses
    /// columns that neither has.
    fn evolved_schema(&self, table: &Table, source: &Schema) -> Result<Schema, Error> {
        let mut fields: Vec<Arc<Field>> = table.schema.fields().iter().cloned().collect();
        let mut unknown: Vec<String> = Vec::new();
        for Assignment { column, .. } in self.clauses.iter().flat_map(assignments) {
            let lower = column.to_lowercase();
            let known = fields
                .iter()
                .position(|field| field.name().to_lowercase() == lower);
            let offered = find_field(source, column);
            match (known, offered) {
                (Some(index), Some(offered)) if self.schema_evolution => {
                    fields[index] = widen(&fields[index], offered);
                }
                (Some(_), _) => {}
                (None, Some(offered)) if self.schema_evolution => {
                    if offered.data_type().is_null() {
                        return Err(Error::new(
                            "DELTA_FAILED_TO_MERGE_FIELDS",
                            format!("The new column {column} has no type in the source."),
                        )
                        .with_hint("Give it one: CAST(NULL AS …)."));
                    }
                    fields.push(Arc::new(offered.clone().with_nullable(true)));
                }
                (None, _) if unknown.contains(column) => {}
                (None, _) => unknown.push(column.clone()),
            }
        }
        if unknown.is_empty() {
            Ok(Schema::new(fields))
        } else {
            Err(self.unresolved(&unknown, source))
        }
    }

    /// Spark refuses this too; the guide that people follow runs right into it.
    fn unresolved(&self, unknown: &[String], source: &Schema) -> Error {
        let offered = unknown
            .iter()
            .all(|column| find_field(source, column).is_some());
        let list = unknown.join(", ");
        let first = &unknown[0];
        let (message, hint) = if offered {
            (
                format!("The MERGE sets {list}, which only the source has."),
                format!(
                    "Write MERGE WITH SCHEMA EVOLUTION INTO … to add it to the table with this statement, or add it first: ALTER TABLE … ADD COLUMNS ({first} …)."
                ),
            )
        } else {
            (
                format!(
                    "The MERGE sets {list}, which is a column of neither the table nor the source."
                ),
                format!(
                    "Two ways out: let the source bring it, with MERGE WITH SCHEMA EVOLUTION INTO … USING (SELECT *, current_timestamp() AS {first} FROM …) AS {source} … SET {first} = {source}.{first}; or add it to the table first, with ALTER TABLE … ADD COLUMNS ({first} TIMESTAMP).",
                    source = self.source_alias
                ),
            )
        };
        let columns = unknown
            .iter()
            .map(|column| ColumnProblem {
                column: column.clone(),
                expected: "a column of the table".into(),
                actual: match find_field(source, column) {
                    Some(field) => format!("{} of the source", spark_type(field.data_type())),
                    None => "no column of either side".into(),
                },
            })
            .collect();
        Error::new("DELTA_MERGE_UNRESOLVED_EXPRESSION", message)
            .with_hint(hint)
            .with_columns(columns)
    }

    /// The target's column and its new value, in the column's type.
    fn value(
        &self,
        assignment: &Assignment,
        scope: &Scope<'_>,
        schema: &DFSchema,
        table: &Table,
        context: &Context,
    ) -> Result<(Column, Expr), Failure> {
        let Some(field) = find_field(&table.schema, &assignment.column) else {
            return Err(scope.unresolved(&assignment.column).into());
        };
        let expr = assignment::into_column(
            scope.expr(&assignment.expression)?,
            schema,
            field.name(),
            field.data_type(),
            &context.refusal,
        )?;
        let target = TableReference::bare(self.target_alias.as_str());
        Ok((Column::new(Some(target), field.name()), expr))
    }

    fn parameters(&self) -> Map<String, Value> {
        let of = |when: MergeWhen| {
            let clauses: Vec<Value> = self
                .clauses
                .iter()
                .filter(|clause| clause.when == when)
                .map(|clause| {
                    let action = match clause.action {
                        MergeAction::Update { .. } => "update",
                        MergeAction::Insert { .. } => "insert",
                        MergeAction::Delete => "delete",
                    };
                    match &clause.condition {
                        Some(condition) => {
                            json!({"predicate": format!("({condition})"), "actionType": action})
                        }
                        None => json!({"actionType": action}),
                    }
                })
                .collect();
            json_string(&json!(clauses))
        };
        Map::from_iter([
            ("predicate".to_owned(), predicates(Some(&self.on))),
            ("matchedPredicates".to_owned(), of(MergeWhen::Matched)),
            ("notMatchedPredicates".to_owned(), of(MergeWhen::NotMatched)),
            (
                "notMatchedBySourcePredicates".to_owned(),
                of(MergeWhen::NotMatchedBySource),
            ),
        ])
    }

    fn shape(&self) -> MergeShape {
        let has = |when: MergeWhen, delete: bool| {
            self.clauses.iter().any(|clause| {
                clause.when == when && matches!(clause.action, MergeAction::Delete) == delete
            })
        };
        MergeShape {
            matched_update: has(MergeWhen::Matched, false),
            matched_delete: has(MergeWhen::Matched, true),
            by_source_update: has(MergeWhen::NotMatchedBySource, false),
            by_source_delete: has(MergeWhen::NotMatchedBySource, true),
        }
    }
}

fn assignments(clause: &MergeClause) -> &[Assignment] {
    match &clause.action {
        MergeAction::Update { assignments } | MergeAction::Insert { assignments } => assignments,
        MergeAction::Delete => &[],
    }
}

fn add_clause(
    merge: MergeBuilder,
    clause: &MergeClause,
    condition: Option<Expr>,
    values: Vec<(Column, Expr)>,
) -> Result<MergeBuilder, Failure> {
    for (index, (column, _)) in values.iter().enumerate() {
        if values[..index]
            .iter()
            .any(|(other, _)| other.name == column.name)
        {
            return Err(Error::new(
                "DELTA_CONFLICT_SET_COLUMN",
                format!("The column {} is set twice in one clause.", column.name),
            )
            .into());
        }
    }
    // The builder's closures take the clause as it is; conditions are optional there too.
    macro_rules! clause {
        ($builder:ident, $set:ident) => {{
            let builder = values
                .into_iter()
                .fold($builder, |builder, (column, value)| {
                    builder.$set(column, value)
                });
            match condition {
                Some(condition) => builder.predicate(condition),
                None => builder,
            }
        }};
    }
    Ok(match (clause.when, &clause.action) {
        (MergeWhen::Matched, MergeAction::Delete) => merge.when_matched_delete(|delete| {
            condition
                .into_iter()
                .fold(delete, |delete, c| delete.predicate(c))
        })?,
        (MergeWhen::Matched, _) => merge.when_matched_update(|update| clause!(update, update))?,
        (MergeWhen::NotMatched, _) => {
            merge.when_not_matched_insert(|insert| clause!(insert, set))?
        }
        (MergeWhen::NotMatchedBySource, MergeAction::Delete) => merge
            .when_not_matched_by_source_delete(|delete| {
                condition
                    .into_iter()
                    .fold(delete, |delete, c| delete.predicate(c))
            })?,
        (MergeWhen::NotMatchedBySource, _) => {
            merge.when_not_matched_by_source_update(|update| clause!(update, update))?
        }
    })
}

/// The source in the types that tables have. Its columns keep their names, up to the case of the
/// table's columns.
fn normalize(source: Source, table: &Table) -> Result<Source, Failure> {
    let mut fields: Vec<Field> = Vec::with_capacity(source.schema.fields().len());
    for field in source.schema.fields() {
        let known = find_field(&table.schema, field.name());
        let name = known.map_or(field.name(), |known| known.name());
        let lower = name.to_lowercase();
        if fields
            .iter()
            .any(|other| other.name().to_lowercase() == lower)
        {
            return Err(Error::new(
                "COLUMN_ALREADY_EXISTS",
                format!("The source has more than one column {name}."),
            )
            .with_hint("Give each column of the source a name of its own with AS.")
            .into());
        }
        let data_type = match (field.data_type(), known) {
            (DataType::Null, Some(known)) => known.data_type().clone(),
            (DataType::Null, None) => DataType::Null,
            (other, _) => storable(other).map_err(|expected| {
                Error::new(
                    "UNSUPPORTED_DATATYPE",
                    format!(
                        "The source's column {name} is a {}; it must have {expected}.",
                        spark_type(other)
                    ),
                )
            })?,
        };
        fields.push(Field::new(name, data_type, true));
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut batches = Vec::with_capacity(source.batches.len());
    for batch in &source.batches {
        let columns = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(column, field)| {
                checked_cast(column, field.data_type()).map_err(|error| {
                    let why = match error {
                        CastError::Misfit(misfit) => format!("row {}", misfit.row + 1),
                        CastError::Arrow(error) => error.to_string(),
                    };
                    Error::new(
                        "CAST_OVERFLOW",
                        format!(
                            "The source's column {} does not fit a {}: {why}.",
                            field.name(),
                            spark_type(field.data_type())
                        ),
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        batches.push(
            RecordBatch::try_new(Arc::clone(&schema), columns)
                .map_err(deltalake::DeltaTableError::from)?,
        );
    }
    Ok(Source { schema, batches })
}
