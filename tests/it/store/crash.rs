//! Kill -9, again and again: each run, and each sample, that was acknowledged is read exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{Run, RunId, Sample, StoreLocation};
use doorstep::store::{Spool, Store};

use super::support::*;

/// Set for the process that is killed: the folder it works in, and the number of its first run.
const FOLDER: &str = "DOORSTEP_TEST_CRASH_FOLDER";
const FIRST: &str = "DOORSTEP_TEST_CRASH_FIRST";
/// Slots kept free for each process.
const PER_ROUND: u64 = 1_000_000;
const ROUNDS: u64 = 20;

fn store(folder: &Path) -> Store {
    Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap()
}

/// Records runs from eight tasks, and samples from two, and ships at the same time, until it is killed. Tells each run and
/// sample that was acknowledged.
async fn work_until_killed(folder: &Path, first: u64) {
    let (spool, recovery) = Spool::<Run>::open(&folder.join("spool"), &Clock::system()).unwrap();
    tell(&format!("recovery {recovery}"));
    let (samples, _) = Spool::<Sample>::open(&folder.join("spool"), &Clock::system()).unwrap();
    let shippers = (shipper(&spool, &store(folder)), shipper(&samples, &store(folder)));
    tokio::spawn(async move {
        loop {
            for shipped in [shippers.0.ship_all().await, shippers.1.ship_all().await] {
                assert!(shipped.errors.is_empty(), "{:?}", shipped.errors);
            }
            tell("shipped");
        }
    });
    for task in 0..2 {
        let samples = samples.clone();
        tokio::spawn(async move {
            for number in (first + task..first + PER_ROUND).step_by(2) {
                samples.append(&sample("berlin", number)).await.unwrap();
                tell(&format!("learned {number}"));
            }
        });
    }
    let compacted = store(folder);
    tokio::spawn(async move {
        loop {
            compact_all(&compacted).await;
            tell("compacted");
        }
    });
    let tasks = (0..8).map(|task| {
        let spool = spool.clone();
        tokio::spawn(async move {
            for number in (first + task..first + PER_ROUND).step_by(8) {
                let run = run("berlin", number);
                spool.append(&run).await.unwrap();
                tell(&format!("ack {number}"));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// One line, whole, at once.
fn tell(line: &str) {
    std::io::stdout().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

fn random(below: u64) -> u64 {
    RandomState::new().hash_one(()) % below
}

fn start(folder: &Path, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::crash::every_acknowledged_run_survives_twenty_kills", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the process some time after it has acknowledged some runs, and returns the numbers of all runs and of all samples
/// that it acknowledged.
fn kill_at_random(mut process: Child) -> (Vec<u64>, Vec<u64>) {
    let wait_for = 1 + random(60);
    let (mut acknowledged, mut learned) = (Vec::new(), Vec::new());
    let mut killed = false;
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        // The last line may be torn.
        let Ok(line) = line else { break };
        let number = |prefix: &str| line.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok());
        acknowledged.extend(number("ack "));
        learned.extend(number("learned "));
        if !killed && acknowledged.len() as u64 >= wait_for {
            // Anywhere between two acknowledgements, also in the middle of a sync or of shipping.
            std::thread::sleep(Duration::from_micros(random(20_000)));
            process.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the process ended before it was killed, after {} runs", acknowledged.len());
    process.wait().unwrap();
    (acknowledged, learned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_run_survives_twenty_kills() {
    if let (Some(folder), Ok(first)) = (std::env::var_os(FOLDER), std::env::var(FIRST)) {
        return work_until_killed(Path::new(&folder), first.parse().unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut learned) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        let process = start(folder.path(), round * PER_ROUND);
        let (runs, samples) = tokio::task::spawn_blocking(move || kill_at_random(process)).await.unwrap();
        acknowledged.extend(runs);
        learned.extend(samples);
    }
    let expected: BTreeMap<RunId, _> =
        acknowledged.iter().map(|&number| run("berlin", number)).map(|run| (run.id, run)).collect();
    let missing = |stage: &str, read: &BTreeMap<RunId, _>| {
        for (id, run) in &expected {
            assert_eq!(read.get(id), Some(run), "{stage}: {} of {} runs", read.len(), expected.len());
        }
    };
    let store = store(folder.path());
    let spool_folder = folder.path().join("spool");
    let both = store.clone().with_spool(&spool_folder);
    missing("store and spool", &all_runs(&both).await);
    no_sample_is_missing("store and spool", &learned, &all_samples(&both).await);
    let (spool, recovery) = Spool::<Run>::open(&spool_folder, &Clock::system()).unwrap();
    ship(&spool, &store).await;
    let read = all_runs(&store).await;
    missing("store", &read);
    // A run may have been recorded without its acknowledgement having been told: at most one for each task and kill.
    let untold = read.len() - expected.len();
    assert!(untold as u64 <= 8 * ROUNDS, "{untold} runs were never acknowledged; {recovery}");
    assert!(expected.len() as u64 >= ROUNDS, "only {} runs were acknowledged", expected.len());
    let (samples, _) = Spool::<Sample>::open(&spool_folder, &Clock::system()).unwrap();
    ship(&samples, &store).await;
    let read = all_samples(&store).await;
    no_sample_is_missing("store", &learned, &read);
    assert!(read.len() - learned.len() <= 2 * ROUNDS as usize, "{} of {}", learned.len(), read.len());
    assert!(learned.len() as u64 >= ROUNDS, "only {} samples were acknowledged", learned.len());
}

/// Each sample that was acknowledged is there, none twice, in the order of their slots.
fn no_sample_is_missing(stage: &str, acknowledged: &BTreeSet<u64>, read: &[Sample]) {
    assert!(read.windows(2).all(|pair| pair[0].slot < pair[1].slot), "{stage}: out of order, or twice");
    let read: BTreeMap<_, &Sample> = read.iter().map(|sample| (sample.slot, sample)).collect();
    for &number in acknowledged {
        let expected = sample("berlin", number);
        assert_eq!(read.get(&expected.slot), Some(&&expected), "{stage}");
    }
}
