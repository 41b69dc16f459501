//! What a report says, in its thirteen parts, without a format: every rendering for people is made from this one
//! value, so that none can say more than another. It computes nothing but places on axes.

mod adjusted;
mod appendix;
mod audit;
mod block;
mod budget;
mod charts;
mod command;
mod coverage;
mod database;
mod detection;
mod head;
mod incidents;
mod latency;
mod past;
mod places;
mod policy;
pub mod ticks;
mod timeline;
mod verdicts;
mod worst;

pub(super) use block::{Block, Card, Figure, Line, Section, Span, Table};
pub(super) use head::{alarms, facts, subtitle};

use super::ReportModel;

/// Part two to thirteen, one more each with a database and its audit; the first is the head: [`subtitle`] and [`facts`].
pub(super) fn sections(model: &ReportModel) -> Vec<Section> {
    let mut sections = vec![
        verdicts::section(model),
        budget::section(model),
        incidents::section(model),
        timeline::section(model),
        latency::section(model),
        worst::section(model),
        past::section(model),
        places::section(model),
        detection::section(model),
        coverage::section(model),
        policy::section(model),
        appendix::section(model),
    ];
    if let Some(audit) = audit::section(model) {
        let after = sections.iter().position(|section| section.anchor == "incidents").map_or(0, |at| at + 1);
        sections.insert(after, audit);
    }
    if let Some(database) = database::section(model) {
        let after = sections.iter().position(|section| section.anchor == "incidents").map_or(0, |at| at + 1);
        sections.insert(after, database);
    }
    sections
}

/// What the report is called.
pub(super) fn title(model: &ReportModel) -> String {
    format!("{}: login report, {}", model.head.site, super::format::named(&model.head.period))
}
