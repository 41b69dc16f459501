//! From YAML to a script. Every mistake that is not one of YAML itself is reported at once, each with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_saphyr::Spanned;

use super::script::{
    Draw, Outage, ProberFault, ProberTrouble, Reach, Reprobe, Script, SimulatedFlow, SimulatedVantage, Slow,
};
use super::written::{Written, WrittenOutage, WrittenProberFault, WrittenReach, WrittenSlow, WrittenUsers};
use crate::model::{BadClass, LostClass, Phase, StepName};
use crate::script::{self, Mistakes, ScriptError};

mod demand;
mod flow;

/// What replaces parts of a script, or fills what it leaves out.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Instead of the script's seed.
    pub seed: Option<u64>,
    /// Instead of the script's begin; times that count from the begin move along.
    pub from: Option<Timestamp>,
    /// Instead of the script's end.
    pub to: Option<Timestamp>,
    /// The vantages of a script that names none.
    pub vantages: Vec<SimulatedVantage>,
    /// The flows of a script that names none.
    pub flows: Vec<SimulatedFlow>,
}

impl Script {
    /// Reads a script from YAML.
    ///
    /// # Errors
    /// [`ScriptError`] with every mistake and its place; for text that is no YAML or has an unknown key, with the
    /// first.
    pub fn parse(text: &str, given: &Given) -> Result<Self, ScriptError> {
        let written: Written = script::parse(if script::is_blank(text) { "{}" } else { text })?;
        let mut reader = Reader::default();
        let (from, to) = reader.span(&written, given);
        let vantages = reader.vantages(&written, given);
        let flows = reader.flows(&written, given);
        reader.from = from;
        reader.names = vantages.iter().map(|place| place.vantage.name.as_str().to_owned()).collect();
        reader.labels = vantages.iter().map(|place| place.vantage.labels.clone()).collect();
        reader.flows = flows;
        let outages = written.outages.iter().enumerate().map(|(at, outage)| reader.outage(at, outage)).collect();
        let slow = written.slow.iter().map(|slow| reader.slow(slow)).collect();
        let prober = written.prober.iter().map(|fault| reader.prober_fault(fault)).collect();
        let reprobe = written.reprobe.as_ref().map(|rule| Reprobe {
            every: rule.every.as_ref().map_or(Duration::from_secs(5), |every| reader.mistakes.duration(every)),
            until_good: rule.until_good.unwrap_or(6),
            per_hour: rule.per_hour.unwrap_or(24),
        });
        let demand = written.demand.as_ref().map(|demand| reader.demand(demand));
        let seed = given.seed.or(written.seed).unwrap_or(1);
        let Reader { mistakes, flows, .. } = reader;
        mistakes.finish(Self { seed, from, to, vantages, flows, outages, slow, prober, reprobe, demand })
    }
}

/// Collects mistakes while it turns what was written into what it means.
#[derive(Default)]
struct Reader {
    mistakes: Mistakes,
    from: Timestamp,
    names: Vec<String>,
    labels: Vec<BTreeMap<String, String>>,
    flows: Vec<SimulatedFlow>,
}

impl Reader {
    fn span(&mut self, written: &Written, given: &Given) -> (Timestamp, Timestamp) {
        let from = match (given.from, &written.from) {
            (Some(from), _) => Some(from),
            (None, Some(from)) => absolute(&from.value).or_else(|| {
                let message =
                    format!("{:?} is no time; write one such as 2024-03-05 or 2024-03-05T09:00:00Z", from.value);
                self.mistakes.note(from, message);
                None
            }),
            (None, None) => {
                self.mistakes.note_whole("`from` is missing; write the first day, such as `from: 2024-03-05`");
                None
            }
        };
        let from = from.unwrap_or_default();
        let to = match (given.to, &written.to) {
            (Some(to), _) => to,
            (None, Some(to)) => self.instant(to, from),
            (None, None) => {
                self.mistakes.note_whole("`to` is missing; write a time, or a length such as `to: 7d`");
                from
            }
        };
        if to <= from && self.mistakes.is_empty() {
            let message = format!("it ends at {to}, not after its begin at {from}; `to` must be later than `from`");
            match &written.to {
                Some(place) if given.to.is_none() => self.mistakes.note(place, message),
                _ => self.mistakes.note_whole(message),
            }
        }
        (from, to)
    }

    /// A time, or one since the script's begin.
    fn instant(&mut self, written: &Spanned<String>, from: Timestamp) -> Timestamp {
        let since = |text: &str| {
            let span: jiff::Span = text.parse().ok()?;
            from.to_zoned_datetime(TimeZone::UTC).checked_add(span).ok().map(|at| at.timestamp())
        };
        absolute(&written.value).or_else(|| since(&written.value)).unwrap_or_else(|| {
            let message = format!(
                "{:?} is no time; write one such as 2024-03-05T09:00:00Z, or one since `from` such as 3d 9h",
                written.value
            );
            self.mistakes.note(written, message);
            from
        })
    }

    fn between(&mut self, from: &Spanned<String>, to: &Spanned<String>) -> (Timestamp, Timestamp) {
        let before = self.mistakes.len();
        let (start, end) = (self.instant(from, self.from), self.instant(to, self.from));
        if end <= start && self.mistakes.len() == before {
            self.mistakes.note(to, "it ends before it begins; `to` must be later than `from`");
        }
        (start, end)
    }

    /// How long it rises and falls: together no longer than the whole.
    fn ramps(
        &mut self,
        (from, to): (Timestamp, Timestamp),
        rises: Option<&Spanned<String>>,
        falls: Option<&Spanned<String>>,
    ) -> (Duration, Duration) {
        let mut read =
            |ramp: Option<&Spanned<String>>| ramp.map_or(Duration::ZERO, |ramp| self.mistakes.duration(ramp));
        let (up, down) = (read(rises), read(falls));
        let length = Duration::try_from(to.duration_since(from)).unwrap_or_default();
        if let Some(place) = falls.or(rises).filter(|_| up + down > length && !length.is_zero()) {
            self.mistakes.note(place, "it rises and falls for longer than it lasts; shorten `rises` or `falls`");
        }
        (up, down)
    }

    fn reach(&mut self, written: &WrittenReach<'_>) -> Reach {
        let mut vantages = vec![written.at.is_empty(); self.names.len()];
        for name in written.at {
            match self.names.iter().position(|known| *known == name.value) {
                Some(index) => vantages[index] = true,
                None => self.unknown(name, "vantage", &self.names.clone()),
            }
        }
        for (key, value) in written.labels {
            let mut found = false;
            for (meets, labels) in vantages.iter_mut().zip(&self.labels) {
                let has = labels.get(key) == Some(&value.value);
                found |= has;
                *meets &= has;
            }
            if !found {
                self.mistakes.note(value, format!("no vantage has the label {key}: {}", value.value));
            }
        }
        let known: Vec<String> = self.flows.iter().map(|flow| flow.name.as_str().to_owned()).collect();
        let mut flows = vec![written.flows.is_empty(); known.len()];
        for name in written.flows {
            match known.iter().position(|flow| *flow == name.value) {
                Some(index) => flows[index] = true,
                None => self.unknown(name, "flow", &known),
            }
        }
        Reach { vantages, flows }
    }

    fn unknown(&mut self, written: &Spanned<String>, what: &str, known: &[String]) {
        let message = format!("there is no {what} {:?}; there are: {}", written.value, known.join(", "));
        self.mistakes.note(written, message);
    }

    fn outage(&mut self, number: usize, written: &Spanned<WrittenOutage>) -> Outage {
        let outage = &written.value;
        let (from, to) = self.between(&outage.from, &outage.to);
        let (rises, falls) = self.ramps((from, to), outage.rises.as_ref(), outage.falls.as_ref());
        let share = outage.share.as_ref().map_or(1.0, |share| self.mistakes.share(share));
        let reach = self.reach(&WrittenReach { at: &outage.at, labels: &outage.labels, flows: &outage.flows });
        let class = outage.class.as_ref().map_or(BadClass::HttpStatus, |class| {
            BadClass::from_spelling(&class.value).unwrap_or_else(|| {
                let known: Vec<String> = BadClass::ALL.iter().map(ToString::to_string).collect();
                self.unknown(class, "class of failures", &known);
                BadClass::HttpStatus
            })
        });
        let phase = outage.phase.as_ref().map_or(Phase::Wait, |phase| {
            Phase::from_spelling(&phase.value).unwrap_or_else(|| {
                let known: Vec<String> = Phase::ALL.iter().map(ToString::to_string).collect();
                self.unknown(phase, "phase", &known);
                Phase::Wait
            })
        });
        if let Some(place) = outage.phase.as_ref().filter(|_| class != BadClass::Timeout) {
            self.mistakes.note(place, "only a timeout has a phase to choose; leave `phase` out");
        }
        let status = outage.status.as_ref().map_or(super::walk::Fails::class(class).status, |status| {
            if !(100..=599).contains(&status.value) {
                self.mistakes.note(status, format!("{} is no status; write one from 100 to 599", status.value));
            }
            status.value
        });
        let steps = self.failing_steps(outage.step.as_ref(), &reach);
        let draw = match outage.users {
            WrittenUsers::Any => Draw::Attempts,
            WrittenUsers::Same => Draw::Users,
        };
        if draw == Draw::Users {
            self.check_accounts(written, share, &reach);
        }
        let name = outage.name.clone().unwrap_or_else(|| format!("outage {}", number + 1));
        Outage { name, from, to, share, rises, falls, draw, reach, steps, class, status, phase }
    }

    /// The share of the accounts that fail is the script's share only when there are enough of them.
    fn check_accounts(&mut self, place: &Spanned<WrittenOutage>, share: f64, reach: &Reach) {
        let met = self.flows.iter().zip(&reach.flows).filter(|(_, met)| **met);
        let coarse = met.map(|(flow, _)| flow).find(|flow| {
            let accounts = flow.accounts as f64;
            ((share * accounts).round() / accounts - share).abs() > 0.005
        });
        if let Some(flow) = coarse {
            let message = format!(
                "a share of {share} of the users cannot be had from {} account(s) of flow {}; set its `accounts`",
                flow.accounts, flow.name
            );
            self.mistakes.note(place, message);
        }
    }

    /// The failing step of each flow that is met: the named one, else the second, where credentials usually go.
    fn failing_steps(&mut self, written: Option<&Spanned<String>>, reach: &Reach) -> Vec<Option<usize>> {
        let mut steps = Vec::new();
        let mut absent = Vec::new();
        for (flow, met) in self.flows.iter().zip(&reach.flows) {
            let step = match written {
                None => Some(1.min(flow.steps.len().saturating_sub(1))),
                Some(name) => flow.steps.iter().position(|step| step.name.as_str() == name.value),
            };
            if *met && step.is_none() {
                absent.push(flow.name.as_str().to_owned());
            }
            steps.push(step.filter(|_| *met));
        }
        if let Some(name) = written.filter(|_| !absent.is_empty()) {
            let message = format!("flow {} has no step {:?}", absent.join(", "), name.value);
            self.mistakes.note(name, message);
        }
        steps
    }

    fn slow(&mut self, written: &Spanned<WrittenSlow>) -> Slow {
        let slow = &written.value;
        let (from, to) = self.between(&slow.from, &slow.to);
        let (rises, falls) = self.ramps((from, to), slow.rises.as_ref(), slow.falls.as_ref());
        let factor = self.at_least(&slow.factor, 1.0);
        let reach = self.reach(&WrittenReach { at: &slow.at, labels: &slow.labels, flows: &slow.flows });
        if slow.step.is_some() {
            self.failing_steps(slow.step.as_ref(), &reach);
        }
        let step = slow.step.as_ref().and_then(|step| StepName::new(&step.value).ok());
        Slow { from, to, factor, rises, falls, reach, step }
    }

    fn prober_fault(&mut self, written: &Spanned<WrittenProberFault>) -> ProberFault {
        let fault = &written.value;
        let (from, to) = self.between(&fault.from, &fault.to);
        let share = fault.share.as_ref().map_or(1.0, |share| self.mistakes.share(share));
        let reach = self.reach(&WrittenReach { at: &fault.at, labels: &fault.labels, flows: &fault.flows });
        let trouble = match fault.trouble.value.as_str() {
            "silent" => ProberTrouble::Silent,
            "cut_off" => ProberTrouble::CutOff,
            other => LostClass::from_spelling(other).map_or_else(
                || {
                    let lost = LostClass::ALL.iter().map(ToString::to_string);
                    let known: Vec<String> =
                        ["silent".to_owned(), "cut_off".to_owned()].into_iter().chain(lost).collect();
                    self.unknown(&fault.trouble, "trouble", &known);
                    ProberTrouble::Silent
                },
                ProberTrouble::Lost,
            ),
        };
        ProberFault { from, to, share, trouble, reach }
    }

    fn at_least(&mut self, written: &Spanned<f64>, least: f64) -> f64 {
        if !written.value.is_finite() || written.value < least {
            self.mistakes.note(written, format!("{} is too small; write a number of at least {least}", written.value));
        }
        written.value
    }

    /// Whether a name is new; a repeated one is a mistake.
    fn is_new(&mut self, seen: &mut BTreeSet<String>, name: &Spanned<String>, what: &str) -> bool {
        let new = seen.insert(name.value.clone());
        if !new {
            self.mistakes.note(name, format!("there is another {what} {:?}", name.value));
        }
        new
    }
}

/// An instant: RFC 3339, or a date or a date and time in UTC.
fn absolute(text: &str) -> Option<Timestamp> {
    let local = |text: &str| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(|| local(text))
}

#[cfg(test)]
mod tests;
