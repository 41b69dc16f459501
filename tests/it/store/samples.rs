//! Samples of databases on their way from the spool to the store: as safe as runs.

use std::fs;
use std::path::{Path, PathBuf};

use doorstep::clock::Clock;
use doorstep::model::{Run, Sample, StoreLocation};
use doorstep::store::{Error, SampleKey, Spool, Store};
use jiff::Timestamp;

use super::support::*;

fn reopen(dir: &Path) -> (Spool<Sample>, doorstep::store::Recovery) {
    Spool::open(dir, &Clock::system()).unwrap()
}

fn journals(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "journal")).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn runs_and_samples_share_a_spool_and_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreLocation::Folder(dir.path().join("store"))).unwrap();
    let runs: Spool<Run> = fresh_spool(dir.path());
    let samples: Spool<Sample> = fresh_spool(dir.path());
    assert_eq!(samples.dir(), dir.path().join("database"));
    let second = |number| sample("berlin", number);
    // Two days of one vantage, one of another, out of order, and one slot that was taken for lost at first.
    let mut recorded: Vec<Sample> = (590..610).rev().map(second).collect();
    recorded.extend([sample("tokyo", 3), lost_sample("tokyo", 4)]);
    append_all(&samples, &recorded).await;
    append_all(&runs, &[run("berlin", 0)]).await;
    let both = store.clone().with_spool(dir.path());
    let mut expected: Vec<Sample> = (590..610).map(second).collect();
    expected.splice(0..0, [sample("tokyo", 3), lost_sample("tokyo", 4)]);
    assert_eq!(all_samples(&both).await, expected, "in the spool");
    assert_eq!(all_samples(&store).await, [], "not shipped yet");
    let shipped = shipper(&samples, &store).ship_all().await;
    assert_eq!(
        (shipped.records, shipped.segments, shipped.files, shipped.waiting),
        (22, 3, 1, 0),
        "{:?}",
        shipped.errors
    );
    let key = SampleKey::folder(&vantage("berlin"), "2026-11-23".parse().unwrap());
    assert_eq!(fs::read_dir(dir.path().join("store").join(key)).unwrap().count(), 1);
    append_all(&samples, &[sample("tokyo", 4), lost_sample("tokyo", 3)]).await;
    expected[1] = sample("tokyo", 4);
    assert_eq!(all_samples(&both).await, expected, "in store and spool");
    ship(&samples, &store).await;
    ship(&runs, &store).await;
    assert_eq!(all_samples(&store).await, expected, "in the store");
    assert_eq!(all_runs(&store).await.len(), 1);
    let (from, to) = (second(598).slot, second(603).slot);
    assert_eq!(store.samples(from, to).await.unwrap(), (598..603).map(second).collect::<Vec<_>>());
    assert_eq!(store.samples(Timestamp::MIN, sample("tokyo", 3).slot).await.unwrap(), []);
}

#[tokio::test]
async fn shipping_samples_again_after_a_crash_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let spool = fresh_spool(dir.path());
    append_all(&spool, &[sample("berlin", 0), sample("berlin", 700)]).await;
    let journal = journals(spool.dir()).remove(0);
    let content = fs::read(&journal).unwrap();
    ship(&spool, &store).await;
    drop(spool);
    // As if the process had died between writing the objects and removing the file.
    fs::write(&journal, &content).unwrap();
    let (spool, recovery) = reopen(dir.path());
    assert_eq!((recovery.files, recovery.records), (1, 2));
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!((shipped.segments, shipped.already_there, shipped.waiting), (0, 2, 0), "{:?}", shipped.errors);
    drop(spool);
    // Other content under the same name never replaces what is there, and stays in the spool.
    let other = fresh_spool(&dir.path().join("other"));
    append_all(&other, &[sample("berlin", 0), sample("berlin", 1)]).await;
    fs::copy(journals(other.dir()).remove(0), &journal).unwrap();
    let (spool, _) = reopen(dir.path());
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!(shipped.waiting, 1);
    assert!(matches!(shipped.errors[..], [Error::Conflict { .. }]), "{:?}", shipped.errors);
    assert!(journal.exists());
    assert_eq!(all_samples(&store).await, [sample("berlin", 0), sample("berlin", 700)]);
    let both = store.clone().with_spool(dir.path());
    assert_eq!(all_samples(&both).await.len(), 3, "a report still sees what could not be shipped");
}

#[tokio::test]
async fn a_bad_spot_and_a_torn_end_cost_their_own_samples_only() {
    let dir = tempfile::tempdir().unwrap();
    let spool = fresh_spool(dir.path());
    for number in 0..5 {
        append_all(&spool, &[sample("berlin", number)]).await;
    }
    let journal = journals(spool.dir()).remove(0);
    drop(spool);
    let mut bytes = fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 3);
    fs::write(&journal, &bytes).unwrap();
    let (spool, recovery) = reopen(dir.path());
    assert!(recovery.records == 3 && recovery.damaged_bytes > 0 && recovery.torn_bytes > 0, "{recovery}");
    let store = Store::in_memory();
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!((shipped.records, shipped.set_aside, shipped.waiting), (3, 1, 0), "{:?}", shipped.errors);
    assert_eq!(all_samples(&store).await, [0, 1, 3].map(|number| sample("berlin", number)));
    assert_eq!(fs::read(journal.with_extension("damaged")).unwrap(), bytes, "the evidence is kept");
}

#[tokio::test]
async fn a_store_that_is_away_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("store");
    let store = Store::open(&StoreLocation::Folder(place.clone())).unwrap();
    let spool = fresh_spool(&dir.path().join("spool"));
    append_all(&spool, &[sample("berlin", 0)]).await;
    fs::remove_dir(&place).unwrap();
    fs::write(&place, "in the way").unwrap();
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!((shipped.waiting, shipped.errors.len()), (1, 1));
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    ship(&spool, &store).await;
    assert_eq!(all_samples(&store).await, [sample("berlin", 0)]);
}
