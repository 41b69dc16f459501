//! What a run says: verdict, class and blame. The vocabulary of the report.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spelling::spelled;

spelled!(
    /// Why a run was bad: the service failed a user.
    BadClass {
        /// The name does not resolve.
        Dns = "dns",
        /// No TCP connection.
        Connect = "connect",
        /// No TLS session, or a certificate that a user's browser would refuse.
        Tls = "tls",
        /// The limit passed; the failure names phase and step. Whether the service acted is unknown to the user.
        Timeout = "timeout",
        /// The connection broke or spoke no valid HTTP in the middle of an exchange.
        Protocol = "protocol",
        /// An answer larger than the limits allow, in headers or body.
        TooLarge = "too_large",
        /// A status that the flow does not expect.
        HttpStatus = "http_status",
        /// The same URL with the same cookies again, or more hops than allowed.
        RedirectLoop = "redirect_loop",
        /// A redirect that must not be followed: another scheme, a malformed address.
        BadRedirect = "bad_redirect",
        /// Too many requests, in the service's own words.
        Throttled = "throttled",
        /// A CAPTCHA or firewall page instead of the login.
        Challenge = "challenge",
        /// The form, field, marker or value that the flow needs is not there.
        PageChanged = "page_changed",
        /// The right credential was refused.
        CredentialsRefused = "credentials_refused",
        /// The right second factor was refused.
        SecondFactorRefused = "second_factor_refused",
        /// A token whose signature, issuer, audience, nonce or expiry is wrong.
        TokenInvalid = "token_invalid",
        /// Logged in, but the session does not work.
        SessionUnusable = "session_unusable",
        /// Logged in as somebody else.
        WrongIdentity = "wrong_identity",
        /// The session still works after logging out.
        LogoutIneffective = "logout_ineffective",
        /// A wrong password was refused, but not in the way the flow says.
        RefusalChanged = "refusal_changed",
        /// Another prober, whose runs were imported, says that it failed, and no more.
        Unclassified = "unclassified",
        /// A wrong password was let in. The loudest failure there is.
        AcceptedWrongPassword = "accepted_wrong_password",
        /// Logged in although no credential was presented.
        AcceptedWithoutCredentials = "accepted_without_credentials",
    }
);

spelled!(
    /// Why a run says nothing about the service: the prober's own fault.
    LostClass {
        /// The slot passed unserved: the worker was down, late, or at its overlap or permit limit.
        MissedSlot = "missed_slot",
        /// The worker itself was starved while it measured.
        Overloaded = "overloaded",
        /// The control target failed too.
        LocalNetwork = "local_network",
        /// The clock jumped during the run.
        LocalClock = "local_clock",
        /// The worker was told to stop.
        Aborted = "aborted",
        /// A fault of Doorstep itself, or of its configuration, found while running.
        Internal = "internal",
        /// The test account is locked.
        AccountLocked = "account_locked",
        /// The test account cannot be used: no secret, disabled, expired.
        AccountUnusable = "account_unusable",
        /// Doorstep's own rules forbid the request: a private address, a rate cap, the lockout budget.
        RefusedByPolicy = "refused_by_policy",
    }
);

spelled!(
    /// Who has to act on a failure.
    Blame {
        /// The service, or what it depends on.
        Service = "service",
        /// The service, and it is a security incident.
        Security = "security",
        /// The prober: its machine, network, account or configuration.
        Prober = "prober",
    }
);

impl BadClass {
    /// Who has to act.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self {
            Self::AcceptedWrongPassword | Self::AcceptedWithoutCredentials => Blame::Security,
            _ => Blame::Service,
        }
    }
}

/// What one run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A user could log in.
    Good,
    /// The service failed a user.
    Bad(BadClass),
    /// We cannot say: the prober's own fault.
    Lost(LostClass),
}

impl Verdict {
    /// `good`, `bad` or `lost`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad(_) => "bad",
            Self::Lost(_) => "lost",
        }
    }

    /// The class's spelling; `None` for a good run.
    #[must_use]
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Bad(class) => Some(class.as_str()),
            Self::Lost(class) => Some(class.as_str()),
        }
    }

    /// The verdict with these two spellings.
    #[must_use]
    pub fn from_spelling(verdict: &str, class: Option<&str>) -> Option<Self> {
        match (verdict, class) {
            ("good", None) => Some(Self::Good),
            ("bad", Some(class)) => BadClass::from_spelling(class).map(Self::Bad),
            ("lost", Some(class)) => LostClass::from_spelling(class).map(Self::Lost),
            _ => None,
        }
    }

    /// Who has to act; `None` for a good run.
    #[must_use]
    pub fn blame(self) -> Option<Blame> {
        match self {
            Self::Good => None,
            Self::Bad(class) => Some(class.blame()),
            Self::Lost(_) => Some(Blame::Prober),
        }
    }
}

impl fmt::Display for Verdict {
    /// `good`, `bad(timeout)`, `lost(missed_slot)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            None => f.pad("good"),
            Some(class) => f.pad(&format!("{}({class})", self.as_str())),
        }
    }
}

spelled!(
    /// What a run tried.
    RunKind {
        /// To log in, as a user would.
        Login = "login",
        /// To log in with a wrong password, which must be refused. It has a series of its own and never counts in
        /// a flow's availability.
        WrongPassword = "wrong_password",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_round_trip() {
        for &class in BadClass::ALL {
            let verdict = Verdict::Bad(class);
            assert_eq!(Verdict::from_spelling("bad", Some(class.as_str())), Some(verdict));
        }
        for &class in LostClass::ALL {
            let verdict = Verdict::Lost(class);
            assert_eq!(Verdict::from_spelling("lost", Some(class.as_str())), Some(verdict));
        }
        assert_eq!(Verdict::from_spelling("good", None), Some(Verdict::Good));
        assert_eq!(Verdict::from_spelling("good", Some("dns")), None);
        assert_eq!(Verdict::Bad(BadClass::Timeout).to_string(), "bad(timeout)");
    }
}
