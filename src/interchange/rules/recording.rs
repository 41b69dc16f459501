//! Recording rules of one objective: logins by verdict over each window, and the failing share as a ratio of sums, never
//! as a mean of ratios (F22: five-minute ratios averaged overstate a night with little traffic 334 times).

use serde_json::{Value, json};

use super::super::measure::Counters;

/// The windows, as Prometheus writes them: those of the burn-rate rules, and what lies between.
pub(super) const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

pub(super) const LOGINS: &str = "doorstep:logins:increase";
pub(super) const FAILING: &str = "doorstep:failing:ratio";

pub(super) fn rules(objective: &str, counters: &Counters) -> Vec<Value> {
    WINDOWS.iter().flat_map(|window| rules_of(objective, counters, window)).collect()
}

fn rules_of(objective: &str, counters: &Counters, window: &str) -> [Value; 3] {
    let good = format!("sum(increase({}[{window}]))", counters.good);
    let total = format!("sum(increase({}[{window}]))", counters.total);
    let logins = format!("{LOGINS}{window}");
    let recorded = |verdict: &str| format!("{logins}{{objective=\"{objective}\",verdict=\"{verdict}\"}}");
    let labelled = |verdict: &str, expr: String| json!({ "record": logins, "expr": expr, "labels": { "objective": objective, "verdict": verdict } });
    // Without any login there is no share: an answer of 0 would call silence success.
    let ratio = format!("sum({bad}) / (sum({good}) + sum({bad}) > 0)", good = recorded("good"), bad = recorded("bad"),);
    [
        labelled("good", good.clone()),
        // A good login that Prometheus saw in one counter and not yet in the other must not count as negative.
        labelled("bad", format!("clamp_min({total} - {good}, 0)")),
        json!({ "record": format!("{FAILING}{window}"), "expr": ratio, "labels": { "objective": objective } }),
    ]
}
