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

/// An exclusion counts nowhere any more: it was a mistake. Both entries stay in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The name of the exclusion's entry: see [`ExclusionEntry::id`].
    pub exclusion: String,
    /// The first instant that the exclusion covers.
    pub from: Timestamp,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
    /// When it was entered.
    pub entered: Timestamp,
}

/// An exclusion as it was entered, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionEntry {
    /// Its name: the first 16 hex digits of its content's SHA-256.
    pub id: String,
    /// What was entered.
    #[serde(flatten)]
    pub exclusion: Exclusion,
    /// The first withdrawal of it; `None` for one that is in force.
    pub withdrawn: Option<Withdrawal>,
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

    /// Whether the two cover any common run in different modes, so that nobody could say how it counts.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self.mode != other.mode
            && self.from < other.to
            && other.from < self.to
            && meet(&self.flows, &other.flows)
            && meet(&self.vantages, &other.vantages)
    }
}

/// How exclusions make a run count; `None` when none covers it. Where two contradict each other, which nobody can enter
/// but by writing at the same instant, the one that was entered first holds.
#[must_use]
pub fn mode_at<'e>(
    exclusions: impl IntoIterator<Item = &'e Exclusion>,
    flow: &FlowName,
    vantage: &VantageName,
    slot: Timestamp,
) -> Option<ExclusionMode> {
    let covering = exclusions.into_iter().filter(|exclusion| exclusion.covers(flow, vantage, slot));
    covering.min_by_key(|one| (one.entered, one.from, one.to, one.mode)).map(|exclusion| exclusion.mode)
}

/// Whether two lists of names have one in common; an empty list is all names.
fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|name| b.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_contradict_where_they_meet_in_different_modes() {
        let exclusion = |hours: (i8, i8), mode, flows: &[&str], vantages: &[&str]| Exclusion {
            from: format!("2026-11-20T{:02}:00:00Z", hours.0).parse().unwrap(),
            to: format!("2026-11-20T{:02}:00:00Z", hours.1).parse().unwrap(),
            mode,
            flows: flows.iter().map(|name| name.parse().unwrap()).collect(),
            vantages: vantages.iter().map(|name| name.parse().unwrap()).collect(),
            reason: "work".to_owned(),
            author: "ada".to_owned(),
            entered: "2026-11-20T00:00:00Z".parse().unwrap(),
        };
        use ExclusionMode::{CountAsGood, DropTime};
        let one = exclusion((2, 6), DropTime, &[], &["berlin"]);
        for (other, expected) in [
            (exclusion((5, 9), CountAsGood, &["shop"], &[]), true),
            (exclusion((5, 9), DropTime, &["shop"], &[]), false),
            (exclusion((6, 9), CountAsGood, &["shop"], &[]), false),
            (exclusion((5, 9), CountAsGood, &["shop"], &["tokyo"]), false),
            (exclusion((0, 9), CountAsGood, &[], &["tokyo", "berlin"]), true),
        ] {
            assert_eq!(one.contradicts(&other), expected, "{other:?}");
            assert_eq!(other.contradicts(&one), expected, "{other:?}");
        }
        assert!(!one.is_late() && exclusion((0, 1), DropTime, &[], &[]).from == one.entered);
    }
}
