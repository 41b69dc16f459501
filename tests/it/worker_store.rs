//! The worker over its real spool and store, with a prober in memory: what was due is what is read back, whatever the
//! store does meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{
    Action, Flow, FlowName, LostClass, Micros, Network, PageRequest, Revision, Run, RunLimits, Step, StepName,
    StoreLocation, Template, Vantage, VantageName, Verdict, WorkerLimits,
};
use doorstep::telemetry::Telemetry;
use doorstep::worker::{Due, Plan, Prober, Settings, StoreRecorder, Summary, Teller, Worker};

use crate::support::ledger::due_and_recorded;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Good after some milliseconds.
struct Good(Clock);

impl Prober for Good {
    async fn run(&self, due: Due) -> Run {
        let (started, begun) = (self.0.now(), Instant::now());
        sleep(Duration::from_millis(5)).await;
        let identity = (due.kind, due.flow.name.clone(), due.flow.revision.clone(), due.vantage, due.slot);
        let never = Run::never_began(identity, started, LostClass::Internal, String::new());
        Run { verdict: Verdict::Good, failure: None, elapsed: Micros::from(begun.elapsed()), ..never }
    }
}

fn flow(number: usize, interval: Duration) -> Arc<Flow> {
    let name = FlowName::new(&format!("flow-{number}")).unwrap();
    let page = PageRequest { url: Template::literal(&format!("http://{name}.test/")), headers: Vec::new() };
    Arc::new(Flow {
        revision: Revision::of(name.as_str().as_bytes()),
        name,
        description: String::new(),
        interval,
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
        overlap: 3,
    })
}

struct Bench {
    worker: Worker<Good>,
    telemetry: Arc<Telemetry>,
    ended: CancellationToken,
    shipping: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(folder: &Path, vantage: &str, flows: usize) -> Self {
        let clock = Clock::system();
        let vantage = VantageName::new(vantage).unwrap();
        let telemetry = Arc::new(Telemetry::new(vantage.clone()));
        let location = StoreLocation::Folder(folder.join("store"));
        let spool = folder.join("spool");
        let flush = Duration::from_millis(200);
        let recorder = StoreRecorder::open(&location, &spool, flush, &clock, Arc::clone(&telemetry)).unwrap();
        let recorder = Arc::new(recorder);
        let plan = Plan {
            vantages: vec![vantage.clone()],
            vantage: Vantage { name: vantage, labels: BTreeMap::new() },
            flows: (0..flows).map(|number| flow(number, Duration::from_millis(500))).collect(),
            databases: Vec::new(),
            sessions: Arc::new(()),
            limits: WorkerLimits { grace: Duration::from_secs(5), ..WorkerLimits::default() },
            prober: Arc::new(Good(clock.clone())),
            control: None,
        };
        let ended = CancellationToken::new();
        let shipping = tokio::spawn(Arc::clone(&recorder).ship(ended.clone()));
        let observer = Arc::new(Teller::new(Arc::clone(&telemetry)));
        let (lockout_file, extras_file) = (spool.join("wrong-passwords"), spool.join("extra-probes"));
        let worker = Worker::start(plan, Settings { clock, recorder, observer, lockout_file, extras_file }).unwrap();
        Self { worker, telemetry, ended, shipping }
    }

    async fn end(mut self) -> Summary {
        self.worker.stop();
        let summary = timeout(Duration::from_secs(20), self.worker.ended()).await.unwrap();
        self.ended.cancel();
        self.shipping.await.unwrap();
        summary
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_due_is_in_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::start(folder.path(), "berlin", 30);
    sleep(Duration::from_secs(2)).await;
    let summary = bench.end().await;
    assert!(summary.shipped && summary.not_recorded == 0, "{summary:?}");
    assert!(summary.due >= 100, "{summary:?}");
    let (due, recorded) = due_and_recorded(&folder.path().join("store")).await;
    assert_eq!(due, recorded);
    assert_eq!(recorded.len() as u64, summary.recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    // The store is away from the first second of the first worker on: a file stands where its folder was.
    let first = Bench::start(folder.path(), "berlin", 5);
    let mut runs = first.worker.events();
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::write(&store, "").unwrap();
    let unwell = timeout(Duration::from_secs(10), async {
        while !first.telemetry.health.tell().1.contains("the spool keeps them") {
            sleep(Duration::from_millis(20)).await;
        }
    });
    unwell.await.expect("health says that the store is away");
    timeout(Duration::from_secs(10), runs.recv()).await.unwrap().unwrap();
    assert!(first.telemetry.health.tell().0, "a store that is away is no failure of the worker");
    let summary = first.end().await;
    assert!(!summary.shipped && summary.recorded == summary.due && summary.due > 0, "{summary:?}");
    std::fs::remove_file(&store).unwrap();
    let second = Bench::start(folder.path(), "berlin", 5);
    sleep(Duration::from_millis(600)).await;
    let after = second.end().await;
    assert!(after.shipped, "{after:?}");
    let (due, recorded) = due_and_recorded(&folder.path().join("store")).await;
    assert_eq!(due, recorded);
    assert_eq!(recorded.len() as u64, summary.recorded + after.recorded);
}

/// What lies below a folder of the store.
fn parquet_files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let below = |path: &Path| if path.is_dir() { parquet_files(path) } else { 1 };
    entries.map(|entry| below(&entry.unwrap().path())).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_compacts_its_own_days_when_they_have_settled() {
    let folder = tempfile::tempdir().unwrap();
    for place in ["berlin", "tokyo"] {
        let bench = Bench::start(folder.path(), place, 5);
        sleep(Duration::from_millis(700)).await;
        assert!(bench.end().await.shipped);
    }
    let store = folder.path().join("store");
    let (due, recorded) = due_and_recorded(&store).await;
    let live = parquet_files(&store.join("v1/live/berlin"));
    assert!(live > 0);

    let vantage = VantageName::new("berlin").unwrap();
    let last = recorded.iter().map(|(_, slot)| *slot).max().unwrap();
    for (hours, compacted) in [(1, false), (26, true)] {
        let later = last + hours * 3_600_000_000;
        let (clock, _hand) = Clock::manual(jiff::Timestamp::from_microsecond(later).unwrap());
        let telemetry = Arc::new(Telemetry::new(vantage.clone()));
        let (location, spool) = (StoreLocation::Folder(store.clone()), folder.path().join("other-spool"));
        let recorder = StoreRecorder::open(&location, &spool, Duration::from_secs(1), &clock, telemetry).unwrap();
        let ended = CancellationToken::new();
        let compacting = tokio::spawn(Arc::new(recorder).compact(vantage.clone(), clock, ended.clone()));
        let deadline = Instant::now() + Duration::from_secs(10);
        while compacted && parquet_files(&store.join("v1/live/berlin")) > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(100)).await;
        ended.cancel();
        compacting.await.unwrap();
        assert_eq!(parquet_files(&store.join("v1/live/berlin")), if compacted { 0 } else { live });
    }
    assert!(parquet_files(&store.join("v1/day/berlin")) > 0 && parquet_files(&store.join("v1/rollup/berlin")) > 0);
    assert!(parquet_files(&store.join("v1/live/tokyo")) > 0, "another worker's days are its own");
    assert_eq!(due_and_recorded(&store).await, (due, recorded));
}
