//! The corpora of `fuzz`, as they are and damaged at random.

use std::path::Path;

use fuzz_targets::TARGETS;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The files of a target's corpus, sorted.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn every_input_of_the_corpora_comes_to_an_end() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
        for input in inputs {
            target(&input);
        }
    }
}

/// A change of some bytes: where, how many of them go, and what comes.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edit() -> impl Strategy<Value = Edit> {
    let bytes = prop_oneof![
        any::<Vec<u8>>().prop_map(|mut bytes| {
            bytes.truncate(8);
            bytes
        }),
        // Sizes and counts that are out of the ordinary.
        prop::sample::select(vec![
            vec![0xff; 4],
            vec![0; 4],
            vec![0xff, 0xff, 0xff, 0x7f],
            vec![0x80; 10]
        ]),
    ];
    (any::<prop::sample::Index>(), 0usize..9, bytes)
}

#[test]
fn damaged_inputs_come_to_an_end() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        let config = Config {
            cases: 300,
            failure_persistence: None,
            ..Config::default()
        };
        let damaged = (0..inputs.len(), prop::collection::vec(edit(), 1..4));
        let result = TestRunner::new(config).run(&damaged, |(which, edits)| {
            let mut bytes = inputs[which].clone();
            for (at, gone, come) in edits {
                let start = at.index(bytes.len() + 1);
                let end = bytes.len().min(start + gone);
                bytes.splice(start..end, come);
            }
            target(&bytes);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
