//! How a failing share went on over time: the same throughout, growing, falling, or in bursts. Two tests that are in
//! every book, on logins in order of time; the load on the service is not known to probes.

use serde::{Deserialize, Serialize};

use crate::incident::Share;
use crate::slo::{Tally, difference};

/// How a failing share went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Every login failed.
    All,
    /// Too few failed, or too few did not, to tell.
    TooFew,
    /// No difference over time could be shown.
    Constant,
    /// More failed in the later half than in the earlier one.
    Growing,
    /// Fewer did.
    Falling,
    /// Failures stand together in time more than chance would have it.
    Bursts,
}

/// The shape with what it was read off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The shape.
    pub shape: Shape,
    /// Failing ones among the first half of the logins.
    pub early: Share,
    /// Among the second half.
    pub late: Share,
    /// Stretches of failures, each between good logins.
    pub stretches: u64,
}

/// Of each kind as many are needed to say how a share went on.
const ENOUGH: usize = 5;

/// Standard deviations below the expected number of runs: by chance in one of 200 cases.
const FEWER: f64 = -2.576;

/// Reads the course off logins in order of time, each `true` when it failed.
pub(super) fn course(failed: &[bool], confidence: f64) -> Course {
    let (first, second) = failed.split_at(failed.len() / 2);
    let of =
        |half: &[bool]| Share::new(half.len() as u64, half.iter().filter(|failed| **failed).count() as u64, confidence);
    let (early, late) = (of(first), of(second));
    let stretches = failed.chunk_by(|one, other| one == other).filter(|chunk| chunk[0]).count() as u64;
    let bad = failed.iter().filter(|failed| **failed).count();
    let shape = match (bad, failed.len() - bad) {
        (1.., 0) => Shape::All,
        (bad, good) if bad < ENOUGH || good < ENOUGH => Shape::TooFew,
        _ => match moved(&early, &late, confidence) {
            Some(shape) => shape,
            None if runs_score(failed) < FEWER => Shape::Bursts,
            None => Shape::Constant,
        },
    };
    Course { shape, early, late, stretches }
}

/// Growing or falling, when the interval of the difference of the halves (Newcombe) leaves out zero.
fn moved(early: &Share, late: &Share, confidence: f64) -> Option<Shape> {
    // What is "good" to the tally is a failing login here.
    let tally = |share: &Share| Tally { good: share.failing, bad: share.n - share.failing };
    let (_, interval) = difference(tally(late), tally(early), confidence)?;
    match (interval.low > 0.0, interval.high < 0.0) {
        (true, _) => Some(Shape::Growing),
        (_, true) => Some(Shape::Falling),
        _ => None,
    }
}

/// How many standard deviations the number of runs (stretches of one kind) lies from what chance would give (Wald and
/// Wolfowitz, Annals of Mathematical Statistics 1940).
fn runs_score(failed: &[bool]) -> f64 {
    let n = failed.len() as f64;
    let bad = failed.iter().filter(|failed| **failed).count() as f64;
    let good = n - bad;
    let runs = failed.chunk_by(|one, other| one == other).count() as f64;
    let mean = 2.0 * bad * good / n + 1.0;
    let variance = (mean - 1.0) * (mean - 2.0) / (n - 1.0);
    (runs - mean) / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(failed: impl Iterator<Item = bool>) -> Shape {
        course(&failed.collect::<Vec<_>>(), 0.95).shape
    }

    /// The same numbers for ever, evenly spread between 0 and 1.
    fn chance(index: u64) -> f64 {
        crate::model::SplitMix::of(&[index]).unit()
    }

    #[test]
    fn a_share_by_chance_is_constant_and_one_that_grows_grows() {
        for share in [0.2, 0.5, 0.815] {
            assert_eq!(shape((0..400).map(|index| chance(index) < share)), Shape::Constant, "{share}");
        }
        assert_eq!(shape((0..400).map(|index| chance(index) < index as f64 / 400.0)), Shape::Growing);
        assert_eq!(shape((0..400).map(|index| chance(index) > index as f64 / 400.0)), Shape::Falling);
    }

    #[test]
    fn bursts_are_told_from_chance_and_everything_from_nearly_everything() {
        // A standby that is away for seven of each ten logins in a row.
        assert_eq!(shape((0..100).map(|index| index % 10 < 7)), Shape::Bursts);
        assert_eq!(course(&[true, true, false, true, false, false], 0.95).stretches, 2);
        assert_eq!(shape((0..54).map(|_| true)), Shape::All);
        assert_eq!(shape((0..60).map(|index| index != 30)), Shape::TooFew);
        assert_eq!(shape(std::iter::empty()), Shape::TooFew);
    }

    #[test]
    fn the_runs_test_agrees_with_the_other_form_of_its_formula() {
        // 15 of one kind, 10 of the other, 11 runs; the variance in its other usual form.
        let lengths = [3, 2, 3, 2, 2, 2, 2, 2, 2, 2, 3];
        let failed: Vec<bool> =
            lengths.iter().enumerate().flat_map(|(index, length)| vec![index % 2 == 0; *length]).collect();
        let (bad, good) = (15.0, 10.0);
        assert_eq!(failed.iter().filter(|failed| **failed).count(), 15);
        let mean: f64 = 2.0 * bad * good / 25.0 + 1.0;
        let variance = 2.0 * bad * good * (2.0 * bad * good - 25.0) / (25.0 * 25.0 * 24.0);
        assert!((runs_score(&failed) - (11.0 - mean) / variance.sqrt()).abs() < 1e-12);
    }
}
