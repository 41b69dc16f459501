//! The verdict on a run that stopped, and the sentence that says where and why.

use super::classify::{self, Situation, challenge_mark};
use super::notes;
use super::runner::{Runner, Stop};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::model::{BadClass, Failure, LostClass, Phase, RunKind, StepName, Verdict};

impl<W: Wire> Runner<'_, W> {
    /// Judges a stop and explains it; the explanation goes into the step's evidence too.
    pub(super) fn failure(&mut self, stop: &Stop) -> (Verdict, Failure) {
        let credential = self.flow().credential_step();
        let identity = self.flow().identity_step();
        let verdict = classify::classify(&Situation {
            trouble: &stop.trouble,
            page: stop.page.as_deref(),
            sign: stop.sign,
            presented: self.session.presented && self.task.kind == RunKind::Login,
            proven: self.proven,
            credential_step: credential == Some(stop.index),
            identity_step: identity == Some(stop.index),
            form_again: self.form_again,
            thrown_back: self.thrown_back,
        });
        let name = self.flow().steps.get(stop.index).map(|step| step.name.clone());
        let phase = match &stop.trouble {
            Trouble::Fault(fault) => fault.phase,
            _ => None,
        };
        let mut message = self.message(stop, verdict, phase);
        if self.who_is_unknown {
            message.push_str("; who is logged in is unknown");
        }
        self.explain(stop, name.as_ref(), &message);
        (verdict, Failure { step: name, phase, message })
    }

    /// Adds what explains the failure to the evidence of the step that failed.
    fn explain(&mut self, stop: &Stop, name: Option<&StepName>, message: &str) {
        // What a page says to a session that a wrong password did not get may be anybody's: its secrets are not known here.
        let stranger = self.who_is_unknown && stop.index != self.flow().credential_step().unwrap_or(stop.index);
        let Some(draft) = self.drafts.iter_mut().find(|draft| Some(&draft.name) == name) else { return };
        draft.done = false;
        draft.lines.push(format!("failed: {message}"));
        if let Some(page) = stop.page.as_ref().filter(|_| !stranger) {
            draft.lines.extend(notes::explanation(page));
        }
    }

    fn message(&self, stop: &Stop, verdict: Verdict, phase: Option<Phase>) -> String {
        let what = stop.trouble.message();
        match (&stop.trouble, verdict) {
            (Trouble::Fault(fault), _) => self.fault_message(stop, &fault.message, phase),
            (Trouble::Unusable(message), _) => message.clone(),
            (_, Verdict::Lost(LostClass::AccountLocked)) => {
                format!("the test account is locked, says the service: {what}")
            }
            (_, Verdict::Lost(LostClass::AccountUnusable)) => {
                format!("the test account cannot be used, says the service: {what}")
            }
            (_, Verdict::Bad(class)) => match prefix(class, stop) {
                Some(prefix) if matches!(stop.trouble, Trouble::Sign) => format!("{prefix}, by the flow's sign"),
                Some(prefix) => format!("{prefix}: {what}"),
                None => what.to_owned(),
            },
            _ => what.to_owned(),
        }
    }

    /// Which request it was, in which phase, after how long; and what a timeout leaves open.
    fn fault_message(&self, stop: &Stop, what: &str, phase: Option<Phase>) -> String {
        let step = self.flow().steps.get(stop.index).map_or("", |step| step.name.as_str());
        let during = phase.map(|phase| format!(", phase {phase}")).unwrap_or_default();
        let hop = stop.hops.checked_sub(1).and_then(|last| self.session.hops.get(last));
        let hop = hop.map(|hop| format!(", {} {} after {}", hop.method, hop.url, hop.phases.total()));
        let mut message = format!("{what} (step '{step}'{during}{})", hop.unwrap_or_default());
        let timed_out =
            matches!(&stop.trouble, Trouble::Fault(fault) if fault.verdict == Verdict::Bad(BadClass::Timeout));
        if timed_out && self.session.presented {
            message.push_str("; the password had been sent: whether the service acted on it is unknown to the user");
        }
        message
    }
}

/// What a class says beyond the plain facts.
fn prefix(class: BadClass, stop: &Stop) -> Option<String> {
    Some(match class {
        BadClass::CredentialsRefused if matches!(stop.trouble, Trouble::Sign) || stop.sign.is_some() => {
            "the service refused the right password".to_owned()
        }
        BadClass::CredentialsRefused => {
            "the service refused the right password: it asked for it again or answered 401".to_owned()
        }
        BadClass::SecondFactorRefused => "the service refused the second factor".to_owned(),
        BadClass::SessionUnusable => "the password was taken, but the session does not show the user".to_owned(),
        BadClass::WrongIdentity => "somebody else is logged in".to_owned(),
        BadClass::Throttled => {
            let retry = stop.page.as_ref().and_then(|page| page.header("retry-after"));
            let retry = retry.map(|after| format!(" (retry after {after})")).unwrap_or_default();
            format!("too many requests, says the service{retry}")
        }
        BadClass::Challenge => {
            let mark = stop.page.as_deref().and_then(challenge_mark);
            let mark = mark.map(|mark| format!(" ('{mark}')")).unwrap_or_default();
            format!("a CAPTCHA or firewall page came instead{mark}")
        }
        _ => return None,
    })
}
