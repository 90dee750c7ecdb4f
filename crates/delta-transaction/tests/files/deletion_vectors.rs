//! Deletion vectors: what is written, delta-log reads back.

use std::collections::BTreeSet;

use delta_log::DeletionVector;
use delta_transaction::{inline_deletion_vector, write_deletion_vectors};
use futures::executor::block_on;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use crate::table::{Counted, TestTable, column};

fn table(configuration: Value) -> TestTable {
    TestTable::new(&[column("a", json!("long"))], &[], configuration)
}

async fn write(table: &TestTable, vectors: &[&RoaringTreemap]) -> Vec<DeletionVector> {
    let (store, root) = (table.store.clone(), table.root.clone());
    let environment = Counted::default();
    write_deletion_vectors(&table.layout, store, root, &environment, vectors)
        .await
        .unwrap()
}

/// Rows of a file: some, ranges of them, and far ones.
fn rows() -> impl Strategy<Value = BTreeSet<u64>> {
    prop_oneof![
        btree_set(0u64..200_000, 1..50),
        (0u64..100_000, 1u64..70_000).prop_map(|(start, len)| (start..start + len).collect()),
        btree_set(0u64..=i64::MAX as u64, 1..10),
        Just(BTreeSet::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn vectors_name_the_rows_that_they_were_made_of(
        sets in vec(rows(), 1..6),
        is_random in any::<bool>(),
    ) {
        let table = table(json!({"delta.randomizeFilePrefixes": is_random.to_string()}));
        let vectors: Vec<RoaringTreemap> = sets.iter().map(|rows| rows.iter().copied().collect()).collect();
        block_on(async {
            let descriptors = write(&table, &vectors.iter().collect::<Vec<_>>()).await;
            prop_assert_eq!(descriptors.len(), sets.len());
            prop_assert_eq!(table.keys().await.len(), 1);
            for (descriptor, rows) in descriptors.iter().zip(&sets) {
                let read = table.deleted_rows(descriptor).await;
                prop_assert!(read.iter().eq(rows));
            }
            for (vector, rows) in vectors.iter().zip(&sets) {
                let read = table.deleted_rows(&inline_deletion_vector(vector).unwrap()).await;
                prop_assert!(read.iter().eq(rows));
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn files_of_vectors_have_a_size() {
    let table = table(json!({}));
    // Every other row: a bitmap, which does not compress.
    let large: RoaringTreemap = (0..10_000_000).step_by(2).collect();
    let small: RoaringTreemap = [7].into_iter().collect();
    let descriptors = write(&table, &[&large, &large, &small, &large]).await;
    let names: BTreeSet<&str> = descriptors
        .iter()
        .map(|vector| vector.path_or_inline_dv.as_str())
        .collect();
    assert_eq!((names.len(), table.keys().await.len()), (2, 2));
    assert_eq!(descriptors[2].offset, Some(1));
    assert_eq!(table.deleted_rows(&descriptors[2]).await, [7]);
    assert_eq!(table.deleted_rows(&descriptors[3]).await.len(), 5_000_000);
}

#[tokio::test]
async fn row_that_java_would_read_as_negative_is_refused() {
    let table = table(json!({}));
    let vector: RoaringTreemap = [i64::MAX as u64 + 1].into_iter().collect();
    assert!(inline_deletion_vector(&vector).is_err());
    let environment = Counted::default();
    let (store, root) = (table.store.clone(), table.root.clone());
    let refused =
        write_deletion_vectors(&table.layout, store, root, &environment, &[&vector]).await;
    assert!(refused.is_err());
    assert_eq!(table.keys().await, Vec::<String>::new());
}
