//! `doorstep database samples`: what was recorded comes out whole, filtered, in order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{Answer, DatabaseSchedule, Micros, Sample, ScheduleDeclaration, StoreLocation, Unknown};
use doorstep::store::{Shipper, Spool, Store};
use jiff::{SignedDuration, Timestamp};

fn sample(server: &str, vantage: &str, second: i64) -> Sample {
    let slot = Timestamp::from_second(1_795_428_000 + second).unwrap();
    let message = "connection refused, \"again\"".to_owned();
    Sample {
        database: "main".parse().unwrap(),
        server: server.parse().unwrap(),
        vantage: vantage.parse().unwrap(),
        slot,
        started: slot,
        elapsed: Micros(1_500),
        answer: Answer::Unknown { why: Unknown::Unreachable, message },
    }
}

fn doorstep(folder: &Path, args: &[&str]) -> Output {
    let command = [&["database", "samples"], args].concat();
    Command::new(env!("CARGO_BIN_EXE_doorstep")).args(command).current_dir(folder).output().expect("the program runs")
}

fn good(folder: &Path, args: &[&str]) -> String {
    let done = doorstep(folder, args);
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn what_was_recorded_comes_out_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("flow.yaml"), "steps: [{ open: https://shop.example }]").unwrap();
    fs::write(path.join("doorstep.yaml"), "store: store\nspool: spool\nflows: [flow.yaml]\n").unwrap();
    let (spool, _) = Spool::open(&path.join("spool"), &Clock::system()).unwrap();
    let all: Vec<Sample> = ["db1", "db2"]
        .iter()
        .flat_map(|server| (0..5).flat_map(|second| ["berlin", "ohio"].map(|vantage| sample(server, vantage, second))))
        .collect();
    // Some are in the store, others wait in the spool of this machine.
    for (index, sample) in all.iter().rev().enumerate() {
        spool.append(sample).await.unwrap();
        if index == 11 {
            let store = Store::open(&StoreLocation::Folder(path.join("store"))).unwrap();
            let shipped = Shipper::new(spool.clone(), store, std::time::Duration::ZERO).ship_all().await;
            assert_eq!((shipped.records, shipped.errors.len()), (12, 0));
        }
    }
    let day = ["--from", "2026-11-23", "--to", "2026-11-24"];
    let lines = good(path, &[&day[..], &["--format", "jsonl"]].concat());
    let read: Vec<Sample> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, all);
    let chosen = ["--from", "2026-11-23 10:00:01", "--to", "2026-11-23T10:00:03Z", "--server", "db2", "--at", "ohio"];
    insta::assert_snapshot!(good(path, &chosen), @r#"
    database,server,vantage,slot,started,elapsed_us,outcome,in_recovery,position,sync_waiters,clients,message
    main,db2,ohio,2026-11-23T10:00:01Z,2026-11-23T10:00:01Z,1500,unreachable,,,,,"connection refused, ""again"""
    main,db2,ohio,2026-11-23T10:00:02Z,2026-11-23T10:00:02Z,1500,unreachable,,,,,"connection refused, ""again"""
    "#);
    let none = good(path, &[&day[..], &["--database", "other"]].concat());
    assert_eq!(none.lines().count(), 1, "{none}");
    let done = doorstep(path, &["--from", "now", "--to", "-1h"]);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn slots_that_left_no_sample_are_told_and_so_are_those_that_the_prober_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("flow.yaml"), "steps: [{ open: https://shop.example }]").unwrap();
    fs::write(path.join("doorstep.yaml"), "store: store\nspool: spool\nflows: [flow.yaml]\n").unwrap();
    let store = Store::open(&StoreLocation::Folder(path.join("store"))).unwrap();
    let from: Timestamp = "2025-11-23T10:00:00Z".parse().unwrap();
    let schedule = |server: &str| DatabaseSchedule {
        database: "main".parse().unwrap(),
        server: server.parse().unwrap(),
        interval: Duration::from_secs(10),
        vantages: vec!["berlin".parse().unwrap()],
    };
    let declared = ScheduleDeclaration {
        vantage: "berlin".parse().unwrap(),
        labels: BTreeMap::new(),
        from,
        flows: Vec::new(),
        databases: vec![schedule("db1"), schedule("db2")],
    };
    store.declare(&declared).await.unwrap();
    let (spool, _) = Spool::open(&path.join("spool"), &Clock::system()).unwrap();
    // Of six slots each in a minute, one of the first server leaves nothing and two are lost; the second has all.
    let to = from + SignedDuration::from_secs(60);
    for server in ["db1", "db2"] {
        for (place, slot) in schedule(server).slots(&"berlin".parse().unwrap(), from, to).enumerate() {
            let mut one = Sample { slot, started: slot, ..sample(server, "berlin", 0) };
            if server == "db1" && place < 3 {
                one.answer = Answer::Unknown { why: Unknown::Lost, message: "the worker came late".to_owned() };
            }
            if server == "db2" || place > 0 {
                spool.append(&one).await.unwrap();
            }
        }
    }
    let said = doorstep(path, &["--from", "2025-11-23 10:00", "--to", "2025-11-23 10:01"]);
    let (rows, notes) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(rows.lines().count(), 1 + 5 + 6, "{rows}");
    assert_eq!(
        notes,
        "main db1 from berlin: of 6 slots due 1 left no sample, and 2 the prober lost by its own fault: nothing is known \
         of the server there\n"
    );
}
