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
            let (found, somebody_else) = match text {
                TextMatch::Pattern(pattern) => (pattern.is_match(facts.reading.text()), false),
                TextMatch::Plain(template) => {
                    find_name(facts.reading.text(), &collapse(&template.fill(facts.variables)?))
                }
            };
            let wanted = describe(text);
            match (found, somebody_else) {
                (true, _) => Ok(format!("identity: the page shows {wanted}")),
                (false, true) => Err(Trouble::Identity {
                    message: format!("the page shows a longer name that only begins or ends with {wanted}"),
                    somebody_else,
                }),
                (false, false) => {
                    Err(nobody(format!("the page does not show {wanted}, which would prove who is logged in")))
                }
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

/// Whether the text shows this name as a whole (`probe` is not shown by `probe-2`), and whether it shows one that only
/// holds it.
fn find_name(text: &str, name: &str) -> (bool, bool) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '@');
    let mut somebody_else = false;
    for (at, _) in text.match_indices(name).filter(|_| !name.is_empty()) {
        let mut after = text[at + name.len()..].chars();
        let next = after.next();
        // A full stop ends a sentence, or goes on within a name.
        let goes_on = next.is_some_and(|c| is_part(c) || (c == '.' && after.next().is_some_and(char::is_alphanumeric)));
        let comes_on = text[..at].chars().next_back().is_some_and(|c| is_part(c) || c == '.');
        let (first, last) = (name.chars().next(), name.chars().next_back());
        if (goes_on && last.is_some_and(is_part)) || (comes_on && first.is_some_and(is_part)) {
            somebody_else = true;
        } else {
            return (true, false);
        }
    }
    (false, somebody_else)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::page::tests::page;
    use crate::model::{Source, StatusSet, Template};

    #[test]
    fn a_name_is_shown_as_a_whole() {
        let cases = [
            ("Signed in as probe", "Signed in as probe", (true, false)),
            ("Signed in as probe.", "Signed in as probe", (true, false)),
            ("Signed in as probe-2", "Signed in as probe", (false, true)),
            ("Signed in as probe.two", "Signed in as probe", (false, true)),
            ("my-probe", "probe", (false, true)),
            ("probe-2, probe", "probe", (true, false)),
            ("probe@shop.test", "probe", (false, true)),
            ("(probe)", "probe", (true, false)),
            ("Hello: probe", "Hello:", (true, false)),
            ("nobody", "probe", (false, false)),
            ("anything", "", (false, false)),
        ];
        for (text, name, expected) in cases {
            assert_eq!(find_name(text, name), expected, "{name} in {text}");
        }
    }

    fn plain(text: &str) -> TextMatch {
        TextMatch::Plain(Template::parse(text).unwrap())
    }

    fn pattern(text: &str) -> TextMatch {
        TextMatch::Pattern(regex::Regex::new(text).unwrap().into())
    }

    fn json(value: &serde_json::Value) -> Option<JsonTemplate> {
        Some(JsonTemplate::parse(value).unwrap())
    }

    fn html_cases() -> Vec<(Expectation, bool)> {
        let css = |selector: &str, text: Option<TextMatch>, present: bool| Expectation::Css {
            selector: selector.to_owned(),
            text,
            present,
        };
        let header = |name: &str, value: Option<TextMatch>| Expectation::Header { name: name.to_owned(), value };
        let cookie = |name: &str, present: bool| Expectation::Cookie { name: name.to_owned(), present };
        let status = |low, high| Expectation::Status(StatusSet { ranges: vec![(low, high)] });
        let shown = |text: &str, present: bool| Expectation::Text { text: plain(text), present };
        let attribute = Source::Css { selector: "#u".to_owned(), attribute: Some("data-id".to_owned()) };
        let is = |source: Source, is: &str| {
            Expectation::Identity(Identity::Value { source, is: Template::parse(is).unwrap() })
        };
        vec![
            (status(200, 299), true),
            (status(401, 401), false),
            (Expectation::Url(plain("/home")), true),
            (Expectation::Url(plain("/home?a={{ user }}")), true),
            (Expectation::Url(plain("/home?a=2")), false),
            (Expectation::Url(plain("http://a.test/home?a=probe")), true),
            (Expectation::Url(plain("http://a.test/home")), false),
            (Expectation::Url(pattern("^http://a")), true),
            (shown("Hello probe", true), true),
            (shown("Error", true), false),
            (shown("Error", false), true),
            (shown("Hello", false), false),
            (css("#u", None, true), true),
            (css("#u", Some(plain("{{ user }}")), true), true),
            (css("#u", Some(pattern("^x")), true), false),
            (css("#none", None, false), true),
            (css("#u", None, false), false),
            (header("x-a", Some(plain("1"))), true),
            (header("X-A", Some(plain("2"))), false),
            (header("x-b", None), false),
            (cookie("sid", true), true),
            (cookie("sid", false), false),
            (cookie("other", false), true),
            (is(attribute.clone(), "7"), true),
            (is(attribute, "8"), false),
            (is(Source::UrlPart("query.a".to_owned()), "{{ user }}"), true),
            (is(Source::Cookie("sid".to_owned()), "v"), true),
            (is(Source::Pattern(regex::Regex::new("Hello <b>(\\w+)").unwrap().into()), "probe"), true),
        ]
    }

    #[test]
    fn each_kind_holds_or_not() {
        let mut page =
            page("http://a.test/home?a=probe", "text/html", "<p>Hello <b>probe</b><i id=u data-id=7>probe</i>");
        page.headers.insert("x-a", "1".parse().unwrap());
        check_all(&page, html_cases());
        let body = "{\"ok\": true, \"n\": null, \"users\": [{\"name\": \"probe\"}]}";
        let page = crate::login::page::tests::page("http://a.test/", "application/json", body);
        let at = |path: &str, equals: Option<JsonTemplate>| Expectation::Json { path: path.to_owned(), equals };
        let cases = vec![
            (at("$.ok", json(&serde_json::json!(true))), true),
            (at("$.ok", json(&serde_json::json!("true"))), false),
            (at("$.n", None), false),
            (at("$.users[*].name", json(&serde_json::json!("{{ user }}"))), true),
            (at("$.users[?@.name == 'probe']", None), true),
            (at("$.gone", None), false),
        ];
        check_all(&page, cases);
    }

    fn check_all(page: &crate::login::page::Page, cases: Vec<(Expectation, bool)>) {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let (mut jar, mut variables) = (Jar::new(10), Variables::default());
        jar.store(&page.url, [&b"sid=v"[..]].into_iter(), now).unwrap();
        variables.set("user", "probe");
        let reading = Reading::new(page);
        let facts = Facts { reading: &reading, variables: &variables, jar: &jar, now };
        for (expectation, holds) in cases {
            let checked = check(&expectation, &facts);
            assert_eq!(checked.is_ok(), holds, "{expectation:?}: {checked:?}");
        }
        let unbound = Expectation::Text { text: plain("{{ gone }}"), present: true };
        assert!(matches!(check(&unbound, &facts), Err(Trouble::Ours(_))));
        let selector = Expectation::Css { selector: "##".to_owned(), text: None, present: true };
        assert!(matches!(check(&selector, &facts), Err(Trouble::Ours(_))));
    }
}
