//! Schema evolution: the columns that rows bring to a table.

use arrow::datatypes::DataType as ArrowType;
use delta_log::schema::{DataType, StructField, StructType};
use delta_log::{ColumnMapping, Snapshot};
use messages::{ColumnProblem, Error};
use spark_dialect::type_name;

use crate::dml::conform::cast::find_named;
use crate::dml::conform::column_names::check_column_name;

/// The table's columns with those that `given` adds, last; fields that a struct brings are added to the
/// table's. What the table has stays as it is, whatever the type of what is given.
///
/// Field ids and physical names of column mapping are the transaction's to assign.
///
/// # Errors
/// `DELTA_FAILED_TO_MERGE_FIELDS` for a type that tables do not have,
/// `DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES` for a name that files cannot have.
pub(crate) fn evolved<'a>(
    snapshot: &Snapshot,
    given: impl Iterator<Item = (&'a str, &'a ArrowType)>,
) -> Result<StructType, Error> {
    let any_name = snapshot.column_mapping() != ColumnMapping::None;
    let mut fields = snapshot.schema().fields().to_vec();
    for (name, data_type) in given {
        add(&mut fields, "", (name, data_type), any_name)?;
    }
    Ok(StructType::new(fields))
}

/// The columns of a new table for rows of these.
///
/// # Errors
/// Those of [`evolved`].
pub(crate) fn created<'a>(
    given: impl Iterator<Item = (&'a str, &'a ArrowType)>,
    any_name: bool,
) -> Result<StructType, Error> {
    let mut fields = Vec::new();
    for column in given {
        add(&mut fields, "", column, any_name)?;
    }
    Ok(StructType::new(fields))
}

fn add(
    fields: &mut Vec<StructField>,
    within: &str,
    (name, given): (&str, &ArrowType),
    any_name: bool,
) -> Result<(), Error> {
    let path = format!("{within}{name}");
    let names = fields.iter().map(|field| field.name.as_str());
    if let Some(known) = find_named(names, name) {
        return match fields.get_mut(known) {
            Some(field) => widen(&mut field.data_type, &path, given, any_name),
            None => Ok(()),
        };
    }
    check_column_name(name, any_name)?;
    let data_type = new_type(&path, given, any_name)?;
    fields.push(StructField::new(name, data_type, true));
    Ok(())
}

/// Adds the fields that structs of `given` have beyond those of `known`.
fn widen(known: &mut DataType, path: &str, given: &ArrowType, any_name: bool) -> Result<(), Error> {
    match (known, given) {
        (DataType::Struct(known), ArrowType::Struct(given)) => {
            let mut fields = known.fields().to_vec();
            for field in given {
                let column = (field.name().as_str(), field.data_type());
                add(&mut fields, &format!("{path}."), column, any_name)?;
            }
            *known = StructType::new(fields);
            Ok(())
        }
        (DataType::Array { element, .. }, ArrowType::List(given)) => {
            widen(element, path, given.data_type(), any_name)
        }
        _ => Ok(()),
    }
}

/// The type in which a new column is stored. Nothing of it is required not to be null.
fn new_type(path: &str, given: &ArrowType, any_name: bool) -> Result<DataType, Error> {
    let refused = |expected: &str| {
        let given = type_name(given);
        let problem = ColumnProblem {
            column: path.to_owned(),
            expected: expected.to_owned(),
            actual: given.clone(),
        };
        Error::new(
            "DELTA_FAILED_TO_MERGE_FIELDS",
            format!("Nothing was written: a new column {path} cannot be a {given}."),
        )
        .with_hint("Give it another type with CAST.")
        .with_columns(vec![problem])
    };
    let inner = |given: &ArrowType| new_type(path, given, any_name).map(Box::new);
    Ok(match given {
        ArrowType::Struct(fields) => {
            let mut new = Vec::with_capacity(fields.len());
            for field in fields {
                let column = (field.name().as_str(), field.data_type());
                add(&mut new, &format!("{path}."), column, any_name)?;
            }
            DataType::Struct(StructType::new(new))
        }
        ArrowType::List(element) => DataType::Array {
            element: inner(element.data_type())?,
            contains_null: true,
        },
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(pair) if pair.len() == 2 => DataType::Map {
                key: inner(pair[0].data_type())?,
                value: inner(pair[1].data_type())?,
                value_contains_null: true,
            },
            _ => return Err(refused("a type that Delta tables have")),
        },
        // A count, which the engine answers as a bigint.
        ArrowType::UInt64 => DataType::Long,
        other => match DataType::from_arrow(other) {
            Some(DataType::Void) => return Err(refused("a type: CAST(NULL AS …)")),
            Some(data_type) => data_type,
            None => return Err(refused("a type that Delta tables have")),
        },
    })
}
