//! The published worked examples of burn-rate rules, run against our own.

use std::time::Duration;

use doorstep::slo::{can_fire, rule_factor, seconds_to_fire};

use crate::report_vectors::{Computed, Inputs, check};

#[test]
fn every_published_example_of_burn_rate_rules_holds() {
    check("burn-rate rules", 21, compute);
}

fn compute(formula: &str, inputs: &Inputs) -> Computed {
    let hours = || Duration::from_secs(inputs.count("hours") * 3600);
    match formula {
        "F2.factor" => {
            let window = Duration::from_secs(inputs.count("days") * 86_400);
            vec![("factor", rule_factor(inputs.number("share"), window, hours()).into())]
        }
        "F2.seconds" => {
            let (factor, target) = (inputs.number("factor"), inputs.number("target"));
            vec![("seconds", seconds_to_fire(hours(), factor, target, inputs.number("failing")).into())]
        }
        "F2.can_fire" => {
            vec![("can", f64::from(u8::from(can_fire(inputs.number("factor"), inputs.number("target")))).into())]
        }
        unknown => panic!("no formula is called {unknown}"),
    }
}
