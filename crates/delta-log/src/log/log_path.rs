//! The names of the files in `_delta_log`, and which of them count.
//!
//! Protocol: [Delta Log Entries](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries),
//! [Checkpoint Naming Scheme](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-naming-scheme)

use object_store::path::Path;

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Its path in the store.
    pub path: Path,
    /// In bytes; `None` where nothing but a GET would tell.
    pub size: Option<u64>,
    /// When it was last modified, in milliseconds since the epoch.
    pub modified: i64,
    /// The store's tag for its content.
    pub e_tag: Option<String>,
}

/// Kind of a file of the log, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPath {
    /// The commit of a version.
    Commit(u64),
    /// A version's checkpoint in one file.
    ClassicCheckpoint(u64),
    /// One of several files of a checkpoint.
    CheckpointPart {
        /// The version.
        version: u64,
        /// From 1 to `parts`.
        part: u32,
        /// How many there are.
        parts: u32,
    },
    /// A checkpoint of the V2 spec, named with a UUID.
    UuidCheckpoint(u64),
    /// The checksum of a version.
    Checksum(u64),
    /// Several commits in one file.
    Compaction {
        /// The first commit.
        first: u64,
        /// The last one.
        last: u64,
    },
}

impl LogPath {
    /// `None` for everything that a reader passes over: temporary and hidden files, and
    /// whatever is in a folder (staged commits, sidecars).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (digits, rest) = name.split_at_checked(20)?;
        let version = parse_version(digits)?;
        let mut words = rest.strip_prefix('.')?.split('.');
        let words = [
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ];
        match words {
            [Some("json"), None, ..] => Some(Self::Commit(version)),
            [Some("crc"), None, ..] => Some(Self::Checksum(version)),
            [Some(last), Some("compacted"), Some("json"), None, _] => {
                let last = parse_version(last)?;
                (version < last).then_some(Self::Compaction {
                    first: version,
                    last,
                })
            }
            [Some("checkpoint"), Some("parquet"), None, ..] => {
                Some(Self::ClassicCheckpoint(version))
            }
            [
                Some("checkpoint"),
                Some(part),
                Some(parts),
                Some("parquet"),
                None,
            ] => {
                let number = |text: &str| -> Option<u32> {
                    (text.len() == 10).then(|| text.parse().ok()).flatten()
                };
                let (part, parts) = (number(part)?, number(parts)?);
                (1..=parts).contains(&part).then_some(Self::CheckpointPart {
                    version,
                    part,
                    parts,
                })
            }
            [
                Some("checkpoint"),
                Some(uuid),
                Some("json" | "parquet"),
                None,
                _,
            ] if uuid.len() == 36 => Some(Self::UuidCheckpoint(version)),
            _ => None,
        }
    }
}

/// A version as file names have it: twenty digits.
fn parse_version(digits: &str) -> Option<u64> {
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Delta's writers count in signed 64-bit integers.
    let version = digits.parse().ok();
    version.filter(|version| *version < i64::MAX as u64)
}

/// `_delta_log` of the table at `root`.
pub fn log_folder(root: &Path) -> Path {
    root.clone().join("_delta_log")
}

/// The commit of `version`.
pub fn commit_path(root: &Path, version: u64) -> Path {
    log_folder(root).join(format!("{version:020}.json"))
}

/// The checksum of `version`.
pub fn checksum_path(root: &Path, version: u64) -> Path {
    log_folder(root).join(format!("{version:020}.crc"))
}

/// The checkpoint of `version`, in `parts` files or, with `None`, a classic one.
pub(crate) fn checkpoint_paths(root: &Path, version: u64, parts: Option<u32>) -> Vec<Path> {
    let folder = log_folder(root);
    match parts {
        None => vec![folder.join(format!("{version:020}.checkpoint.parquet"))],
        Some(parts) => (1..=parts)
            .map(|part| {
                let name = format!("{version:020}.checkpoint.{part:010}.{parts:010}.parquet");
                folder.clone().join(name)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_log_entries_are_passed_over() {
        let v = 12;
        for (name, expected) in [
            ("00000000000000000012.json", Some(LogPath::Commit(v))),
            (
                "00000000000000000012.checkpoint.parquet",
                Some(LogPath::ClassicCheckpoint(v)),
            ),
            (
                "00000000000000000012.checkpoint.0000000002.0000000003.parquet",
                Some(LogPath::CheckpointPart {
                    version: v,
                    part: 2,
                    parts: 3,
                }),
            ),
            (
                "00000000000000000012.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
                Some(LogPath::UuidCheckpoint(v)),
            ),
            (
                "00000000000000000012.checkpoint.0000000004.0000000003.parquet",
                None,
            ),
            ("00000000000000000012.crc", Some(LogPath::Checksum(v))),
            (".00000000000000000012.json.crc", None),
            (
                "00000000000000000012.00000000000000000015.compacted.json",
                Some(LogPath::Compaction { first: v, last: 15 }),
            ),
            (
                "00000000000000000012.00000000000000000012.compacted.json",
                None,
            ),
            ("00000000000000000012.15.compacted.json", None),
            (
                "00000000000000000012.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json",
                None,
            ),
            ("00000000000000000012.json.tmp", None),
            ("99999999999999999999.json", None),
            ("0000000000000000001é.json", None),
            ("12.json", None),
            ("_last_checkpoint", None),
        ] {
            assert_eq!(LogPath::parse(name), expected, "{name}");
        }
    }
}
