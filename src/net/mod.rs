//! One HTTP exchange over connections of our own, measured phase by phase. Knows no cookies, no redirects, no flows.
//!
//! The measured path drives `hyper::client::conn` over sockets and TLS sessions that are opened here, because a
//! ready-made client has no hooks for phases. One address per connection attempt, no racing, no silent retry.
//! Nothing that the prober computes (decompression, parsing) is inside a phase.
//!
//! In reading order: `transport` (settings of a flow, connections of a run, the way of one exchange), `resolve` and
//! `dns` (names), `proxy`, `trust` and `tls`, `wire` and `frames` (where the instants are taken), `carrier` (HTTP over
//! a socket), `message` and `answer` (request out, answer in), `coding` (after the measurement), `progress` (what is
//! known when it ends early) and `fault` (the words for it). `secure` lends `trust` and `tls` to other protocols.

mod address;
mod answer;
mod carrier;
mod coding;
mod dns;
mod fault;
mod frames;
mod message;
mod progress;
mod proxy;
mod resolve;
mod secure;
mod tls;
mod transport;
mod trust;
mod wire;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::net::IpAddr;
use url::Url;

use crate::model::{HttpVersion, Phase, Phases, Verdict};

pub use secure::Secure;
pub use transport::{Connections, Transport};
pub use trust::{SetupError, authorities};

/// A request to send. `Host`, `Content-Length` and `Connection` are set by the exchange; everything else (cookies,
/// user agent, `Accept-Encoding`, `Content-Type`) is the caller's.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute `http` or `https` URL; its fragment is not sent.
    pub url: Url,
    /// Headers in the order of insertion.
    pub headers: HeaderMap,
    /// The whole body; empty for none.
    pub body: Bytes,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body after decompression.
    pub body: Bytes,
}

/// One exchange as it went: measured whether it succeeded or not.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The measured phases; the one that was cut off is marked so.
    pub phases: Phases,
    /// The address that was connected to.
    pub address: Option<IpAddr>,
    /// HTTP version.
    pub version: Option<HttpVersion>,
    /// A connection of an earlier exchange carried this one.
    pub reused: bool,
    /// The answer's status, also when its body then failed.
    pub status: Option<u16>,
    /// Bytes of the answer's body on the wire.
    pub body_bytes: u64,
    /// The answer, or why there is none.
    pub outcome: Result<Response, Fault>,
}

/// Why an exchange gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it means for the run: `Bad(dns | connect | tls | timeout | protocol | too_large)` or
    /// `Lost(refused_by_policy | internal)`.
    pub verdict: Verdict,
    /// The phase in which it happened.
    pub phase: Option<Phase>,
    /// What happened: a lowercase sentence with the whole chain of causes, without request data.
    pub message: String,
}
