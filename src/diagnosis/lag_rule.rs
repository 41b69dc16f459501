//! The alarm that everybody sets up, replayed over the same samples: would "replication lag" have told? Commits that hang
//! write no WAL, so that a lag in bytes cannot grow while every login fails.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Answer, Facts, Micros, PostgresFacts, Sample};

/// The usual threshold of a lag in bytes: one segment of WAL as it is built.
pub const LAG_BYTES: u64 = 16 * 1024 * 1024;
/// The usual threshold of a lag in time.
pub const LAG_TIME: Micros = Micros(30_000_000);

/// What the usual rules about lag would have done with the samples of a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagRules {
    /// Samples that hold a lag in bytes.
    pub samples: u64,
    /// The largest lag in bytes of any standby, as its primary sees it; `None` when no sample held one.
    pub bytes: Option<u64>,
    /// When [`LAG_BYTES`] was first exceeded.
    pub bytes_fired: Option<Timestamp>,
    /// The largest lag in time: since the last commit that was replayed, 0 where all that was received is replayed.
    pub time: Option<Micros>,
    /// When [`LAG_TIME`] was first exceeded.
    pub time_fired: Option<Timestamp>,
}

/// Replays both rules over the samples between two instants.
pub(super) fn lag_rules(samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> LagRules {
    let mut rules = LagRules::default();
    for sample in samples.iter().filter(|one| (from..=to).contains(&one.started)) {
        let Answer::Facts(facts) = &sample.answer else { continue };
        let (bytes, time) = match &**facts {
            Facts::PostgreSql(facts) => (bytes(facts), time(facts)),
            Facts::MariaDb(facts) => (None, facts.replica.as_ref().and_then(|link| link.behind)),
        };
        rules.samples += u64::from(bytes.is_some());
        rules.bytes = rules.bytes.max(bytes);
        rules.time = rules.time.max(time);
        rules.bytes_fired = first(rules.bytes_fired, bytes.is_some_and(|bytes| bytes > LAG_BYTES), sample.started);
        rules.time_fired = first(rules.time_fired, time.is_some_and(|time| time > LAG_TIME), sample.started);
    }
    rules
}

fn first(known: Option<Timestamp>, fires: bool, at: Timestamp) -> Option<Timestamp> {
    if fires { Some(known.map_or(at, |known| known.min(at))) } else { known }
}

/// The largest lag that a primary sees of its standbys.
fn bytes(facts: &PostgresFacts) -> Option<u64> {
    facts.links.iter().filter_map(|link| link.behind).max()
}

/// The lag that a standby sees of itself.
fn time(facts: &PostgresFacts) -> Option<Micros> {
    let replay = facts.replay.as_ref()?;
    let caught_up = facts.received.is_some() && facts.received == facts.position;
    if caught_up { Some(Micros(0)) } else { replay.last_commit_age }
}
