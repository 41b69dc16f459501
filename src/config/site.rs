//! `doorstep.yaml` to model values, except its flow files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{
    Account, AccountName, DetectionRules, FlowName, LostRuns, Micros, Objective, ObjectiveName, Policy, Reprobe,
    Retries, SecretSource, StoreLocation, Target, Threshold, Vantage, VantageName, WorkerLimits,
};

use super::Flows;
use super::clauses;
use super::detection;
use super::diagnostic::{Findings, Origin, Problem};
use super::suggest::{quote, suggest};
use super::tables_site::{ACCOUNT, LIMITS, OBJECTIVE, POLICY, REPROBE, SECRET, STORE};
use super::values;
use super::view::{View, read_key, read_scalar};
use super::yaml::{Entry, Node};

/// A path as it is meant: relative ones start from the folder of the file that names them, those of a flag or the
/// environment from the folder where the command runs.
pub(super) fn resolve(node: &Node, path: &str) -> PathBuf {
    match &node.place.origin {
        Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
        Origin::Environment(_) | Origin::Flag(_) => PathBuf::from(path),
    }
}

/// A path under a key, or the default beside the main file.
fn path(view: View<'_>, name: &str, main: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let text = view.read(name, values::text, findings)?;
    Some(match view.node(name) {
        Some(node) => resolve(node, &text),
        None => main.parent().unwrap_or(Path::new("")).join(text),
    })
}

/// The values of the main file.
pub(super) struct Parts {
    pub(super) vantage: Option<VantageName>,
    pub(super) vantages: Vec<Vantage>,
    pub(super) store: Option<StoreLocation>,
    pub(super) spool: Option<PathBuf>,
    pub(super) flush: Option<Duration>,
    pub(super) accounts: Vec<Account>,
    pub(super) policy: Option<Policy>,
    pub(super) detection: Option<DetectionRules>,
    pub(super) limits: Option<WorkerLimits>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) histogram_log: Option<PathBuf>,
}

pub(super) fn build(site: View<'_>, main: &Path, findings: &mut Findings) -> Parts {
    let vantages: Vec<Vantage> = site.entries("vantages").iter().filter_map(|entry| vantage(entry, findings)).collect();
    let (vantage, vantages) = local_vantage(site, vantages, findings);
    Parts {
        vantage,
        vantages,
        store: store(site, main, findings),
        spool: path(site, "spool", main, findings),
        flush: site.read("flush", values::duration, findings),
        accounts: site.entries("accounts").iter().filter_map(|entry| account(site, entry, findings)).collect(),
        policy: policy(site, findings),
        detection: detection::rules(site, findings),
        limits: limits(site, findings),
        listen: site.read("listen", values::socket_address, findings),
        histogram_log: path(site, "histogram_log", main, findings),
    }
}

fn vantage(entry: &Entry, findings: &mut Findings) -> Option<Vantage> {
    let name = read_key(entry, values::name, findings)?;
    let labels = entry.value.entries().iter().filter_map(|label| {
        let key: String = read_key(label, values::name::<VantageName>, findings)?.into();
        Some((key, read_scalar(&label.value, false, values::text, findings)?))
    });
    Some(Vantage { name, labels: labels.collect() })
}

/// Where this worker runs: what was said, else the only vantage there is. A vantage that is nowhere described is one
/// without labels, but only when none is described.
fn local_vantage(
    site: View<'_>,
    mut vantages: Vec<Vantage>,
    findings: &mut Findings,
) -> (Option<VantageName>, Vec<Vantage>) {
    let said: Option<VantageName> = site.read("vantage", values::name, findings);
    let Some(name) = said else {
        let only = (vantages.len() == 1).then(|| vantages[0].name.clone());
        return (only, vantages);
    };
    if !vantages.iter().any(|vantage| vantage.name == name) {
        if vantages.is_empty() {
            vantages.push(Vantage { name: name.clone(), labels: std::collections::BTreeMap::new() });
        } else if let Some(node) = site.node("vantage") {
            let known = vantages.iter().map(|vantage| vantage.name.as_str());
            let problem =
                Problem::new(format!("no vantage is called '{name}'")).maybe_help(suggest(name.as_str(), known));
            findings.error(&node.place, problem);
        }
    }
    (Some(name), vantages)
}

fn store(site: View<'_>, main: &Path, findings: &mut Findings) -> Option<StoreLocation> {
    let Some(node) = site.node("store").filter(|node| node.scalar().is_none()) else {
        let text = site.read("store", values::text, findings)?;
        return match site.node("store") {
            Some(node) => store_location(node, &text, None, None, findings),
            None => Some(StoreLocation::Folder(main.parent().unwrap_or(Path::new("")).join(text))),
        };
    };
    let view = site.within(node, &STORE);
    let endpoint = view.read("endpoint", values::web_url, findings).map(|url| url.to_string());
    let region = view.read("region", values::text, findings);
    let text = view.read("url", values::text, findings)?;
    store_location(view.node("url")?, &text, endpoint, region, findings)
}

fn store_location(
    node: &Node,
    text: &str,
    endpoint: Option<String>,
    region: Option<String>,
    findings: &mut Findings,
) -> Option<StoreLocation> {
    let Some((scheme, rest)) = text.split_once("://") else {
        if endpoint.is_some() || region.is_some() {
            let problem = Problem::new(format!("{} is a folder, which has no endpoint and no region", quote(text)))
                .help("write s3://bucket/prefix");
            findings.error(&node.place, problem);
        }
        return Some(StoreLocation::Folder(resolve(node, text)));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let problem = match scheme {
        "file" if rest.starts_with('/') => return Some(StoreLocation::Folder(PathBuf::from(rest))),
        "s3" if bucket.contains('@') => Problem::new("the bucket's URL holds credentials")
            .help("remove them; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"),
        "s3" if bucket.is_empty() => {
            Problem::new(format!("{} names no bucket", quote(text))).help("s3://bucket/prefix")
        }
        "s3" => {
            let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
            return Some(StoreLocation::Bucket { bucket, prefix, endpoint, region });
        }
        _ => Problem::new(format!("{} is no place for a store", quote(text)))
            .help("write a folder, or s3://bucket/prefix"),
    };
    findings.error(&node.place, problem);
    None
}

fn account(site: View<'_>, entry: &Entry, findings: &mut Findings) -> Option<Account> {
    let name = read_key(entry, values::name::<AccountName>, findings);
    let accounts = site.object("accounts", &ACCOUNT);
    let view = accounts.within(&entry.value, &ACCOUNT);
    let username = view.read("username", values::text, findings);
    let password = view.node("password").and_then(|node| secret_source(view.within(node, &SECRET), findings));
    Some(Account { name: name?, username: username?, password: password? })
}

/// Where a secret comes from.
pub(super) fn secret_source(view: View<'_>, findings: &mut Findings) -> Option<SecretSource> {
    let environment = view.read("env", environment_name, findings).map(SecretSource::Environment);
    let file = view.read("file", values::text, findings);
    let file = view.node("file").zip(file).map(|(node, text)| SecretSource::File(resolve(node, &text)));
    let words = view.read_all("command", values::any_text, findings);
    if let (Some(node), Some("")) = (view.node("command"), words.first().map(String::as_str)) {
        findings.error(&node.place, "the command is empty");
    }
    let command = (!words.is_empty()).then_some(SecretSource::Command(words));
    environment.or(file).or(command)
}

fn environment_name(text: &str) -> Result<String, Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || !text.chars().all(allowed) || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Problem::new("is not the name of an environment variable")
            .help("name the variable that holds the secret, such as SHOP_PASSWORD; never the secret itself"));
    }
    Ok(text.to_owned())
}

fn word<T>(text: &str, words: &[(&str, T)]) -> Result<T, Problem>
where
    T: Copy,
{
    let found = words.iter().find(|(word, _)| *word == text);
    let help = || suggest(text, words.iter().map(|(word, _)| *word));
    found.map(|(_, value)| *value).ok_or_else(|| Problem::new("is unknown here").maybe_help(help()))
}

/// One word of a few.
pub(super) fn one_word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, Problem> {
    move |text| word(text, words)
}

fn policy(site: View<'_>, findings: &mut Findings) -> Option<Policy> {
    const LOST: &[(&str, LostRuns)] = &[("excluded", LostRuns::Excluded), ("bad", LostRuns::Bad)];
    const RETRIES: &[(&str, Retries)] =
        &[("first_attempt", Retries::FirstAttempt), ("best_attempt", Retries::BestAttempt)];
    let view = site.object("policy", &POLICY);
    let lost_runs = view.read("lost_runs", one_word(LOST), findings);
    let retries = view.read("retries", one_word(RETRIES), findings);
    let confidence = view.read(
        "confidence",
        |text| match values::share(text)? {
            share if (0.5..1.0).contains(&share) => Ok(share),
            _ => Err(Problem::new("is no confidence").help("write a percentage from 50% to below 100%, such as 95%")),
        },
        findings,
    );
    let least_coverage = view.read("least_coverage", values::share, findings);
    let clauses = clauses::clauses(&view, findings);
    Some(Policy {
        lost_runs: lost_runs?,
        retries: retries?,
        confidence: confidence?,
        least_coverage: least_coverage?,
        clauses: clauses?,
    })
}

fn limits(site: View<'_>, findings: &mut Findings) -> Option<WorkerLimits> {
    let view = site.object("limits", &LIMITS);
    let count = |text: &str| values::integer(text, 1, 100_000).map(|count| count as u32);
    let runs_per_target = view.read("runs_per_target", count, findings);
    let runs_per_minute = view.read("runs_per_minute", count, findings);
    let grace = view.read("grace", values::duration, findings);
    let lag = view.read("lag", values::duration, findings);
    let control = view.read("control", values::web_url, findings);
    let reprobe = reprobe(view, findings);
    let private_addresses = view.read("private_addresses", values::boolean, findings);
    Some(WorkerLimits {
        runs_per_target: runs_per_target?,
        runs_per_minute: runs_per_minute?,
        grace: grace?,
        lag: lag?,
        control,
        reprobe: reprobe?,
        private_addresses: private_addresses?,
    })
}

/// `None` for a mistake; `Some(None)` when it is off.
#[expect(clippy::option_option, reason = "a mistake and an absence are two things here")]
fn reprobe(limits: View<'_>, findings: &mut Findings) -> Option<Option<Reprobe>> {
    if limits.node("reprobe").is_some_and(|node| node.scalar().is_some_and(|scalar| !scalar.is_null())) {
        let off = |text: &str| match text {
            "off" => Ok(None),
            "on" => Ok(Some(Reprobe::default())),
            _ => Err(Problem::new("is neither off nor a map").help("write off, or {every: 5s, most_per_hour: 24}")),
        };
        return limits.read("reprobe", off, findings);
    }
    let view = limits.object("reprobe", &REPROBE);
    let every = |text: &str| match values::duration(text)? {
        every if (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&every) => Ok(every),
        _ => Err(Problem::new("is no pause between logins").help("write a duration from 1s to 1h, such as 5s")),
    };
    let every = view.read("every", every, findings);
    let until_good = view.read("until_good", |text| values::integer(text, 1, 100), findings);
    let most_per_hour = view.read("most_per_hour", |text| values::integer(text, 1, 3600), findings);
    Some(Some(Reprobe { every: every?, until_good: until_good? as u32, most_per_hour: most_per_hour? as u32 }))
}

/// The objectives; their flows must exist.
pub(super) fn objectives(site: View<'_>, flows: &Flows, findings: &mut Findings) -> Vec<Objective> {
    let built = site.entries("objectives").iter().filter_map(|entry| objective(site, entry, flows, findings));
    built.collect()
}

fn objective(site: View<'_>, entry: &Entry, flows: &Flows, findings: &mut Findings) -> Option<Objective> {
    let name = read_key(entry, values::name::<ObjectiveName>, findings);
    let view = site.within(&entry.value, &OBJECTIVE);
    let description = view.read("description", values::any_text, findings);
    let flow: Option<FlowName> = view.read("flow", values::name, findings);
    if let (Some(flow), Some(node)) = (&flow, view.node("flow")) {
        flows.require(flow, node, findings);
    }
    let target = view.read(
        "target",
        |text| {
            let share = values::share(text)?;
            Target::new(share).map_err(|why| Problem::new("is no target").help(why.to_string()))
        },
        findings,
    );
    let under = view.read("under", values::duration, findings);
    let zone = view.read("zone", values::zone, findings);
    let threshold = under.map(|at_most| Threshold { at_most: Micros::from(at_most) });
    Some(Objective { name: name?, description: description?, flow: flow?, target: target?, threshold, zone: zone? })
}
