//! Other types for columns.
//!
//! Protocol: [Type Widening](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#type-widening)

use delta_log::Snapshot;
use delta_log::schema::{DataType, StructField, StructType, widens};
use messages::Error;
use serde_json::{Value, json};

const WIDENING: &str = "delta.enableTypeWidening";

/// The metadata of a column that has had other types.
const CHANGES: &str = "delta.typeChanges";

/// The feature's name before it was final, under which changes are written otherwise.
const PREVIEW: &str = "typeWidening-preview";

/// The type that a statement gives.
///
/// # Errors
/// `UNSUPPORTED_DATATYPE`.
pub(crate) fn changed_type(column: &str, data_type: &Value) -> Result<DataType, Error> {
    let field = json!({"name": column, "type": data_type, "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [field]}).to_string();
    let schema = StructType::from_json(&schema)
        .map_err(|error| Error::new("UNSUPPORTED_DATATYPE", format!("{error}.")))?;
    let field = schema.fields().first();
    let data_type = field.map(|field| field.data_type.clone());
    data_type.ok_or_else(|| Error::new("INTERNAL_ERROR", "A type is missing."))
}

/// The field with a wider type, and the note of it that readers need.
///
/// # Errors
/// `DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP`.
pub(crate) fn widened(
    snapshot: &Snapshot,
    column: &str,
    field: &StructField,
    data_type: DataType,
) -> Result<StructField, Error> {
    let (before, after) = (&field.data_type, &data_type);
    let refused = |why: &str, hint: &str| {
        let message = format!("{column} can't change from {before} to {after}: {why}.");
        Err(Error::new("DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP", message).with_hint(hint))
    };
    const ANEW: &str =
        "CREATE OR REPLACE TABLE t AS SELECT CAST(…) … makes a table with another type.";
    if !widens(before, after) {
        return refused("files would have values that are none of it", ANEW);
    }
    if !snapshot.metadata().is_enabled(WIDENING) {
        let hint = format!(
            "Allow it first: ALTER TABLE … SET TBLPROPERTIES ('{WIDENING}' = 'true'). Readers have to know of it then."
        );
        return refused("the table does not allow types to be widened", &hint);
    }
    let protocol = snapshot.protocol();
    let mut features = protocol.writer_features.iter().flatten();
    if features.any(|feature| feature == PREVIEW) {
        return refused(
            "the table has type widening as it was before it was final",
            "Change the type in Spark.",
        );
    }
    let mut changes = match field.metadata.get(CHANGES) {
        Some(Value::Array(changes)) => changes.clone(),
        Some(_) | None => Vec::new(),
    };
    changes.push(json!({"fromType": before.to_json(), "toType": after.to_json()}));
    let mut field = field.clone();
    field
        .metadata
        .insert(CHANGES.to_owned(), Value::Array(changes));
    field.data_type = data_type;
    Ok(field)
}
