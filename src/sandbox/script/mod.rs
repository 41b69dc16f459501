//! What fails when: the script as validated types. `read` parses its YAML.
//!
//! ```yaml
//! seed: 7
//! rules:
//!   - from: 20s                     # since the start; from the start when left out
//!     to: 40s                       # for ever when left out
//!     match: {action: login}        # everything that the fault can hit when left out
//!     share: 0.8                    # or `exactly: 37 of 1000` or `first: 5`; every one when left out
//!     fault: {hang: forever}
//! ```
//!
//! The rules are tried in order; the first that matches and is drawn applies, and later rules do not see the request.
//! `share`, `exactly` and `first` draw once per login: a request that carries a session shares the ticket of its login, and a
//! request outside any login draws for itself. A connection fault (`reset_on_accept`, a slow `tls`) draws once per
//! connection.

mod read;
mod written;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Secret;

/// A whole script. [`Script::default`] never fails.
#[derive(Debug, Clone)]
pub struct Script {
    /// Decides all draws.
    pub seed: u64,
    /// Who can log in.
    pub users: Vec<User>,
    /// What fails, in order.
    pub rules: Vec<Rule>,
}

impl Default for Script {
    fn default() -> Self {
        Self { seed: 1, users: StandardUsers::all(), rules: Vec::new() }
    }
}

/// The users of a script that names none.
pub struct StandardUsers;

impl StandardUsers {
    /// The password of every standard user.
    pub const PASSWORD: &'static str = "probe-Passw0rd!";

    /// `probe`, `probe-2` to `probe-9`, and `locked`, whose account is locked.
    #[must_use]
    pub fn all() -> Vec<User> {
        let user = |name: String, locked| User { name, password: Secret::new(Self::PASSWORD), locked };
        let numbered = (2..=9).map(|number| user(format!("probe-{number}"), false));
        std::iter::once(user("probe".into(), false)).chain(numbered).chain([user("locked".into(), true)]).collect()
    }
}

/// A user of the sandbox.
#[derive(Debug, Clone)]
pub struct User {
    /// What is typed, and what the who-am-I page shows.
    pub name: String,
    /// The right password.
    pub password: Secret,
    /// The account is locked: even the right password is refused, in words of its own.
    pub locked: bool,
}

/// One fault and when, where and how often it strikes.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Since the start, inclusive.
    pub from: Duration,
    /// Since the start, exclusive; `None`: for ever.
    pub to: Option<Duration>,
    /// What it can hit.
    pub scope: Scope,
    /// How many of those it hits.
    pub draw: Draw,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// Whether the rule is in force at this time since the start.
    #[must_use]
    pub fn in_force(&self, elapsed: Duration) -> bool {
        self.from <= elapsed && self.to.is_none_or(|to| elapsed < to)
    }
}

/// What a rule can hit; every part that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Way of logging in.
    pub style: Option<Style>,
    /// The request's path; a `*` at the end stands for any rest.
    pub path: Option<String>,
    /// What the request is for.
    pub action: Option<Action>,
    /// User who is logging in or logged in.
    pub user: Option<String>,
    /// Whether the login presents the right password of an account that is not locked.
    pub credentials: Option<Credentials>,
    /// Source address; the whole of 127.0.0.0/8 is at hand on loopback.
    pub client: Option<IpAddr>,
    /// A request header (lower-case name) with exactly this value.
    pub header: Option<(http::HeaderName, String)>,
}

impl Scope {
    /// Whether it asks only for what is known before a request was read.
    #[must_use]
    pub fn is_of_connections(&self) -> bool {
        let client_alone = Self { client: self.client, ..Self::default() };
        *self == client_alone
    }
}

/// A way of logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// One page with a form and a CSRF token.
    Form,
    /// A page for the user name, then one for the password.
    TwoPage,
    /// A JSON API with a bearer token.
    Json,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A page on the way to a login; the user name of a two-page login, too.
    Page,
    /// The submission of a password.
    Login,
    /// Use of a session: the who-am-I page.
    Session,
    /// The end of a session.
    Logout,
    /// Anything else: home, health, unknown paths.
    Other,
}

/// Whether a login should be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// The right password of an account that is not locked.
    Right,
    /// Anything else.
    Wrong,
}

/// How many of the matching logins a rule hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Draw {
    /// Every one.
    Every,
    /// Each with this probability, 0 to 1.
    Share(f64),
    /// The first so many, and none after them; at least 1.
    First(u64),
    /// Exactly `hits` of each `of` in the order of arrival; `hits <= of`, `of >= 1`.
    Exactly {
        /// How many are hit.
        hits: u64,
        /// Out of how many.
        of: u64,
    },
}

/// How long an answer is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Then the connection is closed without an answer.
    For(Duration),
    /// Until the client gives up.
    Forever,
}

/// Delays by phase, as a client measures them; zero for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slow {
    /// Before the handshake is answered.
    pub tls: Duration,
    /// Before the first byte of the answer.
    pub wait: Duration,
    /// From the first byte of the answer to the last, at an even pace.
    pub receive: Duration,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The listener is closed: connections are refused.
    Refuse,
    /// Connections are accepted and reset at once.
    ResetOnAccept,
    /// This status instead of an answer.
    Status {
        /// 400 to 599.
        code: u16,
        /// `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The request is taken and never answered.
    Hang(Hold),
    /// The answer is right and late.
    Slow(Slow),
    /// The answer's head and half of its body, then a reset.
    Reset,
    /// A redirect to this URL or path instead of the account page, and no session.
    WrongRedirect(String),
    /// A redirect into a circle of redirects.
    RedirectLoop,
    /// The login looks right, but its session does not exist.
    LostSession,
    /// The form's fields, or the answer's members, have other names.
    PageChanged,
    /// A wrong password is let in.
    AcceptAnyPassword,
    /// The session is somebody else's.
    WrongIdentity,
    /// The logout looks right, but the session lives on.
    LogoutIneffective,
    /// A CAPTCHA page instead of the answer.
    Challenge,
    /// The account is locked, and the answer says so.
    LockAccount,
}

impl Fault {
    /// The name as scripts and the truth have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::ResetOnAccept => "reset_on_accept",
            Self::Status { .. } => "status",
            Self::Hang(_) => "hang",
            Self::Slow(_) => "slow",
            Self::Reset => "reset",
            Self::WrongRedirect(_) => "wrong_redirect",
            Self::RedirectLoop => "redirect_loop",
            Self::LostSession => "lost_session",
            Self::PageChanged => "page_changed",
            Self::AcceptAnyPassword => "accept_any_password",
            Self::WrongIdentity => "wrong_identity",
            Self::LogoutIneffective => "logout_ineffective",
            Self::Challenge => "challenge",
            Self::LockAccount => "lock_account",
        }
    }

    /// Whether it strikes a connection before any request.
    #[must_use]
    pub fn is_of_connections(&self) -> bool {
        matches!(self, Self::Refuse | Self::ResetOnAccept) || self.delays_tls()
    }

    /// Whether it delays a TLS handshake.
    #[must_use]
    pub fn delays_tls(&self) -> bool {
        matches!(self, Self::Slow(slow) if !slow.tls.is_zero())
    }

    /// The actions at which it can show; empty for a fault of connections.
    #[must_use]
    pub fn actions(&self) -> &'static [Action] {
        match self {
            fault if fault.is_of_connections() => &[],
            Self::LostSession
            | Self::WrongIdentity
            | Self::WrongRedirect(_)
            | Self::AcceptAnyPassword
            | Self::LockAccount => &[Action::Login],
            Self::LogoutIneffective => &[Action::Logout],
            Self::PageChanged => &[Action::Page, Action::Login],
            _ => &[Action::Page, Action::Login, Action::Session, Action::Logout, Action::Other],
        }
    }

    /// Whether it can show at a request of this kind. `credentials` is there for logins only.
    #[must_use]
    pub fn can_show(&self, action: Action, style: Option<Style>, credentials: Option<Credentials>) -> bool {
        let at_action = self.actions().contains(&action);
        at_action
            && match self {
                Self::LostSession | Self::WrongIdentity | Self::WrongRedirect(_) | Self::LockAccount => {
                    credentials == Some(Credentials::Right)
                }
                Self::AcceptAnyPassword => credentials == Some(Credentials::Wrong),
                // A form changes on its page, an API in its answer to a good login.
                Self::PageChanged => match (style, action) {
                    (Some(Style::Form | Style::TwoPage), Action::Page) => true,
                    (Some(Style::Json), Action::Login) => credentials == Some(Credentials::Right),
                    _ => false,
                },
                _ => true,
            }
    }
}
