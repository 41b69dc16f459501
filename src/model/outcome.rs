//! What a run was: verdict, class, blame, and the measured evidence, hop by hop and phase by phase.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{AccountName, FlowName, Revision, RunId, StepName, VantageName};
use super::units::Micros;

/// Declares a field-less enum together with its stable spelling in records, metrics and reports.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable spelling in records, metrics and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this spelling.
            #[must_use]
            pub fn from_spelling(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

spelled!(
    /// A part of a hop. The order is the order in time.
    Phase {
        /// Name resolution.
        Dns = "dns",
        /// The TCP handshake (through a proxy: to the proxy, and its CONNECT exchange).
        Connect = "connect",
        /// The TLS handshake.
        Tls = "tls",
        /// From the first to the last byte of the request handed to the socket.
        Send = "send",
        /// From the last byte of the request to the first byte of the answer.
        Wait = "wait",
        /// From the first to the last byte of the answer.
        Receive = "receive",
    }
);

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

/// The time one phase took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Measured duration.
    pub micros: Micros,
    /// The phase did not finish: it took at least `micros`.
    pub cut: bool,
}

/// The phases of one hop. A phase that did not happen (no TLS, a reused connection) is absent, not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    slots: [Option<PhaseTime>; 6],
}

impl Phases {
    /// The time of `phase`, if it happened.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<PhaseTime> {
        self.slots[phase as usize]
    }

    /// Records a finished phase.
    pub fn finish(&mut self, phase: Phase, micros: Micros) {
        self.slots[phase as usize] = Some(PhaseTime { micros, cut: false });
    }

    /// Records a phase that was cut off: it took at least `micros`.
    pub fn cut(&mut self, phase: Phase, micros: Micros) {
        self.slots[phase as usize] = Some(PhaseTime { micros, cut: true });
    }

    /// All phases that happened, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, PhaseTime)> + '_ {
        Phase::ALL.iter().filter_map(|&phase| self.get(phase).map(|time| (phase, time)))
    }

    /// The sum of all phases.
    #[must_use]
    pub fn total(&self) -> Micros {
        self.iter().map(|(_, time)| time.micros).sum()
    }
}

spelled!(
    /// The HTTP version that a hop spoke.
    HttpVersion {
        /// HTTP/1.0.
        Http10 = "1.0",
        /// HTTP/1.1.
        Http11 = "1.1",
        /// HTTP/2.
        Http2 = "2",
    }
);

/// One HTTP exchange, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The step it belongs to: an index into [`Run::steps`].
    pub step: u16,
    /// Request method.
    pub method: String,
    /// Request URL with every secret hidden.
    pub url: String,
    /// Answer status; absent when no answer came.
    pub status: Option<u16>,
    /// HTTP version; absent when no connection came about.
    pub version: Option<HttpVersion>,
    /// The address that was connected to.
    pub address: Option<IpAddr>,
    /// The connection of an earlier hop of the same run carried this one, so it has no dns, connect or tls phase.
    pub reused: bool,
    /// When it began, counted from the start of the run.
    pub offset: Micros,
    /// The measured phases.
    pub phases: Phases,
    /// Bytes of the answer's body on the wire.
    pub body_bytes: u64,
}

spelled!(
    /// What a step means for a user; decides what counts as login time.
    StepRole {
        /// On the way in: counts as login time.
        Login = "login",
        /// The proof of who is logged in, the last part of the login time.
        Identity = "identity",
        /// Logging out and its proof: measured, but no part of the login time.
        Logout = "logout",
    }
);

/// One step as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's name.
    pub name: StepName,
    /// What the step means for a user.
    pub role: StepRole,
    /// When it began, counted from the start of the run.
    pub offset: Micros,
    /// The sum of all phases of its hops: time spent on the network and in the service, none in the prober.
    pub micros: Micros,
    /// False when the step failed.
    pub done: bool,
    /// What was matched, captured, sent and found, secrets hidden; for people.
    pub evidence: Vec<String>,
}

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed; absent when the run failed before or after all steps.
    pub step: Option<StepName>,
    /// The phase that failed or was cut off; absent when the exchange itself was fine.
    pub phase: Option<Phase>,
    /// What happened, secrets hidden; a lowercase sentence.
    pub message: String,
}

/// One execution of a flow for one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Identity; equal ids are the same run.
    pub id: RunId,
    /// What was tried.
    pub kind: RunKind,
    /// The flow.
    pub flow: FlowName,
    /// The revision of the flow that was executed.
    pub revision: Revision,
    /// Where from.
    pub vantage: VantageName,
    /// The slot that was served.
    pub slot: Timestamp,
    /// 0 for the scheduled attempt; later numbers are re-probes.
    pub attempt: u16,
    /// When it began, by the wall clock.
    pub started: Timestamp,
    /// How long it took from start to end by the monotonic clock, prober's own work included.
    pub elapsed: Micros,
    /// The longest time during the run for which the worker itself did not get to run.
    pub lag: Micros,
    /// What the run says.
    pub verdict: Verdict,
    /// Where and why it failed; absent when good.
    pub failure: Option<Failure>,
    /// The test account it used.
    pub account: Option<AccountName>,
    /// The steps that were begun.
    pub steps: Vec<StepRecord>,
    /// All hops, in order.
    pub hops: Vec<Hop>,
}

impl Run {
    /// Login time: what a user waited for the network and the service from the first step to the proof of identity.
    /// Logging out and the prober's own work are no part of it. `None` when no step was begun.
    #[must_use]
    pub fn login_time(&self) -> Option<Micros> {
        let mut counted = self.steps.iter().filter(|step| step.role != StepRole::Logout).peekable();
        counted.peek()?;
        Some(counted.map(|step| step.micros).sum())
    }

    /// How late the run began.
    #[must_use]
    pub fn lateness(&self) -> Micros {
        let late = self.started.as_microsecond().saturating_sub(self.slot.as_microsecond());
        Micros(u64::try_from(late).unwrap_or(0))
    }

    /// A run that never began, so that a slot is never silence.
    #[must_use]
    pub fn never_began(
        identity: (RunKind, FlowName, Revision, VantageName, Timestamp),
        noticed: Timestamp,
        class: LostClass,
        message: String,
    ) -> Self {
        let (kind, flow, revision, vantage, slot) = identity;
        Self {
            id: RunId::new(kind, &flow, &vantage, slot, 0),
            kind,
            flow,
            revision,
            vantage,
            slot,
            attempt: 0,
            started: noticed,
            elapsed: Micros(0),
            lag: Micros(0),
            verdict: Verdict::Lost(class),
            failure: Some(Failure { step: None, phase: None, message }),
            account: None,
            steps: Vec::new(),
            hops: Vec::new(),
        }
    }
}

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

    #[test]
    fn an_absent_phase_is_not_zero() {
        let mut phases = Phases::default();
        phases.finish(Phase::Connect, Micros(10));
        phases.cut(Phase::Wait, Micros(500));
        assert_eq!(phases.get(Phase::Tls), None);
        assert_eq!(phases.total(), Micros(510));
        assert!(phases.get(Phase::Wait).unwrap().cut);
        assert_eq!(phases.iter().map(|(phase, _)| phase).collect::<Vec<_>>(), [Phase::Connect, Phase::Wait]);
    }
}
