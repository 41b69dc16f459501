//! A vantage's slots, one after the other: what each run meets, and what that looks like.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    AccountName, BadClass, Failure, FlowDeclaration, LostClass, Micros, Run, RunId, RunKind, Schedule,
    ScheduleDeclaration, SplitMix, Verdict,
};

use super::script::{Draw, Outage, ProberTrouble, Script};
use super::tally::Tally;
use super::walk::{Fails, Walk};

/// Runs are handed out by as much of the timetable at a time.
const PORTION: SignedDuration = SignedDuration::from_mins(30);

/// A script with what follows from it.
#[derive(Debug)]
pub struct Simulation {
    /// What is simulated.
    pub script: Script,
    schedules: Vec<Schedule>,
    accounts: Vec<Vec<AccountName>>,
}

/// Why a run is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Nothing,
    Background,
    Outage(usize),
    Prober(usize),
}

impl Simulation {
    /// The simulation of a script.
    #[must_use]
    pub fn new(script: Script) -> Self {
        let vantages: Vec<_> = script.vantages.iter().map(|place| place.vantage.name.clone()).collect();
        let schedule = |flow: &super::SimulatedFlow| Schedule {
            flow: flow.name.clone(),
            kind: RunKind::Login,
            interval: flow.interval,
            vantages: vantages.clone(),
        };
        let schedules = script.flows.iter().map(schedule).collect();
        let names = |count: usize| (1..=count).filter_map(|number| AccountName::new(&format!("probe-{number}")).ok());
        let accounts = script.flows.iter().map(|flow| names(flow.accounts).collect()).collect();
        Self { script, schedules, accounts }
    }

    /// What the vantages' workers declare: their flows at the start, none at the end.
    #[must_use]
    pub fn declarations(&self) -> Vec<ScheduleDeclaration> {
        let flow = |(flow, schedule): (&super::SimulatedFlow, &Schedule)| FlowDeclaration {
            schedule: schedule.clone(),
            revision: flow.revision.clone(),
        };
        let flows: Vec<FlowDeclaration> = self.script.flows.iter().zip(&self.schedules).map(flow).collect();
        let mut said = Vec::new();
        for place in &self.script.vantages {
            let declare = |from, flows| ScheduleDeclaration {
                vantage: place.vantage.name.clone(),
                labels: place.vantage.labels.clone(),
                from,
                flows,
                databases: Vec::new(),
            };
            said.extend([declare(self.script.from, flows.clone()), declare(self.script.to, Vec::new())]);
        }
        said
    }

    /// Slots due, all vantages and flows together.
    #[must_use]
    pub fn due(&self) -> u64 {
        let (from, to) = (self.script.from, self.script.to);
        let vantages = || self.script.vantages.iter().map(|place| &place.vantage.name);
        self.schedules.iter().flat_map(|schedule| vantages().map(|name| schedule.count(name, from, to))).sum()
    }

    /// A count of nothing, to which vantages' counts are added.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::new(self.script.outages.len(), self.script.prober.len())
    }

    /// Goes through the slots of one vantage, by its index.
    #[must_use]
    pub fn probing(&self, vantage: usize) -> Probing<'_> {
        let tally = self.tally();
        let again = self.script.flows.iter().map(|_| Again::default()).collect();
        Probing { simulation: self, vantage, at: self.script.from, again, tally }
    }

    /// Whether an account is one of those that fail when this share of all users does.
    fn account_fails(&self, outage: usize, flow: usize, account: usize, share: f64) -> bool {
        let order = |account: usize| {
            SplitMix::of(&[self.script.seed, 0xACC0, outage as u64, flow as u64, account as u64]).word()
        };
        let count = self.accounts[flow].len();
        let before = (0..count).filter(|&other| order(other) < order(account)).count();
        (before as f64 + 0.5) / (count as f64) < share
    }
}

/// What is known of a series between its slots, when failures are looked at again.
#[derive(Debug, Default)]
struct Again {
    /// When re-probes of the last hour began.
    spent: VecDeque<Timestamp>,
    /// Until when the last series of re-probes ran.
    busy_until: Option<Timestamp>,
}

/// The runs of one vantage, in portions.
#[derive(Debug)]
pub struct Probing<'a> {
    simulation: &'a Simulation,
    vantage: usize,
    at: Timestamp,
    again: Vec<Again>,
    tally: Tally,
}

impl Iterator for Probing<'_> {
    type Item = Vec<Run>;

    /// The runs of the next half hour, in order of their start; `None` at the script's end.
    fn next(&mut self) -> Option<Vec<Run>> {
        let script = &self.simulation.script;
        if self.at >= script.to {
            return None;
        }
        let until = self.at.checked_add(PORTION).unwrap_or(script.to).min(script.to);
        let simulation = self.simulation;
        let name = &script.vantages[self.vantage].vantage.name;
        let mut runs = Vec::new();
        for (flow, schedule) in simulation.schedules.iter().enumerate() {
            for slot in schedule.slots(name, self.at, until) {
                self.serve(flow, slot, &mut runs);
            }
        }
        runs.sort_by_key(|run| run.started);
        self.at = until;
        Some(runs)
    }
}

impl Probing<'_> {
    /// What was injected so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn serve(&mut self, flow: usize, slot: Timestamp, runs: &mut Vec<Run>) {
        let late = 200 + self.random(flow, slot, u64::MAX).below(1_000);
        let started = after(slot, late);
        let (run, cause) = match self.attempt(flow, slot, 0, started) {
            Ok(served) => served,
            Err(silenced) => {
                self.tally.silent += 1;
                self.tally.prober[silenced].silent += 1;
                return;
            }
        };
        self.count(flow, &run, cause);
        let failed = matches!(run.verdict, Verdict::Bad(_));
        let ended = after(run.started, run.elapsed.0);
        runs.push(run);
        if failed {
            self.look_again(flow, slot, ended, runs);
        }
    }

    /// Adaptive re-probing: extra attempts until enough of them are good, within an allowance.
    fn look_again(&mut self, flow: usize, slot: Timestamp, ended: Timestamp, runs: &mut Vec<Run>) {
        let Some(rule) = self.simulation.script.reprobe else { return };
        if self.again[flow].busy_until.is_some_and(|until| slot < until) {
            return;
        }
        let (mut good, mut number, mut ended) = (0, 1_u16, ended);
        while good < rule.until_good {
            let begins = after(ended, Micros::from(rule.every).0);
            let spent = &mut self.again[flow].spent;
            while spent.front().is_some_and(|first| begins.duration_since(*first) >= SignedDuration::from_hours(1)) {
                spent.pop_front();
            }
            if spent.len() >= rule.per_hour || begins >= self.simulation.script.to {
                break;
            }
            spent.push_back(begins);
            let Ok((run, cause)) = self.attempt(flow, slot, number, begins) else { break };
            self.count(flow, &run, cause);
            good = if run.verdict == Verdict::Good { good + 1 } else { 0 };
            ended = after(run.started, run.elapsed.0);
            number += 1;
            runs.push(run);
        }
        self.again[flow].busy_until = Some(ended);
    }

    /// The source of chance of one attempt: what it draws does not depend on where one begins to simulate.
    fn random(&self, flow: usize, slot: Timestamp, attempt: u64) -> SplitMix {
        let place = (self.vantage as u64) << 32 | flow as u64;
        SplitMix::of(&[self.simulation.script.seed, place, slot.as_microsecond().cast_unsigned(), attempt])
    }

    /// One attempt, and why it went as it did; or the number of the trouble for which nobody recorded it.
    fn attempt(&self, flow: usize, slot: Timestamp, attempt: u16, started: Timestamp) -> Result<(Run, Cause), usize> {
        let script = &self.simulation.script;
        let place = (self.vantage, flow);
        let mut random = self.random(flow, slot, u64::from(attempt));
        for (number, fault) in script.troubles(place, started) {
            if !random.chance(fault.share) {
                continue;
            }
            let cause = Cause::Prober(number);
            let verdict = match fault.trouble {
                ProberTrouble::Silent => return Err(number),
                ProberTrouble::Lost(class) => Verdict::Lost(class),
                ProberTrouble::CutOff => Verdict::Bad(BadClass::Connect),
            };
            return Ok((self.unreachable(flow, slot, attempt, started, verdict, random), cause));
        }
        if random.chance(script.flows[flow].lost) {
            let verdict = Verdict::Lost(LostClass::Overloaded);
            return Ok((self.unreachable(flow, slot, attempt, started, verdict, random), Cause::Nothing));
        }
        Ok(self.login(flow, slot, attempt, started, random))
    }

    /// A run that got nowhere.
    fn unreachable(
        &self,
        flow: usize,
        slot: Timestamp,
        attempt: u16,
        started: Timestamp,
        verdict: Verdict,
        random: SplitMix,
    ) -> Run {
        let script = &self.simulation.script;
        if let Verdict::Lost(class @ LostClass::MissedSlot) = verdict {
            let shape = &script.flows[flow];
            let name = script.vantages[self.vantage].vantage.name.clone();
            let identity = (RunKind::Login, shape.name.clone(), shape.revision.clone(), name, slot);
            return Run::never_began(identity, started, class, "the slot passed unserved".to_owned());
        }
        let mut walk = Walk::new(&script.flows[flow], script.vantages[self.vantage].pace, random);
        let unreachable = Fails { verdict, ..Fails::class(BadClass::Connect) };
        let failure = walk.fail(0, 1.0, &unreachable);
        self.finish(flow, (slot, attempt, started), walk, verdict, Some(failure))
    }

    /// A login that reaches the service.
    fn login(
        &self,
        flow: usize,
        slot: Timestamp,
        attempt: u16,
        started: Timestamp,
        mut random: SplitMix,
    ) -> (Run, Cause) {
        let script = &self.simulation.script;
        let (place, shape) = ((self.vantage, flow), &script.flows[flow]);
        let background = random.chance(shape.background).then(|| random.below(shape.steps.len() as u64) as usize);
        let class = if random.chance(0.5) { BadClass::Timeout } else { BadClass::HttpStatus };
        let account = self.account(flow, slot);
        let mut draws = SplitMix::of(&[random.word()]);
        let mut walk = Walk::new(shape, script.vantages[self.vantage].pace, random);
        for step in 0..shape.steps.len() {
            let at = after(started, walk.elapsed().0);
            let slowness = script.slowness(place, step, at);
            let outage = script.failing(place, step, at).find(|&(number, outage, share)| match outage.draw {
                Draw::Attempts => draws.chance(share),
                Draw::Users => self.simulation.account_fails(number, flow, account, share),
            });
            let (fails, cause) = match outage {
                Some((number, outage, _)) => (fails_as(outage), Cause::Outage(number)),
                None if background == Some(step) => (Fails::class(class), Cause::Background),
                None if walk.succeed(step, slowness) => continue,
                None => (Fails::class(BadClass::Timeout), Cause::Background),
            };
            let failure = walk.fail(step, slowness, &fails);
            return (self.finish(flow, (slot, attempt, started), walk, fails.verdict, Some(failure)), cause);
        }
        (self.finish(flow, (slot, attempt, started), walk, Verdict::Good, None), Cause::Nothing)
    }

    fn account(&self, flow: usize, slot: Timestamp) -> usize {
        let name = &self.simulation.script.vantages[self.vantage].vantage.name;
        let accounts = self.simulation.accounts[flow].len();
        self.simulation.schedules[flow].account_turn(name, slot, accounts).unwrap_or(0)
    }

    fn finish(
        &self,
        flow: usize,
        (slot, attempt, started): (Timestamp, u16, Timestamp),
        walk: Walk<'_>,
        verdict: Verdict,
        failure: Option<Failure>,
    ) -> Run {
        let script = &self.simulation.script;
        let shape = &script.flows[flow];
        let vantage = script.vantages[self.vantage].vantage.name.clone();
        Run {
            id: RunId::new(RunKind::Login, &shape.name, &vantage, slot, attempt),
            kind: RunKind::Login,
            flow: shape.name.clone(),
            revision: shape.revision.clone(),
            vantage,
            slot,
            attempt,
            started,
            elapsed: walk.elapsed(),
            lag: Micros(100),
            verdict,
            failure,
            account: self.simulation.accounts[flow].get(self.account(flow, slot)).cloned(),
            steps: walk.steps,
            hops: walk.hops,
        }
    }

    fn count(&mut self, flow: usize, run: &Run, cause: Cause) {
        let tally = &mut self.tally;
        tally.runs += 1;
        tally.reprobes += u64::from(run.attempt > 0);
        let bad = matches!(run.verdict, Verdict::Bad(_));
        match run.verdict {
            Verdict::Good => tally.good += 1,
            Verdict::Bad(_) => tally.bad += 1,
            Verdict::Lost(_) => tally.lost += 1,
        }
        tally.background += u64::from(cause == Cause::Background);
        if let Cause::Prober(number) = cause {
            let troubled = &mut tally.prober[number];
            troubled.bad += u64::from(bad);
            troubled.lost += u64::from(!bad);
        }
        if run.attempt > 0 || matches!(run.verdict, Verdict::Lost(_)) {
            return;
        }
        for (number, outage) in self.simulation.script.outages.iter().enumerate() {
            let hit = cause == Cause::Outage(number);
            let due = outage.reach.meets(self.vantage, flow) && (outage.from..outage.to).contains(&run.slot);
            if hit || due {
                let minute = tally.outages[number].entry(run.slot.as_second().div_euclid(60)).or_default();
                minute.runs += 1;
                minute.bad += u64::from(bad);
                minute.failing += u64::from(hit);
            }
        }
    }
}

fn fails_as(outage: &Outage) -> Fails {
    Fails { verdict: Verdict::Bad(outage.class), status: outage.status, phase: outage.phase }
}

fn after(instant: Timestamp, micros: u64) -> Timestamp {
    let sum = instant.as_microsecond().saturating_add(i64::try_from(micros).unwrap_or(i64::MAX));
    Timestamp::from_microsecond(sum).unwrap_or(Timestamp::MAX)
}
