//! Random histories, replayed from every checkpoint and compaction there is, against a set that is simply kept.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use delta_log::TimeTravel;
use proptest::prelude::*;
use serde_json::Value;
use support::*;

#[derive(Debug, Clone)]
struct Step {
    added: BTreeSet<u8>,
    removed: BTreeSet<u8>,
    checkpoint: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let files = || proptest::collection::btree_set(0u8..6, 0..4);
    (files(), files(), proptest::bool::weighted(0.3)).prop_map(|(added, removed, checkpoint)| {
        Step {
            added,
            removed,
            checkpoint,
        }
    })
}

/// What these steps did, with the last word on each file alone.
fn compacted(steps: &[Step], from_start: bool) -> Vec<Value> {
    let mut actions = Vec::new();
    if from_start {
        actions.extend([protocol(), metadata()]);
    }
    let mut last_words = BTreeMap::new();
    for step in steps {
        last_words.extend(step.removed.iter().map(|file| (*file, false)));
        last_words.extend(step.added.iter().map(|file| (*file, true)));
    }
    actions.extend(last_words.into_iter().map(|(file, is_added)| {
        let name = format!("f{file}");
        if is_added { add(&name) } else { remove(&name) }
    }));
    actions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_version_has_the_files_that_were_added_and_not_removed(
        steps in proptest::collection::vec(step(), 1..12),
        cleaned in 0usize..12,
        hinted in any::<bool>(),
        compactions in proptest::collection::vec((0usize..10, 1usize..6), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let t = TestTable::new();
            let mut active: BTreeSet<u8> = BTreeSet::new();
            let mut versions = Vec::new();
            let mut checkpoints = Vec::new();
            for (version, step) in steps.iter().enumerate() {
                let version = version as u64;
                let mut actions: Vec<Value> = Vec::new();
                if version == 0 {
                    actions.extend([protocol(), metadata()]);
                }
                actions.extend(step.removed.iter().map(|file| remove(&format!("f{file}"))));
                // A file that is both removed and added is in the table.
                actions.extend(step.added.iter().map(|file| add(&format!("f{file}"))));
                t.commit(version, &actions).await;
                active.retain(|file| !step.removed.contains(file));
                active.extend(&step.added);
                if step.checkpoint {
                    let mut actions = vec![protocol(), metadata()];
                    actions.extend(active.iter().map(|file| add(&format!("f{file}"))));
                    t.checkpoint(version, &actions).await;
                    checkpoints.push(version);
                }
                versions.push(active.clone());
            }
            for (first, more) in compactions {
                let last = first + more;
                if let Some(steps) = steps.get(first..=last) {
                    t.compaction(first as u64, last as u64, &compacted(steps, first == 0)).await;
                }
            }
            if hinted && let Some(version) = checkpoints.first() {
                t.hint(*version).await;
            }
            // Log cleanup: what a checkpoint covers may go.
            let earliest = checkpoints.iter().copied().rfind(|v| *v <= cleaned as u64).unwrap_or(0);
            for version in 0..earliest {
                t.delete(&commit_name(version)).await;
            }
            for version in earliest..versions.len() as u64 {
                let at = if version + 1 == versions.len() as u64 {
                    TimeTravel::Latest
                } else {
                    TimeTravel::Version(version)
                };
                let snapshot = t.table.snapshot(at).await.unwrap();
                let expected: Vec<String> =
                    versions[version as usize].iter().map(|file| format!("f{file}")).collect();
                assert_eq!((snapshot.version(), names(&snapshot)), (version, expected));
            }
            let history = t.table.history(None).await.unwrap();
            for record in history {
                let files = versions[record.version as usize].len() as u64;
                assert_eq!(record.num_files.unwrap_or(files), files);
                assert_eq!(record.num_rows.unwrap_or(files * 10), files * 10);
            }
        });
    }
}
