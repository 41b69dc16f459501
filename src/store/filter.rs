//! Which runs a reader wants.

use jiff::Timestamp;

use crate::model::{FlowName, Run, RunKind, VantageName};

/// A choice of runs. An empty list chooses all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// The first slot.
    pub from: Timestamp,
    /// The end of the range: slots before it.
    pub to: Timestamp,
    /// Flows.
    pub flows: Vec<FlowName>,
    /// Vantages.
    pub vantages: Vec<VantageName>,
    /// Kinds.
    pub kinds: Vec<RunKind>,
}

impl RunFilter {
    /// All runs with a slot in `from..to`.
    #[must_use]
    pub fn between(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, flows: Vec::new(), vantages: Vec::new(), kinds: Vec::new() }
    }

    /// All runs.
    #[must_use]
    pub fn everything() -> Self {
        Self::between(Timestamp::MIN, Timestamp::MAX)
    }

    /// Whether the filter chooses this run.
    #[must_use]
    pub fn admits(&self, run: &Run) -> bool {
        (self.from..self.to).contains(&run.slot)
            && (self.flows.is_empty() || self.flows.contains(&run.flow))
            && (self.kinds.is_empty() || self.kinds.contains(&run.kind))
            && self.admits_vantage(&run.vantage)
    }

    /// Whether the filter chooses runs of this vantage.
    #[must_use]
    pub fn admits_vantage(&self, vantage: &VantageName) -> bool {
        self.vantages.is_empty() || self.vantages.contains(vantage)
    }
}
