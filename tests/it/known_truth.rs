//! Known truth through the whole house: the sandbox fails exactly k of n logins, and every rendering says so.
//!
//! Real logins over real sockets, at the slots that the schedule gives, through spool, segments, store, query and the
//! program's own report command.

use std::fs;
use std::path::Path;
use std::process::Command;

use doorstep::app::DiskFiles;
use doorstep::clock::Clock;
use doorstep::config::{self, Overrides, Site};
use doorstep::login::{self, Credentials, Order};
use doorstep::model::{FlowDeclaration, RunKind, Schedule, ScheduleDeclaration, Secret};
use doorstep::net::Transport;
use doorstep::sandbox::{LoginResult, Options, Sandbox, Script, StandardUsers};
use doorstep::store::{Shipper, Spool, Store};
use futures_util::{StreamExt as _, stream};
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

const START: &str = "2026-11-16T00:00:00Z";

fn write_site(folder: &Path, base: &str) -> Site {
    fs::write(folder.join("password"), StandardUsers::PASSWORD).unwrap();
    let flow = "account: probe\ninterval: 1s\ntimeout: 30s\nsteps:\n  - open: \"BASE/form/login\"\n  \
        - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  - open: \"BASE/account\"\n    \
        expect: { user: \"Signed in as {{ username }}\" }\n";
    fs::write(folder.join("form.yaml"), flow.replace("BASE", base)).unwrap();
    let site = "vantages: { here: {} }\nstore: store\nspool: spool\n\
        accounts: { probe: { username: probe, password: { file: password } } }\nflows: [form.yaml]\n\
        objectives: { form: { flow: form, target: 99% } }\n";
    let main = folder.join("doorstep.yaml");
    fs::write(&main, site).unwrap();
    config::load(&main, &DiskFiles, &Overrides::default()).site.unwrap()
}

/// Logs in at `count` slots and records every run; returns the end of the last slot's interval.
async fn probe(site: &Site, folder: &Path, count: i64) -> Timestamp {
    let (flow, vantage) = (&site.flows[0], &site.vantages[0]);
    let start: Timestamp = START.parse().unwrap();
    let end = start + count.seconds();
    let schedule = Schedule {
        flow: flow.name.clone(),
        kind: RunKind::Login,
        interval: flow.interval,
        vantages: vec![vantage.name.clone()],
    };
    let credentials = Credentials {
        account: flow.accounts[0].clone(),
        username: "probe".to_owned(),
        password: Secret::new(StandardUsers::PASSWORD),
    };
    let transport = Transport::new(&flow.network, true).unwrap();
    let clock = Clock::system();
    let (spool, _) = Spool::open(&folder.join("spool"), &clock).unwrap();
    let slots: Vec<Timestamp> = schedule.slots(&vantage.name, start, end).collect();
    let logins = slots.into_iter().map(|slot| {
        let order = Order {
            flow,
            kind: RunKind::Login,
            vantage: vantage.name.clone(),
            slot,
            attempt: 0,
            credentials: Some(&credentials),
            transport: &transport,
        };
        let (clock, spool) = (&clock, &spool);
        async move {
            let run = login::run(&order, clock).await;
            spool.append(&run).await.unwrap();
        }
    });
    stream::iter(logins).buffer_unordered(16).collect::<Vec<()>>().await;
    let store = Store::open(&site.store).unwrap();
    let declaration = ScheduleDeclaration {
        vantage: vantage.name.clone(),
        labels: vantage.labels.clone(),
        from: start,
        flows: vec![FlowDeclaration { schedule, revision: flow.revision.clone() }],
        databases: Vec::new(),
    };
    store.declare(&declaration).await.unwrap();
    let shipped = Shipper::new(spool, store, std::time::Duration::ZERO).ship_all().await;
    assert!(shipped.errors.is_empty(), "{shipped:?}");
    end
}

struct Told {
    html: String,
    markdown: String,
    json: Value,
    csv: String,
}

/// What `doorstep report` says, in every format.
fn report(folder: &Path, end: Timestamp) -> Told {
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["report", "--from", START, "--to", &end.to_string(), "--out", "report"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let read = |name: &str| fs::read_to_string(folder.join("report").join(name)).unwrap();
    Told {
        html: read("report.html").replace('\u{a0}', " "),
        markdown: read("report.md"),
        json: serde_json::from_str(&read("report.json")).unwrap(),
        csv: read("report.csv"),
    }
}

/// `bad` of `all` logins fail by the script; checks everything that counts them and returns what is told.
async fn told(script: &str, bad: u64, all: u64) -> Told {
    let script = Script::parse(script).unwrap();
    let sandbox = Sandbox::start(script, Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let site = write_site(folder.path(), &sandbox.base_url());
    let end = probe(&site, folder.path(), i64::try_from(all).unwrap()).await;
    let (truth, _requests) = sandbox.stop().await;
    let failed = truth.iter().filter(|login| login.result != LoginResult::Good).count();
    assert_eq!((failed as u64, truth.len() as u64), (bad, all), "the sandbox keeps to its script");

    let told = report(folder.path(), end);
    let counts = &told.json["objectives"][0]["counts"];
    assert_eq!((&counts["good"], &counts["bad"]), (&Value::from(all - bad), &Value::from(bad)));
    assert_eq!(
        (&counts["lost"], &counts["missing"], &counts["due"]),
        (&Value::from(0), &Value::from(0), &Value::from(all))
    );
    let share = told.json["objectives"][0]["failing"].as_f64().unwrap();
    assert!((share - bad as f64 / all as f64).abs() < 1e-12, "{share}");
    let row = told.csv.lines().find(|line| line.starts_with("objective,") && line.contains(",bad,"));
    assert!(row.is_some_and(|row| row.contains(&format!(",{bad},"))), "{row:?} of\n{}", told.csv);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_seven_of_a_thousand_are_three_point_seven_percent() {
    let script = "seed: 7\nrules:\n  - match: { action: login }\n    exactly: 37 of 1000\n    fault: { status: { code: 503 } }\n";
    let told = told(script, 37, 1000).await;
    for text in [&told.html, &told.markdown] {
        assert!(text.contains("963 of 1,000 logins succeeded: 96.3 %"), "{text}");
        assert!(text.contains("37 failed: 3.7 %"), "{text}");
        assert!(text.contains("bad(http_status)"), "{text}");
    }
    let failures = told.json["flows"][0]["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(
        (&failures[0]["class"], &failures[0]["count"], &failures[0]["blame"]),
        (&"http_status".into(), &37.into(), &"service".into())
    );
    assert!(told.csv.contains("http_status"), "{}", told.csv);
}

#[tokio::test(flavor = "multi_thread")]
async fn none_of_n_is_none() {
    let told = told("rules: []\n", 0, 60).await;
    assert!(told.markdown.contains("60 of 60 logins succeeded: 100 % ("), "{}", told.markdown);
    assert!(told.html.contains("No run failed."), "{}", told.html);
    assert_eq!(told.json["flows"][0]["failures"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_n_are_all() {
    let script = "rules:\n  - match: { action: login }\n    fault: { status: { code: 500 } }\n";
    let told = told(script, 60, 60).await;
    assert!(told.markdown.contains("0 of 60 logins succeeded: 0 % ("), "{}", told.markdown);
    assert_eq!(told.json["objectives"][0]["verdict"], "missed");
}
