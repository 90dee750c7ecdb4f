//! Random operations on an overlay and on a plain copy of what lies below: each answers alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::memory::InMemory;
use overlay_store::{OverlayStore, Snapshot, journal};
use proptest::prelude::*;

use crate::fixtures::{Below, clock, in_memory};
use crate::operations::{Condition, FOLDERS, KEYS, Operation, operation, run};

/// What happens to an overlay.
#[derive(Debug, Clone)]
enum Step {
    Run(Operation),
    Fork,
    Reset,
    /// Keeps what there is.
    Keep,
    /// Goes back to what was kept last.
    Restore,
    /// Goes on with what the journal holds.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => operation().prop_map(Step::Run),
        1 => Just(Step::Fork),
        1 => Just(Step::Reset),
        1 => Just(Step::Keep),
        2 => Just(Step::Restore),
        2 => Just(Step::Reload),
    ]
}

/// An overlay, its model, and what was kept of both.
struct Pair {
    below: Option<Arc<Below>>,
    initial: InMemory,
    overlay: OverlayStore,
    model: InMemory,
    kept: (Snapshot, InMemory),
    journal: Vec<u8>,
    journalled: Snapshot,
}

impl Pair {
    async fn new(below: Option<&BTreeSet<usize>>) -> Self {
        let keys = below.into_iter().flatten();
        let objects: Vec<_> = keys.map(|key| (KEYS[*key], KEYS[*key])).collect();
        let initial = in_memory(&objects).await;
        let below = below.map(|_| Arc::new(Below::new(initial.fork())));
        Self {
            overlay: overlay(below.as_ref()),
            below,
            model: initial.fork(),
            kept: (Snapshot::default(), initial.fork()),
            initial,
            journal: journal::HEADER.to_vec(),
            journalled: Snapshot::default(),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Run(operation) => return self.run(operation).await,
            Step::Fork => {
                let fork = self.overlay.fork();
                self.overlay.reset();
                self.overlay = fork;
            }
            Step::Reset => {
                self.overlay.reset();
                self.model = self.initial.fork();
            }
            Step::Keep => self.kept = (self.overlay.snapshot(), self.model.fork()),
            Step::Restore => {
                self.overlay.restore(&self.kept.0);
                self.model = self.kept.1.fork();
            }
            Step::Reload => self.reload()?,
        }
        Ok(())
    }

    async fn run(&self, operation: &Operation) -> Result<(), TestCaseError> {
        if let Operation::Rename(from, to) | Operation::RenameIfNotExists(from, to) = operation
            && from == to
        {
            // The model deletes what it renames to its own name.
            return Ok(());
        }
        let answer = run(&self.overlay, operation).await;
        let expected = run(&self.model, operation).await;
        prop_assert_eq!(answer, expected);
        Ok(())
    }

    fn reload(&mut self) -> Result<(), TestCaseError> {
        let now = self.overlay.snapshot();
        for part in journal::record(&self.journalled, &now) {
            self.journal.extend_from_slice(&part);
        }
        let replay = journal::replay(&*self.journal).expect("a journal");
        prop_assert_eq!(replay.length, self.journal.len() as u64);
        prop_assert_eq!(replay.loss, None);
        prop_assert_eq!(replay.snapshot.bytes(), now.bytes());
        prop_assert_eq!(replay.snapshot.changes().len(), now.changes().len());
        self.overlay = overlay(self.below.as_ref());
        self.overlay.restore(&replay.snapshot);
        self.journalled = replay.snapshot;
        Ok(())
    }
}

fn overlay(below: Option<&Arc<Below>>) -> OverlayStore {
    match below {
        Some(below) => OverlayStore::above(below.clone(), clock()),
        None => OverlayStore::new(clock()),
    }
}

fn check(below: Option<&BTreeSet<usize>>, steps: &[Step]) -> Result<(), TestCaseError> {
    futures::executor::block_on(async {
        let mut pair = Pair::new(below).await;
        for step in steps {
            pair.step(step).await?;
            let changes = pair.overlay.changes();
            let size: u64 = changes.iter().map(overlay_store::Change::size).sum();
            prop_assert_eq!(pair.overlay.snapshot().bytes(), size);
            prop_assert_eq!(pair.overlay.is_empty(), changes.is_empty());
        }
        for operation in everything() {
            pair.run(&operation).await?;
        }
        Ok(())
    })
}

/// Reads of all that may be there.
fn everything() -> Vec<Operation> {
    let get = |key| Operation::Get(key, Condition::None, None);
    let mut operations: Vec<_> = (0..KEYS.len()).map(get).collect();
    operations.extend((0..FOLDERS.len()).map(Operation::ListWithDelimiter));
    operations.extend((0..FOLDERS.len()).map(Operation::List));
    operations
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn overlay_answers_as_a_copy_of_the_store_below_would(
        below in prop::option::weighted(0.9, prop::collection::btree_set(0..KEYS.len(), 0..KEYS.len())),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        check(below.as_ref(), &steps)?;
    }
}
