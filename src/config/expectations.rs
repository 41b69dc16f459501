//! What must hold of an answer, in the order written.

use std::sync::Arc;

use crate::model::{Expectation, Identity, StatusSet, TextMatch};

use super::diagnostic::Problem;
use super::flow::Builder;
use super::suggest::quote;
use super::tables_flow::{CSS_CHECK, MATCH, USER};
use super::values;
use super::view::{View, read_key, read_scalar};
use super::yaml::{Entry, Node, Value};

impl Builder<'_> {
    /// The expectations of a map.
    pub(super) fn expectations(&mut self, view: View<'_>) -> Vec<Expectation> {
        let mut all = Vec::new();
        for entry in view.all_entries().iter().filter(|entry| !entry.value.is_null()) {
            self.expectation(view, entry, &mut all);
        }
        all
    }

    fn expectation(&mut self, view: View<'_>, entry: &Entry, all: &mut Vec<Expectation>) {
        let key = entry.key.as_str();
        let node = &entry.value;
        match key {
            "status" => {
                let ranges = view.read_all(key, values::status, self.findings);
                all.push(Expectation::Status(StatusSet { ranges }));
            }
            "url" => {
                let wanted = match node.scalar() {
                    Some(scalar) => {
                        self.check_final_url(node, &scalar.text);
                        self.url(node).map(TextMatch::Plain)
                    }
                    None => self.text_match(node),
                };
                all.extend(wanted.map(Expectation::Url));
            }
            "text" | "no_text" => {
                let texts = node.items().iter().filter_map(|item| self.text_match(item));
                all.extend(texts.map(|text| Expectation::Text { text, present: key == "text" }));
            }
            "css" => all.extend(node.items().iter().filter_map(|item| self.element(item))),
            "no_css" => {
                let selectors = view.read_all(key, values::css, self.findings).into_iter();
                all.extend(selectors.map(|selector| Expectation::Css { selector, text: None, present: false }));
            }
            "json" => self.json_expectations(node, all),
            "header" => self.header_expectations(node, all),
            "cookie" | "no_cookie" => {
                let names = view.read_all(key, values::text, self.findings).into_iter();
                all.extend(names.map(|name| Expectation::Cookie { name, present: key == "cookie" }));
            }
            "user" => all.extend(self.identity(node).map(Expectation::Identity)),
            // An unknown key was noted by the check of structure.
            _ => {}
        }
    }

    /// A final URL is compared whole, so it must be a whole one, or a path.
    fn check_final_url(&mut self, node: &Node, text: &str) {
        if !text.starts_with('/') && !text.starts_with("{{") && !text.contains("://") {
            let reason = format!("{} is neither a URL nor a path, so it can never be the final URL", quote(text));
            let problem = Problem::new(reason).help("begin with / or https://, or write {matches: PATTERN}");
            self.findings.error(&node.place, problem);
        }
    }

    /// A text, or `{matches: PATTERN}`.
    fn text_match(&mut self, node: &Node) -> Option<TextMatch> {
        if let Value::Map(_) = node.value {
            let pattern = View::of(&MATCH, node).read("matches", values::pattern, self.findings)?;
            return Some(TextMatch::Pattern(Arc::new(pattern)));
        }
        let template = self.template(node)?;
        if node.scalar().is_some_and(|scalar| scalar.text.trim().is_empty()) {
            self.findings.error(&node.place, "an empty text is on every page");
        }
        Some(TextMatch::Plain(template))
    }

    fn element(&mut self, node: &Node) -> Option<Expectation> {
        if let Value::Map(_) = node.value {
            let view = View::of(&CSS_CHECK, node);
            let selector = view.read("select", values::css, self.findings);
            let text = view.node("text").and_then(|node| self.text_match(node));
            return Some(Expectation::Css { selector: selector?, text, present: true });
        }
        let selector = read_scalar(node, false, values::css, self.findings)?;
        Some(Expectation::Css { selector, text: None, present: true })
    }

    fn json_expectations(&mut self, node: &Node, all: &mut Vec<Expectation>) {
        if node.scalar().is_some() {
            let path = read_scalar(node, false, values::json_path, self.findings);
            all.extend(path.map(|path| Expectation::Json { path, equals: None }));
        }
        for entry in node.entries() {
            let path = read_key(entry, values::json_path, self.findings);
            let equals = self.json(&entry.value);
            if let (Some(path), Some(equals)) = (path, equals) {
                all.push(Expectation::Json { path, equals: Some(equals) });
            }
        }
    }

    fn header_expectations(&mut self, node: &Node, all: &mut Vec<Expectation>) {
        if node.scalar().is_some() {
            let name = read_scalar(node, false, values::header_name, self.findings);
            all.extend(name.map(|name| Expectation::Header { name, value: None }));
        }
        for entry in node.entries() {
            let name = read_key(entry, values::header_name, self.findings);
            let value = self.text_match(&entry.value);
            all.extend(name.map(|name| Expectation::Header { name, value }));
        }
    }

    fn identity(&mut self, node: &Node) -> Option<Identity> {
        let Value::Map(_) = node.value else {
            let shown = self.text_match(node)?;
            if let TextMatch::Plain(template) = &shown
                && template.holes().next().is_none()
            {
                let problem = Problem::new("this text names no user, so it may be there for anybody")
                    .help("write for example \"Signed in as {{ username }}\"");
                self.findings.warning(&node.place, problem);
            }
            return Some(Identity::Shown(shown));
        };
        let view = View::of(&USER, node);
        if view.has("matches") {
            if let Some(is) = view.node("is") {
                self.findings.error(&is.place, "'is' has no meaning beside 'matches'");
            }
            let pattern = view.read("matches", values::pattern, self.findings)?;
            return Some(Identity::Shown(TextMatch::Pattern(Arc::new(pattern))));
        }
        let source = self.source(view);
        let is = match view.node("is") {
            Some(node) => self.template(node),
            None => {
                let template = view.read("is", super::flow::parse_template, self.findings)?;
                self.check_holes(&template, node);
                Some(template)
            }
        };
        Some(Identity::Value { source: source?, is: is? })
    }
}

/// The table whose keys [`Builder::expectations`] reads.
#[cfg(test)]
mod tests {
    use super::super::tables_flow::EXPECT;
    use super::*;

    #[test]
    fn each_key_of_the_table_is_built() {
        let text = "status: 200\nurl: /a\ntext: a\nno_text: b\ncss: p\nno_css: i\njson: $.a\nheader: Location\ncookie: c\n\
                    no_cookie: d\nuser: e";
        let file = Arc::from(std::path::Path::new("x.yaml"));
        let mut findings = super::super::diagnostic::Findings::default();
        let node = super::super::yaml::parse(&file, text, &mut findings).unwrap();
        let variables = crate::model::Variables::default();
        let mut builder = Builder { findings: &mut findings, variables, known: Vec::new(), captured: Vec::new() };
        assert_eq!(builder.expectations(View::of(&EXPECT, &node)).len(), EXPECT.keys.len());
    }
}
