//! From the store through the command to the words: what a report says when there is almost nothing to say, when its
//! period still runs, and how it is made again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::clock::Clock;
use doorstep::model::{BadClass, RunKind, StoreLocation, Verdict};
use doorstep::slo::Period;
use doorstep::store::{Spool, Store};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::report_synthetic::{World, login, span};

const SITE: &str = "\
vantages: { berlin: { region: eu } }
store: store
spool: spool
accounts: { probe: { username: p, password: { env: P } } }
flows: [shop.yaml]
objectives: { logins: { flow: shop, target: 99% } }
";

const FLOW: &str = "\
name: shop
account: probe
steps:
  - open: https://shop.example/login
  - submit: { username: '{{ username }}', password: '{{ password }}' }
  - open: /account
    expect: { user: '{{ username }}' }
";

const BAD: Verdict = Verdict::Bad(BadClass::HttpStatus);

/// A week of slots, one every so many seconds.
fn week(seconds: u64) -> World {
    World::new(span(604_800), Duration::from_secs(seconds), &["berlin"])
}

/// A folder whose store holds the runs and schedule of a world, and a configuration that names it.
async fn place(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("doorstep.yaml"), SITE).unwrap();
    fs::write(folder.path().join("shop.yaml"), FLOW).unwrap();
    let store = Store::open(&StoreLocation::Folder(folder.path().join("store"))).unwrap();
    for declaration in &world.declarations {
        store.declare(declaration).await.unwrap();
    }
    let (spool, _) = Spool::open(&folder.path().join("spool"), &Clock::system()).unwrap();
    let recorded = futures_util::future::join_all(world.runs.iter().map(|run| spool.append(run))).await;
    assert!(recorded.iter().all(Result::is_ok));
    folder
}

fn doorstep(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env_remove("DOORSTEP_CONFIG");
    command.output().unwrap()
}

/// The exit code of a report of the world's period that fails on a miss, and its Markdown.
fn reported(folder: &Path, world: &World) -> (Option<i32>, String) {
    let [from, to] = [world.period.start, world.period.end].map(|at| at.to_string());
    let done = doorstep(folder, &["report", "--from", &from, "--to", &to, "--fail-on-missed"]);
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    for word in ["NaN", "inf ", "-0 %", " 0.0 min"] {
        assert!(!text.contains(word), "'{word}' in {text}");
    }
    (done.status.code(), text)
}

fn says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "'{words}' in {text}");
    }
}

#[tokio::test]
async fn one_run_is_no_verdict_whether_it_was_good_or_bad() {
    for (verdict, counted) in [
        (Verdict::Good, "1 of 1 login succeeded: 100 % (21 % to 100 %)"),
        (BAD, "0 of 1 login succeeded: 0 % (0 % to 79 %)"),
    ] {
        let mut world = week(600);
        let (slot, from) = world.slots(RunKind::Login).remove(40);
        world.runs.push(login(&from, slot, 0, verdict, 120));
        let (code, text) = reported(place(&world).await.path(), &world);
        assert_eq!(code, Some(0), "nothing was shown to be missed");
        says(&text, &["**logins: NOT KNOWN.**", counted, "1,008 scheduled, 1 run recorded, 1,007 due without a run"]);
        says(
            &text,
            &["Not known whether it was met: only 1 run has a verdict, and 30 are the least to judge by.", "P(met)"],
        );
    }
}

#[tokio::test]
async fn a_small_part_of_a_week_is_no_verdict_unless_the_rest_could_not_mend_it() {
    let mut world = week(60);
    // 5 of 50 failed, of 10,080 that were due.
    world.fill(|index| (2_000..2_050).contains(&index).then_some(if index < 2_005 { BAD } else { Verdict::Good }));
    let (code, text) = reported(place(&world).await.path(), &world);
    assert_eq!(code, Some(0));
    says(
        &text,
        &["**logins: NOT KNOWN.**", "coverage is 0.4 %, and the policy asks for 90 % before it calls anything met"],
    );

    // 400 of 400 failed: 4 % of all that was due, were the rest good.
    let mut world = week(60);
    world.fill(|index| (2_000..2_400).contains(&index).then_some(BAD));
    let (code, text) = reported(place(&world).await.path(), &world);
    assert_eq!(code, Some(1));
    says(&text, &["**logins: MISSED.**", "it would be missed even if every slot not seen had been good"]);
}

/// Two hours that have passed and two to come, with a login every half minute.
fn running(now: Timestamp) -> World {
    let hours = SignedDuration::from_hours(2);
    let period = Period::between(now - hours, now + hours, &TimeZone::UTC).unwrap();
    World::new(period, Duration::from_secs(30), &["berlin"])
}

#[tokio::test]
async fn a_running_period_is_on_course_and_never_met() {
    let now = Timestamp::from_second(Clock::system().now().as_second()).unwrap();
    for (verdict, code, told) in [(Verdict::Good, 0, "ON COURSE SO FAR"), (BAD, 1, "MISSED")] {
        let mut world = running(now);
        for (slot, from) in world.slots(RunKind::Login).into_iter().filter(|(slot, _)| *slot < now) {
            world.runs.push(login(&from, slot, 0, verdict, 120));
        }
        let (ended, text) = reported(place(&world).await.path(), &world);
        assert_eq!(ended, Some(code), "{text}");
        says(&text, &[&format!("**logins: {told}.**"), "So far ", "P(met) so far", "still running; slots due until"]);
        says(&text, &["due so far", "outlook: not known, because fewer than 7 past days", "the period still runs."]);
        assert!(!text.contains("MET.**"), "{text}");
        let mends = text.contains("The verdict: it will be missed even if all that is still to come is good");
        assert_eq!(mends, verdict == BAD, "{text}");
        let strip = text.lines().find(|line| line.starts_with("berlin |")).unwrap();
        assert!(strip.trim_end().ends_with(" |") && !strip.contains('?'), "what is to come is not missing: {strip}");
    }
}

#[tokio::test]
async fn a_week_of_which_everything_is_excluded_has_no_verdict_and_says_who_took_it_out_when() {
    let mut world = week(600);
    world.fill(|_| Some(BAD));
    let folder = place(&world).await;
    let [from, to] = [world.period.start, world.period.end].map(|at| at.to_string());
    let entry = ["exclude", "add", "--author", "ada", "--reason", "moved", "--from", &from, "--to", &to];
    let added = doorstep(folder.path(), &[&entry[..], &["--mode", "drop-time"]].concat());
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let (code, text) = reported(folder.path(), &world);
    assert_eq!(code, Some(0), "by the policy nothing is left");
    says(&text, &["**logins: NO DATA.**", "raw: missed; 1 of 1 entered after what it covers had begun"]);
    says(&text, &["1 of them entered only after what they cover had begun.", "ada", "moved"]);
}

/// The command that a report names, typed into a shell, makes the same bytes.
#[tokio::test]
async fn the_command_of_a_report_makes_it_again() {
    let mut world = week(600);
    world.fill(|index| Some(if index % 50 == 7 { BAD } else { Verdict::Good }));
    let folder = place(&world).await;
    fs::rename(folder.path().join("store"), folder.path().join("the store")).unwrap();
    fs::rename(folder.path().join("doorstep.yaml"), folder.path().join("site of the shop.yaml")).unwrap();
    let asked = ["report", "--config", "site of the shop.yaml", "--store", "the store", "--format", "json"];
    let span = ["--from", "2026-11-16 09:00", "--to", "2026-11-18", "--zone", "Asia/Kathmandu", "--title", "Jo's & Co"];
    let first = doorstep(folder.path(), &[&asked[..], &span[..]].concat());
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let model: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    let made_by = model["head"]["generated_from"].as_str().unwrap();
    let (_, command) = made_by.split_once(": ").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_doorstep")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let again = Command::new("sh")
        .args(["-c", &format!("{command} --format json")])
        .current_dir(folder.path())
        .env("PATH", path)
        .env_remove("DOORSTEP_CONFIG")
        .output()
        .unwrap();
    assert!(again.status.success(), "{command}: {}", String::from_utf8_lossy(&again.stderr));
    assert!(again.stdout == first.stdout, "{command} makes another report");
    let text = String::from_utf8(doorstep(folder.path(), &[&asked[..5], &span[..]].concat()).stdout).unwrap();
    assert!(
        text.contains(&format!("    {command}\n")) || text.contains(&format!("\n{command}\n")),
        "{command} in {text}"
    );
    assert!(text.contains("2026-11-16 09:00 to 2026-11-18 00:00 Asia/Kathmandu"), "the title names the zone: {text}");
    assert!(text.contains("Times are in Asia/Kathmandu."), "the charts name the zone: {text}");
}
