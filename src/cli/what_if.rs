//! `doorstep simulate --what-if`: what a way of probing could detect, how soon, and how often it would page for nothing.

use std::time::Duration;

use crate::incident::{Delays, Extra, FalsePages, Layout, RuleName, Spacing, Trial};
use crate::report::format;
use crate::slo::{failure_step, rule_problem, seen_by_chance};

use super::{CommandError, Exit, print};

/// Rules that are compared.
const RULES: [RuleName; 6] = [
    RuleName::Ours,
    RuleName::Adaptive,
    RuleName::BurnRate,
    RuleName::BurnRateGuarded,
    RuleName::ThreeInARow,
    RuleName::Quorum,
];
/// Failing shares, and the seconds within which a page is waited for.
const OUTAGES: [(f64, f64); 4] = [(1.0, 3_600.0), (0.8, 3_600.0), (0.2, 14_400.0), (0.05, 43_200.0)];
/// Outages of each size that are simulated.
const TRIALS: usize = 400;
/// The smallest background that our charts believe.
const FLOOR: f64 = 0.001;
const SHORT: [f64; 6] = [5.0, 10.0, 20.0, 30.0, 60.0, 120.0];

/// A way of probing.
#[derive(Debug, Clone, clap::Args)]
pub struct WhatIfArgs {
    /// Say what a way of probing could detect, instead of writing runs
    #[arg(long, conflicts_with_all = ["script", "store", "config", "from", "to", "runs", "truth", "mix"])]
    pub what_if: bool,
    /// Time between two logins of one vantage, such as 60s
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", requires = "what_if")]
    pub interval: Duration,
    /// How many vantages probe: each interval has one share for each, and a login anywhere within it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=20), default_value_t = 3, requires = "what_if")]
    pub vantages: u32,
    /// The promised share of good logins
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "99.9%", requires = "what_if")]
    pub objective: f64,
    /// What fails while nothing is wrong
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "0.1%", requires = "what_if")]
    pub background: f64,
    /// Years of healthy probing that are simulated
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20, requires = "what_if")]
    pub years: u32,
}

/// Simulates and prints.
///
/// # Errors
/// With [`Exit::Usage`], when no chart can tell an outage from the background.
pub(super) fn execute(args: &WhatIfArgs, seed: u64) -> Result<Exit, CommandError> {
    let p0 = args.background.max(FLOOR);
    let trial = Trial {
        layout: Layout { interval: args.interval.as_secs_f64(), vantages: args.vantages, spacing: Spacing::ByChance },
        target: args.objective,
        p0,
        p1: (4.0 * p0).clamp(0.05, 0.9),
        per_year: 1.0,
        extra: Extra::SamePlace,
        cut_off: None,
        seed,
    };
    if p0 > 0.2 || trial.threshold().is_none() {
        let message = format!(
            "no chart tells an outage from a background of {}: probe something that fails less",
            format::target(args.background)
        );
        return Err(CommandError::new(Exit::Usage, message));
    }
    print::out(&rendered(args, &trial));
    Ok(Exit::Good)
}

fn rendered(args: &WhatIfArgs, trial: &Trial) -> String {
    let places = if args.vantages == 1 { "place" } else { "places" };
    let mut text = format!(
        "A login every {} from {} {places}; objective {}; {} fail while nothing is wrong.\n\
         Our charts: a failure weighs {}, alarm at {}, for one false alarm a year.\n\n",
        seconds(trial.layout.interval),
        args.vantages,
        format::target(args.objective),
        format::target(args.background),
        failure_step(trial.p0, trial.p1),
        trial.threshold().unwrap_or_default(),
    );
    let delays = OUTAGES.map(|(share, limit)| trial.delays(&RULES, args.background, share, limit, TRIALS));
    let pages = trial.false_pages(&RULES, args.background, f64::from(args.years));
    let heads = ["all fail", "80 %", "20 %", "5 %", "false pages a year"];
    text.push_str(&format!("{:<32}", "Page after (half / 95 % of them)"));
    text.push_str(&format!("{:>16}{:>16}{:>16}{:>16}{:>20}\n", heads[0], heads[1], heads[2], heads[3], heads[4]));
    for one in &pages {
        text.push_str(&row(one, &delays));
    }
    text.push_str("\nAdd the login's timeout when it hangs. A dash: later than 1 h, 1 h, 4 h, 12 h.\n");
    if let Some(extra) = pages.iter().find(|one| one.rule == RuleName::Adaptive) {
        let share = extra.extra * 100.0;
        text.push_str(&format!("Extra probes after a failure are {share:.2} % of all while nothing is wrong.\n"));
    }
    text.push_str(&short_outages(trial.layout));
    text.push_str(&burn_rules(trial));
    text
}

fn row(pages: &FalsePages, delays: &[Vec<Delays>; 4]) -> String {
    let mut text = format!("{:<32}", pages.rule.title());
    for each in delays {
        let of = |share: f64| {
            let found = each.iter().find(|one| one.rule == pages.rule).and_then(|one| one.quantile(share));
            found.map_or_else(|| "-".to_owned(), seconds)
        };
        text.push_str(&format!("{:>16}", format!("{} / {}", of(0.5), of(0.95))));
    }
    text.push_str(&format!("{:>20}\n", rate(pages)));
    text
}

/// A rate with as many digits as it has; none seen is less than one in the years that were simulated.
fn rate(pages: &FalsePages) -> String {
    match (pages.pages, pages.per_year()) {
        (0, _) => format!("< {:.2}", 1.0 / pages.years),
        (_, rate) if rate >= 10.0 => format!("{rate:.0}"),
        (_, rate) => format!("{rate:.2}"),
    }
}

/// `45s`, `7m`, `2.5h`: short enough for a table.
fn seconds(value: f64) -> String {
    match value {
        value if value < 600.0 => format!("{}s", (value * 10.0).round() / 10.0).replace(".0s", "s"),
        value if value < 7_200.0 => format!("{:.0}m", value / 60.0),
        value => format!("{:.1}h", value / 3_600.0),
    }
}

fn short_outages(layout: Layout) -> String {
    let one = |&length: &f64| {
        let chance = seen_by_chance(length, layout.interval, layout.vantages);
        // Cut, not rounded: what may be missed is not seen with 100 %.
        format!("{} {:.0} %", seconds(length), (chance * 100.0).floor())
    };
    // Slots lie anywhere within their shares of the interval: two neighbours may be two shares apart.
    let surely = 2.0 * layout.interval / f64::from(layout.vantages);
    let all: Vec<String> = SHORT.iter().map(one).collect();
    format!(
        "\nChance that a short outage meets a login at all: {}. From {} on, surely.\n",
        all.join(", "),
        seconds(surely)
    )
}

fn burn_rules(trial: &Trial) -> String {
    let per_hour = 3_600.0 / trial.layout.interval * f64::from(trial.layout.vantages);
    let mut text = String::new();
    for (factor, hours, name) in [(14.4, 1, "14.4 on 1 h and 5 min"), (6.0, 6, "6 on 6 h and 30 min")] {
        let long = Duration::from_secs(3_600 * hours);
        if let Some(problem) = rule_problem(factor, long, trial.target, per_hour) {
            text.push_str(&format!("The burn-rate rule {name} {problem}.\n"));
        }
    }
    text
}

fn duration(text: &str) -> Result<Duration, String> {
    let help = || format!("'{text}' is no interval: write 15s, 60s or 5m");
    let span: jiff::SignedDuration = text.parse().map_err(|_| help())?;
    Duration::try_from(span).ok().filter(|time| time.as_secs() >= 1).ok_or_else(help)
}

/// A percentage such as 99.9% as a share, above 0 and below 100 %.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim();
    let share = number.parse::<f64>().ok().map(|percent| percent / 100.0);
    share
        .filter(|share| *share > 0.0 && *share < 1.0 && text.trim().ends_with('%'))
        .ok_or_else(|| format!("'{text}' is no percentage between 0% and 100%: write it like 99.9%"))
}
