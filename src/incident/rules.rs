//! What detection is told: the site's rules, and the thresholds that objectives promise.

use std::collections::BTreeMap;

use crate::model::{DetectionRules, FlowName, Micros, Objective};

/// The rules of one detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The site's rules.
    pub detection: DetectionRules,
    /// What each flow's latency objective allows; flows without one are not in it.
    pub thresholds: BTreeMap<FlowName, Micros>,
    /// The confidence of all intervals, two-sided.
    pub confidence: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { detection: DetectionRules::default(), thresholds: BTreeMap::new(), confidence: 0.95 }
    }
}

impl Rules {
    /// The rules for these objectives. Of several latency objectives of a flow the most patient one holds: what takes
    /// longer breaks every promise.
    #[must_use]
    pub fn new(detection: DetectionRules, objectives: &[Objective], confidence: f64) -> Self {
        let mut thresholds: BTreeMap<FlowName, Micros> = BTreeMap::new();
        for objective in objectives {
            if let Some(threshold) = objective.threshold {
                let known = thresholds.entry(objective.flow.clone()).or_insert(threshold.at_most);
                *known = threshold.at_most.max(*known);
            }
        }
        Self { detection, thresholds, confidence }
    }

    /// The threshold of a flow that somebody has set.
    pub(super) fn slow_threshold(&self, flow: &FlowName) -> Option<Micros> {
        self.detection.slow.or_else(|| self.thresholds.get(flow).copied())
    }
}
