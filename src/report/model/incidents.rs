//! The incidents of the period, what each cost, and how well they were seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::impact::{Estimate, Figure};
use crate::incident::{Incident, IncidentId};
use crate::model::{Micros, NotedEvent, ObjectiveName};
use crate::slo::Interval;

/// An incident with what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// What was measured.
    pub incident: Incident,
    /// From the first failing probe to the alarm; `None` when nothing alarmed.
    pub seen_after: Option<Micros>,
    /// From the earliest possible start to the alarm; `None` when nothing alarmed.
    pub seen_after_start: Option<Micros>,
    /// What it took from each objective of the flows that it touched.
    pub budget: Vec<BudgetShare>,
    /// Sign-ins that met it, failed or slow, or why that cannot be said; `None` when nobody estimated it.
    pub people: Option<Figure>,
    /// Those among them that never got in; `None` when nobody estimated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_out: Option<Figure>,
    /// Those among them that got in later; `None` when nobody estimated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed: Option<Figure>,
    /// Noted events near its start, in order of time: neighbours, not causes.
    pub near: Vec<NotedEvent>,
}

impl IncidentRow {
    /// Sign-ins that met it; `None` when there is no number.
    #[must_use]
    pub fn people(&self) -> Option<Estimate> {
        self.people.as_ref().and_then(Figure::estimate)
    }
}

/// What an incident took from the error budget of an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetShare {
    /// The objective.
    pub objective: ObjectiveName,
    /// Bad events of the objective within the incident.
    pub bad: u64,
    /// The same as a share of the period's budget.
    pub share: f64,
    /// The same as a share of the budget of four such periods.
    pub share_of_four: f64,
}

/// How well incidents were seen, and what other rules would have done on the same runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionReport {
    /// False alarms per year that the thresholds promise not to exceed, per flow.
    pub promised_per_year: f64,
    /// Years of probing that were watched, all flows together.
    #[serde(default)]
    pub flow_years: f64,
    /// What was taken as background, and the charts that follow from it.
    pub charts: Vec<crate::incident::Background>,
    /// Our own detector first, then the rules that it is compared with.
    pub rules: Vec<RuleRow>,
}

/// The failing share outside of incidents. The promised rate of false alarms holds only while it is below the assumed one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// What the detector assumed at most; `None` when no detector ran.
    pub assumed: Option<f64>,
    /// Runs with a verdict outside of incidents.
    pub n: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// bad / n; `None` without runs.
    pub share: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
}

impl Background {
    /// Whether the thresholds were made for what failed, as far as the interval tells; `None` when it holds what they
    /// assume, so that both are possible, and when nothing is assumed or known.
    #[must_use]
    pub fn is_kept(&self) -> Option<bool> {
        let (assumed, bounds) = (self.assumed?, self.interval?);
        match () {
            () if bounds.high <= assumed => Some(true),
            () if bounds.low > assumed => Some(false),
            () => None,
        }
    }
}

/// What one rule did in the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    /// What it is called.
    pub name: String,
    /// Times that it paged.
    pub pages: u64,
    /// Pages within an incident.
    pub on_incidents: u64,
    /// Pages outside of all incidents; of the own detector's there are none, since incidents are what it found.
    pub elsewhere: u64,
    /// False pages per flow and year, from those elsewhere (Garwood's interval); `None` for the own detector, which
    /// cannot be wrong by its own measure, and when nothing was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_per_year: Option<Interval>,
    /// Pages for what one place alone saw: not wrong, but no outage either.
    pub undecided: u64,
    /// Incidents that it never paged for.
    pub missed: u64,
    /// How long after the first failing probe it paged, per incident; `None` when it did not.
    pub delays: Vec<(IncidentId, Option<Micros>)>,
}

/// A time in which a flow said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_kept_or_not_only_where_its_interval_tells() {
        let kept = |low, high| {
            let interval = Some(Interval { low, high });
            Background { assumed: Some(0.005), n: 1, bad: 0, share: Some(0.0), interval }.is_kept()
        };
        assert_eq!([kept(0.0, 0.004), kept(0.006, 0.1), kept(0.0, 0.057)], [Some(true), Some(false), None]);
        assert_eq!(Background { assumed: None, n: 0, bad: 0, share: None, interval: None }.is_kept(), None);
    }
}
