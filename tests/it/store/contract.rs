//! What a store promises, wherever it lies: the same suite runs against a folder, memory and a bucket.

use doorstep::model::{StoreLocation, Withdrawal};
use doorstep::store::{Columns, Error, RunFilter, Shipped, Store};

use super::support::*;

/// Everything that must hold of an empty store and of what is put into it.
pub(super) async fn suite(store: &Store) {
    let scratch = tempfile::tempdir().unwrap();
    an_empty_store_is_no_error(store).await;
    what_is_shipped_is_read_once(store, scratch.path()).await;
    a_range_reads_its_slots_only(store).await;
    copies_collapse_and_measured_runs_win(store, scratch.path()).await;
    declarations_that_hold_are_found(store).await;
    entries_are_added_and_found_by_time(store).await;
    copied_spools_ship_at_once(store, scratch.path()).await;
    compacting_changes_nothing(store, scratch.path()).await;
}

/// Readers and two that compact meet; late runs come; every reader sees the same.
async fn compacting_changes_nothing(store: &Store, scratch: &std::path::Path) {
    let (runs, summary) = (all_runs(store).await, rows(store, &RunFilter::everything(), Columns::Summary).await.1);
    let read = async {
        for _ in 0..5 {
            assert_eq!(all_runs(store).await, runs, "while it is compacted");
        }
    };
    tokio::join!(compact_all(store), compact_all(store), read);
    let compacted = rows(store, &RunFilter::everything(), Columns::Summary).await.1;
    assert_eq!((compacted.runs, &compacted.revision), (summary.runs, &summary.revision));
    assert_eq!(compacted.duplicates, 0, "each run lies in one file");
    assert_eq!(all_runs(store).await, runs);
    let some = runs.values().next().unwrap();
    assert_eq!(store.find(some.id).await.unwrap().as_ref(), Some(some));
    assert!(store.uncompacted(&[], jiff::civil::Date::MAX).await.unwrap().is_empty());

    let spool = fresh_spool(&scratch.join("late"));
    append_all(&spool, &[run("berlin", 299), run("berlin", 300), missed("berlin", 298)]).await;
    ship(&spool, store).await;
    let mut with_late = runs.clone();
    with_late.insert(run("berlin", 300).id, run("berlin", 300));
    assert_eq!(all_runs(store).await, with_late, "late runs are read beside the day");
    let before = rows(store, &RunFilter::everything(), Columns::Summary).await.1;
    compact_all(store).await;
    assert_eq!(all_runs(store).await, with_late, "and are taken in by the next compaction");
    let after = rows(store, &RunFilter::everything(), Columns::Summary).await.1;
    assert_eq!((after.revision, after.duplicates), (before.revision, 0));
}

async fn an_empty_store_is_no_error(store: &Store) {
    let (rows, summary) = rows(store, &RunFilter::everything(), Columns::Everything).await;
    assert!(rows.is_empty());
    assert_eq!(summary.duplicates, 0);
    assert_eq!(store.find(run("berlin", 0).id).await.unwrap(), None);
    let time = START.parse().unwrap();
    assert!(store.declarations(time, time).await.unwrap().is_empty());
    let ever = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    assert!(store.events(ever.0, ever.1).await.unwrap().is_empty());
    assert!(store.exclusions(ever.0, ever.1).await.unwrap().is_empty());
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
    assert_eq!((shipped.records, shipped.segments, shipped.files), (300, 2, 1), "{shipped} {:?}", shipped.errors);
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

/// A machine was copied together with its spool, and all copies write the same keys at the same time.
async fn copied_spools_ship_at_once(store: &Store, scratch: &std::path::Path) {
    let original = fresh_spool(&scratch.join("copy-0"));
    let runs: Vec<_> = (0..40).map(|number| run("copied", number)).collect();
    append_all(&original, &runs).await;
    drop(original);
    let mut spools = Vec::new();
    for copy in 0..4 {
        let dir = scratch.join(format!("copy-{copy}"));
        if copy > 0 {
            std::fs::create_dir(&dir).unwrap();
            for entry in std::fs::read_dir(scratch.join("copy-0")).unwrap() {
                let from = entry.unwrap().path();
                std::fs::copy(&from, dir.join(from.file_name().unwrap())).unwrap();
            }
        }
        spools.push(fresh_spool::<doorstep::model::Run>(&dir));
    }
    let shipped =
        futures_util::future::join_all(spools.iter().map(|spool| async { shipper(spool, store).ship_all().await }));
    for shipped in shipped.await {
        assert!(shipped.errors.is_empty() && shipped.waiting == 0, "{shipped}: {:?}", shipped.errors);
        assert_eq!(shipped.segments + shipped.already_there, 1, "{shipped}");
    }
    let copied = RunFilter { vantages: vec![vantage("copied")], ..RunFilter::everything() };
    let (rows, summary) = rows(store, &copied, Columns::Everything).await;
    assert_eq!(by_id(&rows.into_iter().map(|row| row.run).collect::<Vec<_>>()), by_id(&runs));
    assert_eq!(summary.duplicates, 0, "all copies are one segment");
}

/// Copies of one spool file with other content each race for its key: one wins whole, no other is lost.
async fn one_of_many_wins(store: &Store) {
    let scratch = tempfile::tempdir().unwrap();
    let original = fresh_spool(&scratch.path().join("original"));
    append_all(&original, &[run("raced", 0)]).await;
    let name = std::fs::read_dir(original.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .find(|name| name.to_string_lossy().ends_with(".journal"))
        .unwrap();
    let mut spools = Vec::new();
    for racer in 1..=6 {
        let (source, dir) =
            (scratch.path().join(format!("source-{racer}")), scratch.path().join(format!("racer-{racer}")));
        append_all(&fresh_spool(&source), &[run("raced", racer)]).await;
        std::fs::create_dir(&dir).unwrap();
        let journal = std::fs::read_dir(&source)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "journal"))
            .unwrap();
        std::fs::copy(journal, dir.join(&name)).unwrap();
        spools.push(fresh_spool::<doorstep::model::Run>(&dir));
    }
    let shipped =
        futures_util::future::join_all(spools.iter().map(|spool| async { shipper(spool, store).ship_all().await }))
            .await;
    assert_eq!(shipped.iter().filter(|shipped| shipped.segments == 1).count(), 1, "one wins");
    let refused = |shipped: &&Shipped| matches!(shipped.errors[..], [Error::Conflict { .. }]) && shipped.waiting == 1;
    assert_eq!(shipped.iter().filter(refused).count(), 5, "all others are told, and keep their runs");
    let with_spools = spools.iter().fold(store.clone(), |store, spool| store.with_spool(spool.dir()));
    let raced = RunFilter { vantages: vec![vantage("raced")], ..RunFilter::everything() };
    assert_eq!(rows(store, &raced, Columns::Summary).await.1.runs, 1);
    assert_eq!(rows(&with_spools, &raced, Columns::Summary).await.1.runs, 6);
}

/// Events lie at an instant, exclusions over a span; both are found by any part of it, and adding one twice is adding it
/// once.
async fn entries_are_added_and_found_by_time(store: &Store) {
    use doorstep::model::{EventKind, Exclusion, ExclusionMode, NotedEvent};
    let time = |hour: i8| format!("2026-11-23T{hour:02}:00:00Z").parse::<jiff::Timestamp>().unwrap();
    let event = |hour, text: &str| NotedEvent {
        at: time(hour),
        kind: EventKind::Deploy,
        text: text.to_owned(),
        author: "ada".to_owned(),
        entered: time(20),
    };
    for (entry, new) in [(event(9, "b"), true), (event(4, "a"), true), (event(9, "a"), true), (event(9, "b"), false)] {
        assert_eq!(store.note_event(&entry).await.unwrap(), new, "{entry:?}");
    }
    assert_eq!(store.events(time(4), time(9)).await.unwrap(), [event(4, "a")]);
    assert_eq!(store.events(time(0), time(23)).await.unwrap(), [event(4, "a"), event(9, "a"), event(9, "b")]);

    let exclusion = |from, to, mode| Exclusion {
        from: time(from),
        to: time(to),
        mode,
        flows: vec!["shop".parse().unwrap()],
        vantages: vec![vantage("berlin")],
        reason: "planned work".to_owned(),
        author: "ada".to_owned(),
        entered: time(2),
    };
    let (early, late) = (exclusion(1, 3, ExclusionMode::DropTime), exclusion(5, 8, ExclusionMode::CountAsGood));
    for (entry, new) in [(&late, true), (&early, true), (&late, false)] {
        assert_eq!(store.exclude(entry).await.unwrap(), new, "{entry:?}");
    }
    assert_eq!(store.exclusions(time(0), time(23)).await.unwrap(), [early.clone(), late.clone()]);
    assert_eq!(store.exclusions(time(2), time(4)).await.unwrap(), [early]);
    assert_eq!(store.exclusions(time(7), time(8)).await.unwrap(), [late]);
    assert!(store.exclusions(time(3), time(5)).await.unwrap().is_empty(), "both ends touch, and cover nothing");

    let entries = store.exclusion_entries(time(0), time(23)).await.unwrap();
    let withdrawal = Withdrawal {
        exclusion: entries[1].id.clone(),
        from: entries[1].exclusion.from,
        reason: "a mistake".to_owned(),
        author: "grace".to_owned(),
        entered: time(21),
    };
    for new in [true, false] {
        assert_eq!(store.withdraw(&withdrawal).await.unwrap(), new);
    }
    assert_eq!(store.exclusions(time(0), time(23)).await.unwrap(), [entries[0].exclusion.clone()]);
    let after = store.exclusion_entries(time(0), time(23)).await.unwrap();
    assert_eq!((&after[0], &after[1].exclusion), (&entries[0], &entries[1].exclusion), "both entries stay");
    assert_eq!(after[1].withdrawn, Some(withdrawal));
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
        databases: vec![doorstep::model::DatabaseSchedule {
            database: "main".parse().unwrap(),
            server: "primary".parse().unwrap(),
            interval: std::time::Duration::from_secs(1),
            vantages: vec![vantage(place)],
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
    assert_eq!(all_runs(&reopened).await.len(), 344);
    one_of_many_wins(&reopened).await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let store = Store::in_memory();
    suite(&store).await;
    one_of_many_wins(&store).await;
}
