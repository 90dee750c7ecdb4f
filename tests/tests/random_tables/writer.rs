//! The table, as delta-rs writes it.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use deltalake::datafusion::common::{Column, ScalarValue};
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::SessionContext;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, checkpoints};
use lakeglass_tests::random::Random;
use url::Url;

use crate::plan::{Plan, Step, column_name, partition_name};
use crate::values;

pub struct Writer {
    pub url: Url,
    random: Random,
    columns: Vec<DataType>,
    partition_by: Vec<DataType>,
    next_id: i64,
}

impl Writer {
    /// Makes the table, with some rows in it.
    pub async fn create(url: Url, plan: &Plan) -> Result<Self> {
        let mut writer = Self {
            url,
            random: Random::new(plan.seed),
            columns: plan.columns.clone(),
            partition_by: plan.partition_by.clone(),
            next_id: 0,
        };
        let rows = writer.rows(20);
        let feed = plan.change_feed.to_string();
        DeltaTable::try_from_url(writer.url.clone())
            .await?
            .write([rows])
            .with_partition_columns((0..plan.partition_by.len()).map(partition_name))
            .with_configuration([("delta.enableChangeDataFeed", Some(feed))])
            .await?;
        Ok(writer)
    }

    /// Does what `step` says.
    ///
    /// # Errors
    /// delta-rs's, where it can't; the table then is as before.
    pub async fn apply(&mut self, step: &Step) -> Result<()> {
        let table = DeltaTableBuilder::from_url(self.url.clone())?
            .load()
            .await?;
        match step {
            Step::Append { rows } => {
                table.write([self.rows(*rows)]).await?;
            }
            Step::Delete { by, rest } => {
                table.delete().with_predicate(chosen(*by, *rest)).await?;
            }
            Step::DeletePartition { null } => {
                let Some(of) = self.partition_by.first() else {
                    return Ok(());
                };
                let column = named(&partition_name(0));
                let condition = match null {
                    true => column.is_null(),
                    false => column.eq(lit(scalar(&values::partition(&mut self.random, of, 1))?)),
                };
                table.delete().with_predicate(condition).await?;
            }
            Step::Update { by, rest, column } => {
                let column = column % self.columns.len();
                let value = values::column(&mut self.random, &self.columns[column], 1);
                table
                    .update()
                    .with_predicate(chosen(*by, *rest))
                    .with_update(Column::from_name(column_name(column)), lit(scalar(&value)?))
                    .await?;
            }
            Step::Merge { rows, deletes } => self.merge(table, *rows, *deletes).await?,
            Step::AddColumn { of, rows } => {
                self.columns.push(of.clone());
                let rows = self.rows(*rows);
                let write = table.write([rows]).with_schema_mode(SchemaMode::Merge);
                if let Err(error) = write.await {
                    self.columns.pop();
                    return Err(error.into());
                }
            }
            Step::Overwrite { rows } => {
                let rows = self.rows(*rows);
                table
                    .write([rows])
                    .with_save_mode(SaveMode::Overwrite)
                    .await?;
            }
            Step::Optimize => {
                table.optimize().await?;
            }
            Step::Checkpoint => checkpoints::create_checkpoint(&table, None).await?,
        }
        Ok(())
    }

    /// Updates half of the source's rows, inserts the rest.
    async fn merge(&mut self, table: DeltaTable, rows: usize, deletes: bool) -> Result<()> {
        self.next_id -= self.next_id.min(rows as i64 / 2);
        let rows = self.rows(rows);
        let schema = rows.schema();
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        let source = |name: &str| Expr::Column(Column::new(Some("source"), name));
        let target = |name: &str| Column::new(Some("target"), name);
        let frame = SessionContext::new().read_batch(rows.clone())?;
        let on = Expr::Column(target("id")).eq(source("id"));
        let mut merge = table
            .merge(frame, on)
            .with_source_alias("source")
            .with_target_alias("target")
            .when_matched_update(|update| {
                names.iter().fold(update, |update, name| {
                    update.update(target(name), source(name))
                })
            })?
            .when_not_matched_insert(|insert| {
                names.iter().fold(insert, |insert, name| {
                    insert.set(target(name), source(name))
                })
            })?;
        if deletes {
            merge = merge.when_not_matched_by_source_delete(|delete| {
                delete.predicate(Expr::Column(target("id")).lt(lit(5i64)))
            })?;
        }
        merge.await?;
        Ok(())
    }

    fn rows(&mut self, length: usize) -> RecordBatch {
        let end = self.next_id + length as i64;
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(self.next_id..end));
        self.next_id = end;
        let mut columns = vec![("id".to_owned(), ids)];
        for (n, of) in self.partition_by.iter().enumerate() {
            let values = values::partition(&mut self.random, of, length);
            columns.push((partition_name(n), values));
        }
        for (n, of) in self.columns.iter().enumerate() {
            columns.push((column_name(n), values::column(&mut self.random, of, length)));
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
            .collect();
        let columns = columns.into_iter().map(|(_, values)| values).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns that fit")
    }
}

fn chosen(by: i64, rest: i64) -> Expr {
    (named("id") % lit(by)).eq(lit(rest))
}

fn named(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

fn scalar(values: &ArrayRef) -> Result<ScalarValue> {
    ScalarValue::try_from_array(values, 0).context("no value")
}
