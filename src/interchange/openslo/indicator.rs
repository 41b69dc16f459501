//! The indicator of an OpenSLO document. Doorstep makes its own measurements: only an indicator that it wrote itself says
//! the same as a flow, and a flow has to stand for any other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::reading::{Fields, shown};
use super::{FLOW, service_name};
use crate::model::FlowName;

/// Indicators by their names.
pub(super) type Indicators<'v> = BTreeMap<&'v str, &'v Value>;

/// What a document says is measured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Indicator<'v> {
    /// Nothing is said.
    None,
    /// It stands in the document itself.
    Inline(&'v Value),
    /// It stands in a document of its own.
    Named(&'v str, &'v Value),
    /// No document of the file has this name.
    Unknown(&'v str),
}

impl<'v> Indicator<'v> {
    /// The indicator of an SLO, or of one part of it.
    pub(super) fn of(fields: &Fields<'v>, indicators: &Indicators<'v>) -> Self {
        if let Some(inline) = fields.get("indicator") {
            return Self::Inline(inline);
        }
        match fields.text("indicatorRef") {
            None => Self::None,
            Some(name) => indicators.get(name).map_or(Self::Unknown(name), |found| Self::Named(name, found)),
        }
    }

    /// This one, or the other when nothing is said.
    pub(super) fn or(self, other: Self) -> Self {
        if matches!(self, Self::None) { other } else { self }
    }

    fn spec(self) -> &'v Value {
        match self {
            Self::Inline(value) => &value["spec"],
            Self::Named(_, spec) => spec,
            Self::None | Self::Unknown(_) => &Value::Null,
        }
    }
}

/// An indicator as Doorstep writes it.
pub(super) fn ours(name: &str, good: &str, total: &str) -> Value {
    let source = |query: &str| json!({ "metricSource": { "type": "Prometheus", "spec": { "query": query } } });
    json!({
        "metadata": { "name": format!("{name}-logins") },
        "spec": { "ratioMetric": { "counter": true, "good": source(good), "total": source(total) } },
    })
}

/// The flow that stands for the indicator.
pub(super) fn flow(
    slo: &str,
    annotated: Option<&str>,
    indicator: Indicator<'_>,
    service: Option<&str>,
    remarks: &mut Vec<String>,
) -> String {
    let noted = annotated.filter(|name| FlowName::new(name).is_ok());
    let of_query = counted(slo, indicator);
    let flow = noted.map(str::to_owned).or_else(|| of_query.clone());
    if let (Some(annotated), true) = (annotated, noted.is_none() || of_query.is_some() && of_query != flow) {
        remarks.push(format!("the annotation {FLOW}, '{annotated}', which is no flow of its indicator"));
    }
    if let Some(flow) = flow.clone().filter(|_| of_query.is_some()) {
        if let Some(service) = service.filter(|service| *service != service_name(&flow)) {
            remarks.push(format!("its service '{service}'"));
        }
        return flow;
    }
    let service = service.unwrap_or(slo);
    let flow = flow.unwrap_or_else(|| clean(service, "login"));
    if flow != service {
        remarks.push(format!("its service '{service}'"));
    }
    remarks.push(format!("{}: Doorstep logs in by itself; the flow '{flow}' has to stand for it", told(indicator)));
    flow
}

/// The flow whose logins an indicator of ours counts; none when anything in it is not as we write it.
fn counted(slo: &str, indicator: Indicator<'_>) -> Option<String> {
    let Indicator::Inline(written) = indicator else { return None };
    let query = |part: &str| written["spec"]["ratioMetric"][part]["metricSource"]["spec"]["query"].as_str();
    let (good, total) = (query("good")?, query("total")?);
    if *written != ours(slo, good, total) {
        return None;
    }
    let flow = of_counter(good)?;
    (of_counter(total)? == flow).then_some(flow)
}

/// The flow of `sum(doorstep_..{flow="..",..})`, when no other label than our own narrows it.
fn of_counter(query: &str) -> Option<String> {
    let (name, labels) = query.strip_prefix("sum(doorstep_")?.strip_suffix("})")?.split_once('{')?;
    if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        return None;
    }
    let mut flow = None;
    for label in labels.split(',') {
        match label.split_once('=')? {
            ("flow", value) => flow = value.strip_prefix('"')?.strip_suffix('"').map(str::to_owned),
            ("verdict" | "le", _) => {}
            _ => return None,
        }
    }
    flow.filter(|name| FlowName::new(name).is_ok())
}

fn told(indicator: Indicator<'_>) -> String {
    let spec = indicator.spec();
    let mut queries = Vec::new();
    texts(spec, &mut queries);
    let kind = ["thresholdMetric", "ratioMetric"].into_iter().find(|kind| spec.get(kind).is_some());
    let (kind, query) = (kind.unwrap_or("no metric"), queries.first().map_or("no query", |query| query));
    match indicator {
        Indicator::None => "no indicator".to_owned(),
        Indicator::Unknown(name) => format!("its indicator {name}, which is not in this file"),
        Indicator::Named(name, _) => format!("its indicator {name} ({kind}, '{}')", shown(&query.into())),
        Indicator::Inline(_) => format!("its indicator ({kind}, '{}')", shown(&query.into())),
    }
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

/// The nearest text that is a name of Doorstep's.
pub(super) fn clean(text: &str, otherwise: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let plain: String = text.chars().map(allowed).collect();
    let plain: String = plain.trim_start_matches(['.', '_', '-']).chars().take(64).collect();
    if plain.is_empty() { otherwise.to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_count_ourselves_is_one_of_our_indicators() {
        let total = r#"sum(doorstep_logins_total{flow="shop",verdict=~"good|bad"})"#;
        let of = |good: &str| counted("login", Indicator::Inline(&ours("login", good, total)));
        assert_eq!(of(r#"sum(doorstep_logins_total{flow="shop",verdict="good"})"#).as_deref(), Some("shop"));
        assert_eq!(
            of(r#"sum(doorstep_login_duration_seconds_bucket{flow="shop",verdict="good",le=~"1([.]0)?"})"#).as_deref(),
            Some("shop")
        );
        for other in [
            r#"sum(doorstep_logins_total{flow="till",verdict="good"})"#,
            r#"sum(doorstep_logins_total{flow="shop",verdict="good",vantage="berlin"})"#,
            r#"sum(doorstep_logins_total{flow="shop",verdict="good"}) * 2"#,
            r#"sum(http_requests_total{flow="shop"})"#,
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(counted("other", Indicator::Inline(&ours("login", total, total))), None, "under another name");
    }
}
