//! What the probes of a flow could see: gaps, the shortest outage that none could have missed, the chance to see
//! shorter ones, and what failed outside of incidents.

use jiff::Timestamp;

use crate::history::{Kind, by_verdict};
use crate::incident::{Incident, Symptom};
use crate::model::{FlowName, Micros, RunKind};
use crate::report::model::{Background, Chance, Gap, Sight};
use crate::slo::{seen_by_chance, wilson};

use super::{Data, outages};

/// Gaps that are told one by one.
const TOLD: usize = 5;

/// Outages whose chance is told, in seconds.
const LENGTHS: [u64; 9] = [1, 5, 15, 30, 60, 120, 300, 900, 3_600];

/// What the probes of one flow could see.
pub(super) fn sight(data: &Data<'_>, flow: &FlowName) -> Sight {
    let span = data.span();
    let series = || data.series(flow, RunKind::Login).map(|(_, outcomes)| outcomes);
    let speaks = |outcomes: &&[crate::history::Outcome]| outcomes.iter().any(|o| by_verdict(o) != Kind::Lost);
    let vantages = u32::try_from(series().filter(speaks).count()).unwrap_or(u32::MAX);
    let instants = outages::instants(series(), span);
    let gaps = || gaps(&instants);
    let interval = data.builder.interval(flow);
    let seen = vantages > 0 && span.start < span.until;
    // All places silent for as long as one of them may be between two slots of its own.
    let least = interval.map_or(Micros(0), |interval| Micros(Micros::from(interval).0.saturating_mul(2)));
    let mut long: Vec<Gap> = gaps().filter(|gap| length(gap) > least.0).collect();
    let silent = Micros(long.iter().map(length).sum());
    long.sort_by_key(|gap| (std::cmp::Reverse(length(gap)), gap.from));
    long.truncate(TOLD);
    long.sort_by_key(|gap| gap.from);
    Sight {
        flow: flow.clone(),
        vantages,
        gaps: if seen { long } else { Vec::new() },
        silent: if seen { silent } else { Micros(0) },
        surely: gaps().map(|gap| length(&gap)).max().filter(|_| seen).map(Micros),
        chances: if seen {
            chances(gaps, interval.map(|interval| interval.as_secs_f64()), vantages)
        } else {
            Vec::new()
        },
        background: background(data, flow),
    }
}

fn length(gap: &Gap) -> u64 {
    u64::try_from(gap.to.as_microsecond() - gap.from.as_microsecond()).unwrap_or(0)
}

/// There may be millions: they are walked, not kept.
fn gaps(instants: &[Timestamp]) -> impl Iterator<Item = Gap> + '_ {
    instants.windows(2).map(|pair| Gap { from: pair[0], to: pair[1] }).filter(|gap| gap.from < gap.to)
}

/// Up to the first length that is surely seen. An outage that begins anywhere in a gap of length g and lasts d is missed
/// with probability max(0, g - d) / g, so that the measured chance is 1 - sum(max(0, g - d)) / sum(g).
fn chances<G: Iterator<Item = Gap>>(gaps: impl Fn() -> G, interval: Option<f64>, vantages: u32) -> Vec<Chance> {
    let whole: u64 = gaps().map(|gap| length(&gap)).sum();
    let mut chances = Vec::new();
    for seconds in LENGTHS {
        let outage = Micros(seconds * 1_000_000);
        let unseen: u64 = gaps().map(|gap| length(&gap).saturating_sub(outage.0)).sum();
        let measured = 1.0 - unseen as f64 / whole.max(1) as f64;
        let planned = interval.map(|interval| seen_by_chance(seconds as f64, interval, vantages));
        chances.push(Chance { outage, planned, measured });
        if unseen == 0 {
            break;
        }
    }
    chances
}

/// What failed outside of incidents: the detector's thresholds hold only while this is below what they assume.
fn background(data: &Data<'_>, flow: &FlowName) -> Background {
    let context = data.inputs().context;
    let failing = |incident: &&Incident| incident.symptom == Symptom::Failing && incident.flows.contains(flow);
    let incidents: Vec<&Incident> = context.incidents.iter().filter(failing).collect();
    let inside = |slot: Timestamp| {
        incidents.iter().any(|incident| incident.start.earliest <= slot && slot < incident.end.latest)
    };
    let (mut n, mut bad) = (0, 0);
    for outcome in data.series(flow, RunKind::Login).flat_map(|(_, outcomes)| outcomes) {
        let kind = by_verdict(outcome);
        if kind != Kind::Lost && !inside(outcome.slot) {
            n += 1;
            bad += u64::from(kind == Kind::Bad);
        }
    }
    Background {
        assumed: context.backgrounds.get(flow).copied(),
        n,
        bad,
        share: (n > 0).then(|| bad as f64 / n as f64),
        interval: wilson(n, bad, data.confidence()),
    }
}
