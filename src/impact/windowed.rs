//! Windowed availability: the worst availability of any window of each length (F12; minimal cumulative ratio, Hauer et
//! al., "Meaningful availability", NSDI 2020).

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The share of cells between the first and the last one with runs from which on all cells are looked at.
const NEARLY_ALL: f64 = 0.9;

/// The worst window of one length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WorstWindow {
    /// The index of its first cell; of several windows that are equally bad, the first.
    pub first: u64,
    /// Its length in cells (minutes).
    pub cells: u64,
    /// Good over total within it.
    pub availability: f64,
}

/// The bend of the curve: the length of the dominant outage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The shortest window (a power of two) that holds the dominant outage: in longer ones the share of failures falls.
    pub cells: u64,
    /// Failing share x length of that window, in cells: the outage's length, if it was total and each cell weighs alike.
    /// Of cells that are weighted by demand it is no time.
    pub bad_cells: f64,
}

/// Cells of equal length with how much was good and how much there was, in any unit of demand.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    /// Cumulative, one longer than the cells.
    good: Vec<f64>,
    total: Vec<f64>,
}

impl Cells {
    /// Cells from (good, total).
    #[must_use]
    pub fn new(cells: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut good, mut total) = (vec![0.0], vec![0.0]);
        let mut sums = (0.0, 0.0);
        for (here_good, here_total) in cells {
            sums = (sums.0 + here_good, sums.1 + here_total);
            good.push(sums.0);
            total.push(sums.1);
        }
        Self { good, total }
    }

    /// How much was good and how much there was in so many cells from the first one on; nothing beyond the last.
    #[must_use]
    pub fn sum(&self, first: usize, cells: usize) -> (f64, f64) {
        let (from, to) = (first.min(self.len()), first.saturating_add(cells).min(self.len()));
        (self.good[to] - self.good[from], self.total[to] - self.total[from])
    }

    /// The number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.good.len().saturating_sub(1)
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The worst availability of any window of this many cells. Windows without demand say nothing; `None` when there is
    /// no other, or no window of this length.
    #[must_use]
    pub fn worst(&self, cells: usize) -> Option<f64> {
        self.worst_within(cells, &(0..self.len())).map(|(_, availability)| availability)
    }

    /// The same, with the index of the window's first cell, over windows that lie within a range of cells.
    fn worst_within(&self, cells: usize, range: &Range<usize>) -> Option<(usize, f64)> {
        if cells == 0 || cells > range.len() {
            return None;
        }
        let ratio = |from: usize| {
            let total = self.total[from + cells] - self.total[from];
            (total > 1e-9).then(|| (from, ((self.good[from + cells] - self.good[from]) / total).clamp(0.0, 1.0)))
        };
        (range.start..=range.end - cells).filter_map(ratio).min_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// From the first to the last cell with anything in it; all cells where that is nearly all. A window that reaches far
    /// beyond would be named by a length of which nearly nothing is known.
    fn known(&self) -> Range<usize> {
        let filled = |cell: &usize| self.total[cell + 1] > self.total[*cell];
        let (first, last) = ((0..self.len()).find(filled), (0..self.len()).rfind(filled));
        let known = first.zip(last).map_or(0..0, |(first, last)| first..last + 1);
        if known.len() as f64 >= NEARLY_ALL * self.len() as f64 { 0..self.len() } else { known }
    }

    /// The worst window of each power of two, and of the whole.
    #[must_use]
    pub fn curve(&self) -> Vec<WorstWindow> {
        let known = self.known();
        let mut lengths: Vec<usize> =
            (0..usize::BITS).map(|power| 1 << power).take_while(|&w| w < known.len()).collect();
        lengths.push(known.len());
        let point = |&cells: &usize| {
            let (first, availability) = self.worst_within(cells, &known)?;
            Some(WorstWindow { first: first as u64, cells: cells as u64, availability })
        };
        lengths.iter().filter_map(point).collect()
    }
}

/// The knee of a curve: while windows are shorter than the dominant outage, twice the length holds twice the bad time;
/// the knee is the first length from which doubling adds less than the square root of two times. `None` when nothing
/// failed.
#[must_use]
pub fn knee(curve: &[WorstWindow]) -> Option<Knee> {
    let bad = |window: &WorstWindow| (1.0 - window.availability) * window.cells as f64;
    let first = curve.iter().position(|window| bad(window) > 0.0)?;
    let from = &curve[first..];
    let bends = |pair: &[WorstWindow]| {
        let lengths = pair[1].cells as f64 / pair[0].cells as f64;
        bad(&pair[1]) < bad(&pair[0]) * lengths.sqrt()
    };
    let at = from.windows(2).position(bends).unwrap_or(from.len() - 1);
    Some(Knee { cells: from[at].cells, bad_cells: bad(&from[at]) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_availability() {
        assert_eq!(Cells::new([]).curve(), []);
        assert_eq!(Cells::new([(0.0, 0.0), (0.0, 0.0)]).curve(), [], "no demand");
        assert_eq!(knee(&[]), None);
        assert_eq!(knee(&Cells::new([(1.0, 1.0); 9]).curve()), None, "nothing failed");
    }

    #[test]
    fn the_knee_is_the_length_of_the_dominant_outage() {
        // 47 minutes down in a day, and a single bad minute elsewhere.
        let cells = (0..1440).map(|minute| (if (600..647).contains(&minute) || minute == 3 { 0.0 } else { 1.0 }, 1.0));
        let knee = knee(&Cells::new(cells).curve()).unwrap();
        assert_eq!(knee.cells, 64);
        assert!((knee.bad_cells - 47.0).abs() < 1e-6, "{knee:?}");
    }

    #[test]
    fn no_window_is_longer_than_what_is_known() {
        // Of a week of minutes four are known, of which two were bad.
        let cells = (0..10_080).map(|minute| match minute {
            900 | 903 => (1.0, 1.0),
            901 | 902 => (0.0, 1.0),
            _ => (0.0, 0.0),
        });
        let curve = Cells::new(cells).curve();
        let told: Vec<_> = curve.iter().map(|window| (window.first, window.cells, window.availability)).collect();
        assert_eq!(told, [(901, 1, 0.0), (901, 2, 0.0), (900, 4, 0.5)]);
        assert!((knee(&curve).unwrap().bad_cells - 2.0).abs() < 1e-9, "the outage lasted two minutes");
    }

    proptest! {
        #[test]
        fn larger_multiples_never_look_worse(cells in prop::collection::vec(prop::bool::weighted(0.8), 4..80)) {
            let cells = Cells::new(cells.into_iter().map(|good| (f64::from(u8::from(good)), 1.0)));
            for short in 1..=cells.len() / 2 {
                let long = cells.worst(2 * short).unwrap();
                prop_assert!(long + 1e-9 >= cells.worst(short).unwrap());
            }
        }
    }
}
