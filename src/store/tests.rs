//! What holds of any runs in any number of copies, in segments of any size.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::key::{DAY, LIVE, day_of};
use super::objects::Put;
use super::{Columns, Row, RunFilter, SegmentKey, Sequence, Store, arbitrary, segment};
use crate::model::{Micros, Run, RunId, Verdict};

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Stores runs as one spool file would be: a segment for each vantage and day. The largest segment's size.
async fn put(store: &Store, number: u64, runs: &[Run]) -> usize {
    let mut parts: BTreeMap<_, Vec<Run>> = BTreeMap::new();
    for run in runs {
        parts.entry((run.vantage.clone(), day_of(run.slot))).or_default().push(run.clone());
    }
    let mut largest = 0;
    for ((vantage, date), runs) in parts {
        let key = SegmentKey { vantage, date, sequence: Sequence { number, session: 7 } };
        let content = segment::encode(&runs).unwrap();
        largest = largest.max(content.len());
        assert_eq!(store.put_if_absent(&key.to_string(), content).await.unwrap(), Put::Created);
    }
    largest
}

async fn read(store: &Store, columns: Columns) -> (Vec<Row>, super::ReadSummary) {
    let mut rows = Vec::new();
    let summary = store.read(&RunFilter::everything(), columns, &mut |row| rows.push(row)).await.unwrap();
    (rows, summary)
}

fn is_lost(run: &Run) -> bool {
    matches!(run.verdict, Verdict::Lost(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn copies_in_any_segments_are_one_run(
        runs in prop::collection::vec(arbitrary::run(), 1..12),
        copies in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..8), 1..5),
    ) {
        let mut first: BTreeMap<RunId, Run> = BTreeMap::new();
        let mut stored = 0;
        let (summary, rows, one_by_one) = in_runtime(async {
            let store = Store::in_memory();
            for (number, picks) in copies.iter().enumerate() {
                let mut of_segment: BTreeMap<RunId, Run> = BTreeMap::new();
                for (pick, missed) in picks {
                    let mut run = pick.get(&runs).clone();
                    if *missed {
                        run.verdict = Verdict::Lost(crate::model::LostClass::MissedSlot);
                    }
                    of_segment.entry(run.id).or_insert(run);
                }
                stored += of_segment.len();
                for run in of_segment.values() {
                    let better = first.get(&run.id).is_none_or(|known| is_lost(known) && !is_lost(run));
                    if better {
                        first.insert(run.id, run.clone());
                    }
                }
                put(&store, number as u64, &of_segment.into_values().collect::<Vec<_>>()).await;
            }
            let (rows, summary) = read(&store, Columns::Everything).await;
            // The same runs without copies, each in a segment of its own, in another order.
            let other = Store::in_memory();
            for (number, run) in first.values().rev().enumerate() {
                put(&other, number as u64, std::slice::from_ref(run)).await;
            }
            for run in first.values() {
                assert_eq!(store.find(run.id).await.unwrap().as_ref(), Some(run));
            }
            (summary, rows, other.revision(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap())
        });
        prop_assert_eq!(rows.len(), first.len());
        prop_assert_eq!(summary.duplicates as usize, stored - first.len());
        let read: BTreeMap<_, _> = rows.into_iter().map(|row| (row.run.id, row.run)).collect();
        prop_assert_eq!(&read, &first);
        prop_assert_eq!(summary.revision, one_by_one);
    }
}

/// What happens to a store.
#[derive(Debug, Clone)]
enum Event {
    /// A spool file is shipped, each run whole or as one that was missed; late, early, or once more.
    Shipped(u64, Vec<(prop::sample::Index, bool)>),
    /// Everything is compacted; the process is killed before the request of this number, if it comes to so many.
    Compacted(Option<u64>),
}

fn event() -> impl Strategy<Value = Event> {
    let picks = prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.2)), 1..8);
    prop_oneof![
        3 => (0..40_u64, picks).prop_map(|(number, picks)| Event::Shipped(number, picks)),
        3 => prop::option::weighted(0.8, 0..25_u64).prop_map(Event::Compacted)
    ]
}

async fn compact_all(store: &Store) -> Result<(), super::Error> {
    for (vantage, date) in store.uncompacted(&[], jiff::civil::Date::MAX).await? {
        store.compact(&vantage, date).await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whenever_compaction_is_killed_each_run_is_read_once(
        runs in prop::collection::vec(arbitrary::run(), 1..12),
        events in prop::collection::vec(event(), 1..12),
    ) {
        let (mut known, mut shipped): (BTreeMap<RunId, Run>, BTreeMap<u64, Vec<Run>>) = Default::default();
        in_runtime(async {
            let store = Store::in_memory();
            for event in &events {
                match event {
                    Event::Shipped(number, picks) => {
                        let fresh = || {
                            let pick = |(index, missed): &(prop::sample::Index, bool)| {
                                let run = index.get(&runs);
                                let missed_slot = Verdict::Lost(crate::model::LostClass::MissedSlot);
                                let verdict = if *missed && !is_lost(run) { missed_slot } else { run.verdict };
                                (run.id, Run { verdict, ..run.clone() })
                            };
                            picks.iter().map(pick).collect::<BTreeMap<_, _>>().into_values().collect()
                        };
                        // A file that comes again holds what it held.
                        let content = shipped.entry(*number).or_insert_with(fresh);
                        for run in content.iter() {
                            if known.get(&run.id).is_none_or(|known| is_lost(known) && !is_lost(run)) {
                                known.insert(run.id, run.clone());
                            }
                        }
                        put_again(&store, *number, content).await;
                    }
                    Event::Compacted(killed) => {
                        store.requests_left.store(killed.unwrap_or(u64::MAX), std::sync::atomic::Ordering::SeqCst);
                        let ended = compact_all(&store).await;
                        store.requests_left.store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
                        assert!(killed.is_some() || ended.is_ok(), "{ended:?}");
                    }
                }
                let (rows, summary) = read(&store, Columns::Everything).await;
                assert_eq!(rows.len(), known.len());
                let read: BTreeMap<_, _> = rows.into_iter().map(|row| (row.run.id, row.run)).collect();
                assert_eq!(read, known);
                let other = Store::in_memory();
                put(&other, 0, &known.values().cloned().collect::<Vec<_>>()).await;
                assert_eq!(summary.revision, super::tests::read(&other, Columns::Summary).await.1.revision);
            }
            compact_all(&store).await.unwrap();
            assert!(store.list(LIVE).await.unwrap().is_empty(), "everything is compacted");
            assert_eq!(read(&store, Columns::Everything).await.1.duplicates, 0, "no run is in two files");
            let days: std::collections::BTreeSet<_> =
                known.values().map(|run| (run.vantage.clone(), day_of(run.slot))).collect();
            assert_eq!(store.list(DAY).await.unwrap().len(), days.len(), "one file for each day, older ones removed");
            for run in known.values() {
                assert_eq!(store.find(run.id).await.unwrap().as_ref(), Some(run));
            }
        });
    }
}

/// As [`put`], of a spool file that may have been shipped before.
async fn put_again(store: &Store, number: u64, runs: &[Run]) {
    let mut parts: BTreeMap<_, Vec<Run>> = BTreeMap::new();
    for run in runs {
        parts.entry((run.vantage.clone(), day_of(run.slot))).or_default().push(run.clone());
    }
    for ((vantage, date), runs) in parts {
        let key = SegmentKey { vantage, date, sequence: Sequence { number, session: 7 } };
        store.put_if_absent(&key.to_string(), segment::encode(&runs).unwrap()).await.unwrap();
    }
}

/// Large segments are read in parts: only the columns that are asked for.
#[test]
fn a_large_segment_reads_as_a_small_one_does() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let sample = arbitrary::run().new_tree(&mut runner).unwrap().current();
    let runs: Vec<Run> = (0..3_000_u64)
        .map(|number| {
            let mut run = sample.clone();
            run.attempt = number as u16;
            run.id = RunId::new(run.kind, &run.flow, &run.vantage, run.slot, run.attempt);
            // Digits of a hash do not compress away.
            let noise = |salt: u64| digits(number * 16 + salt);
            run.elapsed = Micros(number);
            run.failure = Some(crate::model::Failure { step: None, phase: None, message: (0..8).map(noise).collect() });
            run
        })
        .collect();
    in_runtime(async {
        let store = Store::in_memory();
        let size = put(&store, 0, &runs).await;
        assert!(size > 400 << 10, "{size} bytes are fetched whole");
        for columns in [Columns::Summary, Columns::Timings, Columns::Everything] {
            let (rows, summary) = read(&store, columns).await;
            assert_eq!(summary.runs, 3_000);
            let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.run.id, row)).collect();
            assert!(runs.iter().all(|run| rows[&run.id] == Row::of(run.clone(), columns)), "{columns:?}");
        }
        assert_eq!(store.find(runs[1_234].id).await.unwrap().as_ref(), Some(&runs[1_234]));
    });
}

/// Sixteen hex digits that look random.
fn digits(number: u64) -> String {
    crate::model::Revision::of(&number.to_le_bytes()).to_string()
}

#[test]
fn what_cannot_be_understood_is_named() {
    let message = |key: &'static str, content: &'static [u8]| {
        in_runtime(async {
            let store = Store::in_memory();
            store.put_if_absent(key, Bytes::from_static(content)).await.unwrap();
            let error = store.read(&RunFilter::everything(), Columns::Summary, &mut drop).await.unwrap_err();
            error.to_string()
        })
    };
    assert_eq!(
        message("v1/live/berlin/2026-11-23/000000000001-0000000000000001.parquet", b"no parquet at all"),
        "v1/live/berlin/2026-11-23/000000000001-0000000000000001.parquet in the store memory cannot be read as a \
         segment; restore it from a backup, or move it away"
    );
    assert_eq!(
        message("v1/live/berlin/2026-11-23/notes.txt", b"hello"),
        "v1/live/berlin/2026-11-23/notes.txt in the store memory does not belong there; move it away"
    );
    assert_eq!(
        message("v1/live/berlin/yesterday/x", b"hello"),
        "v1/live/berlin/yesterday in the store memory does not belong there; move it away"
    );
}

#[test]
fn a_declaration_of_a_later_version_is_refused() {
    let error = in_runtime(async {
        let store = Store::in_memory();
        let key = "v1/schedule/berlin/1795428000000001-00112233445566ff.json";
        store.put_if_absent(key, Bytes::from_static(b"{\"version\": 2}")).await.unwrap();
        store.declarations(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap_err()
    });
    assert_eq!(
        error.to_string(),
        "v1/schedule/berlin/1795428000000001-00112233445566ff.json has format version 2, and this version of Doorstep \
         reads up to 1; upgrade Doorstep"
    );
}

#[test]
fn a_declaration_from_before_there_were_databases_is_read() {
    let old = r#"{"version": 1, "declaration": {"vantage": "berlin", "labels": {}, "from": "2026-11-23T10:00:00Z",
        "flows": [{"schedule": {"flow": "shop", "kind": "login", "interval": {"secs": 60, "nanos": 0},
        "vantages": ["berlin"]}, "revision": "00112233445566ff"}]}}"#;
    let read = in_runtime(async {
        let store = Store::in_memory();
        let key = "v1/schedule/berlin/1795428000000001-00112233445566ff.json";
        store.put_if_absent(key, Bytes::from_static(old.as_bytes())).await.unwrap();
        store.declarations(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap()
    });
    assert_eq!((read.len(), read[0].flows.len(), read[0].databases.len()), (1, 1, 0));
    // One without databases is written as it was, so that declaring it again is the same object.
    assert!(!serde_json::to_string(&read[0]).unwrap().contains("databases"));
}
