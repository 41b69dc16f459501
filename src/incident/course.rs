//! One flow through the weeks: in each week charts begin anew, after a run-up, with a background of that week; what is
//! under way at a week's end is followed into the next. What is found in a week depends on no other week before it,
//! except where an incident crosses from one into the other.

use crate::history::History;
use crate::model::{FlowName, Micros, VantageName};

use super::background::{Background, Thresholds};
use super::block::Block;
use super::bounds::{Ends, ends};
use super::chart::{Found, scan};
use super::events::{Event, Lane};
use super::model::{Scope, Symptom};
use super::rules::Rules;

/// What was found in one lane, in words of the model.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) flow: FlowName,
    pub(super) symptom: Symptom,
    pub(super) scope: Scope,
    pub(super) ends: Ends,
    pub(super) first: FirstProbe,
    pub(super) last_slot: i64,
    pub(super) detected: i64,
    pub(super) open: bool,
    /// What is slow, by vantage; empty for failing logins.
    pub(super) limits: Vec<(VantageName, Micros)>,
    /// When the first failure and the probe that closed it ended (the last one of all, while it is open): nothing else
    /// is found of the same probes.
    taken: (i64, i64),
    /// It began in the run-up of its week.
    crossing: bool,
}

/// The failing probe that began first.
#[derive(Debug, Clone)]
pub(super) struct FirstProbe {
    pub(super) vantage: VantageName,
    pub(super) slot: i64,
    pub(super) started: i64,
}

/// What one week says by itself.
#[derive(Default)]
struct Week {
    background: Option<Background>,
    findings: Vec<Finding>,
    /// Probes of its run-up: without any, it cannot be said that nothing was under way when it began.
    run_up: usize,
    /// Probes of the week itself.
    own: usize,
}

/// One flow, looked at for one symptom.
pub(super) struct Course<'a> {
    pub(super) history: &'a History,
    pub(super) flow: &'a FlowName,
    pub(super) symptom: Symptom,
    pub(super) rules: &'a Rules,
}

impl Course<'_> {
    /// What is found in these weeks, which follow one another, and the background of each that has probes.
    pub(super) fn follow(&self, blocks: &[Block], known: &mut Thresholds) -> (Vec<Finding>, Vec<Background>) {
        let mut weeks: Vec<Week> = blocks.iter().map(|&block| self.week(block, known)).collect();
        for index in 0..weeks.len() {
            self.follow_over_the_end(blocks, &mut weeks, index);
        }
        let mut kept: Vec<Finding> = Vec::new();
        for week in &mut weeks {
            let before = kept.len();
            for finding in week.findings.drain(..) {
                let told = |other: &Finding| {
                    let overlaps = finding.taken.0 <= other.taken.1 && other.taken.0 <= finding.taken.1;
                    overlaps && (other.scope == finding.scope || finding.crossing && other.scope == Scope::Common)
                };
                if !kept[..before].iter().any(told) {
                    kept.push(finding);
                }
            }
        }
        let own = weeks.into_iter().filter(|week| week.own > 0);
        (kept, own.filter_map(|week| week.background).collect())
    }

    fn lane(&self, block: Block, until: jiff::Timestamp) -> Lane {
        Lane::read(self.history, (self.flow, self.symptom), self.rules, block, until)
    }

    fn week(&self, block: Block, known: &mut Thresholds) -> Week {
        let lane = self.lane(block, block.end);
        if lane.events.is_empty() {
            return Week::default();
        }
        let detection = &self.rules.detection;
        let background = Background::of(self.history, &lane, block, (detection, self.rules.confidence));
        let background = background.with_thresholds(detection, known);
        let start = block.start.as_microsecond();
        let run_up = lane.events.iter().filter(|event| event.slot < start).count();
        let own = lane.events.len() - run_up;
        let (findings, common) = find(&lane, block, &background);
        let background = background.without(&lane, &common, (detection, self.rules.confidence));
        Week { findings, background: Some(background), run_up, own }
    }

    /// Follows what is open at a week's end while the next weeks, each by itself, see something under way as well. Where
    /// one does not, it was over.
    fn follow_over_the_end(&self, blocks: &[Block], weeks: &mut [Week], index: usize) {
        let next = index + 1;
        for at in next..weeks.len() {
            let open: Vec<&Finding> = weeks[index].findings.iter().filter(|finding| finding.open).collect();
            if open.is_empty() {
                return;
            }
            let goes_on =
                |open: &&Finding| weeks[at].findings.iter().any(|one| one.crossing && one.scope == open.scope);
            if !open.iter().any(goes_on) {
                let over = weeks[at].run_up > 0;
                weeks[index].findings.iter_mut().for_each(|finding| finding.open &= !over);
                return;
            }
            if let Some(background) = &weeks[index].background {
                let lane = self.lane(blocks[index], blocks[at].end);
                weeks[index].findings = find(&lane, blocks[index], background).0;
            }
        }
    }
}

/// What is found in one lane: what is seen from several places, then what is seen from one place besides. What ended in
/// the run-up is left to the week before. Beside it where in the lane lies what is seen from several places, from the
/// first failure to the probe that closed it.
fn find(lane: &Lane, block: Block, background: &Background) -> (Vec<Finding>, Vec<(usize, usize)>) {
    let (start, end) = (block.start.as_microsecond(), block.end.as_microsecond());
    let mut findings = Vec::new();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    if let Some(threshold) = background.threshold {
        let chart = background.chart(threshold);
        let common = scan(|index| &lane.events[index], (lane.events.len(), end), lane.vantages.len(), &chart);
        findings.extend(common.iter().map(|found| finding(lane, found, Scope::Common, start)));
        taken = common.iter().map(|found| (found.first, found.closed.unwrap_or(lane.events.len()))).collect();
    }
    if let Some(threshold) = background.notice_threshold {
        for (vantage, name) in lane.vantages.iter().enumerate() {
            let own = lane.at_vantage(vantage as u16, &taken);
            let alone = Lane {
                flow: lane.flow.clone(),
                symptom: lane.symptom,
                vantages: vec![name.clone()],
                limits: lane.limits.get(vantage).copied().into_iter().collect(),
                events: own.iter().map(|&index| Event { vantage: 0, ..lane.events[index] }).collect(),
            };
            let chart = background.chart(threshold);
            let found = scan(|index| &alone.events[index], (alone.events.len(), end), 1, &chart);
            let scope = Scope::OnePlace(name.clone());
            findings.extend(found.iter().map(|found| finding(&alone, found, scope.clone(), start)));
        }
    }
    (findings.into_iter().flatten().collect(), taken)
}

/// `None` for what was closed before the week's first instant.
fn finding(lane: &Lane, found: &Found, scope: Scope, start: i64) -> Option<Finding> {
    if found.closed.is_some_and(|closed| lane.events[closed].slot < start) {
        return None;
    }
    let failing = lane.events[found.first..=found.last].iter().filter(|event| event.failing);
    let first = failing.clone().min_by_key(|event| event.started()).unwrap_or(&lane.events[found.first]);
    let over = found.closed.unwrap_or(lane.events.len() - 1);
    Some(Finding {
        flow: lane.flow.clone(),
        symptom: lane.symptom,
        scope,
        ends: ends(lane, found),
        first: FirstProbe {
            vantage: lane.vantages[usize::from(first.vantage)].clone(),
            slot: first.slot,
            started: first.started(),
        },
        last_slot: failing.map(|event| event.slot).max().unwrap_or(first.slot),
        detected: lane.events[found.alarm].ended,
        open: found.closed.is_none(),
        limits: lane.vantages.iter().cloned().zip(lane.limits.iter().copied()).collect(),
        taken: (lane.events[found.first].ended, lane.events[over].ended),
        crossing: lane.events[found.first].slot < start,
    })
}
