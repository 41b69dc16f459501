//! The report's numbers against runs whose truth is known.

use std::time::Duration;

use doorstep::model::{
    BadClass, LostRuns, Micros, Policy, Population, Retries, RunKind, Schedule, Segment, StepName, Verdict,
};
use doorstep::report::ReportModel;
use doorstep::report::model::{CellState, Counts, ObjectiveReport};
use doorstep::slo::{Attainment, Period};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use crate::report_synthetic::{
    LOST, World, declarations, login, objective, run, schedule, span, thirty_seven_of_a_thousand, time, vantage,
};

const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);

fn close(ours: Option<f64>, expected: f64) -> bool {
    ours.is_some_and(|ours| (ours - expected).abs() < 1e-9)
}

fn only(report: &ReportModel) -> &ObjectiveReport {
    assert_eq!(report.objectives.len(), 1);
    &report.objectives[0]
}

#[test]
fn thirty_seven_bad_of_a_thousand_are_three_point_seven_percent() {
    let report = thirty_seven_of_a_thousand().report();
    let objective = only(&report);
    let expected =
        Counts { due: Some(1000), planned: Some(1000), good: 963, bad: 37, lost: 0, missing: 0, coverage: Some(1.0) };
    assert_eq!(objective.counts, expected);
    assert!(close(objective.availability, 0.963));
    assert!(close(objective.burn_rate, 3.7));
    assert_eq!(objective.verdict, Attainment::Missed);
    let classes: Vec<_> = report.flows[0].failures.iter().map(|row| (row.class.as_str(), row.count)).collect();
    assert_eq!(classes, [("http_status", 20), ("timeout", 12), ("credentials_refused", 5)]);
    assert!(close(Some(report.flows[0].failures[0].share), 0.02));
    let login = &report.flows[0].latency.login;
    assert_eq!((login.n, login.unfinished, login.failed), (963, 12, 25));
    assert_eq!(login.at_least, Some(Micros(10_000_000)));
    let budget = objective.budget.unwrap();
    assert!(close(Some(budget.allowed_events), 10.0) && budget.spent_events == 37);
    assert!(close(Some(budget.left_minutes), -2.7 * 1000.0 * 0.01 / 60.0));
    let last = objective.burn_down.as_ref().unwrap().points.last().copied().unwrap();
    assert!(close(Some(last.spent), 3.7) && close(Some(last.ideal), 1.0) && last.at == report.head.period.end);
}

#[test]
fn none_of_n_and_n_of_n() {
    let mut good = World::new(span(2_000), Duration::from_secs(1), &["berlin"]);
    good.fill(|_| Some(Verdict::Good));
    let report = good.report();
    let objective = only(&report);
    assert_eq!((objective.availability, objective.verdict), (Some(1.0), Attainment::Met));
    let interval = objective.interval.unwrap();
    assert!(interval.low < 1.0 && interval.high == 1.0, "no failure seen is no proof of none");
    assert!(report.flows[0].failures.is_empty());
    assert_eq!(report.flows[0].vantages[0].downtime.outages, 0);

    let mut bad = World::new(span(2_000), Duration::from_secs(1), &["berlin"]);
    bad.fill(|_| Some(BAD));
    let report = bad.report();
    let objective = only(&report);
    assert_eq!((objective.availability, objective.verdict), (Some(0.0), Attainment::Missed));
    assert_eq!(report.flows[0].latency.login.n, 0);
    assert!(report.flows[0].latency.login.percentiles.is_empty());
    let downtime = &report.flows[0].vantages[0].downtime;
    assert_eq!(downtime.outages, 1);
    assert_eq!(downtime.high, Micros(2_000_000_000), "from the period's start to its end");
    assert!(downtime.longest[0].open);
}

#[test]
fn no_data_is_neither_up_nor_down() {
    let world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    let report = world.report();
    let objective = only(&report);
    assert_eq!((objective.counts.due, objective.counts.missing), (Some(1000), 1000));
    assert_eq!(objective.counts.coverage, Some(0.0));
    assert_eq!(objective.verdict, Attainment::NoData);
    assert_eq!((objective.availability, objective.interval, objective.if_lost), (None, None, Some(whole())));
    assert!(objective.budget.is_none() && objective.burn_rate.is_none() && objective.burn_down.is_none());
    let strip = &report.flows[0].series.timeline[0];
    assert!(strip.cells.iter().all(|&cell| cell == CellState::NoData));

    let mut unknown = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    unknown.declarations.clear();
    let report = unknown.report();
    assert_eq!(only(&report).counts.due, None);
    assert_eq!((only(&report).if_lost, only(&report).verdict), (None, Attainment::NoData));
    assert!(report.flows.is_empty());
}

fn whole() -> doorstep::slo::Interval {
    doorstep::slo::Interval { low: 0.0, high: 1.0 }
}

#[test]
fn lost_runs_say_nothing_unless_the_policy_calls_them_bad() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.fill(|_| Some(LOST));
    let report = world.report();
    assert_eq!(only(&report).verdict, Attainment::NoData);
    assert_eq!((only(&report).counts.lost, only(&report).if_lost), (1000, Some(whole())));
    assert_eq!(report.flows[0].failures[0].blame.as_str(), "prober");

    world.policy = Policy { lost_runs: LostRuns::Bad, ..Policy::default() };
    let report = world.report();
    assert_eq!((only(&report).availability, only(&report).verdict), (Some(0.0), Attainment::Missed));
    assert_eq!(only(&report).counts.bad, 0, "what was lost is still told apart");
    assert_eq!(only(&report).budget.unwrap().spent_events, 1000);
    let said = doorstep::report::words::sentence(only(&report));
    let begin = "0 of 1,000 logins succeeded: 0 % (";
    assert!(
        said.starts_with(begin) && said.contains("1,000 lost or missing, which the policy counts as bad"),
        "{said}"
    );
    let text = doorstep::report::markdown::render(&report);
    assert!(
        text.contains("counts it, and every missing run, as bad") && !text.contains("neither up nor down"),
        "{text}"
    );
}

#[test]
fn gaps_lower_coverage_and_forbid_the_word_met() {
    let mut world = World::new(span(10_000), Duration::from_secs(1), &["berlin"]);
    world.fill(|index| (index >= 3_000).then_some(Verdict::Good));
    let report = world.report();
    let objective = only(&report);
    assert_eq!((objective.counts.good, objective.counts.missing), (7_000, 3_000));
    assert!(close(objective.counts.coverage, 0.7));
    assert!(objective.probability_met.unwrap() > 0.99);
    assert_eq!(objective.verdict, Attainment::NotKnown);
    assert!(objective.verdict_note.as_ref().unwrap().starts_with("coverage is 70 %"));
    let pair = objective.if_lost.unwrap();
    assert!(close(Some(pair.low), 0.7) && close(Some(pair.high), 1.0));
    let gap = report.flows[0].longest_gap.unwrap();
    assert!((2_999_000_000..3_001_000_000).contains(&gap.0), "{gap}");
    assert_eq!(report.head.slots[0].missing, Some(3_000));
}

#[test]
fn duplicates_and_order_change_nothing() {
    let world = thirty_seven_of_a_thousand();
    let once = world.report();
    let twice = world.report_of(world.runs.iter().rev().chain(world.runs.iter()));
    assert_eq!(once, twice);
    assert_eq!(once.head.runs, 1000);
}

#[test]
fn each_slot_counts_once_by_the_attempt_that_the_policy_names() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.fill(|index| Some(if index < 10 { BAD } else { Verdict::Good }));
    let again: Vec<_> = world.slots(RunKind::Login).into_iter().take(6).collect();
    world.runs.extend(again.iter().map(|(slot, vantage)| login(vantage, *slot, 1, Verdict::Good, 100)));
    let first = world.report();
    assert_eq!((only(&first).counts.bad, first.head.runs), (10, 1006));
    assert_eq!(only(&first).counts.due, Some(1000));
    world.policy = Policy { retries: Retries::BestAttempt, ..Policy::default() };
    let best = world.report();
    assert_eq!((only(&best).counts.bad, only(&best).counts.good), (4, 996));
    assert_ne!(first.head.policy_revision, best.head.policy_revision);
}

#[test]
fn late_data_restates_a_closed_period() {
    let mut world = thirty_seven_of_a_thousand();
    let late = world.runs.split_off(900);
    let before = world.report();
    assert_eq!((only(&before).counts.good, only(&before).counts.missing), (863, 100));
    world.runs.extend(late.into_iter().rev());
    assert_eq!(world.report(), thirty_seven_of_a_thousand().report());
}

#[test]
fn weeks_follow_the_zone_of_the_objective() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    for (week, hours) in [("2026-W13", 167_u64), ("2026-W43", 169), ("2026-W47", 168)] {
        let mut world = World::new(Period::week(week, &zone).unwrap(), Duration::from_secs(600), &["berlin", "tokyo"]);
        world.fill(|index| Some(if index % 500 == 7 { BAD } else { Verdict::Good }));
        let report = world.report();
        let objective = only(&report);
        assert_eq!(objective.counts.due, Some(hours * 6 * 2), "{week}");
        let budget = objective.budget.unwrap();
        assert!(close(Some(budget.allowed_minutes), hours as f64 * 0.6), "{week}");
        let bins = report.flows[0].series.bins;
        assert_eq!((bins.width, u64::from(bins.count)), (Micros(1_800_000_000), hours * 2), "{week}");
    }
}

#[test]
fn a_running_period_owes_nothing_yet() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.until = time("2026-11-16T00:05:00Z");
    world.fill(|index| (index < 300).then_some(Verdict::Good));
    let report = world.report();
    let counts = only(&report).counts;
    assert_eq!((counts.due, counts.planned, counts.missing), (Some(300), Some(1000), 0));
    assert_eq!(report.head.until, Some(world.until));
    let last = only(&report).burn_down.as_ref().unwrap().points.last().copied().unwrap();
    assert!(last.at == world.until && close(Some(last.ideal), 0.3));
    assert_eq!((only(&report).verdict, only(&report).until), (Attainment::OnCourse, Some(world.until)));
    let strip = &report.flows[0].series.timeline[0];
    let bins = report.flows[0].series.bins;
    for (bin, cell) in (0..).zip(&strip.cells) {
        let expected = if bins.start_of(bin) < world.until { CellState::Ok } else { CellState::NotDue };
        assert_eq!(*cell, expected, "bin {bin}: what is not due yet is not missing");
    }
    assert!(close(Some(only(&report).budget.unwrap().allowed_events), 10.0));
}

#[test]
fn a_vantage_that_joined_late_missed_nothing_before() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    let joined = world.period.start + 500.seconds();
    for declaration in &mut world.declarations {
        declaration.from = joined;
    }
    let ran = joined..joined + 300.seconds();
    for (slot, from) in world.slots(RunKind::Login).into_iter().filter(|(slot, _)| ran.contains(slot)) {
        world.runs.push(login(&from, slot, 0, Verdict::Good, 100));
    }
    let report = world.report();
    assert_eq!((only(&report).counts.due, only(&report).counts.missing), (Some(500), 200));
    let series = &report.flows[0].series;
    for (bin, cell) in (0..).zip(&series.timeline[0].cells) {
        let expected = match series.bins.start_of(bin).duration_since(world.period.start).as_secs() {
            ..490 => CellState::NotDue,
            510..790 => CellState::Ok,
            810.. => CellState::NoData,
            _ => continue,
        };
        assert_eq!(*cell, expected, "bin {bin}");
    }
}

#[test]
fn a_latency_objective_counts_raw_values_and_failures_as_over() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.objectives = vec![(objective("fast", 0.9, Some(5_000)), world.period.clone())];
    for (index, (slot, vantage)) in world.slots(RunKind::Login).into_iter().enumerate() {
        // 5.000 s and 5.003 s share a histogram bucket.
        let (verdict, millis) = match index {
            0..50 => (Verdict::Good, 5_003),
            50..80 => (BAD, 10),
            _ => (Verdict::Good, 5_000),
        };
        world.runs.push(login(&vantage, slot, 0, verdict, millis));
    }
    let report = world.report();
    let objective = only(&report);
    assert_eq!((objective.counts.good, objective.counts.bad), (920, 80));
    assert_eq!(objective.over_threshold, Some(50));
    assert!(close(objective.availability, 0.92));
    assert!(close(report.flows[0].availability, 0.97), "the flow's own availability knows no threshold");
}

#[test]
fn users_weigh_vantages_and_nobody_speaks_for_the_uncovered() {
    let mut world = World::new(span(1_000), Duration::from_secs(10), &["berlin", "tokyo", "nyc"]);
    let segment = |name: &str, share, vantages: &[&str]| Segment {
        name: name.to_owned(),
        share,
        vantages: vantages.iter().map(|name| vantage(name)).collect(),
        ..Segment::default()
    };
    world.population = Population::new(vec![
        segment("europe", 0.6, &["berlin"]),
        segment("asia", 0.2, &["tokyo"]),
        segment("africa", 0.2, &[]),
    ])
    .unwrap();
    for (slot, from) in world.slots(RunKind::Login) {
        let verdict = if from == vantage("berlin") { BAD } else { Verdict::Good };
        world.runs.push(login(&from, slot, 0, verdict, 100));
    }
    let report = world.report();
    let users = only(&report).users.as_ref().unwrap();
    assert!(close(users.impact, 0.75), "0.6 of the covered 0.8 could not log in");
    assert!(close(Some(users.uncovered), 0.2));
    assert!(close(Some(users.if_uncovered.low), 0.2) && close(Some(users.if_uncovered.high), 0.4));
    assert_eq!((users.segments[0].n, users.segments[0].bad), (100, 100));
    assert_eq!((users.segments[2].n, users.segments[2].failing), (0, None));
    assert!(close(only(&report).availability, 2.0 / 3.0), "the plain share knows no users");
}

#[test]
fn downtime_is_bounded_by_the_probes_around_it() {
    let mut world = World::new(span(600), Duration::from_secs(60), &["berlin"]);
    let slots = world.slots(RunKind::Login);
    world.fill(|index| match index {
        3..=5 => Some(BAD),
        // One slot of the second outage says nothing: it may have been up in between.
        7 | 9 => Some(BAD),
        8 => Some(LOST),
        _ => Some(Verdict::Good),
    });
    let report = world.report();
    let downtime = &report.flows[0].vantages[0].downtime;
    assert_eq!(downtime.outages, 2);
    let first = &downtime.longest[0];
    let ended =
        |index: usize| world.runs[index].started + 1.milliseconds() * (world.runs[index].elapsed.0 / 1000) as i64;
    assert_eq!((first.not_before, first.not_after), (slots[2].0, ended(6)));
    assert_eq!((first.begun_by, first.lasted_until), (ended(3), slots[5].0));
    assert_eq!(first.low.0 as i64, slots[5].0.as_microsecond() - ended(3).as_microsecond());
    assert_eq!((first.runs, first.open), (3, false));
    let second = &downtime.longest[1];
    assert_eq!((second.low, second.open, second.runs), (Micros(0), true, 2));
    assert_eq!(second.not_after, world.period.end);
}

#[test]
fn a_wrong_password_that_was_let_in_is_an_alarm_and_no_availability() {
    let mut world = World::new(span(1_000), Duration::from_secs(10), &["berlin", "tokyo"]);
    let both: [Schedule; 2] = [
        schedule(RunKind::Login, Duration::from_secs(10), &["berlin", "tokyo"]),
        schedule(RunKind::WrongPassword, Duration::from_secs(100), &["berlin", "tokyo"]),
    ];
    world.declarations = declarations(world.period.start, &both, &["berlin", "tokyo"]);
    world.fill(|_| Some(Verdict::Good));
    let accepted = Verdict::Bad(BadClass::AcceptedWrongPassword);
    let negative = world.slots(RunKind::WrongPassword);
    assert_eq!(negative.len(), 10, "the vantages take turns");
    for (index, (slot, from)) in negative.iter().enumerate().skip(1) {
        let verdict = if index == 4 { accepted } else { Verdict::Good };
        world.runs.push(run(RunKind::WrongPassword, from, *slot, 0, verdict, 50));
    }
    // The second attempt of a slot was let in: no policy may hide that behind the first.
    world.runs.push(run(RunKind::WrongPassword, &negative[7].1, negative[7].0, 1, accepted, 50));
    let report = world.report();
    assert_eq!(report.alarms.len(), 1);
    let alarm = &report.alarms[0];
    assert_eq!((alarm.class.as_str(), alarm.count), ("accepted_wrong_password", 2));
    assert_eq!((alarm.first, alarm.last), (negative[4].0, negative[7].0));
    let negative = &report.negatives[0];
    assert_eq!((negative.due, negative.refused, negative.accepted, negative.missing), (Some(10), 7, 2, 1));
    assert_eq!((only(&report).counts.good, only(&report).counts.bad), (200, 0));
    assert_eq!(report.flows.len(), 1);
}

#[test]
fn an_orderly_stop_ends_what_is_due_and_a_silent_death_does_not() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    world.fill(|index| (index < 400).then_some(Verdict::Good));
    assert_eq!(only(&world.report()).counts.missing, 600);
    let stop = Timestamp::from_second(world.period.start.as_second() + 400).unwrap();
    world.declarations.extend(declarations(stop, &[], &["berlin"]));
    let report = world.report();
    assert_eq!((only(&report).counts.due, only(&report).counts.missing), (Some(400), 0));
}

#[test]
fn percentiles_carry_their_rank_interval_and_their_bucket() {
    let mut world = World::new(span(1_000), Duration::from_secs(1), &["berlin"]);
    for (index, (slot, from)) in world.slots(RunKind::Login).into_iter().enumerate() {
        world.runs.push(login(&from, slot, 0, Verdict::Good, 1 + index as u64));
    }
    let report = world.report();
    let login = &report.flows[0].latency.login;
    assert_eq!((login.shortest, login.longest), (Some(Micros(1_000)), Some(Micros(1_000_000))));
    let p99 = login.percentile("p99").unwrap();
    // Ranks 983 and 997 of 1,000 (F7), which here are the values in milliseconds.
    let within = |micros: Option<Micros>, millis: f64| (micros.unwrap().0 as f64 / 1000.0 / millis - 1.0).abs() < 0.001;
    assert!(within(p99.low, 983.0) && within(p99.high, 997.0) && within(Some(p99.value), 990.0));
    assert!(p99.bucket.0 as f64 / p99.value.0 as f64 <= 0.001);
    assert_eq!(login.percentile("p99.9").unwrap().high, None, "a thousand logins cannot bound p99.9 from above");
    let steps: Vec<_> = report.flows[0].latency.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["open", "submit"]);
}

#[test]
fn the_strip_tells_failed_slow_and_absent_apart() {
    let mut world = World::new(span(340), Duration::from_secs(1), &["berlin"]);
    for (index, (slot, from)) in world.slots(RunKind::Login).into_iter().enumerate() {
        match index {
            20..40 => world.runs.push(login(&from, slot, 0, BAD, 100)),
            60..80 => world.runs.push(login(&from, slot, 0, Verdict::Good, 900)),
            100..120 => {}
            120..140 => world.runs.push(login(&from, slot, 0, LOST, 1)),
            _ => world.runs.push(login(&from, slot, 0, Verdict::Good, 100)),
        }
    }
    let report = world.report();
    let series = &report.flows[0].series;
    assert_eq!(series.bins.width, Micros(2_000_000));
    let rows: Vec<_> = series.timeline.iter().map(|row| row.step.as_ref().map(StepName::as_str)).collect();
    assert_eq!(rows, [None, Some("open"), Some("submit")]);
    let at = |row: usize, slot: usize| series.timeline[row].cells[slot / 2];
    assert_eq!([at(0, 10), at(0, 30), at(0, 70)], [CellState::Ok, CellState::Failed, CellState::Slow]);
    assert_eq!([at(0, 110), at(0, 130)], [CellState::NoData; 2]);
    assert_eq!([at(1, 30), at(2, 30), at(2, 70)], [CellState::Failed, CellState::NoData, CellState::Slow]);
    assert_eq!((series.timeline[0].n[15], series.timeline[0].bad[15]), (2, 2));
    let counted: u32 = series.heat_map.counts.iter().flatten().sum();
    assert_eq!(counted, 280);
    assert_eq!(series.latency[35].p50, Some(Micros(900_000)));
    assert_eq!(series.latency[55].p50, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_order_of_runs_gives_the_same_report(
        verdicts in proptest::collection::vec(0..4_u8, 60),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(span(300), Duration::from_secs(10), &["berlin", "tokyo"]);
        world.fill(|index| match verdicts[index] {
            0 => None,
            1 => Some(BAD),
            2 => Some(LOST),
            _ => Some(Verdict::Good),
        });
        let mut shuffled: Vec<_> = world.runs.iter().collect();
        shuffled.sort_by_key(|run| (u64::from_le_bytes(run.id.as_bytes()[..8].try_into().unwrap()) ^ seed).rotate_left(9));
        let (report, other) = (world.report(), world.report_of(shuffled.into_iter()));
        prop_assert_eq!(serde_json::to_string(&report).unwrap(), serde_json::to_string(&other).unwrap());
        let counts = only(&report).counts;
        prop_assert_eq!(counts.good + counts.bad + counts.lost + counts.missing, counts.due.unwrap());
    }
}
