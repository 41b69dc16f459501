//! What detection is told: the site's rules, and the thresholds that objectives promise.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::model::{DetectionRules, FlowName, Micros, Objective};

/// The rules of one detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The site's rules.
    pub detection: DetectionRules,
    /// What each flow's latency objective allows; flows without one are not in it.
    pub thresholds: BTreeMap<FlowName, Micros>,
    /// What each flow's objective promises; flows without one are not in it.
    pub targets: BTreeMap<FlowName, f64>,
    /// The confidence of all intervals, two-sided.
    pub confidence: f64,
    /// The zone of the weeks in which charts begin anew: that of the first objective, so that the weeks are those of its
    /// reports, whoever asks.
    pub zone: TimeZone,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            detection: DetectionRules::default(),
            thresholds: BTreeMap::new(),
            targets: BTreeMap::new(),
            confidence: 0.95,
            zone: TimeZone::UTC,
        }
    }
}

impl Rules {
    /// The rules for these objectives. Of several latency objectives of a flow the most patient one holds: what takes
    /// longer breaks every promise.
    #[must_use]
    pub fn new(detection: DetectionRules, objectives: &[Objective], confidence: f64) -> Self {
        let mut thresholds: BTreeMap<FlowName, Micros> = BTreeMap::new();
        let mut targets: BTreeMap<FlowName, f64> = BTreeMap::new();
        for objective in objectives {
            let target = targets.entry(objective.flow.clone()).or_insert(objective.target.share());
            *target = objective.target.share().max(*target);
            if let Some(threshold) = objective.threshold {
                let known = thresholds.entry(objective.flow.clone()).or_insert(threshold.at_most);
                *known = threshold.at_most.max(*known);
            }
        }
        let zone = objectives.first().map_or(TimeZone::UTC, |objective| objective.zone.clone());
        Self { detection, thresholds, targets, confidence, zone }
    }

    /// The strictest promise of a flow; 99.9 % without one.
    pub(super) fn target(&self, flow: &FlowName) -> f64 {
        self.targets.get(flow).copied().unwrap_or(0.999)
    }

    /// The threshold of a flow that somebody has set; without one, a login is slow beyond twice the median of its vantage
    /// and at least a quarter of a second more.
    #[must_use]
    pub fn slow_threshold(&self, flow: &FlowName) -> Option<Micros> {
        self.detection.slow.or_else(|| self.thresholds.get(flow).copied())
    }
}
