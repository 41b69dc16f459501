//! Drafts of incidents of every kind, as the command writes them: slow logins, logins that still fail, failures from the
//! first probe on, failures after slow ones. Each is read whole by a snapshot, tells no untruth of the other kinds, and
//! passes its own check.

use std::path::Path;

use doorstep::incident::{Incident, Symptom};
use serde_json::Value;

use super::draft::{CONFIGURATION, FLOW, run, said};
use crate::simulate::simulate;

const SCRIPT: &str = "
seed: 11
from: 2024-03-04T20:00:00Z
to: 20h
vantages:
  - { name: berlin, labels: { region: eu } }
  - { name: london, labels: { region: eu } }
  - { name: ohio, labels: { region: us } }
flows: [{ name: shop, interval: 30s, background: 0.0005, accounts: 10 }]
";

/// What happens in each, in the words of a script of `doorstep simulate`.
pub(super) const RAMP: &str = "slow: [{ from: 12h, to: 12h 31m, factor: 10, rises: 20m, step: submit }]
outages: [{ from: 12h 31m, to: 13h 51m, share: 0.8, users: same, class: timeout, step: submit }]
";
const SLOW: &str = "slow: [{ from: 12h 31m, to: 13h 51m, factor: 8, step: submit }]\n";
const OPEN: &str = "outages: [{ from: 19h 31m, to: 20h, share: 0.8, users: same, class: timeout, step: submit }]\n";
const FIRST: &str = "outages: [{ from: 0h, to: 1h, share: 1.0, class: timeout, step: submit }]\n";

/// The same failures, and one place that probes.
const ALONE: &str = "# alone\noutages: [{ from: 12h 31m, to: 13h 51m, share: 1.0, class: timeout, step: submit }]\n";

/// A folder with a store in which this happened, and a configuration.
pub(super) fn folder(what: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut script = format!("{SCRIPT}{what}");
    if what == ALONE {
        script = script
            .lines()
            .filter(|line| !line.contains("london") && !line.contains("ohio"))
            .fold(String::new(), |text, line| text + line + "\n");
    }
    for (name, text) in [("script.yaml", script.as_str()), ("doorstep.yaml", CONFIGURATION), ("shop.yaml", FLOW)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let done = simulate(folder.path(), "script.yaml", &[]);
    assert!(done.status.success(), "{}", said(&done));
    folder
}

/// All incidents, as the command lists them.
pub(super) fn incidents(folder: &Path) -> Vec<Incident> {
    incidents_between(folder, ["2024-03-04", "2024-03-06"])
}

pub(super) fn incidents_between(folder: &Path, [from, to]: [&str; 2]) -> Vec<Incident> {
    let listed = run(folder, &["incidents", "--from", from, "--to", to, "--format", "json"]);
    assert!(listed.status.success(), "{}", said(&listed));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    serde_json::from_value(listed["incidents"].clone()).unwrap()
}

/// The draft of the only incident of a kind; it passes its own check, but for its blanks.
fn drafted(what: &str, symptom: Symptom) -> String {
    let folder = folder(what);
    let all = incidents(folder.path());
    let of_kind: Vec<_> = all.iter().filter(|incident| incident.symptom == symptom).collect();
    assert_eq!(of_kind.len(), 1, "{all:?}");
    let id = of_kind[0].id.as_str();
    let done = run(folder.path(), &["postmortem", "draft", "--incident", id, "--zone", "UTC", "--out", "review"]);
    assert!(done.status.success(), "{}", said(&done));
    let checked = run(folder.path(), &["postmortem", "lint", "review/postmortem.md", "--incident", id]);
    for line in said(&checked).lines().filter(|line| line.contains(": error[") || line.contains(": warning[")) {
        let blank = ["[blank]", "[action-without-owner]", "[budget-without-priority]"];
        assert!(blank.iter().any(|rule| line.contains(rule)), "{}", said(&checked));
    }
    let times = std::fs::read_to_string(folder.path().join("review/login-times.svg")).unwrap();
    assert!(times.starts_with("<svg"), "{times}");
    for colour in times.split("var(").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(times.contains(&format!("{colour}: ")), "{colour} is not given in\n{times}");
    }
    let text = std::fs::read_to_string(folder.path().join("review/postmortem.md")).unwrap();
    text.split("## How this was made").next().unwrap().to_owned()
}

#[test]
fn a_draft_of_slow_logins_speaks_of_slowness() {
    let text = drafted(SLOW, Symptom::Slow);
    for untrue in ["failing probe", "failed login", "First failing", "succeed again", "of logins failed"] {
        assert!(!text.contains(untrue), "'{untrue}' in\n{text}");
    }
    insta::assert_snapshot!("slow", text);
}

#[test]
fn a_draft_of_an_open_incident_tells_of_no_end() {
    let text = drafted(OPEN, Symptom::Failing);
    for untrue in ["| End |", "proves the end", "earliest end", "what ended it"] {
        assert!(!text.contains(untrue), "'{untrue}' in\n{text}");
    }
    insta::assert_snapshot!("open", text);
}

#[test]
fn a_draft_of_one_place_does_not_speak_of_several() {
    let text = drafted(ALONE, Symptom::Failing);
    for untrue in ["several places", "per vantage without the largest"] {
        assert!(!text.contains(untrue), "'{untrue}' in\n{text}");
    }
    assert!(text.contains("Only one place probed meanwhile, berlin"), "{text}");
}

#[test]
fn a_draft_of_failures_from_the_first_probe_on_does_not_know_when_they_began() {
    let text = drafted(FIRST, Symptom::Failing);
    for untrue in ["Last good probe", "after the earliest start", "26 h", "27 h"] {
        assert!(!text.contains(untrue), "'{untrue}' in\n{text}");
    }
    assert!(text.contains("when it began is not quantifiable"), "{text}");
    insta::assert_snapshot!("first", text);
}

#[test]
fn a_draft_tells_of_the_slow_logins_before_and_every_figure_leads_somewhere() {
    let text = drafted(RAMP, Symptom::Failing);
    assert!(text.contains("An alarm on slow logins was due at 2024-03-05 08:"), "{text}");
    // Figures stand in tables, in quotations of what was replayed or counted, or beside a link to where they stand.
    let measured = text.split("## Root cause").next().unwrap();
    for line in measured.lines().filter(|line| line.starts_with("- ") || line.contains(" % of logins ")) {
        let counted = line.contains("not quantifiable") || line.contains("Background of") || line.contains("Replayed");
        assert!(line.contains("](") || counted || line.contains("TO FILL") || line.starts_with('|'), "{line}");
    }
    // Every anchor is a heading.
    for anchor in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-") == anchor;
        assert!(text.lines().any(|line| line.starts_with('#') && heading(line)), "{anchor}");
    }
    insta::assert_snapshot!("ramp", text);
}
