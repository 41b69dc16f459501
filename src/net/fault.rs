//! The faults of an exchange, and the words for them. Knows no sockets.

use std::error::Error as StdError;
use std::io;

use crate::model::{BadClass, LostClass, Phase, Verdict, chain};

use super::Fault;
use super::wire::{Broken, Wire};

/// A fault whose phase is the one under way.
pub(super) fn bad(class: BadClass, message: impl Into<String>) -> Fault {
    Fault { verdict: Verdict::Bad(class), phase: None, message: message.into() }
}

/// A fault of the prober.
pub(super) fn lost(class: LostClass, message: impl Into<String>) -> Fault {
    Fault { verdict: Verdict::Lost(class), phase: None, message: message.into() }
}

/// The deadline passed.
pub(super) fn timeout(phase: Option<Phase>) -> Fault {
    let message = match phase {
        None => "the time limit had passed before the exchange began",
        Some(Phase::Dns) => "the time limit passed while the name was being resolved",
        Some(Phase::Connect) => "the time limit passed while the connection was being opened",
        Some(Phase::Tls) => "the time limit passed during the TLS handshake",
        Some(Phase::Send) => "the time limit passed while the request was being sent",
        Some(Phase::Wait) => "the time limit passed without an answer",
        Some(Phase::Receive) => "the time limit passed in the middle of the answer",
    };
    Fault { verdict: Verdict::Bad(BadClass::Timeout), phase, message: message.to_owned() }
}

/// No TCP connection. Running out of local resources is the prober's own fault.
pub(super) fn connect(to: &str, error: &io::Error) -> Fault {
    // EMFILE and ENFILE have no kind of their own.
    let out_of_files = matches!(error.raw_os_error(), Some(23 | 24));
    if out_of_files || matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory) {
        return lost(LostClass::Internal, format!("no local socket for a connection to {to}: {error}"));
    }
    bad(BadClass::Connect, format!("cannot connect to {to}: {}", io_words(error)))
}

/// An IO error for people.
pub(super) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::TimedOut => "the operating system gave up waiting".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        _ => chain(error),
    }
}

/// The end came where more was announced.
fn ends_early(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The HTTP library gave up. What the socket saw is the better witness, so it is asked first.
pub(super) fn http(error: &hyper::Error, wire: &Wire) -> Fault {
    let marks = wire.marks();
    let answered = marks.first_read().is_some();
    match &marks.broken {
        Some(Broken::TooLarge(what)) => return bad(BadClass::TooLarge, format!("the answer has {what}")),
        // With TLS 1.3 a server judges the client's certificate after the client's handshake is over, so its
        // refusal comes in place of an answer.
        Some(Broken::Tls(reason)) if !answered => {
            return Fault { phase: Some(Phase::Tls), ..bad(BadClass::Tls, reason.0.clone()) };
        }
        Some(Broken::Tls(reason)) => return bad(BadClass::Protocol, reason.0.clone()),
        Some(Broken::Io(words)) => return bad(BadClass::Protocol, format!("the connection broke: {words}")),
        None => {}
    }
    if error.is_parse_too_large() {
        return bad(BadClass::TooLarge, "the answer's head is larger than the limits allow");
    }
    if error.is_parse() {
        return bad(BadClass::Protocol, format!("the answer is not valid HTTP: {}", chain(error)));
    }
    let closed = error.is_incomplete_message() || error.is_canceled() || error.is_closed() || ends_early(error);
    if closed && !answered {
        return bad(BadClass::Protocol, "the server closed the connection without an answer");
    }
    if closed {
        return bad(BadClass::Protocol, "the server closed the connection in the middle of the answer");
    }
    bad(BadClass::Protocol, format!("the exchange broke off: {}", chain(error)))
}
