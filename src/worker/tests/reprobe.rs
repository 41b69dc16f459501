//! Extra probes after a failed login, in paused time.

use proptest::prelude::*;

use super::super::Budget;
use super::*;
use crate::model::Reprobe;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn bench(flows: Vec<Flow>, reprobe: Option<Reprobe>) -> Bench {
    let limits = WorkerLimits { reprobe, ..WorkerLimits::default() };
    Bench::new(Script::default(), Memory::default(), flows, &limits)
}

fn with_accounts(names: &[&str], flow: Flow) -> Flow {
    Flow { accounts: names.iter().map(|name| AccountName::new(name).unwrap()).collect(), ..flow }
}

fn bad(class: BadClass) -> Verdict {
    Verdict::Bad(class)
}

/// Extra probes in order of their begin.
fn extras(runs: &[Arc<Run>]) -> Vec<Arc<Run>> {
    let mut extras: Vec<_> = runs.iter().filter(|run| run.attempt > 0).cloned().collect();
    extras.sort_by_key(|run| run.started);
    extras
}

fn scheduled(runs: &[Arc<Run>]) -> Vec<Arc<Run>> {
    runs.iter().filter(|run| run.attempt == 0).cloned().collect()
}

/// The most runs that began within any hour.
fn most_in_an_hour(runs: &[Arc<Run>]) -> usize {
    let begun: Vec<Timestamp> = runs.iter().map(|run| run.started).collect();
    let within = |from: &Timestamp| {
        begun.iter().filter(|begun| (SignedDuration::ZERO..HOUR).contains(&begun.duration_since(*from))).count()
    };
    begun.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_looked_at_again_until_six_logins_in_a_row_are_good() {
    let bench = bench(vec![with_accounts(&["ada", "bob"], flow("shop", 60, 9))], Some(Reprobe::default()));
    bench.ends("shop", RunKind::Login, bad(BadClass::HttpStatus));
    sleep(Duration::from_secs(100)).await;
    bench.ends("shop", RunKind::Login, Verdict::Good);
    sleep(Duration::from_secs(600)).await;
    let (summary, runs, declarations) = bench.end().await;
    assert_eq!(served(&scheduled(&runs)), promised(&declarations), "the schedule goes on as if nothing was");
    let extras = extras(&runs);
    assert_eq!(summary.extra, extras.len() as u64);
    assert_eq!(count(&scheduled(&runs), MISSED), 0);
    let first_failure = scheduled(&runs).iter().find(|run| run.verdict != Verdict::Good).unwrap().started;
    assert_eq!(extras[0].started.duration_since(first_failure).as_secs(), 5, "the first comes after one pause");
    for pair in extras.windows(2) {
        let pause = pair[1].started.duration_since(pair[0].started);
        assert!((5_000..6_100).contains(&pause.as_millis()), "{pause:?}");
        assert!(pair[1].slot > pair[0].slot || pair[1].attempt == pair[0].attempt + 1, "attempts count up");
        assert!(pair[1].slot > pair[0].slot || pair[1].account != pair[0].account, "accounts take turns");
    }
    for extra in &extras {
        let slot = runs.iter().find(|run| run.slot == extra.slot && run.attempt == 0).unwrap();
        assert!(matches!(slot.verdict, Verdict::Bad(_)), "an extra probe belongs to a slot that failed");
        assert!(slot.started < extra.started);
    }
    // Scheduled logins count among the six, so five or six of the extra ones are good, and they are the last.
    let good = count(&extras, Verdict::Good);
    assert!((5..=6).contains(&good), "{good}");
    assert!(extras[extras.len() - good..].iter().all(|run| run.verdict == Verdict::Good));
    let calm = extras.last().unwrap().started;
    assert!(scheduled(&runs).iter().filter(|run| run.started > calm).count() >= 8, "and then there is calm");
}

#[tokio::test(start_paused = true)]
async fn no_hour_sees_more_than_the_cap_and_a_restart_changes_nothing() {
    for (every, most_per_hour, seconds) in [(5, 24, 60), (1, 7, 20), (60, 3, 300), (600, 24, 30)] {
        let rules = Reprobe { every: Duration::from_secs(every), until_good: 6, most_per_hour };
        let bench = bench(vec![flow("shop", seconds, 9)], Some(rules));
        bench.ends("shop", RunKind::Login, bad(BadClass::HttpStatus));
        sleep(Duration::from_secs(10_000)).await;
        let kept = std::fs::read(bench.folder.path().join("extra-probes")).unwrap();
        let ended = bench.clock.now();
        let (_, runs, _) = bench.end().await;
        let extras = extras(&runs);
        assert!(most_in_an_hour(&extras) <= most_per_hour as usize, "{every} s, {most_per_hour}");
        let allowed = (most_per_hour.min(3600 / every as u32) * 2) as usize;
        assert!(extras.len() >= allowed, "the budget of the first two hours is used: {} of {allowed}", extras.len());

        // Another process with the same folder knows what this one did.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("extra-probes");
        std::fs::write(&file, kept).unwrap();
        let mut budget = Budget::<FlowName>::open(&file).unwrap();
        let recent = extras.iter().filter(|run| ended.duration_since(run.started) < HOUR).count();
        let left = (0..100).take_while(|_| budget.take(&runs[0].flow, most_per_hour, ended).unwrap()).count();
        assert_eq!(recent + left, most_per_hour as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_no_is_left_alone() {
    let noes = [
        bad(BadClass::Throttled),
        bad(BadClass::Challenge),
        bad(BadClass::CredentialsRefused),
        bad(BadClass::SecondFactorRefused),
        Verdict::Lost(LostClass::AccountLocked),
        Verdict::Lost(LostClass::AccountUnusable),
    ];
    for no in noes {
        let bench = bench(vec![flow("shop", 60, 9)], Some(Reprobe::default()));
        let extras_so_far = || extras(&bench.memory.runs.lock().unwrap()).len();
        bench.ends("shop", RunKind::Login, no);
        sleep(Duration::from_secs(300)).await;
        assert_eq!(extras_so_far(), 0, "{no} at once");
        bench.ends("shop", RunKind::Login, bad(BadClass::HttpStatus));
        sleep(Duration::from_secs(300)).await;
        assert_eq!(extras_so_far(), 0, "{no} holds until a login is good");
        bench.ends("shop", RunKind::Login, Verdict::Good);
        sleep(Duration::from_secs(61)).await;
        bench.ends("shop", RunKind::Login, bad(BadClass::HttpStatus));
        sleep(Duration::from_secs(80)).await;
        let before = extras_so_far();
        assert!(before >= 3, "{no} is forgiven: {before}");
        bench.ends("shop", RunKind::Login, no);
        sleep(Duration::from_secs(300)).await;
        assert!(extras_so_far() <= before + 1, "{no} in the middle");
        bench.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_probes_run_side_by_side_and_others_one_after_the_other() {
    let begun = async |class| {
        let rules = Reprobe { most_per_hour: 1000, ..Reprobe::default() };
        let bench = bench(vec![flow("shop", 300, 9)], Some(rules));
        bench.takes("shop", 28.0);
        bench.ends("shop", RunKind::Login, bad(class));
        sleep(Duration::from_secs(900)).await;
        let most = bench.script.most_under_way.load(Ordering::SeqCst);
        let (_, runs, _) = bench.end().await;
        assert_eq!(count(&runs, MISSED), 0);
        (most, extras(&runs).len())
    };
    let (most, hanging) = begun(BadClass::Timeout).await;
    assert!((6..=8).contains(&most), "28 s each, one every 5 s, and one place stays free: {most}");
    assert!(hanging >= 80, "{hanging}");
    let (most, slow) = begun(BadClass::HttpStatus).await;
    assert!(most <= 2, "a slot may fall among them: {most}");
    assert!((15..=30).contains(&slow), "{slow}");
}

#[tokio::test(start_paused = true)]
async fn extra_probes_cost_no_slot() {
    for overlap in [1, 2, 3] {
        for (rate, places) in [(600, 50), (2, 50), (600, 2)] {
            let missed = async |reprobe: Option<Reprobe>| {
                let limits =
                    WorkerLimits { reprobe, runs_per_minute: rate, runs_per_target: places, ..WorkerLimits::default() };
                let bench = Bench::new(Script::default(), Memory::default(), vec![flow("shop", 60, overlap)], &limits);
                bench.takes("shop", 29.0);
                bench.ends("shop", RunKind::Login, bad(BadClass::Timeout));
                sleep(Duration::from_secs(3000)).await;
                let (summary, runs, _) = bench.end().await;
                (count(&runs, MISSED) + count(&runs, Verdict::Lost(LostClass::RefusedByPolicy)), summary.extra)
            };
            let rules = Reprobe { most_per_hour: 1000, ..Reprobe::default() };
            let (without, with) = (missed(None).await, missed(Some(rules)).await);
            assert_eq!(without.1, 0);
            assert_eq!(without.0, with.0, "overlap {overlap}, {rate} a minute, {places} places");
            assert_eq!(with.1 > 0, overlap > 1 && rate > 2, "overlap {overlap}, {rate} a minute: {}", with.1);
        }
    }
}

/// Slots lie anywhere in their intervals, so that how many hang at once differs from minute to minute.
#[tokio::test(start_paused = true)]
async fn extra_probes_cost_no_slot_where_slots_crowd() {
    for overlap in [3, 4, 5, 6] {
        let missed = async |reprobe: Option<Reprobe>| {
            let limits = WorkerLimits { reprobe, ..WorkerLimits::default() };
            let mut shop = flow("shop", 4, overlap);
            shop.limits.timeout = Duration::from_secs(10);
            let bench = Bench::new(Script::default(), Memory::default(), vec![shop], &limits);
            bench.takes("shop", 10.1);
            bench.ends("shop", RunKind::Login, bad(BadClass::Timeout));
            sleep(Duration::from_secs(3000)).await;
            let (summary, runs, _) = bench.end().await;
            (count(&runs, MISSED), summary.extra)
        };
        let rules = Reprobe { every: Duration::from_secs(5), most_per_hour: 1000, ..Reprobe::default() };
        let (without, with) = (missed(None).await, missed(Some(rules)).await);
        assert_eq!(without.0, with.0, "overlap {overlap}");
        assert_eq!(without.0 > 0, overlap < 4, "what the timeout needs is enough");
        assert!(with.1 > 0 || overlap < 4, "overlap {overlap}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_never_tried_again() {
    let bench = bench(vec![guarded(60)], Some(Reprobe::default()));
    bench.ends("shop", RunKind::WrongPassword, bad(BadClass::AcceptedWrongPassword));
    sleep(Duration::from_secs(600)).await;
    let (summary, runs, _) = bench.end().await;
    assert!(wrong(&runs).len() >= 9 && summary.extra == 0, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_turns_it_off_and_a_stop_ends_it() {
    let bench = bench(vec![flow("shop", 60, 9), flow("till", 60, 9)], Some(Reprobe::default()));
    for name in ["shop", "till"] {
        bench.ends(name, RunKind::Login, bad(BadClass::HttpStatus));
    }
    let of = |name: &str| {
        let runs = extras(&bench.memory.runs.lock().unwrap());
        runs.iter().filter(|run| run.flow.as_str() == name).count()
    };
    sleep(Duration::from_secs(80)).await;
    assert!(of("shop") >= 3 && of("till") >= 3);
    bench.worker.reload(plan(&bench.script, vec![flow("shop", 60, 9)], &WorkerLimits::default())).await;
    sleep(Duration::from_secs(1)).await;
    let (shop, till) = (of("shop"), of("till"));
    sleep(Duration::from_secs(20)).await;
    assert!(of("shop") > shop, "what is pursued stays so over a reload");
    assert_eq!(of("till"), till, "a flow that is gone is not");
    let off = WorkerLimits { reprobe: None, ..WorkerLimits::default() };
    bench.worker.reload(plan(&bench.script, vec![flow("shop", 60, 9)], &off)).await;
    sleep(Duration::from_secs(1)).await;
    let shop = of("shop");
    sleep(Duration::from_secs(120)).await;
    assert_eq!(of("shop"), shop);
    let on = plan(&bench.script, vec![flow("shop", 60, 9)], &WorkerLimits::default());
    bench.worker.reload(on).await;
    sleep(Duration::from_secs(90)).await;
    assert!(of("shop") > shop);
    let stopped = bench.clock.now();
    bench.takes("shop", 10.0);
    let (_, runs, _) = bench.end().await;
    assert!(runs.iter().all(|run| run.started <= stopped), "nothing begins after a stop");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_budget_holds_in_every_hour(
        pauses in prop::collection::vec(0_i64..1500, 1..40), cap in 1_u32..8, restarts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("extra-probes");
        let shop = FlowName::new("shop").unwrap();
        let mut budget = Budget::open(&path).unwrap();
        let mut now: Timestamp = START.parse().unwrap();
        let mut taken = Vec::new();
        for (pause, restart) in pauses.into_iter().zip(restarts) {
            now += SignedDuration::from_secs(pause);
            if restart {
                budget = Budget::open(&path).unwrap();
            }
            let room = taken.iter().filter(|&&before| now.duration_since(before) < HOUR).count() < cap as usize;
            prop_assert_eq!(budget.take(&shop, cap, now).unwrap(), room, "exactly when the last hour has room");
            if room {
                taken.push(now);
            }
        }
    }
}
