//! What is looked for in an answer: expectations, captures, and the signs by which a service says what went wrong.

use std::sync::Arc;

use regex::Regex;

use super::flow::JsonTemplate;
use super::template::Template;

/// Something that must hold of a step's final answer.
#[derive(Debug, Clone)]
pub enum Expectation {
    /// The status is one of these.
    Status(StatusSet),
    /// The final URL: an absolute URL or a path to be equal to, or a pattern.
    Url(TextMatch),
    /// The page's text (markup removed, white space collapsed; of a body that is no HTML: the body).
    Text {
        /// What is looked for.
        text: TextMatch,
        /// False: it must not be there.
        present: bool,
    },
    /// An element.
    Css {
        /// CSS selector.
        selector: String,
        /// What its text must be like; `None`: it must exist.
        text: Option<TextMatch>,
        /// False: it must not exist.
        present: bool,
    },
    /// A value in a JSON body.
    Json {
        /// RFC 9535 query.
        path: String,
        /// The value it must have; `None`: it must exist and not be null.
        equals: Option<JsonTemplate>,
    },
    /// A header of the answer.
    Header {
        /// Name, in any case.
        name: String,
        /// What the value must be like; `None`: it must exist.
        value: Option<TextMatch>,
    },
    /// A cookie that the session holds after the step for the final URL.
    Cookie {
        /// Name.
        name: String,
        /// False: it must not be held.
        present: bool,
    },
    /// Who is logged in. The proof of a good verdict.
    Identity(Identity),
}

/// Who is logged in.
#[derive(Debug, Clone)]
pub enum Identity {
    /// This text, which must name the user, is on the page.
    Shown(TextMatch),
    /// The value found here is this.
    Value {
        /// Where the user is named.
        source: Source,
        /// Who it must be.
        is: Template,
    },
}

/// A comparison of text.
#[derive(Debug, Clone)]
pub enum TextMatch {
    /// Contains it (for URLs and headers: is equal to it).
    Plain(Template),
    /// Matches this pattern somewhere.
    Pattern(Arc<Regex>),
}

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet {
    /// Inclusive ranges; 200 alone is (200, 200), `2xx` is (200, 299).
    pub ranges: Vec<(u16, u16)>,
}

impl StatusSet {
    /// Whether `status` is in the set.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|&(low, high)| (low..=high).contains(&status))
    }
}

/// Something kept of a step's final answer.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The variable it fills.
    pub variable: String,
    /// Where it is.
    pub source: Source,
    /// Hidden in all evidence. True unless the flow says otherwise.
    pub secret: bool,
}

/// A place in an answer where a value is.
#[derive(Debug, Clone)]
pub enum Source {
    /// An element's text, or one of its attributes.
    Css {
        /// CSS selector.
        selector: String,
        /// Attribute; `None`: the text.
        attribute: Option<String>,
    },
    /// The first group (without groups: the whole match) of a pattern in the body.
    Pattern(Arc<Regex>),
    /// A JSON value: text as it is, others as JSON.
    Json(String),
    /// A header.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// A part of the final URL: `host`, `path`, `fragment`, or `query.NAME`. With redirects not followed: of the
    /// `Location` header.
    UrlPart(String),
}

/// A way in which the service says what went wrong.
#[derive(Debug, Clone)]
pub struct Sign {
    /// What it means.
    pub meaning: SignMeaning,
    /// All of these must hold of the answer.
    pub marks: Vec<Expectation>,
}

/// What a sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignMeaning {
    /// The credential was refused.
    Refused,
    /// The second factor was refused.
    SecondFactorRefused,
    /// Too many requests.
    Throttled,
    /// A CAPTCHA or firewall page.
    Challenge,
    /// The test account is locked.
    AccountLocked,
    /// The test account cannot be used.
    AccountUnusable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_set_holds_its_ranges() {
        let set = StatusSet { ranges: vec![(200, 299), (401, 401)] };
        assert!(set.contains(204) && set.contains(401));
        assert!(!set.contains(302));
    }
}
