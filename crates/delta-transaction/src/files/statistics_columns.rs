//! Which columns of data files have statistics.

use delta_log::schema::{DataType, StructField};

/// Selection of the columns with statistics, in the layout of the data files' fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// A column whose values are counted and, where its type has bounds, compared.
    Leaf,
    /// Fields of a struct: the position of each among those of the file, and what is selected of it.
    Fields(Vec<(usize, Selection)>),
}

/// Rule that selects columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// This many leaf columns in the order of the schema, fields of structs included; all for `None`.
    First(Option<usize>),
    /// These columns, by the path of names to each, in any case. A struct stands for all of its fields.
    Named(Vec<Vec<String>>),
}

/// The selection among columns of data files, which void ones are not.
pub(crate) fn select<'a>(columns: impl Iterator<Item = &'a StructField>, rule: &Rule) -> Selection {
    let columns: Vec<&StructField> = columns.collect();
    match rule {
        Rule::First(count) => first(&columns, &mut count.unwrap_or(usize::MAX)),
        Rule::Named(paths) => {
            let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
            named(&columns, &paths)
        }
    }
}

fn stored<'a>(columns: &[&'a StructField]) -> impl Iterator<Item = (usize, &'a StructField)> {
    let stored = columns.iter().copied();
    stored
        .filter(|column| column.data_type != DataType::Void)
        .enumerate()
}

fn children(column: &StructField) -> Option<Vec<&StructField>> {
    match &column.data_type {
        DataType::Struct(fields) => Some(fields.fields().iter().collect()),
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
        | DataType::Variant
        | DataType::Array { .. }
        | DataType::Map { .. } => None,
    }
}

fn first(columns: &[&StructField], left: &mut usize) -> Selection {
    let mut selected = Vec::new();
    for (index, column) in stored(columns) {
        if *left == 0 {
            break;
        }
        match children(column) {
            Some(fields) => selected.push((index, first(&fields, left))),
            None => {
                selected.push((index, Selection::Leaf));
                *left = left.saturating_sub(1);
            }
        }
    }
    Selection::Fields(selected)
}

fn named(columns: &[&StructField], paths: &[&[String]]) -> Selection {
    let mut selected = Vec::new();
    for (index, column) in stored(columns) {
        let is_this = |name: &String| name.to_lowercase() == column.name.to_lowercase();
        let below: Vec<&[String]> = paths
            .iter()
            .filter_map(|path| path.split_first().filter(|(name, _)| is_this(name)))
            .map(|(_, rest)| rest)
            .collect();
        let is_whole = below.iter().any(|rest| rest.is_empty());
        match children(column) {
            Some(fields) if is_whole => {
                let mut all = usize::MAX;
                selected.push((index, first(&fields, &mut all)));
            }
            Some(fields) if !below.is_empty() => selected.push((index, named(&fields, &below))),
            None if is_whole => selected.push((index, Selection::Leaf)),
            Some(_) | None => {}
        }
    }
    Selection::Fields(selected)
}

#[cfg(test)]
mod tests {
    use delta_log::schema::StructType;
    use serde_json::json;

    use super::*;

    /// `a, v void, s (x, n void, t (y, z)), l array, b`.
    fn schema() -> StructType {
        let field = |name: &str, data_type: serde_json::Value| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
        let fields = |fields: Vec<serde_json::Value>| json!({"type": "struct", "fields": fields});
        let t = fields(vec![field("y", json!("long")), field("z", json!("string"))]);
        let s = fields(vec![
            field("x", json!("long")),
            field("n", json!("void")),
            field("T", t),
        ]);
        let l = json!({"type": "array", "elementType": "long", "containsNull": true});
        let all = vec![
            field("a", json!("long")),
            field("v", json!("void")),
            field("s", s),
            field("l", l),
            field("b", json!("binary")),
        ];
        StructType::from_json(&fields(all).to_string()).unwrap()
    }

    fn paths(rule: &Rule) -> Vec<String> {
        fn visit(selection: &Selection, path: String, paths: &mut Vec<String>) {
            match selection {
                Selection::Leaf => paths.push(path),
                Selection::Fields(fields) => {
                    for (index, field) in fields {
                        visit(field, format!("{path}/{index}"), paths);
                    }
                }
            }
        }
        let mut paths = Vec::new();
        visit(
            &select(schema().fields().iter(), rule),
            String::new(),
            &mut paths,
        );
        paths
    }

    #[test]
    fn leaves_are_counted_in_the_order_of_the_schema() {
        assert_eq!(paths(&Rule::First(Some(0))), Vec::<String>::new());
        assert_eq!(paths(&Rule::First(Some(3))), ["/0", "/1/0", "/1/1/0"]);
        let all = ["/0", "/1/0", "/1/1/0", "/1/1/1", "/2", "/3"];
        assert_eq!(paths(&Rule::First(None)), all);
    }

    #[test]
    fn named_columns_are_found_in_any_case_and_structs_count_whole() {
        let named = |paths: &[&[&str]]| {
            let paths = paths
                .iter()
                .map(|path| path.iter().map(|name| (*name).to_owned()).collect());
            Rule::Named(paths.collect())
        };
        assert_eq!(paths(&named(&[&["B"], &["s", "t", "Y"]])), ["/1/1/0", "/3"]);
        assert_eq!(
            paths(&named(&[&["S"], &["s", "x"]])),
            ["/1/0", "/1/1/0", "/1/1/1"]
        );
        let unknown = named(&[&["c"], &["a", "x"], &["s", "q"], &["v"]]);
        assert_eq!(paths(&unknown), Vec::<String>::new());
    }
}
