//! The published simulation of the rules (slo.md section 3), from our own code, within sampling error.

use doorstep::incident::{Delays, Extra, FalsePages, RuleName, Trial};

const RULES: [RuleName; 6] = [
    RuleName::Ours,
    RuleName::Adaptive,
    RuleName::BurnRate,
    RuleName::BurnRateGuarded,
    RuleName::ThreeInARow,
    RuleName::Quorum,
];

#[test]
fn print() {
    for (t, v) in [(15.0, 1), (15.0, 3), (15.0, 5), (60.0, 1), (60.0, 3), (60.0, 5)] {
        let trial = Trial::published(t, v, 1);
        println!("{t} x {v} H={:?}", trial.threshold());
        for p in [0.0005, 0.001, 0.002, 0.005] {
            for one in trial.false_pages(&RULES, p, 20.0) {
                println!("   p={p} {:?} {:.3} extra {:.4}", one.rule, one.per_year(), one.extra);
            }
        }
        for (share, limit) in [(1.0, 3600.0), (0.8, 3600.0), (0.2, 14400.0), (0.05, 43200.0)] {
            for one in trial.delays(&RULES, 0.001, share, limit, 400) {
                println!("   q={share} {:?} {:?} {:?}", one.rule, one.quantile(0.5), one.quantile(0.95));
            }
        }
    }
}
