//! Configurations from files on disk to the model: the examples, what is printed of them, and their schemas.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use doorstep::app::DiskFiles;
use doorstep::config::{Files, Loaded, Overrides, flow_schema, load, site_schema};
use serde_json::Value as Json;

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
