//! OpenSLO documents to objectives. Doorstep promises a share of good logins per calendar week; every part of a document
//! that says more, or something else, becomes a remark.

use std::collections::BTreeSet;

use serde_json::Value;

use super::indicator::{Indicator, Indicators, clean, flow};
use super::reading::{Fields, number, shown};
use super::{FLOW, NAME, UNDER, VERSION, service_description, window};
use crate::model::Target;

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
    let documents: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    if documents.iter().all(|document| document["apiVersion"] != VERSION) {
        return Err(ReadError(format!("no document with apiVersion: {VERSION}; other versions are not read")));
    }
    let of_kind = |kind: &'static str| {
        documents.iter().filter(move |document| document["apiVersion"] == VERSION && document["kind"] == kind)
    };
    let mut indicators = Indicators::new();
    for document in of_kind("SLI") {
        if let Some(name) = document["metadata"]["name"].as_str() {
            indicators.insert(name, &document["spec"]);
        }
    }
    let mut named = BTreeSet::new();
    of_kind("SLO").for_each(|document| references(document, &mut named));
    let mut imported = Imported::default();
    for document in &documents {
        let known = (document["kind"].as_str(), document["metadata"]["name"].as_str());
        let is_named = matches!(known, (Some(kind), Some(name)) if named.contains(&(kind, name)));
        read_document(document, &indicators, is_named, &mut imported);
    }
    Ok(imported)
}

/// The documents that an SLO stands on, by kind and name.
fn references<'v>(slo: &'v Value, named: &mut BTreeSet<(&'static str, &'v str)>) {
    let spec = &slo["spec"];
    let parts = spec["objectives"].as_array().into_iter().flatten().map(|part| &part["indicatorRef"]);
    named.extend(parts.chain([&spec["indicatorRef"]]).filter_map(Value::as_str).map(|name| ("SLI", name)));
    named.extend(spec["service"].as_str().map(|name| ("Service", name)));
}

fn read_document(document: &Value, indicators: &Indicators<'_>, is_named: bool, imported: &mut Imported) {
    let kind = document["kind"].as_str().unwrap_or("without a kind");
    let name = document["metadata"]["name"].as_str().unwrap_or("without a name");
    let what = format!("{kind} {name}");
    if document["apiVersion"] != VERSION {
        let version = document["apiVersion"].as_str().unwrap_or("none");
        return imported.remarks.push(format!("{what}: left out: its apiVersion is {version}, not {VERSION}"));
    }
    match kind {
        "SLO" => read_slo(name, document, indicators, imported),
        "SLI" | "Service" if !is_named => {
            imported.remarks.push(format!("{what}: left out: no SLO of this file names it"));
        }
        // An SLI is read where an SLO names it.
        "SLI" => {}
        "Service" => {
            imported.remarks.extend(service(name, document).map(|lost| format!("{what}: not expressed: {lost}")));
        }
        "DataSource" => imported.remarks.push(format!("{what}: left out: Doorstep makes its own measurements")),
        "AlertPolicy" | "AlertCondition" | "AlertNotificationTarget" => imported
            .remarks
            .push(format!("{what}: left out: 'doorstep export prometheus' writes burn-rate rules for each objective")),
        _ => imported.remarks.push(format!("{what}: left out: not a kind of {VERSION} that is known here")),
    }
}

/// What a service says beyond the name of a flow.
fn service(name: &str, document: &Value) -> Option<String> {
    let (fields, mut lost) = (Fields::of(document), Vec::new());
    let (metadata, spec) = (fields.fields("metadata"), fields.fields("spec"));
    for known in ["apiVersion", "kind"] {
        fields.get(known);
    }
    metadata.get("name");
    let title = metadata.text("displayName");
    // The flow may be written otherwise than its service, whose name OpenSLO restricts.
    let is_ours = title.is_some_and(|flow| spec.text("description") == Some(&service_description(flow)));
    if !is_ours {
        lost.extend(title.filter(|title| *title != name).map(|title| format!("its title '{title}'")));
        lost.extend(spec.text("description").map(|text| format!("its description '{text}'")));
    }
    lost.extend(fields.rest("").into_iter().chain(metadata.rest("metadata.")).chain(spec.rest("spec.")));
    (!lost.is_empty()).then(|| lost.join("; "))
}

/// What all objectives of an SLO share.
struct Shared<'v> {
    name: &'v str,
    title: Option<&'v str>,
    description: Option<&'v str>,
    annotations: Fields<'v>,
    indicator: Indicator<'v>,
    service: Option<&'v str>,
    zone: String,
    remarks: Vec<String>,
}

fn read_slo<'v>(name: &'v str, document: &'v Value, indicators: &Indicators<'v>, imported: &mut Imported) {
    let fields = Fields::of(document);
    let (metadata, spec) = (fields.fields("metadata"), fields.fields("spec"));
    let mut remarks = Vec::new();
    for known in ["apiVersion", "kind"] {
        fields.get(known);
    }
    metadata.get("name");
    let annotations = metadata.fields("annotations");
    let title =
        metadata.text("displayName").filter(|title| ![Some(name), annotations.text(NAME)].contains(&Some(title)));
    // Ours are read where they matter.
    for ours in [FLOW, UNDER] {
        annotations.text(ours);
    }
    if metadata.get("labels").is_some() || !annotations.rest("").is_empty() {
        remarks.push("labels and annotations are not kept".to_owned());
    }
    if let Some(method) = spec.text("budgetingMethod").filter(|method| *method != "Occurrences") {
        remarks.push(format!("budgeting method {method} counts slices of time; Doorstep counts logins (Occurrences)"));
    }
    let zone = window::zone(&spec, &mut remarks);
    if !spec.items("alertPolicies").is_empty() {
        remarks.push("alert policies; 'doorstep export prometheus' writes burn-rate rules instead".to_owned());
    }
    let parts = spec.items("objectives");
    if parts.iter().any(|part| part.get("indicator").or(part.get("indicatorRef")).is_some()) {
        remarks.push("composite: each part becomes an objective of its own, and their weights are lost".to_owned());
    }
    let (description, service) = (spec.text("description"), spec.text("service"));
    let indicator = Indicator::of(&spec, indicators);
    remarks.extend(fields.rest("").into_iter().chain(metadata.rest("metadata.")).chain(spec.rest("spec.")));
    if parts.is_empty() {
        imported.remarks.push(format!("SLO {name}: left out: it has no objectives"));
    }
    let shared = Shared { name, title, description, annotations, indicator, service, zone, remarks };
    for (index, part) in parts.iter().enumerate() {
        let number = (parts.len() > 1).then_some(index + 1);
        match read_objective(&shared, part, number, indicators) {
            Ok(objective) => imported.objectives.push(objective),
            Err(why) => imported.remarks.push(why),
        }
    }
}

/// One objective of an SLO, with its number when there are several; or why it is none.
fn read_objective<'v>(
    shared: &Shared<'v>,
    part: &'v Value,
    number: Option<usize>,
    indicators: &Indicators<'v>,
) -> Result<ImportedObjective, String> {
    let numbered = number.map(|number| format!("{}-{number}", shared.name));
    let annotated = shared.annotations.text(NAME);
    let (fields, mut said) = (Fields::of(part), shared.remarks.clone());
    if let (Some(annotated), Some(_)) = (annotated, number) {
        said.push(format!("the annotation {NAME}, '{annotated}', which cannot name several objectives"));
    }
    let own = numbered.or(annotated.map(str::to_owned)).unwrap_or_else(|| shared.name.to_owned());
    let Some(target) = target(&fields, &mut said) else {
        return Err(format!("SLO {own}: left out: it has no target above 0 and below 100 %"));
    };
    slices(&fields, &mut said);
    let under = shared.annotations.text(UNDER).map(str::to_owned);
    threshold(&fields, under.as_deref(), &mut said);
    let indicator = Indicator::of(&fields, indicators).or(shared.indicator);
    let flow = flow(shared.name, shared.annotations.text(FLOW), indicator, shared.service, &mut said);
    let title = fields.text("displayName").filter(|title| ![Some(own.as_str()), shared.title].contains(&Some(title)));
    let description = described(shared, title, &mut said);
    said.extend(fields.rest(&format!("objectives[{}].", number.unwrap_or(1) - 1)));
    let name = our_name(&own, &mut said);
    let remarks = said.into_iter().map(|remark| format!("not expressed: {remark}")).collect();
    Ok(ImportedObjective { name, description, flow, target, under, zone: shared.zone.clone(), remarks })
}

/// The description, or the titles where there is none. A title that only repeats the name describes nothing.
fn described(shared: &Shared<'_>, title: Option<&str>, remarks: &mut Vec<String>) -> String {
    let titles: Vec<&str> = shared.title.into_iter().chain(title).collect();
    let Some(description) = shared.description else { return titles.join(": ") };
    remarks.extend(titles.iter().filter(|title| **title != description).map(|title| format!("the title '{title}'")));
    description.to_owned()
}

fn target(fields: &Fields<'_>, remarks: &mut Vec<String>) -> Option<f64> {
    let (share, percent) = (fields.get("target"), fields.get("targetPercent"));
    if let (Some(_), Some(percent)) = (share, percent) {
        remarks.push(format!("its targetPercent {}: its target stands", shown(percent)));
    }
    let share = share.and_then(number).or_else(|| {
        // The decimal point is moved in the text, since dividing by 100 would round a second time.
        format!("{}e-2", number(percent?)?).parse().ok()
    })?;
    Target::new(share).ok().map(Target::share)
}

fn slices(fields: &Fields<'_>, remarks: &mut Vec<String>) {
    for (key, what) in [("timeSliceTarget", "a target"), ("timeSliceWindow", "a window")] {
        if let Some(value) = fields.get(key) {
            remarks.push(format!("{what} for slices of time, {}", shown(value)));
        }
    }
    if let Some(weight) = fields.get("compositeWeight") {
        remarks.push(format!("its weight of {} in a composite", shown(weight)));
    }
}

fn threshold(fields: &Fields<'_>, under: Option<&str>, remarks: &mut Vec<String>) {
    let (op, value) = (fields.text("op"), fields.get("value"));
    let remark = match (op, value, under) {
        (None, None, _) => return,
        (Some("lt" | "lte"), Some(value), None) => {
            let value = shown(value);
            format!(
                "its threshold ({} {value}), which has no unit: write 'under: {value}ms' or 'under: {value}s' if it is a \
                 login time",
                op.unwrap_or_default()
            )
        }
        (op, value, under) => {
            let value = value.map_or_else(|| "without a value".to_owned(), shown);
            let instead = under.map(|under| format!("; under: {under} stands, as its annotation says"));
            format!("its threshold ({} {value}){}", op.unwrap_or("no operator"), instead.unwrap_or_default())
        }
    };
    remarks.push(remark);
}

fn our_name(name: &str, remarks: &mut Vec<String>) -> String {
    let plain = clean(name, "objective");
    if plain != name {
        remarks.push(format!("its name '{name}', which cannot be one of Doorstep's"));
    }
    plain
}
