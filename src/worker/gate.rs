//! Whether a run may begin: overlap per flow, permits per target, and a cap on runs per minute and target. The time is an
//! argument.
//!
//! Nobody waits at the gate: a run that waited would begin late, and its slot would no longer be a fair sample. A hanging
//! target fills its own permits and delays nobody else.
//!
//! The rate is capped over any minute, not on average: a bucket of tokens would let a burst through after a quiet time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{FlowName, LostClass, WorkerLimits};

const MINUTE: Duration = Duration::from_secs(60);

/// Why a run may not begin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0} runs of this flow are still under way (overlap of the flow)")]
    Overlap(u32),
    #[error("{0} runs are still under way against {1} (runs_per_target of the worker)")]
    TargetFull(u32, String),
    #[error("{0} runs were begun against {1} within the last minute (runs_per_minute of the worker)")]
    RateCap(u32, String),
}

impl Refusal {
    /// No room is a missed slot; the cap is a rule of ours that guards the target.
    pub(super) fn class(&self) -> LostClass {
        match self {
            Self::Overlap(_) | Self::TargetFull(..) => LostClass::MissedSlot,
            Self::RateCap(..) => LostClass::RefusedByPolicy,
        }
    }
}

/// A run that asks for leave to begin.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) flow: &'a FlowName,
    pub(super) overlap: u32,
    pub(super) target: &'a str,
    /// For an extra probe: what it must leave to slots, so that none is missed on its account.
    pub(super) leaving: Option<Leaving>,
}

/// What slots need while an extra probe is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    /// How many runs of slots of its flow may be under way at once. At least one place is left in any case, of the flow
    /// and of the target.
    pub(super) places: u32,
    /// How many runs the schedule may begin against the target within a minute.
    pub(super) rate: u32,
}

/// Counts who is inside.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    flows: HashMap<FlowName, UnderWay>,
    targets: HashMap<String, Target>,
}

/// Runs of one flow.
#[derive(Default, Clone, Copy)]
struct UnderWay {
    slots: u32,
    extras: u32,
}

#[derive(Default)]
struct Target {
    under_way: u32,
    begun: VecDeque<Instant>,
}

impl Gate {
    /// Lets a run begin, or says why not. The pass is held until the run has ended.
    pub(super) fn enter(&self, asking: Asking<'_>, limits: &WorkerLimits, now: Instant) -> Result<Pass, Refusal> {
        let Asking { flow, overlap, target, leaving } = asking;
        let (kept, rate_kept) = leaving.map_or((0, 0), |leaving| (1, leaving.rate));
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let UnderWay { slots, extras } = inside.flows.get(flow).copied().unwrap_or_default();
        let taken = extras + leaving.map_or(slots, |leaving| leaving.places.max(slots).max(1));
        if taken >= overlap {
            return Err(Refusal::Overlap(overlap));
        }
        let room = inside.targets.entry(target.to_owned()).or_default();
        if room.under_way + kept >= limits.runs_per_target {
            return Err(Refusal::TargetFull(limits.runs_per_target, target.to_owned()));
        }
        while room.begun.front().is_some_and(|&begun| now.duration_since(begun) >= MINUTE) {
            room.begun.pop_front();
        }
        if room.begun.len() + rate_kept as usize >= limits.runs_per_minute as usize {
            return Err(Refusal::RateCap(limits.runs_per_minute, target.to_owned()));
        }
        room.begun.push_back(now);
        room.under_way += 1;
        let under_way = inside.flows.entry(flow.clone()).or_default();
        *under_way.of(leaving.is_some()) += 1;
        Ok(Pass { gate: self.clone(), flow: flow.clone(), target: target.to_owned(), extra: leaving.is_some() })
    }

    /// How many runs of the flow's slots are under way.
    pub(super) fn slots_under_way(&self, flow: &FlowName) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flows.get(flow).map_or(0, |under_way| under_way.slots)
    }

    /// Forgets targets that nobody has been to for a minute, so that reloads do not let the table grow.
    pub(super) fn forget_idle(&self, now: Instant) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.targets.retain(|_, target| {
            target.under_way > 0 || target.begun.back().is_some_and(|&begun| now.duration_since(begun) < MINUTE)
        });
    }
}

impl UnderWay {
    fn of(&mut self, extra: bool) -> &mut u32 {
        if extra { &mut self.extras } else { &mut self.slots }
    }
}

/// Leave to be inside; dropping it makes room.
pub(super) struct Pass {
    gate: Gate,
    flow: FlowName,
    target: String,
    extra: bool,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = inside.targets.get_mut(&self.target) {
            target.under_way -= 1;
        }
        if let Some(under_way) = inside.flows.get_mut(&self.flow) {
            *under_way.of(self.extra) -= 1;
            if under_way.slots + under_way.extras == 0 {
                inside.flows.remove(&self.flow);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot<'a>(flow: &'a FlowName, overlap: u32, target: &'a str) -> Asking<'a> {
        Asking { flow, overlap, target, leaving: None }
    }

    fn limits(runs_per_target: u32, runs_per_minute: u32) -> WorkerLimits {
        WorkerLimits { runs_per_target, runs_per_minute, ..WorkerLimits::default() }
    }

    #[test]
    fn no_minute_sees_more_runs_than_the_cap() {
        let (gate, flow, start) = (Gate::default(), FlowName::new("shop").unwrap(), Instant::now());
        let limits = limits(100, 3);
        let enter =
            |seconds| gate.enter(slot(&flow, 100, "http://a"), &limits, start + Duration::from_secs(seconds)).err();
        assert_eq!([enter(0), enter(10), enter(59)], [None, None, None]);
        assert_eq!(enter(59), Some(Refusal::RateCap(3, "http://a".to_owned())));
        assert_eq!(enter(60), None, "the first has left the minute");
        assert_eq!(enter(61), Some(Refusal::RateCap(3, "http://a".to_owned())));
        assert!(gate.enter(slot(&flow, 100, "http://b"), &limits, start).is_ok(), "targets do not share a cap");
    }

    #[test]
    fn a_full_target_and_a_full_flow_refuse_until_a_run_ends() {
        let (gate, now) = (Gate::default(), Instant::now());
        let [shop, till] = ["shop", "till"].map(|name| FlowName::new(name).unwrap());
        let limits = limits(2, 100);
        let first = gate.enter(slot(&shop, 1, "http://a"), &limits, now).ok();
        assert_eq!(gate.enter(slot(&shop, 1, "http://b"), &limits, now).err(), Some(Refusal::Overlap(1)));
        let second = gate.enter(slot(&till, 9, "http://a"), &limits, now).ok();
        let full = Refusal::TargetFull(2, "http://a".to_owned());
        assert_eq!(gate.enter(slot(&till, 9, "http://a"), &limits, now).err(), Some(full));
        drop((first, second));
        assert!(gate.enter(slot(&shop, 1, "http://a"), &limits, now).is_ok());
        gate.forget_idle(now + MINUTE);
        assert!(gate.0.lock().unwrap().targets.is_empty());
    }

    #[test]
    fn an_extra_probe_leaves_room_for_every_slot() {
        let (gate, flow, now) = (Gate::default(), FlowName::new("shop").unwrap(), Instant::now());
        let leave = |overlap, places, rate| {
            let leaving = Some(Leaving { places, rate });
            Asking { leaving, ..slot(&flow, overlap, "http://a") }
        };
        let extra = |overlap, rate| leave(overlap, 0, rate);
        let roomy = limits(50, 100);
        assert_eq!(gate.enter(extra(1, 1), &roomy, now).err(), Some(Refusal::Overlap(1)), "the only place is a slot's");
        let held = gate.enter(extra(2, 1), &roomy, now).ok();
        assert_eq!(gate.enter(extra(2, 1), &roomy, now).err(), Some(Refusal::Overlap(2)));
        assert!(gate.enter(slot(&flow, 2, "http://a"), &roomy, now).is_ok(), "the last place is the slot's");
        assert!(gate.enter(extra(9, 1), &limits(2, 100), now).is_err(), "so is the last permit of the target");
        assert!(gate.enter(leave(4, 3, 1), &roomy, now).is_err(), "one extra probe is inside, and slots need three");
        assert!(gate.enter(leave(5, 3, 1), &roomy, now).is_ok(), "it holds its pass no longer than this line");
        assert_eq!(gate.slots_under_way(&flow), 0);
        // Three have begun within the minute; with three slots to come, the seventh run is one too many for six.
        assert!(gate.enter(extra(9, 3), &limits(9, 6), now).is_err());
        assert!(gate.enter(extra(9, 2), &limits(9, 6), now).is_ok());
        drop(held);
    }
}
