//! The outage that Doorstep began with, for real and in two minutes: a synchronous standby is misnamed while people and
//! probes log in. Seen from two places, found, its cause named, healed, reported; all of it held against the truth that
//! the lab wrote down. `reports/outage` is made of one such run, whose records lie in `tests/data/outage`.
//!
//! `DOORSTEP_KEEP_OUTAGE=1` keeps the records of this run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use doorstep::clock::Clock;
use doorstep::model::{Answer, StoreLocation, Verdict};
use doorstep::store::{Columns, RunFilter, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::specimen::root;
use crate::support::lab::{Lab, PASSWORD};
use crate::support::worker::Worker;

const DATA: &str = "tests/data/outage";
pub(crate) const PLACES: [&str; 2] = ["berlin", "tokyo"];

fn doorstep(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("DOORSTEP_CONFIG")
        .output()
        .unwrap()
}

pub(crate) fn said(folder: &Path, arguments: &[&str]) -> String {
    let done = doorstep(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&said(folder, arguments)).unwrap()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

/// The configuration of the sample, for this lab.
pub(crate) fn configure(folder: &Path, lab: &Lab) {
    let port = |offset: u16| (lab.port() + offset).to_string();
    for name in ["doorstep.yaml", "lab-login.yaml", "population.yaml"] {
        let text = fs::read_to_string(root().join(DATA).join(name)).unwrap();
        let text = text.replace("15434", &port(2)).replace("15433", &port(1)).replace("15432", &port(0));
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("password"), format!("{PASSWORD}\n")).unwrap();
}

/// Logins that were recorded since an instant: good ones and bad ones.
async fn logins(folder: &Path, since: Timestamp) -> (u64, u64) {
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap();
    let (mut good, mut bad) = (0, 0);
    let mut count = |row: doorstep::store::Row| match row.run.verdict {
        Verdict::Good if row.run.started >= since => good += 1,
        Verdict::Bad(_) if row.run.started >= since => bad += 1,
        _ => {}
    };
    store.read(&RunFilter::everything(), Columns::Timings, &mut count).await.unwrap();
    (good, bad)
}

/// Waits until enough logins went one way.
pub(crate) async fn until(folder: &Path, since: Timestamp, enough: impl Fn(u64, u64) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let (good, bad) = logins(folder, since).await;
        if enough(good, bad) {
            return;
        }
        assert!(Instant::now() < deadline, "{good} good and {bad} bad logins since {since}\n{}", logs(folder));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until the tool says that the incident is over: how many good logins that takes is for the closing rule to say.
async fn closed(folder: &Path, begin: Timestamp) {
    let (deadline, begin) = (Instant::now() + Duration::from_secs(180), begin.to_string());
    loop {
        let listed = json(folder, &["incidents", "--from", &begin, "--format", "json"]);
        let incidents = listed["incidents"].as_array().unwrap();
        if !incidents.is_empty() && incidents.iter().all(|incident| incident["open"] == false) {
            return;
        }
        assert!(Instant::now() < deadline, "{listed:#}\n{}", logs(folder));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

pub(crate) fn logs(folder: &Path) -> String {
    PLACES.map(|place| fs::read_to_string(folder.join(format!("{place}.log"))).unwrap_or_default()).join("\n")
}

/// The span of all records, in whole minutes.
fn span(folder: &Path) -> [String; 2] {
    let text = fs::read_to_string(folder.join("span.txt")).unwrap();
    let mut words = text.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

/// The incident of failing logins; there is one.
fn incident(folder: &Path) -> Value {
    let [from, to] = span(folder);
    let listed = json(folder, &["incidents", "--from", &from, "--to", &to, "--format", "json"]);
    let failing: Vec<&Value> =
        listed["incidents"].as_array().unwrap().iter().filter(|one| one["symptom"] == "failing").collect();
    assert_eq!(failing.len(), 1, "{listed:#}");
    failing[0].clone()
}

/// When the fault took hold and was gone: each between two instants.
struct Truth {
    began: Timestamp,
    injected: Timestamp,
    healing: Timestamp,
    healed: Timestamp,
}

fn truth(folder: &Path) -> Truth {
    let text = fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["fault"], "a1");
    Truth {
        began: time(&last["began"]),
        injected: time(&last["injected"]),
        healing: time(&last["healing"]),
        healed: time(&last["healed"]),
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// A login that began this long before the end of the fault may still succeed: its commit waits and comes back.
const DEADLINE: f64 = 5.0;

/// Everything that is said of the incident agrees with what was done to the lab.
fn agrees(folder: &Path) {
    let (truth, incident) = (truth(folder), incident(folder));
    let bound = |end: &str, side: &str| time(&incident[end][side]);
    assert!(bound("start", "earliest") <= truth.injected, "{incident:#}");
    assert!(truth.began <= bound("start", "latest"), "{incident:#}");
    assert!(bound("end", "earliest") <= truth.healed, "{incident:#}");
    assert!(truth.healing <= bound("end", "latest"), "{incident:#}");
    let length = |name: &str| incident[name].as_f64().unwrap() / 1e6;
    assert!(length("low") <= seconds(truth.began, truth.healed), "{incident:#}");
    assert!(seconds(truth.injected, truth.healing) <= length("high"), "{incident:#}");
    assert!(length("high") - length("low") < 2.0 * DEADLINE + 8.0, "{incident:#}");
    assert_eq!(incident["open"], false);
    named(&incident, &truth);
    let id = incident["id"].as_str().unwrap();
    people(folder, id, &truth);
    drafted(folder, id, &truth);
}

/// The cause is named, with its evidence, and the setting's change stands at its instant.
fn named(incident: &Value, truth: &Truth) {
    let diagnosis = &incident["diagnosis"];
    let signatures = &diagnosis["signatures"];
    assert_eq!(signatures["counts"][0]["signature"], "hang", "{signatures:#}");
    let said = &diagnosis["databases"][0];
    assert_eq!(said["explanation"]["reading"]["cause"], "quorum-short", "{said:#}");
    let sentence = said["explanation"]["sentence"].as_str().unwrap();
    // That it never connected is known only where watching began with the server; else, since when it has not.
    assert!(sentence.starts_with("commits wait for standby `standby2`, which has "), "{sentence}");
    assert!(["which has never connected", "which has not connected since "].iter().any(|it| sentence.contains(it)));
    assert_eq!(said["explanation"]["evidence"][0]["rule"], "quorum-short");
    assert_eq!(said["explanation"]["evidence"][0]["server"], "primary1");
    let episode = said["episodes"].as_array().unwrap().iter().find(|one| one["finding"]["rule"] == "quorum-short");
    let episode = episode.unwrap_or_else(|| panic!("{said:#}"));
    assert!((0.0..=4.0).contains(&seconds(truth.injected, time(&episode["from"])).max(0.0)), "{episode:#}");
    assert_eq!(episode["vantages"], serde_json::json!(PLACES));
    let changes = said["changes"].as_array().unwrap();
    let change = changes.iter().find(|one| one["after"] == "standby2").unwrap_or_else(|| panic!("{said:#}"));
    assert_eq!(change["setting"], "synchronous_standby_names");
    let (earliest, latest) = (time(&change["earliest"]), time(&change["latest"]));
    assert!(earliest <= truth.injected && truth.began <= latest, "{change:#} {}", truth.began);
    assert!(seconds(earliest, latest) < 3.0, "{change:#}");
    // The corrective measure of the specimen's own postmortem would have stayed silent.
    assert!(said["lag"]["bytes"].as_u64().unwrap() < 1_048_576, "{said:#}");
    // There, and null: an index would take a key that is not there for the same.
    for fired in ["bytes_fired", "time_fired"] {
        assert_eq!(said["lag"].get(fired), Some(&Value::Null), "{said:#}");
    }
}

/// One login a second is wanted: as many as the fault lasted were kept out.
fn people(folder: &Path, id: &str, truth: &Truth) {
    let impact = json(folder, &["impact", "--incident", id, "--format", "json"]);
    let expected = seconds(truth.injected, truth.healing);
    // Every login hung: whoever came was affected.
    for figure in ["intents", "affected"] {
        let value = &impact[figure]["value"];
        let (low, high) = (value["low"].as_f64().unwrap(), value["high"].as_f64().unwrap());
        assert!(low <= expected && expected <= high, "{expected} in {figure} {value}");
        assert!(high <= 1.5 * expected && expected <= 3.0 * low, "{expected} in {figure} {value}");
    }
    // The last of the tries again came after it was healed: nobody was locked out for certain.
    assert_eq!(impact["locked_out"]["value"]["low"], 0.0, "{impact:#}");
}

/// The number at the beginning of a text: `1,024 people`.
fn number(text: &str) -> f64 {
    text.split(' ').next().unwrap().replace(',', "").parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// The draft's own start, end, duration and people hold what was done to the lab, and agree with the impact.
fn drafted(folder: &Path, id: &str, truth: &Truth) {
    let out = tempfile::tempdir().unwrap();
    said(folder, &["postmortem", "draft", "--incident", id, "--zone", "UTC", "--out", out.path().to_str().unwrap()]);
    let draft = fs::read_to_string(out.path().join("postmortem.md")).unwrap();
    let row = |name: &str| -> Vec<String> {
        let begin = format!("| {name}");
        let line = draft.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{name}\n{draft}"));
        line.trim_matches('|').split(" | ").skip(1).map(|cell| cell.trim().to_owned()).collect()
    };
    let between = |name: &str| -> [String; 2] {
        let cell = &row(name)[0];
        let (low, high) = cell.split_once(" to ").unwrap_or_else(|| panic!("no bounds: {cell}"));
        [low.to_owned(), high.to_owned()]
    };
    // Instants and lengths are told to the second.
    let instants = |name: &str| {
        between(name).map(|cell| cell.replace(' ', "T").replace("TUTC", "Z").parse::<Timestamp>().unwrap())
    };
    let second = SignedDuration::from_secs(1);
    let [earliest, latest] = instants("Start");
    assert!(earliest <= truth.injected && truth.began <= latest + second, "{draft}");
    let [earliest, latest] = instants("End");
    assert!(earliest <= truth.healed && truth.healing <= latest + second, "{draft}");
    let [shortest, longest] = between("Duration").map(|cell| {
        let minutes = cell.split_once(" min").map_or(0.0, |(minutes, _)| number(minutes));
        let rest = cell.rsplit(" min ").next().unwrap();
        60.0 * minutes + if rest.ends_with(" s") { number(rest) } else { 0.0 }
    });
    assert!(shortest <= seconds(truth.began, truth.healed) + 0.5, "{shortest} {draft}");
    assert!(seconds(truth.injected, truth.healing) <= longest + 0.5, "{longest} {draft}");
    let people: Vec<f64> = row("People affected")[..3].iter().map(|cell| number(cell)).collect();
    let expected = seconds(truth.injected, truth.healing);
    assert!(people[0] <= expected && expected <= people[2] + 0.5, "{expected} in {people:?}");
    let impact = json(folder, &["impact", "--incident", id, "--format", "json"]);
    for (told, end) in people.iter().zip(["low", "middle", "high"]) {
        assert_eq!(*told, impact["affected"]["value"][end].as_f64().unwrap().round(), "{end}\n{draft}");
    }
}

/// Everything that is said of the outage, by the name of its file in `reports/outage`.
fn sample(folder: &Path) -> Vec<(&'static str, String)> {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let ([from, to], id) = (span(folder), incident(folder)["id"].as_str().unwrap().to_owned());
    let between = ["--from", from.as_str(), "--to", to.as_str()];
    said(folder, &[&["report"], &between[..], &["--format", "html,md", "--out", place]].concat());
    said(folder, &["postmortem", "draft", "--incident", &id, "--out", place]);
    // The files are made elsewhere than where a reader would have them.
    let file = |name: &str| fs::read_to_string(out.path().join(name)).unwrap().replace(place, "review");
    vec![
        ("report.html", file("report.html")),
        ("report.md", file("report.md")),
        ("incidents.txt", said(folder, &[&["incidents"], &between[..]].concat())),
        ("incident.txt", said(folder, &["incidents", "--incident", &id])),
        ("impact.md", said(folder, &["impact", "--incident", &id, "--format", "md"])),
        ("postmortem.md", file("postmortem.md")),
        ("failing-share.svg", file("failing-share.svg")),
        ("login-times.svg", file("login-times.svg")),
        ("database-states.svg", file("database-states.svg")),
        ("failing-per-minute.csv", file("failing-per-minute.csv")),
    ]
}

/// The texts tell the cause, and the draft passes its own check.
fn reads_well(folder: &Path) {
    // That it never connected is known only where watching began with the server; else, since when it has not.
    const CAUSE: &str = "commits wait for standby 'standby2', which has n";
    let files = sample(folder);
    let text = |name: &str| files.iter().find(|(file, _)| *file == name).unwrap().1.replace('`', "'");
    for name in ["report.md", "incidents.txt", "incident.txt", "postmortem.md"] {
        assert!(text(name).contains(CAUSE), "{name}\n{}", text(name));
        assert!(text(name).contains(doorstep::diagnosis::UNKNOWN_TO_THE_USER), "{name}");
    }
    assert!(text("incident.txt").contains("would never have fired"), "{}", text("incident.txt"));
    // Logins fail while rules hold, between two changes; before the record nobody asked.
    let drawn = text("report.md");
    let row = |name: &str| {
        let line = drawn
            .lines()
            .find(|line| line.starts_with(name) && line.contains(" |"))
            .unwrap_or_else(|| panic!("{name}: {drawn}"));
        line.split('|').nth(1).unwrap().to_owned()
    };
    let (logins, quorum, changes) = (row("logins of lab-login"), row("quorum-short on primary1"), row("changes  "));
    let first = |row: &str, letter| row.find(letter).unwrap().abs_diff(quorum.find('X').unwrap());
    assert!(first(&logins, 'X') <= 3 && first(&changes, '^') <= 1, "{drawn}");
    assert!(quorum.starts_with(' ') && quorum.contains('.'), "{drawn}");
    assert!(
        text("database-states.svg").contains("quorum-short") && text("postmortem.md").contains("(database-states.svg)")
    );
    for (name, said) in &files {
        assert!(!said.contains(PASSWORD), "{name} holds the password");
    }
    // What was seen is that of the gravest sample, and no rule knew it when it began to hold.
    let (drafted, begins) = (text("postmortem.md"), " on primary1 begins");
    let rows: Vec<&str> = drafted.lines().filter(|line| line.starts_with('|') && line.contains(begins)).collect();
    assert!(rows.len() >= 2, "{drafted}");
    assert!(rows.iter().all(|row| row.contains(" begins; at its gravest: ")), "{rows:#?}");
    let draft = tempfile::tempdir().unwrap();
    let path = draft.path().join("postmortem.md");
    fs::write(&path, &files.iter().find(|(file, _)| *file == "postmortem.md").unwrap().1).unwrap();
    let id = incident(folder)["id"].as_str().unwrap().to_owned();
    let checked = doorstep(folder, &["postmortem", "lint", path.to_str().unwrap(), "--incident", &id]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.contains("confirmed:") && !checked.contains("against-the-data"), "{checked}");
}

/// What the check says of a postmortem that states this cause.
fn judged(folder: &Path, cause: &str) -> String {
    let written = tempfile::tempdir().unwrap();
    let path = written.path().join("written.md");
    fs::write(&path, format!("# Outage\n\n## Root cause\n\n{cause}\n")).unwrap();
    let id = incident(folder)["id"].as_str().unwrap().to_owned();
    let checked = doorstep(folder, &["postmortem", "lint", path.to_str().unwrap(), "--incident", &id]);
    String::from_utf8(checked.stdout).unwrap()
}

#[test]
fn a_stated_cause_is_held_against_the_recorded_databases() {
    const EVIDENCE: &str = "commits wait for standby `standby2`, which has never connected (quorum-short on primary1";
    let folder = root().join(DATA);
    for same in [
        "A misconfigured replication made commits wait.",
        "synchronous_standby_names was set to a wrong name, which led to waiting commits.",
    ] {
        let said = judged(&folder, same);
        assert!(said.contains("the evidence of the same minutes: auth: ") && said.contains(EVIDENCE), "{said}");
        assert!(!said.contains("against-the-data"), "{said}");
    }
    for other in ["The outage was caused by the network.", "Database replication was healthy."] {
        let said = judged(&folder, other);
        assert!(said.contains("against-the-data") && said.contains(EVIDENCE), "{said}");
    }
    let lag = judged(&folder, "Replication lag caused the outage.");
    assert!(!lag.contains("against-the-data") && lag.contains("the evidence names no lag, but: auth"), "{lag}");
    let silent = judged(&folder, "Logins failed, and nobody knows why yet.");
    assert!(!silent.contains("the evidence"), "{silent}");
}

/// One outage, recorded in this folder.
async fn record(folder: &Path, lab: &Lab) {
    configure(folder, lab);
    let begin = Clock::system().now();
    said(folder, &["check"]);
    let workers = PLACES.map(|place| {
        let spool = format!("spool-{place}");
        Worker::start(folder, place, &["--vantage", place, "--spool", &spool, "--listen", "127.0.0.1:0"])
    });
    until(folder, begin, |good, _| good >= 30).await;
    lab.run(&["fault", "a1"]);
    until(folder, begin, |_, bad| bad >= 30).await;
    lab.run(&["heal"]);
    closed(folder, begin).await;
    workers.into_iter().for_each(Worker::stop);
    let (from, to) = (minute(begin), minute(Clock::system().now()) + SignedDuration::from_mins(1));
    fs::write(folder.join("span.txt"), format!("{from} {to}\n")).unwrap();
    fs::copy(lab.folder().join("truth.jsonl"), folder.join("truth.jsonl")).unwrap();
}

/// A probe that was so much too late was kept waiting by this machine; so was a server that answered so late.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(1);

/// What else happened than the outage: this machine stood still, or logins failed that nothing had been done to. What is
/// said of such a record is as true, but the narrow bounds that are asserted here cannot be had from it.
async fn disturbance(folder: &Path) -> Option<String> {
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap();
    let truth = truth(folder);
    let mut found = None;
    let mut note = |what: String| found = found.take().or(Some(what));
    let mut judge = |row: doorstep::store::Row| {
        let (run, late) = (&row.run, row.run.started.duration_since(row.run.slot));
        let undisturbed = run.started < truth.began - PUNCTUAL || run.started > truth.healed;
        match run.verdict {
            Verdict::Lost(class) => note(format!("the run of {} is lost: {class}", run.slot)),
            // An extra probe comes after the end of the login that failed.
            _ if late > PUNCTUAL && run.attempt == 0 => note(format!("the run of {} was {late:#} late", run.slot)),
            Verdict::Bad(class) if undisturbed => note(format!("the login of {} failed: {class}", run.slot)),
            _ => {}
        }
    };
    store.read(&RunFilter::everything(), Columns::Everything, &mut judge).await.unwrap();
    for sample in store.samples(Timestamp::UNIX_EPOCH, Timestamp::MAX).await.unwrap() {
        let late = sample.started.duration_since(sample.slot);
        let took = SignedDuration::try_from(Duration::from(sample.elapsed)).unwrap();
        match sample.answer {
            Answer::Facts(_) if late + took <= PUNCTUAL => {}
            answer => note(format!("{} was asked {late:#} late for {took:#}: {answer:?}", sample.server)),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_specimens_outage_is_seen_named_and_told_as_it_was() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let mut disturbed = Vec::new();
    let folder = loop {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), &lab).await;
        let Some(what) = disturbance(folder.path()).await else { break folder };
        disturbed.push(what);
        assert!(disturbed.len() < 4, "no round was undisturbed: {disturbed:#?}");
    };
    if std::env::var_os("DOORSTEP_KEEP_OUTAGE").is_some() {
        keep(folder.path());
    }
    agrees(folder.path());
    reads_well(folder.path());
}

/// The whole minute that an instant lies in.
fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap()
}

/// Puts the records of a run among the project's files.
fn keep(folder: &Path) {
    let kept = root().join(DATA);
    let store = kept.join("store");
    if store.exists() {
        fs::remove_dir_all(&store).unwrap();
    }
    copy(&folder.join("store"), &store);
    for name in ["truth.jsonl", "span.txt"] {
        fs::copy(folder.join(name), kept.join(name)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
        }
    }
}

#[tokio::test]
async fn the_recorded_outage_is_told_as_it_was() {
    let folder = root().join(DATA);
    assert_eq!(disturbance(&folder).await, None);
    agrees(&folder);
    reads_well(&folder);
}

#[test]
fn the_committed_outage_comes_out_of_todays_code() {
    let kept = root().join("reports/outage");
    for (name, made) in sample(&root().join(DATA)) {
        let path = kept.join(name);
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            fs::create_dir_all(&kept).unwrap();
            fs::write(&path, &made).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        let first = made.lines().zip(there.lines()).position(|(made, kept)| made != kept);
        assert!(
            made == there,
            "reports/outage/{name} differs from line {:?}; look at the change, then run \
             INSTA_UPDATE=always cargo test --test it -- outage::the_committed",
            first.map(|line| line + 1)
        );
    }
}
