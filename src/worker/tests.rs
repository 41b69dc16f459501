//! The loop in paused time, over a prober and a recorder in memory: minutes pass in milliseconds, and exactly.

mod databases;
mod reprobe;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::{Due, Observer, Plan, Prober, RecordError, Recorder, Settings, Summary, Worker};
use crate::clock::{Clock, Hand};
use crate::model::{
    AccountName, Action, BadClass, Flow, FlowName, LostClass, Micros, Negative, Network, PageRequest, Revision, Run,
    RunKind, RunLimits, Sample, ScheduleDeclaration, Step, StepName, Template, Vantage, VantageName, Verdict,
    WorkerLimits,
};

const START: &str = "2026-11-23T10:00:00Z";

fn flow(name: &str, seconds: u64, overlap: u32) -> Flow {
    let page = PageRequest { url: Template::literal(&format!("http://{name}.test/login")), headers: Vec::new() };
    Flow {
        name: FlowName::new(name).unwrap(),
        description: String::new(),
        revision: Revision::of(name.as_bytes()),
        interval: Duration::from_secs(seconds),
        limits: RunLimits::default(),
        network: Network::default(),
        variables: BTreeMap::new(),
        accounts: Vec::new(),
        steps: vec![Step {
            name: StepName::new("open").unwrap(),
            action: Action::Open(page),
            expectations: Vec::new(),
            captures: Vec::new(),
            timeout: None,
        }],
        signs: Vec::new(),
        negative: None,
        overlap,
    }
}

/// Takes as long, and ends as, the test says.
#[derive(Default)]
struct Script {
    takes: Mutex<BTreeMap<String, Duration>>,
    verdicts: Mutex<BTreeMap<(String, RunKind), Verdict>>,
    panics: bool,
    /// Hogs the thread for as long as no time to take is set.
    blocks: bool,
    under_way: AtomicU32,
    most_under_way: AtomicU32,
    clock: Option<Clock>,
}

impl Prober for Script {
    async fn run(&self, due: Due) -> Run {
        assert!(!self.panics, "a defect");
        let (started, begun) = (self.clock.as_ref().unwrap().now(), Instant::now());
        let inside = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(inside, Ordering::SeqCst);
        let takes = self.takes.lock().unwrap().get(due.flow.name.as_str()).copied();
        if self.blocks && takes.is_none() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let takes = takes.unwrap_or_default();
        sleep(takes).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let key = (due.flow.name.to_string(), due.kind);
        let verdict = self.verdicts.lock().unwrap().get(&key).copied().unwrap_or(Verdict::Good);
        let identity = (due.kind, due.flow.name.clone(), due.flow.revision.clone(), due.vantage, due.slot);
        let run = Run::never_began(identity, started, LostClass::Internal, "as the script says".to_owned());
        let failure = run.failure.clone().filter(|_| verdict != Verdict::Good);
        Run { verdict, failure, elapsed: Micros::from(begun.elapsed()), account: due.account, ..run }
            .as_attempt(due.attempt)
    }
}

#[derive(Default)]
struct Memory {
    runs: Mutex<Vec<Arc<Run>>>,
    samples: Mutex<Vec<Arc<Sample>>>,
    declarations: Mutex<Vec<ScheduleDeclaration>>,
    full: bool,
}

impl Recorder for Memory {
    async fn record(&self, run: Arc<Run>) -> Result<(), RecordError> {
        if self.full {
            return Err(RecordError("no space left on device".to_owned()));
        }
        self.runs.lock().unwrap().push(run);
        Ok(())
    }
    async fn record_sample(&self, sample: Arc<Sample>) -> Result<(), RecordError> {
        if self.full {
            return Err(RecordError("no space left on device".to_owned()));
        }
        self.samples.lock().unwrap().push(sample);
        Ok(())
    }
    async fn declare(&self, declaration: ScheduleDeclaration) -> Result<(), RecordError> {
        self.declarations.lock().unwrap().push(declaration);
        Ok(())
    }
    async fn finish(&self, _within: Duration) -> Result<(), RecordError> {
        Ok(())
    }
}

/// A worker with everything around it.
struct Bench {
    clock: Clock,
    hand: Hand,
    script: Arc<Script>,
    memory: Arc<Memory>,
    worker: Worker<Script>,
    folder: tempfile::TempDir,
}

fn plan(script: &Arc<Script>, flows: Vec<Flow>, limits: &WorkerLimits) -> Plan<Script> {
    let vantage = VantageName::new("berlin").unwrap();
    Plan {
        vantage: Vantage { name: vantage.clone(), labels: BTreeMap::new() },
        vantages: vec![vantage],
        flows: flows.into_iter().map(Arc::new).collect(),
        databases: Vec::new(),
        sessions: Arc::new(()),
        limits: limits.clone(),
        prober: Arc::clone(script),
        control: None,
    }
}

impl Bench {
    fn new(script: Script, memory: Memory, flows: Vec<Flow>, limits: &WorkerLimits) -> Self {
        let (clock, hand) = Clock::following(START.parse().unwrap());
        let script = Arc::new(Script { clock: Some(clock.clone()), ..script });
        let memory = Arc::new(memory);
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            clock: clock.clone(),
            recorder: Arc::clone(&memory),
            observer: Arc::new(()),
            lockout_file: folder.path().join("wrong-passwords"),
            extras_file: folder.path().join("extra-probes"),
        };
        let worker = Worker::start(plan(&script, flows, limits), settings).unwrap();
        Self { clock, hand, script, memory, worker, folder }
    }

    fn simple(flows: Vec<Flow>) -> Self {
        Self::new(Script::default(), Memory::default(), flows, &WorkerLimits::default())
    }

    fn takes(&self, flow: &str, seconds: f64) {
        self.script.takes.lock().unwrap().insert(flow.to_owned(), Duration::from_secs_f64(seconds));
    }

    fn ends(&self, flow: &str, kind: RunKind, verdict: Verdict) {
        self.script.verdicts.lock().unwrap().insert((flow.to_owned(), kind), verdict);
    }

    /// Stops and waits; checks what must always hold.
    async fn end(mut self) -> (Summary, Vec<Arc<Run>>, Vec<ScheduleDeclaration>) {
        self.worker.stop();
        let summary = self.worker.ended().await;
        let runs = self.memory.runs.lock().unwrap().clone();
        let ids: BTreeSet<_> = runs.iter().map(|run| run.id).collect();
        assert_eq!(ids.len(), runs.len(), "no slot is served twice");
        assert_eq!(summary.recorded, runs.len() as u64);
        let made = summary.recorded + summary.not_recorded;
        assert_eq!(summary.due + summary.extra, made, "slots due and extra probes are runs recorded");
        let declarations = self.memory.declarations.lock().unwrap().clone();
        (summary, runs, declarations)
    }
}

/// The slots that the declarations promise.
fn promised(declarations: &[ScheduleDeclaration]) -> BTreeSet<(FlowName, RunKind, Timestamp)> {
    let mut slots = BTreeSet::new();
    for pair in declarations.windows(2) {
        for declared in &pair[0].flows {
            let schedule = &declared.schedule;
            for slot in schedule.slots(&pair[0].vantage, pair[0].from, pair[1].from) {
                slots.insert((schedule.flow.clone(), schedule.kind, slot));
            }
        }
    }
    slots
}

fn served(runs: &[Arc<Run>]) -> BTreeSet<(FlowName, RunKind, Timestamp)> {
    runs.iter().map(|run| (run.flow.clone(), run.kind, run.slot)).collect()
}

fn count(runs: &[Arc<Run>], verdict: Verdict) -> usize {
    runs.iter().filter(|run| run.verdict == verdict).count()
}

const MISSED: Verdict = Verdict::Lost(LostClass::MissedSlot);

#[tokio::test(start_paused = true)]
async fn a_slow_run_never_delays_the_next_slot() {
    let bench = Bench::simple(vec![flow("slow", 5, 100), flow("quick", 5, 1)]);
    bench.takes("slow", 60.0);
    sleep(Duration::from_secs(300)).await;
    let (_, runs, declarations) = bench.end().await;
    assert_eq!(served(&runs), promised(&declarations));
    assert!((118..=121).contains(&runs.len()), "{}", runs.len());
    for run in runs.iter().filter(|run| run.verdict == Verdict::Good) {
        assert!(run.lateness() <= Micros(2_000), "{} began {} late", run.flow, run.lateness());
    }
    // The last runs were cut off by the grace period; everything else was good.
    assert!(count(&runs, Verdict::Lost(LostClass::Aborted)) <= 8);
    assert_eq!(count(&runs, MISSED), 0);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_overlap_a_slot_is_missed_and_said_to_be() {
    let bench = Bench::simple(vec![flow("slow", 5, 2)]);
    bench.takes("slow", 20.0);
    sleep(Duration::from_secs(600)).await;
    let most = Arc::clone(&bench.script);
    let (_, runs, declarations) = bench.end().await;
    assert_eq!(most.most_under_way.load(Ordering::SeqCst), 2);
    assert_eq!(served(&runs), promised(&declarations));
    let missed = runs.iter().filter(|run| run.verdict == MISSED).collect::<Vec<_>>();
    assert!((50..=80).contains(&missed.len()), "about half of 120: {}", missed.len());
    let message = &missed[0].failure.as_ref().unwrap().message;
    assert_eq!(message, "2 runs of this flow are still under way (overlap of the flow)");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_target_fills_its_own_permits_only() {
    let limits = WorkerLimits { runs_per_target: 3, ..WorkerLimits::default() };
    let flows = vec![flow("hangs", 5, 100), flow("works", 5, 100)];
    let bench = Bench::new(Script::default(), Memory::default(), flows, &limits);
    bench.takes("hangs", 10_000.0);
    sleep(Duration::from_secs(120)).await;
    let (_, runs, _) = bench.end().await;
    let of = |name: &str| runs.iter().filter(|run| run.flow.as_str() == name).cloned().collect::<Vec<_>>();
    assert_eq!(count(&of("works"), Verdict::Good), of("works").len());
    assert_eq!(count(&of("hangs"), Verdict::Lost(LostClass::Aborted)), 3);
    assert_eq!(count(&of("hangs"), MISSED), of("hangs").len() - 3);
}

#[tokio::test(start_paused = true)]
async fn the_rate_cap_guards_the_target() {
    let limits = WorkerLimits { runs_per_minute: 4, ..WorkerLimits::default() };
    let bench = Bench::new(Script::default(), Memory::default(), vec![flow("shop", 5, 9)], &limits);
    sleep(Duration::from_secs(600)).await;
    let (_, runs, _) = bench.end().await;
    let mut good: Vec<_> = runs.iter().filter(|run| run.verdict == Verdict::Good).map(|run| run.started).collect();
    good.sort_unstable();
    assert!(good.windows(5).all(|five| five[4].duration_since(five[0]) >= SignedDuration::from_secs(60)));
    assert!((36..=44).contains(&good.len()), "four in each of ten minutes: {}", good.len());
    assert_eq!(count(&runs, Verdict::Lost(LostClass::RefusedByPolicy)), runs.len() - good.len());
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_runs_finish_within_the_grace_period() {
    let bench = Bench::simple(vec![flow("short", 5, 9), flow("long", 5, 9)]);
    bench.takes("short", 10.0);
    bench.takes("long", 500.0);
    sleep(Duration::from_secs(12)).await;
    let begun = Instant::now();
    let (summary, runs, declarations) = bench.end().await;
    assert!(begun.elapsed() <= WorkerLimits::default().grace);
    assert!(summary.shipped);
    assert_eq!(served(&runs), promised(&declarations));
    for run in &runs {
        let expected = if run.flow.as_str() == "short" { Verdict::Good } else { Verdict::Lost(LostClass::Aborted) };
        assert_eq!(run.verdict, expected);
    }
    assert!(declarations.last().unwrap().flows.is_empty(), "an orderly stop is declared");
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_at_once() {
    let bench = Bench::simple(vec![flow("long", 5, 9)]);
    bench.takes("long", 500.0);
    sleep(Duration::from_secs(12)).await;
    bench.worker.stop();
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    bench.worker.abort();
    let (_, runs, _) = bench.end().await;
    assert!(begun.elapsed() < Duration::from_millis(100));
    assert!(!runs.is_empty() && count(&runs, Verdict::Lost(LostClass::Aborted)) == runs.len());
}

#[tokio::test(start_paused = true)]
async fn a_reload_loses_no_run_and_serves_no_slot_twice() {
    let bench = Bench::simple(vec![flow("stays", 5, 9), flow("goes", 5, 9)]);
    bench.takes("goes", 20.0);
    for round in 0..20 {
        sleep(Duration::from_millis(3_300)).await;
        let mut flows = vec![flow("stays", 5 + round % 2, 9), flow("comes", 7, 9)];
        if round % 3 == 0 {
            flows.push(flow("goes", 5, 9));
        }
        bench.worker.reload(plan(&bench.script, flows, &WorkerLimits::default())).await;
    }
    // A plan that comes together with the stop is not taken over any more.
    sleep(Duration::from_millis(1)).await;
    let (_, runs, declarations) = bench.end().await;
    assert_eq!(declarations.len(), 22);
    assert_eq!(served(&runs), promised(&declarations));
    assert_eq!(count(&runs, Verdict::Good), runs.len());
    assert!(runs.iter().any(|run| run.flow.as_str() == "comes"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_step_marks_the_runs_that_it_hit_and_no_slot_is_served_twice() {
    let bench = Bench::simple(vec![flow("shop", 5, 9)]);
    bench.takes("shop", 4.9);
    sleep(Duration::from_secs(60)).await;
    bench.hand.advance(SignedDuration::from_secs(-30));
    sleep(Duration::from_secs(100)).await;
    let back = bench.memory.runs.lock().unwrap().clone();
    let hit = back.iter().filter(|run| run.verdict == Verdict::Lost(LostClass::LocalClock)).count();
    assert!((1..=2).contains(&hit), "{hit}");
    // 160 s passed, 30 of them were served already: 130 s of slots.
    assert!((24..=27).contains(&back.len()), "{}", back.len());
    bench.hand.advance(SignedDuration::from_secs(60));
    sleep(Duration::from_secs(20)).await;
    let (summary, runs, _) = bench.end().await;
    assert!((11..=13).contains(&count(&runs, MISSED)), "{}", count(&runs, MISSED));
    assert_eq!(summary.skipped, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_sleep_the_missed_slots_are_bounded() {
    let bench = Bench::simple(vec![flow("shop", 5, 9)]);
    sleep(Duration::from_secs(20)).await;
    bench.hand.advance(SignedDuration::from_hours(24));
    sleep(Duration::from_secs(20)).await;
    let from: Timestamp = START.parse().unwrap();
    let total = {
        let vantage = VantageName::new("berlin").unwrap();
        let schedules = plan(&bench.script, vec![flow("shop", 5, 9)], &WorkerLimits::default()).schedules();
        schedules[0].1.count(&vantage, from, bench.clock.now())
    };
    let (summary, runs, _) = bench.end().await;
    assert!((99..=102).contains(&count(&runs, MISSED)), "{}", count(&runs, MISSED));
    assert!(total.abs_diff(summary.due + summary.skipped) <= 1, "{summary:?} of {total}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_lost_run_and_a_full_disk_is_told() {
    #[derive(Default)]
    struct Ear(AtomicU32);
    impl Observer for Ear {
        fn not_recorded(&self, _run: &Run, error: &RecordError) {
            assert_eq!(error.to_string(), "no space left on device");
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let script = Script { panics: true, ..Script::default() };
    let bench = Bench::new(script, Memory::default(), vec![flow("shop", 5, 9)], &WorkerLimits::default());
    sleep(Duration::from_secs(20)).await;
    let (_, runs, _) = bench.end().await;
    assert!(runs.len() >= 3 && count(&runs, Verdict::Lost(LostClass::Internal)) == runs.len());

    let ear = Arc::new(Ear::default());
    let (clock, _hand) = Clock::following(START.parse().unwrap());
    let script = Arc::new(Script { clock: Some(clock.clone()), ..Script::default() });
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        clock,
        recorder: Arc::new(Memory { full: true, ..Memory::default() }),
        observer: Arc::clone(&ear) as Arc<dyn Observer>,
        lockout_file: folder.path().join("wrong-passwords"),
        extras_file: folder.path().join("extra-probes"),
    };
    let mut worker =
        Worker::start(plan(&script, vec![flow("shop", 5, 9)], &WorkerLimits::default()), settings).unwrap();
    sleep(Duration::from_secs(20)).await;
    worker.stop();
    let summary = worker.ended().await;
    assert!(summary.not_recorded >= 3 && summary.recorded == 0, "{summary:?}");
    assert_eq!(u64::from(ear.0.load(Ordering::SeqCst)), summary.not_recorded);
}

/// A flow with two accounts, whose wrong-password login is due each minute.
fn guarded(per_hour: u32) -> Flow {
    let accounts: Vec<_> = ["ada", "bob"].iter().map(|name| AccountName::new(name).unwrap()).collect();
    let negative = Negative {
        password: Template::literal("wrong"),
        accounts: accounts.clone(),
        interval: Duration::from_secs(60),
        per_hour,
    };
    Flow { accounts, negative: Some(negative), ..flow("shop", 5, 9) }
}

fn wrong(runs: &[Arc<Run>]) -> Vec<Arc<Run>> {
    runs.iter().filter(|run| run.kind == RunKind::WrongPassword).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_stay_within_the_budget_of_each_account() {
    let bench = Bench::simple(vec![guarded(3)]);
    sleep(Duration::from_secs(3000)).await;
    let kept = std::fs::read_to_string(bench.folder.path().join("wrong-passwords")).unwrap();
    assert_eq!(kept.lines().count(), 6, "{kept}");
    let (_, runs, declarations) = bench.end().await;
    assert_eq!(served(&runs), promised(&declarations));
    let wrong = wrong(&runs);
    assert!((49..=51).contains(&wrong.len()), "{}", wrong.len());
    for account in ["ada", "bob"] {
        let tried = wrong.iter().filter(|run| run.account.as_ref().unwrap().as_str() == account).cloned();
        assert_eq!(count(&tried.collect::<Vec<_>>(), Verdict::Good), 3, "{account}");
    }
    assert_eq!(count(&wrong, Verdict::Lost(LostClass::RefusedByPolicy)), wrong.len() - 6);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_follows_a_good_login_only_and_its_acceptance_is_never_explained_away() {
    let bench = Bench::simple(vec![guarded(1000)]);
    bench.ends("shop", RunKind::Login, Verdict::Bad(BadClass::HttpStatus));
    sleep(Duration::from_secs(600)).await;
    let before = wrong(&bench.memory.runs.lock().unwrap());
    assert!(before.len() >= 9 && count(&before, Verdict::Lost(LostClass::RefusedByPolicy)) == before.len());
    let accepted = Verdict::Bad(BadClass::AcceptedWrongPassword);
    bench.ends("shop", RunKind::Login, Verdict::Good);
    bench.ends("shop", RunKind::WrongPassword, accepted);
    bench.takes("shop", 1.0);
    for _ in 0..20 {
        sleep(Duration::from_secs(23)).await;
        bench.hand.advance(SignedDuration::from_secs(-2));
    }
    let (_, runs, _) = bench.end().await;
    assert!(count(&wrong(&runs), accepted) >= 2, "{:?}", wrong(&runs).iter().map(|r| r.verdict).collect::<Vec<_>>());
    assert_eq!(count(&wrong(&runs), Verdict::Lost(LostClass::LocalClock)), 0);
}

#[tokio::test]
async fn our_own_faults_are_not_blamed_on_the_service() {
    // A port that nobody listens on: reserved, and freed again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clock = Clock::system();
    let script = Arc::new(Script { clock: Some(clock.clone()), blocks: true, ..Script::default() });
    let fast = |name: &str| Flow { interval: Duration::from_millis(200), ..flow(name, 1, 9) };
    let limits = WorkerLimits { lag: Duration::from_millis(60), ..WorkerLimits::default() };
    let control = super::Control::new(format!("http://{free}/").parse().unwrap()).unwrap();
    let with_control = Plan { control: Some(Arc::new(control)), ..plan(&script, vec![fast("shop")], &limits) };
    let refused = Verdict::Bad(BadClass::Connect);
    script.verdicts.lock().unwrap().insert(("shop".to_owned(), RunKind::Login), refused);
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        clock,
        recorder: Arc::new(Memory::default()),
        observer: Arc::new(()),
        lockout_file: folder.path().join("wrong-passwords"),
        extras_file: folder.path().join("extra-probes"),
    };
    let mut worker = Worker::start(with_control, settings).unwrap();
    let mut events = worker.events();
    let next = async |events: &mut tokio::sync::broadcast::Receiver<Arc<Run>>, wanted: LostClass| {
        let found = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let run = events.recv().await.unwrap();
                if run.verdict == Verdict::Lost(wanted) {
                    return run;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("no run was lost({wanted})"))
    };
    // The whole runtime stands still while this one run is made.
    let starved = next(&mut events, LostClass::Overloaded).await;
    assert!(starved.lag >= Micros(60_000), "{}", starved.lag);
    let message = &starved.failure.as_ref().unwrap().message;
    assert!(message.contains("(limit 60.0 ms); the run itself said bad(connect): as the script says"), "{message}");
    script.takes.lock().unwrap().insert("shop".to_owned(), Duration::from_millis(1));
    let cut_off = next(&mut events, LostClass::LocalNetwork).await;
    let message = &cut_off.failure.as_ref().unwrap().message;
    assert!(message.starts_with("the control target failed too: http://127.0.0.1:"), "{message}");
    worker.stop();
    worker.ended().await;
}
