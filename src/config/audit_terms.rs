//! `service:` and `expectations:` of a database: what its audit is held against beside the rules.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{AuditTerms, DatabaseName, Must, ServerName, ServiceFacts, SettingExpectation, Severity};

use super::diagnostic::{Findings, Problem};
use super::site::one_word;
use super::suggest::{quote, suggest};
use super::tables_databases::{DATABASE, EXPECTATION, SERVICE};
use super::values;
use super::view::View;
use super::yaml::{Entry, Node};

/// The terms of each database; those of a database that says nothing are empty.
pub(super) fn build(site: View<'_>, findings: &mut Findings) -> BTreeMap<DatabaseName, AuditTerms> {
    let mut all = BTreeMap::new();
    for Entry { key, value, .. } in site.entries("databases") {
        let view = site.within(value, &DATABASE);
        unused(view, findings);
        let service = service(view, findings);
        let servers: Vec<&str> = view.entries("servers").iter().map(|entry| entry.key.as_str()).collect();
        let items = view.items("expectations").iter();
        let expectations = items.filter_map(|item| expectation(view, item, &servers, findings)).collect();
        // A name that is none was noted where the database was read.
        if let Ok(name) = key.parse() {
            all.insert(name, AuditTerms { service, expectations });
        }
    }
    all
}

/// The audit reads one kind of server only: what is written for it at another is held against nothing.
fn unused(database: View<'_>, findings: &mut Findings) {
    if database.node("engine").and_then(Node::scalar).is_none_or(|engine| engine.text != "mariadb") {
        return;
    }
    for node in ["service", "expectations"].iter().filter_map(|key| database.node(key)) {
        let problem = Problem::new("nothing is held against this: the audit reads PostgreSQL only")
            .help("leave it out of a database of MariaDB");
        findings.warning(&node.place, problem);
    }
}

fn service(database: View<'_>, findings: &mut Findings) -> ServiceFacts {
    const ATTRIBUTES: &[(&str, &str)] = &[
        ("any", "any"),
        ("read-write", "read-write"),
        ("read-only", "read-only"),
        ("primary", "primary"),
        ("standby", "standby"),
        ("prefer-standby", "prefer-standby"),
    ];
    let view = database.object("service", &SERVICE);
    let count = |text: &str| values::integer(text, 1, 1_000_000).map(|number| number as u32);
    ServiceFacts {
        connections: view.read("connections", count, findings),
        hosts: view.read("hosts", count, findings),
        target_session_attrs: view.read("target_session_attrs", one_word(ATTRIBUTES), findings).map(str::to_owned),
        deadline: view.read("deadline", duration_or_none, findings),
        balancer_timeout: view.read("balancer_timeout", values::duration, findings),
        lose_nothing: view.read("lose_nothing", values::boolean, findings),
        standby_absence: view.read("standby_absence", values::duration, findings),
        wal_disk_free: view.read("wal_disk_free", size, findings),
    }
}

/// `none` is no deadline at all.
fn duration_or_none(text: &str) -> Result<Duration, Problem> {
    if text == "none" { Ok(Duration::ZERO) } else { values::duration(text) }
}

/// Bytes, in the server's units: `20GB`, `1.5TB`.
fn size(text: &str) -> Result<u64, Problem> {
    let units = [("kB", 1_u64 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)];
    let found = units.iter().find_map(|(unit, scale)| Some((text.trim().strip_suffix(unit)?.trim_end(), *scale)));
    let digits = |number: &str| {
        number.starts_with(|c: char| c.is_ascii_digit()) && number.ends_with(|c: char| c.is_ascii_digit())
    };
    let number = |text: &str| text.parse::<f64>().ok().filter(|_| digits(text));
    let bytes = found.and_then(|(text, scale)| Some(number(text)? * scale as f64)).filter(|bytes| *bytes < LARGEST);
    let help = "write a number with a unit: 500MB, 1.5GB or 1TB";
    bytes.map(|bytes| bytes as u64).ok_or_else(|| Problem::new("is not a size").help(help))
}

/// No disk has so many bytes, and up to there each is a number of its own.
const LARGEST: f64 = 9_007_199_254_740_992.0;

fn expectation(
    database: View<'_>,
    item: &Node,
    servers: &[&str],
    findings: &mut Findings,
) -> Option<SettingExpectation> {
    const RELATIONS: &[(&str, Must)] = &[("same", Must::SameOnStandby), ("at_least", Must::AtLeastOnStandby)];
    const SEVERITIES: &[(&str, Severity)] =
        &[("critical", Severity::Critical), ("warning", Severity::Warning), ("info", Severity::Info)];
    let view = database.within(item, &EXPECTATION);
    let setting = view.read("setting", setting_name, findings);
    let server = view.read("server", values::name::<ServerName>, findings);
    if let (Some(server), Some(node)) = (&server, view.node("server"))
        && !servers.contains(&server.as_str())
    {
        let help = suggest(server.as_str(), servers.iter().copied());
        let problem = Problem::new(format!("the database has no server {}", quote(server.as_str()))).maybe_help(help);
        findings.error(&node.place, problem);
    }
    let equals = view.read("equals", values::any_text, findings).map(Must::Equal);
    let at_least = view.read("at_least", number_with_unit, findings).map(Must::AtLeast);
    let relation = |text: &str| {
        let known = RELATIONS.iter().find(|(word, _)| *word == text).map(|(_, must)| must.clone());
        known.ok_or_else(|| Problem::new("is no relation").help("write same or at_least"))
    };
    let standby = view.read("standby", relation, findings);
    let unchanged = view.read("unchanged", only_true, findings).map(|()| Must::NotChange);
    let severity = view.read("severity", one_word(SEVERITIES), findings);
    let because = view.read("because", values::text, findings);
    Some(SettingExpectation {
        setting: setting?,
        server,
        must: equals.or(at_least).or(standby).or(unchanged)?,
        severity: severity?,
        because,
    })
}

/// A setting's name; one that may hold a secret is hidden in every snapshot, and cannot be compared.
fn setting_name(text: &str) -> Result<String, Problem> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if text.is_empty() || !text.chars().all(word) {
        return Err(Problem::new("is not the name of a setting").help("write it like synchronous_commit"));
    }
    // The case of a name does not matter to the server.
    let lower = text.to_ascii_lowercase();
    if lower.contains('.') || lower.ends_with("_command") || lower.ends_with("conninfo") {
        let help = "its value may hold a password and is never kept, so that nothing can be expected of it";
        return Err(Problem::new("is a setting whose value is hidden").help(help));
    }
    Ok(text.to_owned())
}

fn number_with_unit(text: &str) -> Result<String, Problem> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let units = ["", "us", "ms", "s", "min", "h", "d", "B", "kB", "MB", "GB", "TB"];
    if text[..digits].parse::<f64>().is_err() || !units.contains(&text[digits..].trim()) {
        return Err(Problem::new("is not a number").help("write it as the server does: 40, 10s, 1min or 16MB"));
    }
    Ok(text.to_owned())
}

fn only_true(text: &str) -> Result<(), Problem> {
    match values::boolean(text)? {
        true => Ok(()),
        false => Err(Problem::new("expects nothing").help("write unchanged: true, or leave the expectation out")),
    }
}
