//! Part eight: this period among its predecessors.

use super::block::{Block, Line, Section, Table};
use super::charts;
use crate::report::ReportModel;
use crate::report::format::{count, percent, percent_interval};
use crate::report::model::{ObjectiveReport, Week};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for objective in &model.objectives {
        if objective.standing.weeks.len() < 2 {
            continue;
        }
        blocks.push(Block::heading(objective.name.as_str()));
        let running = if objective.until.is_some() { " The last period still runs: what it was so far." } else { "" };
        let caption = format!(
            "Availability of each period with its interval; each step up is ten times fewer failures. Dashed: what was \
             promised. Triangles: periods with outages seen from several places.{running}"
        );
        blocks.push(Block::figure(charts::weeks(objective), caption));
        blocks.push(Block::Table(table(objective)));
    }
    if blocks.is_empty() {
        blocks.push(Block::text("Nothing is known of the periods before this one."));
    }
    Section { anchor: "past", title: "Thirteen weeks", short: "Thirteen weeks", blocks }
}

fn table(objective: &ObjectiveReport) -> Table {
    let caption = format!("{}: periods, the oldest first", objective.name);
    let mut table = Table::new(caption, &["period", ">availability", "interval", ">bad", ">logins", ">outages"]);
    for week in &objective.standing.weeks {
        table.row(row(week));
    }
    table
}

fn row(week: &Week) -> [Line; 6] {
    [
        Line::from(week.label.as_str()),
        percent(week.availability, week.interval).into(),
        percent_interval(week.interval).into(),
        count(week.bad).into(),
        count(week.n).into(),
        week.incidents.map_or_else(|| "not looked for".to_owned(), count).into(),
    ]
}
