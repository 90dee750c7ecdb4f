use object_store::path::Path;
use proptest::prelude::*;

use super::*;

fn log(names: &[LogPath]) -> Log {
    Log::from_files(names.iter().map(|kind| {
        let path = Path::from(format!("{kind:?}"));
        (
            *kind,
            LogFile {
                path,
                size: Some(1),
                modified: 0,
                e_tag: None,
            },
        )
    }))
}

fn part(version: u64, part: u32, parts: u32) -> LogPath {
    LogPath::CheckpointPart {
        version,
        part,
        parts,
    }
}

#[test]
fn newest_checkpoint_with_all_parts_is_used() {
    let log = log(&[
        LogPath::ClassicCheckpoint(1),
        part(2, 1, 2),
        part(2, 2, 2),
        part(3, 1, 2),
        part(3, 2, 3),
        LogPath::Commit(2),
        LogPath::Commit(3),
        LogPath::Commit(4),
    ]);
    let segment = log.segment(4, &[]).unwrap();
    assert_eq!(segment.checkpoint.map(|(version, _)| version), Some(2));
    assert_eq!(
        segment.commits.iter().map(|(v, _)| *v).collect::<Vec<_>>(),
        [3, 4]
    );
}

#[test]
fn classic_checkpoint_is_preferred_to_one_of_the_same_version_with_a_uuid() {
    for names in [
        [LogPath::UuidCheckpoint(1), LogPath::ClassicCheckpoint(1)],
        [LogPath::ClassicCheckpoint(1), LogPath::UuidCheckpoint(1)],
    ] {
        let segment = log(&names).segment(1, &[]).unwrap();
        let (version, checkpoint) = segment.checkpoint.unwrap();
        assert_eq!(version, 1);
        assert_eq!(checkpoint.files[0].path, Path::from("ClassicCheckpoint(1)"));
    }
}

#[test]
fn gap_makes_only_the_versions_behind_it_unreadable() {
    let log = log(&[0, 1, 3, 4].map(LogPath::Commit));
    assert!(log.segment(1, &[]).is_ok());
    for version in [2, 3, 4] {
        assert!(matches!(
            log.segment(version, &[]),
            Err(Error::MissingCommit { version: 2, .. })
        ));
    }
    assert!(matches!(
        log.segment(5, &[]),
        Err(Error::VersionNotFound {
            requested: 5,
            earliest: 0,
            latest: 4
        })
    ));
}

#[test]
fn version_before_the_first_checkpoint_of_a_cleaned_log_is_not_found() {
    let log = log(&[
        LogPath::Commit(4),
        LogPath::ClassicCheckpoint(5),
        LogPath::Commit(5),
    ]);
    assert!(matches!(
        log.segment(4, &[]),
        Err(Error::VersionNotFound {
            requested: 4,
            earliest: 5,
            latest: 5
        })
    ));
}

proptest! {
    #[test]
    fn segment_is_whole_or_refused(
        commits in proptest::collection::btree_set(0u64..12, 0..12),
        checkpoints in proptest::collection::btree_set(0u64..12, 0..4),
        version in 0u64..14,
    ) {
        let commits = commits.into_iter().map(LogPath::Commit);
        let checkpoints = checkpoints.into_iter().map(LogPath::ClassicCheckpoint);
        let log = log(&commits.chain(checkpoints).collect::<Vec<_>>());
        if let Ok(segment) = log.segment(version, &[]) {
            let first = segment.checkpoint.as_ref().map_or(0, |(version, _)| version + 1);
            let versions: Vec<u64> = segment.commits.iter().map(|(v, _)| *v).collect();
            prop_assert_eq!(versions, (first..=version).collect::<Vec<_>>());
            prop_assert!(segment.checkpoint.is_some() || log.commits.contains_key(&0));
        }
    }
}
