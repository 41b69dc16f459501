//! A whole worker beside a real PostgreSQL pair: what it records is what was due, a fault is told, and neither servers
//! that go away nor an orderly stop leave a slot without a sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use doorstep::app::run::RunningWorker;
use doorstep::clock::Clock;
use doorstep::config::Site;
use doorstep::history::{AskedSeries, AskedSlots};
use doorstep::model::{Answer, Rule, Sample, Unknown};
use doorstep::replication::episodes;
use doorstep::store::Store;
use doorstep::telemetry::{Format, Telemetry};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::support::lab::Lab;

/// Waits until a series has this value.
async fn until(telemetry: &Telemetry, name: &str, labels: &[&str], value: f64) {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let text = String::from_utf8(telemetry.metrics.exposition().encode(Format::Text)).unwrap();
        let wanted = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        let found: Vec<f64> =
            text.lines().filter(wanted).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
        if found.iter().any(|&found| found >= value) {
            return;
        }
        assert!(Instant::now() < deadline, "{name}{labels:?} is {found:?}, not {value}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn read(site: &Site) -> (AskedSlots, Vec<Sample>) {
    let store = Store::open(&site.store).unwrap().with_spool(&site.spool);
    let (from, to) = (Timestamp::MIN, Clock::system().now() + SignedDuration::from_hours(1));
    let mut slots = AskedSlots::new(&store.declarations(from, to).await.unwrap(), from, to);
    let samples = store.samples(from, to).await.unwrap();
    samples.iter().for_each(|sample| slots.record(sample));
    (slots, samples)
}

fn of<'s>(samples: &'s [Sample], server: &str) -> Vec<&'s Sample> {
    samples.iter().filter(|sample| sample.server.as_str() == server).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_records_every_slot_of_a_real_pair_and_tells_what_breaks() {
    let Some(script) = Lab::script() else { return };
    let lab = Arc::new(tokio::task::spawn_blocking(move || Lab::init(&script)).await.unwrap());
    let run = async |arguments: &'static [&'static str]| {
        let lab = Arc::clone(&lab);
        tokio::task::spawn_blocking(move || lab.run(arguments)).await.unwrap()
    };
    let (_, mut site) = lab.configuration(false);
    let work = tempfile::tempdir().unwrap();
    site.store = doorstep::model::StoreLocation::Folder(work.path().join("store"));
    site.spool = work.path().join("spool");
    site.flows.clear();
    site.listen = None;
    let mut worker = RunningWorker::start(&site, &site.vantages[0].clone(), Clock::system()).await.unwrap();
    let facts = |server: &'static str| (["outcome=\"facts\"", server], "doorstep_database_samples_total");
    for server in ["server=\"primary1\"", "server=\"standby1\""] {
        let (labels, name) = facts(server);
        until(worker.telemetry(), name, &labels, 4.0).await;
    }

    run(&["fault", "a1"]).await;
    let quorum = ["rule=\"quorum-short\"", "server=\"primary1\"", "severity="];
    until(worker.telemetry(), "doorstep_database_rule", &quorum, 1.0).await;
    run(&["heal"]).await;
    // The same configuration with one server less, and back: what did not change goes on, slots are neither lost nor twice.
    let mut one = site.clone();
    one.databases[0].servers.truncate(1);
    worker.reload(&one).await.unwrap();
    worker.reload(&site).await.unwrap();
    let counted =
        |server: &str| format!("doorstep_database_up{{database=\"{}\",server=\"{server}\"", site.databases[0].name);
    until(worker.telemetry(), &counted("standby1"), &[], 1.0).await;

    // Everything goes away: nothing is known, and nothing is silent.
    run(&["stop"]).await;
    for server in ["server=\"primary1\"", "server=\"standby1\""] {
        until(worker.telemetry(), "doorstep_database_samples_total", &["outcome=\"unreachable\"", server], 2.0).await;
    }
    run(&["start"]).await;
    until(worker.telemetry(), &counted("primary1"), &[], 1.0).await;
    worker.stop();
    let summary = worker.ended().await;
    assert!(summary.shipped && summary.samples_not_recorded == 0, "{summary:?}");

    let (slots, samples) = read(&site).await;
    assert_eq!(samples.len() as u64, summary.samples);
    for server in ["primary1", "standby1"] {
        let of_server = of(&samples, server);
        let key = AskedSeries {
            database: site.databases[0].name.clone(),
            server: server.parse().unwrap(),
            vantage: site.vantages[0].name.clone(),
        };
        let asked = slots.series()[&key];
        assert_eq!(asked.expected, Some(asked.recorded), "{server}: every slot that was due, once: {asked:?}");
        assert!(asked.recorded >= 10 && asked.lost * 5 < asked.recorded, "{server}: {asked:?}");
        assert!(of_server.windows(2).all(|pair| pair[0].slot < pair[1].slot));
        let gone = |sample: &&&Sample| matches!(sample.answer, Answer::Unknown { why: Unknown::Unreachable, .. });
        assert!(of_server.iter().filter(gone).count() >= 2, "{server}");
        assert!(of_server.iter().filter_map(|sample| sample.answer.postgres()).count() >= 8, "{server}");
    }
    let found = episodes(&site.databases[0], &samples);
    let quorum =
        found.iter().find(|episode| episode.finding.rule == Rule::QuorumShort).expect("the fault, as recorded");
    let truth = lab.truth().into_iter().find(|truth| truth.fault == "a1").expect("what the lab did");
    assert!(quorum.from >= truth.began && quorum.from <= truth.injected + SignedDuration::from_secs(3), "{quorum:?}");
    assert!(!format!("{samples:?}").contains(crate::support::lab::PASSWORD));
}
