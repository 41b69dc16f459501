//! Whether an expectation holds of an answer, and if not, what is there instead. Pure: the answer, the variables and
//! the jar are arguments.

use jiff::Timestamp;
use scraper::Selector;
use serde_json::Value;
use url::Url;

use super::cookies::Jar;
use super::page::{Reading, collapse};
use super::secrecy::{HIDDEN, is_secret_name, show_url};
use super::source;
use super::trouble::Trouble;
use crate::model::{Expectation, Identity, JsonTemplate, TextMatch, Unbound, Variables};

/// What expectations are held against.
pub(super) struct Facts<'a> {
    /// The answer.
    pub(super) reading: &'a Reading<'a>,
    /// What fills holes.
    pub(super) variables: &'a Variables,
    /// The session's cookies after the answer.
    pub(super) jar: &'a Jar,
    /// For cookies that end.
    pub(super) now: Timestamp,
}

impl From<Unbound> for Trouble {
    fn from(unbound: Unbound) -> Self {
        Self::Ours(format!("{unbound}: the step that should have captured it did not run, or the flow never sets it"))
    }
}

/// Checks one expectation.
///
/// # Errors
/// What is there instead: [`Trouble::Status`], [`Trouble::Identity`], [`Trouble::Missing`], or [`Trouble::Ours`] for
/// an expectation that cannot be read.
pub(super) fn check(expectation: &Expectation, facts: &Facts<'_>) -> Result<String, Trouble> {
    let page = facts.reading.page;
    match expectation {
        Expectation::Status(set) => {
            let status = page.status.as_u16();
            let wanted: Vec<String> = set
                .ranges
                .iter()
                .map(|&(low, high)| if low == high { low.to_string() } else { format!("{low}-{high}") })
                .collect();
            if set.contains(status) {
                Ok(format!("status {status}"))
            } else {
                Err(Trouble::Status(format!("status {status}, where {} is expected", wanted.join(" or "))))
            }
        }
        Expectation::Url(wanted) => check_url(&page.url, wanted, facts.variables),
        Expectation::Text { text, present } => check_text(text, *present, facts),
        Expectation::Css { selector, text, present } => check_css(selector, text.as_ref(), *present, facts),
        Expectation::Json { path, equals } => check_json(path, equals.as_ref(), facts),
        Expectation::Header { name, value } => check_header(name, value.as_ref(), facts),
        Expectation::Cookie { name, present } => {
            let held = facts.jar.value(&page.url, name, facts.now).is_some();
            if held == *present {
                return Ok(format!("cookie '{name}' is {}", if held { "held" } else { "not held" }));
            }
            let names = facts.jar.names(&page.url, facts.now).join(", ");
            let what = if *present { "is not held" } else { "is held, but should not be" };
            Err(Trouble::Missing(format!("the cookie '{name}' {what}; cookies for this page: [{names}]")))
        }
        Expectation::Identity(identity) => check_identity(identity, facts),
    }
}

fn check_url(url: &Url, wanted: &TextMatch, variables: &Variables) -> Result<String, Trouble> {
    let holds = match wanted {
        TextMatch::Pattern(pattern) => pattern.is_match(url.as_str()),
        TextMatch::Plain(template) => {
            let text = template.fill(variables)?;
            if text.starts_with('/') { path_equals(url, &text) } else { url_equals(url, &text) }
        }
    };
    if holds {
        Ok(format!("URL {}", describe(wanted)))
    } else {
        Err(Trouble::Missing(format!("the final URL is {}, not {}", show_url(url), describe(wanted))))
    }
}

/// A path; with a query or fragment only where the text has one.
fn path_equals(url: &Url, text: &str) -> bool {
    let (text, fragment) = text.split_once('#').map_or((text, None), |(front, fragment)| (front, Some(fragment)));
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    url.path() == path
        && query.is_none_or(|query| url.query().unwrap_or_default() == query)
        && fragment.is_none_or(|fragment| url.fragment().unwrap_or_default() == fragment)
}

fn url_equals(url: &Url, text: &str) -> bool {
    let Ok(wanted) = Url::parse(text) else { return false };
    let mut url = url.clone();
    if wanted.fragment().is_none() {
        url.set_fragment(None);
    }
    url == wanted
}

fn check_text(text: &TextMatch, present: bool, facts: &Facts<'_>) -> Result<String, Trouble> {
    let found = contains(facts.reading.text(), text, facts.variables)?;
    match (found, present) {
        (true, true) => Ok(format!("text {}", describe(text))),
        (false, false) => Ok(format!("no text {}", describe(text))),
        (false, true) => Err(Trouble::Missing(format!("the page does not show {}", describe(text)))),
        (true, false) => Err(Trouble::Missing(format!("the page shows {}, but should not", describe(text)))),
    }
}

/// Whether the text contains what is wanted; white space counts as one space.
fn contains(text: &str, wanted: &TextMatch, variables: &Variables) -> Result<bool, Unbound> {
    Ok(match wanted {
        TextMatch::Plain(template) => text.contains(&collapse(&template.fill(variables)?)),
        TextMatch::Pattern(pattern) => pattern.is_match(text),
    })
}

fn check_css(css: &str, text: Option<&TextMatch>, present: bool, facts: &Facts<'_>) -> Result<String, Trouble> {
    let selector = Selector::parse(css).map_err(|_| Trouble::Ours(format!("'{css}' is not a CSS selector")))?;
    let (mut seen, mut holds) = (None, false);
    for element in facts.reading.document().select(&selector) {
        let shown = source::element_text(element);
        holds = match text {
            None => true,
            Some(wanted) => contains(&shown, wanted, facts.variables)?,
        };
        seen.get_or_insert(shown);
        if holds {
            break;
        }
    }
    let like = text.map(|wanted| format!(" with {}", describe(wanted))).unwrap_or_default();
    match (holds, present, seen) {
        (true, true, _) => Ok(format!("element '{css}'{like}")),
        (false, false, _) => Ok(format!("no element '{css}'{like}")),
        (true, false, _) => Err(Trouble::Missing(format!("the page has an element '{css}'{like}, but should not"))),
        (false, true, Some(shown)) => Err(Trouble::Missing(format!(
            "the element '{css}' reads '{}', not as {}",
            short(&shown),
            like.trim_start()
        ))),
        (false, true, None) => Err(Trouble::Missing(format!("the page has no element '{css}'"))),
    }
}

fn check_json(path: &str, equals: Option<&JsonTemplate>, facts: &Facts<'_>) -> Result<String, Trouble> {
    let nodes = source::json_nodes(path, facts.reading)?;
    let Some(template) = equals else {
        return if nodes.iter().any(|node| !node.is_null()) {
            Ok(format!("JSON {path} exists"))
        } else {
            Err(Trouble::Missing(format!("the answer has no JSON value at {path}")))
        };
    };
    let wanted = fill_json(template, facts.variables)?;
    if nodes.contains(&&wanted) {
        return Ok(format!("JSON {path} is {}", describe_json(template)));
    }
    let found = nodes.first().map_or_else(|| "nothing".to_owned(), |node| short(&node.to_string()));
    Err(Trouble::Missing(format!("the JSON value at {path} is {found}, not {}", describe_json(template))))
}

/// Fills the holes of a JSON document.
pub(super) fn fill_json(template: &JsonTemplate, variables: &Variables) -> Result<Value, Unbound> {
    Ok(match template {
        JsonTemplate::Text(text) => Value::String(text.fill(variables)?),
        JsonTemplate::Scalar(value) => value.clone(),
        JsonTemplate::Array(items) => {
            Value::Array(items.iter().map(|item| fill_json(item, variables)).collect::<Result<_, _>>()?)
        }
        JsonTemplate::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| Ok((name.clone(), fill_json(value, variables)?)))
                .collect::<Result<_, Unbound>>()?,
        ),
    })
}

/// The document as the flow writes it, holes and all.
pub(super) fn describe_json(template: &JsonTemplate) -> String {
    match template {
        JsonTemplate::Text(text) => format!("\"{text}\""),
        JsonTemplate::Scalar(value) => value.to_string(),
        JsonTemplate::Array(items) => {
            format!("[{}]", items.iter().map(describe_json).collect::<Vec<_>>().join(", "))
        }
        JsonTemplate::Object(members) => {
            let members = members.iter().map(|(name, value)| match value {
                // A hole shows its name; a secret that the flow spells out does not show at all.
                JsonTemplate::Text(text) if is_secret_name(name) && text.holes().next().is_none() => {
                    format!("\"{name}\": {HIDDEN}")
                }
                value => format!("\"{name}\": {}", describe_json(value)),
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn check_header(name: &str, value: Option<&TextMatch>, facts: &Facts<'_>) -> Result<String, Trouble> {
    let found: Vec<String> = facts
        .reading
        .page
        .headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect();
    let Some(first) = found.first() else {
        return Err(Trouble::Missing(format!("the answer has no header '{name}'")));
    };
    let Some(wanted) = value else { return Ok(format!("header '{name}'")) };
    let holds = match wanted {
        TextMatch::Plain(template) => found.contains(&template.fill(facts.variables)?),
        TextMatch::Pattern(pattern) => found.iter().any(|value| pattern.is_match(value)),
    };
    if holds {
        Ok(format!("header '{name}' {}", describe(wanted)))
    } else {
        Err(Trouble::Missing(format!("the header '{name}' is '{}', not {}", short(first), describe(wanted))))
    }
}

fn check_identity(identity: &Identity, facts: &Facts<'_>) -> Result<String, Trouble> {
    let nobody = |message: String| Trouble::Identity { message, somebody_else: false };
    match identity {
        Identity::Shown(text) => {
            if contains(facts.reading.text(), text, facts.variables)? {
                Ok(format!("identity: the page shows {}", describe(text)))
            } else {
                Err(nobody(format!("the page does not show {}, which would prove who is logged in", describe(text))))
            }
        }
        Identity::Value { source, is } => {
            let wanted = is.fill(facts.variables)?;
            match source::find(source, facts)?.map(|found| collapse(&found)) {
                Some(found) if found == collapse(&wanted) => {
                    Ok(format!("identity: {} is '{is}'", source::describe(source)))
                }
                Some(found) if !found.is_empty() => Err(Trouble::Identity {
                    message: format!("{} names '{}', not '{is}'", source::describe(source), short(&found)),
                    somebody_else: true,
                }),
                _ => Err(nobody(format!("{} is not there, so nothing names the user", source::describe(source)))),
            }
        }
    }
}

/// What is looked for, as the flow writes it.
fn describe(text: &TextMatch) -> String {
    match text {
        TextMatch::Plain(template) => format!("'{template}'"),
        TextMatch::Pattern(pattern) => format!("/{pattern}/"),
    }
}

/// The start of a value, for a message.
pub(super) fn short(text: &str) -> String {
    let masked = super::secrecy::mask_words(&collapse(text));
    if masked.chars().count() <= 80 { masked } else { masked.chars().take(79).chain(std::iter::once('…')).collect() }
}
