//! Rows, in files that Spark's readers know how to read.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, Int64Builder, ListBuilder,
    MapBuilder, NullArray, RecordBatch, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::printer::print_schema;
use serde_json::{Value, json};

use crate::table::{NOW, TestTable, column};

/// A column that has an id and a physical name, `<name>-phys`.
fn mapped(name: &str, id: i64, data_type: Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {
        "delta.columnMapping.id": id, "delta.columnMapping.physicalName": format!("{name}-phys"),
    }})
}

fn array(element: Value) -> Value {
    json!({"type": "array", "elementType": element, "containsNull": true})
}

#[tokio::test]
async fn columns_are_stored_under_physical_names_with_ids_as_spark_stores_them() {
    let inner = json!({"type": "struct", "fields": [
        mapped("x", 3, json!("long")), mapped("n", 4, json!("void")),
    ]});
    let map =
        json!({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": true});
    let mut list = mapped("list", 5, array(json!("long")));
    list["metadata"]["delta.columnMapping.nested.ids"] = json!({"list-phys.element": 17});
    let columns = [
        mapped("id", 1, json!("long")),
        mapped("s", 2, inner),
        list,
        mapped("m", 6, map),
        mapped("v", 7, json!("void")),
        mapped("p", 8, json!("string")),
        mapped("t", 9, json!("timestamp")),
        mapped("u", 10, json!("timestamp_ntz")),
        mapped("small", 11, json!("decimal(9,2)")),
        mapped("middle", 12, json!("decimal(18,2)")),
        mapped("large", 13, json!("decimal(38,2)")),
        mapped("i", 14, json!("integer")),
    ];
    let configuration = json!({"delta.columnMapping.mode": "name"});
    let table = TestTable::new(&columns, &["p"], configuration);

    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let fields = vec![
        Field::new("x", DataType::Int64, true),
        Field::new("n", DataType::Null, true),
    ];
    let children: Vec<ArrayRef> = vec![ids.clone(), Arc::new(NullArray::new(2))];
    let structs: ArrayRef = Arc::new(StructArray::try_new(fields.into(), children, None).unwrap());
    // The usual name in Arrow, where Parquet has `element`.
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(7), None]);
    lists.append_null();
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    maps.keys().append_value("k");
    maps.values().append_value(9);
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    let decimal = |precision| -> ArrayRef {
        let values = Decimal128Array::from(vec![Some(-150), None]);
        Arc::new(values.with_precision_and_scale(precision, 2).unwrap())
    };
    let times = TimestampMicrosecondArray::from(vec![Some(1_500_001), None]);
    let arrays: Vec<ArrayRef> = vec![
        ids.clone(),
        structs,
        Arc::new(lists.finish()),
        Arc::new(maps.finish()),
        Arc::new(NullArray::new(2)),
        Arc::new(StringArray::from(vec!["a", "a"])),
        Arc::new(times.clone().with_timezone("UTC")),
        Arc::new(times.clone()),
        decimal(9),
        decimal(18),
        decimal(38),
        Arc::new(Int32Array::from(vec![3, 4])),
    ];
    let names = table.layout.arrow_schema();
    let names = names.fields().iter().map(|field| field.name().clone());
    let rows = RecordBatch::try_from_iter(names.zip(arrays)).unwrap();
    let files = table.write(&[rows]).await.unwrap();

    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    // A random folder instead of the partition's, which would tell a name.
    assert!(
        file.path
            .split('/')
            .next()
            .is_some_and(|folder| folder.len() == 2),
        "{}",
        file.path
    );
    assert!(file.path.ends_with(".c000.snappy.parquet"));
    assert_eq!(file.partition_values["p-phys"].as_deref(), Some("a"));
    assert_eq!((file.num_records, file.modification_time), (2, NOW));

    let reader = SerializedFileReader::new(table.bytes(file).await).unwrap();
    let metadata = reader.metadata().file_metadata();
    let mut schema = Vec::new();
    print_schema(&mut schema, metadata.schema());
    let expected = "\
message spark_schema {
  OPTIONAL INT64 id-phys [1];
  OPTIONAL group s-phys [2] {
    OPTIONAL INT64 x-phys [3];
  }
  OPTIONAL group list-phys [5] (LIST) {
    REPEATED group list {
      OPTIONAL INT64 element [17];
    }
  }
  OPTIONAL group m-phys [6] (MAP) {
    REPEATED group key_value {
      REQUIRED BYTE_ARRAY key (STRING);
      OPTIONAL INT64 value;
    }
  }
  OPTIONAL INT64 t-phys [9] (TIMESTAMP(MICROS,true));
  OPTIONAL INT64 u-phys [10] (TIMESTAMP(MICROS,false));
  OPTIONAL INT32 small-phys [11] (DECIMAL(9,2));
  OPTIONAL INT64 middle-phys [12] (DECIMAL(18,2));
  OPTIONAL FIXED_LEN_BYTE_ARRAY (16) large-phys [13] (DECIMAL(38,2));
  OPTIONAL INT32 i-phys [14];
}
";
    assert_eq!(String::from_utf8(schema).unwrap(), expected);
    assert!(metadata.created_by().unwrap().starts_with("Lakeglass "));
    assert_eq!(metadata.key_value_metadata(), None);

    let read = table.read(file).await;
    assert_eq!(read.column_by_name("id-phys").unwrap(), &ids);
    let x = read
        .column_by_name("s-phys")
        .unwrap()
        .as_struct()
        .column(0)
        .clone();
    assert_eq!(&x, &ids);
    let list = read
        .column_by_name("list-phys")
        .unwrap()
        .as_list::<i32>()
        .clone();
    assert!(list.is_null(1));
    let first = list.value(0);
    assert_eq!(
        first.as_primitive::<Int64Type>(),
        &Int64Array::from(vec![Some(7), None])
    );
    let map = read.column_by_name("m-phys").unwrap().as_map().clone();
    assert_eq!((map.value_length(0), map.is_null(1)), (1, true));
    assert_eq!(map.keys().as_string::<i32>().value(0), "k");
    for name in ["small-phys", "middle-phys", "large-phys"] {
        let values: &Decimal128Array = read.column_by_name(name).unwrap().as_primitive();
        assert_eq!((values.value(0), values.is_null(1)), (-150, true), "{name}");
    }

    let snapshot = table.snapshot(&files).await;
    let (files, stats) = (snapshot.files(), file.stats.as_ref().unwrap());
    assert_eq!(files.null_counts("id").unwrap().value(0), 1);
    assert!(
        stats.contains("\"s-phys\":{\"x-phys\":1}") && !stats.contains("v-phys"),
        "{stats}"
    );
}

#[tokio::test]
async fn change_data_files_have_the_kind_of_each_change_and_no_statistics() {
    let columns = [column("id", json!("long")), column("p", json!("string"))];
    let table = TestTable::new(&columns, &["p"], json!({}));
    let rows = RecordBatch::try_new(
        table.layout.change_arrow_schema(),
        vec![
            Arc::new(Int64Array::from(vec![1, 2])),
            Arc::new(StringArray::from(vec![Some("a:b"), None])),
            Arc::new(StringArray::from(vec!["delete", "insert"])),
        ],
    )
    .unwrap();
    let files = table.write_changes(&rows).await.unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert!(
        paths[0].starts_with("_change_data/p=__HIVE_DEFAULT_PARTITION__/cdc-00001-"),
        "{paths:?}"
    );
    assert!(
        paths[1].starts_with("_change_data/p=a%253Ab/cdc-00000-"),
        "{paths:?}"
    );
    let read = table.read(&files[1]).await;
    assert_eq!(read.schema().fields().len(), 2);
    let change_type = read.column_by_name("_change_type").unwrap();
    assert_eq!(change_type.as_string::<i32>().value(0), "delete");
    assert_eq!((files[1].stats.as_ref(), files[1].num_records), (None, 1));
}

#[tokio::test]
async fn properties_of_the_table_set_codec_and_statistics() {
    for (codec, extension) in [
        ("zstd", ".zstd"),
        ("GZIP", ".gz"),
        ("lz4_raw", ".lz4raw"),
        ("none", ""),
    ] {
        let configuration = json!({
            "delta.parquet.compression.codec": codec, "delta.dataSkippingStatsColumns": "b",
            "delta.parquet.format.version": "2.12.0",
        });
        let columns = [column("a", json!("long")), column("b", json!("long"))];
        let table = TestTable::new(&columns, &[], configuration);
        let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; 100]));
        let rows = table.rows(vec![ones.clone(), ones.clone()]);
        let files = table.write(&[rows]).await.unwrap();
        assert!(
            files[0]
                .path
                .ends_with(&format!(".c000{extension}.parquet")),
            "{}",
            files[0].path
        );
        assert_eq!(table.read(&files[0]).await.column(0), &ones);
        assert_eq!(
            files[0].stats.as_deref().unwrap(),
            r#"{"numRecords":100,"minValues":{"b":1},"maxValues":{"b":1},"nullCount":{"b":0},"tightBounds":true}"#
        );
    }
}
