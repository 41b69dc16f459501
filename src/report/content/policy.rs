//! Part twelve: what the budget policy asks for, and what people noted.

use super::block::{Block, Line, Section, Table};
use crate::report::ReportModel;
use crate::report::format::instant;
use crate::report::model::{Clause, ObjectiveReport};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = decisions(model);
    for objective in &model.objectives {
        blocks.extend(clauses(objective));
    }
    blocks.push(Block::heading("Open actions"));
    blocks.push(Block::text(
        Line::default()
            .plain(
                "Actions that postmortems agreed on stand in those texts, with owner and date, and not in the store: none \
                 can be listed here. ",
            )
            .code("doorstep postmortem lint FILE.md")
            .plain(" says whether each has an owner."),
    ));
    blocks.extend(events(model));
    Section { anchor: "actions", title: "Policy and actions", short: "Actions", blocks }
}

/// What the policy asks for now: each clause that applies once, with the objectives that it applies to.
fn decisions(model: &ReportModel) -> Vec<Block> {
    let all = || model.objectives.iter().flat_map(|objective| &objective.standing.clauses);
    let mut asked: Vec<&str> = Vec::new();
    for clause in all().filter(|clause| clause.applies && !clause.superseded) {
        if !asked.contains(&clause.text.as_str()) {
            asked.push(&clause.text);
        }
    }
    let mut blocks = vec![Block::heading("Asked for now")];
    if all().next().is_none() {
        blocks.push(Block::text("Without an objective with a verdict the budget policy asks for nothing."));
    } else if asked.is_empty() {
        blocks.push(Block::text("No clause of the budget policy applies: releases go on as planned."));
    } else {
        let line = |text: &&str| {
            let applies = |clause: &Clause| clause.applies && !clause.superseded && clause.text == **text;
            let whom: Vec<&str> = model
                .objectives
                .iter()
                .filter(|objective| objective.standing.clauses.iter().any(applies))
                .map(|objective| objective.name.as_str())
                .collect();
            Line::default().strong(*text).plain(format!(" For {}.", whom.join(", ")))
        };
        blocks.push(Block::List(asked.iter().map(line).collect()));
    }
    blocks
}

/// Every clause of one objective, and why it applies or does not.
fn clauses(objective: &ObjectiveReport) -> Option<Block> {
    let mut table =
        Table::new(format!("{}: the clauses of the budget policy", objective.name), &["when", "applies", "because"]);
    for clause in &objective.standing.clauses {
        table.row([
            Line::from(clause.when.as_str()),
            if clause.applies { Line::default().strong("yes") } else { "no".into() },
            clause.because.as_str().into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(Block::Table(table))
}

fn events(model: &ReportModel) -> Vec<Block> {
    if model.events.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new("Noted in this period", &["when", "what", "said by", "entered"]);
    let zone = &model.head.period.zone;
    for event in &model.events {
        table.row([
            Line::from(instant(event.at, zone)),
            format!("{}: {}", event.kind, event.text).into(),
            event.author.as_str().into(),
            instant(event.entered, zone).into(),
        ]);
    }
    vec![Block::heading("Noted events"), Block::Table(table)]
}
