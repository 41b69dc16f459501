//! From YAML to a script. Every mistake that is not one of YAML itself is reported at once, each with its place.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::written::{Written, WrittenAction, WrittenFault, WrittenRule, WrittenScope, WrittenUser};
use super::{Action, Draw, Fault, Hold, Rule, Scope, Script, Slow, StandardUsers, User};
use crate::model::Secret;

/// Why a script was refused.
#[derive(Debug, thiserror::Error)]
pub struct ScriptError {
    /// At least one, in the order of the text.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Script {
    /// Reads a script from YAML.
    ///
    /// # Errors
    /// [`ScriptError`] with every mistake and its place; for text that is no YAML or has an unknown key, with the
    /// first.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let written: Written = serde_saphyr::from_str(text).map_err(|error| {
            // Without the snippet: a line of the script may hold a password.
            let error = error.without_snippet();
            let place = error.location();
            ScriptError {
                mistakes: vec![Mistake {
                    line: place.map_or(1, |place| place.line()),
                    column: place.map_or(1, |place| place.column()),
                    message: plain_message(&error.to_string()),
                }],
            }
        })?;
        let mut reader = Reader::default();
        let users = written.users.map_or_else(StandardUsers::all, |users| reader.users(users));
        let rules = written.rules.iter().filter_map(|rule| reader.rule(rule)).collect();
        let seed = written.seed.unwrap_or(Self::default().seed);
        if reader.mistakes.is_empty() {
            Ok(Self { seed, users, rules })
        } else {
            reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
            Err(ScriptError { mistakes: reader.mistakes })
        }
    }
}

/// The parser's message in plain words: without its own note of the place, with a guess at what was meant.
fn plain_message(message: &str) -> String {
    let without_place = match message.split_once(": ") {
        Some((place, rest)) if place.starts_with("error: line ") => rest,
        _ => message,
    };
    let end = without_place.find(" at line ").unwrap_or(without_place.len());
    let message = match &without_place[..end] {
        "expected sequence start" => "expected a list",
        "expected string scalar" => "expected a text",
        "expected mapping start" => "expected keys with values",
        other => other,
    };
    match meant(message) {
        Some(word) => format!("{message}; did you mean `{word}`?"),
        None => message.to_owned(),
    }
}

/// The expected word that is nearest to the unknown one.
fn meant(message: &str) -> Option<&str> {
    let (unknown, expected) = message.strip_prefix("unknown ")?.split_once(", expected one of ")?;
    let unknown = unknown.split('`').nth(1)?;
    let distance = |word: &&str| strsim::damerau_levenshtein(unknown, word);
    expected.split(", ").min_by_key(distance).filter(|word| distance(word) <= 2)
}

/// Collects mistakes while it turns what was written into what it means.
#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn mistake<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        let (line, column) = (place.referenced.line(), place.referenced.column());
        self.mistakes.push(Mistake { line, column, message: message.into() });
    }

    fn users(&mut self, written: Spanned<Vec<WrittenUser>>) -> Vec<User> {
        if written.value.is_empty() {
            self.mistake(&written, "users is empty; name at least one user, or leave users out for the standard ones");
        }
        let mut names = BTreeSet::new();
        for user in &written.value {
            if user.name.value.is_empty() {
                self.mistake(&user.name, "the user name is empty");
            } else if !names.insert(user.name.value.clone()) {
                self.mistake(&user.name, format!("there is another user {:?}", user.name.value));
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
        let from = written.value.from.as_ref().map_or(Duration::ZERO, |from| self.duration(from));
        let to = written.value.to.as_ref().map(|to| self.duration(to));
        if let (Some(place), Some(to)) = (&written.value.to, to)
            && to <= from
            && mistakes_before == self.mistakes.len()
        {
            self.mistake(place, "the rule ends before it begins; `to` must be later than `from`");
        }
        let draw = self.draw(written);
        let fault = self.fault(&written.value.fault);
        let scope = written.value.scope.as_ref().map(|scope| self.scope(scope, &fault)).unwrap_or_default();
        self.check_connection_fault(written, &scope, &fault);
        (self.mistakes.len() == mistakes_before).then_some(Rule { from, to, scope, draw, fault })
    }

    /// Before a request was read, only its source address is known; a closed listener knows not even that.
    fn check_connection_fault(&mut self, rule: &Spanned<WrittenRule>, scope: &Scope, fault: &Fault) {
        if fault.is_of_connections() && !scope.is_of_connections() {
            self.mistake(
                rule,
                format!(
                    "{} strikes before a request is read, so it can be matched by client alone; \
                     put delays of other phases into a rule of their own",
                    fault.name()
                ),
            );
        }
        let narrowed = scope.client.is_some() || rule.value.share.is_some() || rule.value.exactly.is_some();
        if *fault == Fault::Refuse && narrowed {
            self.mistake(
                rule,
                "refuse closes the listener for everybody; to refuse a part of the connections use reset_on_accept",
            );
        }
        if *fault == Fault::Slow(Slow::default()) && self.mistakes.is_empty() {
            self.mistake(rule, "slow delays nothing; set tls, wait or receive");
        }
        if let Fault::Slow(slow) = fault
            && fault.delays_tls()
            && !(slow.wait.is_zero() && slow.receive.is_zero())
        {
            self.mistake(rule, "tls is drawn by connection, wait and receive by login; write two rules");
        }
    }

    fn draw(&mut self, rule: &Spanned<WrittenRule>) -> Draw {
        match (&rule.value.share, &rule.value.exactly) {
            (Some(_), Some(exactly)) => {
                self.mistake(exactly, "a rule has either `share` or `exactly`, not both");
                Draw::Every
            }
            (Some(share), None) => {
                if !(0.0..=1.0).contains(&share.value) {
                    self.mistake(
                        share,
                        format!("{} is no share; write a number from 0 to 1, such as 0.8", share.value),
                    );
                }
                Draw::Share(share.value)
            }
            (None, Some(exactly)) => self.exactly(exactly),
            (None, None) => Draw::Every,
        }
    }

    fn exactly(&mut self, written: &Spanned<String>) -> Draw {
        let parsed = written
            .value
            .split_once(" of ")
            .and_then(|(hits, of)| Some((hits.trim().parse::<u64>().ok()?, of.trim().parse::<u64>().ok()?)));
        match parsed {
            Some((hits, of)) if of > 0 && hits <= of => Draw::Exactly { hits, of },
            Some((hits, of)) => {
                self.mistake(written, format!("{hits} of {of} cannot be; write a part of at least 1"));
                Draw::Every
            }
            None => {
                self.mistake(written, format!("{:?} is no part; write `exactly: 37 of 1000`", written.value));
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
                self.mistake(action, format!("{} cannot show at this action; leave the action out", fault.name()));
            }
            meant
        });
        let client = written.client.as_ref().and_then(|client| match client.value.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                self.mistake(client, format!("{:?} is no address; write one such as 127.0.0.2", client.value));
                None
            }
        });
        let header = written.header.as_ref().and_then(|header| match header.name.value.parse() {
            Ok(name) => Some((name, header.value.clone())),
            Err(_) => {
                self.mistake(&header.name, format!("{:?} is no name of a header", header.name.value));
                None
            }
        });
        if let Some(path) = written.path.as_ref().filter(|path| !path.value.starts_with('/')) {
            self.mistake(path, format!("{:?} is no path; it begins with a slash", path.value));
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
                    self.mistake(&status.code, format!("{code} is no error status; write one from 400 to 599"));
                }
                Fault::Status { code, retry_after: status.retry_after.as_ref().map(|after| self.duration(after)) }
            }
            WrittenFault::Hang(hold) if hold.value == "forever" => Fault::Hang(Hold::Forever),
            WrittenFault::Hang(hold) => Fault::Hang(Hold::For(self.duration(hold))),
            WrittenFault::Slow(slow) => {
                let mut delay = |delay: &Option<Spanned<String>>| {
                    delay.as_ref().map_or(Duration::ZERO, |delay| self.duration(delay))
                };
                Fault::Slow(Slow { tls: delay(&slow.tls), wait: delay(&slow.wait), receive: delay(&slow.receive) })
            }
            WrittenFault::Reset => Fault::Reset,
            WrittenFault::WrongRedirect(target) => {
                if http::HeaderValue::from_str(&target.value).is_err() || target.value.is_empty() {
                    self.mistake(target, "this cannot be a Location; write a URL or a path");
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

    fn duration(&mut self, written: &Spanned<String>) -> Duration {
        let parsed = written.value.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        parsed.unwrap_or_else(|| {
            self.mistake(
                written,
                format!("{:?} is no duration; write one such as 200ms, 20s or 1m 30s", written.value),
            );
            Duration::ZERO
        })
    }
}

#[cfg(test)]
mod tests;
