//! What the runs of one series say beside their outcomes: steps, phases, revisions, and the first messages of each class.
//! Folded, so that memory does not grow with runs, and a monoid, so that hours add up to days and days to weeks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Micros, Phase, Revision, Run, RunKind, StepName, StepRole, Verdict};
use crate::slo::Durations;

/// Messages that are kept of each class.
const MESSAGES: usize = 3;

/// Which of the runs of a class said something, in order.
pub type MessageKey = (Timestamp, u16);

/// What the runs of one series say beside their outcomes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// The revisions that logins executed, each with its first start.
    pub revisions: BTreeMap<Revision, Timestamp>,
    /// What the first few runs of each class said, by slot and attempt.
    pub messages: BTreeMap<Verdict, BTreeMap<MessageKey, String>>,
    /// Steps of scheduled logins that say something about the service.
    pub steps: BTreeMap<StepName, StepParts>,
    /// Phases of their hops.
    pub phases: BTreeMap<Phase, Durations>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepParts {
    /// The first place in a flow that it had.
    pub position: usize,
    /// What it means for a user.
    pub role: StepRole,
    /// Its times.
    pub times: Durations,
    /// The same over time, by the start of each cell.
    pub cells: BTreeMap<Timestamp, Cell>,
}

/// One step in a part of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Measurements.
    pub n: u32,
    /// Those that failed.
    pub bad: u32,
    /// Those that were done.
    pub timed: u32,
    /// The time that those took.
    pub sum: u64,
}

impl Cell {
    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.bad += other.bad;
        self.timed += other.timed;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// The average time of those that were done.
    #[must_use]
    pub fn mean(&self) -> Option<u64> {
        self.sum.checked_div(u64::from(self.timed))
    }
}

impl Parts {
    /// Counts one run, which must not have been counted before. `cell` is the start of the part of time that its slot
    /// lies in.
    pub fn add(&mut self, run: &Run, cell: Timestamp) {
        self.note(run);
        if run.kind != RunKind::Login {
            return;
        }
        let started = self.revisions.entry(run.revision.clone()).or_insert(run.started);
        *started = run.started.min(*started);
        if run.attempt == 0 && !matches!(run.verdict, Verdict::Lost(_)) {
            self.measure(run, cell);
        }
    }

    fn note(&mut self, run: &Run) {
        let Some(failure) = &run.failure else { return };
        let first = self.messages.entry(run.verdict).or_default();
        let key = (run.slot, run.attempt);
        if first.len() < MESSAGES || first.last_key_value().is_some_and(|(last, _)| key < *last) {
            first.insert(key, failure.message.clone());
            keep_first(first);
        }
    }

    fn measure(&mut self, run: &Run, cell: Timestamp) {
        for (position, step) in run.steps.iter().enumerate() {
            let parts = step_of(&mut self.steps, &step.name, position, step.role);
            let cell = parts.cells.entry(cell).or_default();
            cell.n += 1;
            if step.done {
                cell.timed += 1;
                cell.sum = cell.sum.saturating_add(step.micros.0);
                parts.times.finish(step.micros);
            } else {
                cell.bad += 1;
                if cut_off(run, position) { parts.times.cut(step.micros) } else { parts.times.fail() }
            }
        }
        for (phase, time) in run.hops.iter().flat_map(|hop| hop.phases.iter()) {
            let times = self.phases.entry(phase).or_default();
            if time.cut { times.cut(time.micros) } else { times.finish(time.micros) }
        }
    }

    /// Adds all of another, whose cells may be narrower: `cell_of` tells in which of ours one lies; `None` leaves its
    /// cell out.
    pub fn merge(&mut self, other: &Self, cell_of: impl Fn(Timestamp) -> Option<Timestamp>) {
        for (revision, started) in &other.revisions {
            let first = self.revisions.entry(revision.clone()).or_insert(*started);
            *first = (*started).min(*first);
        }
        for (verdict, messages) in &other.messages {
            let first = self.messages.entry(*verdict).or_default();
            first.extend(messages.iter().map(|(key, message)| (*key, message.clone())));
            keep_first(first);
        }
        for (name, step) in &other.steps {
            let parts = step_of(&mut self.steps, name, step.position, step.role);
            parts.times.merge(&step.times);
            for (start, cell) in &step.cells {
                if let Some(start) = cell_of(*start) {
                    parts.cells.entry(start).or_default().merge(cell);
                }
            }
        }
        for (phase, times) in &other.phases {
            self.phases.entry(*phase).or_default().merge(times);
        }
    }

    /// What a run said; known of the first few of each class.
    #[must_use]
    pub fn message(&self, verdict: Verdict, key: &MessageKey) -> Option<&str> {
        self.messages.get(&verdict)?.get(key).map(String::as_str)
    }
}

fn keep_first(messages: &mut BTreeMap<MessageKey, String>) {
    while messages.len() > MESSAGES {
        messages.pop_last();
    }
}

fn step_of<'a>(
    steps: &'a mut BTreeMap<StepName, StepParts>,
    name: &StepName,
    position: usize,
    role: StepRole,
) -> &'a mut StepParts {
    if !steps.contains_key(name) {
        let fresh = StepParts { position, role, times: Durations::default(), cells: BTreeMap::new() };
        steps.insert(name.clone(), fresh);
    }
    let known = steps.get_mut(name).expect("it was just inserted");
    known.position = known.position.min(position);
    known.role = known.role.min(role);
    known
}

/// Whether a limit cut off a hop of this step.
fn cut_off(run: &Run, step: usize) -> bool {
    let hops = run.hops.iter().filter(|hop| usize::from(hop.step) == step);
    hops.flat_map(|hop| hop.phases.iter()).any(|(_, time)| time.cut)
}

/// The time that scheduled logins took, as the report tells it.
#[must_use]
pub fn login_durations<'a>(outcomes: impl IntoIterator<Item = &'a super::Outcome>) -> Durations {
    let mut times = Durations::default();
    for outcome in outcomes {
        match (outcome.verdict, outcome.login) {
            (Verdict::Lost(_), _) => {}
            (Verdict::Good, Some(login)) => times.finish(login),
            (Verdict::Bad(_), login) if outcome.timed_out() => times.cut(login.unwrap_or(Micros(0))),
            (Verdict::Good | Verdict::Bad(_), _) => times.fail(),
        }
    }
    times
}
