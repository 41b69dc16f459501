//! What other rules would have done with the same runs: a known week, in which each of them does what it is known for.

use std::time::Duration;

use doorstep::history::History;
use doorstep::incident::{RuleName, RuleQuality, Rules, detect, quality};
use doorstep::model::{BadClass, RunKind, Verdict};

use crate::report_synthetic::{World, login, span};

/// Two outages (all fail for ten minutes; a fifth fail for two hours), single failures at three hours' distance, and one
/// place that is cut off for twenty minutes.
fn week(places: &[&str]) -> World {
    let mut world = World::new(span(7 * 86_400), Duration::from_secs(60), places);
    for (index, (slot, place)) in world.slots(RunKind::Login).into_iter().enumerate() {
        let at = slot.duration_since(world.period.start).as_secs();
        let bad = match at {
            100_000..100_600 => true,
            300_000..307_200 => index % 5 == 0,
            450_000..451_200 => place.as_str() == "lima",
            _ => index % (180 * places.len()) == 7,
        };
        world.runs.push(login(&place, slot, 0, if bad { Verdict::Bad(BadClass::Connect) } else { Verdict::Good }, 300));
    }
    world
}

fn replayed(places: &[&str]) -> Vec<RuleQuality> {
    let world = week(places);
    let mut history = History::new(&world.declarations, &world.period);
    world.runs.iter().for_each(|run| assert!(history.record(run, run.login_time())));
    let rules = Rules::default();
    let detection = detect(&history, &rules);
    let quality = quality(&history, &detection, &rules, &world.period);
    assert!((quality.flow_years * 365.0 - 7.0).abs() < 0.01, "{}", quality.flow_years);
    assert_eq!(quality.incidents, if places.contains(&"lima") && places.len() == 1 { 3 } else { 2 });
    serde_json::to_string(&quality).expect("it has a JSON form");
    quality.rules
}

fn of(rules: &[RuleQuality], name: RuleName) -> &RuleQuality {
    rules.iter().find(|rule| rule.rule == name).expect("the rule")
}

#[test]
fn each_rule_does_what_it_is_known_for() {
    let three = replayed(&["berlin", "lima", "oslo"]);
    let ours = of(&three, RuleName::Ours);
    assert_eq!((ours.wrong, ours.missed, ours.pages.len()), (0, 0, 2));
    assert!(ours.median_delay().is_some());
    let row = of(&three, RuleName::ThreeInARow);
    assert_eq!((row.wrong, row.undecided), (0, 1), "the place that was cut off");
    let burn = of(&three, RuleName::BurnRate);
    assert_eq!((burn.missed, burn.undecided), (0, 1));
    let quorum = of(&three, RuleName::Quorum);
    assert_eq!((quorum.wrong, quorum.undecided), (0, 0));
    // From one place, each single failure pages by burn rate: about eight a day.
    let one = replayed(&["berlin"]);
    let burn = of(&one, RuleName::BurnRate);
    assert!((45..=56).contains(&burn.wrong), "{} of {}", burn.wrong, burn.pages.len());
    // The guard helps until an outage has filled the long window: for six hours each single failure pages again.
    assert_eq!(of(&one, RuleName::BurnRateGuarded).wrong, 4);
    assert_eq!(of(&one, RuleName::Ours).wrong, 0);
    assert!(of(&one, RuleName::Quorum).pages.is_empty(), "most of one place is that place");
}

#[test]
fn an_empty_history_has_nothing_to_say() {
    let world = World::new(span(86_400), Duration::from_secs(60), &["berlin"]);
    let history = History::new(&world.declarations, &world.period);
    let rules = Rules::default();
    let quality = quality(&history, &detect(&history, &rules), &rules, &world.period);
    assert_eq!((quality.incidents, quality.flow_years), (0, 0.0));
    assert!(quality.rules.iter().all(|rule| rule.pages.is_empty() && rule.median_delay().is_none()));
}
