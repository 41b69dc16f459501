//! How the logins of an incident failed: not why, but what a user met, counted by flow, with the time after which a
//! login was given up. The same failing share means different things when logins hang, are refused or are answered with
//! an error at once.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::incident::{Incident, Share, Symptom};
use crate::model::{BadClass, FlowName, Micros};

use super::attempts::{self, Attempt};
use super::course::{Course, course};
use super::grouped::{ByAccount, ByLoad, GroupedLogin, Load, by_account, by_load};
use super::hints::{Hint, hints};
use super::words;

/// What a user met when a login failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// No answer until the deadline.
    Hang,
    /// No connection: nobody listens, or a firewall says no.
    Refused,
    /// An answer with a status that the flow does not expect: 5xx, as a rule.
    ServerError,
    /// The login was answered as good, and the second request, which uses the session, was not: 401 after 200.
    SessionUnusable,
    /// Anything else.
    Other,
}

impl Signature {
    /// The signature of a class of failures.
    #[must_use]
    pub fn of(class: BadClass) -> Self {
        match class {
            BadClass::Timeout => Self::Hang,
            BadClass::Connect => Self::Refused,
            BadClass::HttpStatus => Self::ServerError,
            BadClass::SessionUnusable => Self::SessionUnusable,
            _ => Self::Other,
        }
    }

    /// In a few words, as a table's cell.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Hang => "hang: no answer until the deadline",
            Self::Refused => "refused: no connection",
            Self::ServerError => "error answer (unexpected status, mostly 5xx)",
            Self::SessionUnusable => "login answered, session refused (401 after 200)",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// How many logins failed in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignatureCount {
    /// The way.
    pub signature: Signature,
    /// Of all failed logins, those that failed so.
    pub share: Share,
    /// The middle of the times that they took; of hangs: of the times after which they were given up.
    pub median: Option<Micros>,
}

/// The failures of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowSignatures {
    /// The flow.
    pub flow: FlowName,
    /// Failing ones among its logins.
    pub failing: Share,
    /// By signature, the most frequent first.
    pub counts: Vec<SignatureCount>,
    /// The shortest time after which a hanging login was given up: the deadline that its share was measured at. `None`
    /// when none hung.
    pub deadline: Option<Micros>,
}

/// How the logins of an incident failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signatures {
    /// Failing ones among all logins between the first failing probe and the last.
    pub failing: Share,
    /// By signature, the most frequent first.
    pub counts: Vec<SignatureCount>,
    /// The same by flow.
    pub flows: Vec<FlowSignatures>,
    /// Hanging logins that were given up before a connection came about.
    pub while_connecting: u64,
    /// The median time of good logins meanwhile.
    pub good: Option<Micros>,
    /// The median time of good logins in the six hours before.
    pub good_before: Option<Micros>,
    /// How the failing share went on over time.
    pub course: Course,
    /// How failing went by account; `None` where no login used one, or the runs were not looked at one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_account: Option<ByAccount>,
    /// How failing went with the load; `None` where the runs were not looked at one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_load: Option<ByLoad>,
    /// Mechanisms that were measured and look like this.
    pub hints: Vec<Hint>,
}

impl Signatures {
    /// Looks at the logins one by one: by account, and by the load, if that is known.
    pub fn group(&mut self, logins: &[GroupedLogin], load: Result<Load<'_>, &str>, confidence: f64) {
        self.by_account = by_account(logins, confidence);
        self.by_load = Some(by_load(logins, load, confidence));
        self.hints = hints(self);
    }

    /// Failed logins of one signature.
    #[must_use]
    pub fn count(&self, signature: Signature) -> u64 {
        self.counts.iter().find(|one| one.signature == signature).map_or(0, |one| one.share.failing)
    }

    /// Its share of all failed logins, between 0 and 1.
    pub(super) fn part(&self, signature: Signature) -> f64 {
        self.count(signature) as f64 / self.failing.failing.max(1) as f64
    }

    /// The signature of most failures; `None` when no login failed.
    #[must_use]
    pub fn leading(&self) -> Option<&SignatureCount> {
        self.counts.first()
    }

    /// How failing went by account and with the load, a line each; none where that was not looked at.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        let by_account = self.by_account.iter().flat_map(|it| [words::by_account(it), words::together(it)]);
        by_account.chain(self.by_load.iter().map(words::by_load)).collect()
    }

    /// In one line: `54 of 54 logins failed: no answer within 5.00 s`.
    #[must_use]
    pub fn sentence(&self) -> String {
        words::failures(self)
    }
}

/// Reads off how logins failed; `None` for an incident of slow logins, which failed nobody.
#[must_use]
pub fn signatures(history: &History, incident: &Incident, confidence: f64) -> Option<Signatures> {
    if incident.symptom != Symptom::Failing {
        return None;
    }
    let all = attempts::within(history, incident);
    let mut by_flow: BTreeMap<&FlowName, Vec<&Attempt>> = BTreeMap::new();
    for attempt in &all {
        by_flow.entry(&attempt.flow).or_default().push(attempt);
    }
    let flow = |(flow, attempts): (&FlowName, Vec<&Attempt>)| FlowSignatures {
        flow: flow.clone(),
        failing: failing(&attempts, confidence),
        counts: counts(&attempts, confidence),
        deadline: attempts.iter().filter(|one| one.signature == Some(Signature::Hang)).map(|one| one.took).min(),
    };
    let flows = by_flow.into_iter().map(flow).collect();
    let each: Vec<&Attempt> = all.iter().collect();
    let good = |all: &[Attempt]| median(all.iter().filter(|one| one.signature.is_none()).map(|one| one.took).collect());
    let mut found = Signatures {
        failing: failing(&each, confidence),
        counts: counts(&each, confidence),
        flows,
        while_connecting: all.iter().filter(|one| one.while_connecting).count() as u64,
        good: good(&all),
        good_before: good(&attempts::before(history, incident)),
        course: course(&all.iter().map(|one| one.signature.is_some()).collect::<Vec<_>>(), confidence),
        by_account: None,
        by_load: None,
        hints: Vec::new(),
    };
    found.hints = hints(&found);
    Some(found)
}

fn failing(attempts: &[&Attempt], confidence: f64) -> Share {
    let failing = attempts.iter().filter(|one| one.signature.is_some()).count();
    Share::new(attempts.len() as u64, failing as u64, confidence)
}

fn counts(attempts: &[&Attempt], confidence: f64) -> Vec<SignatureCount> {
    let mut times: BTreeMap<Signature, Vec<Micros>> = BTreeMap::new();
    for attempt in attempts {
        if let Some(signature) = attempt.signature {
            times.entry(signature).or_default().push(attempt.took);
        }
    }
    let all = times.values().map(Vec::len).sum::<usize>() as u64;
    let count = |(signature, times): (Signature, Vec<Micros>)| SignatureCount {
        signature,
        share: Share::new(all, times.len() as u64, confidence),
        median: median(times),
    };
    let mut counts: Vec<SignatureCount> = times.into_iter().map(count).collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.share.failing));
    counts
}

/// The lower of the two in the middle.
fn median(mut times: Vec<Micros>) -> Option<Micros> {
    let middle = times.len().checked_sub(1)? / 2;
    Some(*times.select_nth_unstable(middle).1)
}
