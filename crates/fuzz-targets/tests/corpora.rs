//! The corpora of `fuzz`, as they are and damaged at random.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use fuzz_targets::TARGETS;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};

/// The files of a target's corpus, by name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A sidecar has file actions alone, and a checkpoint is not one without its protocol.
const SIDECAR: (&str, &str) = ("checkpoint", "sidecar.parquet");

/// The corpora hold valid inputs: a target that refuses them never gets to what it is to find.
#[test]
fn every_input_of_the_corpora_is_accepted() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
        for (input, bytes) in inputs {
            let read = target(&bytes);
            if (name, &*input) == SIDECAR {
                let refused = read.unwrap_err();
                assert!(refused.ends_with("it has no protocol"), "{refused}");
            } else {
                assert_eq!(read, Ok(()), "{name}/{input}");
            }
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
        // What text survives now and then: bytes at random are hardly ever UTF-8.
        prop::sample::select(vec![" ", "\n", "0", "7", "a", "", "--", ","])
            .prop_map(|text| text.as_bytes().to_vec()),
        // Sizes and counts that are out of the ordinary.
        prop::sample::select(vec![
            vec![0xff; 4],
            vec![0; 4],
            vec![0xff, 0xff, 0xff, 0x7f],
            vec![0x80; 10]
        ]),
    ];
    // Often nothing goes: what is only longer may still be read.
    let gone = prop_oneof![Just(0), 0usize..9];
    (any::<prop::sample::Index>(), gone, bytes)
}

#[test]
fn damaged_inputs_come_to_an_end() {
    for (name, target) in TARGETS {
        let inputs: Vec<_> = corpus(name).into_values().collect();
        let (accepted, refused) = (Cell::new(0), Cell::new(0));
        let config = Config {
            cases: 300,
            failure_persistence: None,
            ..Config::default()
        };
        let damaged = (0..inputs.len(), prop::collection::vec(edit(), 1..3));
        // The same damage on every machine: what is counted below must not depend on luck. New
        // damage is what cargo-fuzz looks for.
        let rng = TestRng::deterministic_rng(config.rng_algorithm);
        let result = TestRunner::new_with_rng(config, rng).run(&damaged, |(which, edits)| {
            let mut bytes = inputs[which].clone();
            for (at, gone, come) in edits {
                let start = at.index(bytes.len() + 1);
                let end = bytes.len().min(start + gone);
                bytes.splice(start..end, come);
            }
            let count = if target(&bytes).is_ok() {
                &accepted
            } else {
                &refused
            };
            count.set(count.get() + 1);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
        // Damage that always or never shows would exercise half of the code.
        assert!(
            accepted.get() > 0 && refused.get() > 0,
            "{name}: {accepted:?} accepted, {refused:?} refused"
        );
    }
}
