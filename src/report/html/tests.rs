//! The page over a week that was invented for this: an outage on Wednesday, a slow night, a gap, an alarm.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};

use super::render;
use crate::model::{
    Blame, FlowName, Micros, ObjectiveName, Phase, Policy, Revision, RunId, RunKind, StepName, StepRole, VantageName,
};
use crate::report::model::{
    Bins, Budget, BurnDown, BurnPoint, CellState, Counts, Distribution, Downtime, FailurePlace, FailureRow,
    FlowLatency, FlowReport, FlowSeries, FlowVantage, Head, HeatMap, LatencyPoint, NegativeReport, ObjectiveReport,
    Outage, Percentile, SecurityAlarm, SegmentImpact, SlotRow, Standing, StepLatency, TimelineRow, UserImpact,
    VantageRow,
};
use crate::report::{ReportModel, SCHEMA_VERSION};
use crate::slo::{Attainment, Interval, Period};

const BINS: u32 = 336;

fn start() -> Timestamp {
    "2026-11-15T23:00:00Z".parse().unwrap()
}

fn vantage(name: &str) -> VantageName {
    VantageName::new(name).unwrap()
}

fn counts() -> Counts {
    Counts {
        due: Some(30_240),
        planned: Some(30_240),
        good: 28_400,
        bad: 1_700,
        lost: 40,
        missing: 100,
        coverage: Some(0.9954),
    }
}

fn distribution(scale: u64) -> Distribution {
    let percentile = |label: &str, quantile: f64, value: u64, high: Option<u64>| Percentile {
        label: label.to_owned(),
        quantile,
        value: Micros(value * scale),
        low: Some(Micros(value * scale * 95 / 100)),
        high: high.map(|high| Micros(high * scale)),
        bucket: Micros(value * scale / 1000),
    };
    Distribution {
        n: 28_400,
        unfinished: 1_500,
        at_least: Some(Micros(20_000_000)),
        failed: 200,
        shortest: Some(Micros(100 * scale)),
        longest: Some(Micros(9_000 * scale)),
        percentiles: vec![
            percentile("p50", 0.5, 240, Some(260)),
            percentile("p90", 0.9, 480, Some(500)),
            percentile("p95", 0.95, 700, Some(760)),
            percentile("p99", 0.99, 1_900, Some(2_400)),
            percentile("p99.9", 0.999, 7_000, None),
        ],
    }
}

fn cell(bin: u32, vantage: usize) -> CellState {
    match bin {
        110..130 => CellState::Failed,
        200..214 if vantage == 1 => CellState::NoData,
        230..244 => CellState::Slow,
        _ => CellState::Ok,
    }
}

fn timeline() -> Vec<TimelineRow> {
    let rows = ["berlin", "ohio", "singapore"].into_iter().enumerate().flat_map(|(index, name)| {
        [None, Some("open"), Some("submit"), Some("verify")].map(|step| {
            let hit = step.is_none_or(|step| step == "submit");
            let cells: Vec<CellState> = (0..BINS)
                .map(|bin| match cell(bin, index) {
                    CellState::Failed | CellState::Slow if !hit => CellState::Ok,
                    state => state,
                })
                .collect();
            let bad =
                cells.iter().map(|cell| if *cell == CellState::Failed { 18 + 4 * index as u32 } else { 0 }).collect();
            TimelineRow {
                vantage: vantage(name),
                step: step.map(|step| StepName::new(step).unwrap()),
                n: cells.iter().map(|cell| if *cell == CellState::NoData { 0 } else { 30 }).collect(),
                cells,
                bad,
            }
        })
    });
    rows.collect()
}

fn series() -> FlowSeries {
    let wave =
        |bin: u32| 200_000 + u64::from(bin % 48) * 3_000 + if cell(bin, 0) == CellState::Slow { 900_000 } else { 0 };
    let edges: Vec<Micros> =
        (0..=24).map(|class| Micros((100_000.0 * 10_f64.powf(f64::from(class) / 12.0)) as u64)).collect();
    let counts = (0..BINS)
        .map(|bin| {
            let middle = edges.iter().position(|edge| edge.0 > wave(bin)).unwrap_or(23);
            (0..24_usize).map(|class| (60 >> (class.abs_diff(middle) * 2).min(31)) as u32).collect()
        })
        .collect();
    let unfinished = |bin| if cell(bin, 0) == CellState::Failed { 60 } else { 0 };
    FlowSeries {
        bins: Bins { start: start(), width: Micros(1_800_000_000), count: BINS },
        timeline: timeline(),
        slow_rule: "Slow: more than a tenth of the good logins took over 1.5 s.".to_owned(),
        latency: (0..BINS)
            .map(|bin| LatencyPoint {
                n: 90,
                unfinished: unfinished(bin),
                p50: Some(Micros(wave(bin))),
                p95: Some(Micros(wave(bin) * 2)),
                p99: (!(110..130).contains(&bin)).then(|| Micros(wave(bin) * 5)),
            })
            .collect(),
        heat_map: HeatMap { edges, counts, unfinished: (0..BINS).map(unfinished).collect() },
    }
}

fn failure(verdict: &str, class: &str, blame: Blame, count: u64) -> FailureRow {
    FailureRow {
        verdict: verdict.to_owned(),
        class: class.to_owned(),
        blame,
        count,
        share: count as f64 / 30_140.0,
        first: start() + 55.hours(),
        last: start() + 65.hours(),
        places: vec![FailurePlace { step: Some(StepName::new("submit").unwrap()), phase: Some(Phase::Wait), count }],
        vantages: BTreeMap::from([(vantage("berlin"), count)]),
        examples: vec![RunId::from_bytes([7; 16])],
        message: Some("no answer within 20 s <b>&</b>; whether the service acted is unknown to the user".to_owned()),
    }
}

fn flow() -> FlowReport {
    let outage = Outage {
        not_before: start() + 55.hours(),
        begun_by: start() + 55.hours() + 1.minute(),
        lasted_until: start() + 65.hours(),
        not_after: start() + 65.hours() + 1.minute(),
        low: Micros(35_900_000_000),
        high: Micros(36_060_000_000),
        runs: 480,
        open: false,
    };
    let at = |name: &str| FlowVantage {
        vantage: vantage(name),
        counts: counts(),
        availability: Some(0.9435),
        interval: Some(Interval { low: 0.9408, high: 0.9461 }),
        downtime: Downtime {
            outages: 3,
            low: outage.low,
            middle: outage.low,
            high: outage.high,
            longest: vec![outage.clone()],
        },
    };
    FlowReport {
        name: FlowName::new("shop-login").unwrap(),
        revisions: vec![Revision::of(b"flow")],
        interval: Some(Micros(60_000_000)),
        counts: counts(),
        availability: Some(0.9435),
        availability_interval: Some(Interval { low: 0.9408, high: 0.9461 }),
        vantages: vec![at("berlin"), at("ohio"), at("singapore")],
        longest_gap: Some(Micros(29_000_000)),
        latency: FlowLatency {
            login: distribution(1_000),
            vantages: Vec::new(),
            steps: vec![StepLatency {
                step: StepName::new("submit").unwrap(),
                role: StepRole::Login,
                times: distribution(600),
            }],
            phases: Vec::new(),
        },
        failures: vec![
            failure("bad", "timeout", Blame::Service, 1_650),
            failure("lost", "missed_slot", Blame::Prober, 40),
        ],
        series: series(),
    }
}

fn objective(verdict: Attainment, availability: Option<f64>) -> ObjectiveReport {
    let hours = |hours: i64| start() + hours.hours();
    let points = [(0, 0.0), (55, 0.02), (60, 20.0), (65, 56.0), (168, 56.6)].map(|(at, spent)| BurnPoint {
        at: hours(at),
        spent,
        ideal: at as f64 / 168.0,
    });
    ObjectiveReport {
        name: ObjectiveName::new(&format!("shop-{}", verdict.as_str().replace(' ', "-"))).unwrap(),
        description: "Customers can sign in to the shop.".to_owned(),
        flow: FlowName::new("shop-login").unwrap(),
        target: 0.999,
        threshold: None,
        period: period(),
        until: None,
        counts: counts(),
        over_threshold: None,
        availability,
        failing: availability.map(|share| 1.0 - share),
        interval: availability.map(|share| Interval { low: share - 0.002, high: share + 0.0015 }),
        if_lost: Some(Interval { low: 0.939, high: 0.9438 }),
        budget: availability.map(|share| Budget {
            allowed_events: 30.2,
            spent_events: 1_700,
            left_events: -1_669.8,
            allowed_minutes: 10.1,
            spent_minutes: 570.0,
            left_minutes: -559.9,
            spent_share: (1.0 - share) / 0.001,
        }),
        burn_rate: availability.map(|share| (1.0 - share) / 0.001),
        verdict,
        probability_met: availability.map(|_| 0.0),
        verdict_note: None,
        users: Some(UserImpact {
            availability: Some(0.931),
            interval: Some(Interval { low: 0.927, high: 0.935 }),
            impact: Some(0.069),
            if_uncovered: Interval { low: 0.838, high: 0.938 },
            bounds: Interval { low: 0.83, high: 0.942 },
            uncovered: 0.1,
            segments: vec![SegmentImpact {
                name: "Europe".to_owned(),
                share: 0.6,
                vantages: vec![vantage("berlin")],
                n: 10_000,
                bad: 560,
                failing: Some(0.056),
                interval: Some(Interval { low: 0.0517, high: 0.0607 }),
            }],
        }),
        burn_down: availability.map(|_| BurnDown { points: points.to_vec() }),
        adjusted: None,
        standing: Standing::default(),
    }
}

fn period() -> Period {
    Period {
        start: start(),
        end: start() + 168.hours(),
        zone: "Europe/Berlin".to_owned(),
        label: "2026-W47".to_owned(),
    }
}

fn model() -> ReportModel {
    let flow_name = FlowName::new("shop-login").unwrap();
    ReportModel {
        schema_version: SCHEMA_VERSION,
        head: Head {
            site: "shop".to_owned(),
            period: period(),
            until: None,
            slots: vec![SlotRow {
                flow: flow_name.clone(),
                kind: RunKind::Login,
                vantage: vantage("berlin"),
                due: Some(10_080),
                recorded: 10_047,
                missing: Some(33),
            }],
            vantages: ["berlin", "ohio", "singapore"]
                .map(|name| VantageRow {
                    name: vantage(name),
                    labels: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
                })
                .to_vec(),
            runs: 30_140,
            data_revision: "0123456789abcdef".to_owned(),
            policy_revision: Policy::default().revision(),
            policy: Policy::default(),
            policy_text: vec!["Lost runs lower the coverage, not the availability.".to_owned()],
            population: None,
            publication: None,
            generated_from: "doorstep 0.1.0 report --week 2026-W47".to_owned(),
        },
        alarms: vec![SecurityAlarm {
            flow: flow_name.clone(),
            kind: RunKind::WrongPassword,
            class: "accepted_wrong_password".to_owned(),
            count: 2,
            first: start() + 20.hours(),
            last: start() + 21.hours(),
            examples: vec![RunId::from_bytes([9; 16])],
        }],
        objectives: vec![objective(Attainment::Missed, Some(0.9435)), objective(Attainment::NoData, None)],
        negatives: vec![NegativeReport {
            flow: flow_name,
            due: Some(336),
            refused: 330,
            accepted: 2,
            refusal_changed: 1,
            other_bad: 1,
            lost: 2,
            missing: 0,
            failures: Vec::new(),
        }],
        flows: vec![flow()],
        incidents: Vec::new(),
        databases: Vec::new(),
        audits: Vec::new(),
        detection: None,
        places: Vec::new(),
        sight: Vec::new(),
        events: Vec::new(),
        baselines: Vec::new(),
    }
}

#[test]
fn the_page_stands_alone_and_runs_nothing() {
    let page = render(&model());
    for forbidden in ["<script", "<link", "<img", "@import", "url(", " onload", " onclick", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The only address is the name of the SVG language.
    assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count());
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    if let Ok(path) = std::env::var("PREVIEW") {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(page, render(&model()), "the same model gives the same bytes");
}

#[test]
fn what_a_service_said_is_text_and_never_markup() {
    let page = render(&model());
    assert!(!page.contains("<b>&</b>"));
    assert!(page.contains("&lt;b&gt;&amp;&lt;/b&gt;"));
}

#[test]
fn the_alarm_comes_first_and_absence_is_said() {
    let page = render(&model()).replace('\u{a0}', " ");
    let alarm = page.find("accepted_wrong_password").unwrap();
    let verdicts = page.find("id=\"verdicts\"").unwrap();
    assert!(alarm < verdicts);
    assert!(page.contains("No login of shop-login has a verdict"));
    assert!(page.contains("≈") || page.contains("✘ missed"));
    assert!(page.contains("94.4 %") || page.contains("94.35 %"), "the availability is printed");
    assert!(page.contains("10 %</strong> of demand"));
}

#[test]
fn no_printed_page_parts_a_heading_from_its_chart() {
    let page = render(&model());
    let kept: Vec<&str> = page.split("<div class=\"keep\">").skip(1).collect();
    assert!(kept.len() >= 3, "{}", kept.len());
    assert!(kept[0].starts_with("<h3>shop-missed</h3><p>") && kept[0].contains("<figure>"), "{}", &kept[0][..200]);
    assert!(page.contains(".keep, tr { break-inside: avoid; }"));
}
