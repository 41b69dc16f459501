//! From a history to incidents: every flow's lanes through their charts, then what overlaps in time as one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::history::{History, Outcome, Series};
use crate::model::{FlowName, RunKind, VantageName};

use super::background::{Background, Thresholds};
use super::bounds::{Ends, ends};
use super::chart::{Found, scan};
use super::events::{Lane, instant};
use super::measure::{Part, measure, series};
use super::model::{Bounds, Incident, IncidentId, Scope, Symptom};
use super::rules::Rules;

/// What detection says about a history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// All incidents, by their first failing probe.
    pub incidents: Vec<Incident>,
    /// The background and the charts of every flow.
    pub background: Vec<Background>,
}

/// What was found in one lane, in words of the model.
struct Finding {
    flow: FlowName,
    symptom: Symptom,
    scope: Scope,
    ends: Ends,
    first: FirstProbe,
    last_slot: i64,
    detected: i64,
    open: bool,
}

/// The failing probe that began first.
struct FirstProbe {
    vantage: VantageName,
    slot: i64,
    started: i64,
}

/// What is slow at each vantage of each flow.
type Limits = Vec<(Series, crate::model::Micros)>;

/// Finds every incident of a history. The same history and rules give the same incidents.
#[must_use]
pub fn detect(history: &History, rules: &Rules) -> Detection {
    let flows: BTreeSet<&FlowName> =
        history.ledgers().filter(|(series, _)| series.kind == RunKind::Login).map(|(series, _)| &series.flow).collect();
    let mut thresholds = Thresholds::new();
    let (mut findings, mut limits, mut background) = (Vec::new(), Limits::new(), Vec::new());
    for flow in flows {
        for symptom in [Symptom::Failing, Symptom::Slow] {
            let lane = Lane::read(history, flow, symptom, rules);
            if lane.events.is_empty() {
                continue;
            }
            let drawn = Background::of(history, &lane, &rules.detection, rules.confidence)
                .with_thresholds(&rules.detection, &mut thresholds);
            findings.extend(find(history, &lane, &drawn));
            background.push(drawn);
            limits.extend(lane.vantages.iter().zip(&lane.limits).map(|(vantage, &limit)| {
                let series = Series { flow: flow.clone(), kind: RunKind::Login, vantage: vantage.clone() };
                (series, limit)
            }));
        }
    }
    let mut incidents: Vec<Incident> =
        grouped(findings).iter().map(|group| incident(history, group, &limits, rules.confidence)).collect();
    incidents.sort_by(|a, b| (a.first_failing, &a.id).cmp(&(b.first_failing, &b.id)));
    link(&mut incidents);
    Detection { incidents, background }
}

/// Incidents of one lane: those seen from several places, then those seen from one place besides.
fn find(history: &History, lane: &Lane, background: &Background) -> Vec<Finding> {
    let begin = history.period().start.as_microsecond();
    let mut findings = Vec::new();
    let mut common = Vec::new();
    if let Some(threshold) = background.threshold {
        let chart = background.chart(threshold);
        common = scan(|index| &lane.events[index], lane.events.len(), lane.vantages.len(), &chart);
        findings.extend(common.iter().map(|found| finding(lane, found, Scope::Common, begin)));
    }
    let Some(threshold) = background.notice_threshold else { return findings };
    let taken: Vec<(usize, usize)> =
        common.iter().map(|found| (found.first, found.closed.unwrap_or(lane.events.len()))).collect();
    for (vantage, name) in lane.vantages.iter().enumerate() {
        let own = lane.at_vantage(vantage as u16, &taken);
        let alone = Lane {
            flow: lane.flow.clone(),
            symptom: lane.symptom,
            vantages: vec![name.clone()],
            limits: Vec::new(),
            events: own.iter().map(|&index| super::events::Event { vantage: 0, ..lane.events[index] }).collect(),
        };
        let found = scan(|index| &alone.events[index], alone.events.len(), 1, &background.chart(threshold));
        let scope = Scope::OnePlace(name.clone());
        findings.extend(found.iter().map(|found| finding(&alone, found, scope.clone(), begin)));
    }
    findings
}

fn finding(lane: &Lane, found: &Found, scope: Scope, begin: i64) -> Finding {
    let failing = lane.events[found.first..=found.last].iter().filter(|event| event.failing);
    let first = failing.clone().min_by_key(|event| event.started()).unwrap_or(&lane.events[found.first]);
    Finding {
        flow: lane.flow.clone(),
        symptom: lane.symptom,
        scope,
        ends: ends(lane, found, begin),
        first: FirstProbe {
            vantage: lane.vantages[usize::from(first.vantage)].clone(),
            slot: first.slot,
            started: first.started(),
        },
        last_slot: failing.map(|event| event.slot).max().unwrap_or(first.slot),
        detected: lane.events[found.alarm].ended,
        open: found.closed.is_none(),
    }
}

/// Findings of one symptom and one scope that overlap in time belong together, whichever their flows.
fn grouped(mut findings: Vec<Finding>) -> Vec<Vec<Finding>> {
    findings.sort_by_key(|finding| finding.ends.start.earliest);
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in findings {
        let touching = groups.iter_mut().find(|group| {
            let alike = group[0].symptom == finding.symptom && group[0].scope == finding.scope;
            // Two stretches of one flow were told apart by the closing rule: only another flow holds them together.
            let touches =
                |one: &Finding| one.flow != finding.flow && one.ends.end.latest >= finding.ends.start.earliest;
            alike && group.iter().any(touches)
        });
        match touching {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// One incident of findings that belong together.
fn incident(history: &History, group: &[Finding], limits: &Limits, confidence: f64) -> Incident {
    let by = |key: fn(&Finding) -> i64| group.iter().map(key).min().unwrap_or_default();
    let first = group.iter().min_by_key(|finding| finding.first.started).unwrap_or(&group[0]);
    let start = group.iter().map(|finding| finding.ends.start).min_by_key(|start| start.latest);
    let end = group.iter().map(|finding| finding.ends.end).max_by_key(|end: &Bounds| (end.earliest, end.latest));
    let ends = Ends::new(start.unwrap_or(first.ends.start), end.unwrap_or(first.ends.end));
    let flows: BTreeSet<FlowName> = group.iter().map(|finding| finding.flow.clone()).collect();
    let all: Vec<Series> = flows.iter().flat_map(|flow| series(history, flow)).collect();
    let limit = |series: &Series| limits.iter().find(|(known, _)| known == series).map(|(_, limit)| *limit);
    let slow = first.symptom == Symptom::Slow;
    let parts: Vec<Part<'_>> = all
        .iter()
        .map(|series| Part { series, limit: if slow { limit(series) } else { None } })
        .filter(|part| !slow || part.limit.is_some())
        .collect();
    let slots = (by(|finding| finding.first.slot), group.iter().map(|finding| finding.last_slot).max());
    let slots = (instant(slots.0), instant(slots.1.unwrap_or(slots.0)));
    let measures = measure(history, &parts, slots, confidence);
    Incident {
        id: IncidentId::new(first.symptom, &first.flow, &first.first.vantage, instant(first.first.slot)),
        flows: flows.into_iter().collect(),
        symptom: first.symptom,
        scope: first.scope.clone(),
        start: ends.start,
        end: ends.end,
        open: group.iter().any(|finding| finding.open),
        low: ends.low,
        middle: ends.middle,
        high: ends.high,
        first_failing: instant(first.first.started),
        first_vantage: first.first.vantage.clone(),
        first_step: first_step(history, first),
        detected: Some(instant(by(|finding| finding.detected))),
        failing: measures.failing,
        peak: measures.peak,
        minutes: measures.minutes,
        splits: measures.splits,
        linked: None,
    }
}

/// The step at which the first failing probe failed.
fn first_step(history: &History, finding: &Finding) -> Option<crate::model::StepName> {
    let vantage = finding.first.vantage.clone();
    let series = Series { flow: finding.flow.clone(), kind: RunKind::Login, vantage };
    let ledger = history.ledger(&series)?;
    let began = |outcome: &Outcome| outcome.started.as_microsecond() == finding.first.started;
    let slot = finding.first.slot;
    let outcome = ledger.between(instant(slot), instant(slot + 1)).find(began)?;
    ledger.place(&outcome).0
}

/// Links failing logins with the slow ones that led up to them.
fn link(incidents: &mut [Incident]) {
    for index in 0..incidents.len() {
        let failing = &incidents[index];
        if failing.symptom != Symptom::Failing {
            continue;
        }
        let led_up = |slow: &Incident| {
            slow.symptom == Symptom::Slow
                && slow.scope == failing.scope
                && slow.first_failing < failing.first_failing
                && slow.end.latest >= failing.start.earliest
                && slow.flows.iter().any(|flow| failing.flows.contains(flow))
        };
        if let Some(before) = incidents.iter().position(led_up) {
            let (ours, theirs) = (incidents[index].id.clone(), incidents[before].id.clone());
            let failed_by = incidents[index].start.latest;
            incidents[index].linked = Some(theirs);
            let slow = &mut incidents[before];
            slow.linked = Some(ours);
            // What fails is slow no more.
            if slow.end.earliest <= failed_by && failed_by < slow.end.latest {
                slow.end.latest = failed_by;
                let ends = Ends::new(slow.start, slow.end);
                (slow.low, slow.middle, slow.high) = (ends.low, ends.middle, ends.high);
            }
        }
    }
}
