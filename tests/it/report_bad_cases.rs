//! Nothing, almost nothing, and what is still to come: the report says so in words and makes no number of it.

use std::fs;
use std::process::Command;

use doorstep::clock::Clock;
use doorstep::model::{Population, RunKind, Segment, Verdict};
use doorstep::report::{ReportModel, csv, html, json, markdown};
use doorstep::slo::Attainment;
use jiff::ToSpan;

use crate::report_synthetic::{World, login, span, vantage};

/// A world of a week without a run.
fn quiet() -> World {
    let mut world = World::new(span(604_800), std::time::Duration::from_secs(600), &["berlin"]);
    let segment =
        Segment { name: "europe".to_owned(), share: 1.0, vantages: vec![vantage("berlin")], ..Segment::default() };
    world.population = Population::new(vec![segment]).expect("a population");
    world
}

/// No rendering holds a number that is none.
fn is_sober(model: &ReportModel) {
    for text in [markdown::render(model), html::render(model), json::render(model), csv::render(model)] {
        for word in ["NaN", "nan,", "inf ", "inf,", "-0.0 "] {
            assert!(!text.contains(word), "'{word}' in {text}");
        }
    }
}

/// Where nothing was seen, nothing is all or none, but for what was due and is missing.
fn makes_no_share_of_nothing(model: &ReportModel) {
    is_sober(model);
    let page = markdown::render(model);
    let told = page.split("## 12.").next().expect("a text");
    let due = |line: &str| line.contains("missing") || line.starts_with("| berlin") || line.starts_with("| all");
    for line in told.lines().filter(|line| !due(line)) {
        for words in [" 0 %", "0.00 %", "100 %", "100.00 %"] {
            assert!(!line.contains(words), "'{words}' from nothing: {line}");
        }
    }
}

#[test]
fn a_week_without_a_run_has_no_verdict_and_no_share() {
    let mut world = quiet();
    let declared = world.report();
    makes_no_share_of_nothing(&declared);
    assert_eq!(declared.objectives[0].verdict, Attainment::NoData);
    let text = markdown::render(&declared);
    let scheduled = "1,008 scheduled, 0 runs recorded, 1,008 due without a run";
    for words in ["NO DATA", "nothing can be said", "No run has a verdict", scheduled] {
        assert!(text.contains(words), "{words} in {text}");
    }
    world.declarations.clear();
    let empty = world.report();
    makes_no_share_of_nothing(&empty);
    let text = markdown::render(&empty);
    assert!(text.contains("none: no run was recorded and no schedule was declared"), "{text}");
    assert!(empty.objectives[0].standing.clauses.is_empty());
}

#[test]
fn one_run_is_told_with_the_interval_that_it_deserves() {
    let mut world = quiet();
    let (slot, from) = world.slots(RunKind::Login).into_iter().next().expect("a slot");
    world.runs.push(login(&from, slot, 0, Verdict::Good, 120));
    let model = world.report();
    is_sober(&model);
    let objective = &model.objectives[0];
    assert_eq!(objective.verdict, Attainment::NotKnown);
    assert!(objective.interval.expect("an interval").low < 0.3, "one login proves little");
    let text = markdown::render(&model);
    assert!(text.contains("1 of 1 login succeeded: 100 % (21 % to 100 %)"), "{text}");
    assert!(text.contains("1,008 scheduled, 1 run recorded, 1,007 due without a run"), "{text}");
}

#[test]
fn a_period_in_the_future_is_named_so() {
    let mut world = quiet();
    world.until = world.period.start - 1.hour();
    let model = world.report();
    makes_no_share_of_nothing(&model);
    let text = markdown::render(&model);
    assert!(text.contains("the period lies in the future: nothing was due yet"), "{text}");
    assert_eq!(model.objectives[0].counts.missing, 0, "nothing is missing that was not due");
}

const FLOW: &str = "accounts: [probe]
interval: 60s
steps:
  - open: https://shop.example/login
  - submit: { username: '{{ username }}', password: '{{ password }}' }
  - open: /account
    expect: { user: 'Signed in as {{ username }}' }
";

const SITE: &str = "vantages: { berlin: { region: eu } }
store: store
accounts: { probe: { username: p, password: { env: P } } }
flows: [shop.yaml]
objectives: { shop-weekly: { flow: shop, target: 99.9%, zone: Europe/Berlin } }
";

#[test]
fn an_empty_store_answers_and_one_that_is_not_there_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.yaml"), FLOW).unwrap();
    fs::write(folder.path().join("doorstep.yaml"), SITE).unwrap();
    let next_year = Clock::system().now().to_zoned_datetime(jiff::tz::TimeZone::UTC).year() + 1;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        let done = command.arg("report").args(arguments).current_dir(folder.path()).output().unwrap();
        (done.status.code(), [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap()))
    };
    let (code, [_, said]) = run(&["--last-week"]);
    assert!(code == Some(4) && said.contains("there is no store at"), "{said}");
    fs::create_dir(folder.path().join("store")).unwrap();
    let (code, [text, said]) = run(&["--last-week"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(text.contains("1 objective: 1 no data") && said.contains("no run was recorded"), "{text}{said}");
    let (code, [text, said]) = run(&["--week", &format!("{next_year}-W20")]);
    assert_eq!((code, text.as_str()), (Some(2), ""), "{said}");
    assert!(said.contains("in the future: nothing of it is known yet"), "{said}");
}
