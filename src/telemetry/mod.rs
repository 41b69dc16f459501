//! What a worker tells about itself: logs, its own metrics, health, and histogram logs on request. Knows runs as data;
//! knows no schedule, no store and no HTTP.

mod exposition;
mod health;
mod histogram;
mod interval_log;
mod log;
mod metrics;
mod protobuf;
mod text;

pub use exposition::{Exposition, Format};
pub use health::{Condition, Health};
pub use histogram::BOUNDS;
pub use interval_log::IntervalLogs;
pub use log::{LogError, LogFormat, start_logging};
pub use metrics::Metrics;

/// What one worker tells about itself.
#[derive(Debug)]
pub struct Telemetry {
    /// Its metrics.
    pub metrics: Metrics,
    /// Its health.
    pub health: Health,
}

impl Telemetry {
    /// A worker at this vantage, in good health.
    #[must_use]
    pub fn new(vantage: crate::model::VantageName) -> Self {
        Self { metrics: Metrics::new(vantage), health: Health::default() }
    }
}
