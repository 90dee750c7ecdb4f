//! `object_store`'s S3 client as an independent reader.

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use crate::Store;

fn builder(store: &Store) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_endpoint(&store.url)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("bucket")
}

fn client(store: &Store) -> AmazonS3 {
    builder(store)
        .with_skip_signature(true)
        .build()
        .expect("client")
}

async fn listed(client: &AmazonS3, prefix: Option<&str>) -> Vec<String> {
    let prefix = prefix.map(Path::from);
    let objects: Vec<_> = client
        .list(prefix.as_ref())
        .try_collect()
        .await
        .expect("listing");
    objects
        .into_iter()
        .map(|object| object.location.to_string())
        .collect()
}

#[tokio::test]
async fn listing_goes_on_over_several_pages_in_byte_order() {
    let mut keys: Vec<String> = (0..2_300)
        .map(|i| format!("t/{:02x}/{i:04}", i % 7))
        .collect();
    keys.sort();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let store = Store::with(&keys).await;
    assert_eq!(listed(&client(&store), None).await, keys);
    assert_eq!(listed(&client(&store), Some("t/03")).await.len(), 329);

    let offset = Path::from("t/05/1300");
    let rest: Vec<_> = client(&store)
        .list_with_offset(None, &offset)
        .try_collect()
        .await
        .expect("listing");
    let expected = keys.iter().filter(|key| **key > "t/05/1300").count();
    assert_eq!(rest.len(), expected);
}

#[tokio::test]
async fn delimiter_rolls_folders_up() {
    let store = Store::with(&["a.txt", "a/1", "a/b/2", "c/_delta_log/0.json"]).await;
    let top = client(&store)
        .list_with_delimiter(None)
        .await
        .expect("listing");
    assert_eq!(top.common_prefixes, [Path::from("a"), Path::from("c")]);
    assert_eq!(top.objects[0].location, Path::from("a.txt"));
    let below = client(&store)
        .list_with_delimiter(Some(&Path::from("a")))
        .await
        .expect("listing");
    assert_eq!(below.common_prefixes, [Path::from("a/b")]);
    assert_eq!(below.objects[0].location, Path::from("a/1"));
}

#[tokio::test]
async fn keys_with_special_characters_round_trip() {
    let keys = [
        "100%",
        "100%25",
        "a b/c  d",
        "date=2024-05-01 10%3A00%3A00/part-0.parquet",
        "plus+and&semi;colon:'quote\"<tag>",
        "ünï/çödé/日本語 🐘",
    ];
    let store = Store::with(&keys).await;
    let client = client(&store);
    assert_eq!(listed(&client, None).await, keys);
    for key in keys {
        let path = Path::parse(key).expect("path");
        let content = client
            .get(&path)
            .await
            .expect(key)
            .bytes()
            .await
            .expect("content");
        assert_eq!(content, key.as_bytes());
        assert_eq!(client.head(&path).await.expect(key).size, key.len() as u64);
        assert_eq!(
            listed(&client, Some(key)).await,
            Vec::<String>::new(),
            "{key} is no folder"
        );
    }
    let folder = Path::parse("date=2024-05-01 10%3A00%3A00").expect("path");
    let below: Vec<_> = client
        .list(Some(&folder))
        .try_collect()
        .await
        .expect("listing");
    assert_eq!(below.len(), 1);
}

#[tokio::test]
async fn ranges_answer_exactly_the_bytes_asked_for() {
    let store = Store::with(&[]).await;
    let content: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    store.write("big", &content);
    let (client, path) = (client(&store), Path::from("big"));

    assert_eq!(
        client.get(&path).await.unwrap().bytes().await.unwrap(),
        content
    );
    assert_eq!(client.get_range(&path, 5..9).await.unwrap(), content[5..9]);
    let ranges = [0..1, 300_000..900_001, 3_999_999..4_000_000];
    let parts = client.get_ranges(&path, &ranges).await.unwrap();
    for (part, range) in parts.iter().zip(ranges) {
        assert_eq!(part, &content[range.start as usize..range.end as usize]);
    }
    for (range, expected) in [
        (GetRange::Suffix(8), &content[3_999_992..]),
        (GetRange::Offset(3_999_990), &content[3_999_990..]),
        (
            GetRange::Bounded(3_999_990..9_999_999),
            &content[3_999_990..],
        ),
    ] {
        let options = GetOptions {
            range: Some(range),
            ..Default::default()
        };
        let answer = client.get_opts(&path, options).await.unwrap();
        assert_eq!(answer.meta.size, 4_000_000);
        assert_eq!(answer.bytes().await.unwrap(), expected);
    }
    assert!(client.get_range(&path, 4_000_000..4_000_001).await.is_err());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let store = Store::with(&["folder/file"]).await;
    let client = client(&store);
    for key in [
        "missing",
        "folder",
        "folder/file/below",
        "missing/below",
        &"x".repeat(300),
    ] {
        let path = Path::from(key);
        for error in [
            client.get(&path).await.err(),
            client.head(&path).await.err(),
        ] {
            assert!(
                matches!(error, Some(Error::NotFound { .. })),
                "{key}: {error:?}"
            );
        }
    }
    assert_eq!(listed(&client, Some("missing")).await, Vec::<String>::new());

    let elsewhere = builder(&store)
        .with_bucket_name("nowhere")
        .with_skip_signature(true)
        .build()
        .unwrap();
    let error = elsewhere.get(&Path::from("file")).await.err();
    assert!(matches!(error, Some(Error::NotFound { .. })), "{error:?}");
    let error = elsewhere
        .list(None)
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");
}

#[tokio::test]
async fn etag_changes_with_the_object_and_answers_conditions() {
    let store = Store::with(&["file"]).await;
    let (client, path) = (client(&store), Path::from("file"));
    let before = client.head(&path).await.unwrap().e_tag;
    let listed = client.list(None).try_next().await.unwrap().unwrap();
    assert_eq!(before, listed.e_tag);
    assert_eq!(before, client.get(&path).await.unwrap().meta.e_tag);

    let unless = |e_tag| GetOptions {
        if_none_match: e_tag,
        ..Default::default()
    };
    let same = client.get_opts(&path, unless(before.clone())).await.err();
    assert!(matches!(same, Some(Error::NotModified { .. })), "{same:?}");

    store.write("file", b"longer than it was");
    assert_ne!(client.head(&path).await.unwrap().e_tag, before);
    assert!(client.get_opts(&path, unless(before.clone())).await.is_ok());
    let only = GetOptions {
        if_match: before,
        ..Default::default()
    };
    let other = client.get_opts(&path, only).await.err();
    assert!(
        matches!(other, Some(Error::Precondition { .. })),
        "{other:?}"
    );
}

#[tokio::test]
async fn signed_requests_read_as_anonymous_ones_do() {
    let store = Store::with(&["file"]).await;
    let signed = builder(&store)
        .with_access_key_id("anybody")
        .with_secret_access_key("anything")
        .build()
        .expect("client");
    assert_eq!(listed(&signed, None).await, ["file"]);
    assert_eq!(
        signed
            .get(&Path::from("file"))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        "file"
    );
}

#[tokio::test]
async fn writes_are_refused_and_change_nothing() {
    let store = Store::with(&["file"]).await;
    let client = client(&store);
    assert!(
        client
            .put(&Path::from("new"), "content".into())
            .await
            .is_err()
    );
    assert!(
        client
            .put(&Path::from("file"), "content".into())
            .await
            .is_err()
    );
    assert!(client.delete(&Path::from("file")).await.is_err());
    assert_eq!(listed(&client, None).await, ["file"]);
    assert_eq!(
        client
            .get(&Path::from("file"))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        "file"
    );
}
