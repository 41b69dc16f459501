//! The specimen's outage, simulated as it is told and held against what somebody wrote about it.

use doorstep::incident::{Rules, Symptom};
use doorstep::postmortem::evidence::{Evidence, People};
use doorstep::postmortem::lint::{Rule, lint, text};
use doorstep::query;
use doorstep::slo::Period;

use crate::simulate::{simulate, store};

const SPECIMEN: &str = include_str!("specimen.md");

#[tokio::test(flavor = "multi_thread")]
async fn the_specimen_is_held_against_its_own_outage() {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/probes/simulate/specimen.yaml");
    let done = simulate(folder.path(), script, &["--from", "2024-03-04", "--to", "2024-03-07"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let period =
        Period::between(at("2024-03-04T00:00:00Z"), at("2024-03-07T00:00:00Z"), &jiff::tz::TimeZone::UTC).unwrap();
    let found = query::incidents(&store(folder.path()), &period, &Rules::default(), &mut |_, _| {}).await.unwrap();
    let failing: Vec<_> =
        found.detection.incidents.into_iter().filter(|incident| incident.symptom == Symptom::Failing).collect();
    let incident = failing.iter().max_by_key(|incident| incident.high.0).unwrap().clone();
    let holds = |bounds: doorstep::incident::Bounds, truth| bounds.earliest <= at(truth) && at(truth) <= bounds.latest;
    assert!(holds(incident.start, "2024-03-05T09:00:00Z"), "{:?}", incident.start);
    assert!(holds(incident.end, "2024-03-06T02:30:00Z"), "{:?}", incident.end);

    let evidence = Evidence {
        incident,
        linked: None,
        rivals: Vec::new(),
        events: Vec::new(),
        people: People::default(),
        budgets: Vec::new(),
        clauses: doorstep::model::BudgetClause::usual(),
        diagnosis: None,
        surroundings: doorstep::postmortem::surroundings::Surroundings::default(),
    };
    let verdict = lint(SPECIMEN, Some(&evidence));
    let against: Vec<_> = verdict
        .findings
        .iter()
        .filter(|finding| finding.rule == Rule::AgainstData)
        .map(|finding| (finding.place.line, finding.place.quote.as_str()))
        .collect();
    let expected = [
        (5, "March 5, 2024, 09:00 AM - March 6, 2024, 01:00 AM (UTC)"),
        (5, "March 6, 2024, 01:00 AM (UTC)"),
        (6, "affecting all users"),
        (6, "complete outage"),
    ];
    assert_eq!(against, expected, "{}", text("specimen.md", &verdict));
    let held: Vec<_> = verdict.confirmed.iter().map(|held| (held.place.line, held.place.quote.as_str())).collect();
    assert!(held.contains(&(5, "March 5, 2024, 09:00 AM")), "{held:?}");
    assert!(held.contains(&(17, "02:30 AM")), "{held:?}");
    insta::assert_snapshot!(text("specimen.md", &verdict));
}
