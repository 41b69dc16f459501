//! Finds a value in an answer: an element's text or attribute, a pattern, JSON, a header, a cookie, a part of the URL.

use scraper::{ElementRef, Selector};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::expect::Facts;
use super::page::{Reading, collapse, visible_text};
use super::trouble::Trouble;
use crate::model::Source;

/// The value at `source`, if it is there.
///
/// # Errors
/// [`Trouble::Ours`] for a selector, path or URL part that is none.
pub(super) fn find(source: &Source, facts: &Facts<'_>) -> Result<Option<String>, Trouble> {
    let page = facts.reading.page;
    Ok(match source {
        Source::Css { selector, attribute } => {
            let css =
                Selector::parse(selector).map_err(|_| Trouble::Ours(format!("'{selector}' is not a CSS selector")))?;
            let found = facts.reading.document().select(&css).next();
            found.and_then(|element| match attribute {
                Some(attribute) => element.attr(attribute).map(str::to_owned),
                None => Some(element_text(element)),
            })
        }
        Source::Pattern(pattern) => pattern
            .captures(&page.body)
            .and_then(|found| found.get(usize::from(found.len() > 1)).map(|part| part.as_str().to_owned())),
        Source::Json(path) => {
            let nodes = json_nodes(path, facts.reading)?;
            nodes.into_iter().find(|node| !node.is_null()).map(|node| match node {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        }
        Source::Header(name) => page.header(name),
        Source::Cookie(name) => facts.jar.value(&page.url, name, facts.now),
        Source::UrlPart(part) => {
            let url = page.location.as_ref().unwrap_or(&page.url);
            match part.as_str() {
                "host" => url.host_str().map(str::to_owned),
                "path" => Some(url.path().to_owned()),
                "fragment" => url.fragment().map(str::to_owned),
                other => {
                    let name = other.strip_prefix("query.").ok_or_else(|| {
                        Trouble::Ours(format!("'{other}' is no part of a URL: use host, path, fragment or query.NAME"))
                    })?;
                    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
                }
            }
        }
    })
}

/// An element's text as a user sees it; of an element that nobody sees (a script) its raw text.
pub(super) fn element_text(element: ElementRef<'_>) -> String {
    match element.value().name() {
        "script" | "style" | "title" | "noscript" => collapse(&element.text().collect::<String>()),
        _ => visible_text(element),
    }
}

/// The JSON values that an RFC 9535 query selects; none when the body is no JSON.
pub(super) fn json_nodes<'r>(path: &str, reading: &'r Reading<'_>) -> Result<Vec<&'r Value>, Trouble> {
    let query =
        JsonPath::parse(path).map_err(|error| Trouble::Ours(format!("'{path}' is not a JSON path: {error}")))?;
    Ok(reading.json().map(|json| query.query(json).all()).unwrap_or_default())
}

/// The place, for people.
pub(super) fn describe(source: &Source) -> String {
    match source {
        Source::Css { selector, attribute: None } => format!("the element '{selector}'"),
        Source::Css { selector, attribute: Some(attribute) } => format!("the attribute '{attribute}' of '{selector}'"),
        Source::Pattern(pattern) => format!("the pattern /{pattern}/"),
        Source::Json(path) => format!("the JSON value at {path}"),
        Source::Header(name) => format!("the header '{name}'"),
        Source::Cookie(name) => format!("the cookie '{name}'"),
        Source::UrlPart(part) => format!("the URL's {part}"),
    }
}
