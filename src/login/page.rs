//! An answer as a reader sees it: decoded text, HTML, visible text, title, JSON. Knows no flow and no session.

use std::cell::OnceCell;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use scraper::{ElementRef, Html, Node, Selector};
use url::Url;

use super::charset;
use super::markup_cost;

/// The final answer of a step's last journey.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The URL that gave this answer.
    pub(super) url: Url,
    /// The URL that was asked first, before redirects.
    pub(super) asked: Url,
    /// Status.
    pub(super) status: StatusCode,
    /// Headers.
    pub(super) headers: HeaderMap,
    /// Where a redirect that was not followed points.
    pub(super) location: Option<Url>,
    /// How many requests it took.
    pub(super) hops: u16,
    /// The body as text.
    pub(super) body: String,
    html: bool,
}

impl Page {
    /// Decodes an answer.
    ///
    /// # Errors
    /// Why the markup is too costly to read.
    pub(super) fn new(
        (asked, url): (Url, Url),
        status: StatusCode,
        headers: HeaderMap,
        body: &Bytes,
        location: Option<Url>,
        hops: u16,
    ) -> Result<Self, String> {
        let content_type = header_text(&headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let text = charset::decode(body, &content_type);
        let html = is_html(&content_type, &text);
        if html {
            markup_cost::check(&text)?;
        }
        Ok(Self { url, asked, status, headers, location, hops, body: text, html })
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        header_text(&self.headers, name)
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// By the content type; without one by what the text begins with, as browsers guess.
fn is_html(content_type: &str, text: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/html" | "application/xhtml+xml" => true,
        "" => text.trim_start().starts_with('<'),
        _ => false,
    }
}

/// A page while it is being read: what is costly to derive is derived once, when asked for.
pub(super) struct Reading<'p> {
    /// The page.
    pub(super) page: &'p Page,
    document: OnceCell<Html>,
    text: OnceCell<String>,
    json: OnceCell<Option<serde_json::Value>>,
}

impl<'p> Reading<'p> {
    /// Begins to read.
    pub(super) fn new(page: &'p Page) -> Self {
        Self { page, document: OnceCell::new(), text: OnceCell::new(), json: OnceCell::new() }
    }

    /// The parsed page; an empty document when it is no HTML.
    pub(super) fn document(&self) -> &Html {
        self.document.get_or_init(|| Html::parse_document(if self.page.html { &self.page.body } else { "" }))
    }

    /// The text that a user sees, white space collapsed; of a body that is no HTML: the body.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| {
            if self.page.html { visible_text(self.document().root_element()) } else { collapse(&self.page.body) }
        })
    }

    /// The body as JSON, if it is.
    pub(super) fn json(&self) -> Option<&serde_json::Value> {
        self.json.get_or_init(|| serde_json::from_str(&self.page.body).ok()).as_ref()
    }

    /// The page's title.
    pub(super) fn title(&self) -> Option<String> {
        let selector = Selector::parse("title").ok()?;
        let title = self.document().select(&selector).next()?;
        let text = collapse(&title.text().collect::<String>());
        (!text.is_empty()).then_some(text)
    }

    /// Whether any field of the page takes a password.
    pub(super) fn asks_for_password(&self) -> bool {
        let takes_password = |input: ElementRef<'_>| {
            input.attr("type").is_some_and(|declared| declared.eq_ignore_ascii_case("password"))
        };
        Selector::parse("input").is_ok_and(|selector| self.document().select(&selector).any(takes_password))
    }

    /// The URL against which the page's addresses are resolved: `<base href>`, else its own.
    pub(super) fn base(&self) -> Url {
        let base = Selector::parse("base[href]").ok().and_then(|selector| {
            let href = self.document().select(&selector).next()?.attr("href")?;
            self.page.url.join(href.trim()).ok()
        });
        base.filter(|base| matches!(base.scheme(), "http" | "https")).unwrap_or_else(|| self.page.url.clone())
    }
}

/// Runs of white space become one space; none at the ends.
pub(super) fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements whose content nobody sees as text. `noscript` too: a browser with scripts does not show it.
const UNSEEN: [&str; 7] = ["script", "style", "template", "noscript", "head", "iframe", "datalist"];

/// Elements that run on within a line, so that their edges do not part words.
const INLINE: [&str; 27] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark",
    "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var",
];

/// The text of an element that a user sees: no scripts, nothing hidden by `hidden` or an inline `display:none`.
pub(super) fn visible_text(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    let mut edges = element.traverse();
    while let Some(edge) = edges.next() {
        match edge {
            ego_tree::iter::Edge::Open(node) => match node.value() {
                Node::Text(piece) => text.push_str(piece),
                Node::Element(inner) => {
                    if UNSEEN.contains(&inner.name()) || is_hidden(inner) {
                        skip(&mut edges, node.id());
                    } else if !INLINE.contains(&inner.name()) {
                        text.push(' ');
                    }
                }
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) => {
                if node.value().as_element().is_some_and(|inner| !INLINE.contains(&inner.name())) {
                    text.push(' ');
                }
            }
        }
    }
    collapse(&text)
}

/// Moves past the end of the element that was just opened.
fn skip(edges: &mut ego_tree::iter::Traverse<'_, Node>, opened: ego_tree::NodeId) {
    for edge in edges.by_ref() {
        if matches!(edge, ego_tree::iter::Edge::Close(node) if node.id() == opened) {
            return;
        }
    }
}

fn is_hidden(element: &scraper::node::Element) -> bool {
    element.attr("hidden").is_some()
        || element.attr("style").is_some_and(|style| {
            let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
            style.contains("display:none") || style.contains("visibility:hidden")
        })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A page for tests of what reads pages.
    pub(in crate::login) fn page(url: &str, content_type: &str, body: &str) -> Page {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let url: Url = url.parse().unwrap();
        let body = Bytes::from(body.to_owned());
        Page::new((url.clone(), url), StatusCode::OK, headers, &body, None, 1).unwrap()
    }

    fn text(html: &str) -> String {
        Reading::new(&page("http://a.test/", "text/html", html)).text().to_owned()
    }

    #[test]
    fn text_is_what_a_user_sees() {
        let cases = [
            ("<p>Hello <b>pro</b>be</p><p>Bye</p>", "Hello probe Bye"),
            ("a<br>b<table><tr><td>c<td>d</table>", "a b c d"),
            ("<script>x</script><style>y</style><noscript>z</noscript>seen", "seen"),
            ("<div hidden>Network error</div><div style='Display: none'>x<i>y</i></div>fine", "fine"),
            ("<title>t</title><body>a\n\n  b&nbsp;c&amp;d", "a b c&d"),
            ("", ""),
        ];
        for (html, expected) in cases {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn other_bodies_are_their_own_text() {
        let page = page("http://a.test/", "application/json; charset=utf-8", "{\"a\":  [1]}");
        let reading = Reading::new(&page);
        assert_eq!(reading.text(), "{\"a\": [1]}");
        assert_eq!(reading.json(), Some(&serde_json::json!({"a": [1]})));
        assert_eq!(reading.title(), None);
    }

    #[test]
    fn title_and_base_are_found() {
        let html = "<title> Log\n in </title><base href='/app/'><base href='/other/'>";
        let page = page("http://a.test/x", "text/html", html);
        let reading = Reading::new(&page);
        assert_eq!(reading.title().as_deref(), Some("Log in"));
        assert_eq!(reading.base().as_str(), "http://a.test/app/");
    }
}
