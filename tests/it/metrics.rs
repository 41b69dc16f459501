//! `/metrics` and `/healthz` as their readers meet them: over a socket, and scraped by the real Prometheus.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use crate::support::outside;
use doorstep::model::{
    BadClass, FlowName, Hop, LostClass, Micros, Phase, Phases, Revision, Run, RunKind, StepName, StepRecord, StepRole,
    VantageName, Verdict,
};
use doorstep::serve::Server;
use doorstep::telemetry::{Condition, Telemetry};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

fn vantage() -> VantageName {
    VantageName::new("berlin").unwrap()
}

pub(crate) fn run(verdict: Verdict, wait: u64) -> Run {
    let slot: jiff::Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let identity = (RunKind::Login, FlowName::new("shop").unwrap(), Revision::of(b"shop"), vantage(), slot);
    let mut phases = Phases::default();
    phases.finish(Phase::Wait, Micros(wait));
    let step = StepRecord {
        name: StepName::new("open").unwrap(),
        role: StepRole::Login,
        offset: Micros(0),
        micros: phases.total(),
        done: verdict == Verdict::Good,
        evidence: Vec::new(),
    };
    let hop = Hop {
        step: 0,
        method: "GET".to_owned(),
        url: "http://shop.test/".to_owned(),
        status: None,
        version: None,
        address: None,
        reused: false,
        offset: Micros(0),
        phases,
        body_bytes: 0,
    };
    let never = Run::never_began(identity, slot, LostClass::Aborted, "as the test says".to_owned());
    Run { verdict, elapsed: Micros(wait), steps: vec![step], hops: vec![hop], ..never }
}

async fn serve() -> (Server, Arc<Telemetry>, CancellationToken) {
    let telemetry = Arc::new(Telemetry::new(vantage()));
    for (verdict, wait) in
        [(Verdict::Good, 4_000), (Verdict::Good, 30_000), (Verdict::Bad(BadClass::HttpStatus), 300_000)]
    {
        telemetry.metrics.recorded(&run(verdict, wait));
    }
    let stop = CancellationToken::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(address, Arc::clone(&telemetry), stop.clone()).await.unwrap();
    (server, telemetry, stop)
}

async fn get(server: &Server, path: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: doorstep\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_worker_answers_on_two_paths() {
    let (server, telemetry, stop) = serve().await;
    let metrics = get(&server, "/metrics").await;
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    let counted =
        r#"doorstep_runs_total{flow="shop",vantage="berlin",kind="login",verdict="bad",class="http_status"} 1"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    assert!(get(&server, "/healthz").await.starts_with("HTTP/1.1 200"));
    telemetry.health.raise(Condition::Spool, "no space left on device");
    let health = get(&server, "/healthz").await;
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("no space left on device"), "{health}");
    assert!(get(&server, "/").await.starts_with("HTTP/1.1 404"));
    stop.cancel();
    server.end();
}

/// A running Prometheus with a folder of its own. It is killed when it is dropped.
pub(crate) struct Prometheus {
    _child: Child,
    _folder: tempfile::TempDir,
    address: String,
}

impl Prometheus {
    async fn start(binary: &str, target: &Server, features: &[&str]) -> Self {
        Self::start_with(binary, target, features, "groups: []\n").await
    }

    /// With a file of rules, evaluated as often as it scrapes.
    pub(crate) async fn start_with(binary: &str, target: &Server, features: &[&str], rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let configuration = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: doorstep, static_configs: [{{targets: ['{}']}}]}}]\n",
            target.address
        );
        std::fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
        let mut child = Command::new(binary)
            .arg("--config.file=prometheus.yml")
            .args(["--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data", "--log.format=json"])
            .args(features)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = timeout(Duration::from_secs(30), async {
            loop {
                let line = lines.next_line().await.unwrap().expect("Prometheus ended before it listened");
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                if let (Some("Listening on"), Some(address)) = (line["msg"].as_str(), line["address"].as_str()) {
                    return address.to_owned();
                }
            }
        });
        let address = address.await.expect("Prometheus listens within 30 s");
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _child: child, _folder: folder, address }
    }

    /// The value of the query's only series, once there is one.
    pub(crate) async fn value(&self, query: &str) -> f64 {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let url = format!("http://{}/api/v1/query?query={encoded}", self.address);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let asked = timeout(Duration::from_secs(30), async {
            loop {
                let answer = match reqwest::get(&url).await {
                    Ok(answer) => answer.text().await.unwrap_or_default(),
                    Err(error) => error.to_string(),
                };
                let json: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
                if let Some(value) = json["data"]["result"][0]["value"][1].as_str() {
                    return value.parse().unwrap();
                }
                sleep(Duration::from_millis(100)).await;
            }
        });
        asked.await.unwrap_or_else(|_| panic!("no value for {query} within 30 s"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_classic_and_native_histograms() {
    let Some(binary) = outside::path("DOORSTEP_TEST_PROMETHEUS") else { return };
    let binary = binary.to_str().expect("a path in UTF-8");
    let (server, _telemetry, stop) = serve().await;
    let classic = Prometheus::start(binary, &server, &[]).await;
    let native = Prometheus::start(binary, &server, &["--enable-feature=native-histograms"]).await;

    let good = r#"doorstep_login_duration_seconds_bucket{verdict="good",le="0.025"}"#;
    assert_eq!(classic.value(good).await.to_string(), "1");
    assert_eq!(classic.value("sum(doorstep_login_duration_seconds_count)").await.to_string(), "3");
    assert_eq!(classic.value(r#"doorstep_runs_total{class="http_status"}"#).await.to_string(), "1");

    let good = r#"doorstep_login_duration_seconds{verdict="good"}"#;
    assert_eq!(native.value(&format!("histogram_count({good})")).await.to_string(), "2");
    assert!((native.value(&format!("histogram_sum({good})")).await - 0.034).abs() < 1e-9);
    let slow = r#"histogram_quantile(0.5, doorstep_phase_duration_seconds{phase="wait", class="http_status"})"#;
    let quantile = native.value(slow).await;
    assert!((quantile - 0.3).abs() < 0.3 * 0.091, "within one bucket of 300 ms: {quantile}");
    stop.cancel();
    server.end();
}
