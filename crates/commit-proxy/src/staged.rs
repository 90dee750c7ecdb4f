//! Which objects a writer may put, besides commits: data files, change data, deletion vectors; in a
//! log, checkpoints and checksums of versions that exist.

use messages::Error;
use object_store::path::Path;

use crate::location::TablePlace;

/// Kind of an object that is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Staged {
    /// A data file, change data, a deletion vector.
    Data,
    /// A checkpoint, or the checksum, of a version.
    OfVersion { table: TablePlace, version: u64 },
    /// A part of a V2 checkpoint, which counts once a checkpoint names it.
    Sidecar,
    /// `_last_checkpoint`: the one object that is replaced.
    LastCheckpoint { table: TablePlace },
}

/// Kind of the object at `key`, by its name.
///
/// # Errors
/// `OBJECT_NOT_ALLOWED` for what is not put this way: commits, and what else would change what a
/// table's readers see.
pub(crate) fn classify(bucket: &str, key: &Path) -> Result<Staged, Error> {
    let refused = |why: &str| {
        let message = format!("{bucket}/{key} can't be put: {why}.");
        Err(Error::new("OBJECT_NOT_ALLOWED", message))
    };
    let mut segments: Vec<_> = key.parts().collect();
    let name = segments
        .pop()
        .map(|name| name.as_ref().to_owned())
        .unwrap_or_default();
    if segments.is_empty() {
        return refused("it is in no folder");
    }
    if name == "_delta_log" || name.starts_with(".lakeglass-") {
        return refused("this name is taken");
    }
    let mut logs = segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| segment.as_ref() == "_delta_log");
    let Some((depth, _)) = logs.next() else {
        return Ok(Staged::Data);
    };
    if logs.next().is_some() || depth == 0 {
        return refused("it is in no table");
    }
    let table = TablePlace {
        bucket: bucket.to_owned(),
        root: segments.iter().take(depth).cloned().collect(),
    };
    let below: Vec<&str> = segments
        .iter()
        .skip(depth.saturating_add(1))
        .map(AsRef::as_ref)
        .collect();
    match below.as_slice() {
        [] if name == "_last_checkpoint" => Ok(Staged::LastCheckpoint { table }),
        [] => match version_of(&name) {
            Some(version) => Ok(Staged::OfVersion { table, version }),
            None => refused(
                "in a log, only checkpoints and checksums are put. Commits have a request of their own",
            ),
        },
        ["_sidecars"] if name.strip_suffix(".parquet").is_some_and(is_uuid) => Ok(Staged::Sidecar),
        _ => refused("it is no file of a log"),
    }
}

/// The version of a checkpoint or checksum, by its name. One of several parts can't be checked part by
/// part, and is no longer written.
///
/// Protocol: [Checkpoint Naming Scheme](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-naming-scheme)
fn version_of(name: &str) -> Option<u64> {
    let (version, rest) = name.split_at_checked(20)?;
    let version = digits(version, 20)?;
    let is_known = match rest.split('.').skip(1).collect::<Vec<_>>().as_slice() {
        ["crc"] | ["checkpoint", "parquet"] => true,
        ["checkpoint", id, "json" | "parquet"] => is_uuid(id),
        _ => false,
    };
    (is_known && rest.starts_with('.')).then_some(version)
}

pub(crate) fn digits(text: &str, length: usize) -> Option<u64> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_never_put_as_objects() {
        let kind = |key: &str| classify("raw", &Path::parse(key).unwrap());
        let uuid = "80a083e8-7026-4e79-81be-64bd76c43a11";
        let v = "00000000000000000012";
        for name in [
            format!("{v}.json"),
            format!("{v}.00000000000000000015.compacted.json"),
            format!("{v}.{uuid}.json"),
            format!("{v}.checkpoint.json"),
            format!("{v}.checkpoint.0000000001.0000000002.parquet"),
            format!("{v}xcrc"),
            "12.crc".to_owned(),
            "_last_checkpoint/x".to_owned(),
            "_sidecars/x.parquet".to_owned(),
            format!("_staged_commits/{v}.{uuid}.json"),
            format!("a/_delta_log/{v}.crc"),
            "_delta_log".to_owned(),
        ] {
            let error = kind(&format!("t/_delta_log/{name}")).unwrap_err();
            assert_eq!(error.code, "OBJECT_NOT_ALLOWED", "{name}");
        }
        for key in [
            "x.parquet",
            "_delta_log/_last_checkpoint",
            "t/_delta_log",
            "t/.lakeglass-x",
        ] {
            assert!(kind(key).is_err(), "{key}");
        }
        for name in [
            format!("{v}.crc"),
            format!("{v}.checkpoint.parquet"),
            format!("{v}.checkpoint.{uuid}.json"),
        ] {
            let staged = kind(&format!("a/t/_delta_log/{name}")).unwrap();
            assert!(
                matches!(staged, Staged::OfVersion { version: 12, table } if table.root.as_ref() == "a/t")
            );
        }
        assert_eq!(kind("t/y=1/x.parquet").unwrap(), Staged::Data);
        assert_eq!(
            kind(&format!("t/_delta_log/_sidecars/{uuid}.parquet")).unwrap(),
            Staged::Sidecar
        );
    }
}
