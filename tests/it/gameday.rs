//! A game day on a real lab: one whole round without an operator, with a wrong answer and then the right one.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::lab::Lab;

/// What follows a word at the start of a line.
fn told<'a>(text: &'a str, word: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("no line begins with '{word}':\n{text}")).trim()
}

/// `+12.3 s`, in seconds.
fn seconds(text: &str) -> f64 {
    let number = text.trim_start_matches('+').split(' ').next().expect("a word");
    number.parse().unwrap_or_else(|error| panic!("'{text}': {error}"))
}

fn gameday(lab: &Lab, arguments: &[&str]) -> (String, String, bool) {
    let mut all = vec!["gameday", "--doorstep", env!("CARGO_BIN_EXE_doorstep")];
    all.extend(arguments);
    let done: std::process::Output =
        Command::stdin(&mut lab.command(&all), Stdio::null()).output().expect("scripts/lab");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(done.stdout), text(done.stderr), done.status.success())
}

/// Seed 4 draws a3, today and always; that it was a3 is read from the lab's own truth.
#[test]
fn a_round_breaks_something_unnamed_takes_answers_and_tells_the_times() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let (told_before, _, good) = gameday(&lab, &["status"]);
    assert!(!good && told_before.is_empty(), "no round is on yet");

    let round = ["--seed", "4", "--calm", "1-3", "--answer", "the primary refuses writes", "--answer", "a3"];
    let (text, notes, good) = gameday(&lab, &round);
    assert!(good, "{text}{notes}");
    let truth = lab.truth();
    let [fault] = truth.as_slice() else { panic!("one fault was injected: {truth:?}") };
    assert!(fault.healed.is_some(), "the lab is healthy again");
    assert!(told(&text, "what").starts_with(&format!("{} ", fault.fault)), "{text}");
    assert!(!notes.contains(&fault.fault), "the beginning names the fault: {notes}");

    // Two answers were given; at most one of them is right, and the count of wrong ones agrees.
    let right = text.lines().filter(|line| line.starts_with("right: ")).count();
    let wrong = text.lines().filter(|line| line.starts_with("not that: ")).count();
    assert_eq!((right, wrong), (1, 1), "{text}");
    assert!(told(&text, "answered").ends_with("right, 1 wrong before"), "{text}");
    let times = ["alarm", "answered", "healed"].map(|word| seconds(told(&text, word)));
    assert!(times[0] > 0.0 && times.is_sorted(), "{text}");
    // The slowest rule needs a reply older than 20 s.
    assert!(times[0] < 30.0, "{text}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(told(&text, "runbook"));
    assert!(page.is_file(), "{}", page.display());
    // Nothing stays: the lab says that it is well, and who else runs there is gone.
    lab.run(&["status"]);
    let (_, _, good) = gameday(&lab, &["status"]);
    assert!(!good, "the round is over");
}

/// A calm that ends before it begins is a mistake; and nobody in a round is told what broke by trying to break more.
#[test]
fn a_round_keeps_its_secret() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let (_, notes, good) = gameday(&lab, &["--calm", "5-1"]);
    assert!(!good && notes.contains("write the shorter one first, as 5-10"), "{notes}");
    let (_, notes, good) = gameday(&lab, &["--seed", "4", "--calm", "0-1"]);
    assert!(good, "{notes}");
    // The host notes the fault before it breaks anything.
    let noted = lab.folder().join("fault.json");
    let begun = std::time::Instant::now();
    while !noted.is_file() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "nothing broke");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let fault: serde_json::Value = serde_json::from_slice(&std::fs::read(&noted).unwrap()).unwrap();
    for command in [&["fault", "b1"][..], &["start"]] {
        // The lab is locked for as long as the fault is on its way.
        let said = loop {
            let done = lab.command(command).output().expect("scripts/lab");
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(!done.status.success(), "{command:?}: {said}");
            if !said.contains("another command is at work") {
                break said;
            }
        };
        assert!(said.contains("a game day is on"), "{said}");
        for secret in ["fault", "alias"].map(|key| fault[key].as_str().expect("a name")) {
            assert!(!said.split([' ', '\'']).any(|word| word == secret), "'{secret}' is told: {said}");
        }
    }
    let (text, notes, good) = gameday(&lab, &["reveal"]);
    assert!(good && told(&text, "what").starts_with(fault["fault"].as_str().expect("an id")), "{text}{notes}");
}
