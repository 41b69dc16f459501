//! What other rules would have done with the same runs: pages, delays, misses, side by side with ours.
//!
//! The measure is what our detector found, with all it knows afterwards: a rule that pages within an incident is right,
//! one that pages elsewhere is wrong. How often each rule is wrong where the truth is known, says [`super::Trial`].

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::model::{FlowName, Micros, RunKind};
use crate::slo::Period;

use super::block::Block;
use super::detect::Detection;
use super::events::{Event, Lane, instant};
use super::model::{Incident, IncidentId, Scope, Symptom};
use super::rivals::{Pages, RuleName, rule};
use super::rules::Rules;

/// A page that comes so long after an incident's end still belongs to it: the longest short window of a burn rate.
const AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How well incidents of a period were, or would have been, detected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionQuality {
    /// False alarms per flow and year that our thresholds are computed for.
    pub wanted_per_year: f64,
    /// Years of probing that were looked at, all flows together.
    pub flow_years: f64,
    /// Incidents seen from several places, which a rule should page for.
    pub incidents: u64,
    /// Every rule, ours first.
    pub rules: Vec<RuleQuality>,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleQuality {
    /// The rule.
    pub rule: RuleName,
    /// Its pages, in order of time.
    pub pages: Vec<Page>,
    /// Every incident with its delay, in order of time.
    pub delays: Vec<IncidentDelay>,
    /// Incidents without a page.
    pub missed: u64,
    /// Pages within no incident.
    pub wrong: u64,
    /// Pages for what one place alone saw: not wrong, but no outage either.
    pub undecided: u64,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// When.
    pub at: Timestamp,
    /// For which flow.
    pub flow: FlowName,
    /// The incident that it belongs to; `None`: a false page.
    pub incident: Option<IncidentId>,
}

/// How long an incident waited for a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentDelay {
    /// The incident.
    pub incident: IncidentId,
    /// From the first failing probe to the first page; `None` when the rule missed it.
    pub delay: Option<Micros>,
}

impl RuleQuality {
    /// The median delay over all incidents; `None` without incidents, or when most were missed.
    #[must_use]
    pub fn median_delay(&self) -> Option<Micros> {
        let mut known: Vec<Micros> = self.delays.iter().filter_map(|one| one.delay).collect();
        known.sort_unstable();
        known.get(self.delays.len().checked_sub(1)? / 2).copied()
    }
}

/// Replays every rule over the runs of a period, which `detection` was made from. What lies before the period is the
/// rules' run-up.
#[must_use]
pub fn quality(history: &History, detection: &Detection, rules: &Rules, period: &Period) -> DetectionQuality {
    let series = history.ledgers().map(|(series, _)| series).filter(|series| series.kind == RunKind::Login);
    let flows: BTreeSet<&FlowName> = series.map(|series| &series.flow).collect();
    let mut pages: Vec<Vec<Page>> = vec![Vec::new(); RuleName::REPLAYED.len()];
    let mut flow_years = 0.0;
    for flow in flows {
        let (start, end) = history.span();
        let mut lane = Lane::read(history, (flow, Symptom::Failing), rules, Block { start, end }, end);
        lane.events.retain(|event| event.scheduled);
        flow_years += years(&lane.events, period);
        for (place, &name) in RuleName::REPLAYED.iter().enumerate().filter(|(_, name)| **name != RuleName::Ours) {
            let at = replay(&lane, name, rules.target(flow));
            pages[place].extend(at.into_iter().map(|at| Page { at, flow: flow.clone(), incident: None }));
        }
    }
    pages[0].extend(
        detection
            .incidents
            .iter()
            .filter(|one| pages_for(one))
            .filter_map(|one| Some(Page { at: one.detected?, flow: one.flows.first()?.clone(), incident: None })),
    );
    let incidents: Vec<&Incident> = detection
        .incidents
        .iter()
        .filter(|one| {
            one.symptom == Symptom::Failing && one.end.latest >= period.start && one.first_failing < period.end
        })
        .collect();
    let judged = RuleName::REPLAYED.iter().zip(pages).map(|(&name, pages)| judged(name, pages, &incidents, period));
    DetectionQuality {
        wanted_per_year: rules.detection.false_alarms_per_year,
        flow_years,
        incidents: incidents.iter().filter(|one| pages_for(one)).count() as u64,
        rules: judged.collect(),
    }
}

fn pages_for(incident: &Incident) -> bool {
    incident.symptom == Symptom::Failing && incident.scope == Scope::Common
}

/// Years between the first and the last probe of a period.
fn years(events: &[Event], period: &Period) -> f64 {
    let mut inside = events.iter().map(|event| event.slot).filter(|&slot| period.contains(instant(slot)));
    let Some(first) = inside.next() else { return 0.0 };
    (inside.max().unwrap_or(first) - first) as f64 / (365.0 * 86_400.0 * 1e6)
}

/// The instants of a rule's pages.
fn replay(lane: &Lane, name: RuleName, target: f64) -> Vec<Timestamp> {
    let events = &lane.events;
    let Some(mut rule) = rule(name, lane.vantages.len(), None, target) else { return Vec::new() };
    let mut pages = Pages::default();
    for (index, event) in events.iter().enumerate() {
        let vantage = usize::from(event.vantage);
        if !event.failing {
            rule.pass(vantage, 1);
            continue;
        }
        let probes = |window: f64| {
            let from = event.ended - (window * 1e6) as i64;
            (index + 1 - events[..=index].partition_point(|one| one.ended <= from)) as u64
        };
        let at = event.ended as f64 / 1e6;
        if let Some(until) = rule.fail(at, vantage, &probes) {
            pages.alarm(at, until);
        }
    }
    pages.at.into_iter().map(|at| instant((at * 1e6).round() as i64)).collect()
}

/// The pages of the period with the incidents that they belong to, and the incidents with their first page.
fn judged(rule: RuleName, mut pages: Vec<Page>, incidents: &[&Incident], period: &Period) -> RuleQuality {
    let covers = |page: &Page, one: &Incident| {
        one.flows.contains(&page.flow) && one.start.earliest <= page.at && page.at <= one.end.latest + AFTER
    };
    // A page belongs to an outage rather than to what one place saw at the same time.
    let of = |page: &Page| {
        let of = |wanted: bool| incidents.iter().find(|one| pages_for(one) == wanted && covers(page, one));
        of(true).or_else(|| of(false)).map(|one| (one.id.clone(), pages_for(one)))
    };
    pages.sort_by_key(|page| page.at);
    let (mut wrong, mut undecided) = (0, 0);
    for page in &mut pages {
        let belongs = of(page);
        if period.contains(page.at) {
            wrong += u64::from(belongs.is_none());
            undecided += u64::from(belongs.as_ref().is_some_and(|(_, outage)| !outage));
        }
        page.incident = belongs.map(|(id, _)| id);
    }
    let delays: Vec<IncidentDelay> = incidents
        .iter()
        .filter(|one| pages_for(one))
        .map(|one| {
            let first = pages.iter().find(|page| page.incident.as_ref() == Some(&one.id));
            let delay = first.map(|page| {
                let micros = page.at.as_microsecond() - one.first_failing.as_microsecond();
                Micros(u64::try_from(micros).unwrap_or(0))
            });
            IncidentDelay { incident: one.id.clone(), delay }
        })
        .collect();
    let missed = delays.iter().filter(|one| one.delay.is_none()).count() as u64;
    pages.retain(|page| period.contains(page.at));
    RuleQuality { rule, pages, delays, missed, wrong, undecided }
}
