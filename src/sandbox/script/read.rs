//! From YAML to a script. Every mistake that is not one of YAML itself is reported at once, each with its place.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::written::{Written, WrittenAction, WrittenFault, WrittenRule, WrittenScope, WrittenUser};
use super::{Action, Draw, Fault, Hold, Rule, Scope, Script, Slow, StandardUsers, User};
use crate::model::Secret;
use crate::script::{self, Mistakes, ScriptError};

impl Script {
    /// Reads a script from YAML.
    ///
    /// # Errors
    /// [`ScriptError`] with every mistake and its place; for text that is no YAML or has an unknown key, with the
    /// first.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        if script::is_blank(text) {
            return Ok(Self::default());
        }
        let written: Written = script::parse(text)?;
        let mut reader = Reader::default();
        let users = written.users.map_or_else(StandardUsers::all, |users| reader.users(users));
        let rules = written.rules.iter().filter_map(|rule| reader.rule(rule)).collect();
        let seed = written.seed.unwrap_or(Self::default().seed);
        reader.mistakes.finish(Self { seed, users, rules })
    }
}

/// Collects mistakes while it turns what was written into what it means.
#[derive(Default)]
struct Reader {
    mistakes: Mistakes,
}

impl Reader {
    fn users(&mut self, written: Spanned<Vec<WrittenUser>>) -> Vec<User> {
        if written.value.is_empty() {
            self.mistakes
                .note(&written, "users is empty; name at least one user, or leave users out for the standard ones");
        }
        let mut names = BTreeSet::new();
        for user in &written.value {
            if user.name.value.is_empty() {
                self.mistakes.note(&user.name, "the user name is empty");
            } else if !names.insert(user.name.value.clone()) {
                self.mistakes.note(&user.name, format!("there is another user {:?}", user.name.value));
            }
        }
        let user = |user: WrittenUser| User {
            name: user.name.value,
            password: Secret::new(&user.password),
            locked: user.locked,
        };
        written.value.into_iter().map(user).collect()
    }

    fn rule(&mut self, written: &Spanned<WrittenRule>) -> Option<Rule> {
        let mistakes_before = self.mistakes.len();
        let from = written.value.from.as_ref().map_or(Duration::ZERO, |from| self.mistakes.duration(from));
        let to = written.value.to.as_ref().map(|to| self.mistakes.duration(to));
        if let (Some(place), Some(to)) = (&written.value.to, to)
            && to <= from
            && mistakes_before == self.mistakes.len()
        {
            self.mistakes.note(place, "the rule ends before it begins; `to` must be later than `from`");
        }
        let draw = self.draw(written);
        let fault = self.fault(&written.value.fault);
        let scope = written.value.scope.as_ref().map(|scope| self.scope(scope, &fault)).unwrap_or_default();
        self.check_connection_fault(written, &scope, &draw, &fault);
        (self.mistakes.len() == mistakes_before).then_some(Rule { from, to, scope, draw, fault })
    }

    /// Before a request was read, only its source address is known; a closed listener knows not even that.
    fn check_connection_fault(&mut self, rule: &Spanned<WrittenRule>, scope: &Scope, draw: &Draw, fault: &Fault) {
        if fault.is_of_connections() && !scope.is_of_connections() {
            self.mistakes.note(
                rule,
                format!(
                    "{} strikes before a request is read, so it can be matched by client alone; \
                     put delays of other phases into a rule of their own",
                    fault.name()
                ),
            );
        }
        let narrowed = scope.client.is_some() || *draw != Draw::Every;
        if *fault == Fault::Refuse && narrowed {
            self.mistakes.note(
                rule,
                "refuse closes the listener for everybody; to refuse a part of the connections use reset_on_accept",
            );
        }
        if *fault == Fault::Slow(Slow::default()) && self.mistakes.is_empty() {
            self.mistakes.note(rule, "slow delays nothing; set tls, wait or receive");
        }
        if let Fault::Slow(slow) = fault
            && fault.delays_tls()
            && !(slow.wait.is_zero() && slow.receive.is_zero())
        {
            self.mistakes.note(rule, "tls is drawn by connection, wait and receive by login; write two rules");
        }
    }

    fn draw(&mut self, rule: &Spanned<WrittenRule>) -> Draw {
        let WrittenRule { share, exactly, first, .. } = &rule.value;
        if usize::from(share.is_some()) + usize::from(exactly.is_some()) + usize::from(first.is_some()) > 1 {
            self.mistakes.note(rule, "a rule has one of `share`, `exactly` and `first`");
        }
        let share = share.as_ref().map(|share| Draw::Share(self.mistakes.share(share)));
        let exactly = exactly.as_ref().map(|exactly| self.exactly(exactly));
        let first = first.as_ref().map(|first| self.first(first));
        share.or(exactly).or(first).unwrap_or(Draw::Every)
    }

    fn first(&mut self, written: &Spanned<u64>) -> Draw {
        if written.value == 0 {
            self.mistakes.note(written, "the first 0 are none; write at least 1, or leave the rule out");
        }
        Draw::First(written.value)
    }

    fn exactly(&mut self, written: &Spanned<String>) -> Draw {
        let parsed = written
            .value
            .split_once(" of ")
            .and_then(|(hits, of)| Some((hits.trim().parse::<u64>().ok()?, of.trim().parse::<u64>().ok()?)));
        match parsed {
            Some((hits, of)) if of > 0 && hits <= of => Draw::Exactly { hits, of },
            Some((hits, of)) => {
                self.mistakes.note(written, format!("{hits} of {of} cannot be; write a part of at least 1"));
                Draw::Every
            }
            None => {
                self.mistakes.note(written, format!("{:?} is no part; write `exactly: 37 of 1000`", written.value));
                Draw::Every
            }
        }
    }

    fn scope(&mut self, written: &WrittenScope, fault: &Fault) -> Scope {
        let action = written.action.as_ref().and_then(|action| {
            let meant = match action.value {
                WrittenAction::Any => None,
                WrittenAction::Page => Some(Action::Page),
                WrittenAction::Login => Some(Action::Login),
                WrittenAction::Session => Some(Action::Session),
                WrittenAction::Logout => Some(Action::Logout),
                WrittenAction::Other => Some(Action::Other),
            };
            let shows = meant.is_none_or(|meant| fault.actions().contains(&meant));
            if !shows && !fault.is_of_connections() {
                self.mistakes
                    .note(action, format!("{} cannot show at this action; leave the action out", fault.name()));
            }
            meant
        });
        let client = written.client.as_ref().and_then(|client| match client.value.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                self.mistakes.note(client, format!("{:?} is no address; write one such as 127.0.0.2", client.value));
                None
            }
        });
        let header = written.header.as_ref().and_then(|header| match header.name.value.parse() {
            Ok(name) => Some((name, header.value.clone())),
            Err(_) => {
                self.mistakes.note(&header.name, format!("{:?} is no name of a header", header.name.value));
                None
            }
        });
        if let Some(path) = written.path.as_ref().filter(|path| !path.value.starts_with('/')) {
            self.mistakes.note(path, format!("{:?} is no path; it begins with a slash", path.value));
        }
        Scope {
            style: written.style,
            path: written.path.as_ref().map(|path| path.value.clone()),
            action,
            user: written.user.clone(),
            credentials: written.credentials,
            client,
            header,
        }
    }

    fn fault(&mut self, written: &WrittenFault) -> Fault {
        match written {
            WrittenFault::Refuse => Fault::Refuse,
            WrittenFault::ResetOnAccept => Fault::ResetOnAccept,
            WrittenFault::Status(status) => {
                let code = status.code.value;
                if !(400..=599).contains(&code) {
                    self.mistakes.note(&status.code, format!("{code} is no error status; write one from 400 to 599"));
                }
                Fault::Status {
                    code,
                    retry_after: status.retry_after.as_ref().map(|after| self.mistakes.duration(after)),
                }
            }
            WrittenFault::Hang(hold) if hold.value == "forever" => Fault::Hang(Hold::Forever),
            WrittenFault::Hang(hold) => Fault::Hang(Hold::For(self.mistakes.duration(hold))),
            WrittenFault::Slow(slow) => {
                let mut delay = |delay: &Option<Spanned<String>>| {
                    delay.as_ref().map_or(Duration::ZERO, |delay| self.mistakes.duration(delay))
                };
                Fault::Slow(Slow { tls: delay(&slow.tls), wait: delay(&slow.wait), receive: delay(&slow.receive) })
            }
            WrittenFault::Reset => Fault::Reset,
            WrittenFault::WrongRedirect(target) => {
                if http::HeaderValue::from_str(&target.value).is_err() || target.value.is_empty() {
                    self.mistakes.note(target, "this cannot be a Location; write a URL or a path");
                }
                Fault::WrongRedirect(target.value.clone())
            }
            WrittenFault::RedirectLoop => Fault::RedirectLoop,
            WrittenFault::LostSession => Fault::LostSession,
            WrittenFault::PageChanged => Fault::PageChanged,
            WrittenFault::AcceptAnyPassword => Fault::AcceptAnyPassword,
            WrittenFault::WrongIdentity => Fault::WrongIdentity,
            WrittenFault::LogoutIneffective => Fault::LogoutIneffective,
            WrittenFault::Challenge => Fault::Challenge,
            WrittenFault::LockAccount => Fault::LockAccount,
        }
    }
}

#[cfg(test)]
mod tests;
