//! The spool: recorded means on disk, and nothing that was recorded is lost again.

use std::fs;
use std::path::{Path, PathBuf};

use doorstep::clock::Clock;
use doorstep::model::Run;
use doorstep::store::{Error, Spool, Store};
use jiff::SignedDuration;

use super::support::*;

fn journals(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    paths.sort();
    paths
}

fn reopen(dir: &Path) -> (Spool, doorstep::store::Recovery) {
    Spool::open(dir, &Clock::system()).unwrap()
}

#[tokio::test]
async fn a_restart_finds_what_was_recorded_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let spool = fresh_spool(dir.path());
    append_all(&spool, &[run("berlin", 0), run("berlin", 1)]).await;
    drop(spool);
    let journal = &journals(dir.path())[0];
    let mut bytes = fs::read(journal).unwrap();
    let whole = bytes.len();
    bytes.extend_from_within(whole - 100..);
    fs::write(journal, bytes).unwrap();
    let (spool, recovery) = reopen(dir.path());
    assert_eq!(
        recovery.to_string(),
        "recovered 2 records in 1 spool files; dropped 100 torn bytes, skipped 0 damaged bytes, removed 0 empty files"
    );
    append_all(&spool, &[run("berlin", 2)]).await;
    let store = Store::in_memory();
    ship(&spool, &store).await;
    assert_eq!(all_runs(&store).await, by_id(&[run("berlin", 0), run("berlin", 1), run("berlin", 2)]));
    assert_eq!(journals(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_bad_spot_costs_its_own_record_only() {
    let dir = tempfile::tempdir().unwrap();
    let spool = fresh_spool(dir.path());
    for number in 0..5 {
        append_all(&spool, &[run("berlin", number)]).await;
    }
    drop(spool);
    let journal = &journals(dir.path())[0];
    let mut bytes = fs::read(journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(journal, &bytes).unwrap();
    let (spool, recovery) = reopen(dir.path());
    assert_eq!((recovery.records, recovery.torn_bytes), (4, 0));
    assert!(recovery.damaged_bytes > 0);
    let store = Store::in_memory();
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!((shipped.records, shipped.set_aside, shipped.waiting), (4, 1, 0), "{:?}", shipped.errors);
    let mut expected = by_id(&(0..5).map(|number| run("berlin", number)).collect::<Vec<_>>());
    expected.remove(&run("berlin", 2).id);
    assert_eq!(all_runs(&store).await, expected);
    assert_eq!(fs::read(journal.with_extension("damaged")).unwrap(), bytes, "the evidence is kept");
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let _spool = fresh_spool::<Run>(dir.path());
    let error = Spool::<Run>::open(dir.path(), &Clock::system()).err().unwrap();
    assert!(matches!(error, Error::SpoolInUse { .. }), "{error}");
}

#[tokio::test]
async fn names_never_repeat_whatever_the_clock_does() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let (clock, hand) = Clock::manual(START.parse().unwrap());
    let mut names = std::collections::BTreeSet::new();
    for round in 0..5 {
        let (spool, _) = Spool::open(dir.path(), &clock).unwrap();
        append_all(&spool, &[run("berlin", round)]).await;
        for path in journals(dir.path()) {
            let name = path.file_name().unwrap().to_owned();
            assert!(names.last().is_none_or(|last| *last < name), "{name:?} after {names:?}");
            assert!(names.insert(name));
        }
        ship(&spool, &store).await;
        hand.advance(SignedDuration::from_hours(-48));
        if round == 2 {
            // A lost counter costs the order of names, never their uniqueness: the random part differs.
            fs::remove_file(dir.path().join("next")).unwrap();
            names.clear();
        }
    }
    assert_eq!(all_runs(&store).await.len(), 5);
}

#[tokio::test]
async fn shipping_again_after_a_crash_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let spool = fresh_spool(dir.path());
    append_all(&spool, &[run("berlin", 0), run("berlin", 200)]).await;
    let journal = journals(dir.path()).remove(0);
    let content = fs::read(&journal).unwrap();
    ship(&spool, &store).await;
    drop(spool);
    // As if the process had died between writing the segments and removing the file.
    fs::write(&journal, &content).unwrap();
    let (spool, recovery) = reopen(dir.path());
    assert_eq!((recovery.files, recovery.records), (1, 2));
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!((shipped.segments, shipped.already_there, shipped.waiting), (0, 2, 0), "{:?}", shipped.errors);
    assert_eq!(all_runs(&store).await.len(), 2);
    drop(spool);
    // Other content under the same name never replaces what is there, and stays in the spool.
    let other = fresh_spool(&dir.path().join("other"));
    append_all(&other, &[run("berlin", 0), run("berlin", 1)]).await;
    let foreign = journals(other.dir()).remove(0);
    fs::copy(foreign, &journal).unwrap();
    let (spool, _) = reopen(dir.path());
    let shipped = shipper(&spool, &store).ship_all().await;
    assert_eq!(shipped.waiting, 1);
    assert!(matches!(shipped.errors[..], [Error::Conflict { .. }]), "{:?}", shipped.errors);
    assert!(journal.exists());
    assert_eq!(all_runs(&store).await, by_id(&[run("berlin", 0), run("berlin", 200)]));
    let both = store.clone().with_spool(spool.dir());
    assert_eq!(all_runs(&both).await.len(), 3, "a report still sees what could not be shipped");
}
