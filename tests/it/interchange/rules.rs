//! Prometheus rules, judged by Prometheus' own tool: they parse, and on series with known truth they record and alert
//! what they must, and stay silent where they must.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use doorstep::model::{BadClass, Database, FlowName, VantageName, Verdict};
use doorstep::serve::Server;
use doorstep::telemetry::{Format, Telemetry};
use doorstep::worker::{Observer as _, Teller};
use regex::Regex;
use tokio_util::sync::CancellationToken;

use super::{configure, good};
use crate::metrics::{Prometheus, run};
use crate::support::outside;

const OBJECTIVES: &str =
    "objectives:\n  login: { flow: shop, target: 99.9% }\n  fast: { flow: till, target: 99%, under: 1s }\n";
const DATABASES: &str = "databases:\n  main:\n    user: doorstep\n    tls: off\n    servers: \
                         { db1: { host: 127.0.0.1, role: primary }, db2: { host: 127.0.0.1, port: 5433, role: standby } }\n";

fn promtool() -> Option<PathBuf> {
    let tool = outside::path("DOORSTEP_TEST_PROMETHEUS")?.with_file_name("promtool");
    assert!(tool.exists(), "{} comes with the same package", tool.display());
    Some(tool)
}

fn written(folder: &Path, more: &[&str]) -> (String, String) {
    configure(folder, &format!("{OBJECTIVES}{DATABASES}"));
    let (text, notes) = good(folder, &[&["export", "prometheus"], more].concat());
    fs::write(folder.join("rules.yml"), &text).unwrap();
    (text, notes)
}

fn ask(tool: &Path, folder: &Path, args: &[&str]) {
    let done = Command::new(tool).args(args).current_dir(folder).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_rules_are_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (text, notes) = written(folder.path(), &[]);
    insta::assert_snapshot!("prometheus_rules", text);
    assert!(notes.contains("waits for 5"), "{notes}");
}

/// Two objectives of one flow, an objective named as another group, and two databases: no two rules may have the same name
/// and labels, or Prometheus' own tool refuses the file.
#[test]
fn rules_of_one_flow_and_of_two_databases_stay_apart() {
    let objectives = "objectives:\n  login: { flow: shop, target: 99.9% }\n  \
                      databases: { flow: shop, target: 95%, under: 500ms }\n  \
                      strict: { flow: shop, target: 99.99% }\n";
    let server = |port: u16| format!("{{ host: 127.0.0.1, port: {port}, role: primary }}");
    let databases = format!(
        "databases:\n  main: {{ user: doorstep, tls: off, servers: {{ db1: {} }} }}\n  \
         other: {{ user: doorstep, tls: off, servers: {{ db1: {} }} }}\n",
        server(5432),
        server(5433)
    );
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &format!("{objectives}{databases}"));
    let (text, _) = good(folder.path(), &["export", "prometheus", "--min-failures", "1"]);
    fs::write(folder.path().join("rules.yml"), &text).unwrap();
    let groups: Rules = serde_saphyr::from_str(&text).unwrap();
    let mut seen = BTreeSet::new();
    for rule in groups.groups.iter().flat_map(|group| &group.rules) {
        let identity = format!("{:?} {:?} {:?}", rule.alert, rule.record, rule.labels);
        assert!(seen.insert(identity.clone()), "twice: {identity}");
    }
    assert!(seen.iter().filter(|rule| rule.contains("DoorstepBudgetBurn")).count() > 8, "{seen:?}");
    assert_eq!(seen.iter().filter(|rule| rule.contains("DoorstepDatabase")).count(), 6, "{seen:?}");
    let names: BTreeSet<&str> = groups.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names.len(), groups.groups.len(), "{names:?}");
    let Some(tool) = promtool() else { return };
    ask(&tool, folder.path(), &["check", "rules", "--lint=all", "--lint-fatal", "rules.yml"]);
}

/// A file of rules, as far as the identity of a rule goes.
#[derive(serde::Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(serde::Deserialize)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    labels: BTreeMap<String, String>,
}

#[test]
fn every_series_that_the_rules_read_is_told_by_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = written(folder.path(), &[]);
    let telemetry = Arc::new(Telemetry::new(VantageName::new("berlin").unwrap()));
    telemetry.metrics.begin_flows(&["shop", "till"].map(|name| FlowName::new(name).unwrap()).into());
    let site = doorstep::config::load(
        &folder.path().join("doorstep.yaml"),
        &doorstep::app::DiskFiles,
        &doorstep::config::Overrides::default(),
    );
    let databases: Vec<Arc<Database>> = site.site.unwrap().databases.into_iter().map(Arc::new).collect();
    Teller::new(Arc::clone(&telemetry)).databases(&databases);
    let exposition = String::from_utf8(telemetry.metrics.exposition().encode(Format::Text)).unwrap();
    let selector = Regex::new(r"(doorstep_[a-z_]+)\{([^}]*)\}").unwrap();
    let text = text.replace("\\\"", "\"");
    let read: BTreeSet<(String, String)> =
        selector.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    assert!(read.len() >= 8, "{read:?}");
    let matcher = Regex::new(r#"([a-z]+)(=~|=)"([^"]*)""#).unwrap();
    for (name, matchers) in &read {
        // From the start, before anything happened: a series that begins with its first failure hides it.
        let there = exposition.lines().filter(|line| line.starts_with(&format!("{name}{{"))).any(|line| {
            matcher.captures_iter(matchers).all(|wanted| {
                let value = if &wanted[2] == "=" { regex::escape(&wanted[3]) } else { format!("(?:{})", &wanted[3]) };
                Regex::new(&format!("[{{,]{}=\"{value}\"", &wanted[1])).unwrap().is_match(line)
            })
        });
        assert!(there, "{name}{{{matchers}}} is not in\n{exposition}");
    }
}

const GOOD: &str = r#"doorstep_logins_total{flow="shop",vantage="berlin",verdict="good"}"#;
const BAD: &str = r#"doorstep_logins_total{flow="shop",vantage="berlin",verdict="bad"}"#;
const LET_IN: &str = r#"doorstep_runs_total{flow="shop",vantage="berlin",kind="wrong_password",verdict="bad",class="accepted_wrong_password"}"#;

const RULE: &str =
    r#"doorstep_database_rule{database="main",server="db1",vantage="VANTAGE",rule="quorum-short",severity="critical"}"#;
const WARNING: &str =
    r#"doorstep_database_rule{database="main",server="db2",vantage="berlin",rule="slot-idle",severity="warning"}"#;
const FACTS: &str =
    r#"doorstep_database_samples_total{database="main",server="SERVER",vantage="berlin",outcome="facts"}"#;

/// One test of promtool: series with their values, and expressions that must give these values at these times.
fn case(series: &[(&str, &str)], expected: &[(&str, &str, f64)]) -> String {
    let mut text = "  - interval: 1m\n    input_series:\n".to_owned();
    for (name, values) in series {
        text.push_str(&format!("      - {{ series: '{name}', values: '{values}' }}\n"));
    }
    text.push_str("    promql_expr_test:\n");
    for (at, expr, value) in expected {
        text.push_str(&format!(
            "      - {{ expr: '{expr}', eval_time: {at}, exp_samples: [{{ labels: '{{}}', value: {value} }}] }}\n"
        ));
    }
    text
}

#[test]
fn promtool_finds_the_known_truth() {
    let Some(tool) = promtool() else { return };
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[]);
    for (window, name) in [("7d", "rules.yml"), ("28d", "28.yml"), ("30d", "30.yml")] {
        let (text, _) = good(folder.path(), &["export", "prometheus", "--budget-window", window]);
        fs::write(folder.path().join(name), text).unwrap();
        ask(&tool, folder.path(), &["check", "rules", "--lint=all", "--lint-fatal", name]);
    }
    let firing = |alert: &str| format!("count(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}) or vector(0)");
    let (burn, silent, let_in) =
        (firing("DoorstepBudgetBurn"), firing("DoorstepNoData"), firing("DoorstepLetInWrongly"));
    let (critical, warning) = (firing("DoorstepDatabaseCritical"), firing("DoorstepDatabaseWarning"));
    let unknown = firing("DoorstepDatabaseUnknown").replace("alertstate", "server=\"db2\",alertstate");
    let near = |record: &str, value: f64| format!("abs({record}{{objective=\"login\"}} - {value:e}) < bool 1e-9");
    // F22: 192 five-minute slots of 1,000 logins without an error, 96 of two logins with one error in all.
    let ratio = 1.0 / 192_192.0;
    let day_good = "0+200x960 192000.4+0.4x479";
    let day_bad = "0x1439 1";
    // Two hours of peace, then every login fails: 1, 2, .. failures at 2h1m, 2h2m, ..
    let outage_good = "0+1x120 120x60";
    let outage_bad = "0x120 1+1x59";
    let tests = [
        case(
            &[(GOOD, day_good), (BAD, day_bad)],
            &[(
                "1d",
                &near("max without(objective) (doorstep:failing:ratio1d", ratio)
                    .replace("{objective=\"login\"}", "{objective=\"login\"})"),
                1.0,
            )],
        ),
        case(
            &[(GOOD, outage_good), (BAD, outage_bad)],
            &[
                ("1h30m", &burn, 0.0),
                // F3: the first failure is over the threshold of 13.44 in an hour of 60 logins; the guard waits for five.
                ("2h1m", &burn, 0.0),
                ("2h4m", &burn, 0.0),
                ("2h6m", &burn, 4.0),
                ("2h6m", &silent.replace("alertstate", "flow=\"shop\",alertstate"), 0.0),
                ("2h59m", "round(sum(doorstep:logins:increase1h{objective=\"login\",verdict=\"bad\"}))", 59.0),
            ],
        ),
        // One failure in an hour is no page.
        case(&[(GOOD, "0+1x59 59+1x120"), (BAD, "0x59 1x120")], &[("1h5m", &burn, 0.0), ("2h", &burn, 0.0)]),
        // The worker is gone after 30 minutes.
        case(
            &[(GOOD, "0+1x30 stale"), (BAD, "0x30 stale")],
            &[
                ("30m", &silent.replace("alertstate", "flow=\"shop\",alertstate"), 0.0),
                ("50m", &silent.replace("alertstate", "flow=\"shop\",alertstate"), 1.0),
                ("50m", "count(doorstep:failing:ratio5m) or vector(0)", 0.0),
            ],
        ),
        // Let in once: a counter that was there, and one that was not.
        case(&[(LET_IN, "0x30 1x60")], &[("30m", &let_in, 0.0), ("32m", &let_in, 1.0), ("50m", &let_in, 0.0)]),
        // The quorum is short for ten minutes, seen from one vantage of two; another server is short of protection.
        case(
            &[
                (&RULE.replace("VANTAGE", "berlin"), "0x30 1x10 0x60"),
                (&RULE.replace("VANTAGE", "ohio"), "0x100"),
                (WARNING, "0x30 1x10 0x60"),
            ],
            &[
                ("30m", &critical, 0.0),
                ("32m", &critical, 1.0),
                ("32m", &warning, 0.0),
                ("37m", &warning, 1.0),
                ("45m", &critical, 0.0),
                ("45m", &warning, 0.0),
            ],
        ),
        // A server that answers, and one that does not any more.
        case(
            &[(&FACTS.replace("SERVER", "db1"), "0+60x60"), (&FACTS.replace("SERVER", "db2"), "0+60x30 1800x30")],
            &[("30m", &unknown, 0.0), ("45m", &unknown, 1.0)],
        ),
        case(&[(LET_IN, "_x30 1x60")], &[("29m", &let_in, 0.0), ("32m", &let_in, 1.0), ("50m", &let_in, 0.0)]),
    ];
    let file = format!("rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n{}", tests.concat());
    fs::write(folder.path().join("test.yml"), file).unwrap();
    ask(&tool, folder.path(), &["test", "rules", "test.yml"]);
}

/// The worker's own page, scraped and evaluated by the real Prometheus: what is counted after the first scrape is all
/// there, the very first failure included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_prometheus_sees_the_first_failure_and_the_wrong_guest() {
    let Some(binary) = outside::path("DOORSTEP_TEST_PROMETHEUS") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (rules, _) = written(folder.path(), &[]);
    let telemetry = Arc::new(Telemetry::new(VantageName::new("berlin").unwrap()));
    telemetry.metrics.begin_flows(&["shop", "till"].map(|name| FlowName::new(name).unwrap()).into());
    let stop = CancellationToken::new();
    let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&telemetry), stop.clone()).await.unwrap();
    let prometheus = Prometheus::start_with(binary.to_str().expect("UTF-8"), &server, &[], &rules).await;
    let zero = r#"sum(count_over_time(doorstep_logins_total{flow="shop",verdict="bad"}[1m])) > 2"#;
    assert!(prometheus.value(zero).await > 2.0, "zero was scraped before anything failed");
    let told = [
        (Verdict::Good, 4_000),
        (Verdict::Bad(BadClass::Timeout), 300_000),
        (Verdict::Bad(BadClass::AcceptedWrongPassword), 5_000),
        (Verdict::Good, 4_000),
    ];
    for (verdict, wait) in told {
        telemetry.metrics.recorded(&run(verdict, wait));
    }
    let half = r#"doorstep:failing:ratio5m{objective="login"} > 0.49"#;
    assert!((prometheus.value(half).await - 0.5).abs() < 0.01);
    let firing = r#"ALERTS{alertname="DoorstepLetInWrongly",alertstate="firing",class="accepted_wrong_password"}"#;
    assert!((prometheus.value(firing).await - 1.0).abs() < f64::EPSILON);
    // Two failures are no page: five are asked for.
    let burning = r#"count(ALERTS{alertname="DoorstepBudgetBurn"}) or vector(0)"#;
    assert!(prometheus.value(burning).await.abs() < f64::EPSILON);
    stop.cancel();
    server.end();
}
