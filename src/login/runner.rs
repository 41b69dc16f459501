//! A run under way: the flow, the session, the variables and the notes; and what all kinds of steps share.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::expect::{self, Facts};
use super::forms;
use super::notes::{self, Draft};
use super::page::{Page, Reading};
use super::session::{Session, is_fine};
use super::source;
use super::trouble::Trouble;
use super::wire::Wire;
use super::{Credentials, Task};
use crate::clock::Clock;
use crate::model::{Action, Capture, Expectation, Flow, Identity, RunKind, SignMeaning, StepName, StepRole, Variables};

/// Where and why a run stopped.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    /// What happened.
    pub(super) trouble: Trouble,
    /// The answer on which it happened.
    pub(super) page: Option<Box<Page>>,
    /// The step, as an index into the flow.
    pub(super) index: usize,
    /// The flow's sign that explains it.
    pub(super) sign: Option<SignMeaning>,
    /// How many exchanges there had been: the last of them is the one it stopped at, whatever is asked afterwards.
    pub(super) hops: usize,
}

/// What stopped a step, with the answer on which it stopped.
pub(super) type Stopped = (Trouble, Option<Box<Page>>);

/// A run under way.
pub(super) struct Runner<'a, W> {
    /// What to do.
    pub(super) task: &'a Task<'a>,
    /// Cookies and connections.
    pub(super) session: Session<'a, W>,
    /// What fills holes.
    pub(super) variables: Variables,
    /// The names of captured secrets.
    pub(super) secret_variables: BTreeSet<String>,
    /// The page that the last step ended on.
    pub(super) page: Option<Page>,
    /// The page that the identity step started from.
    pub(super) identity_base: Option<Page>,
    /// The steps as they went.
    pub(super) drafts: Vec<Draft>,
    /// When the run must have its verdict.
    pub(super) deadline: Instant,
    /// Who is logged in has been proven.
    pub(super) proven: bool,
    /// After the password was sent, the login form was shown again.
    pub(super) form_again: bool,
    /// The answer to the password led by way of a page for logged-in users back to where the login began.
    pub(super) thrown_back: bool,
    /// The flow's sign on the answer to the password.
    pub(super) credential_sign: Option<SignMeaning>,
    /// Who is logged in was asked for after a wrong password, and no answer tells it.
    pub(super) who_is_unknown: bool,
}

impl<'a, W: Wire> Runner<'a, W> {
    /// Prepares a run.
    pub(super) fn new(task: &'a Task<'a>, wire: W, clock: &'a Clock) -> Self {
        let session = Session::new(wire, clock, task.flow.limits);
        let deadline = session.started + task.flow.limits.timeout;
        let mut runner = Self {
            task,
            session,
            variables: Variables::default(),
            secret_variables: BTreeSet::from(["password".to_owned()]),
            page: None,
            identity_base: None,
            drafts: Vec::new(),
            deadline,
            proven: false,
            form_again: false,
            thrown_back: false,
            credential_sign: None,
            who_is_unknown: false,
        };
        for (name, value) in &task.flow.variables {
            runner.variables.set(name, value);
            runner.session.secrets.allow(value);
        }
        if let Some(Credentials { username, password, .. }) = task.credentials {
            runner.variables.set("username", username);
            runner.session.secrets.allow(username);
            runner.session.secrets.learn(password.expose());
            if task.kind == RunKind::Login {
                runner.variables.set("password", password.expose());
            }
        }
        if let Some(Ok(wrong)) = task.flow.negative.as_ref().map(|negative| negative.password.fill(&runner.variables)) {
            runner.session.secrets.learn(&wrong);
        }
        runner
    }

    /// The flow.
    pub(super) fn flow(&self) -> &'a Flow {
        self.task.flow
    }

    /// Begins the record of a step.
    pub(super) fn begin(&mut self, name: &StepName, role: StepRole) {
        let offset = self.session.elapsed();
        self.drafts.push(Draft { name: name.clone(), role, offset, done: false, lines: Vec::new() });
    }

    /// The number of the step under way.
    pub(super) fn number(&self) -> u16 {
        u16::try_from(self.drafts.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    /// Adds a line to the step's evidence.
    pub(super) fn note(&mut self, line: impl Into<String>) {
        if let Some(draft) = self.drafts.last_mut() {
            draft.lines.push(line.into());
        }
    }

    /// The step's deadline: its own limit, never later than the run's.
    pub(super) fn step_deadline(&self, limit: Option<Duration>) -> Instant {
        limit.map_or(self.deadline, |limit| self.deadline.min(Instant::now() + limit))
    }

    /// Does one action, starting from `base`, and notes what was sent and what came.
    pub(super) async fn perform(
        &mut self,
        action: &Action,
        base: Option<&Page>,
        deadline: Instant,
    ) -> Result<Page, Trouble> {
        let (journey, line) = self.journey(action, base)?;
        self.note(line);
        let page = self.session.go(journey, self.number(), deadline).await;
        let cookies = notes::cookies(&std::mem::take(&mut self.session.cookie_notes));
        let page = match page {
            Ok(page) => page,
            Err(trouble) => {
                cookies.into_iter().for_each(|line| self.note(line));
                return Err(trouble);
            }
        };
        self.note(notes::arrival(&page));
        cookies.into_iter().for_each(|line| self.note(line));
        Ok(page)
    }

    /// Checks expectations in order, the status rule first; notes what matched.
    pub(super) fn check(&mut self, expectations: &[Expectation], page: &Page, follow: bool) -> Result<(), Trouble> {
        let has_status = expectations.iter().any(|expectation| matches!(expectation, Expectation::Status(_)));
        if !has_status && !is_fine(page.status, follow) {
            let wanted = if follow { "2xx" } else { "2xx or 3xx" };
            return Err(Trouble::Status(format!("status {}, where {wanted} is expected", page.status.as_u16())));
        }
        let matched = self.check_each(expectations, page)?;
        if !matched.is_empty() {
            self.note(format!("matched: {}", matched.join("; ")));
        }
        Ok(())
    }

    fn check_each(&self, expectations: &[Expectation], page: &Page) -> Result<Vec<String>, Trouble> {
        let reading = Reading::new(page);
        let facts = self.facts(&reading);
        expectations.iter().map(|expectation| expect::check(expectation, &facts)).collect()
    }

    /// Checks one expectation and notes that it matched.
    pub(super) fn check_one(&mut self, expectation: &Expectation, page: &Page) -> Result<(), Trouble> {
        let matched = self.check_each(std::slice::from_ref(expectation), page)?;
        self.note(format!("matched: {}", matched.join("; ")));
        Ok(())
    }

    fn facts<'r>(&'r self, reading: &'r Reading<'r>) -> Facts<'r> {
        Facts { reading, variables: &self.variables, jar: &self.session.jar, now: self.session.now() }
    }

    /// Keeps what the step captures; notes what was kept.
    pub(super) fn capture(&mut self, captures: &[Capture], page: &Page) -> Result<(), Trouble> {
        for capture in captures {
            let value = {
                let reading = Reading::new(page);
                source::find(&capture.source, &self.facts(&reading))?
            };
            let Some(value) = value else {
                let place = source::describe(&capture.source);
                return Err(Trouble::Missing(format!(
                    "nothing to capture as '{}': {place} is not there",
                    capture.variable
                )));
            };
            if capture.secret {
                self.session.secrets.learn(&value);
                self.secret_variables.insert(capture.variable.clone());
                self.note(format!("captured {} (secret) from {}", capture.variable, source::describe(&capture.source)));
            } else {
                self.note(format!("captured {} = '{}'", capture.variable, expect::short(&value)));
            }
            self.variables.set(&capture.variable, &value);
        }
        Ok(())
    }

    /// The first of the flow's signs that holds of an answer.
    pub(super) fn sign_on(&self, page: &Page) -> Option<SignMeaning> {
        let reading = Reading::new(page);
        let facts = self.facts(&reading);
        let holds =
            |marks: &[Expectation]| !marks.is_empty() && marks.iter().all(|mark| expect::check(mark, &facts).is_ok());
        self.flow().signs.iter().find(|sign| holds(&sign.marks)).map(|sign| sign.meaning)
    }

    /// Whether an answer shows the form into which the password goes. Where it goes into no form, nobody can say.
    pub(super) fn shows_login_form(&self, page: &Page) -> bool {
        let step = self.flow().credential_step().and_then(|index| self.flow().steps.get(index));
        let Some(Action::Submit(submit)) = step.map(|step| &step.action) else { return false };
        let names: Vec<&str> = submit.fields.iter().map(|field| field.name.as_str()).collect();
        forms::fits(&Reading::new(page), &submit.form, &names)
    }

    /// Whether all expectations of who is logged in hold of an answer.
    pub(super) fn shows_user(&self, page: &Page) -> bool {
        let reading = Reading::new(page);
        let facts = self.facts(&reading);
        let mut identities = self.identities().peekable();
        identities.peek().is_some()
            && identities.all(|identity| expect::check(&Expectation::Identity(identity.clone()), &facts).is_ok())
    }

    fn identities(&self) -> impl Iterator<Item = &'a Identity> {
        let step = self.flow().identity_step().and_then(|index| self.flow().steps.get(index));
        step.into_iter().flat_map(|step| &step.expectations).filter_map(|expectation| match expectation {
            Expectation::Identity(identity) => Some(identity),
            _ => None,
        })
    }

    /// Whether an answer is the login form that the request was sent on to: nobody is logged in there, whatever name
    /// the form greets. A form that fits on the very page that was asked for may be another one (to change the
    /// password, say).
    pub(super) fn was_sent_to_login(&self, page: &Page) -> bool {
        page.asked != page.url && self.shows_login_form(page)
    }

    /// Whether everything that the identity step expects holds of an answer to its request.
    pub(super) fn proves_user(&self, page: &Page) -> bool {
        let step = self.flow().identity_step().and_then(|index| self.flow().steps.get(index));
        step.is_some_and(|step| {
            let has_status = step.expectations.iter().any(|expectation| matches!(expectation, Expectation::Status(_)));
            (has_status || page.status.is_success())
                && self.check_each(&step.expectations, page).is_ok()
                && self.shows_user(page)
                && !self.was_sent_to_login(page)
        })
    }
}
