//! Users, sessions and the tokens of forms. Knows no HTTP and no faults.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::script::{Credentials, Style, User};
use super::timetable::LoginTickets;

/// How long a session lives.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Dead sessions are looked for after this many new ones.
const SWEEP_AFTER: usize = 4096;

/// Everything that the service remembers.
pub(super) struct State {
    users: Vec<User>,
    /// HTTPS: cookies are `Secure`.
    pub(super) secure: bool,
    key: [u8; 32],
    counter: AtomicU64,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<String, Session>,
    new_since_sweep: usize,
}

/// Somebody is logged in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who the service takes the visitor for.
    pub(super) user: String,
    pub(super) style: Style,
    /// The login that began it.
    pub(super) login: u64,
    pub(super) tickets: Arc<LoginTickets>,
    pub(super) expires: Duration,
}

/// What the user list says of a name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Right,
    Wrong,
    /// The right password of a locked account.
    Locked,
}

impl Check {
    pub(super) fn credentials(self) -> Credentials {
        if self == Self::Right { Credentials::Right } else { Credentials::Wrong }
    }
}

impl State {
    pub(super) fn new(users: Vec<User>, secure: bool) -> Self {
        // The standard library seeds these from the system's randomness: enough for a service on loopback.
        let key = Sha256::digest([0_u64, 1, 2, 3].map(|part| RandomState::new().hash_one(part).to_be_bytes()).concat());
        Self { users, secure, key: key.into(), counter: AtomicU64::new(0), sessions: Mutex::default() }
    }

    pub(super) fn check(&self, name: &str, password: &str) -> Check {
        match self.users.iter().find(|user| user.name == name) {
            Some(user) if user.password.expose() != password => Check::Wrong,
            Some(user) if user.locked => Check::Locked,
            Some(_) => Check::Right,
            None => Check::Wrong,
        }
    }

    /// Any user but this one.
    pub(super) fn somebody_else(&self, name: &str) -> String {
        self.users
            .iter()
            .find(|user| user.name != name)
            .map_or_else(|| "somebody-else".into(), |user| user.name.clone())
    }

    /// A value that nobody has seen before.
    pub(super) fn fresh(&self) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.sealed("fresh", &number.to_string())
    }

    /// A value that only this service can make of `text`, for this use.
    pub(super) fn sealed(&self, usage: &str, text: &str) -> String {
        let mut hash = Sha256::new();
        for part in [&self.key[..], usage.as_bytes(), &[0], text.as_bytes()] {
            hash.update(part);
        }
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..18])
    }

    /// Begins a session and returns its id.
    pub(super) fn begin(&self, session: Session, now: Duration) -> String {
        let id = self.fresh();
        let mut sessions = self.lock();
        sessions.new_since_sweep += 1;
        if sessions.new_since_sweep >= SWEEP_AFTER {
            sessions.new_since_sweep = 0;
            sessions.by_id.retain(|_, session| session.expires > now);
        }
        sessions.by_id.insert(id.clone(), session);
        id
    }

    pub(super) fn session(&self, id: &str, now: Duration) -> Option<Session> {
        self.lock().by_id.get(id).filter(|session| session.expires > now).cloned()
    }

    pub(super) fn end(&self, id: &str) {
        self.lock().by_id.remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    pub(super) fn new(user: &str, style: Style, login: u64, tickets: Arc<LoginTickets>, now: Duration) -> Self {
        Self { user: user.to_owned(), style, login, tickets, expires: now + LIFETIME }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::StandardUsers;
    use super::*;

    fn state() -> State {
        State::new(StandardUsers::all(), false)
    }

    #[test]
    fn credentials_are_right_wrong_or_locked() {
        let state = state();
        assert_eq!(state.check("probe", StandardUsers::PASSWORD), Check::Right);
        assert_eq!(state.check("probe-9", StandardUsers::PASSWORD), Check::Right);
        assert_eq!(state.check("probe", "no"), Check::Wrong);
        assert_eq!(state.check("nobody", StandardUsers::PASSWORD), Check::Wrong);
        assert_eq!(state.check("locked", StandardUsers::PASSWORD), Check::Locked);
        assert_eq!(state.check("locked", "no"), Check::Wrong);
    }

    #[test]
    fn a_session_ends_by_logout_and_by_age() {
        let state = state();
        let begin = || {
            let session = Session::new("probe", Style::Form, 1, Arc::default(), Duration::ZERO);
            state.begin(session, Duration::ZERO)
        };
        let (first, second) = (begin(), begin());
        assert_ne!(first, second);
        assert_eq!(state.session(&first, Duration::ZERO).expect("alive").user, "probe");
        state.end(&first);
        assert!(state.session(&first, Duration::ZERO).is_none());
        assert!(state.session(&second, LIFETIME - Duration::from_secs(1)).is_some());
        assert!(state.session(&second, LIFETIME).is_none());
    }

    #[test]
    fn dead_sessions_are_forgotten() {
        let state = state();
        for second in 0..3 * SWEEP_AFTER as u64 {
            let now = Duration::from_secs(second);
            state.begin(Session::new("probe", Style::Form, 1, Arc::default(), now), now);
        }
        assert!(state.lock().by_id.len() <= SWEEP_AFTER + LIFETIME.as_secs() as usize);
    }

    #[test]
    fn seals_differ_by_use_text_and_service() {
        let state = state();
        assert_eq!(state.sealed("a", "x"), state.sealed("a", "x"));
        assert_ne!(state.sealed("a", "x"), state.sealed("b", "x"));
        assert_ne!(state.sealed("a", "x"), state.sealed("a", "y"));
        assert_ne!(state.sealed("a", "x"), self::state().sealed("a", "x"));
    }
}
