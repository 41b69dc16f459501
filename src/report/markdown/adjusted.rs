//! Raw figures beside those with exclusions applied, and each exclusion with what it touches.

use super::table::{Table, plain};
use crate::model::{FlowName, VantageName};
use crate::report::format::{ABSENT, count, instant, minutes, percent, percent_interval};
use crate::report::model::{AdjustedReport, AppliedExclusion, Budget, Head, ObjectiveReport};
use crate::report::words;

/// The section; nothing when no exclusion touches the objective.
pub(super) fn section(objective: &ObjectiveReport, head: &Head) -> String {
    let Some(adjusted) = &objective.adjusted else { return String::new() };
    let late = adjusted.exclusions.iter().filter(|applied| applied.late).count();
    let flagged = match late {
        0 => String::new(),
        late => format!(" **{late} of them entered afterwards.**"),
    };
    format!(
        "### Exclusions\n\nFigures above are raw: as measured. {} touch this objective.{flagged}\n\n{}{}",
        match adjusted.exclusions.len() {
            1 => "1 exclusion".to_owned(),
            n => format!("{n} exclusions"),
        },
        figures(objective, adjusted),
        entries(&adjusted.exclusions, &head.period.zone)
    )
}

fn figures(raw: &ObjectiveReport, adjusted: &AdjustedReport) -> String {
    let mut table = Table::new(&["figure", ">raw", ">adjusted"]);
    let mut row = |name: &str, raw: String, adjusted: String| table.row(vec![name.to_owned(), raw, adjusted]);
    row("verdict", raw.verdict.as_str().to_owned(), adjusted.verdict.as_str().to_owned());
    row("availability", percent(raw.availability, raw.interval), percent(adjusted.availability, adjusted.interval));
    row("interval", percent_interval(raw.interval), percent_interval(adjusted.interval));
    row("bad", count(raw.counts.bad), count(adjusted.counts.bad));
    row("good", count(raw.counts.good), count(adjusted.counts.good));
    let spent =
        |budget: &Option<Budget>| budget.map_or_else(|| ABSENT.to_owned(), |budget| words::spent(budget.spent_share));
    row("budget spent", spent(&raw.budget), spent(&adjusted.budget));
    let whole =
        |budget: &Option<Budget>| budget.map_or_else(|| ABSENT.to_owned(), |budget| minutes(budget.allowed_minutes));
    row("budget", whole(&raw.budget), whole(&adjusted.budget));
    table.text()
}

fn entries(exclusions: &[AppliedExclusion], zone: &str) -> String {
    let mut table =
        Table::new(&["from", "to", "mode", "covers", ">bad within", ">good within", "reason", "author", "entered"]);
    for applied in exclusions {
        let exclusion = &applied.exclusion;
        let entered = instant(exclusion.entered, zone);
        table.row(vec![
            instant(exclusion.from, zone),
            instant(exclusion.to, zone),
            exclusion.mode.as_str().replace('_', " "),
            covers(applied),
            count(applied.touched.bad),
            count(applied.touched.good),
            plain(&exclusion.reason),
            plain(&exclusion.author),
            if applied.late { format!("{entered}, afterwards") } else { entered },
        ]);
    }
    table.text()
}

fn covers(applied: &AppliedExclusion) -> String {
    let names = |all: &str, names: Vec<&str>| if names.is_empty() { all.to_owned() } else { names.join(", ") };
    let flows = names("all flows", applied.exclusion.flows.iter().map(FlowName::as_str).collect());
    let vantages = names("all vantages", applied.exclusion.vantages.iter().map(VantageName::as_str).collect());
    format!("{flows}; {vantages}")
}
