//! How long the worker itself did not get to run: a machine that starves, a clock that stands, a task that hogs a thread.
//! A run that suffered from it must not be blamed on the service.
//!
//! A task asks to be woken every ten milliseconds; being woken late is lag. The longest lag since any instant is found
//! in a queue whose lags fall from old to new: a new one removes all older ones that are not longer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_millis(10);
/// Longer than any run may take.
const KEPT: Duration = Duration::from_secs(3600);

/// Measures lag until it is told to stop.
#[derive(Clone)]
pub(super) struct Meter(Arc<Mutex<Lags>>);

struct Lags {
    /// When the measuring task should run next.
    expected: Instant,
    /// (when it was noticed, how long), lags falling from old to new.
    longest: VecDeque<(Instant, Duration)>,
    stopped: bool,
}

impl Meter {
    /// Starts to measure, until `stop`.
    pub(super) fn start(stop: CancellationToken) -> Self {
        let meter = Self::new(Instant::now());
        let measured = meter.clone();
        tokio::spawn(async move {
            let mut expected = Instant::now() + PERIOD;
            while stop.run_until_cancelled(sleep_until(expected)).await.is_some() {
                expected = measured.tick(Instant::now());
            }
            measured.0.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        });
        meter
    }

    fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Lags { expected: now + PERIOD, longest: VecDeque::new(), stopped: false })))
    }

    /// Notes that the measuring task runs, and says when it should run again.
    fn tick(&self, now: Instant) -> Instant {
        let mut lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = now.saturating_duration_since(lags.expected);
        while lags.longest.back().is_some_and(|&(_, other)| other <= lag) {
            lags.longest.pop_back();
        }
        lags.longest.push_back((now, lag));
        while lags.longest.front().is_some_and(|&(noticed, _)| now.saturating_duration_since(noticed) > KEPT) {
            lags.longest.pop_front();
        }
        lags.expected = now + PERIOD;
        lags.expected
    }

    /// The longest lag from `since` to `now`, one that has not ended included.
    pub(super) fn longest_since(&self, since: Instant, now: Instant) -> Duration {
        let lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lags.longest.partition_point(|&(noticed, _)| noticed < since);
        let noticed = lags.longest.get(first).map_or(Duration::ZERO, |&(_, lag)| lag);
        let under_way = if lags.stopped { Duration::ZERO } else { now.saturating_duration_since(lags.expected) };
        noticed.max(under_way).min(now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lag_that_is_still_under_way_counts() {
        let start = Instant::now();
        let meter = Meter::new(start);
        let later = start + Duration::from_millis(310);
        assert_eq!(meter.longest_since(start, later), Duration::from_millis(300));
        meter.tick(later);
        assert_eq!(meter.longest_since(start, later), Duration::from_millis(300));
        assert_eq!(meter.longest_since(later + Duration::from_millis(1), later + PERIOD), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_blocked_thread_is_noticed() {
        let stop = CancellationToken::new();
        let meter = Meter::start(stop.clone());
        tokio::time::sleep(PERIOD * 2).await;
        let begun = Instant::now();
        std::thread::sleep(Duration::from_millis(80));
        assert!(meter.longest_since(begun, Instant::now()) >= Duration::from_millis(60));
        stop.cancel();
    }

    proptest! {
        #[test]
        fn it_is_the_maximum_of_all_ticks_since(
            gaps in prop::collection::vec(0_u64..500, 1..60), since in 0_usize..60,
        ) {
            let mut now = Instant::now();
            let begin = now;
            let meter = Meter::new(now);
            let mut noticed = Vec::new();
            for gap in gaps {
                now += PERIOD + Duration::from_millis(gap);
                meter.tick(now);
                noticed.push((now, Duration::from_millis(gap)));
            }
            let since = noticed.get(since).map_or(begin, |&(at, _)| at);
            let longest = noticed.iter().filter(|&&(at, _)| at >= since).map(|&(_, lag)| lag).max().unwrap();
            prop_assert_eq!(meter.longest_since(since, now), longest.min(now - since));
        }
    }
}
