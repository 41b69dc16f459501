//! Real logins on a real pair that fail otherwise than by a hang: the login service is away while the databases are well,
//! and then most of its processes are at the standby. Both are incidents with a signature of their own; the second has its
//! cause named, and of the first it is said that it is not replication.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use doorstep::clock::Clock;
use jiff::Timestamp;
use serde_json::Value;

use crate::outage::{PLACES, configure, json, logs, said, until};
use crate::support::lab::{Lab, PASSWORD};
use crate::support::worker::Worker;

const CLEAN: &str = "the database evidence is clean: not replication";

/// The incidents of failing logins, once there are so many and none goes on.
async fn over(folder: &Path, begin: Timestamp, number: usize) -> Vec<Value> {
    let (deadline, begin) = (Instant::now() + Duration::from_secs(120), begin.to_string());
    loop {
        let listed = json(folder, &["incidents", "--from", &begin, "--format", "json"]);
        let failing = listed["incidents"].as_array().unwrap().iter().filter(|one| one["symptom"] == "failing");
        let failing: Vec<Value> = failing.cloned().collect();
        if failing.len() == number && failing.iter().all(|one| one["open"] == false) {
            return failing;
        }
        assert!(failing.len() <= number && Instant::now() < deadline, "{listed:#}\n{}", logs(folder));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The service is away, refuses every connection, and the servers behind it have nothing to do with it.
fn is_not_replication(folder: &Path, incident: &Value) {
    let signatures = &incident["diagnosis"]["signatures"];
    assert_eq!(signatures["counts"][0]["signature"], "refused", "{signatures:#}");
    let database = &incident["diagnosis"]["databases"][0];
    assert_eq!(database["explanation"]["reading"], "clean", "{database:#}");
    assert_eq!(database["explanation"]["sentence"], CLEAN);
    assert_eq!(database["episodes"], serde_json::json!([]), "{database:#}");
    let text = said(folder, &["incidents", "--incident", incident["id"].as_str().unwrap()]);
    assert!(text.contains(CLEAN) && !text.contains(PASSWORD), "{text}");
}

/// Four of five processes write at the standby: an error answer for most logins, a good one for the others.
fn is_a_wrong_endpoint(folder: &Path, incident: &Value) {
    let signatures = &incident["diagnosis"]["signatures"];
    assert_eq!(signatures["counts"][0]["signature"], "server_error", "{signatures:#}");
    let number = |name: &str| incident["failing"][name].as_u64().unwrap_or_else(|| panic!("{incident:#}"));
    assert!(number("failing") * 2 > number("n") && number("failing") < number("n"), "{incident:#}");
    let explanation = &incident["diagnosis"]["databases"][0]["explanation"];
    assert_eq!(explanation["reading"]["cause"], "wrong-endpoint", "{explanation:#}");
    assert_eq!(explanation["evidence"][0]["rule"], "wrong-endpoint", "{explanation:#}");
    assert_eq!(explanation["evidence"][0]["server"], "standby1", "{explanation:#}");
    let text = said(folder, &["incidents", "--incident", incident["id"].as_str().unwrap()]);
    assert!(text.contains("wrong-endpoint on standby1") && !text.contains(CLEAN), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_and_one_at_the_wrong_server_are_told_apart_on_real_logins() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder, &lab);
    let flow = folder.join("lab-login.yaml");
    let paced = fs::read_to_string(&flow).unwrap().replace("interval: 2s", "interval: 1s");
    fs::write(&flow, paced).unwrap();
    let begin = Clock::system().now();
    let workers = PLACES.map(|place| {
        let spool = format!("spool-{place}");
        Worker::start(folder, place, &["--vantage", place, "--spool", &spool, "--listen", "127.0.0.1:0"])
    });
    until(folder, begin, |good, _| good >= 12).await;

    lab.run(&["service-stop"]);
    until(folder, begin, |_, bad| bad >= 8).await;
    lab.run(&["service-start"]);
    over(folder, begin, 1).await;

    let second = Clock::system().now();
    lab.run(&["fault", "h2"]);
    until(folder, second, |_, bad| bad >= 16).await;
    lab.run(&["heal"]);
    let incidents = over(folder, begin, 2).await;
    workers.into_iter().for_each(Worker::stop);
    is_not_replication(folder, &incidents[0]);
    is_a_wrong_endpoint(folder, &incidents[1]);
}
