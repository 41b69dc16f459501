//! Runs from elsewhere: exported runs come back with the same figures, another prober's history is reported on with its
//! gaps, importing twice changes nothing however it is done, and a bad line stops everything before anything is written.

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

/// What stands there; an index would take what is not there for null, and two of those for the same.
fn at<'v>(value: &'v Value, place: &str) -> &'v Value {
    value.pointer(place).unwrap_or_else(|| panic!("nothing at {place} of {value:#}"))
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
        let flow = |report: &Value| match format {
            "csv" => serde_json::json!([at(report, "/flows/0/failures"), at(report, "/flows/0/latency/login")]),
            _ => at(report, "/flows/0").clone(),
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
    let start: Timestamp = "2024-11-18T00:00:07Z".parse().unwrap();
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
    assert!(said.starts_with("would import 1420 runs (0 known already), from 2024-11-18T00:00:07"), "{said}");
    assert!(notes.contains("the interval is taken to be 60 s"), "{notes}");
    assert!(!place.join("store/v1/live").exists(), "a dry run writes nothing");
    let (said, notes) = import(&[]);
    assert!(said.starts_with("imported 1420 runs ("), "{said}");
    assert!(!notes.contains("has no flow"), "{notes}");
    let (from, to) = ("2024-11-18", "2024-11-19");
    let told = report(place, "store", from, to);
    let counts = &told["objectives"][0]["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!((number("good"), number("bad"), number("lost"), number("missing")), (1383, 37, 0, 20), "{counts}");
    assert!((counts["coverage"].as_f64().unwrap() - 1420.0 / 1440.0).abs() < 1e-12, "{counts}");
    let failures = &told["flows"][0]["failures"];
    assert_eq!((&failures[0]["class"], &failures[0]["count"]), (&"timeout".into(), &37.into()));
    // The 37 minutes of failures are one incident, seen from one place; the gap is none.
    let incidents = at(&told, "/incidents").as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");

    assert!(import(&[]).0.starts_with("imported 0 runs (1420 known already)"));
    assert_eq!(report(place, "store", from, to), told, "the second time changes nothing");
    // Another flow of the same vantage and day leaves the first as it was.
    let more =
        ["import", "runs", "day.csv", "--flow", "till", "--at", "elsewhere", "--columns", "time=when,class=error"];
    let (said, notes) = good(place, &more);
    assert!(said.starts_with("imported 1420 runs (0 known already)"), "{said}{notes}");
    let both = report(place, "store", from, to);
    assert_eq!(both["objectives"][0]["counts"], *counts);
    let till = both["flows"].as_array().unwrap().iter().find(|flow| flow["name"] == "till");
    assert!(till.is_some(), "{}", both["flows"]);
}

fn counts(place: &Path) -> [u64; 4] {
    let told = report(place, "store", "2024-11-18", "2024-11-19");
    ["good", "bad", "lost", "missing"]
        .map(|name| at(&told, &format!("/objectives/0/counts/{name}")).as_u64().expect("a count"))
}

/// A run is known by when it began: a piece of the same history that reaches back, or one at another interval, counts
/// nothing twice.
#[test]
fn the_same_run_is_never_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    let day = another_probers_day();
    let lines: Vec<&str> = day.lines().collect();
    let piece = |name: &str, from: usize, to: usize| {
        fs::write(place.join(name), [&lines[..1], &lines[from..to]].concat().join("\n")).unwrap();
    };
    piece("first.csv", 1, 901);
    piece("second.csv", 500, lines.len());
    let import = |file: &str, interval: &str| {
        let command = [&["import", "runs", file, "--interval", interval], &MAP[..]].concat();
        let done = doorstep(place, &command);
        (done.status.code(), texts(&done))
    };
    let (_, (said, _)) = import("first.csv", "60s");
    assert!(said.starts_with("imported 900 runs (0 known already)"), "{said}");
    // The second week's file of a prober reaches back into the first.
    let (_, (said, _)) = import("second.csv", "60s");
    assert!(said.starts_with("imported 520 runs (401 known already)"), "{said}");
    assert_eq!(counts(place), [1383, 37, 0, 20]);
    for dry in [true, false] {
        let command = [&["import", "runs", "first.csv", "--interval", "30s"], &MAP[..]].concat();
        let done = doorstep(place, &[&command[..], if dry { &["--dry-run"] } else { &[] }].concat());
        let (out, err) = texts(&done);
        assert_eq!((done.status.code(), out.as_str()), (Some(2), ""), "{err}");
        assert!(
            err.contains("nothing was imported: the store says that shop was due at elsewhere each 1m from"),
            "{err}"
        );
        assert!(
            err.contains("would be due each 30s") && err.contains("say --interval 1m, leave this time out"),
            "{err}"
        );
    }
    assert_eq!(counts(place), [1383, 37, 0, 20], "what was refused left nothing");
}

/// Semicolons, decimal commas, another case, times of a wall clock, and JSON arrays: the same day as other tools write it.
#[test]
fn the_same_day_in_other_notations_is_the_same_day() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    let day = another_probers_day();
    let mut german = "Zeit;OK;Latency (s);Error\n".to_owned();
    let mut array = "[\n".to_owned();
    for line in day.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let at: Timestamp = cells[0].parse().unwrap();
        let local = at.in_tz("Europe/Berlin").unwrap().strftime("%Y-%m-%d %H:%M:%S%.f").to_string();
        let seconds = cells[2].parse::<f64>().unwrap() / 1e3;
        writeln!(german, "{local};{};{};{}", cells[1], seconds.to_string().replace('.', ","), cells[3]).unwrap();
        let object = serde_json::json!({
            "Time": at.as_microsecond(), "ok": cells[1] == "1", "latency_ms": seconds * 1e3, "class": cells[3],
        });
        writeln!(array, "{}{object}", if array.len() > 2 { "," } else { "" }).unwrap();
    }
    fs::write(place.join("german.csv"), german).unwrap();
    fs::write(place.join("array.json"), format!("{array}]\n")).unwrap();
    let to = ["--flow", "shop", "--at", "elsewhere"];
    let reading = ["--columns", "time=zeit,class=error", "--zone", "Europe/Berlin", "--decimal-comma"];
    let (said, notes) = good(place, &[&["import", "runs", "german.csv"], &to[..], &reading[..]].concat());
    assert!(said.starts_with("imported 1420 runs (0 known already)"), "{said}");
    assert!(
        notes.contains("cells are taken to be separated by semicolons; say --delimiter when they are not"),
        "{notes}"
    );
    assert_eq!(counts(place), [1383, 37, 0, 20]);
    let (said, notes) = good(place, &[&["import", "runs", "array.json"], &to[..]].concat());
    assert!(said.starts_with("imported 0 runs (1420 known already)"), "{said}");
    assert!(!notes.contains("another outcome"), "{notes}");

    let refused = |file: &str, args: &[&str]| {
        let done = doorstep(place, &[&["import", "runs", file], &to[..], args].concat());
        assert_eq!(done.status.code(), Some(2));
        texts(&done).1
    };
    let without = refused("german.csv", &["--columns", "time=zeit,class=error"]);
    assert!(without.contains("german.csv:2: '2024-11-18 01:00:07' does not say its zone: say --zone"), "{without}");
    let points = refused("german.csv", &["--columns", "time=zeit,class=error", "--zone", "Europe/Berlin"]);
    assert!(points.contains("'0,0805' is no duration: write a number; say --decimal-comma"), "{points}");
}

/// What is hard to believe is asked about before it is in the store, where nothing takes it out.
#[test]
fn what_is_hard_to_believe_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    fs::write(place.join("x.csv"), "time,ok\n1,1\n1700000000,1\n1700000060,0\n2999-01-01T00:00:00Z,1\n").unwrap();
    let command = ["import", "runs", "x.csv", "--flow", "shop", "--at", "a", "--interval", "60s"];
    let done = doorstep(place, &command);
    let (out, err) = texts(&done);
    assert_eq!((done.status.code(), out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(err, @r"
    error: x.csv:2: a run at 1970-01-01T00:00:01Z is hard to believe: numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size; say --from when it is right
    x.csv:5: a run at 2999-01-01T00:00:00Z lies ahead: is it the right column? Say --to when it is right
    nothing was imported: correct these lines, or leave them out with --skip-bad
    ");
    let dry = |more: &[&str]| good(place, &[&command[..], &["--dry-run"], more].concat());
    let (said, notes) = dry(&["--skip-bad"]);
    assert!(said.starts_with("would import 2 runs (") && notes.contains("left out 2 lines"), "{said}{notes}");
    let (said, notes) = dry(&["--from", "2023-11-14T22:14:00Z", "--to", "2024-01-01"]);
    assert!(said.starts_with("would import 1 run (0 known already), from 2023-11-14T22:14:20Z to"), "{said}");
    assert!(notes.contains("left out 3 runs that began outside --from and --to"), "{notes}");

    fs::write(place.join("one.csv"), "time,ok\n1700000000,1\n").unwrap();
    let nobody = ["import", "runs", "one.csv", "--flow", "nosuch", "--at", "a", "--interval", "60s"];
    let (said, notes) = good(place, &nobody);
    assert!(said.starts_with("imported 1 run (0 known already)"), "{said}");
    assert!(notes.contains("the configuration has no flow 'nosuch' (there are: shop, till): no objective"), "{notes}");
}

#[test]
fn a_bad_line_stops_everything_unless_it_may_be_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    let mut lines: Vec<String> = another_probers_day().lines().map(str::to_owned).collect();
    lines[4] = "yesterday,1,80,".to_owned();
    lines[9] = "2024-11-18T00:08:07Z,perhaps,80,".to_owned();
    lines[14] = "2024-11-18T00:13:07Z,1".to_owned();
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
        ("x.csv", "time,ok\n1700000000,1\n", &[][..], "say which flow and vantage"),
        ("x.csv", "time,ok\n1700000000,1\n", &["--flow", "shop", "--at", "a"], "say --interval"),
        ("x.csv", "a,b\n1,2\n", &["--flow", "shop", "--at", "a"], "say --columns time=NAME; there are: a, b"),
        ("x.txt", "", &["--flow", "shop", "--at", "a"], "name it .csv or .jsonl"),
        ("x.csv", "time,ok,OK\n1700000000,1,1\n", &["--flow", "shop", "--at", "a"], "'OK' and 'ok' may both hold 'ok'"),
        ("x.csv", "time,ok,ok\n1700000000,1,1\n", &["--skip-bad"], "x.csv:1: the header has 'ok' twice"),
        ("x.csv", "time,ok\n1700000000,1\n", &["--delimiter", "::"], "write one sign, such as ';', or tab"),
        (
            "x.jsonl",
            "7\n",
            &["--flow", "shop", "--at", "a"],
            r#"x.jsonl:1: is no JSON object: write one for each run, such as {"#,
        ),
        ("x.json", "[{},\n{]", &["--skip-bad"], "x.json:2: no JSON array:"),
    ] {
        fs::write(place.join(file), text).unwrap();
        let done = doorstep(place, &[&["import", "runs", file], args].concat());
        let (_, err) = texts(&done);
        assert!(done.status.code() == Some(2) && err.contains(part), "{args:?}: {err}");
    }
    fs::write(place.join("x.csv"), b"time,ok,gr\xf6sse\n").unwrap();
    let (_, err) = texts(&doorstep(place, &["import", "runs", "x.csv"]));
    assert!(err.contains("x.csv: is no UTF-8 text: convert it, such as by 'iconv"), "{err}");
    fs::write(place.join("empty.csv"), "time,ok\n").unwrap();
    let (said, notes) = good(place, &["import", "runs", "empty.csv"]);
    assert!(said.starts_with("imported 0 runs") && notes.contains("empty.csv: there is no run in it"), "{said}{notes}");
}
