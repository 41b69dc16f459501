//! The figures of an impact in words: what each is called, its value with bounds, and how it came about. Slow logins have
//! words of their own, since none of them failed.

use crate::impact::{Adjusted, BudgetShare, Figure, Impact};
use crate::incident::{Share, Symptom};
use crate::model::Micros;
use crate::report::format::{ABSENT, amount, count, counted, percent, percent_interval, span, target};
use crate::report::words;

use super::{Said, UNKNOWN, bounded, how, people, seconds, shares, shown};

fn said(name: &'static str, figure: &Figure, show: fn(f64) -> String) -> Said {
    Said { name, value: shown(figure, show), how: how(figure) }
}

fn is_slow(impact: &Impact) -> bool {
    impact.symptom == Some(Symptom::Slow)
}

fn failing(share: &Share, slow: bool) -> Said {
    let (name, met) = if slow { ("slow share", "were slow") } else { ("failing share", "failed") };
    Said {
        name,
        value: match share.share {
            None => ABSENT.to_owned(),
            some => format!("{} ({})", percent(some, share.interval), percent_interval(share.interval)),
        },
        how: format!("{} of {} probes {met}, Wilson (F4)", count(share.failing), count(share.n)),
    }
}

/// The figures of which both are told, raw and with exclusions.
pub(super) fn adjusted_figures(impact: &Impact, adjusted: &Adjusted) -> Vec<Said> {
    let slow = is_slow(impact);
    let mut all = vec![failing(&adjusted.failing, slow)];
    if slow {
        all.push(said("kept waiting", &adjusted.delayed, people));
    } else {
        all.extend([
            said("sign-ins failed", &adjusted.failed_sign_ins, people),
            said("people affected", &adjusted.affected, people),
            said("locked out", &adjusted.locked_out, people),
            said("merely delayed", &adjusted.delayed, people),
        ]);
    }
    all.push(said("distinct users", &adjusted.distinct_users, people));
    all.push(said(weighted_name(slow), &adjusted.availability.weighted, shares));
    all.extend(adjusted.budget.iter().map(budget));
    all
}

/// What the share of good logins by users is called: of slow logins it is no availability.
fn weighted_name(slow: bool) -> &'static str {
    if slow { "not slow, by users" } else { "user-weighted" }
}

pub(super) fn figures(impact: &Impact) -> Vec<Said> {
    let slow = is_slow(impact);
    let ratio = |value: f64| format!("{value:.2}");
    let mut all = vec![said("duration", &impact.duration, seconds), failing(&impact.failing, slow)];
    if slow {
        all.push(said("kept waiting", &impact.delayed, people));
        all.push(said("locked out", &impact.locked_out, people));
        all.push(said("distinct users", &impact.distinct_users, people));
    } else {
        all.extend([
            said("sign-ins failed", &impact.failed_sign_ins, people),
            said("people affected", &impact.affected, people),
            said("locked out", &impact.locked_out, people),
            said("merely delayed", &impact.delayed, people),
            said("distinct users", &impact.distinct_users, people),
            said("attempts per person", &impact.attempts_per_person, ratio),
        ]);
    }
    all.push(said("wanted to sign in", &impact.intents, people));
    if !slow {
        all.push(said("sessions met", &impact.sessions_met, shares));
    }
    all.push(not_covered(impact));
    all.push(Said {
        name: if slow { "not slow" } else { "availability" },
        value: match impact.availability.plain {
            None => ABSENT.to_owned(),
            some => {
                let interval = impact.availability.plain_interval;
                format!("{} ({})", percent(some, interval), percent_interval(interval))
            }
        },
        how: "of probes, Wilson (F4)".to_owned(),
    });
    all.push(said(weighted_name(slow), &impact.availability.weighted, shares));
    if !slow {
        all.push(windowed(impact));
    }
    all.extend(impact.budget.iter().map(budget));
    all
}

fn not_covered(impact: &Impact) -> Said {
    Said {
        name: "demand not covered",
        value: impact.not_covered.share.map_or_else(|| UNKNOWN.to_owned(), target),
        how: match (&impact.not_covered.share, &impact.not_covered.intents) {
            (None, _) => "nobody described the users".to_owned(),
            (_, Figure::Estimate { value, .. }) => {
                format!("{} people of whom nothing is known", bounded(*value, people))
            }
            (_, Figure::NotQuantifiable { reason }) => reason.clone(),
        },
    }
}

/// What the shares of the windows are of.
pub(super) fn in_windows(impact: &Impact) -> &'static str {
    if impact.windowed.weights.contains("demand") { "demand" } else { "probes" }
}

fn windowed(impact: &Impact) -> Said {
    let windowed = &impact.windowed;
    let bend = windowed.knee.and_then(|knee| windowed.worst.iter().find(|window| window.minutes == knee.cells));
    let value = match (windowed.worst.is_empty(), bend) {
        (true, _) => ABSENT.to_owned(),
        (_, None) => "no minute failed".to_owned(),
        // Of cells that are weighted by demand a share is no time.
        (_, Some(window)) => {
            let interval = window.interval.map(crate::slo::Interval::complement);
            format!(
                "knee at {}: in the worst {} {} of the {} failed ({})",
                span(Micros(window.minutes * 60_000_000)),
                span(Micros(window.minutes * 60_000_000)),
                percent(Some(1.0 - window.availability), interval),
                in_windows(impact),
                percent_interval(interval)
            )
        }
    };
    let uptime = windowed
        .probe_uptime
        .map_or_else(String::new, |uptime| format!("; probe-uptime {} (F11)", percent(Some(uptime), None)));
    Said { name: "worst windows", value, how: format!("in {}, {} (F12){uptime}", windowed.period, windowed.weights) }
}

fn budget(one: &BudgetShare) -> Said {
    let value = match (one.share, one.allowed) {
        (Some(share), Some(allowed)) => {
            let bounds = one.interval.map_or_else(String::new, |it| format!(" ({})", words::spent_between(it)));
            format!(
                "{}{bounds} of the budget: {} bad slots of {} allowed",
                words::spent(share),
                count(one.bad),
                amount(allowed)
            )
        }
        _ => format!("{ABSENT}: no slot in {}", one.period),
    };
    Said {
        name: "budget spent",
        value,
        how: format!("{} in the {} known of {} (F1)", one.objective, counted(one.slots, "slot", "slots"), one.period),
    }
}
