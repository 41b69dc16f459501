//! Units. Durations that were measured are microseconds in a type of their own, never a bare number.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A measured duration in whole microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// The same duration in milliseconds, for people.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The difference, or zero when `other` is longer.
    #[must_use]
    pub fn saturating_sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }
}

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(micros: Micros) -> Self {
        Duration::from_micros(micros.0)
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Micros>>(all: I) -> Micros {
        all.fold(Micros(0), Add::add)
    }
}

impl fmt::Display for Micros {
    /// Three significant digits in the unit that reads best: `850 µs`, `12.3 ms`, `4.50 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis_f64();
        let text = match self.0 {
            0..1_000 => format!("{} µs", self.0),
            1_000..10_000 => format!("{millis:.2} ms"),
            10_000..100_000 => format!("{millis:.1} ms"),
            100_000..1_000_000 => format!("{millis:.0} ms"),
            _ => format!("{:.2} s", millis / 1000.0),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let shown = |micros| Micros(micros).to_string();
        assert_eq!(shown(850), "850 µs");
        assert_eq!(shown(1_234), "1.23 ms");
        assert_eq!(shown(12_345), "12.3 ms");
        assert_eq!(shown(123_456), "123 ms");
        assert_eq!(shown(4_500_000), "4.50 s");
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(Micros(u64::MAX) + Micros(1), Micros(u64::MAX));
        assert_eq!([Micros(1), Micros(2)].into_iter().sum::<Micros>(), Micros(3));
    }
}
