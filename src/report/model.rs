//! Everything that a report says, in one serializable value: the renderings print it and compute nothing.
//!
//! Absence is `None`, never 0 and never 100 %. Shares are between 0 and 1. There is no wall clock in it: the same
//! data and policy give the same model, and the same bytes. Lists are in a fixed order (the order of the
//! configuration where there is one, else by name).

mod adjusted;
mod audit;
mod coverage;
mod database;
mod incidents;
mod latency;
mod series;
mod standing;
mod users;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    Blame, FlowName, Micros, NotedEvent, ObjectiveName, Phase, Policy, Revision, RunId, RunKind, StepName, VantageName,
};
use crate::slo::{Attainment, Interval, Period};

pub use crate::history::Counts;
pub use adjusted::{AdjustedReport, AppliedExclusion};
pub use audit::AuditReport;
pub use coverage::{Chance, PlaceCell, Sight, StepBaseline};
pub use database::{DatabaseReport, IncidentEvidence};
pub use incidents::{Background, BudgetShare, DetectionReport, Gap, IncidentRow, RuleRow};
pub use latency::{Distribution, FlowLatency, Percentile, PhaseLatency, StepLatency, VantageLatency};
pub use series::{Bins, BurnDown, BurnPoint, CellState, FlowSeries, HeatMap, LatencyPoint, TimelineRow};
pub use standing::{Change, Clause, FanPoint, Knee, Outlook, SignIns, Standing, Week, Window};
pub use users::{PopulationHead, PublicationHead, SegmentImpact, SegmentWeight, UserImpact};

/// The version of the JSON form; it grows by one when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// A whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportModel {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// What is reported on, from which data, by which rules.
    pub head: Head,
    /// Security failures of any kind of login (a wrong password was let in): to be shown first and loudly.
    pub alarms: Vec<SecurityAlarm>,
    /// One per objective, in the order of the configuration.
    pub objectives: Vec<ObjectiveReport>,
    /// One per flow that has a negative login, by name.
    pub negatives: Vec<NegativeReport>,
    /// One per flow, by name: counts, latency, failures, downtime, series for charts. Normal logins only.
    pub flows: Vec<FlowReport>,
    /// Incidents in order of time, those seen from one place only included.
    pub incidents: Vec<IncidentRow>,
    /// What the databases behind the logins said, in their configured order; empty when none was watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseReport>,
    /// What they are set to, in their configured order; empty when no snapshot was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audits: Vec<AuditReport>,
    /// How well incidents were seen; `None` when nothing looked for them.
    pub detection: Option<DetectionReport>,
    /// Failing share by region and flow, by name.
    pub places: Vec<PlaceCell>,
    /// What the probes could see, one per flow, by name.
    pub sight: Vec<Sight>,
    /// What people noted in the period, in order of time.
    pub events: Vec<NotedEvent>,
    /// Step times of the weeks before, by flow and step; empty when nothing is known of them.
    pub baselines: Vec<StepBaseline>,
}

/// What is reported on, from which data, by which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The site's or service's name.
    pub site: String,
    /// The span of all tables and charts; an objective has a period of its own when its zone differs.
    pub period: Period,
    /// Set when the period was still running: slots after this instant are neither due nor missing yet.
    pub until: Option<Timestamp>,
    /// Slots due, recorded and missing, by flow, kind and vantage.
    pub slots: Vec<SlotRow>,
    /// All vantages that declared a schedule or recorded a run, by name.
    pub vantages: Vec<VantageRow>,
    /// Runs that the report is made from, each counted once.
    pub runs: u64,
    /// The revision of the data: equal revisions hold the same runs.
    pub data_revision: String,
    /// The revision of the policy.
    pub policy_revision: Revision,
    /// The policy itself.
    pub policy: Policy,
    /// The policy in words, one rule each.
    pub policy_text: Vec<String>,
    /// Who the users are; `None` when nobody described them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<PopulationHead>,
    /// Which published revision this is; `None` for a report that is not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publication: Option<PublicationHead>,
    /// The program and version that made the model, and the command that makes it again.
    pub generated_from: String,
}

/// A vantage and its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VantageRow {
    /// Its name.
    pub name: VantageName,
    /// Its labels as last declared in the period: region, network, provider.
    pub labels: BTreeMap<String, String>,
}

/// Slots of one flow at one vantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotRow {
    /// The flow.
    pub flow: FlowName,
    /// Normal or negative login.
    pub kind: RunKind,
    /// The vantage.
    pub vantage: VantageName,
    /// Slots due until the end of the period or [`Head::until`]; `None` when no schedule was declared.
    pub due: Option<u64>,
    /// Slots with at least one recorded run.
    pub recorded: u64,
    /// Due slots without any recorded run; `None` when no schedule was declared.
    pub missing: Option<u64>,
}

/// A security failure: to be shown first and loudly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecurityAlarm {
    /// The flow.
    pub flow: FlowName,
    /// Normal or negative login.
    pub kind: RunKind,
    /// The failure's class: `accepted_wrong_password`, `accepted_without_credentials`.
    pub class: String,
    /// How often.
    pub count: u64,
    /// Start of the first such run.
    pub first: Timestamp,
    /// Start of the last such run.
    pub last: Timestamp,
    /// The first few runs, for `doorstep explain`.
    pub examples: Vec<RunId>,
}

/// What became of one promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveReport {
    /// Its name.
    pub name: ObjectiveName,
    /// What it is, for people; may be empty.
    pub description: String,
    /// The flow whose runs count.
    pub flow: FlowName,
    /// The share that was promised.
    pub target: f64,
    /// A latency objective's threshold: a login is good when it succeeds within it.
    pub threshold: Option<Micros>,
    /// The period in the objective's own zone.
    pub period: Period,
    /// Set while it still runs: all figures are until here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Slots by verdict. For a latency objective, `bad` holds the logins that failed and those over the threshold.
    pub counts: Counts,
    /// For a latency objective: logins that succeeded over the threshold, compared on the raw value.
    pub over_threshold: Option<u64>,
    /// good / (good + bad), with lost and missing slots treated as the policy says. `None` without a verdict.
    pub availability: Option<f64>,
    /// The failing share, 1 - availability, computed on its own so that 37 of 1,000 are exactly 0.037.
    pub failing: Option<f64>,
    /// Wilson's interval of the availability, at the policy's confidence.
    pub interval: Option<Interval>,
    /// The same share with every lost and missing slot counted as bad (`low`), and as good (`high`).
    pub if_lost: Option<Interval>,
    /// The error budget; `None` without any verdict.
    pub budget: Option<Budget>,
    /// (1 - availability) / (1 - target): 1 spends the whole budget, no more.
    pub burn_rate: Option<f64>,
    /// What the evidence allows to say.
    pub verdict: Attainment,
    /// P(met): probability that the underlying share is at least the target.
    pub probability_met: Option<f64>,
    /// Why the verdict is not, or not only, what P(met) says: too few runs, too little coverage, a budget that is gone.
    pub verdict_note: Option<String>,
    /// How many users could log in; `None` when the population is not described.
    pub users: Option<UserImpact>,
    /// The budget over time.
    pub burn_down: Option<BurnDown>,
    /// The same with the exclusions that touch it; `None` when none does. All other fields are raw: as measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<AdjustedReport>,
    /// Beyond the counts: as measured, against the past, what may come, what follows.
    pub standing: Standing,
}

impl ObjectiveReport {
    /// The verdict by the policy: with its exclusions, where there are any.
    #[must_use]
    pub fn policy_verdict(&self) -> Attainment {
        self.adjusted.as_ref().map_or(self.verdict, |adjusted| adjusted.verdict)
    }
}

/// The error budget of a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Events of the whole period that may be bad: (1 - target) x planned slots (without a declared schedule: x the
    /// slots that were counted).
    pub allowed_events: f64,
    /// Events that were bad.
    pub spent_events: u64,
    /// What is left; negative when overspent.
    pub left_events: f64,
    /// (1 - target) x the period's exact length, in minutes.
    pub allowed_minutes: f64,
    /// The same share of the budget in minutes.
    pub spent_minutes: f64,
    /// What is left; negative when overspent.
    pub left_minutes: f64,
    /// spent / allowed.
    pub spent_share: f64,
}

/// A negative login beside a flow: a wrong password, which must be refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NegativeReport {
    /// The flow.
    pub flow: FlowName,
    /// Slots due so far; `None` when no schedule was declared.
    pub due: Option<u64>,
    /// Refused, in the way the flow says.
    pub refused: u64,
    /// Let in. The loudest number of the report.
    pub accepted: u64,
    /// Refused, but in another way.
    pub refusal_changed: u64,
    /// Failed in any other way: the refusal could not be seen.
    pub other_bad: u64,
    /// The prober's own fault.
    pub lost: u64,
    /// Due without any run.
    pub missing: u64,
    /// All failures by class.
    pub failures: Vec<FailureRow>,
}

/// One flow: normal logins only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowReport {
    /// Its name.
    pub name: FlowName,
    /// The revisions that were executed, in order of first execution.
    pub revisions: Vec<Revision>,
    /// One slot per interval and vantage, as last declared; `None` when no schedule was declared.
    pub interval: Option<Micros>,
    /// Slots by verdict, all vantages.
    pub counts: Counts,
    /// good / (good + bad), lost and missing as the policy says.
    pub availability: Option<f64>,
    /// Wilson's interval of it.
    pub availability_interval: Option<Interval>,
    /// The same by vantage, by name.
    pub vantages: Vec<FlowVantage>,
    /// The longest time within the period in which no vantage had a verdict: only a longer outage is surely seen.
    pub longest_gap: Option<Micros>,
    /// Login, step and phase times.
    pub latency: FlowLatency,
    /// Failures by class, the most frequent first.
    pub failures: Vec<FailureRow>,
    /// Series for charts.
    pub series: FlowSeries,
}

/// One flow at one vantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowVantage {
    /// The vantage.
    pub vantage: VantageName,
    /// Slots by verdict.
    pub counts: Counts,
    /// good / (good + bad), lost and missing as the policy says.
    pub availability: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
    /// Consecutive bad runs as seen from here.
    pub downtime: Downtime,
}

/// Downtime at one vantage: probes sample, so that truth lies between two bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Downtime {
    /// Number of outages: runs of consecutive bad logins, single ones included.
    pub outages: u64,
    /// Sum of the shortest durations that the samples allow.
    pub low: Micros,
    /// Sum of the midpoints.
    pub middle: Micros,
    /// Sum of the longest durations that the samples allow.
    pub high: Micros,
    /// The longest outages (at most ten), in order of time.
    pub longest: Vec<Outage>,
}

/// One run of consecutive bad logins at one vantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Earliest possible start: when the last good run before it began; the period's start when there is none.
    pub not_before: Timestamp,
    /// It had begun by the end of the first bad run.
    pub begun_by: Timestamp,
    /// It still lasted when the last bad run began.
    pub lasted_until: Timestamp,
    /// Latest possible end: when the first good run after it ended; the end of the period, or of what was due so far,
    /// when there is none.
    pub not_after: Timestamp,
    /// Shortest duration.
    pub low: Micros,
    /// Longest duration.
    pub high: Micros,
    /// Bad runs.
    pub runs: u64,
    /// No good run follows within the period: it may still last.
    pub open: bool,
}

/// Failures of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureRow {
    /// `bad` or `lost`.
    pub verdict: String,
    /// The class.
    pub class: String,
    /// Who has to act.
    pub blame: Blame,
    /// How many slots.
    pub count: u64,
    /// Share of the recorded slots of the flow.
    pub share: f64,
    /// Start of the first.
    pub first: Timestamp,
    /// Start of the last.
    pub last: Timestamp,
    /// Where it happened, the most frequent first.
    pub places: Vec<FailurePlace>,
    /// By vantage, by name.
    pub vantages: BTreeMap<VantageName, u64>,
    /// The first few runs, for `doorstep explain`.
    pub examples: Vec<RunId>,
    /// What the first of them said; secrets hidden.
    pub message: Option<String>,
}

/// Where failures of one class happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailurePlace {
    /// The step that failed.
    pub step: Option<StepName>,
    /// The phase that failed or was cut off.
    pub phase: Option<Phase>,
    /// How many.
    pub count: u64,
}
