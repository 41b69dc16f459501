//! People and attempts: who fails tries again, so that failed requests overstate people (F13; own derivation, the bias
//! that it corrects is described by Hauer et al., NSDI 2020).

use crate::model::{ActivityClass, Micros};

/// What people with a habit of trying again do during an outage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Attempts {
    /// Attempts of people whose first one fell into the outage, retries within it included.
    pub attempts: f64,
    /// Failed ones among them.
    pub failed: f64,
    /// People with at least one failed attempt.
    pub affected: f64,
    /// People whose every attempt failed.
    pub locked_out: f64,
    /// Affected people who got in later.
    pub delayed: f64,
}

/// Attempts of people who try again at these offsets from their first attempt, ascending, each failing with
/// `failing_share` while the outage lasts and succeeding after it. `intents_before_end(o)` is the number of people whose
/// first attempt lies in the outage, at least `o` before its end.
///
/// Attempt j fails for I(o_j) q^(j+1) people, and is made by I(o_(j-1)) q^j: with all offsets zero, affected = I q,
/// locked out = I q^(r+1), attempts = I (1 - q^(r+1)) / (1 - q). Who can try again after the end is delayed, not lost.
#[must_use]
pub fn with_retries(intents_before_end: impl Fn(Micros) -> f64, failing_share: f64, retries: &[Micros]) -> Attempts {
    let all = intents_before_end(Micros(0));
    let mut attempts = Attempts { attempts: all, ..Attempts::default() };
    // People who failed at every attempt so far.
    let mut failing = all * failing_share;
    attempts.affected = failing;
    attempts.failed = failing;
    let mut power = failing_share;
    for &offset in retries {
        attempts.attempts += failing;
        power *= failing_share;
        failing = intents_before_end(offset) * power;
        attempts.failed += failing;
    }
    attempts.locked_out = failing;
    attempts.delayed = attempts.affected - failing;
    attempts
}

/// The failing share between `low` and `high` at which the number of delayed people is largest: delayed(q) = I q - L
/// q^(r+1) first rises and then falls. `intents` is I, `last` is L, the people whose last attempt falls into the outage.
#[must_use]
pub fn most_delayed_at(intents: f64, last: f64, retries: usize, (low, high): (f64, f64)) -> f64 {
    if retries == 0 || last <= 0.0 {
        return high;
    }
    let rising_until = (intents / (last * (retries as f64 + 1.0))).powf(1.0 / retries as f64);
    rising_until.clamp(low, high)
}

/// Distinct people out of `users` whom `failures` failed intents hit, all equally likely: U (1 - exp(-I q / U)) (F13).
/// Nobody out of nobody.
#[must_use]
pub fn distinct(users: f64, failures: f64) -> f64 {
    if users > 0.0 { users * -(-failures / users).exp_m1() } else { 0.0 }
}

/// The same by classes of activity: one class overstates, since the same few sign in again and again.
#[must_use]
pub fn distinct_by_activity(users: f64, failures: f64, classes: &[ActivityClass]) -> f64 {
    if classes.is_empty() {
        return distinct(users, failures);
    }
    classes.iter().map(|class| distinct(users * class.users, failures * class.sign_ins)).sum()
}

/// The share of people with a session whose session ends during an outage: outage / lifetime, never more than all.
/// Everybody else notices nothing.
#[must_use]
pub fn sessions_met(outage_seconds: f64, session_seconds: f64) -> f64 {
    (outage_seconds / session_seconds).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nobody_is_counted_twice(
            rate in 0.0..100.0_f64, seconds in 0.0..10_000.0_f64, q in 0.0..=1.0_f64,
            mut offsets in prop::collection::vec(0..20_000_000_000_u64, 0..5),
        ) {
            offsets.sort_unstable();
            let retries: Vec<Micros> = offsets.into_iter().map(Micros).collect();
            let intents = |offset: Micros| rate * (seconds - offset.0 as f64 / 1e6).max(0.0);
            let all = with_retries(intents, q, &retries);
            prop_assert!((all.affected - all.locked_out - all.delayed).abs() < 1e-6);
            prop_assert!(all.delayed >= -1e-9 && all.locked_out >= 0.0);
            prop_assert!(all.failed + 1e-9 >= all.affected && all.attempts + 1e-9 >= all.failed);
            let most = most_delayed_at(intents(Micros(0)), intents(retries.last().copied().unwrap_or_default()), retries.len(), (0.0, 1.0));
            prop_assert!(with_retries(intents, most, &retries).delayed + 1e-6 >= all.delayed);
        }

        #[test]
        fn distinct_people_are_at_most_the_failures_and_the_users(users in 1.0..1e6_f64, failures in 0.0..1e6_f64) {
            let hit = distinct(users, failures);
            prop_assert!(hit <= users + 1e-9 && hit <= failures + 1e-6 && hit >= 0.0);
        }
    }
}
