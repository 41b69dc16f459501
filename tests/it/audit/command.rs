//! `doorstep audit` as a person or a cron job runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::pair::{PASSWORD, Pair, Primary, Standby};

fn configuration(pair: &Pair, folder: &Path, user: &str) {
    let text = format!(
        "vantages: {{ here: {{}} }}
store: {0}/store
spool: {0}/spool
flows: []
databases:
  auth:
    user: {user}
    password: {{ env: AUDIT_TEST_PASSWORD }}
    tls: off
    timeout: 10s
    login_role: app
    service: {{ connections: 20, hosts: 1, deadline: 5s, balancer_timeout: 10s, lose_nothing: false }}
    expectations:
      - {{ setting: synchronous_standby_names, unchanged: true, severity: critical }}
    servers:
      primary1: {{ host: 127.0.0.1, port: {1}, role: primary }}
      standby1: {{ host: 127.0.0.1, port: {2}, role: standby }}
",
        folder.display(),
        pair.port(Primary),
        pair.port(Standby)
    );
    fs::write(folder.join("doorstep.yaml"), text).unwrap();
}

fn audit(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("audit").args(arguments).current_dir(folder).env("AUDIT_TEST_PASSWORD", PASSWORD);
    let output = command.output().unwrap();
    let told = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(!String::from_utf8_lossy(&told).contains(PASSWORD), "the password is shown");
    output
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(super) async fn everything(pair: &Pair) {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    configuration(pair, here, "monitor");
    let good = audit(here, &["--keep"]);
    assert_eq!(code(&good), Some(0), "{}{}", text(&good), String::from_utf8_lossy(&good.stderr));
    assert!(
        text(&good).contains("0 critical") && text(&good).contains("no earlier snapshot is kept"),
        "{}",
        text(&good)
    );
    let clear = format!("{} password={PASSWORD}", pair.conninfo());
    pair.set(Standby, &[("primary_conninfo", &clear)]).await;
    pair.set(Primary, &[("synchronous_standby_names", "standby2")]).await;
    let bad = audit(here, &["auth", "--keep"]);
    assert_eq!(code(&bad), Some(1), "{}", text(&bad));
    for said in [
        "CRITICAL  sync-names: no connected standby is called standby2",
        "primary1  synchronous_standby_names",
        "postgresql.conf:",
        "every login hangs",
        "primary1: synchronous_standby_names, '' -> 'standby2', at ",
        "password=(hidden)",
        "critical, ",
        "host-access on primary1, host-access on standby1: because reading pg_hba_file_rules",
    ] {
        assert!(text(&bad).contains(said), "no '{said}' in\n{}", text(&bad));
    }
    let json = audit(here, &["--format", "json"]);
    let read: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(read[0]["audit"]["findings"][0]["rule"], "sync-names");
    assert!(read[0]["audit"]["findings"][0]["since"].is_string(), "it was kept before: {read:#}");
    let markdown = text(&audit(here, &["--format", "md"]));
    assert!(markdown.contains("### critical: sync-names") && markdown.contains("| primary1 | synchronous\\_standby"));
    let against = audit(here, &["--against", "2020-01-01"]);
    assert_eq!(code(&against), Some(3), "nothing was kept then");
    assert!(String::from_utf8_lossy(&against.stderr).contains("the oldest is of"));
    let since = text(&audit(here, &["--against", "now"]));
    assert!(since.contains("Changes: none since"), "{since}");
    pair.set(Primary, &[]).await;
    pair.set(Standby, &[]).await;
    pair.streams().await;
    assert_eq!(code(&audit(here, &["--keep"])), Some(1), "the names are not what they were");
    assert_eq!(code(&audit(here, &["--keep"])), Some(0), "nothing changed since");
    configuration(pair, here, "plain");
    assert_eq!(code(&audit(here, &[])), Some(3), "a role without rights is no health");
    assert_eq!(code(&audit(here, &["other"])), Some(2), "no such database");
    weekly(here);
    nothing_secret(here);
    several(pair, here);
}

/// What cannot be asked of one database hides no other, and what the audit does not know is left out by name.
fn several(pair: &Pair, folder: &Path) {
    configuration(pair, folder, "monitor");
    let path = folder.join("doorstep.yaml");
    let one = fs::read_to_string(&path).unwrap();
    let others = "  orders:
    user: monitor
    password: { env: AUDIT_TEST_NOT_SET }
    servers: { db1: { host: 127.0.0.1, role: primary } }
  sessions:
    engine: mariadb
    user: monitor
    service: { connections: 20 }
    servers: { db9: { host: 127.0.0.1, role: primary } }
";
    fs::write(&path, format!("{one}{others}")).unwrap();
    let all = audit(folder, &[]);
    let (told, notes) = (text(&all), String::from_utf8_lossy(&all.stderr).into_owned());
    assert_eq!(code(&all), Some(3), "{told}{notes}");
    assert!(told.contains("auth: 0 critical") && told.contains("primary1  primary PostgreSQL"), "{told}");
    let unread = "the password of role 'monitor' of database orders cannot be read: the environment variable \
                  AUDIT_TEST_NOT_SET is not set";
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("db1 primary NOT READ (no_secret): {unread}")), "{told}");
    assert!(notes.contains("not audited, since the audit reads PostgreSQL only: sessions (MariaDB)"), "{notes}");
    let known = audit(folder, &["auth"]);
    assert_eq!(code(&known), Some(0), "{}", text(&known));
    let alone = audit(folder, &["sessions", "--keep"]);
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert_eq!(code(&alone), Some(2), "{said}");
    assert!(said.contains("nothing to audit: sessions is MariaDB"), "{said}");
    assert!(!folder.join("store/v1/audit/sessions").exists(), "nothing was read, so nothing is kept");
}

/// The report of the same hour tells the latest audit, what changed and when, and what was not checked.
fn weekly(folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(["report", "--from", "-1h", "--to", "now", "--out", "report", "--title", "pair"]);
    let output = command.current_dir(folder).env("AUDIT_TEST_PASSWORD", PASSWORD).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let markdown = fs::read_to_string(folder.join("report/report.md")).unwrap();
    let section = markdown
        .split("What the databases are set to")
        .nth(2)
        .or(markdown.split("What the databases are set to").nth(1));
    let section = section.expect("the section");
    for said in
        // What must not change did within the period, if not since the last snapshot.
        [
            "4 snapshots were kept",
            "critical expectation",
            "configuration loaded",
            "Not checked",
            "standby2",
            "(hidden)",
        ]
    {
        assert!(section.contains(said), "no '{said}' in\n{section}");
    }
    let page = fs::read_to_string(folder.join("report/report.html")).unwrap();
    assert!(page.contains("id=\"audit\"") && page.contains("synchronous_standby_names"));
}

/// Neither the store nor anything beside it holds the password.
fn nothing_secret(folder: &Path) {
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let held = fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&held).contains(PASSWORD), "{}", path.display());
        }
    }
    assert!(files >= 5, "four snapshots and the configuration");
}
