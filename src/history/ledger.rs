//! What is kept of every run until the end: thirty-two bytes, in order of slot and attempt.
//!
//! Runs mostly come in that order and are appended. The few that do not, and those whose times no thirty-two bytes can
//! hold, are kept beside them, and whoever looks sees one order.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use jiff::Timestamp;

use crate::model::{BadClass, Blame, Micros, Phase, Retries, Run, RunKind, StepName, Verdict};

/// One run, or the one that counts among the attempts of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The slot.
    pub slot: Timestamp,
    /// The attempt.
    pub attempt: u16,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// Login time, as far as it got.
    pub login: Option<Micros>,
    /// Where it failed: an index into the ledger's places.
    pub place: u16,
}

impl Outcome {
    /// A limit cut it off: its login took at least [`Outcome::login`].
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.verdict == Verdict::Bad(BadClass::Timeout)
    }

    /// A login was let in that must not be.
    #[must_use]
    pub fn is_security_failure(&self) -> bool {
        self.verdict.blame() == Some(Blame::Security)
    }

    /// Smaller is better; a verdict beats a lost run.
    fn badness(&self) -> (u8, u16) {
        let rank = match self.verdict {
            Verdict::Good => 0,
            Verdict::Bad(_) => 1,
            Verdict::Lost(_) => 2,
        };
        (rank, self.attempt)
    }
}

/// Where a run failed.
pub type Place = (Option<StepName>, Option<Phase>);

/// All runs of one series. Equal identities collapse.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In strictly ascending order.
    records: Vec<Record>,
    /// Runs that came too late to be appended, and those that no record can hold. No key of `records` is here.
    beside: BTreeMap<(i64, u16), Outcome>,
    places: Vec<Place>,
}

/// A run in little space. Times are whole microseconds, which is all that is recorded.
#[derive(Debug, Clone, Copy)]
struct Record {
    slot: i64,
    /// From the slot to the start.
    late: i32,
    /// From the start to the end.
    elapsed: u32,
    /// [`NO_LOGIN`] when there is none.
    login: u32,
    attempt: u16,
    place: u16,
    verdict: Verdict,
}

const NO_LOGIN: u32 = u32::MAX;

impl Record {
    /// `None` for times that do not fit.
    fn of(outcome: &Outcome) -> Option<Self> {
        let (slot, started) = (outcome.slot.as_microsecond(), outcome.started.as_microsecond());
        let login = match outcome.login {
            None => NO_LOGIN,
            Some(login) => u32::try_from(login.0).ok().filter(|&login| login != NO_LOGIN)?,
        };
        Some(Self {
            slot,
            late: i32::try_from(started.checked_sub(slot)?).ok()?,
            elapsed: u32::try_from(outcome.ended.as_microsecond().checked_sub(started)?).ok()?,
            login,
            attempt: outcome.attempt,
            place: outcome.place,
            verdict: outcome.verdict,
        })
    }

    fn key(&self) -> (i64, u16) {
        (self.slot, self.attempt)
    }

    fn outcome(&self) -> Outcome {
        let started = self.slot + i64::from(self.late);
        Outcome {
            slot: instant(self.slot),
            attempt: self.attempt,
            started: instant(started),
            ended: instant(started.saturating_add(i64::from(self.elapsed))),
            verdict: self.verdict,
            login: (self.login != NO_LOGIN).then(|| Micros(u64::from(self.login))),
            place: self.place,
        }
    }
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// The records and what is kept beside them, as one.
fn in_order<'a>(
    records: &'a [Record],
    beside: Range<'a, (i64, u16), Outcome>,
) -> impl Iterator<Item = Outcome> + use<'a> {
    let (mut records, mut beside) = (records.iter().peekable(), beside.peekable());
    std::iter::from_fn(move || {
        let is_next = |record: &&Record| beside.peek().is_none_or(|(key, _)| record.key() < **key);
        match records.next_if(is_next) {
            Some(record) => Some(record.outcome()),
            None => beside.next().map(|(_, outcome)| *outcome),
        }
    })
}

impl Outcome {
    fn key(&self) -> (i64, u16) {
        (self.slot.as_microsecond(), self.attempt)
    }
}

/// The end of a run that began at `started` and took `elapsed`.
#[must_use]
pub fn end_of(started: Timestamp, elapsed: Micros) -> Timestamp {
    instant(started.as_microsecond().saturating_add(i64::try_from(elapsed.0).unwrap_or(i64::MAX)))
}

/// No more than this is set apart before a run is seen: a week of a login every second, or so.
const MOST_EXPECTED: u64 = 1_000_000;

impl Ledger {
    /// A ledger of about so many runs: space is set apart, since a list that doubles as it grows takes more.
    #[must_use]
    pub fn with_capacity(runs: u64) -> Self {
        let runs = runs.min(MOST_EXPECTED) as usize;
        Self { records: Vec::with_capacity(runs + runs / 16), ..Self::default() }
    }

    /// Takes a run with its login time; false when it was known already.
    pub fn record(&mut self, run: &Run, login: Option<Micros>) -> bool {
        let failure = run.failure.as_ref();
        let place = (failure.and_then(|f| f.step.clone()), failure.and_then(|f| f.phase));
        let outcome = Outcome {
            slot: run.slot,
            attempt: run.attempt,
            started: run.started,
            ended: end_of(run.started, run.elapsed),
            verdict: run.verdict,
            login,
            place: self.place_index(place),
        };
        self.push(outcome)
    }

    /// Takes an outcome whose place is an index that [`Ledger::place_index`] of this ledger gave; false when it was
    /// known already.
    pub fn push(&mut self, outcome: Outcome) -> bool {
        let key = outcome.key();
        let is_last = self.records.last().is_none_or(|last| last.key() < key);
        let known = !is_last && self.records.binary_search_by_key(&key, Record::key).is_ok();
        if known || self.beside.contains_key(&key) {
            return false;
        }
        match Record::of(&outcome).filter(|_| is_last) {
            Some(record) => self.records.push(record),
            None => _ = self.beside.insert(key, outcome),
        }
        true
    }

    /// Takes all runs of another ledger of the same series; how many were not known yet.
    pub fn append(&mut self, other: &Self) -> u64 {
        let places: Vec<u16> = other.places.iter().map(|place| self.place_index(place.clone())).collect();
        self.records.reserve(other.records.len());
        let mut fresh = 0;
        for outcome in other.all() {
            let place = places.get(usize::from(outcome.place)).copied().unwrap_or(outcome.place);
            fresh += u64::from(self.push(Outcome { place, ..outcome }));
        }
        fresh
    }

    /// The index by which outcomes name a place.
    pub fn place_index(&mut self, place: Place) -> u16 {
        let known = self.places.iter().position(|known| *known == place);
        let index = known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// Where an outcome of this ledger failed.
    #[must_use]
    pub fn place(&self, outcome: &Outcome) -> Place {
        self.places.get(usize::from(outcome.place)).cloned().unwrap_or_default()
    }

    /// How many runs, attempts included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() + self.beside.len()
    }

    /// Whether there is no run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last slot with a run.
    #[must_use]
    pub fn last_slot(&self) -> Option<Timestamp> {
        let beside = self.beside.last_key_value().map(|((slot, _), _)| *slot);
        self.records.last().map(|record| record.slot).max(beside).map(instant)
    }

    /// Every run, attempts included, in order of slot and attempt.
    pub fn all(&self) -> impl Iterator<Item = Outcome> + '_ {
        in_order(&self.records, self.beside.range(..))
    }

    /// Every run whose slot lies from `from` on and before `to`, in the same order.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Outcome> + '_ {
        let [first, end] = [from, to.max(from)].map(|instant| (instant.as_microsecond(), 0));
        let place = |key| self.records.partition_point(|record| record.key() < key);
        in_order(&self.records[place(first)..place(end)], self.beside.range(first..end))
    }

    /// How many runs have a slot from `from` on and before `to`, attempts included.
    #[must_use]
    pub fn len_between(&self, from: Timestamp, to: Timestamp) -> usize {
        let [first, end] = [from, to.max(from)].map(|instant| (instant.as_microsecond(), 0));
        let place = |key| self.records.partition_point(|record| record.key() < key);
        place(end) - place(first) + self.beside.range(first..end).count()
    }

    /// One outcome per slot, in order: the attempt that counts. No policy hides that a wrong password was let in.
    #[must_use]
    pub fn outcomes(&self, kind: RunKind, retries: Retries) -> Vec<Outcome> {
        chosen(Vec::with_capacity(self.len()), self.all(), kind, retries)
    }

    /// As [`Ledger::outcomes`], of the slots from an instant until before another.
    #[must_use]
    pub fn outcomes_between(&self, kind: RunKind, retries: Retries, from: Timestamp, to: Timestamp) -> Vec<Outcome> {
        chosen(Vec::new(), self.between(from, to), kind, retries)
    }
}

fn chosen(
    mut chosen: Vec<Outcome>,
    runs: impl Iterator<Item = Outcome>,
    kind: RunKind,
    retries: Retries,
) -> Vec<Outcome> {
    // A re-probe looks where a failure was: alone, after its slot's own run was lost from the record, it stands for nobody.
    let first_only = (kind, retries) == (RunKind::Login, Retries::FirstAttempt);
    for run in runs.filter(|run| !first_only || run.attempt == 0) {
        match chosen.last_mut().filter(|last| last.slot == run.slot) {
            None => chosen.push(run),
            Some(last) => {
                let better = match (kind, retries) {
                    (RunKind::WrongPassword, _) => run.is_security_failure() && !last.is_security_failure(),
                    (RunKind::Login, Retries::FirstAttempt) => false,
                    (RunKind::Login, Retries::BestAttempt) => run.badness() < last.badness(),
                };
                if better {
                    *last = run;
                }
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::LostClass;

    fn outcome() -> impl Strategy<Value = Outcome> {
        let time = prop_oneof![
            4 => 1_795_000_000_000_000..1_795_000_000_000_020_i64,
            1 => -9_000_000_000_000_000..9_000_000_000_000_000_i64
        ];
        let length = prop_oneof![4 => 0..40_000_000_u64, 1 => any::<u64>()];
        let verdict = prop_oneof![
            Just(Verdict::Good),
            Just(Verdict::Bad(BadClass::Timeout)),
            Just(Verdict::Lost(LostClass::Aborted))
        ];
        let login = prop::option::of(length.clone());
        (time.clone(), 0..3_u16, time, length, verdict, login).prop_map(
            |(slot, attempt, started, elapsed, verdict, login)| Outcome {
                slot: instant(slot),
                attempt,
                started: instant(started),
                ended: end_of(instant(started), Micros(elapsed)),
                verdict,
                login: login.map(Micros),
                place: 0,
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_is_kept_once_and_in_order(all in prop::collection::vec(outcome(), 0..40)) {
            let (mut ledger, mut known) = (Ledger::default(), BTreeMap::new());
            for outcome in &all {
                let fresh = !known.contains_key(&outcome.key());
                prop_assert_eq!(ledger.push(*outcome), fresh);
                known.entry(outcome.key()).or_insert(*outcome);
            }
            prop_assert_eq!(ledger.all().collect::<Vec<_>>(), known.values().copied().collect::<Vec<_>>());
            prop_assert_eq!(ledger.last_slot(), known.values().map(|outcome| outcome.slot).next_back());
            let mut copy = Ledger::default();
            prop_assert_eq!(copy.append(&ledger), known.len() as u64);
            prop_assert_eq!(copy.append(&ledger), 0);
            prop_assert_eq!(copy.all().collect::<Vec<_>>(), ledger.all().collect::<Vec<_>>());
            let (from, to) = (instant(1_795_000_000_000_003), instant(1_795_000_000_000_011));
            let within: Vec<_> = ledger.all().filter(|one| from <= one.slot && one.slot < to).collect();
            prop_assert_eq!(ledger.len_between(from, to), within.len());
            prop_assert_eq!(ledger.between(from, to).collect::<Vec<_>>(), within);
            prop_assert_eq!(ledger.between(to, from).count(), 0);
        }
    }

    #[test]
    fn a_run_takes_thirty_two_bytes() {
        assert_eq!(size_of::<Record>(), 32);
    }
}
