//! A healthy pair, and stories of what becomes of it, second by second.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Answer, Connection, Database, DatabaseName, Engine, Facts, Finding, Link, Lsn, Micros, PostgresFacts, Receiver,
    Replay, Rule, Sample, Server, ServerName, ServerRole, Severity, Slot, TlsMode, Unknown, VantageName,
};
use crate::replication::Watch;

pub(super) const PRIMARY: &str = "primary";
pub(super) const STANDBY: &str = "standby1";

/// The first instant of every story.
pub(super) fn zero() -> Timestamp {
    "2026-11-22T21:00:00Z".parse().unwrap()
}

/// So many seconds into the story.
pub(super) fn at(seconds: f64) -> Timestamp {
    zero() + SignedDuration::from_micros((seconds * 1e6) as i64)
}

pub(super) fn server(name: &str) -> ServerName {
    ServerName::new(name).unwrap()
}

pub(super) fn seconds(seconds: f64) -> Micros {
    Micros((seconds * 1e6) as u64)
}

/// A primary and a standby, asked each second.
pub(super) fn pair() -> Database {
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
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
        database: "auth".to_owned(),
        user: "monitor".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None::<PathBuf>,
        login_role: Some("app".to_owned()),
        flows: Vec::new(),
        servers: vec![of(PRIMARY, 5432, ServerRole::Primary), of(STANDBY, 5433, ServerRole::Standby)],
    }
}

fn facts(now: Timestamp, in_recovery: bool) -> PostgresFacts {
    PostgresFacts {
        at: now,
        version: 150_018,
        started: zero() - SignedDuration::from_hours(1),
        loaded: zero() - SignedDuration::from_hours(1),
        in_recovery,
        read_only: false,
        system: 7_000_000_000_000_000_001,
        timeline: 1,
        position: Some(Lsn(0x300_0060)),
        received: None,
        sync_names: "standby1".to_owned(),
        sync_commit: "on".to_owned(),
        status_interval: seconds(10.0),
        sender_timeout: seconds(60.0),
        links: Vec::new(),
        slots: Vec::new(),
        connection: Connection {
            clients: 6,
            limit: 37,
            login_sessions: Some(2),
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

/// A healthy primary.
pub(super) fn primary(now: Timestamp) -> PostgresFacts {
    PostgresFacts {
        links: vec![link(STANDBY)],
        slots: vec![Slot {
            name: "s1".to_owned(),
            physical: true,
            active: true,
            wal_status: Some("reserved".to_owned()),
            retained: Some(0),
        }],
        ..facts(now, false)
    }
}

/// A healthy standby.
pub(super) fn standby(now: Timestamp) -> PostgresFacts {
    let healthy = facts(now, true);
    PostgresFacts {
        started: zero() - SignedDuration::from_mins(50),
        sync_names: String::new(),
        received: healthy.position,
        connection: Connection { clients: 1, login_sessions: Some(0), ..healthy.connection.clone() },
        receiver: Some(Receiver {
            status: "streaming".to_owned(),
            slot: Some("s1".to_owned()),
            message_age: Some(seconds(2.0)),
        }),
        replay: Some(Replay {
            pause: "not paused".to_owned(),
            wait: Some("Activity/RecoveryWalStream".to_owned()),
            gap: Some(0),
            delay: Micros(0),
            last_commit_age: Some(seconds(1.0)),
            archive_only: false,
        }),
        ..healthy
    }
}

/// A healthy synchronous link.
pub(super) fn link(name: &str) -> Link {
    Link {
        name: name.to_owned(),
        state: "streaming".to_owned(),
        sync_state: "sync".to_owned(),
        reply_age: Some(seconds(3.0)),
        reply_ahead: None,
        replay_lag: None,
        behind: Some(0),
    }
}

/// Sessions that wait for a standby, the oldest for so long.
pub(super) fn waiting(facts: &mut PostgresFacts, waiters: u32, oldest: f64) {
    facts.connection.sync_waiters = waiters;
    facts.connection.oldest_sync_wait = Some(seconds(oldest));
}

pub(super) fn sample(server_name: &str, vantage: &str, now: Timestamp, answer: Answer) -> Sample {
    Sample {
        database: DatabaseName::new("auth").unwrap(),
        server: server(server_name),
        vantage: VantageName::new(vantage).unwrap(),
        slot: now,
        started: now,
        elapsed: Micros(12_000),
        answer,
    }
}

pub(super) fn known(facts: PostgresFacts) -> Answer {
    Answer::Facts(Box::new(Facts::PostgreSql(facts)))
}

pub(super) fn unknown(why: Unknown) -> Answer {
    Answer::Unknown { why, message: format!("the reason why it is {why}") }
}

/// What both servers say at a second of the story; `None`: not asked.
pub(super) type Moment = (Option<Answer>, Option<Answer>);

/// Samples of both servers from second `from` to second `to` (not included), one each `step`: the primary is asked first,
/// the standby 0.2 s later.
pub(super) fn play(from: f64, to: f64, step: f64, mut moment: impl FnMut(f64) -> Moment) -> Vec<Sample> {
    let mut samples = Vec::new();
    let count = ((to - from) / step).round() as u32;
    for number in 0..count {
        let second = from + f64::from(number) * step;
        let (one, other) = moment(second);
        samples.extend(one.map(|answer| sample(PRIMARY, "here", at(second), answer)));
        samples.extend(other.map(|answer| sample(STANDBY, "here", at(second + step / 5.0), answer)));
    }
    samples
}

/// A story in which only facts change.
pub(super) fn act(
    from: f64,
    to: f64,
    mut change: impl FnMut(f64, &mut PostgresFacts, &mut PostgresFacts),
) -> Vec<Sample> {
    play(from, to, 1.0, |second| {
        let (mut one, mut other) = (primary(at(second)), standby(at(second + 0.2)));
        change(second, &mut one, &mut other);
        (Some(known(one)), Some(known(other)))
    })
}

/// Five healthy seconds, which every story begins with.
pub(super) fn calm() -> Vec<Sample> {
    act(-5.0, 0.0, |_, _, _| {})
}

/// What holds after these samples.
pub(super) fn watched(database: &Database, samples: &[Sample]) -> Watch {
    let mut watch = Watch::new(database);
    for sample in samples {
        watch.observe(sample);
    }
    watch
}

/// Each finding as `rule@server severity`, gravest first.
pub(super) fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|it| format!("{}@{} {}", it.rule, it.server, it.severity)).collect()
}

/// When each rule first held, in seconds of the story.
pub(super) fn first_held(database: &Database, samples: &[Sample]) -> Vec<(Rule, String, f64)> {
    let (mut watch, mut held) = (Watch::new(database), Vec::new());
    for sample in samples {
        watch.observe(sample);
        for finding in watch.findings() {
            if !held.iter().any(|(rule, server, _)| (*rule, server) == (finding.rule, &finding.server.to_string())) {
                let second = sample.started.duration_since(zero()).as_secs_f64();
                held.push((finding.rule, finding.server.to_string(), (second * 10.0).round() / 10.0));
            }
        }
    }
    held
}

/// The critical findings' rules and servers.
pub(super) fn critical(findings: &[Finding]) -> Vec<String> {
    let grave = findings.iter().filter(|it| it.severity == Severity::Critical);
    grave.map(|it| format!("{}@{}", it.rule, it.server)).collect()
}
