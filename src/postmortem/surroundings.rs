//! What lies around an incident: its logins and those of an hour before and after it, whether a good one came before it,
//! what counts as slow, and what failed while nothing was wrong. Read off a history; knows no store.

use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Outcome};
use crate::incident::{Background, Incident, Minute, Symptom};
use crate::model::{FlowName, Micros, RunKind, Verdict};

/// How much before the earliest start and after the latest end is looked at.
pub const AROUND: SignedDuration = SignedDuration::from_hours(1);

const MINUTE: i64 = 60_000_000;

/// What became of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It succeeded, and took this long.
    Good(Micros),
    /// It failed before any limit cut it off.
    Failed,
    /// A limit cut it off: how long it would have taken is unknown.
    TimedOut,
}

/// A scheduled login with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Its slot.
    pub at: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

/// What lies around an incident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// Logins of its flows from an hour before it to an hour after it, in order of time.
    pub logins: Vec<Login>,
    /// From here on a login is slow, where somebody has set it.
    pub slow_from: Option<Micros>,
    /// What failed, or was slow, in clean hours, by flow.
    pub background: Vec<Background>,
}

impl Surroundings {
    /// Reads what lies around an incident. `slow_from` is the threshold that its rules set for slow logins.
    #[must_use]
    pub fn of(incident: &Incident, history: &History, background: &[Background], slow_from: Option<Micros>) -> Self {
        let from = moved(incident.start.earliest.max(moved(incident.first_failing, -AROUND)), -AROUND);
        let to = moved(incident.end.latest, AROUND);
        let mut around = Self { slow_from, ..Self::default() };
        let own = |flow: &FlowName| incident.flows.contains(flow);
        for (_, ledger) in history.ledgers().filter(|(series, _)| series.kind == RunKind::Login && own(&series.flow)) {
            around.logins.extend(ledger.between(from, to).filter(|outcome| outcome.attempt == 0).filter_map(login));
        }
        around.logins.sort_by_key(|login| login.at);
        let same = |one: &&Background| own(&one.flow) && one.symptom == incident.symptom;
        around.background = background.iter().filter(same).cloned().collect();
        around
    }

    /// Failing logins by minute, from the first login around to the last, minutes without one included.
    #[must_use]
    pub fn minutes(&self) -> Vec<Minute> {
        let minute_of = |login: &Login| login.at.as_microsecond().div_euclid(MINUTE);
        let (Some(first), Some(last)) = (self.logins.first().map(minute_of), self.logins.last().map(minute_of)) else {
            return Vec::new();
        };
        let start = |minute: i64| Timestamp::from_microsecond(minute * MINUTE).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut minutes: Vec<Minute> =
            (first..=last).map(|minute| Minute { start: start(minute), n: 0, failing: 0 }).collect();
        for login in &self.logins {
            let minute = &mut minutes[(minute_of(login) - first) as usize];
            minute.n += 1;
            minute.failing += u64::from(!matches!(login.fate, Fate::Good(_)));
        }
        minutes
    }

    /// Whether the failing share around an incident can be told: for slow logins the incident's own minutes are all.
    #[must_use]
    pub fn tells_failures(&self, incident: &Incident) -> bool {
        incident.symptom == Symptom::Failing && !self.logins.is_empty()
    }
}

fn login(outcome: Outcome) -> Option<Login> {
    let fate = match outcome.verdict {
        Verdict::Good => Fate::Good(outcome.login?),
        Verdict::Bad(_) if outcome.timed_out() => Fate::TimedOut,
        Verdict::Bad(_) => Fate::Failed,
        Verdict::Lost(_) => return None,
    };
    Some(Login { at: outcome.slot, fate })
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_hold_every_login_and_those_without_one() {
        let login = |second: i64, fate| Login { at: Timestamp::from_second(second).unwrap(), fate };
        let around = Surroundings {
            logins: vec![login(5, Fate::Good(Micros(1))), login(30, Fate::TimedOut), login(125, Fate::Failed)],
            ..Surroundings::default()
        };
        let counts: Vec<_> = around.minutes().iter().map(|minute| (minute.n, minute.failing)).collect();
        assert_eq!(counts, [(2, 1), (0, 0), (1, 1)]);
        assert!(Surroundings::default().minutes().is_empty());
    }
}
