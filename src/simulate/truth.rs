//! The truth file: what was injected, in a form that a test, a person or another tool can hold a report against.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{FlowName, VantageName};

use super::demand;
use super::probing::Simulation;
use super::script::{Draw, ProberTrouble, Reach, Script};
use super::tally::Tally;

/// The newest version of the format.
const VERSION: u32 = 1;

/// What was injected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Version of this format.
    pub version: u32,
    /// The seed that decided all draws.
    pub seed: u64,
    /// The first instant that may hold a slot.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Runs written, re-probes included.
    pub runs: u64,
    /// Good ones.
    pub good: u64,
    /// Bad ones.
    pub bad: u64,
    /// Lost ones.
    pub lost: u64,
    /// Re-probes among the runs.
    pub reprobes: u64,
    /// Slots of which nothing was written.
    pub silent: u64,
    /// Bad runs while nothing was wrong.
    pub background: u64,
    /// Sign-ins expected in the whole span, when the script says who signs in.
    pub expected_sign_ins: Option<f64>,
    /// Outages, in the order of the script.
    pub outages: Vec<OutageTruth>,
    /// Troubles of the prober, in the order of the script.
    pub prober: Vec<ProberTruth>,
}

/// One outage as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutageTruth {
    /// What the script calls it.
    pub name: String,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
    /// Share of logins that failed at its height.
    pub share: f64,
    /// Whether the same users failed as long as it lasted.
    pub same_users: bool,
    /// Vantages that met it.
    pub vantages: Vec<VantageName>,
    /// Flows that met it.
    pub flows: Vec<FlowName>,
    /// The class of its failures.
    pub class: String,
    /// Runs with a verdict that met it, re-probes left out.
    pub runs: u64,
    /// Those that failed because of it.
    pub failing: u64,
    /// The same by minute.
    pub minutes: Vec<MinuteRow>,
    /// Whom it kept out, when the script says who signs in.
    pub sign_ins: Option<SignIns>,
}

/// One minute of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MinuteRow {
    /// The minute's first instant.
    pub start: Timestamp,
    /// Runs with a verdict whose slot lies in it.
    pub runs: u64,
    /// Those that failed because of the outage.
    pub failing: u64,
    /// All that failed.
    pub bad: u64,
}

/// People who signed in while an outage lasted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SignIns {
    /// How many were to be expected.
    pub expected: f64,
    /// How many came.
    pub intents: u64,
    /// Attempts that they made, retries included.
    pub attempts: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Sign-ins of which at least one attempt failed.
    pub affected: u64,
    /// Sign-ins that failed to the last attempt.
    pub locked_out: u64,
    /// People behind the affected sign-ins.
    pub distinct_users: u64,
}

/// One trouble of the prober as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProberTruth {
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
    /// A class of lost runs, `silent` or `cut_off`.
    pub trouble: String,
    /// Vantages that suffered.
    pub vantages: Vec<VantageName>,
    /// Runs recorded as lost.
    pub lost: u64,
    /// Runs that were taken for the service's fault.
    pub bad: u64,
    /// Slots of which nothing was written.
    pub silent: u64,
}

impl Truth {
    /// What a simulation injected, as counted.
    #[must_use]
    pub fn new(simulation: &Simulation, tally: &Tally) -> Self {
        let script = &simulation.script;
        let demand = script.demand.as_ref();
        Self {
            version: VERSION,
            seed: script.seed,
            from: script.from,
            to: script.to,
            runs: tally.runs,
            good: tally.good,
            bad: tally.bad,
            lost: tally.lost,
            reprobes: tally.reprobes,
            silent: tally.silent,
            background: tally.background,
            expected_sign_ins: demand.map(|demand| demand.expected(script.from, script.to)),
            outages: (0..script.outages.len()).map(|number| outage(script, tally, number)).collect(),
            prober: (0..script.prober.len()).map(|number| trouble(script, tally, number)).collect(),
        }
    }
}

fn outage(script: &Script, tally: &Tally, number: usize) -> OutageTruth {
    let outage = &script.outages[number];
    let minutes: Vec<MinuteRow> = tally.outages[number]
        .iter()
        .filter_map(|(&minute, met)| {
            let start = Timestamp::from_second(minute * 60).ok()?;
            Some(MinuteRow { start, runs: met.runs, failing: met.failing, bad: met.bad })
        })
        .collect();
    OutageTruth {
        name: outage.name.clone(),
        from: outage.from,
        to: outage.to,
        share: outage.share,
        same_users: outage.draw == Draw::Users,
        vantages: vantages(script, &outage.reach),
        flows: chosen(script.flows.iter().map(|flow| &flow.name), &outage.reach.flows),
        class: outage.class.to_string(),
        runs: minutes.iter().map(|minute| minute.runs).sum(),
        failing: minutes.iter().map(|minute| minute.failing).sum(),
        minutes,
        sign_ins: script.demand.as_ref().map(|demand| demand::kept_out(script, demand, number)),
    }
}

fn trouble(script: &Script, tally: &Tally, number: usize) -> ProberTruth {
    let (fault, met) = (&script.prober[number], tally.prober[number]);
    let trouble = match fault.trouble {
        ProberTrouble::Lost(class) => class.to_string(),
        ProberTrouble::Silent => "silent".to_owned(),
        ProberTrouble::CutOff => "cut_off".to_owned(),
    };
    let vantages = vantages(script, &fault.reach);
    ProberTruth { from: fault.from, to: fault.to, trouble, vantages, lost: met.lost, bad: met.bad, silent: met.silent }
}

fn vantages(script: &Script, reach: &Reach) -> Vec<VantageName> {
    chosen(script.vantages.iter().map(|place| &place.vantage.name), &reach.vantages)
}

fn chosen<'a, N: Clone + 'a>(names: impl Iterator<Item = &'a N>, met: &[bool]) -> Vec<N> {
    names.zip(met).filter(|(_, met)| **met).map(|(name, _)| name.clone()).collect()
}
