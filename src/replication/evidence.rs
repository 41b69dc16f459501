//! How sightings become a finding: how often and how long a rule must have been seen before it holds, and how long it
//! must be gone before it has ended. Knows times and sightings, no rule and no server.
//!
//! What cannot be judged leaves everything as it was: silence is neither health nor evidence.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Severity;

/// A finding has ended once it was not seen for this long, in two samples or more: so a rule that flickers is one
/// episode, not ten.
const GONE_FOR: SignedDuration = SignedDuration::from_secs(3);

/// What a rule says of one sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Look {
    /// It is seen.
    Holds(Sighting),
    /// It is not.
    Clear,
    /// What it needs to know is not known now.
    Blind,
}

/// What was seen, in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sighting {
    /// How grave.
    pub severity: Severity,
    /// One clause that says it all, without a full stop: `commits wait for standby ..`.
    pub clause: String,
    /// The values behind it.
    pub values: String,
    /// What it means for logins.
    pub logins: String,
    /// The likely fix.
    pub fix: String,
}

/// How much must be seen before a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// In every sample over at least this long, and in at least so many; one sample without it ends it.
    Until {
        /// Samples.
        samples: u8,
        /// From the first to the last of them.
        over: SignedDuration,
    },
    /// In every sample over at least this long, and in at least so many.
    Every {
        /// Samples.
        samples: u8,
        /// From the first to the last of them.
        over: SignedDuration,
    },
    /// As `Every`, but as slots lie: anywhere in their interval, so that some of them may be nearer by an interval than they
    /// would be by the clock. Asked for exactly, three slots of a second each would let the jitter decide whether two
    /// seconds take a fourth.
    Slots {
        /// Samples.
        samples: u8,
        /// From the first to the last of them, if they came by the clock.
        over: SignedDuration,
    },
    /// In at least so many samples, with others between, within this long: for what is there for a moment only.
    Several {
        /// Samples.
        samples: u8,
        /// From the first to the last of them; also how long after the last one it still holds.
        within: SignedDuration,
    },
}

impl Need {
    /// In every sample over at least so many milliseconds, and in at least so many.
    pub(super) const fn every(samples: u8, millis: i64) -> Self {
        Self::Every { samples, over: SignedDuration::from_millis(millis) }
    }

    /// The need at slots of this interval.
    pub(super) fn at_slots_of(self, interval: Duration) -> Self {
        let Self::Slots { samples, over } = self else { return self };
        let interval = SignedDuration::try_from(interval).unwrap_or(SignedDuration::MAX);
        Self::Every { samples, over: over.saturating_sub(interval).max(SignedDuration::ZERO) }
    }
}

/// The sightings of one rule on one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    run: Option<Run>,
}

/// Sightings that belong together.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// The first sighting.
    pub from: Timestamp,
    /// The last sighting.
    pub last: Timestamp,
    /// How many.
    pub samples: u64,
    /// Enough was seen.
    pub held: bool,
    /// The last sighting's words.
    pub now: Sighting,
    /// The gravest sighting's words; the last of the gravest.
    pub gravest: Sighting,
    /// The last sightings' times, as many as are needed.
    recent: VecDeque<Timestamp>,
    /// The first sample in which it was gone, and how many have followed in a row.
    pub gone: Option<(Timestamp, u32)>,
}

impl Track {
    /// What holds now, or is about to.
    pub(super) fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// Takes what a rule said of the sample that was asked for at `at`. Two sightings further apart than `gap` are no
    /// evidence of what was between them. Returns what ended.
    pub(super) fn take(&mut self, need: Need, at: Timestamp, gap: SignedDuration, look: Look) -> Option<Run> {
        match look {
            Look::Holds(sighting) => self.seen(need, at, gap, sighting),
            Look::Clear => return self.not_seen(need, at),
            Look::Blind => {}
        }
        None
    }

    fn seen(&mut self, need: Need, at: Timestamp, gap: SignedDuration, sighting: Sighting) {
        let allowed = match need {
            Need::Every { .. } | Need::Slots { .. } | Need::Until { .. } => gap,
            Need::Several { within, .. } => within,
        };
        if self.run.as_ref().is_some_and(|run| !run.held && at.duration_since(run.last) > allowed) {
            self.run = None;
        }
        let run = self.run.get_or_insert_with(|| Run::new(at, sighting.clone()));
        run.samples += 1;
        run.last = at;
        run.gone = None;
        if sighting.severity >= run.gravest.severity {
            run.gravest = sighting.clone();
        }
        run.now = sighting;
        run.weigh(need);
    }

    fn not_seen(&mut self, need: Need, at: Timestamp) -> Option<Run> {
        let run = self.run.as_mut()?;
        let (since, samples) = run.gone.get_or_insert((at, 0));
        *samples += 1;
        let over = match need {
            Need::Until { .. } => true,
            Need::Every { .. } | Need::Slots { .. } => {
                !run.held || (*samples >= 2 && at.duration_since(*since) >= GONE_FOR)
            }
            Need::Several { within, .. } => at.duration_since(run.last) > within,
        };
        if over { self.run.take().filter(|run| run.held) } else { None }
    }
}

impl Run {
    fn new(at: Timestamp, sighting: Sighting) -> Self {
        Self {
            from: at,
            last: at,
            samples: 0,
            held: false,
            now: sighting.clone(),
            gravest: sighting,
            recent: VecDeque::new(),
            gone: None,
        }
    }

    /// Decides whether enough was seen, the sighting at `last` included.
    fn weigh(&mut self, need: Need) {
        match need {
            Need::Every { samples, over } | Need::Slots { samples, over } | Need::Until { samples, over } => {
                self.held |= self.samples >= u64::from(samples) && self.last.duration_since(self.from) >= over;
            }
            Need::Several { samples, within } => {
                self.recent.push_back(self.last);
                if self.recent.len() > usize::from(samples) {
                    self.recent.pop_front();
                }
                let near = self.last.duration_since(self.recent[0]) <= within;
                let enough = near && self.recent.len() >= usize::from(samples);
                if enough && !self.held {
                    self.from = self.recent[0];
                }
                self.held |= enough;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: SignedDuration = SignedDuration::from_secs(5);
    const WAIT: Need = Need::every(3, 4000);
    const NOW_AND_THEN: Need = Need::Several { samples: 2, within: SignedDuration::from_secs(30) };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn sighting(severity: Severity) -> Look {
        Look::Holds(Sighting {
            severity,
            clause: String::new(),
            values: String::new(),
            logins: String::new(),
            fix: String::new(),
        })
    }

    /// The instants at which a rule began to hold and ended, for one letter each `step` milliseconds: `x` seen, `.`
    /// not seen, `?` cannot be judged, a blank no sample at all.
    fn story(need: Need, step: i64, letters: &str) -> Vec<(i64, &'static str)> {
        let (mut track, mut told, mut held) = (Track::default(), Vec::new(), false);
        for (place, letter) in letters.chars().enumerate() {
            let now = i64::try_from(place).unwrap() * step;
            let look = match letter {
                'x' => sighting(Severity::Critical),
                '.' => Look::Clear,
                '?' => Look::Blind,
                _ => continue,
            };
            let ended = track.take(need, at(now), GAP, look);
            let holds = track.run().is_some_and(|run| run.held);
            if holds && !held {
                told.push((now, "holds"));
            }
            if let Some(run) = ended {
                told.push((run.gone.unwrap().0.as_millisecond() - at(0).as_millisecond(), "ended"));
            }
            held = holds;
        }
        told
    }

    #[test]
    fn five_of_five_samples_a_second_apart_are_needed() {
        assert_eq!(story(WAIT, 1000, "..xxxx.xxxx."), []);
        assert_eq!(story(WAIT, 1000, "..xxxxx"), [(6000, "holds")]);
    }

    #[test]
    fn what_counts_is_time_and_not_the_interval() {
        assert_eq!(story(WAIT, 250, "xxxxxxxxxxxxxxxxxxx"), [(4000, "holds")]);
        assert_eq!(story(WAIT, 2000, "xxx"), [(4000, "holds")]);
        assert_eq!(story(WAIT, 4000, "xxx"), [(8000, "holds")], "three samples at least");
    }

    #[test]
    fn it_ends_when_it_was_gone_for_three_seconds() {
        assert_eq!(story(WAIT, 1000, "xxxxx..xx...x....x"), [(4000, "holds"), (13000, "ended")]);
    }

    #[test]
    fn what_one_sample_disproves_ends_with_it() {
        let until = Need::Until { samples: 3, over: SignedDuration::from_secs(2) };
        assert_eq!(story(until, 1000, "xx.xxx.x"), [(5000, "holds"), (6000, "ended")]);
    }

    #[test]
    fn silence_is_neither_evidence_nor_health() {
        assert_eq!(story(WAIT, 1000, "xx   x"), [(5000, "holds")], "a hole of four seconds is within the allowed one");
        assert_eq!(story(WAIT, 1000, "xx???x"), [(5000, "holds")]);
        assert_eq!(story(WAIT, 1000, "xx      x"), [], "a longer one is no evidence");
        assert_eq!(story(WAIT, 1000, "xx??????x"), []);
        assert_eq!(story(WAIT, 1000, "xxxxx????????????"), [(4000, "holds")], "and what held has not ended");
        assert_eq!(story(WAIT, 1000, "xxxxx                x"), [(4000, "holds")]);
    }

    #[test]
    fn what_is_seen_now_and_then_holds_for_as_long() {
        assert_eq!(story(NOW_AND_THEN, 10_000, "x....x"), []);
        assert_eq!(story(NOW_AND_THEN, 10_000, "x.x...."), [(20_000, "holds"), (30_000, "ended")]);
        assert_eq!(story(NOW_AND_THEN, 10_000, "x.x..x"), [(20_000, "holds")]);
    }
}
