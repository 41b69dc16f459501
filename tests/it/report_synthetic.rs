//! Runs whose truth is known, for the tests of the report: a schedule, and what became of each slot.

use std::collections::BTreeMap;
use std::time::Duration;

use doorstep::model::{
    BadClass, Exclusion, Failure, FlowDeclaration, FlowName, Hop, HttpVersion, LostClass, Micros, Objective,
    ObjectiveName, Phase, Phases, Policy, Population, Revision, Run, RunId, RunKind, Schedule, ScheduleDeclaration,
    StepName, StepRecord, StepRole, Target, Threshold, VantageName, Verdict,
};
use doorstep::report::ReportModel;
use doorstep::report::build::{Builder, Context, Inputs};
use doorstep::slo::Period;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A site with known truth. Fields may be changed before [`World::report`].
pub(crate) struct World {
    pub(crate) period: Period,
    pub(crate) until: Timestamp,
    pub(crate) objectives: Vec<(Objective, Period)>,
    pub(crate) declarations: Vec<ScheduleDeclaration>,
    pub(crate) population: Population,
    pub(crate) policy: Policy,
    pub(crate) exclusions: Vec<Exclusion>,
    pub(crate) runs: Vec<Run>,
    pub(crate) context: Context,
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn vantage(name: &str) -> VantageName {
    VantageName::new(name).expect("a name")
}

pub(crate) fn flow() -> FlowName {
    FlowName::new("shop").expect("a name")
}

pub(crate) fn schedule(kind: RunKind, interval: Duration, vantages: &[&str]) -> Schedule {
    Schedule { flow: flow(), kind, interval, vantages: vantages.iter().map(|name| vantage(name)).collect() }
}

/// What each vantage would declare at `from`.
pub(crate) fn declarations(from: Timestamp, schedules: &[Schedule], vantages: &[&str]) -> Vec<ScheduleDeclaration> {
    let revision = Revision::of(b"shop");
    let flows: Vec<_> = schedules
        .iter()
        .map(|schedule| FlowDeclaration { schedule: schedule.clone(), revision: revision.clone() })
        .collect();
    let labels = |name: &str| BTreeMap::from([("region".to_owned(), format!("eu-{name}"))]);
    vantages
        .iter()
        .map(|name| ScheduleDeclaration {
            vantage: vantage(name),
            labels: labels(name),
            from,
            flows: flows.clone(),
            databases: Vec::new(),
        })
        .collect()
}

pub(crate) fn objective(name: &str, target: f64, threshold_millis: Option<u64>) -> Objective {
    Objective {
        name: ObjectiveName::new(name).expect("a name"),
        description: String::new(),
        flow: flow(),
        target: Target::new(target).expect("a target"),
        threshold: threshold_millis.map(|millis| Threshold { at_most: Micros(millis * 1000) }),
        zone: TimeZone::UTC,
    }
}

impl World {
    /// One flow with this interval, declared at the period's start at these vantages; no runs yet; one objective of 99 %.
    pub(crate) fn new(period: Period, interval: Duration, vantages: &[&str]) -> Self {
        let declared = schedule(RunKind::Login, interval, vantages);
        Self {
            until: period.end,
            objectives: vec![(objective("login", 0.99, None), period.clone())],
            declarations: declarations(period.start, &[declared], vantages),
            population: Population::default(),
            policy: Policy::default(),
            exclusions: Vec::new(),
            runs: Vec::new(),
            context: Context::default(),
            period,
        }
    }

    /// All due slots with their vantages, in order of time.
    pub(crate) fn slots(&self, kind: RunKind) -> Vec<(Timestamp, VantageName)> {
        let mut slots = Vec::new();
        for declaration in &self.declarations {
            for flow in declaration.flows.iter().filter(|flow| flow.schedule.kind == kind) {
                let here = flow.schedule.slots(&declaration.vantage, self.period.start, self.period.end);
                slots.extend(here.map(|slot| (slot, declaration.vantage.clone())));
            }
        }
        slots.sort();
        slots
    }

    /// A run for every due slot, with the verdict that `verdict` gives to the slot's index in time.
    pub(crate) fn fill(&mut self, verdict: impl Fn(usize) -> Option<Verdict>) {
        for (index, (slot, vantage)) in self.slots(RunKind::Login).into_iter().enumerate() {
            self.runs.extend(verdict(index).map(|verdict| login(&vantage, slot, 0, verdict, 100 + index as u64 % 50)));
        }
    }

    pub(crate) fn report(&self) -> ReportModel {
        self.report_of(self.runs.iter())
    }

    pub(crate) fn report_of<'r>(&self, runs: impl Iterator<Item = &'r Run>) -> ReportModel {
        let mut builder = Builder::new(Inputs {
            site: "Example Shop",
            period: &self.period,
            until: self.until,
            objectives: &self.objectives,
            declarations: &self.declarations,
            population: &self.population,
            policy: &self.policy,
            exclusions: &self.exclusions,
            generated_from: "doorstep test",
            context: &self.context,
        });
        for run in runs {
            builder.add(run);
        }
        builder.finish("0123456789abcdef")
    }
}

/// A span of UTC time from a Monday morning.
pub(crate) fn span(seconds: i64) -> Period {
    let start = time("2026-11-16T00:00:00Z");
    let end = Timestamp::from_second(start.as_second() + seconds).expect("a time");
    Period::between(start, end, &TimeZone::UTC).expect("a period")
}

/// A login of two steps, `open` (a fifth of the time) and `submit`. It ends at `open` when it is bad; a timeout waited
/// ten seconds.
pub(crate) fn login(vantage: &VantageName, slot: Timestamp, attempt: u16, verdict: Verdict, millis: u64) -> Run {
    run(RunKind::Login, vantage, slot, attempt, verdict, millis)
}

pub(crate) fn run(
    kind: RunKind,
    vantage: &VantageName,
    slot: Timestamp,
    attempt: u16,
    verdict: Verdict,
    millis: u64,
) -> Run {
    let timed_out = verdict == Verdict::Bad(BadClass::Timeout);
    let total = Micros(if timed_out { 10_000_000 } else { millis * 1000 });
    let first = if verdict == Verdict::Good { Micros(total.0 / 5) } else { total };
    let mut steps = Vec::new();
    let mut hops = Vec::new();
    if !matches!(verdict, Verdict::Lost(_)) {
        let parts = [("open", first, verdict == Verdict::Good), ("submit", Micros(total.0 - first.0), true)];
        let begun = if verdict == Verdict::Good { 2 } else { 1 };
        for (index, (name, micros, done)) in parts.into_iter().take(begun).enumerate() {
            steps.push(step(name, micros, done));
            hops.push(hop(u16::try_from(index).unwrap(), micros, timed_out));
        }
    }
    let failure = (verdict != Verdict::Good).then(|| Failure {
        step: (!steps.is_empty()).then(|| StepName::new("open").unwrap()),
        phase: timed_out.then_some(Phase::Wait),
        message: format!("it went wrong: {verdict}"),
    });
    Run {
        id: RunId::new(kind, &flow(), vantage, slot, attempt),
        kind,
        flow: flow(),
        revision: Revision::of(b"shop"),
        vantage: vantage.clone(),
        slot,
        attempt,
        started: slot,
        elapsed: total,
        lag: Micros(0),
        verdict,
        failure,
        account: None,
        steps,
        hops,
    }
}

fn step(name: &str, micros: Micros, done: bool) -> StepRecord {
    StepRecord {
        name: StepName::new(name).expect("a name"),
        role: StepRole::Login,
        offset: Micros(0),
        micros,
        done,
        evidence: Vec::new(),
    }
}

fn hop(step: u16, micros: Micros, cut: bool) -> Hop {
    let mut phases = Phases::default();
    phases.finish(Phase::Connect, Micros(1_000));
    if cut {
        phases.cut(Phase::Wait, micros);
    } else {
        phases.finish(Phase::Wait, micros);
    }
    Hop {
        step,
        method: "GET".to_owned(),
        url: "https://shop.example/login".to_owned(),
        status: (!cut).then_some(200),
        version: Some(HttpVersion::Http11),
        address: None,
        reused: false,
        offset: Micros(0),
        phases,
        body_bytes: 1_234,
    }
}

/// The world of the first claim: 1,000 logins, exactly 37 bad: 20 by status, 12 timeouts, 5 refused.
pub(crate) fn thirty_seven_of_a_thousand() -> World {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.fill(|index| {
        Some(match index {
            100..120 => Verdict::Bad(BadClass::HttpStatus),
            300..312 => Verdict::Bad(BadClass::Timeout),
            700..705 => Verdict::Bad(BadClass::CredentialsRefused),
            _ => Verdict::Good,
        })
    });
    world
}

/// A lost run's verdict.
pub(crate) const LOST: Verdict = Verdict::Lost(LostClass::LocalNetwork);
