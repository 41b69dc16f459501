//! Exclusions in reports: raw beside adjusted, in three modes that must not be confused.

use std::time::Duration;

use doorstep::model::{BadClass, Exclusion, ExclusionMode, LostClass, Policy, RunKind, Verdict};
use doorstep::report::markdown;
use doorstep::report::model::AdjustedReport;
use doorstep::slo::Attainment;
use serde_json::Value;

use crate::report_synthetic::{World, login, span, time, vantage};
use crate::report_vectors::{Computed, Inputs, check};

const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);

fn exclusion(from: &str, to: &str, mode: ExclusionMode) -> Exclusion {
    Exclusion {
        from: time(from),
        to: time(to),
        mode,
        flows: Vec::new(),
        vantages: Vec::new(),
        reason: "planned move".to_owned(),
        author: "ada".to_owned(),
        entered: time("2026-11-01T00:00:00Z"),
    }
}

#[test]
fn every_published_example_of_exclusions_holds() {
    check("exclusions", 3, compute);
}

/// A slot a minute, the first minutes bad, the last days excluded.
fn compute(_: &str, inputs: &Inputs) -> Computed {
    let mut world =
        World::new(span(86_400 * i64::try_from(inputs.count("days")).unwrap()), Duration::from_secs(60), &["berlin"]);
    let bad = usize::try_from(inputs.count("bad_minutes")).unwrap();
    world.fill(|index| Some(if index < bad { BAD } else { Verdict::Good }));
    let days = inputs.count("days") - inputs.count("excluded_days");
    let from = world.period.start + Duration::from_secs(86_400 * days);
    let mode = ExclusionMode::from_spelling(inputs.text("mode")).unwrap();
    world.exclusions = vec![Exclusion {
        from,
        to: world.period.end,
        ..exclusion("2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z", mode)
    }];
    let report = world.report();
    let adjusted = report.objectives[0].adjusted.as_ref().unwrap();
    let budget = adjusted.budget.unwrap();
    vec![
        ("failing", adjusted.failing.into()),
        ("raw", report.objectives[0].failing.into()),
        ("due", adjusted.counts.due.into()),
        ("planned", adjusted.counts.planned.into()),
        ("length_minutes", Value::from((budget.allowed_minutes / (1.0 - report.objectives[0].target)).round())),
    ]
}

/// Ten minutes, a slot every ten seconds at two vantages; Berlin is down in the third and fourth minute.
fn world() -> World {
    let mut world = World::new(span(600), Duration::from_secs(10), &["berlin", "tokyo"]);
    let outage = time("2026-11-16T00:02:00Z")..time("2026-11-16T00:04:00Z");
    for (slot, from) in world.slots(RunKind::Login) {
        let verdict = if from == vantage("berlin") && outage.contains(&slot) { BAD } else { Verdict::Good };
        world.runs.push(login(&from, slot, 0, verdict, 100));
    }
    world
}

fn adjusted(world: &World) -> (doorstep::report::ReportModel, AdjustedReport) {
    let report = world.report();
    let adjusted = report.objectives[0].adjusted.clone().expect("an exclusion touches it");
    (report, adjusted)
}

#[test]
fn raw_figures_stay_and_adjusted_ones_stand_beside_them() {
    let mut world = world();
    let raw = world.report();
    assert_eq!(raw.objectives[0].adjusted, None, "nothing was excluded");
    assert_eq!(raw.objectives[0].verdict, Attainment::Missed);

    let late = Exclusion {
        vantages: vec![vantage("berlin")],
        entered: time("2026-11-20T00:00:00Z"),
        ..exclusion("2026-11-16T00:02:00Z", "2026-11-16T00:04:00Z", ExclusionMode::CountAsGood)
    };
    world.exclusions = vec![late];
    let (report, adjusted) = adjusted(&world);
    let objective = &report.objectives[0];
    assert_eq!((objective.counts.good, objective.counts.bad), (108, 12), "raw");
    assert_eq!((objective.availability, objective.verdict), (Some(0.9), Attainment::Missed));
    assert_eq!((adjusted.counts.good, adjusted.counts.bad, adjusted.counts.planned), (120, 0, Some(120)));
    assert_eq!(adjusted.availability, Some(1.0));
    assert_eq!(objective.policy_verdict(), adjusted.verdict);
    let applied = &adjusted.exclusions[0];
    assert!(applied.late, "entered four days later");
    assert_eq!((applied.touched.good, applied.touched.bad), (0, 12), "what it hides is said");
    assert_ne!(report.head.policy_revision, raw.head.policy_revision, "exclusions are part of the policy");
    let text = markdown::render(&report);
    assert!(text.contains("entered only after what they cover had begun"), "{text}");
    assert!(text.contains("1 of 1 entered after what it covers had begun"), "beside the verdict: {text}");
    assert!(text.contains("planned move"), "{text}");
}

#[test]
fn dropped_time_shrinks_the_budget_and_dropped_events_do_not() {
    let mut world = world();
    let span = ("2026-11-16T00:02:00Z", "2026-11-16T00:04:00Z");
    world.exclusions = vec![exclusion(span.0, span.1, ExclusionMode::DropTime)];
    let (report, dropped) = adjusted(&world);
    let raw = report.objectives[0].budget.unwrap().allowed_minutes;
    assert_eq!((dropped.counts.due, dropped.counts.planned, dropped.counts.bad), (Some(96), Some(96), 0));
    assert!((dropped.budget.unwrap().allowed_minutes - raw * 0.8).abs() < 1e-9, "two of ten minutes are gone");
    assert_eq!(dropped.counts.coverage, Some(1.0));

    world.exclusions = vec![exclusion(span.0, span.1, ExclusionMode::DropEvents)];
    let (_, events) = adjusted(&world);
    assert_eq!((events.counts.due, events.counts.planned, events.counts.bad), (Some(96), Some(120), 0));
    assert!((events.budget.unwrap().allowed_minutes - raw).abs() < 1e-9);
    assert_eq!(events.counts.coverage, Some(1.0), "a dropped run is not a missing one");

    // At one of two vantages: half of the time.
    world.exclusions[0] =
        Exclusion { vantages: vec![vantage("tokyo")], ..exclusion(span.0, span.1, ExclusionMode::DropTime) };
    let (_, half) = adjusted(&world);
    assert_eq!((half.counts.planned, half.counts.bad), (Some(108), 12));
    assert!((half.budget.unwrap().allowed_minutes - raw * 0.9).abs() < 1e-9);
}

#[test]
fn missing_slots_stay_missing_and_lost_runs_may_count_as_good() {
    let mut world = world();
    world.runs.retain(|run| run.slot >= time("2026-11-16T00:01:00Z"));
    for run in &mut world.runs {
        if run.slot < time("2026-11-16T00:02:00Z") {
            run.verdict = Verdict::Lost(LostClass::LocalNetwork);
        }
    }
    world.exclusions = vec![exclusion("2026-11-16T00:00:00Z", "2026-11-16T00:02:00Z", ExclusionMode::CountAsGood)];
    let (report, adjusted) = adjusted(&world);
    assert_eq!((report.objectives[0].counts.lost, report.objectives[0].counts.missing), (12, 12));
    assert_eq!((adjusted.counts.lost, adjusted.counts.missing, adjusted.counts.good), (0, 12, 96));
}

#[test]
fn everything_excluded_is_no_data_and_no_number() {
    let mut world = world();
    world.exclusions = vec![exclusion("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", ExclusionMode::DropTime)];
    let (report, adjusted) = adjusted(&world);
    assert_eq!((adjusted.availability, adjusted.failing, adjusted.budget), (None, None, None));
    assert_eq!(adjusted.verdict, Attainment::NoData);
    let text = markdown::render(&report);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

#[test]
fn exclusions_of_other_flows_vantages_and_times_touch_nothing() {
    let mut world = world();
    let any = |from, to| exclusion(from, to, ExclusionMode::DropTime);
    world.exclusions = vec![
        Exclusion { flows: vec!["admin".parse().unwrap()], ..any("2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z") },
        Exclusion { vantages: vec![vantage("paris")], ..any("2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z") },
        any("2026-11-15T00:00:00Z", "2026-11-16T00:00:00Z"),
    ];
    assert_eq!(world.report().objectives[0].adjusted, None);
}

#[test]
fn the_hash_of_the_policy_knows_exclusions_in_any_order() {
    let (one, two) = (
        exclusion("2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z", ExclusionMode::DropTime),
        exclusion("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z", ExclusionMode::DropEvents),
    );
    let policy = Policy::default();
    assert_eq!(policy.revision_with(&[]), policy.revision());
    assert_ne!(policy.revision_with(std::slice::from_ref(&one)), policy.revision());
    assert_eq!(policy.revision_with(&[one.clone(), two.clone()]), policy.revision_with(&[two, one]));
}
