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

/// What the clause of a server begins with of which nothing at all is known.
pub(super) const NOTHING: &str = "nothing is known of ";

/// Rules that say why logins fail, the one that explains the others first. What is not here may be grave, but stops no
/// login.
const CAUSES: &[Rule] = &[
    // Whatever else is wrong: with each minute more is written that will be lost.
    Rule::TwoPrimaries,
    Rule::QuorumShort,
    Rule::StaleReply,
    Rule::SlowReplay,
    Rule::ReadOnly,
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

/// Whether a finding says why logins may fail: a grave one of a rule that can.
#[must_use]
pub fn stops_logins(finding: &Finding) -> bool {
    finding.severity == Severity::Critical && CAUSES.contains(&finding.rule)
}

/// What findings mean together; `unasked` are servers of which there is no sample at all, and `unfit` says why a finding
/// cannot be the cause of the failures that are to be explained.
pub(super) fn why(
    database: &Database,
    told: Vec<Told>,
    unasked: &[ServerName],
    unfit: &dyn Fn(&Finding) -> Option<String>,
) -> Explanation {
    let stopping: Vec<(&Told, Option<String>)> =
        told.iter().filter(|told| stops_logins(&told.finding)).map(|told| (told, unfit(&told.finding))).collect();
    let place = |(told, _): &&(&Told, Option<String>)| CAUSES.iter().position(|rule| *rule == told.finding.rule);
    if let Some((cause, _)) = stopping.iter().filter(|(_, why)| why.is_none()).min_by_key(place) {
        let cause = (*cause).clone();
        return named(&cause, told);
    }
    let also = |(told, why): &(&Told, Option<String>)| Some(format!("{} ({})", told.clause, why.as_ref()?));
    let also: Vec<String> = stopping.iter().filter_map(also).collect();
    let lacking = lacking(&told, unasked);
    let mut findings: Vec<Finding> = told.into_iter().map(|told| told.finding).collect();
    findings.sort_by(order);
    if !lacking.is_empty() || !also.is_empty() {
        let sentence = match (lacking.join("; "), also.join("; ")) {
            (lacking, also) if also.is_empty() => format!("{lacking}, so the database is not ruled out"),
            (lacking, also) if lacking.is_empty() => {
                format!("no finding explains these failures, so the database is not ruled out; also seen: {also}")
            }
            (lacking, also) => format!("{lacking}, so the database is not ruled out; also seen: {also}"),
        };
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

/// Of whom nothing is known, and what is not known of servers that answered.
fn lacking(told: &[Told], unasked: &[ServerName]) -> Vec<String> {
    let unknown = told.iter().filter(|told| told.finding.severity == Severity::Unknown);
    let (dark, partly): (Vec<&Told>, Vec<&Told>) = unknown.partition(|told| told.clause.starts_with(NOTHING));
    let mut dark: Vec<&ServerName> = dark.iter().map(|told| &told.finding.server).chain(unasked).collect();
    dark.sort_unstable();
    dark.dedup();
    let dark = (!dark.is_empty()).then(|| format!("{NOTHING}{}", words::names(&dark)));
    dark.into_iter().chain(partly.into_iter().map(|told| told.clause.clone())).collect()
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
    explain_failures(database, samples, from, to, &|_| None)
}

/// The same of failures that are known in that stretch: a finding of which `unfit` gives a reason is not named as their
/// cause. Where only such ones are left, nothing is named and nothing is ruled out.
#[must_use]
pub fn explain_failures<'a>(
    database: &Database,
    samples: impl IntoIterator<Item = &'a Sample>,
    from: Timestamp,
    to: Timestamp,
    unfit: &dyn Fn(&Finding) -> Option<String>,
) -> Explanation {
    let mut watches: BTreeMap<&VantageName, Watch> = BTreeMap::new();
    let mut found: BTreeMap<Reading, (u64, Explanation)> = BTreeMap::new();
    for sample in in_order(samples) {
        let watch = watches.entry(&sample.vantage).or_insert_with(|| Watch::new(database));
        watch.observe(sample);
        if (from..=to).contains(&sample.started) {
            let explanation = watch.explanation_of(unfit);
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
