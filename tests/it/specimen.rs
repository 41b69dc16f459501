//! A well-known outage replayed, from the runs to the words: five vantages, 80 % of the users failing from 2024-03-05
//! 09:00 to 2024-03-06 02:30 UTC after a ramp of latency. Everything that is said of it must agree with the truth.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use doorstep::impact::{self, Question};
use doorstep::incident::{Incident, Rules, Scope, Symptom};
use doorstep::model::{Demand, Habits, Micros, Policy, Population, Rate, Segment, TypicalWeek, VantageName};
use doorstep::query;
use doorstep::simulate::{Given, OutageTruth, Script, Truth};
use doorstep::slo::Period;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::simulate::{store, truth};

const CONFIG: &str = "probes/simulate/doorstep.yaml";

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command line, from the root of the project.
pub(crate) fn doorstep(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep")).args(arguments).current_dir(root()).output().unwrap()
}

/// A folder whose `store` holds the simulated runs; made once, since all tests here read it.
pub(crate) fn simulated() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("specimen");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let place = folder.join("store");
        let done = doorstep(&["simulate", "probes/simulate/specimen.yaml", "--store", place.to_str().unwrap()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        folder
    })
}

/// The outage as it was.
fn outage() -> OutageTruth {
    let truth: Truth = truth(simulated());
    assert_eq!(truth.outages.len(), 1);
    truth.outages.into_iter().next().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The failing incidents of the week that were seen from several places.
async fn common_failing() -> Vec<Incident> {
    let period = Period::week("2024-W10", &TimeZone::UTC).unwrap();
    let found = query::incidents(&store(simulated()), &period, &Rules::default(), &mut |_, _| {}).await.unwrap();
    let mut incidents = found.detection.incidents;
    incidents.retain(|incident| incident.symptom == Symptom::Failing && incident.scope == Scope::Common);
    incidents
}

#[test]
fn the_truth_is_the_specimens() {
    let outage = outage();
    assert_eq!((outage.from, outage.to), (time("2024-03-05T09:00:00Z"), time("2024-03-06T02:30:00Z")));
    let share = outage.failing as f64 / outage.runs as f64;
    assert!((share - 0.8).abs() < 0.001, "{share}");
    assert_eq!(outage.runs, 5 * (17 * 60 + 30));
    assert_eq!(outage.vantages.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_incident_is_found_and_its_bounds_hold_the_truth() {
    let truth = outage();
    let incidents = common_failing().await;
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    let found = &incidents[0];
    assert!(found.start.earliest <= truth.from && truth.from <= found.start.latest, "{:?}", found.start);
    assert!(found.end.earliest <= truth.to && truth.to <= found.end.latest, "{:?}", found.end);
    let length = Micros(u64::try_from(truth.to.as_microsecond() - truth.from.as_microsecond()).unwrap());
    assert!(found.low <= length && length <= found.high, "{:?} {:?}", found.low, found.high);
    // Eight of ten accounts fail, in turn: with five vantages a failing probe comes every fifteen seconds.
    assert!(found.high.0 - found.low.0 < 3 * 60_000_000, "{:?} {:?}", found.low, found.high);
    let interval = found.failing.interval.unwrap();
    assert!(interval.low <= truth.share && truth.share <= interval.high, "{interval:?}");
    assert!(!found.open);
    assert_eq!(found.flows.iter().map(doorstep::model::FlowName::as_str).collect::<Vec<_>>(), ["shop-login"]);
    assert_eq!(found.first_step.as_ref().unwrap().as_str(), "submit");
    let delay = found.detection_delay().unwrap();
    assert!(delay.0 < 5 * 60_000_000, "{delay}");
    let classes: Vec<&str> = found.splits.classes.iter().map(|split| split.name.as_str()).collect();
    assert_eq!(classes.first(), Some(&"timeout"), "{:?}", found.splits.classes);
    let mut regions: Vec<&str> = found.splits.regions.iter().map(|split| split.name.as_str()).collect();
    regions.sort_unstable();
    assert_eq!(regions, ["ap", "eu", "us"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_minutes_are_those_of_the_truth() {
    let truth = outage();
    let incidents = common_failing().await;
    let found: Vec<_> = incidents[0].minutes.iter().map(|minute| (minute.start, minute.n, minute.failing)).collect();
    let meant: Vec<_> = truth.minutes.iter().map(|minute| (minute.start, minute.runs, minute.bad)).collect();
    let whole = |rows: &[(Timestamp, u64, u64)]| -> Vec<(Timestamp, u64, u64)> {
        // The first and the last minute hold what came before and after it too.
        rows.iter().filter(|row| truth.from < row.0 && row.0 < time("2024-03-06T02:29:00Z")).copied().collect()
    };
    assert_eq!(whole(&found), whole(&meant));
    assert_eq!(whole(&found).len(), 17 * 60 + 30 - 2);
}

/// The people of the script, as a site would describe them.
fn population() -> Population {
    let text = std::fs::read_to_string(root().join("probes/simulate/specimen.yaml")).unwrap();
    let demand = Script::parse(&text, &Given::default()).unwrap().demand.unwrap();
    let hours = demand.week.iter().map(|&hour| Rate { low: hour, middle: hour, high: hour }).collect();
    let segment = |name: &str, share, vantages: &[&str]| Segment {
        name: name.to_owned(),
        share,
        vantages: vantages.iter().map(|name| VantageName::new(name).unwrap()).collect(),
        ..Segment::default()
    };
    let segments = vec![
        segment("Europe", 0.55, &["frankfurt", "london"]),
        segment("Americas", 0.3, &["ohio", "oregon"]),
        segment("Asia", 0.15, &["singapore"]),
    ];
    Population::new(segments).unwrap().with_habits(Habits {
        users: Some(demand.users),
        demand: Some(Demand::Stated(TypicalWeek { zone: demand.zone, hours })),
        retries: Some(vec![Micros(0); demand.retries as usize]),
        ..Habits::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_impact_holds_the_people_who_were_kept_out() {
    let truth = outage().sign_ins.unwrap();
    let period = Period::week("2024-W10", &TimeZone::UTC).unwrap();
    let found = query::incidents(&store(simulated()), &period, &Rules::default(), &mut |_, _| {}).await.unwrap();
    let incident = found.detection.incidents.iter().find(|one| one.symptom == Symptom::Failing).unwrap();
    let (population, policy) = (population(), Policy::default());
    let question = Question {
        history: &found.reading.history,
        until: period.end,
        population: &population,
        policy: &policy,
        exclusions: &[],
        objectives: &[],
        flows: &[],
    };
    let impact = impact::of_incident(&question, incident);
    let estimate = |figure: &impact::Figure| figure.estimate().unwrap_or_else(|| panic!("{figure:?}"));
    let intents = estimate(&impact.intents);
    assert!(intents.low <= truth.expected && truth.expected <= intents.high, "{intents:?} {truth:?}");
    let affected = estimate(&impact.affected);
    let count = truth.affected as f64;
    assert!(affected.low <= count && count <= affected.high, "{affected:?} {truth:?}");
    // Hours weighted by demand support a little less than as many runs alike would.
    assert!(affected.high - affected.low < 0.06 * affected.middle, "{affected:?}");
    // The formulas for trying again (F13) take every attempt as drawn for itself. Here the same users fail each time: who
    // is affected is locked out. The bounds hold that too.
    assert_eq!(truth.locked_out, truth.affected);
    let locked_out = estimate(&impact.locked_out);
    assert!(locked_out.low <= count && count <= locked_out.high && locked_out.middle < count, "{locked_out:?}");
    assert!(estimate(&impact.delayed).low <= 0.0);
    // Nor do the others fail once and get in: each of the same users fails four times.
    assert_eq!(truth.failed_attempts, 4 * truth.affected);
    for (figure, was) in [
        (&impact.failed_sign_ins, truth.failed_attempts as f64),
        (&impact.attempts, truth.attempts as f64),
        (&impact.attempts_per_person, truth.failed_attempts as f64 / count),
    ] {
        let told = estimate(figure);
        assert!(told.low <= was && was <= told.high && told.middle < was, "{told:?} and {was}");
    }
}

/// The arguments by which every command here finds configuration and store.
fn with_store<'a>(command: &[&'a str], place: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [command, &["--config", CONFIG, "--store", place], more].concat()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The name of the incident, as `doorstep incidents` lists it.
fn incident_id(place: &str) -> String {
    let span = ["--from", "2024-03-04", "--to", "2024-03-11", "--format", "json"];
    let listed = doorstep(&with_store(&["incidents"], place, &span));
    assert!(listed.status.success(), "{}", text(&listed));
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let all = listed["incidents"].as_array().unwrap();
    let failing: Vec<_> = all.iter().filter(|one| one["symptom"] == "failing").collect();
    assert_eq!(failing.len(), 1, "{listed:#}");
    failing[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_draft_tells_the_truth_minute_by_minute_and_passes_its_own_check() {
    let (place, truth) = (simulated().join("store"), outage());
    let place = place.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (id, out) = (incident_id(place), folder.path().to_str().unwrap());
    assert!(id.starts_with("20240305-0900-"), "{id}");
    let drafted = doorstep(&with_store(&["postmortem", "draft"], place, &["--incident", &id, "--out", out]));
    assert!(drafted.status.success(), "{}", text(&drafted));
    let draft = std::fs::read_to_string(folder.path().join("postmortem.md")).unwrap();
    assert!(draft.contains("80.0 % of logins failed"), "{draft}");
    // Logins had been slow before, and an alarm on that was due half an hour before the first failure.
    assert!(draft.contains("An alarm on slow logins was due at 2024-03-05 08:2"), "{draft}");
    let rows = std::fs::read_to_string(folder.path().join("failing-per-minute.csv")).unwrap();
    let told: Vec<(Timestamp, u64, u64)> = rows
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2].parse().unwrap()))
        .filter(|row: &(Timestamp, u64, u64)| truth.from < row.0 && row.0 < time("2024-03-06T02:29:00Z"))
        .collect();
    let meant = truth.minutes.iter().map(|minute| (minute.start, minute.runs, minute.bad));
    let meant: Vec<_> = meant.filter(|row| truth.from < row.0 && row.0 < time("2024-03-06T02:29:00Z")).collect();
    assert_eq!(told, meant);
    let file = folder.path().join("postmortem.md");
    let lint = ["postmortem", "lint", file.to_str().unwrap()];
    let checked = text(&doorstep(&with_store(&lint, place, &["--incident", &id])));
    assert!(!checked.contains("against-the-data") && !checked.contains("contradicts"), "{checked}");
}

#[test]
fn the_written_postmortem_is_held_against_what_was_measured() {
    let place = simulated().join("store");
    let place = place.to_str().unwrap();
    let id = incident_id(place);
    let lint = ["postmortem", "lint", "tests/it/postmortem/specimen.md"];
    let checked = doorstep(&with_store(&lint, place, &["--incident", &id]));
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
    let said = text(&checked);
    let found = |line: u32, rule: &str, quote: &str| {
        let begin = format!("specimen.md:{line}: error[{rule}]: '{quote}'");
        assert!(said.contains(&begin), "{begin} is missing in\n{said}");
    };
    // What the data say: sixteen hours were seventeen and a half, and not everybody was hit.
    found(5, "against-the-data", "March 5, 2024, 09:00 AM - March 6, 2024, 01:00 AM (UTC)");
    found(5, "against-the-data", "March 6, 2024, 01:00 AM (UTC)");
    found(6, "against-the-data", "affecting all users");
    found(6, "against-the-data", "complete outage");
    // What the text itself contradicts.
    found(5, "duration-contradicts-timeline", "March 5, 2024, 09:00 AM - March 6, 2024, 01:00 AM (UTC)");
    found(5, "restored-after-end", "March 6, 2024, 01:00 AM (UTC)");
    found(6, "whole-against-share", "complete outage");
    found(16, "midnight-without-date", "01:00 AM");
    // Who was warned by high latency could have been warned half an hour earlier.
    let late = "specimen.md:11: warning[noticed-late]: '09:00 AM'";
    assert!(said.contains(late), "{late} is missing in\n{said}");
    let confirmed = said.split("confirmed:").nth(1).unwrap();
    for (line, quote) in [(5, "March 5, 2024, 09:00 AM"), (17, "02:30 AM")] {
        assert_eq!(confirmed.matches(&format!("line {line}, '{quote}'")).count(), 1, "{confirmed}");
    }
    // What was noticed at nine were alerts of latency: the alarm on failing logins of that minute is another one.
    assert!(!confirmed.split("not checked:").next().unwrap().contains("line 11"), "{confirmed}");
}

#[test]
fn the_weekly_report_counts_what_was_injected() {
    let place = simulated().join("store");
    let (place, truth) = (place.to_str().unwrap(), truth(simulated()));
    let done = doorstep(&["report", "--config", CONFIG, "--store", place, "--week", "2024-W10", "--format", "json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let objective = report["objectives"].as_array().unwrap().iter().find(|one| one["name"] == "shop-login").unwrap();
    assert_eq!(objective["verdict"], "missed");
    let (good, bad) = (objective["counts"]["good"].as_u64().unwrap(), objective["counts"]["bad"].as_u64().unwrap());
    assert_eq!(good + bad, 5 * 7 * 24 * 60);
    // Everything that failed in the week, but for the background: the outage, and what was too slow to end in time.
    let outage = truth.outages[0].failing;
    assert!(outage <= bad && bad <= outage + truth.background, "{bad} bad, {outage} in the outage");
    // What the week was: the outage by its length and share, and the background of the script beside it.
    let down = 17.5 / 168.0;
    let was = 1.0 - (down * 0.8 + (1.0 - down) * 0.0005);
    let measured = &objective["standing"]["measured"]["interval"];
    let (low, high) = (measured["low"].as_f64().unwrap(), measured["high"].as_f64().unwrap());
    assert!(low <= was && was <= high, "{was} in {low} to {high}");
    assert!(
        high - low < objective["interval"]["high"].as_f64().unwrap() - objective["interval"]["low"].as_f64().unwrap()
    );
    let failing: Vec<_> = report["incidents"].as_array().unwrap().iter().map(|one| &one["incident"]).collect();
    assert_eq!(failing.iter().filter(|one| one["symptom"] == "failing").count(), 1);
}

/// Everything that is said of the outage, by the name of its file in `reports/specimen`.
fn sample() -> Vec<(&'static str, String)> {
    let place = simulated().join("store");
    let place = place.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (id, out) = (incident_id(place), folder.path().to_str().unwrap());
    let report = ["--week", "2024-W10", "--format", "html,md", "--out", out];
    let reported = doorstep(&with_store(&["report"], place, &report));
    assert!(reported.status.success(), "{}", text(&reported));
    let drafted = doorstep(&with_store(&["postmortem", "draft"], place, &["--incident", &id, "--out", out]));
    assert!(drafted.status.success(), "{}", text(&drafted));
    // The store is where the tests build: the sample names the place that the README simulates it into.
    let named = |text: String| text.replace(place, "simulated").replace(out, "review");
    let file = |name: &str| named(std::fs::read_to_string(folder.path().join(name)).unwrap());
    let said = |command: &[&str], more: &[&str]| {
        named(String::from_utf8(doorstep(&with_store(command, place, more)).stdout).unwrap())
    };
    let lint = ["postmortem", "lint", "tests/it/postmortem/specimen.md"];
    vec![
        ("report.html", file("report.html")),
        ("report.md", file("report.md")),
        ("impact.md", said(&["impact"], &["--incident", &id, "--format", "md"])),
        ("postmortem.md", file("postmortem.md")),
        ("failing-share.svg", file("failing-share.svg")),
        ("login-times.svg", file("login-times.svg")),
        ("failing-per-minute.csv", file("failing-per-minute.csv")),
        ("incidents.txt", said(&["incidents"], &["--from", "2024-03-04", "--to", "2024-03-11"])),
        ("lint.txt", said(&lint, &["--incident", &id])),
    ]
}

#[test]
fn the_committed_sample_comes_out_of_todays_code() {
    let kept = root().join("reports/specimen");
    for (name, made) in sample() {
        let path = kept.join(name);
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::create_dir_all(&kept).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        let first = made.lines().zip(there.lines()).position(|(made, kept)| made != kept);
        assert!(
            made == there,
            "reports/specimen/{name} differs from line {:?}; look at the change, then run \
             INSTA_UPDATE=always cargo test --test it -- specimen::the_committed_sample",
            first.map(|line| line + 1)
        );
    }
}

/// Eight of ten accounts fail every time: a fixed part of the users, as it was, and not logins that wait for each other.
#[test]
fn that_the_same_accounts_failed_is_told_with_what_looks_the_same() {
    let place = simulated().join("store");
    let place = place.to_str().unwrap();
    let id = incident_id(place);
    let told = text(&doorstep(&with_store(&["incidents"], place, &["--incident", &id])));
    for said in [
        "a fixed part of the accounts that fails every time, while the others get in",
        "8 of 10 accounts failed every time, in all of their ",
        "users spread over several primaries or shards",
        "whether logins of one account wait for each other cannot be told",
    ] {
        assert!(told.contains(said), "'{said}' is missing in\n{told}");
    }
    assert!(!told.contains("one account whose own data are locked"), "{told}");
    let impact = text(&doorstep(&with_store(&["impact"], place, &["--incident", &id])));
    assert!(impact.contains("Accounts of the probes: 8 of 10 failed every time, in all of their "), "{impact}");
}

/// The written postmortem contradicted itself; ours must not: whoever tells the failures counts the same ones.
#[test]
fn every_text_counts_the_same_failures() {
    let texts = sample();
    let of = |name: &str| &texts.iter().find(|(file, _)| *file == name).unwrap().1;
    for (name, sentence) in [
        ("incidents.txt", "of 5,249 logins"),
        ("impact.md", "4,201 of 5,249 probes failed"),
        ("postmortem.md", "4,201 failed logins out of 5,249 logins probed"),
        ("report.md", "4,201 of 5,249"),
        // 80 % for seventeen and a half hours, and a background of 0.05 % beside it.
        ("report.md", "equal to 14.1 h of total outage (13.9 h to 14.3 h)"),
        // One outage, as the weeks are counted, and what was only slow apart from it. Who met a failure may have got in.
        ("report.md", "1 outage and 1 slow spell, 60k-77k sign-ins met a failure"),
        ("report.md", "**68k** met a failure (60k to 77k): 35k never got in (28k to 77k), 33k only after trying again"),
        ("report.md", " kept waiting ("),
        ("report.md", " of sign-ins failed or took longer than 1 s ("),
        // A share of the demand is no time, and a budget that is spent many times over a multiple.
        ("impact.md", "knee at 1 d 10 h: in the worst 1 d 10 h 62.5 % of the demand failed (61.3 % to 63.8 %)"),
        ("impact.md", "83 times the whole (82 to 84 times the whole) of the budget: 4,201 bad slots of 50.4 allowed"),
        ("impact.md", "a typical week, as stated; its band: 0.9 to 1.1 times the rate"),
        ("impact.md", "it lies between 2024-03-05 08:59:24 UTC and 2024-03-05 09:00:18 UTC"),
        ("impact.md", "no run was lost, and no slot that counts here went without a run"),
        (
            "postmortem.md",
            "| shop-login | 83 times the whole | 21 times the whole | 4,201 bad of 50.4 that the 50,400 slots known of 2024-W10",
        ),
        ("report.md", "against the 2 weeks before, from 2024-02-19 00:00:00 UTC on"),
        ("report.md", "doorstep report --config probes/simulate/doorstep.yaml --store simulated --week 2024-W10"),
    ] {
        assert!(of(name).contains(sentence), "{name} does not say '{sentence}'");
    }
}
