//! What is simulated: the script as validated types. `read` parses its YAML.
//!
//! ```yaml
//! seed: 7
//! from: 2024-02-26
//! to: 14d                                      # since `from`, or an instant
//! vantages:
//!   - { name: frankfurt, labels: { region: eu } }
//!   - { name: ohio, labels: { region: us }, pace: 1.4 }        # 1.4 times as slow
//! flows:
//!   - { name: shop-login, interval: 60s, background: 0.0005, accounts: 10 }
//! outages:
//!   - { from: 8d 9h, to: 8d 10h, share: 0.8, users: same, step: submit, class: timeout, rises: 5m }
//! slow:
//!   - { from: 8d 8h, to: 8d 9h, factor: 6, rises: 50m }
//! prober:
//!   - { from: 3d, to: 3d 1h, trouble: silent, at: [ohio] }
//! demand: { per_hour: 9000, users: 50000, retries: 3 }
//! ```

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{BadClass, FlowName, LostClass, Micros, Phase, Revision, StepName, StepRole, Vantage};

/// A whole script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Decides all draws.
    pub seed: u64,
    /// The first instant that may hold a slot.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Where probes come from, in the order that staggers them.
    pub vantages: Vec<SimulatedVantage>,
    /// What is probed.
    pub flows: Vec<SimulatedFlow>,
    /// When the service fails.
    pub outages: Vec<Outage>,
    /// When it is slow.
    pub slow: Vec<Slow>,
    /// When the prober itself is in trouble.
    pub prober: Vec<ProberFault>,
    /// Whether a failure is looked at again.
    pub reprobe: Option<Reprobe>,
    /// Who else signs in.
    pub demand: Option<Demand>,
}

/// A place that probes from.
#[derive(Debug, Clone)]
pub struct SimulatedVantage {
    /// Name and labels.
    pub vantage: Vantage,
    /// Multiplies its network times; 1 for a near one.
    pub pace: f64,
}

/// A way to log in, as a probe meets it.
#[derive(Debug, Clone)]
pub struct SimulatedFlow {
    /// Name.
    pub name: FlowName,
    /// The revision that its runs carry.
    pub revision: Revision,
    /// One slot lies in each interval.
    pub interval: Duration,
    /// Longest time of a run.
    pub timeout: Duration,
    /// Share of logins that fail while nothing is wrong.
    pub background: f64,
    /// Share of runs that the prober loses while nothing is wrong.
    pub lost: f64,
    /// Test accounts, used in turn; at least one.
    pub accounts: usize,
    /// Standard deviation of the logarithm of every duration.
    pub spread: f64,
    /// Median of the name resolution.
    pub dns: Micros,
    /// Median of the TCP handshake.
    pub connect: Micros,
    /// Median of the TLS handshake.
    pub tls: Micros,
    /// Median of receiving an answer.
    pub receive: Micros,
    /// The steps, at least one.
    pub steps: Vec<SimulatedStep>,
}

/// One step of a login.
#[derive(Debug, Clone)]
pub struct SimulatedStep {
    /// Name, unique within the flow.
    pub name: StepName,
    /// What it means for a user.
    pub role: StepRole,
    /// Median wait for the first byte of each of its answers.
    pub wait: Micros,
    /// HTTP exchanges, at least one.
    pub hops: u16,
}

/// What a line of the script is about: indices of vantages and flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// For each vantage, whether it is met.
    pub vantages: Vec<bool>,
    /// For each flow, whether it is met.
    pub flows: Vec<bool>,
}

impl Reach {
    /// Whether a vantage's probes of a flow are met.
    #[must_use]
    pub fn meets(&self, vantage: usize, flow: usize) -> bool {
        self.vantages.get(vantage).copied().unwrap_or(false) && self.flows.get(flow).copied().unwrap_or(false)
    }
}

/// Who fails when a share of the users does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Every attempt is drawn for itself: trying again may help.
    Attempts,
    /// The same users fail as long as it lasts: trying again does not help.
    Users,
}

/// A span in which the service fails.
#[derive(Debug, Clone)]
pub struct Outage {
    /// What it is called in the truth.
    pub name: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub to: Timestamp,
    /// Share of logins that fail at its height, 0 to 1.
    pub share: f64,
    /// How long the share takes to grow from 0; part of the span.
    pub rises: Duration,
    /// How long it takes to shrink to 0; part of the span.
    pub falls: Duration,
    /// Who fails.
    pub draw: Draw,
    /// Where.
    pub reach: Reach,
    /// The step that fails, by flow; `None` in flows that are not met.
    pub steps: Vec<Option<usize>>,
    /// What the failure is classified as.
    pub class: BadClass,
    /// Status of the failing answer; for classes that come with an answer.
    pub status: u16,
    /// The phase that hangs; for timeouts.
    pub phase: Phase,
}

/// A span in which the service is slow, and succeeds.
#[derive(Debug, Clone)]
pub struct Slow {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub to: Timestamp,
    /// Multiplies the waits at its height.
    pub factor: f64,
    /// How long the factor takes to grow from 1; part of the span.
    pub rises: Duration,
    /// How long it takes to shrink to 1; part of the span.
    pub falls: Duration,
    /// Where.
    pub reach: Reach,
    /// The only step that is slow; every one when `None`.
    pub step: Option<StepName>,
}

/// What befalls the prober.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProberTrouble {
    /// Its runs are recorded as lost.
    Lost(LostClass),
    /// It records nothing at all.
    Silent,
    /// It reaches nothing, and takes that for the service's fault.
    CutOff,
}

/// A span in which the prober itself is in trouble.
#[derive(Debug, Clone)]
pub struct ProberFault {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub to: Timestamp,
    /// Share of runs that suffer, 0 to 1.
    pub share: f64,
    /// What happens.
    pub trouble: ProberTrouble,
    /// Where.
    pub reach: Reach,
}

/// How a failure is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reprobe {
    /// From the end of one attempt to the begin of the next.
    pub every: Duration,
    /// It stops after so many good ones in a row.
    pub until_good: u16,
    /// Most extra attempts in any hour at one vantage and flow.
    pub per_hour: usize,
}

/// Everybody else who signs in. Probes are no part of it.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Expected sign-ins for each hour of the week, Monday 0:00 first: 168 numbers.
    pub week: Vec<f64>,
    /// The zone of these hours.
    pub zone: TimeZone,
    /// How many people they come from.
    pub users: u64,
    /// How often somebody tries again.
    pub retries: u32,
    /// Which part of them is where; at least one.
    pub segments: Vec<SegmentOfDemand>,
}

/// A part of the users, and the vantages at which the service is to them as it is to its probes.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentOfDemand {
    /// Name.
    pub name: String,
    /// Share of all sign-ins; the shares add up to 1.
    pub share: f64,
    /// For each vantage, whether it stands for these users.
    pub vantages: Vec<bool>,
}

impl Script {
    /// Ends the script where about so many runs are due, at the earliest one second after its begin.
    pub fn end_after(&mut self, runs: u64) {
        let per_second: f64 = self.flows.iter().map(|flow| 1.0 / flow.interval.as_secs_f64()).sum::<f64>();
        let seconds = runs as f64 / (per_second * self.vantages.len() as f64);
        let micros = (seconds.max(1.0) * 1e6).min(i64::MAX as f64 / 4.0) as i64;
        let end = Timestamp::from_microsecond(self.from.as_microsecond().saturating_add(micros));
        self.to = end.unwrap_or(self.to);
    }
}
