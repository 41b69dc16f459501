//! Error budgets in drafts and checks: what one incident took of each week, and what the site's own policy makes of it,
//! in the same words and by the same figures as the report.

use std::path::Path;

use super::draft::{CONFIGURATION, FLOW, run, said};
use super::variants::incidents_between;
use crate::simulate::simulate;

/// A total outage for the last half hour of one week in Berlin and the first half hour of the next.
const SCRIPT: &str = "
seed: 11
from: 2024-03-10T12:00:00Z
to: 24h
vantages:
  - { name: berlin, labels: { region: eu } }
  - { name: london, labels: { region: eu } }
flows: [{ name: shop, interval: 30s, background: 0, accounts: 10 }]
outages: [{ from: 10h 30m, to: 11h 30m, share: 1.0, class: timeout, step: submit }]
";

fn folder(configuration: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("script.yaml", SCRIPT), ("doorstep.yaml", configuration), ("shop.yaml", FLOW)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let done = simulate(folder.path(), "script.yaml", &[]);
    assert!(done.status.success(), "{}", said(&done));
    let all = incidents_between(folder.path(), ["2024-03-10", "2024-03-12"]);
    assert_eq!(all.len(), 1, "{all:?}");
    let id = all[0].id.to_string();
    (folder, id)
}

fn draft(folder: &Path, id: &str) -> String {
    let done = run(folder, &["postmortem", "draft", "--incident", id, "--zone", "UTC", "--out", "review"]);
    assert!(done.status.success(), "{}", said(&done));
    std::fs::read_to_string(folder.join("review/postmortem.md")).unwrap()
}

/// The cells of each row of the table of budgets.
fn rows(draft: &str) -> Vec<Vec<&str>> {
    let table = draft.split("### Error budget").nth(1).unwrap().split("###").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// How many times the whole a cell says that a budget was spent: a multiple, or a percentage below ten.
fn times(cell: &str) -> f64 {
    let (number, unit) = match cell.strip_suffix(" %") {
        Some(number) => (number, 100.0),
        None => (cell.trim_end_matches(" times the whole"), 1.0),
    };
    number.parse::<f64>().unwrap_or_else(|_| panic!("no share: {cell}")) / unit
}

#[test]
fn an_incident_over_two_weeks_takes_from_the_budget_of_each() {
    let (folder, id) = folder(CONFIGURATION);
    let text = draft(folder.path(), &id);
    let rows = rows(&text);
    assert_eq!(rows.len(), 2, "{text}");
    for (row, week) in rows.iter().zip(["2024-W10", "2024-W11"]) {
        assert!(row[0] == "shop-weekly" && row[3].contains(&format!("slots known of {week} allow")), "{row:?}");
        // Two vantages, a login every thirty seconds each: half an hour is 120 of them.
        let bad: f64 = row[3].split(' ').next().unwrap().parse().unwrap();
        assert!((bad - 120.0).abs() <= 2.0, "{row:?}");
        // Told in whole multiples.
        let [one, four] = [times(row[1]), times(row[2])];
        assert!((one - 4.0 * four).abs() <= 2.5, "{row:?}");
    }
    // The report of each week counts the same.
    for (row, week) in rows.iter().zip(["2024-W10", "2024-W11"]) {
        let done = run(folder.path(), &["report", "--week", week, "--format", "json"]);
        assert!(done.status.success(), "{}", said(&done));
        let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        let cost = &report["incidents"][0]["budget"][0];
        assert_eq!(cost["bad"].to_string(), row[3].split(' ').next().unwrap(), "{week}");
        let share = cost["share_of_four"].as_f64().unwrap();
        assert!((share - times(row[2])).abs() <= 0.5, "{share} {row:?}");
    }
}

#[test]
fn draft_check_and_report_go_by_the_clause_of_the_sites_own_policy() {
    let usual = "one incident takes more than 20 % of the budget of four periods";
    let none = "one incident takes more than";
    for (policy, clause, applies) in [
        ("", usual, true),
        ("policy: { clauses: [{ incident: 50%, do: Call a review. }] }\n", "one incident takes more than 50 %", true),
        ("policy: { clauses: [{ spent: 50%, do: Slow down. }] }\n", none, false),
    ] {
        let (folder, id) = folder(&format!("{CONFIGURATION}{policy}"));
        let text = draft(folder.path(), &id);
        assert_eq!(text.contains(&format!("The clause '{clause}")), applies, "{text}");
        assert_eq!(text.contains("shop-weekly in 2024-W10, shop-weekly in 2024-W11"), applies, "{text}");
        let checked = said(&run(folder.path(), &["postmortem", "lint", "review/postmortem.md", "--incident", &id]));
        let owed = "error[budget-without-priority]: the incident took ";
        assert_eq!(checked.contains(owed), applies, "{checked}");
        assert_eq!(checked.contains(&format!("(budget policy: {clause}")), applies, "{checked}");
        let report = said(&run(folder.path(), &["report", "--week", "2024-W10", "--format", "md"]));
        let line = report.lines().find(|line| line.contains(clause));
        assert_eq!(line.is_some_and(|line| line.contains("**yes**")), applies, "{report}");
    }
}
