//! Is the promised rate of false alarms held by the whole detector, as it runs: with a background that it has to
//! measure, and charts that begin anew each week? Years without an outage are drawn, and whatever is found in them is
//! false. More years: `FALSE_ALARM_YEARS=300 cargo test --test it -- false_alarms:: --nocapture`.

use std::io::Write as _;
use std::time::Duration;

use doorstep::history::{History, Ledger, Outcome, Series, end_of};
use doorstep::incident::{Rules, Scope, detect};
use doorstep::model::{BadClass, Micros, RunKind, SplitMix, Verdict};

use crate::report_synthetic::{World, flow, span, vantage};

const PLACES: [&str; 3] = ["berlin", "lima", "tokyo"];
const WEEKS: i64 = 52;

fn years() -> u64 {
    std::env::var("FALSE_ALARM_YEARS").map_or(30, |years| years.parse().expect("FALSE_ALARM_YEARS is a number"))
}

/// Incidents of one year in which a share of all logins fails by chance alone: common ones, and those of one place.
fn found(world: &World, year: u64, share: f64) -> (u64, u64) {
    let mut random = SplitMix::of(&[17, year, share.to_bits()]);
    let mut ledgers: Vec<Ledger> = PLACES.iter().map(|_| Ledger::default()).collect();
    for (slot, place) in world.slots(RunKind::Login) {
        let bad = random.chance(share);
        let place = PLACES.iter().position(|name| *name == place.as_str()).expect("a place");
        let login = Some(Micros(300_000)).filter(|_| !bad);
        let verdict = if bad { Verdict::Bad(BadClass::HttpStatus) } else { Verdict::Good };
        let ended = end_of(slot, Micros(300_000));
        ledgers[place].push(Outcome { slot, attempt: 0, started: slot, ended, verdict, login, place: 0 });
    }
    let mut history = History::new(&world.declarations, &world.period);
    for (name, ledger) in PLACES.iter().zip(&ledgers) {
        history.append(&Series { flow: flow(), kind: RunKind::Login, vantage: vantage(name) }, ledger);
    }
    let incidents = detect(&history, &Rules::default()).incidents;
    let common = incidents.iter().filter(|one| one.scope == Scope::Common).count() as u64;
    (common, incidents.len() as u64 - common)
}

#[test]
fn years_without_an_outage_hold_no_more_false_alarms_than_promised() {
    let rules = Rules::default().detection;
    // A week of logins each quarter of an hour is enough to measure a background; each twenty minutes it is too little,
    // and just as much fails as is assumed. The promise is made per year, however many logins a year has.
    for (seconds, share) in [(900, 0.005), (900, 0.001), (1_200, 0.005)] {
        let world = World::new(span(WEEKS * 7 * 86_400), Duration::from_secs(seconds), &PLACES);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        let (common, alone) = std::thread::scope(|scope| {
            let world = &world;
            let part = |core: u64| {
                let mine = (0..years()).filter(move |year| year % cores == core);
                scope.spawn(move || mine.map(|year| found(world, year, share)).collect::<Vec<_>>())
            };
            let parts: Vec<_> = (0..cores).map(part).collect();
            let all = parts.into_iter().flat_map(|part| part.join().expect("years"));
            all.fold((0, 0), |sum, year| (sum.0 + year.0, sum.1 + year.1))
        });
        let said = format!("{} years each {seconds} s, {share} fail: {common} common, {alone} of one place", years());
        writeln!(std::io::stderr(), "{said}").expect("somebody listens");
        for (what, seen, promised) in
            [("alarms", common, rules.false_alarms_per_year), ("notices", alone, rules.notices_per_year)]
        {
            let expected = promised * years() as f64;
            assert!(seen as f64 <= expected + 3.0 * expected.sqrt(), "{what}: {said}");
        }
    }
}
