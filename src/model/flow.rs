//! A flow: typed steps with meaning, so that a failed login says what a user would have seen.
//!
//! All values are validated; what the configuration left out has its default filled in already.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Capture, Expectation, Sign};
use super::id::{AccountName, FlowName, Revision, StepName};
use super::limits::{Network, RunLimits};
use super::template::{Template, TemplateError};

/// One way to log in.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Unique name.
    pub name: FlowName,
    /// What it is, for people; may be empty.
    pub description: String,
    /// Content hash over everything that shapes its results.
    pub revision: Revision,
    /// One run is due in each interval.
    pub interval: Duration,
    /// Time, bytes and hops that a run may take.
    pub limits: RunLimits,
    /// How the network is used.
    pub network: Network,
    /// Plain variables for templates.
    pub variables: BTreeMap<String, String>,
    /// Test accounts, used in turn by slot; empty for a flow without credentials.
    pub accounts: Vec<AccountName>,
    /// The steps, at least one.
    pub steps: Vec<Step>,
    /// Texts and marks by which the service says what went wrong.
    pub signs: Vec<Sign>,
    /// The wrong-password login that runs beside it.
    pub negative: Option<Negative>,
    /// How many runs of this flow may be under way at once at one vantage.
    pub overlap: u32,
}

impl Flow {
    /// The index of the step that presents the password: the first whose templates use `{{ password }}`.
    #[must_use]
    pub fn credential_step(&self) -> Option<usize> {
        self.steps
            .iter()
            .position(|step| step.action.templates().any(|template| template.holes().any(|hole| hole == "password")))
    }

    /// The index of the step that proves who is logged in.
    #[must_use]
    pub fn identity_step(&self) -> Option<usize> {
        self.steps.iter().rposition(|step| {
            !matches!(step.action, Action::Logout(_))
                && step.expectations.iter().any(|e| matches!(e, Expectation::Identity(_)))
        })
    }
}

/// A user-visible action.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique within the flow.
    pub name: StepName,
    /// What is done.
    pub action: Action,
    /// What must hold of the final answer, in order.
    pub expectations: Vec<Expectation>,
    /// What is kept of the final answer for later steps, in order; after all expectations.
    pub captures: Vec<Capture>,
    /// The step's own limit, never longer than the run's.
    pub timeout: Option<Duration>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// GET as a browser does, following redirects.
    Open(PageRequest),
    /// Fill and submit a form of the page that the last step ended on.
    Submit(Submit),
    /// Any request, as a script or an app does.
    Request {
        /// Upper-case method.
        method: String,
        /// Where, and with which extra headers.
        page: PageRequest,
        /// What is sent.
        body: Body,
        /// Whether redirects are followed.
        follow: bool,
    },
    /// Log out, then prove that the old session is dead.
    Logout(Box<Logout>),
}

impl Action {
    /// All templates of the action.
    pub fn templates(&self) -> Box<dyn Iterator<Item = &Template> + '_> {
        match self {
            Self::Open(page) => Box::new(page.templates()),
            Self::Submit(submit) => Box::new(
                submit.fields.iter().map(|field| &field.value).chain(submit.headers.iter().map(|(_, value)| value)),
            ),
            Self::Request { page, body, .. } => Box::new(page.templates().chain(body.templates())),
            Self::Logout(logout) => Box::new(logout.actions.iter().flat_map(Action::templates)),
        }
    }
}

/// An address and extra headers.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Absolute, or relative to the page that the last step ended on.
    pub url: Template,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
}

impl PageRequest {
    /// All templates of the request.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.url).chain(self.headers.iter().map(|(_, value)| value))
    }
}

/// A form to fill and submit.
#[derive(Debug, Clone)]
pub struct Submit {
    /// Which form of the page.
    pub form: FormChoice,
    /// Fields to fill; all others keep the value that the page gave them.
    pub fields: Vec<Field>,
    /// The button to press; `None` presses the form's default button, as the Enter key does.
    pub button: Option<Button>,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
}

/// How a form is chosen.
#[derive(Debug, Clone)]
pub enum FormChoice {
    /// By CSS selector.
    Css(String),
    /// The one form that holds a field of this name.
    Holding(String),
    /// The one form that holds all fields that are filled; with none to fill, the only form of the page.
    Fitting,
}

/// A form field to fill.
#[derive(Debug, Clone)]
pub struct Field {
    /// The control's name. For a checkbox or a radio group the value selects; several controls of one name are
    /// filled by naming the field several times.
    pub name: String,
    /// What is typed or selected.
    pub value: Template,
}

/// A submit button.
#[derive(Debug, Clone)]
pub enum Button {
    /// By CSS selector within the form.
    Css(String),
    /// By the text on it, or its value, with surrounding space ignored.
    Labelled(String),
    /// By name and value.
    Named {
        /// The button's name.
        name: String,
        /// The button's value; `None` for the first of that name.
        value: Option<String>,
    },
}

/// What a request sends.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// A JSON document with holes in its text values.
    Json(JsonTemplate),
    /// `application/x-www-form-urlencoded` pairs.
    Form(Vec<Field>),
    /// Text under the `Content-Type` that the headers name.
    Text(Template),
}

impl Body {
    fn templates(&self) -> Box<dyn Iterator<Item = &Template> + '_> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::Json(json) => json.templates(),
            Self::Form(fields) => Box::new(fields.iter().map(|field| &field.value)),
            Self::Text(text) => Box::new(std::iter::once(text)),
        }
    }
}

/// JSON with holes in its text values. Filling happens before encoding, so that a value can never break out of its
/// quotes.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// A text with holes.
    Text(Template),
    /// null, a boolean or a number.
    Scalar(serde_json::Value),
    /// An array.
    Array(Vec<JsonTemplate>),
    /// An object, in the order written.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// Parses the text values of a document.
    ///
    /// # Errors
    /// [`TemplateError`] of the first text that is no template.
    pub fn parse(document: &serde_json::Value) -> Result<Self, TemplateError> {
        Ok(match document {
            serde_json::Value::String(text) => Self::Text(Template::parse(text)?),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            serde_json::Value::Object(members) => Self::Object(
                members.iter().map(|(key, value)| Ok((key.clone(), Self::parse(value)?))).collect::<Result<_, _>>()?,
            ),
            scalar => Self::Scalar(scalar.clone()),
        })
    }

    fn templates(&self) -> Box<dyn Iterator<Item = &Template> + '_> {
        match self {
            Self::Text(text) => Box::new(std::iter::once(text)),
            Self::Scalar(_) => Box::new(std::iter::empty()),
            Self::Array(items) => Box::new(items.iter().flat_map(Self::templates)),
            Self::Object(members) => Box::new(members.iter().flat_map(|(_, value)| value.templates())),
        }
    }
}

/// A way to log out.
#[derive(Debug, Clone)]
pub struct Logout {
    /// What a user does, in order; each is an open, a submit or a request.
    pub actions: Vec<Action>,
    /// What must hold of the last answer.
    pub expectations: Vec<Expectation>,
    /// How the old session is shown to be dead.
    pub proof: LogoutProof,
}

/// How the old session is shown to be dead. Either way the request carries the cookies from before the logout: a
/// browser that merely forgot its cookie proves nothing.
#[derive(Debug, Clone)]
pub enum LogoutProof {
    /// Repeat the identity step: it must no longer show the user.
    RepeatIdentity,
    /// Make this request; these must hold.
    Request {
        /// An open or a request.
        action: Action,
        /// What a dead session looks like.
        expectations: Vec<Expectation>,
    },
}

/// The wrong-password login beside a flow: the same steps with a wrong password, which must end in the sign
/// [`Refused`](super::SignMeaning::Refused). It follows a good login of the same vantage only.
#[derive(Debug, Clone)]
pub struct Negative {
    /// The wrong password; never the right one of any account.
    pub password: Template,
    /// The accounts used, in turn by slot; the flow's own unless set.
    pub accounts: Vec<AccountName>,
    /// One attempt is due in each interval, at one vantage in turn.
    pub interval: Duration,
    /// At most this many wrong attempts per account and hour, over restarts.
    pub per_hour: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holes_are_found_at_any_depth() {
        let document = serde_json::json!({"a": ["{{ password }}", 1], "b": {"c": "x"}});
        let template = JsonTemplate::parse(&document).unwrap();
        let holes: Vec<_> = template.templates().flat_map(Template::holes).collect();
        assert_eq!(holes, ["password"]);
    }
}
