//! The steps of a flow: what is done, and what is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use url::Url;

use crate::model::{
    Action, Body, Button, Capture, Expectation, Field, FormChoice, JsonTemplate, Logout, LogoutProof, PageRequest,
    Source, Step, StepName, Submit, Template,
};

use super::diagnostic::Problem;
use super::flow::{Builder, parse_template};
use super::suggest::quote;
use super::tables_flow::{BUTTON, CAPTURE, EXPECT, LOGOUT, LOGOUT_ACTION, OPEN, PROOF, REQUEST, STEP, SUBMIT};
use super::values;
use super::view::{View, read_key, read_scalar};
use super::yaml::{Entry, Node, Value};

/// The name of the action of a step, or of something that holds actions.
fn action_key(view: View<'_>, keys: &[&'static str]) -> Option<&'static str> {
    keys.iter().copied().find(|key| view.knows(key) && view.has(key))
}

impl Builder<'_> {
    /// All steps; `None` for each that has a mistake which leaves a gap.
    pub(super) fn steps(&mut self, flow: View<'_>) -> Vec<Option<Step>> {
        let mut names = BTreeSet::new();
        let items = flow.items("steps");
        for item in items {
            if let Some(name) = item.get("name").and_then(Node::scalar)
                && !names.insert(name.text.clone())
            {
                let place = item.get("name").map_or(&item.place, |node| &node.place);
                self.findings.error(place, format!("two steps are called {}", quote(&name.text)));
            }
        }
        if items.is_empty()
            && let Some(node) = flow.node("steps")
        {
            self.findings.error(&node.place, "a flow needs at least one step");
        }
        items.iter().map(|item| self.step(flow.within(item, &STEP), &mut names)).collect()
    }

    fn step(&mut self, view: View<'_>, names: &mut BTreeSet<String>) -> Option<Step> {
        let action_name = action_key(view, &["open", "submit", "request", "logout"]);
        let name = match view.has("name") {
            true => view.read("name", values::name, self.findings),
            false => unique_name(action_name.unwrap_or("step"), names),
        };
        let mut expectations =
            view.node("expect").map_or(Vec::new(), |node| self.expectations(view.within(node, &EXPECT)));
        let action = match action_name {
            // What a logout must show belongs to the logout, which ends with a proof of its own.
            Some("logout") => self.logout(view, std::mem::take(&mut expectations)),
            _ => self.action(view),
        };
        let timeout = view.read("timeout", values::duration, self.findings);
        let captures: Vec<_> = view.entries("capture").iter().filter_map(|entry| self.capture(entry)).collect();
        self.known.extend(captures.iter().map(|capture| capture.variable.clone()));
        Some(Step { name: name?, action: action?, expectations, captures, timeout })
    }

    /// The open, submit or request of a map.
    fn action(&mut self, view: View<'_>) -> Option<Action> {
        match action_key(view, &["open", "submit", "request"])? {
            "open" => {
                let node = view.node("open")?;
                self.page(node, view.within(node, &OPEN)).map(Action::Open)
            }
            "submit" => self.submit(view).map(Action::Submit),
            _ => self.request(view),
        }
    }

    /// A URL by itself, or a map with `url` and `headers`.
    fn page(&mut self, node: &Node, view: View<'_>) -> Option<PageRequest> {
        if node.scalar().is_some() {
            return Some(PageRequest { url: self.url(node)?, headers: Vec::new() });
        }
        let url = view.node("url").and_then(|node| self.url(node));
        let headers = self.headers(view);
        Some(PageRequest { url: url?, headers })
    }

    /// A URL: absolute, or relative to the last page. It is checked as far as plain variables fill it.
    pub(super) fn url(&mut self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        if let Ok(filled) = template.fill(&self.variables) {
            let problem = match Url::parse(&filled) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => None,
                Err(url::ParseError::RelativeUrlWithoutBase) => match filled.trim().is_empty() {
                    true => Some(Problem::new("the URL is empty")),
                    false => None,
                },
                Ok(_) => Some(
                    Problem::new(format!("{} is not a web address", quote(&filled)))
                        .help("begin with https:// or http://, or with / for the same server"),
                ),
                Err(why) => Some(Problem::new(format!("{} is not a URL: {why}", quote(&filled)))),
            };
            if let Some(problem) = problem {
                self.findings.error(&node.place, problem);
            }
        }
        Some(template)
    }

    fn headers(&mut self, view: View<'_>) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        for entry in view.entries("headers") {
            let name = read_key(entry, values::request_header_name, self.findings);
            let value = self.template(&entry.value);
            headers.extend(name.zip(value));
        }
        headers
    }

    /// Field names with one value or several.
    fn fields(&mut self, entries: &[Entry]) -> Vec<Field> {
        let mut fields = Vec::new();
        for entry in entries {
            for item in entry.value.items() {
                fields.extend(self.template(item).map(|value| Field { name: entry.key.clone(), value }));
            }
        }
        fields
    }

    fn submit(&mut self, view: View<'_>) -> Option<Submit> {
        let node = view.node("submit")?;
        if !SUBMIT.is_meant_by(node) {
            let fields = self.fields(node.entries());
            return Some(Submit { form: FormChoice::Fitting, fields, button: None, headers: Vec::new() });
        }
        let view = view.within(node, &SUBMIT);
        if let (Some(_), Some(holding)) = (view.node("form"), view.node("holding")) {
            self.findings.error(&holding.place, "'form' and 'holding' both choose the form: keep one");
        }
        let css = view.read("form", values::css, self.findings).map(FormChoice::Css);
        let holding = view.read("holding", values::text, self.findings).map(FormChoice::Holding);
        let fields = self.fields(view.entries("fill"));
        let button = view.node("press").and_then(|node| match node.value {
            Value::Map(_) => self.button(view.within(node, &BUTTON)),
            _ => read_scalar(node, false, values::text, self.findings).map(Button::Labelled),
        });
        let headers = self.headers(view);
        Some(Submit { form: css.or(holding).unwrap_or(FormChoice::Fitting), fields, button, headers })
    }

    fn button(&mut self, view: View<'_>) -> Option<Button> {
        let css = view.read("css", values::css, self.findings).map(Button::Css);
        let name = view.read("name", values::text, self.findings);
        let value = view.read("value", values::any_text, self.findings);
        css.or(name.map(|name| Button::Named { name, value }))
    }

    fn request(&mut self, view: View<'_>) -> Option<Action> {
        let node = view.node("request")?;
        let view = view.within(node, &REQUEST);
        let page = self.page(node, view);
        let bodies: Vec<_> = ["json", "form", "text"].into_iter().filter(|name| view.has(name)).collect();
        if bodies.len() > 1 {
            let reason = format!("a request has one body, not {}", bodies.join(" and "));
            self.findings.error(&node.place, reason);
        }
        let body = match bodies.first().copied() {
            None => Some(Body::None),
            Some("json") => view.node("json").and_then(|node| self.json(node)).map(Body::Json),
            Some("form") => Some(Body::Form(self.fields(view.entries("form")))),
            Some(_) => view.node("text").and_then(|node| self.template(node)).map(Body::Text),
        };
        let method = match view.node("method") {
            Some(_) => view.read("method", values::method, self.findings),
            None => Some(if bodies.is_empty() { "GET" } else { "POST" }.to_owned()),
        };
        let follow = view.read("follow", values::boolean, self.findings);
        Some(Action::Request { method: method?, page: page?, body: body?, follow: follow? })
    }

    /// A JSON value in the order written; texts may have holes.
    pub(super) fn json(&mut self, node: &Node) -> Option<JsonTemplate> {
        match &node.value {
            Value::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::String(_) => {
                    let template = parse_template(&scalar.text);
                    match template {
                        Ok(template) => {
                            self.check_holes(&template, node);
                            Some(JsonTemplate::Text(template))
                        }
                        Err(problem) => {
                            let reason = format!("{} {}", quote(&scalar.text), problem.reason);
                            self.findings.error(&node.place, Problem { reason, ..problem });
                            None
                        }
                    }
                }
                value => Some(JsonTemplate::Scalar(value)),
            },
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
                Some(JsonTemplate::Array(items.into_iter().collect::<Option<_>>()?))
            }
            Value::Map(entries) => {
                let members: Vec<_> =
                    entries.iter().map(|entry| Some((entry.key.clone(), self.json(&entry.value)?))).collect();
                Some(JsonTemplate::Object(members.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    fn logout(&mut self, step: View<'_>, expectations: Vec<Expectation>) -> Option<Action> {
        let view = step.within(step.node("logout")?, &LOGOUT);
        let actions: Vec<_> = if view.has("do") {
            view.items("do").iter().map(|node| self.action(view.within(node, &LOGOUT_ACTION))).collect()
        } else {
            vec![self.action(view)]
        };
        let proof = match view.node("proof") {
            None => Some(LogoutProof::RepeatIdentity),
            Some(node) => {
                let view = view.within(node, &PROOF);
                let action = self.action(view);
                let shown =
                    view.node("expect").map_or(Vec::new(), |node| self.expectations(view.within(node, &EXPECT)));
                if shown.is_empty() && view.has("expect") {
                    self.findings.error(&node.place, "a proof that expects nothing proves nothing");
                }
                action.map(|action| LogoutProof::Request { action, expectations: shown })
            }
        };
        let actions = actions.into_iter().collect::<Option<_>>()?;
        Some(Action::Logout(Box::new(Logout { actions, expectations, proof: proof? })))
    }

    fn capture(&mut self, entry: &Entry) -> Option<Capture> {
        let variable = read_key(entry, values::variable_name, self.findings);
        let view = View::of(&CAPTURE, &entry.value);
        let source = self.source(view);
        let secret = view.read("secret", values::boolean, self.findings);
        Some(Capture { variable: variable?, source: source?, secret: secret? })
    }

    /// Where a value is: the one key of a capture or an identity that says so.
    pub(super) fn source(&mut self, view: View<'_>) -> Option<Source> {
        let attribute = view.read("attribute", values::text, self.findings);
        if let (Some(node), false) = (view.node("attribute"), view.has("css")) {
            self.findings.error(&node.place, "an attribute needs the key 'css' beside it");
        }
        let css = view.read("css", values::css, self.findings);
        css.map(|selector| Source::Css { selector, attribute })
            .or_else(|| Some(Source::Pattern(Arc::new(view.read("regex", values::pattern, self.findings)?))))
            .or_else(|| view.read("json", values::json_path, self.findings).map(Source::Json))
            .or_else(|| view.read("header", values::header_name, self.findings).map(Source::Header))
            .or_else(|| view.read("cookie", values::text, self.findings).map(Source::Cookie))
            .or_else(|| view.read("url", values::url_part, self.findings).map(Source::UrlPart))
    }
}

/// The action's name, made unique by a number.
fn unique_name(action: &str, names: &mut BTreeSet<String>) -> Option<StepName> {
    let candidates = std::iter::once(action.to_owned()).chain((2..).map(|number| format!("{action}-{number}")));
    let name = candidates.into_iter().find(|name| !names.contains(name))?;
    let step = StepName::new(&name).ok();
    names.insert(name);
    step
}
