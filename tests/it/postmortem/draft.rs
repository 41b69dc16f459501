//! Drafts, held against the truth of a simulation, and read by the check: what the draft says, the check confirms; what
//! is changed in it, the check contradicts.

use std::path::Path;
use std::process::{Command, Output};

use doorstep::incident::{Incident, Rules};
use doorstep::model::{BudgetClause, EventKind, NotedEvent};
use doorstep::postmortem::draft::{File, Inputs, draft};
use doorstep::postmortem::evidence::{Estimate, Evidence, People, Rival, Spent, Unit, Unknown};
use doorstep::postmortem::lint::{Rule, Severity, lint, text};
use doorstep::query;
use doorstep::slo::Period;
use regex::Regex;

use crate::simulate::{simulate, store, truth};

const SCRIPT: &str = "
seed: 11
from: 2024-03-04T20:00:00Z
to: 20h
vantages:
  - { name: berlin, labels: { region: eu } }
  - { name: london, labels: { region: eu } }
  - { name: ohio, labels: { region: us } }
flows: [{ name: shop, interval: 30s, background: 0.0005, accounts: 10 }]
outages:
  - { from: 12h 31m, to: 13h 51m, share: 0.8, users: same, class: timeout, step: submit }
";

pub(super) const CONFIGURATION: &str = "vantages: { berlin: { region: eu } }\nstore: ./store\nspool: ./spool\naccounts:\n  probe: { username: probe, password: { env: X } }\nflows: [shop.yaml]\nobjectives:\n  shop-weekly: { flow: shop, target: 99.9%, zone: Europe/Berlin }\n";
pub(super) const FLOW: &str = "accounts: [probe]\ninterval: 30s\nsteps:\n  - open: https://shop.example/login\n  - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  - open: /account\n    expect: { user: \"Signed in as {{ username }}\" }\n";

/// A folder with a store in which one outage is known, and a configuration.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("script.yaml", SCRIPT), ("doorstep.yaml", CONFIGURATION), ("shop.yaml", FLOW)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let done = simulate(folder.path(), "script.yaml", &[]);
    assert!(done.status.success(), "{}", said(&done));
    folder
}

pub(super) fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

pub(super) fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(arguments)
        .env("DOORSTEP_AUTHOR", "ada")
        .env_remove("DOORSTEP_CONFIG")
        .current_dir(folder)
        .output()
        .unwrap()
}

async fn incident(folder: &Path) -> Incident {
    let truth = truth(folder);
    let period = Period::between(truth.from, truth.to, &jiff::tz::TimeZone::UTC).unwrap();
    let found = query::incidents(&store(folder), &period, &Rules::default(), &mut |_, _| {}).await.unwrap();
    assert_eq!(found.detection.incidents.len(), 1, "{:?}", found.detection.incidents);
    found.detection.incidents.into_iter().next().unwrap()
}

pub(super) fn event(at: &str, kind: EventKind, text: &str) -> NotedEvent {
    let at = at.parse().unwrap();
    NotedEvent { at, kind, text: text.to_owned(), author: "ada".to_owned(), entered: at }
}

/// Everything that a draft can hold.
pub(super) fn evidence(incident: Incident) -> Evidence {
    let estimate = |what: &str, unit, low, middle, high| Estimate {
        what: what.to_owned(),
        unit,
        low,
        middle,
        high,
        how: "demand x failing share x duration (F13, F14)".to_owned(),
    };
    let spent = |objective: &str, period: &str, share| Spent {
        objective: objective.to_owned(),
        period: period.to_owned(),
        share,
        how: format!("failed of those that {period} allows"),
    };
    Evidence {
        linked: Some(Incident { first_failing: "2024-03-05T08:20:10Z".parse().unwrap(), ..incident.clone() }),
        rivals: vec![
            Rival { name: "burn rate 14.4 and 6".to_owned(), paged: Some("2024-03-05T08:32:10Z".parse().unwrap()) },
            Rival { name: "3 in a row".to_owned(), paged: None },
        ],
        incident,
        events: vec![
            event("2024-03-05T08:13:00Z", EventKind::Deploy, "identity 4.2.1 | <b>bold</b>"),
            event("2024-03-05T08:36:00Z", EventKind::Notification, "Ada paged"),
            event("2024-03-05T09:50:20Z", EventKind::Mitigation, "settings rolled back"),
        ],
        people: People {
            estimates: vec![
                estimate("People affected", Unit::People, 3_849.2, 5_574.0, 7_307.0),
                estimate("Sign-ins failed", Unit::Logins, 10_001.0, 16_649.3, 21_777.0),
            ],
            inputs: vec![estimate("Demand", Unit::People, 6_345.0, 7_050.0, 7_755.0)],
            unknown: vec![Unknown {
                what: "Sessions met".to_owned(),
                why: "nobody said how long one lasts".to_owned(),
            }],
        },
        diagnosis: None,
        surroundings: doorstep::postmortem::surroundings::Surroundings::default(),
        budgets: vec![
            spent("shop-weekly", "2024-W10", 1.2345),
            spent("shop-weekly", "2024-W11", 0.4567),
            spent("shop-strict", "2024-W10", 2.5),
        ],
        clauses: BudgetClause::usual(),
    }
}

fn drafted(evidence: &Evidence) -> Vec<File> {
    draft(&Inputs {
        evidence,
        zone: "Europe/Berlin",
        confidence: 0.95,
        data_revision: "0123456789abcdef",
        policy_revision: "fedcba9876543210",
        program: "doorstep",
        command: "doorstep postmortem draft",
        check: "doorstep postmortem lint postmortem.md",
    })
}

/// The draft as a person leaves it.
fn filled(markdown: &str) -> String {
    let action = "| TO FILL | | | |";
    assert!(markdown.contains(action), "{markdown}");
    let markdown =
        markdown.replace(action, "| Refuse settings that name an unknown standby | Ada Byron | 2024-03-12 | P0 |");
    Regex::new("TO FILL: [^\n]*")
        .unwrap()
        .replace_all(&markdown, "A standby that had been retired was named.")
        .into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_filled_passes_its_own_check() {
    let folder = folder();
    let evidence = evidence(incident(folder.path()).await);
    let files = drafted(&evidence);
    assert_eq!(files, drafted(&evidence), "the same evidence gives the same bytes");
    let fresh = lint(&files[0].text, Some(&evidence));
    let blanks = fresh.findings.iter().filter(|finding| finding.rule == Rule::Blank).count();
    assert_eq!(blanks, files[0].text.matches("TO FILL").count(), "{}", text("draft.md", &fresh));
    assert!(
        fresh
            .findings
            .iter()
            .all(|f| matches!(f.rule, Rule::Blank | Rule::BudgetWithoutPriority | Rule::ActionWithoutOwner))
    );
    let verdict = lint(&filled(&files[0].text), Some(&evidence));
    assert!(verdict.findings.is_empty() && verdict.not_checked.is_empty(), "{}", text("draft.md", &verdict));
    insta::assert_snapshot!("draft", files[0].text);
    insta::assert_snapshot!("draft_checked", text("draft.md", &verdict));
}

/// Every number of the draft, changed: the check says so in that line.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_number_is_contradicted() {
    let folder = folder();
    let evidence = evidence(incident(folder.path()).await);
    let markdown = filled(&drafted(&evidence)[0].text);
    let numbers = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+(?:\.\d+)? %|\d+ h \d+ min|\d+ min \d+ s|[\d,]+ (?:failed )?logins|[\d,]+ people|\| [\d,]+ ").unwrap();
    let mut changed = 0;
    let body = markdown.find("## Summary").unwrap()..markdown.find("## How this was made").unwrap();
    for found in numbers.find_iter(&markdown).filter(|found| body.contains(&found.start())) {
        let line = markdown[..found.start()].matches('\n').count() + 1;
        let whole = markdown.lines().nth(line - 1).unwrap();
        // The threshold of a clause is the policy's, and no measurement.
        if whole.contains("| noted |")
            || whole.starts_with("The clause '")
            || whole.contains("Ada Byron")
            || whole.starts_with("- ") && whole.contains("deploy")
        {
            continue;
        }
        let digit = found.start() + found.as_str().find(|c: char| c.is_ascii_digit()).unwrap();
        // The first digit of the number, or the last hour of a time.
        let at = if found.as_str().contains('-') { found.start() + 12 } else { digit };
        let old = &markdown[at..=at];
        let new = if old == "9" { "1".to_owned() } else { (old.parse::<u8>().unwrap() + 1).to_string() };
        let wrong = format!("{}{new}{}", &markdown[..at], &markdown[at + 1..]);
        let verdict = lint(&wrong, Some(&evidence));
        let seen = verdict.findings.iter().any(|f| f.place.line == line && f.severity == Severity::Error);
        assert!(
            seen,
            "line {line}: '{}' with {new} for {old}\n{whole}\n{}",
            found.as_str(),
            text("draft.md", &verdict)
        );
        changed += 1;
    }
    assert!(changed > 60, "only {changed} numbers were changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_writes_what_the_truth_says_and_lints_it() {
    let folder = folder();
    let incident = incident(folder.path()).await;
    let truth = &truth(folder.path()).outages[0];
    assert!(incident.start.earliest <= truth.from && truth.from <= incident.start.latest);
    assert!(incident.end.earliest <= truth.to && truth.to <= incident.end.latest);
    let id = incident.id.as_str();
    // Without a zone: as the zone of the objective says, 08:13 UTC.
    std::fs::write(folder.path().join("events.csv"), "at,kind,text\n2024-03-05 09:13,deploy,identity 4.2.1\n").unwrap();
    let note = ["event", "add", "--at", "2024-03-05T08:36:00Z", "--kind", "notification", "--text", "Ada paged"];
    assert!(run(folder.path(), &note).status.success());
    let make = ["postmortem", "draft", "--incident", id, "--events", "events.csv", "--out", "review"];
    let done = run(folder.path(), &make);
    assert!(done.status.success(), "{}", said(&done));
    let read = |name: &str| std::fs::read_to_string(folder.path().join("review").join(name)).unwrap();
    let markdown = read("postmortem.md");
    assert!(markdown.contains("--events events.csv --zone Europe/Berlin --out review\n"), "{markdown}");
    assert!(markdown.contains("from the runs that were read for this incident, revision `"), "{markdown}");
    for line in [
        "| 2024-03-05 08:13:00 UTC |",
        "| deploy: identity 4.2.1 (ada) | noted |",
        "| notification: Ada paged (ada) | noted |",
        "Neighbours in time",
    ] {
        assert!(markdown.contains(line), "{line}\n{markdown}");
    }
    let rows = read("failing-per-minute.csv");
    let failing: u64 = rows.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(failing, incident.failing.failing);
    assert!(read("failing-share.svg").starts_with("<svg"));
    assert!(run(folder.path(), &make).status.success(), "the same draft again");
    assert_eq!(read("postmortem.md"), markdown);

    let check = ["postmortem", "lint", "review/postmortem.md", "--incident", id, "--events", "events.csv"];
    assert_eq!(run(folder.path(), &check).status.code(), Some(1), "blanks are errors");
    std::fs::write(folder.path().join("review/postmortem.md"), filled(&markdown)).unwrap();
    let done = run(folder.path(), &check);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let again = run(folder.path(), &make);
    assert!(
        again.status.code() == Some(2) && said(&again).contains("somebody may have written in it"),
        "{}",
        said(&again)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_with_what_is() {
    let folder = folder();
    let incident = incident(folder.path()).await;
    let done = run(folder.path(), &["postmortem", "draft", "--incident", "20240306-0900-3fa2c1"]);
    assert!(done.status.code() == Some(2) && said(&done).contains(incident.id.as_str()), "{}", said(&done));
    let done = run(folder.path(), &["postmortem", "draft", "--incident", "yesterday"]);
    assert!(
        done.status.code() == Some(2) && said(&done).contains("looks like 20240305-0900-3fa2c1"),
        "{}",
        said(&done)
    );
    std::fs::write(folder.path().join("events.csv"), "at,kind,text\nlately,deploy,a\n2024-03-05,party,b\n").unwrap();
    let id = incident.id.as_str();
    let done = run(folder.path(), &["postmortem", "draft", "--incident", id, "--events", "events.csv"]);
    let words = said(&done);
    assert!(done.status.code() == Some(2), "{words}");
    assert!(words.contains("events.csv:2:") && words.contains("events.csv:3:"), "{words}");
}
