//! Folders as zip archives.

use std::io::{Cursor, Read};
use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use futures::TryStreamExt;
use object_store::{Error, ObjectStoreExt};
use overlay_store::OverlayStore;
use zip::{CompressionMethod, ExtraField, ZipArchive};

use crate::fixtures::{Below, above, clock, in_memory, path, put};

async fn export(overlay: &OverlayStore, folder: &str) -> Vec<u8> {
    let parts: Vec<_> = overlay.export(&path(folder)).try_collect().await.unwrap();
    parts.concat()
}

fn open(bytes: Vec<u8>) -> ZipArchive<Cursor<Vec<u8>>> {
    ZipArchive::new(Cursor::new(bytes)).unwrap()
}

/// Names and contents, in the archive's order.
fn files(bytes: Vec<u8>) -> Vec<(String, String)> {
    let mut archive = open(bytes);
    let length = archive.len();
    let read = |at| {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        // Checks the checksum.
        file.read_to_string(&mut text).unwrap();
        (file.name().to_owned(), text)
    };
    (0..length).map(read).collect()
}

#[tokio::test]
async fn a_table_is_exported_as_a_file_system_would_have_it() {
    let overlay = above(&[
        ("sales/orders/_delta_log/0.json", "0"),
        ("sales/orders/day=2024-01-01%2000%3A00/ü 1.parquet", "below"),
        ("sales/orders/gone.parquet", "gone"),
        ("sales/orders-2/_delta_log/0.json", "another table"),
    ])
    .await;
    put(&overlay, "sales/orders/_delta_log/1.json", "1").await;
    put(&overlay, "sales/orders/empty", "").await;
    overlay
        .delete(&path("sales/orders/gone.parquet"))
        .await
        .unwrap();
    let expected = [
        ("orders/_delta_log/0.json", "0"),
        ("orders/_delta_log/1.json", "1"),
        ("orders/day=2024-01-01%2000%3A00/ü 1.parquet", "below"),
        ("orders/empty", ""),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let bytes = export(&overlay, "sales/orders").await;
    assert_eq!(files(bytes.clone()), expected);

    let mut archive = open(bytes);
    for at in 0..archive.len() {
        let file = archive.by_index(at).unwrap();
        assert_eq!(file.compression(), CompressionMethod::Stored);
        assert_eq!(file.unix_mode(), Some(0o100_644));
    }
    // From a root, names are whole keys.
    let all = files(export(&overlay, "").await);
    assert_eq!(all.len(), 5);
    assert_eq!(all[0].0, "sales/orders-2/_delta_log/0.json");
}

#[tokio::test]
async fn headers_have_sizes_and_checksums_and_mark_utf8() {
    let overlay = above(&[]).await;
    put(&overlay, "t/ü", "12345").await;
    let bytes = export(&overlay, "t").await;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[..4], b"PK\x03\x04");
    // Bit 11: UTF-8. Bit 3 would say that sizes come behind the data.
    assert_eq!(u16::from_le_bytes([bytes[6], bytes[7]]), 1 << 11);
    assert_eq!(number(14), crc32fast::hash(b"12345"));
    assert_eq!((number(18), number(22)), (5, 5));
}

#[tokio::test]
async fn times_are_the_objects() {
    let times = [
        (
            Utc.with_ymd_and_hms(2024, 2, 29, 23, 59, 57).unwrap(),
            "2024-02-29 23:59:56",
        ),
        (
            Utc.with_ymd_and_hms(1970, 1, 1, 0, 0, 1).unwrap(),
            "1980-01-01 00:00:00",
        ),
        (
            Utc.with_ymd_and_hms(2050, 1, 1, 0, 0, 0).unwrap(),
            "2050-01-01 00:00:00",
        ),
    ];
    for (time, expected) in times {
        let overlay = OverlayStore::new(Arc::new(move || time));
        put(&overlay, "t/a", "1").await;
        let mut archive = open(export(&overlay, "t").await);
        let file = archive.by_index(0).unwrap();
        assert_eq!(file.last_modified().unwrap().to_string(), expected);
        let extended = file.extra_data_fields().find_map(|field| match field {
            ExtraField::ExtendedTimestamp(time) => time.mod_time(),
            ExtraField::Ntfs(_) => None,
        });
        let exact = extended.map(|seconds| DateTime::from_timestamp(seconds.into(), 0).unwrap());
        // It has no room for 2050.
        assert_eq!(exact, Some(time).filter(|time| time.timestamp() < 1 << 31));
    }
}

#[tokio::test]
async fn an_archive_comes_in_parts_that_hold_an_object_each() {
    let overlay = above(&[]).await;
    for n in 0..10 {
        put(&overlay, &format!("t/{n}"), &"x".repeat(10_000)).await;
    }
    let parts: Vec<_> = overlay.export(&path("t")).try_collect().await.unwrap();
    assert_eq!(parts.len(), 10);
    assert!(parts.iter().all(|part| part.len() < 12_000));
    assert_eq!(files(parts.concat()).len(), 10);
}

#[tokio::test]
async fn an_export_holds_what_there_was_when_it_began() {
    let overlay = above(&[("t/below", "1")]).await;
    put(&overlay, "t/a", "1").await;
    let parts = overlay.export(&path("t"));
    overlay.delete(&path("t/below")).await.unwrap();
    overlay.reset();
    put(&overlay, "t/later", "1").await;
    let bytes = parts.try_collect::<Vec<_>>().await.unwrap().concat();
    let names: Vec<_> = files(bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["t/a", "t/below"]);
}

#[tokio::test]
async fn a_folder_without_objects_is_not_exported() {
    let overlay = above(&[("t/a", "1")]).await;
    overlay.delete(&path("t/a")).await.unwrap();
    let result = overlay.export(&path("t")).try_collect::<Vec<_>>().await;
    assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
}

#[tokio::test]
async fn an_object_that_cannot_be_read_ends_the_export() {
    let below = in_memory(&[("t/a", "1"), ("t/b", "2"), ("t/c", "3")]).await;
    let overlay = OverlayStore::above(Arc::new(Below::new(below.clone())), clock());
    let mut parts = overlay.export(&path("t"));
    assert!(parts.try_next().await.unwrap().is_some());
    below.delete(&path("t/c")).await.unwrap();
    let rest = parts.try_collect::<Vec<_>>().await;
    assert!(matches!(rest, Err(Error::NotFound { .. })), "{rest:?}");
}
