//! Part thirteen: the words, the formulas with this period's numbers put in, the raw counts, and how to do it again.

use super::block::{Block, Line, Section, Table};
use super::places::available;
use super::verdicts::budget_words;
use crate::report::ReportModel;
use crate::report::format::{ABSENT, count, percent, percent_interval, target};
use crate::report::model::{Head, ObjectiveReport};
use crate::report::words;
use crate::slo::Tally;

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
    let terms = TERMS.iter().map(|(word, meaning)| ((*word).to_owned(), (*meaning).to_owned()));
    blocks.push(Block::heading("Words"));
    blocks.push(Block::Terms(terms.collect()));
    blocks.push(Block::heading("Rules"));
    blocks.push(Block::List(model.head.policy_text.iter().map(|rule| Line::from(rule.as_str())).collect()));
    blocks.push(Block::heading("How to make this report again"));
    blocks.push(Block::Commands(vec![command(&model.head.generated_from).to_owned()]));
    blocks.push(Block::note(
        Line::default()
            .plain("The same data, revision ")
            .code(&model.head.data_revision)
            .plain(", and the same policy give the same report, byte for byte."),
    ));
    Section { anchor: "appendix", title: "Appendix", short: "Appendix", blocks }
}

const TERMS: [(&str, &str); 9] = [
    ("availability", "good logins over good and bad ones, each scheduled login counted once"),
    ("good", "a second request with the session showed the right user"),
    ("bad", "the service failed a user"),
    ("lost", "the prober's own fault: it says nothing about the service"),
    ("login time", "time in the network and the service from the first request to the proof of identity"),
    ("error budget", "the share of logins that the objective allows to fail, times the logins planned"),
    ("P(met)", "the probability that the underlying share of good logins is at least the target, given the sample"),
    ("as measured", "what the period was: incidents by their measured length and failing share, the rest as a sample"),
    (
        "incident",
        "failures at several places that chance would not bring together; from one place only, a class of its own",
    ),
];

/// The command alone, without the program's version before it.
fn command(made_by: &str) -> &str {
    made_by.split_once(": ").map_or(made_by, |(_, command)| command)
}

fn definitions(model: &ReportModel) -> Vec<Line> {
    let said = |objective: &ObjectiveReport| {
        let good =
            objective.threshold.map_or_else(|| "succeed".to_owned(), |threshold| format!("succeed within {threshold}"));
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
    let decided = counts.good + counts.bad;
    row("verdict", objective.verdict.as_str().into(), objective.verdict_note.clone().unwrap_or_default());
    let promise = objective.threshold.map_or_else(String::new, |limit| format!("within {limit}"));
    row("promised", target(objective.target).into(), promise);
    row("availability", available(objective.availability, objective.interval), format!("Wilson, {confidence:.0} %"));
    row(
        "failing",
        percent(objective.failing, objective.interval).into(),
        format!("{} bad of {}", count(counts.bad), count(decided)),
    );
    if let Some(slow) = objective.over_threshold {
        row("over the threshold", count(slow).into(), "of the bad ones; the others failed".to_owned());
    }
    row(
        "if lost were bad or good",
        percent_interval(objective.if_lost).into(),
        format!(
            "{} lost to the prober's own faults, {} slots without a run",
            count(counts.lost),
            count(counts.missing)
        ),
    );
    let due = counts.due.map_or_else(
        || "no schedule was declared, so that slots due are unknown".to_owned(),
        |due| format!("{} of {} slots due say good or bad", count(decided), count(due)),
    );
    row("coverage", percent(counts.coverage, None).into(), due);
    if let Some(budget) = &objective.budget {
        let (spent, left) = budget_words(budget);
        row("budget spent", spent.into(), String::new());
        row("budget left", left.into(), String::new());
    }
    let burn = objective.burn_rate.map_or_else(|| ABSENT.to_owned(), |rate| format!("{rate:.2}"));
    row("burn rate", burn.into(), "1 spends exactly the whole budget".to_owned());
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
            "error budget = (1 - target) x planned logins = {allowed} x {} = {:.1} logins",
            count(events),
            budget.allowed_events
        )),
        Line::from(format!(
            "error budget in time = (1 - target) x length = {allowed} x {} = {:.1} min",
            super::head::length(objective.period.seconds()),
            budget.allowed_minutes
        )),
        Line::from(format!(
            "spent = bad / error budget = {bad} / {:.1} = {}",
            budget.allowed_events,
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
