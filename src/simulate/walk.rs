//! One login, drawn step by step: hops with phases as a prober measures them, up to the end or to the step that fails.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::{
    BadClass, Failure, Hop, HttpVersion, Micros, Phase, Phases, SplitMix, StepRecord, StepRole, Verdict,
};

use super::script::{SimulatedFlow, SimulatedStep};

/// The prober's own work before each step, in microseconds.
const OWN_WORK: u64 = 250;
/// Handing a request to the socket, in microseconds.
const SEND: u64 = 40;
/// An address that is nobody's (RFC 5737).
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
/// How long an unreachable service is waited for at most, in microseconds.
const UNREACHABLE: u64 = 3_000_000;

/// How a step fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fails {
    /// What the run says.
    pub(super) verdict: Verdict,
    /// Status of the answer, when there is one.
    pub(super) status: u16,
    /// The phase that hangs, of a timeout.
    pub(super) phase: Phase,
}

impl Fails {
    /// A failure of a class, in the way in which it usually happens.
    pub(super) fn class(class: BadClass) -> Self {
        let status = match class {
            BadClass::HttpStatus => 503,
            BadClass::Throttled => 429,
            BadClass::CredentialsRefused | BadClass::SecondFactorRefused => 401,
            BadClass::Challenge => 403,
            _ => 200,
        };
        Self { verdict: Verdict::Bad(class), status, phase: Phase::Wait }
    }

    /// The phase in which it ends without an answer; `None` when there is an answer.
    fn cut_in(&self) -> Option<Phase> {
        match self.verdict {
            Verdict::Bad(BadClass::Timeout) => Some(self.phase),
            Verdict::Bad(BadClass::Dns) => Some(Phase::Dns),
            Verdict::Bad(BadClass::Connect) | Verdict::Lost(_) => Some(Phase::Connect),
            Verdict::Bad(BadClass::Tls) => Some(Phase::Tls),
            Verdict::Bad(BadClass::Protocol) => Some(Phase::Receive),
            _ => None,
        }
    }

    fn message(&self, limit: u64) -> String {
        match self.verdict {
            Verdict::Bad(BadClass::Timeout) => format!("no answer within {}", Micros(limit)),
            Verdict::Bad(BadClass::Dns) => "the name does not resolve".to_owned(),
            Verdict::Bad(BadClass::Connect) | Verdict::Lost(_) => "the service cannot be reached".to_owned(),
            Verdict::Bad(BadClass::Tls) => "the TLS handshake failed".to_owned(),
            Verdict::Bad(BadClass::Protocol) => "the connection broke in the middle of the answer".to_owned(),
            Verdict::Bad(BadClass::HttpStatus | BadClass::Throttled) => format!("got status {}", self.status),
            verdict => format!("the answer is {}", verdict.class().unwrap_or("not as it should be")),
        }
    }
}

/// A login under way.
pub(super) struct Walk<'a> {
    flow: &'a SimulatedFlow,
    /// Multiplies network times.
    pace: f64,
    random: SplitMix,
    /// Microseconds since the start.
    now: u64,
    connected: bool,
    /// The steps so far.
    pub(super) steps: Vec<StepRecord>,
    /// Their hops.
    pub(super) hops: Vec<Hop>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(flow: &'a SimulatedFlow, pace: f64, random: SplitMix) -> Self {
        let hops = flow.steps.iter().map(|step| usize::from(step.hops)).sum();
        let steps = Vec::with_capacity(flow.steps.len());
        Self { flow, pace, random, now: OWN_WORK, connected: false, steps, hops: Vec::with_capacity(hops) }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Micros {
        Micros(self.now)
    }

    /// A step that succeeds, its waits multiplied by `slowness`. `false` when the run's limit passed within, which makes
    /// it a timeout.
    pub(super) fn succeed(&mut self, number: usize, slowness: f64) -> bool {
        let step = &self.flow.steps[number];
        let begun = self.now;
        let mut spent = 0;
        for hop in 0..step.hops {
            let phases = self.phases(step, slowness);
            let (total, left) = (phases.total().0, self.left());
            if total > left {
                self.now = begun;
                self.hops.truncate(self.hops.len() - usize::from(hop));
                return false;
            }
            let last = hop + 1 == step.hops;
            spent += total;
            self.hop(number, phases, Some(if last { 200 } else { 302 }));
        }
        self.record(step, begun, spent, true);
        true
    }

    /// The step that fails, and why; nothing follows it.
    pub(super) fn fail(&mut self, number: usize, slowness: f64, fails: &Fails) -> Failure {
        let step = &self.flow.steps[number];
        let (begun, limit) = (self.now, self.left());
        let usual = self.phases(step, slowness);
        let cut_in = fails.cut_in();
        let phases = match cut_in {
            Some(phase) => {
                let took = match (fails.verdict, usual.get(phase)) {
                    (Verdict::Bad(BadClass::Timeout), _) => limit,
                    (Verdict::Lost(_), _) | (Verdict::Bad(BadClass::Connect), None) => limit.min(UNREACHABLE),
                    (_, time) => time.map_or(1_000, |time| time.micros.0),
                };
                cut(&usual, phase, took)
            }
            None => usual,
        };
        let spent = phases.total().0;
        self.hop(number, phases, cut_in.is_none().then_some(fails.status));
        self.record(step, begun, spent, false);
        Failure { step: Some(step.name.clone()), phase: cut_in, message: fails.message(limit) }
    }

    fn left(&self) -> u64 {
        Micros::from(self.flow.timeout).0.saturating_sub(self.now)
    }

    /// The phases of the next hop, drawn.
    fn phases(&mut self, step: &SimulatedStep, slowness: f64) -> Phases {
        let (network, service) = self.random.normals();
        let network = self.pace * (self.flow.spread * network).exp();
        let service = slowness * (self.flow.spread * service).exp();
        let drawn = |median: Micros, factor: f64| Micros((median.0 as f64 * factor).round().max(1.0) as u64);
        let mut phases = Phases::default();
        if !self.connected {
            phases.finish(Phase::Dns, drawn(self.flow.dns, network));
            phases.finish(Phase::Connect, drawn(self.flow.connect, network));
            phases.finish(Phase::Tls, drawn(self.flow.tls, network));
        }
        phases.finish(Phase::Send, Micros(SEND));
        // One way there and one back belong to the network, whatever the service does.
        let wait = drawn(self.flow.connect, network) + drawn(step.wait, service);
        phases.finish(Phase::Wait, wait);
        phases.finish(Phase::Receive, drawn(self.flow.receive, network));
        phases
    }

    fn hop(&mut self, number: usize, phases: Phases, status: Option<u16>) {
        let step = &self.flow.steps[number];
        let first = self.hops.last().is_none_or(|last| usize::from(last.step) != number);
        let posts = first && number > 0 && step.role == StepRole::Login;
        self.hops.push(Hop {
            step: u16::try_from(number).unwrap_or(u16::MAX),
            method: if posts { "POST" } else { "GET" }.to_owned(),
            url: format!("https://{}.example/{}", self.flow.name, step.name),
            status,
            version: Some(HttpVersion::Http2).filter(|_| status.is_some()),
            address: Some(ADDRESS),
            reused: self.connected,
            offset: Micros(self.now),
            phases,
            body_bytes: if status.is_some() { 4_000 + self.random.below(2_000) } else { 0 },
        });
        self.connected = true;
        self.now += phases.total().0;
    }

    fn record(&mut self, step: &SimulatedStep, begun: u64, spent: u64, done: bool) {
        self.steps.push(StepRecord {
            name: step.name.clone(),
            role: step.role,
            offset: Micros(begun),
            micros: Micros(spent),
            done,
            evidence: vec![format!("simulated {}", step.name)],
        });
        self.now += OWN_WORK;
    }
}

/// The phases up to the one that was cut off.
fn cut(usual: &Phases, at: Phase, took: u64) -> Phases {
    let mut phases = Phases::default();
    let mut before = 0;
    for (phase, time) in usual.iter().filter(|(phase, _)| (*phase as usize) < at as usize) {
        phases.finish(phase, time.micros);
        before += time.micros.0;
    }
    phases.cut(at, Micros(took.saturating_sub(before).max(1)));
    phases
}
