//! A worker whose configuration names databases that cannot be asked, beside a good one and a login: each is one clear
//! finding, nothing else suffers, and no secret is told or kept.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use doorstep::app::DiskFiles;
use doorstep::config::{Overrides, Site, load};
use doorstep::model::{Answer, Rule, Sample, StoreLocation, Verdict};
use doorstep::replication::{Reading, episodes, explain};
use doorstep::sandbox::{Options, Sandbox, Script};
use doorstep::store::{Columns, RunFilter, Store};

use crate::database_bad_input::{old_version, silent};
use crate::support::postgres::{Cluster, PASSWORD};

const WRONG_PASSWORD: &str = "wrong-horse-8";

/// The main file: a login, and databases by name with their settings and servers.
fn configure(folder: &Path, login: &str, databases: &[(&str, &str, String)]) -> Site {
    let flow = format!("interval: 1s\ntimeout: 5s\noverlap: 8\nsteps: [{{ open: \"{login}/form/login\" }}]\n");
    std::fs::write(folder.join("flow.yaml"), flow).unwrap();
    std::fs::write(folder.join("right"), PASSWORD).unwrap();
    std::fs::write(folder.join("wrong"), WRONG_PASSWORD).unwrap();
    let listed: String = databases
        .iter()
        .map(|(name, settings, servers)| format!("  {name}: {{ timeout: 1s, {settings}, servers: {{ {servers} }} }}\n"))
        .collect();
    let text = format!(
        "vantages: {{ here: {{}} }}\nstore: store\nspool: spool\nflush: 500ms\nlimits: {{ lag: 10s }}\n\
         flows: [flow.yaml]\ndatabases:\n{listed}"
    );
    let path = folder.join("doorstep.yaml");
    std::fs::write(&path, text).unwrap();
    let loaded = load(&path, &DiskFiles, &Overrides::default());
    loaded.site.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// Runs the worker for a while; what it logged.
async fn run(folder: &Path, seconds: u32) -> String {
    let worker = tokio::process::Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["run", "--log-format", "json", "--for", &format!("{seconds}s")])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = worker.wait_with_output().await.unwrap();
    let log = [output.stdout, output.stderr].concat();
    let log = String::from_utf8(log).unwrap();
    assert!(output.status.success(), "{}: {log}", output.status);
    log
}

/// What was kept: samples by database, and how many logins were good and bad.
async fn kept(folder: &Path) -> (BTreeMap<String, Vec<Sample>>, usize, usize) {
    let store = Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap();
    let all = store.samples(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap();
    let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for sample in all {
        samples.entry(sample.database.to_string()).or_default().push(sample);
    }
    let (mut good, mut bad) = (0, 0);
    let mut each = |row: doorstep::store::Row| match row.run.verdict {
        Verdict::Good => good += 1,
        Verdict::Bad(_) => bad += 1,
        Verdict::Lost(_) => {}
    };
    store.read(&RunFilter::everything(), Columns::Everything, &mut each).await.unwrap();
    (samples, good, bad)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_database_is_one_clear_finding_and_the_worker_goes_on() {
    let good = Cluster::start(&[]);
    good.monitor("doorstep");
    good.sql(&format!("create role blind login password '{PASSWORD}'"));
    let primary = Cluster::start(&[]);
    primary.monitor("doorstep");
    let (promoted, lone) = (primary.standby("standby1", &[]), primary.standby("standby2", &[]));
    promoted.sql("select pg_promote()");
    let (old, silent) = (old_version().await, silent().await);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sandbox = Sandbox::start(Script::default(), Options { keep_truth: false, ..Options::default() }).await.unwrap();

    let at = |name: &str, port: u16, role: &str| format!("{name}: {{ host: 127.0.0.1, port: {port}, role: {role} }}");
    let only = |port: u16| at("db1", port, "primary");
    let right = "tls: off, user: doorstep, password: { file: right }";
    let lost = "db1: { host: no-such-host.invalid, port: 5432, role: primary }".to_owned();
    let both = format!("{}, {}", at("db1", primary.port, "primary"), at("standby1", promoted.port, "standby"));
    let folder = tempfile::tempdir().unwrap();
    let site = configure(
        folder.path(),
        &sandbox.base_url(),
        &[
            ("good", right, only(good.port)),
            ("nowhere", right, only(free)),
            ("unresolved", right, lost),
            ("password", "tls: off, user: doorstep, password: { file: wrong }", only(good.port)),
            ("blind", "tls: off, user: blind, password: { file: right }", only(good.port)),
            ("old", right, only(old.address.port())),
            ("plain", "user: doorstep, password: { file: right }", only(good.port)),
            ("silent", right, only(silent.address.port())),
            ("two", right, both),
            ("demoted", right, only(lone.port)),
        ],
    );
    let log = run(folder.path(), 12).await;
    let (samples, logins, failed) = kept(folder.path()).await;
    each_is_one_clear_finding(&site, &samples);
    assert!(silent.accepted() <= 5, "{} connections to a server that never answers", silent.accepted());
    assert!(logins >= 5 && failed == 0, "{logins} logins went on, {failed} failed");
    assert!(log.contains("two-primaries") && log.contains("wrong-role"), "{log}");
    let all = serde_json::to_string(&samples).unwrap();
    for secret in [PASSWORD, WRONG_PASSWORD] {
        assert!(!log.contains(secret) && !all.contains(secret), "{secret} was told");
    }
    sandbox.stop().await;
}

/// One finding each, of the rule and with the words that fit, and none at the good one.
fn each_is_one_clear_finding(site: &Site, samples: &BTreeMap<String, Vec<Sample>>) {
    for database in &site.databases {
        let name = database.name.as_str();
        let of = &samples[name];
        let holds = explain(database, of, jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let found: Vec<_> = episodes(database, of).into_iter().map(|episode| episode.finding).collect();
        let (rule, server, words) = match name {
            "good" => {
                let facts = of.iter().filter(|sample| matches!(sample.answer, Answer::Facts(_))).count();
                assert!(facts >= 5 && found.is_empty(), "{facts} of {}: {found:?}", of.len());
                continue;
            }
            "two" => (Rule::TwoPrimaries, "standby1", "`db1` and `standby1` both take writes"),
            "demoted" => (Rule::WrongRole, "db1", "the primary `db1` is a standby: no server is known to take writes"),
            "nowhere" => (Rule::Unknown, "db1", "nothing listens at"),
            "unresolved" => (Rule::Unknown, "db1", "no-such-host.invalid"),
            "password" => (Rule::Unknown, "db1", "password authentication failed"),
            "blind" => (Rule::Unknown, "db1", "grant pg_monitor to blind"),
            "old" => (Rule::Unknown, "db1", "the server is PostgreSQL 12.19"),
            "plain" => (Rule::Unknown, "db1", "the server refuses TLS"),
            "silent" => (Rule::Unknown, "db1", "127.0.0.1"),
            other => panic!("{other}"),
        };
        let reading = if rule == Rule::Unknown { Reading::Unknown } else { Reading::Cause(rule) };
        assert_eq!(holds.reading, reading, "{name}: {holds:?}");
        let rules: Vec<_> = found.iter().map(|finding| (finding.rule, finding.server.as_str())).collect();
        assert_eq!(rules, [(rule, server)], "{name}: {found:#?}");
        assert!(found[0].seen.contains(words), "{name}: {}", found[0].seen);
        for said in [&found[0].logins, &found[0].fix] {
            assert!(!said.is_empty(), "{name}: {:?}", found[0]);
        }
    }
}
