//! OpenSLO out and in: a round trip changes nothing, and what another tool's documents say beyond a share per calendar
//! week is named.

use std::fs;
use std::path::Path;

use doorstep::app::DiskFiles;
use doorstep::config::{Overrides, load};
use doorstep::model::Objective;

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
    assert!(refused("apiVersion: openslo/v1alpha\nkind: SLO\n").contains("other versions are not read"));
    configure(place, OBJECTIVES);
    let (exported, _) = good(place, &["export", "openslo", "--objective", "shop-fast"]);
    let twice = refused(&format!("{exported}---\n{exported}"));
    assert!(twice.contains("the objective shop-fast is here twice"), "{twice}");
    let done = doorstep(place, &["export", "openslo", "--objective", "shop-fats"]);
    assert!(texts(&done).1.contains("no objective is called 'shop-fats'; there are: Shop.Login, shop-fast, till_slow"));
}
