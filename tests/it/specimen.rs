//! A well-known outage replayed, from the runs to the words: five vantages, 80 % of the users failing from 2024-03-05
//! 09:00 to 2024-03-06 02:30 UTC after a ramp of latency. Everything that is said of it must agree with the truth.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use doorstep::incident::{Incident, Rules, Scope, Symptom};
use doorstep::model::Micros;
use doorstep::query;
use doorstep::simulate::{OutageTruth, Truth};
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
        // The first and the last minute are cut at the first and the last failing probe.
        rows.iter().filter(|row| truth.from < row.0 && row.0 < time("2024-03-06T02:29:00Z")).copied().collect()
    };
    assert_eq!(whole(&found), whole(&meant));
    assert_eq!(whole(&found).len(), 17 * 60 + 30 - 2);
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
}
