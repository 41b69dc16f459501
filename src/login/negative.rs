//! The wrong-password login: the flow's steps up to the one that sends the password, with a wrong one; then, always,
//! the identity step's request with that session, since what a page says about a refusal proves nothing.
//!
//! No right password is at hand here, so nothing can log in for real.

use super::page::Page;
use super::runner::{Runner, Stop};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{SignMeaning, StepRole};

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
        let let_in = self.is_let_in().await;
        if let_in {
            self.log_out_anyway(0).await;
            let message = "a wrong password was let in: the identity step's request shows the user";
            let trouble = Trouble::AcceptedWrongPassword(message.to_owned());
            return Err(Stop { trouble, page: answer.ok().map(Box::new), index: credential, sign: None });
        }
        let page = match answer {
            Ok(page) => page,
            Err(stop) => return Err(stop),
        };
        self.judge_refusal(credential, page)
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
    async fn is_let_in(&mut self) -> bool {
        let Some(step) = self.flow().identity_step().map(|index| &self.flow().steps[index]) else { return false };
        if !self.session.presented || self.flow().identity_step() == self.flow().credential_step() {
            return self.page.clone().is_some_and(|page| self.session.presented && self.proves_user(&page));
        }
        self.begin(&step.name, StepRole::Identity);
        self.note("asking who is logged in after the wrong password");
        let deadline = self.step_deadline(step.timeout);
        let base = self.page.clone();
        let looked = self.perform(&step.action, base.as_ref(), deadline).await;
        let let_in = match &looked {
            Ok(page) => self.proves_user(page),
            Err(trouble) => {
                self.note(format!("not asked: {}", trouble.message()));
                false
            }
        };
        self.note(if let_in { "the user is logged in" } else { "nobody is logged in" });
        if let Some(draft) = self.drafts.last_mut() {
            draft.done = !let_in;
        }
        if let (true, Ok(page)) = (let_in, looked) {
            self.page = Some(page);
        }
        let_in
    }

    /// Nobody was let in; now the refusal must be the one that the flow knows.
    fn judge_refusal(&mut self, credential: usize, page: Page) -> Result<(), Stop> {
        let sign = self.sign_on(&page);
        if sign == Some(SignMeaning::Refused) {
            return Ok(());
        }
        let title = super::page::Reading::new(&page).title().unwrap_or_else(|| "no title".to_owned());
        let message = format!(
            "the wrong password was not let in, but refused in another way than the flow says: status {}, {title}",
            page.status.as_u16()
        );
        Err(Stop { trouble: Trouble::RefusalChanged(message), page: Some(Box::new(page)), index: credential, sign })
    }
}
