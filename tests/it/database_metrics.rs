//! What the databases behind the logins suffer, as a worker tells it while it asks: metrics and log lines.

use std::io::Write;
use std::sync::{Arc, Mutex};

use doorstep::model::{
    Answer, Connection, Database, Engine, Facts, Lsn, Micros, PostgresFacts, Sample, Server, ServerRole, TlsMode,
    Unknown,
};
use doorstep::serve::Server as MetricsServer;
use doorstep::telemetry::{Format, Telemetry};
use doorstep::worker::{Observer as _, Teller};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::metrics::Prometheus;
use crate::support::outside;

fn database() -> Arc<Database> {
    let server = |name: &str, port: u16, role: ServerRole| Server {
        name: name.parse().unwrap(),
        host: "127.0.0.1".to_owned(),
        port,
        role,
        application_name: name.to_owned(),
        serves_reads: false,
    };
    Arc::new(Database {
        name: "main".parse().unwrap(),
        engine: Engine::PostgreSql,
        interval: std::time::Duration::from_secs(1),
        timeout: std::time::Duration::from_secs(3),
        database: "postgres".to_owned(),
        user: "doorstep".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: None,
        flows: Vec::new(),
        servers: vec![server("db1", 5432, ServerRole::Primary), server("db2", 5433, ServerRole::Standby)],
    })
}

fn time(second: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// A primary without standbys whose commits wait for this one.
fn primary(second: i64, sync_names: &str) -> Sample {
    let facts = PostgresFacts {
        at: time(second),
        version: 150_018,
        started: time(-9_999),
        loaded: time(-9_999),
        in_recovery: false,
        read_only: false,
        system: 7,
        timeline: 1,
        position: Some(Lsn(0x0300_0060)),
        received: None,
        sync_names: sync_names.to_owned(),
        sync_commit: "on".to_owned(),
        status_interval: Micros(10_000_000),
        sender_timeout: Micros(60_000_000),
        links: Vec::new(),
        slots: Vec::new(),
        connection: Connection {
            clients: 5,
            limit: 97,
            login_sessions: None,
            sync_waiters: u32::from(!sync_names.is_empty()),
            oldest_sync_wait: (!sync_names.is_empty()).then_some(Micros(2_500_000)),
            lock_waiters: 0,
            login_commit: None,
        },
        receiver: None,
        replay: None,
        pending_restart: Vec::new(),
    };
    sample("db1", second, Answer::Facts(Box::new(Facts::PostgreSql(facts))))
}

fn sample(server: &str, second: i64, answer: Answer) -> Sample {
    Sample {
        database: "main".parse().unwrap(),
        server: server.parse().unwrap(),
        vantage: "berlin".parse().unwrap(),
        slot: time(second),
        started: time(second),
        elapsed: Micros(12_000),
        answer,
    }
}

fn silent(second: i64) -> Sample {
    sample("db2", second, Answer::Unknown { why: Unknown::Unreachable, message: "connection refused".to_owned() })
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn told(telemetry: &Telemetry) -> Vec<String> {
    let text = String::from_utf8(telemetry.metrics.exposition().encode(Format::Text)).unwrap();
    text.lines().filter(|line| line.starts_with("doorstep_database")).map(str::to_owned).collect()
}

fn new() -> (Arc<Telemetry>, Teller) {
    let telemetry = Arc::new(Telemetry::new("berlin".parse().unwrap()));
    let teller = Teller::new(Arc::clone(&telemetry));
    teller.databases(&[database()]);
    (telemetry, teller)
}

#[test]
fn a_fault_is_told_from_zero_to_one_and_back_with_one_line_each() {
    let log = Log::default();
    let kept = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || kept.clone())
        .without_time()
        .with_ansi(false)
        .with_target(false)
        .finish();
    let (telemetry, teller) = new();
    let value = |telemetry: &Telemetry, rule: &str| {
        let series = format!(
            r#"doorstep_database_rule{{database="main",server="db1",vantage="berlin",rule="{rule}",severity="critical"}}"#
        );
        let lines = told(telemetry);
        let line =
            lines.iter().find(|line| line.starts_with(&series)).unwrap_or_else(|| panic!("{series}\n{lines:#?}"));
        line.rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(value(&telemetry, "quorum-short"), "0", "from the start, before anything was asked");
    tracing::subscriber::with_default(subscriber, || {
        for second in 0..5 {
            teller.learned(&primary(second, ""));
            teller.learned(&silent(second));
        }
        assert_eq!(value(&telemetry, "quorum-short"), "0");
        for second in 5..15 {
            teller.learned(&primary(second, "FIRST 1 (db2)"));
        }
        assert_eq!(
            (value(&telemetry, "quorum-short"), value(&telemetry, "sync-hang")),
            ("1".to_owned(), "1".to_owned())
        );
        for second in 15..40 {
            teller.learned(&primary(second, ""));
        }
        assert_eq!(value(&telemetry, "quorum-short"), "0");
        for second in 40..60 {
            teller.learned(&primary(second, ""));
            teller.learned(&silent(second));
        }
        teller.learned(&Sample { server: "db2".parse().unwrap(), ..primary(60, "") });
    });
    let lines = told(&telemetry);
    let has = |line: &str| assert!(lines.iter().any(|told| told == line), "{line} is not in {lines:#?}");
    has(r#"doorstep_database_up{database="main",server="db1",vantage="berlin"} 1"#);
    has(r#"doorstep_database_up{database="main",server="db2",vantage="berlin"} 1"#);
    has(r#"doorstep_database_samples_total{database="main",server="db1",vantage="berlin",outcome="facts"} 60"#);
    has(r#"doorstep_database_samples_total{database="main",server="db2",vantage="berlin",outcome="unreachable"} 25"#);
    has(r#"doorstep_database_samples_total{database="main",server="db2",vantage="berlin",outcome="facts"} 1"#);
    has(r#"doorstep_database_last_answer_timestamp_seconds{database="main",server="db1",vantage="berlin"} 1795428059"#);
    has(r#"doorstep_database_ask_duration_seconds_count{database="main",server="db1",vantage="berlin"} 60"#);
    has(r#"doorstep_database_rule{database="main",server="db2",vantage="berlin",rule="unknown",severity="unknown"} 0"#);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let about = |rule: &str| log.lines().filter(|line| line.contains(&format!("rule={rule}"))).collect::<Vec<_>>();
    for rule in ["quorum-short", "sync-hang"] {
        let lines = about(rule);
        assert_eq!(lines.len(), 2, "{rule}: {log}");
        assert!(lines[0].contains("ERROR") && lines[0].contains(&format!("runbook=doorstep runbook {rule}")), "{log}");
        assert!(lines[1].contains("INFO") && lines[1].contains("no longer critical"), "{log}");
    }
    let unknown = about("unknown");
    assert_eq!(unknown.len(), 2, "25 samples without an answer, one line when it begins and one when it ends: {log}");
    assert!(unknown[0].contains("WARN") && unknown[0].contains("nothing is known of `db2`"), "{log}");
    assert!(unknown[0].contains("runbook=doorstep runbook unknown"), "{log}");
    assert!(unknown[1].contains("INFO") && unknown[1].contains("no longer unknown"), "{log}");
}

#[test]
fn a_reload_drops_servers_that_are_not_asked_any_more() {
    let (telemetry, teller) = new();
    teller.learned(&silent(0));
    assert!(told(&telemetry).iter().any(|line| line.contains("db2")));
    let mut one = Database::clone(&database());
    one.servers.truncate(1);
    teller.databases(&[Arc::new(one)]);
    teller.learned(&silent(1));
    let lines = told(&telemetry);
    assert!(lines.iter().any(|line| line.contains("rule=\"sync-hang\"") && line.contains("db1")));
    assert!(lines.iter().all(|line| !line.contains("db2")), "an answer that comes late: {lines:#?}");
    teller.databases(&[]);
    assert!(told(&telemetry).iter().all(|line| !line.contains("db1")), "{:#?}", told(&telemetry));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_the_rules() {
    let Some(binary) = outside::path("DOORSTEP_TEST_PROMETHEUS") else { return };
    let (telemetry, teller) = new();
    for second in 0..8 {
        teller.learned(&primary(second, "FIRST 1 (db2)"));
    }
    let stop = CancellationToken::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = MetricsServer::start(address, Arc::clone(&telemetry), stop.clone()).await.unwrap();
    let rules = "groups: [{name: x, rules: [{alert: Critical, \
                 expr: 'max by (database, server, rule) (doorstep_database_rule{severity=\"critical\"}) == 1'}]}]\n";
    let prometheus = Prometheus::start_with(binary.to_str().expect("UTF-8"), &server, &[], rules).await;
    let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
    let critical = |rule: &str| format!(r#"doorstep_database_rule{{rule="{rule}",severity="critical",server="db1"}}"#);
    near(prometheus.value(&critical("quorum-short")).await, 1.0);
    near(prometheus.value(&critical("two-primaries")).await, 0.0);
    near(prometheus.value("sum(doorstep_database_samples_total)").await, 8.0);
    near(prometheus.value(r#"ALERTS{alertname="Critical",rule="quorum-short",alertstate="firing"}"#).await, 1.0);
    stop.cancel();
    server.end();
}
