//! blackbox_exporter's samples out of the real Prometheus: an exporter with known truth is scraped for a while, goes away
//! in between, and what is imported is what it told, gap included.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorstep::model::{BadClass, Micros, Run, StoreLocation, Verdict};
use doorstep::store::{Columns, RunFilter, Store};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::{configure, doorstep, good, texts};
use crate::support::outside;

/// What the exporter told at each scrape: success, and the duration in microseconds, which no two share.
type Told = Arc<Mutex<BTreeMap<u64, bool>>>;

/// Answers every scrape but those in the gap, which find the line dead.
async fn export(listener: TcpListener, told: Told) {
    let mut scrape = 0_u64;
    while let Ok((mut stream, _)) = listener.accept().await {
        scrape += 1;
        let mut request = [0; 4096];
        let read = stream.read(&mut request).await.unwrap_or(0);
        if read == 0 || (20..35).contains(&scrape) {
            continue;
        }
        let (micros, good) = (scrape * 1000 + 250_000, !(8..13).contains(&scrape));
        let seconds = micros as f64 / 1e6;
        let body = format!("probe_success {}\nprobe_duration_seconds {seconds}\n", u8::from(good));
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_ok() {
            told.lock().unwrap().insert(micros, good);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prometheus_scraped_is_what_is_imported() {
    let Some(binary) = outside::path("DOORSTEP_TEST_PROMETHEUS") else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let told = Told::default();
    let exporter = tokio::spawn(export(listener, Arc::clone(&told)));
    let configuration = format!(
        "global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}\n\
         scrape_configs: [{{job_name: login, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    fs::write(place.join("prometheus.yml"), configuration).unwrap();
    let mut child = Command::new(binary)
        .args(["--config.file=prometheus.yml", "--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data"])
        .arg("--log.format=json")
        .current_dir(place)
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
    timeout(Duration::from_secs(60), async {
        while told.lock().unwrap().len() < 45 {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("45 scrapes within a minute");
    exporter.abort();
    // What is scraped is there to be asked a moment later.
    sleep(Duration::from_secs(1)).await;

    configure(place, "");
    let url = format!("http://{address}");
    let common = ["--from", "-10m", "--step", "250ms", "--flow", "shop", "--at", "outside"];
    let query = ["import", "prometheus", "--url", &url, "--query", r#"probe_success{job="login"}"#];
    let took = ["--duration-query", r#"probe_duration_seconds{job="login"}"#];
    let home = place.to_owned();
    let (said, again, refused) = tokio::task::spawn_blocking({
        let command: Vec<String> = [&query[..], &took, &common].concat().iter().map(|&word| word.to_owned()).collect();
        let wrong: Vec<String> = ["import", "prometheus", "--url", &url, "--query", r#"{job="login"}"#]
            .iter()
            .chain(&common)
            .map(|&word| word.to_owned())
            .collect();
        move || {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
            (good(&home, &words).0, good(&home, &words).0, texts(&doorstep(&home, &wrong)).1)
        }
    })
    .await
    .unwrap();
    assert!(refused.contains("series; name one flow and vantage each"), "{refused}");
    let told = told.lock().unwrap().clone();
    assert!(said.starts_with(&format!("imported {} runs", told.len())), "{said} of {}", told.len());
    assert!(again.starts_with("imported 0 runs"), "{again}");

    let store = Store::open(&StoreLocation::Folder(place.join("store"))).unwrap();
    let mut runs: Vec<Run> = Vec::new();
    store.read(&RunFilter::everything(), Columns::Everything, &mut |row| runs.push(row.run)).await.unwrap();
    let found: BTreeMap<u64, bool> =
        runs.iter().map(|run| (run.login_time().unwrap_or(Micros(0)).0, run.verdict == Verdict::Good)).collect();
    assert_eq!(found, told, "every scrape with its own duration and outcome");
    let bad = runs.iter().filter(|run| run.verdict == Verdict::Bad(BadClass::Unclassified)).count();
    assert_eq!(bad, 5);
    // The gap is slots without runs: neither good nor bad.
    let declared = store.declarations(jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX).await.unwrap();
    let (vantage, schedule) = (&declared[0].vantage, &declared[0].flows[0].schedule);
    let due = schedule.count(vantage, declared[0].from, declared[declared.len() - 1].from);
    let slots: std::collections::BTreeSet<_> = runs.iter().map(|run| run.slot).collect();
    let missing = due - slots.len() as u64;
    assert!((12..=18).contains(&missing), "fifteen scrapes found nobody: {missing} of {due}");
}
