//! The stamp of a set of runs: the same for the same runs in any order. It tells data apart; it is no signature.

use crate::model::{Micros, Revision, Run};

/// A sum of one well mixed number per run, so that order does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    runs: u64,
    sum: u128,
}

impl Stamp {
    /// Adds a run: its identity and what was measured, of which the login time is known to a reader without steps.
    pub(super) fn add(&mut self, run: &Run, login_time: Option<Micros>) {
        let spelling = run.verdict.class().unwrap_or_else(|| run.verdict.as_str());
        let verdict = u64::from(crc32fast::hash(spelling.as_bytes()));
        let (high, low) = halves(u128::from_be_bytes(*run.id.as_bytes()));
        let measured = [
            verdict,
            run.started.as_microsecond().cast_unsigned(),
            run.elapsed.0,
            login_time.map_or(u64::MAX, |time| time.0),
        ];
        let left = measured.iter().fold(high, |state, &word| mix(state ^ word));
        let right = measured.iter().fold(low, |state, &word| mix(state.wrapping_add(word)));
        self.runs += 1;
        self.sum = self.sum.wrapping_add(u128::from(left) << 64 | u128::from(right));
    }

    /// Adds all runs of another, none of which may be in both.
    pub(super) fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// How many runs.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// As it is written beside the number of runs, and read back.
    pub(super) fn sum(&self) -> String {
        format!("{:032x}", self.sum)
    }

    /// From what [`Stamp::runs`] and [`Stamp::sum`] gave.
    pub(super) fn from_parts(runs: u64, sum: &str) -> Option<Self> {
        Some(Self { runs, sum: u128::from_str_radix(sum, 16).ok()? })
    }

    /// The stamp as text.
    pub(super) fn revision(&self) -> Revision {
        Revision::of(format!("runs {} {:032x}", self.runs, self.sum).as_bytes())
    }
}

fn halves(number: u128) -> (u64, u64) {
    ((number >> 64) as u64, number as u64)
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): every bit of
/// the input changes about half the bits of the output.
fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
