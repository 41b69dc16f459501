//! How much more weeks differ than single probes would let expect: failures inside an outage are not independent (F5).

/// What outages do to the sample of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DesignEffect {
    /// Standard deviation of the failing share from period to period.
    pub deviation: f64,
    /// The same, were each probe to fail by itself with the same share.
    pub independent: f64,
}

impl DesignEffect {
    /// With so many outages a period on average, which begin by chance, last an exponential time of `mean_seconds`, and
    /// fail every probe. The time that is down is then a compound Poisson variable, whose variance is the number of
    /// outages times the mean square of their length, 2 x mean^2 (Ross, Introduction to Probability Models, section
    /// 5.4.2). `period_seconds` and `probes` are above 0.
    #[must_use]
    pub fn new(outages: f64, mean_seconds: f64, period_seconds: f64, probes: u64) -> Self {
        let share = outages * mean_seconds / period_seconds;
        Self {
            deviation: (2.0 * outages).sqrt() * mean_seconds / period_seconds,
            independent: (share * (1.0 - share) / probes as f64).max(0.0).sqrt(),
        }
    }

    /// How many times as many probes it takes to know as much: the ratio of the variances (Kish, Survey Sampling, section
    /// 8.2).
    #[must_use]
    pub fn effect(self) -> f64 {
        (self.deviation / self.independent).powi(2)
    }
}
