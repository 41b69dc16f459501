//! The real log-in servers of `tests/targets`: where they listen, flows against them through the real configuration,
//! and single runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use doorstep::clock::Clock;
use doorstep::config::{self, Files, Loaded, Overrides};
use doorstep::login::{self, Credentials, Order};
use doorstep::model::{Flow, Run, RunKind, Secret, VantageName};
use doorstep::net::Transport;

use super::outside;

/// The password of every account of every target.
pub(crate) const PASSWORD: &str = "probe-Passw0rd!";

/// A target that is up.
pub(crate) struct Target {
    addresses: BTreeMap<String, String>,
}

impl Target {
    /// The target of this name; `None`, after saying so, when the test has to be skipped.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let folder = outside::path("DOORSTEP_TEST_TARGETS")?;
        let Ok(text) = fs::read_to_string(folder.join(name).join("addresses")) else {
            outside::skip(&format!("the target {name} is not up"));
            return None;
        };
        let addresses = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
        Some(Self { addresses: addresses.collect() })
    }

    /// An address that the target published.
    pub(crate) fn address(&self, name: &str) -> &str {
        self.addresses.get(name).unwrap_or_else(|| panic!("the target publishes no '{name}'"))
    }

    /// The flow of a file of `tests/targets`, at this target's addresses.
    pub(crate) fn flow(&self, file: &str) -> Flow {
        self.flow_of(&read_flow(file))
    }

    /// The flow of a file with pieces of its text replaced.
    pub(crate) fn changed(&self, file: &str, changes: &[(&str, &str)]) -> Flow {
        let mut text = read_flow(file);
        for (from, to) in changes {
            assert!(text.contains(from), "{file} holds no '{from}'");
            text = text.replace(from, to);
        }
        self.flow_of(&text)
    }

    /// A flow written in the test.
    pub(crate) fn flow_of(&self, text: &str) -> Flow {
        only_flow(load(&self.addresses, text))
    }
}

/// What the configuration says about a flow with mistakes.
pub(crate) fn mistakes(text: &str) -> String {
    let loaded = load(&BTreeMap::new(), text);
    assert!(loaded.site.is_none(), "the flow was taken");
    loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

/// The flow of a file of `tests/targets` as it is written, at the addresses that it has by default.
pub(crate) fn flow_as_written(file: &str) -> Flow {
    only_flow(load(&BTreeMap::new(), &read_flow(file)))
}

fn only_flow(loaded: Loaded) -> Flow {
    let Some(site) = loaded.site else {
        let said: Vec<_> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        panic!("a flow of the tests has mistakes:\n{}", said.join("\n"));
    };
    site.flows.into_iter().next().expect("the one flow")
}

/// A main file for the binary: one flow of `tests/targets` at the target's addresses, the passwords from the
/// environment variable `PROBE_PASSWORD`.
pub(crate) fn main_file(target: &Target, file: &str) -> String {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets").join(file);
    main_text(&target.addresses, &flow.display().to_string())
}

/// Loads a flow as if it lay in `tests/targets` beside a main file that knows all accounts of the targets.
fn load(addresses: &BTreeMap<String, String>, flow: &str) -> Loaded {
    let main = main_text(addresses, "flow.yaml");
    let files = InMemory([(PathBuf::from(MAIN), main), (PathBuf::from(FLOW), flow.to_owned())].into());
    config::load(Path::new(MAIN), &files, &Overrides::default())
}

fn main_text(addresses: &BTreeMap<String, String>, flow: &str) -> String {
    let mut main = String::from("vantages: { here: {} }\naccounts:\n");
    for name in ACCOUNTS {
        let _ = writeln!(main, "  {name}: {{ username: {name}, password: {{ env: PROBE_PASSWORD }} }}");
    }
    let _ = writeln!(main, "flows:\n  - file: {flow}");
    if !addresses.is_empty() {
        main.push_str("    variables:\n");
    }
    // The configuration takes no password as a variable.
    for (name, value) in addresses.iter().filter(|(name, _)| !name.ends_with("password")) {
        let _ = writeln!(main, "      {name}: \"{value}\"");
    }
    if let Some(folder) = addresses.get("tls") {
        let _ = writeln!(main, "    network: {{ certificate_authorities: [\"{folder}/ca.crt\"] }}");
    }
    main
}

/// The accounts that flows name; each is called by its user name.
const ACCOUNTS: [&str; 3] = ["probe", "probe-wrong", "probe-sub"];

/// Logs in with the flow's own account.
pub(crate) fn log_in(flow: &Flow) -> Run {
    match flow.accounts.first() {
        Some(account) => log_in_as(flow, account.as_str(), PASSWORD),
        None => run(flow, RunKind::Login, None),
    }
}

/// Logs in as somebody else.
pub(crate) fn log_in_as(flow: &Flow, username: &str, password: &str) -> Run {
    run(flow, RunKind::Login, Some(&credentials(username, password)))
}

/// Tries the wrong password that the flow names, with the account that it names for that.
pub(crate) fn try_wrong_password(flow: &Flow) -> Run {
    let negative = flow.negative.as_ref().expect("a flow with a negative login");
    let account = negative.accounts.first().or(flow.accounts.first()).expect("an account");
    run(flow, RunKind::WrongPassword, Some(&credentials(account.as_str(), PASSWORD)))
}

fn credentials(username: &str, password: &str) -> Credentials {
    let account = username.parse().expect("a user name that is an account name");
    Credentials { account, username: username.to_owned(), password: Secret::new(password) }
}

/// One run over the real network, as a worker makes it.
fn run(flow: &Flow, kind: RunKind, credentials: Option<&Credentials>) -> Run {
    let transport = Transport::new(&flow.network, true).expect("the flow's certificate files");
    let vantage: VantageName = "here".parse().expect("a name");
    let clock = Clock::system();
    let order = Order { flow, kind, vantage, slot: clock.now(), attempt: 0, credentials, transport: &transport };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(login::run(&order, &clock))
}

const MAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/targets/doorstep.yaml");
const FLOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/targets/flow.yaml");

fn read_flow(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files that need not be on disk.
struct InMemory(BTreeMap<PathBuf, String>);

impl Files for InMemory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }
}
