//! What an objective counts, in PromQL over the worker's own metrics. Knows no rule and no document that asks for it.

use crate::model::{LostRuns, Micros, Objective};

/// The counters behind an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counters {
    /// Logins that count as good.
    pub(super) good: String,
    /// All logins that count.
    pub(super) total: String,
    /// The bound is not the objective's own threshold but the next lower one that is counted, in seconds as written.
    pub(super) stricter: Option<String>,
}

/// The counters of an objective; `None` when its threshold lies below every bound (ascending, in seconds) of the
/// worker's histogram.
pub(super) fn counters(objective: &Objective, lost_runs: LostRuns, bounds: &[f64]) -> Option<Counters> {
    let flow = &objective.flow;
    let counted = match lost_runs {
        LostRuns::Excluded => "good|bad",
        LostRuns::Bad => "good|bad|lost",
    };
    let total = format!("doorstep_logins_total{{flow=\"{flow}\",verdict=~\"{counted}\"}}");
    let Some(threshold) = objective.threshold else {
        let good = format!("doorstep_logins_total{{flow=\"{flow}\",verdict=\"good\"}}");
        return Some(Counters { good, total, stricter: None });
    };
    let wanted = threshold.at_most.0 as f64 / 1e6;
    let bound = *bounds.iter().rev().find(|&&bound| bound <= wanted + 1e-9)?;
    let good =
        format!("doorstep_login_duration_seconds_bucket{{flow=\"{flow}\",verdict=\"good\",{}}}", bound_label(bound));
    Some(Counters { good, total, stricter: ((wanted - bound).abs() > 1e-9).then(|| format!("{bound} s")) })
}

/// Prometheus 3 writes `1.0` where 2 kept the `1` of the worker.
fn bound_label(bound: f64) -> String {
    if bound.fract() == 0.0 { format!("le=~\"{bound}([.]0)?\"") } else { format!("le=\"{bound}\"") }
}

/// A duration as the configuration writes it.
pub(super) fn duration(micros: Micros) -> String {
    let units = [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
    let fitting = units.iter().find(|(_, scale)| micros.0 >= *scale && micros.0.is_multiple_of(*scale));
    fitting.map_or_else(|| format!("{}us", micros.0), |(unit, scale)| format!("{}{unit}", micros.0 / scale))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::{FlowName, ObjectiveName, Target, Threshold};

    fn objective(under: Option<u64>) -> Objective {
        Objective {
            name: ObjectiveName::new("fast").unwrap(),
            description: String::new(),
            flow: FlowName::new("shop").unwrap(),
            target: Target::new(0.99).unwrap(),
            threshold: under.map(|micros| Threshold { at_most: Micros(micros) }),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn a_threshold_between_two_bounds_is_told_and_made_stricter() {
        let bounds = [0.25, 0.5, 1.0];
        let of = |under| counters(&objective(under), LostRuns::Excluded, &bounds);
        assert_eq!(of(Some(500_000)).unwrap().stricter, None);
        assert!(of(Some(500_000)).unwrap().good.contains("le=\"0.5\""));
        assert_eq!(of(Some(700_000)).unwrap().stricter.as_deref(), Some("0.5 s"));
        assert!(of(Some(1_000_000)).unwrap().good.contains("le=~\"1([.]0)?\""));
        assert_eq!(of(Some(100_000)), None);
        assert_eq!(of(None).unwrap().good, "doorstep_logins_total{flow=\"shop\",verdict=\"good\"}");
    }

    #[test]
    fn durations_are_those_of_the_configuration() {
        for (micros, text) in
            [(500_000, "500ms"), (2_000_000, "2s"), (1_500_000, "1500ms"), (60_000_000, "1m"), (7, "7us")]
        {
            assert_eq!(duration(Micros(micros)), text);
        }
    }
}
