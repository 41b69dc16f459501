//! What an incident is: the value that the list, the impact, the draft and the report are all made from.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::model::{FlowName, Micros, Revision, StepName, VantageName};
use crate::slo::{Interval, wilson};

/// The stable name of an incident: the UTC minute of its first failing probe and a short hash of that probe's identity,
/// `20240305-0900-3fa2c1`. The same records give the same name, whatever span is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

/// Why a text is no incident's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncidentIdError {
    /// It is written otherwise.
    #[error("'{0}' is no incident id, which looks like 20240305-0900-3fa2c1: 'doorstep incidents' lists them")]
    Form(String),
    /// It is written like one, but no calendar has that minute.
    #[error(
        "'{0}' is no incident id: {minute} is no minute of the calendar (year, month and day, then hour and minute, in \
         UTC); 'doorstep incidents' lists them", minute = .0.get(..13).unwrap_or(.0)
    )]
    Minute(String),
}

impl IncidentId {
    /// The name of the incident whose first failing probe was this.
    #[must_use]
    pub fn new(symptom: Symptom, flow: &FlowName, vantage: &VantageName, slot: Timestamp) -> Self {
        let identity = format!("{symptom:?}\n{flow}\n{vantage}\n{}", slot.as_microsecond());
        let hash = Revision::of(identity.as_bytes());
        Self(format!("{}-{}", slot.strftime("%Y%m%d-%H%M"), &hash.as_str()[..6]))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The minute of its first failing probe's slot; `None` when the name was not made or read here, and holds no date of
    /// the calendar.
    #[must_use]
    pub fn minute(&self) -> Option<Timestamp> {
        let time = jiff::civil::DateTime::strptime("%Y%m%d-%H%M", self.0.get(..13)?).ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IncidentId {
    type Err = IncidentIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        let hex = |part: &str| part.len() == 6 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match parts.as_slice() {
            [day, minute, hash] if digits(day, 8) && digits(minute, 4) && hex(hash) => {
                let id = Self(text.to_owned());
                if id.minute().is_some() { Ok(id) } else { Err(IncidentIdError::Minute(text.to_owned())) }
            }
            _ => Err(IncidentIdError::Form(text.to_owned())),
        }
    }
}

/// What users met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// Logins failed.
    Failing,
    /// Logins succeeded, but over the threshold.
    Slow,
}

/// How widely it was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// From several places: an outage.
    Common,
    /// From one place only: it never pages, but it counts in the numbers (slo.md section 3).
    OnePlace(VantageName),
}

/// An instant known to lie between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after.
    pub latest: Timestamp,
}

/// Failing logins of one minute, all vantages together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// The minute's first instant.
    pub start: Timestamp,
    /// Runs with a verdict whose slot lies in it, those of its part before the first and after the last failing run
    /// included.
    pub n: u64,
    /// Failing ones: bad, or slow when slowness is the symptom.
    pub failing: u64,
}

/// The worst stretch of an incident: the whole minutes with enough runs whose failing share is the largest. It begins
/// with the first failing probe at the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// The stretch's first instant.
    pub start: Timestamp,
    /// Its length.
    pub length: Micros,
    /// Failing share within.
    pub split: Share,
}

/// A failing share with its sample and interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Runs with a verdict.
    pub n: u64,
    /// Failing ones.
    pub failing: u64,
    /// failing / n; `None` without runs.
    pub share: Option<f64>,
    /// Wilson's interval of it (F4).
    pub interval: Option<Interval>,
}

impl Share {
    /// The failing share of `n` runs with Wilson's interval of this confidence (F4); no runs have neither.
    #[must_use]
    pub fn new(n: u64, failing: u64, confidence: f64) -> Self {
        let share = (n > 0).then(|| failing as f64 / n as f64);
        Self { n, failing, share, interval: wilson(n, failing, confidence) }
    }
}

/// A failing share under a name: of a vantage, a region, a flow, a step or a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareSplit {
    /// What it is about.
    pub name: String,
    /// The share. For steps and classes `n` is the number of failing runs, so that the share says how many of the
    /// failures went this way.
    pub share: Share,
}

/// The same failures, seen along each dimension.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Splits {
    /// By vantage.
    pub vantages: Vec<ShareSplit>,
    /// By region label; vantages without one under `(no region)`.
    pub regions: Vec<ShareSplit>,
    /// By flow.
    pub flows: Vec<ShareSplit>,
    /// By the step that failed.
    pub steps: Vec<ShareSplit>,
    /// By class.
    pub classes: Vec<ShareSplit>,
}

/// What was slow at one vantage of one flow, by the threshold that an incident was found with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowLimit {
    /// The flow.
    pub flow: FlowName,
    /// The vantage.
    pub vantage: VantageName,
    /// Logins that took longer were slow.
    pub over: Micros,
}

/// One incident of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its stable name.
    pub id: IncidentId,
    /// The flows that it touched, by name: incidents of several flows that overlap in time are one.
    pub flows: Vec<FlowName>,
    /// What users met.
    pub symptom: Symptom,
    /// What was slow, where slowness is the symptom: whoever counts its slow logins later counts by the same threshold.
    /// Empty where logins failed.
    #[serde(default)]
    pub slow_limits: Vec<SlowLimit>,
    /// How widely it was seen.
    pub scope: Scope,
    /// When it began: after the last good probe before it began, by the end of the first failing one (F8), tightened by
    /// the other vantages.
    pub start: Bounds,
    /// No good probe, or too few to prove anything, came before it: it may have begun before the first probe, from which
    /// its start and its duration are counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_unseen: bool,
    /// When it ended; for an open incident, between the last failing probe and the last instant that was looked at.
    pub end: Bounds,
    /// No clean stretch follows within what was looked at: it may still last.
    pub open: bool,
    /// Shortest duration that the samples allow.
    pub low: Micros,
    /// Midpoint.
    pub middle: Micros,
    /// Longest.
    pub high: Micros,
    /// When the first failing probe began.
    pub first_failing: Timestamp,
    /// The vantage of the first failing probe.
    pub first_vantage: VantageName,
    /// The step at which it failed.
    pub first_step: Option<StepName>,
    /// When the chart alarmed; `None` for one that was found afterwards only.
    pub detected: Option<Timestamp>,
    /// Failing share between first failing probe and end.
    pub failing: Share,
    /// The worst stretch of five minutes, or more where runs are rare; `None` when the incident is shorter, or has too
    /// few runs to tell.
    pub peak: Option<Peak>,
    /// Minute by minute from the minute of the first failing probe to that of the end, minutes without runs included.
    pub minutes: Vec<Minute>,
    /// The same failures along each dimension.
    pub splits: Splits,
    /// Vantages that owed logins of these flows in that time and gave no verdict: what they would have seen is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<VantageName>,
    /// For failing logins: the slow ones that came before them without a break. For slow logins: the failing ones that
    /// they led up to. They stay two incidents with a name each, since users met two different things.
    pub linked: Option<IncidentId>,
}

impl Incident {
    /// From the start of the first failing probe to the alarm; `None` without an alarm.
    #[must_use]
    pub fn detection_delay(&self) -> Option<Micros> {
        let micros = self.detected?.as_microsecond() - self.first_failing.as_microsecond();
        Some(Micros(u64::try_from(micros).unwrap_or(0)))
    }

    /// What was slow at a vantage of a flow; `None` where logins failed, and where nothing was told apart as slow.
    #[must_use]
    pub fn slow_limit(&self, flow: &FlowName, vantage: &VantageName) -> Option<Micros> {
        self.slow_limits.iter().find(|limit| limit.flow == *flow && limit.vantage == *vantage).map(|limit| limit.over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_parses_back_and_nothing_else_does() {
        let slot: Timestamp = "2024-03-05T09:00:12Z".parse().unwrap();
        let flow = FlowName::new("shop").unwrap();
        let id = IncidentId::new(Symptom::Failing, &flow, &VantageName::new("berlin").unwrap(), slot);
        assert!(id.as_str().starts_with("20240305-0900-"), "{id}");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.minute().unwrap().to_string(), "2024-03-05T09:00:00Z");
        for no_minute in ["20241399-0900-3fa2c1", "20230229-0900-3fa2c1", "20240305-2460-3fa2c1"] {
            let error = no_minute.parse::<IncidentId>().unwrap_err();
            assert_eq!(error, IncidentIdError::Minute(no_minute.to_owned()));
            assert!(error.to_string().contains(&format!("{} is no minute", &no_minute[..13])), "{error}");
        }
        for bad in ["", "20240305-0900", "20240305-0900-XYZ123", "2024-03-05", "20240305-0900-3fa2c1-1"] {
            assert!(bad.parse::<IncidentId>().is_err(), "{bad}");
        }
    }
}
