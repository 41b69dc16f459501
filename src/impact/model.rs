//! What an outage did to people: the value that the command, the report and the postmortem draft share.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::{Bounds, IncidentId, Share, SlowLimit, Symptom};
use crate::model::{Exclusion, FlowName, LostRuns, ObjectiveName, Retries, VantageName};
use crate::slo::Interval;

use super::figure::{Estimate, Figure};
use super::windowed::Knee;

/// The impact of one incident, or of a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The incident; `None` for a span.
    pub incident: Option<IncidentId>,
    /// What users met; `None` for a span, which may hold both.
    pub symptom: Option<Symptom>,
    /// The flows whose runs count.
    pub flows: Vec<FlowName>,
    /// When it began.
    pub start: Bounds,
    /// When it ended.
    pub end: Bounds,
    /// It may still last: all figures are of what was seen so far.
    pub open: bool,
    /// IANA name of the zone in which people read its times.
    pub zone: String,
    /// How long it lasted, in seconds (F8).
    pub duration: Figure,
    /// What was slow, for an incident of slow logins: the thresholds that it was found with; else empty.
    pub slow_limits: Vec<SlowLimit>,
    /// Failing share of the probes within it, lost ones as the policy counts them.
    pub failing: Share,
    /// What no verdict was given in, and how it counts.
    pub lost: LostInIt,
    /// Which attempt of a slot counts.
    pub retries: Retries,
    /// People who wanted to sign in, where probes cover them (F14).
    pub intents: Figure,
    /// People with at least one failed attempt (F13, F14).
    pub affected: Figure,
    /// People whose every attempt failed.
    pub locked_out: Figure,
    /// Affected people who got in when they tried again; of slow logins, all who were affected.
    pub delayed: Figure,
    /// Failed attempts, repeated ones included: sign-ins that failed.
    pub failed_sign_ins: Figure,
    /// All attempts.
    pub attempts: Figure,
    /// Failed attempts per affected person: by this factor a log of failed requests overstates people.
    pub attempts_per_person: Figure,
    /// Different people among the affected, who may come several times.
    pub distinct_users: Figure,
    /// Share of the people with a session whose session ended during it; everybody else with a session noticed nothing.
    pub sessions_met: Figure,
    /// Share of good runs, plain and by users.
    pub availability: PlainAndWeighted,
    /// Demand that no vantage with data stands for. Other figures leave it out, and take all of it into their upper end.
    pub not_covered: NotCovered,
    /// The parts of the users, in the order of the configuration.
    pub segments: Vec<SegmentFigures>,
    /// The worst windows of the period around it.
    pub windowed: Windowed,
    /// What it cost each promise on its flows.
    pub budget: Vec<BudgetShare>,
    /// The same with exclusions applied (F20); `None` when none touches it.
    pub adjusted: Option<Adjusted>,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// People whom one incident met, for tables of many: each means what its namesake in [`Impact`] means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffectedPeople {
    /// People with at least one failed attempt; of slow logins, with a slow one.
    pub affected: Figure,
    /// People whose every attempt failed.
    pub locked_out: Figure,
    /// Affected people who got in when they tried again; of slow logins, all who were affected.
    pub delayed: Figure,
}

/// Slots without a verdict within an incident or span.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LostInIt {
    /// Recorded, but the prober's own fault.
    pub lost: u64,
    /// Due without any record.
    pub missing: u64,
    /// How the policy counts them. In an incident of slow logins they say nothing, whatever the policy.
    pub counted_as: LostRuns,
    /// The failing share if all of them were good (`low`), and if all were bad (`high`); `None` without any slot.
    pub failing_if: Option<Interval>,
}

/// The figures with exclusions applied, beside the raw ones and never instead of them (F20). Each means what its
/// namesake means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// What was excluded, by time.
    pub exclusions: Vec<Exclusion>,
    /// How many of them were entered only after what they cover had begun.
    pub late: u64,
    /// Failing share.
    pub failing: Share,
    /// People who wanted to sign in.
    pub intents: Figure,
    /// People with at least one failed attempt.
    pub affected: Figure,
    /// People whose every attempt failed.
    pub locked_out: Figure,
    /// Affected people who got in when they tried again.
    pub delayed: Figure,
    /// Different people among the affected.
    pub distinct_users: Figure,
    /// Failed attempts.
    pub failed_sign_ins: Figure,
    /// Share of good runs.
    pub availability: PlainAndWeighted,
    /// Demand without probes.
    pub not_covered: NotCovered,
    /// What it cost each promise.
    pub budget: Vec<BudgetShare>,
}

/// Availability within the incident or span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlainAndWeighted {
    /// good / (good + bad); `None` without a verdict.
    pub plain: Option<f64>,
    /// Wilson's interval of it (F4).
    pub plain_interval: Option<Interval>,
    /// Weighted by the users that vantages stand for (F10), as shares.
    pub weighted: Figure,
}

/// Demand without probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotCovered {
    /// Share of all demand; `None` when nobody described the users.
    pub share: Option<f64>,
    /// People who wanted to sign in and of whom nothing is known.
    pub intents: Figure,
}

/// One part of the users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// Its name.
    pub name: String,
    /// Its share of all sign-ins.
    pub share: f64,
    /// The vantages that stand for it; none: nobody probes for these users.
    pub vantages: Vec<VantageName>,
    /// Runs with a verdict.
    pub n: u64,
    /// Bad ones.
    pub bad: u64,
    /// bad / n; `None` without runs: not covered.
    pub failing: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
    /// People who wanted to sign in; `None` without demand.
    pub intents: Option<Estimate>,
    /// People with at least one failed attempt; `None` without demand or runs.
    pub affected: Option<Estimate>,
    /// Share of its demand in hours without a run that says anything; `None` without demand.
    pub not_covered: Option<f64>,
}

/// Windowed availability of the period around an incident (F12), by verdict. Empty for slow logins: they did not fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Windowed {
    /// The period, for people.
    pub period: String,
    /// How minutes were weighted.
    pub weights: String,
    /// The worst window of each length; empty without runs.
    pub worst: Vec<WindowFigures>,
    /// The shortest window that holds the dominant outage; `None` when nothing failed.
    pub knee: Option<Knee>,
    /// Probe-uptime (F11): the share of time that was up as each vantage met it. `None` without two runs.
    pub probe_uptime: Option<f64>,
}

/// The worst window of one length: of several that are equally bad, the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowFigures {
    /// Its first instant.
    pub start: Timestamp,
    /// Its length in minutes.
    pub minutes: u64,
    /// Runs with a verdict in it.
    pub n: u64,
    /// Bad ones.
    pub bad: u64,
    /// Good over total, weighted as all windows are.
    pub availability: f64,
    /// Wilson's interval of it (F4), for the effective number of the weighted runs; the choice of the worst among many
    /// windows is not in it. `None` when no run carries weight.
    pub interval: Option<Interval>,
}

/// What an incident took of one budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetShare {
    /// The objective.
    pub objective: ObjectiveName,
    /// Its period, for people.
    pub period: String,
    /// Bad slots within the incident and the period.
    pub bad: u64,
    /// Slots of the period that count: those that were declared, or those with a verdict where nothing was.
    pub slots: u64,
    /// Bad slots that these slots allow; `None` without any slot.
    pub allowed: Option<f64>,
    /// bad / allowed.
    pub share: Option<f64>,
    /// Between which shares the interval of the failing share within the incident puts it (Wilson, F4); `None` without a
    /// slot in it.
    pub interval: Option<Interval>,
}
