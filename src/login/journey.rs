//! From an action of the flow to the request that it means, with its holes filled; and the line that tells what was
//! sent, secrets hidden.

use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use url::Url;
use url::form_urlencoded::Serializer;

use super::expect::{describe_json, fill_json};
use super::forms::{self, Filling};
use super::page::{Page, Reading};
use super::runner::Runner;
use super::secrecy::{HIDDEN, is_secret_name, looks_like_token, mask_words, show_url};
use super::session::{Journey, StepHeader, Style};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{Action, Body, Field, Submit, Template};

/// Content type, bytes, and what they hold for people.
type Encoded = (Option<(Option<String>, Bytes)>, String);

impl<W: Wire> Runner<'_, W> {
    /// The request that an action means when it starts from `base`.
    pub(super) fn journey(&mut self, action: &Action, base: Option<&Page>) -> Result<(Journey, String), Trouble> {
        let presents = action.templates().any(|template| template.holes().any(|hole| hole == "password"));
        let (mut journey, what) = match action {
            Action::Open(page) => {
                let journey = Journey {
                    method: Method::GET,
                    url: self.address(&page.url, base)?,
                    headers: self.step_headers(&page.headers)?,
                    body: None,
                    secret_body: false,
                    presents,
                    follow: true,
                    style: Style::Navigation,
                    from: None,
                };
                (journey, String::new())
            }
            Action::Submit(submit) => self.submission(submit, base)?,
            Action::Request { method, page, body, follow } => {
                let (body, what) = self.body(body)?;
                let journey = Journey {
                    method: Method::from_bytes(method.as_bytes())
                        .map_err(|_| Trouble::Ours(format!("'{method}' is not an HTTP method")))?,
                    url: self.address(&page.url, base)?,
                    headers: self.step_headers(&page.headers)?,
                    body,
                    secret_body: presents,
                    presents,
                    follow: *follow,
                    style: Style::Script,
                    from: None,
                };
                (journey, what)
            }
            Action::Logout(_) => return Err(Trouble::Ours("a logout inside a logout".to_owned())),
        };
        journey.presents = presents;
        journey.secret_body = presents && journey.body.is_some();
        journey.from = base.map(|page| page.url.clone());
        let headers: Vec<String> = journey.headers.iter().map(describe_header).collect();
        let headers = if headers.is_empty() { String::new() } else { format!("; headers {}", headers.join(", ")) };
        let line = format!("sent {} {}{what}{headers}", journey.method, show_url(&journey.url));
        Ok((journey, line))
    }

    fn address(&self, template: &Template, base: Option<&Page>) -> Result<Url, Trouble> {
        let text = template.fill(&self.variables)?;
        let url = match base {
            Some(page) => page.url.join(text.trim()),
            None => Url::parse(text.trim()),
        };
        // The text itself may hold secrets: the template is shown instead.
        let url = url.map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                Trouble::Ours(format!("the address '{template}' is relative, but no page came before it"))
            }
            error => Trouble::Ours(format!("'{template}' gives no address: {error}")),
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(Trouble::Ours(format!("'{template}' gives no http or https address")));
        }
        Ok(url)
    }

    fn step_headers(&self, headers: &[(String, Template)]) -> Result<Vec<StepHeader>, Trouble> {
        let build = |(name, template): &(String, Template)| {
            let value = template.fill(&self.variables)?;
            Ok(StepHeader {
                name: HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| Trouble::Ours(format!("'{name}' is not a header name")))?,
                value: HeaderValue::from_bytes(value.as_bytes())
                    .map_err(|_| Trouble::Ours(format!("the value of the header '{name}' holds a line break")))?,
                secret: self.is_secret(template) || is_secret_name(name),
            })
        };
        headers.iter().map(build).collect()
    }

    /// Whether a template holds the password or something captured as a secret.
    fn is_secret(&self, template: &Template) -> bool {
        template.holes().any(|hole| self.secret_variables.contains(hole))
    }

    fn fields(&self, fields: &[Field]) -> Result<Vec<(String, String)>, Trouble> {
        fields.iter().map(|field| Ok((field.name.clone(), field.value.fill(&self.variables)?))).collect()
    }

    fn submission(&mut self, submit: &Submit, base: Option<&Page>) -> Result<(Journey, String), Trouble> {
        let page =
            base.ok_or_else(|| Trouble::Ours("a form cannot be submitted before a page was opened".to_owned()))?;
        let filling =
            Filling { form: &submit.form, fields: self.fields(&submit.fields)?, button: submit.button.as_ref() };
        let (submission, hidden) = {
            let reading = Reading::new(page);
            (forms::submit(&reading, &filling)?, forms::hidden_values(reading.document()))
        };
        for (name, value) in hidden {
            if is_secret_name(&name) || looks_like_token(&value) {
                self.session.secrets.learn_found(&value);
            }
        }
        let secret_field = |name: &str| submit.fields.iter().any(|f| f.name == name && self.is_secret(&f.value));
        let sent: Vec<_> = submission
            .entries
            .iter()
            .map(|entry| describe_field(&entry.name, &entry.value, secret_field(&entry.name)))
            .collect();
        let what = format!(" from {}: {}", submission.label, sent.join(", "));
        let journey = Journey {
            method: submission.method,
            url: submission.url,
            headers: self.step_headers(&submit.headers)?,
            body: submission.content_type.map(|kind| (Some(kind), Bytes::from(submission.body))),
            secret_body: false,
            presents: false,
            follow: true,
            style: Style::Navigation,
            from: None,
        };
        Ok((journey, what))
    }

    fn body(&self, body: &Body) -> Result<Encoded, Trouble> {
        let typed = |kind: &str, bytes: Vec<u8>| Some((Some(kind.to_owned()), Bytes::from(bytes)));
        Ok(match body {
            Body::None => (None, String::new()),
            Body::Json(template) => {
                let document = fill_json(template, &self.variables)?;
                (typed("application/json", document.to_string().into_bytes()), format!(": {}", describe_json(template)))
            }
            Body::Form(fields) => {
                let pairs = self.fields(fields)?;
                let sent: Vec<_> = std::iter::zip(fields, &pairs)
                    .map(|(field, (name, value))| describe_field(name, value, self.is_secret(&field.value)))
                    .collect();
                let bytes = Serializer::new(String::new()).extend_pairs(&pairs).finish().into_bytes();
                (typed("application/x-www-form-urlencoded", bytes), format!(": {}", sent.join(", ")))
            }
            Body::Text(template) => {
                let text = template.fill(&self.variables)?;
                (
                    typed("text/plain;charset=UTF-8", text.into_bytes()),
                    format!(": '{}'", mask_words(&template.to_string())),
                )
            }
        })
    }
}

/// `user=probe`, or `csrf=***`.
fn describe_field(name: &str, value: &str, secret: bool) -> String {
    if value.is_empty() {
        return format!("{name}=");
    }
    if secret || is_secret_name(name) || looks_like_token(value) {
        return format!("{name}={HIDDEN}");
    }
    format!("{name}={}", super::expect::short(value))
}

fn describe_header(header: &StepHeader) -> String {
    let value = String::from_utf8_lossy(header.value.as_bytes());
    describe_field(header.name.as_str(), &value, header.secret)
}
