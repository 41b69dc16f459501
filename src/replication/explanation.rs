//! Reading findings together: the one cause that explains why logins fail, with its evidence; or that nothing here stops
//! them; or that nothing is known. Names no cause without the findings that show it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::episode::in_order;
use super::watch::{Watch, order};
use super::words;
use crate::model::{Database, Finding, Nature, Rule, Sample, ServerName, Severity, VantageName};

/// What the database has to do with failing logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// All servers answered, and nothing they said stops a login: look elsewhere.
    Clean,
    /// Too little is known to say either.
    Unknown,
    /// This rule names why logins fail.
    Cause(Rule),
}

/// A reading with its words and its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What it comes to.
    pub reading: Reading,
    /// In one sentence without a full stop: ``commits wait for standby `standby2`, which has never connected``.
    pub sentence: String,
    /// Since when the cause holds, by the samples.
    pub since: Option<Timestamp>,
    /// The finding that names the cause first, then what it explains, then everything else that holds.
    pub evidence: Vec<Finding>,
}

/// A finding, and its one clause.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub clause: String,
    pub finding: Finding,
}

/// Rules that say why logins fail, the one that explains the others first. What is not here may be grave, but stops no
/// login.
const CAUSES: &[Rule] = &[
    Rule::QuorumShort,
    Rule::StaleReply,
    Rule::SlowReplay,
    Rule::ReadOnly,
    Rule::TwoPrimaries,
    Rule::WrongRole,
    Rule::WrongEndpoint,
    Rule::LaggingReads,
    Rule::ReplayBlocked,
    Rule::SemiSyncOff,
    Rule::ReplicaStopped,
    Rule::SyncWait,
    Rule::SyncHang,
    Rule::ConnectionsExhausted,
];

/// What findings mean together; `unasked` are servers of which there is no sample at all.
pub(super) fn why(database: &Database, told: Vec<Told>, unasked: &[ServerName]) -> Explanation {
    let stops = |told: &&Told| told.finding.severity == Severity::Critical && CAUSES.contains(&told.finding.rule);
    let place = |told: &&Told| CAUSES.iter().position(|rule| *rule == told.finding.rule);
    if let Some(cause) = told.iter().filter(stops).min_by_key(place).cloned() {
        return named(&cause, told);
    }
    let mut findings: Vec<Finding> = told.into_iter().map(|told| told.finding).collect();
    findings.sort_by(order);
    let mut dark: Vec<&ServerName> =
        findings.iter().filter(|it| it.severity == Severity::Unknown).map(|it| &it.server).chain(unasked).collect();
    dark.sort_unstable();
    dark.dedup();
    if !dark.is_empty() {
        let sentence = format!("nothing is known of {}, so the database is not ruled out", words::names(&dark));
        return Explanation { reading: Reading::Unknown, sentence, since: None, evidence: findings };
    }
    let sentence = if findings.is_empty() {
        "the database evidence is clean: not replication".to_owned()
    } else {
        let rules: Vec<&str> = findings.iter().map(|it| it.rule.as_str()).collect();
        let told = format!("{} {}", words::names(&rules), if rules.len() == 1 { "was" } else { "were" });
        format!("nothing in the database stops logins: not replication, though {told} found")
    };
    let sentence = match database.login_role {
        Some(_) => sentence,
        None => {
            format!("{sentence}; sessions at a wrong server were not looked for, since no login_role is configured")
        }
    };
    Explanation { reading: Reading::Clean, sentence, since: None, evidence: findings }
}

fn named(cause: &Told, told: Vec<Told>) -> Explanation {
    let rule = cause.finding.rule;
    let exhausted =
        |it: &Told| it.finding.rule == Rule::ConnectionsExhausted && it.finding.severity == Severity::Critical;
    let hang =
        matches!(rule, Rule::QuorumShort | Rule::StaleReply | Rule::SlowReplay | Rule::SyncWait | Rule::SyncHang);
    let used_up = hang && told.iter().any(exhausted);
    let uncaused = matches!(rule, Rule::SyncWait | Rule::SyncHang);
    let mut sentence = cause.clause.clone();
    if uncaused {
        sentence.push_str("; what keeps it from replying is not known yet");
    }
    if used_up {
        sentence.push_str("; connections are used up, because commits hang");
    }
    let mut evidence: Vec<Finding> = told.into_iter().map(|told| told.finding).collect();
    evidence.sort_by(|one, other| {
        let key = |it: &Finding| (*it != cause.finding, it.severity != Severity::Critical, it.nature == Nature::Cause);
        key(one).cmp(&key(other)).then_with(|| order(one, other))
    });
    Explanation { reading: Reading::Cause(rule), sentence, since: Some(cause.finding.since), evidence }
}

/// What the samples of all vantages say of the stretch from `from` to `to`: the cause that held in most of them, else
/// unknown if that held in a tenth of them or more, else clean. Give samples from before `from` too: what a standby was
/// like earlier tells whether it ever connected, and rules need a few seconds to hold.
#[must_use]
pub fn explain<'a>(
    database: &Database,
    samples: impl IntoIterator<Item = &'a Sample>,
    from: Timestamp,
    to: Timestamp,
) -> Explanation {
    let mut watches: BTreeMap<&VantageName, Watch> = BTreeMap::new();
    let mut found: BTreeMap<Reading, (u64, Explanation)> = BTreeMap::new();
    for sample in in_order(samples) {
        let watch = watches.entry(&sample.vantage).or_insert_with(|| Watch::new(database));
        watch.observe(sample);
        if (from..=to).contains(&sample.started) {
            let explanation = watch.explanation();
            let entry = found.entry(explanation.reading).or_insert_with(|| (0, explanation.clone()));
            *entry = (entry.0 + 1, explanation);
        }
    }
    choose(found).unwrap_or_else(|| Explanation {
        reading: Reading::Unknown,
        sentence: format!("no sample of database `{}` in these minutes, so it is not ruled out", database.name),
        since: None,
        evidence: Vec::new(),
    })
}

/// The reading that counts, among those of a stretch with their numbers of samples.
fn choose(found: BTreeMap<Reading, (u64, Explanation)>) -> Option<Explanation> {
    let all: u64 = found.values().map(|(samples, _)| samples).sum();
    let weight = |reading: Reading, samples: u64| match reading {
        Reading::Unknown if samples * 10 < all => (0, samples),
        Reading::Clean => (1, samples),
        Reading::Unknown => (2, samples),
        Reading::Cause(Rule::SyncWait | Rule::SyncHang | Rule::ConnectionsExhausted) => (3, samples),
        Reading::Cause(_) => (4, samples),
    };
    found.into_iter().max_by_key(|(reading, (samples, _))| weight(*reading, *samples)).map(|(_, (_, it))| it)
}
