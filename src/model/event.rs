//! What people write down beside the measurements: events, and corrections of what counts. Both are entries that are
//! never changed, only added, each with its author and the time at which it was made.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{FlowName, VantageName};
use super::spelling::spelled;

spelled!(
    /// What kind of thing happened.
    EventKind {
        /// A release or configuration change.
        Deploy = "deploy",
        /// A switch to another server, region or provider.
        Failover = "failover",
        /// Planned work.
        Maintenance = "maintenance",
        /// Somebody was told: a page, a ticket, a call.
        Notification = "notification",
        /// The public was told.
        Statement = "statement",
        /// Something was done about an outage.
        Mitigation = "mitigation",
        /// Anything else.
        Note = "note",
    }
);

/// Something that happened, as noted by a person or a deployment tool. A neighbour in time, never a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What kind.
    pub kind: EventKind,
    /// What happened, in one line.
    pub text: String,
    /// Who says so.
    pub author: String,
    /// When it was entered.
    pub entered: Timestamp,
}

spelled!(
    /// What an exclusion does to the runs that it covers (slo.md F20: three modes that must not be confused).
    ExclusionMode {
        /// The time is taken out of the period: fewer slots are due, and the budget shrinks with the period.
        DropTime = "drop_time",
        /// The runs are taken out of the counts; the period and its budget stay.
        DropEvents = "drop_events",
        /// The runs count as good, whatever they say.
        CountAsGood = "count_as_good",
    }
);

/// A correction: runs in a span of time that count otherwise than measured. Reports show raw beside adjusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// What it does.
    pub mode: ExclusionMode,
    /// Flows that it covers; none: all.
    pub flows: Vec<FlowName>,
    /// Vantages that it covers; none: all.
    pub vantages: Vec<VantageName>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
    /// When it was entered. After the end of what it covers, reports flag it as made afterwards.
    pub entered: Timestamp,
}

impl Exclusion {
    /// Whether it was entered only after what it covers had begun.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.entered > self.from
    }

    /// Whether it covers a slot.
    #[must_use]
    pub fn covers(&self, flow: &FlowName, vantage: &VantageName, slot: Timestamp) -> bool {
        (self.from..self.to).contains(&slot)
            && (self.flows.is_empty() || self.flows.contains(flow))
            && (self.vantages.is_empty() || self.vantages.contains(vantage))
    }
}
