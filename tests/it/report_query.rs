//! From the spool through the store to the report, and the same bytes however the runs are kept.

use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{BadClass, DetectionRules, Verdict};
use doorstep::query::{self, Question};
use doorstep::report::{ReportModel, html, markdown};
use doorstep::slo::{Attainment, Period};
use doorstep::store::{Shipper, Spool, Store};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::report_synthetic::{World, login, thirty_seven_of_a_thousand, time, vantage};

async fn ask(store: &Store, world: &World) -> (ReportModel, u64) {
    let question = Question {
        site: "Example Shop",
        period: &world.period,
        until: world.until,
        objectives: &world.objectives,
        population: &world.population,
        policy: &world.policy,
        detection: &DetectionRules::default(),
        databases: &[],
        audit_terms: &std::collections::BTreeMap::new(),
        tried: &[],
        generated_from: "doorstep test",
    };
    let mut due_seen = 0;
    let model = query::report(store, &question, &mut |_, due| due_seen = due).await.expect("a report");
    (model, due_seen)
}

#[tokio::test]
async fn a_store_answers_like_the_runs_themselves_before_and_after_shipping() {
    let world = thirty_seven_of_a_thousand();
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = Spool::open(folder.path(), &Clock::system()).expect("a spool");
    for runs in world.runs.chunks(100) {
        let recorded = futures_util::future::join_all(runs.iter().map(|run| spool.append(run))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let store = Store::in_memory().with_spool(folder.path());
    for declaration in &world.declarations {
        store.declare(declaration).await.expect("a declaration");
    }
    let (spooled, due) = ask(&store, &world).await;
    assert_eq!(due, 1000);
    let mut direct = ReportModel { head: spooled.head.clone(), ..world.report() };
    // What the runs of the period alone do not tell comes from the store: incidents, and what follows from them.
    assert!(!spooled.incidents.is_empty() && spooled.detection.is_some());
    direct.incidents.clone_from(&spooled.incidents);
    direct.detection.clone_from(&spooled.detection);
    direct.sight.clone_from(&spooled.sight);
    direct.objectives[0].standing.clone_from(&spooled.objectives[0].standing);
    assert!(spooled == direct, "the store answers otherwise than the runs");
    assert_eq!(spooled.objectives[0].failing, Some(0.037));
    // A thousand seconds at one place, in which every other rule's false pages are told as a rate with its interval.
    let detection = spooled.detection.as_ref().expect("a detector");
    assert!((detection.flow_years * 365.0 * 86_400.0 - 1_000.0).abs() < 5.0, "{}", detection.flow_years);
    assert!(detection.rules[0].false_per_year.is_none(), "incidents are what our own detector found");
    for rule in &detection.rules[1..] {
        let bounds = rule.false_per_year.expect("a rate");
        let seen = rule.elsewhere as f64 / detection.flow_years;
        assert!(bounds.low <= seen && seen < bounds.high, "{rule:?}");
    }
    let text = markdown::render(&spooled);
    assert!(text.contains("Observed: ") && text.contains("false per flow and year"), "{text}");

    let shipped = Shipper::new(spool, store.clone(), Duration::ZERO).ship_all().await;
    assert_eq!((shipped.records, shipped.errors.len()), (1000, 0));
    let (stored, _) = ask(&store, &world).await;
    assert_eq!(markdown::render(&stored), markdown::render(&spooled), "the data's revision included");
}

/// A running week after one without a failure. A third of the slots so far were not seen: they spend nothing.
fn running_week() -> World {
    let mut world =
        World::new(Period::week("2026-W47", &TimeZone::UTC).unwrap(), Duration::from_secs(600), &["berlin"]);
    world.until = time("2026-11-19T12:00:00Z");
    let begin = world.period.start - 168.hours();
    for declaration in &mut world.declarations {
        declaration.from = begin;
    }
    let schedule = world.declarations[0].flows[0].schedule.clone();
    let slots: Vec<Timestamp> = schedule.slots(&vantage("berlin"), begin, world.until).collect();
    for (index, slot) in slots.into_iter().enumerate() {
        let this_week = slot >= world.period.start;
        if this_week && index % 3 == 0 {
            continue;
        }
        let verdict = if this_week && index % 100 == 1 { Verdict::Bad(BadClass::HttpStatus) } else { Verdict::Good };
        world.runs.push(login(&vantage("berlin"), slot, 0, verdict, 100));
    }
    world
}

/// The report of [`running_week`] from a store, as a page: its burn-down has a fan.
pub(crate) async fn running_page() -> String {
    html::render(&running_model(&running_week()).await)
}

async fn running_model(world: &World) -> ReportModel {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = Spool::open(folder.path(), &Clock::system()).expect("a spool");
    for runs in world.runs.chunks(200) {
        let recorded = futures_util::future::join_all(runs.iter().map(|run| spool.append(run))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let store = Store::in_memory().with_spool(folder.path());
    for declaration in &world.declarations {
        store.declare(declaration).await.expect("a declaration");
    }
    ask(&store, world).await.0
}

#[tokio::test]
async fn the_outlook_of_a_running_week_goes_on_from_where_its_budget_stands() {
    let world = running_week();
    let model = running_model(&world).await;
    let objective = &model.objectives[0];
    assert_eq!((objective.verdict, objective.until), (Attainment::NotKnown, Some(world.until)), "a third is missing");
    let (outlook, spent) = (objective.standing.outlook.as_ref().expect("days"), objective.budget.unwrap().spent_share);
    assert!(spent > 0.0 && outlook.fan[0].at == world.until, "{outlook:?}");
    for point in &outlook.fan {
        assert!((point.middle - spent).abs() < 1e-9, "no past day failed: {spent} stays, {point:?}");
    }
    let text = markdown::render(&model);
    for words in ["Upright dashes: until here there are data.", "Fan: where it may go", "outlook: more than 99.9 %"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(
        text.contains("against the week before, from 2026-11-09 00:00:00 UTC on; baseline of 1,008 logins"),
        "{text}"
    );
    assert!(text.contains("The last period still runs: what it was so far."), "{text}");
    let page = html::render(&model);
    assert!(page.contains("data until here") && page.contains(">\nso far\n<"), "the charts say it too");
}
