//! What is known of an incident: what was measured, what people noted, what was estimated. The draft is written from
//! it, and written claims are held against it, so that the two cannot disagree.

use jiff::Timestamp;

use crate::diagnosis::{DatabaseEvidence, Diagnosis};
use crate::incident::{Incident, Share, Symptom};
use crate::model::{BudgetClause, Micros, NotedEvent, Trigger};

use super::surroundings::Surroundings;

/// What is known of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What was measured.
    pub incident: Incident,
    /// The slow logins that led up to it, or the failing ones that it led up to.
    pub linked: Option<Incident>,
    /// When rules that other tools use would have paged.
    pub rivals: Vec<Rival>,
    /// What people noted around it, by time.
    pub events: Vec<NotedEvent>,
    /// What was estimated of the people behind the logins.
    pub people: People,
    /// The share of each objective's error budget that it spent.
    pub budgets: Vec<Spent>,
    /// The clauses of the budget policy: what a large share obliges to.
    pub clauses: Vec<BudgetClause>,
    /// How its logins failed and what the databases say; `None` when nobody looked.
    pub diagnosis: Option<Diagnosis>,
    /// What lies around it.
    pub surroundings: Surroundings,
}

/// A rule of alarm that was replayed over the same probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// What it is called.
    pub name: String,
    /// Its first page between the first failing probe and the end; `None` when it would have stayed silent.
    pub paged: Option<Timestamp>,
}

/// What an incident meant for people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct People {
    /// Estimates, each with its bounds.
    pub estimates: Vec<Estimate>,
    /// What they were made from, each with its source.
    pub inputs: Vec<Estimate>,
    /// What cannot be said, and why.
    pub unknown: Vec<Unknown>,
}

/// Something that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What.
    pub what: String,
    /// Why, and what would help.
    pub why: String,
}

/// What an estimate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Logins of people, also called sign-ins.
    Logins,
    /// People.
    People,
    /// A share between 0 and 1.
    Share,
    /// Seconds.
    Seconds,
    /// Something else.
    Other,
}

/// An estimate with its bounds (F14).
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// What was estimated: "people affected".
    pub what: String,
    /// What it counts.
    pub unit: Unit,
    /// The least; equal to the middle where it is no estimate.
    pub low: f64,
    /// The best guess.
    pub middle: f64,
    /// The most.
    pub high: f64,
    /// The formula and its inputs.
    pub how: String,
}

/// What an incident took of an error budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// The objective.
    pub objective: String,
    /// The period whose budget is meant, for people: "2024-W10".
    pub period: String,
    /// 0.25 for a quarter of the period's budget; may exceed 1.
    pub share: f64,
    /// The formula with its figures.
    pub how: String,
}

impl Spent {
    /// The same as a share of the budget of four such periods, as the Site Reliability Workbook's policy (appendix B) counts
    /// what one incident took.
    #[must_use]
    pub fn share_of_four(&self) -> f64 {
        self.share / 4.0
    }

    /// Whose budget of which period: "shop-login in 2024-W10".
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} in {}", self.objective, self.period)
    }
}

/// Something known, to hold a written figure against.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// In words: "failing share of logins at the peak".
    pub name: String,
    /// The vantage, region, flow, step or class that it is about; `None` for the whole incident.
    pub subject: Option<String>,
    /// How much.
    pub value: Value,
}

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// An instant.
    Moment(Timestamp),
    /// A length of time.
    Length(Micros),
    /// A share between 0 and 1.
    Share(f64),
    /// A share of an error budget.
    Budget(f64),
    /// A number of logins.
    Logins(f64),
    /// A number of people.
    People(f64),
}

impl Evidence {
    /// What was measured of an incident, and nothing else.
    #[must_use]
    pub fn of(incident: Incident) -> Self {
        Self {
            incident,
            linked: None,
            rivals: Vec::new(),
            events: Vec::new(),
            people: People::default(),
            budgets: Vec::new(),
            clauses: BudgetClause::usual(),
            diagnosis: None,
            surroundings: Surroundings::default(),
        }
    }

    /// Everything that is known, one figure each.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Facts::default();
        facts.times(&self.incident);
        if let Some(linked) = &self.linked {
            facts.add("first probe of the linked incident", Value::Moment(linked.first_failing));
            facts.add("latest end of the linked incident", Value::Moment(linked.end.latest));
            facts.linked(&self.incident, linked);
        }
        for (rival, paged) in self.rivals.iter().filter_map(|rival| Some((rival, rival.paged?))) {
            facts.add(format!("page of {}", rival.name), Value::Moment(paged));
            let delay = between(self.incident.first_failing, paged);
            facts.add(format!("from the first failing probe to the page of {}", rival.name), Value::Length(delay));
        }
        for event in &self.events {
            facts.add(format!("noted: {}", event.text), Value::Moment(event.at));
            facts.add(format!("from '{}' to the first failing probe, or back", event.text), self.distance(event));
        }
        let incident = &self.incident;
        facts.share(None, "failing share of logins", &incident.failing);
        if let Some(peak) = &incident.peak {
            facts.share(None, "failing share of logins at the peak", &peak.split);
        }
        let splits = &incident.splits;
        let measured = splits.vantages.iter().chain(&splits.regions).chain(&splits.flows);
        for split in measured {
            facts.share(Some(&split.name), "failing share of logins", &split.share);
        }
        for split in splits.steps.iter().chain(&splits.classes) {
            facts.share(Some(&split.name), "share of the failed logins", &split.share);
        }
        let slow_from = self.surroundings.slow_from.unwrap_or(Micros(250_000));
        facts.add("threshold of slow logins", Value::Length(slow_from));
        for background in &self.surroundings.background {
            let share = Share {
                n: background.n,
                failing: background.failing,
                share: (background.n > 0).then(|| background.failing as f64 / background.n as f64),
                interval: background.interval,
            };
            facts.share(Some(BACKGROUND), "failing share of logins", &share);
        }
        facts.estimates(&self.people.estimates);
        facts.estimates(&self.people.inputs);
        for spent in &self.budgets {
            facts.add(format!("error budget of {} spent", spent.name()), Value::Budget(spent.share));
            let name = format!("error budget of four periods of {} spent", spent.objective);
            facts.add(name, Value::Budget(spent.share_of_four()));
        }
        for database in self.diagnosis.iter().flat_map(|diagnosis| &diagnosis.databases) {
            facts.database(database);
        }
        facts.0
    }

    /// How far an event lies from the first failing probe.
    fn distance(&self, event: &NotedEvent) -> Value {
        Value::Length(between(event.at, self.incident.first_failing))
    }

    /// The clauses of the budget policy that apply because of what this incident took, each with the budgets that it took
    /// so much of.
    #[must_use]
    pub fn obliging(&self) -> Vec<(&BudgetClause, Vec<&Spent>)> {
        let of = |clause| match clause {
            &BudgetClause { trigger: Trigger::Incident(least), .. } => {
                let large: Vec<&Spent> = self.budgets.iter().filter(|spent| spent.share_of_four() > least).collect();
                (!large.is_empty()).then_some((clause, large))
            }
            BudgetClause { trigger: Trigger::Spent(_), .. } => None,
        };
        self.clauses.iter().filter_map(of).collect()
    }
}

/// The time between two instants, whichever comes first.
#[must_use]
pub fn between(one: Timestamp, other: Timestamp) -> Micros {
    Micros(one.as_microsecond().abs_diff(other.as_microsecond()))
}

/// What an alarm rang for.
fn alarm_on(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Failing => "alarm on failing logins",
        Symptom::Slow => "alarm on slow logins",
    }
}

/// The subject of figures of clean hours.
pub const BACKGROUND: &str = "background";

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    /// How slow logins lie to the failing ones that they led up to.
    fn linked(&mut self, incident: &Incident, linked: &Incident) {
        let (slow, failing) = if linked.symptom == Symptom::Slow { (linked, incident) } else { (incident, linked) };
        let lead = between(slow.first_failing, failing.first_failing);
        self.add("from the first of the slow logins to the first failing probe", Value::Length(lead));
        if let Some(alarm) = slow.detected {
            if linked.symptom == Symptom::Slow {
                self.add(alarm_on(Symptom::Slow), Value::Moment(alarm));
            }
            let lead = between(alarm, failing.first_failing);
            self.add("from the alarm on slow logins to the first failing probe", Value::Length(lead));
        }
    }

    fn add(&mut self, name: impl Into<String>, value: Value) {
        self.0.push(Fact { name: name.into(), subject: None, value });
    }

    fn times(&mut self, incident: &Incident) {
        self.add("earliest start", Value::Moment(incident.start.earliest));
        self.add("latest start", Value::Moment(incident.start.latest));
        self.add("first failing probe", Value::Moment(incident.first_failing));
        self.add("earliest end", Value::Moment(incident.end.earliest));
        self.add("latest end", Value::Moment(incident.end.latest));
        self.add("shortest duration", Value::Length(incident.low));
        self.add("middle of the duration", Value::Length(incident.middle));
        self.add("longest duration", Value::Length(incident.high));
        if let Some(alarm) = incident.detected {
            self.add(alarm_on(incident.symptom), Value::Moment(alarm));
            self.add(
                "from the first failing probe to the alarm",
                Value::Length(between(incident.first_failing, alarm)),
            );
            self.add("from the earliest start to the alarm", Value::Length(between(incident.start.earliest, alarm)));
        }
        if let Some(peak) = &incident.peak {
            self.add("beginning of the peak", Value::Moment(peak.start));
            self.add("length of the peak", Value::Length(peak.length));
        }
    }

    fn database(&mut self, evidence: &DatabaseEvidence) {
        for episode in &evidence.episodes {
            let finding = &episode.finding;
            self.add(format!("{} on {} begins", finding.rule, finding.server), Value::Moment(episode.from));
            let end = episode.until.unwrap_or(episode.last);
            self.add(format!("{} on {} ends", finding.rule, finding.server), Value::Moment(end));
        }
        for change in &evidence.changes {
            let name = format!("{} on {} changed", change.setting, change.server);
            for at in [change.earliest, change.latest] {
                self.add(name.clone(), Value::Moment(at));
            }
        }
    }

    fn share(&mut self, subject: Option<&str>, name: &str, share: &Share) {
        let mut add = |name: String, value| self.0.push(Fact { name, subject: subject.map(str::to_owned), value });
        if let Some(value) = share.share {
            add(name.to_owned(), Value::Share(value));
        }
        if let Some(interval) = share.interval {
            add(format!("lower end of the {name}"), Value::Share(interval.low));
            add(format!("upper end of the {name}"), Value::Share(interval.high));
        }
        add(format!("logins behind the {name}"), Value::Logins(share.n as f64));
        add(format!("failed logins behind the {name}"), Value::Logins(share.failing as f64));
    }

    fn estimates(&mut self, estimates: &[Estimate]) {
        for estimate in estimates {
            for (end, number) in [("least", estimate.low), ("middle", estimate.middle), ("most", estimate.high)] {
                let value = match estimate.unit {
                    Unit::Logins => Value::Logins(number),
                    Unit::People => Value::People(number),
                    Unit::Share => Value::Share(number),
                    Unit::Seconds => Value::Length(Micros((number.max(0.0) * 1e6) as u64)),
                    Unit::Other => continue,
                };
                self.add(format!("{} ({end})", estimate.what), value);
            }
        }
    }
}
