//! What is said of an incident with the samples of its database: the cause that they name, that they are clean, that nothing
//! was learned; and never more than they hold.

use std::time::Duration;

use doorstep::diagnosis::{DatabaseEvidence, Diagnosis, Records, evidence, signatures};
use doorstep::history::History;
use doorstep::incident::{Incident, Rules, Symptom, detect};
use doorstep::model::{
    Answer, Connection, Database, DatabaseName, Engine, Facts, Link, Lsn, Micros, PostgresFacts, Receiver, Replay,
    Rule, Sample, Server, ServerName, ServerRole, Severity, Slot, TlsMode, Unknown,
};
use doorstep::postmortem::evidence::{Evidence, People};
use doorstep::postmortem::lint::{Rule as Complaint, Verdict, lint};
use doorstep::replication::Reading;
use jiff::{SignedDuration, Timestamp};

use crate::diagnosis::signatures::{FAULT, HANG, world};
use crate::report_synthetic::{World, vantage};

/// When the setting was changed: two seconds before the first second of the fault.
pub(crate) const CHANGED: f64 = FAULT.start - 2.0;

fn server(name: &str) -> ServerName {
    ServerName::new(name).unwrap()
}

/// A primary and a standby that are asked every five seconds.
pub(crate) fn database() -> Database {
    let of = |name: &str, port, role| Server {
        name: server(name),
        host: "127.0.0.1".to_owned(),
        port,
        role,
        application_name: name.to_owned(),
        serves_reads: false,
    };
    Database {
        name: DatabaseName::new("auth").unwrap(),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        database: "auth".to_owned(),
        user: "monitor".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: Some("app".to_owned()),
        flows: Vec::new(),
        servers: vec![of("primary1", 5432, ServerRole::Primary), of("standby1", 5433, ServerRole::Standby)],
    }
}

fn facts(now: Timestamp, in_recovery: bool) -> PostgresFacts {
    let started = now - SignedDuration::from_hours(100);
    PostgresFacts {
        at: now,
        version: 150_018,
        started: Timestamp::from_second(started.as_second() / 1_000_000 * 1_000_000).unwrap(),
        loaded: Timestamp::from_second(started.as_second() / 1_000_000 * 1_000_000).unwrap(),
        in_recovery,
        read_only: false,
        system: 7,
        timeline: 1,
        position: Some(Lsn(0x300_0060)),
        received: in_recovery.then_some(Lsn(0x300_0060)),
        sync_names: if in_recovery { String::new() } else { "standby1".to_owned() },
        sync_commit: "on".to_owned(),
        status_interval: Micros(10_000_000),
        sender_timeout: Micros(60_000_000),
        links: Vec::new(),
        slots: Vec::new(),
        connection: Connection {
            clients: 6,
            limit: 37,
            login_sessions: Some(if in_recovery { 0 } else { 2 }),
            sync_waiters: 0,
            oldest_sync_wait: None,
            lock_waiters: 0,
            login_commit: None,
        },
        receiver: None,
        replay: None,
        pending_restart: Vec::new(),
    }
}

pub(crate) fn primary(now: Timestamp) -> PostgresFacts {
    let link = Link {
        name: "standby1".to_owned(),
        state: "streaming".to_owned(),
        sync_state: "sync".to_owned(),
        reply_age: Some(Micros(2_000_000)),
        reply_ahead: None,
        replay_lag: None,
        behind: Some(0),
    };
    let slot = Slot {
        name: "s1".to_owned(),
        physical: true,
        active: true,
        wal_status: Some("reserved".to_owned()),
        retained: Some(0),
    };
    PostgresFacts { links: vec![link], slots: vec![slot], ..facts(now, false) }
}

pub(crate) fn standby(now: Timestamp) -> PostgresFacts {
    let receiver =
        Receiver { status: "streaming".to_owned(), slot: Some("s1".to_owned()), message_age: Some(Micros(2_000_000)) };
    let replay = Replay {
        pause: "not paused".to_owned(),
        wait: Some("Activity/RecoveryWalStream".to_owned()),
        gap: Some(0),
        delay: Micros(0),
        last_commit_age: Some(Micros(1_000_000)),
        archive_only: false,
    };
    PostgresFacts { receiver: Some(receiver), replay: Some(replay), ..facts(now, true) }
}

/// The primary whose commits wait for a standby that nobody has: streaming goes on, nothing lags.
pub(crate) fn ghost(world: &World, now: Timestamp) -> PostgresFacts {
    let mut facts = primary(now);
    facts.sync_names = "standby2".to_owned();
    facts.loaded = at(world, CHANGED);
    facts.links[0].sync_state = "async".to_owned();
    facts.connection.sync_waiters = 2;
    facts.connection.oldest_sync_wait = Some(Micros(4_000_000));
    facts
}

fn at(world: &World, seconds: f64) -> Timestamp {
    world.period.start + SignedDuration::from_micros((seconds * 1e6) as i64)
}

/// What both servers say at a second of the world; `None`: nobody asked.
pub(crate) type Moment = (Option<Answer>, Option<Answer>);

pub(crate) fn known(facts: PostgresFacts) -> Option<Answer> {
    Some(Answer::Facts(Box::new(Facts::PostgreSql(facts))))
}

/// Samples from both places, every five seconds, from an hour and more before the fault on.
pub(crate) fn play(world: &World, moment: impl Fn(f64, Timestamp) -> Moment) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (place, late) in [("berlin", 0.0), ("tokyo", 2.0)] {
        let mut second = FAULT.start - 4_000.0 + late;
        while second < FAULT.end + 400.0 {
            let now = at(world, second);
            let (first, second_server) = moment(second, now);
            for (name, answer) in [("primary1", first), ("standby1", second_server)] {
                samples.extend(answer.map(|answer| Sample {
                    database: DatabaseName::new("auth").unwrap(),
                    server: server(name),
                    vantage: vantage(place),
                    slot: now,
                    started: now,
                    elapsed: Micros(12_000),
                    answer,
                }));
            }
            second += 5.0;
        }
    }
    samples
}

fn in_fault(second: f64) -> bool {
    (CHANGED..FAULT.end).contains(&second)
}

/// The misnamed standby.
pub(crate) fn ghost_story(world: &World) -> Vec<Sample> {
    play(world, |second, now| {
        (known(if in_fault(second) { ghost(world, now) } else { primary(now) }), known(standby(now)))
    })
}

pub(crate) fn incident(world: &World) -> (History, Incident) {
    let mut history = History::new(&world.declarations, &world.period);
    for run in &world.runs {
        assert!(history.record(run, run.login_time()));
    }
    let mut incidents = detect(&history, &Rules::default()).incidents;
    incidents.retain(|one| one.symptom == Symptom::Failing);
    assert_eq!(incidents.len(), 1);
    (history, incidents.remove(0))
}

fn hanging() -> World {
    world(&|_, _| (HANG, 10_000))
}

fn read(world: &World, samples: &[Sample]) -> (Incident, DatabaseEvidence) {
    let (history, incident) = incident(world);
    let failures = signatures(&history, &incident, 0.95);
    let declarations = &world.declarations;
    let records = Records { samples, rounds: &[], declarations };
    let said = evidence(&database(), &records, &incident, failures.as_ref());
    (incident, said)
}

#[test]
fn a_standby_that_never_connected_is_named_with_everything_that_shows_it() {
    let world = hanging();
    let (incident, said) = read(&world, &ghost_story(&world));
    assert_eq!(said.explanation.reading, Reading::Cause(Rule::QuorumShort), "{:?}", said.explanation);
    assert!(said.explanation.sentence.contains("`standby2`"), "{}", said.explanation.sentence);
    assert!(said.names_cause() && said.count(Severity::Critical) > 0);
    assert_eq!(said.explanation.evidence[0].rule, Rule::QuorumShort, "no cause without its evidence");
    let neighbours = said.neighbours(&incident, "UTC");
    assert_eq!(neighbours.len(), 2, "broken and healed: {neighbours:?}");
    assert!(neighbours[1].contains("from 'standby2' to 'standby1' between "), "{neighbours:?}");
    let began = "synchronous_standby_names on primary1 changed from 'standby1' to 'standby2' between ";
    assert!(neighbours[0].starts_with(began), "{neighbours:?}");
    let change = &said.changes[0];
    assert!(change.earliest <= at(&world, CHANGED) && at(&world, CHANGED) <= change.latest, "{change:?}");
    assert!(neighbours[0].ends_with("the first failing login: a neighbour in time"), "{neighbours:?}");
    // The usual alarm: nothing lags while every login fails.
    assert_eq!((said.lag.bytes, said.lag.bytes_fired, said.lag.time_fired), (Some(0), None, None));
    assert!(said.lag.samples > 300, "{:?}", said.lag);
    assert_eq!(said.silences, []);
    assert!(said.asked.iter().all(|asked| asked.answered == asked.samples && asked.samples > 300));
    let episode = said.episodes.iter().find(|one| one.finding.rule == Rule::QuorumShort).unwrap();
    assert_eq!(episode.vantages, [vantage("berlin"), vantage("tokyo")]);
    assert!(episode.from >= at(&world, CHANGED) && episode.from <= at(&world, CHANGED + 16.0), "{episode:?}");
}

#[test]
fn clean_evidence_says_that_it_is_not_replication() {
    let world = hanging();
    let (incident, said) = read(&world, &play(&world, |_, now| (known(primary(now)), known(standby(now)))));
    assert_eq!(said.explanation.reading, Reading::Clean);
    assert_eq!(said.brief("UTC"), "auth: the database evidence is clean: not replication");
    assert_eq!((said.held("UTC"), said.neighbours(&incident, "UTC"), said.unknown("UTC")), (vec![], vec![], vec![]));
}

#[test]
fn minutes_without_an_answer_are_unknown_and_never_clean() {
    let world = hanging();
    let silent = FAULT.start + 60.0..FAULT.start + 600.0;
    let samples = play(&world, |second, now| {
        let mute = || Answer::Unknown { why: Unknown::NoAnswer, message: "it did not answer in 2 s".to_owned() };
        let first = if silent.contains(&second) { Some(mute()) } else { known(primary(now)) };
        (first, known(standby(now)))
    });
    let (_, said) = read(&world, &samples);
    assert_eq!(said.explanation.reading, Reading::Unknown, "{:?}", said.explanation);
    assert!(!said.explanation.sentence.contains("clean"), "{:?}", said.explanation);
    assert_eq!(said.silences.len(), 1, "{:?}", said.silences);
    let silence = &said.silences[0];
    assert_eq!((silence.server.as_str(), silence.why), ("primary1", Some(Unknown::NoAnswer)));
    assert!(silence.from <= at(&world, silent.start) && at(&world, silent.end) <= silence.to, "{silence:?}");
    let [before, after] = said.answered[0].stretches.as_slice() else { panic!("{:?}", said.answered) };
    assert!(before.to <= at(&world, silent.start) && at(&world, silent.end) <= after.from, "{:?}", said.answered);
    assert_eq!(said.answered[1].stretches.len(), 1, "the standby answered throughout");
    let told = &said.unknown("UTC")[0];
    assert!(told.starts_with("primary1 could not be asked from ") && told.contains("(no answer): nothing can be said"));
}

#[test]
fn a_server_that_nobody_asked_is_not_healthy_either() {
    let world = hanging();
    let (_, said) = read(&world, &play(&world, |_, now| (known(primary(now)), None)));
    assert_eq!(said.explanation.reading, Reading::Unknown, "{:?}", said.explanation);
    assert!(said.unknown("UTC")[0].starts_with("nobody asked standby1 from "), "{:?}", said.unknown("UTC"));
    let (_, nothing) = read(&world, &[]);
    assert!(nothing.answered.iter().all(|one| one.stretches.is_empty()), "{:?}", nothing.answered);
    assert_eq!((nothing.explanation.reading, nothing.silences.len()), (Reading::Unknown, 2));
    assert_eq!(nothing.lag.bytes, None, "no sample has no lag, not 0");
    assert_eq!(nothing.lag_rules("UTC"), Vec::<String>::new());
}

#[test]
fn a_lag_that_is_there_fires_the_usual_rule() {
    let world = hanging();
    let samples = play(&world, |second, now| {
        let mut facts = primary(now);
        if in_fault(second) {
            facts.links[0].behind = Some(20 * 1024 * 1024);
        }
        (known(facts), known(standby(now)))
    });
    let (_, said) = read(&world, &samples);
    assert_eq!(said.lag.bytes, Some(20 * 1024 * 1024));
    assert!(said.lag_rules("UTC")[0].contains("would have fired at "), "{:?}", said.lag_rules("UTC"));
}

/// What the check says of a postmortem that states this cause, with these databases.
fn stated(cause: &str, incident: &Incident, databases: &[DatabaseEvidence]) -> Verdict {
    let known = Evidence {
        incident: incident.clone(),
        linked: None,
        rivals: Vec::new(),
        events: Vec::new(),
        people: People::default(),
        budgets: Vec::new(),
        clauses: doorstep::model::BudgetClause::usual(),
        diagnosis: Some(Diagnosis { signatures: None, databases: databases.to_vec() }),
        surroundings: doorstep::postmortem::surroundings::Surroundings::default(),
    };
    lint(&format!("# Outage\n\n## Root cause\n\n{cause}\n"), Some(&known))
}

#[test]
fn a_stated_cause_is_confirmed_contradicted_or_left_by_what_the_databases_said() {
    const BLAMES: &str = "A misconfigured replication made commits wait.";
    const CLEARS: &str = "Database replication was healthy.";
    const NETWORK: &str = "The outage was caused by the network.";
    let world = hanging();
    let (incident, clean) = read(&world, &play(&world, |_, now| (known(primary(now)), known(standby(now)))));
    let (_, unknown) = read(&world, &[]);
    let (_, named) = read(&world, &ghost_story(&world));
    let judged = |cause, databases: &[DatabaseEvidence]| {
        let verdict = stated(cause, &incident, databases);
        let against: Vec<_> = verdict.findings.iter().filter(|it| it.rule == Complaint::AgainstData).collect();
        (against.len(), verdict.confirmed.len(), verdict.not_checked.len())
    };
    for (databases, blames, clears, network) in [
        (vec![named], (0, 1, 0), (1, 0, 0), (1, 0, 0)),
        (vec![clean.clone()], (1, 0, 0), (0, 1, 0), (0, 0, 0)),
        (vec![clean, unknown], (0, 0, 1), (0, 0, 1), (0, 0, 0)),
        (vec![], (0, 0, 1), (0, 0, 1), (0, 0, 0)),
    ] {
        assert_eq!(judged(BLAMES, &databases), blames, "{databases:#?}");
        assert_eq!(judged(CLEARS, &databases), clears, "{databases:#?}");
        assert_eq!(judged(NETWORK, &databases), network, "{databases:#?}");
        assert_eq!(judged("Nobody knows it yet.", &databases), (0, 0, 0));
    }
}
