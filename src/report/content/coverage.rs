//! Part eleven: coverage and honesty: what could not be seen, and what was taken out.

use super::adjusted;
use super::block::{Block, Line, Section, Table};
use crate::model::LostRuns;
use crate::report::ReportModel;
use crate::report::format::{between, count, percent, percent_interval_beside, span, target};
use crate::report::model::{Background, Head, Sight};

pub(super) fn section(model: &ReportModel) -> Section {
    let zone = model.head.period.zone.as_str();
    let unseen = match model.head.policy.lost_runs {
        LostRuns::Excluded => "A slot without a run is neither up nor down.",
        LostRuns::Bad => "The policy of this report counts a slot without a run as bad.",
    };
    let mut blocks = vec![Block::text(format!(
        "The schedule is known in advance, so that a run that is not there is known too. {unseen} Slots that are not due \
         yet are neither due nor missing."
    ))];
    if model.head.slots.is_empty() {
        blocks.push(Block::text("No schedule was declared and no run was recorded in this period."));
    } else {
        blocks.push(Block::Table(slots(&model.head)));
    }
    for sight in &model.sight {
        blocks.push(Block::heading(format!("What the probes of {} could see", sight.flow)));
        blocks.push(Block::text(shortest(sight)));
        blocks.extend(chances(sight).map(Block::Table));
        blocks.extend(gaps(sight, zone).map(Block::Table));
        blocks.push(Block::text(background(sight)));
    }
    blocks.extend(lost(model));
    blocks.extend(uncovered(model));
    blocks.extend(adjusted::blocks(model));
    Section { anchor: "coverage", title: "Coverage and honesty", short: "Coverage", blocks }
}

fn slots(head: &Head) -> Table {
    let mut table = Table::new(
        if head.until.is_some() { "Slots due so far, and recorded" } else { "Slots due and recorded" },
        &["flow", "kind", "vantage", ">due", ">recorded", ">missing"],
    );
    let optional = |number: Option<u64>| Line::from(number.map_or_else(|| "unknown".to_owned(), count));
    for row in &head.slots {
        table.row([
            Line::from(row.flow.as_str()),
            row.kind.as_str().into(),
            row.vantage.as_str().into(),
            optional(row.due),
            count(row.recorded).into(),
            optional(row.missing),
        ]);
    }
    table
}

fn shortest(sight: &Sight) -> Line {
    match sight.surely {
        None => Line::from("No run has a verdict, so that no outage of any length could have been seen."),
        Some(surely) => Line::default()
            .plain("Only an outage of ")
            .strong(span(surely))
            .plain(" or longer is surely seen: the longest time in which no place had a verdict."),
    }
}

fn chances(sight: &Sight) -> Option<Table> {
    let columns = ["an outage of", ">is seen with", ">by the schedule alone"];
    let mut table = Table::new(format!("{}: chance that a total outage meets a probe", sight.flow), &columns);
    for chance in &sight.chances {
        table.row([
            Line::from(span(chance.outage)),
            percent(Some(chance.measured), None).into(),
            chance.planned.map_or_else(|| "no schedule".to_owned(), |planned| percent(Some(planned), None)).into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn gaps(sight: &Sight, zone: &str) -> Option<Table> {
    let caption = format!("{}: longest times without a verdict from anywhere", sight.flow);
    let mut table = Table::new(caption, &["when", "for"]);
    for gap in &sight.gaps {
        let length = u64::try_from(gap.to.as_microsecond() - gap.from.as_microsecond()).unwrap_or(0);
        table.row([Line::from(between(gap.from, gap.to, zone)), span(crate::model::Micros(length)).into()]);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// What fails outside of incidents, against what the detector takes for granted.
fn background(sight: &Sight) -> Line {
    let background = &sight.background;
    let Some(share) = background.share else {
        return Line::from("Outside of incidents there is no run with a verdict.");
    };
    let line = Line::default().plain("Outside of incidents ").strong(percent(Some(share), background.interval)).plain(
        format!(
            " failed ({} of {}; {}).",
            count(background.bad),
            count(background.n),
            percent_interval_beside(background.interval, background.assumed)
        ),
    );
    let Some(assumed) = background.assumed.map(target) else { return line };
    match background.is_kept() {
        Some(true) => line
            .plain(format!(" The detector assumes at most {assumed}: its rate of false alarms holds for this period.")),
        Some(false) => line.plain(" ").loud(format!(
            "The detector assumes at most {assumed}: its rate of false alarms does not hold for this period."
        )),
        None => line.plain(format!(
            " The detector assumes at most {assumed}, and the interval reaches {}above it: whether its rate of false \
             alarms holds for this period, these runs cannot tell.",
            if just_above(background) { "just " } else { "" }
        )),
    }
}

/// Whether the interval reaches no more than a tenth above what is assumed.
fn just_above(background: &Background) -> bool {
    let (Some(assumed), Some(bounds)) = (background.assumed, background.interval) else { return false };
    bounds.high <= 1.1 * assumed
}

/// What the prober lost by its own fault.
fn lost(model: &ReportModel) -> Vec<Block> {
    let columns = ["flow", "class", ">runs", "vantages"];
    let mut table =
        Table::new("Runs that the prober lost by its own fault: they say nothing about the service", &columns);
    for flow in &model.flows {
        for row in flow.failures.iter().filter(|row| row.verdict == "lost") {
            let vantages: Vec<String> =
                row.vantages.iter().map(|(vantage, number)| format!("{vantage} {}", count(*number))).collect();
            table.row([
                Line::from(flow.name.as_str()),
                row.class.as_str().into(),
                count(row.count).into(),
                vantages.join(", ").into(),
            ]);
        }
    }
    if table.rows.is_empty() { Vec::new() } else { vec![Block::heading("Prober faults"), Block::Table(table)] }
}

/// Users for whom nobody probes.
fn uncovered(model: &ReportModel) -> Vec<Block> {
    let users = || model.objectives.iter().filter_map(|objective| objective.users.as_ref());
    let known = users().filter(|users| users.availability.is_some());
    let Some(share) = known.map(|users| users.uncovered).reduce(f64::max) else {
        if users().next().is_some() {
            return vec![Block::text("No vantage gave a verdict, so that nothing is known of any user.")];
        }
        return vec![Block::text(
            "Who the users are is not described (population), so that how many of them no probe stands for is unknown.",
        )];
    };
    if share <= 0.0 {
        return Vec::new();
    }
    vec![Block::text(
        Line::default()
            .strong(target(share))
            .plain(" of demand comes from users that no vantage with data stands for: of them nothing is known."),
    )]
}
