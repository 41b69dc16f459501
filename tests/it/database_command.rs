//! `doorstep database check` on real servers: what it says, and how it ends.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::support::postgres::{Cluster, PASSWORD};

/// A primary and its standby `standby1`, and the configuration that names them.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    folder: tempfile::TempDir,
}

fn pair() -> Pair {
    let primary = Cluster::start(&["synchronous_standby_names = 'standby1'"]);
    primary.sql("set synchronous_commit = local; create table t (i int)");
    primary.sql(&format!(
        "set synchronous_commit = local; create role doorstep login password '{PASSWORD}' in role pg_monitor;
         create role web login password '{PASSWORD}'; grant all on t to web"
    ));
    let standby = primary.standby("standby1", &[]);
    primary.wait_until("select sync_state from pg_stat_replication", "sync");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("flow.yaml"), "steps: [{ open: https://shop.example }]").unwrap();
    std::fs::write(folder.path().join("secret"), PASSWORD).unwrap();
    let pair = Pair { primary, standby, folder };
    pair.configure(&[("db1", &pair.primary, "primary"), ("standby1", &pair.standby, "standby")], "secret");
    pair
}

impl Pair {
    fn configure(&self, servers: &[(&str, &Cluster, &str)], secret: &str) -> PathBuf {
        let listed: String = servers
            .iter()
            .map(|(name, cluster, role)| {
                format!("      {name}: {{ host: 127.0.0.1, port: {}, role: {role} }}\n", cluster.port)
            })
            .collect();
        let text = format!(
            "flows: [flow.yaml]
databases:
  shop:
    user: doorstep
    password: {{ file: {secret} }}
    tls: off
    timeout: 1s
    login_role: web
    servers:
{listed}"
        );
        let path = self.folder.path().join("doorstep.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn check(&self, arguments: &[&str]) -> (i32, String) {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_doorstep"))
            .args(["database", "check", "--config"])
            .arg(self.folder.path().join("doorstep.yaml"))
            .args(arguments)
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!said.contains(PASSWORD), "{said}");
        (output.status.code().unwrap(), said)
    }

    /// What differs from run to run is left out.
    fn steady(&self, said: &str) -> String {
        let ports =
            said.replace(&self.primary.port.to_string(), "PORT1").replace(&self.standby.port.to_string(), "PORT2");
        let replacements = [
            (r"\d{4}-\d\d-\d\d(T|\s+)\d\d:\d\d:\d\d(Z|\s+UTC)", "TIME"),
            (r"\d+\.\d s", "N s"),
            (r"\d+ ms", "N ms"),
            (r"[0-9,]+ bytes", "N bytes"),
            (r"[0-9A-F]+/[0-9A-F]{3,}", "POSITION"),
            (r"system \d+", "system ID"),
            (r"PostgreSQL \d+\.\d+", "PostgreSQL VERSION"),
            (r"\d+ of \d+ questions", "N of N questions"),
            (r"sessions +\d+ of \d+", "sessions  N of N"),
        ];
        replacements
            .iter()
            .fold(ports, |text, (pattern, with)| regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into())
    }

    /// The rules of all findings with their severities, and the exit code.
    fn found(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let (code, said) = self.check(&[arguments, &["--format", "json"]].concat());
        let json: Json = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"));
        let findings = json[0]["findings"].as_array().unwrap();
        let short = |it: &Json| {
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            assert_eq!(text("runbook"), format!("doorstep runbook {}", text("rule")));
            format!("{} {} on {}", text("severity"), text("rule"), text("server"))
        };
        (code, findings.iter().map(short).collect())
    }
}

#[test]
fn a_healthy_pair_is_shown_as_it_is_and_ends_with_0() {
    let pair = pair();
    let (code, said) = pair.check(&["--for", "6s"]);
    insta::assert_snapshot!("healthy", pair.steady(&said));
    assert_eq!(code, 0);
    assert_eq!(pair.check(&["shop", "--for", "1s", "--quiet"]), (0, String::new()));
}

#[test]
fn a_ghost_in_the_names_is_the_cause_of_commits_that_hang() {
    let pair = pair();
    pair.primary.sql("alter system set synchronous_standby_names = 'standby2'");
    pair.primary.sql("select pg_reload_conf()");
    pair.primary.wait_until("show synchronous_standby_names", "standby2");
    let _login = pair.primary.background_as("web", "insert into t values (1)");
    pair.primary.wait_until("select count(*) from pg_stat_activity where wait_event = 'SyncRep'", "1");
    let (code, said) = pair.check(&["--for", "7s"]);
    insta::assert_snapshot!("ghost", pair.steady(&said));
    assert_eq!(code, 1);
}

#[test]
fn two_primaries_and_swapped_roles_are_findings() {
    let mut pair = pair();
    pair.configure(&[("db1", &pair.standby, "primary"), ("standby1", &pair.primary, "standby")], "secret");
    // So it looks after a failover too: logins may go to the right server.
    let swapped = "warning wrong-role on db1".to_owned();
    let (code, found) = pair.found(&["--for", "6s"]);
    assert_eq!(code, 0, "{found:?}");
    assert!(found.contains(&swapped) && !found.iter().any(|it| it.starts_with("critical")), "{found:?}");

    pair.configure(&[("db1", &pair.standby, "primary")], "secret");
    let (code, found) = pair.found(&["--for", "6s"]);
    assert_eq!((code, found), (1, vec!["critical wrong-role on db1".to_owned()]), "nobody takes writes");

    pair.configure(&[("db1", &pair.primary, "primary"), ("standby1", &pair.standby, "standby")], "secret");
    pair.standby.sql("select pg_promote()");
    let (code, found) = pair.found(&["--for", "6s"]);
    assert_eq!(code, 1);
    assert!(found.iter().any(|it| it.starts_with("critical two-primaries on")), "{found:?}");

    pair.primary.stop();
    let (_, found) = pair.found(&["--for", "6s"]);
    assert!(found.contains(&"unknown unknown on db1".to_owned()), "{found:?}");
    assert!(!found.iter().any(|it| it.contains("two-primaries")), "nobody knows: {found:?}");
}

#[test]
fn what_is_not_known_ends_with_3_and_says_why() {
    let mut pair = pair();
    pair.standby.stop();
    // The primary would say that its standby is gone; with nothing to wait for, that is no more than a warning.
    pair.primary.sql("alter system set synchronous_standby_names = ''");
    pair.primary.sql("select pg_reload_conf()");
    let (code, found) = pair.found(&["--for", "6s"]);
    assert_eq!(code, 3, "{found:?}");
    assert!(found.contains(&"unknown unknown on standby1".to_owned()), "{found:?}");
    let (code, said) = pair.check(&["--for", "1s"]);
    assert_eq!(code, 3, "before any rule holds");
    assert!(said.contains("unreachable: nothing listens at"), "{said}");

    pair.configure(&[("db1", &pair.primary, "primary")], "no-such-file");
    let (code, said) = pair.check(&["--for", "1s"]);
    assert!(said.contains("UNKNOWN unknown on db1") && said.contains("no_secret: the password of the role"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn wrong_arguments_end_with_2() {
    let pair = pair();
    let (code, said) = pair.check(&["shpo"]);
    assert_eq!((code, said.as_str()), (2, "error: no database is called 'shpo': there is shop\n"));
    std::fs::write(pair.folder.path().join("doorstep.yaml"), "flows: [flow.yaml]").unwrap();
    let (code, said) = pair.check(&[]);
    assert_eq!(code, 2);
    assert!(said.contains("the configuration names no database: add databases:"), "{said}");
}
