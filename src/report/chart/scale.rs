//! Logarithmic axes: durations by decade, and availability by the number of nines.

use super::canvas::Tick;

/// A logarithmic axis from the smallest of some values to the largest.
pub(super) struct LogScale {
    low: f64,
    high: f64,
}

impl LogScale {
    /// The axis that holds these values, those that are not above zero left out; 1 to 10 when there are none.
    pub(super) fn spanning(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        let low = if low.is_finite() { low } else { 1.0 };
        Self { low, high: if high > low { high } else { low * 10.0 } }
    }

    /// Where a value lies, 0 to 1 within the axis.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
    }
}

/// An axis of availability on which each step up is ten times fewer failures: 0 %, 90 %, 99 %, 99.9 %. What never
/// failed has no logarithm and stands on the upper edge.
pub(super) struct Nines {
    steps: f64,
}

/// More nines than probes can tell apart.
const MOST_NINES: f64 = 6.0;

impl Nines {
    /// The smallest axis that shows these availabilities apart from one without failures.
    pub(super) fn holding(values: impl Iterator<Item = f64>) -> Self {
        let nines = |value: f64| -(1.0 - value).log10();
        let steps = values.filter(|value| *value < 1.0).map(|value| nines(value).ceil()).fold(1.0, f64::max);
        Self { steps: steps.clamp(1.0, MOST_NINES) }
    }

    /// Where an availability lies, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        if value >= 1.0 {
            return 1.0;
        }
        // The uppermost half step lies between the last nine and none failed.
        (-(1.0 - value.max(0.0)).log10()).clamp(0.0, self.steps) / (self.steps + 0.5)
    }

    /// 0 %, 90 %, 99 %, ... and 100 % at the upper edge.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let mut ticks: Vec<Tick> = (0..=self.steps as i32)
            .map(|nines| 1.0 - 10_f64.powi(-nines))
            .map(|value| Tick { at: self.place(value), label: crate::report::format::target(value) })
            .collect();
        ticks.push(Tick { at: 1.0, label: "100 %".to_owned() });
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_spans_its_values() {
        let scale = LogScale::spanning([10.0, 0.0, 1000.0].into_iter());
        assert!(scale.place(10.0).abs() < 1e-9 && (scale.place(100.0) - 0.5).abs() < 1e-9);
        assert!((LogScale::spanning(std::iter::empty()).place(10.0) - 1.0).abs() < 1e-9);
        assert!((LogScale::spanning([60.0].into_iter()).place(600.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nines_are_evenly_spaced_and_perfection_is_at_the_edge() {
        let axis = Nines::holding([0.5, 0.9991, 1.0].into_iter());
        let labels: Vec<String> = axis.ticks().into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "100 %"]);
        assert!((axis.place(0.99) - 2.0 * axis.place(0.9)).abs() < 1e-9);
        assert!(axis.place(0.999_999_9) < axis.place(1.0), "a rare failure is not none");
        assert!((axis.place(0.0), axis.place(1.0)) == (0.0, 1.0));
    }
}
