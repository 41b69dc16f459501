//! What holds of any samples in any number of copies, and what they cost.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{pack, unpack};
use crate::clock::Clock;
use crate::model::{
    Answer, Connection, Facts, Link, Lsn, Micros, PostgresFacts, Receiver, Replay, Sample, ServerName, Slot,
    StoreLocation, Unknown,
};
use crate::store::arbitrary;
use crate::store::objects::Put;
use crate::store::payload::Payload;
use crate::store::{Sequence, Spool, Store, key};

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(work)
}

/// Stores samples as one spool file would be; the bytes that it took.
async fn put(store: &Store, number: u64, samples: &[Sample]) -> usize {
    let mut parts: BTreeMap<_, BTreeMap<_, Sample>> = BTreeMap::new();
    for sample in samples {
        let part = parts.entry((sample.vantage.clone(), key::day_of(sample.slot))).or_default();
        part.entry(sample.id()).or_insert_with(|| sample.clone());
    }
    let mut bytes = 0;
    for ((vantage, date), samples) in parts {
        let name = Sample::key(&vantage, date, Sequence { number, session: 7 });
        let content = pack(&samples.into_values().collect::<Vec<_>>()).unwrap();
        bytes += content.len();
        assert_eq!(store.put_if_absent(&name, content).await.unwrap(), Put::Created);
    }
    bytes
}

async fn each_sample(store: &Store, from: Timestamp, to: Timestamp) -> Vec<Sample> {
    let mut samples = Vec::new();
    store.each_sample(from, to, &mut |sample| samples.push(sample)).await.unwrap();
    samples
}

fn is_lost(sample: &Sample) -> bool {
    matches!(sample.answer, Answer::Unknown { why: Unknown::Lost, .. })
}

fn lost(sample: &Sample) -> Sample {
    let answer = Answer::Unknown { why: Unknown::Lost, message: "the slot passed".to_owned() };
    Sample { answer, ..sample.clone() }
}

/// What a reader knows after one more file.
fn learn(known: &mut BTreeMap<<Sample as Payload>::Id, Sample>, file: &[Sample]) {
    let mut first_of_file: BTreeMap<_, &Sample> = BTreeMap::new();
    for sample in file {
        first_of_file.entry(sample.id()).or_insert(sample);
    }
    for (id, sample) in first_of_file {
        if known.get(&id).is_none_or(|known| is_lost(known) && !is_lost(sample)) {
            known.insert(id, sample.clone());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_packed_is_unpacked(samples in prop::collection::vec(arbitrary::sample(), 0..8)) {
        let sorted: BTreeMap<_, Sample> = samples.into_iter().map(|sample| (sample.id(), sample)).collect();
        let samples: Vec<Sample> = sorted.into_values().collect();
        let packed = pack(&samples).unwrap();
        prop_assert_eq!(unpack(packed.clone()).unwrap(), samples.clone());
        prop_assert_eq!(pack(&samples).unwrap(), packed, "the same samples give the same bytes");
    }

    #[test]
    fn copies_in_any_objects_and_spools_are_one_sample(
        samples in prop::collection::vec(arbitrary::sample(), 1..8),
        copies in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..6), 1..5),
        spooled in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4),
        cut in prop::collection::vec(0_i64..260_000_000_000, 2),
    ) {
        let mut known: BTreeMap<_, Sample> = BTreeMap::new();
        let chosen = |picks: &[(prop::sample::Index, bool)]| -> Vec<Sample> {
            let choose = |(pick, as_lost): &(prop::sample::Index, bool)| {
                let sample = pick.get(&samples);
                if *as_lost { lost(sample) } else { sample.clone() }
            };
            picks.iter().map(choose).collect()
        };
        in_runtime(async {
            let folder = tempfile::tempdir().unwrap();
            let on_disk = Store::open(&StoreLocation::Folder(folder.path().join("store"))).unwrap();
            let (spool, _) = Spool::<Sample>::open(&folder.path().join("spool"), &Clock::system()).unwrap();
            let stores = [Store::in_memory(), on_disk].map(|store| store.with_spool(&folder.path().join("spool")));
            for (number, picks) in copies.iter().enumerate() {
                let file = chosen(picks);
                learn(&mut known, &file);
                for store in &stores {
                    put(store, number as u64, &file).await;
                }
            }
            let waiting = chosen(&spooled);
            learn(&mut known, &waiting);
            for sample in &waiting {
                spool.append(sample).await.unwrap();
            }
            let by_day = |sample: &&Sample| (key::day_of(sample.slot), sample.id());
            for store in &stores {
                let read = store.samples(Timestamp::MIN, Timestamp::MAX).await.unwrap();
                assert_eq!(read, known.values().cloned().collect::<Vec<_>>());
                let mut cut: Vec<_> = cut.iter().map(|c| Timestamp::from_microsecond(1_795_000_000_000_000 + c).unwrap()).collect();
                cut.sort();
                let mut expected: Vec<&Sample> =
                    known.values().filter(|sample| cut[0] <= sample.slot && sample.slot < cut[1]).collect();
                expected.sort_by_key(by_day);
                assert_eq!(each_sample(store, cut[0], cut[1]).await.iter().collect::<Vec<_>>(), expected);
            }
        });
    }
}

/// A busy pair as it is seen at 1 Hz: positions, ages and times move, settings do not.
fn busy(server: &str, second: u64) -> Sample {
    let noise = |salt: u64, below: u64| {
        let digest = crate::model::Revision::of(&(second * 31 + salt).to_le_bytes());
        u64::from_str_radix(digest.as_str(), 16).unwrap() % below
    };
    let time = |micros: u64| Timestamp::from_microsecond((1_795_392_000_000_000 + micros) as i64).unwrap();
    let slot = second * 1_000_000 + noise(1, 1_000_000);
    let primary = server == "primary";
    let facts = PostgresFacts {
        at: time(slot + noise(2, 9_000)),
        version: 150_018,
        started: time(0),
        loaded: time(1_234_567),
        in_recovery: !primary,
        read_only: false,
        system: 7_576_123_456_789_012_345,
        timeline: 1,
        position: Some(Lsn(0x300_0060 + second * 4_200 + noise(3, 1_400))),
        received: (!primary).then(|| Lsn(0x300_0060 + second * 4_200 + noise(3, 1_400))),
        sync_names: "FIRST 1 (standby1)".to_owned(),
        sync_commit: "on".to_owned(),
        status_interval: Micros(10_000_000),
        sender_timeout: Micros(60_000_000),
        links: if primary {
            vec![Link {
                name: "standby1".to_owned(),
                state: "streaming".to_owned(),
                sync_state: "sync".to_owned(),
                reply_age: Some(Micros(noise(4, 900_000))),
                reply_ahead: None,
                replay_lag: Some(Micros(noise(5, 4_000))),
                behind: Some(noise(6, 2) * noise(7, 900)),
            }]
        } else {
            Vec::new()
        },
        slots: if primary {
            vec![Slot {
                name: "s1".to_owned(),
                physical: true,
                active: true,
                wal_status: Some("reserved".to_owned()),
                retained: Some(noise(8, 4_000)),
            }]
        } else {
            Vec::new()
        },
        connection: Connection {
            clients: 9 + noise(9, 4) as u32,
            limit: 37,
            login_sessions: Some(4 + noise(10, 4) as u32),
            sync_waiters: u32::from(noise(11, 400) == 0),
            oldest_sync_wait: (noise(11, 400) == 0).then_some(Micros(900)),
            lock_waiters: 0,
            login_commit: None,
        },
        receiver: (!primary).then(|| Receiver {
            status: "streaming".to_owned(),
            slot: Some("s1".to_owned()),
            message_age: Some(Micros(noise(12, 900_000))),
        }),
        replay: (!primary).then(|| Replay {
            pause: "not paused".to_owned(),
            wait: None,
            gap: Some(noise(13, 2) * noise(14, 900)),
            delay: Micros(0),
            last_commit_age: Some(Micros(noise(15, 900_000))),
            archive_only: false,
        }),
        pending_restart: Vec::new(),
    };
    Sample {
        database: "main".parse().unwrap(),
        server: ServerName::new(server).unwrap(),
        vantage: "berlin".parse().unwrap(),
        slot: time(slot),
        started: time(slot + noise(16, 1_500)),
        elapsed: Micros(11_000 + noise(17, 9_000)),
        answer: Answer::Facts(Box::new(Facts::PostgreSql(facts))),
    }
}

/// The figure that `file` tells.
#[test]
fn a_sample_of_a_busy_pair_takes_some_forty_bytes() {
    const MINUTES: u64 = 120;
    let (stored, whole) = in_runtime(async {
        let store = Store::in_memory();
        let (mut stored, mut whole) = (0, 0);
        for minute in 0..MINUTES {
            let seconds = minute * 60..(minute + 1) * 60;
            let samples: Vec<Sample> =
                ["primary", "standby1"].iter().flat_map(|server| seconds.clone().map(|s| busy(server, s))).collect();
            whole += samples.iter().map(|sample| sample.encode().unwrap().len()).sum::<usize>();
            stored += put(&store, minute, &samples).await;
        }
        let read = store.samples(Timestamp::MIN, Timestamp::MAX).await.unwrap();
        let expected: Vec<Sample> =
            ["primary", "standby1"].iter().flat_map(|server| (0..MINUTES * 60).map(|s| busy(server, s))).collect();
        assert_eq!(read, expected);
        (stored, whole)
    });
    let samples = (MINUTES * 60 * 2) as usize;
    let told = format!("{} bytes a sample, {} as JSON", stored / samples, whole / samples);
    assert!(stored < 45 * samples && whole > 800 * samples, "{told}");
}

#[test]
fn what_cannot_be_understood_is_named() {
    let gzip = |text: &str| {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        Bytes::from(encoder.finish().unwrap())
    };
    const KEY: &str = "v1/database/berlin/2026-11-23/000000000001-0000000000000001.jsonl.gz";
    let message = |key: &'static str, content: Bytes| {
        in_runtime(async {
            let store = Store::in_memory();
            store.put_if_absent(key, content).await.unwrap();
            let error = crate::model::chain(&store.samples(Timestamp::MIN, Timestamp::MAX).await.unwrap_err());
            error.replace(
                "the store memory cannot be read as a segment; restore it from a backup, or move it away",
                "..",
            )
        })
    };
    let header = r#"{"doorstep":"samples","version":1,"vantage":"berlin","sections":[{"database":"main","server":"primary","first":"2026-11-23T10:00:00Z","last":"2026-11-23T10:00:01Z","samples":2}]}"#;
    let sample = serde_json::to_string(&lost(&busy("primary", 0))).unwrap();
    let mut torn = pack(&[busy("primary", 0)]).unwrap().to_vec();
    torn.truncate(torn.len() - 9);
    let lines: Vec<String> = [
        (KEY, Bytes::from_static(b"no gzip at all")),
        (KEY, gzip(r#"{"doorstep":"samples","version":2}"#)),
        (KEY, gzip(r#"{"doorstep":"runs","version":1}"#)),
        (KEY, gzip("{}\n")),
        (KEY, gzip(&format!("{header}\n[{sample}]\n"))),
        (KEY, gzip(&format!("{header}\n{{\"slot\":\"2026-11-23T10:00:01Z\"}}\n"))),
        (KEY, Bytes::from(torn)),
        ("v1/database/berlin/2026-11-23/notes.txt", Bytes::new()),
        ("v1/database/berlin/yesterday/x", Bytes::new()),
    ]
    .into_iter()
    .map(|(key, content)| message(key, content))
    .collect();
    insta::assert_snapshot!(lines.join("\n").replace(KEY, "KEY"), @r#"
    KEY in ..: its gzip cannot be read: invalid gzip header
    KEY in the store memory has format version 2, and this version of Doorstep reads up to 1; upgrade Doorstep
    KEY in ..: 'doorstep' holds "runs", which is no valid value
    KEY in ..: line 1 cannot be understood: missing field `doorstep` at line 1 column 2
    KEY in ..: line 3 cannot be understood: EOF while parsing a value at line 1 column 0
    KEY in ..: line 2 amends something that the line before it does not have
    KEY in ..: its gzip cannot be read: incomplete deflate stream
    v1/database/berlin/2026-11-23/notes.txt in the store memory does not belong there; move it away: expected 'v1/database/<vantage>/<yyyy-mm-dd>/<12 digits>-<16 hex digits>.jsonl.gz', found 'v1/database/berlin/2026-11-23/notes.txt'
    v1/database/berlin/yesterday in the store memory does not belong there; move it away: expected 'v1/database/<vantage>/<yyyy-mm-dd>', found 'v1/database/berlin/yesterday'
    "#);
}
