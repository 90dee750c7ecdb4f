use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use messages::Error;
use serde_json::json;

use super::*;

mod alter;
mod defaults;
mod guide;
mod names;
mod queries;
mod refusals;
mod robustness;
mod rows;
mod writes;

const DIM: &str = "delta.`s3a://curated-data-bucket/financial_transactions_dim`";
const RAW: &str = "delta.`s3a://raw-data-bucket/financial_data_delta`";

fn parse(sql: &str) -> Vec<ParsedStatement> {
    parse_script(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

fn parse_one(sql: &str) -> StatementKind {
    let mut statements = parse(sql);
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0).kind
}

fn refusal(sql: &str) -> Error {
    match parse_script(sql) {
        Ok(statements) => panic!("{sql}\nis not refused: {statements:?}"),
        Err(error) => error,
    }
}

fn query(sql: &str) -> Query {
    match parse_one(sql) {
        StatementKind::Query(query) => query,
        other => panic!("{sql}\n{other:?}"),
    }
}

fn write(sql: &str) -> Write {
    match parse_one(sql) {
        StatementKind::Write(write) => *write,
        other => panic!("{sql}\n{other:?}"),
    }
}

fn merge(sql: &str) -> Box<Merge> {
    match write(sql).operation {
        WriteOperation::Merge(merge) => merge,
        other => panic!("{sql}\n{other:?}"),
    }
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .iter()
            .map(|(name, data_type)| Field::new(*name, data_type.clone(), true))
            .collect::<Vec<_>>(),
    ))
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The dimension of the guide.
fn dimension() -> SchemaRef {
    let string = |name| (name, DataType::Utf8);
    schema(&[
        string("transaction_id"),
        string("date"),
        string("account_id"),
        ("amount", DataType::Float64),
        string("currency"),
        string("type"),
    ])
}

/// The resolved query as SQL, over tables with these schemas.
fn resolved(sql: &str, schemas: &[SchemaRef]) -> String {
    try_resolve(sql, schemas).unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

fn try_resolve(sql: &str, schemas: &[SchemaRef]) -> Result<String, Error> {
    let query = query(sql);
    assert_eq!(query.references.len(), schemas.len(), "{sql}");
    let schemas: HashMap<_, _> = query
        .references
        .iter()
        .map(|r| r.placeholder.clone())
        .zip(schemas.iter().cloned())
        .collect();
    let statement = query.resolve(&|placeholder| schemas.get(placeholder).cloned())?;
    Ok(statement.to_string())
}
