//! From a history to incidents: every flow's lanes through their charts, then what overlaps in time as one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::history::{History, Ledger, Outcome, Series};
use crate::model::{FlowName, RunKind, VantageName, Verdict};

use super::background::{Background, Thresholds};
use super::block::Block;
use super::bounds::Ends;
use super::course::{Course, Finding};
use super::events::instant;
use super::measure::{Part, measure, series};
use super::model::{Bounds, Incident, IncidentId, SlowLimit, Symptom};
use super::rules::Rules;

/// What detection says about a history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// All incidents, by their first failing probe.
    pub incidents: Vec<Incident>,
    /// The background and the charts of every flow in every week.
    pub background: Vec<Background>,
}

/// Finds every incident of a history. The same history and rules give the same incidents.
#[must_use]
pub fn detect(history: &History, rules: &Rules) -> Detection {
    detect_since(history, rules, history.period().start)
}

/// Finds the incidents of the weeks from the one that holds `since` on. A history that begins at that week's
/// [`Block::read_from`] gives the same incidents as one that begins earlier, except where an incident that
/// `since` cuts, or one that ended just before it, tells another beginning: those begin before or shortly after `since`.
#[must_use]
pub fn detect_since(history: &History, rules: &Rules, since: Timestamp) -> Detection {
    let flows: BTreeSet<&FlowName> =
        history.ledgers().filter(|(series, _)| series.kind == RunKind::Login).map(|(series, _)| &series.flow).collect();
    let blocks = blocks(history, rules, since);
    let mut thresholds = Thresholds::new();
    let (mut findings, mut background) = (Vec::new(), Vec::new());
    for flow in flows {
        for symptom in [Symptom::Failing, Symptom::Slow] {
            let course = Course { history, flow, symptom, rules };
            let (found, drawn) = course.follow(&blocks, &mut thresholds);
            findings.extend(found);
            background.extend(drawn);
        }
    }
    let mut incidents: Vec<Incident> =
        grouped(findings).iter().map(|group| incident(history, group, rules.confidence)).collect();
    incidents.sort_by(|a, b| (a.first_failing, &a.id).cmp(&(b.first_failing, &b.id)));
    link(&mut incidents);
    Detection { incidents, background }
}

/// The weeks with runs, one after the other; weeks without any between them included.
fn blocks(history: &History, rules: &Rules, since: Timestamp) -> Vec<Block> {
    let logins = || history.ledgers().filter(|(series, _)| series.kind == RunKind::Login).map(|(_, ledger)| ledger);
    let Some(first) = logins().filter_map(|ledger| ledger.all().next()).map(|outcome| outcome.slot).min() else {
        return Vec::new();
    };
    let last = logins().filter_map(Ledger::last_slot).max().unwrap_or(first);
    let mut all = vec![Block::of(first.max(since), &rules.zone)];
    while let Some(block) = all.last().filter(|block| block.end <= last) {
        all.push(block.after(&rules.zone));
    }
    all
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
fn incident(history: &History, group: &[Finding], confidence: f64) -> Incident {
    let by = |key: fn(&Finding) -> i64| group.iter().map(key).min().unwrap_or_default();
    let first = group.iter().min_by_key(|finding| finding.first.started).unwrap_or(&group[0]);
    let earliest = group.iter().map(|finding| finding.ends).min_by_key(|ends| ends.start.latest).unwrap_or(first.ends);
    let end = group.iter().map(|finding| finding.ends.end).max_by_key(|end: &Bounds| (end.earliest, end.latest));
    // Of several flows, another may be the one that failed first.
    let began = earliest.start.earliest.min(instant(by(|finding| finding.first.slot)));
    let start = Bounds { earliest: began, ..earliest.start };
    let ends = Ends::new(start, end.unwrap_or(first.ends.end));
    let flows: BTreeSet<FlowName> = group.iter().map(|finding| finding.flow.clone()).collect();
    let all: Vec<Series> = flows.iter().flat_map(|flow| series(history, flow)).collect();
    let limit = |series: &Series| {
        let of_flow = group.iter().filter(|finding| finding.flow == series.flow);
        of_flow.flat_map(|finding| &finding.limits).find(|(vantage, _)| *vantage == series.vantage).map(|one| one.1)
    };
    let slow = first.symptom == Symptom::Slow;
    let parts: Vec<Part<'_>> = all
        .iter()
        .map(|series| Part { series, limit: if slow { limit(series) } else { None } })
        .filter(|part| !slow || part.limit.is_some())
        .collect();
    let slots = (by(|finding| finding.first.slot), group.iter().map(|finding| finding.last_slot).max());
    let slots = (instant(slots.0), instant(slots.1.unwrap_or(slots.0)));
    let measures = measure(history, &parts, slots, confidence);
    let slow_limit = |part: &Part<'_>| {
        let Series { flow, vantage, .. } = part.series.clone();
        Some(SlowLimit { flow, vantage, over: part.limit? })
    };
    Incident {
        id: IncidentId::new(first.symptom, &first.flow, &first.first.vantage, instant(first.first.slot)),
        flows: flows.into_iter().collect(),
        symptom: first.symptom,
        slow_limits: parts.iter().filter_map(slow_limit).collect(),
        scope: first.scope.clone(),
        start: ends.start,
        start_unseen: earliest.start_unseen,
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
        silent: silent(history, &all, slots),
        linked: None,
    }
}

/// Vantages that owed logins between two slots, both included, of which none has a verdict.
fn silent(history: &History, all: &[Series], (first, last): (Timestamp, Timestamp)) -> Vec<VantageName> {
    let end = instant(last.as_microsecond() + 1);
    let mut owed: BTreeMap<&VantageName, bool> = BTreeMap::new();
    for series in all {
        let due = history.expected(series).map_or(0, |expected| expected.count(first, end));
        let mut runs = history.ledger(series).into_iter().flat_map(|ledger| ledger.between(first, end)).peekable();
        if due > 0 || runs.peek().is_some() {
            let spoke = runs.any(|outcome| !matches!(outcome.verdict, Verdict::Lost(_)));
            *owed.entry(&series.vantage).or_default() |= spoke;
        }
    }
    owed.into_iter().filter(|(_, spoke)| !spoke).map(|(vantage, _)| vantage.clone()).collect()
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
