//! What can be done to a store, for random sequences, and what came of it in words that two stores
//! share.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    Result, UpdateVersion,
};
use proptest::prelude::*;

use crate::fixtures::path;

/// Keys whose order by character, by folder and by S3 differ, as a table's and as none has them.
pub const KEYS: [&str; 10] = [
    "a",
    "a/b",
    "a/b/c",
    "a/c",
    "a-b/c",
    "ab",
    "_delta_log/00000000000000000000.json",
    "_delta_log/00000000000000000001.json",
    "day=2024-01-01%2000%3A00/ü 1.parquet",
    "day=2024-01-01%2000%3A00/\u{1f600}",
];

pub const FOLDERS: [&str; 8] = [
    "",
    "a",
    "a/b",
    "a-b",
    "ab",
    "_delta_log",
    "day=2024-01-01%2000%3A00",
    "none",
];

/// An operation on a store.
#[derive(Debug, Clone)]
pub enum Operation {
    Put(usize, Vec<u8>, Mode),
    Upload(usize, Vec<Vec<u8>>),
    Get(usize, Condition, Option<GetRange>),
    Head(usize, Condition),
    GetRanges(usize, Vec<(u64, u64)>),
    Delete(usize),
    Copy(usize, usize),
    CopyIfNotExists(usize, usize),
    Rename(usize, usize),
    RenameIfNotExists(usize, usize),
    List(usize),
    ListWithOffset(usize, usize),
    ListWithDelimiter(usize),
}

/// On what condition something is put.
#[derive(Debug, Clone)]
pub enum Mode {
    Overwrite,
    Create,
    /// With the e-tag that the object has.
    UpdateCurrent,
    UpdateOther,
    UpdateWithoutVersion,
}

/// On what condition something is read: relative to what is there, as e-tags and times are each
/// store's own.
#[derive(Debug, Clone)]
pub enum Condition {
    None,
    IfMatch(bool),
    IfMatchAny,
    IfNoneMatch(bool),
    IfNoneMatchAny,
    /// So many seconds after the object's last modification.
    IfModifiedSince(i64),
    IfUnmodifiedSince(i64),
}

pub fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..KEYS.len();
    let data = || prop::collection::vec(any::<u8>(), 0..6);
    let mode = prop_oneof![
        2 => Just(Mode::Overwrite),
        2 => Just(Mode::Create),
        1 => Just(Mode::UpdateCurrent),
        1 => Just(Mode::UpdateOther),
        1 => Just(Mode::UpdateWithoutVersion),
    ];
    let condition = || {
        prop_oneof![
            4 => Just(Condition::None),
            1 => any::<bool>().prop_map(Condition::IfMatch),
            1 => Just(Condition::IfMatchAny),
            1 => any::<bool>().prop_map(Condition::IfNoneMatch),
            1 => Just(Condition::IfNoneMatchAny),
            1 => (-1..=1i64).prop_map(Condition::IfModifiedSince),
            1 => (-1..=1i64).prop_map(Condition::IfUnmodifiedSince),
        ]
    };
    let range = prop_oneof![
        (0..7u64, 0..7u64).prop_map(|(start, end)| GetRange::Bounded(start..end)),
        (0..7u64).prop_map(GetRange::Offset),
        (0..7u64).prop_map(GetRange::Suffix),
    ];
    let folder = || 0..FOLDERS.len();
    prop_oneof![
        6 => (key(), data(), mode).prop_map(|(key, data, mode)| Operation::Put(key, data, mode)),
        2 => (key(), prop::collection::vec(data(), 0..3)).prop_map(|(key, parts)| Operation::Upload(key, parts)),
        4 => (key(), condition(), prop::option::of(range)).prop_map(|(key, condition, range)| Operation::Get(key, condition, range)),
        1 => (key(), condition()).prop_map(|(key, condition)| Operation::Head(key, condition)),
        1 => (key(), prop::collection::vec((0..7u64, 0..7u64), 0..3)).prop_map(|(key, ranges)| Operation::GetRanges(key, ranges)),
        6 => key().prop_map(Operation::Delete),
        1 => (key(), key()).prop_map(|(from, to)| Operation::Copy(from, to)),
        1 => (key(), key()).prop_map(|(from, to)| Operation::CopyIfNotExists(from, to)),
        1 => (key(), key()).prop_map(|(from, to)| Operation::Rename(from, to)),
        1 => (key(), key()).prop_map(|(from, to)| Operation::RenameIfNotExists(from, to)),
        2 => folder().prop_map(Operation::List),
        2 => (folder(), key()).prop_map(|(folder, offset)| Operation::ListWithOffset(folder, offset)),
        4 => folder().prop_map(Operation::ListWithDelimiter),
    ]
}

/// What came of an operation. Of an error, its variant.
pub async fn run(store: &dyn ObjectStore, operation: &Operation) -> Result<String, String> {
    let done = match operation {
        Operation::Put(key, data, mode) => put(store, &key_path(*key), data, mode).await,
        Operation::Upload(key, parts) => upload(store, &key_path(*key), parts).await,
        Operation::Get(key, condition, range) => {
            get(store, &key_path(*key), condition, range.clone()).await
        }
        Operation::Head(key, condition) => head(store, &key_path(*key), condition).await,
        Operation::GetRanges(key, ranges) => {
            let ranges: Vec<_> = ranges.iter().map(|(start, end)| *start..*end).collect();
            let read = store.get_ranges(&key_path(*key), &ranges).await;
            read.map(|bytes| format!("{bytes:?}"))
        }
        Operation::Delete(key) => done(store.delete(&key_path(*key)).await),
        Operation::Copy(from, to) => done(store.copy(&key_path(*from), &key_path(*to)).await),
        Operation::CopyIfNotExists(from, to) => done(
            store
                .copy_if_not_exists(&key_path(*from), &key_path(*to))
                .await,
        ),
        Operation::Rename(from, to) => done(store.rename(&key_path(*from), &key_path(*to)).await),
        Operation::RenameIfNotExists(from, to) => done(
            store
                .rename_if_not_exists(&key_path(*from), &key_path(*to))
                .await,
        ),
        Operation::List(folder) => list(store.list(folder_path(*folder).as_ref())).await,
        Operation::ListWithOffset(folder, offset) => {
            let folder = folder_path(*folder);
            list(store.list_with_offset(folder.as_ref(), &key_path(*offset))).await
        }
        Operation::ListWithDelimiter(folder) => list_with_delimiter(store, *folder).await,
    };
    done.map_err(|error| variant(&error).to_owned())
}

fn done(result: Result<()>) -> Result<String> {
    result.map(|()| String::new())
}

async fn put(store: &dyn ObjectStore, key: &Path, data: &[u8], mode: &Mode) -> Result<String> {
    let update = |e_tag| {
        PutMode::Update(UpdateVersion {
            e_tag,
            version: None,
        })
    };
    let mode = match mode {
        Mode::Overwrite => PutMode::Overwrite,
        Mode::Create => PutMode::Create,
        // Of an object that is not there, any e-tag.
        Mode::UpdateCurrent => update(Some(e_tag(store, key).await.unwrap_or("x".into()))),
        Mode::UpdateOther => update(Some("x".into())),
        Mode::UpdateWithoutVersion => update(None),
    };
    let options = PutOptions::from(mode);
    let put = store.put_opts(key, data.to_vec().into(), options).await?;
    assert_eq!(put.e_tag, e_tag(store, key).await);
    Ok(String::new())
}

async fn upload(store: &dyn ObjectStore, key: &Path, parts: &[Vec<u8>]) -> Result<String> {
    let mut upload = store.put_multipart(key).await?;
    for part in parts {
        upload.put_part(part.clone().into()).await?;
    }
    let put = upload.complete().await?;
    assert_eq!(put.e_tag, e_tag(store, key).await);
    Ok(String::new())
}

async fn get(
    store: &dyn ObjectStore,
    key: &Path,
    condition: &Condition,
    range: Option<GetRange>,
) -> Result<String> {
    let mut options = options(store, key, condition).await;
    options.range = range;
    let found = store.get_opts(key, options).await?;
    let (meta, range) = (found.meta.clone(), found.range.clone());
    assert_eq!(meta.location, *key);
    assert_eq!(Ok(meta.last_modified), last_modified(store, key).await);
    let bytes = found.bytes().await?;
    Ok(format!("{} {range:?} {bytes:?}", meta.size))
}

async fn head(store: &dyn ObjectStore, key: &Path, condition: &Condition) -> Result<String> {
    let options = options(store, key, condition).await.with_head(true);
    let found = store.get_opts(key, options).await?;
    Ok(found.meta.size.to_string())
}

async fn options(store: &dyn ObjectStore, key: &Path, condition: &Condition) -> GetOptions {
    let e_tag = async |current: bool| {
        let e_tag = e_tag(store, key).await.filter(|_| current);
        Some(format!("y, {}", e_tag.unwrap_or("x".into())))
    };
    let time = async |seconds: i64| {
        let time = last_modified(store, key).await.unwrap_or_default();
        Some(time + chrono::TimeDelta::seconds(seconds))
    };
    let any = || Some("*");
    let options = GetOptions::new();
    match condition {
        Condition::None => options,
        Condition::IfMatch(current) => options.with_if_match(e_tag(*current).await),
        Condition::IfMatchAny => options.with_if_match(any()),
        Condition::IfNoneMatch(current) => options.with_if_none_match(e_tag(*current).await),
        Condition::IfNoneMatchAny => options.with_if_none_match(any()),
        Condition::IfModifiedSince(seconds) => options.with_if_modified_since(time(*seconds).await),
        Condition::IfUnmodifiedSince(seconds) => GetOptions {
            if_unmodified_since: time(*seconds).await,
            ..options
        },
    }
}

async fn list(objects: impl TryStreamExt<Ok = ObjectMeta, Error = Error>) -> Result<String> {
    let objects: Vec<ObjectMeta> = objects.try_collect().await?;
    Ok(describe(&objects))
}

async fn list_with_delimiter(store: &dyn ObjectStore, folder: usize) -> Result<String> {
    let folder = folder_path(folder);
    let mut found = store.list_with_delimiter(folder.as_ref()).await?;
    if store.to_string() == "InMemory" {
        // It sorts them by their names without the slash that S3's end with.
        found.common_prefixes.sort_by_key(|path| format!("{path}/"));
    }
    let folders = found.common_prefixes;
    Ok(format!("{} {folders:?}", describe(&found.objects)))
}

fn describe(objects: &[ObjectMeta]) -> String {
    let object = |object: &ObjectMeta| (object.location.to_string(), object.size);
    format!("{:?}", objects.iter().map(object).collect::<Vec<_>>())
}

fn variant(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "NotFound",
        Error::AlreadyExists { .. } => "AlreadyExists",
        Error::Precondition { .. } => "Precondition",
        Error::NotModified { .. } => "NotModified",
        Error::Generic { .. } => "Generic",
        error => panic!("{error}"),
    }
}

async fn e_tag(store: &dyn ObjectStore, key: &Path) -> Option<String> {
    let found = store.get(key).await.ok()?;
    Some(found.meta.e_tag.expect("an e-tag"))
}

async fn last_modified(
    store: &dyn ObjectStore,
    key: &Path,
) -> Result<chrono::DateTime<chrono::Utc>, String> {
    let found = store.get(key).await.map_err(|error| error.to_string())?;
    Ok(found.meta.last_modified)
}

fn key_path(key: usize) -> Path {
    path(KEYS[key])
}

fn folder_path(folder: usize) -> Option<Path> {
    Some(path(FOLDERS[folder])).filter(|path| !path.is_root())
}
