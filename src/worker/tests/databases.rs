//! Servers of databases, asked in paused time over sessions that do as the test says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::{Bench, Memory, START, Script, plan};
use crate::model::{
    Answer, Connection, Database, DatabaseName, Engine, Facts, Micros, PostgresFacts, Sample, ScheduleDeclaration,
    Server, ServerName, ServerRole, TlsMode, Unknown, WorkerLimits,
};
use crate::worker::{Ask, NoSession, Sessions};

/// How a server behaves.
#[derive(Clone)]
enum Manner {
    /// Answers with facts after this time.
    Facts(Duration),
    /// Nothing is known after this time, for this reason.
    Silent(Duration, Unknown),
    /// The session panics.
    Panics,
    /// The session never comes back.
    Stuck,
    /// There is no session.
    NoSession,
}

#[derive(Default)]
struct Servers {
    manners: Mutex<BTreeMap<ServerName, Manner>>,
    opened: Mutex<BTreeMap<ServerName, u32>>,
    under_way: AtomicU32,
    most_under_way: AtomicU32,
}

impl Servers {
    fn are(&self, server: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(server.parse().unwrap(), manner);
    }

    fn manner(&self, server: &ServerName) -> Manner {
        self.manners.lock().unwrap().get(server).cloned().unwrap_or(Manner::Facts(Duration::from_millis(15)))
    }

    fn opened(&self, server: &str) -> u32 {
        self.opened.lock().unwrap().get(&server.parse().unwrap()).copied().unwrap_or(0)
    }
}

struct Scripted(Arc<Servers>);

impl Sessions for Scripted {
    fn open<'a>(
        &'a self,
        _database: &'a Database,
        server: &'a ServerName,
    ) -> BoxFuture<'a, Result<Box<dyn Ask>, NoSession>> {
        Box::pin(async move {
            *self.0.opened.lock().unwrap().entry(server.clone()).or_default() += 1;
            if matches!(self.0.manner(server), Manner::NoSession) {
                return Err((Unknown::NoSecret, "the role has no password".to_owned()));
            }
            Ok(Box::new(Actor { servers: Arc::clone(&self.0), server: server.clone() }) as Box<dyn Ask>)
        })
    }
}

struct Actor {
    servers: Arc<Servers>,
    server: ServerName,
}

impl Ask for Actor {
    fn ask(&mut self) -> BoxFuture<'_, Answer> {
        Box::pin(async {
            let servers = &self.servers;
            servers.most_under_way.fetch_max(servers.under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let manner = servers.manner(&self.server);
            let takes = match manner {
                Manner::Facts(takes) | Manner::Silent(takes, _) => takes,
                Manner::Stuck => Duration::from_secs(1_000_000),
                Manner::Panics | Manner::NoSession => Duration::ZERO,
            };
            sleep(takes).await;
            servers.under_way.fetch_sub(1, Ordering::SeqCst);
            match manner {
                Manner::Panics => panic!("a defect"),
                Manner::Silent(_, why) => Answer::Unknown { why, message: "as the script says".to_owned() },
                _ => Answer::Facts(Box::new(Facts::PostgreSql(facts()))),
            }
        })
    }
}

fn facts() -> PostgresFacts {
    let at: Timestamp = START.parse().unwrap();
    PostgresFacts {
        at,
        version: 150_018,
        started: at,
        loaded: at,
        in_recovery: true,
        read_only: false,
        system: 7,
        timeline: 1,
        position: None,
        received: None,
        sync_names: String::new(),
        sync_commit: "on".to_owned(),
        status_interval: Micros(0),
        sender_timeout: Micros(0),
        links: Vec::new(),
        slots: Vec::new(),
        connection: Connection {
            clients: 1,
            limit: 97,
            login_sessions: None,
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

fn database(servers: &[&str]) -> Arc<Database> {
    let server = |name: &&str| Server {
        name: name.parse().unwrap(),
        host: "127.0.0.1".to_owned(),
        port: 5432,
        role: ServerRole::Standby,
        application_name: (*name).to_owned(),
        serves_reads: false,
    };
    Arc::new(Database {
        name: DatabaseName::new("main").unwrap(),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(3),
        database: "postgres".to_owned(),
        user: "sentinel".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: None,
        flows: Vec::new(),
        servers: servers.iter().map(server).collect(),
    })
}

fn with_database(script: &Arc<Script>, servers: &Arc<Servers>, databases: Vec<Arc<Database>>) -> super::Plan<Script> {
    let sessions = Arc::new(Scripted(Arc::clone(servers)));
    super::Plan { databases, sessions, ..plan(script, Vec::new(), &WorkerLimits::default()) }
}

async fn start(memory: Memory, names: &[&str]) -> (Bench, Arc<Servers>) {
    let bench = Bench::new(Script::default(), memory, Vec::new(), &WorkerLimits::default());
    let servers = Arc::new(Servers::default());
    bench.worker.reload(with_database(&bench.script, &servers, vec![database(names)])).await;
    (bench, servers)
}

/// (server, slot) of all that declarations promise.
fn promised(declarations: &[ScheduleDeclaration]) -> BTreeSet<(ServerName, Timestamp)> {
    let mut slots = BTreeSet::new();
    for pair in declarations.windows(2) {
        for schedule in &pair[0].databases {
            let due = schedule.slots(&pair[0].vantage, pair[0].from, pair[1].from);
            slots.extend(due.map(|slot| (schedule.server.clone(), slot)));
        }
    }
    slots
}

/// The samples of each server by slot, after an orderly end; each slot that was promised is there, once.
async fn end(bench: Bench) -> BTreeMap<String, Vec<Arc<Sample>>> {
    let memory = Arc::clone(&bench.memory);
    let (summary, _, declarations) = bench.end().await;
    let samples = memory.samples.lock().unwrap().clone();
    assert_eq!(summary.samples, samples.len() as u64);
    let served: BTreeSet<_> = samples.iter().map(|sample| (sample.server.clone(), sample.slot)).collect();
    assert_eq!(served.len(), samples.len(), "no slot is served twice");
    assert_eq!(served, promised(&declarations));
    assert!(declarations.last().unwrap().databases.is_empty(), "an orderly stop says that nobody is asked any more");
    let mut by_server: BTreeMap<String, Vec<Arc<Sample>>> = BTreeMap::new();
    for sample in samples {
        by_server.entry(sample.server.to_string()).or_default().push(sample);
    }
    for samples in by_server.values_mut() {
        assert!(samples.windows(2).all(|pair| pair[0].slot < pair[1].slot), "in order of slots");
    }
    by_server
}

fn why(sample: &Sample) -> Option<Unknown> {
    match &sample.answer {
        Answer::Facts(_) => None,
        Answer::Unknown { why, .. } => Some(*why),
    }
}

fn message(sample: &Sample) -> &str {
    match &sample.answer {
        Answer::Facts(_) => "",
        Answer::Unknown { message, .. } => message,
    }
}

fn count(samples: &[Arc<Sample>], wanted: Option<Unknown>) -> usize {
    samples.iter().filter(|sample| why(sample) == wanted).count()
}

#[tokio::test(start_paused = true)]
async fn each_server_is_asked_at_each_slot_over_one_kept_session() {
    let (bench, servers) = start(Memory::default(), &["primary", "standby1"]).await;
    sleep(Duration::from_secs(600)).await;
    let samples = end(bench).await;
    for server in ["primary", "standby1"] {
        let of_server = &samples[server];
        assert!((599..=601).contains(&of_server.len()), "{}", of_server.len());
        assert_eq!(count(of_server, None), of_server.len());
        for sample in of_server {
            assert_eq!(sample.elapsed, Micros(15_000));
            assert!(sample.started.duration_since(sample.slot) < SignedDuration::from_millis(2), "{sample:?}");
        }
        assert_eq!(servers.opened(server), 1);
    }
    let slots = |server: &str| samples[server].iter().map(|sample| sample.slot).collect::<Vec<_>>();
    assert_eq!(slots("primary"), slots("standby1"), "asked together");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_delays_no_other_and_each_slot_says_so() {
    let (bench, servers) = start(Memory::default(), &["primary", "standby1"]).await;
    servers.are("standby1", Manner::Silent(Duration::from_secs(3), Unknown::NoAnswer));
    sleep(Duration::from_secs(120)).await;
    let samples = end(bench).await;
    assert_eq!(count(&samples["primary"], None), samples["primary"].len());
    let hung = &samples["standby1"];
    assert_eq!(count(hung, Some(Unknown::NoAnswer)), hung.len());
    // Asked at one slot, shared by those that passed meanwhile, none with more time than since its own slot.
    assert!(hung.iter().filter(|sample| sample.elapsed == Micros(3_000_000)).count() >= 120 / 4);
    assert!(hung.iter().all(|sample| sample.elapsed <= Micros(3_000_000) && sample.elapsed > Micros(0)));
    assert!(hung.iter().all(|sample| sample.started >= sample.slot));
    assert_eq!(servers.most_under_way.load(Ordering::SeqCst), 2, "one question under way for each server");
}

#[tokio::test(start_paused = true)]
async fn facts_of_another_moment_are_no_sample() {
    let (bench, servers) = start(Memory::default(), &["primary"]).await;
    servers.are("primary", Manner::Facts(Duration::from_millis(2_500)));
    sleep(Duration::from_secs(300)).await;
    let samples = &end(bench).await["primary"];
    let (known, lost) = (count(samples, None), count(samples, Some(Unknown::Lost)));
    assert_eq!(known + lost, samples.len());
    assert!((75..=125).contains(&known), "{known} of {}", samples.len());
    let passed = samples.iter().find(|sample| why(sample) == Some(Unknown::Lost)).unwrap();
    assert_eq!(message(passed), "the question of the slot before took 2.50 s, longer than the interval");
}

#[tokio::test(start_paused = true)]
async fn whatever_a_session_does_each_slot_is_a_sample() {
    let (bench, servers) = start(Memory::default(), &["primary"]).await;
    servers.are("primary", Manner::Panics);
    sleep(Duration::from_secs(30)).await;
    servers.are("primary", Manner::Stuck);
    sleep(Duration::from_secs(30)).await;
    servers.are("primary", Manner::Facts(Duration::ZERO));
    sleep(Duration::from_secs(30)).await;
    let samples = &end(bench).await["primary"];
    let said = |text: &str| samples.iter().filter(|sample| message(sample) == text).count();
    let (panicked, stuck) =
        (said("a defect of Doorstep: the session panicked"), said("a defect of Doorstep: the session kept no time"));
    assert!(panicked >= 29 && stuck >= 29, "{panicked} {stuck}");
    assert!(count(samples, None) >= 25, "it goes on");
    assert!(servers.opened("primary") > 30, "with a new session each time");
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_read_again_after_a_while() {
    let (bench, servers) = start(Memory::default(), &["primary", "standby1"]).await;
    servers.are("primary", Manner::NoSession);
    servers.are("standby1", Manner::Silent(Duration::ZERO, Unknown::LoginRefused));
    sleep(Duration::from_secs(119)).await;
    let reads = [servers.opened("primary"), servers.opened("standby1")];
    assert!(reads.iter().all(|reads| (4..=5).contains(reads)), "{reads:?}: not at each slot, and not never");
    servers.are("primary", Manner::Facts(Duration::ZERO));
    sleep(Duration::from_secs(40)).await;
    let samples = end(bench).await;
    let primary = &samples["primary"];
    assert!(count(primary, Some(Unknown::NoSecret)) >= 119 && count(primary, None) >= 5);
    assert_eq!(count(&samples["standby1"], Some(Unknown::LoginRefused)), samples["standby1"].len());
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_did_not_change_and_serves_no_slot_twice() {
    let (bench, servers) = start(Memory::default(), &["primary", "standby1"]).await;
    servers.are("standby1", Manner::Silent(Duration::from_secs(3), Unknown::NoAnswer));
    let other = |name: &str, interval: u64| {
        let mut other = Database::clone(&database(&["primary"]));
        (other.name, other.interval) = (name.parse().unwrap(), Duration::from_secs(interval));
        for server in &mut other.servers {
            server.name = format!("of-{name}").parse().unwrap();
        }
        Arc::new(other)
    };
    let reload = async |databases| bench.worker.reload(with_database(&bench.script, &servers, databases)).await;
    sleep(Duration::from_millis(20_400)).await;
    reload(vec![database(&["primary", "standby1"]), other("audit", 5)]).await;
    sleep(Duration::from_millis(20_700)).await;
    assert_eq!((servers.opened("primary"), servers.opened("of-audit")), (1, 1));
    reload(vec![other("audit", 2)]).await;
    sleep(Duration::from_secs(20)).await;
    reload(Vec::new()).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!((servers.opened("primary"), servers.opened("of-audit")), (1, 2));
    let samples = end(bench).await;
    assert!((40..=43).contains(&samples["primary"].len()), "{}", samples["primary"].len());
    assert!((12..=16).contains(&samples["of-audit"].len()), "{}", samples["of-audit"].len());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_answer_and_an_abort_does_not() {
    let (bench, servers) = start(Memory::default(), &["primary"]).await;
    servers.are("primary", Manner::Facts(Duration::from_millis(900)));
    sleep(Duration::from_secs(10)).await;
    while servers.under_way.load(Ordering::SeqCst) == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let samples = &end(bench).await["primary"];
    assert_eq!(samples.last().and_then(|sample| why(sample)), None, "the answer that was under way");

    let (bench, servers) = start(Memory::default(), &["primary"]).await;
    servers.are("primary", Manner::Stuck);
    sleep(Duration::from_millis(2_500)).await;
    bench.worker.abort();
    let samples = &end(bench).await["primary"];
    assert!(samples.iter().any(|sample| message(sample) == "the worker had to stop before the server answered"));
    assert_eq!(count(samples, Some(Unknown::Lost)), samples.len());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_and_a_clock_that_steps_are_not_blamed_on_the_server() {
    let (bench, servers) = start(Memory::default(), &["primary"]).await;
    servers.are("primary", Manner::Silent(Duration::from_millis(700), Unknown::NoAnswer));
    sleep(Duration::from_secs(10)).await;
    bench.hand.advance(SignedDuration::from_secs(60));
    sleep(Duration::from_secs(10)).await;
    bench.hand.advance(SignedDuration::from_secs(-30));
    sleep(Duration::from_secs(40)).await;
    let samples = &end(bench).await["primary"];
    let lost = count(samples, Some(Unknown::Lost));
    assert!((57..=63).contains(&lost), "{lost} of {}", samples.len());
    assert!(count(samples, Some(Unknown::NoAnswer)) + lost == samples.len());
    assert!(samples.iter().any(|sample| message(sample).starts_with("the worker came to this slot")));
}

#[tokio::test(start_paused = true)]
async fn a_night_asleep_leaves_a_gap_and_not_a_flood() {
    let (bench, _servers) = start(Memory::default(), &["primary"]).await;
    sleep(Duration::from_secs(10)).await;
    bench.hand.advance(SignedDuration::from_hours(8));
    sleep(Duration::from_secs(10)).await;
    let memory = Arc::clone(&bench.memory);
    bench.end().await;
    let samples = memory.samples.lock().unwrap().clone();
    let lost = count(&samples, Some(Unknown::Lost));
    assert!((95..=101).contains(&lost) && count(&samples, None) >= 18, "{lost} of {}", samples.len());
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_and_asking_goes_on() {
    let (bench, servers) = start(Memory { full: true, ..Memory::default() }, &["primary"]).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(servers.opened("primary"), 1);
    let (summary, ..) = bench.end().await;
    assert!(summary.samples == 0 && (29..=31).contains(&summary.samples_not_recorded), "{summary:?}");
}
