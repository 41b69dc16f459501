//! Logging out, and the proof that the old session is dead: the cookies and variables from before the logout are
//! used once more, since a browser that merely forgot its cookie proves nothing.

use tokio::time::Instant;

use super::page::Page;
use super::runner::{Runner, Stopped};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{Action, Expectation, Logout, LogoutProof};

impl<W: Wire> Runner<'_, W> {
    /// Logs out and proves it.
    pub(super) async fn log_out(&mut self, logout: &Logout, deadline: Instant) -> Result<(), Stopped> {
        let before = (self.session.jar.clone(), self.variables.clone(), self.page.clone());
        let last = logout.actions.len().saturating_sub(1);
        for (number, action) in logout.actions.iter().enumerate() {
            let base = self.page.take();
            let page = match self.perform(action, base.as_ref(), deadline).await {
                Ok(page) => page,
                Err(trouble) => {
                    self.page.clone_from(&base);
                    let explains = matches!(trouble, Trouble::Missing(_));
                    return Err((trouble, base.filter(|_| explains).map(Box::new)));
                }
            };
            self.page = Some(page.clone());
            let follow = !matches!(action, Action::Request { follow: false, .. });
            let expectations = if number == last { &logout.expectations[..] } else { &[] };
            if let Err(trouble) = self.check(expectations, &page, follow) {
                return Err((trouble, Some(Box::new(page))));
            }
        }
        let after = (self.session.jar.clone(), self.variables.clone());
        let (jar, variables, page) = before;
        (self.session.jar, self.variables) = (jar, variables);
        let proof = self.prove_logout(&logout.proof, page, deadline).await;
        (self.session.jar, self.variables) = after;
        proof
    }

    async fn prove_logout(
        &mut self,
        proof: &LogoutProof,
        before: Option<Page>,
        deadline: Instant,
    ) -> Result<(), Stopped> {
        self.note("using the session from before the logout once more");
        let (action, base) = match proof {
            LogoutProof::RepeatIdentity => match self.flow().identity_step() {
                Some(index) => (&self.flow().steps[index].action, self.identity_base.clone()),
                None => {
                    let message = "the logout is proven by repeating the identity step, but the flow has none";
                    return Err((Trouble::Ours(message.to_owned()), None));
                }
            },
            LogoutProof::Request { action, .. } => (action, before),
        };
        let page = self.perform(action, base.as_ref(), deadline).await.map_err(|trouble| (trouble, None))?;
        let judged = match proof {
            LogoutProof::RepeatIdentity => self.is_dead(&page),
            LogoutProof::Request { expectations, .. } => self.looks_dead(expectations, &page),
        };
        judged.map_err(|trouble| (trouble, Some(Box::new(page))))
    }

    /// The identity step's request no longer shows the user. A broken or busy answer proves nothing.
    fn is_dead(&mut self, page: &Page) -> Result<(), Trouble> {
        if self.shows_user(page) && !self.was_sent_to_login(page) {
            return Err(Trouble::LogoutIneffective(
                "the session from before the logout still shows the user after it".to_owned(),
            ));
        }
        proves_something(page)?;
        self.note(format!("the old session no longer shows the user (status {})", page.status.as_u16()));
        Ok(())
    }

    fn looks_dead(&mut self, expectations: &[Expectation], page: &Page) -> Result<(), Trouble> {
        // The expectations say all there is to say of a dead session, its status included.
        let expects_status = expectations.iter().any(|expectation| matches!(expectation, Expectation::Status(_)));
        if !expects_status {
            proves_something(page)?;
        }
        let as_expected = expectations.iter().try_for_each(|expectation| self.check_one(expectation, page));
        match as_expected {
            Ok(()) => {
                self.note("the old session is dead, as the flow says");
                Ok(())
            }
            Err(trouble @ Trouble::Ours(_)) => Err(trouble),
            Err(trouble) => {
                proves_something(page)?;
                Err(Trouble::LogoutIneffective(format!(
                    "the session from before the logout does not look dead after it: {}",
                    trouble.message()
                )))
            }
        }
    }
}

fn proves_something(page: &Page) -> Result<(), Trouble> {
    let status = page.status.as_u16();
    if page.status.is_server_error() || status == 429 {
        return Err(Trouble::Status(format!("status {status}, which does not tell whether the old session is dead")));
    }
    Ok(())
}
