//! What the sandbox did, login by login and request by request: in a file, in memory, or both. Passwords, cookies,
//! tokens and query strings are not part of it.
//!
//! The file has one JSON object a line, told apart by `kind`: `start`, `listener` (closed, opened), `connection` (only
//! when a rule struck it), `login` and `request`. Each line is written in one piece as soon as it is true: a login and
//! its request when the answer was handed to the socket or came to nothing.

use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::StartError;
use super::script::{Action, Style};
use super::timetable::Strike;
use crate::clock::Clock;

/// One submission of a user name and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoginTruth {
    /// From 1, in the order of arrival.
    #[serde(rename = "login_id")]
    pub login: u64,
    /// When it arrived.
    pub time: Timestamp,
    /// The same in milliseconds since the start, as the script counts.
    pub since_start_ms: u64,
    /// Source address.
    pub client: IpAddr,
    /// Way of logging in.
    pub style: Style,
    /// The user name as typed.
    pub user: String,
    /// What became of it.
    pub result: LoginResult,
    /// The fault that struck it.
    pub fault: Option<&'static str>,
    /// The fault's rule, from 1.
    pub rule: Option<usize>,
    /// The whole answer was handed to the socket. False while it is under way, and when the client went away first.
    pub completed: bool,
}

/// What became of a login, as the service sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginResult {
    /// The right user is in.
    Good,
    /// Wrong credentials were refused, as they should be.
    Refused,
    /// The account is locked.
    Locked,
    /// A fault kept the user out, or let the login look right without being so.
    Failed,
    /// No answer was given.
    Hung,
    /// Wrong credentials were let in.
    AcceptedWrong,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestTruth {
    /// From 1, in the order of arrival.
    pub sequence: u64,
    /// When its head had arrived.
    pub time: Timestamp,
    /// The same in milliseconds since the start, as the script counts.
    pub since_start_ms: u64,
    /// Number of the connection, from 1.
    pub connection: u64,
    /// Source address.
    pub client: IpAddr,
    /// Method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Way of logging in, where the path or the session tells.
    pub style: Option<Style>,
    /// What it was for.
    pub action: Action,
    /// Who is logging in or logged in.
    pub user: Option<String>,
    /// The login that it is, or that its session came from.
    #[serde(rename = "login_id")]
    pub login: Option<u64>,
    /// The fault that struck it.
    pub fault: Option<&'static str>,
    /// The fault's rule, from 1.
    pub rule: Option<usize>,
    /// The answer's status; `None`: not answered.
    pub status: Option<u16>,
    /// The whole answer was handed to the socket.
    pub completed: bool,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Start { time: Timestamp, address: SocketAddr, seed: u64 },
    Listener { time: Timestamp, since_start_ms: u64, state: &'a str },
    Connection { time: Timestamp, since_start_ms: u64, connection: u64, client: IpAddr, fault: &'a str, rule: usize },
    Login(&'a LoginTruth),
    Request(&'a RequestTruth),
}

/// Takes down what happens.
pub(super) struct TruthLog {
    clock: Clock,
    start: Instant,
    sequence: AtomicU64,
    keep: bool,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    last_login: u64,
    logins: Vec<LoginTruth>,
    requests: Vec<RequestTruth>,
    file: Option<File>,
    write_error: Option<String>,
}

impl TruthLog {
    pub(super) fn create(path: Option<&Path>, keep: bool, clock: Clock, start: Instant) -> Result<Self, StartError> {
        let create =
            |path: &Path| File::create(path).map_err(|source| StartError::TruthFile { path: path.to_owned(), source });
        let file = path.map(create).transpose()?;
        let book = Mutex::new(Book { file, ..Book::default() });
        Ok(Self { clock, start, sequence: AtomicU64::new(0), keep, book })
    }

    pub(super) fn logins(&self) -> Vec<LoginTruth> {
        self.lock().logins.clone()
    }

    pub(super) fn requests(&self) -> Vec<RequestTruth> {
        self.lock().requests.clone()
    }

    pub(super) fn write_error(&self) -> Option<String> {
        self.lock().write_error.clone()
    }

    pub(super) fn started(&self, address: SocketAddr, seed: u64) {
        let time = self.clock.now();
        self.lock().write(&Line::Start { time, address, seed });
    }

    pub(super) fn listener(&self, state: &str) {
        let (time, since_start_ms) = self.now();
        self.lock().write(&Line::Listener { time, since_start_ms, state });
    }

    pub(super) fn connection_struck(&self, connection: u64, client: IpAddr, strike: &Strike) {
        let (time, since_start_ms) = self.now();
        let (fault, rule) = (strike.fault.name(), strike.rule);
        self.lock().write(&Line::Connection { time, since_start_ms, connection, client, fault, rule });
    }

    fn now(&self) -> (Timestamp, u64) {
        let elapsed = self.start.elapsed().as_millis();
        (self.clock.now(), u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn write(&mut self, line: &Line<'_>) {
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            file.write_all(&bytes)
        });
        if let Err(error) = written {
            // The file would have a hole from here on; an end is honest.
            tracing::error!(%error, "failed to write the sandbox's truth; it ends here");
            self.write_error = Some(error.to_string());
            self.file = None;
        }
    }
}

/// The record of one request while it is under way. Dropping it writes the truth, whatever became of the request.
pub(super) struct Record {
    log: Arc<TruthLog>,
    request: RequestTruth,
    login: Option<LoginTruth>,
    /// Where the login stands in the kept list.
    place: Option<usize>,
}

impl Record {
    pub(super) fn begin(log: &Arc<TruthLog>, connection: u64, client: IpAddr, method: &str, path: &str) -> Self {
        let (time, since_start_ms) = log.now();
        let request = RequestTruth {
            sequence: log.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            time,
            since_start_ms,
            connection,
            client,
            method: method.to_owned(),
            path: path.to_owned(),
            style: None,
            action: Action::Other,
            user: None,
            login: None,
            fault: None,
            rule: None,
            status: None,
            completed: false,
        };
        Self { log: Arc::clone(log), request, login: None, place: None }
    }

    pub(super) fn is_for(&mut self, action: Action, style: Option<Style>) {
        self.request.action = action;
        self.request.style = style;
    }

    /// The request uses a session.
    pub(super) fn session(&mut self, user: &str, login: u64) {
        self.request.user = Some(user.to_owned());
        self.request.login = Some(login);
    }

    /// The request is a login; returns its number.
    pub(super) fn login(&mut self, user: &str, style: Style) -> u64 {
        let mut book = self.log.lock();
        book.last_login += 1;
        let login = LoginTruth {
            login: book.last_login,
            time: self.request.time,
            since_start_ms: self.request.since_start_ms,
            client: self.request.client,
            style,
            user: user.to_owned(),
            // Until the answer is known, there is none.
            result: LoginResult::Hung,
            fault: None,
            rule: None,
            completed: false,
        };
        if self.log.keep {
            self.place = Some(book.logins.len());
            book.logins.push(login.clone());
        }
        drop(book);
        let number = login.login;
        self.request.user = Some(user.to_owned());
        self.request.login = Some(number);
        self.login = Some(login);
        number
    }

    pub(super) fn struck(&mut self, strike: &Strike) {
        self.request.fault = Some(strike.fault.name());
        self.request.rule = Some(strike.rule);
        self.change_login(|login| {
            login.fault = Some(strike.fault.name());
            login.rule = Some(strike.rule);
        });
    }

    pub(super) fn result(&mut self, result: LoginResult) {
        self.change_login(|login| login.result = result);
    }

    pub(super) fn status(&mut self, status: u16) {
        self.request.status = Some(status);
    }

    pub(super) fn completed(&mut self) {
        self.request.completed = true;
        self.change_login(|login| login.completed = true);
    }

    /// Changes the login and its copy in the kept list.
    fn change_login(&mut self, change: impl Fn(&mut LoginTruth)) {
        if let Some(login) = &mut self.login {
            change(login);
            if let Some(place) = self.place
                && let Some(kept) = self.log.lock().logins.get_mut(place)
            {
                change(kept);
            }
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let mut book = self.log.lock();
        if let Some(login) = &self.login {
            book.write(&Line::Login(login));
        }
        book.write(&Line::Request(&self.request));
        if self.log.keep {
            book.requests.push(self.request.clone());
        }
    }
}
