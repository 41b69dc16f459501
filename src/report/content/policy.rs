//! Part twelve: what the budget policy asks for, and what people noted.

use super::block::{Block, Line, Section, Table};
use crate::report::ReportModel;
use crate::report::format::instant;
use crate::report::model::{Clause, ObjectiveReport};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for objective in &model.objectives {
        blocks.extend(clauses(objective));
    }
    if blocks.is_empty() {
        blocks.push(Block::text("Without an objective with a verdict the budget policy asks for nothing."));
    }
    blocks.extend(events(model));
    Section { anchor: "actions", title: "Policy and actions", short: "Actions", blocks }
}

fn clauses(objective: &ObjectiveReport) -> Vec<Block> {
    let all = &objective.standing.clauses;
    let (applying, others): (Vec<&Clause>, Vec<&Clause>) = all.iter().partition(|clause| clause.applies);
    if all.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::heading(objective.name.as_str())];
    if applying.is_empty() {
        blocks.push(Block::text("No clause of the budget policy applies: releases go on as planned."));
    } else {
        let said = |clause: &&Clause| {
            Line::default()
                .strong(clause.text.as_str())
                .plain(format!(" (applies when {}; {})", clause.when, clause.because))
        };
        blocks.push(Block::List(applying.iter().map(said).collect()));
    }
    if !others.is_empty() {
        let words: Vec<String> =
            others.iter().map(|clause| format!("when {} ({})", clause.when, clause.because)).collect();
        blocks.push(Block::note(format!("Not applying: {}.", words.join("; "))));
    }
    blocks
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
