//! No secret reaches any sink, in any encoding, derived secrets included.
//!
//! A service marks everything that a login must not tell: the password (also echoed back in every encoding, as bad
//! error pages do), cookies, a CSRF token, a code in a redirect, bearer and refresh tokens. Then every sink is read.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const PASSWORD: &str = "Mark3d p@ss/&<w\"örd>+%1";
const WRONG: &str = "Wr0ng mark&d <pass>";
const SESSION: &str = "markedsession0123456789abcdef";
const BEFORE: &str = "markedbefore0123456789abcdef";
const CSRF: &str = "markedcsrf0123456789abcdefgh";
const CODE: &str = "markedcode0123456789abcdefgh";
const ACCESS: &str = "markedaccess.0123456789.abcdefgh";
const REFRESH: &str = "markedrefresh0123456789abcdefgh";
const CAPTURED: &str = "markedcaptured0123456789abcdefgh";

const ALL: [&str; 9] = [PASSWORD, WRONG, SESSION, BEFORE, CSRF, CODE, ACCESS, REFRESH, CAPTURED];

/// Every way in which a sink might spell a secret.
fn spellings(secret: &str) -> Vec<String> {
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let json = serde_json::to_string(secret).unwrap().trim_matches('"').to_owned();
    let json_twice = serde_json::to_string(&json).unwrap().trim_matches('"').to_owned();
    let basic = STANDARD.encode(format!("probe:{secret}"));
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let debug = format!("{secret:?}").trim_matches('"').to_owned();
    let mut all = vec![
        secret.to_owned(),
        percent.clone(),
        percent.to_lowercase(),
        form,
        html,
        json,
        json_twice,
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(secret),
        // The middle of the header: its start is the user name, which is no secret.
        basic[12..basic.len() - 4].to_owned(),
        hexadecimal,
        debug,
    ];
    all.dedup();
    all
}

fn assert_clean(sink: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in ALL {
        for spelling in spellings(secret) {
            if let Some(at) = text.find(&spelling) {
                let around: String = text[at..].chars().take(120).collect();
                panic!("{sink} shows a secret as {spelling:?}: {around}");
            }
        }
    }
}

/// A page that tells what it was sent, in every encoding that error pages use.
fn echo() -> String {
    spellings(PASSWORD).into_iter().chain(spellings(SESSION)).map(|text| format!("<p>{text}</p>")).collect()
}

fn set_cookie(name: &str, value: &str) -> (header::HeaderName, String) {
    (header::SET_COOKIE, format!("{name}={value}; Path=/; HttpOnly"))
}

fn json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn login_page() -> Response {
    let page = format!(
        "<title>Sign in</title><form method=post action=/login><input type=hidden name=csrf value={CSRF}>\
         <input name=user><input type=password name=password></form>"
    );
    ([set_cookie("before", BEFORE), (header::CONTENT_TYPE, "text/html".to_owned())], page).into_response()
}

async fn log_in(body: String) -> Response {
    let right: String = url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    if !body.contains(&right) {
        return ([(header::CONTENT_TYPE, "text/html".to_owned())], format!("<p>Refused: {body}</p>{}", echo()))
            .into_response();
    }
    let to = format!("/callback?code={CODE}&state={BEFORE}");
    (StatusCode::FOUND, [set_cookie("session", SESSION), (header::LOCATION, to)]).into_response()
}

async fn callback() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, "/account")]).into_response()
}

async fn account(headers: HeaderMap) -> Response {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let who = if cookies.contains(SESSION) { "Signed in as probe" } else { "Please sign in" };
    let page = format!("<title>Account</title><p>{who}</p><p id=secret>{CAPTURED}</p>{}", echo());
    ([(header::CONTENT_TYPE, "text/html".to_owned())], page).into_response()
}

async fn token() -> Response {
    json(&serde_json::json!({ "access_token": ACCESS, "refresh_token": REFRESH }))
}

async fn me(headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if bearer == format!("Bearer {ACCESS}") {
        return json(&serde_json::json!({ "username": "probe", "password": PASSWORD, "token": ACCESS }));
    }
    StatusCode::UNAUTHORIZED.into_response()
}

async fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/html".to_owned())], echo()).into_response()
}

/// The service; it ends with the test.
async fn service() -> SocketAddr {
    let router = Router::new()
        .route("/login", get(login_page).post(log_in))
        .route("/callback", get(callback))
        .route("/account", get(account))
        .route("/logout", get(callback))
        .route("/token", post(token))
        .route("/me", get(me))
        .route("/broken", get(broken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

const FORM: &str = r##"
account: probe
interval: 1s
timeout: 5s
variables: { base: "BASE" }
steps:
  - open: "{{ base }}/login"
  - submit: { user: "{{ username }}", password: "{{ password }}" }
  - open: "{{ base }}/account"
    expect: { user: "Signed in as {{ username }}" }
    capture: { kept: { css: "#secret" } }
  - name: after
    open: "{{ base }}/AFTER?kept={{ kept }}&again={{ password }}"
    expect: { no_text: "Please sign in" }
signs: { refused: { text: "Refused" } }
negative: { password: "WRONG", interval: 2s, per_hour: 60 }
"##;

const BEARER: &str = r##"
account: probe
interval: 1s
timeout: 5s
steps:
  - request: { method: POST, url: "BASE/token", json: { user: "{{ username }}", password: "{{ password }}" } }
    capture: { access: { json: "$.access_token" }, refresh: { json: "$.refresh_token" } }
  - request:
      method: GET
      url: "BASE/me?refresh={{ refresh }}"
      headers: { Authorization: "Bearer {{ access }}", X-Refresh: "{{ refresh }}" }
    expect: { user: { json: "$.username", is: "IDENTITY" } }
"##;

const SITE: &str = "
vantages: { here: {} }
store: store
spool: spool
histogram_log: logs
flush: 1s
accounts: { probe: { username: probe, password: { env: MARKED_PASSWORD } } }
flows: [good.yaml, broken.yaml, bearer.yaml, stranger.yaml]
objectives: { good: { flow: good, target: 99% } }
";

fn write_site(folder: &Path, base: &str) -> PathBuf {
    let form =
        |after: &str| FORM.replace("BASE", base).replace("AFTER", after).replace("WRONG", &WRONG.replace('"', "\\\""));
    let bearer = |who: &str| BEARER.replace("BASE", base).replace("IDENTITY", who);
    fs::write(folder.join("good.yaml"), form("account")).unwrap();
    fs::write(folder.join("broken.yaml"), form("broken")).unwrap();
    fs::write(folder.join("bearer.yaml"), bearer("{{ username }}")).unwrap();
    // The value that is found, a token, is not the one that is expected, and must still not be told.
    fs::write(folder.join("stranger.yaml"), bearer("somebody").replace("$.username", "$.token")).unwrap();
    fs::write(folder.join("doorstep.yaml"), SITE).unwrap();
    folder.join("doorstep.yaml")
}

fn doorstep(folder: &Path, args: &[&str]) -> Output {
    let output = command(folder, args).output().unwrap();
    assert_clean(&format!("standard output of {args:?}"), &output.stdout);
    assert_clean(&format!("standard error of {args:?}"), &output.stderr);
    output
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(args).current_dir(folder).env("MARKED_PASSWORD", PASSWORD).env("RUST_BACKTRACE", "full");
    command
}

/// Every file below a folder; returns how many.
fn assert_files_clean(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_files_clean(&path);
        } else {
            assert_clean(&path.display().to_string(), &fs::read(&path).unwrap());
            files += 1;
        }
    }
    files
}

fn metrics(port: u16) -> String {
    let answer = Command::new("curl").args(["-sf", &format!("http://127.0.0.1:{port}/metrics")]).output().unwrap();
    String::from_utf8(answer.stdout).unwrap()
}

/// Waits until `/metrics` tells of runs of every flow, at most for half a minute.
fn wait_for_runs(port: u16) -> String {
    let begun = Instant::now();
    loop {
        let text = metrics(port);
        // A counter may be there before its first run.
        let counted = |label: String| {
            let mut lines =
                text.lines().filter(|line| line.starts_with("doorstep_runs_total") && !line.ends_with(" 0"));
            lines.any(|line| line.contains(&label))
        };
        let told = ["good", "broken", "bearer", "stranger"].iter().all(|flow| counted(format!("flow=\"{flow}\"")));
        if told && counted("wrong_password".to_owned()) {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_any_sink() {
    let address = service().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    tokio::task::spawn_blocking(move || every_sink(&place, &format!("http://{address}"))).await.unwrap();
}

fn every_sink(folder: &Path, base: &str) {
    write_site(folder, base);
    // The configuration files name the wrong password, which is no account's; all other sinks must not.
    for args in [vec!["check"], vec!["check", "--format", "json"], vec!["try", "good", "--repeat", "3"]] {
        assert_eq!(doorstep(folder, &args).status.code(), Some(0), "{args:?}");
    }
    for (flow, exit) in [("good", 0), ("broken", 1), ("bearer", 0), ("stranger", 1)] {
        for format in ["text", "json"] {
            let output = doorstep(folder, &["try", flow, "--format", format]);
            assert_eq!(output.status.code(), Some(exit), "{flow}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
    assert_eq!(doorstep(folder, &["try", "good", "--wrong-password"]).status.code(), Some(0));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for format in ["text", "json"] {
        let listen = format!("127.0.0.1:{port}");
        let args = ["run", "--listen", &listen, "--log-level", "trace", "--log-format", format];
        let worker = command(folder, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        assert_clean("/metrics", wait_for_runs(port).as_bytes());
        // The first is killed, so that its spool stays; the second recovers it and ships.
        let signal = if format == "text" { "-KILL" } else { "-TERM" };
        assert!(Command::new("kill").args([signal, &worker.id().to_string()]).status().unwrap().success());
        assert!(assert_files_clean(&folder.join("spool")) > 0);
        let output = worker.wait_with_output().unwrap();
        assert_clean("the log", &[output.stdout, output.stderr].concat());
    }
    assert!(assert_files_clean(&folder.join("logs")) > 0);
    let runs = doorstep(folder, &["runs", "--from", "-1h", "--to", "now", "--format", "jsonl"]);
    let text = String::from_utf8(runs.stdout).unwrap();
    assert!(text.lines().count() >= 8, "{text}");
    let failed = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|run| run["flow"] == "broken");
    let id = failed.unwrap()["id"].as_str().unwrap().to_owned();
    let explained = doorstep(folder, &["explain", &id]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("http_status"), "a failed run is explained");
    doorstep(folder, &["runs", "--from", "-1h", "--to", "now", "--format", "csv"]);
    let made = doorstep(folder, &["report", "--from", "-1h", "--to", "now", "--out", "report"]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(assert_files_clean(&folder.join("report")) >= 4);
    what_is_made_of_incidents(folder);
    for args in [vec!["export", "openslo"], vec!["export", "prometheus"], vec!["compact"]] {
        doorstep(folder, &args);
    }
    assert!(assert_files_clean(&folder.join("store")) > 0);
}

/// Incidents, their impact and the draft repeat what failures said.
fn what_is_made_of_incidents(folder: &Path) {
    let span = ["--from", "-1h", "--to", "now"];
    for format in ["text", "json", "csv", "md"] {
        let listed = doorstep(folder, &[&["incidents", "--format", format][..], &span].concat());
        assert_eq!(listed.status.code(), Some(0), "{}", String::from_utf8_lossy(&listed.stderr));
        doorstep(folder, &[&["impact", "--format", format][..], &span].concat());
    }
    let listed = doorstep(folder, &[&["incidents", "--format", "json"][..], &span].concat());
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    for incident in listed["incidents"].as_array().unwrap() {
        let id = incident["id"].as_str().unwrap();
        let drafted = doorstep(folder, &["postmortem", "draft", "--incident", id, "--out", "draft"]);
        assert_eq!(drafted.status.code(), Some(0), "{}", String::from_utf8_lossy(&drafted.stderr));
        assert!(assert_files_clean(&folder.join("draft")) >= 3);
    }
}

#[test]
fn the_test_would_find_each_spelling() {
    for secret in ALL {
        for spelling in spellings(secret) {
            let text = format!("before {spelling} after");
            assert!(std::panic::catch_unwind(|| assert_clean("a sink", text.as_bytes())).is_err(), "{spelling}");
        }
    }
}

/// Set in the process that panics.
const PANICS: &str = "DOORSTEP_TEST_PANICS";

#[test]
fn a_panic_tells_its_place_and_no_words() {
    if std::env::var_os(PANICS).is_some() {
        doorstep::cli::panic::tell_the_place_only();
        // As a slip in a slice would: the text that it tripped over is in the words.
        let text = format!("{PASSWORD}ö");
        let _part = &text[..text.len() - 1];
    }
    let test = "secrets::a_panic_tells_its_place_and_no_words";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(PANICS, "yes")
        .output();
    let told = child.map(|output| [output.stdout, output.stderr].concat()).unwrap();
    assert_clean("a panic", &told);
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("a defect of Doorstep at tests/it/secrets.rs:"), "{told}");
}
