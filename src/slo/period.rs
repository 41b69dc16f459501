//! Calendar periods: from one instant to another, named in an IANA zone (F19).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A span of time that is reported on: from `start` until before `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// IANA name of the zone in which people name it.
    pub zone: String,
    /// How people call it: `2026-W47`, or its two ends in local time.
    pub label: String,
}

impl Period {
    /// Its exact length in seconds: 167, 168 or 169 hours for a week.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end.duration_since(self.start).as_secs_f64()
    }

    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }
}
