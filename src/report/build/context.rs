//! What a report is told beside the runs of its period: it cannot be read off them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::impact::AffectedPeople;
use crate::incident::{Incident, IncidentId};
use crate::model::{FlowName, NotedEvent, ObjectiveName};
use crate::report::model::{AuditReport, DatabaseReport, DetectionReport, SignIns, StepBaseline, Window};
use crate::slo::Tally;

/// Everything beside the runs of the period. What is not known is left out, and the report says so.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Incidents that touch the period, in order of time.
    pub incidents: Vec<Incident>,
    /// People whom each incident met.
    pub people: BTreeMap<IncidentId, AffectedPeople>,
    /// What the databases behind the logins said, in their configured order; empty when none was watched.
    pub databases: Vec<DatabaseReport>,
    /// What they are set to, in their configured order; empty when no snapshot was kept.
    pub audits: Vec<AuditReport>,
    /// Sign-ins that were expected in the period, and those that failed.
    pub sign_ins: BTreeMap<ObjectiveName, SignIns>,
    /// The failing share that the detector took as background at most.
    pub backgrounds: BTreeMap<FlowName, f64>,
    /// How well incidents were seen.
    pub detection: Option<DetectionReport>,
    /// What people noted, in order of time; those shortly before the period included.
    pub events: Vec<NotedEvent>,
    /// The periods before, the oldest first.
    pub past: Vec<PastPeriod>,
    /// The worst windows of the periods before.
    pub past_windows: BTreeMap<ObjectiveName, Vec<Window>>,
    /// Step times of the weeks before.
    pub baselines: Vec<StepBaseline>,
}

/// A period before the reported one.
#[derive(Debug, Clone, PartialEq)]
pub struct PastPeriod {
    /// What it is called.
    pub label: String,
    /// Its first instant.
    pub start: Timestamp,
    /// Good and bad events of each objective.
    pub tallies: BTreeMap<ObjectiveName, Tally>,
    /// Incidents of each flow; `None` when nobody looked.
    pub incidents: Option<BTreeMap<FlowName, u64>>,
}
