//! What the databases behind the logins are set to: the latest audit, and what changed in the period.

use serde::{Deserialize, Serialize};

use crate::audit::{Audit, Drift};

/// The audit of one database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// The latest by the end of the period, since when each finding has held included.
    pub audit: Audit,
    /// Snapshots that were kept in the period.
    pub snapshots: u64,
    /// What the snapshots of the period show to have changed, by time.
    pub drift: Vec<Drift>,
}
