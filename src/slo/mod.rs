//! Counts, histograms, windows, budgets and confidence: the arithmetic of honest numbers. Knows no store and no
//! rendering; the time is an argument.
//!
//! Every formula names its source beside it, and `tests/vectors/slo.json` holds worked examples of each that somebody
//! else computed, in a form that other tools can run. Absence is `None`: no events have no ratio.

mod bernoulli;
mod beta;
mod budget;
mod burn;
mod charts;
mod composition;
mod design_effect;
mod difference;
mod downtime;
mod durations;
mod histogram;
mod interval;
mod measured;
pub mod notation;
mod outlook;
mod period;
mod poisson;
mod proportion;
mod ranks;
mod rule_check;
mod sprt;
mod tally;
mod users;
mod verdict;

pub use bernoulli::{LARGEST_THRESHOLD, average_run_length, chart_threshold, failure_step};
pub use budget::{burn_rate, failures_to_fire, left_after, period_budget, spent_share};
pub use burn::{can_fire, rule_factor, seconds_to_fire};
pub use charts::rest_threshold;
pub use composition::{all_good_slices, serial, weighted_errors};
pub use design_effect::DesignEffect;
pub use difference::difference;
pub use downtime::{
    OutageBounds, midpoint_deviation, observed_deviation, outage_bounds, seen_by_chance, seen_probability,
};
pub use durations::Durations;
pub use histogram::LatencyHistogram;
pub use interval::Interval;
pub use measured::{Episode, Measured, MeasuredOutage, measured_availability, measured_with_episodes};
pub use outlook::{LEAST_DAYS, Outlook, OutlookQuestion, SpentFan, fan_coverage, outlook, outlook_seed};
pub use period::{Period, PeriodError};
pub use poisson::poisson_interval;
pub use proportion::{clopper_pearson, jeffreys, one_sided_lower_bound_without_failures, wilson};
pub use ranks::{RankInterval, rank_interval, target_rank};
pub use rule_check::{RuleProblem, never_fires_until, rule_problem, single_failure_below};
pub use sprt::{quorum_rate, run_length, sprt_limits, sprt_steps};
pub use tally::Tally;
pub use users::{Slice, UserWeighted, user_weighted, user_weighted_over_time};
pub use verdict::{Attainment, attainment, probability_met, probes_to_tell};
