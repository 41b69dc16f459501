//! The rules by which failures become incidents: what an alarm is worth, and what it looks for.

use serde::{Deserialize, Serialize};

use super::units::Micros;

/// The rules of detection (slo.md F17 and section 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionRules {
    /// False alarms of one flow per year that are accepted while the background is what it was; above 0.
    pub false_alarms_per_year: f64,
    /// The same for what is seen from one place only, all vantages of a flow together; above 0.
    pub notices_per_year: f64,
    /// The smallest failing share that is looked for (p1), when the background is far enough below it.
    pub failing_share: f64,
    /// The background failing share (p0) while too few probes are known to measure it.
    pub background: f64,
    /// The smallest background that is believed: weeks without a failure do not prove that there is none.
    pub background_floor: f64,
    /// A good login that takes longer is slow. `None`: the threshold of the flow's latency objective, else twice the
    /// median of its vantage and at least a quarter of a second longer.
    pub slow: Option<Micros>,
}

impl Default for DetectionRules {
    fn default() -> Self {
        Self {
            false_alarms_per_year: 1.0,
            notices_per_year: 1.0,
            failing_share: 0.05,
            background: 0.005,
            background_floor: 0.001,
            slow: None,
        }
    }
}
