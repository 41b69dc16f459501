//! What is kept of every run until the end: little, fixed in size, and sorted by slot.

use std::collections::BTreeMap;

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
    runs: BTreeMap<(i64, u16), Outcome>,
    places: Vec<Place>,
}

impl Ledger {
    /// Takes a run with its login time; false when it was known already.
    pub fn record(&mut self, run: &Run, login: Option<Micros>) -> bool {
        let key = (run.slot.as_microsecond(), run.attempt);
        if self.runs.contains_key(&key) {
            return false;
        }
        let failure = run.failure.as_ref();
        let place = (failure.and_then(|f| f.step.clone()), failure.and_then(|f| f.phase));
        let elapsed = i64::try_from(run.elapsed.0).unwrap_or(i64::MAX);
        let ended = run.started.as_microsecond().saturating_add(elapsed);
        let outcome = Outcome {
            slot: run.slot,
            attempt: run.attempt,
            started: run.started,
            ended: Timestamp::from_microsecond(ended).unwrap_or(Timestamp::MAX),
            verdict: run.verdict,
            login,
            place: self.place_index(place),
        };
        self.runs.insert(key, outcome);
        true
    }

    fn place_index(&mut self, place: Place) -> u16 {
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

    /// Every run, attempts included, in order of slot.
    pub fn all(&self) -> impl Iterator<Item = &Outcome> {
        self.runs.values()
    }

    /// One outcome per slot, in order: the attempt that counts. No policy hides that a wrong password was let in.
    #[must_use]
    pub fn outcomes(&self, kind: RunKind, retries: Retries) -> Vec<Outcome> {
        let mut chosen: Vec<Outcome> = Vec::new();
        for &run in self.runs.values() {
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
}
