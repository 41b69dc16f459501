//! Configurations from files on disk to the model: the examples, what is printed of them, and their schemas.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::app::DiskFiles;
use doorstep::config::{Files, Loaded, Overrides, flow_schema, load, site_schema};
use doorstep::model::{
    AuditTerms, Database, DatabaseName, Engine, Must, SecretSource, Server, ServerRole, ServiceFacts,
    SettingExpectation, Severity, TlsMode,
};
use serde_json::Value as Json;

use crate::bad_config::Memory;

fn probes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("probes")
}

fn examples() -> Loaded {
    load(&probes().join("doorstep.yaml"), &DiskFiles, &Overrides::default())
}

fn said(loaded: &Loaded) -> String {
    loaded.diagnostics.iter().map(|finding| format!("{finding}\n")).collect()
}

/// The main example and the flow examples, each with the schema that it names.
fn documents() -> Vec<(PathBuf, String, Json)> {
    let entries = std::fs::read_dir(probes()).expect("the folder of examples");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a readable example");
            let schema = if path.ends_with("doorstep.yaml") { site_schema() } else { flow_schema() };
            found.push((path, text, schema));
        }
    }
    assert!(found.len() >= 4, "{} examples", found.len());
    found
}

#[test]
fn the_examples_are_right() {
    let loaded = examples();
    assert!(loaded.diagnostics.is_empty(), "{}", said(&loaded));
    let site = loaded.site.expect("a configuration without mistakes");
    let names: Vec<_> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(names, ["form-login", "api-login", "two-page"]);
    assert_eq!(site.objectives.len(), 2);
    assert_eq!(site.population.segments().len(), 4);
    assert_eq!(site.flows[2].interval.as_secs(), 300, "the main file replaces the flow's interval");
    assert_eq!(site.flows[2].variables["shop"], "https://www.shop.example");
    assert_eq!(site.flows[2].variables["identity"], "https://id.shop.example");
    let steps: Vec<_> = site.flows[0].steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(steps, ["open", "submit", "open-2", "logout"]);
    for flow in &site.flows {
        assert!(flow.identity_step() > flow.credential_step(), "{}", flow.name);
    }
}

#[test]
fn each_flow_file_of_the_folder_is_an_example() {
    struct Pattern(DiskFiles);
    impl Files for Pattern {
        fn read(&self, path: &Path) -> io::Result<String> {
            let text = self.0.read(path)?;
            let accounts = text.contains("flows:").then(|| {
                let begin = text.find("accounts:").expect("accounts");
                text[begin..text.find("\nflows:").expect("flows")].to_owned()
            });
            Ok(accounts.map_or(text, |accounts| format!("flows: ['*.yaml']\n{accounts}\n")))
        }
        fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
            self.0.list(folder)
        }
    }
    let loaded = load(&probes().join("doorstep.yaml"), &Pattern(DiskFiles), &Overrides::default());
    assert!(loaded.diagnostics.is_empty(), "{}", said(&loaded));
    assert_eq!(loaded.site.expect("a right configuration").flows.len() + 1, documents().len());
}

/// What a printed configuration is, read again: the printed main file and the printed flows, in their order.
struct Printed(Vec<(PathBuf, String)>);

impl Files for Printed {
    fn read(&self, path: &Path) -> io::Result<String> {
        let found = self.0.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.iter().map(|(name, _)| name.clone()).collect())
    }
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split("  # ").next().unwrap_or(""));
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn what_is_printed_means_the_same() {
    let first = examples();
    let printed = first.effective();
    let files = printed.split("---\n").map(|document| {
        let head = document.lines().next().unwrap_or_default().trim_start_matches("# ");
        let name = head.split(", revision").next().unwrap_or_default();
        (PathBuf::from(name), document.to_owned())
    });
    let again = load(&probes().join("doorstep.yaml"), &Printed(files.collect()), &Overrides::default());
    assert!(again.diagnostics.is_empty(), "{}\n{printed}", said(&again));
    // The default wrong password is shown; one that somebody wrote, as it now is, is not.
    let hidden = without_comments(&printed).replace("Doorstep-wrong-0000!", "\"***\"");
    assert_eq!(without_comments(&again.effective()), hidden);
    let revisions = |loaded: &Loaded| -> Vec<_> {
        loaded.site.iter().flat_map(|site| &site.flows).map(|flow| flow.revision.clone()).collect()
    };
    assert_eq!(revisions(&again), revisions(&first));
}

fn validate(schema: &Json, document: &Json) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("http://doorstep.test/schema.json", schema.clone()).expect("a resource");
    let index = compiler.compile("http://doorstep.test/schema.json", &mut schemas).expect("a valid schema");
    schemas.validate(document, index).map_err(|why| why.to_string())
}

#[test]
fn editors_accept_the_examples() {
    for (path, text, schema) in documents() {
        let name = if path.ends_with("doorstep.yaml") { "doorstep.schema.json" } else { "flow.schema.json" };
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(first, format!("# yaml-language-server: $schema={name}"), "{}", path.display());
        let document: Json = serde_saphyr::from_str(&text).expect("YAML");
        validate(&schema, &document).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }
}

#[test]
fn editors_refuse_what_the_check_refuses() {
    let flow = |text: &str| validate(&flow_schema(), &serde_saphyr::from_str(text).expect("YAML"));
    flow("steps: [{ open: https://x.example }]").expect("a right flow");
    for wrong in [
        "steps: [{ open: https://x.example }]\nintervall: 60s",
        "steps: [{ open: https://x.example }]\ninterval: 60",
        "interval: 60s",
        "steps: [{ open: https://x.example, request: { url: /x } }]",
        "steps: [{ name: x }]",
        "steps: [{ open: { uri: /x } }]",
        "steps: [{ open: /x, expect: { stauts: 200 } }]",
        "steps: [{ open: /x, expect: { status: 2x } }]",
        "steps: [{ submit: { form: x, user: y } }]",
        "steps: [{ open: /x, capture: { a: { css: p, json: $.a } } }]",
        "steps: [{ open: /x }]\nnetwork: { family: ipv5 }",
        "steps: [{ open: /x }]\noverlap: 0",
    ] {
        assert!(flow(wrong).is_err(), "{wrong}");
    }
    let site = |text: &str| validate(&site_schema(), &serde_saphyr::from_str(text).expect("YAML"));
    site("flows: [x.yaml]").expect("a right main file");
    for wrong in [
        "flow: [x.yaml]",
        "flows: [x.yaml]\naccounts: { a: { username: b, password: hunter2 } }",
        "flows: [x.yaml]\nobjectives: { a: { flow: b, target: 99.9 } }",
        "flows: [x.yaml]\nlisten: 9100",
    ] {
        assert!(site(wrong).is_err(), "{wrong}");
    }
}

fn doorstep(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    for variable in ["DOORSTEP_CONFIG", "DOORSTEP_VANTAGE", "DOORSTEP_STORE", "DOORSTEP_SPOOL", "DOORSTEP_LISTEN"] {
        command.env_remove(variable);
    }
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn the_committed_schemas_are_those_of_the_tables() {
    for (arguments, name) in [
        (&["schema"][..], "doorstep.schema.json"),
        (&["schema", "--flow"][..], "flow.schema.json"),
        (&["schema", "--population"][..], "population.schema.json"),
    ] {
        let output = doorstep(arguments);
        assert!(output.status.success());
        let path = probes().join(name);
        if std::env::var_os("DOORSTEP_BLESS").is_some() {
            std::fs::write(&path, &output.stdout).expect("a writable folder");
        }
        let committed = std::fs::read_to_string(&path).expect("a committed schema");
        assert!(text(&output.stdout) == committed, "{name}: run the tests with DOORSTEP_BLESS=1 and commit the file");
    }
}

#[test]
fn check_prints_where_each_value_comes_from() {
    let output = doorstep(&["check", "--config", "probes/doorstep.yaml", "--vantage", "warsaw", "--print"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    insta::assert_snapshot!("effective", text(&output.stdout));
}

#[test]
fn check_ends_with_2_and_says_all_on_standard_output() {
    let output = doorstep(&["check", "--config", "tests/it/bad_config/site-objective-zone.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stdout);
    assert!(shown.ends_with("wrong: 3 errors, 0 warnings\n"), "{shown}");
    assert!(shown.contains("did you mean 'Europe/Berlin'?"), "{shown}");
    let missing = doorstep(&["check", "--config", "no/such.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        text(&missing.stdout).starts_with("no/such.yaml: error: cannot read the file: "),
        "{}",
        text(&missing.stdout)
    );
}

#[test]
fn check_speaks_json() {
    let output = doorstep(&["check", "--config", "tests/it/bad_config/site-listen.yaml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let answer: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["right"], false);
    let findings = answer["findings"].as_array().expect("findings");
    let listen = findings.iter().find(|finding| finding["path"] == "listen").expect("the mistake");
    assert_eq!((&listen["line"], &listen["column"]), (&Json::from(3), &Json::from(9)));
    assert_eq!(listen["help"], "write the address too: 127.0.0.1:9100");
}

#[test]
fn databases_are_read_with_their_defaults() {
    let site = "\
flows: [shop.yaml]
databases:
  shop:
    user: doorstep
    servers:
      db1: { host: db1.internal, role: primary }
      db2: { host: '[::1]', port: 5433, role: standby, application_name: node2, serves_reads: true }
  maria:
    engine: mariadb
    interval: 500ms
    timeout: 2s
    database: accounts
    user: watcher
    password: { file: secret }
    tls: off
    login_role: web
    flows: shop
    servers: { m1: { host: localhost, role: primary } }
";
    let flow = "steps: [{ open: https://shop.example }]";
    let files = Memory::with(&[("etc/doorstep.yaml", site), ("etc/shop.yaml", flow)]);
    let loaded = load(Path::new("etc/doorstep.yaml"), &files, &Overrides::default());
    assert_eq!(said(&loaded), "");
    let site = loaded.site.as_ref().expect("a right configuration");
    let server = |name: &str, host: &str, port, role, application_name: &str, serves_reads| Server {
        name: name.parse().expect("a name"),
        host: host.to_owned(),
        port,
        role,
        application_name: application_name.to_owned(),
        serves_reads,
    };
    let shop = Database {
        name: "shop".parse().expect("a name"),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(3),
        database: "postgres".to_owned(),
        user: "doorstep".to_owned(),
        password: None,
        tls: TlsMode::Verify,
        authority: None,
        login_role: None,
        flows: Vec::new(),
        servers: vec![
            server("db1", "db1.internal", 5432, ServerRole::Primary, "db1", false),
            server("db2", "::1", 5433, ServerRole::Standby, "node2", true),
        ],
    };
    let maria = Database {
        name: "maria".parse().expect("a name"),
        engine: Engine::MariaDb,
        interval: Duration::from_millis(500),
        timeout: Duration::from_secs(2),
        database: "accounts".to_owned(),
        user: "watcher".to_owned(),
        password: Some(SecretSource::File("etc/secret".into())),
        tls: TlsMode::Off,
        login_role: Some("web".to_owned()),
        flows: vec!["shop".parse().expect("a name")],
        servers: vec![server("m1", "localhost", 3306, ServerRole::Primary, "m1", false)],
        ..shop.clone()
    };
    assert_eq!(site.databases, [shop, maria]);
    let effective = loaded.effective();
    assert!(effective.contains("timeout: 3s") && effective.contains("login_role: web"), "{effective}");
}

#[test]
fn what_the_audit_is_held_against_is_read() {
    let site = "\
flows: [shop.yaml]
databases:
  shop:
    user: doorstep
    service:
      connections: 40
      hosts: 2
      target_session_attrs: read-write
      deadline: none
      balancer_timeout: 10s
      lose_nothing: true
      standby_absence: 8h
      wal_disk_free: 20GB
    expectations:
      - { setting: fsync, equals: on, severity: critical, because: accounts are dear }
      - { setting: max_connections, at_least: 40, server: db1 }
      - { setting: work_mem, standby: same }
      - { setting: max_wal_senders, standby: at_least, severity: info }
      - { setting: synchronous_standby_names, unchanged: true }
    servers: { db1: { host: db1.internal, role: primary } }
  bare: { user: doorstep, servers: { db1: { host: db1.internal, role: primary } } }
";
    let files =
        Memory::with(&[("etc/doorstep.yaml", site), ("etc/shop.yaml", "steps: [{ open: https://shop.example }]")]);
    let loaded = load(Path::new("etc/doorstep.yaml"), &files, &Overrides::default());
    assert_eq!(said(&loaded), "");
    let site = loaded.site.as_ref().expect("a right configuration");
    let terms = |name: &str| site.audit_terms[&name.parse::<DatabaseName>().expect("a name")].clone();
    assert_eq!(terms("bare"), AuditTerms::default());
    let expected = |setting: &str, must: Must, severity| SettingExpectation {
        setting: setting.to_owned(),
        server: None,
        must,
        severity,
        because: None,
    };
    let (critical, warning, info) = (Severity::Critical, Severity::Warning, Severity::Info);
    let shop = AuditTerms {
        service: ServiceFacts {
            connections: Some(40),
            hosts: Some(2),
            target_session_attrs: Some("read-write".to_owned()),
            deadline: Some(Duration::ZERO),
            balancer_timeout: Some(Duration::from_secs(10)),
            lose_nothing: Some(true),
            standby_absence: Some(Duration::from_secs(8 * 3600)),
            wal_disk_free: Some(20 << 30),
        },
        expectations: vec![
            SettingExpectation {
                because: Some("accounts are dear".to_owned()),
                ..expected("fsync", Must::Equal("on".to_owned()), critical)
            },
            SettingExpectation {
                server: Some("db1".parse().expect("a name")),
                ..expected("max_connections", Must::AtLeast("40".to_owned()), warning)
            },
            expected("work_mem", Must::SameOnStandby, warning),
            expected("max_wal_senders", Must::AtLeastOnStandby, info),
            expected("synchronous_standby_names", Must::NotChange, warning),
        ],
    };
    assert_eq!(terms("shop"), shop);
}
