//! Arbitrary runs for property tests: everything that a record may hold, not only what a worker would write.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::model::{
    AccountName, BadClass, Failure, FlowName, Hop, HttpVersion, LostClass, Micros, Phase, Phases, Revision, Run, RunId,
    RunKind, StepName, StepRecord, StepRole, VantageName, Verdict,
};

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn micros() -> impl Strategy<Value = Micros> {
    prop_oneof![0..10_000_000_u64, any::<u64>()].prop_map(Micros)
}

fn time() -> impl Strategy<Value = Timestamp> {
    // Three days in 2026, so that several runs share a partition and several do not.
    (1_795_000_000_000_000..1_795_260_000_000_000_i64).prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Good),
        pick(BadClass::ALL).prop_map(Verdict::Bad),
        pick(LostClass::ALL).prop_map(Verdict::Lost)
    ]
}

fn phases() -> impl Strategy<Value = Phases> {
    prop::collection::vec(prop::option::of((micros(), any::<bool>())), 6).prop_map(|times| {
        let mut phases = Phases::default();
        for (&phase, time) in Phase::ALL.iter().zip(times) {
            match time {
                Some((micros, true)) => phases.cut(phase, micros),
                Some((micros, false)) => phases.finish(phase, micros),
                None => {}
            }
        }
        phases
    })
}

fn hop() -> impl Strategy<Value = Hop> {
    let answer =
        (prop::option::of(any::<u16>()), prop::option::of(pick(HttpVersion::ALL)), any::<bool>(), any::<u64>());
    let request = (any::<u16>(), "[A-Z]{0,7}", "\\PC{0,40}", prop::option::of(any::<std::net::IpAddr>()));
    (request, answer, micros(), phases()).prop_map(|((step, method, url, address), answer, offset, phases)| {
        let (status, version, reused, body_bytes) = answer;
        Hop { step, method, url, status, version, address, reused, offset, phases, body_bytes }
    })
}

fn step() -> impl Strategy<Value = StepRecord> {
    let evidence = prop::collection::vec("\\PC{0,20}", 0..3);
    ("[a-z][a-z0-9-]{0,10}", pick(StepRole::ALL), micros(), micros(), any::<bool>(), evidence).prop_map(
        |(name, role, offset, micros, done, evidence)| StepRecord {
            name: StepName::new(&name).unwrap(),
            role,
            offset,
            micros,
            done,
            evidence,
        },
    )
}

fn failure() -> impl Strategy<Value = Failure> {
    (prop::option::of("[a-z]{1,8}"), prop::option::of(pick(Phase::ALL)), "\\PC{0,40}").prop_map(
        |(step, phase, message)| Failure { step: step.map(|name| StepName::new(&name).unwrap()), phase, message },
    )
}

/// Any run that a record may hold.
pub(super) fn run() -> impl Strategy<Value = Run> {
    let identity =
        (pick(RunKind::ALL), pick(&["shop", "mail", "bank.v2"]), pick(&["berlin", "tokyo"]), time(), 0..3_u16);
    let timing = (time(), micros(), micros());
    let outcome = (verdict(), prop::option::of(failure()), prop::option::of("[a-z]{1,8}"), "[0-9a-f]{16}");
    let parts = (prop::collection::vec(step(), 0..4), prop::collection::vec(hop(), 0..5));
    (identity, timing, outcome, parts).prop_map(|(identity, (started, elapsed, lag), outcome, (steps, hops))| {
        let (kind, flow, vantage, slot, attempt) = identity;
        let (flow, vantage) = (FlowName::new(flow).unwrap(), VantageName::new(vantage).unwrap());
        let (verdict, failure, account, revision) = outcome;
        Run {
            id: RunId::new(kind, &flow, &vantage, slot, attempt),
            kind,
            flow,
            revision: Revision::from_recorded(&revision),
            vantage,
            slot,
            attempt,
            started,
            elapsed,
            lag,
            verdict,
            failure,
            account: account.map(|name| AccountName::new(&name).unwrap()),
            steps,
            hops,
        }
    })
}
