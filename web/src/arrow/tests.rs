use std::sync::Arc;

use arrow_array::*;
use arrow_ipc::root_as_message;
use arrow_ipc::writer::StreamWriter;
use cells::{Column as _, cases};

use super::*;

/// The stream in which the engine would send these columns.
pub fn stream(columns: Vec<ArrayRef>) -> Vec<u8> {
    let named = columns.into_iter().enumerate();
    let batch = RecordBatch::try_from_iter_with_nullable(
        named.map(|(i, column)| (format!("c{i}"), column, true)),
    );
    let batch = batch.unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// The column as it arrives.
fn received(array: ArrayRef) -> Column {
    let mut batches = decode(stream(vec![array])).unwrap();
    batches.pop().unwrap().columns.pop().unwrap()
}

fn texts(column: &Column) -> Vec<Option<String>> {
    let rows = 0..column.len;
    rows.map(|row| cells::text(column.value(row))).collect()
}

#[test]
fn each_case_is_written_as_text_and_as_json() {
    for case in cases::all() {
        let column = received(Arc::clone(&case.array));
        assert_eq!(texts(&column), case.texts(), "{}", case.name);
        let json: Vec<_> = (0..column.len)
            .map(|row| {
                let mut out = String::new();
                cells::write_json(&mut out, column.value(row));
                out
            })
            .collect();
        assert_eq!(json, case.json(), "{}", case.name);
    }
}

#[test]
fn all_cases_beside_each_other_are_read_from_their_own_buffers() {
    let cases = cases::all();
    // One row of each.
    let columns = cases.iter().map(|case| case.array.slice(0, 1)).collect();
    let batch = &decode(stream(columns)).unwrap()[0];
    assert_eq!((batch.rows, batch.columns.len()), (1, cases.len()));
    for (case, column) in cases.iter().zip(&batch.columns) {
        assert_eq!(texts(column), case.texts()[..1], "{}", case.name);
    }
}

#[test]
fn columns_of_a_sliced_batch_are_read_from_where_they_start() {
    for case in cases::all() {
        for start in 1..case.array.len() {
            let column = received(case.array.slice(start, case.array.len() - start));
            assert_eq!(
                texts(&column),
                case.texts()[start..],
                "{} {start}",
                case.name
            );
        }
    }
}

#[test]
fn column_without_rows_is_read() {
    for case in cases::all() {
        assert_eq!(received(case.array.slice(0, 0)).len, 0, "{}", case.name);
    }
}

#[test]
fn types_that_results_lack_are_refused_by_name() {
    let dictionary = &cases::unsupported()[0];
    let error = decode(stream(vec![Arc::clone(dictionary)])).unwrap_err();
    assert!(error.message.contains("DictionaryBatch"), "{error}");
    for array in cases::unsupported() {
        let name = array.data_type().to_string();
        let error = decode(stream(vec![array])).expect_err(&name);
        assert_eq!(error.code, "RESULT_UNREADABLE", "{name}");
    }
}

/// Positions between two messages of a stream, where it may end.
fn message_ends(bytes: &[u8]) -> Vec<usize> {
    let all: Arc<[u8]> = bytes.into();
    let mut frames = Frames::new(&all);
    let mut ends = Vec::new();
    while let Some(metadata) = frames.metadata().unwrap() {
        let body = root_as_message(metadata).unwrap().bodyLength();
        frames.body(body).unwrap();
        ends.push(frames.position());
    }
    ends
}

#[test]
fn stream_cut_short_is_an_error() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<types::Int32Type, _, _>(
        vec![Some(vec![Some(1), None]), None],
    ));
    let bytes = stream(vec![texts, lists]);
    let mut ends = message_ends(&bytes);
    // The schema, and the batch; behind it eight bytes that say that the stream ends.
    assert_eq!(ends.len(), 2);
    assert_eq!(ends[1] + 8, bytes.len());
    ends.push(bytes.len());
    for end in 1..=bytes.len() {
        let result = decode(bytes[..end].to_vec());
        if ends.contains(&end) {
            assert!(result.is_ok(), "{end}");
        } else {
            assert!(
                result.is_err_and(|e| e.code == "RESULT_UNREADABLE"),
                "{end}"
            );
        }
    }
}

#[test]
fn stream_that_is_spoiled_is_no_panic() {
    let columns = cases::all().into_iter().map(|case| case.array.slice(0, 1));
    let bytes = stream(columns.collect());
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= bit;
            // Either it is noticed, or every row can be read all the same.
            for batch in decode(spoiled).into_iter().flatten() {
                for column in &batch.columns {
                    (0..column.len.min(8)).for_each(|row| drop(cells::text(column.value(row))));
                }
            }
        }
    }
}
