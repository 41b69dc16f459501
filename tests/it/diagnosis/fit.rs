//! A cause is named only where it fits in time and in the way that logins failed; else it is told beside, with the reason.

use std::ops::Range;

use doorstep::diagnosis::{DatabaseEvidence, Records, evidence, signatures};
use doorstep::model::{BadClass, Database, Micros, PostgresFacts, Rule, Sample, Verdict};
use doorstep::replication::Reading;
use jiff::{SignedDuration, Timestamp};

use crate::diagnosis::evidence::{CHANGED, database, ghost, incident, known, play, primary, standby};
use crate::diagnosis::signatures::{ERROR, FAULT, GOOD, HANG, Truth, world};
use crate::report_synthetic::World;

const SESSION: Verdict = Verdict::Bad(BadClass::SessionUnusable);

/// The whole fault, from the change on.
const ALL: Range<f64> = CHANGED..FAULT.end;

/// What breaks a server, at a second of the world.
type Breaks<'a> = &'a dyn Fn(&World, f64, &mut PostgresFacts, &mut PostgresFacts);

fn samples(world: &World, during: &Range<f64>, breaks: Breaks<'_>) -> Vec<Sample> {
    play(world, |second, now| {
        let (mut one, mut other) = (primary(now), standby(now));
        if during.contains(&second) {
            breaks(world, second, &mut one, &mut other);
        }
        (known(one), known(other))
    })
}

fn read(database: &Database, truth: Truth<'_>, during: &Range<f64>, breaks: Breaks<'_>) -> DatabaseEvidence {
    let world = world(truth);
    let (history, incident) = incident(&world);
    let failures = signatures(&history, &incident, 0.95);
    let samples = samples(&world, during, breaks);
    let records = Records { samples: &samples, rounds: &[], declarations: &[] };
    evidence(database, &records, &incident, failures.as_ref())
}

fn misnamed(world: &World, _: f64, one: &mut PostgresFacts, _: &mut PostgresFacts) {
    let now: Timestamp = one.at;
    *one = ghost(world, now);
}

fn refuses_writes(_: &World, _: f64, one: &mut PostgresFacts, _: &mut PostgresFacts) {
    one.read_only = true;
}

fn delayed(_: &World, _: f64, _: &mut PostgresFacts, other: &mut PostgresFacts) {
    other.replay.as_mut().unwrap().delay = Micros(4_000_000);
}

const HANGS: Truth<'_> = &|_, _| (HANG, 10_000);
const ERRORS: Truth<'_> = &|_, _| (ERROR, 20);
const LOSES_SESSIONS: Truth<'_> = &|_, _| (SESSION, 50);

/// Nothing is named, and this is told beside with a reason.
fn told_beside(said: &DatabaseEvidence, rule: Rule, why: &str) {
    assert_eq!(said.explanation.reading, Reading::Unknown, "{:?}", said.explanation);
    let sentence = &said.explanation.sentence;
    assert!(
        sentence.starts_with("no finding explains these failures") && sentence.contains("also seen: "),
        "{sentence}"
    );
    let also = said.also_seen.iter().find(|one| one.rule == rule).unwrap_or_else(|| panic!("{:?}", said.also_seen));
    assert!(also.why.contains(why), "{also:?}");
    assert!(sentence.contains(&also.why), "{sentence}");
    let held = said.held("UTC");
    let marked = format!("; also seen, and no cause: {}", also.why);
    assert!(held.iter().any(|line| line.contains(rule.as_str()) && line.ends_with(&marked)), "{held:#?}");
    assert!(!said.names_cause() && !said.brief("UTC").contains(&format!("({rule} on")), "{}", said.brief("UTC"));
}

fn named(said: &DatabaseEvidence, rule: Rule) {
    assert_eq!(said.explanation.reading, Reading::Cause(rule), "{:?}", said.explanation);
    assert_eq!(said.also_seen, [], "{:?}", said.explanation);
}

#[test]
fn a_cause_that_began_with_the_failures_and_makes_such_failures_is_named() {
    let one = database();
    named(&read(&one, HANGS, &ALL, &misnamed), Rule::QuorumShort);
    named(&read(&one, ERRORS, &ALL, &refuses_writes), Rule::ReadOnly);
    let mut reads = database();
    reads.servers[1].serves_reads = true;
    named(&read(&reads, LOSES_SESSIONS, &ALL, &delayed), Rule::LaggingReads);
    // A proxy gives up before the prober does: an error, but not at once.
    named(&read(&one, &|_, _| (ERROR, 3_000), &ALL, &misnamed), Rule::QuorumShort);
    // It was wrong long before, and nobody knows since when it mattered.
    named(&read(&one, HANGS, &(FAULT.start - 2_000.0..FAULT.end), &misnamed), Rule::QuorumShort);
}

#[test]
fn what_began_while_logins_were_failing_is_not_why_they_failed() {
    let late = FAULT.start + 120.0..FAULT.end;
    let said = read(&database(), HANGS, &late, &misnamed);
    told_beside(&said, Rule::QuorumShort, "it began at ");
    told_beside(&said, Rule::SyncWait, "when logins had been failing since 2026-11-16T02:00:0");
    // Within a sample's interval of the first failing login nothing can be told apart.
    named(&read(&database(), HANGS, &(FAULT.start + 4.0..FAULT.end), &misnamed), Rule::QuorumShort);
}

#[test]
fn what_was_over_long_before_logins_worked_again_is_not_why_they_failed() {
    let short = CHANGED..FAULT.start + 120.0;
    told_beside(&read(&database(), HANGS, &short, &misnamed), Rule::QuorumShort, "it was over at ");
    let most = CHANGED..FAULT.end - 120.0;
    named(&read(&database(), HANGS, &most, &misnamed), Rule::QuorumShort);
}

#[test]
fn a_fault_that_makes_other_failures_is_not_why_they_failed() {
    let one = database();
    told_beside(&read(&one, ERRORS, &ALL, &misnamed), Rule::QuorumShort, "it makes logins hang, and ");
    told_beside(&read(&one, LOSES_SESSIONS, &ALL, &misnamed), Rule::QuorumShort, "it makes logins hang, and ");
    told_beside(
        &read(&one, HANGS, &ALL, &refuses_writes),
        Rule::ReadOnly,
        "it makes logins fail at once with an error",
    );
    let refused: Truth<'_> = &|_, _| (Verdict::Bad(BadClass::Connect), 5);
    told_beside(&read(&one, refused, &ALL, &misnamed), Rule::QuorumShort, "refused");
    let mut reads = database();
    reads.servers[1].serves_reads = true;
    told_beside(&read(&reads, HANGS, &ALL, &delayed), Rule::LaggingReads, "whose sessions are then not found");
}

#[test]
fn a_share_that_grows_is_not_given_by_a_cause_that_gives_a_constant_one() {
    let some = |share: fn(f64) -> f64| move |at: f64, own: f64| if own < share(at) { (ERROR, 20) } else { (GOOD, 50) };
    let one = database();
    let grows = some(|at| (at - FAULT.start) / 900.0);
    told_beside(&read(&one, &grows, &ALL, &refuses_writes), Rule::ReadOnly, "it makes a constant share fail");
    named(&read(&one, &some(|_| 0.8), &ALL, &refuses_writes), Rule::ReadOnly);
    // Commits that wait fail more with traffic.
    let queue = |at: f64, own: f64| if own < (at - FAULT.start) / 900.0 { (HANG, 10_000) } else { (GOOD, 5_100) };
    named(&read(&one, &queue, &ALL, &misnamed), Rule::QuorumShort);
}

#[test]
fn connections_that_ran_out_behind_commits_that_hang_make_errors_too() {
    let half = |_: f64, own: f64| if own < 0.4 { (HANG, 10_000) } else { (ERROR, 20) };
    told_beside(&read(&database(), &half, &ALL, &misnamed), Rule::QuorumShort, "it makes logins hang, and ");
    let used_up = |world: &World, second: f64, one: &mut PostgresFacts, other: &mut PostgresFacts| {
        misnamed(world, second, one, other);
        one.connection.clients = one.connection.limit;
    };
    named(&read(&database(), &half, &ALL, &used_up), Rule::QuorumShort);
}

#[test]
fn a_frozen_standby_whose_link_is_dropped_is_one_fault_from_its_first_sign_on() {
    let frozen = |_: &World, second: f64, one: &mut PostgresFacts, _: &mut PostgresFacts| {
        let since = second - CHANGED;
        (one.connection.sync_waiters, one.connection.oldest_sync_wait) = (2, Some(Micros(8_000_000)));
        if since < 60.0 {
            one.links[0].reply_age = Some(Micros(((since + 2.0) * 1e6) as u64));
        } else {
            one.links.clear();
        }
    };
    let said = read(&database(), HANGS, &ALL, &frozen);
    named(&said, Rule::QuorumShort);
    assert!(said.episodes.iter().any(|one| one.finding.rule == Rule::StaleReply), "{:?}", said.episodes);
}

#[test]
fn a_night_of_samples_is_held_against_its_failures_in_no_time() {
    // As many samples as two servers give two vantages in five hours, one a second.
    let world = world(HANGS);
    let (history, incident) = incident(&world);
    let failures = signatures(&history, &incident, 0.95);
    let once = samples(&world, &ALL, &misnamed);
    let moved = |by: i64| {
        let later = move |sample: &Sample| Sample {
            started: sample.started + SignedDuration::from_millis(by * 40),
            slot: sample.slot + SignedDuration::from_millis(by * 40),
            ..sample.clone()
        };
        once.iter().map(later).collect::<Vec<_>>()
    };
    let all: Vec<Sample> = (0..25).flat_map(moved).collect();
    assert!(all.len() > 50_000, "{}", all.len());
    let begun = std::time::Instant::now();
    let records = Records { samples: &all, rounds: &[], declarations: &[] };
    let said = evidence(&database(), &records, &incident, failures.as_ref());
    named(&said, Rule::QuorumShort);
    assert!(begun.elapsed().as_secs() < 60, "{:?} for {} samples", begun.elapsed(), all.len());
}
