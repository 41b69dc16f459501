//! Limits and network settings: what one exchange, one run and one worker may take.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// Which addresses may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressFamily {
    /// The first address that the resolver gives.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// PEM file with the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// How a flow uses the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Which addresses may be used.
    pub family: AddressFamily,
    /// A DNS server to ask instead of the system's resolver.
    pub resolver: Option<SocketAddr>,
    /// An `http://[user:password@]host:port` proxy. TLS goes through CONNECT.
    pub proxy: Option<Url>,
    /// Hosts that bypass the proxy: exact names, or `.suffix`.
    pub no_proxy: Vec<String>,
    /// PEM files of certificate authorities trusted beside the system's.
    pub certificate_authorities: Vec<PathBuf>,
    /// Trust only `certificate_authorities`.
    pub only_these_authorities: bool,
    /// Client certificate.
    pub client_identity: Option<ClientIdentity>,
    /// Offer HTTP/1.1 only.
    pub http1_only: bool,
}

/// What one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// Bytes of an answer's head.
    pub head_bytes: usize,
    /// Bytes of an answer's body, counted on the wire and again after decompression.
    pub body_bytes: usize,
}

/// What one run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// From start to verdict.
    pub timeout: Duration,
    /// Hops of one step (redirects included).
    pub hops_per_step: u16,
    /// Cookies that a session may hold; a flood beyond it is `too_large`.
    pub cookies: usize,
    /// Each exchange.
    pub exchange: ExchangeLimits,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            hops_per_step: 20,
            cookies: 300,
            exchange: ExchangeLimits { head_bytes: 64 * 1024, body_bytes: 4 * 1024 * 1024 },
        }
    }
}

/// Looking again after a failed login: extra probes between the slots tell an outage from a single failure sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reprobe {
    /// From one extra probe to the next.
    pub every: Duration,
    /// So many good logins in a row end it.
    pub until_good: u32,
    /// At most this many extra probes within any hour, per flow and vantage: each is a real login.
    pub most_per_hour: u32,
}

impl Reprobe {
    /// The most extra logins of one flow at one vantage within an hour.
    #[must_use]
    pub fn worst_hour(self) -> u32 {
        let fit = 3600.0 / self.every.as_secs_f64();
        self.most_per_hour.min(fit.ceil() as u32)
    }
}

impl Default for Reprobe {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), until_good: 6, most_per_hour: 24 }
    }
}

/// What one worker may take and do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Runs under way at once against one target (scheme, host and port of a flow's first request).
    pub runs_per_target: u32,
    /// Runs begun per minute against one target.
    pub runs_per_minute: u32,
    /// How long a stop waits for runs under way.
    pub grace: Duration,
    /// A run during which the worker itself did not get to run for this long is `lost(overloaded)`.
    pub lag: Duration,
    /// A URL that is fetched when a run fails to connect; when it fails too, the run is `lost(local_network)`.
    pub control: Option<Url>,
    /// How to look again after a failed login; `None`: only at the next slot.
    pub reprobe: Option<Reprobe>,
    /// Whether addresses of private and loopback ranges may be probed.
    pub private_addresses: bool,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            runs_per_target: 50,
            runs_per_minute: 600,
            grace: Duration::from_secs(30),
            lag: Duration::from_millis(250),
            control: None,
            reprobe: Some(Reprobe::default()),
            private_addresses: true,
        }
    }
}
