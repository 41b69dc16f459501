//! Arbitrary runs and samples for property tests: everything that a record may hold, not only what a worker would write.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::model::{
    AccountName, Answer, BadClass, Connection, DatabaseName, Facts, Failure, FlowName, Gtids, Hop, HttpVersion, Link,
    LostClass, Lsn, MariaFacts, Micros, Phase, Phases, PostgresFacts, Receiver, Replay, ReplicaLink, Revision, Run,
    RunId, RunKind, Sample, ServerName, Slot, StepName, StepRecord, StepRole, Unknown, VantageName, Verdict,
};

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn micros() -> impl Strategy<Value = Micros> {
    prop_oneof![0..10_000_000_u64, any::<u64>()].prop_map(Micros)
}

fn time() -> impl Strategy<Value = Timestamp> {
    // Three days in 2026, so that several runs share a partition and several do not.
    (1_795_000_000_000_000..1_795_260_000_000_000_i64).prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Good),
        pick(BadClass::ALL).prop_map(Verdict::Bad),
        pick(LostClass::ALL).prop_map(Verdict::Lost)
    ]
}

fn phases() -> impl Strategy<Value = Phases> {
    prop::collection::vec(prop::option::of((micros(), any::<bool>())), 6).prop_map(|times| {
        let mut phases = Phases::default();
        for (&phase, time) in Phase::ALL.iter().zip(times) {
            match time {
                Some((micros, true)) => phases.cut(phase, micros),
                Some((micros, false)) => phases.finish(phase, micros),
                None => {}
            }
        }
        phases
    })
}

fn hop() -> impl Strategy<Value = Hop> {
    let answer =
        (prop::option::of(any::<u16>()), prop::option::of(pick(HttpVersion::ALL)), any::<bool>(), any::<u64>());
    let request = (any::<u16>(), "[A-Z]{0,7}", "\\PC{0,40}", prop::option::of(any::<std::net::IpAddr>()));
    (request, answer, micros(), phases()).prop_map(|((step, method, url, address), answer, offset, phases)| {
        let (status, version, reused, body_bytes) = answer;
        Hop { step, method, url, status, version, address, reused, offset, phases, body_bytes }
    })
}

fn step() -> impl Strategy<Value = StepRecord> {
    let evidence = prop::collection::vec("\\PC{0,20}", 0..3);
    ("[a-z][a-z0-9-]{0,10}", pick(StepRole::ALL), micros(), micros(), any::<bool>(), evidence).prop_map(
        |(name, role, offset, micros, done, evidence)| StepRecord {
            name: StepName::new(&name).unwrap(),
            role,
            offset,
            micros,
            done,
            evidence,
        },
    )
}

fn failure() -> impl Strategy<Value = Failure> {
    (prop::option::of("[a-z]{1,8}"), prop::option::of(pick(Phase::ALL)), "\\PC{0,40}").prop_map(
        |(step, phase, message)| Failure { step: step.map(|name| StepName::new(&name).unwrap()), phase, message },
    )
}

/// Any run that a record may hold.
pub(super) fn run() -> impl Strategy<Value = Run> {
    let identity =
        (pick(RunKind::ALL), pick(&["shop", "mail", "bank.v2"]), pick(&["berlin", "tokyo"]), time(), 0..3_u16);
    let timing = (time(), micros(), micros());
    let outcome = (verdict(), prop::option::of(failure()), prop::option::of("[a-z]{1,8}"), "[0-9a-f]{16}");
    let parts = (prop::collection::vec(step(), 0..4), prop::collection::vec(hop(), 0..5));
    (identity, timing, outcome, parts).prop_map(|(identity, (started, elapsed, lag), outcome, (steps, hops))| {
        let (kind, flow, vantage, slot, attempt) = identity;
        let (flow, vantage) = (FlowName::new(flow).unwrap(), VantageName::new(vantage).unwrap());
        let (verdict, failure, account, revision) = outcome;
        Run {
            id: RunId::new(kind, &flow, &vantage, slot, attempt),
            kind,
            flow,
            revision: Revision::from_recorded(&revision),
            vantage,
            slot,
            attempt,
            started,
            elapsed,
            lag,
            verdict,
            failure,
            account: account.map(|name| AccountName::new(&name).unwrap()),
            steps,
            hops,
        }
    })
}

fn maybe_micros() -> impl Strategy<Value = Option<Micros>> {
    prop::option::of(micros())
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "\\PC{0,12}"]
}

fn link() -> impl Strategy<Value = Link> {
    (word(), word(), word(), maybe_micros(), maybe_micros(), maybe_micros(), any::<Option<u64>>()).prop_map(
        |(name, state, sync_state, reply_age, reply_ahead, replay_lag, behind)| Link {
            name,
            state,
            sync_state,
            reply_age,
            reply_ahead,
            replay_lag,
            behind,
        },
    )
}

fn replication_slot() -> impl Strategy<Value = Slot> {
    (word(), any::<(bool, bool)>(), prop::option::of(word()), any::<Option<u64>>()).prop_map(
        |(name, (physical, active), wal_status, retained)| Slot { name, physical, active, wal_status, retained },
    )
}

fn postgres() -> impl Strategy<Value = PostgresFacts> {
    let times = [time(), time(), time()];
    let numbers = any::<(u32, bool, bool, u64, u32, Option<u64>, Option<u64>)>();
    let texts = (word(), word(), micros(), micros(), prop::collection::vec(word(), 0..3));
    let lists = (prop::collection::vec(link(), 0..3), prop::collection::vec(replication_slot(), 0..3));
    let connection = (any::<(u32, u32, Option<u32>, u32, u32)>(), maybe_micros(), prop::option::of(word()));
    let receiver = prop::option::of((word(), prop::option::of(word()), maybe_micros()));
    let waits = (word(), prop::option::of(word()), any::<bool>());
    let replay = prop::option::of((waits, any::<Option<u64>>(), micros(), maybe_micros()));
    (times, numbers, texts, lists, connection, receiver, replay).prop_map(
        |([at, started, loaded], numbers, texts, (links, slots), (counts, oldest, login_commit), receiver, replay)| {
            let (version, in_recovery, read_only, system, timeline, position, received) = numbers;
            let (sync_names, sync_commit, status_interval, sender_timeout, pending_restart) = texts;
            let (clients, limit, login_sessions, sync_waiters, lock_waiters) = counts;
            let connection = Connection {
                clients,
                limit,
                login_sessions,
                sync_waiters,
                oldest_sync_wait: oldest,
                lock_waiters,
                login_commit,
            };
            let receiver = receiver.map(|(status, slot, message_age)| Receiver { status, slot, message_age });
            let replay = replay.map(|((pause, wait, archive_only), gap, delay, last_commit_age)| Replay {
                pause,
                wait,
                gap,
                delay,
                last_commit_age,
                archive_only,
            });
            PostgresFacts {
                at,
                version,
                started,
                loaded,
                in_recovery,
                read_only,
                system,
                timeline,
                position: position.map(Lsn),
                received: received.map(Lsn),
                sync_names,
                sync_commit,
                status_interval,
                sender_timeout,
                links,
                slots,
                connection,
                receiver,
                replay,
                pending_restart,
            }
        },
    )
}

fn gtids() -> impl Strategy<Value = Gtids> {
    let one = any::<(u32, u64, u64)>().prop_map(|(domain, server, sequence)| format!("{domain}-{server}-{sequence}"));
    prop::collection::vec(one, 0..3).prop_map(|all| Gtids::parse(&all.join(",")).unwrap())
}

fn replica_link() -> impl Strategy<Value = ReplicaLink> {
    let threads = (word(), word(), prop::option::of(word()), prop::option::of(word()));
    (threads, maybe_micros(), micros(), gtids(), word()).prop_map(|(threads, behind, delay, applied, primary)| {
        let (io_running, sql_running, io_error, sql_error) = threads;
        ReplicaLink { io_running, sql_running, io_error, sql_error, behind, delay, applied, primary }
    })
}

fn mariadb() -> impl Strategy<Value = MariaFacts> {
    let flags = any::<(bool, bool, bool, bool, bool)>();
    let counts = any::<(u64, u64, u64, u64, u64, u64, u64, Option<u64>)>();
    let replica = prop::option::of(replica_link());
    (time(), word(), time(), flags, counts, (micros(), maybe_micros()), gtids(), replica).prop_map(
        |(at, version, started, flags, counts, (semi_sync_timeout, oldest_wait), written, replica)| {
            let (read_only, transactions_read_only, semi_sync_wanted, semi_sync_on, waits_without_replica) = flags;
            let (server_id, semi_sync_clients, unacknowledged, waiters, streams, clients, limit, login_sessions) =
                counts;
            MariaFacts {
                at,
                version,
                started,
                server_id,
                read_only,
                transactions_read_only,
                written,
                semi_sync_wanted,
                semi_sync_on,
                semi_sync_clients,
                unacknowledged,
                semi_sync_timeout,
                waits_without_replica,
                waiters,
                oldest_wait,
                streams,
                clients,
                limit,
                login_sessions,
                replica,
            }
        },
    )
}

/// Any sample that a record may hold.
pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let identity = (pick(&["main", "audit"]), pick(&["primary", "standby1"]), pick(&["berlin", "tokyo"]), time());
    let facts = |facts: Facts| Answer::Facts(Box::new(facts));
    let answer = prop_oneof![
        3 => postgres().prop_map(move |found| facts(Facts::PostgreSql(found))),
        1 => mariadb().prop_map(move |found| facts(Facts::MariaDb(found))),
        2 => (pick(Unknown::ALL), word()).prop_map(|(why, message)| Answer::Unknown { why, message }),
    ];
    (identity, time(), micros(), answer).prop_map(|((database, server, vantage, slot), started, elapsed, answer)| {
        Sample {
            database: DatabaseName::new(database).unwrap(),
            server: ServerName::new(server).unwrap(),
            vantage: VantageName::new(vantage).unwrap(),
            slot,
            started,
            elapsed,
            answer,
        }
    })
}
