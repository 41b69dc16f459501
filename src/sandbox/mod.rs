//! An identity service on loopback that fails on a script and keeps a log of the truth.
//!
//! It proves a probe before it is needed (does the alarm go red when logins hang?) and gives tests a known truth: what
//! the report says can be compared with what the service did, login by login.
//!
//! In reading order: [`Script`] says what fails when; `timetable` decides for each request; `state` holds users and
//! sessions; `pages` and `reply` are what a visitor sees; `service` puts them together for one request; `body`, `wire`
//! and `listener` bring it onto the network; `truth` writes down what was done.
//!
//! It knows nothing of flows, runs and reports. It has well-known passwords and no mercy, so it listens on loopback
//! only.

mod body;
mod draw;
mod listener;
mod pages;
mod reply;
mod route;
mod script;
mod service;
mod state;
mod timetable;
mod tls;
mod truth;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;

pub use script::{Action, Credentials, Draw, Fault, Hold, Rule, Scope, Script, Slow, StandardUsers, Style, User};
pub use truth::{LoginResult, LoginTruth, RequestTruth};

use listener::Listening;
use service::Service;
use state::State;
use timetable::Timetable;
use truth::TruthLog;

/// How a sandbox is started.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; a loopback address. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Speak HTTPS with a certificate of an own authority, HTTP/2 by ALPN.
    pub tls: bool,
    /// Replaces the script's seed.
    pub seed: Option<u64>,
    /// Stamps the truth.
    pub clock: Clock,
    /// A file that takes the truth, one JSON object a line. An older file of the name is replaced.
    pub truth_file: Option<PathBuf>,
    /// Keep the truth in memory for [`Sandbox::truth`] and [`Sandbox::requests`]; it grows without bound.
    pub keep_truth: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: false,
            seed: None,
            clock: Clock::system(),
            truth_file: None,
            keep_truth: true,
        }
    }
}

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is open to others.
    #[error(
        "{0} is not a loopback address; the sandbox has well-known passwords, so it listens on 127.0.0.0/8 or ::1 only"
    )]
    NotLoopback(SocketAddr),
    /// The script delays TLS where there is none.
    #[error("rule {rule} delays the TLS handshake, but this sandbox speaks plain HTTP; start it with TLS")]
    NoTls {
        /// Number of the rule, from 1.
        rule: usize,
    },
    /// The address cannot be used.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The truth cannot be written.
    #[error("failed to create the truth file {}: {source}", path.display())]
    TruthFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("failed to make a certificate: {0}")]
    Certificate(String),
}

/// A running identity service. Dropping it stops it without waiting; [`Sandbox::stop`] waits until the truth is
/// complete.
pub struct Sandbox {
    address: SocketAddr,
    authority: Option<String>,
    truth: Arc<TruthLog>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Starts listening; the script's timetable begins now.
    ///
    /// # Errors
    /// [`StartError`] when the address is not on loopback or in use, the script needs TLS that is not on, the truth
    /// file cannot be created, or no certificate can be made.
    pub async fn start(script: Script, options: Options) -> Result<Self, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(options.listen));
        }
        if let Some(rule) = script.rules.iter().position(|rule| rule.fault.delays_tls()).filter(|_| !options.tls) {
            return Err(StartError::NoTls { rule: rule + 1 });
        }
        let identity = options.tls.then(|| tls::Identity::generate(options.listen.ip())).transpose()?;
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| StartError::Listen { address: options.listen, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address: options.listen, source })?;
        let start = Instant::now();
        let seed = options.seed.unwrap_or(script.seed);
        let truth =
            Arc::new(TruthLog::create(options.truth_file.as_deref(), options.keep_truth, options.clock, start)?);
        truth.started(address, seed);
        let service = Arc::new(Service {
            state: State::new(script.users, options.tls),
            timetable: Timetable::new(script.rules, seed),
            truth: Arc::clone(&truth),
            start,
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (authority, acceptor) = identity.map(|identity| (identity.authority_pem, identity.server)).unzip();
        let listening = Listening { service, address, acceptor, stop: stop.clone(), tasks: tasks.clone() };
        let open = !listening.service.timetable.is_closed(Duration::ZERO);
        if !open {
            listening.service.truth.listener("closed");
        }
        tasks.spawn(listening.run(open.then_some(listener)));
        Ok(Self { address, authority, truth, stop, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS` or `https://ADDRESS`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of the authority that a client must trust; `None` without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Every login so far, in the order of arrival. Empty when the truth is not kept.
    #[must_use]
    pub fn truth(&self) -> Vec<LoginTruth> {
        self.truth.logins()
    }

    /// Every request that has ended so far, in the order of their ends. Empty when the truth is not kept.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestTruth> {
        self.truth.requests()
    }

    /// Stops: closes the listener, cuts every connection, and waits until each request's truth is written. Returns
    /// all of it: logins in the order of arrival, requests in the order of their ends.
    pub async fn stop(self) -> (Vec<LoginTruth>, Vec<RequestTruth>) {
        self.end().await;
        (self.truth.logins(), self.truth.requests())
    }

    /// Stops as [`Sandbox::stop`] does, for one whose truth is in a file: says why the file is not complete, if so.
    pub async fn finish(self) -> Option<String> {
        self.end().await;
        self.truth.write_error()
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
