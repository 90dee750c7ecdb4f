//! When versions were committed, and which version was current at a time.

use std::collections::BTreeMap;

use futures::{FutureExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::features::has_in_commit_timestamps;
use crate::log::checkpoint::CheckpointScope;
use crate::log::concurrent::ordered;
use crate::log::log_segment::Log;
use crate::log::replay;
use crate::table::Table;

/// Commits whose own times are asked for in one round of a search.
const PROBES: usize = 16;

/// Commit times by the commit files' modification times, in milliseconds since the epoch. Clocks
/// and copies may make a later commit look older: each is at least a millisecond after the one
/// before, so that versions and times have the same order.
pub(crate) fn adjusted_commit_timestamps(log: &Log) -> BTreeMap<u64, i64> {
    let mut previous: Option<i64> = None;
    log.commits
        .iter()
        .map(|(version, file)| {
            let time = match previous {
                Some(previous) => file.modified.max(previous.saturating_add(1)),
                None => file.modified,
            };
            previous = Some(time);
            (*version, time)
        })
        .collect()
}

/// The newest version that was committed at or before `timestamp`, and its time.
///
/// Times are those of the commit files; where the table has in-commit timestamps, those, for the
/// versions since they were enabled.
///
/// # Errors
/// [`Error::TimestampBeforeFirstCommit`], [`Error::TimestampAfterLastCommit`].
///
/// Protocol: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#recommendations-for-readers-of-tables-with-in-commit-timestamps)
pub(crate) async fn version_at(table: &Table, log: &Log, timestamp: i64) -> Result<(u64, i64)> {
    let missing = |version| Error::MissingCommit {
        location: table.location.clone(),
        version,
    };
    let earliest = log.earliest().ok_or_else(|| missing(0))?;
    let times: Vec<(u64, i64)> = adjusted_commit_timestamps(log)
        .into_iter()
        .filter(|(version, _)| *version >= earliest)
        .collect();
    if times.is_empty() {
        return Err(missing(earliest));
    }
    let Some(enablement) = enablement(table, log).await? else {
        return search(&times, timestamp);
    };
    let enabled = times.partition_point(|(version, _)| *version < enablement.version);
    let (before, since) = times.split_at(enabled);
    if timestamp < enablement.timestamp && !before.is_empty() {
        // Up to the switch the last version before it is current, whatever its file's time.
        return match before.last() {
            Some(last) if timestamp > last.1 => Ok(*last),
            _ => search(before, timestamp),
        };
    }
    let versions: Vec<u64> = since.iter().map(|(version, _)| *version).collect();
    if versions.is_empty() {
        return Err(table.no_time(enablement.version));
    }
    search_in_commit_times(table, log, &versions, timestamp).await
}

/// Since when commits carry their own times.
struct Enablement {
    version: u64,
    timestamp: i64,
}

/// `None` where the table has no in-commit timestamps now.
///
/// The last commit alone tells, for it must carry its time where they are enabled; only then is
/// the table's metadata worth a look.
async fn enablement(table: &Table, log: &Log) -> Result<Option<Enablement>> {
    let Some((last, _)) = log.commits.last_key_value() else {
        return Ok(None);
    };
    if table
        .read_commit(log, *last)
        .await?
        .in_commit_timestamp()
        .is_none()
    {
        return Ok(None);
    }
    let loaded = replay::load(table, log, *last, CheckpointScope::WithoutFiles).await?;
    let state = loaded.state;
    let (Some(protocol), Some(metadata)) = (state.protocol, state.metadata) else {
        return Ok(None);
    };
    if !has_in_commit_timestamps(&protocol, &metadata) {
        return Ok(None);
    }
    let property = |name: &str| metadata.configuration.get(name)?.parse::<i64>().ok();
    let version = property("delta.inCommitTimestampEnablementVersion");
    let timestamp = property("delta.inCommitTimestampEnablementTimestamp");
    // Without the properties they were enabled from the start.
    Ok(Some(
        match (
            version.and_then(|version| u64::try_from(version).ok()),
            timestamp,
        ) {
            (Some(version), Some(timestamp)) => Enablement { version, timestamp },
            _ => Enablement {
                version: 0,
                timestamp: i64::MIN,
            },
        },
    ))
}

/// `times` ascends and is not empty.
fn search(times: &[(u64, i64)], timestamp: i64) -> Result<(u64, i64)> {
    if let Some(&(last, latest)) = times.last()
        && timestamp > latest
    {
        return Err(Error::TimestampAfterLastCommit {
            requested: timestamp,
            latest,
            version: last,
        });
    }
    match times
        .partition_point(|(_, time)| *time <= timestamp)
        .checked_sub(1)
    {
        Some(at) => Ok(times[at]),
        None => {
            let (version, earliest) = times[0];
            Err(Error::TimestampBeforeFirstCommit {
                requested: timestamp,
                earliest,
                version,
            })
        }
    }
}

/// The same where a time costs a request: a search in rounds of concurrent requests.
async fn search_in_commit_times(
    table: &Table,
    log: &Log,
    versions: &[u64],
    timestamp: i64,
) -> Result<(u64, i64)> {
    let mut known: BTreeMap<usize, i64> = BTreeMap::new();
    let (mut low, mut high) = (0, versions.len().saturating_sub(1));
    loop {
        let step = high.saturating_sub(low).div_ceil(PROBES).max(1);
        let probes: Vec<usize> = (low..high)
            .step_by(step)
            .chain([high])
            .filter(|at| !known.contains_key(at))
            .collect();
        let asked = probes.iter().map(|at| {
            let version = versions[*at];
            in_commit_time(table, log, version).boxed()
        });
        let times: Vec<i64> = ordered(asked.collect(), PROBES.saturating_add(1))
            .try_collect()
            .await?;
        let times = probes.into_iter().zip(times);
        known.extend(times);
        let times: Vec<(u64, i64)> = known
            .iter()
            .map(|(at, time)| (versions[*at], *time))
            .collect();
        let found = search(&times, timestamp)?;
        let next = known
            .iter()
            .find(|(_, time)| **time > timestamp)
            .map(|(at, _)| *at);
        low = known
            .iter()
            .rfind(|(_, time)| **time <= timestamp)
            .map_or(low, |(at, _)| *at);
        match next {
            Some(next) if next > low.saturating_add(1) => high = next,
            _ => return Ok(found),
        }
    }
}

async fn in_commit_time(table: &Table, log: &Log, version: u64) -> Result<i64> {
    let commit = table.read_commit(log, version).await?;
    commit
        .in_commit_timestamp()
        .ok_or_else(|| table.no_time(version))
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;
    use crate::log::log_path::{LogFile, LogPath};

    fn log(times: &[i64]) -> Log {
        Log::from_files(times.iter().enumerate().map(|(version, modified)| {
            let path = Path::from(format!("{version}"));
            let file = LogFile {
                path,
                size: Some(1),
                modified: *modified,
                e_tag: None,
            };
            (LogPath::Commit(version as u64), file)
        }))
    }

    #[test]
    fn commit_that_looks_older_than_the_one_before_is_a_millisecond_after_it() {
        let times: Vec<i64> = adjusted_commit_timestamps(&log(&[10, 5, 5, 30, 29]))
            .into_values()
            .collect();
        assert_eq!(times, [10, 11, 12, 30, 31]);
        let at_the_end = adjusted_commit_timestamps(&log(&[i64::MAX, 5]));
        assert_eq!(at_the_end[&1], i64::MAX);
    }

    #[test]
    fn times_outside_of_the_log_are_refused_with_its_ends() {
        let times = [(3, 100), (4, 200)];
        assert!(matches!(
            search(&times, 99),
            Err(Error::TimestampBeforeFirstCommit {
                earliest: 100,
                version: 3,
                ..
            })
        ));
        assert!(matches!(
            search(&times, 201),
            Err(Error::TimestampAfterLastCommit {
                latest: 200,
                version: 4,
                ..
            })
        ));
        for (timestamp, version) in [(100, 3), (199, 3), (200, 4)] {
            assert_eq!(search(&times, timestamp).unwrap().0, version);
        }
    }
}
