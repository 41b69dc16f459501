//! Demand: how many people want to sign in, by hour of the week, and the habits that shape an outage for them. Knows no
//! outage.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::units::Micros;

/// Hours of a week: Monday 00:00 is the first.
pub const HOURS: usize = 168;

/// Intents to sign in per hour, with the band that they usually lie in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Lower end of the band.
    pub low: f64,
    /// Typical.
    pub middle: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// A typical week.
#[derive(Debug, Clone, PartialEq)]
pub struct TypicalWeek {
    /// The zone of its hours.
    pub zone: TimeZone,
    /// [`HOURS`] rates, from Monday 00:00.
    pub hours: Vec<Rate>,
}

/// Sign-ins of one week of a real log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedWeek {
    /// Its Monday.
    pub monday: Date,
    /// [`HOURS`] counts; `None` for hours that the log does not cover.
    pub hours: Vec<Option<f64>>,
}

/// Sign-ins of a real log, by week and hour of the week.
#[derive(Debug, Clone, PartialEq)]
pub struct SignInLog {
    /// The zone of its hours.
    pub zone: TimeZone,
    /// Its weeks, by time.
    pub weeks: Vec<LoggedWeek>,
    /// Mondays of weeks that are not typical, as somebody said: incidents, holidays.
    pub without: Vec<Date>,
}

/// When people want to sign in.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// As somebody stated.
    Stated(TypicalWeek),
    /// As a log shows.
    Logged(SignInLog),
}

impl Demand {
    /// All that it says, in one form.
    pub(super) fn canonical(&self) -> Value {
        let zone = |zone: &TimeZone| zone.iana_name().map_or_else(|| format!("{zone:?}"), str::to_owned);
        match self {
            Self::Stated(week) => {
                let rates: Vec<(f64, f64, f64)> =
                    week.hours.iter().map(|rate| (rate.low, rate.middle, rate.high)).collect();
                json!(["stated", zone(&week.zone), rates])
            }
            Self::Logged(log) => {
                let weeks: Vec<(String, &Vec<Option<f64>>)> =
                    log.weeks.iter().map(|week| (week.monday.to_string(), &week.hours)).collect();
                let without: Vec<String> = log.without.iter().map(ToString::to_string).collect();
                json!(["logged", zone(&log.zone), weeks, without])
            }
        }
    }
}

/// A class of users by how often they sign in: a few who do so every hour, many who do so once a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivityClass {
    /// Its share of the users.
    pub users: f64,
    /// Its share of the sign-ins.
    pub sign_ins: f64,
}

/// What is known of the users beside where they are. Nothing of it need be known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Habits {
    /// How many users there are.
    pub users: Option<u64>,
    /// When they want to sign in, all together.
    pub demand: Option<Demand>,
    /// When somebody tries again after a failure, counted from the first attempt; `None` when nobody said, an empty list
    /// when nobody tries again.
    pub retries: Option<Vec<Micros>>,
    /// How long a session lasts.
    pub session: Option<Micros>,
    /// Classes of activity, whose shares add up to 1; none: all users alike.
    pub activity: Vec<ActivityClass>,
}
