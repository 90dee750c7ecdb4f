//! `SHOW CREATE TABLE`: a statement that makes such a table.

use std::fmt::Write;

use delta_log::schema::{DataType, StructField, StructType};
use delta_log::{Snapshot, Table};
use serde_json::Value;
use spark_dialect::TableName;

const CONSTRAINT: &str = "delta.constraints.";

/// The table feature that defaults need.
const DEFAULTS: &str = "allowColumnDefaults";

/// Properties that follow from others, and are not set.
const DERIVED: [&str; 2] = [
    "delta.columnMapping.maxColumnId",
    "delta.inCommitTimestampEnablement",
];

/// The statement. What a CREATE TABLE can't say comes after it, as comments.
pub(crate) fn show_create(name: &TableName, table: &Table, snapshot: &Snapshot) -> String {
    let metadata = snapshot.metadata();
    let columns: Vec<String> = snapshot.schema().fields().iter().map(column).collect();
    let mut text = format!(
        "CREATE TABLE {name} (\n  {})\nUSING delta",
        columns.join(",\n  ")
    );
    // Writing into a text does not fail.
    let partitions = snapshot.partition_columns();
    if !partitions.is_empty() {
        let names: Vec<String> = partitions.iter().map(|name| quoted(name)).collect();
        let _ = write!(text, "\nPARTITIONED BY ({})", names.join(", "));
    }
    if let Some(comment) = &metadata.description {
        let _ = write!(text, "\nCOMMENT {}", literal(comment));
    }
    if let TableName::Name { .. } = name {
        let _ = write!(text, "\nLOCATION {}", literal(&table.location));
    }
    let settable = metadata.configuration.iter().filter(|(key, _)| {
        let is_derived = DERIVED.iter().any(|derived| key.starts_with(derived));
        !key.starts_with(CONSTRAINT) && !is_derived
    });
    let mut properties: Vec<String> = settable
        .map(|(key, value)| format!("{} = {}", literal(key), literal(value)))
        .collect();
    // Other features follow from what the statement says; this one has to be asked for.
    let features = &snapshot.protocol().writer_features;
    if features.iter().flatten().any(|name| name == DEFAULTS) {
        properties.push(format!("'delta.feature.{DEFAULTS}' = 'supported'"));
    }
    if !properties.is_empty() {
        let _ = write!(text, "\nTBLPROPERTIES (\n  {})", properties.join(",\n  "));
    }
    for (key, condition) in &metadata.configuration {
        if let Some(constraint) = key.strip_prefix(CONSTRAINT) {
            let condition = condition.replace('\n', " ");
            let _ = write!(
                text,
                "\n-- ALTER TABLE {name} ADD CONSTRAINT {} CHECK ({condition});",
                quoted(constraint)
            );
        }
    }
    text
}

fn column(field: &StructField) -> String {
    let mut text = format!("{} {}", quoted(&field.name), sql_type(&field.data_type));
    if !field.nullable {
        text.push_str(" NOT NULL");
    }
    if let Some(value) = unsaid_value(field) {
        text.push(' ');
        text.push_str(&value);
    }
    if let Some(comment) = field.comment() {
        text.push_str(" COMMENT ");
        text.push_str(&literal(comment));
    }
    text
}

/// The clause that gives a column its value where a statement says nothing of it.
fn unsaid_value(field: &StructField) -> Option<String> {
    let text = |key: &str| field.metadata.get(key)?.as_str();
    let number = |key: &str| field.metadata.get(key)?.as_i64();
    // A comment at the end of an expression must not take in what follows.
    let end = |text: &str| if text.contains("--") { "\n" } else { "" };
    if let Some(default) = text("CURRENT_DEFAULT") {
        return Some(format!("DEFAULT {default}{}", end(default)));
    }
    if let Some(generation) = text("delta.generationExpression") {
        return Some(format!(
            "GENERATED ALWAYS AS ({generation}{})",
            end(generation)
        ));
    }
    let start = number("delta.identity.start")?;
    let step = number("delta.identity.step").unwrap_or(1);
    let explicit = field.metadata.get("delta.identity.allowExplicitInsert");
    let by = match explicit.and_then(Value::as_bool) {
        Some(true) => "BY DEFAULT",
        Some(false) | None => "ALWAYS",
    };
    Some(format!(
        "GENERATED {by} AS IDENTITY (START WITH {start} INCREMENT BY {step})"
    ))
}

fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(fields) => format!("STRUCT<{}>", struct_fields(fields)),
        DataType::Array { element, .. } => format!("ARRAY<{}>", sql_type(element)),
        DataType::Map { key, value, .. } => {
            format!("MAP<{}, {}>", sql_type(key), sql_type(value))
        }
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz
        | DataType::Void
        | DataType::Variant => data_type.to_string().to_uppercase(),
    }
}

fn struct_fields(fields: &StructType) -> String {
    let fields = fields.fields().iter().map(|field| {
        let required = if field.nullable { "" } else { " NOT NULL" };
        format!(
            "{}: {}{required}",
            quoted(&field.name),
            sql_type(&field.data_type)
        )
    });
    fields.collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    let mut chars = name.chars();
    let is_plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    match is_plain {
        true => name.to_owned(),
        false => format!("`{}`", name.replace('`', "``")),
    }
}

fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}
