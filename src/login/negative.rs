//! The wrong-password login: the flow's steps up to the one that sends the password, with a wrong one; then, always,
//! the identity step's request with that session, since what a page says about a refusal proves nothing. Where that
//! request has no answer that tells who is logged in, this is unknown, and the wrong password was not seen refused.
//!
//! No right password is at hand here, so nothing can log in for real.

use super::classify::is_throttled;
use super::page::Page;
use super::runner::{Runner, Stop};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{SignMeaning, StepRole};

/// Who is logged in after a wrong password.
enum LoggedIn {
    User,
    Nobody,
    /// No answer tells it, because of this.
    Unknown(Box<Stop>),
}

impl<W: Wire> Runner<'_, W> {
    /// Tries the wrong password.
    pub(super) async fn be_refused(&mut self) -> Result<(), Stop> {
        let Some(credential) = self.flow().credential_step() else {
            return Err(self.ours(0, "the flow sends no password, so no wrong one can be tried"));
        };
        self.take_wrong_password(credential)?;
        for index in 0..credential {
            self.step(index).await?;
        }
        let answer = self.send_wrong_password(credential).await;
        let unknown = match self.who_is_logged_in(credential, answer.as_ref().err()).await {
            LoggedIn::User => {
                let hops = self.session.hops.len();
                self.log_out_anyway(0).await;
                let message = "a wrong password was let in: the identity step's request shows the user";
                let trouble = Trouble::AcceptedWrongPassword(message.to_owned());
                return Err(Stop { trouble, page: answer.ok().map(Box::new), index: credential, sign: None, hops });
            }
            LoggedIn::Nobody => None,
            LoggedIn::Unknown(why) => Some(*why),
        };
        self.who_is_unknown = unknown.is_some();
        self.judge_refusal(credential, answer?)?;
        unknown.map_or(Ok(()), Err)
    }

    fn ours(&self, index: usize, message: &str) -> Stop {
        self.stop(index, (Trouble::Ours(message.to_owned()), None))
    }

    /// Fills the wrong password in, and makes sure that it is wrong.
    fn take_wrong_password(&mut self, credential: usize) -> Result<(), Stop> {
        let Some(negative) = &self.flow().negative else {
            return Err(self.ours(credential, "the flow has no wrong-password login"));
        };
        if !self.flow().signs.iter().any(|sign| sign.meaning == SignMeaning::Refused) {
            return Err(self.ours(credential, "the flow does not say how the service refuses a password"));
        }
        let wrong = match negative.password.fill(&self.variables) {
            Ok(wrong) => wrong,
            Err(unbound) => return Err(self.stop(credential, (Trouble::from(unbound), None))),
        };
        if self.task.credentials.is_some_and(|credentials| credentials.password.expose() == wrong) {
            return Err(self.ours(credential, "the wrong password is the right one; it was not sent"));
        }
        self.variables.set("password", &wrong);
        Ok(())
    }

    /// Does the credential step's action. Its expectations are those of a success, so they are not asked; what it
    /// captures is kept if it is there, for the identity step may need it.
    async fn send_wrong_password(&mut self, credential: usize) -> Result<Page, Stop> {
        let step = &self.flow().steps[credential];
        self.begin(&step.name, StepRole::Login);
        let deadline = self.step_deadline(step.timeout);
        let base = self.page.take();
        match self.perform(&step.action, base.as_ref(), deadline).await {
            Ok(page) => {
                for capture in &step.captures {
                    if self.capture(std::slice::from_ref(capture), &page).is_err() {
                        self.variables.unset(&capture.variable);
                    }
                }
                if let Some(draft) = self.drafts.last_mut() {
                    draft.done = true;
                }
                self.page = Some(page.clone());
                Ok(page)
            }
            Err(trouble) => {
                self.page.clone_from(&base);
                let shown = base.filter(|_| matches!(trouble, Trouble::Missing(_))).map(Box::new);
                Err(self.stop(credential, (trouble, shown)))
            }
        }
    }

    /// Makes the identity step's request with the session as it is, whatever the answer to the password was. A
    /// request that cannot be built (nothing was captured, no form is there) is one that nobody let in could make.
    async fn who_is_logged_in(&mut self, credential: usize, unanswered: Option<&Stop>) -> LoggedIn {
        let Some(identity) = self.flow().identity_step() else { return LoggedIn::Nobody };
        if !self.session.presented {
            return LoggedIn::Nobody;
        }
        if identity == credential {
            return match (unanswered, &self.page) {
                (Some(stop), _) => LoggedIn::Unknown(Box::new(stop.clone())),
                (None, Some(page)) if self.proves_user(page) => LoggedIn::User,
                (None, _) => LoggedIn::Nobody,
            };
        }
        let step = &self.flow().steps[identity];
        self.begin(&step.name, StepRole::Identity);
        self.note("asking who is logged in after the wrong password");
        let deadline = self.step_deadline(step.timeout);
        let base = self.page.clone();
        let (trouble, page) = match self.perform(&step.action, base.as_ref(), deadline).await {
            Ok(page) if self.proves_user(&page) => {
                self.note("the user is logged in");
                self.page = Some(page);
                return LoggedIn::User;
            }
            Ok(page) if tells_nothing(&page) => {
                let trouble = Trouble::Status(format!("status {}", page.status.as_u16()));
                (trouble, Some(Box::new(page)))
            }
            Ok(_) => return self.nobody(),
            Err(trouble @ (Trouble::Fault(_) | Trouble::TooLarge(_))) => (trouble, None),
            Err(trouble) => {
                self.note(format!("not asked: {}", trouble.message()));
                return self.nobody();
            }
        };
        self.note(format!("who is logged in is unknown: {}", trouble.message()));
        // The service's words on such an answer are not about the password.
        LoggedIn::Unknown(Box::new(Stop { sign: None, ..self.stop(identity, (trouble, page)) }))
    }

    fn nobody(&mut self) -> LoggedIn {
        self.note("nobody is logged in");
        if let Some(draft) = self.drafts.last_mut() {
            draft.done = true;
        }
        LoggedIn::Nobody
    }

    /// Nobody was seen let in; now the refusal must be the one that the flow knows.
    fn judge_refusal(&mut self, credential: usize, page: Page) -> Result<(), Stop> {
        let sign = self.sign_on(&page);
        if sign == Some(SignMeaning::Refused) {
            return Ok(());
        }
        let title = super::page::Reading::new(&page).title().unwrap_or_else(|| "no title".to_owned());
        let known = if self.who_is_unknown {
            "the answer to the wrong password is not the refusal that the flow says"
        } else {
            "the wrong password was not let in, but refused in another way than the flow says"
        };
        let message = format!("{known}: status {}, {title}", page.status.as_u16());
        let (trouble, hops) = (Trouble::RefusalChanged(message), self.session.hops.len());
        Err(Stop { trouble, page: Some(Box::new(page)), index: credential, sign, hops })
    }
}

/// An answer that says of the service how it is, and not who is logged in.
fn tells_nothing(page: &Page) -> bool {
    page.status.is_server_error() || is_throttled(page)
}
