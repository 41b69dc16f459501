//! Simulated runs are what their script says, arrive by the way of every worker's runs, and are the same for the same
//! seed.

use std::path::Path;
use std::process::{Command, Output};

use doorstep::history::{Kind, Span, by_verdict, count};
use doorstep::model::{Retries, RunKind, StoreLocation};
use doorstep::query;
use doorstep::simulate::Truth;
use doorstep::slo::Period;
use doorstep::store::{Columns, RunFilter, Store};
use jiff::tz::TimeZone;

/// Runs `doorstep simulate` in `folder`, which holds the store `store` afterwards.
pub(crate) fn simulate(folder: &Path, script: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["simulate", script, "--store", "store"])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(crate) fn truth(folder: &Path) -> Truth {
    serde_json::from_str(&std::fs::read_to_string(folder.join("store/truth.json")).unwrap()).unwrap()
}

pub(crate) fn store(folder: &Path) -> Store {
    Store::open(&StoreLocation::Folder(folder.join("store"))).unwrap()
}

const SCRIPT: &str = "
seed: 3
from: 2024-03-04
to: 1d
vantages:
  - { name: berlin, labels: { region: eu } }
  - { name: ohio, labels: { region: us } }
flows: [{ name: shop, interval: 30s, background: 0.002, accounts: 10 }]
outages:
  - { from: 9h, to: 10h, share: 0.8, users: same, class: timeout }
  - { from: 15h, to: 16h, share: 0.5, labels: { region: us } }
prober:
  - { from: 3h, to: 3h 10m, trouble: cut_off, at: [ohio] }
  - { from: 4h, to: 4h 10m, trouble: local_network, at: [ohio] }
  - { from: 5h, to: 5h 10m, trouble: silent, at: [ohio] }
";

/// A folder with the script in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.yaml"), SCRIPT).unwrap();
    folder
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_holds_what_the_truth_says() {
    let folder = folder();
    let done = simulate(folder.path(), "script.yaml", &[]);
    assert!(done.status.success(), "{}", said(&done));
    let truth = truth(folder.path());
    let period = Period::between(truth.from, truth.to, &TimeZone::UTC).unwrap();
    let reading = query::read(&store(folder.path()), &period, &mut |_, _| {}).await.unwrap();
    let mut sum = (0, 0, 0, 0);
    let mut failed_in_outage = 0;
    for (series, ledger) in reading.history.ledgers() {
        let outcomes = ledger.outcomes(RunKind::Login, Retries::FirstAttempt);
        let counts = count(&outcomes, reading.history.expected(series), Span::new(&period, truth.to), by_verdict);
        assert_eq!(counts.due, Some(2 * 60 * 24), "{series:?}");
        sum = (sum.0 + counts.good, sum.1 + counts.bad, sum.2 + counts.lost, sum.3 + counts.missing);
        let first = &truth.outages[0];
        let within = |slot| first.from <= slot && slot < first.to;
        failed_in_outage += outcomes.iter().filter(|o| within(o.slot) && by_verdict(o) == Kind::Bad).count();
    }
    assert_eq!(sum, (truth.good, truth.bad, truth.lost, truth.silent));
    // Eight of ten accounts fail, and every slot has its account in turn: 80 % of 240, but for the edges.
    assert!((190..=195).contains(&truth.outages[0].failing), "{:?}", truth.outages[0]);
    assert_eq!(failed_in_outage as u64, truth.outages[0].minutes.iter().map(|minute| minute.bad).sum::<u64>());
    assert!((45..=75).contains(&truth.outages[1].failing), "{}", truth.outages[1].failing);
    let prober: Vec<_> = truth.prober.iter().map(|t| (t.bad, t.lost, t.silent)).collect();
    assert_eq!(prober, [(20, 0, 0), (0, 20, 0), (0, 0, 20)]);
    let causes = truth.background + truth.outages.iter().map(|o| o.failing).sum::<u64>() + prober[0].0;
    assert_eq!(causes, truth.bad);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_decides_everything_and_login_time_comes_out_of_the_steps() {
    let (one, two, other) = (folder(), folder(), folder());
    let mut revisions = Vec::new();
    for (folder, seed) in [(&one, "5"), (&two, "5"), (&other, "6")] {
        let done = simulate(folder.path(), "script.yaml", &["--seed", seed, "--to", "2024-03-04T06:00:00Z"]);
        assert!(done.status.success(), "{}", said(&done));
        let (store, truth) = (store(folder.path()), truth(folder.path()));
        revisions.push(store.revision(truth.from, truth.to).await.unwrap());
        let mut read = 0;
        let filter = RunFilter::between(truth.from, truth.to);
        store
            .read(&filter, Columns::Everything, &mut |row| {
                read += 1;
                assert_eq!(row.login_time, row.run.login_time());
                let phases: u64 = row.run.hops.iter().map(|hop| hop.phases.total().0).sum();
                assert_eq!(phases, row.run.steps.iter().map(|step| step.micros.0).sum::<u64>(), "{:?}", row.run);
                assert!(phases <= row.run.elapsed.0);
            })
            .await
            .unwrap();
        assert_eq!(read, truth.runs);
    }
    assert_eq!(revisions[0], revisions[1]);
    assert_ne!(revisions[0], revisions[2]);
}

#[test]
fn reprobes_follow_failures_within_their_allowance() {
    let folder = folder();
    let script = format!("{SCRIPT}reprobe: {{ every: 5s, until_good: 6, per_hour: 24 }}\n");
    std::fs::write(folder.path().join("script.yaml"), script).unwrap();
    let done = simulate(folder.path(), "script.yaml", &["--from", "2024-03-04T00:00:00Z"]);
    assert!(done.status.success(), "{}", said(&done));
    let truth = truth(folder.path());
    // Two hours of outage at one or two vantages take the whole allowance, single failures six or a little more.
    assert!((72..=500).contains(&truth.reprobes), "{}", truth.reprobes);
    assert_eq!(truth.runs, 2 * 2 * 60 * 24 - 20 + truth.reprobes);
}

#[test]
fn simulated_runs_do_not_mix_with_others_unasked() {
    let folder = folder();
    assert!(simulate(folder.path(), "script.yaml", &["--runs", "100"]).status.success());
    let again = simulate(folder.path(), "script.yaml", &["--runs", "100"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("the store at store has a schedule of vantage berlin in this time already"));
    assert!(simulate(folder.path(), "script.yaml", &["--runs", "100", "--mix"]).status.success());
}

#[test]
fn a_rehearsal_tells_the_same_truth_and_writes_no_run() {
    let folder = folder();
    let rehearsed = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["simulate", "script.yaml", "--dry-run", "--truth", "truth.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(rehearsed.status.success(), "{}", said(&rehearsed));
    assert!(!folder.path().join("store").exists());
    let foreseen: Truth =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("truth.json")).unwrap()).unwrap();
    assert!(simulate(folder.path(), "script.yaml", &[]).status.success());
    assert_eq!(foreseen, truth(folder.path()));
}

#[test]
fn a_bad_script_is_refused_with_file_line_and_column() {
    let folder = folder();
    std::fs::write(folder.path().join("bad.yaml"), "from: 2024-03-04\nto: never\n").unwrap();
    let refused = simulate(folder.path(), "bad.yaml", &[]);
    assert_eq!(refused.status.code(), Some(2));
    let text = said(&refused);
    assert!(text.contains("error: bad.yaml:1:1: `vantages` are missing"), "{text}");
    assert!(text.contains("bad.yaml:2:5: \"never\" is no time; write one such as"), "{text}");
    assert!(!folder.path().join("store").exists(), "nothing is written for a bad script");
    let absent = simulate(folder.path(), "absent.yaml", &[]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(said(&absent).contains("failed to read the script absent.yaml"), "{}", said(&absent));
}

#[test]
fn what_could_be_detected_is_told_by_slots_as_they_lie() {
    let told = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_doorstep")).arg("simulate").args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", said(&done));
        String::from_utf8(done.stdout).unwrap()
    };
    let text = told(&["--what-if", "--interval", "60s", "--vantages", "3", "--years", "1"]);
    // Of two neighbouring slots, each anywhere within its twenty seconds, the gap is up to forty.
    assert!(text.contains("20s 83 %, 30s 97 %, 60s 100 %"), "{text}");
    assert!(text.contains("From 40s on, surely."), "{text}");
    let help = told(&["--help"]);
    for key in ["seed, from, to", "vantages", "outages", "prober", "reprobe", "demand"] {
        assert!(help.contains(&format!("\n  {key}")), "{key}\n{help}");
    }
}
