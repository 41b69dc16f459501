//! Whether a finding can be the cause of an incident: it must have begun when logins began to fail or before, have held
//! while they failed, and be of a kind that makes logins fail the way they did. What does not fit is told beside, with the
//! reason, and never named. Which signature a fault gives, and how late a rule may see it, was measured fault by fault on
//! a real primary and standby under a real login service.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Symptom};
use crate::model::{Answer, Finding, Micros, Rule, Sample, ServerName, Severity};
use crate::replication::{Episode, stops_logins};

use super::course::Shape;
use super::signatures::{Signature, Signatures};
use super::words;

/// A grave finding that is not named as the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlsoSeen {
    /// The rule.
    pub rule: Rule,
    /// The server it was seen on.
    pub server: ServerName,
    /// Why it cannot be the cause, in words: `it makes logins hang, and ..`.
    pub why: String,
}

/// An error that came within this was an answer of the service; a later one may be a proxy's, given for a login that hung.
const AT_ONCE: Micros = Micros(1_000_000);

/// So much of the failures must be of a kind that the cause makes: half, since connections that run out behind commits
/// that hang make half of them errors (measured: 52 % and 48 %).
const MOST: f64 = 0.5;

/// A failing share that grew by less is not told from a constant one, whatever a test says: of all logins.
const GREW: f64 = 0.2;

/// How a cause makes logins fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Makes {
    /// They wait until their deadline, or until a proxy gives up; the share may be any.
    Hang,
    /// They are answered with an error at once, the same share all the time.
    Errors,
    /// They are answered as good, and their session is not found.
    LostSessions,
    /// Those that read behind a lock hang, and those that read beside it see the past.
    HangsOrLostSessions,
    /// Errors for want of a connection, and hangs for want of a worker.
    ErrorsAndHangs,
    /// What was written on one server is missing on the other: sessions, users, passwords.
    Anything,
}

fn makes(rule: Rule) -> Makes {
    match rule {
        Rule::ReadOnly | Rule::WrongRole | Rule::WrongEndpoint => Makes::Errors,
        Rule::LaggingReads | Rule::ReplicaStopped => Makes::LostSessions,
        Rule::ReplayBlocked => Makes::HangsOrLostSessions,
        Rule::ConnectionsExhausted => Makes::ErrorsAndHangs,
        Rule::TwoPrimaries => Makes::Anything,
        _ => Makes::Hang,
    }
}

impl Makes {
    /// Whether failures of a kind are of its making; `at_once` tells errors apart, and `used_up` that connections were.
    fn gives(self, signature: Signature, at_once: bool, used_up: bool) -> bool {
        let hangs = signature == Signature::Hang || (signature == Signature::ServerError && !at_once);
        match self {
            Self::Hang => hangs || (used_up && signature == Signature::ServerError),
            Self::Errors => signature == Signature::ServerError,
            Self::LostSessions => signature == Signature::SessionUnusable,
            Self::HangsOrLostSessions => hangs || signature == Signature::SessionUnusable,
            Self::ErrorsAndHangs => hangs || signature == Signature::ServerError,
            Self::Anything => signature != Signature::Refused,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Hang => "makes logins hang",
            Self::Errors => "makes logins fail at once with an error",
            Self::LostSessions => "lets logins succeed whose sessions are then not found",
            Self::HangsOrLostSessions => "makes logins hang or lose their session",
            Self::ErrorsAndHangs => "makes logins fail with an error or hang",
            Self::Anything => "refuses no connection",
        }
    }
}

/// How long after a fault the sign of a rule may first be seen, by the measurements; the interval of the samples comes on
/// top. A frozen standby is told by the age of its reply, which may be two status intervals.
fn seen_after(rule: Rule, status_interval: Micros) -> SignedDuration {
    match rule {
        Rule::StaleReply => {
            let twice = i64::try_from(status_interval.0.saturating_mul(2)).unwrap_or(i64::MAX);
            SignedDuration::from_micros(twice).max(SignedDuration::from_secs(5))
        }
        // Sessions that are there for an instant are met by few of the samples of half a minute.
        Rule::WrongEndpoint => SignedDuration::from_secs(30),
        Rule::ConnectionsExhausted => SignedDuration::from_secs(13),
        Rule::SlowReplay | Rule::LaggingReads | Rule::ReplayLag | Rule::ReplayBlocked => SignedDuration::from_secs(8),
        _ => SignedDuration::from_secs(3),
    }
}

/// What findings are held against.
pub(super) struct Failures<'a> {
    pub(super) incident: &'a Incident,
    /// How its logins failed; `None` for slow ones.
    pub(super) signatures: Option<&'a Signatures>,
    /// What held, of all vantages together.
    pub(super) episodes: &'a [Episode],
    /// The samples of the database.
    pub(super) samples: &'a [&'a Sample],
    /// What was found out: a finding is asked about at each sample in which it holds, and the answer is that of its rule
    /// and server.
    pub(super) known: RefCell<BTreeMap<(Rule, ServerName), Option<String>>>,
}

impl Failures<'_> {
    /// Why a finding cannot be the cause; `None` where it can.
    pub(super) fn unfit(&self, finding: &Finding) -> Option<String> {
        let key = (finding.rule, finding.server.clone());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let why = self.other_signature(finding.rule).or_else(|| self.other_time(finding));
        self.known.borrow_mut().insert(key, why.clone());
        why
    }

    /// Findings of these minutes that stop logins, and cannot be the cause.
    pub(super) fn also_seen(&self) -> Vec<AlsoSeen> {
        let mut all: Vec<AlsoSeen> = Vec::new();
        let grave = self.during().filter(|one| stops_logins(&one.finding));
        for Episode { finding, .. } in grave {
            let known = all.iter().any(|one| (one.rule, &one.server) == (finding.rule, &finding.server));
            if let Some(why) = self.unfit(finding).filter(|_| !known) {
                all.push(AlsoSeen { rule: finding.rule, server: finding.server.clone(), why });
            }
        }
        all
    }

    /// What held at some time while logins failed, or may have.
    fn during(&self) -> impl Iterator<Item = &Episode> {
        let (from, to) = (self.incident.start.earliest, self.incident.end.latest);
        self.episodes.iter().filter(move |one| one.from <= to && one.until.is_none_or(|until| until >= from))
    }

    fn other_signature(&self, rule: Rule) -> Option<String> {
        let makes = makes(rule);
        if self.incident.symptom == Symptom::Slow {
            let slows = matches!(makes, Makes::Hang | Makes::HangsOrLostSessions | Makes::ErrorsAndHangs);
            return (!slows).then(|| format!("it {}, and these were slow", makes.in_words()));
        }
        let signatures = self.signatures?;
        let used_up = || {
            let full = |one: &&Episode| one.finding.rule == Rule::ConnectionsExhausted;
            self.during().filter(full).any(|one| one.finding.severity == Severity::Critical)
        };
        let of_it = signatures.counts.iter().filter(|one| {
            let at_once = one.median.is_some_and(|median| median < AT_ONCE);
            makes.gives(one.signature, at_once, used_up())
        });
        let share = of_it.map(|one| one.share.failing).sum::<u64>() as f64 / signatures.failing.failing.max(1) as f64;
        if share < MOST {
            return Some(format!("it {}, and {}", makes.in_words(), words::failures(signatures)));
        }
        let course = &signatures.course;
        let grew = course.late.share.zip(course.early.share).is_some_and(|(late, early)| late - early >= GREW);
        let grows = makes == Makes::Errors && course.shape == Shape::Growing && grew;
        grows.then(|| {
            let halves = (words::share(&course.early), words::share(&course.late));
            format!(
                "it makes a constant share fail, and this one grew: first half {}, second half {}",
                halves.0, halves.1
            )
        })
    }

    fn other_time(&self, finding: &Finding) -> Option<String> {
        let mine: Vec<&Episode> = self.during().filter(|one| same(&one.finding, finding)).collect();
        let first = mine.iter().map(|one| one.from).min()?;
        // A link that is dropped after its standby froze is one fault with two signs.
        let frozen = (finding.rule == Rule::QuorumShort).then(|| self.frozen_before(finding, first)).flatten();
        let onset = self.may_have_begun(frozen.unwrap_or(first), finding, frozen.is_some());
        if onset > self.incident.start.latest {
            return Some(format!(
                "it began at {first:.0}, when logins had been failing since {:.0}",
                self.incident.first_failing
            ));
        }
        let (from, to) = (self.incident.first_failing, self.incident.end.earliest);
        let until = |one: &Episode| one.until.unwrap_or(Timestamp::MAX);
        let mut covered = SignedDuration::ZERO;
        let mut reached = onset;
        for (place, one) in mine.iter().enumerate() {
            let begun = if place == 0 { onset } else { one.from.max(reached) };
            let (begun, ended) = (begun.max(from), self.went_over(one).unwrap_or_else(|| until(one)).min(to));
            if ended > begun {
                covered = covered.saturating_add(ended.duration_since(begun));
            }
            reached = reached.max(ended);
        }
        let span = to.duration_since(from);
        let last = mine.iter().map(|one| until(one)).max()?;
        (span > SignedDuration::ZERO && covered < span / 2).then(|| {
            let all = format!("of the {} for which logins failed", whole(span));
            match mine.as_slice() {
                [_] if last < to => format!("it was over at {last:.0}, {} {all}", after(covered)),
                _ => format!("it held for {} {all}", whole(covered)),
            }
        })
    }

    /// When a fault may have begun at the earliest whose sign was first seen at `first`: after the last answer of the
    /// server without it, and by as much earlier as the sign takes.
    fn may_have_begun(&self, first: Timestamp, finding: &Finding, frozen: bool) -> Timestamp {
        let facts = |sample: &&&Sample| sample.server == finding.server && matches!(sample.answer, Answer::Facts(_));
        let mine = || self.samples.iter().filter(facts);
        let before = mine().map(|sample| sample.started).filter(|at| *at < first).max();
        let rule = if frozen { Rule::StaleReply } else { finding.rule };
        let every =
            self.samples.iter().filter_map(|sample| sample.answer.postgres()).map(|facts| facts.status_interval);
        let sign = seen_after(rule, every.max().unwrap_or_default());
        before.map_or(Timestamp::MIN, |at| at.checked_sub(sign).unwrap_or(Timestamp::MIN))
    }

    /// When a standby of the same primary was first seen frozen, if its link was dropped for it: the one sign follows the
    /// other within moments.
    fn frozen_before(&self, finding: &Finding, dropped: Timestamp) -> Option<Timestamp> {
        let stale = self.during().filter(|one| one.finding.rule == Rule::StaleReply);
        let at_once = |one: &&Episode| {
            one.finding.server == finding.server
                && one.finding.severity == Severity::Critical
                && one.from <= dropped
                && one.last.duration_since(dropped) >= -DROPPED
        };
        stale.filter(at_once).map(|one| one.from).min()
    }

    /// For a frozen standby: until when the short quorum held that followed from it.
    fn went_over(&self, one: &Episode) -> Option<Timestamp> {
        if one.finding.rule != Rule::StaleReply {
            return None;
        }
        let short = self.during().filter(|it| it.finding.rule == Rule::QuorumShort);
        let mut follows = short.filter(|it| {
            it.finding.server == one.finding.server
                && it.from >= one.from
                && it.from.duration_since(one.last) <= DROPPED
        });
        follows.next().map(|it| it.until.unwrap_or(Timestamp::MAX))
    }
}

/// From the last sign of a frozen standby to the first of its dropped link, at the most, as samples see it.
const DROPPED: SignedDuration = SignedDuration::from_secs(15);

fn same(one: &Finding, other: &Finding) -> bool {
    (one.rule, &one.server) == (other.rule, &other.server)
}

fn after(time: SignedDuration) -> String {
    if time > SignedDuration::ZERO { format!("after {}", whole(time)) } else { "before any".to_owned() }
}

/// Whole seconds or minutes: `35 s`, `12 min`.
fn whole(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
