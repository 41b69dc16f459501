//! Whether a command did what the runbook shows.

use std::fmt::Write as _;
use std::process::Output;
use std::time::{Duration, Instant};

use super::page::Block;

/// Until an answer is what the page shows: the slowest sign is a stale reply, at 20 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a block. With an answer shown: again and again, until it is that one. A command without an answer changes
/// something and is not repeated, except Doorstep's, which only look.
pub(super) fn act(place: &str, block: &Block, operate: impl Fn(&Block) -> Output) {
    let begin = Instant::now();
    let once = block.answer.is_none() && !block.text.starts_with("doorstep ");
    loop {
        let done = operate(block);
        let printed = String::from_utf8_lossy(&done.stdout);
        if done.status.success() && block.answer.as_ref().is_none_or(|answer| agrees(answer, &printed)) {
            return;
        }
        let shown = block.answer.as_deref().unwrap_or("(success)");
        let passed = begin.elapsed();
        assert!(
            !once && passed < PATIENCE,
            "{place}: after {passed:?}\n{}\nshould answer\n{shown}\nbut did\n{}",
            block.text,
            said(&done)
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

pub(super) fn said(done: &Output) -> String {
    let mut text = String::from_utf8_lossy(&done.stdout).into_owned();
    let _ = write!(text, "{}({})", String::from_utf8_lossy(&done.stderr), done.status);
    text
}

/// The lines of an answer without the rules and counts that psql draws, with single spaces.
fn lines(text: &str) -> Vec<String> {
    let drawn = |line: &str| {
        line.is_empty() || line.chars().all(|c| "-+".contains(c)) || line.ends_with("rows)") || line == "(1 row)"
    };
    let tidy = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    tidy.map(|line| line.trim_end_matches(" |").to_owned()).filter(|line| !drawn(line)).collect()
}

/// Whether what was printed is what the page shows, where `...` stands for anything within a line.
fn agrees(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (lines(shown), lines(printed));
    shown.len() == printed.len() && shown.iter().zip(&printed).all(|(shown, printed)| line_agrees(shown, printed))
}

fn line_agrees(shown: &str, printed: &str) -> bool {
    let Some((before, after)) = shown.split_once("...") else { return shown == printed };
    let Some(rest) = printed.strip_prefix(before) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| line_agrees(after, &rest[at..]))
}

#[test]
fn answers_agree_with_what_is_shown_where_they_are_not_left_open() {
    let shown = " name | age\n standby1 | ...\n ... FATAL: ... password";
    assert!(agrees(
        shown,
        "  name   |  age  \n---------+-------\n standby1 | 3\n(1 row)\n\n09:00 FATAL:  no password\n"
    ));
    assert!(!agrees(shown, " name | age\n standby2 | 3\n 09:00 FATAL: no password"));
    assert!(!agrees(shown, " name | age\n standby1 | 3\n standby3 | 3\n FATAL: password"));
}
