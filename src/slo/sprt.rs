//! Sequential tests and runs of failures (F18): how Wald's test weighs single probes, and how often chance alone raises
//! the rules that count failures in a row or at once.

/// Limits of Wald's sequential probability ratio test (Annals of Mathematical Statistics 16, 1945): the outage is accepted
/// at ln((1 - beta) / alpha), rejected at ln(beta / (1 - alpha)).
#[must_use]
pub fn sprt_limits(alpha: f64, beta: f64) -> (f64, f64) {
    (((1.0 - beta) / alpha).ln(), (beta / (1.0 - alpha)).ln())
}

/// What a failure and a success add to the test of the failing share `p1` against `p0`: ln(p1/p0) and
/// ln((1-p1)/(1-p0)).
#[must_use]
pub fn sprt_steps(p0: f64, p1: f64) -> (f64, f64) {
    ((p1 / p0).ln(), ((1.0 - p1) / (1.0 - p0)).ln())
}

/// The mean number of probes until `k` failures in a row, each with probability `p`: (1 - p^k) / ((1 - p) p^k)
/// (Feller, An Introduction to Probability Theory, volume 1, XIII.7).
#[must_use]
pub fn run_length(k: u32, p: f64) -> f64 {
    let all = p.powi(i32::try_from(k).unwrap_or(i32::MAX));
    if p >= 1.0 { f64::from(k) } else { (1.0 - all) / ((1.0 - p) * all) }
}

/// Alarms per second of "at least k of the latest results of n vantages are bad", while each probe fails with probability
/// `p` once per `interval` seconds: a failure completes the k when k - 1 or more of the others are bad, n / T x p x
/// P(Bin(n - 1, p) >= k - 1).
#[must_use]
pub fn quorum_rate(k: u32, n: u32, p: f64, interval: f64) -> f64 {
    let others = n.saturating_sub(1);
    let mut chance = (1.0 - p).powi(i32::try_from(others).unwrap_or(i32::MAX));
    let mut at_least = 1.0;
    for bad in 0..k.saturating_sub(1) {
        at_least -= chance;
        chance *= f64::from(others.saturating_sub(bad)) / f64::from(bad + 1) * p / (1.0 - p);
    }
    f64::from(n) / interval * p * at_least.max(0.0)
}
