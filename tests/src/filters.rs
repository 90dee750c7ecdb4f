//! Random filters over a table's rows, and what they select when nothing can be skipped.

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakeglass::run::rows_of;
use query_engine::Engine;

use crate::random::Random;
use crate::rows::{canonical_rows, difference};

/// A column, or a field of a struct, as SQL names it.
struct Operand {
    sql: String,
    values: ArrayRef,
}

/// Runs `count` random filters with values that are in the table, once as a `WHERE`, which may
/// skip files, row groups and pages, and once as a column of the result, by which nothing can be
/// skipped. Gives how many of them the engine could evaluate.
///
/// # Errors
/// If the two differ, with the filter.
pub async fn check_filters(
    engine: &Engine,
    table: &str,
    random: &mut Random,
    count: usize,
) -> Result<usize> {
    let batches = rows_of(engine, &format!("SELECT * FROM {table}")).await?;
    let Some(first) = batches.first() else {
        return Ok(0);
    };
    let rows = concat_batches(&first.schema(), &batches)?;
    let mut checked = 0;
    for _ in 0..count {
        let Some(filter) = random_filter(random, &rows) else {
            continue;
        };
        let unskipped = format!("SELECT ({filter}) AS lakeglass_keep, * FROM {table}");
        let skipping = format!("SELECT * FROM {table} WHERE {filter}");
        let kept = rows_of(engine, &unskipped).await;
        match (kept, rows_of(engine, &skipping).await) {
            (Ok(kept), Ok(found)) => {
                let kept = kept.iter().map(keep).collect::<Result<Vec<_>>>()?;
                let (kept, found) = (canonical_rows(&kept)?, canonical_rows(&found)?);
                let differing = difference(&found, &kept);
                ensure!(
                    differing.is_none(),
                    "WHERE {filter}\nfound and should have: {}",
                    differing.unwrap_or_default()
                );
                checked += 1;
            }
            // A value that does not fit, say: a filter that skips all files may never notice.
            (Err(_), _) => {}
            (Ok(_), Err(error)) => return Err(error).context(skipping),
        }
    }
    Ok(checked)
}

/// The rows whose first column is true, without it.
fn keep(batch: &RecordBatch) -> Result<RecordBatch> {
    let mask: BooleanArray = cast(batch.column(0), &DataType::Boolean)?
        .as_boolean()
        .iter()
        .map(|keep| Some(keep == Some(true)))
        .collect();
    let rest: Vec<usize> = (1..batch.num_columns()).collect();
    Ok(filter_record_batch(&batch.project(&rest)?, &mask)?)
}

/// `None` where the table has no column that can be compared.
fn random_filter(random: &mut Random, rows: &RecordBatch) -> Option<String> {
    let operands = operands(rows);
    if operands.is_empty() || rows.num_rows() == 0 {
        return None;
    }
    let first = comparison(random, &operands)?;
    Some(match random.below(6) {
        0 => format!("NOT ({first})"),
        1 => format!("({first}) AND ({})", comparison(random, &operands)?),
        2 => format!("({first}) OR ({})", comparison(random, &operands)?),
        3 => format!("NOT (({first}) OR ({}))", comparison(random, &operands)?),
        _ => first,
    })
}

fn operands(rows: &RecordBatch) -> Vec<Operand> {
    let mut operands = Vec::new();
    for (field, values) in rows.schema().fields().iter().zip(rows.columns()) {
        let name = quoted_name(field.name());
        match field.data_type() {
            DataType::Struct(fields) => {
                let columns = values.as_struct().columns();
                for (field, values) in fields.iter().zip(columns) {
                    operands.push(Operand {
                        sql: format!("{name}.{}", quoted_name(field.name())),
                        values: values.clone(),
                    });
                }
            }
            _ => operands.push(Operand {
                sql: name,
                values: values.clone(),
            }),
        }
    }
    operands
}

fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn comparison(random: &mut Random, operands: &[Operand]) -> Option<String> {
    // Nearly always there is one that has a literal.
    for _ in 0..16 {
        let Operand { sql, values } = random.pick(operands);
        if random.one_in(8) {
            return Some(match random.below(2) {
                0 => format!("{sql} IS NULL"),
                _ => format!("{sql} IS NOT NULL"),
            });
        }
        let mut literals: Vec<String> = Vec::new();
        for _ in 0..24 {
            if literals.len() < 3 {
                literals.extend(literal(values, random.below(values.len())));
            }
        }
        let [a, b, c] = literals.as_slice() else {
            continue;
        };
        let text = matches!(
            values.data_type(),
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
        );
        return Some(match random.below(12) {
            0 => format!("{sql} IN ({a}, {b}, {c})"),
            1 => format!("{sql} NOT IN ({a}, {b})"),
            2 => format!("{sql} IN ({a}, NULL)"),
            3 => format!("{sql} BETWEEN {a} AND {b}"),
            4 if text => format!("{sql} LIKE concat(substr({a}, 1, 2), '%')"),
            5 => format!("{a} < {sql}"),
            6 => format!("CASE WHEN {sql} > {a} THEN {sql} < {b} ELSE {sql} <> {c} END"),
            _ => {
                let operator = random.pick(&["=", "<>", "<", "<=", ">", ">=", "<=>"]);
                format!("{sql} {operator} {a}")
            }
        });
    }
    None
}

/// A value as Spark's SQL spells it.
fn literal(values: &ArrayRef, row: usize) -> Option<String> {
    if values.is_null(row) {
        return None;
    }
    let options = FormatOptions::new()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.6f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.6f"));
    let text = ArrayFormatter::try_new(values, &options).ok()?;
    let text = text.value(row).try_to_string().ok()?;
    // A year of four digits: others have no literal.
    let dated = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    match values.data_type() {
        DataType::Boolean => Some(text),
        DataType::Int8 => Some(format!("CAST('{text}' AS TINYINT)")),
        DataType::Int16 => Some(format!("CAST('{text}' AS SMALLINT)")),
        DataType::Int32 => Some(text),
        DataType::Int64 => Some(format!("CAST('{text}' AS BIGINT)")),
        DataType::Float32 => Some(format!("CAST('{text}' AS FLOAT)")),
        DataType::Float64 => Some(format!("CAST('{text}' AS DOUBLE)")),
        DataType::Decimal128(precision, scale) => {
            Some(format!("CAST('{text}' AS DECIMAL({precision}, {scale}))"))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
            Some(format!("'{escaped}'"))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            Some(format!("X'{text}'"))
        }
        DataType::Date32 if dated => Some(format!("DATE'{text}'")),
        DataType::Timestamp(_, Some(_)) if dated => Some(format!("TIMESTAMP'{text}'")),
        DataType::Timestamp(_, None) if dated => Some(format!("CAST('{text}' AS TIMESTAMP_NTZ)")),
        _ => None,
    }
}
