//! The only caller of `now()`: everything else takes the time as an argument or holds a [`Clock`].
//!
//! Wall time only stamps. Durations come from the monotonic clock (`std::time::Instant`, or tokio's where time may be
//! paused in a test) and are never computed from two wall times.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A wall clock: the system's, or one that a test moves by hand.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
    Following { origin: tokio::time::Instant, micros: Arc<AtomicI64> },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until its hand is moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Hand) {
        let micros = Arc::new(AtomicI64::new(start.as_microsecond()));
        (Self(Source::Manual(Arc::clone(&micros))), Hand(micros))
    }

    /// A clock that runs with tokio's time, which a test may pause; moving its hand is a step of the clock. To be
    /// called inside a runtime.
    #[must_use]
    pub fn following(start: Timestamp) -> (Self, Hand) {
        let micros = Arc::new(AtomicI64::new(start.as_microsecond()));
        let origin = tokio::time::Instant::now();
        (Self(Source::Following { origin, micros: Arc::clone(&micros) }), Hand(micros))
    }

    /// The time now, in whole microseconds, as records hold it.
    ///
    /// # Panics
    /// When a manual clock was moved out of the range of timestamps.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Source::System => Timestamp::now().as_microsecond(),
            Source::Manual(micros) => micros.load(Ordering::SeqCst),
            Source::Following { origin, micros } => {
                let passed = i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX);
                micros.load(Ordering::SeqCst).saturating_add(passed)
            }
        };
        Timestamp::from_microsecond(micros).expect("a clock within the range of timestamps")
    }
}

/// Moves a manual clock, in either direction.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    /// Moves the clock by `step`, which may be negative.
    pub fn advance(&self, step: SignedDuration) {
        let micros = i64::try_from(step.as_micros()).unwrap_or(0);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_microsecond(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_goes_both_ways() {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let (clock, hand) = Clock::manual(start);
        hand.advance(SignedDuration::from_secs(5));
        assert_eq!(clock.now().to_string(), "2026-11-23T10:00:05Z");
        hand.advance(SignedDuration::from_secs(-10));
        assert_eq!(clock.now().to_string(), "2026-11-23T09:59:55Z");
    }
}
