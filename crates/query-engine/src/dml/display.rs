//! Values in messages.

use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Characters of a value that a message shows.
const SHOWN: usize = 100;

/// One value for a message, strings in quotes: `'FIVE HUNDRED'`, `12.5`, `NULL`.
pub(crate) fn display_value(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    let options = FormatOptions::default().with_null("NULL");
    let text = ArrayFormatter::try_new(array, &options).map_or_else(
        |error| format!("({error})"),
        |formatter| formatter.value(row).to_string(),
    );
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => format!("'{short}'"),
        _ => short,
    }
}
