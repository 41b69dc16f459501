//! Who else signs in: a typical week, and who these people are.

use jiff::tz::TimeZone;
use serde_saphyr::Spanned;

use super::super::script::{Demand, SegmentOfDemand};
use super::super::written::{WrittenDemand, WrittenSegment};
use super::Reader;

const HOURS_OF_DAY: usize = 24;
const HOURS_OF_WEEK: usize = 7 * HOURS_OF_DAY;

impl Reader {
    pub(super) fn demand(&mut self, written: &Spanned<WrittenDemand>) -> Demand {
        let demand = &written.value;
        let zone = demand.zone.as_ref().map_or(TimeZone::UTC, |zone| {
            TimeZone::get(&zone.value).unwrap_or_else(|_| {
                let message = format!("{:?} is no time zone of the IANA database, such as Europe/Berlin", zone.value);
                self.mistakes.note(zone, message);
                TimeZone::UTC
            })
        });
        let week = self.week(written);
        if demand.users.value == 0 {
            self.mistakes.note(&demand.users, "0 users cannot sign in; write how many people there are");
        }
        let everybody = || {
            vec![SegmentOfDemand { name: "everybody".to_owned(), share: 1.0, vantages: vec![true; self.names.len()] }]
        };
        let segments = match &demand.segments {
            None => everybody(),
            Some(segments) => self.segments(segments),
        };
        Demand { week, zone, users: demand.users.value, retries: demand.retries, segments }
    }

    fn week(&mut self, written: &Spanned<WrittenDemand>) -> Vec<f64> {
        let demand = &written.value;
        let week = match (&demand.per_hour, &demand.day, &demand.week) {
            (Some(per_hour), None, None) => vec![self.at_least(per_hour, 0.0); HOURS_OF_WEEK],
            (None, Some(day), None) => {
                self.check_hours(day, HOURS_OF_DAY);
                let weekend = demand.weekend.as_ref().map_or(1.0, |weekend| self.at_least(weekend, 0.0));
                let days = (0..7).map(|day| if day < 5 { 1.0 } else { weekend });
                days.flat_map(|factor| day.value.iter().map(move |hour| hour * factor)).collect()
            }
            (None, None, Some(week)) => {
                self.check_hours(week, HOURS_OF_WEEK);
                week.value.clone()
            }
            _ => {
                self.mistakes
                    .note(written, "say how many sign in once: `per_hour`, `day` (24 hours) or `week` (168 hours)");
                Vec::new()
            }
        };
        if let Some(place) = demand.weekend.as_ref().filter(|_| demand.day.is_none()) {
            self.mistakes.note(place, "`weekend` multiplies the hours of `day`; there is none");
        }
        week
    }

    fn check_hours(&mut self, written: &Spanned<Vec<f64>>, expected: usize) {
        let hours = written.value.len();
        if hours != expected {
            self.mistakes.note(written, format!("{hours} hours; write {expected} numbers, one for each hour"));
        }
        if let Some(bad) = written.value.iter().find(|hour| !hour.is_finite() || **hour < 0.0) {
            self.mistakes.note(written, format!("{bad} sign-ins in an hour cannot be; write 0 or more"));
        }
    }

    fn segments(&mut self, written: &Spanned<Vec<WrittenSegment>>) -> Vec<SegmentOfDemand> {
        let mut segments = Vec::new();
        for segment in &written.value {
            let share = self.mistakes.share(&segment.share);
            let mut vantages = vec![false; self.names.len()];
            for name in &segment.vantages {
                match self.names.iter().position(|known| *known == name.value) {
                    Some(index) => vantages[index] = true,
                    None => self.unknown(name, "vantage", &self.names.clone()),
                }
            }
            segments.push(SegmentOfDemand { name: segment.name.clone(), share, vantages });
        }
        let sum: f64 = segments.iter().map(|segment| segment.share).sum();
        if (sum - 1.0).abs() > 0.0005 {
            self.mistakes.note(written, format!("the shares add up to {sum:.4}, not to 1"));
        }
        segments
    }
}
