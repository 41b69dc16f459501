//! Multiwindow burn-rate alerts (F2; Google SRE Workbook, chapter 5), judged before they are written: a rule that one
//! failure fires, or that nothing can fire, is no help (F3).

use std::time::Duration;

use serde_json::{Value, json};

use super::recording::{FAILING, LOGINS, WINDOWS};
use super::{Settings, Watched, alert};
use crate::slo::{can_fire, failures_to_fire, rule_factor};

/// The window whose budget the rules guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// A week, as the reports; shares of Sloth's seven-day file, since the Workbook's would fire inside the objective.
    Week,
    /// 28 days, with the Workbook's shares.
    FourWeeks,
    /// 30 days, with the Workbook's shares.
    ThirtyDays,
}

/// One rule: share of the budget, long and short window, and who is told.
struct Rule {
    share: f64,
    long: &'static str,
    short: &'static str,
    severity: &'static str,
}

impl Window {
    fn length(self) -> Duration {
        let days = match self {
            Self::Week => 7,
            Self::FourWeeks => 28,
            Self::ThirtyDays => 30,
        };
        Duration::from_secs(days * 86_400)
    }

    fn rules(self) -> [Rule; 4] {
        let shares = match self {
            // The last is 3/7, which makes its factor 1: the budget is being spent faster than it comes.
            Self::Week => [0.08, 0.125, 0.2, 3.0 / 7.0],
            Self::FourWeeks | Self::ThirtyDays => [0.02, 0.05, 0.1, 0.1],
        };
        let windows = [("1h", "5m", "page"), ("6h", "30m", "page"), ("1d", "2h", "ticket"), ("3d", "6h", "ticket")];
        let with = |index: usize| {
            let (long, short, severity) = windows[index];
            Rule { share: shares[index], long, short, severity }
        };
        [with(0), with(1), with(2), with(3)]
    }
}

/// The alerts of one objective; what is left out or changed is said.
pub(super) fn alerts(watched: &Watched<'_>, settings: &Settings<'_>, remarks: &mut Vec<String>) -> Vec<Value> {
    let rules = settings.window.rules();
    rules.iter().filter_map(|rule| one(watched, settings, rule, remarks)).collect()
}

fn one(watched: &Watched<'_>, settings: &Settings<'_>, rule: &Rule, remarks: &mut Vec<String>) -> Option<Value> {
    let (objective, target) = (watched.objective, watched.objective.target.share());
    let (name, long) = (objective.name.as_str(), rule.long);
    let factor = rule_factor(rule.share, settings.window.length(), length(long));
    let mut say = |text: String| remarks.push(format!("{name}: the alert over {long} {text}"));
    if !can_fire(factor, target) {
        say(format!("is left out: a burn rate of {factor:.2} asks for more than every login to fail"));
        return None;
    }
    let runs = watched.runs_in(length(long));
    let needed = failures_to_fire(factor, target, runs.floor() as u64);
    if settings.least_failures as f64 > runs {
        let least = settings.least_failures;
        say(format!(
            "is left out: only {runs:.1} logins are due in it, and {least} failures are asked for; probe more often"
        ));
        return None;
    }
    if needed < settings.least_failures {
        let least = settings.least_failures;
        let one = if needed == 1 { "a single failure".to_owned() } else { format!("{needed} failures") };
        say(format!("would fire on {one} of {runs:.0} logins; it waits for {least}"));
    }
    let Some(short) = short_window(watched, rule) else {
        say("is left out: no shorter window has a login in it at all times; probe more often".to_owned());
        return None;
    };
    if short != rule.short {
        say(format!("looks at the last {short}, since {} may pass without a login", rule.short));
    }
    let (threshold, selector) = (factor * (1.0 - target), format!("{{objective=\"{name}\"}}"));
    let bad = format!("sum({LOGINS}{long}{{objective=\"{name}\",verdict=\"bad\"}})");
    // What increase() extrapolates may lie a little below the count.
    let guard = settings.least_failures as f64 - 0.5;
    let expr = format!(
        "{FAILING}{long}{selector} > {threshold:.6} and {FAILING}{short}{selector} > {threshold:.6} \
         and on() {bad} > {guard}"
    );
    // Two objectives of one flow are two alerts: the same name and labels would be one, and promtool refuses the file.
    let flow = objective.flow.as_str();
    let labels = json!({ "severity": rule.severity, "flow": flow, "objective": name, "window": long });
    let share = rule.share * 100.0;
    let summary = format!(
        "{name}: {{{{ $value | humanizePercentage }}}} of the logins in {long} failed; {share:.0} % of the budget goes in that time"
    );
    Some(alert("DoorstepBudgetBurn", &expr, None, &labels, &summary))
}

/// The rule's short window, or the next longer one in which a login is due at all times.
fn short_window(watched: &Watched<'_>, rule: &Rule) -> Option<&'static str> {
    let fits = |window: &&&str| length(window) >= length(rule.short) && length(window) < length(rule.long);
    // Jitter moves a slot by up to an interval, so two must be due on average.
    WINDOWS.iter().filter(fits).find(|window| watched.runs_in(length(window)) >= 2.0).copied()
}

fn length(window: &str) -> Duration {
    let (number, unit) = window.split_at(window.len() - 1);
    let scale = match unit {
        "m" => 60,
        "h" => 3600,
        _ => 86_400,
    };
    Duration::from_secs(number.parse::<u64>().unwrap_or(0) * scale)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::{FlowName, LostRuns, Objective, ObjectiveName, Target};

    fn judged(target: f64, seconds: u64, vantages: usize, window: Window) -> (usize, Vec<String>) {
        let objective = Objective {
            name: ObjectiveName::new("login").unwrap(),
            description: String::new(),
            flow: FlowName::new("shop").unwrap(),
            target: Target::new(target).unwrap(),
            threshold: None,
            zone: TimeZone::UTC,
        };
        let watched = Watched { objective: &objective, interval: Duration::from_secs(seconds), vantages };
        let settings =
            Settings { window, least_failures: 5, lost_runs: LostRuns::Excluded, bounds: &[], databases: &[] };
        let mut remarks = Vec::new();
        (alerts(&watched, &settings, &mut remarks).len(), remarks)
    }

    #[test]
    fn a_rule_that_misleads_is_named() {
        let (kept, remarks) = judged(0.999, 60, 1, Window::ThirtyDays);
        assert_eq!(kept, 4);
        assert!(
            remarks[0].contains("over 1h would fire on a single failure of 60 logins; it waits for 5"),
            "{remarks:?}"
        );
        // F2: 14.4 never fires at an objective of 93.06 % or less, 6 at 83.33 %.
        let (kept, remarks) = judged(0.93, 15, 5, Window::ThirtyDays);
        assert_eq!((kept, remarks.len()), (3, 1), "{remarks:?}");
        assert!(remarks[0].contains("asks for more than every login to fail"), "{remarks:?}");
        assert_eq!(judged(0.83, 15, 5, Window::ThirtyDays).0, 2);
        // Twice an hour from one place: five failures never come together within an hour.
        let (kept, remarks) = judged(0.999, 1800, 1, Window::Week);
        assert!(kept == 3 && remarks[0].contains("only 2.0 logins are due"), "{kept} {remarks:?}");
        let (_, remarks) = judged(0.999, 300, 1, Window::Week);
        assert!(remarks.iter().any(|remark| remark.contains("looks at the last 30m")), "{remarks:?}");
    }

    #[test]
    fn the_factors_of_a_week_are_those_of_its_own_shares() {
        let factors: Vec<f64> = Window::Week
            .rules()
            .iter()
            .map(|rule| rule_factor(rule.share, Window::Week.length(), length(rule.long)))
            .collect();
        for (factor, expected) in factors.iter().zip([13.44, 3.5, 1.4, 1.0]) {
            assert!((factor - expected).abs() < 1e-9, "{factors:?}");
        }
    }
}
