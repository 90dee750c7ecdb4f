//! Random damage to any file of a table.

use anyhow::{Context, Result, bail, ensure};
use lakeglass_tests::golden_table;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::lake::{Lake, ROWS};

/// Commits, checkpoints of every kind, compactions, deletion vectors, nested data, variants,
/// partitions, widened types; and change data, with and without files of its own.
const TABLES: [(&str, &str); 16] = [
    ("dat-all_primitive_types", ROWS),
    ("dat-basic_partitioned", ROWS),
    ("kjava-basic-with-checkpoint", ROWS),
    ("golden-data-reader-array-complex-objects", ROWS),
    ("golden-type-widening", ROWS),
    ("golden-v2-checkpoint-json", ROWS),
    ("golden-v2-checkpoint-parquet", ROWS),
    ("kjava-kernel-pagination-multi-part-checkpoints", ROWS),
    ("kjava-basic-dv-with-checkpoint", ROWS),
    ("kjava-spark-shredded-variant-preview-delta", ROWS),
    ("krs-compacted-log-files-table", ROWS),
    ("krs-with-short-dv", ROWS),
    ("rs-table-with-dv-small", ROWS),
    ("krs-cdf-table-delete-conditional-two-rows", CHANGES),
    ("krs-cdf-table-partitioned", CHANGES),
    ("krs-compacted-log-files-table", CHANGES),
];

/// Without the time of a commit, which for these tables is that of its file, damaged or not.
const CHANGES: &str =
    "SELECT * EXCEPT (_commit_timestamp) FROM table_changes('delta.`s3a://lake/t`', 0)";

#[derive(Debug, Clone)]
enum Damage {
    /// Bytes from here on are gone.
    Truncate(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Zero(prop::sample::Index, usize),
    /// Bytes that are there twice.
    Repeat(prop::sample::Index, usize),
    /// Another file of the table in its place.
    Swap(prop::sample::Index),
    Delete,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        2 => at().prop_map(Damage::Truncate),
        4 => (at(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (at(), 1usize..64).prop_map(|(at, length)| Damage::Zero(at, length)),
        1 => (at(), 1usize..64).prop_map(|(at, length)| Damage::Repeat(at, length)),
        2 => at().prop_map(Damage::Swap),
        1 => Just(Damage::Delete),
    ]
}

/// Whether the format itself tells when this happened: nothing in a commit or a Parquet file covers
/// the values in it, so that other values of the same shape are another file, not a broken one.
fn is_told(file: &str, damage: &Damage, same_size: bool) -> bool {
    match damage {
        Damage::Truncate(_) | Damage::Delete => !file.starts_with("_delta_log/"),
        Damage::Flip(..) | Damage::Zero(..) | Damage::Repeat(..) => file.ends_with(".bin"),
        Damage::Swap(_) if file.ends_with(".bin") => true,
        Damage::Swap(_) => !file.starts_with("_delta_log/") && !same_size,
    }
}

async fn check(
    (table, sql): (&str, &str),
    file: &prop::sample::Index,
    damage: &Damage,
) -> Result<()> {
    let lake = Lake::of(golden_table(table)?.path()).await?;
    let before = lake.query(sql).await?.map_err(anyhow::Error::msg)?;
    let files = lake.files().await?;
    let file: &String = file.get(&files[..]);
    let bytes = lake.read(file).await?;
    if bytes.is_empty() {
        return Ok(());
    }
    let mut damaged = bytes.clone();
    match damage {
        Damage::Truncate(at) => damaged.truncate(at.index(bytes.len())),
        Damage::Flip(at, bit) => damaged[at.index(bytes.len())] ^= 1 << bit,
        Damage::Zero(at, length) => {
            let start = at.index(bytes.len());
            let end = bytes.len().min(start + length);
            damaged[start..end].fill(0);
        }
        Damage::Repeat(at, length) => {
            let start = at.index(bytes.len());
            let end = bytes.len().min(start + length);
            damaged.splice(start..start, bytes[start..end].iter().copied());
        }
        Damage::Swap(other) => damaged = lake.read(&files[other.index(files.len())]).await?,
        Damage::Delete => lake.delete(file).await?,
    }
    let deleted = matches!(damage, Damage::Delete);
    let same = damaged == bytes && !deleted;
    let same_size = damaged.len() == bytes.len();
    if !deleted {
        lake.put(file, damaged).await?;
    }
    match lake.query(sql).await.with_context(|| file.clone())? {
        Ok(rows) if rows == before => Ok(()),
        Ok(rows) if same || is_told(file, damage, same_size) => {
            bail!(
                "{file}: {} rows, other than the {} before",
                rows.len(),
                before.len()
            )
        }
        Ok(_) => Ok(()),
        Err(message) => {
            ensure!(message.len() > 20, "{file}: {message}");
            ensure!(!message.contains("INTERNAL_ERROR"), "{file}: {message}");
            Ok(())
        }
    }
}

fn config() -> Config {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 200;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(4);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_damage_ends_in_an_error_or_changes_nothing_that_is_covered(
        table in 0..TABLES.len(),
        file in any::<prop::sample::Index>(),
        damage in damage(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let checked = runtime.block_on(check(TABLES[table], &file, &damage));
        prop_assert!(checked.is_ok(), "{:?}: {:#}", TABLES[table], checked.unwrap_err());
    }
}
