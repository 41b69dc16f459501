//! OpenSLO out and in: a round trip changes nothing, and what another tool's documents say beyond a share per calendar
//! week is named.

use std::fs;
use std::path::Path;

use doorstep::app::DiskFiles;
use doorstep::config::{Overrides, load};
use doorstep::interchange::openslo;
use doorstep::model::Objective;
use serde_json::Value;

use super::{configure, doorstep, good, texts};

const OBJECTIVES: &str = "objectives:\n  \
    Shop.Login: { description: \"Everybody: can \\\"log in\\\" # always\", flow: shop, target: 99.95%, zone: Europe/Berlin }\n  \
    shop-fast: { flow: shop, target: 95%, under: 500ms }\n  \
    till_slow: { flow: till, target: 99.123456%, under: 2s, zone: America/New_York }\n";

fn objectives(folder: &Path) -> Vec<Objective> {
    let loaded = load(&folder.join("doorstep.yaml"), &DiskFiles, &Overrides::default());
    let said: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    loaded.site.unwrap_or_else(|| panic!("{said:?}")).objectives
}

fn shown(objectives: &[Objective]) -> Vec<String> {
    objectives.iter().map(|objective| format!("{objective:?}")).collect()
}

#[test]
fn a_round_trip_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, OBJECTIVES);
    let before = objectives(place);
    let (exported, notes) = good(place, &["export", "openslo"]);
    insta::assert_snapshot!("openslo_export", exported);
    assert!(notes.contains("coverage") && notes.contains("exclusions"), "{notes}");
    assert!(notes.lines().all(|line| line.starts_with("note: not expressed: ")), "{notes}");
    fs::write(place.join("slo.yaml"), &exported).unwrap();
    let (imported, notes) = good(place, &["import", "openslo", "slo.yaml"]);
    assert_eq!(notes, "", "all that was exported has a word here");
    configure(place, &imported);
    assert_eq!(shown(&objectives(place)), shown(&before));
    // And once more: what comes out is what went in.
    assert_eq!(good(place, &["export", "openslo"]).0, exported);
}

#[test]
fn a_threshold_that_the_histogram_does_not_know_is_told() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "objectives: { fast: { flow: shop, target: 95%, under: 700ms } }\n");
    let (exported, notes) = good(folder.path(), &["export", "openslo"]);
    assert!(exported.contains(r#"le=\"0.5\""#) && notes.contains("within 0.5 s"), "{exported}{notes}");
    assert!(exported.contains("doorstep/under: \"700ms\""), "the objective itself is not changed: {exported}");
}

/// What other tools write: another source, windows, methods, thresholds, composites and policies.
const FOREIGN: &str = r#"
apiVersion: openslo/v1
kind: Service
metadata: { name: checkout }
---
apiVersion: openslo/v1
kind: DataSource
metadata: { name: metrics-store }
spec: { type: Prometheus, connectionDetails: { url: "http://metrics.example" } }
---
apiVersion: openslo/v1
kind: SLI
metadata: { name: checkout-errors }
spec:
  ratioMetric:
    counter: true
    good: { metricSource: { type: Prometheus, spec: { query: 'http_requests_total{code!~"5.."}' } } }
    total: { metricSource: { type: Prometheus, spec: { query: http_requests_total } } }
---
apiVersion: openslo/v1
kind: SLO
metadata: { name: checkout-availability, labels: { team: shop } }
spec:
  description: Customers can pay
  service: checkout
  indicatorRef: checkout-errors
  timeWindow: [{ duration: 28d, isRolling: true }]
  budgetingMethod: Timeslices
  objectives: [{ targetPercent: 99.9, timeSliceTarget: 0.95, timeSliceWindow: 1m }]
  alertPolicies: [page-the-team]
---
apiVersion: openslo/v1
kind: SLO
metadata: { name: search-speed }
spec:
  service: search
  indicator:
    metadata: { name: search-latency }
    spec: { thresholdMetric: { metricSource: { type: Datadog, spec: { query: "avg:search.latency" } } } }
  timeWindow: [{ duration: 1M, calendar: { startTime: "2026-01-01 00:00:00", timeZone: Mars/Olympus } }]
  budgetingMethod: Occurrences
  objectives:
    - { displayName: fast, op: lte, value: 200, target: 0.9 }
    - { displayName: slow, op: lte, value: 900, target: 0.99, compositeWeight: 2, indicatorRef: checkout-errors }
    - { displayName: perfect, target: 1.0 }
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: { name: page-the-team }
spec: { alertWhenBreaching: true }
---
apiVersion: openslo/v1alpha
kind: SLO
metadata: { name: old }
"#;

#[test]
fn what_cannot_be_expressed_is_said_twice() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("foreign.yaml"), FOREIGN).unwrap();
    let (imported, notes) = good(folder.path(), &["import", "openslo", "foreign.yaml"]);
    insta::assert_snapshot!("openslo_import", imported);
    let comments = imported.lines().filter(|line| line.trim_start().starts_with('#'));
    for comment in comments {
        let words = comment.trim_start().trim_start_matches("# ");
        assert!(notes.contains(words), "{words} is not on standard error:\n{notes}");
    }
    assert!(notes.lines().all(|line| line.starts_with("foreign.yaml: ")), "{notes}");
}

/// Every field of the specification of v1 (README of github.com/OpenSLO/OpenSLO), and some that are none.
const EVERYTHING: &str = r#"
apiVersion: openslo/v1
kind: SLO
stray: at the top
metadata:
  name: pay
  displayName: Paying
  labels: { team: [shop, till], tier: one }
  annotations: { shop.example/page: runbook }
  namespace: production
spec:
  description: Customers can pay
  service: checkout
  indicator:
    metadata: { name: pay-errors, displayName: Errors, labels: { a: b }, annotations: { c.example/d: e } }
    spec:
      description: Requests that failed
      thresholdMetric: { metricSource: { metricSourceRef: metrics, type: Prometheus, spec: { query: latency } } }
      ratioMetric:
        counter: true
        good: { metricSource: { metricSourceRef: metrics, type: Prometheus, spec: { query: goods } } }
        bad: { metricSource: { metricSourceRef: metrics, type: Prometheus, spec: { query: bads } } }
        total: { metricSource: { metricSourceRef: metrics, type: Prometheus, spec: { query: alls } } }
        rawType: success
        raw: { metricSource: { metricSourceRef: metrics, type: Prometheus, spec: { query: raws } } }
  indicatorRef: named-errors
  timeWindow:
    - { duration: 28d, isRolling: true, calendar: { startTime: "2026-01-01 00:00:00", timeZone: Europe/Berlin, week: iso }, grace: 1h }
    - { duration: 90d, isRolling: true }
  budgetingMethod: Timeslices
  objectives:
    - displayName: Fast enough
      op: lte
      value: 250
      target: 0.99
      targetPercent: 98
      timeSliceTarget: 0.95
      timeSliceWindow: 1m
      compositeWeight: 2
      owner: nobody
    - { displayName: At all, op: gte, value: 900, targetPercent: 99.5, indicatorRef: named-errors }
    - { displayName: Elsewhere, op: lt, value: 300, target: 0.9, indicatorRef: lost-errors }
  alertPolicies: [{ alertPolicyRef: page }]
  severity: high
---
apiVersion: openslo/v1
kind: SLO
metadata: { name: sign-in, displayName: Signing in }
spec:
  service: door
  timeWindow: [{ duration: 1w, calendar: { startTime: "2026-01-05 00:30:00", timeZone: Europe/Berlin } }]
  budgetingMethod: Occurrences
  objectives: [{ displayName: Everybody, target: 0.999 }]
---
apiVersion: openslo/v1
kind: Service
metadata: { name: checkout, displayName: The checkout, labels: { f: g }, annotations: { h.example/i: j } }
spec: { description: Where people pay, owner: somebody }
---
apiVersion: openslo/v1
kind: Service
metadata: { name: attic, displayName: The attic }
spec: { description: Nobody goes there }
---
apiVersion: openslo/v1
kind: SLI
metadata: { name: named-errors, displayName: Named }
spec: { description: Named too, ratioMetric: { counter: true, good: { metricSource: { type: Datadog, spec: { query: named } } } } }
---
apiVersion: openslo/v1
kind: SLI
metadata: { name: checkout, displayName: Spare }
spec: { ratioMetric: { counter: true, raw: { metricSource: { type: Datadog, spec: { query: spare } } } } }
---
apiVersion: openslo/v1
kind: DataSource
metadata: { name: metrics, displayName: Metrics }
spec: { description: Our metrics, type: Prometheus, connectionDetails: { url: "http://metrics.example" } }
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: { name: page, displayName: Page }
spec: { description: Pages, alertWhenNoData: true, alertWhenBreaching: true, alertWhenResolved: true, conditions: [{ conditionRef: burning }], notificationTargets: [{ targetRef: pager }] }
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: { name: burning, displayName: Burning }
spec: { description: Burns, severity: page, condition: { kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m } }
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: { name: pager, displayName: Pager }
spec: { description: Rings, target: email }
"#;

/// Parts that one remark names whole, however they read inside.
const NAMED_WHOLE: [(&str, &str); 14] = [
    ("SLO pay/metadata/labels", "labels and annotations are not kept"),
    ("SLO pay/metadata/annotations", "labels and annotations are not kept"),
    ("SLO pay/spec/indicator/", "its indicator (thresholdMetric, 'Requests that failed')"),
    ("SLO pay/spec/indicatorRef", "spec.indicatorRef: named-errors"),
    ("SLO pay/spec/alertPolicies", "alert policies"),
    ("SLI named-errors", "its indicator named-errors (ratioMetric, 'Named too')"),
    ("Service attic", "Service attic: left out: no SLO of this file names it"),
    ("SLI checkout", "SLI checkout: left out: no SLO of this file names it"),
    ("DataSource metrics", "DataSource metrics: left out"),
    ("AlertPolicy page", "AlertPolicy page: left out"),
    ("AlertCondition burning", "AlertCondition burning: left out"),
    ("AlertNotificationTarget pager", "AlertNotificationTarget pager: left out"),
    ("/apiVersion", "objectives:"),
    ("/kind", "objectives:"),
];

/// Each value of each field is in what comes out, or is named as lost: were it another one, something would read
/// otherwise.
#[test]
fn no_field_of_the_specification_is_dropped_in_silence() {
    let documents: Vec<Value> = serde_saphyr::from_multiple(EVERYTHING).unwrap();
    let said = |documents: &[Value]| {
        let text: Vec<String> = documents.iter().map(|document| format!("{document:#}\n")).collect();
        let imported = openslo::import(&text.join("---\n")).unwrap();
        openslo::objectives_yaml(&imported)
    };
    let before = said(&documents);
    let mut looked_at = 0;
    for (index, document) in documents.iter().enumerate() {
        let what = format!("{} {}", document["kind"].as_str().unwrap(), document["metadata"]["name"].as_str().unwrap());
        for place in leaves(document) {
            let path = format!("{what}{place}");
            looked_at += 1;
            if let Some((_, remark)) = NAMED_WHOLE.iter().find(|(part, _)| path.contains(part)) {
                assert!(before.contains(remark), "{path}: '{remark}' is not in\n{before}");
                continue;
            }
            let mut changed = documents.clone();
            *changed[index].pointer_mut(&place).unwrap() = Value::from("another");
            assert_ne!(said(&changed), before, "{path} is neither kept nor named in\n{before}");
        }
    }
    assert!(looked_at > 100, "only {looked_at} fields");
}

/// The places of all values that hold no other.
fn leaves(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| leaves(value).into_iter().map(move |place| format!("/{key}{place}"));
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => members.iter().flat_map(|(key, value)| below(escaped(key), value)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, value)| below(at.to_string(), value)).collect(),
        _ => vec![String::new()],
    }
}

#[test]
fn titles_stand_for_a_description_that_is_not_there() {
    let imported = openslo::import(EVERYTHING).unwrap();
    let of = |name: &str| imported.objectives.iter().find(|objective| objective.name == name).unwrap();
    assert_eq!(of("sign-in").description, "Signing in: Everybody");
    let lost = &of("pay-1").remarks;
    for remark in ["the title 'Paying'", "the title 'Fast enough'", "a further time window, "] {
        assert!(lost.iter().any(|said| said.contains(remark)), "{remark}: {lost:#?}");
    }
    let lost = &of("pay-3").remarks;
    assert!(lost.iter().any(|said| said.contains("its indicator lost-errors, which is not in this file")), "{lost:#?}");
    // Half past midnight is no midnight.
    assert!(of("sign-in").remarks.iter().any(|said| said.contains("begins at 2026-01-05 00:30:00")));
}

#[test]
fn files_that_hold_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let refused = |text: &str| {
        fs::write(place.join("x.yaml"), text).unwrap();
        let done = doorstep(place, &["import", "openslo", "x.yaml"]);
        assert_eq!(done.status.code(), Some(2), "{text}");
        let (out, err) = texts(&done);
        assert_eq!(out, "");
        err
    };
    assert!(refused("a: [1\n").contains("x.yaml: ") && refused("a: [1\n").contains("no valid YAML"));
    assert!(refused("").contains("no document with apiVersion: openslo/v1"));
    let only = refused("apiVersion: openslo/v1\nkind: Service\nmetadata: { name: shop }\n");
    assert!(only.contains("x.yaml: Service shop: left out: no SLO of this file names it\n"), "{only}");
    assert!(only.contains("nothing was imported: only an SLO with a target becomes an objective"), "{only}");
    assert!(refused("apiVersion: openslo/v1alpha\nkind: SLO\n").contains("other versions are not read"));
    configure(place, OBJECTIVES);
    let (exported, _) = good(place, &["export", "openslo", "--objective", "shop-fast"]);
    let twice = refused(&format!("{exported}---\n{exported}"));
    assert!(twice.contains("the objective shop-fast is here twice"), "{twice}");
    let done = doorstep(place, &["export", "openslo", "--objective", "shop-fats"]);
    assert!(texts(&done).1.contains("no objective is called 'shop-fats'; there are: Shop.Login, shop-fast, till_slow"));
}
