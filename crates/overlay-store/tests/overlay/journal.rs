//! Journals: whole, cut at each byte, damaged at each byte.

use std::io::{self, Read};

use object_store::ObjectStoreExt;
use overlay_store::journal::{self, LossKind};
use overlay_store::{Change, OverlayStore, Snapshot};
use proptest::prelude::*;

use crate::fixtures::{above, path, put};

/// What a snapshot tells: of each change, what it is and its size.
type Told = Vec<(String, u64)>;

/// A journal with the lengths after its header and each record, and the state then.
struct Kept {
    bytes: Vec<u8>,
    states: Vec<(usize, Told)>,
}

impl Kept {
    /// The length and the state after the last record that ends within `length`.
    fn at(&self, length: usize) -> (u64, usize, Told) {
        let Some(found) = self.states.iter().rposition(|(end, _)| *end <= length) else {
            return (0, 0, Told::new());
        };
        let (end, state) = &self.states[found];
        (*end as u64, found, state.clone())
    }
}

fn told(snapshot: &Snapshot) -> Told {
    let tell = |change: &Change| (format!("{:?}", kind(change)), change.size());
    snapshot.changes().iter().map(tell).collect()
}

fn kind(change: &Change) -> (&'static str, String, Option<i64>) {
    match change {
        Change::Put(object) => (
            "put",
            object.location.to_string(),
            object.last_modified.timestamp_nanos_opt(),
        ),
        Change::Deleted(path) => ("deleted", path.to_string(), None),
    }
}

async fn kept() -> (Kept, OverlayStore) {
    let overlay = above(&[("t/0.json", "old")]).await;
    let mut journal = Kept {
        bytes: journal::HEADER.to_vec(),
        states: vec![(journal::HEADER.len(), Vec::new())],
    };
    let mut last = Snapshot::default();
    let mut keep = |overlay: &OverlayStore| {
        let now = overlay.snapshot();
        let parts = journal::record(&last, &now);
        parts
            .iter()
            .for_each(|part| journal.bytes.extend_from_slice(part));
        journal.states.push((journal.bytes.len(), told(&now)));
        last = now;
    };
    put(&overlay, "t/ü.parquet", "data").await;
    put(&overlay, "t/1.json", "").await;
    keep(&overlay);
    let before = overlay.snapshot();
    overlay.delete(&path("t/0.json")).await.unwrap();
    put(&overlay, "t/1.json", "other").await;
    keep(&overlay);
    overlay.restore(&before);
    keep(&overlay);
    put(&overlay, "t/2.json", "more").await;
    keep(&overlay);
    (journal, overlay)
}

#[tokio::test]
async fn a_journal_gives_back_what_was_kept() {
    let (kept, overlay) = kept().await;
    let replay = journal::replay(&*kept.bytes).unwrap();
    assert_eq!(replay.records, 4);
    assert_eq!(replay.length, kept.bytes.len() as u64);
    assert_eq!(replay.loss, None);
    assert_eq!(told(&replay.snapshot), told(&overlay.snapshot()));
    let again = above(&[]).await;
    again.restore(&replay.snapshot);
    for change in overlay.changes() {
        let data = |store: OverlayStore, path| async move {
            store.get(&path).await.unwrap().bytes().await.unwrap()
        };
        let path = change.path();
        assert_eq!(
            data(overlay.clone(), path.clone()).await,
            data(again.clone(), path.clone()).await
        );
    }
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_gives_its_whole_records_and_tells_the_loss() {
    let (kept, _) = kept().await;
    for length in 0..=kept.bytes.len() {
        let replay = journal::replay(&kept.bytes[..length]).unwrap();
        let (end, records, state) = kept.at(length);
        assert_eq!(replay.length, end, "cut at {length}");
        assert_eq!(replay.records, records as u64, "cut at {length}");
        assert_eq!(told(&replay.snapshot), state, "cut at {length}");
        let lost = length as u64 - end;
        let loss = replay.loss.map(|loss| (loss.kind, loss.bytes));
        let expected = (lost > 0).then_some((LossKind::Cut, lost));
        assert_eq!(loss, expected, "cut at {length}");
    }
}

#[tokio::test]
async fn a_journal_damaged_at_any_byte_gives_the_records_before() {
    let (kept, _) = kept().await;
    for at in journal::HEADER.len()..kept.bytes.len() {
        for bit in 0..8 {
            let mut bytes = kept.bytes.clone();
            bytes[at] ^= 1 << bit;
            let replay = journal::replay(&*bytes).unwrap();
            let (end, records, state) = kept.at(at);
            assert_eq!(replay.length, end, "damaged at {at}");
            assert_eq!(replay.records, records as u64, "damaged at {at}");
            assert_eq!(told(&replay.snapshot), state, "damaged at {at}");
            let loss = replay.loss.unwrap();
            assert_eq!(loss.bytes, bytes.len() as u64 - end, "damaged at {at}");
        }
    }
}

proptest! {
    /// A body that is no list of changes, under a checksum that is right.
    #[test]
    fn a_record_of_anything_is_taken_as_a_whole_or_not_at_all(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            prop::collection::vec(0..4u8, 0..60),
        ],
    ) {
        let length = (body.len() as u64).to_le_bytes();
        let checksum = crc32fast::hash(&[&length[..], &body].concat()).to_le_bytes();
        let bytes = [&journal::HEADER[..], &length, &checksum, &body].concat();
        let replay = journal::replay(&*bytes).unwrap();
        let whole = replay.loss.is_none();
        prop_assert_eq!(replay.records, u64::from(whole));
        prop_assert!(whole || replay.snapshot.is_empty());
        prop_assert!(whole || replay.loss.unwrap().kind == LossKind::Damaged);
    }
}

#[tokio::test]
async fn zeros_behind_the_last_record_are_no_records() {
    let (kept, _) = kept().await;
    for zeros in 1..40 {
        let mut bytes = kept.bytes.clone();
        bytes.resize(bytes.len() + zeros, 0);
        let replay = journal::replay(&*bytes).unwrap();
        assert_eq!(replay.length, kept.bytes.len() as u64);
        assert_eq!(replay.loss.unwrap().bytes, zeros as u64);
    }
}

#[tokio::test]
async fn appending_after_a_loss_goes_on_from_what_is_left() {
    let (kept, _) = kept().await;
    let mut bytes = kept.bytes[..kept.bytes.len() - 1].to_vec();
    let replay = journal::replay(&*bytes).unwrap();
    bytes.truncate(replay.length as usize);
    let overlay = above(&[]).await;
    overlay.restore(&replay.snapshot);
    put(&overlay, "t/3.json", "3").await;
    for part in journal::record(&replay.snapshot, &overlay.snapshot()) {
        bytes.extend_from_slice(&part);
    }
    let replay = journal::replay(&*bytes).unwrap();
    assert_eq!(replay.loss, None);
    assert_eq!(told(&replay.snapshot), told(&overlay.snapshot()));
}

#[tokio::test]
async fn what_has_not_changed_is_no_record_and_what_has_is_not_copied() {
    let overlay = above(&[]).await;
    let before = overlay.snapshot();
    assert!(journal::record(&before, &overlay.snapshot()).is_empty());
    let data = bytes::Bytes::from(vec![7; 1000]);
    overlay.put(&path("a"), data.clone().into()).await.unwrap();
    let record = journal::record(&before, &overlay.snapshot());
    assert!(record.iter().any(|part| part.as_ptr() == data.as_ptr()));
    // Back where it was: nothing to keep.
    overlay.restore(&before);
    assert!(journal::record(&before, &overlay.snapshot()).is_empty());
}

#[tokio::test]
async fn what_is_no_journal_or_a_later_one_is_refused() {
    let refused = |bytes: &[u8]| journal::replay(bytes).unwrap_err().to_string();
    assert_eq!(refused(b"PAR1"), "this is no journal of an overlay");
    assert_eq!(
        refused(b"LGOVERL\x02and so on"),
        "the journal has version 2 of the format; version 1 is known"
    );
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("torn"))
        }
    }
    let header = journal::HEADER;
    let error = journal::replay(header.chain(Broken)).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the journal: torn");
}

#[test]
fn a_loss_says_what_is_lost() {
    let cut = journal::replay(&journal::HEADER[..3])
        .unwrap()
        .loss
        .unwrap();
    assert_eq!(
        cut.to_string(),
        "the last 3 bytes of the journal are lost: what was kept last had not been written to its end"
    );
}
