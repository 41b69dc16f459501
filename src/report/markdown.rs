//! The report as Markdown: readable as it is, in a terminal or a mail, and rendered.
//!
//! It prints the model and computes nothing but the columns of the availability strip.

mod adjusted;
mod flow;
mod objective;
mod table;

use super::ReportModel;
use super::format::{count, instant, span};
use super::model::{Head, NegativeReport, SecurityAlarm};
use super::words;
use crate::model::Micros;
use table::{Table, plain};

/// Renders the report. The same model gives the same bytes.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let mut text = head(&model.head);
    text.push_str(&alarms(model));
    text.push_str(&verdicts(model));
    for report in &model.objectives {
        text.push_str(&objective::section(report, &model.head));
    }
    for report in &model.flows {
        text.push_str(&flow::section(report, &model.head));
    }
    text.push_str(&negatives(model));
    text.push_str(&coverage(&model.head));
    text.push_str(&rules(&model.head));
    text
}

/// A span of seconds for people; weeks keep their exact hours (167, 168, 169).
fn length(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 48.0 { format!("{} h", (hours * 100.0).round() / 100.0) } else { span(Micros((seconds * 1e6) as u64)) }
}

fn head(head: &Head) -> String {
    let period = &head.period;
    let zone = &period.zone;
    let mut text = format!("# {}: login report, {}\n\n", plain(&head.site), period.label);
    text.push_str(&format!(
        "{} to {} ({zone}, {})",
        instant(period.start, zone),
        instant(period.end, zone),
        length(period.seconds())
    ));
    if let Some(until) = head.until {
        text.push_str(&format!("; still running, slots due until {}", instant(until, zone)));
    }
    let vantage = |row: &super::model::VantageRow| {
        let labels: Vec<&str> = row.labels.values().map(String::as_str).collect();
        if labels.is_empty() { row.name.to_string() } else { format!("{} ({})", row.name, plain(&labels.join(", "))) }
    };
    let vantages: Vec<String> = head.vantages.iter().map(vantage).collect();
    let places = if vantages.is_empty() { "no vantage".to_owned() } else { vantages.join(", ") };
    text.push_str(&format!(".\n{} runs from {places}.\n\n", count(head.runs)));
    text
}

fn alarms(model: &ReportModel) -> String {
    if model.alarms.is_empty() {
        return String::new();
    }
    let zone = &model.head.period.zone;
    let line = |alarm: &SecurityAlarm| {
        let examples: Vec<String> = alarm.examples.iter().map(|id| format!("`doorstep explain {id}`")).collect();
        format!(
            "> - **{}: {}, {}**, first {}, last {}. See {}.\n",
            alarm.flow,
            alarm.class,
            if alarm.count == 1 { "once".to_owned() } else { format!("{} times", count(alarm.count)) },
            instant(alarm.first, zone),
            instant(alarm.last, zone),
            examples.join(", ")
        )
    };
    let lines: String = model.alarms.iter().map(line).collect();
    format!("> **SECURITY: somebody was let in who must not be.**\n>\n{lines}\n")
}

fn verdicts(model: &ReportModel) -> String {
    if model.objectives.is_empty() {
        return "No objective is configured; the flows below are measured without a promise.\n\n".to_owned();
    }
    let mut text = "## Verdicts\n\n".to_owned();
    for objective in &model.objectives {
        let verdict = objective.verdict.as_str().to_uppercase();
        text.push_str(&format!("- **{}: {verdict}.** {}\n", objective.name, words::sentence(objective)));
    }
    text.push('\n');
    text
}

fn negatives(model: &ReportModel) -> String {
    if model.negatives.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new(&["flow", ">let in", ">refused", ">refused otherwise", ">other failures", ">lost", ">missing"]);
    for row in &model.negatives {
        let accepted = if row.accepted > 0 { format!("**{}**", count(row.accepted)) } else { "0".to_owned() };
        table.row(vec![
            row.flow.to_string(),
            accepted,
            count(row.refused),
            count(row.refusal_changed),
            count(row.other_bad),
            count(row.lost),
            count(row.missing),
        ]);
    }
    let failures = |row: &NegativeReport| flow::failures(&row.failures, &model.head);
    let details: String = model.negatives.iter().map(failures).collect();
    format!(
        "## Would a wrong password get in?\n\nLogins with a wrong password must be refused. They count in no \
         availability.\n\n{}{details}",
        table.text()
    )
}

fn coverage(head: &Head) -> String {
    let mut table = Table::new(&["flow", "kind", "vantage", ">due", ">recorded", ">missing"]);
    let optional = |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), count);
    for row in &head.slots {
        table.row(vec![
            row.flow.to_string(),
            row.kind.to_string(),
            row.vantage.to_string(),
            optional(row.due),
            count(row.recorded),
            optional(row.missing),
        ]);
    }
    format!("## Coverage\n\nA slot without a run is neither up nor down.\n\n{}", table.text())
}

fn rules(head: &Head) -> String {
    let rules: String = head.policy_text.iter().map(|rule| format!("- {rule}\n")).collect();
    format!(
        "## Rules\n\nPolicy `{}`:\n\n{rules}\nData revision `{}`. Made by: `{}`\n",
        head.policy_revision,
        head.data_revision,
        head.generated_from.replace('`', "'")
    )
}
