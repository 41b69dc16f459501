//! What is said about wrong configurations, word by word. Each `bad_config/site-*.yaml` is a main file beside a right flow
//! file, each `bad_config/flow-*.yaml` a flow file beside a right main file; the `.txt` beside it holds all that is said.
//! `DOORSTEP_BLESS=1` writes the texts anew: read the difference before you commit it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use doorstep::config::{Files, Loaded, Origin, Override, Overrides, Severity, load};
use proptest::prelude::*;

/// Files that are not on disk.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<PathBuf, String>);

impl Memory {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }
}

const RIGHT_SITE: &str = "\
vantages: { berlin: { region: eu } }
accounts: { probe: { username: probe, password: { env: PROBE_PASSWORD } } }
flows: [shop.yaml]
";

const RIGHT_FLOW: &str = r#"
account: probe
steps:
  - open: https://shop.example/login
  - submit: { username: "{{ username }}", password: "{{ password }}" }
  - open: /account
    expect: { user: "{{ username }}" }
"#;

fn loaded(site: &str, flow: &str) -> Loaded {
    let files = Memory::with(&[("doorstep.yaml", site), ("shop.yaml", flow)]);
    load(Path::new("doorstep.yaml"), &files, &Overrides::default())
}

pub(crate) fn said(loaded: &Loaded) -> String {
    loaded.diagnostics.iter().map(|finding| format!("{finding}\n")).collect()
}

fn cases() -> Vec<(String, String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bad_config");
    let entries = std::fs::read_dir(&folder).expect("the folder of cases");
    let mut cases: Vec<_> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a readable case"), path.with_extension("txt"))
        })
        .collect();
    cases.sort();
    cases
}

#[test]
fn each_mistake_is_named_with_its_place_and_a_way_out() {
    let cases = cases();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut differences = String::new();
    for (name, text, expected_path) in cases {
        let found =
            said(&if name.starts_with("site-") { loaded(&text, RIGHT_FLOW) } else { loaded(RIGHT_SITE, &text) });
        if std::env::var_os("DOORSTEP_BLESS").is_some() {
            std::fs::write(&expected_path, &found).expect("a writable folder");
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if found.is_empty() || found != expected {
            differences.push_str(&format!("== {name}\n-- expected\n{expected}-- said\n{found}"));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn no_message_repeats_a_secret() {
    for (name, text, _) in cases() {
        let all = if name.starts_with("site-") { loaded(&text, RIGHT_FLOW) } else { loaded(RIGHT_SITE, &text) };
        for secret in ["hunter2", "ghp_0123", "eyJhbGci"] {
            assert!(!said(&all).contains(secret), "{name}: {}", said(&all));
            assert!(!all.effective().contains(secret), "{name}: {}", all.effective());
        }
    }
}

#[test]
fn mistakes_of_all_files_are_told_together() {
    let site =
        "flows: [a.yaml, b.yaml, gone.yaml]\nspol: x\naccounts: { probe: { username: p, password: { env: P } } }\n";
    let files = Memory::with(&[
        ("conf/doorstep.yaml", site),
        ("conf/a.yaml", "intervall: 5s\nsteps: [{ open: https://a.example }]\n"),
        ("conf/b.yaml", "steps: [{ open: b.example }]\ntimeout: 5\n"),
    ]);
    let all = load(Path::new("conf/doorstep.yaml"), &files, &Overrides::default());
    assert!(all.has_errors());
    insta::assert_snapshot!(said(&all), @r"
    conf/a.yaml:1:1: error: unknown key 'intervall' in a flow
      help: did you mean 'interval'?
    conf/b.yaml:1:17: error: steps[0].open: the first URL of a flow is absolute, and 'b.example' is not: no page is open yet
      help: begin with https:// or http://
    conf/b.yaml:2:10: error: timeout: '5' is a duration without a unit
      help: add the unit: 5s for seconds, 5ms for milliseconds
    conf/doorstep.yaml:1:25: error: flows[2]: cannot read conf/gone.yaml: entity not found
    conf/doorstep.yaml:2:1: error: unknown key 'spol' in doorstep.yaml
      help: did you mean 'spool'?
    ");
}

#[test]
fn a_flag_replaces_the_environment_which_replaces_the_file() {
    let files = Memory::with(&[("doorstep.yaml", RIGHT_SITE), ("shop.yaml", RIGHT_FLOW)]);
    let environment = Origin::Environment("DOORSTEP_STORE");
    let of = |key, value: &str, origin| Override { key, value: value.to_owned(), origin };
    let overrides = Overrides(vec![
        of("store", "s3://bucket/prefix/", environment),
        of("listen", "nowhere", Origin::Environment("DOORSTEP_LISTEN")),
        of("listen", "127.0.0.1:1", Origin::Flag("--listen")),
    ]);
    let site = load(Path::new("doorstep.yaml"), &files, &overrides).site.expect("a right configuration");
    assert_eq!(site.store.to_string(), "s3://bucket/prefix");
    assert_eq!(site.listen.expect("an address").port(), 1);
    assert_eq!(site.local_vantage().expect("the only vantage").name.as_str(), "berlin");

    let overrides = Overrides(vec![of("vantage", "berln", Origin::Environment("DOORSTEP_VANTAGE"))]);
    let wrong = load(Path::new("doorstep.yaml"), &files, &overrides);
    insta::assert_snapshot!(said(&wrong), @r"
    environment DOORSTEP_VANTAGE: error: no vantage is called 'berln'
      help: did you mean 'berlin'?
    ");
}

#[test]
fn several_vantages_need_a_choice_only_where_one_is_used() {
    let all = loaded(&RIGHT_SITE.replace("{ berlin: { region: eu } }", "{ berlin: {}, warsaw: {} }"), RIGHT_FLOW);
    let unknown = all.site.expect("a right configuration").local_vantage().expect_err("nobody chose").to_string();
    assert_eq!(
        unknown,
        "which vantage is this worker? set DOORSTEP_VANTAGE, --vantage, or 'vantage:' in doorstep.yaml to one of: berlin, warsaw"
    );
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let revision = |flow: &str| {
        let all = loaded(RIGHT_SITE, flow);
        assert!(all.diagnostics.is_empty(), "{}", said(&all));
        all.site.expect("a right configuration").flows[0].revision.clone()
    };
    let plain = revision(RIGHT_FLOW);
    assert_eq!(revision(&RIGHT_FLOW.replace('\n', "\r\n")), plain);
    assert_eq!(revision(&format!("\u{feff}{RIGHT_FLOW}")), plain);
    let mistake = |flow: &str| said(&loaded(RIGHT_SITE, flow));
    let wrong = format!("{RIGHT_FLOW}tmeout: 5s\n");
    assert_eq!(mistake(&wrong.replace('\n', "\r\n")), mistake(&wrong));
    assert_eq!(mistake(&format!("\u{feff}{wrong}")), mistake(&wrong));
}

#[test]
fn a_revision_follows_what_a_flow_does_and_nothing_else() {
    let revision = |flow: &str| loaded(RIGHT_SITE, flow).site.expect("a right configuration").flows[0].revision.clone();
    let first = revision(RIGHT_FLOW);
    for same in [
        format!("# a comment\n{RIGHT_FLOW}"),
        format!("{RIGHT_FLOW}description: words\n"),
        format!("{RIGHT_FLOW}interval: 1m\n"),
        format!("{RIGHT_FLOW}limits: {{ cookies: 300 }}\n"),
        RIGHT_FLOW.replace("{{ username }}", "{{username}}"),
        RIGHT_FLOW.replace("https://shop.example/login", "'https://shop.example/login'"),
    ] {
        assert_eq!(revision(&same), first, "{same}");
    }
    for other in [
        format!("{RIGHT_FLOW}interval: 61s\n"),
        format!("{RIGHT_FLOW}limits: {{ cookies: 301 }}\n"),
        format!("{RIGHT_FLOW}name: other\n"),
        RIGHT_FLOW.replace("/account", "/home"),
        RIGHT_FLOW.replace("username:", "user:"),
    ] {
        assert_ne!(revision(&other), first, "{other}");
    }
}

/// A document with a part cut out and something put in its place.
fn damaged(text: &str, at: usize, length: usize, with: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at % (characters.len() + 1);
    let end = (at + length).min(characters.len());
    characters[..at].iter().copied().chain(with.chars()).chain(characters[end..].iter().copied()).collect()
}

/// There is a configuration exactly when there is no error, and it can be printed either way.
fn is_consistent(all: &Loaded) -> bool {
    let errors = all.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    errors == all.site.is_none() && (all.site.is_none() || all.effective().contains("steps:"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn damage_gives_mistakes_never_a_panic(
        at in 0_usize..4000, length in 0_usize..40, with in "([-{}\\[\\]:&*#!|>'\"%@,? \t\na-z0-9]|\\{\\{|é){0,6}",
    ) {
        let form_login = include_str!("../../probes/form-login.yaml").replace("shop-probe", "probe");
        let main = include_str!("../../probes/doorstep.yaml");
        prop_assert!(is_consistent(&loaded(RIGHT_SITE, &damaged(&form_login, at, length, &with))));
        let all = loaded(&damaged(main, at, length, &with), RIGHT_FLOW);
        prop_assert_eq!(all.diagnostics.iter().any(|finding| finding.severity == Severity::Error), all.site.is_none());
    }
}
