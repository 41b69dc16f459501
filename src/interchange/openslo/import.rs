//! OpenSLO documents to objectives. Doorstep promises a share of good logins per calendar week; every part of a document
//! that says more, or something else, becomes a remark.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::reading::{Fields, number};
use super::{FLOW, NAME, OURS, UNDER, VERSION};
use crate::model::{FlowName, Target};

/// A file that cannot be read as YAML, or holds nothing of OpenSLO v1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// The objectives, in the order of the file.
    pub objectives: Vec<ImportedObjective>,
    /// What belongs to no objective.
    pub remarks: Vec<String>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedObjective {
    /// Its name.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// The flow that has to stand for it.
    pub flow: String,
    /// Above 0 and below 1.
    pub target: f64,
    /// A latency threshold, as the configuration writes it.
    pub under: Option<String>,
    /// IANA zone.
    pub zone: String,
    /// What could not be expressed.
    pub remarks: Vec<String>,
}

/// Reads all documents of a file.
///
/// # Errors
/// [`ReadError`] for text that is no YAML, with its place, and for a file without a document of OpenSLO v1.
pub fn import(text: &str) -> Result<Imported, ReadError> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map_or_else(String::new, |place| format!("{}:{}: ", place.line(), place.column()));
        ReadError(format!("{place}no valid YAML: {error}"))
    })?;
    let mut imported = Imported::default();
    let mut indicators = BTreeMap::new();
    for document in documents.iter().filter(|document| document["kind"] == "SLI") {
        if let Some(name) = document["metadata"]["name"].as_str() {
            indicators.insert(name, &document["spec"]);
        }
    }
    let mut known = 0;
    for document in &documents {
        known += usize::from(document["apiVersion"] == VERSION);
        read_document(document, &indicators, &mut imported);
    }
    if known == 0 {
        return Err(ReadError(format!("no document with apiVersion: {VERSION}; other versions are not read")));
    }
    Ok(imported)
}

fn read_document(document: &Value, indicators: &BTreeMap<&str, &Value>, imported: &mut Imported) {
    let kind = document["kind"].as_str().unwrap_or("without a kind");
    let name = document["metadata"]["name"].as_str().unwrap_or("without a name");
    let what = format!("{kind} {name}");
    if document["apiVersion"] != VERSION {
        let version = document["apiVersion"].as_str().unwrap_or("none");
        return imported.remarks.push(format!("{what}: left out: its apiVersion is {version}, not {VERSION}"));
    }
    match kind {
        "SLO" => read_slo(name, document, indicators, imported),
        // An SLI is read where an SLO names it; a service is a name.
        "SLI" | "Service" => {}
        "DataSource" => imported.remarks.push(format!("{what}: left out: Doorstep makes its own measurements")),
        "AlertPolicy" | "AlertCondition" | "AlertNotificationTarget" => imported
            .remarks
            .push(format!("{what}: left out: 'doorstep export prometheus' writes burn-rate rules for each objective")),
        _ => imported.remarks.push(format!("{what}: left out: not a kind of {VERSION} that is known here")),
    }
}

fn read_slo(name: &str, document: &Value, indicators: &BTreeMap<&str, &Value>, imported: &mut Imported) {
    let (metadata, spec) = (Fields::of(&document["metadata"]), Fields::of(&document["spec"]));
    let mut remarks = Vec::new();
    let annotations = metadata.get("annotations").cloned().unwrap_or_default();
    let note = |key: &str| annotations.get(key).and_then(Value::as_str);
    let display = metadata.text("displayName");
    metadata.get("name");
    let foreign = annotations.as_object().into_iter().flatten().filter(|(key, _)| !key.starts_with(OURS)).count();
    if metadata.get("labels").is_some() || foreign > 0 {
        remarks.push("labels and annotations are not kept".to_owned());
    }
    if spec.text("budgetingMethod").is_some_and(|method| method != "Occurrences") {
        let method = spec.text("budgetingMethod").unwrap_or_default();
        remarks.push(format!("budgeting method {method} counts slices of time; Doorstep counts logins (Occurrences)"));
    }
    let zone = window(&spec, &mut remarks);
    if !spec.items("alertPolicies").is_empty() {
        remarks.push("alert policies; 'doorstep export prometheus' writes burn-rate rules instead".to_owned());
    }
    // A title that only repeats the name describes nothing.
    let display = display.filter(|title| ![Some(name), note(NAME)].contains(&Some(title)));
    let description = spec.text("description").or(display).unwrap_or_default().to_owned();
    let service = spec.text("service").unwrap_or(name);
    let shared = indicator(&spec, indicators);
    let parts = spec.items("objectives");
    let composite = parts.iter().any(|part| part.get("indicator").or(part.get("indicatorRef")).is_some());
    if composite {
        remarks.push("composite: each part becomes an objective of its own, and their weights are lost".to_owned());
    }
    for key in spec.rest() {
        remarks.push(format!("spec.{key}"));
    }
    if parts.is_empty() {
        imported.remarks.push(format!("SLO {name}: left out: it has no objectives"));
    }
    for (index, part) in parts.iter().enumerate() {
        let own = if parts.len() == 1 { name.to_owned() } else { format!("{name}-{}", index + 1) };
        let own = note(NAME).filter(|_| parts.len() == 1).map_or(own, str::to_owned);
        let mut said = remarks.clone();
        let fields = Fields::of(part);
        let Some(target) = target(&fields) else {
            imported.remarks.push(format!("SLO {own}: left out: it has no target above 0 and below 100 %"));
            continue;
        };
        slices(&fields, &mut said);
        let under = note(UNDER).map(str::to_owned);
        threshold(&fields, under.as_deref(), &mut said);
        let measured = indicator(&fields, indicators).or(shared);
        let flow = flow(note(FLOW), measured, service, &mut said);
        fields.get("displayName");
        for key in fields.rest() {
            said.push(format!("objectives[{index}].{key}"));
        }
        let name = our_name(&own, &mut said);
        let said = said.into_iter().map(|remark| format!("not expressed: {remark}")).collect();
        let (description, zone) = (description.clone(), zone.clone());
        imported.objectives.push(ImportedObjective { name, description, flow, target, under, zone, remarks: said });
    }
}

/// The zone of the weeks.
fn window(spec: &Fields<'_>, remarks: &mut Vec<String>) -> String {
    let windows = spec.items("timeWindow");
    let Some(first) = windows.first() else {
        remarks.push("no time window: Doorstep reports calendar weeks".to_owned());
        return "UTC".to_owned();
    };
    let fields = Fields::of(first);
    let duration = fields.text("duration").unwrap_or("none");
    let rolling = fields.get("isRolling").and_then(Value::as_bool).unwrap_or(first.get("calendar").is_none());
    if rolling {
        remarks.push(format!("a rolling window of {duration}: Doorstep reports calendar weeks"));
    } else if !matches!(duration, "1w" | "7d") {
        remarks.push(format!(
            "a calendar window of {duration}: Doorstep reports weeks; choose other periods with --from and --to"
        ));
    }
    let Some(calendar) = fields.get("calendar") else { return "UTC".to_owned() };
    let start = calendar["startTime"].as_str().unwrap_or_default();
    let monday = start.parse::<DateTime>().is_ok_and(|at| at.weekday() == Weekday::Monday && at.time().hour() == 0);
    if !rolling && !monday {
        remarks.push(format!("a window that begins at {start}: weeks of Doorstep begin on Monday at midnight"));
    }
    let zone = calendar["timeZone"].as_str().unwrap_or("UTC");
    if TimeZone::get(zone).is_err() {
        remarks.push(format!("the zone {zone}, which the IANA database does not know; UTC stands for it"));
        return "UTC".to_owned();
    }
    zone.to_owned()
}

fn indicator<'v>(fields: &Fields<'v>, indicators: &BTreeMap<&str, &'v Value>) -> Option<&'v Value> {
    let named = fields.text("indicatorRef").and_then(|name| indicators.get(name).copied());
    fields.get("indicator").map(|inline| &inline["spec"]).or(named)
}

fn target(fields: &Fields<'_>) -> Option<f64> {
    let (share, percent) = (fields.get("target"), fields.get("targetPercent"));
    let share = share.and_then(number).or_else(|| {
        // The decimal point is moved in the text, since dividing by 100 would round a second time.
        format!("{}e-2", number(percent?)?).parse().ok()
    })?;
    Target::new(share).ok().map(Target::share)
}

fn slices(fields: &Fields<'_>, remarks: &mut Vec<String>) {
    if ["timeSliceTarget", "timeSliceWindow"].map(|key| fields.get(key)).iter().any(Option::is_some) {
        remarks.push("a target for slices of time".to_owned());
    }
    if let Some(weight) = fields.get("compositeWeight") {
        remarks.push(format!("its weight of {weight} in a composite"));
    }
}

fn threshold(fields: &Fields<'_>, under: Option<&str>, remarks: &mut Vec<String>) {
    let (op, value) = (fields.text("op"), fields.get("value"));
    match (op, value, under) {
        (None, None, _) | (_, _, Some(_)) => {}
        (Some("lt" | "lte"), Some(value), None) => remarks.push(format!(
            "its threshold of {value}, which has no unit: write 'under: {value}ms' or 'under: {value}s' if it is a login time"
        )),
        (op, value, None) => remarks.push(format!(
            "its threshold ({} {})",
            op.unwrap_or("no operator"),
            value.map_or_else(|| "without a value".to_owned(), Value::to_string)
        )),
    }
}

/// The flow that stands for the indicator.
fn flow(noted: Option<&str>, indicator: Option<&Value>, service: &str, remarks: &mut Vec<String>) -> String {
    let mut queries = Vec::new();
    texts(indicator.unwrap_or(&Value::Null), &mut queries);
    if let Some(query) = queries.iter().find(|query| query.contains("doorstep_")) {
        let named = query.split("flow=\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(flow) = noted.or(named).filter(|name| FlowName::new(name).is_ok()) {
            return flow.to_owned();
        }
    }
    let indicator = indicator.unwrap_or(&Value::Null);
    let kind = ["thresholdMetric", "ratioMetric"].into_iter().find(|kind| indicator.get(kind).is_some());
    let source = queries.first().map_or_else(|| "no query".to_owned(), |query| format!("'{query}'"));
    let name = clean(service, "login");
    remarks.push(format!(
        "its indicator ({}, {source}): Doorstep logs in by itself; the flow '{name}' has to stand for it",
        kind.unwrap_or("none")
    ));
    name
}

/// All texts of an indicator that may be queries: the longest first.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
}

fn our_name(name: &str, remarks: &mut Vec<String>) -> String {
    let plain = clean(name, "objective");
    if plain != name {
        remarks.push(format!("its name '{name}', which cannot be one of Doorstep's"));
    }
    plain
}

/// The nearest text that is a name of Doorstep's.
fn clean(text: &str, otherwise: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let plain: String = text.chars().map(allowed).collect();
    let plain: String = plain.trim_start_matches(['.', '_', '-']).chars().take(64).collect();
    if plain.is_empty() { otherwise.to_owned() } else { plain }
}
