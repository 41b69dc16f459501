//! The slots of all series of one worker in order of time. Pure: the time is an argument.
//!
//! Slots follow the wall clock. A series never yields a slot twice, also when the clock is set back: it goes on with the
//! first slot after the last one it yielded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Due;
use crate::model::{Flow, FlowName, RunKind, Schedule, VantageName};

/// So many slots of a series that passed at once (the machine slept) are yielded, the latest ones; older ones are only
/// counted. Coverage counts both alike, since it knows the schedule.
pub(super) const MOST_PASSED: i64 = 100;

const INSTANT: SignedDuration = SignedDuration::from_micros(1);

/// One flow and kind at this vantage.
struct Series {
    flow: Arc<Flow>,
    schedule: Schedule,
    /// The first instant whose slots have not been yielded.
    open_from: Timestamp,
}

/// The slots of all series in order of time.
pub(super) struct Agenda {
    vantage: VantageName,
    series: Vec<Series>,
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// What has come due.
#[derive(Default)]
pub(super) struct Batch {
    /// In order of slots.
    pub(super) due: Vec<Due>,
    /// Slots that passed beside them and are not yielded.
    pub(super) skipped: u64,
}

impl Agenda {
    /// The slots from `from` on.
    pub(super) fn new(vantage: VantageName, schedules: Vec<(Arc<Flow>, Schedule)>, from: Timestamp) -> Self {
        let series: Vec<_> =
            schedules.into_iter().map(|(flow, schedule)| Series { flow, schedule, open_from: from }).collect();
        let mut agenda = Self { vantage, series, next: BinaryHeap::new() };
        agenda.fill();
        agenda
    }

    /// Takes over other schedules from `from` on. A series that goes on under the same name yields no slot again.
    pub(super) fn replace(&mut self, schedules: Vec<(Arc<Flow>, Schedule)>, from: Timestamp) {
        let old = std::mem::take(&mut self.series);
        let reached = |schedule: &Schedule| {
            let same =
                |series: &&Series| series.schedule.flow == schedule.flow && series.schedule.kind == schedule.kind;
            old.iter().find(same).map_or(from, |series| series.open_from.max(from))
        };
        self.series = schedules
            .into_iter()
            .map(|(flow, schedule)| Series { open_from: reached(&schedule), flow, schedule })
            .collect();
        self.fill();
    }

    fn fill(&mut self) {
        self.next.clear();
        for index in 0..self.series.len() {
            self.push_next(index);
        }
    }

    fn push_next(&mut self, index: usize) {
        let series = &self.series[index];
        if let Some(slot) = series.schedule.slot_from(&self.vantage, series.open_from) {
            self.next.push(Reverse((slot, index)));
        }
    }

    /// When the next slot is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next.peek().map(|Reverse((slot, _))| *slot)
    }

    /// How many runs of a flow's slots may be under way at once while a run that begins now lasts, which is for as long
    /// as any of them: at most `lasting`. `under_way` of the slots up to now still are.
    pub(super) fn crowd(&self, flow: &FlowName, lasting: Duration, under_way: u32, now: Timestamp) -> u32 {
        let lasting = SignedDuration::try_from(lasting).unwrap_or(SignedDuration::MAX);
        let (Ok(oldest), Ok(end)) = (now.checked_sub(lasting), now.checked_add(lasting)) else { return u32::MAX };
        let of_flow = self.series.iter().filter(|series| series.schedule.flow == *flow);
        let mut slots: Vec<Timestamp> =
            of_flow.flat_map(|series| series.schedule.slots(&self.vantage, oldest, end)).collect();
        slots.sort_unstable();
        let at = |time: Timestamp| {
            let during = |slot: &&Timestamp| **slot <= time && time.duration_since(**slot) < lasting;
            let past = slots.iter().filter(during).filter(|slot| **slot <= now).count();
            let coming = slots.iter().filter(during).filter(|slot| **slot > now).count();
            under_way.min(past as u32).saturating_add(coming as u32)
        };
        slots.iter().filter(|slot| **slot > now).map(|slot| at(*slot)).fold(under_way, u32::max)
    }

    /// Takes all slots up to `now`, included.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        while let Some(&Reverse((slot, index))) = self.next.peek().filter(|Reverse((slot, _))| *slot <= now) {
            self.next.pop();
            if let Some(resume) = self.resume_after_gap(index, slot, now) {
                batch.skipped += self.series[index].schedule.count(&self.vantage, slot, resume);
                self.series[index].open_from = resume;
            } else {
                batch.due.push(self.due(index, slot));
                self.series[index].open_from = slot.saturating_add(INSTANT).unwrap_or(slot);
            }
            self.push_next(index);
        }
        batch
    }

    /// From where a series goes on that is too far behind; `None` when it is not.
    fn resume_after_gap(&self, index: usize, slot: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let schedule = &self.series[index].schedule;
        let turns = match schedule.kind {
            RunKind::Login => 1,
            RunKind::WrongPassword => schedule.vantages.len().max(1) as i64,
        };
        let behind = MOST_PASSED.saturating_mul(turns);
        if schedule.interval_index(now) - schedule.interval_index(slot) <= behind {
            return None;
        }
        let span = SignedDuration::try_from(schedule.interval.saturating_mul(u32::try_from(behind).ok()?)).ok()?;
        now.checked_sub(span).ok().filter(|&resume| resume > slot)
    }

    fn due(&self, index: usize, slot: Timestamp) -> Due {
        let Series { flow, schedule, .. } = &self.series[index];
        let accounts = match &flow.negative {
            Some(negative) if schedule.kind == RunKind::WrongPassword => &negative.accounts,
            _ => &flow.accounts,
        };
        let account = schedule.account_turn(&self.vantage, slot, accounts.len()).map(|turn| accounts[turn].clone());
        Due { flow: Arc::clone(flow), kind: schedule.kind, vantage: self.vantage.clone(), slot, attempt: 0, account }
    }
}
