//! A small seeded source of chance, the same on every machine: for scripts, simulations and resampling. Never for
//! secrets.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// The source that a seed decides.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The source that several numbers decide together, so that each run, rule or resample has one of its own.
    #[must_use]
    pub fn of(parts: &[u64]) -> Self {
        let mixed = parts.iter().fold(0, |state, &part| Self(state ^ part).word());
        Self(mixed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to below 1, in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `bound`, which is not 0. The bias of the multiplication is below bound / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Two independent standard normal numbers (Box and Muller, Annals of Mathematical Statistics 29, 1958).
    pub fn normals(&mut self) -> (f64, f64) {
        // 1 - unit is never 0, whose logarithm would be infinite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.unit()).sin_cos();
        (radius * cosine, radius * sine)
    }

    /// An exponential waiting time with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// How many events happen when `mean` are expected (Poisson). Exact: events are drawn one by one, so that the time
    /// grows with the mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut passed, mut events) = (self.exponential(1.0), 0);
        while passed < mean {
            events += 1;
            passed += self.exponential(1.0);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of many draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let all: Vec<f64> = (0..100_000).map(|_| draw()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        (mean, all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64)
    }

    #[test]
    fn the_words_are_those_of_the_published_generator() {
        let mut random = SplitMix::new(1_234_567);
        assert_eq!([random.word(), random.word()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert_ne!(SplitMix::of(&[1, 2]).word(), SplitMix::of(&[2, 1]).word());
    }

    #[test]
    fn the_draws_have_the_moments_of_their_distributions() {
        let mut random = SplitMix::new(5);
        let near = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            let scale = expected.1.sqrt();
            assert!((mean - expected.0).abs() < 0.015 * scale, "mean {mean}, not {}", expected.0);
            assert!((variance / expected.1 - 1.0).abs() < 0.03, "variance {variance}, not {}", expected.1);
        };
        near(moments(|| random.normals().1), (0.0, 1.0));
        near(moments(|| random.exponential(3.0)), (3.0, 9.0));
        near(moments(|| random.poisson(7.5) as f64), (7.5, 7.5));
        near(moments(|| f64::from(u8::from(random.chance(0.2)))), (0.2, 0.16));
        assert_eq!(random.poisson(0.0), 0);
    }
}
