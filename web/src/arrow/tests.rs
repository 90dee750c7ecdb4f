use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::*;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Fields};

use super::*;

/// What the engine would send of these columns.
pub fn stream(columns: Vec<ArrayRef>) -> Vec<u8> {
    let named = columns.into_iter().enumerate();
    let batch = RecordBatch::try_from_iter(named.map(|(i, column)| (format!("c{i}"), column)));
    let batch = batch.unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// The column as it arrives.
pub fn received(array: impl Array + 'static) -> Column {
    let mut batches = decode(stream(vec![Arc::new(array)])).unwrap();
    batches.pop().unwrap().columns.pop().unwrap()
}

#[test]
fn columns_of_a_sliced_batch_are_read_from_where_they_start() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        None,
        Some("ccc"),
        Some(""),
    ]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true, false]));
    let batch = &decode(stream(vec![texts.slice(1, 3), flags.slice(1, 3)])).unwrap()[0];
    assert_eq!(batch.rows, 3);
    let [texts, flags] = batch.columns.as_slice() else {
        panic!("two columns")
    };
    assert_eq!(texts.value(0), Value::Null);
    assert_eq!(texts.value(1), Value::Text("ccc"));
    assert_eq!(texts.value(2), Value::Text(""));
    assert_eq!(flags.value(1), Value::Bool(true));
}

#[test]
fn nested_columns_keep_their_nulls_apart_from_their_parents() {
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    lists.append_value([Some("a text longer than a view holds"), None]);
    lists.append_null();
    lists.append_value([Some("x")]);
    let fields = Fields::from(vec![Field::new("n", DataType::Int64, true)]);
    let numbers = Arc::new(UInt64Array::from(vec![u64::MAX, 1, 2]));
    let structs = StructArray::new(
        fields,
        vec![Arc::new(Int64Array::from(vec![Some(1), Some(2), None]))],
        Some(vec![true, false, true].into()),
    );
    let columns: Vec<ArrayRef> = vec![Arc::new(lists.finish()), Arc::new(structs), numbers];
    let batch = &decode(stream(columns)).unwrap()[0];
    let [lists, structs, numbers] = batch.columns.as_slice() else {
        panic!("three columns")
    };
    let Value::List(items, range) = lists.value(0) else {
        panic!("a list")
    };
    assert_eq!(range, 0..2);
    assert_eq!(
        items.value(0),
        Value::Text("a text longer than a view holds")
    );
    assert_eq!(items.value(1), Value::Null);
    assert_eq!(lists.value(1), Value::Null);
    assert_eq!(structs.value(1), Value::Null);
    let Value::Struct(fields, row) = structs.value(2) else {
        panic!("a struct")
    };
    assert_eq!(fields[0].value(row), Value::Null);
    let value = i128::from(u64::MAX);
    assert_eq!(
        numbers.value(0),
        Value::Int {
            value,
            is_wide: true
        }
    );
}

#[test]
fn batch_without_rows_or_columns_is_read() {
    let empty = received(StringArray::from(Vec::<&str>::new()));
    assert_eq!(empty.len, 0);
}

#[test]
fn stream_cut_short_or_spoiled_is_an_error_not_a_panic() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<types::Int32Type, _, _>(
        vec![Some(vec![Some(1), None]), None],
    ));
    let bytes = stream(vec![texts, lists]);
    for end in 1..bytes.len() - 8 {
        let result = decode(bytes[..end].to_vec());
        // A stream may also end between two messages.
        assert!(
            result.is_err_and(|e| e.code == "RESULT_UNREADABLE") || end % 8 == 0,
            "{end}"
        );
    }
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= bit;
            // Either it is noticed, or every row can be read all the same.
            for batch in decode(spoiled).into_iter().flatten() {
                for column in &batch.columns {
                    (0..column.len.min(8)).for_each(|row| drop(crate::cells::text(column, row)));
                }
            }
        }
    }
}

#[test]
fn types_that_results_lack_are_refused_by_name() {
    let dictionary: DictionaryArray<types::Int32Type> = vec!["a", "b"].into_iter().collect();
    let error = decode(stream(vec![Arc::new(dictionary)])).unwrap_err();
    assert!(error.message.contains("dictionary") || error.message.contains("Dictionary"));
}
