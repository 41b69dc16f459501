//! The steps of a login in order, until one fails.
//!
//! `accepted_without_credentials` is claimed only when it is beyond doubt: before the password was sent, an answer
//! happened to show the user, and then a second look, the identity step's own request with a session that has never
//! seen the password, met everything that the identity step expects, was not redirected, and showed no login form.
//! A page that merely repeats the user name that was typed a step before does not pass that.

use std::time::Duration;

use tokio::time::Instant;

use super::page::{Page, Reading};
use super::runner::{Runner, Stop, Stopped};
use super::session::Trace;
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{Action, Step, StepRole};

/// What logging out after a failure may take; the verdict stands already.
const TIDY_UP: Duration = Duration::from_secs(5);

impl<W: Wire> Runner<'_, W> {
    /// Runs all steps.
    pub(super) async fn log_in(&mut self) -> Result<(), Stop> {
        let empty = self.task.credentials.is_some_and(|credentials| credentials.password.expose().is_empty());
        if let (true, Some(credential)) = (empty, self.flow().credential_step()) {
            let message = "the account's password is empty, and an empty one is never sent: some services take it for \
                           nobody's and let it in";
            return Err(self.stop(credential, (Trouble::Unusable(message.to_owned()), None)));
        }
        for index in 0..self.flow().steps.len() {
            if let Err(stop) = self.step(index).await {
                self.tidy_up(&stop).await;
                return Err(stop);
            }
        }
        let last = self.flow().steps.len().saturating_sub(1);
        if self.flow().credential_step().is_some() && !self.proven {
            let message = "the flow logs in, but no step after that proves by a request of its own who is logged in";
            return Err(self.stop(last, (Trouble::Ours(message.to_owned()), None)));
        }
        Ok(())
    }

    /// Runs one step and keeps its record.
    pub(super) async fn step(&mut self, index: usize) -> Result<(), Stop> {
        let step = &self.flow().steps[index];
        self.begin(&step.name, self.role(index));
        let deadline = self.step_deadline(step.timeout);
        let done = match &step.action {
            Action::Logout(logout) => self.log_out(logout, deadline).await,
            action => self.ordinary(index, step, action, deadline).await,
        };
        let done = match done {
            Err(stopped) if !self.session.presented => Err(self.look_again(index, stopped, deadline).await),
            other => other,
        };
        match done {
            Ok(()) => {
                if let Some(draft) = self.drafts.last_mut() {
                    draft.done = true;
                }
                Ok(())
            }
            Err(stopped) => Err(self.stop(index, stopped)),
        }
    }

    fn role(&self, index: usize) -> StepRole {
        let is_logout = matches!(self.flow().steps[index].action, Action::Logout(_));
        match self.flow().identity_step() {
            Some(identity) if index == identity => StepRole::Identity,
            Some(identity) if index > identity => StepRole::Logout,
            _ if is_logout => StepRole::Logout,
            _ => StepRole::Login,
        }
    }

    async fn ordinary(&mut self, index: usize, step: &Step, action: &Action, deadline: Instant) -> Result<(), Stopped> {
        let (credential, identity) = (self.flow().credential_step(), self.flow().identity_step());
        let base = self.page.take();
        if Some(index) == identity {
            self.identity_base.clone_from(&base);
        }
        let performed = self.perform(action, base.as_ref(), deadline).await;
        let page = match performed {
            Ok(page) => page,
            Err(trouble) => {
                // A form that is not there failed on the page before, which then explains it.
                self.page.clone_from(&base);
                let explains = matches!(trouble, Trouble::Missing(_));
                let shown = base.filter(|_| explains).map(Box::new);
                return Err((trouble, shown));
            }
        };
        self.page = Some(page.clone());
        let judged = self.judge(index, step, action, &page);
        if let Err(trouble) = judged {
            return Err((trouble, Some(Box::new(page))));
        }
        if Some(index) == identity {
            self.prove(index, &page).map_err(|trouble| (trouble, Some(Box::new(page.clone()))))?;
        }
        let before = credential.is_some_and(|credential| index < credential) && !self.session.presented;
        if before && self.shows_user(&page) && self.is_let_in_already(index, deadline).await {
            return Err((without_credentials(), Some(Box::new(page))));
        }
        Ok(())
    }

    /// Holds the answer against what the flow says of it.
    fn judge(&mut self, index: usize, step: &Step, action: &Action, page: &Page) -> Result<(), Trouble> {
        let follow = !matches!(action, Action::Request { follow: false, .. });
        let (credential, identity) = (self.flow().credential_step(), self.flow().identity_step());
        if credential == Some(index) {
            let asked_again = self.shows_login_form(page);
            let back = asked_again || Reading::new(page).asks_for_password() || self.is_on_the_way_in(page);
            self.thrown_back = back && self.was_thrown_back();
            self.form_again = asked_again && !self.thrown_back;
            self.credential_sign = self.sign_on(page);
            if self.credential_sign.is_some() {
                return Err(Trouble::Sign);
            }
        }
        if identity == Some(index) && self.was_sent_to_login(page) {
            let message = "the request was sent on to the login form".to_owned();
            return Err(Trouble::Identity { message, somebody_else: false });
        }
        let checked = self.check(&step.expectations, page, follow).and_then(|()| self.capture(&step.captures, page));
        let between =
            credential.is_some_and(|credential| index > credential) && identity.is_none_or(|identity| index < identity);
        if checked.is_err() && between {
            self.form_again |= self.shows_login_form(page) && !self.was_thrown_back();
        }
        checked
    }

    /// The answer to the password itself proves no session: a request of its own must show the user.
    fn prove(&mut self, index: usize, page: &Page) -> Result<(), Trouble> {
        if self.flow().credential_step() == Some(index) && page.hops < 2 {
            return Err(Trouble::Ours(
                "the answer to the password shows the user, which proves no session: add a step that opens a page \
                 with the session and expects the identity there"
                    .to_owned(),
            ));
        }
        self.proven = true;
        Ok(())
    }

    /// Whether a step before this one ended on this page.
    fn is_on_the_way_in(&self, page: &Page) -> bool {
        let step = self.number();
        let earlier = self.session.traces.iter().filter(|trace| trace.step < step && !trace.redirected);
        earlier.into_iter().any(|trace| trace.url.path() == page.url.path())
    }

    /// Whether the last journey came to the login form by way of a page that only a logged-in user is sent to: the
    /// page first asked for, or that of the identity step. Then the password was taken, and the session was lost.
    fn was_thrown_back(&self) -> bool {
        let step = self.number();
        let protected: Vec<&str> = self
            .session
            .traces
            .iter()
            .filter(|trace| trace.step < step && trace.redirected)
            .map(|trace| trace.url.path())
            .collect();
        let identity = self.identity_address();
        let is_protected =
            |trace: &Trace| protected.contains(&trace.url.path()) || identity.as_deref() == Some(trace.url.path());
        self.session.traces.iter().filter(|trace| trace.step == step).skip(1).any(|t| t.redirected && is_protected(t))
    }

    /// The path of the identity step's request, as far as it is known by now.
    fn identity_address(&self) -> Option<String> {
        let step = self.flow().steps.get(self.flow().identity_step()?)?;
        let (Action::Open(request) | Action::Request { page: request, .. }) = &step.action else { return None };
        let text = request.url.fill(&self.variables).ok()?;
        let url = match &self.page {
            Some(page) => page.url.join(&text).ok()?,
            None => url::Url::parse(&text).ok()?,
        };
        Some(url.path().to_owned())
    }

    /// A step that failed before the password was sent may have failed since the user is logged in already: no login
    /// form is there any more, or the user is shown.
    async fn look_again(&mut self, index: usize, (trouble, page): Stopped, deadline: Instant) -> Stopped {
        let no_form = matches!(trouble, Trouble::Missing(_));
        let suspicious = self.flow().credential_step().is_some_and(|credential| index <= credential)
            && page.as_deref().is_some_and(|page| no_form || self.shows_user(page));
        if suspicious && self.is_let_in_already(index, deadline).await {
            return (without_credentials(), page);
        }
        (trouble, page)
    }

    /// Makes the identity step's request with the session as it is. See the head of this file.
    async fn is_let_in_already(&mut self, index: usize, deadline: Instant) -> bool {
        let Some(step) = self.flow().identity_step().filter(|i| *i > index).map(|i| &self.flow().steps[i]) else {
            return false;
        };
        let needs_password = step.action.templates().any(|t| t.holes().any(|hole| hole == "password"));
        if needs_password || matches!(step.action, Action::Submit(_) | Action::Logout(_)) {
            return false;
        }
        self.note("is somebody logged in before the password was sent? asking by the identity step's request");
        let (jar, base) = (self.session.jar.clone(), self.page.clone());
        let looked = self.perform(&step.action, base.as_ref(), deadline).await;
        let proves = match &looked {
            Ok(page) => page.asked == page.url && self.proves_user(page) && !self.shows_login_form(page),
            Err(_) => false,
        };
        self.session.jar = jar;
        self.note(if proves { "the user is logged in without a password" } else { "not logged in after all" });
        proves
    }

    /// What stopped the run, with the sign that explains it.
    pub(super) fn stop(&self, index: usize, (trouble, page): Stopped) -> Stop {
        let of_page = !matches!(trouble, Trouble::Ours(_) | Trouble::Fault(_));
        let here = page.as_deref().filter(|_| of_page).and_then(|page| self.sign_on(page));
        let sign = here.or(self.credential_sign.filter(|_| of_page && !self.proven));
        Stop { trouble, page, index, sign, hops: self.session.hops.len() }
    }

    /// Logs out after a failure, so that no session is left behind at the service: best effort, within a small time of
    /// its own, recorded as evidence, never a part of the verdict.
    async fn tidy_up(&mut self, stop: &Stop) {
        let Some(credential) = self.flow().credential_step() else { return };
        let let_in = self.session.presented && stop.index >= credential && !self.form_again && stop.sign.is_none();
        let unknown = stop.index == credential && stop.page.is_none();
        if let_in && !unknown {
            self.log_out_anyway(stop.index + 1).await;
        }
    }

    /// Does what the flow's logout steps from `first` on do, without judging them.
    pub(super) async fn log_out_anyway(&mut self, first: usize) {
        let deadline = Instant::now() + TIDY_UP;
        for step in self.flow().steps.iter().skip(first) {
            let Action::Logout(logout) = &step.action else { continue };
            self.begin(&step.name, StepRole::Logout);
            self.note("the run has failed; logging out all the same, so that no session is left behind");
            for action in &logout.actions {
                let base = self.page.take();
                match self.perform(action, base.as_ref(), deadline).await {
                    Ok(page) => self.page = Some(page),
                    Err(trouble) => {
                        self.note(format!("logging out failed: {}", trouble.message()));
                        self.page = base;
                        return;
                    }
                }
            }
            if let Some(draft) = self.drafts.last_mut() {
                draft.done = true;
            }
        }
    }
}

fn without_credentials() -> Trouble {
    Trouble::AcceptedWithoutCredentials(
        "the user is logged in although no password was sent in this run: a request with a session that has only seen \
         the steps so far shows the user"
            .to_owned(),
    )
}
