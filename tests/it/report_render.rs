//! The same truth in every rendering, and the exact words of the Markdown.

use std::time::Duration;

use doorstep::model::{BadClass, Population, RunKind, Segment, Verdict};
use doorstep::report::{csv, html, json, markdown};
use serde_json::Value;

use crate::report_synthetic::{
    LOST, World, declarations, login, run, schedule, span, thirty_seven_of_a_thousand, vantage,
};

/// The value of one row of the table.
fn cell(table: &str, scope: &str, name: &str, metric: &str) -> Option<String> {
    let mut reader = ::csv::Reader::from_reader(table.as_bytes());
    let row = reader
        .records()
        .map(|row| row.expect("a row"))
        .find(|row| row[0] == *scope && row[1] == *name && row[2] == *metric);
    row.map(|row| row[3].to_owned())
}

#[test]
fn every_rendering_says_three_point_seven_percent_and_the_classes() {
    let model = thirty_seven_of_a_thousand().report();

    let markdown = markdown::render(&model);
    let page = html::render(&model).replace('\u{a0}', " ");
    for text in [&markdown, &page] {
        assert!(text.contains("963 of 1,000 logins succeeded: 96.3 %"), "{text}");
        assert!(text.contains("37 failed: 3.7 %"), "{text}");
        for class in ["bad(http_status)", "bad(timeout)", "bad(credentials_refused)"] {
            assert!(text.contains(class), "{class} in {text}");
        }
    }
    let classes = ["| bad(http_status)         | service |   20 |", "| bad(timeout)             | service |   12 |"];
    for row in classes {
        assert!(markdown.contains(row), "{row} in {markdown}");
    }
    assert!(markdown.contains("12 of 1,000 logins did not finish: the tail is at least 10.00 s."));

    let value: Value = serde_json::from_str(&json::render(&model)).expect("JSON");
    assert_eq!(value["objectives"][0]["failing"], 0.037);
    assert_eq!(value["objectives"][0]["availability"], 0.963);
    let failures = value["flows"][0]["failures"].as_array().expect("a list");
    let counted: Vec<_> =
        failures.iter().map(|row| (row["class"].as_str().unwrap(), row["count"].as_u64().unwrap())).collect();
    assert_eq!(counted, [("http_status", 20), ("timeout", 12), ("credentials_refused", 5)]);

    let table = csv::render(&model);
    assert_eq!(cell(&table, "objective", "login", "failing").as_deref(), Some("0.037"));
    assert_eq!(cell(&table, "objective", "login", "bad").as_deref(), Some("37"));
    for (class, count) in [("http_status", "20"), ("timeout", "12"), ("credentials_refused", "5")] {
        assert_eq!(cell(&table, "failure", &format!("shop/bad/{class}"), "count").as_deref(), Some(count));
    }
}

#[test]
fn all_good_all_bad_and_nothing_at_all_are_told_apart_everywhere() {
    let mut good = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    good.fill(|_| Some(Verdict::Good));
    let mut bad = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    bad.fill(|_| Some(Verdict::Bad(BadClass::Connect)));
    let nothing = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    let mut lost = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    lost.fill(|_| Some(LOST));
    let silence = "No login of shop has a verdict: nothing can be said about it.";
    let cases = [
        (good, "1,000 of 1,000 logins succeeded", Some("0")),
        (bad, "0 of 1,000 logins succeeded", Some("1")),
        (nothing, silence, Some("")),
        (lost, silence, Some("")),
    ];
    for (world, words, failing) in cases {
        let model = world.report();
        for text in [markdown::render(&model), html::render(&model)] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert_eq!(cell(&csv::render(&model), "objective", "login", "failing").as_deref(), failing);
        let value: Value = serde_json::from_str(&json::render(&model)).expect("JSON");
        let number = failing.and_then(|text| text.parse::<f64>().ok());
        assert_eq!(value["objectives"][0]["failing"].as_f64(), number);
    }
}

/// A small site with everything in it: an outage, slow and lost runs, a gap, users, a wrong password let in.
fn eventful() -> World {
    let vantages = ["berlin", "tokyo"];
    let mut world = World::new(span(3_600), Duration::from_secs(60), &vantages);
    let both = [
        schedule(RunKind::Login, Duration::from_secs(60), &vantages),
        schedule(RunKind::WrongPassword, Duration::from_secs(600), &vantages),
    ];
    world.declarations = declarations(world.period.start, &both, &vantages);
    let segment = |name: &str, share, from: &[&str]| Segment {
        name: name.to_owned(),
        share,
        vantages: from.iter().map(|name| vantage(name)).collect(),
        ..Segment::default()
    };
    let segments =
        vec![segment("europe", 0.7, &["berlin"]), segment("asia", 0.2, &["tokyo"]), segment("rest", 0.1, &[])];
    world.population = Population::new(segments).expect("shares that add up");
    world.objectives.push((crate::report_synthetic::objective("fast", 0.95, Some(400)), world.period.clone()));
    for (index, (slot, from)) in world.slots(RunKind::Login).into_iter().enumerate() {
        let (verdict, millis) = match index {
            30..=39 if from == vantage("berlin") => (Verdict::Bad(BadClass::Timeout), 0),
            45 => (Verdict::Bad(BadClass::HttpStatus), 80),
            60..=63 => (LOST, 0),
            70..=75 => continue,
            90..=99 => (Verdict::Good, 900),
            _ => (Verdict::Good, 150 + index as u64),
        };
        world.runs.push(login(&from, slot, 0, verdict, millis));
    }
    for (index, (slot, from)) in world.slots(RunKind::WrongPassword).into_iter().enumerate() {
        let verdict = if index == 3 { Verdict::Bad(BadClass::AcceptedWrongPassword) } else { Verdict::Good };
        world.runs.push(run(RunKind::WrongPassword, &from, slot, 0, verdict, 90));
    }
    world
}

/// The page of [`eventful`], for the browser.
pub(crate) fn eventful_page() -> String {
    html::render(&eventful().report())
}

#[test]
fn the_markdown_reads_well() {
    insta::assert_snapshot!(markdown::render(&eventful().report()));
}

#[test]
fn the_alarm_comes_first() {
    let text = markdown::render(&eventful().report());
    let (alarm, verdicts) = (text.find("SECURITY").expect("an alarm"), text.find(". Verdicts").expect("verdicts"));
    assert!(alarm < verdicts);
}

#[test]
fn the_same_data_and_policy_give_the_same_bytes() {
    let world = eventful();
    let (one, two) = (world.report(), world.report_of(world.runs.iter().rev()));
    for render in [markdown::render, json::render, csv::render, html::render] {
        assert_eq!(render(&one), render(&two));
    }
}

#[test]
fn the_json_can_be_read_back() {
    let model = eventful().report();
    let read: doorstep::report::ReportModel = serde_json::from_str(&json::render(&model)).expect("a model");
    assert_eq!(read.head, model.head);
    assert_eq!(read.flows[0].series, model.flows[0].series);
    assert_eq!(read.objectives[0].counts, model.objectives[0].counts);
    assert_eq!(read.flows[0].failures, model.flows[0].failures);
    assert_eq!(read.alarms, model.alarms);
}

#[test]
fn every_row_of_the_table_has_eight_cells_and_a_name_of_its_own() {
    let table = csv::render(&eventful().report());
    let mut reader = ::csv::ReaderBuilder::new().flexible(false).from_reader(table.as_bytes());
    let header: Vec<_> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    assert_eq!(header, ["scope", "name", "metric", "value", "low", "high", "unit", "n"]);
    let mut seen = std::collections::BTreeSet::new();
    for row in reader.records() {
        let row = row.expect("eight cells");
        assert!(seen.insert((row[0].to_owned(), row[1].to_owned(), row[2].to_owned())), "twice: {row:?}");
    }
    assert!(seen.len() > 300, "{}", seen.len());
}
