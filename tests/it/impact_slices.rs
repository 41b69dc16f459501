//! Impact over runs of a known truth: users weighted by segment and hour, hours and users that nobody looked at, the
//! threshold of slowness, what was lost, and exclusions.

use std::time::Duration;

use doorstep::history::History;
use doorstep::impact::{self, Estimate, Figure, Impact, Question};
use doorstep::incident::{Incident, Rules, Symptom, detect};
use doorstep::model::{
    BadClass, Demand, DetectionRules, Exclusion, ExclusionMode, HOURS, Habits, LostClass, LostRuns, Micros, Population,
    Rate, RunKind, Segment, TypicalWeek, Verdict,
};
use jiff::{SignedDuration, Timestamp};

use crate::report_synthetic::{World, login, span, time, vantage};

const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);
const LOST: Verdict = Verdict::Lost(LostClass::LocalNetwork);

/// Demand of the first hours of Monday, and as much as in the last of them afterwards.
fn week(first: &[f64]) -> Demand {
    let of = |hour: usize| first.get(hour).or(first.last()).copied().unwrap_or_default();
    let rate = |hour| Rate { low: of(hour), middle: of(hour), high: of(hour) };
    Demand::Stated(TypicalWeek { zone: jiff::tz::TimeZone::UTC, hours: (0..HOURS).map(rate).collect() })
}

fn segment(name: &str, share: f64, vantages: &[&str]) -> Segment {
    let vantages = vantages.iter().map(|name| vantage(name)).collect();
    Segment { name: name.to_owned(), share, vantages, ..Segment::default() }
}

fn people(segments: Vec<Segment>, demand: &[f64]) -> Population {
    let habits = Habits { demand: Some(week(demand)), retries: Some(vec![Micros(0); 3]), ..Habits::default() };
    Population::new(segments).unwrap().with_habits(habits)
}

/// What a login says, by the hour of its slot, its place in that hour, and its vantage.
fn world(hours: i64, places: &[&str], truth: impl Fn(usize, usize, &str) -> Option<Verdict>) -> World {
    let mut world = World::new(span(hours * 3600), Duration::from_secs(60), places);
    let mut counted = std::collections::BTreeMap::new();
    for (slot, place) in world.slots(RunKind::Login) {
        let hour = usize::try_from(slot.duration_since(world.period.start).as_hours()).unwrap();
        let index: &mut usize = counted.entry((hour, place.clone())).or_default();
        let verdict = truth(hour, *index, place.as_str());
        *index += 1;
        world.runs.extend(verdict.map(|verdict| login(&place, slot, 0, verdict, 400)));
    }
    world
}

fn history(world: &World) -> History {
    let mut history = History::new(&world.declarations, &world.period);
    for run in &world.runs {
        assert!(history.record(run, run.login_time()));
    }
    history
}

/// A question about a world, asked of its history.
fn asked<T>(world: &World, answer: impl FnOnce(&Question<'_>) -> T) -> T {
    let history = history(world);
    answer(&Question {
        history: &history,
        until: world.until,
        population: &world.population,
        policy: &world.policy,
        exclusions: &world.exclusions,
        objectives: &world.objectives,
        flows: &[],
    })
}

/// The impact of the whole span, without incidents.
fn of_span(world: &World) -> Impact {
    asked(world, |question| impact::of_span(question, world.period.start, world.period.end, &[]))
}

fn value(figure: &Figure) -> Estimate {
    figure.estimate().unwrap_or_else(|| panic!("{figure:?}"))
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found}, expected {expected}");
}

/// F10's example over four hours: demand 100, 100, 400, 1000, failing 0.5, 0, 0, 0.05.
fn oracle() -> World {
    let mut world = world(4, &["berlin"], |hour, index, _| {
        let failing = match hour {
            0 => index % 2 == 0,
            3 => index % 20 == 0,
            _ => false,
        };
        Some(if failing { BAD } else { Verdict::Good })
    });
    world.population = people(vec![segment("all", 1.0, &["berlin"])], &[100.0, 100.0, 400.0, 1000.0]);
    world
}

#[test]
fn hours_weigh_by_who_wants_to_sign_in_and_not_by_their_probes() {
    let impact = of_span(&oracle());
    close(value(&impact.availability.weighted).middle, 0.9375);
    close(impact.availability.plain.unwrap(), 0.8625);
    assert_eq!(impact.not_covered.share, Some(0.0));
    close(value(&impact.affected).middle, 100.0);
    let report = oracle().report();
    close(report.objectives[0].users.as_ref().unwrap().availability.unwrap(), 0.9375);
}

#[test]
fn an_hour_and_users_that_nobody_looked_at_are_in_the_bounds_and_never_good() {
    // Nothing is recorded of the last hour, and nobody probes for a fifth of the users.
    let blind = |recorded: bool| {
        let mut world = oracle();
        world.runs.retain(|run| recorded || run.slot < world.period.start + SignedDuration::from_hours(3));
        let segments = vec![segment("seen", 0.8, &["berlin"]), segment("unseen", 0.2, &[])];
        world.population = people(segments, &[100.0, 100.0, 400.0, 1000.0]);
        world
    };
    let impact = of_span(&blind(false));
    // 480 of the 1,600 people lie in the three hours of the segment that is seen.
    close(impact.not_covered.share.unwrap(), 0.7);
    close(value(&impact.intents).middle, 480.0);
    close(value(&impact.not_covered.intents).middle, 1120.0);
    let weighted = value(&impact.availability.weighted);
    close(weighted.middle, 1.0 - 50.0 / 600.0);
    assert!(weighted.low < 0.3 * weighted.middle && weighted.high > 0.7, "{weighted:?}");
    let affected = value(&impact.affected);
    assert!(affected.low < 100.0 && affected.high > 1120.0, "none of them failed, or all: {affected:?}");
    let failed = value(&impact.failed_sign_ins);
    assert!(failed.high > 4.0 * 1120.0, "three retries each: {failed:?}");
    assert!(value(&impact.locked_out).high > 1120.0 && value(&impact.delayed).low <= 0.0);
    for figure in [&impact.affected, &impact.locked_out, &impact.delayed, &impact.failed_sign_ins] {
        let Figure::Estimate { inputs, formula, .. } = figure else { panic!("{figure:?}") };
        assert!(inputs.iter().any(|input| input.name == "intents not covered"), "{inputs:?}");
        assert!(formula.contains("no probe stands for"), "{formula}");
    }
    assert_eq!(impact.segments[1].failing, None);
    close(impact.segments[0].not_covered.unwrap(), 1000.0 / 1600.0);
    close(impact.segments[1].not_covered.unwrap(), 1.0);
    assert!(impact.notes.iter().any(|note| note.contains("For 70.0 % of demand no probe")), "{:?}", impact.notes);
    assert_eq!(of_span(&blind(true)).segments[0].not_covered, Some(0.0));
}

#[test]
fn users_of_other_flows_are_no_part_of_an_incident_and_those_of_unknown_ones_are_not_covered() {
    let mut world = oracle();
    let partners = Segment { flows: vec!["partner".parse().unwrap()], ..segment("partners", 0.5, &["berlin"]) };
    world.population = people(vec![segment("all", 0.5, &["berlin"]), partners], &[100.0]);
    let shop = [crate::report_synthetic::flow()];
    let of = |flows: &[doorstep::model::FlowName]| {
        asked(&world, |question| {
            let question = Question { flows, ..*question };
            impact::of_span(&question, world.period.start, world.period.end, &[])
        })
    };
    let (every, one) = (of(&[]), of(&shop));
    close(every.not_covered.share.unwrap(), 0.5);
    assert_eq!((one.not_covered.share, one.segments.len()), (Some(0.0), 1));
    close(value(&one.intents).middle, 200.0);
    assert!(value(&one.affected).high < 100.0, "{:?}", one.affected);
    assert!(one.notes.iter().any(|note| note.contains("in no figure: partners")), "{:?}", one.notes);
}

#[test]
fn lost_runs_count_as_the_policy_says_and_both_extremes_are_told() {
    let mut world = world(4, &["berlin"], |hour, _, _| match hour {
        0 => Some(LOST),
        1 => None,
        _ => Some(Verdict::Good),
    });
    world.population = people(vec![segment("all", 1.0, &["berlin"])], &[100.0]);
    let impact = of_span(&world);
    assert_eq!((impact.lost.lost + impact.lost.missing, impact.failing.failing), (120, 0));
    close(impact.lost.failing_if.unwrap().high, 0.5);
    close(impact.not_covered.share.unwrap(), 0.5);
    world.policy.lost_runs = LostRuns::Bad;
    let impact = of_span(&world);
    assert_eq!((impact.failing.failing, impact.failing.n), (120, 240));
    close(value(&impact.availability.weighted).middle, 0.5);
    assert_eq!((impact.not_covered.share, impact.budget[0].bad), (Some(0.0), 120));
    assert!(impact.notes.iter().any(|note| note.contains("count as bad")), "{:?}", impact.notes);
}

/// Two hours in which every login takes 9 seconds instead of 400 milliseconds, after ten usual ones.
fn slow() -> (World, Incident) {
    let mut world = world(14, &["berlin", "tokyo"], |_, _, _| Some(Verdict::Good));
    let slow = time("2026-11-16T10:00:00Z")..time("2026-11-16T12:00:00Z");
    let runs = std::mem::take(&mut world.runs);
    world.runs = runs
        .into_iter()
        .map(|run| if slow.contains(&run.slot) { login(&run.vantage, run.slot, 0, Verdict::Good, 9_000) } else { run })
        .collect();
    world.population = people(vec![segment("all", 1.0, &["berlin", "tokyo"])], &[100.0]);
    let rules =
        Rules { detection: DetectionRules { slow: Some(Micros(2_000_000)), ..Default::default() }, ..Rules::default() };
    let detection = detect(&history(&world), &rules);
    let [incident] = detection.incidents.as_slice() else { panic!("{:?}", detection.incidents) };
    assert_eq!(incident.symptom, Symptom::Slow);
    let incident = incident.clone();
    (world, incident)
}

#[test]
fn slow_logins_are_those_that_the_incident_was_found_by() {
    let (mut world, incident) = slow();
    assert!(incident.slow_limits.iter().all(|limit| limit.over == Micros(2_000_000)), "{:?}", incident.slow_limits);
    assert_eq!(incident.slow_limits.len(), 2);
    let of = |world: &World| asked(world, |question| impact::of_incident(question, &incident));
    // Today's promise is more patient than what the incident was found by, or there is none.
    for today in [None, Some(60_000), Some(100)] {
        world.objectives[0].0 = crate::report_synthetic::objective("login", 0.99, today);
        let impact = of(&world);
        assert_eq!(impact.failing.share, Some(1.0), "{today:?}");
        let (delayed, affected) = (value(&impact.delayed), value(&impact.affected));
        assert_eq!(delayed, affected, "all of them got in, late");
        assert!(delayed.low <= 200.0 && 200.0 <= delayed.high, "two hours of a hundred: {delayed:?}");
        assert_eq!(impact.locked_out.estimate(), None, "nobody was turned away");
        let text = doorstep::report::impact::text(&impact);
        for word in ["slow share", "were slow", "kept waiting", "not slow"] {
            assert!(text.contains(word), "{word} is missing in\n{text}");
        }
        for word in ["probes failed", "availability  ", "merely delayed", "sessions met", "knee", "sign-ins failed"] {
            assert!(!text.contains(word), "{word} is said of slow logins in\n{text}");
        }
        assert_eq!(impact.sessions_met.estimate(), None, "no session ended for it");
        assert!(impact.windowed.worst.is_empty() && impact.windowed.knee.is_none(), "windows are of failing logins");
        let told = asked(&world, |question| impact::affected_by(question, &incident));
        assert_eq!((told.delayed, told.locked_out), (impact.delayed, impact.locked_out), "and a report says the same");
        assert!(
            impact.notes.iter().any(|note| note.contains("longer than 2.00 s: the threshold")),
            "{:?}",
            impact.notes
        );
    }
}

#[test]
fn distinct_users_lie_between_the_same_each_time_and_others_each_time() {
    let mut world = world(4, &["berlin"], |_, index, _| Some(if index % 2 == 0 { BAD } else { Verdict::Good }));
    let habits = Habits { users: Some(1_000), demand: Some(week(&[1_000.0])), ..Habits::default() };
    world.population = Population::new(vec![segment("all", 1.0, &["berlin"])]).unwrap().with_habits(habits);
    let impact = of_span(&world);
    // 4,000 sign-ins of 1,000 users, half of which fail.
    let (affected, distinct) = (value(&impact.affected), value(&impact.distinct_users));
    close(affected.middle, 2_000.0);
    close(distinct.middle, 1_000.0 * (1.0 - (-2.0_f64).exp()));
    let same = 500.0 * (1.0 - (-4.0_f64).exp());
    assert!(distinct.low < same && distinct.low > same * 0.85, "half of the users, each time: {distinct:?}");
    close(distinct.high, 1_000.0);
    assert!(impact.notes[0].contains("two of the people affected, and one of the distinct users"));
}

fn exclusion(from: &str, to: &str, mode: ExclusionMode) -> Exclusion {
    Exclusion {
        from: time(from),
        to: time(to),
        mode,
        flows: Vec::new(),
        vantages: Vec::new(),
        reason: "planned move".to_owned(),
        author: "ada".to_owned(),
        entered: time("2026-11-20T00:00:00Z"),
    }
}

#[test]
fn exclusions_stand_beside_the_raw_figures() {
    let raw = of_span(&oracle());
    assert_eq!(raw.adjusted, None);
    let with = |mode| {
        let mut world = oracle();
        world.exclusions = vec![exclusion("2026-11-16T00:00:00Z", "2026-11-16T01:00:00Z", mode)];
        let impact = of_span(&world);
        assert_eq!((impact.failing, &impact.affected), (raw.failing, &raw.affected), "raw figures stay");
        impact.adjusted.expect("an exclusion touches it")
    };
    let good = with(ExclusionMode::CountAsGood);
    assert_eq!((good.failing.failing, good.failing.n, good.late), (3, 240, 1));
    close(value(&good.availability.weighted).middle, 1.0 - 50.0 / 1600.0);
    close(value(&good.intents).middle, 1600.0);
    assert_eq!((raw.budget[0].bad, good.budget[0].bad), (33, 3));
    let time = with(ExclusionMode::DropTime);
    close(value(&time.availability.weighted).middle, 1.0 - 50.0 / 1500.0);
    assert_eq!((time.not_covered.share, time.failing.n), (Some(0.0), 180));
    close(value(&time.intents).middle, 1500.0);
    let runs = with(ExclusionMode::DropEvents);
    close(runs.not_covered.share.unwrap(), 100.0 / 1600.0);
    assert!(value(&runs.affected).high > value(&time.affected).high + 99.0, "nothing is known of them any more");
    let mut world = oracle();
    let text = doorstep::report::impact::text(&{
        world.exclusions = vec![exclusion("2026-11-16T00:00:00Z", "2026-11-16T01:00:00Z", ExclusionMode::CountAsGood)];
        of_span(&world)
    });
    assert!(text.contains("with exclusions (raw: above)") && text.contains("planned move (ada, entered "), "{text}");
    assert!(text.contains(", afterwards)"), "{text}");
    world.exclusions = vec![exclusion("2026-11-16T00:00:00Z", "2026-11-16T01:00:00Z", ExclusionMode::CountAsGood)];
    let told = doorstep::postmortem::people::people(&of_span(&world)).estimates;
    let middle =
        |what: &str| told.iter().find(|one| one.what.starts_with(what)).unwrap_or_else(|| panic!("{told:?}")).middle;
    assert!(middle("People affected, with exclusions") < middle("People affected: at least one"), "{told:?}");
}

#[test]
fn no_outage_is_none_that_sessions_end_in() {
    let mut world = oracle();
    let habits = Habits { session: Some(Micros(8 * 3_600_000_000)), ..Habits::default() };
    world.population = Population::new(Vec::new()).unwrap().with_habits(habits);
    let Figure::NotQuantifiable { reason } = of_span(&world).sessions_met else { panic!("a span is no outage") };
    assert!(reason.contains("no outage is known here"), "{reason}");
}

#[test]
fn every_worst_window_says_which_it_is_and_how_sure() {
    let impact = of_span(&oracle());
    let hour = impact.windowed.worst.iter().find(|window| window.minutes == 64).unwrap();
    assert_eq!(hour.start, Timestamp::from_second(time("2026-11-16T00:00:00Z").as_second()).unwrap());
    assert!(hour.n >= 60 && hour.bad == 30, "{hour:?}");
    let interval = hour.interval.unwrap();
    assert!(interval.low < hour.availability && hour.availability < interval.high);
    let text = doorstep::report::impact::text(&impact);
    assert!(text.contains("worst 1 h 4 min: from 2026-11-16 00:00"), "{text}");
}
