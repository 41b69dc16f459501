//! What became of the slots at which databases were asked: coverage follows from declarations and samples alone, as it
//! does for flows. Knows nothing of what servers answered.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::expected::held_spans;
use crate::model::{Answer, DatabaseName, Sample, ScheduleDeclaration, ServerName, Unknown, VantageName};

/// One server, asked from one vantage. The order is the order in reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedSeries {
    /// The database.
    pub database: DatabaseName,
    /// The server.
    pub server: ServerName,
    /// Where from.
    pub vantage: VantageName,
}

/// Slots of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Slots due; `None` when nobody declared the series.
    pub expected: Option<u64>,
    /// Slots with a sample, lost ones included.
    pub recorded: u64,
    /// Of these, slots that passed unserved by the prober's own fault.
    pub lost: u64,
    /// Of the recorded ones, slots at which nothing could be learned of the server, for any other reason.
    pub unknown: u64,
}

impl Asked {
    /// Slots due without a sample; 0 when nobody declared the series.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.expected.map_or(0, |expected| expected.saturating_sub(self.recorded))
    }

    /// The share of the slots due at which the server was asked, whatever it said; `None` when nothing was due or
    /// declared.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        let expected = self.expected.filter(|&expected| expected > 0)?;
        Some((self.recorded - self.lost).min(expected) as f64 / expected as f64)
    }
}

/// Counts the samples of a span of time, each given once, beside the slots that were due.
#[derive(Debug)]
pub struct AskedSlots {
    from: Timestamp,
    to: Timestamp,
    series: BTreeMap<AskedSeries, Asked>,
}

impl AskedSlots {
    /// The slots due in `from..to`. `declarations` are what workers declared, those in force at `from` included, in any
    /// order. Slots that are still to come are not due: a span that has not ended is given until now.
    #[must_use]
    pub fn new(declarations: &[ScheduleDeclaration], from: Timestamp, to: Timestamp) -> Self {
        let mut series: BTreeMap<AskedSeries, Asked> = BTreeMap::new();
        for (declaration, from, to) in held_spans(declarations, from, to) {
            for schedule in &declaration.databases {
                let key = AskedSeries {
                    database: schedule.database.clone(),
                    server: schedule.server.clone(),
                    vantage: declaration.vantage.clone(),
                };
                let due = schedule.count(&declaration.vantage, from, to);
                *series.entry(key).or_default().expected.get_or_insert(0) += due;
            }
        }
        Self { from, to, series }
    }

    /// Counts a sample; one whose slot lies outside of the span counts nothing.
    pub fn record(&mut self, sample: &Sample) {
        if !(self.from..self.to).contains(&sample.slot) {
            return;
        }
        let Sample { database, server, vantage, .. } = sample.clone();
        let asked = self.series.entry(AskedSeries { database, server, vantage }).or_default();
        asked.recorded += 1;
        match &sample.answer {
            Answer::Facts(_) => {}
            Answer::Unknown { why: Unknown::Lost, .. } => asked.lost += 1,
            Answer::Unknown { .. } => asked.unknown += 1,
        }
    }

    /// All series that were declared or recorded.
    #[must_use]
    pub fn series(&self) -> &BTreeMap<AskedSeries, Asked> {
        &self.series
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{DatabaseSchedule, Micros};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_428_000 + seconds).unwrap()
    }

    fn schedule(server: &str, seconds: u64) -> DatabaseSchedule {
        DatabaseSchedule {
            database: "main".parse().unwrap(),
            server: server.parse().unwrap(),
            interval: Duration::from_secs(seconds),
            vantages: vec!["berlin".parse().unwrap(), "tokyo".parse().unwrap()],
        }
    }

    fn declared(vantage: &str, from: i64, databases: Vec<DatabaseSchedule>) -> ScheduleDeclaration {
        let vantage = vantage.parse().unwrap();
        ScheduleDeclaration { vantage, labels: BTreeMap::new(), from: at(from), flows: Vec::new(), databases }
    }

    fn sample(server: &str, vantage: &str, slot: Timestamp, why: Unknown) -> Sample {
        Sample {
            database: "main".parse().unwrap(),
            server: server.parse().unwrap(),
            vantage: vantage.parse().unwrap(),
            slot,
            started: slot,
            elapsed: Micros(1),
            answer: Answer::Unknown { why, message: String::new() },
        }
    }

    fn key(server: &str, vantage: &str) -> AskedSeries {
        AskedSeries {
            database: "main".parse().unwrap(),
            server: server.parse().unwrap(),
            vantage: vantage.parse().unwrap(),
        }
    }

    #[test]
    fn expected_follows_what_was_declared_and_silence_is_missing() {
        let declarations = [
            // The primary each second for a minute, then both servers every ten seconds, then an orderly stop.
            declared("berlin", 0, vec![schedule("primary", 1)]),
            declared("berlin", 60, vec![schedule("primary", 10), schedule("standby1", 10)]),
            declared("berlin", 160, Vec::new()),
            // Vanished without a word: stays due.
            declared("tokyo", -500, vec![schedule("primary", 1)]),
        ];
        let mut slots = AskedSlots::new(&declarations, at(0), at(200));
        let places = ["berlin".parse().unwrap(), "tokyo".parse().unwrap()];
        for slot in schedule("primary", 1).slots(&places[0], at(0), at(60)) {
            slots.record(&sample("primary", "berlin", slot, Unknown::NoAnswer));
        }
        for slot in schedule("primary", 10).slots(&places[0], at(60), at(160)).take(8) {
            slots.record(&sample("primary", "berlin", slot, Unknown::Lost));
        }
        slots.record(&sample("primary", "berlin", at(-1), Unknown::NoAnswer));
        slots.record(&sample("stranger", "berlin", at(5), Unknown::Starting));
        let series = slots.series();
        assert_eq!(series.len(), 4);
        let primary = series[&key("primary", "berlin")];
        assert_eq!(primary, Asked { expected: Some(70), recorded: 68, lost: 8, unknown: 60 });
        assert_eq!((primary.missing(), primary.coverage()), (2, Some(60.0 / 70.0)));
        let standby = series[&key("standby1", "berlin")];
        assert_eq!((standby.expected, standby.missing(), standby.coverage()), (Some(10), 10, Some(0.0)));
        assert_eq!(series[&key("primary", "tokyo")].expected, Some(200));
        let stranger = series[&key("stranger", "berlin")];
        assert_eq!((stranger.expected, stranger.missing(), stranger.coverage()), (None, 0, None));
    }

    proptest! {
        #[test]
        fn expected_is_what_the_schedule_yields_in_any_cut(
            changes in prop::collection::vec((0_i64..3600, 1_u64..90, any::<bool>()), 1..6), cut in 0_i64..3600,
        ) {
            let said: Vec<_> = changes
                .iter()
                .map(|&(from, seconds, on)| {
                    declared("tokyo", from, if on { vec![schedule("primary", seconds)] } else { Vec::new() })
                })
                .collect();
            let count = |from: Timestamp, to: Timestamp| {
                let slots = AskedSlots::new(&said, from, to);
                slots.series().values().filter_map(|asked| asked.expected).sum::<u64>()
            };
            let whole = count(at(0), at(3600));
            prop_assert_eq!(count(at(0), at(cut)) + count(at(cut), at(3600)), whole);
            let mut sorted = said.clone();
            sorted.sort_by_key(|declaration| declaration.from);
            let mut walked = 0;
            for (index, declaration) in sorted.iter().enumerate() {
                let end = sorted.get(index + 1).map_or(at(3600), |next| next.from);
                for schedule in &declaration.databases {
                    walked += schedule.slots(&declaration.vantage, declaration.from, end).count() as u64;
                }
            }
            prop_assert_eq!(walked, whole);
            prop_assert!(whole <= SignedDuration::from_hours(1).as_secs() as u64 + changes.len() as u64);
        }
    }
}
