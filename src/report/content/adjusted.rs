//! Exclusions: raw figures beside those with exclusions applied, and each exclusion with what it touches.

use super::block::{Block, Line, Table};
use super::places::available;
use crate::model::{FlowName, VantageName};
use crate::report::ReportModel;
use crate::report::format::{ABSENT, count, counted, instant, minutes};
use crate::report::model::{AdjustedReport, AppliedExclusion, Budget, ObjectiveReport};
use crate::report::words;

/// One table per objective that an exclusion touches; one sentence when none does.
pub(super) fn blocks(model: &ReportModel) -> Vec<Block> {
    let zone = model.head.period.zone.as_str();
    let touched: Vec<(&ObjectiveReport, &AdjustedReport)> =
        model.objectives.iter().filter_map(|objective| Some((objective, objective.adjusted.as_ref()?))).collect();
    if touched.is_empty() {
        return vec![Block::text("Nothing was excluded or corrected: every number is as measured.")];
    }
    let mut blocks = vec![Block::heading("Exclusions: raw beside adjusted")];
    for (objective, adjusted) in touched {
        blocks.push(Block::text(how_many(objective, adjusted)));
        blocks.push(Block::Table(figures(objective, adjusted)));
        blocks.push(Block::Table(entries(objective, &adjusted.exclusions, zone)));
    }
    blocks
}

fn how_many(objective: &ObjectiveReport, adjusted: &AdjustedReport) -> Line {
    let all = counted(adjusted.exclusions.len() as u64, "exclusion touches", "exclusions touch");
    let line = Line::default().plain(format!("{all} {}. All other figures are raw: as measured.", objective.name));
    match adjusted.exclusions.iter().filter(|applied| applied.late).count() {
        0 => line,
        late => line.plain(" ").loud(format!("{late} of them entered only after what they cover had begun.")),
    }
}

fn figures(raw: &ObjectiveReport, adjusted: &AdjustedReport) -> Table {
    let mut table = Table::new(format!("{}: raw and adjusted", raw.name), &["figure", "raw", "adjusted"]);
    let mut row = |name: &str, raw: Line, adjusted: Line| table.row([Line::from(name), raw, adjusted]);
    let budget = |budget: &Option<Budget>, show: fn(&Budget) -> String| {
        Line::from(budget.as_ref().map_or_else(|| ABSENT.to_owned(), show))
    };
    let spent = |budget: &Budget| words::spent(budget.spent_share);
    let whole = |budget: &Budget| minutes(budget.allowed_minutes, budget.allowed_minutes);
    row("verdict", raw.verdict.as_str().into(), adjusted.verdict.as_str().into());
    row("availability", available(raw.availability, raw.interval), available(adjusted.availability, adjusted.interval));
    row("bad", count(raw.counts.bad).into(), count(adjusted.counts.bad).into());
    row("good", count(raw.counts.good).into(), count(adjusted.counts.good).into());
    row("budget spent", budget(&raw.budget, spent), budget(&adjusted.budget, spent));
    row("budget", budget(&raw.budget, whole), budget(&adjusted.budget, whole));
    table
}

fn entries(objective: &ObjectiveReport, exclusions: &[AppliedExclusion], zone: &str) -> Table {
    let columns = ["from", "to", "mode", "covers", ">bad within", ">good within", "reason", "author", "entered"];
    let mut table = Table::new(format!("{}: exclusions", objective.name), &columns);
    for applied in exclusions {
        let exclusion = &applied.exclusion;
        let entered = Line::from(instant(exclusion.entered, zone));
        table.row([
            Line::from(instant(exclusion.from, zone)),
            instant(exclusion.to, zone).into(),
            exclusion.mode.as_str().replace('_', " ").into(),
            covers(applied).into(),
            count(applied.touched.bad).into(),
            count(applied.touched.good).into(),
            exclusion.reason.as_str().into(),
            exclusion.author.as_str().into(),
            if applied.late { entered.plain(", ").loud("afterwards") } else { entered },
        ]);
    }
    table
}

fn covers(applied: &AppliedExclusion) -> String {
    let names = |all: &str, names: Vec<&str>| if names.is_empty() { all.to_owned() } else { names.join(", ") };
    let flows = names("all flows", applied.exclusion.flows.iter().map(FlowName::as_str).collect());
    let vantages = names("all vantages", applied.exclusion.vantages.iter().map(VantageName::as_str).collect());
    format!("{flows}; {vantages}")
}
