//! Part thirteen: the words, the formulas with this period's numbers put in, the raw counts, and how to do it again.

use super::block::{Block, Line, Section, Table};
use super::command;
use super::places::available;
use super::verdicts::budget_words;
use crate::model::LostRuns;
use crate::report::ReportModel;
use crate::report::format::{
    ABSENT, amount, count, counted, coverage, limit, minutes, percent, percent_interval, target,
};
use crate::report::model::{Head, ObjectiveReport};
use crate::report::words;
use crate::slo::{Tally, burn_rate};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = vec![Block::heading("The objectives in words"), Block::List(definitions(model))];
    if model.objectives.is_empty() {
        blocks.clear();
    }
    for objective in &model.objectives {
        let anchor = format!("counts-{}", objective.name);
        blocks.push(Block::Heading(format!("{}: the numbers and how sure they are", objective.name), Some(anchor)));
        blocks.push(Block::Table(figures(objective, &model.head)));
        blocks.extend(formulas(objective));
    }
    let terms = TERMS.iter().copied().chain([("lost", lost_in_words(model.head.policy.lost_runs))]);
    let terms = terms.map(|(word, meaning)| (word.to_owned(), meaning.to_owned()));
    blocks.push(Block::heading("Words"));
    blocks.push(Block::Terms(terms.collect()));
    blocks.push(Block::heading("Rules"));
    blocks.push(Block::List(model.head.policy_text.iter().map(|rule| Line::from(rule.as_str())).collect()));
    blocks.push(Block::heading("How to make this report again"));
    blocks.push(Block::Commands(vec![command::of(&model.head.generated_from).to_owned()]));
    let again =
        Line::default().plain("Typed in the same folder: the same data, revision ").code(&model.head.data_revision);
    blocks.push(Block::note(if model.head.until.is_some() {
        again.plain(", are only a part of what it will say later: the period still runs.")
    } else {
        again.plain(", and the same policy give the same report, byte for byte.")
    }));
    Section { anchor: "appendix", title: "Appendix", short: "Appendix", blocks }
}

const TERMS: [(&str, &str); 13] = [
    ("availability", "good logins over good and bad ones, each scheduled login counted once"),
    ("good", "a second request with the session showed the right user"),
    ("bad", "the service failed a user"),
    ("missing", "a slot that was due and has no run; a slot that was not due, or is not due yet, is not missing"),
    ("coverage", "runs that say good or bad, over the slots that were due so far"),
    ("login time", "time in the network and the service from the first request to the proof of identity"),
    ("error budget", "the share of logins that the objective allows to fail, times the logins planned"),
    (
        "P(met)",
        "the probability that the underlying share of good logins is at least the target, given the sample, if failures \
         are independent of each other; under an outage they are not",
    ),
    (
        "rank interval",
        "the two measured times between which a percentile of all such logins lies, by the binomial distribution of \
         ranks, at the confidence of the intervals",
    ),
    ("as measured", "what the period was: incidents by their measured length and failing share, the rest as a sample"),
    (
        "incident",
        "failures at several places that chance would not bring together; from one place only, a class of its own",
    ),
    ("outage", "an incident of logins that failed"),
    ("slow spell", "an incident of logins that succeeded, and took too long"),
];

fn lost_in_words(policy: LostRuns) -> &'static str {
    match policy {
        LostRuns::Excluded => "the prober's own fault: it says nothing about the service",
        LostRuns::Bad => "the prober's own fault; the policy of this report counts it, and every missing run, as bad",
    }
}

fn definitions(model: &ReportModel) -> Vec<Line> {
    let said = |objective: &ObjectiveReport| {
        let good = objective
            .threshold
            .map_or_else(|| "succeed".to_owned(), |threshold| format!("succeed within {}", limit(threshold)));
        let purpose =
            if objective.description.is_empty() { String::new() } else { format!("{} ", objective.description) };
        Line::default().strong(objective.name.as_str()).plain(format!(
            ": {purpose}{} of the scheduled logins of {} {good} in each period, which begins and ends in {} ({}).",
            target(objective.target),
            objective.flow,
            objective.period.zone,
            super::head::length(objective.period.seconds()),
        ))
    };
    model.objectives.iter().map(said).collect()
}

fn figures(objective: &ObjectiveReport, head: &Head) -> Table {
    let mut table =
        Table::new(format!("{}: raw counts", objective.name), &["figure", ">value", "how sure, and what of"]);
    let mut row = |name: &str, value: Line, note: String| table.row([Line::from(name), value, note.into()]);
    let counts = &objective.counts;
    let confidence = head.policy.confidence * 100.0;
    // The policy may count lost and missing runs as bad.
    let bad = objective.budget.map_or(counts.bad, |budget| budget.spent_events);
    let decided = counts.good + counts.bad;
    row("verdict", objective.verdict.as_str().into(), objective.verdict_note.clone().unwrap_or_default());
    let promise = objective.threshold.map_or_else(String::new, |threshold| format!("within {}", limit(threshold)));
    row("promised", target(objective.target).into(), promise);
    row("availability", available(objective.availability, objective.interval), format!("Wilson, {confidence:.0} %"));
    row(
        "failing",
        percent(objective.failing, objective.interval).into(),
        format!("{} bad of {}", count(bad), count(counts.good + bad)),
    );
    if let Some(slow) = objective.over_threshold {
        row("over the threshold", count(slow).into(), "of the bad ones; the others failed".to_owned());
    }
    row(
        "if lost were bad or good",
        percent_interval(objective.if_lost).into(),
        format!(
            "{} lost to the prober's own faults, {} due without a run",
            counted(counts.lost, "run", "runs"),
            counted(counts.missing, "slot", "slots")
        ),
    );
    let due = counts.due.map_or_else(
        || "no schedule was declared, so that slots due are unknown".to_owned(),
        |due| format!("{} of {} due say good or bad", count(decided), counted(due, "slot", "slots")),
    );
    row("coverage", coverage(counts.coverage).into(), due);
    if let Some(budget) = &objective.budget {
        let (spent, left) = budget_words(budget);
        let bounds =
            words::spent_interval(objective).map_or_else(String::new, |bounds| format!("by the interval {bounds}"));
        row("budget spent", spent.into(), bounds);
        row("budget left", left.into(), String::new());
    }
    let burn = objective.burn_rate.map_or_else(|| ABSENT.to_owned(), |rate| format!("{rate:.2}"));
    let ends =
        objective.interval.map(|bounds| [bounds.high, bounds.low].map(|share| burn_rate(share, objective.target)));
    let ends = ends.map_or_else(String::new, |[low, high]| format!("; by the interval {low:.2} to {high:.2}"));
    row("burn rate", burn.into(), format!("1 spends exactly the whole budget{ends}"));
    let probability = objective.probability_met.map_or_else(|| ABSENT.to_owned(), words::probability);
    row("P(met)", probability.into(), "met from 0.95 up, missed from 0.05 down".to_owned());
    table
}

/// The formulas with the numbers put in.
fn formulas(objective: &ObjectiveReport) -> Vec<Block> {
    let (Some(budget), Some(burn)) = (&objective.budget, objective.burn_rate) else { return Vec::new() };
    let counts = &objective.counts;
    let tally = Tally { good: counts.good, bad: budget.spent_events };
    let (good, bad, all) = (count(tally.good), count(tally.bad), count(tally.total()));
    let allowed = target(1.0 - objective.target);
    let events = counts.planned.unwrap_or(tally.total());
    let mut lines = vec![
        Line::from(format!("availability = good / (good + bad) = {good} / {all} = {}", percent(tally.share(), None))),
        Line::from(format!(
            "error budget = (1 - target) x planned logins = {allowed} x {} = {} logins",
            count(events),
            amount(budget.allowed_events)
        )),
        Line::from(format!(
            "error budget in time = (1 - target) x length = {allowed} x {} = {}",
            super::head::length(objective.period.seconds()),
            minutes(budget.allowed_minutes, budget.allowed_minutes)
        )),
        Line::from(format!(
            "spent = bad / error budget = {bad} / {} = {}",
            amount(budget.allowed_events),
            words::spent(budget.spent_share)
        )),
        Line::from(format!("burn rate = (1 - availability) / (1 - target) = {burn:.2}")),
    ];
    if let Some(probability) = objective.probability_met {
        lines.push(Line::from(format!(
            "P(met) = P(Beta(good + 1/2, bad + 1/2) >= target) = P(Beta({good}.5, {bad}.5) >= {}) is {}",
            target(objective.target),
            words::probability(probability)
        )));
    }
    vec![Block::List(lines)]
}
