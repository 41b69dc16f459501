//! The Beta distribution, for any number of events. (The functions of general libraries stop after a fixed number of
//! terms, which is too early for millions of events.)

use statrs::function::gamma::ln_gamma;

/// Terms after which the fraction is given up; it needs about the square root of the larger shape.
const MOST_TERMS: u32 = 100_000;

/// P(Beta(a, b) <= x): the regularised incomplete beta function I_x(a, b) by its continued fraction (NIST DLMF
/// 8.17.22), evaluated by Lentz's method on the side of the mean where it converges fast.
///
/// Shapes must be positive.
pub(super) fn cdf(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) { 1.0 - lower_tail(b, a, 1.0 - x) } else { lower_tail(a, b, x) }
}

fn lower_tail(a: f64, b: f64, x: f64) -> f64 {
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    front * fraction(a, b, x)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..MOST_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            result *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

/// The `x` with P(Beta(a, b) <= x) = `p`, by bisection: slower than Newton's method, and never astray.
pub(super) fn quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if cdf(a, b, middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Beta, ContinuousCDF};

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_an_independent_implementation(a in 0.5..500.0_f64, b in 0.5..500.0_f64, x in 0.001..0.999_f64) {
            let theirs = Beta::new(a, b).unwrap().cdf(x);
            prop_assert!((cdf(a, b, x) - theirs).abs() < 1e-9, "{} {theirs}", cdf(a, b, x));
        }

        #[test]
        fn quantile_inverts_the_distribution(a in 0.5..5e5_f64, b in 0.5..5e3_f64, p in 0.001..0.999_f64) {
            prop_assert!((cdf(a, b, quantile(a, b, p)) - p).abs() < 1e-6);
        }
    }

    #[test]
    fn millions_of_events_converge() {
        // A symmetric Beta has its median at one half, whatever its size.
        for size in [1e3, 1e5, 1e7] {
            assert!((cdf(size, size, 0.5) - 0.5).abs() < 1e-6, "{size}");
        }
    }
}
