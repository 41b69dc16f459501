//! What a store promises, wherever it lies: the same suite runs against a folder, memory and a bucket.

use doorstep::model::StoreLocation;
use doorstep::store::{Columns, RunFilter, Store};

use super::support::*;

/// Everything that must hold of an empty store and of what is put into it.
pub(super) async fn suite(store: &Store) {
    let scratch = tempfile::tempdir().unwrap();
    an_empty_store_is_no_error(store).await;
    what_is_shipped_is_read_once(store, scratch.path()).await;
    a_range_reads_its_slots_only(store).await;
    copies_collapse_and_measured_runs_win(store, scratch.path()).await;
    declarations_that_hold_are_found(store).await;
}

async fn an_empty_store_is_no_error(store: &Store) {
    let (rows, summary) = rows(store, &RunFilter::everything(), Columns::Everything).await;
    assert!(rows.is_empty());
    assert_eq!(summary.duplicates, 0);
    assert_eq!(store.find(run("berlin", 0).id).await.unwrap(), None);
    let time = START.parse().unwrap();
    assert!(store.declarations(time, time).await.unwrap().is_empty());
}

/// 300 slots of five seconds reach from ten minutes before midnight into the next day.
async fn what_is_shipped_is_read_once(store: &Store, scratch: &std::path::Path) {
    let spool = fresh_spool(&scratch.join("berlin"));
    let runs: Vec<_> = (0..300).map(|number| run("berlin", number)).collect();
    append_all(&spool, &runs).await;
    let unshipped = store.clone().with_spool(spool.dir());
    assert_eq!(all_runs(&unshipped).await, by_id(&runs), "before shipping");
    assert_eq!(all_runs(store).await.len(), 0, "the store alone");
    let revision = unshipped.revision(START.parse().unwrap(), jiff::Timestamp::MAX).await.unwrap();

    let shipped = shipper(&spool, store).ship_all().await;
    assert_eq!((shipped.runs, shipped.segments, shipped.files), (300, 2, 1), "{shipped} {:?}", shipped.errors);
    assert_eq!(all_runs(store).await, by_id(&runs), "after shipping");
    assert_eq!(all_runs(&unshipped).await, by_id(&runs), "with the empty spool");
    let again = store.revision(START.parse().unwrap(), jiff::Timestamp::MAX).await.unwrap();
    assert_eq!(revision, again, "the same data has the same stamp wherever it lies");
    assert_eq!(store.find(runs[299].id).await.unwrap().as_ref(), Some(&runs[299]));
}

async fn a_range_reads_its_slots_only(store: &Store) {
    let (from, to) = (run("berlin", 100).slot, run("berlin", 130).slot);
    for columns in [Columns::Summary, Columns::Steps, Columns::Timings, Columns::Everything] {
        let (rows, _) = rows(store, &RunFilter::between(from, to), columns).await;
        assert_eq!(rows.len(), 30);
        for (row, number) in rows.iter().zip(100..) {
            let whole = run("berlin", number);
            assert_eq!(row.run.id, whole.id);
            assert_eq!(row.login_time, whole.login_time());
            assert_eq!(row.run.steps.len(), if columns >= Columns::Steps { 2 } else { 0 });
            assert_eq!(row.run.hops.len(), if columns >= Columns::Timings { 3 } else { 0 });
            assert_eq!(row.run == whole, columns == Columns::Everything);
        }
    }
    let elsewhere = RunFilter { vantages: vec![vantage("tokyo")], ..RunFilter::everything() };
    assert_eq!(rows(store, &elsewhere, Columns::Summary).await.0.len(), 0);
}

/// Two workers run under one vantage by mistake, and one of them was late.
async fn copies_collapse_and_measured_runs_win(store: &Store, scratch: &std::path::Path) {
    let (one, two) = (fresh_spool(&scratch.join("twin-1")), fresh_spool(&scratch.join("twin-2")));
    let before = store.revision(START.parse().unwrap(), jiff::Timestamp::MAX).await.unwrap();
    append_all(&one, &[missed("tokyo", 0), missed("tokyo", 1), run("tokyo", 2)]).await;
    append_all(&two, &[run("tokyo", 0), run("tokyo", 2)]).await;
    ship(&one, store).await;
    ship(&two, store).await;
    let tokyo = RunFilter { vantages: vec![vantage("tokyo")], ..RunFilter::everything() };
    let (rows, summary) = rows(store, &tokyo, Columns::Everything).await;
    let read: Vec<_> = rows.into_iter().map(|row| row.run).collect();
    assert_eq!(by_id(&read), by_id(&[run("tokyo", 0), missed("tokyo", 1), run("tokyo", 2)]));
    assert_eq!((summary.runs, summary.duplicates), (3, 2));
    assert_eq!(store.find(run("tokyo", 0).id).await.unwrap(), Some(run("tokyo", 0)));
    assert_ne!(before, store.revision(START.parse().unwrap(), jiff::Timestamp::MAX).await.unwrap());
}

async fn declarations_that_hold_are_found(store: &Store) {
    let time = |hour: i8| format!("2026-11-23T{hour:02}:00:00Z").parse::<jiff::Timestamp>().unwrap();
    let declare = |place: &str, hour| doorstep::model::ScheduleDeclaration {
        vantage: vantage(place),
        labels: [("region".to_owned(), "eu".to_owned())].into(),
        from: time(hour),
        flows: vec![doorstep::model::FlowDeclaration {
            schedule: doorstep::model::Schedule {
                flow: "shop".parse().unwrap(),
                kind: doorstep::model::RunKind::Login,
                interval: std::time::Duration::from_millis(5_000),
                vantages: vec![vantage(place)],
            },
            revision: doorstep::model::Revision::of(b"shop"),
        }],
    };
    for declaration in [declare("berlin", 1), declare("berlin", 3), declare("berlin", 5), declare("tokyo", 9)] {
        store.declare(&declaration).await.unwrap();
    }
    store.declare(&declare("berlin", 3)).await.unwrap();
    let found = store.declarations(time(4), time(6)).await.unwrap();
    assert_eq!(found, [declare("berlin", 3), declare("berlin", 5)]);
    let found = store.declarations(time(0), time(10)).await.unwrap();
    assert_eq!(found.len(), 4);
    let found = store.declarations(time(3), time(3)).await.unwrap();
    assert!(found.is_empty(), "an empty range holds nothing: {found:?}");
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    // Neither the folder nor those above it exist yet.
    let location = StoreLocation::Folder(folder.path().join("a/b/store"));
    suite(&Store::open(&location).unwrap()).await;
    // What was written is there for whoever opens it next.
    let reopened = Store::open(&location).unwrap();
    assert_eq!(all_runs(&reopened).await.len(), 303);
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    suite(&Store::in_memory()).await;
}
