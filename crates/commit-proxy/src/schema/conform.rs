//! Rows, by column name, into a table's schema.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use messages::{ColumnProblem, Error};

use super::cast::{CastError, find};
use super::{checked_cast, display_value, is_castable, spark_type};

/// How to fit rows into a table.
pub(crate) struct Conform<'a> {
    /// The table's columns; `None` where the rows make the table.
    pub table: Option<&'a Schema>,
    /// Whether columns that the table lacks are added to it.
    pub merge_schema: bool,
    /// Columns that may be absent from the rows although they can't be null: the writer computes
    /// them.
    pub computed: &'a [String],
}

/// The rows in the table's columns and types, new columns last; or every column that does not fit.
///
/// Columns match by name, ignoring case. Columns that the rows lack become null.
pub(crate) fn conform(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    how: &Conform<'_>,
) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
    let mut problems = Problems::default();
    check_names(schema.fields(), &mut problems);
    let targets = targets(schema, how, &mut problems);
    problems.refuse_if_any()?;

    let target_schema = Arc::new(Schema::new(
        targets.iter().map(|t| t.field.clone()).collect::<Vec<_>>(),
    ));
    let mut conformed = Vec::with_capacity(batches.len());
    let mut first_row = 0;
    for batch in batches {
        let mut columns = Vec::with_capacity(targets.len());
        for target in &targets {
            columns.push(target.column(batch, first_row, &mut problems));
        }
        if problems.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            conformed.push(
                RecordBatch::try_new_with_options(Arc::clone(&target_schema), columns, &options)
                    .map_err(|e| Error::new("INVALID_SOURCE", e.to_string()))?,
            );
        }
        first_row += batch.num_rows();
    }
    problems.refuse_if_any()?;
    Ok((target_schema, conformed))
}

/// A column to be, and the source's column that fills it.
struct Target {
    field: Arc<Field>,
    source: Option<usize>,
}

fn targets(schema: &SchemaRef, how: &Conform<'_>, problems: &mut Problems) -> Vec<Target> {
    let mut targets = Vec::new();
    let known = how
        .table
        .map_or_else(Fields::empty, |table| table.fields().clone());
    for field in &known {
        let source = find(schema.fields(), field.name());
        match source {
            Some((_, source)) => check_types(field.name(), source, field, how, problems),
            None if how.computed.contains(field.name()) => continue,
            None if !field.is_nullable() => problems.add(
                Kind::Null,
                field.name(),
                format!("{} not null", spark_type(field.data_type())),
                "no such column".into(),
            ),
            None => {}
        }
        let field = match source {
            Some((_, source)) if how.merge_schema => widen(field, source),
            _ => Arc::clone(field),
        };
        targets.push(Target {
            field,
            source: source.map(|(index, _)| index),
        });
    }
    for (index, field) in schema.fields().iter().enumerate() {
        if find(&known, field.name()).is_some() {
            continue;
        }
        if how.table.is_some() && !how.merge_schema {
            problems.add(
                Kind::Unknown,
                field.name(),
                "not in the table".into(),
                spark_type(field.data_type()),
            );
            continue;
        }
        match storable(field.data_type()) {
            Ok(data_type) => targets.push(Target {
                field: Arc::new(Field::new(field.name(), data_type, true)),
                source: Some(index),
            }),
            Err(expected) => problems.add(
                Kind::Type,
                field.name(),
                expected.into(),
                spark_type(field.data_type()),
            ),
        }
    }
    targets
}

impl Target {
    fn column(&self, batch: &RecordBatch, first_row: usize, problems: &mut Problems) -> ArrayRef {
        let data_type = self.field.data_type();
        let missing = || new_null_array(data_type, batch.num_rows());
        let Some(source) = self.source.map(|index| batch.column(index)) else {
            return missing();
        };
        let in_row = |row: usize| {
            format!(
                "{} {} in row {}",
                spark_type(source.data_type()),
                display_value(source, row),
                first_row + row + 1
            )
        };
        let column = match checked_cast(source, data_type) {
            Ok(column) => column,
            Err(CastError::Misfit(misfit)) => {
                let kind = if misfit.overflow {
                    Kind::Overflow
                } else {
                    Kind::Malformed
                };
                problems.add(
                    kind,
                    self.field.name(),
                    spark_type(data_type),
                    in_row(misfit.row),
                );
                return missing();
            }
            Err(CastError::Arrow(error)) => {
                problems.add(
                    Kind::Type,
                    self.field.name(),
                    spark_type(data_type),
                    error.to_string(),
                );
                return missing();
            }
        };
        if !self.field.is_nullable()
            && let Some(row) = (0..column.len()).find(|row| column.is_null(*row))
        {
            let expected = format!("{} not null", spark_type(data_type));
            problems.add(
                Kind::Null,
                self.field.name(),
                expected,
                format!("NULL in row {}", first_row + row + 1),
            );
        }
        column
    }
}

/// Two columns of one name, or a name that no file could carry.
fn check_names(fields: &Fields, problems: &mut Problems) {
    for (index, field) in fields.iter().enumerate() {
        let lower = field.name().to_lowercase();
        if fields
            .iter()
            .take(index)
            .any(|other| other.name().to_lowercase() == lower)
        {
            problems.add(
                Kind::Duplicate,
                field.name(),
                "one column of this name".into(),
                "more than one, names differing in case at most".into(),
            );
        }
        if let Some(c) = field.name().chars().find(|c| " ,;{}()\n\t=".contains(*c)) {
            problems.add(
                Kind::Name,
                field.name(),
                "a name without any of ' ,;{}()=', tab and newline".into(),
                format!("{c:?} in it"),
            );
        }
        if field.name().is_empty() {
            problems.add(Kind::Name, "", "a name".into(), "an empty one".into());
        }
    }
}

fn check_types(
    column: &str,
    source: &Field,
    target: &Field,
    how: &Conform<'_>,
    problems: &mut Problems,
) {
    let (from, to) = (source.data_type(), target.data_type());
    if let (DataType::Struct(from), DataType::Struct(to)) = (from, to) {
        for field in from {
            let name = format!("{column}.{}", field.name());
            match find(to, field.name()) {
                Some((_, inner)) => check_types(&name, field, inner, how, problems),
                None if how.merge_schema => {}
                None => problems.add(
                    Kind::Unknown,
                    &name,
                    "not in the table".into(),
                    spark_type(field.data_type()),
                ),
            }
        }
    } else if !is_castable(from, to) {
        problems.add(Kind::Type, column, spark_type(to), spark_type(from));
    }
}

/// The table's field with the fields that a struct of the source adds.
pub(crate) fn widen(field: &Arc<Field>, source: &Field) -> Arc<Field> {
    let (DataType::Struct(known), DataType::Struct(new)) = (field.data_type(), source.data_type())
    else {
        return Arc::clone(field);
    };
    let mut fields: Vec<Arc<Field>> = known
        .iter()
        .map(|field| match find(new, field.name()) {
            Some((_, source)) => widen(field, source),
            None => Arc::clone(field),
        })
        .collect();
    for field in new {
        if find(known, field.name()).is_none()
            && let Ok(data_type) = storable(field.data_type())
        {
            fields.push(Arc::new(Field::new(field.name(), data_type, true)));
        }
    }
    Arc::new(
        field
            .as_ref()
            .clone()
            .with_data_type(DataType::Struct(fields.into())),
    )
}

/// The type in which a new column is stored: Delta's own types, one way of writing each. Timestamps
/// have microseconds, text and binary the plain layout. Nothing is required not to be null.
pub(crate) fn storable(data_type: &DataType) -> Result<DataType, &'static str> {
    let element = |field: &Field| -> Result<Arc<Field>, &'static str> {
        Ok(Arc::new(Field::new(
            "element",
            storable(field.data_type())?,
            true,
        )))
    };
    Ok(match data_type {
        DataType::Null => return Err("a type: CAST(NULL AS …)"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => data_type.clone(),
        DataType::Date64 => DataType::Date32,
        DataType::Float16 => DataType::Float32,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        // Counts and lengths come unsigned from the engine; a larger one is refused by value.
        DataType::UInt64 => DataType::Int64,
        DataType::Timestamp(_, Some(_)) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *precision <= 38 && *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => storable(values)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(element(item)?)
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| {
                    Ok(Arc::new(Field::new(
                        f.name(),
                        storable(f.data_type())?,
                        true,
                    )))
                })
                .collect::<Result<Vec<_>, &'static str>>()?
                .into(),
        ),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let key = Field::new("key", storable(pair[0].data_type())?, false);
                let value = Field::new("value", storable(pair[1].data_type())?, true);
                let entries = DataType::Struct(vec![key, value].into());
                DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
            }
            _ => return Err("a type that Delta tables have"),
        },
        _ => return Err("a type that Delta tables have"),
    })
}

/// What kind of problem, in the order in which one of them gives the error its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Duplicate,
    Name,
    Unknown,
    Type,
    Malformed,
    Overflow,
    Null,
}

#[derive(Debug, Default)]
struct Problems(Vec<(Kind, ColumnProblem)>);

impl Problems {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each column is blamed once, for the first thing found.
    fn add(&mut self, kind: Kind, column: &str, expected: String, actual: String) {
        if !self.0.iter().any(|(_, known)| known.column == column) {
            let column = column.to_owned();
            self.0.push((
                kind,
                ColumnProblem {
                    column,
                    expected,
                    actual,
                },
            ));
        }
    }

    fn refuse_if_any(&mut self) -> Result<(), Error> {
        let Some(worst) = self.0.iter().map(|(kind, _)| *kind).min() else {
            return Ok(());
        };
        let columns: Vec<ColumnProblem> = self.0.drain(..).map(|(_, problem)| problem).collect();
        let names: Vec<&str> = columns
            .iter()
            .map(|problem| problem.column.as_str())
            .collect();
        let what = match names.as_slice() {
            [one] => format!("column {one} does not fit"),
            many => format!("columns {} do not fit", many.join(", ")),
        };
        let (code, message, hint) = match worst {
            Kind::Duplicate => (
                "COLUMN_ALREADY_EXISTS",
                "a name may occur once",
                "Give each column of the query a name of its own with AS.",
            ),
            Kind::Name => (
                "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
                "a column's name is not allowed",
                "Give the column another name with AS.",
            ),
            Kind::Unknown => (
                "DELTA_METADATA_MISMATCH",
                "the schema of the rows is not that of the table",
                "To add the new columns to the table, write with schema evolution: INSERT WITH SCHEMA EVOLUTION INTO …, or SET spark.databricks.delta.schema.autoMerge.enabled = true before the INSERT. Or add them first with ALTER TABLE … ADD COLUMNS.",
            ),
            Kind::Type => (
                "DELTA_FAILED_TO_MERGE_FIELDS",
                "values of one type can't be stored as the other",
                "Convert the values in the query with CAST.",
            ),
            Kind::Malformed => (
                "CAST_INVALID_INPUT",
                "a value is not written as the column's type asks",
                "Correct the value, or use try_cast to write NULL instead of malformed values.",
            ),
            Kind::Overflow => (
                "CAST_OVERFLOW_IN_TABLE_INSERT",
                "a value is beyond the range of the column's type",
                "Correct the value, or write to a column of a wider type.",
            ),
            Kind::Null => (
                "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
                "a column that must not be null has no value",
                "Give the column a value in every row.",
            ),
        };
        Err(
            Error::new(code, format!("Nothing was written: {message}; {what}."))
                .with_hint(hint)
                .with_columns(columns),
        )
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Float64Array, StringArray};

    use super::*;

    fn table() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("amount", DataType::Float64, true),
            Field::new("note", DataType::Utf8, true),
        ])
    }

    fn rows(columns: Vec<(&str, ArrayRef)>) -> (SchemaRef, Vec<RecordBatch>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        (batch.schema(), vec![batch])
    }

    fn fit(
        rows: &(SchemaRef, Vec<RecordBatch>),
        merge: bool,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let table = table();
        conform(
            &rows.0,
            &rows.1,
            &Conform {
                table: Some(&table),
                merge_schema: merge,
                computed: &[],
            },
        )
    }

    #[test]
    fn every_column_that_does_not_fit_is_named() {
        let rows = rows(vec![
            (
                "amount",
                Arc::new(BooleanArray::from(vec![true])) as ArrayRef,
            ),
            ("is_flagged", Arc::new(BooleanArray::from(vec![true]))),
        ]);
        let error = fit(&rows, false).unwrap_err();
        assert_eq!(error.code, "DELTA_METADATA_MISMATCH");
        let named: Vec<(&str, &str, &str)> = error
            .columns
            .iter()
            .map(|p| (p.column.as_str(), p.expected.as_str(), p.actual.as_str()))
            .collect();
        assert_eq!(
            named,
            [
                ("id", "string not null", "no such column"),
                ("amount", "double", "boolean"),
                ("is_flagged", "not in the table", "boolean"),
            ]
        );
    }

    #[test]
    fn malformed_value_is_named_with_its_row() {
        let rows = rows(vec![
            (
                "ID",
                Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef,
            ),
            (
                "amount",
                Arc::new(StringArray::from(vec!["12.5", "FIVE HUNDRED"])),
            ),
        ]);
        let error = fit(&rows, false).unwrap_err();
        assert_eq!(error.code, "CAST_INVALID_INPUT");
        assert_eq!(error.columns[0].column, "amount");
        assert_eq!(error.columns[0].actual, "string 'FIVE HUNDRED' in row 2");
    }

    #[test]
    fn rows_take_the_tables_order_case_and_types() {
        let rows = rows(vec![
            (
                "AMOUNT",
                Arc::new(StringArray::from(vec!["12.5"])) as ArrayRef,
            ),
            ("Id", Arc::new(StringArray::from(vec!["a"]))),
            ("is_flagged", Arc::new(BooleanArray::from(vec![true]))),
        ]);
        let (schema, batches) = fit(&rows, true).unwrap();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["id", "amount", "note", "is_flagged"]);
        assert_eq!(
            batches[0].column(1).as_ref(),
            &Float64Array::from(vec![12.5])
        );
        assert!(batches[0].column(2).is_null(0));
    }

    #[test]
    fn null_in_a_required_column_is_named_with_its_row() {
        let rows = rows(vec![(
            "id",
            Arc::new(StringArray::from(vec![Some("a"), None])) as ArrayRef,
        )]);
        let error = fit(&rows, false).unwrap_err();
        assert_eq!(error.code, "DELTA_NOT_NULL_CONSTRAINT_VIOLATED");
        assert_eq!(error.columns[0].actual, "NULL in row 2");
    }
}
