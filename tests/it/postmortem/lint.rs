//! The check of written postmortems: every contradiction of a real specimen, silence on a clean one, and texts that
//! nobody would write.

use std::process::{Command, Output};

use doorstep::postmortem::lint::{Rule, Severity, lint, text};
use proptest::prelude::*;

const SPECIMEN: &str = include_str!("specimen.md");
const CLEAN: &str = include_str!("clean.md");

fn rules(markdown: &str) -> Vec<(usize, Rule)> {
    lint(markdown, None).findings.into_iter().map(|finding| (finding.place.line, finding.rule)).collect()
}

#[test]
fn every_contradiction_of_the_specimen_is_found() {
    insta::assert_snapshot!(text("specimen.md", &lint(SPECIMEN, None)));
}

#[test]
fn a_clean_postmortem_is_left_in_peace() {
    let verdict = lint(CLEAN, None);
    assert!(verdict.findings.is_empty(), "{}", text("clean.md", &verdict));
    insta::assert_snapshot!(text("clean.md", &verdict));
}

/// The clean postmortem with one thing made wrong: that finding, and only that.
#[test]
fn one_mistake_is_one_finding() {
    for (right, wrong, rule) in [
        ("lasted 1 h 20 min", "lasted 3 h 20 min", Rule::DurationContradictsTimeline),
        ("| 2024-03-05 09:41:00 |", "| 2024-03-05 08:11:00 |", Rule::TimesOutOfOrder),
        ("| 2024-03-05 09:41:00 |", "| half past nine |", Rule::UnreadableTime),
        ("| 2024-03-05 09:41:00 |", "| 2024-02-30 09:41:00 |", Rule::UnreadableTime),
        ("All times in UTC.", "", Rule::TimeWithoutZone),
        ("63.8 % of logins failed", "63.8 % failed us", Rule::ShareWithoutDenominator),
        ("63.8 % of logins failed", "All logins failed, 63.8 % of logins", Rule::WholeAgainstShare),
        ("63.8 % of logins failed", "163.8 % of logins failed", Rule::ImpossibleShare),
        ("63.8 % of logins failed", "63.8 % of the user base failed", Rule::ShareOfEverybody),
        ("| Ada Byron |", "| |", Rule::ActionWithoutOwner),
        ("| 2024-03-12 |", "| |", Rule::ActionWithoutDue),
        (
            "| P0 |\n| Try each change of settings on a copy of production first | Grace Hopper | 2024-04-02 | P1 |",
            "| P2 |",
            Rule::BudgetWithoutPriority,
        ),
        ("A routine change of the replication", "TO FILL: a routine change of the replication", Rule::Blank),
        ("## Trigger", "## More of it", Rule::MissingSection),
    ] {
        assert!(CLEAN.contains(right), "{right}");
        let found = lint(&CLEAN.replacen(right, wrong, 1), None).findings;
        let seen: Vec<_> = found.iter().map(|finding| finding.rule).collect();
        assert!(!seen.is_empty() && seen.iter().all(|seen| *seen == rule), "{wrong}: {found:#?}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_its_line() {
    let text =
        "# P\n\n## Timeline\n\n- 2024-13-05 09:00 UTC: a\n- 25:61 UTC: b\n- sometime: c\n- 03/04/2024 10:00 IST: d\n";
    let found = rules(text);
    for expected in [
        (5, Rule::UnreadableTime),
        (6, Rule::UnreadableTime),
        (7, Rule::UnreadableTime),
        (8, Rule::AmbiguousDate),
        (8, Rule::AmbiguousZone),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
}

#[test]
fn a_time_of_two_halves_and_a_midnight_with_dates_are_in_order() {
    let text = "## Timeline (UTC)\n- 2024-03-05 23:50: a\n- 2024-03-06 00:10: b\n- 00:20: c\n";
    assert!(!rules(text).iter().any(|(line, _)| *line < 4), "{:?}", rules(text));
    let text = "## Timeline (UTC)\n- 2024-03-05 23:50: a\n- 00:10: b\n";
    assert!(rules(text).contains(&(3, Rule::MidnightWithoutDate)));
}

fn run(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep")).args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_command_ends_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("specimen.md", SPECIMEN.as_bytes());
    write("clean.md", CLEAN.as_bytes());
    write("empty.md", b" \n\n");
    write("latin.md", b"# Summary\n\nStra\xdfe\n");
    let ended = |arguments: &[&str]| run(arguments, folder.path()).status.code();
    assert_eq!(ended(&["postmortem", "lint", "specimen.md"]), Some(1));
    assert_eq!(ended(&["postmortem", "lint", "clean.md"]), Some(0));
    for (file, said) in [
        ("empty.md", "empty.md is empty"),
        ("latin.md", "latin.md:3: the file is not UTF-8"),
        ("none.md", "cannot read none.md"),
    ] {
        let done = run(&["postmortem", "lint", file], folder.path());
        let words = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && words.contains(said), "{file}: {words}");
    }
    let done = run(&["postmortem", "lint", "specimen.md", "--format", "json"], folder.path());
    let value: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let verdict = lint(SPECIMEN, None);
    assert_eq!(value["errors"], verdict.count(Severity::Error));
    assert_eq!(value["findings"][0]["line"], verdict.findings[0].place.line);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Shuffled, cut and damaged: an answer, never a panic, and every line lies in the text.
    #[test]
    fn damaged_texts_never_panic(
        order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle(),
        cut in 0usize..3_000,
        damage in proptest::collection::vec((0usize..3_000, any::<char>()), 0..30),
        clean in any::<bool>(),
    ) {
        let source = if clean { CLEAN } else { SPECIMEN };
        let lines: Vec<&str> = source.lines().collect();
        let shuffled: Vec<&str> = order.iter().filter_map(|index| lines.get(*index).copied()).collect();
        let mut text: Vec<char> = shuffled.join("\n").chars().collect();
        for (at, with) in damage {
            if let Some(place) = text.get_mut(at) { *place = with; }
        }
        let text: String = text.into_iter().take(cut).collect();
        let last = text.lines().count().max(1) + text.matches('\r').count();
        for finding in lint(&text, None).findings {
            prop_assert!((1..=last).contains(&finding.place.line), "{finding:?}");
        }
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,400}") {
        let verdict = lint(&text, None);
        prop_assert!(!verdict.findings.is_empty());
    }
}
