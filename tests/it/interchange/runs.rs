//! Runs from elsewhere: exported runs come back with the same figures, another prober's history is reported on with its
//! gaps, importing twice changes nothing, and a bad line stops everything before anything is written.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{configure, doorstep, good, texts};

const OBJECTIVES: &str =
    "objectives:\n  login: { flow: shop, target: 99% }\n  fast: { flow: shop, target: 90%, under: 500ms }\n";

/// What `doorstep report` says of a span, without what names the data itself.
fn report(folder: &Path, store: &str, from: &str, to: &str) -> Value {
    good(folder, &["report", "--store", store, "--from", from, "--to", to, "--out", store]);
    let folder = folder.join(store);
    serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

const SCRIPT: &str = "
seed: 3
from: 2024-03-04
to: 12h
outages:
  - { from: 3h, to: 4h, share: 0.8, class: timeout }
prober:
  - { from: 6h, to: 6h 10m, trouble: silent, at: [ohio] }
  - { from: 7h, to: 7h 10m, trouble: local_network, at: [berlin] }
";

#[test]
fn an_export_comes_back_with_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    fs::write(place.join("script.yaml"), SCRIPT).unwrap();
    good(place, &["simulate", "script.yaml", "--config", "doorstep.yaml", "--store", "first"]);
    let (from, to) = ("2024-03-04T01:00:00Z", "2024-03-04T11:00:00Z");
    let first = report(place, "first", from, to);
    assert!(first["objectives"][0]["counts"]["bad"].as_u64().unwrap() > 50, "{}", first["objectives"][0]["counts"]);
    assert!(first["objectives"][0]["counts"]["missing"].as_u64().unwrap() >= 9);
    for format in ["csv", "jsonl"] {
        let (exported, _) = good(
            place,
            &["runs", "--store", "first", "--from", "2024-03-04", "--to", "2024-03-05", "--format", format],
        );
        let file = format!("runs.{format}");
        fs::write(place.join(&file), &exported).unwrap();
        let (said, notes) = good(place, &["import", "runs", &file, "--store", format]);
        assert!(said.starts_with("imported ") && said.contains("(0 known already)"), "{said}");
        assert_eq!(notes, "");
        let again = report(place, format, from, to);
        assert_eq!(again["objectives"], first["objectives"], "{format}");
        let flow = |report: &Value| {
            let flow = &report["flows"][0];
            if format == "csv" { serde_json::json!([flow["failures"], flow["latency"]["login"]]) } else { flow.clone() }
        };
        assert_eq!(flow(&again), flow(&first), "{format}");
        let (said, _) = good(place, &["import", "runs", &file, "--store", format]);
        assert!(said.starts_with("imported 0 runs ("), "{said}");
        assert_eq!(report(place, format, from, to), again, "the second time changes nothing");
        if format == "jsonl" {
            let (twice, _) = good(
                place,
                &["runs", "--store", format, "--from", "2024-03-04", "--to", "2024-03-05", "--format", format],
            );
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert!(sorted(&twice) == sorted(&exported), "every step, hop and phase came back");
        }
    }
}

/// A day of another prober: each minute seven seconds past, with its own jitter; 37 failed, 20 it never made.
fn another_probers_day() -> String {
    let start: Timestamp = "2026-11-16T00:00:07Z".parse().unwrap();
    let mut csv = "when,up,latency_ms,error\n".to_owned();
    for minute in 0..1440_i64 {
        if (600..620).contains(&minute) {
            continue;
        }
        let at = start + SignedDuration::from_millis(minute * 60_000 + (minute * 7919) % 900);
        match minute {
            100..137 => writeln!(csv, "{at},0,10000,timeout").unwrap(),
            _ => writeln!(csv, "{at},1,{}.5,", 80 + minute % 50).unwrap(),
        }
    }
    csv
}

const MAP: [&str; 6] = ["--flow", "shop", "--at", "elsewhere", "--columns", "time=when,class=error"];

#[test]
fn another_probers_history_is_reported_on_with_its_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    fs::write(place.join("day.csv"), another_probers_day()).unwrap();
    let import = |more: &[&str]| good(place, &[&["import", "runs", "day.csv"], &MAP[..], more].concat());
    let (said, notes) = import(&["--dry-run"]);
    assert!(said.starts_with("would import 1420 runs (0 known already), from 2026-11-16T00:00:07"), "{said}");
    assert!(notes.contains("the interval is taken to be 60 s"), "{notes}");
    assert!(!place.join("store/v1/live").exists(), "a dry run writes nothing");
    assert!(import(&[]).0.starts_with("imported 1420 runs"));
    let (from, to) = ("2026-11-16", "2026-11-17");
    let told = report(place, "store", from, to);
    let counts = &told["objectives"][0]["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!((number("good"), number("bad"), number("lost"), number("missing")), (1383, 37, 0, 20), "{counts}");
    assert!((counts["coverage"].as_f64().unwrap() - 1420.0 / 1440.0).abs() < 1e-12, "{counts}");
    let failures = &told["flows"][0]["failures"];
    assert_eq!((&failures[0]["class"], &failures[0]["count"]), (&"timeout".into(), &37.into()));
    let outages = told["flows"][0]["outages"].as_array().map_or(0, Vec::len);
    assert!(outages <= 1 || told["flows"][0]["outages"].is_null(), "{}", told["flows"][0]["outages"]);

    assert!(import(&[]).0.starts_with("imported 0 runs (1420 known already)"));
    assert_eq!(report(place, "store", from, to), told, "the second time changes nothing");
    // Another flow of the same vantage and day leaves the first as it was.
    let more =
        ["import", "runs", "day.csv", "--flow", "till", "--at", "elsewhere", "--columns", "time=when,class=error"];
    good(place, &more);
    let both = report(place, "store", from, to);
    assert_eq!(both["objectives"][0]["counts"], *counts);
    let till = both["flows"].as_array().unwrap().iter().find(|flow| flow["flow"] == "till" || flow["name"] == "till");
    assert!(till.is_some(), "{}", both["flows"]);
}

#[test]
fn a_bad_line_stops_everything_unless_it_may_be_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    let mut lines: Vec<String> = another_probers_day().lines().map(str::to_owned).collect();
    lines[4] = "yesterday,1,80,".to_owned();
    lines[9] = "2026-11-16T00:08:07Z,perhaps,80,".to_owned();
    lines[14] = "2026-11-16T00:13:07Z,1".to_owned();
    fs::write(place.join("day.csv"), lines.join("\n")).unwrap();
    let command = [&["import", "runs", "day.csv"], &MAP[..]].concat();
    let done = doorstep(place, &command);
    let (out, err) = texts(&done);
    assert_eq!((done.status.code(), out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(err, @r"
    error: day.csv:5: 'yesterday' is no time: write RFC 3339 with its zone, or seconds since 1970
    day.csv:10: 'perhaps' is no outcome: write ok or failed, true or false, 1 or 0, up or down
    day.csv:15: has 2 cells, and the header 4
    nothing was imported: correct these lines, or leave them out with --skip-bad
    ");
    assert!(!place.join("store/v1/live").exists(), "nothing was written");
    let (said, notes) = good(place, &[&command[..], &["--skip-bad"]].concat());
    assert!(said.starts_with("imported 1417 runs") && notes.contains("left out 3 lines"), "{said}{notes}");

    for (file, text, args, part) in [
        ("x.csv", "time,ok\n1795000000,1\n", &[][..], "say which flow and vantage"),
        ("x.csv", "time,ok\n1795000000,1\n", &["--flow", "shop", "--at", "a"], "say --interval"),
        ("x.csv", "a,b\n1,2\n", &["--flow", "shop", "--at", "a"], "say --columns time=NAME; there are: a, b"),
        ("x.txt", "", &["--flow", "shop", "--at", "a"], "name it .csv or .jsonl"),
        ("x.jsonl", "[]\n", &["--flow", "shop", "--at", "a"], "x.jsonl:1: is no JSON object"),
    ] {
        fs::write(place.join(file), text).unwrap();
        let done = doorstep(place, &[&["import", "runs", file], args].concat());
        let (_, err) = texts(&done);
        assert!(done.status.code() == Some(2) && err.contains(part), "{args:?}: {err}");
    }
    fs::write(place.join("empty.csv"), "time,ok\n").unwrap();
    let (said, notes) = good(place, &["import", "runs", "empty.csv"]);
    assert!(said.starts_with("imported 0 runs") && notes.contains("empty.csv: there is no run in it"), "{said}{notes}");
}
